"""Read a table or a query from a database: SQLite and DuckDB files, and whatever SQLAlchemy has a driver for.

Only reading is possible: files are opened read-only, and a query must be one SELECT.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from modelcompose.data.cells import check_names
from modelcompose.errors import InvalidData, NotFound

__all__ = ["DatabaseFile", "file_of", "is_database_url", "read_url"]

URL = re.compile(r"(?P<dialect>[a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
OTHERS = frozenset(
    ("http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "ftp", "file", "ssh", "sftp", "memory")
)
QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{(\w+)\}")
CELLS = 100_000_000
BATCH = 10_000
SECONDS = 300
INSTALL = {
    "postgresql": "psycopg[binary]",
    "mysql": "pymysql",
    "mariadb": "pymysql",
    "mssql": "pyodbc",
    "oracle": "oracledb",
    "snowflake": "snowflake-sqlalchemy",
    "bigquery": "sqlalchemy-bigquery",
}


class DatabaseFile:
    """A SQLite or DuckDB file; after ``#`` stands the name of a table or a SELECT."""

    suffixes = (".db", ".sqlite", ".sqlite3", ".duckdb")
    choices = ("query",)

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        wanted = choices.get("query", "")
        with path.open("rb") as file:
            start = file.read(16)
        if start.startswith(b"SQLite format 3"):
            require_pages(path)
            return from_sqlite(path, wanted)
        if start[8:12] == b"DUCK":
            return from_duckdb(path, wanted)
        raise InvalidData(
            "The file is neither a SQLite nor a DuckDB database.", where=path.name, remedy="Check where it comes from."
        )


# -- files -------------------------------------------------------------------------------------------------------


def require_pages(path: Path) -> None:
    """Refuse a SQLite file that is shorter than it says: what lacks would be read as empty.

    The header has the size of a page in bytes 16 and 17 (1 means 65,536), and their number in bytes 28 to 31, valid
    where bytes 24 to 27 are those from 92 on (https://www.sqlite.org/fileformat2.html#the_database_header).
    """
    with path.open("rb") as file:
        header = file.read(100)
    size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    valid = header[24:28] == header[92:96]
    if valid and (65_536 if size == 1 else size) * pages > path.stat().st_size:
        raise InvalidData(
            "The database is damaged: a part of the file is missing.", where=path.name, remedy="Copy it again."
        )


def from_sqlite(path: Path, wanted: str) -> pd.DataFrame:
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            connection.text_factory = lambda content: content.decode("utf-8", errors="strict")
            listed = (
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            )
            tables = [str(row[0]) for row in connection.execute(listed)]
            query = query_for(wanted, tables, path.name)
            connection.set_authorizer(_only_reading)
            until = time.monotonic() + SECONDS
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return framed(names, cursor, path.name)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError, ValueError) as error:
        raise refused(error, path.name) from error


def _only_reading(action: int, one: str | None, two: str | None, *_: object) -> int:
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    dangerous = action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in ("load_extension", "readfile", "writefile")
    return sqlite3.SQLITE_OK if action in allowed and not dangerous else sqlite3.SQLITE_DENY


def from_duckdb(path: Path, wanted: str) -> pd.DataFrame:
    import duckdb

    from modelcompose.data.arrow import framed as from_arrow

    settings: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
    try:
        with duckdb.connect(str(path), read_only=True, config=settings) as connection:
            connection.execute("SET lock_configuration = true")
            rows = connection.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
            query = query_for(wanted, [str(row[0]) for row in rows], path.name)
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise not_a_query(query, path.name)
            table: Any = connection.execute(query).to_arrow_table()
    except duckdb.Error as error:
        raise refused(error, path.name) from error
    require_size(table.num_rows * max(table.num_columns, 1), path.name)
    return from_arrow(table, path.name)


# -- servers -----------------------------------------------------------------------------------------------------


def is_database_url(source: str) -> bool:
    """Tell whether a source is the URL of a database, such as ``postgresql://…``."""
    found = URL.match(source)
    return found is not None and found["dialect"].lower() not in OTHERS


def file_of(url: str) -> str | None:
    """Return the file that a URL of SQLite or DuckDB names, or None when it is of another database."""
    dialect, _, rest = url.partition("://")
    if dialect.partition("+")[0].lower() not in ("sqlite", "duckdb"):
        return None
    return rest.partition("?")[0].removeprefix("/")


