"""Which other ready-made model, or which further column, mends what does not fit.

After the workflow of Gelman et al. 2020, arXiv:2011.01808, section 6: what simulated data lack says in which direction
to expand the model. Only models that suit question and columns are offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.facts import Facts
from modelcompose.verdict import Remedy
from modelcompose.workflow.fit import another
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.prior import Simulated

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["MENDS", "alternatives", "explaining"]

MENDS: Mapping[str, tuple[str, ...]] = {
    "long tails": ("robust-linear", "typical-value-robust", "typical-value-lognormal"),
    "skew": ("lognormal", "gamma", "typical-value-lognormal"),
    "spread": ("negative-binomial", "zero-inflated-negative-binomial", "beta-binomial"),
    "zeros": (
        *("zero-inflated-poisson", "zero-inflated-negative-binomial", "hurdle-negative-binomial"),
        *("hurdle-lognormal", "hurdle-gamma"),
    ),
    "groups": ("varying-slopes", "correlated-slopes"),
    "neighbours": ("autoregressive", "local-level", "trend-season"),
}
"""What does not fit, and the models that were made for it, most promising first."""

BEST, STEP, NEIGHBOUR = 0.8, 0.05, 0.55
MOST_COLUMNS, LEAST_ROWS = 2, 10


def alternatives(
    analysis: Analysis, table: pd.DataFrame, symptoms: Sequence[str], *, why: str, cost: str
) -> Iterator[Remedy]:
    """Offer models that were made for what does not fit, then the catalogue's richer neighbours of the present one.

    Parameters
    ----------
    symptoms
        Keys of ``MENDS``, the most telling first.
    why
        A sentence on what did not fit.
    cost
        What trying one of them costs.
    """
    own = catalog.get(analysis.model)
    made_for = [name for symptom in symptoms for name in MENDS[symptom]]
    offered = dict.fromkeys([*made_for, *own.richer])
    offered.pop(own.id, None)
    facts = Facts.of(analysis, table, analysis.kinds) if offered else None
    suit = [name for name in offered if facts is not None and catalog.get(name).reject(facts) is None]
    for place, name in enumerate(suit):
        one = catalog.get(name)
        yield Remedy(
            label=f"Use {one.title}",
            why=f"{one.summary} {why}".strip(),
            changes={"model": one.id, "formula": "", "priors": {}},
            cost=cost,
            score=max(0.3, (BEST if name in made_for else NEIGHBOUR) - STEP * place),
        )


def explaining(analysis: Analysis, table: pd.DataFrame, simulated: Simulated, dt: Any) -> Iterator[Remedy]:
    """Offer the unused columns that explain most of what the model leaves over."""
    left = _left_over(simulated)
    accepted = catalog.question(analysis.question).kinds_of("predictors")
    unused = [
        name for name, kind in analysis.kinds.items() if kind in accepted - {"group"} and name not in analysis.columns
    ]
    shares = {name: _explained(left, table[name]) for name in unused if name in table}
    rule = policy_of(analysis)["worth-adding"]
    for name in sorted(shares, key=lambda one: -shares[one])[:MOST_COLUMNS]:
        if rule.status(shares[name]) == "pass":
            yield Remedy(
                label=f"Add {name} as a predictor",
                why=f"It explains {shares[name]:.0%} of what the model leaves over.",
                changes={"predictors": [*analysis.predictors, name]},
                cost=another(dt),
                score=min(0.95, 0.45 + shares[name]),
            )


def _left_over(simulated: Simulated) -> np.ndarray:
    """Return what the model leaves over of each row, shape (rows,); of levels, that of the last one's chance."""
    if simulated.kind == "levels":
        last = len(simulated.levels) - 1
        return np.asarray((simulated.observed == last) - (simulated.draws == last).mean(0))
    if simulated.kind == "times":
        return np.asarray(np.log(simulated.observed) - np.log(simulated.draws).mean(0))
    return np.asarray(simulated.observed - simulated.draws.mean(0))


def _explained(left: np.ndarray, column: pd.Series) -> float:
    """Return the share of variance of the residuals that a column explains, over the rows where it has a value.

    It is adjusted for what chance alone would explain (Fisher's adjusted R²: Ezekiel 1930, Methods of Correlation
    Analysis).
    """
    known = column.notna().to_numpy()
    y = left[known] - left[known].mean()
    if known.sum() < LEAST_ROWS or not y.var() > 0:
        return 0.0
    if hasattr(column, "cat"):
        codes = column[known].cat.codes.to_numpy()
        means = {code: y[codes == code].mean() for code in np.unique(codes)}
        share, used = float(np.var([means[code] for code in codes]) / y.var()), len(means) - 1
    else:
        x = column[known].to_numpy(float)
        share, used = (float(np.corrcoef(x, y)[0, 1] ** 2) if x.std() > 0 else 0.0), 1
    free = len(y) - 1 - used
    return 1 - (1 - share) * (len(y) - 1) / free if free > 0 else 0.0
