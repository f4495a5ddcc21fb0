"""A step of which nothing has changed is not run again, and what has changed is."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import xarray as xr

from modelcompose.analysis import Analysis
from modelcompose.runs import Control, EventLog, Run, RunStore, execute
from modelcompose.runs.checkpoints import Checkpoints
from modelcompose.runs.finished import Finished
from modelcompose.runs.keys import Keys
from modelcompose.runs.session import lasting
from modelcompose.verdict import verdict_in
from modelcompose.workflow.notebook import digest

from .conftest import new_code_cell, new_notebook

CHOICES = 'data = "table.csv"\noutcome = "a"\ndraws = 100\nci_prob = 0.9\nestimand = ""\non_fail = "stop"\nwaivers = []'
LIBRARY = """
import os, pathlib, types
import xarray as xr
from modelcompose.errors import GateFailed
from modelcompose.verdict import Verdict
from modelcompose.workflow.steps import judged, recall

def count(what):
    with open(os.environ["COUNTS"], "a") as file:
        file.write(what + "\\n")

def computed(step, value, **more):
    count("compute " + step)
    return xr.DataTree(xr.Dataset({"x": ("row", [float(value)] * 3)}, attrs=more))

def check(step):
    def judge(value=None, status="pass"):
        count("check " + step)
        # The names of these choices are not spelt out: code that names a choice depends on it.
        signed, stops = [globals()[name[::-1]] for name in ("sreviaw", "liaf_no")]
        waived = next((one for one in signed if status == "fail" and one["step"] == step), None)
        shown = "" if value is None else f"{float(value['x'].sum())}"
        sentence = f"{shown} after {', '.join(judged())}"
        verdict = Verdict(step=step, title=f"Is {step} right?", status=status, sentence=sentence, waived=waived,
                          details={"sha256": "5ha"} if step == "data" else {}, ran=steps._executed())
        recall(verdict)
        if verdict.gate == "fail" and stops == "stop":
            display(verdict)
            raise GateFailed(verdict)
        return verdict
    return judge

from modelcompose.workflow import steps
names = ("data", "model", "prior", "fit", "sampling", "posterior", "answer")
mc = types.SimpleNamespace(check=types.SimpleNamespace(**{name: check(name) for name in names}))
"""
CELLS = {
    "data": "table = [1, 2]\ncount('define data')\nmc.check.data()",
    "model": "model = sum(table)\nmc.check.model()",
    "prior": "prior = computed('prior', model)\nmc.check.prior(prior)",
    "fit": "dt = computed('fit', model + draws)\nmc.check.fit(dt)",
    "sampling": "mc.check.sampling(dt)",
    "posterior": "dt = computed('posterior', 2 * float(dt['x'][0]))\nmc.check.posterior(dt)",
    "answer": "mc.check.answer(dt)",
}


def composed(step: str, source: str) -> Any:
    return new_code_cell(source, metadata={"modelcompose": {"step": step, "composed": digest(source)}})


def study(choices: str = CHOICES, cells: Mapping[str, str] = CELLS) -> Any:
    """A notebook whose cells say in a file that they were executed; the heavy ones assign trees."""
    parameters = new_code_cell(choices, metadata={"tags": ["parameters"]})
    return new_notebook(
        cells=[parameters, new_code_cell(LIBRARY), *(composed(step, source) for step, source in cells.items())]
    )


class Bench:
    """A workspace whose runs say what they executed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "table.csv").write_text("a,b\n1,2\n")
        self.counts = folder / "counts"
        self.store = RunStore(folder)

    def create(self, nb: Any, **more: Any) -> Run:
        analysis = Analysis.read(nb)
        return self.store.create(nb, name="study", notebook_path="study.ipynb", analysis=analysis, **more)

    def run(self, nb: Any, on_event: Callable[[dict[str, Any]], None] | None = None, **more: Any) -> Run:
        self.counts.write_text("")
        control = Control(env={"COUNTS": str(self.counts)})
        return execute(self.store, self.create(nb, **more).id, on_event, control=control)

    def executed(self) -> list[str]:
        return self.counts.read_text().split("\n")[:-1]

    def states(self, run: Run) -> dict[str, str]:
        events = EventLog(self.store.folder(run.id)).read()
        return {event["step"]: event["state"] for event in events if event["type"] == "step"}

    def cached(self, run: Run) -> set[str]:
        return {step for step, state in self.states(run).items() if state == "cached"}

    def notebook(self, run: Run) -> Any:
        return nbformat.read(self.folder / run.executed, as_version=4)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def first(bench: Bench) -> Run:
    return bench.run(study())


