"""The README, the caption of its picture and the demo show the same digits."""

from __future__ import annotations

import re
from pathlib import Path

import funnelsim as fs

ROOT = Path(__file__).parents[2]
DEMO = ("old-way", "old-way-with-promise", "shared-funnel")


def test_the_readme_says_what_the_demo_gives() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    caption = re.search(r"old way (\d+), old way with a promise (\d+), shared funnel (\d+) customers", text)
    answer = re.search(
        r"wins by (\d+) customers, 90 % interval \+(\d+) to \+(\d+); .*? (\d+) of them, "
        r"and the last (\d+) may be -(\d+) to \+(\d+)",
        text,
    )
    assert caption and answer

    files = [ROOT / "scenarios" / f"{name}.yaml" for name in DEMO]
    result = fs.compare(*files, robustness=False, out=None, figures=False).result

    assert [round(float(runs.values["cohort.won"].mean())) for runs in result.runs] == [
        int(one) for one in caption.groups()
    ]
    promise, shared = (one.differences["cohort.won"] for one in result.compared)
    over_promise = result.compared[1].vs_previous
    assert over_promise is not None
    shown = [
        shared.mean,
        shared.low,
        shared.high,
        promise.mean,
        over_promise.mean,
        -over_promise.low,
        over_promise.high,
    ]
    assert [round(one) for one in shown] == [int(one) for one in answer.groups()]
