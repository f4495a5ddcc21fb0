"""The moment at which a series changed.

The position of the change is summed out: for every position the likelihood is a sum over the rows before and one over
the rows after, so that cumulative sums give all positions at once. Its posterior follows from the same sums.
"""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import AUTOSCALE, Prior, TermPrior, rounded
from modelcompose.catalog.series import Clock, SeriesEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

FEWEST = 6


class _ChangePoint(SeriesEntry):
    """What both kinds of change have in common."""

    questions = frozenset({"change-point"})
    source = "Carlin, Gelfand and Smith 1992, doi:10.2307/2347570; marginalised as in the Stan User's Guide, ch. 7"

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n < FEWEST:
            return Rejection(
                "short-series", f"{self.title} needs at least {FEWEST} points in time; {facts.n} are there."
            )
        return self._unfit_time(facts)

    def positions(self, analysis: Analysis, table: pd.DataFrame, dt: Any) -> np.ndarray:
        """Draw how many rows stand before the change, given the draws of the levels; shape (chains × draws,)."""
        clock = Clock.of(analysis, table)
        y = self._y(analysis, table)[clock.order]
        gain = self._log_ratio(y, dt).cumsum(1)[:, :-1]
        gain += np.random.default_rng(1).gumbel(size=gain.shape)  # the largest is then a draw by the weights
        return np.asarray(gain.argmax(1) + 1)

    @abstractmethod
    def _log_ratio(self, y: np.ndarray, dt: Any) -> np.ndarray:
        """Return by how much each row speaks for the level before; shape (draws, rows)."""

    def _moment(self, analysis: Analysis, table: pd.DataFrame, dt: Any) -> Effect:
        """The first time at the new level."""
        clock = Clock.of(analysis, table)
        when, unit = clock.numbers(clock.at[self.positions(analysis, table, dt)])
        lead = f"The first {analysis.time} at the new level of {analysis.outcome} is"
        return Effect(f"{analysis.time} of the change", lead, "level", when, unit)


