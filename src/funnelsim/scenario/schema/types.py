"""The types of values: what `units` reads from a text, and what an editor and the reference call it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic import WithJsonSchema as Json

from funnelsim.scenario import parsers
from funnelsim.scenario.parsers.limits import MOST_PEOPLE
from funnelsim.scenario.renamed_keys import RENAMED_WORDS
from funnelsim.scenario.values import (
    Batch,
    BreachAction,
    DayHours,
    Deadline,
    Definition,
    Distribution,
    Duration,
    LevelRef,
    ObservedInput,
    Period,
    Quota,
    Range,
    Rate,
    Routing,
    Schedule,
    Share,
    Volume,
)


def _text(value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        raise parsers.ParseError(f"{parsers.shown(value)} is not a text", "write some words")
    return str(value).strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise parsers.ParseError(f"{parsers.shown(value)} is neither true nor false", "true or false")
    return value


def _people(value: Any) -> int:
    if parsers.is_number(value) and math.isfinite(value) and value != math.floor(value):
        raise parsers.ParseError(
            f"{value} people: people must be a whole number (rule 42)",
            f"write {math.ceil(value)}, and `other_work` for the hours they do not have",
        )
    return parsers.whole(value, most=MOST_PEOPLE)


def _habit(value: Any) -> str | Distribution:
    return value.strip() if _is_name(value) else parsers.time_law(value)


def _contact(value: Any) -> str | tuple[float, ...]:
    if _is_name(value):
        return str(value).strip()
    if not isinstance(value, list):
        return (parsers.proportion(value),)
    if not value:
        raise parsers.ParseError("this list of chances is empty", "such as [39%, 54%, 39%]")
    return tuple(_each(value, parsers.proportion))


def _pace(value: Any) -> Distribution | dict[str, Distribution]:
    if not isinstance(value, dict):
        return parsers.time_law(value)
    return {key: _under(key, parsers.time_law, entry) for key, entry in value.items()}


def _shares(value: Any) -> dict[str, Share]:
    """One name alone has it all."""
    if isinstance(value, str):
        return {value.strip(): Share(1.0, text="100%")}
    if not isinstance(value, dict):
        raise parsers.ParseError(
            f"{parsers.shown(value)} is neither a name nor shares by name",
            "such as sales, or {marketing: 50%, sales: 50%}",
        )
    return {key: _under(key, _steady_share, entry) for key, entry in value.items()}


def _steady_share(value: Any) -> Share:
    found = parsers.share(value)
    if found.schedule is not None:
        raise parsers.ParseError("a share of leads does not change by date here", "only a share of `next` does")
    return found


def _profile(value: Any) -> str | tuple[float, ...]:
    """A preset's name, 168 weights from Monday 00:00, or 24 hours times 7 days."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        for key in value:
            if key not in ("hours", "days"):
                raise parsers.ParseError(
                    f"unknown key '{key}' in a profile", "allowed: hours, days", (key,), by_key=True
                )
        hours = _under("hours", lambda v: _weights(v, 24), value.get("hours", [1.0] * 24))
        days = _under("days", lambda v: _weights(v, 7), value.get("days", [1.0] * 7))
        return tuple(day * hour for day in days for hour in hours)
    return tuple(_weights(value, 168))


def _weights(value: Any, count: int) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        given = f"{len(value)} weights" if isinstance(value, list) else parsers.shown(value)
        raise parsers.ParseError(f"{given} instead of {count}", f"a list of {count} numbers")
    weights = _each(value, parsers.number)
    if min(weights) < 0 or sum(weights) <= 0:
        raise parsers.ParseError("weights are not negative, and one is above zero", f"a list of {count} numbers")
    return weights


def _table(value: Any) -> tuple[tuple[float, float], ...]:
    """(seconds, relative chance) by delay, the delays rising."""
    if not isinstance(value, dict) or len(value) < 2:
        raise parsers.ParseError("a table needs two delays or more", "such as {5 min: 1, 1 hour: 0.4}")
    rows = [
        (_under(key, parsers.elapsed, key).seconds, _under(key, parsers.positive, entry))
        for key, entry in value.items()
    ]
    for (before, _), (after, _), key in zip(rows, rows[1:], list(value)[1:], strict=False):
        if not 0 < before < after:
            raise parsers.ParseError("the delays of a table rise, from above zero", "sort them", (key,), by_key=True)
    return tuple(rows)


