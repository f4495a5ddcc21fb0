"""Read a sheet of an Excel workbook.

A workbook is a ZIP archive that may unpack to thousands of times its size, so what it declares is looked at first.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from modelcompose.data.cells import LIMIT, check_names, listed
from modelcompose.errors import InvalidData, NotFound

__all__ = ["Excel"]

RATIO = 200
SMALL = 20_000_000
CELLS = 100_000_000
CHUNK = 1 << 20
NUMBERS = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:[.,]\d+)?", re.ASCII)
TAG = re.compile(rb"<(?:\w+:)?(row|col|mergeCell)\s([^<>]*)>")
HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")
PLACE = re.compile(rb"\b(?:ref|r|min)=[\"']([A-Z0-9:]{1,20})[\"']")
REMEDY = "Open it in a spreadsheet program and save it again as .xlsx, or as CSV."


class Excel:
    """A sheet of a workbook, the first one with cells if none is chosen; its first row holds the column names."""

    suffixes = (".xlsx",)
    choices = ("sheet",)

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        check_archive(path)
        from openpyxl import load_workbook

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                book = load_workbook(path, read_only=True, data_only=True)
            except Exception as error:
                raise InvalidData(
                    "The workbook is damaged or not an Excel workbook.", where=path.name, remedy=REMEDY
                ) from error
            try:
                frame = sheet(book, path, choices.get("sheet", ""))
            finally:
                book.close()
            if frame.isna().any(axis=None):
                frame.attrs["notes"] += unsaved_formulas(path, frame.attrs["sheet"])
        return frame


def check_archive(path: Path) -> None:
    """Refuse what is no archive, and archives that would unpack to an unreasonable size."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InvalidData(
            "The file is damaged or not an Excel workbook, whatever its name says.", where=path.name, remedy=REMEDY
        ) from error
    declared = sum(member.file_size for member in members)
    packed = max(path.stat().st_size, 1)
    if declared > LIMIT or (declared > SMALL and declared > RATIO * packed):
        raise InvalidData(
            f"The workbook of {packed:,} bytes would unpack to {declared:,} bytes.",
            where=path.name,
            remedy="Remove what is not the table, or save the table as CSV or Parquet.",
        )


def sheet(book: Any, path: Path, chosen: str) -> pd.DataFrame:
    if not book.worksheets:
        raise InvalidData("The workbook has no sheet with cells.", where=path.name, remedy=REMEDY)
    first = choose(book, path, chosen)
    others = [other for other in book.worksheets if other is not first]
    first.reset_dimensions()
    where = f"{path.name}, sheet “{first.title}”"
    rows = filled_rows(first, where)
    number, header = next(rows, (0, []))
    if not number:
        raise InvalidData("The sheet is empty.", where=where, remedy=f"Name another after the file: {path.name}#SHEET.")
    body = list(rows)
    width = max([len(header), *(len(row) for _, row in body)])
    names = check_names([*header, *[None] * (width - len(header))], f"{where}, row {number}")
    columns, notes = {}, []
    for place, name in enumerate(names):
        columns[name], note = column_of([row[place] if place < len(row) else None for _, row in body])
        notes += [f"Column “{name}” {note}"] * bool(note)
    frame = pd.DataFrame(columns)
    notes += looks(path, first)
    if others:
        titles = listed(f"“{other.title}”" for other in others)
        notes.append(f"The sheet “{first.title}” was read; not read: {titles}. Choose with {path.name}#SHEET.")
    if body and body[-1][0] - number > len(body):
        notes.append(f"Empty rows between the rows were skipped: {body[-1][0] - number - len(body)}.")
    frame.attrs["notes"] = notes
    frame.attrs["sheet"] = first.title
    return frame


def column_of(cells: list[Any]) -> tuple[pd.Series[Any], str]:
    """Return a column and what is special about it: durations become seconds, numbers kept as text stay text."""
    present = [cell for cell in cells if cell not in (None, "")]
    note = ""
    if present and all(isinstance(cell, dt.timedelta) for cell in present):
        cells = [cell.total_seconds() if isinstance(cell, dt.timedelta) else None for cell in cells]
        note = "has durations; they are in seconds."
    if present and all(isinstance(cell, str) and NUMBERS.fullmatch(cell.strip()) for cell in present):
        note = "has numbers that the sheet holds as text; they are kept so. The step “Read text as values” reads them."
    return pd.Series(cells, dtype="object"), note


