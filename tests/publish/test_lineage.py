"""How a model came about: the drawing says what the lineage says, in lines and in words."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from modelcompose.publish import report, write_app
from modelcompose.publish.lineage import HEIGHT, WIDTH, differences, graph
from modelcompose.verdict import Waiver
from modelcompose.workflow.lineage import Lineage
from tests.publish.conftest import MIME, NASTY, Executed, cell
from tests.publish.test_report import RUN, Page

ROUNDS = [
    {"id": "1", "status": "failed", "verdicts": {"data": "pass", "posterior": "fail"}, "elpd": -300.0, "elpd_se": 12.0},
    {"id": "2", "parent": "1", "label": "Draw more", "changes": {"draws": 2000}, "status": "failed"},
    {"id": "3", "parent": "1", "label": f"Mend {NASTY}", "why": NASTY, "changes": {"model": NASTY}, "status": "warned"},
    {"id": "4", "parent": "3", "label": "Narrow", "status": "error"},
    {"id": "5", "parent": "3", "label": "Halve", "status": "passed", "elpd": -270.0, "elpd_se": 5.0},
]
FINDING = {"step": "posterior", "name": "Zeros", "before_status": "fail", "before": "40%", "status": "", "shown": ""}


@pytest.fixture
def lineage() -> Lineage:
    rounds = [*ROUNDS[:3], {**ROUNDS[3], "findings": [FINDING]}, ROUNDS[4]]
    return Lineage.model_validate({"rounds": rounds, "best": "5", "stopped": "Stopped: all checks pass."})


def test_the_way_to_the_best_is_straight_and_no_box_covers_another(lineage: Lineage):
    drawn = graph(lineage)
    places = {node.id: (node.x, node.y) for node in drawn.nodes}
    assert len({places[one][0] for one in ("1", "3", "5")}) == 1
    assert places["1"][1] < places["3"][1] < places["5"][1] == places["4"][1]
    assert places["2"][1] == places["3"][1]
    assert [node.id for node in drawn.nodes if node.kept] == ["1", "3", "5"]
    assert [node.id for node in drawn.nodes if node.best] == ["5"]
    for one in drawn.nodes:
        assert one.x + WIDTH <= drawn.width
        assert one.y + HEIGHT <= drawn.height
        others = [other for other in drawn.nodes if other.id != one.id]
        assert not [o for o in others if abs(o.x - one.x) < WIDTH and abs(o.y - one.y) < HEIGHT]


def test_lines_lead_from_each_round_to_those_made_from_it(lineage: Lineage):
    drawn = graph(lineage)
    corner = {node.id: (node.x + WIDTH // 2, node.y) for node in drawn.nodes}
    ends = [re.match(r"M (\d+) (\d+) V \d+ H (\d+) V (\d+)$", edge.path) for edge in drawn.edges]
    found = {tuple(map(int, end.groups())) for end in ends if end}
    assert found == {
        (corner[a][0], corner[a][1] + HEIGHT, *corner[b]) for a, b in [("1", "2"), ("1", "3"), ("3", "4"), ("3", "5")]
    }
    assert [edge.kept for edge in drawn.edges] == [False, True, False, True]


@pytest.mark.parametrize("parents", [["", "1", "2", "3", "1", "1", "6", "2", "6"], [""], ["", "", "1", "2", "1"]])
def test_any_tree_is_laid_out_without_overlap(parents: list[str]):
    rounds = [{"id": str(at), "parent": parent} for at, parent in enumerate(parents, start=1)]
    drawn = graph(Lineage.model_validate({"rounds": rounds, "best": "1"}))
    assert len({(node.x, node.y) for node in drawn.nodes}) == len(parents)
    for row in {node.y for node in drawn.nodes}:
        xs = sorted(node.x for node in drawn.nodes if node.y == row)
        assert all(right - left > WIDTH for left, right in pairwise(xs))


def test_the_words_say_what_the_drawing_shows(lineage: Lineage):
    words = graph(lineage).words
    assert "Round 1: As it was; a check fails in posterior." in words
    assert "Round 5, from round 3: Halve; all checks pass." in words
    assert words.endswith("The best is round 5.")


def test_predictions_are_told_as_differences_where_these_are_known(lineage: Lineage):
    told = differences(lineage)
    assert told == {"1": "elpd −300.0 (standard error 12.0)", "5": "elpd −270.0 (standard error 5.0)"}
    rounds = [ROUNDS[0], {**ROUNDS[4], "parent": "1", "gain": 30.0, "gain_se": 6.04}]
    assert differences(Lineage.model_validate({"rounds": rounds}))["5"] == "+30.0 (standard error 6.0)"


def test_the_report_tells_how_the_model_came_about(executed: Executed, lineage: Lineage):
    nb = executed.notebook()
    nb["metadata"]["modelcompose"] = {"lineage": lineage.model_dump(mode="json")}
    text = report(nb, run=RUN)
    page = Page(text)
    assert "How this model came about" in page.text
    assert "Stopped: all checks pass." in page.text
    assert "5, the best" in page.text
    assert "draws = 2000" in page.text
    assert re.search(r"Zeros: ✕\s*failed 40% → not reached", page.text)
    assert f"Mend {NASTY}" in page.text
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("rect"), tags.count("desc"), "script" in tags) == (5, 1, False)
    assert not re.findall(r"url\(|@import|https?:", text)


@pytest.mark.parametrize(("run", "said"), [("a" * 32, False), ("b" * 32, True)])
def test_the_report_of_another_round_points_to_the_best(executed: Executed, run: str, said: bool):
    nb = executed.notebook()
    rounds = [{"id": "1", "run": "b" * 32, "status": "failed"}, {"id": "2", "parent": "1", "run": "a" * 32}]
    nb["metadata"]["modelcompose"] = {"lineage": {"rounds": rounds, "best": "2"}}
    text = Page(report(nb, run={**RUN, "id": run})).text
    assert ("which is round 2 (run aaaaaaaa)" in text) == said
    assert ("1, this report" in text) == said


def test_without_rounds_or_with_nonsense_there_is_no_such_section(executed: Executed):
    nb = executed.notebook()
    assert "How this model came about" not in report(nb)
    loop = {"rounds": [{"id": "1", "parent": "2"}, {"id": "2", "parent": "1"}], "best": "2"}
    nb["metadata"]["modelcompose"] = {"lineage": loop}
    assert "How this model came about" not in report(nb)


def waived(nb: dict, step: str, **waiver: str) -> dict:
    verdict = cell(nb, step)["outputs"][0]["data"][MIME]
    verdict["waived"] = Waiver(step=step, **waiver).model_dump()
    return nb


def test_a_waiver_stands_above_the_answer_with_name_and_reason(executed: Executed):
    executed.statuses["sampling"] = "fail"
    nb = waived(executed.notebook(), "sampling", by="A. Name", reason=f"Known {NASTY}", when="2026-11-21T10:00:00")
    page = Page(report(nb))
    above = page.text.split("How far it can be trusted")[0]
    assert "Waived by A. Name on 2026-11-21: a check that failed." in above
    assert f"Because: Known {NASTY}. What failed: " in above
    assert "A check failed: do not rely" not in page.text
    assert "0.50 to 2.00" in above  # a waived failure does not hold the numbers back
    assert "mc-banner mc-warn" in page.attributes("class")


def test_a_waiver_stands_in_the_app_too(executed: Executed, tmp_path: Path):
    executed.statuses["posterior"] = "fail"
    nb = waived(executed.notebook(), "posterior", by="A. Name", reason="A pilot study.")
    for name in ("table.csv", "posterior.nc"):
        (tmp_path / name).write_bytes(b"")
    path = write_app(nb, tmp_path / "app", data=tmp_path / "table.csv", posterior=tmp_path / "posterior.nc")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    top = next(one["source"] for one in cells if one["cell_type"] == "markdown")
    assert "Waived by A. Name: a check that failed." in top
    assert "A pilot study." in top
    assert "mc-banner" in top


def test_thresholds_of_ones_own_are_named(executed: Executed):
    assert "Judged by the thresholds of" not in report(executed.notebook())
    executed.parameters += '\npolicy = "house.toml"'
    assert "Judged by the thresholds of" in report(executed.notebook())


def test_what_differs_from_the_locked_plan_is_listed(executed: Executed):
    plan = {"when": "2026-11-01T08:00:00+00:00", "by": "A. Name", "digest": "d" * 64}
    nb = executed.notebook()
    kept = Page(report(nb, run={**RUN, "plan": {"plan": plan, "deviations": []}})).text
    assert "locked on 2026-11-01 by A. Name" in kept
    assert "Nothing differs from it." in kept
    differs = [{"what": "model", "planned": NASTY, "now": "linear"}]
    left = Page(report(nb, run={**RUN, "plan": {"plan": plan, "deviations": differs}})).text
    assert "This analysis differs from the plan:" in left
    assert NASTY in left
    assert "The plan" not in Page(report(nb, run={**RUN, "plan": {"plan": None, "deviations": []}})).text
