"""What each step of a notebook depends on, as one hash: under the same key its cells would do the same again.

A key takes in the sources of the step's cells, the choices it depends on, the content of every file that these name,
the keys of the steps whose results it uses, the thresholds, and the code of ModelCompose with the libraries below it.
Where a cell imports from beside the notebook, the modules and packages there count like files that it names. Code that
nobody but its author knows, a cell of one's own or one that was edited by hand, counts for every step below.

Not in a key: what such code reads from elsewhere than a file named in it, and who waives a failure, which changes how
a verdict is taken but not what was computed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, Self

from modelcompose import __version__
from modelcompose.analysis import Analysis, paths_from
from modelcompose.errors import ModelComposeError

__all__ = ["SAMPLE", "Keys", "code_digest"]

FLOORS = ("analysis.py", "errors.py", "verdict.py", "data", "samples", "catalog", "samplers", "workflow")
LIBRARIES = (
    *("numpy", "pandas", "scipy", "xarray", "pytensor", "pymc", "bambi", "formulae", "arviz-stats", "nutpie"),
    *("pyarrow", "openpyxl", "numba", "h5netcdf"),
)
OUTSIDE = ("modelcompose.models", "modelcompose.samplers", "modelcompose.readers")
SAMPLE = "sample:"
WORD = re.compile(r"[^\W\d]\w*")
IMPORTED = re.compile(r"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)
QUOTED = re.compile(r"""["']([^"'\n]{1,300})["']""")


class Keys:
    """The keys of a notebook's steps.

    Parameters
    ----------
    nb
        The notebook.
    analysis
        Its choices.
    folder
        Where the paths among the choices begin: the notebook's folder.
    kernel
        The kernel that executes it.
    """

    def __init__(self, nb: Mapping[str, Any], analysis: Analysis, folder: Path, kernel: str) -> None:
        self._code = [cell for cell in nb["cells"] if cell["cell_type"] == "code" and _source(cell).strip()]
        self._analysis = analysis
        self._folder = folder
        self._kernel = kernel
        self._table = ""
        self._known: dict[str, str | None] = {}
        self._asked: set[str] = set()

    @classmethod
    def read(cls, nb: Mapping[str, Any], folder: Path, kernel: str) -> Self | None:
        """Make the keys of a notebook from itself; None where its choices cannot be read."""
        try:
            return cls(nb, Analysis.read(nb), folder, kernel)
        except ModelComposeError:
            return None

    def of(self, step: str) -> str | None:
        """Return the key of a step; None where nobody can say what it depends on.

        That is so for steps that the workflow does not know, for those whose cells do not stand together, and as long
        as the table comes from where it may change unseen, such as a database or the web.
        """
        if step not in self._known:
            if step in self._asked:  # steps that use each other's results
                return None
            self._asked.add(step)
            parts = self._parts(step)
            self._known[step] = None if parts is None else _hashed(parts)
            self._asked.discard(step)
        return self._known[step]

    def settle(self, sha256: str) -> None:
        """Take over the hash of the table's content from the step that has read it."""
        self._table = sha256
        self._known.clear()

    def still(self, step: str, key: str) -> bool:
        """Tell whether a step's key is what it was: nobody has changed a file since."""
        self._known.clear()
        vars(self).pop("_rules", None)
        return self.of(step) == key

    def _parts(self, step: str) -> dict[str, Any] | None:
        from modelcompose.workflow.steps import STEPS, depends_on
        from modelcompose.workflow.steps import step as station

        known = {one.id for one in STEPS}
        at = [place for place, cell in enumerate(self._code) if _step(cell) == step]
        if step not in known or not at or at[-1] - at[0] != len(at) - 1 or self._rules is None:
            return None
        own = [_source(self._code[place]) for place in at]
        choices = self._choices(set(depends_on(step)).union(*map(_words, own)))
        named = list(self._named(choices, own))
        present = set(map(_step, self._code))
        needed = {one: self.of(one) for one in station(step).needs if one in present}
        above = [self._count(cell, known) for cell in self._code[: at[0]] if not _holds_choices(cell)]
        if None in named or None in needed.values() or None in above:
            return None
        return {
            "step": step,
            "cells": own,
            "choices": choices,
            "named": named,
            "needed": needed,
            "above": [one for one in above if one],
            "rules": self._rules,
            "code": code_digest(),
            "kernel": self._kernel,
        }

    def _count(self, cell: Mapping[str, Any], known: set[str]) -> str | None:
        """Say what a cell means to every step below it: nothing when it was composed, all when it is one's own."""
        from modelcompose.workflow.notebook import edited

        composed = "composed" in (cell.get("metadata", {}).get("modelcompose") or {})
        if _step(cell) in known:
            return "" if composed and not edited(cell) else self.of(_step(cell))
        source = _source(cell)
        choices = self._choices(_words(source))
        named = list(self._named(choices, [source]))
        return None if None in named else _hashed([source, choices, named])

    def _choices(self, names: set[str]) -> dict[str, Any]:
        return self._analysis.model_dump(mode="json", include=names & set(Analysis.model_fields))

    @cached_property
    def _rules(self) -> str | None:
        from modelcompose.workflow.policy import policy_of

        try:
            with paths_from(self._folder):
                return policy_of(self._analysis).digest
        except ModelComposeError:
            return None

    def _named(self, choices: Mapping[str, Any], code: list[str]) -> Iterator[str | None]:
        """Hash the content of whatever choices and code name; None for a table that nobody can vouch for."""
        sources = dict(_sources(choices))
        for text in sorted(set(_texts(choices)).union(*(QUOTED.findall(source) for source in code))):
            if found := self._file(text):
                yield f"{text}: {found}"
            elif text in sources:
                yield self._elsewhere(text, first=sources[text])
        if any(self._is_beside(name) for name in set().union(*map(_imported, code))):
            yield f"beside: {_contents(_importable(self._folder))}"

    def _is_beside(self, name: str) -> bool:
        return (self._folder / f"{name}.py").is_file() or (self._folder / name / "__init__.py").is_file()

    def _file(self, text: str) -> str:
        for path in (text, text.partition("#")[0]):
            try:
                file = self._folder / path
                if path and file.is_file():
                    return _contents(_with_neighbours(file))
            except (OSError, ValueError):  # no path at all
                continue
        return ""

    def _elsewhere(self, source: str, *, first: bool) -> str | None:
        from modelcompose import samples
        from modelcompose.data.dataset import stored

        try:
            if source.startswith(SAMPLE):
                return f"{source}: {_content(samples.path(source.removeprefix(SAMPLE)))}"
            version = stored(source, self._folder)
        except ModelComposeError:
            return None
        if version is not None:
            return f"{source}: {version.sha256}"
        return f"{source}: {self._table}" if first and self._table else None


