"""Waiting times, also those that had not ended when they were recorded.

Each model says how long a typical row waits, its median, and how predictors stretch or shorten all waits by a factor
(accelerated failure time; Kalbfleisch and Prentice 2002, The Statistical Analysis of Failure Time Data, ch. 3). A wait
that had not ended says only that it is longer than what was recorded.
"""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="var-annotated"

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, Scale, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

LOG_TIME = "one unit of the logarithm around the median that a constant rate would give; checked by prior prediction"
FACTORS = "for each standard deviation of a number and each level: factors of 0.4 to 2.7 in 95%; McElreath 2e, ch. 11"
SHAPE = "chances of ending that fall, stay or rise; Gamma(2, 1) without the shapes near 0 that give absurd waits"
SPREAD = "half-normal, half as wide again as the spread of the logarithm of the times; checked by prior prediction"
FRAILTY = "groups that wait up to some 3 times as long as others; Exponential and half-normal: McElreath 2e, ch. 13"
LEAST_EVENTS = 10
SYMMETRIC = 0.5
TAKEN = frozenset({"Intercept", "slope", "shape", "sigma", "between_groups", "frailty", "group", "row", "term"})


def happened(analysis: Analysis, table: pd.DataFrame) -> np.ndarray:
    """Tell which waits had ended, shape (rows,): the last of two levels, or 1; all of them without such a column."""
    if not analysis.event:
        return np.ones(len(table), dtype=bool)
    column = table[analysis.event]
    return np.asarray(column.astype("category").cat.codes == 1)


