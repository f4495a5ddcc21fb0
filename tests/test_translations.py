"""Texts of the interface in other languages, as JupyterLab looks for them."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import modelcompose

GERMAN = Path(modelcompose.__file__).parent / "locale" / "de_DE" / "LC_MESSAGES" / "modelcompose.json"


def test_jupyterlab_finds_the_german_texts() -> None:
    from jupyterlab_server.translation_utils import get_installed_packages_locale

    assert {entry.value for entry in entry_points(group="jupyterlab.locale", name="modelcompose")} == {"modelcompose"}
    found, message = get_installed_packages_locale("de_DE")
    assert not message
    assert found["modelcompose"] == json.loads(GERMAN.read_text("utf-8"))
    assert found["modelcompose"][""]["language"] == "de_DE"
