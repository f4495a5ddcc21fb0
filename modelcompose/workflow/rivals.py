"""Rival priors: the answer under each of them, and the conclusions that flip.

The model is compiled once: the widths of its priors are multiplied by a number that stands in a data container.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog, samplers
from modelcompose.catalog.effects import Effect
from modelcompose.catalog.leaving import cloned
from modelcompose.errors import ModelComposeError
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import Policy
from modelcompose.workflow.results import effects_of
from modelcompose.workflow.scaling import kind, top_level

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["DEFAULTS", "NONE", "flips", "headline", "rival_widths", "rivals"]

WIDTH = "prior width"
CHOSEN, DEFAULTS = "as chosen", "the catalogue's defaults"
NONE: Mapping[str, float] = {"difference": 0.0, "ratio": 1.0, "effect": 0.0}
MOST_EFFECTS, MOST_DRAWS = 24, 1000
# Where, among a distribution's parameters, its width stands. Those left out have none that leaves their shape alone.
WIDTHS: Mapping[str, int] = {
    "normal": 1,
    "halfnormal": 1,
    "t": 2,
    "halfstudentt": 1,
    "cauchy": 1,
    "halfcauchy": 1,
    "laplace": 1,
    "lognormal": 1,
    "exponential": 0,
    "truncated_normal": 1,
}


def headline(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Return the effects that answer the question; where gaps were filled many times, of all tables together."""
    effects = effects_of(analysis, table, model, dt)
    return ([effect for effect in effects if effect.headline] or effects)[:MOST_EFFECTS]


@dataclass(frozen=True)
class RivalWidths:
    """A copy of a model whose priors' widths can be changed without compiling anew, by a container called ``WIDTH``."""

    model: Any
    scaled: list[str]
    left: list[str]


def rival_widths(model: Any) -> RivalWidths:
    """Multiply the width of every prior that stands on its own by one number, which can be changed.

    Parameters
    ----------
    model
        A PyMC model; it is not changed.
    """
    import pymc as pm
    from pymc.model.fgraph import fgraph_from_model, model_from_fgraph

    own = cloned(model)
    with own:
        factor = pm.Data(WIDTH, 1.0)
    initial = dict(own.rvs_to_initial_values)
    own.rvs_to_initial_values.update(dict.fromkeys(initial))
    graph, images = fgraph_from_model(own)
    names = top_level(own)
    scaled = [name for name in names if kind(own[name]) in WIDTHS]
    for name in scaled:
        variable = images[own[name]].owner.inputs[0]
        graph.replace(variable, _widened(variable, images[factor]), import_missing=True)
    new = model_from_fgraph(graph, mutate_fgraph=True)
    for variable, value in initial.items():
        new.rvs_to_initial_values[new[variable.name]] = value
    return RivalWidths(new, scaled, [name for name in names if name not in scaled])


def _widened(variable: Any, factor: Any) -> Any:
    node = variable.owner
    width = node.op.dist_params(node)[WIDTHS[kind(variable)]]
    inputs = [one * factor if one is width else one for one in node.inputs]
    return node.clone_with_new_inputs(inputs, strict=False).outputs[node.outputs.index(variable)]


def rivals(analysis: Analysis, table: pd.DataFrame, model: Any, base: list[Effect]) -> Any:
    """Answer the question under each rival prior, and put the answers in a dataset."""
    import xarray as xr

    found = {CHOSEN: base}
    attrs: dict[str, Any] = {"scaled": "", "left": "", "failed": "", "stopped": 0}
    if analysis.rival_priors:
        widths = rival_widths(catalog.pymc_model(model))
        attrs |= {"scaled": ", ".join(widths.scaled), "left": ", ".join(widths.left)}
        if widths.scaled:
            try:
                found |= _under_widths(analysis, table, model, widths)
            except ModelComposeError as error:
                attrs["failed"] = str(error)
            attrs["stopped"] = int(not attrs["failed"] and len(found) <= len(analysis.rival_priors))
    if analysis.priors and not attrs["stopped"]:
        try:
            effects = _under_defaults(analysis, table, model)
            found |= {DEFAULTS: effects} if effects else {}
            attrs["stopped"] = int(not effects)
        except ModelComposeError as error:
            attrs["failed"] = str(error)
    rows = [_numbers(analysis, effects) for effects in found.values()]
    data = {name: (("prior", "effect"), np.array([row[name] for row in rows], float)) for name in rows[0]}
    return xr.Dataset(
        {**data, "kind": ("effect", [effect.kind for effect in base])},
        {"prior": list(found), "effect": [effect.name for effect in base]},
        attrs,
    )


def _under_widths(analysis: Analysis, table: pd.DataFrame, model: Any, widths: RivalWidths) -> dict[str, list[Effect]]:
    """Fit the model under each width of its priors; when that is stopped, those that are complete count."""
    fillings = getattr(model, "fillings", None) or [{}]
    twin = _twin(model, widths.model)
    twin.fillings = [{**one, WIDTH: np.asarray(width)} for width in analysis.rival_priors for one in fillings]
    drawn = _drawn(analysis, twin)
    if drawn["posterior"].sizes["draw"] < drawn["posterior"].attrs["requested_draws"]:
        return {}
    posterior = drawn["posterior"].to_dataset()
    each = int(posterior.attrs["chains_each"]) * len(fillings)
    return {
        _said(width): headline(analysis, table, model, _chains(posterior, at * each, (at + 1) * each))
        for at, width in enumerate(analysis.rival_priors)
        if (at + 1) * each <= posterior.sizes["chain"]
    }


