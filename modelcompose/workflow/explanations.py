"""More than one explanation: chains that have each settled, but not in the same place.

A posterior with several modes, or a model whose parts can change places, leaves every chain at peace with itself and
at odds with the others. More draws do not mend that, so it has to be told from chains that are merely slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelcompose.verdict import Finding
from modelcompose.workflow import diagnostics
from modelcompose.workflow.policy import Policy

__all__ = ["RULE", "Explanations", "explanations", "finding"]

RULE = "chains-apart"


@dataclass(frozen=True)
class Explanations:
    """Groups of chains that settled in different places.

    ``apart`` is the widest gap between the averages of neighbouring groups, in standard deviations within a chain;
    ``swapped`` names a variable whose elements have merely changed places from one group to another.
    """

    quantity: str
    apart: float
    chains: tuple[tuple[int, ...], ...]
    averages: tuple[float, ...]
    swapped: str = ""


def explanations(posterior: Any, names: list[str], policy: Policy) -> Explanations | None:
    """Look for groups of chains that disagree although each of them has settled.

    A chain has settled when the split R-hat of its own halves does not reach a failure. Up to half of the chains may
    not have: one that went over from one explanation to the other does not hide that the others stay where they are.
    Groups are told apart by gaps between the chains' averages that the rule ``chains-apart`` does not let pass.

    Parameters
    ----------
    posterior
        Dataset with the dimensions ``chain`` and ``draw``.
    names
        The variables whose chains disagree.
    """
    found = None
    for variable in names:
        values = posterior[variable].transpose("chain", "draw", ...)
        for index in np.ndindex(values.shape[2:]):
            one = _grouped(values.values[(..., *index)], _labelled(values, index), policy)
            if one and (found is None or one.apart > found.apart):
                found = one
    if found is None:
        return None
    swapped = (name for name in names if _swapped(posterior[name], found.chains, policy))
    return Explanations(found.quantity, found.apart, found.chains, found.averages, next(swapped, ""))


def finding(found: Explanations, policy: Policy) -> Finding:
    """Say that there is more than one explanation, and where the chains ended."""
    places = "; ".join(
        f"chain{'s' if len(group) > 1 else ''} {', '.join(map(str, group))}: about {average:.4g}"
        for group, average in zip(found.chains, found.averages, strict=True)
    )
    why = (
        f"The parts of {found.swapped} have only changed places: the model does not say which of them is which. No "
        "setting of the sampler mends that; the model has to put them in an order."
        if found.swapped
        else "Each chain is at rest, but not where the others are: the data and the assumptions allow more than one "
        "explanation, and the draws do not say how probable each is."
    )
    return policy[RULE].finding(
        "More than one explanation",
        found.apart,
        f"{found.quantity} ({places})",
        why,
        words=f"groups of chains no further apart than {policy[RULE].limit:g} standard deviations within a chain",
    )


def _grouped(draws: np.ndarray, quantity: str, policy: Policy) -> Explanations | None:
    """Group the chains of one quantity, shape (chains, draws), by gaps between their averages."""
    half = draws.shape[1] // 2
    alone = diagnostics.rhat(draws[:, : 2 * half].reshape(len(draws), 2, half))
    settled = np.array([at for at, one in enumerate(alone) if policy["rhat"].status(float(one)) != "fail"], dtype=int)
    if len(settled) < 2 or 2 * len(settled) < len(draws):
        return None
    within = float(np.sqrt(draws[settled].var(1).mean()))
    if not within > 0:
        return None
    averages = draws.mean(1)
    order = settled[np.argsort(averages[settled])]
    gaps = np.diff(averages[order]) / within
    breaks = [at + 1 for at, gap in enumerate(gaps) if policy[RULE].status(float(gap)) != "pass"]
    if not breaks:
        return None
    groups = sorted(np.split(order, breaks), key=lambda group: int(group.min()))
    return Explanations(
        quantity,
        float(gaps.max()),
        tuple(tuple(sorted(map(int, group))) for group in groups),
        tuple(float(averages[group].mean()) for group in groups),
    )


def _swapped(variable: Any, groups: tuple[tuple[int, ...], ...], policy: Policy) -> bool:
    """Tell whether groups of chains have the same elements of a vector, in another order."""
    values = variable.transpose("chain", "draw", ...).values
    if values.ndim != 3 or values.shape[2] < 2:
        return False
    within = float(np.sqrt(values.var(1).mean()))
    first, *others = [values[list(group)].mean((0, 1)) for group in groups]
    tolerance = policy[RULE].limit * within
    return all(_apart(first, one) > tolerance >= _apart(np.sort(first), np.sort(one)) for one in others)


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _labelled(values: Any, index: tuple[int, ...]) -> str:
    labels = list(_labels(values, index))
    return f"{values.name}[{', '.join(labels)}]" if labels else str(values.name)


def _labels(values: Any, index: tuple[int, ...]) -> Iterator[str]:
    for dim, at in zip(values.dims[2:], index, strict=True):
        yield str(values[dim].values[at])
