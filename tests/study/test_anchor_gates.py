"""Gates: conversion is what a definition lets through, and calibration is kept by what anchoring adds to the score.

The oracle is arithmetic: with normal fit and normal noise, scores are normal, and two gates in a row are a bivariate
normal law.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from funnelsim.compile import Blueprint
from funnelsim.engine.replicate import replicate
from funnelsim.errors import ScenarioError
from funnelsim.plan import CONTACT, Plan
from funnelsim.scenario import loads_resolved
from funnelsim.study.alternative_models import Case
from funnelsim.study.anchor import anchor, from_json, to_json
from funnelsim.study.history_check import check_history
from funnelsim.summary import COHORT
from support.compile_helpers import BASE, compiled, visits_of

FIT, NOISE, SALES_NOISE = 10.0, 10.0, 5.0
MARKETING_SD, SALES_SD = math.hypot(FIT, NOISE), math.hypot(FIT, SALES_NOISE)
CORRELATION = FIT * FIT / (MARKETING_SD * SALES_SD)
FIRST, SECOND = 0.3, 0.5  # shares of the two gates on record
FALSE_ALARM = 1e-5
# The anchor solves on other luck, of some 120,000 leads, and stops at 0.002 of the log-odds.
ANCHORED = 0.006


def gated(threshold: float = 40.0, **keys: Any) -> dict[str, Any]:
    """Two gates in a row: marketing's definition, then sales'."""
    return {
        "observe": "26 weeks",
        "fit_spread": 1.0,
        "sources": {"web": {"rate": "400/week"}},
        "ownership": {},
        "scores": {"marketing": {"fit": FIT, "noise": NOISE}, "sales": {"fit": FIT, "noise": SALES_NOISE}},
        "definitions": {
            "MQL": {"score": "marketing", "at_least": threshold},
            "SQL": "sales score at least 20",
            "won": "enters customer",
        },
        "stages": {
            "interest": {"gate": "MQL", "next": {"evaluation": "30%", "lost": "rest"}},
            "evaluation": {"gate": "SQL", "next": {"customer": "50%", "lost": "rest"}},
            "customer": {},
        },
        **keys,
    }


@cache
def root() -> Blueprint:
    return compiled(**gated())


def shares(plan: Plan, replications: int = 12) -> list[tuple[int, int]]:
    """(gone on, entered) by stage."""
    visits = visits_of(plan, 20, range(replications))
    measured = []
    for stage in range(len(plan.stages)):
        mine = visits[visits.stage == stage]
        measured.append((int((mine.to == stage + 1).sum()), len(mine)))
    return measured


def agrees(seen: tuple[int, int], expected: float, what: str) -> None:
    top, bottom = seen
    allowed = stats.norm.isf(FALSE_ALARM / 2) * math.sqrt(expected * (1.0 - expected) / bottom) + ANCHORED
    share = top / bottom
    assert abs(share - expected) <= allowed, f"{what}: {share:.4f}, expected {expected:.4f} +- {allowed:.4f}"
    assert allowed < 0.03, what


def both(first: float, second: float) -> float:
    """Share that both gates let through: P(X > first and Y > second) of two normal scores."""
    return float(stats.multivariate_normal(cov=[[1.0, CORRELATION], [CORRELATION, 1.0]]).cdf([-first, -second]))


def sales_cut() -> float:
    """Standard score at which sales' gate lets half of the root's MQLs through."""
    from scipy.optimize import brentq

    first = float(stats.norm.isf(FIRST))
    return float(brentq(lambda second: both(first, second) - FIRST * SECOND, -5.0, 5.0))


# ---- the root gives its base rates, by an offset known in closed form ------------------------------------------------


def test_the_offset_is_the_quantile_of_a_normal_score() -> None:
    """score + offset >= 40 for 30 %: offset = 40 - 14.14 z(70 %)."""
    solved = anchor(root())
    assert (solved.definitions, solved.scores) == (("MQL", "SQL"), ("marketing", "sales"))
    assert solved.offsets[0] == pytest.approx(40.0 - MARKETING_SD * float(stats.norm.isf(FIRST)), abs=0.15)
    assert solved.offsets[1] == pytest.approx(20.0 - SALES_SD * sales_cut(), abs=0.2)


def test_the_root_converts_as_on_record() -> None:
    seen = shares(anchor(root()).plan(root()))
    agrees(seen[0], FIRST, "interest")
    agrees(seen[1], SECOND, "evaluation")


# ---- another definition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [30.0, 50.0, 60.0])
def test_a_stricter_definition_lets_fewer_through_and_they_convert_better(threshold: float) -> None:
    """Nothing else has changed; the bivariate normal law says how many pass, and how many of these the next gate."""
    variant = compiled(**gated(threshold))
    plan = anchor(root()).plan(variant)
    first = float(stats.norm.isf(FIRST)) + (threshold - 40.0) / MARKETING_SD
    passing = float(stats.norm.sf(first))
    converting = both(first, sales_cut()) / passing
    seen = shares(plan, 12 if threshold < 60.0 else 60)

    agrees(seen[0], passing, f"MQLs at {threshold}")
    agrees(seen[1], converting, f"SQLs of MQLs at {threshold}")
    assert (passing < FIRST) == (converting > SECOND) == (threshold > 40.0)


def test_one_definition_for_both_teams_leaves_nobody_to_turn_down() -> None:
    """When both gates are one definition, whoever passes the first passes the second."""
    definitions = {"MQL": "sales score at least 20", "SQL": "sales score at least 20", "won": "enters customer"}
    shared = compiled(**gated(definitions=definitions))
    solved = anchor(root())
    plan = solved.plan(shared)
    assert plan.definitions["offset"].tolist() == [0.0, solved.offsets[1], 0.0]  # MQL is of another score now
    stages = {**gated()["stages"], "interest": {"gate": "SQL", "next": {"evaluation": "30%", "lost": "rest"}}}
    visits = shares(solved.plan(compiled(**gated(stages=stages))))
    assert visits[1][0] == visits[1][1] > 1000


def test_a_definition_that_opens_two_gates_has_one_offset_for_both() -> None:
    """Both let the same leads through; the offset meets the mean of the two shares on record."""
    stages = {
        "interest": {"gate": "MQL", "next": {"evaluation": "40%", "lost": "rest"}},
        "evaluation": {"next": {"customer": "50%", "lost": "rest"}},
        "customer": {},
    }
    sources = {"web": {"rate": "300/week"}, "partner": {"rate": "100/week", "enters": "evaluation"}}
    stages["evaluation"] = {"gate": "MQL", "next": {"customer": "80%", "lost": "rest"}}
    blueprint = compiled(**gated(stages=stages, sources=sources))
    solved = anchor(blueprint)
    visits = visits_of(solved.plan(blueprint), 20, range(6))
    gone = sum(int((visits[visits.stage == stage].to == stage + 1).sum()) for stage in (0, 1))
    wanted = sum(base * (visits.stage == stage).sum() for stage, base in ((0, 0.4), (1, 0.8)))
    assert gone == pytest.approx(wanted, rel=0.02)


# ---- gates that open later, and after work ---------------------------------------------------------------------------

NURTURED = {
    "gate": "MQL",
    "pace": "exponential(mean 60 days)",
    "next": {"evaluation": "30%", "lost": "rest"},
    "nurture": {"every": "1 week", "touches": 12, "intent": 0.15, "intent_limit": 1.5, "fatigue": "1%"},
    "signals": {"ebook": {"chance": "30%", "after": "exponential(mean 10 days)", "points": 10}},
}
WORKED = {
    "gate": "SQL",
    "work": {"attempts": 3, "spacing": "1 day", "handling": "6 min", "contact": ["40%"]},
    "base_of": "entered",
    "next": {"customer": "25%", "lost": "rest"},
}


def nurtured(**keys: Any) -> Blueprint:
    scores = {"marketing": {"fit": 10, "intent": 10, "points": 1, "noise": 10}, "sales": {"fit": 10, "noise": 5}}
    teams = {"sales": {"people": 20, "calendar": "office"}}
    stages = {"interest": NURTURED, "evaluation": WORKED, "customer": {}}
    return compiled(
        **{
            **gated(
                scores=scores,
                stages=stages,
                teams=teams,
                cool_down="26 weeks",
                sources={"web": {"rate": "100/week"}},
                ownership={"evaluation": "sales"},
            ),
            **keys,
        }
    )


def test_gates_that_nurture_and_signals_open_later_and_that_come_after_work() -> None:
    """30 % of those who enter the first stage pass in the end; 25 % of all who enter the second, reached or not."""
    blueprint = nurtured()
    solved = anchor(blueprint)
    plan = solved.plan(blueprint)
    visits = visits_of(plan, 20, range(40))
    visits = visits[visits.entered < plan.settings[0].measure_to]
    first, second = (visits[visits.stage == stage] for stage in (0, 1))
    agrees((int((first.chance == 1.0).sum()), len(first)), 0.30, "nurtured")
    over = second[(second.chance >= 0.0) | (second.ended >= 0.0)]
    agrees((int((over.chance == 1.0).sum()), len(over)), 0.25, "of entered")
    assert solved.ratio[1] > 1.2  # a fifth is never reached: more of the reached must pass
    late = first[(first.to == 1) & (first.ended - first.entered > 0.0)]
    assert len(late) > 0.2 * (first.to == 1).sum()


def test_without_nurture_fewer_pass_the_same_definition() -> None:
    stages = {"interest": {**NURTURED, "nurture": None}, "evaluation": WORKED, "customer": {}}
    solved = anchor(nurtured())
    with_, without = (shares(solved.plan(one), 6)[0] for one in (nurtured(), nurtured(stages=stages)))
    assert with_[0] / with_[1] > 1.15 * without[0] / without[1]


# ---- beliefs, errors, keeping ----------------------------------------------------------------------------------------


def test_the_offset_follows_a_range_of_noise() -> None:
    """sd = 12 to 24 of the noise: 40 - hypot(10, sd) z(70 %) in every draw, so history stays what it is."""
    scores = {"marketing": {"fit": FIT, "noise": "12 to 24"}, "sales": {"fit": FIT, "noise": SALES_NOISE}}
    blueprint = compiled(**gated(scores=scores))
    solved = anchor(blueprint)
    draws = (3, 4, 5, 6)
    noise = [blueprint.values(draw)["scores.marketing.noise"] for draw in draws]
    assert max(noise) - min(noise) > 3.0
    for draw, sd in zip(draws, noise, strict=True):
        assert solved.offset("MQL", "marketing", draw) == pytest.approx(
            40.0 - math.hypot(FIT, sd) * float(stats.norm.isf(FIRST)), abs=0.4
        )
    agrees(shares(solved.plan(blueprint, 4))[0], FIRST, "draw 4")


def test_a_score_of_few_values_cannot_meet_a_share_between_them() -> None:
    """One point for those who asked, 55 %: the gate lets all, 55 % or nobody through, never 30 %."""
    signals = {"asks": {"chance": "55%", "points": 60}}
    stages = {**gated()["stages"], "interest": {**gated()["stages"]["interest"], "signals": signals}}
    scores = {"marketing": {"points": 1}, "sales": {"fit": FIT, "noise": SALES_NOISE}}
    with pytest.raises(ScenarioError, match=r"interest\.next: the gate should let 30\.0% through.*give it `noise`"):
        anchor(compiled(**gated(scores=scores, stages=stages, observe="4 weeks")), cache=False)


def test_an_anchor_with_offsets_comes_back_from_a_manifest() -> None:
    solved = anchor(root())
    assert from_json(json.loads(json.dumps(to_json(solved)))) == solved


# ---- contact under every kind of effect ------------------------------------------------------------------------------


def test_contact_chances_keep_their_mean_under_hours_warmth_and_levels() -> None:
    """Attempts are reached as the table says, whatever hour, warmth and experience add to single ones (rule 69)."""
    week = [2.5 if hour % 24 in (9, 10) else 0.6 for hour in range(168)]
    blueprint = compiled(
        observe="26 weeks",
        sources={"web": {"rate": "200/week"}, "cold": {"rate": "200/week", "warmth": "20%"}},
        stages={
            "interest": {
                "work": {"attempts": 4, "spacing": "1 day", "handling": "2 min", "contact": ["40%", "30%", "20%"]},
                "next": {"evaluation": "45%", "lost": "rest"},
            },
            "evaluation": {"next": {"customer": "50%", "lost": "rest"}},
            "customer": {},
        },
        teams={"sales": {"people": 12, "calendar": "office"}},
        fit_spread=1.0,
        effects={"hour": week, "warmth": {"odds": 4, "target": "contact"}, "fit": {"odds": 2, "target": "contact"}},
        levels={"load": {"input": "load", "team": "sales", "review": "week", "per": 100, "weight": 0.5}},
        influences={"busy": {"input": "level load", "target": "contact", "odds": 0.5}},
    )
    solved = anchor(blueprint)
    traces = replicate(solved.plan(blueprint), 20, range(10), tables=True).traces or []
    attempts = np.concatenate([trace.attempts for trace in traces])
    attempts = attempts[(attempts["started"] >= 0.0) & (attempts["ended"] >= 0.0)]
    assert np.ptp(attempts["shift"]) > 3.0 and abs(solved.contact[0]) > 0.2
    table = np.array([0.4, 0.3, 0.2, 0.2])[attempts["ordinal"] - 1]
    reached = int((attempts["end"] == CONTACT).sum())
    agrees((reached, len(attempts)), float(table.mean()), "contact")


def test_history_is_reproduced_at_a_gate_before_which_leads_wait_for_good_and_to_which_they_come_back() -> None:
    """Those who never reach the threshold stay open: they are over. Those who come back pass more readily than at
    first, since they were above the threshold before: the share on record is of all who enter."""
    recorded = {"evaluation": {"share": "30%", "low": "29.4%", "high": "30.6%"}}
    stages = {
        "interest": {"gate": "MQL", "next": {"evaluation": "30%", "silent": "rest"}},
        "evaluation": {"next": {"customer": "50%", "interest": "40% after 10 days", "lost": "rest"}},
        "customer": {},
    }
    keys = gated(
        stages=stages,
        cool_down="26 weeks",
        history={"as_of": "2026-01-04", "source": "records", "stages": {"interest": recorded}},
    )
    keys["definitions"]["SQL"] = "enters evaluation"
    blueprint = compiled(**keys)
    solved = anchor(blueprint, cache=False)
    summaries = replicate(solved.plan(blueprint), 3, range(8)).summaries
    case = Case("old way", loads_resolved({"format": 1, "scenario": {**BASE, **keys}, "root": None}), blueprint, solved)

    check = check_history(case, summaries)

    assert check is not None and check.reproduced, check
    (cohort, *_) = summaries
    assert cohort.visits[COHORT].open.sum() > 0.3 * cohort.visits[COHORT].entered.sum()
