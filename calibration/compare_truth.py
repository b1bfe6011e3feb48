"""What calibration finds in the sample, beside what is true: python calibration/compare_truth.py

With a number, `python calibration/compare_truth.py 100`, also in how many of so many other half-years of the same
truth the interval holds it: a miss in the sample is chance when the others hold, and a bias when they miss too.

The truth about shares and times is what sample.truth.yaml does on average: replications on other luck than the
sample's, of the leads that came in the same half year, each followed to its end. The figures written there alone
would not do: the shares of `interest` are of the leads dealt with, and times hold waiting and work beside the pace.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.history.model import LOST
from funnelsim.compile import Blueprint, prepare
from funnelsim.engine.replicate import replicate
from funnelsim.plan import LOST as LOST_AT
from funnelsim.scenario import load
from funnelsim.study.anchor import anchor
from history_export import export_history

HERE = Path(__file__).parent
HISTORY, TRUTH = HERE / "sample.history.yaml", HERE / "sample.truth.yaml"
REPLICATIONS = 20
LONG_ENOUGH = "cool_down=52 weeks"
ID_BITS = 54  # of a lead's number in a run
Z = 1.96
DAY = 86400.0


class Found(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def holds(self, true: float) -> bool:
        return self.low <= true <= self.high


def findings(calibration: Calibration) -> dict[str, Found]:
    """Every figure that calibration gives an interval for."""
    stages, fits = calibration.records.stages, calibration.fits
    figures = {f"{stages[0]} to {stages[-1]}, all the way, %": _scaled(100, calibration.conversion())}
    for stage in calibration.stages:
        for target in stage.order:
            figures[f"{stage.name} to {target}, %"] = _scaled(100, stage.share(target))
    for stage in calibration.stages:
        for target in stage.order:
            median = stage.fit.median_span(stage.of(target))
            figures[f"{stage.name} to {target}, median days"] = _scaled(1 / DAY, median)
    for source in calibration.arrivals.sources:
        if source.rate:
            figures[f"{source.name}, leads a week"] = _around(np.log(source.rate), source.rate_se)
    reference = fits.names.index("search")
    for i, name in enumerate(fits.names):
        if i != reference:
            error = fits.covariance[i, i] + fits.covariance[reference, reference] - 2 * fits.covariance[i, reference]
            figures[f"{name}, odds against search"] = _around(fits.value[i] - fits.value[reference], np.sqrt(error))
    log = np.log(calibration.records.value[np.isfinite(calibration.records.value)])
    figures["deal value, median"] = _around(log.mean(), log.std(ddof=1) / np.sqrt(len(log)))
    return figures


def truths(replications: int = REPLICATIONS) -> dict[str, float]:
    """The same figures as they are."""
    blueprint = prepare(load(str(TRUTH)))
    scenario, names = blueprint.scenario, blueprint.book.stages
    visits = _simulated(blueprint, range(1, replications + 1))
    began = visits[visits["entered"] < blueprint.plan().settings["measure_to"][0]]
    arrived, won = began["lead"][began["stage"] == 0], visits["lead"][visits["stage"] == len(names) - 1]
    figures = {f"{names[0]} to {names[-1]}, all the way, %": 100 * float(np.isin(arrived, won).mean())}
    for number, name in enumerate(names):
        mine = began[began["stage"] == number]
        for target, to in [*((name, i) for i, name in enumerate(names)), (LOST, LOST_AT)]:
            went = mine[mine["to"] == to]
            if len(went):
                figures[f"{name} to {target}, %"] = 100 * len(went) / len(mine)
                figures[f"{name} to {target}, median days"] = float(np.median(went["ended"] - went["entered"])) / DAY
    for name, source in scenario.sources.items():
        if source.rate is not None:
            figures[f"{name}, leads a week"] = source.rate.per_week
        steps = source.fit - scenario.sources["search"].fit
        figures[f"{name}, odds against search"] = scenario.effects.fit.odds.low**steps
    figures["deal value, median"] = float(np.exp(scenario.deal_value.parameters[0]))
    return figures


def held(repetitions: int, true: dict[str, float]) -> dict[str, int]:
    """How often the interval of each figure holds the truth in other half-years."""
    blueprint = prepare(load(str(TRUTH)))
    plan = anchor(blueprint).plan(blueprint)
    count = dict.fromkeys(true, 0)
    with TemporaryDirectory() as name:
        folder = Path(name)
        history = Path(shutil.copy(HISTORY, folder))
        files = folder / "sample-leads.csv", folder / "sample-events.csv"
        for number in range(1, repetitions + 1):
            traces = replicate(plan, blueprint.scenario.seed, [number], tables=True).traces
            export_history(traces[0].visits, blueprint.book, float(plan.settings["measure_to"][0]), *files)
            for what, figure in findings(calibrate(history)).items():
                count[what] += figure.holds(true[what])
    return count


def table(figures: dict[str, Found], true: dict[str, float], count: dict[str, int], repetitions: int) -> str:
    """As plain text."""
    width = max(map(len, figures))
    others = f"  held in {repetitions} others" if repetitions else ""
    lines = [f"{'':{width}}  {'true':>8}  {'found':>8}  {'95 % interval':>20}  inside{others}"]
    for what, figure in figures.items():
        span = f"{figure.low:,.2f} to {figure.high:,.2f}"
        inside = "yes" if figure.holds(true[what]) else "NO"
        often = f"   {100 * count[what] / repetitions:.0f} %" if repetitions else ""
        lines.append(f"{what:{width}}  {true[what]:8,.2f}  {figure.value:8,.2f}  {span:>20}  {inside}{often}")
    inside = sum(figure.holds(true[what]) for what, figure in figures.items())
    return "\n".join([*lines, f"{inside} of {len(figures)} inside; of 95 % intervals one in twenty misses by chance."])


def _simulated(blueprint: Blueprint, numbers: range) -> Any:
    """Visits on luck of their own (the sample is replication 0), with the leads of each replication numbered apart."""
    plan = anchor(blueprint).plan(prepare(load(str(TRUTH), [LONG_ENOUGH])))
    traces = replicate(plan, blueprint.scenario.seed, numbers, tables=True).traces
    for number, trace in enumerate(traces):
        trace.visits["lead"] += number << ID_BITS
    return np.concatenate([trace.visits for trace in traces])


def _scaled(factor: float, given: Any) -> Found:
    return Found(factor * given.value, factor * given.low, factor * given.high)


def _around(log: float, error: float) -> Found:
    return Found(*(float(np.exp(log + z * error)) for z in (0.0, -Z, Z)))


def main(repetitions: int = 0) -> None:
    true = truths()
    count = held(repetitions, true) if repetitions else {}
    print(table(findings(calibrate(HISTORY)), true, count, repetitions))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
