"""What a run leaves: measures, series, response curves and the manifest; saved whole, loaded into the same object.

results/<name>-<hash>/
    manifest.json           what was run: enough to repeat it
    answer.txt              what the command printed: its first line is the answer
    measures.csv            every measure with its simulation error and the spread of one period
    replications.parquet    every measure in each replication
    series.parquet          by week: arrivals, passings, revenue, what is open, what waits
    responses.parquet       share of leads touched by delay
    breaches.parquet        broken first-touch promises by hour of the local week
    visits, assignments, attempts, passages, levels .parquet        on request
    event-log.csv or .parquet                   on request
"""

from __future__ import annotations

import errno
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.errors import DataError, Problem
from funnelsim.manifest import Manifest
from funnelsim.measures import (
    NUMBERS,
    BreachHour,
    Estimate,
    Measure,
    breach_hours,
    burn_up,
    credited,
    measures,
    response_curve,
    stack_summaries,
    weekly,
)
from funnelsim.plan import Labels, Plan, first_touch_terms
from funnelsim.summary import WINDOWS, Summary
from funnelsim.typing import FloatArray

if TYPE_CHECKING:
    import polars as pl

ANSWER = "answer.txt"  # what a command printed, in the folder it saved


@dataclass(frozen=True)
class TimeSeries:
    """A quantity week by week: mean and the central 90 % of replications."""

    # sums a week of "arrivals", "passed", "revenue", "value", "worked hours"; averages of "open", "queue", "level";
    # "utilisation"; since the first whole period "burn-up" and "promised"
    name: str
    of: str
    dates: tuple[date, ...]
    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class ResponseCurve:
    """Share of the leads that entered a stage touched within a delay."""

    window: str
    stage: str
    delays: FloatArray  # seconds
    share: FloatArray
    promise: float  # seconds promised to first touch; nan = none
    business: bool  # of business time


@dataclass(frozen=True)
class Result:
    """A finished run."""

    manifest: Manifest
    measures: dict[str, Measure]
    tracks: tuple[TimeSeries, ...]
    curves: tuple[ResponseCurve, ...]
    breaches: tuple[BreachHour, ...] = ()
    folder: Path | None = None

    @classmethod
    def of(
        cls, summaries: Sequence[Summary], credits: FloatArray | None, plan: Plan, book: Labels, manifest: Manifest
    ) -> Result:
        """From the counts of all replications; `credits` is [replication, window, team] of some of them."""
        stacked = stack_summaries(summaries)
        found = measures(stacked, plan, book)
        if credits is not None and len(credits):
            found += credited(credits, stack_summaries(summaries[: len(credits)]), plan, book)
        return cls(
            manifest,
            {measure.key: measure for measure in found},
            tuple(_tracks(stacked, plan, book)),
            tuple(_curves(stacked, plan, book)),
            tuple(breach_hours(stacked, book)),
        )

    @classmethod
    def load(cls, folder: Path) -> Result:
        """A saved run; DataError when something of it is missing or torn."""
        import polars as pl

        manifest = manifests.read(folder)
        try:
            replications, tracks, curves, breaches = (
                pl.read_parquet(folder / f"{name}.parquet")
                for name in ("replications", "series", "responses", "breaches")
            )
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError([Problem(str(folder), text=f"a table of the results cannot be read: {error}")]) from None
        return cls(
            manifest,
            _measures_from(replications),
            tuple(_tracks_from(tracks)),
            tuple(_curves_from(curves)),
            tuple(_breaches_from(breaches)),
            folder,
        )

    @property
    def book(self) -> Labels:
        """Names and currency."""
        return Labels(**{key: _read_only(value) for key, value in self.manifest.book.items()})

    @property
    def folder_name(self) -> str:
        """<name>-<hash>"""
        return f"{slug(self.manifest.name)}-{self.manifest.short_hash}"

    def __getitem__(self, key: str) -> Estimate:
        """Estimate of a measure: result["cohort.won"]."""
        return self.measures[key].estimate()

    def __repr__(self) -> str:
        name, count, seed = self.manifest.name, self.manifest.replications, self.manifest.seed
        return f"<Result of {name!r}: {count} replications, seed {seed}, {len(self.measures)} measures>"

    def _repr_html_(self) -> str:
        from funnelsim.reporting.common.notebook import run_card

        return run_card(self)

    def frame(self) -> pl.DataFrame:
        """A row a measure, as measures.csv: mean; low, high (simulation error, 90 %); least, most (one period)."""
        import polars as pl

        return pl.DataFrame([_row(measure) for measure in self.measures.values()], infer_schema_length=None)

    def replications(self) -> pl.DataFrame:
        """A row a measure and replication; a share is `numerator` / `denominator`, pooled the ratio of their sums."""
        return _long_table(self.measures)

    def values(self, key: str) -> FloatArray:
        """A measure in each replication: [replication], nan where there was nothing to divide by."""
        return self.measures[key].values

    def series(self) -> pl.DataFrame:
        """A row a week and series: mean and the central 90 % of periods."""
        return _series_table(self.tracks)

    def responses(self) -> pl.DataFrame:
        """A row a window, stage and delay (seconds): the share of leads touched by then."""
        return _curve_table(self.curves)

    def breach_hours(self) -> pl.DataFrame:
        """A row a team and hour of the local week: first touches that fell due then and were missed."""
        return _breach_table(self.breaches)

    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""
        return {
            "name": self.manifest.name,
            "replications": self.manifest.replications,
            "seed": self.manifest.seed,
            "engine": self.manifest.engine,
            "plan": self.manifest.plan,
            "digest": self.manifest.digest,
            "folder": str(self.folder) if self.folder else None,
            "warnings": self.manifest.warnings,
            "measures": [_row(measure) for measure in self.measures.values()],
        }

    def write(self, folder: Path) -> None:
        """All tables and the manifest, into a folder that is there."""
        write_bytes(folder / "manifest.json", self.manifest.text().encode())
        write_bytes(folder / "measures.csv", self.frame().write_csv().encode())
        write_parquet(folder / "replications.parquet", self.replications())
        write_parquet(folder / "series.parquet", self.series())
        write_parquet(folder / "responses.parquet", self.responses())
        write_parquet(folder / "breaches.parquet", self.breach_hours())

    def at(self, folder: Path) -> Result:
        """The same, knowing where it is saved."""
        return replace(self, folder=folder)


