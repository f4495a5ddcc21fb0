"""Simulation-based calibration: does a model find again what it simulated, and is it as sure as it should be?

Parameters are drawn from the prior, data are simulated from them, and the model is fitted to these data. If model and
computation are right, the rank of each true parameter among its posterior draws is uniform (Talts et al. 2018,
arXiv:1804.06788), and intervals hold the truth as often as they say.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from modelcompose.catalog.predictions import pymc_model
from modelcompose.samplers.nutpie import without_commas

__all__ = ["Calibration", "calibrate", "p_uniform"]

Array = np.ndarray[Any, np.dtype[Any]]

RANKS = 100
LEVELS = (0.5, 0.8, 0.9)
MOST_ELEMENTS = 12
ALARM = 0.01
COARSE = 50
SMALLEST = 1e-9


@dataclass(frozen=True)
class Calibration:
    """The outcome of a calibration.

    Parameters
    ----------
    names
        The parameters, elements of vectors one by one.
    ranks
        Ranks of the truth among ``RANKS - 1`` posterior draws, from 0 to ``RANKS - 1``; shape (simulations, names).
    failed
        How many fits could not be made at all; their ranks are not among the others.
    seconds
        How long it took.
    """

    names: tuple[str, ...]
    ranks: Array
    failed: int
    seconds: float

    @property
    def simulations(self) -> int:
        return len(self.ranks)

    @property
    def coverage(self) -> dict[float, float]:
        """The share of truths inside their central intervals, over all simulations and parameters."""
        position = (self.ranks + 0.5) / RANKS
        return {level: float(np.mean(np.abs(position - 0.5) <= level / 2)) for level in LEVELS}

    @property
    def p_values(self) -> dict[str, float]:
        """For each parameter, how probable ranks as uneven as these would be if all were right."""
        return {name: p_uniform(self.ranks[:, at]) for at, name in enumerate(self.names)}

    @property
    def passed(self) -> bool:
        """Whether no parameter's ranks leave the simultaneous band, at 1% for all parameters together.

        The level is divided by the number of parameters (Bonferroni). Fits that could not be made count against it
        when they are more than 2 in 100.
        """
        if not self.simulations:
            return False
        smallest = min(self.p_values.values())
        return smallest * len(self.names) >= ALARM and self.failed <= 0.02 * (self.failed + self.simulations)


def p_uniform(ranks: Array) -> float:
    """Test ranks for uniformity by the largest deviation of their cumulative distribution, pointwise in probability.

    The statistic and its simultaneous band are those of Säilynoja, Bürkner and Vehtari 2022
    (doi:10.1007/s11222-022-10090-6); its distribution under uniformity is simulated.

    Parameters
    ----------
    ranks
        Integers from 0 to ``RANKS - 1``, shape (simulations,).
    """
    null = _null(len(ranks))
    return float((np.sum(null <= _smallest_tail(ranks[None, :])[0]) + 1) / (len(null) + 1))


@lru_cache(maxsize=8)
def _null(simulations: int) -> Array:
    rng = np.random.default_rng(20261121)
    return _smallest_tail(rng.integers(0, RANKS, (2000, simulations)))


def _smallest_tail(ranks: Array) -> Array:
    """Return the smallest two-sided binomial probability along the cumulative distribution, for each row."""
    from scipy.stats import binom

    points = np.linspace(0, RANKS, COARSE + 1)[1:-1]
    counts = (ranks[:, :, None] < points).sum(1)
    n, shares = ranks.shape[1], points / RANKS
    tail = np.minimum(binom.cdf(counts, n, shares), binom.sf(counts - 1, n, shares))
    return np.asarray(tail.min(1))


def calibrate(
    model: Any,
    *,
    simulations: int = 100,
    draws: int = 250,
    tune: int = 400,
    random_seed: int = 1,
    target_accept: float = 0.9,
    report: Callable[[int], object] = lambda done: None,
) -> Calibration:
    """Calibrate a model as it was built: its own priors, and the predictors of its table.

    The model is compiled once; each simulation only changes the data.

    Parameters
    ----------
    model
        A Bambi or PyMC model whose outcome can be simulated.
    simulations
        How many data sets; 100 for a quick look, 500 and more to be sure.
    draws, tune
        For each of the two chains of a fit; thinned to ``RANKS - 1`` draws.
    report
        Called with the number of simulations done; may raise ``KeyboardInterrupt`` to stop, which keeps what is done.
    """
    import nutpie
    import pymc as pm

    logging.getLogger("pymc").setLevel("WARNING")
    started = time.monotonic()
    original = pymc_model(model)
    prior = pm.sample_prior_predictive(
        draws=simulations, model=original, random_seed=random_seed, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    names = [one.name for one in original.free_RVs if not one.name.endswith(("_raw", "_offset"))]
    truths = {name: _draws(prior["prior"][name]) for name in names}
    data = {one.name: _open(one, _draws(prior["prior_predictive"][one.name])) for one in original.observed_RVs}
    compiled = without_commas(nutpie.compile_pymc_model(open_outcome(original), var_names=names))
    labels, chosen = _elements(truths)
    ranks, failed = [], 0
    try:
        for at in range(simulations):
            posterior = _fit(
                compiled.with_data(**{_slot(name): values[at] for name, values in data.items()}),
                draws=draws,
                tune=tune,
                seed=random_seed + at,
                target_accept=target_accept,
            )
            if posterior is None:
                failed += 1
            else:
                ranks.append(_ranks(posterior, truths, chosen, at))
            report(at + 1)
    except KeyboardInterrupt:
        pass
    return Calibration(tuple(labels), np.array(ranks, int).reshape(-1, len(labels)), failed, time.monotonic() - started)


def _draws(values: Any) -> Array:
    return np.asarray(values.stack(sample=("chain", "draw")).transpose("sample", ...).values)


def _open(variable: Any, values: Array) -> Array:
    """Keep simulated proportions off 0 and 1, which only rounding reaches and where no density is."""
    if getattr(variable.owner.op, "name", "") == "beta":
        return np.clip(values, SMALLEST, 1 - SMALLEST)
    return values


def _slot(name: str) -> str:
    """Name the container that holds the data of an observed variable."""
    return f"{name} observed"


def open_outcome(model: Any) -> Any:
    """Return a copy of a PyMC model whose observed values can be changed without compiling anew."""
    from pytensor.compile.sharedvalue import shared

    copy = _cloned(model)
    for variable in copy.observed_RVs:
        old = copy.rvs_to_values[variable]
        values = np.asarray(old.eval())
        new = shared(values.astype(old.type.dtype), name=_slot(variable.name), shape=values.shape)
        copy.rvs_to_values[variable] = new
        copy.values_to_rvs.pop(old, None)
        copy.values_to_rvs[new] = variable
    return copy


def _cloned(model: Any) -> Any:
    """Clone a model together with its initial values, which PyMC's own cloning refuses."""
    from pymc.model.fgraph import clone_model

    initial = dict(model.rvs_to_initial_values)
    try:
        model.rvs_to_initial_values.update(dict.fromkeys(initial))
        copy = clone_model(model)
    finally:
        model.rvs_to_initial_values.update(initial)
    for variable, value in initial.items():
        if variable.name in copy.named_vars:
            copy.rvs_to_initial_values[copy[variable.name]] = value
    return copy


