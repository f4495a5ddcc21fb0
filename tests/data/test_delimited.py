"""What is sniffed from delimited text, what can be chosen instead, and a look at the beginning only."""

import time

import numpy as np
import pandas as pd
import pytest

from modelcompose.data import delimited, fast, read
from modelcompose.data.delimited import peek
from modelcompose.errors import InvalidData

DELIMITERS = {",": "", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_the_delimiter_is_found_and_the_reason_told(delimiter, suffix, tmp_path):
    rows = [["name", "size", "remark"], ["a", "1", "x, y; z"], ["b", "2", "3|4"]]
    content = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    (tmp_path / f"table.{suffix}").write_text(content)
    frame, notes = read(f"table.{suffix}", tmp_path)
    assert frame.to_dict("list") == {"name": ["a", "b"], "size": [1, 2], "remark": ["x, y; z", "3|4"]}
    words = DELIMITERS[delimiter]
    assert " ".join(notes) == (
        f"The values are separated by {words}: they split 3 of the first 3 lines into 3 values." if words else ""
    )


def test_a_choice_wins_over_what_is_sniffed(tmp_path):
    (tmp_path / "table.csv").write_bytes("a;b,c\né;1,5\nü;2,5\n".encode("cp437"))
    frame, _ = read("table.csv#encoding=cp437&delimiter=;&decimal=comma", tmp_path)
    assert frame.to_dict("list") == {"a": ["é", "ü"], "b,c": [1.5, 2.5]}
    frame, _ = read("table.csv#encoding=cp437&delimiter=;&decimal=.", tmp_path)
    assert frame["b,c"].tolist() == ["1,5", "2,5"]
    frame, _ = read("table.csv#encoding=cp437&delimiter=comma", tmp_path)
    assert list(frame.columns) == ["a;b", "c"]


def test_a_table_pasted_from_a_spreadsheet_has_tabs(tmp_path):
    (tmp_path / "pasted.csv").write_text(
        'when\tprice\tremark\r\n2024-01-31\t1,5\t"two\nlines"\r\n2024-02-01\t2\tb, c\r\n'
    )
    frame, notes = read("pasted.csv", tmp_path)
    assert frame["price"].tolist() == [1.5, 2.0]
    assert frame["remark"].tolist() == ["two\nlines", "b, c"]
    assert "tabs" in notes[0]


def test_only_the_beginning_of_a_file_is_needed_for_a_look_at_it(tmp_path, monkeypatch):
    path = tmp_path / "long.csv"
    path.write_text("x;y\n" + "1,5;a\n2;b\n" * 200_000 + "broken\n")
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "carefully", lambda *_: pytest.fail("read it all"))
        start = time.perf_counter()
        frame = peek(path, 3)
    assert time.perf_counter() - start < 1
    assert frame.to_dict("list") == {"x": [1.5, 2.0, 1.5], "y": ["a", "b", "a"]}
    path.write_text("sep=|\nx|y\n1|2\n3|4\n")
    pd.testing.assert_frame_equal(peek(path), read(path)[0])
    path.write_text("x,y\n1\n")
    with pytest.raises(InvalidData, match="1 value"):
        peek(path)
    path.write_text("\n")
    with pytest.raises(InvalidData):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1", "cp1251"])
def test_a_long_text_in_another_encoding_takes_the_fast_way_too(encoding, tmp_path, monkeypatch):
    town = "Ижевск" if encoding == "cp1251" else "Zürich"
    path = tmp_path / "towns.csv"
    path.write_bytes(("town,n\n" + f"{town},1\n" * 60 + f"{town},2.5\n").encode(encoding))
    monkeypatch.setattr(fast, "WORTHWHILE", 0)
    monkeypatch.setattr(delimited, "carefully", lambda *_: pytest.fail("read carefully"))
    frame, notes = read("towns.csv#encoding=cp1251" if encoding == "cp1251" else path, tmp_path)
    assert frame["town"].tolist() == [town] * 61
    assert frame["n"].sum() == 62.5
    assert bool(notes) == (encoding != "utf-16")


def test_wide_and_long_tables_are_read_the_fast_way_or_at_least_in_time(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({f"c{place}": rng.choice(["a", "b, c", "7"], 3000) for place in range(200)})
    table.iloc[-1] = "z"
    table.to_csv(tmp_path / "wide.csv", index=False)
    start = time.perf_counter()
    frame, _ = read(tmp_path / "wide.csv")
    assert time.perf_counter() - start < 10
    assert (frame.to_numpy() == table.to_numpy()).all()
