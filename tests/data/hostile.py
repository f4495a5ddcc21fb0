"""Delimited text that is wrong, ambiguous or malicious, and what must become of each file.

Run as a script, this prints what a user is told about every hostile file, the binary ones included.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READS = "reads"


@dataclass(frozen=True)
class Case:
    """A file, and what must become of it.

    ``outcome`` is ``"reads"`` or a pattern that the refusal's message must contain; ``frame`` the cells that must come
    out, None being missing; ``notes`` a pattern in the notes, ``""`` when nothing may be said. ``choice`` stands after
    the file's name.
    """

    name: str
    content: bytes = field(repr=False)
    outcome: str = READS
    frame: dict[str, list[Any]] | None = None
    notes: str = ""
    choice: str = ""


def text(
    name: str,
    content: str,
    frame: dict[str, list[Any]] | str,
    notes: str = "",
    *,
    encoding: str = "utf-8",
    choice: str = "",
) -> Case:
    """Make a case of a text; in the place of the cells stands the pattern of a refusal."""
    outcome, cells = (frame, None) if isinstance(frame, str) else (READS, frame)
    return Case(name, content.encode(encoding), outcome, cells, notes, choice)


def cells(name: str, one: str, two: str, expected: list[Any], notes: str = "") -> Case:
    """Make a case of two cells below one another, beside a column of letters."""
    return text(name, f"x,y\n{one},a\n{two},b\n", {"x": expected, "y": ["a", "b"]}, notes)


XY = {"x": [1, 3], "y": [2, 4]}
TOWNS = {"town": ["Zürich", "Genève"], "size": [1, 2]}
TOWN_LINES = "town,size\nZürich,1\nGenève,2\n"
RUSSIAN = "город,имя,число\n" + "Москва,Фёдор,1\nНовосибирск,Екатерина,2\nСанкт-Петербург,Владимир,3\n" * 4
RUSSIAN_FRAME = {
    "город": ["Москва", "Новосибирск", "Санкт-Петербург"] * 4,
    "имя": ["Фёдор", "Екатерина", "Владимир"] * 4,
    "число": [1, 2, 3] * 4,
}
JAPANESE = "都市,名前,数\n" + "東京,さくらのはな,1\n大阪,やまもとたろう,2\n" * 6
JAPANESE_FRAME = {"都市": ["東京", "大阪"] * 6, "名前": ["さくらのはな", "やまもとたろう"] * 6, "数": [1, 2] * 6}
CHINESE = "城市,名字,数\n" + "北京市朝阳区,王小明,1\n上海市浦东新区,李华,2\n" * 6
CHINESE_FRAME = {"城市": ["北京市朝阳区", "上海市浦东新区"] * 6, "名字": ["王小明", "李华"] * 6, "数": [1, 2] * 6}
WIDE = 10_000

ENCODINGS = [
    text("bom.csv", "\ufeffx,y\n1,2\n3,4\n", XY),
    text("bom-only.csv", "\ufeff", "empty"),
    text("bom-inside.csv", "x,y\n1,2\n\ufeff3,4\n", {"x": ["1", "\ufeff3"], "y": [2, 4]}),
    text("two-boms.csv", "\ufeff\ufeffx,y\n1,2\n3,4\n", XY),
    text("utf16-little.csv", "\ufeff" + TOWN_LINES, TOWNS, encoding="utf-16-le"),
    text("utf16-big.csv", "\ufeff" + TOWN_LINES, TOWNS, encoding="utf-16-be"),
    text("utf16-little-unmarked.csv", TOWN_LINES, TOWNS, "UTF-16", encoding="utf-16-le"),
    text("utf16-big-unmarked.csv", TOWN_LINES, TOWNS, "UTF-16", encoding="utf-16-be"),
    text("utf32.csv", TOWN_LINES, TOWNS, encoding="utf-32"),
    Case("utf16-odd.csv", ("\ufeff" + TOWN_LINES).encode("utf-16-le") + b"x", "bytes that are no text"),
    text("latin.csv", TOWN_LINES, TOWNS, "Windows-1252.*letters with accents", encoding="latin-1"),
    text(
        "euro.csv",
        "town,price\nKöln,5 €\nBonn,7 €\n",
        {"town": ["Köln", "Bonn"], "price": ["5 €", "7 €"]},
        "Windows-1252",
        encoding="cp1252",
    ),
    text("latin-chosen.csv", TOWN_LINES, TOWNS, "as chosen", encoding="latin-1", choice="encoding=latin-1"),
    text("unknown-encoding.csv", TOWN_LINES, "There is no encoding “klingon”", choice="encoding=klingon"),
    text("binary-codec.csv", TOWN_LINES, "There is no encoding “hex”", choice="encoding=hex"),
    text("cyrillic.csv", RUSSIAN, RUSSIAN_FRAME, "1251", encoding="cp1251"),
    text("shift-jis.csv", JAPANESE, JAPANESE_FRAME, "Shift JIS", encoding="shift_jis"),
    text("gb18030.csv", CHINESE, CHINESE_FRAME, "(?i)gb", encoding="gb18030"),
    Case(
        "cut-letter.csv", TOWN_LINES.encode() + "Čeněk,3\nNürn".encode()[:-1] + "ü".encode()[:1], "middle of a letter"
    ),
    Case("one-bad-byte.csv", TOWN_LINES.encode() + b"Bern\xff,3\nGen\xc3\xa8ve,4\n", "bytes that are no text"),
    Case("nul.csv", b"x,y\n1,\x002\n", "bytes that are no text"),
    Case("nul-tail.csv", b"x,y\n1,2\n3,4\n" + bytes(500), "bytes that are no text"),
    Case("bell.csv", b"x,y\n1,2\n\x07,3\n", "bytes that are no text"),
    Case("escape.csv", b"x,y\n1,\x1b[31mred\x1b[0m\n2,b\n", "bytes that are no text"),
    Case("every-byte.csv", bytes(range(256)) * 4, "bytes that are no text"),
]

LAYOUT = [
    text("empty.csv", "", "empty"),
    text("white.csv", " \n\n\t\n", "empty"),
    text("header-only.csv", "x,y\n", "no rows"),
    text("header-unended.csv", "x,y", "no rows"),
    text("one-row.csv", "x,y\n1,2\n", "one row"),
    text("mixed-ends.csv", "x,y\r\n1,2\n3,4\r\n", XY),
    text("old-mac.csv", "x,y\r1,2\r3,4\r", XY),
    text("no-last-end.csv", "x,y\n1,2\n3,4", XY),
    text("lone-return.csv", "x,y\n1,2\r3\n4,5\n", "1 value, but the header names 2"),
    text("empty-lines.csv", "x,y\n1,2\n\n\n3,4\n\n", XY, "Empty lines between the rows were skipped: 2"),
    text("leading-lines.csv", "\n\nx,y\n1,2\n3,4\n", XY, "Empty lines"),
    text("line-separators.csv", "x,y\na\u2028b,1\nc\x85d,2\n", {"x": ["a\u2028b", "c\x85d"], "y": [1, 2]}),
    text(
        "wide.csv",
        "\n".join([",".join(f"c{i}" for i in range(WIDE)), *[",".join(["1"] * WIDE)] * 2]),
        {f"c{i}": [1, 1] for i in range(WIDE)},
    ),
    text("wide-twice.csv", "\n".join([",".join(["x"] * WIDE), *[",".join(["1"] * WIDE)] * 2]), "occurs 10000 times"),
    text("single.csv", "x\n1\n2\n", {"x": [1, 2]}),
    text("single-gaps.csv", "x\n1\n\n2\n", {"x": [1, 2]}, "Empty lines"),
    text("trailing-commas.csv", "x,y,\n1,2,\n3,4,\n", "Column 3 has no name"),
    text("trailing-in-rows.csv", "x,y\n1,2,\n3,4,\n", "3 values, but the header names 2"),
    text("ragged.csv", "x,y\n1,2\n3,4,5\n", "3 values, but the header names 2"),
    text("short.csv", "x,y\n1,2\n3\n", "1 value, but the header names 2"),
    text("title.csv", "My study 2024\n\nx,y\n1,2\n3,4\n", "the header names 1 column"),
    text("comments.csv", "# made by a program\nx,y\n1,2\n3,4\n", "the header names 1 column"),
    text("total.csv", "x,y\n1,2\n3,4\nTotal: 4\n", "1 value, but the header names 2"),
    text("tabs.csv", "x\ty\n1\t2\n3\t4\n", XY, "tabs: they split 3 of the first 3 lines into 2 values"),
    text("bars.txt", "x|y\n1|2\n3|4\n", XY, "vertical bars"),
    text("sep-line.csv", "sep=;\nx;y\n1;2\n3;4\n", XY, "first line says that semicolons"),
    text("sep-comma.csv", 'sep=,\r\nx,y\r\n"1",2\r\n3,4\r\n', XY, "first line says"),
    text(
        "chosen-delimiter.csv",
        "a;b,c\n1;2,3\n4;5,6\n",
        {"a": [1, 4], "b,c": [2.3, 5.6]},
        "decimal sign",
        choice="delimiter=semicolon",
    ),
    text("no-delimiter.csv", "x,y\n1,2\n3,4\n", "no separator of values", choice="delimiter=xx"),
    text("wrong-decimal.csv", "x,y\n1,2\n3,4\n", "no decimal sign", choice="decimal=x"),
    text("quote-open.csv", 'x,y\n1,2\n"3,4\n5,6\n', "never closed"),
    text("quote-text-after.csv", 'x,y\n1,2\n"3"4,5\n', "closing quotation mark"),
    text("quote-inside.csv", 'x,y\n5" pipe,1\n6",2\n', {"x": ['5" pipe', '6"'], "y": [1, 2]}),
    text("quote-doubled.csv", 'x,y\n"5"" pipe",1\n"""",2\n', {"x": ['5" pipe', '"'], "y": [1, 2]}),
    text("quote-spaced.csv", 'x,y\n"a", "b, c"\n', "3 values"),
    text("quoted-lines.csv", 'x,y\n"a\nb",1\n"c\r\nd",2\n', {"x": ["a\nb", "c\r\nd"], "y": [1, 2]}),
    text("quoted-numbers.csv", 'x,y\n"1","2"\n"3","4"\n', XY),
    text("quoted-gaps.csv", 'x,y\n"",a\n"NA",b\n2,c\n', {"x": [None, None, 2.0], "y": ["a", "b", "c"]}),
    text("long-cell.csv", "x,y\n" + "a" * 100_000 + ",1\nb,2\n", {"x": ["a" * 100_000, "b"], "y": [1, 2]}),
    text("endless-cell.csv", "x,y\n" + "a" * 200_000 + ",1\nb,2\n", "longer than"),
    text("backslash.csv", 'x,y\n"a\\"b",1\n', "closing quotation mark"),
]

