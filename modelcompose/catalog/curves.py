"""Relationships that are no straight line: curves, surfaces and directions."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="var-annotated"

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, comparisons, contrasts, expected, outcome_unit, samples, target_words
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
from modelcompose.catalog.priors import Prior, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

NUMBERS = frozenset({"continuous", "positive", "amount", "duration", "count"})
HEIGHTS = "the heights of the curve over its knots, on the scale of the outcome, as slopes in rstanarm and Bambi"
LENGTH = "1% below what the waves can follow and 1% above the whole range; Betancourt 2020, Robust Gaussian Processes"
AMPLITUDE = "half-normal on the scale of the outcome; Riutort-Mayol et al. 2023, doi:10.1007/s11222-022-10167-2"
LEVEL = "weakly informative on the scale of the data, as in rstanarm and Bambi"
NOISE = "as in rstanarm and Bambi, on the scale of the outcome"
LEAST_VALUES, KNOTTED = 10, 6
GRID = 60


class CurveEntry(MeasuredEntry):
    """An entry that draws a curve along the first numeric predictor."""

    questions = frozenset({"curve"})
    outcome = NUMBERS

    def unfit(self, facts: Facts) -> Rejection | None:
        name = along(facts.analysis, facts.table)
        if not name:
            return Rejection("one-number", f"{self.title} needs a numeric column to draw the curve along.")
        different = facts.table[name].nunique()
        if different < LEAST_VALUES:
            return Rejection(
                "ten-values",
                f"{name} has {different} different values, a curve needs {LEAST_VALUES}: compare categories.",
            )
        return None

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say the expected outcome at low, middle and high values, how they differ, and where it is highest."""
        name = along(analysis, table)
        at, unit = table[name].quantile([0.05, 0.5, 0.95]).to_numpy(float), analysis.units.get(name, "")
        low, middle, high = (f"{value:.4g} {unit}".strip() for value in at)
        y_unit, target = outcome_unit(analysis, table), target_words(analysis, table)
        grid = np.unique(np.concatenate([at, np.linspace(at[0], at[2], GRID)]))
        draws = self._along(analysis, table, model, dt, grid)
        first, mid, last = (draws[:, int(np.searchsorted(grid, value))] for value in at)
        found = [
            Effect(f"{name}: {middle} against {low}", f"With {name} at {middle} instead of {low}, {target} is",
                   "difference", mid - first, y_unit),
            Effect(f"{name}: {high} against {middle}", f"With {name} at {high} instead of {middle}, {target} is",
                   "difference", last - mid, y_unit),
            Effect(f"highest at {name}", f"Between {low} and {high}, {target} is highest where {name} is", "level",
                   grid[draws.argmax(1)], unit, headline=False),
        ]  # fmt: skip
        for value, there in ((low, first), (middle, mid), (high, last)):
            lead = f"With {name} at {value}, {target} is"
            found.append(Effect(f"{name} = {value}", lead, "level", there, y_unit, headline=False))
        return found + self._others(analysis, table, model, dt, name)

    def _along(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any, grid: np.ndarray) -> np.ndarray:
        """Predict along a grid, the other predictors as in the middle of the rows; shape (draws, grid)."""
        import pandas as pd

        name = along(analysis, table)
        row = pd.concat([table.iloc[[0]]] * len(grid), ignore_index=True).assign(**{name: grid})
        for other in analysis.predictors:
            column = table[other]
            if other != name and not hasattr(column, "cat"):
                row[other] = column.mean()
        return expected(model, dt, row)

    def _others(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any, name: str) -> list[Effect]:
        rest = analysis.changed({"predictors": [one for one in analysis.predictors if one != name]})
        return [replace(one, headline=False) for one in comparisons(rest, table, model, dt, ratio=False)]


def along(analysis: Analysis, table: pd.DataFrame) -> str:
    """Name the first numeric predictor, along which the curve is drawn; empty when there is none."""
    return next((name for name in analysis.predictors if table[name].dtype.kind in "iuf"), "")


