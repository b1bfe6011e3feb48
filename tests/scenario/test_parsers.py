"""What people write to what it means, and back."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnelsim.scenario import parsers
from funnelsim.scenario.format_reference import VALUES
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.values import Distribution, Schedule

sizes = st.floats(0.01, 1e4).map(lambda x: float(f"{x:.6g}"))
spreads = st.floats(1.05, 50.0).map(lambda x: float(f"{x:.6g}"))
UNITS = {"s": 1, "min": 60, "minutes": 60, "h": 3600, "hours": 3600, "days": 86400, "d": 86400, "weeks": 604800}


@given(sizes, st.sampled_from(sorted(UNITS)), st.booleans())
def test_a_length_of_time_is_its_number_times_its_unit(amount: float, unit: str, close: bool) -> None:
    """With or without a space between."""
    found = parsers.duration(f"{amount}{'' if close else ' '}{unit}")

    assert found.seconds == amount * UNITS[unit]
    assert not found.business


@pytest.mark.parametrize(
    ("text", "seconds", "business", "days"),
    [
        ("4 business hours", 14400.0, True, 0.0),
        ("1 business day", 0.0, True, 1.0),
        ("30 business minutes", 1800.0, True, 0.0),
        ("1 h 30 min", 5400.0, False, 0.0),
        ("at once", 0.0, False, 0.0),
        (0, 0.0, False, 0.0),
        ("1 month", 365.25 / 12 * 86400, False, 0.0),
    ],
)
def test_lengths_of_time(text: Any, seconds: float, business: bool, days: float) -> None:
    """Business days are left to the calendar (rule 4)."""
    found = parsers.duration(text)

    assert (found.seconds, found.business, found.business_days) == (pytest.approx(seconds), business, days)


@pytest.mark.parametrize(
    "text",
    [
        "4",
        4,
        "soon",
        "4 fortnights",
        "2 business weeks",
        "4 working hours",
        "-3 days",
        "1 day 2 business hours",
        "",
        True,
        None,
        ["4 h"],
        "4 h later",
    ],
)
def test_what_is_no_length_of_time(text: Any) -> None:
    """A number without unit, an unknown unit, mixed clocks."""
    with pytest.raises(ParseError):
        parsers.duration(text)


@given(st.floats(0, 1).map(lambda x: round(x, 6)))
def test_a_share_is_a_percentage_or_a_number(share: float) -> None:
    """45% and 0.45 are the same share."""
    assert parsers.proportion(share) == share
    assert parsers.proportion(f"{share * 100:.8f}%") == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("value", [1.4, "140%", -0.1, "45 per cent", True, "rest", float("nan")])
def test_what_is_no_share(value: Any) -> None:
    """Nothing outside 0 to 1."""
    with pytest.raises(ParseError):
        parsers.proportion(value)


@given(
    sizes,
    st.sampled_from([("hour", 168.0), ("day", 7.0), ("week", 1.0), ("month", 84 / 365.25), ("year", 7 / 365.25)]),
    st.sampled_from(["/", " a ", " per ", " / "]),
)
def test_a_rate_is_kept_by_the_week(amount: float, period: tuple[str, float], between: str) -> None:
    """A month is 365.25/12 days."""
    assert parsers.rate(f"{amount}{between}{period[0]}").per_week == pytest.approx(amount * period[1])


def test_a_trend_compounds() -> None:
    """+2% a month is 26.8 % a year; 20% a year is itself."""
    assert parsers.growth("+2%/month") == pytest.approx(1.02**12 - 1)
    assert parsers.growth("20% a year") == pytest.approx(0.2)
    assert parsers.growth(0.2) == 0.2
    with pytest.raises(ParseError):
        parsers.growth("-100%/month")


@pytest.mark.parametrize(("text", "amount"), [(8000, 8000), ("8k", 8000), ("1.2M", 1.2e6), ("55", 55), ("-5", -5)])
def test_money(text: Any, amount: float) -> None:
    """In the scenario's currency."""
    assert parsers.money(text) == pytest.approx(amount)


