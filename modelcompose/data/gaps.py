"""Fill the gaps of predictors many times, each time as the other columns suggest and with the noise they leave.

Multiple imputation by chained equations (Rubin 1987, Multiple Imputation for Nonresponse in Surveys; van Buuren 2018,
Flexible Imputation of Missing Data, algorithms 3.1 and 3.3 and section 4.5): each column with gaps is regressed on all
the others, the outcome among them, with coefficients drawn from their posterior. A gap in a measurement without bounds
is drawn from that regression. Any other gap takes the value of one of the five rows whose predictions are nearest
(predictive mean matching), so that every value filled in is one that occurs in the column. Gaps are assumed to depend
only on columns that are in the analysis.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Gaps", "completed", "filled"]

CYCLES = 10
DONORS = 5
RIDGE = 1e-5
MOST_LEVELS = 30


@dataclass(frozen=True)
class Gaps:
    """The gaps in the predictors of the rows in use, and how they are treated.

    Parameters
    ----------
    how
        ``drop``: there are none left; ``impute``: the model estimates them; ``multiple``: they are filled many times.
    rows
        For each column with gaps, the positions of its gaps in the table, shape (gaps,).
    tables
        For ``multiple``, the completed tables.
    """

    how: str = "drop"
    rows: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]] = field(default_factory=dict)
    tables: tuple[pd.DataFrame, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def incomplete(self) -> int:
        """How many rows have a gap."""
        return len(np.unique(np.concatenate(list(self.rows.values())))) if self.rows else 0


def filled(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table whose gaps in numbers hold the mean of the column: a place to start, not an estimate."""
    means = {name: table[name].astype("float64").fillna(table[name].astype("float64").mean()) for name in columns}
    return table.assign(**means)


def completed(
    table: pd.DataFrame,
    columns: Sequence[str],
    targets: Sequence[str],
    count: int,
    seed: int,
    unbounded: Collection[str] = (),
) -> tuple[pd.DataFrame, ...]:
    """Fill the gaps of a table several times.

    Parameters
    ----------
    table
        Rows typed by kind: numbers, or Categoricals.
    columns
        The columns that take part.
    targets
        Those with gaps.
    count
        How many tables to return.
    seed
        Same seed, same values.
    unbounded
        The targets whose values are drawn rather than matched: measurements of any size.

    Returns
    -------
    tuple of pandas.DataFrame
        Copies of the table without gaps in the targets.
    """
    order = sorted(targets, key=lambda name: table[name].isna().sum())
    rngs = np.random.default_rng(seed).spawn(count)
    return tuple(_once(table, columns, order, unbounded, rng) for rng in rngs)


def _once(
    table: pd.DataFrame,
    columns: Sequence[str],
    targets: Sequence[str],
    unbounded: Collection[str],
    rng: np.random.Generator,
) -> pd.DataFrame:
    work = table.copy()
    gaps = {name: table[name].isna().to_numpy() for name in targets}
    for name, gap in gaps.items():
        donors = np.flatnonzero(~gap)
        work[name] = _with(work[name], gap, rng.choice(donors, gap.sum()))
    codes = {name: _encoded(work[name]) for name in columns}
    for _ in range(CYCLES if len(targets) > 1 else 1):
        for name, gap in gaps.items():
            others = [codes[one] for one in columns if one != name]
            design = np.column_stack([np.ones(len(work)), *others])
            if name in unbounded:
                work.loc[gap, name] = _drawn(design, work[name].to_numpy(float), gap, rng)
            else:
                work[name] = _with(work[name], gap, _matched(design, codes[name], gap, rng))
            codes[name] = _encoded(work[name])
    return work


def _with(column: pd.Series[Any], gap: np.ndarray, donors: np.ndarray) -> pd.Series[Any]:
    """Return a column whose gaps hold the values of the donor rows."""
    places = np.arange(len(column))
    places[gap] = donors
    return pd.Series(column.array.take(places), index=column.index)


def _encoded(column: pd.Series[Any]) -> np.ndarray:
    """Return a column as standardised numbers, shape (rows, k): an indicator for each level but the first.

    Columns of very many levels, such as groups, are left to the other columns.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = column.cat.categories
        if not 2 <= len(levels) <= MOST_LEVELS:
            return np.empty((len(column), 0))
        return np.asarray(np.column_stack([(column == level).to_numpy(float) for level in levels[1:]]))
    numbers = column.to_numpy(float)
    spread = numbers.std()
    return ((numbers - numbers.mean()) / (spread if spread > 0 else 1.0))[:, None]


def _drawn(design: np.ndarray, values: np.ndarray, gap: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each gap a draw from the regression on the other columns (van Buuren 2018, algorithm 3.1)."""
    _, coefficients, spread = _regression(design[~gap], values[~gap][:, None], rng)
    noise = rng.standard_normal(int(gap.sum())) * spread[0]
    return np.asarray((design[gap] @ coefficients)[:, 0] + noise)


def _matched(design: np.ndarray, codes: np.ndarray, gap: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each gap a row whose predicted value is near its own.

    The donors are predicted with the estimated coefficients and the gaps with drawn ones (type 1 matching, van
    Buuren 2018, section 3.4.2).
    """
    from scipy.spatial import cKDTree

    estimate, drawn, _ = _regression(design[~gap], codes[~gap], rng)
    donors = np.flatnonzero(~gap)
    near = min(DONORS, len(donors))
    _, found = cKDTree(design[~gap] @ estimate).query(design[gap] @ drawn, k=near)
    found = np.asarray(found).reshape(-1, near)
    chosen = found[np.arange(len(found)), rng.integers(0, near, len(found))]
    return np.asarray(donors[chosen])


def _regression(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the estimated coefficients, drawn ones, both of shape (p, k), and drawn residual spreads, shape (k,)."""
    gram = x.T @ x
    gram += RIDGE * np.diag(np.diag(gram) + 1e-12)
    estimate = np.linalg.solve(gram, x.T @ y)
    left = y - x @ estimate
    spread = np.sqrt((left**2).sum(0) / rng.chisquare(max(len(x) - x.shape[1], 1), y.shape[1]))
    half = np.linalg.cholesky(np.linalg.inv(gram))
    return estimate, estimate + half @ rng.standard_normal(estimate.shape) * spread, spread
