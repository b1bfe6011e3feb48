"""The story of a lead as text: the end in a sentence, what happened when, in local time, why a promise was missed.

Below each decision stand the draw, the chance and the share of every effect in it; with `verbose` also the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from funnelsim.engine.covariates import EffectInput
from funnelsim.plan_codes import ActionKind, ClockState, Outcome, SignalFlag, TaskKind, TermKind, name_of
from funnelsim.reporting.common.format import duration, money
from funnelsim.study.lead_story import LeadStory

TERMS = {TermKind.FIRST_TOUCH: "first touch", TermKind.ATTEMPTS: "attempts", TermKind.ACCEPTANCE: "acceptance"}
ENDS = {
    Outcome.FORWARD: "goes on to {to}",
    Outcome.BACK: "goes back to {to}",
    Outcome.END: "stays in {stage}, the end of the funnel",
    Outcome.LOST: "is lost",
    Outcome.UNREACHED: "was never reached",
    Outcome.COLD: "has gone cold",
    Outcome.RETURNED: "is sent back",
    Outcome.CYCLE_LIMIT: "is lost: it has come back as often as a lead may",
    Outcome.SILENT: "is never heard of again",
    Outcome.OPEN: "is still in {stage} when the simulation ends",
    Outcome.REJECTED: "is turned down",
}


def trace_report(story: LeadStory, verbose: int = 0) -> str:
    """The whole story."""
    telling = _Telling(story)
    lines = [telling.headline(), telling.traits(), ""]
    shown = ""
    for event in story.events:
        when = telling.local(event.time)
        sentence = telling.sentence(event)
        rule = f"  [{event.rule}]" if verbose else ""
        lines.append(f"{when if when != shown else '':16}  {sentence}{rule}")
        shown = when
        lines += [f"{'':16}    {line}" for line in telling.decision(event)]
    if reasons := list(telling.missed_promises()):
        lines += ["", "Why a promise was missed", *(f"  {reason}" for reason in reasons)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def trace_data(story: LeadStory) -> dict[str, Any]:
    """The same as plain data: seconds since `start`, local times, names in place of indices."""
    telling = _Telling(story)
    events = [
        {
            "seconds": event.time,
            "local": telling.instant(event.time).isoformat(),
            "what": event.kind,
            "rule": event.rule,
            "stage": story.labels.stages[event.stage],
            "team": story.labels.teams[event.team] if event.team >= 0 else None,
            "sentence": telling.sentence(event),
            **{name: None if value in (math.inf, -math.inf) else value for name, value in event.facts.items()},
            "decision": telling.decision_data(event),
        }
        for event in story.events
    ]
    return {
        "lead": story.lead,
        "seed": story.seed,
        "replication": story.replication,
        "answer": telling.headline(),
        "events": events,
        "missed_promises": list(telling.missed_promises()),
    }


class _Telling:
    """Names and local times of one story."""

    def __init__(self, story: LeadStory) -> None:
        self.story, self.labels, self.plan = story, story.labels, story.plan
        self.zone = ZoneInfo(story.labels.timezone)
        self.start = datetime.fromisoformat(story.labels.start)

    # ---- times and names --------------------------------------------------------------------------------------------

    def instant(self, seconds: float) -> datetime:
        return (self.start + timedelta(seconds=seconds)).astimezone(self.zone)

    def local(self, seconds: float) -> str:
        """Mon 05 Jan 09:12"""
        return f"{self.instant(seconds):%a %d %b %H:%M}"

    def until(self, seconds: float) -> str:
        return self.local(seconds) if seconds < math.inf else "never"

    def team(self, index: int) -> str:
        return self.labels.teams[index] if index >= 0 else "nobody"

    def stage(self, index: int) -> str:
        return self.labels.stages[index]

    # ---- the answer -------------------------------------------------------------------------------------------------

    def headline(self) -> str:
        """How it ended."""
        visits, story = self.story.visits, self.story
        source = self.labels.sources[visits[0].source]
        last = visits[-1]
        end = ENDS[Outcome(int(last.outcome))].format(stage=self.stage(last.stage), to=self._target(last.to))
        won = self._won_after()
        ended = f"won after {duration(won)}" if won is not None else end
        return f"Lead {story.lead} of {source}, replication {story.replication}: {ended}."

    def traits(self) -> str:
        """What it was born with."""
        first = self.story.visits[0]
        return (
            f"segment {self.labels.segments[first.segment]}, fit {first.fit:.2f}, "
            f"worth {money(first.value / 100.0, self.labels.currency)}, "
            f"{'in flight at the start' if first.arrived < 0.0 else 'arrived ' + self.local(first.arrived)}"
        )

    def _won_after(self) -> float | None:
        for event in self.story.events:
            if event.kind == "passes" and event.facts["definition"] == self.labels.won:
                return float(event.time - self.story.visits[0].arrived)
        return None

    def _target(self, to: int) -> str:
        return self.stage(to) if to >= 0 else "nowhere"

    # ---- what happened ----------------------------------------------------------------------------------------------

    def sentence(self, event: Any) -> str:
        """One event in words."""
        return SENTENCES[event.kind](self, event, event.facts)

    def decision(self, event: Any) -> Iterator[str]:
        """The draw against its chance; the chance without effects, and each effect's share."""
        made = event.decision
        if made is None:
            return
        sign = "<" if made.happens else ">="
        yield f"draw {made.draw:.3f} {sign} chance {made.chance:.3f}: {'yes' if made.happens else 'no'}"
        if made.effects:
            shares = ", ".join(f"{self._effect(row)} {share:+.2f}" for row, share in made.effects)
            yield f"without effects {made.base:.3f}; on the log-odds: {shares}"

    def decision_data(self, event: Any) -> dict[str, Any] | None:
        made = event.decision
        if made is None:
            return None
        effects = {self._effect(row): share for row, share in made.effects}
        numbers = {"draw": made.draw, "chance": made.chance, "without_effects": made.base}
        return {"happens": made.happens, **numbers, "effects": effects}

    def _effect(self, row: int) -> str:
        effect = self.plan.effects[row]
        if effect["input"] == EffectInput.LEVEL:
            return f"level {self.labels.levels[effect['of']]}"
        return name_of(EffectInput(int(effect["input"])))

    # ---- why a promise was missed -----------------------------------------------------------------------------------

    def missed_promises(self) -> Iterator[str]:
        """For each missed first touch: whom it waited for, and what stood in the way."""
        since: dict[str, Any] = {}
        for event in self.story.events:
            if event.kind == "assigned":
                since = {"assigned": event}
            since[event.kind] = event
            if event.kind == f"clock {name_of(ClockState.MISSED)}":
                yield self._reason(event, since)

    def _reason(self, missed: Any, since: dict[str, Any]) -> str:
        term, deadline = TERMS[TermKind(missed.facts["term"])], missed.facts["deadline"]
        team = self.team(missed.team)
        text = f"{term} by {team} was due {self.local(deadline)}."
        if (pursues := since.get("pursues")) and not pursues.decision.happens:
            return f"{text} {team} left the lead alone: it was not its own."
        if (adheres := since.get("adheres")) and not adheres.decision.happens:
            text += f" {team} did not act as promised."
        if habit := since.get("habit"):
            turned = habit.time + habit.facts["delay"]
            if turned > deadline:
                when = f"only {self.local(turned)}" if turned < math.inf else "never"
                return f"{text} By habit it turned to the lead {when}."
        if joined := since.get("joins queue"):
            return f"{text} {self._queued(joined, deadline)}"
        return f"{text} The lead was still on its way to the queue."

    def _queued(self, joined: Any, deadline: float) -> str:
        facts, when = joined.facts, self.local(joined.time)
        if joined.time > deadline:
            return f"The lead joined the queue only {when}."
        if facts["present"] == 0:
            return f"The lead joined the queue {when}, when nobody was there, behind {facts['waiting']} others."
        busy = f"{facts['busy']} of {facts['present']} people busy"
        return f"The lead joined the queue {when}, behind {facts['waiting']} others, with {busy}."


