"""Read a table or a query from a database: SQLite and DuckDB files, and whatever SQLAlchemy has a driver for.

Only reading is possible: files are opened read-only, and a query must be one SELECT.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa

from modelcompose.data.arrow import framed as from_arrow
from modelcompose.data.arrow import is_exact
from modelcompose.data.arrow import spelt as levels
from modelcompose.data.cells import check_names
from modelcompose.errors import InvalidData, NotFound

__all__ = ["DatabaseFile", "file_of", "is_database_url", "read_url"]

URL = re.compile(r"(?P<dialect>[a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
OTHERS = frozenset(
    ("http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "ftp", "file", "ssh", "sftp", "memory")
)
QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
NAMED = re.compile(r"(?<![:\w\\]):(?=\w)")
HIDING = re.compile(r"--|/\*|[#$`\[\\]")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
CHANGES = re.compile(
    r"\b(?:insert|update|delete|merge|into|drop|alter|create|truncate|grant|revoke|call|exec|execute|commit)\b",
    re.IGNORECASE,
)
SECRET = re.compile(r"password|passwd|pwd|secret|token", re.IGNORECASE)
MARK = "65530"
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
            query = query_for(wanted, {name: spelt(name) for name in tables}, path.name)
            truths = declared_truths(connection, wanted or tables[0]) if not QUERY.match(wanted) else set()
            connection.set_authorizer(_only_reading)
            until = time.monotonic() + SECONDS
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return with_truths(framed(names, cursor, path.name), truths)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError, ValueError) as error:
        raise refused(error, path.name) from error


def _only_reading(action: int, one: str | None, two: str | None, *_: object) -> int:
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    dangerous = action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in ("load_extension", "readfile", "writefile")
    return sqlite3.SQLITE_OK if action in allowed and not dangerous else sqlite3.SQLITE_DENY


def declared_truths(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns declared as truth values, which SQLite holds as the numbers 0 and 1."""
    columns = connection.execute(f"PRAGMA table_info({spelt(table)})")
    return {str(column[1]) for column in columns if str(column[2]).upper() in ("BOOLEAN", "BOOL")}


def with_truths(frame: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    for name in names & set(frame.columns):
        if frame[name].dropna().isin([0, 1]).all():
            frame[name] = pd.Series([None if cell is None else bool(cell) for cell in frame[name]], dtype="object")
    return frame


def from_duckdb(path: Path, wanted: str) -> pd.DataFrame:
    import duckdb

    settings: dict[str, Any] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "temp_directory": "",
    }
    try:
        with duckdb.connect(str(path), read_only=True, config=settings) as connection:
            connection.execute("SET lock_configuration = true")
            query = query_for(wanted, tables_of(connection), path.name)
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise not_a_query(query, path.name)
            clock = threading.Timer(SECONDS, connection.interrupt)
            clock.start()
            try:
                return gathered(connection.sql(query), path.name)
            finally:
                clock.cancel()
    except duckdb.Error as error:
        raise refused(error, path.name) from error


def tables_of(connection: Any) -> dict[str, str]:
    """Return the tables of a DuckDB database, and how each is spelt in a query."""
    rows = connection.execute("SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2").fetchall()
    return {name if schema == "main" else f"{schema}.{name}": f"{spelt(schema)}.{spelt(name)}" for schema, name in rows}


def gathered(relation: Any, place: str) -> pd.DataFrame:
    """Gather what a DuckDB query gives, batch by batch; the values of an ENUM keep their order."""
    stream = pa.RecordBatchReader.from_stream(relation)
    batches, cells = [], 0
    for batch in stream:
        cells += batch.num_rows * max(batch.num_columns, 1)
        require_size(cells, place)
        batches.append(batch)
    frame = from_arrow(pa.Table.from_batches(batches, schema=stream.schema), place)
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if kind.id == "enum":
            frame.attrs["variables"][name] = {"levels": levels(kind.children[0][1])}
    return frame


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
        return from_server(engine, wanted, place)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise refused(getattr(error, "orig", None) or error, place, url.password) from None
    finally:
        engine.dispose()


