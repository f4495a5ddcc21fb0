"""Posterior predictive check: do data simulated from the fitted model look like the real ones?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.verdict import Finding, Remedy, Status, Verdict, worst
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.prior import Simulated
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

TAIL_WARN, TAIL_FAIL = 0.05, 0.01
COVERAGE = 0.90
MOST_DRAWS = 1000
SHOWN = 40
BINS = 5
EXPLAINS, MOST_COLUMNS, LEAST_ROWS = 0.05, 2, 10
BDA = "Gelman, Meng and Stern 1996; Bayesian Data Analysis 3e, ch. 6; thresholds: ModelCompose's own"

Statistic = Callable[[np.ndarray], np.ndarray]


def check(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Verdict:
    """Compare statistics of replicated data with those of the real ones.

    The statistics are ones that the family does not fit by itself: extremes and skewness of a number, spread and
    zeros of a count, calibration of a yes or no, and the spread of the groups' averages. A statistic's tail
    probability P(T(replicated) ≥ T(observed)) passes between 0.05/k and its mirror and fails outside 0.01/k, where
    k counts the statistics, so that a right model rarely fails by chance. The central 90% interval of the
    predictions should hold 90% of the rows, within the central 99% of its binomial distribution.

    Parameters
    ----------
    dt
        DataTree with a ``posterior_predictive`` group.
    """
    simulated = _simulated(analysis, table, dt)
    statistics = _statistics(analysis, table, simulated)
    findings = [_tail(name, why, statistic, simulated, len(statistics)) for name, why, statistic in statistics]
    if not simulated.binary:
        findings.append(_coverage(simulated, whole=bool((simulated.observed == simulated.observed.round()).all())))
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
        remedies=_remedies(analysis, table, simulated, findings),
        picture=_picture(analysis, simulated),
        alt=f"Distribution of {analysis.outcome}: observed against {SHOWN} simulated data sets.",
        partial=is_partial(dt),
    )


def _simulated(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Simulated:
    draws = outcome_draws(dt["posterior_predictive"].to_dataset(), analysis.outcome).astype(float)
    every = max(1, len(draws) // MOST_DRAWS)
    from modelcompose.workflow.prior import outcome_numbers

    return Simulated(draws[::every], outcome_numbers(analysis, table))


def _statistics(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> list[tuple[str, str, Statistic]]:
    """Choose statistics by the outcome's kind; each maps rows, shape (..., rows), to numbers, shape (...)."""
    found: list[tuple[str, str, Statistic]] = []
    if simulated.binary:
        found.append(
            (
                "Calibration: largest gap between predicted and observed share",
                "Rows are sorted into bins by their predicted chance.",
                _calibration_gap(simulated.draws.mean(0)),
            )
        )
    elif analysis.kinds.get(analysis.outcome) == "count":
        found += [
            ("Spread (standard deviation)", "Counts often vary more than a model allows.", lambda y: y.std(-1)),
            ("Share of zeros", "Many zeros may have a cause of their own.", lambda y: (y == 0).mean(-1)),
            ("Largest value", "", lambda y: y.max(-1)),
        ]
    else:
        found += [
            ("Smallest value", "Extremes show whether the tails are right.", lambda y: y.min(-1)),
            ("Largest value", "Extremes show whether the tails are right.", lambda y: y.max(-1)),
            ("Skewness", "Shows whether one tail is longer.", _skewness),
        ]
    if analysis.groups:
        codes = table[analysis.groups[0]].astype("category").cat.codes.to_numpy()
        found.append(
            (
                f"Spread of the averages of {analysis.groups[0]}",
                "Shows whether groups differ as much as they do.",
                _between(codes),
            )
        )
    return found


def _skewness(y: np.ndarray) -> np.ndarray:
    centred = y - y.mean(-1, keepdims=True)
    return np.asarray((centred**3).mean(-1) / np.maximum((centred**2).mean(-1), 1e-300) ** 1.5)


def _between(codes: np.ndarray) -> Statistic:
    indicator = np.equal.outer(np.unique(codes), codes).astype(float)
    weights = indicator / indicator.sum(1, keepdims=True)
    return lambda y: np.asarray((y @ weights.T).std(-1))


def _calibration_gap(chance: np.ndarray) -> Statistic:
    edges = np.quantile(chance, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(edges), chance)
    indicator = np.equal.outer(np.unique(bins), bins).astype(float)
    weights = indicator / indicator.sum(1, keepdims=True)
    expected = weights @ chance
    return lambda y: np.asarray(np.abs(y @ weights.T - expected).max(-1))


def _tail(name: str, why: str, statistic: Statistic, simulated: Simulated, count: int) -> Finding:
    replicated = statistic(simulated.draws.astype(float))
    observed = float(statistic(simulated.observed))
    # Ties count half, so that a discrete statistic that always agrees has a tail probability of one half.
    p = float(np.mean(replicated > observed) + np.mean(replicated == observed) / 2)
    tail = min(p, 1 - p)
    low, high = np.quantile(replicated, [0.05, 0.95])
    return Finding(
        name=name,
        status="pass" if tail >= TAIL_WARN / count else "warn" if tail >= TAIL_FAIL / count else "fail",
        value=p,
        shown=f"observed {observed:.4g}, simulated {low:.4g} to {high:.4g}",
        threshold=f"tail probability {p:.3f}: from {TAIL_WARN / count:.3f} to {1 - TAIL_WARN / count:.3f}",
        sentence=why,
        source=BDA,
    )


