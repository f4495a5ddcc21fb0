"""The digest of a table: one name for one content, whatever file it came from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["digest"]

FORM = b"modelcompose table 1\n"


def digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's content, in hexadecimal.

    It covers the names of the columns in their order, their types as `modelcompose.data.cells` lists them, every value
    and which are missing. It does not depend on the index, on how the frame is held in memory or on the file format.
    Zero has no sign, and one missing value is like another.

    Parameters
    ----------
    frame
        A typed table.

    Raises
    ------
    TypeError
        When a column has another type than those.
    """
    whole = hashlib.sha256(FORM)
    _add(whole, str(len(frame)).encode())
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        _add(whole, str(name).encode())
        _add(whole, str(column.dtype).encode())
        for part in _parts(column):
            _add(whole, part)
    return whole.hexdigest()


def _add(whole: _Hash, part: Any) -> None:
    """Add bytes behind their length, so that no two different sequences of parts look the same."""
    view = memoryview(part).cast("B")
    whole.update(view.nbytes.to_bytes(8, "little"))
    whole.update(view)


def _parts(column: pd.Series[Any]) -> list[Any]:
    """Return the buffers that hold the values of a column, and those that tell which are missing."""
    kind = str(column.dtype)
    if kind == "float64":
        values = column.to_numpy(dtype="float64", copy=True)
        missing = np.isnan(values)
        values[missing] = 0.0
        return [_little(values + 0.0), np.packbits(missing)]
    if kind == "boolean":
        missing = column.isna().to_numpy()
        return [np.packbits(column.fillna(False).to_numpy(dtype=bool)), np.packbits(missing)]
    if kind == "bool":
        return [np.packbits(column.to_numpy(dtype=bool))]
    if kind == "int64":
        return [_little(column.to_numpy(dtype="int64"))]
    if kind == "datetime64[us]":
        return [_little(column.to_numpy().astype("datetime64[us]").view("int64"))]
    if isinstance(column.dtype, pd.StringDtype):
        return _text(column)
    raise TypeError(f"column {column.name!r} has the type {column.dtype}, which no table holds")


def _little(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))


def _text(column: pd.Series[Any]) -> list[Any]:
    """Return lengths in bytes (-1 where missing) and the text itself, one after the other."""
    cells = pa.array(column, type=pa.large_string(), from_pandas=True)
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    missing = np.asarray(cells.is_null())
    filled = cells.fill_null("") if cells.null_count else cells
    _, offsets, content = filled.buffers()
    ends = np.frombuffer(offsets, dtype="int64")[filled.offset : filled.offset + len(filled) + 1]
    lengths = np.diff(ends)
    lengths[missing] = -1
    used = content[int(ends[0]) : int(ends[-1])] if content is not None and len(filled) else b""
    return [_little(lengths), used]
