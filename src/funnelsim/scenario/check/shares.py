"""Shares of one whole sum to it, with at most one `rest` (rule 34); cool-offs stand where somebody comes back."""

from __future__ import annotations

import math

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.schema import Observed, Scenario
from funnelsim.scenario.values import Share

ROUNDING = 1e-6
WRITTEN = 1e-4  # what the digits of a written percentage may hide


def check_exit_shares(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        for key in ("next", "unreached", "cold", "rejected"):
            shares = getattr(stage, key)
            if shares is None:
                continue
            path = ("stages", name, key)
            _sum(shares, path, "let one of them be rest, such as lost: rest", findings)
            if key == "next":
                _sum_by_date(shares, path, findings)
            for target, share in shares.items():
                if share.schedule is not None and key != "next":
                    findings.error(
                        (*path, target), "a share of leads does not change by date here", "only a share of `next` does"
                    )
                if share.after is not None and target in ("lost", "silent"):
                    findings.error(
                        ("stages", name, key, target),
                        f"a {target} lead does not come back",
                        "only an exit to a stage has a time after which",
                        "after",
                    )


def check_ownership_shares(scenario: Scenario, findings: Findings) -> None:
    for name, shares in scenario.ownership.items():
        _sum(shares, ("ownership", name), "let one team have the rest", findings)
        _no_cool_off(shares, ("ownership", name), findings)


def check_source_shares(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        for key in ("enters", "segments"):
            if shares := getattr(source, key):
                _sum(shares, ("sources", name, key), "let one of them be rest", findings)
                _no_cool_off(shares, ("sources", name, key), findings)


def check_segment_shares(scenario: Scenario, findings: Findings) -> None:
    if not scenario.segments or all(source.segments for source in scenario.sources.values()):
        return
    shares = {name: segment.share for name, segment in scenario.segments.items()}
    _sum(shares, ("segments",), "let one segment have the rest", findings)


def check_history_shares(scenario: Scenario, findings: Findings) -> None:
    for name, exits in (scenario.history.stages if scenario.history else {}).items():
        for target, seen in exits.items():
            path = ("history", "stages", name, target)
            if seen.share is None:
                findings.error(path, f"the share of '{target}' is missing", "such as share: 18%")
            elif not _low(seen) - WRITTEN <= seen.share <= _high(seen) + WRITTEN:
                findings.error(path, f"the share of '{target}' lies outside low and high", "low <= share <= high")


def _low(seen: Observed) -> float:
    return 0.0 if seen.low is None else seen.low


def _high(seen: Observed) -> float:
    return 1.0 if seen.high is None else seen.high


def _sum(shares: dict[str, Share], path: Path, hint: str, findings: Findings) -> None:
    where = ".".join(map(str, path))
    if not shares:
        findings.error(path, f"{where} is empty", "write none to remove it")
        return
    rests = [name for name, share in shares.items() if share.rest]
    total = math.fsum(share.value for share in shares.values() if share.value is not None)
    if len(rests) > 1:
        findings.error(
            (*path, rests[1]),
            f"two rests in {where}: '{rests[0]}' and '{rests[1]}'",
            "only one exit can take what the others leave" if path[0] == "stages" else "only one can be rest",
        )
    elif total > 1.0 + ROUNDING or (not rests and total < 1.0 - ROUNDING):
        findings.error(
            path, f"the shares of {where} sum to {100 * total:.6g} %, not 100 %", "lower one of them" if rests else hint
        )


def _sum_by_date(shares: dict[str, Share], path: Path, findings: Findings) -> None:
    """Shares that change by date sum to the whole at each of these dates."""
    dates = sorted({str(day) for share in shares.values() if share.schedule for day, _ in share.schedule.steps if day})
    for day in dates:
        then = {name: Share(_on(share, day)) for name, share in shares.items()}
        total = math.fsum(share.value for share in then.values() if share.value is not None)
        whole = any(share.rest for share in then.values())
        if total > 1.0 + ROUNDING or (not whole and total < 1.0 - ROUNDING):
            where = ".".join(map(str, path))
            findings.error(
                path,
                f"from {day} on, the shares of {where} sum to {100 * total:.6g} %, not 100 %",
                "lower one of them" if whole else "let one of them be rest, such as lost: rest",
            )


def _on(share: Share, day: str) -> float | None:
    """The share in force on a date."""
    if share.schedule is None:
        return share.value
    value = share.value
    for since, step in share.schedule.steps:
        if since is None or str(since) <= day:
            value = float(step)  # type: ignore[arg-type]  # a schedule of shares
    return value


def _no_cool_off(shares: dict[str, Share], path: Path, findings: Findings) -> None:
    for name, share in shares.items():
        if share.after is not None:
            findings.error(
                (*path, name),
                f"'after' means nothing in {'.'.join(map(str, path))}",
                "only exits of stages have a time after which",
                "after",
            )
