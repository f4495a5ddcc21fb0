"""A real Chromium, for the tests that look at what users see."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def need(found: bool, what: str) -> None:
    """Skip where something is not installed, but never in continuous integration."""
    if not found and os.environ.get("CI") == "true":
        pytest.fail(what)
    if not found:
        pytest.skip(what)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    need(importlib.util.find_spec("playwright") is not None, "playwright is missing: pip install playwright")
    need(CHROMIUM.exists(), "chromium is missing: apt-get install chromium, or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield found
        found.close()
