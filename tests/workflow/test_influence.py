"""Influence of single rows: every way of leaving a row out agrees with a fit of a table without it."""

from __future__ import annotations

from functools import cache

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm, poisson

from modelcompose import catalog, samplers
from modelcompose.analysis import Analysis
from modelcompose.catalog.leaving import COUNTS, open_rows
from modelcompose.data.dataset import Dataset
from modelcompose.data.kinds import infer
from modelcompose.workflow import check, leaving_out

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

OUTLIER = 3


def choices_for(name):
    """Return a table with one odd row, and choices that fix every prior, so that no row changes them."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=30)
    wide = {"Intercept": normal(0, 5), "x": normal(0, 3)}
    if name == "poisson":
        frame = pd.DataFrame({"y": rng.poisson(np.exp(0.5 + 0.3 * x)), "x": x})
        x[OUTLIER], frame.loc[OUTLIER, "y"] = 2.5, 14
        return frame.assign(x=x), {"model": "poisson", "formula": "y ~ x", "priors": wide}
    frame = pd.DataFrame({"y": 1 + 0.5 * x + rng.normal(size=30), "x": x})
    frame.loc[OUTLIER] = [-4.5, 2.8]
    sigma = {"sigma": {"dist": "HalfNormal", "sigma": 5.0}}
    if name == "linear":
        return frame, {"model": "linear", "formula": "y ~ x", "priors": {**wide, **sigma}}
    frame.loc[OUTLIER, "y"] = -3.0
    frame["g"] = np.repeat(list("abcdef"), 5)
    between = {"1|g": {"dist": "HalfNormal", "sigma": 2.0}}
    priors = {**wide, **sigma, **between}
    return frame, {"model": "varying-intercepts", "formula": "y ~ x + (1|g)", "priors": priors, "groups": ["g"]}


def normal(mu, sigma):
    return {"dist": "Normal", "mu": mu, "sigma": sigma}


def built(frame, choices):
    kinds = {"x": "continuous", **({"g": "group"} if "g" in frame else {})}
    dataset = Dataset("made up", frame, infer(frame), (), "")
    asked = Analysis.of(
        {"outcome": "y", "predictors": ["x"], "question": "effect", "on_fail": "warn", "kinds": kinds, **choices}
    ).changed({"draws": 500, "tune": 500})
    analysis = catalog.complete(asked, dataset)
    table = dataset.complete_rows(analysis.columns)
    return analysis, table, catalog.build(analysis, table)


def fit(analysis, model, seed=1, draws=500):
    return samplers.fit(model, draws=draws, tune=500, chains=4, random_seed=seed)


@cache
def left_out(name):
    analysis, table, model = built(*choices_for(name))
    dt = catalog.log_likelihood(model, fit(analysis, model))
    return analysis, table, model, dt, leaving_out.loo(analysis, table, model, dt)


def density_without(name, at):
    """Fit the table that lacks a row, and work the row's density out by hand."""
    frame, choices = choices_for(name)
    analysis, _, model = built(frame.drop(index=at).reset_index(drop=True), choices)
    posterior = fit(analysis, model, seed=7, draws=1000)["posterior"].to_dataset().stack(s=("chain", "draw"))
    row = frame.loc[at]
    mean = posterior["Intercept"].values + posterior["x"].values * row["x"]
    if "g" in frame:
        mean = mean + posterior["1|g"].sel(g__factor_dim=row["g"]).values
    by_draw = poisson.logpmf(row["y"], np.exp(mean)) if name == "poisson" else None
    if by_draw is None:
        by_draw = norm.logpdf(row["y"], mean, posterior["sigma"].values)
    return float(logsumexp(by_draw) - np.log(len(by_draw)))


@pytest.mark.parametrize(
    "name", ["linear", *(pytest.param(name, marks=pytest.mark.slow) for name in ("poisson", "varying-intercepts"))]
)
def test_every_way_agrees_with_a_table_without_the_row(name):
    """The worst row by the fall-back, another by weights; within one standard error of all rows' density."""
    _, _, _, _, loo = left_out(name)
    worst = int(loo["pareto_k"].values.argmax())
    assert worst == OUTLIER
    for at in (worst, 10):
        assert abs(float(loo["elpd_i"].values[at]) - density_without(name, at)) < min(1.0, float(loo.attrs["se"]))


@pytest.mark.parametrize("name", ["linear", "poisson"])
def test_weights_are_those_of_arviz(name):
    _, _, _, dt, loo = left_out(name)
    theirs = arviz_stats.loo(dt, pointwise=True)
    weights = loo["method"].values == leaving_out.PSIS
    assert loo["pareto_k"].values == pytest.approx(theirs.pareto_k.values, abs=1e-6)
    assert loo["elpd_i"].values[weights] == pytest.approx(theirs.elpd_i.values[weights], abs=1e-6)


