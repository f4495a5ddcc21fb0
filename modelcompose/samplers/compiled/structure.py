"""What a model's graphs say apart from the user's numbers: a text, and the numbers in order.

Equal texts mean equal code, so everything that decides what is computed has to be in the text, and nothing that does
not: see ``Structure``. What cannot be told is refused with ``Unliftable``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from modelcompose.errors import InvalidInput

__all__ = ["Graphs", "Slot", "Structure", "Unliftable", "nodes", "plain_type"]

Array = np.ndarray[Any, np.dtype[Any]]

MAKERS = ("bambi", "llvmlite", "numba", "numpy", "nutpie", "pymc", "pymc-extras", "pytensor", "scipy")
TRUSTED = {"bambi", "builtins", "numpy", "pymc", "pymc_extras", "pytensor"}  # their code changes with their version
LOOKED_FOR = {0.5, -0.5, *range(-4, 5)}


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
            self._lines.append(f"v{at}: {plain_type(value)}")
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
            dtype, ones = plain_type(variable)
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


def plain_type(variable: Any) -> tuple[str, tuple[bool, ...]]:
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
    """Say what made the machine code and where it runs: programs, their versions, this package, the processor."""
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
            [hashlib.sha256(one.read_bytes()).hexdigest() for one in sorted(Path(__file__).parent.glob("*.py"))],
        )
    )
