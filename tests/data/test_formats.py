"""One table, saved in every format and fetched from every kind of place, is one and the same table again."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import lzma
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pyreadstat
import pytest
from moto.server import ThreadedMotoServer

from modelcompose.data import address, read, readers
from modelcompose.data.digest import digest
from modelcompose.errors import InvalidData

TABLE = pd.DataFrame(
    {
        "yes": [True, False, True, True],
        "maybe": pd.array([True, None, False, True], dtype="boolean"),
        "n": [1, 2, 3, 2**40],
        "gaps": [1.0, np.nan, 3.0, 4.0],
        "x": [1.5, -2.25, 1e-9, np.nan],
        "name": pd.Series(["Ann “A”", 'Bo "b", ü;|', None, "Čeněk 東京"], dtype="str"),
        "day": pd.Series(["2024-03-01", "2024-03-02", None, "1931-12-24"]).astype("datetime64[us]"),
        "at": pd.Series(["2024-03-01 10:20:30", "2024-03-02 00:00:01", None, "1931-12-24 23:59:59"]).astype(
            "datetime64[us]"
        ),
        "grade": pd.Series(["low", "high", "mid", "low"], dtype="str"),
    }
)
"""Names of at most eight letters, since the transport files of SAS have no longer ones."""

DAYS = [None if pd.isna(day) else day.date() for day in TABLE["day"]]
DATED = TABLE.assign(day=pd.Series(DAYS, dtype="object"))
GRADES = pd.Categorical(TABLE["grade"], ["low", "mid", "high"], ordered=True)
WITHOUT_TRUTH = TABLE.astype({"yes": "int64"}).assign(maybe=TABLE["maybe"].astype("float64"))
"""What programs make of the table that have no truth values: “yes” and “maybe” are the numbers 0 and 1."""

NO_TRUTH = {".dta", ".sav", ".zsav", ".xpt"}


def as_json(path: Path, **options: object) -> None:
    TABLE.to_json(path, date_format="iso", double_precision=15, **options)


def as_arrow(path: Path) -> None:
    table = pa.Table.from_pandas(DATED.assign(grade=GRADES))
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)


def as_stream(path: Path) -> None:
    table = pa.Table.from_pandas(TABLE)
    with pa.ipc.new_stream(str(path), table.schema) as file:
        file.write_table(table, max_chunksize=2)


def as_sqlite(path: Path) -> None:
    """Truth values have a declared type only: SQLite itself has none."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE sales (yes BOOLEAN, maybe bool, n INTEGER, gaps REAL, x REAL, name TEXT, day DATE, at TIMESTAMP, "
        "grade TEXT)"
    )
    rows = [[None if pd.isna(cell) else cell for cell in row] for row in DATED.astype("object").to_numpy().tolist()]
    for row in rows:
        connection.execute(
            "INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [str(cell) if place in (6, 7) and cell else cell for place, cell in enumerate(row)],
        )
    connection.commit()
    connection.close()


def as_duckdb(path: Path) -> None:
    import duckdb

    sales = DATED.assign(grade=GRADES)
    with duckdb.connect(str(path)) as connection:
        connection.register("given", sales)
        connection.execute("CREATE TABLE sales AS SELECT * FROM given")


def packed(path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(TABLE.to_csv(index=False).encode()))


def as_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sales.csv", TABLE.to_csv(index=False))


WRITERS: dict[str, Callable[[Path], object]] = {
    "sales.csv": lambda path: TABLE.to_csv(path, index=False),
    "sales.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "semicolons.csv": lambda path: TABLE.to_csv(path, index=False, sep=";", decimal=","),
    "sales.json": partial(as_json, orient="records"),
    "columns.json": partial(as_json, orient="columns"),
    "sales.jsonl": partial(as_json, orient="records", lines=True),
    "sales.ndjson": partial(as_json, orient="records", lines=True),
    "sales.xlsx": lambda path: DATED.to_excel(path, index=False),
    "sales.parquet": lambda path: DATED.assign(grade=GRADES).to_parquet(path),
    "nullable.parquet": lambda path: TABLE.convert_dtypes().to_parquet(path, compression="zstd"),
    "sales.feather": lambda path: pf.write_feather(DATED.assign(grade=GRADES), path),
    "sales.arrow": as_arrow,
    "stream.arrow": as_stream,
    "sales.dta": lambda path: pyreadstat.write_dta(DATED, path),
    "pandas.dta": lambda path: WITHOUT_TRUTH.assign(grade=GRADES).to_stata(path, write_index=False, version=118),
    "sales.sav": lambda path: pyreadstat.write_sav(DATED, path),
    "sales.zsav": lambda path: pyreadstat.write_sav(DATED, path, compress=True),
    "sales.xpt": lambda path: pyreadstat.write_xport(DATED, path, file_format_version=5),
    "long.xpt": lambda path: pyreadstat.write_xport(DATED, path, file_format_version=8),
    "sales.sqlite": as_sqlite,
    "sales.duckdb": as_duckdb,
    "sales.csv.gz": partial(packed, pack=gzip.compress),
    "sales.csv.bz2": partial(packed, pack=bz2.compress),
    "sales.csv.xz": partial(packed, pack=lzma.compress),
    "sales.csv.zst": partial(packed, pack=lambda content: pa.Codec("zstd").compress(content, asbytes=True)),
    "sales.parquet.gz": lambda path: path.write_bytes(gzip.compress(pa_bytes())),
    "sales.zip": as_zip,
}


