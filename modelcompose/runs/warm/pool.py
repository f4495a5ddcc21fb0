"""The warm process seen from outside: begun, asked how it is, ended. Without one everything works, but slower."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelcompose import wire

__all__ = ["ensure", "ping", "spawn", "stop"]

ZYGOTE = "modelcompose.runs.warm.zygote"
PASSED_ON = frozenset({"PATH", "TMPDIR", "USER", "LOGNAME", "TERM", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"})
OURS = frozenset({wire.SWITCH, wire.FOLDER, "MODELCOMPOSE_WARM_KERNELS", "MODELCOMPOSE_WARM_IDLE"})
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
        which = wire.key()
        begun = not wire.address(which).exists() and not _taken(which) and _begin(which)
        while not (alive := ping() is not None) and time.monotonic() < until:
            time.sleep(PAUSE)
            if not begun and not _taken(which):
                begun = _begin(which)
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
    """End the warm process with all that it has forked, and wait for that."""
    found = _asked("stop")
    until = time.monotonic() + seconds
    while found is not None and _alive(int(found["pid"])) and time.monotonic() < until:
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


def _begin(which: str) -> bool:
    """Begin the warm process, detached, in an environment without what it need not know."""
    folder = wire.runtime_folder()
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON | OURS or _needed(name)}
    with (folder / f"{which}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", ZYGOTE, which],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            restore_signals=True,
        )
    _Reaper.add(process)
    return True


def _needed(name: str) -> bool:
    return wire.read_at_import(name)


class _Reaper:
    """Fetches the exit codes of warm processes that this process has begun, whenever another is begun."""

    _begun: list[subprocess.Popen[bytes]] = []  # noqa: RUF012

    @classmethod
    def add(cls, process: subprocess.Popen[bytes]) -> None:
        cls._begun = [one for one in (*cls._begun, process) if one.poll() is None]


def _taken(which: str) -> bool:
    """Tell whether a warm process holds the lock of its key: it serves, or warms up."""
    import fcntl

    with (wire.runtime_folder() / f"{which}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _asked(what: str) -> dict[str, Any] | None:
    if not wire.enabled():
        return None
    try:
        return wire.request(wire.key(), what)
    except (OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    _Reaper._begun = [one for one in _Reaper._begun if one.poll() is None]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
