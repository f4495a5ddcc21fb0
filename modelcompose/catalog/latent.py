"""What cannot be seen: abilities, true values behind noisy ones, hidden kinds of rows, shared leftovers."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
