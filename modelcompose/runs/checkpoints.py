"""Finished steps on disk: what their cells showed, and the results that the steps below may need.

Each lies in a folder named by its key (see ``keys``), in one workspace for all runs:

    <key>/manifest.json     how the step ended, and the SHA-256 of every other file
    <key>/outputs.json      the outputs of its cells, as nbformat writes them
    <key>/<name>.<kind>.nc  a variable that it assigned: a tree or a dataset of xarray, as netCDF
    <key>/posterior.nc      the run's posterior, kept by the step that drew it

A folder is written beside its place and moved there when it is whole, so that a process that dies leaves nothing that
looks finished. What was not used for longest goes first when there is too much.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from time import time
from typing import Any

from modelcompose.runs.lock import locked

__all__ = ["POSTERIOR", "Checkpoint", "Checkpoints"]

POSTERIOR = "posterior.nc"
MANIFEST = "manifest.json"
OUTPUTS = "outputs.json"
PART = ".part-"
LIMIT = 5_000_000_000
UNFINISHED_SECONDS = 86_400.0  # nobody writes a folder for a whole day
IN_USE_SECONDS = 3_600.0  # a run that has found a step may restore its results later


@dataclass(frozen=True)
class Checkpoint:
    """One finished step.

    Parameters
    ----------
    folder
        Where it lies.
    cells
        The outputs of its cells, in order.
    ended
        False when its check stopped the notebook.
    waivers
        The waivers that its verdict was reached with: of the step and of those it rests on.
    """

    folder: Path
    cells: tuple[list[dict[str, Any]], ...]
    ended: bool
    waivers: tuple[dict[str, str], ...]

    @property
    def posterior(self) -> Path | None:
        """The run's posterior, where the step has drawn it."""
        file = self.folder / POSTERIOR
        return file if file.is_file() else None


class Checkpoints:
    """The finished steps of a workspace; any number of processes may use it at once.

    Parameters
    ----------
    folder
        Where they lie; it is made when the first one is kept.
    since
        Those that were kept earlier than this time, in seconds since 1970, are passed over.
    limit
        How many bytes they may take together.
    """

    def __init__(self, folder: Path, *, since: float = 0.0, limit: int = LIMIT) -> None:
        self.folder = folder
        self.since = since
        self.limit = limit

    def find(self, key: str) -> Checkpoint | None:
        """Return a finished step, and note that it is in use; None where there is none, or it is not as it was kept."""
        folder = self.folder / key
        try:
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
            if manifest["kept"] < self.since or not _is_whole(folder, manifest["files"]):
                return None
            cells = tuple(json.loads((folder / OUTPUTS).read_text("utf-8")))
            found = Checkpoint(folder, cells, bool(manifest["ended"]), tuple(manifest["waivers"]))
            os.utime(folder)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Lend an empty folder for a step's results; what is in it at the end is thrown away unless it was kept."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(prefix=PART, dir=self.folder))
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def keep(
        self,
        key: str,
        part: Path,
        *,
        cells: Sequence[Any],
        ended: bool,
        waivers: Sequence[dict[str, str]] = (),
    ) -> None:
        """Keep a step whose results lie in ``part``; one that was kept before under the same key is replaced."""
        (part / OUTPUTS).write_text(json.dumps(list(cells)), "utf-8")
        manifest = {
            "kept": time(),
            "ended": ended,
            "waivers": list(waivers),
            "files": {file.name: _sha256(file) for file in part.iterdir()},
        }
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
        with locked(self.folder / "lock"):
            place = self.folder / key
            if place.exists():
                old = Path(mkdtemp(prefix=PART, dir=self.folder))
                place.replace(old / key)
                shutil.rmtree(old, ignore_errors=True)
            part.replace(place)
            self._make_room(place)

    def _make_room(self, fresh: Path) -> None:
        """Remove what nobody finished, and what was used least recently until the rest fits."""
        now = time()
        for folder in self.folder.glob(f"{PART}*"):
            if _used(folder) < now - UNFINISHED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        kept = [folder for folder in self.folder.iterdir() if folder.is_dir() and not folder.name.startswith(PART)]
        sizes = {folder: _size(folder) for folder in kept}
        total = sum(sizes.values())
        for folder in sorted(set(kept) - {fresh}, key=_used):
            if total <= self.limit or _used(folder) > now - IN_USE_SECONDS:
                break
            shutil.rmtree(folder, ignore_errors=True)
            total -= sizes[folder]


def _is_whole(folder: Path, files: dict[str, str]) -> bool:
    return all(_sha256(folder / name) == sha256 for name, sha256 in files.items())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _used(folder: Path) -> float:
    with suppress(OSError):
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for file in folder.iterdir():
        with suppress(OSError):
            total += file.stat().st_size
    return total
