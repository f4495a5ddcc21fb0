"""Read Parquet, Feather and Arrow files, column by column, without the hidden index that pandas may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelcompose.data.cells import LIMIT, check_names
from modelcompose.errors import InvalidData

__all__ = ["Arrow", "Parquet", "framed"]

BYTES_PER_CELL = 8


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
    frame = pd.DataFrame({column: plain(table.column(column), column, name) for column in table.column_names})
    ordered = {
        field.name: [str(level) for level in table.column(field.name).combine_chunks().dictionary.to_pylist()]
        for field in table.schema
        if pa.types.is_dictionary(field.type) and field.type.ordered and len(table)
    }
    frame.attrs["variables"] = {column: {"levels": levels} for column, levels in ordered.items()}
    frame.attrs["kinds"] = {column: "ordered" for column, levels in ordered.items() if len(levels) > 2}
    return frame


def plain(cells: pa.ChunkedArray, name: str, file: str) -> pd.Series[Any]:
    """Turn an Arrow column into a pandas one without loss: whole numbers with gaps stay whole numbers."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise InvalidData(
            f"The column holds values of type {kind}, not one plain value a row.",
            where=f"{file}, column “{name}”",
            remedy="Spread nested values over columns of their own, and leave out binary ones.",
        )
    if pa.types.is_integer(kind) and cells.null_count:
        return pd.Series(cells.to_pylist(), dtype="object")
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return pd.Series(cells.to_pylist(), dtype="object")
    if pa.types.is_decimal(kind):
        return pd.Series(pc.cast(cells, pa.float64()).to_pandas(), dtype="float64")
    if pa.types.is_date(kind):
        cells = cells.cast(pa.timestamp("us"))
    if pa.types.is_time(kind):
        cells = cells.cast(pa.string())
    return pd.Series(cells.to_pandas())
