"""In which respects simulated data are held against the real ones: a statistic for each.

They are test quantities in the sense of Gelman, Meng and Stern 1996: chosen by the kind of outcome, and such as the
families do not fit by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog.survival import happened
from modelcompose.workflow.prior import Simulated

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["BEND", "BINS", "GAP", "Named", "Statistic", "bounds_of", "discrepancies", "kaplan_meier"]

GAP, BEND = "Calibration: ", "Bend along "
BINS = 5
LEAST_VALUES = 5

Statistic = Callable[[np.ndarray], np.ndarray]
Named = tuple[str, str, Statistic]


def discrepancies(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> list[Named]:
    """Choose statistics by the outcome's kind; each maps rows, shape (..., rows), to numbers, shape (...)."""
    if simulated.kind == "times":
        return _lasting(happened(analysis, table), simulated.observed)
    found = {
        "binary": _of_binary,
        "levels": _of_levels,
        "shares": lambda one: _of_shares(one, table[analysis.trials].to_numpy(float)),
        "directions": _of_directions,
    }.get(simulated.kind, _of_counts if analysis.kinds.get(analysis.outcome) == "count" else _of_numbers)(simulated)
    bends = _bending(table, analysis.predictors) if simulated.kind in ("number", "binary") else {}
    if bends:
        found.append(_of_bends(simulated, bends))
    if analysis.time and simulated.kind == "number" and not analysis.groups:
        found.append(_of_neighbours(simulated, table[analysis.time]))
    if analysis.groups and simulated.kind != "directions":
        found.append(_of_groups(analysis, table, simulated))
    return found


def _of_binary(simulated: Simulated) -> list[Named]:
    return [
        (
            f"{GAP}largest gap between predicted and observed share",
            "Rows are sorted into bins by their predicted chance.",
            _calibration_gap(simulated.draws.mean(0)),
        )
    ]


def _of_levels(simulated: Simulated) -> list[Named]:
    """The share of each level, and how well the chances of the levels fit: the largest gap of all."""
    gaps = [_calibration_gap((simulated.draws == level).mean(0)) for level in range(len(simulated.levels))]
    shares: list[Named] = [
        (f"Share of {name}", "Whether the model gives each level as often.", _share_of(level))
        for level, name in enumerate(simulated.levels)
    ]
    return [
        *shares,
        (
            f"{GAP}largest gap between predicted and observed share of a level",
            "Rows are sorted into bins by the predicted chance of each level.",
            lambda y: np.max([gap((y == level).astype(float)) for level, gap in enumerate(gaps)], axis=0),
        ),
    ]


def _share_of(level: int) -> Statistic:
    return lambda y: np.asarray((y == level).mean(-1))


def _of_shares(simulated: Simulated, tried: np.ndarray) -> list[Named]:
    """Pearson's statistic around the predicted shares shows variation beyond that of independent attempts."""
    predicted = np.clip(simulated.draws.mean(0), 1e-6, 1 - 1e-6)
    weight = tried / (predicted * (1 - predicted))
    return [
        (
            "Variation of the shares beyond chance",
            "Attempts in one row are often more alike than a model allows.",
            lambda y: ((y - predicted) ** 2 * weight).mean(-1),
        ),
        ("Smallest share", "Extremes show whether the tails are right.", lambda y: y.min(-1)),
        ("Largest share", "Extremes show whether the tails are right.", lambda y: y.max(-1)),
    ]


def _of_directions(simulated: Simulated) -> list[Named]:
    """Lengths of the mean arrow and of that of doubled angles (Mardia and Jupp 2000, Directional Statistics)."""
    return [
        (
            "Agreement of the directions around their prediction",
            "Whether they scatter as widely as predicted.",
            lambda y: np.abs(np.exp(1j * y).mean(-1)),
        ),
        (
            "Agreement of doubled directions",
            "Shows two opposite main directions, and tails that are too long or too short.",
            lambda y: np.abs(np.exp(2j * y).mean(-1)),
        ),
    ]


def _of_counts(simulated: Simulated) -> list[Named]:
    return [
        ("Spread (standard deviation)", "Counts often vary more than a model allows.", lambda y: y.std(-1)),
        ("Share of zeros", "Many zeros may have a cause of their own.", lambda y: (y == 0).mean(-1)),
        ("Largest value", "", lambda y: y.max(-1)),
    ]


def _of_numbers(simulated: Simulated) -> list[Named]:
    return [
        ("Smallest value", "Extremes show whether the tails are right.", lambda y: y.min(-1)),
        ("Largest value", "Extremes show whether the tails are right.", lambda y: y.max(-1)),
        ("Skewness", "Shows whether one tail is longer.", _skewness),
    ]


