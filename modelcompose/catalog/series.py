"""One series in the order of time: trend and season, levels that drift, neighbours that are alike."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
