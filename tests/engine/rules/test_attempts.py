"""Rules 37 to 43: the attempts of a visit, who can be reached, and how fast people turn to a lead."""

from __future__ import annotations

import pytest

from support.yaml_story import Story, tell

ONE_REP = """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
"""
TWO_TEAMS = """
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: office}}
"""


def one_stage(work: str, *keys: str) -> str:
    """Interest with some work, then a customer; further keys of the stage."""
    lines = "".join(f"    {key}\n" for key in ("next: {customer: 100%}", *keys))
    return f"stages:\n  interest:\n    work: {{{work}}}\n{lines}  customer: {{}}\n"


def worked(work: str, *keys: str, texts: tuple[str, ...] = ()) -> Story:
    """One lead on Monday 10:00, one rep."""
    return tell(ONE_REP, one_stage(work, *keys), *texts)


# ---- attempts [37 to 40] ---------------------------------------------------------------------------------------------


def test_rule_37_the_number_of_the_attempt_picks_the_chance() -> None:
    """Chances 0, 0 and 100 %: reached at the third attempt, at the end of 11:00-11:10."""
    story = worked("attempts: 5, handling: 10 min, spacing: 20 min, contact: [0%, 0%, 100%]")
    assert story.calls() == [
        "web 1: Mon 5 10:00 to 10:10",
        "web 1: Mon 5 10:30 to 10:40",
        "web 1: Mon 5 11:00 to 11:10",
    ]
    assert story.visits("reached", stage="interest") == ["Mon 5 11:10"]


@pytest.mark.parametrize(("contact", "reached_at"), [("[0%, 100%]", 2), ("[0%, 0%]", 0)])
def test_rule_37_the_last_chance_of_the_table_holds_on(contact: str, reached_at: int) -> None:
    """Two attempts of marketing, then up to three of sales. The steps share the count of attempts: at sales' first, the
    visit's third, a table of two chances is at its end, and its last chance holds."""
    story = tell(
        ONE_REP,
        TWO_TEAMS,
        f"""
stages:
  interest:
    work:
    - {{by: marketing, attempts: 2, handling: 10 min, contact: [0%]}}
    - {{by: sales, attempts: 3, handling: 10 min, contact: {contact}}}
    next: {{customer: 100%}}
  customer: {{}}
ownership: {{interest: {{marketing: 50%, sales: 50%}}}}
""",
    )
    assert story.visits("attempts", stage="interest") == [3 if reached_at else 5]


def test_rule_38_spacing_runs_from_the_end_of_an_attempt_so_a_late_one_moves_the_later_ones() -> None:
    """A day from the end: 10:00-10:10, then Tuesday 10:10. But on Tuesday from 09:30 the rep is busy for 2 hours with
    another lead: the second attempt is 11:30-11:40, and the third falls due on Wednesday 11:40."""
    story = worked(
        "attempts: 3, handling: 10 min, spacing: 1 day, contact: [0%]",
        texts=(
            """
sources:
  web: {batch: 1 on 2026-01-05 at 10:00}
  long: {batch: 1 on 2026-01-06 at 09:30, enters: evaluation}
stages:
  interest:
    work: {attempts: 3, handling: 10 min, spacing: 1 day, contact: [0%]}
    next: {customer: 100%}
  evaluation: {work: {handling: 2 hours}, next: {customer: 100%}}
  customer: {}
ownership: {interest: sales, evaluation: sales}
""",
        ),
    )
    assert story.attempts("joined started", lead="web 1") == [
        ("Mon 5 10:00", "Mon 5 10:00"),
        ("Tue 6 10:10", "Tue 6 11:30"),
        ("Wed 7 11:40", "Wed 7 11:40"),
    ]


@pytest.mark.parametrize(
    ("spacing", "joined", "started"),
    [
        ("1 day", "Sat 10 10:10", "Mon 12 09:00"),
        ("1 business day", "Mon 12 10:10", "Mon 12 10:10"),
        ("3 business hours", "Fri 9 13:10", "Fri 9 13:10"),
        ("8 hours", "Fri 9 18:10", "Mon 12 09:00"),
    ],
)
def test_rule_38_spacing_in_the_unit_written(spacing: str, joined: str, started: str) -> None:
    """From Friday 10:10. Elapsed time passes at the weekend and the attempt waits for Monday 09:00; business time stops
    on Friday 17:00."""
    story = worked(
        f"attempts: 2, handling: 10 min, spacing: {spacing}, contact: [0%]",
        texts=("sources: {web: {batch: 1 on 2026-01-09 at 10:00}}",),
    )
    assert story.attempts("joined started")[1] == (joined, started)


