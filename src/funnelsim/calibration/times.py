"""Text to instants: seconds since 1970 (UTC), and how coarsely each is known.

ISO 8601 with or without time and offset, epoch seconds or milliseconds, or a stated format. Times without an offset
are local. A date without a time is placed at noon and known to the day: half a day too early or too late at most,
right on average, and the likelihood knows it as an interval.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.families import Array
from funnelsim.calibration.history import Column

DAY = 86400.0
_ISO = (
    r"^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)


class Instants(NamedTuple):
    """One entry a row; nan where the cell is empty or not understood."""

    seconds: Array
    rounding: Array
    bad: np.ndarray  # there is text, and it is no time


def instants(cells: pl.Series, column: Column, zone: str) -> Instants:
    """Read a column of times; `zone` is the history's, used where the column names none."""
    text = _as_text(cells).str.strip_chars().replace("", None)
    frame = pl.DataFrame({"text": text})
    local = column.timezone or zone
    parsed = frame.select(*(_stated(column.format, local) if column.format else _iso(local)))
    parsed = parsed.with_columns(_noon(zone, column.midnight_is_date))
    micro = parsed["instant"].dt.epoch("us")
    seconds = np.array((micro.cast(pl.Float64) / 1e6).fill_null(np.nan).to_numpy())
    rounding = np.array(parsed["rounding"].fill_null(np.nan).to_numpy(), float)
    bad = np.array((text.is_not_null() & micro.is_null()).to_numpy())
    return Instants(seconds, rounding, bad)


def local_parts(seconds: Array, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Day number (0 = 1970-01-01, a Thursday) and hour of the day, in local time."""
    utc = pl.from_epoch(pl.Series(np.floor(seconds).astype(np.int64)), time_unit="s").dt.replace_time_zone("UTC")
    local = utc.dt.convert_time_zone(zone)
    return local.dt.date().cast(pl.Int32).to_numpy().astype(np.int64), local.dt.hour().to_numpy().astype(np.int64)


def _as_text(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.Date:
        return cells.dt.strftime("%Y-%m-%d")
    if isinstance(cells.dtype, pl.Datetime):
        return cells.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("%z" if cells.dtype.time_zone else ""))
    return cells.cast(pl.String)


def _iso(zone: str) -> list[pl.Expr]:
    part = [pl.col("text").str.extract(_ISO, group) for group in range(1, 9)]
    year, month, day, hour, minute, second, fraction, offset = part
    clock = pl.format(
        "{}-{}-{}T{}:{}:{}.{}",
        year,
        month.str.zfill(2),
        day.str.zfill(2),
        hour.fill_null("00").str.zfill(2),
        minute.fill_null("00"),
        second.fill_null("00"),
        fraction.fill_null("0"),
    )
    naive = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    digits = offset.str.replace_all(r"[^0-9]", "")
    ahead = sign * (
        digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    )
    shifted = (naive - pl.duration(minutes=ahead.fill_null(0))).dt.replace_time_zone("UTC")
    number = pl.col("text").str.extract(r"^\s*(\d{10}|\d{13})\s*$", 1).cast(pl.Int64, strict=False)
    epoch = pl.from_epoch(pl.when(number > 10**12).then(number).otherwise(number * 1000), time_unit="ms")
    instant = pl.when(offset.is_not_null()).then(shifted).otherwise(_localise(naive, zone))
    instant = pl.coalesce(instant, epoch.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    rounding = (
        pl.when(hour.is_null() & number.is_null())
        .then(DAY)
        .when(second.is_null() & number.is_null())
        .then(60.0)
        .when(fraction.is_null() & (number.is_null() | (number < 10**12)))
        .then(1.0)
        .otherwise(0.001)
    )
    return [instant.alias("instant"), rounding.alias("rounding")]


def _stated(format_: str, zone: str) -> list[pl.Expr]:
    if "%z" in format_:
        instant = pl.col("text").str.to_datetime(format_, time_unit="us", strict=False).dt.convert_time_zone("UTC")
    elif "%H" in format_ or "%I" in format_ or "%T" in format_ or "%s" in format_:
        instant = _localise(pl.col("text").str.to_datetime(format_, time_unit="us", strict=False), zone)
    else:
        instant = _localise(pl.col("text").str.to_date(format_, strict=False).cast(pl.Datetime("us")), zone)
    coarse = (
        DAY
        if not any(code in format_ for code in ("%H", "%I", "%T", "%s"))
        else (1.0 if any(code in format_ for code in ("%S", "%T", "%s")) else 60.0)
    )
    return [instant.alias("instant"), pl.lit(coarse).alias("rounding")]


def _localise(naive: pl.Expr, zone: str) -> pl.Expr:
    """Local to UTC; a time skipped by daylight saving is taken an hour later, a repeated one the first time."""

    def at(moment: pl.Expr) -> pl.Expr:
        return moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")

    return pl.coalesce(at(naive), at(naive + pl.duration(hours=1)))


def _noon(zone: str, midnight_is_date: bool) -> list[pl.Expr]:
    """Dates to noon: 12 hours after local midnight, which is noon on all but two days a year."""
    coarse = pl.col("rounding") == DAY
    if midnight_is_date:
        clock = pl.col("instant").dt.convert_time_zone(zone).dt.time()
        coarse = coarse | (clock == pl.time(0, 0, 0))
    moved = pl.when(coarse).then(pl.col("instant") + pl.duration(hours=12)).otherwise(pl.col("instant"))
    return [moved.alias("instant"), pl.when(coarse).then(DAY).otherwise(pl.col("rounding")).alias("rounding")]
