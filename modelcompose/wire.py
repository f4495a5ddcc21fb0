"""How the warm process is found and asked, with the standard library alone.

The warm process (``modelcompose.runs.warm``) has imported everything already and forks what is asked of it. Whoever
asks must not pay for imports first; that is why this stands below everything else.

One request is one connection to a UNIX socket: a length, a JSON object, and three open files (stdin, stdout, stderr).
The answers are lines of JSON: ``{"pid": …}`` or ``{"refused": …}`` at once, ``{"ready": true}`` when the child can be
used, ``{"exit": …}`` when it has ended. The child holds the connection too: when neither it nor the warm process is
left, the connection ends, and a child that was not detached ends with whoever asked for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import struct
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelcompose import __version__

__all__ = ["Child", "ask", "enabled", "key", "listening", "runtime_folder"]

SWITCH = "MODELCOMPOSE_WARM"
FOLDER = "MODELCOMPOSE_RUNTIME"
SOURCES = (".py", ".toml", ".json")
ELSEWHERE = frozenset({"__pycache__", "labextensions", "static", "templates"})
AT_IMPORT = (
    "PYTHON",
    "PYTENSOR",
    "NUMBA_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "RAYON_",
    "JAX_",
    "XLA_",
    "LD_",
    "DYLD_",
    "LC_",
)
AT_IMPORT_TOO = frozenset({"HOME", "LANG", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"})
LONGEST = 100  # bytes of a socket's path; systems allow 104 to 108
LENGTH = struct.Struct("!I")
MOST = 16 * 2**20
PATIENCE = 15.0  # seconds until a child must be ready; a busy machine takes long


def enabled() -> bool:
    """Tell whether forking is safe here and nobody has switched it off by ``MODELCOMPOSE_WARM=0``.

    On macOS system libraries may not survive a fork: there it has to be asked for, by ``MODELCOMPOSE_WARM=1``.
    """
    if sys.platform == "win32" or not hasattr(socket, "AF_UNIX"):
        return False
    asked = os.environ.get(SWITCH, "")
    return asked == "1" if sys.platform == "darwin" else asked != "0"


def runtime_folder() -> Path:
    """Return the folder of the sockets, made if need be; nobody else may look into it.

    Raises
    ------
    PermissionError
        When somebody else made it, or may enter.
    """
    chosen = os.environ.get(FOLDER)
    if not chosen:
        own = os.environ.get("XDG_RUNTIME_DIR", "")
        chosen = f"{own}/modelcompose" if own else f"{tempfile.gettempdir()}/modelcompose-{os.geteuid()}"
    folder = Path(chosen)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not a folder of your own that nobody else may enter")
    return folder


def key(environment: Mapping[str, str] | None = None) -> str:
    """Identify what a warm process must have been started from to stand in for a fresh one.

    It takes in the interpreter, the text of ModelCompose (by time and size of its files), when something was last
    installed, and the variables of the environment that libraries read while they are imported.
    """
    given = os.environ if environment is None else environment
    package = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    parts = [__version__, sys.version, sys.executable, sys.prefix, package]
    parts += [f"{name}={given[name]}" for name in sorted(given) if read_at_import(name)]
    parts += sorted(_files(package))
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        parts.append(f"{folder} {os.stat(folder).st_mtime_ns}")  # noqa: PTH116
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]


def read_at_import(name: str) -> bool:
    """Tell whether a variable of the environment works only on a process that was started with it."""
    return name.startswith(AT_IMPORT) or name in AT_IMPORT_TOO


def _files(folder: str) -> list[str]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += _files(entry.path) if entry.name not in ELSEWHERE else []
            elif entry.name.endswith(SOURCES):
                known = entry.stat()
                found.append(f"{entry.path} {known.st_mtime_ns} {known.st_size}")
    return found


def address(which: str) -> Path:
    """Return the socket of the warm process with a key.

    Raises
    ------
    OSError
        When there is no safe place for it, or its path is too long for a socket.
    """
    path = runtime_folder() / f"{which}.sock"
    if len(os.fsencode(path)) > LONGEST:
        raise OSError(f"{path} is too long for a socket; set {FOLDER} to a shorter folder")
    return path


def listening() -> bool:
    """Tell at little cost whether a warm process seems to be there; only asking it makes sure."""
    try:
        return enabled() and address(key()).exists()
    except OSError:
        return False


class Child:
    """A process that the warm process has forked for us.

    Parameters
    ----------
    connection
        Where the warm process and the child answer.
    pid
        The child's number, which is its session's and its process group's too.
    """

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        self._heard = b""
        self._pidfd = _pidfd(pid)

    def poll(self) -> int | None:
        """Return the exit code when it has ended, negative for a signal as in ``subprocess``; None while it lives."""
        while self.returncode is None and (said := self._next(0.0)) is not None:
            if "exit" in said:
                self._end(int(said["exit"]))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return its exit code.

        Raises
        ------
        TimeoutError
            When it still lives after ``timeout`` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            said = self._next(None if until is None else max(0.0, until - time.monotonic()))
            if said is None and until is not None and time.monotonic() >= until:
                raise TimeoutError(f"process {self.pid} still runs")
            if said is not None and "exit" in said:
                self._end(int(said["exit"]))
        return self.returncode

    def signal(self, number: int, *, group: bool = True) -> None:
        """Send a signal to it and to what it has begun, or to it alone; one that has ended gets none.

        It reads nothing from the connection, so that a handler of signals may call it while ``wait`` waits.
        """
        if self.returncode is not None or self._gone():
            return
        try:
            if group:
                os.killpg(self.pid, number)
            elif self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def release(self) -> None:
        """Let go of it without waiting for its end."""
        self._connection.close()
        self._close_pidfd()

    def ready(self, timeout: float = PATIENCE) -> bool:
        """Wait until it says that it can be used; False when it ended or took too long."""
        until = time.monotonic() + timeout
        while self.returncode is None:
            said = self._next(max(0.0, until - time.monotonic()))
            if said is None:
                return False
            if said.get("ready"):
                return True
            if "exit" in said:
                self._end(int(said["exit"]))
        return False

    def _next(self, seconds: float | None) -> dict[str, Any] | None:
        """Read the next answer; None when there is none in time. The end of the connection counts as being killed."""
        until = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._heard:
            try:
                self._connection.settimeout(None if until is None else max(0.0, until - time.monotonic()))
                data = self._connection.recv(65536)
            except (BlockingIOError, TimeoutError):
                return None
            except OSError:
                data = b""
            if not data:
                return {"exit": -signal.SIGKILL}
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        return dict(json.loads(line))

    def _gone(self) -> bool:
        """Tell whether the process has ended although nobody has said so yet: its number may be another's soon."""
        if self._pidfd is None:
            return False
        import select

        return bool(select.select([self._pidfd], [], [], 0)[0])

    def _end(self, code: int) -> None:
        self.returncode = code
        self.release()

    def _close_pidfd(self) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def ask(
    role: str,
    arguments: Sequence[str] = (),
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    files: Sequence[int] = (0, 1, 2),
    detached: bool = False,
    patience: float = PATIENCE,
) -> Child | None:
    """Let the warm process fork a child, and return it when it is ready.

    Parameters
    ----------
    role
        ``kernel`` or ``module``.
    arguments
        Of a kernel its options; of a module its name and then its arguments.
    env
        The whole environment of the child; by default ours.
    cwd
        Its working directory; by default ours.
    files
        Its standard input, output and error, as numbers of open files.
    detached
        Whether it lives on when we end.
    patience
        Seconds until it must be ready.

    Returns
    -------
    Child or None
        None where there is no warm process, where it refuses, or the child does not come up: do it yourself then.
    """
    if not enabled():
        return None
    given = dict(os.environ if env is None else env)
    content = {
        "role": role,
        "arguments": list(arguments),
        "env": given,
        "cwd": str(Path.cwd() if cwd is None else cwd),
        "umask": _umask(),
        "detached": detached,
    }
    try:
        connection = connect(key(given))
        _send(connection, content, files)
        child = _answered(connection)
    except (OSError, ValueError):
        return None
    if child is None or child.ready(patience):
        return child
    child.signal(signal.SIGKILL)
    child.release()
    return None


