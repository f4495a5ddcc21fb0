"""A run ends as it truly ended, and everything it made is on record."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest

from modelcompose.errors import Conflict
from modelcompose.runs import Control, EventLog, execute
from modelcompose.runs.engine import Outcome
from modelcompose.runs.execute import judged
from modelcompose.verdict import Verdict

from .conftest import notebook, step, wait_for, workflow


@pytest.fixture(scope="module")
def passed(store: Any, create: Any) -> Any:
    """A run that went well, and the events heard from it."""
    run = create(workflow(), name="a good / study", dataset_sha256="0")
    heard: list[dict[str, Any]] = []
    return execute(store, run.id, heard.append), heard


def test_a_good_run_is_passed(passed: Any) -> None:
    run, _ = passed
    assert run.status == "passed"
    assert [verdict.step for verdict in run.verdicts] == ["data", "sampling", "answer"]
    assert run.started < run.ended
    assert run.notebook == "studies/study.ipynb"


def test_events_are_numbered_in_order_and_heard_as_logged(store: Any, passed: Any) -> None:
    run, heard = passed
    logged = EventLog(store.folder(run.id)).read()
    assert [event["n"] for event in logged] == list(range(1, len(logged) + 1))
    assert heard == logged[1:]
    assert [event["type"] for event in logged] == [
        *["run", "claimed", "step", "verdict", "step"],
        *["step", *["sampling"] * 5, "step"],
        *["step", "verdict", "step"],
        *["step", "verdict", "step", "end"],
    ]
    steps = [(event["step"], event["state"], event["index"], event["count"]) for event in logged if "state" in event]
    assert steps[:3] == [("data", "started", 1, 4), ("data", "done", 1, 4), ("fit", "started", 2, 4)]
    sampling = [event for event in logged if event["type"] == "sampling"]
    assert [event["finished"] for event in sampling] == [1, 2, 3, 4, 5]
    assert sampling[0]["left"] is None
    assert logged[-1]["status"] == "passed"


def test_mlflow_has_params_metrics_tags_and_files(store: Any, passed: Any) -> None:
    run, _ = passed
    client = store.tracking.client
    record = client.get_run(run.id)
    assert {file.path for file in client.list_artifacts(run.id)} == {
        *["analysis.json", "events.jsonl", "notebook.ipynb", "posterior.nc", "record.json"],
        *["source.ipynb", "verdicts.json"],
    }
    assert record.info.status == "FINISHED"
    steps = {f"seconds.{name}" for name in ("data", "fit", "sampling", "answer")}
    assert set(record.data.metrics) == {"data.rows-all", "sampling.draws", "live.divergences", "seconds", *steps}
    assert (record.data.metrics["data.rows-all"], record.data.metrics["sampling.draws"]) == (18, 5)
    assert [one.step for one in client.get_metric_history(run.id, "live.divergences")] == [5]
    assert record.data.metrics["seconds.fit"] > 0.05
    assert json.loads(record.data.params["draws"]) == 1000
    assert record.data.params["estimand"].endswith("…")
    assert len(json.loads(store.artifact(run.id, "analysis.json").read_text())["estimand"]) == 10_000
    assert record.data.tags["dataset.sha256"] == "5ha"
    assert record.data.tags["modelcompose.model"] == "varying-slopes"
    assert store.artifact(run.id, "posterior.nc").read_text() == "5"
    assert '"end"' in Path(client.download_artifacts(run.id, "events.jsonl")).read_text()


def test_the_executed_notebook_is_visible_and_still_an_analysis(store: Any, passed: Any) -> None:
    run, _ = passed
    assert run.executed == f"runs/a-good-study-{run.id[:8]}.ipynb"
    nb = nbformat.read(store.workspace / run.executed, as_version=4)
    assert nb.cells[1].source == 'data = "../studies/table.csv"'
    assert [cell.source for cell in nb.cells[2:]] == [cell.source for cell in workflow().cells[2:]]
    assert "papermill" not in json.dumps(nb)
    assert str(store.workspace) not in json.dumps(nb)
    assert nb.metadata.modelcompose.run.id == run.id


def test_a_run_is_executed_once(store: Any, passed: Any) -> None:
    with pytest.raises(Conflict, match="ended already"):
        execute(store, passed[0].id)


GATE = """
verdict = judge("sampling", "fail", "The chains disagree.", remedies=[Remedy(label="Draw more", why="", changes={})])
if STOPS:
    raise GateFailed(verdict)
