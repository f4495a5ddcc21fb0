"""Shares and experiments: what fits them, what is refused, and what a choice costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from xarray import Dataset, DataTree

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.catalog.shares import logit_scale
from modelcompose.errors import InvalidAnalysis

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def loaded(tmp_path, columns, kinds):
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return data.load(str(path), kinds)


def ranked(analysis, dataset):
    return [one.entry.id for one in catalog.recommend(analysis, dataset).candidates]


def rules(analysis, dataset):
    return {entry.id: rejection.rule for entry, rejection in catalog.recommend(analysis, dataset).rejected}


def test_one_share_has_the_posterior_that_is_known_in_closed_form(tmp_path):
    dataset = loaded(tmp_path, {"k": [17, 9], "n": [40, 25]}, {"k": "count", "n": "count"})
    analysis = catalog.complete(Analysis(question="share", outcome="k", trials="n"), dataset)
    table = dataset.complete_rows(analysis.columns)
    model = catalog.build(analysis, table)
    dt = samplers.fit(model, draws=1000, tune=500, chains=2, random_seed=1)
    known = beta(1 + 26, 1 + 39)
    share = catalog.get("proportion").effects(analysis, table, model, dt)[0].draws / 100
    assert share.mean() == pytest.approx(known.mean(), abs=0.01)
    assert share.std() == pytest.approx(known.std(), rel=0.1)


def test_what_a_wrong_choice_costs_is_what_is_missed_on_average():
    shares = np.random.default_rng(0).beta([[13, 17, 2]], [[88, 84, 99]], size=(500, 3))
    draws = {"share_of_yes": (("chain", "draw", "variant"), shares[None])}
    dt = DataTree.from_dict({"posterior": Dataset(draws)})
    table = pd.DataFrame({"page": pd.Categorical(["a", "b", "c"]), "k": [12, 16, 1], "n": [100, 100, 100]})
    analysis = Analysis(question="ab-test", outcome="k", trials="n", predictors=["page"])
    found = {one.name: one for one in catalog.get("ab-test").effects(analysis, table, None, dt)}
    best = shares.max(1)
    for at, name in enumerate("abc"):
        assert found[f"cost of choosing {name}"].draws == pytest.approx(100 * (best - shares[:, at]))
    said = [one.name for one in found.values() if one.headline]
    assert said == ["b against a", "cost of choosing b", "c against a"]
    assert f"{np.mean(shares.argmax(1) == 1):.1%}" in found["share with b"].lead


def test_a_choice_that_never_costs_anything_is_not_spoken_of():
    shares = np.random.default_rng(0).beta([[10, 90]], [[90, 10]], size=(200, 2))
    dt = DataTree.from_dict({"posterior": Dataset({"share_of_yes": (("chain", "draw", "variant"), shares[None])})})
    table = pd.DataFrame({"page": ["old", "new"], "k": [10, 90], "n": [100, 100]})
    analysis = Analysis(question="ab-test", outcome="k", trials="n", predictors=["page"])
    names = [one.name for one in catalog.get("ab-test").effects(analysis, table, None, dt)]
    assert "cost of choosing old" not in names  # categories sort: new comes first, and old is the better one
    assert "cost of choosing new" in names


def test_extra_scatter_puts_the_beta_binomial_first_and_a_column_that_explains_it_does_not(tmp_path, rng):
    x, tried = rng.normal(size=80), rng.integers(10, 30, 80)
    chance = 1 / (1 + np.exp(-1.5 * x))
    columns = {"k": rng.binomial(tried, chance), "n": tried, "x": x, "z": rng.normal(size=80)}
    dataset = loaded(tmp_path, columns, {"k": "count", "n": "count"})
    asked = Analysis(question="effect", outcome="k", trials="n", predictors=["x"])
    assert ranked(asked, dataset) == ["binomial", "beta-binomial"]
    assert ranked(asked.changed({"predictors": ["z"]}), dataset) == ["beta-binomial", "binomial"]
    assert ranked(Analysis(question="share", outcome="k", trials="n"), dataset) == ["beta-binomial", "proportion"]


def test_a_count_without_attempts_has_no_share(tmp_path, rng):
    dataset = loaded(tmp_path, {"k": rng.poisson(4, 40)}, {"k": "count"})
    with pytest.raises(InvalidAnalysis, match="no ready-made model"):
        catalog.complete(Analysis(question="share", outcome="k"), dataset)
    assert rules(Analysis(question="share", outcome="k"), dataset)["proportion"] == "needs-trials"


def test_exact_zeros_and_ones_are_refused_with_what_to_give_instead(tmp_path, rng):
    y = np.where(np.arange(60) < 4, 0.0, rng.beta(3, 5, 60))
    dataset = loaded(tmp_path, {"y": y, "x": rng.normal(size=60)}, {"y": "proportion"})
    found = catalog.recommend(Analysis(question="effect", outcome="y", predictors=["x"]), dataset)
    rejection = next(one for entry, one in found.rejected if entry.id == "beta")
    assert rejection.rule == "exact-zero-or-one"
    assert "4 values of y are 0" in rejection.sentence
    assert "attempts" in rejection.sentence


def test_groups_of_one_row_cannot_have_scatter_of_their_own(tmp_path, rng):
    columns = {"k": rng.binomial(20, 0.4, 30), "n": [20] * 29 + [21], "x": rng.normal(size=30), "site": np.arange(30)}
    dataset = loaded(tmp_path, columns, {"k": "count", "n": "count", "site": "id"})
    asked = Analysis(question="change-over-time", outcome="k", trials="n", predictors=["x"], groups=["site"])
    assert rules(asked, dataset)["beta-binomial"] == "one-row-each"


@pytest.mark.parametrize(("share", "centre"), [(0.5, 0), (0.2, 0), (0.002, -6.21), (0.99, 4.6), (0, -13.8), (1, 13.8)])
def test_the_prior_of_a_share_makes_room_for_rare_ones(share, centre):
    assert logit_scale(share).centre == pytest.approx(centre, abs=0.02)


def test_the_source_of_a_prior_says_that_it_is_centred_at_a_rare_share(tmp_path, rng):
    columns = {"k": rng.binomial(2000, 0.003, 40), "n": [2000] * 39 + [2001], "x": rng.normal(size=40)}
    dataset = loaded(tmp_path, columns, {"k": "count", "n": "count"})
    analysis = catalog.complete(Analysis(question="effect", outcome="k", trials="n", predictors=["x"]), dataset)
    priors = {one.name: one for one in catalog.get("binomial").priors(analysis, dataset.complete_rows(["k", "n", "x"]))}
    assert "rare" in priors["Intercept"].source
    assert "rare" not in priors["x"].source
