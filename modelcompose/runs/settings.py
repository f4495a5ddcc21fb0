"""What a site or a person settles for the runs of a workspace: ``modelcompose.toml`` in it, and the environment.

    [queue]
    cores = 8                 # that runs may keep busy; by default all of the machine
    memory = 16000            # MB that runs may need together; by default four fifths of the machine's
    timeout = 3600            # seconds for a run that does not say; by default no limit
    retries = 2               # for a run that does not say
    worker = "auto"           # or "none": nothing is begun unless somebody runs ``modelcompose worker``
    [notify]
    webhook = "https://example.org/hook"
    private = false           # whether that may be an address of this machine or its network
    email = "me@example.org"  # with commas between several
    smtp = "mail.example.org:587"
    sender = "modelcompose@example.org"
    user = "me"               # its password stands in MODELCOMPOSE_NOTIFY_PASSWORD only
    [cluster]
    address = "tcp://scheduler:8786"
    [tracking]
    uri = "http://mlflow:5000"        # any MLflow server or database; by default a file in the workspace
    artifacts = "s3://bucket/runs"    # where posteriors and notebooks go when the uri names a database

``MODELCOMPOSE_QUEUE_CORES`` and so on override the file.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelcompose.errors import InvalidInput
from modelcompose.runs.queue import Limits, Terms

__all__ = ["FILE", "Settings"]

FILE = "modelcompose.toml"
PREFIX = "MODELCOMPOSE_"
PART_OF_MEMORY = 0.8


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OfQueue(_Section):
    cores: int = Field(0, ge=0)
    memory: int = Field(0, ge=0)
    timeout: int = Field(0, ge=0)
    retries: int = Field(2, ge=0, le=100)
    worker: Literal["auto", "none"] = "auto"


class OfNotices(_Section):
    webhook: str = ""
    private: bool = False
    email: str = ""
    smtp: str = ""
    sender: str = ""
    user: str = ""


class OfCluster(_Section):
    address: str = ""


class OfTracking(_Section):
    uri: str = ""
    artifacts: str = ""


class Settings(_Section):
    """The settings of one workspace."""

    queue: OfQueue = OfQueue()
    notify: OfNotices = OfNotices()
    cluster: OfCluster = OfCluster()
    tracking: OfTracking = OfTracking()

    @classmethod
    def of(cls, workspace: Path, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read them.

        Raises
        ------
        InvalidInput
            When the file, or a variable of the environment, says what cannot be.
        """
        told: dict[str, Any] = {}
        try:
            told = tomllib.loads((workspace / FILE).read_text("utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise InvalidInput(f"the settings cannot be read: {error}", where=FILE) from None
        for section, field in cls.model_fields.items():
            for name in field.default.__class__.model_fields:
                if (value := environment.get(f"{PREFIX}{section}_{name}".upper())) is not None:
                    told.setdefault(section, {})[name] = value
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InvalidInput(
                f"{first['msg']} at {place!r}", where=FILE, remedy="Correct it there, or in the environment."
            ) from None

    def terms(self, given: Mapping[str, Any]) -> Terms:
        """Complete what somebody asks of the queue.

        Parameters
        ----------
        given
            Fields of ``Terms``; what is None or missing is as settled here.

        Raises
        ------
        InvalidInput
            When a value cannot be.
        """
        asked = {name: value for name, value in given.items() if value is not None}
        usual = {"timeout": self.queue.timeout, "retries": self.queue.retries}
        try:
            return Terms.model_validate(usual | asked)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"{first['msg']} in {'.'.join(map(str, first['loc']))!r}", where="queue") from None

    def limits(self, cores: int = 0, memory: int = 0) -> Limits:
        """Say what the runs of this machine may use together; what is 0 is as settled here, or as the machine has."""
        return Limits(cores or self.queue.cores or _cores(), memory or self.queue.memory or _memory())


def _cores() -> int:
    """Count the cores that this process may use; a container may have fewer than its machine."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _memory() -> int:
    """Say how many MB runs may take; 0 when the system does not tell."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    try:
        told = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
        total = min(total, int(told)) if told.isdigit() else total
    except OSError:
        pass
    return int(total * PART_OF_MEMORY / 1_000_000)
