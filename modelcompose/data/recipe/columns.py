"""Steps that name, drop and keep columns."""

from __future__ import annotations

from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from modelcompose.analysis import literal
from modelcompose.data.recipe.step import Read, Step, free, known, quoted
from modelcompose.errors import InvalidData

__all__ = ["COLUMNS"]


class Rename(Step):
    """Give columns other names."""

    title: ClassVar = "Rename columns"
    explanation: ClassVar = "Give columns other names."
    do: Literal["rename"]
    columns: dict[str, str] = Field(min_length=1, description="The new name of each column.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, self.columns)
        for new in self.columns.values():
            free(table, new, replaced=self.columns)
        if len(set(self.columns.values())) < len(self.columns):
            raise InvalidData("two columns would have the same name", remedy="Give each a name of its own.")
        return table.rename(columns=self.columns)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return "; ".join(f"“{old}” is now called “{new}”" for old, new in self.columns.items()) + "."

    def code(self) -> list[str]:
        return [f"table = table.rename(columns={literal(self.columns)})"]


class Drop(Step):
    """Leave columns out."""

    title: ClassVar = "Leave columns out"
    explanation: ClassVar = "Take columns away that the question does not need."
    do: Literal["drop"]
    columns: list[str] = Field(min_length=1, description="The columns to leave out.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.drop(columns=known(table, self.columns))

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return f"Left out {quoted(self.columns)}."

    def code(self) -> list[str]:
        return [f"table = table.drop(columns={literal(self.columns)})"]


class Keep(Step):
    """Keep some columns only, in the order given."""

    title: ClassVar = "Keep only some columns"
    explanation: ClassVar = "Keep the columns named, in this order, and leave all others out."
    do: Literal["keep"]
    columns: list[str] = Field(min_length=1, description="The columns to keep.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table[list(dict.fromkeys(known(table, self.columns)))]

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return f"Kept {quoted(after.columns)} of {before.shape[1]} columns."

    def code(self) -> list[str]:
        return [f"table = table[{literal(list(dict.fromkeys(self.columns)))}]"]


COLUMNS: tuple[type[Step], ...] = (Rename, Keep, Drop)
