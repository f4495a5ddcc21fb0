"""NUTS by PyMC: the alternative that shares no sampling code with nutpie."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from modelcompose.samplers.facts import SAME_MACHINE, Facts

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="NUTS by PyMC",
    summary="Slower, but shares no code with nutpie, so that an accident of one shows; it also draws whole numbers.",
    needs=("pymc",),
    gradient=False,
    pause=True,
    live="Draws, divergences, step size and steps of every chain.",
    adapts=True,
    metric="Diagonal, or dense where low-rank is chosen.",
    seed=f"{SAME_MACHINE} The number of cores makes no difference.",
)
EVERY = 50


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw by PyMC; see ``modelcompose.samplers.Sampler``."""
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
        for stats in draw.stats:
            state["divergences"] += bool(stats.get("diverging", False)) and not draw.tuning
            state["step_size"] = float(stats.get("step_size", state["step_size"]))
            state["steps"] = int(stats.get("n_steps", 1))
        if state["draws"] % EVERY == 0 or draw.is_last:
            progress.report([chains[number] for number in sorted(chains)])
        progress.halt()  # the chains wait until what they drew has been taken

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "QuadPotentialFullAdapt is an experimental feature")
            return pm.sample(
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=min(settings.chains, os.cpu_count() or 1),
                random_seed=settings.random_seed,
                target_accept=settings.target_accept,
                init="jitter+adapt_full" if settings.low_rank else "jitter+adapt_diag",
                nuts_sampler="pymc",
                model=model,
                var_names=var_names,
                callback=follow,
                progressbar=False,
                compute_convergence_checks=False,
            )
    except pm.exceptions.SamplingError as error:
        raise cannot_start(error) from None
    except ValueError as error:
        if "Not enough samples" not in str(error):
            raise
        raise KeyboardInterrupt from None  # it was stopped while all chains warmed up
