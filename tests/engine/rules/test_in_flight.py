"""Rules 23 and 24, and 43 and 45 with them: leads that are in the funnel when the run starts."""

from __future__ import annotations

import pytest

from support.yaml_story import tell

WORK = """
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
"""
NOBODY_NEW = "sources: {web: {batch: 1 on 2026-01-30 at 16:59, enters: customer, cost: 50}}"


def flying(*leads: str) -> str:
    rows = "".join(f"- {{source: web, stage: interest, {lead}}}\n" for lead in leads)
    return f"leads_in_flight:\n{rows}"


def test_rule_23_attempts_made_are_the_snapshots() -> None:
    """Two of three attempts were made. The run starts on Monday 00:00; the third is made at 09:00, by the chance of the
    third attempt, 100 %."""
    story = tell(
        NOBODY_NEW,
        WORK,
        """
stages:
  interest:
    work: {attempts: 3, handling: 30 min, spacing: 1 day, contact: [0%, 0%, 100%]}
    next: {customer: 100%}
  customer: {}
""",
        flying("id: 7, age: 4 days, attempts: 2"),
    )
    assert story.attempts("lead ordinal started end", lead="flying 7") == [("flying 7", 3, "Mon 5 09:00", "contact")]
    assert story.visits("arrived entered attempts outcome", lead="flying 7", stage="interest") == [
        ("Thu 1 00:00", "Thu 1 00:00", 3, "forward")
    ]


def test_rule_23_what_remains_of_pace_and_patience_is_given_the_age() -> None:
    """Pace of exactly 10 days: who was reached and is 4 days old goes on in 6 days, Sunday 11. Patience of exactly 5
    days: who was not reached and is 4 days old is cold in a day, on Tuesday, for the people are away."""
    story = tell(
        NOBODY_NEW,
        WORK,
        """
stages:
  interest: {work: {handling: 30 min}, pace: 10 days, patience: 5 days, next: {customer: 100%}}
  customer: {}
teams: {sales: {people: {start: 0, 2026-01-20: 1}, calendar: office}}
""",
        flying("id: 1, age: 4 days, reached: true", "id: 2, age: 4 days"),
    )
    assert story.visits("lead ended outcome", stage="interest") == [
        ("flying 1", "Sun 11 00:00", "forward"),
        ("flying 2", "Tue 6 00:00", "cold"),
    ]


def test_rule_23_an_exit_whose_time_is_over_is_no_longer_taken() -> None:
    """Winning takes exactly 2 days and losing exactly 10. Of leads 4 days old none can win any more: all are lost, 6
    days from now."""
    story = tell(
        NOBODY_NEW,
        """
stages:
  interest: {pace: {customer: 2 days, lost: 10 days}, next: {customer: 99%, lost: rest}}
  customer: {}
""",
        flying(*(f"id: {i}, age: 4 days" for i in range(1, 21))),
    )
    assert story.visits("outcome ended", stage="interest") == [("lost", "Sun 11 00:00")] * 20


def test_rule_23_team_context_value_and_visit_number_are_the_snapshots() -> None:
    """By ownership the lead would be sales'; the snapshot says marketing, and 60 % of the context."""
    story = tell(
        NOBODY_NEW,
        WORK,
        "teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: office}}",
        "deal_value: 900",
        flying("id: 7, age: 4 days, team: marketing, context: 60%, value: 123.45, number: 3"),
    )
    assert story.visits("owner context value number", lead="flying 7", stage="interest") == [
        ("marketing", 0.6, 12345.0, 3)
    ]
    assert story.attempts("team started", lead="flying 7") == [("marketing", "Mon 5 09:00")]


def test_rule_23_a_lead_in_flight_belongs_to_no_cohort_and_passes_only_what_lies_ahead() -> None:
    """MQL (interest) was passed before the run, won lies ahead. The cohort is the one new lead, which costs 50 and wins
    as it enters; within the calendar there are two wins and one MQL of nobody."""
    story = tell(
        NOBODY_NEW,
        WORK,
        "definitions: {MQL: enters interest, won: enters customer}",
        "deal_value: 100",
        flying("id: 7, age: 4 days"),
    )
    assert story.measure("cohort.leads") == 1
    assert story.measure("cohort.cost") == 50
    assert (story.measure("cohort.won"), story.measure("calendar.won")) == (1, 2)
    assert (story.measure("cohort.MQL"), story.measure("calendar.MQL")) == (0, 0)


CLOCKS = """
promises: {first_touch: within LENGTH, clock_start: START, on_breach: {50%: warn, 100%: escalate}}
"""


def clocks(start: str, length: str = "3 days") -> str:
    return CLOCKS.replace("START", start).replace("LENGTH", length)


@pytest.mark.parametrize(
    ("start", "age", "deadline", "state", "warned", "escalated"),
    [
        ("created", "4 days", "Sun 4 00:00", "inherited", 0, 0),
        ("qualified", "4 days", "Sun 4 00:00", "inherited", 0, 0),
        ("qualified", "2 days", "Tue 6 00:00", "met", 1, 0),
        ("assigned", "4 days", "Thu 8 00:00", "met", 0, 0),
    ],
)
def test_rule_24_a_clock_already_late_at_the_start_is_inherited(
    start: str, age: str, deadline: str, state: str, warned: int, escalated: int
) -> None:
    """3 days to the first touch, which happens on Monday 09:00. Counted from entry, a lead of 4 days was late before
    the run began: no action, no attainment. One of 2 days has a day left, and its overdue warning (at 1.5 days) acts at
    once. Counted from assignment the clock begins with the run."""
    story = tell(NOBODY_NEW, WORK, clocks(start), flying(f"id: 7, age: {age}"))
    assert story.assignments("deadline first_touch warned escalated", lead="flying 7") == [
        (deadline, state, warned, escalated)
    ]


