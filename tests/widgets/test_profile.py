"""The widget of a profile shows what `mc.profile` says."""

from __future__ import annotations

import json

import pytest

from modelcompose import load, profile
from modelcompose.errors import NotFound
from modelcompose.widgets import ProfileView
from modelcompose.widgets import profile as module
from modelcompose.widgets.front_end import front_end


def test_it_holds_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "front_end", lambda name: "export default {}")
    table = load("sample:penguins")
    view = ProfileView(table)
    assert view.content == profile(table).content
    json.dumps(view.content, allow_nan=False)


def test_a_front_end_that_was_not_built(tmp_path) -> None:
    with pytest.raises(NotFound, match="the widget 'profile' has not been built"):
        front_end("profile", tmp_path)


def test_the_page_in_a_notebook_needs_no_script_and_no_network(tmp_path) -> None:
    name = "<script>alert(1)</script>"
    (tmp_path / "t.csv").write_text(f"{name},y\n<b>a</b>,1\nb,-9\nb,-9\nc,5\nc,7\n")
    page = profile(load("t.csv", root=tmp_path))._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "-9 may mean missing" in page
    assert "http" not in page
