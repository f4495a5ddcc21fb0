"""Progress of sampling, told to whoever listens while the kernel is busy.

Every report goes out as an IOPub message of a type of its own, which the panel and a headless run pick up; a line of
text in the notebook keeps anyone else informed.

A report is ``{"type": "sampling", ...}`` with

| key | is |
|---|---|
| ``chains`` | for each chain ``draws`` and ``total`` (warm-up included), ``tuning``, ``divergences``, ``step_size``, \
``steps`` (how many its latest draw took) and ``seconds``, as far as the sampler tells |
| ``finished``, ``total`` | draws made and wanted over all chains |
| ``divergences`` | of all chains |
| ``seconds`` | since sampling began, without pauses |
| ``rate`` | draws in a second, over the last few seconds |
| ``left`` | seconds that the rest takes at that rate; null while nothing can be said |
| ``agreement`` | of a few parameters, ``{"name", "rhat", "ess"}`` over the draws so far, where the sampler shows them |

While sampling is paused there is one ``{"type": "paused", "finished", "total", "seconds"}``, and one ``continued``
with the same keys when it goes on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Self

import numpy as np

__all__ = ["EVENT", "Progress", "patient", "paused", "tell"]

EVENT = "modelcompose_event"
EVERY = 0.2
RUN_FOLDER = "MODELCOMPOSE_RUN_FOLDER"
PAUSE = "pause"
RECENT = 5.0  # seconds that the rate is taken over
LOOK_EVERY = 2.0
SHARE = 0.03  # of the time, at most, that looking at the draws so far may take
LOOKED_AT = 4
FEWEST = 20  # draws of each chain, from which on they are compared


def tell(content: dict[str, Any]) -> None:
    """Send an event to the front ends of this kernel; without a kernel, do nothing."""
    kernel = getattr(_shell(), "kernel", None)
    if kernel is not None:
        kernel.session.send(kernel.iopub_socket, EVENT, content, parent=kernel.get_parent())


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def paused() -> bool:
    """Tell whether somebody wants sampling to pause: a file ``pause`` in the folder of the run says so."""
    folder = os.environ.get(RUN_FOLDER)
    return folder is not None and folder != "" and (Path(folder) / PAUSE).exists()


@contextmanager
def patient() -> Iterator[list[int]]:
    """Note an interrupt in the list that is lent instead of raising it: draws that are made must not be lost to one.

    A second interrupt is raised. Outside the main thread, where none is raised anyway, nothing is done.
    """
    noted: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        if len(noted) > 1:
            before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def agreement(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Say of draws so far how far the chains agree.

    Rank-normalised split R-hat and bulk effective sample size (Vehtari et al. 2021, doi:10.1214/20-BA1221).

    Parameters
    ----------
    values
        By name, shape (chains, draws).

    Returns
    -------
    list of dict
        ``name``, ``rhat`` and ``ess``; ``rhat`` is None for one chain, and while each chain stays where it began.
    """
    from arviz_stats.base import array_stats

    found = []
    for name, draws in values.items():
        if draws.shape[1] < FEWEST or np.ptp(draws) == 0 or not np.isfinite(draws).all():
            continue
        ess = float(array_stats.ess(draws, chain_axis=0, draw_axis=1, method="bulk"))
        with np.errstate(all="ignore"):
            rhat = float(array_stats.rhat(draws, chain_axis=0, draw_axis=1)) if len(draws) > 1 else np.nan
        found.append({"name": name, "rhat": round(rhat, 3) if np.isfinite(rhat) else None, "ess": round(ess)})
    return found


