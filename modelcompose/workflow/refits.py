"""What to change about a fit whose draws failed their checks.

After Gelman et al. 2020, arXiv:2011.01808, section 5: longer chains where only precision lacks, another
parameterisation and smaller steps where the geometry is hard, then more information in the priors, then another model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelcompose import catalog, samplers
from modelcompose.verdict import Finding, Remedy
from modelcompose.workflow import explanations
from modelcompose.workflow.fit import another
from modelcompose.workflow.policy import Policy, policy_of

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

__all__ = ["SEVERAL", "remedies"]

MOST_DRAWS = 8  # times as many
MIXTURE = "mixture"
GEOMETRY = frozenset({"divergences", "bfmi"})
PRECISION = frozenset({"rhat", "ess", "mcse-mean", "mcse-sd", "draws"})
SEVERAL = explanations.RULE


def remedies(analysis: Analysis, findings: list[Finding], dt: Any) -> list[Remedy]:
    """Offer what would help, from what failed; ``conclude`` puts the most promising first.

    The scores are our own experience.
    """
    bad = {finding.rule for finding in findings if finding.status in ("warn", "fail")}
    if bad and "approximation" in dt["posterior"].attrs:
        return [_nuts(dt)]
    return list(_remedies(analysis, bad, findings, dt)) if bad else []


def _remedies(analysis: Analysis, bad: set[str], findings: list[Finding], dt: Any) -> Iterator[Remedy]:
    own = analysis.model.endswith(".py")
    grouped = not own and any("|" in str(name) for name in dt["posterior"].data_vars)
    geometry = bool(bad & GEOMETRY)
    if "chains" in bad:
        yield Remedy(
            label="Run 4 chains",
            why="Then they can be compared.",
            changes={"chains": max(4, analysis.chains)},
            cost=another(dt, 4 / max(1, dt["posterior"].sizes["chain"])),
            score=0.95,
        )
    if SEVERAL in bad:
        yield from _of_several(analysis, findings, dt, own=own)
    if bad - {"chains", SEVERAL} and grouped and not analysis.noncentered:
        yield Remedy(
            label="Use the non-centred form of group effects",
            why="Groups with few rows make a funnel that the centred form cannot follow.",
            changes={"noncentered": True},
            cost=another(dt),
            score=0.9,
        )
    if geometry:
        yield from _of_geometry(analysis, bad, dt, grouped=grouped, own=own)
    if bad & (PRECISION | {"bfmi", "tree-depth"}):
        yield _more_draws(analysis, bad, findings, dt)
        if samplers.facts(analysis.sampler).adapts:
            yield _other_metric(analysis, bad, dt, grouped=grouped)
    if bad & {"stuck-chains", "non-finite-draws"}:
        yield _other_start(analysis, dt, score=0.6)
        yield from () if own else [_tighter(analysis, dt, score=0.5)]
    if bad - {"chains", SEVERAL}:
        yield _other_sampler(analysis, dt)


def _of_geometry(analysis: Analysis, bad: set[str], dt: Any, *, grouped: bool, own: bool) -> Iterator[Remedy]:
    """Offer smaller steps, the other form of group effects, and narrower priors."""
    if analysis.target_accept < 0.99:
        higher = 0.95 if analysis.target_accept < 0.95 else 0.99
        yield Remedy(
            label=f"Take smaller steps (target_accept {higher})",
            why="The sampler then follows sharp bends; it takes longer.",
            changes={"target_accept": higher},
            cost=another(dt, 2),
            score=0.7 if "divergences" in bad else 0.3,
        )
    if grouped and analysis.noncentered:
        yield Remedy(
            label="Use the centred form of group effects",
            why="Groups with many rows are easier to follow in it.",
            changes={"noncentered": False},
            cost=another(dt),
            score=0.5,
        )
    if not own:
        yield _tighter(analysis, dt, score=0.45)


def _of_several(analysis: Analysis, findings: list[Finding], dt: Any, *, own: bool) -> Iterator[Remedy]:
    """Offer what makes one explanation the only one; otherwise a second look, which is no more than that."""
    swapped = any(finding.rule == SEVERAL and "changed places" in finding.sentence for finding in findings)
    if swapped and own and not analysis.predictors and not analysis.groups:
        ordered = catalog.get(MIXTURE)
        yield Remedy(
            label=f"Use {ordered.title}",
            why="It puts its kinds in order, so that they cannot change places.",
            changes={"model": ordered.id, "question": "subgroups", "formula": "", "priors": {}, "estimand": ""},
            cost=another(dt),
            score=0.9,
        )
    if analysis.priors:
        yield Remedy(
            label="Use the default priors",
            why="They say more of which explanations are plausible than priors of your own that are wide.",
            changes={"priors": {}},
            cost=another(dt),
            score=0.7,
        )
    yield from _simpler(analysis, dt)
    if not own:
        yield _tighter(analysis, dt, score=0.4)
    yield Remedy(
        label="Run 8 chains from other starting points",
        why="They show whether one of the explanations was found by accident; they do not choose between them.",
        changes={"chains": max(8, 2 * analysis.chains), "random_seed": analysis.random_seed + 1},
        cost=another(dt, 2),
        score=0.2,
    )


def _simpler(analysis: Analysis, dt: Any) -> Iterator[Remedy]:
    """Offer the models that the present one is a richer neighbour of."""
    kind = analysis.kinds.get(analysis.outcome)
    for entry in catalog.entries():
        suits = analysis.question in entry.questions and kind in entry.outcome
        if suits and analysis.model in entry.richer:
            yield Remedy(
                label=f"Go back to {entry.title}",
                why="A simpler model leaves less room for rival explanations; what it misses, the next checks show.",
                changes={"model": entry.id, "formula": "", "priors": {}},
                cost=another(dt),
                score=0.65,
            )


def _more_draws(analysis: Analysis, bad: set[str], findings: list[Finding], dt: Any) -> Remedy:
    """Offer as many draws as the shortfall of the effective sample size asks for, if that is within reach."""
    shortfall = _shortfall(findings, int(dt["posterior"].sizes["chain"]), policy_of(analysis))
    times = next((times for times in (2, 4, MOST_DRAWS) if times >= shortfall), 2)
    likely = 0.9 - 0.05 * times if shortfall <= MOST_DRAWS and bad & PRECISION else 0.35
    usual = int(type(analysis).model_fields["tune"].default)
    tune = max(int(1.5 * analysis.tune), usual)
    many = {2: "Draw twice as many samples"}.get(times, f"Draw {times} times as many samples")
    return Remedy(
        label=many,
        why="More draws raise the effective sample size; a longer warm-up suits the steps better to the posterior.",
        changes={"draws": times * analysis.draws, "tune": tune},
        cost=another(dt, times),
        score=0.1 if SEVERAL in bad else likely,
    )


def _shortfall(findings: list[Finding], chains: int, policy: Policy) -> float:
    """Return how many times as many effective draws are needed to pass."""
    needed = [
        chains * policy["ess"].limit / max(finding.value or 0.0, 1e-9) for finding in findings if finding.rule == "ess"
    ]
    return max(needed, default=math.inf if any(finding.rule == "draws" for finding in findings) else 1.0)


def _other_metric(analysis: Analysis, bad: set[str], dt: Any, *, grouped: bool) -> Remedy:
    used = dt["posterior"].attrs.get("metric", "diagonal" if grouped else "low-rank")
    low_rank = (used if analysis.metric == "auto" else analysis.metric) == "low-rank"
    other = "diagonal" if low_rank else "low-rank"
    return Remedy(
        label=f"Adapt the sampler's scale the other way ({other})",
        why="Which way draws more efficiently depends on how the parameters are correlated.",
        changes={"metric": other},
        cost=another(dt),
        score=0.15 if SEVERAL in bad else 0.4 if bad & PRECISION else 0.5,
    )


def _tighter(analysis: Analysis, dt: Any, score: float) -> Remedy:
    return Remedy(
        label="Halve the width of the priors",
        why="More information about the effects makes the geometry gentler.",
        changes={"prior_scale": analysis.prior_scale / 2},
        cost=another(dt),
        score=score,
    )


def _other_start(analysis: Analysis, dt: Any, score: float) -> Remedy:
    return Remedy(
        label="Start the chains elsewhere",
        why="A chain can begin where the model cannot be followed.",
        changes={"random_seed": analysis.random_seed + 1},
        cost=another(dt),
        score=score,
    )


def _nuts(dt: Any) -> Remedy:
    return Remedy(
        label="Sample with NUTS",
        why="It draws from the posterior itself and needs no bell curve to fit; it takes longer.",
        changes={"sampler": "nutpie"},
        cost=another(dt, 10),
        score=0.95,
    )


def _other_sampler(analysis: Analysis, dt: Any) -> Remedy:
    other = "pymc" if analysis.sampler == "nutpie" else "nutpie"
    return Remedy(
        label=f"Let {other} draw",
        why="It shares no code with the present sampler, so that an accident of one shows.",
        changes={"sampler": other},
        cost=another(dt, 4 if other == "pymc" else 1),
        score=0.2,
    )
