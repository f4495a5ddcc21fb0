"""NUTS by nutpie: the default sampler.

Where a cluster is told of and this machine has fewer cores than there are chains, the chains are drawn one by one, here
and there; the draws are the same. When that is stopped, chains that are not whole are left out.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from modelcompose.samplers import spread
from modelcompose.samplers.compiled import Compiled, compiled
from modelcompose.samplers.facts import SAME_MACHINE, Facts
from modelcompose.samplers.progress import EVERY, LOOKED_AT, patient

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
    seed=f"{SAME_MACHINE} How many cores there are, and whether a cluster helps, makes no difference.",
)
MOST_STARTS = 400  # that a chain of its own is given; nutpie asks for 500
UNSEEN = {"draws": 0, "tuning": True, "divergences": 0, "step_size": 0.0, "steps": 0, "seconds": 0.0}
COMMA = "\ue000"  # a sign of the private use area, which no column's name holds


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw by nutpie; see ``modelcompose.samplers.Sampler``."""
    from modelcompose.samplers import cannot_start

    ready = model if isinstance(model, Prepared) else prepare(model, var_names)
    if spread.scheduler() and settings.chains > spread.cores():
        return _finished(_one_by_one(ready, settings, progress))
    compiled = ready.now()
    background = _begun(compiled, settings, lambda chains: progress.report([_state(chain) for chain in chains]))
    try:
        dt = _followed(background, progress)
    except KeyboardInterrupt:
        with patient():
            dt = background.abort()
    except RuntimeError as error:
        raise cannot_start(error) from None
    return _finished(dt)


def _begun(
    compiled: Any, settings: Settings, report: Callable[[list[Any]], object] | None = None, **options: Any
) -> Any:
    import nutpie

    at_once = {"cores": settings.chains}  # so that stopping early leaves draws of every chain
    return nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        seed=settings.random_seed,
        target_accept=settings.target_accept,
        adaptation="low_rank" if settings.low_rank else "diag",
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        progress_rate=200,
        blocking=False,
        **at_once | options,
    )


def _followed(background: Any, progress: Progress) -> Any:
    """Wait for the draws, pause while that is wanted, and look now and then at how far the chains agree."""
    while True:
        with patient() as interrupts, suppress(TimeoutError):
            return background.wait(timeout=EVERY)  # which takes the draws over, once and for all
        if interrupts:
            raise KeyboardInterrupt
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
        return self.compiled.again()


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


# ---- chains of one fit in several places


@dataclasses.dataclass(frozen=True)
class OneOf:
    """Begins single chains of a fit; the draws of each are those that it has when all are drawn together.

    Which numbers a chain is drawn with, nutpie decides by its seed and by its place in the row (nuts-rs takes that as
    the stream of its generator). So as many chains are begun as there are before it, and it; with one core, one after
    the other. Those before it are refused a starting point, which ends them before they take any time.
    """

    ready: Prepared
    settings: Settings
    report: Callable[[int, dict[str, Any]], object] | None = None
    begun: dict[int, Single] = dataclasses.field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        return OneOf, (self.ready, self.settings)

    def __call__(self, place: int) -> Single:
        """Begin the chain at a place; those that report are remembered."""
        single = Single(self.ready.now(), self.settings, place, self.report)
        if self.report is not None:
            self.begun[place] = single
        return single

    def pause(self) -> None:
        """Halt the chains that are drawn here."""
        for single in self.begun.values():
            single.pause()

    def resume(self) -> None:
        """Let them go on."""
        for single in self.begun.values():
            single.resume()


