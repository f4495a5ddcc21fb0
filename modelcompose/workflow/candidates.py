"""What else could have been chosen: candidate models of an analysis, and how they are fitted and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog, samplers
from modelcompose.catalog.effects import Effect, comparisons
from modelcompose.errors import InvalidAnalysis, ModelComposeError
from modelcompose.verdict import worst
from modelcompose.workflow import sampling
from modelcompose.workflow.compose import settle
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.results import effects_of

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = [
    "STOPPED",
    "WAITING",
    "Candidate",
    "LeftOut",
    "Observed",
    "answered",
    "build",
    "candidates",
    "fit",
    "not_to_trust",
    "observed",
    "present",
    "without",
]

NEIGHBOURS = 2
MOST = 4
MOST_DRAWS = 1000


@dataclass(frozen=True)
class Candidate:
    """One model that could have been chosen.

    Parameters
    ----------
    name
        What it is called, unlike the others.
    why
        Why it is among them.
    analysis
        The choices that make it.
    changes
        The choices in which it differs.
    answers
        Whether it can answer the question: a model that leaves out what was asked about cannot.
    """

    name: str
    why: str
    analysis: Analysis
    changes: Mapping[str, Any] = field(default_factory=dict)
    answers: bool = True


@dataclass(frozen=True)
class LeftOut:
    """A model that was thought of and could not be used, and why."""

    name: str
    reason: str


def present(analysis: Analysis) -> Candidate:
    """Return the analysis' own model as one among the candidates."""
    return Candidate(_title(analysis), "The model of this analysis.", analysis)


