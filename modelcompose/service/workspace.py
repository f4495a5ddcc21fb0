"""Paths of a workspace: everything a verb reads or writes lies inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis, paths_from
from modelcompose.errors import Forbidden, InvalidData, InvalidInput

if TYPE_CHECKING:
    from modelcompose.runs import RunStore

__all__ = ["SAMPLE", "Json", "Workspace", "read_notebook"]

Json = dict[str, Any]
SAMPLE = "sample:"


class Workspace:
    """A folder that holds data and notebooks; no verb reads or writes outside it."""

    def __init__(self, workspace: str | Path, tracking_uri: str | None = None) -> None:
        self.workspace = Path(workspace).resolve()
        self._tracking_uri = tracking_uri

    @contextmanager
    def _at(self, folder: Path | None = None) -> Iterator[None]:
        """Take the paths among choices as relative to a folder, by default the workspace."""
        with paths_from(folder or self.workspace):
            yield

    def _store(self) -> RunStore:
        from modelcompose.runs import RunStore

        return RunStore(self.workspace, self._tracking_uri)

    def _inside(self, path: str | Path) -> Path:
        """Resolve a path, links included, and refuse one that leaves the workspace."""
        try:
            resolved = (self.workspace / path).resolve()
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{str(path)!r} is not a path: {error}", where="path") from None
        if not resolved.is_relative_to(self.workspace):
            raise Forbidden(
                f"{str(path)!r} lies outside the workspace",
                where=str(self.workspace),
                remedy="Copy it into the workspace first.",
            )
        return resolved

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.workspace).as_posix()

    @staticmethod
    def _free(path: Path) -> Path:
        """Return the path, or the first numbered one beside it that does not exist."""
        number, free = 2, path
        while free.exists():
            free = path.with_stem(f"{path.stem}-{number}")
            number += 1
        return free

    def _dataset(self, analysis: Analysis, folder: Path, *, contract: bool = True) -> Any:
        """Load the table of an analysis, whose paths are relative to a folder, never from outside the workspace."""
        from modelcompose.data import load

        sources = [analysis.data, *(str(step.get("data", "")) for step in analysis.recipe if step.get("do") == "join")]
        for source in sources:
            self._require_inside(source, folder)
        try:
            return load(
                analysis.data,
                analysis.kinds,
                units=analysis.units,
                variables=analysis.variables,
                recipe=analysis.recipe,
                root=folder,
                contract=contract,
            )
        except OSError as error:
            raise InvalidData(f"{analysis.data} cannot be read: {error.strerror}", where="data") from None

    def _require_inside(self, source: str, folder: Path) -> None:
        from modelcompose.data.readers import local_path

        if source and not source.startswith(SAMPLE):
            path = local_path(source, folder)
            if path is not None:
                self._inside(path)


def read_notebook(path: Path) -> Json:
    """Read a notebook, giving a name to each cell that has none."""
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
            raise ValueError("it has no cells")
    except ValueError as error:
        raise InvalidInput(
            f"this is not a notebook: {error}", where=path.name, remedy="Name a file with the ending .ipynb."
        ) from None
    for number, cell in enumerate(nb["cells"]):
        cell.setdefault("id", f"cell-{number}")
    return nb | {"nbformat_minor": max(5, nb.get("nbformat_minor", 5))}
