"""Read the files of Stata, SPSS and SAS, with what they say of their variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from modelcompose.data.arrow import spelt
from modelcompose.data.cells import LIMIT, MISSING, listed
from modelcompose.data.kinds import shown
from modelcompose.errors import InvalidData

__all__ = ["Statistical"]

READERS = {
    ".dta": ("read_dta", "Stata"),
    ".sav": ("read_sav", "SPSS"),
    ".zsav": ("read_sav", "SPSS"),
    ".por": ("read_por", "SPSS"),
    ".sas7bdat": ("read_sas7bdat", "SAS"),
    ".xpt": ("read_xport", "SAS"),
}
BYTES_PER_CELL = 8
RECORD = 80
STATA, STATA_END = b"<stata_dta>", b"</stata_dta>"
MEMBERS = (b"MEMBER ", b"MEMBV8 ")


class Statistical:
    """A file of Stata (.dta), SPSS (.sav, .zsav, .por) or SAS (.sas7bdat, .xpt).

    None of them has truth values: these come as the numbers 0 and 1. Free software writes all but ``.sas7bdat``, which
    is read as far as its format is known (https://github.com/WizardMac/ReadStat).

    Codes become the labels they stand for where every code in use has one. Variable labels, the order of labels and
    ordinal measures are passed on.
    """

    suffixes = tuple(READERS)

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        import pyreadstat

        name, program = READERS[path.suffix.lower()]
        call = getattr(pyreadstat, name)
        notes: list[str] = []
        try:
            check_end(path)
            if name != "read_xport" and name != "read_por":
                declared = {"user_missing": True} if name == "read_sav" else {}
                about = call(str(path), metadataonly=True, **declared)[1]
                check_size(about, path)
                notes += declared_missing(about)
            if name == "read_xport":
                check_records(path)
            frame, about = call(str(path))
        except InvalidData:
            raise
        except Exception as error:
            raise InvalidData(
                f"The file is damaged, incomplete or not one of {program} ({error}).",
                where=path.name,
                remedy=f"Save it again in {program}, or as CSV.",
            ) from error
        found = labelled(frame, about)
        found.attrs["notes"] += notes
        return found


def check_end(path: Path) -> None:
    """Refuse a file of Stata that was cut, perhaps in its labels (https://www.stata.com/help.cgi?dta)."""
    with path.open("rb") as file:
        marked = file.read(len(STATA)) == STATA
        file.seek(-min(len(STATA_END), path.stat().st_size), 2)
        if marked and file.read() != STATA_END:
            raise cut(path)


def cut(path: Path) -> InvalidData:
    return InvalidData(
        "The file is damaged: a part of it is missing.", where=path.name, remedy="Copy or download it again."
    )


def check_size(about: Any, path: Path) -> None:
    cells = (about.number_rows or 0) * (about.number_columns or 0)
    if cells * BYTES_PER_CELL > 2 * LIMIT:
        raise InvalidData(
            f"The table has {about.number_rows:,} rows and {about.number_columns:,} columns, too many.",
            where=path.name,
            remedy="Keep the columns and rows that the question needs.",
        )


def declared_missing(about: Any) -> list[str]:
    """Say which values the file itself declares to be missing: none of them is in the table."""
    notes = []
    for name, ranges in (about.missing_ranges or {}).items():
        codes = [" to ".join(dict.fromkeys((shown(one["lo"]), shown(one["hi"])))) for one in ranges]
        notes.append(f"Column “{name}” has no value where the file has a code for missing ones: {listed(codes)}.")
    return notes


def check_records(path: Path) -> None:
    """Refuse a transport file of SAS that was cut, or holds several tables, which would be read as one.

    It consists of records of 80 bytes, and does not say how many (SAS technical paper TS-140).
    """
    content = path.read_bytes()
    if len(content) % RECORD:
        raise cut(path)
    tables = sum(content.count(b"HEADER RECORD*******" + name + b" HEADER RECORD!!!!!!!") for name in MEMBERS)
    if tables > 1:
        raise InvalidData(
            f"The file holds {tables} tables.", where=path.name, remedy="Save each table in a file of its own."
        )


def labelled(frame: pd.DataFrame, about: Any) -> pd.DataFrame:
    """Put labels in the place of codes, and note what the file declares of its columns."""
    labels: Mapping[str, Mapping[Any, str]] = about.variable_value_labels or {}
    names = about.column_names_to_labels or {}
    measures = about.variable_measure or {}
    columns: dict[str, Any] = {}
    variables: dict[str, dict[str, Any]] = {}
    kinds: dict[str, str] = {}
    notes: list[str] = []
    for name in frame.columns:
        columns[name], levels, note = decoded(frame[name], labels.get(name, {}))
        notes += [f"Column “{name}” {note}"] * bool(note)
        declared = {"label": str(names[name])} if names.get(name) else {}
        variables[name] = {**declared, **({"levels": levels} if levels else {})}
        if measures.get(name) == "ordinal" and len(levels) > 2:
            kinds[name] = "ordered"
    found = pd.DataFrame(columns)
    found.attrs = {"variables": {name: one for name, one in variables.items() if one}, "kinds": kinds, "notes": notes}
    return found


def decoded(column: pd.Series[Any], labels: Mapping[Any, str]) -> tuple[pd.Series[Any], list[str], str]:
    """Return a column with its labels, these in the order of their codes, and a note; as it is when a label lacks."""
    column = plain(column)
    present = column.dropna().unique()
    if not labels or not len(present):
        return column, [], ""
    meant = {code: str(label).strip() for code, label in labels.items()}
    if any(code not in meant for code in present):
        some = listed(f"{shown(code)} means “{label}”" for code, label in sorted(meant.items(), key=code_of)[:5])
        return column, [], f"has labels for some of its values only, and is kept as it is: {some}."
    if len(set(meant.values())) < len(meant):
        return column, [], "has one label for several codes, and is kept as it is."
    order = spelt(label for _, label in sorted(meant.items(), key=code_of))
    missing = [f"“{label}”" for code, label in meant.items() if label in MISSING and code in present]
    note = f"has no value where its label is {listed(missing)}." if missing else ""
    return column.map(meant, na_action="ignore").astype("str"), order, note


def code_of(pair: tuple[Any, str]) -> tuple[bool, Any]:
    """Sort numbers before texts, which stand for kinds of missing values."""
    return isinstance(pair[0], str), pair[0]


def plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Make empty text missing."""
    return column if column.dtype.kind in "biufM" else column.where(column.map(lambda cell: cell != ""), None)
