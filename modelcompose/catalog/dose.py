"""How an effect grows with the dose."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="var-annotated"

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

LEAST_DOSES, ENOUGH_DOSES = 3, 5
WEAK = "weakly informative on the scale of the data, as in rstanarm and Bambi"
HALF = "the dose of half effect within about a factor of 7 of the middle of the doses; ModelCompose's own rule"


class Emax(WrittenEntry):
    id = "emax"
    title = "Dose and effect that levels off (Emax)"
    summary = "The effect grows with the dose, ever more slowly, towards a greatest effect."
    equation = r"y_i \sim \mathrm{Normal}(\alpha + \beta \cdot d_i \cdot (\delta + d_i)^{-1}, \sigma)"
    questions = frozenset({"dose-response"})
    outcome = frozenset({"continuous", "positive", "amount", "duration", "count"})
    source = "Thomas, Sweeney and Somayaji 2014, doi:10.1080/19466315.2014.924876"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "More of the dose never turns the effect around; each further step brings less than the one before.",
        "The leftovers scatter alike at all doses.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "When even the highest dose is far from the greatest effect, that effect and the dose of half of it are mostly "
        "assumed.",
    )
    tutorial = "Like a sponge: the first drops are soaked up at once, the last ones hardly matter."
    richer: ClassVar[tuple[str, ...]] = ("spline",)

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str]) -> Any:  # type: ignore[override]
        import pymc as pm

        dose = table[predictors[0]].to_numpy(float)
        with pm.Model(coords={"row": np.arange(len(table))}) as model:
            d = pm.Data(predictors[0], dose, dims="row")
            start = prior("without_dose")
            greatest = prior("greatest_effect")
            half = prior("half_dose")
            sigma = prior("sigma")
            mu = pm.Deterministic("mu", start + greatest * d / (half + d), dims="row")
            pm.Normal(outcome, mu, sigma, observed=table[outcome].to_numpy(float), shape=mu.shape, dims="row")
        return model

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 1:
            return Rejection("one-dose", f"{self.title} needs exactly one predictor, the dose.")
        dose = facts.table[facts.predictors[0]]
        if dose.dtype.kind not in "iuf" or dose.min() < 0:
            return Rejection("dose-not-negative", f"{facts.predictors[0]} must be a number that is never below zero.")
        if dose.nunique() < LEAST_DOSES:
            return Rejection(
                "few-doses", f"{facts.predictors[0]} has {dose.nunique()} doses; a curve needs at least {LEAST_DOSES}."
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        doses = facts.table[facts.predictors[0]].nunique()
        yield Reason("doses", f"{facts.outcome} was measured at {doses} doses, none below zero.", 5)
        if doses < ENOUGH_DOSES:
            yield Reason("few-doses", f"With {doses} doses, the shape of the curve is partly assumed.", -1)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        dose = table[analysis.predictors[0]].to_numpy(float)
        spread, widen = float(y.std()) or 1.0, analysis.prior_scale
        lowest = float(y[dose <= np.quantile(dose, 0.2)].mean())
        middle = float(np.median(dose[dose > 0]))
        return [
            TermPrior("without_dose", Prior("Normal", {"mu": rounded(lowest), "sigma": rounded(2.5 * spread)}), WEAK),
            TermPrior("greatest_effect", Prior("Normal", {"mu": 0.0, "sigma": rounded(widen * 2.5 * spread)}), WEAK),
            TermPrior("half_dose", Prior("LogNormal", {"mu": rounded(np.log(middle)), "sigma": 1.0}), HALF),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(spread)}), WEAK),
        ]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, dose = analysis.outcome, analysis.predictors[0]
        unit, per = analysis.units.get(name, ""), analysis.units.get(dose, "")
        greatest, half = samples(dt, "greatest_effect"), samples(dt, "half_dose")
        top = float(table[dose].max())
        reached = greatest * top / (half + top)
        lead = f"At the highest {dose} given ({top:g}{f' {per}' if per else ''}), compared with none, {name} changes by"
        return [
            Effect("effect of the highest dose", lead, "effect", reached, unit),
            Effect("greatest effect", f"The greatest effect of {dose} on {name} is", "effect", greatest, unit),
            Effect("dose of half effect", f"Half of it is reached at a {dose} of", "level", half, per),
            Effect("dose of 90% effect", f"Nine tenths of it are reached at a {dose} of", "level", 9 * half, per,
                   headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        dose = rng.choice([0.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0], n)
        y = 20 + 12 * dose / (20 + dose) + 3 * rng.standard_normal(n)
        return Simulation(
            pd.DataFrame({"response": y, "dose": dose}),
            {"response": "continuous", "dose": "amount"},
            {"question": "dose-response", "outcome": "response", "predictors": ["dose"]},
            {"without_dose": 20.0, "greatest_effect": 12.0, "half_dose": 20.0, "sigma": 3.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Emax,)
