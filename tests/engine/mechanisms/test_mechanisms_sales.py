"""Sales' side, a scenario file a mechanism (scenarios/mechanisms), against what theory or arithmetic says [95-104]."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from funnelsim.scenario import presets
from support.mechanism_runs import log_odds, logistic, mean_holds, measured, scene, share_holds

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0


# ---- people ----------------------------------------------------------------------------------------------------------


def test_a_new_rep_gets_up_to_speed() -> None:
    """40 hours a week at 2 h, 80 min and 1 h a call."""
    started = scene("mechanisms/ramp").trace.attempts.started

    assert [int(((started >= 7 * DAY * k) & (started < 7 * DAY * (k + 1))).sum()) for k in range(3)] == [20, 30, 40]


def test_absent_reps_do_not_call() -> None:
    """50 reps, 20 days, one call a day: 1,000 chances of 90 %."""
    share_holds((scene("mechanisms/absence").trace.attempts.started >= 0.0).sum(), 1000, 0.9)


def test_own_leads_go_first() -> None:
    assert scene("mechanisms/own-leads-first").calls() == [
        "web 1: Mon 5 09:00 to 10:00",
        "web 2: Mon 5 10:00 to 11:00",
        "prospecting 1: Mon 5 11:00 to 12:00",
        "prospecting 2: Mon 5 12:00 to 13:00",
        "web 3: Mon 5 13:00 to 14:00",
    ]


def test_a_source_blind_order_takes_them_as_they_come() -> None:
    calls = scene("mechanisms/own-leads-first", "teams.sales.own_lead_head_start=none").calls()

    assert [call.split(":")[0] for call in calls] == ["web 1", "web 2", "web 3", "prospecting 1", "prospecting 2"]


def test_personal_queues_wait_as_single_servers_pooled_ones_as_erlang_says() -> None:
    """Little's law on the backlog at midnights: 6.8 leads an hour. M/M/1: rho / (1 - rho). M/M/8: Erlang C."""
    load, reps = 0.85, 8
    offered = load * reps
    last = offered**reps / math.factorial(reps) / (1.0 - load)
    erlang_c = last / (sum(offered**k / math.factorial(k) for k in range(reps)) + last)

    personal = measured("mechanisms/personal-queues", 24)["calendar.backlog.sales"].values / offered
    pooled = measured("mechanisms/personal-queues", 24, "teams.sales.queues=pooled")
    mean_holds(personal, load / (1.0 - load))
    mean_holds(pooled["calendar.backlog.sales"].values / offered, erlang_c / (reps * (1.0 - load)))
    assert erlang_c / (reps * (1.0 - load)) == pytest.approx(0.48, abs=0.01)


def test_a_time_budget_splits_the_hours() -> None:
    """3,360 hours of ten reps, all kinds of work waiting nearly all the time: 50, 30 and 20 %."""
    attempts = scene("mechanisms/time-budget").trace.attempts
    begun = attempts[attempts.started >= 0.0]
    first = begun.ordinal == 1
    own = begun.lead >> 44 == 1

    found = [(first & own).mean(), (first & ~own).mean(), (~first).mean()]
    assert found == pytest.approx([0.5, 0.3, 0.2], abs=0.01)


# ---- calls, meetings, objections -------------------------------------------------------------------------------------


def test_no_shows_are_booked_again() -> None:
    """80 % show at the first appointment, 96 % at one of two; then the visit ends unreached. Three days a booking."""
    story = scene("mechanisms/meetings")
    visits, tasks = story.trace.visits, story.trace.attempts[story.trace.attempts.task >= 0]

    share_holds((tasks[tasks.ordinal == 1].end == 0).sum(), 2000, 0.8)
    share_holds((visits.stage == 1).sum(), 2000, 0.96)
    interest = visits[visits.stage == 0]
    assert set(interest.ended) == {
        5 * MINUTE + 3 * DAY + 45 * MINUTE,
        5 * MINUTE + 3 * DAY + 10 * MINUTE + 3 * DAY + 45 * MINUTE,
        5 * MINUTE + 3 * DAY + 10 * MINUTE + 3 * DAY + 10 * MINUTE,
    }


