"""Rules 61 to 63: whether a promise was met, and what marketing delivered."""

from __future__ import annotations

import pytest

from support.yaml_story import tell

BASE = """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: office}}
ownership: {interest: sales}
"""
SATURDAY = "sources: {web: {batch: 1 on 2026-01-10 at 10:00}}"
IN_VAIN = """
stages:
  interest:
    work: {attempts: ATTEMPTS, handling: 30 min, spacing: 1 hour, contact: [0%]}
    next: {customer: 100%}
  customer: {}
"""


def in_vain(attempts: int) -> str:
    return IN_VAIN.replace("ATTEMPTS", str(attempts))


# ---- attainment [61, 62] ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("patience", "state"), [("119 min", "censored"), ("2 hours", "missed"), ("3 hours", "missed")])
def test_rule_61_gone_cold_before_the_deadline_is_neither_met_nor_missed(patience: str, state: str) -> None:
    """2 hours promised from Saturday 10:00; cold at 11:59, at 12:00 sharp or at 13:00."""
    story = tell(
        BASE,
        SATURDAY,
        f"""
stages: {{interest: {{work: {{handling: 30 min}}, patience: {patience}, next: {{customer: 100%}}}}, customer: {{}}}}
promises: {{first_touch: within 2 hours}}
""",
    )
    assert story.assignments("first_touch how") == [(state, "went cold")]


@pytest.mark.parametrize(("fraction", "state"), [("50%", "censored"), ("100%", "missed")])
def test_rule_61_taken_away_before_the_deadline_is_neither(fraction: str, state: str) -> None:
    """Sales has 2 hours and loses the lead at half of them, or at the deadline."""
    story = tell(
        BASE, SATURDAY, f"promises: {{first_touch: within 2 hours, on_breach: {{{fraction}: reassign to marketing}}}}"
    )
    assert story.assignments("first_touch", team="sales") == [state]


@pytest.mark.parametrize(
    ("length", "state"), [("35 hours", "missed"), ("36 hours", "censored"), ("3 days", "censored")]
)
def test_rule_61_cut_off_by_the_horizon_before_the_deadline_is_neither(length: str, state: str) -> None:
    """The run ends 36 hours after the lead's Saturday 12:00, on Sunday 24:00; nobody is there. The horizon itself no
    longer belongs to the run."""
    story = tell(
        BASE,
        "observe: 1 week",
        "sources: {web: {batch: 1 on 2026-01-10 at 12:00}}",
        f"promises: {{first_touch: within {length}}}",
    )
    assert story.assignments("first_touch how") == [(state, "open")]


@pytest.mark.parametrize(
    ("contact", "length", "state"),
    [
        ("[0%]", "3 within 3 hours", "met"),
        ("[0%]", "3 within 179 min", "missed"),
        ("[0%, 100%]", "3 within 2 hours", "met"),
        ("[0%, 100%]", "3 within 119 min", "missed"),
        ("[0%, 100%]", "2 within 90 min", "met"),
        ("[0%]", "5 within 14 days", "missed"),
    ],
)
def test_rule_61_attempts_are_met_when_started_or_the_buyer_reached_in_time(
    contact: str, length: str, state: str
) -> None:
    """Never kept, so three attempts at 10:00, 11:30 and 13:00, of 30 minutes each. Three started within 3 hours; the
    buyer reached at 12:00, within 2; two started within 90 minutes. Giving up after three of five breaks at once."""
    story = tell(BASE, in_vain(3).replace("[0%]", contact), f"promises: {{attempts: {length}, adherence: 0%}}")
    assert story.assignments("attempts_within") == [state]


