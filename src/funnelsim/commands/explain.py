"""explain: two scenarios or a manifest to a divided difference, saved whole with its waterfall.

results/explain-<name>-<hash>/
    manifest.json
    shares.csv          a group of changes a row: its share with both errors, alone and last
    shares.parquet      the shares in each draw and pair
    explain.json        all that was result
    waterfall.png, .svg
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.commands.persistence import cluster_executor, point_store, preflight, provenance, save
from funnelsim.commands.rerun import check_reproduced, reject_overrides
from funnelsim.commands.study_result import StudyResult
from funnelsim.errors import UsageError
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.scenario import load, loads_resolved
from funnelsim.study.anchor import from_json, to_json
from funnelsim.study.compare import goal_of
from funnelsim.study.explain.coalitions import ExplainSpec, name_of
from funnelsim.study.explain.explain import Explanation, ShapleyShare
from funnelsim.study.explain.explain import explain as study
from funnelsim.study.point import NestedDesign

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

DRAWS, PAIRS = 40, 4


class ExplanationResult(StudyResult[Explanation]):
    """A finished explanation, and where it is saved."""

    command = "explain"

    def __repr__(self) -> str:
        question, groups = self.result.spec, len(self.result.parts)
        return (
            f"<Explanation of {name_of(question.other)!r} against {name_of(question.base)!r}: {question.measure}, "
            f"{groups} parts, seed {self.manifest.seed}>"
        )

    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text of an explanation."""
        from funnelsim.reporting.explain.report import explain_report

        return explain_report(self.result, verbose, width)

    def frame(self) -> pl.DataFrame:
        """A row a group of changes, as shares.csv: its share with both errors, alone and last."""
        import polars as pl

        return pl.DataFrame(list(_rows(self.result)))

    def tables(self) -> dict[str, pl.DataFrame]:
        """The shares, and what they are in each draw and pair."""
        import polars as pl

        return {"shares.csv": self.frame(), "shares.parquet": pl.concat(_by_draw(one) for one in _all(self.result))}

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder."""
        from funnelsim.reporting.explain.figures import explain_figures

        return explain_figures(self.result)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        result, people = self.result, self.result.equal_hours
        return {
            "base": result.spec.base.scenario.name,
            "other": result.spec.other.scenario.name,
            "measure": result.spec.measure,
            "unit": result.unit,
            "difference": asdict(result.difference),
            "base_value": asdict(result.base),
            "other_value": asdict(result.other),
            "shares": [_share(one) | _changes(result, one) for one in result.shares],
            "united": [asdict(one) for one in result.merged_groups],
            "equal_people": None
            if people is None
            else {
                "alone": asdict(people.alone),
                "instead_of_sharing": asdict(people.with_lending) if people.with_lending else None,
                "hours_lent": dict(people.lent.hours) if people.lent else {},
                "paid_hours": list(people.paid),
                "steps": [_share(one) for one in people.steps],
            },
            "draws": result.spec.draws,
            "pairs": result.spec.size.pairs,
            "coalitions": result.coalitions,
            "orders": result.orders or "all",
            "notes": result.notes,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
        }


def explain(
    base: str | Path,
    other: str | Path | None = None,
    *,
    measure: str | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    draws: int | None = None,
    pairs: int | None = None,
    orders: int | None = None,
    equal_people: bool | None = None,
    engine: str | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> ExplanationResult:
    """Divide the difference of two scenarios among their changes; or repeat an explanation from its manifest alone.

    `overrides` change both scenarios. Finished mixtures of the two are kept in `out`/points and never run twice.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    repeated = manifest_at(Path(base), "explain")
    if repeated is not None:
        reject_overrides(other, measure, overrides, seed, draws, pairs, orders, equal_people, engine)
        question = _spec_from_manifest(repeated)
    else:
        size = _size(draws, pairs)
        question = _spec(base, other, measure, overrides, seed, size, orders, equal_people, engine)
    preflight(out, (question.base, question.other), question.engine, progress)
    began = datetime.now(UTC)
    with cluster_executor(cluster) as executor:
        result = study(question, point_store(out), executor, threads, progress)
    progress.clear()
    manifest = _manifest(result, began, list(command) or ["funnelsim", "explain", str(base), str(other or "")])
    return save(ExplanationResult(result, check_reproduced(manifest, repeated, progress)), out, formats)


