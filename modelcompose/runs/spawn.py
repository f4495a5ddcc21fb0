"""Begin a process that outlives the one that began it; the only place where that is done."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelcompose.runs import warm

__all__ = ["spawn"]


def spawn(module: str, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> int:
    """Run a module of this Python in a process and a session of its own, forked from the warm process if there is one.

    Parameters
    ----------
    module, arguments
        As in ``python -m module arguments``.
    cwd
        Its working directory.
    env
        Its whole environment; secrets belong here, since everybody can read arguments.
    log
        What it prints is added to this file.

    Returns
    -------
    int
        The process's number. SIGINT is held back in it until it unblocks that signal.
    """
    with log.open("ab") as printed:
        if (pid := warm.spawn(module, arguments, cwd=cwd, env=env, log=printed)) is not None:
            return pid
    with log.open("ab") as printed, _interrupts_held_back():
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name=f"process {process.pid}", daemon=True).start()
    return process.pid


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
