"""The runs of a workspace: created, looked up, ended, and truthful about those whose process died."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from modelcompose import __version__
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, Forbidden, InvalidInput, NotFound
from modelcompose.runs.checkpoints import POSTERIOR, Checkpoints
from modelcompose.runs.events import EventLog
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.lock import locked
from modelcompose.runs.notebook import EXECUTED, SOURCE, read_executed, write
from modelcompose.runs.process import FILE as PROCESS
from modelcompose.runs.process import Process
from modelcompose.runs.queue import RUNS, Place, Terms
from modelcompose.runs.run import ENDED, Run, RunKind, RunStatus, RunVerdict, verdicts_in
from modelcompose.runs.tracking import ELPD, ELPD_SE, Tracking, git_tags, metrics, shortened
from modelcompose.verdict import Verdict

if TYPE_CHECKING:
    from mlflow.entities import Run as Record

__all__ = ["RunStore"]

OUTCOME = "outcome.json"
LINEAGE = "lineage.json"
WHOLE = re.compile(r"[0-9a-f]{32}")
MLFLOW_STATUS: Mapping[str, str] = {
    "passed": "FINISHED",
    "warned": "FINISHED",
    "failed": "FAILED",
    "stopped": "KILLED",
    "cancelled": "KILLED",
    "error": "FAILED",
}
WITHOUT_TAG: Mapping[str, RunStatus] = {"FINISHED": "passed", "KILLED": "stopped", "FAILED": "error"}
DIED = "The process that executed the run ended unexpectedly."
RESUMABLE = ("stopped", "error", "cancelled")
RESUME = "resume"
OURS = ("mlflow.", "modelcompose.", "dataset.")
"""How the tags begin that are not people's own."""
SENTENCE = 300


