"""The way through ModelCompose in a real JupyterLab: from a spreadsheet to a published answer.

The tests share one server and one page and follow one another as a user's session does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import FRONT_END, MINUTE, TOKEN, Lab, contrasts, drop, served

from modelcompose.workflow import steps_in, workflow

SAMPLE = "sleepstudy.ipynb"
STEPS = [one.step for one in steps_in(workflow("simple"))]
FEW = {"draws": 300, "tune": 300, "on_fail": "warn"}
WILD = {"Intercept": {"dist": "Normal", "mu": 0, "sigma": 50000}}
READABLE = 4.5  # WCAG 2.2, 1.4.3


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with served(folder) as url:
        context = chromium.new_context(viewport={"width": 1400, "height": 900})
        page = context.new_page()
        page.set_default_timeout(MINUTE / 2)
        page.goto(f"{url}?token={TOKEN}")
        page.wait_for_selector(".jp-LabShell", timeout=2 * MINUTE)
        yield Lab(page, folder / "workspace")
        context.close()


@pytest.fixture(scope="module")
def by_guide(lab: Lab) -> dict[str, Any]:
    """Go through the sample with "Next" alone, and tell what each step said."""
    lab.wait("Next: ", timeout=2 * MINUTE)
    lab.choose(**FEW)
    words = {title: lab.next() for title in lab.titles()}
    return {"words": words, "judged": lab.judged()}


def test_lab_opens_with_the_sample_and_the_guide_beside_it(lab: Lab):
    lab.wait("Next: ", timeout=2 * MINUTE)
    assert lab.current() == SAMPLE
    assert lab.page.locator(".jp-NotebookPanel").is_visible()
    assert lab.guide.bounding_box()["width"] >= 280
    assert lab.titles() == [step.title for step in STEPS]
    assert set(lab.words()) == {"To do"}


def test_next_leads_to_the_answer_in_guide_and_notebook(lab: Lab, by_guide):
    assert set(by_guide["words"].values()) <= {"Passed", "Warned", "Done"}
    lab.wait("Every step is done and up to date.")
    last = lab.step(STEPS[-1].title)
    assert last.get_by_label("Findings").locator("li").count() >= 1
    answer = lab.outputs()["answer"]
    sentence = answer["verdict"]["sentence"]
    assert "Reaction" in sentence
    assert sentence in last.inner_text()
    assert sentence in answer["html"]


def test_cell_by_cell_ends_in_the_same_verdicts(lab: Lab, by_guide):
    lab.command("notebook:clear-all-cell-outputs")
    lab.wait("Every step is done", gone=True)
    lab.page.evaluate(
        """async () => {
            const { content, sessionContext } = jupyterapp.shell.currentWidget;
            await sessionContext.restartKernel();
            await sessionContext.session.kernel.requestKernelInfo();
            content.deselectAll();
            content.activeCellIndex = 0;
            for (const cell of [...content.widgets]) {
                await jupyterapp.commands.execute('notebook:run-cell-and-select-next');
            }
        }"""
    )
    lab.wait("Every step is done and up to date.", timeout=2 * MINUTE)
    assert lab.judged() == by_guide["judged"]


def test_a_wrong_value_is_explained_and_nothing_is_lost(lab: Lab, by_guide):
    before = lab.source("parameters")
    lab.choose(draws="many")
    problem = lab.guide.locator(".jp-modelcompose-Problem")
    problem.wait_for()
    assert "draws" in problem.inner_text()
    assert "Where:" in problem.inner_text()
    assert "What to do:" in problem.inner_text()
    assert lab.titles() == [step.title for step in STEPS]
    assert lab.judged() == by_guide["judged"]
    lab.write("parameters", before)
    problem.wait_for(state="hidden")
    lab.wait("Every step is done and up to date.")


def test_code_edited_by_hand_is_marked_and_compared(lab: Lab, by_guide):
    composed = lab.source("model")
    mine = composed.replace("bmb.Model(", "bmb.Model(  # mine", 1)
    lab.write("model", mine)
    lab.wait("Edited by hand")
    step = lab.step("What does the model assume?")
    if step.get_attribute("data-open") != "true":
        step.locator(".jp-modelcompose-Step-head").click()
    lab.press("Show the difference")
    difference = step.get_by_label("Difference")
    difference.wait_for()
    changed = difference.locator("li:not([data-side=same])")
    assert changed.count() == 2
    assert "# mine" in changed.first.inner_text()
    lab.press("Take the composed version")
    lab.wait("Edited by hand", gone=True)
    assert lab.source("model") == composed
    lab.press("Undo")
    lab.wait("Edited by hand")
    assert lab.source("model") == mine
    lab.write("model", composed)
    lab.wait("Edited by hand", gone=True)


def test_a_failed_check_offers_remedies_and_one_click_applies_one(lab: Lab, by_guide):
    title = "Are the assumptions plausible?"
    lab.choose(priors=WILD, on_fail="stop")
    planted = lab.source("parameters")
    lab.wait("Next: ")
    while lab.next() != "Failed":
        assert lab.step(title).locator(".jp-modelcompose-Step-word").inner_text() != "Passed"
    remedies = lab.step(title).locator(".jp-modelcompose-Remedy button")
    assert remedies.count() >= 1
    remedies.first.click()
    lab.page.wait_for_function("document.querySelector('.jp-modelcompose-Workflow .jp-modelcompose-Busy')")
    assert lab.done(title) == "Passed"
    assert lab.source("parameters") != planted
    lab.press("Undo")
    lab.page.wait_for_function("[...document.querySelectorAll('button')].every(one => one.innerText !== 'Undo')")
    assert lab.source("parameters") == planted


def test_a_background_run_reports_and_is_published(lab: Lab, by_guide):
    lab.choose(priors={}, on_fail="warn", draws=1500)
    lab.wait("Next: ")
    lab.press("Run in background")
    lab.guide.locator(".jp-modelcompose-Background [role=progressbar]").wait_for(timeout=2 * MINUTE)
    toast = lab.page.locator(".Toastify__toast", has_text="sleepstudy")
    toast.wait_for(timeout=2 * MINUTE)
    assert "passed" in toast.inner_text()
    lab.tab("Runs")
    run = lab.guide.locator(".jp-modelcompose-Run").first
    run.wait_for()
    assert run.locator(".jp-modelcompose-Dots li").count() == len(STEPS)
    run.get_by_role("button", name="Publish").click()
    link = run.get_by_role("link", name="Report")
    link.wait_for(timeout=MINUTE)
    with lab.page.context.expect_page() as opened:
        link.click()
    report = opened.value
    report.wait_for_load_state()
    assert "the average of Reaction is" in report.locator("body").inner_text()
    report.close()


def table() -> str:
    """A table whose codes look like counts but are categories."""
    draw = random.Random(7)
    rows = (f"{site},{draw.gauss(20 + site, 2):.2f},{draw.choice(['new', 'old'])}" for site in (1, 2, 3) * 30)
    return "\n".join(["site,weight,method", *rows])


def test_a_spreadsheet_becomes_a_notebook(lab: Lab, tmp_path: Path):
    path = tmp_path / "chosen.csv"
    path.write_text(table())
    lab.tab("New analysis")
    lab.guide.locator("input[type=file]").set_input_files(path)
    lab.wait("chosen.csv")
    drop(lab.page, ".jp-modelcompose-Drop", "dropped.csv", table())
    lab.wait("dropped.csv has 90 rows and 3 columns.")
    assert (lab.workspace / "dropped.csv").read_text() == table()
    lab.guide.get_by_label("Kind of site").select_option("category")
    lab.wait("As declared.")
    lab.press("Continue to the question")
    lab.guide.locator("summary").get_by_text("Relate").click()
    lab.guide.get_by_label("How is something related to an outcome?").check()
    lab.guide.get_by_label("What is the outcome?").select_option("weight")
    lab.guide.get_by_role("checkbox", name="method").check()
    lab.press("Find models")
    lab.wait("Recommended because:")
    assert lab.guide.locator(".jp-modelcompose-Model").count() >= 1
    lab.guide.get_by_text("Not offered").click()
    rejected = lab.guide.locator(".jp-modelcompose-Notes li").all_inner_texts()
    assert rejected
    assert all(len(reason.split()) > 5 for reason in rejected)
    lab.press("Create the notebook")
    lab.wait("Next: ")
    assert lab.current() == "dropped.ipynb"
    assert '"site": "category"' in lab.source("parameters")


HOSTILE = "<img src=x onerror=document.title='hit'>"


def test_a_table_is_prepared_in_the_open_and_kept_as_a_version(lab: Lab, tmp_path: Path):
    rows = "\n".join(
        f"p{at},{at % 5 + 1},{-9 if at == 4 else at % 7 * 10},{at % 7 * 10 + 1},{at % 7 * 10 + 2}" for at in range(60)
    )
    path = tmp_path / "wide.csv"
    path.write_text(f"person,{HOSTILE},d1,d2,d3\n{rows}\n")
    lab.tab("New analysis")
    again = lab.guide.get_by_role("button", name="Start a new analysis")
    if again.is_visible():
        again.click()
    lab.guide.locator("input[type=file]").set_input_files(path)
    lab.wait("wide.csv has 60 rows and 5 columns.")
    assert lab.guide.get_by_text(HOSTILE).first.is_visible()
    lab.guide.get_by_text("A closer look").click()
    lab.wait("half of them between")
    lab.guide.get_by_role("button", name="Treat -9 as missing", exact=True).first.click()
    lab.wait("count as missing now")
    lab.guide.get_by_role("button", name="Preview: Make one row for each of d1 … d3").click()
    lab.wait("60 rows before, 180 after")
    lab.press("Apply")
    lab.wait("wide.csv has 180 rows and 4 columns, prepared from 60 rows.")
    lab.press("Undo the last step")
    lab.wait("wide.csv has 60 rows and 5 columns.")
    lab.press("Redo")
    lab.wait("180 rows and 4 columns")
    lab.guide.get_by_text("Versions", exact=True).click()
    lab.press("Save as a version")
    lab.wait("Saved as wide@1.")
    lab.wait("wide@1 (current)")
    lab.page.screenshot(path=tmp_path / "data.png")
    lab.press("Check that nothing is damaged")
    lab.wait("1 versions checked")
    assert (lab.workspace / ".modelcompose" / "datasets" / "names" / "wide").is_dir()
    assert lab.page.title() != "hit"
    assert lab.page.locator("img[src=x]").count() == 0


def test_the_guide_is_found_where_people_look(lab: Lab):
    page = lab.page
    lab.in_front("filebrowser")
    page.locator(".jp-DirListing-item", has_text="chosen.csv").click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Analyse with ModelCompose").click()
    lab.wait("chosen.csv has 90 rows")
    lab.in_front("filebrowser")
    lab.command("launcher:create")
    page.locator(".jp-LauncherCard", has_text="Guided Analysis").click()
    assert lab.guide.is_visible()
    lab.command("apputils:activate-command-palette")
    page.locator(".lm-CommandPalette-input").fill("modelcompose")
    found = page.locator(".lm-CommandPalette-itemLabel").all_inner_texts()
    assert {"Guide", "Run the Next Step", "Run in the Background"} <= set(found)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_states_can_be_read_in_every_theme(lab: Lab, by_guide, tmp_path: Path, theme: str):
    lab.open(SAMPLE)
    lab.command("apputils:change-theme", theme=theme)
    lab.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    lab.tab("Steps")
    found = contrasts(lab.page, ".jp-modelcompose-Step-word")
    assert found
    lab.tab("Runs")
    lab.guide.locator(".jp-modelcompose-Badge").first.wait_for()
    found |= contrasts(lab.page, ".jp-modelcompose-Badge, .jp-modelcompose-Button:not(:disabled)")
    assert {word: ratio for word, ratio in found.items() if ratio < READABLE} == {}
    assert len(lab.page.screenshot(path=tmp_path / "lab.png")) > 10_000


def test_the_front_end_stands_where_it_is_served_from():
    assert not FRONT_END.is_dir() or (FRONT_END / "modelcompose" / "package.json").is_file()
