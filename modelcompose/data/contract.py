"""What every version of a dataset must look like: learned from one, edited, and held against the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelcompose.analysis import Kind, Variable
from modelcompose.data.cells import as_numbers
from modelcompose.data.kinds import shown
from modelcompose.errors import InvalidData, InvalidInput

__all__ = ["Breach", "ColumnContract", "Contract"]

LEVELS = frozenset(("binary", "category", "ordered"))
Holds = Literal["number", "text", "date", "truth"]


class Breach(BaseModel):
    """One way in which a table differs from its contract; a ``note`` is no reason to refuse it."""

    model_config = ConfigDict(frozen=True)

    column: str
    rule: str
    sentence: str
    severity: Literal["refuse", "note"] = "refuse"


class ColumnContract(BaseModel):
    """What one column must look like."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Kind
    holds: Holds
    required: bool = True
    gaps: bool = Field(True, description="Whether values may be missing.")
    levels: list[str] = Field([], description="The only values allowed; empty for any.")
    bounds: list[float | None] = Field([], description="Lowest and highest value allowed; null where there is none.")
    seen: list[float] = Field([], description="Lowest and highest value when it was learned; others are pointed out.")


class Contract(BaseModel):
    """What a table must look like, column by column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, ColumnContract]

    @classmethod
    def learn(
        cls, frame: pd.DataFrame, kinds: Mapping[str, str], variables: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Self:
        """Learn a contract from a table.

        Levels of categories and declared bounds become rules; the range seen is kept for comparison. Values may be
        missing where some are.
        """
        declared = {name: Variable.model_validate(one) for name, one in (variables or {}).items()}
        return cls(
            columns={
                str(name): _learned(frame[name], kinds[str(name)], declared.get(str(name), Variable()))
                for name in frame.columns
            }
        )

    @classmethod
    def of(cls, content: Mapping[str, Any] | str) -> Self:
        """Read a contract from JSON or its values.

        Raises
        ------
        InvalidInput
            When a rule is none.
        """
        try:
            return cls.model_validate_json(content) if isinstance(content, str) else cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where="contract", remedy="Correct the rule."
            ) from None

    def check(self, frame: pd.DataFrame, kinds: Mapping[str, str]) -> list[Breach]:
        """List every difference between a table and the contract."""
        found: list[Breach] = []
        for name, rules in self.columns.items():
            if name in frame.columns:
                found += _breaches(name, frame[name], kinds.get(name, ""), rules)
            elif rules.required:
                found.append(_breach(name, "column", f"the column {name} is missing"))
        for column in frame.columns:
            if column not in self.columns:
                found.append(_breach(str(column), "new-column", f"the column {column} is new", note=True))
        return found

    def require(self, frame: pd.DataFrame, kinds: Mapping[str, str], where: str) -> None:
        """Refuse a table that breaks the contract.

        Raises
        ------
        InvalidData
            With the list of differences.
        """
        found = [breach.sentence for breach in self.check(frame, kinds) if breach.severity == "refuse"]
        if found:
            raise InvalidData(
                f"the table does not keep to its contract: {'; '.join(found)}",
                where=where,
                remedy="Use a version that does, prepare the table, or edit the contract if it has to change.",
            )


def holds(column: pd.Series[Any]) -> Holds:
    """Say what a column's cells are."""
    if pd.api.types.is_bool_dtype(column):
        return "truth"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "date" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def _learned(column: pd.Series[Any], kind: str, declared: Variable) -> ColumnContract:
    found = holds(column)
    levels = declared.levels or (sorted(_levels(column)) if kind in LEVELS else [])
    present = as_numbers(column).dropna() if found == "number" else pd.Series(dtype="float64")
    finite = present[np.isfinite(present)]
    return ColumnContract(
        kind=kind,
        holds=found,
        gaps=bool(column.isna().any()),
        levels=levels,
        bounds=declared.bounds,
        seen=[float(finite.min()), float(finite.max())] if len(finite) else [],
    )


def _levels(column: pd.Series[Any]) -> list[str]:
    return [shown(level) for level in column.dropna().unique()]


def _breaches(name: str, column: pd.Series[Any], kind: str, rules: ColumnContract) -> Iterator[Breach]:
    if (found := holds(column)) != rules.holds:
        yield _breach(name, "type", f"{name} holds {_said(found)}, and should hold {_said(rules.holds)}")
        return
    if kind and kind != rules.kind:
        yield _breach(name, "kind", f"{name} looks like “{kind}”, and was declared “{rules.kind}”", note=True)
    if not rules.gaps and column.isna().any():
        row = int(column.isna().to_numpy().argmax()) + 1
        yield _breach(name, "gaps", f"{name} misses {int(column.isna().sum())} values, the first in row {row}")
    if rules.levels:
        new = [level for level in _levels(column) if level not in rules.levels]
        if new:
            listed = ", ".join(f"“{level}”" for level in new[:5]) + (" …" if len(new) > 5 else "")
            yield _breach(name, "levels", f"{name} has values that are not allowed: {listed}")
    if rules.holds == "number":
        yield from _out_of_range(name, as_numbers(column), rules)


def _out_of_range(name: str, numbers: pd.Series[float], rules: ColumnContract) -> Iterator[Breach]:
    low, high = [np.nan if end is None else float(end) for end in rules.bounds or (None, None)]
    wrong = (numbers < low) | (numbers > high)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        first = f"the first, {shown(numbers.iloc[row])}, in row {row + 1}"
        yield _breach(name, "bounds", f"{name} has {int(wrong.sum())} values out of bounds, {first}")
    if rules.seen and not wrong.any():
        beyond = int(((numbers < rules.seen[0]) | (numbers > rules.seen[1])).sum())
        if beyond:
            span = f"{shown(rules.seen[0])} to {shown(rules.seen[1])}"
            yield _breach(name, "range", f"{name} has {beyond} values beyond those seen before, {span}", note=True)


def _said(found: str) -> str:
    return {"number": "numbers", "text": "text", "date": "dates", "truth": "true and false"}[found]


def _breach(column: str, rule: str, sentence: str, *, note: bool = False) -> Breach:
    return Breach(column=column, rule=rule, sentence=sentence, severity="note" if note else "refuse")
