"""What the warm process does before it serves: import everything, and walk once through all that a run does.

A first time costs most: libraries find out about the machine, numba types functions, PyTensor rewrites graphs, MLflow
makes a database. What is left of it is removed again, so that a child begins like a fresh process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import runpy
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["warm_up"]

MODULES = (
    *("numpy", "pandas", "scipy.stats", "xarray", "matplotlib.figure", "matplotlib.pyplot", "PIL.Image", "h5netcdf"),
    *("pytensor", "pymc", "bambi", "arviz", "nutpie", "numba", "pyarrow", "duckdb"),
    *("IPython", "IPython.core.completer", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell"),
    *("debugpy", "ipykernel.debugger", "comm", "ipywidgets", "anywidget", "zmq.asyncio", "jedi", "pexpect"),
    *("mlflow", "mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store", "sqlalchemy.dialects.sqlite"),
    *("papermill", "papermill.iorw", "papermill.execute", "nbclient", "nbformat", "nbconvert", "jupyter_client"),
    *("rich.console", "rich.progress", "rich.table", "argparse", "multiprocessing.pool"),
    *("modelcompose.cli", "modelcompose.service", "modelcompose.runs.client", "modelcompose.runs.session"),
    *("modelcompose.publish", "modelcompose.workflow.compose", "modelcompose.widgets"),
)
FEW = {"draws": 40, "tune": 60, "chains": 2, "on_fail": "warn"}
MOST_FINDINGS = 2

logger = logging.getLogger("modelcompose.runs.warm")


def warm_up(wanted: Callable[[], bool] = lambda: True) -> None:
    """Import and exercise everything; what cannot be is told in the log, and is as cold as ever.

    Parameters
    ----------
    wanted
        Asked from time to time whether to go on.
    """
    levels = {name: logging.getLogger(name).level for name in ("pymc", "pytensor", "mlflow")}
    levels["pytensor.tensor.blas"] = logging.ERROR  # that NumPy's BLAS is used instead is nothing to act upon
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="modelcompose-") as folder:
        warnings.simplefilter("ignore")
        for name in MODULES:
            if not wanted():
                return
            _tried(name, lambda name=name: import_module(name))  # type: ignore[misc]
        with _inside(Path(folder)):
            _tried("workflow", lambda: _walk(Path(folder)))
            _tried("record", lambda: _record(Path(folder)))
            _tried("looking up", _look_up)
        _forget()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _tried(what: str, do: Callable[[], Any]) -> None:
    began = time.perf_counter()
    try:
        do()
    except ImportError as error:
        logger.info("%s is left out: %s", what, error)
    except Exception:
        logger.exception("%s stays cold", what)
    logger.info("%s: %.2f s", what, time.perf_counter() - began)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before, here = dict(os.environ), Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def _walk(folder: Path) -> None:
    """Execute the cells of the simplest workflow, from table to answer, as a script with few draws."""
    from modelcompose.workflow.compose import workflow
    from modelcompose.workflow.notebook import source_of

    cells = [cell for cell in workflow("simple")["cells"] if cell["cell_type"] == "code"]
    parts = []
    for cell in cells:
        parts.append(source_of(cell))
        if "parameters" in cell["metadata"].get("tags", ()):
            parts += [f"{name} = {value!r}" for name, value in FEW.items()]
    script = folder / "walk.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    runpy.run_path(str(script))


def _record(folder: Path) -> None:
    """Record a run in a database that is thrown away."""
    from modelcompose.analysis import Analysis
    from modelcompose.runs import RunStore
    from modelcompose.workflow.compose import workflow

    store = RunStore(folder, f"sqlite:///{folder / 'mlflow.db'}")
    run = store.create(workflow("simple"), name="warm", notebook_path="warm.ipynb", analysis=Analysis())
    store.list()
    store.finish(run.id, status="passed", message="")


def _look_up() -> None:
    """Find out what is installed: each time, that opens a file for every distribution."""
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    from modelcompose.runs.keys import code_digest

    KernelProvisionerFactory.instance()
    code_digest()


def _forget() -> None:
    """Remove what a fresh process would not have: results, connections, modules that load when they are touched."""
    _tried("forgetting verdicts", _forget_verdicts)
    _tried("closing databases", _close_databases)
    _tried("closing figures", lambda: import_module("matplotlib.pyplot").close("all"))
    for name, module in list(sys.modules.items()):
        if type(module).__name__ == "_LazyModule":
            del sys.modules[name]


def _forget_verdicts() -> None:
    from modelcompose import samplers
    from modelcompose.workflow import steps

    steps._JUDGED.clear()
    samplers._COUNTS.clear()


def _close_databases() -> None:
    """Dispose of every connection pool, and let MLflow forget the stores that it keeps for the next time."""
    import gc

    engine = import_module("sqlalchemy.engine").Engine
    for found in [one for one in gc.get_objects() if isinstance(one, engine)]:
        found.dispose()
    store = import_module("mlflow.store.tracking.sqlalchemy_store").SqlAlchemyStore
    for name in ("_engine_map", "_db_uri_sql_alchemy_store_map"):
        getattr(store, name, {}).clear()
