"""Chances against arithmetic by hand: odds are multiplied, chances follow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from funnelsim import plan as p
from funnelsim.engine import log_odds
from funnelsim.engine.covariates import Covariates, EffectInput, EffectTarget
from funnelsim.engine.level_dynamics import LEVEL_STATE
from funnelsim.plan_codes import LevelKind

THIRD_OF_ODDS = -math.log(3.0)


def points(*rows: tuple[float, float]) -> Any:
    return p.record_from_dicts(p.POINT, [{"x": x, "y": y} for x, y in rows])


def effect(
    kind: Any,
    size: tuple[int, int],
    curve: tuple[int, int] = (0, 0),
    target: Any = EffectTarget.ADVANCE,
    team: int = -1,
    of: int = -1,
) -> dict[str, Any]:
    return {
        "input": kind,
        "target": target,
        "size_first": size[0],
        "size_count": size[1],
        "curve_first": curve[0],
        "curve_count": curve[1],
        "team": team,
        "of": of,
    }


# One row a kind; sizes are odds of 2, 1/3, 3/2 and so on; the curve loses two thirds from a minute to an hour.
POINTS = points(
    (0.0, math.log(2.0)),
    (0.0, THIRD_OF_ODDS),
    (0.0, math.log(1.5)),
    (0.0, math.log(0.8)),
    (0.0, 1.0),
    (0.0, 0.0),
    (1000.0, math.log(5.0)),
    (math.log(60.0), 0.0),
    (math.log(3600.0), THIRD_OF_ODDS),
    *((hour * 3600.0, math.log(1.0 + hour)) for hour in range(3)),  # odds of the first three hours: 1, 2, 3
)
EFFECTS = p.record_from_dicts(
    p.EFFECT,
    [
        effect(EffectInput.FIT, (0, 1)),
        effect(EffectInput.CONTEXT_LOST, (1, 1)),
        effect(EffectInput.BOTH_TEAMS, (2, 1)),
        effect(EffectInput.MARKETING_SELLS, (3, 1)),
        effect(EffectInput.RESPONSE_DELAY, (4, 1), (7, 2)),
        effect(EffectInput.ALWAYS, (5, 2)),
        effect(EffectInput.FIT, (1, 1), target=EffectTarget.CONTACT),
    ],
)
# An observer who weighs fit 2, intent 3 and points 1/10, and makes no mistakes; a level that stands at 1/4.
SCORES = p.record_from_dicts(p.SCORE, [{"stream": 1, "fit": 2.0, "intent": 3.0, "points": 0.1, "noise": -1}])
LEVELS = p.record_from_dicts(
    p.LEVEL,
    [
        {
            "kind": LevelKind.OUTCOMES,
            "team": 0,
            "initial": 0.25,
            "weight": 0.5,
            "review_first": 0,
            "review_count": 0,
            "fair": 0,
            "per": 1.0,
            "definition": -1,
        }
    ],
)
STATES = p.zeros_record(LEVEL_STATE, 1)
STATES[0].value = 0.25
NOBODY = Covariates(
    **dict.fromkeys(Covariates._fields, 0.0) | {"context": 1.0, "response_delay": -1.0, "touch_after_ready": -1.0}
)


def shift(effects: Any, rows: Any, first: int, count: int, target: Any, now: float, team: int, **seen: float) -> float:
    return log_odds.linear_predictor(
        effects,
        rows,
        SCORES,
        np.zeros((1, 1)),
        LEVELS,
        STATES,
        first,
        count,
        target,
        team,
        now,
        np.uint64(5),
        NOBODY._replace(**seen),
    )


def odds_factor(now: float = 0.0, target: Any = EffectTarget.ADVANCE, only: int | None = None, **seen: float) -> float:
    first, count = (0, len(EFFECTS)) if only is None else (only, 1)
    return math.exp(shift(EFFECTS, POINTS, first, count, target, now, 0, **seen))


def one_factor(row: dict[str, Any], now: float = 0.0, team: int = 0, **seen: float) -> float:
    return math.exp(shift(p.record_from_dicts(p.EFFECT, [row]), POINTS, 0, 1, row["target"], now, team, **seen))


@pytest.mark.parametrize(
    ("state", "factor"),
    [
        ({}, 1.0),
        ({"fit": 1.0}, 2.0),
        ({"fit": -1.0}, 0.5),
        ({"fit": 3.0}, 8.0),
        ({"fit": 0.5}, math.sqrt(2.0)),
        ({"context": 0.0}, 1 / 3),
        ({"context": 0.4}, 3**-0.6),
        ({"context": 1.0}, 1.0),
        ({"both_teams": 1.0}, 1.5),
        ({"marketing_sells": 1.0}, 0.8),
        ({"response_delay": 60.0}, 1.0),
        ({"response_delay": 3600.0}, 1 / 3),
        ({"response_delay": math.sqrt(60 * 3600)}, 3**-0.5),
        ({"response_delay": 1.0}, 1.0),
        ({"response_delay": 0.0}, 1.0),
        ({"response_delay": 1e9}, 1 / 3),
        ({"response_delay": -1.0}, 1.0),
        ({"now": 999.0}, 1.0),
        ({"now": 1000.0}, 5.0),
        (
            {
                "fit": 1.0,
                "context": 0.0,
                "both_teams": 1.0,
                "marketing_sells": 1.0,
                "response_delay": 3600.0,
                "now": 2e3,
            },
            2 / 3 * 1.5 * 0.8 / 3 * 5,
        ),
    ],
)
def test_effects_multiply_the_odds(state: dict[str, Any], factor: float) -> None:
    assert odds_factor(**state) == pytest.approx(factor, rel=1e-12)


def test_an_effect_moves_only_its_target() -> None:
    assert odds_factor(fit=2.0, target=EffectTarget.CONTACT) == pytest.approx(1 / 9, rel=1e-12)
    assert odds_factor(fit=2.0, both_teams=1.0, target=EffectTarget.CONTACT) == pytest.approx(1 / 9, rel=1e-12)


def test_a_response_effect_is_scaled_by_its_size() -> None:
    half = points((0.0, 0.5), (math.log(60.0), 0.0), (math.log(3600.0), THIRD_OF_ODDS))
    row = p.record_from_dicts(p.EFFECT, [effect(EffectInput.RESPONSE_DELAY, (0, 1), (1, 2))])
    assert shift(row, half, 0, 1, EffectTarget.ADVANCE, 0.0, 0, response_delay=3600.0) == pytest.approx(
        THIRD_OF_ODDS / 2
    )


@pytest.mark.parametrize(
    ("kind", "seen", "factor"),
    [
        (EffectInput.INTENT, {"intent": 3.0}, 8.0),
        (EffectInput.TRUST, {"trust": -1.0}, 0.5),
        (EffectInput.WARMTH, {"warmth": 1.0}, 2.0),
        (EffectInput.WARMTH, {"warmth": 1.0, "context": 0.5}, math.sqrt(2.0)),  # rule 93
        (EffectInput.UNRESOLVED, {"unresolved": 2.0}, 4.0),
        (EffectInput.DUPLICATE, {"duplicate": 1.0}, 2.0),
        (EffectInput.OWN_LEAD, {"own_lead": 1.0}, 2.0),
        # the first touch an hour before the buyer was ready, then an hour after (rule 92)
        (EffectInput.TOO_EARLY, {"response_delay": 60.0, "touch_after_ready": -3600.0}, 2.0),
        (EffectInput.TOO_EARLY, {"response_delay": 60.0, "touch_after_ready": 3600.0}, 1.0),
        (EffectInput.TOO_EARLY, {"response_delay": -1.0, "touch_after_ready": -3600.0}, 1.0),
    ],
)
def test_numbers_of_the_lead_count_by_the_unit(kind: Any, seen: dict[str, float], factor: float) -> None:
    assert one_factor(effect(kind, (0, 1)), **seen) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("seen", "factor"),
    [
        ({"response_delay": 60.0, "touch_after_ready": 3600.0}, 1 / 3),
        ({"response_delay": 60.0, "touch_after_ready": 60.0}, 1.0),
        ({"response_delay": 60.0, "touch_after_ready": -3600.0}, 1.0),
        ({"response_delay": -1.0, "touch_after_ready": 3600.0}, 1.0),
    ],
)
def test_too_late_counts_from_the_instant_at_which_the_buyer_was_ready(seen: dict[str, float], factor: float) -> None:
    assert one_factor(effect(EffectInput.TOO_LATE, (4, 1), (7, 2)), **seen) == pytest.approx(factor, rel=1e-12)


def test_nurtured_leads_feel_a_slow_answer_by_their_trust() -> None:
    row = effect(EffectInput.TRUST_DELAY, (4, 1), (7, 2))
    assert one_factor(row, response_delay=3600.0, trust=0.0) == 1.0
    assert one_factor(row, response_delay=3600.0, trust=2.0) == pytest.approx(1 / 9, rel=1e-12)


@pytest.mark.parametrize(("now", "factor"), [(0.0, 1.0), (3599.9, 1.0), (3600.0, 2.0), (7200.0, 3.0), (1e9, 3.0)])
def test_each_hour_since_the_start_has_its_odds(now: float, factor: float) -> None:
    assert one_factor(effect(EffectInput.HOUR_OF_WEEK, (4, 1), (9, 3)), now) == pytest.approx(factor, rel=1e-12)


def test_a_score_and_a_level_move_odds_in_proportion() -> None:
    seen = {"fit": 1.0, "intent": -1.0, "points": 30.0}  # the observer's score is 2 - 3 + 3 = 2
    assert one_factor(effect(EffectInput.SCORE, (0, 1), of=0), **seen) == pytest.approx(4.0, rel=1e-12)
    assert one_factor(effect(EffectInput.LEVEL, (0, 1), of=0)) == pytest.approx(2**0.25, rel=1e-12)


def test_an_effect_of_one_team_leaves_the_others_alone() -> None:
    row = effect(EffectInput.FIT, (0, 1), team=1)
    assert one_factor(row, team=1, fit=1.0) == pytest.approx(2.0, rel=1e-12)
    assert one_factor(row, team=0, fit=1.0) == one_factor(row, team=-1, fit=1.0) == 1.0


# ---- pieces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "value"), [(-5.0, 10.0), (0.0, 10.0), (99.9, 10.0), (100.0, 20.0), (250.0, 20.0), (300.0, 5.0), (1e12, 5.0)]
)
def test_a_step_holds_from_its_instant_on(now: float, value: float) -> None:
    assert log_odds.piecewise_constant(points((0.0, 10.0), (100.0, 20.0), (300.0, 5.0)), 0, 3, now) == value


def test_a_curve_is_straight_between_its_points_on_logarithmic_scales() -> None:
    minutes, chances = [1, 5, 30, 60, 1440], [4.91, 2.0, 1.62, 1.36, 1.17]
    rows = points(*((math.log(60.0 * m), math.log(c)) for m, c in zip(minutes, chances, strict=True)))
    for delay in (1.0, 60.0, 61.0, 200.0, 300.0, 1799.0, 1800.0, 5000.0, 86400.0, 90000.0):
        by_hand = np.interp(math.log(delay), [math.log(60.0 * m) for m in minutes], np.log(chances))
        assert log_odds.curve_value(rows, 0, 5, delay) == pytest.approx(by_hand, rel=1e-12)


def test_a_curve_begins_at_its_first_row() -> None:
    rows = points((9.0, 9.0), (math.log(10.0), 1.0), (math.log(1000.0), 3.0))
    assert log_odds.curve_value(rows, 1, 2, 100.0) == pytest.approx(2.0)


def test_the_logistic_law() -> None:
    assert log_odds.logistic(0.0) == 0.5
    assert log_odds.logistic(math.log(3.0)) == pytest.approx(0.75, rel=1e-15)
    assert log_odds.logistic(-math.log(4.0)) == pytest.approx(0.2, rel=1e-15)
    assert log_odds.logistic(math.inf) == 1.0 and log_odds.logistic(-math.inf) == 0.0


@pytest.mark.parametrize(
    ("chance", "factor", "moved"),
    [
        (0.5, 3.0, 0.75),
        (0.2, 4.0, 0.5),
        (0.9, 1 / 9, 0.5),
        (0.39, 1.0, 0.39),
        (0.0, 5.0, 0.0),
        (1.0, 0.2, 1.0),
        (0.023, 44.0, 0.023 * 44 / (0.977 + 0.023 * 44)),  # as a factor on the chance this would be above 1 (rule 66)
    ],
)
def test_a_chance_is_moved_on_its_odds(chance: float, factor: float, moved: float) -> None:
    assert log_odds.shifted_chance(chance, math.log(factor)) == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize(
    ("length", "factor", "moved"),
    [
        (3600.0, 2.0, 7200.0),
        (3600.0, 0.5, 1800.0),
        (3600.0, 1.0, 3600.0),
        (0.0, 5.0, 0.0),
        (math.inf, 0.5, math.inf),
        (1.0, 1 / 3, 341 / 1024),  # on the grid: 341.33 of 1024 ticks
        (1.0, 1e-9, 1 / 1024),
    ],
)
def test_a_length_is_moved_on_its_logarithm(length: float, factor: float, moved: float) -> None:
    assert log_odds.scale_time(length, math.log(factor)) == moved


# ---- exits ---------------------------------------------------------------------------------------------------------


def exits(*shares: float) -> Any:
    return p.record_from_dicts(
        p.EXIT, [{"to": i, "share": share, "pace": -1, "cool": -1, "backward": 0} for i, share in enumerate(shares)]
    )


@pytest.mark.parametrize(("u", "row"), [(0.0, 1), (0.2499, 1), (0.25, 2), (0.7499, 2), (0.75, 3), (0.999999, 3)])
def test_a_slice_holds_its_lower_end(u: float, row: int) -> None:
    assert log_odds.categorical(exits(0.9, 0.25, 0.5, 0.25), 1, 3, u) == row


@pytest.mark.parametrize(
    ("u", "row"),
    [
        # two forward exits, 3 : 1, share a chance of 0.4; two others, 1 : 4, share the rest (rule 67)
        (0.0, 0),
        (0.2999, 0),
        (0.3001, 1),
        (0.3999, 1),
        (0.4, 2),
        (0.5199, 2),
        (0.5201, 3),
        (0.9999, 3),
    ],
)
def test_forward_exits_share_the_chance_and_the_others_the_rest(u: float, row: int) -> None:
    assert log_odds.choose_exit(exits(0.75, 0.25, 0.2, 0.8), 0, 4, 2, 0.4, u) == row


@pytest.mark.parametrize(
    ("forward", "chance", "u", "row"),
    [(2, 1.0, 0.999999, 1), (2, 0.0, 0.0, 2), (2, 0.0, 0.99, 3), (0, 0.4, 0.1, 0), (4, 0.4, 0.9, 3)],
)
def test_certain_and_impossible_exits(forward: int, chance: float, u: float, row: int) -> None:
    assert (
        log_odds.choose_exit(
            exits(0.5, 0.5, 0.5, 0.5) if forward == 2 else exits(0.25, 0.25, 0.25, 0.25), 0, 4, forward, chance, u
        )
        == row
    )


def test_proportions_of_the_others_stay_when_the_chance_moves() -> None:
    rows, u = exits(1.0, 0.2, 0.5, 0.3), (np.arange(100_000) + 0.5) / 100_000
    for chance in (0.05, 0.5, 0.95):
        taken = np.bincount([log_odds.choose_exit(rows, 0, 4, 1, chance, x) for x in u], minlength=4) / len(u)
        assert taken == pytest.approx([chance, *((1 - chance) * np.array([0.2, 0.5, 0.3]))], abs=2e-5)
