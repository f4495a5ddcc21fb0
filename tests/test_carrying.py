"""A run opens elsewhere from its one file, and is copied to other stores, as it was and only once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
import xarray as xr
from nbformat.v4 import new_code_cell, new_notebook, new_output

from modelcompose import Workbench, cli
from modelcompose.analysis import Analysis
from modelcompose.data import load
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs import EventLog
from modelcompose.runs.notebook import EXECUTED, write
from modelcompose.runs.record import begin
from modelcompose.runs.tracking import Tracking
from modelcompose.verdict import MIME, Finding, Verdict


def cell(step, value=1.0, **details):
    found = Finding(name="a figure", status="pass", value=value, shown=str(value))
    one = Verdict(step=step, title="So?", status="pass", sentence="So it is.", findings=[found], details=details)
    output = new_output("display_data", data={MIME: one.model_dump(mode="json"), "text/plain": one.text()})
    return new_code_cell("judge()", metadata={"modelcompose": {"step": step}}, outputs=[output], execution_count=1)


def ended(bench, notebook="studies/study.ipynb", **choices):
    """A run that has ended, with a posterior, as its process would have left it."""
    analysis = Analysis(**{"data": "../data/table.csv", "policy": "house.toml", "outcome": "b", **choices})
    source = new_code_cell("", metadata={"tags": ["parameters"]})
    nb = new_notebook(cells=[source, cell("data", sha256="5ha"), cell("sampling", 1.002)])
    analysis.write(nb)
    store = bench._store()
    run = store.create(nb, name="a study", notebook_path=notebook, analysis=analysis, here=True)
    folder = store.folder(run.id)
    begin(folder, bench.workspace, notebook)
    write(nb, folder / EXECUTED)
    draws = {"b": (("chain", "draw"), np.random.default_rng(1).normal(size=(4, 50)))}
    xr.DataTree.from_dict({"posterior": xr.Dataset(draws)}).to_netcdf(folder / "posterior.nc", engine="h5netcdf")
    EventLog(folder).append("sampling", finished=50)
    return store.finish(run.id, status="passed", message="All is well.")


def fill(workspace):
    (workspace / "studies").mkdir()
    (workspace / "data").mkdir()
    (workspace / "data" / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (workspace / "studies" / "house.toml").write_text('name = "House rules"\n')


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """MLflow's tables without a run, which take seconds to make."""
    folder = tmp_path_factory.mktemp("tables")
    assert Tracking(f"sqlite:///{folder / 'mlflow.db'}", folder).client
    return folder / "mlflow.db"


def at(workspace, empty):
    (workspace / ".modelcompose").mkdir()
    shutil.copy(empty, workspace / ".modelcompose" / "mlflow.db")
    return Workbench(workspace)


@pytest.fixture(scope="module")
def bench(tmp_path_factory, empty):
    workspace = tmp_path_factory.mktemp("here")
    fill(workspace)
    return at(workspace, empty)


@pytest.fixture
def shared(tmp_path, empty):
    """The address of a store that others use, too."""
    shutil.copy(empty, tmp_path / "shared.db")
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture(scope="module")
def run(bench):
    return ended(bench)


@pytest.fixture(scope="module")
def file(bench, run):
    found = bench.export_run(run.id, "out/study")
    assert found["missing"] == []
    return bench.workspace / found["path"]


@pytest.fixture
def elsewhere(tmp_path, file, empty):
    shutil.copy(file, tmp_path / "study.modelcompose")
    return at(tmp_path, empty)


def test_a_file_holds_the_run_and_what_it_was_made_of_under_their_hashes(file, run):
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name, declared in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == declared["sha256"]
    assert set(manifest["files"]) == {
        *["run/notebook.ipynb", "run/source.ipynb", "run/verdicts.json", "run/analysis.json", "run/posterior.nc"],
        *["run/record.json", "run/events.jsonl"],
        *["workspace/studies/study.ipynb", "workspace/studies/house.toml", "workspace/data/table.csv"],
    }
    assert manifest["run"]["id"] == run.id


