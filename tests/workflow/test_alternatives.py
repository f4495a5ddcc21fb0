"""What does not fit decides which other model is offered, and only models that suit the question are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_kinds_of_outcomes import tree

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.alternatives import MENDS, alternatives

ROWS, DRAWS = 300, 400


def judged(table, kinds, model, simulated, **choices):
    """Judge a table against data sets simulated from what the model would have fitted."""
    asked = {"outcome": "y", "predictors": ["x"], "question": "effect", "on_fail": "warn", "kinds": kinds}
    analysis = Analysis.of({**asked, "model": model, **choices})
    return check.posterior(analysis, table, tree("posterior_predictive", simulated))


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def counts(rng, y):
    table = pd.DataFrame({"y": y, "x": rng.normal(size=ROWS)})
    return table, {"y": "count", "x": "continuous"}, rng.poisson(y.mean(), (DRAWS, ROWS)).astype(float)


def test_zeros_with_a_cause_of_their_own_ask_for_a_model_of_zeros(rng):
    table, kinds, simulated = counts(rng, rng.poisson(5, ROWS) * (rng.random(ROWS) > 0.4))
    verdict = judged(table, kinds, "poisson", simulated)
    assert verdict.status == "fail"
    assert verdict.remedies[0].changes["model"] == "zero-inflated-poisson"


def test_counts_that_vary_more_everywhere_ask_for_a_model_of_their_spread(rng):
    table, kinds, simulated = counts(rng, rng.poisson(5 * rng.gamma(0.7, 1 / 0.7, ROWS)))
    verdict = judged(table, kinds, "poisson", simulated)
    assert verdict.status == "fail"
    assert verdict.remedies[0].changes["model"] == "negative-binomial"


def test_long_tails_ask_for_a_model_that_forgives_them_and_skew_for_one_that_multiplies(rng):
    x = rng.normal(size=ROWS)
    kinds = {"y": "positive", "x": "continuous"}
    tails = pd.DataFrame({"y": 50 + rng.standard_t(2, ROWS), "x": x})
    simulated = rng.normal(50, tails["y"].std(), (DRAWS, ROWS))
    assert judged(tails, kinds, "linear", simulated).remedies[0].changes["model"] == "robust-linear"
    skewed = pd.DataFrame({"y": np.exp(rng.normal(0, 1, ROWS)), "x": x})
    simulated = rng.normal(skewed["y"].mean(), skewed["y"].std(), (DRAWS, ROWS))
    assert judged(skewed, kinds, "linear", simulated).remedies[0].changes["model"] == "lognormal"


def test_a_column_that_explains_what_is_left_over_is_offered_with_what_it_explains(rng):
    site = rng.integers(0, 2, ROWS)
    table = pd.DataFrame({"y": 1.0 * (rng.exponential(1, ROWS) + 4 * site), "x": rng.normal(size=ROWS)})
    table["site"] = pd.Categorical(np.where(site == 1, "south", "north"))
    kinds = {"y": "continuous", "x": "continuous", "site": "binary"}
    simulated = rng.normal(table["y"].mean(), 0.4 * table["y"].std(), (DRAWS, ROWS))
    verdict = judged(table, kinds, "linear", simulated)
    offered = next(one for one in verdict.remedies if "site" in one.label)
    assert offered.changes == {"predictors": ["x", "site"]}
    assert "explains" in offered.why
    assert offered.score > 0.9


def test_a_straight_line_on_a_curve_is_noticed_and_may_bend(rng):
    x = rng.uniform(0, 10, ROWS)
    y = 5 + (x - 5) ** 2 + rng.normal(0, 4, ROWS)
    line = np.polyval(np.polyfit(x, y, 1), x)
    simulated = line + rng.normal(0, (y - line).std(), (DRAWS, ROWS))
    table, kinds = pd.DataFrame({"y": y, "x": x}), {"y": "continuous", "x": "continuous"}
    verdict = judged(table, kinds, "linear", simulated, formula="y ~ center(x)")
    found = next(one for one in verdict.findings if one.name == "Bend along x")
    assert found.status == "fail"
    assert verdict.remedies[0].changes == {"formula": "y ~ center(x) + I(center(x) ** 2)"}
    curve = np.polyval(np.polyfit(x, y, 2), x)
    simulated = curve + rng.normal(0, (y - curve).std(), (DRAWS, ROWS))
    verdict = judged(table, kinds, "linear", simulated)
    assert next(one for one in verdict.findings if one.name == "Bend along x").status == "pass"


@pytest.mark.parametrize("symptom", sorted(MENDS))
def test_models_that_do_not_suit_the_question_are_not_offered(symptom, rng):
    table = pd.DataFrame({"y": rng.normal(size=ROWS), "x": rng.normal(size=ROWS)})
    analysis = Analysis.of(
        {"outcome": "y", "predictors": ["x"], "question": "effect", "model": "linear"}
        | {"kinds": {"y": "continuous", "x": "continuous"}}
    )
    for remedy in alternatives(analysis, table, [symptom], why="", cost="One more fit."):
        entry = catalog.get(remedy.changes["model"])
        assert "effect" in entry.questions
        assert "continuous" in entry.outcome
        assert entry.id != "linear"


def test_every_model_that_is_named_exists():
    known = {entry.id for entry in catalog.entries()}
    assert {name for names in MENDS.values() for name in names} <= known
