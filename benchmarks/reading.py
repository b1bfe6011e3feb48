"""How fast histories are read: a million leads from Parquet and CSV, a million events from XES.

python benchmarks/reading.py            a table of seconds, written to a temporary folder and removed
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from funnelsim.calibration import calibrate
from funnelsim.calibration.exports.detect import write_history
from funnelsim.calibration.io.xes import read_xes

LEADS = 1_000_000
STAGES = ("created", "talked_on", "won_on", "lost_on")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = table()
        frame.write_parquet(folder / "leads.parquet")
        frame.write_csv(folder / "leads.csv", datetime_format="%Y-%m-%d %H:%M:%S")
        for file in ("leads.parquet", "leads.csv"):
            history = folder / f"{file}.history.yaml"
            told = seconds(lambda f=folder / file, h=history: write_history(f, h))
            fitted = seconds(lambda h=history: calibrate(h))
            print(f"{file:15} {LEADS:,} leads: recognised in {told:.1f} s, calibrated in {fitted:.1f} s")
        raw = log(LEADS // 2)
        print(f"{'XES':15} {LEADS:,} events ({len(raw) >> 20} MB): read in {seconds(lambda: read_xes(raw)):.1f} s")


def table() -> pl.DataFrame:
    """A row a lead, cut as an export is; 40 % talk, half of them buy."""
    rng = np.random.default_rng(0)
    start, end = 1735689600, 1735689600 + 181 * 86400
    created = start + rng.integers(0, 180 * 86400, LEADS)
    next_ = created + np.exp(rng.normal(np.log(4 * 86400), 0.8, LEADS)).astype(int)
    last = next_ + np.exp(rng.normal(np.log(9 * 86400), 0.8, LEADS)).astype(int)
    luck, more = rng.random(LEADS), rng.random(LEADS)
    talked = (luck < 0.4) & (next_ < end)
    moments = {
        "created": np.ones(LEADS, bool),
        "talked_on": talked,
        "won_on": talked & (more < 0.5) & (last < end),
        "lost_on": (luck > 0.7) & (next_ < end),
    }
    at = {"created": created, "talked_on": next_, "won_on": last, "lost_on": next_}
    columns = {
        name: pl.from_epoch(pl.Series(name, at[name])).zip_with(
            pl.Series(there), pl.Series([None]).cast(pl.Datetime("us"))
        )
        for name, there in moments.items()
    }
    return pl.DataFrame(
        {
            "lead_id": [f"L{number:07d}" for number in range(LEADS)],
            "source": rng.choice(["web", "social", "fair"], LEADS),
            "value": np.exp(rng.normal(9, 0.7, LEADS)).round(2),
            **columns,
        }
    )


def log(traces: int) -> bytes:
    """Two events a trace."""
    event = '<event><string key="concept:name" value="{}"/>'
    event += '<date key="time:timestamp" value="2026-01-0{}T10:00:00Z"/></event>'
    body = event.format("asked", 1) + event.format("bought", 2)
    lines = (f'<trace><string key="concept:name" value="{number}"/>{body}</trace>' for number in range(traces))
    return ("<log>" + "\n".join(lines) + "</log>").encode()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
