"""Sweeps: what is planned, what is refused before anything begins, and what goes on when it is asked for again."""

from __future__ import annotations

import json

import pytest

from modelcompose import Workbench, cli
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidAnalysis, InvalidInput, ModelComposeError
from modelcompose.runs import Control, Terms
from modelcompose.runs.notebook import SOURCE
from modelcompose.runs.queue import Limits, Place, next_runs
from modelcompose.service.conducting import _Conductor, _judged
from modelcompose.service.sweep_page import page

GRID = {"model": "varying-intercepts,varying-slopes", "prior_scale": "0.5,1"}
NAMES = [
    f"sleepstudy model={model} prior_scale={scale}"
    for model in ("varying-intercepts", "varying-slopes")
    for scale in ("0.5", "1.0")
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A workbench whose queue nobody runs, with a composed notebook."""
    workspace = tmp_path_factory.mktemp("sweeps")
    (workspace / "modelcompose.toml").write_text('[queue]\nworker = "none"\n', "utf-8")
    found = Workbench(workspace)
    sample = found.copy_sample("sleepstudy")
    found.compose({**sample["analysis"], "data": sample["path"]})
    return found


@pytest.fixture(scope="module")
def sweep(bench):
    return bench.sweep("sleepstudy.ipynb", GRID, {"draws": 100}, retries=3)


def source(bench, run):
    return json.loads((bench._store().folder(run) / SOURCE).read_text("utf-8"))


def test_a_sweep_is_a_queued_run_whose_notebook_holds_the_plan(bench, sweep):
    assert (sweep["kind"], sweep["status"], sweep["name"]) == ("sweep", "queued", "sleepstudy-sweep")
    assert [point["name"] for point in sweep["points"]] == NAMES
    assert sweep["points"][0]["changes"] == {"draws": 100, "model": "varying-intercepts", "prior_scale": 0.5}
    plan = source(bench, sweep["id"])["metadata"]["modelcompose"]["sweep"]
    assert plan["grid"]["prior_scale"] == [0.5, 1.0]
    assert plan["points"] == sweep["points"]
    assert plan["terms"]["retries"] == 3


def test_the_same_sweep_is_not_made_twice(bench, sweep):
    again = bench.sweep("sleepstudy.ipynb", {"model": GRID["model"], "prior_scale": [0.5, 1.0]}, {"draws": "100"})
    assert again["id"] == sweep["id"]
    assert bench.sweep("sleepstudy.ipynb", GRID, {"draws": 200})["id"] != sweep["id"]
    assert bench.sweep("sleepstudy.ipynb", GRID, {"draws": 100}, fresh=True)["id"] != sweep["id"]


def test_its_process_makes_each_run_once_and_none_twice(bench, sweep):
    store = bench._store()
    conductor = _Conductor(store, sweep["id"])
    nb = source(bench, sweep["id"])
    plan = nb["metadata"]["modelcompose"]["sweep"]
    runs = conductor._made(nb, plan, Control())
    assert list(runs) == NAMES
    assert _Conductor(store, sweep["id"])._made(nb, plan, Control()) == runs
    children = store.children(sweep["id"])
    assert [(one.name, one.status, one.parent, one.retries) for one in children] == [
        (name, "queued", sweep["id"], 3) for name in NAMES
    ]
    chosen = [Analysis.read(source(bench, one.id)) for one in children]
    assert [(one.model, one.prior_scale, one.draws) for one in chosen][1:3] == [
        ("varying-intercepts", 1.0, 100),
        ("varying-slopes", 0.5, 100),
    ]
    assert "(Days | Subject)" in chosen[2].formula
    assert children[0].tags == {"model": "varying-intercepts", "prior_scale": "0.5"}
    assert "sweep" not in source(bench, children[0].id)["metadata"].get("modelcompose", {})


def test_a_sweep_that_nobody_conducts_takes_its_runs_with_it_and_resumes_what_is_missing(bench, sweep):
    store = bench._store()
    first, second, *_ = store.children(sweep["id"])
    store.finish(first.id, status="passed", message="Done.")
    store.queue.put(second.id, store.queue.place(second.id))
    assert bench.cancel(sweep["id"])["status"] == "cancelled"
    assert [one.status for one in store.children(sweep["id"])] == ["passed", "cancelled", "cancelled", "cancelled"]
    assert bench.resume(sweep["id"])["status"] == "queued"
    assert [one.status for one in store.children(sweep["id"])] == ["passed", "queued", "queued", "queued"]
    with pytest.raises(Conflict):
        bench.resume(sweep["id"])


@pytest.mark.parametrize(
    ("grid", "changes", "error", "message"),
    [
        ({}, {}, InvalidInput, "there is no choice to vary"),
        ({"modle": "a"}, {}, InvalidAnalysis, "Did you mean 'model'"),
        ({"model": "linnear,varying-slopes"}, {}, ModelComposeError, r"linnear.*\(with model=linnear\)"),
        ({"draws": "100"}, {"draws": 200}, InvalidInput, "'draws' is varied and set too"),
        ({"random_seed": list(range(51))}, {}, InvalidInput, r"these would be 51 runs.*--yes"),
        ({"random_seed": list(range(101)), "draws": list(range(100, 200))}, {}, InvalidInput, "10100 runs. Vary less"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_begins(bench, grid, changes, error, message):
    before = len(bench._store().list(1000))
    with pytest.raises(error, match=message):
        bench.sweep("sleepstudy.ipynb", grid, changes)
    assert len(bench._store().list(1000)) == before


def test_a_sweep_takes_no_room_from_its_runs():
    place = Place(name="s", notebook="s.ipynb", asked=0.0, chains=0)
    assert Limits(2, 4000).share(place) == (0, 0)
    assert Limits(2, 4000).share(place.model_copy(update={"terms": Terms(cores=1)})) == (0, 0)
    assert next_runs([], [], Limits(2)) == []


class Ended:
    def __init__(self, status):
        self.status = status


@pytest.mark.parametrize(
    ("statuses", "status", "message"),
    [
        (["passed", "warned", "failed"], "failed", "3 runs: 1 passed, 1 warned, 1 failed."),
        (["passed", "passed"], "passed", "2 runs: 2 passed."),
        (["error", "failed"], "error", "2 runs: 1 failed, 1 error."),
    ],
)
def test_a_sweep_stands_as_the_gravest_of_its_runs(statuses, status, message):
    assert _judged(list(map(Ended, statuses)), len(statuses), Control()) == (status, message)


def test_a_sweep_that_was_stopped_says_so():
    control = Control()
    control.stop()
    assert _judged([Ended("passed")], 3, control) == ("stopped", "Stopped by you. 3 runs: 1 passed, 2 not begun.")


def test_the_page_escapes_what_people_wrote(bench, sweep):
    nb = source(bench, sweep["id"])
    plan = nb["metadata"]["modelcompose"]["sweep"]
    plan = {**plan, "points": [{"name": "<b>|*x*", "changes": {}, "varied": {"model": "<script>"}}]}
    shown = page(nb, plan, [], None, "0 runs: .")
    text = "\n".join("".join(cell["source"]) for cell in shown["cells"] if cell["cell_type"] == "markdown")
    assert "<script>" not in text
    assert "&lt;b&gt;&#124;&#42;x&#42;" in text
    assert Analysis.read(shown).draws == 100


def test_the_command_reads_a_grid(bench, capsys):
    asked = ["sweep", "sleepstudy.ipynb", "--workspace", str(bench.workspace), "--detach", "--json"]
    assert cli.main([*asked, "--grid", "prior_scale=0.5,1", "--grid", "draws=100,200", "--set", "tune=100"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["varied"] for point in found["points"]][:2] == [
        {"prior_scale": 0.5, "draws": 100},
        {"prior_scale": 0.5, "draws": 200},
    ]
    assert cli.main([*asked, "--grid", "prior_scale"]) == 2
    assert "not NAME=VALUE,VALUE" in capsys.readouterr().err
    assert cli.main([*asked, "--grid", "draws=100", "--grid", "draws=200"]) == 2
    assert "given twice" in capsys.readouterr().err
