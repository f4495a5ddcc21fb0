"""The question step says of any model how it stands among those that suit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modelcompose import data
from modelcompose.analysis import Analysis
from modelcompose.catalog import complete, recommend
from modelcompose.workflow import check
from modelcompose.workflow.compose import settle


def test_a_model_that_suits_but_is_not_among_the_first_is_no_error(tmp_path):
    rng = np.random.default_rng(16)
    x = rng.normal(size=300)
    events = rng.poisson(np.exp(1.3 + 0.4 * x)) * (rng.random(300) > 0.4)
    pd.DataFrame({"events": events, "x": x}).to_csv(tmp_path / "zeros.csv", index=False)
    dataset = data.load(str(tmp_path / "zeros.csv"), {"events": "count"})
    choices = {"data": str(tmp_path / "zeros.csv"), "kinds": {"events": "count"}, "question": "effect"}
    roles = {"outcome": "events", "predictors": ["x"], "model": "poisson"}
    analysis = settle(Analysis(), {**choices, **roles}, lambda _: dataset)
    found = recommend(analysis, dataset)
    suit = [one.entry.id for one in found.candidates]
    assert "poisson" not in suit
    assert "poisson" not in [entry.id for entry, _ in found.rejected]
    verdict = check.question(analysis, dataset)
    assert verdict.status == "info"
    assert verdict.findings[0].shown == "suits"
    assert str(len(suit)) in verdict.findings[0].sentence


def test_models_for_other_questions_are_counted_and_those_that_a_rule_excludes_are_named():
    dataset = data.load("sample:sleepstudy")
    analysis = complete(Analysis(data="sample:sleepstudy", outcome="Reaction"), dataset)
    rejected = recommend(analysis, dataset).rejected
    *named, others = check.question(analysis, dataset).details["Not offered"]
    count = sum(rejection.rule == "other-question" for _, rejection in rejected)
    assert others["model"] == f"{count} others"
    assert [one["model"] for one in named] == [
        entry.title for entry, rejection in rejected if rejection.rule != "other-question"
    ]
    wanted = "Reaction is of kind continuous; Lognormal regression needs amount, duration or positive."
    assert wanted in [one["because"] for one in named]


def test_a_binomial_model_counts_attempts_for_each_coefficient_and_one_with_scatter_counts_rows():
    choices = {"kinds": {"dept": "category"}, "outcome": "admitted", "trials": "applications", "on_fail": "warn"}
    dataset = data.load("sample:admissions", choices["kinds"])
    roles = {"question": "effect", "predictors": ["gender", "dept"]}
    shown = {}
    for model in ("binomial", "beta-binomial"):
        analysis = complete(Analysis(data="sample:admissions", model=model, **roles, **choices), dataset)
        verdict = check.data(analysis, dataset, dataset.rows(analysis)[0])
        shown[model] = next(one for one in verdict.findings if one.rule == "rows-per-coefficient")
    assert shown["binomial"].shown == "647 (4526 attempts, 7 coefficients)"
    assert (shown["binomial"].status, shown["beta-binomial"].status) == ("pass", "fail")
    assert shown["beta-binomial"].name == "Rows for each coefficient"
