"""Sources: rates, trends, flights, batches, profiles across daylight saving, mixes and entries."""

from __future__ import annotations

import math

import numpy as np
import pytest

from funnelsim.engine.rng import path_hash, quantile_at
from funnelsim.errors import ScenarioError
from funnelsim.plan import DAY, HOUR, WEEK
from funnelsim.plan import MOST_SOURCES as plan_limit
from funnelsim.scenario.check.demand import MOST_SOURCES
from support.compile_helpers import compiled, exits, median, points, with_source

OFFICE = {"hours": [0.0] * 9 + [1.0] * 8 + [0.0] * 7, "days": [1, 1, 1, 1, 1, 0, 0]}


def test_a_steady_source() -> None:
    plan = compiled().plan()
    (source,) = plan.sources
    assert source.stream == path_hash("sources/web")
    assert points(plan, source, "rate") == [(0.0, 70.0)]
    assert (source.profile, source.level, source.batch, source["first"]) == (-1, -1, 0, 0.0)
    assert source["last"] == math.inf
    assert exits(plan, source, "entry") == [(0, 1.0)]  # the first stage


def test_rates_change_on_local_dates() -> None:
    blueprint = compiled(
        timezone="America/New_York",
        observe="20 weeks",
        sources={"web": {"rate": {"start": "70/week", "2026-03-16": "10/day"}}},
    )
    (first, after) = points(blueprint.plan(), blueprint.plan().sources[0], "rate")
    assert first == (0.0, 70.0)
    assert after == (70 * DAY - HOUR, 70.0)  # the clocks went forward on 8 March


def test_more_sources_and_batches_than_a_number_of_a_lead_has_room_for_are_refused() -> None:
    assert plan_limit == MOST_SOURCES
    sources = {"web": {"rate": "70/week"}, "fairs": {"batch": ["1 on 2026-01-07"] * MOST_SOURCES}}
    with pytest.raises(ScenarioError, match="8,192 sources and batches are too many"):
        compiled(sources=sources)
    del sources["web"]
    assert len(compiled(sources=sources).plan().sources) == MOST_SOURCES


def test_a_trend_compounds_over_the_year() -> None:
    plan = with_source(trend="20% a year").plan()
    steps = points(plan, plan.sources[0], "rate")
    assert len(steps) == 28
    assert steps[0][1] == pytest.approx(70 * 1.2 ** (0.5 / 365.25))
    assert steps[27] == (27 * DAY, pytest.approx(70 * 1.2 ** (27.5 / 365.25)))


def test_a_flight_includes_its_last_day() -> None:
    source = with_source(**{"from": "2026-01-07", "to": "2026-01-10"}).plan().sources[0]
    assert (source["first"], source["last"]) == (2 * DAY, 6 * DAY)


def test_every_batch_has_a_row_and_a_luck_of_its_own() -> None:
    blueprint = with_source(batch=["30 on 2026-01-06", "40 on 2026-01-08 at 14:00"])
    plan = blueprint.plan()
    assert plan.sources["batch"].tolist() == [30, 40]
    assert plan.sources["batch_at"].tolist() == [DAY, 3 * DAY + 14 * HOUR]
    assert plan.sources["rate_count"].tolist() == [1, 0]
    assert plan.sources["stream"].tolist() == [path_hash("sources/web"), path_hash("sources/web/batch/2")]
    assert blueprint.book.sources == ("web", "web")
    assert len(plan.source_segments) == 2


def test_the_weekly_level_has_mean_1_and_its_spread() -> None:
    plan = with_source(weekly_level="20%").plan()
    ranks = (np.arange(20_000) + 0.5) / 20_000
    level = np.array([quantile_at(plan.tables, int(plan.sources["level"][0]), u) for u in ranks])
    assert (level.mean(), level.std()) == pytest.approx((1.0, 0.2), rel=1e-3)


def test_a_profile_follows_the_local_clock() -> None:
    plan = with_source(profile=OFFICE).plan()
    week = plan.points[plan.sources["profile"][0] :][:169]
    assert week["y"][9] == 0.0 and week["y"][17] == pytest.approx(0.2)  # Monday
    assert week["y"][96 + 17] == 1.0 == week["y"][168]  # nothing after Friday 17:00
    assert week["x"][0] == 1.0


