"""Posterior predictive check: do data simulated from the fitted model look like the real ones?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.curves import mean_direction
from modelcompose.catalog.entry import term
from modelcompose.catalog.survival import happened
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow.alternatives import alternatives, explaining
from modelcompose.workflow.discrepancies import (
    BEND,
    BINS,
    GAP,
    Statistic,
    bounds_of,
    discrepancies,
    kaplan_meier,
)
from modelcompose.workflow.fit import another, is_partial
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.prior import Simulated, level_bars
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

COVERAGE = 0.90
MOST_DRAWS = 1000
SHOWN = 40
TRUNCATED = 2.0  # times as much as a Poisson count varies: above, extra zeros alone do not explain the spread


def check(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Verdict:
    """Compare statistics of replicated data with those of the real ones.

    The statistics are ones that the family does not fit by itself: bends along numeric predictors, extremes and
    skewness of a number, spread and zeros of a count, calibration of a yes or no and of levels, variation beyond
    chance of counts out of attempts, the agreement of directions around their prediction, the likeness of neighbours
    in time, and the spread of the groups' averages. Waiting times are compared by the share that lasts, estimated with
    those that had not ended (Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452). A model of a quantile is
    judged by the share of rows below it alone, since its distribution is a device. A statistic's tail probability
    P(T(replicated) ≥ T(observed)) passes between 0.05/k and its mirror and fails outside 0.01/k, where k counts the
    statistics, so that a right model rarely fails by chance; of gaps in calibration only large ones count. The central
    90% interval of the predictions should hold 90% of the rows, within the central 99% of its binomial distribution.
    These are the default thresholds; a policy may have others.

    Parameters
    ----------
    dt
        DataTree with a ``posterior_predictive`` group.
    """
    table = catalog.get(analysis.model).observed(analysis, table)
    simulated = _simulated(analysis, table, dt)
    findings = _findings(analysis, table, simulated)
    status = worst(finding.status for finding in findings)
    return conclude(
        "posterior",
        analysis,
        sentence="Data simulated from the fitted model look like yours in the respects checked."
        if status == "pass"
        else "Data simulated from the fitted model differ from yours: "
        + "; ".join(finding.name.lower() for finding in findings if finding.status in ("warn", "fail"))
        + ".",
        findings=findings,
        remedies=_remedies(analysis, table, simulated, findings, dt),
        picture=_picture(analysis, table, simulated),
        alt=f"Distribution of {analysis.outcome}: observed against {SHOWN} simulated data sets.",
        partial=is_partial(dt),
    )


def _simulated(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Simulated:
    group = dt["posterior_predictive"]
    every = max(1, group.sizes["chain"] * group.sizes["draw"] // MOST_DRAWS)
    found = Simulated.of(analysis, table, group, every)
    return _around_prediction(found) if found.kind == "directions" else found


def _around_prediction(simulated: Simulated) -> Simulated:
    """Turn directions into angles from the predicted direction of their row, from -π to π."""
    predicted = mean_direction(simulated.draws, 0)
    return replace(
        simulated, draws=_wrapped(simulated.draws - predicted), observed=_wrapped(simulated.observed - predicted)
    )


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return np.asarray((angles + np.pi) % (2 * np.pi) - np.pi)


def _findings(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> list[Finding]:
    quantile = getattr(catalog.get(analysis.model), "quantile", None)
    rules = policy_of(analysis)
    if quantile is not None:
        return [_below(simulated, quantile, rules)]
    return judge(analysis, table, simulated)


def judge(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> list[Finding]:
    """Hold data sets simulated from a fitted model against the observed one, by the rules of ``check``."""
    rules = policy_of(analysis)
    statistics = discrepancies(analysis, table, simulated)
    scale = 1 / len(statistics)
    found = [_tail(name, why, statistic, simulated, rules, scale) for name, why, statistic in statistics]
    if simulated.kind in ("number", "shares", "directions"):
        counted = table[analysis.outcome].to_numpy(float)
        found.append(_coverage(simulated, rules, whole=bool((counted == counted.round()).all())))
    return found


def _below(simulated: Simulated, quantile: float, rules: Policy) -> Finding:
    """Judge a model of a quantile by the share of rows below it."""
    predicted = np.quantile(simulated.draws, quantile, axis=0)
    inside = simulated.observed <= predicted
    found = _share(inside, quantile, rules, f"Rows below the value that {quantile:.0%} are to stay below")
    said = "Only this value is modelled; simulated rows are not meant to look like real ones."
    return found.model_copy(update={"sentence": said})


def _share(inside: np.ndarray, nominal: float, rules: Policy, name: str) -> Finding:
    """Hold a share of rows, (rows,) true or false, against the binomial distribution around the nominal one."""
    from scipy.stats import binom

    rows, count = len(inside), int(inside.sum())
    rule = rules["rows-covered"]
    p = min(float(binom.cdf(count, rows, nominal)), float(binom.sf(count - 1, rows, nominal)))
    least, most = binom.ppf([rule.limit, 1 - rule.limit], rows, nominal) / rows
    found = rule.finding(name, p, f"{count / rows:.1%}", words=f"from {least:.1%} to {most:.1%}")
    return found.model_copy(update={"value": count / rows})


def _tail(name: str, why: str, statistic: Statistic, simulated: Simulated, rules: Policy, scale: float) -> Finding:
    replicated = statistic(simulated.draws.astype(float))
    observed = float(statistic(simulated.observed))
    # Ties count half, so that a discrete statistic that always agrees has a tail probability of one half.
    p = float(np.mean(replicated > observed) + np.mean(replicated == observed) / 2)
    gap = name.startswith(GAP)  # predictions that are nearer than chance would have them are no misfit
    rule = rules["tail-probability"]
    least = rule.limit * scale
    highest = " on" if gap else f" to {1 - least:.3f}"
    low, high = np.quantile(replicated, [0.05, 0.95])
    found = rule.finding(
        name,
        p if gap else min(p, 1 - p),
        f"observed {observed:.4g}, simulated {low:.4g} to {high:.4g}",
        why,
        scale=scale,
        words=f"tail probability {p:.3f}: from {least:.3f}{highest}",
    )
    return found.model_copy(update={"value": p})


def _coverage(simulated: Simulated, rules: Policy, *, whole: bool) -> Finding:
    """Judge how many rows lie inside their predictive interval.

    Predicting the rows it was fitted to, a flexible model covers too many; whole numbers add to that.
    """
    edge = (1 - COVERAGE) / 2
    low, high = np.quantile(simulated.draws, [edge, 1 - edge], axis=0)
    inside = (simulated.observed >= low) & (simulated.observed <= high)
    found = _share(inside, COVERAGE, rules, f"Rows inside their {COVERAGE:.0%} predictive interval")
    said = "Whether predictions are as uncertain as they should be."
    if found.status != "pass" and inside.mean() > COVERAGE:
        said = "Wider than need be: cautious rather than wrong."
        found = found.model_copy(update={"status": "pass" if whole else "info"})
    return found.model_copy(update={"sentence": said})


def _remedies(
    analysis: Analysis, table: pd.DataFrame, simulated: Simulated, findings: list[Finding], dt: Any
) -> Iterator[Remedy]:
    """Offer models made for what does not fit, and columns that explain what is left over."""
    misfits = [finding for finding in findings if finding.status in ("warn", "fail")]
    if not misfits:
        return
    what = f"What did not fit: {', '.join(finding.name.lower() for finding in misfits)}."
    symptoms = _symptoms(analysis, table, simulated, misfits)
    yield from alternatives(analysis, table, symptoms, why=what, cost=another(dt))
    yield from _bending(
        analysis, table, misfits, dt, likely=0.6 if {"skew", "spread", "zeros"} & set(symptoms) else 0.85
    )
    yield from explaining(analysis, table, simulated, dt)


def _bending(
    analysis: Analysis, table: pd.DataFrame, misfits: list[Finding], dt: Any, *, likely: float
) -> Iterator[Remedy]:
    """Offer to let the effect of the predictor bend along which the fit is wrong, where there is a formula."""
    names = [finding.name.removeprefix(BEND) for finding in misfits if finding.name.startswith(BEND)]
    for name in names if analysis.formula_parts else ():
        mean, *others = analysis.formula_parts
        square = f"I({term(name, table)} ** 2)"
        if square not in mean:
            formula = f"{mean} + {square}"
            yield Remedy(
                label=f"Let the effect of {name} bend",
                why=f"The square of {name} enters beside {name} itself.",
                changes={"formula": [formula, *others] if others else formula},
                cost=another(dt),
                score=likely,
            )


def _symptoms(analysis: Analysis, table: pd.DataFrame, simulated: Simulated, misfits: list[Finding]) -> tuple[str, ...]:
    """Name what simulated data lack, the most telling first, in the words of ``alternatives.MENDS``."""
    beyond = {finding.name: (finding.value or 0.0) < 0.5 for finding in misfits}  # observed above simulated

    def high(name: str) -> bool:
        return any(one.startswith(name) and above for one, above in beyond.items())

    found = []
    if simulated.kind == "number" and analysis.kinds.get(analysis.outcome) == "count":
        zeros = high("Share of zeros")
        apart = high("Spread") or high("Largest value")
        extra = zeros and _positives(simulated) < TRUNCATED
        found += ["zeros", "spread"] if extra else ["spread"] * apart + ["zeros"] * zeros
    elif simulated.kind == "number":
        lopsided = high("Skewness") and bool((simulated.observed >= 0).all())
        found += ["zeros"] * bool((simulated.observed == 0).any()) + ["skew"] * lopsided
        below = any(name.startswith("Smallest") and not above for name, above in beyond.items())
        found += ["long tails"] * (below or high("Largest value"))
    found += ["spread"] * high("Variation of the shares")
    found += ["neighbours"] * high("Likeness of neighbours")
    found += ["groups"] * any(name.startswith("Spread of the") for name in beyond)
    return tuple(found)


def _positives(simulated: Simulated) -> float:
    """Return how many times as much counts above zero vary as Poisson counts above zero would.

    Rows are compared within bins of their prediction, each with the zero-truncated Poisson distribution of the same
    average; zeros that have a cause of their own leave this ratio at one.
    """
    from scipy.optimize import brentq

    ratios = []
    for rows in np.array_split(np.argsort(simulated.draws.mean(0)), BINS):
        y = simulated.observed[rows]
        y = y[y > 0]
        if len(y) > 2 and y.mean() > 1:
            mean = float(y.mean())
            rate = brentq(lambda one, mean=mean: one / -np.expm1(-one) - mean, 1e-9, mean)
            ratios.append(y.var(ddof=1) / (mean * (1 + rate - mean)))
    return float(np.median(ratios)) if ratios else 1.0


def _picture(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> Any:
    fig, (left, right) = figure(columns=2)
    if simulated.kind == "levels":
        level_bars(left, simulated)
        _calibration_of_last(right, simulated)
        return fig
    if simulated.kind == "times":
        _lasting_curves(left, analysis, happened(analysis, table), simulated)
    elif simulated.kind == "binary":
        left.hist(simulated.draws.mean(1), bins=30, color="#b9c7d8")
        left.axvline(simulated.observed.mean(), color="#b3261e", label="observed")
        left.set(xlabel=f"share of {analysis.outcome}", ylabel="simulated data sets")
    else:
        _cumulative(left, analysis, simulated)
    left.legend(fontsize=7)
    _rows_by_prediction(right, analysis, simulated)
    return fig


def _named(analysis: Analysis, simulated: Simulated) -> str:
    if simulated.kind == "directions":
        return f"{analysis.outcome}, radians from its prediction"
    return f"share of {analysis.outcome}" if simulated.kind == "shares" else analysis.outcome


def _cumulative(axes: Any, analysis: Analysis, simulated: Simulated) -> None:
    levels = np.linspace(0, 1, 100)
    for one in simulated.draws[:: max(1, len(simulated.draws) // SHOWN)]:
        axes.plot(np.quantile(one, levels), levels, color="#b9c7d8", linewidth=0.7)
    axes.plot(np.quantile(simulated.observed, levels), levels, color="#b3261e", label="observed")
    axes.set(xlabel=_named(analysis, simulated), ylabel="share of rows below")


def _lasting_curves(axes: Any, analysis: Analysis, ended: np.ndarray, simulated: Simulated) -> None:
    times = np.linspace(0, simulated.observed.max(), 50)
    some = simulated.draws[:: max(1, len(simulated.draws) // SHOWN)]
    bounds = bounds_of(ended, simulated.observed)
    curves = [kaplan_meier(float(time), bounds) for time in times]
    axes.plot(times, np.array([curve(some) for curve in curves]), color="#b9c7d8", linewidth=0.7)
    axes.plot(times, [curve(simulated.observed) for curve in curves], color="#b3261e", label="observed")
    axes.set(xlabel=analysis.outcome, ylabel="share that lasts longer")


def _calibration_of_last(axes: Any, simulated: Simulated) -> None:
    """Draw the observed share of the last level over its predicted chance, in bins of rows."""
    last = len(simulated.levels) - 1
    chance, is_last = (simulated.draws == last).mean(0), simulated.observed == last
    bins = [part for part in np.array_split(np.argsort(chance), BINS) if len(part)]
    axes.plot([0, 1], [0, 1], color="#b9c7d8")
    axes.plot([chance[one].mean() for one in bins], [is_last[one].mean() for one in bins], "o", color="#b3261e")
    axes.set(xlabel=f"predicted chance of {simulated.levels[last]}".replace("$", r"\$"), ylabel="observed share")


def _rows_by_prediction(axes: Any, analysis: Analysis, simulated: Simulated) -> None:
    middle = np.median(simulated.draws, axis=0) if simulated.kind == "times" else simulated.draws.mean(0)
    order = np.argsort(middle)
    low, half, high = np.quantile(simulated.draws, [0.05, 0.5, 0.95], axis=0)[:, order]
    rank = np.arange(len(order))
    axes.fill_between(rank, low, high, color="#b9c7d8", label="90% of simulated")
    axes.plot(rank, half, color="#3a6ea5")
    axes.plot(rank, simulated.observed[order], ".", color="#b3261e", markersize=3)
    if simulated.kind == "times":
        axes.set_yscale("log")
    axes.set(xlabel="rows, by their prediction", ylabel=_named(analysis, simulated))
    axes.legend(fontsize=7)
