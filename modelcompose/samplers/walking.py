"""Chains that JAX moves, a few draws at a time, so that they can be followed, paused and stopped.

What NumPyro and BlackJAX have in common: the model's density as JAX sees it, all chains side by side in one compiled
function, and the draws kept as they come. Where JAX sees a graphics processor, it computes there.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelcompose.samplers.flat import Flat
from modelcompose.samplers.progress import LOOKED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

__all__ = ["Draw", "Move", "walked"]

PORTION = 10
LONGEST_TREE = 10
SEED = "The same seed gives the same draws on the same kind of processor with the same versions."


class Draw(NamedTuple):
    """One draw of one chain, as JAX arrays."""

    position: Any
    energy: Any
    diverging: Any
    steps: Any
    step_size: Any
    reached_max_treedepth: Any


Move = Callable[[Any, Any], tuple[Any, Draw]]
"""Takes a chain's state and the number of the draw, and returns the next state and the draw."""


def walked(
    model: Any,
    var_names: list[str],
    settings: Settings,
    progress: Progress,
    begin: Callable[[Callable[[Any], Any], Any, Any], tuple[Any, Move]],
) -> Any:
    """Draw as a library moves its chains; see ``modelcompose.samplers.Sampler``.

    Parameters
    ----------
    begin
        Takes the log density of a vector, points to begin at, shape (chains, size), and a random key for each chain;
        returns the state of all chains, stacked, and how one of them moves.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    flat = Flat.of(model, var_names)
    start = flat.start(settings.chains, settings.random_seed)
    keys = jax.random.split(jax.random.PRNGKey(settings.random_seed), settings.chains)
    with _quiet():
        state, move = begin(_density(flat), jax.numpy.asarray(start), keys)

        @jax.jit
        def portion(state: Any, first: Any) -> tuple[Any, Draw]:
            return jax.lax.scan(
                lambda one, at: jax.vmap(move, in_axes=(0, None))(one, at), state, first + jax.numpy.arange(PORTION)
            )

        parts = _parts(portion, state, flat, settings, progress)
    return _tree(flat, parts, settings)


def _parts(portion: Any, state: Any, flat: Flat, settings: Settings, progress: Progress) -> list[Draw]:
    """Move the chains until all draws are made or somebody stops them; arrays of shape (draws, chains, ...)."""
    parts: list[Draw] = []
    began = time.monotonic()
    total = settings.tune + settings.draws
    divergences = np.zeros(settings.chains, int)
    try:
        for first in range(0, total, PORTION):
            state, drawn = portion(state, first)
            part = Draw(*(np.asarray(values) for values in drawn))
            parts.append(part)
            kept = first + np.arange(PORTION) >= settings.tune
            divergences += part.diverging[kept].sum(0)
            progress.report(_states(part, divergences, min(first + PORTION, total), settings, time.monotonic() - began))
            progress.look(lambda: _so_far(flat, parts, settings))
            progress.halt()
    except KeyboardInterrupt:
        if len(parts) * PORTION <= settings.tune:
            raise
    return parts


def _states(part: Draw, divergences: Any, made: int, settings: Settings, seconds: float) -> list[dict[str, Any]]:
    return [
        {
            "draws": made,
            "total": settings.tune + settings.draws,
            "tuning": made < settings.tune,
            "divergences": int(divergences[chain]),
            "step_size": float(part.step_size[-1, chain]),
            "steps": int(part.steps[-1, chain]),
            "seconds": seconds,
        }
        for chain in range(settings.chains)
    ]


def _so_far(flat: Flat, parts: list[Draw], settings: Settings) -> dict[str, Any]:
    """Return the draws after warm-up of parameters that are one number; what counts are ranks, so any scale will do."""
    drawn = np.concatenate([part.position for part in parts])[settings.tune :]
    places = {name: at for at, name in enumerate(flat.names) if name}
    return {name: drawn[:, :, at].T for name, at in list(places.items())[:LOOKED_AT]}


def _density(flat: Flat) -> Callable[[Any], Any]:
    """Return the log density of a vector as a function for JAX."""
    from pymc.sampling.jax import get_jaxified_graph

    vector, (logp,) = flat.on_vector([flat.model.logp()])
    function = get_jaxified_graph(inputs=[vector], outputs=[logp])
    return lambda point: function(point)[0]


def _tree(flat: Flat, parts: list[Draw], settings: Settings) -> Any:
    import xarray as xr

    whole = slice(settings.tune, settings.tune + settings.draws)
    empty = (0, settings.chains)
    kept = {
        name: np.concatenate([getattr(part, name) for part in parts])[whole].swapaxes(0, 1)
        if parts
        else np.zeros(empty).T
        for name in Draw._fields
    }
    position = kept.pop("position") if parts else np.zeros((settings.chains, 0, flat.size))
    stats = {name: (("chain", "draw"), values) for name, values in kept.items()}
    stats["n_steps"] = stats.pop("steps")
    return xr.DataTree.from_dict({"posterior": flat.expand(position), "sample_stats": xr.Dataset(stats)})


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the libraries say about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
