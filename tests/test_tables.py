"""The verbs on tables: what every door offers of data."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from modelcompose import Workbench, cli, load
from modelcompose.analysis import Analysis
from modelcompose.errors import Forbidden, InvalidData, InvalidInput, NotFound

CSV = "person,age,score,arm,y1,y2,y3\n" + "\n".join(
    f"p{at % 10},{20 + at},{'' if at == 3 else at / 4},{'ab'[at % 2]},{at},{at + 1},{at + 2}" for at in range(40)
)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.delenv("MODELCOMPOSE_DATASETS", raising=False)
    (tmp_path / "trial.csv").write_text(CSV)
    (tmp_path / "other.csv").write_text("arm,cost\na,10\nb,20\n")
    return Workbench(tmp_path)


def test_describe_says_what_is_declared_and_what_to_do_next(bench: Workbench) -> None:
    found = bench.describe(
        {
            "data": "trial.csv",
            "units": {"age": "years"},
            "variables": {"arm": {"label": "Treatment", "reference": "b"}, "age": {"bounds": [0, 120]}},
            "recipe": [{"do": "filter", "where": "age > 25"}],
        }
    )
    columns = {one["name"]: one for one in found["columns"]}
    assert (found["rows_read"], found["rows"]) == (40, 34)
    assert found["recipe"][0]["sentence"].startswith("Kept 34 rows where age > 25")
    assert (columns["age"]["unit"], columns["age"]["bounds"]) == ("years", [0, 120])
    assert (columns["arm"]["label"], columns["arm"]["levels"], columns["arm"]["dtype"]) == (
        "Treatment",
        ["b", "a"],
        "text",
    )
    assert found["dataset"] is None
    assert found["suggestions"][0]["step"]["do"] == "lengthen"
    json.dumps(found, allow_nan=False)


def test_profile(bench: Workbench) -> None:
    found = bench.profile({"data": "trial.csv", "variables": {"age": {"bounds": [0, 50]}}})
    columns = {one["name"]: one for one in found["columns"]}
    assert columns["age"]["impossible_count"] == 9
    assert columns["age"]["impossible"][0] == {"row": 32, "value": "51", "why": "outside 0 to 50"}
    assert columns["score"]["missing"] == 1
    assert columns["arm"]["levels"] == [{"level": "a", "count": 20}, {"level": "b", "count": 20}]
    assert sum(columns["score"]["histogram"]["counts"]) == 39
    assert found["missing"]["columns"] == ["score"]
    assert found["missing"]["complete_rows"] == 39
    assert found["pairs"][0]["value"] == pytest.approx(1, abs=0.01)
    json.dumps(found, allow_nan=False)


def test_preview_shows_and_changes_nothing(bench: Workbench) -> None:
    step = {"do": "derive", "column": "double", "expression": "age * 2"}
    found = bench.preview({"data": "trial.csv"}, step)
    assert (found["rows_before"], found["rows_after"], found["added"]) == (40, 40, ["double"])
    assert found["recipe"] == [step]
    assert found["after"]["columns"][-1] == "double"
    assert found["after"]["changed"][0][-1] is True
    assert bench.preview({"data": "trial.csv"}, {"do": "join", "data": "other.csv", "on": ["arm"]})["added"] == ["cost"]
    with pytest.raises(InvalidData, match="there is no column 'nothing'"):
        bench.preview({"data": "trial.csv"}, {"do": "filter", "where": "nothing > 1"})
    for recipe in (None, 5, "drop", [None]):
        with pytest.raises(InvalidInput):
            bench.preview({"data": "trial.csv", "recipe": recipe}, step)


def test_nothing_outside_the_workspace_is_read(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
    secret.write_text("arm,cost\na,1\nb,2\n")
    (bench.workspace / "link.csv").symlink_to(secret)
    for data in (str(secret), f"../{secret.parent.name}/secret.csv", "link.csv", f"sqlite:///{secret}"):
        with pytest.raises(Forbidden):
            bench.describe({"data": data})
        with pytest.raises(Forbidden):
            bench.describe({"data": "trial.csv", "recipe": [{"do": "join", "data": data, "on": ["arm"]}]})


def test_a_dataset_lives_through_versions(bench: Workbench) -> None:
    first = bench.add_data({"data": "trial.csv", "kinds": {"person": "group"}}, "trial", "as collected")
    assert (first["data"], first["new"], first["breaches"]) == ("trial@1", True, [])
    assert bench.add_data({"data": "trial.csv", "kinds": {"person": "group"}}, "trial")["new"] is False
    (bench.workspace / "trial.csv").write_text(CSV.replace("p3,23,,b", "p3,23,1.5,c"))
    second = bench.add_data({"data": "trial.csv", "kinds": {"person": "group"}}, "trial")
    assert second["data"] == "trial@2"
    assert ("arm", "levels") in [(one["column"], one["rule"]) for one in second["breaches"]]
    found = bench.diff_data("trial", "1", "2")
    assert (found["cells_changed"], found["rows_changed"]) == (2, 1)
    assert {(cell["column"], cell["new"]) for cell in found["cells"]} == {("score", "1.5"), ("arm", "c")}
    assert [one["number"] for one in bench.show_data("trial")["versions"]] == [1, 2]
    assert bench.list_data()["datasets"][0]["number"] == 2
    described = bench.describe({"data": "trial"})
    assert described["dataset"] == {"name": "trial", "number": 2, "current": 2, "sha256": second["sha256"]}
    assert bench.roll_back_data("trial", "1")["data"] == "trial@1"
    assert bench.verify_data() == {"checked": 2, "problems": []}
    exported = bench.export_data("trial", "out/trial.csv", "1")
    assert (bench.workspace / exported["path"]).read_text().count("\n") == 41
    assert bench.remove_data("trial", "2") == {"removed": [2]}
    with pytest.raises(NotFound):
        bench.diff_data("trial", "1", "2")


def test_a_version_that_breaks_its_contract_is_refused_with_the_list(bench: Workbench) -> None:
    bench.add_data({"data": "trial.csv"}, "trial")
    (bench.workspace / "trial.csv").write_text(CSV.replace(",a,", ",z,").replace("age,", "years,"))
    bench.add_data({"data": "trial.csv"}, "trial")
    with pytest.raises(InvalidData, match="the column age is missing; arm has values that are not allowed: “z”"):
        load("trial@2", root=bench.workspace)
    with pytest.raises(InvalidData, match="does not keep to its contract"):
        bench.compose({"data": "trial@2", "outcome": "score", "predictors": ["arm"], "question": "compare-two"})
    assert len(load("trial@1", root=bench.workspace).frame) == 40
    assert bench.describe({"data": "trial@2"})["rows"] == 40
    assert [one["rule"] for one in bench.check_data("trial")["breaches"]][:2] == ["column", "levels"]
    bench.set_contract("trial", version="2")
    assert len(load("trial@2", root=bench.workspace).frame) == 40
    rules = bench.get_contract("trial")["contract"]
    rules["columns"]["score"]["bounds"] = [0, 5]
    bench.set_contract("trial", rules)
    with pytest.raises(InvalidData, match="score has 19 values out of bounds"):
        load("trial@2", root=bench.workspace)


def test_an_analysis_rests_on_a_version_and_a_run_says_which(bench: Workbench) -> None:
    bench.add_data({"data": "trial.csv"}, "trial")
    path = bench.compose({"data": "trial", "outcome": "score", "predictors": ["age"], "question": "effect"})["path"]
    assert path == "trial.ipynb"
    nb = json.loads((bench.workspace / path).read_text())
    assert Analysis.read(nb).data == "trial"
    _, run = bench._created(path, {}, autopilot=0, fresh=False)
    assert run.data == "trial@1"
    (bench.workspace / "trial.csv").write_text(CSV.replace("p3,23,,b", "p3,23,1.5,b"))
    added = bench.add_data({"data": "trial.csv"}, "trial")
    assert [(one["id"], one["data"]) for one in added["stale_runs"]] == [(run.id, "trial@1")]
    assert bench.roll_back_data("trial", "1")["stale_runs"] == []


def test_paste(bench: Workbench) -> None:
    found = bench.paste("x\ty\n1\t2,5\n3\t4,5\n7\t-1,5\n", "From <b>Excel</b>")
    assert found["data"] == "data/From -b-Excel--b.csv"
    assert [one["kind"] for one in bench.describe(found)["columns"]] == ["count", "continuous"]


def test_the_command_line_says_it_all(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["--workspace", str(bench.workspace)]

    def said(*command: str) -> str:
        cli.main([*command, *here])
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    assert said("data", "add", "trial.csv", "--message", "first").startswith("trial@1")
    assert "trial" in said("data", "ls")
    assert "current" in said("data", "show", "trial")
    assert "half of them between" in said("data", "profile", "trial@1")
    (bench.workspace / "trial.csv").write_text(CSV.replace("p3,23,,b", "p3,23,1.5,b"))
    assert said("data", "add", "trial.csv").startswith("trial@2")
    assert "1 cell changed" in said("data", "diff", "trial", "1", "2")
    assert '"current": 1' in said("data", "rollback", "trial", "1")
    assert "2 versions checked, 0 damaged" in said("data", "verify")
    assert "out.xlsx" in said("data", "export", "trial", "out.xlsx")
    assert '"removed": [' in said("data", "rm", "trial", "2")
    assert "left out" in said("data", "preview", "trial", '{"do": "filter", "where": "age > 30"}')
    assert "table = table.drop(" in said("data", "script", "trial", "--recipe", '[{"do": "drop", "columns": ["age"]}]')


def test_the_server_answers_while_a_table_is_read(bench: Workbench) -> None:
    """A long verb runs in a process of its own, so that the loop goes on turning."""
    from modelcompose.server.apart import apart

    rows = "\n".join(f"{at},{at % 7},{at / 3:.4f}" for at in range(300_000))
    (bench.workspace / "long.csv").write_text(f"a,b,c\n{rows}\n")

    async def both() -> tuple[int, int]:
        turns, done = 0, asyncio.create_task(apart(bench.profile, [], {"analysis": {"data": "long.csv"}}))
        while not done.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns, (await done)["rows"]

    turns, rows_read = asyncio.run(both())
    assert rows_read == 300_000
    assert turns > 10


def test_what_a_worker_refuses_is_said_as_everywhere(bench: Workbench) -> None:
    from modelcompose.server.apart import apart

    with pytest.raises(NotFound, match=r"There is no file “gone\.csv”") as caught:
        asyncio.run(apart(bench.describe, [], {"analysis": {"data": "gone.csv"}}))
    assert caught.value.remedy == "Check the name and the folder."
