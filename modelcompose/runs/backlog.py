"""What a run could not note while MLflow was out of reach: it waits in the run's folder, and is recorded at the end."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelcompose.errors import Unavailable
from modelcompose.runs.tracking import Tracking

__all__ = ["catch_up", "note"]

FILE = "unrecorded.jsonl"

logger = logging.getLogger("modelcompose.runs")


def note(tracking: Tracking, id: str, folder: Path, **what: Any) -> None:  # noqa: A002
    """Record something of a run now, or later when MLflow is out of reach.

    Parameters
    ----------
    tracking
        Where the run is recorded.
    id
        Its whole id.
    folder
        Its folder.
    what
        ``params``, texts by name; ``metrics``, a list of points; ``file``, one of the folder, and ``into``, where it
        goes among the run's files.
    """
    try:
        _record(tracking, id, folder, what)
    except Unavailable as error:
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(what, ensure_ascii=False) + "\n")
        logger.warning("It is kept in the run's folder until it can be recorded: %s", error)


def catch_up(tracking: Tracking, id: str, folder: Path) -> list[str]:  # noqa: A002
    """Record what waits, in order; return what MLflow does not take, such as another value of a parameter.

    What had been recorded already, before this was interrupted, is not doubled.

    Raises
    ------
    Unavailable
        When MLflow is out of reach still. Nothing is lost.
    """
    from mlflow.exceptions import MlflowException

    refused = []
    try:
        lines = (folder / FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        for what in _single(json.loads(line)):
            try:
                _record(tracking, id, folder, what)
            except (MlflowException, OSError) as error:
                refused.append(str(getattr(error, "message", error)))
    (folder / FILE).unlink()
    return refused


def _single(what: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Take parameters one by one: MLflow refuses all that come together with one that it does not take."""
    params = what.get("params")
    return [{"params": {name: text}} for name, text in params.items()] if params else [what]


def _record(tracking: Tracking, id: str, folder: Path, what: Mapping[str, Any]) -> None:  # noqa: A002
    from mlflow.entities import Param

    if params := what.get("params"):
        tracking.client.log_batch(id, params=[Param(name, text) for name, text in params.items()])
    if metrics := what.get("metrics"):
        tracking.measure(id, [(name, value, when, step) for name, value, when, step in metrics])
    if file := what.get("file"):
        tracking.client.log_artifact(id, str(folder / file), what.get("into"))