class RunStore:
    """The runs of one workspace.

    Constructing it costs nothing and touches no disk; MLflow is brought in by the first call that needs it.

    Parameters
    ----------
    workspace
        The folder that holds the notebooks. What is internal goes into its ``.modelcompose``, executed notebooks
        into its ``runs``.
    tracking_uri
        Any MLflow tracking URI. By default the environment's ``MODELCOMPOSE_TRACKING_URI``, otherwise an SQLite
        file in the workspace.
    """

    def __init__(self, workspace: Path, tracking_uri: str | None = None) -> None:
        self.workspace = Path(workspace).resolve()
        self.home = self.workspace / ".modelcompose"
        own = f"sqlite:///{self.home / 'mlflow.db'}"
        uri = tracking_uri or os.environ.get("MODELCOMPOSE_TRACKING_URI") or own
        self.tracking = Tracking(uri, self.home)

    def folder(self, id: str) -> Path:  # noqa: A002
        """Return the scratch folder of a run, given its whole id; it need not exist."""
        if not WHOLE.fullmatch(id):
            raise NotFound(f"{id!r} is not the id of a run", remedy="List the runs to see their ids.")
        return self.home / "runs" / id

    def create(
        self,
        nb: Mapping[str, Any],
        *,
        name: str,
        notebook_path: str | Path,
        analysis: Analysis,
        dataset_sha256: str | None = None,
        data: str = "",
        parent: str = "",
        autopilot: int = 0,
        fresh: bool = False,
        terms: Terms | None = None,
        kind: RunKind = "run",
        tags: Mapping[str, str] | None = None,
        program: str = RUNS,
        here: bool = False,
    ) -> Run:
        """Record a new run of a ready notebook, and put it on the queue; nothing is executed yet.

        Parameters
        ----------
        nb
            The notebook, its ``parameters`` cell holding every choice.
        name
            What people call the run.
        notebook_path
            The notebook it was made from, relative to the workspace; its folder is the kernel's.
        analysis
            The choices, recorded as MLflow parameters.
        dataset_sha256
            The hash of the table's content, where it is known already.
        data
            What the table is called, with its version where it is a stored one.
        parent
            The whole id of the run whose autopilot makes this one.
        autopilot
            How many remedies the run may try by itself.
        fresh
            Whether it takes over nothing that was finished before it.
        terms
            What is asked of the queue.
        kind
            Only a ``run`` is queued; one of another kind is under way at once, and this process's to finish.
        tags
            What people note on it; names that begin with ``mlflow.``, ``modelcompose.`` or ``dataset.`` are not theirs.
        program
            The module that executes it; a run on autopilot needs one that can apply remedies.
        here
            Whether this process executes it by itself; then no worker takes it.

        Raises
        ------
        Forbidden
            When the notebook lies outside the workspace.
        NotFound
            When its folder, or a run that it is to follow, does not exist.
        InvalidInput
            When a tag's name is not for people.
        """
        notebook = self._inside(notebook_path)
        noted = _noted(tags or {})
        terms = self._settled(terms or Terms())
        tags = {
            "modelcompose.notebook": notebook,
            "modelcompose.model": analysis.model,
            "modelcompose.data": data or analysis.data,
            "modelcompose.question": analysis.question,
            "modelcompose.version": __version__,
            "mlflow.source.name": notebook,
            "mlflow.source.type": "NOTEBOOK",
            **git_tags(self.workspace),
            **({"dataset.sha256": dataset_sha256} if dataset_sha256 else {}),
            **({"modelcompose.parent": parent, "mlflow.parentRunId": parent} if parent else {}),
            **({"modelcompose.autopilot": str(autopilot)} if autopilot else {}),
            **({"modelcompose.kind": kind} if kind != "run" else {}),
            **({"modelcompose.terms": told} if (told := terms.model_dump_json(exclude_defaults=True)) != "{}" else {}),
            "modelcompose.sampler": analysis.sampler,
            **noted,
        }
        self._make_home()
        choices = analysis.model_dump(mode="json")
        run_id = self.tracking.create(name, {} if kind == "tracked" else choices, tags)
        folder = self.folder(run_id)
        folder.mkdir(parents=True)
        write(nb, folder / SOURCE)
        write_json(folder / "analysis.json", choices)
        more = {**({"fresh": True} if fresh else {}), **({"parent": parent} if parent else {})}
        EventLog(folder).append("run", run=run_id, notebook=notebook, **more)
        if here or kind != "run":
            Process.of(os.getpid()).write(folder)
        if kind == "run":
            place = Place(name=name, notebook=notebook, asked=time(), terms=terms, program=program, autopilot=autopilot)
            place.write(folder)
            self.tracking.client.update_run(run_id, status="SCHEDULED")
        return self.get(run_id)

    def _settled(self, terms: Terms) -> Terms:
        """Spell the ids of the runs to follow in full."""
        return terms.model_copy(update={"after": tuple(self.get(one).id for one in terms.after)})

    def get(self, id: str) -> Run:  # noqa: A002
        """Return a run by its id, a unique beginning of it, or its name; of several of one name the newest.

        Raises
        ------
        NotFound
            When there is none, or several ids begin so.
        """
        return self._told(self.tracking.find(id) or self._looked_up(id))

    def whole(self, id: str) -> str:  # noqa: A002
        """Return the whole id of a run; MLflow is asked only when the id is not whole or the run has no folder."""
        here = WHOLE.fullmatch(id) is not None and self.folder(id).is_dir()
        return id if here else self.get(id).id

    def claim(self, id: str) -> Place:  # noqa: A002
        """Let this process have a queued run, given its whole id; nobody else can execute it then.

        MLflow, which takes seconds to import, is asked only when the run's folder does not tell.

        Raises
        ------
        NotFound
            When there is no such run.
        Conflict
            When it has ended, or another process has it.
        """
        folder = self.folder(id)
        if not folder.is_dir():
            raise Conflict(f"the files of run {self.get(id).name!r} are gone", remedy="Start a new run.")
        with locked(folder / "lock"):
            place = Place.read(folder)
            if place is None or (folder / OUTCOME).exists():
                run = self.get(id)
                raise Conflict(f"run {run.name!r} has ended already ({run.status})", remedy="Start a new run.")
            holder = Process.read(folder)
            if holder is not None and holder.pid != os.getpid() and not holder.dead:
                raise Conflict(f"run {place.name!r} is executed by another process", remedy="Wait for it, or stop it.")
            Process.of(os.getpid()).write(folder)
        return place

    def begun(self, id: str) -> None:  # noqa: A002
        """Record that a run, given its whole id, which this process has claimed is under way."""
        with locked(self.folder(id) / "lock"):
            if self._require(id).info.status == "SCHEDULED":
                self.tracking.client.update_run(id, status="RUNNING")

    def checkpoints(self, id: str) -> Checkpoints:  # noqa: A002
        """Return the finished steps of the workspace that a run, given its whole id, may take over.

        A round of autopilot may take over what the run may that it belongs to.
        """
        begun = next((event for event in EventLog(self.folder(id)).read() if event["type"] == "run"), {})
        if begun.get("parent"):
            return self.checkpoints(str(begun["parent"]))
        since = datetime.fromisoformat(begun["time"]).timestamp() if begun.get("fresh") else 0.0
        return Checkpoints(self.home / "steps", since=since)

    def reopen(self, id: str) -> Run:  # noqa: A002
        """Put a run that was stopped or whose process died on the queue again, under its id.

        Raises
        ------
        NotFound
            When there is no such run.
        Conflict
            When it still runs or waits, has ended by itself, or its files are gone.
        """
        run = self.get(id)
        folder = self.folder(run.id)
        with locked(folder / "lock"):
            if self._require(run.id).info.status not in MLFLOW_STATUS.values():
                raise Conflict(f"run {run.name!r} is still {run.status}", remedy="Wait for it, or stop it.")
            if run.status not in RESUMABLE:
                raise Conflict(
                    f"run {run.name!r} has ended ({run.status}); there is nothing to resume",
                    remedy="Change a choice and start a new run; steps that did not change are not run again.",
                )
            place = Place.read(folder)
            if place is None or not (folder / SOURCE).exists():
                raise Conflict(f"the files of run {run.name!r} are gone", remedy="Start a new run.")
            (folder / PROCESS).unlink(missing_ok=True)
            place.model_copy(update={"attempt": place.attempt + 1, "not_before": 0.0}).write(folder)
            (folder / OUTCOME).unlink(missing_ok=True)
            self.tracking.client.update_run(run.id, status="SCHEDULED")
            EventLog(folder).append(RESUME, run=run.id)
        return self.get(run.id)

    def list(self, limit: int = 100) -> list[Run]:
        """Return the newest runs, newest first."""
        return [self._told(record) for record in self.tracking.newest(limit)]

    def finish(self, id: str, *, status: RunStatus, message: str) -> Run:  # noqa: A002
        """Record how a run ended, with everything its folder holds; what is recorded already stays.

        Parameters
        ----------
        id
            The whole id.
        status
            One of ``ENDED``.
        message
            Why it ended so, in a sentence.
        """
        with locked(self.folder(id) / "lock"):
            record = self._require(id)
            if record.info.status not in MLFLOW_STATUS.values():
                self._finish(record, status, message)
        return self._told(self._require(id))

    def published(self, id: str, *, report: str | None = None, app: str | None = None) -> Run:  # noqa: A002
        """Record where a run was published, as paths relative to the workspace."""
        tags = {"modelcompose.report": report, "modelcompose.app": app}
        self.tracking.tag(self._require(id).info.run_id, {key: path for key, path in tags.items() if path})
        return self._told(self._require(id))

    def write_lineage(self, id: str, lineage: Mapping[str, Any]) -> None:  # noqa: A002
        """Keep the rounds of a run's autopilot beside it; one that has ended is recorded with them anew.

        Parameters
        ----------
        id
            The whole id.
        lineage
            A ``workflow.lineage.Lineage`` as JSON values.
        """
        folder = self.folder(id)
        write_json(folder / LINEAGE, lineage)
        if not (folder / OUTCOME).exists():
            return
        record = self._require(id)
        self._write_visible(record, read_executed(folder))
        for name in (EXECUTED, LINEAGE):
            self.tracking.client.log_artifact(record.info.run_id, str(folder / name))

    def artifact(self, id: str, path: str) -> Path:  # noqa: A002
        """Return a file of a run, such as ``posterior.nc``, fetched from MLflow unless it is at hand.

        Raises
        ------
        NotFound
            When the run has no such file.
        """
        from mlflow.exceptions import MlflowException

        here = self.folder(id) / path
        if path in {POSTERIOR, EXECUTED, LINEAGE, "verdicts.json", "analysis.json"} and here.exists():
            return here
        try:
            return Path(self.tracking.client.download_artifacts(id, path))
        except (MlflowException, OSError):
            raise NotFound(f"run {id[:8]} has no file {path!r}") from None

    def _inside(self, path: str | Path) -> str:
        notebook = (self.workspace / path).resolve()
        if not notebook.is_relative_to(self.workspace):
            raise Forbidden(f"{path} is outside the workspace", remedy="Move the notebook into the workspace.")
        if not notebook.parent.is_dir():
            raise NotFound(f"the folder of {path} does not exist", remedy="Save the notebook first.")
        return notebook.relative_to(self.workspace).as_posix()

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        ignore = self.home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")

    def _require(self, id: str) -> Record:  # noqa: A002
        record = self.tracking.find(id)
        if record is None:
            raise NotFound(f"there is no run {id!r}", remedy="List the runs to see their ids.")
        return record

    def _looked_up(self, text: str) -> Record:
        begins: list[Record] = []
        for record in self.tracking.newest():
            if record.info.run_name == text:
                return record
            if text and record.info.run_id.startswith(text):
                begins.append(record)
        if len(begins) == 1:
            return begins[0]
        if begins:
            ids = ", ".join(record.info.run_id[: len(text) + 4] for record in begins[:5])
            raise NotFound(f"{len(begins)} runs begin with {text!r}: {ids}", remedy="Write more of the id.")
        raise NotFound(
            f"there is no run {text!r}", remedy="Give a run's id, the beginning of it, or its name; list the runs."
        )

    def _told(self, record: Record) -> Run:
        """Tell a run as it is, settling first the record of one whose process has died."""
        info, tags = record.info, record.data.tags
        folder = self.folder(info.run_id)
        if info.status not in MLFLOW_STATUS.values() and self._died(info.run_id):
            return self.finish(info.run_id, **self._last_words(info.run_id))
        ended = info.status in MLFLOW_STATUS.values()
        return Run.model_validate(
            {
                "id": info.run_id,
                "name": info.run_name or "",
                "notebook": tags["modelcompose.notebook"],
                "status": _status(record, folder),
                "started": _iso(info.start_time),
                "ended": _iso(info.end_time) if ended and info.end_time else None,
                "model": tags.get("modelcompose.model", ""),
                "data": tags.get("modelcompose.data", ""),
                "message": tags.get("modelcompose.message", ""),
                "verdicts": self._verdicts_of(record, ended),
                "executed": self._existing(tags.get("modelcompose.executed")),
                "git_commit": _commit(tags),
                "report": self._existing(tags.get("modelcompose.report")),
                "app": self._existing(tags.get("modelcompose.app")),
                "parent": tags.get("modelcompose.parent", ""),
                "autopilot": int(tags.get("modelcompose.autopilot", 0)),
                "lineage": _lineage(folder),
                "kind": tags.get("modelcompose.kind", "run"),
                "partial": tags.get("modelcompose.partial") == "true",
                "sampler": tags.get("modelcompose.sampler", ""),
                "elpd": record.data.metrics.get(ELPD),
                "elpd_se": record.data.metrics.get(ELPD_SE),
                "tags": {name: value for name, value in tags.items() if not name.startswith(OURS)},
                **json.loads(tags.get("modelcompose.terms", "{}")),
            }
        )

    def _existing(self, path: str | None) -> str | None:
        return path if path and (self.workspace / path).exists() else None

    def _died(self, run_id: str) -> bool:
        process = Process.read(self.folder(run_id))
        return process is not None and process.dead

    def _last_words(self, run_id: str) -> dict[str, Any]:
        """What the process itself had found before it died, or that it died."""
        words: dict[str, Any] | None = read_json(self.folder(run_id) / OUTCOME)
        return words or {"status": "error", "message": DIED}

    def _verdicts_of(self, record: Record, ended: bool) -> tuple[RunVerdict, ...]:
        if ended:
            told = json.loads(record.data.tags.get("modelcompose.verdicts", "[]"))
        else:
            events = EventLog(self.folder(record.info.run_id)).read()
            since = max((event["n"] for event in events if event["type"] == RESUME), default=0)
            told = [
                event for event in events if event["type"] == "verdict" and "round" not in event and event["n"] > since
            ]
        return tuple(RunVerdict.model_validate(one) for one in told)

    def _finish(self, record: Record, status: RunStatus, message: str) -> None:
        run_id, folder = record.info.run_id, self.folder(record.info.run_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / OUTCOME, {"status": status, "message": message})
        nb = read_executed(folder)
        verdicts = verdicts_in(nb)
        tags = {
            "modelcompose.status": status,
            "modelcompose.verdicts": _short_json(verdicts),
            **_data_tags(verdicts),
            **({"modelcompose.partial": "true"} if any(verdict.partial for verdict in verdicts) else {}),
        }
        try:
            tags["modelcompose.executed"] = self._write_visible(record, nb)
            self._log_files(run_id, verdicts)
        except Exception as error:  # the outcome is recorded even when its files cannot be
            message = f"{message} Its files could not all be stored: {type(error).__name__}: {error}"
        self.tracking.tag(run_id, {**tags, "modelcompose.message": message}, metrics(verdicts))
        self.tracking.client.set_terminated(run_id, MLFLOW_STATUS[status])
        log = EventLog(folder)
        log.append("end", status=status, message=message)
        self.tracking.client.log_artifact(run_id, str(log.path))

    def _write_visible(self, record: Record, nb: Any) -> str:
        """Write the executed notebook where JupyterLab shows it, which serves no hidden folders."""
        run_id, tags = record.info.run_id, record.data.tags
        marks = nb.metadata.setdefault("modelcompose", {})
        marks["run"] = {"id": run_id, "notebook": tags["modelcompose.notebook"]}
        if lineage := _lineage(self.folder(run_id)):
            marks["lineage"] = lineage
        name = re.sub(r"[^\w.-]+", "-", record.info.run_name or "").strip("-.")[:60] or "run"
        path = self.workspace / "runs" / f"{name}-{run_id[:8]}.ipynb"
        path.parent.mkdir(exist_ok=True)
        for written in (path, self.folder(run_id) / EXECUTED):
            write(nb, written)
        return path.relative_to(self.workspace).as_posix()

    def _log_files(self, run_id: str, verdicts: Iterable[Verdict]) -> None:
        folder = self.folder(run_id)
        write_json(folder / "verdicts.json", [verdict.model_dump(mode="json") for verdict in verdicts])
        for name in (EXECUTED, "verdicts.json", "analysis.json", POSTERIOR, LINEAGE):
            if (folder / name).exists():
                self.tracking.client.log_artifact(run_id, str(folder / name))


