"""Parts of a model's graph, worked out for many draws at once instead of one draw after the other.

The graph is cloned with one more dimension in front of every value, and evaluated in blocks of draws that fit into the
processor's cache, in the form it has before anything is compiled: that is exact, and needs no time to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["evaluator", "from_posterior", "from_priors"]

Array = np.ndarray[Any, np.dtype[Any]]
AT_ONCE = 200_000  # values worked out at a time
ALSO = frozenset({"HalfStudentTRV"})  # of PyMC, and tested like the others


def evaluator(outputs: Sequence[Any], inputs: Sequence[Any], random_seed: int = 0) -> Callable[..., list[Array]]:
    """Return what evaluates variables for draws of other variables.

    Parameters
    ----------
    outputs
        Variables of a graph; those that are random are drawn anew for each draw.
    inputs
        Variables that they depend on.
    random_seed
        Same seed and same draws, same results.

    Returns
    -------
    Callable
        Takes for each input an array whose first dimension is that of the draws, and returns one for each output. What
        does not depend on the inputs is the same for every draw, also where it is random.
    """
    import pytensor.tensor as pt
    from pymc.pytensorf import compile as compiled
    from pytensor.graph.replace import vectorize_graph

    batched = [pt.tensor(dtype=one.type.dtype, shape=(None, *one.type.shape)) for one in inputs]
    vectorised: Any = vectorize_graph(list(outputs), replace=dict(zip(inputs, batched, strict=True)))
    graphs = [
        one if one.ndim > like.ndim else pt.broadcast_to(one, (batched[0].shape[0], *one.shape))
        for one, like in zip(vectorised, outputs, strict=True)
    ]
    call = compiled(batched, graphs, random_seed=random_seed, mode="FAST_COMPILE", on_unused_input="ignore")

    def evaluate(*draws: Array) -> list[Array]:
        total = len(draws[0])
        values = [np.asarray(one, dtype=like.type.dtype) for one, like in zip(draws, inputs, strict=True)]
        each = max(np.size(one) for one in call(*(one[:1] for one in values)))
        step = max(1, AT_ONCE // each)
        blocks = [call(*(one[at : at + step] for one in values)) for at in range(0, total, step)]
        return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]

    return evaluate


def from_posterior(
    model: Any, names: Sequence[str], posterior: Mapping[str, Array], random_seed: int
) -> dict[str, Array] | None:
    """Work variables of a PyMC model out for every draw of its posterior, or draw them where they are random.

    Parameters
    ----------
    names
        The variables.
    posterior
        Draws by the name of their variable, the first dimension being that of the draws.

    Returns
    -------
    dict or None
        By name, an array of shape (draws, ...). None where the posterior does not settle them, or where something
        random is of a kind that is not drawn in batches.
    """
    targets = [model[name] for name in names]
    known = [one for one in _reported(model) if one.name in posterior and one.name not in names]
    between = set(_above(targets, known))
    random = (between & set(model.basic_RVs)) - set(known)
    settled = all(set(known) & set(_above([one], known)) for one in targets)
    if not settled or not random <= set(targets) or not all(map(_is_plain, random)):
        return None
    needed = [one for one in known if one in between]
    try:
        found = evaluator(targets, needed, random_seed)(*(posterior[one.name] for one in needed))
    except (NotImplementedError, TypeError, ValueError):  # an operation that PyTensor cannot clone so
        return None
    draws = len(posterior[needed[0].name])
    whole = all(len(one) == draws and one.ndim == like.ndim + 1 for one, like in zip(found, targets, strict=True))
    return dict(zip(names, found, strict=True)) if whole else None


def from_priors(
    model: Any, draws: int, random_seed: int, names: Sequence[str] | None = None
) -> dict[str, Array] | None:
    """Draw variables of a PyMC model from its priors.

    Parameters
    ----------
    names
        The variables; by default all of them, those that are observed included.

    Returns
    -------
    dict or None
        By name, an array of shape (draws, ...); None where something is of a kind that is not drawn in batches.
    """
    from pymc.distributions.shape_utils import change_dist_size
    from pymc.pytensorf import compile as compiled
    from pytensor.graph.replace import vectorize_graph

    random = set(model.basic_RVs)
    if not all(map(_is_plain, random)):
        return None
    roots = [one for one in model.basic_RVs if not random & (set(_above([one], [])) - {one})]
    variables = [*_reported(model), *model.observed_RVs] if names is None else [model[name] for name in names]
    try:
        wider = {one: change_dist_size(one, (draws,), expand=True) for one in roots}
        graphs = vectorize_graph(variables, replace=wider)
        drawn = compiled([], graphs, random_seed=random_seed, mode="FAST_COMPILE")()
    except (NotImplementedError, TypeError, ValueError):  # an operation that PyTensor cannot clone so
        return None
    found: dict[str, Array] = {
        one.name: np.asarray(values) if values.ndim > one.ndim else np.repeat(values[None], draws, 0)
        for one, values in zip(variables, drawn, strict=True)
    }
    return found if all(len(values) == draws for values in found.values()) else None


def _is_plain(variable: Any) -> bool:
    """Tell whether a random variable is of a distribution that PyTensor itself knows how to draw in batches.

    Distributions written by hand, and those made of others, may take parameters of one shape only.
    """
    op = variable.owner.op if variable.owner is not None else None
    return type(op).__module__ == "pytensor.tensor.random.basic" or type(op).__name__ in ALSO


def _reported(model: Any) -> list[Any]:
    return [*model.free_RVs, *model.deterministics]


def _above(variables: Sequence[Any], known: Iterable[Any]) -> Iterable[Any]:
    from pytensor.graph.traversal import ancestors

    return ancestors(variables, blockers=list(known))
