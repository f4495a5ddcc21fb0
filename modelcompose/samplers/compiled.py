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
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
import platform
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from math import isfinite, prod
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from modelcompose.errors import InvalidInput
from modelcompose.samplers.flat import require_continuous

__all__ = ["FOLDER", "Compiled", "compiled", "folder"]

Array = np.ndarray[Any, np.dtype[Any]]

FOLDER = "MODELCOMPOSE_CACHE_DIR"
MOST_BYTES = 400_000_000  # of machine code on disk; a small model takes some hundred kilobytes
MAKERS = ("bambi", "llvmlite", "numba", "numpy", "nutpie", "pymc", "pymc-extras", "pytensor", "scipy")
TRUSTED = {"bambi", "builtins", "numpy", "pymc", "pymc_extras", "pytensor"}  # their code changes with their version
LOOKED_FOR = {0.5, -0.5, *range(-4, 5)}
RELATIVE = 1e-6  # by which two ways to work out a density may differ
ALIKE = 1e-4  # by which two ways to work out a variable may: what is not exact there is still no other variable
UNCONSTRAINED = "unconstrained_parameter"  # nutpie's name for the dimension of what it moves


class Unliftable(Exception):
    """The model holds something whose structure cannot be told from its data."""


@dataclasses.dataclass(frozen=True)
class Number:
    """A size that a graph holds among others, in the form of PyTensor's constants."""

    data: int


@dataclasses.dataclass(frozen=True)
class Slot:
    """Something lifted out of a model: an argument of the compiled functions.

    Parameters
    ----------
    source
        A constant or a shared variable of the model.
    dtype
        Of its values.
    ones
        For each dimension whether its size is always one.
    """

    source: Any
    dtype: str
    ones: tuple[bool, ...]

    @property
    def name(self) -> str:
        """Name of the data container; empty for constants."""
        return (self.source.name or "") if hasattr(self.source, "get_value") else ""

    def now(self) -> Array:
        """Return the value that the model holds now."""
        held = self.source.get_value(borrow=True) if hasattr(self.source, "get_value") else self.source.data
        return np.array(held, dtype=self.dtype, order="C", copy=True)

    def filled(self, values: Any) -> Array:
        """Return other values in the form of this argument.

        Raises
        ------
        InvalidInput
            When they have other dimensions.
        """
        found = np.array(values, dtype=self.dtype, order="C", copy=True)
        same = found.ndim == len(self.ones)
        if not same or any(one and size != 1 for one, size in zip(self.ones, found.shape, strict=True)):
            raise InvalidInput(
                f"{self.name} cannot take values of shape {found.shape}",
                where="fit",
                remedy=f"Keep its {len(self.ones)} dimensions; those of size one keep their size.",
            )
        return found