def slug(name: str) -> str:
    """A name for a folder: lower case, hyphens."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words)[:60] or "run"


def write_bytes(file: Path, data: bytes) -> None:
    """Write a file; OSError when it cannot be written whole."""
    with file.open("wb") as stream:
        stream.write(data)


def write_parquet(file: Path, frame: pl.DataFrame) -> None:
    """Write a table; through memory, so that a full disk is an OSError like any other."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_bytes(file, buffer.getvalue())


def concat_parquet(parts: Sequence[Path], file: Path) -> None:
    """Many tables into one, piece by piece, and the pieces removed."""
    import polars as pl

    try:
        pl.scan_parquet(list(parts)).sink_parquet(file)
    except pl.exceptions.PolarsError as error:
        full = f"(os error {errno.ENOSPC})" in str(error)
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error
    for part in parts:
        part.unlink()


# ---- from the summaries --------------------------------------------------------------------------------------------


def _tracks(stacked: Summary, plan: Plan, book: Labels) -> list[TimeSeries]:
    found = []
    for weeks in (*weekly(stacked, plan, book), *burn_up(stacked, plan, book)):
        low, high = weeks.band
        found.append(TimeSeries(weeks.name, weeks.of, tuple(weeks.dates), weeks.mean, low, high))
    return found


def _curves(stacked: Summary, plan: Plan, book: Labels) -> list[ResponseCurve]:
    found = []
    for window, which in enumerate(WINDOWS):
        for stage, name in enumerate(book.stages):
            if plan.stages[stage].step_count:
                delays, share = response_curve(stacked, window, stage)
                found.append(ResponseCurve(which, name, delays, share, *_promise(plan, stage)))
    return found


def _promise(plan: Plan, stage: int) -> tuple[float, bool]:
    """The first-touch promise of a stage, when its teams promised the same; nan when there is none."""
    terms = set(first_touch_terms(plan, stage))
    return terms.pop() if len(terms) == 1 else (float("nan"), False)


# ---- tables and back -----------------------------------------------------------------------------------------------


def _row(measure: Measure) -> dict[str, Any]:
    estimate = measure.estimate()
    numbers = {name: getattr(estimate, name) for name in NUMBERS}
    return {
        "key": measure.key,
        "window": measure.window,
        "measure": measure.name,
        "of": measure.of,
        "unit": measure.unit,
        **{name: value if np.isfinite(value) else None for name, value in numbers.items()},
        "interval": estimate.method,
        "replications": estimate.replications,
    }


