"""Rules 72 to 76: what a run costs and earns, in which window, whose win it was, and how busy people were."""

from __future__ import annotations

import pytest

from support.yaml_story import tell

FUNNEL = """
stages:
  interest: {work: {handling: 1 hour}, pace: PACE, next: {customer: 100%}}
  customer: {}
definitions: {won: enters customer}
deal_value: 1000
teams: {sales: {people: 2, calendar: office, cost: 60/hour}}
ownership: {interest: sales}
"""
AT_ONCE = FUNNEL.replace("PACE", "at once")
ONE_WEEK = FUNNEL.replace("PACE", "1 week")


# ---- costs [72] ------------------------------------------------------------------------------------------------------


def test_rule_72_people_are_paid_by_the_hour_on_shift_busy_or_not_and_overtime_too() -> None:
    """Two people, 40 hours a week, four weeks: 320 hours at 60. The lead of Friday 16:30 takes an hour, half of it in
    overtime: 30 more. Nothing else costs anything; the win brings 1000."""
    story = tell(AT_ONCE, "sources: {web: {batch: 1 on 2026-01-09 at 16:30}}")
    assert story.measure("calendar.paid_hours.sales") == 320
    assert story.measure("calendar.overtime.sales") == 0.5
    assert story.measure("cohort.wages.sales") == 320 * 60 + 30
    assert story.measure("cohort.profit") == 1000 - 320 * 60 - 30


def test_rule_72_a_change_of_people_and_holidays_change_the_wages() -> None:
    """One week: 2 people on Monday, none on Tuesday's holiday, 3 from Wednesday noon. Hours: 16 + 0 + 2 * 3 + 3 * 5 +
    24 + 24 = 85."""
    story = tell(
        AT_ONCE,
        """
observe: 1 week
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri, holidays: [2026-01-06]}}
teams: {sales: {people: {start: 2, '2026-01-07 12:00': 3}, calendar: office, cost: 10/hour}}
""",
    )
    assert story.measure("calendar.wages.sales") == 850


def test_rule_72_acquisition_is_due_at_arrival_and_only_for_the_window() -> None:
    """A week of warm-up, then two measured: 10 leads in the warm-up at 50, 4 in the window at 30, 7 after it at 20."""
    story = tell(
        AT_ONCE,
        """
warm_up: 1 week
observe: 2 weeks
cool_down: 1 week
sources:
  before: {batch: 10 on 2026-01-11, cost: 50}
  within: {batch: 4 on 2026-01-12, cost: 30}
  after: {batch: 7 on 2026-01-26, cost: 20}
""",
    )
    assert story.measure("cohort.cost_of.acquisition") == 120
    assert story.measure("calendar.cost_of.acquisition") == 120
    assert story.measure("cohort.leads") == 4


def test_rule_72_flights_and_tools_accrue_evenly_over_their_dates() -> None:
    """Measured from 5 January to 1 February. A flight of 1400 on 14 days, 26 January to 8 February, lies in it by half:
    700. A tool of 280 for the whole run of eight weeks: 140. A fair of 500 on one day, the 10th, is in it whole."""
    story = tell(
        AT_ONCE,
        """
cool_down: 4 weeks
sources: {web: {batch: 1 on 2026-01-05}}
costs:
- {name: ads, amount: 1400, from: 2026-01-26, to: 2026-02-08}
- {name: CRM, amount: 280}
- {name: fair, amount: 500, from: 2026-01-10, to: 2026-01-10}
""",
    )
    assert story.measure("cohort.cost_of.flights and tools") == pytest.approx(700 + 140 + 500)


# ---- windows [73, 74] ------------------------------------------------------------------------------------------------

WINDOWS = """
warm_up: 1 week
observe: 2 weeks
cool_down: 2 weeks
sources:
  early: {batch: 1 on 2026-01-09 at 10:00}
  middle: {batch: 2 on 2026-01-12 at 10:00}
  late: {batch: 4 on 2026-01-22 at 10:00}
  after: {batch: 8 on 2026-01-27 at 10:00}
"""


def test_rule_73_two_windows_the_cohort_and_the_calendar() -> None:
    """Winning takes a week. Measured are 12 to 25 January. `early` arrives before and wins on the 16th: calendar only.
    `middle` (2) arrives and wins on the 19th: both. `late` (4) arrives on the 22nd and wins on the 29th: cohort only.
    `after` (8) is in neither. Wages and acquisition are the same in both."""
    story = tell(ONE_WEEK, WINDOWS)
    assert story.measure("cohort.leads") == 6
    assert (story.measure("cohort.won"), story.measure("calendar.won")) == (2 + 4, 1 + 2)
    assert (story.measure("cohort.revenue"), story.measure("calendar.revenue")) == (6000, 3000)
    assert story.measure("cohort.cost") == story.measure("calendar.cost") == 2 * 80 * 60
    assert story.measure("cohort.time_to.won") == 7 * 86400


