"""Which process executes a run, told apart from a later one that happens to have the same number."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from modelcompose.runs.files import read_json, write_json

__all__ = ["FILE", "Process", "kill_group"]

FILE = "process.json"
UNKNOWN = "unknown"
"""What is said of a process that cannot be looked at just now, as when too many files are open; it is not dead."""
LEASE_SECONDS = 60.0
"""A process of another machine that was silent for so long counts as dead; see ``beat``."""


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
    silent
        For how many seconds it had not shown that it lives when this was read.
    """

    pid: int
    birth: str
    host: str
    silent: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a process that runs now on this machine."""
        return cls(pid, _birth(pid), platform.node())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read who has a run, from the run's folder; None when nobody has written it there."""
        told = read_json(folder / FILE)
        if not isinstance(told, dict) or not {"pid", "birth", "host"} <= set(told):
            return None
        found = cls(int(told["pid"]), str(told["birth"]), str(told["host"]))
        return found if found.host == platform.node() else replace(found, silent=_silence(folder))

    def write(self, folder: Path) -> None:
        """Write into a run's folder that this process has the run."""
        told = asdict(self)
        del told["silent"]
        write_json(folder / FILE, told)

    def beat(self, folder: Path) -> bool:
        """Show other machines that this process lives; False when somebody else has the run by now."""
        if (holder := self.read(folder)) is None or not self.same(holder):
            return False
        with suppress(OSError):
            os.utime(folder / FILE)
        return True

    @property
    def mine(self) -> bool:
        """Whether it is this very process."""
        return self.pid == os.getpid() and self.same(self.of(self.pid))

    def same(self, other: Process) -> bool:
        """Tell whether it is the same process as another, as far as can be told."""
        born = self.birth == other.birth or UNKNOWN in (self.birth, other.birth)
        return born and (self.pid, self.host) == (other.pid, other.host)

    @property
    def dead(self) -> bool:
        """Whether it has ended, or is one of another machine of which nothing was heard for long."""
        if self.host != platform.node():
            return self.silent > LEASE_SECONDS
        now = _birth(self.pid)
        return not now or not self.birth or (now != self.birth and UNKNOWN not in (now, self.birth))


def kill_group(process: Process) -> None:
    """Kill a process of this machine with all that it began; one that is gone is left alone."""
    if process.host == platform.node() and not process.dead:
        with suppress(OSError):
            if sys.platform == "win32":
                os.kill(process.pid, signal.SIGTERM)
            elif os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGKILL)


def _silence(folder: Path) -> float:
    """Say for how long a run's process was silent, by the clock of the disk: those of two machines may differ."""
    probe = folder / f".clock-{os.getpid()}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink(missing_ok=True)
        return now - (folder / FILE).stat().st_mtime
    except OSError:
        return 0.0


def _birth(pid: int) -> str:
    """Say when a process began; empty when it is not there, or ended and not yet fetched by its parent."""
    return _birth_by_proc(pid) if Path("/proc/self/stat").exists() else _birth_by_ps(pid)


def _birth_by_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except OSError:
        return UNKNOWN
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _birth_by_ps(pid: int) -> str:
    try:
        told = subprocess.run(
            ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return UNKNOWN
    state, _, birth = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else birth.strip()
