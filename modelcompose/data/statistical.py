"""Read the files of Stata, SPSS and SAS, with what they say of their variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.data.cells import LIMIT, listed
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


class Statistical:
    """A file of Stata (.dta), SPSS (.sav, .zsav, .por) or SAS (.sas7bdat, .xpt).

    Codes become the labels they stand for where every code in use has one. Variable labels, the order of labels and
    ordinal measures are passed on.
    """

    suffixes = tuple(READERS)

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        import pyreadstat

        name, program = READERS[path.suffix.lower()]
        call = getattr(pyreadstat, name)
        try:
            if name != "read_xport" and name != "read_por":
                check_size(call(str(path), metadataonly=True)[1], path)
            frame, about = call(str(path))
        except InvalidData:
            raise
        except Exception as error:
            raise InvalidData(
                f"The file is damaged, incomplete or not one of {program} ({error}).",
                where=path.name,
                remedy=f"Save it again in {program}, or as CSV.",
            ) from error
        return labelled(frame, about)


def check_size(about: Any, path: Path) -> None:
    cells = (about.number_rows or 0) * (about.number_columns or 0)
    if cells * BYTES_PER_CELL > 2 * LIMIT:
        raise InvalidData(
            f"The table has {about.number_rows:,} rows and {about.number_columns:,} columns, too many.",
            where=path.name,
            remedy="Keep the columns and rows that the question needs.",
        )


def labelled(frame: pd.DataFrame, about: Any) -> pd.DataFrame:
    """Put labels in the place of codes, and note what the file declares of its columns."""
    labels: Mapping[str, Mapping[Any, str]] = about.variable_value_labels or {}
    names = about.column_names_to_labels or {}
    measures = about.variable_measure or {}
    columns: dict[str, Any] = {}
    variables: dict[str, dict[str, Any]] = {}
    kinds: dict[str, str] = {}
    partly = []
    for name in frame.columns:
        column, levels = decoded(frame[name], labels.get(name, {}))
        columns[name] = column
        if name in labels and not levels:
            partly.append(f"“{name}”")
        declared = {"label": str(names[name])} if names.get(name) else {}
        variables[name] = {**declared, **({"levels": levels} if levels else {})}
        if measures.get(name) == "ordinal" and len(levels) > 2:
            kinds[name] = "ordered"
    found = pd.DataFrame(columns)
    found.attrs = {
        "variables": {name: one for name, one in variables.items() if one},
        "kinds": kinds,
        "notes": [f"Some codes have labels and others have none; all are kept as they are in {listed(partly)}."]
        if partly
        else [],
    }
    return found


def decoded(column: pd.Series[Any], labels: Mapping[Any, str]) -> tuple[pd.Series[Any], list[str]]:
    """Return a column with its labels, and these in the order of their codes; as it is when one lacks."""
    present = column.dropna().unique()
    if not labels or any(code not in labels for code in present) or len(set(labels.values())) < len(labels):
        return plain(column), []
    order = [str(label) for _, label in sorted(labels.items(), key=lambda item: item[0])]
    return column.map(labels, na_action="ignore").astype("str"), order


def plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Make empty text missing, and whole numbers in floats what they are."""
    if column.dtype == object:
        return column.where(column.map(lambda cell: cell != "" and shown(cell) != ""), None)
    if column.dtype.kind == "f" and np.isinf(column.to_numpy()).any():
        return column.replace([np.inf, -np.inf], np.nan)
    return column
