"""Rules 18 to 22 and 32 to 35: who a lead is, what luck it has, recycling, exits and definitions."""

from __future__ import annotations

from collections import Counter

import pytest

from support.yaml_story import Story, tell

HUNDRED = "sources: {web: {batch: 100 on 2026-01-05 at 10:00}}"
COIN = """
stages:
  interest: {next: {customer: 50%, lost: rest}}
  customer: {}
definitions: {won: enters customer}
"""
WORK = """
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
stages:
  interest: {work: {handling: 30 min}, next: {customer: 100%}}
  customer: {}
"""


def winners(story: Story) -> list[str]:
    return story.visits("lead", stage="customer")


# ---- identity and luck [18, 20, 21] ----------------------------------------------------------------------------------


def test_rule_18_a_lead_keeps_its_luck_when_the_batch_moves_and_grows() -> None:
    """The same hundred leads a week later, with 50 more behind them: the same of them win."""
    before = tell(HUNDRED, COIN)
    after = tell("sources: {web: {batch: 150 on 2026-01-12 at 15:00}}", COIN)
    assert 30 <= len(winners(before)) <= 70
    assert [lead for lead in winners(after) if int(lead.split()[1]) <= 100] == winners(before)


def test_rule_18_a_higher_rate_only_adds_leads() -> None:
    """40 a week instead of 30: whoever came before comes at the same instant and wins or loses as before."""
    few = tell("sources: {web: {rate: 30/week}}", COIN)
    many = tell("sources: {web: {rate: 40/week}}", COIN)
    before, after = set(few.visits("lead arrived to")), set(many.visits("lead arrived to"))
    assert before < after


def test_rule_18_luck_follows_the_name_of_the_source_not_its_place() -> None:
    """Another source before it in the file changes nothing for `web`."""
    alone = tell(HUNDRED, COIN)
    second = tell("sources: {fair: {batch: 5 on 2026-01-05}, web: {batch: 100 on 2026-01-05 at 10:00}}", COIN)
    assert [lead for lead in winners(second) if lead.startswith("web")] == winners(alone)


def test_rule_20_luck_does_not_depend_on_the_team() -> None:
    """50 % to reach the buyer, tried by sales or by marketing with as many people: the same buyers are reached."""
    texts = """
stages:
  interest: {work: {handling: 1 min, contact: [50%]}, next: {customer: 50%, lost: rest}}
  customer: {}
teams: {sales: {people: 5}, marketing: {people: 5}}
"""
    by_team = [tell(HUNDRED, texts, f"ownership: {{interest: {team}}}") for team in ("sales", "marketing")]
    sales, marketing = (story.visits("lead reached outcome") for story in by_team)
    assert sales == marketing
    assert 20 <= len(winners(by_team[0])) <= 35


def test_rule_21_value_and_fit_are_of_birth_and_in_whole_cents() -> None:
    """A lead has the same value and fit in all its visits, whatever happens between; the value is whole cents."""
    story = tell(
        HUNDRED,
        """
stages:
  interest: {next: {evaluation: 50%, interest: rest after 1 day}}
  evaluation: {next: {customer: 100%}}
  customer: {}
deal_value: lognormal(median 1000 p90 4000)
fit_spread: 1
cycles: 3
""",
    )
    traits = set(story.visits("lead value fit"))
    assert len(traits) == 100
    assert all(value == round(value) for _, value, _ in traits)


# ---- visits and recycling [22, 32, 33] -------------------------------------------------------------------------------


def test_rule_22_a_recycled_lead_has_new_luck() -> None:
    """Half of a hundred leads come back once. If they had the luck of their first visit they would all come back
    again; with new luck about half of them do."""
    story = tell(HUNDRED, "stages: {interest: {next: {customer: 50%, interest: rest after 1 day}}, customer: {}}")
    first = Counter(story.visits("outcome", stage="interest", number=1))
    second = Counter(story.visits("outcome", stage="interest", number=2))
    assert first["back"] == sum(second.values())
    assert 0.25 < second["back"] / sum(second.values()) < 0.75


def test_rule_32_recycling_starts_the_visit_anew() -> None:
    """Attempts of 30 minutes, two to a visit, a day apart, patience of 2 days. Visit 1: Monday 10:00 and Tuesday 10:30,
    in vain, so back at 11:00 with 24 hours of cool-off. Visit 2 begins on Wednesday 11:00 with attempt 1, a clock of
    its own (due 12:00) and patience until Friday 11:00, although 2 days have passed since Monday."""
    story = tell(
        WORK,
        """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
stages:
  interest:
    work: {attempts: 2, handling: 30 min, spacing: 1 day, contact: [0%]}
    patience: 2 days
    next: {customer: 100%}
    unreached: {interest: 100% after 24 hours}
  customer: {}
cycles: 1
promises: {first_touch: within 1 hour}
""",
    )
    assert story.visits("number cycle entered deadline attempts ended outcome back") == [
        (1, 0, "Mon 5 10:00", "Mon 5 11:00", 2, "Tue 6 11:00", "unreached", "Wed 7 11:00"),
        (2, 1, "Wed 7 11:00", "Wed 7 12:00", 2, "Thu 8 12:00", "cycle limit", "-"),
    ]
    assert story.attempts("number ordinal started") == [
        (1, 1, "Mon 5 10:00"),
        (1, 2, "Tue 6 10:30"),
        (2, 1, "Wed 7 11:00"),
        (2, 2, "Thu 8 11:30"),
    ]


