"""The verbs about models: cards, priors, views, and models of one's own from the first line to the workflow."""

from __future__ import annotations

import json

import pytest

from modelcompose import Workbench
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, Forbidden, InvalidInput, ModelComposeError, NotFound

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

FAULTY = 'import pymc as pm\n\ncolumns = {"y": "continuos"}\noutcome = "z"\n\n\ndef build(rows, more):\n    pass\n'


@pytest.fixture
def bench(workspace):
    return Workbench(workspace)


def cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def test_every_model_has_a_card_that_says_what_it_assumes_and_how_far_it_is_proven(bench):
    found = bench.list_models()["models"]
    assert len(found) >= 36
    card = bench.show_model("meta-analysis")
    assert card["assumptions"]
    assert card["limits"]
    assert card["tutorial"]
    assert all(one["source"] and one["meaning"].startswith("95% of ") for one in card["priors"])
    assert card["evidence"]["status"] in ("valid", "outdated", "none")
    assert card["evidence"]["sentence"]
    assert "pm.Normal" in card["code"]


def test_priors_are_shown_in_words_and_one_is_changed_alone(bench, sleepstudy):
    shown = {one["name"]: one for one in bench.priors(sleepstudy)["priors"]}
    assert shown["Days"]["range_words"].endswith("ms per day")
    answer = {"how": "range", "low": -20, "high": 20, "mass": 0.9}
    found = bench.elicit(sleepstudy, "Days", answer)
    assert set(found["changes"]["priors"]) == {"Days"}
    assert "90%" in found["sentence"]
    after = {one["name"]: one for one in bench.priors(sleepstudy | found["changes"])["priors"]}
    assert after["Days"]["yours"]
    assert after["Intercept"] == shown["Intercept"]


def test_the_consequences_of_priors_are_said_for_the_outcome(bench, sleepstudy):
    declared = sleepstudy | {"variables": {"Reaction": {"plausible": [150, 500]}}}
    found = bench.prior_predictive(declared)
    assert found["unit"] == "ms"
    assert found["quantiles"]["5"] < found["quantiles"]["50"] < found["quantiles"]["95"]
    assert 0 < found["inside"] < 1
    assert "plausible" in found["sentence"]


def test_four_views_stay_in_step(bench, sleepstudy):
    found = bench.views(sleepstudy)
    assert found["formula"] == "Reaction ~ Days + (Days | Subject)"
    assert ["Days", "mu"] in found["graph"]["edges"]
    assert r"\beta_{\mathrm{Days}}" in found["equation"]
    edited = found["code"].replace("    formula,\n", '    "Reaction ~ Days",\n')
    edited = "\n".join(line for line in edited.splitlines() if "|Subject" not in line)
    after = bench.views(sleepstudy, edited)
    assert after["changes"] == {"formula": "Reaction ~ Days"}
    assert "Subject" not in after["equation"]
    other = bench.views(sleepstudy, found["code"].replace('"gaussian"', '"t"'))
    assert other["changes"] == {}
    assert "another model" in other["problem"]


def test_a_question_that_no_model_fits_says_what_data_would_help(bench):
    (bench.workspace / "data" / "short.csv").write_text("y,t\n1.5,1\n2.5,2\n3.1,3\n", "utf-8")
    asked = {"data": "data/short.csv", "question": "change-point", "outcome": "y", "time": "t"}
    found = bench.recommend(asked)
    assert found["recommended"] == []
    assert "before and after" in found["none"]
    assert all(one["rule"] and one["sentence"] for one in found["rejected"])


def test_a_new_model_begins_as_a_notebook_without_faults(bench):
    path = bench.new_model("growth")["path"]
    assert path == "models/growth.ipynb"
    assert bench.check_model(path) == {"ok": True, "faults": []}
    added = bench.add_model(path)
    assert added == {"id": "models/growth.py", "path": "models/growth.py"}
    assert bench.list_models()["models"][-1] | {"own": True} == bench.list_models()["models"][-1]
    assert bench.show_model("models/growth.py")["columns"] == {"y": "continuous", "x": "continuous"}


@pytest.mark.slow
def test_the_notebook_of_a_new_model_runs_and_shows_what_is_wrong(bench):
    from nbclient import NotebookClient
    from nbformat import v4

    text = "".join(cells(bench.workspace / bench.new_model("growth")["path"])[1]["source"])
    try_it = "".join(cells(bench.workspace / "models/growth.ipynb")[2]["source"])
    broken = text.replace('outcome = "y"', 'outcome = "size"')
    nb = v4.new_notebook(cells=[v4.new_code_cell(one) for one in (text, try_it, broken, try_it)])
    NotebookClient(nb, timeout=300, kernel_name="python3").execute()
    shown = [out["data"]["application/vnd.modelcompose.verdict.v1+json"] for cell in nb.cells for out in cell["outputs"]
             if "application/vnd.modelcompose.verdict.v1+json" in out.get("data", {})]  # fmt: skip
    assert [one["status"] for one in shown] == ["pass", "fail"]
    assert "'size' is none of the columns" in json.dumps(shown[1])


