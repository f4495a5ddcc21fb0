"""Columns that say something only together: a time and its event, an estimate and its error, successes and trials.

Values alone would relate almost any two columns, so every rule wants a hint in the names and then proof on every row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.data.facts import Array, words_of
from modelcompose.data.fit import numbers_of
from modelcompose.data.kinds import (
    BARE_ERROR_WORDS,
    ESTIMATE_WORDS,
    EVENT_WORDS,
    GROUP_WORDS,
    ID_WORDS,
    LATITUDE_WORDS,
    STANDARD_ERROR_WORDS,
    TIME_WORDS,
    Guess,
    words,
)

__all__ = ["Relation", "relations"]

SUCCESS_WORDS = words(
    """accepted admit admitted approved awarded awards cases clicks conversions converted correct deaths died events
    failures hits infected k made orders passed positives purchases responders success successes wins yes"""
)
TRIAL_WORDS = words(
    """ab animals applicants applications attempts bats births candidates exposed games impressions n patients people
    persons population questions sample sent shots size subjects tested total totals trials visitors visits"""
)
ENDS = (
    *(("lower", "upper"), ("low", "high"), ("lo", "hi"), ("min", "max"), ("minimum", "maximum")),
    *(("start", "end"), ("begin", "end"), ("from", "to"), ("lcl", "ucl"), ("ll", "ul")),
)
RUNNING = re.compile(r"(?P<stem>\D*?)[\s_.-]*(?P<number>\d{1,4})")
NOT_REPEATED = words("component dim dimension factor feature field pc pca unnamed v var variable x")
ONE_LETTER = words("t w y")
ENDINGS = words("alive censored dead deceased died lost")
LEAST_WIDE = 3
TRIED = 10_000
NUMBERS = frozenset(
    ("continuous", "positive", "amount", "duration", "count", "proportion", "weight", "standard_error", "ordered")
)
MEASURES = frozenset(("continuous", "positive", "amount", "proportion"))


@dataclass(frozen=True)
class Relation:
    """Columns that belong together: the relation's id, the columns in its order, and a sentence for people."""

    relation: str
    columns: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Table:
    """A frame, the kind of each column, and the words of its name."""

    frame: pd.DataFrame
    kinds: Mapping[str, str]
    words: Mapping[str, frozenset[str]]

    def of(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def numbers(self, name: str) -> Array:
        return numbers_of(self.frame[name]).to_numpy()


def relations(frame: pd.DataFrame, kinds: Mapping[str, str | Guess]) -> tuple[Relation, ...]:
    """Find columns that belong together.

    Parameters
    ----------
    frame
        A table as `modelcompose.data.read` returns it.
    kinds
        The kind of each column, or the guess of it.

    Returns
    -------
    tuple of Relation
        ``successes-trials``, ``duration-event``, ``estimate-error``, ``place``, ``interval`` (lower and upper end),
        ``wide`` (one quantity at several times) and ``repeated-rows`` (the group, then what tells its rows apart).
    """
    names = [str(name) for name in frame.columns]
    plain = {name: kind.kind if isinstance(kind, Guess) else kind for name, kind in kinds.items() if name in names}
    table = Table(frame, plain, {name: words_of(name) for name in names})
    return tuple(one for rule in RULES for one in rule(table))


def successes(table: Table) -> Iterator[Relation]:
    counts = table.of("count", "ordered", "continuous", "positive")
    for trials in (name for name in counts if table.words[name] & TRIAL_WORDS):
        for hits in (name for name in counts if table.words[name] & SUCCESS_WORDS and name != trials):
            if (
                is_whole(table.numbers(hits))
                and is_whole(table.numbers(trials))
                and part_of(table.numbers(hits), table.numbers(trials))
            ):
                yield Relation(
                    "successes-trials",
                    (hits, trials),
                    f"“{hits}” is never more than “{trials}”: it may count the successes among so many trials.",
                )


def durations(table: Table) -> Iterator[Relation]:
    events = [
        name
        for name in table.of("binary", "category", "group")
        if table.words[name] & EVENT_WORDS and (table.kinds[name] == "binary" or says_how_it_ended(table.frame[name]))
    ]
    for name in table.of("duration"):
        for event in events[:1]:
            yield Relation(
                "duration-event",
                (name, event),
                f"“{name}” says how long, and “{event}” may say whether the wait had ended: together they need a "
                "survival model.",
            )


def estimates(table: Table) -> Iterator[Relation]:
    for error in table.of("standard_error"):
        stem = table.words[error] - BARE_ERROR_WORDS - STANDARD_ERROR_WORDS - words("std standard err error")
        others = [name for name in table.of(*MEASURES) if name != error]
        same = [name for name in others if stem and table.words[name] == stem]
        for estimate in (same or [name for name in others if table.words[name] & ESTIMATE_WORDS])[:1]:
            yield Relation(
                "estimate-error",
                (estimate, error),
                f"“{error}” may be the standard error of “{estimate}”: each row is then the result of a study.",
            )


def places(table: Table) -> Iterator[Relation]:
    found = table.of("coordinate")
    latitudes = [name for name in found if table.words[name] & LATITUDE_WORDS]
    longitudes = [name for name in found if name not in latitudes]
    for latitude in latitudes:
        stem = table.words[latitude] - LATITUDE_WORDS
        near = [name for name in longitudes if stem <= table.words[name]]
        if near:
            yield Relation("place", (latitude, near[0]), f"“{latitude}” and “{near[0]}” are a place on the map.")


def intervals(table: Table) -> Iterator[Relation]:
    numeric = {name.lower(): name for name in table.of(*NUMBERS)}
    for lowered, name in numeric.items():
        for low, high in ENDS:
            partner = numeric.get(re.sub(rf"(?<![a-z]){low}(?![a-z])", high, lowered))
            if low not in table.words[name] or partner is None or partner == name:
                continue
            if below(table.numbers(name), table.numbers(partner)):
                yield Relation(
                    "interval",
                    (name, partner),
                    f"“{name}” is never above “{partner}”: they may be the two ends of one quantity.",
                )


def wide(table: Table) -> Iterator[Relation]:
    runs: dict[str, list[tuple[int, str]]] = {}
    for name in table.of(*NUMBERS):
        found = RUNNING.fullmatch(name)
        if found and repeats_itself(found["stem"].lower(), int(found["number"])):
            runs.setdefault(found["stem"], []).append((int(found["number"]), name))
    for stem, members in runs.items():
        ordered = sorted(members)
        steps = {later - earlier for (earlier, _), (later, _) in pairwise(ordered)}
        columns = tuple(name for _, name in ordered)
        if len(columns) < LEAST_WIDE or len(steps) != 1 or not alike(table, columns):
            continue
        what = f"“{stem}”" if stem else "one quantity"
        yield Relation(
            "wide",
            columns,
            f"{len(columns)} columns, “{columns[0]}” to “{columns[-1]}”, may hold {what} at {len(columns)} times; "
            "a change over time needs one row for each time.",
        )


def repeated(table: Table) -> Iterator[Relation]:
    for name in table.of("group"):
        moments = [
            other
            for other, kind in table.kinds.items()
            if kind == "date" or (kind in NUMBERS and table.words[other] & TIME_WORDS - {"x", "dose"})
        ]
        apart = next((other for other in moments if tells_apart(table.frame, name, other)), None)
        if apart is None and not table.words[name] & (GROUP_WORDS | ID_WORDS):
            continue
        several = f"“{name}” has {table.frame[name].nunique()} values in {len(table.frame)} rows"
        if apart is None:
            yield Relation("repeated-rows", (name,), f"{several}: rows with the same one belong together.")
        else:
            told = f"{several}, and “{apart}” tells the rows of each apart: each was measured repeatedly."
            yield Relation("repeated-rows", (name, apart), told)


RULES: tuple[Callable[[Table], Iterator[Relation]], ...] = (
    successes,
    durations,
    estimates,
    places,
    intervals,
    wide,
    repeated,
)


def says_how_it_ended(column: pd.Series[Any]) -> bool:
    return any(str(level).strip().lower() in ENDINGS for level in column.dropna().unique())


def is_whole(numbers: Array) -> bool:
    present = numbers[~np.isnan(numbers)]
    return bool(len(present) and (present >= 0).all() and (present == np.rint(present)).all())


def part_of(part: Array, whole: Array) -> bool:
    """Tell whether one is at most the other in every row, less in some, and the other no constant zero."""
    known = ~(np.isnan(part) | np.isnan(whole))
    return below(part, whole) and bool((part[known] < whole[known]).any() and (part[known] > 0).any())


def below(low: Array, high: Array) -> bool:
    """Tell whether one is at most the other wherever both are known, and they are not the same."""
    known = ~(np.isnan(low) | np.isnan(high))
    return bool(known.any() and (low[known] <= high[known]).all() and (low[known] < high[known]).any())


def tells_apart(frame: pd.DataFrame, group: str, moment: str) -> bool:
    """Tell whether the rows of each group differ in a moment that other groups share."""
    shared = bool(frame[moment].duplicated().any())
    return shared and not any(some.duplicated([group, moment]).any() for some in (frame.head(TRIED), frame))


def repeats_itself(stem: str, number: int) -> bool:
    """Tell whether a stem names one quantity rather than numbering different ones; without a stem, years do."""
    plain = stem.strip(" _.-")
    if not plain:
        return 1800 <= number <= 2100
    return plain not in NOT_REPEATED and (len(plain) > 1 or plain in ONE_LETTER)


def alike(table: Table, columns: tuple[str, ...]) -> bool:
    """Tell whether the ranges of neighbouring columns overlap, as those of one quantity do."""
    ranges = [(np.nanmin(numbers), np.nanmax(numbers)) for numbers in map(table.numbers, columns)]
    return all(max(low, lower) <= min(high, higher) for (low, high), (lower, higher) in pairwise(ranges))
