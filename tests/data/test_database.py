"""Databases are only read, whatever is asked of them, and never say a password."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import sqlalchemy

from modelcompose.data import database, read
from modelcompose.data.database import from_server, is_database_url, query_for, read_url, url_of
from modelcompose.data.readers import fetch
from modelcompose.errors import InvalidData, ModelComposeError, NotFound

STATEMENTS = (
    "CREATE TABLE sales (id INTEGER, amount DECIMAL(10, 2), paid BOOLEAN, day DATE, town VARCHAR)",
    "INSERT INTO sales VALUES (1, 1.5, true, '2024-03-01', 'Zürich'), (2, NULL, false, '2024-03-02', 'Genève')",
    "INSERT INTO sales VALUES (3, 2.25, NULL, NULL, NULL)",
    'CREATE TABLE "odd ""name"" ; -- x" (x INTEGER)',
    'INSERT INTO "odd ""name"" ; -- x" VALUES (1), (2)',
    "CREATE VIEW paid AS SELECT * FROM sales WHERE paid",
)
SALES = {"id": [1, 2, 3], "amount": [1.5, None, 2.25], "paid": [True, False, None], "town": ["Zürich", "Genève", None]}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("databases")
    connection = sqlite3.connect(folder / "shop.sqlite")
    with duckdb.connect(str(folder / "shop.duckdb")) as other:
        for statement in STATEMENTS:
            connection.execute(statement)
            other.execute(statement)
        other.execute("CREATE SCHEMA archive")
        other.execute("CREATE TABLE archive.sales AS SELECT range AS n FROM range(3)")
        other.execute(
            "CREATE TABLE wide AS SELECT 1::HUGEINT AS h, 1e18::DECIMAL(38, 0) + 1 AS d UNION ALL SELECT 2, 3"
        )
    connection.commit()
    connection.close()
    return folder


@pytest.fixture(params=["shop.sqlite", "shop.duckdb"])
def shop(request: pytest.FixtureRequest, built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(built / request.param, tmp_path))


def cells(frame: pd.DataFrame) -> dict[str, list[object]]:
    return {str(name): [None if pd.isna(cell) else cell for cell in frame[name].tolist()] for name in frame}


def test_a_table_and_a_view_are_read_by_name(shop: Path) -> None:
    frame, notes = read(f"{shop.name}#sales", shop.parent)
    assert str(frame.pop("day").dtype) == "datetime64[us]"
    assert cells(frame) == SALES
    assert notes == ()
    assert read(f'{shop.name}#odd "name" ; -- x', shop.parent)[0]["x"].tolist() == [1, 2]
    with pytest.raises(InvalidData, match="one row"):
        read(f"{shop.name}#paid", shop.parent)


def test_a_url_names_the_same_file(shop: Path) -> None:
    dialect = shop.suffix[1:]
    for url in (f"{dialect}:///{shop.name}#sales", f"{dialect}:///{shop}#sales"):
        with fetch(url, shop.parent) as fetched:
            assert fetched.path is not None
            assert fetched.path.resolve() == shop.resolve()
            assert len(fetched.sha256) == 64
        assert len(read(url, shop.parent)[0]) == 3
    with pytest.raises(NotFound):
        read(f"{dialect}:///gone{shop.suffix}#sales", shop.parent)


def test_the_tables_are_listed_where_none_or_a_wrong_one_is_chosen(shop: Path) -> None:
    with pytest.raises(InvalidData, match=r"tables: .*“paid”, “sales”") as caught:
        read(shop.name, shop.parent)
    assert f"{shop.name}#" in str(caught.value.remedy)
    with pytest.raises(NotFound, match="no table “sale”") as missing:
        read(f"{shop.name}#sale", shop.parent)
    assert "“sales”" in str(missing.value.remedy)


QUERIES = {
    "SELECT id FROM sales": [1, 2, 3],
    "  select id from sales where id > 1 ; ": [2, 3],
    "WITH big AS (SELECT id FROM sales WHERE id > 1) SELECT id FROM big": [2, 3],
    "SELECT id FROM sales WHERE town <> ';' OR town IS NULL": [1, 2, 3],
    "SELECT count(*) AS id FROM sales GROUP BY id": [1, 1, 1],
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_gives_its_rows(query: str, shop: Path) -> None:
    assert read(f"{shop.name}#{query}", shop.parent)[0]["id"].tolist() == QUERIES[query]


ATTACKS = (
    "DROP TABLE sales",
    "sales; DROP TABLE sales",
    'sales"; DROP TABLE sales; --',
    "SELECT 1 AS x; DROP TABLE sales",
    "SELECT 1; SELECT 2",
    "WITH x AS (SELECT 1) DELETE FROM sales",
    "WITH x AS (SELECT 1) INSERT INTO sales (id) SELECT 9",
    "INSERT INTO sales (id) VALUES (9)",
    "UPDATE sales SET id = 9",
    "PRAGMA writable_schema = 1",
    "PRAGMA database_list",
    "ATTACH 'other.db' AS other",
    "ATTACH DATABASE '/etc/passwd' AS other",
    "VACUUM INTO 'copy.db'",
    "CREATE TABLE more (x INTEGER)",
    "COPY sales TO 'out.csv'",
    "COPY (SELECT 1) TO 'out.csv'",
    "EXPORT DATABASE 'out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "CALL pragma_version()",
    "SELECT load_extension('x')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.org/x.csv'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sqlite_scan('/etc/x.db', 't')",
    "SELECT * FROM pragma_database_list",
    "SELECT writefile('x', 'y'), readfile('/etc/passwd')",
    "SELECT edit('x')",
    "SELECT nothing FROM sales",
    "SELECT * FROM nowhere",
    "SELECT",
    "SELECT * FROM sales WHERE town = '",
    "<script>alert(1)</script>",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_no_query_of_this_database_is_refused_and_changes_nothing(attack: str, shop: Path) -> None:
    before = shop.read_bytes()
    with pytest.raises(ModelComposeError) as caught:
        read(f"{shop.name}#{attack}", shop.parent)
    assert caught.value.where
    assert caught.value.remedy
    assert "root:" not in str(caught.value)
    assert shop.read_bytes() == before
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]


def test_a_query_that_never_ends_is_stopped(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SECONDS", 0.3)
    endless = {
        ".sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) AS x FROM c",
        ".duckdb": "SELECT sum(a.range * b.range) AS x FROM range(100000000) a, range(100000000) b",
    }
    with pytest.raises(InvalidData, match="longer than"):
        read(f"{shop.name}#{endless[shop.suffix]}", shop.parent)


def test_a_query_of_too_many_rows_is_stopped(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CELLS", 200_000)
    many = {
        ".sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
        ".duckdb": "SELECT range AS x FROM range(100000000000)",
    }
    with pytest.raises(InvalidData, match="more than 200,000 cells"):
        read(f"{shop.name}#{many[shop.suffix]}", shop.parent)


def test_columns_without_a_name_of_their_own_are_refused(shop: Path) -> None:
    with pytest.raises(InvalidData, match=r"“id” occurs 2 times"):
        read(f"{shop.name}#SELECT id, id FROM sales", shop.parent)


def test_blobs_and_lists_are_refused_by_their_column(shop: Path) -> None:
    blob = "X'00FF'" if shop.suffix == ".sqlite" else "'\\x00\\xFF'::BLOB"
    with pytest.raises(InvalidData) as caught:
        read(f"{shop.name}#SELECT {blob} AS b FROM sales", shop.parent)
    assert "column “b”" in str(caught.value.where)


def test_other_schemas_and_exact_numbers_of_duckdb(built: Path) -> None:
    assert read("shop.duckdb#archive.sales", built)[0]["n"].tolist() == [0, 1, 2]
    frame, _ = read("shop.duckdb#wide", built)
    assert cells(frame) == {"h": [1, 2], "d": [10**18 + 1, 3]}


def test_what_only_seems_a_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("x,y\n1,2\n")
    with pytest.raises(InvalidData, match="neither a SQLite nor a DuckDB"):
        read("text.db", tmp_path)
    sqlite3.connect(tmp_path / "empty.sqlite").execute("CREATE TABLE t (x)").connection.execute("DROP TABLE t")
    with pytest.raises(InvalidData, match="no table"):
        read("empty.sqlite", tmp_path)


# -- servers: SQLAlchemy's own SQLite stands for one -------------------------------------------------------------


@pytest.fixture
def server(built: Path) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(f"sqlite:///{built / 'shop.sqlite'}")


def test_a_server_is_asked_for_a_table_or_a_query(server: sqlalchemy.Engine) -> None:
    frame = from_server(server, "sales", "server")
    assert frame["id"].tolist() == [1, 2, 3]
    assert from_server(server, 'odd "name" ; -- x', "server")["x"].tolist() == [1, 2]
    assert from_server(server, "main.sales", "server")["id"].tolist() == [1, 2, 3]
    assert from_server(server, "SELECT id, ' :id %' AS t FROM sales WHERE town LIKE 'Z%';", "server").to_dict(
        "list"
    ) == {"id": [1], "t": [" :id %"]}


CHANGES = (
    "SELECT 1; COMMIT; DROP TABLE sales",
    "DROP TABLE sales",
    "sales; DROP TABLE sales",
    "WITH a AS (SELECT 1) DELETE FROM sales",
    "WITH a AS (DELETE FROM sales RETURNING *) SELECT * FROM a",
    "SELECT * INTO copy FROM sales",
    "SELECT id FROM sales /* ' */ ; DELETE FROM sales /* ' */",
    "SELECT '\\' ; DELETE FROM sales -- '",
    "SELECT $$ ' $$ ; DELETE FROM sales -- $$ ' $$",
    "SELECT `'` ; DROP TABLE sales -- `'`",
    "SELECT ['] ; DROP TABLE sales -- [']",
)


@pytest.mark.parametrize("attack", CHANGES)
def test_a_server_is_sent_one_query_that_reads(attack: str, server: sqlalchemy.Engine) -> None:
    sent: list[str] = []
    sqlalchemy.event.listen(server, "before_cursor_execute", lambda *told: sent.append(told[2]))
    with pytest.raises(ModelComposeError, match=r"is not one query|no table"):
        from_server(server, attack, "server")
    assert not any("DELETE" in one or "DROP" in one for one in sent)
    assert len(from_server(server, "sales", "server")) == 3


def test_what_only_reads_may_hold_the_words_in_quotation_marks(server: sqlalchemy.Engine) -> None:
    query = "SELECT id, 'update; delete' AS \"drop\" FROM sales"
    assert from_server(server, query, "server")["drop"].tolist() == ["update; delete"] * 3


def test_decimals_that_no_number_equals_stay_text() -> None:
    column = database.column_of([Decimal("12345678901234567.25"), None, Decimal("1.10")])
    assert column.tolist() == ["12345678901234567.25", None, "1.10"]
    assert database.column_of([Decimal("1.10"), None]).tolist() == [Decimal("1.10"), None]


MISSING_DRIVERS = {
    "postgresql://me@host/shop#sales": "psycopg",
    "mysql://me@host/shop#sales": "pymysql",
    "mssql+pyodbc://me@host/shop#sales": "pyodbc",
    "oracle+oracledb://me@host/shop#sales": "oracledb",
}


@pytest.mark.parametrize("source", MISSING_DRIVERS)
def test_a_missing_driver_is_named_with_what_installs_it(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg", "psycopg2", "MySQLdb", "pymysql", "pyodbc", "oracledb", "cx_Oracle"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidData, match="driver") as caught:
        read(source)
    assert "pip install" in str(caught.value.remedy)
    assert MISSING_DRIVERS[source] in str(caught.value.remedy)


def test_an_unknown_kind_of_database_is_told() -> None:
    with pytest.raises(InvalidData, match="no such kind of database"):
        read("nodatabase://host/shop#sales")


LEAKING = (
    "postgresql://me:hunter2@host/shop#sales",
    "postgresql://me:hun/ter2@host/shop#sales",
    "postgresql://${USER}:hunter2@host/shop#sales",
    "postgresql://me:${PW}hunter2@host/shop#sales",
    "postgresql://host/shop?password=hunter2#sales",
    "postgresql://host/shop?sslpassword=hunter2#sales",
    "mssql+pyodbc://?odbc_connect=DRIVER;PWD=hunter2#sales",
    "snowflake://host/shop?token=hunter2#sales",
)


@pytest.mark.parametrize("source", LEAKING)
def test_a_password_in_the_address_is_refused_and_not_repeated(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "x")
    with pytest.raises(InvalidData) as caught:
        read(source)
    assert "ter2" not in str(caught.value)
    assert "ter2" not in repr(caught.value.__cause__)


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/w:rd")
    url = url_of("postgresql://me:${SHOP_PASSWORD}@host:5432/shop")
    assert url.password == "p@ss/w:rd"  # noqa: S105
    monkeypatch.setenv("PORT", "5433")
    assert url_of("postgresql://me:${SHOP_PASSWORD}@host:${PORT}/shop").port == 5433
    monkeypatch.delenv("PORT")
    with pytest.raises(InvalidData, match="no variable PORT"):
        url_of("postgresql://me:${SHOP_PASSWORD}@host:${PORT}/shop")


def test_what_a_server_answers_never_holds_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")

    def connect(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("cannot connect with hunter2")

    engine = sqlalchemy.create_engine("sqlite://")
    sqlalchemy.event.listen(engine, "do_connect", connect)
    monkeypatch.setattr(sqlalchemy, "create_engine", lambda _: engine)
    with pytest.raises(InvalidData, match=r"cannot connect with \*\*\*") as caught:
        read_url("postgresql://me:${SHOP_PASSWORD}@host/shop#sales")
    assert "hunter2" not in str(caught.value)
    assert caught.value.where == "postgresql://me:***@host/shop"


@pytest.mark.parametrize("source", ["sqlite://", "sqlite://#SELECT 1", "sqlite:///?mode=ro#SELECT 1", "duckdb:///#t"])
def test_a_url_that_names_no_file_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="names no file"):
        read(source, tmp_path)


def test_urls_of_databases_are_told_from_others() -> None:
    assert is_database_url("postgresql+psycopg://host/shop")
    assert is_database_url("SQLITE:///x.db")
    assert not any(map(is_database_url, ("https://x", "s3://x", "file:///x", "x.db", "C:\\x.db", "sample:x")))


def test_a_table_name_is_quoted_whatever_it_is() -> None:
    assert query_for('a"b', {'a"b': database.spelt('a"b')}, "x") == 'SELECT * FROM "a""b"'


def test_times_of_a_database_are_typed(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT TIMESTAMP '2024-03-01 10:20:30.5' AS at, TIME '10:20:30' AS clock, "
            "TIMESTAMPTZ '2024-03-01 12:00:00+02' AS zoned, 'b'::ENUM ('a', 'b') AS e, uuid() AS u FROM range(2)"
        )
    frame, notes = read("t.duckdb", tmp_path)
    assert frame["at"][0] == dt.datetime(2024, 3, 1, 10, 20, 30, 500_000)  # noqa: DTZ001
    assert frame["clock"].tolist() == ["10:20:30"] * 2
    assert frame["zoned"][0] == dt.datetime(2024, 3, 1, 10)  # noqa: DTZ001
    assert frame.attrs["variables"]["e"] == {"levels": ["a", "b"]}
    assert "UTC" in notes[0]
