"""From a structure to machine code: the graphs of a model with an argument for every number, compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from modelcompose.samplers.compiled.structure import Graphs, Structure, Unliftable, nodes, plain_type

__all__ = ["Code", "build", "code_of", "open_graphs"]


@dataclass(frozen=True)
class Code:
    """Machine code of a function, and what keeps it in memory."""

    address: int
    library: Any


def build(graphs: Graphs, structure: Structure) -> tuple[tuple[Code, ...], list[Any]]:
    """Compile the two functions of a structure; beside them what numba can write down of each."""
    import pymc as pm
    from pymc.pytensorf import compile as function

    arguments, density, expanded = open_graphs(graphs, structure)
    options: dict[str, Any] = {"mode": "NUMBA", "on_unused_input": "ignore"}
    with pm.Model(check_bounds=graphs.check_bounds):
        inner = [function(arguments, outputs, **options).vm.jit_fn for outputs in (density, expanded)]
    types = [("int64", (False,)), *((slot.dtype, slot.ones) for slot in structure.slots)]
    results = [_callback(source, one, types) for source, one in zip((DENSITY, EXPANDED), inner, strict=True)]
    return tuple(map(code_of, results)), results


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
        self.values = [_argument(*plain_type(one)) for one in graphs.values]
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


def code_of(result: Any) -> Code:
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
