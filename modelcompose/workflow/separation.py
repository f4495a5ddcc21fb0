"""Separation: do the predictors tell a yes from a no without a single error?

Then the data bear out any effect, however large, and only the prior limits it (Albert and Anderson 1984,
doi:10.1093/biomet/71.1.1). Whether a combination of predictors separates is a linear program (Konis 2007,
Computational algorithms for detecting linear separation, University of Oxford).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelcompose import catalog
from modelcompose.verdict import Finding, Remedy

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.workflow.policy import Policy

__all__ = ["Separation", "finding", "remedies", "separation"]

WHOLLY, PARTLY, NOT = 2, 1, 0
MOST_ROWS = 20_000
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Separation:
    """How far predictors separate an outcome, and which: one of them, or all of them together."""

    degree: int
    by: tuple[str, ...] = ()


def separation(table: pd.DataFrame, outcome: str, predictors: Sequence[str]) -> Separation:
    """Find out whether predictors separate a yes from a no.

    Parameters
    ----------
    table
        Complete rows.
    outcome
        A column of two values.

    Returns
    -------
    Separation
        ``degree`` is 0 when yes and no overlap, 1 when they are separated but for rows on the border, 2 when wholly.
    """
    y = _yes(table[outcome])
    if not predictors or len(table) > MOST_ROWS or not 0 < y.mean() < 1:
        return Separation(NOT)
    degree = _degree(table, y, predictors)
    if degree == NOT or len(predictors) == 1:
        return Separation(degree, tuple(predictors) if degree else ())
    alone = (name for name in predictors if _degree(table, y, [name]) == degree)
    return Separation(degree, tuple([one] if (one := next(alone, "")) else predictors))


def finding(analysis: Analysis, table: pd.DataFrame, policy: Policy) -> list[Finding]:
    """Judge a yes-or-no outcome: whole separation fails, unless a prior was chosen that limits the effect."""
    if not _applies(analysis, table):
        return []
    found = separation(table, analysis.outcome, analysis.predictors)
    limited = _limited(analysis, found, policy)
    by = " and ".join(found.by) + (" together" if len(found.by) > 1 else "")
    shown = {WHOLLY: f"{by} wholly", PARTLY: f"{by} but for rows on the border", NOT: "they overlap"}[found.degree]
    judged = policy["separation"].finding(
        "Yes and no separated by the predictors",
        found.degree,
        shown,
        _meaning(analysis, found.degree, by, limited=limited),
        words="they overlap; a failure when they are separated wholly",
    )
    return [judged.model_copy(update={"status": "info"}) if limited else judged]


def remedies(analysis: Analysis, table: pd.DataFrame, findings: Sequence[Finding]) -> Iterator[Remedy]:
    """Offer a prior that limits the effect, then to leave the predictor out."""
    if not any(one.rule == "separation" and one.status in ("warn", "fail") for one in findings):
        return
    found = separation(table, analysis.outcome, analysis.predictors)
    yield Remedy(
        label="Halve the width of the priors",
        why="The data allow any effect, however large; a tighter prior says which would be believable.",
        changes={"prior_scale": analysis.prior_scale / 2},
        cost="The answer rests on this choice: say so, and see how it depends on it.",
        score=0.8,
    )
    rest = [name for name in analysis.predictors if name not in found.by]
    if rest:
        yield Remedy(
            label=f"Leave out {' and '.join(found.by)}",
            why="Is it perhaps a consequence of the outcome, or another name for it? Then it explains nothing.",
            changes={"predictors": rest},
            cost="What it says of the outcome is not in the answer.",
            score=0.4,
        )


def _applies(analysis: Analysis, table: pd.DataFrame) -> bool:
    entry = catalog.get(analysis.model) if analysis.model else None
    suits = entry is None or (entry.link == "logit" and not entry.own)
    return suits and analysis.kinds.get(analysis.outcome) == "binary" and table[analysis.outcome].nunique() == 2


def _limited(analysis: Analysis, found: Separation, policy: Policy) -> bool:
    """Tell whether somebody chose how large the effect can be."""
    if found.degree == NOT:
        return False
    tight = policy["separating-prior-width"].status(analysis.prior_scale) == "pass"
    return tight or all(any(_speaks_of(term, name) for term in analysis.priors) for name in found.by)


def _speaks_of(term: str, name: str) -> bool:
    """Tell whether a term names a column, rather than one whose name holds that name."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", term) is not None


def _meaning(analysis: Analysis, degree: int, by: str, *, limited: bool) -> str:
    if degree == NOT:
        return "No combination of the predictors tells every yes from every no."
    said = f"{by} {'tell' if ' together' in by else 'tells'} every yes from every no in {analysis.outcome}"
    return (
        f"{said}{' but for rows on the border' if degree == PARTLY else ''}: the data bear out any effect, however "
        + (
            "large. How large it can be rests on the prior that was chosen."
            if limited
            else "large, and only the default prior limits it."
        )
    )


def _yes(column: pd.Series) -> np.ndarray:
    codes = column.cat.codes if hasattr(column, "cat") else column.rank(method="dense") - 1
    return np.asarray(codes.to_numpy(float) > 0)


def _degree(table: pd.DataFrame, y: np.ndarray, predictors: Sequence[str]) -> int:
    """Look for a direction in which no yes lies below a no, and then for one with a margin between them."""
    from scipy.optimize import linprog

    signed = np.where(y, 1.0, -1.0)[:, None] * np.column_stack(
        [np.ones(len(y)), *(column for name in predictors for column in _columns(table[name]))]
    )
    bounds = [(-1.0, 1.0)] * signed.shape[1]
    best = linprog(-signed.sum(0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=bounds)
    if best.status != 0 or -best.fun <= TOLERANCE * len(y):
        return NOT
    margin = linprog(
        np.zeros(signed.shape[1]), A_ub=-signed, b_ub=-np.ones(len(y)), bounds=[(None, None)] * len(bounds)
    )
    return WHOLLY if margin.status == 0 else PARTLY


def _columns(column: pd.Series) -> Iterator[np.ndarray]:
    """Yield a number as it is, scaled, and levels as one column for each but the first."""
    if hasattr(column, "cat"):
        codes = column.cat.codes.to_numpy()
        yield from ((codes == code).astype(float) for code in np.unique(codes)[1:])
        return
    values = column.to_numpy(float)
    spread = values.std()
    yield (values - values.mean()) / (spread if spread > 0 else 1.0)
