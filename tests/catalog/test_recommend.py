"""Recommendation: the right model first, and a rule for every one left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelcompose import catalog, data
from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidAnalysis, InvalidData, ModelComposeError


def dataset(tmp_path, columns, kinds=None):
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return data.load(str(path), kinds)


def ids(analysis, table):
    return [one.entry.id for one in catalog.recommend(analysis, table).candidates]


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def test_outliers_put_the_robust_model_first(tmp_path, rng):
    x = rng.normal(size=100)
    clean = dataset(tmp_path, {"y": x + rng.normal(size=100), "x": x})
    wild = dataset(tmp_path, {"y": np.where(np.arange(100) < 3, 60, x + rng.normal(size=100)), "x": x})
    asked = Analysis(question="effect", outcome="y", predictors=["x"])
    assert ids(asked, clean)[0] == "linear"
    assert ids(asked, wild)[0] == "robust-linear"


def test_overdispersion_puts_the_negative_binomial_first(tmp_path, rng):
    asked = Analysis(question="rate", outcome="n", exposure="hours", predictors=["x"])
    x, hours = rng.normal(size=200), rng.uniform(1, 9, 200)
    poisson = dataset(tmp_path, {"n": rng.poisson(3 * hours), "x": x, "hours": hours}, {"n": "count"})
    assert ids(asked, poisson) == ["poisson", "negative-binomial"]
    wild = dataset(
        tmp_path, {"n": rng.poisson(3 * hours * rng.gamma(1, 1, 200)), "x": x, "hours": hours}, {"n": "count"}
    )
    assert ids(asked, wild) == ["negative-binomial", "poisson"]


def test_repeated_rows_exclude_models_that_take_them_for_independent(tmp_path, rng):
    who = np.repeat(np.arange(20), 6)
    table = dataset(tmp_path, {"y": rng.normal(size=120), "x": rng.normal(size=120), "who": who}, {"who": "group"})
    found = catalog.recommend(Analysis(question="effect", outcome="y", predictors=["x"], groups=["who"]), table)
    assert found.candidates[0].entry.id == "varying-slopes"
    assert {entry.id: rejection.rule for entry, rejection in found.rejected}["linear"] == "repeated-rows"


def test_a_predictor_that_is_constant_within_groups_cannot_have_a_slope_there(tmp_path, rng):
    who = np.repeat(np.arange(20), 6)
    table = dataset(tmp_path, {"y": rng.normal(size=120), "x": who % 7 * 1.5, "who": who}, {"who": "group"})
    found = catalog.recommend(Analysis(question="effect", outcome="y", predictors=["x"], groups=["who"]), table)
    assert [one.entry.id for one in found.candidates] == ["varying-intercepts"]


def test_everything_left_empty_is_chosen(tmp_path):
    table = data.load("sample:sleepstudy")
    found = catalog.complete(Analysis(data="sample:sleepstudy", outcome="Reaction"), table)
    assert (found.question, found.predictors, found.groups) == ("change-over-time", ["Days"], ["Subject"])
    assert found.model == "varying-slopes"
    assert found.formula == "Reaction ~ Days + (Days | Subject)"
    assert "Reaction" in found.estimand
    assert catalog.complete(found, table) == found


def test_columns_with_odd_names_reach_the_formula_safely(tmp_path, rng):
    names = {"body mass (g)": rng.normal(4000, 10, 50), 'flipper\'s "length"': rng.normal(200, 9, 50)}
    table = dataset(tmp_path, names)
    analysis = catalog.complete(
        Analysis(question="effect", outcome="body mass (g)", predictors=['flipper\'s "length"']), table
    )
    rows = table.complete_rows(analysis.columns)
    assert catalog.get("linear").priors(analysis, rows)


@pytest.mark.parametrize(
    ("choices", "error", "said"),
    [
        ({}, InvalidAnalysis, "no outcome"),
        ({"outcome": "nope", "question": "effect"}, ModelComposeError, "'nope' is not a column"),
        ({"outcome": "Reaction", "question": "nope"}, InvalidAnalysis, "no question 'nope'"),
        ({"outcome": "Reaction", "model": "nope"}, ModelComposeError, "no model 'nope'"),
        ({"outcome": "Reaction", "formula": "Reaction ~ Nope"}, InvalidAnalysis, "'Nope'"),
        ({"outcome": "Reaction", "formula": "Reaction ~ Days +"}, InvalidAnalysis, "cannot be read"),
        ({"outcome": "Reaction", "predictors": ["Reaction"], "question": "effect"}, InvalidAnalysis, "two roles"),
        ({"outcome": "Reaction", "predictors": [], "question": "effect"}, InvalidAnalysis, "needs at least 1"),
        ({"outcome": "Reaction", "predictors": ["Days"], "question": "compare-two"}, InvalidAnalysis, "of kind count"),
    ],
)
def test_choices_that_cannot_be_are_explained(choices, error, said):
    table = data.load("sample:sleepstudy")
    with pytest.raises(error, match=said):
        analysis = catalog.complete(Analysis.of(choices), table)
        catalog.get(analysis.model).priors(analysis, table.complete_rows(analysis.columns))


def test_a_constant_outcome_is_refused(tmp_path, rng):
    table = dataset(tmp_path, {"y": [3.0] * 30, "x": rng.normal(size=30)})
    with pytest.raises(InvalidData, match="same value"):
        catalog.complete(Analysis(outcome="y", predictors=["x"], question="effect"), table)
