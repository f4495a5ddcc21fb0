"""Prior predictive check: would the assumptions alone produce data that could be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.curves import turn_of
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.verdict import Finding, Remedy, Verdict
from modelcompose.workflow import conflict
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

GABRY = "idea: Gabry et al. 2019, doi:10.1111/rssa.12378; thresholds: ModelCompose's own"
SHOWN = 40
AGAIN = "One more simulation from the priors, a few seconds."


@dataclass(frozen=True)
class Simulated:
    """Data sets simulated from a model, shape (draws, rows), beside the observed outcome, shape (rows,).

    ``kind`` says what can be asked of them: ``number``; ``binary``; ``shares``, counts over attempts; ``levels``,
    numbered from 0, with their names in ``levels``; ``directions``, in radians; ``times``, as recorded.
    """

    draws: np.ndarray
    observed: np.ndarray
    kind: str = "number"
    levels: tuple[str, ...] = ()

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame, group: Any, every: int = 1) -> Simulated:
        """Take the simulated outcome out of a group of predictions, every so many draws."""
        draws = outcome_draws(group.to_dataset(), analysis.outcome)[::every].astype(float)
        observed, kind = outcome_numbers(analysis, table), _kind(analysis, table)
        if kind == "shares":
            tried = table[analysis.trials].to_numpy(float)
            return cls(draws / tried, observed / tried, kind)
        if kind == "directions":
            return cls(draws, observed * 2 * np.pi / turn_of(observed), kind)
        levels = tuple(map(str, table[analysis.outcome].cat.categories)) if kind == "levels" else ()
        return cls(draws, observed, kind, levels)

    @property
    def non_negative(self) -> bool:
        return bool((self.observed >= 0).all() and (self.draws >= 0).all())

    @property
    def bounded(self) -> bool:
        """Whether it is a share of something, so that 0 and 1 are the ends."""
        return self.kind in ("binary", "shares", "directions")

    def typical(self, values: np.ndarray) -> np.ndarray:
        """Sum up rows, shape (..., rows), in one number each: their average, or what makes sense instead."""
        if self.kind == "times":
            return np.asarray(np.median(values, -1))
        if self.kind == "directions":
            return np.asarray(np.abs(np.exp(1j * values).mean(-1)))
        return np.asarray(values.mean(-1))

    @property
    def summary(self) -> str:
        """What ``typical`` returns, in words."""
        return {"times": "median", "directions": "agreement of directions", "shares": "average share"}.get(
            self.kind, "average"
        )

    def shares(self, values: np.ndarray) -> np.ndarray:
        """Return the share of rows at each level, shape (..., levels)."""
        return np.stack([(values == level).mean(-1) for level in range(len(self.levels))], -1)


def _kind(analysis: Analysis, table: pd.DataFrame) -> str:
    column, kind = table[analysis.outcome], analysis.kinds.get(analysis.outcome)
    if hasattr(column, "cat") and (kind in ("ordered", "category") or len(column.cat.categories) > 2):
        return "levels"
    if analysis.trials:
        return "shares"
    if kind == "circular":
        return "directions"
    if analysis.question == "survival":
        return "times"
    return "binary" if set(np.unique(outcome_numbers(analysis, table))) <= {0.0, 1.0} else "number"


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
    average exceeds 100 times the observed one; for a yes or no, for shares and for levels, the share with nearly only
    one answer. The observed average should lie in the central 99% of the simulated ones. Waiting times count by their
    median, directions by the length of their mean arrow, levels by the share of each. Priors of one's own are held
    against the data by the rule of `modelcompose.workflow.conflict`.

    Parameters
    ----------
    prior
        DataTree with a ``prior_predictive`` group.
    """
    rows = catalog.get(analysis.model).observed(analysis, table)
    simulated = Simulated.of(analysis, rows, prior["prior_predictive"])
    low, high = _plausible(analysis, simulated)
    own = conflict.finding(analysis, rows, simulated.draws, simulated.observed)
    findings = [*_wild(simulated, low, high, policy_of(analysis)), *own, _conflict(simulated)]
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
        alt=f"{simulated.summary.capitalize()} of {len(simulated.draws)} simulated data sets, and the observed one.",
    )


def _wild(simulated: Simulated, low: float, high: float, policy: Policy) -> list[Finding]:
    """Ask whether simulated data are possible at all."""
    if simulated.bounded or simulated.kind == "levels":
        return [_piled_up(simulated, policy)]
    found = [_implausible(simulated, low, high, policy)]
    return [*found, _explodes(simulated, policy)] if simulated.non_negative else found


def _plausible(analysis: Analysis, simulated: Simulated) -> tuple[float, float]:
    declared = analysis.plausible or analysis.variables.get(analysis.outcome, {}).get("plausible")
    if isinstance(declared, list) and len(declared) == 2:
        return float(str(declared[0])), float(str(declared[1]))
    least, most = float(simulated.observed.min()), float(simulated.observed.max())
    middle, half = (least + most) / 2, (most - least) / 2
    low = 0.0 if simulated.non_negative else middle - 10 * half
    return low, middle + 10 * half


def _implausible(simulated: Simulated, low: float, high: float, policy: Policy) -> Finding:
    typical = simulated.typical(simulated.draws)
    share = float(np.mean((typical < low) | (typical > high)))
    return policy["implausible-averages"].finding(
        f"Simulated {simulated.summary}s outside the plausible range",
        share,
        f"{share:.0%}",
        f"Plausible {simulated.summary}s are taken to lie between {low:.4g} and {high:.4g}.",
    )


