"""Rules 48 to 51, 46 and 64: how a lead changes hands, what is lost on the way, and both teams."""

from __future__ import annotations

import math

import pytest

from support.yaml_story import Story, tell

TEAMS = """
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: office}}
"""
ONE_LEAD = "sources: {web: {batch: 1 on 2026-01-05 at 10:00}}"
SURE = """
stages:
  interest: {work: {handling: 30 min}, next: {evaluation: 100%}}
  evaluation: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {interest: marketing, evaluation: sales}
"""


def handed(delay: str, arrival: str = "2026-01-05 at 10:00", *texts: str) -> Story:
    """Marketing works 30 minutes, then the lead goes to sales with that routing."""
    return tell(TEAMS, SURE, f"sources: {{web: {{batch: 1 on {arrival}}}}}", f"handoff: {{delay: {delay}}}", *texts)


# ---- handoff [48 to 50] ----------------------------------------------------------------------------------------------


def test_rule_48_there_is_no_handoff_at_birth_and_none_where_the_owner_stays() -> None:
    """Marketing owns interest and evaluation: no batch, no loss, 10:00-10:30 and 10:30-11:00."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        SURE,
        "ownership: {interest: marketing, evaluation: marketing}",
        "handoff: {delay: daily at 08:00, context_kept: 40%}",
    )
    assert story.calls() == ["web 1: Mon 5 10:00 to 10:30", "web 1: Mon 5 10:30 to 11:00"]
    assert story.visits("context") == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("delay", "assigned", "started"),
    [
        ("at once", "Mon 5 10:30", "Mon 5 10:30"),
        ("2 hours", "Mon 5 12:30", "Mon 5 12:30"),
        ("8 hours", "Mon 5 18:30", "Tue 6 09:00"),
        ("daily at 08:00", "Tue 6 08:00", "Tue 6 09:00"),
        ("daily at 10:30", "Mon 5 10:30", "Mon 5 10:30"),
        ("daily at 10:29", "Tue 6 10:29", "Tue 6 10:29"),
    ],
)
def test_rules_48_and_50_routing_of_a_handoff(delay: str, assigned: str, started: str) -> None:
    """Marketing is done on Monday 10:30. A batch at 10:30 sharp still takes the lead along, one at 10:29 tomorrow. All
    the waiting lies inside the visit: entered at 10:30."""
    story = handed(delay)
    assert story.visits("entered touched", stage="evaluation") == [("Mon 5 10:30", started)]
    assert story.assignments("assigned", stage="evaluation") == [assigned]


def test_rule_50_a_batch_takes_along_what_comes_at_its_very_instant() -> None:
    """A lead of Tuesday 08:00 sharp passes a stage of marketing without work and is handed over in the same instant:
    the batch of 08:00 takes it. So it does with a lead that changes hands at 08:00 because a promise broke."""
    passage = tell(
        TEAMS,
        """
sources: {web: {batch: 1 on 2026-01-06 at 08:00}}
stages:
  discovery: {next: {interest: 100%}}
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {discovery: marketing, interest: sales}
handoff: {delay: daily at 08:00}
""",
    )
    assert passage.assignments("team assigned") == [("sales", "Tue 6 08:00")]
    broken = tell(
        TEAMS,
        """
sources: {web: {batch: 1 on 2026-01-06 at 06:00}}
stages: {interest: {work: {handling: 30 min}, next: {customer: 100%}}, customer: {}}
ownership: {interest: sales}
handoff: {delay: daily at 08:00}
promises: {first_touch: within 2 hours, on_breach: {100%: reassign to marketing}}
""",
    )
    assert broken.assignments("team assigned") == [("sales", "Tue 6 06:00"), ("marketing", "Tue 6 08:00")]


def test_rule_50_batches_come_on_days_on_which_the_receiving_team_opens() -> None:
    """Done on Friday 10:30, daily at 08:00: Monday for the office, but Saturday when sales works on Saturdays."""
    assert handed("daily at 08:00", "2026-01-09 at 10:00").assignments("assigned", team="sales") == ["Mon 12 08:00"]
    saturdays = """
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, shop: {hours: 10:00-14:00, days: Mon-Sat}}
teams: {sales: {people: 1, calendar: shop}, marketing: {people: 1, calendar: office}}
"""
    story = handed("daily at 08:00", "2026-01-09 at 10:00", saturdays)
    assert story.assignments("assigned", team="sales") == ["Sat 10 08:00"]


def test_rule_50_a_batch_keeps_its_local_time_when_the_clocks_change() -> None:
    """Berlin, Sunday 29 March: done on Saturday 10:30, delivered on Monday 08:00 local time, 45.5 - 1 hours later."""
    berlin = """
