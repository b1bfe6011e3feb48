"""From what people write, on the command line or in a study file, to axes, goals and amounts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from funnelsim.errors import UsageError
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.parsers.numbers import money
from funnelsim.scenario.template import ScenarioTemplate
from funnelsim.study.axes import read_axes
from funnelsim.study.goals import MeasureGoal, goal_of, possible_measures, read_goal
from funnelsim.study.point import RunSize
from funnelsim.study.study_file import StudyFile, is_study, read_study
from funnelsim.study.task_builder import TaskBuilder


def study_from_args(
    file: str | Path, others: Sequence[str | Path], vary: Sequence[str], overrides: Sequence[str]
) -> StudyFile:
    """The study in the file, or one of the scenarios given, with the axes and texts of the command line added."""
    if is_study(str(file)):
        if others:
            raise UsageError("a study file names its scenarios: give it alone")
        asked = read_study(str(file))
    else:
        asked = StudyFile("", scenarios=[str(one) for one in (file, *others)])
    added = read_axes(vary)
    taken = {axis.path for axis in added}
    asked.axes = [*(axis for axis in asked.axes if axis.path not in taken), *added]
    asked.overrides = [*asked.overrides, *overrides]
    if not asked.axes:
        raise UsageError("nothing is varied: say --vary sources.search.rate=80..480/week:11")
    return asked


def optional_goal(text: str, template: ScenarioTemplate) -> MeasureGoal | None:
    """A goal of the command line or of a study file, in the units of a scenario's measures; else the scenario's own."""
    if not text:
        return goal_of(template.loaded.scenario)
    planner = TaskBuilder(0, template.loaded.scenario.seed, RunSize())
    blueprint, _ = planner.compiled(template, ())
    return read_goal(text, possible_measures(blueprint.centre, blueprint.book), blueprint.book)


def required_goal(text: str, template: ScenarioTemplate) -> MeasureGoal:
    """The goal in a text, else the scenario's own; UsageError when there is none."""
    wanted = optional_goal(text, template)
    if wanted is None:
        raise UsageError(
            'which goal? Write `goal: {wins: 200, by: 2026-12-31}` in the scenario, or --goal "wins 200 by 2026-12-31"'
        )
    return wanted


def parse_booked(value: str | float | None) -> float:
    """What counts towards the goal already."""
    try:
        return money(value) if value is not None else 0.0
    except ParseError as problem:
        raise UsageError(f"--booked: {problem.text}. {problem.hint}") from None