def read_url(source: str) -> pd.DataFrame:
    """Read a table or a query from a database server.

    Parameters
    ----------
    source
        ``dialect://user:${VARIABLE}@host/database#table``; what stands in ``${…}`` is taken from the environment.

    Raises
    ------
    InvalidData
        When the driver is missing, the server refuses, or the query is none; no message holds a password.
    """
    import sqlalchemy

    address, _, wanted = source.partition("#")
    url = url_of(address)
    place = url.set(query={}).render_as_string(hide_password=True)
    try:
        engine = sqlalchemy.create_engine(url)
    except ImportError as error:
        package = INSTALL.get(url.get_backend_name(), "its driver")
        raise InvalidData(
            f"The driver of {url.get_backend_name()} is not installed.",
            where=place,
            remedy=f"Install it with: pip install {package}",
        ) from error
    except sqlalchemy.exc.ArgumentError as error:
        raise InvalidData("There is no such kind of database.", where=place, remedy="Check the address.") from error
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            tables = [str(name) for name in sqlalchemy.inspect(connection).get_table_names()]
            quote_name = engine.dialect.identifier_preparer.quote
            result = connection.execute(sqlalchemy.text(query_for(wanted, tables, place, quote_name)))
            names = list(map(str, result.keys()))
            found = framed(names, result, place)
            connection.rollback()
        return found
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise refused(getattr(error, "orig", None) or error, place) from None
    finally:
        engine.dispose()


def url_of(address: str) -> Any:
    import sqlalchemy

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise InvalidData(
                f"The environment has no variable {found[1]}.",
                where="data",
                remedy="Set it before you start the kernel.",
            )
        return quote(os.environ[found[1]], safe="")

    plain = sqlalchemy.engine.make_url(VARIABLE.sub("", address)) if VARIABLE.search(address) else None
    if plain is None and re.match(r"[^:]+://[^/@:]*:[^@/]+@", address):
        raise InvalidData(
            "The address holds a password, which would be saved in the notebook.",
            where="data",
            remedy="Write ${NAME} in its place, and set the environment variable NAME.",
        )
    try:
        return sqlalchemy.engine.make_url(VARIABLE.sub(value, address))
    except sqlalchemy.exc.ArgumentError as error:
        raise InvalidData("This is no address of a database.", where="data", remedy="Check it.") from error


# -- queries -----------------------------------------------------------------------------------------------------


def query_for(wanted: str, tables: Sequence[str], place: str, quote_name: Any = None) -> str:
    """Return the query for what is wanted: a SELECT as it is, a table's name, or the only table there is."""
    spell = quote_name or (lambda name: '"' + name.replace('"', '""') + '"')
    listed = ", ".join(f"“{name}”" for name in tables[:20]) + (" …" if len(tables) > 20 else "")
    if not tables:
        raise InvalidData("The database has no table.", where=place, remedy="Choose another.")
    if wanted in tables:
        return f"SELECT * FROM {spell(wanted)}"  # noqa: S608 - the name is one of the tables, quoted
    if QUERY.match(wanted):
        return wanted.rstrip().rstrip(";")
    if not wanted and len(tables) == 1:
        return f"SELECT * FROM {spell(tables[0])}"  # noqa: S608
    if not wanted:
        raise InvalidData(
            f"The database has {len(tables)} tables: {listed}.",
            where=place,
            remedy=f"Say which: {place}#{tables[0]}, or write a SELECT there.",
        )
    if re.match(r"\s*\w+\s", wanted):
        raise not_a_query(wanted, place)
    raise NotFound(f"The database has no table “{wanted}”.", where=place, remedy=f"Its tables are {listed}.")


def not_a_query(wanted: str, place: str) -> InvalidData:
    return InvalidData(
        f"“{wanted[:80]}” is no query of one table.", where=place, remedy="Write one SELECT; nothing is ever changed."
    )


def framed(names: Sequence[str], rows: Any, place: str) -> pd.DataFrame:
    """Gather rows into a table of plain values."""
    check_names(names, place)
    columns: list[list[Any]] = [[] for _ in names]
    count = 0
    while batch := rows.fetchmany(BATCH):
        count += len(batch) * len(names)
        require_size(count, place)
        for column, cells in zip(columns, zip(*batch, strict=True), strict=True):
            column.extend(cells)
    return pd.DataFrame({name: pd.Series(cells, dtype="object") for name, cells in zip(names, columns, strict=True)})


def require_size(cells: int, place: str) -> None:
    if cells > CELLS:
        raise InvalidData(
            f"The query gives more than {CELLS:,} cells.", where=place, remedy="Select fewer columns or rows."
        )


def refused(error: BaseException, place: str) -> InvalidData:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "interrupted" in reason:
        reason = f"it took longer than {SECONDS} seconds"
    return InvalidData(
        f"The database refused: {reason}.", where=place, remedy="Check the query; only reading is allowed."
    )