start: 2026-03-23
timezone: Europe/Berlin
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, shop: {hours: 09:00-17:00, days: Mon-Sat}}
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: shop}}
"""
    story = handed("daily at 08:00", "2026-03-28 at 10:00", berlin)
    assert story.assignments("assigned", team="sales") == ["Mon 30 Mar 08:00"]
    [row] = story.trace.assignments[story.trace.assignments.stage == 1]
    entered = story.trace.visits.entered[story.trace.visits.stage == 1]
    assert (row.assigned - entered[0]) / 3600 == 44.5


def test_rule_48_each_receiving_team_may_have_its_own_routing() -> None:
    """To sales daily at 08:00, to marketing at once: done by marketing on Monday 10:30 the lead waits for Tuesday
    08:00; done by sales at 09:30 it is marketing's the same minute. Context: 50 % of 1, then 80 % of that."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        "handoff: {delay: at once, context_kept: 80%, to: {sales: {delay: daily at 08:00, context_kept: 50%}}}",
        """
stages:
  interest: {work: {handling: 30 min}, next: {evaluation: 100%}}
  evaluation: {work: {handling: 30 min}, next: {decision: 100%}}
  decision: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {interest: marketing, evaluation: sales, decision: marketing}
""",
    )
    assert story.assignments("team assigned") == [
        ("marketing", "Mon 5 10:00"),
        ("sales", "Tue 6 08:00"),
        ("marketing", "Tue 6 09:30"),
    ]
    assert story.visits("context") == [1.0, 0.5, 0.4, 0.4]


def test_rule_49_context_is_lost_by_the_handoff_and_again_by_the_next() -> None:
    """Kept 40 % at each handoff: 1, then 0.4, then 0.16; telling everything again halves the odds. Evaluation's base of
    50 % becomes logistic(-ln 2 * 0.6) = 39.75 %, decision's logistic(-ln 2 * 0.84) = 35.84 %."""
    story = tell(
        "sources: {web: {batch: 40 on 2026-01-05 at 10:00}}",
        "teams: {sales: {people: 1}, marketing: {people: 1}}",
        """
stages:
  interest: {next: {evaluation: 50%, lost: rest}}
  evaluation: {next: {decision: 50%, lost: rest}}
  decision: {next: {customer: 50%, lost: rest}}
  customer: {}
ownership: {interest: marketing, evaluation: sales, decision: marketing}
handoff: {context_kept: 40%}
effects: {context_lost: 0.5}
""",
    )
    for stage, retained in (("interest", 1.0), ("evaluation", 0.4), ("decision", 0.16)):
        chance = 1 / (1 + math.exp(math.log(2) * (1 - retained)))
        rows = story.visits("context chance", stage=stage)
        assert len(rows) > 2
        assert all(row == (pytest.approx(retained), pytest.approx(chance)) for row in rows)


def test_rule_48_a_reassignment_is_a_handoff() -> None:
    """Saturday's lead changes hands after 2 hours with 40 % of its context, by the batch of Monday 08:00."""
    story = tell(
        "sources: {web: {batch: 1 on 2026-01-10 at 10:00}}",
        TEAMS,
        """
stages: {interest: {work: {handling: 30 min}, next: {customer: 100%}}, customer: {}}
ownership: {interest: sales}
handoff: {delay: daily at 08:00, context_kept: 40%}
promises: {first_touch: within 2 hours, on_breach: {100%: reassign to marketing}}
""",
    )
    assert story.assignments("team assigned ended how") == [
        ("sales", "Sat 10 10:00", "Sat 10 12:00", "reassigned"),
        ("marketing", "Mon 12 08:00", "Mon 12 09:30", "reached"),
    ]
    assert story.visits("context owner", stage="interest") == [(0.4, "marketing")]


def test_rule_48_a_handoff_that_never_arrives_leaves_the_visit_open() -> None:
    """The lead is lost on the way: entered on Monday 10:00, nobody's, open at the end."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        """
stages:
  discovery: {next: {interest: 100%}}
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {discovery: marketing, interest: sales}
handoff: {delay: 1 day never 100%}
""",
    )
    assert story.visits("entered ended outcome", stage="interest") == [("Mon 5 10:00", "-", "open")]
    assert story.assignments("team") == []


# ---- both teams and the response delay [51, 64] ----------------------------------------------------------------------


@pytest.mark.parametrize(("contact", "odds"), [("[100%]", 3.0), ("[0%]", 1.0)])
def test_rule_51_both_teams_counts_when_people_of_both_have_reached_the_buyer(contact: str, odds: float) -> None:
    """Marketing talks to the lead in interest, or tries in vain and passes it on unreached; then sales talks to it.
    Both together triple the odds of 1: 75 %. In vain does not count: 50 %."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        f"""
