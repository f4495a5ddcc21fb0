"""Repeated measures and nested data: intercepts, or intercepts and slopes, that vary between groups."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, outcome_unit, samples, spreads, target_words
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
from modelcompose.catalog.priors import AUTOSCALE, GROUP, Prior, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

FEW = 3
SLOPE_ROWS = 3


class VaryingIntercepts(MeasuredEntry):
    id = "varying-intercepts"
    title = "Varying intercepts"
    summary = "Every group has a level of its own; the effect of a predictor is the same for all."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    questions = frozenset({"effect", "change-over-time"})
    source = "Gelman and Hill 2007, ch. 12"
    richer: ClassVar[tuple[str, ...]] = ("varying-slopes",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "The levels of the groups scatter around their average like a bell curve.",
        "A predictor has the same effect in every group.",
        "Within a group, values scatter equally widely around the line.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Where the effect differs between groups, it is too sure of the average effect.",
        "With fewer than five groups, how much they differ is mostly assumed.",
    )
    tutorial = "Every group has its own line; the lines are parallel, and groups with few rows lean on the others."
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
        return super().effects(analysis, table, model, dt) + spreads(dt, unit=outcome_unit(analysis, table))

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
    richer: ClassVar[tuple[str, ...]] = ("correlated-slopes",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "The levels and the effects of the groups scatter around their averages like bell curves.",
        "A group's level says nothing about its effect.",
        "Within a group, values scatter equally widely around the line.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It takes level and effect as unrelated, which matters most for groups with few rows.",
        "With fewer than five groups, how much they differ is mostly assumed.",
    )
    tutorial = "Every group has its own line with its own steepness; the average line is what is asked for."

    def unfit(self, facts: Facts) -> Rejection | None:
        if not facts.predictors:
            return Rejection("no-predictor", f"{self.title} needs a predictor whose effect may vary.")
        if facts.groups and not facts.slope:
            return Rejection(
                "constant-within-groups",
                f"{', '.join(facts.predictors)} hardly changes within a {facts.groups[0]}; no effect can vary there.",
            )
        if facts.groups and facts.rows_per_group < SLOPE_ROWS:
            return Rejection(
                "two-rows-each",
                f"Each {facts.groups[0]} has {facts.rows_per_group:g} rows; with fewer than {SLOPE_ROWS} a slope of "
                "its own cannot be told from noise.",
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


class CorrelatedSlopes(WrittenEntry):
    id = "correlated-slopes"
    title = "Varying intercepts and slopes that go together"
    summary = "Every group has a level and an effect of its own, and the one may tell of the other."
    equation = (
        r"y_i \sim \mathrm{Normal}(\mu_i, \sigma),\quad \mu_i = \alpha + u_{g[i]} + \beta x_i + v_{g[i]} x_i,\quad "
        r"(u_g, v_g) \sim \mathrm{Normal}(0, \mathrm{LKJ})"
    )
    questions = frozenset({"effect", "change-over-time"})
    outcome = frozenset({"continuous", "positive", "amount", "duration"})
    source = (
        "McElreath 2020, Statistical Rethinking 2e, ch. 14; Lewandowski et al. 2009, doi:10.1016/j.jmva.2009.04.008"
    )
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1, "groups": 1}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "The levels and the effects of the groups scatter around their averages like bell curves.",
        "How level and effect go together is the same among all groups.",
        "Within a group, values scatter equally widely around the line.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "With fewer than some twenty groups, the correlation is hardly known.",
        "One column of groups, and one predictor whose effect varies.",
    )
    tutorial = "Do those who begin high also rise faster? The correlation says so, and helps groups with few rows."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str], groups: list[str], noncentered: bool
    ) -> Any:
        import pandas as pd
        import pymc as pm

        columns = pd.get_dummies(table[predictors], drop_first=True, dtype=float)
        x = columns.to_numpy(float) - columns.mean().to_numpy()  # centred, so that levels are those of a typical row
        scale = columns.std().to_numpy()
        changes = table.groupby(groups[0], observed=True)[predictors].nunique().median() >= 2
        varying = next(at for at, name in enumerate(columns) if changes.get(name, False))  # differs between groups
        group = table[groups[0]].astype("category")
        coords = {"row": np.arange(len(table)), "column": list(columns.columns), "group": list(group.cat.categories)}
        with pm.Model(coords=coords) as model:
            intercept = prior("Intercept")
            effect = prior("effect_per_sd", dims="column")
            slopes = pm.Deterministic("slope", effect / scale, dims="column")
            level_sd = prior("level_sd")
            slope_sd = prior("slope_sd")
            lower = pm.LKJCorr("lower_raw", n=2, eta=2)  # the Cholesky factor of the correlations
            pm.Deterministic("correlation", lower[1, 0])
            if noncentered and group.value_counts().median() < 5:  # suits groups with few rows
                z = pm.Normal("z_raw", 0, 1, shape=(2, group.cat.categories.size))
                own_level, own_slope = level_sd * z[0], slope_sd * pm.math.dot(lower, z)[1]
                levels, steepness = intercept + own_level, slopes[varying] + own_slope
            else:
                levels = pm.Normal("level_raw", intercept, level_sd, dims="group")
                along = slope_sd * lower[1, 0] * (levels - intercept) / level_sd
                steepness = pm.Normal("slope_raw", slopes[varying] + along, slope_sd * lower[1, 1], dims="group")
            member = group.cat.codes.to_numpy()
            fixed = pm.math.dot(np.delete(x, varying, axis=1), slopes[np.delete(np.arange(x.shape[1]), varying)])
            own = levels[member] + steepness[member] * x[:, varying]
            mu = pm.Deterministic("mu", fixed + own, dims="row")
            pm.Normal(outcome, mu, prior("sigma"), observed=table[outcome].to_numpy(float), dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y, widen = table[analysis.outcome].to_numpy(float), analysis.prior_scale
        sd = float(y.std(ddof=1))
        column_sd = float(table[slope_of(analysis, table)].astype(float).std())
        per_sd = Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * sd)})
        level = Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * sd)})
        return [
            TermPrior("Intercept", level, AUTOSCALE),
            TermPrior("effect_per_sd", per_sd, AUTOSCALE),
            TermPrior("level_sd", Prior("HalfNormal", {"sigma": rounded(widen * sd)}), GROUP),
            TermPrior("slope_sd", Prior("HalfNormal", {"sigma": rounded(widen * sd / column_sd)}), GROUP),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(sd)}), AUTOSCALE),
        ]

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.groups) > 1:
            return Rejection("one-group", f"{self.title} takes one column of groups; {len(facts.groups)} were given.")
        if facts.table[facts.slope].dtype.kind not in "iuf" if facts.slope else True:
            return Rejection(
                "constant-within-groups",
                f"No numeric predictor changes within a {facts.groups[0]}; no effect can vary there.",
            )
        if facts.n_groups < MANY or facts.rows_per_group < FEW:
            return Rejection(
                "too-few-groups",
                f"{facts.groups[0]} has {facts.n_groups} groups with a median of {facts.rows_per_group:g} rows; "
                f"{self.title} needs at least {MANY} groups with {FEW} rows to see how level and effect go together.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "repeated-rows",
            f"Each {facts.groups[0]} has a median of {facts.rows_per_group:g} rows, which belong together.",
            2,
        )
        yield Reason(
            "level-and-slope",
            f"With {facts.n_groups} groups, it can be seen whether a high level goes with a strong effect of "
            f"{facts.slope}.",
            1,
        )

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        group, slope = analysis.groups[0], slope_of(analysis, table)
        together = f"The correlation of the level of a {group} with its effect of {slope} is"
        lead, varies = f"From one {group} to another,", "varies with a standard deviation of"
        unit = outcome_unit(analysis, table)
        return [
            *_slopes(analysis, table, dt),
            Effect(f"spread of levels between {group}", f"{lead} their level {varies}", "spread",
                   samples(dt, "level_sd"), unit, headline=False),
            Effect(f"spread of {slope} between {group}", f"{lead} the effect of {slope} {varies}", "spread",
                   samples(dt, "slope_sd"), unit, headline=False),
            Effect("correlation of level and effect", together, "effect", samples(dt, "correlation"), headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        people, times = max(n // 8, 12), 8
        person, day = np.repeat(np.arange(people), times), np.tile(np.arange(times), people)
        z = rng.standard_normal((2, people))
        level, slope = 100 + 15 * z[0], 4 + 3 * (0.5 * z[0] + np.sqrt(0.75) * z[1])
        y = level[person] + slope[person] * (day - day.mean()) + 8 * rng.standard_normal(len(day))
        return Simulation(
            pd.DataFrame({"y": y, "day": day, "person": np.char.add("p", person.astype(str))}),
            {"y": "continuous", "day": "count", "person": "group"},
            {"question": "change-over-time", "outcome": "y", "predictors": ["day"], "groups": ["person"]},
            {
                "Intercept": 100.0,
                "slope[day]": 4.0,
                "sigma": 8.0,
                "level_sd": 15.0,
                "slope_sd": 3.0,
                "correlation": 0.5,
            },
        )


def _slopes(analysis: Analysis, table: pd.DataFrame, dt: Any) -> list[Effect]:
    """Say each effect of a written straight-line model; ``slope`` has the dimension ``column``."""
    names = list(dt["posterior"]["slope"].coords["column"].values.astype(str))
    draws = dict(zip(names, samples(dt, "slope").T, strict=True))
    target, unit = target_words(analysis, table), outcome_unit(analysis, table)
    found = []
    for name in analysis.predictors:
        if name in draws:
            step = f"{name} higher by 1 {analysis.units.get(name, '')}".rstrip()
            found.append(Effect(f"{name}, per 1", f"With {step}, {target} is", "difference", draws[name], unit))
            continue
        first, *levels = table[name].cat.categories
        found += [
            Effect(
                f"{name}: {level} against {first}",
                f"With {name} {level} instead of {first}, {target} is",
                "difference",
                draws[f"{name}_{level}"],
                unit,
            )
            for level in levels
        ]
    return found


MANY = 5

ENTRIES: tuple[type[ModelEntry], ...] = (VaryingIntercepts, VaryingSlopes, CorrelatedSlopes)
