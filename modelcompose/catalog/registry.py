"""The entries of the catalogue, ours and those that other packages register."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from modelcompose.catalog.binary import Logistic
from modelcompose.catalog.counts import NegativeBinomial, Poisson
from modelcompose.catalog.entry import ModelEntry
from modelcompose.catalog.groups import ManyGroups, TwoGroups
from modelcompose.catalog.hierarchical import VaryingIntercepts, VaryingSlopes
from modelcompose.catalog.regression import Linear, RobustLinear
from modelcompose.errors import NotFound

__all__ = ["entries", "get"]

OURS: tuple[type[ModelEntry], ...] = (
    TwoGroups,
    ManyGroups,
    Linear,
    RobustLinear,
    Logistic,
    Poisson,
    NegativeBinomial,
    VaryingIntercepts,
    VaryingSlopes,
)


@cache
def entries() -> tuple[ModelEntry, ...]:
    """Return every entry, ours first, then those of the entry point ``modelcompose.models``."""
    theirs = [point.load() for point in entry_points(group="modelcompose.models")]
    return tuple(kind() for kind in (*OURS, *theirs))


def get(name: str) -> ModelEntry:
    """Look a model up by its id.

    Raises
    ------
    NotFound
        When there is no such model.
    """
    for entry in entries():
        if entry.id == name:
            return entry
    raise NotFound(
        f"there is no model {name!r}",
        where="model",
        remedy=f"Models are: {', '.join(entry.id for entry in entries())}.",
    )
