"""Which of two runs is better, which remedies are tried in which order, and what changed between two runs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from modelcompose.analysis import Analysis
from modelcompose.verdict import Finding, Remedy, Status, Verdict, Waiver
from modelcompose.workflow.lineage import Lineage, Predicted, Standing, better, changes_between, ways_out

ANALYSIS = Analysis(outcome="y", predictors=["x", "z"], groups=["g"], model="linear")


def verdict(step: str, *statuses: Status, **more: Any) -> Verdict:
    """A verdict with one finding for each status, the gravest of them its own."""
    gravest = max(statuses, key=("info", "pass", "warn", "fail").index)
    findings = [Finding(name=f"{step} {at}", status=one, shown=one) for at, one in enumerate(statuses)]
    return Verdict(step=step, title=step, status=gravest, sentence="", **{"findings": findings, **more})


def standing(*verdicts: Verdict, status: Any = "failed", analysis: Analysis = ANALYSIS) -> Standing:
    return Standing(analysis, verdicts, status)


PASSED = verdict("sampling", "pass")


@pytest.mark.parametrize(
    ("worse", "good"),
    [
        # the gravest verdict first, however many warnings there are
        ([verdict("prior", "fail")], [verdict("prior", "warn", "warn", "warn")]),
        # then the number of failing findings, then of warnings
        ([verdict("prior", "fail", "fail", "pass")], [verdict("prior", "fail", "warn", "warn")]),
        ([verdict("prior", "fail", "warn")], [verdict("prior", "fail", "pass")]),
        # a run that stopped at a gate says nothing of what lies behind it: getting further is better
        ([verdict("sampling", "fail")], [PASSED, verdict("posterior", "fail", "fail", "fail")]),
        ([verdict("sampling", "fail"), verdict("posterior", "fail")], [PASSED, verdict("posterior", "fail")]),
        # what passed before and fails now is worse, though less was judged
        ([verdict("prior", "fail")], [verdict("prior", "pass"), verdict("posterior", "fail", "fail")]),
    ],
)
def test_the_better_run_is_the_one_that_less_stands_against(worse: list[Verdict], good: list[Verdict]):
    assert better(standing(*good), standing(*worse))
    assert not better(standing(*worse), standing(*good))


def test_a_run_that_broke_off_is_worse_than_any_other():
    broken = standing(PASSED, status="error")
    assert better(standing(verdict("sampling", "fail")), broken)
    assert not better(broken, standing(verdict("sampling", "fail")))


def test_a_waived_failure_counts_as_a_warning():
    waiver = Waiver(step="prior", by="A", reason="B")
    waived = standing(verdict("prior", "fail", waived=waiver))
    assert better(waived, standing(verdict("prior", "fail")))
    assert not better(waived, standing(verdict("prior", "warn")))
    assert list(ways_out(standing(verdict("prior", "fail", waived=waiver, remedies=[REMEDY])))) == []


def predicting(elpd: float, se: float, rows: int = 10) -> Standing:
    data = verdict("data", "pass", details={"sha256": "0", "rows": rows})
    return standing(data, verdict("influence", "pass", details={"elpd": elpd, "se": se}), status="passed")


def test_of_equal_verdicts_the_one_that_clearly_predicts_better_is_better():
    # The difference of 11 is more than twice sqrt(3² + 4²) = 5; 9 is not.
    assert better(predicting(-89, 3), predicting(-100, 4))
    assert not better(predicting(-91, 3), predicting(-100, 4))
    assert not better(predicting(-100, 4), predicting(-89, 3))
    assert not better(predicting(-50, 3, rows=9), predicting(-100, 4, rows=10))
    assert Predicted.of(ANALYSIS, [PASSED]) is None


def measured(step: str, **rules: float) -> Standing:
    findings = [
        Finding(name=rule, rule=rule.replace("_", "-"), status="fail", value=value, shown=str(value))
        for rule, value in rules.items()
    ]
    return standing(verdict(step, "fail", findings=findings))


@pytest.mark.parametrize(
    ("before", "after", "progress"),
    [
        ({"rhat": 1.51}, {"rhat": 1.26}, True),  # half of what is above 1.01 is left
        ({"rhat": 1.51}, {"rhat": 1.49}, False),
        ({"ess": 50.0}, {"ess": 100.0}, True),
        ({"ess": 50.0}, {"ess": 55.0}, False),
        ({"rhat": 1.51, "ess": 50.0}, {"rhat": 1.26, "ess": 40.0}, False),  # one nearer, one further
        ({"rhat": 1.51, "ess": 50.0}, {"rhat": 1.26, "ess": 50.0}, True),
        ({"unknown": 1.51}, {"unknown": 0.0}, False),
    ],
)
def test_of_runs_that_are_equal_otherwise_the_one_clearly_nearer_to_the_limits_is_better(
    before: dict[str, float], after: dict[str, float], progress: bool
):
    assert better(measured("sampling", **after), measured("sampling", **before), "sampling") == progress
    assert not better(measured("sampling", **after), measured("sampling", **before), "posterior")


REMEDY = Remedy(label="r", why="", changes={"draws": 2000}, score=0.4)


def remedy(label: str, score: float = 0.5, **changes: Any) -> Remedy:
    return Remedy(label=label, why="", changes=changes, score=score)


def test_failures_come_before_warnings_and_the_promising_before_the_others():
    found = ways_out(
        standing(
            verdict("prior", "warn", remedies=[remedy("a", 0.9, draws=1), remedy("b", 0.4, draws=2)]),
            verdict("sampling", "fail", remedies=[remedy("c", 0.1, draws=3), remedy("d", 0.6, draws=4)]),
            verdict("posterior", "fail", remedies=[remedy("e", 1.0, draws=5), remedy("only advice", 1.0)]),
            verdict("answer", "pass", remedies=[remedy("f", 1.0, draws=6)]),
        )
    )
    assert [(one.step, one.remedy.label) for one in found] == [
        ("sampling", "d"),
        ("sampling", "c"),
        ("posterior", "e"),
        ("prior", "a"),
    ]


@pytest.mark.parametrize(
    ("changes", "personal"),
    [
        ({"draws": 2000}, False),
        ({"model": "robust", "formula": ""}, False),
        ({"predictors": ["x", "z", "more"]}, False),
        ({"predictors": ["x"]}, True),
        ({"groups": []}, True),
        ({"recipe": [{"do": "filter", "where": "x < 3"}]}, True),
        ({"outcome": "z"}, True),
        ({"waivers": [{"step": "prior", "by": "A", "reason": "B"}]}, True),
        ({"policy": "lax.toml"}, True),
        ({"on_fail": "warn"}, True),
        ({"plausible": [0, 1e9]}, True),
    ],
)
def test_what_is_asked_the_data_and_the_rules_are_for_people(changes: dict[str, Any], personal: bool):
    found = list(ways_out(standing(verdict("prior", "fail", remedies=[remedy("r", **changes)]))))
    assert [one.personal for one in found] == [personal]


def test_what_changed_is_told_finding_by_finding():
    found = changes_between(
        [verdict("sampling", "fail", "pass"), verdict("posterior", "warn", "pass")],
        [verdict("data", "warn"), verdict("sampling", "pass", "fail")],
    )
    assert [(one.step, one.name, one.before_status, one.status) for one in found] == [
        ("data", "data 0", "", "warn"),
        ("sampling", "sampling 0", "fail", "pass"),
        ("sampling", "sampling 1", "pass", "fail"),
        ("posterior", "posterior 0", "warn", ""),
    ]


def test_findings_of_one_name_are_held_against_each_other_in_order():
    same = [Finding(name="R-hat", status=status, shown=status) for status in ("pass", "fail")]
    now = [Finding(name="R-hat", status="pass", shown=shown) for shown in ("first", "second")]
    found = changes_between([verdict("fit", "fail", findings=same)], [verdict("fit", "pass", findings=now)])
    assert [(one.before, one.shown) for one in found] == [("fail", "second")]


def test_a_lineage_is_a_tree_and_anything_else_is_none():
    assert Lineage.read({"metadata": {}}) is None
    for rounds in ([{"id": "1", "parent": "1"}], [{"id": "1"}, {"id": "1"}], [{"id": "2", "parent": "1"}, {"id": "1"}]):
        with pytest.raises(ValidationError):
            Lineage.model_validate({"rounds": rounds})
        assert Lineage.read({"metadata": {"modelcompose": {"lineage": {"rounds": rounds}}}}) is None