def test_a_profile_across_daylight_saving_moves_its_peaks() -> None:
    """Berlin, week from 23 March: the clocks go forward on Sunday the 29th at 2:00, hour 146 of the week."""
    plan = compiled(
        start="2026-03-23",
        observe="2 weeks",
        timezone="Europe/Berlin",
        sources={"web": {"rate": "70/week", "profile": [2.0] * 145 + [10.0] + [2.0] * 22}},
    ).plan()
    first, second = (plan.points[plan.sources["profile"][0] + 169 * w :][:169] for w in (0, 1))
    normal = 167 * 2.0 + 10.0
    # this week the local hours are 0..145, 147..167 and the first of the next Monday; the peak at 1:00 still happens
    assert first["x"][0] == pytest.approx(1.0)
    assert np.diff(first["y"])[145] == pytest.approx(10 / normal)
    # a week later everything is an hour earlier in elapsed time
    assert np.diff(second["y"])[144] == pytest.approx(10 / normal)
    assert (second["y"][0], second["y"][168]) == (0.0, 1.0)


def test_a_skipped_peak_takes_its_leads_with_it() -> None:
    plan = compiled(
        start="2026-03-23",
        observe="2 weeks",
        timezone="Europe/Berlin",
        sources={"web": {"rate": "70/week", "profile": [2.0] * 146 + [10.0] + [2.0] * 21}},
    ).plan()
    first = plan.points[plan.sources["profile"][0] :][:169]
    assert first["x"][0] == pytest.approx(1.0 - 8.0 / (167 * 2 + 10))


def test_segments_mix_and_override() -> None:
    blueprint = compiled(
        segments={
            "small": {"share": "70%", "fit": -0.5, "deal_value": 1000},
            "large": {"share": "rest", "reachable": "80%"},
        },
        sources={
            "web": {"rate": "70/week", "fit": 1, "reachable": "90%", "deal_value": 5000},
            "fair": {"batch": "9 on 2026-01-06", "segments": {"large": "100%"}},
        },
        fit_spread=2,
        reachable="50%",
    )
    plan = blueprint.plan()
    assert blueprint.book.segments == ("small", "large") and plan.settings[0].segments == 2
    assert plan.source_segments["share"].tolist() == [0.7, 1.0, 0.0, 1.0]
    assert plan.source_segments["fit_shift"].tolist() == [0.5, 1.0, -0.5, 0.0]
    assert plan.source_segments["reachable"].tolist() == [0.9, 0.8, 0.5, 0.8]  # segment over source over scenario
    assert [median(plan, row) if row >= 0 else None for row in plan.source_segments["value"]] == [
        1000.0,
        5000.0,
        1000.0,
        None,
    ]
    assert median(plan, int(plan.source_segments["fit"][0])) == pytest.approx(0.0)


def test_fit_may_be_a_law_or_a_belief() -> None:
    law = with_source(fit="normal(mean 1 sd 0.5)").plan()
    assert (median(law, int(law.source_segments["fit"][0])), law.source_segments["fit_shift"][0]) == (1.0, 0.0)
    blueprint = with_source(fit="-1 to 3")
    assert blueprint.plan().source_segments["fit_shift"][0] == 1.0
    (belief,) = blueprint.beliefs
    assert blueprint.plan(draw=7).source_segments["fit_shift"][0] == pytest.approx(belief.drawn(1, 7))


def test_entries_are_divided() -> None:
    plan = with_source(enters={"interest": "25%", "evaluation": "rest"}).plan()
    assert exits(plan, plan.sources[0], "entry") == [(0, 0.25), (1, 0.75)]


def test_the_window_and_the_days() -> None:
    plan = compiled(warm_up="1 week", cool_down="10 days").plan()
    settings = plan.settings[0]
    assert (settings.measure_from, settings.measure_to, settings.horizon) == (WEEK, 5 * WEEK, 5 * WEEK + 10 * DAY)
    assert settings.weeks == 7
    days = plan.instants[settings.days_first :][: settings.days_count]
    assert days[0] <= 0.0 and days[-1] >= settings.horizon
    assert (np.diff(days) == DAY).all()
