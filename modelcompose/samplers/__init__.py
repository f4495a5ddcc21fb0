"""Samplers: programs that draw from the posterior, behind one contract.

Floor 1. May import of ModelCompose only the words. PyMC, Bambi and the samplers are imported at call time.
To add one, write a module with a ``sample`` function of the shape ``Sampler`` describes, and name it in ``OURS`` or,
from another package, under the entry point ``modelcompose.samplers``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from modelcompose.errors import InvalidInput, NotFound
from modelcompose.samplers import spread
from modelcompose.samplers.elsewhere import read_posterior
from modelcompose.samplers.facts import Facts
from modelcompose.samplers.progress import RUN_FOLDER, Progress, patient

__all__ = ["Facts", "Sampler", "Settings", "facts", "fit", "listed", "names", "read_posterior", "refits"]

NAMES = ("nutpie", "pymc", "numpyro", "blackjax", "exact", "pathfinder", "advi", "laplace", "fake")
OURS = {name: f"modelcompose.samplers.{name}" for name in NAMES}
STEP, KEY = "MODELCOMPOSE_STEP", "MODELCOMPOSE_STEP_KEY"  # where in a run this is called from
POINTS = "modelcompose.samplers"  # the entry points of samplers from elsewhere
POSTERIOR = "posterior.nc"
MADE_FOR = "modelcompose_step"
SURFACE = "surface_raw"  # the weights of a map, which were measured to draw far better with the low-rank metric


@dataclass(frozen=True)
class Settings:
    """What every sampler is told."""

    draws: int
    tune: int
    chains: int
    target_accept: float
    random_seed: int
    low_rank: bool


class Sampler(Protocol):
    """The contract of a sampler module.

    It draws ``settings.draws`` from each of ``settings.chains`` chains of a PyMC model, keeps the variables named,
    tells ``progress`` as it goes, and on ``KeyboardInterrupt`` returns the draws made so far, of equal length for all
    chains, or raises it where there are none. The same seed gives the same draws on the same machine. The result is a
    DataTree with the groups ``posterior`` and ``sample_stats``; of one whose draws depend on each other the latter has
    ``diverging``, ``energy`` and ``reached_max_treedepth``. An approximation names itself in
    ``posterior.attrs["approximation"]``, and how far it is to be trusted in ``pareto_k`` and ``importance_ess``; see
    ``modelcompose.samplers.importance``.
    ``FACTS`` says what is to be known before it is chosen.

    A sampler that compiles may have ``prepare(model, var_names)``; what it returns is then given to ``sample`` in the
    model's place, as often as the model's data containers are filled anew.
    """

    FACTS: Facts

    def sample(self, model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any: ...


def names() -> list[str]:
    """Return the names of all samplers."""
    return [*OURS, *(point.name for point in entry_points(group=POINTS) if point.name not in OURS)]


def facts(name: str) -> Facts:
    """Return what is to be known of a sampler.

    Raises
    ------
    NotFound
        When there is none of that name.
    InvalidInput
        When the package that brings it cannot be imported.
    """
    return _facts(name, _sampler(name))


def listed() -> list[dict[str, Any]]:
    """Return the samplers that users may choose, with their facts as JSON holds them.

    One from another package that cannot be loaded is listed with the reason in ``missing``.
    """
    found = []
    for name in names():
        try:
            told = facts(name)
        except InvalidInput as error:
            broken = Facts(name, str(error)).as_json()
            found.append({"name": name, **broken, "missing": [name], "install": error.remedy or ""})
            continue
        if told.offered:
            found.append({"name": name, **told.as_json()})
    return found


def _facts(name: str, sampler: Any) -> Facts:
    """Return the facts of a sampler; one from elsewhere may have none."""
    return getattr(sampler, "FACTS", None) or Facts(name, (sampler.__doc__ or "").strip().partition("\n")[0])


def _sampler(name: str) -> Sampler:
    """Look a sampler up, whether or not all that it needs is installed."""
    if name in OURS:
        return import_module(OURS[name])
    for point in entry_points(group=POINTS):
        if point.name == name:
            try:
                return point.load()  # type: ignore[no-any-return]
            except ImportError as error:
                raise InvalidInput(
                    f"the sampler {name!r} cannot be loaded from {point.value}: {error}",
                    where="sampler",
                    remedy="Install what it lacks, or choose another sampler.",
                ) from error
    raise NotFound(f"there is no sampler {name!r}", where="sampler", remedy=f"Samplers are: {', '.join(names())}.")


def _chosen(name: str) -> Sampler:
    """Look a sampler up that is to draw now."""
    sampler = _sampler(name)
    _facts(name, sampler).require()
    return sampler


def fit(
    model: Any,
    *,
    sampler: str = "nutpie",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    random_seed: int = 0,
    metric: str = "auto",
    record: bool = True,
) -> Any:
    """Draw from the posterior of a model.

    An interrupt keeps the draws made so far, and is raised only where there are none yet. When a run asks for it (by
    the environment variable ``MODELCOMPOSE_RUN_FOLDER``), the posterior is saved as soon as it exists; a run that died
    after that takes these draws when it is resumed.

    Parameters
    ----------
    model
        A Bambi model or a PyMC model. If it has ``fillings``, values for its data containers by name, it is fitted to
        each of them, and the chains of all stand side by side; ``posterior.attrs["chains_each"]`` says how many
        belong to one.
    sampler
        Name of the sampler; ``names`` lists them, ``facts`` says what is to be known of one.
    draws, tune, chains
        Draws kept and warm-up draws per chain, and the number of chains.
    target_accept
        Acceptance rate that the step size is adapted to.
    random_seed
        Same seed, same draws.
    metric
        ``diagonal``, ``low-rank``, or ``auto``: low-rank unless the model has group-specific effects, which was
        measured to draw more efficiently from correlated coefficients.
    record
        Whether these are the draws that a run keeps; those of fits on the side, such as rival models, are not.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats`` and ``observed_data``; ``posterior.attrs`` hold ``requested_draws``,
        ``requested_chains`` and ``sampling_seconds``.

    Raises
    ------
    InvalidInput
        When the model cannot start: its log density is not finite at the initial point.
    KeyboardInterrupt
        When it is stopped before the first draw that would be kept.
    """
    mark = _mark()
    if (rescued := _rescued(mark)) is not None:
        return rescued
    pymc_model = _pymc_model(model)
    settings = Settings(draws, tune, chains, target_accept, random_seed, low_rank(metric, pymc_model))
    chosen = _chosen(sampler)
    started = time.monotonic()
    fillings = getattr(model, "fillings", None) or [{}]
    with Progress(draws + tune, chains * len(fillings)) as progress:
        dt = _sampled(chosen, pymc_model, _kept(model, pymc_model), settings, fillings, progress)
    with patient():
        posterior = _tidy(dt["posterior"].to_dataset(), pymc_model)
        dt["posterior"] = posterior.assign_attrs(
            _partial(posterior, draws, chains * len(fillings)),
            requested_draws=draws,
            requested_chains=chains * len(fillings),
            chains_each=chains,
            sampling_seconds=time.monotonic() - started,
            sampler=sampler,
            metric="low-rank" if settings.low_rank else "diagonal",
            **({"independent": 1} if _facts(sampler, chosen).independent else {}),
        )
        _add_observed(dt, pymc_model)
        if record and draws and not posterior.sizes["draw"]:
            raise KeyboardInterrupt("sampling was stopped before the first draw")
        if record:
            _save(dt, mark)
    return dt


def refits(
    model: Any,
    *,
    sampler: str = "nutpie",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    random_seed: int = 0,
    metric: str = "auto",
) -> Refits:
    """Compile a PyMC model once, to fit it as often as its data containers are filled anew.

    What is drawn is not recorded as that of a run.

    Parameters
    ----------
    model
        A PyMC model with data containers. If it has a ``family``, as Bambi's models do, the values that its parameters
        have for each row are not kept.
    sampler, draws, tune, chains, target_accept, random_seed, metric
        As for ``fit``.
    """
    settings = Settings(draws, tune, chains, target_accept, random_seed, low_rank(metric, model))
    return Refits(_chosen(sampler), model, _kept(model, model), settings)


class Refits:
    """A model compiled once, for fits on the side.

    A fit that is stopped before all draws are made raises ``KeyboardInterrupt``: a part of it is of no use.
    """

    def __init__(self, sampler: Sampler, model: Any, var_names: list[str], settings: Settings) -> None:
        self._sampler, self._model, self._var_names, self._settings = sampler, model, var_names, settings
        prepare = getattr(sampler, "prepare", None)
        self._ready = prepare(model, var_names) if prepare else model

    def __call__(self, filling: Mapping[str, Any]) -> Any:
        """Fit to values by the names of their containers; returns ``posterior`` and ``sample_stats`` in a DataTree."""
        settings = self._settings
        with Progress(settings.draws + settings.tune, settings.chains) as progress:
            return self._tidied(
                _sampled(self._sampler, self._model, self._var_names, settings, [filling], progress, self._ready)
            )

    def all(self, fillings: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        """Yield the fits to several fillings of the same containers, in their order; where there is a cluster, on it.

        Each has the same seed, so that two fits differ by what they are fitted to.
        """
        refit = getattr(self._sampler, "Refit", None)
        if not spread.scheduler() or refit is None or len(fillings) < 2:
            yield from map(self, fillings)
            return
        settings = self._settings
        with Progress(settings.draws + settings.tune, settings.chains * len(fillings)) as progress:
            numbered = [(settings.random_seed, filling) for filling in fillings]
            for at, dt in enumerate(_spread(refit(self._ready, settings), numbered, settings)):
                progress.counted((at + 1) * settings.chains)
                yield self._tidied(dt)

    def _tidied(self, dt: Any) -> Any:
        sizes = dt["posterior"].sizes
        if sizes["draw"] < self._settings.draws or sizes["chain"] < self._settings.chains:
            raise KeyboardInterrupt
        dt["posterior"] = _tidy(dt["posterior"].to_dataset(), self._model)
        return dt


def _spread(begin: spread.Begin, numbered: Sequence[Any], settings: Settings) -> Iterator[Any]:
    """Make fits of several chains here and on the cluster, one at a time in each place."""
    return spread.spread(begin, numbered, ahead=1, threads=settings.chains, together=1)


def _sampled(
    sampler: Sampler,
    model: Any,
    var_names: list[str],
    settings: Settings,
    fillings: Sequence[Mapping[str, Any]],
    progress: Progress,
    ready: Any = None,
) -> Any:
    """Draw for each filling of the model's data containers, and put the chains side by side.

    When sampling is stopped, only the fillings whose draws are complete count, or what there is of the first.
    """
    import pymc as pm

    done: list[Any] = []
    prepare = getattr(sampler, "prepare", None)
    if ready is None:
        ready = prepare(model, var_names) if prepare else model
    apart = len(fillings) > 2 and spread.scheduler() and hasattr(sampler, "Refit")
    for at, filling in enumerate(fillings[:1] if apart else fillings):
        if filling:
            pm.set_data(dict(filling), model=model)
        seed = settings.random_seed + at
        dt = sampler.sample(ready, var_names, replace(settings, random_seed=seed), progress)
        sizes = dt["posterior"].sizes
        whole = sizes["draw"] == settings.draws and sizes["chain"] == settings.chains
        if whole or not done:
            done.append(dt)
        progress.finished()
        if not whole:
            return _side_by_side(done)
    if apart:
        numbered = [(settings.random_seed + at, filling) for at, filling in enumerate(fillings)][1:]
        with suppress(KeyboardInterrupt):
            for dt in _spread(sampler.Refit(ready, settings), numbered, settings):  # type: ignore[attr-defined]
                done.append(dt)
                progress.counted(len(done) * settings.chains)
    return _side_by_side(done)


def _partial(posterior: Any, draws: int, chains: int) -> dict[str, str]:
    """Label draws that were stopped before all were made: how many of how many there are."""
    made = (posterior.sizes["chain"], posterior.sizes["draw"])
    return {} if made == (chains, draws) else {"partial": f"{made[0]} × {made[1]} of {chains} × {draws} draws"}


def _side_by_side(found: Sequence[Any]) -> Any:
    import xarray as xr

    if len(found) == 1:
        return found[0]
    groups = {}
    for group in ("posterior", "sample_stats"):
        whole = xr.concat([dt[group].to_dataset() for dt in found], "chain", combine_attrs="override")
        groups[group] = whole.assign_coords(chain=range(whole.sizes["chain"]))
    return xr.DataTree.from_dict(groups)


def _pymc_model(model: Any) -> Any:
    if not hasattr(model, "backend"):
        return model
    if not model.built:
        model.build()
    return model.backend.model


def low_rank(metric: str, model: Any) -> bool:
    """Tell whether a PyMC model is to be drawn from with the low-rank metric; see ``fit``."""
    grouped = any(
        (name.endswith("_sigma") and "|" in name) or (name.endswith("_raw") and name != SURFACE)
        for name in model.named_vars
    )
    return metric == "low-rank" or (metric == "auto" and not grouped)


def _kept(model: Any, pymc_model: Any) -> list[str]:
    """Name the variables worth keeping: not the likelihood's parameters, which have a value for every row."""
    per_row = set(model.family.likelihood.params) if hasattr(model, "family") else {"mu"}
    deterministic = {
        variable.name
        for variable in pymc_model.deterministics
        if {"__obs__", "row"} & set(pymc_model.named_vars_to_dims.get(variable.name) or ("row",) * (variable.ndim > 0))
    }
    return [
        variable.name
        for variable in (*pymc_model.free_RVs, *pymc_model.deterministics)
        if not (variable.name in per_row and variable.name in deterministic)
    ]


