"""Grids: values are read as their choice's type, and what cannot be is said before anything begins."""

from __future__ import annotations

import pytest

from modelcompose.errors import InvalidAnalysis, InvalidInput
from modelcompose.service.grid import combinations, named, values

PRIOR = '{},{"Days":{"dist":"Normal","mu":0,"sigma":1}}'


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("model", "linear, robust-linear,linear", ["linear", "robust-linear"]),
        ("model", '["linear", "robust-linear"]', ["linear", "robust-linear"]),
        ("model", ["linear"], ["linear"]),
        ("prior_scale", "0.5,1,2", [0.5, 1.0, 2.0]),
        ("prior_scale", [1, "2"], [1.0, 2.0]),
        ("draws", "100,200", [100, 200]),
        ("noncentered", "true,False", [True, False]),
        ("predictors", "Days,Age", [["Days"], ["Age"]]),
        ("predictors", '["Days"],["Days","Age"]', [["Days"], ["Days", "Age"]]),
        ("predictors", [["Days"], ["Days", "Age"]], [["Days"], ["Days", "Age"]]),
        ("predictors", '[["Days"],["Days","Age"]]', [["Days"], ["Days", "Age"]]),
        ("formula", "y ~ bs(x, df=4),y ~ x", ["y ~ bs(x, df=4)", "y ~ x"]),
        ("estimand", '"a, b",c,it\'s', ["a, b", "c", "it's"]),
        ("priors", PRIOR, [{}, {"Days": {"dist": "Normal", "mu": 0, "sigma": 1}}]),
        ("plausible", "[0,1],[0,2]", [[0.0, 1.0], [0.0, 2.0]]),
    ],
)
def test_values_have_the_type_of_their_choice(name, given, expected):
    found = values(name, given)
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("modle", "a,b", r"no choice named 'modle'. Did you mean 'model'\?"),
        ("draws", "100,5", "draws = 5: Input should be greater than or equal to 10"),
        ("prior_scale", "wide", "prior_scale = 'wide'"),
    ],
)
def test_what_a_choice_cannot_have_is_refused(name, given, message):
    with pytest.raises(InvalidAnalysis, match=message):
        values(name, given)


@pytest.mark.parametrize("given", ["", " , ", [], 3, {"a": 1}])
def test_a_choice_without_values_is_refused(given):
    with pytest.raises(InvalidInput, match="grid: "):
        values("draws", given)


def test_every_combination_is_made_once_the_last_choice_fastest():
    grid = {"model": ["a", "b"], "prior_scale": [0.5, 1.0]}
    assert combinations(grid) == [
        {"model": "a", "prior_scale": 0.5},
        {"model": "a", "prior_scale": 1.0},
        {"model": "b", "prior_scale": 0.5},
        {"model": "b", "prior_scale": 1.0},
    ]


def test_a_combination_has_a_short_name():
    assert named({"model": "linear", "prior_scale": 0.5, "predictors": ["a"]}) == (
        'model=linear prior_scale=0.5 predictors=["a"]'
    )
    assert named({"formula": "y ~ " + "x + " * 20}).endswith("…")
