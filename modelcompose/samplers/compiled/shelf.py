"""Machine code on disk, under the keys of structures, so that another process compiles nothing.

What is loaded is executed. A file therefore counts only where nobody but this user and the administrator can have
written it, when it is whole, and when it stands under its own key.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelcompose.samplers.compiled.machine import Code, code_of

__all__ = ["FOLDER", "folder", "read", "write"]

FOLDER = "MODELCOMPOSE_CACHE_DIR"
MOST_BYTES = 400_000_000  # of machine code on disk; a small model takes some hundred kilobytes


def folder() -> Path:
    """Return where compiled models are kept: a folder of the user's, or what ``MODELCOMPOSE_CACHE_DIR`` says.

    One that others may write to is not used.
    """
    if asked := os.environ.get(FOLDER):
        return Path(asked) / "compiled"
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = str(Path.home() / "Library" / "Caches")
    else:
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "modelcompose" / "compiled"


def read(key: str) -> tuple[Code, ...] | None:
    """Load the machine code kept under a key; None when there is none, or it was damaged."""
    from numba.core.compiler import CompileResult
    from numba.core.registry import cpu_target

    place = folder() / key
    try:
        if not _is_ours(place.parent):
            return None
        with place.open("rb") as file:
            written = file.read() if _is_ours(file.fileno()) else b""
        if _seal(key, written[32:]) != written[:32]:
            return None
        context = cpu_target.target_context
        context.refresh()
        results = [CompileResult._rebuild(context, *parts) for parts in pickle.loads(written[32:])]  # noqa: S301
        os.utime(place)
    except Exception:  # whatever was written by another version, or broke off: it is compiled again
        return None
    return tuple(map(code_of, results))


def write(key: str, results: Sequence[Any]) -> None:
    """Keep machine code under a key, if it holds no address of this process; a full disk is no error."""
    if any(one.library.has_dynamic_globals or one.lifted for one in results):
        return
    from numba.core.serialize import dumps

    with suppress(OSError, pickle.PicklingError):
        payload = dumps([one._reduce() for one in results])
        place = folder()
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(place):
            return
        handle, part = tempfile.mkstemp(dir=place, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_seal(key, payload) + payload)
            Path(part).replace(place / key)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
        _forget_the_oldest(place)


def _seal(key: str, payload: bytes) -> bytes:
    """Return what tells code that is whole, and stands under its own key, from other code."""
    return hashlib.sha256(key.encode() + payload).digest()


def _is_ours(place: Path | int) -> bool:
    """Tell whether nobody but this user and the administrator can write there: what is loaded is executed."""
    if not hasattr(os, "geteuid"):
        return True  # Windows: folders of a user's are the user's own
    state = os.fstat(place) if isinstance(place, int) else place.stat()
    return state.st_uid in {0, os.geteuid()} and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_the_oldest(place: Path) -> None:
    """Delete what was used longest ago until the folder is small enough."""
    kept = sorted(((one.stat(), one) for one in place.iterdir()), key=lambda found: -found[0].st_mtime)
    room = MOST_BYTES
    for state, one in kept:
        room -= state.st_size
        if room < 0:
            one.unlink(missing_ok=True)
