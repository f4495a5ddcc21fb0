"""What was stopped while it sampled goes through all that comes after, and says everywhere that it is partial."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from modelcompose import Workbench
from modelcompose.runs import ENDED, EventLog
from modelcompose.runs.frame import runs
from modelcompose.verdict import verdict_in
from modelcompose.workflow.notebook import step_of
from modelcompose.workflow.steps import STEPS, upstream

from .conftest import wait_for

DRAWS = 20_000
SMALL = {
    "draws": DRAWS,
    "tune": 200,
    "chains": 2,
    "recoveries": 0,
    "universes": 2,
    "simulations": 0,
    "rival_priors": [2.0],
    "decision": {"better": "lower", "value": 1.0, "cost": 2.0},
    "on_fail": "warn",
}


def told(*command: str, workspace: Path) -> str:
    """Run a command in a process of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "modelcompose.cli", *command, "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbench, dict[str, Any]]:
    """A run of the full workflow that another process has stopped in the middle of sampling."""
    bench = Workbench(tmp_path_factory.mktemp("stopped"))
    sample = bench.copy_sample("sleepstudy")
    bench.compose({**sample["analysis"], **SMALL, "data": sample["path"]}, "full.ipynb", "full")
    id = bench.start("full.ipynb")["id"]  # noqa: A001
    log = EventLog(bench._store().folder(id))

    def drawn() -> int:
        latest = [event for event in log.read() if event["type"] == "sampling" and event["chains"]][-1:]
        return min((chain["draws"] for event in latest for chain in event["chains"]), default=0)

    wait_for(lambda: drawn() > SMALL["tune"] + 500 or log.read()[-1]["type"] == "end", 600)
    bench.pause(id)  # so that it is stopped in the middle on the fastest machine, too
    wait_for(lambda: any(event["type"] == "paused" for event in log.read()), 60)
    told("runs", "stop", id, workspace=bench.workspace)
    wait_for(lambda: bench.get_run(id)["status"] in ENDED, 1500)
    return bench, bench.get_run(id)


@pytest.fixture(scope="module")
def verdicts(stopped: tuple[Workbench, dict[str, Any]]) -> dict[str, Any]:
    """The verdicts of its notebook by step."""
    bench, run = stopped
    nb = nbformat.read(bench.workspace / run["executed"], as_version=4)
    found = [verdict_in(cell.get("outputs", [])) for cell in nb.cells]
    return {one.step: one for one in found if one is not None}


@pytest.mark.slow
def test_the_draws_so_far_go_through_every_later_step(stopped: Any, verdicts: Any) -> None:
    bench, run = stopped
    assert run["status"] == "stopped", run["message"]
    assert "the draws so far were kept, and the remaining steps rest on them" in run["message"]
    nb = json.loads((bench.workspace / "full.ipynb").read_text("utf-8"))
    assert set(verdicts) == {step for cell in nb["cells"] if (step := step_of(cell))}
    kept = verdicts["fit"].details
    assert 500 <= kept["draws"] < DRAWS


@pytest.mark.slow
def test_every_verdict_that_rests_on_them_is_partial_and_no_other(verdicts: Any) -> None:
    partial = {step for step, verdict in verdicts.items() if verdict.partial}
    assert partial == {"fit", *(one.id for one in STEPS if one.id in verdicts and "fit" in upstream(one.id))}
    assert {"sampling", "posterior", "answer"} <= partial
    assert "Partial." in verdicts["answer"].html()
    assert "partial" in verdicts["answer"].text()
    assert "artial" not in verdicts["data"].html()


@pytest.mark.slow
def test_report_and_app_say_so(stopped: Any, verdicts: Any) -> None:
    bench, run = stopped
    made = bench.publish(run["id"])
    report = (bench.workspace / made["report"]).read_text("utf-8")
    assert "Partial result." in report
    assert report.count(">partial</span>") == sum(one.partial for one in verdicts.values())
    app = json.loads((bench.workspace / made["app"]).read_text("utf-8"))
    assert "Partial result." in json.dumps(app["cells"][0])


@pytest.mark.slow
def test_every_door_says_so(stopped: Any) -> None:
    bench, run = stopped
    assert run["partial"]
    assert [one["partial"] for one in bench.list_runs()["runs"] if one["id"] == run["id"]] == [True]
    assert {one["step"] for one in run["verdicts"] if one["partial"]} >= {"fit", "sampling", "answer"}
    assert "(partial)" in told("runs", "ls", workspace=bench.workspace)
    shown = told("runs", "show", run["id"], workspace=bench.workspace)
    assert "stopped (partial)" in shown
    assert "Partial." in next(line for line in shown.splitlines() if "Did the computation work?" in line)
    assert json.loads(told("runs", "show", run["id"], "--json", workspace=bench.workspace))["partial"]
    assert runs(workspace=bench.workspace)["partial"].tolist() == [True]
    predicted = bench.predict(run["id"], rows=[{"Days": "3", "Subject": "308"}])
    assert predicted["partial"]


@pytest.fixture
def jp_root_dir(stopped: Any) -> Path:
    return stopped[0].workspace


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"modelcompose.server": True}}}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
async def test_rest_says_so(jp_fetch: Any, stopped: Any) -> None:
    for path in ("runs", f"runs/{stopped[1]['id']}"):
        found = json.loads((await jp_fetch("modelcompose", "api", *path.split("/"))).body)
        assert found.get("runs", [found])[0]["partial"]


@pytest.mark.slow
def test_the_record_says_so(stopped: Any, verdicts: Any) -> None:
    import xarray as xr

    bench, run = stopped
    store = bench._store()
    record = store.tracking.client.get_run(run["id"])
    assert record.info.status == "KILLED"
    assert record.data.tags["modelcompose.partial"] == "true"
    kept = json.loads(Path(store.tracking.client.download_artifacts(run["id"], "verdicts.json")).read_text("utf-8"))
    assert {one["step"] for one in kept if one["partial"]} == {s for s, one in verdicts.items() if one.partial}
    with xr.open_datatree(store.tracking.client.download_artifacts(run["id"], "posterior.nc")) as dt:
        assert "of 2 × 20000 draws" in dt["posterior"].attrs["partial"]
    events = [event for event in EventLog(store.folder(run["id"])).read() if event["type"] == "verdict"]
    assert {event["step"] for event in events if event["partial"]} == {s for s, one in verdicts.items() if one.partial}
