"""Rules 11 to 17: what goes first at one instant, who is served next and by whom, and the end of the run."""

from __future__ import annotations

import pytest

from support.yaml_story import tell

ONE_REP = """
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
"""
BY_SCORE = "teams: {sales: {people: 1, calendar: office, order: score}}"


def test_rule_12_people_see_the_whole_monday_queue_before_the_first_call() -> None:
    """By score: a poor lead waits since Saturday, a good one arrives on Monday 09:00 sharp. The good one is called
    first, 09:00-09:30."""
    story = tell(
        ONE_REP,
        BY_SCORE,
        """
sources:
  poor: {batch: 1 on 2026-01-10 at 12:00, fit: -1}
  good: {batch: 1 on 2026-01-12 at 09:00, fit: 1}
""",
    )
    assert story.calls() == ["good 1: Mon 12 09:00 to 09:30", "poor 1: Mon 12 09:30 to 10:00"]


def test_rules_11_and_12_the_batch_of_nine_o_clock_is_in_the_queue_of_nine_o_clock() -> None:
    """Marketing's good lead, done on Friday 16:30, is handed over daily at 09:00 and comes before the poor lead that
    has waited for sales since Saturday."""
    story = tell(
        """
sources:
  poor: {batch: 1 on 2026-01-10 at 12:00, fit: -1, enters: evaluation}
  good: {batch: 1 on 2026-01-09 at 16:00, fit: 1}
stages:
  interest: {work: {handling: 30 min}, next: {evaluation: 100%}}
  evaluation: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
teams:
  marketing: {people: 1, calendar: office}
  sales: {people: 1, calendar: office, order: score}
ownership: {interest: marketing, evaluation: sales}
handoff: {delay: daily at 09:00}
"""
    )
    assert story.calls(team="sales") == ["good 1: Mon 12 09:00 to 09:30", "poor 1: Mon 12 09:30 to 10:00"]


def test_rule_11_what_ends_comes_before_who_is_served() -> None:
    """A call ends at 10:30; a better lead arrives at 10:30 sharp and overtakes the one waiting since 10:10."""
    story = tell(
        ONE_REP,
        BY_SCORE,
        """
sources:
  first: {batch: 1 on 2026-01-05 at 10:00}
  poor: {batch: 1 on 2026-01-05 at 10:10, fit: -1}
  good: {batch: 1 on 2026-01-05 at 10:30, fit: 1}
""",
    )
    assert story.calls() == [
        "first 1: Mon 5 10:00 to 10:30",
        "good 1: Mon 5 10:30 to 11:00",
        "poor 1: Mon 5 11:00 to 11:30",
    ]


# ---- order of the queue [13] -----------------------------------------------------------------------------------------

BUSY_UNTIL_TEN = """
sources:
  early: {batch: 1 on 2026-01-05 at 09:30}
  poor: {batch: 1 on 2026-01-05 at 09:40, fit: -1}
  good: {batch: 2 on 2026-01-05 at 09:50, fit: 2}
"""


@pytest.mark.parametrize(
    ("order", "served"),
    [("first come", ["early 1", "poor 1", "good 1", "good 2"]), ("score", ["early 1", "good 1", "good 2", "poor 1"])],
)
def test_rule_13_order_of_the_queue(order: str, served: list[str]) -> None:
    """The rep is busy from 09:30 to 10:00. Then, first come, the poor lead of 09:40; by score, the two good ones of
    09:50, of which the one with the smaller number goes first."""
    story = tell(ONE_REP, BUSY_UNTIL_TEN, f"teams: {{sales: {{people: 1, calendar: office, order: {order}}}}}")
    assert story.calls() == [
        f"{served[0]}: Mon 5 09:30 to 10:00",
        f"{served[1]}: Mon 5 10:00 to 10:30",
        f"{served[2]}: Mon 5 10:30 to 11:00",
        f"{served[3]}: Mon 5 11:00 to 11:30",
    ]


