"""Models that differ only in numbers are one model with other numbers filled in."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import modelcompose as mc
from modelcompose import data
from modelcompose.analysis import Analysis
from modelcompose.catalog.alike import in_one
from modelcompose.catalog.predictions import pymc_model

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

CASES = {
    "sample:sleepstudy": {"outcome": "Reaction", "model": "varying-slopes"},
    "sample:penguins": {"outcome": "body_mass_g", "predictors": ["species"], "model": "linear", "question": "effect"},
}


def built(name, widths):
    analysis = Analysis.of({"data": name, **CASES[name]})
    dataset = data.load(analysis.data, analysis.kinds)
    analysis = mc.complete(analysis, dataset)
    table, gaps = dataset.rows(analysis)
    return [mc.build(analysis.changed({"prior_scale": width}), table, gaps) for width in widths]


def density(model):
    pymc = pymc_model(model)
    point = {name: np.full(np.shape(value), 0.3) for name, value in pymc.initial_point().items()}
    return float(pymc.compile_logp(mode="FAST_COMPILE")(point))


@pytest.mark.parametrize("name", CASES)
def test_filled_in_the_density_is_that_of_each_model(name):
    widths = (1.0, 0.25, 3.0)
    alone = [density(one) for one in built(name, widths)]
    one = in_one(built(name, widths))
    assert one is not None
    assert len(one.fillings) == 3
    together = []
    for filling in one.fillings:
        pm.set_data(filling, model=pymc_model(one))
        together.append(density(one))
    assert together == pytest.approx(alone)
    assert len(set(np.round(alone, 6))) == 3


def test_another_structure_is_not_taken_for_the_same():
    def model(scale, *, robust):
        with pm.Model() as one:
            a = pm.Normal("a", 0, scale)
            pm.StudentT("y", nu=4, mu=a, sigma=1, observed=np.arange(3.0)) if robust else pm.Normal(
                "y", a, 1, observed=np.arange(3.0)
            )
        return one

    assert in_one([model(1.0, robust=False), model(2.0, robust=True)]) is None
    opened = in_one([model(1.0, robust=True), model(2.0, robust=True)])
    assert [float(next(iter(one.values()))) for one in opened.fillings] == [1.0, 2.0]


def test_a_table_of_another_length_is_another_structure():
    def model(rows):
        with pm.Model() as one:
            pm.Normal("y", pm.Normal("a", 0, 1), 1, observed=np.arange(rows))
        return one

    assert in_one([model(3), model(4)]) is None


def test_models_that_do_not_differ_are_filled_with_nothing_as_often_as_there_are_models():
    def model():
        with pm.Model() as one:
            pm.Normal("y", pm.Normal("a", 0, 1), 1, observed=np.arange(3.0))
        return one

    assert in_one([model(), model()]).fillings == [{}, {}]


def test_one_model_alone_stays_as_it_is():
    assert in_one(built("sample:penguins", (1.0,))) is None