@dataclasses.dataclass(frozen=True)
class Code:
    """Machine code of a function, and what keeps it in memory."""

    address: int
    library: Any


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
    """

    now: Any
    key: str
    containers: frozenset[str] = frozenset()
    slots: tuple[Slot, ...] = ()

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

    return Compiled(nutpie.compile_pymc_model(model, var_names=names), "")


def _lifted(model: Any, var_names: list[str]) -> Compiled:
    graphs = Graphs.of(model, var_names)
    structure = Structure(graphs)
    key = structure.key
    code = IN_MEMORY.get(key) or _read(key)
    made = _wrapped(model, graphs, structure, code) if code else None
    if code is None or made is None:  # nothing kept, or something that is not what its key says
        code, results = _made(graphs, structure)
        made = _wrapped(model, graphs, structure, code)
        if made is None:
            raise Unliftable("the density is not PyMC's own")
        _write(key, results)
    IN_MEMORY[key] = code
    shared = {slot.name for slot in structure.slots if slot.name}
    return Compiled(made, key, frozenset({one.name for one in model.data_vars} | shared), tuple(structure.slots))


IN_MEMORY: dict[str, tuple[Code, ...]] = {}


@dataclasses.dataclass(frozen=True)
class Graphs:
    """What is compiled of a model, as PyMC writes it down.

    Parameters
    ----------
    values
        What the density is a function of, one for each free variable.
    density
        The log density, not yet rewritten.
    kept
        Further variables to keep, as functions of the values.
    check_bounds
        Whether parameters outside their bounds make the density zero.
    """

    values: list[Any]
    density: Any
    kept: list[Any]
    check_bounds: bool

    @classmethod
    def of(cls, model: Any, var_names: list[str]) -> Graphs:
        """Write down the density and the variables of a PyMC model."""
        values = [model.rvs_to_values[one] for one in model.free_RVs]
        known = {one.name for one in values}
        kept = [one for one in model.unobserved_value_vars if one.name not in known and one.name in var_names]
        if not values:
            raise Unliftable("nothing is free")
        return cls(values, model.logp(), kept, model.check_bounds)

    @property
    def outputs(self) -> list[Any]:
        return [self.density, *self.kept]


class Structure:
    """What a model's graphs say apart from the user's numbers: a text, and the numbers in order."""

    def __init__(self, graphs: Graphs) -> None:
        self.slots: list[Slot] = []
        self.slot_of: dict[Any, int] = {}
        self.sizes_of: dict[Any, list[int | None]] = {}  # by a constant shape: its slots, None for what stays
        self.constants = worked_out(graphs.outputs)
        self._slot_by_data: dict[Any, int] = {}
        self._names: dict[Any, str] = {}
        self._lines = [repr((_makers(), _ways(), graphs.check_bounds))]
        for at, value in enumerate(graphs.values):
            self._names[value] = f"v{at}"
            self._lines.append(f"v{at}: {_dense(value)}")
        for node in nodes(graphs.outputs, self.constants):
            self._read(node)
        self._lines.append(" ".join(self._name(one) for one in graphs.outputs))
        self._lines.extend(f"s{at}: {slot.dtype}{slot.ones}" for at, slot in enumerate(self.slots))

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    @property
    def key(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def _read(self, node: Any) -> None:
        from pytensor.tensor.shape import Reshape

        inputs = [
            self._shape(one) if at == 1 and isinstance(node.op, Reshape) else self._name(one)
            for at, one in enumerate(node.inputs)
        ]
        for output in node.outputs:
            self._names[output] = f"n{len(self._names)}"
        made = " ".join(self._names[one] for one in node.outputs)
        self._lines.append(f"{made} = {_described(node.op)} {' '.join(inputs)}")

    def _name(self, variable: Any) -> str:
        if variable not in self._names:
            self._names[variable] = self._leaf(variable)
        return self._names[variable]

    def _leaf(self, variable: Any) -> str:
        from pytensor.compile.sharedvalue import SharedVariable
        from pytensor.graph.basic import Constant

        if isinstance(variable, SharedVariable):
            dtype, ones = _dense(variable)
            return self._slot(variable, Slot(variable, dtype, ones), id(variable))
        constant = self.constants.get(variable, variable)
        if not isinstance(constant, Constant):
            raise Unliftable(f"{variable} has no value")
        return self._constant(variable, constant)

    def _constant(self, variable: Any, constant: Any) -> str:
        """Name what is constant: lift it, or keep its value."""
        if not _is_liftable(constant):
            return _kept(constant)
        values = np.asarray(constant.data)
        dtype = "float64" if values.dtype == "float32" else str(values.dtype)  # which a number is, its digits decide
        slot = Slot(constant, dtype, tuple(size == 1 for size in values.shape))
        return self._slot(variable, slot, (id(constant.data), constant.type))

    def _slot(self, variable: Any, slot: Slot, identity: Any) -> str:
        if identity not in self._slot_by_data:
            self._slot_by_data[identity] = len(self.slots)
            self.slots.append(slot)
        self.slot_of[variable] = self._slot_by_data[identity]
        return f"s{self.slot_of[variable]}"

    def _shape(self, variable: Any) -> str:
        """Read the shape that something is brought into; the sizes in a constant one are lifted one by one."""
        from pytensor.graph.basic import Constant

        constant = self.constants.get(variable, variable)
        if not isinstance(constant, Constant):
            return self._name(variable)
        sizes = [int(size) for size in np.atleast_1d(constant.data)]
        if variable not in self.sizes_of:
            slots: list[int | None] = []
            for size in sizes:
                slots.append(None if size in LOOKED_FOR else len(self.slots))
                if size not in LOOKED_FOR:
                    self.slots.append(Slot(Number(size), "int64", ()))
            self.sizes_of[variable] = slots
        parts = zip(sizes, self.sizes_of[variable], strict=True)
        return f"({','.join(str(size) if slot is None else f's{slot}' for size, slot in parts)})"


def nodes(outputs: Sequence[Any], given: Mapping[Any, Any] | None = None) -> Iterator[Any]:
    """Yield the nodes of a graph, each after those it needs, in an order that only the graph decides.

    Parameters
    ----------
    outputs
        Where the graph ends.
    given
        Variables whose nodes are not wanted, nor those before them.
    """
    known, done = given or {}, set[Any]()
    waiting = [one.owner for one in reversed(outputs) if one not in known]
    while waiting:
        node = waiting.pop()
        if node is None or node in done:
            continue
        before = [
            one.owner
            for one in reversed(node.inputs)
            if one not in known and one.owner is not None and one.owner not in done
        ]
        if before:
            waiting += [node, *before]
        else:
            done.add(node)
            yield node


def worked_out(outputs: Sequence[Any]) -> dict[Any, Any]:
    """Work out the arrays of a graph that need nothing but constants.

    PyTensor would do it once; left to the compiled function it would be done for every step of the sampler. Numbers are
    left to the function: they take no time, and how exact they are is then PyTensor's choice.

    Returns
    -------
    dict
        Constants by the variables whose values they are.
    """
    from pytensor.graph.basic import Constant
    from pytensor.graph.op import HasInnerGraph
    from pytensor.tensor.basic import Alloc
    from pytensor.tensor.type import DenseTensorType

    found: dict[Any, Any] = {}
    for node in nodes(outputs):
        inputs = [found.get(one, one) for one in node.inputs]
        fixed = bool(inputs) and all(isinstance(one, Constant) for one in inputs)
        plain = len(node.outputs) == 1 and isinstance(node.outputs[0].type, DenseTensorType)
        if not fixed or not plain or isinstance(node.op, HasInnerGraph | Alloc):
            continue
        storage: list[list[Any]] = [[None]]
        with suppress(Exception):  # it has to fail, if at all, where the density is worked out
            node.op.perform(node, [one.data for one in inputs], storage)
            if np.size(storage[0][0]) > 1:
                made = node.outputs[0]
                found[made] = made.type.constant_type(made.type, np.asarray(storage[0][0]))
    return found


def _dense(variable: Any) -> tuple[str, tuple[bool, ...]]:
    """Return the type of values of a plain array and which of its sizes are one."""
    from pytensor.tensor.type import DenseTensorType

    if not isinstance(variable.type, DenseTensorType) or variable.type.numpy_dtype.kind not in "fiub":
        raise Unliftable(f"{variable} is no plain array")
    return variable.type.dtype, tuple(size == 1 for size in variable.type.shape)


def _is_liftable(constant: Any) -> bool:
    from pytensor.scalar.basic import ScalarType
    from pytensor.tensor.type import DenseTensorType

    if not isinstance(constant.type, DenseTensorType | ScalarType):
        return False
    values = np.asarray(constant.data)
    if values.dtype.kind not in "fiub" or not values.size:
        return False
    if values.size > 1:
        return bool(np.isfinite(values).any())
    value = values.item()
    return not isinstance(value, bool) and isfinite(value) and value not in LOOKED_FOR


def _kept(constant: Any) -> str:
    data = constant.data
    if isinstance(data, np.ndarray | np.generic):
        values = np.ascontiguousarray(data)
        digest = repr(values.item()) if values.size == 1 else hashlib.sha256(values.tobytes()).hexdigest()
        return f"<{values.dtype} {np.shape(data)} {type(constant).__name__} {digest}>"
    return f"<{_described(data)}>"


def _described(thing: Any, inside: tuple[int, ...] = ()) -> str:
    """Describe an operation or one of its settings, so that equal texts do equal work.

    Raises
    ------
    Unliftable
        When it is made of code that nothing tells apart from other code.
    """
    if thing is None or thing is Ellipsis or isinstance(thing, bool | int | float | complex | str | bytes | np.dtype):
        return repr(thing)
    if id(thing) in inside:
        return f"^{len(inside) - inside.index(id(thing))}"
    again = partial(_described, inside=(*inside, id(thing)))
    if isinstance(thing, np.ndarray | np.generic):
        return f"array({thing.dtype},{thing.shape},{hashlib.sha256(thing.tobytes()).hexdigest()})"
    if isinstance(thing, list | tuple):
        return f"{type(thing).__name__}[{','.join(map(again, thing))}]"
    if isinstance(thing, set | frozenset):
        return f"{{{','.join(sorted(map(again, thing)))}}}"
    if isinstance(thing, Mapping):
        return f"{{{','.join(f'{again(key)}:{again(value)}' for key, value in thing.items())}}}"
    if isinstance(thing, slice):
        return f"slice{again((thing.start, thing.stop, thing.step))}"
    if isinstance(thing, type | FunctionType | BuiltinFunctionType | np.ufunc):
        return _reference(thing, again)
    if isinstance(thing, partial):
        return f"partial{again((thing.func, thing.args, thing.keywords))}"
    return _object(thing, again)


def _reference(thing: Any, again: Callable[[Any], str]) -> str:
    """Name a class or a function of a package whose version is part of the key."""
    module = getattr(thing, "__module__", None) or "numpy"
    name = getattr(thing, "__qualname__", thing.__name__)
    if module.split(".")[0] not in TRUSTED:
        raise Unliftable(f"{module}.{name} may change without its version")
    held = [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    if not held:
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not thing:
            raise Unliftable(f"{module}.{name} was made at run time")
    return f"{module}.{name}{again(held) if held else ''}"


def _object(thing: Any, again: Callable[[Any], str]) -> str:
    """Describe an operation, a type or a graph of PyTensor by its class and what it holds."""
    from pytensor.compile.builders import SymbolicOp
    from pytensor.graph.basic import Variable
    from pytensor.graph.fg import AbstractFunctionGraph

    if isinstance(thing, AbstractFunctionGraph):
        return _graph(thing, again)
    if isinstance(thing, Variable):
        raise Unliftable("an operation holds a part of a graph")
    held = (thing._props_dict() if getattr(thing, "__props__", None) else None) or _settings(thing)
    if (preference := getattr(thing, "output_types_preference", None)) is not None:
        held = {**held, "output_types_preference": preference}
    if isinstance(thing, SymbolicOp):  # its class makes its graph
        held = {**held, "options": thing._init_kwargs}
    elif hasattr(thing, "fgraph"):
        held = {**held, "fgraph": thing.fgraph}
    return f"{again(type(thing))}{again(held)}"


PASSING = {"name", "ufunc", "nfunc", "nfunc_spec", "nin", "nout", "input_types", "output_types", "on_unused_input"}


def _settings(thing: Any) -> dict[str, Any]:
    """Return what an object holds, less its names and what it has worked out for itself."""
    held = dict(getattr(thing, "__dict__", {}))
    own = tuple(f"_{kind.__name__.lstrip('_')}__" for kind in type(thing).__mro__)  # what a class keeps to itself
    return {
        name: held[name]
        for name in sorted(held)
        if name.startswith(own) or (not name.startswith("_") and name not in PASSING)
    }


def _graph(graph: Any, again: Callable[[Any], str]) -> str:
    """Describe a graph inside an operation, with every number and size in it."""
    from pytensor.graph.basic import Constant

    names = {one: f"i{at}" for at, one in enumerate(graph.inputs)}
    lines = [" ".join(again(one.type) for one in graph.inputs)]

    def named(variable: Any) -> str:
        if variable not in names and isinstance(variable, Constant):
            names[variable] = _kept(variable) + again(variable.type)
        if variable not in names:
            raise Unliftable(f"{variable} comes from outside")
        return names[variable]

    for node in nodes(graph.outputs):
        inputs = " ".join(named(one) for one in node.inputs)
        for output in node.outputs:
            names[output] = f"n{len(names)}"
        types = " ".join(again(one.type) for one in node.outputs)
        lines.append(f"{types} = {again(node.op)} {inputs}")
    return f"graph({';'.join([*lines, *(named(one) for one in graph.outputs)])})"


def _ways() -> tuple[str, bool]:
    """Say how PyTensor is set to compile now."""
    from pytensor.configdefaults import config

    return config.floatX, bool(config.numba__fastmath)


@cache
def _makers() -> str:
    """Say what made the machine code and where it runs: programs, their versions, this module, the processor."""
    from llvmlite import binding

    def known(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return ""

    return repr(
        (
            [(name, known(name)) for name in MAKERS],
            sys.version,
            platform.machine(),
            binding.get_host_cpu_name(),
            binding.get_host_cpu_features().flatten(),
            hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        )
    )


# ---- from a structure to machine code


def _made(graphs: Graphs, structure: Structure) -> tuple[tuple[Code, ...], list[Any]]:
    """Compile the two functions of a structure; beside them what numba can write down of each."""
    import pymc as pm
    from pymc.pytensorf import compile as function

    arguments, density, expanded = open_graphs(graphs, structure)
    options: dict[str, Any] = {"mode": "NUMBA", "on_unused_input": "ignore"}
    with pm.Model(check_bounds=graphs.check_bounds):
        inner = [function(arguments, outputs, **options).vm.jit_fn for outputs in (density, expanded)]
    types = [("int64", (False,)), *((slot.dtype, slot.ones) for slot in structure.slots)]
    results = [_callback(source, one, types) for source, one in zip((DENSITY, EXPANDED), inner, strict=True)]
    return tuple(map(_code, results)), results


def open_graphs(graphs: Graphs, structure: Structure) -> tuple[list[Any], list[Any], list[Any]]:
    """Write down what is compiled, as nutpie would, but with an argument for each slot.

    Returns
    -------
    tuple
        The arguments: the point, shape (length,), the sizes of all values, and the slots; the log density and its
        gradient; and all values and variables to keep, one after the other.
    """
    import pytensor.tensor as pt
    from pytensor.gradient import grad
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.rewriting.utils import rewrite_graph

    template = Template(graphs, structure)
    density, *kept = template.outputs
    rewrites = ["canonicalize", "stabilize", *(() if graphs.check_bounds else ("local_remove_check_parameter",))]
    rewritten: Any = rewrite_graph(density, include=rewrites)
    slopes: Any = grad(rewritten, template.values, disconnected_inputs="ignore")
    slope = pt.concatenate([pt.as_tensor(one).ravel().astype("float64") for one in slopes])
    point = pt.dvector("point")
    replaced = dict(zip(template.values, template.parts(point), strict=True))
    density, slope = clone_replace([rewritten.astype("float64"), slope], replaced)
    parts = [one.ravel().astype("float64") for one in (*template.values, *kept)]
    expanded = clone_replace([pt.concatenate(parts)], replaced)
    return [point, template.sizes, *template.slots], [density, slope], expanded


class Template:
    """The graphs of a structure, with an argument in each slot, and sizes left open."""

    def __init__(self, graphs: Graphs, structure: Structure) -> None:
        import pytensor.tensor as pt

        self.sizes = pt.lvector("sizes")  # of all values, one after the other
        self.slots = [_argument(slot.dtype, slot.ones) for slot in structure.slots]
        self.values = [_argument(*_dense(one)) for one in graphs.values]
        self._structure = structure
        self._made = dict(zip(graphs.values, self.values, strict=True))
        for node in nodes(graphs.outputs, structure.constants):
            self._again(node)
        self.outputs = [self._of(one) for one in graphs.outputs]

    def parts(self, point: Any) -> list[Any]:
        """Cut a point into the values."""
        import pytensor.tensor as pt

        found, start, at = [], pt.constant(0, dtype="int64"), 0
        for value in self.values:
            ones = value.type.broadcastable
            sizes = [1 if one else self.sizes[at + axis] for axis, one in enumerate(ones)]
            length = pt.prod(pt.stack(sizes)) if sizes else 1
            part = point[start : start + length]
            found.append((part.reshape(pt.stack(sizes), ndim=len(sizes)) if sizes else part[0]).astype(value.dtype))
            start, at = start + length, at + len(ones)
        return [
            value.type.filter_variable(part, allow_convert=True) for value, part in zip(self.values, found, strict=True)
        ]

    def _again(self, node: Any) -> None:
        import pytensor.tensor as pt
        from pytensor.compile.builders import SymbolicOp
        from pytensor.tensor.shape import Reshape

        inputs = [self._of(one) for one in node.inputs]
        if isinstance(node.op, Reshape) and (slots := self._structure.sizes_of.get(node.inputs[1])) is not None:
            sizes = np.atleast_1d(self._structure.constants.get(node.inputs[1], node.inputs[1]).data)
            parts = [int(size) if slot is None else self.slots[slot] for size, slot in zip(sizes, slots, strict=True)]
            inputs[1] = pt.stack(parts).astype("int64") if parts else node.inputs[1]
        if isinstance(node.op, SymbolicOp):  # made for inputs of these very sizes
            made = node.op(*inputs, return_list=True)[0].owner
        else:
            made = node.op.make_node(*inputs)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            if _kind(old) != _kind(new):
                raise Unliftable(f"{node.op} gives something else for open sizes")
            self._made[old] = new

    def _of(self, variable: Any) -> Any:
        from pytensor.scalar.basic import ScalarType
        from pytensor.tensor.basic import scalar_from_tensor

        if variable in self._made:
            return self._made[variable]
        slot = self._structure.slot_of.get(variable)
        if slot is None:
            return self._structure.constants.get(variable, variable)
        argument = self.slots[slot]
        return scalar_from_tensor(argument) if isinstance(variable.type, ScalarType) else argument


def _kind(variable: Any) -> tuple[str, int]:
    """Return what a variable is apart from its sizes and how exact it is."""
    dtype = getattr(variable.type, "dtype", "")
    return "float" if dtype in ("float32", "float64") else dtype, getattr(variable.type, "ndim", 0)


def _argument(dtype: str, ones: Sequence[bool]) -> Any:
    import pytensor.tensor as pt

    return pt.tensor(dtype=dtype, shape=tuple(1 if one else None for one in ones))


DENSITY = """
def density(length, point_, slope_, value_, table_):
    try:
        point = carray(point_, (length,))
        slope = carray(slope_, (length,))
        value = carray(value_, ())
        table = carray(table_, ({words},))
        found, slopes = inner(point, {arguments})
        value[()] = found.item()
        slope[...] = slopes
        if not np.all(np.isfinite(slope)):
            return 3
        if not np.isfinite(value[()]):
            return 4
    except Exception:
        return 1
    return 0
