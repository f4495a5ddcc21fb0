"""Ratings and other ordered levels, and choices among options without an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import ROWS, Effect, contrasts, expected, spreads
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation, quoted, right_side, term
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, Scale, TermPrior
from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

THRESHOLDS = "McElreath, Statistical Rethinking 2e, ch. 12: Normal(0, 1.5) on the logit scale"
LEAST_LEVELS, MOST_LEVELS = 3, 20


def rising(name: str, mu: float, sigma: float, dims: str) -> object:
    """Draw thresholds, and put them into rising order."""
    import pymc as pm
    from pytensor.tensor.sort import sort

    start = np.linspace(-1, 1, len(pm.modelcontext(None).coords[dims]))
    drawn = pm.Normal(f"{name}_raw", mu, sigma, dims=dims, initval=start)
    return pm.Deterministic(name, sort(drawn), dims=dims)


class LevelsEntry(ModelEntry):
    """An entry whose outcome has three levels or more, each with a chance of its own."""

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.values < LEAST_LEVELS:
            return Rejection("three-levels", f"{facts.outcome} has {facts.values} levels; {self.title} needs three.")
        if facts.values > MOST_LEVELS:
            return Rejection(
                "too-many-levels",
                f"{facts.outcome} has {facts.values} levels, too many to tell apart: merge some, or treat it as a "
                "number.",
            )
        return None

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("logit", 0.0, 1.0)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say by how many percentage points the chance of each level changes."""
        rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=0)
        found = []
        for name in analysis.predictors:
            for step, short, low, high in contrasts(name, rows, analysis):
                before, after = expected(model, dt, low), expected(model, dt, high)
                found += self.of_a_change(analysis, table, step, short, (before, after))
        if analysis.question == "compare-many":
            found += self.of_groups(analysis, table, model, dt)
        return sorted(found, key=lambda effect: not effect.headline) + spreads(dt, link=self.link)

    def of_a_change(
        self, analysis: Analysis, table: pd.DataFrame, step: str, short: str, chances: tuple[np.ndarray, np.ndarray]
    ) -> list[Effect]:
        """Turn the chances before and after a change, shape (draws, rows, levels), into quantities."""
        before, after = chances
        change = 100 * (after - before).mean(1)
        return [
            Effect(
                f"{analysis.outcome} = {level}; {short}",
                f"{step}, the chance of {analysis.outcome} = {level} is",
                "difference",
                change[:, at],
                "percentage points",
            )
            for at, level in enumerate(levels_of(analysis, table))
        ]

    def of_groups(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Return every group's chance of the last level."""
        group = analysis.groups[0]
        rows = table.drop_duplicates(group).sort_values(group)
        draws = 100 * expected(model, dt, rows, groups=True)[..., -1]
        last = levels_of(analysis, table)[-1]
        return [
            Effect(
                f"{group} {level}",
                f"For {group} {level}, the chance of {analysis.outcome} = {last} is",
                "level",
                draws[:, at],
                "%",
            )
            for at, level in enumerate(rows[group].astype(str))
        ]


def levels_of(analysis: Analysis, table: pd.DataFrame) -> list[str]:
    """Return the outcome's levels in their order."""
    return [str(level) for level in table[analysis.outcome].cat.categories]


def superiority(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the chance that a row after the change has a higher level than one before it; ties count half.

    The probability of superiority, after Agresti 2010, Analysis of Ordinal Categorical Data, section 2.1.2.

    Parameters
    ----------
    before, after
        Chances of the levels, shape (draws, rows, levels).

    Returns
    -------
    numpy.ndarray
        Shape (draws,).
    """
    lower = before.cumsum(-1) - before / 2
    return np.asarray((after * lower).sum(-1).mean(1))


class Ordinal(LevelsEntry):
    id = "ordinal"
    title = "Cumulative model of ordered levels"
    summary = "Behind the levels lies one scale; a predictor moves all rows along it, past the same thresholds."
    family = "cumulative"
    link = "logit"
    equation = r"\mathrm{logit}\,\mathrm{P}(y_i \leq k) = \theta_k - \mu_i"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time"})
    outcome = frozenset({"ordered"})
    source = "Bürkner and Vuorre 2019, doi:10.1177/2515245918823199"
    richer: ClassVar[tuple[str, ...]] = ("sequential-ordinal",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    declared: ClassVar[Mapping[str, Callable[..., Any]]] = {"threshold": rising}
    assumptions: ClassVar[tuple[str, ...]] = (
        "The levels have an order, but the steps between them need not be equal.",
        "A predictor moves all rows alike: low levels become rarer and high ones more frequent, or the reverse.",
        "Rows are independent, but for those of one group when groups are given.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A level with very few rows says little about its thresholds.",
        "It cannot tell a predictor that makes both ends more frequent; look at the shares of the levels for that.",
    )
    tutorial = "Never average a rating: the step from bad to fair need not be the step from good to excellent."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("ordered-outcome", f"{facts.outcome} has {facts.values} levels in an order.", 5)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 2)

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """The thresholds take the intercept's place."""
        return [one for one in super().default_priors(analysis, table) if one.term != "Intercept"]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("threshold", Prior("Normal", {"mu": 0.0, "sigma": 1.5}), THRESHOLDS)]

    def priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        found = super().priors(analysis, table)
        other = next((one for one in found if one.name in self.declared and one.prior.dist != "Normal"), None)
        if other is not None:
            raise InvalidAnalysis(
                f"the prior of the thresholds is a {other.prior.dist}, and must be a Normal distribution",
                where="priors",
                remedy='Write it as {"threshold": {"dist": "Normal", "mu": 0, "sigma": 1.5}}.',
            )
        return found

    def of_a_change(
        self, analysis: Analysis, table: pd.DataFrame, step: str, short: str, chances: tuple[np.ndarray, np.ndarray]
    ) -> list[Effect]:
        from dataclasses import replace

        *others, last = super().of_a_change(analysis, table, step, short, chances)
        higher = Effect(
            f"rated higher; {short}",
            f"{step}, the chance that {analysis.outcome} is higher than in a row without that (ties count half) is",
            "level",
            100 * superiority(*chances),
            "%",
        )
        return [last, higher, *(replace(one, headline=False) for one in others)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, arm = rng.normal(10, 3, n), rng.choice(["control", "treated"], n)
        latent = 0.3 * (x - x.mean()) + 1.0 * (arm == "treated") + rng.logistic(size=n)
        level = np.digitize(latent, [-1.0, 0.5, 2.0])
        return Simulation(
            pd.DataFrame({"rating": level + 1, "x": x, "arm": arm}),
            {"rating": "ordered", "x": "continuous", "arm": "binary"},
            {"question": "effect", "outcome": "rating", "predictors": ["x", "arm"]},
            {
                "center(x)": 0.3,
                "arm[treated]": 1.0,
            },
        )


class SequentialOrdinal(Ordinal):
    id = "sequential-ordinal"
    title = "Sequential model of ordered levels"
    summary = "Levels are reached one after the other; at each, a row either stops or goes on."
    family = "sratio"
    equation = r"\mathrm{logit}\,\mathrm{P}(y_i = k \vert y_i \geq k) = \theta_k - \mu_i"
    source = "Tutz 1990, doi:10.1111/j.2044-8317.1990.tb00925.x; Bürkner and Vuorre 2019"
    richer: ClassVar[tuple[str, ...]] = ()
    declared: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    assumptions: ClassVar[tuple[str, ...]] = (
        "A level is reached only through the ones before it, such as stages of school or of an illness.",
        "A predictor changes the odds of going on by the same factor at every level.",
    )
    limits: ClassVar[tuple[str, ...]] = ("Turning the order round gives another model: the first level must be first.",)
    tutorial = "Think of a staircase: at every step some stop, and the others go on."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("ordered-outcome", f"{facts.outcome} has {facts.values} levels in an order.", 4)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 2)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        theta = np.array([-0.8, 0.0, 0.6])
        stops = rng.random((n, 3)) < 1 / (1 + np.exp(-(theta - 0.7 * x[:, None])))
        level = np.where(stops.any(1), stops.argmax(1), 3)
        return Simulation(
            pd.DataFrame({"stage": level + 1, "x": x}),
            {"stage": "ordered", "x": "continuous"},
            {"question": "effect", "outcome": "stage", "predictors": ["x"]},
            {"x": 0.7},
        )


class Categorical(LevelsEntry):
    id = "categorical"
    title = "Choice among several options"
    summary = "Each option has a chance of its own, which a predictor may raise or lower."
    family = "categorical"
    link = "softmax"
    equation = r"y_i \sim \mathrm{Categorical}(\mathrm{softmax}(\mu_i))"
    questions = frozenset({"compare-two", "effect"})
    outcome = frozenset({"category"})
    source = "Agresti 2013, Categorical Data Analysis, ch. 8; McElreath, Statistical Rethinking 2e, section 11.3"
    assumptions: ClassVar[tuple[str, ...]] = (
        "The options have no order, and each row has exactly one of them.",
        "Taking one option away would not change how the others compare.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "With several options and predictors there are many coefficients: an option needs some 10 rows for each.",
    )
    tutorial = "Every option starts with a score; the chances are the scores' shares after taking exponentials."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("category-outcome", f"{facts.outcome} has {facts.values} options without an order.", 5)
        fewest = int(facts.table[facts.outcome].value_counts().min())
        if fewest < 10:
            yield Reason("rare-option", f"One option was chosen in {fewest} rows only, which says little of it.", -1)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        scores = np.column_stack([np.zeros(n), -0.3 + 0.8 * x, -0.5 - 0.6 * x])
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        choice = (rng.random(n)[:, None] > chances.cumsum(1)).sum(1)
        return Simulation(
            pd.DataFrame({"choice": np.array(["bus", "car", "walk"])[choice], "x": x}),
            {"choice": "category", "x": "continuous"},
            {"question": "effect", "outcome": "choice", "predictors": ["x"]},
            {"x[car]": 0.8, "x[walk]": -0.6},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Ordinal, SequentialOrdinal, Categorical)
