"""Whether a column can be what it is declared to be: exact, on every row, with the first offending one named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from modelcompose.data.cells import NUMBER, as_numbers
from modelcompose.data.facts import Array, Facts, shown

__all__ = ["as_dates", "first_row", "looks_numeric", "misfit", "numbers_of", "suspects"]

DATE_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y%m%dT%H%M%S")
MIRRORED = tuple(
    (f"%d{mark}%m{mark}%Y{time}", f"%m{mark}%d{mark}%Y{time}")
    for mark in "/-"
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
TRIED = 100
CODES = frozenset((-9, -99, -999, -9999, -8, -88, -7, -77, -1, 99, 999, 9999, 99999, 88, 77))
UNCERTAIN_CODE = -1
WORDS = ("unknown", "n/a", "na", "none", "missing", "-", "--", "?", "not available", "no answer", "refused", "null")
SPELLINGS = pa.array(sorted({way(word) for word in WORDS for way in (str, str.upper, str.capitalize, str.title)}))


def as_dates(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return a column as dates, or None when a cell is none or day and month could be exchanged."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    if not isinstance(column.dtype, pd.StringDtype) or not column.notna().any():
        return None
    if not re.search(r"\d[./T-]\d", str(column.iloc[int(column.notna().to_numpy().argmax())])):
        return None
    codes, levels = pd.factorize(column)
    dates = dated(pd.Series(levels, dtype="str"))
    return None if dates is None else spread(dates, codes, column)


def dated(levels: pd.Series[Any]) -> pd.Series[Any] | None:
    """Read different texts as dates, all in the same way."""
    for form in DATE_FORMATS:
        if (dates := strict_dates(levels, form)) is not None:
            return dates
    for forms in MIRRORED:
        readings = [dates for form in forms if (dates := strict_dates(levels, form)) is not None]
        if len(readings) == 1 or (len(readings) == 2 and readings[0].equals(readings[1])):
            return readings[0]
    return None


def strict_dates(levels: pd.Series[Any], form: str) -> pd.Series[Any] | None:
    for some in (levels.head(TRIED), levels):
        dates = pd.to_datetime(some, format=form, errors="coerce")
        if dates.isna().any():
            return None
    return dates.astype("datetime64[us]")


def numbers_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as float64, with NaN for what is missing or no plain number."""
    if not isinstance(column.dtype, pd.StringDtype):
        return as_numbers(column)
    cells = pa.array(column, type=pa.large_string(), from_pandas=True)
    plain = pc.replace_substring_regex(pc.if_else(looks_numeric(cells), cells, None), r"^\+", "")
    return pd.Series(pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False), index=column.index)


def looks_numeric(cells: Any) -> Any:
    """Mark the texts of an Arrow array that are plain numbers."""
    return pc.match_substring_regex(cells, NUMBER)


def spread(values: pd.Series[Any], codes: Array, column: pd.Series[Any]) -> pd.Series[Any]:
    """Give every row the value of its level; the code -1 is a missing cell."""
    return values.reindex(codes).set_axis(column.index)


def misfit(column: pd.Series[Any], kind: str) -> tuple[int | None, str] | None:
    """Say why a column cannot be of a kind.

    Returns
    -------
    tuple or None
        The first offending row, counted from 1 (None if it is no single row), and what is wrong with it; None if
        the column fits.
    """
    if kind in NUMERIC_NEEDS:
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_bool_dtype(column):
            return first_row(column, column.notna().to_numpy(), "is not a number") if column.notna().any() else None
        numbers = numbers_of(column).to_numpy()
        present = column.notna().to_numpy()
        wrong = present & ~np.isfinite(numbers)
        if wrong.any():
            return first_row(column, wrong, "is not a number")
        needed, allowed = NUMERIC_NEEDS[kind]
        wrong = present & ~allowed(numbers)
        return first_row(column, wrong, f"is not {needed}") if wrong.any() else None
    if kind in ("binary", "constant"):
        return too_many(Facts("", column), kind)
    if kind == "date" and column.notna().any() and as_dates(column) is None:
        return first_row(column, (column.notna() & undated(column)).to_numpy(), "is not a date with one meaning")
    return None


