"""Autopilot takes the best remedy, goes back from one that made things worse, and says honestly why it stopped."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from typing import Any

import nbformat
import pytest

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidAnalysis
from modelcompose.runs import Control, EventLog, Ready, autopilot
from modelcompose.workflow.lineage import Lineage

from .conftest import notebook, step, wait_for

PARAMETERS = """data = "table.csv"
model = "plain"
formula = "y ~ x"
predictors = ["x"]
draws = 1000
prior_scale = 1.0
on_fail = "stop"
"""
STOP = """
def gate(step, status, findings=(), remedies=(), **more):
    verdict = judge(step, status, remedies=remedies, findings=findings, **more)
    if status == "fail" and on_fail == "stop":
        raise GateFailed(verdict)

def found(name, status, shown, **more):
    return Finding(name=name, status=status, shown=shown, **more)
"""


def scripted(cells: Mapping[str, str]) -> Any:
    """A notebook whose verdicts are what the scripts make of the choices."""
    nb = notebook(step("", STOP), *(step(name, source) for name, source in cells.items()))
    nb.cells[1].source = PARAMETERS
    return nb


def prepare(nb: Mapping[str, Any], changes: Mapping[str, Any], _notebook: str) -> Ready:
    """Apply changes as the workbench does, but for the catalogue; the formula counts as written by hand."""
    if "formula" in changes:
        raise Conflict("formula would change a cell that was edited by hand")
    if changes.get("model") == "unknown":
        raise InvalidAnalysis("there is no model 'unknown'")
    ready = copy.deepcopy(dict(nb))
    analysis = Analysis.read(ready).changed(changes)
    analysis.write(ready)
    return Ready(ready, analysis, analysis.data)


@pytest.fixture
def flown(store: Any, create: Any) -> Any:
    """Runs a scripted notebook on autopilot; returns the run, its lineage and the events."""

    def fly(cells: Mapping[str, str], rounds: int, **more: Any) -> tuple[Any, Lineage, list[dict[str, Any]]]:
        nb = scripted(cells)
        run = create(nb, analysis=Analysis.read(nb), autopilot=rounds)
        heard: list[dict[str, Any]] = []
        run = autopilot(store, run.id, rounds, prepare, heard.append, **more)
        return run, Lineage.model_validate(run.lineage), heard

    return fly


def _inside(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


CROOKED = {
    "sampling": """
gate("sampling", "fail" if model == "crooked" else "warn" if draws < 2000 else "pass",
     [found("R-hat", "fail" if model == "crooked" else "warn" if draws < 2000 else "pass", f"{1 + 20 / draws:.2f}")],
     [Remedy(label="Draw more", why="More draws settle.", changes={"draws": 2000}, cost="twice as long", score=0.8)])
""",
    "posterior": """
gate("posterior", "pass" if model == "right" else "fail",
     [found("Zeros", "pass" if model == "right" else "fail", model)],
     [Remedy(label="Use the right one", why="It has zeros.", changes={"model": "right"}, score=0.4),
      Remedy(label="Use the crooked one", why="It sounds good.", changes={"model": "crooked"}, score=0.9)])
""",
    "influence": """