def connect(which: str) -> socket.socket:
    """Connect to the warm process with a key.

    Raises
    ------
    OSError
        When there is none.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE)
        connection.connect(str(address(which)))
    except OSError:
        connection.close()
        raise
    return connection


def request(which: str, role: str) -> dict[str, Any]:
    """Ask the warm process itself something, ``ping`` or ``stop``, and return its answer.

    Raises
    ------
    OSError
        When there is none.
    """
    with connect(which) as connection:
        _send(connection, {"role": role}, ())
        return _line(connection)


def _send(connection: socket.socket, content: Mapping[str, Any], files: Sequence[int]) -> None:
    body = json.dumps(content).encode()
    head = LENGTH.pack(len(body))
    if files:
        socket.send_fds(connection, [head], list(files))
    else:
        connection.sendall(head)
    connection.sendall(body)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read a request with its open files: the warm process's side of ``ask``.

    Raises
    ------
    ValueError, OSError
        When it cannot be read; files that came with it are closed.
    """
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
    try:
        if len(head) < LENGTH.size:
            raise ValueError("the request was cut short")
        size = LENGTH.unpack(head)[0]
        if size > MOST:
            raise ValueError(f"the request has {size} bytes")
        body = b""
        while len(body) < size:
            part = connection.recv(min(65536, size - len(body)))
            if not part:
                raise ValueError("the request was cut short")
            body += part
        return dict(json.loads(body)), files
    except (ValueError, OSError):
        for file in files:
            os.close(file)
        raise


def _answered(connection: socket.socket) -> Child | None:
    said = _line(connection)
    if "pid" not in said:
        connection.close()
        return None
    return Child(connection, int(said["pid"]))


def _line(connection: socket.socket) -> dict[str, Any]:
    """Read one line, and nothing beyond it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionResetError("the warm process gave no answer")
        line += byte
    return dict(json.loads(line))


def _umask() -> int:
    """Read the umask; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
