"""The papermill engine "modelcompose": a notebook that reports where it stands and can be stopped with its draws kept.

Only names live here. papermill loads entry points while it is itself being imported, so what is registered must not
import papermill; the engine proper stands in ``client.py``.

Stopping. The first stop interrupts the running cell and lets it end by itself. If that was the fit step and it ended
well, the draws so far are a posterior, though a smaller one, and the remaining steps run on it; after any other cell
nothing more runs. The second stop ends the kernel at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcompose.runs.checkpoints import Checkpoints

__all__ = ["NAME", "Control", "Engine", "Outcome", "register"]

NAME = "modelcompose"
FIT = "fit"


@dataclass
class Outcome:
    """How the execution of the cells ended.

    Parameters
    ----------
    cell
        Index of the cell that ended it early, None when all cells ran.
    step
        That cell's step, or the one during which somebody stopped it.
    ename, evalue
        The error raised in that cell; both empty when it was stopped between cells.
    interrupted
        The step of the cell that was interrupted by a stop, None when none was.
    """

    cell: int | None = None
    step: str = ""
    ename: str = ""
    evalue: str = ""
    interrupted: str | None = None


class Control:
    """A hand on a running notebook: hears its events and can stop it, from any thread or a signal.

    Parameters
    ----------
    on_event
        Called with the type and the content of each event, in order, in the thread that executes.
    cwd
        The kernel's working directory.
    env
        What to add to the kernel's environment.
    """

    checkpoints: Checkpoints | None = None
    """Where finished steps are kept and found again; without it every cell is executed."""
    folder: Path | None = None
    """The run's own folder."""
    by: str
    """Who stopped it: "you", or "its time limit of …"."""

    def __init__(
        self,
        on_event: Callable[[str, dict[str, Any]], object] | None = None,
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.on_event = on_event or (lambda _type, _content: None)
        self.cwd = cwd
        self.env = env or {}
        self.outcome = Outcome()
        self.stopping = False
        self.aborted = False
        self.cancelled = False
        self.by = "you"
        self._interrupt: Callable[[], None] | None = None
        self._abort: Callable[[], None] | None = None

    def stop(self) -> None:
        """Stop and keep what is done; asked a second time, end at once."""
        if self.stopping:
            self.abort()
            return
        self.stopping = True
        if self._interrupt is not None:
            self._interrupt()

    def cancel(self) -> None:
        """End at once and keep no draws."""
        self.cancelled = True
        self.abort()

    def abort(self) -> None:
        """End at once; cells that have ended keep their results."""
        self.stopping = self.aborted = True
        if self._abort is not None:
            self._abort()

    @contextmanager
    def attached(self, interrupt: Callable[[], None], abort: Callable[[], None]) -> Iterator[None]:
        """Let a client say how its running cell is interrupted and how it is ended."""
        self._interrupt, self._abort = interrupt, abort
        try:
            yield
        finally:
            self._interrupt = self._abort = None

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Let SIGINT stop and SIGTERM end the run; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: self.stop()),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: self.abort()),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Engine:
    """What papermill calls, by ``papermill --engine modelcompose`` or from a run."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute all cells of a notebook; see papermill's ``Engine.execute_notebook``."""
        from modelcompose.runs.client import KernelEngine

        return KernelEngine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Name the kernel: the one asked for, or the notebook's if it is installed, or this Python's."""
        from modelcompose.runs.client import kernel_for

        return name or kernel_for(nb)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Name the language of a notebook; Python when it does not say."""
        told = nb.metadata.get("language_info", {}).get("name")
        return language or told or "python"


def register() -> None:
    """Make the engine known to papermill under its name."""
    from papermill.engines import papermill_engines

    papermill_engines.register(NAME, Engine)
