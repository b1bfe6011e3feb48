"""Rules 52 to 60: what a promise changes, its clocks, and what happens when it breaks."""

from __future__ import annotations

import pytest

from support.yaml_story import Story, tell

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
NEVER = """
teams:
  sales: {people: 1, calendar: office, habit: 1 hour never 100%}
  marketing: {people: 1, calendar: office}
"""


def in_vain(attempts: int) -> str:
    return IN_VAIN.replace("ATTEMPTS", str(attempts))


def handed_over(clock_start: str, *texts: str) -> Story:
    """Marketing works Monday 10:00-10:30; the batch of Tuesday 08:00 hands the lead to sales, which promised 4 business
    hours to the first touch and gets to it on Tuesday 09:00."""
    return tell(
        BASE,
        f"""
stages:
  discovery: {{work: {{handling: 30 min}}, next: {{interest: 100%}}}}
  interest: {{work: {{handling: 30 min}}, next: {{customer: 100%}}}}
  customer: {{}}
ownership: {{discovery: marketing, interest: sales}}
handoff: {{delay: daily at 08:00}}
promises:
  first_touch: within 4 business hours
  clock_start: {clock_start}
  stages: [interest]
  on_breach: {{80%: warn, 100%: escalate, 300%: return to lost}}
""",
        *texts,
    )


# ---- adherence [52] --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("adherence", "attempts"), [("100%", 4), ("0%", 2)])
def test_rule_52_adherence_adds_attempts_after_the_last_step(adherence: str, attempts: int) -> None:
    """The stage tries twice; 4 attempts are promised. Kept, two more follow with the same spacing of an hour, each
    attempt of 30 minutes: 10:00, 11:30, 13:00, 14:30. Not kept, the team gives up after two."""
    story = tell(BASE, in_vain(2), f"promises: {{attempts: 4 within 14 days, adherence: {adherence}}}")
    starts = ["Mon 5 10:00", "Mon 5 11:30", "Mon 5 13:00", "Mon 5 14:30"]
    assert story.attempts("started") == starts[:attempts]
    assert story.assignments("adhered attempts_within") == [(1, "met") if adherence == "100%" else (0, "missed")]


def test_rule_52_a_promise_of_fewer_attempts_takes_none_away() -> None:
    """The stage tries three times, one attempt is promised: three are made."""
    story = tell(BASE, in_vain(3), "promises: {attempts: 1 within 14 days}")
    assert len(story.attempts("started")) == 3


def test_rule_52_attempts_already_made_in_the_visit_count_towards_the_promise() -> None:
    """Sales tries at 10:00; at 10:45 its promise of 3 attempts breaks and marketing gets the lead. Marketing promised
    3 as well: two more, 10:45 and 12:15."""
    story = tell(
        BASE,
        in_vain(1).replace("attempts: 1", "attempts: 2"),
        """
promises:
  attempts: 3 within 45 min
  on_attempts_breach: {100%: reassign to marketing}
""",
    )
    assert story.attempts("team ordinal started") == [
        ("sales", 1, "Mon 5 10:00"),
        ("marketing", 2, "Mon 5 10:45"),
        ("marketing", 3, "Mon 5 12:15"),
    ]


def test_rule_52_adherence_is_not_attainment() -> None:
    """Always adhered to, and yet missed: 2 hours from Saturday 10:00 pass before anybody is there."""
    story = tell(BASE, SATURDAY, "promises: {first_touch: within 2 hours}")
    assert story.assignments("adhered joined first_touch") == [(1, "Sat 10 10:00", "missed")]
    assert story.measure("cohort.adhered.interest.sales") == 1
    assert story.measure("cohort.attainment.interest.sales") == 0


def test_rule_52_adherence_may_change_over_time_and_the_instant_of_assignment_decides() -> None:
    """Never kept until Sunday, always from Monday the 12th 00:00. The lead of 23:59 waits for habit, 2 days; the lead
    of midnight is in the queue at once."""
    story = tell(
        BASE,
        """
sources:
  before: {batch: 1 on 2026-01-11 at 23:59}
  after: {batch: 1 on 2026-01-12 at 00:00}
teams: {sales: {people: 1, calendar: office, habit: 2 days}}
promises: {first_touch: within 4 hours, adherence: {start: 0%, 2026-01-12: 100%}}
""",
    )
    assert story.assignments("lead adhered joined") == [("before 1", 0, "Tue 13 23:59"), ("after 1", 1, "Mon 12 00:00")]


