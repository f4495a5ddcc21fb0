"""NUTS by PyMC: the alternative that shares no sampling code with nutpie."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcompose.samplers import Settings

EVERY = 50


def sample(model: Any, var_names: list[str], settings: Settings, report: Callable[[list[dict[str, Any]]], None]) -> Any:
    """Draw by PyMC; see ``modelcompose.samplers.Sampler``. The metric is always diagonal."""
    import pymc as pm

    from modelcompose.samplers import cannot_start

    chains: dict[int, dict[str, Any]] = {}

    def follow(trace: Any, draw: Any) -> None:
        state = chains.setdefault(
            draw.chain,
            {"draws": 0, "total": settings.tune + settings.draws, "tuning": True, "divergences": 0, "step_size": 0.0},
        )
        state["draws"] += 1
        state["tuning"] = bool(draw.tuning)
        if state["draws"] % EVERY == 0 or draw.is_last:
            report([chains[number] for number in sorted(chains)])

    try:
        return pm.sample(
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=min(settings.chains, os.cpu_count() or 1),
            random_seed=settings.random_seed,
            target_accept=settings.target_accept,
            nuts_sampler="pymc",
            model=model,
            var_names=var_names,
            callback=follow,
            progressbar=False,
            compute_convergence_checks=False,
        )
    except pm.exceptions.SamplingError as error:
        raise cannot_start(error) from None
