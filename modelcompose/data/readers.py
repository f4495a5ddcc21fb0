"""Read a table from wherever it is, whatever its format, and say what the user should know about it.

A source is a text:

    data/sales.csv                        a file, relative to a folder
    data/sales.xlsx#Sheet2                a part of it: a sheet, a table of a database, a file in a ZIP archive
    data/sales.csv#encoding=cp1251&decimal=,     how to read it, where it cannot be told
    data/shop.db#SELECT * FROM sales      a query
    https://example.org/sales.csv.gz      an address; also s3://, gs:// and az:// where their packages are installed
    postgresql://me:${PASSWORD}@host/shop#sales     a database; what stands in ${…} is taken from the environment

A reader is any object with these members; outsiders register theirs by the entry point group ``modelcompose.readers``,
whose entries name a reader class:

    suffixes    the file suffixes it reads, in lower case, with the dot
    choices     names of what can be chosen after ``#``, the first being what stands there without a name; may lack
    read(path, **choices)
                the table, its cells as the file has them: text, numbers, dates, None. ``frame.attrs`` may hold
                ``notes``, sentences for the user; ``variables`` and ``kinds``, what the file declares of columns. Bad
                content raises `InvalidData` naming the line or column.

Everything else is done here, once: fetching, unpacking, missing cells, column types, names, and the checks that hold
for every table.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from modelcompose.data.arrow import Arrow, Parquet
from modelcompose.data.cells import LIMIT, tidy
from modelcompose.data.compressed import PACKED, unpack
from modelcompose.data.database import DatabaseFile, is_database_url, read_url
from modelcompose.data.delimited import Delimited
from modelcompose.data.excel import Excel
from modelcompose.data.json_text import Json
from modelcompose.data.statistical import Statistical
from modelcompose.errors import InvalidData, ModelComposeError, NotFound

__all__ = ["Fetched", "Reader", "fetch", "local_path", "read", "readers"]

INSTEAD = {
    ".xls": "Save it as .xlsx.",
    ".xlsm": "Save it as .xlsx.",
    ".ods": "Save it as .xlsx or CSV.",
    ".tar": "Unpack it first.",
    ".tgz": "Unpack it first.",
    ".7z": "Unpack it first.",
    ".rar": "Unpack it first.",
    ".rds": "Save it from R with arrow::write_parquet or write.csv.",
    ".rdata": "Save it from R with arrow::write_parquet or write.csv.",
    ".html": "Save the table on the page as CSV; where you must sign in first, download the file.",
    ".pkl": "Save it as Parquet; pickled files can run code and are never opened.",
    ".pickle": "Save it as Parquet; pickled files can run code and are never opened.",
}
SIGNS = (
    (b"PAR1", (".parquet", ".pq"), "a Parquet file"),
    (b"ARROW1", (".arrow", ".feather", ".ipc"), "an Arrow file"),
    (b"SQLite format 3", (".sqlite", ".sqlite3", ".db", ".duckdb"), "a SQLite database"),
    (b"PK\x03\x04", (".xlsx", ".zip"), "a ZIP archive, perhaps an Excel workbook"),
    (b"$FL2", (".sav",), "an SPSS file"),
    (b"$FL3", (".zsav",), "an SPSS file"),
    (b"<stata_dta>", (".dta",), "a Stata file"),
    (b"HEADER RECORD*******LIB", (".xpt",), "a SAS file"),
    (b"\xd0\xcf\x11\xe0", (), "an old Excel workbook, or one locked by a password"),
    (b"\x1f\x8b", (".gz",), "a file packed with gzip"),
    (b"%PDF", (), "a PDF document"),
    (b"<!DOCTYPE html", (), "a web page"),
    (b"<html", (), "a web page"),
)
"""How files of a format begin, and how their names end."""

BIG = {".csv", ".tsv", ".tab", ".txt", ".duckdb", ".db", ".sqlite", ".sqlite3"}
LARGEST = 4_000_000_000
TYPES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "application/json": ".json",
    "application/x-ndjson": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/zip": ".zip",
    "application/vnd.sqlite3": ".sqlite",
    "text/html": ".html",
}


class Reader(Protocol):
    """What a data format needs."""

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def read(self, path: Path, **choices: str) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Fetched:
    """A source brought here: a file of this machine, or a database to ask.

    ``sha256`` is that of the file's bytes, ``""`` where there is no file.
    """

    name: str
    path: Path | None
    choice: str = ""
    notes: tuple[str, ...] = ()
    sha256: str = field(default="", compare=False)


@cache
def readers() -> dict[str, Reader]:
    """Return the reader of each file suffix; ours come first, outsiders add suffixes."""
    ours: list[Reader] = [Delimited(), Json(), Excel(), Parquet(), Arrow(), Statistical(), DatabaseFile()]
    found = {suffix: reader for reader in ours for suffix in reader.suffixes}
    for entry in entry_points(group="modelcompose.readers"):
        reader = entry.load()()
        for suffix in reader.suffixes:
            found.setdefault(suffix, reader)
    return found


@contextmanager
def fetch(source: str | Path, root: Path | None = None) -> Iterator[Fetched]:
    """Bring a source here for as long as the context lasts: download and unpack it where needed.

    Parameters
    ----------
    source
        See the module; a ``Path`` is a file as it is.
    root
        Where relative paths begin.

    Raises
    ------
    NotFound
        When there is no such file or address.
    InvalidData
        When it cannot be fetched or unpacked.
    """
    text = str(source)
    if isinstance(source, str) and is_database_url(text) and local_path(text, root) is None:
        yield Fetched(name=text, path=None)
        return
    with tempfile.TemporaryDirectory(prefix="modelcompose-") as folder:
        if isinstance(source, str) and "://" in text and local_path(text, root) is None:
            from modelcompose.data.address import download, shown

            address, _, choice = text.partition("#")
            path = _named(*download(address, Path(folder)))
            fetched = Fetched(path.name, path, choice, (f"Downloaded from {shown(address)}.",))
        else:
            here = local_path(text, root) if isinstance(source, str) else (root or Path()) / source
            assert here is not None  # noqa: S101 - remote sources were dealt with above
            path = here
            choice = _split(text, root)[1] if isinstance(source, str) else ""
            fetched = Fetched(path.name, path, choice)
        assert fetched.path is not None  # noqa: S101
        _require_file(fetched.path)
        with fetched.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        yield _unpacked(fetched, Path(folder), sha256)


def _unpacked(fetched: Fetched, folder: Path, sha256: str) -> Fetched:
    assert fetched.path is not None  # noqa: S101
    choice = fetched.choice
    path, notes = fetched.path, fetched.notes
    if path.suffix.lower() in PACKED:
        path, choice, note = unpack(path, folder, choice)
        notes = (*notes, note)
    return Fetched(fetched.name, path, choice, notes, sha256)


def _named(path: Path, kind: str) -> Path:
    """Give a download without a telling name the ending of its content type."""
    suffix = TYPES.get(kind, "")
    known = {*readers(), *PACKED, *INSTEAD}
    if path.suffix.lower() in known or not suffix:
        return path
    return path.rename(path.with_name(path.name + suffix))


def local_path(source: str, root: Path | None = None) -> Path | None:
    """Return the file of this machine that a source names, or None when it lies elsewhere."""
    text, _ = _split(source, root)
    if is_database_url(text):
        from modelcompose.data.database import file_of

        text = file_of(text) or ""
        return (root or Path()) / text if text else None
    return None if "://" in text else (root or Path()) / text


def _split(source: str, root: Path | None) -> tuple[str, str]:
    """Split a source into what and which part; a file whose name has a ``#`` in it goes first."""
    if "#" not in source or ("://" not in source and ((root or Path()) / source).exists()):
        return source, ""
    text, _, choice = source.partition("#")
    return text, choice


