"""Anchoring: base rates are averages of the root scenario, whatever the effects; beliefs move variants, not history."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy import stats

from funnelsim.compile import Blueprint, prepare
from funnelsim.errors import ScenarioError
from funnelsim.plan import COLD, FORWARD, Plan
from funnelsim.scenario import load, loads_resolved
from funnelsim.study.anchor import Anchor, anchor
from funnelsim.study.solve_intercepts import solve_intercept
from support.compile_helpers import visits_of

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "src" / "funnelsim" / "templates"
FALSE_ALARM = 1e-4
# What the anchor itself does not know: it solves on the luck of about 100,000 leads and stops when the log-odds move
# by less than 0.002, which is half a percent of a rate at the most.
ANCHORED = 0.005

STRONG = {"fit": 3.0, "context_lost": 0.3, "both_teams": 3.0, "marketing_sells": 0.4}


def strong(base_of: str = "dealt", response: str = "hbr-2011", rate: str = "40%") -> dict[str, Any]:
    """The starter with every effect on and strong, both teams in every stage."""
    scenario: dict[str, Any] = yaml.safe_load((TEMPLATES / "baseline.yaml").read_text(encoding="utf-8"))
    del scenario["promises"]
    scenario["sources"]["website"]["rate"] = "240/week"
    scenario["teams"]["sales"]["people"] = 6
    scenario["effects"] = dict(STRONG)
    scenario["fit_spread"] = 1.0
    scenario["ownership"] = {
        "interested": {"marketing": "70%", "sales": "30%"},
        "demo": {"marketing": "50%", "sales": "50%"},
        "offer": {"marketing": "20%", "sales": "80%"},
        "customer": "sales",
    }
    scenario["stages"]["demo"] |= {
        "response": response,
        "base_of": base_of,
        "next": {"offer": rate, "interested": "10% after 30 days", "lost": "rest"},
    }
    return scenario


@cache
def strong_blueprint(base_of: str = "dealt", response: str = "hbr-2011", rate: str = "40%") -> Blueprint:
    return prepare(loads_resolved({"format": 1, "scenario": strong(base_of, response, rate), "root": None}))


@cache
def flagship() -> Blueprint:
    loaded = load(str(ROOT / "scenarios" / "old-way.yaml"))
    return prepare(loaded.root or loaded)


@cache
def starter(name: str) -> Blueprint:
    loaded = load(str(TEMPLATES / f"{name}.yaml"))
    return prepare(loaded)


# ---- the root reproduces its base rates ----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["flagship", "starter", "strong", "strong, of entered", "strong, on contact"])
def test_the_root_reproduces_its_base_rates(which: str) -> None:
    blueprint = {
        "flagship": flagship,
        "starter": lambda: starter("baseline"),
        "strong": strong_blueprint,
        "strong, of entered": lambda: strong_blueprint("entered", rate="18%"),
        "strong, on contact": lambda: strong_blueprint(response="salesup-contact"),
    }[which]()
    plan = anchor(blueprint).plan(blueprint)

    rates = simulated(plan, 120 if which == "starter" else 40)
    names = [name for name in blueprint.book.stages if name in blueprint.base_rates]
    assert names and any(plan.stages["effect_count"])
    for name in names:
        stage = blueprint.book.stages.index(name)
        agree(*rates[stage], float(plan.stages["base"][stage]), f"{which}: {name}")


def test_without_the_anchor_the_strong_root_is_far_off() -> None:
    blueprint = strong_blueprint()
    rates = simulated(blueprint.plan(), 12)
    away = [
        abs(top.sum() / bottom.sum() / blueprint.base_rates[name] - 1.0)
        for name, (top, bottom) in zip(blueprint.base_rates, rates, strict=False)
    ]

    assert max(away) > 0.15


def test_without_effects_there_is_nothing_to_anchor() -> None:
    scenario = strong(response="none")
    scenario["effects"] = {}
    blueprint = prepare(loads_resolved({"format": 1, "scenario": scenario, "root": None}))
    solved = anchor(blueprint, cache=False)

    assert solved.leads == 0 and set(solved.added) == {0.0}


def simulated(plan: Plan, replications: int) -> list[tuple[Any, Any]]:
    """(advanced, base) by replication for each stage, on luck that the anchor has not seen."""
    settings = plan.settings[0]
    tops = np.zeros((replications, len(plan.stages)))
    bottoms = np.zeros_like(tops)
    for i in range(replications):
        visits = visits_of(plan, 20, [i])
        known = (visits.arrived >= 0.0) & (visits.entered < settings.measure_to)
        visits = visits[known & ((visits.chance >= 0.0) | (visits.ended >= 0.0))]
        for stage, row in enumerate(plan.stages):
            mine = visits[visits.stage == stage]
            dealt = mine.chance >= 0.0
            counted = np.ones_like(dealt) if row.base_of_entered and row.step_count else dealt
            forward = dealt & np.isin(mine.to, plan.exits.to[row.next_first : row.next_first + row.next_forward])
            tops[i, stage], bottoms[i, stage] = (forward & (mine.outcome != COLD)).sum(), counted.sum()
    return [(tops[:, stage], bottoms[:, stage]) for stage in range(len(plan.stages))]


def agree(top: Any, bottom: Any, expected: float, what: str) -> None:
    """The pooled rate is the base rate, but for the simulation error and what the anchor does not know."""
    rate = top.sum() / bottom.sum()
    error = (top - rate * bottom).std(ddof=1) / math.sqrt(len(top)) / bottom.mean()
    allowed = stats.t.isf(FALSE_ALARM / 2, len(top) - 1) * error + ANCHORED * expected
    assert abs(rate - expected) <= allowed, f"{what}: got {rate:.5f}, base rate {expected:.5f}, allowed {allowed:.5f}"
    assert allowed < 0.08 * expected, f"{what}: known to {allowed / expected:.1%} only"


# ---- beliefs -------------------------------------------------------------------------------------------------------


@cache
def by_draw(name: str) -> Any:
    """Conversion by [draw, stage], and leads won by draw, on the same luck in each of eight draws."""
    solved: Anchor = anchor(starter("baseline"))
    rates, wins = [], []
    for draw in range(8):
        plan = solved.plan(starter(name), draw)
        pairs = simulated(plan, 30)
        rates.append([top.sum() / max(bottom.sum(), 1.0) for top, bottom in pairs[:3]])
        wins.append(pairs[2][0].sum())
    return np.array(rates), np.array(wins)


def test_a_belief_moves_the_variant_and_not_the_history() -> None:
    """Eight draws of the ranges: the baseline's conversion stays, the shared funnel's moves."""
    known, history = by_draw("baseline")
    _, shared = by_draw("shared")
    spread = {name: float(wins.std(ddof=1) / wins.mean()) for name, wins in (("history", history), ("shared", shared))}

    assert (np.ptp(known, axis=0) < 0.02 * known.mean(axis=0)).all(), known
    assert spread["history"] < 0.015, spread
    assert spread["shared"] > 3.0 * spread["history"], spread


def test_without_inherited_intercepts_a_belief_would_change_the_history() -> None:
    """The same draws with the intercepts of the centre: what rule 71 is there for."""
    blueprint = strong_blueprint()
    scenario = strong()
    scenario["effects"] |= {"context_lost": "0.3 to 1.0"}
    ranged = prepare(loads_resolved({"format": 1, "scenario": scenario, "root": None}))
    solved = anchor(ranged)
    low, high = extreme_draws(ranged)
    fixed = {
        name: (float(row["intercept"]), float(row["contact_intercept"]))
        for name, row in zip(blueprint.book.stages, solved.plan(ranged).stages, strict=True)
    }

    def demo(plan: Plan) -> float:
        top, bottom = simulated(plan, 12)[1]
        return float(top.sum() / bottom.sum())

    followed = [demo(solved.plan(ranged, draw)) for draw in (low, high)]
    frozen = [demo(ranged.plan(draw, fixed)) for draw in (low, high)]
    assert abs(followed[1] / followed[0] - 1.0) < 0.015, followed
    assert frozen[1] / frozen[0] > 1.035, frozen


def extreme_draws(blueprint: Blueprint) -> tuple[int, int]:
    """Draws that put the belief near its low and its high end."""
    values = {draw: blueprint.values(draw)["effects.context_lost"] for draw in range(60)}
    return min(values, key=lambda draw: values[draw]), max(values, key=lambda draw: values[draw])


def test_variants_inherit_what_the_effects_add() -> None:
    solved = anchor(starter("baseline"))
    own, other = solved.plan(starter("baseline")), solved.plan(starter("shared"))

    assert (own.stages["intercept"] == other.stages["intercept"]).all()
    assert any(abs(added) > 0.1 for added in solved.added)


# ---- errors and arithmetic -----------------------------------------------------------------------------------------


def test_a_base_rate_above_the_share_reached_names_both_numbers() -> None:
    with pytest.raises(ScenarioError, match=r"stages\.demo\.next: 70\.0% of all leads that") as error:
        anchor(strong_blueprint("entered", rate="70%"), cache=False)

    text = str(error.value)
    reached = float(text.split("but only ")[1].split("%")[0])
    assert 20.0 < reached < 70.0
    assert f"so {100 * 0.7 / (reached / 100):.0f}"[:5] in text  # what would be needed of those reached


def test_the_intercept_solves_the_mean() -> None:
    """Two kinds of leads, by hand: with log-odds c -+ ln 3 the mean is 1/2 at c = 0, for any equal mix."""
    assert solve_intercept(np.array([-math.log(3), math.log(3)]), 0.5) == pytest.approx(0.0, abs=1e-9)
    shifts = np.array([0.0, 1.0, 2.0, -3.0])
    c = solve_intercept(shifts, 0.13)
    assert np.mean(1 / (1 + np.exp(-(c + shifts)))) == pytest.approx(0.13, abs=1e-12)


def test_forward_outcomes_are_what_the_rates_count() -> None:
    """`simulated` counts by where leads go; the outcome column says the same."""
    plan = anchor(starter("baseline")).plan(starter("baseline"))
    visits = visits_of(plan, 20, [0])
    onward = visits[(visits.stage == 1) & (visits.to == 2)]

    assert len(onward) > 50 and (onward.outcome == FORWARD).all()