def test_rule_61_lead_attainment_asks_whether_anybody_touched_the_lead_in_time() -> None:
    """Sales has until Monday 10:00 and loses the lead at half of it; marketing touches it on Monday 09:00: the lead was
    touched in time, and in the books of sales it is neither. `late` waits at the weekend after and is not touched in
    time by anyone."""
    story = tell(
        BASE,
        """
sources:
  web: {batch: 1 on 2026-01-10 at 10:00}
  late: {batch: 1 on 2026-01-16 at 18:00}
promises: {teams: {sales: {first_touch: within 48 hours, on_breach: {50%: reassign to marketing}}}}
""",
    )
    assert story.assignments("lead team deadline touched first_touch") == [
        ("web 1", "sales", "Mon 12 10:00", "-", "censored"),
        ("web 1", "marketing", "-", "Mon 12 09:00", "-"),
        ("late 1", "sales", "Sun 18 18:00", "-", "censored"),
        ("late 1", "marketing", "-", "Mon 19 09:00", "-"),
    ]
    assert story.measure("cohort.lead_attainment.interest") == 0.5


def test_rule_62_the_clocks_of_one_assignment_run_independently() -> None:
    """First touch within 30 minutes, kept at 10:00; 3 attempts within 2 hours: 10:00, 11:30 and 13:00, broken at 12:00
    with a warning of its own."""
    story = tell(
        BASE,
        in_vain(3),
        """
promises:
  first_touch: within 30 min
  on_breach: {100%: return to lost}
  attempts: 3 within 2 hours
  on_attempts_breach: {100%: warn}
""",
    )
    assert story.assignments("first_touch attempts_within warned") == [("met", "missed", 1)]


def test_rules_52_and_61_attempts_already_made_in_the_visit_leave_nothing_to_promise() -> None:
    """Sales tries in vain at 10:00 and loses the lead at 11:00. Marketing, open from 16:00, promised one attempt within
    an hour; the visit has had it, so there is no clock, and nobody is warned at 12:00."""
    story = tell(
        BASE,
        """
stages:
  interest: {work: {attempts: 3, spacing: 3 days, handling: 30 min, contact: [0%]}, next: {customer: 100%}}
  customer: {}
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, late: {hours: 16:00-17:00, days: Mon-Fri}}
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: late}}
promises:
  teams:
    sales: {attempts: 5 within 1 hour, on_attempts_breach: {100%: reassign to marketing}}
    marketing: {attempts: 1 within 1 hour, on_attempts_breach: {100%: warn}}
""",
    )
    assert story.assignments("team attempts_deadline attempts_within warned") == [
        ("sales", "Mon 5 11:00", "missed", 0),
        ("marketing", "-", "-", 0),
    ]


def test_rule_62_the_terms_are_those_of_the_team_that_has_the_lead() -> None:
    """One lead for each team, in stages of their own: 1 hour for marketing, 3 hours for sales."""
    story = tell(
        BASE,
        """
sources:
  web: {batch: 1 on 2026-01-05 at 10:00}
  other: {batch: 1 on 2026-01-05 at 10:00, enters: evaluation}
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  evaluation: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {interest: sales, evaluation: marketing}
promises: {first_touch: within 3 hours, teams: {marketing: {first_touch: within 1 hour}}}
""",
    )
    assert story.assignments("team deadline") == [("sales", "Mon 5 13:00"), ("marketing", "Mon 5 11:00")]


# ---- marketing's promise [63] ----------------------------------------------------------------------------------------


def test_rule_63_marketings_promise_counts_whole_weeks_and_changes_nothing() -> None:
    """10 a week. The run is measured from Wednesday 7 January for four weeks: whole weeks are those of the 12th, 19th
    and 26th. They bring 12, 8 and 10; what comes on Friday the 9th or on Tuesday 3 February is in no whole week. Two
    weeks of three are delivered, on average 10 of 10."""
    texts = """
start: 2026-01-07
sources:
  torn: {batch: 50 on 2026-01-09}
  second: {batch: 12 on 2026-01-12}
  third: {batch: 8 on 2026-01-25 at 23:59}
  fourth: {batch: 10 on 2026-01-26 at 00:00}
  last: {batch: 50 on 2026-02-03}
definitions: {MQL: enters interest}
"""
    story = tell(BASE, texts, "promises: {marketing_delivers: 10 MQL a week}")
    assert story.measure("calendar.volume_met.MQL a week") == pytest.approx(2 / 3)
    assert story.measure("calendar.volume.MQL a week") == 10
    assert story.measure("calendar.volume_delivered.MQL a week") == 1
    assert story.visits("lead ended") == tell(BASE, texts).visits("lead ended")
