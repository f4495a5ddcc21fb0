"""What runs found, curve over curve, and what their notebooks have different."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.errors import InvalidInput, NotFound
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    import numpy as np

    from modelcompose.runs import Run, RunStore

__all__ = ["Overlaying"]

SHOWN = 6
"""So many quantities are drawn when none is named."""
LISTED = 200
POINTS = 121
DRAWS = 2000
"""More draws than these make a curve slower, and no smoother to the eye."""
TAILS = (0.001, 0.999)


class Overlaying(Workspace):
    """What the workbench shows of several runs over one another."""

    def compare_posteriors(self, ids: Sequence[str], names: Sequence[str] = ()) -> Json:
        """Draw the posteriors of runs as curves over one another.

        Parameters
        ----------
        ids
            The runs, each by its id, a unique beginning of it, or its name.
        names
            The quantities, such as ``Days`` or ``1|Subject_sigma``; by default those that most runs have in common.

        Returns
        -------
        dict
            ``runs``: ``id`` and ``name`` of each; ``quantities``: the ``name`` and, by run, a curve of ``x`` and
            density ``y`` (a Gaussian kernel estimate with Scott's bandwidth) or, of a quantity that does not vary, its
            value ``at``; ``available``: the names there are; ``without``: the names of runs that left no posterior.

        Raises
        ------
        NotFound
            When there is no such run, or none of them has such a quantity.
        """
        store = self._store()
        runs = _several(store, ids)
        draws = {run.id: found for run in runs if (found := _posterior(store, run)) is not None}
        common = sorted(
            dict.fromkeys(name for one in draws.values() for name in one),
            key=lambda name: (-sum(name in one for one in draws.values()), "[" in name),
        )
        for name in names:
            if name not in common:
                some = ", ".join(common[:SHOWN])
                raise NotFound(f"no run has a quantity {name!r}", where="names", remedy=f"There are {some} …")
        return {
            "runs": [{"id": run.id, "name": run.name} for run in runs],
            "quantities": [
                {"name": name, "runs": {run: _curve(one[name]) for run, one in draws.items() if name in one}}
                for name in (names or [one for one in common if "[" not in one][:SHOWN] or common[:SHOWN])
            ],
            "available": common[:LISTED],
            "without": [run.name for run in runs if run.id not in draws],
        }

    def compare_notebooks(self, ids: Sequence[str]) -> Json:
        """Say which cells of the notebooks that runs executed are not the same.

        Parameters
        ----------
        ids
            The runs, each by its id, a unique beginning of it, or its name.

        Returns
        -------
        dict
            ``runs``: ``id`` and ``name`` of each; ``cells``: of each cell that differs its ``step`` and its source by
            run, null where a run has none; ``same``, how many cells all have alike; ``without``: the names of runs
            whose notebook is gone.

        Raises
        ------
        NotFound
            When there is no such run.
        """
        store = self._store()
        runs = _several(store, ids)
        sources = {run.id: dict(found) for run in runs if (found := _cells(store, run)) is not None}
        places = dict.fromkeys(place for one in sources.values() for place in one)
        by_run = {place: {run: one.get(place) for run, one in sources.items()} for place in places}
        differing = {place: cells for place, cells in by_run.items() if len(set(cells.values())) > 1}
        return {
            "runs": [{"id": run.id, "name": run.name} for run in runs],
            "cells": [{"step": step, "runs": cells} for (step, _), cells in differing.items()],
            "same": len(by_run) - len(differing),
            "without": [run.name for run in runs if run.id not in sources],
        }


def _several(store: RunStore, ids: Sequence[str]) -> list[Run]:
    runs = {run.id: run for run in map(store.get, ids)}
    if len(runs) < 2:
        raise InvalidInput("fewer than two different runs are named", where="ids", remedy="Name two runs or more.")
    return list(runs.values())


def _cells(store: RunStore, run: Run) -> list[tuple[tuple[str, int], str]] | None:
    """Return the source of each code cell by its step and its place among the cells of that step."""
    try:
        nb = json.loads(_notebook(store, run).read_text("utf-8"))
    except (NotFound, OSError, ValueError):
        return None
    found: list[tuple[tuple[str, int], str]] = []
    counted: dict[str, int] = {}
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            step = _step(cell)
            counted[step] = counted.get(step, 0) + 1
            source = cell["source"]
            found.append(((step, counted[step]), source if isinstance(source, str) else "".join(source)))
    return found


def _step(cell: Mapping[str, Any]) -> str:
    marks = cell.get("metadata", {})
    tags = marks.get("tags", [])
    named = str(marks.get("modelcompose", {}).get("step", ""))
    return named or next((tag for tag in ("parameters", "injected-parameters") if tag in tags), "")


def _notebook(store: RunStore, run: Run) -> Path:
    from modelcompose.runs.notebook import EXECUTED, SOURCE

    try:
        return store.artifact(run.id, EXECUTED)
    except NotFound:
        return store.artifact(run.id, SOURCE)


def _posterior(store: RunStore, run: Run) -> dict[str, np.ndarray] | None:
    """Return the draws of each quantity of a run, all chains together; None when it left none."""
    import xarray as xr

    from modelcompose.runs.checkpoints import POSTERIOR

    try:
        path = store.artifact(run.id, POSTERIOR)
        with xr.open_dataset(path, group="posterior", engine="h5netcdf") as posterior:
            return dict(_quantities(posterior))
    except (NotFound, OSError, ValueError, KeyError):
        return None


def _quantities(posterior: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Name each scalar, and each element of what has few, as ``name[level, level]``."""
    import numpy as np

    for name, variable in posterior.data_vars.items():
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        if not {"chain", "draw"} <= set(variable.dims) or variable.dtype.kind not in "fiub":
            continue
        size = int(np.prod([variable.sizes[dim] for dim in dims], dtype=int))
        if size > LISTED:
            continue
        flat = variable.transpose(*dims, "chain", "draw").values.reshape(size, -1).astype(float)
        if not dims:
            yield str(name), flat[0]
            continue
        levels = [posterior[dim].values if dim in posterior.coords else range(variable.sizes[dim]) for dim in dims]
        for at, draws in zip(np.ndindex(*(variable.sizes[dim] for dim in dims)), flat, strict=True):
            which = ", ".join(str(level[place]) for level, place in zip(levels, at, strict=True))
            yield f"{name}[{which}]", draws


def _curve(draws: np.ndarray) -> Json:
    import numpy as np
    from scipy.stats import gaussian_kde

    finite = draws[np.isfinite(draws)]
    if finite.size < 2 or not finite.std() > 1e-9 * max(1.0, abs(float(finite.mean()))):
        return {"x": [], "y": [], "at": float(finite[0]) if finite.size else None}
    thinned = finite[:: max(1, finite.size // DRAWS)]
    low, high = np.quantile(finite, TAILS)
    x = np.linspace(low, high, POINTS)
    return {"x": x.tolist(), "y": gaussian_kde(thinned)(x).tolist(), "at": None}
