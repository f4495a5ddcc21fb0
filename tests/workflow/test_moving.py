"""A notebook in another folder is the same analysis: it runs there, and nothing of it looks changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcompose import Workbench
from modelcompose.analysis import Analysis, cell_with_tag
from modelcompose.verdict import MIME
from modelcompose.workflow.moving import moved, seen_from
from modelcompose.workflow.notebook import digest, source_of, step_of, steps_in
from modelcompose.workflow.plan import deviations, lock
from modelcompose.workflow.steps import choices_digest


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ("data/x.csv", "../studies/data/x.csv"),
        ("./data/x.csv", "../studies/data/x.csv"),
        ("../x.csv", "../x.csv"),
        ("../runs/x.csv", "x.csv"),
        ("book.xlsx#Sheet 2", "../studies/book.xlsx#Sheet 2"),
        ("sqlite:///a.db#t", "sqlite:///../studies/a.db#t"),
        *((same, same) for same in ("", "sample:sleepstudy", "https://a.example/b.csv", "/abs/x.csv", "sleep@2")),
        *((same, same) for same in ("sqlite:////abs/a.db#t", "postgresql://me:${WORD}@host/base#t")),
    ],
)
def test_what_lies_beside_the_notebook_is_named_from_the_other_folder(tmp_path: Path, source: str, there: str) -> None:
    for folder in ("studies", "runs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "studies" / "book.xlsx").touch()
    here = Analysis(
        data=source,
        new_rows=source,
        recipe=[{"do": "join", "data": source}, {"do": "filter", "where": "a > 1"}],
        model="models/own.py",
        plan="plan.json",
    )
    found = seen_from(here, tmp_path / "studies", tmp_path / "runs")
    assert (found.data, found.new_rows, found.recipe[0]["data"]) == (there, there, there)
    assert (found.model, found.plan, found.policy) == ("../studies/models/own.py", "../studies/plan.json", "")
    assert seen_from(found, tmp_path / "runs", tmp_path / "studies").model == here.model
    assert seen_from(here.changed({"model": "linear"}), tmp_path / "studies", tmp_path / "runs").model == "linear"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    bench = Workbench(tmp_path_factory.mktemp("place"))
    (bench.workspace / "runs").mkdir()
    yield bench
    shutil.rmtree(bench.workspace)


def judged(bench: Workbench) -> dict[str, Any]:
    """Return a composed notebook of the workspace's own folder as it is when every step has passed."""
    sample = bench.copy_sample("sleepstudy")
    made = bench.compose({**sample["analysis"], "data": sample["path"]})
    nb: dict[str, Any] = json.loads((bench.workspace / made["path"]).read_text("utf-8"))
    analysis, ran = Analysis.read(nb), {}
    for cell in nb["cells"]:
        if cell["cell_type"] == "code" and source_of(cell).strip():
            ran[str(len(ran) + 1)] = digest(source_of(cell))
            cell["execution_count"] = len(ran)
            if step := step_of(cell):
                told = {"step": step, "title": "So?", "status": "pass", "sentence": "So it is.", "ran": dict(ran)}
                told["choices"] = choices_digest(step, analysis)
                cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {MIME: told}}]
    return nb


def test_a_copy_in_another_folder_runs_there_and_is_neither_stale_nor_edited(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    nb = judged(bench)
    before = json.dumps(nb)
    states = [(one.step.id, one.state, one.stale, one.edited) for one in steps_in(nb)]
    assert states
    assert not any(stale or by_hand for _, _, stale, by_hand in states)
    copied = moved(nb, bench.workspace, bench.workspace / "runs")
    assert json.dumps(nb) == before
    assert Analysis.read(copied).data == "../data/sleepstudy.csv"
    assert [(one.step.id, one.state, one.stale, one.edited) for one in steps_in(copied)] == states

    monkeypatch.chdir(bench.workspace / "runs")
    names: dict[str, Any] = {}
    for cell in copied["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(source_of(cell), "cell", "exec"), names)  # noqa: S102
            if step_of(cell) == "data":
                break
    assert len(names["dataset"].frame) == 180


def test_what_was_edited_by_hand_still_is_and_what_was_stale_stays_so(bench: Workbench) -> None:
    nb = judged(bench)
    cell = next(one for one in nb["cells"] if step_of(one) == "model" and one["cell_type"] == "code")
    cell["source"] = source_of(cell) + "\n# mine"
    copied = moved(nb, bench.workspace, bench.workspace / "runs")
    for one in (nb, copied):
        states = {state.step.id: state for state in steps_in(one)}
        assert states["model"].edited
        assert states["model"].stale
        assert not states["data"].stale


def test_a_model_of_ones_own_is_named_from_the_other_folder_in_its_cell(tmp_path: Path) -> None:
    source = "# models/own.py\nmodel = build(table)"
    marks = {"step": "model", "composed": digest(source)}
    cells = [
        {"cell_type": "code", "source": 'model = "models/own.py"', "metadata": {"tags": ["parameters"]}, "outputs": []},
        {"cell_type": "code", "source": source, "metadata": {"modelcompose": marks}, "outputs": []},
    ]
    copied = moved({"cells": cells}, tmp_path, tmp_path / "runs")
    assert copied["cells"][1]["source"] == "# ../models/own.py\nmodel = build(table)"
    assert copied["cells"][1]["metadata"]["modelcompose"]["composed"] == digest(copied["cells"][1]["source"])


def test_a_copy_does_not_deviate_from_its_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    analysis = Analysis(data="data/x.csv", outcome="y")
    plan = lock(analysis)
    planned = analysis.changed({"plan": "plan.json"})
    assert deviations(planned, plan) == []
    assert [one.what for one in deviations(planned.changed({"data": "data/z.csv"}), plan)] == ["data"]
    monkeypatch.chdir(tmp_path / "runs")
    copied = seen_from(planned, tmp_path, tmp_path / "runs")
    assert copied.data == "../data/x.csv"
    assert deviations(copied, plan) == []
    assert [one.what for one in deviations(copied.changed({"data": "../data/z.csv"}), plan)] == ["data"]


def test_a_notebook_without_choices_is_left_as_it_is(tmp_path: Path) -> None:
    nb = {"cells": [{"cell_type": "code", "source": "1 + 1", "metadata": {}, "outputs": []}]}
    assert moved(nb, tmp_path, tmp_path / "runs") == nb
    assert cell_with_tag(nb, "parameters") is None
