"""Automatic differentiation variational inference (Kucukelbir et al. 2017, JMLR 18(14)), by PyMC."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.samplers.facts import Facts
from modelcompose.samplers.flat import Flat
from modelcompose.samplers.importance import FEWEST, approximated
from modelcompose.samplers.laplace import done

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="Variational approximation (ADVI)",
    summary="A bell curve fitted step by step: for a first look at models that NUTS takes hours for.",
    approximate=True,
    independent=True,
    needs=("pymc",),
    pause=True,
    live="How many of its steps are done.",
    adapts=True,
    metric="Diagonal takes the parameters as independent; low-rank learns how they go together.",
)
STEPS, PORTION = 20_000, 100
RATE = 0.02


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Fit a normal distribution by stochastic gradients, and draw from it; see ``modelcompose.samplers.Sampler``.

    An interrupt takes the fit as it is then.
    """
    import pymc as pm

    flat = Flat.of(model, var_names)
    flat.start(1, settings.random_seed)

    def follow(_: Any, losses: Any, at: int) -> None:
        if at % PORTION == 0:
            made = int(at / STEPS * (settings.tune + settings.draws))
            progress.report([{**one, "draws": made, "tuning": True} for one in done(settings)])
            progress.halt()

    logging.getLogger("pymc").setLevel("WARNING")
    approximation = pm.fit(
        STEPS,
        method="fullrank_advi" if settings.low_rank else "advi",
        model=flat.model,
        random_seed=settings.random_seed,
        progressbar=False,
        callbacks=[follow],
        obj_optimizer=pm.adam(learning_rate=RATE),
    )
    place = _places(flat, approximation.groups[0])
    mean = approximation.mean.eval()[place]
    root = np.linalg.cholesky(approximation.cov.eval()[np.ix_(place, place)])
    rng = np.random.default_rng(settings.random_seed)
    noise = rng.normal(size=(max(FEWEST, settings.chains * settings.draws), flat.size))
    log_density = -np.log(np.diag(root)).sum() - np.square(noise).sum(1) / 2 - flat.size * np.log(2 * np.pi) / 2
    progress.report(done(settings))
    return approximated(flat, "ADVI", mean + noise @ root.T, log_density, settings)


def _places(flat: Flat, group: Any) -> np.ndarray:
    """Return where the numbers of the model's vector stand in that of the approximation."""
    begins = {name: (part[1].start, part[1].stop) for name, part in group.ordering.items()}
    return np.concatenate([np.arange(*begins[name]) for name in flat.model.initial_point()])
