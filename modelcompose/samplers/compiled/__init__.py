"""A model compiled once for all data of its kind, in this process and the next.

Most of the time between a small model and its first draw goes into turning its log density into machine code. That
code is the same for any data and for most priors, if they come to it as arguments; PyTensor and nutpie build them in.
Here they are lifted out. What is left of the density and of the variables to keep is a text without the user's numbers:
the structure. Its digest is the key under which machine code is kept, in memory and in a folder of the user's, so that
another table, another prior or another run of the same structure compiles nothing.

What is lifted: arrays, data containers, lengths of dimensions, and numbers that no rewrite of PyTensor looks for.
Small whole numbers and a half stay, since stable forms such as ``log1p`` are found by them; what is not finite stays,
since it tells that a bound is missing. Sizes of one stay as well: they say what is broadcast.

The code is made of nothing but what the text says, so equal texts mean equal code. Nevertheless the density of each
model and its variables at its starting point are worked out a second time, by PyTensor without compilation, before
anything is drawn. A model that cannot be taken apart, or for which they differ, is compiled by nutpie in the ordinary
way.

``structure`` reads the text off a model, ``machine`` compiles what it says, ``shelf`` keeps that on disk, and this
module puts a model's numbers into it.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import isfinite, prod
from typing import Any

import numpy as np

from modelcompose.errors import InvalidInput
from modelcompose.samplers.compiled.machine import Code, build
from modelcompose.samplers.compiled.shelf import FOLDER, folder, read, write
from modelcompose.samplers.compiled.structure import Graphs, Slot, Structure, Unliftable
from modelcompose.samplers.flat import require_continuous

__all__ = ["FOLDER", "Compiled", "compiled", "folder"]

Array = np.ndarray[Any, np.dtype[Any]]

RELATIVE = 1e-6  # by which two ways to work out a density may differ
ALIKE = 1e-4  # by which two ways to work out a variable may: what is not exact there is still no other variable
UNCONSTRAINED = "unconstrained_parameter"  # nutpie's name for the dimension of what it moves


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A model compiled, for whatever its data containers come to hold.

    Parameters
    ----------
    now
        The model as nutpie takes it, with the data that its containers held when this was made.
    key
        Of its structure; empty when it had to be compiled in the ordinary way.
    containers
        Names of all data containers of the model.
    slots
        What was lifted out of it.
    shared
        Its data containers.
    """

    now: Any
    key: str
    containers: frozenset[str] = frozenset()
    slots: tuple[Slot, ...] = ()
    shared: tuple[Any, ...] = ()

    def again(self) -> Any:
        """Return what nutpie takes, with whatever the model holds now: data, and with them lengths of dimensions."""
        if not self.key:
            data = {one.name: one.get_value() for one in self.shared}
            return self.now.with_data(**data) if data else self.now
        sizes = self.now.shared_data["arguments"][0]
        return dataclasses.replace(self.now, **_arguments([sizes, *(slot.now() for slot in self.slots)]))

    def with_data(self, **updates: Any) -> Any:
        """Return what nutpie takes, with other values for data containers.

        Parameters
        ----------
        updates
            Values by the names of the containers.

        Raises
        ------
        InvalidInput
            When there is no such container, or the values do not fit into it.
        """
        if not self.key:
            return self.now.with_data(**updates)
        if unknown := sorted(updates.keys() - self.containers):
            raise InvalidInput(
                f"the model has no data container {unknown[0]!r}",
                where="fit",
                remedy=f"It has {', '.join(sorted(self.containers)) or 'none'}.",
            )
        before = self.now.shared_data["arguments"]
        data = [
            slot.filled(updates[slot.name]) if slot.name in updates else value
            for slot, value in zip(self.slots, before[1:], strict=True)
        ]
        return dataclasses.replace(self.now, **_arguments([before[0], *data]))


