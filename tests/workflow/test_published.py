"""Published results: what others found on the data that ship with the package, we find too."""

from __future__ import annotations

import numpy as np
import pytest

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def test_penguins_agree_with_the_closed_form(tmp_path):
    """With flat priors the posterior is least squares: 46.98 (1.448) g per mm, 347.85 (40.53) g between the sexes.

    Tolerance: half a unit of the last digit and 0.15 published standard deviations; 15% for the spread.
    """
    dataset = data.load("sample:penguins")
    analysis = catalog.complete(
        Analysis.of(
            {"data": "sample:penguins", "question": "effect", "outcome": "body_mass_g", "model": "linear"}
            | {"predictors": ["flipper_length_mm", "sex"]}
        ),
        dataset,
    )
    table = dataset.complete_rows(analysis.columns)
    model = catalog.build(analysis, table)
    dt = samplers.fit(model, draws=1000, tune=500, chains=4, random_seed=1)
    slope, sex = (effect.draws for effect in catalog.get("linear").effects(analysis, table, model, dt))
    assert slope.mean() == pytest.approx(46.98, abs=0.005 + 0.15 * 1.448)
    assert slope.std() == pytest.approx(1.448, rel=0.15)
    assert np.abs(sex.mean()) == pytest.approx(347.85, abs=0.005 + 0.15 * 40.53)
    assert sex.std() == pytest.approx(40.53, rel=0.15)
