"""The worker: it begins the runs of a workspace's queue as there is room, and sees to those whose process died.

One per workspace and machine. Nothing depends on its life: a run that is under way goes on without it, what it knows
stands on disk, and the next worker takes up where it ended. ``modelcompose worker`` runs one in a terminal or under a
service manager; otherwise starting a run begins one in the background, which ends itself when there is nothing to do.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from modelcompose.errors import Conflict, ModelComposeError
from modelcompose.runs import notify
from modelcompose.runs.launch import CLUSTER, start
from modelcompose.runs.lock import locked
from modelcompose.runs.process import Process, kill_group
from modelcompose.runs.queue import Limits, Standing, next_runs
from modelcompose.runs.run import RunStatus
from modelcompose.runs.settings import Settings
from modelcompose.runs.spawn import spawn
from modelcompose.runs.store import RunStore

__all__ = ["IDLE_SECONDS", "Worker", "ensure_worker", "obey_signals"]

MODULE = "modelcompose.runs.background"
LOOK_SECONDS = 0.2
IDLE_SECONDS = 20.0
OVERDUE = 3
"""A run that does not keep to its time limit by itself is killed after this many times as long."""
WELL: frozenset[RunStatus] = frozenset({"passed", "warned"})
UNSETTLED_SECONDS = 10.0
"""How long what could not be settled is left alone: MLflow cannot be reached, or the disk is full."""

logger = logging.getLogger("modelcompose.runs.worker")

Begin = Callable[[RunStore, str], int]
"""Begins the process of a run somewhere and returns its number here."""


class Worker:
    """Runs the queue of a workspace on this machine.

    Parameters
    ----------
    store
        The runs.
    limits
        What they may use together.
    begin
        Begins the process of a run.
    """

    def __init__(self, store: RunStore, limits: Limits, begin: Begin = start) -> None:
        self.store = store
        self.limits = limits
        self.begin = begin
        self.begun: dict[str, tuple[Process, int]] = {}
        """Processes that were begun, with the attempt, and have not claimed their run yet."""
        self.stopping = threading.Event()
        self._left_alone: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    def work(self, *, idle: float | None = None, drain: bool = False) -> bool:
        """Run the queue until somebody stops it.

        Parameters
        ----------
        idle
            End after so many seconds without anything to do; never when None.
        drain
            End as soon as nothing waits and nothing is under way.

        Returns
        -------
        bool
            False when another worker of this machine has the workspace.
        """
        while True:
            with locked(self.lock, wait=False) as mine:
                if not mine:
                    return False
                self._work(0.0 if drain else idle)
            # Somebody may have queued a run while the lock was still held, and relied on this worker.
            if self.stopping.is_set() or not self._anything():
                return True

    @property
    def lock(self) -> Path:
        """The file that a worker of this machine locks while it works."""
        return _lock(self.store)

    def _work(self, idle: float | None) -> None:
        busy = monotonic()
        while not self.stopping.is_set():
            try:
                if self.look() or (idle and self._unrecorded()):
                    busy = monotonic()
            except Exception:
                logger.exception("The queue could not be looked after")
                self.stopping.wait(UNSETTLED_SECONDS)
            if idle is not None and monotonic() - busy >= idle:
                return
            self.stopping.wait(LOOK_SECONDS)

    def _unrecorded(self) -> bool:
        """Tell whether an end waits to be recorded, as while MLflow is out of reach."""
        return any(one.left for one in self._open())

    def _anything(self) -> bool:
        return any(one.waits and not one.paused for one in self._open())

    def _open(self) -> list[Standing]:
        """Return the runs that have not ended, the next one first, without those that are recorded elsewhere."""
        return [one for one in self.store.queue.open() if self.store.records(one)]

    def look(self) -> bool:
        """Settle what has died, begin what may begin; say whether anything waits or is under way."""
        runs = self._settled(self._open())
        waiting = [one for one in runs if one.waits and one.id not in self.begun]
        busy = [one for one in runs if one.id in self.begun or (one.holder and one.holder.host == platform.node())]
        ready = [one for one in waiting if self._may_begin(one)]
        for one in next_runs(ready, busy, self.limits):
            self._begin(one)
        self._hasten(busy)
        return bool(busy) or any(not one.paused for one in waiting)

    def _settled(self, runs: list[Standing]) -> list[Standing]:
        """See to the runs whose process has died, and return those that wait or are under way."""
        for one in runs:
            process, attempt = self.begun.get(one.id, (None, 0))
            if process is not None and (one.place.attempt != attempt or not one.waits or process.dead):
                del self.begun[one.id]
                if one.waits and one.place.attempt == attempt:
                    self._try(one, self._never_claimed, one)
            if one.left:
                self._try(one, self.store.settle, one.id)
        known = {one.id for one in runs}
        self.begun = {one: begun for one, begun in self.begun.items() if one in known}
        return [one for one in self._open() if not one.left]

    def _try(self, one: Standing, settle: Callable[..., object], *places: Any, **more: Any) -> None:
        """Settle a run unless that went wrong a moment ago."""
        if self._left_alone.get(one.id, 0.0) > monotonic():
            return
        try:
            settle(*places, **more)
            now = self.store.queue.standing(one.id)
            if now is None:
                self._tell(one.id)
            if now is None or not now.left:
                return
        except Exception as error:
            logger.warning("Run %s could not be settled: %s: %s", one.id[:8], type(error).__name__, error)
        self._left_alone[one.id] = monotonic() + UNSETTLED_SECONDS

    def _tell(self, id: str) -> None:  # noqa: A002
        """Tell of an end while the queue goes on: whoever is told may take long to answer."""
        run = self.store.get(id)
        threading.Thread(target=notify.ended, args=(self.store, run), name="notify").start()

    def _never_claimed(self, one: Standing) -> None:
        """End a run whose process ended before it had claimed it, with what that said last."""
        log = one.folder / "run.log"
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] if log.exists() else []
        message = f"The process of the run ended before it began: {last[0]}" if last else "The run could not be begun."
        self.store.finish(one.id, status="error", message=message[:600], passing=True)

    def _may_begin(self, one: Standing) -> bool:
        """Tell whether all that a run is to follow has ended well; it is cancelled when one has not."""
        for id in one.place.terms.after:  # noqa: A001
            try:
                name, status = self.store.standing(id)
            except ModelComposeError:  # it was deleted meanwhile
                name, status = id[:8], "error"
            except Exception as error:
                logger.warning("What run %s is to follow is not known: %s", one.id[:8], error)
                return False
            if status in ("queued", "running"):
                return False
            if status not in WELL:
                message = f"Not begun: run {name!r} ({id[:8]}), which it was to follow, ended as {status!r}."
                self._try(one, self.store.finish, one.id, status="cancelled", message=message)
                return False
        return True

    def _begin(self, one: Standing) -> None:
        try:
            pid = self.begin(self.store, one.id)
        except Conflict:  # somebody else was quicker
            return
        except Exception as error:
            message = f"The process of the run could not be begun: {type(error).__name__}: {error}"
            self._try(one, self.store.finish, one.id, status="error", message=message, passing=True)
            return
        self.begun[one.id] = Process.of(pid), one.place.attempt

    def _hasten(self, busy: list[Standing]) -> None:
        """Kill what does not keep to its time limit by itself."""
        now = monotonic()
        self._seen = {one.id: self._seen.get(one.id, now) for one in busy}
        for one in busy:
            limit = one.place.terms.timeout
            holder = one.holder
            overdue = limit and now - self._seen[one.id] > OVERDUE * max(limit, 60)
            if overdue and holder is not None and not one.paused and not one.place.within:
                logger.warning("Run %s does not keep to its time limit and is killed", one.id[:8])
                kill_group(holder)


def worker_of(store: RunStore, settings: Settings, limits: Limits | None = None, cluster: str = "") -> Worker:
    """Return the worker that a workspace asks for: one of this machine, or one that sends runs to a cluster."""
    if address := cluster or settings.cluster.address:
        from modelcompose.runs.cluster import Cluster, ClusterWorker

        return ClusterWorker(store, Cluster(address))
    return Worker(store, limits or settings.limits())


def ensure_worker(store: RunStore, cluster: str = "") -> None:
    """See that somebody runs the queue on this machine, if anything is on it; begin a worker unless there is one.

    Parameters
    ----------
    cluster
        Where a worker that is begun now sends the runs; by default as the workspace has it.
    """
    if not any(one.waits or one.left for one in store.queue.open()):
        return
    if Settings.of(store.workspace).queue.worker == "none" or is_working(store):
        return
    spawn(
        MODULE,
        ["--workspace", str(store.workspace), "--idle", str(IDLE_SECONDS)],
        cwd=store.workspace,
        env=os.environ | {"MODELCOMPOSE_TRACKING_URI": store.tracking.uri} | ({CLUSTER: cluster} if cluster else {}),
        log=store.home / "worker.log",
    )


def is_working(store: RunStore) -> bool:
    """Tell whether a worker of this machine runs the queue."""
    with locked(_lock(store), wait=False) as free:
        return not free


def _lock(store: RunStore) -> Path:
    return store.home / f"worker-{re.sub(r'[^\w.-]+', '-', platform.node())}.lock"


def obey_signals(worker: Worker) -> None:
    """Let SIGINT and SIGTERM end a worker; the runs that are under way go on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stopping.set())
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