def _coverage(simulated: Simulated, *, whole: bool) -> Finding:
    from scipy.stats import binom

    edge = (1 - COVERAGE) / 2
    low, high = np.quantile(simulated.draws, [edge, 1 - edge], axis=0)
    share = float(np.mean((simulated.observed >= low) & (simulated.observed <= high)))
    rows = len(simulated.observed)
    least, most = binom.ppf([0.005, 0.995], rows, COVERAGE) / rows
    # Predicting the rows it was fitted to, a flexible model covers too many; whole numbers add to that.
    status: Status = "warn" if share < least else "pass" if share <= most or whole else "info"
    return Finding(
        name="Rows inside their 90% predictive interval",
        status=status,
        value=share,
        shown=f"{share:.0%}",
        threshold=f"at least {least:.0%}; about {COVERAGE:.0%} is meant",
        sentence="Wider than need be: cautious rather than wrong."
        if status == "info"
        else "Whether predictions are as uncertain as they should be.",
        source="binomial 99% band around the nominal 90%",
    )


def _remedies(
    analysis: Analysis, table: pd.DataFrame, simulated: Simulated, findings: list[Finding]
) -> Iterator[Remedy]:
    """Offer a richer model where it mends what is wrong, then columns that explain what is left over.

    Heavier tails mend extremes that go beyond the simulated ones, not skewness.
    """
    misfits = [finding for finding in findings if finding.status in ("warn", "fail")]
    richer = list(_richer(analysis, misfits))
    explains = list(_explaining(analysis, table, simulated))
    beyond = any(finding.name == "Smallest value" and (finding.value or 0) > 0.5 for finding in misfits) or any(
        finding.name == "Largest value" and (finding.value or 0) < 0.5 for finding in misfits
    )
    heavier = catalog.get(analysis.model).link != "identity" or analysis.groups or beyond
    yield from richer + explains if heavier else explains + richer


def _richer(analysis: Analysis, misfits: list[Finding]) -> Iterator[Remedy]:
    for name in catalog.get(analysis.model).richer:
        richer = catalog.get(name)
        yield Remedy(
            label=f"Use {richer.title}",
            why=f"{richer.summary} What did not fit: {', '.join(finding.name.lower() for finding in misfits)}.",
            changes={"model": richer.id, "formula": "", "priors": {}},
        )


def _explaining(analysis: Analysis, table: pd.DataFrame, simulated: Simulated) -> Iterator[Remedy]:
    """Offer the unused columns that explain most of what the model leaves over."""
    left = simulated.observed - simulated.draws.mean(0)
    accepted = catalog.question(analysis.question).kinds_of("predictors")
    unused = [
        name for name, kind in analysis.kinds.items() if kind in accepted - {"group"} and name not in analysis.columns
    ]
    shares = {name: _explained(left, table[name]) for name in unused if name in table}
    for name in sorted(shares, key=lambda one: -shares[one])[:MOST_COLUMNS]:
        if shares[name] >= EXPLAINS:
            yield Remedy(
                label=f"Add {name} as a predictor",
                why=f"It explains {shares[name]:.0%} of what the model leaves over.",
                changes={"predictors": [*analysis.predictors, name]},
            )


def _explained(left: np.ndarray, column: pd.Series) -> float:
    """Return the share of variance of the residuals that a column explains, over the rows where it has a value."""
    known = column.notna().to_numpy()
    y = left[known] - left[known].mean()
    if known.sum() < LEAST_ROWS or not y.var() > 0:
        return 0.0
    if hasattr(column, "cat"):
        codes = column[known].cat.codes.to_numpy()
        means = {code: y[codes == code].mean() for code in np.unique(codes)}
        return float(np.var([means[code] for code in codes]) / y.var())
    x = column[known].to_numpy(float)
    return float(np.corrcoef(x, y)[0, 1] ** 2) if x.std() > 0 else 0.0


def _picture(analysis: Analysis, simulated: Simulated) -> Any:
    fig, (left, right) = figure(columns=2)
    some = simulated.draws[:: max(1, len(simulated.draws) // SHOWN)]
    if simulated.binary:
        left.hist(simulated.draws.mean(1), bins=30, color="#b9c7d8")
        left.axvline(simulated.observed.mean(), color="#b3261e", label="observed")
        left.set(xlabel=f"share of {analysis.outcome}", ylabel="simulated data sets")
    else:
        levels = np.linspace(0, 1, 100)
        for one in some:
            left.plot(np.quantile(one, levels), levels, color="#b9c7d8", linewidth=0.7)
        left.plot(np.quantile(simulated.observed, levels), levels, color="#b3261e", label="observed")
        left.set(xlabel=analysis.outcome, ylabel="share of rows below")
    left.legend(fontsize=7)
    order = np.argsort(simulated.draws.mean(0))
    low, middle, high = np.quantile(simulated.draws, [0.05, 0.5, 0.95], axis=0)[:, order]
    rank = np.arange(len(order))
    right.fill_between(rank, low, high, color="#b9c7d8", label="90% of simulated")
    right.plot(rank, middle, color="#3a6ea5")
    right.plot(rank, simulated.observed[order], ".", color="#b3261e", markersize=3)
    right.set(xlabel="rows, by their prediction", ylabel=analysis.outcome)
    right.legend(fontsize=7)
    return fig