@pytest.mark.parametrize(("order", "served"), [("first come", ["old 1", "new 1"]), ("due time", ["new 1", "old 1"])])
def test_rule_13_by_due_time_a_lead_already_touched_has_no_deadline_and_comes_last(
    order: str, served: list[str]
) -> None:
    """`old` is tried at 09:00-09:30 and due again at 10:30; `busy` keeps the rep from 10:20 to 10:50; `new` comes at
    10:40 with a first touch due at 14:40. At 10:50 first come serves `old`, due time serves `new`."""
    story = tell(
        ONE_REP,
        f"""
sources:
  old: {{batch: 1 on 2026-01-05 at 09:00}}
  busy: {{batch: 1 on 2026-01-05 at 10:20}}
  new: {{batch: 1 on 2026-01-05 at 10:40}}
stages:
  interest:
    work: {{attempts: 2, spacing: 1 hour, handling: 30 min, contact: [0%, 100%]}}
    next: {{customer: 100%}}
  customer: {{}}
teams: {{sales: {{people: 1, calendar: office, order: {order}}}}}
promises: {{first_touch: within 4 hours}}
""",
    )
    assert story.calls()[:4] == [
        "old 1: Mon 5 09:00 to 09:30",
        "busy 1: Mon 5 10:20 to 10:50",
        f"{served[0]}: Mon 5 10:50 to 11:20",
        f"{served[1]}: Mon 5 11:20 to 11:50",
    ]


def test_rule_13_by_due_time_the_earlier_deadline_goes_first() -> None:
    """The clock starts when the lead is created. `slow` was created at 09:00 and is handed over at 09:30 with the
    deadline 13:00; `quick` joined the queue at 09:20 with 13:20. When the rep is free at 10:00, `slow` is served."""
    story = tell(
        """
sources:
  busy: {batch: 1 on 2026-01-05 at 09:10, enters: evaluation}
  slow: {batch: 1 on 2026-01-05 at 09:00}
  quick: {batch: 1 on 2026-01-05 at 09:20, enters: evaluation}
stages:
  interest: {pace: 30 min, next: {evaluation: 100%}}
  evaluation: {work: {handling: 50 min}, next: {customer: 100%}}
  customer: {}
teams: {sales: {people: 1, calendar: office, order: due time}}
ownership: {evaluation: sales}
promises: {first_touch: within 4 hours, clock_start: created}
"""
    )
    assert story.calls() == [
        "busy 1: Mon 5 09:10 to 10:00",
        "slow 1: Mon 5 10:00 to 10:50",
        "quick 1: Mon 5 10:50 to 11:40",
    ]


def test_rule_13_an_escalated_lead_overtakes_all_others() -> None:
    """By score, one rep, calls of 30 minutes from 09:00; three good leads arrive at 09:00, a poor one at 08:00. It
    escalates after 2 hours, at 10:00 sharp: after the dispatch of that instant (rule 11), so it goes at 10:30, before
    the last good one."""
    story = tell(
        ONE_REP,
        BY_SCORE,
        """
sources:
  poor: {batch: 1 on 2026-01-05 at 08:00, fit: -1}
  good: {batch: 4 on 2026-01-05 at 09:00, fit: 1}
promises: {first_touch: within 2 hours, on_breach: {100%: escalate}}
""",
    )
    assert story.calls() == [
        "good 1: Mon 5 09:00 to 09:30",
        "good 2: Mon 5 09:30 to 10:00",
        "good 3: Mon 5 10:00 to 10:30",
        "poor 1: Mon 5 10:30 to 11:00",
        "good 4: Mon 5 11:00 to 11:30",
    ]


def test_rule_57_escalated_leads_keep_the_order_of_the_team_among_themselves() -> None:
    """All of Saturday's leads are escalated by Monday: the good one goes before the two poor ones, and all of them
    before Monday's best."""
    story = tell(
        ONE_REP,
        BY_SCORE,
        """
sources:
  poor: {batch: 2 on 2026-01-10 at 10:00, fit: -1}
  good: {batch: 1 on 2026-01-10 at 11:00, fit: 1}
  best: {batch: 1 on 2026-01-12 at 09:00, fit: 3}
promises: {first_touch: within 2 hours, on_breach: {100%: escalate}}
""",
    )
    assert [call.split(":")[0] for call in story.calls()] == ["good 1", "poor 1", "poor 2", "best 1"]


