"""The worked examples are executed and compared by nbval: the short one by day, all of them at night."""

from __future__ import annotations

import pytest

LONG = {"admissions.ipynb", "sleep.ipynb"}  # the full workflow, with every fit that it asks for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name in LONG:
            item.add_marker(pytest.mark.slow)
