"""Checklists: nothing is ticked without the verdict that shows it."""

from __future__ import annotations

import pytest
from test_answer import asked

from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow import check, steps, words
from modelcompose.workflow.checklist import BARG, CHECKLISTS, SAID, WAMBS

STEPS = [one.id for one in steps.STEPS if one.id != "checklist"]


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.setattr(steps, "_JUDGED", {})


def judge(step, analysis, status="pass", rules=(), **more):
    findings = tuple(Finding(name=rule, rule=rule, status=one, shown="1.23") for rule, one in rules)
    steps.recall(
        Verdict(
            step=step,
            title=step,
            status=status,
            sentence=f"What {step} found.",
            findings=findings,
            choices=steps.choices_digest(step, analysis),
            **more,
        )
    )


SAMPLED = (("rhat", "pass"), ("ess", "pass"), ("bfmi", "pass"))


def judge_all(analysis, **others):
    for step in STEPS:
        judge(step, analysis, rules=SAMPLED if step == "sampling" else (), **others.get(step, {}))


def rows(verdict):
    return [row for name in CHECKLISTS for row in verdict.details[name]]


def row(verdict, beginning):
    return next(one for one in rows(verdict) if one["item"].startswith(beginning))


def test_both_checklists_stand_there_whole():
    assert len(CHECKLISTS[WAMBS]) == 10
    assert {item.text[0] for item in CHECKLISTS[BARG]} == {"P", *"123456"}


def test_nothing_is_ticked_without_a_verdict():
    verdict = check.checklist(asked(groups=["g"], smallest_effect=1.0, decision={"value": 1}))
    assert not [one for one in rows(verdict) if one["status"] in ("done", "partly")]
    assert verdict.status == "info"


def test_everything_that_was_shown_is_ticked_with_its_step():
    analysis = asked(groups=["g"], smallest_effect=1.0, decision={"value": 1})
    judge_all(analysis)
    verdict = check.checklist(analysis)
    assert not [one for one in rows(verdict) if one["status"] == "not done"]
    for one in rows(verdict):
        if one["status"] in ("done", "partly"):
            assert one["step"] in STEPS
            assert one["evidence"]
    assert "rhat: 1.23" in row(verdict, "2. ")["evidence"]
    assert verdict.status == "info"  # running twice as long was not tried


def test_each_item_hangs_on_its_own_step():
    """Without a step, the items that only it shows are not done, and no others change."""
    analysis = asked(groups=["g"], smallest_effect=1.0, decision={"value": 1})
    judge_all(analysis)
    before = rows(check.checklist(analysis))
    shown = {one["step"] for one in before if one["status"] in ("done", "partly")}
    for step in shown:
        left = steps._JUDGED.pop(step)
        after = rows(check.checklist(analysis))
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert changed, step
        # An item on the priors names the step that lists them, and needs the simulation from them as well.
        assert all(old["step"] in (step, "model") or old["status"] == SAID["yours"] for old, _ in changed), step
        assert all(new["status"] in ("not done", SAID["yours"]) for _, new in changed), step
        steps._JUDGED[step] = left


@pytest.mark.parametrize("status", ["warn", "fail"])
def test_what_did_not_pass_is_never_said_to_be_done(status):
    analysis = asked()
    judge_all(analysis)
    judge("sampling", analysis, "warn", rules=(("rhat", status), ("ess", "pass"), ("bfmi", "pass")))
    judge("sensitivity", analysis, status)
    verdict = check.checklist(analysis)
    assert row(verdict, "2. ")["status"] == "partly"
    assert "not as it should be: rhat: 1.23" in row(verdict, "2. ")["evidence"]
    assert row(verdict, "4. ")["status"] == "done"
    assert row(verdict, "9. ")["status"] == "partly"


def test_verdicts_of_other_choices_are_no_evidence():
    judge_all(asked(prior_scale=3.0))
    verdict = check.checklist(asked())
    ticked = {one["step"] for one in rows(verdict) if one["status"] == "done"}
    assert ticked <= {"data"}  # the table is the same


def test_what_does_not_apply_is_said_to_be_so():
    analysis = asked()
    judge_all(analysis)
    verdict = check.checklist(analysis)
    for beginning in ("7. ", "4B", "4C", "5C"):
        assert row(verdict, beginning)["status"] == "not applicable"


def test_what_only_a_person_can_do_is_left_to_them():
    judge_all(asked())
    verdict = check.checklist(asked())
    yours = [one["item"] for one in rows(verdict) if one["status"] == SAID["yours"]]
    assert any("makes sense for the subject" in item for item in yours)
    assert any("published" in item for item in yours)
    assert "left for you" in verdict.sentence


def test_wider_priors_have_to_be_tried_to_be_ticked():
    analysis = asked(rival_priors=[0.5])
    judge_all(analysis)
    verdict = check.checklist(analysis)
    assert row(verdict, "8. ")["status"] == "not done"
    assert verdict.status == "warn"
    assert row(verdict, "8. ")["item"] in verdict.details["What is not done"]


def test_it_never_fails_and_leads_to_the_steps():
    analysis = asked()
    judge_all(analysis, **{step: {"status": "fail"} for step in STEPS})
    verdict = check.checklist(analysis)
    assert verdict.status in ("info", "pass", "warn")
    assert '<a href="#step-sampling">sampling</a>' in verdict.html()
    assert 'id="step-checklist"' in verdict.html()
    assert not words.forbidden(" ".join(words._texts(verdict.details)), ["What"])
