"""What priors lead to: outcomes that a model expects before it sees any data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.workflow.prior import outcome_numbers

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
    model = catalog.build(analysis, table)
    simulated = catalog.prior_predictive(model, draws=DRAWS, random_seed=analysis.random_seed)
    draws = outcome_draws(simulated["prior_predictive"].to_dataset(), analysis.outcome).astype(float).ravel()
    draws = draws[np.isfinite(draws)]
    observed = outcome_numbers(analysis, table)
    plausible = analysis.variables.get(analysis.outcome, {}).get("plausible") or analysis.plausible
    low, high = [float(str(end)) for end in plausible] if isinstance(plausible, list) and plausible else (None, None)
    inside = float(np.mean((draws >= low) & (draws <= high))) if low is not None else None
    quantiles = {str(level): float(np.percentile(draws, level)) for level in LEVELS}
    return {
        "outcome": analysis.outcome,
        "unit": analysis.units.get(analysis.outcome, ""),
        "quantiles": quantiles,
        "observed": {"low": float(observed.min()), "high": float(observed.max()), "mean": float(observed.mean())},
        "plausible": [low, high] if low is not None else [],
        "inside": inside,
        "density": _density(draws),
        "sentence": _sentence(analysis, quantiles, inside, low, high),
    }


def _density(draws: np.ndarray) -> dict[str, list[float]] | None:
    low, high = np.percentile(draws, [1, 99])
    if not high > low:
        return None
    heights, edges = np.histogram(draws, bins=POINTS, range=(low, high), density=True)
    return {"x": ((edges[1:] + edges[:-1]) / 2).tolist(), "y": heights.tolist()}


def _sentence(
    analysis: Analysis, quantiles: dict[str, float], inside: float | None, low: float | None, high: float | None
) -> str:
    unit = analysis.units.get(analysis.outcome, "")
    ends = f"{quantiles['5']:.3g} and {quantiles['95']:.3g}{f' {unit}' if unit else ''}"
    said = f"Before seeing the data, the model expects nine of ten values of {analysis.outcome} between {ends}."
    if inside is None:
        return said
    return f"{said} {inside:.0%} lie in the range that you called plausible ({low:g} to {high:g})."
