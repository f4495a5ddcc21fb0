import json
import time
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from xarray import DataTree

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.data import load
from modelcompose.errors import InvalidInput
from modelcompose.publish.whatif import Scenarios
from modelcompose.workflow.words import forbidden
from tests.families import first_of_each_family

pytestmark = pytest.mark.filterwarnings("ignore")


@cache
def material(name: str, folder):
    """A simulated table of a model, with draws of its prior in the place of a posterior."""
    simulation = catalog.get(name).simulate(np.random.default_rng(3), 60)
    path = folder / f"{name}.csv"
    simulation.table.to_csv(path, index=False)
    dataset = load(str(path), simulation.kinds)
    choices = {**simulation.choices, "data": str(path), "kinds": dict(simulation.kinds), "model": name}
    analysis = catalog.complete(Analysis.of(choices), dataset)
    table = dataset.complete_rows(analysis.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = catalog.build(analysis, table)
        prior = catalog.prior_predictive(model, draws=100, random_seed=1)["prior"].to_dataset()
    kept = prior.drop_vars([one for one in prior.data_vars if "__obs__" in prior[one].dims or one == "mu"])
    used = {dim for one in kept.data_vars for dim in kept[one].dims}
    kept = kept.drop_dims(set(kept.dims) - used)
    return analysis, table, model, DataTree.from_dict({"posterior": kept})


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.mark.parametrize("name", first_of_each_family())
def test_every_model_of_the_catalogue_predicts(name: str, folder):
    scenarios = Scenarios(*material(name, folder))
    found = json.loads(json.dumps(scenarios.predict({}), allow_nan=False))
    assert found["lower"] <= found["median"] <= found["upper"]
    assert found["range"][0] <= found["lower"]
    assert found["upper"] <= found["range"][1]
    assert len(found["density"]["x"]) == len(found["density"]["y"])
    assert not forbidden(found["sentence"])
    json.dumps(scenarios.controls, allow_nan=False)
    for control in scenarios.controls:
        ends = control["levels"] if control["kind"] == "category" else [control["min"], control["max"]]
        for end in (ends[0], ends[-1]):
            changed = scenarios.predict({control["name"]: end})
            assert changed["lower"] <= changed["median"] <= changed["upper"]


@pytest.fixture(scope="module")
def linear(folder):
    """A straight line with draws made by hand."""
    analysis, table, model, _ = material("linear", folder)
    rng = np.random.default_rng(0)
    draws = {
        "Intercept": rng.normal(3, 0.3, (2, 400)),
        "center(x)": rng.normal(1.5, 0.1, (2, 400)),
        "sigma": np.full((2, 400), 2.0),
    }
    site = rng.normal(2, 0.2, (2, 400, 1))
    posterior = model.backend.model.coords
    dim = next(name for name in posterior if name.startswith("site"))
    dataset = DataTree.from_dict({"posterior": _dataset(draws, site, dim, list(posterior[dim]))})
    return Scenarios(analysis.changed({"units": {"y": "kg", "x": "cm"}}), table, model, dataset), draws, site, table


def _dataset(draws, site, dim, levels):
    import xarray as xr

    found = {name: (("chain", "draw"), values) for name, values in draws.items()}
    return xr.Dataset(
        {**found, "site": (("chain", "draw", dim), site)}, coords={dim: levels, "chain": range(2), "draw": range(400)}
    )


def test_the_prediction_of_a_straight_line_is_what_its_draws_give(linear):
    scenarios, draws, site, table = linear
    reference, other = scenarios.controls[1]["levels"]
    found = scenarios.predict({"x": 22.0, "site": other})
    by_hand = draws["Intercept"] + draws["center(x)"] * (22.0 - table["x"].mean()) + site[..., 0]
    low, middle, high = np.quantile(by_hand, [0.025, 0.5, 0.975])
    assert (found["lower"], found["median"], found["upper"]) == pytest.approx((low, middle, high))
    assert (found["outcome"], found["unit"], found["ci_prob"]) == ("y", "kg", 0.95)
    without = scenarios.predict({"x": 22.0, "site": reference})
    assert found["median"] - without["median"] == pytest.approx(np.median(site), abs=0.05)


def test_the_sentence_tells_the_average_from_a_single_row(linear):
    scenarios, *_ = linear
    sentence = scenarios.predict({"x": 22.0, "site": "b"})["sentence"]
    assert sentence.startswith("The average of y for rows with x = 22 cm, site = b is about ")
    assert "there is a 95% probability that it is between" in sentence
    assert "a single new row may lie between" in sentence
    first, last = sentence.split("may lie between ")[1].removesuffix(" kg (95% probability).").split(" and ")
    assert float(last) - float(first) == pytest.approx(2 * 1.96 * np.hypot(2.0, 0.45), rel=0.15)


def test_controls_stay_within_what_was_observed(linear):
    scenarios, *_, table = linear
    x = next(control for control in scenarios.controls if control["name"] == "x")
    assert table["x"].min() <= x["min"] <= scenarios.start["x"] <= x["max"] <= table["x"].max()
    assert 0.001 <= x["step"] / (x["max"] - x["min"]) <= 0.1
    site = next(control for control in scenarios.controls if control["name"] == "site")
    assert (site["kind"], sorted(site["levels"])) == ("category", ["a", "b"])


def test_the_axis_stays_put(linear):
    scenarios, *_ = linear
    x = next(control for control in scenarios.controls if control["name"] == "x")
    ranges = {tuple(scenarios.predict({"x": at})["range"]) for at in (x["min"], scenarios.start["x"])}
    assert len(ranges) == 1


@pytest.mark.parametrize(
    "values",
    [
        None,
        [1],
        "x",
        {"x": "22"},
        {"x": 1e9},
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": None},
        {"x": True},
        {"x": [22]},
        {"x": {"a": 1}},
        {"site": "<script>"},
        {"site": 1},
        {"site": ["b"]},
        {"nothing": 1},
        {"y": 1},
    ],
)
def test_values_that_cannot_be_chosen_are_refused_in_words(linear, values):
    scenarios, *_ = linear
    with pytest.raises(InvalidInput):
        scenarios.predict(values)


def test_a_yes_or_no_is_told_in_percent(folder):
    analysis, table, model, dt = material("logistic", folder)
    scenarios = Scenarios(analysis, table, model, dt)
    found = scenarios.predict({"x": scenarios.controls[0]["max"]})
    assert found["unit"] == "%"
    assert 0 <= found["lower"] <= found["upper"] <= 100
    assert found["range"][0] >= 0
    assert found["range"][1] <= 100
    posterior = dt["posterior"]
    linear = (posterior["Intercept"] + posterior["x"] * scenarios.controls[0]["max"]).values
    assert found["median"] == pytest.approx(100 * float(np.median(1 / (1 + np.exp(-linear)))))
    assert "The chance of y = 1" in found["sentence"]
    assert "Of 100 such rows" in found["sentence"]


def test_a_typical_group_is_the_default_and_a_group_can_be_chosen(folder):
    analysis, table, model, dt = material("varying-intercepts", folder)
    scenarios = Scenarios(analysis, table, model, dt)
    assert scenarios.start["person"] == "typical person"
    typical = scenarios.predict({"day": 3})
    posterior = dt["posterior"]
    by_hand = (posterior["Intercept"] + 3 * posterior["day"]).values
    assert typical["median"] == pytest.approx(float(np.median(by_hand)))
    assert "in a typical person" in typical["sentence"]
    chosen = scenarios.predict({"day": 3, "person": "p2"})
    effect = posterior["1|person"].sel({posterior["1|person"].dims[-1]: "p2"})
    assert chosen["median"] == pytest.approx(float(np.median(by_hand + effect.values)))
    assert "in person p2" in chosen["sentence"]


def test_a_rate_depends_on_the_exposure(folder):
    scenarios = Scenarios(*material("poisson", folder))
    hours = next(control for control in scenarios.controls if control["name"] == "hours")
    low, high = (scenarios.predict({"hours": hours[end]})["median"] for end in ("min", "max"))
    assert high / low == pytest.approx(hours["max"] / hours["min"])


def test_many_draws_are_thinned_so_that_sliders_answer_at_once(linear):
    scenarios, _, _, table = linear
    posterior = scenarios._dt["posterior"].to_dataset()
    assert posterior.sizes["chain"] * posterior.sizes["draw"] <= 1000
    scenarios.predict({"x": 20.0})
    started = time.perf_counter()
    for at in (20.5, 21.0, 21.5):
        scenarios.predict({"x": at})
    assert (time.perf_counter() - started) / 3 < 1.0  # about 0.1 s; a machine under load gets room
    assert isinstance(table, pd.DataFrame)


def test_what_is_frozen_is_what_would_be_predicted(linear):
    scenarios, *_ = linear
    found = json.loads(json.dumps(scenarios.frozen(most=12), allow_nan=False))
    x, site = found["controls"]
    count = round((x["max"] - x["min"]) / x["step"]) + 1
    assert 4 <= count <= 6
    assert (len(found["cells"]), found["held"]) == (count * 2, {})
    values = [round(x["min"] + at * x["step"], 6) for at in range(count)]
    assert values[-1] == pytest.approx(x["max"])
    assert values[0] == scenarios.controls[0]["min"]
    assert found["start"]["x"] in values
    for at, (value, level) in enumerate((value, level) for value in values for level in site["levels"]):
        asked = scenarios.predict({"x": value, "site": level})
        cell = found["cells"][at]
        assert [cell[one] for one in ("lower", "median", "upper")] == pytest.approx(
            [asked[one] for one in ("lower", "median", "upper")], rel=1e-5
        )
        assert cell["sentence"].split(" That is the average")[0] == asked["sentence"].split(" That is the average")[0]
        assert cell["density"]["begins"] == pytest.approx(asked["density"]["x"][0], rel=1e-5)
        assert max(cell["density"]["y"]) <= 1000
    assert found["shared"]["range"][0] <= min(cell["lower"] for cell in found["cells"])


def test_controls_that_are_too_many_are_held(linear):
    scenarios, *_ = linear
    found = scenarios.frozen(most=4)
    assert [control["name"] for control in found["controls"]] == ["site"]
    assert found["held"] == {"x": scenarios.start["x"]}
    assert len(found["cells"]) == 2
