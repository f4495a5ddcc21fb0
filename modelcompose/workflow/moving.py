"""A notebook in another folder: its choices name the same files from there, and nothing of it looks changed."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import MIME
from modelcompose.workflow.notebook import digest, edited, source_of
from modelcompose.workflow.steps import STEPS, choices_digest

__all__ = ["moved", "seen_from"]

FILES = ("plan", "policy")
TABLES = ("data", "new_rows")
SAMPLE = "sample:"


def seen_from(analysis: Analysis, here: Path, there: Path) -> Analysis:
    """Spell the paths among the choices, which are relative to one folder, as they are seen from another.

    Addresses, database servers, samples and stored versions are the same everywhere and stay as they are, as does a
    path from the root of the disk.
    """

    def table(source: str) -> str:
        file = _file(source, here)
        return source.replace(file, _relative(file, here, there), 1) if file else source

    recipe = [
        {**step, "data": table(str(step["data"]))} if step.get("do") == "join" and "data" in step else step
        for step in analysis.recipe
    ]
    found: dict[str, Any] = {name: table(getattr(analysis, name)) for name in TABLES}
    files = [*FILES, *(["model"] if analysis.model.endswith(".py") else [])]
    found |= {name: _relative(path, here, there) for name in files if (path := str(getattr(analysis, name)))}
    return analysis.model_copy(update={**found, "recipe": recipe})


def _file(source: str, here: Path) -> str:
    """Return the part of a source that is a path relative to a folder; empty when there is none."""
    from modelcompose.data.database import file_of, is_database_url
    from modelcompose.data.dataset import stored
    from modelcompose.data.readers import local_path

    if not source or source.startswith(SAMPLE):
        return ""
    if is_database_url(source):
        file = (file_of(source.partition("#")[0]) or "").partition("?")[0]
        return "" if Path(file).is_absolute() else file
    file = source.partition("#")[0] if "#" in source and not (here / source).exists() else source
    try:
        elsewhere = local_path(source, here) is None or Path(file).is_absolute() or stored(source, here) is not None
    except ModelComposeError:  # a version that is not there
        elsewhere = True
    return "" if elsewhere else file


def _relative(path: str, here: Path, there: Path) -> str:
    return path if Path(path).is_absolute() else Path(os.path.relpath(here / path, there)).as_posix()


def moved(nb: Mapping[str, Any], here: Path, there: Path) -> dict[str, Any]:
    """Return a notebook of one folder as it has to stand in another to be the same analysis.

    Marks follow what they mark: a composed cell counts as composed, and a verdict is as recent as it was.

    Parameters
    ----------
    nb
        The notebook. One without a readable cell of parameters is returned as it is.
    """
    fresh = copy.deepcopy(dict(nb))
    try:
        before = Analysis.read(nb)
    except ModelComposeError:
        return fresh
    after = seen_from(before, here, there)
    if after == before:
        return fresh
    was = [source_of(cell) for cell in nb["cells"]]
    composed = [_is_composed(cell) for cell in nb["cells"]]
    after.write(fresh)
    hashes = {}
    for cell, old, ours in zip(fresh["cells"], was, composed, strict=True):
        own = f"# {before.model}\n"  # above the source of a model of one's own
        if ours and old.startswith(own):
            cell["source"] = f"# {after.model}\n{old.removeprefix(own)}"
        hashes[digest(old)] = digest(source_of(cell))
        if ours:
            cell["metadata"]["modelcompose"]["composed"] = digest(source_of(cell))
    digests = {choices_digest(one.id, before): choices_digest(one.id, after) for one in STEPS}
    for cell in fresh["cells"]:
        for output in cell.get("outputs", []):
            if isinstance(told := output.get("data", {}).get(MIME), dict):
                told["choices"] = digests.get(told.get("choices", ""), told.get("choices", ""))
                told["ran"] = {count: hashes.get(one, one) for count, one in told.get("ran", {}).items()}
    return fresh


def _is_composed(cell: Mapping[str, Any]) -> bool:
    return "composed" in (cell.get("metadata", {}).get("modelcompose") or {}) and not edited(cell)
