"""Straight-line regression for a measured outcome, plain and robust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from modelcompose.catalog.entry import (
    MeasuredEntry,
    ModelEntry,
    Reason,
    Rejection,
    Simulation,
    quoted,
    right_side,
    term,
)
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.groups import NU
from modelcompose.catalog.priors import TermPrior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis


class Linear(MeasuredEntry):
    id = "linear"
    title = "Linear regression"
    summary = "The outcome rises or falls by the same amount for every step of a predictor."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    questions = frozenset({"effect", "compare-two", "dose-response"})
    source = "Gelman, Hill and Vehtari 2020, Regression and Other Stories"
    richer: ClassVar[tuple[str, ...]] = ("robust-linear",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "The outcome changes by the same amount for every step of a predictor, whatever the others are.",
        "Around the line values scatter like a bell curve, equally wide everywhere.",
        "Rows do not depend on each other: nothing was measured twice.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A few extreme values can tilt the line.",
        "A curve is averaged into a straight line, which may fit nowhere.",
    )
    tutorial = "Each slope compares rows that differ in one column and agree in the others."
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.groups and facts.rows_per_group >= 2:
            return Rejection(
                "repeated-rows",
                f"Rows with the same {facts.groups[0]} belong together; {self.title} would count them as independent.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("measured-outcome", f"{facts.outcome} is a measured number.", 2)
        if not facts.outliers:
            yield Reason("no-outliers", f"None of the {facts.n} values lies unusually far out.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, site = rng.normal(20, 4, n), rng.choice(["a", "b"], n, p=[0.65, 0.35])
        y = 3 + 1.5 * (x - x.mean()) + 2 * (site == "b") + self._noise(rng, n)
        return Simulation(
            pd.DataFrame({"y": y, "x": x, "site": pd.Categorical(site)}),
            {"y": "continuous", "x": "continuous", "site": "category"},
            {"question": "effect", "outcome": "y", "predictors": ["x", "site"]},
            {"Intercept": 3.0, "center(x)": 1.5, "site[b]": 2.0},
        )

    def _noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return 2 * rng.standard_normal(n)


class RobustLinear(Linear):
    id = "robust-linear"
    title = "Robust linear regression"
    summary = "A straight line that unusual values can hardly pull."
    family = "t"
    equation = r"y_i \sim \mathrm{StudentT}(\nu, \mu_i, \sigma)"
    richer: ClassVar[tuple[str, ...]] = ()
    assumptions: ClassVar[tuple[str, ...]] = (
        "The outcome changes by the same amount for every step of a predictor, whatever the others are.",
        "Around the line values scatter as far above as below, and some may lie far out.",
        "Rows do not depend on each other: nothing was measured twice.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It does not mend lopsided values or a curve, which are no outliers.",
        "Values far out are given little weight, even where they are what matters.",
    )
    tutorial = "An unusual value is taken to come from a long tail instead of tilting the line towards it."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("measured-outcome", f"{facts.outcome} is a measured number.", 2)
        if facts.outliers:
            yield Reason(
                "outliers",
                f"{facts.outliers} of {facts.n} values lie more than 5 robust standard deviations from the median.",
                2,
            )

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [NU, *super().auxiliary(analysis, table)]

    def _noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return 2 * rng.standard_t(4, n)


ENTRIES: tuple[type[ModelEntry], ...] = (Linear, RobustLinear)
