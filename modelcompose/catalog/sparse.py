"""Many columns of which few matter."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
