"""The catalogue in tests that are the same for every entry: by day one entry of each family, at night all of them."""

from __future__ import annotations

from typing import Any

import pytest

from modelcompose import catalog


def first_of_each_family() -> list[Any]:
    """Name every entry, all but the first of each module of the catalogue marked slow."""
    seen: set[str] = set()
    names: list[Any] = []
    for entry in catalog.entries():
        family = type(entry).__module__
        names.append(pytest.param(entry.id, marks=pytest.mark.slow) if family in seen else entry.id)
        seen.add(family)
    return names