def test_rule_38_on_days_counts_from_the_start_of_the_first_attempt_and_repeats_its_last_gap() -> None:
    """Sunday's lead is first tried on Monday the 5th at 09:00. Days 1, 3 and 7 after that are Tuesday, Thursday and
    Monday the 12th, each at 09:00. Five attempts are promised, and the fifth repeats the gap of 4 days: Friday the
    16th."""
    story = tell(
        """
start: 2026-01-04
sources: {web: {batch: 1 on 2026-01-04 at 15:00}}
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
promises: {attempts: 5 within 14 days}
""",
        one_stage("attempts: 4, handling: 10 min, on_days: [0, 1, 3, 7], contact: [0%]"),
    )
    assert story.attempts("started") == ["Mon 5 09:00", "Tue 6 09:00", "Thu 8 09:00", "Mon 12 09:00", "Fri 16 09:00"]


def test_rule_38_on_days_never_before_the_end_of_the_attempt_before() -> None:
    """Two attempts on day 0, the first from 10:00 to 10:30: the second is due at 10:30."""
    story = worked("attempts: 2, handling: 30 min, on_days: [0, 0.01], contact: [0%]")
    assert story.attempts("joined") == ["Mon 5 10:00", "Mon 5 10:30"]


def test_rules_38_and_45_the_days_of_a_step_are_those_of_its_own_attempts() -> None:
    """Marketing tries on Monday 10:00-10:10. Sales' three attempts are on days 0, 1 and 3 counted from then: at once,
    on Tuesday and on Thursday 10:00."""
    story = tell(
        ONE_REP,
        """
stages:
  interest:
    work:
    - {by: marketing, attempts: 1, handling: 10 min, contact: [0%]}
    - {by: sales, attempts: 3, handling: 10 min, on_days: [0, 1, 3], contact: [0%]}
    next: {customer: 100%}
  customer: {}
ownership: {interest: {marketing: 50%, sales: 50%}}
""",
        TWO_TEAMS,
    )
    assert story.attempts("team joined") == [
        ("marketing", "Mon 5 10:00"),
        ("sales", "Mon 5 10:10"),
        ("sales", "Tue 6 10:00"),
        ("sales", "Thu 8 10:00"),
    ]


def test_rules_1_and_38_days_may_be_parts_of_a_day() -> None:
    """0.29 days after the first attempt of 10:00 are 6 hours 57 min 36 s: 16:57:36."""
    story = worked("attempts: 2, handling: 30 min, on_days: [0, 0.29], contact: [0%]")
    assert story.attempts("joined")[1] == "Mon 5 16:57:36"


def test_rule_39_the_first_touch_is_the_first_attempt_even_in_vain() -> None:
    """Tried at 10:00, reached at 11:40: the promise of 30 minutes is kept, and the response is that of 10:00."""
    story = worked(
        "attempts: 2, handling: 10 min, spacing: 80 min, contact: [0%, 100%]",
        texts=("promises: {first_touch: within 30 min}",),
    )
    assert story.visits("touched reached", stage="interest") == [("Mon 5 10:00", "Mon 5 11:40")]
    assert story.assignments("first_touch") == ["met"]
    assert story.measure("cohort.response_mean.interest") == 0


def test_rule_40_handling_and_conversation_are_one_piece_of_work() -> None:
    """10 minutes to try, 25 to talk. The attempt in vain takes 10; the one that reaches the buyer 35, and only at its
    end is the buyer reached and the rep free for the next lead."""
    story = worked(
        "attempts: 2, handling: 10 min, conversation: 25 min, contact: [0%, 100%]",
        texts=("sources: {web: {batch: 1 on 2026-01-05 at 10:00}, next: {batch: 1 on 2026-01-05 at 10:15}}",),
    )
    assert story.calls()[:3] == [
        "web 1: Mon 5 10:00 to 10:10",
        "web 1: Mon 5 10:10 to 10:45",
        "next 1: Mon 5 10:45 to 10:55",
    ]
    assert story.visits("reached", stage="interest")[0] == "Mon 5 10:45"


