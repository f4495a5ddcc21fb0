"""What runs become for their readers: published, listed with what has changed since, and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidInput, ModelComposeError, NotFound
from modelcompose.service.predicting import Predictions
from modelcompose.service.rules import Rules
from modelcompose.service.workspace import SAMPLE, Json, read_notebook

if TYPE_CHECKING:
    from modelcompose.publish import Publication
    from modelcompose.runs import Run, RunStore

__all__ = ["Publishing"]

BOTH = ("report", "app")
SHOWN = {"path", "mode", "format", "run", "name", "notebook", "when"}


class Publishing(Predictions, Rules):
    """What the workbench does with reports, pages and apps."""

    def publish(self, id: str, mode: str = "", format: str = "html", depth: str = "analyst") -> Json:  # noqa: A002
        """Make something to read or to try from a run that has ended.

        Parameters
        ----------
        id
            The run.
        mode
            A ``report``, which holds everything and runs nothing; a ``page``, whose sliders show what was computed
            beforehand, so that it needs no server; or an ``app``, whose sliders ask the model. Empty for report and
            app.
        format
            Of a report: ``html``, ``pdf``, ``docx`` or ``md``.
        depth
            For whom a report in HTML opens: ``decision-maker``, ``analyst`` or ``statistician``.

        Returns
        -------
        dict
            ``report``, ``page`` and ``app``, paths in the workspace, None for what was not made; ``app`` is None, too,
            when both were asked for and the run has no posterior, or its table is no file of the workspace.

        Raises
        ------
        Conflict
            When the run has not ended, has nothing that an app or a page could be made of, or its model was edited by
            hand, so that no page can be computed.
        InvalidInput
            When there is no such mode, format or depth, or what writes the format is not installed.
        """
        from modelcompose import publish, runs

        for what, value, known in (("mode", mode or BOTH[0], publish.MODES), ("format", format, publish.FORMATS)):
            if value not in known:
                raise InvalidInput(
                    f"nothing is published as {value!r}", where=what, remedy=f"Name one of: {', '.join(known)}."
                )
        store = self._store()
        run = store.get(id)
        if run.status not in runs.ENDED or not run.executed:
            raise Conflict(f"run {run.name!r} has nothing to publish yet", remedy="Wait until it has ended.")
        nb = read_notebook(self._inside(run.executed))
        facts = run.model_dump(mode="json") | {"plan": self._plan_of(nb, run)}
        made: dict[str, str | None] = dict.fromkeys(publish.MODES)
        if mode in ("", "report"):
            made["report"] = self._report(nb, run, store, facts, format, depth)
        if mode == "page":
            made["page"] = self._page(nb, run, store, facts)
        if mode == "app":
            made["app"] = self._app(nb, run, store, facts)
        elif not mode:
            try:
                made["app"] = self._app(nb, run, store, facts)
            except Conflict:
                made["app"] = None
        store.published(run.id, **(made if format == "html" else {**made, "report": None}))
        return made

    def _plan_of(self, nb: Json, run: Run) -> Json:
        """Return the plan of a run's notebook with what differs from it; a plan that is gone differs in whole."""
        try:
            return self.plan(nb["cells"], run.executed or run.notebook)
        except ModelComposeError as error:
            gone = {"what": "the plan itself", "planned": Analysis.read(nb).plan, "now": error.message}
            return {"plan": {}, "deviations": [gone]}

    # -- what can be made ----------------------------------------------------------------------------------------

    def _report(self, nb: Json, run: Run, store: RunStore, facts: Json, format: str, depth: str) -> str:  # noqa: A002
        from modelcompose import publish

        path = self._inside(f"reports/{_name(run)}.{format}")
        publish.write_report(nb, path, run=facts, depth=depth)
        beside = path.with_name(f"{path.stem}-files")
        files = [path, *(sorted(beside.iterdir()) if format == "md" else [])]
        return self._noted(run, store, "report", path, files, format)

    def _page(self, nb: Json, run: Run, store: RunStore, facts: Json) -> str:
        from modelcompose import publish

        path = self._inside(f"pages/{_name(run)}.html")
        publish.write_page(nb, path, lambda: self._scenarios(run), run=facts)
        return self._noted(run, store, "page", path, [path])

    def _scenarios(self, run: Run) -> Json:
        """Compute what a page without a kernel can show."""
        from modelcompose import catalog
        from modelcompose.publish.whatif import Scenarios

        choices = self._choices_of(run)
        folder = self._inside(run.notebook).parent
        with self._at(folder):
            table, gaps = self._dataset(choices, folder).rows(choices)
            model = catalog.open_gaps(catalog.build(choices, table), gaps)
            return Scenarios(choices, table, model, self._posterior(run)).frozen()

    def _app(self, nb: Json, run: Run, store: RunStore, facts: Json) -> str:
        from modelcompose import publish

        posterior = self._posterior_file(run)
        choices = Analysis.read(nb)
        folder = self._inside(run.executed or run.notebook).parent
        model = self._inside(folder / choices.model) if choices.model.endswith(".py") else None
        target = self._inside(f"apps/{_name(run)}")
        before = set(target.iterdir()) if target.is_dir() else set()
        table = self._table_of(choices, folder)
        path = publish.write_app(nb, target, data=table, posterior=posterior, model=model, run=facts)
        ours = {"app.ipynb", "posterior.nc", table.name, f"data-{table.name}", *([model.name] if model else [])}
        files = [one for one in sorted(target.iterdir()) if one.is_file() and (one not in before or one.name in ours)]
        return self._noted(run, store, "app", path, files)

    def _table_of(self, choices: Analysis, folder: Path) -> Path:
        """Return the file of the table, which an app takes along."""
        from modelcompose import samples
        from modelcompose.data.readers import local_path

        if choices.data.startswith(SAMPLE):
            return samples.path(choices.data.removeprefix(SAMPLE))
        path = local_path(choices.data, folder)
        if path is None or not self._inside(path).is_file():
            raise Conflict(
                f"an app takes its table along, and {choices.data!r} is no file of the workspace",
                where="data",
                remedy="Export it to a file, name that as data, and run the notebook again; or publish a report.",
            )
        return self._inside(path)

    def _noted(
        self,
        run: Run,
        store: RunStore,
        mode: Any,
        path: Path,
        files: list[Path],
        format: str = "html",  # noqa: A002
    ) -> str:
        """Note what was published, and all that tells later whether something has changed since."""
        from modelcompose import publish
        from modelcompose.publish.report import PACKAGES, installed
        from modelcompose.publish.shelf import code_of, now
        from modelcompose.runs.notebook import EXECUTED
        from modelcompose.runs.record import ingredients

        choices = Analysis.read(read_notebook(store.artifact(run.id, EXECUTED)))  # as seen from its own notebook
        record = store.record(run.id)
        packages = record.get("environment", {}).get("packages", {})
        notebook, folder = self._notebook_of(run.notebook), self._inside(run.notebook).parent
        publish.Shelf(self.workspace).put(
            publish.Publication(
                path=self._shown(path),
                mode=mode,
                format=format,
                files=tuple(self._shown(file) for file in files),
                run=run.id,
                name=run.name,
                notebook=run.notebook,
                when=now(),
                choices=choices.model_dump(mode="json"),
                sources=record.get("files") or ingredients(choices, folder),
                code=code_of(notebook) if notebook is not None else {},
                versions={name: version for name in PACKAGES if (version := packages.get(name, "") or installed(name))},
            )
        )
        return self._shown(path)

    def _notebook_of(self, path: str) -> Json | None:
        try:
            return read_notebook(self._inside(path))
        except (ModelComposeError, OSError):
            return None

    # -- what was made -------------------------------------------------------------------------------------------

    def list_published(self, what: str = "") -> Json:
        """List what is published, newest first, each with what has changed since: data, choices, code or libraries.

        Parameters
        ----------
        what
            A path, or the id or name of a run, to list only that or what was made of it.

        Returns
        -------
        dict
            ``published``, each with its ``path``, ``mode``, ``format``, ``run``, ``name``, ``notebook`` and ``when``;
            ``stale``, sentences on what has changed since, none when nothing has; and ``url``, where an app is served,
            else empty.
        """
        from modelcompose import publish

        shelf = publish.Shelf(self.workspace)
        urls = shelf.urls()
        return {
            "published": [
                {
                    **one.model_dump(
                        mode="json", include={"path", "mode", "format", "run", "name", "notebook", "when"}
                    ),
                    "stale": list(self._stale(one)),
                    "url": urls.get(one.path, ""),
                }
                for one in shelf.all()
                if not what or what in (one.path, one.name) or one.run.startswith(what)
            ]
        }

    def _stale(self, one: Publication) -> Iterator[str]:
        from modelcompose.publish.shelf import changed
        from modelcompose.runs.reproduce import changed_ingredients

        try:
            folder = self._inside(one.notebook).parent
            yield from changed_ingredients({"files": one.sources}, Analysis.of(one.choices), folder)
            yield from changed(one, self._notebook_of(one.notebook))
        except ModelComposeError as error:
            yield f"it cannot be compared with its notebook: {error.message}"

    def unpublish(self, what: str) -> Json:
        """Take a report, a page or an app away; the run that it was made of stays.

        Parameters
        ----------
        what
            Its path in the workspace; or a run, by its id or its name, for all that was made of it.

        Returns
        -------
        dict
            ``removed``, the paths of what was taken away.

        Raises
        ------
        NotFound
            When nothing of that path or run is published.
        Conflict
            When several runs are called so.
        """
        from modelcompose import publish

        shelf = publish.Shelf(self.workspace)
        everything = shelf.all()
        found = [one for one in everything if one.path == what]
        found = found or [one for one in everything if what and (one.name == what or one.run.startswith(what))]
        if not found:
            raise NotFound(f"nothing named {what!r} is published", remedy="List what is: modelcompose apps.")
        if len({one.run for one in found}) > 1:
            raise Conflict(
                f"{what!r} is published of several runs: {', '.join(sorted({one.run[:8] for one in found}))}",
                where="what",
                remedy="Name the path of one, or the id of a run.",
            )
        for one in found:
            shelf.take(one)
        return {"removed": [one.path for one in found]}


def _name(run: Run) -> str:
    """Return what the files of a run are called; a name is shown as it is but may not lead anywhere."""
    return f"{run.name.replace('/', '-').replace(chr(92), '-')}-{run.id[:8]}"
