"""Progress of sampling, told to whoever listens while the kernel is busy.

Every report goes out as an IOPub message of a type of its own, which the panel and a headless run pick up; a line of
text in the notebook keeps anyone else informed.
"""

from __future__ import annotations

import time
from typing import Any, Self

__all__ = ["EVENT", "Progress", "tell"]

EVENT = "modelcompose_event"
EVERY = 0.2


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


class Progress:
    """Reports what the chains have done, as events and as one updated line in the notebook."""

    def __init__(self, total: int, chains: int) -> None:
        self._total = total
        self._chains = chains
        self._done: list[dict[str, Any]] = []
        self._latest: list[dict[str, Any]] = []
        self._started = time.monotonic()
        self._told = 0.0
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
            For each chain ``draws`` (made so far, warm-up included), ``total``, ``tuning``, ``divergences`` and
            ``step_size``.
        """
        self._latest = chains
        self._tell(self._event([*self._done, *chains]))

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
        seconds = time.monotonic() - self._started
        finished = sum(chain["draws"] for chain in chains)
        total = self._total * self._chains
        sampling = seconds if self._done else max((chain.get("seconds", seconds) for chain in chains), default=seconds)
        left = sampling * (total - finished) / finished if finished else None
        return {
            "type": "sampling",
            "chains": chains,
            "finished": finished,
            "total": total,
            "divergences": sum(chain["divergences"] for chain in chains),
            "seconds": round(seconds, 2),
            "left": None if left is None else round(left, 1),
        }


def _words(event: dict[str, Any]) -> str:
    left = "" if event["left"] is None else f", about {event['left']:.0f} s left"
    return (
        f"Sampling: {event['finished']} of {event['total']} draws, "
        f"{event['divergences']} divergences, {event['seconds']:.0f} s{left}"
    )
