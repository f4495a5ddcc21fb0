"""Calibration of the predictions of rows from the others, against models whose posterior is known in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import bernoulli, norm, poisson
from scipy.stats import t as student

from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.calibration import LeftOut, miscalibration, p_uniform, shape_of, without_each
from modelcompose.workflow.prior import Simulated

DRAWS = 1000


def normal_posterior(y, rng):
    """Draw from the exact posterior of a normal model under the prior 1/variance: likelihood and predictions."""
    n = len(y)
    variance = (n - 1) * y.var(ddof=1) / rng.chisquare(n - 1, DRAWS)
    mean = y.mean() + np.sqrt(variance / n) * rng.standard_normal(DRAWS)
    spread = np.sqrt(variance)[:, None]
    return norm.logpdf(y, mean[:, None], spread), mean[:, None] + spread * rng.standard_normal((DRAWS, n))


def poisson_posterior(y, rng):
    rate = rng.gamma(1 + y.sum(), 1 / (0.3 + len(y)), DRAWS)[:, None]
    return poisson.logpmf(y, rate), rng.poisson(rate, (DRAWS, len(y))).astype(float)


def left_out(y, posterior, kind="number"):
    likelihood, draws = posterior
    weights, k = without_each(likelihood.T)
    densities = np.log((np.exp(weights) * np.exp(likelihood.T)).sum(1))
    return LeftOut(Simulated(draws, y, kind), weights, k, densities)


def p_values(simulate, posterior, count=100, n=40):
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        y = simulate(rng, n).astype(float)
        found.append(p_uniform(left_out(y, posterior(y, rng)).places))
    return np.array(found)


@pytest.mark.parametrize(
    ("simulate", "posterior"),
    [
        (lambda rng, n: rng.normal(3, 2, n), normal_posterior),
        (lambda rng, n: rng.poisson(3, n), poisson_posterior),
    ],
    ids=["normal", "poisson"],
)
def test_a_right_model_is_hardly_ever_blamed(simulate, posterior):
    found = p_values(simulate, posterior)
    assert (found < 0.01).mean() <= 0.015
    assert (found < 0.05).mean() <= 0.06


@pytest.mark.parametrize(
    ("simulate", "posterior"),
    [
        (lambda rng, n: rng.standard_t(1.5, n), normal_posterior),
        (lambda rng, n: rng.lognormal(0, 1, n), normal_posterior),
        (lambda rng, n: rng.poisson(3 * rng.gamma(0.7, 1 / 0.7, n)), poisson_posterior),
    ],
    ids=["heavy tails", "lopsided", "counts that vary more"],
)
def test_a_wrong_model_is_blamed(simulate, posterior):
    assert (p_values(simulate, posterior, count=12, n=80) < 0.05).mean() >= 0.75


def test_places_are_those_of_the_exact_prediction_from_the_other_rows():
    rng = np.random.default_rng(4)
    y = rng.normal(10, 3, 30)
    found = left_out(y, normal_posterior(y, rng))
    for at in range(30):
        others = np.delete(y, at)
        scale = others.std(ddof=1) * np.sqrt(1 + 1 / 29)
        exact = student(28, others.mean(), scale)
        assert found.places[at] == pytest.approx(exact.cdf(y[at]), abs=0.05)
        assert found.densities[at] == pytest.approx(exact.logpdf(y[at]), abs=0.1)


def test_the_shape_says_what_is_wrong():
    even = (np.arange(200) + 0.5) / 200
    assert shape_of(np.clip(0.5 + 1.6 * (even - 0.5), 0.001, 0.999)).words.startswith("Too many rows lie at the ends")
    assert shape_of(0.5 + 0.6 * (even - 0.5)).words.startswith("Too many rows lie in the middle")
    assert shape_of(even**0.5).words.startswith("Predictions are on the whole too low")
    assert abs(shape_of(even).lean) < 0.01


def test_chances_that_are_right_pass_and_those_that_exaggerate_fail():
    ps, wrong = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chance = rng.uniform(0.1, 0.9, 200)
        y = bernoulli.rvs(chance, random_state=rng)
        ps.append(miscalibration(chance, y, rng)[1])
        logit = 2.5 * np.log(chance / (1 - chance))
        wrong.append(miscalibration(1 / (1 + np.exp(-logit)), y, rng)[1])
    assert np.mean(np.array(ps) < 0.05) <= 0.1
    assert np.mean(np.array(wrong) < 0.01) >= 0.8


def test_chances_by_the_share_of_the_others_are_not_blamed():
    """Left out, a row of those where it happened is predicted a little less likely: that is no fault."""
    for yes in (3, 20, 37):
        y = np.repeat([1.0, 0.0], [yes, 40 - yes])
        assert miscalibration((yes - y) / 39, y, np.random.default_rng(1))[1] > 0.05


def tree(y, posterior, outcome="y"):
    likelihood, draws = posterior
    shape, dims = (4, DRAWS // 4, len(y)), ("chain", "draw", "__obs__")
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"Intercept": (("chain", "draw"), np.zeros((4, DRAWS // 4)))}),
            "posterior_predictive": xr.Dataset({outcome: (dims, draws.reshape(shape))}),
            "log_likelihood": xr.Dataset({outcome: (dims, likelihood.reshape(shape))}),
        }
    )


def judged(y, posterior, **choices):
    table = pd.DataFrame({"y": y, **choices.pop("columns", {})})
    asked = {"outcome": "y", "model": "typical-value", "question": "typical", "on_fail": "warn"}
    analysis = Analysis.of({**asked, "kinds": {"y": "continuous"}, **choices})
    return check.calibration(analysis, table, tree(y, posterior))


def test_the_verdict_of_a_right_model_passes():
    rng = np.random.default_rng(1)
    y = rng.normal(10, 3, 100)
    verdict = judged(y, normal_posterior(y, rng))
    assert verdict.status == "pass", verdict.text()
    assert [one.rule for one in verdict.findings] == ["places-even", *["rows-covered-unseen"] * 3]
    assert verdict.picture


def test_heavy_tails_are_offered_a_model_for_them():
    rng = np.random.default_rng(1)
    y = rng.standard_t(1.3, 120)
    verdict = judged(y, normal_posterior(y, rng))
    assert verdict.status == "fail"
    assert verdict.remedies[0].changes["model"] == "typical-value-robust"
    assert verdict.remedies[0].cost


def test_a_group_that_is_predicted_wrongly_is_named():
    rng = np.random.default_rng(1)
    group = np.repeat(list("abcdef"), 20)
    y = rng.normal(10, 2, 120) + 5 * (group == "d")
    verdict = judged(
        y, normal_posterior(y, rng), columns={"site": pd.Categorical(group)}, groups=["site"], kinds={"y": "continuous"}
    )
    (found,) = [one for one in verdict.findings if one.rule == "groups-calibrated"]
    assert found.status == "fail"
    assert "(d, the worst of 6)" in found.shown


def test_without_a_likelihood_for_rows_it_says_so():
    y = np.arange(10.0)
    dt = xr.DataTree.from_dict({"posterior": xr.Dataset({"a": (("chain", "draw"), np.zeros((2, 10)))})})
    analysis = Analysis.of({"outcome": "y", "model": "typical-value", "question": "typical"})
    verdict = check.calibration(analysis, pd.DataFrame({"y": y}), dt)
    assert verdict.status == "info"
    assert "does not fall into parts" in verdict.sentence


def test_a_row_whose_weights_have_no_tail_to_fit_is_not_trusted_and_harms_no_other():
    rng = np.random.default_rng(4)
    ordinary = rng.normal(-1, 0.3, (3, 400))
    flat = np.where(np.arange(400) < 100, -3.0, -1.0)  # its hundred largest weights are equal
    log_weights, k = without_each(np.vstack([ordinary, flat]))
    alone, k_alone = without_each(ordinary)
    assert log_weights[:3] == pytest.approx(alone)
    assert k[:3] == pytest.approx(k_alone)
    assert np.isinf(k[3])
    assert np.exp(log_weights).sum(1) == pytest.approx(np.ones(4))
