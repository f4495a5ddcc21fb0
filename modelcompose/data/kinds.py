"""Guess what kind of variable each column is, and say why.

The rules stand in one list and the first that fits wins. Their numbers are ours, chosen to be cautious; a guess is
shown with its reason, and what the user declares wins. `misfit` then says whether the column can be what was declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from modelcompose.data.cells import as_numbers

__all__ = ["KINDS", "Confidence", "Guess", "as_dates", "infer", "ladder", "misfit", "shown", "suspects"]

Confidence = Literal["sure", "likely", "unsure"]

KINDS: Mapping[str, tuple[str, str]] = {
    "continuous": ("Number", "A measurement of any size, such as a temperature, a score or a difference."),
    "positive": ("Positive number", "Always above zero and often lopsided, such as an income or a waiting time."),
    "amount": ("Amount with zeros", "Zero or more, and often exactly zero, such as rainfall or money spent."),
    "duration": ("Time until", "How long until something happens, such as survival or the time to a repair."),
    "count": ("Count", "How many: a whole number from zero up, such as visits, defects or days."),
    "proportion": ("Share", "A part of a whole, between 0 and 1."),
    "circular": ("Direction or clock time", "Goes round: after 360 degrees or 24 hours it begins again."),
    "coordinate": ("Latitude or longitude", "A place on the map, in degrees."),
    "weight": ("Weight of a row", "For how many others a row stands, as in a survey; it is never part of a model."),
    "standard_error": ("Standard error", "How uncertain an estimate in another column is."),
    "binary": ("Yes or no", "One of exactly two possibilities."),
    "category": ("Category", "One of a few names without an order, such as a species or a country."),
    "ordered": ("Ordered category", "One of a few steps with an order but no distances, such as a rating."),
    "group": ("Group", "Says which rows belong together, such as a person, school or shop measured repeatedly."),
    "id": ("Identifier", "Names each row; it is never part of a model."),
    "date": ("Date or time", "A point in time."),
    "text": ("Text", "Free text; it is never part of a model."),
    "constant": ("Constant", "The same everywhere, or empty; there is nothing to learn from it."),
}
"""Label and explanation of each kind, in plain words."""


def words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GROUP_WORDS = words(
    """animal batch block centre center city class classroom clinic cluster company county customer district family
    field firm herd hospital household lab laboratory litter participant patient person plate player plot pupil rater
    school shop site store student subj subject teacher team user village ward"""
)
ID_WORDS = words("id ids uuid guid key code identifier index row rowname rownames rowid")
COUNT_WORDS = words("count counts n num number size visits children kids pieces cylinders rooms persons people psize")
ORDER_WORDS = words("agreement grade level likert rating satisfaction score severity stage star stars")
TIME_WORDS = words(
    """age day days dose hour hours minute minutes month months period quarter season second seconds session t time
    trial visit wave week weeks x year years"""
)
DURATION_WORDS = words("duration survival survtime tenure lifetime futime ttme")
CIRCLE_WORDS = words("angle azimuth bearing direction heading")
LATITUDE_WORDS, LONGITUDE_WORDS = words("lat latitude"), words("lon lng long longitude")
WEIGHT_WORDS = words("weights wgt wgts pweight pweights fnlwgt sampwt samplewt")
ERROR_WORDS = words("se sei stderr sem stderror")
LADDERS = (
    ("very low", "low", "mid/middle/medium/moderate/normal/average", "high", "very high"),
    ("very small", "small", "medium/mid/middle", "large/big", "very large/extra large"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    (
        "strongly disagree",
        "disagree",
        "neutral/neither/neither agree nor disagree/undecided",
        "agree",
        "strongly agree",
    ),
    ("very dissatisfied", "dissatisfied", "neutral/neither", "satisfied", "very satisfied"),
    ("very unlikely", "unlikely", "neutral/neither", "likely", "very likely"),
    ("never", "rarely/seldom", "sometimes/occasionally", "often/frequently", "always"),
    ("very bad/very poor", "bad/poor", "fair/average/ok/okay", "good", "very good", "excellent"),
    ("none/no/absent", "mild/light", "moderate/medium", "severe/strong", "very severe"),
    ("not at all", "a little/slightly", "somewhat/moderately", "very/very much/quite", "extremely"),
    ("primary", "secondary", "tertiary"),
    ("first", "second", "third", "fourth", "fifth"),
)
ZEROS = 0.05
NUMBERED = re.compile(r"^(\d+)\s*[-–=.:)]\s*\D")
DATE_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y%m%dT%H%M%S")
MIRRORED = (("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"))


@dataclass(frozen=True)
class Guess:
    """The kind of a column and the reason for it, declared by the user or inferred.

    ``ask`` lists the kinds between which only a person can decide, where that changes which models are offered.
    """

    kind: str
    reason: str
    declared: bool = False
    confidence: Confidence = "likely"
    ask: tuple[str, ...] = ()


class Facts:
    """What the rules look at: one column without its missing cells."""

    def __init__(self, name: str, column: pd.Series[Any]) -> None:
        self.words = {
            word.lower()
            for part in re.split(r"[\W_\d]+", name)
            for word in [part, *re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", part)]
            if word
        }
        self.column = column
        self.present = column.dropna()
        self.n = len(self.present)
        self.u = int(self.present.nunique())

    @cached_property
    def is_text(self) -> bool:
        return isinstance(self.present.dtype, pd.StringDtype) or self.present.dtype == object

    @cached_property
    def is_number(self) -> bool:
        return pd.api.types.is_numeric_dtype(self.present) and not pd.api.types.is_bool_dtype(self.present)

    @cached_property
    def numbers(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return self.present.to_numpy(dtype="float64") if self.is_number else np.empty(0)

    @cached_property
    def whole(self) -> bool:
        return self.is_number and bool(np.isfinite(self.numbers).all() and (self.numbers % 1 == 0).all())

    @cached_property
    def lo(self) -> float:
        return float(self.numbers.min())

    @cached_property
    def hi(self) -> float:
        return float(self.numbers.max())

    @cached_property
    def repeats(self) -> pd.Series[Any]:
        """Rows per value."""
        return self.present.value_counts()

    @cached_property
    def range(self) -> str:
        return f"from {shown(self.lo)} to {shown(self.hi)}"


Rule = Callable[[Facts], Guess | None]


def infer(frame: pd.DataFrame) -> dict[str, Guess]:
    """Guess the kind of every column of a table, with a reason for each.

    Parameters
    ----------
    frame
        A table as `modelcompose.data.read` returns it.

    Returns
    -------
    dict
        A `Guess` for each column, in the order of the columns.
    """
    return {str(name): guess(Facts(str(name), frame[name])) for name in frame.columns}


def guess(facts: Facts) -> Guess:
    for rule in RULES:
        if found := rule(facts):
            return found
    return Guess("text", f"{facts.u} different texts in {facts.n} rows: too many for categories.")


def constant(facts: Facts) -> Guess | None:
    if facts.n == 0:
        return Guess("constant", "Every value is missing.", confidence="sure")
    if facts.u == 1:
        return Guess("constant", f"Every value is “{shown(facts.present.iloc[0])}”.", confidence="sure")
    return None


def date(facts: Facts) -> Guess | None:
    if facts.is_number or not facts.n or (dates := as_dates(facts.present)) is None:
        return None
    span = f"{facts.u} different dates from {shown(dates.min())} to {shown(dates.max())}."
    return Guess("date", span, confidence="sure")


def long_text(facts: Facts) -> Guess | None:
    if not facts.is_text:
        return None
    mean = float(facts.present.str.len().mean())
    if mean > 30 and facts.u > facts.n / 2:
        return Guess("text", f"Texts of {mean:.0f} characters on average, most of them different.")
    return None


def steps(facts: Facts) -> Guess | None:
    """Ordered categories: a known ladder of words, ratings, or a few calendar years."""
    if facts.is_text and facts.u >= 3:
        order = ladder([str(level) for level in facts.present.unique()])
        return Guess("ordered", f"The values have an order: {' < '.join(order)}.") if order else None
    if not facts.whole or facts.u < 3:
        return None
    if facts.words & ORDER_WORDS and facts.lo in (0, 1) and facts.hi <= 11:
        return Guess("ordered", f"{facts.u} whole-number steps {facts.range}, and the name says rating.")
    if is_scale(facts):
        reason = (
            f"Only the whole numbers {facts.range}, {shown(facts.n / facts.u)} rows each on average: steps of a scale."
        )
        return Guess("ordered", reason, confidence="unsure", ask=("ordered", "count", "category"))
    if is_year(facts) and facts.u <= 5:
        return Guess("ordered", f"{facts.u} different years {facts.range}: few enough to compare one by one.")
    return None


def identifier(facts: Facts) -> Guess | None:
    if facts.u <= 2 or facts.u <= 0.95 * facts.n:
        return None
    if facts.is_text:
        return Guess("id", f"{facts.u} different texts in {facts.n} rows: they name the rows.{unread(facts)}")
    if not facts.whole:
        return None
    if facts.words & ID_WORDS:
        return Guess("id", f"{facts.u} different whole numbers in {facts.n} rows, and the name says identifier.")
    gapless = facts.u == facts.n and facts.hi - facts.lo == facts.n - 1
    if gapless and facts.n >= 20 and not facts.words & TIME_WORDS:
        return Guess("id", f"The whole numbers {facts.range}, each once: they number the rows.")
    return None


def group(facts: Facts) -> Guess | None:
    if facts.u < 5 or facts.u > facts.n / 2 or not (facts.is_text or facts.whole):
        return None
    median = float(facts.repeats.median())
    if median < 2:
        return None
    codes = "texts" if facts.is_text else "codes"
    reason = f"{facts.u} different {codes}, each in {shown(median)} rows (median): rows that belong together."
    named = bool(facts.words & (GROUP_WORDS | ID_WORDS)) and not facts.words & TIME_WORDS
    if facts.is_text or named:
        return Guess("group", reason)
    balanced = facts.repeats.nunique() == 1 and facts.lo >= 100 and facts.hi - facts.lo >= facts.u
    return Guess("group", reason) if balanced and not is_year(facts) else None


def binary(facts: Facts) -> Guess | None:
    if facts.u != 2:
        return None
    first, second = (f"“{shown(level)}”" for level in sorted(facts.present.unique()))
    return Guess("binary", f"Two different values: {first} and {second}.", confidence="sure")


def category(facts: Facts) -> Guess | None:
    if facts.whole and 3 <= facts.u < 5 and facts.words & (GROUP_WORDS | ID_WORDS):
        return Guess("category", f"{facts.u} different codes: too few for groups, so categories.")
    if not facts.is_text or facts.u > max(20, facts.n**0.5):
        return None
    return Guess("category", f"{facts.u} different texts in {facts.n} rows.{unread(facts)}")


def place(facts: Facts) -> Guess | None:
    if not facts.is_number or not facts.n:
        return None
    for named, limit, what in ((LATITUDE_WORDS, 90, "latitude"), (LONGITUDE_WORDS, 180, "longitude")):
        if facts.words & named and -limit <= facts.lo and facts.hi <= limit and facts.u > 2:
            return Guess("coordinate", f"Numbers {facts.range}, and the name says {what}.", confidence="sure")
    return None


def circle(facts: Facts) -> Guess | None:
    if facts.is_number and facts.words & CIRCLE_WORDS and facts.lo >= 0 and 24 < facts.hi <= 360:
        return Guess("circular", f"Numbers {facts.range}, and the name says direction.")
    return None


def weight(facts: Facts) -> Guess | None:
    if facts.is_number and facts.words & WEIGHT_WORDS and facts.lo > 0 and not facts.words & words("body lbs kg birth"):
        return Guess("weight", f"Numbers {facts.range}, all above zero, and the name says weights of rows.")
    return None


def standard_error(facts: Facts) -> Guess | None:
    if facts.is_number and not facts.whole and facts.words & ERROR_WORDS and facts.lo > 0:
        return Guess("standard_error", f"Numbers {facts.range}, all above zero, and the name says standard error.")
    return None


def duration(facts: Facts) -> Guess | None:
    if facts.is_number and facts.words & DURATION_WORDS and facts.lo >= 0 and facts.u > 5 and facts.hi > 0:
        return Guess("duration", f"Numbers {facts.range}, never below zero, and the name says how long.")
    return None


def amount(facts: Facts) -> Guess | None:
    """Measurements from zero up that are exactly zero in 5% of the rows or more."""
    if not facts.is_number or facts.whole or facts.lo != 0 or facts.hi <= 1:
        return None
    zeros = float((facts.numbers == 0).mean())
    if zeros < ZEROS:
        return None
    return Guess("amount", f"Numbers {facts.range}, {zeros:.0%} of them exactly zero.")


def year(facts: Facts) -> Guess | None:
    return Guess("continuous", f"{facts.u} different years {facts.range}.") if is_year(facts) else None


def proportion(facts: Facts) -> Guess | None:
    if facts.is_number and not facts.whole and facts.lo >= 0 and facts.hi <= 1:
        return Guess("proportion", f"Numbers {facts.range}, all between 0 and 1.")
    return None


def count(facts: Facts) -> Guess | None:
    """Whole numbers from zero up, except three shapes that counts seldom have and measurements often do.

    Far from zero (the lowest is above 30 and further from zero than from the highest), a count and a rounded
    measurement look alike and the normal approximation serves both; numbers that never fall below 1000 likewise; and
    numbers that are all multiples of 5 or more were rounded, which nobody does with counts.
    """
    if not facts.whole or facts.lo < 0:
        return None
    values = f"{facts.u} different whole numbers {facts.range}"
    rounding = int(np.gcd.reduce(facts.numbers.astype("int64"))) if facts.hi < 2**62 else 1
    if rounding >= 5:
        return measurement(facts, f"{values}, all multiples of {rounding}: a rounded measurement")
    if (facts.lo > 30 and facts.hi - facts.lo < facts.lo) or facts.lo >= 1000:
        return measurement(facts, f"{values}, far from zero: a measurement rather than a count")
    if facts.lo >= 1 and 3 <= facts.u <= 10 and facts.u == facts.hi - facts.lo + 1 and not facts.words & COUNT_WORDS:
        return Guess(
            "count", f"{values}: a count, if not a code.", confidence="unsure", ask=("count", "ordered", "category")
        )
    return Guess("count", f"{values}: a count.")


def number(facts: Facts) -> Guess | None:
    if not facts.is_number:
        return None
    what = "whole numbers" if facts.whole else "numbers"
    return measurement(facts, f"{facts.u} different {what} {facts.range}")


def measurement(facts: Facts, values: str) -> Guess:
    """Positive if all are above zero and they are lopsided or span more than a factor of 10, else continuous."""
    if facts.lo > 0:
        lopsided = skewness(facts.numbers)
        if lopsided > 1:
            return Guess("positive", f"{values}; all above zero and lopsided (skewness {lopsided:.1f}).")
        if facts.hi / facts.lo > 10:
            return Guess(
                "positive", f"{values}; all above zero, the highest {facts.hi / facts.lo:.3g} times the lowest."
            )
    return Guess("continuous", f"{values}.")


RULES: tuple[Rule, ...] = (
    constant,
    date,
    long_text,
    steps,
    identifier,
    group,
    binary,
    category,
    year,
    place,
    circle,
    weight,
    standard_error,
    duration,
    proportion,
    amount,
    count,
    number,
)


def is_scale(facts: Facts) -> bool:
    """Tell whether whole numbers look like answers on a scale: 1 to 5 or 1 to 7, or named quarters, all in use."""
    gapless = facts.lo == 1 and facts.u == facts.hi
    if gapless and facts.u == 4 and facts.words & words("quarter qtr"):
        return True
    often = facts.n >= 20 * facts.u
    return gapless and facts.u in (5, 7) and often and not facts.words & (COUNT_WORDS | TIME_WORDS | GROUP_WORDS)


def is_year(facts: Facts) -> bool:
    return facts.whole and facts.lo >= 1800 and facts.hi <= 2100 and bool(facts.words & {"year", "years", "yr"})


def skewness(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    with np.errstate(all="ignore"):
        centred = numbers - numbers.mean()
        spread = centred.std()
        skew = float((centred**3).mean() / spread**3) if spread > 0 else 0.0
    return skew if np.isfinite(skew) else 0.0


def unread(facts: Facts) -> str:
    """Point at the first cell that keeps a column of numbers from being one."""
    share = float(as_numbers(facts.present).notna().mean())
    if not 0.5 <= share < 1:
        return ""
    row, what = first_row(facts.column, facts.column.notna() & as_numbers(facts.column).isna(), "is not")
    return f" {share:.0%} of them are numbers; {what}: row {row}."


def ladder(levels: list[str]) -> list[str] | None:
    """Return levels in their known order, lowest first, or None when they form no ladder we know."""
    numbered = {level: NUMBERED.match(level) for level in levels}
    if all(numbered.values()):
        places = {level: int(match[1]) for level, match in numbered.items() if match}
        return sorted(levels, key=places.__getitem__) if len(set(places.values())) == len(levels) else None
    plain = {level: re.sub(r"[\s_-]+", " ", level).strip().lower() for level in levels}
    for rungs in LADDERS:
        places = {word: place for place, words in enumerate(rungs) for word in words.split("/")}
        if {*plain.values()} <= places.keys():
            heights = {level: places[word] for level, word in plain.items()}
            if len(set(heights.values())) == len(levels):
                return sorted(levels, key=heights.__getitem__)
    return None


def as_dates(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return a column as dates, or None when a cell is none or day and month could be exchanged."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    if not isinstance(column.dtype, pd.StringDtype) or not column.notna().any():
        return None
    if not re.search(r"\d[./T-]\d", str(column.dropna().iloc[0])):
        return None
    for form in DATE_FORMATS:
        if (dates := strict_dates(column, form)) is not None:
            return dates
    for forms in MIRRORED:
        readings = [dates for form in forms if (dates := strict_dates(column, form)) is not None]
        if len(readings) == 1 or (len(readings) == 2 and readings[0].equals(readings[1])):
            return readings[0]
    return None


def strict_dates(column: pd.Series[Any], form: str) -> pd.Series[Any] | None:
    dates = pd.to_datetime(column, format=form, errors="coerce")
    return dates.astype("datetime64[us]") if bool((dates.isna() == column.isna()).all()) else None


def misfit(column: pd.Series[Any], kind: str) -> tuple[int | None, str] | None:
    """Say why a column cannot be of a kind.

    Returns
    -------
    tuple or None
        The first offending row, counted from 1 (None if it is no single row), and what is wrong with it; None if
        the column fits.
    """
    present = column.dropna()
    if kind in NUMERIC_NEEDS:
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_bool_dtype(column):
            return first_row(column, column.notna(), "is not a number")
        numbers = as_numbers(column)
        wrong = column.notna() & ~np.isfinite(numbers)
        if wrong.any():
            return first_row(column, wrong, "is not a number")
        needed, allowed = NUMERIC_NEEDS[kind]
        wrong = column.notna() & ~allowed(numbers)
        return first_row(column, wrong, f"is not {needed}") if wrong.any() else None
    if kind == "binary" and present.nunique() != 2:
        examples = ", ".join(f"“{shown(level)}”" for level in present.unique()[:4])
        return None, f"has {present.nunique()} different values ({examples or 'none'}), not two"
    if kind == "constant" and present.nunique() > 1:
        return None, f"has {present.nunique()} different values, not one"
    if kind == "date" and len(present) and as_dates(present) is None:
        return first_row(column, column.notna() & undated(column), "is not a date with one meaning")
    return None


NUMERIC_NEEDS: Mapping[str, tuple[str, Callable[[pd.Series[Any]], pd.Series[Any]]]] = {
    "continuous": ("a number", lambda numbers: numbers == numbers),
    "positive": ("above zero", lambda numbers: numbers > 0),
    "amount": ("zero or more", lambda numbers: numbers >= 0),
    "duration": ("zero or more", lambda numbers: numbers >= 0),
    "circular": ("between 0 and 360", lambda numbers: (numbers >= 0) & (numbers <= 360)),
    "coordinate": ("between -180 and 180", lambda numbers: numbers.abs() <= 180),
    "weight": ("zero or more", lambda numbers: numbers >= 0),
    "standard_error": ("above zero", lambda numbers: numbers > 0),
    "count": ("a whole number from zero up", lambda numbers: (numbers >= 0) & (numbers % 1 == 0)),
    "proportion": ("between 0 and 1", lambda numbers: (numbers >= 0) & (numbers <= 1)),
}


def undated(column: pd.Series[Any]) -> pd.Series[Any]:
    """Mark the cells that are no date in the way most of the others are; all, when there is no such way."""
    if not isinstance(column.dtype, pd.StringDtype):
        return column.notna()
    forms = [*DATE_FORMATS, *(form for pair in MIRRORED for form in pair)]
    marks = [pd.to_datetime(column, format=form, errors="coerce").isna() for form in ("ISO8601", *forms)]
    best = min(marks, key=lambda mark: int((mark & column.notna()).sum()))
    return best if bool((best & column.notna()).any()) else column.notna()


def first_row(column: pd.Series[Any], wrong: pd.Series[Any], what: str) -> tuple[int, str]:
    row = int(wrong.to_numpy().argmax())
    return row + 1, f"“{shown(column.iloc[row])}” {what}"


def shown(cell: object) -> str:
    """Write one cell for people; a missing one is empty."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, float | np.floating):
        size = float(cell)
        return str(int(size)) if size.is_integer() and abs(size) < 1e15 else f"{size:.10g}"
    if isinstance(cell, pd.Timestamp):
        return str(cell.date()) if cell == cell.normalize() else str(cell)
    return str(cell)


