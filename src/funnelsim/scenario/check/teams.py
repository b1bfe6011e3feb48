"""Teams have people and hours; calendars open."""

from __future__ import annotations

from datetime import date, timedelta

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.time import run_dates
from funnelsim.scenario.schema import Calendar, Scenario
from funnelsim.scenario.values import Schedule


def check_people(scenario: Scenario, findings: Findings) -> None:
    for name, team in scenario.teams.items():
        path: Path = ("teams", name)
        if team.shifts and team.people is not None:
            findings.error(
                (*path, "people"),
                f"{name} has people and shifts",
                "shifts say how many: keep one, such as people: none",
            )
        elif team.people is None and not team.shifts:
            findings.error(path, f"the team '{name}' has no people", "such as people: 4", name)
        elif team.people is not None and not _anybody(team.people):
            findings.error((*path, "people"), f"nobody is in {name}", "1 or more; a team without people serves nobody")
        if team.shifts and not any(_anybody(shift.people) for shift in team.shifts):
            findings.error((*path, "shifts"), f"nobody is in {name}", "1 or more people in some shift")
        if team.shifts and "calendar" in team.model_fields_set:
            findings.error(
                (*path, "calendar"),
                f"{name} has a calendar and shifts",
                "shifts have calendars of their own: write calendar: none",
            )
        if team.other_work >= 1.0:
            findings.error((*path, "other_work"), f"other work leaves {name} no time", "less than 100%")


def check_calendars(scenario: Scenario, findings: Findings) -> None:
    for name, calendar in scenario.calendars.items():
        path: Path = ("calendars", name)
        if not calendar.hours:
            findings.error(path, f"the calendar '{name}' never opens", "such as hours: 09:00-17:00", name)
            continue
        _check_overlap(calendar, path, findings)
        _check_closed(scenario, calendar, path, name, findings)
        if calendar.day is not None and (calendar.day.business or calendar.day.seconds <= 0):
            findings.error((*path, "day"), "a business day is worth a plain length of time", "such as day: 8 hours")


def check_handoffs(scenario: Scenario, findings: Findings) -> None:
    if scenario.handoff.to and len(scenario.teams) < 2:
        findings.warn(("handoff", "to"), "there is no other team to hand leads to", "remove it, or add a team")


def _anybody(people: int | Schedule) -> bool:
    return any(count for _, count in people.steps) if isinstance(people, Schedule) else people > 0


def _check_overlap(calendar: Calendar, path: Path, findings: Findings) -> None:
    parts = sorted(calendar.hours, key=lambda part: part.opens)
    for one, two in zip(parts, [*parts[1:], None], strict=True):
        past_midnight = one.closes < one.opens
        if two is not None and (past_midnight or two.opens < one.closes):
            findings.error(
                (*path, "hours"),
                f"{one.opens}-{one.closes} and {two.opens}-{two.closes} overlap",
                "opening hours of a day follow each other",
            )


def _check_closed(scenario: Scenario, calendar: Calendar, path: Path, name: str, findings: Findings) -> None:
    dates = run_dates(scenario)
    if dates is None:
        return
    first, last = dates
    days = (first + timedelta(i) for i in range((last - first).days + 1))
    if not any(_opens(calendar, day) for day in days):
        findings.error(
            path,
            f"the calendar '{name}' never opens between {first} and {last}",
            "all its days are holidays, or the run is too short",
            name,
        )


def _opens(calendar: Calendar, day: date) -> bool:
    return day.weekday() in calendar.days and day not in calendar.holidays