def compiled(model: Any, var_names: Iterable[str]) -> Compiled:
    """Compile the log density of a PyMC model and the variables to keep, or take them from where they are kept.

    Parameters
    ----------
    model
        A PyMC model.
    var_names
        Names of the variables to keep.

    Returns
    -------
    Compiled
        With a ``key`` that is the same for all models of one structure.

    Raises
    ------
    InvalidInput
        When the model has parameters that are whole numbers, which have no gradient.
    """
    from numba.core.errors import NumbaError

    require_continuous(model)
    names = list(var_names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _lifted(model, names)
        except (Unliftable, NumbaError):  # the latter where only constants can be compiled
            pass
    import nutpie

    return Compiled(nutpie.compile_pymc_model(model, var_names=names), "", shared=tuple(model.data_vars))


def _lifted(model: Any, var_names: list[str]) -> Compiled:
    graphs = Graphs.of(model, var_names)
    structure = Structure(graphs)
    key = structure.key
    code = IN_MEMORY.get(key) or read(key)
    made = _wrapped(model, graphs, structure, code) if code else None
    if code is None or made is None:  # nothing kept, or something that is not what its key says
        code, results = build(graphs, structure)
        made = _wrapped(model, graphs, structure, code)
        if made is None:
            raise Unliftable("the density is not PyMC's own")
        write(key, results)
    IN_MEMORY[key] = code
    shared = {slot.name for slot in structure.slots if slot.name}
    return Compiled(made, key, frozenset({one.name for one in model.data_vars} | shared), tuple(structure.slots))


IN_MEMORY: dict[str, tuple[Code, ...]] = {}


def _wrapped(model: Any, graphs: Graphs, structure: Structure, code: Sequence[Code]) -> Any:
    """Return what nutpie takes; None when the code does not give the model's own figures at its starting point."""
    from nutpie.compile_pymc import CompiledPyMCModel, _rv_dict_to_flat_array_wrapper, _wrap_with_lock
    from pymc.initial_point import make_initial_point_fn

    start = make_initial_point_fn(model=model, jitter_rvs=set(model.free_RVs), return_transformed=True)
    point = start(0)
    density, found = _plainly(graphs, point)
    shapes = [np.shape(one) for one in found]
    names = [one.name for one in (*graphs.values, *graphs.kept)]
    ends = np.cumsum([prod(shape) for shape in shapes]).tolist()
    slices = [slice(stop - prod(shape), stop) for stop, shape in zip(ends, shapes, strict=True)]
    free = len(graphs.values)
    length = ends[free - 1]
    if not length:
        raise Unliftable("nothing is free")
    sizes = np.array([size for shape in shapes[:free] for size in shape], dtype=np.int64)
    moved = [model.rvs_to_values[one].name for one in model.free_RVs if model.rvs_to_transforms.get(one) is not None]
    made = CompiledPyMCModel(
        dims=_dims(model, dict(zip(names, shapes, strict=True)), moved),
        _coords=_coords(model, names[:free], shapes),
        _n_dim=length,
        _shapes=dict(zip(names, shapes, strict=True)),
        compiled_logp_func=code[0],
        compiled_expand_func=code[1],
        initial_point_func=_wrap_with_lock(_rv_dict_to_flat_array_wrapper(start, names[:free], shapes[:free])),
        shared_var_keys={},
        n_expanded=ends[-1],
        shape_info=(names, slices, shapes),
        logp_func=None,
        expand_func=None,
        reparameterized_names=moved,
        **_arguments([sizes, *(slot.now() for slot in structure.slots)]),
    )
    flat = np.concatenate([np.ravel(point[name]).astype(float) for name in names[:free]])
    same = _agrees(density, called(made, flat)) and all(
        np.allclose(np.ravel(due), part, rtol=ALIKE, atol=ALIKE, equal_nan=True)
        for due, part in zip(found, np.split(expanded(made, flat), ends[:-1]), strict=True)
    )
    return made if same else None


def _arguments(data: list[Array]) -> dict[str, Any]:
    """Return the arguments of the compiled functions, and the table that tells where they are and of which sizes."""
    for one in data:
        one.flags.writeable = False
    table = np.array([word for one in data for word in (one.ctypes.data, *one.shape)], dtype=np.int64)
    return {"shared_data": {"arguments": data}, "user_data": table}


def called(made: Any, point: Array) -> tuple[float, Array, int]:
    """Call the compiled density at a point of what nutpie takes.

    Returns
    -------
    tuple
        The log density, its gradient, shape (length,), and 0 or why the point was refused.
    """
    import ctypes

    kinds = (ctypes.c_int64, *(ctypes.c_void_p,) * 4)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(made.compiled_logp_func.address)
    point, slope, value = np.ascontiguousarray(point, dtype=float), np.zeros(made.n_dim), np.zeros(())
    table = made.user_data.ctypes.data
    refused = function(made.n_dim, point.ctypes.data, slope.ctypes.data, value.ctypes.data, table)
    return float(value), slope, refused


def expanded(made: Any, point: Array) -> Array:
    """Call the compiled function for all variables at a point of what nutpie takes; NaN where it refuses the point."""
    import ctypes

    kinds = (ctypes.c_int64, ctypes.c_int64, *(ctypes.c_void_p,) * 3)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(made.compiled_expand_func.address)
    point, found = np.ascontiguousarray(point, dtype=float), np.zeros(made.n_expanded)
    table = made.user_data.ctypes.data
    refused = function(made.n_dim, made.n_expanded, point.ctypes.data, found.ctypes.data, table)
    return np.full(made.n_expanded, np.nan) if refused else found


def _plainly(graphs: Graphs, point: Mapping[str, Array]) -> tuple[float, list[Array]]:
    """Work out the density and all variables at a point, without compiling."""
    from pytensor.compile.maker import function

    plain = function(graphs.values, graphs.outputs, mode="FAST_COMPILE", on_unused_input="ignore")
    values = [np.asarray(point[one.name], dtype=one.dtype) for one in graphs.values]
    density, *kept = plain(*values)
    return float(density), [*values, *map(np.asarray, kept)]


def _agrees(density: float, found: tuple[float, Array, int]) -> bool:
    value, _, refused = found
    if not isfinite(density):
        return True  # outside the support, or beyond what the form before rewriting can tell
    return refused in (0, 3) and abs(value - density) <= RELATIVE * max(1.0, abs(density))


def _coords(model: Any, values: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    """Return the labels of each dimension, and one for each number that nutpie moves."""
    import pandas as pd

    coords = {}
    for name, labels in model.coords.items():
        length = model.dim_lengths[name]
        coords[name] = pd.Index(range(int(length.eval())) if labels is None else labels)
    if UNCONSTRAINED in coords:
        raise Unliftable(f"the model has a dimension {UNCONSTRAINED}")
    moved = [
        "_".join(filter(None, (name, ".".join(map(str, at)))))
        for name, shape in zip(values, shapes, strict=False)
        for at in product(*map(range, shape))
    ]
    return {**coords, UNCONSTRAINED: pd.Index(moved)}


def _dims(model: Any, shapes: Mapping[str, tuple[int, ...]], moved: Sequence[str]) -> dict[str, Any]:
    """Return the dimensions of each variable, and of each value that is of its variable's shape."""
    dims = dict(model.named_vars_to_dims)
    for value, variable in model.values_to_rvs.items():
        if value.name in moved and variable.name in dims and shapes.get(variable.name) == shapes[value.name]:
            dims[value.name] = dims[variable.name]
    return dims