def from_server(engine: Any, wanted: str, place: str) -> pd.DataFrame:
    """Ask a server in one transaction that may only read, where the server knows such, and that is rolled back."""
    import sqlalchemy

    options = {"stream_results": True, "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.execute(sqlalchemy.text("SET SESSION TRANSACTION READ ONLY"))
            connection.rollback()
        tables = served(connection, wanted)
        query = query_for(wanted, tables, place)
        if wanted not in tables and may_change(query):
            raise not_a_query(query, place)
        result = connection.execute(sqlalchemy.text(NAMED.sub(r"\\:", query)))
        found = framed(list(map(str, result.keys())), result, place)
        connection.rollback()
    return found


def served(connection: Any, wanted: str) -> dict[str, str]:
    """Return the tables and views of a server, those of another schema where it is named, and how each is spelt."""
    import sqlalchemy

    server = sqlalchemy.inspect(connection)
    spell = connection.dialect.identifier_preparer.quote_identifier
    found = {name: spell(name) for name in (*server.get_table_names(), *server.get_view_names())}
    schema, dot, _ = wanted.partition(".")
    if dot and wanted not in found and not QUERY.match(wanted) and schema in server.get_schema_names():
        others = (*server.get_table_names(schema), *server.get_view_names(schema))
        found |= {f"{schema}.{name}": f"{spell(schema)}.{spell(name)}" for name in others}
    return found


def url_of(address: str) -> Any:
    """Return the URL with what ``${…}`` stands for; refuse one that holds a password itself."""
    import sqlalchemy

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise InvalidData(
                f"The environment has no variable {found[1]}.",
                where="data",
                remedy="Set it before you start the kernel.",
            )
        return quote(os.environ[found[1]], safe="")

    try:
        marked = sqlalchemy.engine.make_url(VARIABLE.sub(MARK, address))
        url = sqlalchemy.engine.make_url(VARIABLE.sub(value, address))
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise InvalidData("This is no address of a database.", where="data", remedy="Check it.") from None
    secrets = [str(marked.password or ""), *(str(part) for name, part in marked.query.items() if SECRET.search(name))]
    if any(secret.replace(MARK, "") for secret in secrets) or "odbc_connect" in marked.query:
        raise InvalidData(
            "The address holds a password, which would be saved in the notebook.",
            where="data",
            remedy="Write ${NAME} in its place, and set the environment variable NAME.",
        )
    if url.get_backend_name() in ("sqlite", "duckdb"):
        raise InvalidData("The address names no file.", where="data", remedy="Write sqlite:///FILE#TABLE.")
    return url


# -- queries -----------------------------------------------------------------------------------------------------


def spelt(name: str) -> str:
    """Quote a name as standard SQL does."""
    return '"' + name.replace('"', '""') + '"'


def query_for(wanted: str, tables: Mapping[str, str], place: str) -> str:
    """Return the query for what is wanted: a SELECT as it is, a table's name, or the only table there is.

    ``tables`` says how each table is spelt in a query.
    """
    names = list(tables)
    listed = ", ".join(f"“{name}”" for name in names[:20]) + (" …" if len(names) > 20 else "")
    if wanted in tables:
        return f"SELECT * FROM {tables[wanted]}"  # noqa: S608 - the name is one of the tables, quoted
    if QUERY.match(wanted):
        return wanted.rstrip().rstrip(";")
    if not tables:
        raise InvalidData("The database has no table.", where=place, remedy="Choose another.")
    if not wanted and len(tables) == 1:
        return f"SELECT * FROM {tables[names[0]]}"  # noqa: S608
    if not wanted:
        raise InvalidData(
            f"The database has {len(tables)} tables: {listed}.",
            where=place,
            remedy=f"Say which: {place}#{names[0]}, or write a SELECT there.",
        )
    if re.match(r"\s*\w+\s", wanted):
        raise not_a_query(wanted, place)
    raise NotFound(f"The database has no table “{wanted}”.", where=place, remedy=f"Its tables are {listed}.")


def not_a_query(wanted: str, place: str) -> InvalidData:
    return InvalidData(
        f"“{wanted[:80]}” is not one query.",
        where=place,
        remedy="Write one SELECT, without words that change something; only reading is allowed.",
    )


def may_change(query: str) -> bool:
    """Tell whether a query could be more than one, or change something: servers differ in what they let pass.

    What stands in quotation marks does not count, unless the query has signs with which one could hide where they
    begin and end.
    """
    plain = query if HIDING.search(query) else QUOTED.sub("", query)
    return ";" in plain or bool(CHANGES.search(plain))


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
    return pd.DataFrame({name: column_of(cells) for name, cells in zip(names, columns, strict=True)})


def column_of(cells: list[Any]) -> pd.Series[Any]:
    """Hold decimals that no floating-point number equals as text; other values stay as they are."""
    numbers = [cell for cell in cells if isinstance(cell, Decimal)]
    if numbers and not all(map(is_exact, numbers)):
        cells = [str(cell) if isinstance(cell, Decimal) else cell for cell in cells]
    return pd.Series(cells, dtype="object")


def require_size(cells: int, place: str) -> None:
    if cells > CELLS:
        raise InvalidData(
            f"The query gives more than {CELLS:,} cells.", where=place, remedy="Select fewer columns or rows."
        )


def refused(error: BaseException, place: str, password: object = None) -> InvalidData:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if password:
        reason = reason.replace(str(password), "***")
    if "interrupt" in reason.lower():
        reason = f"it took longer than {SECONDS} seconds"
    return InvalidData(
        f"The database refused: {reason}.", where=place, remedy="Check the query; only reading is allowed."
    )
