"""Designs that compare with what would have been: interrupted series, comparison groups, stand-ins."""

from __future__ import annotations

from modelcompose.catalog.entry import ModelEntry

ENTRIES: tuple[type[ModelEntry], ...] = ()
