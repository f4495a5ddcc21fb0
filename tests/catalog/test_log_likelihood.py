"""The log likelihood of each row: equal to the compiled model's own density, for every model of the catalogue."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm
from test_contract import ENTRIES, prepared

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.catalog.predictions import log_likelihood, pointwise
from modelcompose.data.dataset import Dataset
from modelcompose.data.kinds import infer
from modelcompose.errors import InvalidAnalysis
from tests.families import first_of_each_family

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

NOT_BY_ROW = {"change-point", "change-point-count"}  # the moment of the change is summed out over all rows
AT = (0, 7, 19)


def densities_at(model, prior):
    """Evaluate the density that samplers use, variable by variable, at some draws from the prior."""
    import pytensor

    density = model.compile_logp(vars=model.observed_RVs, sum=False, mode="FAST_COMPILE")
    ways = {}
    for parameter in model.free_RVs:
        given = parameter.type()
        transform = model.rvs_to_transforms[parameter]
        value = transform.forward(given, *parameter.owner.inputs) if transform else given
        ways[parameter.name] = (
            model.rvs_to_values[parameter].name,
            pytensor.function([given], value, mode="FAST_COMPILE", on_unused_input="ignore"),
        )
    for at in AT:
        here = prior.isel(chain=0, draw=at)
        point = {value: way(here[name].values) for name, (value, way) in ways.items()}
        yield at, dict(zip([one.name for one in model.observed_RVs], density(point), strict=True))


@pytest.mark.parametrize("name", first_of_each_family())
def test_it_is_the_density_that_samplers_use(name, tmp_path):
    """Standardised group effects, which samplers do not keep, are worked out again."""
    _, analysis, _, table = prepared(ENTRIES[name], tmp_path, n=60)
    model = catalog.build(analysis, table)
    prior = catalog.prior_predictive(model, draws=20, random_seed=1)["prior"].to_dataset()
    kept = prior.drop_vars([one for one in prior if str(one).endswith("_offset")])
    found = pointwise(log_likelihood(model, xr.DataTree.from_dict({"posterior": kept})), analysis.outcome)
    if name in NOT_BY_ROW:
        assert found is None
        return
    rows = len(ENTRIES[name].observed(analysis, table))
    assert found.dims == ("chain", "draw", "__obs__")
    assert found.shape == (1, 20, rows)
    for at, density in densities_at(catalog.pymc_model(model), prior):
        assert found.values[0, at] == pytest.approx(density[found.name], rel=1e-9, abs=1e-9), at


def test_the_outcome_counts_of_a_model_that_observes_more(tmp_path):
    _, analysis, _, table = prepared(ENTRIES["measurement-error"], tmp_path, n=60)
    model = catalog.build(analysis, table)
    prior = catalog.prior_predictive(model, draws=5, random_seed=1)["prior"].to_dataset()
    dt = log_likelihood(model, xr.DataTree.from_dict({"posterior": prior}))
    assert set(dt["log_likelihood"].data_vars) == {analysis.outcome, analysis.predictors[0]}
    assert pointwise(dt, analysis.outcome).name == analysis.outcome


def test_large_tables_are_worked_out_in_blocks(monkeypatch):
    import pymc as pm

    rng = np.random.default_rng(1)
    with pm.Model() as model:
        mu = pm.Normal("level", 0, 1)
        pm.Normal("y", mu, 1, observed=rng.normal(size=30))
    posterior = xr.Dataset({"level": (("chain", "draw"), rng.normal(size=(2, 50)))})
    dt = xr.DataTree.from_dict({"posterior": posterior})
    whole = pointwise(log_likelihood(model, dt), "y").values
    monkeypatch.setattr("modelcompose.catalog.batched.AT_ONCE", 210)
    assert np.array_equal(pointwise(log_likelihood(model, dt), "y").values, whole)


@pytest.mark.parametrize("how", ["impute", "multiple"])
def test_with_gaps_each_draw_meets_the_table_it_belongs_to(how):
    """By the closed form of a normal density, for made-up draws."""
    rng = np.random.default_rng(3)
    x = rng.normal(5, 1, 40)
    frame = pd.DataFrame({"y": 2 * x + rng.normal(size=40), "x": np.where(rng.random(40) < 0.2, np.nan, x)})
    dataset = Dataset("simulated", frame, infer(frame), (), "")
    choices = {"outcome": "y", "predictors": ["x"], "model": "linear", "missing": how, "imputations": 3}
    analysis = catalog.complete(Analysis.of({**choices, "formula": "y ~ x"}), dataset)
    table, gaps = dataset.rows(analysis)
    model = catalog.build(analysis, table, gaps)
    prior = catalog.prior_predictive(model, draws=10, random_seed=1)["prior"].to_dataset()
    chains = xr.concat([prior] * 3, "chain").assign_coords(chain=range(3)) if how == "multiple" else prior
    chains.attrs["chains_each"] = 1
    found = pointwise(log_likelihood(model, xr.DataTree.from_dict({"posterior": chains})), "y")
    for chain in range(chains.sizes["chain"]):
        one = chains.isel(chain=chain)
        columns = np.tile((gaps.tables[chain] if how == "multiple" else table)["x"].to_numpy(float), (10, 1))
        if how == "impute":
            columns[:, gaps.rows["x"]] = one["gaps(x)"].values
        mean = one["Intercept"].values[:, None] + one["x"].values[:, None] * columns
        expected = norm.logpdf(frame["y"].to_numpy(), mean, one["sigma"].values[:, None])
        assert found.values[chain] == pytest.approx(expected, rel=1e-9)


def test_a_posterior_that_lacks_a_parameter_is_refused_by_name():
    import pymc as pm

    with pm.Model() as model:
        pm.Normal("y", pm.Normal("level", 0, 1), pm.HalfNormal("spread", 1), observed=np.zeros(3))
    posterior = xr.Dataset({"level": (("chain", "draw"), np.zeros((1, 4)))})
    with pytest.raises(InvalidAnalysis, match="lacks spread"):
        log_likelihood(model, xr.DataTree.from_dict({"posterior": posterior}))


def of_level(model, draws=50):
    levels = np.random.default_rng(2).normal(size=(2, draws))
    dt = xr.DataTree.from_dict({"posterior": xr.Dataset({"level": (("chain", "draw"), levels)})})
    return levels, log_likelihood(model, dt)


@pytest.mark.parametrize("rows", [7, 100])
def test_what_no_parameter_decides_has_the_same_density_in_every_draw(rows, monkeypatch):
    import pymc as pm

    y, z = np.random.default_rng(1).normal(size=(2, rows))
    with pm.Model(coords={"row": range(rows)}) as model:
        pm.Normal("y", pm.Normal("level"), 1, observed=y, dims="row")
        pm.Normal("z", 0, 2, observed=z, dims="row")
    monkeypatch.setattr("modelcompose.catalog.batched.AT_ONCE", 30 * rows)
    levels, dt = of_level(model)
    assert dt["log_likelihood"]["z"].values == pytest.approx(np.tile(norm(0, 2).logpdf(z), (2, 50, 1)))
    assert dt["log_likelihood"]["y"].values == pytest.approx(norm(levels[..., None], 1).logpdf(y))


def test_rows_keep_apart_wherever_their_dimension_stands():
    import pymc as pm

    y = np.random.default_rng(1).normal(size=(3, 10))
    with pm.Model(coords={"row": range(10), "which": range(3)}) as model:
        pm.Normal("y", pm.Normal("level"), 1, observed=y, dims=("which", "row"))
    levels, dt = of_level(model)
    due = norm(levels[..., None, None], 1).logpdf(y).sum(2)
    assert dt["log_likelihood"]["y"].values == pytest.approx(due)


def test_rows_that_were_observed_together_have_no_density_each():
    import pymc as pm

    with pm.Model(coords={"row": range(4), "which": range(3)}) as model:
        level = pm.Normal("level")
        pm.MvNormal("y", level * np.ones(4), np.eye(4), observed=np.zeros((3, 4)), dims=("which", "row"))
    assert "log_likelihood" not in of_level(model)[1]


def test_outcomes_that_are_missing_have_no_density():
    import pymc as pm

    y = np.ma.masked_array(np.arange(10.0), np.arange(10) > 6)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("level"), 1, observed=y)
    level = np.random.default_rng(2).normal(size=(2, 50))
    posterior = {"level": (("chain", "draw"), level), "y_unobserved": (("chain", "draw", "gap"), np.zeros((2, 50, 3)))}
    dt = log_likelihood(model, xr.DataTree.from_dict({"posterior": xr.Dataset(posterior)}))
    assert dt["log_likelihood"]["y_observed"].values == pytest.approx(norm(level[..., None], 1).logpdf(y[:7].data))
