"""Prior predictive check: would the assumptions alone produce data that could be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog.predictions import outcome_draws
from modelcompose.verdict import Finding, Remedy, Verdict
from modelcompose.workflow.steps import banded, conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

IMPLAUSIBLE_WARN, IMPLAUSIBLE_FAIL = 0.10, 0.50
EXPLODES_WARN, EXPLODES_FAIL = 0.05, 0.25
PILED_WARN, PILED_FAIL = 0.25, 0.75
GABRY = "idea: Gabry et al. 2019, doi:10.1111/rssa.12378; thresholds: ModelCompose's own"
SHOWN = 40


@dataclass(frozen=True)
class Simulated:
    """Data sets simulated from the prior, shape (draws, rows), beside the observed outcome, shape (rows,)."""

    draws: np.ndarray
    observed: np.ndarray

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame, prior: Any) -> Simulated:
        """Take the simulated outcome out of a prior predictive DataTree."""
        draws = outcome_draws(prior["prior_predictive"].to_dataset(), analysis.outcome)
        return cls(draws.astype(float), outcome_numbers(analysis, table))

    @property
    def binary(self) -> bool:
        return set(np.unique(self.observed)) <= {0.0, 1.0}

    @property
    def non_negative(self) -> bool:
        return bool((self.observed >= 0).all() and (self.draws >= 0).all())


def outcome_numbers(analysis: Analysis, table: pd.DataFrame) -> np.ndarray:
    """Return the outcome as numbers, shape (rows,); levels count from 0, so that the last of two counts as 1."""
    y = table[analysis.outcome]
    if hasattr(y, "cat"):
        return np.asarray(y.cat.codes, float)
    return np.asarray(y.to_numpy(float))


def check(analysis: Analysis, table: pd.DataFrame, prior: Any) -> Verdict:
    """Judge data sets simulated from the prior.

    The share of simulated data sets whose average falls outside the plausible range (declared, or the data's range
    widened ten times): below 10% passes, above 50% fails. For outcomes that cannot be negative, the share whose
    average exceeds 100 times the observed one; for a yes or no, the share with nearly only one answer. The observed
    average should lie in the central 99% of the simulated ones.

    Parameters
    ----------
    prior
        DataTree with a ``prior_predictive`` group.
    """
    simulated = Simulated.of(analysis, table, prior)
    low, high = _plausible(analysis, simulated)
    findings = [_conflict(simulated)]
    if simulated.binary:
        findings.insert(0, _piled_up(simulated))
    else:
        findings.insert(0, _implausible(simulated, low, high))
        if simulated.non_negative:
            findings.insert(1, _explodes(simulated))
    worst = [finding for finding in findings if finding.status != "pass"]
    return conclude(
        "prior",
        analysis,
        sentence="Before seeing the data, the model expects values that are possible and not wild."
        if not worst
        else "Before seeing the data, the model expects values that are hard to believe.",
        findings=findings,
        remedies=_remedies(analysis, findings),
        picture=_picture(analysis, simulated, low, high),
        alt=f"Averages of {len(simulated.draws)} simulated data sets against the observed average.",
    )


def _plausible(analysis: Analysis, simulated: Simulated) -> tuple[float, float]:
    declared = analysis.plausible or analysis.variables.get(analysis.outcome, {}).get("plausible")
    if isinstance(declared, list) and len(declared) == 2:
        return float(str(declared[0])), float(str(declared[1]))
    least, most = float(simulated.observed.min()), float(simulated.observed.max())
    middle, half = (least + most) / 2, (most - least) / 2
    low = 0.0 if simulated.non_negative else middle - 10 * half
    return low, middle + 10 * half


def _implausible(simulated: Simulated, low: float, high: float) -> Finding:
    means = simulated.draws.mean(1)
    share = float(np.mean((means < low) | (means > high)))
    return Finding(
        name="Simulated averages outside the plausible range",
        status=banded(share, IMPLAUSIBLE_WARN, IMPLAUSIBLE_FAIL),
        value=share,
        shown=f"{share:.0%}",
        threshold=f"below {IMPLAUSIBLE_WARN:.0%}; a failure above {IMPLAUSIBLE_FAIL:.0%}",
        sentence=f"Plausible averages are taken to lie between {low:.4g} and {high:.4g}.",
        source=GABRY,
    )


def _explodes(simulated: Simulated) -> Finding:
    share = float(np.mean(simulated.draws.mean(1) > 100 * simulated.observed.mean()))
    return Finding(
        name="Simulated averages over 100 times the observed",
        status=banded(share, EXPLODES_WARN, EXPLODES_FAIL),
        value=share,
        shown=f"{share:.0%}",
        threshold=f"below {EXPLODES_WARN:.0%}; a failure above {EXPLODES_FAIL:.0%}",
        sentence="On a multiplicative scale, priors that look wide soon mean absurd numbers.",
        source=GABRY,
    )


def _piled_up(simulated: Simulated) -> Finding:
    means = simulated.draws.mean(1)
    share = float(np.mean((means < 0.01) | (means > 0.99)))
    return Finding(
        name="Simulated data with nearly only one answer",
        status=banded(share, PILED_WARN, PILED_FAIL),
        value=share,
        shown=f"{share:.0%}",
        threshold=f"below {PILED_WARN:.0%}; a failure above {PILED_FAIL:.0%}",
        sentence="Wide priors on the logit scale say that nearly everybody answers the same.",
        source=GABRY,
    )


def _conflict(simulated: Simulated) -> Finding:
    means = simulated.draws.mean(1)
    observed = float(simulated.observed.mean())
    low, high = np.quantile(means, [0.005, 0.995])
    return Finding(
        name="Observed average among the simulated ones",
        status="pass" if low <= observed <= high else "warn",
        value=observed,
        shown=f"{observed:.4g}",
        threshold=f"between {low:.4g} and {high:.4g} (99% of simulated averages)",
        sentence="If not, assumptions and data contradict each other.",
        source=GABRY,
    )


def _remedies(analysis: Analysis, findings: list[Finding]) -> list[Remedy]:
    found = []
    if analysis.priors:
        found.append(
            Remedy(
                label="Use the default priors",
                why=f"Your own priors of {', '.join(analysis.priors)} lead to this.",
                changes={"priors": {}},
            )
        )
    if analysis.prior_scale > 1:
        found.append(
            Remedy(label="Use the default width", why="The priors were widened.", changes={"prior_scale": 1.0})
        )
    if findings[-1].status != "pass" and findings[0].status == "pass":
        wider = 2 * analysis.prior_scale
        found.append(Remedy(label="Widen the priors", why="The data lie outside them.", changes={"prior_scale": wider}))
    else:
        tighter = analysis.prior_scale / 2
        found.append(
            Remedy(
                label="Halve the width of the priors",
                why="Smaller effects then count as more plausible.",
                changes={"prior_scale": tighter},
            )
        )
    return found


def _picture(analysis: Analysis, simulated: Simulated, low: float, high: float) -> Any:
    fig, (left, right) = figure(columns=2)
    means = simulated.draws.mean(1)
    shown = np.clip(means, *np.quantile(means, [0.01, 0.99]))
    left.hist(shown, bins=40, color="#b9c7d8")
    left.axvline(simulated.observed.mean(), color="#b3261e", label="observed")
    if not simulated.binary:
        left.axvspan(max(low, shown.min()), min(high, shown.max()), color="#1b7f3b", alpha=0.08, label="plausible")
    left.set(xlabel=f"average of {analysis.outcome}", ylabel="simulated data sets")
    left.legend(fontsize=7)
    levels = np.linspace(0, 1, 50)
    for one in simulated.draws[:SHOWN]:
        right.plot(np.quantile(one, levels), levels, color="#b9c7d8", linewidth=0.7)
    right.plot(np.quantile(simulated.observed, levels), levels, color="#b3261e", label="observed")
    right.set(xlabel=analysis.outcome, ylabel="share of rows below")
    return fig
