"""The shape of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict

from modelcompose.data.cells import listed
from modelcompose.errors import InvalidData

__all__ = ["Read", "Step", "free", "known", "quoted", "rows_in_words"]

Read = Callable[[str], pd.DataFrame]


class Step(BaseModel, ABC):
    """One step of a recipe; its field ``do`` names it.

    ``code`` gives plain pandas for the same, on a variable called ``table``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: ClassVar[str]
    explanation: ClassVar[str]

    @classmethod
    def id(cls) -> str:
        """Return what ``do`` says."""
        return str(get_args(cls.model_fields["do"].annotation)[0])

    @abstractmethod
    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        """Return the table after this step; the one given stays as it is."""

    @abstractmethod
    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        """Say what was done."""

    @abstractmethod
    def code(self) -> list[str]:
        """Return lines of Python that do the same."""

    def content(self) -> dict[str, Any]:
        """Return the step as the parameters cell holds it: what was given."""
        return self.model_dump(mode="json", exclude_unset=True)


def known(table: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Return the names, and refuse those that are no columns."""
    names = list(columns)
    for name in names:
        if name not in table.columns:
            all_names = ", ".join(str(one) for one in table.columns[:20]) + (" …" if table.shape[1] > 20 else "")
            raise InvalidData(f"there is no column {name!r}", remedy=f"Columns are: {all_names}.")
    return names


def free(table: pd.DataFrame, name: str, *, replaced: Iterable[str] = ()) -> str:
    """Return the name of a new column, and refuse one that another column bears."""
    if not name.strip():
        raise InvalidData("the new column has no name", remedy="Give it one.")
    if name in table.columns and name not in replaced:
        raise InvalidData(f"there is already a column {name!r}", remedy="Choose another name.")
    return name.strip()


def quoted(names: Iterable[object]) -> str:
    """List names in a sentence."""
    return listed(f"“{name}”" for name in names)


def rows_in_words(count: int) -> str:
    """Say a number of rows."""
    return f"{count:,} row{'' if count == 1 else 's'}"