def without_run(nb: Any) -> list[Any]:
    return [(cell.get("execution_count"), cell.get("outputs"), cell["source"]) for cell in nb["cells"]]


ALL = set(CELLS)


def test_the_second_run_of_an_unchanged_notebook_executes_no_step(bench: Bench, first: Run) -> None:
    assert first.status == "passed", first.message
    assert bench.cached(first) == set()
    second = bench.run(study())
    assert bench.executed() == []
    assert bench.cached(second) == ALL
    assert (second.status, second.message, second.verdicts) == (first.status, first.message, first.verdicts)
    assert without_run(bench.notebook(second)) == without_run(bench.notebook(first))


def test_verdicts_of_finished_steps_are_events_like_the_others(bench: Bench, first: Run) -> None:
    heard: list[dict[str, Any]] = []
    bench.run(study(), heard.append)
    told = [(event["type"], event["step"], event.get("state")) for event in heard if "step" in event]
    assert told[:4] == [
        ("step", "data", "cached"),
        ("verdict", "data", None),
        ("step", "model", "cached"),
        ("verdict", "model", None),
    ]


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ("ci_prob = 0.9", "ci_prob = 0.8", {"answer"}),
        ("draws = 100", "draws = 50", {"fit", "sampling", "posterior", "answer"}),
        pytest.param('outcome = "a"', 'outcome = "b"', ALL, marks=pytest.mark.slow),
    ],
)
def test_a_changed_choice_runs_the_steps_that_depend_on_it(
    bench: Bench, first: Run, before: str, after: str, again: set[str]
) -> None:
    run = bench.run(study(CHOICES.replace(before, after)))
    assert run.status == "passed", run.message
    assert ALL - bench.cached(run) == again
    computed = [what for what in bench.executed() if what.startswith("compute")]
    assert {what.split()[1] for what in computed} == again & {"prior", "fit", "posterior"}


@pytest.mark.slow
def test_what_is_mixed_of_old_and_new_is_what_a_fresh_run_shows(bench: Bench, first: Run) -> None:
    nb = study(CHOICES.replace("draws = 100", "draws = 70"))
    mixed, fresh = bench.run(nb), bench.run(nb, fresh=True)
    assert bench.cached(mixed) == {"data", "model", "prior"}
    assert bench.cached(fresh) == set()
    assert without_run(bench.notebook(mixed)) == without_run(bench.notebook(fresh))


def test_steps_that_stand_are_judged_in_the_session_of_those_that_run(bench: Bench, first: Run) -> None:
    run = bench.run(study(CHOICES.replace("ci_prob = 0.9", "ci_prob = 0.7")))
    assert run.verdicts[-1].sentence == "618.0 after data, model, prior, fit, sampling, posterior"
    assert [what for what in bench.executed() if what.startswith("check")] == ["check answer"]


def test_a_changed_table_runs_everything(bench: Bench, first: Run) -> None:
    table = bench.folder / "table.csv"
    before = table.read_text()
    table.write_text("a,b\n1,3\n")
    try:
        assert bench.cached(bench.run(study())) == set()
    finally:
        table.write_text(before)
    assert bench.cached(bench.run(study())) == ALL


def test_a_table_that_changes_while_it_is_used_is_kept_nowhere(bench: Bench) -> None:
    table = bench.folder / "table.csv"
    before = table.read_text()
    table.write_text("a,b\n7,7\n")

    def change(event: dict[str, Any]) -> None:
        if event["type"] == "step" and event["step"] == "data" and event["state"] == "started":
            table.write_text("a,b\n8,8\n")

    bench.run(study(), change)
    table.write_text("a,b\n7,7\n")
    try:
        assert bench.cached(bench.run(study())) == set()
    finally:
        table.write_text(before)


@pytest.mark.slow
def test_a_table_from_where_it_may_change_is_read_each_time(bench: Bench) -> None:
    nb = study(CHOICES.replace('"table.csv"', '"https://example.org/table.csv"'))
    bench.run(nb)
    run = bench.run(nb)
    assert bench.cached(run) == ALL - {"data"}
    assert bench.executed() == ["define data", "check data"]


