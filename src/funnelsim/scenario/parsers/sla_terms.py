"""What teams promise and how leads move: terms, exits, routing, actions on a breach."""

from __future__ import annotations

import re
from typing import Any

from funnelsim.errors import did_you_mean
from funnelsim.scenario.parsers.dates import clock, is_schedule, schedule
from funnelsim.scenario.parsers.distributions import time_law
from funnelsim.scenario.parsers.durations import duration
from funnelsim.scenario.parsers.limits import MOST_FRACTION
from funnelsim.scenario.parsers.numbers import NUMBER, ParseError, bounded, number, proportion, shown, whole
from funnelsim.scenario.renamed_keys import RENAMED_WORDS
from funnelsim.scenario.values import BreachAction, Deadline, Distribution, Routing, Share

ACTIONS = ("warn", "escalate", "reassign", "return")


def within(value: Any) -> Deadline:
    """`within 4 business hours` or `5 within 14 days`."""
    text = str(value).strip()
    match = re.fullmatch(r"(?:(\S+)\s+)?within\s+(.+)", text)
    if not match:
        raise ParseError(f"{shown(value)} is not a term", "such as within 4 business hours, or 5 within 14 days")
    length = duration(match[2])
    if not (length.seconds or length.business_days):
        raise ParseError("a promise needs time", "such as within 4 business hours", piece=match[2])
    return Deadline(length, whole(match[1], 1) if match[1] else 0, text)


def share(value: Any) -> Share:
    """`45%`, `20% after 30 days`, `rest`, `rest after 60 days`, or {share: 45%, se: 0.03, after: 30 days}.

    By date too, {start: 45%, 2026-06-01: 50%}: the share is then that of the first step.
    """
    if is_schedule(value):
        steps = schedule(value, proportion)
        return Share(float(steps.steps[0][1]), schedule=steps, text=str(value))  # type: ignore[arg-type]  # of shares
    if isinstance(value, dict):
        return _share_of(value)
    text = str(value).strip() if isinstance(value, str) else value
    after: Distribution | None = None
    if isinstance(text, str) and (match := re.fullmatch(r"(.+?)\s+after\s+(.+)", text)):
        text, after = match[1], time_law(match[2])
    return Share(None if text == "rest" else proportion(text), after=after, text=str(value).strip())


def _share_of(value: dict[str, Any]) -> Share:
    allowed = ("share", "se", "of", "after")
    for key in value:
        if key not in allowed:
            hint = f"{did_you_mean(key, allowed)}  allowed: {', '.join(allowed)}".strip()
            raise ParseError(f"unknown key '{key}' in a share", hint, (key,), by_key=True)
    if "share" not in value:
        raise ParseError("this mapping gives no share", "such as {share: 45%, se: 0.03}")
    if value.get("of", "dealt") not in ("dealt", "entered"):
        raise ParseError(f"{shown(value['of'])} is not known here", "dealt or entered", ("of",))
    try:
        found = share(value["share"])
    except ParseError as problem:
        raise problem.under("share") from None
    after = time_law(value["after"]) if "after" in value else found.after
    se = number(value["se"]) if "se" in value else None
    return Share(found.value, se, after, found.schedule, found.text)


def routing(value: Any) -> Routing:
    """`at once`, `daily at 08:00`, or a delay."""
    text = str(value).strip()
    if text in ("at once", "0"):
        return Routing("at once", text=text)
    if match := re.fullmatch(r"daily(?:\s+at\s+(.+))?", text):
        if not match[1]:
            raise ParseError("daily at what time?", "such as daily at 08:00")
        return Routing("daily", at=clock(match[1]), text=text)
    if not re.match(r"[0-9]|[a-z]+\s*\(", text):
        raise ParseError(f"{shown(value)} is not a routing", "at once, daily at 08:00, or a delay such as 4 hours")
    return Routing("delay", delay=time_law(value), text=text)


def breach(value: Any) -> tuple[BreachAction, ...]:
    """`{80%: warn, 100%: escalate, 150%: reassign, 200%: return to discovery after 30 days}`, in file order."""
    if not isinstance(value, dict):
        raise ParseError(f"{shown(value)} is no mapping of percents to actions", "such as {80%: warn, 100%: escalate}")
    found: list[BreachAction] = []
    for key, entry in value.items():
        for one in entry if isinstance(entry, list) else [entry]:
            try:
                found.append(_action(_fraction(key), one))
            except ParseError as problem:
                raise problem.under(key) from None
    return tuple(found)


def _fraction(key: str) -> float:
    match = re.fullmatch(rf"({NUMBER})\s*%", str(key).strip())
    if not match or float(match[1]) <= 0:
        raise ParseError(f"'{key}' is not a fraction of the deadline", "such as 80% or 150%", by_key=True)
    return bounded(float(match[1]) / 100.0, key, MOST_FRACTION, "times the term")


def _action(fraction: float, value: Any) -> BreachAction:
    text = str(value).strip()
    if match := re.fullmatch(r"warn(?:\s+with\s+compliance\s+(.+))?", text):
        return BreachAction(fraction, "warn", compliance=proportion(match[1]) if match[1] else 0.0, text=text)
    if text == "escalate":
        return BreachAction(fraction, "escalate", text=text)
    if match := re.fullmatch(r"reassign(?:\s+to\s+(\S.*?))?(?:\s+up\s+to\s+([0-9]+)\s+times?)?", text):
        return BreachAction(fraction, "reassign", to=match[1], limit=whole(match[2] or 1, 1), text=text)
    if match := re.fullmatch(r"return\s+to\s+(\S.*?)(?:\s+after\s+(.+))?", text):
        after = time_law(match[2]) if match[2] else None
        return BreachAction(fraction, "return", to=match[1], after=after, text=text)
    if text.startswith("warn heeded "):
        new = RENAMED_WORDS["heeded"]
        raise ParseError(f"`heeded` is now `{new}`", text.replace("heeded", new))
    if text == "return":
        raise ParseError("return to which stage?", "such as return to discovery after 30 days")
    guess = did_you_mean(text.split()[0] if text else "", ACTIONS)
    raise ParseError(f"{shown(value)} is not an action", f"{guess}  allowed: {', '.join(ACTIONS)}".strip())
