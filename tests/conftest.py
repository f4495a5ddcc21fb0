"""What all tests share.

Browser tests drive a browser with an event loop of its own, which cannot live in one process with the server tests:
they run only when their folder is named, as in ``pytest tests/browser``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "agg")

HERE = Path(__file__).parent
BROWSER = any("browser" in argument for argument in sys.argv[1:])

collect_ignore = [] if BROWSER else ["browser"]
pytest_plugins = [] if BROWSER else ["pytest_jupyter.jupyter_server"]

# A busy machine is no reason to fail: what counts is the answer, not how long it took.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


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
