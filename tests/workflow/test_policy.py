"""Thresholds: one table with a source each, a project's own policy on top, waivers that are signed."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelcompose.workflow
from modelcompose import Analysis
from modelcompose.errors import GateFailed, InvalidInput, NotFound
from modelcompose.verdict import Finding
from modelcompose.workflow.policy import Rule, default, policy_of, read_policy
from modelcompose.workflow.steps import conclude, judged

OWN = """
name = "House rules"
forbid_waivers = ["sampling"]
[rules.rhat]
fail = 1.02
source = "procedure 7"
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(OWN)
    return "policy.toml"


@pytest.mark.parametrize("rule", default().rules.values(), ids=lambda rule: rule.id)
def test_every_rule_has_a_source_and_a_failure_beyond_the_pass(rule):
    assert len(rule.source) > 10
    if rule.fail is not None:
        assert rule.fail <= rule.limit if rule.good == "at least" else rule.fail >= rule.limit


def test_the_table_has_a_version_and_no_rule_twice():
    text = (Path(modelcompose.workflow.__file__).parent / "thresholds.toml").read_text("utf-8")
    assert tomllib.loads(text)["version"] >= 1
    assert text.count("[rules.") == len(default().rules)


def test_limits_are_said_and_held():
    rhat, chains, divergences = (default()[one] for one in ("rhat", "chains", "divergences"))
    assert rhat.words() == "below 1.01; a failure above 1.05"
    assert [rhat.status(value) for value in (1.0, 1.01, 1.05, 1.0501, math.nan)] == [
        *("pass", "warn", "warn", "fail", "fail"),
    ]
    assert chains.words() == "4 or more; a failure below 2"
    assert [chains.status(value) for value in (4, 3, 2, 1)] == ["pass", "warn", "warn", "fail"]
    assert default()["chains-apart"].words() == "up to 2; a failure above that"
    assert divergences.words() == "none; a failure above 0.1%"
    assert [divergences.status(value) for value in (0, 0.0005, 0.001, 0.0011)] == ["pass", "warn", "warn", "fail"]


def test_limits_scale():
    ess = default()["ess"]
    assert ess.words(4) == "400 or more; a failure below 200"
    assert [ess.status(value, 4) for value in (400, 399, 200, 199)] == ["pass", "warn", "warn", "fail"]


@given(
    good=st.sampled_from(["below", "at most", "at least"]),
    limit=st.floats(0.1, 10),
    further=st.floats(0.01, 5),
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=2),
)
def test_a_worse_value_is_never_judged_better(good, limit, further, values):
    fail = limit - further if good == "at least" else limit + further
    rule = Rule(id="one", good=good, limit=limit, fail=fail, source="here")
    better, worse = sorted(values, reverse=good == "at least")
    order = ["pass", "warn", "fail"]
    assert order.index(rule.status(better)) <= order.index(rule.status(worse))


def test_a_projects_policy_changes_limits_and_is_named(own):
    policy = read_policy(own)
    assert policy["rhat"].words() == "below 1.01; a failure above 1.02"
    assert policy["rhat"].source == "procedure 7"
    assert policy["ess"] == default()["ess"]
    assert policy.reference.startswith("House rules, version 1 (")
    assert policy.digest != default().digest


def test_without_a_policy_the_defaults_hold():
    assert policy_of(Analysis()) == default()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name =", "not TOML"),
        ("[rules.rhatt]\nfail = 2", "there is no rule 'rhatt'"),
        ("[rules.rhat]\ngood = 'at least'", "'good' of rule 'rhat' cannot be changed"),
        ("[rules.rhat]\nfail = 'high'", "rules.rhat.fail"),
        ("colour = 'red'", "colour"),
        ("[rules.rhat]\npass = 1.1", "a failure at 1.05 would begin before the pass ends at 1.1"),
        ("rules = 3", "'rules' is not a table"),
        ("[rules]\nrhat = 3", "rule 'rhat' is not a table"),
        ("forbid_waivers = ['samplng']", "'samplng', which is no step"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_policy("policy.toml")


def test_a_policy_that_is_not_there_is_named():
    with pytest.raises(NotFound, match=r"nowhere\.toml"):
        read_policy("nowhere.toml")


FAILED = [Finding(name="R-hat", status="fail", shown="2")]
WAIVER = {"step": "sampling", "by": "A. Name", "reason": "a pilot"}


def test_a_failure_stops_unless_it_is_waived():
    with pytest.raises(GateFailed):
        conclude("sampling", Analysis(), sentence="No.", findings=FAILED)
    verdict = conclude("sampling", Analysis(waivers=[WAIVER]), sentence="No.", findings=FAILED)
    assert (verdict.status, verdict.gate, verdict.waived.by) == ("fail", "warn", "A. Name")
    for text in (verdict.html(), verdict.text()):
        assert "A. Name" in text
        assert "a pilot" in text


def test_a_waiver_is_for_one_step_only():
    with pytest.raises(GateFailed):
        conclude("posterior", Analysis(waivers=[WAIVER]), sentence="No.", findings=FAILED)


def test_what_passes_needs_no_waiver():
    assert conclude("sampling", Analysis(waivers=[WAIVER]), sentence="Yes.").waived is None


def test_a_policy_can_forbid_waivers(own):
    with pytest.raises(GateFailed):
        conclude("sampling", Analysis(waivers=[WAIVER], policy=own), sentence="No.", findings=FAILED)
    posterior = WAIVER | {"step": "posterior"}
    assert conclude("posterior", Analysis(waivers=[posterior], policy=own), sentence="No.", findings=FAILED).waived


def test_a_verdict_names_the_policy_and_is_remembered():
    verdict = conclude("prior", Analysis(), sentence="Yes.")
    assert verdict.policy == default().reference
    assert judged()["prior"] == verdict
