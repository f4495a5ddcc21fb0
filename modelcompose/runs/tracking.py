"""MLflow's side of a run: a quiet client, one experiment, and values cut to what MLflow takes."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from modelcompose.errors import Conflict, InvalidInput, Unavailable
from modelcompose.runs.lock import locked
from modelcompose.runs.reach import SQLITE, addressed, client_of, reaching, shown, without_account
from modelcompose.verdict import Verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment
    from mlflow.entities import Run as Record

__all__ = ["ELPD", "ELPD_SE", "ORIGINAL", "Point", "Tracking", "metrics", "shortened"]

EXPERIMENT = "modelcompose"
OURS = "modelcompose.notebook"
ORIGINAL = "modelcompose.original"
"""The tag with the id that a run bore where it was executed, if it was brought here from elsewhere."""
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
KEY_LENGTH = 250
UNFINISHED = "modelcompose.unfinished"
BATCH = 100  # MLflow takes no more parameters or tags at once
PAGE = 500
NEWEST = "attributes.start_time DESC"
MOST_POINTS = 500
CHATTY = {"mlflow.store.db.utils": logging.CRITICAL, "mlflow.tracking": logging.WARNING, "alembic": logging.WARNING}
"""Whose messages are not for users, and from which level on they are; what went wrong is raised."""
ELPD, ELPD_SE = "elpd", "elpd.se"

Point = tuple[str, float, int, int]
"""A measured number: name, value, when in milliseconds since 1970, step."""


class Tracking:
    """The runs of one MLflow store.

    Parameters
    ----------
    uri
        MLflow's tracking URI.
    folder
        Where files go unless somebody says so, or ``uri`` names a server, which then decides.
    artifacts
        The address that files go to, such as ``s3://bucket/runs``; it counts when the first run is recorded.

    Notes
    -----
    Whatever keeps MLflow from doing its part is raised as ``Unavailable``; see ``reach``.
    """

    def __init__(self, uri: str, folder: Path, artifacts: str = "") -> None:
        self.uri = uri
        self.folder = folder
        self._artifacts = artifacts

    @classmethod
    def at(cls, uri: str, home: Path, artifacts: str = "", *, where: str = "tracking") -> Self:
        """Return the store at an address that somebody has written.

        Parameters
        ----------
        home
            The workspace's ``.modelcompose``. A relative ``sqlite:///`` begins in the workspace.
        where
            Where it was written.

        Raises
        ------
        InvalidInput
            When it is no address of MLflow.
        """
        whole = addressed(uri, home.parent, where=where)
        file = whole.removeprefix(SQLITE)
        return cls(whole, home if file == whole else Path(file).parent, artifacts)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client, its database made if need be, by one process at a time."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        # A server that cannot be reached is asked again later; minutes of waiting would keep everybody else waiting.
        for name, value in {"MAX_RETRIES": 2, "BACKOFF_FACTOR": 1, "TIMEOUT": 20}.items():
            os.environ.setdefault(f"MLFLOW_HTTP_REQUEST_{name}", str(value))
        for name, level in CHATTY.items():
            logging.getLogger(name).setLevel(level)
        with locked(self.folder / "mlflow.lock"):
            client = client_of(self.uri)
            client.get_experiment_by_name(EXPERIMENT)  # makes the tables of a new database
        return client

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that holds all runs, made if need be."""
        with locked(self.folder / "mlflow.lock"):
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return self._usable(found)
            # The kind makes MLflow's own pages open on models and runs instead of on language models.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=self._location(), tags=kind))

    def _usable(self, found: Experiment) -> str:
        if found.lifecycle_stage != "active":
            raise Conflict(
                f"the experiment {EXPERIMENT!r}, which holds all runs, was deleted from MLflow",
                where=shown(self.uri),
                remedy=f"Restore it: mlflow experiments restore --experiment-id {found.experiment_id}.",
            )
        return str(found.experiment_id)

    def _location(self) -> str | None:
        served = self.uri.startswith(("http:", "https:", "databricks"))
        return self._artifacts or (None if served else (self.folder / "artifacts").as_uri())

    @property
    def empty(self) -> bool:
        """Whether nothing can have been recorded yet, which is known without MLflow where it keeps its own file."""
        file = self.uri.removeprefix(SQLITE)
        return file != self.uri and not Path(file).exists()

    @property
    def digest(self) -> str:
        """What tells this store from others, without saying where it is."""
        return hashlib.sha256(without_account(self.uri).encode()).hexdigest()[:16]

    def create(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Begin a run and return its id."""
        from mlflow.entities import Param

        record = self.client.create_run(self.experiment, run_name=name, tags={**tags})
        written = [Param(key, shortened(_json(value), PARAM_LENGTH)) for key, value in params.items()]
        self.client.log_batch(record.info.run_id, params=written)
        return str(record.info.run_id)

    def find(self, id: str) -> Record | None:  # noqa: A002
        """Return a run by its whole id; None when it does not exist, was deleted or is not ours."""
        from mlflow.exceptions import MlflowException

        if not re.fullmatch(r"[0-9a-f]{32}", id):
            return None
        try:
            record = self.client.get_run(id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        ours = record.info.lifecycle_stage == "active" and OURS in record.data.tags
        return record if ours else None

    def brought(self, original: str) -> Record | None:
        """Return the run that was brought here whole and bore this id where it was executed; None when there is none.

        What is left of one whose bringing was interrupted is removed.
        """
        if not re.fullmatch(r"[0-9a-f]{32}", original):
            return None
        found = self.client.search_runs([self.experiment], filter_string=f"tags.`{ORIGINAL}` = '{original}'")
        for record in found:
            if UNFINISHED not in record.data.tags:
                return record
            self.client.delete_run(record.info.run_id)
        return None

    def told(self, id: str) -> dict[str, Any]:  # noqa: A002
        """Return all that MLflow knows of a run but its files, as JSON values."""
        record = self.client.get_run(id)
        history = [one for name in record.data.metrics for one in self.client.get_metric_history(id, name)]
        return {
            "id": id,
            "name": record.info.run_name or "",
            "status": record.info.status,
            "started": record.info.start_time,
            "ended": record.info.end_time,
            "tags": dict(record.data.tags),
            "params": dict(record.data.params),
            "metrics": [[one.key, one.value, one.timestamp, one.step] for one in history],
        }

    def fetch(self, id: str, path: str) -> Path | None:  # noqa: A002
        """Return a copy of one of a run's files; None when it has none of that name."""
        from mlflow.exceptions import MlflowException

        try:
            return Path(self.client.download_artifacts(id, path))
        except (MlflowException, OSError):
            return None
        except Unavailable:  # said of a file that is missing, too, where files are fetched from a server
            beside = self.client.list_artifacts(id, path.rpartition("/")[0] or None)
            if path in {one.path for one in beside}:
                raise
            return None

    def adopt(self, told: Mapping[str, Any], files: Path) -> str:
        """Record a run that was executed elsewhere, with its files, and return its id here.

        Parameters
        ----------
        told
            What ``told`` has returned there, its tags fit for this place.
        files
            A folder with its files.
        """
        from mlflow.entities import Metric, Param, RunTag

        tags = {**told["tags"], UNFINISHED: "true"}
        first = {name: tags[name] for name in (ORIGINAL, UNFINISHED) if name in tags}
        record = self.client.create_run(self.experiment, start_time=told["started"], run_name=told["name"], tags=first)
        id_ = str(record.info.run_id)
        metrics = [Metric(name, value, when, step) for name, value, when, step in told["metrics"]]
        params = [Param(name, value) for name, value in told["params"].items()]
        rest = [RunTag(name, value) for name, value in tags.items()]
        for at in range(0, max(len(metrics), len(params), len(rest)), BATCH):
            part = slice(at, at + BATCH)
            self.client.log_batch(id_, metrics=metrics[part], params=params[part], tags=rest[part])
        if any(files.iterdir()):
            self.client.log_artifacts(id_, str(files))
        self.client.set_terminated(id_, told["status"], told["ended"])
        self.client.delete_tag(id_, UNFINISHED)
        return id_

    def page(
        self, limit: int, where: str = "", token: str = "", order: str = NEWEST, *, trash: bool = False
    ) -> tuple[list[Record], str]:
        """Return our runs that fit, in order, and what to ask for the next page with; empty at the end.

        Parameters
        ----------
        limit
            How many at most.
        where
            A filter in MLflow's words: ``metrics.`sampling.r-hat` < 1.01 AND attributes.run_name = 'x'``.
        token
            What the page before has said; empty for the first one.
        order
            What they are sorted by, in MLflow's words; of equals the newest comes first.
        trash
            Whether those in the trash are meant, instead of the others.

        Raises
        ------
        InvalidInput
            When the filter cannot be read.
        """
        from mlflow.entities import ViewType
        from mlflow.exceptions import MlflowException

        try:
            page = self.client.search_runs(
                [self.experiment],
                filter_string=where,
                run_view_type=ViewType.DELETED_ONLY if trash else ViewType.ACTIVE_ONLY,
                order_by=list(dict.fromkeys([order, NEWEST])),
                max_results=limit,
                page_token=token or None,
            )
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            said = str(error.message).splitlines()[0]
            remedy = "Write it as metrics.`sampling.draws` > 1000 AND tags.owner = 'me'."
            raise InvalidInput(f"this is not a filter: {said}", where="where", remedy=remedy) from None
        ours = [one for one in page if OURS in one.data.tags and not (trash and UNFINISHED in one.data.tags)]
        return ours, page.token or ""

    def newest(self, limit: int | None = None, where: str = "", *, trash: bool = False) -> Iterator[Record]:
        """Yield our runs that fit, newest first."""
        token, left = "", limit
        while left is None or left > 0:
            found, token = self.page(min(left or PAGE, PAGE), where, token, trash=trash)
            yield from found
            left = None if left is None else left - len(found)
            if not token:
                return

    def tag(self, id: str, tags: Mapping[str, str]) -> None:  # noqa: A002
        """Add tags in one call."""
        from mlflow.entities import RunTag

        self.client.log_batch(id, tags=[RunTag(key, shortened(value, TAG_LENGTH)) for key, value in tags.items()])

    def measure(self, id: str, points: Sequence[Point]) -> None:  # noqa: A002
        """Add metrics; a point that is there already is not doubled."""
        from mlflow.entities import Metric

        for at in range(0, len(points), MOST_POINTS):
            self.client.log_batch(id, metrics=[Metric(*point) for point in points[at : at + MOST_POINTS]])

    def discard(self, id: str, path: str) -> None:  # noqa: A002
        """Remove one of a run's files, if it has it."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        beside = self.client.list_artifacts(id, path.rpartition("/")[0] or None)
        if path in {one.path for one in beside}:
            with reaching(self.uri):
                where = str(self.client.get_run(id).info.artifact_uri)
                get_artifact_repository(where, tracking_uri=self.uri).delete_artifacts(path)  # type: ignore[no-untyped-call]


def metrics(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """Name every number that a verdict found ``<step>.<finding>``, in the characters that MLflow takes."""
    measured: dict[str, float] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            if finding.value is not None:
                measured[_free(_key(verdict.step, finding.name), measured)] = finding.value
        density = verdict.details.get("elpd")
        if isinstance(density, Mapping) and density.get("elpd") is not None and density.get("se") is not None:
            measured |= {ELPD: float(density["elpd"]), ELPD_SE: float(density["se"])}
    return measured


def _key(step: str, name: str) -> str:
    slug = re.sub(r"[^\w]+", "-", name.casefold()).strip("-") or "value"
    return f"{step}.{slug}"[: KEY_LENGTH - 4]


def _free(key: str, taken: Mapping[str, float]) -> str:
    number = 2
    fresh = key
    while fresh in taken:
        fresh, number = f"{key}-{number}", number + 1
    return fresh


def _json(value: Any) -> str:
    return dumps(value, ensure_ascii=False)


def shortened(text: str, length: int) -> str:
    """Cut a text to a length, with an ellipsis to show it."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
