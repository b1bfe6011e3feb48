"""Stages: exits forward first, base rates, work, and what shifts the chance of going on."""

from __future__ import annotations

import math
from datetime import date

import pytest

from funnelsim.compile import compile_scenario
from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.engine.log_odds import curve_value, logistic
from funnelsim.engine.rng import path_hash
from funnelsim.plan import DAY, HOUR
from funnelsim.plan_codes import ExitTarget, SpacingKind
from funnelsim.scenario.values import Schedule, Share
from support.compile_helpers import BASE, NOBODY, compiled, exits, median, points, shift_of, with_stage

MIXED = {"lost": "20%", "evaluation": "30%", "interest": "15% after 3 days", "customer": "10%", "silent": "rest"}


def test_exits_are_forward_ones_first_then_the_others_in_the_order_of_the_file() -> None:
    plan = with_stage(next=MIXED).plan()
    stage = plan.stages[0]
    assert (stage.next_count, stage.next_forward) == (5, 2)
    assert [to for to, _ in exits(plan, stage, "next")] == [1, 2, ExitTarget.LOST, 0, ExitTarget.SILENT]


def test_shares_are_proportions_within_their_part_and_the_base_rate_is_the_forward_sum() -> None:
    plan = with_stage(next=MIXED).plan()
    stage = plan.stages[0]
    assert [share for _, share in exits(plan, stage, "next")] == pytest.approx(
        [0.75, 0.25, 0.2 / 0.6, 0.15 / 0.6, 0.25 / 0.6]
    )
    assert stage["base"] == pytest.approx(0.4)
    assert stage.intercept == pytest.approx(math.log(0.4 / 0.6))


def test_cool_off_way_back_and_pace_of_an_exit() -> None:
    plan = with_stage(
        next=MIXED, pace={"lost": "2 days", "evaluation": "4 days", "interest": "6 days", "customer": "at once"}
    ).plan()
    first = plan.stages[0].next_first
    rows = {int(row["to"]): row for row in plan.exits[first : first + 5]}
    assert [rows[to]["backward"] for to in (0, 1, 2, ExitTarget.LOST)] == [1, 0, 0, 0]
    assert median(plan, rows[0]["cool"]) == 3 * DAY and rows[1]["cool"] == -1
    assert [median(plan, rows[to]["pace"]) for to in (0, 1, ExitTarget.LOST)] == [6 * DAY, 4 * DAY, 2 * DAY]
    assert rows[2]["pace"] == rows[ExitTarget.SILENT]["pace"] == -1  # at once, and silence has no time


def test_one_pace_holds_for_all_exits_but_silence() -> None:
    plan = with_stage(next=MIXED, pace="5 days").plan()
    first = plan.stages[0].next_first
    assert [row["pace"] >= 0 for row in plan.exits[first : first + 5]] == [True, True, True, True, False]


def test_a_stage_without_next_is_an_end() -> None:
    stage = compiled().plan().stages[2]
    assert (stage.next_count, stage.next_forward, stage["base"], stage.effect_count) == (0, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("shares", "base", "intercept"),
    [
        ({"evaluation": "100%"}, 1.0, math.inf),
        ({"lost": "100%"}, 0.0, -math.inf),
        ({"evaluation": 1 / 3, "customer": "rest"}, 1.0, math.inf),
    ],
)
def test_certain_exits_have_infinite_intercepts_and_no_effects(
    shares: dict[str, object], base: float, intercept: float
) -> None:
    stages = {**BASE["stages"], "interest": {"next": shares}}
    sources = {**BASE["sources"], "demo": {"rate": "5/week", "enters": "evaluation"}}
    stage = compiled(stages=stages, sources=sources, effects={"fit": 2}).plan().stages[0]
    assert (stage["base"], stage.intercept, stage.effect_count) == (base, intercept, 0)
    assert logistic(stage.intercept) == base