def _explodes(simulated: Simulated, policy: Policy) -> Finding:
    observed = float(simulated.typical(simulated.observed))
    share = float(np.mean(simulated.typical(simulated.draws) > 100 * observed))
    return policy["exploding-averages"].finding(
        f"Simulated {simulated.summary}s over 100 times the observed",
        share,
        f"{share:.0%}",
        "On a multiplicative scale, priors that look wide soon mean absurd numbers.",
    )


def _piled_up(simulated: Simulated, policy: Policy) -> Finding:
    """Ask how often nearly all rows say the same."""
    if simulated.kind == "levels":
        most = simulated.shares(simulated.draws).max(-1)
    else:
        typical = simulated.typical(simulated.draws)
        most = typical if simulated.kind == "directions" else np.maximum(typical, 1 - typical)
    share = float(np.mean(most > 0.99))
    return policy["piled-up-chances"].finding(
        "Simulated data with nearly only one answer",
        share,
        f"{share:.0%}",
        "Wide priors on the logit scale say that nearly everybody answers the same."
        if simulated.kind != "directions"
        else "All rows in one direction would leave nothing to explain.",
    )


def _conflict(simulated: Simulated) -> Finding:
    """Ask whether the observed data are among those that were thought possible."""
    if simulated.kind == "levels":
        return _conflict_of_levels(simulated)
    observed = float(simulated.typical(simulated.observed))
    low, high = np.quantile(simulated.typical(simulated.draws), [0.005, 0.995])
    return Finding(
        name=f"Observed {simulated.summary} among the simulated ones",
        status="pass" if low <= observed <= high else "warn",
        value=observed,
        shown=f"{observed:.4g}",
        threshold=f"between {low:.4g} and {high:.4g} (99% of the simulated)",
        sentence="If not, assumptions and data contradict each other.",
        source=GABRY,
    )


def _conflict_of_levels(simulated: Simulated) -> Finding:
    observed = simulated.shares(simulated.observed)
    low, high = np.quantile(simulated.shares(simulated.draws), [0.005, 0.995], axis=0)
    worst = int(np.maximum(low - observed, observed - high).argmax())
    return Finding(
        name="Observed shares of the levels among the simulated ones",
        status="pass" if low[worst] <= observed[worst] <= high[worst] else "warn",
        value=float(observed[worst]),
        shown=f"{observed[worst]:.1%} are {simulated.levels[worst]}",
        threshold=f"between {low[worst]:.1%} and {high[worst]:.1%} (99% of the simulated)",
        sentence="If not, assumptions and data contradict each other. The level nearest to the edge is shown.",
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
                cost="What you know of these effects no longer counts.",
                score=0.9,
            )
        )
    if analysis.prior_scale > 1:
        found.append(
            Remedy(
                label="Use the default width",
                why="The priors were widened.",
                changes={"prior_scale": 1.0},
                cost=AGAIN,
                score=0.8,
            )
        )
    if findings[-1].status != "pass" and findings[0].status == "pass":
        wider = 2 * analysis.prior_scale
        found.append(
            Remedy(
                label="Widen the priors",
                why="The data lie outside them.",
                changes={"prior_scale": wider},
                cost=AGAIN,
                score=0.6,
            )
        )
    else:
        tighter = analysis.prior_scale / 2
        found.append(
            Remedy(
                label="Halve the width of the priors",
                why="Smaller effects then count as more plausible.",
                changes={"prior_scale": tighter},
                cost=AGAIN,
                score=0.6,
            )
        )
    return found


def _picture(analysis: Analysis, simulated: Simulated, low: float, high: float) -> Any:
    fig, (left, right) = figure(columns=2)
    if simulated.kind == "levels":
        level_bars(left, simulated)
        most = simulated.shares(simulated.draws).max(-1)
        right.hist(most, bins=40, color="#b9c7d8")
        right.axvline(simulated.shares(simulated.observed).max(), color="#b3261e", label="observed")
        right.set(xlabel="share of the most frequent level", ylabel="simulated data sets")
        right.legend(fontsize=7)
        return fig
    _typical_values(left, analysis, simulated, low, high)
    levels = np.linspace(0, 1, 50)
    for one in simulated.draws[:SHOWN]:
        right.plot(np.quantile(one, levels), levels, color="#b9c7d8", linewidth=0.7)
    right.plot(np.quantile(simulated.observed, levels), levels, color="#b3261e", label="observed")
    if simulated.kind == "times":
        right.set_xscale("log")
    right.set(xlabel=analysis.outcome, ylabel="share of rows below")
    return fig


def _typical_values(axes: Any, analysis: Analysis, simulated: Simulated, low: float, high: float) -> None:
    typical = simulated.typical(simulated.draws)
    shown = np.clip(typical, *np.quantile(typical, [0.01, 0.99]))
    axes.hist(shown, bins=40, color="#b9c7d8")
    axes.axvline(simulated.typical(simulated.observed), color="#b3261e", label="observed")
    if not simulated.bounded:
        axes.axvspan(max(low, shown.min()), min(high, shown.max()), color="#1b7f3b", alpha=0.08, label="plausible")
    axes.set(xlabel=f"{simulated.summary} of {analysis.outcome}", ylabel="simulated data sets")
    axes.legend(fontsize=7)


def level_bars(axes: Any, simulated: Simulated) -> None:
    """Draw the share of each level, simulated and observed."""
    low, high = np.quantile(simulated.shares(simulated.draws), [0.05, 0.95], axis=0)
    places = np.arange(len(simulated.levels))
    axes.bar(places, high - low, bottom=low, color="#b9c7d8", label="90% of simulated")
    axes.plot(places, simulated.shares(simulated.observed), "o", color="#b3261e", label="observed")
    axes.set(xticks=places, ylabel="share of rows")
    axes.set_xticklabels([name.replace("$", r"\$")[:12] for name in simulated.levels], rotation=30, fontsize=7)
    axes.legend(fontsize=7)
