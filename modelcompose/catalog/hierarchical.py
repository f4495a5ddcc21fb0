"""Repeated measures and nested data: intercepts, or intercepts and slopes, that vary between groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, spreads
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
from modelcompose.catalog.facts import Facts, slope_of

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

FEW = 3


class VaryingIntercepts(MeasuredEntry):
    id = "varying-intercepts"
    title = "Varying intercepts"
    summary = "Every group has a level of its own; the effect of a predictor is the same for all."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    questions = frozenset({"effect", "change-over-time"})
    source = "Gelman and Hill 2007, ch. 12"
    richer: ClassVar[tuple[str, ...]] = ("varying-slopes",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})

    def unfit(self, facts: Facts) -> Rejection | None:
        if not facts.groups:
            return Rejection("no-groups", f"{self.title} needs a column that says which rows belong together.")
        if facts.n_groups < FEW or facts.rows_per_group < 2:
            return Rejection(
                "too-few-groups",
                f"{facts.groups[0]} has {facts.n_groups} groups with a median of {facts.rows_per_group:g} rows; "
                f"{self.title} needs at least {FEW} groups with 2 rows.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "repeated-rows",
            f"Each {facts.groups[0]} has a median of {facts.rows_per_group:g} rows, which belong together.",
            2,
        )

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += self._grouped(analysis, table)
        return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"

    def _grouped(self, analysis: Analysis, table: pd.DataFrame) -> list[str]:
        return [f"(1 | {quoted(name)})" for name in analysis.groups]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        return super().effects(analysis, table, model, dt) + spreads(dt)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        people, times = max(n // 8, 10), 8
        person, day = np.repeat(np.arange(people), times), np.tile(np.arange(times), people)
        level = 100 + 15 * rng.standard_normal(people)
        slope = 4 + self._slope_sd * rng.standard_normal(people)
        y = level[person] + slope[person] * day + 10 * rng.standard_normal(len(day))
        return Simulation(
            pd.DataFrame({"y": y, "day": day, "person": np.char.add("p", person.astype(str))}),
            {"y": "continuous", "day": "count", "person": "group"},
            {"question": "change-over-time", "outcome": "y", "predictors": ["day"], "groups": ["person"]},
            {"Intercept": 100.0, "day": 4.0, "sigma": 10.0, "1|person_sigma": 15.0, **self._slope_truth},
        )

    _slope_sd = 0.0
    _slope_truth: dict[str, float] = {}  # noqa: RUF012


class VaryingSlopes(VaryingIntercepts):
    id = "varying-slopes"
    title = "Varying intercepts and slopes"
    summary = "Every group has a level and an effect of its own, spread around the average ones."
    questions = frozenset({"effect", "change-over-time"})
    source = "Gelman and Hill 2007, ch. 13"
    richer: ClassVar[tuple[str, ...]] = ()

    def unfit(self, facts: Facts) -> Rejection | None:
        if not facts.predictors:
            return Rejection("no-predictor", f"{self.title} needs a predictor whose effect may vary.")
        if facts.groups and not facts.slope:
            return Rejection(
                "constant-within-groups",
                f"{', '.join(facts.predictors)} hardly changes within a {facts.groups[0]}; no effect can vary there.",
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from super().reasons(facts)
        yield Reason(
            "varies-within-groups",
            f"{facts.slope} changes within each {facts.groups[0]}, so that its effect may differ between them.",
            2 if facts.n_groups >= 5 else -1,
        )

    def _grouped(self, analysis: Analysis, table: pd.DataFrame) -> list[str]:
        slope = term(slope_of(analysis, table) or analysis.predictors[0], table)
        first, *others = analysis.groups
        return [f"({slope} | {quoted(first)})", *(f"(1 | {quoted(name)})" for name in others)]

    _slope_sd = 3.0
    _slope_truth = {"day|person_sigma": 3.0}  # noqa: RUF012


ENTRIES: tuple[type[ModelEntry], ...] = (VaryingIntercepts, VaryingSlopes)
