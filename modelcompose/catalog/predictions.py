"""What a model predicts: before seeing the data, for the rows it saw, and for rows that somebody makes up.

A model is a Bambi model, or a PyMC model that keeps to three names: the dimension ``row`` of the table's rows, the
deterministic ``mu`` for the expected outcome of each row, and a ``pm.Data`` container for each predictor, which bears
the column's name. The latter two are only needed for predictions of new rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog import batched, gaps
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
    import xarray as xr

    inner = pymc_model(model)
    drawn = batched.from_priors(inner, draws, random_seed) or {}
    observed = {one.name for one in inner.observed_RVs}
    found = {
        group: _as_dataset(inner, {name: values[None] for name, values in drawn.items() if name in names})
        for group, names in {"prior": drawn.keys() - observed, "prior_predictive": observed}.items()
    }
    if drawn and all(one is not None for one in found.values()):
        return xr.DataTree.from_dict(found)
    return pm.sample_prior_predictive(
        draws=draws, model=inner, random_seed=random_seed, compile_kwargs={"mode": "FAST_COMPILE"}
    )


def _as_dataset(model: Any, values: Mapping[str, np.ndarray]) -> Any:
    """Name the dimensions of draws, shape (chains, draws, ...), as the PyMC model does; None where they disagree."""
    import xarray as xr

    dims: dict[str, tuple[str, ...]] = {}
    sizes: dict[str, int] = {}
    for name, array in values.items():
        named = model.named_vars_to_dims.get(name) or [None] * (array.ndim - 2)
        dims[name] = ("chain", "draw", *(dim or f"{name}_dim_{at}" for at, dim in enumerate(named)))
        for dim, size in zip(dims[name], array.shape, strict=True):
            known = len(model.coords.get(dim) or ()) or size
            sizes[dim] = max(known if size == 1 else size, sizes.get(dim, 1))
    try:
        found = {  # a mean that is the same for all rows may be worked out once
            name: (dims[name], np.broadcast_to(array, [sizes[dim] for dim in dims[name]]))
            for name, array in values.items()
        }
    except ValueError:
        return None
    labels = {dim: list(model.coords.get(dim) or ()) for dim in sizes}
    return xr.Dataset(
        found, coords={dim: names if len(names) == sizes[dim] else range(sizes[dim]) for dim, names in labels.items()}
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
    inner = pymc_model(model)
    names = [variable.name for variable in inner.observed_RVs]
    means = _means_of_rows(model, inner)
    found = None if means is None else _predicted(inner, [*means, *names], dt["posterior"].to_dataset(), random_seed)
    if found is None and hasattr(model, "backend"):
        return model.predict(dt, kind="response", inplace=False, random_seed=random_seed)
    new = dt.copy()
    if found is None:
        new["posterior_predictive"] = _simulated(model, dt, names, random_seed)
        return new
    if means:
        new["posterior"] = dt["posterior"].to_dataset().drop_dims(ROWS[0], errors="ignore").merge(found[means])
    new["posterior_predictive"] = found[names]
    return new


def _means_of_rows(model: Any, inner: Any) -> list[str] | None:
    """Name what Bambi adds to the posterior with its predictions.

    None where that is more than values of the rows; where Bambi tells something else under the name than stands in the
    PyMC model, as for ordered levels, whose chances it works out from cumulative ones; or where a simulated outcome is
    not what the likelihood is of: the time that would have been recorded had nothing cut it off.
    """
    if not hasattr(model, "backend"):
        return []
    from pytensor.tensor.random.op import RandomVariable

    parts = model.conditional_parameters
    names = [part.alias or name for name, part in parts.items()]
    known = {variable.name for variable in inner.deterministics}
    smooth = any(part.hsgp_terms for part in parts.values()) or hasattr(model.family, "transform_mean")
    plain = all(isinstance(one.owner.op, RandomVariable) for one in inner.observed_RVs) and inner.observed_RVs
    return names if plain and not smooth and set(names) <= known else None


def _predicted(inner: Any, names: list[str], posterior: Any, random_seed: int) -> Any:
    """Work variables out for all draws at once; None where that cannot be done."""
    posterior = with_offsets(inner, posterior)
    draws = {str(name): _stacked(posterior[name]) for name in posterior.data_vars}
    found = batched.from_posterior(inner, names, draws, random_seed)
    if found is None:
        return None
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    values = {name: array.reshape(*shape, *array.shape[1:]) for name, array in found.items()}
    named = _as_dataset(inner, values)
    return None if named is None else named.assign_coords(chain=posterior["chain"], draw=posterior["draw"])


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
    parts = {one.name: (term, _axis_of_rows(model, one)) for one, term in zip(observed, terms, strict=True)}
    densities = {
        name: term.sum(axis=tuple(axis for axis in range(term.ndim) if axis != rows))
        for name, (term, rows) in parts.items()
        if rows < term.ndim  # otherwise the rows were observed together, and have no density each
    }
    return densities, inputs


def _axis_of_rows(model: Any, variable: Any) -> int:
    dims = model.named_vars_to_dims.get(variable.name) or ()
    return next((axis for axis, dim in enumerate(dims) if dim in ROWS), 0)


def _is_by_row(model: Any, variable: Any) -> bool:
    dims = model.named_vars_to_dims.get(variable.name) or ROWS[:1] * (len(model.observed_RVs) == 1)
    return bool(set(ROWS) & set(dims)) and variable.ndim > 0


def _evaluator(densities: Mapping[str, Any], inputs: Mapping[Any, Any]) -> Callable[[Any], dict[str, np.ndarray]]:
    """Return what evaluates log densities for a posterior; its arrays have the shape (chains, draws, rows)."""
    at_once = batched.evaluator(list(densities.values()), list(inputs.values()))

    def evaluate(posterior: Any) -> dict[str, np.ndarray]:
        shape = posterior.sizes["chain"], posterior.sizes["draw"]
        found = at_once(*(_stacked(posterior[one.name]) for one in inputs))
        return {name: values.reshape(*shape, -1) for name, values in zip(densities, found, strict=True)}

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
    if not groups and (found := _by_coefficients(model, dt["posterior"], rows)) is not None:
        return found
    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    predicted = model.predict(light, kind="response_params", data=rows, inplace=False, include_group_specific=groups)
    values = predicted["posterior"][model.family.likelihood.parent]
    if not set(ROWS) & set(values.dims):  # nothing in the model tells rows apart
        values = values.expand_dims({ROWS[0]: len(rows)}, axis=2)
    return _stacked(values)


def _by_coefficients(model: Any, posterior: Any, rows: pd.DataFrame) -> np.ndarray | None:
    """Multiply rows with coefficients; None where a model's mean is more than that behind its link."""
    family, part = model.family, model.conditional_parameters.get(model.family.likelihood.parent)
    special = ("transform_linear_predictor", "transform_coords", "transform_mean", "INVLINK_KWARGS")
    if part is None or part.hsgp_terms or not part.design.common or family.name == "vonmises":
        return None
    if any(hasattr(family, one) for one in special):
        return None
    matrix = part.design.common.evaluate_new_data(rows).design_matrix
    offsets = [part.design.common.slices[name] for name in part.offset_terms]
    shift = sum((matrix[:, columns].sum(1) for columns in offsets), np.zeros(len(matrix)))
    if offsets:
        matrix = np.delete(matrix, np.r_[tuple(offsets)], axis=1)
    terms = [*([part.intercept_term] if part.intercept_term else []), *part.common_terms.values()]
    draws = [_stacked(posterior[one.alias or one.name]) for one in terms]
    coefficients = np.column_stack(draws) if draws else np.empty((0, 0))
    if len(matrix) != len(rows) or coefficients.shape[1] != matrix.shape[1]:
        return None
    return np.asarray(family.link[part.name].linkinv(coefficients @ matrix.T + shift))


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
    array = values.transpose("chain", "draw", ...).values
    return np.asarray(array.reshape(-1, *array.shape[2:]))


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
