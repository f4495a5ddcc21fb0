"""Fits that are spread over a cluster give the same draws as on this machine, though a worker dies."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelcompose.samplers import spread
from modelcompose.samplers.spread import CLUSTER
from modelcompose.workflow.constructed import construct, opened

pytestmark = pytest.mark.slow

SECONDS = 180


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A scheduler and two workers, each a process of its own; the workers are yielded."""
    file = tmp_path / "scheduler.json"
    python = [sys.executable, "-P", "-m"]
    own = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [
        [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *own],
        *[[*python, "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *own]] * 2,
    ]
    with (tmp_path / "cluster.log").open("wb") as log:
        processes = [subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path) for command in commands]
        monkeypatch.setenv(CLUSTER, str(file))
        logging.getLogger("distributed").setLevel("CRITICAL")
        try:
            yield processes[1:]
        finally:
            if (client := spread._connection(str(file))._client) is not None:
                client.close(timeout=5)
            spread._connection.cache_clear()
            for one in reversed(processes):
                one.kill()
                one.wait()


def wait_for_threads(count: int) -> None:
    connection = spread._connection(spread.scheduler())
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if connection.client() is not None and connection.threads() == count:
            return
        time.sleep(0.2)
    raise AssertionError(f"the cluster does not come up: {connection.problem}")


def compiled_there(begin: spread.Begin, item: Any) -> None:
    """Let every worker do a piece, so that it is ready for others."""
    client = spread._connection(spread.scheduler()).client()
    assert client is not None
    packed = spread._packed(begin)
    pieces = [
        client.submit(spread.work, packed, spread._packed([item]), spread.libraries(), workers=[one], pure=False)
        for one in client.scheduler_info()["workers"]
    ]
    client.gather(pieces)


def model() -> Any:
    import bambi as bmb

    rng = np.random.default_rng(20261121)
    table = pd.DataFrame({"x": rng.normal(size=60), "g": pd.Categorical(rng.integers(0, 6, 60).astype(str))})
    table["y"] = table["x"] + rng.normal(size=60)
    built = bmb.Model("y ~ x + (1 | g)", table)
    built.build()
    return built


def test_simulated_data_sets_are_fitted_alike_here_and_there_though_a_worker_dies(
    cluster: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(spread, "tell", told.append)
    made = construct(model(), 60, 7)
    many = opened(model(), draws=200, tune=300)
    with monkeypatch.context() as without:
        without.delenv(CLUSTER)
        alone = list(many.fit(made.slots(range(60)), 7))
    wait_for_threads(2)
    compiled_there(many.begin, (7, next(made.slots([0]))))
    slow(monkeypatch, 0.3)  # so that the workers have time for their part

    together = []
    for at, fit in enumerate(many.fit(made.slots(range(60)), 7)):
        together.append(fit)
        if at == 8:
            cluster[0].kill()
    print(told)
    assert told[-1]["elsewhere"] > 0
    for one, other in zip(alone, together, strict=True):
        assert one is not None
        assert other is not None
        assert one.diverging == other.diverging
        assert one.values.keys() == other.values.keys()
        for name, values in one.values.items():
            np.testing.assert_array_equal(values, other.values[name], err_msg=name)


def test_chains_of_one_fit_are_the_same_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker: each chain by itself is what it is among the others, on whichever machine."""
    from modelcompose.samplers import Settings, nutpie
    from modelcompose.samplers.progress import Progress

    ready = nutpie.prepare(model().backend.model, ["x", "1|g", "1|g_sigma", "sigma"])
    for low_rank in (False, True):
        settings = Settings(100, 200, 3, 0.9, 20261121, low_rank)
        with Progress(300, 3) as progress:
            whole = nutpie.sample(ready, [], settings, progress)
            monkeypatch.setenv(CLUSTER, "tcp://127.0.0.1:1")
            monkeypatch.setattr(spread, "cores", lambda: 1)
            single = nutpie.sample(ready, [], settings, progress)
            monkeypatch.undo()
        for group in ("posterior", "sample_stats"):
            assert whole[group].to_dataset().equals(single[group].to_dataset()), group


def test_chains_that_are_stopped_keep_what_was_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelcompose.samplers import Settings, nutpie
    from modelcompose.samplers.progress import Progress

    ready = nutpie.prepare(model().backend.model, ["x", "sigma"])
    monkeypatch.setenv(CLUSTER, "tcp://127.0.0.1:1")
    monkeypatch.setattr(spread, "cores", lambda: 2)
    settings = Settings(1_000_000, 100, 4, 0.9, 1, False)
    with Progress(1_000_100, 4) as progress:

        def halt(*_: object) -> None:
            if sum(chain["draws"] > 300 for chain in progress._latest) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(progress, "halt", halt)
        found = nutpie.sample(ready, [], settings, progress)
    sizes = found["posterior"].sizes
    assert sizes["chain"] == 2
    assert 100 <= sizes["draw"] < 1_000_000
    assert np.isfinite(found["posterior"]["x"].values).all()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A cluster whose two workers are threads of this process; yields what is told."""
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel("CRITICAL")
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(spread, "tell", told.append)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=False, dashboard_address=":0", protocol="tcp"
    ) as own:
        monkeypatch.setenv(CLUSTER, own.scheduler_address)
        yield told
        if (client := spread._connection(own.scheduler_address)._client) is not None:
            client.close()
        spread._connection.cache_clear()


def test_fits_to_other_data_are_the_same_here_and_there(
    threads: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import pymc as pm

    from modelcompose import samplers
    from modelcompose.samplers import nutpie

    rng = np.random.default_rng(5)
    with pm.Model() as own:
        data = pm.Data("data", rng.normal(size=30))
        pm.Normal("y", pm.Normal("slope", 0, 2) * data, pm.HalfNormal("sd", 1), observed=rng.normal(size=30))
    fillings = [{"data": rng.normal(size=30)} for _ in range(8)]
    again = samplers.refits(own, draws=60, tune=120, chains=2, random_seed=3)
    own.fillings = fillings
    options = {"draws": 60, "tune": 120, "chains": 2, "random_seed": 3, "record": False}
    with monkeypatch.context() as without:
        without.delenv(CLUSTER)
        alone, side_by_side = list(again.all(fillings)), samplers.fit(own, **options)
    wait_for_threads(4)
    wait = nutpie.Fit.wait

    def late(self: nutpie.Fit, timeout: float | None = None) -> Any:
        if threading.current_thread() is threading.main_thread():
            time.sleep(0.5)
        return wait(self, timeout)

    monkeypatch.setattr(nutpie.Fit, "wait", late)
    together = list(again.all(fillings))
    assert threads[-1]["elsewhere"] > 0
    for one, other in zip(alone, together, strict=True):
        assert one["posterior"].to_dataset().equals(other["posterior"].to_dataset())
        assert one["sample_stats"].to_dataset().equals(other["sample_stats"].to_dataset())
    threads.clear()
    found = samplers.fit(own, **options)
    assert [one["pieces"] for one in threads if one["type"] == "cluster"] == [7]
    assert side_by_side["posterior"].to_dataset().equals(found["posterior"].to_dataset())
    assert found["posterior"].sizes["chain"] == 16


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let this machine take its time."""
    from modelcompose.samplers.many import Fit

    wait = Fit.wait

    def late(self: Fit, timeout: float | None = None) -> Any:
        time.sleep(seconds)
        return wait(self, timeout)

    monkeypatch.setattr(Fit, "wait", late)
