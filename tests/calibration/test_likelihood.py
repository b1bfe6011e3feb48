"""The likelihood of a stage: against brute force, closed forms and made-up histories with known truth."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import approx_fprime

from funnelsim.calibration.survival import competing_risks, time_distributions
from funnelsim.calibration.survival.competing_risks import (
    PRIOR,
    Spells,
    bin_spells,
    first_vector,
    fit_mixture_cure,
    negative_log_likelihood,
)
from funnelsim.calibration.survival.model_averaging import average_models

DAY = 86400.0
LAWS = {
    "weibull": lambda mu, s: stats.weibull_min(np.exp(-s), scale=np.exp(mu)),
    "lognormal": lambda mu, s: stats.lognorm(np.exp(s), scale=np.exp(mu)),
    "gamma": lambda mu, s: stats.gamma(np.exp(s), scale=np.exp(mu)),
}


def spells(age, time, outcome, exits=("won",), group=None, rounding=0.0, **other):
    n = len(age)
    group = np.zeros(n, int) if group is None else group
    return Spells(exits, age, time, outcome, np.full(n, rounding), group, int(group.max()) + 1, **other)


def history(rng, n, shares, laws, days, recorded_for=None, observed_for=np.inf):
    """Leads over `days`, exits with these shares and scipy laws; hidden and missing exits as the model says."""
    age = rng.random(n) * days * DAY
    choice = np.searchsorted(np.cumsum(shares), rng.random(n))
    time = np.full(n, np.inf)
    for j, law in enumerate(laws):
        time[choice == j] = law.rvs((choice == j).sum(), random_state=rng)
    seen = time <= age
    for j, since in enumerate(recorded_for or ()):
        seen &= ~((choice == j) & (time < age - since))
    listed = ~((time < age - observed_for) & np.isfinite(time))
    outcome = np.where(seen, choice + 1, 0)[listed]
    age, time = age[listed], np.where(seen, time, age)[listed]
    return age, np.maximum(time, 1.0), outcome


@pytest.mark.parametrize("family", time_distributions.FAMILIES)
def test_families_against_scipy(family):
    mu, s, t = np.log(8 * DAY), 0.3, np.array([0.01, 1, 5, 40, 300]) * DAY
    law = LAWS[family](mu, s)
    log_t = time_distributions.log_time(t)
    np.testing.assert_allclose(time_distributions.log_density(family, mu, s, log_t)[0], law.logpdf(t), rtol=1e-9)
    np.testing.assert_allclose(time_distributions.cdf(family, mu, s, log_t)[0], law.cdf(t), rtol=1e-9)
    np.testing.assert_allclose(time_distributions.quantile(family, mu, s, law.cdf(t[:4])), t[:4], rtol=1e-6)
    for part in (time_distributions.log_density, time_distributions.cdf):
        for i, point in enumerate(t):
            at = np.array([time_distributions.log_time(np.array([point]))[0]])
            slope = approx_fprime([mu, s], lambda x, at=at, part=part: part(family, x[0], x[1], at)[0][0], 1e-7)
            np.testing.assert_allclose(part(family, mu, s, log_t)[1][:, i], slope, atol=1e-5)


def test_likelihood_against_brute_force():
    """Lead by lead, with F by numerical integration of f, for hidden and missing time, two exits, two groups."""
    rng = np.random.default_rng(5)
    laws = [stats.weibull_min(0.8, scale=9 * DAY), stats.lognorm(1.0, scale=14 * DAY)]
    age, time, outcome = history(rng, 60, [0.3, 0.3], laws, 90, (50 * DAY, np.inf), 60 * DAY)
    group = rng.integers(0, 2, len(age))
    data = spells(age, time, outcome, ("a", "b"), group, recorded_for=(50 * DAY, np.inf), observed_for=60 * DAY)
    x = np.array([-0.4, 0.2, 0.1, -0.3, np.log(8 * DAY), 0.1, np.log(12 * DAY), -0.2])
    shapes = [LAWS["weibull"](x[4], x[5]), LAWS["lognormal"](x[6], x[7])]

    def gone(j, t):
        if t == 0:
            return 0.0
        return integrate.quad(lambda u: shapes[j].pdf(np.exp(u)) * np.exp(u), -15, np.log(t), limit=200)[0]

    expected = 0.0
    for a, t, o, g in zip(age, time, outcome, group, strict=True):
        e = np.exp([0.0, *x[2 * g : 2 * g + 2]])
        pi = (e / e.sum())[1:]
        late = max(a - 60 * DAY, 0.0)
        if o:
            expected += np.log(pi[o - 1] * shapes[o - 1].pdf(t))
        else:
            unseen = [max(a - 50 * DAY, late), late]
            expected += np.log(1 - sum(pi[j] * (gone(j, a) - gone(j, unseen[j]) + gone(j, late)) for j in range(2)))
        expected -= np.log(1 - sum(pi[j] * gone(j, late) for j in range(2)))
    for g in range(2):
        e = np.exp([0.0, *x[2 * g : 2 * g + 2]])
        expected += PRIOR * np.log(e / e.sum()).sum()
    value, _ = negative_log_likelihood(x, bin_spells(data, bins=10**6), ("weibull", "lognormal"), (0, 1))
    assert -value == pytest.approx(expected, rel=1e-7)
    binned, _ = negative_log_likelihood(x, bin_spells(data), ("weibull", "lognormal"), (0, 1))
    assert binned == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("rounding", [0.0, 30 * DAY])
def test_gradient(rounding):
    rng = np.random.default_rng(6)
    laws = [stats.weibull_min(0.8, scale=9 * DAY), stats.gamma(2.0, scale=4 * DAY)]
    age, time, outcome = history(rng, 2000, [0.3, 0.3], laws, 90, (50 * DAY, np.inf), 60 * DAY)
    data = bin_spells(
        spells(
            age,
            time,
            outcome,
            ("a", "b"),
            rng.integers(0, 3, len(age)),
            rounding,
            recorded_for=(50 * DAY, np.inf),
            observed_for=60 * DAY,
        )
    )
    chosen = (("weibull", "gamma"), (0, 1))
    x = first_vector(data, *chosen) + 0.1
    numeric = approx_fprime(x, lambda y: negative_log_likelihood(y, data, *chosen)[0], 1e-6)
    np.testing.assert_allclose(negative_log_likelihood(x, data, *chosen)[1], numeric, rtol=1e-4, atol=0.02)


def test_nothing_censored_gives_the_share_counted():
    """Followed a thousand times as long as it takes: the share is the count, its error binomial, the law the data's."""
    rng = np.random.default_rng(7)
    n = 4000
    outcome = (rng.random(n) < 0.3).astype(int)
    time = np.where(outcome == 1, np.exp(rng.normal(np.log(DAY), 0.5, n)), 1000 * DAY)
    law = fit_mixture_cure(bin_spells(spells(np.full(n, 1000 * DAY), time, outcome)), ("lognormal",), (0,))
    k = outcome.sum()
    assert law.shares()[0, 0] == pytest.approx((k + PRIOR) / (n + 2 * PRIOR), abs=1e-6)
    assert law.covariance[0, 0] == pytest.approx(1 / (k + PRIOR) + 1 / (n - k + PRIOR), rel=1e-3)
    log = np.log(time[outcome == 1])
    assert law.vector[1] == pytest.approx(log.mean(), abs=1e-3)
    assert law.vector[2] == pytest.approx(np.log(log.std()), abs=1e-3)