def test_wages_are_by_the_hour() -> None:
    """And by nothing else."""
    assert parsers.wage("55/hour") == parsers.wage("55 an hour") == parsers.wage(55) == 55
    with pytest.raises(ParseError, match="not by the day"):
        parsers.wage("400/day")


def test_ranges() -> None:
    """A single value stands for itself."""
    assert (parsers.odds("0.6 to 1.0").low, parsers.odds("0.6 to 1.0").high) == (0.6, 1.0)
    assert (parsers.share_range("60% to 90%").low, parsers.share_range(0.75).high) == (0.6, 0.75)
    for wrong in ("1.0 to 0.6", "0.6-1.0", "0 to 1", 0):
        with pytest.raises(ParseError):
            parsers.odds(wrong)


LAWS = {  # families with two percentiles, and scipy's law of the kept parameters
    "lognormal": lambda mu, sigma: stats.lognorm(sigma, scale=math.exp(mu)),
    "weibull": lambda shape, scale: stats.weibull_min(shape, scale=scale),
    "loglogistic": lambda shape, scale: stats.fisk(shape, scale=scale),
}


@given(st.sampled_from(sorted(LAWS)), sizes, spreads, st.sampled_from([(10, 90), (25, 75), (50, 95)]))
def test_two_percentiles_determine_a_law(family: str, low: float, factor: float, at: tuple[int, int]) -> None:
    """The law read from two percentiles has these percentiles."""
    high = low * factor
    found = parsers.time_law(f"{family}(p{at[0]} {low!r} hours p{at[1]} {high!r} hours)")
    law = LAWS[family](*found.parameters)

    assert law.ppf(at[0] / 100) == pytest.approx(low * 3600, rel=1e-9)
    assert law.ppf(at[1] / 100) == pytest.approx(high * 3600, rel=1e-9)


@given(sizes, st.floats(0.05, 3.0).map(lambda x: round(x, 4)))
def test_mean_and_cv_determine_a_law(mean: float, cv: float) -> None:
    """Lognormal and gamma have the mean and spread that were written; sd says the same."""
    for family, law in {**LAWS, "gamma": lambda shape, scale: stats.gamma(shape, scale=scale)}.items():
        if family not in ("lognormal", "gamma"):
            continue
        found = parsers.number_law(f"{family}(mean {mean!r} cv {cv * 100:.6f}%)")
        same = parsers.number_law(f"{family}(mean {mean!r}, sd {mean * cv!r})")

        assert law(*found.parameters).mean() == pytest.approx(mean, rel=1e-6)
        assert law(*found.parameters).std() == pytest.approx(mean * cv, rel=1e-5)
        assert same.parameters == pytest.approx(found.parameters, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "family", "parameters"),
    [
        ("6 min", "fixed", (360.0,)),
        ("exponential(mean 30 days)", "exponential", (2592000.0,)),
        ("exponential(median 1 h)", "exponential", (3600 / math.log(2),)),
        ("weibull(shape 1.2 scale 5 days)", "weibull", (1.2, 432000.0)),
        ("weibull(shape 2 mean 1 h)", "weibull", (2.0, 3600 / math.gamma(1.5))),
        ("weibull(shape 2 median 1 h)", "weibull", (2.0, 3600 / math.sqrt(math.log(2)))),
        ("gamma(shape 2 scale 1 h)", "gamma", (2.0, 3600.0)),
        ("loglogistic(median 2 h shape 1.5)", "loglogistic", (1.5, 7200.0)),
        ("lognormal(median 1 h mean 2 h)", "lognormal", (math.log(3600), math.sqrt(2 * math.log(2)))),
        ("lognormal(mu 3 sigma 0.5)", "lognormal", (3.0, 0.5)),
        ("uniform(1 h to 3 h)", "uniform", (3600.0, 10800.0)),
        ("uniform(1 h, 3 h)", "uniform", (3600.0, 10800.0)),
        ("loguniform(1 min to 1 h)", "loguniform", (60.0, 3600.0)),
        ("24 hours + exponential(mean 1 h)", "shifted", (86400.0,)),
        ("empirical(0% 1 h, 50% 3 h, 100% 9 h)", "empirical", (0.0, 3600.0, 0.5, 10800.0, 1.0, 32400.0)),
        ("empirical(3 min, 1 min)", "empirical", (0.0, 60.0, 0.5, 60.0, 0.5, 180.0, 1.0, 180.0)),
    ],
)
def test_distributions(text: str, family: str, parameters: tuple[float, ...]) -> None:
    """Each spelling, in seconds; what was written is kept."""
    found = parsers.time_law(text)

    assert found.family == family
    assert found.parameters == pytest.approx(parameters)
    assert found.text == text


