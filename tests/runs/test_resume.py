"""A run that was killed goes on where it was: nothing that had finished runs twice, and the verdicts are the same."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from modelcompose import Workbench
from modelcompose.errors import Conflict, NotFound
from modelcompose.runs import Control, EventLog, Run, RunStore, execute, resume, start
from modelcompose.runs.process import Process
from modelcompose.verdict import verdict_in

from .conftest import wait_for
from .test_checkpoints import ALL, CELLS, Bench, study

TOOK = re.compile(r"[\d.,]+ (?:s|seconds?|minutes?|hours?)\b")


def killed(store: RunStore, run: Run, pid: int, step: str) -> None:
    """Kill a run's process as soon as it is within a step, and wait until that is known."""
    log = EventLog(store.folder(run.id))
    since = max(event["n"] for event in log.read() if event["type"] in {"run", "resume"})
    within = {"type": "step", "step": step, "state": "started"}
    wait_for(lambda: any(within.items() <= event.items() for event in log.read(since)), 900)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: store.get(run.id).status == "error")


def judged(store: RunStore, run: Run) -> dict[str, Any]:
    """The verdicts of a run by step, without what a clock has measured."""
    import nbformat

    nb = nbformat.read(store.workspace / str(store.get(run.id).executed), as_version=4)
    found = [verdict for cell in nb.cells if (verdict := verdict_in(cell.get("outputs", [])))]
    return {verdict.step: _without_time(verdict.model_dump(mode="json")) for verdict in found}


def _without_time(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_time(item) for name, item in value.items() if name != "seconds"}
    if isinstance(value, list):
        return [_without_time(item) for item in value]
    return TOOK.sub("…", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("workspace"))


def slow(nb: Any) -> Any:
    """The same notebook, each step of which waits for as long as a file is there, and dies with its run."""
    nb.cells[1].source += (
        "\nimport time\n"
        "parent = os.getppid()\n"
        "def pause(step):\n"
        "    while pathlib.Path(os.environ['COUNTS']).with_name(f'pause-{step}').exists():\n"
        "        time.sleep(0.05)\n"
        "    if os.getppid() != parent:\n"  # the run was killed meanwhile: this kernel is an orphan
        "        os._exit(1)\n"
    )
    for cell in nb.cells[2:]:
        step = cell.metadata.modelcompose["step"]
        cell.source = cell.source.replace("mc.check.", f"pause('{step}')\nmc.check.")
    return nb


def again(store: RunStore, id: str) -> int:  # noqa: A002
    return start(store, resume(store, id).id)


@pytest.fixture(scope="module")
def disturbed(bench: Bench) -> tuple[Run, list[list[str]]]:
    """A run whose process was killed within every step in turn, and what it had executed each time it began anew."""
    bench.counts.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTS", str(bench.counts))
        run = bench.create(slow(study()))
        begin, seen = start, []
        for step in CELLS:
            (bench.folder / f"pause-{step}").touch()
            killed(bench.store, run, begin(bench.store, run.id), step)
            (bench.folder / f"pause-{step}").unlink()
            begin = again
            seen.append(bench.executed())
        begin(bench.store, run.id)
        wait_for(lambda: bench.store.get(run.id).ended)
        seen.append(bench.executed())
    return bench.store.get(run.id), seen


def test_a_run_that_was_killed_in_every_step_ends_like_an_undisturbed_one(bench: Bench, disturbed: Any) -> None:
    run, _ = disturbed
    undisturbed = bench.run(slow(study()), fresh=True)
    assert bench.cached(undisturbed) == set()
    assert (run.status, run.message) == (undisturbed.status, undisturbed.message) == ("passed", run.message)
    assert judged(bench.store, run) == judged(bench.store, undisturbed)
    assert set(judged(bench.store, run)) == ALL


def test_nothing_that_had_finished_ran_twice(disturbed: Any) -> None:
    _, seen = disturbed
    steps = list(CELLS)
    last = seen[-1]
    for step in ("prior", "fit", "posterior"):
        assert last.count(f"compute {step}") <= 2, "once in the attempt that was killed"
    for step in steps:
        assert last.count(f"check {step}") == 1, step
    for at, executed in enumerate(seen[1:], start=1):
        fresh = executed[len(seen[at - 1]) :]
        again = {what for what in fresh if not what.startswith("define")} & {
            f"check {step}" for step in steps[: at - 1]
        }
        assert again == set()


def test_a_resumed_run_keeps_its_record(bench: Bench, disturbed: Any) -> None:
    run, _ = disturbed
    events = EventLog(bench.store.folder(run.id)).read()
    assert [event["type"] for event in events].count("resume") == len(CELLS)
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    assert bench.store.tracking.client.get_run(run.id).info.status == "FINISHED"
    assert [verdict.step for verdict in run.verdicts] == list(CELLS)
    assert len([one for one in bench.store.list() if one.id == run.id]) == 1


def test_only_what_was_stopped_or_died_can_be_resumed(bench: Bench, disturbed: Any) -> None:
    run, _ = disturbed
    with pytest.raises(Conflict, match=r"has ended \(passed\); there is nothing to resume"):
        resume(bench.store, run.id)
    with pytest.raises(Conflict, match="nothing to resume"):
        Workbench(bench.folder).resume(run.id[:12])
    waiting = bench.create(study())
    with pytest.raises(Conflict, match="still queued"):
        resume(bench.store, waiting.id)
    with pytest.raises(NotFound):
        resume(bench.store, "0" * 32)
    stopped = bench.store.finish(waiting.id, status="stopped", message="Enough.")
    with pytest.raises(Conflict, match="ended already"):
        execute(bench.store, stopped.id)
    bench.store.reopen(stopped.id)
    with pytest.raises(Conflict, match="still queued"):
        bench.store.reopen(stopped.id)
    control = Control(env={"COUNTS": str(bench.counts)})
    assert execute(bench.store, stopped.id, control=control).status == "passed"


