"""Made-up histories for the back-test: a funnel whose truth is known, and may change in some week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

DAY, WEEK = 86400.0, 604800.0
START, WEEKS = datetime(2025, 1, 6), 26  # a Monday
ON, LOST, WON = 0.40, 0.35, 0.50  # of leads: talk to us, are lost; of those who talk: buy
MEDIANS = {"talk": 4.0, "lost": 9.0, "won": 10.0}  # days, lognormal with sigma 0.8
FILE = """name: Made up
as_of: {as_of}
timezone: UTC
tables: {{leads: {{file: leads.csv, id: id}}}}
value: leads.value
stages: {{lead: leads.lead, talk: leads.talk, customer: leads.customer}}
lost: leads.lost
"""


def write_funnel(
    folder: Path,
    seed: int,
    a_week: float = 60.0,
    weeks: int = WEEKS,
    on: Callable[[np.ndarray], np.ndarray] = lambda week: np.full(len(week), ON),
    cut: bool = True,
) -> Path:
    """A history of so many weeks; `on` is the share of a week's leads that talk to us, by week of arrival.

    `cut` False keeps what happens after the last day in the file, as a CRM that goes on would have it.
    """
    rng = np.random.default_rng([seed, 20250106])
    count = rng.poisson(a_week * weeks)
    came = np.sort(rng.random(count)) * weeks * WEEK
    talks = rng.random(count) < on((came // WEEK).astype(int))
    lost = ~talks & (rng.random(count) < LOST / (1.0 - ON))
    wins = talks & (rng.random(count) < WON)
    times = {name: np.exp(rng.normal(np.log(median * DAY), 0.8, count)) for name, median in MEDIANS.items()}
    talked = np.where(talks, came + times["talk"], np.inf)
    columns = {
        "lead": came,
        "talk": talked,
        "customer": np.where(wins, talked + times["won"], np.inf),
        "lost": np.where(lost, came + times["lost"], np.inf),
    }
    end = weeks * WEEK if cut else np.inf
    value = np.where(columns["customer"] < end, np.exp(rng.normal(8.0, 0.5, count)), np.nan)
    lines = ["id,lead,talk,customer,lost,value"]
    for i in range(count):
        cells = [_cell(column[i]) if column[i] < end else "" for column in columns.values()]
        lines.append(",".join([f"L{i:05d}", *cells, "" if np.isnan(value[i]) else f"{value[i]:.2f}"]))
    (folder / "leads.csv").write_text("\n".join(lines) + "\n")
    history = folder / "made-up.history.yaml"
    history.write_text(FILE.format(as_of=f"{START + timedelta(weeks=weeks, days=-1):%Y-%m-%d}"))
    return history


def _cell(seconds: float) -> str:
    return f"{START + timedelta(seconds=float(seconds)):%Y-%m-%d %H:%M:%S}"
