"""Which steps of one execution are finished already, and what becomes of those that finish now."""

from __future__ import annotations

import copy
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.runs.checkpoints import POSTERIOR, Checkpoint, Checkpoints
from modelcompose.runs.keys import Keys
from modelcompose.verdict import MIME, verdict_in
from modelcompose.workflow.notebook import is_composed

__all__ = ["Finished"]

FIT = "fit"

logger = logging.getLogger("modelcompose.runs")


class Finished:
    """The finished steps of a notebook that is being executed.

    Parameters
    ----------
    nb
        The notebook.
    keys
        What its steps depend on.
    checkpoints
        The finished steps of the workspace.
    run
        The run's folder, where its posterior lies.
    """

    def __init__(self, nb: Mapping[str, Any], keys: Keys, checkpoints: Checkpoints, run: Path) -> None:
        self._analysis = Analysis.read(nb)
        self._keys = keys
        self._checkpoints = checkpoints
        self._run = run
        self._begun: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._found: dict[str, Checkpoint | None] = {}
        self._cut_short = False

    def cut_short(self) -> None:
        """Note that a computation was cut short: what rests on it is neither kept nor found."""
        self._cut_short = True

    def begin(self, step: str) -> str:
        """Settle what a step depends on as it begins; empty where nobody can say."""
        self._began[step] = time.monotonic()
        if step not in self._begun:
            self._begun[step] = self._keys.of(step) or ""
        return self._begun[step]

    def find(self, step: str) -> Checkpoint | None:
        """Return what is there of a step, its posterior being put into the run's folder."""
        if self._cut_short:
            return None
        if step not in self._found:
            key = self.begin(step)
            found = self._checkpoints.find(key) if key else None
            self._found[step] = found if found is not None and self._posterior_restored(found) else None
        return self._found[step]

    def _posterior_restored(self, found: Checkpoint) -> bool:
        """Put a step's posterior into the run's folder; false when another run has just replaced or removed it."""
        try:
            if found.posterior is not None:
                shutil.copyfile(found.posterior, self._run / POSTERIOR)
        except FileNotFoundError:
            return False
        return True

    def stands(self, step: str) -> bool:
        """Tell whether a step need not run: it ended, and its verdict would be taken the same way now."""
        found = self.find(step)
        if found is None or not found.ended or list(found.waivers) != self._waivers(step):
            return False
        verdict = verdict_in([output for outputs in found.cells for output in outputs])
        return verdict is None or verdict.gate != "fail" or self._analysis.on_fail != "stop"

    def keep(
        self, step: str, cells: Sequence[Any], write: Callable[[Path, float | None], bool], *, ended: bool
    ) -> None:
        """Keep a step that has ended now; what cannot be kept is merely run again another time.

        What it showed is always kept, and so is a posterior. Other results of composed cells, which draw with the seed
        that they name, are computed again when a later step needs them, if that is quicker than to store them.

        Parameters
        ----------
        step
            The step.
        cells
            Its cells, executed.
        write
            Writes its results into a folder, and says whether that went well; it is told how many seconds making them
            again would take, and None where that may not be done.
        ended
            False when its check stopped the notebook.
        """
        outputs = [cell.get("outputs", []) for cell in cells]
        verdict = verdict_in([output for one in outputs for output in one])
        if verdict is not None and (sha256 := verdict.details.get("sha256")) and step == "data":
            self._keys.settle(str(sha256))
        if verdict is not None and verdict.partial:
            self.cut_short()
        key = self._begun.get(step)
        if not key or self._cut_short or not self._keys.still(step, key):
            return
        try:
            with self._checkpoints.writing() as part:
                if not write(part, self._seconds(step, cells)):
                    return
                if step == FIT:
                    with suppress(FileNotFoundError):
                        shutil.copyfile(self._run / POSTERIOR, part / POSTERIOR)
                self._checkpoints.keep(key, part, cells=outputs, ended=ended, waivers=self._waivers(step))
        except OSError as error:
            logger.warning("Step %s could not be kept: %s", step, error)

    def _seconds(self, step: str, cells: Sequence[Any]) -> float | None:
        """Return how long a step took, None where cells of it were written by hand."""
        made = all(is_composed(cell) for cell in cells)
        return time.monotonic() - self._began[step] if made and step in self._began else None

    def _waivers(self, step: str) -> list[dict[str, str]]:
        """Return the waivers that a step's verdict depends on: its own, and those of the steps it rests on."""
        from modelcompose.workflow.steps import upstream

        counting = {step, *upstream(step)}
        return [waiver for waiver in self._analysis.waivers if waiver["step"] in counting]


def as_shown_here(outputs: Sequence[Mapping[str, Any]], count: int, ran: Mapping[str, str]) -> list[dict[str, Any]]:
    """Put the outputs of a finished step's cell into this notebook, where other cells may stand above it.

    Parameters
    ----------
    outputs
        As they were kept.
    count
        The cell's execution count here.
    ran
        What this session counts as executed, the cell included: execution count → hash of the source.
    """
    shown = []
    for output in outputs:
        one = copy.deepcopy(dict(output))
        if one.get("output_type") == "execute_result":
            one["execution_count"] = count
        if MIME in one.get("data", {}):
            one["data"][MIME]["ran"] = dict(ran)
        shown.append(one)
    return shown
