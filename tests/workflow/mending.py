"""Autopilot on the twelve planted failures: which of them it turns into passing analyses, and why it stops.

    python tests/workflow/mending.py [name …]

prints the table. Every case is composed as a notebook and run as a user would run it, failures stopping it; autopilot
may take up to four remedies. The notebook has the cells of ``workflows/full.ipynb`` up to the answer, without those
steps that ask how far the answer carries, which no remedy is about.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from modelcompose import Workbench
from modelcompose.workflow import check
from modelcompose.workflow.compose import FOLDERS, workflow
from modelcompose.workflow.lineage import Lineage
from modelcompose.workflow.notebook import step_of

try:
    from planted import CASES, FEW, Planted
except ImportError:
    from tests.workflow.planted import CASES, FEW, Planted

ROUNDS = 4
STEPS = (
    *("", "data", "question", "model", "prior", "fit", "sampling", "posterior", "calibration", "influence", "answer"),
)
NAME = "gates"


@dataclass(frozen=True)
class Mended:
    """What autopilot made of a case."""

    lineage: Lineage
    run: dict
    seconds: float

    @property
    def passes(self) -> bool:
        """Whether the analysis failed as it was, and the best round has no failing check; warnings may be left."""
        best = self.lineage[self.lineage.best].status
        return self.lineage["1"].status == "failed" and best in ("passed", "warned")

    @property
    def way(self) -> str:
        """The remedies that led to the best round."""
        return " → ".join(one.label for one in self.lineage.path() if one.changes) or "nothing"


def mend(case: Planted, folder: Path, rounds: int = ROUNDS) -> Mended:
    """Compose a case as a notebook and run it on autopilot."""
    began = time.monotonic()
    workflows = folder / "workflows"
    workflows.mkdir()
    (workflows / f"{NAME}.ipynb").write_text(json.dumps(_gates()), "utf-8")
    os.environ[FOLDERS] = str(workflows)
    try:
        workbench = Workbench(folder)
        choices = {**FEW, **case.make(folder), "on_fail": "stop"}
        path = workbench.compose(choices, workflow=NAME)["path"]
        run = workbench.run(path, autopilot=rounds)
    finally:
        del os.environ[FOLDERS]
    return Mended(Lineage.model_validate(run["lineage"]), run, time.monotonic() - began)


def _gates() -> dict:
    nb = workflow("full")
    there = [step for step in STEPS if step in ("", "fit") or hasattr(check, step)]
    nb["cells"] = [cell for cell in nb["cells"] if step_of(cell) in there]
    return nb


HEAD = f"{'planted':22} {'first failed':12} {'ok':3} {'rounds':6} {'taken':60} {'left':34}"


def row(case: Planted, found: Mended) -> str:
    """Describe what became of a case in a line of the table, and why autopilot stopped in the next."""
    first, best = found.lineage["1"], found.lineage[found.lineage.best]
    failed = next((step for step, status in first.verdicts.items() if status == "fail"), first.status)
    left = " ".join(f"{step}:{status}" for step, status in best.verdicts.items() if status in ("warn", "fail"))
    return (
        f"{case.name:22} {failed:12} {'yes' if found.passes else 'NO':3} {len(found.lineage.rounds):6} "
        f"{found.way:60.60} {left or 'all pass':34} {found.seconds:5.0f} s\n{'':22} {found.lineage.stopped}"
        f"{f' {found.run["message"]}' if first.status == 'error' else ''}"
    )


def main(names: list[str]) -> None:
    """Print the table of the cases named, or of all."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    print(HEAD)
    cases = [case for case in CASES if not names or case.name in names]
    passing = 0
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            found = mend(case, Path(folder).resolve())
        passing += found.passes
        print(row(case, found), flush=True)
    print(f"autopilot turned {passing} of {len(cases)} into passing analyses")


if __name__ == "__main__":
    main(sys.argv[1:])
