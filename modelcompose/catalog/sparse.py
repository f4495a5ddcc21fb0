"""Many columns of which few matter."""

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

PIIRONEN = "Piironen and Vehtari 2017, doi:10.1214/17-EJS1337SI"
WEAK = "weakly informative on the scale of the data, as in rstanarm and Bambi"
MATTERS = 0.1
MANY = 5


class Horseshoe(WrittenEntry):
    id = "horseshoe"
    title = "Regression with the regularised horseshoe"
    summary = "Weighs many columns at once: those that say little are shrunk to almost nothing, the others hardly."
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma),\quad \mu_i = \alpha + \mathrm{sum}_j \cdot \beta_j \cdot z_i"
    questions = frozenset({"screen", "effect"})
    outcome = frozenset({"continuous", "positive", "amount", "duration", "count"})
    source = PIIRONEN
    needs: ClassVar[Mapping[str, int]] = {"predictors": 2}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Only some of the columns matter; which ones is not known beforehand.",
        "Each column that matters does so along a straight line.",
        "The leftovers scatter like a bell curve, alike in all rows.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Of two columns that move together it may keep either; the choice between them means little.",
    )
    tutorial = "A sceptical reader: every column is thought to say nothing until the data insist."
    richer: ClassVar[tuple[str, ...]] = ("linear",)

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str]
    ) -> Any:
        import pandas as pd
        import pymc as pm

        columns = pd.get_dummies(table[predictors], drop_first=True, dtype=float)
        z = (columns - columns.mean()) / columns.std()
        rows, terms = z.shape
        few = max(1, terms // 5)  # how many columns are guessed to matter
        with pm.Model(coords={"row": np.arange(rows), "term": list(columns.columns)}) as model:
            intercept = prior("Intercept")
            sigma = prior("sigma")
            overall = pm.HalfCauchy("overall_raw", few / max(terms - few, 1) / np.sqrt(rows))
            local = pm.HalfStudentT("local_raw", nu=3, sigma=1, dims="term")  # lighter tails sample better
            slab = prior("slab")
            width = pm.math.sqrt(slab * local**2 / (slab + (overall * local) ** 2))
            beta_raw = pm.Normal("beta_raw", 0, 1, dims="term")
            beta = pm.Deterministic("beta", beta_raw * overall * width * sigma, dims="term")
            mu = pm.Deterministic("mu", intercept + pm.math.dot(z.to_numpy(), beta), dims="row")
            pm.Normal(outcome, mu, sigma, observed=table[outcome].to_numpy(float), dims="row")
        return model

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.question == "effect" and len(facts.predictors) <= facts.n / MANY:
            return Rejection(
                "few-columns",
                f"{len(facts.predictors)} columns for {facts.n} rows are not many; {self.title} is for more than one "
                f"column for every {MANY} rows.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        many = len(facts.predictors)
        yield Reason("many-columns", f"{many} columns are weighed against each other, with {facts.n} rows.", 4)
        if many > facts.n / MANY:
            yield Reason("more-columns-than-rows-bear", f"That is more than one column for every {MANY} rows.", 1)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        mean, spread = float(y.mean()), float(y.std()) or 1.0
        return [
            TermPrior("Intercept", Prior("Normal", {"mu": rounded(mean), "sigma": rounded(2.5 * spread)}), WEAK),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(spread)}), WEAK),
            TermPrior("slab", Prior("InverseGamma", {"alpha": 2, "beta": rounded(8 * analysis.prior_scale)}), PIIRONEN),
        ]

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        import pandas as pd

        columns = pd.get_dummies(table[analysis.predictors], drop_first=True, dtype=float)
        beta = samples(dt, "beta")
        spread = float(table[analysis.outcome].astype(float).std())
        matters = np.mean(np.abs(beta) > MATTERS * spread, axis=0)
        unit = analysis.units.get(analysis.outcome, "")
        found = []
        for at in np.argsort(-matters):
            name = str(columns.columns[at])
            found.append(
                Effect(
                    f"{name} (matters: {matters[at]:.0%})",
                    f"With {name} higher by 1, the average of {analysis.outcome} is",
                    "difference",
                    beta[:, at] / float(columns.iloc[:, at].std()),
                    unit,
                    headline=bool(matters[at] > 0.5) or not found,
                )
            )
        return found

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        columns = 12
        x = rng.standard_normal((n, columns))
        x = (x - x.mean(0)) / x.std(0, ddof=1)
        y = 10 + 3 * x[:, 0] - 2 * x[:, 1] + 2 * rng.standard_normal(n)
        names = [f"x{at + 1}" for at in range(columns)]
        table = pd.DataFrame(x, columns=names).assign(y=y)
        return Simulation(
            table,
            dict.fromkeys([*names, "y"], "continuous"),
            {"question": "screen", "outcome": "y", "predictors": names},
            {"Intercept": 10.0, "beta[x1]": 3.0, "beta[x2]": -2.0, "sigma": 2.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Horseshoe,)
