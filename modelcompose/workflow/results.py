"""What answer and decision share: quantities with their figures, and what stands against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.effects import Effect
from modelcompose.verdict import Finding, Remedy, Verdict, Waiver, worst
from modelcompose.workflow import diagnostics, sampling
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.steps import choices_digest, conclude, judged, step, upstream, waiver
from modelcompose.workflow.words import Figures

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = [
    "Caveat",
    "caveats",
    "current",
    "earlier_checks",
    "effects_of",
    "figures_of",
    "held_back",
    "mcse",
    "more_draws",
    "names_in",
    "warning",
]

# -- quantities ----------------------------------------------------------------------------------------------------


def effects_of(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Turn the posterior into answers; where gaps were filled many times, pool what each completed table says."""
    entry = catalog.get(analysis.model)
    each = [entry.effects(analysis, part.table, model, part.dt) for part in catalog.parts(model, table, dt)]
    return [replace(same[0], draws=np.concatenate([one.draws for one in same])) for same in zip(*each, strict=True)]


def figures_of(effects: list[Effect], dt: Any, ci_prob: float) -> list[Figures]:
    """Round the figures of quantities to what their draws can tell.

    The Monte Carlo standard error is the largest of median and interval ends; the number of independent draws is the
    smaller of bulk and tail effective sample size, the latter at the interval's ends (Vehtari et al. 2021,
    doi:10.1214/20-BA1221).
    """
    errors, independent = _precision([one.draws for one in effects], dt, ci_prob)
    return [
        Figures(one, ci_prob, error=float(error), independent=float(draws))
        for one, error, draws in zip(effects, errors, independent, strict=True)
    ]


def _precision(draws: list[np.ndarray], dt: Any, ci_prob: float) -> tuple[np.ndarray, np.ndarray]:
    values = _by_chain(draws, dt)
    edge = (1 - ci_prob) / 2
    with np.errstate(all="ignore"):
        errors = [diagnostics.mcse_quantile(values, prob) for prob in (edge, 0.5, 1 - edge)]
    bulk, tail = diagnostics.ess_bulk(values), diagnostics.ess_tail(values, (edge, 1 - edge))
    total = values[0].size
    independent = np.minimum(np.nan_to_num(np.fmin(bulk, tail), nan=total), total)
    return np.nan_to_num(np.max(errors, axis=0), nan=0.0, posinf=0.0), independent


def mcse(draws: list[np.ndarray], dt: Any) -> np.ndarray:
    """Return the Monte Carlo standard error of the means of some draws, shape (quantities,)."""
    return np.asarray(np.nan_to_num(diagnostics.mcse_mean(_by_chain(draws, dt)), nan=0.0))


def _by_chain(draws: list[np.ndarray], dt: Any) -> np.ndarray:
    sizes = dt["posterior"].sizes
    return np.stack(draws).astype(float).reshape(len(draws), sizes["chain"], sizes["draw"])


def names_in(analysis: Analysis, table: pd.DataFrame) -> list[str]:
    """Return the words of an analysis that are the user's own: columns, levels, units, question, reasons."""
    levels = (
        str(level)
        for name in set(analysis.columns) & set(table.columns)
        if name in analysis.groups or table[name].dtype.kind not in "iufb"
        for level in table[name].unique()
    )
    reasons = (text for one in analysis.waivers for text in one.values())
    currency = str(analysis.decision.get("currency", ""))
    own = (analysis.estimand, analysis.model, analysis.data, analysis.policy, analysis.treated)
    return [*analysis.columns, *levels, *analysis.units.values(), *reasons, *own, currency, analysis.intervention]


# -- what stands against them --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caveat:
    """One reason to take a result with care: an earlier check that warned, failed, or was let pass by somebody."""

    step: str
    kind: Literal["failed", "waived", "warned", "stopped"]
    waiver: Waiver | None = None

    @property
    def check(self) -> str:
        """The check by its question."""
        return f"“{step(self.step).title}”"


def current(analysis: Analysis) -> dict[str, Verdict]:
    """Return the verdicts of this session that were reached under these very choices."""
    return {name: one for name, one in judged().items() if one.choices == choices_digest(name, analysis)}


def held_back(name: str, analysis: Analysis, dt: Any) -> Verdict | None:
    """Hold a step's numbers back when sampling failed, unless a named person let that pass.

    Returns
    -------
    Verdict or None
        The step's verdict without any number, or None when there is nothing against showing them.
    """
    policy = policy_of(analysis)
    computation = sampling.judge(dt, policy)
    if worst(finding.status for finding in computation) != "fail" or waiver("sampling", analysis, policy):
        return None
    return conclude(
        name,
        analysis,
        sentence="No result is shown, because the computation failed its checks.",
        findings=[finding for finding in computation if finding.status == "fail"],
        remedies=sampling.remedies(analysis, computation, dt),
    )


def caveats(name: str, analysis: Analysis, dt: Any) -> list[Caveat]:
    """Collect what stands against the result of a step, the gravest first."""
    gravest = ("failed", "waived", "stopped", "warned")
    return sorted(_caveats(name, analysis, dt), key=lambda one: gravest.index(one.kind))


def _caveats(name: str, analysis: Analysis, dt: Any) -> Iterator[Caveat]:
    policy = policy_of(analysis)
    before = {one: verdict.status for one, verdict in current(analysis).items() if one in upstream(name)}
    if "sampling" not in before:
        before["sampling"] = worst(finding.status for finding in sampling.judge(dt, policy))
    for one, status in before.items():
        if status == "fail":
            given = waiver(one, analysis, policy)
            yield Caveat(one, "waived" if given else "failed", given)
        elif status == "warn":
            yield Caveat(one, "warned")
    if is_partial(dt):
        yield Caveat("fit", "stopped")


def warning(found: list[Caveat]) -> str:
    """Say in a sentence or two what stands against a result; ``""`` when nothing does."""
    failed = [one.check for one in found if one.kind == "failed"]
    warned = [one.check for one in found if one.kind == "warned"]
    said = []
    if failed:
        said.append(f"Do not rely on this: {_checks(failed)} failed.")
    for one in found:
        if one.waiver:
            reason = one.waiver.reason.rstrip(". ")
            said.append(f"Provisional: the check {one.check} failed, and {one.waiver.by} let it pass ({reason}).")
    if any(one.kind == "stopped" for one in found):
        said.append("Provisional: sampling was stopped before all draws were made.")
    if warned:
        said.append(f"Provisional: {_checks(warned)} gave a warning.")
    return " ".join(said)


def _checks(titles: list[str]) -> str:
    listed = titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"
    return f"the check{'s' if len(titles) > 1 else ''} {listed}"


def earlier_checks(found: list[Caveat]) -> list[Finding]:
    """Count the earlier checks that stand against a result; none gives no finding."""
    if not found:
        return []
    return [
        Finding(
            name="Checks before this",
            status="warn",
            value=len(found),
            shown=", ".join(f"{one.step} {one.kind}" for one in found),
            threshold="none that warned or failed",
            sentence=warning(found),
            source="ModelCompose's own rule; idea: Gelman et al. 2020, arXiv:2011.01808",
        )
    ]


def more_draws(analysis: Analysis) -> Remedy:
    """Offer more draws, where the digits are not firm enough."""
    return Remedy(
        label="Draw twice as many samples",
        why="More draws make the reported digits firmer.",
        changes={"draws": 2 * analysis.draws},
        cost="one more fit, about twice as long",
        score=0.8,
    )