def _trait(value: Any) -> float | Range | Distribution:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and "(" in text:
        return parsers.number_law(text)
    found = parsers.span(text)
    return found if found.low < found.high else found.low


def _hour_odds(value: Any) -> str | tuple[float, ...]:
    """A preset's name, or times the odds of 168 hours from Monday 00:00, or of 24 hours times 7 days."""
    found = _profile(value)
    if not isinstance(found, str) and min(found) <= 0.0:
        raise parsers.ParseError(
            "times the odds must be above zero", "1 is no effect, 1.2 raises them, 0.8 lowers them"
        )
    return found


def _score_least(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) != 1:
        given = f"{len(value)} scores" if isinstance(value, dict) else parsers.shown(value)
        raise parsers.ParseError(f"a tier looks at one score, not at {given}", "such as {sales: 50}")
    return {key: _under(key, parsers.number, entry) for key, entry in value.items()}


def _speed(value: Any) -> float:
    found = parsers.proportion(value)
    if found <= 0.0:
        raise parsers.ParseError(
            f"at a speed of {parsers.shown(value)} nothing is ever done",
            "more than 0%; people who do not work yet are left out of `people`",
        )
    return found


def _not_negative(value: Any) -> float:
    found = parsers.number(value)
    if found < 0.0:
        raise parsers.ParseError(f"{parsers.shown(value)} is below zero", "0 or more")
    return found


def _share_or_number(value: Any) -> float:
    percent = isinstance(value, str) and value.strip().endswith("%")
    return parsers.number(value.strip()[:-1]) / 100.0 if percent else parsers.number(value)


def _guess(one: Callable[[Any], float]) -> Callable[[Any], Any]:
    """A number, or a Range where the ends differ."""

    def read(value: Any) -> float | Range:
        found = parsers.span(value, one)
        return found if found.low < found.high else found.low

    return read


def _strength(value: Any) -> Range:
    found = parsers.span(value)
    if found.low < 0.0:
        raise parsers.ParseError(
            f"{parsers.shown(value)} is below zero", "0 is no effect, 1 is the curve of the stage as it is"
        )
    return found


def _each(values: list[Any], one: Callable[[Any], Any]) -> list[Any]:
    return [_under(i, one, value) for i, value in enumerate(values)]


def _under(key: str | int, one: Callable[[Any], Any], value: Any) -> Any:
    try:
        return one(value)
    except parsers.ParseError as problem:
        raise problem.under(key) from None


def _is_name(value: Any) -> bool:
    """A word that can only be the name of a preset."""
    return isinstance(value, str) and value.strip() != "at once" and value.strip()[:1].isalpha() and "(" not in value