class Progress:
    """Reports what the chains have done, as events and as one updated line in the notebook.

    Parameters
    ----------
    total
        Draws that each chain is to make, warm-up included.
    chains
        How many chains there are in all.
    """

    def __init__(self, total: int, chains: int) -> None:
        self._total = total
        self._chains = chains
        self._done: list[dict[str, Any]] = []
        self._latest: list[dict[str, Any]] = []
        self._started = time.monotonic()
        self._told = 0.0
        self._halted = 0.0
        self._recent: deque[tuple[float, int]] = deque()
        self._agreement: list[dict[str, Any]] = []
        self._look_at = self._started + LOOK_EVERY
        self._line: Any = None

    def __enter__(self) -> Self:
        if getattr(_shell(), "kernel", None) is not None:
            from IPython.display import HTML, display

            self._line = display(HTML("<em>Preparing the sampler …</em>"), display_id=True)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._line is not None:
            from IPython.display import HTML

            self._line.update(HTML(""))

    def report(self, chains: list[dict[str, Any]]) -> None:
        """Tell the state of all chains.

        Parameters
        ----------
        chains
            For each chain what the module's table says.
        """
        self._latest = chains
        self._tell(self._event([*self._done, *chains]))

    def look(self, values: Callable[[], Mapping[str, Any]]) -> None:
        """Find out how far the chains agree, if it is time to; the next report tells it.

        Looking takes a small share of the time at most.

        Parameters
        ----------
        values
            Called for the draws so far by name, shape (chains, draws) each; only the first few names count.
        """
        began = time.monotonic()
        if began < self._look_at:
            return
        self._agreement = agreement(dict(list(values().items())[:LOOKED_AT]))
        ended = time.monotonic()
        self._look_at = ended + max(LOOK_EVERY, (ended - began) / SHARE)

    def halt(self, pause: Callable[[], object] | None = None, resume: Callable[[], object] | None = None) -> None:
        """Halt here for as long as somebody wants sampling to pause, and tell so; the time does not count.

        Parameters
        ----------
        pause, resume
            What halts draws that are made elsewhere, and lets them go on. After an interrupt they do not go on.
        """
        if not paused():
            return
        if pause:
            pause()
        began = time.monotonic()
        content = {key: value for key, value in self._event([*self._done, *self._latest]).items() if key in HALTED}
        tell({**content, "type": "paused"})
        if self._line is not None:
            from IPython.display import HTML

            self._line.update(HTML(f"<em>Paused after {content['finished']} of {content['total']} draws.</em>"))
        try:
            while paused():
                time.sleep(EVERY / 2)
        finally:
            self._halted += time.monotonic() - began
            self._recent.clear()
            tell({**content, "type": "continued"})
        if resume:
            resume()

    def counted(self, fits: int) -> None:
        """Tell how many of many short fits are made, of one chain each; a few times a second is enough."""
        now = time.monotonic()
        if fits < self._chains and now - self._told < EVERY:
            return
        self._told = now
        seconds = now - self._started
        self._tell(
            {
                "type": "sampling",
                "chains": [],
                "finished": fits * self._total,
                "total": self._chains * self._total,
                "divergences": 0,
                "seconds": round(seconds, 2),
                "left": round(seconds * (self._chains - fits) / fits, 1) if fits else None,
            }
        )

    def _tell(self, content: dict[str, Any]) -> None:
        tell(content)
        if self._line is not None:
            from IPython.display import HTML

            self._line.update(HTML(f"<em>{_words(content)}</em>"))

    def finished(self) -> None:
        """Note that the chains reported last have ended; what is reported from now on are further ones."""
        self._done += self._latest
        self._latest = []

    def _event(self, chains: list[dict[str, Any]]) -> dict[str, Any]:
        seconds = time.monotonic() - self._started - self._halted
        finished = sum(chain["draws"] for chain in chains)
        total = self._total * self._chains
        rate = self._rate(seconds, finished)
        return {
            "type": "sampling",
            "chains": chains,
            "finished": finished,
            "total": total,
            "divergences": sum(chain["divergences"] for chain in chains),
            "seconds": round(seconds, 2),
            "rate": None if rate is None else round(rate, 1),
            "left": None if rate is None else round((total - finished) / rate, 1),
            **({"agreement": self._agreement} if self._agreement else {}),
        }

    def _rate(self, seconds: float, finished: int) -> float | None:
        """Return draws in a second over the last seconds: warm-up and sampling differ too much for an average."""
        self._recent.append((seconds, finished))
        while len(self._recent) > 2 and seconds - self._recent[0][0] > RECENT:
            self._recent.popleft()
        before, made = self._recent[0]
        return (finished - made) / (seconds - before) if finished > made and seconds > before else None


HALTED = frozenset({"finished", "total", "seconds"})


def _words(event: dict[str, Any]) -> str:
    left = "" if event["left"] is None else f", about {event['left']:.0f} s left"
    return (
        f"Sampling: {event['finished']} of {event['total']} draws, "
        f"{event['divergences']} divergences, {event['seconds']:.0f} s{left}"
    )