def _sources(choices: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the choices that name a table, and whether it is the one that the analysis is about."""
    if choices.get("new_rows"):
        yield choices["new_rows"], False
    for step in choices.get("recipe", ()):
        if isinstance(step.get("data"), str):
            yield step["data"], False
    if choices.get("data"):
        yield choices["data"], True


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _words(source: str) -> set[str]:
    return set(WORD.findall(source))


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _step(cell: Mapping[str, Any]) -> str:
    return str((cell.get("metadata", {}).get("modelcompose") or {}).get("step", ""))


def _holds_choices(cell: Mapping[str, Any]) -> bool:
    return bool({"parameters", "injected-parameters"} & set(cell.get("metadata", {}).get("tags") or []))


def _hashed(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def _with_neighbours(file: Path) -> list[Path]:
    """Return a file, and with a module of Python those beside it, which it may import."""
    return [file, *_importable(file.parent)] if file.suffix == ".py" else [file]


def _importable(folder: Path) -> list[Path]:
    """Return the modules in a folder and those of its packages."""
    packages = [one.parent for one in folder.glob("*/__init__.py")]
    return sorted({*folder.glob("*.py"), *(module for package in packages for module in package.rglob("*.py"))})


def _imported(source: str) -> set[str]:
    """Name the modules that code imports, packages by their first name."""
    found = [
        first or part.strip().partition(" ")[0] for first, rest in IMPORTED.findall(source) for part in rest.split(",")
    ]
    return {name.partition(".")[0] for name in found}


def _contents(files: list[Path]) -> str:
    return " ".join(map(_content, files))


def _content(file: Path) -> str:
    stat = file.stat()
    return _content_of(file, (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size))


@lru_cache(maxsize=256)
def _content_of(file: Path, _state: tuple[int, ...]) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Identify the code that steps execute: ours up to the workflow, by its text, and the libraries by version."""
    package = Path(__file__).parents[1]
    files = [file for name in FLOORS for file in (_modules(package / name))]
    texts = [[file.relative_to(package).as_posix(), _content(file)] for file in files]
    outside = sorted({point.dist.name for group in OUTSIDE for point in entry_points(group=group) if point.dist})
    return _hashed([__version__, sys.version, texts, [[name, _version(name)] for name in (*LIBRARIES, *outside)]])


def _modules(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.toml")])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
