"""The normal distribution that fits the posterior at its highest point (Laplace's method)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.flat import Flat
from modelcompose.samplers.importance import FEWEST, approximated

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="Laplace's approximation",
    summary="A bell curve at the most plausible point: takes a moment, and suits posteriors that are nearly one.",
    approximate=True,
    independent=True,
)
STEP = 1e-4
STARTS = 4
prepare = Flat


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw from the normal approximation at the mode; see ``modelcompose.samplers.Sampler``.

    Raises
    ------
    InvalidInput
        When the posterior has no highest point, as that of most models with group effects has none.
    """
    flat = Flat.of(model, var_names)
    mode = highest(flat, settings.random_seed)
    precision = -curvature(flat, mode)
    try:
        root = np.linalg.cholesky(precision)
    except np.linalg.LinAlgError:
        raise no_peak() from None
    rng = np.random.default_rng(settings.random_seed)
    noise = rng.normal(size=(max(FEWEST, settings.chains * settings.draws), flat.size))
    points = mode + np.linalg.solve(root.T, noise.T).T
    log_density = np.log(np.diag(root)).sum() - np.square(noise).sum(1) / 2 - flat.size * np.log(2 * np.pi) / 2
    progress.report(done(settings))
    return approximated(flat, "Laplace", points, log_density, settings)


def highest(flat: Flat, random_seed: int) -> np.ndarray:
    """Return the point of highest density, shape (size,): the best that climbs from several starts reach.

    Raises
    ------
    InvalidInput
        When none ends at a peak.
    """
    from scipy.optimize import minimize

    def downhill(point: np.ndarray) -> tuple[float, np.ndarray]:
        return -float(flat.logp(point[None])[0]), -np.nan_to_num(flat.gradient(point[None])[0])

    found = [
        minimize(downhill, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "gtol": 1e-6, "ftol": 1e-13})
        for start in flat.start(STARTS, random_seed)
    ]
    best = min(found, key=lambda one: one.fun)
    if not np.isfinite(best.fun) or not np.isfinite(best.x).all():
        raise no_peak()
    return np.asarray(best.x)


def curvature(flat: Flat, point: np.ndarray) -> np.ndarray:
    """Return the second derivatives of the log density at a point, shape (size, size), from their gradients."""
    steps = STEP * np.eye(flat.size)
    second = (flat.gradient(point + steps) - flat.gradient(point - steps)) / (2 * STEP)
    return (second + second.T) / 2


def done(settings: Settings) -> list[dict[str, Any]]:
    """Return the state of chains that made all their draws at once."""
    total = settings.tune + settings.draws
    return [{"draws": total, "total": total, "tuning": False, "divergences": 0, "step_size": 0.0}] * settings.chains


def no_peak() -> Exception:
    """Explain that there is no bell curve to be had."""
    from modelcompose.errors import InvalidInput

    return InvalidInput(
        "this posterior has no highest point that a bell curve could fit",
        where="sampler",
        remedy='Sample with NUTS: sampler = "nutpie".',
    )
