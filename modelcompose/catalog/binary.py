"""Yes-or-no outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, group_levels, spreads
from modelcompose.catalog.entry import ModelEntry, Reason, Simulation, quoted, response, right_side, term
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Scale, TermPrior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis


class Logistic(ModelEntry):
    id = "logistic"
    title = "Logistic regression"
    summary = "The chance of a yes, and how it changes; groups may each have a chance of their own."
    family = "bernoulli"
    link = "logit"
    equation = r"y_i \sim \mathrm{Bernoulli}(p_i),\quad \mathrm{logit}(p_i) = \mu_i"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time", "dose-response"})
    outcome = frozenset({"binary"})
    source = "Gelman, Hill and Vehtari 2020, ch. 13"
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "A step of a predictor changes the log-odds of a yes by the same amount everywhere.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "With few rows of one of the two answers, effects are known only roughly.",
        "If a column tells yes from no without error, its effect is as large as the prior lets it be.",
    )
    tutorial = "Chances cannot pass 0 or 1, so the same push moves a chance of 50% more than one of 98%."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("binary-outcome", f"{facts.outcome} has two values.", 3)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 2)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        return f"{response(analysis, table)} ~ {right_side(terms)}"

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("logit", 0.0, 1.0)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        found = [_percent(one) for one in super().effects(analysis, table, model, dt)]
        if analysis.question == "compare-many":
            found += [_percent(one) for one in group_levels(analysis, table, model, dt)]
        return found + spreads(dt, link=self.link)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 2, n)
        p = 1 / (1 + np.exp(-(-0.5 + 0.8 * x)))
        return Simulation(
            pd.DataFrame({"y": rng.binomial(1, p), "x": x}),
            {"y": "binary", "x": "continuous"},
            {"question": "effect", "outcome": "y", "predictors": ["x"]},
            {"Intercept": -0.5, "x": 0.8},
        )


def _percent(effect: Effect) -> Effect:
    unit = "%" if effect.kind == "level" else "percentage points"
    return replace(effect, draws=100 * effect.draws, unit=unit)


ENTRIES: tuple[type[ModelEntry], ...] = (Logistic,)