"""


def test_a_failed_gate_is_failed_and_says_why(store: Any, create: Any) -> None:
    nb = notebook(step("sampling", GATE.replace("STOPS", "True")), step("answer", 'judge("answer")'))
    run = execute(store, create(nb).id)
    assert (run.status, run.message) == ("failed", "Is sampling right? The chains disagree.")
    assert [event["state"] for event in EventLog(store.folder(run.id)).read() if "state" in event] == [
        "started",
        "failed",
    ]
    shown = nbformat.read(store.workspace / run.executed, as_version=4)
    assert len(shown.cells) == len(nb.cells)
    assert shown.cells[3].outputs[-1].ename == "GateFailed"
    assert "Traceback" not in json.dumps(shown)
    assert store.tracking.client.get_run(run.id).info.status == "FAILED"


def test_findings_against_which_the_run_went_on_still_count(store: Any, create: Any) -> None:
    warned = notebook(step("data", 'judge("data", "warn", "Few rows.")'), step("answer", 'judge("answer", "info")'))
    run = execute(store, create(warned).id)
    assert (run.status, run.message) == ("warned", "Is data right? Few rows.")
    failed = notebook(step("sampling", GATE.replace("STOPS", "False")), step("answer", 'judge("answer")'))
    assert execute(store, create(failed).id).status == "failed"


def test_a_crash_is_an_error_without_a_traceback(store: Any, create: Any, capfd: pytest.CaptureFixture[str]) -> None:
    nb = notebook(step("data", 'judge("data")'), step("model", "1 / 0"), step("answer", 'judge("answer")'))
    run = execute(store, create(nb).id)
    assert run.status == "error"
    assert run.message == "Step model ended with ZeroDivisionError: division by zero"
    assert [verdict.step for verdict in run.verdicts] == ["data"]
    assert capfd.readouterr() == ("", "")


def test_a_kernel_that_dies_is_an_error(store: Any, create: Any) -> None:
    nb = notebook(step("fit", "import os; os.kill(os.getpid(), 9)"), step("answer", 'judge("answer")'))
    run = execute(store, create(nb).id)
    assert run.status == "error"
    assert "kernel died during step fit" in run.message


def test_a_notebook_that_judges_nothing_is_not_passed(store: Any, create: Any) -> None:
    nb = notebook(step("data", "import pathlib, sys; print(pathlib.Path('table.csv').exists(), sys.executable)"))
    nb.metadata["kernelspec"] = {"name": "not-installed-here", "display_name": "?", "language": "python"}
    nb.cells.append(step("fit", 'emit(type="end", status="passed"); emit(type="sampling", n=99, time="never")'))
    run = execute(store, create(nb).id)
    assert run.status == "warned"
    shown = nbformat.read(store.workspace / run.executed, as_version=4)
    assert shown.cells[3].outputs[0].text.split() == ["True", sys.executable]
    events = EventLog(store.folder(run.id)).read()
    assert [event["type"] for event in events][-3:] == ["sampling", "step", "end"]
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))


def test_a_stop_between_steps_runs_no_further_cell(store: Any, create: Any) -> None:
    nb = notebook(step("data", "import time; time.sleep(30)"), step("answer", 'judge("answer")'))
    run = create(nb)
    control = Control()
    stopper = threading.Thread(target=_stop_when_begun, args=(store, run.id, control, "step"))
    stopper.start()
    run = execute(store, run.id, control=control)
    stopper.join()
    assert run.status == "stopped"
    assert "during step data" in run.message
    assert run.verdicts == ()


STUBBORN = """
import time
for _ in range(5000):
    try:
        emit()
        time.sleep(0.02)
    except KeyboardInterrupt:
        emit(held=True)