def test_normal_is_for_numbers_only() -> None:
    """A time has no values below zero."""
    assert parsers.number_law("normal(mean 0 sd 1)").parameters == (0.0, 1.0)
    assert parsers.number_law("normal(p10 -1 p90 1)").parameters == pytest.approx((0.0, 1 / stats.norm.ppf(0.9)))
    with pytest.raises(ParseError, match="negative values"):
        parsers.time_law("normal(mean 3 days sd 1 day)")


def test_a_mixture_with_and_without_commas() -> None:
    """Weights sum to one; what never happens is the mixture's own never."""
    plain = parsers.time_law("mixture(60% lognormal(median 2 h p90 9 h) 40% exponential(mean 3 h))")
    commas = parsers.time_law("mixture(60% lognormal(median 2 h, p90 9 h), 40% exponential(mean 3 h))")
    never = parsers.time_law("mixture(37% 1 h, 40% exponential(mean 3 h) never 50%, 23% never)")

    assert [part.parameters for part in plain.parts] == [part.parameters for part in commas.parts]
    assert plain.weights == (0.6, 0.4)
    assert never.never == pytest.approx(0.43)
    assert never.weights == pytest.approx((0.37 / 0.57, 0.20 / 0.57))
    assert all(part.never == 0 for part in never.parts)


def test_never() -> None:
    """The share that does not happen stands behind the law."""
    found = parsers.time_law("exponential(mean 4 hours) never 23%")

    assert (found.family, found.never) == ("exponential", 0.23)


@pytest.mark.parametrize(
    "text",
    [
        "lognormal(median 6 days)",
        "lognormal(6 days 20 days)",
        "lognormal(median 6 days p90 5 days)",
        "lognormal(median 6 days p90 20 days",
        "exponential(mean 0 days)",
        "gamma(p10 1 h p90 3 h)",
        "uniform(3 h to 1 h)",
        "mixture(60% 1 h 30% 2 h)",
        "mixture(1 h 40% 2 h 60% 3 h)",
        "empirical(0% 3 h, 100% 1 h)",
        "empirical(10% 1 h)",
        "exponential(mean 4 business hours)",
        "lognormal(median 6 days median 7 days)",
        "p90 20 days)",
        "exponential()",
        "weibull(shape 0 scale 3 h)",
        "loguniform(0 s to 1 h)",
        "mixture(100% never)",
        "lognormal(mean 2 h median 3 h)",
    ],
)
def test_what_determines_no_law(text: str) -> None:
    """Too little, too much, or upside down: an error, never a guess."""
    with pytest.raises(ParseError):
        parsers.time_law(text)


def test_shares_of_a_whole() -> None:
    """Percentages, rest, cool-offs, and the mapping calibration writes."""
    assert parsers.share("45%").value == 0.45
    assert parsers.share("rest").rest
    late = parsers.share("rest after 60 days")
    assert late.rest
    assert late.after == Distribution("fixed", (5184000.0,), text="60 days")
    fitted = parsers.share({"share": 0.45, "se": 0.03, "of": "entered", "after": "30 days"})
    assert (fitted.value, fitted.se) == (0.45, 0.03)
    assert fitted.after is not None
    moving = parsers.share({"start": "10%", "2026-06-01": "20%"})
    assert moving.value == 0.1
    assert moving.schedule is not None
    for wrong in ({"share": 1.2}, {"se": 0.1}, {"share": 0.3, "sd": 1}, {"2026-01-05": "110%"}, "after 3 days"):
        with pytest.raises(ParseError):
            parsers.share(wrong)


