"""Data made up from known values: drawn from a model's own prior, and fitted with the model compiled once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelcompose.catalog.leaving import cloned
from modelcompose.catalog.predictions import pymc_model
from modelcompose.errors import InvalidInput
from modelcompose.samplers.many import Many
from modelcompose.samplers.nutpie import prepare

__all__ = ["FakeData", "construct", "elements", "open_outcome", "opened", "reported"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_ELEMENTS = 12
SMALLEST = 1e-9
PARTS = ("_offset", "_raw")


@dataclass(frozen=True)
class FakeData:
    """Simulated data sets and the values they were simulated from.

    Parameters
    ----------
    truths
        Values by parameter, shape (data sets, ...).
    outcomes
        Simulated outcomes by observed variable, shape (data sets, ...).
    prior
        The same as PyMC gives it: groups ``prior`` and ``prior_predictive``.
    """

    truths: Mapping[str, Array]
    outcomes: Mapping[str, Array]
    prior: Any

    def slots(self, chosen: Sequence[int]) -> Iterator[dict[str, Array]]:
        """Yield the data of the chosen data sets as an opened model takes them."""
        for at in chosen:
            yield {slot(name): values[at] for name, values in self.outcomes.items()}


def construct(model: Any, count: int, random_seed: int) -> FakeData:
    """Draw parameters from a model's prior, and data from each of them, on the design of its table.

    Raises
    ------
    InvalidInput
        When the model cannot simulate: it has no outcome, a term of its density that is no distribution, or a prior
        that cannot be drawn from.
    """
    import pymc as pm

    logging.getLogger("pymc").setLevel("WARNING")
    original = pymc_model(model)
    if not original.observed_RVs:
        raise _cannot("it has no outcome")
    if original.potentials:
        raise _cannot(f"{original.potentials[0].name} adds to its density without being a distribution")
    try:
        prior = pm.sample_prior_predictive(
            draws=count, model=original, random_seed=random_seed, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    except NotImplementedError as error:
        raise _cannot(str(error).splitlines()[0]) from None
    outcomes = {one.name: _inside(one, stacked(prior["prior_predictive"][one.name])) for one in original.observed_RVs}
    return FakeData({name: stacked(prior["prior"][name]) for name in reported(original)}, outcomes, prior)


def _cannot(why: str) -> InvalidInput:
    return InvalidInput(
        f"data cannot be made up from this model: {why}",
        where="model",
        remedy="Give every parameter a distribution that can be drawn from, and the outcome one as well.",
    )


def reported(model: Any) -> list[str]:
    """Name the parameters of a PyMC model; what a raw or standardised part makes up stands in the part's place."""
    made = {one.name for one in model.deterministics}
    found = []
    for one in model.free_RVs:
        part = next((ending for ending in PARTS if one.name.endswith(ending)), "")
        name = one.name.removesuffix(part)
        if not part or name in made:
            found.append(name)
    return list(dict.fromkeys(found))


def opened(
    model: Any,
    *,
    draws: int,
    tune: int,
    chains: int = 1,
    target_accept: float = 0.9,
    low_rank: bool = False,
) -> Many:
    """Compile a model so that its outcome can be changed, keeping what is reported.

    Parameters
    ----------
    draws, tune, chains
        For each fit.
    """
    original = pymc_model(model)
    ready = prepare(open_outcome(original), reported(original))
    return Many(ready, draws, tune, chains, target_accept, low_rank)


def stacked(values: Any) -> Array:
    """Return draws of all chains one after the other."""
    return np.asarray(values.stack(sample=("chain", "draw")).transpose("sample", ...).values)


def _inside(variable: Any, values: Array) -> Array:
    """Keep simulated proportions off 0 and 1, which only rounding reaches and where no density is."""
    if getattr(variable.owner.op, "name", "") == "beta":
        return np.clip(values, SMALLEST, 1 - SMALLEST)
    return values


def elements(truths: Mapping[str, Array]) -> dict[str, tuple[str, int]]:
    """List the parameters by their labels, elements of vectors one by one; of long vectors the first few.

    What never varies, such as the diagonal of a correlation matrix, is no parameter.
    """
    found = {}
    for name, values in truths.items():
        flat = values.reshape(len(values), -1)
        for at in range(min(flat.shape[1], MOST_ELEMENTS)):
            if np.ptp(flat[:, at]) > 0:
                found[name if values.ndim == 1 else f"{name}[{at}]"] = (name, at)
    return found


def slot(name: str) -> str:
    """Name the container that holds the data of an observed variable."""
    return f"{name} observed"


def open_outcome(model: Any) -> Any:
    """Return a copy of a PyMC model whose observed values can be changed without compiling anew."""
    from pytensor.compile.sharedvalue import shared

    copy = cloned(model)
    for variable in copy.observed_RVs:
        old = copy.rvs_to_values[variable]
        values = np.asarray(old.eval())
        new = shared(values.astype(old.type.dtype), name=slot(variable.name), shape=values.shape)
        copy.rvs_to_values[variable] = new
        copy.values_to_rvs.pop(old, None)
        copy.values_to_rvs[new] = variable
    return copy
