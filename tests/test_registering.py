"""The registry: a fitted model loads anywhere, says what it was made from, and predicts what its run predicts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from modelcompose import cli
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs.registry import _stack

ROWS = [{"Days": 0, "Subject": "308"}, {"Days": 9, "Subject": "new"}]


@pytest.fixture(scope="module")
def bench(slept):
    return slept[0]


@pytest.fixture(scope="module")
def run(slept):
    return slept[1]["id"]


@pytest.fixture(scope="module")
def first(bench, run):
    """The first version, registered with a reason: a single chain does not pass."""
    return bench.register_model(run, "sleep", "champion", "the first", reason="A test.")


def test_a_run_that_did_not_pass_is_registered_for_a_reason_only(bench, run, first):
    with pytest.raises(Conflict, match="Did the computation work"):
        bench.register_model(run, "hopeless")
    with pytest.raises(NotFound):
        bench.show_registered("hopeless")
    assert first["forced"].startswith("A test. (it failed its checks")
    assert any("in spite" in note for note in first["notes"])


def test_a_version_names_its_run_its_data_and_its_commit(bench, run, first):
    table = bench.describe({"data": "data/sleepstudy.csv"})
    asked = ["git", "-C", str(bench.workspace), "rev-parse", "HEAD"]
    head = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    assert (first["version"], first["run"], first["sha256"]) == (1, run, table["sha256"])
    assert (first["commit"], first["dirty"]) == (head, "")
    assert (first["aliases"], first["description"]) == (["champion"], "the first")


def test_the_registry_predicts_what_the_run_predicts(bench, run, first):
    said = bench.predict(run, rows=ROWS)
    assert bench.predict("sleep@champion", rows=ROWS) == said
    assert bench.predict("sleep/1", rows=ROWS) == said
    (bench.workspace / "new.csv").write_text("Subject,Days\n308,0\nnew,9\n")
    assert bench.predict("sleep@1", "new.csv") == said


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*type hint:UserWarning")
def test_mlflow_alone_loads_a_version_without_a_pickle(bench, run, first, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(bench._store().tracking.uri)
    try:
        model = mlflow.pyfunc.load_model("models:/sleep@champion")
        folder = mlflow.artifacts.download_artifacts("models:/sleep@champion")
    finally:
        mlflow.set_tracking_uri(uri)
    assert {one.name: one.type.name for one in model.metadata.signature.inputs} == {"Days": "long", "Subject": "long"}
    rows = pd.DataFrame({"Days": [0, 9], "Subject": [308, 309]})
    found = model.predict(rows)
    ends = bench.predict(run, rows=rows.to_dict("records"))["rows"]
    assert found["q0.5"].tolist() == [row["average"]["median"] for row in ends]
    assert found["q0.025"].tolist() == [row["average"]["lower"] for row in ends]
    new = model.predict(rows, params={"quantiles": [0.1, 0.9], "kind": "new"})
    assert list(new) == ["mean", "q0.1", "q0.9"]
    assert (new["q0.9"] - new["q0.1"] > found["q0.975"] - found["q0.5"]).all()
    with pytest.raises(InvalidInput, match="no quantile"):
        model.predict(rows, params={"quantiles": [1.5]})
    with pytest.raises(Exception, match="Subject"):
        model.predict(rows[["Days"]])
    assert not [path for path in Path(folder).rglob("*") if path.suffix in {".pkl", ".pickle", ".lock", ".joblib"}]


def test_an_alias_moves_and_is_rolled_back(bench, run, first):
    second = bench.register_model(run, "sleep", "champion", reason="Again.")
    assert second["version"] == 2
    assert bench.show_registered("sleep")["aliases"] == {"champion": 2}
    assert bench.roll_back_model("sleep", "champion")["aliases"] == {"champion": 1}
    with pytest.raises(Conflict, match="no other version"):
        bench.roll_back_model("sleep", "champion")
    assert bench.alias_model("sleep", "next", "champion")["aliases"] == {"champion": 1, "next": 1}
    found = bench.alias_model("sleep", "next")
    assert found["aliases"] == {"champion": 1}
    told = [(one["how"], one["version"]) for one in found["history"]["champion"]]
    assert told == [("set", 1), ("set", 2), ("rolled back", 1)]
    assert [one["version"] for one in found["versions"]] == [2, 1]
    assert [one["name"] for one in bench.list_registered()["registered"]] == ["sleep"]


@pytest.mark.parametrize(
    ("history", "stack"),
    [
        ([("set", 1), ("set", 2), ("set", 3), ("rolled back", 2)], [1, 2]),
        ([("set", 1), ("set", 2), ("rolled back", 1), ("set", 3)], [1, 3]),
        ([("set", 1), ("removed", None), ("set", 1)], [1]),
    ],
)
def test_rolling_back_twice_goes_further_back(history, stack):
    assert _stack([{"how": how, "version": version} for how, version in history]) == stack


def test_what_is_not_there_or_cannot_be_is_said(bench, run, first):
    with pytest.raises(InvalidInput, match="cannot be the name"):
        bench.register_model(run, "../x", reason="A test.")
    for alias in ("7", "v7", "latest", "a b", ""):
        with pytest.raises(InvalidInput, match="cannot be an alias"):
            bench.alias_model("sleep", alias, "1")
    for verb, arguments in (
        (bench.show_registered, ["nope"]),
        (bench.alias_model, ["sleep", "x", "99"]),
        (bench.alias_model, ["sleep", "nope"]),
        (bench.roll_back_model, ["sleep", "nope"]),
        (bench.predict, ["sleep@nope", "", ROWS]),
        (bench.predict, ["sleep/99", "", ROWS]),
        (bench.describe_model, ["nope", "x"]),
    ):
        with pytest.raises(NotFound):
            verb(*arguments)


def test_a_model_and_a_version_are_described(bench, first):
    bench.describe_model("sleep", "How sleep matters.")
    found = bench.describe_model("sleep", "Few draws.", "1")
    assert (found["description"], found["versions"][-1]["description"]) == ("How sleep matters.", "Few draws.")


def test_the_command_line_keeps_the_registry(bench, first, monkeypatch, capsys):
    monkeypatch.chdir(bench.workspace)
    assert cli.main(["registry", "ls"]) == 0
    assert "champion" in capsys.readouterr().out
    assert cli.main(["registry", "show", "sleep", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == bench.show_registered("sleep")
    assert cli.main(["registry", "alias", "sleep", "tried", "1"]) == 0
    assert cli.main(["registry", "alias", "sleep", "tried", "--remove"]) == 0
    assert "tried" not in bench.show_registered("sleep")["aliases"]


def test_a_commit_that_lacks_something_must_be_allowed(bench, run, first):
    """The run's own commit is asked, not what the folder looks like now."""
    store = bench._store()
    (bench.workspace / "sleep.ipynb").touch()
    store.tracking.tag(run, {"modelcompose.git.dirty": "true"})
    try:
        with pytest.raises(Conflict, match="no single commit"):
            bench.register_model(run, "sleep", reason="A test.")
        found = bench.register_model(run, "sleep", allow_dirty=True, reason="A test.")
        assert found["dirty"] == "files differed from the commit"
        assert any("not reproducible" in note for note in found["notes"])
    finally:
        store.tracking.tag(run, {"modelcompose.git.dirty": "false"})


def test_a_table_that_changed_since_is_not_registered(bench, run, first):
    path = bench.workspace / "data" / "sleepstudy.csv"
    before = path.read_bytes()
    path.write_bytes(before + b"400.0,3,308\n")
    try:
        with pytest.raises(Conflict, match="has changed since"):
            bench.register_model(run, "sleep", reason="A test.")
    finally:
        path.write_bytes(before)


def test_outside_git_a_version_says_so(bench, run, first):
    store = bench._store()
    commit = store.tracking.find(run).data.tags["mlflow.source.git.commit"]
    store.tracking.client.delete_tag(run, "mlflow.source.git.commit")
    try:
        found = bench.register_model(run, "sleep", reason="A test.")
    finally:
        store.tracking.tag(run, {"mlflow.source.git.commit": commit})
    assert found["commit"] == "no commit"
    assert "not under git" in found["notes"][0]