def too_many(facts: Facts, kind: str) -> tuple[None, str] | None:
    """Count different values; two is what “yes or no” needs, and one at most what a constant does."""
    if kind == "constant":
        return None if facts.u <= 1 else (None, f"has {facts.u} different values, not one")
    if facts.u == 2:
        return None
    examples = ", ".join(f"“{shown(level)}”" for level in facts.levels[:4])
    return None, f"has {facts.u} different values ({examples or 'none'}), not two"


NUMERIC_NEEDS: Mapping[str, tuple[str, Callable[[Array], Array]]] = {
    "continuous": ("a number", lambda numbers: numbers == numbers),
    "positive": ("above zero", lambda numbers: numbers > 0),
    "amount": ("zero or more", lambda numbers: numbers >= 0),
    "duration": ("zero or more", lambda numbers: numbers >= 0),
    "circular": ("between -180 and 360", lambda numbers: (numbers >= -180) & (numbers <= 360)),
    "coordinate": ("between -180 and 180", lambda numbers: np.abs(numbers) <= 180),
    "weight": ("zero or more", lambda numbers: numbers >= 0),
    "standard_error": ("above zero", lambda numbers: numbers > 0),
    "count": ("a whole number from zero up", lambda numbers: (numbers >= 0) & (numbers == np.rint(numbers))),
    "proportion": ("between 0 and 1", lambda numbers: (numbers >= 0) & (numbers <= 1)),
}


def undated(column: pd.Series[Any]) -> pd.Series[Any]:
    """Mark the cells that are no date in the way most of the others are; all, when there is no such way."""
    if not isinstance(column.dtype, pd.StringDtype):
        return column.notna()
    forms = [*DATE_FORMATS, *(form for pair in MIRRORED for form in pair)]
    marks = [pd.to_datetime(column, format=form, errors="coerce").isna() for form in ("ISO8601", *forms)]
    best = min(marks, key=lambda mark: int((mark & column.notna()).sum()))
    return best if bool((best & column.notna()).any()) else column.notna()


def first_row(column: pd.Series[Any], wrong: Array, what: str) -> tuple[int, str]:
    row = int(np.argmax(wrong))
    return row + 1, f"“{shown(column.iloc[row])}” {what}"


def suspects(column: pd.Series[Any], kind: str = "") -> list[tuple[str, int, str]]:
    """Find values that may be codes for a missing value.

    Only codes in common use count, and of numbers only those that lie apart: below everything else where nothing else
    is negative, or further above the rest than these spread. The code -1 counts only in whole numbers, and in kinds
    that are never negative; a code below 999 above the rest only when it occurs more than once.

    Returns
    -------
    list of tuple
        The value as text, how often it occurs, and why it is suspected.
    """
    facts = Facts("", column)
    if facts.is_truth or facts.is_date or not facts.n or kind in UNSUSPECTED:
        return []
    if facts.is_text:
        cells = pa.array(facts.present, type=pa.large_string(), from_pandas=True)
        said = pc.value_counts(cells.filter(pc.is_in(cells, SPELLINGS))).to_pylist()
        return [(one["values"], one["counts"], "this word often stands for a missing value") for one in said]
    numbers, found = facts.numbers, []
    below = np.unique(numbers[numbers < 0]) if facts.lo < 0 <= facts.hi else np.empty(0)
    if len(below) and set(below) <= CODES:
        found += [code for code in below if code != UNCERTAIN_CODE or facts.whole or kind in NEVER_NEGATIVE]
        numbers = numbers[numbers >= 0]
    above = []
    while len(numbers) and numbers.max() in CODES:
        above.append(float(numbers.max()))
        numbers = numbers[numbers < above[-1]]
    if len(numbers) < 3 or not (found or above):
        return []
    low, high = float(numbers.min()), float(numbers.max())
    why = f"all others lie between {shown(low)} and {shown(high)}"
    counts = {code: int((facts.numbers == code).sum()) for code in [*found, *above]}
    apart = [code for code in above if code > 2 * high - low and (counts[code] > 1 or code >= 999)]
    return [(shown(float(code)), counts[code], why) for code in [*found, *sorted(apart)]]


UNSUSPECTED = frozenset(("id", "constant", "coordinate", "circular"))
NEVER_NEGATIVE = frozenset(("positive", "amount", "duration", "count", "proportion", "ordered", "weight"))
