"""Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022, JMLR 23(306)), by PyMC-extras."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.flat import Flat
from modelcompose.samplers.importance import FEWEST, approximated
from modelcompose.samplers.laplace import done, no_peak

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="Pathfinder",
    summary="Bell curves found on the way up to the most plausible point: a first look within seconds.",
    approximate=True,
    independent=True,
    needs=("pymc_extras",),
    extra="approximate",
)
PATHS = 8
JITTER = 1.0


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw along several paths to the mode; see ``modelcompose.samplers.Sampler``.

    Raises
    ------
    InvalidInput
        When no path ends well.
    """
    from pymc_extras.inference.pathfinder.lbfgs import LBFGSConfig
    from pymc_extras.inference.pathfinder.multipath import multipath_pathfinder

    flat = Flat.of(model, var_names)
    flat.start(1, settings.random_seed)
    wanted = max(FEWEST, settings.chains * settings.draws)
    logging.getLogger("pymc_extras").setLevel("ERROR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = multipath_pathfinder(
                flat.model,
                num_paths=PATHS,
                num_draws=wanted,
                num_draws_per_path=-(-wanted // PATHS),
                num_elbo_draws=20,
                jitter=JITTER,
                lbfgs_config=LBFGSConfig().set_default_maxcor(flat.size),
                importance_sampling=None,
                progressbar=False,
                parallel=False,
                random_seed=settings.random_seed,
            )
        except ValueError as error:
            raise no_peak() from error
    points, log_density = _whole(flat, found, wanted, settings.random_seed)
    progress.report(done(settings))
    return approximated(flat, "Pathfinder", points, log_density, settings)


def _whole(flat: Flat, found: Any, wanted: int, random_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the draws of all paths with their densities; of failed paths the others take the place."""
    points, log_density = found.samples.reshape(-1, flat.size), found.logQ.reshape(-1)
    good = np.flatnonzero(np.isfinite(log_density) & np.isfinite(points).all(1))
    if not len(good):
        raise no_peak()
    order = np.random.default_rng(random_seed).permutation(np.resize(good, max(wanted, len(good))))
    return points[order], log_density[order]
