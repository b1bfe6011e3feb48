"""The run has a beginning and a length, and what has a date happens within it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from funnelsim.scenario.check.findings import Findings
from funnelsim.scenario.schema import Scenario

LONGEST = 100 * 366 * 86400.0


def run_dates(scenario: Scenario) -> tuple[date, date] | None:
    """First and last day of the run; None when the scenario does not say."""
    if scenario.start is None or scenario.observe is None:
        return None
    first = scenario.start.date() if isinstance(scenario.start, datetime) else scenario.start
    length = min(LONGEST, scenario.warm_up.seconds + scenario.observe.seconds + scenario.cool_down.seconds)
    try:
        return first, first + timedelta(seconds=length)
    except OverflowError:
        return None


def check_run(scenario: Scenario, findings: Findings) -> None:
    if scenario.start is None:
        findings.error(("start",), "'start' is missing", "the day the run begins, such as start: 2026-01-05")
    if scenario.observe is None:
        findings.error(("observe",), "'observe' is missing", "how long leads are counted, such as observe: 26 weeks")
    elif scenario.observe.seconds <= 0:
        findings.error(("observe",), "'observe' must be longer than nothing", "such as observe: 26 weeks")
    for key in ("observe", "cool_down", "warm_up"):
        length = getattr(scenario, key)
        if length is not None and length.seconds > LONGEST:
            findings.error((key,), f"'{key}' is longer than a hundred years", "such as 26 weeks")


def check_sources(scenario: Scenario, findings: Findings) -> None:
    if not scenario.sources:
        findings.error(
            ("sources",), "'sources' is missing: nothing brings leads", "such as sources: {search: {rate: 160/week}}"
        )
    for name, source in scenario.sources.items():
        if source.rate is None and not source.batch:
            findings.error(
                ("sources", name),
                f"the source '{name}' brings nothing",
                "give it a rate such as 160/week, or a batch such as 300 on 2026-03-10",
                name,
            )
        if source.first and source.last and source.first > source.last:
            findings.error(("sources", name, "to"), f"the flight of '{name}' ends before it begins", "from, then to")


def check_batches(scenario: Scenario, findings: Findings) -> None:
    dates = run_dates(scenario)
    for name, source in scenario.sources.items():
        for i, batch in enumerate(source.batch):
            if dates and not dates[0] <= batch.on <= dates[1]:
                findings.error(
                    ("sources", name, "batch", i),
                    f"{batch.on} lies outside the run",
                    f"it goes from {dates[0]} to {dates[1]}",
                    str(batch.on),
                )
            if batch.count == 0:
                findings.warn(("sources", name, "batch", i), "a batch of no leads", "such as 300 on 2026-03-10")


def check_flights(scenario: Scenario, findings: Findings) -> None:
    dates = run_dates(scenario)
    for name, source in scenario.sources.items():
        if dates and ((source.first and source.first > dates[1]) or (source.last and source.last < dates[0])):
            key = "from" if source.first and source.first > dates[1] else "to"
            findings.warn(
                ("sources", name, key),
                f"the flight of '{name}' lies outside the run",
                f"it goes from {dates[0]} to {dates[1]}",
            )
    for i, cost in enumerate(scenario.costs):
        if cost.first and cost.last and cost.first > cost.last:
            findings.error(("costs", i, "to"), "this cost ends before it begins", "from, then to")


def check_goal(scenario: Scenario, findings: Findings) -> None:
    goal = scenario.goal
    if goal is None:
        return
    if (goal.revenue is None) == (goal.wins is None):
        findings.error(("goal",), "a goal is either revenue or wins", "such as goal: {wins: 200, by: 2026-12-31}")
    if goal.by is None:
        findings.error(("goal",), "a goal has a date", "such as by: 2026-12-31")
    elif (dates := run_dates(scenario)) and not dates[0] < goal.by <= dates[1]:
        findings.error(
            ("goal", "by"),
            f"{goal.by} lies outside the run",
            f"it goes from {dates[0]} to {dates[1]}: lengthen measure or follow",
        )
