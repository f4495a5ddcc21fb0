"""What priors lead to is told in the terms of the outcome: values, shares, levels or directions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from modelcompose import catalog, data
from modelcompose.analysis import Analysis
from modelcompose.workflow.predictive import predictive

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.mark.parametrize(
    ("name", "says", "least", "most"),
    [
        ("linear", "values of y", -200, 200),
        ("logistic", "shares of y = 1", 0, 100),
        ("ordinal", "shares of", 0, 100),
        ("categorical", "shares of", 0, 100),
        ("binomial", "shares of", 0, 1),
        ("circular", "directions of", 0, 360),
        ("synthetic-control", "values of sales", -100, 200),
    ],
)
def test_consequences_are_told_in_the_outcomes_own_terms(tmp_path, name, says, least, most):
    simulation = catalog.get(name).simulate(np.random.default_rng(4), 80)
    path = tmp_path / "table.csv"
    simulation.table.to_csv(path, index=False)
    dataset = data.load(str(path), simulation.kinds)
    analysis = catalog.complete(Analysis.of({"data": str(path), **simulation.choices, "model": name}), dataset)
    found = predictive(analysis, dataset.rows(analysis)[0])
    json.dumps(found, allow_nan=False)
    assert says in found["sentence"]
    assert least <= found["quantiles"]["5"] <= found["quantiles"]["95"] <= most
    assert least <= found["observed"]["low"] <= found["observed"]["high"] <= most
