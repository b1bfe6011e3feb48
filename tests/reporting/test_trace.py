"""The story of a lead, against the tables of the same replication: each thing it tells can be read off a row there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import UsageError
from funnelsim.plan_codes import AttemptEnd, ClockState, Outcome, name_of
from support.small_funnel import write_small

PROMISED = """
extends: small.yaml
fit_spread: 1
promises:
  attempts: 2 within 5 days
  on_breach: {80%: warn with compliance 50%, 100%: escalate}
effects: {fit: {odds: 1.5}}
"""
TEN = 10


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trace")
    write_small(folder)
    file = folder / "promised.yaml"
    file.write_text(PROMISED)
    return file


@pytest.fixture(scope="module")
def stories(promised: Path) -> list[Any]:
    """Ten leads of one replication, with all that happened to each."""
    first = fs.trace(promised, which="late").story
    leads = [int(lead) for lead in _leads(promised)[:TEN]]
    return [fs.trace(promised, lead=lead).story for lead in {first.lead, *leads}]


def _leads(file: Path) -> Any:
    from funnelsim.commands.run import prepare_run
    from funnelsim.engine.replicate import replicate
    from funnelsim.progress import Progress

    job = prepare_run(file, (), None, Progress())
    (trace,) = replicate(job.plan(0), job.seed, [0], tables=True).traces or []
    return np.unique(trace.visits.lead)


def of(story: Any, kind: str) -> list[Any]:
    return [event for event in story.events if event.kind == kind]


def test_each_visit_is_entered_and_left_as_its_row_says(stories: list[Any]) -> None:
    for story in stories:
        assert [(event.time, event.stage) for event in of(story, "enters")] == [
            (visit.entered, visit.stage) for visit in story.visits
        ]
        left = [(event.stage, event.facts["outcome"], event.facts["to"]) for event in of(story, "leaves")]
        assert left == [(visit.stage, visit.outcome, visit.to) for visit in story.visits]


def test_each_attempt_reaches_the_buyer_when_its_draw_lies_below_its_chance(stories: list[Any]) -> None:
    told = 0
    for story in stories:
        rows = [row for row in story.attempts if row.started >= 0.0 and row.task < 0]
        events = of(story, "attempt")
        assert [(event.time, event.facts["attempt"]) for event in events] == [
            (row.started, row.ordinal) for row in rows
        ]
        for event, row in zip(events, rows, strict=True):
            if row.end in (AttemptEnd.CONTACT, AttemptEnd.NO_ANSWER):
                assert event.decision.happens == (row.end == AttemptEnd.CONTACT)
        told += len(events)
    assert told >= TEN


def test_each_chance_is_its_base_moved_by_the_effects(stories: list[Any]) -> None:
    moved = 0
    for story in stories:
        goes_on = of(story, "goes on")
        drawn = [visit for visit in story.visits if visit.chance >= 0.0]
        assert [event.decision.chance for event in goes_on] == [visit.chance for visit in drawn]
        for event, visit in zip(goes_on, drawn, strict=True):
            shift = sum(share for _, share in event.decision.effects)
            assert shift == pytest.approx(visit.shift, abs=1e-12)
            assert event.decision.happens == (visit.outcome == Outcome.FORWARD) or visit.outcome == Outcome.OPEN
            moved += bool(event.decision.effects)
    assert moved > 0


def test_each_clock_ends_as_the_assignment_says(stories: list[Any]) -> None:
    missed = 0
    for story in stories:
        for state in (ClockState.MET, ClockState.MISSED, ClockState.CENSORED):
            rows = sum(int(row.first_touch == state) + int(row.attempts_within == state) for row in story.assignments)
            assert len(of(story, f"clock {name_of(state)}")) == rows
        missed += len(of(story, "clock missed"))
        adhered = [int(event.decision.happens) for event in of(story, "adheres")]
        assert adhered == [int(row.adhered) for row in story.assignments if row.adhered >= 0]
    assert missed > 0


def test_the_reason_of_a_miss_says_who_and_when(promised: Path) -> None:
    said = fs.trace(promised, which="late").report()
    reason = said[said.index("Why a promise was missed") :]
    assert re.search(r"first touch by (?:sales|marketing) was due \w{3} \d\d \w{3} \d\d:\d\d\. \S", reason), reason


def test_what_is_told_stands_in_local_time_with_rules_when_asked(promised: Path) -> None:
    story = fs.trace(promised, which="won")
    plain, verbose = story.report(), story.report(verbose=1)
    assert ": won after " in plain.splitlines()[0]
    first = story.as_data()["events"][0]
    assert first["local"].endswith(("+01:00", "+02:00")), "the office is in Berlin"
    assert "[52]" in verbose and "[52]" not in plain


def test_json_holds_the_same_story(promised: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["trace", str(promised), "--lost", "--json", "-q"]) == 0
    data = json.loads(capsys.readouterr().out)
    story = fs.trace(promised, which="lost").story
    assert data["lead"] == story.lead and len(data["events"]) == len(story.events)
    assert all(0.0 <= event["decision"]["draw"] < 1.0 for event in data["events"] if event["decision"])


def test_a_saved_run_tells_of_its_own_leads(promised: Path, tmp_path: Path) -> None:
    saved = fs.run(promised, replications=2, out=tmp_path, tables=True, figures=False).folder
    assert saved is not None
    from_file, from_run = fs.trace(promised, which="won", replication=1), fs.trace(saved, which="won", replication=1)
    assert from_run.report() == from_file.report()
    with pytest.raises(UsageError, match="taken as it is"):
        fs.trace(saved, ["seed=3"], which="won")


def test_the_path_is_a_picture(promised: Path, tmp_path: Path) -> None:
    for name in ("path.png", "path.svg"):
        fs.trace(promised, which="won", figure=tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lead", "999"], "replication 0 has no lead 999 among its "),
        (["--lead", "7", "--won"], "give a lead or what it should be, not both"),
    ],
)
def test_what_cannot_be_told(
    words: list[str], message: str, promised: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(["trace", str(promised), *words, "-q"]) == 2
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said
