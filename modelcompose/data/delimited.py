"""Read delimited text: CSV, TSV and their relatives with semicolons or bars.

One parser decides both the layout and the values, because two that disagree would change data without a word.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from modelcompose.data import fast
from modelcompose.data.cells import MISSING, check_names, listed, parse
from modelcompose.data.fast import Columns
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
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
JSON_START = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{])')


class Delimited:
    """Text with one row a line and values separated by a comma, semicolon, tab or vertical bar.

    What cannot be told from the file can be chosen: its ``encoding``, its ``delimiter`` and the ``decimal`` sign.
    """

    suffixes = (".csv", ".tsv", ".tab", ".txt")
    choices = ("encoding", "delimiter", "decimal")

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        start, encoding, notes = look(path, choices.get("encoding", ""))
        if MARKUP.match(start):
            raise wrong_format(path, "a web page or XML document", "")
        if JSON_START.match(start):
            raise wrong_format(path, "JSON", ".json")
        usual = "," if path.suffix.lower() in (".csv", ".txt") else "\t"
        delimiter, skipped = announced(start)
        if skipped:
            notes.append(f"The first line says that {DELIMITERS[delimiter]} separate the values.")
        else:
            delimiter = separator(choices["delimiter"]) if "delimiter" in choices else sniff(start, usual)
            if delimiter != usual:
                notes.append(f"The values are separated by {DELIMITERS[delimiter]}{evidence(start, delimiter)}.")
        decimal_comma = choices["decimal"] == "," if "decimal" in choices else delimiter != ","
        plain = encoding in ("utf-8", "utf-8-sig") and not skipped
        columns = fast.columns(path, delimiter, start, decimal_comma) if plain else None
        if columns is None:
            columns = carefully(path, encoding, delimiter, skipped, notes, decimal_comma)
        return framed(columns, notes, start, delimiter)


def framed(columns: Columns, notes: list[str], start: str, delimiter: str) -> pd.DataFrame:
    remarks: dict[str, list[str]] = {"comma": [], "padded": [], "long": []}
    for name, (_, remark) in columns.items():
        if remark:
            remarks[remark].append(f"“{name}”")
    for remark, sentence in {
        "comma": "The comma is read as the decimal sign in {}: every value is a number then.",
        "padded": "Numbers with leading zeros are kept as text in {}.",
        "long": "Numbers of more than 15 digits are kept as text, so that no digit is lost, in {}.",
    }.items():
        if remarks[remark]:
            notes.append(sentence.format(listed(remarks[remark])))
    for pattern, sentence in SUGGESTED:
        found = [f"“{name}”" for name, (column, _) in columns.items() if looks_like(column, pattern)]
        if found:
            notes.append(sentence.format(listed(found)))
    frame = pd.DataFrame({name: column for name, (column, _) in columns.items()})
    frame.attrs["notes"] = notes
    return frame


SUGGESTED = (
    (
        re.compile(r"[+-]?\d{1,3}(?:([.,' \u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?"),
        "The numbers in {} have separators between thousands, and are kept as text: which sign is decimal "
        "cannot be told. The step “Read text as values” settles it.",
    ),
    (
        re.compile(r"[+-]?\d+(?:[.,]\d+)?\s?%"),
        "The values in {} are percentages, and are kept as text. The step “Read text as values” makes shares of them.",
    ),
    (
        re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{2,4}"),
        "The dates in {} are kept as they are written. Where day and month cannot be told apart, the step “Read text as "
        "values” settles which is first.",
    ),
)
LOOKED_AT = 200


def looks_like(column: pd.Series[Any], pattern: re.Pattern[str]) -> bool:
    """Tell whether text is written in a certain way throughout, as far as its beginning shows."""
    if not isinstance(column.dtype, pd.StringDtype):
        return False
    cells = [cell.strip() for cell in column.head(LOOKED_AT).dropna() if cell.strip() not in MISSING]
    return bool(cells) and all(pattern.fullmatch(cell) for cell in cells)


def separator(chosen: str) -> str:
    """Return the delimiter that was chosen, as a sign or by its name."""
    named = {name.rstrip("s"): sign for sign, name in DELIMITERS.items()} | {"\\t": "\t"}
    found = chosen if chosen in DELIMITERS else named.get(chosen.rstrip("s"), "")
    if not found:
        raise InvalidData(
            f"“{chosen}” is no separator of values.", where="delimiter", remedy=f"Choose {listed(DELIMITERS.values())}."
        )
    return found


def announced(start: str) -> tuple[str, int]:
    """Return the delimiter that a first line like ``sep=;`` names, and how many lines to skip for it."""
    found = SEPARATOR_LINE.match(start)
    return (found[1], 1) if found and found[1] in DELIMITERS else (",", 0)


def evidence(start: str, delimiter: str) -> str:
    """Say what speaks for a delimiter."""
    rows = first_rows(start, delimiter)
    even = sum(len(row) == len(rows[0]) for row in rows) if rows else 0
    return f": they split {even} of the first {len(rows)} lines into {len(rows[0])} values" if even else ""


def look(path: Path, encoding: str) -> tuple[str, str, list[str]]:
    """Return the beginning of a file, its encoding, and a note on how that was found; refuse what is no text."""
    with path.open("rb") as file:
        head = file.read(SNIFFED)
        whole = len(head) < SNIFFED
    for magic, what, suffix in OTHER_FORMATS:
        if head.startswith(magic):
            raise wrong_format(path, what, suffix)
    if encoding:
        return said(head, encoding, path, whole=whole), encoding, [f"The file was read as {encoding}, as chosen."]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return said(head, "utf-16", path, whole=whole), "utf-16", []
    try:
        return said(head, "utf-8-sig", path, whole=whole), "utf-8-sig", []
    except InvalidData:
        return "", "", []


def said(head: bytes, encoding: str, path: Path, *, whole: bool) -> str:
    """Decode the beginning of a file, of which the last character may be cut."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        return decoder.decode(head, final=whole)
    except LookupError as error:
        raise InvalidData(
            f"There is no encoding “{encoding}”.", where=path.name, remedy="Use a name such as utf-8 or cp1252."
        ) from error
    except UnicodeDecodeError as error:
        raise no_text(path, head.count(b"\n", 0, error.start) + 1) from error


