"""Read delimited text: CSV, TSV and their relatives with semicolons or bars.

One parser decides both the layout and the values, because two that disagree would change data without a word.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa

from modelcompose.data.cells import check_names, listed, parse
from modelcompose.errors import InvalidData

__all__ = ["Delimited", "decode"]

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
CHUNK = 50_000
SNIFFED = 200_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
OTHER_FORMATS = (
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"PK\x03\x04", "a ZIP archive, perhaps an Excel workbook", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", ""),
    (b"\x1f\x8b", "a file packed with gzip", ""),
    (b"%PDF", "a PDF document", ""),
    (b"SQLite format 3", "a SQLite database", ""),
    (b"\x89HDF", "an HDF5 file", ""),
)
MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|table|head|body)\b", re.IGNORECASE)
SEPARATOR_LINE = re.compile(r"sep=.\r?\n", re.IGNORECASE)
JSON_START = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{])')


class Delimited:
    """Text with one row a line and values separated by a comma, semicolon, tab or vertical bar."""

    suffixes = (".csv", ".tsv", ".tab", ".txt")

    def read(self, path: Path) -> pd.DataFrame:
        content, notes = decode(path)
        if MARKUP.match(content):
            raise wrong_format(path, "a web page or XML document", "")
        if JSON_START.match(content):
            raise wrong_format(path, "JSON", ".json")
        if SEPARATOR_LINE.match(content):
            raise InvalidData(
                "The first line only tells Excel the separator; it is no header.",
                where=f"{path.name}, line 1",
                remedy="Delete the first line.",
            )
        usual = "," if path.suffix.lower() in (".csv", ".txt") else "\t"
        delimiter = sniff(content, usual)
        if delimiter != usual:
            notes.append(f"The values are separated by {DELIMITERS[delimiter]}.")
        names, columns, skipped = split(content, delimiter, path)
        if skipped:
            notes.append(f"Empty lines between the rows were skipped: {skipped}.")
        series, remarks = {}, {"comma": [], "padded": [], "long": []}  # type: dict[str, pd.Series], dict[str, list[str]]
        for name, cells in zip(names, columns, strict=True):
            series[name], remark = parse(cells, decimal_comma=delimiter != ",")
            if remark:
                remarks[remark].append(f"“{name}”")
        for remark, sentence in {
            "comma": "The comma is read as the decimal sign in {}.",
            "padded": "Numbers with leading zeros are kept as text in {}.",
            "long": "Numbers of more than 15 digits are kept as text, so that no digit is lost, in {}.",
        }.items():
            if remarks[remark]:
                notes.append(sentence.format(listed(remarks[remark])))
        frame = pd.DataFrame(series)
        frame.attrs["notes"] = notes
        return frame


def decode(path: Path) -> tuple[str, list[str]]:
    """Return the text of a file and a note if its encoding had to be guessed; refuse what is no text."""
    content = path.read_bytes()
    for magic, what, suffix in OTHER_FORMATS:
        if content.startswith(magic):
            raise wrong_format(path, what, suffix)
    notes: list[str] = []
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            decoded = content.decode("utf-16")
        else:
            decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        try:
            decoded = content.decode("cp1252")
        except UnicodeDecodeError:
            raise no_text(path, line) from error
        notes.append(
            f"The file is not in UTF-8 (line {line}); it was read as Windows-1252. Check the letters with accents."
        )
    if found := CONTROL.search(decoded):
        raise no_text(path, decoded.count("\n", 0, found.start()) + 1)
    if not decoded.strip():
        raise InvalidData("The file is empty.", where=path.name, remedy="Choose a file with a header and rows.")
    return decoded, notes


def wrong_format(path: Path, what: str, suffix: str) -> InvalidData:
    advice = f"Rename it to end in {suffix}." if suffix else "Save the table as CSV, Excel (.xlsx) or Parquet."
    return InvalidData(f"The file ends in {path.suffix} but is {what}.", where=path.name, remedy=advice)


def no_text(path: Path, line: int) -> InvalidData:
    return InvalidData(
        f"The file ends in {path.suffix} but holds bytes that are no text.",
        where=f"{path.name}, line {line}",
        remedy="Save the table again as CSV in UTF-8, or as Excel (.xlsx) or Parquet.",
    )


def sniff(content: str, usual: str) -> str:
    """Choose the delimiter that splits the first rows most evenly, the usual one if several do."""
    start = content[:SNIFFED]

    def evenness(delimiter: str) -> tuple[float, bool, int]:
        try:
            rows = [row for row in islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), 50) if row]
        except csv.Error:
            return 0.0, False, 0
        if not rows or len(rows[0]) < 2:
            return 0.0, False, 0
        share = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return share, delimiter == usual, len(rows[0])

    best = max(DELIMITERS, key=evenness)
    return best if evenness(best)[0] > 0 else usual


def split(content: str, delimiter: str, path: Path) -> tuple[list[str], list[pa.Array], int]:
    """Return the names, the cells of each column, and how many empty lines stood between rows."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    rows = rows_of(reader, path)
    header = next(rows, [])
    names = check_names(header, f"{path.name}, line {reader.line_num}")
    chunks: list[list[pa.Array]] = [[] for _ in names]
    pending: list[list[str]] = []
    empty = skipped = 0
    for row in rows:
        if not row:
            empty += 1
            continue
        skipped, empty = skipped + empty, 0
        if len(row) != len(names):
            raise ragged(row, names, f"{path.name}, line {reader.line_num}")
        pending.append(row)
        if len(pending) == CHUNK:
            flush(pending, chunks)
    flush(pending, chunks)
    return names, [pa.concat_arrays(parts) for parts in chunks], skipped


def flush(pending: list[list[str]], chunks: list[list[pa.Array]]) -> None:
    for position, parts in enumerate(chunks):
        parts.append(pa.array([row[position] for row in pending], type=pa.large_string()))
    pending.clear()


def rows_of(reader: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    """Yield the rows; a misplaced quotation mark becomes a message that names its line."""
    while True:
        start = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error)
            if "unexpected end" in reason:
                message = "A quotation mark is opened and never closed."
            elif "expected after" in reason:
                message = "There is text after a closing quotation mark."
            elif "field limit" in reason:
                message = f"One value is longer than {csv.field_size_limit():,} characters."
            else:
                message = f"The line cannot be split into values ({reason})."
            raise InvalidData(
                message,
                where=f"{path.name}, line {start}",
                remedy='Put the whole value into quotation marks and double those inside it: "5"" pipe".',
            ) from error
        yield row


def ragged(row: list[str], names: list[str], where: str) -> InvalidData:
    values = "1 value" if len(row) == 1 else f"{len(row)} values"
    columns = "1 column" if len(names) == 1 else f"{len(names)} columns"
    return InvalidData(
        f"The line has {values}, but the header names {columns}.",
        where=where,
        remedy="Give every line as many values as the header has names; "
        "put a value that contains the separator into quotation marks.",
    )
