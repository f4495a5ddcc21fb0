"""One series in the order of time: trend and season, levels that drift, neighbours that are alike."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, outcome_unit, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import AUTOSCALE, Prior, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Clock", "SeriesEntry"]

HOUR, DAY, YEAR = 1 / 24, 1.0, 365.2425
FEWEST, LONGEST = 8, 2000
SMALL_COUNT = 20
NEXT = 6
OWN = "ModelCompose's own; checked by prior prediction"


# -- time --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clock:
    """A column of times as numbers, sorted.

    ``at`` counts typical steps since the first time, ``order`` sorts the table's rows, ``step`` is the typical step:
    in days for dates, else in the column's own unit. ``start`` is the first time as it stands in the table.
    """

    at: np.ndarray
    order: np.ndarray
    step: float
    start: Any
    dated: bool
    name: str
    unit: str

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame) -> Clock:
        """Read the column with the role ``time``."""
        column = table[analysis.time]
        dated = column.dtype.kind == "M"
        exact = column.to_numpy()
        numbers = exact.astype("datetime64[s]").astype(float) / 86400 if dated else exact.astype(float)
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        gaps = np.diff(ordered)
        step = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
        unit = analysis.units.get(analysis.time, "")
        return cls((ordered - ordered[0]) / step, order, step, exact[order[0]], dated, analysis.time, unit)

    @property
    def word(self) -> str:
        """What one step is called."""
        if not self.dated:
            return f"step of {self.step:g} {self.unit or self.name}" if self.step != 1 else self.unit or self.name
        names = [(1.5 / 24, "hour"), (1.5, "day"), (8, "week"), (32, "month"), (93, "quarter")]
        return next((word for most, word in names if self.step <= most), "year")

    @property
    def pace(self) -> tuple[float, str]:
        """In how many steps, and in which unit of time, change is told: per year for a long series of dates."""
        if not self.dated:
            return 1 / self.step, self.unit or self.name
        span = self.step * self.at[-1]
        days, word = (YEAR, "year") if span >= 2 * YEAR else (DAY, "day") if span >= 2 else (HOUR, "hour")
        return days / self.step, word

    @property
    def missing(self) -> int:
        """How many points lack in a regular series."""
        return int(np.sum(np.maximum(np.round(np.diff(self.at)) - 1, 0)))

    def shown(self, position: float) -> str:
        """Write a position as a time of the column's own kind."""
        if not self.dated:
            return f"{float(self.start) + position * self.step:.6g}"
        if self.word in ("month", "quarter"):
            months = {"month": 1, "quarter": 3}[self.word] * round(position * self.step / (YEAR / 12) / self._per_step)
            return str(np.datetime64(self.start, "M") + np.timedelta64(months, "M"))
        if self.word == "year":
            return str(np.datetime64(self.start, "Y") + np.timedelta64(round(position * self.step / YEAR), "Y"))
        moment = np.datetime64(self.start, "s") + np.timedelta64(round(position * self.step * 86400), "s")
        return str(moment if self.word == "hour" else moment.astype("datetime64[D]"))

    @property
    def _per_step(self) -> int:
        return {"month": 1, "quarter": 3}[self.word]

    def numbers(self, positions: np.ndarray) -> tuple[np.ndarray, str]:
        """Return positions in the column's own unit, and how to read them: years, days since the first, or numbers."""
        if not self.dated:
            return float(self.start) + positions * self.step, self.unit
        days = positions * self.step
        if self.step * self.at[-1] >= 2 * YEAR:
            first = np.datetime64(self.start, "s")
            year = first.astype("datetime64[Y]")
            begun = (first - year.astype("datetime64[s]")).astype(float) / 86400
            return 1970 + year.astype(int) + (begun + days) / YEAR, ""
        return days, f"days after {np.datetime64(self.start, 'D')}"

    def position(self, text: str) -> float | None:
        """Return where a time that was written as text stands, in steps since the first; None if it is none."""
        try:
            if not self.dated:
                return (float(text) - float(self.start)) / self.step
            since = np.datetime64(text.strip(), "s") - np.datetime64(self.start, "s")
            return float(since.astype(float)) / 86400 / self.step
        except ValueError:
            return None