def test_opened_elsewhere_the_run_is_what_it_was(elsewhere, bench, run):
    found = elsewhere.open_run("study.modelcompose")
    opened = found["run"]
    assert (opened["status"], opened["name"], opened["message"]) == ("passed", "a study", "All is well.")
    assert opened["original"] == run.id
    assert opened["started"] == run.started
    assert [one["step"] for one in opened["verdicts"]] == ["data", "sampling"]
    assert found["folder"].startswith("opened/a-study-")
    assert opened["notebook"] == f"{found['folder']}/studies/study.ipynb"
    assert (elsewhere.workspace / found["folder"] / "data" / "table.csv").read_text() == "a,b\n1,2\n3,4\n"
    assert (elsewhere.workspace / opened["executed"]).is_file()
    assert elsewhere.get_run(run.id)["id"] == opened["id"]
    assert elsewhere.get_run(run.id[:10])["id"] == opened["id"]
    assert elsewhere.record(opened["id"])["record"] == bench.record(run.id)["record"]
    stores = [(one._store(), id_) for one, id_ in ((bench, run.id), (elsewhere, opened["id"]))]
    told = [store.tracking.told(id_) for store, id_ in stores]
    assert told[0]["metrics"] == told[1]["metrics"] != []
    assert told[0]["params"] == told[1]["params"]
    assert stores[1][0].artifact(opened["id"], "posterior.nc").read_bytes() == (
        stores[0][0].artifact(run.id, "posterior.nc").read_bytes()
    )
    assert elsewhere._as_it_was(*elsewhere._reproducible(opened["id"]))[1].data == "../data/table.csv"


def test_a_run_is_opened_once_and_nothing_is_written_over(elsewhere, bench, file):
    elsewhere.open_run("study.modelcompose")
    with pytest.raises(Conflict, match="is here already"):
        elsewhere.open_run("study.modelcompose")
    with pytest.raises(Conflict, match="is here already"):
        bench.open_run(file.relative_to(bench.workspace).as_posix())
    with pytest.raises(Conflict, match="exists already"):
        bench.export_run("a study", "out/study.modelcompose")


