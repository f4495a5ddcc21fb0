"""The workbench's verbs: what a notebook becomes when choices change, and what is refused."""

from __future__ import annotations

import json

import pytest

from modelcompose import Workbench
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, Forbidden, InvalidAnalysis, InvalidData, InvalidInput, NotFound


@pytest.fixture
def composed(workspace, sleepstudy):
    """A workbench and the path of a composed notebook."""
    workbench = Workbench(workspace)
    return workbench, workspace / workbench.compose(sleepstudy)["path"]


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def by_step(path, step):
    return next(
        cell
        for cell in cells(path)
        if cell["cell_type"] == "code" and cell["metadata"].get("modelcompose", {}).get("step") == step
    )


def test_describe_names_questions_with_the_reason_against(workspace):
    found = Workbench(workspace).describe({"data": "data/sleepstudy.csv"})
    assert found["rows"] == 180
    assert {one["name"]: one["kind"] for one in found["columns"]} == {
        "Reaction": "continuous",
        "Days": "count",
        "Subject": "group",
    }
    questions = {one["id"]: one for one in found["questions"]}
    assert questions["change-over-time"]["allowed"]
    assert not questions["compare-two"]["allowed"]
    assert "binary" in questions["compare-two"]["reason"]
    json.dumps(found, allow_nan=False)


def test_a_composed_notebook_is_valid_and_spells_the_model_out(composed):
    import nbformat

    _, path = composed
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    source = by_step(path, "model")["source"]
    assert "bmb.Model(" in source
    assert '"1|Subject": bmb.Prior("Normal", mu=0, sigma=bmb.Prior("HalfNormal"' in source
    assert "modelcompose" not in source.split("mc.check")[0]
    assert by_step(path, "model")["metadata"]["jupyter"]["source_hidden"]
    assert Analysis.read(nb).formula == "Reaction ~ Days + (Days | Subject)"


def test_composing_never_overwrites(composed, sleepstudy):
    workbench, path = composed
    before = path.read_bytes()
    assert workbench.compose(sleepstudy)["path"] == "sleepstudy-2.ipynb"
    assert path.read_bytes() == before


def test_a_sample_brings_its_own_choices(workspace):
    path = Workbench(workspace).compose({"data": "sample:penguins"})["path"]
    found = Analysis.read({"cells": cells(workspace / path)})
    assert (path, found.outcome, found.model) == ("penguins.ipynb", "body_mass_g", "linear")


def test_a_notebook_in_a_folder_finds_its_data(workspace, sleepstudy):
    workbench = Workbench(workspace)
    path = workbench.compose(sleepstudy, "deep/er/mine.ipynb")["path"]
    assert Analysis.read({"cells": cells(workspace / path)}).data == "../../data/sleepstudy.csv"
    assert workbench.revise(cells(workspace / path), {"draws": 500}, path)["again"] == [
        "fit",
        "sampling",
        "posterior",
        "answer",
    ]


def test_a_remedy_changes_the_parameters_and_nothing_else(composed):
    workbench, path = composed
    found = workbench.revise(cells(path), {"draws": 2000}, "sleepstudy.ipynb")
    assert [one["id"] for one in found["edits"]] == ["parameters"]
    assert "draws = 2000" in found["edits"][0]["source"]
    assert "# How it is computed" in found["edits"][0]["source"]
    assert found["kept"] == []
    assert workbench.revise(cells(path), {"draws": 1000}, "sleepstudy.ipynb")["edits"] == []


def test_another_model_brings_its_formula_and_its_cell(composed):
    workbench, path = composed
    edits = {
        one["id"]: one["source"]
        for one in workbench.revise(cells(path), {"model": "varying-intercepts"}, "sleepstudy.ipynb")["edits"]
    }
    assert 'formula = "Reaction ~ Days + (1 | Subject)"' in edits["parameters"]
    assert "Days|Subject" not in edits["model"]
    assert "mc.check.model(analysis, table, model)" in edits["model"]


def test_a_formula_written_by_hand_survives_another_model(composed):
    workbench, path = composed
    own = {"formula": "Reaction ~ Days + I(Days**2) + (Days | Subject)"}
    nb = {"cells": cells(path)}
    for one in workbench.revise(nb["cells"], own, "sleepstudy.ipynb")["edits"]:
        next(cell for cell in nb["cells"] if cell["id"] == one["id"]).update(
            source=one["source"], metadata=one["metadata"]
        )
    edits = workbench.revise(nb["cells"], {"model": "varying-intercepts"}, "sleepstudy.ipynb")["edits"]
    assert any("I(Days**2)" in one["source"] for one in edits if one["id"] == "parameters")


