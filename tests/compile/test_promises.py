"""Tiers, acceptance and the queues of a team on their way to the plan."""

from __future__ import annotations

import math
from typing import Any

import pytest

from funnelsim.errors import ScenarioError
from funnelsim.plan import DAY, HOUR
from funnelsim.plan_codes import ActionKind, QueueLayout, QueueOrder, TermKind
from support.compile_helpers import BASE, compiled, median, points

SCORES = {"marketing": {"points": 1}, "sales": {"fit": 20}}
SHARED = {"interest": {"marketing": "30%", "sales": "70%"}}


def team(**sales: Any) -> Any:
    """The plan and the row of sales."""
    teams = {**BASE["teams"], "sales": {**BASE["teams"]["sales"], **sales}}
    plan = compiled(teams=teams, scores=SCORES, deal_value="fixed(1000)").plan()
    return plan, plan.teams[1]


def tiers(plan: Any, stage: int = 0, of: int = 1) -> list[Any]:
    stage_team = plan.stage_teams[stage, of]
    return list(plan.promises[stage_team.promise_first : stage_team.promise_first + stage_team.promise_count])


def terms(plan: Any, promise: Any) -> list[tuple[int, float]]:
    rows = plan.terms[promise.term_first : promise.term_first + promise.term_count]
    return [(int(row.kind), float(row.length)) for row in rows]


# ---- tiers -----------------------------------------------------------------------------------------------------------


def test_tiers_are_tried_in_order_and_the_plain_terms_come_last() -> None:
    promises = {
        "first_touch": "within 4 hours",
        "attempts": "5 within 14 days",
        "adherence": "60%",
        "tiers": [
            {"sources": ["demo"], "segments": ["big"], "first_touch": "within 30 min", "adherence": "90%"},
            {"score": {"sales": 50}, "value": "20k", "attempts": "8 within 14 days"},
        ],
    }
    sources = {"web": {"rate": "70/week"}, "demo": {"rate": "5/week", "batch": ["3 on 2026-01-07", "4 on 2026-01-08"]}}
    segments = {"small": {"share": "60%"}, "big": {"share": "rest"}}
    plan = compiled(
        promises=promises, sources=sources, segments=segments, scores=SCORES, ownership=SHARED, deal_value="fixed(1000)"
    ).plan()
    demo, rich, rest = tiers(plan)
    assert (demo.segments, demo.sources, demo.score, demo.value) == (0b10, 0b110, -1, 0.0)  # demo's second batch too
    assert (rich.segments, rich.sources, rich.score, rich.least, rich.value) == (-1, -1, 1, 50.0, 2_000_000.0)
    assert (rest.segments, rest.sources, rest.score) == (-1, -1, -1)
    assert [terms(plan, one)[0] for one in (demo, rich, rest)] == [
        (TermKind.FIRST_TOUCH, 1800.0),
        (TermKind.FIRST_TOUCH, 4 * HOUR),
        (TermKind.FIRST_TOUCH, 4 * HOUR),
    ]  # what a tier leaves out is plain
    assert [one.attempts for one in (demo, rich, rest)] == [5, 8, 5]
    assert [points(plan, one, "adherence")[0][1] for one in (demo, rich, rest)] == [0.9, 0.6, 0.6]


def test_only_what_is_a_tiers_own_is_a_belief_of_its_own() -> None:
    promises = {
        "first_touch": "within 4 hours",
        "adherence": "50% to 70%",
        "tiers": [
            {"sources": ["web"], "adherence": "80% to 90%"},
            {"score": {"sales": 50}, "attempts": "8 within 14 days"},
        ],
    }
    blueprint = compiled(promises=promises, scores=SCORES, ownership=SHARED)
    assert set(blueprint.values()) == {"promises.tiers.0.adherence", "promises.adherence"}
    plan, values = blueprint.plan(3), blueprint.values(3)
    adherence = [points(plan, one, "adherence")[0][1] for one in tiers(plan)]
    assert adherence == [
        values["promises.tiers.0.adherence"],
        values["promises.adherence"],
        values["promises.adherence"],
    ]


def test_a_term_to_accept_has_actions_of_its_own() -> None:
    promises = {"accept": "within 2 business days", "on_accept_breach": {"100%": "escalate"}}
    handoff = {"accept": {"score": "sales", "at_least": 30}}
    plan = compiled(promises=promises, handoff=handoff, scores=SCORES, ownership=SHARED).plan()
    (promise,) = tiers(plan)
    assert terms(plan, promise) == [(TermKind.ACCEPTANCE, 16 * HOUR)]
    term = plan.terms[promise.term_first]
    assert plan.actions[term.action_first].kind == ActionKind.ESCALATE and promise.attempts == 0


