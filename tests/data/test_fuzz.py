"""Any bytes give the cells of a strict parse, or a refusal; and the fast reader reads what the careful one does."""

import csv
import io
import math
import re
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from modelcompose.data import delimited, fast, read
from modelcompose.data.cells import MISSING, NUMBER, TRUTH
from modelcompose.errors import ModelComposeError

ANYHOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

CELLS = st.sampled_from(
    [
        *("", "NA", ".", "nan", "NaN", "null", "inf", "-inf", "Infinity", "-nan", "NAN", "None"),
        *(
            "0",
            "1",
            "-1",
            "+5",
            "-0",
            "7",
            "12",
            "007",
            "+07",
            "-00",
            " 7",
            " 007",
            "7 ",
            "1 000",
            "1_000",
            "0x10",
            "٣",
        ),
        *(
            "0.5",
            ".5",
            "5.",
            "-2.25",
            "1e3",
            "1E-3",
            "1e400",
            "1e-400",
            "0.1",
            "1,5",
            "1.234",
            "1,234.5",
            "00.5",
            "0e0",
        ),
        *("123456789012345", "1234567890123456", "12345678901234567890", "1234567890123456.5", "99999999999999999.5"),
        *(
            "9007199254740993",
            "-9223372036854775808",
            "9223372036854775807",
            "1e15",
            "1e22",
            "4.35",
            "5,",
            ",5",
            "-1,5e3",
            "1e3",
            "0.30000000000000004",
        ),
        *("true", "False", "TRUE", "yes", "T", "a", " b ", "é", "x\u00a0", "\u200bz", "<b>", "=1+1", "-", "%", "5%"),
        *("2024-01-31", "2024-02-30", "0000-00-00", "0000-01-01", "0001-01-01", "9999-12-31", "2024-1-1", "31/12/2024"),
        *("2024-01-31T10:00", "2024-01-31 10:00:00Z", "2024-01-31T10:00:00.123456", "2024-01-31T10:00:00.1234567"),
        *("+4915112345678", "a\tb", "a\x0cb", "'", "1.2.3", "#N/A"),
    ]
)
NUMBERS = st.integers(-10_000, 10_000).map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
DATES = st.dates().map(str)
GERMAN = st.floats(-1e6, 1e6).map(lambda number: f"{number:.3f}".replace(".", ","))


QUOTED = st.sampled_from(['5" pipe', '"', '""', "a,b", "a;b", "1,000", ",", '",', "two\nlines", " ", "'", '"0"'])


@st.composite
def in_quotes(draw: st.DrawFn, cell: str, quoting: str) -> str:
    """A cell as it is, or in quotation marks, then perhaps another that needs them."""
    if quoting == "never" or (quoting == "sometimes" and draw(st.booleans())):
        return cell
    content = draw(QUOTED) if draw(st.integers(0, 9)) == 0 else cell
    return '"' + content.replace('"', '""') + '"'


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A delimited text whose columns are mostly of one kind, with a cell of another here and there."""
    rows, width = draw(st.integers(2, 12)), draw(st.integers(1, 4))
    kinds = [draw(st.sampled_from([NUMBERS, DATES, CELLS, GERMAN, st.integers(0, 9).map(str)])) for _ in range(width)]
    columns = [draw(st.lists(kind, min_size=rows, max_size=rows)) for kind in kinds]
    for _ in range(draw(st.integers(0, 2))):
        columns[draw(st.integers(0, width - 1))][draw(st.integers(0, rows - 1))] = draw(CELLS)
    delimiter, end = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from(["never", "always", "sometimes"]))
    quoted = [[draw(in_quotes(cell, quoting)) for cell in column] for column in columns]
    lines = [delimiter.join(line) for line in zip(*quoted, strict=True)]
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    return end.join(
        [delimiter.join(f"c{place}" for place in range(width)), *lines, *[""] * draw(st.integers(0, 1))]
    ).encode(encoding)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A delimited text in which some bytes were changed, removed or put in."""
    content = bytearray(draw(tables()))
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        content[place : place + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [b'"', b",", b";", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\xff", b"\xef\xbb\xbf", b'""', b" "]
            )
        )
    return bytes(content)