def test_rule_74_unresolved_stands_beside_the_conversion_with_open_visits_in_the_denominator() -> None:
    """Followed for a day only, to 26 January: `late` is open. Of 6 leads of the cohort 2 went on, 4 are unresolved."""
    story = tell(ONE_WEEK, WINDOWS, "cool_down: 1 day", "sources:" + WINDOWS.split("sources:")[1].split("  after")[0])
    assert story.measure("cohort.conversion.interest") == pytest.approx(2 / 6)
    assert story.measure("cohort.unresolved.interest") == pytest.approx(4 / 6)


# ---- credit [75] -----------------------------------------------------------------------------------------------------

PATH = """
sources: {web: {batch: 1 on 2026-01-05 at 10:00}}
stages:
  discovery: {next: {interest: 100%}}
  interest: {next: {evaluation: 100%}}
  evaluation: {next: {customer: 100%}}
  customer: {}
definitions: {won: enters customer}
deal_value: 900
teams: {sales: {people: 1}, marketing: {people: 1}}
"""


@pytest.mark.parametrize(
    ("ownership", "marketing", "sales", "nobody"),
    [
        ("{discovery: marketing, interest: marketing, evaluation: sales}", 600, 300, 0),
        ("{interest: sales, evaluation: sales, customer: marketing}", 0, 900, 0),
        ("{customer: marketing}", 0, 0, 900),
    ],
)
def test_rule_75_a_win_is_credited_by_the_visits_owned_before_it(
    ownership: str, marketing: float, sales: float, nobody: float
) -> None:
    """A win of 900 after three visits. Two of marketing and one of sales: 600 and 300. A visit of nobody does not
    count, and neither does the visit that is the win. Who owns nothing before it has no credit."""
    found = tell(PATH, f"ownership: {ownership}").credit()
    assert found == pytest.approx({"marketing": marketing, "sales": sales, "nobody": nobody})


def test_rule_75_every_visit_of_the_path_counts_also_of_a_second_round() -> None:
    """A lead goes cold at sales, which is away until midnight, and back to marketing once: interest, evaluation,
    interest, evaluation, closing: two visits of marketing, three of sales."""
    story = tell(
        PATH,
        """
stages:
  interest: {work: {handling: 1 hour}, next: {evaluation: 100%}}
  evaluation: {work: {handling: 1 hour}, patience: 12 hours, next: {closing: 100%}, cold: {interest: 100%}}
  closing: {work: {handling: 1 hour}, next: {customer: 100%}}
  customer: {}
teams:
  marketing: {people: 1}
  sales: {people: {start: 1, '2026-01-05 11:00': 0, '2026-01-06 00:00': 1}, cost: 10/hour}
ownership: {interest: marketing, evaluation: sales, closing: sales}
""",
    )
    assert story.visits("stage owner") == [
        ("interest", "marketing"),
        ("evaluation", "sales"),
        ("interest", "marketing"),
        ("evaluation", "sales"),
        ("closing", "sales"),
        ("customer", "sales"),
    ]
    assert story.credit() == pytest.approx({"marketing": 360, "sales": 540, "nobody": 0})


# ---- utilisation [76] ------------------------------------------------------------------------------------------------


def test_rule_76_utilisation_is_work_within_opening_hours_over_people_times_hours() -> None:
    """One week, two people, 80 hours. Half of the time goes to other work, so each hour of handling takes two. Three
    leads on Monday 10:00: 10-12, 10-12, 12-14: 6 hours. One on Friday 16:00: an hour within opening hours and one of
    overtime. 7 of 80 hours, as much as 3.5 unstretched hours of 40."""
    story = tell(
        AT_ONCE,
        """
observe: 1 week
sources: {web: {batch: 3 on 2026-01-05 at 10:00}, late: {batch: 1 on 2026-01-09 at 16:00}}
teams: {sales: {people: 2, calendar: office, other_work: 50%}}
""",
    )
    assert story.measure("calendar.utilisation.sales") == pytest.approx(7 / 80)
    assert story.measure("calendar.overtime.sales") == 1
    assert story.measure("calendar.worked_hours.sales") == 8
    assert story.measure("calendar.attempts.sales") == 4


def test_rule_76_only_the_part_of_the_work_within_the_window_counts() -> None:
    """A warm-up of a week, then one measured. Desk work of 6 hours, resumed: begun on Friday 14:00 of the warm-up, 3
    hours of it fall on Monday of the measured week; begun on Friday the 16th at 16:00, one hour falls within."""
    story = tell(
        AT_ONCE.replace("1 hour}", "6 hours}"),
        """
warm_up: 1 week
observe: 1 week
cool_down: 1 week
sources: {before: {batch: 1 on 2026-01-09 at 14:00}, last: {batch: 1 on 2026-01-16 at 16:00}}
teams: {sales: {people: 1, calendar: office, unfinished: resume}}
""",
    )
    assert story.measure("calendar.worked_hours.sales") == 3 + 1
    assert story.measure("calendar.utilisation.sales") == pytest.approx(4 / 40)
