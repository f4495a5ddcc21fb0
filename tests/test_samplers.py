"""The contract of samplers, held against every one that is installed."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from modelcompose import samplers
from modelcompose.errors import InvalidInput, NotFound
from modelcompose.samplers.progress import Progress

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")

SETTINGS = {"draws": 60, "tune": 120, "chains": 2, "random_seed": 7}


def model(sigma: float = 1.0, *, possible: bool = True) -> Any:
    import pymc as pm

    with pm.Model() as made:
        mu = pm.Normal("mu", 0, 10)
        pm.Deterministic("twice", 2 * mu)
        pm.Normal("y", mu, sigma, observed=np.linspace(4, 6, 30) if possible else np.full(30, np.inf))
    return made


WALKERS = [name for name in samplers.names() if not samplers.facts(name).independent]
EXACT = [name for name in samplers.names() if not samplers.facts(name).approximate and name != "fake"]
SLOW = {"numpyro", "blackjax", "advi", "pathfinder"}  # each compiles for some seconds


def each(names: list[str]) -> list[Any]:
    """Return samplers as parameters of a test; those that compile for long are left to the night."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.fixture(scope="module", params=each(samplers.names()))
def sampler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def dt(sampler: str) -> Any:
    return samplers.fit(model(), sampler=sampler, **SETTINGS)


def test_it_returns_the_draws_that_were_asked_for(dt: Any, sampler: str) -> None:
    assert {"mu", "twice"} <= set(dt["posterior"].data_vars)
    assert dict(dt["posterior"]["mu"].sizes) == {"chain": 2, "draw": 60}
    assert dt["posterior"].attrs["requested_draws"] == 60
    assert dt["posterior"].attrs["sampler"] == sampler
    assert dt["posterior"].attrs["sampling_seconds"] > 0


def test_it_says_how_sampling_went(dt: Any, sampler: str) -> None:
    if sampler not in WALKERS:
        assert dict(dt["sample_stats"].sizes) == {"chain": 2, "draw": 60}
        return
    for name in ("diverging", "energy", "reached_max_treedepth"):
        assert dict(dt["sample_stats"][name].sizes) == {"chain": 2, "draw": 60}
    assert dt["sample_stats"]["diverging"].dtype == bool


def test_it_keeps_the_data_it_learnt_from(dt: Any) -> None:
    assert dt["observed_data"]["y"].to_numpy() == pytest.approx(np.linspace(4, 6, 30))


def test_it_finds_the_answer(dt: Any, sampler: str) -> None:
    if sampler != "fake":
        assert float(dt["posterior"]["mu"].mean()) == pytest.approx(5, abs=0.3)
    assert dt["posterior"]["twice"].to_numpy() == pytest.approx(2 * dt["posterior"]["mu"].to_numpy())


def test_the_same_seed_gives_the_same_draws(dt: Any, sampler: str) -> None:
    again = samplers.fit(model(), sampler=sampler, **SETTINGS)
    other = samplers.fit(model(), sampler=sampler, **{**SETTINGS, "random_seed": 8})
    assert np.array_equal(again["posterior"]["mu"], dt["posterior"]["mu"])
    assert not np.array_equal(other["posterior"]["mu"], dt["posterior"]["mu"])


def test_a_model_that_cannot_start_is_explained(sampler: str) -> None:
    with pytest.raises(InvalidInput, match="sampling cannot start"):
        samplers.fit(model(possible=False), sampler=sampler, **SETTINGS)


def test_an_unknown_sampler_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="there is no sampler 'gibbs'") as caught:
        samplers.fit(model(), sampler="gibbs")
    assert "nutpie" in (caught.value.remedy or "")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("name", each([name for name in WALKERS if name != "fake"]))
def test_an_interrupt_keeps_the_draws_so_far(name: str) -> None:
    import pymc as pm

    with pm.Model() as slow:
        x = pm.Normal("x", 0, 1, shape=30)
        pm.Normal("y", x.cumsum(), 0.2, observed=np.zeros(30))
    done: list[bool] = []

    class Interrupting(Progress):
        def report(self, chains: list[dict[str, Any]]) -> None:
            super().report(chains)
            if not done and any(chain["draws"] > 100 for chain in chains):
                done.append(True)
                _thread.interrupt_main()

    settings = samplers.Settings(200_000, 50, 2, 0.8, 1, low_rank=False)
    dt = import_module(samplers.OURS[name]).sample(slow, ["x"], settings, Interrupting(200_050, 2))
    assert done
    assert dt["posterior"].sizes["draw"] < 200_000
    assert np.isfinite(dt["posterior"]["x"].to_numpy()).all()
    assert dt["sample_stats"].sizes["draw"] == dt["posterior"].sizes["draw"]


def test_a_run_saves_its_posterior_as_soon_as_it_exists(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import xarray as xr

    monkeypatch.setenv(samplers.RUN_FOLDER, str(tmp_path))
    dt = samplers.fit(model(), **SETTINGS)
    with xr.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf") as saved:
        assert np.array_equal(saved["posterior"]["mu"], dt["posterior"]["mu"])


def test_names_with_commas_and_brackets_come_back_as_they_are(sampler: str) -> None:
    import pymc as pm

    with pm.Model(coords={"who, where [x]": ["a, b", "c [d]"]}) as made:
        level = pm.Normal("level, of", dims="who, where [x]")
        pm.Normal("y", level[np.arange(30) % 2], 1, observed=np.linspace(4, 6, 30))
    posterior = samplers.fit(made, sampler=sampler, **SETTINGS)["posterior"]
    assert posterior["level, of"].dims == ("chain", "draw", "who, where [x]")
    assert posterior["who, where [x]"].to_numpy().tolist() == ["a, b", "c [d]"]


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        ([50, 50, 50, 50], (4, 50)),
        ([50, 40, 45, 48], (4, 40)),
        ([50, 40, 0, 0], (2, 40)),
        ([50, 48, 47, 1], (3, 47)),
        ([0, 0, 0, 0], (4, 0)),
    ],
)
def test_chains_that_had_hardly_begun_are_left_out(made: list[int], kept: tuple[int, int]) -> None:
    import xarray as xr

    from modelcompose.samplers.nutpie import _finished

    energy = np.full((4, 50), np.nan)
    for chain, count in enumerate(made):
        energy[chain, :count] = 1.0
    stats = xr.Dataset({"energy": (("chain", "draw"), energy), "maxdepth_reached": (("chain", "draw"), energy > 2)})
    posterior = xr.Dataset({"mu": (("chain", "draw"), energy)})
    dt = _finished(xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats}))
    assert (dt["posterior"].sizes["chain"], dt["posterior"].sizes["draw"]) == kept
    assert dt["posterior"]["mu"].notnull().all()