def pa_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(TABLE), sink)
    return bytes(sink.getvalue())


def expected(name: str) -> pd.DataFrame:
    return WITHOUT_TRUTH if Path(name).suffix in NO_TRUTH else TABLE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table in every format."""
    here = tmp_path_factory.mktemp("formats")
    for name, write in WRITERS.items():
        write(here / name)
    return here


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same files on a web server of this machine, which only this test may reach."""
    monkeypatch.setattr(address, "_allowed", lambda one: one.is_loopback)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def bucket(folder: Path) -> Iterator[str]:
    """The same files in a bucket of an S3 server of this machine."""
    import boto3

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="formats")
        for path in folder.iterdir():
            client.upload_file(str(path), "formats", path.name)
        yield "s3://formats"
    server.stop()


@pytest.mark.parametrize("name", WRITERS)
def test_the_table_is_the_same_from_every_format(name: str, folder: Path) -> None:
    frame, notes = read(name, folder)
    pd.testing.assert_frame_equal(frame, expected(name), check_exact=True)
    assert digest(frame) == digest(expected(name))
    told = ("Unpacked", "“sales.csv”", "The values are separated", "The comma is read")
    assert [note for note in notes if not note.startswith(told)] == []


def test_every_suffix_is_among_them() -> None:
    """The two that are not cannot be written whole by free software.

    SAS alone writes ``.sas7bdat``, and the portable files of SPSS have no letters beyond the encoding of the machine
    that wrote them; `test_a_portable_file_of_spss` has one without such letters.
    """
    written = {Path(name).suffix for name in WRITERS}
    alike = {".tab", ".txt", ".pq", ".ipc", ".db", ".sqlite3"}
    assert set(readers.readers()) - written - alike == {".por", ".sas7bdat"}


@pytest.mark.parametrize("name", WRITERS)
def test_the_table_is_the_same_from_the_web(name: str, web: str) -> None:
    frame, notes = read(f"{web}/{name}")
    pd.testing.assert_frame_equal(frame, expected(name), check_exact=True)
    assert f"Downloaded from {web}/{name}." in notes


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("name", WRITERS)
def test_the_table_is_the_same_from_a_bucket(name: str, bucket: str) -> None:
    frame, _ = read(f"{bucket}/{name}")
    pd.testing.assert_frame_equal(frame, expected(name), check_exact=True)


@pytest.mark.parametrize("name", ["sales.parquet", "sales.feather", "sales.arrow", "sales.duckdb", "pandas.dta"])
def test_the_order_of_categories_comes_along(name: str, folder: Path) -> None:
    frame, _ = read(name, folder)
    assert frame.attrs["variables"]["grade"]["levels"] == ["low", "mid", "high"]


@pytest.mark.parametrize("name", ["sales.sqlite", "sales.duckdb"])
def test_a_table_or_a_query_is_chosen_after_the_sign(name: str, folder: Path) -> None:
    by_name, _ = read(f"{name}#sales", folder)
    pd.testing.assert_frame_equal(by_name, TABLE, check_exact=True)
    chosen, _ = read(f"{name}#SELECT n, x AS y FROM sales WHERE n < 3 ORDER BY n DESC;", folder)
    assert chosen.to_dict("list") == {"n": [2, 1], "y": [-2.25, 1.5]}


# -- what a file says of its columns -----------------------------------------------------------------------------

LABELS = {
    "q": {1: "low ", 2: "mid", 3: "high", 4: "never"},
    "part": {98: "refused", 99: "asked later"},
    "text": {"a": "Alpha", "b": "Beta"},
    "twice": {1: "same", 2: "same"},
    "none": {1: "yes", 2: "no", 9: "NA"},
}


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """Answers with labels, as SPSS keeps them."""
    answers = pd.DataFrame(
        {
            "q": [1.0, 2, 3, np.nan],
            "part": [20.0, 30, 99, 98],
            "text": ["a", "b", "", "a"],
            "twice": [1, 2, 1, 2],
            "none": [1.0, 9, 1, 2],
            "clock": [dt.time(10, 20), dt.time(1, 2, 3), None, None],
        }
    )
    pyreadstat.write_sav(
        answers,
        tmp_path / "survey.sav",
        column_labels={"q": "How <b>good</b>?"},
        variable_value_labels=LABELS,
        variable_measure={"q": "ordinal"},
        missing_ranges={"part": [99]},
    )
    return tmp_path / "survey.sav"


