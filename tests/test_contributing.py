"""What CONTRIBUTING.md tells newcomers to copy, edit or run is there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PLACES = [ROOT, ROOT / "modelcompose", ROOT / "extension" / "src", ROOT / "extension" / "src" / "components"]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w.*/-]+(?:\.(?:py|ipynb|md|tsx|toml)|/))`", GUIDE)))


@pytest.mark.parametrize("name", [name for name in NAMED if "NAME" not in name])
def test_a_file_that_is_named_exists(name: str) -> None:
    assert any(any(place.glob(name.rstrip("/"))) for place in PLACES)


def test_files_are_named_at_all() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize("script", [".ci/run", ".ci/nightly"])
def test_scripts_that_are_named_can_be_executed(script: str) -> None:
    assert f"`{script}`" in GUIDE
    assert os.access(ROOT / script, os.X_OK)


def test_every_folder_of_the_package_is_explained() -> None:
    folders = {path.parent.name for path in (ROOT / "modelcompose").glob("*/__init__.py")}
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in GUIDE] == []


def test_hooks_use_only_what_is_installed() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}
