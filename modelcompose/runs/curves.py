"""How sampling went, as curves in MLflow: written while a run draws, at a bounded rate, and completed when it ends.

| metric | is, after as many draws as its step says, warm-up included, over all chains |
|---|---|
| ``live.divergences`` | divergences |
| ``live.rate`` | draws in a second |
| ``live.rhat``, ``live.ess`` | the worst R-hat and effective sample size of a few parameters, where shown |

A run that begins again draws the same draws; its curves go on where they had ended, and no point is written twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, TypeGuard

from modelcompose.runs.engine import FIT
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.tracking import Point, Tracking

__all__ = ["Curves", "points"]

FILE = "curves.json"
EVERY_SECONDS = 5.0
SHARE = 0.003
"""The part of the time, at most, that writing may take: 3 ms in a second."""
MOST = 2**53

logger = logging.getLogger("modelcompose.runs")


class Curves:
    """Writes the curves of a run that is executed, in a thread of its own: a slow MLflow keeps nobody waiting.

    What it does not write, since MLflow is slow or out of reach, is written when the run ends.

    Parameters
    ----------
    tracking
        Where the run is recorded.
    id
        Its whole id.
    folder
        Its folder.
    """

    def __init__(self, tracking: Tracking, id: str, folder: Path) -> None:  # noqa: A002
        self._tracking = tracking
        self._id = id
        self._folder = folder
        self._latest: Mapping[str, Any] | None = None
        self._fitting = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._write, name="curves", daemon=True)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take note of an event; this takes microseconds."""
        if event["type"] == "step":
            self._fitting = event["step"] == FIT and event["state"] == "started"
        elif self._fitting and _tells_draws(event):
            self._latest = event
            if self._thread.ident is None:
                self._thread.start()

    def close(self) -> None:
        """Write no more, without waiting for what is being written."""
        self._done.set()

    def _write(self) -> None:
        seconds = EVERY_SECONDS
        while not self._done.wait(seconds):
            began = perf_counter()
            try:
                self._point()
            except Exception as error:  # the end of the run makes up for it
                logger.info("The curves wait: %s: %s", type(error).__name__, error)
            seconds = max(EVERY_SECONDS, (perf_counter() - began) / SHARE)

    def _point(self) -> None:
        event, self._latest = self._latest, None
        if event is None or event["finished"] <= _last(self._folder):
            return
        self._tracking.measure(self._id, _measured(event))
        write_json(self._folder / FILE, {"step": event["finished"]})


def points(folder: Path, events: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Return the points that a run's curves lack, those so close in time that nobody would see them left out.

    Parameters
    ----------
    folder
        The run's folder.
    events
        All of its events.
    """
    last, before = _last(folder), None
    chosen: list[Mapping[str, Any]] = []
    for event in _drawing(events):
        if event["finished"] <= last:
            continue
        when = datetime.fromisoformat(event["time"])
        if before is not None and (when - before).total_seconds() < EVERY_SECONDS and chosen:
            chosen[-1] = event
        else:
            chosen.append(event)
            before = when
        last = event["finished"]
    return [point for event in chosen for point in _measured(event)]


def _drawing(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    fitting = False
    for event in events:
        if event["type"] == "step" and "round" not in event:
            fitting = event["step"] == FIT and event["state"] == "started"
        elif fitting and _tells_draws(event) and "round" not in event:
            yield event


def _tells_draws(event: Mapping[str, Any]) -> bool:
    """Tell whether an event is a report of sampling; cells may send whatever they like."""
    finished = event.get("finished")
    return bool(event["type"] == "sampling" and type(finished) is int and 0 < finished < MOST)


def _last(folder: Path) -> int:
    """Say after how many draws the last point was written."""
    told = read_json(folder / FILE)
    return int(told["step"]) if isinstance(told, dict) and "step" in told else 0


def _measured(event: Mapping[str, Any]) -> list[Point]:
    looked = event.get("agreement")
    agreement = [one for one in looked if isinstance(one, dict)] if isinstance(looked, list) else []
    rhats, ess = ([one[name] for one in agreement if _is_number(one.get(name))] for name in ("rhat", "ess"))
    values = {
        "live.divergences": event.get("divergences"),
        "live.rate": event.get("rate"),
        "live.rhat": max(rhats, default=None),
        "live.ess": min(ess, default=None),
    }
    when = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
    return [(name, float(value), when, event["finished"]) for name, value in values.items() if _is_number(value)]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
