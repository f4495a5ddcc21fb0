"""Ratings and other ordered levels, and choices among options without an order."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
