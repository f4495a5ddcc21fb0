"""Kernels forked from the warm process, or started as ever where that cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from modelcompose import wire
from modelcompose.runs.warm.pool import ensure

__all__ = ["WarmProvisioner"]

LAUNCHER = ["-m", "ipykernel_launcher"]
MEMORY = "MODELCOMPOSE_KERNEL_MEMORY"
MEGABYTE = 2**20
UNKNOWN_TO_FORKS = frozenset({"preexec_fn", "creationflags", "pass_fds", "user", "group"})
PAUSE = 0.01


class WarmProvisioner(LocalProvisioner):
    """Forks a kernel of this very interpreter; any other kernel is started by a command as usual.

    A kernel may take as much memory as the machine has, or as many megabytes as ``MODELCOMPOSE_KERNEL_MEMORY`` in its
    environment says; beyond, a cell gets a ``MemoryError`` (on Linux).
    """

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Launch a kernel; see ``KernelProvisionerBase.launch_kernel``."""
        child = await asyncio.to_thread(_forked, cmd, options)
        if child is None:
            told = await super().launch_kernel(cmd, **options)
            await asyncio.to_thread(ensure)  # for the next one
        else:
            self.process, self.pid, self.pgid = _Process(child), child.pid, child.pid
            self.cwd = options.get("cwd") or Path.cwd()
            told = self.connection_info
        if self.pid is not None:
            _limit_memory(self.pid, options.get("env") or os.environ)
        return told

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it has begun."""
        if isinstance(self.process, _Process):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        if isinstance(self.process, _Process):
            while self.process is not None and self.process.poll() is None:
                await asyncio.sleep(PAUSE)
        return await super().wait()

    async def cleanup(self, restart: bool = False) -> None:
        """Let nothing of the kernel live on."""
        if isinstance(self.process, _Process):
            self.process.kill()
        await super().cleanup(restart=restart)


class _Process:
    """A forked kernel as the provisioner knows processes."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(self, child: wire.Child) -> None:
        self.pid = child.pid
        self.poll = child.poll
        self.wait = child.wait
        self.send_signal = child.signal

    def kill(self) -> None:
        import signal

        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        import signal

        self.send_signal(signal.SIGTERM)


def _forked(cmd: Sequence[str], options: Mapping[str, Any]) -> wire.Child | None:
    """Ask for a kernel that is the same as what the command would start; None where it cannot be the same."""
    own = bool(cmd) and cmd[0] == sys.executable and list(cmd[1:3]) == LAUNCHER
    if not own or options.get("independent") or UNKNOWN_TO_FORKS & {name for name in options if options[name]}:
        return None
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), *(_file(options.get(name), place) for name, place in (("stdout", 1), ("stderr", 2)))]
        if min(files) < 0:
            return None
        return wire.ask("kernel", cmd[3:], env=options.get("env"), cwd=options.get("cwd"), files=files)


def _file(given: Any, place: int) -> int:
    """Return the number of the file that a kernel writes to; negative for pipes that are yet to be made."""
    if given is None:
        return place
    return int(given if isinstance(given, int) else given.fileno())


def _limit_memory(pid: int, env: Mapping[str, str]) -> None:
    if not sys.platform.startswith("linux"):
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        allowed = int(env[MEMORY]) * MEGABYTE if env.get(MEMORY) else _memory()
        limit = _in_use(pid) + allowed
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


def _in_use(pid: int) -> int:
    """Say how many bytes a process has asked for: what it inherited by the fork is not its own doing."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _memory() -> int:
    """Say how many bytes of memory the machine has, or the container that we are in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return total
