"""What all tests share.

Browser tests drive a browser with an event loop of its own, which cannot live in one process with the server tests:
they run only when their folder is named, as in ``pytest tests/browser``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "agg")
# The first notebook begins a warm process, from which later ones are forked; it is the tests' own and ends with them.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["MODELCOMPOSE_RUNTIME"] = tempfile.mkdtemp(prefix="mc-")

MANY = 400
HERE = Path(__file__).parent
BROWSER = any("browser" in argument for argument in sys.argv[1:])

collect_ignore = [] if BROWSER else ["browser"]
pytest_plugins = [] if BROWSER else ["pytest_jupyter.jupyter_server"]

# A busy machine is no reason to fail: what counts is the answer, not how long it took.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warming up takes as long as some ten notebooks save by it: for a few tests it is not worth its while."""
    if len(items) < MANY:
        os.environ.setdefault("MODELCOMPOSE_WARM", "0")


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # the process that has begun this one will do it
    from modelcompose.runs import warm

    warm.stop()
    shutil.rmtree(os.environ["MODELCOMPOSE_RUNTIME"], ignore_errors=True)


@pytest.fixture(scope="session")
def slept(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A workbench under git, and a run there that is fitted to the sleepstudy sample; its few draws do not pass."""
    from modelcompose import Workbench

    bench = Workbench(tmp_path_factory.mktemp("slept"))
    choices = {
        "data": bench.copy_sample("sleepstudy")["path"],
        "outcome": "Reaction",
        "predictors": ["Days"],
        "groups": ["Subject"],
        "units": {"Reaction": "ms"},
        "draws": 200,
        "tune": 300,
        "chains": 1,
        "on_fail": "warn",
    }
    notebook = bench.compose(choices, "sleep.ipynb")["path"]
    git = ["git", "-C", str(bench.workspace), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "begun"]):
        subprocess.run([*git, *command], check=True)
    return bench, bench.run(notebook)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with the sleepstudy sample in ``data``."""
    from modelcompose import Workbench

    Workbench(tmp_path).copy_sample("sleepstudy")
    return tmp_path


@pytest.fixture
def sleepstudy() -> dict:
    """The choices of the sleepstudy sample, for the ``workspace`` fixture, with few draws."""
    return {
        "data": "data/sleepstudy.csv",
        "question": "change-over-time",
        "outcome": "Reaction",
        "predictors": ["Days"],
        "groups": ["Subject"],
        "units": {"Reaction": "ms", "Days": "day"},
    }
