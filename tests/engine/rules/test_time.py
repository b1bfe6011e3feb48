"""Rules 1 to 9: the grid, opening hours, business time, closing time, weekends and nights."""

from __future__ import annotations

from support.yaml_story import tell

ONE_REP = """
stages:
  interest: {work: {handling: 10 min}, next: {customer: 100%}}
  customer: {}
teams: {sales: {people: 1, calendar: office}}
ownership: {interest: sales}
"""
TWO_TRIES = """
stages:
  interest:
    work: {attempts: 2, handling: 10 min, contact: [0%, 100%], spacing: SPACING}
    next: {customer: 100%}
  customer: {}
"""
PROMISE = "promises: {first_touch: within LENGTH, on_breach: {100%: warn}}"


def deadline_of(arrival: str, length: str, *texts: str) -> str:
    """Deadline of the first touch of one lead that arrives then."""
    story = tell(ONE_REP, one_lead(arrival), PROMISE.replace("LENGTH", length), *texts)
    [deadline] = story.assignments("deadline")
    return deadline


def second_try(arrival: str, spacing: str, *texts: str) -> str:
    """When the second attempt on one lead falls due."""
    story = tell(ONE_REP, TWO_TRIES.replace("SPACING", spacing), one_lead(arrival), *texts)
    return story.attempts("joined")[1]


def one_lead(arrival: str) -> str:
    return f"sources: {{web: {{batch: 1 on {arrival}}}}}"


# ---- the grid [1] ----------------------------------------------------------------------------------------------------


def test_rule_1_work_is_rounded_to_the_grid() -> None:
    """10 s stretched by 1 / (1 - 30 %) are 14.2857 s = 14628.57 ticks of 1/1024 s, rounded to 14629."""
    story = tell(
        ONE_REP.replace("10 min", "10 s"),
        one_lead("2026-01-05 at 10:00"),
        "teams: {sales: {people: 1, calendar: office, other_work: 30%}}",
    )
    [row] = story.trace.attempts
    assert (row.ended - row.started) * 1024 == 14629


def test_rule_1_a_positive_length_is_at_least_one_tick() -> None:
    """A tenth of a millisecond of work is one tick, not nothing."""
    story = tell(ONE_REP.replace("10 min", "0.0001 s"), one_lead("2026-01-05 at 10:00"))
    [row] = story.trace.attempts
    assert (row.ended - row.started) * 1024 == 1


# ---- opening hours [2] -----------------------------------------------------------------------------------------------


def test_rule_2_work_may_start_at_opening_but_not_at_closing() -> None:
    """A lead at Friday 09:00 sharp is called at 09:00; one at 17:00 sharp waits until Monday 09:00."""
    story = tell(
        ONE_REP,
        """
sources:
  early: {batch: 1 on 2026-01-09 at 09:00}
  late: {batch: 1 on 2026-01-09 at 17:00}
""",
    )
    assert story.calls() == ["early 1: Fri 9 09:00 to 09:10", "late 1: Mon 12 09:00 to 09:10"]


def test_rule_2_a_holiday_is_closed() -> None:
    """Friday evening's lead is called on Tuesday when Monday is a holiday."""
    story = tell(
        ONE_REP,
        one_lead("2026-01-09 at 18:00"),
        "calendars: {office: {hours: 09:00-17:00, days: Mon-Fri, holidays: 2026-01-12}}",
    )
    assert story.calls() == ["web 1: Tue 13 09:00 to 09:10"]


def test_rule_2_business_clocks_run_while_nobody_is_on_shift() -> None:
    """Nobody works on Tuesday. A lead of Tuesday 10:00 promised 4 business hours is due at 14:00 all the same, and
    served on Wednesday 09:00: broken."""
    story = tell(
        ONE_REP,
        one_lead("2026-01-06 at 10:00"),
        PROMISE.replace("LENGTH", "4 business hours"),
        "teams: {sales: {people: {start: 1, 2026-01-06: 0, 2026-01-07: 1}, calendar: office}}",
    )
    assert story.assignments("deadline touched first_touch") == [("Tue 6 14:00", "Wed 7 09:00", "missed")]


