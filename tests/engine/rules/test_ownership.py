"""Rules 44 to 47: who owns a lead, and touches inside a stage."""

from __future__ import annotations

from collections import Counter

import pytest

from support.yaml_story import tell

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
RELAY = """
stages:
  interest:
    work:
    - {by: marketing, attempts: 1, handling: 10 min, contact: [0%]}
    - {by: sales, attempts: 2, handling: 20 min, spacing: 1 hour, contact: [0%]}
    next: {customer: 100%}
  customer: {}
"""


def owners(share: str, leads: int = 200) -> dict[str, str]:
    """Who owns which lead when marketing owns that share."""
    story = tell(
        TEAMS,
        f"""
sources: {{web: {{batch: {leads} on 2026-01-05 at 10:00}}}}
stages: {{interest: {{next: {{evaluation: 100%}}}}, evaluation: {{next: {{customer: 100%}}}}, customer: {{}}}}
ownership: {{interest: {{sales: rest, marketing: {share}}}, evaluation: {{marketing: {share}, sales: rest}}}}
""",
    )
    by_stage = [dict(story.visits("lead owner", stage=stage)) for stage in ("interest", "evaluation")]
    assert by_stage[0] == by_stage[1]
    return by_stage[0]


# ---- ownership [44 to 47] --------------------------------------------------------------------------------------------


def test_rule_44_one_owner_luck_for_life_divides_the_leads() -> None:
    """With equal shares in both stages every lead keeps its owner (`owners` checks that). 40 % of 200 leads are about
    80: within three standard deviations, 80 +- 21."""
    assert Counter(owners("40%").values())["marketing"] == pytest.approx(80, abs=21)


def test_rule_44_changing_a_share_moves_only_the_leads_between() -> None:
    """Marketing's part grows from 30 % to 50 %: whom it had it keeps, and sales gets nobody."""
    before, after = (
        {lead for lead, owner in owners(share).items() if owner == "marketing"} for share in ("30%", "50%")
    )
    assert before < after


def test_rule_44_shares_that_fall_from_stage_to_stage_change_the_owner_at_most_once() -> None:
    """Marketing owns all of discovery, half of interest, a fifth of evaluation and nobody of decision: whoever left
    marketing does not come back to it."""
    story = tell(
        TEAMS,
        """
sources: {web: {batch: 100 on 2026-01-05 at 10:00}}
stages:
  discovery: {next: {interest: 100%}}
  interest: {next: {evaluation: 100%}}
  evaluation: {next: {decision: 100%}}
  decision: {next: {customer: 100%}}
  customer: {}
ownership:
  discovery: marketing
  interest: {marketing: 50%, sales: 50%}
  evaluation: {marketing: 20%, sales: 80%}
  decision: sales
""",
    )
    paths: dict[str, str] = {}
    for lead, owner in story.visits("lead owner"):
        paths[lead] = paths.get(lead, "") + owner[0]
    assert {path[:4] for path in paths.values()} == {"msss", "mmss", "mmms"}


def test_rule_44_a_stage_that_nobody_owns_leaves_the_lead_with_the_team_that_had_it() -> None:
    """Customers are owned by nobody; they stay with sales."""
    story = tell(ONE_LEAD, TEAMS, SURE)
    assert story.visits("stage owner") == [("interest", "marketing"), ("evaluation", "sales"), ("customer", "sales")]


def test_rule_45_touches_inside_a_stage_go_to_the_teams_named() -> None:
    """Marketing tries first, 10:00-10:10. Sales' first attempt falls due an hour after its end, 11:10; only then does
    sales have the lead. Its second is due at 12:30. Both own a part of the stage: no handoff, no batch, no loss."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        RELAY,
        """
ownership: {interest: {marketing: 50%, sales: 50%}}
handoff: {delay: daily at 08:00, context_kept: 40%}
""",
    )
    assert story.assignments("team assigned attempts ended how") == [
        ("marketing", "Mon 5 10:00", 1, "Mon 5 11:10", "passed on"),
        ("sales", "Mon 5 11:10", 2, "Mon 5 12:50", "gave up"),
    ]
    assert story.calls() == [
        "web 1: Mon 5 10:00 to 10:10",
        "web 1: Mon 5 11:10 to 11:30",
        "web 1: Mon 5 12:30 to 12:50",
    ]
    assert story.visits("context owner", stage="interest") == [(1.0, "sales")]


def test_rule_45_passing_on_to_a_team_that_owns_nothing_of_the_stage_is_a_handoff() -> None:
    """As above, but marketing owns the whole stage: at 11:10 the lead is handed over, by the batch of Tuesday 08:00,
    and keeps 40 % of its context. Sales tries on Tuesday 09:00."""
    story = tell(
        ONE_LEAD,
        TEAMS,
        RELAY,
        """
ownership: {interest: marketing}
handoff: {delay: daily at 08:00, context_kept: 40%}
""",
    )
    assert story.assignments("team assigned ended") == [
        ("marketing", "Mon 5 10:00", "Mon 5 11:10"),
        ("sales", "Tue 6 08:00", "Tue 6 10:40"),
    ]
    assert story.attempts("started")[1] == "Tue 6 09:00"
    assert story.visits("context", stage="interest") == [0.4]


def test_rule_45_the_team_of_the_first_step_has_the_lead_whoever_owns_it() -> None:
    """Sales owns all of the stage, marketing is named first: it has the lead from entry."""
    story = tell(ONE_LEAD, TEAMS, RELAY, "ownership: {interest: sales}")
    assert story.assignments("team assigned")[0] == ("marketing", "Mon 5 10:00")


def test_rule_47_ownership_without_work_costs_no_time() -> None:
    """Nobody works in interest; its owner, marketing, is closed at the weekend, and the lead passes through on Saturday
    in an instant."""
    story = tell(
        TEAMS,
        """
sources: {web: {batch: 1 on 2026-01-10 at 10:00}}
stages: {interest: {next: {customer: 100%}}, customer: {}}
ownership: {interest: marketing}
""",
    )
    assert story.visits("stage owner entered ended")[0] == ("interest", "marketing", "Sat 10 10:00", "Sat 10 10:00")