def test_unreached_defaults_to_lost_and_cold_to_unreached() -> None:
    plan = with_stage().plan()
    stage = plan.stages[0]
    assert exits(plan, stage, "unreached") == [(ExitTarget.LOST, 1.0)]
    assert (stage.cold_first, stage.cold_count) == (stage.unreached_first, stage.unreached_count)
    own = with_stage(
        unreached={"interest": "40% after 60 days", "lost": "rest"}, cold={"lost": "100%"}, patience="90 days"
    ).plan()
    assert exits(own, own.stages[0], "unreached") == [(0, 0.4), (ExitTarget.LOST, 0.6)]
    assert exits(own, own.stages[0], "cold") == [(ExitTarget.LOST, 1.0)]


def test_luck_and_base_of() -> None:
    stage = with_stage(base_of="entered").plan().stages[0]
    assert (stage.stream, stage.base_of_entered) == (path_hash("stages/interest"), 1)


# ---- work ------------------------------------------------------------------------------------------------------------


def test_a_step_of_work() -> None:
    plan = with_stage(
        work={
            "attempts": 4,
            "spacing": "1 day",
            "handling": "6 min",
            "conversation": "20 min",
            "contact": "leads360-2012",
        },
        patience="30 days",
    ).plan()
    (step,) = plan.steps
    assert (step.team, step.attempts, step.spacing_kind, step.spacing) == (-1, 4, SpacingKind.ELAPSED, DAY)
    assert (median(plan, step.handling), median(plan, step.conversation)) == (360.0, 1200.0)
    assert [y for _, y in points(plan, step, "contact")] == [0.39, 0.54, 0.39, 0.29, 0.25]
    assert step.contactable == 1
    assert median(plan, plan.stages[0].patience) == 30 * DAY


@pytest.mark.parametrize(
    ("contact", "says", "chances", "contactable"),
    [
        ("always", None, [1.0], 0),
        (["30%", 0.2], None, [0.3, 0.2], 0),
        ("20%", True, [0.2], 1),
        ("leads360-2012", False, [0.39, 0.54, 0.39, 0.29, 0.25], 0),
    ],
)
def test_contact_tables(contact: object, says: bool | None, chances: list[float], contactable: int) -> None:
    work = {"handling": "6 min", "contact": contact} | ({} if says is None else {"contactable": says})
    plan = with_stage(work=work).plan()
    assert [y for _, y in points(plan, plan.steps[0], "contact")] == chances
    assert plan.steps[0].contactable == contactable


def test_spacing_in_business_time_and_on_days() -> None:
    business = with_stage(work={"attempts": 2, "handling": "6 min", "spacing": "2 business days"}).plan().steps[0]
    assert (business.spacing_kind, business.spacing) == (SpacingKind.BUSINESS, 2 * 8 * HOUR)  # the owner's day (rule 4)
    plan = with_stage(work={"attempts": 3, "handling": "6 min", "on_days": [0, 1, 3]}).plan()
    assert plan.steps[0].spacing_kind == SpacingKind.ON_DAYS
    assert [y for _, y in points(plan, plan.steps[0], "days")] == [0.0, DAY, 3 * DAY]
    at_once = with_stage(work={"attempts": 2, "handling": "6 min"}).plan().steps[0]
    assert (at_once.spacing_kind, at_once.spacing) == (SpacingKind.ELAPSED, 0.0)


def test_steps_by_team() -> None:
    work = [{"by": "marketing", "handling": "6 min"}, {"by": "sales", "attempts": 4, "handling": "9 min"}]
    blueprint = with_stage(work=work)
    plan = blueprint.plan()
    assert blueprint.book.teams == ("marketing", "sales")  # the marketing side first
    assert plan.steps["team"].tolist() == [0, 1]
    assert (plan.stages[0].step_first, plan.stages[0].step_count) == (0, 2)


# ---- effects ---------------------------------------------------------------------------------------------------------

ALL_EFFECTS = {"fit": 1.8, "context_lost": 0.5, "both_teams": 1.25, "marketing_sells": 0.8}


