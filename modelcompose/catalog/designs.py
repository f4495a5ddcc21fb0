"""Designs that compare with what would have been: interrupted series, comparison groups, stand-ins."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="var-annotated"

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import AUTOSCALE, Prior, TermPrior, rounded
from modelcompose.catalog.series import Clock, SeriesEntry
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

SLOPES = "over the length of the series, a change of up to 2.5 standard deviations is plausible; as in rstanarm"
HALF = "half-Student-t on the scale of the outcome, as in rstanarm and Bambi"
FLAT = "every mix of the others equally plausible; Abadie 2021, doi:10.1257/jel.20191450"
EACH_SIDE = 3
MEASURED = frozenset({"continuous", "positive", "amount", "duration", "count"})


class InterruptedSeries(SeriesEntry):
    id = "interrupted-series"
    title = "Interrupted time series"
    summary = "A straight course before a known moment, and a change of level and of slope from then on."
    equation = r"y_t \sim \mathrm{Normal}(\alpha + \beta \cdot t + \delta \cdot a_t + \gamma \cdot s_t, \sigma)"
    questions = frozenset({"intervention"})
    outcome = MEASURED
    source = "Bernal, Cummins and Gasparrini 2017, doi:10.1093/ije/dyw098"
    assumptions: ClassVar[tuple[str, ...]] = (
        "Without what began then, the series would have gone on along its earlier straight course.",
        "Nothing else that matters began at the same time.",
        "The leftovers of different times are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A season or a memory in the series can look like an effect; look at the course before the moment.",
        "There is no comparison group: what changed for everybody cannot be told apart.",
    )
    tutorial = "Draw the line of the earlier years on, and see how far the later ones depart from it."
    richer: ClassVar[tuple[str, ...]] = ("change-point",)

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, time: str, begins: float
    ) -> Any:
        import pymc as pm

        y, at = table[outcome].to_numpy(float), table[time].to_numpy().astype(float)
        at = (at - at.min()) / np.median(np.diff(np.sort(at)))  # in steps since the first time
        after = (at >= begins - 0.001).astype(float)
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            level = prior("level_before")
            slope = prior("slope_before")
            jump = prior("level_change")
            bend = prior("slope_change")
            noise = prior("noise_sd")
            mu = level + slope * (at - begins) + jump * after + bend * after * (at - begins)
            pm.Normal(outcome, pm.Deterministic("mu", mu, dims="row"), noise, observed=y, dims="row")
        return model

    def constants(self, analysis: Analysis, table: pd.DataFrame) -> dict[str, tuple[Any, str]]:
        clock = Clock.of(analysis, table)
        begins = clock.position(analysis.intervention) or 0.0
        return {"begins": (round(begins, 6), f"steps from the first time to {analysis.intervention}")}

    def unfit(self, facts: Facts) -> Rejection | None:
        clock = Clock.of(facts.analysis, facts.table)
        begins = clock.position(facts.analysis.intervention) if facts.analysis.intervention else None
        if begins is None:
            said = f"“{facts.analysis.intervention}” is no time" if facts.analysis.intervention else "none is given"
            return Rejection(
                "moment-needed",
                f"{self.title} needs the moment from which on it was in force, written as in {clock.name}; {said}.",
            )
        before = int(np.sum(clock.at < begins - 0.001))
        if min(before, facts.n - before) < EACH_SIDE:
            return Rejection(
                "both-sides",
                f"{before} points lie before {facts.analysis.intervention} and {facts.n - before} after; "
                f"{self.title} needs at least {EACH_SIDE} on each side.",
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "known-moment", f"The moment is known ({facts.analysis.intervention}); {facts.n} points in time.", 5
        )

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y, at = self._y(analysis, table), Clock.of(analysis, table).at
        spread, widen, length = float(y.std(ddof=1)) or 1.0, analysis.prior_scale, float(at[-1]) or 1.0
        slope = Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * spread / length)})
        level = Prior("Normal", {"mu": rounded(y.mean()), "sigma": rounded(2.5 * spread)})
        return [
            TermPrior("level_before", level, AUTOSCALE),
            TermPrior("slope_before", slope, SLOPES),
            TermPrior("level_change", Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * spread)}), AUTOSCALE),
            TermPrior("slope_change", slope, SLOPES),
            TermPrior("noise_sd", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(spread)}), HALF),
        ]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        clock, name = Clock.of(analysis, table), analysis.outcome
        unit, begins = analysis.units.get(name, ""), self.constants(analysis, table)["begins"][0]
        jump, bend = samples(dt, "level_change"), samples(dt, "slope_change")
        after = clock.at[clock.at >= begins - 0.001] - begins
        gap = jump + bend * after.mean()
        per, word = clock.pace
        moment = analysis.intervention
        return [
            Effect("average gap since then", f"Since {moment}, against the earlier course, the average of {name} is",
                   "difference", gap, unit),
            Effect("change of level", f"At {moment}, the level of {name} jumps by", "effect", jump, unit),
            Effect("change of slope", f"From {moment} on, the change of {name} per {word} is", "difference", per * bend,
                   unit, headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        at = np.arange(max(n, 24))
        begins = int(0.6 * len(at))
        after = at >= begins
        y = 50 + 0.05 * (at - begins) + after * (6 + 0.03 * (at - begins)) + 2 * rng.standard_normal(len(at))
        return Simulation(
            pd.DataFrame({"y": y, "week": at + 1}),
            {"y": "continuous", "week": "count"},
            {"question": "intervention", "outcome": "y", "time": "week", "intervention": str(begins + 1)},
            {"level_before": 50.0, "slope_before": 0.05, "level_change": 6.0, "slope_change": 0.03, "noise_sd": 2.0},
        )


class DifferenceInDifferences(WrittenEntry):
    id = "difference-in-differences"
    title = "Difference in differences"
    summary = "The change in those treated, less the change in the comparison group over the same time."
    equation = r"y_i \sim \mathrm{Normal}(\alpha + \beta \cdot g_i + \gamma \cdot p_i + \delta \cdot g_i p_i, \sigma)"
    questions = frozenset({"before-after"})
    outcome = MEASURED
    source = "Angrist and Pischke 2009, Mostly Harmless Econometrics, ch. 5"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 2}
    takes: ClassVar[frozenset[str]] = frozenset({"groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Without treatment, both groups would have changed by the same amount.",
        "Nobody changed groups because of the treatment.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "That both would have changed alike cannot be seen in two points in time; earlier ones would help to judge it.",
    )
    tutorial = "The comparison group shows what time alone would have done; only what goes beyond it is the effect."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str], groups: list[str]
    ) -> Any:
        import pandas as pd
        import pymc as pm

        group, period = (pd.factorize(table[name], sort=True)[0].astype(float) for name in predictors)
        units = pd.factorize(table[groups[0]])[0] if groups else np.zeros(len(table), int)
        coords = {"row": np.arange(len(table)), "unit": np.arange(units.max() + 1)}
        with pm.Model(coords=coords) as model:
            level = prior("level")
            apart = prior("groups_apart")
            drift = prior("change_of_all")
            effect = prior("effect")
            sigma = prior("sigma")
            mu = level + apart * group + drift * period + effect * group * period
            if groups:
                spread = prior("between_units")
                mu = mu + (spread * pm.Normal("unit_raw", 0, 1, dims="unit"))[units]
            y = table[outcome].to_numpy(float)
            pm.Normal(outcome, pm.Deterministic("mu", mu, dims="row"), sigma, observed=y, dims="row")
        return model

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 2:
            return Rejection(
                "two-columns", f"{self.title} needs two predictors: who was treated, and whether a row is from after."
            )
        cells = facts.table.groupby(list(facts.predictors), observed=True).size()
        if len(cells) < 4 or cells.min() < 2:
            return Rejection(
                "four-cells",
                f"Of the four combinations of {' and '.join(facts.predictors)}, {4 - len(cells)} are empty and the "
                f"smallest has {int(cells.min())} rows; each needs at least 2.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "four-cells", f"{' and '.join(facts.predictors)} tell four kinds of rows apart, each with rows.", 5
        )

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        mean, spread, widen = float(y.mean()), float(y.std(ddof=1)) or 1.0, analysis.prior_scale
        change = Prior("Normal", {"mu": 0.0, "sigma": rounded(2.5 * widen * spread)})
        return [
            TermPrior("level", Prior("Normal", {"mu": rounded(mean), "sigma": rounded(2.5 * spread)}), AUTOSCALE),
            *(TermPrior(name, change, AUTOSCALE) for name in ("groups_apart", "change_of_all", "effect")),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(spread)}), HALF),
            TermPrior("between_units", Prior("HalfNormal", {"sigma": rounded(widen * spread)}), HALF),
        ]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return self.all_priors(analysis, table)[: None if analysis.groups else -1]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        (_, treated), (_, after) = (_levels(table[column]) for column in analysis.predictors)
        who = f"{analysis.predictors[0]} = {treated}"
        lead = (
            f"Beyond what time alone did, where {who}, at {analysis.predictors[1]} = {after}, the average of {name} is"
        )
        return [
            Effect("effect on those treated", lead, "difference", samples(dt, "effect"), unit),
            Effect("change of the others", f"In the comparison group, the average of {name} changes by", "effect",
                   samples(dt, "change_of_all"), unit, headline=False),
            Effect("difference before", f"Before, where {who}, the average of {name} is", "difference",
                   samples(dt, "groups_apart"), unit, headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        units = max(n // 2, 12)
        treated = np.arange(units) % 2
        level = 20 + 3 * treated + 2 * rng.standard_normal(units)
        rows = [
            {"unit": f"u{at}", "treated": int(treated[at]), "after": after,
             "y": level[at] + 1.5 * after + 4.0 * after * treated[at] + 1.5 * rng.standard_normal()}
            for at in range(units) for after in (0, 1)
        ]  # fmt: skip
        return Simulation(
            pd.DataFrame(rows),
            {"y": "continuous", "treated": "binary", "after": "binary", "unit": "group"},
            {"question": "before-after", "outcome": "y", "predictors": ["treated", "after"], "groups": ["unit"]},
            {"groups_apart": 3.0, "change_of_all": 1.5, "effect": 4.0, "sigma": 1.5, "between_units": 2.0},
        )


def _levels(column: pd.Series) -> list[Any]:
    """Return the values of a column in the order in which they are counted from 0."""
    return sorted(column.unique()) if not hasattr(column, "cat") else sorted(map(str, column.cat.categories))


class SyntheticControl(SeriesEntry):
    id = "synthetic-control"
    title = "Synthetic control"
    summary = "A mix of the units that were not treated stands in for the one that was, fitted to the time before."
    equation = r"y_t \sim \mathrm{Normal}(\mathrm{sum}_j \cdot w_j \cdot x_t, \sigma)\,\mathrm{before}"
    questions = frozenset({"one-treated"})
    outcome = MEASURED
    source = "Abadie 2021, doi:10.1257/jel.20191450"
    needs: ClassVar[Mapping[str, int]] = {"groups": 1, "time": 1}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "The mix that followed the treated unit before would have followed it afterwards too.",
        "The treatment did nothing to the other units.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "With few times before, many mixes fit, and the answer says so by its width.",
        "When the treated unit was always above or below all others, no mix can stand in for it.",
    )
    target_accept: ClassVar[float] = 0.95  # at 0.8 we measured 30 divergences
    tutorial = "If no single neighbour is like the one treated, a blend of several neighbours may be."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, groups: list[str], time: str, treated: str, begins: float
    ) -> Any:
        import pymc as pm

        wide = table.assign(unit=table[groups[0]].astype(str)).pivot(index=time, columns="unit", values=outcome)
        at = wide.index.to_numpy().astype(float)
        at = (at - at.min()) / np.median(np.diff(at))  # in steps since the first time
        before, others = at < begins - 0.001, [name for name in wide if name != treated]
        y, x = wide[treated].to_numpy(float)[before], wide[others].to_numpy(float)[before]
        with pm.Model(coords={"row": np.arange(len(y)), "donor": others}) as model:
            weights = pm.Dirichlet("weights", np.ones(len(others)), dims="donor")
            sigma = prior("sigma")
            mu = pm.Deterministic("mu", pm.math.dot(x, weights), dims="row")
            pm.Normal(outcome, mu, sigma, observed=y, dims="row")
        return model

    def constants(self, analysis: Analysis, table: pd.DataFrame) -> dict[str, tuple[Any, str]]:
        begins = _times(analysis, table).position(analysis.intervention) or 0.0
        return {"begins": (round(begins, 6), f"steps from the first time to {analysis.intervention}")}

    def unfit(self, facts: Facts) -> Rejection | None:
        analysis, table = facts.analysis, facts.table
        group, time = analysis.groups[0], analysis.time
        units = sorted(map(str, table[group].unique()))
        if analysis.treated not in units:
            return Rejection(
                "treated-needed", f"{self.title} needs the one that was treated: one of {', '.join(units[:12])}."
            )
        if len(units) < 3:
            return Rejection("two-others", f"{self.title} needs at least 2 others; {group} has {len(units)} in all.")
        if len(table) != len(units) * table[time].nunique() or table.duplicated([group, time]).any():
            return Rejection(
                "same-times", f"Every {group} must have one row at each {time}; some times are missing or repeated."
            )
        clock = _times(analysis, table)
        begins = clock.position(analysis.intervention) if analysis.intervention else None
        before = int(np.sum(clock.at < (begins or 0) - 1e-6))
        if begins is None or before < EACH_SIDE or before == len(clock.at):
            return Rejection(
                "moment-needed",
                f"{self.title} needs the moment from which on it was in force, written as in {time}, with at least "
                f"{EACH_SIDE} times before it and one after.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        others = facts.table[facts.analysis.groups[0]].nunique() - 1
        yield Reason("one-among-many", f"{facts.analysis.treated} is compared with a mix of {others} others.", 5)

    def observed(self, analysis: Analysis, table: pd.DataFrame) -> pd.DataFrame:
        """Return the treated unit's rows before the moment, in the order of time."""
        rows = table[table[analysis.groups[0]].astype(str) == analysis.treated].sort_values(analysis.time)
        before = _times(analysis, table).at < self.constants(analysis, table)["begins"][0] - 1e-6
        kept: pd.DataFrame = rows[before].reset_index(drop=True)
        return kept

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        spread = rounded(analysis.prior_scale * (float(y.std(ddof=1)) or 1.0))
        return [TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": spread}), f"{HALF}; weights: {FLAT}")]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, unit, who = analysis.outcome, analysis.units.get(analysis.outcome, ""), analysis.treated
        wide = _wide(analysis, table)
        after = _times(analysis, table).at >= self.constants(analysis, table)["begins"][0] - 1e-6
        others = wide.drop(columns=who).to_numpy(float)[after]
        weights, sigma = samples(dt, "weights"), samples(dt, "sigma")
        noise = sigma[:, None] * np.random.default_rng(1).standard_normal((len(sigma), after.sum()))
        gap = wide[who].to_numpy(float)[after] - (weights @ others.T + noise)
        largest = np.argsort(-weights.mean(0))[:3]
        donors = wide.drop(columns=who).columns
        return [
            Effect("average gap", f"From {analysis.intervention} on, compared with its stand-in, {name} of {who} is",
                   "difference", gap.mean(1), unit),
            Effect("gap in all", f"Summed over all times since then, the gap in {name} is", "effect", gap.sum(1), unit,
                   headline=False),
            *(Effect(f"weight of {donors[at]}", f"In the stand-in, the weight of {donors[at]} is", "level",
                     weights[:, at], headline=False) for at in largest),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        times, begins, names = 30, 20, ["a", "b", "c", "d", "e"]
        x = 10 + np.cumsum(rng.standard_normal((times, len(names))), axis=0)
        weights = np.array([0.6, 0.3, 0.1, 0.0, 0.0])
        y = x @ weights + 0.3 * rng.standard_normal(times) + 3.0 * (np.arange(times) >= begins)
        table = pd.DataFrame(np.column_stack([y, x]), columns=["north", *names]).assign(year=np.arange(times) + 1990)
        long = table.melt("year", var_name="region", value_name="sales")
        return Simulation(
            long,
            {"sales": "continuous", "region": "group", "year": "count"},
            {"question": "one-treated", "outcome": "sales", "groups": ["region"], "time": "year",
             "intervention": str(1990 + begins), "treated": "north"},
            {"weights[a]": 0.6, "weights[b]": 0.3, "sigma": 0.3},
        )  # fmt: skip


def _wide(analysis: Analysis, table: pd.DataFrame) -> pd.DataFrame:
    """Return the outcome with a row for each time and a column for each unit."""
    unit = table[analysis.groups[0]].astype(str)
    return table.assign(unit=unit).pivot(index=analysis.time, columns="unit", values=analysis.outcome)


def _times(analysis: Analysis, table: pd.DataFrame) -> Clock:
    """Read the different times of a table in which every unit has each of them."""
    return Clock.of(analysis, table.drop_duplicates(analysis.time))


ENTRIES: tuple[type[ModelEntry], ...] = (InterruptedSeries, DifferenceInDifferences, SyntheticControl)