rows = [-draws / 20 - 1, -draws / 20 + 1]
judge("influence", details={"elpd": {"elpd": sum(rows), "se": 2.0, "rows": rows}})
""",
    "answer": 'judge("answer", "info")',
}


def test_it_goes_back_from_what_made_things_worse_and_on_from_what_helped(flown: Any, store: Any) -> None:
    run, lineage, heard = flown(CROOKED, 5)
    assert [(one.id, one.parent, one.label) for one in lineage.rounds] == [
        ("1", "", "As it was"),
        ("2", "1", "Use the crooked one"),
        ("3", "1", "Use the right one"),
        ("4", "3", "Draw more"),
    ]
    assert [one.id for one in lineage.path()] == ["1", "3", "4"]
    assert lineage.stopped == "Stopped: all checks pass after 2 changes."
    assert [one.status for one in lineage.rounds] == ["failed", "failed", "warned", "passed"]
    assert [one.elpd for one in lineage.rounds] == [None, None, -100.0, -200.0]
    assert [(one.gain, one.gain_se) for one in lineage.rounds] == [(None, None)] * 3 + [(-100.0, 0.0)]

    # The run that was started keeps its own outcome and names the best.
    assert run.status == "failed"
    named = f"Round 4 (run {lineage['4'].run[:8]}) is the best."
    assert run.message.endswith(f"Autopilot {_inside(lineage.stopped)} {named}")
    assert [one.step for one in run.verdicts] == ["sampling", "posterior"]

    # Before and after, of what did not pass before or does not now.
    changed = {(one.step, one.name): one for one in lineage["3"].findings}
    assert (changed["posterior", "Zeros"].before_status, changed["posterior", "Zeros"].status) == ("fail", "pass")
    assert (changed["posterior", "Zeros"].before, changed["posterior", "Zeros"].shown) == ("plain", "right")
    lost = {one.name: one.status for one in lineage["2"].findings}
    assert lost == {"R-hat": "fail", "Zeros": ""}

    # Each round is a run of its own, whose notebook carries the choices and the lineage up to it.
    best = store.get(lineage["4"].run)
    assert (best.parent, best.status, best.name) == (run.id, "passed", f"{run.name}-round-4")
    nb = nbformat.read(store.workspace / best.executed, as_version=4)
    assert (Analysis.read(nb).model, Analysis.read(nb).draws) == ("right", 2000)
    assert Lineage.read(nb) == lineage
    assert json.loads(store.artifact(best.id, "lineage.json").read_text()) == lineage.model_dump(mode="json")
    second = nbformat.read(store.workspace / store.get(lineage["2"].run).executed, as_version=4)
    assert [one.id for one in Lineage.read(second).rounds] == ["1", "2"]
    record = store.tracking.client.get_run(best.id)
    assert record.data.tags["modelcompose.parent"] == record.data.tags["mlflow.parentRunId"] == run.id

    # The first run's log tells everything, and ends last.
    rounds = [event for event in heard if event["type"] == "round"]
    assert [(one["id"], one["step"], one["run"]) for one in rounds] == [
        (one.id, one.step, one.run) for one in lineage.rounds[1:]
    ]
    assert heard == EventLog(store.folder(run.id)).read()[1:]
    assert [event["type"] for event in heard].count("end") == 1
    assert heard[-1]["type"] == "end"
    assert {event.get("round") for event in heard if event["type"] == "verdict"} == {None, "2", "3", "4"}


GROWING = """
enough = found("ESS", "fail" if draws < 8000 else "pass", str(draws), rule="ess", value=draws / 100)
gate("sampling", enough.status, [enough],
     [Remedy(label="Draw more", why="", changes={"draws": 2 * draws}),
      Remedy(label="Halve the priors", why="", changes={"prior_scale": prior_scale / 2})])
