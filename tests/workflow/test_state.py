"""What a notebook says of its steps: to do, judged, out of date, edited by hand."""

from __future__ import annotations

import pytest

from modelcompose.verdict import MIME, Verdict
from modelcompose.workflow import steps_in
from modelcompose.workflow.notebook import digest


def cell(source, count=None, step="", verdict=None, composed=None, kind="code"):
    metadata = {"modelcompose": {"step": step} | ({"composed": composed} if composed else {})} if step else {}
    outputs = [{"output_type": "display_data", "data": {MIME: verdict.model_dump(mode="json")}}] if verdict else []
    return {
        "id": source,
        "cell_type": kind,
        "source": source,
        "metadata": metadata,
        "execution_count": count,
        "outputs": outputs,
    }


def verdict(step, *sources, status="pass"):
    """A verdict reached after these sources were executed, one count each."""
    ran = {str(count): digest(source) for count, source in enumerate(sources, 1)}
    return Verdict(step=step, title="?", status=status, sentence=".", ran=ran)


@pytest.fixture
def cells():
    return [
        cell("# text", kind="markdown"),
        cell("draws = 1", 1),
        cell("load()", 2, "data", verdict("data", "draws = 1", "load()")),
        cell("own = 3", 3),
        cell("fit()", 4, "fit", verdict("fit", "draws = 1", "load()", "own = 3", "fit()", status="warn")),
    ]


def state(cells):
    return {one.step.id: (one.state, one.stale, one.edited) for one in steps_in({"cells": cells})}


def test_a_notebook_just_run_is_up_to_date(cells):
    assert state(cells) == {"data": ("passed", False, False), "fit": ("warned", False, False)}


def test_a_changed_parameter_makes_all_below_stale(cells):
    cells[1]["source"] = "draws = 2"
    assert state(cells) == {"data": ("passed", True, False), "fit": ("warned", True, False)}


def test_a_changed_cell_of_ones_own_makes_only_what_is_below_stale(cells):
    cells[3]["source"] = "own = 4"
    assert state(cells) == {"data": ("passed", False, False), "fit": ("warned", True, False)}


def test_a_cell_above_that_ran_again_makes_what_is_below_stale(cells):
    cells[3]["execution_count"] = 9
    assert state(cells)["fit"] == ("warned", True, False)


def test_a_cell_put_in_between_makes_what_is_below_stale(cells):
    cells.insert(2, cell("surprise()"))
    assert state(cells) == {"data": ("passed", True, False), "fit": ("warned", True, False)}


def test_a_deleted_neighbour_text_or_blank_cell_changes_nothing(cells):
    del cells[0]
    cells.insert(1, cell("  \n"))
    assert not any(stale for _, stale, _ in state(cells).values())


def test_a_changed_step_is_stale_and_edited(cells):
    cells[4]["metadata"]["modelcompose"]["composed"] = digest("fit()")
    assert state(cells)["fit"] == ("warned", False, False)
    cells[4]["source"] = "fit(more)"
    assert state(cells)["fit"] == ("warned", True, True)


def test_a_step_without_a_verdict_is_to_do(cells):
    cells[4]["outputs"] = []
    assert state(cells)["fit"] == ("todo", False, False)


def test_a_trailing_newline_is_no_edit():
    assert digest("x = 1\n") == digest("x = 1") != digest("x = 2")
