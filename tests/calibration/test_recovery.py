"""Histories that funnelsim itself simulates from a known truth: do 95 % intervals of the conversion hold it?

The truth has three families of time laws, two sources of different quality, leads that fall silent. Each replication
is exported as a CRM would (calibration/history_export.py), cut at the as-of instant, and calibrated, as a user's files.
`long` follow-up sees most of what will happen, `short` half of it; in `hidden` customers are recorded late.

    .venv/bin/python -m pytest -q -s tests/calibration/test_recovery.py -m long

prints the table of docs/background/calibration.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from funnelsim.calibration import calibrate
from funnelsim.compile import compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.scenario import load
from history_export import export_history

SHARES = {"lead": {"talk": 0.40, "lost": 0.35}, "talk": {"customer": 0.45, "lost": 0.30}}  # at fit 0, silent the rest
BETTER = 2.0  # odds of a referral to go on, against those of a search
PART = {"search": 0.7, "referral": 0.3}
WEEK = 604800.0
START = "2025-01-06"
TRUTH = f"""
name: Truth
start: {START}
observe: 26 weeks
sources:
  search: {{rate: 1/week, profile: office-hours}}
  referral: {{rate: 1/week, fit: 1}}
deal_value: lognormal(median 1000 p90 3000)
stages:
  lead:
    pace: {{talk: weibull(shape 0.8 scale 8 days), lost: gamma(shape 0.7 scale 12 days)}}
    next: {{talk: 40%, lost: 35%, silent: rest}}
  talk:
    pace: {{customer: lognormal(median 10 days p90 30 days), lost: weibull(shape 1.3 scale 15 days)}}
    next: {{customer: 45%, lost: 30%, silent: rest}}
  customer: {{}}
definitions: {{won: enters customer}}
effects: {{fit: {BETTER}}}
"""
HISTORY = """as_of: {as_of}
tables: {{leads: {{file: leads.csv, id: lead}}}}
events: {{file: events.csv, case: lead, activity: event, time: time}}
source: leads.source
value: leads.value
stages:
  lead: {{activity: lead}}
  talk: {{activity: talk}}
  customer: {{activity: customer{recorded}}}
lost: {{activity: lost}}
"""


class Cell(NamedTuple):
    """A kind of history."""

    weeks: int
    a_week: float
    hidden_weeks: int = 0  # customers are recorded from here on


CELLS = {"long": Cell(26, 80.0), "short": Cell(8, 250.0), "hidden": Cell(26, 80.0, 13)}


def true_shares() -> dict[tuple[str, str], float]:
    """By exit, and from end to end: averages over the sources that enter the stage."""
    weight, conversions = dict(PART), {}
    for stage, exits in SHARES.items():
        forward, lost = exits
        on = {source: _odds(exits[forward], BETTER if source == "referral" else 1.0) for source in PART}
        size = sum(weight.values())
        conversions[stage, forward] = sum(weight[s] * on[s] for s in PART) / size
        conversions[stage, lost] = (1 - conversions[stage, forward]) * exits[lost] / (1 - exits[forward])
        weight = {s: weight[s] * on[s] for s in PART}
    conversions["lead", "customer"] = sum(weight.values())
    return conversions


def _odds(share: float, times: float) -> float:
    odds = times * share / (1 - share)
    return odds / (1 + odds)


class Study(NamedTuple):
    """By exit: how often the interval held the truth, the mean estimate and what was counted naively."""

    held: dict[tuple[str, str], int]
    fitted: dict[tuple[str, str], float]
    naive: dict[tuple[str, str], float]


def study(cell: Cell, repetitions: int, seed: int, folder: Path) -> Study:
    """Simulate, export, calibrate, compare."""
    truth = true_shares()
    held, fitted, naive = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0.0), dict.fromkeys(truth, 0.0)
    (folder / "truth.yaml").write_text(TRUTH)
    rates = [f"sources.{name}.rate={cell.a_week * part}/week" for name, part in PART.items()]
    blueprint = compile_scenario(load(str(folder / "truth.yaml"), [f"observe={cell.weeks} weeks", *rates]))
    plan = blueprint.plan()
    recorded = f", recorded_from: {_day(cell.hidden_weeks)}" if cell.hidden_weeks else ""
    (folder / "a.history.yaml").write_text(HISTORY.format(as_of=_day(cell.weeks) - 1, recorded=recorded))
    for number in range(repetitions):
        traces = replicate(plan, seed, [number], tables=True).traces
        assert traces is not None
        files = folder / "leads.csv", folder / "events.csv"
        export_history(traces[0].visits, blueprint.book, WEEK * cell.weeks, *files)
        calibration = calibrate(folder / "a.history.yaml")
        for stage, target in truth:
            if (stage, target) == ("lead", "customer"):
                share, counted = calibration.conversion(), calibration.naive()
            else:
                fit = next(one for one in calibration.stages if one.name == stage)
                share, counted = fit.share(target), fit.seen(target) / fit.visits
            held[stage, target] += share.low <= truth[stage, target] <= share.high
            fitted[stage, target] += share.value / repetitions
            naive[stage, target] += counted / repetitions
    return Study(held, fitted, naive)


def _day(weeks: int) -> np.datetime64:
    return np.datetime64(START) + 7 * weeks


@pytest.mark.parametrize("cell", ["long", "short"])
def test_intervals_hold_the_truth_in_few(cell: str, tmp_path: Path) -> None:
    """60 repetitions of five shares: were 93 % held in truth, one of the five would fail once in 1,000 runs."""
    held = study(CELLS[cell], 60, 1, tmp_path)
    fewest = int(binom.ppf(0.001 / len(held.held), 60, 0.93))
    assert min(held.held.values()) >= fewest >= 45, held.held
    for exit_, truth in true_shares().items():
        assert held.fitted[exit_] == pytest.approx(truth, rel=0.06), exit_
        assert held.naive[exit_] < truth


@pytest.mark.long
@pytest.mark.parametrize("cell", CELLS)
def test_intervals_hold_the_truth(cell: str, tmp_path: Path) -> None:
    """500 repetitions: at least 93 % of the 95 % intervals of every share."""
    held = study(CELLS[cell], 500, 20260105, tmp_path)
    for exit_, truth in true_shares().items():
        print(
            f"{cell:6}  {' to '.join(exit_):16} true {100 * truth:5.1f} %  naive {100 * held.naive[exit_]:5.1f} %"
            f"  fitted {100 * held.fitted[exit_]:5.1f} %  held {held.held[exit_] / 5:.1f} %"
        )
    assert min(held.held.values()) >= 0.93 * 500, held.held
