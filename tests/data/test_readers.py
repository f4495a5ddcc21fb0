"""The same table from every format, and every way in which a file can be wrong."""

import datetime as dt
import json
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from modelcompose.data import cells, excel, read, readers
from modelcompose.errors import InvalidData, ModelComposeError, NotFound

TABLE = pd.DataFrame(
    {
        "name, with comma": pd.Series(["Ann “A”", 'Bo "b"', None, "Čeněk;|"], dtype="str"),
        "x": [1.5, -2.25, 1e-9, np.nan],
        "n": [1, 2, 3, 2**40],
        "gaps": [1.0, np.nan, 3.0, 4.0],
        "yes": [True, False, True, True],
        "maybe": pd.array([True, None, False, True], dtype="boolean"),
        "when": pd.Series(["2024-03-01", "2024-03-02", None, "1931-12-24"]).astype("datetime64[us]"),
        "<script>alert(1)</script>": pd.Series(["a", "b", "c", "d"], dtype="str"),
    }
)


def as_json(path, **options):
    TABLE.to_json(path, date_format="iso", double_precision=15, **options)


WRITERS = {
    "comma.csv": lambda path: TABLE.to_csv(path, index=False),
    "semicolon.csv": lambda path: TABLE.to_csv(path, index=False, sep=";"),
    "bar.txt": lambda path: TABLE.to_csv(path, index=False, sep="|"),
    "tab.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "tab.csv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "missing.csv": lambda path: TABLE.to_csv(path, index=False, na_rep="NA"),
    "signed.csv": lambda path: TABLE.to_csv(path, index=False, encoding="utf-8-sig"),
    "utf16.csv": lambda path: TABLE.to_csv(path, index=False, encoding="utf-16"),
    "windows.csv": lambda path: path.write_bytes(TABLE.to_csv(index=False, lineterminator="\r\n").encode()),
    "decimal.csv": lambda path: TABLE.to_csv(path, index=False, sep=";", decimal=","),
    "records.json": lambda path: as_json(path, orient="records"),
    "columns.json": lambda path: as_json(path, orient="columns"),
    "lists.json": lambda path: path.write_text(json.dumps(as_lists())),
    "lines.jsonl": lambda path: as_json(path, orient="records", lines=True),
    "lines.json": lambda path: as_json(path, orient="records", lines=True),
    "book.xlsx": lambda path: TABLE.to_excel(path, index=False),
    "plain.parquet": lambda path: TABLE.to_parquet(path, index=False),
    "indexed.parquet": lambda path: TABLE.set_index("name, with comma").reset_index().to_parquet(path),
    "categories.parquet": lambda path: TABLE.astype({"name, with comma": "category"}).to_parquet(path),
    "nullable.parquet": lambda path: TABLE.convert_dtypes().to_parquet(path),
}


def as_lists():
    records = json.loads(TABLE.to_json(orient="records", date_format="iso", double_precision=15))
    return {name: [record[name] for record in records] for name in TABLE}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_table_comes_out_of_every_format(name, tmp_path):
    WRITERS[name](tmp_path / name)
    frame, _ = read(tmp_path / name)
    pd.testing.assert_frame_equal(frame, TABLE, check_exact=True)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(table: pd.DataFrame | pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pandas(table), sink)
    return sink.getvalue().to_pybytes()


def workbook(*rows: list[object]) -> bytes:
    from io import BytesIO

    book, buffer = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


GOOD = parquet(pd.DataFrame({"x": [1, 2, 3]}))
NESTED = pa.table({"x": pa.array([[1], [2, 3]])})
TWICE = pa.Table.from_arrays([pa.array([1, 2]), pa.array([1, 2])], names=["x", "x"])

