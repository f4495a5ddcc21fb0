"""Views of the list of runs that somebody saved under a name; everybody who uses the workspace has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelcompose.errors import InvalidInput, NotFound
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.lock import locked

__all__ = ["View", "Views"]

FILE = "views.json"
MOST = 100


class View(BaseModel):
    """A filter and an order under a name."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=60)
    text: str = Field("", max_length=1000, description="What stands in the filter.")
    sort: str = Field("", max_length=200, description="What the runs are sorted by; with - the largest first.")


class Views:
    """The views of a workspace.

    Parameters
    ----------
    home
        The workspace's ``.modelcompose``.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def list(self) -> list[View]:
        """Return the views by name; what cannot be read is left out."""
        told = read_json(self._file)
        return sorted(_read(told if isinstance(told, list) else []), key=lambda one: one.name.casefold())

    def save(self, view: View) -> None:
        """Keep a view, in the place of one of the same name.

        Raises
        ------
        InvalidInput
            When there are too many.
        """
        with locked(self._file.with_suffix(".lock")):
            others = [one for one in self.list() if one.name != view.name]
            if len(others) >= MOST:
                raise InvalidInput(f"{MOST} views are saved already", where="name", remedy="Remove one first.")
            self._write([*others, view])

    def remove(self, name: str) -> None:
        """Remove a view.

        Raises
        ------
        NotFound
            When there is none of this name.
        """
        with locked(self._file.with_suffix(".lock")):
            before = self.list()
            if not any(one.name == name for one in before):
                raise NotFound(f"there is no view {name!r}", remedy="List the views to see their names.")
            self._write([one for one in before if one.name != name])

    def _write(self, views: Sequence[View]) -> None:
        write_json(self._file, [one.model_dump() for one in views])


def _read(told: list[Any]) -> list[View]:
    views = []
    for one in told:
        try:
            views.append(View.model_validate(one))
        except ValidationError:
            continue
    return views
