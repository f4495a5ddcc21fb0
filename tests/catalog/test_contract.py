"""The contract of the catalogue: what every entry must keep, one test for all."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.catalog.entry import Simulation

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

ENTRIES = {entry.id: entry for entry in catalog.entries()}


def prepared(entry, tmp_path, n=240, seed=5, **choices):
    """Simulate from an entry, and load the table the way a user's would be."""
    simulation: Simulation = entry.simulate(np.random.default_rng(seed), n)
    path = tmp_path / "simulated.csv"
    simulation.table.to_csv(path, index=False)
    dataset = data.load(str(path), simulation.kinds)
    analysis = catalog.complete(
        Analysis.of({"data": str(path), **simulation.choices, "model": entry.id, **choices}), dataset
    )
    return simulation, analysis, dataset, dataset.complete_rows(analysis.columns)


def truth_of(dt, name):
    """Return the draws of ``b`` or ``b[level]``."""
    variable, _, level = name.partition("[")
    values = dt["posterior"][variable]
    if level:
        dimension = next(dim for dim in values.dims if dim not in ("chain", "draw"))
        values = values.sel({dimension: level.rstrip("]")})
    return np.asarray(values).ravel()


def test_ids_are_unique_and_words_are_there():
    assert len(ENTRIES) == len(catalog.entries()) >= 8
    for entry in catalog.entries():
        assert entry.title
        assert entry.summary.endswith(".")
        assert entry.source
        assert entry.questions <= {one.id for one in catalog.QUESTIONS}


@pytest.mark.parametrize("name", ENTRIES)
def test_is_recommended_for_data_simulated_from_it(name, tmp_path):
    _, analysis, dataset, _ = prepared(ENTRIES[name], tmp_path)
    found = catalog.recommend(analysis, dataset)
    assert name in [one.entry.id for one in found.candidates]
    assert all(one.reasons for one in found.candidates)
    assert all(rejection.rule and rejection.sentence for _, rejection in found.rejected)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_prior_has_a_source_and_the_code_spells_the_same_model(name, tmp_path):
    _, analysis, _, table = prepared(ENTRIES[name], tmp_path)
    priors = ENTRIES[name].priors(analysis, table)
    assert priors
    assert all(one.source for one in priors)
    built = catalog.build(analysis, table)

    import bambi as bmb

    names = {"bmb": bmb, "np": np, "table": table, **analysis.model_dump()}
    exec(compile(ast.parse(ENTRIES[name].code(analysis, table)), "cell", "exec"), names)  # noqa: S102
    model, spelt = catalog.pymc_model(built), catalog.pymc_model(names["model"])
    point = model.initial_point()
    assert model.point_logps(point) == spelt.point_logps(point)


@pytest.mark.parametrize("name", ENTRIES)
def test_prior_predictive_is_finite_and_its_check_passes(name, tmp_path):
    from modelcompose.workflow import check

    _, analysis, _, table = prepared(ENTRIES[name], tmp_path)
    prior = catalog.prior_predictive(catalog.build(analysis, table), random_seed=1)
    assert np.isfinite(prior["prior_predictive"].to_dataset().to_array()).all()
    assert check.prior(analysis, table, prior).status == "pass"


@pytest.mark.parametrize("name", ENTRIES)
def test_fit_recovers_what_was_simulated(name, tmp_path):
    simulation, analysis, _, table = prepared(ENTRIES[name], tmp_path, n=400)
    model = catalog.build(analysis, table)
    dt = samplers.fit(model, draws=300, tune=500, chains=2, random_seed=3)
    for parameter, value in simulation.truth.items():
        draws = truth_of(dt, parameter)
        assert abs(draws.mean() - value) < 4 * draws.std(), parameter
    effects = ENTRIES[name].effects(analysis, table, model, dt)
    assert any(effect.headline for effect in effects)
    assert all(effect.draws.shape == (600,) and np.isfinite(effect.draws).all() for effect in effects)


def test_scaling_a_predictor_leaves_the_effect_the_same(tmp_path):
    """A slope in other units is the same slope: priors follow the data's scale."""
    entry = ENTRIES["linear"]
    _simulation, analysis, _, table = prepared(entry, tmp_path)
    plain = {one.term: one.prior.params["sigma"] for one in entry.priors(analysis, table) if one.term != "sigma"}
    scaled = table.assign(x=table["x"] * 1000)
    other = {one.term: one.prior.params["sigma"] for one in entry.priors(analysis, scaled) if one.term != "sigma"}
    assert other["center(x)"] == pytest.approx(plain["center(x)"] / 1000, rel=0.01)
    assert other["Intercept"] == plain["Intercept"]


def test_own_priors_take_the_place_of_defaults(tmp_path):
    entry = ENTRIES["linear"]
    own = {"center(x)": {"dist": "Normal", "mu": 1, "sigma": 0.5}}
    _, analysis, _, table = prepared(entry, tmp_path, priors=own)
    found = {one.term: one for one in entry.priors(analysis, table)}
    assert found["center(x)"].prior.words() == "Normal(1, 0.5)"
    assert found["center(x)"].source == "chosen by you"


@pytest.mark.parametrize(
    ("priors", "said"),
    [
        ({"nope": {"dist": "Normal", "mu": 0, "sigma": 1}}, "no term 'nope'"),
        ({"Intercept": {"dist": "Normalish", "mu": 0}}, "not a known distribution"),
        ({"Intercept": {"dist": "Normal", "mean": 0}}, "no parameter 'mean'"),
    ],
)
def test_a_prior_that_cannot_be_is_explained(tmp_path, priors, said):
    from modelcompose.errors import InvalidAnalysis

    entry = ENTRIES["linear"]
    _, analysis, _, table = prepared(entry, tmp_path, priors=priors)
    with pytest.raises(InvalidAnalysis, match=said):
        entry.priors(analysis, table)
