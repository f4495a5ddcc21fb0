"""Counts of events, with or without an exposure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, expected, group_levels, spreads, target_words
from modelcompose.catalog.entry import ModelEntry, Reason, Simulation, quoted, right_side, term
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, Scale, TermPrior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

OVERDISPERSED = 1.5


class Poisson(ModelEntry):
    id = "poisson"
    title = "Poisson regression"
    summary = "A rate of events; the variance of the counts equals their mean."
    family = "poisson"
    link = "log"
    equation = r"y_i \sim \mathrm{Poisson}(e^{\mu_i})"
    questions = frozenset({"typical", "compare-two", "compare-many", "effect", "change-over-time", "rate"})
    outcome = frozenset({"count"})
    source = "Gelman, Hill and Vehtari 2020, ch. 15"
    richer: ClassVar[tuple[str, ...]] = ("negative-binomial",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups", "exposure"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Events happen one by one, at a rate that is the same for rows with the same values in the columns.",
        "The variance of the counts equals their mean.",
        "A step of a predictor multiplies the rate by the same factor everywhere.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Counts often vary more than this; it is then surer of itself than it may be.",
        "A count with a highest possible value, such as successes out of attempts, needs another model.",
    )
    tutorial = "Twice the time at risk means twice the events, which is what an exposure says."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._count(facts)
        if facts.dispersion is not None and facts.dispersion <= OVERDISPERSED:
            yield Reason(
                "variance-near-mean", f"The variance of {facts.outcome} is {facts.dispersion:.1f} times its mean.", 2
            )

    def _count(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("count-outcome", f"{facts.outcome} is a count.", 3)
        if facts.exposure:
            yield Reason("exposure", f"You gave {facts.exposure} as exposure.", 1)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        terms += [f"offset(np.log({quoted(analysis.exposure)}))"] if analysis.exposure else []
        return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        y = table[analysis.outcome].astype(float)
        at_risk = table[analysis.exposure].astype(float).sum() if analysis.exposure else len(y)
        return Scale("log", float(np.log(max(y.sum(), 0.5) / at_risk)), 1.0)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        found = super().effects(analysis, table, model, dt)
        if analysis.question == "compare-many":
            found += group_levels(analysis, table, model, dt)
        if analysis.question in ("rate", "typical"):
            found.append(_rate(analysis, table, model, dt))
        return found + spreads(dt, link=self.link)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, exposure = rng.normal(0, 1, n), rng.uniform(0.5, 4, n)
        rate = exposure * np.exp(self._level + 0.4 * x)
        return Simulation(
            pd.DataFrame({"y": self._draw(rng, rate), "x": x, "hours": exposure}),
            {"y": "count", "x": "continuous", "hours": "positive"},
            {"question": "rate", "outcome": "y", "predictors": ["x"], "exposure": "hours"},
            {"Intercept": self._level, "x": 0.4},
        )

    _level: ClassVar[float] = 1.0

    def _draw(self, rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
        return np.asarray(rng.poisson(rate))


def _rate(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Effect:
    """Return the expected number of events for one unit of exposure, on average over the rows."""
    rows = table.assign(**{analysis.exposure: 1.0}) if analysis.exposure else table
    per = f"1 of {analysis.exposure}" if analysis.exposure else "row"
    lead = f"Per {per}, {target_words(analysis, table)} is"
    return Effect(f"average per {per}", lead, "level", expected(model, dt, rows).mean(1), headline=False)


class NegativeBinomial(Poisson):
    id = "negative-binomial"
    title = "Negative binomial regression"
    summary = "A rate of events whose counts vary more than a Poisson model allows."
    family = "negativebinomial"
    equation = r"y_i \sim \mathrm{NegativeBinomial}(e^{\mu_i}, \alpha)"
    richer: ClassVar[tuple[str, ...]] = ()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Every row has a rate of its own; rates scatter around what the columns say.",
        "A step of a predictor multiplies the average rate by the same factor everywhere.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It says that rates vary, not why; a column that explains it would be better.",
        "Zeros that have a cause of their own make the scatter look larger than it is elsewhere.",
    )
    tutorial = "It is a Poisson model whose rate differs from row to row, for reasons that no column knows."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._count(facts)
        if facts.dispersion is not None and facts.dispersion > OVERDISPERSED:
            yield Reason(
                "overdispersed", f"The variance of {facts.outcome} is {facts.dispersion:.1f} times its mean.", 2
            )

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("alpha", Prior("HalfCauchy", {"beta": 1.0}), "Bambi's default for the shape")]

    def _draw(self, rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
        return rng.poisson(rate * rng.gamma(2.0, 1 / 2.0, len(rate)))


ENTRIES: tuple[type[ModelEntry], ...] = (Poisson, NegativeBinomial)
