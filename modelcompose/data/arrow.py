"""Read Parquet, Feather and Arrow files, column by column, without the hidden index that pandas may have written."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelcompose.data.cells import LIMIT, MISSING, check_names
from modelcompose.errors import InvalidData

__all__ = ["Arrow", "Parquet", "framed", "is_exact", "spelt"]

BYTES_PER_CELL = 8
DIGITS = 15


class Parquet:
    """A Parquet file whose columns hold plain values."""

    suffixes = (".parquet", ".pq")

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        try:
            with pq.ParquetFile(path) as file:
                check_size(file, path)
                check_names(file.schema_arrow.names, path.name)
                table = file.read()
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, "a Parquet file") from error
        return framed(table, path.name)


class Arrow:
    """A Feather file, or an Arrow file or stream."""

    suffixes = (".feather", ".arrow", ".ipc")

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        try:
            with pa.OSFile(str(path), "rb") as file:
                table = self._table(file, path)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, "a Feather or Arrow file") from error
        return framed(table, path.name)

    @staticmethod
    def _table(file: Any, path: Path) -> pa.Table:
        start = file.read(6)
        file.seek(0)
        if start == b"ARROW1":
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        elif start[:4] == b"FEA1":
            raise InvalidData(
                "The file is of the first version of Feather.", where=path.name, remedy="Write it again, or as Parquet."
            )
        else:
            reader = pa.ipc.open_stream(file)
            batches = iter(reader)
        check_names(reader.schema.names, path.name)
        kept, size = [], 0
        for batch in batches:
            size += batch.nbytes
            if size > 2 * LIMIT:
                raise too_large(path, f"more than {2 * LIMIT:,} bytes")
            kept.append(batch)
        return pa.Table.from_batches(kept, schema=reader.schema)


def damaged(path: Path, what: str) -> InvalidData:
    return InvalidData(
        f"The file is damaged, incomplete or not {what}.", where=path.name, remedy="Write or download it again."
    )


def too_large(path: Path, size: str) -> InvalidData:
    return InvalidData(
        f"The table has {size}, more than can be held here.",
        where=path.name,
        remedy="Keep the columns and rows that the question needs.",
    )


def check_size(file: Any, path: Path) -> None:
    """Refuse a file that would unpack to an unreasonable size, by what its footer declares."""
    footer = file.metadata
    declared = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    cells = footer.num_rows * max(footer.num_columns, 1)
    if max(declared, cells * BYTES_PER_CELL) > 2 * LIMIT:
        raise too_large(path, f"{footer.num_rows:,} rows and {footer.num_columns:,} columns")


def framed(table: pa.Table, name: str) -> pd.DataFrame:
    """Turn an Arrow table into a pandas one; ordered dictionaries are declared as ordered categories."""
    check_names(table.column_names, name)
    columns: dict[str, pd.Series[Any]] = {}
    notes: list[str] = []
    for column in table.column_names:
        columns[column], note = plain(table.column(column), column, name)
        notes += [f"Column “{column}” {note}"] * bool(note)
    frame = pd.DataFrame(columns)
    ordered = {field.name: levels_of(table.column(field.name)) for field in table.schema if is_ordered(field.type)}
    frame.attrs["notes"] = notes
    frame.attrs["variables"] = {column: {"levels": levels} for column, levels in ordered.items() if levels}
    frame.attrs["kinds"] = {column: "ordered" for column, levels in ordered.items() if len(levels) > 2}
    return frame


def is_ordered(kind: pa.DataType) -> bool:
    return pa.types.is_dictionary(kind) and bool(kind.ordered)


def levels_of(cells: pa.ChunkedArray) -> list[str]:
    """Return the levels of a dictionary in their order, written as the cells will be."""
    if not len(cells):
        return []
    return spelt(cells.combine_chunks().dictionary.to_pylist())


def spelt(levels: Iterable[object]) -> list[str]:
    """Write levels as the cells will be written: trimmed, and without those that mean “no value”."""
    texts = (str(level).strip() for level in levels if level is not None)
    return list(dict.fromkeys(text for text in texts if text not in MISSING))


def plain(cells: pa.ChunkedArray, name: str, file: str) -> tuple[pd.Series[Any], str]:
    """Turn an Arrow column into a pandas one, and say what was lost: whole numbers with gaps stay whole numbers."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_nested(kind) or is_bytes(kind):
        raise InvalidData(
            f"The column holds values of type {kind}, not one plain value a row.",
            where=f"{file}, column “{name}”",
            remedy="Spread nested values over columns of their own, and leave out binary ones.",
        )
    if (pa.types.is_integer(kind) and cells.null_count) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return pd.Series(cells.to_pylist(), dtype="object"), ""
    if pa.types.is_decimal(kind):
        return decimals(cells)
    if pa.types.is_time(kind):
        return pd.Series(pc.cast(cells, pa.time64("us"), safe=False).to_pylist(), dtype="object"), ""
    if pa.types.is_date(kind):
        cells = cells.cast(pa.timestamp("us"))
    note = "has times finer than a microsecond, which were cut." if is_finer(cells) else ""
    return pd.Series(cells.to_pandas()), note


def is_bytes(kind: pa.DataType) -> bool:
    names = ("binary", "large_binary", "fixed_size_binary", "binary_view")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


def is_finer(cells: pa.ChunkedArray) -> bool:
    """Tell whether times have a part below a microsecond."""
    if not pa.types.is_timestamp(cells.type) or cells.type.unit != "ns":
        return False
    moments = cells.drop_null().cast(pa.int64()).to_numpy()
    return bool((moments % 1000).any())


def decimals(cells: pa.ChunkedArray) -> tuple[pd.Series[Any], str]:
    """Hold decimals as numbers where that is exact, whole ones as whole numbers, and others as text."""
    if cells.type.scale <= 0:
        whole = [None if cell is None else int(cell) for cell in cells.to_pylist()]
        return pd.Series(whole, dtype="object"), ""
    if cells.type.precision > DIGITS and not all(map(is_exact, cells.drop_null().to_pylist())):
        texts = pd.Series(pc.cast(cells, pa.string()).to_pandas(), dtype="str")
        return texts, "has decimals with more digits than a number can hold, and is kept as text."
    return pd.Series(pc.cast(cells, pa.float64()).to_pandas(), dtype="float64"), ""


def is_exact(cell: Decimal) -> bool:
    """Tell whether a decimal is written the same as the floating-point number nearest to it."""
    return not cell.is_finite() or Decimal(repr(float(cell))) == cell
