"""NUTS by nutpie: the default sampler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcompose.samplers import Settings

COMMA = "\ue000"  # a sign of the private use area, which no column's name holds


def sample(model: Any, var_names: list[str], settings: Settings, report: Callable[[list[dict[str, Any]]], None]) -> Any:
    """Draw by nutpie; see ``modelcompose.samplers.Sampler``."""
    import nutpie

    from modelcompose.samplers import cannot_start

    compiled = model.now() if isinstance(model, Prepared) else prepare(model, var_names).now()
    background = nutpie.sample(
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
        progress_callback=lambda chains: report([_state(chain) for chain in chains]),
        progress_rate=200,
        blocking=False,
    )
    try:
        dt = background.wait()
    except KeyboardInterrupt:
        dt = background.abort()
    except RuntimeError as error:
        raise cannot_start(error) from None
    return _finished(dt)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A model compiled once, for whatever its data containers come to hold."""

    model: Any
    compiled: Any

    def now(self) -> Any:
        """Return the compiled model with the data that the containers hold now."""
        data = {one.name: one.get_value() for one in self.model.data_vars}
        return self.compiled.with_data(**data) if data else self.compiled


def prepare(model: Any, var_names: list[str]) -> Prepared:
    """Compile a model."""
    import nutpie

    return Prepared(model, without_commas(nutpie.compile_pymc_model(model, var_names=var_names)))


def without_commas(compiled: Any) -> Any:
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