def _fit(compiled: Any, *, draws: int, tune: int, seed: int, target_accept: float) -> Any:
    import nutpie

    try:
        dt = nutpie.sample(
            compiled,
            draws=draws,
            tune=tune,
            chains=2,
            cores=2,
            seed=seed,
            target_accept=target_accept,
            save_warmup=False,
            progress_bar=False,
        )
    except RuntimeError:
        return None
    return dt["posterior"].to_dataset()


def _elements(truths: Mapping[str, Array]) -> tuple[list[str], list[tuple[str, int]]]:
    """List the parameters, elements of vectors one by one; of long vectors the first few."""
    labels, chosen = [], []
    for name, values in truths.items():
        size = int(np.prod(values.shape[1:], dtype=int))
        for at in range(min(size, MOST_ELEMENTS)):
            labels.append(name if size == 1 and values.ndim == 1 else f"{name}[{at}]")
            chosen.append((name, at))
    return labels, chosen


def _ranks(posterior: Any, truths: Mapping[str, Array], chosen: list[tuple[str, int]], at: int) -> list[int]:
    found = []
    for name, element in chosen:
        drawn = _draws(posterior[name])
        drawn = drawn.reshape(len(drawn), -1)[:, element]
        thinned = drawn[np.linspace(0, len(drawn) - 1, RANKS - 1).astype(int)]
        truth = truths[name][at].reshape(-1)[element]
        found.append(int(np.sum(thinned < truth)))
    return found
