"""NUTS by NumPyro."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.walking import LONGEST_TREE, SEED, Draw, Move, walked

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="NUTS by NumPyro",
    summary="Worth its longer start for large models, above all where there is a graphics processor.",
    needs=("numpyro", "jax"),
    extra="jax",
    pause=True,
    live="Draws, divergences, step size and steps of every chain, and how far the chains agree.",
    adapts=True,
    metric="Diagonal, or dense where low-rank is chosen.",
    seed=SEED,
)


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw by NumPyro; see ``modelcompose.samplers.Sampler``."""

    def begin(density: Any, start: Any, keys: Any) -> tuple[Any, Move]:
        import jax
        from numpyro.infer.hmc import hmc

        init, kernel = hmc(lambda point: -density(point), algo="NUTS")

        def first(point: Any, key: Any) -> Any:
            return init(
                point,
                num_warmup=settings.tune,
                dense_mass=settings.low_rank,
                target_accept_prob=settings.target_accept,
                max_tree_depth=LONGEST_TREE,
                rng_key=key,
            )

        def move(state: Any, _: Any) -> tuple[Any, Draw]:
            state = kernel(state)
            cut = state.num_steps >= 2**LONGEST_TREE - 1
            step_size = state.adapt_state.step_size
            return state, Draw(state.z, state.energy, state.diverging, state.num_steps, step_size, cut)

        return jax.vmap(first)(start, keys), move

    return walked(model, var_names, settings, progress, begin)