def test_terms() -> None:
    """A deadline, or so many attempts within a time."""
    first = parsers.within("within 4 business hours")
    tries = parsers.within("5 within 14 days")

    assert (first.count, first.length.seconds, first.length.business) == (0, 14400.0, True)
    assert (tries.count, tries.length.seconds) == (5, 1209600.0)
    for wrong in ("4 hours", "within 0 days", "0 within 3 days", "five within 3 days"):
        with pytest.raises(ParseError):
            parsers.within(wrong)


def test_actions_keep_the_order_of_the_file() -> None:
    """Rule 17: at one instant they run in that order."""
    found = parsers.breach(
        {
            "80%": "warn with compliance 50%",
            "100%": ["warn", "escalate"],
            "150%": "reassign to inside sales",
            "175%": "reassign up to 2 times",
            "200%": "return to discovery after 30 days",
        }
    )

    assert [(one.fraction, one.kind) for one in found] == [
        (0.8, "warn"),
        (1.0, "warn"),
        (1.0, "escalate"),
        (1.5, "reassign"),
        (1.75, "reassign"),
        (2.0, "return"),
    ]
    assert (found[0].compliance, found[3].to, found[4].limit, found[5].to) == (0.5, "inside sales", 2, "discovery")


def test_routing_batches_volumes_definitions() -> None:
    """The rest of the promises' vocabulary."""
    assert parsers.routing("at once").kind == "at once"
    assert (parsers.routing("daily at 8:00").kind, parsers.routing("daily at 8:00").at) == ("daily", "08:00")
    delay = parsers.routing("exponential(mean 4 hours)").delay
    assert delay is not None
    assert delay.family == "exponential"
    assert (parsers.batch("300 on 2026-03-10").at, parsers.batch("3 on 2026-03-10 at 14:00").at) == ("00:00", "14:00")
    promised = parsers.volume("360 MQL a month")
    assert (promised.count, promised.definition, promised.period) == (360.0, "MQL", "month")
    assert parsers.definition("enters Closed Won").stage == "Closed Won"


def test_hours_and_days() -> None:
    """Local opening hours; the weekend may lie inside a stretch of days."""
    lunch = parsers.hours("09:00-12:00, 13:00-17:00")
    assert [(part.opens, part.closes) for part in lunch] == [("09:00", "12:00"), ("13:00", "17:00")]
    assert parsers.hours(["9:00-24:00"])[0].opens == "09:00"
    assert parsers.weekdays("Mon-Fri") == (0, 1, 2, 3, 4)
    assert parsers.weekdays("Sat-Mon") == (0, 5, 6)
    assert parsers.weekdays(["Mon", "wednesday"]) == (0, 2)
    for wrong in ("9-17", "09:00-25:00", "09:00-09:00"):
        with pytest.raises(ParseError):
            parsers.hours(wrong)
    with pytest.raises(ParseError):
        parsers.weekdays("Mon-Foo")


def test_dates() -> None:
    """Dates are text in YAML 1.2; there is no 30 February."""
    assert parsers.day("2026-01-05") == date(2026, 1, 5)
    assert parsers.moment("2026-01-05 14:30") == datetime(2026, 1, 5, 14, 30)
    for wrong in ("2026-02-30", "5.1.2026", "2026-1-5", 20260105):
        with pytest.raises(ParseError):
            parsers.day(wrong)


def test_schedules() -> None:
    """Dates rise, `start` comes first, months begin on their first day."""
    found = parsers.schedule({"start": 4, "2026-06": 6}, parsers.whole)

    assert found == Schedule(((None, 4), (date(2026, 6, 1), 6)))
    for wrong in ({"2026-06-01": 4, "2026-03-01": 3}, {"2026-06-01": 4, "start": 3}, {"june": 4}):
        with pytest.raises(ParseError):
            parsers.schedule(wrong, parsers.whole)


