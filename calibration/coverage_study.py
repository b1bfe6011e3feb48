"""Do the intervals keep their promise? Simulated by funnelsim, exported, calibrated, compared: `make study-coverage`.

    python calibration/coverage_study.py [--out FILE] [--shares 500] [--forecasts 400] [--seconds 600]

Shares: 95 % intervals of a conversion of 12 % in eight cells: the true law is Weibull, lognormal, gamma or none of
these (generalised gamma), followed for 120 or for 40 days; 2,000 leads each.
Forecasts: a history of 26 weeks is cut, fitted, and simulated on from the leads in flight; 90 % intervals of the
customers of the next 8 weeks, luck and ignorance together, against those of the simulated truth itself.

Every repetition is a line of FILE (default results/coverage.jsonl) by its number: what is there is not done again, and
a study can be stopped (`--seconds`) and taken up. Repetition n is the same whatever was done before it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from funnelsim.calibration import calibrate
from funnelsim.calibration.report.scenario_text import empirical_text
from funnelsim.compile import Blueprint, compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.scenario import load
from history_export import export_history

DAY, START = 86400.0, np.datetime64("2025-01-06")
SHARE, LEADS = 0.12, 2000
DRAWS = 39  # of a forecast: the second and the last but one hold 36 of 40, should the truth be one more such draw
AHEAD = 56  # days that are forecast
PAST = 182
UNKNOWN = stats.gengamma(0.4**-2, 0.4 / 1.1, scale=8 * DAY * 0.4 ** (2 * 1.1 / 0.4))  # Prentice's q 0.4, sigma 1.1
POINTS = np.concatenate([[0.0], np.linspace(0.01, 0.99, 99), [0.995, 0.999, 1.0]])
LAWS = {
    "weibull": "weibull(shape 0.8 scale 10 days)",
    "lognormal": "lognormal(median 8 days p90 28.8 days)",
    "gamma": "gamma(shape 0.7 scale 12 days)",
    "unknown": empirical_text([(float(p), float(UNKNOWN.ppf(min(p, 0.9999)))) for p in POINTS]),
}
FOLLOWED = {"long": 120, "short": 40}
ONE_STAGE = """name: One stage
start: {start}
observe: {days} days
sources: {{web: {{rate: {rate}/week, profile: office-hours}}}}
stages:
  lead: {{pace: {{customer: "{law}"}}, next: {{customer: {share}%, silent: rest}}}}
  customer: {{}}
definitions: {{won: enters customer}}
"""
FUNNEL = """name: A funnel
start: {start}
observe: {days} days
sources: {{web: {{rate: 80/week, profile: office-hours, weekly_level: 15%}}}}
stages:
  lead:
    pace: {{talk: weibull(shape 0.8 scale 8 days), lost: gamma(shape 0.7 scale 12 days)}}
    next: {{talk: 45%, lost: 30%, silent: rest}}
  talk:
    pace: {{customer: lognormal(median 10 days p90 30 days), lost: weibull(shape 1.3 scale 15 days)}}
    next: {{customer: 50%, lost: 30%, silent: rest}}
  customer: {{}}
