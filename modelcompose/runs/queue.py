"""The queue: which runs wait, who has which, and what they were promised.

It is a part of the run store, kept where it can be read without MLflow: a run that waits or is under way has a file in
``queue``, and whoever executes it writes its name into the run's own folder, under a lock. A process that dies leaves
its name behind, and that is how its death is noticed.

    .modelcompose/queue/<id>.json          the place of a run that has not ended; the record moves to the run's folder
    .modelcompose/runs/<id>/process.json   who has it; no file: it waits
    .modelcompose/runs/<id>/outcome.json   how it ended
    .modelcompose/runs/<id>/ask.json       what somebody asks of it
    .modelcompose/runs/<id>/pause          there while it is to pause

Several machines may work on one workspace if its disk keeps locks among them, as NFS does from version 4 on, and Lustre
when it is mounted with ``flock``. They then need an MLflow server: SQLite is for one machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import time
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from modelcompose.errors import Conflict, NotFound
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.lock import locked
from modelcompose.runs.process import FILE as PROCESS
from modelcompose.runs.process import Process

__all__ = ["OUTCOME", "Asked", "Limits", "Place", "Queue", "Standing", "Terms", "next_runs"]

PLACE = "place.json"
OUTCOME = "outcome.json"
ASK = "ask.json"
PAUSE = "pause"
RUNS = "modelcompose.runs"
WHOLE = re.compile(r"[0-9a-f]{32}")
BACK_OFF = (2.0, 300.0)
"""Seconds before the second attempt, doubled before each further one, and the most it comes to."""
USUAL_MEMORY = 800
"""What a run is taken to need when nobody has said so, in MB: its imports and the draws of a usual model."""


class Terms(BaseModel):
    """What somebody asks of the queue for a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: int = Field(0, ge=-1000, le=1000, description="Higher begins first; of equals the older one.")
    cores: int = Field(0, ge=0, le=100_000, description="Cores that it keeps busy; 0 leaves it to the worker.")
    memory: int = Field(0, ge=0, description="Memory that it needs, in MB; 0 leaves it to the worker.")
    timeout: int = Field(0, ge=0, description="Seconds after which an attempt is stopped; 0 for never.")
    retries: int = Field(0, ge=0, le=100, description="How often it begins again when its process or kernel dies.")
    cluster: str = Field(
        "", max_length=1000, description="Address or file of the Dask scheduler that its fits are spread over."
    )
    after: tuple[str, ...] = Field((), max_length=100, description="Runs that must have ended well before it begins.")

    @field_validator("after")
    @classmethod
    def _once(cls, after: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(after))


class Place(BaseModel):
    """A run's place in the queue, and all that a worker must know to begin it.

    Parameters
    ----------
    name, notebook
        What people call it, and the notebook it was made from, relative to the workspace.
    asked
        When it was asked for, in seconds since 1970.
    chains
        How many chains it samples; 0 for one that computes nothing itself.
    program
        The module that executes it.
    autopilot
        How many remedies it may try.
    within
        The run as a part of which it is executed; empty for one of its own.
    attempt
        Which attempt comes next, or is under way, from 1.
    not_before
        When it may begin at the earliest, in seconds since 1970.
    recorded
        Which store has its record: ``Tracking.digest``; a workspace may record elsewhere from some day on.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    notebook: str
    asked: float
    terms: Terms = Terms()
    chains: int = 4
    program: str = RUNS
    autopilot: int = 0
    within: str = ""
    attempt: int = 1
    not_before: float = 0.0
    recorded: str = ""

    @field_validator("program")
    @classmethod
    def _ours(cls, program: str) -> str:
        if not re.fullmatch(r"modelcompose(\.\w+)+", program):
            raise ValueError("only a module of ModelCompose executes runs")
        return program

    @property
    def turn(self) -> tuple[int, float]:
        """What to sort by: higher priority first, then the older one."""
        return -self.terms.priority, self.asked

    @property
    def seconds_left(self) -> float:
        """How long it still waits before it may begin; a clock that was set back does not make it wait for longer."""
        seconds = self.not_before - time()
        return max(seconds, 0.0) if seconds <= BACK_OFF[1] else 0.0

    def again(self, wait: float | None = None) -> Place:
        """Return the place of the next attempt, by default after a back-off that doubles every time."""
        first, most = BACK_OFF
        seconds = min(first * 2 ** (self.attempt - 1), most) if wait is None else wait
        return self.model_copy(update={"attempt": self.attempt + 1, "not_before": time() + seconds})

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None when it is not there."""
        try:
            return cls.model_validate(read_json(path))
        except ValidationError:
            return None