"""


def test_a_second_stop_ends_at_once(store: Any, create: Any) -> None:
    run = create(notebook(step("fit", STUBBORN), step("answer", 'judge("answer")')))
    control = Control()

    def press_twice() -> None:
        _stop_when_begun(store, run.id, control, "sampling")
        wait_for(lambda: any("held" in event for event in EventLog(store.folder(run.id)).read()))
        control.stop()

    stopper = threading.Thread(target=press_twice)
    stopper.start()
    run = execute(store, run.id, control=control)
    stopper.join()
    assert run.status == "stopped"
    assert run.message == "Ended at once during step fit; what was done before is kept."


def test_a_termination_ends_at_once_and_is_recorded(store: Any, create: Any) -> None:
    run = create(notebook(step("fit", STUBBORN)))
    before = signal.getsignal(signal.SIGTERM)

    def terminate() -> None:
        wait_for(lambda: len(EventLog(store.folder(run.id)).read()) > 3)
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=terminate)
    stopper.start()
    run = execute(store, run.id)
    stopper.join()
    assert (run.status, run.verdicts) == ("stopped", ())
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_before_the_kernel_has_begun_runs_nothing(store: Any, create: Any) -> None:
    control = Control()
    control.stop()
    run = execute(store, create(notebook(step("data", 'judge("data")'))).id, control=control)
    assert (run.status, run.message) == ("stopped", "Stopped by you before the first step; what was done is kept.")


def _stop_when_begun(store: Any, run_id: str, control: Control, kind: str) -> None:
    log = EventLog(store.folder(run_id))
    wait_for(lambda: [event for event in log.read() if event["type"] == kind])
    control.stop()


def test_papermill_finds_the_engine_by_its_name(tmp_path: Path) -> None:
    import papermill

    from modelcompose.runs.engine import NAME, register

    register()
    nbformat.write(notebook(step("data", 'judge("data")')), tmp_path / "in.ipynb")
    papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", engine_name=NAME, kernel_name="python3", progress_bar=False
    )
    assert "Is data right?" in (tmp_path / "out.ipynb").read_text()


BAD = Verdict(step="sampling", title="Sampling", status="fail", sentence="Too few draws.")
KEPT = "Stopped by you during step fit; the draws so far were kept, and"


@pytest.mark.parametrize(
    ("outcome", "stopping", "status", "message"),
    [
        (Outcome(), False, "failed", "Sampling: Too few draws."),
        (Outcome(), True, "failed", "Sampling: Too few draws."),
        (Outcome(7, "sampling", "GateFailed", "…"), False, "failed", "Sampling: Too few draws."),
        (
            Outcome(7, "sampling", "GateFailed", "…", interrupted="fit"),
            True,
            "stopped",
            f"{KEPT} the steps after it rest on them. Sampling: Too few draws.",
        ),
        (Outcome(interrupted="fit"), True, "stopped", f"{KEPT} the remaining steps rest on them. Sampling: Too few"),
        (Outcome(5, "fit", "KeyboardInterrupt", "", "fit"), True, "stopped", "Stopped by you during step fit, which"),
        (Outcome(8, "answer", "ValueError", "no", "fit"), True, "error", "Step answer ended with ValueError: no"),
        (Outcome(6, "fit"), True, "stopped", "Stopped by you after step fit; what was done is kept."),
        (
            Outcome(2, "", "NameError", "name"),
            False,
            "error",
            "A cell before the first step ended with NameError: name",
        ),
    ],
)
def test_the_status_says_what_happened_and_who_ended_it(
    outcome: Outcome, stopping: bool, status: str, message: str
) -> None:
    control = Control()
    control.outcome, control.stopping = outcome, stopping
    found = judged([BAD], control)
    assert found[0] == status
    assert found[1].startswith(message)