Sentence = Callable[[_Telling, Any, dict[str, Any]], str]


def _enters(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    again = f", for the {facts['number']}. time" if facts["number"] > 1 else ""
    return f"enters {telling.stage(event.stage)}{again}"


def _assigned(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    promised = f" under promise {facts['promise'] + 1}" if facts["promise"] >= 0 else ""
    return f"{telling.team(event.team)} answers for it{promised}"


def _joins(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    people = f"{facts['busy']} of {facts['present']} people busy" if facts["present"] else "nobody is there"
    return f"joins the queue of {telling.team(event.team)}: {facts['waiting']} wait, {people}"


def _attempt(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    unreachable = "" if facts["reachable"] else "; this buyer cannot be reached"
    return f"attempt {facts['attempt']} by rep {facts['rep'] + 1} of {telling.team(event.team)}{unreachable}"


def _after(delay: float) -> str:
    return f"after {duration(delay)}" if delay < math.inf else "never"


def _task(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    task = telling.plan.tasks[facts["task"]]
    what = "does the buyer show" if task["kind"] == TaskKind.MEETING else "is it resolved"
    return f"{telling.labels.tasks[facts['task']]}, try {facts['attempt']}: {what}?"


def _leaves(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    words = {"stage": telling.stage(event.stage), "to": telling._target(facts["to"])}
    end = ENDS[Outcome(facts["outcome"])].format(**words)
    nurtured = f", after {facts['touches']} touches of nurture" if facts["touches"] else ""
    cool = f", back {telling.until(facts['back'])}" if facts["back"] > 0.0 else ""
    return f"{end}{nurtured}{cool}"


def _signal(telling: _Telling, event: Any, facts: dict[str, Any]) -> str:
    flags = [name for flag, name in ((SignalFlag.RAISES_HAND, "raises a hand"), (SignalFlag.PAUSES, "asks for a pause"))
             if facts["flags"] & flag]  # fmt: skip
    return " and ".join([f"signal of the buyer: {facts['points']:+g} points", *flags])


SENTENCES: dict[str, Sentence] = {
    "enters": _enters,
    "in flight": lambda t, e, f: f"in {t.stage(e.stage)} since {duration(f['age'])}, {f['attempts']} attempts made",
    "passes": lambda t, e, f: f"is now {t.labels.definitions[f['definition']]}",
    "handed over": lambda t, e, f: (
        f"is handed from {t.team(f['before'])} to {t.team(f['to'])}; context left {f['context']:.0%}"
    ),
    "routed": lambda t, e, f: f"on its way until {t.until(f['until'])}",
    "assigned": _assigned,
    "adheres": lambda t, e, f: f"does {t.team(e.team)} act as promised?",
    "pursues": lambda t, e, f: f"does {t.team(e.team)} work a lead that is not its own?",
    "habit": lambda t, e, f: f"{t.team(e.team)} turns to new leads by habit, to this one {_after(f['delay'])}",
    "clock starts": lambda t, e, f: f"promise: {TERMS[TermKind(f['term'])]} by {t.until(f['deadline'])}",
    "clock met": lambda t, e, f: f"promise met: {TERMS[TermKind(f['term'])]}",
    "clock missed": lambda t, e, f: f"promise missed: {TERMS[TermKind(f['term'])]}, due {t.until(f['deadline'])}",
    "clock censored": lambda t, e, f: f"promise neither met nor missed: {TERMS[TermKind(f['term'])]}",
    "breach action": lambda t, e, f: f"at {f['fraction']:.0%} of the promise: {name_of(ActionKind(f['action']))}",
    "heeds": lambda t, e, f: f"does {t.team(e.team)} heed the warning?",
    "accepts": lambda t, e, f: f"{t.team(e.team)} accepts it: score {f['score']:.1f}, threshold {f['least']:.1f}",
    "rejects": lambda t, e, f: f"{t.team(e.team)} turns it down: score {f['score']:.1f}, threshold {f['least']:.1f}",
    "decision timed out": lambda t, e, f: (
        f"{t.team(e.team)} has not looked in time: {'accepted' if f['accepted'] else 'turned down'} by default"
    ),
    "joins queue": _joins,
    "attempt": _attempt,
    "next attempt due": lambda t, e, f: f"next attempt due {t.until(f['until'])}",
    "passed on": lambda t, e, f: f"the next step of the work is {t.team(f['to'])}'s",
    "reached": lambda t, e, f: "the buyer is reached",
    "task": _task,
    "gave up": lambda t, e, f: f"{t.team(e.team)} gives up after {f['attempts']} attempts",
    "patience over": lambda t, e, f: "the buyer's patience is over",
    "signal": _signal,
    "raises hand": lambda t, e, f: "the team turns to it now",
    "pause": lambda t, e, f: f"nothing falls due before {t.until(f['until'])}; the clocks stand still",
    "found again": lambda t, e, f: "turns up again as a second record, which is merged",
    "looks at gate": lambda t, e, f: (
        f"{t.labels.definitions[f['definition']]}: score {'at or above' if f['opens'] else 'below'} the threshold "
        f"({f['above']:+.1f}); the way on is {'open' if f['opens'] else 'closed'}"
    ),
    "goes on": lambda t, e, f: "does it go on?",
    "outcome shows later": lambda t, e, f: f"the buyer takes until {t.until(f['until'])}",
    "leaves": _leaves,
}