# ---- clocks [53 to 55] -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock_start", "deadline", "state", "late", "warned", "escalated"),
    [
        ("created", "Mon 5 14:00", "missed", 1, 1, 1),
        ("qualified", "Mon 5 14:30", "missed", 1, 1, 1),
        ("assigned", "Tue 6 13:00", "met", 0, 0, 0),
    ],
)
def test_rules_53_and_54_clock_starts_and_leads_late_on_arrival(
    clock_start: str, deadline: str, state: str, late: int, warned: int, escalated: int
) -> None:
    """4 business hours from the arrival (Monday 10:00), from the entry of the visit (10:30) or from the assignment
    (Tuesday 08:00, so from 09:00). In the first two the deadline has passed when sales gets the lead: late on arrival,
    and the warning and the escalation, both overdue, act at 08:00. The return at 300 %, 12 business hours after the
    start, would be on Tuesday 14:00 or later, and the touch at 09:00 comes first."""
    story = handed_over(clock_start)
    assert story.assignments("assigned touched", stage="interest") == [("Tue 6 08:00", "Tue 6 09:00")]
    assert story.assignments("deadline first_touch late warned escalated", stage="interest") == [
        (deadline, state, late, warned, escalated)
    ]


def test_rule_54_an_overdue_return_acts_on_arrival() -> None:
    """A single business hour, counted from creation, was over on Monday 11:00; 300 % of it at 13:00. On Tuesday 08:00
    the lead arrives at sales and is lost in the same instant."""
    story = handed_over(
        "created",
        """
promises:
  first_touch: within 1 business hour
  clock_start: created
  stages: [interest]
  on_breach: {300%: return to lost}
""",
    )
    assert story.assignments("assigned ended how late first_touch", stage="interest") == [
        ("Tue 6 08:00", "Tue 6 08:00", "returned", 1, "missed")
    ]


def test_rules_32_and_54_counted_from_creation_a_second_visit_is_late_on_arrival() -> None:
    """4 hours from Monday 10:00. Not reached in the first visit, kept at 10:00; the second visit begins a day later, on
    Tuesday 10:30, long after Monday 14:00."""
    story = tell(
        BASE,
        """
stages:
  interest: {work: {handling: 30 min, contact: [0%]}, unreached: {interest: 100% after 1 day}, next: {customer: 100%}}
  customer: {}
cycles: 1
promises: {first_touch: within 4 hours, clock_start: created}
""",
    )
    assert story.assignments("number assigned deadline first_touch late") == [
        (1, "Mon 5 10:00", "Mon 5 14:00", "met", 0),
        (2, "Tue 6 10:30", "Mon 5 14:00", "missed", 1),
    ]


@pytest.mark.parametrize(
    ("length", "fraction", "at"),
    [
        ("4 business hours", "50%", "Mon 12 10:00"),
        ("4 hours", "50%", "Fri 9 18:00"),
        ("4 hours", "250%", "Sat 10 02:00"),
    ],
)
def test_rule_55_fractions_run_on_the_same_kind_of_clock(length: str, fraction: str, at: str) -> None:
    """From Friday 16:00. Half of 4 business hours is 2: one on Friday, one on Monday. Half of 4 elapsed hours is 18:00,
    250 % of them ten hours later than the start: Saturday 02:00."""
    story = tell(
        BASE,
        NEVER,
        "sources: {web: {batch: 1 on 2026-01-09 at 16:00}}",
        f"promises: {{first_touch: within {length}, adherence: 0%, on_breach: {{{fraction}: return to lost}}}}",
    )
    assert story.assignments("ended how") == [(at, "returned")]


# ---- warn and escalate [56, 57] --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("warning", "joined", "outcome"), [("warn", "-", "cold"), ("warn with compliance 100%", "Mon 5 12:00", "forward")]
)
def test_rule_56_a_warning_changes_nothing_unless_it_is_heeded(warning: str, joined: str, outcome: str) -> None:
    """Nobody turns to the lead by habit. Half of 4 hours is 12:00: a plain warning is counted and the lead goes cold
    after a day; one that is heeded puts it into the queue."""
    story = tell(
        BASE,
        NEVER,
        """
stages: {interest: {work: {handling: 30 min}, patience: 1 day, next: {customer: 100%}}, customer: {}}
""",
        f"promises: {{first_touch: within 4 hours, adherence: 0%, on_breach: {{50%: {warning}}}}}",
    )
    assert story.assignments("warned joined") == [(1, joined)]
    assert story.visits("outcome", stage="interest") == [outcome]