HEADERS = [
    text("names-twice.csv", "x,y,x\n1,2,3\n4,5,6\n", r"“x” occurs 2 times \(columns 1 and 3\)"),
    text("names-twice-spaced.csv", "x, x\n1,2\n4,5\n", "“x” occurs 2 times"),
    text("names-missing.csv", ",x\n1,2\n3,4\n", "Column 1 has no name"),
    text("names-by-case.csv", "Age,age\n1,2\n3,4\n", {"Age": [1, 3], "age": [2, 4]}, "“Age” and “age” look alike"),
    text("names-by-width.csv", "x,\uff58\n1,2\n3,4\n", {"x": [1, 3], "\uff58": [2, 4]}, "look alike"),
    text("names-by-script.csv", "rate,r\u0430te\n1,2\n3,4\n", {"rate": [1, 3], "r\u0430te": [2, 4]}, "look alike"),
    text(
        "names-by-accent.csv",
        "caf\u00e9,cafe\u0301\n1,2\n3,4\n",
        {"caf\u00e9": [1, 3], "cafe\u0301": [2, 4]},
        "look alike",
    ),
    text(
        "names-unseen.csv",
        "x\u200b,y\n1,2\n3,4\n",
        {"x\u200b": [1, 3], "y": [2, 4]},
        "cannot be seen: ZERO WIDTH SPACE",
    ),
    text("names-unseen-alike.csv", "x\u200b,x\n1,2\n3,4\n", {"x\u200b": [1, 3], "x": [2, 4]}, "look alike"),
    text("names-turned.csv", "\u202eegarevA,y\n1,2\n3,4\n", {"\u202eegarevA": [1, 3], "y": [2, 4]}, "cannot be seen"),
    text(
        "names-script.csv",
        "<script>alert(1)</script>,y\n1,2\n3,4\n",
        {"<script>alert(1)</script>": [1, 3], "y": [2, 4]},
    ),
    text("names-path.csv", "../../etc/passwd,y\n1,2\n3,4\n", {"../../etc/passwd": [1, 3], "y": [2, 4]}),
    text("names-formula.csv", "=1+1,@SUM(A1)\n1,2\n3,4\n", {"=1+1": [1, 3], "@SUM(A1)": [2, 4]}),
    text("names-lines.csv", '"a\nb",y\n1,2\n3,4\n', {"a\nb": [1, 3], "y": [2, 4]}),
    text("names-numbers.csv", "1.5,2\n3,4\n5,6\n", {"1.5": [3, 5], "2": [4, 6]}, "first line has only numbers"),
    text("names-counted.csv", "0,1\n3,4\n5,6\n", {"0": [3, 5], "1": [4, 6]}),
    text("names-code.csv", "__class__,{0.__init__}\n1,2\n3,4\n", {"__class__": [1, 3], "{0.__init__}": [2, 4]}),
]

