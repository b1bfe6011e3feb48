"""Beliefs: centres, draws that every scenario shares, and plans that change in nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from funnelsim.compile import UncertainParameter, compile_scenario
from funnelsim.compile import blueprint as blueprints
from funnelsim.compile.parameter_draws import logit, uniform
from funnelsim.plan import fingerprint
from funnelsim.scenario import load
from support.compile_helpers import BASE, compiled, points

SCENARIOS = Path(__file__).parents[2] / "scenarios"
RANGES = {"fit": 1.8, "context_lost": "0.6 to 1.0", "both_teams": "1.0 to 1.2"}
PROMISE = {"first_touch": "within 4 business hours", "adherence": "60% to 90%"}


def test_the_centre_of_odds_is_their_geometric_mean_and_of_shares_the_middle_logit() -> None:
    blueprint = compiled(effects=RANGES, promises=PROMISE)
    assert blueprint.values() == pytest.approx(
        {
            "effects.context_lost": math.sqrt(0.6),
            "effects.both_teams": math.sqrt(1.2),
            "promises.adherence": 1 / (1 + math.exp(-(logit(0.6) + logit(0.9)) / 2)),
        }
    )
    plan = blueprint.plan()
    assert points(plan, plan.effects[1], "size") == [(0.0, pytest.approx(math.log(0.6) / 2))]
    assert points(plan, plan.promises[1], "adherence")[0][1] == pytest.approx(blueprint.values()["promises.adherence"])


def test_a_draw_moves_the_beliefs_and_nothing_else() -> None:
    blueprint = compiled(effects=RANGES, promises=PROMISE)
    centre, drawn = blueprint.plan(), blueprint.plan(draw=4)
    same = [name for name in centre._fields if np.array_equal(getattr(centre, name), getattr(drawn, name))]
    assert set(centre._fields) - set(same) == {"points"}
    values = blueprint.values(4)
    assert points(drawn, drawn.effects[1], "size")[0][1] == math.log(values["effects.context_lost"])
    assert points(drawn, drawn.promises[0], "adherence")[0][1] == values["promises.adherence"]
    assert points(drawn, drawn.promises[1], "adherence")[0][1] == values["promises.adherence"]
    assert fingerprint(blueprint.plan()) == fingerprint(centre)  # the centre is not touched


def test_draws_are_uniform_on_the_scale_on_which_they_act() -> None:
    odds, share = UncertainParameter("a", 0.5, 2.0, "odds"), UncertainParameter("b", 0.2, 0.9, "share")
    u = np.array([uniform(1, draw, "a") for draw in range(2000)])
    assert abs(np.sort(u) - (np.arange(2000) + 0.5) / 2000).max() < 0.03  # Kolmogorov-Smirnov, 5 % point
    drawn = np.array([odds.drawn(1, draw) for draw in range(2000)])
    assert (np.log(drawn) / math.log(4) + 0.5) == pytest.approx(u)
    logits = np.array([logit(share.drawn(1, draw)) for draw in range(200)])
    assert logits.min() >= logit(0.2) and logits.max() <= logit(0.9)
    assert share.at(0.5) == pytest.approx(1 / (1 + math.exp(-(logit(0.2) + logit(0.9)) / 2)))
    assert UncertainParameter("c", 0.5, 1.0, "share").at(0.5) == 0.75  # certainty has no logit: straight


def test_a_belief_has_the_same_luck_in_every_scenario() -> None:
    one, other = compiled(effects=RANGES), compiled(effects=RANGES, promises=PROMISE)
    assert one.values(9) == {path: value for path, value in other.values(9).items() if path.startswith("effects")}
    assert one.values(9) != one.values(10)
    assert one.values(9) != compiled(effects=RANGES, seed=2).values(9)


def test_beliefs_over_time_have_a_draw_each() -> None:
    blueprint = compiled(effects={"fit": {"start": "1.5 to 2", "2026-01-15": "2 to 3"}})
    assert [belief.path for belief in blueprint.beliefs] == ["effects.fit", "effects.fit.1"]
    plan, values = blueprint.plan(draw=2), blueprint.values(2)
    assert [y for _, y in points(plan, plan.effects[0], "size")] == [math.log(value) for value in values.values()]


def test_intercepts_of_an_anchoring_replace_the_logit_of_the_base_rate() -> None:
    blueprint = compiled(effects=RANGES)
    plan = blueprint.plan(intercepts={"interest": (-0.7, 0.25)})
    assert (plan.stages[0].intercept, plan.stages[0].contact_intercept) == (-0.7, 0.25)
    assert plan.stages[1].intercept == logit(0.5)
    assert blueprint.plan().stages[0].intercept == logit(0.45)
    assert blueprint.base_rates == {"interest": 0.45, "evaluation": 0.5}


def test_the_same_scenario_gives_the_same_plan() -> None:
    assert fingerprint(compiled(effects=RANGES).plan()) == fingerprint(compiled(effects=RANGES).plan())
    assert fingerprint(compiled(effects=RANGES).plan(3)) == fingerprint(compiled(effects=RANGES).plan(3))


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"name": "another"}, {"currency": "CHF"}, {"costs": [{"name": "CRM", "amount": 900}]}]
)
def test_what_no_engine_reads_does_not_change_a_plan(change: dict[str, object]) -> None:
    assert fingerprint(compiled(**change).plan()) == fingerprint(compiled().plan())


def test_what_an_engine_reads_changes_the_plan() -> None:
    changes = [
        {"ownership": {"interest": "marketing"}},
        {"handoff": {"delay": "1 hour"}},
        {"promises": PROMISE},
        {"cycles": 3},
        {"observe": "5 weeks"},
        {"teams": {**BASE["teams"], "sales": {"people": 3}}},
    ]
    plans = {fingerprint(compiled(**change).plan()) for change in ({}, *changes)}
    assert len(plans) == 1 + len(changes)


def test_a_draw_compiles_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """So forty draws cost forty copies of a few tables, not forty compilations: the others are the same arrays."""
    loaded = load(str(SCENARIOS / "shared-funnel.yaml"))
    blueprint = compile_scenario(loaded)

    def anew(*_: object) -> None:
        raise AssertionError("compiled anew")

    for part in ("CompileContext", "Demand", "Stages", "Teams", "StageTeams", "Fitted", "Plan", "array"):
        monkeypatch.setattr(blueprints, part, anew)
    with pytest.raises(AssertionError, match="compiled anew"):
        compile_scenario(loaded)
    centre, draws = blueprint.plan(), [blueprint.plan(draw=draw) for draw in range(5)]
    assert len({fingerprint(plan) for plan in draws}) == len(draws)
    copied = {
        name for name in centre._fields if any(getattr(plan, name) is not getattr(centre, name) for plan in draws)
    }
    assert "points" in copied and copied <= {"points", "stages", "exits", "source_segments", "tables"}, (
        "beliefs and fits"
    )


@pytest.mark.parametrize("path", sorted(SCENARIOS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_worked_example_compiles(path: Path) -> None:
    blueprint = compile_scenario(load(str(path)))
    plan = blueprint.plan()
    assert len(plan.stages) == len(blueprint.book.stages) and blueprint.book.won >= 0
    for group in ("next", "unreached", "cold"):
        for stage in plan.stages:
            shares = plan.exits["share"][stage[f"{group}_first"] :][: stage[f"{group}_count"]]
            forward = int(stage.next_forward) if group == "next" else len(shares)
            for part in (shares[:forward], shares[forward:]):
                assert len(part) == 0 or part.sum() == pytest.approx(1.0)


def test_the_variants_differ_from_the_old_way_in_policy_only() -> None:
    """Sources, stages, exits and work are the market: a promise or a shared funnel does not touch them."""
    old = compile_scenario(load(str(SCENARIOS / "old-way.yaml"))).plan()
    for name in ("old-way-with-promise", "shared-funnel"):
        new = compile_scenario(load(str(SCENARIOS / f"{name}.yaml"))).plan()
        for table in ("sources", "source_segments", "exits", "steps", "teams", "intervals"):
            assert np.array_equal(getattr(old, table), getattr(new, table)), (name, table)
        assert not np.array_equal(old.stage_teams, new.stage_teams)
