"""Who arrives when: each source is a fixed cloud of points in the plane time x rate (rules 18 and 19).

The plane is cut into cells, one week wide and STRIP leads a week high. A cell holds Poisson(STRIP) points, each with a
place in the week and a height; the scenario's rate at that time, times the weekly level, keeps the points below it.
So a higher rate only adds leads, and the same lead has the same luck whatever the rate. The place in the week is
spread by the hour-of-week profile: intensity = rate(t) x profile(t) x level(week).

A lead's number is (source, week, strip, ordinal) in one int64; its luck comes from the source's path, not its index.
Used by both engines before (reference) or while (fast, week by week) they run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.engine.jit import shared_kernel
from funnelsim.engine.rng import (
    P_COUNT,
    P_HEIGHT,
    P_LEVEL,
    P_TIME,
    bits,
    lead_stream,
    path_hash,
    poisson8,
    quantile,
    uniform,
)
from funnelsim.int64 import Int
from funnelsim.plan import SNAPSHOT, SOURCE_AT, TICK, WEEK

STRIP = 8.0  # leads a week a strip: Poisson(8) points a cell
INITIAL_LEADS_STREAM = np.uint64(path_hash("leads in flight"))  # the path that the luck of the snapshot comes from
_BATCH_WEEK = np.int64(4095)  # leads of a batch keep their identity when its date moves
_CELL, _ONE_BYTE = np.int64(255), np.int64(255)
_BATCH_STRIP = np.int64(1 << 23)
_ZERO, _ONE = np.int64(0), np.int64(1)

ARRIVAL_ROW = np.dtype([("time", "f8"), ("lead", "i8"), ("stream", "u8"), ("source", "i8")])


@shared_kernel
def lead_number(source: Int, cell: Int, ordinal: Int) -> Int:
    """(source, cell, ordinal) in one number: 14, 36 and 8 bits."""
    return (np.int64(source) << SOURCE_AT) | (np.int64(cell) << np.int64(8)) | np.int64(ordinal)


@shared_kernel
def in_flight_number(name: Int) -> Int:
    """Number of a lead of the snapshot; its name has 44 bits."""
    return (SNAPSHOT << SOURCE_AT) | np.int64(name)


@shared_kernel
def week_arrivals(sources: Any, points: Any, tables: Any, key: Int, source: Int, week: Int, out: Any, n: Int) -> Int:
    """Append the leads of one source in one week to `out` from row n, unsorted; the new n, or -1 when `out` is full."""
    if sources[source].batch > 0:
        n = _batch(sources, key, source, week, out, n)
    if sources[source].rate_count > 0 and n >= 0:
        n = _cloud(sources, points, tables, key, source, week, out, n)
    return n


@shared_kernel
def weekly_level(sources: Any, tables: Any, key: Int, source: Int, week: Int) -> float:
    """The random level of a week: mean 1, drawn once per (replication, source, week)."""
    if sources[source].level < 0:
        return 1.0
    stream = lead_stream(key, sources[source].stream, np.int64(week) << np.int64(24), _CELL)
    return quantile(tables, sources[source].level, bits(stream, P_LEVEL, _ZERO, _ZERO))


@shared_kernel
def _cloud(sources: Any, points: Any, tables: Any, key: Int, source: Int, week: Int, out: Any, n: Int) -> Int:
    s = sources[source]
    start = week * WEEK
    scale = weekly_level(sources, tables, key, source, week)
    if s.profile >= 0:
        scale *= points[s.profile + week * 169].x
    at = _rate_row(points, s.rate_first, s.rate_count, start)
    highest = _highest_rate(points, at, s.rate_first + s.rate_count, start + WEEK) * scale
    for strip in range(np.int64(math.ceil(highest / STRIP))):
        cell = (np.int64(week) << np.int64(24)) | np.int64(strip)
        count = poisson8(bits(lead_stream(key, s.stream, cell, _CELL), P_COUNT, _ZERO, _ZERO))
        for ordinal in range(count):
            stream = lead_stream(key, s.stream, cell, np.int64(ordinal))
            place = uniform(bits(stream, P_TIME, _ZERO, _ZERO))
            if s.profile >= 0:
                place = _spread(points, s.profile + week * 169, place)
            time = start + math.floor(place * (WEEK / TICK)) * TICK
            height = (strip + uniform(bits(stream, P_HEIGHT, _ZERO, _ZERO))) * STRIP
            if height >= scale * points[_rate_row(points, at, s.rate_first + s.rate_count - at, time)].y:
                continue
            if time < s.first or time >= s.last:
                continue
            if n == len(out):
                return -1
            _write(out, n, time, lead_number(source, cell, ordinal), stream, source)
            n += 1
    return n


@shared_kernel
def _batch(sources: Any, key: Int, source: Int, week: Int, out: Any, n: Int) -> Int:
    s = sources[source]
    if s.batch_at < week * WEEK or s.batch_at >= (week + 1) * WEEK:
        return n
    if n + s.batch > len(out):
        return -1
    for i in range(s.batch):
        cell = (_BATCH_WEEK << np.int64(24)) | (_BATCH_STRIP + (np.int64(i) >> np.int64(8)))
        ordinal = np.int64(i) & _ONE_BYTE
        _write(
            out, n, s.batch_at, lead_number(source, cell, ordinal), lead_stream(key, s.stream, cell, ordinal), source
        )
        n += 1
    return n


@shared_kernel
def _write(out: Any, n: Int, time: float, lead: Int, stream: Int, source: Int) -> None:
    out[n].time = time
    out[n].lead = lead
    out[n].stream = stream
    out[n].source = source


@shared_kernel
def _rate_row(points: Any, first: Int, count: Int, now: float) -> Int:
    at = first
    while at + 1 < first + count and points[at + 1].x <= now:
        at += 1
    return at


@shared_kernel
def _highest_rate(points: Any, at: Int, end: Int, until: float) -> float:
    highest = points[at].y
    at += 1
    while at < end and points[at].x < until:
        highest = max(highest, points[at].y)
        at += 1
    return highest  # type: ignore[no-any-return]  # from a record


@shared_kernel
def _spread(points: Any, first: Int, u: float) -> float:
    """Place in the week (0 to 1) at which a share u of the week's mass has come."""
    low, high = np.int64(0), np.int64(168)
    while high - low > 1:
        middle = (low + high) >> _ONE
        if points[first + middle].y <= u:
            low = middle
        else:
            high = middle
    left = points[first + low].y
    mass = points[first + low + 1].y - left
    part = (u - left) / mass if mass > 0.0 else 0.0
    return min((low + part) / 168.0, 1.0 - 1e-12)