@pytest.mark.parametrize(
    ("age", "state"), [("2 hours", "met"), ("4 hours", "met"), ("5 hours", "inherited"), ("4 days", "inherited")]
)
def test_rule_24_a_business_clock_older_than_its_length_is_inherited(age: str, state: str) -> None:
    """4 business hours. The opening hours before Monday 00:00 are not known; a clock that is older than 4 hours counts
    as late, a younger one, or one as old, runs from the start and is due on Monday 13:00: kept at 09:00."""
    story = tell(NOBODY_NEW, WORK, clocks("qualified", "4 business hours"), flying(f"id: 7, age: {age}"))
    assert story.assignments("deadline first_touch warned escalated", lead="flying 7") == [("Mon 5 13:00", state, 0, 0)]


def test_rule_24_a_lead_in_flight_already_tried_has_had_its_first_touch() -> None:
    """One attempt made: no first-touch clock, whoever counts from when."""
    story = tell(
        NOBODY_NEW,
        WORK.replace("handling: 30 min", "handling: 30 min, attempts: 2"),
        clocks("qualified"),
        flying("id: 7, age: 1 day, attempts: 1"),
    )
    assert story.assignments("deadline first_touch", lead="flying 7") == [("-", "-")]


RELAY = """
stages:
  interest:
    work:
    - {by: marketing, attempts: 1, handling: 10 min, contact: [0%]}
    - {by: sales, attempts: 4, handling: 20 min, contact: [0%]}
    next: {customer: 100%}
  customer: {}
teams: {sales: {people: 1}, marketing: {people: 1}}
ownership: {interest: {marketing: 50%, sales: 50%}}
"""


@pytest.mark.parametrize(("attempts", "left"), [(1, 4), (3, 2), (4, 1)])
def test_rules_23_and_45_a_lead_in_flight_is_in_the_step_that_its_attempts_have_come_to(
    attempts: int, left: int
) -> None:
    """One attempt by marketing, then four of 20 minutes by sales. Of these five, sales makes those that are left, one
    after the other from the start on Monday 00:00."""
    story = tell(NOBODY_NEW, RELAY, flying(f"id: 7, age: 1 day, attempts: {attempts}, team: sales"))
    assert story.attempts("ordinal", lead="flying 7") == list(range(attempts + 1, 6))
    ends = ["Mon 5 00:20", "Mon 5 00:40", "Mon 5 01:00", "Mon 5 01:20"]
    assert story.attempts("team ended", lead="flying 7") == [("sales", end) for end in ends[:left]]
    assert story.visits("outcome", lead="flying 7") == ["unreached"]


def test_rules_23_and_31_a_lead_in_flight_with_all_attempts_made_leaves_at_the_start() -> None:
    """All five were made in vain: unreached on Monday 00:00, and nobody tries again."""
    story = tell(NOBODY_NEW, RELAY, flying("id: 7, age: 1 day, attempts: 5"))
    assert story.visits("ended attempts outcome", lead="flying 7") == [("Mon 5 00:00", 5, "unreached")]
    assert story.attempts("lead", lead="flying 7") == []


@pytest.mark.parametrize(("attempts", "joined"), [(0, "Mon 5 05:00"), (1, "Mon 5 00:00")])
def test_rule_43_habit_is_not_for_a_lead_in_flight_that_was_tried(attempts: int, joined: str) -> None:
    """Habit of 5 hours from `start`; a lead already tried is not new to the team and is in the queue at once."""
    story = tell(
        NOBODY_NEW,
        WORK.replace("handling: 30 min", "handling: 30 min, attempts: 2"),
        "teams: {sales: {people: 1, calendar: office, habit: 5 hours}}",
        flying(f"id: 7, age: 1 day, attempts: {attempts}"),
    )
    assert story.assignments("joined", lead="flying 7") == [joined]


@pytest.mark.parametrize(("team", "joined"), [("sales", "Mon 5 00:00"), ("marketing", "Mon 5 05:00")])
def test_rule_43_a_lead_in_flight_is_not_new_to_the_owner_of_the_last_stage_with_work(team: str, joined: str) -> None:
    """A lead in evaluation was reached in interest, though no record says so. Sales has evaluation, with a habit of 5
    hours: where sales owned interest too the lead is in its queue at once, where marketing did after 5 hours."""
    story = tell(
        NOBODY_NEW.replace("customer", "interest"),
        f"""
stages:
  interest: {{work: {{handling: 30 min}}, next: {{evaluation: 100%}}}}
  evaluation: {{work: {{handling: 30 min}}, next: {{customer: 100%}}}}
  customer: {{}}
teams: {{sales: {{people: 1, calendar: office, habit: 5 hours}}, marketing: {{people: 1, calendar: office}}}}
ownership: {{interest: {team}, evaluation: sales}}
leads_in_flight: [{{id: 7, source: web, stage: evaluation, age: 1 day}}]
""",
    )
    assert story.assignments("joined", lead="flying 7") == [joined]
