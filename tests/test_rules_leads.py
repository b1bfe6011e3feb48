"""Rules 18 to 24 and 32 to 35: who a lead is, what luck it has, leads in flight, recycling and exits."""

from __future__ import annotations

from collections import Counter

import pytest

from stories import Story, tell

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


# ---- leads in flight [23, 24] ----------------------------------------------------------------------------------------

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
        ("qualified", "2 days", "Tue 6 00:00", "kept", 1, 0),
        ("assigned", "4 days", "Thu 8 00:00", "kept", 0, 0),
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
    ("age", "state"), [("2 hours", "kept"), ("4 hours", "kept"), ("5 hours", "inherited"), ("4 days", "inherited")]
)
def test_rule_24_a_business_clock_older_than_its_length_is_inherited(age: str, state: str) -> None:
    """4 business hours. The opening hours before Monday 00:00 are not known; a clock that is older than 4 hours counts
    as late, a younger one, or one as old, runs from the start and is due on Monday 13:00: kept at 09:00."""
    story = tell(NOBODY_NEW, WORK, clocks("qualified", "4 business hours"), flying(f"id: 7, age: {age}"))
    assert story.assignments("deadline first_touch warned escalated", lead="flying 7") == [
        ("Mon 5 13:00", state, 0, 0)
    ]


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
