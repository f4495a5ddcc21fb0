"""What a child of the warm process does first, to begin like a fresh process, and last, to end like one."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import json
import logging
import os
import random
import runpy
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

__all__ = ["become"]

SACRIFICED_FIRST = "300"  # of 1000: when memory runs out, a child goes before the process that others are forked from
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGPIPE", "SIGUSR1", "SIGUSR2")


def become(asked: Mapping[str, Any], files: Sequence[int], connection: socket.socket, keep: Iterable[int]) -> NoReturn:
    """Turn a fork of the warm process into what was asked for; never returns.

    Parameters
    ----------
    asked
        The request; see ``wire.ask``.
    files
        Standard input, output and error.
    connection
        To whoever asked.
    keep
        Numbers of further files that libraries have opened for themselves.
    """
    code = 1
    try:
        _settle(asked, files, {connection.fileno(), *keep})
        _test()
        if not asked["detached"]:
            threading.Thread(target=_end_with, args=(connection,), name="owner", daemon=True).start()
        code = _do(asked, connection)
    except SystemExit as end:
        code = _code(end.code)
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc()
    _leave(code)


def _settle(asked: Mapping[str, Any], files: Sequence[int], keep: set[int]) -> None:
    """Take on session, files, environment, folder and randomness of our own."""
    os.setsid()
    for name in SIGNALS:
        if number := getattr(signal, name, None):
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    # One that is left alone says itself when it can be interrupted.
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT} if asked["detached"] else set())
    for place, file in enumerate(files):
        os.dup2(file, place)
    _close_all_but({0, 1, 2} | keep)
    _reopen_streams()
    os.environ.clear()
    os.environ.update(asked["env"])
    if hasattr(time, "tzset"):
        time.tzset()
    os.umask(asked["umask"])
    os.chdir(asked["cwd"])
    _reseed()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write(SACRIFICED_FIRST)
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as name_of_ours:  # noqa: PTH123
        name_of_ours.write(f"modelcompose {asked['role']}"[:15])
    gc.enable()


def _close_all_but(keep: set[int]) -> None:
    here = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112
    for file in [int(name) for name in os.listdir(here)]:  # noqa: PTH208
        if file not in keep:
            with contextlib.suppress(OSError):
                os.close(file)


def _reopen_streams() -> None:
    """Make Python's streams anew on the files that we were given, and let loggers follow."""
    former = {id(sys.stdout), id(sys.stderr), id(sys.__stdout__), id(sys.__stderr__)}
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "w", errors="backslashreplace")  # type: ignore[misc]
    for logger in [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]:
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler) and id(handler.stream) in former:
                handler.setStream(sys.stderr)


def _stream(file: int, mode: str, errors: str = "strict") -> io.TextIOWrapper:
    binary: Any = open(file, f"{mode}b", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(binary, errors=errors, line_buffering=file == 2 or os.isatty(file), write_through=file == 2)


def _reseed() -> None:
    import numpy as np

    random.seed()
    np.random.seed()


def _test() -> None:
    """Make sure that what a fork can break works: locks, threads, the linear algebra's own threads.

    A child in which one of them hangs is never ready, and is given up by whoever waits for it.
    """
    import numpy as np

    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    square = np.ones((200, 200))
    if float((square @ square)[0, 0]) != 200.0:
        raise ArithmeticError("linear algebra does not work after the fork")


def _end_with(connection: socket.socket) -> None:
    """End with the process that asked for us, whatever we are about: it holds the other end of the connection."""
    with contextlib.suppress(OSError):
        connection.settimeout(None)
        while connection.recv(1):
            pass
    os.killpg(0, signal.SIGKILL)


def _do(asked: Mapping[str, Any], connection: socket.socket) -> int:
    if asked["role"] == "kernel":
        return _kernel(asked["arguments"], connection)
    module, *arguments = asked["arguments"]
    sys.argv = [module, *arguments]
    _draw_as(asked["env"].get("MPLBACKEND"))
    _tell(connection, {"ready": True})
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _kernel(arguments: Sequence[str], connection: socket.socket) -> int:
    """Be a kernel; it is ready when it listens on its sockets."""
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher.py", *arguments]
    app: Any = IPKernelApp.instance(parent_handle=1)  # whose end is told otherwise
    app.initialize(list(arguments))
    _draw_as(os.environ.get("MPLBACKEND"))
    _tell(connection, {"ready": True})
    app.start()
    return 0


def _draw_as(backend: str | None) -> None:
    """Let matplotlib choose its backend as it does when it is first imported."""
    import matplotlib
    from matplotlib import rcsetup

    chosen = backend or rcsetup._auto_backend_sentinel
    dict.__setitem__(matplotlib.rcParams, "backend", chosen)
    dict.__setitem__(matplotlib.rcParamsOrig, "backend", chosen)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot._backend_mod = None  # type: ignore[attr-defined]


def _tell(connection: socket.socket, content: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # whoever asked has gone already
        connection.sendall(json.dumps(content).encode() + b"\n")


def _code(given: object) -> int:
    """Read an exit code as Python does: nothing is 0, and words are printed."""
    if given is None or isinstance(given, int):
        return (given or 0) & 0xFF
    print(given, file=sys.stderr)
    return 1


def _leave(code: int) -> NoReturn:
    """End as Python does, but leave it to the system to clear up memory: that is most of what ending costs."""
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(code)
