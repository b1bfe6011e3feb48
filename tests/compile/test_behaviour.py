"""What moves chances and people on its way to the plan: effects, influences, pursuit, levels, hours, integration."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from funnelsim.compile.pursuit import constant, slopes
from funnelsim.engine.covariates import EffectInput, EffectTarget
from funnelsim.engine.log_odds import curve_value
from funnelsim.plan import DAY, HOUR
from funnelsim.plan_codes import LevelKind, RoutingKind
from funnelsim.scenario.schema import Pursuit
from support.compile_helpers import BASE, NOBODY, compiled, median, points, shift_of

INTEREST = BASE["stages"]["interest"]
OWNED = {"interest": "sales", "evaluation": "sales"}


def with_interest(stage: dict[str, Any], **keys: Any) -> Any:
    """BASE with keys added to its first stage and to the scenario."""
    return compiled(stages={**BASE["stages"], "interest": {**INTEREST, **stage}}, **keys)


# ---- effects by name -------------------------------------------------------------------------------------------------


def test_every_effect_of_interest_is_its_odds_times_what_it_looks_at() -> None:
    odds = {
        "intent": 1.5,
        "trust": 1.2,
        "warmth": 2,
        "own_lead": 1.1,
        "too_early": 0.4,
        "unresolved": 0.5,
        "duplicate": 0.7,
    }
    plan = compiled(effects=odds).plan()
    covariates = NOBODY._replace(
        intent=2.0,
        trust=0.5,
        warmth=0.8,
        context=0.5,
        response_delay=60.0,
        touch_after_ready=-5.0,
        unresolved=2.0,
        duplicate=1.0,
        own_lead=1.0,
    )
    by_hand = (
        2 * math.log(1.5)
        + 0.5 * math.log(1.2)
        + 0.4 * math.log(2)
        + math.log(1.1)
        + math.log(0.4)
        + 2 * math.log(0.5)
        + math.log(0.7)
    )
    assert shift_of(plan, 0, EffectTarget.ADVANCE, covariates) == pytest.approx(by_hand)
    where_nobody_works = by_hand - math.log(1.1) - math.log(0.4) - 2 * math.log(0.5)
    assert shift_of(plan, 1, EffectTarget.ADVANCE, covariates) == pytest.approx(where_nobody_works)


def test_an_effect_on_contact_moves_contact_where_there_is_work() -> None:
    plan = compiled(effects={"warmth": {"odds": 3, "target": "contact"}}).plan()
    covariates = NOBODY._replace(warmth=0.5)
    assert plan.stages["effect_count"].tolist() == [1, 0, 0]
    assert shift_of(plan, 0, EffectTarget.CONTACT, covariates) == pytest.approx(0.5 * math.log(3))
    assert shift_of(plan, 0, EffectTarget.ADVANCE, covariates) == 0.0


def test_too_late_and_nurtured_follow_up_follow_the_curve_of_the_stage() -> None:
    effects = {"too_late": 0.5, "nurtured_follow_up": 0.2}
    plan = with_interest({"response": "hbr-2011"}, effects=effects).plan()
    covariates = NOBODY._replace(response_delay=2 * HOUR, touch_after_ready=HOUR, trust=1.5)
    row = plan.effects[plan.stages[0].effect_first]
    ln_r = [float(curve_value(plan.points, int(row.curve_first), int(row.curve_count), t)) for t in (2 * HOUR, HOUR)]
    assert ln_r[1] - ln_r[0] == pytest.approx(0.52 * math.log(2))  # the power law of hbr-2011
    assert shift_of(plan, 0, EffectTarget.ADVANCE, covariates) == pytest.approx(
        (1 + 0.2 * 1.5) * ln_r[0] + 0.5 * ln_r[1]
    )
    assert len(compiled(effects=effects).plan().effects) == 0  # no `response`, no curve


def test_integration_turns_a_collision_into_synergy() -> None:
    """At i = 0.25 a quarter of ln 1.2 and three quarters of ln 0.5 (105)."""
    effects = {"both_teams": 1.2, "collision": 0.5}
    plan = compiled(effects=effects, handoff={"integration": "25%"}).plan()
    assert plan.effects["input"].tolist()[:2] == [EffectInput.BOTH_TEAMS, EffectInput.BOTH_TEAMS]
    both = NOBODY._replace(both_teams=1.0)
    assert shift_of(plan, 0, EffectTarget.ADVANCE, both) == pytest.approx(0.25 * math.log(1.2) + 0.75 * math.log(0.5))
    whole = compiled(effects=effects, handoff={"integration": "100%"}).plan()
    assert shift_of(whole, 0, EffectTarget.ADVANCE, both) == pytest.approx(math.log(1.2))
    unsaid = compiled(effects={"both_teams": 1.2}).plan()
    assert shift_of(unsaid, 0, EffectTarget.ADVANCE, both) == pytest.approx(math.log(1.2))


def test_integration_shortens_delays_and_keeps_context() -> None:
    said = {"delay": "10 hours", "context_kept": "40%"}

    def stage_team(integration: str) -> Any:
        plan = compiled(handoff={**said, "integration": integration}).plan()
        return plan, plan.stage_teams[0, 1]

    plan, row = stage_team("25%")
    assert row.routing == RoutingKind.DELAYED and median(plan, row.delay) == 7.5 * HOUR
    assert points(plan, row, "context") == [(0.0, pytest.approx(0.4 + 0.25 * 0.6))]
    plan, row = stage_team("100%")
    assert (row.routing, points(plan, row, "context")) == (RoutingKind.AT_ONCE, [(0.0, 1.0)])
    plan, row = stage_team("0%")
    assert median(plan, row.delay) == 10 * HOUR and points(plan, row, "context") == [(0.0, 0.4)]
    batch = compiled(handoff={"delay": "daily at 08:00", "integration": "99%"}).plan().stage_teams[0, 1]
    assert batch.batch_count > 0  # a daily list is daily until systems are one


def test_a_range_of_context_follows_the_draw_through_integration() -> None:
    blueprint = compiled(handoff={"context_kept": "20% to 60%", "integration": "50%"})
    kept = blueprint.values(7)["handoff.context_kept"]
    plan = blueprint.plan(7)
    assert points(plan, plan.stage_teams[0, 1], "context")[0][1] == pytest.approx(kept + 0.5 * (1 - kept))


# ---- hours -----------------------------------------------------------------------------------------------------------


def test_hours_of_contact_go_by_the_local_clock_through_a_change_of_clock() -> None:
    """Twice the odds at 10:00 in Berlin: 09:00 UTC in winter, 08:00 UTC from 29 March 2026 on."""
    week = [2.0 if hour % 24 == 10 else 1.0 for hour in range(168)]
    plan = compiled(effects={"hour": week}, timezone="Europe/Berlin", start="2026-03-02", observe="8 weeks").plan()
    start = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Berlin"))

    def at(moment: datetime) -> float:
        now = (moment - start.astimezone(UTC)).total_seconds()
        return shift_of(plan, 0, EffectTarget.CONTACT, NOBODY, now=now)

    assert at(datetime(2026, 3, 10, 9, 30, tzinfo=UTC)) == pytest.approx(math.log(2))
    assert at(datetime(2026, 3, 10, 8, 30, tzinfo=UTC)) == 0.0
    assert at(datetime(2026, 4, 7, 8, 30, tzinfo=UTC)) == pytest.approx(math.log(2))
    assert at(datetime(2026, 4, 7, 9, 30, tzinfo=UTC)) == 0.0


def test_an_hour_across_two_local_ones_has_a_part_of_each() -> None:
    """Start at 00:30 in zones of whole hours: the first elapsed hour is half 00 and half 01."""
    week = [4.0] + [1.0] * 167
    plan = compiled(effects={"hour": week}, start="2026-01-05 00:30").plan()
    assert shift_of(plan, 0, EffectTarget.CONTACT, NOBODY, now=0.0) == pytest.approx(0.5 * math.log(4))


def test_hours_by_preset_and_hours_that_are_all_alike() -> None:
    plan = compiled(effects={"hour": "velocify-2016"}).plan()
    assert shift_of(plan, 0, EffectTarget.CONTACT, NOBODY, now=16.5 * HOUR) == pytest.approx(math.log(1.056))
    assert len(compiled(effects={"hour": [1.3] * 168}).plan().effects) == 0


# ---- influences ------------------------------------------------------------------------------------------------------


def test_influences_move_people_and_buyers() -> None:
    influences = {
        "liking": {"input": "fit", "target": "pursuit", "odds": 3, "team": "sales"},
        "own_first": {"input": "own lead", "target": "adherence", "odds": 2},
        "eager": {"input": "score sales", "target": "habit", "time_factor": 0.5},
        "shy": {"input": "always", "target": "show", "odds": 0.8},
        "warm": {"input": "warmth", "target": "contact", "odds": 1.5, "stages": ["interest"]},
    }
    plan = with_interest(
        {"tasks": {"demo": {"is": "meeting", "handling": "1 hour", "shows": "80%"}}},
        influences=influences,
        scores={"sales": {"fit": 2}},
    ).plan()
    covariates = NOBODY._replace(fit=0.5, own_lead=1.0, warmth=0.6)
    assert shift_of(plan, 0, EffectTarget.PURSUIT, covariates, team=1) == pytest.approx(0.5 * math.log(3))
    assert shift_of(plan, 0, EffectTarget.PURSUIT, covariates, team=0) == 0.0  # marketing does not care
    assert shift_of(plan, 0, EffectTarget.ADHERENCE, covariates) == pytest.approx(math.log(2))
    assert shift_of(plan, 0, EffectTarget.HABIT, covariates) == pytest.approx(math.log(0.5))  # score 2 x 0.5 = 1
    assert shift_of(plan, 0, EffectTarget.SHOW, covariates) == pytest.approx(math.log(0.8))
    assert shift_of(plan, 0, EffectTarget.CONTACT, covariates) == pytest.approx(0.6 * math.log(1.5))
    assert plan.stages["effect_count"].tolist() == [5, 0, 0]  # nobody works, shows or is called later on


def test_a_range_of_an_influence_is_a_belief() -> None:
    blueprint = compiled(influences={"liking": {"input": "fit", "target": "advance", "odds": "1 to 4"}})
    assert blueprint.values() == {"influences.liking": pytest.approx(2.0)}
    assert shift_of(blueprint.plan(3), 0, EffectTarget.ADVANCE, NOBODY._replace(fit=1.0)) == pytest.approx(
        math.log(blueprint.values(3)["influences.liking"])
    )


# ---- pursuit ---------------------------------------------------------------------------------------------------------


def test_the_five_published_signs_of_pursuit() -> None:
    """Sabnis et al. 2013: experience turns reps to quality and from tracking and volume, performance to volume and
    from tracking."""
    green, veteran = (slopes(Pursuit(base=0.5, experience=e)) for e in (0.2, 0.9))
    weak, star = (slopes(Pursuit(base=0.5, performance=p)) for p in (0.2, 0.9))
    assert veteran["quality"] > green["quality"]
    assert veteran["tracking"] < green["tracking"] and veteran["volume"] < green["volume"]
    assert star["volume"] > weak["volume"] and star["tracking"] < weak["tracking"]
    assert star["quality"] == weak["quality"]


def test_pursuit_in_the_middle_is_its_base_rate_and_elsewhere_by_hand() -> None:
    assert constant(Pursuit(base=0.3)) == 0.0
    # quality 0.9 and experience 0.8: (2 + 3 x 0.3) x 0.4; tracking 0.1: (1 - 3 x 0.3) x -0.4
    by_hand = 2.9 * 0.4 + 0.1 * -0.4
    assert constant(Pursuit(base=0.3, quality=0.9, tracking=0.1, experience=0.8)) == pytest.approx(by_hand)
    assert constant(Pursuit(base=0.3, quality=0.9, tracking=0.1, experience=0.8, strength=0.5)) == pytest.approx(
        by_hand / 2
    )


def test_a_team_without_pursuit_works_everybody() -> None:
    teams = {**BASE["teams"], "sales": {**BASE["teams"]["sales"], "pursuit": {"base": "30%"}}}
    plan = compiled(teams=teams).plan()
    assert plan.stage_teams["pursue"][:, 0].tolist() == [math.inf] * 3
    assert plan.stage_teams["pursue"][:, 1] == pytest.approx([math.log(0.3 / 0.7)] * 3)


def test_pursuit_listens_to_levels_from_their_middle_on() -> None:
    """With trust at its first 0.5 the share is the base; each unit more of trust is worth the slope of quality."""
    levels = {"trust": {"input": "outcomes", "team": "sales", "initial": 0.5, "weight": 0.1}}
    teams = {**BASE["teams"], "sales": {**BASE["teams"]["sales"], "pursuit": {"base": "30%", "quality": "level trust"}}}
    plan = compiled(teams=teams, levels=levels).plan()
    (row,) = [effect for effect in plan.effects if effect.target == EffectTarget.PURSUIT]
    assert (row.input, row.team, row.of) == (EffectInput.LEVEL, 1, 0)
    assert points(plan, row, "size") == [(0.0, 2.0)]
    odds = plan.stage_teams["pursue"][0, 1] + shift_of(plan, 0, EffectTarget.PURSUIT, NOBODY, team=1)
    assert odds == pytest.approx(math.log(0.3 / 0.7))
    assert constant(Pursuit(base=0.3, quality="level trust")) == -1.0


def test_a_range_of_base_pursuit_follows_the_draw() -> None:
    pursuit = {"base": "20% to 60%", "quality": 0.9}
    teams = {**BASE["teams"], "sales": {**BASE["teams"]["sales"], "pursuit": pursuit}}
    blueprint = compiled(teams=teams)
    base = blueprint.values(5)["teams.sales.pursuit.base"]
    assert blueprint.plan(5).stage_teams["pursue"][0, 1] == pytest.approx(math.log(base / (1 - base)) + 2 * 0.4)
    assert (blueprint.plan(5).stage_teams["pursue"][:, 0] == math.inf).all()


# ---- levels ----------------------------------------------------------------------------------------------------------


def test_levels_and_what_they_listen_to() -> None:
    accept = {"score": "sales", "at_least": 30}
    levels = {
        "trust": {"input": "acceptance", "team": "sales", "weight": "5%"},
        "load": {"input": "load", "team": "sales", "per": 40, "review": "week", "initial": 0.7},
    }
    blueprint = compiled(levels=levels, handoff={"accept": accept}, scores={"sales": {"fit": 20}})
    trust, load = blueprint.plan().levels
    assert (trust.kind, trust.team, trust.initial, trust.weight, trust.review_count) == (
        LevelKind.ACCEPTANCE,
        1,
        0.5,
        0.05,
        0,
    )
    assert (load.kind, load.initial, load.per) == (LevelKind.LOAD, 0.7, 40.0)
    assert blueprint.book.levels == ("trust", "load")


def reviews(plan: Any, level: int = 0) -> list[float]:
    row = plan.levels[level]
    return [float(x) / DAY for x in plan.instants[row.review_first : row.review_first + row.review_count]]


def test_reviews_are_local_midnights_at_which_periods_begin() -> None:
    """The run starts on Monday 5 January and lasts 4 weeks; one review is past its end, for what is left of a quota."""

    def every(period: str) -> list[float]:
        return reviews(compiled(levels={"trust": {"input": "outcomes", "team": "sales", "review": period}}).plan())

    assert every("week") == [7, 14, 21, 28]
    assert every("2 weeks") == [7, 21, 35]
    assert every("month") == [27, 55]  # 1 February, 1 March
    assert every("quarter") == [86]  # 1 April
    assert every("10 days") == [1, 11, 21, 31]


def test_reviews_go_by_the_local_calendar() -> None:
    levels = {"trust": {"input": "outcomes", "team": "sales", "review": "month"}}
    plan = compiled(levels=levels, timezone="Europe/Berlin", start="2026-03-02", observe="6 weeks").plan()
    assert reviews(plan)[0] == 30 - 1 / 24  # 1 April: an hour early, the clock changed on the 29th


def test_a_quota_is_a_level_of_its_team() -> None:
    teams = {**BASE["teams"], "sales": {**BASE["teams"]["sales"], "quota": "200k per quarter"}}
    blueprint = compiled(teams=teams, levels={"trust": {"input": "outcomes", "team": "sales"}})
    row = blueprint.plan().levels[1]
    assert blueprint.book.levels == ("trust", "sales quota")
    assert (row.kind, row.team, row.initial, row.per, row.definition) == (LevelKind.QUOTA, 1, 0.0, 200_000 * 100.0, 0)
    assert reviews(blueprint.plan(), 1) == [86]


def test_when_a_lead_is_good_and_follow_up_poor() -> None:
    settings = compiled(good_fit=0.5, poor_follow_up="24 hours").plan().settings[0]
    assert (settings.good, settings.late, settings.weekday) == (0.5, DAY, 0)
    assert compiled(start="2026-01-08").plan().settings[0].late == math.inf
    assert compiled(start="2026-01-08").plan().settings[0].weekday == 3