def test_bits_are_for_63_sources() -> None:
    sources = {f"s{i}": {"rate": "1/week"} for i in range(65)}
    promises = {"first_touch": "within 4 hours", "tiers": [{"sources": ["s64"], "first_touch": "within 1 hour"}]}
    with pytest.raises(ScenarioError, match="only the first 63 sources and segments"):
        compiled(sources=sources, promises=promises)


def test_volumes_of_segments_and_value() -> None:
    promises = {"marketing_delivers": ["360 won a month", "80 big won a week", "120k of won a quarter"]}
    segments = {"small": {"share": "60%"}, "big": {"share": "rest"}}
    book = compiled(promises=promises, segments=segments, deal_value="fixed(1000)").book
    assert book.volume_promises == (
        ("won", 360.0, "month", "count", -1),
        ("won", 80.0, "week", "count", 1),
        ("won", 120_000.0, "quarter", "value", -1),
    )


# ---- acceptance ------------------------------------------------------------------------------------------------------


def test_acceptance_by_score_threshold_and_window() -> None:
    accept = {
        "score": "sales",
        "at_least": {"start": 30, "2026-01-15": 40},
        "within": "2 business days",
        "default": "rejected",
        "decision_time": "fixed(1 day)",
        "points_kept": "50%",
    }
    plan = compiled(handoff={"to": {"sales": {"accept": accept}}}, scores=SCORES).plan()
    marketing, sales = plan.stage_teams[0]
    assert marketing.accept_score == -1 and marketing.window == math.inf
    assert (sales.accept_score, sales.default_accept, sales.points_retained) == (1, 0, 0.5)
    assert points(plan, sales, "accept") == [(0.0, 30.0), (10 * DAY, 40.0)]
    assert (sales.window, sales.window_business, median(plan, sales.decide)) == (16 * HOUR, 1, DAY)


# ---- teams -----------------------------------------------------------------------------------------------------------


def test_speed_grows_with_the_ramp() -> None:
    """Half speed takes twice as long, on top of a handling factor of 1.2 and 20 % other work."""
    plan, row = team(ramp={"start": "50%", "2026-01-15": "100%"}, handling=1.2, other_work="20%")
    assert points(plan, row, "stretch") == [(0.0, pytest.approx(3.0)), (10 * DAY, pytest.approx(1.5))]


@pytest.mark.parametrize(
    ("said", "order", "score"),
    [
        ({"order": "newest"}, QueueOrder.NEWEST, -1),
        ({"order": "value"}, QueueOrder.VALUE, -1),
        ({"order": "score", "score": "sales"}, QueueOrder.SCORE, 1),
        ({"order": "score"}, QueueOrder.SCORE, -1),
    ],
)
def test_orders(said: dict[str, Any], order: int, score: int) -> None:
    _, row = team(**said)
    assert (row.order, row.score) == (order, score)


def test_absence_and_a_head_start() -> None:
    _, row = team(absence="4%", own_lead_head_start="2 days")
    assert (row.absence, row.head_start) == (0.04, 2 * DAY)
    _, plain = team()
    assert (plain.absence, plain.head_start, plain.lanes) == (0.0, 0.0, QueueLayout.POOLED)


def test_lanes_are_numbered_among_those_of_all_teams() -> None:
    many = {
        "marketing": {"people": 3, "queues": "personal"},
        "inside": {"people": 2, "time_budget": {"own": "30%", "other": "30%", "follow_ups": "15%", "deals": "25%"}},
        "sales": {"people": 5},
    }
    stages = {**BASE["stages"], "evaluation": {**BASE["stages"]["evaluation"], "is_deal": True}}
    plan = compiled(teams=many, stages=stages).plan()
    assert plan.teams["lanes"].tolist() == [QueueLayout.PERSONAL, QueueLayout.BUDGETED, QueueLayout.POOLED]
    assert plan.teams["lane_first"].tolist() == [0, 3, 7]
    assert plan.teams["lane_count"].tolist() == [3, 4, 1]
    assert points(plan, plan.teams[1], "budget") == [(0.0, 0.3), (1.0, 0.3), (2.0, 0.15), (3.0, 0.25)]
