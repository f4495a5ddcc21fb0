"""NUTS by nutpie: the default sampler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from modelcompose.samplers.compiled import Compiled, compiled
from modelcompose.samplers.facts import SAME_MACHINE, Facts
from modelcompose.samplers.progress import EVERY, LOOKED_AT

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="NUTS by nutpie",
    summary="The usual choice: fast, exact up to chance, and its draws can be checked in every way.",
    needs=("nutpie",),
    pause=True,
    live="Draws, divergences, step size and steps of every chain, and how far the chains agree.",
    adapts=True,
    metric="Diagonal or low-rank, as chosen.",
    seed=f"{SAME_MACHINE} How many cores there are makes no difference.",
)
COMMA = "\ue000"  # a sign of the private use area, which no column's name holds


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw by nutpie; see ``modelcompose.samplers.Sampler``."""
    from modelcompose.samplers import cannot_start

    compiled = model.now() if isinstance(model, Prepared) else prepare(model, var_names).now()
    background = _begun(compiled, settings, lambda chains: progress.report([_state(chain) for chain in chains]))
    try:
        dt = _followed(background, progress)
    except KeyboardInterrupt:
        dt = background.abort()
    except RuntimeError as error:
        raise cannot_start(error) from None
    return _finished(dt)


def _begun(compiled: Any, settings: Settings, report: Callable[[list[Any]], object] | None = None) -> Any:
    import nutpie

    return nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.chains,  # all at once, so that stopping early leaves draws of every chain
        seed=settings.random_seed,
        target_accept=settings.target_accept,
        adaptation="low_rank" if settings.low_rank else "diag",
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        progress_rate=200,
        blocking=False,
    )


def _followed(background: Any, progress: Progress) -> Any:
    """Wait for the draws, pause while that is wanted, and look now and then at how far the chains agree."""
    while True:
        with suppress(TimeoutError):
            return background.wait(timeout=EVERY)
        progress.halt(background.pause, background.resume)
        progress.look(lambda: _so_far(background))


def _so_far(background: Any) -> dict[str, Any]:
    """Return the draws after warm-up that all chains have made, of parameters that are one number."""
    try:
        dt = background.inspect()
    except AttributeError:  # it has just finished, and its draws belong to whoever waits for them
        return {}
    made = int(dt["sample_stats"]["energy"].notnull().sum("draw").min())
    values = dt["posterior"].to_dataset().isel(draw=slice(made))
    names = [name for name in values.data_vars if values[name].ndim == 2][:LOOKED_AT]
    return {str(name): values[name].transpose("chain", "draw").values for name in names}


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A model compiled once, for whatever its data containers come to hold; elsewhere it is compiled there."""

    model: Any
    var_names: tuple[str, ...]
    compiled: Compiled

    def __reduce__(self) -> tuple[Any, ...]:
        return prepare, (self.model, list(self.var_names))

    def now(self) -> Any:
        """Return the compiled model with the data that the containers hold now."""
        data = {one.name: one.get_value() for one in self.model.data_vars}
        return self.compiled.with_data(**data) if data else self.compiled.now


@dataclasses.dataclass(frozen=True)
class Refit:
    """Begins fits of one model to what its data containers are filled with, for ``modelcompose.samplers.spread``."""

    ready: Prepared
    settings: Settings

    def __call__(self, numbered: tuple[int, Mapping[str, Any]]) -> Fit:
        """Begin a fit, given its seed and the values of some data containers."""
        seed, filling = numbered
        settings = dataclasses.replace(self.settings, random_seed=seed)
        return Fit(_begun(self.ready.compiled.with_data(**filling), settings))


@dataclasses.dataclass(frozen=True)
class Fit:
    """A fit that was begun."""

    background: Any

    def wait(self, timeout: float | None = None) -> Any:
        """Return its draws."""
        from modelcompose.samplers import cannot_start

        try:
            return _finished(self.background.wait(timeout=timeout))
        except RuntimeError as error:
            raise cannot_start(error) from None

    def cancel(self) -> None:
        """End it."""
        self.background.cancel()


def prepare(model: Any, var_names: list[str]) -> Prepared:
    """Compile a model, if no model of its structure was compiled before."""
    found = compiled(model, var_names)
    return Prepared(model, tuple(var_names), dataclasses.replace(found, now=_without_commas(found.now)))


def _without_commas(compiled: Any) -> Any:
    """Hide commas in names of dimensions: nutpie lists a variable's dimensions with commas between them."""
    return dataclasses.replace(
        compiled,
        dims={name: tuple(dim.replace(",", COMMA) for dim in dims) for name, dims in compiled.dims.items()},
        _coords={dim.replace(",", COMMA): values for dim, values in compiled.coords.items()},
    )


def _with_commas(posterior: Any) -> Any:
    return posterior.rename({dim: dim.replace(COMMA, ",") for dim in posterior.dims if COMMA in dim})


def _state(chain: Any) -> dict[str, Any]:
    return {
        "draws": int(chain.finished_draws),
        "total": int(chain.total_draws),
        "tuning": bool(chain.tuning),
        "divergences": int(chain.divergences),
        "step_size": float(chain.step_size),
        "steps": int(chain.latest_num_steps),
        "seconds": chain.runtime_ms / 1000,
    }


def _finished(dt: Any) -> Any:
    """Cut chains that were stopped early to draws that all of them made, after warm-up.

    Chains that had hardly begun are left out where keeping them would cost more draws than they bring.
    """
    stats = dt["sample_stats"].to_dataset().rename({"maxdepth_reached": "reached_max_treedepth"})
    made = stats["energy"].notnull().sum("draw").values
    order = sorted(range(len(made)), key=lambda chain: -made[chain])
    kept = max(range(1, len(order) + 1), key=lambda count: (count * made[order[count - 1]], count))
    chains, draws = sorted(order[:kept]), int(made[order[kept - 1]])
    dt["posterior"] = _with_commas(dt["posterior"].to_dataset()).isel(chain=chains, draw=slice(draws))
    dt["sample_stats"] = stats.isel(chain=chains, draw=slice(draws))
    return dt