def test_rule_56_a_warning_to_a_team_that_has_turned_to_the_lead_does_not_queue_it_twice() -> None:
    """Saturday's lead is in the queue from the start; heeding two warnings adds nothing."""
    story = tell(
        BASE,
        SATURDAY,
        "promises: {first_touch: within 4 hours, "
        "on_breach: {50%: warn with compliance 100%, 80%: warn with compliance 100%}}",
    )
    assert story.assignments("warned joined") == [(2, "Sat 10 10:00")]
    assert len(story.attempts("started")) == 1


def test_rule_57_escalation_ends_habit() -> None:
    """Nobody turns to the lead by habit; at 150 % of 2 hours, 13:00, it escalates, joins the queue and is served at
    once, after the deadline of 12:00."""
    story = tell(BASE, NEVER, "promises: {first_touch: within 2 hours, adherence: 0%, on_breach: {150%: escalate}}")
    assert story.assignments("joined touched first_touch escalated") == [("Mon 5 13:00", "Mon 5 13:00", "missed", 1)]


def test_rules_15_and_57_a_lead_escalated_at_the_deadline_and_touched_in_that_instant_is_in_time() -> None:
    """The same at 100 %: escalated at 12:00, touched at 12:00, and that is within 2 hours."""
    story = tell(BASE, NEVER, "promises: {first_touch: within 2 hours, adherence: 0%, on_breach: {100%: escalate}}")
    assert story.assignments("touched first_touch escalated") == [("Mon 5 12:00", "met", 1)]


# ---- reassign and return [58, 59] ------------------------------------------------------------------------------------


def test_rule_58_reassignment_starts_a_new_assignment_with_its_own_clock_and_adherence_draw() -> None:
    """Saturday 10:00, sales has 2 hours; at 12:00 marketing gets the lead, with 3 hours of its own. Marketing never
    keeps a promise, sales always does."""
    story = tell(
        BASE,
        SATURDAY,
        """
promises:
  teams:
    sales: {first_touch: within 2 hours, on_breach: {100%: reassign}}
    marketing: {first_touch: within 3 hours, adherence: 0%}
""",
    )
    assert story.assignments("team ordinal assigned deadline adhered first_touch how") == [
        ("sales", 1, "Sat 10 10:00", "Sat 10 12:00", 1, "missed", "reassigned"),
        ("marketing", 2, "Sat 10 12:00", "Sat 10 15:00", 0, "missed", "reached"),
    ]


@pytest.mark.parametrize(
    ("limit", "teams"), [("", ["sales", "marketing"]), (" up to 3 times", ["sales", "marketing", "sales", "marketing"])]
)
def test_rule_58_at_most_once_a_visit_unless_a_limit_says_more(limit: str, teams: list[str]) -> None:
    """Both promised 2 hours from Saturday 10:00. Once: at 12:00 to marketing, and it stays there though its clock runs
    out at 14:00. Three times: at 12:00, 14:00 and 16:00."""
    story = tell(
        BASE,
        SATURDAY,
        f"""
promises:
  first_touch: within 2 hours
  teams:
    sales: {{on_breach: {{100%: reassign to marketing{limit}}}}}
    marketing: {{on_breach: {{100%: reassign to sales{limit}}}}}
""",
    )
    assert story.assignments("team") == teams
    assert story.assignments("assigned") == [f"Sat 10 {10 + 2 * i}:00" for i in range(len(teams))]


def test_rule_58_to_the_team_that_has_the_lead_it_does_nothing() -> None:
    """Every breach goes to marketing. Marketing's own, at 14:00, changes nothing, and the warning after it in the file
    is counted; at sales the lead was gone before the warning."""
    story = tell(
        BASE,
        SATURDAY,
        """
promises: {first_touch: within 2 hours, on_breach: {100%: [reassign to marketing up to 2 times, warn]}}
""",
    )
    assert story.assignments("team warned") == [("sales", 0), ("marketing", 1)]


def test_rule_58_attempts_made_still_count() -> None:
    """Sales tries in vain 10:00-10:30 and would again at 11:30; its promise of 2 attempts within an hour breaks at
    11:00. Marketing's first attempt is the visit's second, which reaches everybody."""
    story = tell(
        BASE,
        """
stages:
  interest:
    work: {attempts: 3, handling: 30 min, spacing: 1 hour, contact: [0%, 100%, 0%]}
    next: {customer: 100%}
  customer: {}
promises: {attempts: 2 within 1 hour, on_attempts_breach: {100%: reassign to marketing}}
""",
    )
    assert story.attempts("team ordinal started end") == [
        ("sales", 1, "Mon 5 10:00", "no answer"),
        ("marketing", 2, "Mon 5 11:00", "contact"),
    ]


