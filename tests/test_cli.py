"""The command line: bad input ends in one sentence and exit code 2, and loses nothing."""

from __future__ import annotations

import json

import pytest

from modelcompose import cli


@pytest.fixture
def here(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    return workspace


@pytest.fixture
def notebook(here, capsys):
    assert cli.main(["new", "data/sleepstudy.csv", "--outcome", "Reaction"]) == 0
    assert capsys.readouterr().out.strip() == "sleepstudy.ipynb"
    return here / "sleepstudy.ipynb"


BAD = {
    "empty.csv": b"",
    "garbage.csv": bytes(range(256)) * 20,
    "ragged.csv": b"a,b\n1,2\n3,4,5\n",
    "twice.csv": b"a,a\n1,2\n3,4\n",
    "blank.csv": b"a,\n1,2\n3,4\n",
    "one.csv": b"a,b\n1,2\n",
    "gone.csv": b"a,b\n1,\n2,\n3,\n",
    "constant.csv": b"a,b\n1,7\n2,7\n4,7\n5,7\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_explained(here, capsys, name):
    (here / name).write_bytes(BAD[name])
    assert cli.main(["new", name, "--outcome", "b", "--predictors", "a", "--question", "effect"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("modelcompose: ")
    assert "Traceback" not in said
    assert said.rstrip().endswith(".")
    assert (here / name).read_bytes() == BAD[name]
    assert not list(here.glob("*.ipynb"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-p", "drws", "10"], "Did you mean 'draws'"),
        (["-p", "draws", "many"], "draws = 'many'"),
        (["-p", "draws", "-5"], "greater than or equal"),
        (["-p", "model", "nope"], "no model 'nope'"),
        (["-p", "formula", "Reaction ~ Nope"], "'Nope'"),
        (["-p", "data", "nope.csv"], "nope.csv"),
        (["--set", "model"], "NAME=VALUE"),
        (["--set", "question=nope"], "no question 'nope'"),
    ],
)
def test_a_bad_change_is_explained_and_the_notebook_stays(notebook, capsys, options, said):
    before = notebook.read_bytes()
    assert cli.main(["run", "sleepstudy.ipynb", *options]) in (2, 3)
    assert said in capsys.readouterr().err
    assert notebook.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("draws = = 3", "line 1"),
        ("import os", "only assignments"),
        ("draws = f()", "not a plain value"),
        (None, "no parameters cell"),
    ],
)
def test_a_broken_notebook_is_explained(notebook, capsys, source, said):
    nb = json.loads(notebook.read_text())
    if source is None:
        nb["cells"] = [cell for cell in nb["cells"] if cell["id"] != "parameters"]
    else:
        next(cell for cell in nb["cells"] if cell["id"] == "parameters")["source"] = source
    notebook.write_text(json.dumps(nb))
    assert cli.main(["run", "sleepstudy.ipynb"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "not json", "[]", "{}", '{"cells": 3}'])
def test_what_is_no_notebook_is_explained(here, capsys, content):
    (here / "x.ipynb").write_text(content)
    assert cli.main(["run", "x.ipynb"]) == 2
    assert "not a notebook" in capsys.readouterr().err
    assert cli.main(["inspect", "x.ipynb"]) == 2
    assert (here / "x.ipynb").read_text() == content


def test_revise_writes_the_change_into_the_notebook(notebook, capsys):
    assert cli.main(["revise", "sleepstudy.ipynb", "-p", "draws", "500", "--set", "predictors=Days"]) == 0
    assert "changed: parameters" in capsys.readouterr().out
    assert "draws = 500" in notebook.read_text()


def test_lab_prepares_a_sample_analysis_once(here, monkeypatch):
    opened = []
    monkeypatch.setattr(cli, "_open_lab", lambda *arguments: opened.append(arguments) or 0)
    assert cli.main(["lab", "fresh"]) == 0
    assert cli.main(["lab", "fresh"]) == 0
    assert [notebook for _, notebook, _ in opened] == ["sleepstudy.ipynb"] * 2
    assert sorted(path.name for path in (here / "fresh").glob("*.ipynb")) == ["sleepstudy.ipynb"]