def test_effects_are_logarithms_of_odds_and_only_work_knows_who_sells() -> None:
    plan = compiled(effects=ALL_EFFECTS).plan()
    worked, idle, end = plan.stages
    assert [worked.effect_count, idle.effect_count, end.effect_count] == [4, 3, 0]
    rows = plan.effects[worked.effect_first :][:4]
    assert rows["input"].tolist() == [
        EffectInput.FIT,
        EffectInput.CONTEXT_LOST,
        EffectInput.BOTH_TEAMS,
        EffectInput.MARKETING_SELLS,
    ]
    assert set(rows["target"].tolist()) == {int(EffectTarget.ADVANCE)}
    covariates = NOBODY._replace(fit=2.0, context=0.4, both_teams=1.0, marketing_sells=1.0)
    shift = shift_of(plan, 0, EffectTarget.ADVANCE, covariates)
    assert shift == pytest.approx(2 * math.log(1.8) + 0.6 * math.log(0.5) + math.log(1.25) + math.log(0.8))


def test_odds_of_one_are_no_effect() -> None:
    assert len(compiled(effects={"fit": 1, "both_teams": "1 to 1"}).plan().effects) == 0


def test_an_effect_limited_to_stages() -> None:
    plan = compiled(effects={"fit": {"odds": 2, "stages": ["evaluation"]}}).plan()
    assert plan.stages["effect_count"].tolist() == [0, 1, 0]


def test_an_effect_over_time() -> None:
    plan = compiled(effects={"fit": {"start": 2.0, "2026-01-15": 3.0}}).plan()
    assert points(plan, plan.effects[0], "size") == [(0.0, math.log(2.0)), (10 * DAY, math.log(3.0))]


def test_a_share_over_time_shifts_the_log_odds() -> None:
    scenario = with_stage(next={"evaluation": "40%", "lost": "rest"}).scenario
    steps = Schedule(((None, 0.4), (date(2026, 1, 15), 0.6)))
    share = {"evaluation": Share(0.4, schedule=steps), "lost": Share(None)}
    interest = scenario.stages["interest"].model_copy(update={"next": share})
    plan = compile_scenario(scenario.model_copy(update={"stages": {**scenario.stages, "interest": interest}})).plan()
    (effect,) = plan.effects
    assert (effect.input, effect.target, plan.stages[0]["base"]) == (EffectInput.ALWAYS, EffectTarget.ADVANCE, 0.4)
    (_, before), (when, after) = points(plan, effect, "size")
    assert (before, when) == (0.0, 10 * DAY)
    assert logistic(plan.stages[0].intercept + after) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("response", "target"), [("hbr-2011", EffectTarget.ADVANCE), ("lrm-2007-contact", EffectTarget.CONTACT)]
)
def test_the_response_curve_acts_where_its_preset_says(response: str, target: int) -> None:
    plan = with_stage(response=response).plan()
    (effect,) = plan.effects
    assert (effect.input, effect.target) == (EffectInput.RESPONSE_DELAY, target)
    assert points(plan, effect, "size") == [(0.0, 1.0)]


def test_the_response_curve_in_the_engines_own_arithmetic() -> None:
    plan = with_stage(response="hbr-2011").plan()
    (effect,) = plan.effects
    for minutes in (1.0, 7.0, 1440.0):
        found = curve_value(plan.points, int(effect.curve_first), int(effect.curve_count), minutes * 60)
        assert found == pytest.approx(-0.52 * math.log(minutes / 1440))


def test_no_response_curve_no_effect() -> None:
    assert len(with_stage(response="none").plan().effects) == 0


@pytest.mark.parametrize(
    ("curve", "delay", "ratio"),
    [
        ({"table": {"5 min": 1, "1 hour": 0.4}}, 300.0, 1.0),
        ({"table": {"5 min": 1, "1 hour": 0.4}}, 7200.0, 0.4),
        ({"lomax": {"scale": "40 s", "shape": 0.514}}, 400.0, 11**-0.514),
        ({"power": {"shape": 0.52, "floor": "1 min"}}, 600.0, 10**-0.52),
        ({"loglogistic": {"scale": "23 min", "shape": 0.729, "floor": "5%"}}, 23 * 60.0, 0.05 + 0.95 / 2),
    ],
)
def test_a_curve_of_ones_own(curve: dict[str, object], delay: float, ratio: float) -> None:
    plan = with_stage(response={**curve, "target": "advance"}).plan()
    (effect,) = plan.effects
    found = curve_value(plan.points, int(effect.curve_first), int(effect.curve_count), delay)
    assert math.exp(found) == pytest.approx(ratio, rel=2e-4)
