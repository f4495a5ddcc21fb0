"""What the rules for kinds look at: one column, measured fast and without its missing cells.

Whatever decides between kinds is exact, in a table of any length: the lowest and highest value, whether all are whole,
how many zeros, and the distinct values of texts, whole numbers and whatever takes few values. In columns of more than
100,000 rows only two figures come from a sample, and say so: how many different values a measurement takes, and how
lopsided it is.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["SAMPLE", "Facts", "shown", "skewness"]

SAMPLE = 100_000
FEW = 1000
SEED = 20261121

type Array = np.ndarray[Any, np.dtype[Any]]


class Facts:
    """One column and what is next to it.

    Parameters
    ----------
    name
        What the column is called.
    column
        The column, typed as `modelcompose.data.cells` says.
    """

    def __init__(self, name: str, column: pd.Series[Any]) -> None:
        self.name = name
        self.words = words_of(name)
        dtype = column.dtype
        self.is_truth = pd.api.types.is_bool_dtype(dtype)
        self.is_date = pd.api.types.is_datetime64_any_dtype(dtype)
        self.is_number = pd.api.types.is_numeric_dtype(dtype) and not self.is_truth
        self.is_text = not (self.is_truth or self.is_date or self.is_number)
        self.column = column.astype("str") if self.is_text and not isinstance(dtype, pd.StringDtype) else column
        self.n = len(column) - int(column.isna().sum())

    def measure(self) -> None:
        """Measure what takes long; columns can be measured at the same time."""
        _ = self.counted
        if self.is_number and self.n:
            _ = self.skewness, self.zeros

    @cached_property
    def present(self) -> pd.Series[Any]:
        """The column without its missing cells."""
        return self.column if self.n == len(self.column) else self.column.dropna()

    @cached_property
    def numbers(self) -> Array:
        """The numbers that are present, as float64; empty unless the column holds numbers."""
        return self.present.to_numpy(dtype="float64") if self.is_number else np.empty(0)

    @cached_property
    def drawn(self) -> Array:
        """The numbers, or about 100,000 of them at even distances when they are more."""
        return drawn(self.numbers)

    @cached_property
    def whole(self) -> bool:
        if not self.is_number or not self.n:
            return False
        if pd.api.types.is_integer_dtype(self.column.dtype):
            return True
        return bool(np.isfinite([self.lo, self.hi]).all() and (self.numbers == np.rint(self.numbers)).all())

    @cached_property
    def lo(self) -> float:
        return float(self.numbers.min())

    @cached_property
    def hi(self) -> float:
        return float(self.numbers.max())

    @cached_property
    def zeros(self) -> float:
        """The share of zeros."""
        return float((self.numbers == 0).mean())

    @cached_property
    def sampled(self) -> bool:
        """Whether the distinct values are those of a sample."""
        return bool(self.counted[2])

    @property
    def levels(self) -> Any:
        """The distinct values: texts in the order in which they occur, anything else ascending."""
        return self.counted[0]

    @property
    def repeats(self) -> Array:
        """Rows per distinct value."""
        return self.counted[1]

    @property
    def u(self) -> int:
        """How many distinct values there are."""
        return len(self.counted[1])

    @cached_property
    def within(self) -> str:
        """Where the distinct values were counted, if not in the whole column."""
        return f" (in a sample of {min(self.n, SAMPLE):,} rows)" if self.sampled else ""

    @cached_property
    def counted(self) -> tuple[Any, Array, bool]:
        """The distinct values, how many rows have each, and whether they come from a sample."""
        if self.is_text:
            return *counted_texts(self.present), False
        if self.is_truth:
            ones = int(self.present.to_numpy(dtype="bool").sum())
            both = [(False, self.n - ones), (True, ones)]
            return [one for one, rows in both if rows], np.array([rows for _, rows in both if rows]), False
        if self.whole and self.hi - self.lo < 4 * self.n + FEW and self.exact:
            return *counted_whole(self.numbers, self.lo), False
        values = self.present.to_numpy()
        if self.n <= SAMPLE or self.whole:
            return *np.unique(values, return_counts=True), False
        levels, repeats = np.unique(drawn(values), return_counts=True)
        if len(levels) > FEW:
            return levels, repeats, True
        return *np.unique(values, return_counts=True), False

    @cached_property
    def range(self) -> str:
        return f"from {shown(self.lo)} to {shown(self.hi)}"

    @cached_property
    def gapless(self) -> bool:
        """Whether every whole number between the lowest and the highest occurs."""
        return self.whole and self.u == self.hi - self.lo + 1

    @cached_property
    def exact(self) -> bool:
        """Whether floating-point numbers hold the column's whole numbers exactly."""
        return max(abs(self.lo), abs(self.hi)) < 2**53

    @cached_property
    def skewness(self) -> float:
        return skewness(self.drawn)

    @cached_property
    def rounding(self) -> int:
        """The largest number of which all values are multiples."""
        if not (self.whole and self.exact):
            return 1
        of_some = int(np.gcd.reduce(self.drawn.astype("int64")))
        return of_some if of_some == 1 else int(np.gcd.reduce(self.numbers.astype("int64")))


def words_of(name: str) -> frozenset[str]:
    """Split a name into lower-case words, at anything but letters and where small letters meet capitals."""
    parts = re.split(r"[\W_\d]+", name)
    split = (word for part in parts for word in [part, *re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", part)])
    return frozenset(word.lower() for word in split if word)


def drawn(values: Array) -> Array:
    """Draw about 100,000 values at even distances, each at a random place in its stretch; the same ones every time."""
    if len(values) <= SAMPLE:
        return values
    jitter = np.random.default_rng(SEED).random(SAMPLE)
    rows: Array = ((np.arange(SAMPLE) + jitter) * (len(values) / SAMPLE)).astype("int64")
    return np.take(values, rows)


def counted_texts(present: pd.Series[Any]) -> tuple[list[Any], Array]:
    counts = pc.value_counts(pa.array(present, type=pa.large_string(), from_pandas=True))
    return counts.field("values"), counts.field("counts").to_numpy()


def counted_whole(values: Array, lo: float) -> tuple[Array, Array]:
    rows = np.bincount((values - lo).astype("int64"))
    found = np.flatnonzero(rows)
    return found + lo, rows[found]


def skewness(numbers: Array) -> float:
    """Return the third standardised moment; zero where there is no spread."""
    with np.errstate(all="ignore"):
        centred = numbers - numbers.mean()
        spread = centred.std()
        skew = float((centred * centred * centred).mean() / spread**3) if spread > 0 else 0.0
    return skew if np.isfinite(skew) else 0.0


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
