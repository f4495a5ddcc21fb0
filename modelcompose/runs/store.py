"""The runs of a workspace: created, looked up, ended, and truthful about those whose process died."""

from __future__ import annotations

import json
import logging
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, get_args

from modelcompose import __version__
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from modelcompose.runs.backlog import catch_up
from modelcompose.runs.checkpoints import POSTERIOR, Checkpoints
from modelcompose.runs.curves import points
from modelcompose.runs.events import EventLog
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.filters import NOTE, STARRED, WORDS, Filter, order, quoted
from modelcompose.runs.machine import git_tags
from modelcompose.runs.notebook import EXECUTED, SOURCE, read_executed, write
from modelcompose.runs.notes import OURS, require_ours
from modelcompose.runs.queue import OUTCOME, RUNS, WHOLE, Place, Queue, Standing, Terms
from modelcompose.runs.record import RECORD, complete, seconds_by_step
from modelcompose.runs.record import read as read_record
from modelcompose.runs.record import tags as record_tags
from modelcompose.runs.reproduce import REPRODUCTION
from modelcompose.runs.run import ENDED, Run, RunKind, RunStatus, RunVerdict, verdicts_in
from modelcompose.runs.settings import Settings
from modelcompose.runs.tracking import ELPD, ELPD_SE, ORIGINAL, Tracking, metrics, shortened
from modelcompose.verdict import Verdict

if TYPE_CHECKING:
    from mlflow.entities import Run as Record

__all__ = ["RunStore"]

LINEAGE = "lineage.json"
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
NEVER_MADE = "The process that made the run ended before it was on the queue."
RESUMABLE = ("stopped", "error", "cancelled")
QUEUED: tuple[RunKind, ...] = ("run", "sweep")
RESUME = "resume"
PARTIAL = "modelcompose.partial"
ALWAYS = frozenset(
    {"data", "outcome", "question", "model", "formula", "sampler", "draws", "tune", "chains", "random_seed"}
)
"""The choices that MLflow shows of every run."""
MAKING_SECONDS = 60.0
"""A run that is not on the queue so long after it was made never will be: its maker has died."""
SENTENCE = 300
LOOKED_AT = 30
"""Among so many of the newest runs a figure is looked for that somebody names in short."""
FILES = (EXECUTED, SOURCE, "verdicts.json", "analysis.json", POSTERIOR, LINEAGE, RECORD, REPRODUCTION)
"""What a run leaves on record, where there is such."""


logger = logging.getLogger("modelcompose.runs")


