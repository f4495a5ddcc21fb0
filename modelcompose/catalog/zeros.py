"""Outcomes with more zeros than their neighbours would lead to expect.

Bambi's ``psi`` is the chance of the part that counts: for zero-inflated models that a row can have events at all, for
hurdle models that it has any.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.counts import OVERDISPERSED, NegativeBinomial, Poisson
from modelcompose.catalog.effects import ROWS, SCALES, Effect, contrasts, samples, spreads
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation, quoted, right_side, term
from modelcompose.catalog.facts import Facts, skewness
from modelcompose.catalog.priors import Prior, Scale, TermPrior, rounded
from modelcompose.catalog.shares import logit_scale, quick_design, quick_shares, with_source
from modelcompose.catalog.values import over_corrected, shape_prior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

SURPLUS = 0.05
"""Share of zeros, beyond what a fitted negative binomial gives, from which on they may have a cause of their own."""
CLEAR = 10.0
"""Difference of AIC from which on the poorer model has next to no support (Burnham and Anderson 2002, section 2.6)."""
MATERIAL = 0.02
"""Further difference of AIC that is asked of each row, so that a large table does not make trifles count."""
DEPENDS = 6.0
"""Gain in deviance for each column from which on it is said to bear on the chance of anything: z of about 2.4."""
PSI = TermPrior("psi", Prior("Beta", {"alpha": 2.0, "beta": 2.0}), "as in Bambi: nearly flat, hardly ever 0 or 1")
ANY = "chance of anything at all"


@dataclass(frozen=True)
class _Zeros:
    """How many zeros there are, and how many a negative binomial with the same predictors would give.

    It is fitted in two steps, the means as a Poisson regression, then the shape by maximum likelihood; the limit of a
    large shape is the Poisson model itself (Hilbe 2011, Negative Binomial Regression 2e, ch. 8).
    """

    facts: Facts

    @cached_property
    def _y(self) -> np.ndarray:
        return self.facts.table[self.facts.outcome].to_numpy(float)

    @cached_property
    def _exposure(self) -> np.ndarray:
        name = self.facts.exposure
        return self.facts.table[name].to_numpy(float) if name else np.ones(self.facts.n)

    @property
    def observed(self) -> float:
        return self.facts.zeros

    @cached_property
    def expected(self) -> float:
        from scipy.optimize import minimize_scalar
        from scipy.stats import nbinom

        mean = _quick_means(quick_design(self.facts), self._y, self._exposure)

        def surprise(log_shape: float) -> float:
            shape = np.exp(log_shape)
            return -float(nbinom.logpmf(self._y, shape, shape / (shape + mean)).sum())

        shape = np.exp(minimize_scalar(surprise, bounds=(-5, 8), method="bounded").x)
        return float(np.mean((1 + mean / shape) ** -shape))

    @property
    def surplus(self) -> float:
        return self.observed - self.expected

    @cached_property
    def gain(self) -> float:
        """By how much AIC falls when zeros may have a cause of their own, against the negative binomial.

        Either some rows cannot have events (the same share everywhere), or the predictors say whether there are any
        and how many there are then; the better of the two counts. The share of zeros alone does not show it, since a
        negative binomial makes room for more zeros by more scatter.
        """
        design, y, exposure = quick_design(self.facts), self._y, self._exposure
        start = np.linalg.lstsq(design, np.log(_quick_means(design, y, exposure) / exposure))[0]
        columns = design.shape[1]
        plain = _least(lambda at: _surprise(at, design, y, exposure), np.r_[start, 0.0])
        inflated = _least(lambda at: _inflated(at, design, y, exposure), np.r_[start, 0.0, 1.0])
        some = y > 0
        shares = quick_shares(design, some.astype(float), np.ones(len(y)))
        any_at_all = -float(np.sum(np.log(np.where(some, shares, 1 - shares))))
        truncated = _least(lambda at: _truncated(at, design[some], y[some], exposure[some]), np.r_[start, 0.0])
        best = min(2 * (inflated + columns + 2), 2 * (any_at_all + truncated + 2 * columns + 1))
        return float(2 * (plain + columns + 1) - best)

    @property
    def is_better(self) -> bool:
        """Whether the gain is clear, and not only since very many rows make any difference clear."""
        return self.gain > CLEAR + MATERIAL * self.facts.n

    @cached_property
    def positive_dispersion(self) -> float:
        """Pearson's statistic over its degrees of freedom among the rows with events."""
        some = self._y > 0
        design, y = quick_design(self.facts)[some], self._y[some]
        mean = _quick_means(design, y, self._exposure[some])
        return float(np.sum((y - mean) ** 2 / mean) / max(some.sum() - np.linalg.matrix_rank(design), 1))

    @cached_property
    def explained(self) -> float:
        """Gain in deviance for each column of a logistic fit of whether there is anything."""
        design, some = quick_design(self.facts), (self._y > 0).astype(float)
        if design.shape[1] == 1:
            return 0.0
        fits = [quick_shares(columns, some, np.ones(len(some))) for columns in (design[:, :1], design)]
        surprises = [-2 * float(np.sum(np.log(np.where(some > 0, fit, 1 - fit)))) for fit in fits]
        return float((surprises[0] - surprises[1]) / (design.shape[1] - 1))

    def sentence(self) -> str:
        better = f"; a cause of their own improves the fit (AIC lower by {self.gain:.0f})" if self.is_better else ""
        return (
            f"{self.observed:.0%} of {self.facts.outcome} are zero; a fitted negative binomial model, whose scatter is "
            f"its own, would give {self.expected:.0%}{better}."
        )


