"""One number by itself: its typical value, and values that are far from symmetric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import (
    Effect,
    comparisons,
    expected,
    group_levels,
    outcome_unit,
    samples,
    spreads,
    target_words,
)
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
from modelcompose.catalog.priors import Prior, Scale, TermPrior, rounded

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

LOPSIDED, SEVERAL, DECADE, OVERCORRECTED = 1.0, 3.0, 10.0, -0.3
"""Skewness with highest over lowest, and the latter alone, for logarithms to be tried; their skewness for gamma.

The former two after the kinds of columns; the last lies between the logarithms of a lognormal, whose skewness is 0, and
those of a gamma distribution of shape 4, whose own skewness is 1 and that of its logarithm -0.53.
"""


def is_lopsided(facts: Facts) -> bool:
    """Tell whether the outcome is positive, lopsided or wide, and more symmetric after taking logarithms."""
    if facts.skew is None or facts.log_skew is None or not facts.lowest or facts.highest is None:
        return False
    range_ = facts.highest / facts.lowest
    wide = (facts.skew > LOPSIDED and range_ >= SEVERAL) or range_ >= DECADE
    return wide and facts.skew > 0 and abs(facts.log_skew) < abs(facts.skew)


def over_corrected(log_skew: float) -> bool:
    """Tell whether logarithms have their long tail on the low side, as those of a gamma distribution have."""
    return log_skew < OVERCORRECTED


def logarithm_skewness(facts: Facts) -> str:
    return (
        f"{facts.outcome} is always above zero and lopsided (skewness {facts.skew:.1f}, highest "
        f"{(facts.highest or 0) / (facts.lowest or 1):.3g} times the lowest); its logarithm has a skewness of "
        f"{facts.log_skew:.1f}."
    )


def not_positive(facts: Facts, title: str) -> Rejection | None:
    """Refuse outcomes at zero or below, which have no logarithm."""
    if facts.lowest is None or facts.lowest <= 0:
        return Rejection(
            "above-zero", f"The lowest value of {facts.outcome} is {facts.lowest}; {title} needs values above zero."
        )
    return None


class TypicalValue(MeasuredEntry):
    id = "typical-value"
    title = "Typical value"
    summary = "The average of one number, and how much single values scatter around it."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    questions = frozenset({"typical"})
    outcome = frozenset({"continuous", "positive", "amount", "duration", "count"})
    source = "Gelman, Hill and Vehtari 2020, Regression and Other Stories, ch. 7"
    richer: ClassVar[tuple[str, ...]] = ("typical-value-robust",)
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Values scatter around the average like a bell curve, as far above it as below.",
        "Rows do not depend on each other: no thing was measured twice, and none influences the next.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A few extreme values pull the average and inflate the scatter.",
        "It can predict values below zero even where none can be.",
    )
    tutorial = "The average is known more exactly with every row; the scatter of single values stays what it is."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        if facts.kind == "count":
            yield Reason("count-as-number", f"{facts.outcome} is a count; a bell curve is a rough picture of it.", 1)
            return
        yield Reason("measured-outcome", f"{facts.outcome} is a measured number.", 2)
        if not facts.outliers:
            yield Reason("no-outliers", f"None of the {facts.n} values lies unusually far out.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return f"{quoted(analysis.outcome)} ~ 1"

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        unit, name = analysis.units.get(analysis.outcome, ""), analysis.outcome
        new = self._new(dt, np.random.default_rng(1))
        return [
            *self._typical(name, unit, dt),
            Effect(f"a new {name}", f"A new value of {name} would be", "level", new, unit, headline=False),
        ]

    def _typical(self, name: str, unit: str, dt: Any) -> Iterator[Effect]:
        yield Effect(f"average {name}", f"The average of {name} is", "level", samples(dt, "Intercept"), unit)
        lead = f"Single values of {name} scatter around it with a standard deviation of"
        yield Effect(f"scatter of {name}", lead, "spread", samples(dt, "sigma"), unit, headline=False)

    def _new(self, dt: Any, rng: np.random.Generator) -> np.ndarray:
        mu, sigma = samples(dt, "Intercept"), samples(dt, "sigma")
        return mu + sigma * rng.standard_normal(len(mu))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        return Simulation(
            pd.DataFrame({"y": 20 + 3 * self._noise(rng, n)}),
            {"y": "continuous"},
            {"question": "typical", "outcome": "y"},
            {"Intercept": 20.0, "sigma": 3.0},
        )

    def _noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.standard_normal(n)


class RobustTypicalValue(TypicalValue):
    id = "typical-value-robust"
    title = "Typical value, robust"
    summary = "The middle of one number, which unusual values can hardly pull."
    family = "t"
    equation = r"y_i \sim \mathrm{StudentT}(\nu, \mu_i, \sigma)"
    source = "Lange, Little and Taylor 1989, doi:10.1080/01621459.1989.10478852"
    richer: ClassVar[tuple[str, ...]] = ("typical-value-lognormal",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "Values scatter as far above the middle as below, and some may lie far out.",
        "Rows do not depend on each other: no thing was measured twice, and none influences the next.",
    )
    limits: ClassVar[tuple[str, ...]] = ("For lopsided values the middle is not the average.",)
    tutorial = "An unusual value is taken to come from a long tail instead of moving everything towards it."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        if facts.kind == "count":
            yield Reason("count-as-number", f"{facts.outcome} is a count; a long-tailed curve is a rough picture.", 0.5)
            return
        yield Reason("measured-outcome", f"{facts.outcome} is a measured number.", 2)
        if facts.outliers:
            yield Reason(
                "outliers",
                f"{facts.outliers} of {facts.n} values lie more than 5 robust standard deviations from the median.",
                2,
            )

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [NU, *super().auxiliary(analysis, table)]

    def _typical(self, name: str, unit: str, dt: Any) -> Iterator[Effect]:
        lead = f"The typical value of {name}, with as many above as below, is"
        yield Effect(f"typical {name}", lead, "level", samples(dt, "Intercept"), unit)

    def _new(self, dt: Any, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(samples(dt, "Intercept") + samples(dt, "sigma") * rng.standard_t(samples(dt, "nu")))

    def _noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.standard_t(3, n)


class _OnLogarithms(MeasuredEntry):
    """The logarithm of the outcome is normal: what the models of lognormal outcomes have in common."""

    family = "lognormal"
    equation = r"y_i \sim \mathrm{LogNormal}(\mu_i, \sigma)"
    outcome = frozenset({"positive", "amount", "duration"})
    source = "Limpert, Stahel and Abbt 2001, doi:10.1641/0006-3568(2001)051[0341:LNDATS]2.0.CO;2"

    def unfit(self, facts: Facts) -> Rejection | None:
        return not_positive(facts, self.title)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("positive-outcome", f"{facts.outcome} is always above zero.", 1)
        if is_lopsided(facts):
            best = not over_corrected(facts.log_skew or 0)
            compares = 2 if facts.question == "compare-two" else 0
            yield Reason("logarithm-symmetric", logarithm_skewness(facts), compares + (4 if best else 3))
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 0.5)

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        y = _logarithm(table, analysis)
        return Scale("logarithm", float(y.mean()), float(y.std()))

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        prior = Prior("HalfNormal", {"sigma": rounded(float(_logarithm(table, analysis).std()))})
        return [TermPrior("sigma", prior, "half-normal as in Bambi, on the scale of the outcome's logarithm")]


def _logarithm(table: pd.DataFrame, analysis: Analysis) -> np.ndarray:
    return np.asarray(np.log(table[analysis.outcome].to_numpy(float)))


class LognormalTypicalValue(_OnLogarithms):
    id = "typical-value-lognormal"
    title = "Typical value, lognormal"
    summary = "The median and the average of a positive, lopsided number."
    questions = frozenset({"typical"})
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Values are above zero, and their logarithms scatter like a bell curve.",
        "Rows do not depend on each other: no thing was measured twice, and none influences the next.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "The average depends on the largest values, of which there are few; the median is known better.",
    )
    tutorial = "Where values are multiplied up rather than added up, the middle lies well below the average."

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return f"{quoted(analysis.outcome)} ~ 1"

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        mu, sigma = samples(dt, "Intercept"), samples(dt, "sigma")
        new = np.exp(mu + sigma * np.random.default_rng(1).standard_normal(len(mu)))
        lead = f"Half of the values of {name} lie below the median, which is"
        return [
            Effect(f"median {name}", lead, "level", np.exp(mu), unit, headline=False),
            Effect(f"average {name}", f"The average of {name} is", "level", np.exp(mu + sigma**2 / 2), unit),
            Effect(f"a new {name}", f"A new value of {name} would be", "level", new, unit, headline=False),
        ]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        return Simulation(
            pd.DataFrame({"y": np.exp(3 + 0.8 * rng.standard_normal(n))}),
            {"y": "positive"},
            {"question": "typical", "outcome": "y"},
            {"Intercept": 3.0, "sigma": 0.8},
        )


class Lognormal(_OnLogarithms):
    id = "lognormal"
    title = "Lognormal regression"
    summary = "A positive, lopsided outcome whose median is multiplied by a factor for every step of a predictor."
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time"})
    richer: ClassVar[tuple[str, ...]] = ("gamma",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Values are above zero; a step of a predictor multiplies them by the same factor everywhere.",
        "Around that, their logarithms scatter like a bell curve, equally wide everywhere.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = ("It speaks of the median; sums and averages hang on the few largest values.",)
    tutorial = "It is linear regression of the logarithm, told in factors: 1.1 means ten percent more."

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return multiplicative_formula(analysis, table)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        said, median = target_words(analysis, table), f"the median of {analysis.outcome}"
        found = [
            replace(
                one,
                name=f"{one.name} (factor)",
                lead=one.lead.replace(f"{said} is", f"{median} is multiplied by"),
                kind="ratio",
                draws=np.exp(one.draws),
                unit="",
            )
            for one in comparisons(analysis, table, model, dt, ratio=False)
        ]
        if analysis.question == "compare-many":
            found += [
                replace(one, lead=one.lead.replace(said, median), draws=np.exp(one.draws))
                for one in group_levels(analysis, table, model, dt)
            ]
        return found + spreads(dt, link="log")

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, site = rng.normal(0, 1, n), rng.choice(["a", "b"], n, p=[0.6, 0.4])
        y = np.exp(2 + 0.3 * x + 0.4 * (site == "b") + 0.7 * rng.standard_normal(n))
        return Simulation(
            pd.DataFrame({"y": y, "x": x, "site": pd.Categorical(site)}),
            {"y": "positive", "x": "continuous", "site": "category"},
            {"question": "effect", "outcome": "y", "predictors": ["x", "site"]},
            {"Intercept": 2.0, "x": 0.3, "site[b]": 0.4, "sigma": 0.7},
        )


def multiplicative_formula(analysis: Analysis, table: pd.DataFrame) -> str:
    terms = [term(name, table) for name in analysis.predictors]
    terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
    return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"


class Gamma(ModelEntry):
    id = "gamma"
    title = "Gamma regression"
    summary = "A positive, lopsided outcome whose average is multiplied by a factor for every step of a predictor."
    family = "gamma"
    link = "log"
    equation = r"y_i \sim \mathrm{Gamma}(e^{\mu_i}, \alpha)"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time"})
    outcome = frozenset({"positive", "amount", "duration"})
    source = "McCullagh and Nelder 1989, Generalized Linear Models 2e, ch. 8"
    richer: ClassVar[tuple[str, ...]] = ("lognormal",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Values are above zero; a step of a predictor multiplies their average by the same factor everywhere.",
        "The scatter grows in proportion to the average.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = ("Values much larger than the rest are rarer in it than in a lognormal model.",)
    tutorial = "Think of an amount that is made of small portions: the more of them, the less lopsided the total."

    def unfit(self, facts: Facts) -> Rejection | None:
        return not_positive(facts, self.title)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("positive-outcome", f"{facts.outcome} is always above zero.", 1)
        if is_lopsided(facts):
            best = over_corrected(facts.log_skew or 0)
            compares = 2 if facts.question == "compare-two" else 0
            yield Reason("lopsided", logarithm_skewness(facts), compares + (4 if best else 2))
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 0.5)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return multiplicative_formula(analysis, table)

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("log", float(np.log(table[analysis.outcome].astype(float).mean())), 1.0)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [shape_prior(table[analysis.outcome].to_numpy(float))]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        found = super().effects(analysis, table, model, dt)
        if analysis.question == "compare-many":
            found += group_levels(analysis, table, model, dt)
        if not found:
            found.append(_overall(analysis, table, model, dt))
        return found + spreads(dt, link="log")

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        y = rng.gamma(2.0, np.exp(1.5 + 0.3 * x) / 2.0)
        return Simulation(
            pd.DataFrame({"y": y, "x": x}),
            {"y": "positive", "x": "continuous"},
            {"question": "effect", "outcome": "y", "predictors": ["x"]},
            {"Intercept": 1.5, "x": 0.3, "alpha": 2.0},
        )


def _overall(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Effect:
    name = analysis.outcome
    draws = expected(model, dt, table).mean(1)
    return Effect(f"average {name}", f"The average of {name} is", "level", draws, outcome_unit(analysis, table))


SHAPE = "half-normal, five times the shape that average and scatter suggest; ModelCompose's own, by prior prediction"


def shape_prior(y: np.ndarray) -> TermPrior:
    """Give the shape of a gamma distribution its prior: wide enough for what predictors may explain.

    The shape is one over the squared coefficient of variation; that of all values is a lower bound for what it is
    once predictors have explained a part of their variation.

    Parameters
    ----------
    y
        Positive values, shape (rows,).
    """
    least = float(y.mean() ** 2 / max(y.var(), 1e-12 * y.mean() ** 2))
    return TermPrior("alpha", Prior("HalfNormal", {"sigma": rounded(5 * max(least, 1.0))}), SHAPE)


ENTRIES: tuple[type[ModelEntry], ...] = (
    TypicalValue,
    RobustTypicalValue,
    LognormalTypicalValue,
    Lognormal,
    Gamma,
)
