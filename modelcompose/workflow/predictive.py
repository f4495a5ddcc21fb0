"""What priors lead to: outcomes that a model expects before it sees any data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.curves import turn_of
from modelcompose.workflow.prior import Simulated

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["predictive"]

DRAWS = 300
POINTS = 60
LEVELS = (5, 25, 50, 75, 95)


def predictive(analysis: Analysis, table: pd.DataFrame) -> dict[str, Any]:
    """Simulate outcomes from the priors of an analysis, and describe them as JSON values.

    Parameters
    ----------
    analysis, table
        Choices with everything chosen, and their rows.

    Returns
    -------
    dict
        ``quantiles`` of single outcomes, by percent; ``observed``, with ``low``, ``high`` and ``mean``; the declared
        ``plausible`` range and the share of outcomes ``inside`` it, None when none is declared; a ``density`` over
        the central 98%; a ``sentence``.
    """
    model, rows = catalog.build(analysis, table), catalog.get(analysis.model).observed(analysis, table)
    prior = catalog.prior_predictive(model, draws=DRAWS, random_seed=analysis.random_seed)
    simulated = Simulated.of(analysis, rows, prior["prior_predictive"])
    draws, observed, what, unit = _told(simulated, analysis, rows)
    draws = draws[np.isfinite(draws)]
    plausible = analysis.variables.get(analysis.outcome, {}).get("plausible") or analysis.plausible
    low, high = [float(str(end)) for end in plausible] if isinstance(plausible, list) and plausible else (None, None)
    inside = float(np.mean((draws >= low) & (draws <= high))) if low is not None else None
    quantiles = {str(level): float(np.percentile(draws, level)) for level in LEVELS}
    return {
        "outcome": analysis.outcome,
        "unit": unit,
        "quantiles": quantiles,
        "observed": {"low": float(observed.min()), "high": float(observed.max()), "mean": float(observed.mean())},
        "plausible": [low, high] if low is not None else [],
        "inside": inside,
        "density": _density(draws),
        "sentence": _sentence(what, unit, quantiles, inside, low, high),
    }


def _told(simulated: Simulated, analysis: Analysis, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, str, str]:
    """Return what is told of simulated and observed data, what it is in words, and its unit.

    A yes or no, and levels, have no values between which they could lie: told is the share of the last level in whole
    data sets. Directions are told in the column's own unit.
    """
    name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
    if simulated.kind in ("binary", "levels"):
        column = rows[name]
        levels = list(map(str, column.cat.categories)) if hasattr(column, "cat") else ["0", "1"]
        last = len(levels) - 1
        share = 100 * np.mean(simulated.draws == last, -1), 100 * np.mean(simulated.observed == last, keepdims=True)
        return *share, f"shares of {name} = {levels[-1]}", "%"
    if simulated.kind == "directions":
        turn = turn_of(rows[name].to_numpy(float))
        degrees = np.mod(simulated.draws.ravel(), 2 * np.pi) * turn / (2 * np.pi)
        return degrees, rows[name].to_numpy(float), f"directions of {name}", unit
    what = f"shares of {name}" if simulated.kind == "shares" else f"values of {name}"
    return simulated.draws.ravel(), simulated.observed, what, "" if simulated.kind == "shares" else unit


def _density(draws: np.ndarray) -> dict[str, list[float]] | None:
    low, high = np.percentile(draws, [1, 99])
    if not high > low:
        return None
    heights, edges = np.histogram(draws, bins=POINTS, range=(low, high), density=True)
    return {"x": ((edges[1:] + edges[:-1]) / 2).tolist(), "y": heights.tolist()}


def _sentence(
    what: str, unit: str, quantiles: dict[str, float], inside: float | None, low: float | None, high: float | None
) -> str:
    tail = unit if unit == "%" else f" {unit}" if unit else ""
    ends = f"{quantiles['5']:.3g} and {quantiles['95']:.3g}{tail}"
    said = f"Before seeing the data, the model expects nine of ten {what} between {ends}."
    if inside is None:
        return said
    return f"{said} {inside:.0%} lie in the range that you called plausible ({low:g} to {high:g})."
