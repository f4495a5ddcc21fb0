"""Separation: found wherever a border exists, in any direction, and let pass once a prior limits the effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcompose import data
from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.separation import separation

NUMBERS = st.lists(st.integers(0, 8), min_size=2, max_size=12)


@given(NUMBERS, NUMBERS)
def test_one_number_separates_if_all_of_its_values_for_a_yes_lie_to_one_side(no, yes):
    table = pd.DataFrame({"y": [0] * len(no) + [1] * len(yes), "x": [*no, *yes]}).astype(float)
    if max(no) < min(yes) or max(yes) < min(no):
        degree = 2
    elif (max(no) <= min(yes) or max(yes) <= min(no)) and len({*no, *yes}) > 1:
        degree = 1
    else:
        degree = 0
    assert separation(table, "y", ["x"]).degree == degree


def test_a_border_in_any_direction_is_found_and_named_together():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 60))
    table = pd.DataFrame({"y": (a + b > 0.1).astype(float), "a": a, "b": b, "c": rng.normal(size=60)})
    table = table[np.abs(table["a"] + table["b"] - 0.1) > 0.05]
    found = separation(table, "y", ["a", "b"])
    assert (found.degree, found.by) == (2, ("a", "b"))
    assert separation(table, "y", ["a"]).degree == 0
    crossed = pd.DataFrame({"y": (a * b > 0).astype(float), "a": a, "b": b})
    assert separation(crossed, "y", ["a", "b"]).degree == 0


def test_a_category_with_only_yes_in_one_level_separates_in_part():
    ward = pd.Categorical(["a", "a", "b", "b", "c", "c"])
    table = pd.DataFrame({"y": [0.0, 1, 1, 0, 1, 1], "ward": ward})
    assert separation(table, "y", ["ward"]).degree == 1
    assert separation(table.assign(y=[0.0, 0, 1, 1, 1, 1]), "y", ["ward"]).degree == 2


@pytest.fixture
def separated(tmp_path):
    rng = np.random.default_rng(5)
    dose = np.round(rng.uniform(0, 10, 60), 2)
    age = np.round(rng.normal(50, 9, 60), 1)
    pd.DataFrame({"cured": (dose > 4.2).astype(int), "dose": dose, "age": age}).to_csv(tmp_path / "t.csv", index=False)
    return Analysis.of(
        {"data": str(tmp_path / "t.csv"), "kinds": {"cured": "binary"}, "question": "effect", "outcome": "cured"}
        | {"predictors": ["dose", "age"], "model": "logistic", "on_fail": "warn"}
    )


def judged(analysis):
    dataset = data.load(analysis.data, analysis.kinds)
    return check.data(analysis, dataset, dataset.complete_rows(analysis.columns))


def test_the_data_step_fails_and_every_remedy_mends_it(separated):
    before = judged(separated)
    assert before.status == "fail"
    found = next(one for one in before.findings if one.rule == "separation")
    assert found.shown == "dose wholly"
    assert "however large" in found.sentence
    assert [one.changes for one in before.remedies] == [{"prior_scale": 0.5}, {"predictors": ["age"]}]
    assert all(one.cost for one in before.remedies)
    for remedy in before.remedies:
        after = judged(separated.changed(remedy.changes))
        assert after.status == "pass", after.text()


def test_a_prior_of_ones_own_for_the_predictor_counts_as_a_limit(separated):
    own = {"center(dose)": {"dist": "Normal", "mu": 0, "sigma": 0.5}}
    found = next(one for one in judged(separated.changed({"priors": own})).findings if one.rule == "separation")
    assert found.status == "info"
    assert "rests on the prior" in found.sentence


def test_a_prior_for_another_column_is_no_limit(separated):
    other = {"overdose": {"dist": "Normal", "mu": 0, "sigma": 0.5}}
    found = next(one for one in judged(separated.changed({"priors": other})).findings if one.rule == "separation")
    assert found.status == "fail"


def test_a_yes_or_no_that_overlaps_passes_and_other_outcomes_are_not_asked(separated):
    assert judged(separated.changed({"predictors": ["age"]})).status == "pass"
    other = separated.changed({"outcome": "dose", "predictors": ["age"], "model": "linear"})
    assert "separation" not in {one.rule for one in judged(other).findings}