def _long_table(found: dict[str, Measure]) -> pl.DataFrame:
    import polars as pl

    sizes = [len(measure.numerator) for measure in found.values()]
    columns: dict[str, Any] = {"replication": np.concatenate([np.arange(size) for size in sizes])}
    for field in ("window", "name", "of", "unit"):
        columns[field] = [
            text
            for measure, size in zip(found.values(), sizes, strict=True)
            for text in [getattr(measure, field)] * size
        ]
    columns["value"] = np.concatenate([measure.values for measure in found.values()])
    columns["numerator"] = np.concatenate([measure.numerator for measure in found.values()]).astype(np.float64)
    columns["denominator"] = np.concatenate(
        [
            np.full(len(measure.numerator), np.nan) if measure.denominator is None else measure.denominator
            for measure in found.values()
        ]
    ).astype(np.float64)
    return pl.DataFrame(columns)


def _measures_from(table: pl.DataFrame) -> dict[str, Measure]:
    found = {}
    for keys, rows in table.group_by("window", "name", "of", "unit", maintain_order=True):
        bottom = rows["denominator"].to_numpy()
        window, name, of, unit = map(str, keys)
        measure = Measure(
            window, name, of, unit, rows["numerator"].to_numpy(), None if np.isnan(bottom).all() else bottom
        )
        found[measure.key] = measure
    return found


def _series_table(tracks: Sequence[TimeSeries]) -> pl.DataFrame:
    import polars as pl

    schema = {
        "series": pl.String,
        "of": pl.String,
        "date": pl.Date,
        "mean": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
    return pl.concat(
        [pl.DataFrame(schema=schema)]
        + [
            pl.DataFrame(
                {
                    "series": [track.name] * len(track.dates),
                    "of": [track.of] * len(track.dates),
                    "date": track.dates,
                    "mean": track.mean,
                    "low": track.low,
                    "high": track.high,
                },
                schema=schema,
            )
            for track in tracks
        ]
    )


def _tracks_from(table: pl.DataFrame) -> list[TimeSeries]:
    return [
        TimeSeries(
            str(keys[0]),
            str(keys[1]),
            tuple(rows["date"].to_list()),
            *(rows[name].to_numpy() for name in ("mean", "low", "high")),
        )
        for keys, rows in table.group_by("series", "of", maintain_order=True)
    ]


def _curve_table(curves: Sequence[ResponseCurve]) -> pl.DataFrame:
    import polars as pl

    schema = {
        "window": pl.String,
        "stage": pl.String,
        "delay": pl.Float64,
        "share": pl.Float64,
        "promise": pl.Float64,
        "business": pl.Boolean,
    }
    return pl.concat(
        [pl.DataFrame(schema=schema)]
        + [
            pl.DataFrame(
                {
                    "window": [curve.window] * len(curve.delays),
                    "stage": [curve.stage] * len(curve.delays),
                    "delay": curve.delays,
                    "share": curve.share,
                    "promise": [curve.promise] * len(curve.delays),
                    "business": [curve.business] * len(curve.delays),
                },
                schema=schema,
            )
            for curve in curves
        ]
    )


def _curves_from(table: pl.DataFrame) -> list[ResponseCurve]:
    return [
        ResponseCurve(
            str(keys[0]),
            str(keys[1]),
            rows["delay"].to_numpy(),
            rows["share"].to_numpy(),
            float(rows["promise"][0]),
            bool(rows["business"][0]),
        )
        for keys, rows in table.group_by("window", "stage", maintain_order=True)
    ]


def _breach_table(breaches: Sequence[BreachHour]) -> pl.DataFrame:
    import polars as pl

    schema = {
        "team": pl.String,
        "day": pl.String,
        "hour": pl.Int64,
        **dict.fromkeys(NUMBERS, pl.Float64),
        "interval": pl.String,
        "replications": pl.Int64,
    }
    return pl.DataFrame(
        [
            (
                one.team,
                one.day,
                one.hour,
                *(getattr(one.estimate, name) for name in NUMBERS),
                one.estimate.method,
                one.estimate.replications,
            )
            for one in breaches
        ],
        schema,
        orient="row",
    )


def _breaches_from(table: pl.DataFrame) -> list[BreachHour]:
    return [BreachHour(team, day, hour, Estimate(*estimate)) for team, day, hour, *estimate in table.iter_rows()]


def _read_only(value: Any) -> Any:
    return tuple(_read_only(one) for one in value) if isinstance(value, list) else value
