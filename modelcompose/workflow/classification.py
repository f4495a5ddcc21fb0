"""How well a model tells classes apart: figures with their uncertainty.

The chance of each row is taken without that row (leave-one-out) where its likelihood is known. What another sample of
rows would have given is told by the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338): every figure is
worked out again and again with random weights on the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Classes", "auc"]

Array = np.ndarray
RESAMPLES, FEWEST, MOST_WEIGHTS = 1000, 100, 20_000_000
GRID = np.linspace(0, 1, 51)
BINS = 10
LEAST = 1e-6


@dataclass(frozen=True)
class Classes:
    """Observed classes beside the chance that a model gives to each.

    Parameters
    ----------
    actual
        Numbers of the classes, shape (rows,).
    chances
        Shape (rows, classes); rows sum to 1.
    names
        The classes' names.
    threshold
        Of two classes, the chance of the last from which on it is predicted.
    """

    actual: Array
    chances: Array
    names: tuple[str, ...]
    threshold: float = 0.5
    random_seed: int = 0

    @property
    def predicted(self) -> Array:
        """The class predicted for each row: the most probable one, of two the last from the threshold on."""
        if len(self.names) == 2:
            return (self.chances[:, 1] >= self.threshold).astype(int)
        return np.asarray(self.chances.argmax(1))

    @property
    def weights(self) -> Array:
        """Weights of the Bayesian bootstrap, shape (resamples, rows), each summing to 1.

        There are 1000 of them; of very many rows fewer, so that memory stays small.
        """
        rng = np.random.default_rng(self.random_seed)
        resamples = int(np.clip(MOST_WEIGHTS // len(self.actual), FEWEST, RESAMPLES))
        drawn = rng.exponential(size=(resamples, len(self.actual)))
        return np.asarray(drawn / drawn.sum(1, keepdims=True))

    def figures(self) -> dict[str, tuple[float, Array]]:
        """Return each figure as it is for these rows, and for resampled ones, shape (resamples,).

        Precision is the share of rows predicted to be of a class that are of it; recall the share of rows of a class
        that were predicted to be. The Brier score is the mean squared distance of the chances from what happened; the
        log score the mean logarithm of the chance of what happened.
        """
        right = self.predicted == self.actual
        happened = np.eye(len(self.names))[self.actual]
        chance = self.chances[np.arange(len(self.actual)), self.actual]
        most = np.bincount(self.actual, minlength=len(self.names)).argmax()
        found: dict[str, Callable[[Array], Array]] = {
            "accuracy": lambda w: w @ right,
            "accuracy of always saying the most frequent": lambda w: w @ (self.actual == most),
            "Brier score": lambda w: w @ ((self.chances - happened) ** 2).sum(1) / (2 if len(self.names) == 2 else 1),
            "log score": lambda w: w @ np.log(np.maximum(chance, LEAST)),
        }
        told = range(1, 2) if len(self.names) == 2 else range(len(self.names))
        for at in told:
            found |= self._of_class(at)
        equal = np.full((1, len(self.actual)), 1 / len(self.actual))
        weights = self.weights
        return {name: (float(figure(equal)[0]), figure(weights)) for name, figure in found.items()}

    def _of_class(self, at: int) -> dict[str, Callable[[Array], Array]]:
        is_it, said = self.actual == at, self.predicted == at
        name = self.names[at]
        return {
            f"precision for {name}": lambda w: _ratio(w @ (is_it & said), w @ said),
            f"recall for {name}": lambda w: _ratio(w @ (is_it & said), w @ is_it),
            f"area under the ROC curve for {name}": lambda w: auc(self.chances[:, at], is_it, w),
        }

    def confusion(self) -> Array:
        """Count the rows by actual class (first dimension) and predicted class."""
        found = np.zeros((len(self.names),) * 2, int)
        np.add.at(found, (self.actual, self.predicted), 1)
        return found

    def roc(self, at: int) -> Array:
        """Return the share of true alarms at each share of false ones in ``GRID``, shape (resamples, grid)."""
        order = np.argsort(-self.chances[:, at], kind="stable")
        score, is_it = self.chances[order, at], (self.actual == at)[order]
        last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # ties rise together
        curves = []
        for weight in self.weights[:, order]:
            true = np.append(0, np.cumsum(weight * is_it)[last])
            false = np.append(0, np.cumsum(weight * ~is_it)[last])
            curves.append(np.interp(GRID, false / max(false[-1], LEAST), true / max(true[-1], LEAST)))
        return np.array(curves)

    def calibration(self, at: int) -> list[dict[str, float]]:
        """Compare chance and share in bins of rows with similar chances.

        Returns
        -------
        list of dict
            ``predicted``, the average chance; ``observed``, the share; ``lower`` and ``upper``, the ends of its 90%
            interval under a uniform prior; ``rows``.
        """
        from scipy.stats import beta

        chances, is_it = self.chances[:, at], self.actual == at
        order = np.argsort(chances, kind="stable")
        found = []
        for rows in np.array_split(order, min(BINS, max(2, len(order) // 10))):
            count, yes = len(rows), int(is_it[rows].sum())
            low, high = beta.ppf([0.05, 0.95], yes + 1, count - yes + 1)
            found.append(
                {
                    "predicted": float(chances[rows].mean()),
                    "observed": yes / count,
                    "lower": float(low),
                    "upper": float(high),
                    "rows": float(count),
                }
            )
        return found


def auc(score: Array, is_it: Array, weights: Array) -> Array:
    """Return the probability that a row of a class scores higher than one of the others; ties count half.

    It is the area under the ROC curve, and the statistic of Mann and Whitney 1947 (doi:10.1214/aoms/1177730491).

    Parameters
    ----------
    score, is_it
        Shape (rows,).
    weights
        Weights of the rows, shape (resamples, rows).
    """
    levels, place = np.unique(score, return_inverse=True)
    yes = np.zeros((len(weights), len(levels)))
    no = np.zeros_like(yes)
    for row, at in enumerate(place):
        (yes if is_it[row] else no)[:, at] += weights[:, row]
    below = np.cumsum(no, 1) - no
    return _ratio((yes * (below + no / 2)).sum(1), yes.sum(1) * no.sum(1))


def _ratio(part: Array, whole: Array) -> Array:
    """Divide, and put NaN where nothing is there to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(np.asarray(whole) > 0, part / whole, np.nan))


def middle(values: Sequence[float] | Array, prob: float) -> tuple[float, float, float]:
    """Return the lower end, the median and the upper end of the central interval; NaN where nothing is known."""
    known = np.asarray(values)[~np.isnan(values)]
    if not len(known):
        return (np.nan,) * 3
    low, half, high = np.quantile(known, [(1 - prob) / 2, 0.5, (1 + prob) / 2])
    return float(low), float(half), float(high)