CODES = (-9, -99, -999, -9999, -8, -88, -7, -77, 99, 999, 9999, 99999, 88, 77)
WORDS = frozenset(
    ("unknown", "n/a", "na", "none", "missing", "-", "--", "?", "not available", "no answer", "refused", "null")
)


def suspects(column: pd.Series[Any]) -> list[tuple[str, int, str]]:
    """Find values that may be codes for a missing value.

    Only codes in common use count, and of numbers only those that lie apart: below everything else where nothing else
    is negative, or further above the rest than these spread.

    Returns
    -------
    list of tuple
        The value as text, how often it occurs, and why it is suspected.
    """
    present = column.dropna()
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column) or not len(present):
        return []
    if isinstance(column.dtype, pd.StringDtype):
        counts = present.value_counts()
        said = [level for level in counts.index if str(level).strip().lower() in WORDS]
        return [(str(level), int(counts[level]), "this word often stands for a missing value") for level in said]
    numbers = present.to_numpy(dtype="float64")
    found = []
    for code in CODES:
        count = int((numbers == code).sum())
        if not count:
            continue
        rest = numbers[~np.isin(numbers, CODES)]
        if len(rest) < 3:
            continue
        low, high = float(rest.min()), float(rest.max())
        if (code < 0 <= low) or (code > 0 and code > high + (high - low) and count > 1):
            found.append((shown(float(code)), count, f"all others lie between {shown(low)} and {shown(high)}"))
    return found
