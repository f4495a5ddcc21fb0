"""Models of tables with gaps: estimated together with the model, or filled many times and pooled.

Bambi writes its design matrices into the PyMC model as constants. ``open_gaps`` puts something in their place that can
vary: for ``impute`` the gaps become parameters with a distribution of their own given the other predictors (a
sequence of conditional models; Ibrahim, Chen and Lipsitz 2002, doi:10.2307/3315865); for ``multiple`` a data container
that holds one completed table after the other, whose draws are pooled (Gelman et al. 2013, Bayesian Data Analysis,
section 18.2; Zhou and Reiter 2010, doi:10.1198/tast.2010.09109).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Part", "open_gaps", "parts"]

Array = np.ndarray[Any, np.dtype[Any]]
LOPSIDED = 1.0


class Gaps(Protocol):
    """What is known of the gaps: see ``modelcompose.data.gaps.Gaps``."""

    @property
    def how(self) -> str: ...
    @property
    def rows(self) -> Mapping[str, Array]: ...
    @property
    def tables(self) -> Sequence[pd.DataFrame]: ...


def open_gaps(model: Any, gaps: Gaps) -> Any:
    """Make room in a built Bambi model for what fills the gaps of its table.

    Parameters
    ----------
    model
        A Bambi model of the table whose gaps hold a first guess; its PyMC model is replaced.
    gaps
        Where the gaps are, and the completed tables if there are some.

    Returns
    -------
    bambi.Model
        The model given. ``model.gaps`` holds the gaps, and ``model.fillings`` the values of its data containers, by
        name, for each completed table.

    Raises
    ------
    InvalidAnalysis
        When the formula bends a column with gaps, so that the model cannot estimate them, or there is none.
    """
    if not gaps.rows:
        return model
    if not hasattr(model, "backend"):
        raise InvalidAnalysis(
            "gaps cannot be filled in this model, which is not made from a formula",
            where="missing",
            remedy='Choose missing = "drop": rows with gaps are then left out.',
        )
    import pymc as pm
    from pymc.model.fgraph import fgraph_from_model, model_from_fgraph

    designs = _designs(model)
    with model.backend.model as pymc_model:
        if gaps.how == "impute":
            moved = _estimated(model.data, designs, gaps)
        else:
            moved = {one: pm.Data(one.name, one.values) for one in designs if one.differs(gaps.tables)}
    graph, images = fgraph_from_model(pymc_model)
    for design, value in moved.items():
        _replace(graph, design.values, value if callable(value) else images[value], images)
    model.backend.model = model_from_fgraph(graph, mutate_fgraph=True)
    model.gaps = gaps
    model.fillings = [{design.name: design.of(table) for design in moved} for table in gaps.tables]
    return model


@dataclass(frozen=True, eq=False)
class _Design:
    """A constant of the model with a row for each row of the table, and how it follows from a table."""

    name: str
    of: Callable[[pd.DataFrame], Array]
    table: pd.DataFrame
    values: Array

    def differs(self, tables: Sequence[pd.DataFrame]) -> bool:
        return any(not np.array_equal(self.of(table), self.values) for table in tables)

    def step(self, sizes: Mapping[str, float], gaps: Gaps) -> Array:
        """Return by how much it changes when the gaps of each column grow by so much."""
        bumped = {name: self.table[name].to_numpy("float64", copy=True) for name in sizes}
        for name, size in sizes.items():
            bumped[name][gaps.rows[name]] += size
        return np.asarray(self.of(self.table.assign(**bumped)) - self.values)


def _designs(model: Any) -> list[_Design]:
    """Return the design matrices of a Bambi model, and the predictors of its group-specific slopes."""
    found = []
    for part, component in model.distributional_components.items():
        if component.common_terms:
            found.append(_design(f"{part}_design", _common(component), model.data))
        for term in component.group_specific_terms:
            if not term.startswith("1|"):
                found.append(_design(f"{part}_{term}_design", _slope(component, term), model.data))
    return found


def _design(name: str, of: Callable[[pd.DataFrame], Array], table: pd.DataFrame) -> _Design:
    return _Design(name, of, table, of(table))


def _common(component: Any) -> Callable[[pd.DataFrame], Array]:
    def of(table: pd.DataFrame) -> Array:
        new = component.design.common.evaluate_new_data(table)
        matrix = np.asarray(new)
        return np.column_stack([matrix[:, new.slices[name]] for name in component.common_terms])

    return of


def _slope(component: Any, term: str) -> Callable[[pd.DataFrame], Array]:
    """Return the predictor of a group's slope: of the columns, one for each group, all but one are zero in a row."""

    def of(table: pd.DataFrame) -> Array:
        new = component.design.group.evaluate_new_data(table)
        return np.asarray(np.asarray(new)[:, new.slices[term]].sum(1))

    return of


