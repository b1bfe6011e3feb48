"""Cells to instants: seconds since 1970 (UTC), and how coarsely each is known.

ISO 8601 with or without time and offset, epoch seconds or milliseconds, days and months in either order, names of
months, or a stated format. Times without an offset are local. 31/03/2026 can be read one way only; when all dates of a
column could be read either way, none is read until the history file says `dates: day first` or `month first`. A date
without a time is placed at noon and known to the day: half a day too early or too late at most, right on average, and
the likelihood knows it as an interval.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from funnelsim.calibration.exports.alias_tables import alias_table
from funnelsim.calibration.history.model import SourceColumn
from funnelsim.typing import FloatArray

DAY = 86400.0
_CLOCK = (
    r"(?:(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"\s*(?P<offset>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|[A-Z]{3,4})?\s*$"
)
_ISO = r"^\s*(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})" + _CLOCK
_DAY_FIRST = r"^\s*(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4}|\d{2})" + _CLOCK
_MONTH_FIRST = r"^\s*(?P<month>\d{1,2})[./-](?P<day>\d{1,2})[./-](?P<year>\d{4}|\d{2})" + _CLOCK
_DAY_NAMED = r"^\s*(?P<day>\d{1,2})[ .-]+(?P<month>[A-Za-z]{3})[a-z]*[ .,-]+(?P<year>\d{4})" + _CLOCK
_MONTH_NAMED = r"^\s*(?P<month>[A-Za-z]{3})[a-z]*\.? +(?P<day>\d{1,2}),? +(?P<year>\d{4})" + _CLOCK
_EPOCH = r"^\s*(\d{10}|\d{13})(?:\.0*)?\s*$"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# What most files hold, read whole at the first try: (how a cell looks, strptime, rounding).
_USUAL = (
    (r"^\d{4}-\d{2}-\d{2}$", "%Y-%m-%d", DAY),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$", "%Y-%m-%d %H:%M", 60.0),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", "%Y-%m-%d %H:%M:%S", 1.0),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", "%Y-%m-%dT%H:%M:%SZ", 1.0),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$", "%Y-%m-%dT%H:%M:%S%.3fZ", 0.001),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:?\d{2}$", "%Y-%m-%dT%H:%M:%S%z", 1.0),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{2}:?\d{2}$", "%Y-%m-%dT%H:%M:%S%.3f%z", 0.001),
)


class Instants(NamedTuple):
    """One entry a row; nan where the cell is empty or not understood."""

    seconds: FloatArray
    rounding: FloatArray
    bad: np.ndarray  # there is text, and it is no time
    undecided: bool = False  # days and months of some cells could stand in either order


def instants(cells: pl.Series, column: SourceColumn, zone: str) -> Instants:
    """Read a column of times; `zone` is the history's, used where the column names none."""
    local = column.timezone or zone
    undecided = False
    if cells.dtype.is_temporal():
        parsed, given = _typed(cells, local), cells.is_not_null()
    else:
        text = cells.cast(pl.String).str.strip_chars().replace("", None)
        given = text.is_not_null()
        if column.format:
            parsed = pl.DataFrame({"text": text}).select(_stated(column.format, local))
        else:
            parsed, undecided = _read(text, local, column.day_first)
    parsed = parsed.with_columns(_noon(zone, column.midnight_is_date))
    micro = parsed["instant"].dt.epoch("us")
    seconds = np.array((micro.cast(pl.Float64) / 1e6).fill_null(np.nan).to_numpy())
    rounding = np.array(parsed["rounding"].fill_null(np.nan).to_numpy(), float)
    return Instants(seconds, rounding, np.array((given & micro.is_null()).to_numpy()), undecided)


