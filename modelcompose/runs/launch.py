"""Start a run in a process of its own, which outlives the server that started it, and stop it there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from modelcompose.errors import Conflict
from modelcompose.runs.process import Process
from modelcompose.runs.run import Run
from modelcompose.runs.store import RunStore

__all__ = ["resume", "start", "stop"]


def start(store: RunStore, run_id: str, *, program: str = "modelcompose.runs") -> int:
    """Execute a created run in a process of its own.

    What the process prints goes into ``run.log`` in the run's folder.

    Parameters
    ----------
    program
        The module that executes it; a run on autopilot needs one that can apply remedies.

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
    run = store.get(run_id)
    folder = store.folder(run.id)
    holder = Process.read(folder)
    if run.status != "running" or holder is None or holder.executes:
        raise Conflict(f"run {run.name!r} was started already ({run.status})", remedy="Start a new run.")
    command = [sys.executable, "-P", "-m", program, run.id, "--workspace", str(store.workspace)]
    command += ["--autopilot", str(run.autopilot)] if run.autopilot else []
    with (folder / "run.log").open("ab") as log, _interrupts_held_back():
        process = subprocess.Popen(
            command,
            cwd=store.workspace,
            env=os.environ | {"MODELCOMPOSE_TRACKING_URI": store.tracking.uri},  # may hold a password: no argument
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    Process.of(process.pid, executes=True).write(folder)
    threading.Thread(target=process.wait, name=f"run {run.id[:8]}", daemon=True).start()
    return process.pid


def resume(store: RunStore, run_id: str, *, program: str = "modelcompose.runs") -> int:
    """Go on with a run that was stopped or whose process died, in a process of its own.

    Steps that had finished are not run again; draws that were complete are not drawn again.

    Parameters
    ----------
    program
        As for ``start``.

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
    return start(store, store.reopen(run_id).id, program=program)


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
    if run.status != "running":
        raise Conflict(f"run {run.name!r} has ended already ({run.status})")
    holder = Process.read(store.folder(run.id))
    if holder is None or not holder.executes or holder.host != Process.of(os.getpid()).host:
        raise Conflict(f"run {run.name!r} cannot be stopped from here", remedy="Stop it where it was started.")
    try:
        os.kill(holder.pid, signal.SIGINT)
    except ProcessLookupError:
        raise Conflict(f"run {run.name!r} has just ended") from None
    return run


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold SIGINT back in a process begun meanwhile, until it has said itself what to do with one."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