definitions: {{won: enters customer}}
"""
HISTORY = """as_of: {as_of}
tables: {{leads: {{file: leads.csv, id: lead}}}}
events: {{file: events.csv, case: lead, activity: event, time: time}}
source: leads.source
stages: {{{stages}}}
"""


class Cell(NamedTuple):
    """A kind of repetition: its key, and what does number n of it."""

    key: str
    wanted: int
    repeat: Callable[[int], dict[str, float]]


def main() -> None:
    given = _options()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    done = _read(given.out)
    until = time.monotonic() + given.seconds
    with TemporaryDirectory() as folder, given.out.open("a", encoding="utf-8") as file:
        cells = [*share_cells(given.shares, Path(folder)), forecast_cell(given.forecasts, Path(folder))]
        for cell, number in _in_turns(cells):
            if time.monotonic() > until:
                break
            if (cell.key, number) not in done:
                told = {"cell": cell.key, "number": number, **cell.repeat(number)}
                file.write(json.dumps(told) + "\n")
                file.flush()
    print(table(list(_read(given.out).values())))


def share_cells(wanted: int, folder: Path) -> list[Cell]:
    """The eight cells of the conversion."""
    cells = []
    for law, text in LAWS.items():
        for name, days in FOLLOWED.items():
            home = folder / f"{law}-{name}"
            home.mkdir()
            rate = LEADS / days * 7
            scenario = ONE_STAGE.format(start=START, days=days, rate=f"{rate:.4f}", law=text, share=100 * SHARE)
            blueprint = _truth(home, scenario, days, ("lead", "customer"))

            def repeat(
                number: int, home: Path = home, blueprint: Blueprint = blueprint, days: int = days
            ) -> dict[str, float]:
                _export(blueprint, number, home, days)
                share = calibrate(home / "a.history.yaml").stages[0].share("customer")
                return {"value": share.value, "low": share.low, "high": share.high, "true": SHARE}

            cells.append(Cell(f"{law}, {name}", wanted, repeat))
    return cells


def forecast_cell(wanted: int, folder: Path) -> Cell:
    """Customers of the weeks ahead."""
    home = folder / "forecast"
    home.mkdir()
    blueprint = _truth(home, FUNNEL.format(start=START, days=PAST + AHEAD), PAST, ("lead", "talk", "customer"))
    ahead = f"extends: a.fitted.yaml\nobserve: {AHEAD} days\ndefinitions: {{won: enters customer}}\n"
    (home / "next.yaml").write_text(ahead)

    def repeat(number: int) -> dict[str, float]:
        visits = _export(blueprint, number, home, PAST)
        customer = visits["stage"] == blueprint.book.stages.index("customer")
        true = int((customer & (visits["entered"] >= PAST * DAY) & (visits["entered"] < (PAST + AHEAD) * DAY)).sum())
        calibrate(home / "a.history.yaml", home / "a.fitted.yaml")
        future = compile_scenario(load(str(home / "next.yaml"), [f"seed={number + 1}"]))
        told = sorted(_customers(future, draw) for draw in range(DRAWS))
        return {"value": float(np.mean(told)), "low": told[1], "high": told[-2], "true": true}

    return Cell("forecast", wanted, repeat)


def table(rows: list[dict[str, Any]]) -> str:
    """What was found, cell by cell, as Markdown."""
    lines = [
        "| cell | repetitions | interval | holds the truth in | standard error | mean estimate over truth |",
        "|---|---|---|---|---|---|",
    ]
    for key in dict.fromkeys(row["cell"] for row in rows):
        mine = [row for row in rows if row["cell"] == key]
        held = float(np.mean([row["low"] <= row["true"] <= row["high"] for row in mine]))
        ratio = np.mean([row["value"] for row in mine]) / np.mean([row["true"] for row in mine])
        level = "90 %" if key == "forecast" else "95 %"
        error = np.sqrt(held * (1 - held) / len(mine))
        lines.append(f"| {key} | {len(mine)} | {level} | {100 * held:.1f} % | {100 * error:.1f} % | {ratio:.3f} |")
    return "\n".join(lines)


def _truth(home: Path, scenario: str, days: int, stages: tuple[str, ...]) -> Blueprint:
    (home / "truth.yaml").write_text(scenario)
    marks = ", ".join(f"{stage}: {{activity: {stage}}}" for stage in stages)
    lost = "lost: {activity: lost}\n" if "lost" in scenario else ""
    (home / "a.history.yaml").write_text(HISTORY.format(as_of=START + days - 1, stages=marks) + lost)
    return compile_scenario(load(str(home / "truth.yaml")))


def _export(blueprint: Blueprint, number: int, home: Path, days: int) -> Any:
    """One run of the truth as the files of a CRM, cut after so many days; returns its visits."""
    traces = replicate(blueprint.plan(), 20260105, [number], threads=1, tables=True).traces
    assert traces is not None
    export_history(traces[0].visits, blueprint.book, days * DAY, home / "leads.csv", home / "events.csv")
    return traces[0].visits


def _customers(future: Blueprint, draw: int) -> int:
    """Customers within the period, in one draw of what is not known, with luck of its own."""
    traces = replicate(future.plan(draw), future.scenario.seed, [draw], threads=1, tables=True).traces
    assert traces is not None
    visits = traces[0].visits
    won = visits["stage"] == future.book.stages.index("customer")
    return int((won & (visits["entered"] >= 0) & (visits["entered"] < AHEAD * DAY)).sum())


def _in_turns(cells: list[Cell]) -> Iterator[tuple[Cell, int]]:
    """A repetition of each cell, then the next of each: a study cut short is even."""
    for number in range(max(cell.wanted for cell in cells)):
        yield from ((cell, number) for cell in cells if number < cell.wanted)


def _read(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {(row["cell"], row["number"]): row for row in sorted(rows, key=lambda row: row["number"])}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/coverage.jsonl"))
    parser.add_argument("--shares", type=int, default=500)
    parser.add_argument("--forecasts", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long; go on another time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
