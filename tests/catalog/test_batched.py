"""What is worked out for many draws at once is what PyMC and Bambi work out one after the other."""

from __future__ import annotations

from pathlib import Path

import bambi as bmb
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy.stats import ks_2samp
from test_contract import ENTRIES, prepared

from modelcompose import catalog
from modelcompose.catalog import predictions
from tests.families import first_of_each_family

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
DRAWS = 40


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = 60
    x, site = rng.normal(size=rows), rng.integers(0, 5, rows)
    return pd.DataFrame(
        {
            "x": x,
            "kind": pd.Categorical(rng.choice(["a", "b", "c"], rows)),
            "site": pd.Categorical([f"s{one}" for one in site]),
            "time": rng.uniform(1, 3, rows),
            "y": 1 + x + 0.5 * site + rng.normal(size=rows),
            "count": rng.poisson(np.exp(0.3 * x + 0.1 * site)),
            "yes": rng.integers(0, 2, rows),
            "grade": pd.Categorical(rng.integers(1, 5, rows), ordered=True),
        }
    )


MODELS = {
    "numbers in groups": ("y ~ center(x) + kind + (1|site)", "gaussian"),
    "heavy tails": ("y ~ x", "t"),
    "counts with an exposure": ("count ~ x + kind + offset(log(time))", "poisson"),
    "a yes or no": ("yes ~ x + (x|site)", "bernoulli"),
    "two parts": (bmb.Formula("y ~ x", "sigma ~ kind"), "gaussian"),
    "a curve": ("y ~ bs(x, df=4)", "gaussian"),
    "no intercept": ("y ~ 0 + kind + x:kind", "gaussian"),
    "the same for all": ("y ~ 1", "gaussian"),
    "levels": ("kind ~ x", "categorical"),
    "ordered levels": ("grade ~ x", "sratio"),
}


def posterior_of(model: bmb.Model) -> xr.DataTree:
    """Draws that could be a posterior: some of the prior, in two chains, kept as a fit keeps them."""
    quick = {"mode": "FAST_COMPILE"}
    inner = model.backend.model
    names = [
        one.name for one in inner.unobserved_RVs if "__obs__" not in (inner.named_vars_to_dims.get(one.name) or ())
    ]
    drawn = pm.sample_prior_predictive(2 * DRAWS, inner, names, random_seed=1, compile_kwargs=quick)
    prior = drawn["prior"].to_dataset()
    kept = prior.drop_vars([name for name in prior.data_vars if name.endswith("_offset")])
    kept = kept / 4
    halves = [kept.isel(chain=0, draw=slice(at, at + DRAWS)).assign_coords(draw=range(DRAWS)) for at in (0, DRAWS)]
    return xr.DataTree.from_dict({"posterior": xr.concat(halves, "chain").assign_coords(chain=[0, 1])})


@pytest.fixture(scope="module", params=MODELS)
def fitted(request: pytest.FixtureRequest, table: pd.DataFrame) -> tuple[bmb.Model, xr.DataTree]:
    formula, family = MODELS[request.param]
    model = bmb.Model(formula, table, family=family, center_predictors=False)
    model.build()
    return model, posterior_of(model)


def test_means_and_densities_are_those_of_bambi(fitted: tuple[bmb.Model, xr.DataTree], table: pd.DataFrame) -> None:
    model, dt = fitted
    plain = model.predict(dt, kind="response", inplace=False, random_seed=1)
    ours = predictions.predict(model, dt, random_seed=1)
    for name in plain["posterior"].data_vars:
        np.testing.assert_allclose(ours["posterior"][name], plain["posterior"][name], rtol=1e-8, atol=1e-10)
    (name,) = plain["posterior_predictive"].data_vars
    theirs, simulated = plain["posterior_predictive"][name], ours["posterior_predictive"][name]
    assert simulated.dims == theirs.dims
    assert simulated.shape == theirs.shape
    density = model.compute_log_likelihood(dt, inplace=False)["log_likelihood"][name]
    found = predictions.log_likelihood(model, dt)["log_likelihood"][name]
    np.testing.assert_allclose(found.values, density.values, rtol=1e-8, atol=1e-8)


def test_expected_outcomes_of_new_rows_are_those_of_bambi(
    fitted: tuple[bmb.Model, xr.DataTree], table: pd.DataFrame
) -> None:
    model, dt = fitted
    rows = table.iloc[::-3].assign(x=lambda one: one.x.clip(table.x.min(), table.x.max()))
    plain = model.predict(dt, kind="response_params", data=rows, inplace=False, include_group_specific=False)
    theirs = plain["posterior"][model.family.likelihood.parent].values
    found = predictions.expected(model, dt, rows)
    np.testing.assert_allclose(found, theirs.reshape(-1, *theirs.shape[2:]), rtol=1e-8, atol=1e-10)