def carefully(
    path: Path, encoding: str, delimiter: str, skipped: int, notes: list[str], decimal_comma: bool
) -> Columns:
    """Read every line with the standard library's strict parser, which knows where it is."""
    content, found = decode(path, encoding if encoding not in ("utf-8-sig", "utf-16") else "")
    notes += found
    if not encoding:
        usual = "," if path.suffix.lower() in (".csv", ".txt") else "\t"
        delimiter = sniff(content, usual)
    if skipped:
        content = content.partition("\n")[2]
    names, columns, empty = split(content, delimiter, path)
    if empty:
        notes.append(f"Empty lines between the rows were skipped: {empty}.")
    return {name: parse(cells, decimal_comma=decimal_comma) for name, cells in zip(names, columns, strict=True)}


def decode(path: Path, encoding: str = "") -> tuple[str, list[str]]:
    """Return the text of a file and a note if its encoding had to be guessed; refuse what is no text."""
    content = path.read_bytes()
    for magic, what, suffix in OTHER_FORMATS:
        if content.startswith(magic):
            raise wrong_format(path, what, suffix)
    notes: list[str] = []
    if encoding:
        return checked(said(content, encoding, path, whole=True), path), notes
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            decoded = content.decode("utf-16")
        else:
            decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        guess = guessed_encoding(content)
        if not guess or b"\0" in content:
            raise no_text(path, line) from error
        decoded = content.decode(guess)
        notes.append(
            f"The file is not in UTF-8 (line {line}); it was read as {SPOKEN.get(guess, guess)}, the encoding in which its letters make "
            f"most sense. Check the letters with accents; {path.name}#encoding=… reads it otherwise."
        )
    return checked(decoded, path), notes


def guessed_encoding(content: bytes) -> str:
    """Return the encoding in which bytes are most likely text, or nothing; Windows-1252 when several are as likely."""
    from charset_normalizer import from_bytes

    found = [one for one in from_bytes(content[:SNIFFED]) if one.encoding not in ("utf_8", "ascii")]
    best = [one for one in found if one.chaos <= found[0].chaos and one.coherence >= found[0].coherence]
    order = [*("cp1252",) * any(one.encoding in WESTERN for one in best), *(one.encoding for one in found), "cp1252"]
    for encoding in order:
        with contextlib.suppress(UnicodeDecodeError):
            content.decode(encoding)
            return encoding
    return ""


SPOKEN = {"cp1252": "Windows-1252", "shift_jis": "Shift JIS", "cp932": "Shift JIS"}
WESTERN = frozenset(("cp1252", "latin_1", "iso8859_15", "iso8859_9", "cp1254", "cp1250", "iso8859_2"))


def checked(decoded: str, path: Path) -> str:
    """Refuse control characters and emptiness."""
    if found := CONTROL.search(decoded):
        raise no_text(path, decoded.count("\n", 0, found.start()) + 1)
    if not decoded.strip():
        raise InvalidData("The file is empty.", where=path.name, remedy="Choose a file with a header and rows.")
    return decoded


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

    def evenness(delimiter: str) -> tuple[float, bool, int]:
        rows = first_rows(content, delimiter)
        if not rows or len(rows[0]) < 2:
            return 0.0, False, 0
        share = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return share, delimiter == usual, len(rows[0])

    best = max(DELIMITERS, key=evenness)
    return best if evenness(best)[0] > 0 else usual


def first_rows(content: str, delimiter: str) -> list[list[str]]:
    """Return the first rows, split by a delimiter; none where that goes wrong."""
    start = content[:SNIFFED]
    try:
        return [row for row in islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), 50) if row]
    except csv.Error:
        return []


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
