"""How long calibration takes: one stage of 10 thousand to 1 million leads, and whole histories.

    python benchmarks/calibration_speed.py [FOLDER OF THE OLIST DATA]

The stage: three families, weighed, with standard errors, from arrays in memory; best of five.
"""

import sys
import time
from pathlib import Path

import numpy as np

from funnelsim.calibration import calibrate
from funnelsim.calibration.sojourn import Spells, bin_spells, fit
from funnelsim.calibration.weighing import weigh

DAY, ROOT = 86400.0, Path(__file__).parents[1]


def spells(leads: int) -> Spells:
    """One exit with a share of 12 %, lognormal of median 8 days, over 120 days."""
    rng = np.random.default_rng(1)
    age = rng.random(leads) * 120 * DAY
    time_ = np.exp(rng.normal(np.log(8 * DAY), 1.0, leads))
    won = (rng.random(leads) < 0.12) & (time_ < age)
    return Spells(("won",), age, np.where(won, time_, age), won.astype(int), np.ones(leads), np.zeros(leads, int))


def best_of(times: int, work) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def main() -> None:
    for leads in (10_000, 100_000, 1_000_000):
        data = spells(leads)
        one = best_of(5, lambda data=data: fit(bin_spells(data), ("lognormal",), (0,)))
        three = best_of(5, lambda data=data: weigh(data))
        print(f"{leads:>9,} leads: one family {1e3 * one:.1f} ms, three weighed {1e3 * three:.1f} ms")
    histories = [("sample", None), *((("olist", sys.argv[1]),) if len(sys.argv) > 1 else ())]
    for name, folder in histories:
        path = ROOT / "calibration" / f"{name}.history.yaml"
        spent = best_of(5, lambda path=path, folder=folder: calibrate(path, data_dir=folder))
        print(f"{name}: {spent:.2f} s from file to fit")


if __name__ == "__main__":
    main()
