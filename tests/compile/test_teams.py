"""Teams and duties: hours, people, ownership, handoffs, promises and what happens when they are broken."""

from __future__ import annotations

import math
from typing import Any

import pytest

from funnelsim.compile import compile_scenario
from funnelsim.plan import DAY, HOUR, WEEK
from funnelsim.plan_codes import ActionKind, ClockStart, ExitTarget, QueueOrder, RoutingKind, Side, TermKind
from funnelsim.scenario.values import BreachAction
from support.compile_helpers import BASE, compiled, median, points

SHARED = {"interest": {"marketing": "30%", "sales": "70%"}}
PROMISE = {"first_touch": "within 4 business hours", "attempts": "5 within 14 days"}


def teams(**sales: Any) -> dict[str, Any]:
    return {**BASE["teams"], "sales": {**BASE["teams"]["sales"], **sales}}


def intervals(plan: Any, team: int) -> list[tuple[float, ...]]:
    first, count = plan.teams[team].interval_first, plan.teams[team].interval_count
    return [tuple(row) for row in plan.intervals[first : first + count].tolist()]


def promised(plan: Any, stage: int, team: int) -> Any:
    """The one promise of a team in a stage."""
    stage_team = plan.stage_teams[stage, team]
    assert stage_team.promise_count == 1
    return plan.promises[stage_team.promise_first]


def test_marketing_sides_come_first() -> None:
    blueprint = compiled(teams={**BASE["teams"], "writers": {"people": 1, "side": "marketing"}})
    assert blueprint.book.teams == ("marketing", "writers", "sales")
    assert blueprint.plan().teams["side"].tolist() == [Side.MARKETING, Side.MARKETING, Side.SALES]


def test_open_hours_with_people_and_the_time_before() -> None:
    plan = compiled().plan()
    monday, tuesday = intervals(plan, 1)[:2]
    assert monday == (9 * HOUR, 17 * HOUR, 2, 0.0)
    assert tuesday == (DAY + 9 * HOUR, DAY + 17 * HOUR, 2, 8 * HOUR)


def test_people_over_time_and_a_team_that_never_closes() -> None:
    plan = compiled(teams=teams(calendar="always", people={"start": 2, "2026-01-06": 5})).plan()
    assert intervals(plan, 1) == [(0.0, DAY, 2, 0.0), (DAY, math.inf, 5, DAY)]
    assert plan.teams[1].people == 5


def test_shifts_add_up() -> None:
    calendars = {**BASE["calendars"], "late": {"hours": "12:00-20:00", "days": "Mon-Fri"}}
    people = {"shifts": [{"calendar": "office", "people": 3}, {"calendar": "late", "people": 2}]}
    plan = compiled(calendars=calendars, teams={**BASE["teams"], "sales": people}).plan()
    assert intervals(plan, 1)[:3] == [
        (9 * HOUR, 12 * HOUR, 3, 0.0),
        (12 * HOUR, 17 * HOUR, 5, 3 * HOUR),
        (17 * HOUR, 20 * HOUR, 2, 8 * HOUR),
    ]


def test_stretch_order_habit_and_unfinished() -> None:
    plan = compiled(
        teams=teams(
            other_work="30%", handling=1.2, order="due time", unfinished="resume", habit="exponential(mean 3 hours)"
        )
    ).plan()
    team = plan.teams[1]
    assert points(plan, team, "stretch") == [(0.0, pytest.approx(1.2 / 0.7))]
    assert (team.order, team.resume) == (QueueOrder.DUE_TIME, 1)
    assert median(plan, team.habit) == pytest.approx(3 * HOUR * math.log(2), rel=1e-4)
    assert plan.teams[0].habit == -1  # at once


@pytest.mark.parametrize("habit", ["at once", "at-once", "0"])
def test_habits_at_once(habit: str) -> None:
    assert compiled(teams=teams(habit=habit)).plan().teams[1].habit == -1


# ---- ownership and handoff -------------------------------------------------------------------------------------------