def test_the_odd_row_is_named_and_what_the_answer_would_be_without_it():
    analysis, table, _, _, loo = left_out("linear")
    verdict = check.influence(analysis, table, loo)
    assert verdict.status in ("warn", "fail")
    assert "row 4 (y -4.5, x 2.8)" in verdict.sentence
    assert verdict.details["Most influential rows"][0]["row"] == "4"
    assert verdict.remedies[0].changes["model"] == "robust-linear"
    leave_out = next(one for one in verdict.remedies if "recipe" in one.changes)
    assert "if it is an error" in leave_out.label
    assert leave_out.score < verdict.remedies[0].score


def test_what_is_found_survives_being_stored(tmp_path):
    analysis, table, _, _, loo = left_out("linear")
    loo.to_netcdf(tmp_path / "loo.nc", engine="h5netcdf")
    again = xr.open_datatree(tmp_path / "loo.nc", engine="h5netcdf").load()
    before, after = check.influence(analysis, table, loo), check.influence(analysis, table, again)
    assert before.findings == after.findings
    assert before.details == after.details


@pytest.mark.parametrize("name", ["linear", "poisson", "varying-intercepts"])
def test_a_row_that_does_not_count_takes_its_part_of_the_density_and_nothing_else(name):
    _, _, model = built(*choices_for(name))
    pymc, opened = catalog.pymc_model(model), open_rows(model, "y")
    point = pymc.initial_point()
    rows = pymc.compile_logp(vars=pymc.observed_RVs, sum=False)(point)[0]
    whole, without = pymc.compile_logp()(point), opened.compile_logp()
    assert without(point) == pytest.approx(whole, rel=1e-9)
    opened.set_data(COUNTS, np.where(np.arange(30) == OUTLIER, 0.0, 1.0))
    assert without(point) == pytest.approx(whole - rows[OUTLIER], rel=1e-9)
    assert len(pymc.observed_RVs) == 1  # the model itself is as it was


def test_the_plan_is_made_by_what_it_costs():
    assert leaving_out.plan([], 10, 300).words == "No fit has to be made again."
    assert leaving_out.plan([7], 10, 300).words == "1 more fit of about 10 s, without that row."
    exact = leaving_out.plan([5, 2], 10, 300)
    assert (exact.folds, exact.seconds, exact.exact) == (((5,), (2,)), 20, True)
    folds = leaving_out.plan(list(range(100)), 10, 100, kinds=["a", "b"] * 50)
    assert len(folds.folds) == 10
    assert sorted(row for fold in folds.folds for row in fold) == list(range(100))
    assert all(sum(row % 2 for row in fold) == 5 for fold in folds.folds)  # each kind in every fold
    assert "allow 10" in folds.words
    first = leaving_out.Plan(((4,),), 200, 300, 3)
    assert "allow only the one without the row that pulls hardest" in first.words
    none = leaving_out.plan([1, 2, 3], 200, 300)
    assert none.folds == ()
    assert "more than the 300 s" in none.words


def test_fits_that_are_stopped_are_no_fits_and_what_was_done_before_is_kept(monkeypatch):
    analysis, table, model, dt, whole = left_out("linear")
    made = samplers._sampled

    def cut_short(*asked):
        dt = made(*asked)
        return xr.DataTree.from_dict({name: dt[name].to_dataset().isel(draw=slice(50)) for name in dt.children})

    monkeypatch.setattr(samplers, "_sampled", cut_short)
    monkeypatch.setattr(leaving_out, "_match", lambda *asked: None)
    found = leaving_out.loo(analysis, table, model, dt)
    assert found.attrs["stopped"] == 1
    assert found["known"].values[OUTLIER] == 0
    assert "stopped after 0" in found.attrs["plan"]
    verdict = check.influence(analysis, table, found)
    assert verdict.partial
    assert not check.influence(analysis, table, whole).partial


def test_a_policy_without_time_for_fits_leaves_the_row_unknown(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text("[rules.influence-budget]\npass = 0\n")
    analysis, table, model, dt, _ = left_out("linear")
    hurried = analysis.changed({"policy": str(policy)})
    loo = leaving_out.loo(hurried, table, model, dt)
    assert loo.attrs["refits"] == 0
    assert not (loo["method"].values == leaving_out.EXACT).any()


def test_without_a_likelihood_for_rows_nothing_is_judged():
    analysis, table, model, dt, _ = left_out("linear")
    bare = xr.DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    loo = leaving_out.loo(analysis, table, model, bare)
    assert "elpd_i" not in loo
    assert check.influence(analysis, table, loo).status == "info"