def test_labels_stand_in_the_place_of_codes_where_every_code_has_one(survey: Path) -> None:
    frame, notes = read(survey)
    told = " ".join(notes)
    assert frame["q"].tolist()[:3] == ["low", "mid", "high"]
    assert frame["text"].tolist()[:2] == ["Alpha", "Beta"]
    assert frame["clock"].tolist()[:2] == ["10:20:00", "01:02:03"]
    assert frame.attrs["variables"]["q"] == {"label": "How <b>good</b>?", "levels": ["low", "mid", "high", "never"]}
    assert frame.attrs["kinds"] == {"q": "ordered"}
    assert frame["twice"].tolist() == [1, 2, 1, 2]
    assert "one label for several codes" in told
    assert frame["none"].isna().tolist() == [False, True, False, False]
    assert "no value where its label is “NA”" in told


def test_codes_without_a_label_keep_all_codes_and_missing_ones_are_told(survey: Path) -> None:
    frame, notes = read(survey)
    assert frame["part"].tolist()[:2] == [20.0, 30.0]
    assert frame["part"].tolist()[3] == 98.0
    assert np.isnan(frame["part"][2])
    told = " ".join(notes)
    assert "98 means “refused” and 99 means “asked later”" in told
    assert "“part” has no value where the file has a code for missing ones: 99." in told


def test_a_portable_file_of_spss(tmp_path: Path) -> None:
    plain = pd.DataFrame({"X": [1.5, -2.25, 3.0], "T": ["a", "b", "c"]})
    pyreadstat.write_por(plain, tmp_path / "plain.por")
    frame, _ = read(tmp_path / "plain.por")
    pd.testing.assert_frame_equal(frame, plain.astype({"T": "str"}), check_exact=True)


@pytest.mark.parametrize("name", ["sales.dta", "sales.sav", "sales.zsav", "sales.xpt", "long.xpt", "sales.sqlite"])
@pytest.mark.parametrize("share", [0.99, 0.9, 0.5, 0.1])
def test_files_that_break_off_are_no_smaller_tables(name: str, share: float, folder: Path, tmp_path: Path) -> None:
    content = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InvalidData) as caught:
        read(tmp_path / name)
    assert caught.value.remedy


def test_several_tables_in_a_file_of_sas_are_refused(folder: Path, tmp_path: Path) -> None:
    """They would be read as the rows of one."""
    content = (folder / "sales.xpt").read_bytes()
    first = content.index(b"HEADER RECORD*******MEMBER ")
    (tmp_path / "two.xpt").write_bytes(content + content[first:])
    with pytest.raises(InvalidData, match="holds 2 tables"):
        read(tmp_path / "two.xpt")


def test_unordered_dictionaries_are_text_and_ordered_ones_keep_their_order(tmp_path: Path) -> None:
    codes = pa.array([0, 1, None, 2, 0])
    levels = pa.array(["low ", "mid", "high"])
    table = pa.table(
        {
            "free": pa.DictionaryArray.from_arrays(codes, levels),
            "order": pa.DictionaryArray.from_arrays(codes, levels, ordered=True),
            "parts": pa.chunked_array(
                [pa.array(["b", "a"]).dictionary_encode(), pa.array(["c", "a", "b"]).dictionary_encode()]
            ),
        }
    )
    pf.write_feather(table, str(tmp_path / "t.feather"))
    frame, _ = read(tmp_path / "t.feather")
    assert frame["free"].tolist()[:2] == frame["order"].tolist()[:2] == ["low", "mid"]
    assert frame["parts"].tolist() == ["b", "a", "c", "a", "b"]
    assert frame.attrs == {"variables": {"order": {"levels": ["low", "mid", "high"]}}, "kinds": {"order": "ordered"}}


def test_clock_times_are_the_same_text_from_every_format(tmp_path: Path) -> None:
    clock = pd.DataFrame({"clock": [dt.time(10, 20), dt.time(1, 2, 3)]})
    clock.to_parquet(tmp_path / "t.parquet")
    clock.to_excel(tmp_path / "t.xlsx", index=False)
    pyreadstat.write_sav(clock, tmp_path / "t.sav")
    for path in tmp_path.iterdir():
        assert read(path)[0]["clock"].tolist() == ["10:20:00", "01:02:03"], path.name


def test_a_part_of_a_file_is_chosen_after_the_sign(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "several.zip", "w") as archive:
        for name in ("sales.xlsx", "semicolons.csv", "sales.sqlite"):
            archive.write(folder / name, f"inner/{name}")
    for choice in ("inner/sales.xlsx", "inner/sales.xlsx#Sheet1", "inner/semicolons.csv", "inner/sales.sqlite#sales"):
        frame, _ = read(f"several.zip#{choice}", tmp_path)
        pd.testing.assert_frame_equal(frame, TABLE, check_exact=True)
    with pytest.raises(InvalidData, match="holds 3 files") as caught:
        read("several.zip", tmp_path)
    assert "several.zip#inner/sales.xlsx" in str(caught.value.remedy)


def test_nothing_can_be_chosen_where_there_is_no_choice(folder: Path) -> None:
    with pytest.raises(InvalidData, match="nothing to choose") as caught:
        read("sales.parquet#part", folder)
    assert caught.value.remedy == "Leave it away."
