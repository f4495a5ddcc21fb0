"""Calibration: right models pass, wrong ones are found out, and every model of the catalogue carries valid evidence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from modelcompose import catalog
from modelcompose.workflow.constructed import open_outcome
from modelcompose.workflow.sbc import RANKS, Calibration, p_uniform, ranked

sys.path.insert(0, str(Path(__file__).parents[1]))

from evidence import prepared

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

STANDARD_ROWS, STANDARD_SEED = 60, 5


def line(slope_prior, noise_factor=1.0, rows=20):
    """A straight line in PyMC; a factor on the noise that only the likelihood knows makes it wrong."""
    import pymc as pm

    x = np.linspace(-1, 1, rows)

    def simulate(slope, at, rng=None, size=None):
        return rng.normal(slope * at, 1.0)

    def logp(value, slope, at):
        return pm.logp(pm.Normal.dist(slope * at, noise_factor), value)

    with pm.Model() as model:
        slope = pm.Normal("slope", 0, slope_prior)
        pm.CustomDist("y", slope, x, logp=logp, random=simulate, signature="(),(n)->(n)", observed=np.zeros(rows))
    return model


def test_uniform_ranks_are_taken_for_uniform_and_others_are_not():
    rng = np.random.default_rng(1)
    p = [p_uniform(rng.integers(0, RANKS, 100)) for _ in range(200)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.045)
    assert p_uniform(rng.binomial(RANKS - 1, 0.5, 100)) < 0.001  # all in the middle: intervals too wide
    assert p_uniform(np.where(rng.random(100) < 0.5, 0, RANKS - 1)) < 0.001  # all at the ends: too narrow
    assert p_uniform((rng.integers(0, RANKS, 100) * 0.6).astype(int)) < 0.001  # shifted: biased


def test_a_right_model_passes_and_a_wrong_one_does_not():
    right = ranked(line(1.0), simulations=60)
    assert right.passed
    assert right.simulations == 60
    wrong = ranked(line(1.0, noise_factor=0.25), simulations=60)
    assert not wrong.passed
    assert wrong.coverage[0.9] < 0.7


def test_the_outcome_can_be_changed_without_building_anew():
    model = open_outcome(line(1.0))
    assert [one.name for one in model.observed_RVs] == ["y"]
    shared = next(one for one in model.rvs_to_values.values() if one.name == "y observed")
    before = model.compile_logp()({"slope": 0.5})
    shared.set_value(np.ones(20))
    assert model.compile_logp()({"slope": 0.5}) != before


def test_stopping_keeps_what_is_done():
    def stop(done):
        if done == 10:
            raise KeyboardInterrupt

    assert ranked(line(1.0), simulations=60, report=stop).simulations == 10


def test_fits_that_cannot_be_made_count_against_a_model():
    assert not Calibration(("a",), np.zeros((0, 1), int), 5, 1.0).passed
    ranks = np.random.default_rng(2).integers(0, RANKS, (100, 1))
    assert Calibration(("a",), ranks, 0, 1.0).passed
    assert not Calibration(("a",), ranks, 10, 1.0).passed


@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.id)
def test_every_model_carries_valid_evidence_that_it_computes_rightly(entry):
    """The evidence speaks of the model as it is spelt now: whoever changes a model runs ``tests/evidence.py``."""
    _, analysis, table = prepared(entry, STANDARD_ROWS, STANDARD_SEED)
    found = catalog.evidence(entry.id, catalog.fingerprint(entry, analysis, table))
    assert found.status == "valid", f"run: python tests/evidence.py {entry.id}"
    assert found.found["sbc"] == "pass"
    trials = found.found["simulations"] * len(found.found["parameters"])
    for level, share in found.found["coverage"].items():
        # Parameters of one simulation are not independent: the band is that of half as many trials, at 99.9%.
        least, most = binom.ppf([0.0005, 0.9995], trials // 2, float(level) / 100) / (trials // 2)
        assert least <= share <= most, (level, share)
    assert found.found["recovery"] < 4


@pytest.mark.slow
@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.id)
def test_simulation_based_calibration(entry):
    """The same as the stored evidence, with other random numbers and fewer simulations."""
    _, analysis, table = prepared(entry, STANDARD_ROWS, STANDARD_SEED)
    found = ranked(catalog.build(analysis, table), simulations=50, random_seed=77)
    print(f"{entry.id}: {found.coverage}, smallest p {min(found.p_values.values()):.3f}, {found.seconds:.0f} s")
    assert found.passed