# ---- who can be reached, and how fast people work [41, 42] -----------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "reached"),
    [
        ("contact: [100%], contactable: true", False),
        ("contact: [100%], contactable: false", True),
        ("contact: [100%]", True),
        ("contact: always", True),
        ("contact: leads360-2012, attempts: 50", False),
    ],
)
def test_rule_41_only_tables_of_contactable_leads_never_reach_an_unreachable_one(work: str, reached: bool) -> None:
    """Nobody can be reached. A chance of 100 % that speaks of contactable leads is then none; other tables, which count
    all leads, do not look at it."""
    story = worked(f"handling: 10 min, {work}", texts=("reachable: 0%",))
    assert (story.visits("reached", stage="interest") != ["-"]) is reached


def test_rule_42_other_work_and_a_teams_own_pace_stretch_handling_and_conversation() -> None:
    """10 + 20 minutes; half the hours go to other things (x 2), the team takes a fifth longer (x 1.2): 72 minutes."""
    story = worked(
        "handling: 10 min, conversation: 20 min",
        texts=("teams: {sales: {people: 1, calendar: office, other_work: 50%, handling: 1.2}}",),
    )
    assert story.calls() == ["web 1: Mon 5 10:00 to 11:12"]


# ---- habit [43] ------------------------------------------------------------------------------------------------------

SLOW = "teams: {sales: {people: 1, calendar: office, habit: 8 hours}}"


def test_rule_43_by_habit_a_team_turns_to_a_lead_late_and_only_once() -> None:
    """8 hours of habit from 10:00, elapsed: the lead joins the queue at 18:00, after hours, and is tried on Tuesday
    09:00-09:10; the second attempt, an hour after, is not late again."""
    story = worked("attempts: 2, handling: 10 min, spacing: 1 hour, contact: [0%]", texts=(SLOW,))
    assert story.attempts("joined started") == [("Mon 5 18:00", "Tue 6 09:00"), ("Tue 6 10:10", "Tue 6 10:10")]


@pytest.mark.parametrize(("adherence", "joined"), [("100%", "Mon 5 10:00"), ("0%", "Mon 5 18:00")])
def test_rules_43_and_52_habit_holds_where_the_team_does_not_adhere(adherence: str, joined: str) -> None:
    """A kept promise puts the lead into the queue at assignment; one that is not leaves it to habit, 8 hours."""
    story = worked(
        "handling: 10 min", texts=(SLOW, f"promises: {{first_touch: within 1 hour, adherence: {adherence}}}")
    )
    assert story.attempts("joined") == [joined]


def test_rule_43_where_habit_is_never_nothing_happens_until_patience_ends() -> None:
    """The team never turns to the lead; after 3 days of patience it is cold, untouched."""
    story = worked(
        "handling: 10 min",
        "patience: 3 days",
        texts=("teams: {sales: {people: 1, calendar: office, habit: 1 hour never 100%}}",),
    )
    assert story.visits("outcome touched ended", stage="interest") == [("cold", "-", "Thu 8 10:00")]
    assert story.assignments("joined") == ["-"]


def test_rule_43_habit_holds_only_for_a_lead_that_is_new_to_the_team() -> None:
    """Sales talks to the lead in interest (habit of 8 hours: Tuesday 09:00-09:10) and turns to it at once in evaluation
    (09:10-09:20); marketing, who has never talked to it, is slow in decision: joined 8 hours later, at 17:20, and
    tried on Wednesday 09:00."""
    story = tell(
        ONE_REP,
        """
stages:
  interest: {work: {handling: 10 min}, next: {evaluation: 100%}}
  evaluation: {work: {handling: 10 min}, next: {decision: 100%}}
  decision: {work: {handling: 10 min}, next: {customer: 100%}}
  customer: {}
teams:
  sales: {people: 1, calendar: office, habit: 8 hours}
  marketing: {people: 1, calendar: office, habit: 8 hours}
ownership: {interest: sales, evaluation: sales, decision: marketing}
""",
    )
    assert story.attempts("team joined started") == [
        ("sales", "Mon 5 18:00", "Tue 6 09:00"),
        ("sales", "Tue 6 09:10", "Tue 6 09:10"),
        ("marketing", "Tue 6 17:20", "Wed 7 09:00"),
    ]


def test_rule_43_a_lead_that_was_tried_but_not_reached_is_still_new() -> None:
    """Tried in vain on Tuesday 09:00-09:10 and sent back into the same stage at once: 8 hours of habit again."""
    story = worked("handling: 10 min, contact: [0%]", "unreached: {interest: 100%}", texts=(SLOW, "cycles: 1"))
    assert story.attempts("number joined") == [(1, "Mon 5 18:00"), (2, "Tue 6 17:10")]
