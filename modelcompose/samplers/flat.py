"""A model as one density over a vector of unbounded numbers.

What is not nutpie or PyMC's own sampler sees a model like this: the vector goes in, the logarithm of the posterior's
density and its gradient come out, and draws of the vector become draws of the model's variables. Nothing is compiled
to machine code: whole batches of vectors go through NumPy at once, which begins at once and is fast for as few
evaluations as approximations need.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np

from modelcompose.errors import InvalidInput

__all__ = ["Flat", "require_continuous"]

Array = np.ndarray[Any, np.dtype[Any]]
AT_ONCE = 2_000_000  # numbers in a batch, so that memory stays small
TRIES = 20
JITTER = 1.0


class Flat:
    """A PyMC model over a vector of ``size`` unbounded numbers.

    Data containers are read at every evaluation, so that it stays right when they are filled anew.

    Parameters
    ----------
    model
        A PyMC model.
    var_names
        The variables that ``expand`` returns.

    Raises
    ------
    InvalidInput
        When the model has parameters that are whole numbers, which have no gradient.
    """

    def __init__(self, model: Any, var_names: list[str]) -> None:
        self.model, self.var_names = model, var_names
        require_continuous(model)
        self._point = model.initial_point()
        self.size = int(sum(np.size(value) for value in self._point.values()))

    @classmethod
    def of(cls, model: Any, var_names: list[str]) -> Self:
        """Return the model as it is when it is flat already."""
        return model if isinstance(model, cls) else cls(model, var_names)

    @cached_property
    def names(self) -> list[str]:
        """The name of the model's variable that each number of the vector belongs to, ``""`` for parts of long ones."""
        rv = {value.name: variable.name for variable, value in self.model.rvs_to_values.items()}
        sizes = {name: np.size(value) for name, value in self._point.items()}
        return [rv[name] if size == 1 else "" for name, size in sizes.items() for _ in range(size)]

    @property
    def origin(self) -> Array:
        """The initial point of the model, shape (size,)."""
        return np.concatenate([np.ravel(value) for value in self._point.values()] or [np.zeros(0)]).astype(float)

    def start(self, chains: int, random_seed: int) -> Array:
        """Return points to begin at, scattered around the initial point; shape (chains, size).

        Raises
        ------
        InvalidInput
            When the density is not finite there.
        """
        rng = np.random.default_rng(random_seed)
        points = []
        for _ in range(chains):
            for attempt in range(TRIES):
                point = self.origin + rng.uniform(-1, 1, self.size) * JITTER * 0.8**attempt
                if np.isfinite(self.logp(point[None])[0]):
                    break
            else:
                point = self.origin
            points.append(point)
        found = np.stack(points)
        if not (np.isfinite(self.logp(found)).all() and np.isfinite(self.gradient(found)).all()):
            from modelcompose.samplers import cannot_start

            raise cannot_start(ValueError("the density of the model is not finite at its initial point"))
        return found

    def logp(self, points: Array) -> Array:
        """Return the log density at points, shape (points, size); what is not a number counts as impossible."""
        found = self._batched(self._logp, points)
        return np.where(np.isnan(found), -np.inf, found)

    def gradient(self, points: Array) -> Array:
        """Return the gradient of the log density at points, shape (points, size)."""
        return self._batched(self._gradient, points)

    def expand(self, draws: Array) -> Any:
        """Return draws of the vector, shape (chains, draws, size), as a dataset of the model's variables."""
        from arviz_base import dict_to_dataset
        from pymc.backends.arviz import coords_and_dims_for_inferencedata

        coords, dims = coords_and_dims_for_inferencedata(self.model)
        flat = draws.reshape(-1, self.size)
        parts = [self._expand(batch) for batch in self._batches(flat)]
        values = {
            name: np.concatenate([part[at] for part in parts]).reshape(*draws.shape[:2], *parts[0][at].shape[1:])
            for at, name in enumerate(self.var_names)
        }
        return dict_to_dataset(values, coords=coords, dims=dims, inference_library=None)

    # -- graphs ------------------------------------------------------------------------------------------------

    def _batched(self, function: Any, points: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.concatenate([np.asarray(function(batch)) for batch in self._batches(points)])

    def _batches(self, points: Array) -> list[Array]:
        rows = max(1, int(AT_ONCE / max(1, self._rows)))
        return [points[at : at + rows] for at in range(0, len(points), rows)] or [points]

    @cached_property
    def _rows(self) -> int:
        observed = [np.size(self.model.rvs_to_values[one].eval()) for one in self.model.observed_RVs]
        return self.size + sum(observed)

    @cached_property
    def _logp(self) -> Any:
        return self._compiled([self.model.logp()])

    @cached_property
    def _gradient(self) -> Any:
        from pytensor.gradient import grad

        vector, logp = self.on_vector([self.model.logp()])
        return _function(vector, [grad(logp[0], vector)])

    @cached_property
    def _expand(self) -> Any:
        wanted = self.model.replace_rvs_by_values([self.model[name] for name in self.var_names])
        return self._compiled(wanted, several=True)

    def _compiled(self, graphs: list[Any], *, several: bool = False) -> Any:
        vector, outputs = self.on_vector(graphs)
        return _function(vector, outputs, several=several)

    def on_vector(self, graphs: list[Any]) -> tuple[Any, list[Any]]:
        """Put slices of one vector in the place of the model's free values."""
        import pytensor.tensor as pt
        from pytensor.graph.replace import graph_replace
        from pytensor.tensor.shape import specify_shape

        vector = pt.vector("free", shape=(self.size,), dtype="float64")
        values = {one.name: one for one in self.model.value_vars}
        replace, begin = {}, 0
        for name, value in self._point.items():
            end = begin + np.size(value)
            part = vector[begin:end].reshape(np.shape(value)).astype(values[name].dtype)
            replace[values[name]], begin = specify_shape(part, values[name].type.shape), end
        return vector, graph_replace(graphs, replace, strict=False)


def require_continuous(model: Any) -> None:
    """Refuse a PyMC model that has parameters without a gradient.

    Raises
    ------
    InvalidInput
        When some of them are whole numbers.
    """
    if model.discrete_value_vars:
        names = ", ".join(one.name for one in model.discrete_value_vars)
        raise InvalidInput(
            f"this sampler needs parameters that vary continuously; {names} cannot",
            where="sampler",
            remedy='Sum the variable out of the model, or choose sampler = "pymc".',
        )


def _function(vector: Any, outputs: list[Any], *, several: bool = False) -> Any:
    """Compile graphs of a vector for batches of vectors, without machine code."""
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.graph.replace import vectorize_graph

    batch = pt.matrix("batch", shape=(None, vector.type.shape[0]), dtype="float64")
    made: list[Any] = vectorize_graph(outputs, {vector: batch})
    # What does not depend on the vector is the same for all of the batch.
    made = [
        one if one.ndim > graph.ndim else pt.broadcast_to(one, (batch.shape[0], *one.shape))
        for one, graph in zip(made, outputs, strict=True)
    ]
    return function([batch], made if several else made[0], mode="FAST_COMPILE", on_unused_input="ignore")
