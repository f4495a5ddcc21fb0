"""NUTS by BlackJAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.walking import LONGEST_TREE, SEED, Draw, Move, walked

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="NUTS by BlackJAX",
    summary="Like NumPyro, in another implementation: a second opinion for large models.",
    needs=("blackjax", "jax"),
    extra="jax",
    pause=True,
    live="Draws, divergences, step size and steps of every chain, and how far the chains agree.",
    adapts=True,
    metric="Diagonal, or dense where low-rank is chosen.",
    seed=SEED,
)


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw by BlackJAX; see ``modelcompose.samplers.Sampler``."""

    def begin(density: Any, start: Any, keys: Any) -> tuple[Any, Move]:
        import jax
        import jax.numpy as jnp
        from blackjax.adaptation.window_adaptation import base, build_schedule
        from blackjax.mcmc import nuts

        kernel = nuts.build_kernel()
        init, update, final = base(not settings.low_rank, settings.target_accept)
        schedule = jnp.asarray(build_schedule(settings.tune)).astype(int)

        def first(point: Any, key: Any) -> Any:
            return nuts.init(point, density), init(point, 1.0), key

        def move(state: tuple[Any, Any, Any], at: Any) -> tuple[Any, Draw]:
            position, adapted, key = state
            key, used = jax.random.split(key)
            tuning = at < settings.tune
            size, matrix = final(adapted)
            size = jnp.where(tuning, adapted.step_size, size)
            matrix = jnp.where(tuning, adapted.inverse_mass_matrix, matrix)
            position, told = kernel(used, position, density, size, matrix, max_num_doublings=LONGEST_TREE)
            stage = schedule[jnp.minimum(at, len(schedule) - 1)]
            learnt = update(adapted, (stage[0], stage[1].astype(bool)), position.position, told.acceptance_rate)
            adapted = jax.tree.map(lambda new, old: jnp.where(tuning, new, old), learnt, adapted)
            cut = told.num_trajectory_expansions >= LONGEST_TREE
            drawn = Draw(position.position, told.energy, told.is_divergent, told.num_integration_steps, size, cut)
            return (position, adapted, key), drawn

        return jax.vmap(first)(start, keys), move

    return walked(model, var_names, settings, progress, begin)
