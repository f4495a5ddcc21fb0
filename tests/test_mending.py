"""Autopilot on real data: counts that vary more than a Poisson model allows become a negative binomial analysis."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pandas as pd
import pytest

from modelcompose import Workbench, cli
from modelcompose.runs.run import ENDED
from modelcompose.workflow.lineage import Lineage
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.slow  # by day, autopilot flies over cells that compute nothing: runs/test_autopilot.py
SLOPE = 0.5


def visits(folder) -> tuple[Workbench, str]:
    """Compose a Poisson analysis of 200 counts whose dispersion is known."""
    rng = np.random.default_rng(5)
    severity = rng.normal(size=200).round(3)
    mean, shape = np.exp(1.2 + SLOPE * severity), 1.5
    counts = rng.negative_binomial(shape, shape / (shape + mean))
    pd.DataFrame({"visits": counts, "severity": severity}).to_csv(folder / "visits.csv", index=False)
    workbench = Workbench(folder)
    choices = {"data": "visits.csv", "kinds": {"visits": "count"}, "question": "effect", "model": "poisson"}
    roles = {"outcome": "visits", "predictors": ["severity"], "draws": 400, "tune": 400}
    return workbench, workbench.compose({**choices, **roles})["path"]


def ended(workbench: Workbench, id_: str) -> dict:
    wait_for(lambda: workbench.get_run(id_)["status"] in ENDED, seconds=900)
    return workbench.get_run(id_)


@pytest.fixture(scope="module")
def mended(tmp_path_factory):
    """A run on autopilot in a process of its own."""
    workbench, path = visits(tmp_path_factory.mktemp("visits"))
    begun = workbench.start(path, {}, autopilot=3)
    assert (begun["status"], begun["autopilot"], begun["lineage"]) == ("queued", 3, None)
    return workbench, ended(workbench, begun["id"])


def is_mended(lineage: Lineage) -> bool:
    """Tell whether the way from the Poisson model to the best round ends at a negative binomial one that passes."""
    first, best = lineage["1"], lineage[lineage.best]
    assert (first.model, first.status, first.parent) == ("poisson", "failed", "")
    assert lineage.stopped.startswith("Stopped: ")
    return best.model == "negative-binomial" and best.status in ("passed", "warned")


def test_the_spread_is_found_too_large_and_mended(mended):
    workbench, run = mended
    lineage = Lineage.model_validate(run["lineage"])
    assert is_mended(lineage)
    assert {one.step for one in lineage.rounds[1:]} == {"posterior"}
    spread = [
        (one.before_status, one.status)
        for taken in lineage.path()
        for one in taken.findings
        if one.name.startswith("Spread")
    ]
    assert spread[0] == ("", "fail")
    assert spread[-1] == ("fail", "pass")
    best = workbench.get_run(lineage[lineage.best].run)
    nb = json.loads((workbench.workspace / best["executed"]).read_text())
    assert best["parent"] == run["id"]
    assert "answer" in {one["step"] for one in best["verdicts"]}
    assert Lineage.read(nb) == lineage


def test_the_events_of_all_rounds_can_be_followed_in_the_first(mended):
    workbench, run = mended
    events = workbench.events(run["id"])["events"]
    begun = [event for event in events if event["type"] == "round"]
    assert [one["id"] for one in begun] == [one["id"] for one in run["lineage"]["rounds"][1:]]
    best = run["lineage"]["best"]
    judged = [event["step"] for event in events if event["type"] == "verdict" and event.get("round") == best]
    assert judged[-1] == "answer"
    assert [one["step"] for one in run["verdicts"]][-1] == "posterior"
    assert events[-1]["type"] == "end"


def test_the_report_shows_how_the_model_came_about(mended):
    workbench, run = mended
    lineage = Lineage.model_validate(run["lineage"])
    report = (workbench.workspace / workbench.publish(lineage[lineage.best].run)["report"]).read_text()
    assert "How this model came about" in report
    assert "Stopped: " in report
    assert report.count("<rect") == len(lineage.rounds)


def test_the_command_line_lists_the_rounds(mended, capsys, monkeypatch):
    workbench, run = mended
    monkeypatch.chdir(workbench.workspace)
    assert cli.main(["runs", "show", run["id"]]) == 0
    said = capsys.readouterr().out
    assert "✗ round 1: As it was" in said
    assert f"round {run['lineage']['best']}, the best: " in said
    assert run["lineage"]["stopped"] in said


def test_a_chain_that_was_killed_goes_on_where_it_was(tmp_path):
    workbench, path = visits(tmp_path)
    id_ = workbench.start(path, {}, autopilot=3)["id"]

    def at(kind: str, **like: str) -> list[dict]:
        events = workbench.events(id_)["events"]
        return [one for one in events if one["type"] == kind and like.items() <= one.items()]

    wait_for(lambda: at("step", step="posterior", state="started", round="2"), seconds=900)
    process = json.loads((tmp_path / ".modelcompose" / "runs" / id_ / "process.json").read_text())
    os.kill(process["pid"], signal.SIGKILL)
    wait_for(lambda: workbench.get_run(id_)["status"] == "error")
    before = len(at("step", state="started"))
    workbench.resume(id_)
    run = ended(workbench, id_)
    lineage = Lineage.model_validate(run["lineage"])
    assert is_mended(lineage)
    started = [(one["step"], one.get("round")) for one in at("step", state="started")[before:]]
    assert {("fit", None), ("fit", "2")}.isdisjoint(started)
