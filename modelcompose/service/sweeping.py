"""Sweeps: one notebook run once for every combination of some choices, and what came of it side by side.

A sweep is itself a run, of the kind ``sweep``: its notebook holds the plan, and becomes the page that shows what came
of it. Its process makes the runs that belong to it and waits for them; it computes nothing. What was done stands in the
run store, so that a sweep whose process died goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.errors import Conflict, InvalidInput, ModelComposeError
from modelcompose.service import grid as grids
from modelcompose.service.comparing import Comparing
from modelcompose.service.workspace import Json

if TYPE_CHECKING:
    from modelcompose.runs import Ready, Run, RunStore

__all__ = ["Sweeping"]

PROGRAM = "modelcompose.service.conducting"
"""The module that executes a sweep."""
MANY = 50
"""More runs than these are begun only when somebody says that so many are meant."""
MOST = 10_000
BEGUN_AGAIN = 20
"""How often the process of a sweep begins again when it dies: it loses nothing."""


class Sweeping(Comparing):
    """What the workbench does with sweeps."""

    if TYPE_CHECKING:

        def _existing(self, path: str) -> Path: ...
        def _ready(self, nb: Mapping[str, Any], changes: Mapping[str, Any], notebook: str) -> Ready: ...

    def sweep(
        self,
        notebook: str,
        grid: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
        fresh: bool = False,
        yes: bool = False,
        priority: int | None = None,
        cores: int | None = None,
        memory: int | None = None,
        timeout: int | None = None,
        retries: int | None = None,
        cluster: str = "",
    ) -> Json:
        """Run a notebook in the background once for every combination of some choices, and put the runs side by side.

        The same sweep asked for again goes on with what is missing; what has ended by itself is not run again. A sweep
        is the same when notebook, table, changes and grid are.

        Parameters
        ----------
        notebook
            Its path; it stays as it is.
        grid
            For each choice its values: a list, or a text such as ``0.5,1,2`` whose parts are read as the choice's type.
        changes
            Choices that differ in all runs.
        fresh
            Whether it is a new sweep in any case, which takes over nothing that was finished before.
        yes
            Whether more than 50 runs are meant.
        priority, cores, memory, timeout, retries, cluster
            What the queue is asked for each of the runs; see ``start``.

        Returns
        -------
        dict
            The sweep's own run, and ``points``: ``name`` and ``changes`` of each run that belongs to it.

        Raises
        ------
        InvalidInput
            When a choice or a value does not exist, or more runs are asked for than anybody may mean.
        Conflict
            When a combination would have to alter a cell that was edited by hand.
        """
        from modelcompose.runs import Settings, Terms, ensure_worker
        from modelcompose.runs.store import RESUMABLE

        wanted = {"priority": priority, "cores": cores, "memory": memory, "timeout": timeout, "retries": retries}
        asked = {**wanted, "cluster": cluster}
        terms = Settings.of(self.workspace).terms(asked)
        path = self._existing(notebook)
        typed = {name: grids.values(name, given) for name, given in grid.items()}
        base, plan = self._planned(path, typed, changes or {}, yes)
        plan["terms"] = terms.model_dump(mode="json")
        store = self._store()
        run = None if fresh else _same(store, plan["digest"])
        if run is None:
            run = store.create(
                {**base.nb, "metadata": _with_plan(base.nb, plan)},
                name=f"{path.stem}-sweep",
                notebook_path=self._shown(path),
                analysis=base.analysis,
                data=base.data,
                fresh=fresh,
                terms=Terms(priority=terms.priority, retries=BEGUN_AGAIN),
                kind="sweep",
                program=PROGRAM,
            )
        elif run.status in RESUMABLE:
            _reopen(store, run)
        ensure_worker(store, cluster)
        return {**store.get(run.id).model_dump(mode="json"), "points": plan["points"]}

    def _with_parts(self, ask: Callable[[RunStore, str], Run], id: str) -> Run:  # noqa: A002
        """Ask something of a run; of a sweep that nobody conducts just now, also of the runs that belong to it."""
        from modelcompose.runs import ENDED

        store = self._store()
        run = ask(store, id)
        if run.kind == "sweep" and run.status in ENDED:
            for child in store.children(run.id):
                with suppress(Conflict):
                    ask(store, child.id)
        return run

    def _resumed_sweep(self, store: RunStore, id: str) -> Run | None:  # noqa: A002
        """Let a sweep that has ended go on with what is missing; None where the run is none, or goes on by itself."""
        from modelcompose.runs.store import RESUMABLE

        run = store.get(id)
        if run.kind != "sweep" or run.status not in RESUMABLE:
            return None
        _reopen(store, run)
        return store.get(run.id)

    def _planned(
        self, path: Path, grid: Mapping[str, Sequence[Any]], changes: Mapping[str, Any], yes: bool
    ) -> tuple[Ready, Json]:
        """Make every combination's notebook ready once, so that whatever is wrong with one is said at once."""
        from modelcompose.service.workspace import read_notebook

        points = _points(path.stem, grid, changes, yes)
        nb, shown = read_notebook(path), self._shown(path)
        base = self._ready(nb, changes, shown)
        ready = []
        for point in points:
            try:
                ready.append(self._ready(nb, point["changes"], shown))
            except ModelComposeError as error:
                error.message = f"{error.message} (with {grids.named({name: point['changes'][name] for name in grid})})"
                raise
        return base, {"grid": grid, "points": points, "digest": _digest(base, ready)}


