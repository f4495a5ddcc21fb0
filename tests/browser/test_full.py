"""All steps in a real JupyterLab: what fails is mended or answered for, and what was planned is kept in mind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import MINUTE, TOKEN, Lab, contrasts, served

from modelcompose.workflow import STEPS

FULL = "sleepstudy-full.ipynb"
PRIOR = "Are the assumptions plausible?"
WILD = {"Intercept": {"dist": "Normal", "mu": 0, "sigma": 50000}}
PHASES = list(dict.fromkeys(step.phase for step in STEPS))
REASON = "Only the sign of the slope is used."
READABLE = 4.5  # WCAG 2.2, 1.4.3
TEXTS = (
    ".jp-modelcompose-Phase-title, .jp-modelcompose-Phase .jp-modelcompose-Step-word, .jp-modelcompose-Waived p,"
    " .jp-modelcompose-Remedy small, .jp-modelcompose-Change h5, .jp-modelcompose-Changes-value"
)


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


def phase(lab: Lab, title: str):
    return lab.guide.locator(".jp-modelcompose-Phase-head", has_text=title)


def summary(lab: Lab, title: str) -> str:
    return str(phase(lab, title).locator(".jp-modelcompose-Step-word").inner_text())


def test_the_short_notebook_leads_to_all_steps(lab: Lab):
    lab.wait("Next: ", timeout=2 * MINUTE)
    assert lab.guide.locator(".jp-modelcompose-Phase").count() == 0
    lab.press("Go through all steps")
    lab.page.wait_for_function(
        "path => jupyterapp.shell.currentWidget?.context?.path === path", arg=FULL, timeout=2 * MINUTE
    )
    lab.wait(PHASES[0], timeout=MINUTE)
    assert [phase(lab, title).count() for title in PHASES] == [1] * len(PHASES)
    for title in PHASES:
        if phase(lab, title).get_attribute("aria-expanded") != "true":
            phase(lab, title).press("Enter")
    assert lab.titles() == [step.title for step in STEPS]
    for title in PHASES[1:]:
        phase(lab, title).press("Enter")


def test_a_failure_is_answered_for_by_name(lab: Lab):
    lab.choose(priors=WILD, draws=300, tune=300)
    lab.wait("Next: ")
    while lab.next() != "Failed":
        pass
    assert lab.step(PRIOR).locator(".jp-modelcompose-Step-word").inner_text() == "Failed"
    assert summary(lab, PHASES[0]) == "Failed"
    lab.guide.get_by_role("button", name="Let it pass…").press("Enter")
    lab.page.keyboard.type("A. Name")
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.type(REASON)
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Enter")
    lab.wait("Let pass by A. Name", timeout=2 * MINUTE)
    assert lab.done(PRIOR) == "Let pass"
    waived = lab.outputs()["prior"]
    assert waived["verdict"]["status"] == "fail"
    assert waived["verdict"]["waived"]["by"] == "A. Name"
    assert REASON in waived["html"]
    assert "Next: " in lab.guide.inner_text()
    lab.press("Take back")
    lab.wait("Let pass by A. Name", gone=True, timeout=2 * MINUTE)
    assert lab.done(PRIOR) == "Failed"
    assert "waivers = []" in lab.source("parameters")


def test_a_remedy_shows_before_and_after_and_survives_a_reload(lab: Lab):
    remedy = lab.step(PRIOR).locator(".jp-modelcompose-Remedy").first
    assert "Cost: " in remedy.inner_text()
    label = remedy.get_by_role("button").inner_text()
    remedy.get_by_role("button").click()
    change = lab.guide.get_by_label("Before and after")
    change.wait_for(timeout=2 * MINUTE)
    assert lab.done(PRIOR) == "Passed"
    assert f"After “{label}”" in change.inner_text()
    assert "Failed before" in change.inner_text()
    assert "Passed now" in change.inner_text()
    lab.command("docmanager:save")
    lab.command("application:close")
    lab.open(FULL)
    lab.guide.get_by_label("Before and after").wait_for(timeout=MINUTE)
    lab.guide.get_by_text("How this model came about").click()
    graph = lab.guide.locator(".jp-modelcompose-Lineage").get_by_role("img")
    assert f"“{label}”, after “As it was”: passed." in str(graph.get_attribute("aria-label"))


def test_a_locked_plan_notices_what_is_changed_later(lab: Lab):
    lab.guide.get_by_text("Plan: not locked").click()
    lab.press("Lock the plan")
    lab.wait("Plan locked since", timeout=2 * MINUTE)
    lab.wait("Everything is as it was planned.")
    assert len(list((lab.workspace / "plans").glob("*.json"))) == 1
    lab.choose(smallest_effect=3.0)
    deviations = lab.guide.get_by_label("Deviations").locator("li")
    deviations.first.wait_for()
    assert deviations.all_inner_texts() == ["smallest_effect: planned 0.0, now 3.0"]
    lab.guide.get_by_text("Rules in force").click()
    lab.guide.locator(".jp-modelcompose-Rules", has_text="rhat").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_is_said_of_steps_can_be_read(lab: Lab, theme: str, tmp_path: Path):
    lab.command("apputils:change-theme", theme=theme)
    lab.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    found = contrasts(lab.page, TEXTS)
    assert found
    assert {word: ratio for word, ratio in found.items() if ratio < READABLE} == {}
    lab.page.screenshot(path=tmp_path / "full.png")
