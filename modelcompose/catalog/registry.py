"""The entries of the catalogue, ours and those that other packages register."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from modelcompose.catalog.entry import ModelEntry
from modelcompose.catalog.own import OwnModel, is_own
from modelcompose.errors import NotFound

__all__ = ["entries", "get"]

FAMILIES = (
    *("values", "groups", "regression", "hierarchical", "shares", "binary", "counts", "zeros", "ordinal"),
    *("survival", "curves", "spreads", "sparse", "dose", "latent", "series", "changes", "designs", "studies"),
)
"""The files of the catalogue, each with its ``ENTRIES``; of models with equal points the first stays first."""


@cache
def entries() -> tuple[ModelEntry, ...]:
    """Return every entry, ours first, then those of the entry point ``modelcompose.models``."""
    ours = [kind for family in FAMILIES for kind in import_module(f"modelcompose.catalog.{family}").ENTRIES]
    theirs = [point.load() for point in entry_points(group="modelcompose.models")]
    return tuple(kind() for kind in (*ours, *theirs))


def get(name: str) -> ModelEntry:
    """Look a model up by its id, which is a path for a model of one's own.

    Raises
    ------
    NotFound
        When there is no such model.
    """
    if is_own(name):
        return OwnModel.read(name)
    for entry in entries():
        if entry.id == name:
            return entry
    raise NotFound(
        f"there is no model {name!r}",
        where="model",
        remedy=f"Models are: {', '.join(entry.id for entry in entries())}.",
    )