def test_the_hour_of_the_call_moves_the_odds_of_contact() -> None:
    """39 % is the mean over both, which are as many; their odds are as the factors of the preset's hours."""
    attempts = scene("mechanisms/hours").trace.attempts
    hours = presets.load("hour", "lrm-2007")["hours"]
    chances = anchored(0.39, [math.log(hours[16]), math.log(hours[11])])

    for source, expected in enumerate(chances):
        mine = attempts[attempts.lead >> 44 == source]
        share_holds((mine.end == 0).sum(), len(mine), expected)


def test_what_marketing_knows_warms_the_call() -> None:
    """Odds times 4 to the power of warmth; 20 % is the mean over all three."""
    attempts = scene("mechanisms/warmth").trace.attempts

    for source, expected in enumerate(anchored(0.2, [0.0, math.log(2.0), math.log(4.0)])):
        mine = attempts[attempts.lead >> 44 == source]
        share_holds((mine.end == 0).sum(), 1500, expected)


def test_objections_cost_time_and_odds() -> None:
    """The call takes 30 minutes with preparation; 40 % object, 30 % of these need a second try, 9 % stay unresolved."""
    story = scene("mechanisms/objections")
    visits, attempts = story.trace.visits[story.trace.visits.stage == 0], story.trace.attempts
    tries = attempts[attempts.task >= 0]

    share_holds((tries.ordinal == 1).sum(), 2000, 0.4)
    unresolved = visits.chance < 0.4
    share_holds(unresolved.sum(), 2000, 0.4 * 0.3**2)
    low, high = sorted(set(visits.chance))
    assert log_odds(low) - log_odds(high) == pytest.approx(math.log(0.25))
    assert low < 0.5 < high  # 50 % is the mean over both
    mean_holds(visits.effort / MINUTE, 30.0 + 0.4 * 1.3 * 30.0)


def anchored(mean: float, shifts: list[float]) -> list[float]:
    """Chances that differ by these log-odds and have this mean, over groups of one size."""
    middle = optimize.brentq(lambda c: np.mean([logistic(c + x) for x in shifts]) - mean, -20.0, 20.0)
    return [logistic(middle + x) for x in shifts]


# ---- pursuit ---------------------------------------------------------------------------------------------------------


def pursued(**inputs: float) -> float:
    """Share of marketing's leads that are worked, as log-odds."""
    overrides = [f"teams.sales.pursuit.{name}={value}" for name, value in inputs.items()]
    found = measured("mechanisms/pursuit", 1, *overrides)["cohort.pursued.interest.sales"]
    return log_odds(found.estimate().mean)


def test_in_the_middle_pursuit_is_the_base() -> None:
    assigned = scene("mechanisms/pursuit").trace.assignments

    share_holds((assigned.pursued == 1).sum(), 3000, 0.3)
    assert (assigned[assigned.pursued == 0].attempts == 0).all()


@pytest.mark.parametrize(
    ("rep", "response", "sign"),
    [
        ("experience", "quality", 1),
        ("experience", "tracking", -1),
        ("experience", "volume", -1),
        ("performance", "volume", 1),
        ("performance", "tracking", -1),
    ],
)
def test_the_five_published_signs_come_out(rep: str, response: str, sign: int) -> None:
    """How the answer to one input differs between the ends of the other: the preset's size, 3, on the log-odds. Of
    3,000
    leads each log-odds is known to 0.05, so the difference of differences to 0.1."""
    ends = {(e, x): pursued(**{rep: e, response: x}) for e in (0.0, 1.0) for x in (0.0, 1.0)}
    difference = (ends[1.0, 1.0] - ends[1.0, 0.0]) - (ends[0.0, 1.0] - ends[0.0, 0.0])

    assert difference * sign == pytest.approx(3.0, abs=0.4)


def test_who_is_ahead_of_quota_takes_less() -> None:
    """Five of ten thousand sold on day 0; the period ends after 27 days."""
    story = scene("mechanisms/quota")
    level = 0.5 - 10.0 / 27.0

    assert story.trace.levels[0, 0] == pytest.approx(0.5 - 1.0 / 27.0)
    assigned = story.trace.assignments[story.trace.assignments.pursued >= 0]
    share_holds((assigned.pursued == 1).sum(), 2000, logistic(math.log(0.1) * level))
