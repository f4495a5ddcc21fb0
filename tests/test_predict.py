"""Predicting new rows by the model of a run, through the workbench."""

from __future__ import annotations

import pytest

from modelcompose.errors import Conflict, InvalidData, InvalidInput


@pytest.fixture(scope="module")
def run(slept):
    return slept


def test_rows_given_as_such_are_predicted(run):
    bench, found = run
    predicted = bench.predict(found["id"], rows=[{"Days": 0, "Subject": "308"}, {"Days": 9, "Subject": "new"}])
    assert (predicted["outcome"], predicted["unit"], predicted["ci_prob"]) == ("Reaction", "ms", 0.95)
    known, new = predicted["rows"]
    assert known["average"]["median"] == pytest.approx(254, abs=15)  # the group's own level in lme4's fit is 253.7
    assert new["note"] == "new Subject"
    for row in (known, new):
        assert row["single"]["lower"] < row["average"]["lower"] < row["average"]["median"]
    assert new["average"]["upper"] - new["average"]["lower"] > known["average"]["upper"] - known["average"]["lower"]


def test_a_table_of_one_row_is_predicted(run):
    bench, found = run
    (bench.workspace / "new.csv").write_text("Subject,Days\n309,3\n")
    (row,) = bench.predict(found["id"], "new.csv")["rows"]
    assert (row["columns"]["Subject"], float(row["columns"]["Days"])) == ("309", 3.0)


def test_what_cannot_be_predicted_is_said(run):
    bench, found = run
    with pytest.raises(InvalidData, match="lack the column 'Subject'"):
        bench.predict(found["id"], rows=[{"Days": 1}])
    with pytest.raises(InvalidInput, match="no row"):
        bench.predict(found["id"], rows=[])


def test_a_model_edited_by_hand_is_not_guessed_at(run):
    import json

    bench, found = run
    path = bench._store().folder(found["id"]) / "notebook.ipynb"
    before = path.read_text("utf-8")
    nb = json.loads(before)
    cell = next(
        one
        for one in nb["cells"]
        if one["metadata"].get("modelcompose", {}).get("step") == "model" and one["cell_type"] == "code"
    )
    cell["source"] = "".join(cell["source"]) + "\n# mine"
    path.write_text(json.dumps(nb), "utf-8")
    try:
        with pytest.raises(Conflict, match="edited by hand"):
            bench.predict(found["id"], rows=[{"Days": 0, "Subject": "308"}])
    finally:
        path.write_text(before, "utf-8")