def test_competing_exits_nothing_censored():
    rng = np.random.default_rng(8)
    n = 3000
    outcome = rng.choice(4, n, p=[0.2, 0.5, 0.2, 0.1])
    time = np.where(outcome > 0, np.exp(rng.normal(np.log(DAY) + outcome, 0.4)), 5000 * DAY)
    fitted = average_models(spells(np.full(n, 5000 * DAY), time, outcome, ("a", "b", "c")))
    for j in range(3):
        assert fitted.share(j).value == pytest.approx((outcome == j + 1).mean(), abs=1e-3)


@pytest.mark.parametrize("family", time_distributions.FAMILIES)
def test_recovers_shares_and_times(family):
    mu, s = np.log(10 * DAY), 0.2
    law = LAWS[family](mu, s)
    age, time, outcome = history(np.random.default_rng(9), 30_000, [0.2], [law], 120)
    fitted = fit_mixture_cure(bin_spells(spells(age, time, outcome)), (family,), (0,))
    error = np.sqrt(np.diag(fitted.covariance))
    truth = [np.log(0.2 / 0.8), mu, s]
    assert np.all(np.abs(fitted.vector - truth) < 3.5 * error)
    assert error[0] < 0.05


def test_hidden_exits_do_not_bias():
    """Wins recorded only in the last 60 of 240 days: the naive share is far off, the fitted one is not."""
    law = stats.lognorm(0.9, scale=15 * DAY)
    age, time, outcome = history(np.random.default_rng(10), 12_000, [0.3], [law], 240, (60 * DAY,))
    aware = average_models(spells(age, time, outcome, recorded_for=(60 * DAY,)))
    ignorant = average_models(spells(age, time, outcome))
    assert (outcome == 1).mean() < 0.12
    assert aware.share(0).low < 0.3 < aware.share(0).high
    assert ignorant.share(0).high < 0.2


def test_missing_leads_do_not_bias():
    """Leads gone before the list began are not on it: the others look too faithful."""
    laws = [stats.weibull_min(0.7, scale=20 * DAY), stats.lognorm(0.8, scale=8 * DAY)]
    age, time, outcome = history(np.random.default_rng(11), 20_000, [0.25, 0.45], laws, 200, None, 70 * DAY)
    kept = ~((outcome > 0) & (time < age - 70 * DAY))
    age, time, outcome = age[kept], time[kept], outcome[kept]
    aware = average_models(spells(age, time, outcome, ("on", "lost"), observed_for=70 * DAY))
    ignorant = average_models(spells(age, time, outcome, ("on", "lost")))
    for j, truth in enumerate((0.25, 0.45)):
        assert aware.share(j).low < truth < aware.share(j).high
    assert ignorant.share(1).high < 0.45


