"""How long calibration takes, beside convoys and lifelines on the same data, and whether they agree.

    python benchmarks/calibration_speed.py [FOLDER OF THE OLIST DATA]

Processor time, least of the rounds; what is compared runs in turns within one round. A stage is fitted from arrays in
memory, with standard errors. The shared cases: convoys fits a Weibull law with a share that never moves (Farewell
1982), lifelines plain Weibull and lognormal laws and Kaplan-Meier. Stops with an error where estimates differ by more
than 1e-4 (shares, log-scales, log-shapes); `prior` 0 and no bins there, as neither package has them.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from reading import table

from funnelsim.calibration import calibrate
from funnelsim.calibration.exports.detect import write_history
from funnelsim.calibration.survival.competing_risks import Spells, bin_spells, fit_mixture_cure
from funnelsim.calibration.survival.duration_fit import fit_duration
from funnelsim.calibration.survival.model_averaging import average_models

DAY, ROOT = 86400.0, Path(__file__).parents[1]
CLOSE = 1e-4
Work = Callable[[], object]


def main() -> None:
    for leads in (10_000, 100_000, 1_000_000):
        data = spells(leads)
        took = least(
            7,
            {
                "one": lambda data=data: fit_mixture_cure(bin_spells(data), ("weibull",), (0,)),
                "three": lambda data=data: average_models(data),
            },
        )
        print(
            f"{leads:>9,} leads, with standard errors: one family {1e3 * took['one']:.1f} ms,"
            f" three weighed {1e3 * took['three']:.1f} ms"
        )
    differences = beside_convoys(10_000) + beside_lifelines(10_000) + beside_lifelines(200_000)
    whole_histories()
    if max(differences) > CLOSE:
        sys.exit(f"estimates differ by {max(differences):.1e}, more than {CLOSE:.0e}")


def spells(leads: int) -> Spells:
    """One exit with a share of 12 %, Weibull of shape 0.8 and scale 8 days, over 120 days."""
    rng = np.random.default_rng(1)
    age = rng.random(leads) * 120 * DAY
    time_ = 8 * DAY * rng.weibull(0.8, leads)
    won = (rng.random(leads) < 0.12) & (time_ < age)
    return Spells(("won",), age, np.where(won, time_, age), won.astype(int), np.zeros(leads), np.zeros(leads, int))


def beside_convoys(leads: int) -> list[float]:
    """Weibull with a share that never moves."""
    try:
        from convoys import regression
    except ImportError as error:
        print(f"convoys cannot be imported here: {error}")
        return []
    regression.progressbar.ProgressBar = _NoBar
    data = spells(leads)
    moved, days, nothing = (data.outcome > 0).astype(float), data.time / DAY, np.zeros((leads, 1))

    def theirs() -> tuple[float, float, float]:
        model = regression.GeneralizedGamma(hierarchical=False, fix_k=1)  # its Weibull, without the prior
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(nothing, moved, days)
        found = model.params["map"]
        return 1 / (1 + np.exp(-found["b"])), np.log(DAY) - found["a"], -np.log(found["p"])

    took = least(5, {"ours": lambda: fit_mixture_cure(bin_spells(data), ("weibull",), (0,)), "convoys": theirs})
    law = fit_mixture_cure(bin_spells(data, bins=leads, prior=0.0), ("weibull",), (0,))
    usual = fit_mixture_cure(bin_spells(data), ("weibull",), (0,))
    share, mu, s = theirs()
    differences = [abs(law.shares()[0, 0] - share), abs(law.vector[1] - mu), abs(law.vector[2] - s)]
    print(
        f"convoys, {leads:,} leads, Weibull with a share that never moves: {1e3 * took['convoys']:.1f} ms without"
        f" standard errors, ours {1e3 * took['ours']:.1f} ms with: {took['convoys'] / took['ours']:.0f} times;"
        f" estimates within {max(differences):.0e} (share {share:.4f}; as users get it, with bins and prior, within"
        f" {abs(usual.shares()[0, 0] - share):.0e})"
    )
    return differences


def beside_lifelines(leads: int) -> list[float]:
    """Plain Weibull and lognormal laws and Kaplan-Meier, right-censored."""
    from lifelines import KaplanMeierFitter, LogNormalFitter, WeibullFitter

    rng = np.random.default_rng(2)
    length, cut = 8 * rng.weibull(0.8, leads), rng.random(leads) * 40
    seconds, ended = np.minimum(length, cut) * DAY, length < cut

    def theirs() -> tuple[WeibullFitter, LogNormalFitter, KaplanMeierFitter]:
        fitters = WeibullFitter(), LogNormalFitter(), KaplanMeierFitter()
        for fitter in fitters:
            fitter.fit(seconds / DAY, ended)
        return fitters

    took = least(3, {"ours": lambda: fit_duration(seconds, ended), "lifelines": theirs})
    weibull, lognormal, kaplan_meier = theirs()
    ours = fit_duration(seconds, ended, least_weight=0.0)
    assert ours is not None
    mine = {law.family: law.vector for law in ours.laws}
    differences = [
        abs(mine["weibull"][0] - np.log(weibull.lambda_ * DAY)),
        abs(mine["weibull"][1] + np.log(weibull.rho_)),
        abs(mine["lognormal"][0] - lognormal.mu_ - np.log(DAY)),
        abs(mine["lognormal"][1] - np.log(lognormal.sigma_)),
        float(np.abs(kaplan_meier.predict(ours.curve.seconds / DAY).to_numpy() - ours.curve.share).max()),
    ]
    print(
        f"lifelines, {leads:,} leads, Weibull, lognormal, Kaplan-Meier: {1e3 * took['lifelines']:.0f} ms, ours (with"
        f" gamma) {1e3 * took['ours']:.0f} ms: {took['lifelines'] / took['ours']:.1f} times; estimates within"
        f" {max(differences):.0e}"
    )
    return differences


def whole_histories() -> None:
    """From files to fits."""
    histories = {"sample": None, **({"olist": sys.argv[1]} if len(sys.argv) > 1 else {})}
    for name, folder in histories.items():
        path = ROOT / "calibration" / f"{name}.history.yaml"
        took = least(3, {name: lambda path=path, folder=folder: calibrate(path, data_dir=folder)})
        print(f"{name}: {took[name]:.2f} s from file to fit")
    with tempfile.TemporaryDirectory() as name:
        file, history = Path(name, "leads.parquet"), Path(name, "leads.history.yaml")
        table().write_parquet(file)
        write_history(file, history)
        took = least(3, {"million": lambda: calibrate(history)})
        print(f"a million leads from Parquet: {took['million']:.2f} s from file to fit")


def least(rounds: int, works: Mapping[str, Work]) -> dict[str, float]:
    """Processor seconds of each, the least of the rounds."""
    took = dict.fromkeys(works, np.inf)
    for _ in range(rounds):
        for name, work in works.items():
            began = time.process_time()
            work()
            took[name] = min(took[name], time.process_time() - began)
    return took


class _NoBar:
    """convoys draws a progress bar; a benchmark does not."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def update(self, *_: object, **__: object) -> None:
        pass


if __name__ == "__main__":
    main()
