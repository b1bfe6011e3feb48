"""Who may import whom: the table of the architecture, held by walking every import, those inside functions too.

Imports for type checkers only are left out: they bind nothing at run time.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import funnelsim

SOURCE = Path(funnelsim.__file__).parent
FIRST = "funnelsim"
NOBODY: set[str] = set()

# Modules of funnelsim that a part may import, besides itself. The longest name that fits a module is its part.
MAY = {
    "errors": NOBODY,
    "bounded_files": NOBODY,
    "int64": NOBODY,
    "typing": NOBODY,
    "progress": {"errors"},
    "scenario.renamed_keys": NOBODY,
    "scenario.values": NOBODY,
    "scenario.parsers": {"errors", "scenario.renamed_keys", "scenario.values"},  # errors: did you mean
    "scenario": {"bounded_files", "errors", "scenario.parsers", "scenario.renamed_keys", "scenario.values"},
    "calendars": {"errors"},
    "plan_codes": NOBODY,
    "plan": {"int64", "plan_codes", "typing"},
    "summary": {"plan", "int64", "typing"},
    "run_tables": {"plan", "typing"},
    "measures": {"plan", "plan_codes", "summary", "run_tables", "int64", "typing"},
    "export": {"plan", "plan_codes", "run_tables", "typing"},
    "engine": {"plan", "plan_codes", "summary", "run_tables", "int64", "typing"},
    "engine.replicate": {"plan", "summary", "run_tables", "int64", "engine", "measures", "errors"},
    # the samplers: a distribution becomes the very table that both engines draw from
    "compile": {
        "scenario",
        "scenario.parsers",
        "scenario.values",
        "calendars",
        "plan",
        "plan_codes",
        "errors",
        "int64",
        "engine.rng",
        "engine.covariates",
        "typing",
    },
    "atomic_io": {"errors"},
    "manifest": {"bounded_files", "errors", "summary"},
    # the notebook: how a result shows itself there, and a calibration below
    "result": {"errors", "manifest", "measures", "plan", "reporting.common.notebook", "summary", "typing"},
    "study": {
        "compile",
        "engine.covariates",
        "plan",
        "plan_codes",
        "summary",
        "run_tables",
        "measures",
        "scenario",
        "scenario.parsers",
        "scenario.values",
        "errors",
        "progress",
        "engine.replicate",
        "engine.jit",
        "typing",
    },
    # a back-test fits: the one study that does
    "study.backtest": {
        "study",
        "calibration",
        "compile",
        "engine.replicate",
        "engine.jit",
        "errors",
        "measures",
        "plan",
        "plan_codes",
        "scenario",
        "scenario.values",
        "run_tables",
        "progress",
        "typing",
    },
    "calibration": {
        "bounded_files",
        "scenario",
        "scenario.parsers",
        "scenario.values",
        "errors",
        "plan",
        "plan_codes",
        "run_tables",
        "export",
        "progress",
        "atomic_io",
        "calendars",
        "reporting.common.notebook",
        "typing",
    },
    "reporting": {
        "calibration",
        "engine.covariates",
        "errors",
        "measures",
        "plan",
        "plan_codes",
        "result",
        "study",
        "study.backtest",
        "summary",
        "typing",
    },
    "reporting.common.notebook": {"reporting", "result"},
    # a saved folder: its manifest holds the scenarios
    "reporting.html": {"errors", "manifest", "reporting", "result", "scenario", "study"},
}
# Packages from elsewhere that a part must never import.
NEVER = {
    "errors": {"numpy", "numba", "pydantic", "polars", "scipy", "matplotlib", "simpy"},
    "progress": {"numpy", "numba", "pydantic", "polars", "scipy", "matplotlib", "simpy"},
    "plan": {"pydantic", "polars", "scipy", "matplotlib", "simpy"},
    "engine": {"pydantic", "polars", "matplotlib"},
    "measures": {"numba", "pydantic", "polars", "matplotlib", "simpy"},
    "run_tables": {"numba", "pydantic", "polars", "matplotlib", "simpy", "scipy"},
    "calibration": {"numba", "simpy", "matplotlib"},
}
# the commands may use everything; report is one when it is called
FREE = {"__init__", "__main__", "api", "figures", "reporting.__init__"}
COMMANDS = ("cli", "commands")


def modules() -> list[str]:
    return sorted(".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in SOURCE.rglob("*.py"))


def part_of(module: str, parts: set[str]) -> str:
    module = module.removesuffix(".__init__")
    fitting = [part for part in parts if module == part or module.startswith(part + ".")]
    return max(fitting, key=len, default="")


def imported(module: str, types_too: bool = False) -> set[str]:
    """Full names of the modules that a module imports at run time, or for type checkers besides."""
    file = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
    names: set[str] = set()
    _walk(ast.parse(file.read_text(encoding="utf-8")), names, types_too)
    return names


def _walk(node: ast.AST, names: set[str], types_too: bool) -> None:
    if (
        not types_too
        and isinstance(node, ast.If)
        and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    ):
        return
    if isinstance(node, ast.Import):
        names.update(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        assert node.level == 0, "imports are absolute"
        names.update(_target(node.module, alias.name) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        _walk(child, names, types_too)


def _target(module: str, name: str) -> str:
    """`from a import b`: the module a.b when there is one, else a."""
    place = SOURCE.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if place.with_suffix(".py").exists() or (place / "__init__.py").exists() else module


@pytest.mark.parametrize("module", modules())
def test_who_imports_whom(module: str) -> None:
    if module in FREE or module.split(".")[0] in COMMANDS or module == "engine.__init__":
        return
    part = part_of(module, set(MAY))
    assert part, f"{module} belongs to no part: say in MAY what it may import"
    for name in imported(module):
        top, _, inside = name.partition(".")
        if top != FIRST:
            assert top not in NEVER.get(part, NOBODY), f"{module} imports {top}"
        elif inside:
            other = part_of(inside, set(MAY))
            allowed = MAY[part] | {part}
            fits = other in allowed or any(inside == one or inside.startswith(one + ".") for one in allowed)
            assert fits, f"{module} ({part}) imports {inside}"


# Cycles that are known, each by its modules: at run time none is allowed elsewhere.
KNOWN_AT_RUN_TIME = [
    {"scenario.toml_nodes", "scenario.yaml_nodes"},
    {"reporting.common.notebook", "reporting.handoff.report", "reporting.run.report", "result"},
]


def test_nobody_imports_itself_by_a_detour_at_run_time() -> None:
    assert cycles_among({module: inside_of(imported(module)) for module in modules()}) == sorted(
        map(sorted, KNOWN_AT_RUN_TIME)
    )


def test_for_types_only_the_reference_engine_goes_in_circles() -> None:
    """Its lead, visit and team are told of each other; elsewhere a type has its place below those who use it."""
    known = set().union(*KNOWN_AT_RUN_TIME)
    for cycle in cycles_among({module: inside_of(imported(module, types_too=True)) for module in modules()}):
        others = {one for one in cycle if not one.startswith(("engine.reference.", "commands."))} - known
        assert not others, f"these import each other: {', '.join(sorted(cycle))}"


def inside_of(names: set[str]) -> set[str]:
    return {name.removeprefix(f"{FIRST}.") for name in names if name.startswith(f"{FIRST}.")}


def cycles_among(imports: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach each other, in order."""
    graph = {module.removesuffix(".__init__"): names for module, names in imports.items()}
    reach = {module: reached_from(module, graph) for module in graph}
    groups = {frozenset(other for other in reach[one] if one in reach.get(other, ())) for one in graph}
    return sorted(sorted(group) for group in groups if group)


