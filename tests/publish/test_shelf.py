"""What is published is listed, compared with what it was made of, and taken away without anything else."""

import socket
from pathlib import Path

import pytest

from modelcompose.publish import Publication, Shelf
from modelcompose.publish.shelf import changed, code_of
from tests.publish.conftest import Executed, cell


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name in ("reports/a.md", "reports/a-files/x.png", "apps/a/app.ipynb", "apps/a/mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = Shelf(tmp_path)
    found.put(publication("reports/a.md", files=("reports/a.md", "reports/a-files/x.png"), when="2026-01-01"))
    found.put(publication("apps/a/app.ipynb", mode="app", when="2026-01-02"))
    return found


def publication(path: str, mode="report", **more) -> Publication:
    return Publication(path=path, mode=mode, run="r" * 32, **{"files": (path,), **more})


def test_the_newest_comes_first_and_one_of_the_same_path_replaces_the_other(shelf: Shelf):
    shelf.put(publication("reports/a.md", when="2026-01-03"))
    assert [one.path for one in shelf.all()] == ["reports/a.md", "apps/a/app.ipynb"]


def test_what_somebody_deleted_by_hand_is_not_listed(shelf: Shelf, tmp_path: Path):
    (tmp_path / "reports" / "a.md").unlink()
    assert [one.path for one in shelf.all()] == ["apps/a/app.ipynb"]


def test_only_its_own_files_are_taken_away(shelf: Shelf, tmp_path: Path):
    for one in shelf.all():
        shelf.take(one)
    assert shelf.all() == []
    assert not (tmp_path / "reports").exists()
    assert [one.name for one in (tmp_path / "apps" / "a").iterdir()] == ["mine.txt"]


def test_a_note_that_was_tampered_with_leads_nowhere(shelf: Shelf, tmp_path: Path):
    outside = tmp_path.parent / "outside.txt"
    outside.write_text("")
    shelf.take(publication("reports/a.md", files=("../outside.txt", "/etc/hostname")))
    assert outside.exists()
    next((tmp_path / ".modelcompose" / "published").glob("*.json")).write_text("{")
    assert len(shelf.all()) <= 1


def test_an_app_is_known_to_be_served_while_it_answers(shelf: Shelf):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with shelf.served("apps/a/app.ipynb", f"http://127.0.0.1:{port}/", port):
            assert shelf.urls() == {"apps/a/app.ipynb": f"http://127.0.0.1:{port}/"}
            server.close()
            assert shelf.urls() == {}
    assert shelf.urls() == {}


def test_changes_of_choices_code_and_libraries_are_told_apart(executed: Executed):
    nb = executed.notebook()
    one = publication("a", notebook="a.ipynb", code=code_of(nb), versions={"numpy": "0.1", "nobody-has-this": "1"})
    (library,) = changed(one, nb)
    assert library.startswith("numpy ")
    assert library.endswith("0.1 computed it")
    cell(nb, "choices")["source"] += "\ndraws = 7"
    assert "the choices of the notebook 'a.ipynb' changed" in changed(one, nb)
    cell(nb, "fit")["source"] += "\n# mine"
    assert "the code of the notebook 'a.ipynb' changed" in changed(one, nb)
    cell(nb, "fit")["outputs"] = []
    assert len(changed(one, nb)) == 3
    assert changed(one, None)[0] == "the notebook 'a.ipynb' is not there any more"