def season_of(clock: Clock, y: np.ndarray) -> float:
    """Return the length of the season in steps, or 0 for none.

    Dates have the season that goes with their step: hours of a day, days of a week, and of weeks, months and quarters
    the year. For other times the strongest period counts, where it explains over half of what trend leaves over. Two
    full periods must be there.

    Parameters
    ----------
    y
        The outcome in the order of time, shape (rows,).
    """
    if clock.dated:
        days = {"hour": DAY, "day": 7.0, "week": YEAR, "month": YEAR, "quarter": YEAR}.get(clock.word, 0.0)
        steps = days / clock.step
    else:
        steps = _strongest(clock.at, y)
    return float(f"{steps:.6g}") if 3.5 <= steps <= clock.at[-1] / 2 + 0.5 else 0.0


def _strongest(at: np.ndarray, y: np.ndarray) -> float:
    """Return the whole number of steps whose sine and cosine explain most of the leftovers of a straight line."""
    left = y - np.polyval(np.polyfit(at, y, 1), at)
    periods = np.arange(4, int(at[-1] // 3) + 1)
    if not len(periods) or not left.var() > 0:
        return 0.0
    shares = [_share(left, np.stack([np.sin(2 * np.pi * at / p), np.cos(2 * np.pi * at / p)], 1)) for p in periods]
    best = int(np.argmax(shares))
    return float(periods[best]) if shares[best] > 0.5 else 0.0


def _share(left: np.ndarray, columns: np.ndarray) -> float:
    fitted = columns @ np.linalg.lstsq(columns, left, rcond=None)[0]
    return float(1 - np.mean((left - fitted) ** 2) / left.var())


def waves_of(at: np.ndarray, period: float) -> np.ndarray:
    """Return the sines and cosines of a season, shape (times, columns); those that are constant are left out."""
    if not period:
        return np.zeros((len(at), 0))
    turns = 2 * np.pi * np.outer(at / period, np.arange(1, min(round(period) // 2, 5) + 1))
    return np.concatenate([np.sin(turns), np.cos(turns)], 1)


# -- what all series have in common ------------------------------------------------------------------------------


class SeriesEntry(WrittenEntry):
    """An entry for one series; rows may come in any order, and the model sorts them.

    What ``constants`` returns stands as numbers above the model in the notebook's cell.
    """

    questions = frozenset({"trend"})
    outcome = frozenset({"continuous", "positive", "amount", "duration", "count"})
    needs: ClassVar[Mapping[str, int]] = {"time": 1}
    takes: ClassVar[frozenset[str]] = frozenset()

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n < FEWEST:
            return Rejection(
                "short-series", f"{self.title} needs at least {FEWEST} points in time; {facts.n} are there."
            )
        return self._unfit_time(facts) or self._small_counts(facts)

    def _unfit_time(self, facts: Facts) -> Rejection | None:
        time = facts.analysis.time
        if facts.table[time].dtype.kind not in "iufM":
            return Rejection("time-order", f"{time} is neither a date nor a number, so that rows have no order in it.")
        again = facts.n - facts.table[time].nunique()
        if again:
            return Rejection(
                "repeated-times",
                f"{time} has the same value in several rows ({again} times), so this is more than one series: choose "
                "the column that tells them apart as groups and ask how each changes over time, or keep one series.",
            )
        return None

    def _small_counts(self, facts: Facts) -> Rejection | None:
        if facts.kind == "count" and facts.table[facts.outcome].mean() < SMALL_COUNT:
            return Rejection(
                "small-counts",
                f"{facts.outcome} counts few events (on average below {SMALL_COUNT}), which do not scatter like a bell "
                "curve; ask how often it happens, with the time as a predictor.",
            )
        return None

    def _y(self, analysis: Analysis, table: pd.DataFrame) -> np.ndarray:
        return table[analysis.outcome].to_numpy(float)

    def _in_time(self, facts: Facts) -> tuple[Clock, np.ndarray]:
        clock = Clock.of(facts.analysis, facts.table)
        return clock, self._y(facts.analysis, facts.table)[clock.order]

    def _gaps(self, facts: Facts) -> Iterator[Reason]:
        clock, _ = self._in_time(facts)
        if clock.missing:
            yield Reason(
                "gaps-in-time",
                f"{clock.missing} points are missing between the first and the last {facts.analysis.time}; the model "
                "bridges them by their distance in time.",
                0,
            )

    def _next(self, analysis: Analysis, clock: Clock, draws: np.ndarray, *, headline: bool = False) -> list[Effect]:
        """Say where the next values may fall; ``draws`` has the shape (draws, steps ahead)."""
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        times = [clock.shown(clock.at[-1] + ahead) for ahead in range(1, draws.shape[1] + 1)]
        return [
            Effect(
                f"next: {name} at {when}",
                f"At {clock.name} {when}, a new value of {name} would be",
                "level",
                draws[:, at],
                unit,
                headline=headline and at == 0,
            )
            for at, when in enumerate(times)
        ]


# -- trend and season --------------------------------------------------------------------------------------------


class TrendSeason(SeriesEntry):
    id = "trend-season"
    title = "Trend and season"
    summary = "A straight line, a season that repeats itself, and chance around them."
    equation = (
        r"y_t \sim \mathrm{Normal}(\mu_t, \sigma),\quad "
        r"\mu_t = \alpha + \beta\, t + \gamma_1 \mathrm{sin}(2 \pi t / P) + \gamma_2 \mathrm{cos}(2 \pi t / P) + ..."
    )
    source = "Harvey 1989, Forecasting, Structural Time Series Models and the Kalman Filter, ch. 2"
    assumptions: ClassVar[tuple[str, ...]] = (
        "The trend is one straight line over the whole series.",
        "The season has the same shape and size in every period.",
        "What is left over at one time says nothing about the next.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A forecast carries the line on for ever; it knows of no turning point.",
        "When neighbours in time are alike beyond trend and season, it is too sure of itself.",
    )
    tutorial = "Lay a ruler through the series, add the wave that returns every season, and see what is left."
    richer: ClassVar[tuple[str, ...]] = ("local-level", "autoregressive")

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, time: str, period: float) -> Any:  # type: ignore[override]
        import pymc as pm

        y, at = table[outcome].to_numpy(float), table[time].to_numpy().astype(float)
        at = (at - at.min()) / np.median(np.diff(np.sort(at)))  # in steps since the first time
        turns = 2 * np.pi * np.outer(at / period, np.arange(1, min(round(period) // 2, 5) + 1))
        waves = np.concatenate([np.sin(turns), np.cos(turns)], axis=1)
        with pm.Model(coords={"row": np.arange(len(y)), "wave": np.arange(waves.shape[1])}) as model:
            middle = prior("middle")
            trend = prior("trend")
            season = prior("season", dims="wave")
            noise = prior("noise_sd")
            mu = pm.Deterministic("mu", middle + trend * (at - at.mean()) + waves @ season, dims="row")
            pm.Normal(outcome, mu, noise, observed=y, dims="row")
        return model

    @staticmethod
    def line(prior: Any, table: pd.DataFrame, outcome: str, time: str) -> Any:
        """Build the PyMC model where no season was found."""
        import pymc as pm

        y, at = table[outcome].to_numpy(float), table[time].to_numpy().astype(float)
        at = (at - at.min()) / np.median(np.diff(np.sort(at)))  # in steps since the first time
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            middle = prior("middle")
            trend = prior("trend")
            noise = prior("noise_sd")
            mu = pm.Deterministic("mu", middle + trend * (at - at.mean()), dims="row")
            pm.Normal(outcome, mu, noise, observed=y, dims="row")
        return model

    def written(self, analysis: Analysis, table: pd.DataFrame) -> Callable[..., Any]:
        return self.model if self._period(analysis, table) else self.line

    def constants(self, analysis: Analysis, table: pd.DataFrame) -> dict[str, tuple[Any, str]]:
        period = self._period(analysis, table)
        return {"period": (period, "steps after which the season repeats itself")} if period else {}

    def _period(self, analysis: Analysis, table: pd.DataFrame) -> float:
        clock = Clock.of(analysis, table)
        return season_of(clock, self._y(analysis, table)[clock.order])

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y, at = self._y(analysis, table), Clock.of(analysis, table).at
        sd, widen = float(y.std(ddof=1)), analysis.prior_scale
        found = [
            TermPrior("middle", Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * sd)}), AUTOSCALE),
            TermPrior("trend", Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * sd / at.std())}), AUTOSCALE),
            TermPrior("season", Prior("Normal", {"mu": 0.0, "sigma": rounded(widen * sd)}), OWN),
            TermPrior("noise_sd", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(sd)}), AUTOSCALE),
        ]
        season = self._period(analysis, table)
        return found if season else [one for one in found if one.term != "season"]

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        clock, y = self._in_time(facts)
        yield Reason("one-series", f"{facts.outcome} has one value at each of {facts.n} times.", 3)
        period = season_of(clock, y)
        left = _leftover(clock, y, period)
        if period:
            explained = _explained(_leftover(clock, y, 0.0), left, waves_of(clock.at, period).shape[1])
            yield Reason(
                "season",
                f"{facts.n} points cover {clock.at[-1] / period:.1f} seasons of {period:.3g} steps, which explain "
                f"{max(explained, 0):.0%} of what the trend leaves over.",
                3 if explained > SEASONAL else 0,
            )
        alike = _lag_one(left)
        if alike < ALIKE:
            yield Reason(
                "neighbours-differ", f"What is left over is hardly alike at neighbouring times ({alike:.2f}).", 2
            )
        yield from self._gaps(facts)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        clock = Clock.of(analysis, table)
        per, word = clock.pace
        trend, name, unit = samples(dt, "trend"), analysis.outcome, outcome_unit(analysis, table)
        found = [
            Effect(f"change per {word}", f"Per {word}, the average of {name} changes by", "effect", per * trend, unit)
        ]
        period = self._period(analysis, table)
        if period:
            shape = samples(dt, "season") @ waves_of(np.linspace(0, period, 100), period).T
            found.append(
                Effect("size of the season", f"From its lowest to its highest point, the season moves {name} by",
                       "spread", np.ptp(shape, axis=1), unit, headline=False)
            )  # fmt: skip
        return found + self._next(analysis, clock, self.ahead(analysis, table, dt, NEXT), headline=True)

    def ahead(self, analysis: Analysis, table: pd.DataFrame, dt: Any, steps: int) -> np.ndarray:
        clock, period = Clock.of(analysis, table), self._period(analysis, table)
        at = clock.at[-1] + np.arange(1, steps + 1)
        mean = samples(dt, "middle")[:, None] + samples(dt, "trend")[:, None] * (at - clock.at.mean())
        if period:
            mean = mean + samples(dt, "season") @ waves_of(at, period).T
        noise = samples(dt, "noise_sd")[:, None]
        return np.asarray(mean + noise * np.random.default_rng(1).standard_normal(mean.shape))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        months = np.arange(n)
        y = 50 + 0.2 * (months - months.mean()) + 6 * np.sin(2 * np.pi * months / 12) + 3 * rng.standard_normal(n)
        dates = np.datetime64("2001-01", "M") + months.astype("timedelta64[M]")
        return Simulation(
            pd.DataFrame({"y": y, "month": dates.astype("datetime64[D]").astype(str)}),
            {"y": "continuous", "month": "date"},
            {"question": "trend", "outcome": "y", "time": "month"},
            {"noise_sd": 3.0, "middle": 50.0},
        )


