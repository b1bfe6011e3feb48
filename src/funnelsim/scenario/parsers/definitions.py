"""What counts and how much of it: definitions, volumes, quotas, review periods, and references to levels and scores."""

from __future__ import annotations

import re
from typing import Any

from funnelsim.errors import did_you_mean
from funnelsim.scenario.parsers.dates import steady_or_schedule
from funnelsim.scenario.parsers.limits import MOST_LEADS_A_WEEK
from funnelsim.scenario.parsers.numbers import (
    NUMBER,
    WEEKS_A,
    ParseError,
    cost,
    number,
    positive,
    proportion,
    shown,
    whole,
)
from funnelsim.scenario.values import Definition, LevelRef, ObservedInput, Period, Quota, Rate, Volume

PERIODS = ("week", "month", "quarter")
LOOKED_AT = ("always", "fit", "intent", "trust", "warmth", "own lead", "context lost")
_A = r"\s*(?:/|\ban?\b|\bper\b)\s*"
_MONEY = rf"{NUMBER}\s*[kKmM]?"


def definition(value: Any) -> Definition:
    """`enters interest`, `marketing score at least 40`, or {score: marketing, at_least: 40 or by date}."""
    if isinstance(value, dict):
        return _threshold(value)
    text = str(value).strip()
    if match := re.fullmatch(r"enters\s+(\S.*)", text):
        return Definition(match[1], text=text)
    if match := re.fullmatch(r"(\S.*?)\s+score\s+(?:is\s+)?at\s+least\s+(.+)", text):
        return Definition(score=match[1], at_least=number(match[2], "such as marketing score at least 40"), text=text)
    if re.search(r"\bscore\b", text):
        raise ParseError(f"{shown(value)} is not a definition", "such as marketing score at least 40")
    raise ParseError(f"{shown(value)} is not a definition", "such as enters interest, or marketing score at least 40")


def volume(value: Any) -> Volume:
    """`360 MQL a month`, `80 enterprise MQL a month`, `120k of MQL a month`."""
    text = str(value).strip()
    if match := re.fullmatch(rf"({_MONEY})\s+of\s+(\S.*?){_A}(\w+)", text):
        amount = cost(match[1])
        if amount <= 0:
            raise ParseError(f"{shown(value)} promises nothing", "such as 120k of MQL a month")
        return Volume(amount, match[2], _period(match[3], "volume"), text, "value")
    match = re.fullmatch(rf"({NUMBER})\s+(\S.*?){_A}(\w+)", text)
    if not match:
        raise ParseError(f"{shown(value)} is not a volume", "such as 360 MQL a month, or 120k of MQL a month")
    return Volume(positive(match[1], most=MOST_LEADS_A_WEEK), match[2], _period(match[3], "volume"), text)


def quota(value: Any) -> Quota:
    """`200k per quarter`."""
    text = str(value).strip()
    match = re.fullmatch(rf"({_MONEY}){_A}(\w+)", text)
    if not match:
        example = f"such as {text if re.fullmatch(_MONEY, text) else '200k'} per quarter"
        hint = f"missing period, {example}" if re.fullmatch(_MONEY, text) else example
        raise ParseError(f"{shown(value)} is not a quota", hint)
    amount = cost(match[1])
    if amount <= 0:
        raise ParseError(f"a quota of {shown(value)} asks for nothing", "such as 200k per quarter")
    return Quota(amount, _period(match[2], "quota"), text)


def budget(value: Any) -> Rate:
    """Money a period, `40k/month`, kept as money a week."""
    text = str(value).strip()
    match = re.fullmatch(rf"({_MONEY}){_A}([a-z]+?)s?", text)
    if not match:
        hint = f"missing period, such as {text}/month" if re.fullmatch(_MONEY, text) else "such as 40k/month"
        raise ParseError(f"{shown(value)} is not a budget", hint)
    if match[2] not in WEEKS_A:
        raise ParseError(f"'{match[2]}' is not a period", f"one of {', '.join(WEEKS_A)}", piece=match[2])
    return Rate(cost(match[1]) / WEEKS_A[match[2]], text)


def period(value: Any) -> Period:
    """`month`, `2 weeks`."""
    text = str(value).strip()
    match = re.fullmatch(r"(?:every\s+)?(?:([0-9]+)\s+)?([a-z]+?)s?", text)
    known = ("day", *PERIODS)
    if not match or match[2] not in known or match[1] == "0":
        guess = did_you_mean(match[2], known) if match and match[2] not in known else ""
        raise ParseError(
            f"{shown(value)} is not a period of reviews", f"{guess}  such as week, 2 weeks, month or quarter".strip()
        )
    return Period(whole(match[1] or 1, 1, most=1000), match[2], text)


def share_or_level(value: Any) -> float | LevelRef:
    """A number from 0 to 1, or `level NAME`."""
    name = _named(value, "level")
    return proportion(value) if name is None else LevelRef(name, str(value).strip())


def looked(value: Any) -> ObservedInput:
    """`always`, `fit`, `own lead`, ..., `level NAME` or `score NAME`."""
    text = " ".join(str(value).split())
    for kind in ("level", "score"):
        name = _named(text, kind)
        if name is not None:
            return ObservedInput(kind, name, text)
    if text in LOOKED_AT:
        return ObservedInput(text, text=text)
    known = (*LOOKED_AT, "level NAME", "score NAME")
    raise ParseError(
        f"{shown(value)} is nothing an influence can look at",
        f"{did_you_mean(text, known)}  allowed: {', '.join(known)}".strip(),
    )


def _threshold(value: dict[str, Any]) -> Definition:
    for key in value:
        if key not in ("score", "at_least"):
            hint = f"{did_you_mean(key, ('score', 'at_least'))}  allowed: score, at_least".strip()
            raise ParseError(f"unknown key '{key}' in a definition", hint, (key,), by_key=True)
    for key in ("score", "at_least"):
        if key not in value:
            raise ParseError(f"this definition says no {key}", "such as {score: marketing, at_least: 40}")
    try:
        least = steady_or_schedule(value["at_least"], number)
    except ParseError as problem:
        raise problem.under("at_least") from None
    return Definition(score=str(value["score"]).strip(), at_least=least)


def _named(value: Any, kind: str) -> str | None:
    """The name behind `level` or `score`; None when the text says neither."""
    if not isinstance(value, str) or not re.match(rf"{kind}\b", value.strip()):
        return None
    name = value.strip()[len(kind) :].strip()
    if not name:
        raise ParseError(f"which {kind}?", f"such as {kind} {'trust' if kind == 'level' else 'sales'}")
    return name


def _period(word: str, of: str) -> str:
    if word not in PERIODS:
        raise ParseError(f"'{word}' is not a period of a {of}", "week, month or quarter", piece=word)
    return word
