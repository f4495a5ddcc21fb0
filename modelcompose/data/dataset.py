"""A dataset: a table, the kind of each of its columns, and which rows a model can use."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.data.cells import as_numbers
from modelcompose.data.kinds import KINDS, Guess, as_dates, infer, ladder, misfit, shown
from modelcompose.data.readers import read
from modelcompose.errors import InvalidData

__all__ = ["Account", "Dataset", "load"]

SAMPLE = "sample:"
PREVIEW = 8
EXAMPLES = 3
LONGEST = 200
REFERENCES = (
    *("control", "placebo", "no", "false", "before", "pre", "baseline", "untreated", "reference", "standard"),
    *("none", "absent", "negative", "off", "0", "n", "never", "low"),
)


@dataclass(frozen=True)
class Account:
    """Which rows are used, and why the others are not; ``used + dropped == total`` always."""

    total: int
    used: int
    dropped: int
    by_column: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """The account in one sentence."""
        if not self.dropped:
            return f"All {self.total} rows used; none has a missing value."
        columns = ", ".join(f"{name} {missing}" for name, missing in self.by_column.items())
        return f"{self.used} of {self.total} rows used; {self.dropped} left out because of missing values ({columns})."


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table as it was read, and what kind each column is; nothing here changes it.

    Parameters
    ----------
    name
        What the user called it: a path or ``sample:<name>``.
    frame
        The table, typed as `modelcompose.data.cells` says.
    kinds
        The kind of each column, with its reason and whether the user declared it.
    notes
        What the user should know of how the file was read.
    sha256
        The SHA-256 of the file's bytes.
    """

    name: str
    frame: pd.DataFrame
    kinds: Mapping[str, Guess]
    notes: tuple[str, ...]
    sha256: str

    def missing(self, columns: Iterable[str]) -> Account:
        """Count the rows without a missing value in any of these columns, and what the others miss."""
        chosen = self.known(columns)
        gaps = self.frame[chosen].isna()
        dropped = int(gaps.any(axis=1).sum())
        counts = {name: int(gaps[name].sum()) for name in chosen}
        ranked = sorted(counts.items(), key=lambda item: -item[1])
        total = len(self.frame)
        return Account(total, total - dropped, dropped, {name: missing for name, missing in ranked if missing})

    def complete_rows(self, columns: Iterable[str]) -> pd.DataFrame:
        """Return the rows without a missing value in any of these columns, all columns typed by their kind.

        Numbers come as float64, counts as int64, dates as datetime64. Categories come as *ordered* Categoricals, since
        the formula library takes alphabetical order from others: the first category is the reference level. It is
        the most frequent one; for two possibilities the one named like “control” or “no”, if there is one. Groups
        are Categoricals of text, sorted. Two possibilities written 0 and 1, or true and false, come as int64.

        Raises
        ------
        InvalidData
            When a column does not exist or holds what its kind cannot be (infinity), or no row is complete.
        """
        chosen = self.known(columns)
        for name in chosen:
            where = f"{self.name}, column “{name}”"
            check_fit(self.frame[name], self.kinds[name].kind, where, "leave the column out")
        kept = self.frame[chosen].notna().all(axis=1)
        if not kept.any():
            account = self.missing(chosen)
            worst = next(iter(account.by_column), "")
            raise InvalidData(
                f"No row has a value in every chosen column: {account.sentence}",
                where=f"{self.name}, column “{worst}”" if worst else self.name,
                remedy="Leave out the column with the most missing values, or choose others.",
            )
        return pd.DataFrame(
            {
                name: typed(self.frame[name], found.kind, kept).reset_index(drop=True)
                for name, found in self.kinds.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return what the panel shows of the table, as JSON; every cell is text."""
        return {
            "data": self.name,
            "rows": len(self.frame),
            "sha256": self.sha256,
            "notes": list(self.notes),
            "columns": [self.describe_column(name) for name in self.frame.columns],
            "preview": [[short(cell) for cell in row] for row in cells_of(self.frame.head(PREVIEW))],
        }

    def describe_column(self, name: str) -> dict[str, Any]:
        column = self.frame[name]
        found = self.kinds[name]
        return {
            "name": name,
            "kind": found.kind,
            "reason": found.reason,
            "declared": found.declared,
            "missing": int(column.isna().sum()),
            "distinct": int(column.nunique()),
            "examples": [short(cell) for cell in column.dropna().unique()[:EXAMPLES]],
        }

    def known(self, columns: Iterable[str]) -> list[str]:
        """Return the column names once each; refuse those the table does not have."""
        chosen = list(dict.fromkeys(columns))
        for name in chosen:
            if name not in self.frame.columns:
                raise unknown_column(name, self.frame, self.name)
        return chosen


def load(data: str, kinds: Mapping[str, str] | None = None, root: Path | None = None) -> Dataset:
    """Read a table and settle the kind of every column.

    Parameters
    ----------
    data
        A file, relative to ``root`` or absolute, or ``sample:<name>``.
    kinds
        Declared kinds of columns; they win over inferred ones.
    root
        Where relative paths begin; the current folder if not given.

    Raises
    ------
    NotFound
        When there is no such file or sample.
    InvalidData
        When the file cannot be read, or a declared kind names no column, no kind, or does not fit its column.
    """
    if not data.strip():
        raise InvalidData("No table is chosen.", where="data", remedy='Name a file, or "sample:sleepstudy".')
    path = locate(data, root)
    frame, notes = read(path)
    guesses = infer(frame)
    for name, kind in (kinds or {}).items():
        guesses[name] = declare(frame, name, kind, data, guesses)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Dataset(name=data, frame=frame, kinds=guesses, notes=notes, sha256=digest)


def locate(data: str, root: Path | None) -> Path:
    if data.startswith(SAMPLE):
        from modelcompose import samples

        return samples.path(data.removeprefix(SAMPLE))
    if "://" in data:
        raise InvalidData(
            f"“{data}” is an address, not a file.", where="data", remedy="Download it into the workspace first."
        )
    return (root or Path.cwd()) / data


def declare(frame: pd.DataFrame, name: str, kind: str, data: str, guesses: Mapping[str, Guess]) -> Guess:
    """Check that a column can be what the user says it is."""
    if name not in frame.columns:
        raise unknown_column(name, frame, data)
    where = f"{data}, column “{name}”"
    if kind not in KINDS:
        raise InvalidData(
            f"There is no kind of variable named “{kind}”.{close(kind, KINDS)}",
            where=where,
            remedy=f"Choose one of: {', '.join(KINDS)}.",
        )
    check_fit(frame[name], kind, where, f"declare another kind; it looks like “{guesses[name].kind}”")
    return Guess(kind, f"You declared it. {guesses[name].reason}", declared=True)


def check_fit(column: pd.Series[Any], kind: str, where: str, otherwise: str) -> None:
    """Refuse a column that cannot be of a kind, naming the first offending value and its row."""
    if found := misfit(column, kind):
        row, why = found
        subject = why if row else f"The column {why}"
        raise InvalidData(
            f"{subject}, so the column cannot be of the kind “{kind}” ({KINDS[kind][0].lower()}).",
            where=f"{where}, row {row}" if row else where,
            remedy=f"Correct the value, or {otherwise}.",
        )


def unknown_column(name: str, frame: pd.DataFrame, data: str) -> InvalidData:
    columns = [str(column) for column in frame.columns]
    return InvalidData(
        f"The table has no column “{name}”.{close(name, columns)}",
        where=data,
        remedy=f"Choose one of its columns: {', '.join(columns)}.",
    )


def close(word: str, known: Iterable[str]) -> str:
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=3)
    return f" Did you mean {' or '.join(f'“{by_lower[match]}”' for match in found)}?" if found else ""


def typed(column: pd.Series[Any], kind: str, kept: pd.Series[Any]) -> pd.Series[Any]:
    """Type the kept cells of a column by its kind; the levels' order comes from the whole column."""
    cells = column[kept]
    if kind in ("continuous", "positive", "proportion"):
        return as_numbers(cells)
    if kind == "count":
        numbers = as_numbers(cells)
        return numbers if numbers.isna().any() else numbers.astype("int64")
    if kind == "date":
        dates = as_dates(column.dropna())
        return cells if dates is None else dates.reindex(cells.index)
    if kind == "binary" and is_zero_one(column):
        numbers = cells.astype("float64")
        return numbers if numbers.isna().any() else numbers.astype("int64")
    if kind in ("binary", "category", "ordered", "group"):
        is_text = isinstance(column.dtype, pd.StringDtype)
        labels = column if is_text else column.map(label, na_action="ignore").astype("str")
        used = set(labels[kept].dropna().unique())
        order = [level for level in levels(column, labels, kind) if level in used]
        return pd.Series(pd.Categorical(labels[kept], categories=order, ordered=True), index=cells.index)
    return cells


def label(cell: object) -> str:
    """Write one cell as a level: like `shown`, but two different numbers never look the same."""
    if isinstance(cell, float | np.floating):
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return shown(cell)


def is_zero_one(column: pd.Series[Any]) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return True
    return pd.api.types.is_numeric_dtype(column) and set(column.dropna().unique()) <= {0, 1}


def levels(column: pd.Series[Any], labels: pd.Series[Any], kind: str) -> list[str]:
    """Order the levels of a column; the first is the reference."""
    counts = labels.value_counts()
    alphabetical = sorted(counts.index)
    if kind == "group":
        return alphabetical
    if kind == "ordered":
        if not isinstance(column.dtype, pd.StringDtype):
            return [label(level) for level in np.sort(column.dropna().unique())]
        if as_numbers(column.dropna()).notna().all():
            return sorted(alphabetical, key=float)
        return ladder(alphabetical) or alphabetical
    if kind == "binary":
        named = [level for level in alphabetical if level.strip().lower() in REFERENCES]
        if len(named) == 1:
            return [*named, *(level for level in alphabetical if level != named[0])]
    return sorted(alphabetical, key=lambda level: -counts[level])


def cells_of(frame: pd.DataFrame) -> Sequence[Sequence[object]]:
    return list(zip(*(frame[name].tolist() for name in frame.columns), strict=True))


def short(cell: object) -> str:
    written = shown(cell)
    return written if len(written) <= LONGEST else f"{written[: LONGEST - 1]}…"
