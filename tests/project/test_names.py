"""A name stands for one thing: no two classes and no two modules are called alike, but for pairs with a reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import funnelsim

SOURCE = Path(funnelsim.__file__).parent

SAME_SUBJECT = "what a scenario says, what it is compiled to, what the engine keeps of it: one subject, one word"
IN_ITS_ROOM = "renamed in its own room"
CLASSES = {
    "Effects": SAME_SUBJECT,
    "Nurture": SAME_SUBJECT,
    "Promises": SAME_SUBJECT,
    "Team": SAME_SUBJECT,
    "Work": SAME_SUBJECT,
    "Curve": IN_ITS_ROOM,
    "Job": IN_ITS_ROOM,
    "Model": IN_ITS_ROOM,
    "Share": IN_ITS_ROOM,
}

# Folders in which a module of the same name treats the same subject, at its own level.
COMMAND = ("cli", "commands", "study")
ENGINES = ("engine.reference", "engine.fast")
SCENARIO = ("scenario.schema", "scenario.check", "scenario.parsers", "compile", "measures", *ENGINES)
REPORTS = ("reporting", "cli", "commands", "")
MODULES = {
    **dict.fromkeys(
        ("anchor", "backtest", "chance", "compare", "explain", "optimise", "run", "seek", "sensitivity", "sweep"),
        COMMAND,
    ),
    "validate": COMMAND,
    "trace": COMMAND,
    "report": REPORTS,
    "figures": REPORTS,
    "result": ("", "calibration"),  # what a run gives, what a calibration gives
    "format": ("reporting",),
    "sections": ("reporting",),
    **dict.fromkeys(
        (
            "levels",
            "nurture",
            "behaviour",
            "definitions",
            "demand",
            "distributions",
            "effects",
            "interest",
            "promises",
            "pursuit",
            "stages",
            "teams",
            "work",
        ),
        SCENARIO,
    ),
}


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(SOURCE)))
    double = {name: where for name, where in places.items() if len(where) > 1 and name not in CLASSES}
    assert not double


def test_no_two_modules_have_one_name_but_at_other_levels_of_one_subject() -> None:
    places = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        if path.stem != "__init__":
            places[path.stem].append(".".join(path.relative_to(SOURCE).parent.parts))
    for folders in places.values():  # the same step by the same name: tests/engine/test_same_steps.py
        if set(ENGINES) <= set(folders):
            folders.remove(ENGINES[0])
    for name, folders in places.items():
        if len(folders) > 1:
            levels = MODULES.get(name, ())
            others = [folder for folder in folders if not any(_is_in(folder, level) for level in levels)]
            assert not others, f"{name} stands in {', '.join(sorted(folders))}"


def test_the_exceptions_are_needed() -> None:
    stems = [path.stem for path in SOURCE.rglob("*.py")]
    assert {name for name in MODULES if stems.count(name) < 2} == set()


def _is_in(folder: str, level: str) -> bool:
    return folder == level or (level != "" and folder.startswith(f"{level}."))