def _least(surprise: Callable[[np.ndarray], float], start: np.ndarray) -> float:
    """Return the smallest value of a negative log-likelihood."""
    from scipy.optimize import minimize

    return float(minimize(surprise, start, method="BFGS", options={"maxiter": 60}).fun)


def _log_density(
    at: np.ndarray, design: np.ndarray, y: np.ndarray, exposure: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log densities of the counts and of zero, negative binomial; ``at`` ends with the log of the shape."""
    from scipy.special import gammaln

    shape = np.exp(np.clip(at[-1], -6, 8))
    mean = exposure * np.exp(np.clip(design @ at[:-1], -30, 30))
    zero = shape * np.log(shape / (shape + mean))
    some = gammaln(y + shape) - gammaln(shape) - gammaln(y + 1) + zero + y * np.log(mean / (shape + mean))
    return some, zero


def _surprise(at: np.ndarray, design: np.ndarray, y: np.ndarray, exposure: np.ndarray) -> float:
    return -float(_log_density(at, design, y, exposure)[0].sum())


def _inflated(at: np.ndarray, design: np.ndarray, y: np.ndarray, exposure: np.ndarray) -> float:
    can = 1 / (1 + np.exp(-np.clip(at[-1], -8, 8)))
    some, _ = _log_density(at[:-1], design, y, exposure)
    return -float(np.sum(np.where(y > 0, np.log(can) + some, np.log(1 - can + can * np.exp(some)))))


def _truncated(at: np.ndarray, design: np.ndarray, y: np.ndarray, exposure: np.ndarray) -> float:
    some, zero = _log_density(at, design, y, exposure)
    return -float(np.sum(some - np.log1p(-np.exp(np.minimum(zero, -1e-9)))))


def _quick_means(design: np.ndarray, y: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Fit a Poisson regression by iteratively reweighted least squares, with a touch of ridge."""
    ridge = 1e-3 * np.eye(design.shape[1])
    slopes = np.zeros(design.shape[1])
    slopes[0] = np.log(max(y.sum(), 0.5) / exposure.sum())
    for _ in range(25):
        mean = exposure * np.exp(np.clip(design @ slopes, -30, 30))
        weighted = design.T @ (design * np.maximum(mean, 1e-9)[:, None])
        step = np.linalg.solve(weighted + ridge, design.T @ (y - mean) - ridge @ slopes)
        slopes = slopes + np.clip(step, -2, 2)
    return np.asarray(exposure * np.exp(np.clip(design @ slopes, -30, 30)))


def _means(model: Any, dt: Any, rows: pd.DataFrame, *, groups: bool = False) -> dict[str, np.ndarray]:
    """Predict every parameter of the outcome's distribution for rows.

    Returns
    -------
    By parameter, shape (chains × draws, rows), or (chains × draws, 1) for what is the same in every row.
    """
    from xarray import DataTree

    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    predicted = model.predict(light, kind="response_params", data=rows, inplace=False, include_group_specific=groups)
    found = {name: samples(predicted, name) for name in model.parameters}
    return {name: draws if draws.ndim == 2 else draws[:, None] for name, draws in found.items()}


class ZeroInflatedPoisson(Poisson):
    id = "zero-inflated-poisson"
    title = "Zero-inflated Poisson regression"
    summary = "A rate of events for those rows that can have any; the others are always zero."
    family = "zero_inflated_poisson"
    equation = r"y_i \sim \psi \cdot \mathrm{Poisson}(e^{\mu_i}) + (1 - \psi) \cdot 0"
    source = "Lambert 1992, doi:10.2307/1269547"
    richer: ClassVar[tuple[str, ...]] = ("zero-inflated-negative-binomial",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "Some rows cannot have events at all; the share of these is the same whatever the predictors.",
        "In the others events happen at a constant rate, so that the variance equals the mean.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Which zeros come from rows that could not have events is not known, only how many.",
        "Where the rate is low, zeros of both kinds look the same, and their shares stay uncertain.",
    )
    tutorial = "Of the anglers who caught nothing, some did not fish."

    def unfit(self, facts: Facts) -> Rejection | None:
        return _no_surplus(facts, self.title)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._count(facts)
        zeros = _Zeros(facts)
        yield Reason("many-zeros", zeros.sentence(), 3)
        if zeros.positive_dispersion <= OVERDISPERSED:
            yield Reason("variance-near-mean", _positive_scatter(zeros), 2)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [PSI]

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        """The rate of the rows with events."""
        return super().scale(analysis, table[table[analysis.outcome] > 0])

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        share = samples(dt, "psi")
        found = [
            replace(one, draws=one.draws * share) if one.kind == "level" else one
            for one in super().effects(analysis, table, model, dt)
        ]
        lead = f"The share of rows that can have {analysis.outcome} at all is"
        return [*found, Effect("rows that can have any", lead, "level", 100 * share, "%", headline=False)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        found = super().simulate(rng, n)
        can = rng.random(len(found.table)) < CAN
        table = found.table.assign(y=np.where(can, found.table["y"], 0))
        return replace(found, table=table, truth={**found.truth, "psi": CAN})

    _level: ClassVar[float] = 1.5


CAN = 0.7


def _no_surplus(facts: Facts, title: str) -> Rejection | None:
    if facts.lowest is None or facts.lowest < 0 or not facts.zeros or facts.highest == 0:
        return Rejection("no-zeros", f"{title} is for counts with many zeros; {facts.outcome} has {facts.zeros:.0%}.")
    zeros = _Zeros(facts)
    if zeros.surplus <= SURPLUS and not zeros.is_better:
        return Rejection(
            "zeros-as-expected",
            f"{zeros.sentence()} {title} is for a surplus above {SURPLUS:.0%}, or a clearly better fit.",
        )
    return None


def _positive_scatter(zeros: _Zeros) -> str:
    return f"Among the rows with any, the variance is {zeros.positive_dispersion:.1f} times the mean."


class ZeroInflatedNegativeBinomial(ZeroInflatedPoisson, NegativeBinomial):
    id = "zero-inflated-negative-binomial"
    title = "Zero-inflated negative binomial regression"
    summary = "Counts that vary more than a Poisson model allows, in rows that can have any; others are always zero."
    family = "zero_inflated_negativebinomial"
    equation = r"y_i \sim \psi \cdot \mathrm{NegativeBinomial}(e^{\mu_i}, \alpha) + (1 - \psi) \cdot 0"
    source = "Greene 1994, NYU working paper EC-94-10"
    richer: ClassVar[tuple[str, ...]] = ("hurdle-negative-binomial",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "Some rows cannot have events at all; the share of these is the same whatever the predictors.",
        "In the others events happen at rates that differ from row to row.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    tutorial = "Zeros can come from rows that never have events, or from rows in which events are rare."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._count(facts)
        zeros = _Zeros(facts)
        yield Reason("many-zeros", zeros.sentence(), 3)
        if zeros.positive_dispersion > OVERDISPERSED:
            yield Reason("overdispersed", _positive_scatter(zeros), 2)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [*NegativeBinomial.auxiliary(self, analysis, table), PSI]

    def _draw(self, rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
        return rng.poisson(rate * rng.gamma(SHAPE, 1 / SHAPE, len(rate)))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        found = super().simulate(rng, n)
        return replace(found, truth={**found.truth, "alpha": SHAPE})


SHAPE = 5.0


# -- two parts: whether there is anything, and how much ------------------------------------------------------------


class _TwoParts(ModelEntry):
    """A hurdle: one part for whether there is anything, one for how much, both with the same predictors."""

    questions = frozenset({"typical", "compare-two", "compare-many", "effect", "change-over-time"})
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> list[str]:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        right = right_side(terms)
        return [f"{quoted(analysis.outcome)} ~ {right}", f"psi ~ {right}"]

    def part_scale(self, part: str, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return logit_scale(float((table[analysis.outcome] > 0).mean()))

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return with_source(super().default_priors(analysis, table))

    @abstractmethod
    def size(self, means: dict[str, np.ndarray]) -> np.ndarray:
        """Return the average size, given that there is something."""

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        parts = _Parts(analysis, model, dt, self.size)
        rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=0)
        found = [
            one
            for name in analysis.predictors
            for change in contrasts(name, rows, analysis)
            for one in parts.comparison(*change)
        ]
        if analysis.question == "compare-many":
            found += parts.groups(table)
        return [*found, *parts.levels(rows, headline=not found), *_spreads(dt)]


def _spreads(dt: Any) -> Iterator[Effect]:
    """Say how much groups differ in both parts."""
    for one in spreads(dt, link="log"):
        before, chance, group = one.name.partition(f"{PSI.term}_1 between ")
        lead = f"From one {group} to another, the chance of anything at all varies with a standard deviation of"
        said = replace(one, name=f"{before}chances between {group}", lead=lead, unit=SCALES["logit"])
        yield said if chance else one


@dataclass(frozen=True)
class _Parts:
    """The three answers of a model of two parts: overall, whether there is anything, and how much."""

    analysis: Analysis
    model: Any
    dt: Any
    size: Callable[[dict[str, np.ndarray]], np.ndarray]

    def of(self, rows: pd.DataFrame, *, groups: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return overall average, chance of anything and size, each of shape (chains × draws, rows)."""
        means = _means(self.model, self.dt, rows, groups=groups)
        size = self.size(means)
        overall = means["psi"] * size
        return overall, np.broadcast_to(means["psi"], overall.shape), np.broadcast_to(size, overall.shape)

    def comparison(self, step: str, short: str, low: pd.DataFrame, high: pd.DataFrame) -> Iterator[Effect]:
        before, after = ([one.mean(1) for one in self.of(rows)] for rows in (low, high))
        name = self.analysis.outcome
        lead = f"{step}, the average of {name} with the zeros is multiplied by"
        yield Effect(f"{short} (factor)", lead, "ratio", after[0] / before[0])
        lead = f"{step}, the chance that {name} is above zero is"
        chance = 100 * (after[1] - before[1])
        yield Effect(f"{short}, {ANY}", lead, "difference", chance, "percentage points", headline=False)
        lead = f"{step}, where {name} is above zero, its average is multiplied by"
        yield Effect(f"{short}, size (factor)", lead, "ratio", after[2] / before[2], headline=False)

    def levels(self, rows: pd.DataFrame, *, headline: bool) -> Iterator[Effect]:
        overall, chance, size = (one.mean(1) for one in self.of(rows))
        name, unit = self.analysis.outcome, self.analysis.units.get(self.analysis.outcome, "")
        lead = f"Over all rows, zeros included, the average of {name} is"
        yield Effect(f"average {name}", lead, "level", overall, unit, headline=headline)
        lead = f"The chance that {name} is above zero is"
        yield Effect(ANY, lead, "level", 100 * chance, "%", headline=False)
        lead = f"Where {name} is above zero, its average is"
        yield Effect(f"size of {name}", lead, "level", size, unit, headline=False)

    def groups(self, table: pd.DataFrame) -> list[Effect]:
        group = self.analysis.groups[0]
        rows = table.drop_duplicates(group).sort_values(group)
        overall = self.of(rows, groups=True)[0]
        unit = self.analysis.units.get(self.analysis.outcome, "")
        return [
            Effect(f"{group} {level}", f"For {group} {level}, the average of {self.analysis.outcome} with the zeros is",
                   "level", overall[:, at], unit)
            for at, level in enumerate(rows[group].astype(str))
        ]  # fmt: skip


class HurdleNegativeBinomial(_TwoParts):
    id = "hurdle-negative-binomial"
    title = "Hurdle negative binomial regression"
    summary = "Whether there are any events, and how many there are if so: two parts, each with the same predictors."
    family = "hurdle_negativebinomial"
    link = "log"
    equation = r"P(y_i > 0) = \psi_i,\quad y_i \vert y_i > 0 \sim \mathrm{NegativeBinomial}(e^{\mu_i}, \alpha)"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time", "rate"})
    outcome = frozenset({"count"})
    source = "Mullahy 1986, doi:10.1016/0304-4076(86)90002-3"
    assumptions: ClassVar[tuple[str, ...]] = (
        "Whether there is anything at all, and how much there is then, are two matters, each with its own effects.",
        "Where there is something, counts vary more than a Poisson model allows.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It has twice as many effects to learn, and needs rows with and without events for each.",
    )
    tutorial = "First somebody decides to come, then how often: the two decisions may have different reasons."

    def unfit(self, facts: Facts) -> Rejection | None:
        return _no_surplus(facts, self.title)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("count-outcome", f"{facts.outcome} is a count.", 3)
        zeros = _Zeros(facts)
        yield Reason("many-zeros", zeros.sentence(), 2)
        if zeros.explained > DEPENDS:
            said = f"Whether there is any {facts.outcome} goes together with {' and '.join(facts.predictors)}."
            yield Reason("zeros-explained", said, 2)
        if zeros.positive_dispersion > OVERDISPERSED:
            yield Reason("overdispersed", _positive_scatter(zeros), 2)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 1)

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("log", float(np.log(_positive(table, analysis).mean())), 1.0)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("alpha", Prior("HalfCauchy", {"beta": 1.0}), "Bambi's default for the shape")]

    def size(self, means: dict[str, np.ndarray]) -> np.ndarray:
        mu, alpha = means["mu"], means["alpha"]
        return np.asarray(mu / (1 - (1 + mu / alpha) ** -alpha))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        rate = np.exp(2.2 + 0.3 * x) * rng.gamma(SHAPE, 1 / SHAPE, n)
        some = rng.random(n) < 1 / (1 + np.exp(-(0.4 + 0.5 * x)))
        y = np.where(some, _above_zero(rng, rate), 0)
        return Simulation(
            pd.DataFrame({"y": y, "x": x}),
            {"y": "count", "x": "continuous"},
            {"question": "effect", "outcome": "y", "predictors": ["x"]},
            {"Intercept": 2.2, "x": 0.3, "psi_Intercept": 0.4, "psi_x": 0.5, "alpha": SHAPE},
        )


def _above_zero(rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
    """Draw Poisson numbers given that they are not zero, by the inverse of their distribution function."""
    from scipy.stats import poisson

    lowest = np.exp(-rate)
    return np.asarray(poisson.ppf(lowest + rng.random(len(rate)) * (1 - lowest), rate))


def _positive(table: pd.DataFrame, analysis: Analysis) -> np.ndarray:
    y = table[analysis.outcome].to_numpy(float)
    return np.asarray(y[y > 0])


class HurdleGamma(_TwoParts):
    id = "hurdle-gamma"
    title = "Hurdle gamma regression"
    summary = "Whether there is anything, and how large it is if so; sizes scatter in proportion to their average."
    family = "hurdle_gamma"
    link = "log"
    equation = r"P(y_i > 0) = \psi_i,\quad y_i \vert y_i > 0 \sim \mathrm{Gamma}(e^{\mu_i}, \alpha)"
    outcome = frozenset({"amount"})
    source = "Duan et al. 1983, doi:10.1080/07350015.1983.10509330"
    richer: ClassVar[tuple[str, ...]] = ("hurdle-lognormal",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "Whether there is anything at all, and how large it is then, are two matters, each with its own effects.",
        "Sizes are above zero, and their scatter grows in proportion to their average.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It has twice as many effects to learn, and needs rows with and without an amount for each.",
        "Very large single amounts are rarer in it than in its lognormal sister.",
    )
    tutorial = "Rain: first the chance of a wet day, then how much falls on one."
    _gamma: ClassVar[bool] = True

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.lowest is None or facts.lowest < 0:
            return Rejection("below-zero", f"{facts.outcome} goes down to {facts.lowest}; {self.title} needs no less "
                             "than zero.")  # fmt: skip
        if not facts.zeros or facts.highest == 0:
            return Rejection("no-zeros", f"{facts.zeros:.0%} of {facts.outcome} are zero; {self.title} needs some.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        y = _positive(facts.table, facts.analysis)
        many = 5 if facts.zeros >= SURPLUS else 1
        yield Reason("zeros-and-amounts", f"{facts.zeros:.0%} of {facts.outcome} are exactly zero, none below.", many)
        tail = skewness(np.log(y)) if len(y) > 2 else 0.0
        said = f"Amounts above zero have a skewness of {skewness(y):.1f}, their logarithms one of {tail:.1f}."
        yield Reason("shape-of-amounts", said, 2 if over_corrected(tail) == self._gamma else 0.5)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 0.5)

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("log", float(np.log(_positive(table, analysis).mean())), 1.0)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [shape_prior(_positive(table, analysis))]

    def size(self, means: dict[str, np.ndarray]) -> np.ndarray:
        return means["mu"]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        some = rng.random(n) < 1 / (1 + np.exp(-(0.6 + 0.5 * x)))
        return Simulation(
            pd.DataFrame({"y": np.where(some, self._sizes(rng, 1.5 + 0.3 * x), 0.0), "x": x}),
            {"y": "amount", "x": "continuous"},
            {"question": "effect", "outcome": "y", "predictors": ["x"]},
            {"Intercept": 1.5, "x": 0.3, "psi_Intercept": 0.6, "psi_x": 0.5, **self._truth},
        )

    _truth: ClassVar[dict[str, float]] = {"alpha": 2.0}

    def _sizes(self, rng: np.random.Generator, predictor: np.ndarray) -> np.ndarray:
        return rng.gamma(2.0, np.exp(predictor) / 2.0)


class HurdleLognormal(HurdleGamma):
    id = "hurdle-lognormal"
    title = "Hurdle lognormal regression"
    summary = "Whether there is anything, and how large it is if so; sizes are so lopsided that logarithms suit them."
    family = "hurdle_lognormal"
    link = "identity"
    equation = r"P(y_i > 0) = \psi_i,\quad y_i \vert y_i > 0 \sim \mathrm{LogNormal}(\mu_i, \sigma)"
    richer: ClassVar[tuple[str, ...]] = ("hurdle-gamma",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "Whether there is anything at all, and how large it is then, are two matters, each with its own effects.",
        "Sizes are above zero, and their logarithms scatter like a bell curve.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It has twice as many effects to learn, and needs rows with and without an amount for each.",
        "The average hangs on the few largest amounts.",
    )
    tutorial = "Spending: first whether somebody buys, then for how much; a few buy for very much."
    _gamma: ClassVar[bool] = False

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        logarithm = np.log(_positive(table, analysis))
        return Scale("logarithm", float(logarithm.mean()), float(logarithm.std()))

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        prior = Prior("HalfNormal", {"sigma": rounded(float(np.log(_positive(table, analysis)).std()))})
        return [TermPrior("sigma", prior, "half-normal as in Bambi, on the scale of the amounts' logarithm")]

    def size(self, means: dict[str, np.ndarray]) -> np.ndarray:
        return np.asarray(np.exp(means["mu"] + means["sigma"] ** 2 / 2))

    _truth: ClassVar[dict[str, float]] = {"sigma": 0.8}

    def _sizes(self, rng: np.random.Generator, predictor: np.ndarray) -> np.ndarray:
        return np.exp(predictor + 0.8 * rng.standard_normal(len(predictor)))


ENTRIES: tuple[type[ModelEntry], ...] = (
    ZeroInflatedPoisson,
    ZeroInflatedNegativeBinomial,
    HurdleNegativeBinomial,
    HurdleGamma,
    HurdleLognormal,
)
