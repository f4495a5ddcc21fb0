"""Beyond the average: what spreads values, and where the high ones lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import log, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import ROWS, Effect, contrasts, target_words
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
from modelcompose.catalog.priors import Prior, Scale, TermPrior, rounded

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

NUMBERS = frozenset({"continuous", "positive", "amount", "duration", "count"})
RATE = "lognormal around the value at which the model's spread is that of the outcome; checked by prior prediction"


class Spread(MeasuredEntry):
    id = "spread"
    title = "Regression of the average and of the spread"
    summary = "A predictor may change the average, and also how far values scatter around it."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma_i)"
    questions = frozenset({"spread"})
    outcome = NUMBERS
    source = "Rigby and Stasinopoulos 2005, doi:10.1111/j.1467-9876.2005.00510.x"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    assumptions: ClassVar[tuple[str, ...]] = (
        "Around the average, values scatter like a bell curve, whose width depends on the predictors.",
        "Each step of a predictor multiplies that width by the same factor.",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A few values far out look like a large spread; look at them before you read the factor.",
    )
    tutorial = "Two machines may fill the same average, and still only one of them can be trusted."

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("spread-asked", f"You ask how the spread of {facts.outcome} changes.", 5)
        if facts.sd_ratio and facts.sd_ratio > 2:
            yield Reason("unequal-spread", f"One group's spread is {facts.sd_ratio:.1f} times the other's.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> list[str]:
        terms = right_side([term(name, table) for name in analysis.predictors])
        return [f"{quoted(analysis.outcome)} ~ {terms}", f"sigma ~ {terms}"]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say by which factor the standard deviation changes, and in addition how the average does."""
        rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=0)
        found = []
        for name in analysis.predictors:
            for step, short, low, high in contrasts(name, rows, analysis):
                factor = np.exp(np.log(sigma(model, dt, high) / sigma(model, dt, low)).mean(1))
                lead = f"{step}, the standard deviation of {analysis.outcome} is multiplied by"
                found.append(Effect(f"spread: {short} (factor)", lead, "ratio", factor))
        averages = super().effects(analysis, table, model, dt)
        return found + [replace(one, name=f"average: {one.name}", headline=False) for one in averages]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x, machine = rng.normal(5, 2, n), rng.choice(["a", "b"], n, p=[0.6, 0.4])
        spread = np.exp(0.3 + 0.15 * (x - x.mean()) + 0.6 * (machine == "b"))
        y = 20 + 1.0 * (x - x.mean()) + spread * rng.standard_normal(n)
        return Simulation(
            pd.DataFrame({"y": y, "x": x, "machine": machine}),
            {"y": "continuous", "x": "continuous", "machine": "category"},
            {"question": "spread", "outcome": "y", "predictors": ["x", "machine"]},
            {"Intercept": 20.0, "center(x)": 1.0, "sigma_center(x)": 0.15, "sigma_machine[b]": 0.6},
        )


def sigma(model: Any, dt: Any, rows: pd.DataFrame) -> np.ndarray:
    """Predict the standard deviation of rows, shape (draws, rows)."""
    from xarray import DataTree

    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    predicted = model.predict(light, kind="response_params", data=rows, inplace=False)["posterior"]["sigma"]
    return np.asarray(predicted.stack(sample=("chain", "draw")).transpose("sample", ...).values)


class Quantile(MeasuredEntry):
    """The working likelihood of quantile regression: its lowest loss is at the quantile.

    The asymmetric Laplace distribution with ``kappa`` fixed at the square root of q / (1 - q) has its location at the
    quantile q (Yu and Moyeed 2001).
    """

    id = "quantile"
    title = "Regression of a high value"
    summary = "Follows the value that 9 of 10 stay below, which may change otherwise than the average."
    family = "asymmetriclaplace"
    equation = r"y_i \sim \mathrm{AsymmetricLaplace}(\mu_i, b, \kappa),\quad \kappa = 3"
    questions = frozenset({"quantile"})
    outcome = NUMBERS
    source = "Yu and Moyeed 2001, doi:10.1016/S0167-7152(01)00124-9"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    quantile: ClassVar[float] = 0.9
    fixed: ClassVar[Mapping[str, float]] = {"kappa": round(sqrt(0.9 / 0.1), 6)}
    assumptions: ClassVar[tuple[str, ...]] = (
        "The value that 9 of 10 stay below rises or falls by the same amount for every step of a predictor.",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Only that one value is modelled: simulated rows do not look like real ones, and are not meant to.",
        "Its intervals are approximate, since the distribution behind it is a device "
        "(Yang, Wang and He 2016, doi:10.1111/insr.12114).",
        "Of n rows only a tenth lies above: with fewer than some 50 rows little can be said.",
    )
    tutorial = "The average of rents may stand still while the highest tenth runs away; this follows the latter."

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n < 30:
            return Rejection("thirty-rows", f"{facts.n} rows leave too few high ones; it needs 30 rows at least.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("high-values-asked", f"You ask about the high values of {facts.outcome}.", 5)
        if facts.n < 100:
            yield Reason(
                "few-high-values", f"Some {facts.n // 10} of {facts.n} rows lie above: the answer is rough.", 0
            )

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return f"{quoted(analysis.outcome)} ~ {right_side([term(name, table) for name in analysis.predictors])}"

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        y = table[analysis.outcome].astype(float)
        return Scale("identity", float(y.quantile(self.quantile)), float(y.std()))

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """The rate at which the distribution falls off: below the quantile, its mean distance is kappa / b."""
        typical = self.fixed["kappa"] / float(table[analysis.outcome].astype(float).std())
        return [TermPrior("b", Prior("LogNormal", {"mu": rounded(log(typical)), "sigma": 1.0}), RATE)]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        average, high = target_words(analysis, table), f"the value that 9 of 10 of {analysis.outcome} stay below"
        found = super().effects(analysis, table, model, dt)
        return [replace(one, lead=one.lead.replace(average, high)) for one in found]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(10, 3, n)
        kappa, b = self.fixed["kappa"], 1.5
        below = rng.random(n) < kappa**2 / (1 + kappa**2)
        distance = np.where(below, -rng.exponential(kappa / b, n), rng.exponential(1 / (kappa * b), n))
        return Simulation(
            pd.DataFrame({"y": 12 + 0.8 * (x - x.mean()) + distance, "x": x}),
            {"y": "continuous", "x": "continuous"},
            {"question": "quantile", "outcome": "y", "predictors": ["x"]},
            {"Intercept": 12.0, "center(x)": 0.8, "b": b},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Spread, Quantile)
