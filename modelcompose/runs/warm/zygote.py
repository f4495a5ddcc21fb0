"""The warm process: ``python -P -m modelcompose.runs.warm.zygote KEY LOCK``. It warms up once, then forks.

It ends by itself: when nobody has asked for anything and no child has lived for half an hour, and, once its children
have ended, when the code on disk is no longer the code that it holds.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import selectors
import signal
import socket
import struct
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcompose import wire
from modelcompose.runs.warm.child import become
from modelcompose.runs.warm.warming import warm_up

__all__: list[str] = []

IDLE = 30 * 60.0  # seconds
KERNELS = 64
LOOK = 10.0  # seconds between two looks at whether it is still wanted
PATIENCE = 2.0  # seconds for a request to arrive
LEFT = 256 * 2**20  # bytes of memory below which nothing more is forked

logger = logging.getLogger("modelcompose.runs.warm")


class Zygote:
    """Listens, forks and reaps.

    Parameters
    ----------
    key
        What it was started from; see ``wire.key``.
    environment
        In which it was started.
    libraries
        Numbers of the files that libraries keep open for themselves, such as fonts.
    """

    def __init__(self, key: str, environment: dict[str, str], libraries: set[int]) -> None:
        self.key = key
        self._environment = environment
        self._most = int(environment.get("MODELCOMPOSE_WARM_KERNELS") or KERNELS)
        self._idle = float(environment.get("MODELCOMPOSE_WARM_IDLE") or IDLE)
        self._children: dict[int, socket.socket] = {}
        self._busy = time.monotonic()
        self._looked = time.monotonic()
        self._serving = True
        self._libraries = libraries
        self._pid = os.getpid()
        self._path = wire.address(key)
        self._listener = _listen(self._path)

    def serve(self) -> Callable[[], None] | None:
        """Serve until it is no longer wanted; in a child, return at once what the child has to become."""
        woken, wake = socket.socketpair()
        for end in (woken, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._retire())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with selectors.DefaultSelector() as selector, woken, wake:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while self._wanted():
                for found, _ in selector.select(min(LOOK, self._idle)):
                    if found.fileobj is woken:
                        with contextlib.suppress(BlockingIOError):
                            woken.recv(4096)
                    elif self._serving and (task := self._accept()):
                        signal.set_wakeup_fd(-1)
                        return task
                self._reap()
                if not self._serving and self._listener.fileno() >= 0:
                    selector.unregister(self._listener)
                    self._listener.close()
        return None

    def _wanted(self) -> bool:
        now = time.monotonic()
        if self._children:
            self._busy = now
        if now - self._looked >= LOOK:
            self._looked = now
            if self._stale() or not self._path.exists():
                self._retire()
        if now - self._busy >= self._idle:
            self._retire()
        return self._serving or bool(self._children)

    def _stale(self) -> bool:
        try:
            return wire.key(self._environment) != self.key
        except OSError:
            return True

    def _retire(self) -> None:
        """Take no more requests; children go on."""
        if self._serving:
            self._serving = False
            self._path.unlink(missing_ok=True)

    def _accept(self) -> Callable[[], None] | None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return None
        files: list[int] = []
        try:
            connection.settimeout(PATIENCE)
            if _user(connection) != os.geteuid():
                raise PermissionError("somebody else")
            asked, files = wire.receive(connection)
            return self._answer(asked, files, connection)
        except (OSError, ValueError, KeyError) as error:
            logger.warning("a request was refused: %s", error)
            connection.close()
            return None
        finally:
            if os.getpid() == self._pid:
                for file in files:
                    os.close(file)

    def _answer(self, asked: dict[str, Any], files: list[int], connection: socket.socket) -> Callable[[], None] | None:
        if asked["role"] in ("ping", "stop"):
            _say(connection, {"pid": os.getpid(), "children": list(self._children), "key": self.key})
            connection.close()
            if asked["role"] == "stop":
                self._end_children()
            return None
        self._busy = time.monotonic()
        if refusal := self._refusal(asked, files):
            _say(connection, {"refused": refusal})
            connection.close()
            return None
        return self._fork(asked, files, connection)

    def _refusal(self, asked: dict[str, Any], files: list[int]) -> str:
        if asked["role"] not in ("kernel", "module") or len(files) != 3:
            return "this is not a request"
        if len(self._children) >= self._most:
            return f"{self._most} processes are at work already"
        if _memory_left() < LEFT:
            return "there is too little memory"
        if self._stale():
            self._retire()
            return "the code has changed"
        return ""

    def _fork(self, asked: dict[str, Any], files: list[int], connection: socket.socket) -> Callable[[], None] | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # libraries' threads: the child tests itself
            pid = os.fork()
        if pid == 0:
            return lambda: become(asked, files, connection, self._libraries)
        self._children[pid] = connection
        _say(connection, {"pid": pid})
        return None

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._children.pop(pid, None)
            if connection is not None:
                _say(connection, {"exit": os.waitstatus_to_exitcode(status)})
                connection.close()

    def _end_children(self) -> None:
        self._retire()
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _listen(path: Path) -> socket.socket:
    """Listen on a socket that appears under its name only when it can be used, and by nobody else."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        listener.bind(str(fresh))
    finally:
        os.umask(before)
    listener.listen(128)
    listener.setblocking(False)
    fresh.rename(path)
    return listener


def _say(connection: socket.socket, content: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # whoever asked has gone already
        connection.sendall(json.dumps(content).encode() + b"\n")


def _user(connection: socket.socket) -> int:
    """Tell whose process is at the other end."""
    if hasattr(socket, "SO_PEERCRED"):
        size = struct.calcsize("3i")
        return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
    credentials = connection.getsockopt(0, 1, 76)  # LOCAL_PEERCRED of the BSDs: struct xucred
    return int(struct.unpack_from("II", credentials)[1])


def _memory_left() -> int:
    """Say how many bytes of memory can still be had; a great many where the system does not tell."""
    with contextlib.suppress(OSError, ValueError), Path("/proc/meminfo").open(encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 2**62


def _open_files() -> set[int]:
    here = Path("/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd")
    listed = list(here.iterdir())  # with the one through which they are listed, which is closed now
    return {int(one.name) for one in listed if one.is_symlink() or one.exists()}


def _log() -> None:
    """Log what we do ourselves; how libraries' messages are shown is left to the children."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _Wanted:
    """Tells whether the code is still the one with this key, and the runtime folder still there."""

    def __init__(self, key: str, environment: dict[str, str]) -> None:
        self._key, self._environment = key, environment
        self._lock = wire.runtime_folder() / f"{key}.lock"

    def __call__(self) -> bool:
        with contextlib.suppress(OSError):
            return self._lock.exists() and wire.key(self._environment) == self._key
        return False


def main(key: str, lock: int) -> None:
    """Warm up and serve.

    Parameters
    ----------
    key
        What it is begun from; see ``wire.key``.
    lock
        The number of the open file whose lock says that it is there; its own number is written into it.
    """
    _log()
    environment = dict(os.environ)
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    before = _open_files()
    gc.disable()
    wanted = _Wanted(key, environment)
    warm_up(wanted)
    if not wanted():
        return
    gc.collect()
    gc.freeze()
    task = Zygote(key, environment, _open_files() - before).serve()
    if task is not None:
        task()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