def _replace(graph: Any, values: Array, value: Any, images: Mapping[Any, Any]) -> None:
    """Put a variable in the place of every constant of the graph that holds these values."""
    from pytensor.graph.basic import Constant

    for one in list(graph.variables):
        if isinstance(one, Constant) and np.array_equal(np.asarray(one.data), values):
            new = value(images) if callable(value) else value
            graph.replace(one, new.astype(one.type.dtype), import_missing=True)


# -- estimated inside the model ----------------------------------------------------------------------------------


def _estimated(table: pd.DataFrame, designs: Sequence[_Design], gaps: Gaps) -> dict[_Design, Callable[..., Any]]:
    """Give every gap a distribution; return for each design that depends on gaps how it follows from them."""
    steps = {one: {name: one.step({name: 1.0}, gaps) for name in gaps.rows} for one in designs}
    for design, by_column in steps.items():
        _require_straight(design, by_column, gaps)
    columns: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    clean = _untouched(steps)
    for name, rows in gaps.rows.items():
        values = table[name].to_numpy("float64")
        missing[name], columns[name] = _column(name, values, rows, clean, columns)
    return {
        design: _moving(design, {name: step for name, step in by_column.items() if step.any()}, table, gaps, missing)
        for design, by_column in steps.items()
        if any(step.any() for step in by_column.values())
    }


def _moving(
    design: _Design, steps: Mapping[str, Array], table: pd.DataFrame, gaps: Gaps, missing: Mapping[str, Any]
) -> Callable[[Mapping[Any, Any]], Any]:
    """Return what makes the design out of the images of the gaps in a graph."""
    import pytensor.tensor as pt

    def make(images: Mapping[Any, Any]) -> Any:
        matrix = pt.as_tensor(design.values.astype("float64"))
        for name, step in steps.items():
            rows = gaps.rows[name]
            grown = images[missing[name]] - table[name].to_numpy("float64")[rows]
            change = step[rows] * (grown[:, None] if step.ndim == 2 else grown)
            matrix = pt.inc_subtensor(matrix[rows], change)
        return matrix

    return make


def _require_straight(design: _Design, steps: Mapping[str, Array], gaps: Gaps) -> None:
    """Refuse formulas in which a column with gaps is bent, or multiplied by another one with gaps."""
    double = {name: design.step({name: 2.0}, gaps) for name in steps}
    bent = [name for name, step in steps.items() if not np.allclose(double[name], 2 * step)]
    together = design.step(dict.fromkeys(steps, 1.0), gaps)
    if bent or not np.allclose(together, sum(steps.values())):
        names = ", ".join(bent or steps)
        raise InvalidAnalysis(
            f"the gaps in {names} cannot be estimated inside the model, since the formula bends or multiplies them",
            where="missing",
            remedy='Choose missing = "multiple", or write the column into the formula as it is.',
        )


def _untouched(steps: Mapping[_Design, Mapping[str, Array]]) -> Array:
    """Return the standardised columns of the outcome's design that no gap touches, shape (rows, k)."""
    design = next(one for one in steps if one.values.ndim == 2)
    touched = np.sum([abs(step).sum(0) for step in steps[design].values()], axis=0)
    kept = design.values[:, (touched == 0) & (design.values.std(0) > 0)].astype("float64")
    return np.asarray((kept - kept.mean(0)) / kept.std(0))