def _tidy(posterior: Any, model: Any) -> Any:
    """Drop the standardised offsets of group effects and dimensions that nothing uses any more."""
    posterior = posterior.drop_vars([name for name in posterior.data_vars if name.endswith("_offset")])
    used = {dim for name in posterior.data_vars for dim in posterior[name].dims}
    return posterior.drop_dims([dim for dim in posterior.dims if dim not in used and dim not in ("chain", "draw")])


def _add_observed(dt: Any, model: Any) -> None:
    import xarray as xr

    observed: Mapping[str, Any] = {
        variable.name: (("__obs__",), values)
        for variable in model.observed_RVs
        if (values := model.rvs_to_values[variable].data).ndim == 1 and {"__obs__", "row"} & set(_dims(model, variable))
    }
    dt["observed_data"] = xr.Dataset(dict(observed))


def _dims(model: Any, variable: Any) -> tuple[Any, ...]:
    return tuple(model.named_vars_to_dims.get(variable.name) or ("__obs__",) * (len(model.observed_RVs) == 1))


_COUNTS: dict[str, Iterator[int]] = {}


def _mark() -> str:
    """Identify this fit within a run: the key of the step that asks for it, and how many it has asked for before."""
    key = os.environ.get(KEY, "")
    return f"{key}/{next(_COUNTS.setdefault(key, count()))}" if key else ""


