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


def test_a_count_out_of_attempts_is_asked_for_its_share_and_not_for_its_rate():
    kinds = {"dept": "category"}
    table = data.load("sample:admissions", kinds)
    found = catalog.complete(Analysis(outcome="admitted", trials="applications", kinds=kinds), table)
    assert (found.question, found.predictors) == ("effect", ["dept", "gender"])
    assert found.formula == "p(admitted, applications) ~ dept + gender"
    with pytest.raises(InvalidAnalysis, match=r"Leave trials empty, or ask another question\."):
        catalog.complete(found.changed({"question": "rate", "model": "", "formula": ""}), table)


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
    with pytest.raises(error, match=said):
        priors_of(choices)


def priors_of(choices):
    table = data.load("sample:sleepstudy")
    analysis = catalog.complete(Analysis.of(choices), table)
    return catalog.get(analysis.model).priors(analysis, table.complete_rows(analysis.columns))


def test_a_constant_outcome_is_refused(tmp_path, rng):
    table = dataset(tmp_path, {"y": [3.0] * 30, "x": rng.normal(size=30)})
    with pytest.raises(InvalidData, match="same value"):
        catalog.complete(Analysis(outcome="y", predictors=["x"], question="effect"), table)


@pytest.mark.parametrize(
    ("outcome", "levels", "left"),
    [
        ("bought", ("no", "yes"), "bought[yes]"),
        ("bought", ("1", "2"), 'bought["2"]'),
        ("bought", ("no", "yes, of course [a/b]"), 'bought["yes, of course [a/b]"]'),
        ("bought it", ("no", "yes, sir"), 'binary(`bought it`, "yes, sir")'),
    ],
)
def test_any_level_of_any_yes_or_no_column_can_be_the_success(tmp_path, rng, outcome, levels, left):
    said = np.where(rng.random(60) < 0.4, levels[1], levels[0])
    table = dataset(tmp_path, {outcome: said, "x": rng.normal(size=60)})
    chosen = catalog.complete(Analysis(outcome=outcome, predictors=["x"]), table)
    assert chosen.formula == f"{left} ~ x"
    pymc_model = catalog.build(chosen, table.complete_rows(chosen.columns)).backend.model
    observed = pymc_model.rvs_to_values[pymc_model.observed_RVs[0]].data
    assert observed.tolist() == (said == levels[1]).astype(int).tolist()


def test_a_success_with_quotation_marks_is_refused_in_words(tmp_path, rng):
    said = np.where(rng.random(60) < 0.4, "didn't", "bought")
    table = dataset(tmp_path, {"y": said, "x": rng.normal(size=60)})
    with pytest.raises(InvalidAnalysis, match="quotation mark"):
        catalog.complete(Analysis(outcome="y", predictors=["x"]), table)


@pytest.mark.parametrize("name", ["None", "_hidden", "2019", "u\u0308ber", "class", "C", "np", "x[1]", "a, b"])
def test_a_column_may_be_called_nearly_anything(tmp_path, rng, name):
    table = dataset(tmp_path, {"y": rng.normal(size=40), name: rng.normal(size=40)})
    chosen = catalog.complete(Analysis(outcome="y", predictors=[name]), table)
    catalog.build(chosen, table.complete_rows(chosen.columns))


@pytest.mark.parametrize("name", ["mu", "sigma", "alpha", "Intercept", "a`b", "km/h"])
def test_a_name_that_a_model_needs_for_itself_is_refused_before_anything_is_built(tmp_path, rng, name):
    table = dataset(tmp_path, {"y": rng.normal(size=40), name: rng.normal(size=40)})
    with pytest.raises(InvalidData, match="cannot be called") as refused:
        catalog.complete(Analysis(outcome="y", predictors=[name]), table)
    assert refused.value.remedy == "Rename the column in the table."


@pytest.mark.parametrize("model", ["", "poisson"])
def test_an_exposure_of_zero_is_refused(tmp_path, rng, model):
    hours = rng.integers(0, 4, 60) / 2
    table = dataset(tmp_path, {"n": rng.poisson(4, 60), "hours": hours}, {"n": "count"})
    with pytest.raises(InvalidData, match=f"zero or less in {(hours == 0).sum()} of 60 rows"):
        catalog.complete(Analysis(question="rate", outcome="n", exposure="hours", model=model), table)


def test_an_exposure_without_a_count_is_refused_rather_than_ignored(tmp_path, rng):
    table = dataset(tmp_path, {"y": rng.normal(size=40), "x": rng.normal(size=40), "hours": rng.uniform(1, 2, 40)})
    with pytest.raises(InvalidAnalysis, match="goes with a count"):
        catalog.complete(Analysis(question="effect", outcome="y", predictors=["x"], exposure="hours"), table)