"""

EXPANDED = """
def expanded(length, longer, point_, out_, table_):
    try:
        point = carray(point_, (length,))
        out = carray(out_, (longer,))
        table = carray(table_, ({words},))
        (found,) = inner(point, {arguments})
        out[...] = found
    except Exception:
        return -2
    return 0
"""
"""What nutpie calls, in its own convention: what is not zero refuses the point. Read into numba, never run as it is."""


def _callback(source: str, inner: Any, types: Sequence[tuple[str, tuple[bool, ...]]]) -> Any:
    """Compile what nutpie calls around a function of PyTensor's, and return what numba made of it."""
    import numba
    from numba.core.ccallback import CFunc
    from numba.np.numpy_support import carray

    number, numbers, table = numba.int64, numba.types.CPointer(numba.float64), numba.types.CPointer(numba.int64)
    arguments, word = [], 0
    names: dict[str, Any] = {
        "__name__": __name__,
        "inner": inner,
        "carray": carray,
        "np": np,
        "pointer": _pointer(),
    }
    for dtype, ones in types:
        names[dtype] = np.dtype(dtype)
        shape = "".join(f"table[{word + 1 + axis}], " for axis in range(len(ones)))
        arguments.append(f"carray(pointer(table[{word}]), ({shape}), {dtype})")
        word += 1 + len(ones)
    exec(source.format(words=word, arguments=", ".join(arguments)), names)  # noqa: S102
    if source is DENSITY:
        function, signature = names["density"], number(number, numbers, numbers, numbers, table)
    else:
        function, signature = names["expanded"], number(number, number, numbers, numbers, table)
    callback: Any = CFunc(function, (signature.args, signature.return_type), locals={}, options={})
    callback._cache = keeper = Keeper()
    callback.compile()
    return keeper.result