def test_a_cell_edited_by_hand_is_never_overwritten(composed):
    workbench, path = composed
    nb = cells(path)
    model = next(cell for cell in nb if cell["id"] == "model")
    model["source"] = model["source"].replace('"gaussian"', '"t"')
    found = workbench.revise(nb, {"model": "varying-intercepts"}, "sleepstudy.ipynb")
    assert found["kept"] == ["model"]
    assert [one["id"] for one in found["edits"]] == ["parameters"]
    assert next(one for one in workbench.inspect(nb)["steps"] if one["step"] == "model")["edited"]
    path.write_text(json.dumps({"cells": nb, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    with pytest.raises(Conflict, match="edited by hand"):
        workbench.start("sleepstudy.ipynb", {"model": "varying-intercepts"})


def test_a_cell_edited_by_hand_can_be_compared_with_what_would_be_composed(composed):
    workbench, path = composed
    nb = cells(path)
    originals = {cell["id"]: cell["source"] for cell in nb}
    for cell in nb:
        if cell["id"] in ("model", "posterior"):
            cell["source"] = "# mine\n" + cell["source"]
    found = workbench.revise(nb, {}, "sleepstudy.ipynb")
    assert found["edits"] == []
    assert {one["id"]: one["source"] for one in found["composed"]} == {
        name: originals[name] for name in ("model", "posterior")
    }
    for one in found["composed"]:
        next(cell for cell in nb if cell["id"] == one["id"]).update(source=one["source"], metadata=one["metadata"])
    assert not any(step["edited"] for step in workbench.inspect(nb)["steps"])
    assert workbench.revise(nb, {}, "sleepstudy.ipynb")["composed"] == []


def test_inspect_of_a_new_notebook_has_all_steps_to_do(composed):
    workbench, path = composed
    found = workbench.inspect(cells(path))
    assert found["problem"] is None
    assert found["analysis"]["model"] == "varying-slopes"
    steps = [one["step"] for one in found["steps"]]
    assert steps == ["data", "question", "model", "prior", "fit", "sampling", "posterior", "answer"]
    assert [one["id"] for one in workbench.schema()["steps"] if one["id"] in steps] == steps
    assert {one["state"] for one in found["steps"]} == {"todo"}


def test_a_broken_parameters_cell_is_reported_and_the_steps_still_shown(composed):
    workbench, path = composed
    nb = cells(path)
    next(cell for cell in nb if cell["id"] == "parameters")["source"] = "draws = = 3"
    found = workbench.inspect(nb)
    assert found["analysis"] is None
    assert "line 1" in found["problem"]["where"]
    assert len(found["steps"]) == 8


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda w: w.describe({"data": "../secret.csv"}), Forbidden, "outside the workspace"),
        (lambda w: w.describe({"data": "/etc/passwd"}), Forbidden, "outside the workspace"),
        (lambda w: w.describe({"data": "data/nope.csv"}), NotFound, "nope.csv"),
        (lambda w: w.describe({"data": ""}), InvalidData, "No table"),
        (lambda w: w.describe({"data": "data/sleepstudy.csv", "kinds": {"Days": "date"}}), InvalidData, "Days"),
        (lambda w: w.describe({"data": "data/sleepstudy.csv", "kind": {}}), InvalidAnalysis, "no choice named 'kind'"),
        (lambda w: w.compose({"data": "data/sleepstudy.csv"}), InvalidAnalysis, "no outcome"),
        (
            lambda w: w.compose({"data": "data/sleepstudy.csv", "outcome": "Reaction"}, "../x.ipynb"),
            Forbidden,
            "outside",
        ),
        (lambda w: w.start("nope.ipynb"), NotFound, "nope.ipynb"),
        (lambda w: w.start("data/sleepstudy.csv"), InvalidInput, "not a notebook"),
        (lambda w: w.start("../nope.ipynb"), Forbidden, "outside"),
        (lambda w: w.get_run("nope"), NotFound, "nope"),
        (lambda w: w.publish("nope"), NotFound, "nope"),
        (lambda w: w.copy_sample("nope"), NotFound, "nope"),
        (lambda w: w.inspect([]) and w.revise([], {}), InvalidAnalysis, "no parameters cell"),
    ],
)
def test_what_cannot_be_done_is_explained(workspace, call, error, said):
    with pytest.raises(error, match=said) as caught:
        call(Workbench(workspace))
    assert caught.value.remedy or caught.value.where


def test_a_link_out_of_the_workspace_is_refused(workspace, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("a,b\n1,2\n")
    (workspace / "link.csv").symlink_to(outside)
    with pytest.raises(Forbidden):
        Workbench(workspace).describe({"data": "link.csv"})
