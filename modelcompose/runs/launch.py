"""Start a run in a process of its own, which outlives the server that started it, and stop it there."""

from __future__ import annotations

import os
import signal

from modelcompose.errors import Conflict
from modelcompose.runs.process import Process
from modelcompose.runs.queue import Place
from modelcompose.runs.run import ENDED, Run
from modelcompose.runs.spawn import spawn
from modelcompose.runs.store import RunStore

__all__ = ["resume", "start", "stop"]


def start(store: RunStore, run_id: str) -> int:
    """Execute a queued run in a process of its own, which claims it.

    What the process prints goes into ``run.log`` in the run's folder.

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
    folder = store.folder(run_id)
    place = Place.read(folder)
    if place is None or Process.read(folder) is not None:
        run = store.get(run_id)
        raise Conflict(f"run {run.name!r} was started already ({run.status})", remedy="Start a new run.")
    return spawn(
        place.program,
        [run_id, "--workspace", str(store.workspace)],
        cwd=store.workspace,
        env=os.environ | {"MODELCOMPOSE_TRACKING_URI": store.tracking.uri},  # may hold a password: no argument
        log=folder / "run.log",
    )


def resume(store: RunStore, run_id: str) -> int:
    """Go on with a run that was stopped or whose process died, in a process of its own.

    Steps that had finished are not run again; draws that were complete are not drawn again.

    Returns
    -------
    int
        The process's number.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it still runs, or has ended by itself.
    """
    return start(store, store.reopen(run_id).id)


def stop(store: RunStore, run_id: str) -> Run:
    """Ask a run to stop and keep what is done; asked a second time it ends at once.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it has ended, has not begun, or is executed where no signal reaches it.
    """
    run = store.get(run_id)
    if run.status in ENDED:
        raise Conflict(f"run {run.name!r} has ended already ({run.status})")
    holder = Process.read(store.folder(run.id))
    if holder is None or holder.host != Process.of(os.getpid()).host:
        raise Conflict(f"run {run.name!r} cannot be stopped from here", remedy="Stop it where it was started.")
    try:
        os.kill(holder.pid, signal.SIGINT)
    except ProcessLookupError:
        raise Conflict(f"run {run.name!r} has just ended") from None
    return run