def local_parts(seconds: FloatArray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Day number (0 = 1970-01-01, a Thursday) and hour of the day, in local time."""
    utc = pl.from_epoch(pl.Series(np.floor(seconds).astype(np.int64)), time_unit="s").dt.replace_time_zone("UTC")
    local = utc.dt.convert_time_zone(zone)
    return local.dt.date().cast(pl.Int32).to_numpy().astype(np.int64), local.dt.hour().to_numpy().astype(np.int64)


def day_first(text: pl.Series) -> bool | None:
    """Does the day come before the month in these dates? None when they do not tell, or contradict each other."""
    first = text.str.extract(r"^\s*(\d{1,2})[./-]\d{1,2}[./-]\d{2}", 1).cast(pl.Int64, strict=False)
    second = text.str.extract(r"^\s*\d{1,2}[./-](\d{1,2})[./-]\d{2}", 1).cast(pl.Int64, strict=False)
    dotted = bool(text.str.contains(r"^\s*\d{1,2}\.\d{1,2}\.\d{2}").any())  # points are written day first everywhere
    day, month = bool((first > 12).any()) or dotted, bool((second > 12).any())
    return None if day == month else day


def _typed(cells: pl.Series, zone: str) -> pl.DataFrame:
    moment, coarse = pl.col("cell"), 1e-6
    if cells.dtype == pl.Date:
        moment, coarse = _localise(moment.cast(pl.Datetime("us")), zone), DAY
    elif isinstance(cells.dtype, pl.Datetime):
        moment = moment.cast(pl.Datetime("us", cells.dtype.time_zone))
        moment = moment.dt.convert_time_zone("UTC") if cells.dtype.time_zone else _localise(moment, zone)
        in_seconds = cells.dt.microsecond().fill_null(0) == 0
        coarse = 1.0 if in_seconds.all() else 0.001
    else:
        moment = pl.lit(None, pl.Datetime("us", "UTC"))
    return pl.DataFrame({"cell": cells}).select(moment.alias("instant"), pl.lit(coarse).alias("rounding"))


def _read(text: pl.Series, zone: str, day_first_: bool | None) -> tuple[pl.DataFrame, bool]:
    """(instant and rounding of every cell, could some be read in two ways?)."""
    first = text.drop_nulls().head(1).to_list()
    for looks, format_, rounding in _USUAL:
        if first and pl.Series(first).str.contains(looks).item():
            matches = text.str.contains(looks)
            if matches.fill_null(True).all():
                moment = _moments(pl.col("text"), format_, zone)
                return pl.DataFrame({"text": text}).select(moment, pl.lit(rounding).alias("rounding")), False
    parsed = _by_pattern(text, _ISO, zone)
    decided = day_first(text) if day_first_ is None else day_first_
    patterns = [_DAY_NAMED, _MONTH_NAMED]
    if decided is not None:
        patterns.append(_DAY_FIRST if decided else _MONTH_FIRST)
    for more in (_epoch(text), *(_by_pattern(text, pattern, zone) for pattern in patterns)):
        missing = parsed["instant"].is_null()
        if not (missing & text.is_not_null()).any():
            break
        both = parsed.hstack(more.rename({"instant": "i", "rounding": "r"})).with_columns(missing.alias("m"))
        parsed = both.select(
            instant=pl.when("m").then("i").otherwise("instant"), rounding=pl.when("m").then("r").otherwise("rounding")
        )
    return parsed, decided is None and bool(text.str.contains(r"^\s*\d{1,2}[./-]\d{1,2}[./-]\d{2}").any())


def _moments(text: pl.Expr, format_: str, zone: str) -> pl.Expr:
    moment = text.str.to_datetime(format_, time_unit="us", strict=False)
    if "%z" in format_:
        moment = moment.dt.convert_time_zone("UTC")
    else:
        moment = moment.dt.replace_time_zone("UTC") if format_.endswith("Z") else _localise(moment, zone)
    return moment.alias("instant")


def _by_pattern(text: pl.Series, pattern: str, zone: str) -> pl.DataFrame:
    """Cells that a pattern with named pieces fits; null where it does not."""
    piece = text.str.extract_groups(pattern).struct.unnest()
    hour = pl.col("hour").cast(pl.Int64)
    half = pl.when(pl.col("half").str.to_lowercase() == "p").then(12).otherwise(0)
    clock = (
        pl.when(pl.col("half").is_null()).then(hour).when(hour.is_between(1, 12)).then(hour % 12 + half).otherwise(None)
    )
    hours = pl.when(pl.col("hour").is_null()).then(pl.lit("00")).otherwise(clock.cast(pl.String).str.zfill(2))
    month = pl.col("month").str.to_lowercase()
    months = {name: f"{i:02d}" for i, name in enumerate(_MONTHS, start=1)}
    written = pl.format(
        "{}-{}-{}T{}:{}:{}.{}",
        pl.when(pl.col("year").str.len_chars() == 2).then(pl.lit("20") + pl.col("year")).otherwise("year"),
        month.replace(months).str.zfill(2),
        pl.col("day").str.zfill(2),
        hours,
        pl.col("minute").fill_null("00"),
        pl.col("second").fill_null("00"),
        pl.col("fraction").fill_null("0"),
    )
    naive = written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    ahead = _minutes_ahead(pl.col("offset"))
    shifted = (naive - pl.duration(minutes=ahead)).dt.replace_time_zone("UTC")
    instant = pl.when(pl.col("offset").is_not_null()).then(shifted).otherwise(_localise(naive, zone))
    rounding = (
        pl.when(pl.col("hour").is_null())
        .then(DAY)
        .when(pl.col("second").is_null())
        .then(60.0)
        .when(pl.col("fraction").is_null())
        .then(1.0)
        .otherwise(0.001)
    )
    return piece.select(instant.alias("instant"), rounding.alias("rounding"))


def _minutes_ahead(offset: pl.Expr) -> pl.Expr:
    """Of Greenwich: `+05:30`, `-0800`, `+02`, `GMT-8`, `PST`; null when the name is not known."""
    known = {name: 60.0 * hours for name, hours in alias_table("zones")["hours_ahead"].items()}
    named = offset.replace_strict(known, default=None, return_dtype=pl.Float64)
    sign = pl.when(offset.str.contains("-")).then(-1).otherwise(1)
    hours = offset.str.extract(r"[+-](\d{1,2})", 1).cast(pl.Int64, strict=False)
    minutes = offset.str.extract(r"[+-]\d{2}:?(\d{2})$", 1).cast(pl.Int64, strict=False).fill_null(0)
    return pl.coalesce(named, (sign * (60 * hours + minutes)).cast(pl.Float64)).cast(pl.Int64)


def _epoch(text: pl.Series) -> pl.DataFrame:
    number = pl.col("text").str.extract(_EPOCH, 1).cast(pl.Int64, strict=False)
    long = number > 10**12
    epoch = pl.from_epoch(pl.when(long).then(number).otherwise(number * 1000), time_unit="ms")
    return pl.DataFrame({"text": text}).select(
        epoch.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("instant"),
        pl.when(long).then(0.001).otherwise(1.0).alias("rounding"),
    )


def _stated(format_: str, zone: str) -> list[pl.Expr]:
    has_clock = any(code in format_ for code in ("%H", "%I", "%T", "%s"))
    if "%z" in format_ or has_clock:
        instant = _moments(pl.col("text"), format_, zone)
    else:
        instant = _localise(pl.col("text").str.to_date(format_, strict=False).cast(pl.Datetime("us")), zone)
    fine = any(code in format_ for code in ("%S", "%T", "%s"))
    return [instant.alias("instant"), pl.lit((1.0 if fine else 60.0) if has_clock else DAY).alias("rounding")]


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
