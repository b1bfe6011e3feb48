"""A team as a scenario says it: calendars, shifts, order, and what a piece of work takes.

Where a funnel is fitted beside, the work stands in the stages in which it is done. Where the log of work is all there
is, each kind of work is a stage of its own, from asking to served: a queue, such as a call centre.
"""

from __future__ import annotations

from funnelsim.calibration.report.scenario_text import quoted_text, time_text, word_text
from funnelsim.calibration.teams.fit import TeamFit
from funnelsim.calibration.teams.staffing import days_text, shifts_of

SERVED = "served"
FIRST = " first"  # sources of those who are served before others


def calendar_lines(team: TeamFit) -> list[str]:
    """`calendars:`, one by the hours of each shift; nothing when nobody is known to have worked."""
    if not team.staffing:
        return []
    holidays = f", holidays: [{', '.join(team.opening.holidays)}]" if team.opening and team.opening.holidays else ""
    lines = ["calendars:"]
    for number, shift in enumerate(shifts_of(team.staffing.week), start=1):
        name = word_text(f"{team.name} {number}")
        lines.append(f'  {name}: {{hours: "{shift.hours}", days: "{shift.days}"{holidays}}}')
    return [*lines, ""]


def team_lines(team: TeamFit) -> list[str]:
    """`teams:`, with the shifts that the calendars are for, and what they rest on."""
    if not team.staffing:
        return []
    staffing = team.staffing
    if staffing.by == "present":
        basis = f"{staffing.named} names, {staffing.hours:,.0f} hours present, {staffing.away:,.0f} away while on duty"
    else:
        basis = f"{staffing.named} names; people from the pieces in hand at one time, which is the least they can be"
    lines = ["teams:", f"  {word_text(team.name)}:     # {basis}", "    shifts:"]
    for number, shift in enumerate(shifts_of(staffing.week), start=1):
        lines.append(f"    - {{calendar: {word_text(f'{team.name} {number}')}, people: {shift.people}}}")
    if team.order:
        lines.append(f"    order: {'score' if team.ranked else 'first come'}     # {order_told(team)}")
    return [*lines, ""]


def ownership_lines(team: TeamFit, stages: tuple[str, ...]) -> list[str]:
    """`ownership:` of the stages that the team works in."""
    mine = [stage for stage in stages if stage in team.handling]
    if not mine or not team.staffing:
        return []
    return [f"ownership: {{{', '.join(f'{word_text(stage)}: {word_text(team.name)}' for stage in mine)}}}", ""]


def work_lines(team: TeamFit, stage: str) -> list[str]:
    """`work:` of a stage of the funnel, all calls of a visit in one; nothing when the team does nothing there."""
    if stage not in team.handling:
        return []
    visit_work = team.per_visit.get(stage)
    if visit_work is None:
        return [f"    work: {{handling: {quoted_text(handling_text(team, stage))}, contact: always}}"]
    handling = quoted_text(time_text(visit_work.mean) if visit_work.law is None else visit_work.law.text())
    note = f"{visit_work.calls:.1f} calls a visit, taken together: the times above hold the waits between them"
    return [f"    work:     # {note}", f"      handling: {handling}", "      contact: always"]


def service_lines(team: TeamFit) -> list[str]:
    """`stages:` of a queue that is no funnel: asked, served or gone."""
    lines = ["stages:"]
    patience = team.patience
    for kind in team.pieces.kinds:
        if kind not in team.handling:
            lines.append(f"  {word_text(kind)}: {{next: {{{SERVED}: 100%}}}}     # nobody is seen at work on it")
            continue
        lines += [
            f"  {word_text(kind)}:     # {team.handling[kind].pieces:,} pieces",
            f"    work: {{handling: {quoted_text(handling_text(team, kind))}, contact: always}}",
        ]
        if patience:
            lines.append(f"    patience: {quoted_text(patience.law.text())}")
        lines += [f"    next: {{{SERVED}: 100%}}", "    cold: {lost: 100%}"]
    return [*lines, f"  {SERVED}: {{}}     # the end", ""]


def handling_text(team: TeamFit, kind: str) -> str:
    """The law of a kind's handling, wrap-up included."""
    handling = team.handling[kind]
    if handling.law is None:
        return time_text(handling.mean + team.wrap_up)
    text = handling.law.text()
    return f"{time_text(team.wrap_up)} + {text}" if team.wrap_up > 0 else text


def order_told(team: TeamFit) -> str:
    """What the choices say about the order."""
    order = team.order
    if order is None:
        return ""
    followed = ", ".join(f"{rule} {strength:.2f}" for rule, strength in order.strength.items())
    return f"{order.choices:,} choices; 0 by lot, 1 always: {followed}"


def report_lines(team: TeamFit) -> list[str]:
    """What was found, for the report."""
    lines = [f"Team {team.name}: {len(team.pieces):,} pieces of work"]
    if team.opening:
        hours = "; ".join(f"{days_text(days)} {hours}" for hours, days in team.opening.groups)
        closed = f"; closed on {', '.join(team.opening.holidays)}" if team.opening.holidays else ""
        lines.append(f"  open {hours}{closed}")
    if team.staffing:
        lines.append(f"  people {_people(team)}")
    for kind, handling in team.handling.items():
        aside = f"; {handling.left_open} left open overnight, set aside" if handling.left_open else ""
        law = handling.law
        shape = "" if law is None else f", median {time_text(law.median())}{'' if law.follows else ', as the data lie'}"
        lines.append(f"  {kind}: {handling.pieces:,} took {time_text(handling.mean)} on average{shape}{aside}")
        lines += _waiting(team, kind)
    if team.wrap_up:
        lines.append(f"  between two pieces while the next one waits: {time_text(team.wrap_up)} (median)")
    if team.patience:
        lines += _patience(team)
    if team.order:
        lines.append(f"  order: {team.order.best or 'none that is clear'} ({order_told(team)})")
    return lines


def _people(team: TeamFit) -> str:
    assert team.staffing is not None
    most = int(team.staffing.week.max())
    if team.staffing.by == "present":
        away = 100 * team.staffing.away / max(team.staffing.hours + team.staffing.away, 1e-9)
        return f"at most {most} at a time; on duty, but away while somebody waited: {away:.0f} % of the time"
    return f"{most} at a time by the work in hand, out of {team.staffing.named} names; idle people are not seen"


def _waiting(team: TeamFit, kind: str) -> list[str]:
    lines = []
    if kind in team.waits:
        lines.append(f"    waited from asking to the start: {time_text(team.waits[kind].median())} (median)")
    back = team.call_backs.get(kind)
    if back and back.gap:
        lines.append(
            f"    {back.count:,} planned call-backs, {time_text(back.gap.median())} after the call before (median):"
            f" counted as no waits; {100 * back.same_hour:.0f} % come at the same hour (8 % by chance)"
        )
    return lines


def _patience(team: TeamFit) -> list[str]:
    patience = team.patience
    assert patience is not None
    low, high = patience.law.median_span()
    upper = f"to {time_text(high)}" if high < float("inf") else "or more"
    return [
        f"  {100 * patience.share:.1f} % gave up, mean wait {time_text(patience.mean_wait)}; median patience"
        f" {time_text(patience.law.median())} ({time_text(low)} {upper}), known as far as"
        f" {100 * patience.law.known:.0f} % of it; those who gave up had waited {time_text(patience.naive)}"
    ]