def _steady_or(one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: parsers.steady_or_schedule(value, one)


def _shape(kind: str, *types: str, example: Any = None) -> Json:
    """What an editor accepts, and what the reference calls it."""
    of = {"kind": kind, "type": list(types) if len(types) > 1 else types[0]}
    return Json({**of, **({"examples": [example]} if example is not None else {})})


def _choice(*words: str) -> tuple[PlainValidator, Json]:
    def read(value: Any) -> str:
        if value in words:
            return str(value)
        if (new := RENAMED_WORDS.get(str(value))) in words:
            raise parsers.ParseError(f"`{value}` is now `{new}`", f"write {new} instead")
        from funnelsim.errors import did_you_mean

        guess = did_you_mean(str(value), words)
        hint = f"{guess}  allowed: {', '.join(words)}".strip()
        raise parsers.ParseError(f"{parsers.shown(value)} is not known here", hint)

    return PlainValidator(read), Json({"enum": list(words)})


Text = Annotated[str, PlainValidator(_text), _shape("text", "string", "number")]
Flag = Annotated[bool, PlainValidator(_flag), _shape("true or false", "boolean")]
Number = Annotated[float, PlainValidator(parsers.number), _shape("number", "number")]
Positive = Annotated[float, PlainValidator(parsers.positive), _shape("number", "number")]
Int = Annotated[int, PlainValidator(parsers.whole), _shape("whole number", "integer")]
Count = Annotated[int, PlainValidator(lambda value: parsers.whole(value, 1)), _shape("whole number", "integer")]
Proportion = Annotated[float, PlainValidator(parsers.proportion), _shape("share", "number", "string", example="45%")]
Cost = Annotated[float, PlainValidator(parsers.cost), _shape("money", "number", "string", example="8k")]
Wage = Annotated[float, PlainValidator(parsers.wage), _shape("money an hour", "number", "string", example="55/hour")]
Trend = Annotated[float, PlainValidator(parsers.growth), _shape("trend", "number", "string", example="+2%/month")]
Day = Annotated[Any, PlainValidator(parsers.day), _shape("date", "string", example="2026-01-05")]
Moment = Annotated[Any, PlainValidator(parsers.moment), _shape("date", "string", example="2026-01-05 08:00")]
Zone = Annotated[str, PlainValidator(parsers.zone), _shape("time zone", "string", example="Europe/Berlin")]
Length = Annotated[
    Duration,
    PlainValidator(parsers.duration),
    _shape("length of time", "string", "integer", example="4 business hours"),
]
Elapsed = Annotated[
    Duration, PlainValidator(parsers.elapsed), _shape("length of time", "string", "integer", example="26 weeks")
]
Time = Annotated[
    Distribution,
    PlainValidator(parsers.time_law),
    _shape("distribution", "string", "integer", example="lognormal(median 6 days p90 20 days)"),
]
Value = Annotated[
    Distribution,
    PlainValidator(parsers.money_law),
    _shape("distribution", "string", "number", example="lognormal(median 8000 p90 30000)"),
]
OpeningHours = Annotated[
    tuple[DayHours, ...],
    PlainValidator(parsers.hours),
    _shape("opening hours", "string", "array", example="09:00-17:00"),
]
Weekdays = Annotated[
    tuple[int, ...], PlainValidator(parsers.weekdays), _shape("days of the week", "string", "array", example="Mon-Fri")
]
ShareOf = Annotated[
    Share,
    PlainValidator(parsers.share),
    _shape("share of a whole", "number", "string", "object", example="20% after 30 days"),
]
Shares = Annotated[
    dict[str, Share],
    PlainValidator(_shares),
    _shape("shares by name", "string", "object", example={"marketing": "50%", "sales": "rest"}),
]
Term = Annotated[Deadline, PlainValidator(parsers.within), _shape("term", "string", example="within 4 business hours")]
Actions = Annotated[
    tuple[BreachAction, ...],
    PlainValidator(parsers.breach),
    _shape("actions", "object", example={"80%": "warn", "100%": "escalate"}),
]
Route = Annotated[
    Routing, PlainValidator(parsers.routing), _shape("routing", "string", "integer", example="daily at 08:00")
]
Promised = Annotated[Volume, PlainValidator(parsers.volume), _shape("volume", "string", example="360 MQL a month")]
Batched = Annotated[Batch, PlainValidator(parsers.batch), _shape("batch", "string", example="300 on 2026-03-10")]
Defined = Annotated[
    Definition, PlainValidator(parsers.definition), _shape("definition", "string", "object", example="enters interest")
]
Habit = Annotated[
    str | Distribution,
    PlainValidator(_habit),
    _shape("preset or distribution", "string", "integer", example="hbr-audit-2011"),
]
Contact = Annotated[
    str | tuple[float, ...],
    PlainValidator(_contact),
    _shape("preset or shares", "string", "number", "array", example=["39%", "54%", "39%"]),
]
Pace = Annotated[
    Distribution | dict[str, Distribution],
    PlainValidator(_pace),
    _shape("distribution", "string", "integer", "object", example="lognormal(median 6 days p90 20 days)"),
]
Profile = Annotated[
    str | tuple[float, ...],
    PlainValidator(_profile),
    _shape("preset or weights", "string", "array", "object", example="flat"),
]
Table = Annotated[
    tuple[tuple[float, float], ...],
    PlainValidator(_table),
    _shape("table", "object", example={"5 min": 1, "1 hour": 0.4}),
]
Trait = Annotated[
    float | Range | Distribution,
    PlainValidator(_trait),
    _shape("number, range or distribution", "number", "string", example="-0.3"),
]
Guess = Annotated[
    float | Range,
    PlainValidator(_guess(parsers.number)),
    _shape("number or range", "number", "string", example="0.1 to 0.3"),
]
Gain = Annotated[
    float | Range,
    PlainValidator(_guess(_not_negative)),
    _shape("number or range", "number", "string", example="0.1 to 0.3"),
]
Chance = Annotated[
    float | Range,
    PlainValidator(_guess(parsers.proportion)),
    _shape("share or range", "number", "string", example="30%"),
]
InitialLevel = Annotated[
    float | Range,
    PlainValidator(_guess(_share_or_number)),
    _shape("share, number or range", "number", "string", example="50%"),
]
Factor = Annotated[float, PlainValidator(_not_negative), _shape("number", "number")]
Threshold = Annotated[
    float | Schedule,
    PlainValidator(_steady_or(parsers.number)),
    _shape("number, or by date", "number", "object", example=40),
]
ScoreLeast = Annotated[
    dict[str, float], PlainValidator(_score_least), _shape("score and least value", "object", example={"sales": 50})
]
People = Annotated[
    int | Schedule,
    PlainValidator(_steady_or(_people)),
    _shape("whole number, or by date", "integer", "object", example={"start": 4, "2026-06-01": 6}),
]
RateOf = Annotated[
    Rate | Schedule,
    PlainValidator(_steady_or(parsers.rate)),
    _shape("rate, or by date", "string", "object", example="160/week"),
]
UncertainParameter = Annotated[
    Range | Schedule,
    PlainValidator(_steady_or(parsers.share_range)),
    _shape("share or range, or by date", "number", "string", "object", example="60% to 90%"),
]
Odds = Annotated[
    Range | Schedule,
    PlainValidator(_steady_or(parsers.odds)),
    _shape("number or range, or by date", "number", "string", "object", example="0.6 to 1.0"),
]
Strength = Annotated[
    Range | Schedule,
    PlainValidator(_steady_or(_strength)),
    _shape("number or range, or by date", "number", "string", "object", example="0.5 to 1.0"),
]
Ramp = Annotated[
    float | Schedule,
    PlainValidator(_steady_or(_speed)),
    _shape("share, or by date", "number", "string", "object", example={"2026-02-01": "50%", "2026-04-01": "100%"}),
]
HourOdds = Annotated[
    str | tuple[float, ...],
    PlainValidator(_hour_odds),
    _shape("preset or odds", "string", "array", "object", example="velocify-2016"),
]
LevelOr = Annotated[
    float | LevelRef,
    PlainValidator(parsers.share_or_level),
    _shape("share or level", "number", "string", example="level trust"),
]
InfluenceInput = Annotated[
    ObservedInput, PlainValidator(parsers.looked), _shape("what is looked at", "string", example="level trust")
]
QuotaAmount = Annotated[Quota, PlainValidator(parsers.quota), _shape("quota", "string", example="200k per quarter")]
Spending = Annotated[Rate, PlainValidator(parsers.budget), _shape("budget", "string", example="40k/month")]
ReviewPeriod = Annotated[
    Period, PlainValidator(parsers.period), _shape("period of reviews", "string", example="2 weeks")
]
Side = Annotated[str, *_choice("marketing", "sales")]
Order = Annotated[str, *_choice("first come", "newest", "score", "value", "due time")]
Queues = Annotated[str, *_choice("pooled", "personal")]
Unfinished = Annotated[str, *_choice("finish", "resume")]
ClockStart = Annotated[str, *_choice("created", "qualified", "assigned")]
Decision = Annotated[str, *_choice("accepted", "rejected")]
BaseOf = Annotated[str, *_choice("dealt", "entered")]
EffectTarget = Annotated[str, *_choice("contact", "advance")]
InfluenceTarget = Annotated[str, *_choice("advance", "contact", "pursuit", "adherence", "habit", "show", "signals")]
TaskKind = Annotated[str, *_choice("meeting", "objection")]
LevelKind = Annotated[str, *_choice("outcomes", "acceptance", "load", "quota")]
BudgetObjective = Annotated[str, *_choice("count", "value")]
