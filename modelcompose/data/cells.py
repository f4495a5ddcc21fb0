"""What all readers share: which cells are missing, and how cells become typed columns.

Whatever the format, the same table ends as the same frame, with these column types and no others:

    bool                    true and false
    boolean                 the same, with missing values
    int64                   whole numbers
    float64                 other numbers, and whole numbers with missing values
    datetime64[us]          dates and times, without a time zone
    str                     everything else
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from modelcompose.errors import InvalidData

__all__ = ["EXACT", "LIMIT", "MISSING", "as_numbers", "check_names", "parse", "tidy"]

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", ".")
"""The cells that mean “no value”; no other text does."""

LIMIT = 500_000_000
"""Bytes of a table, unpacked, beyond which it is refused before it is read."""

EXACT = 2**53
"""Whole numbers beyond this are not exact as floating-point numbers."""

SOME = 1000
FIRST_DAY = np.datetime64("0001-01-01")
NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
COMMA_NUMBER = r"^[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?$"
PADDED = r"^[+-]?0\d"
LONG = r"^[+-]?\d{16,}$"
LONG_FRACTION = r"^[+-]?\d{16,}[.,]\d"
TELEPHONE = r"^\+\d{7,}$"
NOT_ZERO = r"^[+-]?[0.,]*[1-9]"
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
ISO_DATE = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z?)?$"


def check_names(names: Sequence[object], where: str) -> list[str]:
    """Return the column names without outer spaces; refuse blank and repeated ones."""
    clean = ["" if name is None else str(name).strip() for name in names]
    for position, name in enumerate(clean, start=1):
        if not name:
            raise InvalidData(
                f"Column {position} has no name.",
                where=where,
                remedy="Give every column a name in the first row, or delete the column if it only numbers the rows.",
            )
    repeated = sorted(name for name, times in Counter(clean).items() if times > 1)
    if repeated:
        places = [position for position, name in enumerate(clean, start=1) if name == repeated[0]]
        raise InvalidData(
            f"The column name “{repeated[0]}” occurs {len(places)} times (columns {listed(places)}).",
            where=where,
            remedy="Give every column a name of its own.",
        )
    return clean


def listed(items: Iterable[object]) -> str:
    """Join items as in a sentence: ``1, 2 and 3``."""
    words = [str(item) for item in items]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def parse(cells: pa.Array, *, decimal_comma: bool = False) -> tuple[pd.Series[Any], str]:
    """Type a column of text cells, as a file of delimited text has them.

    Parameters
    ----------
    cells
        Text, one cell a row.
    decimal_comma
        Whether ``1,5`` is a number.

    Returns
    -------
    tuple of pandas.Series and str
        The typed column, and what a user should know of it: ``"comma"``, ``"padded"``, ``"long"``, ``"telephone"`` or
        nothing.
    """
    if plainly_text(cells, decimal_comma=decimal_comma):
        return text(cells), ""
    original, cells = cells, blank(cells)
    present = cells.drop_null()
    if len(present) == 0:
        return text(original), ""
    if pc.all(pc.is_in(present, pa.array(list(TRUTH)))).as_py():
        true = pc.is_in(cells, pa.array([cell for cell, true in TRUTH.items() if true])).to_numpy(zero_copy_only=False)
        gaps = cells.is_null().to_numpy(zero_copy_only=False)
        return pd.Series(pd.arrays.BooleanArray(true, gaps) if cells.null_count else true), ""
    comma = decimal_comma and matches(present, COMMA_NUMBER) and any_matches(present, ",")
    if not comma and not matches(present, NUMBER):
        return text(original), ""
    if any_matches(present, PADDED):
        return text(original), "padded"
    if any_matches(present, LONG) or inexact(present):
        return text(original), "long"
    if matches(present, TELEPHONE):
        return text(original), "telephone"
    plain = pc.replace_substring(cells, ",", ".") if comma else cells
    plain = pc.replace_substring_regex(plain, r"^\+", "")
    numbers = pd.Series(pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False))
    vanished = (numbers == 0).any() and pc.any(
        pc.and_(pc.match_substring_regex(cells, NOT_ZERO), zero(numbers))
    ).as_py()
    if vanished or np.isinf(numbers).any():
        return text(original), ""
    return whole(numbers), "comma" if comma else ""


def plainly_text(cells: pa.Array, *, decimal_comma: bool) -> bool:
    """Tell whether the first cells show already that a column can hold neither numbers nor truth values."""
    some = blank(cells.slice(0, SOME)).drop_null()
    number = pc.match_substring_regex(some, NUMBER)
    if decimal_comma:
        number = pc.or_(number, pc.match_substring_regex(some, COMMA_NUMBER))
    return bool(pc.any(pc.invert(pc.or_(number, pc.is_in(some, pa.array(list(TRUTH)))))).as_py())


def zero(numbers: pd.Series[Any]) -> pa.Array:
    return pa.array((numbers == 0).to_numpy())


def inexact(cells: pa.Array) -> bool:
    """Tell whether a number has so many digits before its decimal sign that it cannot be held as it is."""
    found = cells.filter(pc.match_substring_regex(cells, LONG_FRACTION)).to_pylist()
    plain = [cell.replace(",", ".") for cell in found]
    return any(Decimal(cell) != Decimal(float(cell)) for cell in plain if np.isfinite(float(cell)))


def blank(cells: pa.Array) -> pa.Array:
    """Trim the cells and make the missing ones null; return them themselves where there is nothing to do."""
    trimmed = pc.utf8_trim_whitespace(cells)
    gaps = pc.is_in(trimmed, pa.array(MISSING))
    if pc.any(gaps).as_py():
        return pc.if_else(gaps, pa.scalar(None, trimmed.type), trimmed)
    return trimmed if pc.any(pc.not_equal(cells, trimmed)).as_py() else cells


def matches(cells: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


def any_matches(cells: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def text(cells: pa.Array) -> pd.Series[Any]:
    """Keep the cells as they stand; `tidy` trims them and says so."""
    return pd.Series(pd.array(cells.cast(pa.large_string()), dtype="str"))


def whole(numbers: pd.Series[Any]) -> pd.Series[Any]:
    """Hold numbers without fraction as integers where none is missing."""
    values = numbers.to_numpy()
    some = values[:SOME]
    if not len(some) or not (np.trunc(some) == some).all() or not -EXACT <= values.min() <= values.max() <= EXACT:
        return numbers
    exact = values.astype("int64")
    return pd.Series(exact, index=numbers.index) if (exact == values).all() else numbers


def as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as float64; a cell that is not a plain number, like a missing one, becomes NaN."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    found = [float(cell) if isinstance(cell, str) and re.match(NUMBER, cell, re.ASCII) else np.nan for cell in column]
    return pd.Series(found, index=column.index, dtype="float64")


def tidy(frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Give the columns of any reader's frame the types named above.

    Returns
    -------
    tuple of pandas.DataFrame and list of str
        The typed frame and notes for the user.

    Raises
    ------
    InvalidData
        When a name is blank or repeated, or a cell holds something else than one value.
    """
    names = check_names(list(frame.columns), where)
    notes = doubtful(names)
    columns: dict[str, pd.Series[Any]] = {}
    for position, name in enumerate(names):
        columns[name], note = typed(frame.iloc[:, position].reset_index(drop=True), f"{where}, column “{name}”")
        if note:
            notes.append(f"Column “{name}” {note}")
    return pd.DataFrame(columns, copy=False), notes


