"""Draws that cost nothing and mean nothing: for tests of what comes after sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.flat import Flat

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="Fake",
    summary="Numbers scattered around the point where sampling would begin, for tests; they say nothing of the data.",
    pause=True,
    seed="The same seed gives the same numbers everywhere.",
    offered=False,
)
SPREAD = 0.1
PORTION = 100


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw at once, in the shape of the real thing; see ``modelcompose.samplers.Sampler``."""
    import xarray as xr

    flat = Flat.of(model, var_names)
    centre = flat.start(1, settings.random_seed)[0]
    rng = np.random.default_rng(settings.random_seed)
    noise = rng.normal(0, SPREAD, (settings.draws, settings.chains, flat.size)).transpose(1, 0, 2)
    made = 0
    try:
        while made < settings.draws:
            progress.halt()
            made = min(made + PORTION, settings.draws)
            state = {"draws": settings.tune + made, "total": settings.tune + settings.draws, "tuning": False}
            progress.report([{**state, "divergences": 0, "step_size": SPREAD, "steps": 1}] * settings.chains)
    except KeyboardInterrupt:
        if not made:
            raise
    shape = (settings.chains, made)
    stats = {
        "diverging": np.zeros(shape, bool),
        "energy": np.square(noise[:, :made] / SPREAD).sum(-1) / 2,
        "reached_max_treedepth": np.zeros(shape, bool),
    }
    return xr.DataTree.from_dict(
        {
            "posterior": flat.expand(centre + noise[:, :made]),
            "sample_stats": xr.Dataset({name: (("chain", "draw"), values) for name, values in stats.items()}),
        }
    )
