"""Read plain delimited text fast, and only where that gives what the careful reader would give.

The bytes are looked through once for whatever could be read in two ways. Where there is none, Arrow reads the columns
with the types that the first rows have. What it then finds to be another type, and numbers whose spelling matters, are
read as text and typed like everywhere else. Anything doubtful returns None, and the careful reader decides.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pv

from modelcompose.data.cells import EXACT, MISSING, TRUTH, check_names, parse, whole
from modelcompose.errors import InvalidData

__all__ = ["Columns", "columns"]

Columns = Mapping[str, tuple["pd.Series[Any]", str]]
"""For each column its values, and what a user should know of how they were read: see `parse`."""

WORTHWHILE = 1_000_000
CHUNK = 1 << 18
SAMPLE = 2_000
LONG = 1e15
NEWLINE, RETURN, QUOTE, ZERO, TAB, PLUS, MINUS = (ord(sign) for sign in '\n\r"0\t+-')
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def columns(path: Path, delimiter: str, start: str, decimal_comma: bool) -> Columns | None:
    """Read the columns of a file in UTF-8, or return None where only the careful reader can.

    Parameters
    ----------
    path, delimiter
        The file, and what separates its values.
    start
        Its beginning, decoded.
    decimal_comma
        Whether ``1,5`` is a number.
    """
    if path.stat().st_size < WORTHWHILE:
        return None
    rows = _rows(start, delimiter)
    try:
        names = check_names(rows[0], path.name)
    except (InvalidData, IndexError):
        return None
    types = {f"{place}": _type([row[place] for row in rows[1:]]) for place in range(len(names))}
    with ThreadPoolExecutor(1) as other:
        scanning = other.submit(_plain, path, ord(delimiter))
        table = _read(path, delimiter, names, types)
        padded = scanning.result()
    if table is None or padded is None:
        return None
    return _typed(table, path, delimiter, names, decimal_comma=decimal_comma, padded=padded)


def _rows(start: str, delimiter: str) -> list[list[str]]:
    """Return header and first rows, all of one length, or nothing."""
    lines = io.StringIO(start[: start.rfind("\n") + 1], newline="")
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter), SAMPLE))
    except csv.Error:
        return []
    return rows if len(rows) > 1 and len({len(row) for row in rows}) == 1 else []


def _type(cells: list[str]) -> pa.DataType:
    column, remark = parse(pa.array(cells, type=pa.large_string()))
    if remark:
        return pa.large_string()
    kind = str(column.dtype)
    if kind in ("int64", "float64"):
        fractions = any(set(".eE") & set(cell) for cell in cells if cell.strip() not in MISSING)
        return pa.float64() if fractions else pa.int64()
    if kind in ("bool", "boolean"):
        return pa.bool_()
    days = all(DAY.fullmatch(cell) or cell in MISSING for cell in cells)
    return pa.date32() if days and any(cell not in MISSING for cell in cells) else pa.large_string()


def _read(
    path: Path, delimiter: str, names: list[str], types: dict[str, pa.DataType], only: list[str] | None = None
) -> pa.Table | None:
    """Read with Arrow; a column that is not what its first rows are is read as text instead."""
    aliases = [str(place) for place in range(len(names))]
    for _ in range(len(names) + 1):
        try:
            return pv.read_csv(
                path,
                read_options=pv.ReadOptions(column_names=aliases, skip_rows=1, block_size=1 << 22),
                parse_options=pv.ParseOptions(delimiter=delimiter, newlines_in_values=False, ignore_empty_lines=True),
                convert_options=pv.ConvertOptions(
                    column_types=types,
                    include_columns=only,
                    null_values=list(MISSING),
                    true_values=[cell for cell, true in TRUTH.items() if true],
                    false_values=[cell for cell, true in TRUTH.items() if not true],
                ),
            )
        except pa.ArrowInvalid as error:
            found = re.search(r"In CSV column #(\d+)", str(error))
            if not found or types[found[1]] == pa.large_string():
                return None
            types[found[1]] = pa.large_string()
    return None


def _plain(path: Path, delimiter: int) -> bool | None:
    """Look through the bytes: None where they could be read in two ways, else whether a number may be padded."""
    padded = False
    with path.open("rb", buffering=0) as file:
        before = b"\n\n"
        while chunk := file.read(CHUNK):
            bytes_ = np.frombuffer(before + chunk, dtype="uint8")
            if not _unequivocal(bytes_, delimiter):
                return None
            padded = padded or _padded(bytes_, delimiter)
            before = chunk[-2:] if len(chunk) > 1 else (before + chunk)[-2:]
    return padded


def _unequivocal(bytes_: np.ndarray[Any, np.dtype[np.uint8]], delimiter: int) -> bool:
    """Refuse quotation marks, control characters, lone carriage returns and empty lines between rows."""
    if (bytes_ == QUOTE).any():
        return False
    ends = bytes_ == NEWLINE
    low = np.count_nonzero(bytes_ < 32)
    returns = np.count_nonzero(bytes_ == RETURN)
    tabs = np.count_nonzero(bytes_ == TAB) if low != np.count_nonzero(ends) else 0
    if low != np.count_nonzero(ends) + returns + tabs:
        return False
    if returns:
        at = np.flatnonzero(bytes_[:-1] == RETURN)
        if not ends[at + 1].all():
            return False
        empty = ends[at[at > 0] - 1]
        return not empty.any() and not (ends[3:] & ends[2:-1]).any()
    return not (ends[3:] & ends[2:-1]).any()


def _padded(bytes_: np.ndarray[Any, np.dtype[np.uint8]], delimiter: int) -> bool:
    """Tell whether a value begins with a zero and another digit, with or without a sign."""
    at = np.flatnonzero(bytes_[1:-1] == ZERO) + 1
    digits = (bytes_[at + 1] - ZERO) < 10
    at = at[digits]
    if not len(at):
        return False
    first = bytes_[at - 1]
    signed = (first == PLUS) | (first == MINUS)
    begins = np.where(signed, bytes_[np.maximum(at - 2, 0)], first)
    return bool(((begins == delimiter) | (begins == NEWLINE)).any())


def _typed(
    table: pa.Table, path: Path, delimiter: str, names: list[str], *, decimal_comma: bool, padded: bool
) -> Columns | None:
    """Turn Arrow columns into pandas ones, one after the other, and read again as text what is doubtful."""
    cells = {alias: table.column(alias) for alias in table.column_names}
    del table
    found: dict[str, tuple[pd.Series[Any], str] | None] = {}
    for alias in list(cells):
        column = cells.pop(alias)
        found[alias] = _column(column, decimal_comma=decimal_comma, padded=padded)
    again = [alias for alias, column in found.items() if column is None]
    if again:
        text = _read(path, delimiter, names, dict.fromkeys(map(str, range(len(names))), pa.large_string()), again)
        if text is None:
            return None
        for alias in again:
            found[alias] = parse(text.column(alias).combine_chunks(), decimal_comma=decimal_comma)
    return {name: column for name, column in zip(names, found.values(), strict=True) if column is not None}


def _column(column: pa.ChunkedArray, *, decimal_comma: bool, padded: bool) -> tuple[pd.Series[Any], str] | None:
    if pa.types.is_large_string(column.type):
        return parse(column.combine_chunks(), decimal_comma=decimal_comma)
    if pa.types.is_date(column.type):
        return pd.Series(column.cast(pa.timestamp("us")).to_numpy()).astype("datetime64[us]"), ""
    if pa.types.is_boolean(column.type):
        truth = pd.Series(column.to_pylist(), dtype="boolean")
        return (truth if column.null_count else truth.astype("bool")), ""
    if padded:
        return None
    values = column.to_numpy(zero_copy_only=False)
    gaps = column.null_count
    if values.dtype.kind == "f":
        size = np.abs(values)
        if not np.isfinite(size).all() and (np.isinf(size).any() or np.count_nonzero(np.isnan(size)) > gaps):
            return None
        if len(size) > gaps and np.nanmax(size) >= min(LONG, EXACT):
            return None
        return whole(pd.Series(values)), ""
    if len(values) and max(abs(int(values.min())), abs(int(values.max()))) >= LONG:
        return None
    return pd.Series(values), ""