def agrees(value: object, cell: str) -> bool:
    """Tell whether a value is what a cell says."""
    cell = cell.strip()
    if pd.isna(value):
        return cell in MISSING
    if isinstance(value, bool):
        return TRUTH.get(cell) is value
    if isinstance(value, pd.Timestamp):
        return value == pd.Timestamp(cell.rstrip("Z"))
    if isinstance(value, str):
        return value == cell
    plain = cell.replace(",", ".")
    return bool(re.match(NUMBER, plain, re.ASCII)) and (
        Decimal(plain) == value if isinstance(value, int) else math.isclose(value, float(plain))
    )


def parsed(content: str, delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return []


def holds(frame: pd.DataFrame, rows: list[list[str]]) -> bool:
    """Tell whether a frame has the cells of a parse, and no others."""
    if [name.strip() for name in rows[0]] != list(frame.columns) or len(rows) != len(frame) + 1:
        return False
    if any(len(row) != len(rows[0]) for row in rows):
        return False
    columns = zip(*rows[1:], strict=True)
    return all(
        all(map(agrees, frame[name].tolist(), cells)) for name, cells in zip(frame.columns, columns, strict=True)
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@ANYHOW
@given(content=mutated() | tables() | st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(content=b'x,y\n1,2\n"3",4\n')
def test_any_text_gives_its_own_cells_or_a_refusal(suffix, content, tmp_path):
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    try:
        frame, notes = read(path)
    except ModelComposeError as error:
        refusal = error
    else:
        refusal = None
    if refusal:
        assert refusal.where and refusal.remedy  # noqa: PT018
        assert "could not be read" not in refusal.message
        return
    assume(not any("encoding" in note for note in notes))
    decoded = content.decode(delimited.mark(content) or "utf-8-sig").lstrip("\ufeff")
    tries = [parsed(decoded, delimiter) for delimiter in delimited.DELIMITERS]
    assert any(holds(frame, rows) for rows in tries if rows), (frame, notes)


def either(path, monkeypatch, *, fast_one: bool):
    """Read with one of the two readers; the fast one looks at few rows, and at few bytes at a time."""
    with monkeypatch.context() as patch:
        patch.setattr(fast, "WORTHWHILE", 0 if fast_one else math.inf)
        patch.setattr(fast, "SAMPLE", 3)
        patch.setattr(fast, "CHUNK", 7)
        try:
            return read(path)
        except ModelComposeError as refusal:
            return str(refusal)


@ANYHOW
@given(content=tables() | mutated())
@example(content=b"a,b\n1,x\n2,y\n3, 007\n 007,z\n")
@example(content=b"a;b\n1;x\n2;y\n3;z\n-07;z\n")
@example(content=b"a,b\n0001-01-01,x\n2024-01-01,y\n2024-01-02,z\n0000-01-01,z\n")
@example(content=b"a;b\n0,1;x\n0,2;y\n0,3;z\n1.5;z\n5,;z\n")
@example(content=b"a;b\n0,1;1.5\n0,2;2.5\n0,3;3.5\n5,;1,5\n")
@example(content=b"a;b\n1;x\n2;y\n3;z\n1,5;z\n")
@example(content=b"a,b\n0.1,x\n0.2,y\n0.3,z\n1e-400,z\n")
@example(content=b"c0\n0\n0\n-9223372036854775808\n")
def test_the_fast_reader_is_the_careful_one(content, tmp_path, monkeypatch):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    careful, quick = (either(path, monkeypatch, fast_one=one) for one in (False, True))
    if isinstance(careful, str) or isinstance(quick, str):
        assert careful == quick
        return
    pd.testing.assert_frame_equal(careful[0], quick[0], check_exact=True)
    assert careful[1] == quick[1]


@pytest.mark.parametrize("name", ['"a, ""b"""', "a"])
def test_plain_text_takes_the_fast_way(name, tmp_path, monkeypatch):
    path = tmp_path / "plain.csv"
    path.write_text("n,x,day,who,yes\n" + f"1,0.5,2024-01-31,{name},true\n2,,2024-02-01,b,false\n" * 3)
    monkeypatch.setattr(fast, "WORTHWHILE", 0)
    monkeypatch.setattr(delimited, "carefully", lambda *_: pytest.fail("read carefully"))
    frame, notes = read(path)
    assert list(map(str, frame.dtypes)) == ["int64", "float64", "datetime64[us]", "str", "bool"]
    assert notes == ()
