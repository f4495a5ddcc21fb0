"""Which of two runs is better, which remedies are tried in which order, and what changed between two runs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from modelcompose.analysis import Analysis
from modelcompose.verdict import Finding, Remedy, Status, Verdict, Waiver
from modelcompose.workflow.lineage import Ending, Lineage, Predicted, better, changes_between, ways_out

ANALYSIS = Analysis(outcome="y", predictors=["x", "z"], groups=["g"], model="linear")


def verdict(step: str, *statuses: Status, **more: Any) -> Verdict:
    """A verdict with one finding for each status, the gravest of them its own."""
    gravest = max(statuses, key=("info", "pass", "warn", "fail").index)
    findings = [Finding(name=f"{step} {at}", status=one, shown=one) for at, one in enumerate(statuses)]
    return Verdict(step=step, title=step, status=gravest, sentence="", **{"findings": findings, **more})


def ending(*verdicts: Verdict, status: Any = "failed", analysis: Analysis = ANALYSIS) -> Ending:
    return Ending(analysis, verdicts, status)


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
    assert better(ending(*good), ending(*worse))
    assert not better(ending(*worse), ending(*good))


def test_a_run_that_broke_off_is_worse_than_any_other():
    broken = ending(PASSED, status="error")
    assert better(ending(verdict("sampling", "fail")), broken)
    assert not better(broken, ending(verdict("sampling", "fail")))


def test_a_waived_failure_counts_as_a_warning():
    waiver = Waiver(step="prior", by="A", reason="B")
    waived = ending(verdict("prior", "fail", waived=waiver))
    assert better(waived, ending(verdict("prior", "fail")))
    assert not better(waived, ending(verdict("prior", "warn")))
    assert list(ways_out(ending(verdict("prior", "fail", waived=waiver, remedies=[REMEDY])))) == []


def predicting(rows: list[float], used: int = 8, of: str = "y as it is") -> Ending:
    told = {"elpd": sum(rows), "se": 1.0, "rows": rows, "of": of}
    data = verdict("data", "pass", details={"sha256": "0", "rows": used})
    return ending(data, verdict("influence", "pass", details={"elpd": told}), status="passed")


def shifted(by: float, spread: float, count: int = 120) -> list[float]:
    """Densities of rows that are higher by so much in all, and scatter around that by so much in all."""
    each = [by / count + (-1) ** at * spread / count**0.5 for at in range(count)]
    return [-1.0 + one for one in each]


@pytest.mark.parametrize(
    ("by", "spread", "clear"),
    [
        (12, 5, True),  # 2.4 standard errors
        (9, 5, False),  # 1.8 standard errors
        (3.9, 0.1, False),  # many standard errors, but less than 4
        (4.5, 0.1, True),
    ],
)
def test_of_equal_verdicts_the_one_that_clearly_predicts_better_is_better(by: float, spread: float, clear: bool):
    good, base = predicting(shifted(by, spread)), predicting(shifted(0, 0))
    assert good.predicted().above(base.predicted()) == pytest.approx((by, spread))
    assert better(good, base) == clear
    assert not better(base, good)


def test_predictions_of_other_rows_are_not_compared():
    good, base = predicting(shifted(50, 1)), predicting(shifted(0, 0), used=9)
    assert good.predicted().above(base.predicted()) is None
    assert not better(good, base)
    assert not better(predicting(shifted(50, 1)), predicting(shifted(0, 0, count=119)))
    assert not better(predicting(shifted(50, 1), of="log of y"), predicting(shifted(0, 0)))
    assert Predicted.among(ANALYSIS, [PASSED]) is None


def test_with_few_rows_twice_as_many_standard_errors_are_asked_for():
    assert not better(predicting(shifted(12, 5, count=40)), predicting(shifted(0, 0, count=40)))
    assert better(predicting(shifted(22, 5, count=40)), predicting(shifted(0, 0, count=40)))


def measured(step: str, **rules: float) -> Ending:
    findings = [
        Finding(name=rule, rule=rule.replace("_", "-"), status="fail", value=value, shown=str(value))
        for rule, value in rules.items()
    ]
    return ending(verdict(step, "fail", findings=findings))


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
        ending(
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
    found = list(ways_out(ending(verdict("prior", "fail", remedies=[remedy("r", **changes)]))))
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
