"""Every sampler draws from the density that PyMC writes down, for every model of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_compiled import built, flat, plain_density, points

from modelcompose import catalog, samplers
from modelcompose.samplers.flat import Flat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("name", [entry.id for entry in catalog.entries()])
def test_vectors_and_jax_see_the_density_of_pymc(name: str, tmp_path: Path) -> None:
    import jax

    from modelcompose.samplers.walking import _density

    jax.config.update("jax_enable_x64", True)
    model = built(name, tmp_path, 5, 60)
    seen = Flat(model, [one.name for one in model.free_RVs])
    density = jax.value_and_grad(_density(seen))
    order = [one.name for one in model.value_vars]
    assert list(model.initial_point()) == order
    for values in points(model, 2):
        due, slope = plain_density(model, values)
        point = flat(values)
        assert seen.logp(np.stack([point, point])) == pytest.approx(due, rel=1e-8)
        assert seen.gradient(point[None])[0] == pytest.approx(slope, rel=1e-6, abs=1e-6)
        found, found_slope = density(point)
        assert float(found) == pytest.approx(due, rel=1e-8)
        assert np.asarray(found_slope) == pytest.approx(slope, rel=1e-6, abs=1e-6)


def several() -> tuple[Any, dict[str, Any]]:
    """A model of several parameters, in no order of their names and of several sizes, and their exact means."""
    import pymc as pm

    with pm.Model() as made:
        z = pm.Normal("z", 5, 1)
        a = pm.Normal("a", [-3, 0, 2], 0.5)
        rate = pm.LogNormal("m", 1, 0.3)
        pm.Normal("y", z, 1, observed=[7.0])
        pm.Normal("w", a, 0.5, observed=[-1.0, 0.0, 1.0])
        pm.Normal("v", pm.math.log(rate), 0.3, observed=[2.0])
    return made, {"z": 6.0, "a": [-2.0, 0.0, 1.5], "m": np.exp(1.5 + 0.045 / 2)}


@pytest.mark.parametrize("name", ["pathfinder", "advi", "laplace", "nutpie", "numpyro", "blackjax"])
def test_each_parameter_gets_its_own_draws(name: str) -> None:
    made, means = several()
    dt = samplers.fit(made, sampler=name, draws=1000, tune=500, chains=2, random_seed=3, metric="diagonal")
    for parameter, mean in means.items():
        assert dt["posterior"][parameter].mean(("chain", "draw")).values == pytest.approx(mean, abs=0.1), parameter


def test_chains_seeds_and_data_sets_share_no_draws() -> None:
    """Neighbouring seeds, which the fits to many data sets take one after the other, are independent of each other."""
    made, _ = several()
    drawn = [
        samplers.fit(made, draws=200, tune=200, chains=3, random_seed=seed)["posterior"]["z"].values for seed in (1, 2)
    ]
    values = np.concatenate(drawn)
    assert len(np.unique(values)) == values.size
    correlation = np.corrcoef(values)[np.triu_indices(len(values), 1)]
    assert np.abs(correlation).max() < 0.35