class RunStore:
    """The runs of one workspace.

    Constructing it costs nothing and touches no disk; MLflow is brought in by the first call that needs it, and every
    call that needs it raises ``Unavailable`` when it is out of reach.

    Parameters
    ----------
    workspace
        The folder that holds the notebooks. What is internal goes into its ``.modelcompose``, executed notebooks
        into its ``runs``.
    tracking_uri
        Any MLflow tracking URI. By default that of the settings: the environment's ``MODELCOMPOSE_TRACKING_URI``,
        ``uri`` in the section ``[tracking]`` of ``modelcompose.toml``, otherwise an SQLite file in the workspace.
    """

    def __init__(self, workspace: Path, tracking_uri: str | None = None) -> None:
        self.workspace = Path(workspace).resolve()
        self.home = self.workspace / ".modelcompose"
        self._asked = tracking_uri
        self.queue = Queue(self.home)

    @cached_property
    def tracking(self) -> Tracking:
        """Where runs are recorded; it stays the same for the life of this object.

        Raises
        ------
        InvalidInput
            When the settings cannot be read, or the address is none of MLflow.
        """
        settled = Settings.of(self.workspace).tracking
        uri = self._asked or settled.uri or f"sqlite:///{self.home / 'mlflow.db'}"
        return Tracking.at(uri, self.home, settled.artifacts)

    def folder(self, id: str) -> Path:  # noqa: A002
        """Return the scratch folder of a run, given its whole id; it need not exist."""
        return self.queue.folder(id)

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
        reproduces: str = "",
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
            A ``run`` or a ``sweep`` is queued; one of another kind is under way at once, and this process's to finish.
        tags
            What people note on it; names that begin with ``mlflow.``, ``modelcompose.`` or ``dataset.`` are not theirs.
        program
            The module that executes it; a run on autopilot needs one that can apply remedies.
        here
            Whether this process executes it by itself; then no worker takes it.
        reproduces
            The whole id of the run that this one makes again, and is graded against when it ends.

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
            **({"modelcompose.reproduces": reproduces} if reproduces else {}),
            **({"modelcompose.terms": told} if (told := terms.model_dump_json(exclude_defaults=True)) != "{}" else {}),
            "modelcompose.sampler": analysis.sampler,
            "modelcompose.home": self._address(),
            WORDS: " ".join([name, notebook, analysis.model, data or analysis.data, analysis.outcome]),
            **noted,
        }
        self.make_home()
        choices = analysis.model_dump(mode="json")
        run_id = self.tracking.create(name, {} if kind == "tracked" else _worth_telling(choices), tags)
        folder = self.folder(run_id)
        folder.mkdir(parents=True)
        write(nb, folder / SOURCE)
        write_json(folder / "analysis.json", choices)
        more = {
            name: value for name, value in {"fresh": fresh, "parent": parent, "reproduces": reproduces}.items() if value
        }
        EventLog(folder).append("run", run=run_id, notebook=notebook, **more)
        here = here or kind not in QUEUED
        if here:
            self.queue.hold(run_id)
        else:
            self.tracking.client.update_run(run_id, status="SCHEDULED")
        place = Place(
            name=name,
            notebook=notebook,
            asked=time(),
            terms=terms,
            chains=analysis.chains if kind == "run" else 0,
            program=program,
            autopilot=autopilot,
            within=parent if here else "",
            recorded=self.tracking.digest,
        )
        self.queue.put(run_id, place)
        return self.get(run_id)

    def _address(self) -> str:
        """Say where the folders of runs lie: several workspaces may share an MLflow server."""
        return f"{platform.node()}:{self.home}"

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
        """Return the whole id of a run; MLflow, slow to import, is asked only when its folder is not here."""
        here = WHOLE.fullmatch(id) is not None and self.folder(id).is_dir()
        return id if here else self.get(id).id

    def begun(self, id: str) -> None:  # noqa: A002
        """Record that a run which this process has claimed, given its whole id, is under way."""
        with self.queue.locked(id):
            if self._require(id).info.status == "SCHEDULED":
                self.tracking.client.update_run(id, status="RUNNING")

    def standing(self, id: str) -> tuple[str, RunStatus]:  # noqa: A002
        """Say what a run is called and how it stands, given its whole id; of one on autopilot, how its best round does.

        MLflow is asked only when the run's folder does not tell.
        """
        folder = self.folder(id)
        open = self.queue.standing(id)  # noqa: A001
        if open is not None and open.outcome is None:
            return open.place.name, "queued" if open.waits else "running"
        told = read_json(folder / OUTCOME)
        place = open.place if open else self.queue.former(id)
        if told is None or place is None:
            run = self.get(id)
            return run.name, run.status
        lineage = _lineage(folder) or {"rounds": [], "best": ""}
        best = next((one["status"] for one in lineage["rounds"] if one["id"] == lineage["best"]), told["status"])
        return place.name, best if told["status"] not in {"stopped", "cancelled"} else told["status"]

    def checkpoints(self, id: str) -> Checkpoints:  # noqa: A002
        """Return the finished steps of the workspace that a run, given its whole id, may take over.

        A round of autopilot may take over what the run may that it belongs to.
        """
        begun = next((event for event in EventLog(self.folder(id)).read() if event["type"] == "run"), {})
        if begun.get("parent"):
            return self.checkpoints(str(begun["parent"]))
        since = datetime.fromisoformat(begun["time"]).timestamp() if begun.get("fresh") else 0.0
        return Checkpoints(self.home / "steps", since=since)

    def reopen(self, id: str, *, here: bool = False) -> Run:  # noqa: A002
        """Put a run that was stopped or whose process died on the queue again, under its id.

        With ``here`` this process executes it by itself, and no worker takes it.

        Raises
        ------
        NotFound
            When there is no such run.
        Conflict
            When it still runs or waits, has ended by itself, or its files are gone.
        """
        run = self.get(id)
        if run.status not in ENDED:
            raise Conflict(f"run {run.name!r} is still {run.status}", remedy="Wait for it, or stop it.")
        unfinished = run.status in RESUMABLE or str((run.lineage or {}).get("stopped")).startswith("Stopped by ")
        if not unfinished or run.kind not in QUEUED:
            raise Conflict(
                f"run {run.name!r} has ended ({run.status}); there is nothing to resume",
                remedy="Change a choice and start a new run; steps that did not change are not run again.",
            )
        folder = self.folder(run.id)
        if (
            run.kind == "run"
            and run.status == "cancelled"
            and any(event["type"] == "claimed" for event in EventLog(folder).read())
        ):
            raise Conflict(f"run {run.name!r} was cancelled, and its draws discarded", remedy="Start a new run.")
        with self.queue.locked(run.id):
            place = self.queue.former(run.id)
            if self.queue.place(run.id) is not None:
                raise Conflict(f"run {run.name!r} is queued already")
            if place is None or not (folder / SOURCE).exists():
                raise Conflict(f"the files of run {run.name!r} are gone", remedy="Start a new run.")
            EventLog(folder).append(RESUME, run=run.id)
            self.tracking.client.update_run(run.id, status="SCHEDULED")
            self.queue.again(run.id, place.again(0.0), held=here)
        return self.get(run.id)

    def children(self, id: str) -> list[Run]:  # noqa: A002
        """Return the runs that belong to a run, given its whole id, oldest first."""
        belongs = f"tags.`modelcompose.parent` = '{id}'"
        return [self._told(record) for record in self.tracking.newest(where=belongs)][::-1]

    def sweeps(self) -> Iterator[Run]:
        """Yield the sweeps, newest first."""
        return (self._told(record) for record in self.tracking.newest(where="tags.`modelcompose.kind` = 'sweep'"))

    def list(self, limit: int = 100) -> list[Run]:
        """Return the newest runs, newest first."""
        return [self._told(record) for record in self.tracking.newest(limit)]

    def page(
        self,
        limit: int = 100,
        *,
        status: str = "",
        model: str = "",
        text: str = "",
        where: str = "",
        page: str = "",
        sort: str = "",
        trash: bool = False,
    ) -> tuple[Sequence[Run], str]:
        """Return the runs that fit, and what to ask for the next page with; empty at the end.

        Parameters
        ----------
        limit
            How many at most.
        status, model
            How they stand, and the ready-made model.
        text
            What somebody types who looks for runs: words that they hold, in capitals or not, ``status:passed``,
            ``starred``, ``elpd > -100``; see ``runs.filters``.
        where
            A filter in MLflow's words, such as ``metrics.`sampling.r-hat` < 1.01`` or ``tags.owner = 'me'``.
        page
            What the page before has said; empty for the first one.
        sort
            What they are sorted by; see ``runs.filters.order``. By default the newest come first.
        trash
            Whether those in the trash are meant, instead of the others.

        Raises
        ------
        InvalidInput
            When there is no such status or figure, or the filter cannot be read.
        """
        asked = Filter.read(text, self._figures)
        if status and asked.status not in ("", status):
            return [], ""
        status = status or asked.status
        if status and status not in get_args(RunStatus):
            known = ", ".join(get_args(RunStatus))
            raise InvalidInput(f"there is no status {status!r}", where="status", remedy=f"Choose among {known}.")
        wanted = [
            f"tags.`modelcompose.status` = {quoted(status)}" if status in ENDED else "",
            f"attributes.run_id IN ({self._open_ids()})" if status and status not in ENDED else "",
            f"tags.`modelcompose.model` = {quoted(model)}" if model else "",
            *asked.where,
            where.strip(),
        ]
        by = order(sort, self._figures)
        found, more = self.tracking.page(limit, " AND ".join(filter(None, wanted)), page, by, trash=trash)
        told = [self._told(record) for record in found]
        return [run for run in told if not status or run.status == status], more

    def _figures(self) -> set[str]:
        """Name the figures that the newest runs have."""
        return {name for record in self.tracking.newest(LOOKED_AT) for name in record.data.metrics}

    def _open_ids(self) -> str:
        ids = [one.id for one in self.queue.open()]
        return ", ".join(map(quoted, ids or ["0" * 32]))

    def finish(self, id: str, *, status: RunStatus, message: str, passing: bool = False) -> Run:  # noqa: A002
        """Record how a run ended, with everything its folder holds; what is known already stays.

        The outcome is written to disk first. What cannot be recorded now, because MLflow cannot be reached or the disk
        is full, is recorded by whoever looks at the run next.

        Parameters
        ----------
        id
            The whole id.
        status
            One of ``ENDED``.
        message
            Why it ended so, in a sentence.
        passing
            Whether the cause may pass, as when the kernel died: then it is queued again if it was promised retries.
        """
        with self.queue.locked(id):
            standing = self.queue.standing(id)
            if standing is None:
                return self.get(id)
            holder = standing.holder
            if holder is not None and not holder.mine and not holder.dead:
                raise Conflict(f"run {standing.place.name!r} is executed by another process")
            self._end(standing, status, message, passing=passing)
        return self.known(id)

    def settle(self, id: str) -> None:  # noqa: A002
        """Bring a run, given its whole id, to a truthful state whose process died or left its end unrecorded."""
        with self.queue.locked(id):
            standing = self.queue.standing(id)
            if standing is None:
                return
            if standing.outcome is not None:
                self._record(standing, standing.outcome)
            elif standing.left:
                self._end(standing, "error", DIED, passing=True)

    def records(self, standing: Standing) -> bool:
        """Tell whether a run is recorded here, and not where this workspace has recorded at another time."""
        return standing.place.recorded in ("", self.tracking.digest)

    def will_retry(self, id: str) -> bool:  # noqa: A002
        """Tell whether a run would be queued again if its process died now."""
        place = self.queue.place(id)
        return place is not None and place.attempt <= place.terms.retries

    def _end(self, standing: Standing, status: RunStatus, message: str, *, passing: bool) -> None:
        if standing.outcome is None:
            if passing and self.will_retry(standing.id):
                self._retry(standing, message)
                return
            ended = datetime.now(UTC).isoformat(timespec="milliseconds")
            for name in (f".{POSTERIOR}.part", *([POSTERIOR] if status == "cancelled" else [])):
                (standing.folder / name).unlink(missing_ok=True)
            write_json(standing.folder / OUTCOME, {"status": status, "message": message, "ended": ended})
        self._record(standing, read_json(standing.folder / OUTCOME))

    def _retry(self, standing: Standing, message: str) -> None:
        """Put a run on the queue again whose attempt ended by what may pass."""
        place = standing.place.again()
        seconds = round(place.not_before - time(), 1)
        told = f"{message} Attempt {place.attempt} of {place.terms.retries + 1} begins in {seconds:g} s."
        with suppress(OSError):
            EventLog(standing.folder).append("retry", attempt=place.attempt, seconds=seconds, message=told)
        self.queue.again(standing.id, place)
        with self._excused():
            self.tracking.client.update_run(standing.id, status="SCHEDULED")
            self.tracking.tag(standing.id, {"modelcompose.message": told})

    def _record(self, standing: Standing, outcome: Mapping[str, Any]) -> None:
        """Record an end that is known, and take the run off the queue; what hinders that is logged, and no more."""
        with self._excused():
            record = self.tracking.find(standing.id)
            if record is None and not self.records(standing):
                return
            if record is not None and record.info.status not in MLFLOW_STATUS.values():
                self._finish(record, outcome)
            self.queue.leave(standing.id)
        with suppress(OSError):
            _tell_end(standing.folder, outcome)

    @contextmanager
    def _excused(self) -> Iterator[None]:
        """Let a record wait that cannot be made now."""
        try:
            yield
        except Exception as error:
            logger.warning("It could not be recorded yet: %s: %s", type(error).__name__, error)

    def known(self, id: str) -> Run:  # noqa: A002
        """Return a run, given its whole id; of one that is not recorded to its end, what its folder knows will do."""
        try:
            return self._told(self._require(id))
        except NotFound:
            raise
        except Exception:
            standing = self.queue.standing(id)
            if standing is None:
                raise
            return self._from_folder(standing)

    def _from_folder(self, standing: Standing) -> Run:
        outcome = standing.outcome or {}
        return Run(
            id=standing.id,
            name=standing.place.name,
            notebook=standing.place.notebook,
            status=outcome.get("status") or ("queued" if standing.waits else "running"),
            started=_iso(int(standing.place.asked * 1000)),
            ended=outcome.get("ended"),
            message=outcome.get("message", ""),
            verdicts=tuple(map(RunVerdict.of, verdicts_in(read_executed(standing.folder)))) if outcome else (),
            attempt=standing.place.attempt,
            **standing.place.terms.model_dump(),
        )

    def published(
        self,
        id: str,  # noqa: A002
        *,
        report: str | None = None,
        page: str | None = None,
        app: str | None = None,
    ) -> Run:
        """Record where a run was published, as paths relative to the workspace."""
        tags = {"modelcompose.report": report, "modelcompose.page": page, "modelcompose.app": app}
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

    @property
    def files(self) -> tuple[str, ...]:
        """The names of what runs leave on record."""
        return FILES

    def show(self, id: str) -> None:  # noqa: A002
        """Write the executed notebook of a run that was brought here where JupyterLab shows it."""
        record = self._require(id)
        self.tracking.tag(id, {"modelcompose.executed": self._write_visible(record, read_executed(self.folder(id)))})

    def record(self, id: str) -> dict[str, Any]:  # noqa: A002
        """Return what a run, given its whole id, was made of; empty for one that has not ended or left no record."""
        try:
            return read_record(self.artifact(id, RECORD))
        except NotFound:
            return {}

    def artifact(self, id: str, path: str) -> Path:  # noqa: A002
        """Return a file of a run, such as ``posterior.nc``, fetched from MLflow unless it is at hand.

        Raises
        ------
        NotFound
            When the run has no such file.
        """
        here = self.folder(id) / path
        if path in FILES and here.exists():
            return here
        if (found := self.tracking.fetch(id, path)) is None:
            raise NotFound(f"run {id[:8]} has no file {path!r}")
        return found

    def _inside(self, path: str | Path) -> str:
        notebook = (self.workspace / path).resolve()
        if not notebook.is_relative_to(self.workspace):
            raise Forbidden(f"{path} is outside the workspace", remedy="Move the notebook into the workspace.")
        if not notebook.parent.is_dir():
            raise NotFound(f"the folder of {path} does not exist", remedy="Save the notebook first.")
        return notebook.relative_to(self.workspace).as_posix()

    def make_home(self) -> None:
        """Make the folder of what is internal, out of git's sight."""
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
        named = list(self.tracking.newest(1, f"attributes.run_name = {quoted(text)}")) if text else []
        if named:
            return named[0]
        begins: list[Record] = []
        if re.fullmatch(r"[0-9a-f]{1,32}", text):
            for what in ("attributes.run_id", f"tags.`{ORIGINAL}`"):
                begins += self.tracking.newest(5, f"{what} LIKE {quoted(f'{text}%')}")
        if len(begins) == 1:
            return begins[0]
        if begins:
            ids = ", ".join(record.info.run_id[: len(text) + 4] for record in begins)
            raise NotFound(f"several runs begin with {text!r}: {ids}", remedy="Write more of the id.")
        raise NotFound(
            f"there is no run {text!r}", remedy="Give a run's id, the beginning of it, or its name; list the runs."
        )

    def _told(self, record: Record) -> Run:
        """Tell a run as it is, settling first the record of one whose process has died."""
        if record.info.status not in MLFLOW_STATUS.values():
            record = self._mended(record)
        info, tags = record.info, record.data.tags
        folder = self.folder(info.run_id)
        ended = info.status in MLFLOW_STATUS.values()
        standing = None if ended else self.queue.standing(info.run_id)
        verdicts = self._verdicts_of(record, ended)
        return Run.model_validate(
            {
                "id": info.run_id,
                "name": info.run_name or "",
                "notebook": tags["modelcompose.notebook"],
                "status": _status(record, standing),
                "started": _iso(info.start_time),
                "ended": _iso(info.end_time) if ended and info.end_time else None,
                "model": tags.get("modelcompose.model", ""),
                "data": tags.get("modelcompose.data", ""),
                "message": tags.get("modelcompose.message", ""),
                "verdicts": verdicts,
                "executed": self._existing(tags.get("modelcompose.executed")),
                "git_commit": _commit(tags),
                "report": self._existing(tags.get("modelcompose.report")),
                "page": self._existing(tags.get("modelcompose.page")),
                "app": self._existing(tags.get("modelcompose.app")),
                "parent": tags.get("modelcompose.parent", ""),
                "autopilot": int(tags.get("modelcompose.autopilot", 0)),
                "lineage": _lineage(folder) if not ended or _may_have_lineage(tags) else None,
                "reproduces": tags.get("modelcompose.reproduces", ""),
                "grade": tags.get("modelcompose.grade", ""),
                "original": tags.get(ORIGINAL, ""),
                "kind": tags.get("modelcompose.kind", "run"),
                "partial": tags.get(PARTIAL) == "true" or any(one.partial for one in verdicts),
                "sampler": tags.get("modelcompose.sampler", ""),
                "elpd": record.data.metrics.get(ELPD),
                "elpd_se": record.data.metrics.get(ELPD_SE),
                "tags": {name: value for name, value in tags.items() if not name.startswith(OURS)},
                "starred": tags.get(STARRED) == "true",
                "note": tags.get(NOTE, ""),
                "paused": standing is not None and standing.paused,
                "attempt": standing.place.attempt if standing else int(tags.get("modelcompose.attempt", 1)),
                "seconds": float(tags["modelcompose.seconds"]) if "modelcompose.seconds" in tags else None,
                **json.loads(tags.get("modelcompose.terms", "{}")),
            }
        )

    def _mended(self, record: Record) -> Record:
        """Settle a run that has not ended but that nobody has any more; return its record as it is then."""
        run_id = record.info.run_id
        standing = self.queue.standing(run_id)
        if standing is not None and not standing.left:
            return record
        if standing is None and record.data.tags.get("modelcompose.home") != self._address():
            return record
        with self._excused():
            if standing is not None:
                self.settle(run_id)
            elif outcome := read_json(self.folder(run_id) / OUTCOME):  # died while it put the run on the queue again
                self._finish(record, outcome)
            elif time() - record.info.start_time / 1000 > MAKING_SECONDS:
                self.tracking.tag(run_id, {"modelcompose.status": "error", "modelcompose.message": NEVER_MADE})
                self.tracking.client.set_terminated(run_id, "FAILED")
        return self._require(run_id)

    def _existing(self, path: str | None) -> str | None:
        return path if path and (self.workspace / path).exists() else None

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

    def _finish(self, record: Record, outcome: Mapping[str, Any]) -> None:
        """Record an end, as often as need be until all of it is recorded: nothing is doubled by doing it again."""
        run_id, folder = record.info.run_id, self.folder(record.info.run_id)
        status, message = outcome["status"], outcome["message"]
        place = self.queue.place(run_id)
        nb = read_executed(folder)
        verdicts = verdicts_in(nb)
        events = EventLog(folder).read()
        partial = any(verdict.partial for verdict in verdicts)
        tags = {
            "modelcompose.status": status,
            "modelcompose.verdicts": _short_json(verdicts),
            **_data_tags(verdicts),
            **({PARTIAL: str(partial).lower()} if partial or PARTIAL in record.data.tags else {}),
            **({"modelcompose.attempt": str(place.attempt)} if place and place.attempt > 1 else {}),
            **({"modelcompose.seconds": str(seconds)} if (seconds := _seconds(events)) else {}),
        }
        try:
            tags["modelcompose.executed"] = self._write_visible(record, nb)
            tags |= self._write_record(record, status, verdicts)
            self._log_files(run_id, verdicts)
            if status == "cancelled":
                self.tracking.discard(run_id, POSTERIOR)  # of an attempt before, which was stopped
            self.tracking.measure(run_id, points(folder, events))
            if refused := catch_up(self.tracking, run_id, folder):
                message = f"{message} Not all that was noted could be recorded: {'; '.join(refused)}"
        except Unavailable:
            raise
        except Exception as error:  # the outcome is recorded even when its files cannot be
            message = f"{message} Its files could not all be stored: {type(error).__name__}: {error}"
        ended = datetime.fromisoformat(outcome["ended"]) if "ended" in outcome else datetime.now(UTC)
        when = int(ended.timestamp() * 1000)
        measured = metrics(verdicts) | {f"seconds.{name}": taken for name, taken in seconds_by_step(events).items()}
        if "modelcompose.seconds" in tags:
            measured["seconds"] = float(tags["modelcompose.seconds"])
        known = record.data.metrics
        news = [(name, value, when, 0) for name, value in measured.items() if known.get(name) != value]
        self.tracking.measure(run_id, news)
        self.tracking.tag(run_id, {**tags, "modelcompose.message": message})
        log = _tell_end(folder, outcome)
        self.tracking.client.log_artifact(run_id, str(log.path))
        self.tracking.client.set_terminated(run_id, MLFLOW_STATUS[status], when)

    def _write_visible(self, record: Record, nb: Any) -> str:
        """Write the executed notebook where JupyterLab shows it, which serves no hidden folders.

        There its choices name the same files as seen from that folder, so that it runs where it stands; the one in
        the run's own folder stays as it was executed.
        """
        from modelcompose.workflow.moving import moved

        run_id, tags = record.info.run_id, record.data.tags
        marks = nb.metadata.setdefault("modelcompose", {})
        marks["run"] = {"id": run_id, "notebook": tags["modelcompose.notebook"]}
        if lineage := _lineage(self.folder(run_id)):
            marks["lineage"] = lineage
        name = re.sub(r"[^\w.-]+", "-", record.info.run_name or "").strip("-.")[:60] or "run"
        path = self.workspace / "runs" / f"{name}-{run_id[:8]}.ipynb"
        path.parent.mkdir(exist_ok=True)
        write(nb, self.folder(run_id) / EXECUTED)
        write(moved(nb, (self.workspace / tags["modelcompose.notebook"]).parent, path.parent), path)
        return path.relative_to(self.workspace).as_posix()

    def _write_record(self, record: Record, status: RunStatus, verdicts: Sequence[Verdict]) -> dict[str, str]:
        """Write what the run was made of, and return what of it is searched for."""
        info, tags, folder = record.info, record.data.tags, self.folder(record.info.run_id)
        run = {
            "id": info.run_id,
            "name": info.run_name or "",
            "notebook": tags["modelcompose.notebook"],
            "kind": tags.get("modelcompose.kind", "run"),
            "status": status,
            "started": _iso(info.start_time),
            "parent": tags.get("modelcompose.parent", ""),
            "reproduces": tags.get("modelcompose.reproduces", ""),
            "original": tags.get(ORIGINAL, ""),
        }
        reproduction = read_json(folder / REPRODUCTION) or {}
        if reproduction:
            run["reproduction"] = {name: reproduction[name] for name in ("of", "grade", "sentence")}
        written = complete(folder, run, read_json(folder / "analysis.json") or {}, verdicts)
        graded = {"modelcompose.grade": reproduction["grade"]} if reproduction else {}
        return {**record_tags(written), **graded}

    def _log_files(self, run_id: str, verdicts: Iterable[Verdict]) -> None:
        folder = self.folder(run_id)
        write_json(folder / "verdicts.json", [verdict.model_dump(mode="json") for verdict in verdicts])
        for name in FILES:
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


