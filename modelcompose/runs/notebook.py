"""The notebook files of a run; nbformat is imported when one is touched, since that takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["EXECUTED", "SOURCE", "read_executed", "write"]

SOURCE = "source.ipynb"
EXECUTED = "notebook.ipynb"
BANNER = "papermill-error-cell-tag"


def write(nb: Mapping[str, Any], path: Path) -> None:
    """Write a notebook so that a reader finds either the old file or the new one, never half of one."""
    import nbformat

    fresh = path.with_name(f".{path.name}.part")
    try:
        nbformat.write(nbformat.from_dict(nb), fresh)  # type: ignore[no-untyped-call]
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def read_executed(folder: Path) -> Any:
    """Read a run's executed notebook as an analysis, freed from papermill's marks.

    One that a crash left unreadable is replaced by the notebook as it was before the run.
    """
    import nbformat

    for name in (EXECUTED, SOURCE):
        try:
            return _cleaned(nbformat.read(folder / name, as_version=4))  # type: ignore[no-untyped-call]
        except (OSError, ValueError):
            continue
    return nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]


def _cleaned(nb: Any) -> Any:
    nb.metadata.pop("papermill", None)
    nb.cells = [cell for cell in nb.cells if BANNER not in cell.metadata.get("tags", [])]
    for cell in nb.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
    return nb
