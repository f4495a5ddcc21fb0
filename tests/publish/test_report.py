import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from modelcompose.errors import InvalidAnalysis, InvalidInput
from modelcompose.publish import report, write_report
from modelcompose.workflow.steps import STEPS
from tests.publish.conftest import NASTY, Executed, cell

RUN = {
    "name": f"run {NASTY}",
    "id": "0123456789abcdef" * 2,
    "notebook": "<b>x</b>.ipynb",
    "started": "2026-11-21T01:00:00+00:00",
    "ended": "2026-11-21T01:01:00+00:00",
    "git_commit": "c" * 40,
    "status": "passed",
}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def attributes(self, name):
        return [found[name] or "" for _, found in self.tags if name in found]

    def classes(self):
        return [name for found in self.attributes("class") for name in found.split()]


def test_nothing_of_the_notebook_passes_as_markup(executed: Executed):
    page = Page(report(executed.notebook(), title=NASTY, run=RUN))
    assert not {"script", "iframe", "object", "link", "b"} & {tag for tag, _ in page.tags}
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    for place in ("Sentence of prior: ", "Finding of fit ", "size of ", "How much? ", "# step fit "):
        assert place.capitalize() + NASTY in page.text or place + NASTY in page.text
    assert any(NASTY in alt for alt in page.attributes("alt"))


def test_nothing_is_fetched_from_anywhere(executed: Executed):
    text = report(executed.notebook(), run=RUN)
    page = Page(text)
    assert all(found.startswith("data:image/png;base64,") for found in page.attributes("src"))
    assert all(found.startswith("#") for found in page.attributes("href"))
    assert not re.findall(r"url\(|@import|https?:", text)
    policy = next(found["content"] for _, found in page.tags if "http-equiv" in found)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_every_step_stands_in_it_with_picture_findings_and_code(executed: Executed):
    page = Page(report(executed.notebook()))
    assert [found for found in page.attributes("id") if found.startswith("step-")] == [f"step-{s.id}" for s in STEPS]
    assert len(page.attributes("src")) == len(STEPS)
    assert all(page.attributes("alt"))
    assert all(f"Finding of {step.id}" in page.text for step in STEPS)
    assert "mc.check.question(analysis, dataset)" in page.text


def test_results_are_rounded_and_said_in_the_table(executed: Executed):
    page = Page(report(executed.notebook()))
    assert "1.23" in page.text
    assert "0.50 to 2.00" in page.text
    assert "95% interval" in page.text
    assert "These are associations." in page.text


def test_it_says_how_to_compute_it_again(executed: Executed):
    page = Page(report(executed.notebook(), run=RUN))
    for said in (
        'predictors = ["x"]',
        "random_seed = 20261121",
        "nutpie",
        "ab" * 32,
        "c" * 40,
        RUN["id"],
        "Python 3.12.1",
    ):
        assert said in page.text
    assert "58" in page.text
    assert "math" in {tag for tag, _ in page.tags}


def test_a_clean_notebook_has_no_banner(executed: Executed):
    assert "mc-banner" not in Page(report(executed.notebook())).classes()


@pytest.mark.parametrize(("status", "level"), [("warn", "mc-warn"), ("fail", "mc-fail")])
def test_a_verdict_that_did_not_pass_stands_above_the_answer(executed: Executed, status: str, level: str):
    executed.statuses["posterior"] = status
    page = Page(report(executed.notebook()))
    assert any(found == f"mc-banner {level}" for found in page.attributes("class"))
    assert "Sentence of posterior" in page.text.split("How far it can be trusted")[0]
    assert f"Mend {NASTY}" in page.text


def test_numbers_of_a_failed_computation_are_held_back(executed: Executed):
    executed.statuses["sampling"] = "fail"
    page = Page(report(executed.notebook()))
    assert "No result is shown" in page.text
    assert "0.50 to 2.00" not in page.text


def test_a_partial_result_is_labelled(executed: Executed):
    executed.partial.add("answer")
    assert "Partial result." in Page(report(executed.notebook())).text


def test_a_change_after_the_run_makes_the_report_say_out_of_date(executed: Executed):
    nb = executed.notebook()
    cell(nb, "choices")["source"] += "\ndraws = 77"
    assert "Out of date." in Page(report(nb)).text


def test_a_cell_edited_by_hand_is_pointed_out(executed: Executed):
    nb = executed.notebook()
    cell(nb, "prior")["metadata"]["modelcompose"]["composed"] = "another"
    text = Page(report(nb)).text
    assert "Edited by hand." in text
    assert "Out of date." not in text


def test_an_error_of_the_notebook_is_said(executed: Executed):
    executed.missing |= {"posterior", "answer"}
    nb = executed.notebook()
    cell(nb, "posterior")["outputs"] = [
        {"output_type": "error", "ename": "ValueError", "evalue": NASTY, "traceback": []}
    ]
    text = Page(report(nb)).text
    assert f"ValueError: {NASTY}" in text
    assert "There is no answer." in text
    assert "not run" in text


@pytest.mark.parametrize("status", ["stopped", "error"])
def test_a_run_that_did_not_end_by_itself_is_said(executed: Executed, status: str):
    text = Page(report(executed.notebook(), run={"status": status, "message": "Stopped by you."})).text
    assert "Stopped by you." in text


def test_a_notebook_that_was_never_run_is_refused(executed: Executed):
    executed.missing |= {step.id for step in STEPS}
    with pytest.raises(InvalidInput, match="no verdicts"):
        report(executed.notebook())
    with pytest.raises(InvalidAnalysis, match="no parameters cell"):
        report({"cells": [], "metadata": {}})


def test_a_verdict_that_cannot_be_read_counts_as_none(executed: Executed):
    nb = executed.notebook()
    cell(nb, "fit")["outputs"][0]["data"]["application/vnd.modelcompose.verdict.v1+json"] = {"version": 9}
    assert "Sentence of fit" not in Page(report(nb)).text


def test_it_is_written_whole(executed: Executed, tmp_path: Path):
    path = write_report(executed.notebook(), tmp_path / "reports" / "a.html")
    assert path.read_text("utf-8").rstrip().endswith("</html>")
    assert [found.name for found in path.parent.iterdir()] == ["a.html"]
