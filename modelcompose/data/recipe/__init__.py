"""The recipe: preparation of a table as a list of steps, each one plain and typed, replayed in order.

A step is a dictionary in the parameters cell, such as ``{"do": "filter", "where": "age >= 18"}``. Replaying the same
recipe on the same table gives the same table, so that undoing a step is leaving it out. To add a step, write a subclass
of `Step` in the file of its family and name it in that file's list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from modelcompose.analysis import literal
from modelcompose.data.cells import tidy
from modelcompose.data.recipe.columns import COLUMNS
from modelcompose.data.recipe.rows import ROWS
from modelcompose.data.recipe.shape import SHAPE
from modelcompose.data.recipe.step import Read, Step
from modelcompose.data.recipe.values import VALUES
from modelcompose.errors import InvalidAnalysis, InvalidData, InvalidInput, ModelComposeError

__all__ = ["STEPS", "Applied", "Prepared", "Preview", "Recipe", "Step", "schema"]

STEPS: Mapping[str, type[Step]] = {step.id(): step for step in (*ROWS, *VALUES, *COLUMNS, *SHAPE)}
"""Every kind of step by its id."""

HEAD = 12


@dataclass(frozen=True)
class Applied:
    """What a step did: rows before and after, and how many cells of the rows and columns that stayed have changed."""

    step: dict[str, Any]
    sentence: str
    rows_before: int
    rows_after: int
    changed: int
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return values that JSON can hold."""
        return asdict(self) | {"added": list(self.added), "removed": list(self.removed)}


@dataclass(frozen=True)
class Prepared:
    """A table after the recipe, and what each step did."""

    frame: pd.DataFrame
    steps: tuple[Applied, ...]


@dataclass(frozen=True)
class Preview:
    """What a step would do, with the first rows that it concerns; ``changed`` marks cells of ``after``."""

    applied: Applied
    before: pd.DataFrame
    after: pd.DataFrame
    changed: np.ndarray[Any, np.dtype[np.bool_]]


class Recipe:
    """Steps that are known and well formed.

    Parameters
    ----------
    steps
        What the parameters cell holds.

    Raises
    ------
    InvalidAnalysis
        When a step or one of its fields is unknown or of the wrong type, naming its number.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self.steps = tuple(_step(number, dict(step)) for number, step in enumerate(steps, start=1))

    def replay(self, frame: pd.DataFrame, read: Read | None = None) -> Prepared:
        """Apply all steps in order.

        Parameters
        ----------
        frame
            A typed table; it stays as it is.
        read
            Reads another table by its name, for joins.

        Raises
        ------
        InvalidData
            When a step cannot be applied, naming its number, column and row.
        """
        done = []
        for number, step in enumerate(self.steps, start=1):
            after = _applied(number, step, frame, read)
            done.append(_account(step, frame, after))
            frame = after
        return Prepared(frame, tuple(done))

    def preview(self, frame: pd.DataFrame, read: Read | None = None) -> Preview:
        """Apply the last step to what the others give, and show the first rows that it concerns."""
        before = Recipe.__new__(Recipe)
        before.steps = self.steps[:-1]
        old = before.replay(frame, read).frame
        new = _applied(len(self.steps), self.steps[-1], old, read)
        return _preview(_account(self.steps[-1], old, new), old, new)

    def script(self, data: str) -> str:
        """Return a Python script that prepares the table in the same way.

        Parameters
        ----------
        data
            What to read.
        """
        lines = [
            "import numpy as np",
            "import pandas as pd",
            "",
            "import modelcompose as mc",
            "from modelcompose.data import calculate, tidy",
            "",
            f"table = mc.load({literal(data)}).frame",
        ]
        for number, step in enumerate(self.steps, start=1):
            lines += ["", f"# {number}. {step.title}: {step.explanation}", *step.code()]
            lines.append(f'table, _ = tidy(table, "step {number}")')
        return "\n".join([*lines, "", "print(table)", ""])


def schema() -> list[dict[str, Any]]:
    """Describe every kind of step, for a form: id, title, explanation and the JSON Schema of its fields."""
    found = []
    for name, step in STEPS.items():
        fields = step.model_json_schema()
        fields["properties"].pop("do")
        fields["required"] = [field for field in fields.get("required", []) if field != "do"]
        found.append({"id": name, "title": step.title, "explanation": step.explanation, "fields": fields})
    return found


def _step(number: int, content: dict[str, Any]) -> Step:
    kind = content.get("do")
    where = f"recipe, step {number}"
    if not isinstance(kind, str) or kind not in STEPS:
        raise InvalidAnalysis(
            f"there is no step {kind!r}", where=where, remedy=f'Give "do" one of: {", ".join(sorted(STEPS))}.'
        )
    try:
        return STEPS[kind].model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InvalidAnalysis(
            f"{field or kind}: {first['msg'].removeprefix('Value error, ')}",
            where=f"{where} ({kind})",
            remedy=f"{STEPS[kind].title}: {STEPS[kind].explanation}",
        ) from None


def _applied(number: int, step: Step, frame: pd.DataFrame, read: Read | None) -> pd.DataFrame:
    where = f"recipe, step {number} ({step.id()})"
    try:
        table, _ = tidy(step.apply(frame, read), where)
    except (InvalidData, InvalidInput) as error:
        place = where if not error.where or error.where == where else f"{where}, {error.where}"
        raise InvalidData(error.message, where=place, remedy=error.remedy) from error
    except ModelComposeError:
        raise
    if table.columns.empty or not len(table):
        nothing = "column" if table.columns.empty else "row"
        raise InvalidData(f"the step leaves no {nothing}", where=where, remedy="Change the step or take it back.")
    return table


def _account(step: Step, before: pd.DataFrame, after: pd.DataFrame) -> Applied:
    changed = _changes(before, after)
    return Applied(
        step=step.content(),
        sentence=step.sentence(before, after),
        rows_before=len(before),
        rows_after=len(after),
        changed=int(sum(int(marks.sum()) for marks in changed.values())),
        added=tuple(str(name) for name in after.columns if name not in before.columns),
        removed=tuple(str(name) for name in before.columns if name not in after.columns),
    )


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Mark the cells that differ in the columns that stayed; rows that came or went are no changes of cells."""
    if len(before) != len(after):
        return {}
    return {str(name): _differ(before[name], after[name]) for name in after.columns if name in before.columns}


def _differ(one: pd.Series[Any], two: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if one is two:
        return np.zeros(len(one), dtype=bool)
    gaps, others = one.isna().to_numpy(bool), two.isna().to_numpy(bool)
    same_sort = one.dtype == two.dtype or all(pd.api.types.is_numeric_dtype(column) for column in (one, two))
    if not same_sort:
        return ~(gaps & others)
    known = ~gaps & ~others
    marks = gaps != others
    marks[known] = one.to_numpy()[known] != two.to_numpy()[known]
    return np.asarray(marks, dtype=bool)


def _preview(applied: Applied, before: pd.DataFrame, after: pd.DataFrame) -> Preview:
    changes = _changes(before, after)
    marks = np.column_stack(
        [changes.get(str(name), np.full(len(after), name not in before.columns)) for name in after.columns]
    )
    any_change = [marks_of for marks_of in changes.values() if marks_of.any()]
    touched = np.flatnonzero(np.column_stack(any_change).any(axis=1)) if any_change else np.arange(len(after))
    rows = touched[:HEAD]
    old = before.iloc[rows] if len(before) == len(after) else before.head(HEAD)
    return Preview(applied, old, after.iloc[rows], marks[rows])