class Single:
    """A single chain that was begun.

    Parameters
    ----------
    compiled
        What nutpie takes.
    settings
        Of the whole fit.
    place
        Which of its chains this is, from 0.
    report
        Called with the place and the state of the chain as it changes.
    """

    def __init__(
        self, compiled: Any, settings: Settings, place: int, report: Callable[[int, dict[str, Any]], object] | None
    ) -> None:
        self._place, self._report = place, report
        self._total = settings.draws + settings.tune
        self._start, self._asked = compiled.initial_point_func, 0
        self._over = threading.Event()
        self._problem = ""
        self._state: dict[str, Any] = {}
        self._drawn: tuple[Any, Any] | None = None
        self._background = _begun(
            dataclasses.replace(compiled, initial_point_func=self._point),
            dataclasses.replace(settings, chains=place + 1),
            self._hear,
            cores=1,
            return_raw_trace=True,
        )

    def _point(self, seed: int) -> Any:
        """Give the chain a starting point, and none to those before it, which ask first."""
        self._asked += 1
        if self._asked <= self._place:
            raise StopIteration
        if self._asked > self._place + MOST_STARTS:
            self._problem = "no starting point was found where the density is finite"
            self._over.set()
            raise StopIteration
        return self._start(seed)

    def _hear(self, chains: list[Any]) -> None:
        self._state = _state(chains[self._place])
        if self._report is not None:
            self._report(self._place, self._state)
        if self._state["draws"] >= self._total:
            self._over.set()

    def wait(self, timeout: float | None = None) -> Any:
        """Return what it drew and its statistics, in Arrow's form, and its state in the end."""
        from modelcompose.samplers import cannot_start

        if not self._over.wait(timeout):
            raise TimeoutError
        if self._problem:
            self.cancel()
            raise cannot_start(RuntimeError(self._problem))
        return self.so_far()

    def so_far(self) -> tuple[Any, Any, dict[str, Any]]:
        """End it, and return what it has drawn."""
        import pyarrow

        if self._drawn is None:
            drawn, statistics = self._background.abort().get_arrow_trace()
            self._drawn = pyarrow.record_batch(drawn[self._place]), pyarrow.record_batch(statistics[self._place])
        return *self._drawn, self._state

    def pause(self) -> None:
        """Halt it, unless it has ended."""
        if not self._over.is_set():
            self._background.pause()

    def resume(self) -> None:
        """Let it go on."""
        if not self._over.is_set():
            self._background.resume()

    def cancel(self) -> None:
        """End it."""
        self._over.set()
        self._background.cancel()


def _one_by_one(ready: Prepared, settings: Settings, progress: Progress) -> Any:
    """Draw chains here and on the cluster; when that is stopped, return those that are whole and those begun here.

    Of a chain that is drawn elsewhere nothing is seen until it is whole, and a pause leaves it alone.
    """
    total = settings.draws + settings.tune
    states = [{**UNSEEN, "total": total} for _ in range(settings.chains)]

    def heard(place: int, state: dict[str, Any]) -> None:
        states[place] = state
        progress.report(states)

    found: dict[int, Any] = {}
    begin = OneOf(ready, settings, heard)
    chains = spread.spread(
        begin,
        range(settings.chains),
        ahead=spread.cores(),
        together=1,
        between=lambda: progress.halt(begin.pause, begin.resume),
    )
    try:
        for place, (drawn, statistics, state) in enumerate(chains):
            states[place] = state
            progress.report(states)
            found[place] = drawn, statistics
    except KeyboardInterrupt:
        chains.close()
        for place in begin.begun.keys() - found.keys():
            drawn, statistics, _ = begin.begun[place].so_far()
            found[place] = drawn, statistics
    return _tree(ready.now(), settings, [found[place] for place in sorted(found)])


def _tree(compiled: Any, settings: Settings, chains: list[tuple[Any, Any]]) -> Any:
    """Put chains together as nutpie does with those that it has drawn itself."""
    from arro3.core import RecordBatch
    from nutpie.sample import _BackgroundSampler

    batches = [[RecordBatch.from_arrow(one) for one in parts] for parts in zip(*chains, strict=True)]
    drawn = SimpleNamespace(is_zarr=lambda: False, is_arrow=lambda: True, get_arrow_trace=lambda: batches)
    told = {"num_draws": settings.draws, "num_tune": settings.tune, "num_chains": settings.chains}
    sampler = SimpleNamespace(
        _settings=SimpleNamespace(as_dict=lambda: {"settings": told}),
        _return_raw_trace=False,
        _compiled_model=compiled,
        _store_unconstrained=False,
        _save_warmup=False,
    )
    return _BackgroundSampler._extract(sampler, drawn)


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
