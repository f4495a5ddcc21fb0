"""Shares: counts out of a number of attempts, proportions, and experiments with variants."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
