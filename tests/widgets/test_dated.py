"""An app says that it is out of date each time it is opened, and only then."""

import hashlib
from pathlib import Path

import pytest

from modelcompose.publish import Publication, Shelf
from modelcompose.widgets import tell_if_outdated

TABLE = "<b>a.csv"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / TABLE).write_text("a,b\n1,2\n")
    app = tmp_path / "apps" / "one" / "app.ipynb"
    app.parent.mkdir(parents=True)
    app.write_text("{}")
    digest = hashlib.sha256((tmp_path / TABLE).read_bytes()).hexdigest()
    source = {"role": "data", "name": TABLE, "path": TABLE, "sha256": digest, "bytes": 8, "version": ""}
    shown = "apps/one/app.ipynb"
    published = {"path": shown, "mode": "app", "files": (shown,), "run": "r" * 32, "notebook": "a.ipynb"}
    Shelf(tmp_path).put(Publication(**published, choices={"data": TABLE}, sources=[source]))
    return app


def test_nothing_is_shown_while_all_is_as_it_was(app: Path, capsys):
    tell_if_outdated(app)
    assert capsys.readouterr().out == ""


def test_what_changed_is_shown_as_text(app: Path, monkeypatch, tmp_path: Path):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda one: shown.append(one.data))
    (tmp_path / TABLE).write_text("a,b\n1,3\n")
    tell_if_outdated(app)
    (banner,) = shown
    assert "Out of date." in banner
    assert "&lt;b&gt;a.csv" in banner
    assert "<b>" not in banner


def test_an_app_that_was_copied_away_shows_nothing(app: Path, tmp_path_factory, capsys):
    away = tmp_path_factory.mktemp("away") / "app.ipynb"
    away.write_bytes(app.read_bytes())
    tell_if_outdated(away)
    assert capsys.readouterr().out == ""