class Spline(CurveEntry):
    id = "spline"
    title = "Smooth curve of polynomial pieces"
    summary = "A curve made of smooth pieces along one column; others add straight lines."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    source = "McElreath, Statistical Rethinking 2e, section 4.5; de Boor 1978, A Practical Guide to Splines"
    richer: ClassVar[tuple[str, ...]] = ("gaussian-process",)
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    assumptions: ClassVar[tuple[str, ...]] = (
        "The average follows a smooth curve with no jumps.",
        "Around the curve, values scatter alike everywhere, like a bell curve.",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Outside the observed range the curve means nothing.",
        "With its fixed number of pieces it cannot follow many ups and downs.",
    )
    tutorial = "Bend a thin strip of wood through the points: stiff enough to ignore noise, soft enough to follow."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        name = along(facts.analysis, facts.table)
        yield Reason("curve-asked", f"You ask for a curve along {name}.", 5)
        yield Reason("quick-curve", "It needs no adjustment and little time.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        name = along(analysis, table)
        others = [term(one, table) for one in analysis.predictors if one != name]
        return f"{quoted(analysis.outcome)} ~ {right_side([f'bs({quoted(name)}, df={KNOTTED})', *others])}"

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """The coefficients of a spline are heights of the curve above its left end, not slopes."""
        found = super().default_priors(analysis, table)
        height = rounded(2.5 * analysis.prior_scale * self.scale(analysis, table).spread)
        prior = Prior("Normal", {"mu": 0.0, "sigma": height})
        return [replace(one, prior=prior, source=HEIGHTS) if one.term.startswith("bs(") else one for one in found]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, site = rng.uniform(0, 10, n), rng.choice(["a", "b"], n, p=[0.65, 0.35])
        y = 5 + 3 * np.sin(x * 0.8) + 1.5 * (site == "b") + 1.0 * rng.standard_normal(n)
        return Simulation(
            pd.DataFrame({"y": y, "x": x, "site": site}),
            {"y": "continuous", "x": "continuous", "site": "category"},
            {"question": "curve", "outcome": "y", "predictors": ["x", "site"]},
            {"sigma": 1.0, "site[b]": 1.5},
        )


class GaussianProcess(WrittenEntry, CurveEntry):
    id = "gaussian-process"
    title = "Gaussian process"
    summary = "A curve of any shape, as smooth as the data make it; made of waves."
    family = "written in PyMC"
    equation = r"y_i \sim \mathrm{Normal}(f(x_i), \sigma),\quad f \sim \mathrm{GP}(\mu, k)"
    source = "Riutort-Mayol et al. 2023, doi:10.1007/s11222-022-10167-2"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    assumptions: ClassVar[tuple[str, ...]] = (
        "Nearby values of the predictor have similar averages; how near is learnt from the data.",
        "Around the curve, values scatter alike everywhere, like a bell curve.",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Outside the observed range the curve goes back to the overall level.",
        "Its 20 waves cannot follow bends much shorter than a tenth of the range.",
    )
    tutorial = "A line of neighbours: each looks like those beside it, and less and less like those further away."
    SHORTEST: ClassVar[float] = 0.1
    target_accept: ClassVar[float] = 0.99  # 0 divergences in our measurements, where 0.8 had 23 to 362

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str]) -> Any:  # type: ignore[override]
        import pymc as pm
        import pytensor.tensor as pt

        y, places = table[outcome].to_numpy(float), table[predictors].to_numpy(float)
        edge = 0.75 * (places.max(0) - places.min(0))  # the waves reach beyond what was observed
        start = (places.max(0) + places.min(0)) / 2 - edge
        counts = np.meshgrid(*[np.arange(1, 21 if len(predictors) == 1 else 9)] * len(predictors))
        frequency = np.column_stack([one.ravel() for one in counts]) * np.pi / (2 * edge)
        level = np.sin((places - start)[:, None, :] * frequency).prod(-1).mean(0)
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            x = pt.stack([pm.Data(name, table[name].to_numpy(float), dims="row") for name in predictors], axis=1)
            waves = pt.sin((x - start)[:, None, :] * frequency).prod(-1) - level  # around 0 over the rows
            likeness = pm.gp.cov.Matern52(len(predictors), ls=prior("length"))
            size = prior("amplitude") * pt.sqrt(likeness.power_spectral_density(frequency) / edge.prod())
            weights = pm.Normal("curve_raw" if len(predictors) == 1 else "surface_raw", 0, 1, shape=len(frequency))
            curve = waves @ (size * weights)
            mu = pm.Deterministic("mu", prior("Intercept") + curve, dims="row")
            pm.Normal(outcome, mu, prior("sigma"), observed=y, dims="row")
        return model

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 1:
            return Rejection("one-predictor", f"{self.title} takes one predictor; there are {len(facts.predictors)}.")
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("curve-asked", f"You ask for a curve along {facts.predictors[0]}.", 5)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        scale = self.scale(analysis, table)
        spread, widen = rounded(scale.spread), analysis.prior_scale
        reach = max(float(table[name].max() - table[name].min()) for name in analysis.predictors)
        level = Prior("Normal", {"mu": rounded(scale.centre), "sigma": rounded(2.5 * scale.spread)})
        return [
            TermPrior("Intercept", level, LEVEL),
            TermPrior("amplitude", Prior("HalfNormal", {"sigma": rounded(widen * scale.spread)}), AMPLITUDE),
            TermPrior("length", between(self.SHORTEST * reach, reach), LENGTH),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": spread}), NOISE),
        ]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.uniform(0, 10, n)
        y = 5 + 3 * np.sin(x * 0.8) + 1.0 * rng.standard_normal(n)
        return Simulation(
            pd.DataFrame({"y": y, "x": x}),
            {"y": "continuous", "x": "continuous"},
            {"question": "curve", "outcome": "y", "predictors": ["x"]},
            {"sigma": 1.0},
        )