def test_verdicts_of_before_the_end_are_not_told_twice(bench: Bench) -> None:
    run = bench.create(study())
    EventLog(bench.store.folder(run.id)).append("verdict", step="data", title="", status="pass", sentence="")
    bench.store.finish(run.id, status="error", message="It died.")
    assert bench.store.reopen(run.id).verdicts == ()


# -- draws that were complete ----------------------------------------------------------------------------------------


def test_draws_that_were_saved_before_the_process_died_are_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import pymc as pm

    from modelcompose import samplers

    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, 1, observed=np.array([0.1, 0.4, -0.2]))
    asked: dict[str, Any] = {"draws": 50, "tune": 50, "chains": 2, "random_seed": 1}
    for name, value in {"RUN_FOLDER": str(tmp_path), "STEP": "fit", "STEP_KEY": "abc"}.items():
        monkeypatch.setenv(f"MODELCOMPOSE_{name}", value)
    drawn = samplers.fit(model, **asked)

    def sampler(_name: str) -> Any:
        raise AssertionError("it samples again")

    def new_process(step: str = "fit", key: str = "abc") -> None:
        monkeypatch.setattr(samplers, "_COUNTS", {})
        monkeypatch.setenv("MODELCOMPOSE_STEP", step)
        monkeypatch.setenv("MODELCOMPOSE_STEP_KEY", key)

    monkeypatch.setattr(samplers, "_sampler", sampler)
    new_process()
    again = samplers.fit(model, **asked)
    assert again["posterior"].to_dataset().equals(drawn["posterior"].to_dataset())
    assert again["observed_data"].to_dataset().equals(drawn["observed_data"].to_dataset())
    assert again["posterior"].attrs["requested_draws"] == 50
    with pytest.raises(AssertionError, match="samples again"):
        samplers.fit(model, **asked)  # the second fit of the step is another one
    for other in ({"key": "other"}, {"key": ""}, {"step": "recovery"}):
        new_process(**other)
        with pytest.raises(AssertionError, match="samples again"):
            samplers.fit(model, **asked)
    (tmp_path / "posterior.nc").write_bytes(b"half of it")
    new_process()
    with pytest.raises(AssertionError, match="samples again"):
        samplers.fit(model, **asked)


def test_only_the_fit_saves_the_posterior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelcompose import samplers

    monkeypatch.setenv("MODELCOMPOSE_RUN_FOLDER", str(tmp_path))
    for step, place in {"": tmp_path / "posterior.nc", "fit": tmp_path / "posterior.nc", "recovery": None}.items():
        monkeypatch.setenv("MODELCOMPOSE_STEP", step)
        assert samplers._place() == place


# -- the real workflow -----------------------------------------------------------------------------------------------

FULL = Path(__file__).parents[2] / "workflows" / "full.ipynb"
STEPS = (
    list(
        dict.fromkeys(
            step
            for cell in json.loads(FULL.read_text("utf-8"))["cells"]
            if cell["cell_type"] == "code" and (step := cell["metadata"].get("modelcompose", {}).get("step"))
        )
    )
    if FULL.exists()
    else []
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunStore, Run, Run]:
    """The full workflow, killed within every step in turn, and the same without any disturbance."""
    workspace = tmp_path_factory.mktemp("real")
    bench = Workbench(workspace)
    choices = {
        "data": "sample:sleepstudy",
        "outcome": "Reaction",
        "draws": 200,
        "tune": 200,
        "universes": 2,
        "simulations": 5,
        "rival_priors": [2.0],
        "decision": {"better": "lower", "value": 1.0, "cost": 2.0},
        "on_fail": "warn",
    }
    path = bench.compose(choices, workflow="full")["path"]
    store = RunStore(workspace)
    run = store.get(bench.start(path, retries=0)["id"])
    for step in STEPS:
        process = wait_for(lambda: Process.read(store.folder(run.id)))
        killed(store, run, process.pid, step)
        bench.resume(run.id)
    wait_for(lambda: store.get(run.id).ended, 1800)
    undisturbed = bench.run(path, fresh=True)
    return store, store.get(run.id), store.get(undisturbed["id"])


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_real_workflow_that_had_finished_did_not_run_again(real: Any, step: str) -> None:
    store, run, _ = real
    events = [event for event in EventLog(store.folder(run.id)).read() if event["type"] == "step"]
    states = [event["state"] for event in events if event["step"] == step]
    finished = next(at for at, state in enumerate(states) if state in {"done", "cached"})
    assert states[:finished] == ["started"] * finished
    assert 1 <= finished <= 2, "in the attempt that was killed within it, and in the next"
    assert set(states[finished + 1 :]) <= {"cached"}
    assert len(states) >= len(STEPS) - STEPS.index(step) + 1, "once in every attempt that came so far"


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_verdict_of_the_real_workflow_is_that_of_an_undisturbed_run(real: Any, step: str) -> None:
    store, run, undisturbed = real
    assert judged(store, run)[step] == judged(store, undisturbed)[step]
