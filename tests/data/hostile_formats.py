"""Binary and JSON files that are wrong, ambiguous or malicious, made here so that none lies in the repository."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pyreadstat
from hostile import READS, Case
from openpyxl import Workbook

LINES = b"x,y\n1,2\n3,4\n"
XY = {"x": [1, 3], "y": [2, 4]}
EXACT = 2**60 + 1


def parquet(**columns: pa.Array | list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def feather(**columns: list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pf.write_feather(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def workbook(*rows: list[object]) -> bytes:
    book, buffer = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def archive(members: Mapping[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def changed_workbook(part: str, old: bytes, new: bytes) -> bytes:
    """Return a good workbook in which bytes of one part are others."""
    with zipfile.ZipFile(io.BytesIO(workbook(["x", "y"], [1, 2], [3, 4]))) as file:
        members = {name: file.read(name) for name in file.namelist()}
    assert old in members[part]
    return archive(members | {part: members[part].replace(old, new)})


def declared(size: int) -> bytes:
    """Return a workbook one of whose parts declares a size it does not have."""
    content = bytearray(workbook(["x", "y"], [1, 2], [3, 4]))
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = size.to_bytes(4, "little")
    return bytes(content)


def database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    return connection.serialize()


def statistical(suffix: str, **columns: list[object]) -> bytes:
    """Return a file of Stata, SPSS or SAS, with a label that would like to be a program."""
    write = {".dta": pyreadstat.write_dta, ".sav": pyreadstat.write_sav, ".xpt": pyreadstat.write_xport}[suffix]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        write(pd.DataFrame(columns), path, column_labels=["<script>alert(1)</script>"] * len(columns))
        return path.read_bytes()


def duckdb_file(*statements: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.duckdb"
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path.read_bytes()


def locked(content: bytes) -> bytes:
    """Return an archive whose members say that they are encrypted."""
    changed = bytearray(content)
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.find(sign) + place] |= 1
    return bytes(changed)


def tape() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        member = tarfile.TarInfo("t.csv")
        member.size = len(LINES)
        file.addfile(member, io.BytesIO(LINES))
    return buffer.getvalue()


def seen_otherwise() -> bytes:
    """Return a workbook with a hidden row and column, merged cells, durations, and numbers kept as text."""
    book, buffer = Workbook(), io.BytesIO()
    sheet = book.active
    for row in (["x", "y", "z"], ["7", dt.timedelta(hours=30), 1], ["12", dt.timedelta(minutes=1), None]):
        sheet.append(row)
    sheet["B2"].number_format = sheet["B3"].number_format = "[h]:mm:ss"
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["A"].hidden = True
    sheet.merge_cells("C2:C3")
    book.save(buffer)
    return buffer.getvalue()


GOOD_PARQUET = parquet(x=[1, 3], y=[2, 4])
GOOD_FEATHER = feather(x=[1, 3], y=[2, 4])
GOOD_BOOK = workbook(["x", "y"], [1, 2], [3, 4])
GOOD_DUCKDB = duckdb_file("CREATE TABLE t (x INTEGER, y INTEGER)", "INSERT INTO t VALUES (1, 2), (3, 4)")
GOOD_DATABASE = database("CREATE TABLE t (x, y)", "INSERT INTO t VALUES (1, 2), (3, 4)")
SHEET = "xl/worksheets/sheet1.xml"
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "&c;&c;&c;"><!ENTITY c "1">]>'

BOOKS = [
    Case("good.xlsx", GOOD_BOOK, READS, XY),
    Case("text.xlsx", LINES, "not an Excel workbook"),
    Case("cut.xlsx", GOOD_BOOK[:-40], "not an Excel workbook"),
    Case("half.xlsx", GOOD_BOOK[: len(GOOD_BOOK) // 2], "not an Excel workbook"),
    Case("archive.xlsx", archive({"x.csv": LINES}), "not an Excel workbook"),
    Case("declares-1-gb.xlsx", declared(1_000_000_000), "would unpack to 1,000,0"),
    Case("bomb.xlsx", archive({"xl/workbook.xml": b" " * 30_000_000}), "would unpack to 30,000,000"),
    Case("entities.xlsx", changed_workbook(SHEET, b"<worksheet", ENTITIES + b"<worksheet"), "damaged|could not"),
    Case("broken-sheet.xlsx", changed_workbook(SHEET, b"</row>", b"</wor>"), "damaged|could not be read"),
    Case("far-cell.xlsx", changed_workbook(SHEET, b'r="B3"', b'r="XFD3"'), "Column 3 has no name|names"),
    Case("large-dimension.xlsx", changed_workbook(SHEET, b'ref="A1:B3"', b'ref="A1:XFD1048576"'), READS, XY),
    Case("formula.xlsx", workbook(["x", "y"], [1, "=A2*2"], [2, 5]), READS, {"x": [1, 2], "y": [None, 5.0]}, "B2"),
    Case("attack.xlsx", workbook(["x", "y"], ["=cmd|' /C calc'!A0", 1], ["b", 2]), READS,
         {"x": [None, "b"], "y": [1, 2]}, "A2"),
    Case("error.xlsx", workbook(["x", "y"], [1, 2], [3, "#REF!"]), "error #REF!"),
    Case("names-twice.xlsx", workbook(["x", "x"], [1, 2], [3, 4]), "“x” occurs 2 times"),
    Case("unnamed.xlsx", workbook(["x"], [1, 2], [3, 4]), "Column 2 has no name"),
    Case("blank.xlsx", workbook(), "empty"),
    Case("mixed.xlsx", workbook(["x", "y"], ["007", 1], [12, 2]), READS, {"x": ["007", "12"], "y": [1, 2]}, "mixes"),
    Case("locked.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "locked by a password"),
    Case("parquet.xlsx", GOOD_PARQUET, "is a Parquet file"),
    Case("seen-otherwise.xlsx", seen_otherwise(), READS, {"x": ["7", "12"], "y": [108000, 60], "z": [1.0, None]},
         "as text.*in seconds.*1 row and 1 column.*C2:C3"),
    Case("script.xlsx", workbook(["<script>alert(1)</script>"], ["<b>"], ["<i>"]), READS,
         {"<script>alert(1)</script>": ["<b>", "<i>"]}),
]  # fmt: skip

COLUMNAR = [
    Case("good.parquet", GOOD_PARQUET, READS, XY),
    Case("cut.parquet", GOOD_PARQUET[: len(GOOD_PARQUET) // 2], "damaged"),
    Case("headless.parquet", GOOD_PARQUET[8:], "damaged"),
    Case("flipped.parquet", GOOD_PARQUET[:-20] + b"\xff" * 12 + GOOD_PARQUET[-8:], "damaged"),
    Case("text.parquet", LINES, "damaged"),
    Case("empty.parquet", b"", "empty"),
    Case("magic-only.parquet", b"PAR1PAR1", "damaged"),
    Case("nested.parquet", parquet(x=[[1], [2, 3]]), "list<"),
    Case("record.parquet", parquet(x=[{"a": 1}, {"a": 2}]), "struct<"),
    Case("binary.parquet", parquet(x=[b"\xff", b"2"]), "binary"),
    Case("no-columns.parquet", parquet(), "no columns"),
    Case("no-rows.parquet", parquet(x=pa.array([], pa.int64())), "no rows"),
    Case("large-numbers.parquet", parquet(x=[EXACT, 1], y=[EXACT, None]), READS,
         {"x": [EXACT, 1], "y": [str(EXACT), None]}, "too long to compute with"),
    Case("unsigned.parquet", parquet(x=pa.array([2**64 - 1, 0], pa.uint64())), READS, {"x": [str(2**64 - 1), "0"]},
         "too long"),
    Case("decimals.parquet", parquet(x=[Decimal("1.50"), None]), READS, {"x": [1.5, None]}),
    Case("far-dates.parquet", parquet(x=[dt.date(1, 1, 1), dt.date(9999, 12, 31)]), READS,
         {"x": [pd.Timestamp("0001-01-01"), pd.Timestamp("9999-12-31")]}),
    Case("exact-decimals.parquet", parquet(x=[Decimal("12345678901234567.25"), None]), READS,
         {"x": ["12345678901234567.25", None]}, "more digits than a number can hold"),
    Case("nanoseconds.parquet", parquet(x=pa.array([1001, 0], pa.timestamp("ns"))), READS,
         {"x": [pd.Timestamp("1970-01-01 00:00:00.000001"), pd.Timestamp("1970-01-01")]}, "finer than a microsecond"),
    Case("infinite.parquet", parquet(x=[1.0, float("inf")]), "Row 2 holds an infinite number"),
    Case("durations.parquet", parquet(x=[dt.timedelta(1), None]), "timedelta64"),
    Case("extension.parquet", parquet(**{"<script>": ["<b>", "<i>"]}), READS, {"<script>": ["<b>", "<i>"]}),
    Case("feather.parquet", GOOD_FEATHER, "is an Arrow file"),
    Case("parquet.feather", GOOD_PARQUET, "is a Parquet file"),
    Case("cut.feather", GOOD_FEATHER[: len(GOOD_FEATHER) // 2], "damaged"),
    Case("first.feather", b"FEA1" + bytes(60), "first version of Feather"),
    Case("text.arrow", LINES, "damaged"),
]  # fmt: skip

NOTATION = [
    Case("broken.json", b'[{"x": 1},\n {"x": }]', "not valid JSON"),
    Case("nested.json", b'[{"x": 1}, {"x": {"y": 2}}]', "further values"),
    Case("deep.json", b"[" * 100_000, "nested"),
    Case("digits.json", b'[{"x": ' + b"9" * 5000 + b'}, {"x": 1}]', "digits"),
    Case("infinite.json", b'[{"x": Infinity}, {"x": 1}]', "Infinity"),
    Case("overflow.json", b'[{"x": 1e400}, {"x": 1}]', "too large|not a number"),
    Case("names-twice.json", b'[{"x": 1, "x": 2}]', "more than once"),
    Case(
        "large-number.json", json.dumps([{"x": 2**70}, {"x": 1}]).encode(), READS, {"x": [str(2**70), "1"]}, "too long"
    ),
    Case("mixed.json", b'[{"x": 1}, {"x": "1"}]', READS, {"x": ["1", "1"]}, "mixes"),
    Case("lacking.json", b'[{"x": 1}, {"y": 2}]', READS, {"x": [1.0, None], "y": [None, 2.0]}),
    Case("surrogate.json", b'[{"x": "\\ud800"}, {"x": "b"}]', "no letter|half a letter|could not be read"),
    Case("prototype.json", b'[{"__proto__": 1}, {"__proto__": 2}]', READS, {"__proto__": [1, 2]}),
    Case("data.json", b'{"page": 1, "data": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}', READS, XY, "under “data”"),
    Case("two-tables.json", b'{"a": [{"x": 1}], "b": [{"x": 1}]}', "further values|does not have the rows"),
    Case("not-a-number.json", b'[{"x": NaN}, {"x": 1}]', READS, {"x": [None, 1.0]}),
    Case("ragged.json", b'{"x": [1, 2], "y": [1]}', "does not have the rows"),
    Case("scalar.json", b"3", "no table"),
    Case("broken.jsonl", b'{"x": 1}\n{"x": 2}\n{"x" 3}\n', "not valid JSON"),
    Case("list.jsonl", b"[1, 2]\n[3, 4]\n", "no table"),
    Case("page.json", b"<!DOCTYPE html><html></html>", "web page|not valid JSON"),
]

PACKED = [
    Case("good.csv.gz", gzip.compress(LINES), READS, XY, "Unpacked"),
    Case("cut.csv.gz", gzip.compress(LINES)[:-9], "damaged or incomplete"),
    Case("text.csv.gz", LINES, "damaged or incomplete"),
    Case("good.csv.bz2", bz2.compress(LINES), READS, XY, "Unpacked"),
    Case("good.csv.xz", lzma.compress(LINES), READS, XY, "Unpacked"),
    Case("text.csv.zst", LINES, "damaged or incomplete"),
    Case("twice.csv.gz.gz", gzip.compress(gzip.compress(LINES)), "archive inside another"),
    Case("bomb.csv.gz", gzip.compress(b"\n" * 600_000_000, 1), "unpacks to more than 500,000,000"),
    Case("good.zip", archive({"t.csv": LINES}), READS, XY, "“t.csv” in good.zip"),
    Case("several.zip", archive({"a.csv": LINES, "b.csv": LINES}), "holds 2 files"),
    Case("empty.zip", archive({}), "holds no file"),
    Case("climbing.zip", archive({"../../../t.csv": LINES}), READS, XY, "climbing.zip was read"),
    Case("in-archive.zip", archive({"inner.zip": archive({"t.csv": LINES})}), "archive inside another|cannot be read"),
    Case("program.zip", archive({"run.sh": b"rm -r ."}), "“.sh” cannot be read"),
    Case("locked.zip", locked(archive({"t.csv": LINES})), "locked by a password"),
    Case("t.tar.gz", tape(), "archive inside another"),
    Case("t.tgz", tape(), "“.tgz” cannot be read"),
    Case("bomb.zip", archive({"t.csv": b"\n" * 510_000_000}), "unpacks to more than 500,000,000"),
    Case("packed-in.zip", archive({"t.csv.gz": gzip.compress(LINES)}), "archive inside another"),
    Case("script.zip", archive({"<script>.csv": LINES, "a.csv": LINES}), "“<script>.csv”"),
    Case(
        "chosen.zip",
        archive({"a.csv": b"x;y\n1;2\n3;4\n", "b.csv": LINES}),
        READS,
        XY,
        "“a.csv”.*semicolons",
        choice="a.csv",
    ),
    Case("chosen-wrong.zip", archive({"a.csv": LINES, "b.csv": LINES}), "no file “c.csv”", choice="c.csv"),
    Case("zip.csv.gz", archive({"t.csv": LINES}), "ends in .gz|damaged or incomplete"),
    Case("text.zip", LINES, "damaged or incomplete"),
]

OTHERS = [
    Case("good.sqlite", GOOD_DATABASE, READS, XY),
    Case("cut.sqlite", GOOD_DATABASE[:5000], "malformed|damaged|could not|not a database"),
    Case("flipped.sqlite", GOOD_DATABASE[:100] + b"\xff" * 50 + GOOD_DATABASE[150:], "malformed|damaged|could not"),
    Case("no-table.sqlite", database("CREATE TABLE t (x)", "DROP TABLE t"), "no table"),
    Case("drop.sqlite", GOOD_DATABASE, "SELECT|no table|query", choice="DROP TABLE t"),
    Case("two.sqlite", GOOD_DATABASE, "SELECT|one statement|no table|query", choice="SELECT 1; DROP TABLE t"),
    Case("text.db", LINES, "neither a SQLite nor a DuckDB"),
    Case("false.duckdb", bytes(8) + b"DUCK" + bytes(100), "(?i)DuckDB|could not|not a valid"),
    Case("good.duckdb", GOOD_DUCKDB, READS, XY),
    Case("cut.duckdb", GOOD_DUCKDB[: len(GOOD_DUCKDB) // 2], "refused"),
    Case("reads-files.duckdb", GOOD_DUCKDB, "Cannot access file", choice="SELECT * FROM read_csv('/etc/passwd')"),
    Case("attaches.duckdb", GOOD_DUCKDB, "is not one query", choice="ATTACH '/etc/passwd' AS x"),
    Case("pragma.sqlite", GOOD_DATABASE, "is not one query", choice="PRAGMA writable_schema = 1"),
    Case("quoted.sqlite", GOOD_DATABASE, "no table", choice='t"; DROP TABLE t; --'),
    Case("sqlite.csv", GOOD_DATABASE, "is a SQLite database"),
    Case("good.dta", statistical(".dta", x=[1, 3], y=[2, 4]), READS, XY),
    Case("cut.dta", statistical(".dta", x=[1, 3], y=[2, 4])[:-20], "a part of it is missing"),
    Case("good.sav", statistical(".sav", x=[1, 3], y=[2, 4]), READS, XY),
    Case("cut.sav", statistical(".sav", x=[1, 3], y=[2, 4])[:-20], "damaged, incomplete or not one of SPSS"),
    Case("good.xpt", statistical(".xpt", x=[1, 3], y=[2, 4]), READS, XY),
    Case("cut.xpt", statistical(".xpt", x=[1, 3], y=[2, 4])[:-20], "a part of it is missing"),
    Case("sav.dta", statistical(".sav", x=[1, 3], y=[2, 4]), "is an SPSS file"),
    Case("dta.sav", statistical(".dta", x=[1, 3], y=[2, 4]), "is a Stata file"),
    Case("text.dta", LINES, "not one of Stata|damaged"),
    Case("text.sav", LINES, "not one of SPSS|damaged"),
    Case("text.sas7bdat", LINES, "not one of SAS|damaged"),
    Case("text.xpt", LINES, "not one of SAS|damaged"),
    Case("old.xls", b"\xd0\xcf\x11\xe0", "“.xls” cannot be read"),
    Case("code.pkl", b"cos\nsystem\n(S'true'\ntR.", "“.pkl” cannot be read"),
    Case("ending", LINES, "no ending"),
    Case("upper.CSV", LINES, READS, XY),
    Case("a b#c&d=é.csv", LINES, READS, XY),
    Case("<img src=x>.csv", LINES, READS, XY),
]

FORMATS = [*BOOKS, *COLUMNAR, *NOTATION, *PACKED, *OTHERS]