class Survival(WrittenEntry):
    """An entry for waiting times; a kind of distribution is a subclass."""

    questions = frozenset({"survival"})
    outcome = frozenset({"duration", "positive", "amount", "count", "continuous"})
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "event"})
    parts: ClassVar[frozenset[str]] = TAKEN
    assumptions: ClassVar[tuple[str, ...]] = (
        "Waits that had not ended go on like the others of the same kind: nobody was lost because the end was near.",
        "A predictor stretches or shortens all waits by the same factor.",
        "In the end it happens to everyone.",
    )

    # -- when it fits ------------------------------------------------------------------------------------------

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.lowest is None or not facts.lowest > 0:
            return Rejection(
                "times-positive", f"A waiting time in {facts.outcome} is zero or less; each must be above zero."
            )
        if not happened(facts.analysis, facts.table).any():
            return Rejection(
                "one-event", f"According to {facts.analysis.event}, no wait had ended; at least one must have."
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        ended = int(happened(facts.analysis, facts.table).sum())
        counted = f"{ended} of {facts.n} had ended" if facts.analysis.event else "all count as ended"
        yield Reason("waiting-time", f"{facts.outcome} is a waiting time; {counted}.", 5)
        if ended < LEAST_EVENTS:
            yield Reason("few-events", f"With {ended} ends, the priors decide much of the answer.", -0.5)
        yield from self.suits(facts, ended)

    @abstractmethod
    def suits(self, facts: Facts, ended: int) -> Iterator[Reason]:
        """Yield what speaks for this distribution."""

    # -- what it is --------------------------------------------------------------------------------------------

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        times = table[analysis.outcome].to_numpy(float)
        ended = max(int(happened(analysis, table).sum()), 1)
        return Scale("log", float(np.log(times.sum() / ended * np.log(2))), float(np.log(times).std()) or 1.0)

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return the priors of everything that the source speaks of, also where it is not in use."""
        widen = analysis.prior_scale
        return [
            TermPrior(
                "Intercept",
                Prior("Normal", {"mu": rounded(self.scale(analysis, table).centre), "sigma": 1.0}),
                LOG_TIME,
            ),
            TermPrior("slope", Prior("Normal", {"mu": 0.0, "sigma": rounded(0.5 * widen)}), FACTORS),
        ]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        every = self.all_priors(analysis, table)
        return every if analysis.predictors else [one for one in every if one.name != "slope"]

    # -- what it says ------------------------------------------------------------------------------------------

    @abstractmethod
    def lasts(self, dt: Any, median: np.ndarray, time: float) -> np.ndarray:
        """Return the chance that a wait lasts beyond a time.

        Parameters
        ----------
        dt
            DataTree with the posterior.
        median
            Median waiting times, shape (draws, rows).
        time
            The time.

        Returns
        -------
        numpy.ndarray
            Shape (draws, rows).
        """

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        unit, name = analysis.units.get(analysis.outcome, ""), analysis.outcome
        middle = medians(analysis, table, dt)
        time = float(table[name].median())
        beyond = 100 * self.lasts(dt, middle, time).mean(1)
        return [
            Effect(f"median {name}", f"In the middle of the rows, half of the waits ({name}) end within", "level",
                   np.exp(np.log(middle).mean(1)), unit),
            *ratios(analysis, table, dt),
            Effect(f"beyond {time:.4g} {unit}".strip(), f"The chance that a wait lasts beyond {time:.4g} {unit}".strip()
                   + ", the middle of the recorded times, is", "level", beyond, "%", headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        age, arm = rng.normal(60, 10, n), rng.choice(["control", "treated"], n)
        x = (age - age.mean()) / age.std(ddof=1)
        median = np.exp(2.3 - 0.3 * x + 0.6 * (arm == "treated"))
        times, ends = median * self._waits(rng, n), rng.uniform(5, 60, n)
        table = pd.DataFrame(
            {"months": np.minimum(times, ends), "died": np.where(times <= ends, "yes", "no"), "age": age, "arm": arm}
        )
        return Simulation(
            table,
            {"months": "duration", "died": "binary", "age": "continuous", "arm": "binary"},
            {"question": "survival", "outcome": "months", "event": "died", "predictors": ["age", "arm"]},
            {"Intercept": 2.3, "slope[age]": -0.3, "slope[arm: treated]": 0.6, **self._truth()},
        )

    @abstractmethod
    def _waits(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Simulate waiting times whose median is 1."""

    def _truth(self) -> dict[str, float]:
        return {}


def medians(analysis: Analysis, table: pd.DataFrame, dt: Any) -> np.ndarray:
    """Return the median waiting time of each row in a typical group, shape (draws, rows)."""
    log_median = samples(dt, "Intercept")[:, None] + np.zeros(len(table))
    if analysis.predictors:
        log_median = log_median + samples(dt, "slope") @ columns(analysis, table).T
    return np.asarray(np.exp(log_median))


def columns(analysis: Analysis, table: pd.DataFrame) -> np.ndarray:
    """Return what the slopes are multiplied with, shape (rows, slopes): the source of the models says the same."""
    found: list[Any] = []
    for name in analysis.predictors:
        column = table[name]
        if hasattr(column, "cat"):
            found += [column == level for level in column.cat.categories[1:]]
        else:
            found.append((column - column.mean()) / column.std())
    return np.column_stack([np.asarray(one, float) for one in found])


def ratios(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Iterator[Effect]:
    """Yield by which factor each predictor stretches the waits: for one more of a number, for a level instead."""
    if not analysis.predictors:
        return
    slopes = dict(zip(map(str, dt["posterior"]["term"].values), samples(dt, "slope").T, strict=True))
    target = f"the wait ({analysis.outcome}) is multiplied by"
    for name in analysis.predictors:
        column = table[name]
        if not hasattr(column, "cat"):
            unit = analysis.units.get(name, "")
            step = f"With {name} higher by 1 {unit}".rstrip()
            yield Effect(f"{name}, per 1 {unit}".rstrip() + " (factor)", f"{step}, {target}", "ratio",
                         np.exp(slopes[name] / column.std()))  # fmt: skip
            continue
        first, *levels = column.cat.categories
        for level in levels:
            step = f"With {name} {level} instead of {first}"
            yield Effect(f"{name}: {level} against {first} (factor)", f"{step}, {target}",
                         "ratio", np.exp(slopes[f"{name}: {level}"]))  # fmt: skip


class Weibull(Survival):
    id = "survival-weibull"
    title = "Weibull survival model"
    summary = "Waiting times whose chance of ending rises, falls or stays the same while one waits."
    equation = r"t_i \sim \mathrm{Weibull}(\alpha, \sigma_i),\quad \mathrm{log\,median}(t_i) = \mu_i"
    source = "Kalbfleisch and Prentice 2002, The Statistical Analysis of Failure Time Data, ch. 2"
    richer: ClassVar[tuple[str, ...]] = ("survival-lognormal",)
    limits: ClassVar[tuple[str, ...]] = (
        "Beyond the longest time recorded it only continues the curve.",
        "A chance of ending that first rises and then falls is not in it; the lognormal model has one.",
    )
    tutorial = "Its shape tells ageing from luck: above 1 the end comes ever nearer, at 1 waiting changes nothing."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, event: str, predictors: list[str]
    ) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        times = table[outcome].to_numpy(float)
        ended = table[event].astype("category").cat.codes == 1 if event else np.ones(len(times), bool)
        with pm.Model(coords={"row": np.arange(len(times))}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name}: {one}": pt.eq(code, at) for at, one in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            log_median = prior("Intercept") + (0 if x else np.zeros(len(times)))
            if x:
                model.add_coord("term", list(x))
                log_median += pt.stack(list(x.values()), axis=1) @ prior("slope", dims="term")
            mu = pm.Deterministic("mu", pt.exp(log_median), dims="row")
            shape = prior("shape")
            waits = pm.Weibull.dist(alpha=shape, beta=mu / np.log(2) ** (1 / shape))
            upper = np.where(ended, np.inf, times)  # where it had not happened, the wait was at least so long
            pm.Censored(outcome, waits, lower=None, upper=upper, observed=times, dims="row")
        return model

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [
            *super().all_priors(analysis, table),
            TermPrior("shape", Prior("Gamma", {"alpha": 3, "beta": 1.5}), SHAPE),
        ]

    def suits(self, facts: Facts, ended: int) -> Iterator[Reason]:
        yield Reason("any-ageing", "The chance of ending may rise or fall while one waits.", 1)

    def lasts(self, dt: Any, median: np.ndarray, time: float) -> np.ndarray:
        return np.asarray(0.5 ** ((time / median) ** samples(dt, "shape")[:, None]))

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        lead = "The shape (above 1, the chance of ending rises while one waits; below 1, it falls) is"
        shape = Effect("shape", lead, "ratio", samples(dt, "shape"), headline=False)
        return [*super().effects(analysis, table, model, dt), shape]

    def _waits(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.asarray(rng.weibull(1.6, n) / np.log(2) ** (1 / 1.6))

    def _truth(self) -> dict[str, float]:
        return {"shape": 1.6}


class LognormalSurvival(Survival):
    id = "survival-lognormal"
    title = "Lognormal survival model"
    summary = "Waiting times whose logarithms scatter like a bell curve: the chance of ending rises, then falls."
    equation = r"\mathrm{log}(t_i) \sim \mathrm{Normal}(\mu_i, \sigma)"
    source = "Kalbfleisch and Prentice 2002, The Statistical Analysis of Failure Time Data, ch. 2"
    richer: ClassVar[tuple[str, ...]] = ("survival-weibull",)
    limits: ClassVar[tuple[str, ...]] = (
        "Some waits are expected to last very long; beyond the longest time recorded it only continues the curve.",
    )
    tutorial = "Who has waited long already is the kind that waits long: the chance of ending falls in the end."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, event: str, predictors: list[str]
    ) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        times = table[outcome].to_numpy(float)
        ended = table[event].astype("category").cat.codes == 1 if event else np.ones(len(times), bool)
        with pm.Model(coords={"row": np.arange(len(times))}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name}: {one}": pt.eq(code, at) for at, one in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            log_median = prior("Intercept") + (0 if x else np.zeros(len(times)))
            if x:
                model.add_coord("term", list(x))
                log_median += pt.stack(list(x.values()), axis=1) @ prior("slope", dims="term")
            mu = pm.Deterministic("mu", pt.exp(log_median), dims="row")
            sigma = prior("sigma")
            waits = pm.LogNormal.dist(mu=pt.log(mu), sigma=sigma)
            upper = np.where(ended, np.inf, times)  # where it had not happened, the wait was at least so long
            pm.Censored(outcome, waits, lower=None, upper=upper, observed=times, dims="row")
        return model

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        wide = rounded(1.5 * self.scale(analysis, table).spread)
        return [*super().all_priors(analysis, table), TermPrior("sigma", Prior("HalfNormal", {"sigma": wide}), SPREAD)]

    def suits(self, facts: Facts, ended: int) -> Iterator[Reason]:
        if ended == facts.n and facts.log_skew is not None and abs(facts.log_skew) < SYMMETRIC:
            yield Reason(
                "symmetric-logarithms",
                f"The logarithms of the times have a skewness of {facts.log_skew:.1f}, where Weibull times have -1.1.",
                2,
            )

    def lasts(self, dt: Any, median: np.ndarray, time: float) -> np.ndarray:
        from scipy.stats import norm

        return np.asarray(norm.sf(np.log(time / median) / samples(dt, "sigma")[:, None]))

    def _waits(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.asarray(np.exp(0.8 * rng.standard_normal(n)))

    def _truth(self) -> dict[str, float]:
        return {"sigma": 0.8}


class Exponential(Survival):
    id = "survival-exponential"
    title = "Exponential survival model"
    summary = "Waiting times that end by luck alone: the chance of ending is always the same."
    equation = r"t_i \sim \mathrm{Exponential}(\lambda_i),\quad \mathrm{log\,median}(t_i) = \mu_i"
    source = "Kalbfleisch and Prentice 2002, The Statistical Analysis of Failure Time Data, ch. 2"
    richer: ClassVar[tuple[str, ...]] = ("survival-weibull",)
    limits: ClassVar[tuple[str, ...]] = ("Too sure of itself when the chance of ending changes while one waits.",)
    tutorial = "Like waiting for a six: however often you threw in vain, the next throw is as likely as the first."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, event: str, predictors: list[str]
    ) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        times = table[outcome].to_numpy(float)
        ended = table[event].astype("category").cat.codes == 1 if event else np.ones(len(times), bool)
        with pm.Model(coords={"row": np.arange(len(times))}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name}: {one}": pt.eq(code, at) for at, one in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            log_median = prior("Intercept") + (0 if x else np.zeros(len(times)))
            if x:
                model.add_coord("term", list(x))
                log_median += pt.stack(list(x.values()), axis=1) @ prior("slope", dims="term")
            mu = pm.Deterministic("mu", pt.exp(log_median), dims="row")
            waits = pm.Exponential.dist(lam=np.log(2) / mu)
            upper = np.where(ended, np.inf, times)  # where it had not happened, the wait was at least so long
            pm.Censored(outcome, waits, lower=None, upper=upper, observed=times, dims="row")
        return model

    def suits(self, facts: Facts, ended: int) -> Iterator[Reason]:
        yield Reason("simple-baseline", "It has one parameter less than the others, as a simple baseline.", 0)

    def lasts(self, dt: Any, median: np.ndarray, time: float) -> np.ndarray:
        return np.asarray(0.5 ** (time / median))

    def _waits(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.asarray(rng.exponential(1 / np.log(2), n))


class Frailty(Weibull):
    id = "survival-frailty"
    title = "Weibull survival model with groups"
    summary = "Waiting times of rows that belong together: each group waits longer or shorter by a factor of its own."
    equation = r"t_i \sim \mathrm{Weibull}(\alpha, \sigma_i),\quad \mathrm{log\,median}(t_i) = \mu_i + u_{g[i]}"
    source = "Austin 2017, doi:10.1111/insr.12214"
    richer: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Mapping[str, int]] = {"groups": 1}
    assumptions: ClassVar[tuple[str, ...]] = (
        *Survival.assumptions,
        "The groups' factors scatter around 1 like those of a larger population of groups.",
    )
    tutorial = "Patients of one hospital share more than what the table says; each hospital gets a factor of its own."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, event: str, predictors: list[str], groups: list[str]
    ) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        times = table[outcome].to_numpy(float)
        ended = table[event].astype("category").cat.codes == 1 if event else np.ones(len(times), bool)
        levels, which = np.unique(table[groups[0]].astype(str), return_inverse=True)
        with pm.Model(coords={"row": np.arange(len(times)), "group": levels}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name}: {one}": pt.eq(code, at) for at, one in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            log_median = prior("Intercept") + (0 if x else np.zeros(len(times)))
            if x:
                model.add_coord("term", list(x))
                log_median += pt.stack(list(x.values()), axis=1) @ prior("slope", dims="term")
            mu = pm.Deterministic("mu", pt.exp(log_median), dims="row")
            between = prior("between_groups")
            z = pm.Normal("frailty_raw", 0, 1, dims="group")
            frailty = pm.Deterministic("frailty", between * z, dims="group")
            shape = prior("shape")
            waits = pm.Weibull.dist(alpha=shape, beta=mu * pt.exp(frailty[which]) / np.log(2) ** (1 / shape))
            upper = np.where(ended, np.inf, times)  # where it had not happened, the wait was at least so long
            pm.Censored(outcome, waits, lower=None, upper=upper, observed=times, dims="row")
        return model

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        wide = Prior("HalfNormal", {"sigma": rounded(0.5 * analysis.prior_scale)})
        return [*super().all_priors(analysis, table), TermPrior("between_groups", wide, FRAILTY)]

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.groups) > 1:
            return Rejection("one-group", f"{self.title} takes one column of groups; there are {len(facts.groups)}.")
        if not facts.repeated:
            return Rejection("repeated-groups", f"Most {facts.groups[0]} have one row, which says nothing of a group.")
        return super().unfit(facts)

    def suits(self, facts: Facts, ended: int) -> Iterator[Reason]:
        yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a factor of its own.", 2)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        group = analysis.groups[0]
        lead = f"Of two {group} one standard deviation apart, the one that waits longer waits longer by a factor of"
        factor = np.exp(samples(dt, "between_groups"))
        spread = Effect(f"spread between {group} (factor)", lead, "spread", factor, headline=False)
        return [*super().effects(analysis, table, model, dt), spread]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        from dataclasses import replace

        found = super().simulate(rng, n)
        which = np.arange(len(found.table)) % 12
        factor = np.exp(0.4 * rng.standard_normal(12))[which]
        times = found.table["months"] * factor
        table = found.table.assign(months=times, clinic=np.char.add("c", which.astype(str)))
        return replace(
            found,
            table=table,
            kinds={**found.kinds, "clinic": "group"},
            choices={**found.choices, "groups": ["clinic"]},
            truth={**found.truth, "between_groups": 0.4},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Weibull, LognormalSurvival, Exponential, Frailty)
