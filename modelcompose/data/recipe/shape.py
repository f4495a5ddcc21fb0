"""Steps that change what a row is: summaries, joins, from wide to long and back."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from modelcompose.analysis import literal
from modelcompose.data.kinds import shown
from modelcompose.data.recipe.step import Read, Step, known, quoted, rows_in_words
from modelcompose.data.recipe.values import numeric
from modelcompose.errors import InvalidData

__all__ = ["SHAPE"]

Summary = Literal["mean", "median", "sd", "sum", "min", "max", "count", "distinct", "first", "last", "share"]
PANDAS = {"sd": "std", "distinct": "nunique", "share": "mean"}
MERGES: dict[str, Literal["left", "inner", "outer"]] = {"left": "left", "inner": "inner", "full": "outer"}
NUMERIC = frozenset(("mean", "median", "sd", "sum"))


class Aggregate(Step):
    """Make one row of several."""

    title: ClassVar = "Summarise rows"
    explanation: ClassVar = "Make one row of all rows that agree in some columns, such as one for each person."
    do: Literal["aggregate"]
    by: list[str] = Field(min_length=1, description="The columns whose values stay.")
    summaries: dict[str, tuple[Summary, str]] = Field(
        min_length=1, description='The new columns: {"average": ["mean", "score"]}.'
    )

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, [*self.by, *(column for _, column in self.summaries.values())])
        for new, (how, column) in self.summaries.items():
            if new in self.by:
                raise InvalidData(f"{new!r} is one of the columns that stay", remedy="Choose another name.")
            if how in NUMERIC:
                numeric(table, column)
        return summarised(table, self.by, {new: tuple(what) for new, what in self.summaries.items()})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        each = ", ".join(f"“{new}” ({how} of {column})" for new, (how, column) in self.summaries.items())
        return f"{rows_in_words(len(before))} became {len(after):,}, one for each {quoted(self.by)}: {each}."

    def code(self) -> list[str]:
        summaries = {new: list(what) for new, what in self.summaries.items()}
        return [
            "from modelcompose.data.recipe.shape import summarised",
            f"table = summarised(table, {literal(self.by)}, {literal(summaries)})",
        ]


def summarised(table: pd.DataFrame, by: list[str], summaries: dict[str, tuple[str, ...] | list[str]]) -> pd.DataFrame:
    """Summarise the rows that agree in some columns; missing values of these form a row of their own."""
    groups = table.groupby(by, dropna=False, sort=True)
    columns = {new: groups[column].agg(PANDAS.get(how, how)) for new, (how, column) in summaries.items()}
    return pd.DataFrame(columns).reset_index()


class Join(Step):
    """Bring columns of another table to the rows."""

    title: ClassVar = "Add columns of another table"
    explanation: ClassVar = "Find for each row the row of another table with the same key, and add its columns."
    do: Literal["join"]
    data: str = Field(min_length=1, description="The other table: a file, an address, or NAME@VERSION.")
    on: list[str] = Field(min_length=1, description="The key: columns that both tables have.")
    how: Literal["left", "inner", "full"] = Field(
        "left", description="Keep all rows of this table, only those found in both, or all of both."
    )

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        if read is None:
            raise InvalidData("no other table can be read here", remedy="Join where the tables lie.")
        return joined(table, read(self.data), self.on, self.how, self.data)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        added = [name for name in after.columns if name not in before.columns]
        without = int(after[added].isna().all(axis=1).sum()) if added else 0
        found = {"left": "kept", "inner": "left out", "full": "kept"}[self.how]
        return (
            f"Added {quoted(added)} of {self.data} by {quoted(self.on)}; {rows_in_words(len(after))} now"
            + (f", {without:,} of them without a match ({found})" if without else "")
            + "."
        )

    def code(self) -> list[str]:
        return [
            "from modelcompose.data.recipe.shape import joined",
            f"other = mc.load({literal(self.data)}).frame",
            f"table = joined(table, other, {literal(self.on)}, {literal(self.how)}, {literal(self.data)})",
        ]


def joined(table: pd.DataFrame, other: pd.DataFrame, on: list[str], how: str, name: str) -> pd.DataFrame:
    """Join two tables by a key that names at most one row of the other one; a missing key matches nothing."""
    known(table, on)
    for key in on:
        if key not in other.columns:
            columns = ", ".join(map(str, other.columns[:20]))
            raise InvalidData(f"{name} has no column {key!r}", remedy=f"Its columns are: {columns}.")
        numbers = [
            pd.api.types.is_numeric_dtype(one[key]) and not pd.api.types.is_bool_dtype(one[key])
            for one in (table, other)
        ]
        if table[key].dtype != other[key].dtype and not all(numbers):
            raise InvalidData(
                f"the key {key!r} holds “{_example(table[key])}” here and “{_example(other[key])}” in {name}, of "
                "different types",
                remedy="Read one of them as the other's type first.",
            )
    usable = other[other[on].notna().all(axis=1)]
    repeated = usable.duplicated(on)
    if repeated.any():
        row = usable[repeated.to_numpy()].iloc[0]
        key = ", ".join(f"{one} {shown(row[one])}" for one in on)
        raise InvalidData(
            f"{name} has several rows for {key}, so that rows here would be multiplied",
            remedy="Summarise the other table first, or add a column to the key.",
        )
    clash = [str(one) for one in usable.columns if one in table.columns and one not in on]
    if clash:
        raise InvalidData(
            f"both tables have a column {clash[0]!r}", remedy="Rename it in one of them, or add it to the key."
        )
    complete = table[on].notna().all(axis=1)
    left = table.assign(_order=np.arange(len(table)))
    matched = left[complete].merge(usable, on=on, how=MERGES[how])
    if how != "inner":
        rest = left[~complete.to_numpy()]
        matched = pd.concat([matched, rest], ignore_index=True) if len(rest) else matched
    return matched.sort_values("_order", kind="stable", ignore_index=True).drop(columns="_order")


def _example(column: pd.Series[Any]) -> str:
    present = column.dropna()
    return shown(present.iloc[0]) if len(present) else ""


class Lengthen(Step):
    """Make a row of each of several columns."""

    title: ClassVar = "From wide to long"
    explanation: ClassVar = (
        "Columns such as day1, day2, day3 hold one quantity at several times. Make one row for each, as models of "
        "repeated measurements need."
    )
    do: Literal["lengthen"]
    columns: list[str] = Field(min_length=1, description="The columns that hold one quantity.")
    names: str = Field(min_length=1, description="The new column that says which of them a value comes from.")
    values: str = Field(min_length=1, description="The new column with the values.")
    prefix: str = Field("", description="What to cut from the beginning of their names, so that a number is left.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        columns = known(table, self.columns)
        rest = [str(name) for name in table.columns if name not in columns]
        for name in (self.names, self.values):
            if name in rest:
                raise InvalidData(f"there is already a column {name!r}", remedy="Choose another name.")
        if self.names == self.values:
            raise InvalidData("the two new columns have the same name", remedy="Give each a name of its own.")
        sorts = {_sort(table[name]) for name in columns}
        if len(sorts) > 1:
            raise InvalidData(f"the columns hold different things: {', '.join(sorted(sorts))}", remedy="Choose others.")
        return lengthened(table, list(dict.fromkeys(columns)), self.names, self.values, self.prefix)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return (
            f"{rows_in_words(len(before))} of {len(self.columns)} columns became {rows_in_words(len(after))}: "
            f"“{self.values}” at each “{self.names}”."
        )

    def code(self) -> list[str]:
        how = ", ".join(literal(one) for one in (self.columns, self.names, self.values, self.prefix))
        return ["from modelcompose.data.recipe.shape import lengthened", f"table = lengthened(table, {how})"]


def lengthened(table: pd.DataFrame, columns: list[str], names: str, values: str, prefix: str) -> pd.DataFrame:
    """Make a row of each of several columns; the rows of one row stay together."""
    rest = [name for name in table.columns if name not in columns]
    long = table.reset_index(drop=True).melt(
        id_vars=rest, value_vars=columns, var_name=names, value_name=values, ignore_index=False
    )
    long = long.sort_index(kind="stable").reset_index(drop=True)
    short = long[names].astype("str").str.removeprefix(prefix)
    long[names] = pd.to_numeric(short) if short.str.fullmatch(r"-?\d{1,15}(\.\d+)?").all() else short
    return long


def _sort(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "yes or no"
    if pd.api.types.is_numeric_dtype(column) or column.isna().all():
        return "numbers"
    return "dates" if pd.api.types.is_datetime64_any_dtype(column) else "text"


class Widen(Step):
    """Make columns of rows."""

    title: ClassVar = "From long to wide"
    explanation: ClassVar = (
        "Make one row of several, with a column for each value of a column, such as before and after."
    )
    do: Literal["widen"]
    names: str = Field(description="The column whose values become names of columns.")
    values: str = Field(description="The column whose values go there.")
    prefix: str = Field("", description="What to put before the names.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, [self.names, self.values])
        rest = [str(name) for name in table.columns if name not in (self.names, self.values)]
        if self.names == self.values:
            raise InvalidData("names and values are the same column", remedy="Choose two.")
        if not rest:
            raise InvalidData("no column says which rows belong together", remedy="Keep one that does.")
        if table[self.names].isna().any():
            row = int(table[self.names].isna().to_numpy().argmax()) + 1
            raise InvalidData(f"{self.names!r} is missing in row {row}", remedy="Leave these rows out.")
        repeated = table.duplicated([*rest, self.names]).to_numpy()
        if repeated.any():
            row = int(repeated.argmax()) + 1
            raise InvalidData(
                f"row {row} has the same {quoted([*rest, self.names])} as an earlier one, so that two values would go "
                "into one cell",
                remedy="Summarise the rows first, or keep a column that tells them apart.",
            )
        if table[self.names].nunique() > 1000:
            raise InvalidData(f"{self.names!r} has more than 1,000 values", remedy="Choose another column.")
        new = {self.prefix + shown(level) for level in table[self.names].unique()}
        taken = sorted(new & set(rest))
        if taken or len(new) < table[self.names].nunique():
            raise InvalidData(
                f"two columns would be called {(taken or sorted(new))[0]!r}", remedy="Put a prefix before."
            )
        return widened(table, self.names, self.values, self.prefix)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return f"{rows_in_words(len(before))} became {len(after):,}, with a column for each “{self.names}”."

    def code(self) -> list[str]:
        how = ", ".join(literal(one) for one in (self.names, self.values, self.prefix))
        return ["from modelcompose.data.recipe.shape import widened", f"table = widened(table, {how})"]


def widened(table: pd.DataFrame, names: str, values: str, prefix: str) -> pd.DataFrame:
    """Make columns of the values of a column, in the order in which they first occur."""
    rest = [str(name) for name in table.columns if name not in (names, values)]
    row = table.groupby(rest, dropna=False, sort=False).ngroup().to_numpy()
    base = table.drop_duplicates(rest)[rest].reset_index(drop=True)
    columns = {}
    for level in table[names].unique():
        here = (table[names] == level).to_numpy(bool)
        column = table[values][here]
        column.index = pd.Index(row[here])
        columns[prefix + shown(level)] = column.reindex(range(len(base)))
    return pd.concat([base, pd.DataFrame(columns)], axis=1)


SHAPE: tuple[type[Step], ...] = (Lengthen, Widen, Aggregate, Join)