def _twin(model: Any, pymc_model: Any) -> Any:
    """Return what samplers take for the model, with another PyMC model inside."""
    if not hasattr(model, "backend"):
        return pymc_model
    twin = copy.copy(model)
    twin.backend = copy.copy(model.backend)
    twin.backend.model = pymc_model
    return twin


def _chains(posterior: Any, start: int, stop: int) -> Any:
    from xarray import DataTree

    return DataTree.from_dict({"posterior": posterior.isel(chain=slice(start, stop))})


def _said(width: float) -> str:
    return {0.5: "half as wide", 2.0: "twice as wide"}.get(width, f"{width:g} times as wide")


def _under_defaults(analysis: Analysis, table: pd.DataFrame, model: Any) -> list[Effect]:
    """Answer under the default priors; nothing when sampling was stopped."""
    other = analysis.changed({"priors": {}})
    built = catalog.build(other, table, getattr(model, "gaps", None))
    drawn = _drawn(analysis, built)
    return [] if is_partial(drawn) else headline(other, table, built, drawn)


def _drawn(analysis: Analysis, model: Any) -> Any:
    return samplers.fit(
        model,
        sampler=analysis.sampler,
        draws=min(analysis.draws, MOST_DRAWS),
        tune=min(analysis.tune, MOST_DRAWS),
        chains=analysis.chains,
        target_accept=analysis.target_accept,
        random_seed=analysis.random_seed,
        metric=analysis.metric,
        record=False,
    )


def _numbers(analysis: Analysis, effects: list[Effect]) -> dict[str, list[float]]:
    """Sum up effects in numbers, each a list over effects."""
    edge = (1 - analysis.ci_prob) / 2
    quantiles = [np.quantile(effect.draws, [edge, 0.5, 1 - edge]) for effect in effects]
    return {
        "mean": [float(effect.draws.mean()) for effect in effects],
        "sd": [float(effect.draws.std()) for effect in effects],
        "lower": [float(one[0]) for one in quantiles],
        "median": [float(one[1]) for one in quantiles],
        "upper": [float(one[2]) for one in quantiles],
        "above": [
            float(np.mean(effect.draws > NONE[effect.kind])) if effect.kind in NONE else np.nan for effect in effects
        ],
        "inside": [
            float(np.mean(np.abs(effect.draws) < analysis.smallest_effect))
            if analysis.smallest_effect and effect.kind in ("difference", "effect")
            else np.nan
            for effect in effects
        ],
        "largest": _largest(effects),
    }


def _largest(effects: list[Effect]) -> list[float]:
    if len(effects) < 2 or any(effect.kind != "level" for effect in effects):
        return [np.nan] * len(effects)
    draws = np.stack([effect.draws for effect in effects])
    return [float(one) for one in np.bincount(draws.argmax(0), minlength=len(effects)) / draws.shape[1]]


def flips(analysis: Analysis, rivals: Any, rules: Policy) -> list[str]:
    """Name every conclusion that another prior would have changed."""
    clear, margin = rules["clear-direction"].limit, rules["conclusion-margin"].limit
    end = (1 + analysis.ci_prob) / 2
    found = []
    for name in map(str, rivals["effect"].values):
        one = rivals.sel(effect=name)
        for at in range(1, rivals.sizes["prior"]):
            prior = str(rivals["prior"].values[at])
            before, after = one["above"].values[[0, at]]
            if _crosses(before, after, clear, margin):
                found.append(f"{name}, {prior}: the direction {_of_direction(before, after, clear)}")
            elif _crosses(before, after, end, margin):
                held = "now holds" if _open(after, end) else "no longer holds"
                found.append(f"{name}, {prior}: the interval {held} the value of no effect")
            before, after = one["inside"].values[[0, at]]
            if _crosses(before, after, clear, margin):
                found.append(f"{name}, {prior}: whether it is too small to matter")
    top = rivals["largest"].values
    if np.isfinite(top).all():
        best, names = top.argmax(1), rivals["effect"].values
        found += [
            f"{rivals['prior'].values[at]}: {names[best[at]]} is the largest instead of {names[best[0]]}"
            for at in range(1, len(best))
            if best[at] != best[0] and abs(top[at, best[0]] - top[0, best[0]]) >= margin
        ]
    return found


def _open(probability: float, limit: float) -> bool:
    return 1 - limit < probability < limit


def _side(probability: float, limit: float) -> int:
    return 0 if _open(probability, limit) else 1 if probability >= limit else -1


def _crosses(before: float, after: float, limit: float, margin: float) -> bool:
    """Tell whether a probability leaves one verdict for another by more than chance."""
    if np.isnan(before) or np.isnan(after):
        return False
    return _side(before, limit) != _side(after, limit) and abs(after - before) >= margin


def _of_direction(before: float, after: float, limit: float) -> str:
    if _open(after, limit):
        return "is no longer clear"
    return "becomes clear" if _open(before, limit) else "turns round"
