"""The floors of the house hold: no import goes up or sideways, and heavy libraries stay where they may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

import pytest

import modelcompose

PACKAGE = Path(modelcompose.__file__).parent

FLOORS = {
    0: {"analysis", "errors", "verdict", "wire"},
    1: {"catalog", "data", "samplers", "samples"},
    2: {"workflow"},
    3: {"publish", "runs"},
    4: {"service"},
    5: {"__main__", "cli", "server", "widgets"},
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
# Within a floor nobody imports a neighbour, but the words refer to each other and tables include the samples; a
# command is done by the command line where nobody else does it.
NEIGHBOURS = {
    ("analysis", "errors"),
    ("analysis", "verdict"),
    ("verdict", "errors"),
    ("errors", "verdict"),
    ("data", "samples"),
    ("__main__", "cli"),
}

PPL = {"arviz", "arviz_base", "arviz_plots", "arviz_stats", "bambi", "nutpie", "preliz", "pymc", "pytensor"}
EXECUTION = {"mlflow", "papermill"}
HEAVY = {
    **{library: {"catalog", "samplers", "workflow", "publish"} for library in PPL},
    **{library: {"runs"} for library in EXECUTION},
}
# A subclass of a heavy class needs its import at the top; such a module is itself imported only inside functions.
HEAVY_MODULES = {"modelcompose.runs.client", "modelcompose.runs.pyfunc_model"}


@dataclass(frozen=True)
class Import:
    """One imported name: where it stands, and whether it happens as soon as its module is imported."""

    module: str
    line: int
    target: str
    at_once: bool
    for_types: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def modules(package: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(package: Path) -> list[Import]:
    known = modules(package)
    return [
        found
        for module, path in known.items()
        for found in _imports_of(module, path, known)
        if not found.target.startswith("__future__")
    ]


def _imports_of(module: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    inside = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node, at_once, for_types in _walk(ast.parse(path.read_text(encoding="utf-8")), True, False):
        for target in _targets(node, inside, known):
            yield Import(module, getattr(node, "lineno", 0), target, at_once, for_types)


def _walk(node: ast.AST, at_once: bool, for_types: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, at_once, for_types
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        yield from _walk(child, at_once and not deferred, for_types or typing)


def _targets(node: ast.AST, inside: str, known: dict[str, Path]) -> list[str]:
    """Name what an import brings in: of ``from package import module`` the module, not the package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = resolve_name("." * node.level + (node.module or ""), inside) if node.level else node.module or ""
        names = [f"{base}.{alias.name}" for alias in node.names]
        # The package lends names of every floor lazily; inside the house nobody may take that way round.
        lent = {name for name in names if name.count(".") == 1 and not name.endswith(".__version__")} - known.keys()
        lent = lent if base == inside.split(".")[0] else set()
        return [name if name in known or name in lent else base for name in names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        return [one.value for one in node.args[:1] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return []


def home(module: str) -> str:
    """Name the part of the house that a module belongs to; empty for the package itself."""
    return [*module.split("."), ""][1]


def upward(package: Path) -> list[str]:
    """Imports of ModelCompose that do not go to a lower floor."""
    return [
        str(found)
        for found in imports(package)
        if found.target.split(".")[0] == package.name
        and not _may(home(found.module), home(found.target))
        # The package itself offers names of every floor to type checkers; at run time it is lazy.
        and not (found.module == package.name and found.for_types)
    ]


def _may(importer: str, imported: str) -> bool:
    if imported in (importer, ""):
        return True
    if importer not in FLOOR or imported not in FLOOR:
        return False
    return FLOOR[imported] < FLOOR[importer] or (importer, imported) in NEIGHBOURS


def misplaced(package: Path) -> list[str]:
    """Heavy libraries outside their rooms, or imported before somebody calls for them."""
    return [
        str(found)
        for found in imports(package)
        if not found.for_types
        and (
            home(found.module) not in HEAVY.get(found.target.split(".")[0], {home(found.module)})
            or (found.at_once and _is_heavy(found.target) and found.module not in HEAVY_MODULES)
        )
    ]


def _is_heavy(target: str) -> bool:
    return target.split(".")[0] in HEAVY or target in HEAVY_MODULES


def homeless(package: Path) -> set[str]:
    """Parts of the house that stand on no floor."""
    return {home(module) for module in modules(package)} - FLOOR.keys() - {""}


def test_every_module_stands_on_a_floor() -> None:
    assert homeless(PACKAGE) == set()


def test_every_import_goes_to_a_lower_floor() -> None:
    assert upward(PACKAGE) == []


def test_heavy_libraries_are_imported_at_call_time_in_their_rooms_only() -> None:
    assert misplaced(PACKAGE) == []


@pytest.mark.parametrize(
    "module",
    [
        "modelcompose",
        "modelcompose.catalog",
        "modelcompose.data",
        "modelcompose.samplers",
        "modelcompose.workflow",
        "modelcompose.runs",
        "modelcompose.service",
        "modelcompose.server",
        "modelcompose.cli",
    ],
)
def test_importing_a_door_loads_no_heavy_library(module: str) -> None:
    assert loaded_by(f"import {module}") == []


def test_the_memory_of_loaded_libraries_can_find_one() -> None:
    assert loaded_by("import sys, types; sys.modules['bambi'] = types.ModuleType('bambi')") == ["bambi"]


def loaded_by(statement: str) -> list[str]:
    ask = f"import sys\n{statement}\nprint(*sorted({set(HEAVY)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A house in miniature without faults."""
    package = tmp_path / "modelcompose"
    plant(package, "__init__.py", "if TYPE_CHECKING:\n    from modelcompose.service import Workbench")
    plant(package, "errors.py", "")
    plant(package, "data/__init__.py", "import pandas\nfrom modelcompose import errors, samples")
    plant(package, "samples/__init__.py", "from modelcompose.errors import NotFound")
    plant(package, "catalog/__init__.py", "def build():\n    import bambi as bmb")
    plant(package, "catalog/counts.py", "from . import build")
    plant(package, "workflow/__init__.py", "from modelcompose.catalog.counts import Poisson")
    plant(package, "runs/__init__.py", "def go():\n    from modelcompose.runs.client import Engine")
    plant(package, "runs/client.py", "from papermill.engines import NBClientEngine")
    plant(package, "service.py", "from modelcompose.runs import go")
    return package


def plant(package: Path, name: str, source: str) -> None:
    path = package / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


def test_a_faultless_house_passes(planted: Path) -> None:
    assert (homeless(planted), upward(planted), misplaced(planted)) == (set(), [], [])


@pytest.mark.parametrize(
    ("name", "source", "finding"),
    [
        ("errors.py", "import modelcompose.data", "errors:1 imports modelcompose.data"),
        ("catalog/counts.py", "from modelcompose import data", "catalog.counts:1 imports modelcompose.data"),
        ("samples/more.py", "from ..data import load", "samples.more:1 imports modelcompose.data"),
        ("samples/__init__.py", "from .. import data", "samples:1 imports modelcompose.data"),
        (
            "workflow/fit.py",
            "def late():\n    from modelcompose.runs.engine import Control",
            "workflow.fit:2 imports modelcompose.runs.engine",
        ),
        ("data/late.py", "async def f():\n    import modelcompose.service", "data.late:2 imports modelcompose.service"),
        ("publish/__init__.py", "from modelcompose.runs import go", "publish:1 imports modelcompose.runs"),
        ("server/__init__.py", "from modelcompose.cli import main", "server:1 imports modelcompose.cli"),
        (
            "data/hidden.py",
            "if TYPE_CHECKING:\n    from modelcompose.workflow import x",
            "data.hidden:2 imports modelcompose.workflow",
        ),
        ("data/lent.py", "from modelcompose import fit", "data.lent:1 imports modelcompose.fit"),
        ("data/text.py", "import_module('modelcompose.workflow')", "data.text:1 imports modelcompose.workflow"),
        ("__init__.py", "from modelcompose.service import Workbench", ":1 imports modelcompose.service"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_found(planted: Path, name: str, source: str, finding: str) -> None:
    plant(planted, name, source)
    assert upward(planted) == [f"modelcompose{finding}" if finding[0] == ":" else f"modelcompose.{finding}"]


@pytest.mark.parametrize(
    ("name", "source", "finding"),
    [
        ("catalog/counts.py", "import bambi", "catalog.counts:1 imports bambi"),
        ("samplers/pymc.py", "class A:\n    import pymc.math", "samplers.pymc:2 imports pymc.math"),
        ("workflow/fit.py", "try:\n    import arviz_stats\nfinally:\n    pass", "workflow.fit:2 imports arviz_stats"),
        ("data/load.py", "def f():\n    import pytensor", "data.load:2 imports pytensor"),
        ("service.py", "def f():\n    from mlflow import MlflowClient", "service:2 imports mlflow"),
        ("runs/store.py", "import mlflow.entities", "runs.store:1 imports mlflow.entities"),
        ("runs/__init__.py", "from modelcompose.runs import client", "runs:1 imports modelcompose.runs.client"),
        ("runs/fit.py", "def f():\n    import pymc", "runs.fit:2 imports pymc"),
        ("cli.py", "def f():\n    return import_module('nutpie')", "cli:2 imports nutpie"),
    ],
)
def test_a_heavy_library_out_of_place_is_found(planted: Path, name: str, source: str, finding: str) -> None:
    plant(planted, name, source)
    assert misplaced(planted) == [f"modelcompose.{finding}"]


def test_a_part_without_a_floor_is_found(planted: Path) -> None:
    plant(planted, "helpers.py", "")
    plant(planted, "attic/old.py", "")
    assert homeless(planted) == {"attic", "helpers"}


def test_heavy_libraries_may_be_named_for_types(planted: Path) -> None:
    plant(planted, "runs/store.py", "if TYPE_CHECKING:\n    from mlflow import MlflowClient")
    assert misplaced(planted) == []
