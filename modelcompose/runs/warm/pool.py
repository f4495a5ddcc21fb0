"""The warm process seen from outside: begun, asked how it is, ended. Without one everything works, but slower."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelcompose import wire

__all__ = ["ensure", "ping", "spawn", "stop"]

ZYGOTE = "modelcompose.runs.warm.zygote"
PASSED_ON = frozenset({"PATH", "TMPDIR", "USER", "LOGNAME", "TERM", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"})
OURS = frozenset({wire.SWITCH, wire.FOLDER, "MODELCOMPOSE_WARM_KERNELS", "MODELCOMPOSE_WARM_IDLE"})
AT_MOST = 3
"""Warm processes at a time for one user: of other code, or of another environment. Each takes half a gigabyte."""
PAUSE = 0.05


def ensure(wait: float = 0.0) -> bool:
    """Begin a warm process unless there is one or one is warming up, and tell whether it can be asked now.

    Parameters
    ----------
    wait
        Seconds to wait for it; by default it is left to warm up in the background, for the next time.
    """
    if not wire.enabled():
        return False
    until = time.monotonic() + wait
    try:
        while not (alive := ping() is not None):
            _begin(wire.key())
            if time.monotonic() >= until:
                break
            time.sleep(PAUSE)
    except OSError:
        return False
    return alive


def ping() -> dict[str, Any] | None:
    """Ask the warm process how it is; None when there is none.

    Returns
    -------
    dict or None
        ``pid``, ``children`` (the numbers of those that live), and ``key``.
    """
    return _asked("ping")


def stop(seconds: float = 10.0) -> None:
    """End every warm process of ours, also one that still warms up, with all that it has forked; wait for that."""
    if sys.platform == "win32":
        return
    ended = [lock.stem for lock in wire.runtime_folder().glob("*.lock") if _taken(lock.stem)]
    for which in ended:
        try:
            wire.request(which, "stop")
        except (OSError, ValueError):
            _terminate(which)
    until = time.monotonic() + seconds
    while any(map(_taken, ended)) and time.monotonic() < until:
        time.sleep(PAUSE)


def spawn(
    module: str, arguments: Sequence[str] = (), *, cwd: Path, env: Mapping[str, str], log: IO[bytes]
) -> int | None:
    """Run a module as ``python -m`` does, in a process of its own that outlives us.

    Parameters
    ----------
    module, arguments
        The module and what follows it on the command line.
    cwd
        Its working directory.
    env
        Its whole environment.
    log
        Where everything goes that it prints.

    Returns
    -------
    int or None
        Its number; None where there is no warm process (one is begun for the next time) or it refuses.
    """
    with Path(os.devnull).open("rb") as nothing:
        files = (nothing.fileno(), log.fileno(), log.fileno())
        child = wire.ask("module", [module, *arguments], env=env, cwd=cwd, files=files, detached=True)
    if child is None:
        ensure()
        return None
    child.release()
    return child.pid


def _begin(which: str) -> None:
    """Begin the warm process, detached, in an environment without what it need not know.

    We take the lock of its key and leave it to the new process: of many that want one, one begins it.
    """
    at_import = wire.read_at_import
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON | OURS or at_import(name)}
    folder = wire.runtime_folder()
    if sum(_taken(lock.stem) for lock in folder.glob("*.lock") if lock.stem != which) >= AT_MOST:
        return
    with _lock(which) as lock, (folder / f"{which}.log").open("wb") as log:
        if lock is None:
            return
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", ZYGOTE, which, str(lock)],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="warm process", daemon=True).start()


@contextlib.contextmanager
def _lock(which: str) -> Iterator[int | None]:
    """Hold the lock of a key, as the number of an open file; None where another process holds it."""
    import fcntl

    with (wire.runtime_folder() / f"{which}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file.fileno()


def _taken(which: str) -> bool:
    """Tell whether a warm process holds the lock of its key: it serves, or warms up."""
    with _lock(which) as lock:
        return lock is None


def _terminate(which: str) -> None:
    """End a warm process that does not answer, by the number that it has written into its lock."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((wire.runtime_folder() / f"{which}.lock").read_text("ascii")), signal.SIGKILL)


def _asked(what: str) -> dict[str, Any] | None:
    if not wire.enabled():
        return None
    try:
        return wire.request(wire.key(), what)
    except (OSError, ValueError):
        return None
