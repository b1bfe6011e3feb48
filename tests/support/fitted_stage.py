"""A stage as calibration writes it: two plausible choices of laws for the times of its two exits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funnelsim.plan import DAY

# two exits: 30 % go on after a Weibull time, 50 % are lost after a lognormal one, 20 % are never heard of again
MEAN = [math.log(0.30 / 0.20), math.log(0.50 / 0.20), math.log(9 * DAY), -0.2, math.log(20 * DAY), 0.1]
SPREAD = [0.05, 0.04, 0.06, 0.03, 0.05, 0.02]
OTHER = [math.log(0.30 / 0.20), math.log(0.50 / 0.20), math.log(9 * DAY), 0.3, math.log(20 * DAY), 0.1]
FITS = [
    {
        "weight": 0.75,
        "families": ["weibull", "lognormal"],
        "law_of": [0, 1],
        "mean": MEAN,
        "cov": np.diag(np.square(SPREAD)).tolist(),
    },
    {
        "weight": 0.25,
        "families": ["gamma", "lognormal"],
        "law_of": [0, 1],
        "mean": OTHER,
        "cov": np.diag(np.square(SPREAD)).tolist(),
    },
]
KNOWN = {"exits": ["evaluation", "lost"], "empirical": [], "fits": FITS}
WEIBULL = f"weibull(shape {math.exp(0.2):.8g} scale 9 days)"
GAMMA = f"gamma(shape {math.exp(0.3):.8g} scale 9 days)"
STAGES: dict[str, Any] = {
    "interest": {
        "pace": {
            "evaluation": f"mixture(75% {WEIBULL} 25% {GAMMA})",
            "lost": f"lognormal(mu {math.log(20 * DAY):.8g} sigma {math.exp(0.1):.8g})",
        },
        "next": {
            "evaluation": {"share": "30%", "se": 0.05, "of": "entered"},
            "lost": {"share": "50%", "se": 0.04, "of": "entered"},
            "silent": "rest",
        },
    },
    "evaluation": {"next": {"customer": "50%", "lost": "rest"}},
    "customer": {},
}
