"""The workbench: the verbs that every door offers.

Floor 4. The command line, REST and Python itself call these and nothing below. A workbench keeps no state: what two
of them share is the workspace on disk and the run store. Importing this module brings in no probabilistic
programming; what a verb needs is imported when it is called.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose import __version__
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, ModelComposeError, NotFound, Unavailable
from modelcompose.service.keeping import Keeping
from modelcompose.service.models import Models
from modelcompose.service.overlaying import Overlaying
from modelcompose.service.publishing import Publishing
from modelcompose.service.recording import Recording
from modelcompose.service.registering import Registering
from modelcompose.service.sweeping import Sweeping
from modelcompose.service.tables import Tables
from modelcompose.service.workspace import SAMPLE, Json, read_notebook

if TYPE_CHECKING:
    from modelcompose.data import Dataset
    from modelcompose.runs import Ready, Run, RunStore
    from modelcompose.workflow.compose import Edit

__all__ = ["Workbench"]

MENDING = "modelcompose.service.mending"
"""The program that executes a run on autopilot in the background."""


class Workbench(Tables, Models, Registering, Sweeping, Recording, Keeping, Overlaying, Publishing):
    """All that ModelCompose does, for one workspace.

    Parameters
    ----------
    workspace
        The folder that holds data and notebooks; no verb reads or writes outside it.
    tracking_uri
        MLflow's tracking URI; by default that of the settings, otherwise an SQLite file in the workspace.

    Notes
    -----
    Paths are relative to the workspace, in POSIX form. Every verb returns values that JSON can hold, and raises
    ``ModelComposeError`` for whatever a user can put right.
    """

    def __init__(self, workspace: str | Path = ".", tracking_uri: str | None = None) -> None:
        super().__init__(workspace, tracking_uri)

    # -- words -------------------------------------------------------------------------------------------------

    def schema(self) -> Json:
        """Return the JSON Schema of the choices, with the kinds and steps in plain words."""
        from modelcompose import samplers
        from modelcompose.data import KINDS, recipe
        from modelcompose.workflow import STEPS

        return {
            "version": __version__,
            "analysis": Analysis.model_json_schema(),
            "kinds": [
                {"id": kind, "label": label, "explanation": explanation} for kind, (label, explanation) in KINDS.items()
            ],
            "recipe": recipe.schema(),
            "samplers": [
                {
                    "id": one["name"],
                    "label": one["title"],
                    "explanation": one["summary"],
                    "approximate": one["approximate"],
                    "missing": one["missing"],
                }
                for one in samplers.listed()
            ],
            "steps": [
                {"id": one.id, "title": one.title, "explanation": one.explanation, "phase": one.phase} for one in STEPS
            ],
        }

    # -- samples -----------------------------------------------------------------------------------------------

    def samples(self) -> Json:
        """List the tables that ship with ModelCompose."""
        from modelcompose.samples import SAMPLES

        return {
            "samples": [
                {
                    "name": one.name,
                    "title": one.title,
                    "description": one.description,
                    "credit": one.credit,
                    "rows": one.rows,
                    "question": one.question,
                    "outcome": one.outcome,
                    "analysis": self._sample_choices(one.name),
                }
                for one in SAMPLES
            ]
        }

    def copy_sample(self, name: str) -> Json:
        """Copy a sample table into the workspace's ``data`` folder, unless it is there already."""
        from modelcompose import samples

        folder = self._inside("data")
        folder.mkdir(parents=True, exist_ok=True)
        path = samples.copy(name, folder)
        return {"path": self._shown(path), "analysis": self._sample_choices(name)}

    def _sample_choices(self, name: str) -> Json:
        from modelcompose.samples import SAMPLES

        one = next((sample for sample in SAMPLES if sample.name == name), None)
        if one is None:
            return {}
        return {
            "question": one.question,
            "outcome": one.outcome,
            "predictors": list(one.predictors),
            "groups": list(one.groups),
            "trials": one.trials,
            "kinds": dict(one.kinds),
            "units": dict(one.units),
        }

    # -- samplers ----------------------------------------------------------------------------------------------

    def samplers(self) -> Json:
        """List the samplers in plain words: what each is good for, what it needs, and what it promises."""
        from modelcompose import samplers

        return {"samplers": samplers.listed()}

    # -- models and notebooks ----------------------------------------------------------------------------------

    def recommend(self, analysis: Mapping[str, Any]) -> Json:
        """Recommend models for a question and roles: best first, and the rejected ones with the rule.

        Parameters
        ----------
        analysis
            Choices with ``data``, ``question``, ``outcome`` and the other roles.
        """
        from modelcompose import catalog

        choices = Analysis.of(analysis)
        with self._at():
            found = catalog.recommend(choices, self._dataset(choices, self.workspace))
        return {
            "none": "" if found.candidates else catalog.lacking(choices, found),
            "estimand": choices.estimand or catalog.estimand(choices),
            "recommended": [
                {
                    "id": one.entry.id,
                    "title": one.entry.title,
                    "summary": one.entry.summary,
                    "formula": "; ".join([one.formula] if isinstance(one.formula, str) else one.formula),
                    "reasons": [{"rule": reason.rule, "sentence": reason.sentence} for reason in one.reasons],
                }
                for one in found.candidates
            ],
            "rejected": [
                {"id": entry.id, "title": entry.title, "rule": rejection.rule, "sentence": rejection.sentence}
                for entry, rejection in found.rejected
            ],
        }

    def compose(self, analysis: Mapping[str, Any], path: str = "", workflow: str = "simple") -> Json:
        """Compose the notebook of an analysis and write it under a free name.

        Parameters
        ----------
        analysis
            Choices; ``data`` is relative to the workspace. What is empty is chosen; a sample brings its own.
        path
            Where to write; by default next to nothing else, named after the table.
        workflow
            Which way through: ``simple``, ``full``, or one of a site's own.
        """
        from modelcompose.workflow import compose

        choices = Analysis.of(analysis)
        if choices.data.startswith(SAMPLE) and not choices.outcome:
            choices = Analysis.of({**self._sample_choices(choices.data.removeprefix(SAMPLE)), **analysis})
        target = self._free(self._inside(path or f"{_stem(choices.data)}.ipynb"))
        dataset = self._dataset(choices, self.workspace)
        choices = self._moved(choices, target.parent)
        with self._at(target.parent):
            nb = compose(choices, dataset, workflow)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_notebook(nb, target)
        return {"path": self._shown(target)}

    def _moved(self, choices: Analysis, folder: Path) -> Analysis:
        """Spell paths that are relative to the workspace as seen from a folder; none may lead out of it."""
        from modelcompose.workflow.moving import seen_from

        joined = [str(step["data"]) for step in choices.recipe if step.get("do") == "join" and "data" in step]
        for source in (choices.data, choices.new_rows, *joined):
            self._require_inside(source, self.workspace)
        own = [choices.model] if choices.model.endswith(".py") else []
        for path in filter(None, (choices.plan, choices.policy, *own)):
            self._inside(path)
        paths = ("data", "new_rows", "plan", "policy", "model")
        found = {name: self._inner(getattr(choices, name)) for name in paths}
        settled = choices.changed({**found, "policy": found["policy"] or self._own_policy()})
        return seen_from(settled, self.workspace, folder)

    def _inner(self, path: str) -> str:
        """Spell a path from the root of the disk as the workspace sees it; leave anything else."""
        return self._shown(self._inside(path)) if Path(path).is_absolute() and Path(path).exists() else path

    def inspect(self, cells: Sequence[Mapping[str, Any]]) -> Json:
        """Say where a notebook stands: its choices, and of every step its verdict and whether it is out of date.

        Parameters
        ----------
        cells
            The cells as they are now: ``id``, ``cell_type``, ``source``, ``metadata``, ``execution_count`` and
            either nbformat's ``outputs`` or the ``verdict`` in them.
        """
        from modelcompose import workflow

        nb = _as_notebook(cells)
        analysis, problem = None, None
        try:
            analysis = Analysis.read(nb).model_dump(mode="json")
        except ModelComposeError as error:
            problem = error.as_json()
        return {
            "analysis": analysis,
            "problem": problem,
            "steps": [
                {
                    "step": one.step.id,
                    "title": one.step.title,
                    "explanation": one.step.explanation,
                    "phase": one.step.phase,
                    "needs": list(one.step.needs),
                    "cells": list(one.cells),
                    "state": one.state,
                    "stale": one.stale,
                    "edited": one.edited,
                    "verdict": one.verdict.model_dump(mode="json") if one.verdict else None,
                }
                for one in workflow.steps_in(nb)
            ],
        }

    def revise(self, cells: Sequence[Mapping[str, Any]], changes: Mapping[str, Any], path: str = "") -> Json:
        """Work out which cells change when choices change; hand-edited cells are named and left alone.

        ``composed`` holds what each hand-edited cell would be if it were composed now, for a comparison.

        Parameters
        ----------
        cells
            The cells as they are now; see ``inspect``.
        changes
            New values by parameter name.
        path
            The notebook's own path; its data are relative to its folder.
        """
        revision = self._revision(_as_notebook(cells), changes, self._inside(path or ".ipynb").parent)
        return {
            "edits": list(map(_as_edit, revision.edits)),
            "kept": list(revision.kept),
            "composed": list(map(_as_edit, revision.composed)),
            "again": list(revision.again),
        }

    def _revision(self, nb: Mapping[str, Any], changes: Mapping[str, Any], folder: Path) -> Any:
        from modelcompose import workflow

        tables: dict[tuple[str, str], Dataset] = {}

        def load(choices: Analysis) -> Dataset:
            declared = (choices.kinds, choices.units, choices.variables, choices.recipe)
            key = (choices.data, json.dumps(declared, sort_keys=True))
            if key not in tables:
                tables[key] = self._dataset(choices, folder)
            return tables[key]

        with self._at(folder):
            return workflow.revise(nb, changes, load)

    # -- runs --------------------------------------------------------------------------------------------------

    def start(
        self,
        notebook: str,
        changes: Mapping[str, Any] | None = None,
        autopilot: int = 0,
        fresh: bool = False,
        priority: int | None = None,
        cores: int | None = None,
        memory: int | None = None,
        timeout: int | None = None,
        retries: int | None = None,
        cluster: str = "",
        after: Sequence[str] = (),
    ) -> Json:
        """Queue a notebook to be run in the background, where it outlives this process; the notebook stays as it is.

        Parameters
        ----------
        notebook
            Its path.
        changes
            Choices that differ for this run.
        autopilot
            How many remedies to try at most when checks fail, each in a run of its own; the ``lineage`` of the run
            that is returned tells of them.
        fresh
            Whether every step is run anew; otherwise steps of which nothing has changed are taken from earlier runs.
        priority
            Higher begins first; of equals the older one.
        cores, memory
            How many cores it keeps busy, and how many MB it needs; by default a fair share.
        timeout
            Seconds after which it is stopped with the draws so far; 0 for never.
        retries
            How often it begins again, where it was, when its process or its kernel dies or the disk is full.
        cluster
            The address, or the file, of a Dask scheduler that its fits are spread over; if nobody runs the queue yet,
            that scheduler's workers do so. By default as the workspace has it.
        after
            Runs that must have ended well before it begins; if one does not, it is cancelled.

        Raises
        ------
        Conflict
            When a change would have to alter a cell that was edited by hand.
        NotFound
            When there is no notebook there, or no run that it is to follow.
        """
        from modelcompose import runs

        asked = {"priority": priority, "cores": cores, "memory": memory, "timeout": timeout, "retries": retries}
        terms = runs.Settings.of(self.workspace).terms({**asked, "cluster": cluster, "after": after})
        store, run = self._created(notebook, changes or {}, autopilot, fresh, terms=terms)
        runs.ensure_worker(store, cluster)
        return run.model_dump(mode="json")

    def run(
        self,
        notebook: str,
        changes: Mapping[str, Any] | None = None,
        on_event: Callable[[Json], object] | None = None,
        autopilot: int = 0,
        fresh: bool = False,
        cluster: str = "",
    ) -> Json:
        """Run a notebook here and now, and return the run when it has ended.

        Parameters
        ----------
        notebook, changes, autopilot, fresh
            As for ``start``.
        cluster
            The address, or the file, of a Dask scheduler that its fits are spread over.
        on_event
            Called with every event as it happens.
        """
        from modelcompose import runs

        terms = runs.Terms(cluster=cluster)
        store, run = self._created(notebook, changes or {}, autopilot, fresh, here=True, terms=terms)
        if autopilot:
            return runs.autopilot(store, run.id, autopilot, self._ready, on_event).model_dump(mode="json")
        return runs.execute(store, run.id, on_event).model_dump(mode="json")

    def resume(self, id: str) -> Json:  # noqa: A002
        """Let a paused run go on, or one that was stopped or whose process died; finished steps stay as they are.

        Raises
        ------
        Conflict
            When it is under way, has ended by itself, or its draws were discarded.
        """
        from modelcompose import runs

        store = self._store()
        run = self._resumed_sweep(store, id) or runs.resume(store, id)
        runs.ensure_worker(store)
        return run.model_dump(mode="json")

    def _created(
        self, notebook: str, changes: Mapping[str, Any], autopilot: int, fresh: bool, **more: Any
    ) -> tuple[RunStore, Run]:
        from modelcompose.runs.queue import RUNS

        path = self._existing(notebook)
        ready = self._ready(read_notebook(path), changes, self._shown(path))
        store = self._store()
        run = store.create(
            ready.nb,
            name=path.stem,
            notebook_path=self._shown(path),
            analysis=ready.analysis,
            data=ready.data,
            autopilot=autopilot,
            fresh=fresh,
            program=MENDING if autopilot else RUNS,
            **more,
        )
        return store, run

    def _ready(self, nb: Mapping[str, Any], changes: Mapping[str, Any], notebook: str) -> Ready:
        """Apply changes to a notebook that stands, or would stand, at a path."""
        from modelcompose.runs import Ready

        path = self._inside(notebook)
        revision = self._revision(nb, changes, path.parent)
        if revision.kept:
            raise Conflict(
                f"{', '.join(changes)} would change a cell that was edited by hand",
                where=f"{self._shown(path)}, cell {', '.join(revision.kept)}",
                remedy="Change that cell by hand too, or undo its edits.",
            )
        for waiver in revision.analysis.waivers:
            self._require_waivable(waiver["step"], revision.analysis, self._shown(path))
        dataset = self._dataset(revision.analysis, path.parent)
        data = dataset.version.reference if dataset.version else revision.analysis.data
        return Ready(_applied(nb, revision.edits), revision.analysis, data, dataset.sha256)

    def _all_runs(self) -> Sequence[Json]:
        with suppress(Unavailable):  # what is asked about data is answered without them
            return () if self._store().tracking.empty else self.list_runs(10_000)["runs"]
        return ()

    def list_runs(
        self,
        limit: int = 100,
        status: str = "",
        model: str = "",
        text: str = "",
        where: str = "",
        page: str = "",
        sort: str = "",
        trash: bool = False,
    ) -> Json:
        """List runs, newest first, page by page; ``next`` is what the next page is asked for with, empty at the end.

        Parameters
        ----------
        limit
            How many at most.
        status, model
            How they stand, and the ready-made model.
        text
            Words that their name, notebook, model, table, outcome, note or tags hold, in capitals or not;
            ``status:passed``, ``model:…``, ``data:…``, ``sampler:…``, ``tag:NAME=VALUE``, ``starred``; and figures, as
            in ``elpd > -100 r_hat_max <= 1.01``. All of it must hold.
        where
            A filter in MLflow's words, such as ``metrics.`sampling.r-hat` < 1.01`` or ``tags.owner = 'me'``.
        page
            What ``next`` said last; empty for the first page.
        sort
            ``started``, ``ended``, ``seconds``, ``name``, ``status``, ``model``, ``data``, ``sampler``, ``starred``,
            ``elpd`` or another figure; with ``-`` before it the largest first.
        trash
            Whether the runs in the trash are meant, instead of the others.

        Raises
        ------
        InvalidInput
            When there is no such status or figure, or the filter cannot be read.
        """
        from modelcompose.runs import ensure_worker

        store = self._store()
        ensure_worker(store)
        asked = {"status": status, "model": model, "text": text, "where": where, "page": page, "sort": sort}
        found, more = store.page(limit, **asked, trash=trash)
        return {"runs": [run.model_dump(mode="json") for run in found], "next": more}

    def get_run(self, id: str) -> Json:  # noqa: A002
        """Return a run by id, a unique beginning of it, or its name (the newest of that name)."""
        return self._store().get(id).model_dump(mode="json")

    def events(self, id: str, since: int = 0) -> Json:  # noqa: A002
        """Return what happened in a run after event number ``since``, and how the run stands."""
        from modelcompose.runs import EventLog

        store = self._store()
        run = store.get(id)
        return {"events": EventLog(store.folder(run.id)).read(since), "status": run.status}

    def _see_to_the_queue(self) -> None:
        """Let somebody run what is on the queue, as after a restart; what hinders that is told when runs are listed."""
        from modelcompose.runs import ensure_worker

        with suppress(ModelComposeError, OSError):
            ensure_worker(self._store())

    def follow(self, id: str, since: int = 0) -> Iterator[Json]:  # noqa: A002
        """Yield what happens in a run after event number ``since``, as it happens, until the run has ended."""
        from modelcompose.runs import follow

        store = self._store()
        return follow(store, store.whole(id), since)

    def stop(self, id: str) -> Json:  # noqa: A002
        """Stop a run and keep what is done; its draws so far go through the rest of the workflow.

        Asked a second time it ends at once. A run that waits is taken off the queue.
        """
        from modelcompose import runs

        return self._with_parts(runs.stop, id).model_dump(mode="json")

    def cancel(self, id: str) -> Json:  # noqa: A002
        """End a run at once and discard its draws; its record stays. A run that waits is taken off the queue."""
        from modelcompose import runs

        return self._with_parts(runs.cancel, id).model_dump(mode="json")

    def pause(self, id: str) -> Json:  # noqa: A002
        """Let a run's sampler rest until it is resumed; a run that waits is not begun meanwhile."""
        from modelcompose import runs

        return runs.pause(self._store(), id).model_dump(mode="json")

    # -- the workspace -----------------------------------------------------------------------------------------

    def _existing(self, path: str) -> Path:
        found = self._inside(path)
        if not found.is_file():
            raise NotFound(f"there is no notebook {path!r}", where=str(self.workspace), remedy="Check the path.")
        return found


