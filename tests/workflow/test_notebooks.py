"""The workflow notebooks themselves: they run, and say the same however they are run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelcompose import Workbench
from modelcompose.verdict import MIME
from modelcompose.workflow import STEPS, steps_in
from modelcompose.workflow.compose import workflow_folders

WORKFLOWS = sorted(path for folder in workflow_folders() if folder.is_dir() for path in folder.glob("*.ipynb"))


def papermill(source, target, *parameters):
    """Run plain papermill, as anybody would."""
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(source), str(target), *parameters],
        cwd=target.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(target.read_text())


def verdicts(nb):
    """Everything that the checks say, but for seconds and the record of what ran."""
    found = {}
    for one in steps_in(nb):
        content = one.verdict.model_dump(exclude={"ran", "details", "picture"})
        found[one.step.id] = json.loads(re.sub(r"\d+\.\d seconds", "some seconds", json.dumps(content)))
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_notebook_holds_no_outputs_and_only_known_steps(path):
    nb = json.loads(path.read_text())
    assert all(not cell.get("outputs") for cell in nb["cells"])
    assert {"data", "fit", "answer"} <= {one.step.id for one in steps_in(nb)}


def test_the_short_workflow_is_the_full_one_with_fewer_steps():
    short, full = (json.loads((WORKFLOWS[0].parent / f"{name}.ipynb").read_text()) for name in ("simple", "full"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in full["cells"]}
    assert [one.step.id for one in steps_in(full)] == [one.id for one in STEPS]
    for cell in short["cells"]:
        if cell["id"] != "parameters":
            assert cells[cell["id"]] == "".join(cell["source"])


@pytest.mark.parametrize(
    "path",  # the short one is executed below
    [pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem == "simple")) for path in WORKFLOWS],
)
def test_a_workflow_notebook_runs_as_it_is_on_other_data(path, tmp_path):
    from modelcompose import samples

    samples.copy("penguins", tmp_path)
    options = [
        "-p",
        "data",
        "penguins.csv",
        "-p",
        "outcome",
        "body_mass_g",
        "-y",
        "predictors: [flipper_length_mm]",
        "-p",
        "on_fail",
        "warn",
    ]
    nb = papermill(path, tmp_path / "out.ipynb", *options, "-p", "question", "effect", "-p", "draws", "500")
    found = {one.step.id: one for one in steps_in(nb)}
    # Without species and sex a straight line misses the skewness of the weights, and the check says which to add.
    assert {one.step.id for one in found.values() if one.state == "failed"} == {"posterior"}
    assert found["posterior"].verdict.remedies[0].changes["predictors"] == ["flipper_length_mm", "sex"]
    assert not any(one.stale or one.edited for one in found.values())
    # What was not asked for has nothing to draw.
    assert all(one.verdict.picture for one in found.values() if one.verdict.status != "info")
    slope = found["answer"].verdict.details["effects"]["flipper_length_mm, per 1"]
    # Least squares on all 342 penguins: 49.69 (1.52) grams per millimetre.
    assert slope["mean"] == pytest.approx(49.69, abs=0.3)
    assert slope["sd"] == pytest.approx(1.52, rel=0.15)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """One composed notebook run by plain papermill and by the workbench, with the same seed."""
    folder = tmp_path_factory.mktemp("both")
    workbench = Workbench(folder)
    sample = workbench.copy_sample("sleepstudy")
    path = workbench.compose({**sample["analysis"], "data": sample["path"]})["path"]
    plain = papermill(folder / path, folder / "plain.ipynb")
    events = []
    run = workbench.run(path, {}, events.append)
    return workbench, plain, run, events


def test_plain_papermill_and_the_workbench_reach_the_same_verdicts(both):
    workbench, plain, run, _ = both
    executed = json.loads(workbench._store().artifact(run["id"], "notebook.ipynb").read_text())
    assert verdicts(executed) == verdicts(plain)
    assert run["status"] == "passed", run
    shown = json.loads((workbench.workspace / run["executed"]).read_text())
    assert not any(one.stale or one.edited for nb in (executed, shown) for one in steps_in(nb))


def test_the_sleepstudy_slope_is_the_published_one(both):
    """Belenky et al. 2003 as fitted by rstanarm: 10.45 (1.63) ms per day; by lme4: 10.467."""
    _, plain, _, _ = both
    answer = next(one.verdict for one in steps_in(plain) if one.step.id == "answer")
    slope = answer.details["effects"]["Days, per 1"]
    assert slope["mean"] == pytest.approx(10.45, abs=0.3)
    assert 1.4 < slope["sd"] < 1.9


def test_the_run_is_recorded_with_parameters_metrics_and_artifacts(both):
    import mlflow

    workbench, _, run, events = both
    uri = f"sqlite:///{workbench.workspace / '.modelcompose' / 'mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    record = client.get_run(run["id"])
    assert json.loads(record.data.params["model"]) == "varying-slopes"
    assert record.data.metrics["sampling.divergences"] == 0
    assert record.data.tags["dataset.sha256"]
    names = {one.path for one in client.list_artifacts(run["id"])}
    assert {"posterior.nc", "verdicts.json"} <= names
    assert any(name.endswith(".ipynb") for name in names)
    assert {"step", "verdict", "sampling", "end"} <= {event["type"] for event in events}


def test_a_verdict_stands_beside_html_and_a_picture(both):
    _, plain, _, _ = both
    bundles = [
        output["data"]
        for cell in plain["cells"]
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]
    assert len(bundles) == 8
    assert all({"text/html", "text/plain", "image/png"} <= set(bundle) for bundle in bundles)


def test_nothing_is_said_on_the_side(both):
    """No warning, log line or error stands in the notebook beside the verdicts."""
    _, plain, _, _ = both
    loose = [
        output
        for cell in plain["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] in ("stream", "error")
    ]
    assert loose == []


def test_sites_can_add_workflows_of_their_own(tmp_path, monkeypatch):
    from modelcompose.workflow import workflow

    source = Path(WORKFLOWS[0]).read_text()
    (tmp_path / "house.ipynb").write_text(source)
    monkeypatch.setenv("MODELCOMPOSE_WORKFLOWS", str(tmp_path))
    assert workflow("house")["cells"]