BAD = {
    "nothing.csv": (b"", "empty", ""),
    "white.csv": (" \n\n", "empty", ""),
    "header.csv": ("x,y\n", "no rows", ""),
    "one.csv": ("x,y\n1,2\n", "one row", ""),
    "nul.csv": (b"x,y\n1,\x002\n", "no text", "line 2"),
    "garbage.csv": (bytes(range(256)) * 4, "no text", "line 2"),
    "control.csv": (b"x,y\n1,2\n\x07,3\n", "no text", "line 3"),
    "disguised.csv": (GOOD, "Parquet", ""),
    "page.csv": ("<!DOCTYPE html>\n<html><body>404</body></html>", "web page", ""),
    "json.csv": ('[{"x": 1}, {"x": 2}]', "JSON", ""),
    "book.csv": (workbook(["x"], [1], [2]), "ZIP", ""),
    "packed.csv": (b"\x1f\x8b\x08\x00\x00", "gzip", ""),
    "long.csv": ("x,y\n1,2\n3,4,5\n", "3 values, but the header names 2 columns", "line 3"),
    "short.csv": ("x,y\n1,2\n3\n", "1 value, but the header names 2 columns", "line 3"),
    "index.csv": ("x,y\na,1,2\nb,3,4\n", "3 values", "line 2"),
    "multiline.csv": ('x,y\n"a\nb",2\n3\n', "1 value", "line 4"),
    "quote.csv": ('x,y\n1,2\n"3,4\n5,6\n', "never closed", "line 3"),
    "inner.csv": ('x,y\n1,2\n"3"4,5\n', "closing quotation mark", "line 3"),
    "huge.csv": ("x,y\n1,2\n" + "a" * 200_000 + ",1\n", "longer than", "line 3"),
    "twice.csv": ("x,y,x\n1,2,3\n4,5,6\n", "“x” occurs 2 times (columns 1 and 3)", "line 1"),
    "unnamed.csv": (",x\n1,2\n3,4\n", "Column 1 has no name", "line 1"),
    "spaced.csv": ("x, ,y\n1,2,3\n3,4,5\n", "Column 2 has no name", "line 1"),
    "title.csv": ("My study\n\nx,y\n1,2\n", "the header names 1 column", "line 3"),
    "cut.parquet": (GOOD[: len(GOOD) // 2], "damaged", ""),
    "text.parquet": ("x,y\n1,2\n", "damaged", ""),
    "nested.parquet": (parquet(NESTED), "list<", "column “x”"),
    "binary.parquet": (parquet(pa.table({"x": [b"1", b"2"]})), "binary", "column “x”"),
    "twice.parquet": (parquet(TWICE), "“x” occurs 2 times", ""),
    "broken.json": ('[{"x": 1},\n {"x": }]', "not valid JSON", "line 2, column 8"),
    "broken.jsonl": ('{"x": 1}\n{"x": 2}\n{"x" 3}\n', "not valid JSON", "line 3, column 6"),
    "nested.json": ('[{"x": 1}, {"x": {"y": 2}}]', "further values", "row 2, column “x”"),
    "lists.json": ("[[1, 2], [3, 4]]", "no table", ""),
    "number.json": ("3", "no table", ""),
    "object.json": ("{}", "no table", ""),
    "scalar.json": ('{"x": 3}', "neither a list", "“x”"),
    "ragged.json": ('{"x": [1, 2], "y": [1]}', "(1 and 2)", "column “y”"),
    "twice.json": ('[{"x": 1, "x": 2}]', "“x” occurs more than once", ""),
    "unnamed.json": ('[{"": 1}, {"": 2}]', "no name", ""),
    "infinite.json": ('[{"x": Infinity}, {"x": 1}]', "Infinity", ""),
    "deep.json": ("[" * 100_000, "nested", ""),
    "digits.json": ("[" + "1" * 5000 + "]", "digits", ""),
    "empty.json": ("[]", "no columns", ""),
    "text.xlsx": ("x,y\n1,2\n", "not an Excel workbook", ""),
    "cut.xlsx": (workbook(["x"], [1], [2])[:-30], "not an Excel workbook", ""),
    "error.xlsx": (workbook(["x", "y"], [1, 2], [3, "#DIV/0!"]), "error #DIV/0!", "cell B3"),
    "unnamed.xlsx": (workbook(["x"], [1, 2], [3, 4]), "Column 2 has no name", "row 1"),
    "twice.xlsx": (workbook(["x", "x"], [1, 2], [3, 4]), "“x” occurs 2 times", "row 1"),
    "blank.xlsx": (workbook(), "empty", "sheet “Sheet”"),
    "one.xlsx": (workbook(["x"], [1]), "one row", ""),
    "old.xls": (b"\xd0\xcf\x11\xe0", "“.xls”", ""),
    "code.pkl": (b"\x80\x04N.", "“.pkl”", ""),
    "noending": (b"x\n1\n2\n", "no ending", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_a_remedy(name, tmp_path):
    content, message, place = BAD[name]
    path = write(tmp_path, name, content)
    before = path.read_bytes()
    with pytest.raises(InvalidData) as caught:
        read(path)
    assert message in caught.value.message
    assert name in (caught.value.where or "")
    assert place in (caught.value.where or "")
    assert caught.value.remedy
    assert path.read_bytes() == before


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(NotFound, match=r"gone\.csv"):
        read(tmp_path / "gone.csv")
    with pytest.raises(InvalidData, match="is a folder"):
        read(tmp_path)


def test_a_workbook_that_would_unpack_to_a_huge_size_is_refused_before_parsing(tmp_path, monkeypatch):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sheet.xml", "w") as member:
        for _ in range(30):
            member.write(b" " * 1_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(InvalidData, match="would unpack to 30,000,000 bytes"):
        read(path)
    monkeypatch.setattr(excel, "LIMIT", 1000)
    with pytest.raises(InvalidData, match="would unpack"):
        read(write(tmp_path, "limit.xlsx", workbook(["x"], [1], [2])))


def test_too_large_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LARGEST", 3)
    with pytest.raises(InvalidData, match="more than 3 are not read"):
        read(write(tmp_path, "big.csv", "x\n1\n2\n"))


def test_a_parquet_file_that_declares_too_many_rows_is_refused(tmp_path):
    constants = pa.table({"x": pa.array(np.zeros(200_000_000 // 1000, dtype="int8"))})
    path = tmp_path / "many.parquet"
    with pq.ParquetWriter(path, constants.schema) as writer:
        for _ in range(700):
            writer.write_table(constants)
    with pytest.raises(InvalidData, match="140,000,000 rows"):
        read(path)


CELLS = {
    "codes stay text": ("007,1\n012,2", ["007", "012"], "leading zeros"),
    "one code makes all text": ("7,1\n012,2", ["7", "012"], "leading zeros"),
    "zero is no code": ("0,1\n-0.5,2", [0.0, -0.5], ""),
    "long digits stay text": ("12345678901234567,1\n1,2", ["12345678901234567", "1"], "15 digits"),
    "exponents": ("1e3,1\n.5,2", [1000.0, 0.5], ""),
    "whole exponents": ("1e3,1\n5.,2", [1000, 5], ""),
    "overflow stays text": ("1e999,1\n1,2", ["1e999", "1"], ""),
    "infinity is text": ("inf,1\n1,2", ["inf", "1"], ""),
    "underscores are text": ("1_000,1\n1,2", ["1_000", "1"], ""),
    "hexadecimals are text": ("0x10,1\n1,2", ["0x10", "1"], ""),
    "foreign digits are text": ("٣,1\n1,2", ["٣", "1"], ""),
    "percentages are text": ("5%,1\n1,2", ["5%", "1"], ""),
    "spaces go": (" a ,1\nb,2", ["a", "b"], "spaces"),
    "words for nothing stay": ("none,1\n-,2", ["none", "-"], ""),
    "impossible dates stay text": ("2024-02-30,1\n2024-02-01,2", ["2024-02-30", "2024-02-01"], ""),
    "yes is no truth value": ("yes,1\nno,2", ["yes", "no"], ""),
}


@pytest.mark.parametrize("case", CELLS)
def test_no_cell_changes_without_a_word(case, tmp_path):
    lines, expected, note = CELLS[case]
    frame, notes = read(write(tmp_path, "cells.csv", f"x,y\n{lines}\n"))
    assert frame["x"].tolist() == expected
    assert note in " ".join(notes)
    assert bool(notes) == bool(note)


@pytest.mark.parametrize("code", cells.MISSING)
def test_these_cells_are_missing(code, tmp_path):
    frame, notes = read(write(tmp_path, "gaps.csv", f"x,y\n{code},a\n2.5,{code}\n3,c\n"))
    assert frame["x"].isna().tolist() == [True, False, False]
    assert frame["y"].isna().tolist() == [False, True, False]
    assert notes == ()


def test_guesses_about_the_file_are_told(tmp_path):
    _, notes = read(write(tmp_path, "latin.csv", "x,y\nZürich,1\nBern,2\n".encode("cp1252")))
    assert "Windows-1252" in notes[0]
    assert "line 2" in notes[0]
    frame, notes = read(write(tmp_path, "german.csv", "a;b;c\n1,5;x,y;1.234,5\n2;z;3\n"))
    assert frame["a"].tolist() == [1.5, 2.0]
    assert frame["b"].tolist() == ["x,y", "z"]
    assert frame["c"].tolist() == ["1.234,5", "3"]
    assert "semicolons" in notes[0]
    assert "decimal sign in “a”" in notes[1]
    frame, notes = read(write(tmp_path, "gap.csv", "x,y\n1,2\n\n3,4\n\n\n"))
    assert len(frame) == 2
    assert notes == ("Empty lines between the rows were skipped: 1.",)


def test_one_column_needs_no_delimiter(tmp_path):
    frame, notes = read(write(tmp_path, "single.csv", "x\n1\n2\n"))
    assert frame["x"].tolist() == [1, 2]
    assert notes == ()


def test_many_rows_come_in_chunks(tmp_path):
    lines = "\n".join(f"{row},{row % 7}" for row in range(120_001))
    frame, _ = read(write(tmp_path, "many.csv", f"x,y\n{lines}\n"))
    assert frame["x"].tolist() == list(range(120_001))


def test_other_sheets_and_mixed_cells_are_told(tmp_path):
    book = Workbook()
    for row in (["when", "code"], [dt.datetime(2024, 3, 1), "007"], [None, None], [dt.datetime(2024, 3, 2), 12]):  # noqa: DTZ001
        book.active.append(row)
    book.create_sheet("Notes").append(["ignore"])
    book.save(tmp_path / "book.xlsx")
    frame, notes = read(tmp_path / "book.xlsx")
    assert frame["code"].tolist() == ["007", "12"]
    assert str(frame["when"].dtype) == "datetime64[us]"
    assert "“Notes”" in notes[0]
    assert "Empty rows" in notes[1]
    assert "mixes values" in notes[2]


def test_formulas_without_a_stored_value_are_told(tmp_path):
    frame, notes = read(write(tmp_path, "formula.xlsx", workbook(["x", "y"], [1, "=A2*2"], [2, 5])))
    assert frame["y"].isna().tolist() == [True, False]
    assert "formula" in notes[0]
    assert "B2" in notes[0]


def test_large_whole_numbers_keep_every_digit(tmp_path):
    large = 2**60 + 1
    table = pa.table({"full": [large, 1], "gaps": [large, None], "unsigned": pa.array([2**64 - 1, 0], pa.uint64())})
    frame, notes = read(write(tmp_path, "large.parquet", parquet(table)))
    assert frame["full"].tolist() == [large, 1]
    assert frame["gaps"].iloc[0] == str(large)
    assert frame["unsigned"].iloc[0] == str(2**64 - 1)
    assert len(notes) == 2
    frame, _ = read(write(tmp_path, "large.json", json.dumps([{"x": 2**70}, {"x": 1}])))
    assert frame["x"].tolist() == [str(2**70), "1"]


def test_times_with_a_zone_become_utc_and_that_is_told(tmp_path):
    times = pa.array([1709251200, 1719788400], pa.timestamp("s", "Europe/Berlin"))
    frame, notes = read(write(tmp_path, "zone.parquet", parquet(pa.table({"t": times}))))
    assert frame["t"].astype(str).tolist() == ["2024-03-01 00:00:00", "2024-06-30 23:00:00"]
    assert "UTC" in notes[0]


class Letters:
    suffixes = (".letters", ".csv")

    def read(self, path):
        return pd.DataFrame({"letter": list(path.read_text()), "place": range(len(path.read_text()))})


def test_an_outsider_adds_a_format_by_entry_point(tmp_path, monkeypatch):
    entry = EntryPoint("letters", f"{__name__}:Letters", "modelcompose.readers")
    monkeypatch.setattr(entry.__class__, "load", lambda self: Letters)
    monkeypatch.setattr(readers, "entry_points", lambda group: [entry] if group == "modelcompose.readers" else [])
    readers.readers.cache_clear()
    try:
        frame, _ = read(write(tmp_path, "word.letters", "abc"))
        assert not isinstance(readers.readers()[".csv"], Letters)
        with pytest.raises(InvalidData, match="UnicodeDecodeError"):
            read(write(tmp_path, "word.letters", b"\xff\xff"))
    finally:
        readers.readers.cache_clear()
    assert frame["letter"].tolist() == ["a", "b", "c"]


TYPES = {"bool", "boolean", "int64", "float64", "datetime64[us]", "str"}
SUFFIXES = sorted(readers.readers())
TEXTS = st.text(alphabet="ab1.,;\t|\"'\n\r {}[]:é-", max_size=80).map(str.encode)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | TEXTS | st.just(GOOD).map(lambda good: good[:-9] + good[-8:]))
def test_any_bytes_give_a_table_or_a_readable_refusal(suffix, content, tmp_path):
    path = write(tmp_path, f"any{suffix}", content)
    refused = None
    try:
        frame, _ = read(path)
    except ModelComposeError as error:
        refused = error
    if refused:
        assert refused.where
        assert refused.remedy
    else:
        assert len(frame) >= 2
        assert {str(dtype) for dtype in frame.dtypes} <= TYPES
    assert path.read_bytes() == content
