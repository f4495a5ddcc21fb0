"""MLflow out of reach: every verb says so by one error, and what a run has found waits until it is back."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelcompose import Workbench
from modelcompose.errors import InvalidInput, Unavailable
from modelcompose.runs import EventLog, RunStore, Worker, execute, pause, stop
from modelcompose.runs.queue import Asked, Limits
from modelcompose.runs.tracking import Tracking

from .conftest import notebook, wait_for, workflow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def verbs(store: RunStore, make: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    return {
        "list": lambda: store.list(),
        "get": lambda: store.get("0" * 32),
        "create": lambda: make(store),
        "artifact": lambda: store.artifact("0" * 32, "posterior.nc"),
        "published": lambda: store.published("0" * 32, report="reports/a.html"),
    }


@pytest.fixture
def make(create: Callable[..., Any]) -> Callable[..., Any]:
    """Create a run in another store."""
    from modelcompose.analysis import Analysis

    def made(store: RunStore, **more: Any) -> Any:
        return store.create(notebook(), name="a", notebook_path="study.ipynb", analysis=Analysis(), **more)

    return made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def all_say(store: RunStore, make: Callable[..., Any], pattern: str) -> None:
    for name, verb in verbs(store, make).items():
        with pytest.raises(Unavailable, match=pattern) as told:
            verb()
        assert told.value.remedy, name
        assert told.value.http_status == 503


def test_a_server_that_is_down_is_named_by_every_verb_without_its_password(
    tmp_path: Path, make: Callable[..., Any]
) -> None:
    port = free_port()
    store = RunStore(tmp_path, f"http://me:geheim77@127.0.0.1:{port}")
    all_say(store, make, rf"^tracking: MLflow at http://…@127.0.0.1:{port} is out of reach: nobody listens there\.")
    bench = Workbench(tmp_path, f"http://127.0.0.1:{port}")
    for verb in (bench.list_runs, lambda: bench.get_run("a"), lambda: bench.events("a"), bench.list_registered):
        with pytest.raises(Unavailable, match="nobody listens"):
            verb()
    assert not (tmp_path / ".modelcompose" / "runs").exists()


def test_what_answers_but_is_no_mlflow_server_is_told_from_one(tmp_path: Path, make: Callable[..., Any]) -> None:
    class Another(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = {"/forbidden": 403, "/hub": 200}.get("/" + self.path.split("/")[1], 404)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>Something else</html>")

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Another)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        for place, said in (("", "no MLflow server"), ("/hub", "no MLflow server"), ("/forbidden", "not let you in")):
            with pytest.raises(Unavailable, match=said):
                RunStore(tmp_path, address + place).list()
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, make: Callable[..., Any]) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"something else " * 100)
    all_say(RunStore(tmp_path, "sqlite:///mlflow.db"), make, "it is damaged, or no database")
    assert (tmp_path / "mlflow.db").read_bytes() == b"something else " * 100


def test_a_database_that_another_program_has_locked_is_named(
    store: RunStore, create: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcompose.runs.reach.PROBE_SECONDS", 0.1)
    run = create(notebook(), here=True)
    file = store.home / "mlflow.db"
    fresh = RunStore(store.workspace)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="another program has locked it"):
            fresh.get(run.id)
        found = fresh.finish(run.id, status="passed", message="All is well.")
        assert (found.status, found.message) == ("passed", "All is well.")
        other.rollback()
    assert RunStore(store.workspace).get(run.id).status == "passed"


@pytest.mark.parametrize("uri", ["htp://host", "ftp://me:geheim77@host", "file:///tmp/mlruns", "mlruns", "http:host"])
def test_an_address_that_is_none_is_refused_where_it_was_written(tmp_path: Path, uri: str) -> None:
    (tmp_path / "modelcompose.toml").write_text(f"[tracking]\nuri = '{uri}'\n")
    with pytest.raises(InvalidInput, match="is no MLflow store") as told:
        RunStore(tmp_path).list()
    assert "geheim77" not in str(told.value)


def test_files_may_go_elsewhere_than_the_records(tmp_path: Path, store: RunStore) -> None:
    (tmp_path / "modelcompose.toml").write_text(f"[tracking]\nartifacts = '{(tmp_path / 'big').as_uri()}'\n")
    assert RunStore(tmp_path).tracking._location() == (tmp_path / "big").as_uri()
    assert RunStore(tmp_path, "http://127.0.0.1:9").tracking._location() == (tmp_path / "big").as_uri()
    assert Tracking("http://127.0.0.1:9", tmp_path)._location() is None
    assert Tracking.at("sqlite:///shared/a.db", tmp_path / ".modelcompose").folder == tmp_path / "shared"


def test_a_worker_leaves_alone_what_is_recorded_elsewhere(store: RunStore, create: Callable[..., Any]) -> None:
    run = create(notebook())
    begun: list[str] = []
    elsewhere = RunStore(store.workspace, "http://127.0.0.1:9")
    Worker(elsewhere, Limits(8), lambda _store, id: begun.append(id) or os.getpid()).look()  # noqa: A006
    assert begun == []
    elsewhere.finish(run.id, status="stopped", message="Ended.")
    assert store.get(run.id).status == "stopped"


def test_a_run_under_way_is_stopped_without_the_store(store: RunStore, create: Callable[..., Any]) -> None:
    run = create(notebook(), here=True)
    cut_off = RunStore(store.workspace, "http://127.0.0.1:9")
    assert pause(cut_off, run.id).status == "running"
    assert stop(cut_off, run.id).name == run.name
    assert Asked.of(store.folder(run.id)).ask == "stop"
    store.finish(run.id, status="stopped", message="Stopped by you.")
    with pytest.raises(Unavailable):
        stop(cut_off, run.id)


# -- a real server -----------------------------------------------------------------------------------------------------


class Server:
    """A server of MLflow that can be killed and begun again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/s.db"]
        command += ["--artifacts-destination", str(self.folder / "files")]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=self.folder
            )
        wait_for(self.answers, 180)

    def answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.uri}/health", timeout=2).is_success
        return False

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    server.start()
    yield server
    server.kill()


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle_of_a_run_has_all_of_it_when_it_is_back(
    server: Server, tmp_path: Path
) -> None:
    from modelcompose.analysis import Analysis

    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "modelcompose.toml").write_text(f"[tracking]\nuri = '{server.uri}'\n")
    store = RunStore(workspace)
    run = store.create(workflow(200), name="a", notebook_path="a.ipynb", analysis=Analysis(), here=True)

    def kill_it(event: dict[str, Any]) -> None:
        if event["type"] == "sampling" and event["finished"] == 20:
            server.kill()

    ended = execute(store, run.id, kill_it)
    assert (ended.status, server.process) == ("passed", None)
    assert [one.step for one in ended.verdicts] == ["data", "sampling", "answer"]
    assert (store.folder(run.id) / "posterior.nc").read_text() == "200"
    with pytest.raises(Unavailable, match="nobody listens"):
        store.get(run.id)
    assert store.queue.standing(run.id) is not None

    server.start()
    found = RunStore(workspace).get(run.id)
    assert (found.status, found.message) == (ended.status, ended.message)
    assert [one.step for one in found.verdicts] == ["data", "sampling", "answer"]
    assert store.queue.standing(run.id) is None
    assert [one["type"] for one in EventLog(store.folder(run.id)).read()].count("end") == 1
    fetched = store.tracking.fetch(run.id, "posterior.nc")
    assert fetched is not None
    assert fetched.read_text() == "200"
    assert store.tracking.fetch(run.id, "nothing.nc") is None
    assert list((server.folder / "files").rglob("posterior.nc"))
