"""The kernel's side of finished steps: their results are written here, and read back instead of computed.

Definitions, such as a model or a table, cannot be stored; they are made again by the statements that make them.
"""

from __future__ import annotations

import ast
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["begin", "keep", "lasting", "load", "outlive_not", "recall"]

STEP = "MODELCOMPOSE_STEP"
KEY = "MODELCOMPOSE_STEP_KEY"
KINDS = ("tree", "dataset")
ALONE_SECONDS = 0.5
PURE = ("print", "display")
STATISTICS = "sample_stats"
BYTES_A_SECOND = 5e6

logger = logging.getLogger("modelcompose.runs")


def outlive_not(pid: int, birth: str, host: str) -> None:
    """End this process when another has died: a kernel with its run's, whom nobody would hear any more."""
    from modelcompose.runs.process import Process

    run = Process(pid, birth, host)

    def look() -> None:
        while not run.dead:
            time.sleep(ALONE_SECONDS)
        os._exit(1)

    threading.Thread(target=look, name="outlive-not", daemon=True).start()


def begin(step: str, key: str, folder: str = "", *, judge: bool = True) -> None:
    """Note which step the next cells belong to, and where its results lie if it was finished before.

    Parameters
    ----------
    step, key
        The step and its key; samplers keep their draws under it.
    folder
        The finished step: assignments of what lies there become reading. Empty when there is none.
    judge
        Whether the check is evaluated nevertheless.
    """
    os.environ[STEP], os.environ[KEY] = step, key
    transformers = _shell().ast_transformers
    transformers[:] = [one for one in transformers if not isinstance(one, _Restoring)]
    if folder:
        transformers.append(_Restoring(Path(folder), judge))


def keep(folder: str, sources: Sequence[str], seconds: float | None = None) -> None:
    """Write the results that a step's cells have assigned into a folder, each as netCDF.

    Only trees and datasets of xarray are results; what netCDF cannot hold is left out and will be computed again.

    Parameters
    ----------
    folder
        Where to write.
    sources
        The sources of the step's cells.
    seconds
        How long the cells took. What is larger than 5 MB for each second is left out as well: storing and reading it
        takes longer than computing it again. None when everything has to be stored.
    """
    most = float("inf") if seconds is None else seconds * BYTES_A_SECOND
    for name in lasting([_shell().transform_cell(source) for source in sources]):
        value = _shell().user_ns.get(name)
        if (kind := _kind(value)) is None or value.nbytes > most:
            continue
        file = Path(folder) / f"{name}.{kind}.nc"
        try:
            _storable(value).to_netcdf(file, engine="h5netcdf")
        except Exception as error:
            file.unlink(missing_ok=True)
            logger.warning("%s could not be stored: %s: %s", name, type(error).__name__, error)


def load(folder: str, name: str) -> Any:
    """Read a result back."""
    import xarray as xr

    tree, dataset = (Path(folder) / f"{name}.{kind}.nc" for kind in KINDS)
    if tree.exists():
        with xr.open_datatree(tree, engine="h5netcdf") as opened:
            return opened.load()
    with xr.open_dataset(dataset, engine="h5netcdf") as opened:
        return opened.load()


def recall(folder: str) -> None:
    """Count a finished step as judged in this session."""
    import json

    from modelcompose.verdict import verdict_in
    from modelcompose.workflow import steps

    cells = json.loads((Path(folder) / "outputs.json").read_text("utf-8"))
    if verdict := verdict_in([output for outputs in cells for output in outputs]):
        steps.recall(verdict)


def lasting(sources: Sequence[str]) -> list[str]:
    """Name the variables whose value at the end of a step is the one that was assigned.

    That can be told of a name that is bound once, by an assignment of its own, and otherwise only read: by further
    assignments, by checks, by ``print``, and by the expression at the very end, which shows it.
    """
    try:
        body = [statement for source in sources for statement in ast.parse(source).body]
    except SyntaxError:
        return []
    bound = [name for statement in body for name in _bound(statement)]
    used = {
        name
        for at, statement in enumerate(body)
        if not _only_reads(statement) and not (at == len(body) - 1 and isinstance(statement, ast.Expr))
        for name in _mentioned(statement)
    }
    named = [name for statement in body if (name := _assigned(statement))]
    return [name for name in named if bound.count(name) == 1 and name not in used]


def _assigned(statement: ast.stmt) -> str:
    """Name the one variable that a statement assigns; empty for any other statement."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _bound(statement: ast.stmt) -> Iterable[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def _mentioned(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _only_reads(statement: ast.stmt) -> bool:
    """Tell whether a statement leaves what it mentions as it is: an assignment to a name, or a check."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        flat = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
        return all(isinstance(part, ast.Name) for part in flat)
    return _is_told(statement)


def _is_told(statement: ast.stmt) -> bool:
    """Recognise an expression that only tells something: a check, or a call of ``print``."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    called = ast.unparse(statement.value.func)
    return called in PURE or ".check." in f".{called}"


class _Restoring(ast.NodeTransformer):
    """Turns a finished step's cell into one that reads its results.

    Should a result have vanished meanwhile, it is computed as the cell says.
    """

    def __init__(self, folder: Path, judge: bool) -> None:
        self._folder = folder
        self._judge = judge
        self._stored = {file.name.split(".")[0] for kind in KINDS for file in folder.glob(f"*.{kind}.nc")}

    def visit_Module(self, module: ast.Module) -> ast.Module:
        """Rewrite the statements of one cell."""
        body = list(module.body)
        if not self._judge:
            last = body[-1:] if body and isinstance(body[-1], ast.Expr) and _mentioned(body[-1]) & self._stored else []
            body = [one for one in body if not _is_told(one) and one not in last]
        module.body = [self._read(one) if _assigned(one) in self._stored else one for one in body]
        return ast.fix_missing_locations(module)

    def _read(self, statement: ast.stmt) -> ast.stmt:
        call = f"__import__({__name__!r}, fromlist=['load']).load({str(self._folder)!r}, {_assigned(statement)!r})"
        reading = ast.parse(f"try:\n    {_assigned(statement)} = {call}\nexcept Exception:\n    pass").body[0]
        assert isinstance(reading, ast.Try)  # noqa: S101
        reading.handlers[0].body = [statement]
        return reading


def _kind(value: Any) -> str | None:
    xarray = sys.modules.get("xarray")
    if xarray is None:
        return None
    return "tree" if isinstance(value, xarray.DataTree) else "dataset" if isinstance(value, xarray.Dataset) else None


def _storable(value: Any) -> Any:
    """Leave out what samplers note in words and objects, which no check reads."""
    if _kind(value) == "dataset" or STATISTICS not in value.children:
        return value
    statistics = value[STATISTICS].to_dataset()
    objects = [name for name in statistics.variables if statistics[name].dtype.kind not in "iufb"]
    slim = value.copy()
    slim[STATISTICS] = statistics.drop_vars(objects)
    return slim


def _shell() -> Any:
    from IPython import get_ipython

    return get_ipython()
