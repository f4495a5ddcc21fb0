"""Runs on a Dask cluster: what is sent is executed once, whatever dies meanwhile."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelcompose import Workbench
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs import ENDED, RunStore, Terms, queue
from modelcompose.runs.cluster import Cluster, Order, Unreachable, address_of, work
from modelcompose.runs.execute import _cluster
from modelcompose.samplers import spread

from .chaos import Found, Place, Service, _free_port, examine, left_behind, notebook
from .conftest import wait_for

PYTHON = [sys.executable, "-P", "-m"]
GRID = {"ci_prob": [0.8, 0.9, 0.95], "draws": [100, 200, 300, 400]}


def test_whatever_has_the_address_of_a_scheduler_serves(tmp_path: Path) -> None:
    class Jobs:
        scheduler_address = "tcp://10.0.0.1:8786"

    assert address_of(Jobs()) == address_of("tcp://10.0.0.1:8786") == "tcp://10.0.0.1:8786"
    assert address_of(tmp_path / "scheduler.json") == str(tmp_path / "scheduler.json")
    for nothing in ("", None, 8786):
        with pytest.raises(InvalidInput, match="not the address of a Dask scheduler"):
            address_of(nothing)


def test_a_scheduler_that_does_not_answer_is_said_at_once_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcompose.runs.cluster.SECONDS", 0.5)
    cluster = Cluster(f"tcp://127.0.0.1:{_free_port()}")
    for _ in range(2):
        with pytest.raises(Unreachable, match="does not answer"):
            cluster.connect()
    assert not cluster.holds("a" * 32, 1)


def test_a_machine_that_differs_or_sees_no_files_refuses(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"Python 3\.\d+ and ModelCompose .* the sender 2\.7"):
        work(Order("a" * 32, 1, str(tmp_path), python="2.7"))
    with pytest.raises(NotFound, match="does not see the files"):
        work(Order("a" * 32, 1, str(tmp_path)))


def test_a_kernel_hears_of_the_cluster_of_its_run_or_of_the_workspace(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    place = queue.Place(name="a", notebook="a.ipynb", asked=0.0)
    assert _cluster(store, place) == {}
    (tmp_path / "modelcompose.toml").write_text('[cluster]\naddress = "scheduler.json"\n', "utf-8")
    assert _cluster(store, place)["MODELCOMPOSE_CLUSTER_ADDRESS"] == str(tmp_path / "scheduler.json")
    own = place.model_copy(update={"terms": Terms(cluster="tcp://a:1", priority=3)})
    assert _cluster(store, own) == {"MODELCOMPOSE_CLUSTER_ADDRESS": "tcp://a:1", "MODELCOMPOSE_PRIORITY": "3"}
    assert tuple(_cluster(store, own)) == (spread.CLUSTER, spread.PRIORITY)


def _services(workspace: Path, logs: Path) -> list[Service]:
    port = str(_free_port())
    scheduler = f"tcp://127.0.0.1:{port}"
    dask = [*PYTHON, "distributed.cli.dask_worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    worker = [*PYTHON, "modelcompose.cli", "worker", "--workspace", str(workspace), "--cluster", scheduler]
    return [
        Service(
            "Dask scheduler",
            [*PYTHON, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
            logs / "scheduler.log",
        ),
        Service("Dask worker", [*dask, "--name", "one"], logs / "one.log"),
        Service("Dask worker", [*dask, "--name", "two"], logs / "two.log"),
        Service("worker", worker, logs / "worker.log"),
    ]


@pytest.mark.slow
def test_a_sweep_survives_the_death_of_a_worker_and_of_the_scheduler(tmp_path: Path) -> None:
    place = Place("cluster", tmp_path / "workspace", tmp_path / "ledger")
    place.workspace.mkdir()
    place.ledger.mkdir()
    (place.workspace / "modelcompose.toml").write_text('[queue]\nworker = "none"\nretries = 10\n', "utf-8")
    (place.workspace / "table.csv").write_text("a,b\n1,2\n3,4\n5,7\n", "utf-8")
    (place.workspace / "plain.ipynb").write_text(json.dumps(notebook("plain", 1, place.ledger, 0.8)), "utf-8")
    services = _services(place.workspace, tmp_path)
    bench = Workbench(place.workspace)
    sweep = bench.sweep("plain.ipynb", GRID, yes=True)
    try:
        story = _disturbed(services, place, bench, sweep["id"])
    finally:
        for service in reversed(services):
            service.end()
    time.sleep(3)
    store = bench._store()
    children = store.children(sweep["id"])
    print(*story, sep="\n")
    print(*(f"{one.name}: {one.status}, attempt {one.attempt}, {one.seconds} s" for one in children), sep="\n")
    assert store.get(sweep["id"]).message.startswith("12 runs: 12 passed.")
    assert [one.status for one in children] == ["passed"] * 12
    assert len({one.name for one in children}) == 12
    place.asked = {one.id: one.name for one in children}
    place.fates = dict.fromkeys(place.asked, "passed") | {sweep["id"]: "passed"}
    found = Found()
    examine(place, found)
    assert vars(found) == {"lost": [], "duplicated": [], "untruthful": [], "orphans": []}
    assert left_behind([place]) == []


def _disturbed(services: list[Service], place: Place, bench: Workbench, sweep: str) -> list[str]:
    """Let a sweep run while a worker is killed and the scheduler restarted; return what happened when."""
    began = time.monotonic()
    story = []

    def tell(what: str) -> None:
        ended = sum(one.status in ENDED for one in store.children(sweep))
        story.append(f"{time.monotonic() - began:6.1f} s  {what} ({ended} of 12 had ended)")

    def tend() -> Any:
        for service in services:
            service.ensure()
        return [one for one in store.children(sweep) if one.status in ENDED]

    store = bench._store()
    scheduler, one, *_ = services
    tend()
    wait_for(lambda: len(tend()) >= 2, 900)
    tell("a Dask worker is killed")
    assert one.kill()
    wait_for(lambda: len(tend()) >= 5, 900)
    tell("the scheduler is killed and started again")
    assert scheduler.kill()
    wait_for(lambda: tend() and store.get(sweep).status in ENDED, 900)
    tell("the sweep has ended")
    return story