def _column(name: str, values: Array, rows: Array, clean: Array, others: Mapping[str, Any]) -> tuple[Any, Any]:
    """Declare how a column depends on the other predictors: linearly, in logarithms where it is lopsided.

    Returns
    -------
    tuple
        The gaps as a random variable, and the whole column, standardised, for the columns that come after it. The
        coefficients are on the scale of standardised columns, where normal(0, 1) is weakly informative.
    """
    import pymc as pm
    import pytensor.tensor as pt

    label = _label(name)
    known = np.delete(np.arange(len(values)), rows)
    logs = bool((values[known] > 0).all()) and _skewness(values[known]) > LOPSIDED
    scaled = np.log(values[known]) if logs else values[known]
    middle, spread = float(scaled.mean()), float(scaled.std())
    expected = pm.Normal(f"{label}_mean", 0, 1) + pt.zeros(len(values))
    if clean.shape[1]:
        expected += pt.dot(clean, pm.Normal(f"{label}_slopes", 0, 1, shape=clean.shape[1]))
    for other, column in others.items():
        expected += pm.Normal(f"{label}_slope_{other}", 0, 1) * column
    location, sigma = middle + spread * expected, spread * pm.HalfNormal(f"{label}_spread", 1)
    family = pm.LogNormal if logs else pm.Normal
    family(f"{label}_known", location[known], sigma, observed=values[known])
    missing = family(label, location[rows], sigma)
    whole = np.zeros(len(values))
    whole[known] = (scaled - middle) / spread
    drawn = ((pt.log(missing) if logs else missing) - middle) / spread
    return missing, pt.set_subtensor(pt.as_tensor(whole)[rows], drawn)


def _label(name: str) -> str:
    """Name the parameters that stand for the gaps of a column."""
    return f"gaps({name})"


def _skewness(values: Array) -> float:
    centred = values - values.mean()
    spread = centred.std()
    return float((centred**3).mean() / spread**3) if spread > 0 else 0.0


# -- after the fit -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """The draws that belong to one table."""

    table: pd.DataFrame
    dt: Any


def parts(model: Any, table: pd.DataFrame, dt: Any) -> list[Part]:
    """Split a posterior into the draws of each completed table; without gaps there is one part.

    Gaps that the model estimated hold the mean of their draws.
    """
    gaps = getattr(model, "gaps", None)
    if gaps is None:
        return [Part(table, dt)]
    if gaps.how == "impute":
        posterior = dt["posterior"]
        means = {name: table[name].to_numpy("float64", copy=True) for name in gaps.rows}
        for name, rows in gaps.rows.items():
            means[name][rows] = posterior[_label(name)].mean(("chain", "draw")).values
        return [Part(table.assign(**means), dt)]
    posterior = dt["posterior"].to_dataset()
    made = posterior.sizes["chain"] // max(1, posterior.attrs.get("chains_each", posterior.sizes["chain"]))
    each = posterior.sizes["chain"] // max(made, 1)
    return [Part(gaps.tables[at], _chains(posterior, at * each, (at + 1) * each)) for at in range(made)]


def _chains(posterior: Any, start: int, stop: int) -> Any:
    from xarray import DataTree

    return DataTree.from_dict({"posterior": posterior.isel(chain=slice(start, stop))})


def predict(model: Any, dt: Any, random_seed: int) -> Any:
    """Simulate the outcome of every row from the posterior.

    Parameters
    ----------
    model
        A fitted Bambi model with gaps.
    dt
        Its posterior.

    Returns
    -------
    xarray.DataTree
        The same with a group ``posterior_predictive``, shape (chains, draws, rows).
    """
    import xarray as xr

    found = []
    for at, part in enumerate(parts(model, model.data, dt)):
        _fill(model, at)
        found.append(_simulated(model, part.dt, random_seed + at))
    new = dt.copy()
    new["posterior_predictive"] = xr.concat(found, "chain").assign_coords(chain=dt["posterior"].chain)
    return new


def _fill(model: Any, at: int) -> None:
    import pymc as pm

    if model.fillings:
        pm.set_data(model.fillings[at], model=model.backend.model)


def _simulated(model: Any, dt: Any, random_seed: int) -> Any:
    """Simulate from the PyMC model, with the standardised group effects that were not kept worked out again."""
    import pymc as pm
    from xarray import DataTree

    posterior = dt["posterior"].to_dataset()
    for variable in model.backend.model.free_RVs:
        base = variable.name.removesuffix("_offset")
        if variable.name not in posterior and base in posterior and f"{base}_sigma" in posterior:
            posterior[variable.name] = posterior[base] / posterior[f"{base}_sigma"]
    name = model.response_component.term.name
    drawn = pm.sample_posterior_predictive(
        DataTree.from_dict({"posterior": posterior}),
        model=model.backend.model,
        var_names=[name],
        random_seed=random_seed,
        progressbar=False,
    )
    return drawn["posterior_predictive"].to_dataset()
