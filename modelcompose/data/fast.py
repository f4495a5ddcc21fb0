"""Read plain delimited text fast, and only where that gives what the careful reader would give.

The bytes are looked through once for whatever could be read in two ways. Where there is none, Arrow reads the columns
with the types that the first rows have. What it then finds to be another type, and numbers whose spelling matters, are
read as text and typed like everywhere else. Anything doubtful returns None, and the careful reader decides.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from modelcompose.data.cells import FIRST_DAY, MISSING, TRUTH, check_names, parse, whole
from modelcompose.errors import InvalidData

__all__ = ["Columns", "columns"]

Columns = Mapping[str, tuple["pd.Series[Any]", str]]
"""For each column its values, and what a user should know of how they were read: see `parse`."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Places = np.ndarray[Any, np.dtype[np.int64]]
Truths = np.ndarray[Any, np.dtype[np.bool_]]

WORTHWHILE = 1_000_000
CHUNK = 1 << 18
BLOCK = 1 << 20
BEFORE = 4
SAMPLE = 2_000
TRIES = 4
LONG = 1e15
NEWLINE, RETURN, QUOTE, ZERO, NINE, TAB, PLUS, MINUS, SPACE = (ord(sign) for sign in '\n\r"09\t+- ')
SMALL_E = ord("e")
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
    types, commas = _types(rows[1:], decimal_comma=decimal_comma)
    scan = Scan(delimiter)
    with ThreadPoolExecutor(1) as other:
        scanning = other.submit(scan.passes, path)
        table = _read(path, delimiter, types, decimal="," if commas else ".")
        passed = scanning.result()
    if table is None or not passed:
        return None
    found, again = _typed(table, path, scan.padded, decimal_comma=decimal_comma)
    del table
    if again:
        table = _read(path, delimiter, dict.fromkeys(types, pa.large_string()), again)
        if table is None:
            return None
        for alias in again:
            found[alias] = parse(table.column(alias).combine_chunks(), decimal_comma=decimal_comma)
    for alias in commas - set(again):
        if pa.types.is_floating(types[alias]):
            found[alias] = found[alias][0], "comma"
    return {name: found[alias] for name, alias in zip(names, types, strict=True)}


def _rows(start: str, delimiter: str) -> list[list[str]]:
    """Return header and first rows, all of one length, or nothing."""
    lines = io.StringIO(start[: start.rfind("\n") + 1], newline="")
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter), SAMPLE))
    except csv.Error:
        return []
    return rows if len(rows) > 1 and len({len(row) for row in rows}) == 1 else []


def _types(rows: list[list[str]], *, decimal_comma: bool) -> tuple[dict[str, pa.DataType], set[str]]:
    """Return the types that the first rows have, and which columns have decimal commas: then none can have points."""
    types: dict[str, pa.DataType] = {}
    commas: set[str] = set()
    for place, cells in enumerate(zip(*rows, strict=True)):
        types[f"{place}"], comma = _type(cells, decimal_comma=decimal_comma)
        commas |= {f"{place}"} if comma else set()
    if commas:
        pointed = [alias for alias, kind in types.items() if pa.types.is_floating(kind) and alias not in commas]
        types.update(dict.fromkeys(pointed, pa.large_string()))
    return types, commas


def _type(cells: Sequence[str], *, decimal_comma: bool) -> tuple[pa.DataType, bool]:
    column, remark = parse(pa.array(cells, type=pa.large_string()), decimal_comma=decimal_comma)
    if remark:
        return (pa.float64(), True) if remark == "comma" else (pa.large_string(), False)
    kind = str(column.dtype)
    if kind in ("int64", "float64"):
        fractions = any(set(".eE") & set(cell) for cell in cells if cell.strip() not in MISSING)
        return pa.float64() if fractions else pa.int64(), False
    if kind in ("bool", "boolean"):
        return pa.bool_(), False
    days = all(DAY.fullmatch(cell) or cell in MISSING for cell in cells)
    return pa.date32() if days and any(cell not in MISSING for cell in cells) else pa.large_string(), False


