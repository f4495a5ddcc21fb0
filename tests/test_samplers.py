"""The contract of samplers, held against every one that is installed."""

from __future__ import annotations

import _thread
import os
import signal
import sys
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


# -- agreement with what is known exactly --------------------------------------------------------------------------


def known(kind: str) -> tuple[Any, str, float, float]:
    """Return a model, one of its parameters, and the exact mean and standard deviation of that."""
    import pymc as pm

    y = np.array([3.1, 4.4, 5.2, 4.9, 6.0])
    with pm.Model() as made:
        if kind == "known variance":
            mu = pm.Normal("mu", 0, 2)
            pm.Normal("y", mu, 1.5, observed=y)
            precision = 1 / 4 + 5 / 2.25
            return made, "mu", y.sum() / 2.25 / precision, precision**-0.5
        if kind == "unknown variance":  # normal with inverse gamma: the mean has a t distribution
            variance = pm.InverseGamma("variance", 3, 4)
            mu = pm.Normal("mu", 0, (10 * variance) ** 0.5)
            pm.Normal("y", mu, variance**0.5, observed=y)
            weight = 1 / 10 + 5
            mean = y.sum() / weight
            shape, scale = 3 + 5 / 2, 4 + (np.square(y).sum() - weight * mean**2) / 2
            return made, "mu", mean, (scale / (shape - 1) / weight) ** 0.5
        if kind == "share":
            share = pm.Beta("share", 2, 3)
            pm.Binomial("k", [10, 20], share, observed=[4, 11])
            a, b = 17, 18
            return made, "share", a / (a + b), (a * b / (a + b) ** 2 / (a + b + 1)) ** 0.5
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("k", 2 * rate, observed=[3, 5, 9])
        return made, "rate", 19 / 7, 19**0.5 / 7


KNOWN = ("known variance", "unknown variance", "share", "rate")
AGREEING = [name for name in samplers.names() if name not in ("fake", "exact", "laplace")]


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize(
    "name", ["exact", "laplace", *(pytest.param(name, marks=pytest.mark.slow) for name in AGREEING)]
)
def test_the_draws_agree_with_the_closed_form_within_monte_carlo_error(kind: str, name: str) -> None:
    made, parameter, mean, sd = known(kind)
    dt = samplers.fit(made, sampler=name, draws=1000, tune=500, chains=4, random_seed=5)
    drawn = dt["posterior"][parameter].to_numpy().ravel()
    k = dt["posterior"].attrs.get("pareto_k", 0.0)
    if k > 0.7:
        assert name != "exact"
        return  # it says itself that it is not to be used
    worth = 4000 if name == "exact" else 400
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / worth**0.5)
    assert drawn.std() == pytest.approx(sd, rel=5 / worth**0.5)


@pytest.mark.parametrize("kind", ["logit", "two scales", "changing rate", "robust"])
def test_what_has_no_closed_form_is_refused(kind: str) -> None:
    import pymc as pm

    with pm.Model() as made:
        if kind == "logit":
            pm.Binomial("k", 9, pm.math.sigmoid(pm.Normal("p")), observed=[3, 4])
        elif kind == "two scales":
            level = pm.Normal("level", 0, pm.HalfNormal("between"), shape=3)
            pm.Normal("y", level, pm.HalfNormal("within"), observed=np.ones((4, 3)))
        elif kind == "changing rate":
            pm.Poisson("k", pm.Gamma("rate", 2, 1) ** np.array([1.0, 1.5]), observed=[3, 5])
        else:
            pm.StudentT("y", nu=4, mu=pm.Normal("mu"), sigma=1, observed=[1.0, 2.0])
    with pytest.raises(InvalidInput, match="cannot be written down") as caught:
        samplers.fit(made, sampler="exact", **SETTINGS)
    assert "nutpie" in (caught.value.remedy or "")


