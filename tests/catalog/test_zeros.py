"""Zeros in surplus, amounts with zeros, and lopsided values: which model comes first, and why others do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from xarray import Dataset, DataTree

from modelcompose import catalog, data
from modelcompose.analysis import Analysis

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(6)


def found(tmp_path, columns, kinds, **choices):
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return catalog.recommend(Analysis.of({"outcome": "y", **choices}), data.load(str(path), kinds))


def first(recommendation):
    return recommendation.candidates[0].entry.id


@pytest.mark.parametrize("shape", [0.3, 1.0, 5.0])
def test_rare_events_alone_are_no_surplus_of_zeros(tmp_path, rng, shape):
    y = rng.poisson(3 * rng.gamma(shape, 1 / shape, 300))
    recommendation = found(tmp_path, {"y": y}, {"y": "count"}, question="rate")
    assert first(recommendation) == "negative-binomial"
    rejected = {entry.id: one for entry, one in recommendation.rejected}
    assert rejected["zero-inflated-poisson"].rule == "zeros-as-expected"
    assert f"{(y == 0).mean():.0%}" in rejected["zero-inflated-poisson"].sentence


def test_rows_that_cannot_have_events_bring_the_zero_inflated_models(tmp_path, rng):
    can = rng.random(300) < 0.7
    plain = found(tmp_path, {"y": rng.poisson(7, 300) * can}, {"y": "count"}, question="rate")
    assert first(plain) == "zero-inflated-poisson"
    varied = rng.poisson(9 * rng.gamma(5, 1 / 5, 300)) * can
    assert first(found(tmp_path, {"y": varied}, {"y": "count"}, question="rate")) == "zero-inflated-negative-binomial"


def test_a_column_that_goes_with_the_zeros_brings_the_hurdle(tmp_path, rng):
    x = rng.normal(size=300)
    some = rng.random(300) < 1 / (1 + np.exp(-1.5 * x))
    y = rng.poisson(9 * rng.gamma(5, 1 / 5, 300)) * some
    recommendation = found(tmp_path, {"y": y, "x": x}, {"y": "count"}, question="effect", predictors=["x"])
    assert first(recommendation) == "hurdle-negative-binomial"


@pytest.mark.parametrize(
    ("question", "model"),
    [("typical", "typical-value-lognormal"), ("effect", "lognormal"), ("compare-two", "lognormal")],
)
def test_lopsided_values_are_taken_on_logarithms(tmp_path, rng, question, model):
    columns = {"y": np.exp(rng.normal(3, 0.9, 200)), "x": rng.normal(size=200), "arm": np.tile(["a", "b"], 100)}
    predictors = {"effect": ["x"], "compare-two": ["arm"], "typical": []}[question]
    kinds = {"y": "positive", "arm": "binary"}
    assert first(found(tmp_path, columns, kinds, question=question, predictors=predictors)) == model


def test_values_that_logarithms_overcorrect_bring_the_gamma_model(tmp_path, rng):
    columns = {"y": rng.gamma(1.2, 4, 300), "x": rng.normal(size=300)}
    assert first(found(tmp_path, columns, {"y": "positive"}, question="effect", predictors=["x"])) == "gamma"


def test_symmetric_positive_values_stay_on_their_own_scale(tmp_path, rng):
    columns = {"y": rng.normal(50, 5, 200), "x": rng.normal(size=200)}
    assert first(found(tmp_path, columns, {"y": "positive"}, question="effect", predictors=["x"])) == "linear"


def test_amounts_with_zeros_have_two_parts(tmp_path, rng):
    y = np.where(rng.random(300) < 0.3, 0.0, np.exp(rng.normal(2, 1, 300)))
    columns = {"y": y, "x": rng.normal(size=300)}
    recommendation = found(tmp_path, columns, {"y": "amount"}, question="effect", predictors=["x"])
    assert first(recommendation) == "hurdle-lognormal"
    assert recommendation.candidates[0].formula == ["y ~ x", "psi ~ x"]
    rejected = {entry.id: one.rule for entry, one in recommendation.rejected}
    assert rejected["lognormal"] == rejected["gamma"] == "above-zero"


def test_the_average_of_a_lognormal_lies_above_its_median():
    draws = {
        "Intercept": (("chain", "draw"), np.full((2, 50), 1.0)),
        "sigma": (("chain", "draw"), np.full((2, 50), 0.8)),
    }
    dt = DataTree.from_dict({"posterior": Dataset(draws)})
    analysis = Analysis(question="typical", outcome="y")
    effects = {one.name: one for one in catalog.get("typical-value-lognormal").effects(analysis, None, None, dt)}
    assert effects["median y"].draws == pytest.approx(np.exp(1.0))
    assert effects["average y"].draws == pytest.approx(np.exp(1.0 + 0.8**2 / 2))
    assert effects["average y"].headline
