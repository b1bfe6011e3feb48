"""The promises, and what buyers do meanwhile: a scenario file a mechanism, worked out by hand [61, 85, 86, 92, 106]."""

from __future__ import annotations

import pytest

from support.mechanism_runs import scene, share_holds

DAY = 86400.0


def test_each_tier_has_its_own_deadline() -> None:
    """All arrive on Friday at 16:00. The first tier that fits counts: an enterprise with a demo request has 30."""
    story = scene("mechanisms/tiers")
    segment = {row["lead"]: row["segment"] for row in story.trace.visits}

    found = set()
    for row in story.trace.assignments:
        source = story.book.sources[int(row["lead"]) >> 44]
        found.add((source, story.book.segments[segment[row["lead"]]], story.time(row["deadline"])))
    assert found == {
        ("demo_request", "enterprise", "Fri 9 16:30"),
        ("demo_request", "small", "Fri 9 16:30"),
        ("web", "enterprise", "Fri 9 18:00"),
        ("web", "small", "Mon 12 16:00"),
    }


def test_a_pause_moves_the_deadline() -> None:
    """3 days from Monday the 5th, and ten more: the 18th, when escalation brings the call, exactly in time."""
    [(deadline, touched, state, escalated)] = scene("mechanisms/pause").assignments(
        "deadline touched first_touch escalated"
    )

    assert (deadline, touched, state, escalated) == ("Sun 18 00:00", "Sun 18 00:00", "met", 1)


def test_without_the_pause_the_clock_runs_out() -> None:
    [(touched, state)] = scene("mechanisms/pause", "stages.interest.signals=none").assignments("touched first_touch")

    assert (touched, state) == ("Thu 8 00:00", "met")  # escalated and called at that very instant [15]


def test_promises_are_kept_more_often_for_leads_that_look_good() -> None:
    """Odds of 1, times and by 3."""
    story = scene("mechanisms/adherence")
    segment = {row["lead"]: row["segment"] for row in story.trace.visits}
    assigned = story.trace.assignments

    for index, expected in ((0, 0.75), (1, 0.25)):
        mine = [row["adhered"] for row in assigned if segment[row["lead"]] == index]
        share_holds(sum(mine), len(mine), expected)
    as_promised, otherwise = assigned[assigned.adhered == 1], assigned[assigned.adhered == 0]
    assert (as_promised.touched == 0.0).all() and (otherwise.touched == 2 * DAY).all()


def test_a_raised_hand_is_answered_and_starts_the_delay_anew() -> None:
    """Called on day 2 instead of day 7; the curve sees no delay, as if the first call had come at once."""
    [(touched, asked, shift)] = scene("mechanisms/raised-hand").visits("touched asked shift", stage="interest")
    [late] = scene("mechanisms/raised-hand", "stages.interest.signals=none").visits("shift", stage="interest")
    [prompt] = scene("mechanisms/raised-hand", "stages.interest.signals=none", "teams.sales.habit=at once").visits(
        "shift", stage="interest"
    )

    assert (touched, asked) == ("Wed 7 00:00", "Wed 7 00:00")
    assert shift == prompt > late


def test_trust_makes_follow_up_pay_more() -> None:
    """The curve counts once for the stranger and 1 + 2 x 0.5 = 2 times for the friend."""
    shifts = dict(scene("mechanisms/nurtured-follow-up").visits("source shift", stage="interest"))

    assert shifts["stranger"] != 0.0
    assert shifts["friend"] == pytest.approx(2.0 * shifts["stranger"])
