"""Interest on its way to the plan: traits of leads, scores, definitions, gates, signals, nurture and tasks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.engine.interest_dynamics import MANY, score_of
from funnelsim.engine.rng import path_hash, quantile_at
from funnelsim.plan import DAY
from funnelsim.plan_codes import DefinitionKind, ExitTarget, Side, SignalFlag, TaskKind
from support.compile_helpers import BASE, NOBODY, compiled, exits, median, points, shift_of, with_source, with_stage

SCORES = {"marketing": {"fit": 10, "intent": 8, "points": 1, "noise": 12}, "sales": {"fit": 20}}


# ---- who comes -------------------------------------------------------------------------------------------------------


def test_without_a_word_leads_are_marketings_warm_and_without_interest() -> None:
    plan = compiled().plan()
    source_segment, source = plan.source_segments[0], plan.sources[0]
    assert (source_segment.intent, source_segment.intent_shift, source_segment.trust, source_segment.trust_shift) == (
        -1,
        0.0,
        -1,
        0.0,
    )
    assert (source_segment.warmth, source_segment.points, source_segment.ready) == (1.0, 0.0, -1)
    assert (source.side, source.again, source.again_stage) == (Side.MARKETING, 0.0, -1)


def test_traits_of_source_and_segment_add_up() -> None:
    source = {
        "rate": "70/week",
        "side": "sales",
        "intent": "normal(mean 0.5 sd 2)",
        "trust": 0.4,
        "warmth": "30%",
        "points": 20,
        "ready_after": "fixed(5 days)",
    }
    segments = {"big": {"share": "40%", "intent": 0.25, "trust": 0.1}, "small": {"share": "rest"}}
    plan = compiled(sources={"web": source}, segments=segments).plan()
    big, small = plan.source_segments
    assert (big.intent_shift, small.intent_shift) == (0.25, 0.0)
    assert (big.trust_shift, small.trust_shift) == (pytest.approx(0.5), 0.4)
    assert median(plan, big.intent) == pytest.approx(0.5) and big.trust == -1
    assert float(quantile_at(plan.tables, int(big.intent), 0.8413447)) == pytest.approx(2.5, abs=1e-3)
    assert (small.warmth, small.points, median(plan, small.ready)) == (0.3, 20.0, 5 * DAY)
    assert plan.sources[0].side == Side.SALES


def test_a_belief_about_intent_is_drawn() -> None:
    blueprint = with_source(intent="0 to 1")
    assert blueprint.plan().source_segments[0].intent_shift == 0.5
    assert blueprint.plan(3).source_segments[0].intent_shift == blueprint.values(3)["sources.web.intent"] != 0.5


def test_captured_thins_the_rate_rounds_batches_half_up_and_costs_the_same() -> None:
    """80 % of 70 a week; of 30 at a fair 24, of 3 at another 2.4; 60 a head who comes is 75 a head who is known."""
    batches = ["30 on 2026-01-07", "3 on 2026-01-08"]
    plan = with_source(captured="80%", cost=60, batch=batches).plan()
    assert points(plan, plan.sources[0], "rate") == [(0.0, 56.0)]
    assert plan.sources["batch"].tolist() == [24, 2]
    assert plan.sources["cost"].tolist() == [75.0, 75.0]
    assert with_source(captured="50%", batch=["3 on 2026-01-08"]).plan().sources[0].batch == 2  # 1.5: half up


def test_found_again() -> None:
    again = {"chance": "20%", "after": "exponential(mean 5 days)", "enters": "evaluation", "merged": "30%"}
    source = with_source(found_again=again).plan().sources[0]
    assert (source.again, source.again_stage, source.merged) == (0.2, 1, 0.3)
    plan = with_source(found_again=again).plan()
    assert median(plan, source.again_after) == pytest.approx(5 * DAY * math.log(2), rel=1e-4)
    shared = compiled(sources={"web": {"rate": "1/week", "found_again": again}}, handoff={"integration": "60%"})
    assert shared.plan().sources[0].merged == 0.6  # teams that share systems merge at least so much (105)


# ---- scores and definitions ------------------------------------------------------------------------------------------


def test_a_score_is_its_weights_and_a_noise_of_its_own() -> None:
    plan = compiled(scores=SCORES).plan()
    marketing, sales = plan.scores
    assert (marketing.fit, marketing.intent, marketing.points) == (10.0, 8.0, 1.0)
    assert marketing.stream == path_hash("scores/marketing") and sales.noise == -1
    seen = [score_of(plan.scores, plan.tables, 0, np.uint64(stream), 1.0, 0.5, 20.0) for stream in range(4000)]
    assert np.mean(seen) == pytest.approx(34.0, abs=4.4 * 12 / math.sqrt(4000))  # 10 + 4 + 20
    assert np.std(seen) == pytest.approx(12.0, rel=0.06)
    assert score_of(plan.scores, plan.tables, 1, np.uint64(5), 1.5, 9.0, 9.0) == 30.0


def test_beliefs_about_scores_follow_the_draw_noise_included() -> None:
    blueprint = compiled(scores={"marketing": {"fit": "5 to 15", "noise": "6 to 18"}})
    assert set(blueprint.values()) == {"scores.marketing.fit", "scores.marketing.noise"}
    plan, values = blueprint.plan(4), blueprint.values(4)
    assert plan.scores[0].fit == values["scores.marketing.fit"]
    one_sd = float(quantile_at(plan.tables, int(plan.scores[0].noise), 0.8413447))
    assert one_sd == pytest.approx(values["scores.marketing.noise"], rel=1e-3)
    centre = blueprint.plan()
    assert float(quantile_at(centre.tables, int(centre.scores[0].noise), 0.8413447)) == pytest.approx(12.0, rel=1e-3)


def test_definitions_are_milestones_or_thresholds_that_may_change_by_date() -> None:
    definitions = {
        "MQL": {"score": "marketing", "at_least": {"start": 40, "2026-01-15": 50}},
        "SQL": "sales score at least 30",
        "won": "enters customer",
    }
    plan = compiled(scores=SCORES, definitions=definitions).plan()
    assert plan.definitions["kind"].tolist() == [
        DefinitionKind.THRESHOLD,
        DefinitionKind.THRESHOLD,
        DefinitionKind.MILESTONE,
    ]
    assert plan.definitions["score"].tolist() == [0, 1, -1]
    assert points(plan, plan.definitions[0], "least") == [(0.0, 40.0), (10 * DAY, 50.0)]
    assert points(plan, plan.definitions[1], "least") == [(0.0, 30.0)]
    assert plan.definitions["stage"].tolist() == [-1, -1, 2]
    assert plan.definitions["person"].tolist() == [0, 0, 1]  # a person is won once (88)


def test_a_gate_names_its_definition_and_leaves_no_chance_to_move() -> None:
    definitions = {"MQL": "marketing score at least 40", "won": "enters customer"}
    stages = {**BASE["stages"], "interest": {**BASE["stages"]["interest"], "gate": "MQL"}}
    plan = compiled(scores=SCORES, definitions=definitions, stages=stages, effects={"fit": 2}).plan()
    assert plan.stages["gate"].tolist() == [0, -1, -1]
    assert plan.stages["base"][0] == 0.45
    assert [effect.input for effect in plan.effects] == [EffectInput.FIT] and plan.stages["effect_count"].tolist() == [
        0,
        1,
        0,
    ]


def test_rejected_leads_leave_as_unreached_unless_told() -> None:
    plan = with_stage(unreached={"interest": "40% after 60 days", "lost": "rest"}).plan()
    assert exits(plan, plan.stages[0], "rejected") == [(0, 0.4), (ExitTarget.LOST, 0.6)]
    own = with_stage(rejected={"interest": "60% after 30 days", "lost": "rest"}).plan()
    assert exits(own, own.stages[0], "rejected") == [(0, 0.6), (ExitTarget.LOST, 0.4)]
    assert exits(own, own.stages[0], "unreached") == [(ExitTarget.LOST, 1.0)]


# ---- signals, nurture, tasks -----------------------------------------------------------------------------------------


def test_signals_in_the_order_of_the_file() -> None:
    signals = {
        "ebook": {"chance": "30%", "after": "fixed(10 days)", "points": 10, "intent": 0.2, "trust": -0.1},
        "demo": {"chance": "5%", "points": 60, "raises_hand": True},
        "holiday": {"chance": "5%", "pause": "10 days"},
    }
    plan = with_stage(signals=signals).plan()
    ebook, demo, holiday = plan.signals
    assert (plan.stages[0].signal_count, plan.stages[1].signal_count) == (3, 0)
    assert (ebook.chance, ebook.points, ebook.intent, ebook.trust, ebook["flags"]) == (0.3, 10.0, 0.2, -0.1, 0)
    assert median(plan, ebook.after) == 10 * DAY and demo.after == -1  # at entry
    assert (demo["flags"], holiday["flags"]) == (SignalFlag.RAISES_HAND, SignalFlag.PAUSES)
    assert median(plan, holiday.pause) == 10 * DAY and demo.pause == -1
    assert ebook.stream == path_hash("stages/interest/signals/ebook")


def test_what_moves_signals() -> None:
    influences = {"trusting": {"input": "trust", "target": "signals", "odds": 2}}
    stages = {**BASE["stages"], "interest": {**BASE["stages"]["interest"], "signals": {"ebook": {"chance": "30%"}}}}
    moved = compiled(stages=stages, influences=influences).plan()
    assert moved.stages["effect_count"].tolist() == [1, 0, 0]  # only where there are signals
    assert shift_of(moved, 0, EffectTarget.SIGNALS, NOBODY._replace(trust=1.5)) == pytest.approx(1.5 * math.log(2))


def test_nurture() -> None:
    said = {"every": "1 week", "touches": 8, "intent": 0.15, "intent_limit": 2, "trust": 0.1, "fatigue": "2%"}
    plan = with_stage(nurture=said).plan()
    (row,) = plan.nurtures
    assert plan.stages["nurture"].tolist() == [0, -1, -1]
    assert (row.every, row.touches, row.fatigue, row.continues_after_handoff) == (7 * DAY, 8, 0.02, 0)
    assert (row.intent, row.intent_limit, row.trust, row.trust_limit) == (0.15, 2.0, 0.1, math.inf)
    assert row.stream == path_hash("stages/interest/nurture")
    endless = with_stage(nurture={"every": "2 weeks", "continues_after_handoff": True}).plan().nurtures[0]
    assert (endless.touches, endless.continues_after_handoff) == (MANY, 1)


def test_tasks_and_preparation() -> None:
    tasks = {
        "demo": {
            "is": "meeting",
            "delay": "3 days",
            "handling": "45 min",
            "idle": "10 min",
            "shows": "80%",
            "tries": 2,
        },
        "price": {"is": "objection", "chance": "40%", "handling": "30 min", "resolved": "60% to 80%"},
    }
    blueprint = with_stage(tasks=tasks, work={"handling": "6 min", "preparation": "10 min"}, is_deal=True)
    plan = blueprint.plan()
    meeting, objection = plan.tasks
    assert (meeting.kind, meeting.chance, meeting.success, meeting.tries) == (TaskKind.MEETING, 1.0, 0.8, 2)
    assert [median(plan, meeting[name]) for name in ("delay", "handling", "idle")] == [3 * DAY, 2700.0, 600.0]
    assert (objection.kind, objection.chance, objection.delay, objection.idle) == (TaskKind.OBJECTION, 0.4, -1, -1)
    assert plan.steps[0].preparation >= 0 and median(plan, plan.steps[0].preparation) == 600.0
    assert (plan.stages[0].task_count, plan.stages[0].deal, plan.stages[1].deal) == (2, 1, 0)
    assert blueprint.book.tasks == ("interest.demo", "interest.price")
    path = "stages.interest.tasks.price.resolved"
    assert blueprint.plan(2).tasks[1].success == blueprint.values(2)[path] != objection.success