def test_ownership_is_cumulative_over_the_teams() -> None:
    plan = compiled(ownership={**SHARED, "evaluation": "marketing"}).plan()
    assert plan.stage_teams.shape == (3, 2)
    assert plan.stage_teams["share"].tolist() == [[0.3, 1.0], [1.0, 1.0], [0.0, 0.0]]  # nobody owns the end


def test_without_a_word_leads_are_handed_over_at_once_with_all_context() -> None:
    plan = compiled().plan()
    stage_team = plan.stage_teams[0, 1]
    assert (stage_team.routing, stage_team.delay) == (RoutingKind.AT_ONCE, -1)
    assert points(plan, stage_team, "context") == [(0.0, 1.0)]


def test_handoffs_by_receiving_team() -> None:
    handoff = {"delay": "2 hours", "context_kept": "40%", "to": {"marketing": {"delay": "daily at 08:00"}}}
    plan = compiled(handoff=handoff).plan()
    marketing, sales = plan.stage_teams[0]
    assert (sales.routing, median(plan, sales.delay)) == (RoutingKind.DELAYED, 2 * HOUR)
    assert marketing.routing == RoutingKind.BATCHED
    batches = plan.instants[marketing.batch_first :][: marketing.batch_count]
    days = [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert batches[:10].tolist() == [day * DAY + 8 * HOUR for day in days]  # on its open days
    assert batches[-1] >= plan.settings[0].horizon
    assert points(plan, marketing, "context") == points(plan, sales, "context") == [(0.0, 0.4)]


# ---- promises --------------------------------------------------------------------------------------------------------


def test_nothing_promised() -> None:
    plan = compiled().plan()
    assert not plan.stage_teams["promise_count"].any() and not len(plan.promises) and not len(plan.terms)
    only_marketing = compiled(promises={"marketing_delivers": "36 won a month"})
    assert not only_marketing.plan().stage_teams["promise_count"].any()
    assert only_marketing.book.volume_promises == (("won", 36.0, "month", "count", -1),)


def test_terms_of_a_promise() -> None:
    plan = compiled(promises={**PROMISE, "adherence": "75%"}, ownership=SHARED).plan()
    promise = promised(plan, 0, 1)
    assert points(plan, promise, "adherence") == [(0.0, 0.75)]
    assert promise.attempts == 5
    assert (promise.segments, promise.sources, promise.score, promise.value) == (-1, -1, -1, 0.0)  # for everybody
    first, attempts = plan.terms[promise.term_first :][: promise.term_count]
    assert (first.kind, first.length, first.business, first.start) == (
        TermKind.FIRST_TOUCH,
        4 * HOUR,
        1,
        ClockStart.ASSIGNED,
    )
    assert (attempts.kind, attempts.length, attempts.business, attempts["count"]) == (TermKind.ATTEMPTS, 2 * WEEK, 0, 5)


def test_a_business_day_is_as_long_as_the_teams_own() -> None:
    calendars = {**BASE["calendars"], "short": {"hours": "10:00-14:00", "days": "Mon-Sun"}}
    plan = compiled(
        calendars=calendars,
        teams=teams(calendar="short"),
        ownership=SHARED,
        promises={"first_touch": "within 2 business days", "clock_start": "created"},
    ).plan()
    lengths = [plan.terms[promised(plan, 0, team).term_first].length for team in (0, 1)]
    assert lengths == [16 * HOUR, 8 * HOUR]
    assert set(plan.terms["start"].tolist()) == {int(ClockStart.CREATED)}


def test_promises_hold_where_a_late_touch_hurts_else_where_there_is_work() -> None:
    def held(**keys: Any) -> list[int]:
        plan = compiled(promises=PROMISE, ownership=owners, **keys).plan()
        return [int(count) for count in plan.stage_teams["promise_count"][:, 1]]

    owners = {"interest": "sales", "evaluation": "sales"}
    work = {"handling": "6 min"}
    stages = {**BASE["stages"], "evaluation": {**BASE["stages"]["evaluation"], "work": work}}
    assert held(stages=stages) == [1, 1, 0]
    assert held(stages={**stages, "interest": {**stages["interest"], "response": "hbr-2011"}}) == [1, 0, 0]
    named = compiled(stages=stages, ownership=owners, promises={**PROMISE, "stages": ["evaluation"]}).plan()
    assert named.stage_teams["promise_count"][:, 1].tolist() == [0, 1, 0]


def test_a_teams_own_promise() -> None:
    own = {"first_touch": "within 1 hour", "adherence": "90%"}
    promises = {**PROMISE, "adherence": "60%", "teams": {"marketing": own}}
    plan = compiled(promises=promises).plan()
    both = promised(plan, 0, 0), promised(plan, 0, 1)
    assert [points(plan, promise, "adherence")[0][1] for promise in both] == [0.9, 0.6]
    assert [plan.terms[promise.term_first].length for promise in both] == [HOUR, 4 * HOUR]
    assert [promise.attempts for promise in both] == [5, 5]


def test_actions_keep_the_order_of_the_file() -> None:
    breach = {
        "100%": "escalate",
        "80%": "warn with compliance 30%",
        "150%": "reassign",
        "200%": "return to interest after 30 days",
        "250%": "return to lost",
    }
    plan = compiled(promises={**PROMISE, "on_breach": breach}, ownership=SHARED).plan()
    term = plan.terms[promised(plan, 0, 1).term_first]
    rows = plan.actions[term.action_first :][: term.action_count]
    assert rows["kind"].tolist() == [
        ActionKind.ESCALATE,
        ActionKind.WARN,
        ActionKind.REASSIGN,
        ActionKind.RETURN,
        ActionKind.RETURN,
    ]
    assert rows["fraction"].tolist() == [1.0, 0.8, 1.5, 2.0, 2.5]
    assert rows["heeded"][1] == 0.3
    assert (rows["to"][2], rows["limit"][2]) == (0, 1)  # sales' leads go to marketing
    back, lost = (plan.exits[row] for row in rows["exit"][3:])
    assert (back["to"], back["backward"], median(plan, back["cool"])) == (0, 1, 30 * DAY)
    assert (lost["to"], lost["cool"]) == (ExitTarget.LOST, -1)


def test_reassignment_prefers_an_owner_of_the_stage() -> None:
    """A file must name the team when there are more than two; the default is for scenarios made otherwise."""
    many = {**BASE["teams"], "inside": {"people": 1}, "field": {"people": 1}}
    owners = {"interest": {"marketing": "50%", "field": "50%"}}
    promises = {**PROMISE, "on_attempts_breach": {"100%": "reassign to inside"}}
    scenario = compiled(teams=many, promises=promises, ownership=owners).scenario
    assert scenario.promises is not None
    unnamed = scenario.promises.model_copy(update={"on_breach": (BreachAction(1.0, "reassign"),)})
    blueprint = compile_scenario(scenario.model_copy(update={"promises": unnamed}))
    plan, names = blueprint.plan(), blueprint.book.teams
    first, attempts = plan.terms[promised(plan, 0, 0).term_first :][:2]
    assert names[plan.actions[first.action_first].to] == "field"
    assert names[plan.actions[attempts.action_first].to] == "inside"


def test_the_book() -> None:
    costs = [
        {"name": "ads", "team": "marketing", "amount": 5000, "from": "2026-01-12", "to": "2026-01-18"},
        {"name": "CRM", "amount": 900},
    ]
    book = compiled(costs=costs, teams=teams(cost="70/hour"), timezone="Europe/Berlin", currency="CHF").book
    assert (book.start, book.timezone, book.currency) == ("2026-01-05T00:00:00+01:00", "Europe/Berlin", "CHF")
    assert book.stages == ("interest", "evaluation", "customer") and book.sources == ("web",)
    assert (book.definitions, book.won) == (("won",), 0)
    assert book.team_costs == (0.0, 70.0)
    assert book.costs == (("marketing", WEEK, 2 * WEEK, 5000.0), ("", 0.0, 4 * WEEK, 900.0))
