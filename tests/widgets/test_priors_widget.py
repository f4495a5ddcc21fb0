"""The prior editor in a notebook: what it tells the browser, and what the browser may change."""

from __future__ import annotations

import json
from typing import Any

import pytest
import traitlets

from modelcompose import load
from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidAnalysis, NotFound
from modelcompose.widgets import PriorEditor, priors
from modelcompose.workflow import predictive as expecting

NARROW = {"Days": {"dist": "Normal", "mu": 0.0, "sigma": 5.0}}
CHOICES = {"data": "sample:sleepstudy", "outcome": "Reaction", "predictors": ["Days"], "model": "linear"}


class Talk:
    """A widget with the browser's side of its messages."""

    def __init__(self, editor: PriorEditor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.editor = editor
        self.answers: list[dict[str, Any]] = []
        monkeypatch.setattr(editor, "send", self.answers.append)

    def ask(self, verb: str, **content: Any) -> dict[str, Any]:
        question = {"id": len(self.answers) + 1, "verb": verb, **content}
        self.editor._handle_custom_msg(question, [])
        answer = self.answers[-1]
        json.dumps(answer, allow_nan=False)
        assert answer["id"] == question["id"]
        return answer


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Talk:
    monkeypatch.setattr(priors, "front_end", lambda name: f"export default {{}} // {name}")
    return Talk(PriorEditor(Analysis.of(CHOICES), load("sample:sleepstudy")), monkeypatch)


def test_it_begins_with_the_choices(talk: Talk) -> None:
    state = talk.editor.get_state()
    assert {"analysis", "priors", "_esm"} <= state.keys()
    assert state["_esm"].endswith("priors")
    assert state["analysis"]["formula"] == "Reaction ~ Days"
    assert state["priors"] == {}
    assert "priors" not in state["analysis"]


def test_priors_are_told_in_words_with_a_curve(talk: Talk) -> None:
    found = talk.ask("priors", priors={})["result"]
    days = next(row for row in found["priors"] if row["name"] == "Days")
    assert "slopes between" in days["range_words"]
    assert len(days["density"]["x"]) == len(days["density"]["y"])
    assert days["yours"] is False
    assert found["distributions"]["Normal"] == ["mu", "sigma"]


def test_each_question_brings_its_own_priors(talk: Talk) -> None:
    found = talk.ask("priors", priors=NARROW)["result"]
    days = next(row for row in found["priors"] if row["name"] == "Days")
    assert (days["yours"], days["params"]) == (True, {"mu": 0.0, "sigma": 5.0})
    assert talk.editor.priors == {}


def test_a_range_becomes_a_prior(talk: Talk) -> None:
    answer = {"how": "range", "low": -20, "high": 20, "mass": 0.9, "dist": ""}
    found = talk.ask("elicit", priors={}, name="Days", answer=answer)["result"]
    assert found["changes"]["priors"]["Days"]["dist"]
    assert found["sentence"]


def test_what_is_expected_follows_the_priors(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def expect(analysis: Analysis, table: Any) -> dict[str, Any]:
        seen.append((analysis.priors, len(table)))
        return {"sentence": "Much."}

    monkeypatch.setattr(expecting, "predictive", expect)
    assert talk.ask("prior_predictive", priors=NARROW)["result"] == {"sentence": "Much."}
    assert seen == [(NARROW, 180)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"priors": {"Nights": {"dist": "Normal", "mu": 0, "sigma": 1}}}, "Nights"),
        ({"priors": {"Days": {"dist": "Normal", "mu": 0, "sigma": -1}}}, "no distribution"),
        ({"priors": {"Days": {"dist": "Normal", "mu": None}}}, "mu"),
        ({"priors": 3}, "priors"),
    ],
)
def test_what_cannot_be_is_answered_with_an_error(talk: Talk, content: dict[str, Any], said: str) -> None:
    error = talk.ask("priors", **content)["error"]
    assert said in error["message"]
    assert error["remedy"]


def test_an_unknown_verb_and_a_message_that_is_none(talk: Talk) -> None:
    assert "'shout'" in talk.ask("shout")["error"]["message"]
    talk.editor._handle_custom_msg("shout", [])
    assert len(talk.answers) == 1


def test_an_unexpected_failure_is_logged_and_told_without_its_traceback(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(expecting, "predictive", lambda *_: 1 / 0)
    error = talk.ask("prior_predictive", priors={})["error"]
    assert error["message"] == "these priors cannot be worked out"
    assert "ZeroDivisionError" in caplog.text


def test_the_browser_and_python_share_the_priors(talk: Talk) -> None:
    talk.editor.set_state({"priors": NARROW})
    assert talk.editor.priors == NARROW
    talk.editor.priors = {}
    assert talk.editor.get_state("priors") == {"priors": {}}


def test_only_priors_reach_the_parameters_cell(talk: Talk) -> None:
    with pytest.raises(traitlets.TraitError, match="needs a distribution"):
        talk.editor.priors = {"Days": {"mu": 0}}
    assert talk.editor.priors == {}


def test_what_does_not_suit_the_table_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "front_end", lambda name: "export default {}")
    with pytest.raises(InvalidAnalysis):
        PriorEditor(Analysis.of({**CHOICES, "predictors": ["Nights"]}), load("sample:sleepstudy"))


def test_a_front_end_that_was_not_built_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise NotFound(f"the front end of the widget {name!r} has not been built", where="", remedy="Build it.")

    monkeypatch.setattr(priors, "front_end", missing)
    with pytest.raises(NotFound, match="'priors'"):
        PriorEditor(Analysis.of(CHOICES), load("sample:sleepstudy"))