def test_simulated_outcomes_scatter_as_those_of_bambi(table: pd.DataFrame) -> None:
    model = bmb.Model("count ~ x", table, family="poisson", center_predictors=False)
    model.build()
    dt = posterior_of(model)
    ours, again, other = (
        predictions.predict(model, dt, random_seed=seed)["posterior_predictive"]["count"].values for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(ours, again)
    assert (ours != other).any()
    assert (ours[0] != ours[1]).any()
    mean = predictions.predict(model, dt, random_seed=1)["posterior"]["mu"].values
    assert (ours - mean).mean() == pytest.approx(0, abs=5 * np.sqrt(mean.mean() / mean.size))
    assert ((ours - mean) ** 2 / mean).mean() == pytest.approx(1, abs=0.1)


def test_priors_are_those_of_pymc(table: pd.DataFrame) -> None:
    with pm.Model(coords={"row": range(4)}) as model:
        spread = pm.HalfStudentT("spread", nu=4, sigma=2)
        mean = pm.Normal("mean", 3, spread)
        either = pm.Bernoulli("either", 0.25)
        pm.Deterministic("double", 2 * mean)
        pm.Normal("y", mean + either, 0.1, observed=np.zeros(4), dims="row")
    ours = predictions.prior_predictive(model, draws=4000, random_seed=1)
    theirs = pm.sample_prior_predictive(4000, model=model, random_seed=2, compile_kwargs={"mode": "FAST_COMPILE"})
    for group in ("prior", "prior_predictive"):
        assert set(ours[group].data_vars) == set(theirs[group].data_vars)
        for name in ours[group].data_vars:
            one, other = ours[group][name], theirs[group][name]
            assert one.dims == other.dims
            assert (
                ks_2samp(one.values[0].reshape(4000, -1)[:, 0], other.values[0].reshape(4000, -1)[:, 0]).pvalue > 1e-4
            )
    assert float(ours["prior"]["either"].mean()) == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(ours["prior"]["double"], 2 * ours["prior"]["mean"])
    rows = (
        ours["prior_predictive"]["y"].values[0] - (ours["prior"]["mean"] + ours["prior"]["either"]).values[0][:, None]
    )
    assert rows.std() == pytest.approx(0.1, rel=0.05)
    again = predictions.prior_predictive(model, draws=4000, random_seed=1)
    np.testing.assert_array_equal(again["prior"]["spread"], ours["prior"]["spread"])


def test_a_mixture_is_simulated_as_well() -> None:
    with pm.Model(coords={"row": range(3)}) as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.ZeroInflatedPoisson("y", 0.5, rate, observed=np.zeros(3, int), dims="row")
    found = predictions.prior_predictive(model, draws=2000, random_seed=1)
    assert float((found["prior_predictive"]["y"] == 0).mean()) > 0.5
    dt = xr.DataTree.from_dict({"posterior": found["prior"].to_dataset()})
    drawn = predictions.predict(model, dt, random_seed=3)["posterior_predictive"]["y"]
    assert drawn.shape == (1, 2000, 3)
    assert float(drawn.mean()) == pytest.approx(0.5 * float(found["prior"]["rate"].mean()), rel=0.1)


def test_what_no_parameter_decides_is_not_the_same_for_every_draw_if_it_is_random() -> None:
    with pm.Model(coords={"row": range(6)}) as model:
        level = pm.Normal("level")
        pm.Normal("y", level, 1.7, observed=np.zeros(6), dims="row")
        pm.Normal("z", 0.3, 1.7, observed=np.zeros(6), dims="row")
    posterior = xr.Dataset({"level": (("chain", "draw"), np.zeros((2, 30)))})
    drawn = predictions.predict(model, xr.DataTree.from_dict({"posterior": posterior}), random_seed=1)
    assert drawn["posterior_predictive"]["z"].shape == (2, 30, 6)
    assert len(np.unique(drawn["posterior_predictive"]["z"])) == 360


@pytest.mark.parametrize("name", first_of_each_family())
def test_means_of_every_model_of_the_catalogue_are_those_of_bambi(name: str, tmp_path: Path) -> None:
    """What is asked later, such as the effect of a predictor, must not depend on whether rows were predicted before."""
    _, analysis, _, table = prepared(ENTRIES[name], tmp_path, n=60)
    model = catalog.build(analysis, table)
    if not hasattr(model, "backend"):
        pytest.skip("not a model of Bambi's")
    prior = catalog.prior_predictive(model, draws=20, random_seed=1)["prior"].to_dataset()
    dt = xr.DataTree.from_dict({"posterior": prior})
    plain = model.predict(dt, kind="response_params", inplace=False)["posterior"]
    before = predictions.expected(model, dt, table)
    ours = predictions.predict(model, dt, random_seed=1)
    for mean in set(plain.data_vars) - set(prior.data_vars):
        np.testing.assert_allclose(ours["posterior"][mean], plain[mean], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(predictions.expected(model, ours, table), before, rtol=1e-8, atol=1e-10)
