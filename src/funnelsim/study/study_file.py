"""A study as a file: which scenarios, what is varied, what is measured, and how often.

    scenarios: [old-way.yaml, shared-funnel.yaml]       # beside this file; one alone: scenario: old-way.yaml
    set: [teams.marketing.people=5]                     # held at every point
    vary:
      sources.search.rate: 80..480/week:11
      teams.sales.people: 3..7
    measure: [cohort.won, cohort.profit]
    design: grid                                        # or latin:200, sobol:256
    replications: 50                                    # or precision: 3%
    goal: wins 200 by 2026-12-31
    seed: 7

`seek` has `chance` besides, `optimise` has

    maximise: cohort.profit                             # or a list; minimise likewise
    subject_to: [calendar.cost <= 900k]
    trials: 200

A file with `vary` is a study; every mistake in it is told at once, with its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from funnelsim.errors import Problem, ScenarioError, UsageError, did_you_mean
from funnelsim.scenario.parsers import ParseError, shown
from funnelsim.scenario.parsers.numbers import proportion, whole
from funnelsim.scenario.yaml_nodes import Node, plain, problem_at, read
from funnelsim.study.axes import Axis, SamplingDesign, axes_of_file, read_design

KEYS = (
    "name",
    "about",
    "scenario",
    "scenarios",
    "set",
    "vary",
    "measure",
    "design",
    "replications",
    "precision",
    "goal",
    "chance",
    "seed",
    "maximise",
    "minimise",
    "subject_to",
    "trials",
)


@dataclass
class StudyFile:
    """What a study file says; what it leaves out is None or empty."""

    file: str
    name: str = ""
    scenarios: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    axes: list[Axis] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    design: SamplingDesign | None = None
    replications: int | None = None
    precision: float | None = None
    goal: str = ""
    chance: float | None = None
    seed: int | None = None
    maximise: list[str] = field(default_factory=list)
    minimise: list[str] = field(default_factory=list)
    subject_to: list[str] = field(default_factory=list)
    trials: int | None = None


def is_study(file: str) -> bool:
    """Whether a file is a study and no scenario; a file that cannot be read is none."""
    if not Path(file).is_file() or Path(file).suffix == ".json":
        return False
    try:
        tree = read(file)
    except ScenarioError:
        return False
    return isinstance(tree.value, dict) and "vary" in tree.value


def read_study(file: str) -> StudyFile:
    """The study in a file, or ScenarioError with every problem at once."""
    reader = _Reader(file)
    study = reader.study(read(file))
    if reader.problems:
        raise ScenarioError(sorted(reader.problems, key=lambda one: (one.line, one.column)), file)
    return study


class _Reader:
    """Takes the tree apart and writes down what is wrong."""

    def __init__(self, file: str) -> None:
        self.study_file = StudyFile(file)
        self.problems: list[Problem] = []

    def study(self, root: Node) -> StudyFile:
        study, keys = self.study_file, root.value
        for key, node in keys.items():
            if key not in KEYS:
                self.report(node.at, f"unknown key '{key}'", f"{did_you_mean(key, KEYS)}  allowed: {', '.join(KEYS)}")
        study.name = str(keys["name"].value) if "name" in keys else ""
        self.scenarios(keys, root)
        study.overrides = self.words(keys.get("set"), "such as [teams.sales.people=6]")
        vary = keys["vary"]
        if isinstance(vary.value, dict) and vary.value:
            study.axes = axes_of_file(vary, self.problems)
        else:
            self.report(vary.at, "`vary` says which paths are varied", "such as vary: {teams.sales.people: 3..7}")
        study.measures = self.words(keys.get("measure"), "such as [cohort.won, cohort.profit]")
        study.goal = str(keys["goal"].value) if "goal" in keys else ""
        study.maximise, study.minimise = (
            self.words(keys.get(key), "such as [cohort.profit]") for key in ("maximise", "minimise")
        )
        study.subject_to = self.words(keys.get("subject_to"), "such as [calendar.cost <= 900k]")
        self.numbers(keys)
        return study

    def scenarios(self, keys: dict[str, Node], root: Node) -> None:
        named = keys.get("scenarios") or keys.get("scenario")
        if "scenario" in keys and "scenarios" in keys:
            self.report(keys["scenario"].at, "either `scenario` or `scenarios`", "one of them")
        if named is None:
            self.report(root.place, "which scenario is varied?", "such as scenario: old-way.yaml")
            return
        folder = Path(self.study_file.file).parent
        for node in named.value if isinstance(named.value, list) else [named]:
            path = folder / str(node.value)
            if not isinstance(node.value, str) or not path.is_file():
                near = [one.name for one in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
                self.report(node.place, f"there is no file {path}", did_you_mean(path.name, near))
            self.study_file.scenarios.append(str(path))

    def numbers(self, keys: dict[str, Node]) -> None:
        study = self.study_file
        study.replications = self.value(keys.get("replications"), lambda value: whole(value, 1))
        study.precision = self.value(keys.get("precision"), proportion)
        study.chance = self.value(keys.get("chance"), proportion)
        study.seed = self.value(keys.get("seed"), whole)
        study.trials = self.value(keys.get("trials"), lambda value: whole(value, 1))
        study.design = self.value(keys.get("design"), lambda value: read_design(str(value)))
        if "replications" in keys and "precision" in keys:
            self.report(keys["precision"].at, "either `replications` or `precision`", "not both")

    def words(self, node: Node | None, hint: str) -> list[str]:
        if node is None:
            return []
        words = plain(node) if isinstance(node.value, list) else [plain(node)]
        if not all(isinstance(word, str) and word.strip() for word in words):
            self.report(node.place, f"{shown(plain(node))} is not a list of words", hint)
            return []
        return [word.strip() for word in words]

    def value(self, node: Node | None, one: Any) -> Any:
        if node is None:
            return None
        try:
            return one(plain(node))
        except ParseError as problem:
            self.report(node.place, problem.text, problem.hint)
        except UsageError as error:
            self.report(node.place, str(error), "")
        return None

    def report(self, place: Any, text: str, hint: str) -> None:
        self.problems.append(problem_at(place, text, hint.strip()))
