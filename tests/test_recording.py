"""A run tells what it was made of, and is made again only from that."""

from __future__ import annotations

import json
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from modelcompose import Workbench, cli
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict
from modelcompose.runs import execute

PARAMETERS = 'data = "table.csv"\npolicy = "house.toml"\nrandom_seed = 7\ndraws = 200'
SET_UP = """
import hashlib, os, pathlib
import numpy as np
import xarray as xr
from modelcompose.verdict import Finding, Verdict

def judge(step, sentence="So it is.", value=1.0, **details):
    found = Finding(name="a figure", status="pass", value=value, shown=str(value))
    display(Verdict(step=step, title=f"{step}?", status="pass", sentence=sentence, findings=[found], details=details))
"""
DATA = 'judge("data", sha256=hashlib.sha256(pathlib.Path(data).read_bytes()).hexdigest(), rows=2)'
FIT = """
nudge = float(os.environ.get("NUDGE", 0))
rng = np.random.default_rng(random_seed + round(float(os.environ.get("RESEED", 0))))
b = xr.Dataset({"b": (("chain", "draw"), nudge + rng.normal(size=(4, draws)))})
xr.DataTree.from_dict({"posterior": b, "sample_stats": xr.Dataset()}).to_netcdf(
    pathlib.Path(os.environ["MODELCOMPOSE_RUN_FOLDER"], "posterior.nc"), engine="h5netcdf"
)
judge("fit", seconds=0.1, draws=draws, chains=4)
"""
ANSWER = 'judge("answer", sentence=f"It is {float(b.b.mean()):.3f} g.", value=float(b.b.mean()))'


def step(name, source):
    return new_code_cell(source, metadata={"modelcompose": {"step": name}})


def study():
    parameters = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [step("data", DATA), step("fit", FIT), step("answer", ANSWER)]
    return new_notebook(cells=[parameters, new_code_cell(SET_UP), *cells])


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def fill(folder):
    (folder / "studies").mkdir()
    nbformat.write(study(), folder / "studies" / "study.ipynb")
    (folder / "studies" / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (folder / "studies" / "house.toml").write_text('name = "House rules"\n[rules.rhat]\nfail = 1.02\n')


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("of record")
    fill(folder)
    (folder / "code.py").write_text("one = 1\n")
    (folder / "prod.env").write_text("a=1\n")
    git(folder, "init", "-b", "trunk")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    (folder / "code.py").write_text('two = 2\nAPI_TOKEN = "hunter2hunter2"\n')
    (folder / "prod.env").write_text("MY_PASSWORD=swordfish\n")
    return Workbench(folder)


@pytest.fixture(scope="module")
def run(bench):
    store, nb = bench._store(), study()
    made = store.create(nb, name="study", notebook_path="studies/study.ipynb", analysis=Analysis.read(nb), here=True)
    return execute(store, made.id).model_dump()


@pytest.fixture
def environ(monkeypatch):
    return monkeypatch.setenv


def test_the_record_names_everything_a_run_was_made_of(bench, run):
    found = bench.record(run["id"])["record"]
    by_role = {one["role"]: one for one in found["files"]}
    table = (bench.workspace / "studies" / "table.csv").read_bytes()
    assert by_role.keys() == {"data", "policy"}
    assert found["data"] == {
        "source": "table.csv",
        "version": "",
        "sha256": by_role["data"]["sha256"],
        "rows": 2,
        "dropped": None,
    }
    assert by_role["data"]["bytes"] == len(table)
    assert found["choices"]["draws"] == 200
    assert found["seeds"] == {"random_seed": 7}
    assert [cell["step"] for cell in found["cells"]] == ["", "", "data", "fit", "answer"]
    assert found["policy"]["name"] == "House rules"
    assert found["environment"]["packages"]["pymc"]
    assert found["hardware"]["cores"] >= 1
    assert found["sampler"]["made"] == {"seconds": 0.1, "draws": 200, "chains": 4}
    assert [(one["step"], one["state"]) for one in found["timings"]["steps"]] == [
        ("data", "done"),
        ("fit", "done"),
        ("answer", "done"),
    ]
    assert 0 < sum(one["seconds"] for one in found["timings"]["steps"]) <= found["timings"]["seconds"]


def test_the_record_holds_what_differed_from_the_commit_but_no_secret(bench, run):
    found = bench.record(run["id"])["record"]
    state = found["git"]
    assert (len(state["commit"]), state["branch"]) == (40, "trunk")
    assert "+two = 2" in state["diff"]
    assert state["left_out"] == ["prod.env"]
    assert {" M code.py", " M prod.env"} <= set(state["changed"])
    text = json.dumps(found)
    assert "hunter2" not in text
    assert "swordfish" not in text
    assert str(bench.workspace) not in text


def test_the_record_is_kept_with_the_run_in_mlflow(bench, run):
    store = bench._store()
    names = {one.path for one in store.tracking.client.list_artifacts(run["id"])}
    assert {"record.json", "source.ipynb"} <= names
    tags = store.tracking.client.get_run(run["id"]).data.tags
    assert len(tags["modelcompose.environment"]) == len(tags["modelcompose.code"]) == 16


def test_the_record_is_told_in_plain_words(bench, run, capsys, monkeypatch):
    monkeypatch.chdir(bench.workspace)
    assert cli.main(["record", run["id"][:8]]) == 0
    told = capsys.readouterr().out
    assert "Data: table.csv, 2 rows used, SHA-256" in told
    assert "Sampler: nutpie, 4 chains of 200 draws" in told
    assert "seed 7" in told
    assert "Thresholds: House rules" in told


def test_made_again_a_run_is_identical(bench, run, capsys, monkeypatch):
    monkeypatch.chdir(bench.workspace)
    assert cli.main(["reproduce", run["id"], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["run"]["grade"] == "identical"
    assert found["run"]["reproduces"] == run["id"]
    assert found["run"]["id"] != run["id"]
    assert found["reproduction"]["circumstances"] == []
    assert bench.record(found["run"]["id"])["record"]["run"]["reproduction"]["grade"] == "identical"
    assert "Made again: identical." in found["run"]["message"]


@pytest.mark.slow
def test_other_draws_agree_within_their_error_and_another_posterior_does_not(bench, run, environ, capsys, monkeypatch):
    environ("RESEED", "1")
    assert bench.reproduce(run["id"], wait=True)["grade"] == "within Monte Carlo error"
    environ("NUDGE", "0.5")
    monkeypatch.chdir(bench.workspace)
    assert cli.main(["reproduce", run["id"]]) == 1
    told = capsys.readouterr().out
    assert "different: The draws are others" in told
    assert "b (mean):" in told


def test_a_run_is_not_made_again_from_anything_else(bench, run):
    table = bench.workspace / "studies" / "table.csv"
    before = table.read_bytes()
    for content, said in ((b"a,b\n1,2\n3,5\n", "'table.csv' has changed"), (None, "'table.csv' is not there any more")):
        table.write_bytes(content) if content else table.unlink()
        with pytest.raises(Conflict, match=said) as refused:
            bench.reproduce(run["id"])
        assert refused.value.remedy.startswith("Bring back what it was")
    table.write_bytes(before)
