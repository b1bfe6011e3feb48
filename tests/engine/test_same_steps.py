"""The fast engine is divided as the reference is: the same modules, and in them the same steps by the same names.

A step that one of them names otherwise cannot be found in the other. What only one engine needs is listed too.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from funnelsim.engine import fast, reference

FAST, REFERENCE = (Path(engine.__file__).parent for engine in (fast, reference))
ONLY_FAST = {"arrivals", "counting", "event_heap", "loop", "rows", "state"}
ONLY_REFERENCE = {"events", "simulation", "trail"}
# Steps of both engines, by module; the reference has the others as methods of what they are about.
STEPS = {
    "acceptance": "window_ends",
    "assignment": "apply_breach_action count_touch expedite offer_to_team promised_attempts start_working",
    "attempts": "after_no_answer attempt_due contact_chance due",
    "clocks": "add after end moved schedule_action start_clocks",
    "definitions": "expect_crossing pass_milestones",
    "draws": "",
    "duplicates": "expect_second turn_up",
    "effects": "effects_on",
    "gate": "choose draw_at_gate draw_at_gate_given_age is_open leave_forward wait",
    "lead": "birth_duration draw_traits owner_of segment",
    "levels": "on_assignment on_decision on_outcome on_passage review schedule_review update",
    "loss_attribution": "blame_for",
    "nurture": "apply_touches hand_over",
    "outcome": "draw_chance draw_outcome_given_age leave_by_group length_given_age "
    "residual_time reveal_outcome row_given_age take_exit",
    "promises": "draw_adherence promise_for",
    "pursuit": "draw_pursued habit_delay",
    "queues": "",
    "scores": "is_reached score_now threshold",
    "signals": "duration expect_signal happen_signal pause raise_hand",
    "tasks": "draw duration",
    "team": "dispatch",
    "visit": "lose_context resume_visit route start_patience",
    "work": "join start",
}


def test_both_engines_have_the_same_modules() -> None:
    fast_modules, reference_modules = modules(FAST), modules(REFERENCE)

    assert fast_modules - reference_modules == ONLY_FAST
    assert reference_modules - fast_modules == ONLY_REFERENCE
    assert fast_modules & reference_modules == set(STEPS)


@pytest.mark.parametrize("module", STEPS)
def test_a_step_has_the_same_name_in_both(module: str) -> None:
    in_both = functions(FAST / f"{module}.py") & functions(REFERENCE / f"{module}.py")

    assert in_both == set(STEPS[module].split()), "say here which steps both engines have"


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def functions(file: Path) -> set[str]:
    """Names of all functions and methods, private ones without their underscore."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name.strip("_") for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)} - {"init"}
