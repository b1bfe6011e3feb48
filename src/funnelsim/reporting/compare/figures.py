"""Figures of a comparison: outcomes, the funnels side by side, response, and what goes on week by week."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from funnelsim.measures import burn_up, response_curve, stack, weekly
from funnelsim.plan import Plan, first_touch_terms
from funnelsim.reporting.common.funnel_figure import funnel_figure, steps_of
from funnelsim.reporting.common.response_curve_figure import curves_figure
from funnelsim.reporting.compare.format import mean_of
from funnelsim.reporting.run.figures import (
    Band,
    Outcome,
    Response,
    backlog_figure,
    burn_up_figure,
    outcomes_figure,
    promised_text,
    response_figure,
    weekly_figure,
)
from funnelsim.study.compare import Comparison, ScenarioRuns
from funnelsim.study.response_curves import stages_with_curves
from funnelsim.summary import COHORT


def comparison_figures(found: Comparison) -> Iterator[tuple[str, Figure]]:
    """Every figure of a comparison by the name of its file, where there is something to show."""
    if any("cohort.won" in column.values for column in found.runs):
        yield "outcomes", outcomes_of(found)
    yield "funnel", funnels_of(found)
    if promised_stage(found):
        yield "response", response_of(found)
    if panels := weekly_bands(found, "queue"):
        yield "backlog", backlog_figure(panels)
    if panels := weekly_bands(found, "utilisation"):
        yield "utilisation", weekly_figure(panels, "Hours worked of hours paid", share=True)
    if panels := burn_up_bands(found):
        yield "burn-up", burn_up_figure(panels)
    if stages := list(stages_with_curves(found.cases[0].blueprint.scenario)):
        yield "response-curves", curves_figure(stages)


def outcomes_of(found: Comparison) -> Figure:
    """Wins and revenue of the scenarios, with the spread of one period."""
    rows = [
        Outcome(column.name, _span(column, "cohort.won"), _span(column, "cohort.revenue"))
        for column in found.runs
        if "cohort.won" in column.values
    ]
    what = "central 90 % of single periods, luck and what is not known together"
    return outcomes_figure(rows, found.cases[0].blueprint.book.currency, what)


def funnels_of(found: Comparison) -> Figure:
    """The funnels of the scenarios beside each other."""
    funnels = {
        column.name: steps_of(case.blueprint.book.stages, partial(mean_of, column))
        for column, case in zip(found.runs, found.cases, strict=True)
    }
    return funnel_figure(funnels)


def response_of(found: Comparison) -> Figure:
    """How soon leads are touched, a line a scenario, in the first stage that promises it."""
    return _response(found, promised_stage(found))


def weekly_bands(found: Comparison, name: str) -> dict[str, list[Band]]:
    """A weekly series of the scenarios, by team; without those in which there is never anything."""
    panels: dict[str, list[Band]] = {}
    for column, case in zip(found.runs, found.cases, strict=True):
        for weeks in weekly(stack(column.summaries), case.blueprint.centre, case.blueprint.book):
            if weeks.name == name:
                panels.setdefault(weeks.of, []).append(Band(column.name, weeks.dates, weeks.mean, *weeks.band))
    return {of: bands for of, bands in panels.items() if any(np.nan_to_num(band.high).any() for band in bands)}


def burn_up_bands(found: Comparison) -> dict[str, list[Band]]:
    """What was delivered of each promised volume, a line a scenario, and what was promised."""
    panels: dict[str, list[Band]] = {}
    promised: dict[str, Band] = {}
    for column, case in zip(found.runs, found.cases, strict=True):
        for weeks in burn_up(stack(column.summaries), case.blueprint.centre, case.blueprint.book):
            if weeks.name == "promised":
                promised[weeks.of] = Band("promised", weeks.dates, weeks.mean, weeks.mean, weeks.mean)
            else:
                panels.setdefault(weeks.of, []).append(Band(column.name, weeks.dates, weeks.mean, *weeks.band))
    return {of: [*bands, promised[of]] for of, bands in panels.items()}


def _span(column: ScenarioRuns, key: str) -> tuple[float, float, float]:
    values = np.ravel(column.values[key])
    low, high = np.quantile(values, [0.05, 0.95])
    return float(values.mean()), float(low), float(high)


def promised_stage(found: Comparison) -> str:
    """The first stage in which any scenario promises a first touch; else the first with work."""
    worked = ""
    for case in found.cases:
        for stage, name in enumerate(case.blueprint.book.stages):
            if math.isfinite(_promise(case.blueprint.centre, stage)[0]):
                return name
            if case.blueprint.centre.stages[stage].step_count and not worked:
                worked = name
    return worked


def _promise(plan: Plan, stage: int) -> tuple[float, bool]:
    return next(iter(first_touch_terms(plan, stage)), (math.nan, False))


def _response(found: Comparison, stage: str) -> Figure:
    curves, promise, business = [], math.nan, False
    for column, case in zip(found.runs, found.cases, strict=True):
        if stage not in case.blueprint.book.stages:
            continue
        number = case.blueprint.book.stages.index(stage)
        in_time = column.values.get(f"cohort.lead_attainment.{stage}")
        curves.append(
            Response(
                column.name,
                *response_curve(stack(column.summaries), int(COHORT), number),
                in_time=math.nan if in_time is None else float(np.nanmean(in_time)),
            )
        )
        here, of_business = _promise(case.blueprint.centre, number)
        if math.isfinite(here):
            promise, business = here, of_business
    title = f"How soon leads are touched in {stage}"
    return response_figure(curves, promise, promised_text(promise, business), title, business)