@dataclass(frozen=True)
class Asked:
    """What somebody asks of a run that is under way, and how often."""

    ask: Literal["", "stop", "cancel"] = ""
    n: int = 0

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read it from a run's folder."""
        told = read_json(folder / ASK)
        known = isinstance(told, dict) and told.get("ask") in ("stop", "cancel")
        return cls(told["ask"], int(told.get("n", 1))) if known else cls()


@dataclass(frozen=True)
class Standing:
    """How a run stands that has not ended, or whose end is not recorded yet."""

    id: str
    folder: Path
    place: Place

    @cached_property
    def holder(self) -> Process | None:
        """Who has it; None while it waits."""
        return Process.read(self.folder)

    @cached_property
    def outcome(self) -> dict[str, Any] | None:
        """How it ended, where that is known but not recorded yet."""
        told: dict[str, Any] | None = read_json(self.folder / OUTCOME)
        return told

    @property
    def paused(self) -> bool:
        """Whether somebody wants it to pause."""
        return (self.folder / PAUSE).exists()

    @property
    def waits(self) -> bool:
        """Whether nobody has it yet."""
        return self.holder is None and self.outcome is None

    @property
    def left(self) -> bool:
        """Whether whoever had it has died, or left its end to be recorded by somebody else."""
        if self.holder is None:
            return self.outcome is not None
        return self.holder.dead or (self.outcome is not None and self.holder.mine)


