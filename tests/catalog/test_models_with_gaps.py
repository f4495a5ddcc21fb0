"""Models of tables with gaps recover what is true where the complete rows do not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from modelcompose import catalog, samplers
from modelcompose.analysis import Analysis
from modelcompose.data.dataset import Dataset
from modelcompose.data.kinds import infer
from modelcompose.errors import InvalidAnalysis

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

TRUTH = 2.0


def simulated(seed: int = 0, n: int = 300) -> Dataset:
    """Return a table in which x lacks values where y is high, so that the complete rows give too small a slope."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = 5 + 0.7 * z + 0.7 * rng.normal(size=n)
    y = 1 + TRUTH * x - z + rng.normal(size=n)
    frame = pd.DataFrame({"y": y, "x": np.where(rng.random(n) < 1 / (1 + np.exp(11 - y)), np.nan, x), "z": z})
    frame["site"] = pd.Series(rng.choice(["a", "b", "c"], n), dtype="str")
    return Dataset("simulated", frame, infer(frame), (), "")


def fitted(dataset: Dataset, **choices):
    analysis = catalog.complete(
        Analysis.of({"outcome": "y", "predictors": ["x", "z", "site"], "imputations": 3, **choices}), dataset
    )
    table, gaps = dataset.rows(analysis)
    model = catalog.build(analysis, table, gaps)
    dt = samplers.fit(model, draws=300, tune=400, chains=2, random_seed=3)
    return analysis, table, model, dt


@cache
def once(how):
    return fitted(simulated(), missing=how)


@pytest.mark.parametrize("how", ["multiple", pytest.param("impute", marks=pytest.mark.slow)])
def test_filled_gaps_recover_the_slope(how):
    _, table, model, dt = once(how)
    slope = dt["posterior"]["center(x)"]
    assert abs(float(slope.mean()) - TRUTH) < 2.5 * float(slope.std())
    assert len(table) == 300
    assert dt["posterior"].sizes["chain"] == (2 if how == "impute" else 6)
    assert dt["observed_data"].sizes["__obs__"] == 300
    simulations = catalog.predict(model, dt, 1)["posterior_predictive"]["y"]
    assert simulations.shape == (*slope.shape, 300)
    left = simulations.mean(("chain", "draw")).values - table["y"].to_numpy()
    assert abs(left.mean()) < 0.15
    parts = catalog.parts(model, table, dt)
    assert sum(part.dt["posterior"].sizes["chain"] for part in parts) == dt["posterior"].sizes["chain"]
    assert not any(part.table["x"].isna().any() for part in parts)


def test_gaps_are_estimated_with_the_spread_they_deserve():
    _, _, _, dt = once("impute")
    gaps = dt["posterior"]["gaps(x)"]
    assert gaps.sizes[gaps.dims[-1]] == int(simulated().frame["x"].isna().sum())
    # Given z and y, x varies with variance 1 / (1 / 0.49 + 4).
    assert float(gaps.std(("chain", "draw")).mean()) == pytest.approx((1 / (1 / 0.49 + 4)) ** 0.5, rel=0.15)


def test_a_slope_that_differs_between_groups_sees_the_gaps_too():
    dataset = simulated()
    rng = np.random.default_rng(1)
    dataset.frame["person"] = pd.Series([f"p{one}" for one in rng.integers(0, 8, 300)], dtype="str")
    whole = Dataset("grouped", dataset.frame, infer(dataset.frame), (), "")
    analysis = catalog.complete(
        Analysis.of(
            {
                "outcome": "y",
                "predictors": ["x", "z"],
                "groups": ["person"],
                "question": "change-over-time",
                "model": "varying-slopes",
                "missing": "multiple",
                "imputations": 2,
            }
        ),
        whole,
    )
    table, gaps = whole.rows(analysis)
    model = catalog.build(analysis, table, gaps)
    assert set(model.fillings[0]) == {"mu_design", "mu_center(x)|person_design"}
    assert all(np.shape(values)[0] == len(table) for values in model.fillings[0].values())


def test_a_bent_column_cannot_be_estimated():
    dataset = simulated()
    with pytest.raises(InvalidAnalysis, match="bends or multiplies"):
        fitted(dataset, missing="impute", formula="y ~ np.exp(x) + z", model="linear", question="effect")


def test_without_gaps_nothing_changes():
    dataset = simulated()
    analysis = catalog.complete(Analysis.of({"outcome": "y", "predictors": ["z"], "missing": "multiple"}), dataset)
    table, gaps = dataset.rows(analysis)
    model = catalog.build(analysis, table, gaps)
    assert not gaps
    assert not hasattr(model, "fillings")
