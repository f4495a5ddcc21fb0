"""Predictions of new rows by the model of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.runs import Run

__all__ = ["Predictions"]

ENDS = ("lower", "median", "upper")


class Predictions(Workspace):
    """What the workbench does with fitted models."""

    def predict(self, id: str, data: str = "", rows: list[Json] | None = None) -> Json:  # noqa: A002
        """Predict new rows by the model of a run that has ended, or by a registered model.

        Parameters
        ----------
        id
            The run; or a registered model as ``name@alias`` or ``name/version``.
        data
            A table of new rows: a file of the workspace, or any other source of tables.
        rows
            The rows themselves instead, each with the columns that the model uses.

        Returns
        -------
        dict
            ``rows``, each with its ``columns``, ``average`` and ``single`` (each with lower, median and upper end), and
            a ``note`` on what about it the model has never seen; ``dropped``; ``partial``, whether it rests on sampling
            that was stopped early; ``ci_prob``; ``outcome`` and ``unit``.

        Raises
        ------
        Conflict
            When the run has no posterior, or its model was edited by hand.
        InvalidData
            When the new rows lack a column or a level.
        """
        from modelcompose import catalog
        from modelcompose.runs import Registry
        from modelcompose.workflow.new_rows import new_rows
        from modelcompose.workflow.prediction import class_names

        store = self._store()
        registered = Registry(store).find(id) if "@" in id or "/" in id else None
        if registered:
            fitted = Registry(store).fitted(*registered)
            with self._table(data, rows) as source:
                return _predicted(fitted.choices, fitted.new_rows(source), fitted.classes)
        run = store.get(id)
        choices = self._choices_of(run)
        folder = self._inside(run.notebook).parent
        with self._at(folder), self._table(data, rows) as source:
            dataset = self._dataset(choices, folder)
            table, gaps = dataset.rows(choices)
            model = catalog.open_gaps(catalog.build(choices, table), gaps)
            asked = choices.changed({"new_rows": source})
            names = class_names(asked, table)
            found = new_rows(asked, dataset, table, model, self._posterior(run), names)
        return _predicted(choices, found, names)

    @contextmanager
    def _table(self, data: str, rows: list[Json] | None) -> Iterator[str]:
        """Name the table of new rows as it is to be loaded; rows given as such are written to a passing file."""
        from modelcompose.data.readers import local_path
        from modelcompose.runs.fitted import passing_table

        if rows is None:
            self._require_inside(data, self.workspace)
            path = local_path(data, self.workspace)
            yield str(path) if path is not None and path.is_file() else data
            return
        if not rows:
            raise InvalidInput("there is no row to predict", where="rows")
        names = list(dict.fromkeys(name for row in rows for name in row))
        with passing_table([names, *([row.get(name, "") for name in names] for row in rows)]) as source:
            yield source

    def _choices_of(self, run: Run) -> Analysis:
        from modelcompose.runs import ENDED
        from modelcompose.runs.notebook import EXECUTED
        from modelcompose.workflow.notebook import edited, step_of

        if run.status not in ENDED or not run.executed:
            raise Conflict(f"run {run.name!r} has not ended", remedy="Wait until it has.")
        nb = json.loads(self._store().artifact(run.id, EXECUTED).read_text("utf-8"))
        if any(step_of(cell) == "model" and edited(cell) for cell in nb["cells"] if cell["cell_type"] == "code"):
            raise Conflict(
                f"the model of run {run.name!r} was edited by hand, so that only its notebook knows it",
                remedy="Name new rows as new_rows in the notebook and run it; for sliders, publish an app.",
            )
        return Analysis.read(nb)

    def _posterior_file(self, run: Run) -> Path:
        try:
            return self._store().artifact(run.id, "posterior.nc")
        except NotFound:
            raise Conflict(f"run {run.name!r} has no posterior", remedy="Run it again, to its fit at least.") from None

    def _posterior(self, run: Run) -> Any:
        import xarray as xr

        with xr.open_datatree(self._posterior_file(run), engine="h5netcdf") as dt:
            return dt.load()


def _predicted(choices: Analysis, found: Any, names: tuple[str, ...]) -> Json:
    return {
        "outcome": f"chance of {names[-1]}" if names else choices.outcome,
        "unit": "" if names else choices.units.get(choices.outcome, ""),
        "ci_prob": choices.ci_prob,
        "dropped": int(found.attrs["dropped"]),
        "partial": bool(found.attrs["partial"]),
        "rows": [_row(found, at) for at in range(found.sizes["row"])],
    }


def _row(found: Any, at: int) -> Json:
    chance = bool(found.attrs["is_class"])
    columns = {
        str(name).removeprefix("column "): str(found[name].values[at])
        for name in found.data_vars
        if str(name).startswith("column ")
    }
    ends = {
        kind: dict(zip(ENDS, map(float, found[kind].values[at]), strict=True))
        for kind in ("average", "single")
        if not (chance and kind == "single")
    }
    return {"columns": columns, **ends, "note": str(found["outside"].values[at])}
