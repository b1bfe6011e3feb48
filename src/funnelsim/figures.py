"""Every figure that funnelsim draws, as a function that gives a matplotlib Figure; nothing global is touched.

    import funnelsim as fs

    old, new = (fs.run(f"scenarios/{name}.yaml", out=None) for name in ("old-way", "shared-funnel"))
    fs.figures.funnel(old, new).savefig("funnels.pdf")
    for name, figure in fs.figures.every(old).items():
        figure.savefig(f"{name}.png")

A figure of runs takes any number of results and shows them beside each other or as lines; a comparison brings all its
scenarios. A notebook shows a Figure by itself. UsageError says why when there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from funnelsim.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from funnelsim.calibration import Calibration
    from funnelsim.commands.backtest import BacktestResult
    from funnelsim.commands.compare import ComparisonResult
    from funnelsim.commands.explain import ExplanationResult
    from funnelsim.commands.optimise import OptimisationResult
    from funnelsim.commands.seek import SeekResult
    from funnelsim.commands.sensitivity import SensitivityResult
    from funnelsim.commands.study_result import StudyResult
    from funnelsim.commands.sweep import SweepResult
    from funnelsim.reporting.run.figures import Band
    from funnelsim.result import Result
    from funnelsim.study.backtest.rolling import Backtest

    Runs: TypeAlias = Result | ComparisonResult
    Drawn: TypeAlias = Result | Calibration | StudyResult[Any]

__all__ = [
    "backlog",
    "breaches",
    "burn_up",
    "chance",
    "contour",
    "coverage",
    "curves",
    "every",
    "fans",
    "fit",
    "front",
    "funnel",
    "heat_map",
    "indices",
    "outcomes",
    "pit",
    "points",
    "response",
    "response_curves",
    "settings",
    "tornado",
    "trials",
    "utilisation",
    "waterfall",
]

_DRAWN_BY = {  # kind of result -> module of reporting, and the function that gives all its figures
    "Result": ("run.figures", "run_figures"),
    "Compared": ("compare.figures", "comparison_figures"),
    "Swept": ("sweep.figures", "sweep_figures"),
    "Sought": ("seek.figures", "seek_figures"),
    "Explained": ("explain.figures", "explain_figures"),
    "Sensed": ("sensitivity.figures", "sensitivity_figures"),
    "Optimised": ("optimise.figures", "optimise_figures"),
    "Backtested": ("backtest.figures", "backtest_figures"),
    "Calibration": ("calibrate.figures", "calibration_figures"),
}


def every(done: Drawn) -> dict[str, Figure]:
    """All figures that the command saves, by the name of the file; none of a result that has none."""
    return dict(drawn(done))


def drawn(done: Drawn) -> Iterator[tuple[str, Figure]]:
    """The same, one after the other: each is drawn when it is asked for."""
    module, name = _DRAWN_BY.get(type(done).__name__, ("", ""))
    if not module:
        return iter(())
    draw = getattr(import_module(f"funnelsim.reporting.{module}"), name)
    found: Iterator[tuple[str, Figure]] = draw(getattr(done, "found", done))
    return found


# ---- runs and comparisons ------------------------------------------------------------------------------------------


def funnel(*runs: Runs) -> Figure:
    """Visits to each stage, what goes on and where the rest leaks; a panel a run or scenario."""
    from funnelsim.reporting.common.funnel_figure import funnel_figure, steps_of
    from funnelsim.reporting.compare.figures import funnels_of
    from funnelsim.reporting.run.figures import means_of

    if (compared := _comparison(runs)) is not None:
        return funnels_of(compared.found)
    named = _named(runs)
    title = f"{runs[0].manifest.name}: the funnel and where it leaks"
    return funnel_figure({name: steps_of(one.book.stages, means_of(one)) for name, one in named.items()}, title)


def response(run: Runs) -> Figure:
    """Share of leads touched by the time since they entered, with the promise.

    Of a run a line a stage; of a comparison a line a scenario, in the first stage that promises a first touch.
    """
    from funnelsim.reporting.compare import figures as compare_figures
    from funnelsim.reporting.run import figures as run_figures

    if (comparison := _comparison((run,))) is not None:
        if not compare_figures.promised_stage(comparison.found):
            raise UsageError("nobody works a lead in these scenarios, so there is no response to draw")
        return compare_figures.response_of(comparison.found)
    result = _results((run,))[0]
    if not result.curves:
        raise UsageError("nobody works a lead in this scenario, so there is no response to draw")
    return run_figures.response_of(result)


def burn_up(*runs: Runs) -> Figure:
    """Volume delivered against volume promised, added up by week; a panel a promise."""
    from funnelsim.reporting.compare import figures as compare_figures
    from funnelsim.reporting.run import figures as run_figures

    comparison = _comparison(runs)
    panels = (
        run_figures.burn_up_bands(_named(runs))
        if comparison is None
        else compare_figures.burn_up_bands(comparison.found)
    )
    return run_figures.burn_up_figure(_some(panels, "no volume is promised in these scenarios"))


def backlog(*runs: Runs) -> Figure:
    """Leads that wait for each team, by week; a panel a team, a line a run."""
    from funnelsim.reporting.run.figures import backlog_figure

    return backlog_figure(_some(_weekly(runs, "queue"), "no lead ever waits in these scenarios"))


def utilisation(*runs: Runs) -> Figure:
    """Share of paid hours that each team works, by week; a panel a team, a line a run."""
    from funnelsim.reporting.run.figures import weekly_figure

    panels = _some(_weekly(runs, "utilisation"), "no team is paid in these scenarios")
    return weekly_figure(panels, "Hours worked of hours paid", share=True)


def breaches(run: Result) -> Figure:
    """First touches missed, by the local hour in which they fell due; a panel a team."""
    from funnelsim.reporting.handoff.figures import breach_figure

    if not any(one.estimate.mean > 0.0 for one in run.breaches):
        raise UsageError("no promise of a first touch is missed in this run")
    return breach_figure(run.breaches, f"{run.manifest.name}: when first touches fall due and are missed")


def response_curves(run: Runs) -> Figure:
    """What a later first touch does to the odds: the curve in use, and the other presets that act on the same."""
    from funnelsim.reporting.common.response_curve_figure import curves_figure
    from funnelsim.reporting.run.figures import curves_of
    from funnelsim.study.response_curves import curves_of_resolved

    stages = curves_of_resolved(run.manifest.resolved[0])
    if not stages:
        raise UsageError("no stage of this scenario names a response curve")
    return curves_figure(stages) if _comparison((run,)) is not None else curves_of(_results((run,))[0], stages)


def outcomes(compared: ComparisonResult) -> Figure:
    """Wins and revenue of the scenarios of a comparison, with the spread of one period."""
    from funnelsim.reporting.compare.figures import outcomes_of

    if not any("cohort.won" in column.values for column in compared.found.runs):
        raise UsageError("these scenarios define nothing as won")
    return outcomes_of(compared.found)


# ---- sweeps and searches -------------------------------------------------------------------------------------------


def curves(swept: SweepResult) -> Figure:
    """Each measure along the axis of a sweep, with its simulation error and the spread of one period."""
    from funnelsim.reporting.sweep.figures import curve_figure

    if len(swept.found.spec.axes) != 1:
        raise UsageError("curves are of one axis: for two there are heat_map and contour, for more points")
    return curve_figure(swept.found)


def heat_map(swept: SweepResult, measure: str | None = None) -> Figure:
    """The mean at each point of a grid of two axes; `measure` is by default the first of the sweep."""
    from funnelsim.reporting.sweep.figures import heat_figure

    study = swept.found.spec
    if len(study.axes) != 2 or study.design.way != "grid":
        raise UsageError("a heat map is of a grid of two axes")
    return heat_figure(swept.found, _measure(swept, measure))


def contour(swept: SweepResult, measure: str | None = None) -> Figure:
    """Lines of equal mean over a grid of two axes of numbers, such as two terms of a promise."""
    from funnelsim.reporting.sweep.figures import LEAST_CONTOURED, contour_figure, has_contours

    if not has_contours(swept.found):
        raise UsageError(f"contours take a grid of two axes of numbers, each with {LEAST_CONTOURED} values or more")
    return contour_figure(swept.found, _measure(swept, measure))


def points(swept: SweepResult, measure: str | None = None) -> Figure:
    """Every point of a sweep against each of its axes, with the spread that the other axes make."""
    from funnelsim.reporting.sweep.figures import scatter_figure

    return scatter_figure(swept.found, _measure(swept, measure))


def chance(sought: SeekResult) -> Figure:
    """The chance of the goal with its limits, and what the goal is about, over what was sought."""
    from funnelsim.reporting.seek.figures import seek_figure

    return seek_figure(sought.found)


# ---- why, and what is best -----------------------------------------------------------------------------------------


def waterfall(explained: ExplanationResult) -> Figure:
    """From the base to the other scenario, a bar a group of changes, with what is not known of each."""
    from funnelsim.reporting.explain.figures import waterfall_figure

    return waterfall_figure(explained.found)


def tornado(sensed: SensitivityResult) -> Figure:
    """The answer at both ends of each input, the widest first, grouped by who decides on it."""
    from funnelsim.reporting.sensitivity.figures import tornado_figure

    return tornado_figure(sensed.found)


def indices(sensed: SensitivityResult) -> Figure:
    """Share of the variance of the answer that each input brings, alone and with others (Sobol)."""
    from funnelsim.reporting.sensitivity.figures import index_figure

    return index_figure(sensed.found)


def trials(optimised: OptimisationResult) -> Figure:
    """What each trial of a search for one objective gave, against each setting; and the finalists."""
    from funnelsim.reporting.optimise.figures import trials_figure

    if _objectives(optimised) > 1:
        raise UsageError("trials are drawn for one objective: for several there are front and settings")
    return trials_figure(optimised.found)


def front(optimised: OptimisationResult) -> Figure:
    """What can be had together of several objectives: points of which none is better in everything."""
    from funnelsim.reporting.optimise.figures import front_figure

    if _objectives(optimised) == 1:
        raise UsageError("a front is of several objectives: for one there is trials")
    return front_figure(optimised.found)


def settings(optimised: OptimisationResult) -> Figure:
    """The settings along the front of several objectives."""
    from funnelsim.reporting.optimise.figures import settings_figure

    if _objectives(optimised) == 1:
        raise UsageError("settings are drawn along a front of several objectives: for one there is trials")
    return settings_figure(optimised.found)


# ---- histories -----------------------------------------------------------------------------------------------------


def fans(backtested: BacktestResult) -> Figure:
    """Forecasts week by week with their intervals, and what happened."""
    from funnelsim.reporting.backtest.figures import fans_figure

    return fans_figure(backtested.found)


def coverage(backtested: BacktestResult) -> Figure:
    """How often intervals held what happened: in all, by horizon and by quantity."""
    from funnelsim.reporting.backtest.figures import coverage_figure

    return coverage_figure(_scored(backtested))


def pit(backtested: BacktestResult) -> Figure:
    """Where in its forecast each thing that happened lay: level when forecasts are honest."""
    from funnelsim.reporting.backtest.figures import pit_figure

    return pit_figure(_scored(backtested))


def fit(calibration: Calibration, stage: str | None = None) -> Figure:
    """Share of the leads of a stage, by default the first, that have left it by each exit: the data and as fitted."""
    from funnelsim.reporting.calibrate.figures import has_curves, stage_figure

    fits = {one.name: one for one in calibration.stages}
    if not has_curves(calibration):
        raise UsageError("this history has no stages with times, so there is no fit to draw")
    if stage is not None and stage not in fits:
        raise UsageError(f"this calibration has no stage '{stage}'; it has {', '.join(fits)}")
    return stage_figure(calibration, fits[stage or next(iter(fits))])


# ---- what is drawn -------------------------------------------------------------------------------------------------


def _comparison(runs: tuple[Runs, ...]) -> ComparisonResult | None:
    """The comparison, when one is given; alone, for it brings its scenarios with it."""
    from funnelsim.commands.compare import ComparisonResult

    found = [one for one in runs if isinstance(one, ComparisonResult)]
    if found and len(runs) > 1:
        raise UsageError("give one comparison, or any number of runs")
    return found[0] if found else None


def _results(runs: tuple[Runs, ...]) -> list[Result]:
    from funnelsim.result import Result

    found = [one for one in runs if isinstance(one, Result)]
    if not runs or len(found) < len(runs):
        raise UsageError("this figure is of results of `run` or of one of `compare`")
    return found


def _weekly(runs: tuple[Runs, ...], name: str) -> dict[str, list[Band]]:
    from funnelsim.reporting.compare import figures as compare_figures
    from funnelsim.reporting.run import figures as run_figures

    if (comparison := _comparison(runs)) is not None:
        return compare_figures.weekly_bands(comparison.found, name)
    return run_figures.weekly_bands(_named(runs), name)


def _named(runs: tuple[Runs, ...]) -> dict[str, Result]:
    """Runs by name; those of the same name told apart."""
    found: dict[str, Result] = {}
    for i, one in enumerate(_results(runs)):
        name = one.manifest.name
        found[name if name not in found else f"{name} ({i + 1})"] = one
    return found


def _some(panels: dict[str, list[Band]], why: str) -> dict[str, list[Band]]:
    if not panels:
        raise UsageError(why)
    return panels


def _measure(swept: SweepResult, measure: str | None) -> str:
    known = swept.found.spec.measures
    if len(swept.found.failed) == len(swept.found.cells):
        raise UsageError("every point of this sweep failed, so there is nothing to draw")
    for one in (measure, f"cohort.{measure}", f"calendar.{measure}"):
        if one in known:
            return str(one)
    if measure is None:
        return known[0]
    raise UsageError(f"this sweep has no measure '{measure}'; it has {', '.join(known)}")


def _objectives(optimised: OptimisationResult) -> int:
    return len(optimised.found.spec.objectives)


def _scored(backtested: BacktestResult) -> Backtest:
    if not backtested.found.scored:
        raise UsageError("no forecast of this back-test could be scored, so there is nothing to draw")
    return backtested.found