# ---- business time [3, 4, 5] -----------------------------------------------------------------------------------------


def test_rule_3_a_deadline_that_uses_up_friday_is_friday_evening() -> None:
    """4 hours from Friday 13:00 are over at 17:00 sharp; from 13:01 the last minute is Monday's first."""
    assert deadline_of("2026-01-09 at 13:00", "4 business hours") == "Fri 9 17:00"
    assert deadline_of("2026-01-09 at 13:01", "4 business hours") == "Mon 12 09:01"


def test_rule_3_business_time_begun_in_closed_hours_counts_from_the_next_opening() -> None:
    """4 hours from Saturday noon, or from Friday 17:00 sharp, are Monday 13:00."""
    assert deadline_of("2026-01-10 at 12:00", "4 business hours") == "Mon 12 13:00"
    assert deadline_of("2026-01-09 at 17:00", "4 business hours") == "Mon 12 13:00"


def test_rule_3_lunch_is_no_business_time() -> None:
    """4 hours from 10:00 with lunch from 12:00 to 13:00 end at 15:00; 2 hours end at 12:00 and not at 13:00."""
    lunch = "calendars: {office: {hours: '09:00-12:00, 13:00-17:00', days: Mon-Fri}}"
    assert deadline_of("2026-01-05 at 10:00", "4 business hours", lunch) == "Mon 5 15:00"
    assert deadline_of("2026-01-05 at 10:00", "2 business hours", lunch) == "Mon 5 12:00"


def test_rule_4_a_business_day_is_as_long_as_the_opening_hours() -> None:
    """09:00-12:00 and 13:00-17:00 make 7 hours. From Monday 10:00: 2 before lunch, 4 after, 1 on Tuesday: 10:00.
    Called a day of 8 hours, it ends an hour later."""
    lunch = "{hours: '09:00-12:00, 13:00-17:00', days: Mon-Fri"
    assert deadline_of("2026-01-05 at 10:00", "1 business day", f"calendars: {{office: {lunch}}}}}") == "Tue 6 10:00"
    told = f"calendars: {{office: {lunch}, day: 8 hours}}}}"
    assert deadline_of("2026-01-05 at 10:00", "1 business day", told) == "Tue 6 11:00"


def test_rule_4_plain_days_are_24_hours_and_business_days_of_a_team_that_never_closes_too() -> None:
    """Friday 10:00 + 1 day is Saturday 10:00, for business days as well when the calendar is `always`."""
    assert deadline_of("2026-01-09 at 10:00", "1 day") == "Sat 10 10:00"
    assert deadline_of("2026-01-09 at 10:00", "1 business day") == "Mon 12 10:00"
    round_the_clock = "teams: {sales: {people: 1}}"
    assert deadline_of("2026-01-09 at 10:00", "1 business day", round_the_clock) == "Sat 10 10:00"


def test_rule_4_a_team_of_several_shifts_counts_the_day_of_the_first() -> None:
    """Two shifts, 09:00-17:00 and 12:00-20:00: a business day is the first one's 8 hours, counted while either is
    open. From Monday 10:00 it ends at 18:00."""
    shifts = """
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, late: {hours: 12:00-20:00, days: Mon-Fri}}
teams: {sales: {shifts: [{calendar: office, people: 1}, {calendar: late, people: 1}]}}
"""
    assert deadline_of("2026-01-05 at 10:00", "1 business day", shifts) == "Mon 5 18:00"


def test_rule_4_business_days_of_a_spacing_are_those_of_the_largest_owner() -> None:
    """Marketing owns all, its day is 4 hours long. From 10:10 on Monday 10:00-14:00 give 3 h 50 min, and the last 10
    minutes are Tuesday's: 10:10. Were it sales' day of 8 hours, it would be Wednesday."""
    texts = """
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, short: {hours: 10:00-14:00, days: Mon-Fri}}
teams: {marketing: {people: 1, calendar: short}, sales: {people: 1, calendar: office}}
ownership: {interest: marketing}
"""
    assert second_try("2026-01-05 at 10:00", "1 business day", texts) == "Tue 6 10:10"