def test_rounded_times():
    """Times known to the day: zero days are an interval, not a nought."""
    law = stats.weibull_min(0.8, scale=1.5 * DAY)
    age, time, outcome = history(np.random.default_rng(12), 20_000, [0.4], [law], 60)
    time = np.where(outcome == 1, np.floor(time / DAY + np.random.default_rng(1).random(len(time))) * DAY, time)
    fitted = fit_mixture_cure(bin_spells(spells(age, time, outcome, rounding=DAY)), ("weibull",), (0,))
    assert fitted.shares()[0, 0] == pytest.approx(0.4, abs=0.015)
    assert np.exp(fitted.vector[1]) / DAY == pytest.approx(1.5, rel=0.06)
    assert np.exp(-fitted.vector[2]) == pytest.approx(0.8, rel=0.06)


def test_groups_share_their_times():
    rng = np.random.default_rng(13)
    law = stats.lognorm(0.9, scale=12 * DAY)
    one = history(rng, 6000, [0.1], [law], 90)
    two = history(rng, 400, [0.4], [law], 30)
    age, time, outcome = (np.concatenate(pair) for pair in zip(one, two, strict=True))
    group = np.repeat([0, 1], [len(one[0]), len(two[0])])
    fitted = average_models(spells(age, time, outcome, group=group))
    assert fitted.share(0, 0).low < 0.1 < fitted.share(0, 0).high
    assert fitted.share(0, 1).low < 0.4 < fitted.share(0, 1).high
    alone = average_models(spells(two[0], two[1], two[2]))
    assert fitted.share(0, 1).se < alone.share(0).se


def test_bins_cost_nothing():
    """512 bins or none: the same fit to a hundredth of its standard error."""
    age, time, outcome = history(np.random.default_rng(14), 20_000, [0.2], [stats.lognorm(1.0, scale=9 * DAY)], 90)
    data = spells(age, time, outcome)
    fine, coarse = (fit_mixture_cure(bin_spells(data, bins), ("lognormal",), (0,)) for bins in (10**6, 512))
    assert np.all(np.abs(fine.vector - coarse.vector) < 0.01 * np.sqrt(np.diag(fine.covariance)))


def test_very_many_leads_are_not_sorted(monkeypatch):
    """A million a stage: bins from a fine grid in place of sorting change the share by far less than its error."""
    rng = np.random.default_rng(13)
    age, time, outcome = history(rng, 200_000, [0.2], [LAWS["lognormal"](np.log(8 * DAY), 0.0)], 120)
    group = (rng.random(len(age)) < 0.2).astype(int)
    data = spells(age, time, outcome, group=group, rounding=1.0)
    assert (outcome == 0).sum() > competing_risks.MANY
    quick = fit_mixture_cure(bin_spells(data), ("lognormal",), (0,))
    monkeypatch.setattr(competing_risks, "MANY", len(age))
    exact = fit_mixture_cure(bin_spells(data), ("lognormal",), (0,))
    assert (quick.vector != exact.vector).any()
    np.testing.assert_allclose(quick.vector, exact.vector, rtol=0, atol=0.01 * np.sqrt(np.diag(exact.covariance)).min())
    np.testing.assert_allclose(quick.covariance, exact.covariance, rtol=1e-3, atol=1e-9)


def test_a_crowd_is_sorted_after_all():
    """Half of the leads in an hour, the others over four years: a grid would put the crowd into one bin."""
    values = np.concatenate([np.linspace(0, 3600, 100_000), np.linspace(0, 1500 * DAY, 100_000)])
    number = competing_risks._equal_count_bins(values, np.zeros(len(values), int), 1, 512)
    assert len(np.unique(number)) == 512 and np.bincount(number).max() < 400


def test_medians_and_their_intervals():
    """One exit, and two exits to one target (median of a mixture): 95 % intervals over 60 histories; fewer than 48 held
    would happen once in 40,000 times."""
    laws = [LAWS["lognormal"](np.log(4 * DAY), -0.5), LAWS["lognormal"](np.log(16 * DAY), -0.5)]
    held = np.zeros(3, int)
    for seed in range(60):
        age, time, outcome = history(np.random.default_rng([16, seed]), 3000, [0.3, 0.3], laws, 365)
        average = average_models(spells(age, time, outcome, ("won", "won"), rounding=1.0))
        for case, (exits, days) in enumerate((([0], 4.0), ([1], 16.0), ([0, 1], 8.0))):
            value, low, high = average.median_span(exits, 400)
            assert low < value < high < 1.4 * low and value == average.median(exits)
            held[case] += low <= days * DAY <= high
    assert held.min() >= 48, held
