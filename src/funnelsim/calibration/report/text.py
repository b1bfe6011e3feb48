"""What calibration fitted, as plain text: naive beside fitted, how sure, and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from funnelsim.calibration.arrivals.arrival_rate import SourceArrivals
from funnelsim.calibration.arrivals.seasons import FEWEST_WEEKS
from funnelsim.calibration.fitted_history import FittedHistory
from funnelsim.calibration.pooling.source_effects import GroupFits
from funnelsim.calibration.repeat.repeat_purchase_data import report_lines as repeat_lines
from funnelsim.calibration.report.fitted_file import assumed
from funnelsim.calibration.report.grades import followed, grade_lines, quality_rows, read_lines
from funnelsim.calibration.response.response_data import report_lines as response_lines
from funnelsim.calibration.survival.covariates import report_lines as slope_lines
from funnelsim.calibration.survival.model_averaging import ShareEstimate
from funnelsim.calibration.teams.team_text import report_lines as team_lines

DAY = 86400.0
MOST_QUIET = 6  # days that are named


def report(fitted: FittedHistory, verbose: bool = False) -> str:
    """All sections, the answer first."""
    funnel = [_headline(fitted), _stages(fitted), _cohorts(fitted)] if fitted.stages else [_title(fitted)]
    families = [_families(fitted)] if verbose and fitted.stages else []
    sections = [
        *funnel,
        *families,
        _sources(fitted) if fitted.arrivals.sources else "",
        _segments(fitted) if fitted.segments else "",
        "\n".join(slope_lines(fitted.slopes, fitted.history)) if fitted.slopes else "",
        _flight(fitted),
        "\n".join(team_lines(fitted.team)) if fitted.team else "",
        "\n".join(response_lines(fitted.response)) if fitted.response else "",
        "\n".join(repeat_lines(fitted.repeat)) if fitted.repeat else "",
        _quality(fitted) if fitted.stages else "",
        _trust(fitted) if fitted.arrivals.sources else "",
        _rows(fitted),
        _assumed(fitted) if fitted.arrivals.sources else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _title(fitted: FittedHistory) -> str:
    leads = f", {fitted.leads:,} who asked" if fitted.leads else ""
    return f"{fitted.history.name}, as of {fitted.as_of}{leads}."


def _headline(fitted: FittedHistory) -> str:
    first, last = fitted.records.stages[0], fitted.records.stages[-1]
    end = fitted.conversion()
    return (
        f"{fitted.history.name}, as of {fitted.as_of}: {100 * end.value:.1f} % of the leads that enter {first}"
        f" reach {last} in the end (95 % interval {_span(end)});"
        f" counted naively it is {100 * fitted.naive():.1f} %{_since(fitted)}.\n"
        f"{fitted.leads:,} leads; {fitted.arrivals.counts.sum() / fitted.arrivals.weeks:.0f} arrive a week"
        f" (the last {fitted.arrivals.weeks} weeks, since {fitted.arrivals.since})."
    )


def _since(fitted: FittedHistory) -> str:
    if not fitted.history.changes:
        return ""
    change = fitted.history.changes[-1]
    return f" of all, and {100 * fitted.naive(since=change.timestamp()):.1f} % of those since {change:%Y-%m-%d}"


def _stages(fitted: FittedHistory) -> str:
    rows = [("stage", "to", "entered", "left", "naive", "fitted", "95 % interval", "median time", "follow-up")]
    for stage in fitted.stages:
        size = int(stage.current.sum())
        for target in stage.order:
            share, seen = stage.share(target), stage.seen(target)
            exits = stage.of(target)
            rows.append(
                (
                    stage.name if target == stage.order[0] else "",
                    target,
                    f"{size:,}" if target == stage.order[0] else "",
                    f"{seen:,}",
                    f"{100 * seen / size:.1f} %",
                    f"{100 * share.value:.1f} %",
                    _span(share),
                    _days(stage.fit.median(exits)),
                    f"{100 * followed(stage, target):.0f} %",
                )
            )
    note = (
        "naive: left so far / entered. fitted: in the end, open leads and hidden time allowed for."
        " follow-up: of the exits that will happen, how many have had the time to be seen."
    )
    return _table("Conversion by stage", rows, 2) + "\n" + note


def _cohorts(fitted: FittedHistory) -> str:
    if len(fitted.cohorts) < 2:
        return ""
    stage = fitted.stages[0]
    rows = [("entered", "leads", "left", "naive", "fitted", "95 % interval")]
    rows += [
        (name, f"{size:,}", f"{seen:,}", f"{100 * seen / size:.1f} %", f"{100 * share.value:.1f} %", _span(share))
        for name, size, seen, share in fitted.cohorts
    ]
    return _table(f"{stage.name}, going on, by month of entry (time laws in common)", rows, 1)


def _families(fitted: FittedHistory) -> str:
    lines = ["Families (share in the end under the best fit with each, its Akaike weight)"]
    for stage in fitted.stages:
        for j, target in enumerate(stage.targets):
            times = {family: weight for weight, family, _, _ in stage.fit.times(j)}
            parts = [
                f"{family} {100 * share:.2f} % ({times[family]:.2f})"
                for family, share in stage.fit.by_family(j).items()
            ]
            lines.append(f"  {stage.name} -> {target}: {', '.join(parts)}")
    return "\n".join(lines)


def _sources(fitted: FittedHistory) -> str:
    first = fitted.stages[0] if fitted.stages else None
    going_on = f"{first.name} going on" if first else "going on"
    rows = [("source", "a week", "level", "trend", "fit", "its own", "seen", going_on, "95 % interval")]
    for source in fitted.arrivals.sources:
        seen, size = first.naive_sources.get(source.name, (0, 0)) if first else (0, source.leads)
        share = first.sources.get(source.name) if first else None
        shift = fitted.fits.of(source.name)
        trend = "too steep" if source.steep else f"{100 * source.trend:+.0f} %/y" if source.trend else ""
        rows.append(
            (
                source.name,
                _rate(source),
                f"{100 * source.level:.0f} %" if source.level else "-",
                trend or "-",
                f"{shift[0]:+.2f} +- {shift[1]:.2f}" if shift else "-",
                f"{100 * fitted.fits.reliability[fitted.fits.names.index(source.name)]:.0f} %" if shift else "-",
                f"{seen:,} of {size:,}",
                f"{100 * share.value:.1f} %" if share else "as average",
                _span(share) if share else "",
            )
        )
    lines = [
        _table("Sources", rows, 1),
        *_pooled(fitted.fits, "source"),
        f"weekly totals vary {fitted.arrivals.dispersion:.1f} times as much as by chance alone (variance / mean).",
    ]
    for source in fitted.arrivals.sources:
        if source.batches and source.rate:
            batches = " and ".join(f"{leads:,} about {day}" for day, leads in source.batches)
            lines.append(f"{source.name}: {batches} came at once; they count in no rate, level or profile.")
        if source.steep:
            lines.append(
                f"{source.name}: the trend is steeper than twofold a year; its present level is kept, the trend is not."
            )
    return "\n".join([*lines, *_torn(fitted.fits, "source")])


def _segments(fitted: FittedHistory) -> str:
    shares, fits = fitted.segments, fitted.segment_fits
    assert shares is not None
    first = fitted.stages[0] if fitted.stages else None
    going_on = f"{first.name} going on" if first else "going on"
    rows = [("segment", "leads", "share", "fit", "its own", "seen", going_on, "95 % interval")]
    for name in shares.names:
        leads, part = shares.of(name)
        seen, size = first.naive_segments.get(name, (0, 0)) if first else (0, leads)
        share = first.segments.get(name) if first else None
        shift = fits.of(name)
        rows.append(
            (
                name,
                f"{leads:,}",
                f"{100 * part:.1f} %",
                f"{shift[0]:+.2f} +- {shift[1]:.2f}" if shift else "-",
                f"{100 * fits.reliability[fits.names.index(name)]:.0f} %" if shift else "-",
                f"{seen:,} of {size:,}",
                f"{100 * share.value:.1f} %" if share else "as average",
                _span(share) if share else "",
            )
        )
    among = ["fits of sources and segments add up: each is told among leads alike in the other."] if fits.names else []
    return "\n".join([_table("Segments", rows, 1), *_pooled(fits, "segment"), *among, *_torn(fits, "segment")])


def _pooled(fits: GroupFits, what: str) -> list[str]:
    if not fits.names:
        return []
    if not np.isfinite(fits.tau):
        return [f"fit: log-odds to go on, above the average lead; two {what}s do not say how much {what}s differ."]
    return [
        f"fit: log-odds to go on, above the average lead; {what}s differ by {fits.tau:.2f}. its own: how much of a fit"
        f" the {what} says itself; the rest is drawn towards the average."
    ]


def _torn(fits: GroupFits, what: str) -> list[str]:
    """Groups that are good in one stage and bad in another."""
    return [
        f"{name}: stages disagree about this {what} (chi-square {spread:.1f} a stage); one `fit` cannot tell it all."
        for name, spread in zip(fits.names, fits.spread, strict=True)
        if spread > 6.0
    ]


def _rate(source: SourceArrivals) -> str:
    if source.rate or not source.batches:
        return f"{source.rate:.1f}"
    return f"batch of {source.batches[0][1]}" if len(source.batches) == 1 else f"{len(source.batches)} batches"


def _season_months(fitted: FittedHistory) -> tuple[tuple[str, float], tuple[str, float]]:
    """(name, factor) of the months with most and fewest leads."""
    season, as_of = fitted.arrivals.season, fitted.history.as_of
    assert season is not None and as_of is not None
    months = season.by_month(as_of.timestamp(), fitted.history.timezone)[1:]
    named = [(f"{np.datetime64(month).astype(object):%B}", factor) for month, factor in months]
    return max(named, key=lambda one: one[1]), min(named, key=lambda one: one[1])


def _flight(fitted: FittedHistory) -> str:
    snapshot = fitted.in_flight
    rows = [("stage", "open", "in flight", "will move")]
    rows += [
        (name, f"{count:,}", f"{snapshot.listed[name]:,}", f"{snapshot.expected[name]:.0f}")
        for name, count in snapshot.open.items()
        if count
    ]
    if len(rows) == 1:
        return ""
    gone = sum(snapshot.open.values()) - sum(snapshot.listed.values())
    note = f"\n{gone:,} have been open so long that they are most likely gone: left out of the flight." if gone else ""
    return _table("Leads in flight", rows, 1) + note


def _trust(fitted: FittedHistory) -> str:
    lines = []
    for stage in fitted.stages:
        lines += [f"  {stage.name} -> {stage.order[0]}: {note}" for note in stage.notes]
        for timer in stage.timeouts:
            lines.append(
                f"  {stage.name} -> {timer.exit}: {timer.count} of {timer.of:,} fall on one day, {timer.days:.1f} days"
                " after entry: a time-out. Kept as such."
            )
        for misfit in stage.misfits:
            lines.append(
                f"  {stage.name} -> {misfit.exit}: no family follows these times (between {_days(misfit.low)} and"
                f" {_days(misfit.high)}: {misfit.seen} seen, {misfit.expected:.0f} expected). The data's own"
                " times are written, allowing for open leads."
            )
        for j, target in enumerate(stage.targets):
            shares = list(stage.fit.by_family(j).values())
            share = stage.fit.follow_up_share[j]
            if share < 0.7 and j in stage.forward:
                lines.append(
                    f"  {stage.name} -> {target}: only {100 * share:.0f} % of the follow-up is reached;"
                    f" the share rests on the shape of the law ({100 * min(shares):.1f} to {100 * max(shares):.1f} %"
                    " by family)."
                )
    for late in fitted.records.leakage:
        lines.append(
            f"  {late.stage}: the segment is given for {100 * late.went:.1f} % of the leads that went on and"
            f" {100 * late.others:.1f} % of the others; written down with hindsight, it would tell of the outcome."
        )
    if len(fitted.history.changes):
        lines.append(
            f"  the figures are of what entered since {fitted.history.changes[-1]:%Y-%m-%d}; earlier leads have shares"
            " of their own and lend their times."
        )
    if fitted.history.counts:
        lines.append("  counts do not say who is where: no leads in flight; let the scenario warm up.")
    if fitted.arrivals.season:
        high, low = _season_months(fitted)
        lines.append(
            f"  arrivals have a season: most in {high[0]} ({100 * high[1] - 100:+.0f} %), fewest in {low[0]}"
            f" ({100 * low[1] - 100:+.0f} %); rates are of the year's average, and by month in the fitted file."
        )
    elif fitted.arrivals.sources and fitted.arrivals.weeks < FEWEST_WEEKS:
        lines.append(
            f"  {fitted.arrivals.weeks} weeks cannot tell a season of the year from a trend ({FEWEST_WEEKS} can):"
            " none is written."
        )
    for quiet in fitted.arrivals.quiet[:MOST_QUIET]:
        lines.append(f"  {quiet.day}: {quiet.leads} leads where {quiet.expected:.0f} are usual: a holiday?")
    if not fitted.arrivals.hours_known:
        lines.append("  arrivals are known to the day only: hours of the day are flat in the fitted file.")
    return "\n".join(["Mind", *lines]) if lines else ""


def _quality(fitted: FittedHistory) -> str:
    note = (
        "by family: the share under each plausible law. off the data: where the fitted curve is furthest from the"
        " data's own (Aalen-Johansen),\nand how much of it leaves that curve's 90 % band."
    )
    grades = "\n".join(["Grades", *grade_lines(fitted)])
    return _table("How well it is known", quality_rows(fitted), 1) + "\n" + note + "\n\n" + grades


def _rows(fitted: FittedHistory) -> str:
    lines = ["Read", *read_lines(fitted)]
    if fitted.issues.dropped:
        lines += ["Rows not used", *map(str, fitted.issues.dropped)]
    if fitted.issues.changed:
        lines += ["Rows used, but not as they stand", *map(str, fitted.issues.changed)]
    if not fitted.issues.counts:
        lines.append("Every row was used as it stands.")
    return "\n".join(lines)


def _assumed(fitted: FittedHistory) -> str:
    return "\n".join(
        [
            "What this history cannot tell (graded assumed; the scenario says it)",
            *(f"  {what}: {text}" for what, text in assumed(fitted).items()),
        ]
    )


def _span(share: ShareEstimate) -> str:
    return f"{100 * share.low:.1f} to {100 * share.high:.1f} %"


def _days(seconds: float) -> str:
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:.1f} days"
    return (
        f"{seconds / 3600:.1f} h"
        if seconds >= 3600
        else f"{seconds / 60:.1f} min"
        if seconds >= 60
        else f"{seconds:.0f} s"
    )


def _table(title: str, rows: Sequence[tuple[str, ...]], words: int) -> str:
    """Columns aligned: the first `words` to the left, numbers to the right."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i < words else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, width, strict=True))
        )
        for row in rows
    ]
    return "\n".join([title, *(f"  {line.rstrip()}" for line in lines)])
