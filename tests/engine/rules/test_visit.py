"""Rules 25 to 31: a visit from entry to outcome, patience, and what happens to whom nobody reaches."""

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


# ---- entry, pace and outcome [25 to 27] ------------------------------------------------------------------------------


def test_rule_25_a_stage_is_entered_when_the_outcome_before_shows() -> None:
    """Work on Monday 10:00-10:30, pace 2 days: the outcome of interest shows on Wednesday 10:00, and evaluation is
    entered then. Its own pace of a day shows on Thursday 10:00."""
    story = tell(
        ONE_REP,
        """
stages:
  interest: {work: {handling: 30 min}, pace: 2 days, next: {evaluation: 100%}}
  evaluation: {pace: 1 day, next: {customer: 100%}}
  customer: {}
""",
    )
    assert story.visits("stage entered ended") == [
        ("interest", "Mon 5 10:00", "Wed 7 10:00"),
        ("evaluation", "Wed 7 10:00", "Thu 8 10:00"),
        ("customer", "Thu 8 10:00", "Thu 8 10:00"),
    ]


@pytest.mark.parametrize(
    ("pace", "ended"), [("at once", "Mon 5 10:30"), ("30 min", "Mon 5 10:30"), ("31 min", "Mon 5 10:31")]
)
def test_rule_27_the_outcome_shows_at_the_later_of_pace_from_entry_and_end_of_work(pace: str, ended: str) -> None:
    """Work is over at 10:30; pace runs from the entry at 10:00, so 30 minutes of it add nothing and 31 one minute."""
    story = worked("handling: 30 min", f"pace: {pace}")
    assert story.visits("ended", stage="interest") == [ended]


def test_rule_27_waiting_for_the_first_touch_does_not_start_the_pace_anew() -> None:
    """Entered on Saturday 10:00, worked on Monday 09:00-09:30, pace 4 days: the outcome shows on Wednesday 10:00, not
    on Friday."""
    story = worked("handling: 30 min", "pace: 4 days", texts=("sources: {web: {batch: 1 on 2026-01-10 at 10:00}}",))
    assert story.visits("touched ended", stage="interest") == [("Mon 12 09:00", "Wed 14 10:00")]


def test_rule_27_each_exit_has_its_own_pace() -> None:
    """All are lost, and losing takes 3 days while winning takes 1: Thursday 10:00."""
    story = tell(
        ONE_REP,
        """
stages:
  interest:
    work: {handling: 30 min}
    pace: {customer: 1 day, lost: 3 days}
    next: {customer: 0%, lost: rest}
    unreached: {customer: 100%}
  customer: {}
""",
    )
    assert story.visits("outcome ended") == [("lost", "Thu 8 10:00")]


# ---- patience [28 to 31] ---------------------------------------------------------------------------------------------


def test_rule_28_patience_ends_when_the_buyer_is_first_reached() -> None:
    """Patience of an hour, reached at 10:30, pace of 5 days: nothing goes cold at 11:00, and the lead goes on on
    Saturday 10:00."""
    story = worked("handling: 30 min", "patience: 1 hour", "pace: 5 days")
    assert story.visits("outcome ended", stage="interest") == [("forward", "Sat 10 10:00")]


def test_rule_28_patience_goes_on_after_an_attempt_in_vain() -> None:
    """Tried at 10:00-10:30 in vain, due again on Tuesday 10:30, patience of 20 hours from entry: cold on Tuesday 06:00,
    in the night."""
    story = worked("attempts: 2, handling: 30 min, spacing: 1 day, contact: [0%, 100%]", "patience: 20 hours")
    assert story.visits("outcome ended attempts", stage="interest") == [("cold", "Tue 6 06:00", 1)]


def test_rule_28_waiting_for_the_batch_uses_up_patience() -> None:
    """Handed to sales daily at 08:00; entered on Monday 10:00 with 12 hours of patience: cold at 22:00, before anybody
    at sales had the lead."""
    story = tell(
        ONE_REP,
        TWO_TEAMS,
        """
stages:
  discovery: {work: {handling: 0 min}, next: {interest: 100%}}
  interest: {work: {handling: 30 min}, patience: 12 hours, next: {customer: 100%}}
  customer: {}
ownership: {discovery: marketing, interest: sales}
handoff: {delay: daily at 08:00}
""",
    )
    assert story.visits("outcome ended", stage="interest") == [("cold", "Mon 5 22:00")]
    assert story.assignments("team", stage="interest") == []


