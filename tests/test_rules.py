"""The verbs about thresholds, waivers and plans."""

from __future__ import annotations

import json

import pytest

from modelcompose import Analysis, Workbench
from modelcompose.errors import Forbidden, InvalidInput
from modelcompose.workflow.policy import default

FORBIDDING = 'name = "Strict"\nforbid_waivers = ["*"]\n'


@pytest.fixture
def bench(workspace):
    return Workbench(workspace)


@pytest.fixture
def notebook(bench):
    return bench.compose({"data": "sample:sleepstudy", "outcome": "Reaction"})["path"]


def cells(bench, path):
    return json.loads((bench.workspace / path).read_text("utf-8"))["cells"]


def applied(before, revision):
    edits = {one["id"]: one for one in revision["edits"]}
    return [{**cell, **edits.get(cell["id"], {})} for cell in before]


def choices(found):
    return Analysis.read({"cells": found})


def test_thresholds_are_listed_with_their_sources(bench):
    found = bench.thresholds()
    rhat = next(one for one in found["rules"] if one["id"] == "rhat")
    assert "1.01" in rhat["words"]
    assert "Vehtari" in rhat["source"]


def test_the_workspaces_own_policy_enters_new_notebooks_wherever_they_lie(bench):
    (bench.workspace / "policy.toml").write_text(FORBIDDING)
    bench._inside("deep").mkdir()
    path = bench.compose({"data": "sample:sleepstudy", "outcome": "Reaction"}, "deep/one.ipynb")["path"]
    assert choices(cells(bench, path)).policy == "../policy.toml"
    assert bench.thresholds("policy.toml")["name"] == "Strict"


def test_an_empty_policy_means_the_defaults_to_the_verb_as_to_a_notebook(bench, notebook):
    (bench.workspace / "policy.toml").write_text(FORBIDDING)
    judged_by = choices(cells(bench, notebook)).policy
    assert judged_by == ""
    assert bench.thresholds(judged_by)["digest"] == default().digest
    assert bench.thresholds("policy.toml")["digest"] != default().digest


def test_a_waiver_is_signed_dated_and_can_be_taken_back(bench, notebook):
    before = cells(bench, notebook)
    found = bench.waive(before, "posterior", " A. Name ", "a pilot", notebook)
    assert found["again"] == ["posterior", "answer"]
    after = applied(before, found)
    (waiver,) = choices(after).waivers
    assert (waiver["step"], waiver["by"], waiver["reason"]) == ("posterior", "A. Name", "a pilot")
    assert waiver["when"].startswith("20")
    assert choices(applied(after, bench.waive(after, "posterior", path=notebook))).waivers == []


def test_a_waiver_needs_a_name_and_a_step(bench, notebook):
    with pytest.raises(InvalidInput, match="needs a name"):
        bench.waive(cells(bench, notebook), "posterior", "", "because", notebook)
    with pytest.raises(InvalidInput, match="no step"):
        bench.waive(cells(bench, notebook), "nothing", "A. Name", "because", notebook)


def test_a_policy_forbids_waivers_even_where_the_notebook_does_not_name_it(bench, notebook):
    (bench.workspace / "policy.toml").write_text(FORBIDDING)
    with pytest.raises(Forbidden, match="Strict forbids"):
        bench.waive(cells(bench, notebook), "posterior", "A. Name", "because", notebook)


def test_no_run_begins_with_a_waiver_that_the_workspace_forbids(bench, notebook):
    (bench.workspace / "policy.toml").write_text(FORBIDDING)
    waiver = {"step": "posterior", "by": "A. Name", "reason": "because"}
    with pytest.raises(Forbidden, match="Strict forbids"):
        bench.run(notebook, {"waivers": [waiver]})


def test_a_locked_plan_tells_what_was_changed_later(bench, notebook):
    before = cells(bench, notebook)
    assert bench.plan(before, notebook) == {"plan": None, "deviations": []}
    found = bench.lock_plan(before, "A. Name", notebook)
    locked = applied(before, found)
    assert found["plan"]["by"] == "A. Name"
    assert bench.plan(locked, notebook)["deviations"] == []
    changed = applied(locked, bench.revise(locked, {"ci_prob": 0.9, "draws": 500}, notebook))
    assert bench.plan(changed, notebook)["deviations"] == [{"what": "ci_prob", "planned": "0.95", "now": "0.9"}]


def test_a_plan_that_was_tampered_with_is_told(bench, notebook):
    before = cells(bench, notebook)
    locked = applied(before, bench.lock_plan(before, "A. Name", notebook))
    file = bench.workspace / choices(locked).plan
    file.write_text(file.read_text().replace("A. Name", "B. Name"))
    (deviation,) = bench.plan(locked, notebook)["deviations"]
    assert deviation["what"] == "the plan itself"


def test_thresholds_changed_after_the_lock_are_a_deviation(bench):
    (bench.workspace / "policy.toml").write_text('name = "House"\n')
    path = bench.compose({"data": "sample:sleepstudy", "outcome": "Reaction"})["path"]
    before = cells(bench, path)
    locked = applied(before, bench.lock_plan(before, path=path))
    (bench.workspace / "policy.toml").write_text('name = "House"\n[rules.rhat]\nfail = 1.2\n')
    assert [one["what"] for one in bench.plan(locked, path)["deviations"]] == ["the thresholds"]


def test_locking_again_names_the_plan_before(bench, notebook):
    before = cells(bench, notebook)
    first = bench.lock_plan(before, path=notebook)
    changed = applied(applied(before, first), {"edits": []})
    again = bench.lock_plan(applied(changed, bench.revise(changed, {"ci_prob": 0.9}, notebook)), path=notebook)
    assert again["plan"]["earlier"] == [first["plan"]["digest"]]


def test_a_plan_outside_the_workspace_is_neither_read_nor_taken_the_place_of(bench, notebook):
    before = cells(bench, notebook)
    locked = applied(before, bench.revise(before, {"plan": "../secret.json"}, notebook))
    with pytest.raises(Forbidden):
        bench.plan(locked, notebook)
    with pytest.raises(Forbidden):
        bench.lock_plan(locked, path=notebook)