def between(low: float, high: float) -> Prior:
    """Return the inverse gamma distribution with 1% below one length and 1% above another."""
    from scipy.optimize import brentq
    from scipy.stats import invgamma

    def ratio(shape: float) -> float:
        return float(np.log(invgamma.ppf(0.99, shape) / invgamma.ppf(0.01, shape)) - np.log(high / low))

    shape = float(brentq(ratio, 0.5, 500))
    return Prior("InverseGamma", {"alpha": rounded(shape), "beta": rounded(low / float(invgamma.ppf(0.01, shape)))})


class Spatial(GaussianProcess):
    id = "spatial"
    title = "Smooth surface over a map"
    summary = "Places near each other have similar averages; how near is learnt from the data."
    questions = frozenset({"map"})
    needs: ClassVar[Mapping[str, int]] = {"predictors": 2}
    assumptions: ClassVar[tuple[str, ...]] = (
        "Places near each other have similar averages, the same in every direction.",
        "Both coordinates are in the same unit.",
        "Around the surface, values scatter alike everywhere, like a bell curve.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Degrees of longitude are shorter far from the equator; over large areas use coordinates in metres.",
        "Rivers, borders and mountains are not known to it.",
        "Its waves cannot follow hills much smaller than a third of the map.",
    )
    tutorial = "A blanket over the map: it rises and falls, but never tears."
    SHORTEST: ClassVar[float] = 0.3

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 2:
            return Rejection("two-coordinates", f"{self.title} takes exactly two coordinates.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("map-asked", f"You ask how {facts.outcome} varies over {' and '.join(facts.predictors)}.", 5)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say how much places differ, where it is highest, and over which distance places are alike."""
        rows = table.drop_duplicates(analysis.predictors)
        rows = rows if len(rows) <= 300 else rows.sample(300, random_state=0)
        draws = expected(model, dt, rows)
        unit, target = outcome_unit(analysis, table), target_words(analysis, table)
        top, bottom = rows.iloc[int(draws.mean(0).argmax())], rows.iloc[int(draws.mean(0).argmin())]
        there = ", ".join(f"{name} {top[name]:.4g}" for name in analysis.predictors)
        least = ", ".join(f"{name} {bottom[name]:.4g}" for name in analysis.predictors)
        gap = draws[:, int(draws.mean(0).argmax())] - draws[:, int(draws.mean(0).argmin())]
        lead = f"Where it is highest ({there}) instead of lowest ({least}), {target} is"
        away = analysis.units.get(analysis.predictors[0], "")
        return [
            Effect("highest against lowest place", lead, "difference", gap, unit),
            Effect("spread over the map", f"From place to place, {target} varies with a standard deviation of",
                   "spread", draws.std(1), unit),
            Effect("length", "Places are alike over distances up to about", "level", samples(dt, "length"), away,
                   headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        east, north = rng.uniform(0, 100, n), rng.uniform(0, 60, n)
        surface = 4 * np.sin(east / 20) + 3 * np.cos(north / 18)
        table = pd.DataFrame({"yield": 50 + surface + 1.5 * rng.standard_normal(n), "east": east, "north": north})
        return Simulation(
            table,
            {"yield": "continuous", "east": "coordinate", "north": "coordinate"},
            {"question": "map", "outcome": "yield", "predictors": ["east", "north"]},
            {"sigma": 1.5},
        )


# -- directions --------------------------------------------------------------------------------------------------


TURNS: Mapping[float, str] = {2 * np.pi: "radians", 12.0: "months", 24.0: "hours", 360.0: "degrees"}
"""How long a full turn may be, by what the numbers then are."""


def turn_of(values: np.ndarray) -> float:
    """Return the length of a full turn: the shortest that holds every value, or the longest."""
    reach = float(np.abs(values).max())
    return next((turn for turn in TURNS if reach <= turn), 360.0)


def mean_direction(angles: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the direction of the sum of unit vectors, in radians (Mardia and Jupp 2000, Directional Statistics)."""
    return np.asarray(np.arctan2(np.sin(angles).sum(axis), np.cos(angles).sum(axis)))


class Circular(WrittenEntry):
    id = "circular"
    title = "Regression of a direction"
    summary = "A direction or a time of day, which goes round; predictors turn it."
    equation = r"y_i \sim \mathrm{VonMises}(\mu_i, \kappa)"
    questions = frozenset({"effect", "compare-two"})
    outcome = frozenset({"circular"})
    source = "Mardia and Jupp 2000, Directional Statistics, doi:10.1002/9780470316979"
    assumptions: ClassVar[tuple[str, ...]] = (
        "Directions scatter around one middle direction, alike on both sides.",
        "Each step of a predictor turns the middle direction by the same angle.",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Two opposite main directions, such as tides, do not fit.",
        "How long a full turn is follows from the largest number: 6.28, 12, 24 or 360.",
    )
    tutorial = "Between 23 and 1 o'clock lies midnight, not noon: on a circle, averages are taken of arrows."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str]) -> Any:  # type: ignore[override]
        import pymc as pm
        import pytensor.tensor as pt

        y = table[outcome].to_numpy(float)
        turn = next((one for one in (2 * np.pi, 12, 24, 360) if abs(y).max() <= one), 360)
        angle = (y * 2 * np.pi / turn + np.pi) % (2 * np.pi) - np.pi  # radians from -π to π
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name}: {one}": pt.eq(code, at) for at, one in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            model.add_coord("term", list(x))
            middle = prior("Intercept") + pt.stack(list(x.values()), axis=1) @ prior("slope", dims="term")
            pm.Deterministic("mu", middle * turn / (2 * np.pi), dims="row")
            pm.VonMises(outcome, mu=middle, kappa=prior("concentration"), observed=angle, dims="row")
        return model

    def unfit(self, facts: Facts) -> Rejection | None:
        if not facts.predictors:
            return Rejection("needs-predictors", f"{self.title} needs a predictor.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        turn = turn_of(facts.table[facts.outcome].to_numpy(float))
        yield Reason(
            "circular-outcome",
            f"{facts.outcome} goes round: its values are read as {TURNS[turn]} ({turn:.4g} a turn).",
            5,
        )

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        middle = float(mean_direction(y * 2 * np.pi / turn_of(y)))
        slope = Prior("Normal", {"mu": 0.0, "sigma": rounded(0.8 * analysis.prior_scale)})
        return [
            TermPrior("Intercept", Prior("Normal", {"mu": rounded(middle), "sigma": 1.0}),
                      "radians around the mean direction; a third of a turn is well possible"),
            TermPrior("slope", slope, "radians for each standard deviation or level: up to a quarter turn in 95%"),
            TermPrior("concentration", Prior("Gamma", {"alpha": 2, "beta": 0.2}),
                      "from nearly no main direction to a narrow beam; checked by prior prediction"),
        ]  # fmt: skip

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say by which angle each predictor turns the direction, in the column's own unit."""
        y = table[analysis.outcome].to_numpy(float)
        turn = turn_of(y)
        unit = analysis.units.get(analysis.outcome, "") or TURNS[turn]
        found = []
        for name in analysis.predictors:
            for step, short, low, high in contrasts(name, table, analysis):
                angle = (expected(model, dt, high) - expected(model, dt, low)).mean(1)
                lead = f"{step}, the direction of {analysis.outcome} turns (above 0: towards higher numbers) by"
                found.append(Effect(short, lead, "effect", angle, unit))
        angles = 2 * np.pi / turn * expected(model, dt, table)
        middle = mean_direction(angles)
        centre = float(mean_direction(middle))
        near = (middle - centre + np.pi) % (2 * np.pi) - np.pi + centre % (2 * np.pi)
        lead = f"Over all rows, the mean direction of {analysis.outcome} is"
        return [*found, Effect("mean direction", lead, "level", near * turn / (2 * np.pi), unit, headline=False)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, side = rng.normal(20, 5, n), rng.choice(["left", "right"], n, p=[0.6, 0.4])
        middle = 1.0 + 0.5 * (x - x.mean()) / x.std(ddof=1) + 0.7 * (side == "right")
        angle = rng.vonmises(np.angle(np.exp(1j * middle)), 4.0)
        return Simulation(
            pd.DataFrame({"wind": np.rad2deg(angle) % 360, "x": x, "side": side}),
            {"wind": "circular", "x": "continuous", "side": "category"},
            {"question": "effect", "outcome": "wind", "predictors": ["x", "side"]},
            {"Intercept": 1.0, "slope[x]": 0.5, "slope[side: right]": 0.7, "concentration": 4.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Spline, GaussianProcess, Spatial, Circular)
