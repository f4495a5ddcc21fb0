"""A run has a process of its own: it can be stopped by a signal, and its sudden death is noticed.

Both processes work at the same time; each test waits for its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import nbformat
import pytest

from modelcompose.errors import Conflict
from modelcompose.runs import EventLog, Run, cancel, pause, resume, start, stop
from modelcompose.runs.queue import Limits, next_runs
from modelcompose.runs.spawn import _interrupts_held_back
from modelcompose.verdict import verdict_in

from .conftest import notebook, wait_for, workflow


@pytest.fixture(scope="module")
def launched(store: Any, create: Any) -> dict[str, tuple[Run, int]]:
    """Two runs that sample without end."""
    runs = {name: create(workflow(draws=1_000_000), name=name) for name in ("stopped", "killed")}
    pids = {name: start(store, run.id) for name, run in runs.items()}
    return {name: (run, pids[name]) for name, run in runs.items()}


def _sampling(store: Any, run: Run) -> None:
    log = EventLog(store.folder(run.id))
    wait_for(lambda: any(event["type"] == "sampling" for event in log.read()))


def _ended(store: Any, run: Run) -> Run:
    return wait_for(lambda: (now := store.get(run.id)).ended and now)


def test_a_stop_while_sampling_keeps_the_draws_and_goes_on_to_the_end(store: Any, launched: Any) -> None:
    run, _ = launched["stopped"]
    _sampling(store, run)
    with pytest.raises(Conflict, match="started already"):
        start(store, run.id)
    assert stop(store, run.id).status == "running"
    run = _ended(store, run)
    assert run.status == "stopped"
    assert "during step fit; the draws so far were kept" in run.message
    assert [verdict.step for verdict in run.verdicts] == ["data", "sampling", "answer"]
    nb = nbformat.read(store.workspace / run.executed, as_version=4)
    assert verdict_in(nb.cells[5].outputs).partial
    assert store.artifact(run.id, "posterior.nc").exists()
    assert store.tracking.client.get_run(run.id).info.status == "KILLED"
    assert (store.folder(run.id) / "run.log").read_text() == ""
    with pytest.raises(Conflict, match="ended already"):
        stop(store, run.id)


def test_a_killed_process_is_reported_and_recorded_as_an_error(store: Any, launched: Any) -> None:
    run, pid = launched["killed"]
    _sampling(store, run)
    running = store.get(run.id)
    assert (running.status, running.ended) == ("running", None)
    assert [verdict.step for verdict in running.verdicts] == ["data"]
    os.kill(pid, signal.SIGKILL)
    run = _ended(store, run)
    assert (run.status, run.message) == ("error", "The process that executed the run ended unexpectedly.")
    assert [verdict.step for verdict in run.verdicts] == ["data"]
    assert run.executed
    assert store.tracking.client.get_run(run.id).info.status == "FAILED"
    log = EventLog(store.folder(run.id))
    assert log.read()[-1]["status"] == "error"
    store.get(run.id)
    assert [event["type"] for event in log.read()].count("end") == 1


def test_an_interrupt_waits_until_the_process_can_handle_it() -> None:
    with _interrupts_held_back():
        process = subprocess.Popen([sys.executable, "-c", "input(); print('still here')"], stdin=-1, stdout=-1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(b"\n")[0] == b"still here\n"


def test_a_run_that_waits_is_taken_off_the_queue_and_can_be_put_back(store: Any, create: Any) -> None:
    for ask, status in ((stop, "stopped"), (cancel, "cancelled")):
        run = ask(store, create(notebook()).id)
        assert (run.status, run.message) == (status, "Taken off the queue before it began.")
        assert (run.seconds, store.queue.standing(run.id)) == (None, None)
        assert resume(store, run.id).status == "queued"
        ask(store, run.id)


def test_a_run_that_waits_can_be_told_to_wait_longer(store: Any, create: Any) -> None:
    run = pause(store, create(notebook()).id)
    assert (run.status, run.paused) == ("queued", True)
    assert next_runs([store.queue.standing(run.id)], [], Limits(4)) == []
    run = resume(store, run.id)
    assert (run.status, run.paused) == ("queued", False)
    assert [one.id for one in next_runs([store.queue.standing(run.id)], [], Limits(4))] == [run.id]
    cancel(store, run.id)