def test_all_faults_of_a_file_are_named_and_nothing_is_added(bench):
    (bench.workspace / "mine.py").write_text(FAULTY, "utf-8")
    found = bench.check_model("mine.py")
    assert [one["message"] for one in found["faults"]] == [
        "the file does not say what it is",
        "'continuos' is no kind of column (y)",
        "the outcome 'z' is none of the columns",
        "build takes rows, more; it is given the table alone",
    ]
    with pytest.raises(InvalidInput, match="4 faults"):
        bench.add_model("mine.py")
    assert not (bench.workspace / "models" / "mine.py").exists()


@pytest.mark.slow
def test_a_model_of_the_catalogue_is_forked_into_a_file_without_faults(bench):
    for name, like in (("slopes", "varying-slopes"), ("studies", "meta-analysis")):
        found = bench.fork_model(like, name)
        assert bench.check_model(found["path"]) == {"ok": True, "faults": []}
    with pytest.raises(Conflict, match="'slopes'"):
        bench.fork_model("linear", "slopes")


def test_a_removed_model_is_kept_aside(bench):
    bench.fork_model("linear", "mine")
    found = bench.remove_model("models/mine.py")
    assert found["kept"] == "models/removed/mine.py"
    assert all(not one["own"] for one in bench.list_models()["models"])
    with pytest.raises(NotFound):
        bench.remove_model("models/mine.py")
    with pytest.raises(InvalidInput, match="not a model of your own"):
        bench.remove_model("data/sleepstudy.csv")


@pytest.mark.slow
def test_a_model_is_used_on_a_table_with_other_names(bench, sleepstudy):
    bench.add_model(bench.new_model("growth")["path"])
    data = {"data": "data/sleepstudy.csv"}
    changes = bench.adopt_model("models/growth.py", data, {"y": "Reaction", "x": "Days"})["changes"]
    assert changes["recipe"] == [{"do": "rename", "columns": {"Reaction": "y", "Days": "x"}}]
    assert (changes["outcome"], changes["predictors"], changes["question"]) == ("y", ["x"], "own")
    path = bench.compose(data | changes, "deep/mine.ipynb")["path"]
    chosen = Analysis.read({"cells": cells(bench.workspace / path)})
    assert chosen.model == "../models/growth.py"
    assert "def build(table):" in next(
        "".join(one["source"]) for one in cells(bench.workspace / path) if one["id"] == "model"
    )
    with pytest.raises(InvalidInput, match="no column stands for 'x'"):
        bench.adopt_model("models/growth.py", data, {"y": "Reaction"})
    with pytest.raises(InvalidInput, match="reads no column 'w'"):
        bench.adopt_model("models/growth.py", data, {"w": "Reaction"})


@pytest.mark.parametrize("path", ["../elsewhere.py", "/etc/passwd"])
def test_no_file_outside_the_workspace_is_read(bench, path):
    with pytest.raises((Forbidden, ModelComposeError)):
        bench.check_model(path)
    with pytest.raises(ModelComposeError):
        bench.show_model(path)


def test_names_of_models_cannot_leave_their_folder(bench):
    for name in ("../mine", "a/b", "", "1st", "x" * 90):
        with pytest.raises(InvalidInput, match="cannot be the name"):
            bench.new_model(name)


def test_stan_says_what_it_would_need(bench):
    (bench.workspace / "m.stan").write_text("parameters { real x; }", "utf-8")
    with pytest.raises(InvalidInput, match="bridgestan"):
        bench.check_model("m.stan")


@pytest.mark.slow
def test_a_model_of_ones_own_goes_through_the_whole_workflow_and_the_app(bench):
    import numpy as np
    import pandas as pd
    from nbclient import NotebookClient
    from nbformat import reads

    rng = np.random.default_rng(4)
    x = rng.normal(size=80)
    pd.DataFrame({"weeks": x, "gain": 0.5 + 0.8 * x + 0.6 * rng.standard_normal(80)}).to_csv(
        bench.workspace / "data" / "gain.csv", index=False
    )
    model = bench.add_model(bench.new_model("growth")["path"])["id"]
    changes = bench.adopt_model(model, {"data": "data/gain.csv"}, {"y": "gain", "x": "weeks"})["changes"]
    path = bench.compose({"data": "data/gain.csv", **changes, "draws": 500, "tune": 500})["path"]
    run = bench.run(path)
    print({one["step"]: one["status"] for one in run["verdicts"]})
    assert run["status"] == "passed"
    assert [one["step"] for one in run["verdicts"]][-1] == "answer"
    assert "the change of y is" in run["verdicts"][-1]["sentence"]
    published = bench.publish(run["id"])
    report = (bench.workspace / published["report"]).read_text("utf-8")
    assert "the change of y is" in report
    app = bench.workspace / published["app"]
    assert (app.parent / "growth.py").is_file()
    nb = reads(app.read_text("utf-8"), 4)
    NotebookClient(nb, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(app.parent)}}).execute()
    outputs = [out.get("data", {}) for cell in nb.cells for out in cell.get("outputs", [])]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in outputs)