ALIKE = 0.3
SEASONAL = 0.05


def _explained(without: np.ndarray, left: np.ndarray, columns: int) -> float:
    """Return the share of variance that a season explains, adjusted for its number of columns."""
    free = (len(left) - 2) / max(len(left) - 2 - columns, 1)
    return float(1 - free * left.var() / max(without.var(), 1e-300))


def _leftover(clock: Clock, y: np.ndarray, period: float) -> np.ndarray:
    columns = np.concatenate([np.ones((len(y), 1)), clock.at[:, None], waves_of(clock.at, period)], axis=1)
    return np.asarray(y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0])


def _lag_one(left: np.ndarray) -> float:
    """Return the correlation of neighbours in a series."""
    centred = left - left.mean()
    return float(np.sum(centred[1:] * centred[:-1]) / max(np.sum(centred**2), 1e-300))


def _errors(clock: Clock, y: np.ndarray) -> tuple[float, float]:
    """Return by how much one-step predictions err: by a drifting level, and by a straight line with memory."""
    rates = np.linspace(0.05, 1.0, 20)
    level, square = np.full(len(rates), y[0]), np.zeros(len(rates))
    for value in y[1:]:
        square += (value - level) ** 2
        level = level + rates * (value - level)
    left = _leftover(clock, y, 0.0)
    memory = _lag_one(left)
    remembered = left[1:] - memory * left[:-1]
    free = len(y) - 1 - np.array([1, 3])  # what is left after the rate, and after the line and its memory
    return float(np.sqrt(square.min() / free[0])), float(np.sqrt(np.sum(remembered**2) / free[1]))