stages:
  interest:
    work: {{handling: 30 min, contact: {contact}}}
    next: {{evaluation: 100%}}
    unreached: {{evaluation: 100%}}
  evaluation: {{work: {{handling: 30 min}}, next: {{customer: 50%, lost: rest}}}}
  customer: {{}}
ownership: {{interest: marketing, evaluation: sales}}
effects: {{both_teams: 3}}
""",
    )
    assert story.visits("chance", stage="evaluation") == [pytest.approx(odds / (1 + odds))]


def test_rules_32_and_51_who_has_spoken_to_the_buyer_stays_known_over_a_cycle() -> None:
    """Marketing talks to the lead, then sales does, and everybody comes back: in the first visit to interest only one
    side has spoken to the buyer, in evaluation and in the second visit to interest both have: ln 3. Context is 0.4
    after the way to sales and 0.16 after the way back."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        """
stages:
  interest: {work: {handling: 30 min}, next: {evaluation: 99.9999%, lost: rest}}
  evaluation: {work: {handling: 30 min}, next: {customer: 0.0001%, interest: rest}}
  customer: {}
ownership: {interest: marketing, evaluation: sales}
effects: {both_teams: 3}
handoff: {context_kept: 40%}
cycles: 1
""",
    )
    assert story.visits("stage number context shift") == [
        ("interest", 1, 1.0, 0.0),
        ("evaluation", 1, 0.4, pytest.approx(math.log(3))),
        ("interest", 2, pytest.approx(0.16), pytest.approx(math.log(3))),
        ("evaluation", 2, pytest.approx(0.064), pytest.approx(math.log(3))),
    ]


def test_rule_51_two_teams_of_one_side_are_not_both() -> None:
    """Two marketing teams talk to the lead one after the other: no effect."""
    story = tell(
        ONE_LEAD,
        SURE.replace("customer: 100%", "customer: 50%, lost: rest"),
        """
teams: {sales: {people: 1}, marketing: {people: 1}, events: {people: 1, side: marketing}}
ownership: {interest: marketing, evaluation: events}
effects: {both_teams: 3}
""",
    )
    assert story.visits("chance", stage="evaluation") == [0.5]


def test_rules_23_and_51_a_lead_in_flight_reached_where_nobody_owns_it_was_reached_by_no_team() -> None:
    """The snapshot says that the buyer has been reached in discovery, which nobody owns: when marketing talks to it in
    interest, only marketing has. No effect."""
    story = tell(
        TEAMS,
        """
sources: {web: {batch: 1 on 2026-01-10 at 10:00, enters: customer}}
stages:
  discovery: {next: {interest: 100%}}
  interest: {work: {handling: 30 min}, next: {customer: 50%, lost: rest}}
  customer: {}
ownership: {interest: marketing}
effects: {both_teams: 3}
leads_in_flight: [{id: 4, source: web, stage: discovery, age: 1 day, reached: true}]
""",
    )
    assert story.visits("shift", lead="flying 4", stage="interest") == [0.0]


@pytest.mark.parametrize(("team", "odds"), [("marketing", 0.5), ("sales", 1.0)])
def test_rule_46_both_teams_sell_alike_unless_marketing_sells_says_otherwise(team: str, odds: float) -> None:
    """Odds of 1, halved when a marketer works the lead: 1 in 3 instead of 1 in 2."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        f"""
stages: {{interest: {{work: {{handling: 30 min}}, next: {{customer: 50%, lost: rest}}}}, customer: {{}}}}
ownership: {{interest: {team}}}
effects: {{marketing_sells: 0.5}}
""",
    )
    assert story.visits("chance", stage="interest") == [pytest.approx(odds / (1 + odds))]


def test_rule_64_the_response_delay_is_elapsed_from_entry_to_first_touch_weekend_included() -> None:
    """Entered on Friday 10:30, handed over by the batch of Monday 08:00, tried at 09:00: 70.5 hours. A law of (1 + t /
    1 hour) ** -1 makes of odds of 1 odds of 1 / 71.5, whatever the promise counts from."""
    story = tell(
        "sources: {web: {batch: 1 on 2026-01-09 at 10:00}}",
        TEAMS,
        """
stages:
  interest: {work: {handling: 30 min}, next: {evaluation: 100%}}
  evaluation:
    work: {handling: 30 min}
    response: {lomax: {scale: 1 hour, shape: 1}, target: advance}
    next: {customer: 50%, lost: rest}
  customer: {}
ownership: {interest: marketing, evaluation: sales}
handoff: {delay: daily at 08:00}
promises: {first_touch: within 4 business hours}
""",
    )
    assert story.visits("entered touched", stage="evaluation") == [("Fri 9 10:30", "Mon 12 09:00")]
    assert story.assignments("deadline first_touch", stage="evaluation") == [("Mon 12 13:00", "met")]
    assert story.visits("chance", stage="evaluation") == [pytest.approx(1 / 72.5, rel=0.02)]