def rewritten(path, change):
    """Write the archive anew, its manifest and members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))


def declared(manifest, members, name, content):
    members[name] = content
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


TAMPERED = [
    (lambda manifest, members: members.update({"workspace/data/table.csv": b"a,b\n1,2\n3,5\n"}), "not what was"),
    (lambda manifest, members: members.update({"workspace/more.txt": b"x"}), "the files that it declares"),
    (lambda manifest, members: members.pop("run/posterior.nc"), "the files that it declares"),
    (lambda manifest, members: manifest.update(format=2), "of another form"),
    (lambda manifest, members: manifest["run"]["tags"].pop("modelcompose.notebook"), "of another form"),
    (lambda manifest, members: declared(manifest, members, "workspace/../../evil.py", b"x"), "leave its folder"),
    (lambda manifest, members: declared(manifest, members, "/etc/evil", b"x"), "leave its folder"),
    (lambda manifest, members: declared(manifest, members, "workspace/a\\..\\evil", b"x"), "leave its folder"),
    (
        lambda manifest, members: manifest["run"]["tags"].update({"modelcompose.notebook": "../../evil.ipynb"}),
        "leave its folder",
    ),
]


def test_a_file_that_was_tampered_with_is_refused_and_leaves_nothing(elsewhere):
    path = elsewhere.workspace / "tampered.modelcompose"
    for change, said in TAMPERED:
        shutil.copy(elsewhere.workspace / "study.modelcompose", path)
        rewritten(path, change)
        with pytest.raises(InvalidInput, match=said):
            elsewhere.open_run(path.name)
    assert elsewhere.list_runs()["runs"] == []
    assert not (elsewhere.workspace / "opened").exists()
    assert list((elsewhere.workspace / ".modelcompose").glob("opening-*")) == []


def test_declared_sizes_count_before_anything_is_unpacked(elsewhere, monkeypatch):
    monkeypatch.setattr("modelcompose.runs.carry.LARGEST", 1000)
    with pytest.raises(InvalidInput, match="would unpack to more than 1,000 bytes"):
        elsewhere.open_run("study.modelcompose")
    (elsewhere.workspace / "no.modelcompose").write_bytes(b"no archive")
    with pytest.raises(InvalidInput, match="no run that was exported"):
        elsewhere.open_run("no.modelcompose")


def test_a_stored_version_travels_under_its_number(tmp_path_factory, elsewhere, empty):
    here = tmp_path_factory.mktemp("stored")
    fill(here)
    bench = at(here, empty)
    for content in ("a,b\n1,2\n3,4\n", "a,b\n1,2\n3,9\n"):
        (here / "data" / "table.csv").write_text(content)
        bench.add_data({"data": "data/table.csv"}, "growth")
    run = ended(bench, data="growth@2", policy="")
    (here / "data" / "table.csv").write_text("a,b\n1,2\n3,7\n")
    bench.add_data({"data": "data/table.csv"}, "growth")
    path = elsewhere.workspace / "growth.modelcompose"
    shutil.copy(here / bench.export_run(run.id, "growth")["path"], path)
    opened = elsewhere.open_run("growth.modelcompose")
    folder = elsewhere.workspace / opened["folder"] / "studies"
    assert load("growth@2", root=folder).frame["b"].tolist() == [2, 9]
    assert elsewhere._as_it_was(*elsewhere._reproducible(run.id))[1].data == "growth@2"


def test_what_is_not_as_it_was_is_named_and_left_out(tmp_path, empty):
    fill(tmp_path)
    bench = at(tmp_path, empty)
    run = ended(bench)
    (tmp_path / "data" / "table.csv").write_text("a,b\n9,9\n9,8\n")
    found = bench.export_run(run.id, "study")
    assert found["missing"] == ["../data/table.csv: it is not what the run has used any more"]


def test_runs_are_copied_once_with_all_that_is_recorded(bench, run, tmp_path, shared, capsys, monkeypatch):
    monkeypatch.chdir(bench.workspace)
    uri = shared
    assert cli.main(["copy-runs", "--to", uri, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in first["copied"]] == [run.id]
    same_as_here(bench, run.id, uri, first["copied"][0]["there"])
    again = bench.copy_runs(uri, [run.id[:8]])
    assert (again["copied"], again["present"]) == ([], first["copied"])
    back = Workbench(tmp_path, tracking_uri=uri).get_run(run.id)
    assert (back["id"], back["status"]) == (first["copied"][0]["there"], "passed")


def same_as_here(bench, id_, uri, there):
    target = Tracking(uri, bench.workspace)
    told = [bench._store().tracking.told(id_), target.told(there)]
    for one in ("name", "status", "started", "ended", "params", "metrics"):
        assert told[0][one] == told[1][one], one
    assert told[1]["tags"] == told[0]["tags"] | {"modelcompose.original": id_}
    files = [
        {one.path: one.file_size for one in tracking.client.list_artifacts(run)}
        for tracking, run in ((bench._store().tracking, id_), (target, there))
    ]
    assert files[0] == files[1]


def test_a_copy_that_was_interrupted_is_made_again(bench, run, tmp_path, shared, monkeypatch):
    uri = shared
    monkeypatch.setattr("mlflow.MlflowClient.set_terminated", lambda *_: (_ for _ in ()).throw(OSError("cable")))
    with pytest.raises(OSError, match="cable"):
        bench.copy_runs(uri)
    monkeypatch.undo()
    assert [one["id"] for one in bench.copy_runs(uri)["copied"]] == [run.id]
    assert len(list(Tracking(uri, tmp_path).newest())) == 1


def test_only_a_store_of_mlflow_is_a_place_to_copy_to(bench, tmp_path):
    for wrong in ("file:///etc", "ftp://me:secret@host", "runs"):
        with pytest.raises(InvalidInput, match="is no MLflow store") as refused:
            bench.copy_runs(wrong)
        assert "secret" not in str(refused.value)
    with pytest.raises(InvalidInput, match="this is the store of this workspace"):
        bench.copy_runs(bench._store().tracking.uri)
    with pytest.raises(NotFound, match="there is no folder"):
        bench.copy_runs(f"sqlite:///{tmp_path}/none/shared.db")


@pytest.mark.slow
def test_runs_are_copied_to_a_server(bench, run, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/s.db", "--artifacts-destination", str(tmp_path / "files")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    uri = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        for _ in range(600):
            try:
                httpx.get(f"{uri}/health", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        found = bench.copy_runs(uri)
        same_as_here(bench, run.id, uri, found["copied"][0]["there"])
        assert bench.copy_runs(uri)["copied"] == []
    finally:
        os.killpg(server.pid, 15)
        server.wait()


@pytest.mark.slow
def test_from_a_wiped_workspace_and_the_file_a_run_is_made_again_identically(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    bench = Workbench(here)
    sample = bench.copy_sample("sleepstudy")
    made = bench.compose({**sample["analysis"], "data": sample["path"], "draws": 300, "tune": 300, "on_fail": "warn"})
    run = bench.run(made["path"])
    assert run["verdicts"][-1]["step"] == "answer"
    shutil.copy(here / bench.export_run(run["id"], "sleep")["path"], there / "sleep.modelcompose")
    shutil.rmtree(here)
    elsewhere = Workbench(there)
    elsewhere.open_run("sleep.modelcompose")
    again = elsewhere.reproduce(run["id"], wait=True)
    assert again["grade"] == "identical", elsewhere.record(again["id"])["reproduction"]
    assert Path(there / again["executed"]).is_file()
