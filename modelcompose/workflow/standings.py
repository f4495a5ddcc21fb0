"""Which of several models predicts best, and whether it can be told: from the log densities of rows left out.

Models are compared by their expected log predictive density, estimated by leaving out one row at a time (Vehtari,
Gelman and Gabry 2017, arXiv:1507.04544), and averaged by stacking (Yao et al. 2018, doi:10.1214/17-BA1091).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from modelcompose.workflow.policy import Policy

__all__ = ["Standing", "in_words", "is_close", "stacking_weights", "standard_error", "standings", "strictness"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Standing:
    """How one model predicts, beside the best of them.

    Parameters
    ----------
    elpd, se
        Expected log predictive density of all rows, and its standard error.
    difference, difference_se
        By how much it is behind the best, zero or below, and the standard error of that.
    weight
        Its share in the average of all models' predictions that would predict best.
    """

    name: str
    elpd: float
    se: float
    difference: float
    difference_se: float
    weight: float

    @property
    def behind(self) -> float:
        """By how many standard errors it is behind the best."""
        return -self.difference / self.difference_se if self.difference_se > 0 else 0.0


def standings(pointwise: Mapping[str, Array]) -> list[Standing]:
    """Put models in the order of how well they predict, the best first.

    Parameters
    ----------
    pointwise
        By model the log predictive density of each row when it is left out, shape (rows,), the same rows for all.

    Returns
    -------
    list of Standing
        The standard error of a difference is that of the rows' differences, √n times their standard deviation
        (Vehtari, Gelman and Gabry 2017, equation 24).
    """
    names = sorted(pointwise, key=lambda name: -pointwise[name].sum())
    best = pointwise[names[0]]
    weights = stacking_weights(np.column_stack([pointwise[name] for name in names]))
    return [
        Standing(
            name=name,
            elpd=float(pointwise[name].sum()),
            se=standard_error(pointwise[name]),
            difference=float((pointwise[name] - best).sum()),
            difference_se=standard_error(pointwise[name] - best),
            weight=float(weight),
        )
        for name, weight in zip(names, weights, strict=True)
    ]


def standard_error(values: Array) -> float:
    """Return the standard error of a sum over rows: √n times the standard deviation of its parts."""
    return float(np.sqrt(len(values) * values.var(ddof=1)))


def stacking_weights(pointwise: Array) -> Array:
    """Find the weights with which the average of several predictive distributions predicts best.

    They maximise the sum over rows of the log of the weighted densities, a concave function of the weights (Yao et al.
    2018, doi:10.1214/17-BA1091, equation 4).

    Parameters
    ----------
    pointwise
        Log predictive densities, shape (rows, models).

    Returns
    -------
    numpy.ndarray
        Weights of at least zero that sum to one, shape (models,).
    """
    from scipy.optimize import LinearConstraint, minimize

    count = pointwise.shape[1]
    densities = np.exp(pointwise - pointwise.max(1, keepdims=True))

    def loss(weights: Array) -> tuple[float, Array]:
        mixed = np.maximum(densities @ weights, 1e-300)
        return -float(np.log(mixed).mean()), -(densities / mixed[:, None]).mean(0)

    found = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints=LinearConstraint(np.ones((1, count)), 1, 1),
        options={"ftol": 1e-10, "maxiter": 1000},
    )
    weights = np.clip(found.x, 0, None)
    return np.asarray(weights / weights.sum())


def in_words(one: Standing, rows: int, policy: Policy) -> str:
    """Say how a model stands beside the best: best, too close to call, worse or clearly worse.

    Below a difference of 4 the standard error cannot be trusted, and the difference has no practical meaning; beyond
    it, 2 standard errors speak for a difference and 4 speak clearly (Sivula et al. 2020, arXiv:2008.10296; Vehtari,
    CV-FAQ). With few rows twice as many standard errors are asked for, since they may be estimated too small by that
    much (Bengio and Grandvalet 2004, Journal of Machine Learning Research 5; the use made of it is ModelCompose's own).
    """
    if one.difference == 0:
        return "predicts best"
    if is_close(one, rows, policy):
        return "too close to call"
    return "predicts worse" if _by(one, rows, policy, "elpd-clear") == "pass" else "clearly predicts worse"


def is_close(one: Standing, rows: int, policy: Policy) -> bool:
    """Tell whether a model cannot be told from the best by its predictions."""
    small = policy["elpd-difference"].status(-one.difference) == "pass"
    return small or _by(one, rows, policy, "elpd-behind") == "pass"


def _by(one: Standing, rows: int, policy: Policy, rule: str) -> str:
    return policy[rule].status(one.behind, strictness(rows, policy))


def strictness(rows: int, policy: Policy) -> float:
    """Return how many times as many standard errors are asked for, with few rows."""
    return 1.0 if policy["rows-to-compare"].status(rows) == "pass" else 2.0