def looks(path: Path, worksheet: Any) -> list[str]:
    """Say what one does not see, or sees differently, in the spreadsheet program: hidden rows and merged cells."""
    found: dict[bytes, list[str]] = {b"row": [], b"col": [], b"mergeCell": []}
    with zipfile.ZipFile(path) as archive, archive.open(worksheet._worksheet_path) as part:
        rest = b""
        while chunk := part.read(CHUNK):
            text = rest + chunk
            for tag in TAG.finditer(text):
                if tag[1] == b"mergeCell" or HIDDEN.search(tag[2]):
                    place = PLACE.search(tag[2])
                    found[tag[1]].append(place[1].decode("ascii", "replace") if place else "")
            rest = text[text.rfind(b"<") :]
            rest = rest if b">" not in rest and len(rest) < CHUNK else b""
    notes = []
    if found[b"row"] or found[b"col"]:
        both = (("row", found[b"row"]), ("column", found[b"col"]))
        hidden = [f"{len(some)} {what}{'s' * (len(some) > 1)}" for what, some in both if some]
        notes.append(f"What the sheet hides was read as well: {listed(hidden)}.")
    if merged := found[b"mergeCell"]:
        more = f" and {len(merged) - 3} more" if len(merged) > 3 else ""
        notes.append(
            f"Of merged cells only the first has the value, the others are missing: {', '.join(merged[:3])}{more}."
        )
    return notes


def choose(book: Any, path: Path, chosen: str) -> Any:
    """Return the sheet chosen, or the first one that has cells."""
    titles = {one.title: one for one in book.worksheets}
    if chosen and chosen not in titles:
        listed_titles = listed(f"“{title}”" for title in titles)
        raise NotFound(f"The workbook has no sheet “{chosen}”.", where=path.name, remedy=f"It has {listed_titles}.")
    if chosen:
        return titles[chosen]
    for one in book.worksheets:
        one.reset_dimensions()
        if any(cell.value not in (None, "") for row in one.iter_rows(max_row=50) for cell in row):
            return one
    return book.worksheets[0]


def unsaved_formulas(path: Path, title: str) -> list[str]:
    """Say which formulas the program that wrote the workbook stored without their value."""
    from openpyxl import load_workbook

    values, formulas = (load_workbook(path, read_only=True, data_only=stored) for stored in (True, False))
    found: list[str] = []
    for sheets in (values, formulas):
        sheets[title].reset_dimensions()
    pairs = zip(values[title].iter_rows(), formulas[title].iter_rows(), strict=True)
    for value_row, formula_row in pairs:
        found += [
            formula.coordinate
            for value, formula in zip(value_row, formula_row, strict=True)
            if formula.data_type == "f" and value.value is None
        ]
    values.close()
    formulas.close()
    if not found:
        return []
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return [f"Cells whose formula has no stored value count as missing: {', '.join(found[:3])}{more}."]


def filled_rows(worksheet: Any, where: str) -> Iterator[tuple[int, list[Any]]]:
    """Yield number and values, without the empty end, of each row that has any."""
    seen = 0
    for number, row in enumerate(worksheet.iter_rows(), start=1):
        values: list[Any] = []
        for cell in row:
            if cell.data_type == "e":
                raise InvalidData(
                    f"Cell {cell.coordinate} holds the error {cell.value}.",
                    where=f"{where}, cell {cell.coordinate}",
                    remedy="Correct the formula, or empty the cell.",
                )
            values.append(cell.value)
        while values and values[-1] in (None, ""):
            values.pop()
        seen += len(values)
        if seen > CELLS:
            raise InvalidData(
                f"The sheet has more than {CELLS:,} cells.", where=where, remedy="Save the table as Parquet."
            )
        if values:
            yield number, values
