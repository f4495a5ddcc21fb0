"""Verdicts: their order, their three faces, and the way back out of a notebook."""

from __future__ import annotations

import base64
import itertools
import json
from html.parser import HTMLParser
from math import inf, nan
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from modelcompose.verdict import COLOURS, MIME, SEVERITY, WORDS, Finding, Remedy, Status, Verdict, verdict_in, worst

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
EVIL = "<script>alert('x')</script>\"'&"


def verdict(**changes: Any) -> Verdict:
    plain: dict[str, Any] = {
        "step": "sampling",
        "title": "Did the computation work?",
        "status": "fail",
        "sentence": "The chains disagree.",
        "findings": (
            Finding(name="R-hat, largest", status="fail", value=1.2, shown="1.2", threshold="below 1.01", source="V21"),
            Finding(name="Divergences", status="pass", value=0, shown="0"),
        ),
        "remedies": (Remedy(label="Draw more", why="Chains need time.", changes={"draws": 2000}),),
        "details": {"Effects": [{"term": "Days", "mean": 10.4}], "rows": 180},
        "alt": "Traces of four chains",
        "picture": PICTURE,
    }
    return Verdict(**plain | changes)


def outputs_of(shown: Verdict, *, lines: bool = False) -> list[dict[str, Any]]:
    """Take a verdict through a notebook file and back, as any viewer stores it."""
    data = json.loads(json.dumps(shown._repr_mimebundle_(), allow_nan=False))
    if lines:
        data |= {name: text.splitlines(keepends=True) for name, text in data.items() if isinstance(text, str)}
    return [
        {"output_type": "stream", "name": "stdout", "text": "hello"},
        {"output_type": "display_data", "data": data, "metadata": {}},
    ]


