"""Models that differ only in numbers, such as the widths of their priors: put into one, so that it is compiled once.

Compiling a small model takes many times as long as drawing from it. The numbers in which models differ become data
containers of the first; a sampler then only fills them anew for each of the others.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelcompose.catalog.predictions import pymc_model

__all__ = ["in_one"]

Array = np.ndarray[Any, np.dtype[Any]]


def in_one(models: Sequence[Any]) -> Any | None:
    """Put models that differ only in numbers into the first of them.

    Parameters
    ----------
    models
        Bambi or PyMC models, freshly built; the first is used up.

    Returns
    -------
    The first model, with a data container for each number that differs; its ``fillings`` hold what the containers are
    to be filled with for each of the models, in order: nothing, where all are the same. None when the models differ in
    more than numbers, or cannot be taken apart; they have to be compiled one by one then.
    """
    if len(models) < 2 or any(getattr(one, "fillings", None) for one in models):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graphs = [_graph(one) for one in models]
        except NotImplementedError:  # a model with starting values of its own
            return None
    slots = _slots(graphs)
    if slots is None:
        return None
    return _opened(models[0], graphs[0], slots, len(models))


def _graph(model: Any) -> Any:
    from pymc.model.fgraph import fgraph_from_model

    graph, _ = fgraph_from_model(pymc_model(model))
    return graph


Slot = tuple[Any, int]
"""A node of a graph, and which of its inputs is meant."""


def _slots(graphs: Sequence[Any]) -> dict[Slot, list[Array]] | None:
    """Find the constants that differ, with the values of all graphs; None when anything else does."""
    orders = [graph.toposort() for graph in graphs]
    if len({len(order) for order in orders}) > 1:
        return None
    twins: list[dict[Any, Any]] = [{} for _ in graphs]
    found = {}
    for nodes in zip(*orders, strict=True):
        if not all(_same_work(nodes[0], other) for other in nodes[1:]):
            return None
        for at, inputs in enumerate(zip(*(node.inputs for node in nodes), strict=True)):
            values = _values(inputs, twins)
            if values is None:
                return None
            if any(not np.array_equal(values[0], other) for other in values[1:]):
                found[nodes[0], at] = values
        for outputs in zip(*(node.outputs for node in nodes), strict=True):
            for twin, output in zip(twins, outputs, strict=True):
                twin[outputs[0]] = output
    return found


def _values(inputs: Sequence[Any], twins: Sequence[dict[Any, Any]]) -> list[Array] | None:
    """Return the values of inputs that are constants, an empty list for other inputs that correspond, or None."""
    from pytensor.graph.basic import Constant

    first = inputs[0]
    if any(one.type != first.type for one in inputs):
        return None
    if isinstance(first, Constant):
        if not all(isinstance(one, Constant) for one in inputs):
            return None
        return [np.asarray(one.data) for one in inputs] if hasattr(first.type, "dtype") else []
    for twin, one in zip(twins, inputs, strict=True):
        if twin.setdefault(first, one) is not one:
            return None
    return []


def _same_work(node: Any, other: Any) -> bool:
    """Tell whether two nodes do the same to their inputs."""
    from pymc.model.fgraph import ModelVar
    from pytensor.compile.builders import OpFromGraph
    from pytensor.graph.basic import equal_computations

    ours, theirs = node.op, other.op
    if type(ours) is not type(theirs) or len(node.inputs) != len(other.inputs):
        return False
    if isinstance(ours, ModelVar):
        transforms = {type(getattr(one, "transform", None)) for one in (ours, theirs)}
        return ours.name == theirs.name and ours.dims == theirs.dims and len(transforms) == 1
    if isinstance(ours, OpFromGraph):
        return equal_computations(
            list(ours.inner_outputs), list(theirs.inner_outputs), list(ours.inner_inputs), list(theirs.inner_inputs)
        )
    return bool(ours == theirs)


def _opened(model: Any, graph: Any, slots: dict[Slot, list[Array]], count: int) -> Any:
    """Put data containers into the slots of a model's graph, and make a model of it again."""
    from pymc.model.fgraph import model_from_fgraph, model_named
    from pytensor.compile.sharedvalue import shared

    names = [f"number {at + 1}" for at in range(len(slots))]
    for name, ((node, at), values) in zip(names, slots.items(), strict=True):
        container = shared(values[0].copy(), name=name, shape=values[0].shape)
        graph.change_node_input(node, at, model_named(container, name), import_missing=True)
    opened = model_from_fgraph(graph, mutate_fgraph=True)
    if hasattr(model, "backend"):
        model.backend.model = opened
    else:
        model = opened
    model.fillings = [
        {name: values[at] for name, values in zip(names, slots.values(), strict=True)} for at in range(count)
    ]
    return model
