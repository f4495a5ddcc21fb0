"""Read a table from a file, whatever its format, and say what the user should know about it.

A reader is any object with these two members; outsiders register theirs by the entry point group
``modelcompose.readers``, whose entries name a reader class:

    suffixes    the file suffixes it reads, in lower case, with the dot
    read(path)  the table, its cells as the file has them: text, numbers, dates, None. Sentences for the user go to
                ``frame.attrs["notes"]``. Bad content raises `InvalidData` naming the line or column.

Everything else is done here, once: missing cells, column types, names, and the checks that hold for every table.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import pandas as pd

from modelcompose.data.cells import LIMIT, tidy
from modelcompose.data.delimited import Delimited
from modelcompose.data.excel import Excel
from modelcompose.data.json_text import Json
from modelcompose.data.parquet import Parquet
from modelcompose.errors import InvalidData, ModelComposeError, NotFound

__all__ = ["Reader", "read", "readers"]

INSTEAD = {
    ".xls": "Save it as .xlsx.",
    ".xlsm": "Save it as .xlsx.",
    ".ods": "Save it as .xlsx or CSV.",
    ".gz": "Unpack it first.",
    ".zip": "Unpack it first.",
    ".pkl": "Save it as Parquet; pickled files can run code and are never opened.",
    ".pickle": "Save it as Parquet; pickled files can run code and are never opened.",
}


class Reader(Protocol):
    """What a data format needs."""

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def read(self, path: Path) -> pd.DataFrame: ...


@cache
def readers() -> dict[str, Reader]:
    """Return the reader of each file suffix; ours come first, outsiders add suffixes."""
    ours: list[Reader] = [Delimited(), Json(), Excel(), Parquet()]
    found = {suffix: reader for reader in ours for suffix in reader.suffixes}
    for entry in entry_points(group="modelcompose.readers"):
        reader = entry.load()()
        for suffix in reader.suffixes:
            found.setdefault(suffix, reader)
    return found


def read(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a table.

    Parameters
    ----------
    path
        A file whose suffix tells its format.

    Returns
    -------
    tuple of pandas.DataFrame and tuple of str
        The table, typed as `modelcompose.data.cells` says, and notes for the user.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidData
        When the file is not a table of two or more rows, naming file, line and column.
    """
    path = Path(path)
    reader = reader_of(path)
    try:
        raw = reader.read(path)
        frame, notes = tidy(raw, path.name)
        notes = [*raw.attrs.get("notes", []), *notes]
    except ModelComposeError:
        raise
    except Exception as error:
        raise InvalidData(
            f"The file could not be read ({type(error).__name__}: {error}).",
            where=path.name,
            remedy="Save the table again, as CSV in UTF-8 for instance.",
        ) from error
    if frame.columns.empty:
        raise InvalidData("The table has no columns.", where=path.name, remedy="Choose a file with a header and rows.")
    if len(frame) < 2:
        message = "The table has one row only." if len(frame) else "The table has column names but no rows."
        raise InvalidData(message, where=path.name, remedy="Choose a table with at least two rows.")
    return frame, tuple(notes)


def reader_of(path: Path) -> Reader:
    """Return the reader for a file, once the file itself is in order."""
    try:
        if path.is_dir():
            raise InvalidData(f"“{path.name}” is a folder.", where=str(path), remedy="Choose a file in it.")
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no file “{path.name}”.", where=str(path), remedy="Check the name and the folder."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidData(
            f"The file cannot be opened: {error}.", where=path.name, remedy="Check its name and its permissions."
        ) from error
    suffix = path.suffix.lower()
    if suffix not in readers():
        known = ", ".join(sorted(readers()))
        raise InvalidData(
            f"Files that end in “{suffix}” cannot be read." if suffix else "The file's name has no ending.",
            where=path.name,
            remedy=INSTEAD.get(suffix, f"Save the table in one of the formats {known}."),
        )
    if size == 0:
        raise InvalidData("The file is empty.", where=path.name, remedy="Choose a file with a header and rows.")
    if size > LIMIT:
        raise InvalidData(
            f"The file has {size:,} bytes; more than {LIMIT:,} are not read.",
            where=path.name,
            remedy="Keep the columns and rows that the question needs.",
        )
    return readers()[suffix]
