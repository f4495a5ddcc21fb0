"""Curves of sampling in MLflow: each point once, however often a run begins again, and nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelcompose as mc
from modelcompose.runs import EventLog, curves
from modelcompose.runs.curves import Curves
from modelcompose.runs.tracking import Point, Tracking

from .conftest import notebook, wait_for


def drawn(log: EventLog, finished: int, hear: Callable[[Any], object] = lambda _event: None) -> None:
    agreement = [{"name": "a", "rhat": 1.02, "ess": 300}, {"name": "b", "rhat": 1.01, "ess": 90 + finished}]
    shown = {"agreement": agreement} if finished >= 20 else {}
    hear(log.append("sampling", chains=[{}], finished=finished, total=60, divergences=1, rate=50.0, **shown))


def begun(log: EventLog, hear: Callable[[Any], object] = lambda _event: None) -> None:
    hear(log.append("step", step="fit", state="started", index=1, count=2))


def ended(log: EventLog) -> None:
    log.append("step", step="fit", state="done", index=1, count=2)
    log.append("step", step="recovery", state="started", index=2, count=2)
    log.append("sampling", chains=[], finished=9000, total=9000, divergences=0, seconds=1.0, left=None)
    log.append("step", step="recovery", state="done", index=2, count=2)


def test_points_are_written_while_it_draws_and_completed_at_the_end_each_once(
    store: Any, create: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves, "EVERY_SECONDS", 0.01)
    run = create(notebook(), here=True)
    folder, client = store.folder(run.id), store.tracking.client

    def steps(name: str) -> list[int]:
        return [one.step for one in client.get_metric_history(run.id, name)]

    log, live = EventLog(folder), Curves(store.tracking, run.id, folder)
    drawn(log, 3, live.hear)  # of no step
    begun(log, live.hear)
    drawn(log, 10, live.hear)
    wait_for(lambda: steps("live.divergences") == [10])
    drawn(log, 30, live.hear)
    wait_for(lambda: steps("live.divergences") == [10, 30])
    assert steps("live.rhat") == [30]
    live.close()
    monkeypatch.setattr(curves, "EVERY_SECONDS", 0.0)
    drawn(log, 40)
    store.finish(run.id, status="stopped", message="Stopped.")
    assert steps("live.divergences") == [10, 30, 40]

    store.reopen(run.id, here=True)
    begun(log)
    for finished in (10, 25, 40, 50, 60):
        drawn(log, finished)
    ended(log)
    store.finish(run.id, status="passed", message="All is well.")
    assert steps("live.divergences") == steps("live.rate") == [10, 30, 40, 50, 60]
    assert [(one.step, one.value) for one in client.get_metric_history(run.id, "live.ess")][-1] == (60, 150)
    assert {name for name in client.get_run(run.id).data.metrics if name.startswith("seconds.")} == {
        "seconds.fit",
        "seconds.recovery",
    }


def test_points_closer_than_anybody_sees_are_left_out_but_the_last_is_there(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    begun(log)
    for finished in range(5, 61, 5):
        drawn(log, finished)
    ended(log)
    assert {(name, step) for name, _, _, step in curves.points(tmp_path, log.read())} == {
        *[("live.divergences", 60), ("live.rate", 60), ("live.rhat", 60), ("live.ess", 60)]
    }


def test_nobody_waits_for_a_slow_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "EVERY_SECONDS", 0.01)
    asked, answer = threading.Event(), threading.Event()

    class Slow(Tracking):
        def measure(self, id: str, points: Any) -> None:  # noqa: A002
            asked.set()
            answer.wait(60)

    log, live = EventLog(tmp_path), Curves(Slow("http://127.0.0.1:9", tmp_path), "0" * 32, tmp_path)
    begun(log, live.hear)
    drawn(log, 10, live.hear)
    assert asked.wait(60)
    drawn(log, 20, live.hear)
    live.close()
    monkeypatch.undo()
    found: list[Point] = curves.points(tmp_path, log.read())
    assert {step for _, _, _, step in found} == {20}
    answer.set()


def test_what_is_noted_while_the_store_is_away_is_recorded_at_the_end(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with mc.track("growth", workspace=made[0]) as run:
        run.params(priors="wide")
        there = run._store.tracking
        run._store.tracking = Tracking("http://127.0.0.1:9", there.folder)
        run.params(rows=60, priors="narrow")
        run.params(days=3)
        run.metric("loss", 1.5, step=2)
        (run._folder / "posterior.nc").write_text("draws")
        run._note(file="posterior.nc")
        run._store.tracking = there
    found = run.run
    assert found.status == "warned"
    assert "Not all that was noted could be recorded: " in found.message
    record = there.client.get_run(run.id)
    assert record.data.params == {"priors": '"wide"', "rows": "60", "days": "3"}
    assert [(one.step, one.value) for one in there.client.get_metric_history(run.id, "loss")] == [(2, 1.5)]
    assert there.fetch(run.id, "posterior.nc")
    assert not (run._folder / "unrecorded.jsonl").exists()
