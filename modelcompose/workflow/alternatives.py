"""Which other ready-made model mends what does not fit.

After the workflow of Gelman et al. 2020, arXiv:2011.01808, section 6: what simulated data lack says in which direction
to expand the model. Only models that suit question and columns are offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from modelcompose import catalog
from modelcompose.catalog.facts import Facts
from modelcompose.verdict import Remedy

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["MENDS", "alternatives"]

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
