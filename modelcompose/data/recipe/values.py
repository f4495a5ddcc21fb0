"""Steps that change values or make new columns of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from modelcompose.analysis import literal
from modelcompose.data.cells import as_numbers
from modelcompose.data.expression import Expression
from modelcompose.data.kinds import shown
from modelcompose.data.recipe.rows import _expression
from modelcompose.data.recipe.step import Read, Step, free, known, quoted
from modelcompose.errors import InvalidData

__all__ = ["VALUES"]

TRUTH = {"yes": True, "true": True, "y": True, "1": True, "no": False, "false": False, "n": False, "0": False}
ORDERS = {
    "day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y"),
    "month first": ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y"),
    "year first": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
}
TIMES = ("", " %H:%M", " %H:%M:%S")


def numeric(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column as numbers; refuse one that holds anything else."""
    known(table, [name])
    column = table[name]
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        present = column.dropna()
        example = f", for instance “{shown(present.iloc[0])}”" if len(present) else ""
        raise InvalidData(f"{name!r} does not hold numbers{example}", remedy="Parse it as numbers first.")
    return column.astype("float64")


class Recode(Step):
    """Replace values by others."""

    title: ClassVar = "Replace values"
    explanation: ClassVar = "Write other values for those named; a value left empty becomes missing."
    do: Literal["recode"]
    column: str = Field(description="The column.")
    values: dict[str, str] = Field(min_length=1, description="The new value of each old one; empty for missing.")
    others: Literal["keep", "missing"] = Field("keep", description="What becomes of values not named.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, [self.column])
        cells = table[self.column].map(shown, na_action="ignore").astype("str")
        absent = [old for old in self.values if not (cells == old).any()]
        if absent:
            raise InvalidData(
                f"{self.column!r} has no value “{absent[0]}”", remedy="Write the value as the preview shows it."
            )
        new = cells.map(lambda cell: self.values.get(cell, cell if self.others == "keep" else ""), na_action="ignore")
        new = new.where(new != "").astype("str")
        numbers = as_numbers(new)
        return table.assign(**{self.column: numbers if numbers.notna().equals(new.notna()) else new})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        each = "; ".join(f"“{old}” is now {f'“{new}”' if new else 'missing'}" for old, new in self.values.items())
        rest = " All other values are missing." if self.others == "missing" else ""
        return f"In “{self.column}”, {each}.{rest}"

    def code(self) -> list[str]:
        name, other = literal(self.column), "cell" if self.others == "keep" else '""'
        return [
            "from modelcompose.data.cells import as_numbers",
            "from modelcompose.data.kinds import shown",
            f"values = {literal(self.values)}",
            f'cells = table[{name}].map(shown, na_action="ignore").astype("str")',
            f'new = cells.map(lambda cell: values.get(cell, {other}), na_action="ignore")',
            'new = new.where(new != "").astype("str")',
            "numbers = as_numbers(new)",
            f"table = table.assign(**{{{name}: numbers if numbers.notna().equals(new.notna()) else new}})",
        ]


class MissingCodes(Step):
    """Make codes that stand for a missing value missing."""

    title: ClassVar = "Codes for missing values"
    explanation: ClassVar = "Some tables write a missing value as -9, 999 or “unknown”. Make them missing."
    do: Literal["missing_codes"]
    columns: list[str] = Field(min_length=1, description="The columns.")
    codes: list[float | str] = Field(min_length=1, description="The codes, such as -9 or unknown.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.assign(**{name: without_codes(table[name], self.codes) for name in known(table, self.columns)})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        gaps = int(after[self.columns].isna().sum().sum() - before[self.columns].isna().sum().sum())
        return f"{gaps:,} values ({', '.join(map(shown, self.codes))}) in {quoted(self.columns)} count as missing now."

    def code(self) -> list[str]:
        return [
            "from modelcompose.data.recipe.values import without_codes",
            f"for name in {literal(self.columns)}:",
            f"    table = table.assign(**{{name: without_codes(table[name], {literal(self.codes)})}})",
        ]


def without_codes(column: pd.Series[Any], codes: list[Any]) -> pd.Series[Any]:
    """Return a column in which the codes are missing; numbers are compared as numbers, text as it stands."""
    texts = {str(code) for code in codes} | {shown(code) for code in codes}
    hit = column.map(shown, na_action="ignore").isin(texts)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = as_numbers(pd.Series([str(code) for code in codes], dtype="str")).dropna()
        hit = column.isin(numbers) | hit
        column = column.astype("float64")
    if pd.api.types.is_bool_dtype(column):
        column = column.astype("boolean")
    return column.mask(hit.to_numpy(bool))


class Parse(Step):
    """Read text as numbers, shares, dates or truth values."""

    title: ClassVar = "Read text as values"
    explanation: ClassVar = (
        "Say how a column is written: which sign is the decimal one, and whether day or month is first."
    )
    do: Literal["parse"]
    column: str = Field(description="The column.")
    to: Literal["number", "share", "date", "text", "truth"] = Field(description="What the cells are; 5% is a share.")
    decimal: Literal[".", ","] = Field(".", description="The decimal sign.")
    order: Literal["year first", "day first", "month first"] = Field("year first", description="How dates are written.")
    otherwise: Literal["refuse", "missing"] = Field("refuse", description="What becomes of cells that cannot be read.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, [self.column])
        return table.assign(
            **{self.column: parsed(table[self.column], self.to, self.decimal, self.order, self.otherwise)}
        )

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        lost = int(after[self.column].isna().sum() - before[self.column].isna().sum())
        told = f" {lost:,} cells could not be read and are missing." if lost else ""
        what = {"number": "numbers", "share": "shares", "date": "dates", "text": "text", "truth": "yes or no"}[self.to]
        return f"“{self.column}” is read as {what}.{told}"

    def code(self) -> list[str]:
        name = literal(self.column)
        how = ", ".join(literal(one) for one in (self.to, self.decimal, self.order, self.otherwise))
        return [
            "from modelcompose.data.recipe.values import parsed",
            f"table = table.assign(**{{{name}: parsed(table[{name}], {how})}})",
        ]


def parsed(column: pd.Series[Any], to: str, decimal: str, order: str, otherwise: str) -> pd.Series[Any]:
    """Read the cells of a column; see `Parse`."""
    cells = column.map(shown, na_action="ignore").astype("str").str.strip()
    if to == "text":
        return cells
    readers: dict[str, Callable[[], pd.Series[Any]]] = {
        "number": lambda: _numbers(cells, decimal),
        "share": lambda: _shares(cells, decimal),
        "date": lambda: column if pd.api.types.is_datetime64_any_dtype(column) else _dates(cells, order),
        "truth": lambda: cells.str.lower().map(TRUTH).astype("boolean"),
    }
    values = readers[to]()
    lost = (values.isna() & cells.notna()).to_numpy(bool)
    if lost.any() and otherwise == "refuse":
        row = int(lost.argmax())
        raise InvalidData(
            f"“{cells.iloc[row]}” in row {row + 1} of {column.name!r} cannot be read as {to}",
            remedy="Choose how it is written, correct the value, or let what cannot be read be missing.",
        )
    return values


def _numbers(cells: pd.Series[Any], decimal: str) -> pd.Series[Any]:
    """Read numbers, with separators between groups of three digits, and a unit or currency around them."""
    group = r"[ \u00a0\u202f'’,]" if decimal == "." else r"[ \u00a0\u202f'’.]"
    bare = cells.str.replace(r"^[€$£¥\s]*|\s*[^\d.,]*$", "", regex=True)
    grouped = bare.str.contains(rf"\d{group}\d", regex=True, na=False)
    proper = bare.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{group}\d{{3}})+(?:{re.escape(decimal)}\d*)?", na=False)
    plain = bare.str.replace(group, "", regex=True)
    plain = plain.str.replace(",", ".", regex=False) if decimal == "," else plain
    return as_numbers(plain.where(~grouped | proper))


def _shares(cells: pd.Series[Any], decimal: str) -> pd.Series[Any]:
    percent = cells.str.endswith("%", na=False)
    numbers = _numbers(cells.str.rstrip("% "), decimal)
    return numbers.where(~percent, numbers / 100)


def _dates(cells: pd.Series[Any], order: str) -> pd.Series[Any]:
    found = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[us]")
    for form in ORDERS[order]:
        for time in TIMES:
            left = found.isna() & cells.notna()
            if left.any():
                dates = pd.to_datetime(cells[left], format=form + time, errors="coerce")
                found[left] = dates.astype("datetime64[us]")
    return found


class Derive(Step):
    """Work out a new column from others."""

    title: ClassVar = "Work out a column"
    explanation: ClassVar = "Make a column from others, such as weight / height ** 2."
    do: Literal["derive"]
    column: str = Field(min_length=1, description="The name of the new column; one that exists is replaced.")
    expression: str = Field(description="The expression.")

    @field_validator("expression")
    @classmethod
    def _is_an_expression(cls, expression: str) -> str:
        return _expression(expression)

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.assign(**{self.column.strip(): Expression(self.expression).of(table)})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        gaps = int(after[self.column.strip()].isna().sum())
        told = f"; it is missing in {gaps:,} rows" if gaps else ""
        return f"“{self.column.strip()}” is {self.expression}{told}."

    def code(self) -> list[str]:
        name = literal(self.column.strip())
        return [f"table = table.assign(**{{{name}: calculate(table, {literal(self.expression)})}})"]


class Bin(Step):
    """Cut a number into ranges."""

    title: ClassVar = "Cut into ranges"
    explanation: ClassVar = (
        "Make categories from a number. A model usually learns more from the number itself: cutting throws away what "
        "is known within a range."
    )
    do: Literal["bin"]
    column: str = Field(description="The number.")
    into: str = Field(min_length=1, description="The name of the new column.")
    edges: list[float] = Field([], description="Where ranges begin, lowest first; each goes up to the next.")
    parts: int | None = Field(None, ge=2, le=20, description="Or how many ranges with about equally many rows.")
    labels: list[str] = Field([], description="The names of the ranges; their numbers when empty.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.edges) == bool(self.parts):
            raise ValueError("give either edges or the number of parts")
        if self.edges and (len(self.edges) < 3 or any(b <= a for a, b in pairwise(self.edges))):
            raise ValueError("give three edges or more, lowest first")
        ranges = len(self.edges) - 1 if self.edges else self.parts
        if self.labels and len(self.labels) != ranges:
            raise ValueError(f"give a name for each of the {ranges} ranges, or none")
        return self

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        numbers = numeric(table, self.column)
        free(table, self.into)
        cut, names = cut_into(numbers, self.edges, self.parts, self.labels)
        outside = (cut.isna() & numbers.notna()).to_numpy(bool)
        if outside.any():
            row = int(outside.argmax())
            raise InvalidData(
                f"{shown(numbers.iloc[row])} in row {row + 1} lies in none of the ranges", remedy="Widen the edges."
            )
        del names
        return table.assign(**{self.into: cut})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        counts = after[self.into].value_counts().sort_index()
        return f"“{self.into}”: " + ", ".join(f"{level} {count:,} rows" for level, count in counts.items()) + "."

    def code(self) -> list[str]:
        how = f"{literal(self.edges)}, {self.parts!r}, {literal(self.labels)}"
        return [
            "from modelcompose.data.recipe.values import cut_into",
            f"cut, _ = cut_into(table[{literal(self.column)}].astype(float), {how})",
            f"table = table.assign(**{{{literal(self.into)}: cut}})",
        ]


def cut_into(
    numbers: pd.Series[Any], edges: list[float], parts: int | None, labels: list[str]
) -> tuple[pd.Series[Any], list[str]]:
    """Return the range of each number as text, and all ranges in order; a range holds its lower edge.

    The last range holds its upper edge too.
    """
    bounds = np.unique(numbers.dropna().quantile(np.linspace(0, 1, (parts or 1) + 1))) if parts else np.asarray(edges)
    if len(bounds) < 2 or (labels and len(bounds) - 1 != len(labels)):
        raise InvalidData("the numbers have too few different values for so many ranges", remedy="Ask for fewer.")
    names = labels or [f"{at + 1}: {shown(low)} to {shown(high)}" for at, (low, high) in enumerate(pairwise(bounds))]
    place = np.searchsorted(bounds, numbers.to_numpy(), side="right") - 1
    place[numbers.to_numpy() == bounds[-1]] = len(bounds) - 2
    inside = numbers.notna().to_numpy() & (place >= 0) & (place < len(names))
    cells = [names[at] if within else None for at, within in zip(place, inside, strict=True)]
    return pd.Series(cells, index=numbers.index, dtype="str"), names


class Standardise(Step):
    """Put numbers on a common scale."""

    title: ClassVar = "Put on a common scale"
    explanation: ClassVar = (
        "Subtract the average and divide by the spread, so that effects of columns can be compared. Twice the "
        "standard deviation makes numbers comparable with a yes or no (Gelman 2008, doi:10.1002/sim.3107)."
    )
    do: Literal["standardise"]
    columns: list[str] = Field(min_length=1, description="The columns.")
    by: Literal["sd", "2 sd", "range"] = Field("sd", description="What to divide by.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.assign(**{name: scaled(numeric(table, name), self.by) for name in known(table, self.columns)})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        what = {"sd": "standard deviation", "2 sd": "standard deviation, twice", "range": "range"}[self.by]
        each = ", ".join(f"{name} (average {shown(float(f'{before[name].mean():.4g}'))})" for name in self.columns)
        return f"Average subtracted and divided by the {what}: {each}."

    def code(self) -> list[str]:
        return [
            "from modelcompose.data.recipe.values import scaled",
            f"for name in {literal(self.columns)}:",
            f"    table = table.assign(**{{name: scaled(table[name].astype(float), {literal(self.by)})}})",
        ]


def scaled(numbers: pd.Series[Any], by: str) -> pd.Series[Any]:
    """Centre numbers and divide them by their spread."""
    spread = {"sd": numbers.std(), "2 sd": 2 * numbers.std(), "range": numbers.max() - numbers.min()}[by]
    if not spread > 0:
        raise InvalidData(f"{numbers.name!r} does not vary", remedy="Leave it out.")
    found: pd.Series[Any] = (numbers - numbers.mean()) / spread
    return found


class Log(Step):
    """Take logarithms."""

    title: ClassVar = "Take logarithms"
    explanation: ClassVar = "For lopsided numbers above zero, whose effect is by factors rather than by steps."
    do: Literal["log"]
    columns: list[str] = Field(min_length=1, description="The columns.")
    base: Literal["e", "2", "10"] = Field("e", description="With base 2, one step up is a doubling.")
    plus: float = Field(0.0, ge=0, description="What to add before; zero has no logarithm.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.assign(**{name: logs(numeric(table, name), self.base, self.plus) for name in self.columns})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        plus = f" after adding {shown(self.plus)}" if self.plus else ""
        return f"Logarithms to base {self.base}{plus} of {quoted(self.columns)}."

    def code(self) -> list[str]:
        return [
            "from modelcompose.data.recipe.values import logs",
            f"for name in {literal(self.columns)}:",
            f"    table = table.assign(**{{name: logs(table[name].astype(float), {literal(self.base)}, {self.plus})}})",
        ]


def logs(numbers: pd.Series[Any], base: str, plus: float) -> pd.Series[Any]:
    """Return logarithms; refuse numbers that have none."""
    wrong = (numbers + plus <= 0).to_numpy(bool)
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidData(
            f"{shown(numbers.iloc[row])} in row {row + 1} of {numbers.name!r} has no logarithm",
            remedy="Add a number to all of them, or leave these rows out.",
        )
    log = {"e": np.log, "2": np.log2, "10": np.log10}[base]
    return pd.Series(log((numbers + plus).to_numpy()), index=numbers.index, name=numbers.name)


class Lag(Step):
    """Take the value of an earlier row, or the change since then."""

    title: ClassVar = "Earlier value or change"
    explanation: ClassVar = (
        "Put beside each row the value of an earlier one, or the change since then, in order of time."
    )
    do: Literal["lag"]
    column: str = Field(description="The column.")
    into: str = Field(min_length=1, description="The name of the new column.")
    order: str = Field(description="The column that orders the rows, such as a date.")
    by: list[str] = Field([], description="Columns that tell series apart, such as a person.")
    steps: int = Field(1, ge=1, le=1000, description="How many rows back.")
    change: bool = Field(False, description="Whether to take the change since then.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        known(table, [self.column, self.order, *self.by])
        free(table, self.into)
        if table[self.order].isna().any():
            row = int(table[self.order].isna().to_numpy().argmax()) + 1
            raise InvalidData(f"{self.order!r} is missing in row {row}", remedy="Leave out rows without an order.")
        if table.duplicated([*self.by, self.order]).any():
            row = int(table.duplicated([*self.by, self.order]).to_numpy().argmax()) + 1
            raise InvalidData(
                f"the order is not clear: row {row} has the same {self.order!r} as an earlier one",
                remedy="Name the columns that tell series apart.",
            )
        if self.change:
            numeric(table, self.column)
        return table.assign(**{self.into: earlier(table, self.column, self.order, self.by, self.steps, self.change)})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        what = "the change since" if self.change else "the value"
        apart = f" of the same {quoted(self.by)}" if self.by else ""
        return (
            f"“{self.into}” is {what} {self.steps} rows earlier{apart}, in order of “{self.order}”; "
            f"it is missing in {int(after[self.into].isna().sum()):,} rows."
        )

    def code(self) -> list[str]:
        how = f"{literal(self.column)}, {literal(self.order)}, {literal(self.by)}, {self.steps}, {self.change}"
        return [
            "from modelcompose.data.recipe.values import earlier",
            f"table = table.assign(**{{{literal(self.into)}: earlier(table, {how})}})",
        ]


def earlier(table: pd.DataFrame, column: str, order: str, by: list[str], steps: int, change: bool) -> pd.Series[Any]:
    """Return for each row the value of an earlier one of its series, or the change since then."""
    ordered = table.sort_values(order, kind="stable")
    series = ordered.groupby(by, dropna=False)[column] if by else ordered[column]
    before = series.shift(steps)
    found = ordered[column] - before if change else before
    return found.reindex(table.index)


class Outliers(Step):
    """Mark values far from the others, and take none away."""

    title: ClassVar = "Mark unusual values"
    explanation: ClassVar = (
        "Make a yes-or-no column that marks values far from the others. They are not taken away: a value is wrong "
        "because of how it was measured, not because it is unusual."
    )
    do: Literal["outliers"]
    column: str = Field(description="The number.")
    into: str = Field(min_length=1, description="The name of the new column.")
    rule: Literal["quartiles", "median"] = Field(
        "quartiles",
        description="Beyond 1.5 times the distance of the quartiles (Tukey 1977), or 3.5 robust standard deviations "
        "from the median (Iglewicz and Hoaglin 1993).",
    )

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        free(table, self.into)
        return table.assign(**{self.into: unusual(numeric(table, self.column), self.rule)})

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return f"“{self.into}” marks {int(after[self.into].sum()):,} of {len(after):,} values of “{self.column}”."

    def code(self) -> list[str]:
        return [
            "from modelcompose.data.recipe.values import unusual",
            f"marks = unusual(table[{literal(self.column)}].astype(float), {literal(self.rule)})",
            f"table = table.assign(**{{{literal(self.into)}: marks}})",
        ]


def unusual(numbers: pd.Series[Any], rule: str) -> pd.Series[Any]:
    """Mark numbers far from the others; see `Outliers`."""
    if rule == "quartiles":
        low, high = numbers.quantile([0.25, 0.75])
        far = (numbers < low - 1.5 * (high - low)) | (numbers > high + 1.5 * (high - low))
    else:
        centre = numbers.median()
        spread = (numbers - centre).abs().median() / 0.6745
        far = (numbers - centre).abs() > 3.5 * spread
    return far.astype("boolean").mask(numbers.isna())


VALUES: tuple[type[Step], ...] = (MissingCodes, Parse, Recode, Derive, Log, Standardise, Bin, Lag, Outliers)
