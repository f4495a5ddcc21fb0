"""The check of an approximation: does the posterior give its draws weights that can be trusted?

Draws of an approximation q are weighted by p/q, where p is the posterior's density. If no few draws carry most of the
weight, the approximation covers the posterior, and draws chosen by their weights are draws of the posterior. How heavy
the tail of the weights is, the shape k̂ of a generalised Pareto distribution tells: up to 0.7 the weights can be
trusted, above that they cannot (Yao, Vehtari, Simpson and Gelman 2018, arXiv:1802.02538; Vehtari, Simpson, Gelman, Yao
and Gabry 2024, JMLR 25(72)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.flat import Flat

__all__ = ["FEWEST", "approximated", "smoothed"]

Array = np.ndarray[Any, np.dtype[Any]]
TRUSTED = 0.7
FEWEST = 1000
"""As many draws the check takes at least: the tail of fewer says too little."""


def smoothed(log_ratios: Array) -> tuple[Array, float]:
    """Smooth the largest of importance weights, and say how heavy their tail is.

    Parameters
    ----------
    log_ratios
        Logarithms of p/q, shape (draws,), up to a constant; what is not finite counts as impossible.

    Returns
    -------
    tuple
        Weights that sum to 1, shape (draws,), and the shape k̂ of the tail; infinite when there are no weights at all.
    """
    from arviz_stats.base import array_stats

    possible = np.isfinite(log_ratios)
    weights = np.zeros(len(log_ratios))
    if possible.sum() < 5:
        return np.full(len(log_ratios), 1 / len(log_ratios)), float("inf")
    if np.ptp(log_ratios[possible]) < 1e-6:  # the approximation is the posterior
        weights[possible] = 1 / possible.sum()
        return weights, 0.0
    logs, k = array_stats.psislw(-log_ratios[possible])  # it takes log likelihoods, the negative of log weights
    weights[possible] = np.exp(np.asarray(logs) - np.max(logs))
    return weights / weights.sum(), float(k)


def approximated(
    flat: Flat,
    name: str,
    points: Array,
    log_density: Array,
    settings: Settings,
    told: Mapping[str, Any] | None = None,
) -> Any:
    """Make draws of an approximation into a posterior that says how far it is to be trusted.

    While the weights can be trusted, the draws are chosen anew by their weights, so that they are draws of the
    posterior itself; otherwise they stay what the approximation gave.

    Parameters
    ----------
    flat
        The model.
    name
        What the approximation is called.
    points
        Draws of the approximation, shape (at least ``FEWEST`` and as many as are asked for, size).
    log_density
        Logarithms of the approximation's own density at these points, shape (points,).
    settings
        How many draws are asked for, and the seed.
    told
        What else the approximation says of itself, for the posterior's ``attrs``.

    Returns
    -------
    xarray.DataTree
        ``posterior`` with ``approximation``, ``pareto_k`` and ``importance_ess``, the number of independent draws that
        the weights leave, in its attributes; ``sample_stats`` with the ``log_ratio`` of each draw.
    """
    import xarray as xr

    rng = np.random.default_rng((settings.random_seed, 1))
    log_ratios = flat.logp(points) - log_density
    weights, k = smoothed(log_ratios)
    wanted = settings.chains * settings.draws
    chosen = _by_weight(rng, weights, wanted) if k <= TRUSTED else np.arange(wanted)
    chosen = rng.permutation(chosen)
    shape = (settings.chains, settings.draws)
    posterior = flat.expand(points[chosen].reshape(*shape, flat.size)).assign_attrs(
        approximation=name,
        pareto_k=k,
        importance_ess=float(min(wanted, 1 / np.square(weights).sum())),
        resampled=int(k <= TRUSTED),
        **(told or {}),
    )
    log_ratio = log_ratios[chosen].reshape(shape)
    return xr.DataTree.from_dict(
        {"posterior": posterior, "sample_stats": xr.Dataset({"log_ratio": (("chain", "draw"), log_ratio)})}
    )


def _by_weight(rng: np.random.Generator, weights: Array, wanted: int) -> Array:
    """Choose draws with probabilities in proportion to their weights, evenly spread (systematic resampling)."""
    places = (np.arange(wanted) + rng.uniform()) / wanted
    return np.searchsorted(np.cumsum(weights), places).clip(0, len(weights) - 1)
