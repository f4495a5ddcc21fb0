"""Runs side by side: what differs is listed, and predictions are compared only where they may be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from modelcompose import Workbench, cli
from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput
from modelcompose.verdict import MIME, Verdict, Waiver
from modelcompose.workflow.standings import standings


def verdict(step, status="pass", **details):
    return Verdict(step=step, title=f"Is {step} right?", status=status, sentence="So it is.", details=details)


def cell(one):
    output = new_output("display_data", data={MIME: one.model_dump(mode="json"), "text/plain": one.text()})
    return new_code_cell("judge", metadata={"modelcompose": {"step": one.step}}, outputs=[output], execution_count=1)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("side by side")
    return Workbench(workspace)


@pytest.fixture(scope="module")
def ended(bench):
    """Make a run that has ended, with the verdicts given."""

    def make(name, *verdicts, status="passed", **choices):
        analysis = Analysis(**{"outcome": "y", "model": "linear", "formula": "y ~ x", "data": "t.csv", **choices})
        parameters = new_code_cell('data = "t.csv"', metadata={"tags": ["parameters"]})
        nb = new_notebook(cells=[parameters, *map(cell, verdicts)])
        store = bench._store()
        run = store.create(nb, name=name, notebook_path="study.ipynb", analysis=analysis)
        return store.finish(run.id, status=status, message="").id

    return make


def rows(shift, count=150):
    """Densities of rows: the same ground for all runs, and noise of their own around a shift."""
    noise = np.random.default_rng(round(abs(shift) * 1000)).standard_normal(count)
    return (np.random.default_rng(0).normal(-1, 0.5, count) + shift + 0.5 * (noise - noise.mean())).tolist()


def influence(values, of="densities of 1"):
    elpd = {"elpd": float(np.sum(values)), "se": 5.0, "rows": values, "of": of}
    return verdict("influence", elpd=elpd)


def answer(middle):
    effects = {"x, per 1": {"mean": middle, "sd": 0.5, "lower": middle - 1, "median": middle, "upper": middle + 1}}
    return verdict("answer", "warn", effects=effects, units={"x, per 1": "kg"})


@pytest.fixture(scope="module")
def pair(ended):
    plain = ended("plain", verdict("data"), influence(rows(0.0)), answer(2.0))
    robust = ended(
        "robust", verdict("data", "warn"), influence(rows(-0.4)), answer(5.0), model="robust-linear", draws=500
    )
    return plain, robust


def test_predictions_are_compared_as_the_field_does(bench, pair):
    found = bench.compare_runs(list(pair))
    assert (found["comparable"], found["why_not"]) == (True, "")
    expected = standings({pair[0]: np.array(rows(0.0)), pair[1]: np.array(rows(-0.4))})
    assert [one["id"] for one in found["comparison"]] == [pair[0], pair[1]]
    assert found["comparison"][1]["difference"] == pytest.approx(expected[1].difference)
    assert found["comparison"][1]["se"] == pytest.approx(expected[1].difference_se)
    assert sum(one["weight"] for one in found["comparison"]) == pytest.approx(1)
    assert [one["words"] for one in found["comparison"]] == ["predicts best", "clearly predicts worse"]
    assert found["sentences"][0].startswith("plain predicts rows it has not seen clearly better than robust: by 60.")


def test_what_differs_is_listed_by_run(bench, pair):
    plain, robust = pair
    found = bench.compare_runs(["plain", robust[:12]])
    assert found["choices"] == [
        {"name": "model", "runs": {plain: "linear", robust: "robust-linear"}},
        {"name": "draws", "runs": {plain: 1000, robust: 500}},
    ]
    assert found["verdicts"][0] == {
        "step": "data",
        "title": "Is the table ready?",
        "runs": {plain: "pass", robust: "warn"},
        "waived": [],
    }
    assert found["answers"] == [
        {
            "quantity": "x, per 1",
            "unit": "kg",
            "runs": {
                plain: {"median": 2.0, "lower": 1.0, "upper": 3.0},
                robust: {"median": 5.0, "lower": 4.0, "upper": 6.0},
            },
        }
    ]
    assert found["sentences"][-1] == "The answers differ: x, per 1, in plain and in robust."
    assert [one["formula"] for one in found["runs"]] == ["y ~ x", "y ~ x"]


def test_a_waived_failure_is_told_from_others_in_the_list_and_side_by_side(bench, ended, pair, capsys):
    signed = {"step": "posterior", "by": "A. Name", "reason": "a pilot"}
    failed = verdict("posterior", "fail")
    passing = ended("let pass", failed.model_copy(update={"waived": Waiver(**signed)}))
    failing = ended("not let pass", failed, status="failed")
    told = [bench.get_run(run)["verdicts"][0] for run in (passing, failing)]
    assert [(one["status"], one["waived"]) for one in told] == [("fail", True), ("fail", False)]
    (posterior,) = bench.compare_runs([passing, failing])["verdicts"]
    assert (posterior["runs"], posterior["waived"]) == ({passing: "fail", failing: "fail"}, [passing])
    assert cli.main(["runs", "compare", passing, failing, "--workspace", str(bench.workspace)]) == 0
    assert capsys.readouterr().out.count("fail, waived") == 1


def test_a_small_difference_is_too_close_to_call(bench, ended, pair):
    near = ended("near", influence(rows(-0.01)))
    found = bench.compare_runs([pair[0], near])
    assert found["comparison"][1]["words"] == "too close to call"
    assert found["sentences"][0].startswith("Too close to call: plain and near")


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ([answer(2.0)], "How well other predicts is not known"),
        ([influence(rows(0.0, count=149))], "The runs used different rows (plain 150, other 149)"),
        ([influence(rows(0.0), of="densities of 2")], "do not explain the same values"),
        ([verdict("influence", elpd={"elpd": -3.0, "se": 1.0, "of": "densities of 1"})], "too many rows"),
    ],
)
def test_what_may_not_be_compared_is_said(bench, ended, pair, verdicts, why):
    other = ended("other", *verdicts)
    found = bench.compare_runs([pair[0], other])
    assert not found["comparable"]
    assert found["comparison"] == []
    assert why in found["why_not"]


def test_runs_of_one_name_are_told_apart(bench, ended, pair):
    again = ended("plain", influence(rows(-0.4)))
    found = bench.compare_runs([pair[0], again])
    assert f"plain ({again[:8]})" in found["sentences"][0]


def test_a_run_that_is_still_running_has_nothing_to_compare_yet(bench, pair):
    store = bench._store()
    nb = new_notebook(cells=[new_code_cell('data = "t.csv"', metadata={"tags": ["parameters"]})])
    going = store.create(nb, name="going", notebook_path="study.ipynb", analysis=Analysis(data="t.csv", outcome="y"))
    found = bench.compare_runs([pair[0], going.id])
    assert not found["comparable"]
    assert found["runs"][1]["status"] == "queued"


def test_one_run_alone_is_refused(bench, pair):
    with pytest.raises(InvalidInput, match="fewer than two different runs"):
        bench.compare_runs([pair[0], pair[0][:10]])


def test_the_command_line_shows_it(bench, pair, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["runs", "compare", *pair, "--workspace", str(bench.workspace)]) == 0
    printed = capsys.readouterr().out
    assert "clearly predicts worse" in printed
    assert "robust-linear" in printed
    assert cli.main(["runs", "compare", *pair, "--workspace", str(bench.workspace), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == bench.compare_runs(list(pair))


def test_verdicts_of_another_version_are_named_not_stumbled_over(bench, ended):
    good, old = ended("good", verdict("sampling")), ended("old", verdict("sampling"))
    file = bench._store().folder(old) / "verdicts.json"
    for written in ([{"step": "sampling", "judgement": "splendid"}], {"verdicts": []}, [None]):
        file.write_text(json.dumps(written))
        found = bench.compare_runs([good, old])
        assert any("1 verdict of old cannot be read" in sentence for sentence in found["sentences"])