def _read(
    path: Path,
    delimiter: str,
    types: dict[str, pa.DataType],
    only: list[str] | None = None,
    *,
    decimal: str = ".",
) -> pa.Table | None:
    """Read with Arrow; a column that is not what its first rows are is read as text instead."""
    for attempt in range(1, TRIES + 1):
        try:
            return pv.read_csv(
                path,
                read_options=pv.ReadOptions(column_names=list(types), skip_rows=1, block_size=BLOCK),
                parse_options=pv.ParseOptions(delimiter=delimiter, newlines_in_values=False, ignore_empty_lines=True),
                convert_options=pv.ConvertOptions(
                    column_types=types,
                    include_columns=only,
                    decimal_point=decimal,
                    null_values=list(MISSING),
                    true_values=[cell for cell, true in TRUTH.items() if true],
                    false_values=[cell for cell, true in TRUTH.items() if not true],
                ),
            )
        except pa.ArrowInvalid as error:
            found = re.search(r"In CSV column #(\d+)", str(error))
            if not found or types[found[1]] == pa.large_string():
                return None
            types.update(dict.fromkeys(types if attempt == TRIES - 1 else [found[1]], pa.large_string()))
    return None


class Scan:
    """A look through the bytes of a file, a piece at a time, for what could be read in two ways.

    Each piece is preceded by the last bytes of the one before, and its own last byte is looked at with the next.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter = ord(delimiter)
        self.padded: set[int] = set()
        self._column = 0
        self._quotes = 0

    def passes(self, path: Path) -> bool:
        """Tell whether the file can be read in one way only; ``padded`` then has the columns with numbers like 007."""
        buffer = bytearray(b"\n" * BEFORE + bytes(CHUNK))
        with path.open("rb", buffering=0) as file:
            file.seek(3 if file.read(3) == codecs.BOM_UTF8 else 0)
            while count := file.readinto(memoryview(buffer)[BEFORE:]):
                if not self._passes(np.frombuffer(buffer, dtype="uint8", count=BEFORE + count)):
                    return False
                buffer[:BEFORE] = buffer[count : count + BEFORE]
        last = buffer[BEFORE - 1]
        return last != RETURN and (self._quotes + (last == QUOTE)) % 2 == 0

    def _passes(self, piece: Bytes) -> bool:
        ends = piece == NEWLINE
        if not _plain(piece, ends):
            return False
        newlines = np.flatnonzero(ends[BEFORE:]) + BEFORE
        quotes = np.flatnonzero(piece[BEFORE - 1 : -1] == QUOTE) + BEFORE - 1
        quoted = len(quotes) > 0 or self._quotes % 2 == 1
        if quoted and (self._inside(newlines, quotes).any() or not self._well_quoted(piece, quotes)):
            return False
        zeros = _zeros_first(piece, self.delimiter)
        tail = newlines[-1] if len(newlines) else BEFORE
        since = BEFORE if len(zeros) else tail
        separators = np.flatnonzero(piece[since:] == self.delimiter) + since
        separators = separators[~self._inside(separators, quotes)] if quoted else separators
        if len(zeros):
            starts = np.append(-self._column, np.searchsorted(separators, newlines))
            places = np.searchsorted(separators, zeros) - starts[np.searchsorted(newlines, zeros)]
            self.padded.update(places.tolist())
        self._column = int((separators >= tail).sum()) + (0 if len(newlines) else self._column)
        self._quotes += len(quotes)
        return True

    def _inside(self, places: Places, quotes: Places) -> Truths:
        """Tell which places are between an opening quotation mark and a closing one."""
        return np.asarray((np.searchsorted(quotes, places) + self._quotes) % 2 == 1)

    def _well_quoted(self, piece: Bytes, quotes: Places) -> bool:
        """Whether quotation marks stand only around whole values, or doubled inside these."""
        opens = (np.arange(len(quotes)) + self._quotes) % 2 == 0
        before, after = piece[quotes[opens] - 1], piece[quotes[~opens] + 1]
        return bool(
            ((before == self.delimiter) | (before == NEWLINE) | (before == QUOTE)).all()
            and ((after == self.delimiter) | (after == NEWLINE) | (after == RETURN) | (after == QUOTE)).all()
        )


def _plain(piece: Bytes, ends: Truths) -> bool:
    """Refuse control characters, lone carriage returns, and empty lines between rows."""
    if (ends[BEFORE - 1 : -1] & ends[BEFORE:]).any():
        return False
    low, lines = np.count_nonzero(piece < SPACE), np.count_nonzero(ends)
    if low == lines:
        return True
    returns = np.flatnonzero(piece == RETURN)
    if low != lines + len(returns) + np.count_nonzero(piece == TAB):
        return False
    inner = returns[(returns >= BEFORE - 1) & (returns < len(piece) - 1)]
    return bool(ends[inner + 1].all()) and not ends[inner - 1].any()


def _zeros_first(piece: Bytes, delimiter: int) -> Places:
    """Return where a value begins with a zero and another digit, with or without a sign."""
    before = piece[BEFORE - 2 : -2]
    begins = before < ZERO
    if delimiter >= ZERO:
        begins |= before == delimiter
    zeros = np.flatnonzero(begins & (piece[BEFORE - 1 : -1] == ZERO) & (piece[BEFORE:] >= ZERO)) + BEFORE - 1
    if not len(zeros):
        return zeros
    first = piece[zeros - 1]
    start = np.where((first == PLUS) | (first == MINUS), piece[zeros - 2], first)
    starts = (start == delimiter) | (start == NEWLINE) | (start == QUOTE) | (start == SPACE) | (start == TAB)
    return np.asarray(zeros[starts & (piece[zeros + 1] <= NINE)])


def _typed(
    table: pa.Table, path: Path, padded: set[int], *, decimal_comma: bool
) -> tuple[dict[str, tuple[pd.Series[Any], str]], list[str]]:
    """Turn Arrow columns into pandas ones, and name those that must be read again as text."""
    found: dict[str, tuple[pd.Series[Any], str]] = {}
    again: list[str] = []
    vanishing: bool | None = None
    for alias in table.column_names:
        column = table.column(alias)
        values = None if int(alias) in padded and pa.types.is_primitive(column.type) else _column(column, decimal_comma)
        if values is not None and pa.types.is_floating(column.type) and (values[0] == 0).any():
            vanishing = _may_vanish(path) if vanishing is None else vanishing
            values = None if vanishing else values
        if values is None:
            again.append(alias)
        else:
            found[alias] = values
    return found, again


def _may_vanish(path: Path) -> bool:
    """Tell whether a file has numbers that may be too small to hold: 1e-400."""
    with path.open("rb", buffering=0) as file:
        before = b""
        while chunk := file.read(CHUNK + 1000):
            text = before + chunk
            bytes_ = np.frombuffer(text, dtype="uint8")
            if (((bytes_[:-1] | SPACE) == SMALL_E) & (bytes_[1:] == MINUS)).any() or b"0" * 100 in text:
                return True
            before = text[-100:]
    return False


def _column(column: pa.ChunkedArray, decimal_comma: bool) -> tuple[pd.Series[Any], str] | None:
    """Turn an Arrow column into a pandas one; None when the spelling of its values matters."""
    kind, gaps = column.type, column.null_count
    if pa.types.is_large_string(kind):
        return parse(column.combine_chunks(), decimal_comma=decimal_comma)
    if pa.types.is_boolean(kind):
        values = pc.fill_null(column, False).to_numpy()
        return (
            pd.Series(pd.arrays.BooleanArray(values, column.is_null().to_numpy())) if gaps else pd.Series(values)
        ), ""
    if pa.types.is_date(kind):
        days = column.cast(pa.timestamp("us")).to_numpy()
        return None if len(days) > gaps and np.nanmin(days) < FIRST_DAY else (pd.Series(days), "")
    values = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f" and np.count_nonzero(np.isnan(values)) > gaps:
        return None
    if len(values) > gaps and not -LONG < np.nanmin(values) <= np.nanmax(values) < LONG:
        return None
    return whole(pd.Series(values, copy=False)), ""