def _commit(tags: Mapping[str, str]) -> str | None:
    commit = tags.get("mlflow.source.git.commit")
    return f"{commit} (with changes)" if commit and tags.get("modelcompose.git.dirty") == "true" else commit


def _short_json(verdicts: Iterable[Verdict]) -> str:
    """The verdicts as JSON that fits into a tag, their sentences cut where it must be."""
    for length in (SENTENCE, 120, 40, 0):
        told = [
            RunVerdict.of(verdict).model_dump()
            | {
                "title": shortened(verdict.title, SENTENCE),
                "sentence": shortened(verdict.sentence, length) if length else "",
            }
            for verdict in verdicts
        ]
        text = json.dumps(told, ensure_ascii=False)
        if len(text) < 5000:
            return text
    return "[]"


def _data_tags(verdicts: Iterable[Verdict]) -> dict[str, str]:
    hashes = [verdict.details.get("sha256") for verdict in verdicts if verdict.step == "data"]
    return {"dataset.sha256": str(hashes[-1])} if hashes and hashes[-1] else {}


def _lineage(folder: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = read_json(folder / LINEAGE)
    return found


def _status(record: Record, folder: Path) -> RunStatus:
    """Say how a run stands; of one that has not ended its folder knows more than MLflow."""
    if record.info.status in MLFLOW_STATUS.values():
        known = record.data.tags.get("modelcompose.status")
        return known if known in ENDED else WITHOUT_TAG.get(record.info.status, "error")
    if record.info.status == "SCHEDULED" and Process.read(folder) is None:
        return "queued"
    return "running"


def _noted(tags: Mapping[str, str]) -> dict[str, str]:
    for name in tags:
        if not name or name.startswith(OURS):
            raise InvalidInput(f"a tag cannot be called {name!r}", where="tags", remedy="Choose another name.")
    return {name: shortened(str(value), SENTENCE) for name, value in tags.items()}


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
