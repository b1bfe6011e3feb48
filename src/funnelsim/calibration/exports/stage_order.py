"""In which order stages are passed, read off the leads: a comes before b when it does for most leads that have both.

Borda's count: a stage's score is the share of the leads that pass it before another stage, averaged over the others.
What sounds like a win comes last among equals.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from funnelsim.calibration.exports.stage_words import says_won
from funnelsim.typing import FloatArray

MOST = 20_000  # leads that are looked at: enough for an order


def first_times(case: pl.Series, stage: pl.Series, at: FloatArray) -> pl.DataFrame:
    """(case, stage, at, times): when each case first entered each stage, and how often."""
    frame = pl.DataFrame({"case": case, "stage": stage, "at": at}).filter(pl.col("at").is_not_nan())
    frame = frame.with_row_index("row")
    return frame.group_by("case", "stage", maintain_order=True).agg(pl.col("at").min(), pl.len().alias("times"))


def in_order(first: pl.DataFrame) -> list[str]:
    """The stages of `first_times`, those that come first first; ties by how many leads have them."""
    names = first["stage"].unique().sort().to_list()
    number = {name: i for i, name in enumerate(names)}
    some = first["case"].unique(maintain_order=True).head(MOST)
    seen = first.filter(pl.col("case").is_in(some.implode())).select(
        "case", "at", stage=pl.col("stage").replace_strict(number, return_dtype=pl.Int64)
    )
    pairs = seen.join(seen, on="case", suffix="_b").filter(pl.col("stage") != pl.col("stage_b"))
    cells = pairs.group_by("stage", "stage_b").agg(
        before=(pl.col("at") < pl.col("at_b")).mean() + (pl.col("at") == pl.col("at_b")).mean() / 2
    )
    score = np.full(len(names), 0.5)
    for stage, mean in cells.group_by("stage").agg(pl.col("before").mean()).iter_rows():
        score[stage] = mean
    size = dict(first.group_by("stage").len().iter_rows())
    return sorted(names, key=lambda name: (-score[number[name]], says_won(name), -size[name], name))
