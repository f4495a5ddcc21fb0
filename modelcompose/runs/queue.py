"""A run's place in the queue: what it was promised when it was asked for, kept beside it in its folder.

The queue is the run store itself: a queued run is an MLflow run with status SCHEDULED and a folder with its notebook,
its choices and its place. Whoever executes it claims the folder; nothing else says whose turn it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from modelcompose.runs.files import read_json, write_json

__all__ = ["Place", "Terms"]

FILE = "queue.json"
RUNS = "modelcompose.runs"


class Terms(BaseModel):
    """What somebody asks of the queue for a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: int = Field(0, ge=-1000, le=1000, description="Higher begins first; of equals the older one.")
    cores: int = Field(0, ge=0, le=100_000, description="Cores that it keeps busy; 0 leaves it to the worker.")
    memory: int = Field(0, ge=0, description="Memory that it needs, in MB; 0 leaves it to the worker.")
    timeout: int = Field(0, ge=0, description="Seconds after which it is stopped; 0 for never.")
    retries: int = Field(0, ge=0, le=100, description="How often it begins again when its process or kernel dies.")
    after: tuple[str, ...] = Field(
        (), max_length=100, description="The runs that must have ended well before it begins."
    )

    @field_validator("after")
    @classmethod
    def _once(cls, after: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(after))


class Place(BaseModel):
    """A run's place in the queue, and all that a worker must know to begin it.

    Parameters
    ----------
    notebook
        The notebook it was made from, relative to the workspace.
    program
        The module that executes it.
    autopilot
        How many remedies it may try.
    asked
        When it was asked for, in seconds since 1970.
    attempt
        Which attempt comes next, or is under way, from 1.
    not_before
        When it may begin at the earliest, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    notebook: str
    asked: float
    terms: Terms = Terms()
    program: str = RUNS
    autopilot: int = 0
    attempt: int = 1
    not_before: float = 0.0

    @field_validator("program")
    @classmethod
    def _ours(cls, program: str) -> str:
        if not re.fullmatch(r"modelcompose(\.\w+)+", program):
            raise ValueError("only a module of ModelCompose executes runs")
        return program

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from a run's folder; None when it is not there."""
        try:
            return cls.model_validate(read_json(folder / FILE))
        except ValidationError:
            return None

    def write(self, folder: Path) -> None:
        """Write it into a run's folder."""
        write_json(folder / FILE, self.model_dump(mode="json"))

    @property
    def turn(self) -> tuple[int, float]:
        """What to sort by: higher priority first, then the older one."""
        return -self.terms.priority, self.asked
