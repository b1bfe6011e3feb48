"""How long askers wait before they give up, from those who were answered too.

Someone answered after 40 seconds would have waited 40 seconds or more: being answered cuts patience off, and the law
is that of censored lengths (`duration_fit`): Kaplan-Meier and Weibull, lognormal, gamma side by side. It is assumed
that the instant at which one is answered says nothing about how long one would have waited (Brown et al. 2005, J. Am.
Stat. Ass. 100:36, who study such a call centre). Counting hang-ups alone takes the impatient for everybody.

Those who were answered at once waited for nothing and tell nothing. Rows of people who hung up before they asked (in
the menu) do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.survival.duration_fit import DurationFit, fit_duration
from funnelsim.calibration.teams.work_items import WorkItems


@dataclass(frozen=True)
class Patience:
    """Of those who asked."""

    asked: int
    gave_up: int
    law: DurationFit
    mean_wait: float  # seconds, of all who asked, 0 included
    naive: float  # median wait of those who gave up, which is not their patience

    @property
    def share(self) -> float:
        return self.gave_up / self.asked


def fit_patience(pieces: WorkItems, rounding: float = 0.0) -> Patience | None:
    """The law of patience; None when the log shows nobody or almost nobody giving up."""
    asked = np.isfinite(pieces.asked)
    wait, left = pieces.wait[asked], np.isfinite(pieces.gave_up[asked]) & ~pieces.served[asked]
    law = fit_duration(wait, left, rounding)
    if law is None:
        return None
    return Patience(int(asked.sum()), int(left.sum()), law, float(wait.mean()), float(np.median(wait[left])))
