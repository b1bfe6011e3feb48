"""Measures of what lies between two teams, on paper: volumes, effort, blame, agreement, who is full first."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.measures import (
    Estimate,
    Measure,
    breach_hours,
    burn_up,
    credit,
    measures,
    series,
    stack_summaries,
    summarise,
    weekly,
)
from funnelsim.plan_codes import Blame, DefinitionKind, Outcome
from funnelsim.run_tables import Trace
from funnelsim.summary import Summary, day_columns, new_summary
from support.off_defaults import OFF_DEFINITION
from support.toy_plan import book_of, visit, week_plan


def test_promised_value_of_a_segment_by_period_and_its_burn_up() -> None:
    """Two weeks; 1,000 EUR of MQLs of large firms promised a week. 300 EUR come on the Monday of the first, 1,500 on
    the Sunday of the second; what small firms bring counts for nothing. So the first week is missed and the second
    kept; at their ends 300 of 1,000 and 1,800 of 2,000 have come."""
    plan = week_plan(weeks=2, segments=2)
    book = book_of(won=0, definitions=("MQL",))._replace(
        segments=("small", "large"), volume_promises=(("MQL", 1000.0, "week", "value", 1),)
    )
    summary = new_summary(plan)
    value = day_columns(plan).value
    summary.days[0, value + 1], summary.days[13, value + 1], summary.days[3, value] = 30000.0, 150000.0, 999999.0
    found = _measures([summary], plan, book)
    name = "value of large MQL a week"
    assert found[f"calendar.volume.{name}"].mean == 900.0
    assert found[f"calendar.volume_met.{name}"].mean == 0.5
    assert found[f"calendar.volume_delivered.{name}"].mean == 0.9
    assert [found[f"calendar.volume_delivered_in.{name}.2026-01-{day}"].mean for day in ("05", "12")] == [0.3, 1.5]
    assert [found[f"calendar.volume_met_in.{name}.2026-01-{day}"].mean for day in ("05", "12")] == [0.0, 1.0]
    delivered, promised = burn_up(stack_summaries([summary]), plan, book)
    assert (delivered.name, delivered.of, delivered.dates) == ("burn-up", name, [date(2026, 1, 5), date(2026, 1, 12)])
    assert delivered.values.tolist() == [[300.0, 1800.0]] and promised.values[0] == pytest.approx([1000.0, 2000.0])


def test_effort_on_poor_leads_and_value_nobody_touched() -> None:
    """Good is a fit of 1. Six hours went into a lead of fit 0 and two into one of fit 1: three quarters are wasted. Of
    three leads turned down one was good. A lead of 100 EUR left untouched."""
    lost: Any = {"ended": 9.0, "outcome": Outcome.LOST}
    rejected: Any = {"ended": 9.0, "outcome": Outcome.REJECTED, "touched": 5.0, "attempts": 1}
    visits = [
        visit(1, 0, 1, 0.0, fit=0.0, effort=6 * p.HOUR, touched=2.0, attempts=1, blame=Blame.POOR_LEAD, **lost),
        visit(2, 0, 1, 0.0, fit=1.0, effort=2 * p.HOUR, touched=2.0, attempts=1, **lost),
        visit(3, 0, 1, 0.0, fit=1.0, blame=Blame.POOR_FOLLOW_UP, **lost),
        *(visit(4 + i, 0, 1, 0.0, fit=fit, **rejected) for i, fit in enumerate((0.0, 0.5, 1.0))),
    ]
    plan = week_plan()
    plan.settings.good = 1.0
    plan.stages.step_count = 1
    found = _measures([_summary(plan, visits)], plan, book_of(won=0, definitions=("won",)))
    for of in ("", ".a"):
        assert found[f"cohort.effort{of}"].mean == 8.0 and found[f"cohort.wasted_effort{of}"].mean == 6.0
        assert found[f"cohort.effort_wasted{of}"].mean == 0.75
        assert found[f"cohort.rejected{of}"].mean == 3.0
        assert found[f"cohort.rejected_though_good{of}"].mean == pytest.approx(1 / 3)
        assert found[f"cohort.untouched_value{of}"].mean == 100.0
        assert found[f"cohort.blame_on_leads{of}"].mean == found[f"cohort.blame_on_follow-up{of}"].mean == 0.5
    assert found["cohort.effort_wasted"].method == "-"  # hours hang together: no Wilson interval of one run


def test_value_is_untouched_only_where_somebody_works() -> None:
    """Of three untouched visits one is in a stage nobody works and one of a lead whose snapshot says it was reached."""
    plan = week_plan()
    plan.stages.step_count = [1, 0, 1]
    flying = p.zeros_record(p.INITIAL_LEAD, 1)
    flying.id, flying.stage, flying.number, flying.reached = 7, 0, 1, 1
    number = (p.SNAPSHOT << 44) | 7
    visits = [
        visit(1, 0, 1, 0.0, ended=5.0),
        visit(2, 1, 1, 0.0, ended=5.0),
        visit(number, 0, 1, -9.0, arrived=-9.0, ended=5.0),
    ]
    summary = _summary(plan._replace(initial_leads=flying), visits)
    assert summary.visits[1].untouched_value.sum() == 10000.0


def test_agreement_of_two_vocabularies() -> None:
    """Of 100 leads marketing calls 40 qualified and sales 30, both 25. The same is said of 25 + 55 leads, by chance it
    would be of 0.4 * 0.3 + 0.6 * 0.7 = 54 %: kappa is 26 / 46."""
    plan = week_plan()._replace(
        definitions=p.record_from_dicts(
            p.DEFINITION,
            [
                OFF_DEFINITION | {"stage": 1},
                OFF_DEFINITION | {"kind": DefinitionKind.THRESHOLD},
                OFF_DEFINITION | {"kind": DefinitionKind.THRESHOLD},
            ],
        )
    )
    summary = new_summary(plan)
    summary.arrived[0, 0, 0] = 100.0
    summary.co_passed[1:, 1:] = [[40.0, 25.0], [25.0, 30.0]]
    found = _measures([summary], plan, book_of(won=0, definitions=("won", "MQL", "SQL")))
    assert found["cohort.also_passed.MQL of SQL"].mean == pytest.approx(25 / 30)
    assert found["cohort.also_passed.SQL of MQL"].mean == pytest.approx(25 / 40)
    assert found["cohort.kappa.MQL and SQL"].mean == pytest.approx(26 / 46)


def test_milestones_of_one_path_are_not_compared() -> None:
    plan = week_plan()._replace(
        definitions=p.record_from_dicts(p.DEFINITION, [OFF_DEFINITION | {"stage": i} for i in (1, 2)])
    )
    found = _measures([new_summary(plan)], plan, book_of(won=0, definitions=("won", "MQL")))
    assert not [key for key in found if "also_passed" in key or "kappa" in key]


def test_who_is_full_first() -> None:
    """Both teams have 80 paid hours a week. In the first run sales works 76 of them (95 %) in the second week and
    marketing 79 in the third. In the second run nobody works half of the time, but 200 leads of half an hour wait for
    marketing in the third week: 100 hours."""
    plan = week_plan(weeks=4)
    plan.teams.interval_count = plan.teams.interval_count[1]
    busy_run, waiting_run = new_summary(plan), new_summary(plan)
    columns = day_columns(plan)
    busy_run.days[7, columns.busy + 1], busy_run.days[14, columns.busy] = 76 * p.HOUR, 79 * p.HOUR
    waiting_run.days[14:21, columns.queue] = 200.0
    waiting_run.teams.attempts, waiting_run.teams.busy = 10.0, 5 * p.HOUR
    found = _measures([busy_run, waiting_run], plan, book_of(won=0, definitions=("won",)))
    assert found["calendar.saturated.marketing"].mean == 1.0 and found["calendar.saturated.sales"].mean == 0.5
    assert found["calendar.weeks_to_saturation.marketing"].mean == 3.0
    assert found["calendar.weeks_to_saturation.sales"].mean == 2.0
    assert found["calendar.first_to_saturate.sales"].mean == found["calendar.first_to_saturate.marketing"].mean == 0.5
    assert found["calendar.backlog_at_the_end.marketing"].mean == 0.0


def test_utilisation_and_levels_by_week() -> None:
    """40 of 80 paid hours in the first week, 60 in the second, none of none for marketing, who has no hours."""
    plan = week_plan(weeks=2)._replace(levels=p.zeros_record(p.LEVEL, 1))
    book = book_of(won=0, definitions=("won",))._replace(levels=("trust",))
    summary, columns = new_summary(plan), day_columns(plan)
    summary.days[[1, 8], columns.busy + 1] = 40 * p.HOUR, 60 * p.HOUR
    summary.days[:, columns.level] = np.linspace(0.0, 1.0, len(summary.days))
    weeks = {(one.name, one.of): one for one in weekly(stack_summaries([summary]), plan, book)}
    assert weeks["utilisation", "sales"].values.tolist() == [[0.5, 0.75]]
    assert np.isnan(weeks["utilisation", "marketing"].values).all()
    assert weeks["worked hours", "sales"].values.tolist() == [[40.0, 60.0]]
    days = {(one.name, one.of): one for one in series(stack_summaries([summary]), plan, book)}
    assert len(days["level", "trust"].dates) == 13  # there is none at the horizon
    assert weeks["level", "trust"].values[0, 0] == pytest.approx(summary.days[:7, columns.level].mean())


def test_breaches_by_hour_of_the_week() -> None:
    """Twice in two runs the time of sales ran out on Friday between 16 and 17, and once on Saturday."""
    plan, book = week_plan(), book_of(won=0, definitions=("won",))
    first, second = new_summary(plan), new_summary(plan)
    first.breaches[1, 4 * 24 + 16], first.breaches[1, 5 * 24 + 9], second.breaches[1, 4 * 24 + 16] = 1.0, 1.0, 1.0
    hours = {
        (one.team, one.day, one.hour): one.estimate for one in breach_hours(stack_summaries([first, second]), book)
    }
    assert len(hours) == 168 and {team for team, _, _ in hours} == {"sales"}
    assert hours["sales", "Friday", 16].mean == 1.0 and hours["sales", "Saturday", 9].mean == 0.5
    found = _measures([first, second], plan, book)
    assert found["calendar.first_touch_missed_on.sales.Friday"].mean == 1.0
    assert found["calendar.first_touch_missed_on.sales.Saturday"].mean == 0.5


def test_acceptance_and_pursuit_by_team() -> None:
    """Ten decided on, seven accepted, eight in time; of five leads of the other side two were left alone."""
    plan, summary = week_plan(), new_summary(week_plan())
    rows = summary.assignments[0, 0, 1]
    for name, amount in (
        ("promised", 10),
        ("accepted", 7),
        ("rejected", 3),
        ("acceptance_met", 8),
        ("acceptance_missed", 2),
        ("asked", 5),
        ("pursued", 3),
    ):
        rows[name] = amount
    found = _measures([summary], plan, book_of(won=0, definitions=("won",)))
    assert found["cohort.acceptance.a.sales"].mean == 0.7
    assert found["cohort.acceptance_attainment.a.sales"].mean == 0.8
    assert found["cohort.breaches.a.sales"].mean == 2.0
    assert found["cohort.pursued.a.sales"].mean == 0.6


def test_a_win_by_threshold_is_credited_to_all_who_had_the_lead_by_then() -> None:
    """Marketing has it from 0, sales from 10; the score is reached at 10 and a third visit begins at 20."""
    plan = week_plan()._replace(
        definitions=p.record_from_dicts(p.DEFINITION, [OFF_DEFINITION | {"kind": DefinitionKind.THRESHOLD}])
    )
    visits = [visit(1, 0, owner=0, entered=0.0), visit(1, 1, owner=1, entered=10.0), visit(1, 2, owner=1, entered=20.0)]
    passage = (1, 0, 10.0, 0, 0, 0.0, 10000.0, 0)
    trace = Trace.of(visits, [], [], [passage], np.zeros((8, 0)))
    assert credit(trace, plan, book_of(won=0, definitions=("won",)))[0].tolist() == [50.0, 50.0, 0.0]


def _measures(summaries: list[Summary], plan: p.Plan, book: p.Labels) -> dict[str, Estimate]:
    found: list[Measure] = measures(stack_summaries(summaries), plan, book)
    assert len({one.key for one in found}) == len(found)
    return {one.key: one.estimate() for one in found}


def _summary(plan: p.Plan, visits: list[tuple[Any, ...]]) -> Summary:
    return summarise(Trace.of(visits, [], [], [], np.zeros((int(plan.settings[0].days_count), 0))), plan)
