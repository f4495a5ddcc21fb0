"""Recovery: known values are found by a right model, whatever it has of parameters, and not by a wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import modelcompose as mc
from modelcompose.analysis import Analysis
from modelcompose.workflow import recovery
from modelcompose.workflow.constructed import construct, elements, reported
from modelcompose.workflow.recovery import probability_of_truth

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

ROWS = 40
CHOICES = Analysis(
    question="effect",
    outcome="y",
    predictors=["x"],
    kinds={"y": "continuous", "x": "continuous"},
    model="linear",
    draws=200,
    tune=300,
    on_fail="warn",
    random_seed=5,
)


def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    return pd.DataFrame({"x": x, "y": 2 + x + rng.normal(size=ROWS)})


def regression(shift=0.0, potential=False):
    """A line; a shift that only the likelihood knows makes it find another intercept than data were made from."""
    import pymc as pm

    rows = table()
    with pm.Model(coords={"row": range(ROWS)}) as model:
        intercept, slope, sigma = pm.Normal("intercept", 0, 5), pm.Normal("slope", 0, 5), pm.HalfNormal("sigma", 2)
        mu = intercept + slope * rows["x"].to_numpy()

        def logp(value, mu, sigma):
            return pm.logp(pm.Normal.dist(mu + shift, sigma), value)

        def simulate(mu, sigma, rng=None, size=None):
            return rng.normal(mu, sigma, size)

        pm.CustomDist("y", mu, sigma, logp=logp, random=simulate, observed=rows["y"].to_numpy(), dims="row")
        if potential:
            pm.Potential("more", -(slope**2))
    return model


def judged(analysis, model, tmp_path):
    found = mc.recover(analysis, table(), model)
    file = tmp_path / "recovered.nc"
    found.to_netcdf(file, engine="h5netcdf")
    with xr.open_datatree(file, engine="h5netcdf") as stored:
        return found, mc.check.recovery(analysis, stored.load())


@pytest.mark.parametrize("parameters", [1, 6, 40])
def test_a_right_model_fails_once_in_a_thousand_however_many_its_parameters(parameters):
    """Skewed, dependent posteriors: the truth is one more draw of each."""
    rng = np.random.default_rng(parameters)
    mix = rng.normal(size=(parameters, parameters))
    found = []
    for _ in range(300):
        points = np.exp(rng.normal(size=(1001, parameters)) @ mix / np.sqrt(parameters))
        found.append(probability_of_truth(points[1:], points[0]))
    found = np.array(found)
    assert np.mean(found < 0.01) <= 0.03
    assert np.mean(found < 0.2) == pytest.approx(0.2, abs=0.07)


def test_a_truth_far_off_in_one_of_many_parameters_is_seen():
    draws = np.random.default_rng(1).normal(size=(2000, 30))
    truth = np.zeros(30)
    assert probability_of_truth(draws, truth) > 0.5
    truth[17] = 2.5  # one of thirty beyond two standard deviations is no surprise
    assert probability_of_truth(draws, truth) > 0.1
    truth[17] = 6.0
    assert probability_of_truth(draws, truth) < 0.001


def test_data_sets_like_the_real_one_are_taken():
    made = construct(regression(), 200, 1)
    y, real = made.outcomes["y"], table()["y"]
    nearest = recovery._nearest(CHOICES, table(), made)[:10]
    assert np.abs(y[nearest].mean(1) - real.mean()).mean() < 0.5 * np.abs(y.mean(1) - real.mean()).mean()
    assert np.abs(y[nearest].std(1) - real.std()).mean() < 0.5 * np.abs(y.std(1) - real.std()).mean()


def test_what_is_reported_stands_in_the_place_of_its_parts():
    import pymc as pm

    with pm.Model() as model:
        spread = pm.HalfNormal("spread", 1)
        raw = pm.Normal("level_raw", 0, 1, shape=20)
        pm.Deterministic("level", spread * raw)
        pm.Normal("lonely_offset", 0, 1)
        pm.Normal("y", model["level"], 1, observed=np.zeros(20))
    assert reported(model) == ["spread", "level"]
    made = construct(model, 5, 1)
    assert list(elements(made.truths)) == ["spread", *(f"level[{at}]" for at in range(12))]


def test_a_right_model_finds_known_values_and_a_wrong_one_does_not(tmp_path):
    found, verdict = judged(CHOICES, regression(), tmp_path)
    assert verdict.status == "pass", verdict.text()
    assert found["truth"].sizes == {"dataset": 1, "parameter": 3}
    assert float(found["rhat"].max()) < 1.05
    assert verdict.picture
    assert not verdict.remedies

    wrong, verdict = judged(CHOICES, regression(shift=3.0), tmp_path)
    assert verdict.status == "fail", verdict.text()
    assert "intercept" in verdict.findings[0].shown
    off = wrong["mean"].sel(parameter="intercept") - wrong["truth"].sel(parameter="intercept")
    assert float(off[0]) == pytest.approx(-3.0, abs=1.5)
    assert all(remedy.cost and remedy.changes for remedy in verdict.remedies)
    assert [remedy.score for remedy in verdict.remedies] == sorted((r.score for r in verdict.remedies), reverse=True)
    assert any("prior_scale" in remedy.changes for remedy in verdict.remedies)

    own = tmp_path / "own.py"
    own.write_text('"""A model of one\'s own, whose priors stand in its file."""\n')
    remedies = mc.check.recovery(CHOICES.changed({"model": str(own)}), wrong).remedies
    assert not any("prior_scale" in remedy.changes for remedy in remedies)


@pytest.mark.slow
def test_ten_data_sets_are_judged_by_their_intervals_too(tmp_path):
    analysis = CHOICES.changed({"recoveries": 10})
    found, verdict = judged(analysis, regression(shift=0.5), tmp_path)
    covered = next(one for one in verdict.findings if one.rule == "known-values-covered")
    assert covered.status == "fail", verdict.text()
    assert "worst intercept" in covered.shown
    assert found.sizes["dataset"] == 10


def test_a_model_that_cannot_simulate_says_so():
    found = mc.recover(CHOICES, table(), regression(potential=True))
    verdict = mc.check.recovery(CHOICES, found)
    assert verdict.status == "info"
    assert "'more'" in verdict.sentence or "more adds" in verdict.sentence


def test_none_asked_for_is_information():
    analysis = CHOICES.changed({"recoveries": 0})
    found = mc.recover(analysis, table(), None)
    verdict = mc.check.recovery(analysis, found)
    assert verdict.status == "info"
    assert "recoveries = 1" in verdict.sentence


def test_stopping_keeps_what_is_done(monkeypatch, tmp_path):
    def stop(self, fits):
        if fits >= 2 * recovery.CHAINS:
            raise KeyboardInterrupt

    monkeypatch.setattr("modelcompose.samplers.progress.Progress.counted", stop)
    found, verdict = judged(CHOICES.changed({"recoveries": 5}), regression(), tmp_path)
    assert found.sizes["dataset"] == 2
    assert verdict.partial