def _stem(data: str) -> str:
    """Return a name for a notebook about whatever names a table."""
    if data.startswith(SAMPLE):
        return data.removeprefix(SAMPLE)
    named = data.partition("#")[0].partition("?")[0].rpartition("/")[2].partition("@")[0]
    return named.partition(".")[0] or "analysis"


def _as_notebook(cells: Sequence[Mapping[str, Any]]) -> Json:
    """Turn the projection of live cells into nbformat's form."""
    from modelcompose.verdict import MIME

    whole = []
    for cell in cells:
        one = dict(cell)
        verdict = one.pop("verdict", None)
        if verdict is not None:
            one["outputs"] = [{"output_type": "display_data", "data": {MIME: verdict}, "metadata": {}}]
        whole.append({"metadata": {}, "outputs": [], **one})
    return {"cells": whole, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _as_edit(edit: Edit) -> Json:
    return {"id": edit.cell, "source": edit.source, "metadata": edit.metadata}


def _write_notebook(nb: Json, path: Path) -> None:
    """Write through a temporary file, so that an interruption leaves no half of a notebook."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def _applied(nb: Mapping[str, Any], edits: Sequence[Any]) -> Json:
    """Apply edits to a copy of a notebook, without its outputs."""
    ready = copy.deepcopy(dict(nb))
    changed = {one.cell: one for one in edits}
    for cell in ready["cells"]:
        if str(cell.get("id", "")) in changed:
            cell["source"] = changed[cell["id"]].source
            cell["metadata"] = changed[cell["id"]].metadata
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return ready