DISGUISED = [
    text("page.csv", "<!DOCTYPE html>\n<html><body>404, not found</body></html>", "web page"),
    text("page-late.csv", "\n  \n<html><head><title>Log in</title></head></html>", "web page"),
    text("page-comment.csv", "<!-- saved -->\n<html><body>1,2</body></html>", "web page"),
    text("xml.csv", '<?xml version="1.0"?><rows><row x="1"/></rows>', "web page or XML"),
    text("records.csv", '[{"x": 1}, {"x": 2}]', "is JSON"),
    text("object.csv", '{"x": [1, 2]}', "is JSON"),
    text("rich.csv", "{\\rtf1\\ansi x,y\\par 1,2\\par}", "a text document"),
    Case("parquet.csv", b"PAR1" + bytes(50), "Parquet"),
    Case("arrow.csv", b"ARROW1\0\0" + bytes(50), "an Arrow file"),
    Case("workbook.csv", b"PK\x03\x04" + bytes(50), "ZIP archive, perhaps an Excel workbook"),
    Case("old-workbook.csv", b"\xd0\xcf\x11\xe0" + bytes(50), "old Excel workbook"),
    Case("gzip.csv", b"\x1f\x8b\x08" + bytes(50), "gzip"),
    Case("document.csv", b"%PDF-1.7\n" + b"1,2\n" * 9, "PDF"),
    Case("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(50), "bytes that are no text"),
    Case("database.csv", b"SQLite format 3\0" + bytes(50), "SQLite"),
]

CELLS = [
    text(
        "script.csv",
        "x,y\n<script>alert(1)</script>,1\n<img src=x onerror=alert(1)>,2\n",
        {"x": ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>"], "y": [1, 2]},
    ),
    cells("formulas.csv", "=cmd|' /C calc'!A0", "=1+1", ["=cmd|' /C calc'!A0", "=1+1"]),
    cells("templates.csv", "{{7*7}}", "${HOME}", ["{{7*7}}", "${HOME}"]),
    cells("zero-dates.csv", "0000-00-00", "2024-01-01", ["0000-00-00", "2024-01-01"]),
    cells("no-such-day.csv", "2024-02-30", "2024-02-01", ["2024-02-30", "2024-02-01"]),
    cells(
        "no-such-day-slash.csv", "31/02/2024", "01/02/2024", ["31/02/2024", "01/02/2024"], "dates.*as they are written"
    ),
    cells("day-or-month.csv", "03/04/2024", "05/06/2024", ["03/04/2024", "05/06/2024"], "day and month"),
    cells("short-years.csv", "1/2/49", "1/2/51", ["1/2/49", "1/2/51"], "day and month"),
    cells(
        "mixed-zones.csv",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00",
        ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00"],
    ),
    cells(
        "offsets.csv",
        "2024-01-01T00:00:00+02:00",
        "2024-01-02T00:00:00+02:00",
        ["2024-01-01T00:00:00+02:00", "2024-01-02T00:00:00+02:00"],
    ),
    cells(
        "nanoseconds.csv",
        "2024-01-01 00:00:00.123456789",
        "2024-01-01 00:00:00.123456788",
        ["2024-01-01 00:00:00.123456789", "2024-01-01 00:00:00.123456788"],
    ),
    cells(
        "leap-second.csv", "2016-12-31T23:59:60", "2016-12-31T23:59:59", ["2016-12-31T23:59:60", "2016-12-31T23:59:59"]
    ),
    cells("thousands.csv", '"1,234.56"', '"12,345.60"', ["1,234.56", "12,345.60"], "between thousands"),
    text(
        "thousands-german.csv",
        "x;y\n1.234,56;a\n12.345,60;b\n",
        {"x": ["1.234,56", "12.345,60"], "y": ["a", "b"]},
        "between thousands",
    ),
    cells("thousands-french.csv", "1 234", "12 345", ["1 234", "12 345"], "between thousands"),
    text(
        "thousand-or-decimal.csv",
        "x;y\n1.234;a\n2.345;b\n",
        {"x": [1.234, 2.345], "y": ["a", "b"]},
        "could stand between thousands",
    ),
    text("decimal-comma.csv", "x;y\n1,5;a\n2;b\n", {"x": [1.5, 2.0], "y": ["a", "b"]}, "decimal sign"),
    cells("overflow.csv", "1e400", "1", ["1e400", "1"]),
    cells("underflow.csv", "1e-400", "1", ["1e-400", "1"]),
    cells("codes.csv", "007", "12", ["007", "12"], "leading zeros"),
    cells("long-codes.csv", "12345678901234567890", "1", ["12345678901234567890", "1"], "15 digits"),
    cells("long-decimals.csv", "1234567890123456789.5", "1", ["1234567890123456789.5", "1"], "15 digits"),
    cells("signs.csv", "-0", "+5", [0, 5]),
    cells("telephones.csv", "+4915112345678", "+4915112345679", ["+4915112345678", "+4915112345679"], "plus sign"),
    cells("hexadecimals.csv", "0x10", "0x20", ["0x10", "0x20"]),
    cells("underscores.csv", "1_000", "2_000", ["1_000", "2_000"]),
    cells("infinities.csv", "Infinity", "1", ["Infinity", "1"]),
    cells("infinite.csv", "-inf", "1.5", ["-inf", "1.5"]),
    cells("nan-spellings.csv", "NAN", "1", ["NAN", "1"]),
    text(
        "missing-words.csv",
        "x,y\nNA,a\nN/A,b\nNaN,c\nnan,d\nnull,e\n.,f\n,g\n1,h\n",
        {"x": [None] * 7 + [1.0], "y": list("abcdefgh")},
    ),
    cells("other-missing-words.csv", "#N/A", "1", ["#N/A", "1"]),
    cells("sheet-errors.csv", "#DIV/0!", "1", ["#DIV/0!", "1"]),
    cells("percent.csv", "12.5%", "7%", ["12.5%", "7%"], "percentages"),
    cells("money.csv", "$5", "$6.50", ["$5", "$6.50"]),
    cells("arabic-digits.csv", "٣", "٤", ["٣", "٤"]),
    cells("wide-digits.csv", "１", "２", ["１", "２"]),
    cells("minus-sign.csv", "−1", "2", ["−1", "2"]),
    cells("turned-text.csv", "\u202eabc", "\u200f1", ["\u202eabc", "\u200f1"]),
    cells("hard-spaces.csv", "\u00a01\u00a0", "2", [1, 2], ""),
    cells("spaces.csv", " a ", "b", ["a", "b"], "spaces around 1"),
    cells("truth.csv", "TRUE", "false", [True, False]),
    cells("truth-or-number.csv", "true", "1", ["true", "1"]),
    cells("fractions.csv", "1/2", "3/4", ["1/2", "3/4"]),
    cells("versions.csv", "1.2.3", "1.2", ["1.2.3", "1.2"]),
    cells("exponents.csv", "1E5", "2e-3", [100000.0, 0.002]),
    cells("emoji.csv", "👩‍👩‍👧", "🇨🇭", ["👩‍👩‍👧", "🇨🇭"]),
]

CASES = [*ENCODINGS, *LAYOUT, *HEADERS, *DISGUISED, *CELLS]


def told(case: Case, folder: Path) -> tuple[Any, tuple[str, ...], Exception | None]:
    """Return the frame, the notes, and the refusal, of which there is one or the other."""
    from modelcompose.data import read
    from modelcompose.errors import ModelComposeError

    (folder / case.name).write_bytes(case.content)
    try:
        frame, notes = read(f"{case.name}#{case.choice}" if case.choice else case.name, folder)
    except ModelComposeError as error:
        return None, (), error
    return frame, notes, None


def main() -> None:
    """Print the table of messages."""
    from hostile_formats import FORMATS

    with tempfile.TemporaryDirectory() as folder:
        for case in [*CASES, *FORMATS]:
            frame, notes, refusal = told(case, Path(folder))
            size = "refused" if frame is None else f"{len(frame)} × {len(frame.columns)}"
            said = " ".join(notes) if refusal is None else f"{refusal}"
            print(f"{case.name:28}{size:12}{said.translate({10: ' '})[:200]}")


if __name__ == "__main__":
    main()
