"""Read delimited text: CSV, TSV and their relatives with semicolons or bars.

One parser decides both the layout and the values, because two that disagree would change data without a word.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from modelcompose.data import fast
from modelcompose.data.cells import MISSING, NUMBER, check_names, listed, parse, tidy
from modelcompose.data.fast import Columns
from modelcompose.errors import InvalidData

__all__ = ["Delimited", "decode", "peek"]

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
CHUNK = 50_000
SNIFFED = 200_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
OTHER_FORMATS = (
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"ARROW1", "an Arrow file", ".arrow"),
    (b"PK\x03\x04", "a ZIP archive, perhaps an Excel workbook", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", ""),
    (b"\x1f\x8b", "a file packed with gzip", ""),
    (b"%PDF", "a PDF document", ""),
    (b"SQLite format 3", "a SQLite database", ""),
    (b"\x89HDF", "an HDF5 file", ""),
    (b"{\\rtf", "a text document", ""),
)
MARKUP = re.compile(r"\s*<(?:!--|(?:!doctype|html|\?xml|table|head|body)\b)", re.IGNORECASE)
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
JSON_START = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{])')


class Delimited:
    """Text with one row a line and values separated by a comma, semicolon, tab or vertical bar.

    What cannot be told from the file can be chosen: its ``encoding``, its ``delimiter`` and the ``decimal`` sign.
    """

    suffixes = (".csv", ".tsv", ".tab", ".txt")
    choices = ("encoding", "delimiter", "decimal")

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        layout = Layout.of(path, choices)
        notes = list(layout.notes)
        plain = layout.encoding in ("utf-8", "utf-8-sig") and not layout.skipped
        columns = fast.columns(path, layout.delimiter, layout.start, layout.decimal_comma) if plain else None
        if columns is None:
            content, found = decode(path, layout.encoding if layout.encoding != "utf-8-sig" else "")
            notes += found
            content = content.partition("\n")[2] if layout.skipped else content
            columns = None if plain else rewritten(content, layout)
            columns = carefully(content, layout, path, notes) if columns is None else columns
        notes += suspected(first_rows(layout.start, layout.delimiter), layout, path, sure="decimal" in choices)
        return framed(columns, notes)


def peek(path: Path, rows: int = 50, **choices: str) -> pd.DataFrame:
    """Read the first rows of delimited text, and no more of the file than they need, for a look at it.

    Parameters
    ----------
    path
        The file.
    rows
        How many rows, at most; fewer come when they do not fit into the first 200,000 bytes.
    **choices
        As for `Delimited`.

    Raises
    ------
    InvalidData
        When the beginning of the file is no table.
    """
    layout = Layout.of(path, choices)
    start = layout.start.partition("\n")[2] if layout.skipped else layout.start
    if path.stat().st_size > SNIFFED:
        start = start[: start.rfind("\n") + 1]
    lines = csv.reader(io.StringIO(start, newline=""), delimiter=layout.delimiter)
    with contextlib.suppress(csv.Error):
        found = [row for row in islice(lines, rows + 1) if row]
    names = check_names(found[0] if found else [], f"{path.name}, line 1")
    for line, row in enumerate(found[1:], start=2):
        if len(row) != len(names):
            raise ragged(row, names, f"{path.name}, line {line}")
    cells = [pa.array([row[place] for row in found[1:]], pa.large_string()) for place in range(len(names))]
    parsed = [parse(column, decimal_comma=layout.decimal_comma) for column in cells]
    columns = dict(zip(names, parsed, strict=True))
    return tidy(framed(columns, []), path.name)[0]


@dataclass(frozen=True)
class Layout:
    """How a file is laid out, by its beginning or by choice: how to decode it and how to split its lines.

    ``encoding`` is ``""`` when only the whole file can tell it; ``skipped`` counts lines before the header.
    """

    start: str
    encoding: str
    delimiter: str
    skipped: int
    decimal_comma: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, choices: Mapping[str, str]) -> Layout:
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
        decimal_comma = decimal_sign(choices["decimal"]) == "," if "decimal" in choices else delimiter != ","
        return cls(start, encoding, delimiter, skipped, decimal_comma, tuple(notes))


def framed(columns: Columns, notes: list[str]) -> pd.DataFrame:
    for remark, sentence in REMARKS.items():
        found = [f"“{name}”" for name, (_, of_column) in columns.items() if of_column == remark]
        if found:
            notes.append(sentence.format(listed(found)))
    for pattern, sentence in SUGGESTED:
        found = [f"“{name}”" for name, (column, _) in columns.items() if looks_like(column, pattern)]
        if found:
            notes.append(sentence.format(listed(found)))
    frame = pd.DataFrame({name: column for name, (column, _) in columns.items()}, copy=False)
    frame.attrs["notes"] = notes
    return frame


def suspected(rows: list[list[str]], layout: Layout, path: Path, *, sure: bool) -> list[str]:
    """Say what the first rows make one doubt: names that are numbers, and points that may stand between thousands."""
    names, body = (rows[0], rows[1:]) if rows else ([], [])
    plain = [name.strip() for name in names]
    notes = []
    if plain and all(re.match(NUMBER, name, re.ASCII) for name in plain) and not counted(plain):
        notes.append("The first line has only numbers; they were taken as the column names.")
    columns = {} if layout.delimiter == "," or sure else dict(zip(plain, zip(*body, strict=False), strict=False))
    present = {name: [cell.strip() for cell in cells if cell.strip() not in MISSING] for name, cells in columns.items()}
    thousands = [f"“{name}”" for name, cells in present.items() if cells and all(map(THOUSANDS.fullmatch, cells))]
    if thousands:
        notes.append(
            f"The point is read as the decimal sign in {listed(thousands)}, where it could stand between thousands. "
            f"{path.name}#decimal=, keeps it as text, and the step “Read text as values” settles it."
        )
    return notes


def counted(names: list[str]) -> bool:
    """Tell whether names only count the columns, from 0 or 1."""
    return any(names == [str(place) for place in range(first, first + len(names))] for first in (0, 1))


THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
REMARKS = {
    "comma": "The comma is read as the decimal sign in {}: every value is a number then.",
    "padded": "Numbers with leading zeros are kept as text in {}.",
    "long": "Numbers of more than 15 digits are kept as text, so that no digit is lost, in {}.",
    "telephone": "Numbers that all begin with a plus sign, like those of telephones, are kept as text in {}.",
}
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
        "The dates in {} are kept as they are written. Where day and month cannot be told apart, the step “Read text "
        "as values” settles which is first.",
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


def decimal_sign(chosen: str) -> str:
    """Return the decimal sign that was chosen, as itself or by its name."""
    found = {"comma": ",", "point": ".", ",": ",", ".": "."}.get(chosen, "")
    if not found:
        raise InvalidData(f"“{chosen}” is no decimal sign.", where="decimal", remedy="Choose comma or point.")
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
    if marked := mark(head):
        return said(head, marked, path, whole=whole), marked, []
    if unmarked := zeros(head):
        note = "The file does not say its encoding; it was read as UTF-16, since every other of its bytes is zero."
        return said(head, unmarked, path, whole=whole), unmarked, [note]
    try:
        return said(head, "utf-8-sig", path, whole=whole), "utf-8-sig", []
    except InvalidData:
        guess = "" if b"\0" in head else guessed_encoding(head)
        return head.decode(guess, errors="replace") if guess else "", "", []


def mark(head: bytes) -> str:
    """Return the encoding that the first bytes of a file declare, or nothing."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def zeros(head: bytes) -> str:
    """Return the form of UTF-16 that undeclared text is in, by where its zero bytes lie, or nothing."""
    even, odd = head[:1000:2], head[1:1000:2]
    if even.count(0) == 0 and 2 * odd.count(0) > len(odd):
        return "utf-16-le"
    return "utf-16-be" if odd.count(0) == 0 and 2 * even.count(0) > len(even) else ""


