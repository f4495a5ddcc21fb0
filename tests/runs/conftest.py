"""Small notebooks that behave well or badly, and one workspace whose MLflow database is made once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from modelcompose.analysis import Analysis
from modelcompose.runs import Run, RunStore

SET_UP = """
from modelcompose.errors import GateFailed
from modelcompose.verdict import Finding, Remedy, Verdict

def judge(step, status="pass", sentence="All is well.", **more):
    verdict = Verdict(step=step, title=f"Is {step} right?", status=status, sentence=sentence, **more)
    display(verdict)
    return verdict

def emit(**content):
    kernel = get_ipython().kernel
    content = {"type": "sampling", **content}
    kernel.session.send(kernel.iopub_socket, "modelcompose_event", content, parent=kernel.get_parent())
"""
DATA = """
rows = Finding(name="Rows, all", status="pass", value=18, shown="18")
judge("data", details={"sha256": "5ha"}, findings=[rows])
"""
FIT = """
import os, pathlib, time
done = 0
try:
    while done < {draws}:
        done += 1
        emit(finished=done, total={draws}, divergences=0, left=None)
        time.sleep(0.02)
except KeyboardInterrupt:
    pass
pathlib.Path(os.environ["MODELCOMPOSE_RUN_FOLDER"], "posterior.nc").write_text(str(done))
"""
SAMPLING = """
drawn = Finding(name="Draws", status="pass", value=done, shown=str(done))
judge("sampling", partial=done < {draws}, findings=[drawn])
"""


def step(name: str, source: str) -> Any:
    return new_code_cell(source, metadata={"modelcompose": {"step": name}})


def notebook(*cells: Any) -> Any:
    parameters = new_code_cell('data = "table.csv"', metadata={"tags": ["parameters"]})
    return new_notebook(cells=[new_markdown_cell("# An analysis"), parameters, new_code_cell(SET_UP), *cells])


def workflow(draws: int = 5, answer: str = 'judge("answer")') -> Any:
    cells = {"data": DATA, "fit": FIT, "sampling": SAMPLING, "answer": answer}
    return notebook(*(step(name, source.replace("{draws}", str(draws))) for name, source in cells.items()))


def wait_for(happened: Callable[[], Any], seconds: float = 120) -> Any:
    until = monotonic() + seconds
    while not (result := happened()):
        assert monotonic() < until, "it did not happen in time"
        sleep(0.05)
    return result


MAKE = "import sys, pathlib; from modelcompose.runs import RunStore; RunStore(pathlib.Path(sys.argv[1])).list()"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A workspace whose database two processes made at once, and what they printed."""
    workspace = tmp_path_factory.mktemp("a workspace, ä")
    (workspace / "studies").mkdir()
    (workspace / "studies" / "table.csv").write_text("a,b\n1,2\n")
    command = [sys.executable, "-c", MAKE, str(workspace)]
    both = [subprocess.Popen(command, stdout=-1, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    return workspace, [process.communicate()[0] for process in both]


@pytest.fixture(scope="session")
def store(made: tuple[Path, list[str]]) -> RunStore:
    return RunStore(made[0])


@pytest.fixture(scope="session")
def create(store: RunStore) -> Callable[..., Run]:
    def make(nb: Any, name: str = "a study", **more: Any) -> Run:
        analysis = Analysis(model="varying-slopes", question="change-over-time", estimand="long " * 2000)
        options = {"name": name, "notebook_path": "studies/study.ipynb", "analysis": analysis}
        return store.create(nb, **options | more)

    return make
