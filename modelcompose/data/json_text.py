"""Read JSON: a list of records, an object of columns, or one record a line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from modelcompose.data.cells import check_names
from modelcompose.data.delimited import decode
from modelcompose.errors import InvalidData

__all__ = ["Json"]

REMEDY = 'Write a list of records, [{"x": 1, "y": 2}, …], or an object of columns, {"x": [1, …], "y": [2, …]}.'


class Json:
    """A list of flat records, an object of equally long columns, or one record a line."""

    suffixes = (".json", ".jsonl", ".ndjson")

    def read(self, path: Path, **choices: str) -> pd.DataFrame:
        content, notes = decode(path)
        if path.suffix.lower() != ".json" or is_lines(content):
            table = [
                loads(line, path, offset)
                for offset, line in enumerate(content.split("\n"))
                if line.strip()
            ]  # fmt: skip
        else:
            table = loads(content, path, 0)
        table, name = inner(table)
        frame = frame_of(table, path)
        frame.attrs["notes"] = notes + [f"The rows are those under “{name}”."] * bool(name)
        return frame


def is_lines(content: str) -> bool:
    """Whether the first line is a record by itself and another line follows."""
    first, _, rest = content.strip().partition("\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def loads(content: str, path: Path, offset: int) -> Any:
    """Parse JSON; whatever is wrong with it is named with its line and column."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidData(
                f"The name “{twice}” occurs more than once in one object.",
                where=f"{path.name}, line {offset + 1}" if offset else path.name,
                remedy="Give every value of a record a name of its own.",
            )
        return record

    def constant(name: str) -> None:
        if name != "NaN":
            raise InvalidData(
                f"The value {name} is not a number one can compute with.",
                where=path.name,
                remedy="Replace it by null, or by the value that was meant.",
            )

    def fraction(digits: str) -> float:
        if math.isinf(number := float(digits)):
            raise InvalidData(
                f"The value {digits} is too large for a number.",
                where=path.name,
                remedy="Correct it, or write it in quotation marks to keep it as text.",
            )
        return number

    try:
        return json.loads(content, object_pairs_hook=unique, parse_constant=constant, parse_float=fraction)
    except json.JSONDecodeError as error:
        raise InvalidData(
            f"The file is not valid JSON: {error.msg}.",
            where=f"{path.name}, line {offset + error.lineno}, column {error.colno}",
            remedy="Correct the text at this place, or save the table again.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidData(
            "The file is JSON that no table has: too deeply nested, or a number of thousands of digits.",
            where=path.name,
            remedy=REMEDY,
        ) from error


def inner(table: Any) -> tuple[Any, str]:
    """Return the only list of records in an object, and its name; other tables as they are.

    Services send their records so, beside numbers and texts about them.
    """
    if not isinstance(table, dict) or any(isinstance(value, dict) for value in table.values()):
        return table, ""
    lists = {name: value for name, value in table.items() if isinstance(value, list)}
    name, records = next(iter(lists.items()), ("", []))
    found = len(lists) == 1 and records and all(isinstance(record, dict) for record in records)
    return (records, name) if found else (table, "")


def frame_of(table: Any, path: Path) -> pd.DataFrame:
    if isinstance(table, list) and all(isinstance(record, dict) for record in table):
        columns = from_records(table)
    elif isinstance(table, dict) and table:
        columns = from_columns(table, path)
    else:
        raise InvalidData("The JSON holds no table.", where=path.name, remedy=REMEDY)
    for name, cells in columns.items():
        for row, cell in enumerate(cells, start=1):
            if isinstance(cell, dict | list):
                raise InvalidData(
                    "A value holds further values, so it has no place in one cell.",
                    where=f"{path.name}, row {row}, column “{name}”",
                    remedy="Flatten it: give each inner value a column of its own.",
                )
    check_names(list(columns), path.name)
    return pd.DataFrame({name: pd.Series(cells, dtype="object") for name, cells in columns.items()})


def from_records(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}


def from_columns(table: dict[str, Any], path: Path) -> dict[str, list[Any]]:
    """Accept lists, and objects with the same row labels in each column, as pandas writes them."""
    labels: dict[str, list[str]] = {}
    columns: dict[str, list[Any]] = {}
    for name, cells in table.items():
        if not isinstance(cells, list | dict):
            raise InvalidData(
                "The value is neither a list of values nor a record.",
                where=f"{path.name}, “{name}”",
                remedy=REMEDY,
            )
        labels[name] = list(cells) if isinstance(cells, dict) else [str(row) for row in range(len(cells))]
        columns[name] = list(cells.values()) if isinstance(cells, dict) else cells
    first = next(iter(labels))
    for name, found in labels.items():
        if found != labels[first]:
            raise InvalidData(
                f"Column “{name}” does not have the rows of column “{first}” ({len(found)} and {len(labels[first])}).",
                where=f"{path.name}, column “{name}”",
                remedy="Give every column a value for every row; write null where one is missing.",
            )
    return columns