@pytest.mark.parametrize("kind", ["normal", "one scale", "rate"])
def test_another_form_where_the_posterior_lies_is_noticed(kind: str) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as made:
        if kind == "rate":
            rate = pm.Gamma("rate", 2, 1)
            pm.Poisson("k", pt.switch(rate < 12, rate, rate**2 / 12), observed=[70, 80, 90])
        else:
            mu = pm.Normal("mu", 0, 100)
            sd = pm.HalfNormal("sd", 3) if kind == "one scale" else 1.3
            pm.Normal("y", pt.switch(mu < 40, mu, 2 * mu - 40), sd, observed=[101.0, 102.0, 103.5])
    with pytest.raises(InvalidInput, match="another form"):
        samplers.fit(made, sampler="exact", **SETTINGS)


def test_an_approximation_that_misses_the_posterior_says_so() -> None:
    import pymc as pm

    with pm.Model() as made:
        scale = pm.HalfNormal("scale", 3)
        level = pm.Normal("level", 0, scale, shape=8)
        pm.Normal("y", level, 10, observed=[28, 8, -3, 7, -1, 1, 18, 12])
    try:
        posterior = samplers.fit(made, sampler="laplace", **SETTINGS)["posterior"]
    except InvalidInput as error:
        assert "no highest point" in error.message  # noqa: PT017
    else:
        assert posterior.attrs["approximation"] == "Laplace"
        assert posterior.attrs["pareto_k"] > 0.7
        assert not posterior.attrs["resampled"]


def test_weights_mend_an_approximation_that_is_too_wide_and_find_one_that_is_too_narrow() -> None:
    from modelcompose.samplers.importance import smoothed

    x = np.random.default_rng(0).normal(size=4000)

    def ratios(sd: float) -> Any:
        return (np.square(x) - np.square(x / sd)) / 2

    weights, k = smoothed(ratios(0.7))
    assert k < 0.5
    assert (weights * x**2).sum() == pytest.approx(0.49, rel=0.1)
    assert smoothed(ratios(2.5))[1] > 0.7
    assert smoothed(np.full(4000, -np.inf))[1] == np.inf


# -- what is said of samplers --------------------------------------------------------------------------------------


def test_samplers_are_listed_in_words_without_the_fake() -> None:
    found = {one["name"]: one for one in samplers.listed()}
    assert "fake" in samplers.names()
    assert "fake" not in found
    assert found["laplace"]["approximate"]
    assert not found["nutpie"]["approximate"]
    assert found["nutpie"]["pause"]
    for one in found.values():
        assert one["summary"].endswith(".")
        assert one["seed"]


def test_a_sampler_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    of_facts = sys.modules["modelcompose.samplers.facts"]  # the package has a function of that name
    monkeypatch.setattr(of_facts, "find_spec", lambda name: None if name == "numpyro" else True)
    assert samplers.facts("numpyro").missing == ["numpyro"]
    with pytest.raises(InvalidInput, match="needs numpyro, which is not installed") as caught:
        samplers.fit(model(), sampler="numpyro", **SETTINGS)
    assert "modelcompose[jax]" in (caught.value.remedy or "")


def test_a_sampler_from_elsewhere_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    broken = EntryPoint("broken", "there_is_no_such_package.sampler", "modelcompose.samplers")
    monkeypatch.setattr(samplers, "entry_points", lambda group: [broken])
    with pytest.raises(InvalidInput, match="'broken' cannot be loaded from there_is_no_such_package"):
        samplers.fit(model(), sampler="broken", **SETTINGS)
    assert next(one for one in samplers.listed() if one["name"] == "broken")["missing"] == ["broken"]


