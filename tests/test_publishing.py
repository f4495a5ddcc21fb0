"""A run is published, the list tells what has changed since, and it is taken away again; from every door alike."""

from __future__ import annotations

import json

import pytest

from modelcompose import cli
from modelcompose.errors import Conflict, InvalidInput, NotFound


@pytest.fixture(scope="module")
def published(slept):
    bench, run = slept[0], slept[1]
    found = bench.publish(run["id"])
    yield bench, run, found
    bench.unpublish(run["id"])
    assert bench.list_published()["published"] == []
    assert list((bench.workspace / "apps").iterdir()) == []


def test_report_and_app_are_listed_and_shown_with_their_run(published):
    bench, run, found = published
    name = f"{run['name']}-{run['id'][:8]}"
    assert found == {"report": f"reports/{name}.html", "page": None, "app": f"apps/{name}/app.ipynb"}
    told = bench.get_run(run["id"])
    assert (told["report"], told["app"]) == (found["report"], found["app"])
    listed = bench.list_published(run["id"][:8])["published"]
    assert {one["path"] for one in listed} == {found["report"], found["app"]}
    assert all(one["stale"] == [] and one["url"] == "" for one in listed)
    assert bench.list_published("nobody") == {"published": []}


def test_what_changed_since_is_said_until_it_is_as_it_was(published):
    bench, run, _ = published
    table = bench.workspace / "data" / "sleepstudy.csv"
    notebook = bench.workspace / run["notebook"]
    before = table.read_bytes(), notebook.read_text("utf-8")
    stale = lambda: {said for one in bench.list_published()["published"] for said in one["stale"]}  # noqa: E731
    try:
        table.write_bytes(before[0] + b"1,2,3\n")
        assert any("'data/sleepstudy.csv' has changed" in said for said in stale())
        table.unlink()
        assert any("is not there any more" in said for said in stale())
        table.write_bytes(before[0])
        assert stale() == set()
        notebook.write_text(before[1].replace("Days", "Nights"), "utf-8")
        assert any("the choices of the notebook" in said for said in stale())
    finally:
        table.write_bytes(before[0])
        notebook.write_text(before[1], "utf-8")
    assert stale() == set()


def test_one_document_is_made_and_taken_away_and_the_rest_stays(published, capsys, monkeypatch):
    bench, run, found = published
    monkeypatch.chdir(bench.workspace)
    assert cli.main(["publish", run["id"], "--as", "report", "--format", "md", "--json"]) == 0
    path = json.loads(capsys.readouterr().out)["report"]
    assert path.endswith(".md")
    assert bench.get_run(run["id"])["report"] == found["report"]
    assert cli.main(["apps"]) == 0
    assert "nothing" in capsys.readouterr().out
    assert cli.main(["unpublish", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [path]}
    assert {one["path"] for one in bench.list_published()["published"]} == {found["report"], found["app"]}
    assert (bench.workspace / found["report"]).is_file()


@pytest.mark.parametrize(
    ("options", "error"),
    [({"mode": "book"}, InvalidInput), ({"format": "odt"}, InvalidInput), ({"depth": "you"}, InvalidInput)],
)
def test_what_cannot_be_published_is_named(published, options, error):
    bench, run, _ = published
    with pytest.raises(error, match=r"(?i)name one of"):
        bench.publish(run["id"], **options)


def test_what_is_not_published_cannot_be_taken_away(published):
    bench, *_ = published
    for what in ("", "nope", "data/sleepstudy.csv", "../x"):
        with pytest.raises(NotFound, match="is published"):
            bench.unpublish(what)
    assert (bench.workspace / "data" / "sleepstudy.csv").is_file()


def test_a_run_that_has_not_ended_is_not_published(published, monkeypatch):
    bench, run, _ = published
    store = type(bench._store())
    under_way = bench._store().get(run["id"]).model_copy(update={"status": "running"})
    monkeypatch.setattr(store, "get", lambda *_: under_way)
    with pytest.raises(Conflict, match="nothing to publish yet"):
        bench.publish(run["id"])