def test_groups_of_one_row_cannot_be_told_from_noise(tmp_path, rng):
    names = [f"g{number}" for number in range(40)]
    table = dataset(tmp_path, {"y": rng.normal(size=40), "g": names}, {"g": "group"})
    found = catalog.recommend(Analysis(question="compare-many", outcome="y", groups=["g"]), table)
    assert not found.candidates
    assert {entry.id: rejection.rule for entry, rejection in found.rejected}["many-groups"] == "one-row-each"


def test_a_single_zero_far_from_the_rest_leaves_a_number_centred(tmp_path, rng):
    x = rng.normal(5, 1, 80)
    columns = {"y": rng.normal(size=80), "x": np.append(x[:-1], 0.0), "days": np.arange(80) % 10 + 0.0}
    table = dataset(tmp_path, columns, {"days": "continuous"})
    chosen = catalog.complete(Analysis(question="effect", outcome="y", predictors=["x", "days"]), table)
    assert chosen.formula == "y ~ center(x) + days"


def test_the_slope_that_varies_is_that_of_a_number(tmp_path, rng):
    """A condition listed before the day does not become the slope that differs between people."""
    who, day = np.repeat(np.arange(20), 6), np.tile(np.arange(6), 20)
    columns = {"y": rng.normal(size=120), "cond": np.tile(["a", "b", "c"], 40), "day": day, "who": who}
    table = dataset(tmp_path, columns, {"who": "group", "cond": "category", "y": "continuous"})
    asked = Analysis(question="change-over-time", outcome="y", predictors=["cond", "day"], groups=["who"])
    assert catalog.recommend(asked, table).candidates[0].formula == "y ~ cond + day + (day | who)"


def test_a_yes_or_no_is_asked_about_as_a_chance(tmp_path, rng):
    table = dataset(tmp_path, {"bought": rng.binomial(1, 0.4, 60), "x": rng.normal(size=60)})
    found = catalog.complete(Analysis(question="effect", outcome="bought", predictors=["x"]), table)
    assert "the chance of bought" in found.estimand


def reasons(analysis, table, model=""):
    """Return the reasons for a model, by default for the one that comes first."""
    candidates = catalog.recommend(analysis, table).candidates
    chosen = next(one for one in candidates if not model or one.entry.id == model)
    return {reason.rule: reason.sentence for reason in chosen.reasons}


@pytest.mark.parametrize(
    ("kind", "rule"), [("duration", "unfinished-waits"), ("amount", "many-zeros"), ("positive", "measured-outcome")]
)
def test_what_an_outcome_warns_of_is_said_with_the_model(tmp_path, rng, kind, rule):
    y = np.where(rng.random(90) < 0.2, 0.0, rng.exponential(5, 90)) + (kind == "positive")
    table = dataset(tmp_path, {"y": y, "x": rng.normal(size=90)}, {"y": kind})
    said = reasons(Analysis(question="effect", outcome="y", predictors=["x"]), table, "linear")
    assert said[rule].startswith("y ")
    assert {"unfinished-waits", "many-zeros"} & said.keys() <= {rule}


def test_a_place_is_a_predictor_only_when_chosen_and_with_a_warning(tmp_path, rng):
    columns = {"y": rng.normal(size=60), "lat": rng.uniform(40, 50, 60), "x": rng.normal(size=60)}
    table = dataset(tmp_path, columns)
    assert catalog.complete(Analysis(outcome="y"), table).predictors == ["x"]
    assert "place-as-number" in reasons(Analysis(question="effect", outcome="y", predictors=["lat"]), table)


@pytest.mark.parametrize(
    ("kind", "role", "why"),
    [
        ("circular", "outcome", "no lowest value"),
        ("coordinate", "outcome", "says where"),
        ("standard_error", "outcome", "how uncertain"),
        ("weight", "outcome", "no part of a model"),
        ("circular", "predictors", "next to each other"),
        ("weight", "predictors", "no part of a model"),
    ],
)
def test_kinds_that_a_role_can_never_have_are_refused_with_the_reason(tmp_path, rng, kind, role, why):
    table = dataset(tmp_path, {"a": rng.uniform(1, 9, 60), "b": rng.normal(size=60)}, {"a": kind})
    chosen = {"outcome": "a", "predictors": ["b"]} if role == "outcome" else {"outcome": "b", "predictors": ["a"]}
    with pytest.raises(InvalidAnalysis, match=why) as refused:
        catalog.recommend(Analysis(question="curve", **chosen), table)
    assert refused.value.where == role


def test_weights_and_directions_are_never_chosen_for_the_user(tmp_path, rng):
    columns = {"y": rng.normal(size=60), "pweight": rng.uniform(1, 9, 60), "wind_direction": rng.uniform(0, 360, 60)}
    table = dataset(tmp_path, {**columns, "x": rng.normal(size=60), "dose_se": rng.uniform(1, 2, 60)})
    assert catalog.complete(Analysis(outcome="y"), table).predictors[0] == "x"
    assert not {"pweight", "wind_direction"} & set(catalog.complete(Analysis(outcome="y"), table).predictors)
