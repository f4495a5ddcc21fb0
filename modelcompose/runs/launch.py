"""Begin a run in a process of its own, and ask of it what somebody wants of it: stop, cancel, pause, go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from modelcompose.errors import Conflict
from modelcompose.runs.events import EventLog
from modelcompose.runs.process import Process
from modelcompose.runs.queue import Standing
from modelcompose.runs.run import Run, RunStatus
from modelcompose.runs.spawn import spawn
from modelcompose.runs.store import RunStore

__all__ = ["cancel", "follow", "pause", "resume", "start", "stop"]

WITHIN = "MODELCOMPOSE_WITHIN"
CLUSTER = "MODELCOMPOSE_CLUSTER_ADDRESS"
FOLLOW_SECONDS = 1.0
TAKEN_OFF = "Taken off the queue before it began."


def start(store: RunStore, run_id: str, *, within: Process | None = None, cluster: str = "") -> int:
    """Execute a queued run in a process of its own, which claims it and outlives this one.

    What the process prints goes into ``run.log`` in the run's folder.

    Parameters
    ----------
    within
        A process of this machine with which it ends.
    cluster
        The address of a Dask scheduler that its fits are spread over.

    Returns
    -------
    int
        The process's number.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it was started or has ended already.
    """
    standing = store.queue.standing(store.whole(run_id))
    if standing is None or not standing.waits:
        run = store.get(run_id)
        raise Conflict(f"run {run.name!r} was started already ({run.status})", remedy="Start a new run.")
    env = {"MODELCOMPOSE_TRACKING_URI": store.tracking.uri}  # may hold a password: no argument
    if within is not None:
        env[WITHIN] = json.dumps([within.pid, within.birth, within.host])
    if cluster:
        env[CLUSTER] = cluster
    return spawn(
        standing.place.program,
        [standing.id, "--workspace", str(store.workspace)],
        cwd=store.workspace,
        env=os.environ | env,
        log=standing.folder / "run.log",
    )


def stop(store: RunStore, run_id: str) -> Run:
    """Ask a run to stop and keep what is done; asked a second time it ends at once. One that waits leaves the queue.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it has ended.
    """
    return _ask(store, run_id, "stop", "stopped")


def cancel(store: RunStore, run_id: str) -> Run:
    """Ask a run to end at once and to keep no draws; its record stays. One that waits leaves the queue.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it has ended.
    """
    return _ask(store, run_id, "cancel", "cancelled")


def pause(store: RunStore, run_id: str) -> Run:
    """Ask a run to draw nothing until it is resumed; one that waits is not begun meanwhile.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it has ended.
    """
    standing = _open(store, run_id)
    store.queue.pause(standing.id)
    return store.known(standing.id)


def resume(store: RunStore, run_id: str) -> Run:
    """Let a paused run go on; put one that was stopped, or whose process died, on the queue again.

    Steps that had finished are not run again; draws that were complete are not drawn again.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it is under way, has ended by itself, or its draws were discarded.
    """
    id = store.get(run_id).id  # noqa: A001
    standing = store.queue.standing(id)
    if standing is not None and standing.paused:
        store.queue.pause(id, paused=False)
        return store.get(id)
    return store.reopen(id)


def follow(store: RunStore, run_id: str, since: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of a run, given its whole id, that are numbered above ``since``, until the run has ended.

    Events are read from disk, and MLflow is not asked. A run that nobody executes any more is settled, so that this
    ends.
    """
    log = EventLog(store.folder(run_id))
    while True:
        standing = store.queue.standing(run_id)
        events = log.wait(since, 0.0 if standing is None else FOLLOW_SECONDS)
        yield from events
        since = max((event["n"] for event in events), default=since)
        if standing is None and not events:
            return
        if standing is not None and not events and standing.left:
            store.settle(run_id)


def _ask(store: RunStore, run_id: str, what: Literal["stop", "cancel"], status: RunStatus) -> Run:
    standing = _open(store, run_id)
    if standing.waits:
        with suppress(Conflict):  # it has just begun
            return store.finish(standing.id, status=status, message=TAKEN_OFF)
    store.queue.ask(standing.id, what)
    return store.known(standing.id)


def _open(store: RunStore, run_id: str) -> Standing:
    """Say how a run stands that has not ended; MLflow, which may be out of reach, is asked only about any other."""
    id = store.whole(run_id)  # noqa: A001
    standing = store.queue.standing(id)
    if standing is not None and not standing.left and standing.outcome is None:
        return standing
    run = store.get(id)
    standing = store.queue.standing(run.id)
    if standing is None or standing.outcome is not None:
        raise Conflict(f"run {run.name!r} has ended already ({run.status})")
    return standing