def test_an_edited_cell_counts_for_its_step_and_all_below(bench: Bench, first: Run) -> None:
    nb = study()
    nb.cells[4].source = nb.cells[4].source.replace("model)", "model + 1)", 1)
    run = bench.run(nb)
    assert bench.cached(run) == {"data", "model"}
    assert bench.cached(bench.run(nb)) == ALL


def test_a_cell_of_ones_own_counts_for_the_steps_below_and_always_runs(bench: Bench, first: Run) -> None:
    nb = study()
    nb.cells.insert(6, new_code_cell("count('own'); extra = float(dt['x'].sum())"))
    run = bench.run(nb)
    assert run.status == "passed", run.message
    assert bench.cached(run) == {"data", "model", "prior", "fit"}
    again = bench.run(nb)
    assert bench.cached(again) == ALL
    assert bench.executed() == ["define data", "own"]
    assert without_run(bench.notebook(again)) == without_run(bench.notebook(run))


def test_what_is_cached_is_shown_as_up_to_date(bench: Bench, first: Run) -> None:
    from modelcompose.workflow import steps_in

    run = bench.run(study(CHOICES.replace("ci_prob = 0.9", "ci_prob = 0.75")))
    nb = bench.notebook(run)
    for cell in nb.cells:
        if (verdict := verdict_in(cell.get("outputs", []))) is not None:
            counts = {str(one.execution_count): digest(one.source) for one in nb.cells[: nb.cells.index(cell) + 1]}
            assert verdict.ran == counts
    assert [state.step.id for state in steps_in(nb)] == list(CELLS)


FAILING = dict(CELLS) | {"prior": "prior = computed('prior', model)\nmc.check.prior(prior, 'fail')"}
SIGNED = '[{"step": "prior", "by": "A. Name", "reason": "Known."}]'


def failing(waived: bool = False, on_fail: str = "stop") -> Any:
    choices = CHOICES.replace("waivers = []", f"waivers = {SIGNED}") if waived else CHOICES
    return study(choices.replace('"stop"', f'"{on_fail}"'), FAILING)


def test_a_failure_is_raised_again_without_computing_again(bench: Bench) -> None:
    run = bench.run(failing())
    assert (run.status, bench.executed()[-1]) == ("failed", "check prior")
    again = bench.run(failing())
    assert (again.status, again.message) == (run.status, run.message)
    assert bench.cached(again) == {"data", "model"}
    assert bench.executed() == ["define data", "check prior"]


def test_a_waived_failure_is_judged_anew_warns_and_names_who_waived_it(bench: Bench) -> None:
    bench.run(failing())
    run = bench.run(failing(waived=True))
    assert run.status == "warned"
    assert run.message.endswith("Waived by A. Name: Known.")
    assert "compute prior" not in bench.executed()
    assert bench.cached(bench.run(failing(waived=True))) == ALL
    assert bench.run(failing(on_fail="warn")).status == "failed"


@pytest.mark.slow
def test_a_failure_against_which_a_run_went_on_stops_one_that_must_stop(bench: Bench) -> None:
    cells = {"data": CELLS["data"], "prior": "prior = computed('prior', 3)\nmc.check.prior(prior, 'fail')"}
    went_on = bench.run(study(CHOICES.replace('"stop"', '"warn"'), cells))
    assert bench.states(went_on)["prior"] == "done"
    stopped = bench.run(study(CHOICES, cells))
    assert (stopped.status, bench.states(stopped)["prior"]) == ("failed", "failed")
    assert bench.executed() == ["define data", "check prior"]


@pytest.mark.parametrize(
    "harm", ["cut", *(pytest.param(harm, marks=pytest.mark.slow) for harm in ("changed", "gone", "manifest"))]
)
def test_a_damaged_step_is_ignored_and_made_again(bench: Bench, first: Run, harm: str) -> None:
    keys = Keys.read(study(), bench.folder, "python3")
    assert keys is not None
    folder = bench.folder / ".modelcompose" / "steps" / str(keys.of("fit"))
    file = folder / ("manifest.json" if harm == "manifest" else "dt.tree.nc")
    if harm == "gone":
        file.unlink()
    elif harm == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        file.write_bytes(file.read_bytes()[:20])
    run = bench.run(study())
    assert ALL - bench.cached(run) == {"fit"}
    assert bench.cached(bench.run(study())) == ALL