def _status(record: Record, standing: Standing | None) -> RunStatus:
    """Say how a run stands; of one that has not ended its folder knows more than MLflow."""
    if record.info.status in MLFLOW_STATUS.values():
        known = record.data.tags.get("modelcompose.status")
        return known if known in ENDED else WITHOUT_TAG.get(record.info.status, "error")
    if standing is not None and standing.outcome is not None:
        if not standing.left:
            return "running"  # whoever executed it is recording how it ended
        known = standing.outcome.get("status")
        return known if known in ENDED else "error"
    if standing is not None and standing.left:
        return "error"
    waits = standing.waits if standing is not None else record.info.status == "SCHEDULED"
    return "queued" if waits else "running"


def _tell_end(folder: Path, outcome: Mapping[str, Any]) -> EventLog:
    log = EventLog(folder)
    if [event["type"] for event in log.read()[-1:]] != ["end"]:
        log.append("end", status=outcome["status"], message=outcome["message"])
    return log


def _seconds(events: Iterable[Mapping[str, Any]]) -> float:
    """Add up how long the attempts of a run took, each from its claim to the last that was heard of it."""
    total, begun, last = 0.0, None, None
    for event in events:
        now = datetime.fromisoformat(event["time"]).timestamp()
        if event["type"] == "claimed":
            total += (last - begun) if begun and last else 0.0
            begun = now
        if event["type"] not in {"retry", RESUME, "end"} or (last and event["type"] == "end" and begun):
            last = now
    return round(total + ((last - begun) if begun and last else 0.0), 3)


def _may_have_lineage(tags: Mapping[str, str]) -> bool:
    return "modelcompose.parent" in tags or "modelcompose.autopilot" in tags or "modelcompose.lineage" in tags


def _worth_telling(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the choices that are as ever: MLflow lists runs many times as fast, and ``analysis.json`` has all."""
    usual = Analysis().model_dump(mode="json")
    return {name: value for name, value in choices.items() if name in ALWAYS or value != usual[name]}


def _noted(tags: Mapping[str, str]) -> dict[str, str]:
    for name in tags:
        require_ours(name)
    return {name: shortened(str(value), SENTENCE) for name, value in tags.items()}


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
