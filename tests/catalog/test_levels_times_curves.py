"""Levels, waiting times, curves, directions and spreads: what their models say, with draws of the prior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from xarray import DataTree

from modelcompose import catalog, data
from modelcompose.analysis import Analysis
from modelcompose.catalog import curves, ordinal, survival, views
from modelcompose.catalog.effects import expected
from modelcompose.errors import InvalidAnalysis

pytestmark = pytest.mark.filterwarnings("ignore")

FORMULAS = ("ordinal", "sequential-ordinal", "categorical", "spline", "spread", "quantile")
WRITTEN = ("survival-weibull", "survival-frailty", "gaussian-process", "spatial", "circular")


def prepared(name, tmp_path, n=80, **choices):
    """A simulated table of a model, its choices and the model, built."""
    entry = catalog.get(name)
    simulation = entry.simulate(np.random.default_rng(5), n)
    path = tmp_path / "simulated.csv"
    simulation.table.to_csv(path, index=False)
    dataset = data.load(str(path), simulation.kinds)
    wanted = {"data": str(path), **simulation.choices, "model": name, **choices}
    analysis = catalog.complete(Analysis.of(wanted), dataset)
    table = dataset.complete_rows(analysis.columns)
    return analysis, table, dataset


def with_prior_draws(analysis, table, draws=40):
    """Draws of the prior in the place of a posterior."""
    model = catalog.build(analysis, table)
    prior = catalog.prior_predictive(model, draws=draws)["prior"].to_dataset()
    per_row = [name for name in prior.data_vars if {"__obs__", "row"} & set(prior[name].dims)]
    kept = prior.drop_vars(per_row)
    used = {dim for name in kept.data_vars for dim in kept[name].dims}
    return model, DataTree.from_dict({"posterior": kept.drop_dims(set(kept.dims) - used)})


# -- levels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ordinal", "sequential-ordinal"])
def test_chances_follow_the_declared_order_of_levels(name, tmp_path):
    path = tmp_path / "ratings.csv"
    rating = np.resize(["poor", "so-so", "great"], 90)
    pd.DataFrame({"my rating": rating, "x": np.arange(90.0)}).to_csv(path, index=False)
    order = {"my rating": {"levels": ["poor", "so-so", "great"]}}
    wanted = {"data": str(path), "question": "effect", "outcome": "my rating", "predictors": ["x"], "model": name}
    dataset = data.load(str(path), {"my rating": "ordered"}, variables=order)
    analysis = catalog.complete(Analysis.of({**wanted, "variables": order}), dataset)
    table = dataset.complete_rows(analysis.columns)
    model, dt = with_prior_draws(analysis, table)
    assert [str(level) for level in model.response_term.levels] == ["poor", "so-so", "great"]
    chances = expected(model, dt, table.iloc[:4])
    assert chances.shape == (40, 4, 3)
    assert np.allclose(chances.sum(-1), 1)
    assert (chances >= 0).all()


def test_thresholds_rise_in_every_draw_of_the_prior(tmp_path):
    analysis, table, _ = prepared("ordinal", tmp_path)
    _, dt = with_prior_draws(analysis, table, 200)
    assert (np.diff(dt["posterior"]["threshold"].values, axis=-1) > 0).all()


def test_thresholds_take_only_a_normal_prior(tmp_path):
    priors = {"threshold": {"dist": "StudentT", "nu": 3, "mu": 0, "sigma": 1}}
    analysis, table, _ = prepared("ordinal", tmp_path, priors=priors)
    with pytest.raises(InvalidAnalysis, match="must be a Normal"):
        catalog.get("ordinal").priors(analysis, table)


def test_superiority_of_equal_rows_is_one_half_and_of_certain_ones_is_one():
    even = np.full((2, 3, 4), 0.25)
    low, high = np.eye(4)[[0, 0, 1]][None], np.eye(4)[[2, 3, 3]][None]
    assert ordinal.superiority(even, even) == pytest.approx(0.5)
    assert ordinal.superiority(low, high) == pytest.approx(1.0)


def test_changes_of_all_levels_cancel(tmp_path):
    analysis, table, _ = prepared("ordinal", tmp_path)
    model, dt = with_prior_draws(analysis, table)
    found = catalog.get("ordinal").effects(analysis, table, model, dt)
    changes = [one.draws for one in found if one.kind == "difference" and "per 1" in one.name]
    assert len(changes) == 4
    assert np.allclose(sum(changes), 0, atol=1e-9)
    assert {one.unit for one in found if one.kind == "difference"} == {"percentage points"}


def test_groups_of_a_rating_are_compared_by_their_chance_of_the_last_level(tmp_path):
    path = tmp_path / "ratings.csv"
    rng = np.random.default_rng(1)
    pd.DataFrame({"stars": rng.integers(1, 5, 60), "shop": np.resize(list("abcdef"), 60)}).to_csv(path, index=False)
    wanted = {"data": str(path), "question": "compare-many", "outcome": "stars", "groups": ["shop"], "model": "ordinal"}
    dataset = data.load(str(path), {"stars": "ordered", "shop": "group"})
    analysis = catalog.complete(Analysis.of(wanted), dataset)
    table = dataset.complete_rows(analysis.columns)
    model, dt = with_prior_draws(analysis, table)
    headline = [one for one in catalog.get("ordinal").effects(analysis, table, model, dt) if one.headline]
    assert [one.name for one in headline] == [f"shop {letter}" for letter in "abcdef"]
    assert headline[0].lead == "For shop a, the chance of stars = 4 is"


# -- waiting times -----------------------------------------------------------------------------------------------


def times_without(tmp_path, **columns):
    path = tmp_path / "times.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    kinds = {"t": "duration", **({"died": "binary"} if "died" in columns else {})}
    dataset = data.load(str(path), kinds)
    event = "died" if "died" in columns else ""
    return Analysis.of({"data": str(path), "question": "survival", "outcome": "t", "event": event}), dataset


def test_waits_without_an_event_column_count_as_ended(tmp_path):
    analysis, dataset = times_without(tmp_path, t=np.linspace(1, 9, 30))
    chosen = catalog.complete(analysis.changed({"model": "survival-weibull"}), dataset)
    table = dataset.complete_rows(chosen.columns)
    assert survival.happened(chosen, table).all()
    model, dt = with_prior_draws(chosen, table)
    effects = catalog.get("survival-weibull").effects(chosen, table, model, dt)
    assert [one.headline for one in effects] == [True, False, False]
    assert "slope" not in {one.name for one in catalog.get("survival-weibull").priors(chosen, table)}


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"t": [0.0, 1.0, 2.0, 5.5], "died": [1, 0, 1, 1]}, "times-positive"),
        ({"t": [0.5, 1.0, 2.0, 5.5], "died": [0, 0, 1, 0]}, "one-event"),
    ],
)
def test_what_speaks_against_waiting_times_has_a_rule(columns, rule, tmp_path):
    analysis, dataset = times_without(tmp_path, **{name: np.tile(values, 5) for name, values in columns.items()})
    if rule == "one-event":  # the only ends lie in rows that have no time
        frame = dataset.frame.assign(t=np.where(dataset.frame["died"] == 1, np.nan, dataset.frame["t"]))
        path = tmp_path / "gaps.csv"
        frame.to_csv(path, index=False)
        dataset = data.load(str(path), {"t": "duration", "died": "binary"})
    rejected = {entry.id: rejection.rule for entry, rejection in catalog.recommend(analysis, dataset).rejected}
    assert rejected["survival-weibull"] == rule


def test_a_wait_that_had_not_ended_says_only_that_it_is_longer(tmp_path):
    """The log density of such a row is that of lasting longer; of a Weibull distribution, minus the hazard so far."""
    import pymc as pm

    analysis, table, _ = prepared("survival-weibull", tmp_path)
    model = catalog.build(analysis, table)
    point = {"Intercept": np.array(2.0), "slope": np.array([0.1, -0.2]), "shape": np.array(1.7)}
    given = pm.do(model, point)
    with given:
        logp = given.compile_logp(sum=False)({})[0]
    x = survival.columns(analysis, table)
    median = np.exp(2.0 + x @ [0.1, -0.2])
    open_ = ~survival.happened(analysis, table)
    lasting = -np.log(2) * (table["months"].to_numpy() / median) ** 1.7
    assert open_.any()
    assert np.allclose(logp[open_], lasting[open_])


@pytest.mark.parametrize("name", ["survival-weibull", "survival-lognormal", "survival-exponential"])
def test_half_of_the_waits_last_beyond_the_median(name, tmp_path):
    analysis, table, _ = prepared(name, tmp_path)
    _, dt = with_prior_draws(analysis, table)
    middle = np.full((40, 1), 7.0)
    assert np.allclose(catalog.get(name).lasts(dt, middle, 7.0), 0.5)
    model, _ = with_prior_draws(analysis, table)
    mean = expected(model, dt, table)
    assert np.allclose(mean, survival.medians(analysis, table, dt))


# -- curves and directions ---------------------------------------------------------------------------------------


def test_the_prior_of_a_length_has_one_percent_on_each_side():
    from scipy.stats import invgamma

    prior = curves.between(2.0, 20.0)
    shape, scale = prior.params["alpha"], prior.params["beta"]
    assert invgamma.cdf(2.0, shape, scale=scale) == pytest.approx(0.01, abs=0.002)
    assert invgamma.sf(20.0, shape, scale=scale) == pytest.approx(0.01, abs=0.002)


def test_the_waves_of_a_curve_have_the_variance_of_the_kernel(tmp_path):
    """In the middle of the range the waves add up to the Matérn kernel: variance amplitude², up to the level."""
    analysis, table, _ = prepared("gaussian-process", tmp_path, n=60)
    model = catalog.build(analysis, table)
    import pymc as pm

    fixed = pm.do(model, {"Intercept": np.array(0.0), "amplitude": np.array(2.0), "length": np.array(1.0)})
    curve = pm.draw(fixed["mu"], 3000, random_seed=1)
    inner = np.abs(table["x"] - 5) < 3
    apart = (curve - curve.mean(1, keepdims=True))[:, inner].var(0).mean()
    assert apart == pytest.approx(4.0, rel=0.25)


@pytest.mark.parametrize("name", WRITTEN)
def test_new_rows_can_be_predicted(name, tmp_path):
    analysis, table, _ = prepared(name, tmp_path)
    model, dt = with_prior_draws(analysis, table)
    assert expected(model, dt, table.iloc[:3]).shape == (40, 3)
    assert expected(model, dt, table).shape == (40, len(table))


def test_a_curve_says_where_it_is_highest(tmp_path):
    analysis, table, _ = prepared("spline", tmp_path)
    model, dt = with_prior_draws(analysis, table)
    found = {one.name: one for one in catalog.get("spline").effects(analysis, table, model, dt)}
    highest = next(one for name, one in found.items() if name.startswith("highest"))
    low, high = table["x"].quantile([0.05, 0.95])
    assert ((highest.draws >= low - 1e-9) & (highest.draws <= high + 1e-9)).all()
    assert not found["site: b against a"].headline


@pytest.mark.parametrize(
    ("values", "turn"), [([0.1, 6.2], 2 * np.pi), ([1, 12], 12), ([0, 23.5], 24), ([3, 359], 360), ([-170, 180], 360)]
)
def test_a_full_turn_follows_from_the_largest_number(values, turn):
    assert curves.turn_of(np.array(values, float)) == turn


def test_the_mean_of_directions_around_north_is_north():
    assert curves.mean_direction(np.deg2rad([350.0, 10.0])) == pytest.approx(0.0, abs=1e-12)


def test_directions_turn_in_the_unit_of_the_column(tmp_path):
    analysis, table, _ = prepared("circular", tmp_path)
    model, dt = with_prior_draws(analysis, table)
    found = {one.name: one for one in catalog.get("circular").effects(analysis, table, model, dt)}
    slope = dt["posterior"]["slope"].sel(term="side: right").values.ravel()
    turned = found["side: right against left"]
    assert turned.unit == "degrees"
    assert np.allclose(turned.draws, np.rad2deg(slope))


# -- spreads -----------------------------------------------------------------------------------------------------


def test_the_factor_of_a_spread_is_the_exponential_of_its_coefficient(tmp_path):
    analysis, table, _ = prepared("spread", tmp_path)
    model, dt = with_prior_draws(analysis, table)
    found = {one.name: one for one in catalog.get("spread").effects(analysis, table, model, dt)}
    coefficient = dt["posterior"]["sigma_machine"].values.ravel()
    assert np.allclose(found["spread: machine: b against a (factor)"].draws, np.exp(coefficient))
    assert found["average: machine: b against a"].headline is False


def test_the_location_of_the_quantile_model_is_its_quantile(tmp_path):
    import pymc as pm

    kappa = catalog.get("quantile").fixed["kappa"]
    draws = pm.draw(pm.AsymmetricLaplace.dist(mu=0, b=1, kappa=kappa), 20_000, random_seed=1)
    assert np.mean(draws < 0) == pytest.approx(0.9, abs=0.01)
    analysis, table, _ = prepared("quantile", tmp_path)
    model, dt = with_prior_draws(analysis, table)
    effects = catalog.get("quantile").effects(analysis, table, model, dt)
    assert effects[0].lead == "With x higher by 1, the value that 9 of 10 of y stay below is"


@pytest.mark.parametrize("name", [*FORMULAS, *WRITTEN])
def test_the_unedited_cell_reads_back_as_no_change(name, tmp_path):
    analysis, table, _ = prepared(name, tmp_path)
    entry = catalog.get(name)
    reading = views.read_code(entry.code(analysis, table), entry, analysis, table)
    assert not reading.problem
    assert not reading.changes
