"""What runs were made of: shown, made again, and copied to where others see them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.runs import Run, RunStore

__all__ = ["Recording"]


class Recording(Workspace):
    """What the workbench does with the records of runs."""

    def record(self, id: str) -> Json:  # noqa: A002
        """Return everything that a run was made of.

        Parameters
        ----------
        id
            The run.

        Returns
        -------
        dict
            ``record``: data and files with their SHA-256, recipe, choices, cells, commit with what differed from it,
            environment, machine, sampler, seeds, thresholds and time per step; ``sentences``, the same in plain words;
            ``reproduction``, how it compares with the run that it makes again, null where it does not.

        Raises
        ------
        Conflict
            When the run has not ended.
        NotFound
            When it left no record, as runs of earlier versions.
        """
        from modelcompose.runs.record import sentences
        from modelcompose.runs.run import ENDED

        store = self._store()
        run = store.get(id)
        found = store.record(run.id)
        if not found:
            if run.status not in ENDED:
                raise Conflict(f"run {run.name!r} has not ended", remedy="Its record is written when it ends.")
            raise NotFound(f"run {run.name!r} left no record", remedy="Run its notebook again.")
        return {"record": found, "sentences": sentences(found), "reproduction": _reproduction(store, run)}

    def reproduce(
        self,
        id: str,  # noqa: A002
        wait: bool = False,
        on_event: Callable[[Json], object] | None = None,
    ) -> Json:
        """Make a run again from its own notebook, choices and data, every step anew, and grade the result.

        Parameters
        ----------
        id
            The run to make again.
        wait
            Whether to execute it here and now; otherwise it goes on in the background.
        on_event
            Called with every event as it happens, while waiting.

        Returns
        -------
        dict
            The new run. When it has ended, its ``grade`` is ``identical``, ``within Monte Carlo error`` or
            ``different``, and its record tells by which quantities and what was different around it.

        Raises
        ------
        Conflict
            When the run has not ended, or something that it was made of is not there as it was.
        """
        from modelcompose import runs
        from modelcompose.runs.queue import RUNS

        store, old = self._reproducible(id)
        nb, analysis = self._as_it_was(store, old)
        run = store.create(
            nb,
            name=old.name,
            notebook_path=old.notebook,
            analysis=analysis,
            data=old.data,
            fresh=True,
            program=RUNS,
            here=wait,
            reproduces=old.id,
        )
        if wait:
            return runs.execute(store, run.id, on_event).model_dump(mode="json")
        runs.ensure_worker(store)
        return run.model_dump(mode="json")

    def import_run(self, files: Sequence[str], name: str = "", model: str = "", data: str = "") -> Json:
        """Bring in a posterior that was drawn elsewhere, as a run that passes the same checks.

        Parameters
        ----------
        files
            In the workspace: one netCDF file or zarr store of ArviZ, or the CSV files of CmdStan's chains.
        name
            What to call the run; by default the name of the first file.
        model, data
            What the model and the table are called.

        Returns
        -------
        dict
            The run.

        Raises
        ------
        NotFound
            When there is no such file.
        InvalidData
            When a file is none of these, is damaged or too large, or holds no draws by chain.
        """
        from modelcompose.runs.tracked import bring_in
        from modelcompose.samplers.elsewhere import read_posterior

        paths = [self._inside(file) for file in files]
        dt = read_posterior(*paths)
        hashes = {self._shown(path): _sha256(path) for path in paths}
        run = bring_in(self._store(), dt, name=name or paths[0].stem, files=hashes, model=model, data=data)
        return run.model_dump(mode="json")

    def export_run(self, id: str, path: str) -> Json:  # noqa: A002
        """Write a run, with what it was made of, to one file that opens in another workspace.

        Parameters
        ----------
        id
            The run.
        path
            The file; its name ends in ``.modelcompose``.

        Returns
        -------
        dict
            ``path``, its size in ``bytes``, and what of the run is ``missing`` in it, with the reason.

        Raises
        ------
        Conflict
            When the run has not ended, or the file exists.
        """
        from modelcompose.runs.carry import SUFFIX, export
        from modelcompose.runs.run import ENDED

        store = self._store()
        run = store.get(id)
        if run.status not in ENDED:
            raise Conflict(f"run {run.name!r} has not ended", remedy="Wait until it has.")
        target = self._inside(path if path.endswith(SUFFIX) else f"{path}{SUFFIX}")
        if target.exists():
            raise Conflict(f"{self._shown(target)} exists already", where="path", remedy="Choose another name.")
        missing = export(store, run, target)
        return {"path": self._shown(target), "bytes": target.stat().st_size, "missing": missing}

    def open_run(self, path: str) -> Json:
        """Open a file that a run was exported to: it appears here, with what it was made of in a folder of its own.

        Parameters
        ----------
        path
            The file, in the workspace.

        Returns
        -------
        dict
            ``run``; ``folder``, where what it was made of lies; ``missing``, what the file did not hold.

        Raises
        ------
        InvalidInput
            When it is no such file, is damaged, or would write outside its folder.
        Conflict
            When the run is here already.
        """
        from modelcompose.runs.carry import open_file

        file = self._inside(path)
        if not file.is_file():
            raise NotFound(f"there is no file {path!r}", where=str(self.workspace), remedy="Check the path.")
        store = self._store()
        id_, folder, missing = open_file(store, file)
        return {"run": store.get(id_).model_dump(mode="json"), "folder": folder, "missing": missing}

    def copy_runs(self, to: str, ids: Sequence[str] = ()) -> Json:
        """Copy runs to another MLflow store; each keeps the id that it was executed under as a tag.

        Parameters
        ----------
        to
            MLflow's tracking URI: of a server, or ``sqlite:///`` and a file.
        ids
            The runs; all that have ended when none is named.

        Returns
        -------
        dict
            ``copied``, ``present`` (there already) and ``left_out``, each a list of runs.

        Raises
        ------
        InvalidInput
            When it is no address of a store, or the one of this workspace.
        """
        from modelcompose.runs.carry import copy_runs
        from modelcompose.runs.tracking import Tracking

        store = self._store()
        target = Tracking.at(to, store.home, where="to")
        if target.uri == store.tracking.uri:
            raise InvalidInput("this is the store of this workspace", where="to", remedy="Name another one.")
        if target.empty and not target.folder.is_dir():
            raise NotFound(f"there is no folder {target.folder}", where="to", remedy="Make it first.")
        return copy_runs(store, target, ids)

    def _reproducible(self, id: str) -> tuple[RunStore, Run]:  # noqa: A002
        from modelcompose.runs.run import ENDED

        store = self._store()
        run = store.get(id)
        if run.status not in ENDED:
            raise Conflict(f"run {run.name!r} has not ended", remedy="Wait until it has.")
        if run.kind not in {"run", "imported"}:
            raise Conflict(
                f"run {run.name!r} is no execution of one notebook ({run.kind})",
                remedy="Name one of the runs that belong to it." if run.kind == "sweep" else "Run its code again.",
            )
        if not (self.workspace / run.notebook).parent.is_dir():
            raise Conflict(
                f"the folder of {run.notebook}, in which run {run.name!r} was executed, is gone",
                remedy="Bring it back, or open the file that the run was exported to.",
            )
        return store, run

    def _as_it_was(self, store: RunStore, run: Run) -> tuple[Json, Analysis]:
        """Return the notebook and the choices of a run, once it is certain that all it was made of is there."""
        from modelcompose.runs.reproduce import changed_ingredients, pinned, source_of

        nb = source_of(store, run.id)
        analysis = Analysis.read(nb)
        recorded = store.record(run.id)
        if not recorded:
            raise Conflict(
                f"run {run.name!r} left no record, so that nobody knows what it was made of",
                remedy="Run its notebook again.",
            )
        if pins := pinned(recorded, analysis):
            analysis = analysis.changed(pins)
            analysis.write(nb)
        folder = (self.workspace / run.notebook).parent
        if differs := changed_ingredients(recorded, analysis, folder):
            raise Conflict(
                f"run {run.name!r} cannot be made again: {'; '.join(differs)}",
                where=run.notebook,
                remedy="Bring back what it was, or open the file that the run was exported to.",
            )
        return nb, analysis


def _sha256(path: Path) -> str:
    """Hash a file, or all files of a folder with their names."""
    if path.is_file():
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    parts = [f"{one.relative_to(path).as_posix()} {_sha256(one)}" for one in sorted(path.rglob("*")) if one.is_file()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _reproduction(store: RunStore, run: Run) -> Any:
    from modelcompose.runs.reproduce import REPRODUCTION

    if not run.reproduces:
        return None
    try:
        return json.loads(store.artifact(run.id, REPRODUCTION).read_text("utf-8"))
    except (NotFound, ValueError):
        return None
