"""Calibration: right models pass, wrong ones are found out, and every model of the catalogue carries valid evidence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.workflow.constructed import open_outcome
from modelcompose.workflow.sbc import RANKS, Calibration, calibrate, check, p_uniform, ranked

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


def groups(fault=""):
    """Four groups with two rows each, and a spread on the log scale; a fault stands in what is fitted alone."""
    import pymc as pm

    place = np.repeat(np.arange(4), 2)
    seen = (place + 1) % 4 if fault == "index" else place
    width = 0.3 if fault == "prior" else 1.0
    jacobian = 0.0 if fault == "jacobian" else 1.0

    def drawn_spread(rng=None, size=None):
        return np.log(np.abs(rng.normal(0, 1, size)))

    def spread(value):
        return pm.logp(pm.HalfNormal.dist(1), pm.math.exp(value)) + jacobian * value

    def drawn_rows(there, here, scale, rng=None, size=None):
        return rng.normal(there, np.exp(scale), size)

    def rows(value, there, here, scale):
        return pm.logp(pm.Normal.dist(here, pm.math.exp(scale)), value)

    def drawn_levels(rng=None, size=None):
        return rng.normal(0, 1, size)

    def levels(value):
        return pm.logp(pm.Normal.dist(0, width), value)

    with pm.Model() as model:
        level = pm.CustomDist("level", logp=levels, random=drawn_levels, shape=4)
        scale = pm.CustomDist("log_spread", logp=spread, random=drawn_spread)
        pm.CustomDist("y", level[place], level[seen], scale, logp=rows, random=drawn_rows, observed=np.zeros(8))
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "where", "what"),
    [
        ("", "", ""),
        ("prior", "level", "too narrow"),
        ("index", "level", "too narrow"),
        ("jacobian", "log_spread", "too low"),
    ],
    ids=["right", "another prior", "index shifted", "Jacobian forgotten"],
)
def test_errors_in_a_model_are_caught_and_located(fault, where, what):
    found = ranked(groups(fault), simulations=400, random_seed=8)
    verdict = check(Analysis(on_fail="warn", simulations=400), found.tree())
    assert found.passed == (not fault)
    if not fault:
        assert verdict.status == "pass", verdict.text()
        return
    assert verdict.status == "fail"
    assert where in verdict.findings[0].shown
    assert what in verdict.findings[0].sentence
    assert verdict.remedies


def test_the_step_says_what_was_not_done_and_what_cannot_be():
    import pymc as pm

    off = calibrate(Analysis(simulations=0), line(1.0))
    assert check(Analysis(), off).status == "info"
    assert "simulations = 100" in check(Analysis(), off).sentence
    with line(1.0) as model:
        pm.Potential("more", -model["slope"])
    verdict = check(Analysis(simulations=20), calibrate(Analysis(simulations=20), model))
    assert verdict.status == "info"
    assert "more adds to its density" in verdict.sentence


def test_the_result_survives_a_file_and_an_early_stop_is_told(tmp_path):
    import xarray as xr

    ranks = np.random.default_rng(3).integers(0, RANKS, (120, 2))
    found = Calibration(("a", "b"), ranks, 1, 2.5, 200)
    file = tmp_path / "sbc.nc"
    found.tree().to_netcdf(file, engine="h5netcdf")
    with xr.open_datatree(file, engine="h5netcdf") as stored:
        tree = stored.load()
    again = Calibration.of(tree)
    assert again.names == found.names
    assert np.array_equal(again.ranks, ranks)
    verdict = check(Analysis(simulations=200), tree)
    assert verdict.status == "pass"
    assert verdict.partial
    assert verdict.picture


def test_many_parameters_can_still_fail():
    """The simulated distribution has to reach far enough for the correction for many parameters."""
    ranks = np.random.default_rng(4).integers(0, RANKS, (100, 150))
    names = tuple(map(str, range(150)))
    assert Calibration(names, ranks, 0, 1.0).passed
    ranks[:, 70] = ranks[:, 70] // 3
    assert not Calibration(names, ranks, 0, 1.0).passed


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


@pytest.mark.parametrize(
    ("sets", "failed", "status", "said"),
    [
        (200, 0, "pass", "as often as it says: model and computation fit together"),
        (200, 10, "fail", "as often as it says, but 10 more could not be fitted at all"),
        (50, 0, "warn", "as often as it says; more simulations would tell"),
    ],
    ids=["right", "impossible", "few"],
)
def test_the_sentence_says_what_is_wrong(sets, failed, status, said):
    ranks = np.random.default_rng(7).integers(0, RANKS, (sets, 2))
    verdict = check(Analysis(on_fail="warn"), Calibration(("a", "b"), ranks, failed, 1.0, sets + failed).tree())
    assert verdict.status == status
    assert said in verdict.sentence


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
