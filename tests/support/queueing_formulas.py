"""Queueing theory, for the tests only: nothing here is imported from funnelsim.

Sources: Erlang 1917 (C); Palm 1946 and Garnett, Mandelbaum, Reiman 2002 (A); Pollaczek 1930 and Khinchine 1932; Cobham
1954; Jackson 1957; Kemeny and Snell 1960 (chains); Eick, Massey, Whitt 1993 (M_t/G/infinity).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from funnelsim.typing import FloatArray


class ErlangC:
    """M/M/c: arrivals and services at these rates, `reps` who serve."""

    def __init__(self, arrivals: float, service: float, reps: int) -> None:
        load = arrivals / service
        assert load < reps
        terms = [load**k / math.factorial(k) for k in range(reps)]
        top = load**reps / math.factorial(reps) * reps / (reps - load)
        self.waits = top / (sum(terms) + top)  # the chance to wait at all
        self.spare = reps * service - arrivals
        self.mean_wait = self.waits / self.spare
        self.mean_present = arrivals * self.mean_wait + load
        self.empty = 1.0 / (sum(terms) + top)

    def longer(self, wait: float) -> float:
        """P(W > wait)."""
        return self.waits * math.exp(-self.spare * wait)


class ErlangA:
    """M/M/c+M: buyers leave after an exponential patience unless served first."""

    def __init__(self, arrivals: float, service: float, reps: int, leaving: float, states: int = 400) -> None:
        weights = [1.0]
        for n in range(1, states):
            weights.append(weights[-1] * arrivals / (min(n, reps) * service + max(0, n - reps) * leaving))
        present = np.array(weights) / sum(weights)
        ahead = np.arange(states) - reps  # waiting before an arrival that finds n present
        waiting = float(present @ np.maximum(ahead, 0))
        self.abandons = leaving * waiting / arrivals  # who leaves, per arrival: rate theta a waiting buyer
        served, waited = 0.0, 0.0
        for k, chance in zip(ahead, present, strict=True):
            if k < 0:
                served += chance
                continue
            # k + 1 departures must come before this buyer's own; times between them do not depend on whose they are
            is_reachable = chance * reps * service / (reps * service + (k + 1) * leaving)
            served += is_reachable
            waited += is_reachable * sum(1.0 / (reps * service + (i + 1) * leaving) for i in range(k + 1))
        assert abs(served - (1.0 - self.abandons)) < 1e-9  # both ways of counting who is served
        self.wait_of_served = waited / served


def pollaczek_khinchine(arrivals: float, mean: float, cv: float) -> float:
    """Mean wait in M/G/1."""
    return arrivals * mean**2 * (1.0 + cv**2) / 2.0 / (1.0 - arrivals * mean)


def cobham(arrivals: Sequence[float], mean: float) -> list[float]:
    """Mean waits by class in M/M/1 with priorities that never interrupt, the highest first."""
    residual = sum(arrivals) * mean**2  # lambda E[S^2] / 2 with exponential S
    waits, above = [], 0.0
    for rate in arrivals:
        waits.append(residual / (1.0 - above) / (1.0 - above - rate * mean))
        above += rate * mean
    return waits


def traffic(routing: Sequence[Sequence[float]], outside: Sequence[float]) -> FloatArray:
    """Flows through the nodes of an open network: f = outside + f routing."""
    matrix = np.array(routing)
    flows: FloatArray = np.linalg.solve(np.eye(len(matrix)) - matrix.T, np.array(outside))
    return flows


def fundamental(transient: Sequence[Sequence[float]]) -> FloatArray:
    """Expected visits to each transient state, by starting state: (I - Q)^-1."""
    matrix = np.array(transient)
    visits: FloatArray = np.linalg.inv(np.eye(len(matrix)) - matrix)
    return visits


def lognormal_survival_integral(mu: float, sigma: float) -> Callable[[FloatArray], FloatArray]:
    """u -> integral of P(X > x) for x from 0 to u."""

    def integral(u: FloatArray) -> FloatArray:
        x = np.maximum(u, 1e-300)
        beyond = stats.norm.sf((np.log(x) - mu) / sigma)
        below = math.exp(mu + sigma**2 / 2.0) * stats.norm.cdf((np.log(x) - mu - sigma**2) / sigma)
        inside: FloatArray = np.where(u > 0.0, x * beyond + below, 0.0)
        return inside

    return integral


def mean_present(
    rates: FloatArray, step: float, instants: FloatArray, integral: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """M_t/G/infinity: mean number present at each instant, when arrivals come at rates[i] from i to i + 1 steps."""
    edges = np.arange(len(rates) + 1) * step
    ages = np.maximum(instants[:, None] - edges[None, :], 0.0)
    cumulative = integral(ages)
    present: FloatArray = ((cumulative[:, :-1] - cumulative[:, 1:]) * rates[None, :]).sum(axis=1)
    return present
