"""What a run's process does beside executing: it hears what is asked of it, keeps to its time, shows that it lives.

Asking goes through files in the run's folder, which reach a process of another machine as well; see ``queue``.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from modelcompose.runs.engine import Control
from modelcompose.runs.process import Process
from modelcompose.runs.queue import PAUSE, Asked

__all__ = ["Watch"]

LOOK_SECONDS = 0.2
BEAT_SECONDS = 10.0
GRACE = (30.0, 0.25)
"""What a run has left when its time is up, to work up the draws so far: so many seconds, or this part of its limit."""

logger = logging.getLogger("modelcompose.runs")


class Watch:
    """A thread that looks after a run while it is executed.

    Parameters
    ----------
    folder
        The run's folder.
    control
        The hand on the run.
    timeout
        Its time limit in seconds, pauses not counted; 0 for none. When it is up the run is stopped as by a person,
        with the draws so far; a while later it is ended at once.
    """

    lost = False
    """Whether another process has taken the run over; then nothing of it is this one's to record."""

    def __init__(self, folder: Path, control: Control, timeout: int = 0) -> None:
        self._folder = folder
        self._control = control
        self._timeout = timeout
        self._spent = 0.0
        self._heard = Asked()
        self._paused = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        before = beaten = monotonic()
        while not self._done.is_set():
            try:
                self._hear()
                now = monotonic()
                self._spend(0.0 if self._paused else now - before)
                before = now
                if now - beaten > BEAT_SECONDS:
                    beaten = now
                    self._beat()
            except Exception as error:  # a disk that is full for a moment must not make the run deaf
                logger.warning("The run could not be looked after: %s: %s", type(error).__name__, error)
            self._done.wait(LOOK_SECONDS)

    def _hear(self) -> None:
        asked = Asked.of(self._folder)
        for _ in range(asked.n - self._heard.n):
            self._control.cancel() if asked.ask == "cancel" else self._control.stop()
        self._heard = asked
        paused = (self._folder / PAUSE).exists()
        if paused != self._paused:
            self._paused = paused
            self._control.on_event("paused" if paused else "continued", {})

    def _spend(self, seconds: float) -> None:
        if not self._timeout:
            return
        before, self._spent = self._spent, self._spent + seconds
        grace = max(GRACE[0], GRACE[1] * self._timeout)
        for limit, end in ((self._timeout, self._control.stop), (self._timeout + grace, self._control.abort)):
            if before < limit <= self._spent and not (end == self._control.stop and self._control.stopping):
                self._control.by = f"its time limit of {self._timeout} s"
                end()

    def _beat(self) -> None:
        if not Process.of(os.getpid()).beat(self._folder):
            self.lost = True
            self._control.abort()
