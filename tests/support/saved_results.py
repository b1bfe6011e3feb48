"""A small result of each command, made once a process and saved: what the report and the figures are tested on.

The scenario has a name that would break a page or a figure that took it as more than words.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import funnelsim as fs
from support.drifting_history import write_funnel
from support.small_funnel import SMALL

NASTY = """<script>alert("1")</script> & 'Sons' {{ 7 * 7 }} $x_1$ </title> 你好"""
VARIED = "sources.web.rate=5..45/week:3"
GOAL = "wins 20"


class Results(NamedTuple):
    """What the functions gave, each saved in a folder."""

    run: fs.Result
    compare: fs.ComparisonResult
    sweep: fs.SweepResult
    seek: fs.SeekResult

    @property
    def folders(self) -> list[Path]:
        return [one.folder for one in self if one.folder is not None]


class Studies(NamedTuple):
    """The same of the commands that ask why, what is best, how likely, and whether forecasts held."""

    explain: fs.ExplanationResult
    sensitivity: fs.SensitivityResult
    optimise: fs.OptimisationResult
    front: fs.OptimisationResult  # of two objectives
    chance: fs.ChanceResult
    backtest: fs.BacktestResult

    @property
    def folders(self) -> list[Path]:
        return [one.folder for one in self if one.folder is not None]


@cache
def results() -> Results:
    """One of each; figures as SVG alone."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    quoted = NASTY.replace("'", "''")
    text = SMALL.replace("name: Small funnel", f"name: '{quoted}'")
    text = text.replace("  interest:\n    work:", "  interest:\n    response: leads360-2012\n    work:", 1)
    (place / "small.yaml").write_text(text, encoding="utf-8")
    (place / "more-sales.yaml").write_text(
        "extends: small.yaml\nname: More <b>sales</b>\nownership:\n  interest: sales\n", encoding="utf-8"
    )
    file, other, out = place / "small.yaml", place / "more-sales.yaml", place / "results"
    return Results(
        fs.run(file, replications=6, out=out, figures="svg,png"),
        fs.compare(file, other, draws=3, pairs=2, robustness=False, out=out, figures="svg"),
        fs.sweep(file, other, vary=[VARIED], replications=3, out=out, figures="svg"),
        fs.seek(file, vary=[VARIED.removesuffix(":3")], goal=GOAL, replications=8, out=out, figures="svg"),
    )


@cache
def studies() -> Studies:
    """One of each, as few points as they can be asked for."""
    run = results().run.folder
    assert run is not None
    out, place = run.parent, run.parents[1]
    file, other = place / "small.yaml", place / "more-sales.yaml"
    history = place / "history"
    history.mkdir()
    search: dict[str, Any] = {
        "vary": [VARIED.removesuffix(":3")],
        "trials": 4,
        "replications": 2,
        "finalists": 2,
        "out": out,
        "figures": "svg",
    }
    return Studies(
        fs.explain(file, other, draws=2, pairs=1, out=out, figures="svg"),
        fs.sensitivity(
            file,
            overrides=["promises.adherence=40% to 90%"],
            vary=["sources.web.cost=20..60"],
            rows=16,
            trajectories=2,
            replications=2,
            out=out,
            figures="svg",
        ),
        fs.optimise(file, maximise=["profit"], **search),
        fs.optimise(file, maximise=["profit"], minimise=["calendar.cost"], **search),
        fs.goal_chance(file, goal=GOAL, replications=8, out=out),
        fs.backtest(write_funnel(history, 1), origins=3, horizon=4, draws=19, distances=False, out=out, figures="svg"),
    )


@cache
def grid() -> fs.SweepResult:
    """A sweep over a grid of two terms, four by four, not saved."""
    results()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "small.yaml"
        file.write_text(SMALL, encoding="utf-8")
        return fs.sweep(
            file,
            vary=["promises.first_touch=within 1..16 business hours:4", "promises.adherence=20%..95%:4"],
            measures=["won", "attainment.interest.sales"],
            replications=2,
            out=None,
        )
