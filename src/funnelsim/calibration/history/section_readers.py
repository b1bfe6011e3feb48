"""Parts of a history file beside the funnel itself: a log of work, a list of purchases, and how the response is known.

    work:        who worked on what from when to when: handling times, people, patience, queue order, call-backs
    purchases:   who bought what when: repeat purchases
    covariates:  numbers known of a lead when it arrives, such as a score
    counts:      so many of a cohort got so far, when that is all there is
    response:    what the effect of a late first touch may be read from

Read with the rest of the history file, so that all mistakes are told at once.
"""

from __future__ import annotations

from funnelsim.calibration.history.column_reader import ColumnReader
from funnelsim.calibration.history.model import (
    COUNTS,
    PURCHASES,
    WORK,
    CohortCounts,
    Covariate,
    Purchases,
    ResponseSource,
    SourceColumn,
    WorkLog,
)
from funnelsim.calibration.response.response_estimators import METHODS, WHAT_THEN, WHY_NOT
from funnelsim.errors import did_you_mean
from funnelsim.scenario import presets
from funnelsim.scenario.yaml_nodes import Node

RESPONSE, COVARIATES = "response", "covariates"
FILE_KEYS = ("file", "query", "database", "separator", "where")
TIME_KEYS = ("timezone", "format", "dates")
WORK_KEYS = (
    *FILE_KEYS,
    *TIME_KEYS,
    "team",
    "case",
    "kind",
    "worker",
    "nobody",
    "rank",
    "asked",
    "started",
    "ended",
    "gave_up",
    "lifecycle",
    "time",
    "date",
    "never",
    "stages",
)
COUNTS_KEYS = (*FILE_KEYS, *TIME_KEYS, "period", "each", "elapsed", "counted", "clock", "year")
PERIODS = {"day": "a cohort entered on one day", "week": "in one week", "month": "in one month"}
COUNTED = {"so far": "all who had got so far by then", "each period": "those of that period alone"}
CLOCKS = {"calendar": "periods of the calendar", "own": "each lead's own age"}
LIFECYCLE_KEYS = ("column", "asked", "started", "ended")
PURCHASE_KEYS = (*FILE_KEYS, *TIME_KEYS, "customer", "time", "value", "stage")
RESPONSE_KEYS = ("stage", "asked", "touched", "within", "known", *METHODS, "regression", *TIME_KEYS)
QUEUE = "queue"
WITHIN = 30 * 86400.0


def read_counts(reader: ColumnReader, node: Node | None) -> CohortCounts | None:
    """The section `counts`; None when there is none, or when it cannot be understood."""
    if node is None:
        return None
    keys = reader.mapping(node, COUNTS, COUNTS_KEYS)
    origin = reader.origin(node, keys, COUNTS)
    if not reader.needs(node, keys, COUNTS, "period", "each") or origin is None:
        return None
    period = reader.column(keys["period"], COUNTS)
    each = reader.choice(keys["each"], "each", PERIODS)
    counted = reader.choice(keys.get("counted"), "counted", COUNTED)
    clock = reader.choice(keys.get("clock"), "clock", CLOCKS)
    year = _year(reader, keys)
    if period is None or not each:
        return None
    where, elapsed = reader.where(keys.get("where"), COUNTS), reader.column(keys.get("elapsed"), COUNTS)
    return CohortCounts(
        origin, where, reader.timed(period, keys), each, elapsed, counted == "each period", clock == "own", year
    )


def read_covariates(reader: ColumnReader, node: Node | None) -> tuple[Covariate, ...]:
    """The section `covariates`: `{score: leads.score, amount: {column: leads.amount, scale: log}}`."""
    covariates = []
    for name, child in reader.mapping(node, COVARIATES).items():
        keys = (
            reader.mapping(child, f"{COVARIATES}.{name}", ("column", "scale"))
            if isinstance(child.value, dict)
            else {"column": child}
        )
        scale = reader.choice(keys.get("scale"), "scale", {"plain": "the number itself", "log": "its logarithm"})
        if reader.needs(child, keys, f"{COVARIATES}.{name}", "column"):
            column = reader.column(keys["column"])
            covariates += [Covariate(name, column, scale == "log")] if column else []
    return tuple(covariates)


def read_work(reader: ColumnReader, node: Node | None) -> WorkLog | None:
    """The section `work`; None when there is none, or when it cannot be understood."""
    if node is None:
        return None
    keys = reader.mapping(node, WORK, WORK_KEYS)
    origin = reader.origin(node, keys, WORK)
    if not reader.one_of(node, keys, WORK, "started", "lifecycle") or origin is None:
        return None
    lifecycle, words = _lifecycle(reader, keys)
    if "lifecycle" in keys and not reader.needs(node, keys, WORK, "case", "kind", "time"):
        return None
    date, date_of = _date(reader, keys)

    def one(key: str) -> SourceColumn | None:
        return reader.column(keys.get(key), WORK)

    def several(key: str) -> tuple[SourceColumn, ...]:
        named = (reader.named(word, place, WORK) for word, place in reader.words(keys.get(key)) if word)
        return tuple(reader.timed(column, keys) for column in named)

    time = one("time")
    return WorkLog(
        origin,
        reader.where(keys.get("where"), WORK),
        reader.word(keys.get("team")) or "team",
        one("case"),
        one("kind"),
        one("worker"),
        _plain_words(reader, keys.get("nobody")),
        one("rank"),
        several("asked"),
        several("started"),
        several("ended"),
        several("gave_up"),
        lifecycle,
        words,
        reader.timed(time, keys) if time else None,
        date,
        date_of,
        _plain_words(reader, keys.get("never")),
        _stages_of_kinds(reader, keys),
        node.place,
    )