def test_results_that_vanish_while_they_are_needed_are_computed(bench: Bench, first: Run) -> None:
    def remove(event: dict[str, Any]) -> None:
        if event["type"] == "step" and event["step"] == "sampling" and event["state"] == "cached":
            for file in (bench.folder / ".modelcompose" / "steps").glob("*/dt.tree.nc"):
                file.unlink()

    run = bench.run(study(CHOICES.replace("ci_prob = 0.9", "ci_prob = 0.6")), remove)
    assert run.verdicts[-1].sentence.startswith("618.0 after")
    assert "compute fit" in bench.executed()


def test_draws_that_somebody_cut_short_are_not_taken_for_all_of_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    slow = "import time\ntry:\n    emit()\n    time.sleep(30)\nexcept KeyboardInterrupt:\n    pass\n"
    emit = "def emit():\n    k = get_ipython().kernel\n    k.session.send(k.iopub_socket, 'modelcompose_event', "
    emit += "{'type': 'sampling'}, parent=k.get_parent())\n"
    nb = study(cells={"data": CELLS["data"], "fit": f"{emit}{slow}dt = computed('fit', 1)\nmc.check.fit(dt)"})
    run = bench.create(nb)
    bench.counts.write_text("")
    control = Control(env={"COUNTS": str(bench.counts)})

    def stop(event: dict[str, Any]) -> None:
        if event["type"] == "sampling":
            control.stop()

    assert execute(bench.store, run.id, stop, control=control).status == "stopped"
    keys = Keys.read(nb, tmp_path, "python3")
    assert keys is not None
    assert bench.store.checkpoints(run.id).find(str(keys.of("data"))) is not None
    assert bench.store.checkpoints(run.id).find(str(keys.of("fit"))) is None


def test_nothing_is_taken_over_after_a_computation_was_cut_short(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    keys = Keys.read(study(), tmp_path, "python3")
    assert keys is not None
    checkpoints = Checkpoints(tmp_path / "steps")
    for step in ("data", "fit"):
        put(checkpoints, str(keys.of(step)))
    finished = Finished(study(), keys, checkpoints, tmp_path)
    assert finished.stands("data")
    finished.cut_short()
    assert not finished.stands("fit")
    finished.keep("model", [{"outputs": []}], lambda _part: True, ended=True)
    assert checkpoints.find(str(keys.of("model"))) is None


# -- on disk ---------------------------------------------------------------------------------------------------------


def put(checkpoints: Checkpoints, key: str, size: int = 10, value: int = 1) -> None:
    with checkpoints.writing() as part:
        (part / "dt.tree.nc").write_bytes(bytes([value]) * size)
        checkpoints.keep(key, part, cells=[[]], ended=True)


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, limit=3000)
    for age, key in enumerate(["used", "old", "older"], start=1):
        put(checkpoints, key, 1000)
        os.utime(tmp_path / key, (time.time() - 4000 - 1000 * age,) * 2)
    assert checkpoints.find("used") is not None
    put(checkpoints, "new", 1000)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"used", "new"}
    put(checkpoints, "large", 5000)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"used", "new", "large"}, "both are in use"


def test_what_nobody_finished_is_removed_in_time(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    left, fresh = tmp_path / ".part-left", tmp_path / ".part-fresh"
    for folder in (left, fresh):
        folder.mkdir()
    os.utime(left, (time.time() - 100_000,) * 2)
    put(checkpoints, "key")
    assert (left.exists(), fresh.exists()) == (False, True)


def test_two_runs_may_keep_and_find_the_same_step_at_once(tmp_path: Path) -> None:
    found: list[bool] = []

    def work(value: int) -> None:
        checkpoints = Checkpoints(tmp_path)
        for _ in range(40):
            put(checkpoints, "key", 2000, value)
            one = checkpoints.find("key")
            found.append(one is None or len(set((one.folder / "dt.tree.nc").read_bytes())) == 1)

    both = [threading.Thread(target=work, args=(value,)) for value in (1, 2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert Checkpoints(tmp_path).find("key") is not None
    assert len(found) == 80
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".part")] == []


def test_steps_that_were_kept_before_a_fresh_run_are_passed_over(tmp_path: Path) -> None:
    put(Checkpoints(tmp_path), "key")
    assert Checkpoints(tmp_path, since=time.time() + 1).find("key") is None


# -- what lasts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["dt = mc.fit(model)\nmc.check.fit(analysis, dt)"], ["dt"]),
        (["dt: object = mc.fit(model)\nprint(dt)\nshort = dt.sel(chain=0)\ndt.posterior"], ["dt", "short"]),
        (["dt = mc.fit(model)", "mc.check.fit(analysis, dt)"], ["dt"]),
        (["dt = mc.fit(model)\ndt = mc.predict(model, dt)"], []),
        (["dt = mc.fit(model)\ndt['z'] = 1"], []),
        (["dt = mc.fit(model)\ndt += 1"], []),
        (["dt = mc.fit(model)\ndt.update(other)\nmc.check.fit(analysis, dt)"], []),
        (["dt = mc.fit(model)\nfor dt in dts:\n    pass"], []),
        (["if True:\n    dt = mc.fit(model)"], []),
        (["import dt\ndt = mc.fit(model)"], []),
        (["a, b = mc.both()\nc = 1"], ["c"]),
        (["%%time\ndt = mc.fit(model)"], []),
    ],
)
def test_a_result_lasts_when_nothing_can_have_changed_it(sources: list[str], names: list[str]) -> None:
    assert lasting(sources) == names


