"""A waiver reaches every verdict that rests on the failure it lets pass, finished steps included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from modelcompose.analysis import Analysis
from modelcompose.runs import execute
from modelcompose.runs.checkpoints import Checkpoints
from modelcompose.runs.finished import Finished
from modelcompose.runs.keys import Keys
from modelcompose.verdict import MIME, Verdict
from modelcompose.workflow.notebook import digest

from .conftest import notebook, step

STEPS = ("data", "model", "fit", "sampling", "posterior", "answer")
WAIVER = {"step": "sampling", "by": "A. Name", "reason": "A pilot."}


def executed(waivers: list[dict[str, str]]) -> Any:
    """A notebook whose cells show a verdict each."""

    def cell(step: str) -> Any:
        source = f"# {step}"
        verdict = Verdict(step=step, title=step, status="pass", sentence="")
        shown = new_output("display_data", data={MIME: verdict.model_dump(mode="json")})
        marks = {"modelcompose": {"step": step, "composed": digest(source)}}
        return new_code_cell(source, metadata=marks, outputs=[shown])

    choices = f'data = "table.csv"\non_fail = "warn"\nwaivers = {waivers}'
    return new_notebook(cells=[new_code_cell(choices, metadata={"tags": ["parameters"]}), *map(cell, STEPS)])


@pytest.fixture
def finished(tmp_path: Path) -> Any:
    (tmp_path / "table.csv").write_text("a\n1\n")
    checkpoints = Checkpoints(tmp_path / "steps")

    def of(waivers: list[dict[str, str]]) -> Finished:
        nb = executed(waivers)
        return Finished(nb, Keys(nb, Analysis.read(nb), tmp_path, "python3"), checkpoints, tmp_path)

    return of


def kept(finished: Finished, waivers: list[dict[str, str]]) -> None:
    for name, cell in zip(STEPS, executed(waivers)["cells"][1:], strict=True):
        finished.begin(name)
        finished.keep(name, [cell], lambda _part, _seconds: True, ended=True)


@pytest.mark.parametrize(("before", "after"), [([WAIVER], []), ([], [WAIVER])])
def test_an_answer_is_judged_anew_when_a_waiver_before_it_comes_or_goes(finished: Any, before: Any, after: Any) -> None:
    kept(finished(before), before)
    assert [step for step in STEPS if finished(before).stands(step)] == list(STEPS)
    assert [step for step in STEPS if finished(after).stands(step)] == ["data", "model", "fit", "posterior"]


def test_what_was_computed_is_found_again_whoever_waives(finished: Any) -> None:
    kept(finished([]), [])
    assert all(finished([WAIVER]).find(step) is not None for step in STEPS)


def test_a_running_and_an_ended_run_tell_that_a_failure_was_waived(store: Any, create: Any) -> None:
    source = f'judge("posterior", "fail", waived={WAIVER | {"step": "posterior"}})'
    heard: list[dict[str, Any]] = []
    run = execute(store, create(notebook(step("posterior", source))).id, heard.append)
    (event,) = [event for event in heard if event["type"] == "verdict"]
    assert (event["status"], event["waived"]) == ("fail", True)
    assert [(one.status, one.waived) for one in run.verdicts] == [("fail", True)]
    assert run.status == "warned"
