"""How an effect grows with the dose."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