@pytest.mark.parametrize(("cycles", "visits"), [(0, 1), (1, 2), (3, 4)])
def test_rule_32_cycles_count_the_steps_back(cycles: int, visits: int) -> None:
    """Everybody goes back: with n cycles there are n + 1 visits, and then the lead is lost at the cycle limit."""
    story = tell(
        "sources: {web: {batch: 1 on 2026-01-05 at 10:00}}",
        """
stages:
  interest: {next: {evaluation: 100%}}
  evaluation: {next: {customer: 0.0001%, interest: rest after 1 day}}
  customer: {}
""",
        f"cycles: {cycles}",
    )
    assert len(story.visits("number", stage="interest")) == visits
    assert story.visits("outcome", stage="evaluation")[-1] == "cycle limit"


def test_rule_32_nothing_is_paid_for_the_lead_again() -> None:
    """100 leads at 50 each cost 5000, however often they come back."""
    story = tell(
        "sources: {web: {batch: 100 on 2026-01-05 at 10:00, cost: 50}}",
        "stages: {interest: {next: {customer: 50%, interest: rest after 1 day}}, customer: {}}",
    )
    assert len(story.visits("lead", stage="interest")) > 150
    assert story.measure("cohort.cost") == 5000


def test_rule_33_a_cooling_lead_is_in_no_stage() -> None:
    """Lost interest on Monday 10:00 and cool for 60 days, beyond the end of the run: the visit has ended, the lead is
    not unresolved, and no second visit exists."""
    story = tell(
        "sources: {web: {batch: 1 on 2026-01-05 at 10:00}}",
        """
stages:
  interest: {next: {evaluation: 100%}}
  evaluation: {next: {customer: 0.0001%, interest: rest after 60 days}}
  customer: {}
""",
    )
    assert story.visits("outcome ended back", stage="evaluation") == [("back", "Mon 5 10:00", "Fri 6 Mar 10:00")]
    assert story.measure("cohort.unresolved.evaluation") == 0
    assert len(story.visits("lead", stage="interest")) == 1


def test_rule_33_a_cool_off_may_last_for_ever() -> None:
    """Back to interest after a day, or never: never, for everybody. The visit has ended and nothing follows."""
    story = tell(
        "sources: {web: {batch: 1 on 2026-01-05 at 10:00}}",
        """
stages:
  interest: {next: {customer: 0.0001%, interest: rest after 1 day never 100%}}
  customer: {}
""",
    )
    assert story.visits("outcome ended") == [("back", "Mon 5 10:00")]


# ---- exits and definitions [34, 35] ----------------------------------------------------------------------------------


def test_rule_34_forward_exits_come_first_so_more_of_them_only_adds_winners() -> None:
    """Exits share one uniform with forward ones first: whoever goes on at 30 % goes on at 50 % too, wherever the other
    exits stand in the file."""
    at = [
        tell(HUNDRED, f"stages: {{interest: {{next: {{lost: rest, customer: {share}}}}}, customer: {{}}}}")
        for share in ("30%", "50%")
    ]
    fewer, more = (set(winners(story)) for story in at)
    assert fewer < more


def test_rule_34_silent_closes_the_visit_when_the_outcome_is_drawn() -> None:
    """Pace is 5 days, but of a silent lead nothing more is seen: the visit closes on Monday 10:30, when the outcome is
    drawn, and it is neither lost nor open."""
    story = tell(
        WORK,
        """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
stages:
  interest: {work: {handling: 30 min}, pace: 5 days, next: {customer: 0.0001%, silent: rest}}
  customer: {}
""",
    )
    assert story.visits("outcome ended") == [("silent", "Mon 5 10:30")]
    assert story.measure("cohort.unresolved.interest") == 0


def test_rule_34_an_exit_whose_pace_is_never_closes_as_silent() -> None:
    """Everybody would go on, but after a time that never comes: closed on Monday 10:30, when the outcome is drawn."""
    story = tell(
        WORK,
        """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
stages:
  interest: {work: {handling: 30 min}, pace: 1 day never 100%, next: {customer: 100%}}
  customer: {}
""",
    )
    assert story.visits("outcome to ended") == [("silent", "-", "Mon 5 10:30")]


def test_rule_34_a_stage_without_next_is_an_end() -> None:
    """Whoever becomes a customer stays: the visit ends on entry as an end."""
    story = tell("sources: {web: {batch: 1 on 2026-01-05 at 10:00}}", COIN.replace("50%, lost: rest", "100%"))
    assert story.visits("stage outcome ended") == [
        ("interest", "forward", "Mon 5 10:00"),
        ("customer", "end", "Mon 5 10:00"),
    ]


def test_rule_35_a_definition_counts_once_a_lead_and_won_is_not_the_end() -> None:
    """Ten leads become customers on Monday 10:00 and buy again every week: 10 wins of 1000, not 40."""
    story = tell(
        "sources: {web: {batch: 10 on 2026-01-05 at 10:00}}",
        """
stages:
  interest: {next: {customer: 100%}}
  customer: {pace: 1 week, next: {loyalty: 0.0001%, customer: rest}}
  loyalty: {}
definitions: {MQL: enters interest, won: enters customer}
deal_value: 1000
""",
    )
    assert len(story.visits("lead", stage="customer")) == 40
    assert story.measure("cohort.won") == 10
    assert story.measure("cohort.revenue") == 10_000
