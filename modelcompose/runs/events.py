"""The events of a run: an append-only file of JSON lines, which any process may follow while another writes it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from modelcompose.runs.lock import locked

__all__ = ["EventLog"]

FILE = "events.jsonl"
PAUSE = 0.05
_WRITING = threading.Lock()
_NUMBER = re.compile(rb'\{"n": ?(\d+),')


class EventLog:
    """The events in a run's folder, numbered from 1.

    Any number of processes may read and write. A line that a crash or a full disk cut short is passed over.

    Parameters
    ----------
    folder
        The run's folder; it is made when the first event is written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._size = -1
        self._last = 0

    def append(self, type: str, **content: Any) -> dict[str, Any]:  # noqa: A002
        """Write one event and return it with its number and time.

        Parameters
        ----------
        type
            One of these, or what a cell calls its own: ``run`` (it was queued), ``resume`` (it was queued again),
            ``claimed`` (a process has it, for this attempt), ``step``, ``sampling``, ``verdict``, ``round`` and
            ``lineage`` (of autopilot), ``paused``, ``continued``, ``retry`` (the attempt ended by what may pass),
            ``end`` (with the status, which says whether it was stopped or cancelled).
        **content
            What else the event says, as JSON values; numbers that JSON does not know become null.
        """
        with _WRITING, locked(self.path.with_suffix(".lock")):
            return self._append(type, content)

    def _append(self, type: str, content: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        broken = self._catch_up()
        event = {
            **_finite(content),
            "n": self._last + 1,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "type": type,
        }
        event = {key: event[key] for key in ("n", "time", "type", *_without(event, "n", "time", "type"))}
        line = json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with self.path.open("ab") as file:
            file.write(b"\n" + line if broken else line)
        self._size, self._last = self.path.stat().st_size, self._last + 1
        return event

    def read(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the events numbered above ``since``, in order."""
        return [json.loads(line) for number, line in self._lines() if number > since]

    def wait(self, since: int, seconds: float) -> list[dict[str, Any]]:
        """Return the events numbered above ``since``, waiting for one if there is none yet.

        Parameters
        ----------
        since
            The number of the last event already known.
        seconds
            How long to wait at most; then the answer is empty.
        """
        until = monotonic() + seconds
        seen = -1
        while True:
            if (size := self._bytes()) != seen:
                seen = size
                if events := self.read(since):
                    return events
            if monotonic() >= until:
                return []
            sleep(min(PAUSE, max(0.0, until - monotonic())))

    def _bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _catch_up(self) -> bool:
        """Find the last number, and say whether the file ends in a broken line."""
        if self._bytes() == self._size:
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._last = max((number for number, _ in self._lines()), default=0)
        return self._bytes() > 0 and not self.path.read_bytes().endswith(b"\n")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                number = _NUMBER.match(line)
                if number and line.endswith(b"}\n"):
                    yield int(number[1]), line


def _without(event: dict[str, Any], *names: str) -> list[str]:
    return [name for name in event if name not in names]


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