"""


@pytest.mark.slow
def test_it_stops_when_the_rounds_are_used_up_and_keeps_what_came_nearer(flown: Any) -> None:
    run, lineage, _ = flown({"sampling": GROWING, "answer": 'judge("answer")'}, 2)
    assert [(one.parent, one.changes) for one in lineage.rounds] == [
        ("", {}),
        ("1", {"draws": 2000}),
        ("2", {"draws": 4000}),
    ]
    assert lineage.best == "3"
    assert lineage.stopped == "Stopped: all 2 rounds are used up; what fails still: ESS."
    assert run.status == "failed"


HOPELESS = """
remedies = [
    Remedy(label="Leave out row 17", why="", changes={"recipe": [{"do": "filter", "where": "x < 9"}]}, score=1),
    Remedy(label="Drop x", why="", changes={"predictors": []}, score=0.9),
    Remedy(label="Let it pass", why="", changes={"waivers": [{"step": "posterior", "by": "me", "reason": "no"}]}),
    Remedy(label="Write it anew", why="", changes={"formula": "y ~ z"}),
    Remedy(label="Use another", why="", changes={"model": "unknown"}),
    Remedy(label="Think", why="", changes={}),
    Remedy(label="Halve the priors", why="", changes={"prior_scale": 0.5 if prior_scale == 1 else 1.0}),
]
gate("posterior", "fail", [found("Spread", "fail", f"{prior_scale}")], remedies)
"""


def test_it_leaves_to_people_what_is_theirs_and_says_what_it_could_not_do(flown: Any) -> None:
    run, lineage, _ = flown({"posterior": HOPELESS}, 9)
    assert [one.label for one in lineage.rounds] == ["As it was", "Halve the priors"]
    assert lineage.best == "1"
    assert lineage.stopped.startswith("Stopped: no remedy is left for: Spread.")
    for said in (
        "“Leave out row 17” is for a person to decide.",
        "“Drop x” is for a person to decide.",
        "“Let it pass” is for a person to decide.",
        "“Write it anew” would change a cell that was edited by hand.",
    ):
        assert said in lineage.stopped
    assert run.message.endswith(_inside(lineage.stopped))


def test_a_warning_is_worth_a_round_only_with_a_promising_remedy(flown: Any) -> None:
    warned = 'gate("prior", "warn", [found("Width", "warn", "2")], [Remedy(label="Try", why="", changes={"draws": 9}, '
    _, lineage, _ = flown({"prior": f"{warned} score=0.49)])"}, 3)
    assert len(lineage.rounds) == 1
    assert lineage.stopped == "Stopped: nothing fails as it is; no promising remedy is left for the warnings: Width."


def test_a_notebook_that_passes_or_breaks_off_has_no_second_round(flown: Any) -> None:
    run, lineage, heard = flown({"answer": 'judge("answer")'}, 3)
    assert (run.status, lineage.best, lineage.stopped) == ("passed", "1", "Stopped: all checks pass as it is.")
    assert not [event for event in heard if event["type"] == "round"]
    run, lineage, _ = flown({"answer": "1 / 0"}, 3)
    assert run.status == lineage["1"].status == "error"
    assert "broke off with an error" in lineage.stopped


ENDLESS = """
import time
if model == "slow":
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
gate("posterior", "fail", [], [Remedy(label="Use the slow one", why="", changes={"model": "slow"})])
"""


def test_a_stop_ends_the_round_and_the_chain_and_keeps_what_is_done(flown: Any, store: Any) -> None:
    control = Control()

    def press(event: dict[str, Any]) -> None:
        if event["type"] == "step" and event.get("round") == "2":
            control.stop()

    log: list[dict[str, Any]] = []
    watcher = threading.Thread(
        target=lambda: press(wait_for(lambda: next((one for one in log if one.get("round") == "2"), None)))
    )
    watcher.start()
    nb = scripted({"posterior": ENDLESS, "answer": 'judge("answer")'})
    run = store.create(nb, name="n", notebook_path="studies/study.ipynb", analysis=Analysis.read(nb), autopilot=5)
    run = autopilot(store, run.id, 5, prepare, log.append, control=control)
    watcher.join()
    lineage = Lineage.model_validate(run.lineage)
    assert [one.status for one in lineage.rounds] == ["failed", "stopped"]
    assert lineage.best == "1"
    assert lineage.stopped == "Stopped by you in round 2; what was done is kept."
    assert store.get(lineage["2"].run).status == "stopped"


def test_what_goes_wrong_between_rounds_is_said_and_loses_nothing(flown: Any, store: Any, create: Any) -> None:
    def broken(*_: Any) -> Ready:
        raise OSError("the disk is full")

    nb = scripted({"sampling": GROWING})
    run = autopilot(store, create(nb, analysis=Analysis.read(nb), autopilot=2).id, 2, broken)
    assert (run.status, run.lineage["best"]) == ("failed", "1")
    assert run.lineage["stopped"] == "Stopped: autopilot broke off with OSError: the disk is full"
    assert [one.step for one in run.verdicts] == ["sampling"]


def test_rounds_that_somebody_took_by_hand_stay_in_the_lineage(store: Any, create: Any) -> None:
    nb = scripted({"answer": 'judge("answer")'})
    rounds = [{"id": "1", "status": "failed"}, {"id": "2", "parent": "1", "label": "By hand", "changes": {"draws": 7}}]
    nb.metadata["modelcompose"] = {"lineage": {"version": 1, "rounds": rounds, "best": "2", "stopped": ""}}
    run = create(nb, analysis=Analysis.read(nb), autopilot=1)
    lineage = Lineage.model_validate(autopilot(store, run.id, 1, prepare).lineage)
    assert [(one.id, one.parent, one.label) for one in lineage.rounds][1:] == [
        ("2", "1", "By hand"),
        ("3", "2", "As it was"),
    ]
    assert lineage.stopped == "Stopped: all checks pass after 1 change."


def test_a_stop_while_a_round_is_made_ready_begins_none(store: Any, create: Any) -> None:
    control = Control()

    def stopped(*asked: Any) -> Ready:
        control.stop()
        return prepare(*asked)

    nb = scripted({"sampling": GROWING})
    run = autopilot(store, create(nb, analysis=Analysis.read(nb), autopilot=2).id, 2, stopped, control=control)
    lineage = Lineage.model_validate(run.lineage)
    assert [one.id for one in lineage.rounds] == ["1"]
    assert lineage.stopped == "Stopped by you in round 1; what was done is kept."


def test_rounds_of_a_fresh_run_take_over_only_what_it_has_made_itself(store: Any, create: Any) -> None:
    fresh = create(scripted({}), fresh=True, autopilot=2)
    of_its_own, of_another = create(scripted({}), parent=fresh.id), create(scripted({}))
    assert store.checkpoints(of_its_own.id).since == store.checkpoints(fresh.id).since > 0
    assert store.checkpoints(of_another.id).since == 0


def test_a_chain_that_was_stopped_goes_on_with_the_round_that_it_was_in(store: Any, create: Any) -> None:
    slow = CROOKED | {"answer": 'import time\nif model == "right":\n    time.sleep(0 if WAIT.exists() else 600)'}
    wait = store.workspace / "go-on"
    nb = scripted({**slow, "answer": f"from pathlib import Path\nWAIT = Path({str(wait)!r})\n{slow['answer']}"})
    nb.cells[-1].source += '\njudge("answer", "info")'
    run = create(nb, analysis=Analysis.read(nb), autopilot=5)
    control = Control()

    def press(event: dict[str, Any]) -> None:
        if event["type"] == "step" and event["step"] == "answer" and event.get("round") == "3":
            control.stop()

    stopped = autopilot(store, run.id, 5, prepare, press, control=control)
    before = Lineage.model_validate(stopped.lineage)
    assert len(before.rounds) == 3, stopped.message
    assert [(one.label, one.status) for one in before.rounds[1:]] == [
        ("Use the crooked one", "failed"),
        ("Use the right one", "stopped"),
    ]
    wait.touch()
    store.reopen(run.id, here=True)
    ended = autopilot(store, run.id, 5, prepare)
    lineage = Lineage.model_validate(ended.lineage)
    assert [(one.id, one.label) for one in lineage.rounds] == [
        *(("1", "As it was"), ("2", "Use the crooked one"), ("3", "Use the right one"), ("4", "Draw more"))
    ]
    assert [one.run for one in lineage.rounds[:3]] == [one.run for one in before.rounds], "under the same ids"
    assert lineage.stopped == "Stopped: all checks pass after 2 changes."
    assert store.get(lineage["3"].run).status == "warned"