def _code(result: Any) -> Code:
    return Code(result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name), result)


class Keeper:
    """Stands where numba looks for compiled functions, and takes what it has just compiled."""

    result: Any = None

    def load_overload(self, signature: Any, context: Any) -> None:
        """Know nothing yet."""

    def save_overload(self, signature: Any, result: Any) -> None:
        """Take what was compiled."""
        self.result = result


@cache
def _pointer() -> Any:
    """Return what makes an address a pointer, for use in compiled code."""
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def pointer(typing: Any, address: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.inttoptr(given[0], cgutils.voidptr_t)

        return types.voidptr(address), generated

    return intrinsic(pointer)


# ---- from machine code to what nutpie takes


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


# ---- on disk


def folder() -> Path:
    """Return where compiled models are kept: a folder of the user's, or what ``MODELCOMPOSE_CACHE_DIR`` says.

    One that others may write to is not used.
    """
    if asked := os.environ.get(FOLDER):
        return Path(asked) / "compiled"
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = str(Path.home() / "Library" / "Caches")
    else:
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "modelcompose" / "compiled"


def _read(key: str) -> tuple[Code, ...] | None:
    """Load the machine code kept under a key; None when there is none, or it was damaged."""
    from numba.core.compiler import CompileResult
    from numba.core.registry import cpu_target

    place = folder() / key
    try:
        if not _is_ours(place.parent):
            return None
        with place.open("rb") as file:
            written = file.read() if _is_ours(file.fileno()) else b""
        if _seal(key, written[32:]) != written[:32]:
            return None
        context = cpu_target.target_context
        context.refresh()
        results = [CompileResult._rebuild(context, *parts) for parts in pickle.loads(written[32:])]  # noqa: S301
        os.utime(place)
    except Exception:  # whatever was written by another version, or broke off: it is compiled again
        return None
    return tuple(map(_code, results))


def _write(key: str, results: Sequence[Any]) -> None:
    """Keep machine code under a key, if it holds no address of this process; a full disk is no error."""
    if any(one.library.has_dynamic_globals or one.lifted for one in results):
        return
    from numba.core.serialize import dumps

    with suppress(OSError, pickle.PicklingError):
        payload = dumps([one._reduce() for one in results])
        place = folder()
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(place):
            return
        handle, part = tempfile.mkstemp(dir=place, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_seal(key, payload) + payload)
            Path(part).replace(place / key)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
        _forget_the_oldest(place)


def _seal(key: str, payload: bytes) -> bytes:
    """Return what tells code that is whole, and stands under its own key, from other code."""
    return hashlib.sha256(key.encode() + payload).digest()


def _is_ours(place: Path | int) -> bool:
    """Tell whether nobody but this user and the administrator can write there: what is loaded is executed."""
    if not hasattr(os, "geteuid"):
        return True  # Windows: folders of a user's are the user's own
    state = os.fstat(place) if isinstance(place, int) else place.stat()
    return state.st_uid in {0, os.geteuid()} and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_the_oldest(place: Path) -> None:
    """Delete what was used longest ago until the folder is small enough."""
    kept = sorted(((one.stat(), one) for one in place.iterdir()), key=lambda found: -found[0].st_mtime)
    room = MOST_BYTES
    for state, one in kept:
        room -= state.st_size
        if room < 0:
            one.unlink(missing_ok=True)