READERS = {
    "length of time": parsers.duration,
    "share": parsers.proportion,
    "share of a whole": parsers.share,
    "rate": parsers.rate,
    "trend": parsers.growth,
    "money": parsers.money,
    "money an hour": parsers.wage,
    "distribution": parsers.time_law,
    "range": lambda text: parsers.share_range(text) if "%" in text else parsers.odds(text),
    "term": parsers.within,
    "routing": parsers.routing,
    "batch": parsers.batch,
    "volume": parsers.volume,
    "definition": parsers.definition,
    "quota": parsers.quota,
    "budget": parsers.budget,
    "period of reviews": parsers.period,
    "share or level": parsers.share_or_level,
    "what is looked at": parsers.looked,
    "opening hours": parsers.hours,
    "days of the week": parsers.weekdays,
    "actions": lambda text: parsers.breach(dict([text.split(": ")])),
    "by date": lambda text: None,  # a mapping: see test_schedules
}


@pytest.mark.parametrize(("kind", "example"), [(kind, text) for kind, _, texts in VALUES for text in texts])
def test_the_examples_of_the_reference_are_read(kind: str, example: str) -> None:
    """What the reference shows, the readers take."""
    READERS[kind](example)


@pytest.mark.parametrize(
    ("read", "value", "says"),
    [
        (parsers.number, "٣", "'٣' is not a number"),
        (parsers.number, "½", "'½' is not a number"),
        (parsers.number, "\x1c4", "is not a number"),
        (parsers.number, "1__0", "'1__0' is not a number"),
        (parsers.number, 10**400, "is too large"),
        (parsers.number, "1e13", "'1e13' is too large"),
        (parsers.number, float("inf"), "not a finite number"),
        (parsers.whole, 2_000_000, "too large"),
        (parsers.proportion, "٣%", "is not a share"),
        (parsers.money, "1e17", "'1e17' is too large"),
        (parsers.money, "2e6M", "'2e6M' is too large"),
        (parsers.money_law, "1e17", "'1e17' is too large"),
        (parsers.money_law, "lognormal(median 1e17 p90 2e17)", "'1e17' is too large"),
        (parsers.rate, "1e20/week", "'1e20/week' is too large"),
        (parsers.rate, "1e6/hour", "'1e6/hour' is too large"),
        (parsers.odds, "1e9", "'1e9' is too large"),
        (parsers.odds, "1e-9", "'1e-9' is too small"),
        (parsers.growth, "500% a day", "too large"),
        (parsers.duration, "1001 years", "'1001 years' is too long"),
        (parsers.duration, "400000 business days", "too long"),
        (parsers.time_law, "lognormal(mu 1e9 sigma 3)", "too extreme"),
        (parsers.time_law, "lognormal(median 1 day sigma 50)", "too extreme"),
        (parsers.time_law, "weibull(shape 1e-9 mean 1 day)", "too extreme"),
        (parsers.time_law, "gamma(mean 1 day cv 1e-200)", "too extreme"),
        (parsers.batch, "2000000 on 2026-01-05", "too large"),
        (parsers.batch, f"{'9' * 5000} on 2026-01-05", "too large"),
        (parsers.batch, "٣ on 2026-01-05", "is not a batch"),
        (parsers.period, "100000 weeks", "too large"),
        (parsers.day, "٢٠٢٦-01-05", "is not a date"),
    ],
)
def test_quantities_have_limits_and_plain_digits(read: Any, value: Any, says: str) -> None:
    """Beyond them sums of cents and instants in ticks would be wrong without a word."""
    with pytest.raises(ParseError, match=re.escape(says)) as caught:
        read(value)
    assert caught.value.hint


def test_the_largest_quantities_are_read() -> None:
    assert parsers.money("1e12") == parsers.money("1e6M") == 1e12
    assert parsers.rate("1e7/week").per_week == 1e7
    assert parsers.duration("1000 years").seconds == 1000 * 365.25 * 86400
    assert parsers.batch("1000000 on 2026-01-05").count == 1_000_000
