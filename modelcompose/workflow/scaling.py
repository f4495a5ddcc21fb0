"""Power-scaling: how the posterior changes when the prior, or the data, count a little more or less.

After Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5. It weighs the draws that there are, and costs no fit.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.effects import Effect
from modelcompose.catalog.leaving import cloned
from modelcompose.workflow.constructed import PARTS, reported

__all__ = ["ANSWER", "kind", "power", "power_scaled", "top_level"]

ANSWER = "answer: "
MOST_PARAMETERS = 40
STANDARDISED = frozenset({"z", "eta", "raw", "offset", "std"})


def power(model: Any, dt: Any, effects: list[Effect]) -> tuple[Any, str]:
    """Power-scale prior and likelihood.

    Returns
    -------
    tuple
        A dataset, or None with the reason.
    """
    import xarray as xr

    if len(getattr(model, "fillings", None) or ()) > 1:
        return None, "the draws belong to several completed tables"
    names = top_level(catalog.pymc_model(model))
    posterior = dt["posterior"].to_dataset()
    missing = [name for name in names if name not in posterior]
    if missing or not names:
        return None, f"the draws of {missing[0]} were not kept" if missing else "no prior stands on its own"
    groups = {
        "posterior": _quantities(posterior, effects, reported(catalog.pymc_model(model))),
        "log_prior": _log_prior(catalog.pymc_model(model), posterior, names),
    }
    if "log_likelihood" in dt.children:
        groups["log_likelihood"] = dt["log_likelihood"].to_dataset()
    found = power_scaled(xr.DataTree.from_dict(groups))
    return found, "" if "log_likelihood" in groups else "the log likelihood was not worked out"


def power_scaled(dt: Any) -> Any:
    """Return how much each quantity changes when prior or likelihood count more or less.

    Parameters
    ----------
    dt
        DataTree with ``posterior``, whose variable ``value`` has the dimension ``quantity``, ``log_prior`` and perhaps
        ``log_likelihood``.

    Returns
    -------
    xarray.Dataset
        ``sensitivity`` by quantity and component: the gradient of the cumulative Jensen-Shannon distance with respect
        to the logarithm of the power, by Pareto-smoothed importance sampling (Kallioinen et al. 2024); NaN for the
        likelihood where it is not given.
    """
    import arviz_stats as azs
    import xarray as xr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prior = azs.psense(dt, var_names=["value"], group="prior")["value"]
        given = "log_likelihood" in dt.children
        data = (
            azs.psense(dt, var_names=["value"], group="likelihood")["value"] if given else xr.full_like(prior, np.nan)
        )
    both = xr.concat([prior, data], "component").assign_coords(component=["prior", "likelihood"])
    return xr.Dataset({"sensitivity": both.transpose("quantity", "component").astype(float)})


def _quantities(posterior: Any, effects: list[Effect], names: list[str]) -> Any:
    """Put the draws of the effects and of the parameters side by side, single numbers before vectors."""
    import xarray as xr

    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    found = {f"{ANSWER}{effect.name}": effect.draws.reshape(chains, draws) for effect in effects}
    parts = {name: posterior[name].values.reshape(chains, draws, -1) for name in names if name in posterior}
    for name, values in sorted(parts.items(), key=lambda one: one[1].shape[-1]):
        for at in range(values.shape[-1]):
            if len(found) < len(effects) + MOST_PARAMETERS and np.ptp(values[..., at]) > 0:
                found[name if values.shape[-1] == 1 else f"{name}[{at}]"] = values[..., at]
    return xr.Dataset(
        {"value": (("chain", "draw", "quantity"), np.stack(list(found.values()), -1))},
        {"chain": range(chains), "draw": range(draws), "quantity": list(found)},
    )


def top_level(model: Any) -> list[str]:
    """Name the parameters of a PyMC model whose priors stand on their own.

    What depends on other parameters, such as group effects on their spread, belongs to the model rather than to the
    prior; so do standardised parts, which are normal(0, 1) whatever is assumed. Scaling these as well would flag nearly
    everything (Kallioinen et al. 2024, section 2.4).
    """
    from pytensor.graph.traversal import ancestors

    free = set(model.free_RVs)
    return [
        one.name
        for one in model.free_RVs
        if not one.name.endswith(PARTS)
        and not one.name.startswith("gaps(")
        and not _standardised(one)
        and not free & set(ancestors([one])) - {one}
    ]


def _standardised(variable: Any) -> bool:
    """Tell a vector of standard normals that somebody named in a way of their own, such as ``z`` or ``z_school``."""
    from pymc.pytensorf import constant_fold

    if variable.ndim == 0 or kind(variable) != "normal" or variable.name.partition("_")[0] not in STANDARDISED:
        return False
    values = constant_fold(variable.owner.op.dist_params(variable.owner), raise_not_constant=False)
    return all(isinstance(one, np.ndarray) and np.all(one == due) for one, due in zip(values, (0, 1), strict=True))


def kind(variable: Any) -> str:
    return str(getattr(variable.owner.op, "name", "") or "")


def _log_prior(model: Any, posterior: Any, names: list[str]) -> Any:
    """Work out the log density of the priors for every draw, summed over each parameter's elements."""
    import pytensor.tensor as pt
    import xarray as xr
    from pymc.model.transform.conditioning import remove_value_transforms
    from pytensor.compile.maker import function
    from pytensor.graph.replace import vectorize_graph

    plain = remove_value_transforms(cloned(model))
    inputs = [plain.rvs_to_values[plain[name]] for name in names]
    sums = [one.sum() for one in plain.logp(vars=[plain[name] for name in names], sum=False)]
    batches = [pt.tensor(dtype=one.type.dtype, shape=(None, *one.type.shape)) for one in inputs]
    outs = vectorize_graph(sums, replace=dict(zip(inputs, batches, strict=True)))
    density = function(batches, outs, mode="FAST_COMPILE", on_unused_input="ignore")
    stacked = [
        np.asarray(posterior[name].stack(sample=("chain", "draw")).transpose("sample", ...).values, one.type.dtype)
        for name, one in zip(names, inputs, strict=True)
    ]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    values = density(*stacked)
    return xr.Dataset(
        {name: (("chain", "draw"), np.reshape(one, shape)) for name, one in zip(names, values, strict=True)},
        {"chain": range(shape[0]), "draw": range(shape[1])},
    )