def test_rule_58_a_reassigned_lead_is_no_longer_escalated() -> None:
    """Escalated at sales at 11:00 and reassigned at 12:00, on Saturday; marketing's own lead has waited since 11:30 and
    is served first."""
    story = tell(
        BASE,
        """
sources:
  web: {batch: 1 on 2026-01-10 at 10:00}
  own: {batch: 1 on 2026-01-10 at 11:30, enters: evaluation}
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  evaluation: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
ownership: {interest: sales, evaluation: marketing}
promises:
  stages: [interest]
  teams: {sales: {first_touch: within 2 hours, stages: [interest], on_breach: {50%: escalate, 100%: reassign}}}
""",
    )
    assert story.calls() == ["own 1: Mon 12 09:00 to 09:30", "web 1: Mon 12 09:30 to 10:00"]


def test_rule_59_return_ends_the_visit_by_the_exit_named_with_its_cool_off() -> None:
    """After 4 hours without a touch, Saturday 14:00, the lead goes back to discovery, with 2 days of cool-off. It is a
    step back; the second visit, from Monday 14:00, has a clock of its own and is called in time."""
    story = tell(
        BASE,
        SATURDAY,
        """
stages:
  discovery: {next: {interest: 100%}}
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
promises: {first_touch: within 4 hours, on_breach: {100%: return to discovery after 2 days}}
""",
    )
    assert story.visits("stage number cycle entered ended outcome to back") == [
        ("discovery", 1, 0, "Sat 10 10:00", "Sat 10 10:00", "forward", "interest", "-"),
        ("interest", 1, 0, "Sat 10 10:00", "Sat 10 14:00", "returned", "discovery", "Mon 12 14:00"),
        ("discovery", 2, 1, "Mon 12 14:00", "Mon 12 14:00", "forward", "interest", "-"),
        ("interest", 2, 1, "Mon 12 14:00", "Mon 12 14:30", "forward", "customer", "-"),
        ("customer", 1, 1, "Mon 12 14:30", "Mon 12 14:30", "end", "-", "-"),
    ]


def test_rules_34_and_59_a_return_to_silent_closes_as_silent() -> None:
    """Never heard of again after 4 hours without a touch: closed on Saturday 14:00 as silent."""
    story = tell(BASE, SATURDAY, "promises: {first_touch: within 4 hours, on_breach: {100%: return to silent}}")
    assert story.visits("outcome to ended") == [("silent", "-", "Sat 10 14:00")]
    assert story.assignments("how") == ["returned"]


def test_rules_32_and_59_a_return_past_the_limit_of_cycles_is_lost() -> None:
    """The same with no cycles allowed: lost at the cycle limit on Saturday 14:00."""
    story = tell(
        BASE,
        SATURDAY,
        """
cycles: 0
stages:
  discovery: {next: {interest: 100%}}
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
promises: {first_touch: within 4 hours, on_breach: {100%: return to discovery}}
""",
    )
    assert story.visits("outcome ended", stage="interest") == [("cycle limit", "Sat 10 14:00")]


# ---- an attempt in progress [60] -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "how", "ended"), [("[0%]", "returned", "Mon 5 10:30"), ("[100%]", "reached", "Mon 5 10:30")]
)
def test_rule_60_an_attempt_in_progress_is_never_interrupted(contact: str, how: str, ended: str) -> None:
    """2 attempts within 15 minutes, broken at 10:15 in the middle of the first, 10:00-10:30. In vain: the lead goes
    at 10:30. Reached: the action is dropped."""
    story = tell(
        BASE,
        f"""
stages:
  interest: {{work: {{attempts: 3, handling: 30 min, contact: {contact}}}, next: {{customer: 100%}}}}
  customer: {{}}
promises: {{attempts: 2 within 15 min, on_attempts_breach: {{100%: return to lost}}}}
""",
    )
    assert story.assignments("how ended attempts attempts_within") == [(how, ended, 1, "missed")]


@pytest.mark.parametrize("attempts", [1, 3])
def test_rule_60_all_that_fell_due_during_an_attempt_acts_at_its_end(attempts: int) -> None:
    """5 attempts within 10 minutes; the warning of 10:10 and the return of 10:15 wait for the end of the attempt
    10:00-10:30 and both act then, before the team gives up or tries again."""
    story = tell(
        BASE,
        f"""
stages:
  interest: {{work: {{attempts: {attempts}, handling: 30 min, contact: [0%]}}, next: {{customer: 100%}}}}
  customer: {{}}
promises: {{attempts: 5 within 10 min, adherence: 0%, on_attempts_breach: {{100%: warn, 150%: return to lost}}}}
""",
    )
    assert story.assignments("how ended warned attempts") == [("returned", "Mon 5 10:30", 1, 1)]
