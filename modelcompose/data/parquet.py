"""Read Parquet, column by column, without the hidden index that pandas may have written into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelcompose.data.cells import LIMIT, check_names
from modelcompose.errors import InvalidData

__all__ = ["Parquet"]

BYTES_PER_CELL = 8


class Parquet:
    """A Parquet file whose columns hold plain values."""

    suffixes = (".parquet", ".pq")

    def read(self, path: Path) -> pd.DataFrame:
        try:
            with pq.ParquetFile(path) as file:
                check_size(file, path)
                check_names(file.schema_arrow.names, path.name)
                table = file.read()
        except pa.ArrowException as error:
            raise InvalidData(
                "The file is damaged, incomplete or not a Parquet file.",
                where=path.name,
                remedy="Write or download it again.",
            ) from error
        return pd.DataFrame({name: plain(table.column(name), name, path) for name in table.column_names})


def check_size(file: Any, path: Path) -> None:
    """Refuse a file that would unpack to an unreasonable size, by what its footer declares."""
    footer = file.metadata
    declared = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    cells = footer.num_rows * max(footer.num_columns, 1)
    if max(declared, cells * BYTES_PER_CELL) > 2 * LIMIT:
        raise InvalidData(
            f"The table has {footer.num_rows:,} rows and {footer.num_columns:,} columns, more than can be held here.",
            where=path.name,
            remedy="Keep the columns and rows that the question needs.",
        )


def plain(cells: pa.ChunkedArray, name: str, path: Path) -> pd.Series[Any]:
    """Turn an Arrow column into a pandas one without loss: whole numbers with gaps stay whole numbers."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise InvalidData(
            f"The column holds values of type {kind}, not one plain value a row.",
            where=f"{path.name}, column “{name}”",
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
    return pd.Series(cells.to_pandas())