def candidates(analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> tuple[list[Candidate], list[LeftOut]]:
    """Name the models that an analysis' own is to be compared with.

    Those that were asked for, by the id of a model, its file, or a formula. Otherwise the catalogue's neighbours that
    suit the same question and columns, two at most, those for what the model may lack first; then simpler models:
    nothing but an average, and the same without each predictor, four in all. So every comparison has something to
    expand to and something to fall back on (Gelman et al. 2020, arXiv:2011.01808, section 8).

    Parameters
    ----------
    table
        The rows in use, typed.
    """
    if analysis.candidates:
        return _asked_for(analysis, dataset, table)
    return [*_neighbours(analysis, dataset), *_simpler(analysis, table)][:MOST], []


def _asked_for(analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> tuple[list[Candidate], list[LeftOut]]:
    found: list[Candidate] = []
    left_out = []
    for text in dict.fromkeys(analysis.candidates):
        try:
            one = _asked(text, analysis, dataset, table)
        except ModelComposeError as error:
            left_out.append(LeftOut(text, error.message))
            continue
        taken = {(other.model, str(other.formula)) for other in (analysis, *(other.analysis for other in found))}
        if (one.analysis.model, str(one.analysis.formula)) in taken:
            left_out.append(LeftOut(text, "It is already among the models."))
        elif one.name in {_title(analysis), *(other.name for other in found)}:
            found.append(replace(one, name=f"{one.name} ({text})"))
        else:
            found.append(one)
    return found, left_out


def _asked(text: str, analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> Candidate:
    """Settle a candidate that was asked for."""
    if "~" not in text:
        chosen = settle(analysis, {"model": text}, lambda _: dataset)
        return Candidate(_title(chosen), "You named it.", chosen, {"model": text})
    chosen = settle(analysis, {"formula": text}, lambda _: dataset)
    for name in table.columns:
        if _speaks_of(text, name) and table[name].isna().any():
            raise InvalidAnalysis(
                f"{name} has gaps in {int(table[name].isna().sum())} of the {len(table)} rows in use, so that the "
                "models would be fitted to different rows",
                where="candidates",
                remedy=f"Add {name} to the predictors, so that all models leave these rows out.",
            )
    return Candidate(text, "You named it.", chosen, {"formula": text})


def _speaks_of(text: str, name: str) -> bool:
    """Tell whether a formula, or a term of one, names a column."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _title(analysis: Analysis) -> str:
    return catalog.get(analysis.model).title


def _neighbours(analysis: Analysis, dataset: Dataset) -> Iterator[Candidate]:
    """Yield the catalogue's models for the same question and columns, those richer in what may lack first."""
    own = catalog.get(analysis.model)
    offered = [one.entry for one in catalog.recommend(analysis, dataset).candidates]
    order = sorted(offered, key=lambda one: own.richer.index(one.id) if one.id in own.richer else len(own.richer))
    quantile = getattr(own, "quantile", None)
    number = 0
    for entry in order:
        if entry.id == own.id or getattr(entry, "quantile", None) != quantile or number == NEIGHBOURS:
            continue
        try:
            chosen = settle(analysis, {"model": entry.id}, lambda _: dataset)
        except ModelComposeError:
            continue
        number += 1
        yield Candidate(entry.title, f"It suits the same question: {entry.summary}", chosen, {"model": entry.id})


def _simpler(analysis: Analysis, table: pd.DataFrame) -> Iterator[Candidate]:
    """Yield the model with nothing but an average, and without each predictor."""
    title = _title(analysis)
    average = without(analysis, analysis.predictors, table)
    if average is not None:
        only = f"{title} without any predictor" if analysis.groups else f"{title}, nothing but an average"
        why = "What the predictors add shows against a model without them."
        yield Candidate(only, why, average, {"formula": average.formula}, answers=False)
    for at, name in enumerate(analysis.predictors if len(analysis.predictors) > 1 else []):
        less = without(analysis, [name], table)
        if less is not None:
            why = f"What {name} adds shows against a model without it."
            yield Candidate(f"{title} without {name}", why, less, {"predictors": less.predictors}, answers=at > 0)


def without(analysis: Analysis, names: Sequence[str], table: pd.DataFrame) -> Analysis | None:
    """Return an analysis that leaves predictors out; None where its model needs them, or its formula is hand-written.

    Parameters
    ----------
    names
        The predictors to leave out.
    """
    entry = catalog.get(analysis.model)
    rest = [name for name in analysis.predictors if name not in names]
    if entry.own or not names or not analysis.formula or len(rest) < entry.needs.get("predictors", 0):
        return None
    spoken_of = {term for term in analysis.priors if any(_speaks_of(term, name) for name in names)}
    priors = {term: prior for term, prior in analysis.priors.items() if term not in spoken_of}
    try:
        if entry.formula(analysis, table) != analysis.formula:
            return None
        less = analysis.changed({"predictors": rest, "formula": "", "priors": priors})
        formula = entry.formula(less, table)
    except (ModelComposeError, LookupError):
        return None
    return None if formula == analysis.formula else less.changed({"formula": formula})


# -- fitting -------------------------------------------------------------------------------------------------------


def build(candidate: Candidate, table: pd.DataFrame, gaps: Any) -> tuple[Candidate, Any]:
    """Build the model of a candidate; where it has no place for one's own priors, with the catalogue's.

    Raises
    ------
    ModelComposeError
        When it cannot be built for these rows.
    """
    try:
        return candidate, catalog.build(candidate.analysis, table, gaps)
    except InvalidAnalysis:
        if not candidate.analysis.priors:
            raise
    chosen = candidate.analysis.changed({"priors": {}})
    bare = replace(candidate, analysis=chosen, changes={**candidate.changes, "priors": {}})
    return bare, catalog.build(chosen, table, gaps)


def fit(analysis: Analysis, model: Any, *, most_draws: int = MOST_DRAWS) -> Any:
    """Draw from the posterior of a candidate, as the analysis says, in each chain at most so many draws.

    The draws are not kept as those of a run.
    """
    return samplers.fit(
        model,
        sampler=analysis.sampler,
        draws=min(analysis.draws, most_draws),
        tune=min(analysis.tune, most_draws),
        chains=analysis.chains,
        target_accept=analysis.target_accept,
        metric=analysis.metric,
        random_seed=analysis.random_seed,
        record=False,
    )


STOPPED = "Sampling was stopped before all draws were made."
WAITING = "Sampling was stopped before it was its turn."


def not_to_trust(analysis: Analysis, dt: Any) -> str:
    """Say why draws cannot be used; ``""`` when they can.

    The rules are those of the sampling step; its warnings let a candidate pass.
    """
    if is_partial(dt):
        return STOPPED
    findings = sampling.judge(dt, policy_of(analysis))
    if worst(one.status for one in findings) != "fail":
        return ""
    failed = "; ".join(f"{one.name}: {one.shown}" for one in findings if one.status == "fail")
    return f"Its draws cannot be trusted ({failed})."


# -- what it explains, and what it says ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Observed:
    """What a model's likelihood speaks of: the values (rows, outcomes), and whether as probabilities or densities."""

    values: np.ndarray
    scale: str

    @property
    def digest(self) -> str:
        """Identify what is explained: only where it agrees, densities compare."""
        values = np.round(self.values, 9) + 0.0
        return f"{self.scale} of {sha256(f'{values.shape}'.encode() + values.tobytes()).hexdigest()[:16]}"


PROBABILITY, DENSITY, BOTH = "probabilities", "densities", "densities, with a probability at the limit"


def observed(model: Any) -> Observed | None:
    """Return what a model explains; None when no variable of it is observed."""
    pymc = catalog.pymc_model(model)
    variables = [one for one in pymc.observed_RVs if not one.name.startswith("gaps(")]
    if not variables:
        return None
    values = [np.asarray(pymc.rvs_to_values[one].eval(), float) for one in variables]
    whole = all(np.issubdtype(np.dtype(one.dtype), np.integer) for one in variables)
    mixed = str(getattr(getattr(model, "family", None), "name", "")).startswith(("hurdle", "zero_inflated"))
    even = len({len(one) for one in values}) == 1
    return Observed(
        np.column_stack(values) if even else values[0].reshape(len(values[0]), -1),
        PROBABILITY if whole else BOTH if mixed else DENSITY,
    )


def answered(
    wanted: Sequence[Effect], analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any
) -> dict[str, np.ndarray]:
    """Answer the same questions by another model: draws by the name of the quantity, on the same scale.

    A model that speaks in factors is asked for differences where differences are wanted, and the other way round. What
    does not vary from draw to draw is no answer: the model has no place for it.

    Parameters
    ----------
    wanted
        The quantities, as another model gave them.
    """
    kinds = {one.name: one.kind for one in wanted}
    found = {one.name: one.draws for one in effects_of(analysis, table, model, dt) if kinds.get(one.name) == one.kind}
    lacking = {name for name, kind in kinds.items() if name not in found and kind in ("difference", "ratio")}
    if lacking and getattr(model, "gaps", None) is None:
        ratio = any(kinds[name] == "ratio" for name in lacking)
        try:
            others = comparisons(analysis, table, model, dt, ratio=ratio)
        except ModelComposeError:
            others = []
        found |= {one.name: one.draws for one in others if one.name in lacking and one.kind == kinds[one.name]}
    return {name: draws for name, draws in found.items() if np.ptp(draws) > 0}