class Queue:
    """The runs of a workspace that have not ended.

    Any number of processes may use it at once.

    Parameters
    ----------
    home
        The workspace's ``.modelcompose``.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._queue = home / "queue"

    def folder(self, id: str) -> Path:  # noqa: A002
        """Return the folder of a run, given its whole id; it need not exist."""
        if not WHOLE.fullmatch(id):
            raise NotFound(f"{id!r} is not the id of a run", remedy="List the runs to see their ids.")
        return self.home / "runs" / id

    def put(self, id: str, place: Place) -> None:  # noqa: A002
        """Give a run a place, or another one."""
        self._queue.mkdir(parents=True, exist_ok=True)
        write_json(self._place(id), place.model_dump(mode="json"))

    def place(self, id: str) -> Place | None:  # noqa: A002
        """Return the place of a run that has not ended; None when it has."""
        return Place.read(self._place(id))

    def standing(self, id: str) -> Standing | None:  # noqa: A002
        """Say how a run stands; None when it has ended and that is recorded."""
        place = self.place(id)
        return None if place is None else Standing(id, self.folder(id), place)

    def open(self) -> list[Standing]:
        """Return all runs that have not ended, the next one first."""
        try:
            names = [file.stem for file in self._queue.iterdir() if WHOLE.fullmatch(file.stem)]
        except FileNotFoundError:
            return []
        found = [standing for name in names if (standing := self.standing(name))]
        return sorted(found, key=lambda one: one.place.turn)

    def locked(self, id: str) -> Any:  # noqa: A002
        """Hold the lock of a run: who has it, and how it ended, change under it only."""
        return locked(self.folder(id) / "lock")

    def claim(self, id: str) -> Place:  # noqa: A002
        """Let this process have a run, given its whole id; nobody else can execute it then.

        Raises
        ------
        Conflict
            When it has ended, or another process has it.
        """
        folder = self.folder(id)
        if not folder.is_dir():
            raise Conflict(f"the files of run {id[:8]} are gone", remedy="Start a new run.")
        with self.locked(id):
            place = self.place(id)
            if place is None or (folder / OUTCOME).exists():
                raise Conflict(f"run {id[:8]} has ended already", remedy="Start a new run.")
            holder = Process.read(folder)
            if holder is not None and not holder.mine and not holder.dead:
                raise Conflict(f"run {place.name!r} is executed by another process", remedy="Wait for it, or stop it.")
            self.hold(id)
        return place

    def hold(self, id: str) -> None:  # noqa: A002
        """Write down that this process has a run."""
        Process.of(os.getpid()).write(self.folder(id))

    def again(self, id: str, place: Place, *, held: bool = False) -> None:  # noqa: A002
        """Put a run back, into the hands of this process if it is to be held; what was asked before is forgotten."""
        folder = self.folder(id)
        if held:
            self.hold(id)
        self.put(id, place)
        for name in (ASK, PAUSE, OUTCOME, *(() if held else (PROCESS,))):
            (folder / name).unlink(missing_ok=True)

    def leave(self, id: str) -> None:  # noqa: A002
        """Take a run whose end is recorded off the queue."""
        folder = self.folder(id)
        if self._place(id).exists():
            self._place(id).replace(folder / PLACE)
        for name in (ASK, PAUSE):
            (folder / name).unlink(missing_ok=True)

    def former(self, id: str) -> Place | None:  # noqa: A002
        """Return the place that a run had before it ended."""
        return Place.read(self.folder(id) / PLACE)

    def ask(self, id: str, what: Literal["stop", "cancel"]) -> None:  # noqa: A002
        """Ask the process that has a run to stop it or to cancel it; it hears that within a second."""
        folder = self.folder(id)
        with self.locked(id):
            before = Asked.of(folder)
            ask = "cancel" if "cancel" in (what, before.ask) else "stop"
            write_json(folder / ASK, {"ask": ask, "n": before.n + 1})
            (folder / PAUSE).unlink(missing_ok=True)

    def pause(self, id: str, paused: bool = True) -> None:  # noqa: A002
        """Let a run pause, or go on: one that waits is not begun, and one that samples draws nothing meanwhile."""
        file = self.folder(id) / PAUSE
        file.touch() if paused else file.unlink(missing_ok=True)

    def _place(self, id: str) -> Path:  # noqa: A002
        return self._queue / f"{id}.json"


@dataclass(frozen=True)
class Limits:
    """What a worker may use of its machine.

    Parameters
    ----------
    cores
        Cores.
    memory
        In MB; 0 when nobody knows how much there is.
    """

    cores: int
    memory: int = 0

    def share(self, place: Place) -> tuple[int, int]:
        """Say how many cores and how much memory a run counts for.

        Where nobody has said so, its chains count, but no more than half of the cores: so two runs go on side by side.
        """
        if not place.chains:
            return 0, 0
        cores = place.terms.cores or min(place.chains, max(1, self.cores // 2))
        return cores, place.terms.memory or USUAL_MEMORY


def next_runs(waiting: Iterable[Standing], busy: Iterable[Standing], limits: Limits) -> list[Standing]:
    """Choose the runs that begin now, given those that wait, the next one first, and those under way here.

    Nobody overtakes the run whose turn it is and which waits for room; otherwise a large one would wait for ever. One
    that needs more than there is begins when nothing else is under way.
    """
    used = [limits.share(one.place) for one in busy if not one.place.within]
    chosen = []
    for one in waiting:
        if one.place.seconds_left or one.paused:
            continue
        together = [*used, limits.share(one.place)]
        cores, memory = (sum(part) for part in zip(*together, strict=True))
        if used and (cores > limits.cores or (limits.memory and memory > limits.memory)):
            break
        used = together
        chosen.append(one)
    return chosen