def said(head: bytes, encoding: str, path: Path, *, whole: bool) -> str:
    """Decode the beginning of a file, of which the last character may be cut."""
    try:
        "".encode(encoding)
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        return str(decoder.decode(head, final=whole)).lstrip("\ufeff")
    except (LookupError, ValueError, TypeError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise no_text(path, head.count(b"\n", 0, error.start) + 1) from error
        raise InvalidData(
            f"There is no encoding “{encoding}”.", where=path.name, remedy="Use a name such as utf-8 or cp1252."
        ) from error


def rewritten(content: str, layout: Layout) -> Columns | None:
    """Read text that was in another encoding the fast way, if it is long and that can read it."""
    if len(content) < fast.WORTHWHILE:
        return None
    with tempfile.TemporaryDirectory(prefix="modelcompose-") as folder:
        path = Path(folder) / "rewritten"
        path.write_text(content, encoding="utf-8", newline="")
        return fast.columns(path, layout.delimiter, content[:SNIFFED], layout.decimal_comma)


def carefully(content: str, layout: Layout, path: Path, notes: list[str]) -> Columns:
    """Read every line with the standard library's strict parser, which knows where it is."""
    names, columns, empty = split(content, layout.delimiter, path)
    if empty:
        notes.append(f"Empty lines between the rows were skipped: {empty}.")
    return {name: parse(cells, decimal_comma=layout.decimal_comma) for name, cells in zip(names, columns, strict=True)}


def decode(path: Path, encoding: str = "") -> tuple[str, list[str]]:
    """Return the text of a file and a note if its encoding had to be guessed; refuse what is no text."""
    content = path.read_bytes()
    for magic, what, suffix in OTHER_FORMATS:
        if content.startswith(magic):
            raise wrong_format(path, what, suffix)
    notes: list[str] = []
    if encoding := encoding or mark(content) or zeros(content):
        return checked(said(content, encoding, path, whole=True), path), notes
    try:
        decoded = content.decode("utf-8-sig").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if damaged(content):
            raise cut(path, line) if error.end == len(content) else no_text(path, line) from error
        guess = guessed_encoding(content)
        if not guess or b"\0" in content:
            raise no_text(path, line) from error
        decoded = content.decode(guess)
        notes.append(
            f"The file is not in UTF-8 (line {line}); it was read as {SPOKEN.get(guess, guess)}, the encoding in which "
            f"its letters make most sense. Check the letters with accents; {path.name}#encoding=… reads it otherwise."
        )
    return checked(decoded, path), notes


def damaged(content: bytes) -> bool:
    """Tell whether bytes are UTF-8 but for a few: other encodings seldom have letters that are valid there."""
    replaced = content.decode("utf-8", errors="replace")
    wrong = replaced.count("\ufffd")
    return sum(map(len, BEYOND_ASCII.findall(replaced))) - wrong >= 2 * wrong


def guessed_encoding(content: bytes) -> str:
    """Return the encoding in which bytes are most likely text, or nothing; Windows-1252 when several are as likely."""
    from charset_normalizer import from_bytes

    found = [one for one in from_bytes(content[:SNIFFED]) if one.encoding not in ("utf_8", "ascii")]
    best = [one for one in found if one.chaos <= found[0].chaos and one.coherence >= found[0].coherence]
    western = any(one.encoding in WESTERN for one in best)
    if found and found[0].encoding in FROM_DOS and not UNLIKELY.search(content.decode("cp1252", errors="replace")):
        western = True
    order = [*("cp1252",) * western, *(one.encoding for one in found), "cp1252"]
    for encoding in order:
        with contextlib.suppress(UnicodeDecodeError):
            content.decode(encoding)
            return encoding
    return ""


SPOKEN = {"cp1252": "Windows-1252", "shift_jis": "Shift JIS", "cp932": "Shift JIS"}
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
UNLIKELY = re.compile("[\ufffd\x80-\x9f]|\\w[„”“‡†ˆ‰‹›¤¦¬¨]\\w")
FROM_DOS = frozenset(("cp437", "cp850", "cp852", "cp858", "cp860", "cp863", "cp865", "mac_roman", "mac_latin2"))
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


def cut(path: Path, line: int) -> InvalidData:
    return InvalidData(
        "The file ends in the middle of a letter: a part of it is missing.",
        where=f"{path.name}, line {line}",
        remedy="Write or download it again.",
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
    header: list[str] = []
    skipped = -1
    while not header:
        header, skipped = next(rows), skipped + 1
    names = check_names(header, f"{path.name}, line {reader.line_num}")
    chunks: list[list[pa.Array]] = [[] for _ in names]
    pending: list[list[str]] = []
    empty = 0
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