def _size(draws: int | None, pairs: int | None) -> NestedDesign:
    draws, pairs = draws or DRAWS, pairs or PAIRS
    return NestedDesign(draws * pairs, None, pairs)


def _spec(
    base: str | Path,
    other: str | Path | None,
    measure: str | None,
    overrides: Sequence[str],
    seed: int | None,
    size: NestedDesign,
    orders: int | None,
    equal_people: bool | None,
    engine: str | None,
) -> ExplainSpec:
    if other is None:
        raise UsageError("explain needs two scenarios: a base and another")
    first, second = load(str(base), overrides), load(str(other), overrides)
    return ExplainSpec(
        first,
        second,
        measure or goal_of(first),
        size,
        first.scenario.seed if seed is None else seed,
        math.ceil(orders / 2) if orders else None,
        engine or "fast",
        equal_people is not False,
    )


def _spec_from_manifest(manifest: Manifest) -> ExplainSpec:
    """The question that a manifest holds."""
    design = manifest.design
    first, second = (loads_resolved(one) for one in manifest.resolved)
    return ExplainSpec(
        first,
        second,
        design["measure"],
        NestedDesign(**design["size"]),
        manifest.seed,
        design["order_pairs"],
        manifest.engine,
        design["equal_people"],
        from_json(manifest.anchor[0]),
    )


def _manifest(result: Explanation, began: datetime, command: list[str]) -> Manifest:
    question = result.spec
    return Manifest(
        kind="explain",
        name=question.other.scenario.name or "scenario",
        command=command,
        plan=manifests.hash_of(result.keys),
        seed=question.seed,
        replications=question.size.replications,
        engine=question.engine,
        digest=_digest(result),
        book={"currency": result.currency},
        anchor=[to_json(result.anchor)],
        design={
            "measure": question.measure,
            "size": asdict(question.size),
            "order_pairs": question.order_pairs,
            "equal_people": question.equal_hours,
        },
        **provenance((question.base, question.other), began),
    )


def _digest(result: Explanation) -> str:
    """Hash of every share in every draw and pair."""
    digest = hashlib.sha256()
    for one in _all(result):
        digest.update(one.name.encode() + np.ascontiguousarray(one.by_draw, np.float64).tobytes())
    return digest.hexdigest()


# ---- what is left --------------------------------------------------------------------------------------------------


def _all(result: Explanation) -> list[ShapleyShare]:
    """The shares, and behind them the steps of the one that shares the work."""
    return [*result.shares, *(result.equal_hours.steps if result.equal_hours else ())]


def _rows(result: Explanation) -> Iterator[dict[str, Any]]:
    for one in _all(result):
        yield {
            "share": one.name,
            "step of another share": one not in result.shares,
            "mean": one.value.mean,
            "low": one.value.low,
            "high": one.value.high,
            "error": one.value.error,
            "error of orders": one.order_error,
            "alone": one.alone.mean,
            "alone low": one.alone.low,
            "alone high": one.alone.high,
            "last": one.last.mean,
            "last low": one.last.low,
            "last high": one.last.high,
        }


def _by_draw(one: ShapleyShare) -> pl.DataFrame:
    import polars as pl

    draws, pairs = one.by_draw.shape
    return pl.DataFrame(
        {
            "share": [one.name] * (draws * pairs),
            "draw": np.repeat(np.arange(draws), pairs),
            "pair": np.tile(np.arange(pairs), draws),
            "value": one.by_draw.ravel(),
        }
    )


def _share(one: ShapleyShare) -> dict[str, Any]:
    return {
        "name": one.name,
        **asdict(one.value),
        "error_of_orders": one.order_error,
        "alone": asdict(one.alone),
        "last": asdict(one.last),
    }


def _changes(result: Explanation, one: ShapleyShare) -> dict[str, Any]:
    return {"changes": [asdict(change.difference) for change in result.group(one).changes]}