# -- keys ------------------------------------------------------------------------------------------------------------


def key(nb: Any, folder: Path, step: str = "answer") -> str | None:
    keys = Keys.read(nb, folder, "python3")
    assert keys is not None
    return keys.of(step)


def test_files_that_choices_and_own_code_name_count_with_their_content(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "own.py").write_text("x = 1")
    nb = study()
    nb.cells.insert(2, new_code_cell('exec(open("own.py").read())'))
    before = key(nb, tmp_path)
    assert before == key(nb, tmp_path)
    (tmp_path / "own.py").write_text("x = 22")
    assert key(nb, tmp_path) != before
    assert key(study(CHOICES + '\nmodel = "own.py"'), tmp_path) != key(study(), tmp_path)
    with_model = key(study(CHOICES + '\nmodel = "own.py"'), tmp_path)
    (tmp_path / "beside.py").write_text("imported by own.py")
    assert key(study(CHOICES + '\nmodel = "own.py"'), tmp_path) != with_model


def test_a_policy_counts_with_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "policy.toml").write_text('name = "house"\n')
    nb = study(CHOICES + '\npolicy = "policy.toml"')
    before = key(nb, tmp_path)
    (tmp_path / "policy.toml").write_text('name = "house"\n[rules.rhat]\nfail = 1.02\n')
    assert None not in (before, key(nb, tmp_path))
    assert key(nb, tmp_path) != before


def test_nobody_vouches_for_a_table_that_is_joined_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    recipe = '[{"do": "join", "data": "https://example.org/more.csv", "on": ["a"]}]'
    assert key(study(CHOICES + f"\nrecipe = {recipe}"), tmp_path) is None
    assert key(study(CHOICES.replace("table.csv", "postgresql://host/db")), tmp_path) is None
    assert key(study(CHOICES.replace("table.csv", "sample:sleepstudy")), tmp_path) is not None


def test_steps_that_the_workflow_does_not_know_count_like_cells_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    nb = study()
    nb.cells.insert(3, composed("laboratory", "x = 1"))
    assert key(nb, tmp_path, "laboratory") is None
    assert key(nb, tmp_path, "data") == key(study(), tmp_path, "data")
    assert key(nb, tmp_path) != key(study(), tmp_path)


def test_results_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from modelcompose.runs import session

    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {"x": (("chain", "draw"), np.random.default_rng(0).normal(size=(2, 3)))}, attrs={"n": 3, "who": "me"}
            ),
            "sample_stats": xr.Dataset({"diverging": ("draw", [True, False]), "words": ("draw", ["a", None])}),
        }
    )

    variables = {"dt": tree, "empty": xr.DataTree(), "flat": tree["posterior"].to_dataset(), "number": 3}
    shell = SimpleNamespace(user_ns=variables, transform_cell=lambda source: source)
    monkeypatch.setattr(session, "_shell", lambda: shell)
    session.keep(str(tmp_path), ["dt = f()\nempty = g()\nflat = h()\nnumber = i()"])
    assert {file.name for file in tmp_path.iterdir()} == {"dt.tree.nc", "empty.tree.nc", "flat.dataset.nc"}
    back = session.load(str(tmp_path), "dt")
    xr.testing.assert_identical(back["posterior"].to_dataset(), tree["posterior"].to_dataset())
    assert list(back["sample_stats"].data_vars) == ["diverging"]
    assert session.load(str(tmp_path), "flat").identical(variables["flat"])
    assert len(session.load(str(tmp_path), "empty").children) == 0