@pytest.mark.parametrize(
    ("contact", "outcome", "ended"), [("[100%]", "forward", "Mon 5 10:30"), ("[0%]", "cold", "Mon 5 10:30")]
)
def test_rule_29_patience_that_ends_during_an_attempt_waits_for_its_end(contact: str, outcome: str, ended: str) -> None:
    """Patience is over at 10:20, in the middle of the attempt 10:00-10:30. Reached: the lead goes on. Not reached: cold
    at 10:30, though a second attempt was planned."""
    story = worked(f"attempts: 2, handling: 30 min, contact: {contact}", "patience: 20 min")
    assert story.visits("outcome ended attempts", stage="interest") == [(outcome, ended, 1)]


def test_rule_29_patience_goes_before_an_action_that_waited_for_the_same_attempt() -> None:
    """During the attempt 10:00-10:30 the promise breaks (10:15) and patience ends (10:20). At 10:30 the buyer is gone:
    the lead is cold, and marketing, to whom it would have gone, never has it."""
    story = worked(
        "attempts: 5, handling: 30 min, contact: [0%]",
        "patience: 20 min",
        texts=(
            TWO_TEAMS,
            """
promises: {teams: {sales: {attempts: 2 within 15 min, on_attempts_breach: {100%: reassign to marketing}}}}
""",
        ),
    )
    assert story.assignments("team ended how") == [("sales", "Mon 5 10:30", "went cold")]
    assert story.visits("outcome ended") == [("cold", "Mon 5 10:30")]


def test_rule_30_a_cold_lead_leaves_the_queue_and_its_clocks_stop() -> None:
    """A lead of Saturday 10:00 with 4 hours of patience and a first touch promised within 6: it leaves at 14:00 by
    `cold`, its clock is neither met nor missed, and nobody is warned at 16:00."""
    story = tell(
        ONE_REP,
        """
sources: {web: {batch: 1 on 2026-01-10 at 10:00}}
stages:
  discovery: {next: {interest: 100%}}
  interest:
    work: {handling: 30 min}
    patience: 4 hours
    next: {customer: 100%}
    unreached: {lost: rest}
    cold: {silent: 0%, customer: 100%}
  customer: {}
promises: {first_touch: within 6 hours, on_breach: {100%: warn}}
""",
    )
    assert story.visits("outcome to ended", stage="interest") == [("cold", "customer", "Sat 10 14:00")]
    assert story.assignments("how first_touch warned ended") == [("went cold", "censored", 0, "Sat 10 14:00")]
    assert story.attempts("end started ended") == [("withdrawn", "-", "Sat 10 14:00")]


@pytest.mark.parametrize(("unreached", "to"), [("", "-"), ("unreached: {customer: 100%}", "customer")])
def test_rule_30_without_cold_a_cold_lead_takes_the_exit_of_the_unreached(unreached: str, to: str) -> None:
    """Patience ends on Saturday 14:00; `cold` is not written, so `unreached` holds, and without it the lead is lost."""
    story = worked(
        "handling: 30 min",
        "patience: 4 hours",
        *([unreached] if unreached else []),
        texts=("sources: {web: {batch: 1 on 2026-01-10 at 10:00}}",),
    )
    assert story.visits("outcome to", stage="interest") == [("cold", to)]


@pytest.mark.parametrize(("unreached", "to"), [("", "-"), ("unreached: {customer: 100%}", "customer")])
def test_rule_31_after_the_last_attempt_in_vain_the_visit_leaves_at_once(unreached: str, to: str) -> None:
    """Two attempts, 10:00-10:30 and an hour later 11:30-12:00, both in vain. The visit ends at 12:00, whatever the pace
    of 5 days; `next` would have made a customer of everybody."""
    story = worked(
        "attempts: 2, handling: 30 min, spacing: 1 hour, contact: [0%]",
        "pace: 5 days",
        *([unreached] if unreached else []),
    )
    assert story.visits("outcome to ended", stage="interest") == [("unreached", to, "Mon 5 12:00")]
    assert story.assignments("how") == ["gave up"]
