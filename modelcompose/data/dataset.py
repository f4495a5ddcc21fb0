"""A dataset: a table, the kind of each of its columns, and which rows a model can use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.analysis import Analysis, Variable
from modelcompose.data.cells import as_numbers, tidy
from modelcompose.data.contract import Contract, holds
from modelcompose.data.gaps import Gaps, completed, filled
from modelcompose.data.kinds import KINDS, Guess, as_dates, infer, ladder, misfit, shown
from modelcompose.data.readers import fetch, read
from modelcompose.data.recipe import Applied, Recipe
from modelcompose.data.recipe.values import without_codes
from modelcompose.data.relations import relations
from modelcompose.data.store import NAME, DatasetStore, Version, parse_reference
from modelcompose.errors import InvalidData

__all__ = ["Account", "Dataset", "load"]

SAMPLE = "sample:"
NUMBERS = frozenset(
    ("continuous", "positive", "amount", "duration", "proportion", "circular", "coordinate", "weight")
) | {"standard_error"}
IMPUTABLE = frozenset(("continuous", "positive", "amount", "duration", "proportion", "count"))
PREVIEW = 8
MOST_LEVELS = 50
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
        The SHA-256 of the file's bytes, or of a stored version's content.
    units, variables
        What else is declared of columns.
    raw_rows
        How many rows were read, before the recipe.
    applied
        What each step of the recipe did.
    version
        The stored version, if the table is one.
    """

    name: str
    frame: pd.DataFrame
    kinds: Mapping[str, Guess]
    notes: tuple[str, ...]
    sha256: str
    units: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    raw_rows: int = 0
    applied: tuple[Applied, ...] = ()
    version: Version | None = None

    def rows(self, analysis: Analysis) -> tuple[pd.DataFrame, Gaps]:
        """Return the rows that an analysis uses, typed by kind, and the gaps among them.

        Rows without a value of the outcome, a group or the exposure are always left out: they say nothing about the
        rest (von Hippel 2007, doi:10.1111/j.1467-9531.2007.00180.x). Gaps in predictors depend on
        ``analysis.missing``: ``drop`` leaves their rows out too; ``impute`` keeps the rows whose gaps are in numbers,
        which hold the column's mean until the model estimates them; ``multiple`` fills all gaps many times and
        returns the first of the completed tables.

        Raises
        ------
        InvalidData
            When no row is left, or a column holds what its kind cannot be.
        """
        if analysis.missing == "drop":
            return self.complete_rows(analysis.columns), Gaps()
        fillable = [name for name in analysis.predictors if self._can_fill(name, analysis.missing)]
        table = self.complete_rows([name for name in analysis.columns if name not in fillable], fillable)
        rows = {name: np.flatnonzero(table[name].isna()) for name in fillable if table[name].isna().any()}
        if analysis.missing == "impute" or not rows:
            return filled(table, list(rows)), Gaps(analysis.missing, rows)
        unbounded = [name for name in rows if self.kinds[name].kind == "continuous"]
        tables = completed(table, analysis.columns, list(rows), analysis.imputations, analysis.random_seed, unbounded)
        return tables[0], Gaps(analysis.missing, rows, tables)

    def _can_fill(self, name: str, how: str) -> bool:
        gaps = self.frame[name].isna() if name in self.frame else None
        if gaps is None or not gaps.any() or gaps.all():
            return False
        return how == "multiple" or self.kinds[name].kind in IMPUTABLE

    def account(self, analysis: Analysis) -> Account:
        """Count the rows that an analysis uses, and by column the gaps of those that it leaves out."""
        if analysis.missing == "drop":
            return self.missing(analysis.columns)
        fillable = {name for name in analysis.predictors if self._can_fill(name, analysis.missing)}
        return self.missing(name for name in analysis.columns if name not in fillable)

    def impossible(self, columns: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Count the values outside the bounds declared for a column, with a sentence on the first."""
        found = {}
        for name in self.known(columns):
            declared = self.declared(name).bounds
            if not declared:
                continue
            numbers = as_numbers(self.frame[name])
            low, high = (
                (-np.inf if declared[0] is None else declared[0]),
                (np.inf if declared[1] is None else declared[1]),
            )
            wrong = (numbers < low) | (numbers > high)
            if wrong.any():
                row = int(wrong.to_numpy().argmax())
                found[name] = (
                    int(wrong.sum()),
                    f"row {row + 1} holds {shown(numbers.iloc[row])}, and {name} lies {between(low, high)}",
                )
        return found

    def missing(self, columns: Iterable[str]) -> Account:
        """Count the rows without a missing value in any of these columns, and what the others miss."""
        chosen = self.known(columns)
        gaps = self.frame[chosen].isna()
        dropped = int(gaps.any(axis=1).sum())
        counts = {name: int(gaps[name].sum()) for name in chosen}
        ranked = sorted(counts.items(), key=lambda item: -item[1])
        total = len(self.frame)
        return Account(total, total - dropped, dropped, {name: missing for name, missing in ranked if missing})

    def complete_rows(self, columns: Iterable[str], others: Iterable[str] = ()) -> pd.DataFrame:
        """Return the rows without a missing value in any of these columns, all columns typed by their kind.

        Numbers come as float64, counts as int64, dates as datetime64. Categories come as *ordered* Categoricals, since
        the formula library takes alphabetical order from others: the first category is the reference level. It is
        the most frequent one; for two possibilities the one named like “control” or “no”, if there is one. Groups
        are Categoricals of text, sorted. Two possibilities written 0 and 1, or true and false, come as int64.
        Levels and a reference level that were declared go before these rules. What is in use beside, and may have
        gaps, stands in ``others``.

        Raises
        ------
        InvalidData
            When a column does not exist or holds what its kind cannot be (infinity), or no row is complete.
        """
        chosen = self.known(columns)
        for name in [*chosen, *self.known(others)]:
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
                name: typed(self.frame[name], found.kind, kept, self.declared(name)).reset_index(drop=True)
                for name, found in self.kinds.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return what the panel shows of the table, as JSON; every cell is text."""
        return {
            "data": self.name,
            "rows": len(self.frame),
            "rows_read": self.raw_rows or len(self.frame),
            "recipe": [one.as_json() for one in self.applied],
            "relations": [
                {"relation": one.relation, "columns": list(one.columns), "sentence": one.sentence}
                for one in relations(self.frame, self.kinds)
            ],
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
            "confidence": "sure" if found.declared else found.confidence,
            "ask": [] if found.declared else list(found.ask),
            "dtype": holds(column),
            "label": self.declared(name).label,
            "unit": self.units.get(name, ""),
            "bounds": self.declared(name).bounds,
            "plausible": self.declared(name).plausible,
            "levels": self._levels(name),
            "reference": self.declared(name).reference,
            "codes": self.declared(name).missing,
            "missing": int(column.isna().sum()),
            "distinct": int(column.nunique()),
            "examples": [short(cell) for cell in column.dropna().unique()[:EXAMPLES]],
        }

    def declared(self, name: str) -> Variable:
        """Return what is declared of a column beside its kind and unit."""
        return Variable.model_validate(self.variables.get(name, {}))

    def _levels(self, name: str) -> list[str] | None:
        """Return the levels of a category in their order; None for other columns, and for very many."""
        if self.kinds[name].kind not in ("binary", "category", "ordered"):
            return None
        column = self.frame[name]
        labels = as_labels(column)
        found = ordered(levels(column, labels, self.kinds[name].kind), self.declared(name), self.kinds[name].kind)
        return found if len(found) <= MOST_LEVELS else None

    def known(self, columns: Iterable[str]) -> list[str]:
        """Return the column names once each; refuse those the table does not have."""
        chosen = list(dict.fromkeys(columns))
        for name in chosen:
            if name not in self.frame.columns:
                raise unknown_column(name, self.frame, self.name)
        return chosen


def load(
    data: str,
    kinds: Mapping[str, str] | None = None,
    *,
    units: Mapping[str, str] | None = None,
    variables: Mapping[str, Mapping[str, Any]] | None = None,
    recipe: Sequence[Mapping[str, Any]] = (),
    root: Path | None = None,
    contract: bool = True,
    least: int = 2,
) -> Dataset:
    """Read a table, prepare it, and settle the kind of every column.

    Parameters
    ----------
    data
        A file, relative to ``root`` or absolute; an address or database (see `modelcompose.data.readers`); a stored
        dataset, ``name@version`` or its name alone for the current version; or ``sample:<name>``.
    kinds, units, variables
        What is declared of columns, as they are after the recipe; it wins over what a stored version says, and that
        over what is inferred.
    recipe
        Steps of preparation; see `modelcompose.data.recipe`.
    root
        Where relative paths begin; the current folder if not given.
    contract
        Whether a stored version must keep to the contract of its dataset.
    least
        How many rows the table must have; rows to be predicted may be one.

    Raises
    ------
    NotFound
        When there is no such file, dataset or sample.
    InvalidAnalysis
        When a step of the recipe is none.
    InvalidData
        When the table cannot be read or breaks its contract, a step cannot be applied, or a declared kind names no
        column, no kind, or does not fit its column.
    """
    if not data.strip():
        raise InvalidData("No table is chosen.", where="data", remedy='Name a file, or "sample:sleepstudy".')
    root = root or Path.cwd()
    found = _read(data, root, least)
    if contract and found.version:
        _require_contract(found, root)
    prepared = Recipe(recipe).replay(found.frame, lambda other: _read(other, root).frame)
    present = set(map(str, prepared.frame.columns))
    declared = {
        **{name: one for name, one in found.variables.items() if name in present},
        **{name: dict(one) for name, one in (variables or {}).items()},
    }
    frame = _without_codes(prepared.frame, declared, data)
    guesses = infer(frame)
    for name, kind in {
        **{name: kind for name, kind in found.kinds.items() if name in present},
        **(kinds or {}),
    }.items():
        guesses[name] = declare(frame, name, kind, data, guesses)
    return Dataset(
        name=data,
        frame=frame,
        kinds=guesses,
        notes=found.notes,
        sha256=found.sha256,
        units={**{name: unit for name, unit in found.units.items() if name in present}, **(units or {})},
        variables=declared,
        raw_rows=len(found.frame),
        applied=prepared.steps,
        version=found.version,
    )


@dataclass(frozen=True)
class _Found:
    """A table as it was read, with what its source declares."""

    frame: pd.DataFrame
    notes: tuple[str, ...]
    sha256: str
    kinds: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: Version | None = None


def _read(data: str, root: Path, least: int = 2) -> _Found:
    version = stored(data, root)
    if version:
        frame = DatasetStore.find(root).read(version)
        return _Found(frame, version.notes, version.sha256, version.kinds, version.units, version.variables, version)
    if data.startswith(SAMPLE):
        from modelcompose import samples

        source: str | Path = samples.path(data.removeprefix(SAMPLE))
    else:
        source = data
    with fetch(source, root) as fetched:
        frame, notes = read(fetched, least=least)
        return _Found(
            frame,
            notes,
            fetched.sha256,
            kinds=frame.attrs.get("kinds", {}),
            variables=frame.attrs.get("variables", {}),
        )


def _require_contract(found: _Found, root: Path) -> None:
    assert found.version is not None  # noqa: S101
    rules = DatasetStore.find(root).contract(found.version.name)
    if rules:
        Contract.of(rules[1]).require(found.frame, found.kinds, found.version.reference)


def stored(data: str, root: Path) -> Version | None:
    """Return the stored version that a text names, or None when it names something else.

    Raises
    ------
    NotFound
        When it has the form ``name@version``, and there is none.
    """
    reference = parse_reference(data)
    if reference is None and not NAME.fullmatch(data):
        return None
    if (root / data).exists():
        return None
    store = DatasetStore.find(root)
    if reference:
        return store.get(*reference)
    return store.get(data) if data in store.names() else None


def _without_codes(frame: pd.DataFrame, variables: Mapping[str, Mapping[str, Any]], data: str) -> pd.DataFrame:
    """Make the codes that were declared to stand for a missing value missing."""
    codes = {}
    for name, declared in variables.items():
        if name not in frame.columns:
            raise unknown_column(name, frame, data)
        if missing := Variable.model_validate(declared).missing:
            codes[name] = without_codes(frame[name], list(missing))
    return tidy(frame.assign(**codes), data)[0] if codes else frame


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


def between(low: float, high: float) -> str:
    if low == -np.inf:
        return f"at most at {shown(high)}"
    return f"at least at {shown(low)}" if high == np.inf else f"between {shown(low)} and {shown(high)}"


def typed(column: pd.Series[Any], kind: str, kept: pd.Series[Any], declared: Variable) -> pd.Series[Any]:
    """Type the kept cells of a column by its kind; the levels' order comes from the whole column."""
    cells = column[kept]
    if kind in NUMBERS:
        return as_numbers(cells)
    if kind == "count":
        numbers = as_numbers(cells)
        return numbers if numbers.isna().any() else numbers.astype("int64")
    if kind == "date":
        dates = as_dates(column.dropna())
        return cells if dates is None else dates.reindex(cells.index)
    if kind == "binary" and is_zero_one(column) and not (declared.levels or declared.reference):
        numbers = cells.astype("float64")
        return numbers if numbers.isna().any() else numbers.astype("int64")
    if kind in ("binary", "category", "ordered", "group"):
        labels = as_labels(column)
        used = set(labels[kept].dropna().unique())
        order = [level for level in ordered(levels(column, labels, kind), declared, kind) if level in used]
        return pd.Series(pd.Categorical(labels[kept], categories=order, ordered=True), index=cells.index)
    return cells


def ordered(found: list[str], declared: Variable, kind: str) -> list[str]:
    """Put the levels into the declared order, those not declared last, and the reference level first.

    The levels of an ordered category keep their order; its first is what the others are compared with.
    """
    first = [level for level in declared.levels if level in found]
    order = [*first, *(level for level in found if level not in first)]
    if declared.reference in order and kind != "ordered":
        order.remove(declared.reference)
        order.insert(0, declared.reference)
    return order


def as_labels(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write the cells of a column as levels."""
    is_text = isinstance(column.dtype, pd.StringDtype)
    return column if is_text else column.map(label, na_action="ignore").astype("str")


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
