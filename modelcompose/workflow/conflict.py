"""Do one's own priors and the data contradict each other?

The data are summarised by the least-squares coefficient of each term. Where the observed one lies in the distribution
that the priors lead to says whether they agree (Evans and Moshonov 2006, doi:10.1214/06-BA129).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.priors import design
from modelcompose.verdict import Finding
from modelcompose.workflow.policy import policy_of

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["finding", "in_words", "tail_probabilities"]

DRAWS = 400


def tail_probabilities(
    analysis: Analysis, table: pd.DataFrame, draws: np.ndarray, outcome: np.ndarray
) -> dict[str, float]:
    """Return for each term of one's own how probable a coefficient as far out as the observed one is.

    Parameters
    ----------
    draws
        Outcomes simulated from the priors, shape (draws, rows).
    outcome
        The observed ones, shape (rows,).
    """
    if not analysis.formula_parts:
        return {}
    matrices = design(analysis.formula_parts[0], table)
    if matrices.common is None:
        return {}
    columns = np.asarray(matrices.common.design_matrix, float)
    project = np.linalg.pinv(columns)
    observed, simulated = project @ outcome, draws @ project.T
    found = {}
    for name, where in matrices.common.slices.items():
        if name in analysis.priors:
            found[name] = min(_two_sided(simulated[:, at], observed[at]) for at in range(where.start, where.stop))
    return found


def _two_sided(simulated: np.ndarray, observed: float) -> float:
    above = (np.sum(simulated > observed) + 0.5) / (len(simulated) + 1)
    return float(2 * min(above, 1 - above))


def finding(analysis: Analysis, table: pd.DataFrame, draws: np.ndarray, outcome: np.ndarray) -> list[Finding]:
    """Judge the priors that were given by hand: below 5%, shared out over the terms, warns."""
    found = tail_probabilities(analysis, table, draws, outcome)
    if not found:
        return []
    name = min(found, key=lambda one: found[one])
    rule, scale = policy_of(analysis)["prior-data-conflict"], 1 / len(found)
    return [
        rule.finding(
            "Your own priors against the data",
            found[name],
            f"{name}: tail probability {found[name]:.3f}",
            "What you assumed agrees with what the data say."
            if rule.status(found[name], scale) == "pass"
            else f"What you assumed of {name} and what the data say contradict each other; check both.",
            scale=scale,
        )
    ]


def in_words(analysis: Analysis, table: pd.DataFrame) -> list[str]:
    """Say which priors of one's own the data contradict, after simulating from them; agreement is said too."""
    from modelcompose.workflow.prior import Simulated

    prior = catalog.prior_predictive(catalog.build(analysis, table), draws=DRAWS, random_seed=1)
    simulated = Simulated.of(analysis, table, prior["prior_predictive"])
    found = finding(analysis, table, simulated.draws, simulated.observed)
    return [f"{one.sentence} ({one.shown}; {one.source})" for one in found]
