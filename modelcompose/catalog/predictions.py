"""What a model predicts: before seeing the data, for the rows it saw, and for rows that somebody makes up.

A model is a Bambi model, or a PyMC model that keeps to three names: the dimension ``row`` of the table's rows, the
deterministic ``mu`` for the expected outcome of each row, and a ``pm.Data`` container for each predictor, which bears
the column's name. The latter two are only needed for predictions of new rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog import gaps
from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "expected",
    "log_densities",
    "log_likelihood",
    "outcome_draws",
    "pointwise",
    "predict",
    "prior_predictive",
    "pymc_model",
    "with_offsets",
]

MEAN = "mu"
ROW = "row"
ROWS = ("__obs__", ROW)
AT_ONCE = 2_000_000  # values worked out at a time, so that memory stays small


def pymc_model(model: Any) -> Any:
    """Return the PyMC model inside a Bambi model, or the PyMC model itself."""
    if not hasattr(model, "backend"):
        return model
    if not model.built:
        model.build()
    return model.backend.model


def prior_predictive(model: Any, *, draws: int = 500, random_seed: int = 0) -> Any:
    """Simulate parameters and data from the assumptions alone.

    Parameters
    ----------
    model
        A Bambi or PyMC model.
    draws
        How many data sets.

    Returns
    -------
    xarray.DataTree
        Groups ``prior`` and ``prior_predictive``, each of one chain.
    """
    import pymc as pm

    return pm.sample_prior_predictive(
        draws=draws, model=pymc_model(model), random_seed=random_seed, compile_kwargs={"mode": "FAST_COMPILE"}
    )


def predict(model: Any, dt: Any, random_seed: int) -> Any:
    """Simulate the outcome of every row from the posterior.

    Parameters
    ----------
    model
        A fitted model.
    dt
        Its posterior.

    Returns
    -------
    xarray.DataTree
        The same with a group ``posterior_predictive``, shape (chains, draws, rows).
    """
    if getattr(model, "gaps", None) is not None:
        return gaps.predict(model, dt, random_seed)
    if hasattr(model, "backend"):
        return model.predict(dt, kind="response", inplace=False, random_seed=random_seed)
    names = [variable.name for variable in model.observed_RVs]
    new = dt.copy()
    new["posterior_predictive"] = _simulated(model, dt, names, random_seed)
    return new


def _simulated(model: Any, dt: Any, names: list[str], random_seed: int) -> Any:
    import pymc as pm
    from xarray import DataTree

    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    drawn = pm.sample_posterior_predictive(
        light,
        model=model,
        var_names=names,
        random_seed=random_seed,
        progressbar=False,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )
    return drawn["posterior_predictive"].to_dataset()


def log_likelihood(model: Any, dt: Any) -> Any:
    """Work out how probable each row's outcome is under each draw.

    PyMC's own densities are evaluated for many draws at once, in the form they have before anything is compiled: that
    is exact, also for outcomes that are censored, truncated or weighted, and needs no time to compile. Where gaps were
    filled many times, the draws of each completed table meet that table.

    Parameters
    ----------
    model
        A fitted model.
    dt
        Its posterior.

    Returns
    -------
    xarray.DataTree
        The same with a group ``log_likelihood``: for each outcome a variable of shape (chains, draws, rows), the last
        dimension called ``__obs__``. Several numbers of one row that were observed together are summed. Where the
        likelihood does not fall into parts for the rows, as with a moment of change that is summed out, there is no
        such group.

    Raises
    ------
    InvalidAnalysis
        When the posterior lacks parameters of the model.
    """
    import xarray as xr

    new = dt.copy()
    pymc = pymc_model(model)
    densities, inputs = log_densities(pymc)
    posterior = with_offsets(pymc, dt["posterior"].to_dataset())
    lacking = [parameter.name for parameter in inputs if parameter.name not in posterior]
    if densities and lacking:
        raise InvalidAnalysis(
            f"the posterior lacks {', '.join(lacking)}, which the model needs for the density of a row",
            where="calibration",
            remedy="Keep every parameter of the model when you draw.",
        )
    if densities:
        evaluate = _evaluator(densities, inputs)
        parts = [evaluate(part) for part in _by_filling(model, pymc, posterior)]
        found = {name: (("chain", "draw", ROWS[0]), np.concatenate([one[name] for one in parts])) for name in densities}
        new["log_likelihood"] = xr.Dataset(found, coords={dim: posterior[dim] for dim in ("chain", "draw")})
    return new


def pointwise(dt: Any, outcome: str) -> Any:
    """Return the log likelihood of the rows' outcome, dimensions (chain, draw, __obs__); None where there is none.

    Of a model that observes more than the outcome, such as a predictor measured with error, the part of the outcome
    counts: it is what rival models predict as well.
    """
    group = dt["log_likelihood"].to_dataset() if "log_likelihood" in dt else {}
    names = list(group)
    return group[outcome if outcome in names else names[0]] if names else None


def log_densities(model: Any) -> tuple[dict[str, Any], dict[Any, Any]]:
    """Write down the log density of each row of what a PyMC model observes.

    Returns
    -------
    tuple
        By the name of the observed variable its log densities, shape (rows,); and the variables that stand in them for
        the parameters, by parameter. Variables that are not observed row by row are left out.
    """
    from pymc.logprob.basic import transformed_conditional_logp

    observed = [one for one in model.observed_RVs if _is_by_row(model, one)]
    inputs = {one: one.type() for one in model.free_RVs}
    values = {one: model.rvs_to_values[one] for one in model.observed_RVs}
    try:
        terms = transformed_conditional_logp(observed, rvs_to_values={**inputs, **values}, rvs_to_transforms={})
    except NotImplementedError:  # a distribution that can be drawn from, but whose density nobody wrote down
        return {}, inputs
    densities = {
        one.name: term.sum(axis=tuple(range(1, term.ndim)))
        for one, term in zip(observed, terms, strict=True)
        if term.ndim
    }
    return densities, inputs


def _is_by_row(model: Any, variable: Any) -> bool:
    dims = model.named_vars_to_dims.get(variable.name) or ROWS[:1] * (len(model.observed_RVs) == 1)
    return bool(set(ROWS) & set(dims)) and variable.ndim > 0


def _evaluator(densities: Mapping[str, Any], inputs: Mapping[Any, Any]) -> Callable[[Any], dict[str, np.ndarray]]:
    """Return what evaluates log densities for a posterior; its arrays have the shape (chains, draws, rows)."""
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.graph.replace import vectorize_graph

    batched = {one: pt.tensor(dtype=one.type.dtype, shape=(None, *one.type.shape)) for one in inputs.values()}
    outputs = vectorize_graph(list(densities.values()), replace=batched)
    evaluated = function(list(batched.values()), outputs, mode="FAST_COMPILE", on_unused_input="ignore")

    def evaluate(posterior: Any) -> dict[str, np.ndarray]:
        draws = [_stacked(posterior[one.name]) for one in inputs]
        shape = posterior.sizes["chain"], posterior.sizes["draw"]
        total = shape[0] * shape[1]
        rows = max(np.shape(one)[-1] for one in evaluated(*(values[:1] for values in draws)))
        step = max(1, AT_ONCE // rows)
        blocks = [evaluated(*(values[at : at + step] for values in draws)) for at in range(0, total, step)]
        whole = [np.concatenate([block[at] for block in blocks]) for at in range(len(densities))]
        return {name: values.reshape(*shape, -1) for name, values in zip(densities, whole, strict=True)}

    return evaluate


def with_offsets(model: Any, posterior: Any) -> Any:
    """Work out again the standardised group effects that were not kept: effects over their standard deviation."""
    for parameter in model.free_RVs:
        base = parameter.name.removesuffix("_offset")
        if parameter.name not in posterior and {base, f"{base}_sigma"} <= set(posterior):
            posterior = posterior.assign({parameter.name: posterior[base] / posterior[f"{base}_sigma"]})
    return posterior


def _by_filling(model: Any, pymc: Any, posterior: Any) -> Iterator[Any]:
    """Yield the chains of each filling of the data containers, with the containers filled that way."""
    import pymc as pm

    fillings = getattr(model, "fillings", None) or [{}]
    each = int(posterior.attrs.get("chains_each", posterior.sizes["chain"]))
    for at, start in enumerate(range(0, posterior.sizes["chain"], each)):
        if fillings[at]:
            pm.set_data(dict(fillings[at]), model=pymc)
        yield posterior.isel(chain=slice(start, start + each))


def expected(model: Any, dt: Any, rows: pd.DataFrame, *, groups: bool = False) -> np.ndarray:
    """Predict the expected outcome of rows.

    Parameters
    ----------
    model, dt
        A model and its posterior.
    rows
        New rows with the columns that the model uses.
    groups
        Whether the effects of the rows' groups enter; otherwise those of a typical group. PyMC models have no such
        choice: their mean is what it is.

    Returns
    -------
    numpy.ndarray
        Shape (chains × draws, rows), or (chains × draws, rows, levels) for the chances of several levels.

    Raises
    ------
    InvalidAnalysis
        When a PyMC model cannot predict new rows, since it lacks the names that this module asks for.
    """
    if not hasattr(model, "backend"):
        return _expected_of_pymc(model, dt, rows)
    from xarray import DataTree

    _forget_empty_parts(model)
    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    predicted = model.predict(light, kind="response_params", data=rows, inplace=False, include_group_specific=groups)
    values = predicted["posterior"][model.family.likelihood.parent]
    if not set(ROWS) & set(values.dims):  # nothing in the model tells rows apart
        values = values.expand_dims({ROWS[0]: len(rows)}, axis=2)
    return _stacked(values)


def _forget_empty_parts(model: Any) -> None:
    """Drop the common part where it has no terms.

    In ordinal models the thresholds take the intercept's place; Bambi 0.21 cannot evaluate what is then left.
    """
    for component in model.parameters.values():
        common = getattr(getattr(component, "design", None), "common", None)
        if common is not None and not common.terms:
            component.design.common = None


def can_predict(model: Any, columns: list[str]) -> bool:
    """Tell whether a model can predict new rows of these columns."""
    if hasattr(model, "backend"):
        return True
    data = {variable.name for variable in model.data_vars}
    return MEAN in model.named_vars and bool(columns) and set(columns) <= data


def _expected_of_pymc(model: Any, dt: Any, rows: pd.DataFrame) -> np.ndarray:
    import pymc as pm

    data = {variable.name: variable for variable in model.data_vars if variable.name in rows}
    if MEAN not in model.named_vars or not data:
        raise InvalidAnalysis(
            "this model cannot predict new rows",
            where="model",
            remedy=f"Name its mean {MEAN!r}, and hold each predictor in a pm.Data of the column's name.",
        )
    before = {name: variable.get_value() for name, variable in data.items()}
    dims = {dim: model.dim_lengths[dim].eval() for dim in (ROW,) if dim in model.dim_lengths}
    try:
        values = {name: as_held(rows[name]).to_numpy(before[name].dtype) for name in data}
        pm.set_data(values, model=model, coords={dim: np.arange(len(rows)) for dim in dims})
        return _means(model, dt)
    finally:
        pm.set_data(before, model=model, coords={dim: np.arange(int(size)) for dim, size in dims.items()})


def _means(model: Any, dt: Any) -> np.ndarray:
    """Work out the mean of every row as the containers are filled now; the outcome may be of another length."""
    import pymc as pm
    from xarray import DataTree

    posterior = dt["posterior"].to_dataset()
    drawn = pm.sample_posterior_predictive(
        DataTree.from_dict({"posterior": posterior.drop_dims(ROW) if ROW in posterior.dims else posterior}),
        model=model,
        var_names=[MEAN],
        progressbar=False,
        return_inferencedata=False,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )
    values = np.asarray(drawn[MEAN])
    return values.reshape(-1, *values.shape[2:])


def as_held(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as a model holds it: levels by their number, from 0."""
    return column.cat.codes if hasattr(column, "cat") else column


def _stacked(values: Any) -> np.ndarray:
    return np.asarray(values.stack(sample=("chain", "draw")).transpose("sample", ...).values)


def outcome_draws(group: Any, outcome: str = "") -> np.ndarray:
    """Take the simulated outcome out of a group of predictions.

    Parameters
    ----------
    group
        A dataset whose variables have the dimensions chain, draw and one for the rows.
    outcome
        The outcome's name, for models of several.

    Returns
    -------
    numpy.ndarray
        Shape (chains × draws, rows).
    """
    if outcome in group.data_vars:
        values = group[outcome]
    else:
        by_row = [name for name in group.data_vars if set(group[name].dims) & set(ROWS)]
        values = group[[*by_row, *group.data_vars][0]]
    draws = _stacked(values)
    return draws if draws.ndim == 2 else draws[..., 0]
