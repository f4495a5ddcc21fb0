"""What the data ask for: steps of preparation to suggest, each with its reason. Nothing is done unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from modelcompose.data.cells import MISSING
from modelcompose.data.kinds import as_dates, suspects
from modelcompose.errors import InvalidData

__all__ = ["Suggestion", "suggest"]

SAMPLE = 2_000
MOST = 12
RUNNING = re.compile(r"(?P<stem>.*?[\s_.-]*)(?P<number>\d{1,4})")
DATE = re.compile(r"\d{1,4}([/.-])\d{1,2}\1\d{1,4}(?:[ T]\d\d:\d\d(?::\d\d)?)?")
LEAST_WIDE = 3


@dataclass(frozen=True)
class Suggestion:
    """A step of preparation, what to call it, and why it may be needed."""

    label: str
    why: str
    step: Mapping[str, Any]


def suggest(frame: pd.DataFrame, kinds: Mapping[str, str], question: str = "") -> tuple[Suggestion, ...]:
    """Suggest steps for a table.

    Parameters
    ----------
    frame
        The typed table.
    kinds
        The kind of each column.
    question
        The question asked, if one is; repeated measurements in columns of their own matter most for changes over time.
    """
    found = [
        *_written(frame),
        *_codes(frame, kinds),
        *_wide(frame, question),
        *_repeated(frame),
        *_rounds(frame, kinds),
    ]
    return tuple(found[:MOST])


def _written(frame: pd.DataFrame) -> Iterator[Suggestion]:
    """Text that would be numbers, shares or dates if it were said how they are written."""
    from modelcompose.data.recipe.values import parsed

    ways: tuple[tuple[str, dict[str, str], str, str, str], ...] = (
        ("share", {}, r".*%\s*", "shares between 0 and 1", ""),
        ("number", {"decimal": ","}, r".*\d.*", "numbers with a decimal comma", ""),
        ("number", {}, r".*\d.*", "numbers", ""),
        ("date", {"order": "day first"}, DATE.pattern, "dates, the day first", ", the day before the month"),
        ("date", {"order": "month first"}, DATE.pattern, "dates, the month first", ", the month before the day"),
        ("date", {"order": "year first"}, DATE.pattern, "dates", ""),
    )
    for name in frame.columns:
        column = frame[name]
        if not isinstance(column.dtype, pd.StringDtype):
            continue
        cells = column.head(SAMPLE)
        cells = cells.mask(cells.str.strip().isin(MISSING)).dropna()
        if not len(cells) or as_dates(cells) is not None:
            continue
        sure: set[str] = set()
        for to, options, pattern, what, how in ways:
            units = cells.str.replace(r"^[€$£¥\s]*[\d\s.,'’+\-]*", "", regex=True).nunique() if to == "number" else 1
            if units > 1 or not cells.str.fullmatch(pattern).all() or (to in sure and to != "date"):
                continue
            try:
                values = parsed(cells, to, options.get("decimal", "."), options.get("order", "year first"), "refuse")
            except InvalidData:
                continue
            sure |= {"share", "number"} if to in ("share", "number") else {to}
            example = f"“{cells.iloc[0]}” is then {_shown(values.iloc[0])}{how}."
            step = {"do": "parse", "column": str(name), "to": to, **options}
            yield Suggestion(f"Read {name} as {what}", example, step)


def _shown(value: object) -> str:
    return str(value.date()) if isinstance(value, pd.Timestamp) else str(value)


def _codes(frame: pd.DataFrame, kinds: Mapping[str, str]) -> Iterator[Suggestion]:
    """Codes that may stand for a missing value; columns with the same codes together."""
    by_code: dict[str, list[tuple[str, int, str]]] = {}
    for name in frame.columns:
        for value, count, why in suspects(frame[name], kinds.get(str(name), "")):
            by_code.setdefault(value, []).append((str(name), count, why))
    for value, places in by_code.items():
        columns = [name for name, _, _ in places]
        code: float | str = float(value) if re.fullmatch(r"-?\d+", value) else value
        yield Suggestion(
            f"Treat {value} as missing in {', '.join(columns[:4])}{' …' if len(columns) > 4 else ''}",
            f"It occurs {sum(count for _, count, _ in places):,} times; {places[0][2]}.",
            {"do": "missing_codes", "columns": columns, "codes": [int(code) if isinstance(code, float) else code]},
        )


def _wide(frame: pd.DataFrame, question: str) -> Iterator[Suggestion]:
    """Columns that hold one quantity at several times, such as day1, day2, day3 or 2010, 2011, 2012."""
    stems: dict[str, list[tuple[str, str]]] = {}
    for name in map(str, frame.columns):
        found = RUNNING.fullmatch(name)
        numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
        if found and numeric:
            stems.setdefault(found["stem"], []).append((name, found["number"]))
    for stem, members in stems.items():
        others = [name for name in map(str, frame.columns) if name not in {member for member, _ in members}]
        if len(members) < LEAST_WIDE or not others:
            continue
        columns = [name for name, _ in members]
        plain = stem.strip(" _.-")
        names = "year" if all(len(number) == 4 for _, number in members) else "time"
        values = plain or "value"
        need = " A change over time needs that." if question in ("change-over-time", "") else ""
        yield Suggestion(
            f"Make one row for each of {columns[0]} … {columns[-1]}",
            f"{len(columns)} columns look like one quantity at {len(columns)} times.{need}",
            {
                "do": "lengthen",
                "columns": columns,
                "names": names if names not in others else f"{names}_of_{values}",
                "values": values if values not in others else f"{values}_value",
                "prefix": stem,
            },
        )


def _repeated(frame: pd.DataFrame) -> Iterator[Suggestion]:
    count = int(frame.duplicated().sum())
    if count and frame.shape[1] > 1:
        yield Suggestion(
            f"Leave out {count:,} repeated rows",
            "They are equal to an earlier row in every column, as when a file was joined to itself.",
            {"do": "distinct", "columns": []},
        )


def _rounds(frame: pd.DataFrame, kinds: Mapping[str, str]) -> Iterator[Suggestion]:
    """What goes round has no lowest value: its sine and cosine do what a direction does."""
    for name, kind in kinds.items():
        if kind != "circular" or name not in frame.columns:
            continue
        whole = 24 if float(frame[name].max()) <= 24 else 360
        for function in ("sin", "cos"):
            if f"{name}_{function}" not in frame.columns:
                yield Suggestion(
                    f"Use the {'sine' if function == 'sin' else 'cosine'} of {name}",
                    f"{whole - 1} and 0 are next to each other; as numbers they are far apart. Sine and cosine "
                    "together say where on the circle a value lies.",
                    {
                        "do": "derive",
                        "column": f"{name}_{function}",
                        "expression": f"{function}(`{name}` / {whole} * 2 * 3.141592653589793)",
                    },
                )