def _place() -> Path | None:
    """Return where the run that this kernel executes keeps its posterior; other steps than the fit have none."""
    folder = os.environ.get(RUN_FOLDER)
    return Path(folder) / POSTERIOR if folder and os.environ.get(STEP, "") in ("", "fit") else None


def _rescued(mark: str) -> Any:
    """Return the draws that this very fit had saved before its process died; None where there are none, or not all."""
    place = _place()
    if not mark or place is None or not place.is_file():
        return None
    import xarray as xr

    try:
        with xr.open_datatree(place, engine="h5netcdf") as opened:
            dt = opened.load()
    except (OSError, ValueError):
        return None
    posterior = dt["posterior"]
    asked = {"chain": posterior.attrs.get("requested_chains"), "draw": posterior.attrs.get("requested_draws")}
    whole = all(posterior.sizes[dim] == size for dim, size in asked.items())
    return dt if whole and posterior.attrs.get(MADE_FOR) == mark else None


def _save(dt: Any, mark: str) -> None:
    """Save the posterior for the run that this kernel executes, if there is one."""
    place = _place()
    if place is None:
        return
    import xarray as xr

    stats = dt["sample_stats"].to_dataset()
    numeric = [name for name in stats.data_vars if stats[name].dtype.kind in "iufb"]
    slim = xr.DataTree.from_dict(
        {
            "posterior": dt["posterior"].to_dataset().assign_attrs({MADE_FOR: mark} if mark else {}),
            "sample_stats": stats[numeric],
            "observed_data": dt["observed_data"].to_dataset(),
        }
    )
    fresh = place.with_name(f".{place.name}.part")
    slim.to_netcdf(fresh, engine="h5netcdf")
    fresh.replace(place)


def cannot_start(error: Exception) -> InvalidInput:
    """Explain that sampling could not begin."""
    return InvalidInput(
        f"sampling cannot start: {str(error).splitlines()[0]}",
        where="fit",
        remedy="Check that the family allows every value of the outcome, and that no prior excludes the data.",
    )