def test_rule_5_each_clock_keeps_the_calendar_of_the_team_that_had_the_lead_when_it_began() -> None:
    """Friday 16:00, 4 business hours: for sales, 09:00-17:00, Monday 12:00. At 50 % (2 hours: Monday 10:00) the lead
    goes to marketing, open 24 hours, whose clock of 4 hours ends at 14:00. Sales is away until then."""
    story = tell(
        ONE_REP,
        one_lead("2026-01-09 at 16:00"),
        """
teams: {sales: {people: {start: 0, 2026-01-14: 1}, calendar: office}, marketing: {people: 1}}
promises: {first_touch: within 4 business hours, on_breach: {50%: reassign to marketing}}
""",
    )
    assert story.assignments("team assigned deadline") == [
        ("sales", "Fri 9 16:00", "Mon 12 12:00"),
        ("marketing", "Mon 12 10:00", "Mon 12 14:00"),
    ]


def test_rules_3_and_4_when_the_clocks_change() -> None:
    """Berlin skips 02:00-03:00 on Sunday 29 March. From Saturday 09:10, 1 day of 24 hours is Sunday 10:10, and 1
    business day of 8 hours Sunday 09:10."""
    berlin = """
start: 2026-03-23
timezone: Europe/Berlin
calendars: {office: {hours: 09:00-17:00, days: Mon-Sun}}
"""
    assert second_try("2026-03-28 at 09:00", "1 day", berlin) == "Sun 29 Mar 10:10"
    assert second_try("2026-03-28 at 09:00", "1 business day", berlin) == "Sun 29 Mar 09:10"


# ---- closing time and people [6, 7] ----------------------------------------------------------------------------------


def test_rule_6_work_begun_is_finished_in_overtime() -> None:
    """Two leads arrive on Friday 16:55 and one rep needs 10 minutes for each: the first call is 16:55-17:05, 5 minutes
    of them overtime, the second on Monday 09:00. Within hours 5 + 10 minutes are worked, of 40 paid hours in each of
    four weeks."""
    story = tell(ONE_REP, "sources: {web: {batch: 2 on 2026-01-09 at 16:55}}")
    assert story.calls() == ["web 1: Fri 9 16:55 to 17:05", "web 2: Mon 12 09:00 to 09:10"]
    assert story.measure("calendar.overtime.sales") * 60 == 5
    assert story.measure("calendar.utilisation.sales") * 160 * 60 == 15


def test_rule_6_a_rep_busy_over_lunch_is_back_after_it() -> None:
    """11:58 + 10 min ends at 12:08, in the lunch break: the next call is at 13:00."""
    story = tell(
        ONE_REP,
        "sources: {web: {batch: 2 on 2026-01-05 at 11:58}}",
        "calendars: {office: {hours: '09:00-12:00, 13:00-17:00', days: Mon-Fri}}",
    )
    assert story.calls() == ["web 1: Mon 5 11:58 to 12:08", "web 2: Mon 5 13:00 to 13:10"]


def test_rule_6_a_rep_still_busy_at_the_next_opening_begins_when_free() -> None:
    """20 hours of work from Monday 16:00 end on Tuesday 12:00; the next lead is begun then, not at 09:00."""
    story = tell(ONE_REP.replace("10 min", "20 hours"), "sources: {web: {batch: 2 on 2026-01-05 at 16:00}}")
    assert story.calls() == ["web 1: Mon 5 16:00 to Tue 6 12:00", "web 2: Tue 6 12:00 to Wed 7 08:00"]


def test_rule_6_desk_work_goes_on_at_the_next_opening() -> None:
    """3 hours from Friday 16:00: one on Friday, two on Monday, done at 11:00, without overtime; then the next lead."""
    story = tell(
        ONE_REP.replace("10 min", "3 hours"),
        "sources: {web: {batch: 2 on 2026-01-09 at 16:00}}",
        "teams: {sales: {people: 1, calendar: office, unfinished: resume}}",
    )
    assert story.calls() == ["web 1: Fri 9 16:00 to Mon 12 11:00", "web 2: Mon 12 11:00 to 14:00"]
    assert story.measure("calendar.overtime.sales") == 0
    assert story.measure("calendar.worked_hours.sales") == 6


