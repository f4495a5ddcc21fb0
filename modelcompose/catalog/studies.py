"""Combining the estimates of several studies."""

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

ROVER = "Röver et al. 2021, doi:10.1002/jrsm.1475, on the scale of the estimates"


class MetaAnalysis(WrittenEntry):
    id = "meta-analysis"
    title = "Random-effects meta-analysis"
    summary = "Every study has a true effect of its own; they scatter around the average that is asked for."
    equation = r"y_i \sim \mathrm{Normal}(\theta_i, s_i),\quad \theta_i \sim \mathrm{Normal}(\mu, \tau)"
    questions = frozenset({"combine"})
    outcome = frozenset({"continuous", "positive", "amount", "count"})
    source = "Röver 2020, doi:10.18637/jss.v093.i06"
    needs: ClassVar[Mapping[str, int]] = {"standard_error": 1}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Each estimate scatters around its study's true effect with the standard error that was reported.",
        "The true effects of the studies scatter around their average like a bell curve.",
        "No study was left out because of its result.",
    )
    limits: ClassVar[tuple[str, ...]] = ("With fewer than five studies, how much they differ is mostly assumed.",)
    tutorial = "Think of every study as a noisy look at its own truth, and of the truths as relatives of each other."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, standard_error: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, error = table[outcome].to_numpy(float), table[standard_error].to_numpy(float)
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            mu = prior("average")
            tau = prior("between_studies")
            z = pm.Normal("study_raw", 0, 1, dims="row")
            theta = pm.Deterministic("study", mu + tau * z, dims="row")
            pm.Normal(outcome, theta, error, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        error = table[analysis.standard_error].to_numpy(float)
        scale = max(float(y.std()), float(np.median(error)))
        widen = analysis.prior_scale
        return [
            TermPrior("average", Prior("Normal", {"mu": 0.0, "sigma": rounded(widen * 2.5 * scale)}), ROVER),
            TermPrior("between_studies", Prior("HalfNormal", {"sigma": rounded(widen * scale)}), ROVER),
        ]

    def unfit(self, facts: Facts) -> Rejection | None:
        error = facts.table[facts.analysis.standard_error].to_numpy(float)
        if not (error > 0).all():
            return Rejection(
                "errors-positive", f"A standard error in {facts.analysis.standard_error} is not above zero."
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "estimates-with-errors", f"Each {facts.outcome} comes with its standard error, for {facts.n} studies.", 4
        )

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        unit = analysis.units.get(analysis.outcome, "")
        mu, tau = samples(dt, "average"), samples(dt, "between_studies")
        new = mu + tau * np.random.default_rng(1).standard_normal(len(mu))
        name = analysis.outcome
        return [
            Effect(f"average {name}", f"Over all studies, the average of {name} is", "effect", mu, unit),
            Effect("spread between studies", "From study to study, the true effect varies with a standard deviation of",
                   "spread", tau, unit, headline=False),
            Effect("a new study", f"In a new study, the true {name} would be", "effect", new, unit, headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        studies = max(n // 10, 8)
        error = rng.uniform(0.5, 2.0, studies)
        theta = 2.0 + 1.5 * rng.standard_normal(studies)
        table = pd.DataFrame({"estimate": theta + error * rng.standard_normal(studies), "se": error})
        return Simulation(
            table,
            {"estimate": "continuous", "se": "standard_error"},
            {"question": "combine", "outcome": "estimate", "standard_error": "se"},
            {"average": 2.0, "between_studies": 1.5},
        )


class FixedEffectMetaAnalysis(MetaAnalysis):
    id = "fixed-effect-meta-analysis"
    title = "Fixed-effect meta-analysis"
    summary = "All studies measure one and the same true effect; only chance makes them differ."
    equation = r"y_i \sim \mathrm{Normal}(\mu, s_i)"
    assumptions: ClassVar[tuple[str, ...]] = (
        "All studies measure the same true effect.",
        "Each estimate scatters around it with the standard error that was reported.",
    )
    limits: ClassVar[tuple[str, ...]] = ("Far too sure of itself when the studies differ; meant as a contrast.",)
    tutorial = "As if one large study had been cut into pieces."
    richer: ClassVar[tuple[str, ...]] = ("meta-analysis",)

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, standard_error: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y, error = table[outcome].to_numpy(float), table[standard_error].to_numpy(float)
        with pm.Model(coords={"row": np.arange(len(y))}) as model:
            mu = prior("average")
            pm.Normal(outcome, mu, error, observed=y, dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return super().auxiliary(analysis, table)[:1]

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("estimates-with-errors", f"Each {facts.outcome} comes with its standard error.", 2)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        lead = f"If all studies measure the same, {name} is"
        return [Effect(f"common {name}", lead, "effect", samples(dt, "average"), unit)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        studies = max(n // 10, 8)
        error = rng.uniform(0.5, 2.0, studies)
        table = pd.DataFrame({"estimate": 2.0 + error * rng.standard_normal(studies), "se": error})
        return Simulation(
            table,
            {"estimate": "continuous", "se": "standard_error"},
            {"question": "combine", "outcome": "estimate", "standard_error": "se"},
            {"average": 2.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (MetaAnalysis, FixedEffectMetaAnalysis)