def doubtful(names: Sequence[str]) -> list[str]:
    """Say which names have signs that cannot be seen, and which a reader could take for one another."""
    notes = []
    for name in names:
        unseen = {} if name.isascii() else {sign: None for sign in name if unicodedata.category(sign) == "Cf"}
        if unseen:
            signs = listed(unicodedata.name(sign, f"U+{ord(sign):04X}") for sign in unseen)
            notes.append(f"The column name “{name}” has signs that cannot be seen: {signs}.")
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(outline(name), []).append(f"“{name}”")
    return notes + [f"The column names {listed(same)} look alike." for same in alike.values() if len(same) > 1]


def outline(name: str) -> str:
    """Reduce a name to what the eye sees of it: letters of one shape become one letter."""
    if name.isascii():
        return name.casefold()
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return seen.translate(SHAPES).casefold()


SHAPES = str.maketrans("АВЕКМНОРСТУХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοѵ", "ABEKMHOPCTYXaeopcyxijsABEZHIKMNOPTYXov")


def typed(column: pd.Series[Any], where: str) -> tuple[pd.Series[Any], str]:
    """Type one column; the note, if any, continues the words “Column … ”."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("boolean" if column.isna().any() else "bool"), ""
    if pd.api.types.is_complex_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        raise InvalidData(
            f"The column holds values of type {column.dtype}.", where=where, remedy="Write them as plain numbers."
        )
    if pd.api.types.is_numeric_dtype(column.dtype):
        return numeric(column)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return moments(column)
    return strings(column) if isinstance(column.dtype, pd.StringDtype) else objects(column, where)


def numeric(column: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    if pd.api.types.is_integer_dtype(column.dtype):
        if column.isna().any() or str(column.dtype).lower() == "uint64":
            return integers([None if cell is pd.NA else int(cell) for cell in column.astype("object")])
        return column.astype("int64"), ""
    return whole(column.astype("float64")), ""


def integers(cells: list[int | None]) -> tuple[pd.Series[Any], str]:
    present = [cell for cell in cells if cell is not None]
    if max(map(abs, present), default=0) > (EXACT if len(present) < len(cells) else 2**63 - 1):
        exact = [None if cell is None else str(cell) for cell in cells]
        return pd.Series(exact, dtype="str"), "has whole numbers too long to compute with, and is kept as text."
    return pd.Series(cells, dtype="float64" if len(present) < len(cells) else "int64"), ""


def moments(column: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    note = ""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        note = "had a time zone; its times are now in UTC."
    return column.astype("datetime64[us]"), note


def strings(column: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    """Type a column of text: trimmed, missing cells marked, ISO 8601 dates read."""
    cells = pa.array(column, type=pa.large_string(), from_pandas=True)
    clean = blank(cells)
    if clean is cells:
        note = ""
    else:
        trimmed = pc.sum(pc.not_equal(cells, clean)).as_py() or 0
        note = f"had spaces around {trimmed} of its values; they were removed." if trimmed else ""
    dates = iso_dates(clean)
    return (text(clean) if dates is None else dates), note


def iso_dates(cells: pa.Array) -> pd.Series[Any] | None:
    """Read ISO 8601 dates, if all cells are such dates: only that form has one meaning everywhere."""
    present = cells.drop_null()
    if len(present) == 0 or not matches(present.slice(0, SOME), ISO_DATE) or not matches(present, ISO_DATE):
        return None
    zones = pc.ends_with(present, "Z")
    if pc.any(zones).as_py() and not pc.all(zones).as_py():
        return None
    plain = pc.replace_substring_regex(cells, "Z$", "")
    try:
        days = pc.cast(plain, pa.timestamp("us")).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return None if np.nanmin(days) < FIRST_DAY else pd.Series(days)


def objects(column: pd.Series[Any], where: str) -> tuple[pd.Series[Any], str]:
    """Type a column of Python values."""
    cells: list[Any] = []
    for row, cell in enumerate(column, start=1):
        if isinstance(cell, str):
            cells.append(None if cell.strip() in MISSING else cell)
        elif isinstance(cell, list | dict | tuple | set | bytes | np.ndarray):
            raise InvalidData(
                f"Row {row} holds a {type(cell).__name__} instead of one value.",
                where=f"{where}, row {row}",
                remedy="Spread nested values over columns of their own.",
            )
        else:
            cells.append(None if pd.isna(cell) else cell)
    present = [cell for cell in cells if cell is not None]
    types = {type(cell) for cell in present}
    if types and types <= {bool, np.bool_}:
        return pd.Series(cells, dtype="boolean" if None in cells else "bool"), ""
    if types and types <= {int}:
        return integers(cells)
    if types and types <= {int, float, Decimal, np.float64, np.int64}:
        return whole(pd.Series([np.nan if cell is None else float(cell) for cell in cells], dtype="float64")), ""
    if types and types <= {dt.date, dt.datetime, pd.Timestamp}:
        return moments(pd.to_datetime(pd.Series(cells, dtype="object")))
    typed_text, note = strings(pd.Series([None if cell is None else str(cell) for cell in cells], dtype="str"))
    return typed_text, "mixes values of different types and is kept as text." if len(types) > 1 else note