def reached_from(module: str, graph: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [module]
    while ahead:
        new = graph.get(ahead.pop(), set()) - reached
        reached |= new
        ahead += new
    return reached


def test_the_table_names_parts_that_are_there() -> None:
    parts = {part_of(module, set(MAY)) for module in modules()}
    assert set(MAY) <= parts
    assert {one for may in MAY.values() for one in may} <= set(MAY) | {"engine.covariates", "engine.jit", "engine.rng"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("funnelsim", ("numpy", "pydantic")),
        ("funnelsim.cli", ("numpy", "pydantic", "click.testing")),
        ("funnelsim.errors", ("numpy",)),
        ("funnelsim.scenario", ("numba", "polars", "simpy", "matplotlib")),
        ("funnelsim.measures", ("numba", "scipy", "polars", "pydantic")),
        ("funnelsim.plan", ("numba", "pydantic")),
        ("funnelsim.commands.run", ("matplotlib",)),
        ("funnelsim.commands.report", ("matplotlib", "numba", "simpy")),
        ("funnelsim.figures", ("matplotlib", "numpy")),
    ],
)
def test_what_an_import_brings_along(module: str, never: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*[name for name in {never!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_every_public_name_is_there() -> None:
    for name in funnelsim.__all__:
        assert getattr(funnelsim, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = funnelsim.nothing
