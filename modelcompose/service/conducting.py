"""The process of a sweep: ``python -m modelcompose.service.conducting <id> --workspace <folder>``.

It makes the runs of the sweep, waits until all have ended, and writes the page that puts them side by side.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from modelcompose.errors import Conflict, Unavailable
from modelcompose.runs import ENDED, Control, EventLog, Run, RunStore, Terms, execute
from modelcompose.runs.__main__ import main
from modelcompose.runs.notebook import EXECUTED, SOURCE, write
from modelcompose.runs.run import RunStatus
from modelcompose.service import Workbench
from modelcompose.service import grid as grids
from modelcompose.service.sweep_page import page

if TYPE_CHECKING:
    from modelcompose.service.workspace import Json

__all__ = ["conduct"]

PAUSE = 0.5
AWAY_SECONDS = 5.0
"""How long MLflow is left alone when it was out of reach."""
GRAVEST: tuple[RunStatus, ...] = ("error", "cancelled", "stopped", "failed", "warned", "passed")
"""How a sweep stands whose runs stand so: as the first of these that one of them has."""


def conduct(store: RunStore, sweep: str, *, control: Control) -> Run:
    """Execute a sweep that was created, and return it when it has ended, however it ended.

    Parameters
    ----------
    store
        The runs of its workspace.
    sweep
        Its whole id.
    control
        To stop it; its runs are stopped with it.
    """
    conductor = _Conductor(store, sweep)
    return execute(store, sweep, control=control, body=conductor)


class _Conductor:
    """Makes the runs of one sweep and follows them."""

    def __init__(self, store: RunStore, sweep: str) -> None:
        self.store = store
        self.sweep = sweep
        self.bench = Workbench(store.workspace, store.tracking.uri)
        self._told: dict[str, tuple[str, str]] = {}

    def __call__(self, folder: Path, control: Control) -> tuple[RunStatus, str]:
        """Bring the sweep to its end; return how it stands and a sentence on it."""
        self._patiently(control, partial(self.store.begun, self.sweep))
        nb = json.loads((folder / SOURCE).read_text("utf-8"))
        plan = nb["metadata"]["modelcompose"]["sweep"]
        runs = self._patiently(control, lambda: self._made(nb, plan, control))
        self._await(runs, control)
        ended = [self._patiently(control, partial(self._recorded, run)) for run in runs.values()]
        several = list(runs.values())
        found = self._patiently(control, lambda: self.bench.compare_runs(several)) if len(runs) > 1 else None
        status, message = _judged(ended, len(plan["points"]), control)
        write(page(nb, plan, ended, found, message), folder / EXECUTED)
        return status, " ".join([message, *(found["sentences"] if found else [])])

    @staticmethod
    def _patiently[Answer](control: Control, ask: Callable[[], Answer]) -> Answer:
        """Ask again until MLflow is within reach, unless somebody stops the sweep."""
        while True:
            try:
                return ask()
            except Unavailable:
                if control.stopping:
                    raise
                sleep(AWAY_SECONDS)

    def _made(self, nb: Json, plan: Json, control: Control) -> dict[str, str]:
        """Put each run of the plan that is not there yet on the queue; return their ids by name."""
        there = {child.name: child.id for child in self.store.children(self.sweep) if child.status != "cancelled"}
        notebook = self.store.get(self.sweep).notebook
        for point in plan["points"]:
            if control.stopping:
                break
            if point["name"] not in there:
                there[point["name"]] = self._create(nb, plan, point, notebook)
        return {point["name"]: there[point["name"]] for point in plan["points"] if point["name"] in there}

    def _create(self, nb: Json, plan: Json, point: Json, notebook: str) -> str:
        ready = self.bench._ready(nb, point["changes"], notebook)
        ready.nb["metadata"].get("modelcompose", {}).pop("sweep", None)
        child = self.store.create(
            ready.nb,
            name=point["name"],
            notebook_path=notebook,
            analysis=ready.analysis,
            data=ready.data,
            parent=self.sweep,
            terms=Terms.model_validate(plan["terms"]),
            tags={name: grids.spelt(value) for name, value in point["varied"].items()},
        )
        return child.id

    def _await(self, runs: Mapping[str, str], control: Control) -> None:
        """Wait until all have ended, telling how each stands; a stop reaches them too."""
        asked = 0
        while True:
            going = {name: run for name, run in runs.items() if self._told.get(name, ("", ""))[0] not in ENDED}
            if not going:
                return
            for name, run in going.items():
                now = self._standing(run)
                if self._told.get(name) != now:
                    self._told[name] = now
                    self._tell(name, run, *now)
            if asked < control.stopping + control.aborted + control.cancelled:
                asked += 1
                self._ask("cancel" if control.cancelled else "stop", going.values())
            sleep(PAUSE)

    def _standing(self, run: str) -> tuple[str, str]:
        """Say how a run stands, and in which step it is."""
        _, status = self.store.standing(run)
        if status != "running":
            return status, ""
        steps = [event for event in EventLog(self.store.folder(run)).read() if event["type"] == "step"]
        return status, str(steps[-1]["step"]) if steps else ""

    def _recorded(self, run: str) -> Run:
        """Return a run that has ended, as soon as its record says so too."""
        while (found := self.store.get(run)).status not in ENDED:
            sleep(PAUSE)
        return found

    def _tell(self, name: str, run: str, status: str, step: str) -> None:
        EventLog(self.store.folder(self.sweep)).append("point", name=name, run=run, status=status, step=step)

    def _ask(self, what: str, runs: Iterable[str]) -> None:
        for run in runs:
            with suppress(Conflict):  # it ended meanwhile
                getattr(self.bench, what)(run)


def _judged(runs: Sequence[Run], planned: int, control: Control) -> tuple[RunStatus, str]:
    """Say how a sweep stands whose runs have ended."""
    counts = Counter(run.status for run in runs)
    told = ", ".join(f"{counts[status]} {status}" for status in reversed(GRAVEST) if counts[status])
    left = f", {planned - len(runs)} not begun" if len(runs) < planned else ""
    message = f"{planned} run{'s' if planned != 1 else ''}: {told}{left}."
    if control.cancelled:
        return "cancelled", f"Cancelled. {message}"
    if control.stopping:
        return "stopped", f"Stopped by {control.by}. {message}"
    return next(status for status in GRAVEST if counts[status]), message


if __name__ == "__main__":
    sys.exit(main(by=conduct))