def read(
    source: str | Path | Fetched, root: Path | None = None, *, least: int = 2
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a table.

    Parameters
    ----------
    source
        See the module; or what `fetch` brought.
    root
        Where relative paths begin.
    least
        How many rows it must have.

    Returns
    -------
    tuple of pandas.DataFrame and tuple of str
        The table, typed as `modelcompose.data.cells` says, and notes for the user. ``frame.attrs`` holds ``variables``
        and ``kinds``, what the file declares of columns.

    Raises
    ------
    NotFound
        When there is no such file, address or table.
    InvalidData
        When it is not a table of so many rows, naming file, line and column.
    """
    if not isinstance(source, Fetched):
        with fetch(source, root) as fetched:
            return read(fetched, least=least)
    try:
        raw = _raw(source)
        frame, notes = tidy(raw, source.name)
        notes = [*source.notes, *raw.attrs.get("notes", []), *notes]
    except ModelComposeError:
        raise
    except Exception as error:
        raise InvalidData(
            f"The file could not be read ({type(error).__name__}: {error}).",
            where=source.name,
            remedy="Save the table again, as CSV in UTF-8 for instance.",
        ) from error
    if frame.columns.empty:
        raise InvalidData(
            "The table has no columns.", where=source.name, remedy="Choose a file with a header and rows."
        )
    if len(frame) < least:
        message = "The table has one row only." if len(frame) else "The table has column names but no rows."
        raise InvalidData(message, where=source.name, remedy="Choose a table with at least two rows.")
    _require_finite(frame, source.name)
    frame.attrs = {name: raw.attrs[name] for name in ("variables", "kinds") if raw.attrs.get(name)}
    return frame, tuple(notes)


def _require_finite(frame: pd.DataFrame, name: str) -> None:
    for column, cells in frame.select_dtypes("float64").items():
        infinite = np.isinf(cells.to_numpy())
        if infinite.any():
            raise InvalidData(
                f"Row {int(infinite.argmax()) + 1} holds an infinite number, with which one cannot compute.",
                where=f"{name}, column “{column}”",
                remedy="Make it missing, or the number that was meant.",
            )


def _raw(fetched: Fetched) -> pd.DataFrame:
    if fetched.path is None:
        return read_url(fetched.name)
    reader = reader_of(fetched.path)
    return reader.read(fetched.path, **_chosen(fetched, reader))


def _chosen(fetched: Fetched, reader: Reader) -> Mapping[str, str]:
    """Read what stands after ``#``: ``name=value`` pairs the reader knows, or a value for its first choice."""
    if not fetched.choice:
        return {}
    names = getattr(reader, "choices", ())
    pairs = [part.partition("=") for part in fetched.choice.split("&")]
    if names and all(equals and name in names for name, equals, _ in pairs):
        return {name: value for name, _, value in pairs}
    if not names:
        raise InvalidData(
            f"There is nothing to choose in {fetched.name}, and “{fetched.choice}” stands after #.",
            where=fetched.name,
            remedy="Leave it away.",
        )
    return {names[0]: fetched.choice}


def reader_of(path: Path) -> Reader:
    """Return the reader for a file, once the file itself is in order."""
    size = _require_file(path)
    suffix = path.suffix.lower()
    _require_sign(path, suffix)
    if suffix not in readers():
        known = ", ".join(sorted({*readers(), *PACKED}))
        raise InvalidData(
            f"Files that end in “{suffix}” cannot be read." if suffix else "The file's name has no ending.",
            where=path.name,
            remedy=INSTEAD.get(suffix, f"Save the table in one of the formats {known}."),
        )
    if size == 0:
        raise InvalidData("The file is empty.", where=path.name, remedy="Choose a file with a header and rows.")
    most = LARGEST if suffix in BIG else LIMIT
    if size > most:
        raise InvalidData(
            f"The file has {size:,} bytes; more than {most:,} are not read.",
            where=path.name,
            remedy="Keep the columns and rows that the question needs.",
        )
    return readers()[suffix]


def _require_sign(path: Path, suffix: str) -> None:
    """Refuse a file that begins as those of another format do, saying what it is."""
    with path.open("rb") as file:
        start = file.read(32)
    for sign, suffixes, what in SIGNS:
        if suffix in readers() and start[: len(sign)].lower() == sign.lower() and suffix not in suffixes:
            raise InvalidData(
                f"The file ends in {suffix} but is {what}.",
                where=path.name,
                remedy=f"Rename it to end in {suffixes[0]}."
                if suffixes
                else "Save the table as .xlsx, CSV or Parquet.",
            )


def _require_file(path: Path) -> int:
    """Return the size of a file; refuse what is none."""
    try:
        if path.is_dir():
            raise InvalidData(f"“{path.name}” is a folder.", where=str(path), remedy="Choose a file in it.")
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no file “{path.name}”.", where=str(path), remedy="Check the name and the folder."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidData(
            f"The file cannot be opened: {error}.", where=path.name, remedy="Check its name and its permissions."
        ) from error
