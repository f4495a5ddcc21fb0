"""A model that needs smaller steps of its sampler gets them in the composed notebook, unless somebody has chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.data import Dataset, load
from modelcompose.workflow import compose, revise
from modelcompose.workflow.compose import settle


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    x = np.linspace(0, 10, 60)
    pd.DataFrame({"x": x, "y": np.sin(x)}).to_csv(path, index=False)
    return load(str(path), {"x": "continuous", "y": "continuous"})


def composed(table: Dataset, **choices: Any) -> Any:
    return compose(Analysis(data="curve.csv", outcome="y", predictors=["x"], question="curve", **choices), table)


def test_what_a_model_needs_stands_in_the_parameters_cell(table: Dataset) -> None:
    assert Analysis.read(composed(table, model="gaussian-process")).target_accept == 0.99
    assert Analysis.read(composed(table, model="spline")).target_accept == 0.9


def test_what_somebody_has_chosen_stays(table: Dataset) -> None:
    assert Analysis.read(composed(table, model="gaussian-process", target_accept=0.9)).target_accept == 0.9
    chosen = Analysis.of({"model": "gaussian-process", "target_accept": 0.8}).changed({"draws": 50})
    assert catalog.complete(
        chosen.changed({"data": "curve.csv", "outcome": "y", "predictors": ["x"], "question": "curve"}), table
    ).target_accept == pytest.approx(0.8)


def test_it_follows_the_model_until_somebody_chooses(table: Dataset) -> None:
    nb = composed(table, model="spline")
    other = {"model": "gaussian-process", "formula": ""}
    assert revise(nb, other, lambda _: table).analysis.target_accept == 0.99
    assert revise(nb, {**other, "target_accept": 0.95}, lambda _: table).analysis.target_accept == 0.95
    by_hand = Analysis.read(nb).changed({"target_accept": 0.95})
    assert settle(by_hand, other, lambda _: table).target_accept == 0.95
    assert settle(Analysis.read(nb), {"draws": 500}, lambda _: table).target_accept == 0.9


def test_models_that_need_nothing_begin_with_the_default() -> None:
    values = {entry.id: entry.target_accept for entry in catalog.entries()}
    default = Analysis().target_accept
    assert {name for name, value in values.items() if value != default} == {
        "gaussian-process",
        "spatial",
        "synthetic-control",
    }
    assert all(default <= value < 1 for value in values.values())