# -- a level that drifts -----------------------------------------------------------------------------------------


class LocalLevel(SeriesEntry):
    id = "local-level"
    title = "A level that drifts"
    summary = "The level wanders in small random steps, and every value scatters around it."
    equation = r"y_t \sim \mathrm{Normal}(\mu_t, \sigma),\quad \mu_{t} \sim \mathrm{Normal}(\mu_{t-1}, \tau)"
    source = "Durbin and Koopman 2012, Time Series Analysis by State Space Methods 2e, ch. 2"
    assumptions: ClassVar[tuple[str, ...]] = (
        "From one time to the next the level takes a random step, as likely up as down.",
        "All steps have the same typical size, and so has the scatter around the level.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It knows neither trend nor season: the best guess for later is the level at the end.",
        "With few points, drift and scatter are hard to tell apart.",
    )
    tutorial = "Think of a walker who strays a little with every step, seen through fog."
    richer: ClassVar[tuple[str, ...]] = ("trend-season", "autoregressive")

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, time: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, at = table[outcome].to_numpy(float), table[time].to_numpy().astype(float)
        at = (at - at.min()) / np.median(np.diff(np.sort(at)))  # in steps since the first time
        # A random walk around its average is a sum of independent waves: the principal directions of its covariance.
        # The data know the slow waves well and the quick ones hardly; each has the parameterisation that suits it.
        covariance = np.minimum.outer(at, at)
        covariance = covariance - covariance.mean(0) - covariance.mean(0)[:, None] + covariance.mean()
        size, direction = np.linalg.eigh(covariance)
        kept = size > 1e-9 * size.max()
        known = size[kept] / (size[kept] + 10)
        with pm.Model(coords={"row": np.arange(len(y)), "wave": np.arange(len(known))}) as model:
            waves = pm.Data("waves", direction[:, kept] * np.sqrt(size[kept]), dims=("row", "wave"))
            average = prior("average_level")
            drift = prior("drift_sd")
            noise = prior("noise_sd")
            wave = pm.Normal("wave_raw", 0, (drift / y.std()) ** known, dims="wave")
            walk = pm.math.dot(waves, wave * (drift / y.std()) ** (1 - known)) * y.std()
            mu = pm.Deterministic("level_raw", average + walk, dims="row")
            pm.Normal(outcome, mu, noise, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = self._y(analysis, table)
        sd, widen = float(y.std(ddof=1)), analysis.prior_scale
        average = Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * sd)})
        return [
            TermPrior("average_level", average, AUTOSCALE),
            TermPrior("drift_sd", Prior("HalfNormal", {"sigma": rounded(0.5 * widen * sd)}), OWN),
            TermPrior("noise_sd", Prior("HalfNormal", {"sigma": rounded(sd)}), OWN),
        ]

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n > LONGEST:
            return Rejection(
                "long-series", f"{self.title} takes up to {LONGEST} points; {facts.n} are there. Average them."
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        clock, y = self._in_time(facts)
        yield Reason("one-series", f"{facts.outcome} has one value at each of {facts.n} times.", 3)
        alike = _lag_one(_leftover(clock, y, 0.0))
        if alike >= ALIKE:
            yield Reason("neighbours-alike", f"Neighbours in time are alike beyond a trend ({alike:.2f}).", 2)
            drifting, line = _errors(clock, y)
            if drifting <= 1.05 * line:
                yield Reason(
                    "drifts",
                    f"A level that drifts predicts the next value to {drifting:.3g}, a line with memory to {line:.3g}.",
                    2,
                )
        yield from self._gaps(facts)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        clock = Clock.of(analysis, table)
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        mu, drift, noise = samples(dt, "level_raw"), samples(dt, "drift_sd"), samples(dt, "noise_sd")
        first, last = mu[:, clock.order[0]], mu[:, clock.order[-1]]
        new = self.ahead(analysis, table, dt, NEXT)
        return [
            Effect("change over the series", f"From the first to the last {clock.name}, the level of {name} changed by",
                   "effect", last - first, unit),
            Effect("level at the end", f"At the last {clock.name}, the level of {name} is", "level", last, unit),
            *self._next(analysis, clock, new, headline=True),
            Effect("drift", f"Within one {clock.word}, the level moves with a standard deviation of", "spread",
                   drift, unit, headline=False),
            Effect("scatter", f"Around its level, {name} scatters with a standard deviation of", "spread", noise, unit,
                   headline=False),
        ]  # fmt: skip

    def ahead(self, analysis: Analysis, table: pd.DataFrame, dt: Any, steps: int) -> np.ndarray:
        last = samples(dt, "level_raw")[:, Clock.of(analysis, table).order[-1]]
        drift, noise = samples(dt, "drift_sd")[:, None], samples(dt, "noise_sd")[:, None]
        rng = np.random.default_rng(1)
        moves = drift * rng.standard_normal((len(drift), steps))
        return np.asarray(last[:, None] + moves.cumsum(1) + noise * rng.standard_normal(moves.shape))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        level = 100 + np.concatenate([[0], 3 * rng.standard_normal(n - 1)]).cumsum()
        return Simulation(
            pd.DataFrame({"y": level + 8 * rng.standard_normal(n), "week": np.arange(1, n + 1)}),
            {"y": "continuous", "week": "count"},
            {"question": "trend", "outcome": "y", "time": "week"},
            {"drift_sd": 3.0, "noise_sd": 8.0, "average_level": float(level.mean())},
        )


# -- neighbours that are alike -----------------------------------------------------------------------------------


class Autoregressive(SeriesEntry):
    id = "autoregressive"
    title = "Trend with memory"
    summary = "A straight line; what lies above or below it fades away step by step."
    equation = r"y_t - \mu_t \sim \mathrm{Normal}(\phi\,(y_{t-1} - \mu_{t-1}), \sigma),\quad \mu_t = \alpha + \beta\, t"
    source = "Hamilton 1994, Time Series Analysis, ch. 3; Gelman et al. 2013, Bayesian Data Analysis 3e, section 14.7"
    assumptions: ClassVar[tuple[str, ...]] = (
        "There is one straight line, level or sloping, to which the series always returns.",
        "A share of each deviation is carried over to the next time, and the share is always the same.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It knows no season.",
        "A series that never returns to a line is better told by a level that drifts.",
    )
    tutorial = "Like a spring: pushed away from the line, it comes back, a share of the way with every step."
    richer: ClassVar[tuple[str, ...]] = ("local-level", "trend-season")

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, time: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, at = table[outcome].to_numpy(float), table[time].to_numpy().astype(float)
        order = np.argsort(at)
        place = np.argsort(order)  # where each row stands in time
        at = (at - at.min()) / np.median(np.diff(at[order]))  # in steps since the first time
        ahead = np.maximum(np.round(np.diff(at[order])), 1)  # steps from one value to the next

        def logp(value, mu, memory, noise):
            left, kept = (value - mu)[order], memory**ahead
            spread = noise / pm.math.sqrt(1 - memory**2)
            first = pm.logp(pm.Normal.dist(0, spread), left[:1])
            later = pm.logp(pm.Normal.dist(kept * left[:-1], spread * pm.math.sqrt(1 - kept**2)), left[1:])
            return pm.math.concatenate([first, later])[place]

        def random(mu, memory, noise, rng=None, size=None):
            memory, noise = np.ravel(memory)[0], np.ravel(noise)[0]
            left = noise / np.sqrt(1 - memory**2) * rng.standard_normal(len(order))
            for t, kept in enumerate(memory**ahead):
                left[t + 1] = kept * left[t] + np.sqrt(1 - kept**2) * left[t + 1]
            return mu + left[place]

        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            middle = prior("middle")
            trend = prior("trend")
            memory = prior("memory")
            noise = prior("noise_sd")
            mu = pm.Deterministic("mu", middle + trend * (at - at.mean()), dims="row")
            pm.CustomDist(outcome, mu, memory, noise, logp=logp, random=random, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y, at = self._y(analysis, table), Clock.of(analysis, table).at
        sd, widen = float(y.std(ddof=1)), analysis.prior_scale
        return [
            TermPrior("middle", Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * sd)}), AUTOSCALE),
            TermPrior("trend", Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * sd / at.std())}), AUTOSCALE),
            TermPrior("memory", MEMORY, FLAT),
            TermPrior("noise_sd", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(sd)}), AUTOSCALE),
        ]

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        clock, y = self._in_time(facts)
        yield Reason("one-series", f"{facts.outcome} has one value at each of {facts.n} times.", 3)
        alike = _lag_one(_leftover(clock, y, 0.0))
        if alike >= ALIKE:
            yield Reason("neighbours-alike", f"Neighbours in time are alike beyond a trend ({alike:.2f}).", 2)
            drifting, line = _errors(clock, y)
            if drifting > 1.05 * line:
                yield Reason(
                    "returns",
                    f"A line with memory predicts the next value to {line:.3g}, a level that drifts to {drifting:.3g}.",
                    2,
                )
        yield from self._gaps(facts)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        clock = Clock.of(analysis, table)
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        per, word = clock.pace
        new = self.ahead(analysis, table, dt, NEXT)
        return [
            Effect(f"change per {word}", f"Per {word}, the average of {name} changes by", "effect",
                   per * samples(dt, "trend"), unit),
            *self._next(analysis, clock, new, headline=True),
            Effect("memory", "The share of a deviation that is carried over to the next time is", "effect",
                   samples(dt, "memory"), headline=False),
        ]  # fmt: skip

    def ahead(self, analysis: Analysis, table: pd.DataFrame, dt: Any, steps: int) -> np.ndarray:
        clock = Clock.of(analysis, table)
        trend, memory, noise = samples(dt, "trend"), samples(dt, "memory"), samples(dt, "noise_sd")
        middle, end = samples(dt, "middle"), clock.at[-1] - clock.at.mean()
        left = self._y(analysis, table)[clock.order[-1]] - (middle + trend * end)
        rng, new = np.random.default_rng(1), []
        for step in range(1, steps + 1):
            left = memory * left + noise * rng.standard_normal(len(noise))
            new.append(middle + trend * (end + step) + left)
        return np.stack(new, 1)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        at = np.arange(n)
        left = remembered(rng, n, 0.6, 2.0)
        return Simulation(
            pd.DataFrame({"y": 30 + 0.05 * (at - at.mean()) + left, "day": at + 1}),
            {"y": "continuous", "day": "count"},
            {"question": "trend", "outcome": "y", "time": "day"},
            {"memory": 0.6, "noise_sd": 2.0, "trend": 0.05, "middle": 30.0},
        )


MEMORY = Prior("Uniform", {"lower": -1.0, "upper": 1.0})
FLAT = "every share for which the series returns to its line counts the same"


def remembered(rng: np.random.Generator, n: int, memory: float, noise: float) -> np.ndarray:
    """Simulate a stationary series in which each value keeps a share of the one before."""
    left = noise * rng.standard_normal(n)
    left[0] /= np.sqrt(1 - memory**2)
    for at in range(1, n):
        left[at] += memory * left[at - 1]
    return np.asarray(left)


ENTRIES: tuple[type[ModelEntry], ...] = (TrendSeason, LocalLevel, Autoregressive)
