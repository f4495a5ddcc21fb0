"""Which process executes a run, told apart from a later one that happens to have the same number."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path
from typing import Self

__all__ = ["Process"]

FILE = "process.json"


@dataclass(frozen=True)
class Process:
    """A process by number, time of birth and machine.

    Parameters
    ----------
    pid
        Its number.
    birth
        When it began, in the system's own notation; empty when it was gone already.
    host
        The machine's name: a workspace may lie on a shared disk.
    """

    pid: int
    birth: str
    host: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a process that runs now on this machine."""
        return cls(pid, _birth(pid), platform.node())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read who has a run, from the run's folder; None when nobody has written it there."""
        try:
            return cls(**loads((folder / FILE).read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write into a run's folder that this process has the run."""
        fresh = folder / f".{FILE}.{os.getpid()}"
        fresh.write_text(dumps(asdict(self)), "utf-8")
        fresh.replace(folder / FILE)

    @property
    def dead(self) -> bool:
        """Whether it has certainly ended; False for a process of another machine, of which nothing is known."""
        return self.host == platform.node() and (not self.birth or _birth(self.pid) != self.birth)


def _birth(pid: int) -> str:
    """Say when a process began; empty when it is not there, or ended and not yet fetched by its parent."""
    return _birth_by_proc(pid) if Path("/proc/self/stat").exists() else _birth_by_ps(pid)


def _birth_by_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _birth_by_ps(pid: int) -> str:
    try:
        told = subprocess.run(
            ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return "unknown"
    state, _, birth = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else birth.strip()
