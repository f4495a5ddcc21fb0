"""The recommendation agrees with a statistician over many tables.

``recommendation.csv`` was labelled by judgement of the data alone, before the rules were tuned and without looking at
their answers: ``right`` is the best first choice, ``acceptable`` are others that can be defended as the first, ``why``
says what in the data decides. A case counts as a top-1 hit when its first recommendation is right or acceptable
(strict: right), and as a top-3 hit when ``right`` is among the first three. Run with ``-s`` to see every case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from recommendation_cases import TABLES, make

from modelcompose import catalog, data
from modelcompose.analysis import Analysis

PATH = Path(__file__).parent.parent / "data" / "recommendation.csv"
CASES: list[dict[str, str]] = pd.read_csv(PATH, dtype=str, keep_default_na=False).to_dict("records")

ONE = ("outcome", "exposure", "trials", "event", "time", "standard_error")
SEVERAL = ("predictors", "groups", "further")
COLUMNS = ["case", "data", "question", *ONE, *SEVERAL, "intervention", "treated", "kinds", "right", "acceptable", "why"]


def words(text: str) -> set[str]:
    return set(text.split())


QUESTIONS = words(
    "typical share compare-two compare-many effect change-over-time rate ab-test dose-response curve screen survival"
    " trend change-point intervention before-after one-treated combine spread quantile map ability noisy-predictor"
    " several-outcomes subgroups"
)
MODELS = words(
    "typical-value typical-value-robust typical-value-lognormal proportion two-groups many-groups linear robust-linear"
    " lognormal gamma beta logistic binomial beta-binomial ab-test poisson negative-binomial zero-inflated-poisson"
    " zero-inflated-negative-binomial hurdle-negative-binomial hurdle-gamma hurdle-lognormal ordinal sequential-ordinal"
    " categorical varying-intercepts varying-slopes correlated-slopes spline gaussian-process spread quantile circular"
    " survival-weibull survival-lognormal survival-exponential survival-frailty emax horseshoe item-response"
    " measurement-error multivariate-outcome mixture meta-analysis fixed-effect-meta-analysis trend-season local-level"
    " autoregressive change-point-count change-point interrupted-series difference-in-differences synthetic-control"
    " spatial"
)
LEAST_FIRST, LEAST_THREE = 0.85, 0.97


def names(text: str) -> list[str]:
    return [name for name in text.split(";") if name]


def choices(case: dict[str, str]) -> dict[str, Any]:
    """Return the choices of an analysis that a row of the file stands for."""
    given: dict[str, Any] = {role: case[role] for role in ("question", *ONE, "intervention", "treated")}
    return given | {role: names(case[role]) for role in SEVERAL} | {"kinds": json.loads(case["kinds"] or "{}")}


@dataclass(frozen=True)
class Answer:
    """What the catalogue said of a case, or the error that kept it from saying anything."""

    case: dict[str, str]
    recommended: tuple[str, ...] = ()
    rejected: tuple[tuple[str, str, str], ...] = ()
    error: str = ""

    @property
    def first_is_right(self) -> bool:
        return self.recommended[:1] == (self.case["right"],)

    @property
    def first_is_defensible(self) -> bool:
        return bool({self.case["right"], *names(self.case["acceptable"])} & set(self.recommended[:1]))

    @property
    def right_is_among_three(self) -> bool:
        return self.case["right"] in self.recommended[:3]

    @property
    def row(self) -> str:
        hit = "right" if self.first_is_right else "accept" if self.first_is_defensible else "MISS"
        three = "" if self.right_is_among_three else "  not in 3"
        said = self.error or ", ".join(self.recommended[:3]) or "nothing"
        return f"{self.case['case']:<22} {self.case['right']:<31} {hit:<7} {said}{three}"


def ask(case: dict[str, str], folder: Path) -> Answer:
    path = folder / f"{case['case']}.csv"
    make(case["data"]).to_csv(path, index=False)
    try:
        table = data.load(str(path), json.loads(case["kinds"] or "{}"))
        said = catalog.recommend(Analysis.of(choices(case)), table)
    except Exception as error:  # a fault belongs to its case, and the other cases are still asked
        return Answer(case, error=f"{type(error).__name__}: {error}")
    return Answer(
        case,
        tuple(one.entry.id for one in said.candidates),
        tuple((entry.id, why.rule, why.sentence) for entry, why in said.rejected),
    )


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    folder = tmp_path_factory.mktemp("cases")
    return {case["case"]: ask(case, folder) for case in CASES}


def test_the_file_of_cases_is_whole():
    """The labels stand on their own: this needs no catalogue."""
    assert set(CASES[0]) == set(COLUMNS)
    assert len(CASES) >= 72
    assert len({case["case"] for case in CASES}) == len(CASES)
    assert {case["question"] for case in CASES} == QUESTIONS
    assert {case["right"] for case in CASES} == MODELS
    assert {name for case in CASES for name in names(case["acceptable"])} <= MODELS
    assert not [case["case"] for case in CASES if case["right"] in names(case["acceptable"])]
    assert all(case["why"].endswith(".") for case in CASES)
    assert {case["data"] for case in CASES if ":" not in case["data"]} == set(TABLES)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_table_of_a_case_loads(case, tmp_path):
    """Every role names a column of the table, and the kinds declared fit."""
    path = tmp_path / "table.csv"
    make(case["data"]).to_csv(path, index=False)
    asked = Analysis.of(choices(case))
    table = data.load(str(path), asked.kinds)
    assert set(asked.columns) | set(asked.kinds) <= set(table.frame.columns)
    assert len(table.frame) >= 2


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_is_answered_and_whatever_is_left_out_has_a_reason(case, answers):
    answer = answers[case["case"]]
    assert not answer.error
    for model, rule, sentence in answer.rejected:
        assert rule, f"{model} is left out by no rule"
        assert sentence.strip(), f"{model} is left out without a word"
    assert answer.recommended or answer.rejected


def test_the_first_recommendations_agree_with_the_labels(answers):
    every = list(answers.values())
    strict = sum(one.first_is_right for one in every) / len(every)
    lenient = sum(one.first_is_defensible for one in every) / len(every)
    three = sum(one.right_is_among_three for one in every) / len(every)
    figures = (
        f"{len(every)} cases: first is right {strict:.1%}, right or acceptable {lenient:.1%}; "
        f"right among the first three {three:.1%}"
    )
    print("", *(one.row for one in every), figures, sep="\n")
    missed = [one.row for one in every if not (one.first_is_defensible and one.right_is_among_three)]
    said = "\n".join([figures, *missed])
    assert lenient >= LEAST_FIRST, said
    assert three >= LEAST_THREE, said