def test_rule_57_escalation_ends_when_the_next_attempt_starts() -> None:
    """`old` escalates on Saturday, is tried on Monday 09:00 without success and due again at 10:00 as anyone else:
    first come, behind `new` of 09:45, while `busy` is called 09:30-10:30."""
    story = tell(
        ONE_REP,
        """
sources:
  old: {batch: 1 on 2026-01-10 at 10:00}
  busy: {batch: 1 on 2026-01-12 at 09:30}
  new: {batch: 1 on 2026-01-12 at 09:45}
stages:
  interest:
    work: {attempts: 2, spacing: 30 min, handling: 30 min, contact: [0%, 100%]}
    next: {customer: 100%}
  customer: {}
promises: {first_touch: within 2 hours, on_breach: {100%: escalate}}
""",
    )
    assert story.calls()[:4] == [
        "old 1: Mon 12 09:00 to 09:30",
        "busy 1: Mon 12 09:30 to 10:00",
        "new 1: Mon 12 10:00 to 10:30",
        "old 1: Mon 12 10:30 to 11:00",
    ]


def test_rule_14_the_free_rep_with_the_lowest_number_takes_the_next() -> None:
    """Reps 0, 1, 2; calls of 30 minutes at 10:00 and twice at 10:10. At 10:30 rep 0 is free and takes the fourth lead;
    at 10:40 reps 1 and 2 are free and rep 1 takes the fifth, of 10:45."""
    story = tell(
        ONE_REP,
        """
sources:
  a: {batch: 1 on 2026-01-05 at 10:00}
  b: {batch: 2 on 2026-01-05 at 10:10}
  c: {batch: 1 on 2026-01-05 at 10:20}
  d: {batch: 1 on 2026-01-05 at 10:45}
teams: {sales: {people: 3, calendar: office}}
""",
    )
    assert story.attempts("lead started rep") == [
        ("a 1", "Mon 5 10:00", 0),
        ("b 1", "Mon 5 10:10", 1),
        ("b 2", "Mon 5 10:10", 2),
        ("c 1", "Mon 5 10:30", 0),
        ("d 1", "Mon 5 10:45", 1),
    ]


# ---- within means within [15] ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "state"), [("30 min", "met"), ("29 min", "missed")])
def test_rule_15_a_first_touch_at_the_deadline_keeps_the_promise(length: str, state: str) -> None:
    """The second of two leads of 10:00 is called at 10:30: exactly within 30 minutes, and not within 29. At the
    deadline itself no action follows, for the people are served before the promise acts (rule 11)."""
    story = tell(
        ONE_REP,
        f"""
sources: {{web: {{batch: 2 on 2026-01-05 at 10:00}}}}
promises: {{first_touch: within {length}, on_breach: {{100%: warn}}}}
""",
    )
    assert story.assignments("touched first_touch warned", lead="web 2") == [
        ("Mon 5 10:30", state, 0 if state == "met" else 1)
    ]


@pytest.mark.parametrize(("patience", "outcome", "at"), [("30 min", "forward", "11:00"), ("29 min", "cold", "10:29")])
def test_rule_15_patience_that_ends_when_the_attempt_starts_is_in_time(patience: str, outcome: str, at: str) -> None:
    """The second lead of 10:00 is called at 10:30. With 30 minutes of patience it is served until 11:00; with 29 it is
    cold at 10:29."""
    story = tell(
        ONE_REP,
        f"""
sources: {{web: {{batch: 2 on 2026-01-05 at 10:00}}}}
stages:
  interest: {{work: {{handling: 30 min}}, patience: {patience}, next: {{customer: 100%}}}}
  customer: {{}}
""",
    )
    assert story.visits("outcome ended", lead="web 2", stage="interest") == [(outcome, f"Mon 5 {at}")]


@pytest.mark.parametrize(
    "texts",
    [
        "promises: {first_touch: within 4 hours, adherence: 0%, on_breach: {100%: return to lost}}",
        """
stages:
  interest: {work: {handling: 30 min}, patience: 4 hours, next: {customer: 100%}}
  customer: {}
""",
    ],
    ids=["deadline", "patience"],
)
def test_rule_15_habit_that_ends_with_the_deadline_or_with_patience_is_in_time(texts: str) -> None:
    """The team turns to the lead of 10:00 after 4 hours, at 14:00, when its deadline or its patience ends as well.
    First the lead joins the queue, then it is served, and only then the clocks run out: called 14:00-14:30."""
    story = tell(
        ONE_REP,
        """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
teams: {sales: {people: 1, calendar: office, habit: 4 hours}}
""",
        texts,
    )
    assert story.calls() == ["web 1: Mon 5 14:00 to 14:30"]
    assert story.visits("outcome", stage="interest") == ["forward"]


