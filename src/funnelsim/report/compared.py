"""Figures of a comparison: wins and revenue, response against the promise, backlog over time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from funnelsim.measures import response_curve, series, stack
from funnelsim.plan import Plan, first_touch_terms
from funnelsim.report.drawing import save
from funnelsim.report.figures import (
    Band,
    Outcome,
    Response,
    backlog_figure,
    outcomes_figure,
    promised_text,
    response_figure,
)
from funnelsim.study.compare import Column, Comparison
from funnelsim.summary import COHORT


def draw_comparison(found: Comparison, folder: Path) -> list[Path]:
    """All figures of a comparison."""
    files: list[Path] = []
    if all("cohort.won" in column.values for column in found.columns):
        rows = [Outcome(column.name, _span(column, "cohort.won"), _span(column, "cohort.revenue"))
                for column in found.columns]
        what = "central 90 % of single periods, luck and what is not known together"
        files += save(outcomes_figure(rows, found.cases[0].blueprint.book.currency, what), folder, "outcomes")
    stage = _promised_stage(found)
    if stage:
        files += save(_response(found, stage), folder, "response")
    panels = _backlog(found)
    if panels:
        files += save(backlog_figure(panels), folder, "backlog")
    return files


def _span(column: Column, key: str) -> tuple[float, float, float]:
    values = np.ravel(column.values[key])
    low, high = np.quantile(values, [0.05, 0.95])
    return float(values.mean()), float(low), float(high)


def _promised_stage(found: Comparison) -> str:
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
    for column, case in zip(found.columns, found.cases, strict=True):
        if stage not in case.blueprint.book.stages:
            continue
        number = case.blueprint.book.stages.index(stage)
        in_time = column.values.get(f"cohort.lead_attainment.{stage}")
        curves.append(Response(column.name, *response_curve(stack(column.summaries), int(COHORT), number),
                               in_time=math.nan if in_time is None else float(np.nanmean(in_time))))
        here, of_business = _promise(case.blueprint.centre, number)
        if math.isfinite(here):
            promise, business = here, of_business
    title = f"How soon leads are touched in {stage}"
    return response_figure(curves, promise, promised_text(promise, business), title, business)


def _backlog(found: Comparison) -> dict[str, list[Band]]:
    """Panels of the teams for whom anything ever waits."""
    panels: dict[str, list[Band]] = {team: [] for case in found.cases for team in case.blueprint.book.teams}
    for column, case in zip(found.columns, found.cases, strict=True):
        for one in series(stack(column.summaries), case.blueprint.centre, case.blueprint.book):
            if one.name == "queue":
                weeks = one.by_week()
                panels[one.of].append(Band(column.name, weeks.dates, weeks.mean, *weeks.band))
    return {team: bands for team, bands in panels.items() if any(band.high.any() for band in bands)}