class Page(HTMLParser):
    """The tags and the text that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


# -- order ---------------------------------------------------------------------------------------------------------


def test_statuses_have_an_order() -> None:
    assert SEVERITY == ("info", "pass", "warn", "fail")
    assert set(SEVERITY) == set(get_args(Status)) == WORDS.keys() == COLOURS.keys()


@pytest.mark.parametrize("pair", list(itertools.combinations(SEVERITY, 2)))
def test_the_worst_is_the_graver_one(pair: tuple[Status, Status]) -> None:
    assert worst(pair) == worst(reversed(pair)) == pair[1]


def test_nothing_to_judge_is_information() -> None:
    assert worst([]) == "info"
    assert worst(iter(["pass", "fail", "warn"])) == "fail"


# -- values --------------------------------------------------------------------------------------------------------


def test_a_verdict_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        verdict().status = "pass"  # type: ignore[misc]


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValidationError, match="status"):
        verdict(status="fine")


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_json_never_holds_a_number_it_has_no_word_for(value: float) -> None:
    shown = verdict(
        findings=(Finding(name="R-hat", status="fail", value=value, shown="none"),),
        remedies=(Remedy(label="a", why="b", changes={"plausible": [0, value]}),),
        details={"Effects": [{"mean": value, "inner": {"sd": (1.0, value)}}], "bare": value},
    )
    content = json.loads(json.dumps(shown._repr_mimebundle_()[MIME], allow_nan=False))
    assert content["findings"][0]["value"] is None
    assert content["remedies"][0]["changes"] == {"plausible": [0, None]}
    assert content["details"] == {"Effects": [{"mean": None, "inner": {"sd": [1.0, None]}}], "bare": None}


# -- faces ---------------------------------------------------------------------------------------------------------


def test_a_notebook_gets_json_html_text_and_the_picture() -> None:
    bundle = verdict()._repr_mimebundle_()
    assert bundle.keys() == {MIME, "text/html", "text/plain", "image/png"}
    assert base64.b64decode(bundle["image/png"]) == PICTURE
    assert "picture" not in bundle[MIME]
    assert verdict(picture=None)._repr_mimebundle_().keys() == {MIME, "text/html", "text/plain"}


def test_the_json_has_the_published_shape() -> None:
    assert verdict()._repr_mimebundle_()[MIME] == {
        "version": 1,
        "step": "sampling",
        "title": "Did the computation work?",
        "status": "fail",
        "sentence": "The chains disagree.",
        "findings": [
            {
                "name": "R-hat, largest",
                "rule": "",
                "status": "fail",
                "value": 1.2,
                "shown": "1.2",
                "threshold": "below 1.01",
                "sentence": "",
                "source": "V21",
            },
            {
                "name": "Divergences",
                "rule": "",
                "status": "pass",
                "value": 0.0,
                "shown": "0",
                "threshold": "",
                "sentence": "",
                "source": "",
            },
        ],
        "remedies": [
            {"label": "Draw more", "why": "Chains need time.", "changes": {"draws": 2000}, "cost": "", "score": 0.5}
        ],
        "details": {"Effects": [{"term": "Days", "mean": 10.4}], "rows": 180},
        "order": [["Effects", "term", "mean"], ["rows"]],
        "partial": False,
        "waived": None,
        "policy": "",
        "choices": "",
        "alt": "Traces of four chains",
        "ran": {},
    }


def test_the_page_shows_everything_a_reader_needs() -> None:
    page = Page(verdict().html())
    for text in (
        "computation work?",
        "Failed",
        "chains disagree",
        "R-hat, largest",
        "below 1.01",
        "V21",
        "Days",
        "10.4",
    ):
        assert text in page.text
    assert "draws = 2000" in page.text
    assert ("alt", "Traces of four chains") in page.attributes
    assert "img" not in Page(verdict(picture=None).html()).tags


def test_an_empty_verdict_shows_no_empty_tables() -> None:
    page = Page(verdict(findings=(), remedies=(), details={"rows": 180, "none": []}, picture=None).html())
    assert {"table", "ol", "img"}.isdisjoint(page.tags)


def test_whatever_came_from_a_user_is_escaped() -> None:
    evil = {"title": EVIL, "sentence": EVIL, "alt": EVIL, "step": EVIL, "picture": PICTURE}
    finding = Finding(name=EVIL, status="warn", shown=EVIL, threshold=EVIL, sentence=EVIL, source=EVIL)
    remedy = Remedy(label=EVIL, why=EVIL, changes={EVIL: EVIL})
    html = verdict(
        **evil, findings=(finding,), remedies=(remedy,), details={EVIL: [{EVIL: EVIL}], "note": EVIL, "equation": EVIL}
    ).html()
    page = Page(html)
    assert set(page.tags) <= {"div", "p", "strong", "table", "tr", "th", "td", "small", "ol", "li", "code", "img"}
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert ("alt", EVIL) in page.attributes
    # title, sentence, five of the finding, label, why and change, and of the details caption, head and cell
    assert page.text.count(EVIL) >= 13
    assert "<script" not in html


def test_a_detail_that_is_missing_in_a_row_leaves_its_cell_empty() -> None:
    html = verdict(details={"Effects": [{"a": 1, "b": 2}, {"a": 3}]}).html()
    assert Page(html).text.count("3") >= 1
    assert '<td style="text-align: left"></td>' in html


def test_the_text_has_a_line_for_each_finding_and_remedy() -> None:
    lines = verdict().text().splitlines()
    assert lines[0] == "Failed: Did the computation work? The chains disagree."
    assert [line.split()[0] for line in lines[1:]] == ["Failed", "Passed", "remedy:"]
    assert "no threshold" in lines[2]


# -- the way back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("picture", [PICTURE, None])
def test_a_verdict_is_found_again_with_its_picture(picture: bytes | None, lines: bool) -> None:
    shown = verdict(picture=picture, partial=True, ran={"5": "abc"})
    assert verdict_in(outputs_of(shown, lines=lines)) == shown


def test_the_last_of_several_counts_and_keeps_its_own_picture() -> None:
    outputs = [*outputs_of(verdict(sentence="Old.")), *outputs_of(verdict(sentence="New.", picture=None))]
    found = verdict_in(outputs)
    assert found is not None
    assert (found.sentence, found.picture) == ("New.", None)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [{"output_type": "stream", "text": "hello"}],
        [{"output_type": "error", "data": None}],
        [{"data": {"text/html": "<p>Failed</p>"}}],
        [{"data": {MIME: None}}],
        [{"data": {MIME: "not a verdict"}}],
        [{"data": {MIME: {"version": 1, "status": "fine"}}}],
        [{"data": {MIME: verdict()._repr_mimebundle_()[MIME] | {"version": 2}}}],
    ],
)
def test_outputs_without_a_readable_verdict_hold_none(outputs: list[dict[str, Any]]) -> None:
    assert verdict_in(outputs) is None


def test_an_unreadable_verdict_does_not_hide_a_good_one() -> None:
    assert verdict_in([*outputs_of(verdict()), {"data": {MIME: {"version": 1}}}]) == verdict()


def test_a_broken_picture_is_left_out() -> None:
    outputs = outputs_of(verdict())
    outputs[1]["data"]["image/png"] = "abc"
    assert verdict_in(outputs) == verdict(picture=None)


def test_details_keep_their_order_in_a_notebook_that_sorts_its_keys() -> None:
    rows = [{"term": "Days", "prior": "Normal(0, 49)"}]
    verdict = Verdict(step="model", title="?", status="pass", sentence="", details={"priors": rows, "note": "few"})
    assert verdict.order == (("priors", "term", "prior"), ("note",))
    sorted_by_key = json.loads(json.dumps(verdict.model_dump(mode="json"), sort_keys=True))
    again = Verdict.model_validate(sorted_by_key)
    assert again.order == verdict.order
    assert again.html() == verdict.html()
