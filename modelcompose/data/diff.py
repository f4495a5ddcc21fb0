"""What is different between two tables: columns, rows and cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.data.kinds import shown
from modelcompose.errors import InvalidInput

__all__ = ["CellChange", "Difference", "Retyped", "compare"]

SHOWN = 50


@dataclass(frozen=True)
class Retyped:
    """A column whose values are of another type."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class CellChange:
    """A cell with another value; ``row`` counts the new table's rows from 1."""

    row: int
    column: str
    old: str
    new: str


@dataclass(frozen=True)
class Difference:
    """How a new table differs from an old one.

    Rows are matched by a key where one is given. Otherwise equal rows are matched wherever they stand; of the others,
    the first old is matched with the first new, and so on, and what is then left over was added or removed.
    """

    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_retyped: tuple[Retyped, ...]
    rows_added: int
    rows_removed: int
    rows_changed: int
    cells_changed: int
    cells: tuple[CellChange, ...]

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @property
    def sentence(self) -> str:
        """The difference in one sentence."""
        said = [
            _counted(len(self.columns_added), "column", "added", self.columns_added),
            _counted(len(self.columns_removed), "column", "removed", self.columns_removed),
            _counted(
                len(self.columns_retyped), "column", "of another type", [one.name for one in self.columns_retyped]
            ),
            _counted(self.rows_added, "row", "added"),
            _counted(self.rows_removed, "row", "removed"),
            _counted(self.cells_changed, "cell", f"changed in {self.rows_changed} rows"),
        ]
        return "; ".join(filter(None, said)) or "The tables are the same"

    def as_json(self) -> dict[str, Any]:
        """Return the difference as values that JSON can hold."""
        return {**asdict(self), "sentence": f"{self.sentence}."}


def compare(old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str] = ()) -> Difference:
    """Compare two tables.

    Parameters
    ----------
    old, new
        Typed tables.
    key
        Columns whose values name a row; each may name one row only.

    Raises
    ------
    InvalidInput
        When the key is no column of both tables, or does not tell rows apart.
    """
    shared = [str(name) for name in new.columns if name in old.columns]
    for name in key:
        if name not in shared:
            raise InvalidInput(f"{name!r} is not a column of both tables", where="key", remedy="Choose others.")
    left, right = _codes(old, new, shared)
    before, after = _matched(left, right, [shared.index(name) for name in key])
    changed = left[before] != right[after]
    rows = changed.any(axis=1) if shared else np.zeros(len(before), dtype=bool)
    return Difference(
        columns_added=tuple(str(name) for name in new.columns if name not in old.columns),
        columns_removed=tuple(str(name) for name in old.columns if name not in new.columns),
        columns_retyped=tuple(
            Retyped(name, str(old[name].dtype), str(new[name].dtype))
            for name in shared
            if old[name].dtype != new[name].dtype
        ),
        rows_added=len(new) - len(after),
        rows_removed=len(old) - len(before),
        rows_changed=int(rows.sum()),
        cells_changed=int(changed.sum()),
        cells=tuple(_cells(old, new, shared, before, after, changed)),
    )


def _codes(old: pd.DataFrame, new: pd.DataFrame, shared: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return tables of whole numbers, shape (rows, columns), equal where and only where the values are."""
    left = np.empty((len(old), len(shared)), dtype="int64")
    right = np.empty((len(new), len(shared)), dtype="int64")
    for place, name in enumerate(shared):
        one, two = old[name], new[name]
        if one.dtype != two.dtype and not _both_numbers(one, two):
            one, two = (
                one.map(shown, na_action="ignore").astype("str"),
                two.map(shown, na_action="ignore").astype("str"),
            )
        codes, _ = pd.factorize(pd.concat([one, two], ignore_index=True))
        left[:, place], right[:, place] = codes[: len(old)], codes[len(old) :]
    return left, right


def _both_numbers(one: pd.Series[Any], two: pd.Series[Any]) -> bool:
    return all(
        pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) for column in (one, two)
    )


def _matched(left: np.ndarray, right: np.ndarray, key: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of matching rows in the old and the new table."""
    if key:
        before, after = _same_rows(left[:, key], right[:, key])
        for table in (left, right):
            if len(np.unique(table[:, key], axis=0)) < len(table):
                raise InvalidInput("the key names several rows at once", where="key", remedy="Add a column to it.")
        return before, after
    before, after = _same_rows(left, right)
    rest_before = np.setdiff1d(np.arange(len(left)), before)
    rest_after = np.setdiff1d(np.arange(len(right)), after)
    pairs = min(len(rest_before), len(rest_after))
    return np.concatenate([before, rest_before[:pairs]]), np.concatenate([after, rest_after[:pairs]])


def _same_rows(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match equal rows, the first with the first; each is matched once."""
    if not left.shape[1]:
        pairs = np.arange(min(len(left), len(right)))
        return pairs, pairs
    both = pd.DataFrame(np.concatenate([left, right]))
    groups = both.groupby(list(both.columns), sort=False).ngroup().to_numpy()
    one = pd.DataFrame({"group": groups[: len(left)], "before": np.arange(len(left))})
    two = pd.DataFrame({"group": groups[len(left) :], "after": np.arange(len(right))})
    for side in (one, two):
        side["turn"] = side.groupby("group").cumcount()
    both = one.merge(two, on=["group", "turn"])
    return both["before"].to_numpy(), both["after"].to_numpy()


def _cells(
    old: pd.DataFrame,
    new: pd.DataFrame,
    shared: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    changed: np.ndarray,
) -> list[CellChange]:
    pairs, places = np.nonzero(changed)
    order = np.argsort(after[pairs], kind="stable")[:SHOWN]
    return [
        CellChange(
            int(after[pairs[at]]) + 1,
            shared[places[at]],
            shown(old[shared[places[at]]].iloc[before[pairs[at]]]),
            shown(new[shared[places[at]]].iloc[after[pairs[at]]]),
        )
        for at in order
    ]


def _counted(count: int, noun: str, what: str, names: Sequence[str] = ()) -> str:
    if not count:
        return ""
    listed = f" ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})" if names else ""
    return f"{count:,} {noun}{'' if count == 1 else 's'} {what}{listed}"
