"""A frozen page holds its script and its predictions within itself, and asks nobody for anything."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from modelcompose.errors import NotFound
from modelcompose.publish import frozen, write_page
from modelcompose.verdict import MIME
from modelcompose.workflow.notebook import digest
from tests.publish.conftest import Executed
from tests.publish.test_documents import HOSTILE, RUNS, hostile  # noqa: F401
from tests.publish.test_report import Page

CELL = {"lower": 1.0, "median": 2.0, "upper": 3.0, "density": None}


def scenarios(text: str = "plain"):
    controls = [
        {"name": "x", "label": text, "kind": "number", "min": 0.0, "max": 2.0, "step": 1.0, "unit": ""},
        {"name": "site", "label": "site", "kind": "category", "levels": ["a", text], "unit": ""},
    ]
    cells = [{**CELL, "sentence": f"{text} {at}"} for at in range(6)]
    shared = {"outcome": text, "unit": "", "ci_prob": 0.95, "range": [0, 4]}
    return {
        "controls": controls,
        "start": {"x": 1.0, "site": text},
        "held": {text: 7},
        "shared": shared,
        "cells": cells,
    }


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch) -> Path:
    """A script that holds what would end it."""
    path = tmp_path / "built.js"
    path.write_text('let end = "</script>";')
    monkeypatch.setattr(frozen, "SCRIPT", path)
    return path


def test_only_its_own_script_may_run_and_nothing_be_fetched(executed: Executed, tmp_path: Path):
    text = write_page(executed.notebook(), tmp_path / "pages" / "a.html", scenarios).read_text("utf-8")
    page = Page(text)
    policy = next(found["content"] or "" for tag, found in page.tags if "http-equiv" in found)
    assert policy.startswith("default-src 'none';")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts] == allowed
    assert "unsafe-eval" not in policy
    assert all(found.startswith("data:image/png;base64,") for found in page.attributes("src"))
    assert not re.findall(r"url\(|@import|https?:", text)


def test_the_predictions_are_packed_into_it_and_the_first_one_is_said_without_a_script(executed, tmp_path: Path):
    text = write_page(executed.notebook(), tmp_path / "a.html", scenarios).read_text("utf-8")
    packed = re.search(r'id="mc-frozen">([^<]+)<', text)
    assert packed is not None
    assert json.loads(gzip.decompress(base64.b64decode(packed[1]))) == scenarios()
    assert '<div id="mc-what-if"><p>plain 3</p></div>' in text


def test_nothing_hostile_passes_as_markup(hostile, tmp_path: Path):  # noqa: F811
    ran = {str(count): digest(one["source"]) for count, one in enumerate(hostile["cells"], start=1)}
    for cell in hostile["cells"][1:-2]:  # as if all of it had been run, and had passed
        cell["outputs"][0]["data"][MIME] |= {"ran": ran, "status": "pass"}
    asked = []
    path = tmp_path / "a.html"
    write_page(hostile, path, lambda: asked.append(1) or scenarios(HOSTILE), title=HOSTILE, run=RUNS)
    text = path.read_text("utf-8")
    page = Page(text)
    assert asked == [1]
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 2
    assert not {"iframe", "object", "link", "form"} & {tag for tag, _ in page.tags}
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    assert page.text.count("evil.example") > 20


@pytest.mark.parametrize("step", ["sampling", "answer"])
def test_nothing_is_computed_for_a_computation_that_failed(executed: Executed, tmp_path: Path, step: str):
    executed.statuses[step] = "fail"
    path = write_page(executed.notebook(), tmp_path / "a.html", lambda: pytest.fail("it was asked"))
    page = Page(path.read_text("utf-8"))
    assert "There is nothing to try out" in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_a_front_end_that_was_not_built_is_named_and_nothing_is_left(executed: Executed, tmp_path: Path, script: Path):
    script.unlink()
    with pytest.raises(NotFound, match="jlpm build"):
        write_page(executed.notebook(), tmp_path / "a.html", scenarios)
    assert list(tmp_path.iterdir()) == []