# ---- the end of the run [16] -----------------------------------------------------------------------------------------


def test_rule_16_all_that_is_not_over_at_the_horizon_is_open() -> None:
    """The run ends on Sunday 11 January, 24:00; a team open at night. `done` ends at 23:30; the call to `busy` began at
    23:40; `waits` is in the queue; `late` would arrive at the horizon itself and does not exist."""
    story = tell(
        ONE_REP,
        """
observe: 1 week
sources:
  done: {batch: 1 on 2026-01-11 at 23:00}
  busy: {batch: 1 on 2026-01-11 at 23:40}
  waits: {batch: 1 on 2026-01-11 at 23:45}
teams: {sales: {people: 1}}
""",
    )
    assert story.visits("lead ended outcome", stage="interest") == [
        ("done 1", "Sun 11 23:30", "forward"),
        ("busy 1", "-", "open"),
        ("waits 1", "-", "open"),
    ]
    assert story.attempts("lead started ended end") == [
        ("done 1", "Sun 11 23:00", "Sun 11 23:30", "contact"),
        ("busy 1", "Sun 11 23:40", "-", "in progress"),
        ("waits 1", "-", "-", "waiting"),
    ]
    assert story.assignments("lead ended how")[1:] == [("busy 1", "-", "open"), ("waits 1", "-", "open")]
    assert story.measure("cohort.unresolved.interest") == pytest.approx(2 / 3)


@pytest.mark.parametrize(("handling", "outcome"), [("59 min", "forward"), ("60 min", "open")])
def test_rule_16_what_would_end_at_the_horizon_itself_is_open(handling: str, outcome: str) -> None:
    """The run ends on Sunday at 24:00. A call from 23:00 that takes 59 minutes is over, one of an hour is not."""
    story = tell(
        ONE_REP.replace("30 min", handling),
        """
observe: 1 week
sources: {web: {batch: 1 on 2026-01-11 at 23:00}}
teams: {sales: {people: 1}}
""",
    )
    assert story.visits("outcome", stage="interest") == [outcome]


# ---- actions of one instant [17] -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "warned", "escalated", "how"),
    [
        ("[warn, escalate, return to lost]", 1, 1, "returned"),
        ("[warn, return to lost, escalate]", 1, 0, "returned"),
        ("[reassign to marketing, return to lost, warn]", 0, 0, "reassigned"),
        ("[return to lost, reassign to marketing, warn]", 0, 0, "returned"),
    ],
)
def test_rule_17_actions_of_one_instant_run_in_the_order_of_the_file(
    actions: str, warned: int, escalated: int, how: str
) -> None:
    """A lead of Saturday 10:00, due at 12:00, when all actions fall together; what takes it away ends the rest."""
    story = tell(
        ONE_REP,
        f"""
sources: {{web: {{batch: 1 on 2026-01-10 at 10:00}}}}
teams: {{sales: {{people: 1, calendar: office}}, marketing: {{people: 1, calendar: office}}}}
promises: {{teams: {{sales: {{first_touch: within 2 hours, on_breach: {{100%: {actions}}}}}}}}}
""",
    )
    assert story.assignments("warned escalated how ended", team="sales") == [(warned, escalated, how, "Sat 10 12:00")]


def test_rule_17_one_lead_is_taken_away_once_although_two_clocks_run_out_together() -> None:
    """First touch and one attempt both within 2 hours: the first clock sends the lead to marketing, and the second, of
    the same assignment, no longer sends it to lost."""
    story = tell(
        ONE_REP,
        """
sources: {web: {batch: 1 on 2026-01-10 at 10:00}}
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: office}}
promises:
  teams:
    sales:
      first_touch: within 2 hours
      on_breach: {100%: reassign to marketing}
      attempts: 1 within 2 hours
      on_attempts_breach: {100%: return to lost}
""",
    )
    assert story.assignments("team how") == [("sales", "reassigned"), ("marketing", "reached")]
    assert story.visits("outcome", stage="interest") == ["forward"]
