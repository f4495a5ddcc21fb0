"""Runs: headless executions of a ready notebook, each recorded so that its outcome can be trusted.

This floor knows notebooks, verdicts and MLflow; it has never heard of servers, panels or samplers. It may import the
floors below it (errors, verdict, analysis), nbformat and pydantic; papermill, nbclient and MLflow are imported only
when something is executed or recorded, since the server process imports this package.

    store = RunStore(workspace)
    run = store.create(nb, name="sleep", notebook_path="sleep.ipynb", analysis=analysis)
    ensure_worker(store)            # a process of its own, which outlives this one, runs what is queued
    autopilot(store, run.id, 3, prepare)   # here and now, and up to three remedies after it
    EventLog(store.folder(run.id)).wait(since=0, seconds=20)
    stop(store, run.id)             # keeps the draws so far
    store.get(run.id)

The package itself can be called: ``modelcompose.runs(status="passed")`` is the table of a workspace's runs.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelcompose.runs.autopilot import Prepare, Ready, autopilot
from modelcompose.runs.engine import Control
from modelcompose.runs.events import EventLog
from modelcompose.runs.execute import execute
from modelcompose.runs.launch import cancel, follow, pause, resume, start, stop
from modelcompose.runs.queue import Terms
from modelcompose.runs.registry import Registry
from modelcompose.runs.run import ENDED, Run, RunVerdict
from modelcompose.runs.settings import Settings
from modelcompose.runs.store import RunStore
from modelcompose.runs.worker import Worker, ensure_worker

__all__ = [
    "ENDED",
    "Control",
    "EventLog",
    "Prepare",
    "Ready",
    "Registry",
    "Run",
    "RunStore",
    "RunVerdict",
    "Settings",
    "Terms",
    "Worker",
    "autopilot",
    "cancel",
    "ensure_worker",
    "execute",
    "follow",
    "pause",
    "resume",
    "start",
    "stop",
]

if TYPE_CHECKING:
    from pandas import DataFrame


class _Runs(ModuleType):
    """Lets the package be called: a part of ``modelcompose`` and its table of runs cannot have two names."""

    def __call__(self, *arguments: Any, **options: Any) -> "DataFrame":
        """Return the runs of a workspace as a table; see ``modelcompose.runs.frame.runs``."""
        from modelcompose.runs.frame import runs

        return runs(*arguments, **options)


sys.modules[__name__].__class__ = _Runs
