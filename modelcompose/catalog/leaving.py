"""A model whose rows can be left out: what stays is the rest of the table with the very same model.

Leaving a row out of the table and building anew would change more than the row: centred columns, the knots of curves,
levels, and priors that follow the scale of the data. Here only the row's part of the likelihood goes, and since the
rows that count stand in a data container, a sampler compiles once for any number of fits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcompose.catalog.predictions import log_densities, pymc_model

__all__ = ["COUNTS", "cloned", "open_rows"]

COUNTS = "rows that count"


def open_rows(model: Any, outcome: str) -> Any:
    """Return a copy of a model in which single rows of the outcome can be left out.

    Parameters
    ----------
    model
        A Bambi or PyMC model whose likelihood falls into parts for the rows.
    outcome
        The outcome's name, for models that observe more.

    Returns
    -------
    pymc.Model
        Its data container ``COUNTS`` holds 1 for each row that counts, and 0 for those left out. What the rows say of
        the parameters is a term of the density now; nothing can be simulated from it.
    """
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.graph.replace import graph_replace

    copy = cloned(pymc_model(model))
    densities, inputs = log_densities(copy)
    name = outcome if outcome in densities else next(iter(densities))
    stands_for = {variable: parameter for parameter, variable in inputs.items()}
    density = graph_replace(densities[name], stands_for, strict=False)
    rows = len(np.asarray(copy.rvs_to_values[copy[name]].eval()))
    _forget(copy, copy[name])
    with copy:
        counts = pm.Data(COUNTS, np.ones(rows))
        pm.Potential(f"{name} of the {COUNTS}", pt.switch(counts > 0, density, 0.0).sum())
    return copy


def _forget(model: Any, observed: Any) -> None:
    """Take an observed variable out of a model."""
    model.observed_RVs.remove(observed)
    model.values_to_rvs.pop(model.rvs_to_values.pop(observed))
    model.rvs_to_transforms.pop(observed, None)
    model.named_vars.pop(observed.name)
    model.named_vars_to_dims.pop(observed.name, None)


def cloned(model: Any) -> Any:
    """Clone a PyMC model together with its starting values, which PyMC's own cloning refuses."""
    from pymc.model.fgraph import clone_model

    initial = dict(model.rvs_to_initial_values)
    try:
        model.rvs_to_initial_values.update(dict.fromkeys(initial))
        copy = clone_model(model)
    finally:
        model.rvs_to_initial_values.update(initial)
    for variable, value in initial.items():
        if variable.name in copy.named_vars:
            copy.rvs_to_initial_values[copy[variable.name]] = value
    return copy