class ChangePointCount(_ChangePoint):
    id = "change-point-count"
    title = "One change in a rate of events"
    summary = "Events come at one rate up to some moment, and at another one from then on."
    link = "log"
    equation = (
        r"y_t \sim \mathrm{Poisson}(\lambda_1)\,\mathrm{before}\,\tau,\quad "
        r"y_t \sim \mathrm{Poisson}(\lambda_2)\,\mathrm{from}\,\tau\,\mathrm{on}"
    )
    outcome = frozenset({"count"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "The rate changed once, at one moment, which may be any of those in the table.",
        "Events come independently of each other, at a constant rate before and after.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It finds a moment even where the rate changed gradually or never; look at the factor between the rates.",
    )
    tutorial = "Try every moment as the dividing line, and weigh each by how well the two sides then look steady."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, time: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, order = table[outcome].to_numpy(), np.argsort(table[time].to_numpy(), kind="stable")
        place = np.argsort(order)  # where each row stands in time

        def logp(value, before, after, rows):
            early = pm.logp(pm.Poisson.dist(before), value[order])
            late = pm.logp(pm.Poisson.dist(after), value[order])
            gain = pm.math.cumsum(early - late)[:-1]  # of a change behind the first row, the second, and so on
            return pm.math.logsumexp(gain) + late.sum() - np.log(len(order) - 1)

        def random(before, after, rows, rng=None, size=None):
            change = rng.integers(1, len(order))
            return rng.poisson(np.where(place < change, before, after))

        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            before = prior("before")
            after = prior("after")
            change = {"logp": logp, "random": random, "signature": "(),(),(n)->(n)", "dtype": "int64"}
            pm.CustomDist(outcome, before, after, np.arange(len(y)), **change, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        mean = max(float(table[analysis.outcome].mean()), 1e-3)
        rate = Prior("Exponential", {"lam": rounded(1 / (analysis.prior_scale * mean))})
        source = "Exponential with the mean of the series, as is usual for the coal-mining disasters"
        return [TermPrior("before", rate, source), TermPrior("after", rate, source)]

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("count-outcome", f"{facts.outcome} counts events at each of {facts.n} times.", 3)
        if facts.highest is not None and facts.table[facts.outcome].mean() < 20:
            yield Reason(
                "small-counts", f"The counts are small: {facts.table[facts.outcome].mean():.3g} on average.", 2
            )

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        before, after = samples(dt, "before"), samples(dt, "after")
        name, per = analysis.outcome, Clock.of(analysis, table).word
        return [
            self._moment(analysis, table, dt),
            Effect("after against before (factor)", f"With the change, the expected number of {name} is multiplied by",
                   "ratio", after / before),
            Effect("before", f"Before the change, the expected number of {name} per {per} is", "level", before,
                   headline=False),
            Effect("after", f"After the change, the expected number of {name} per {per} is", "level", after,
                   headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        year, change = np.arange(n) + 1900, int(0.4 * n)
        y = rng.poisson(np.where(np.arange(n) < change, 3.0, 1.0))
        return Simulation(
            pd.DataFrame({"accidents": y, "year": year}),
            {"accidents": "count", "year": "count"},
            {"question": "change-point", "outcome": "accidents", "time": "year"},
            {"before": 3.0, "after": 1.0},
        )

    def _log_ratio(self, y: np.ndarray, dt: Any) -> np.ndarray:
        before, after = samples(dt, "before")[:, None], samples(dt, "after")[:, None]
        return np.asarray(y * np.log(before / after) - (before - after))


class ChangePoint(_ChangePoint):
    id = "change-point"
    title = "One change of level"
    summary = "Values scatter around one level up to some moment, and around another one from then on."
    equation = (
        r"y_t \sim \mathrm{Normal}(\mu_1, \sigma)\,\mathrm{before}\,\tau,\quad "
        r"y_t \sim \mathrm{Normal}(\mu_2, \sigma)\,\mathrm{from}\,\tau\,\mathrm{on}"
    )
    assumptions: ClassVar[tuple[str, ...]] = (
        "The level changed once, at one moment, which may be any of those in the table.",
        "Before and after it, values scatter independently and equally widely around a constant level.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A trend, a season or slow drift looks like a change to it.",
        "It finds a moment even where nothing changed; look at the size of the change.",
    )
    tutorial = "Try every moment as the dividing line, and weigh each by how well two flat lines then fit."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, time: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, order = table[outcome].to_numpy(float), np.argsort(table[time].to_numpy(), kind="stable")
        place = np.argsort(order)  # where each row stands in time

        def logp(value, before, after, noise, rows):
            early = pm.logp(pm.Normal.dist(before, noise), value[order])
            late = pm.logp(pm.Normal.dist(after, noise), value[order])
            gain = pm.math.cumsum(early - late)[:-1]  # of a change behind the first row, the second, and so on
            return pm.math.logsumexp(gain) + late.sum() - np.log(len(order) - 1)

        def random(before, after, noise, rows, rng=None, size=None):
            change = rng.integers(1, len(order))
            return rng.normal(np.where(place < change, before, after), noise)

        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            before = prior("before")
            after = prior("after")
            noise = prior("noise_sd")
            change = {"logp": logp, "random": random, "signature": "(),(),(),(n)->(n)"}
            pm.CustomDist(outcome, before, after, noise, np.arange(len(y)), **change, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = self._y(analysis, table)
        sd = float(y.std(ddof=1))
        level = Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * analysis.prior_scale * sd)})
        noise = Prior("HalfStudentT", {"nu": 4, "sigma": rounded(sd)})
        levels = [TermPrior(name, level, AUTOSCALE) for name in ("before", "after")]
        return [*levels, TermPrior("noise_sd", noise, AUTOSCALE)]

    def unfit(self, facts: Facts) -> Rejection | None:
        return super().unfit(facts) or self._small_counts(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("measured-outcome", f"{facts.outcome} is a number, measured at each of {facts.n} times.", 4)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        before, after = samples(dt, "before"), samples(dt, "after")
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        return [
            self._moment(analysis, table, dt),
            Effect("after against before", f"After the change, the average of {name} is", "difference", after - before,
                   unit),
            Effect("before", f"Before the change, the average of {name} is", "level", before, unit, headline=False),
            Effect("after", f"After the change, the average of {name} is", "level", after, unit, headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        change = int(0.6 * n)
        y = np.where(np.arange(n) < change, 20.0, 26.0) + 3 * rng.standard_normal(n)
        dates = np.datetime64("2020-01-01") + np.arange(n).astype("timedelta64[D]")
        return Simulation(
            pd.DataFrame({"y": y, "date": dates.astype(str)}),
            {"y": "continuous", "date": "date"},
            {"question": "change-point", "outcome": "y", "time": "date"},
            {"before": 20.0, "after": 26.0, "noise_sd": 3.0},
        )

    def _log_ratio(self, y: np.ndarray, dt: Any) -> np.ndarray:
        before, after = samples(dt, "before")[:, None], samples(dt, "after")[:, None]
        return np.asarray(((y - after) ** 2 - (y - before) ** 2) / (2 * samples(dt, "noise_sd")[:, None] ** 2))


ENTRIES: tuple[type[ModelEntry], ...] = (ChangePointCount, ChangePoint)