def _bending(table: pd.DataFrame, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return for each numeric column two curves, freed of what is straight in them, shape (rows, 2).

    They are the square and the cube of the column's ranks, so that no single far-off row decides.
    """
    found = {}
    for name in names:
        column = table[name]
        if column.dtype.kind in "iuf" and column.nunique() >= LEAST_VALUES:
            x = (column.to_numpy(float) - column.mean()) / column.std()
            rank = column.rank().to_numpy(float) / len(column) - 0.5
            found[name] = np.linalg.qr(np.column_stack([np.ones_like(x), x, rank**2, rank**3]))[0][:, 2:]
    return found


def _of_bends(simulated: Simulated, bends: dict[str, np.ndarray]) -> Named:
    """Correlate what is left over with curves along the predictors; the largest of all."""
    predicted = simulated.draws.mean(0)
    curves = np.column_stack(list(bends.values()))

    def largest(y: np.ndarray) -> np.ndarray:
        left = y - predicted
        return np.asarray(np.abs(left @ curves).max(-1) / np.maximum(np.sqrt((left**2).sum(-1)), 1e-300))

    said = "Where the average follows a bend, a straight line is too high in one place and too low in another."
    return f"{BEND}{_bent(simulated, bends)}", said, largest


def _bent(simulated: Simulated, bends: dict[str, np.ndarray]) -> str:
    """Name the predictor along which what is left over bends most."""
    left = simulated.observed - simulated.draws.mean(0)
    return max(bends, key=lambda name: float(np.abs(left @ bends[name]).max()))


def _of_neighbours(simulated: Simulated, time: pd.Series[Any]) -> Named:
    """Correlate what is left over with its neighbour in time.

    Less likeness than simulated is no fault: a level that follows the data leaves little over.
    """
    order, predicted = np.argsort(time.to_numpy(), kind="stable"), simulated.draws.mean(0)
    floor = float(np.median(_lag_one((simulated.draws - predicted)[:, order])))
    return (
        "Likeness of neighbours in time (lag-1 autocorrelation)",
        "Leftovers that resemble their neighbours make a model too sure of itself.",
        lambda y: np.maximum(_lag_one((y - predicted)[..., order]), floor),
    )


def _lag_one(y: np.ndarray) -> np.ndarray:
    centred = y - y.mean(-1, keepdims=True)
    return np.asarray((centred[..., 1:] * centred[..., :-1]).sum(-1) / np.maximum((centred**2).sum(-1), 1e-300))


def _lasting(ended: np.ndarray, recorded: np.ndarray) -> list[Named]:
    """The share that lasts beyond the quarters of the times that had ended."""
    bounds = bounds_of(ended, recorded)
    return [
        (
            f"Share that lasts beyond {time:.4g}",
            "Estimated from all times, those that had not ended included.",
            kaplan_meier(float(time), bounds),
        )
        for time in np.unique(np.quantile(recorded[ended], [0.25, 0.5, 0.75]))
    ]


def bounds_of(ended: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Return for each row how long it was looked at, shape (rows,), so that simulated times end there as well.

    For a time that had ended this is not known: it is drawn from the distribution of the others' bounds above it,
    which is estimated like that of the times themselves, with ended and not ended exchanged.
    """
    order = np.lexsort((~ended, recorded))
    waiting = np.arange(len(recorded), 0, -1)
    kept = np.cumprod(np.where(ended[order], 1.0, 1 - 1 / waiting))
    passed = np.concatenate([[0.0], 1 - kept])  # the share of bounds up to each of the times in order
    below = passed[np.searchsorted(recorded[order], recorded, side="right")]
    drawn = below + (1 - below) * np.random.default_rng(0).uniform(1e-9, 1, len(recorded))
    times = np.append(recorded[order], np.inf)
    return np.where(ended, times[np.searchsorted(passed[1:], drawn)], recorded)


def kaplan_meier(time: float, bounds: np.ndarray) -> Statistic:
    """Estimate the share that lasts beyond a time, when each row is looked at up to its bound."""

    def statistic(y: np.ndarray) -> np.ndarray:
        happens, seen = y < bounds, np.minimum(y, bounds)
        order = np.argsort(np.where(happens, seen, np.nextafter(seen, np.inf)), axis=-1, kind="stable")
        counts = np.take_along_axis(happens & (seen <= time), order, -1)
        waiting = np.arange(y.shape[-1], 0, -1)
        return np.asarray(np.prod(np.where(counts, 1 - 1 / waiting, 1.0), -1))

    return statistic


def _of_groups(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> Named:
    codes = table[analysis.groups[0]].astype("category").cat.codes.to_numpy()
    between = _between(codes)
    last = len(simulated.levels) - 1
    averages = "shares of the highest level" if simulated.kind == "levels" else "averages"
    return (
        f"Spread of the {averages} of {analysis.groups[0]}",
        "Shows whether groups differ as much as they do.",
        (lambda y: between((y == last).astype(float))) if simulated.kind == "levels" else between,
    )


def _skewness(y: np.ndarray) -> np.ndarray:
    centred = y - y.mean(-1, keepdims=True)
    squared = centred * centred  # products, since a power takes ten times as long
    return np.asarray((squared * centred).mean(-1) / np.maximum(squared.mean(-1), 1e-300) ** 1.5)


def _between(codes: np.ndarray) -> Statistic:
    indicator = np.equal.outer(np.unique(codes), codes).astype(float)
    weights = indicator / indicator.sum(1, keepdims=True)
    return lambda y: np.asarray((y @ weights.T).std(-1))


def _calibration_gap(chance: np.ndarray) -> Statistic:
    edges = np.quantile(chance, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(edges), chance)
    indicator = np.equal.outer(np.unique(bins), bins).astype(float)
    weights = indicator / indicator.sum(1, keepdims=True)
    expected = weights @ chance
    return lambda y: np.asarray(np.abs(y @ weights.T - expected).max(-1))
