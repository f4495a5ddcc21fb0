"""The contract of the catalogue: what every entry must keep, one test for all."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.catalog.entry import Simulation
from tests.families import first_of_each_family

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
    assert len(ENTRIES) == len(catalog.entries()) >= 36
    for entry in catalog.entries():
        assert entry.title
        assert entry.assumptions, entry.id
        assert entry.limits, entry.id
        assert entry.tutorial, entry.id
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


@pytest.mark.parametrize("name", first_of_each_family())
def test_prior_predictive_is_finite_and_its_check_passes(name, tmp_path):
    from modelcompose.workflow import check

    _, analysis, _, table = prepared(ENTRIES[name], tmp_path)
    prior = catalog.prior_predictive(catalog.build(analysis, table), random_seed=1)
    assert np.isfinite(prior["prior_predictive"].to_dataset().to_array()).all()
    assert check.prior(analysis, table, prior).status == "pass"


QUICK = {"linear", "logistic", "negative-binomial", "two-groups", "proportion", "meta-analysis"}  # the others: nightly


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ENTRIES]
)
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


def numeric_predictor(analysis, table):
    """Return a predictor that is a number with several values, if the model has one."""
    numbers = [name for name in analysis.predictors if table[name].dtype.kind in "iuf" and table[name].nunique() > 2]
    return next(iter(numbers), None)


def log_density(analysis, table):
    """Return the log density of the built model at its starting point, parameter by parameter."""
    model = catalog.pymc_model(catalog.build(analysis, table))
    return {str(name): float(value) for name, value in model.point_logps(model.initial_point()).items()}


@pytest.mark.parametrize("name", first_of_each_family())
def test_units_of_a_predictor_do_not_matter(name, tmp_path):
    """Metres or millimetres: predictions from the priors are the same, within what chance allows.

    The priors follow the scale of the data, so that simulated outcomes have the same distribution; compared are the
    quantiles of 400 simulated data sets from the same seed.
    """
    from modelcompose.catalog.predictions import outcome_draws

    _, analysis, dataset, table = prepared(ENTRIES[name], tmp_path)
    column = numeric_predictor(analysis, table)
    if column is None or dataset.kinds[column].kind in ("coordinate", "circular"):
        pytest.skip("no numeric predictor with a unit of its own")
    scaled = table.assign(**{column: table[column].astype(float) * 1000})
    error = analysis.standard_error
    if error and ENTRIES[name].questions == {"noisy-predictor"}:
        scaled[error] = scaled[error] * 1000
    again = analysis.changed({"formula": ENTRIES[name].formula(analysis, scaled)})

    def simulated(choices, rows):
        found = catalog.prior_predictive(catalog.build(choices, rows), draws=400, random_seed=3)
        return outcome_draws(found["prior_predictive"].to_dataset(), choices.outcome).astype(float)

    plain, other = simulated(analysis, table), simulated(again, scaled)
    levels = [0.1, 0.5, 0.9]
    spread = np.subtract(*np.quantile(plain, [0.9, 0.1]))
    assert np.quantile(other, levels) == pytest.approx(np.quantile(plain, levels), abs=0.1 * spread + 1e-9)


@pytest.mark.parametrize("name", first_of_each_family())
def test_the_order_of_rows_does_not_matter(name, tmp_path):
    """Shuffled rows give the same log density, total and for every parameter."""
    _, analysis, _, table = prepared(ENTRIES[name], tmp_path)
    shuffled = table.sample(frac=1, random_state=4).reset_index(drop=True)
    plain, other = log_density(analysis, table), log_density(analysis, shuffled)
    assert plain.keys() == other.keys()
    for parameter, value in plain.items():
        assert other[parameter] == pytest.approx(value, rel=1e-6, abs=1e-6), parameter


@pytest.mark.parametrize("name", first_of_each_family())
def test_names_of_groups_do_not_matter(name, tmp_path):
    """Groups that are called otherwise, in another order of the alphabet, give the same log density."""
    _, analysis, _, table = prepared(ENTRIES[name], tmp_path)
    if not analysis.groups or analysis.treated:
        pytest.skip("no groups whose names are free")
    renamed = table.copy()
    for group in analysis.groups:
        levels = list(table[group].cat.categories)
        names = {level: f"{len(levels) - at:04d}" for at, level in enumerate(levels)}
        renamed[group] = table[group].map(names).astype("str").astype("category").cat.as_ordered()
    plain, other = log_density(analysis, table), log_density(analysis, renamed)
    for parameter, value in plain.items():
        assert other[parameter] == pytest.approx(value, rel=1e-6, abs=1e-6), parameter


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