# -- live ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["fake", *(pytest.param(name, marks=pytest.mark.slow) for name in ("nutpie", "pymc", "numpyro", "blackjax"))],
)
def test_sampling_pauses_while_a_file_says_so(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from modelcompose.samplers import progress

    told: list[dict[str, Any]] = []

    def listen(content: dict[str, Any]) -> None:
        told.append(content)
        if content["type"] == "paused":
            threading.Timer(0.5, (tmp_path / "pause").unlink).start()

    monkeypatch.setattr(progress, "tell", listen)
    monkeypatch.setenv(samplers.RUN_FOLDER, str(tmp_path))
    (tmp_path / "pause").touch()
    draws = 300 if name == "fake" else 60_000 if name == "nutpie" else 500
    dt = samplers.fit(model(), sampler=name, draws=draws, tune=100, chains=2, random_seed=1)
    kinds = [one["type"] for one in told]
    assert kinds.count("paused") == kinds.count("continued") == 1
    halted = told[kinds.index("paused") : kinds.index("continued")]
    made = {one["finished"] for one in halted if one["type"] == "paused"}
    assert len(made) == 1
    assert dt["posterior"].sizes["draw"] == draws
    assert told[-1]["finished"] == 2 * (draws + 100)


def test_time_left_follows_the_rate_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelcompose.samplers import progress

    told: list[dict[str, Any]] = []
    clock = iter([0.0, 1.0, 2.0, 20.0, 21.0])
    monkeypatch.setattr(progress, "tell", told.append)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    one = Progress(1000, 1)
    for draws in (10, 20, 200, 300):
        one.report([{"draws": draws, "total": 1000, "tuning": False, "divergences": 0, "step_size": 0.5}])
    assert told[0]["left"] is None
    assert told[1]["rate"] == 10
    assert told[-1]["rate"] == pytest.approx(100)
    assert told[-1]["left"] == pytest.approx(7)


def test_how_far_chains_agree_is_told_while_they_draw() -> None:
    from modelcompose.samplers.progress import agreement

    drawn = np.random.default_rng(1).normal(size=(4, 200))
    good, bad = agreement({"good": drawn, "bad": drawn + np.arange(4)[:, None], "still": np.ones((4, 200))})
    assert good["name"] == "good"
    assert good["rhat"] < 1.05
    assert good["ess"] > 400
    assert bad["rhat"] > 1.5


def test_chains_that_stay_where_they_began_have_no_figure_that_is_not_finite() -> None:
    from modelcompose.samplers.progress import agreement

    for chains in range(2, 6):
        [found] = agreement({"stuck": np.repeat(np.arange(float(chains))[:, None], 32, axis=1)})
        assert found["rhat"] is None or np.isfinite(found["rhat"])
        assert found["ess"] >= 1


def test_draws_that_were_stopped_are_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Progress, chains: list[dict[str, Any]]) -> None:
        raise KeyboardInterrupt

    whole = samplers.fit(model(), sampler="fake", draws=300, tune=10, chains=2)
    assert "partial" not in whole["posterior"].attrs
    monkeypatch.setattr(Progress, "report", stop)
    dt = samplers.fit(model(), sampler="fake", draws=300, tune=10, chains=2)
    assert dt["posterior"].attrs["partial"] == "2 × 100 of 2 × 300 draws"


def test_what_is_stopped_before_its_first_draw_leaves_none_behind(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv(samplers.RUN_FOLDER, str(tmp_path))
    monkeypatch.setattr(Progress, "halt", stop)
    with pytest.raises(KeyboardInterrupt):
        samplers.fit(model(), sampler="fake", draws=300, tune=10, chains=2)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_draws_are_taken_over_or_saved_does_not_lose_them(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = samplers._save

    def interrupted(*given: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        save(*given)

    monkeypatch.setenv(samplers.RUN_FOLDER, str(tmp_path))
    monkeypatch.setattr(samplers, "_save", interrupted)
    dt = samplers.fit(model(), sampler="fake", draws=30, tune=10, chains=2)
    assert dt["posterior"].sizes["draw"] == 30
    assert [file.name for file in tmp_path.iterdir()] == [samplers.POSTERIOR]
    monkeypatch.setattr(samplers, "_save", lambda *given: [signal.raise_signal(signal.SIGINT) for _ in range(2)])
    with pytest.raises(KeyboardInterrupt):  # somebody insists
        samplers.fit(model(), sampler="fake", draws=30, tune=10, chains=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nutpie", "pymc", "numpyro", "blackjax"])
def test_a_sampler_that_is_stopped_while_it_warms_up_says_that_it_was_stopped(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def listen(content: dict[str, Any]) -> None:
        if content.get("finished") and not told:
            told.append(content)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("modelcompose.samplers.progress.tell", listen)
    with pytest.raises(KeyboardInterrupt):
        samplers.fit(model(), sampler=name, draws=100, tune=200_000, chains=2, random_seed=1)
    assert told[0]["finished"] < 2 * 200_000