def read_purchases(reader: ColumnReader, node: Node | None) -> Purchases | None:
    """The section `purchases`; None when there is none, or when it cannot be understood."""
    if node is None:
        return None
    keys = reader.mapping(node, PURCHASES, PURCHASE_KEYS)
    origin = reader.origin(node, keys, PURCHASES)
    if not reader.needs(node, keys, PURCHASES, "customer", "time") or origin is None:
        return None
    customer, time = reader.column(keys["customer"], PURCHASES), reader.column(keys["time"], PURCHASES)
    stage = _stage(reader, keys.get("stage"))
    if customer is None or time is None:
        return None
    value = reader.column(keys.get("value"), PURCHASES)
    where = reader.where(keys.get("where"), PURCHASES)
    return Purchases(origin, where, customer, reader.timed(time, keys), value, stage)


def read_response(reader: ColumnReader, node: Node | None) -> ResponseSource | None:
    """The section `response`. A plain regression is refused here, with the reason."""
    if node is None:
        return None
    keys = reader.mapping(node, RESPONSE, RESPONSE_KEYS)
    given = [key for key in METHODS if key in keys]
    if "regression" in keys or (not given and isinstance(node.value, dict)):
        at = keys["regression"].at if "regression" in keys else node.place
        reader.report_at(at, WHY_NOT, WHAT_THEN)
        return None
    if not reader.one_of(node, keys, RESPONSE, *METHODS) or not reader.needs(node, keys, RESPONSE, "stage"):
        return None
    method, source = given[0], keys[given[0]]
    preset = _preset(reader, source) if method == "assumed" else ""
    by = None if method == "assumed" or reader.word(source) == QUEUE else reader.column(source)
    touched, asked = reader.column(keys.get("touched")), reader.column(keys.get("asked"))
    if method != "assumed" and touched is None and reader.history.work is None:
        hint = "`touched: TABLE.COLUMN`, or a log of `work` whose kinds are done in the stage"
        reader.report(node, "nothing says when a lead was first touched", hint)
    return ResponseSource(
        _stage(reader, keys["stage"]),
        method,
        preset,
        by,
        reader.timed(asked, keys) if asked else None,
        reader.timed(touched, keys) if touched else None,
        tuple(reader.named(word, place, "") for word, place in reader.words(keys.get("known")) if word),
        reader.length(keys.get("within")) or WITHIN,
        node.place,
    )


def _year(reader: ColumnReader, keys: dict[str, Node]) -> int:
    """The year of dates without one; 0 when nothing is said."""
    year = reader.word(keys.get("year"))
    if year and not (year.isdecimal() and len(year) == 4):
        reader.report(keys["year"], f"'{year}' is not a year", "write `year: 2014`")
        return 0
    if year and "format" not in keys:
        reader.report(keys["year"], "`year` needs the `format` of the dates", "such as `format: '%b %d'` for Oct 11")
        return 0
    return int(year or 0)


def _lifecycle(reader: ColumnReader, keys: dict[str, Node]) -> tuple[SourceColumn | None, tuple[tuple[str, ...], ...]]:
    node = keys.get("lifecycle")
    if node is None:
        return None, ()
    inner = reader.mapping(node, "work.lifecycle", LIFECYCLE_KEYS)
    if not reader.needs(node, inner, "work.lifecycle", "column", "started", "ended"):
        return None, ()
    words = tuple(_plain_words(reader, inner.get(key)) for key in LIFECYCLE_KEYS[1:])
    return reader.column(inner["column"], WORK), words


def _date(reader: ColumnReader, keys: dict[str, Node]) -> tuple[SourceColumn | None, SourceColumn | None]:
    node = keys.get("date")
    if node is None or not isinstance(node.value, dict):
        return reader.column(node, WORK), None
    inner = reader.mapping(node, "work.date", ("column", "of"))
    if not reader.needs(node, inner, "work.date", "column"):
        return None, None
    return reader.column(inner["column"], WORK), reader.column(inner.get("of"), WORK)


def _stages_of_kinds(reader: ColumnReader, keys: dict[str, Node]) -> dict[str, str]:
    """`stages: {offered: [W_call, W_chase]}`: which work is done in which stage; kind -> stage."""
    stages = {}
    for stage, node in reader.mapping(keys.get("stages"), "work.stages").items():
        if stage not in reader.history.stages:
            known = ", ".join(reader.history.stages) or "none are named"
            near = did_you_mean(stage, reader.history.stages) or f"stages: {known}"
            reader.report_at(node.at, f"'{stage}' is not a stage", near)
        for word, _ in reader.words(node):
            stages[word] = stage
    return stages


def _stage(reader: ColumnReader, node: Node | None) -> str:
    name = reader.word(node)
    if node is not None and name and name not in reader.history.stages:
        known = ", ".join(reader.history.stages) or "none are named"
        reader.report(node, f"'{name}' is not a stage", did_you_mean(name, reader.history.stages) or f"stages: {known}")
    return name


def _preset(reader: ColumnReader, node: Node) -> str:
    name, known = reader.word(node), presets.names("response")
    if name and name not in known:
        near = did_you_mean(name, known) or f"there are {', '.join(known)}"
        reader.report(node, f"no curve is called '{name}'", near)
    return name


def _plain_words(reader: ColumnReader, node: Node | None) -> tuple[str, ...]:
    return tuple(word for word, _ in reader.words(node) if word)