def test_rule_7_when_fewer_are_on_shift_than_busy_nobody_stops_and_nobody_starts() -> None:
    """Three reps, from noon one. Calls of 2 hours begin at 11:00, 11:30 and 11:45. The lead of 11:50 is not taken at
    13:00 (two still busy) nor at 13:30 (one still busy), but at 13:45."""
    story = tell(
        ONE_REP.replace("10 min", "2 hours"),
        """
sources:
  a: {batch: 1 on 2026-01-06 at 11:00}
  b: {batch: 1 on 2026-01-06 at 11:30}
  c: {batch: 1 on 2026-01-06 at 11:45}
  d: {batch: 1 on 2026-01-06 at 11:50}
teams: {sales: {people: {start: 3, '2026-01-06 12:00': 1}, calendar: office}}
""",
    )
    assert story.calls() == [
        "a 1: Tue 6 11:00 to 13:00",
        "b 1: Tue 6 11:30 to 13:30",
        "c 1: Tue 6 11:45 to 13:45",
        "d 1: Tue 6 13:45 to 15:45",
    ]


def test_rule_7_who_comes_on_shift_serves_at_once() -> None:
    """One rep, from noon two. Calls take 2 hours: the second lead of 11:00 is begun at 12:00 by the second rep."""
    story = tell(
        ONE_REP.replace("10 min", "2 hours"),
        """
sources: {web: {batch: 2 on 2026-01-06 at 11:00}}
teams: {sales: {people: {start: 1, '2026-01-06 12:00': 2}, calendar: office}}
""",
    )
    assert story.attempts("lead started rep") == [("web 1", "Tue 6 11:00", 0), ("web 2", "Tue 6 12:00", 1)]


# ---- weekends and nights [8, 9] --------------------------------------------------------------------------------------


def test_rule_8_the_weekend_queue_is_served_in_the_order_in_which_calls_fell_due() -> None:
    """Friday's lead is not reached at 15:00-15:10 and due again 2 days later, Sunday 15:10. Leads come on Saturday,
    Sunday 20:00 and Monday 08:00. On Monday: Saturday's, then Friday's, Sunday's, Monday's, ten minutes each."""
    story = tell(
        ONE_REP,
        TWO_TRIES.replace("SPACING", "2 days"),
        """
sources:
  friday: {batch: 1 on 2026-01-09 at 15:00}
  saturday: {batch: 1 on 2026-01-10 at 11:00}
  sunday: {batch: 1 on 2026-01-11 at 20:00}
  monday: {batch: 1 on 2026-01-12 at 08:00}
""",
    )
    assert story.calls()[:5] == [
        "friday 1: Fri 9 15:00 to 15:10",
        "saturday 1: Mon 12 09:00 to 09:10",
        "friday 1: Mon 12 09:10 to 09:20",
        "sunday 1: Mon 12 09:20 to 09:30",
        "monday 1: Mon 12 09:30 to 09:40",
    ]
    assert story.attempts("joined", lead="friday 1") == ["Fri 9 15:00", "Sun 11 15:10"]


def test_rule_9_breaches_act_at_night_and_people_follow_in_the_morning() -> None:
    """Friday 18:00, within 4 hours: the lead changes hands at 22:00 that night; marketing calls on Saturday 08:00, when
    it opens."""
    story = tell(
        ONE_REP,
        one_lead("2026-01-09 at 18:00"),
        """
calendars: {office: {hours: 09:00-17:00, days: Mon-Fri}, shop: {hours: 08:00-12:00, days: Mon-Sat}}
teams: {sales: {people: 1, calendar: office}, marketing: {people: 1, calendar: shop}}
promises: {first_touch: within 4 hours, on_breach: {100%: reassign to marketing}}
""",
    )
    assert story.assignments("team assigned joined ended how") == [
        ("sales", "Fri 9 18:00", "Fri 9 18:00", "Fri 9 22:00", "reassigned"),
        ("marketing", "Fri 9 22:00", "Fri 9 22:00", "Sat 10 08:10", "reached"),
    ]
