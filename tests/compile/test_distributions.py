"""Laws: quantiles from both ends agree with SciPy's, mixtures solve their equation, tables draw what they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim.compile.distributions import law_of, mean, table
from funnelsim.engine.rng import quantile_at
from funnelsim.scenario.values import Distribution as D

RANKS = np.array([1e-9, 1e-4, 0.03, 0.3, 0.5, 0.8, 0.999])
SIMPLE = [
    (D("exponential", (7.0,)), stats.expon(scale=7.0)),
    (D("lognormal", (1.0, 0.7)), stats.lognorm(0.7, scale=np.e)),
    (D("weibull", (0.8, 5.0)), stats.weibull_min(0.8, scale=5.0)),
    (D("gamma", (2.3, 3.0)), stats.gamma(2.3, scale=3.0)),
    (D("loglogistic", (2.5, 4.0)), stats.fisk(2.5, scale=4.0)),
    (D("normal", (2.0, 3.0)), stats.norm(2.0, 3.0)),
    (D("uniform", (2.0, 5.0)), stats.uniform(2.0, 3.0)),
    (D("loguniform", (2.0, 50.0)), stats.loguniform(2.0, 50.0)),
]


@pytest.mark.parametrize(("distribution", "known"), SIMPLE, ids=lambda x: getattr(x, "family", ""))
def test_families_agree_with_scipy(distribution: D, known: stats.rv_continuous) -> None:
    law = law_of(distribution)
    rel = 1.1e-5 if distribution.family == "gamma" else 1e-9  # its quantiles are splines
    assert law.ppf(RANKS) == pytest.approx(known.ppf(RANKS), rel=rel)
    assert law.isf(RANKS) == pytest.approx(known.isf(RANKS), rel=rel)
    x = known.ppf(RANKS)
    assert law.cdf(x) == pytest.approx(known.cdf(x), rel=1e-9)
    assert law.sf(x) == pytest.approx(known.sf(x), rel=1e-9)


@pytest.mark.parametrize("distribution", [d for d, _ in SIMPLE], ids=lambda d: d.family)
def test_tables_hold_the_quantiles(distribution: D) -> None:
    row, law = table(distribution)[None], law_of(distribution)
    for u in (0.001, 0.2, 0.7, 0.9999):
        assert quantile_at(row, 0, u) == pytest.approx(float(law.ppf(np.array([u]))[0]), rel=2e-4)


def test_a_mixture_has_the_ranks_of_the_weighted_sum() -> None:
    law = law_of(D("mixture", (), (D("exponential", (1.0,)), D("lognormal", (3.0, 0.5))), (0.6, 0.4)))
    x = law.ppf(RANKS)
    by_hand = 0.6 * stats.expon.cdf(x) + 0.4 * stats.lognorm(0.5, scale=np.exp(3.0)).cdf(x)
    assert by_hand == pytest.approx(RANKS, rel=3e-5)
    assert law.sf(law.isf(RANKS)) == pytest.approx(RANKS, rel=3e-5)


def test_a_mixture_keeps_atoms_and_gaps() -> None:
    """Half at 2, a quarter spread over 5 to 6, a quarter at 9: nothing is drawn in between."""
    parts = (D("fixed", (2.0,)), D("uniform", (5.0, 6.0)), D("fixed", (9.0,)))
    law = law_of(D("mixture", (), parts, (0.5, 0.25, 0.25)))
    assert law.ppf(np.array([0.1, 0.4999, 0.625, 0.76, 0.99])) == pytest.approx([2, 2, 5.5, 9, 9])
    assert law.isf(np.array([0.01, 0.24, 0.375, 0.51, 0.99])) == pytest.approx([9, 9, 5.5, 2, 2])
    row = table(D("mixture", (), parts, (0.5, 0.25, 0.25)))[None]
    drawn = np.array([float(quantile_at(row, 0, u)) for u in (np.arange(4000) + 0.5) / 4000])
    assert [(drawn == 2).mean(), ((drawn >= 5) & (drawn <= 6)).mean(), (drawn == 9).mean()] == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.002
    )


def test_a_mixture_adds_up_the_shares_that_never_happen() -> None:
    parts = (D("fixed", (1.0,), never=0.5), D("fixed", (2.0,)))
    law = law_of(D("mixture", (), parts, (0.4, 0.6), never=0.1))
    assert law.never == pytest.approx(1 - 0.9 * (0.4 * 0.5 + 0.6))
    row = table(D("mixture", (), parts, (0.4, 0.6), never=0.1))[None]
    drawn = [float(quantile_at(row, 0, u)) for u in np.linspace(0, 0.999, 1000)]
    assert [drawn.count(x) / 1000 for x in (1.0, 2.0, np.inf)] == pytest.approx([0.18, 0.54, 0.28], abs=0.002)


def test_a_shifted_law_begins_later() -> None:
    law = law_of(D("shifted", (24.0,), (D("exponential", (10.0,), never=0.2),)))
    assert law.ppf(np.array([0.0, 0.5])) == pytest.approx([24.0, 24.0 + 10 * np.log(2)])
    assert law.never == pytest.approx(0.2)


def test_an_empirical_law_draws_its_values() -> None:
    """Three values equally likely, as `empirical(3, 5, 9)` is read."""
    third = 1 / 3
    row = table(D("empirical", (0, 3, third, 3, third, 5, 2 * third, 5, 2 * third, 9, 1, 9)))[None]
    drawn = [float(quantile_at(row, 0, u)) for u in np.linspace(0, 0.9995, 2000)]
    assert [drawn.count(x) / 2000 for x in (3.0, 5.0, 9.0)] == pytest.approx([third] * 3, abs=0.002)


def test_the_text_does_not_make_a_law() -> None:
    assert table(D("exponential", (5.0,), text="one way")) is table(D("exponential", (5.0,), text="another"))


def test_mean_and_unknown_families() -> None:
    assert mean(D("lognormal", (1.0, 0.7))) == pytest.approx(np.exp(1 + 0.49 / 2), rel=1e-3)
    with pytest.raises(ValueError, match="no distribution family 'gauss'"):
        table(D("gauss", (0.0, 1.0)))
