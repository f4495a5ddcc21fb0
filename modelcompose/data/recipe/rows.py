"""Steps that choose, order and complete rows."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from modelcompose.analysis import literal
from modelcompose.data.expression import Expression
from modelcompose.data.kinds import shown
from modelcompose.data.recipe.step import Read, Step, known, quoted, rows_in_words
from modelcompose.errors import InvalidData, InvalidInput

__all__ = ["ROWS"]


class Filter(Step):
    """Keep the rows for which a condition holds."""

    title: ClassVar = "Keep some rows"
    explanation: ClassVar = "Keep the rows for which a condition is true; rows where it cannot be told are left out."
    do: Literal["filter"]
    where: str = Field(description="The condition, such as age >= 18 and site != 'test'.")

    @field_validator("where")
    @classmethod
    def _is_an_expression(cls, where: str) -> str:
        return _expression(where)

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table[self._answer(table).fillna(False).to_numpy(bool)].reset_index(drop=True)

    def _answer(self, table: pd.DataFrame) -> pd.Series[Any]:
        answer = Expression(self.where).of(table)
        if answer.dtype != "boolean":
            raise InvalidData(
                "the condition is neither true nor false", remedy="Write a comparison, such as age >= 18."
            )
        return answer

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        unknown = int(self._answer(before).isna().sum())
        told = f", {rows_in_words(unknown)} of them because a value is missing" if unknown else ""
        return f"Kept {rows_in_words(len(after))} where {self.where}; left out {len(before) - len(after):,}{told}."

    def code(self) -> list[str]:
        return [
            f"true = calculate(table, {literal(self.where)}).fillna(False).to_numpy(bool)",
            "table = table[true].reset_index(drop=True)",
        ]


def _expression(text: str) -> str:
    try:
        Expression(text)
    except InvalidInput as error:
        raise ValueError(f"{error.message}. {error.remedy or ''}".strip()) from None
    return text


class Missing(Step):
    """Leave rows with gaps out, or put one value into all gaps."""

    title: ClassVar = "Treat missing values"
    explanation: ClassVar = (
        "Leave out rows with gaps, or put one value into them. A value put in looks as sure as a measured one: for "
        "predictors of a model, the choice “rows with gaps” at the question is better."
    )
    do: Literal["missing"]
    columns: list[str] = Field([], description="The columns to look at; all when empty.")
    how: Literal["drop", "fill"] = Field("drop", description="Leave the rows out, or fill the gaps.")
    fill: Literal["mean", "median", "most frequent", "value"] = Field("median", description="What to fill gaps with.")
    value: float | str | None = Field(None, description="The value to fill in, when it is one of your own.")

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        if self.how == "fill" and self.fill == "value" and self.value is None:
            raise ValueError("say which value to fill in")
        return self

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        columns = known(table, self.columns) or list(table.columns)
        if self.how == "drop":
            return table.dropna(subset=columns).reset_index(drop=True)
        return table.assign(**{name: self._filled(table[name]) for name in columns if table[name].isna().any()})

    def _filled(self, column: pd.Series[Any]) -> pd.Series[Any]:
        if self.fill == "value":
            fits = isinstance(self.value, str) == isinstance(column.dtype, pd.StringDtype)
            if not fits:
                raise InvalidData(
                    f"{self.value!r} does not fit the values of {column.name!r}", remedy="Choose another."
                )
            return column.fillna(self.value)
        if column.isna().all():
            raise InvalidData(f"{column.name!r} has no value at all", remedy="Leave the column out.")
        if self.fill == "most frequent":
            return column.fillna(column.mode().iloc[0])
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            raise InvalidData(f"{column.name!r} has no {self.fill}", remedy="Choose the most frequent value instead.")
        return column.fillna(getattr(column, self.fill)())

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        columns = self.columns or list(before.columns)
        gaps = {name: int(before[name].isna().sum()) for name in columns}
        listed = ", ".join(f"{name} {count}" for name, count in gaps.items() if count) or "none"
        if self.how == "drop":
            return f"Left out {rows_in_words(len(before) - len(after))} with missing values ({listed})."
        what = f"the {self.fill}" if self.fill != "value" else shown(self.value)
        return f"Filled missing values ({listed}) with {what}."

    def code(self) -> list[str]:
        columns = literal(self.columns) if self.columns else "list(table.columns)"
        if self.how == "drop":
            return [f"table = table.dropna(subset={columns}).reset_index(drop=True)"]
        value = {
            "mean": "table[name].mean()",
            "median": "table[name].median()",
            "most frequent": "table[name].mode().iloc[0]",
            "value": literal(self.value),
        }[self.fill]
        return [
            f"for name in {columns}:",
            "    if table[name].isna().any():",
            f"        table = table.assign(**{{name: table[name].fillna({value})}})",
        ]


class Distinct(Step):
    """Keep one of several equal rows."""

    title: ClassVar = "Leave out repeated rows"
    explanation: ClassVar = "Keep the first of rows that are equal in the columns named."
    do: Literal["distinct"]
    columns: list[str] = Field([], description="The columns to compare; all when empty.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        return table.drop_duplicates(known(table, self.columns) or None).reset_index(drop=True)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        by = f" equal in {quoted(self.columns)}" if self.columns else ""
        return f"Left out {rows_in_words(len(before) - len(after))}{by} that repeat an earlier one."

    def code(self) -> list[str]:
        return [
            f"table = table.drop_duplicates({literal(self.columns) if self.columns else ''}).reset_index(drop=True)"
        ]


class Sort(Step):
    """Put the rows in order."""

    title: ClassVar = "Sort the rows"
    explanation: ClassVar = "Put the rows in the order of columns; rows with a missing value come last."
    do: Literal["sort"]
    by: list[str] = Field(min_length=1, description="The columns to sort by, the most important first.")
    descending: bool = Field(False, description="Whether the largest comes first.")

    def apply(self, table: pd.DataFrame, read: Read | None) -> pd.DataFrame:
        order = known(table, self.by)
        return table.sort_values(order, ascending=not self.descending, kind="stable", ignore_index=True)

    def sentence(self, before: pd.DataFrame, after: pd.DataFrame) -> str:
        return f"Sorted by {quoted(self.by)}{', largest first' if self.descending else ''}."

    def code(self) -> list[str]:
        ascending = not self.descending
        return [
            f'table = table.sort_values({literal(self.by)}, ascending={ascending}, kind="stable", ignore_index=True)'
        ]


ROWS: tuple[type[Step], ...] = (Filter, Missing, Distinct, Sort)