def _same(store: RunStore, digest: str) -> Run | None:
    """Find the newest sweep with this digest."""
    return next((run for run in store.sweeps() if _plan(store, run).get("digest") == digest), None)


def _plan(store: RunStore, sweep: Run) -> Json:
    from modelcompose.runs.files import read_json
    from modelcompose.runs.notebook import SOURCE

    nb = read_json(store.folder(sweep.id) / SOURCE) or {}
    found: Json = nb.get("metadata", {}).get("modelcompose", {}).get("sweep", {})
    return found


def _with_plan(nb: Mapping[str, Any], plan: Json) -> Json:
    """Return a notebook's metadata with the plan of a sweep."""
    metadata = nb.get("metadata", {})
    return {**metadata, "modelcompose": {**metadata.get("modelcompose", {}), "sweep": plan}}


def _reopen(store: RunStore, sweep: Run) -> None:
    """Put the runs of a sweep that did not end by themselves on the queue again, and then the sweep itself.

    One whose draws were discarded is made anew by the sweep's process.
    """
    from modelcompose.runs.store import RESUMABLE

    for child in store.children(sweep.id):
        if child.status in RESUMABLE:
            with suppress(Conflict):
                store.reopen(child.id)
    store.reopen(sweep.id)


def _points(stem: str, grid: Mapping[str, Sequence[Any]], changes: Mapping[str, Any], yes: bool) -> list[Json]:
    """List the combinations with the changes of each, under names that differ."""
    if not grid:
        raise InvalidInput("there is no choice to vary", where="grid", remedy="Name one, such as prior_scale=0.5,1,2.")
    if twice := sorted(set(grid) & set(changes)):
        raise InvalidInput(f"{twice[0]!r} is varied and set too", where="grid", remedy="Leave out one of the two.")
    count = 1
    for values in grid.values():
        count *= len(values)
    if count > MOST or (count > MANY and not yes):
        meant = "Vary less." if count > MOST else "Vary less, or say yes (--yes) to so many."
        raise InvalidInput(f"these would be {count} runs", where="grid", remedy=meant)
    names = [f"{stem} {grids.named(one)}" for one in grids.combinations(grid)]
    return [
        {
            "name": name if names.count(name) == 1 else f"{name} ({number})",
            "changes": {**changes, **one},
            "varied": one,
        }
        for number, (name, one) in enumerate(zip(names, grids.combinations(grid), strict=True), start=1)
    ]


def _digest(base: Ready, ready: Sequence[Ready]) -> str:
    """Identify a sweep by what its runs are made of."""
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in base.nb["cells"]]
    choices = [[one.analysis.model_dump(mode="json"), one.data, one.sha256] for one in ready]
    return hashlib.sha256(json.dumps([sources, choices], sort_keys=True).encode()).hexdigest()
