"""Sampling diagnostics: can the draws be trusted?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.verdict import Finding, Status, Verdict, worst
from modelcompose.workflow import diagnostics, explanations
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import Policy, default, policy_of
from modelcompose.workflow.refits import SEVERAL, remedies
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

__all__ = ["check", "judge", "quantities", "remedies", "reported"]

PICTURED = 4
USUAL_CHAINS = 4


def check(analysis: Analysis, dt: Any) -> Verdict:
    """Judge the draws by the rules of ``judge``.

    Parameters
    ----------
    dt
        DataTree with ``posterior`` and ``sample_stats``.
    """
    policy = policy_of(analysis)
    findings = judge(dt, policy)
    status = worst(finding.status for finding in findings)
    several = any(finding.rule == SEVERAL for finding in findings)
    return conclude(
        "sampling",
        analysis,
        sentence=_sentence(dt, status, several=several),
        findings=findings,
        remedies=remedies(analysis, findings, dt),
        picture=_picture(dt) if _enough(dt, policy) else None,
        alt="Rank plots: in each panel the bars of all chains should be level.",
        partial=is_partial(dt),
    )


def _sentence(dt: Any, status: Status, *, several: bool) -> str:
    if several:
        return "The chains found more than one explanation of the data: no single result should be read from them."
    if "approximation" in dt["posterior"].attrs:
        name = dt["posterior"].attrs["approximation"]
        return {
            "pass": f"The draws come from an approximation ({name}), which covers the posterior: they can be used.",
            "warn": f"The draws come from an approximation ({name}) that is barely good enough: treat the results as "
            "provisional.",
        }.get(status, f"The approximation ({name}) misses the posterior: no result should be read from it.")
    return {
        "pass": "The chains agree and the draws are plentiful: the computation can be trusted.",
        "warn": "The computation is usable but not clean: treat the results as provisional.",
    }.get(status, "The draws do not describe the posterior: no result should be read from them.")


def judge(dt: Any, policy: Policy | None = None) -> list[Finding]:
    """Hold the draws of all reported parameters against the field's rules.

    By default: Chains: 4 or more pass, 2 or 3 warn, 1 fails. Rank-normalised split R-hat: below 1.01 passes, above
    1.05 fails (Vehtari et al. 2021; the upper value is ours). Bulk and tail effective sample size: 100 for each chain
    passes, below 50 fails (Vehtari et al. 2021). Divergences after warm-up: none passes, above 0.1% of the draws fails
    (zero is the stated aim, Betancourt 2017; 0.1% is ours). E-BFMI: 0.3 passes, below 0.2 fails (Betancourt 2016,
    arXiv:1604.00695). Draws at the greatest tree depth: none passes, above 5% fails (Stan's guide to warnings; slow,
    not biased). Monte Carlo standard error of averages and of standard deviations: below 5% of the standard deviation
    passes (ours). Draws that are no numbers, chains that never move, and chains that have settled in different places
    fail.

    Where gaps were filled many times, the chains of one completed table are compared with each other only: those of
    different tables should differ. The worst R-hat of all tables counts, and the sum of the effective sample sizes.
    What is the same in every draw of every chain is a constant, and is not judged.

    Draws of an approximation have no chains to compare. The tail of their importance weights is judged instead: a
    Pareto k̂ up to 0.5 passes, above 0.7 fails (Yao et al. 2018; Vehtari et al. 2024), and how many independent draws
    the weights leave. Independent draws need no several chains.

    Parameters
    ----------
    policy
        The thresholds; the defaults when not given.
    """
    rules = policy or default()
    posterior = reported(dt)
    chains, draws = int(posterior.sizes["chain"]), int(posterior.sizes["draw"])
    if not _enough(dt, rules):
        return [rules["draws"].finding("Draws for each chain", draws, str(draws), "Too few to judge anything.")]
    each = int(posterior.attrs.get("chains_each", chains))
    wrong = [*_not_numbers(posterior, rules), *_stuck(posterior, rules)]
    statistics = _from_statistics(dt["sample_stats"].to_dataset(), chains * draws, rules)
    if "approximation" in posterior.attrs:
        return [*_of_approximation(posterior.attrs, rules), *wrong]
    counted = [] if posterior.attrs.get("independent") else [_chains(min(each, chains), rules)]
    if any(finding.rule == "non-finite-draws" for finding in wrong):
        return [*counted, *wrong, *statistics]
    return [
        *counted,
        *wrong,
        *_of_chains(posterior, chains, each, rules),
        *statistics,
    ]


def _of_approximation(told: Mapping[str, Any], rules: Policy) -> Iterator[Finding]:
    """Judge the importance weights of an approximation's draws."""
    k, ess = float(told["pareto_k"]), float(told["importance_ess"])
    yield rules["approximation-k"].finding(
        "Pareto k̂ of the approximation",
        k,
        f"{k:.2f}",
        "Whether a few draws carry most of the weight that the posterior gives: then the approximation misses it.",
    )
    yield rules["ess"].finding(
        "Effective sample size, by weight",
        ess,
        f"{ess:.0f}",
        "How many independent draws of the posterior these are worth.",
        scale=USUAL_CHAINS,
    )


def _enough(dt: Any, policy: Policy) -> bool:
    return policy["draws"].status(int(dt["posterior"].sizes["draw"])) != "fail"


def _of_chains(posterior: Any, chains: int, each: int, rules: Policy) -> list[Finding]:
    """Judge what the chains say of each quantity: whether they agree, and how precisely."""
    names, values = quantities(posterior)
    tables = [values[:, start : start + each] for start in range(0, chains, each)]
    constant = {name for name, width in zip(names, np.ptp(values, axis=(1, 2)), strict=True) if width == 0}

    def over(which: Callable[[list[float]], float], measure: Callable[[Any], Any]) -> dict[str, float]:
        measured = [dict(zip(names, map(float, measure(one)), strict=True)) for one in tables]
        found = _over(which, measured)
        return {name: value for name, value in found.items() if name not in constant} or found

    rhat = over(max, diagnostics.rhat) if each > 1 else {}
    bulk, tail = over(sum, diagnostics.ess_bulk), over(sum, diagnostics.ess_tail)
    errors = {"mean": over(_of_average, diagnostics.mcse_mean), "sd": over(_of_average, diagnostics.mcse_sd)}
    several = _several(posterior, rhat, rules) if len(tables) == 1 else None
    spread = dict(zip(names, map(float, values.std(axis=(1, 2))), strict=True))
    return [
        *([explanations.finding(several, rules)] if several else []),
        *([_rhat(rhat, rules)] if rhat else []),
        _ess("bulk", bulk, chains, rules),
        _ess("tail", tail, chains, rules),
        *(
            _error(kind, {name: error / (spread[name] or np.nan) for name, error in errors[kind].items()}, rules)
            for kind in errors
        ),
    ]


def reported(dt: Any) -> Any:
    """Return what is reported: without predictions for every row, and without raw parts of what is.

    Variables whose name ends in ``_raw`` are what others are made of, such as the weights of a smooth curve's waves;
    only what is made of them means something.
    """
    posterior = dt["posterior"].to_dataset()
    left_out = [name for name in posterior.data_vars if "__obs__" in posterior[name].dims or _is_raw(str(name))]
    return posterior.drop_vars(left_out)


def _is_raw(name: str) -> bool:
    return name.endswith("_raw") or (name.startswith("hsgp(") and name.endswith("_weights"))


def quantities(posterior: Any) -> tuple[list[str], np.ndarray]:
    """Spread scalars and vectors over names like ``1|Subject[308]``; the draws have shape (names, chains, draws)."""
    names: list[str] = []
    draws: list[np.ndarray] = []
    for name in posterior.data_vars:
        values = posterior[name].transpose("chain", "draw", ...)
        labels = [list(map(str, values[dim].values)) for dim in values.dims[2:]]
        names += [f"{name}[{', '.join(one)}]" if one else str(name) for one in product(*labels)]
        draws.append(values.values.reshape(*values.shape[:2], -1).transpose(2, 0, 1))
    return names, np.concatenate(draws).astype(float)


def _over(which: Callable[[list[float]], float], found: list[dict[str, float]]) -> dict[str, float]:
    """Bring together what each completed table gives for a parameter; what is not a number stays so."""
    return {
        name: np.nan if any(np.isnan(one[name]) for one in found) else which([one[name] for one in found])
        for name in found[0]
    }


def _of_average(errors: list[float]) -> float:
    """Return the error of an average of independent estimates."""
    return math.sqrt(sum(error**2 for error in errors)) / len(errors)


def _several(posterior: Any, rhat: dict[str, float], rules: Policy) -> explanations.Explanations | None:
    """Look for more than one explanation in the variables whose R-hat is a failure."""
    bad = {name for name, value in rhat.items() if rules["rhat"].status(value) == "fail"}
    names = [
        str(variable)
        for variable in posterior.data_vars
        if any(name == variable or name.startswith(f"{variable}[") for name in bad)
    ]
    return explanations.explanations(posterior, names, rules) if names else None


def _not_numbers(posterior: Any, rules: Policy) -> list[Finding]:
    wrong = {str(name): int((~np.isfinite(posterior[name].values)).sum()) for name in posterior.data_vars}
    wrong = {name: count for name, count in wrong.items() if count}
    if not wrong:
        return []
    return [
        rules["non-finite-draws"].finding(
            "Draws that are no numbers",
            sum(wrong.values()),
            ", ".join(f"{count} of {name}" for name, count in wrong.items()),
            "The model could not be evaluated there, so that nothing can be said of its distribution.",
        )
    ]


def _stuck(posterior: Any, rules: Policy) -> list[Finding]:
    """Find chains that never move, of quantities that are not constants of the model."""
    still: dict[str, set[int]] = {}
    moves = False
    for name in posterior.data_vars:
        values = posterior[name].transpose("chain", "draw", ...).values
        width = values.max(1) - values.min(1)
        constant = values.max((0, 1)) == values.min((0, 1))
        moves |= bool((width > 0).any())
        chains = np.argwhere(((width == 0) & ~constant).reshape(len(width), -1).any(1)).ravel()
        if len(chains):
            still[str(name)] = set(map(int, chains))
    if not moves:
        still = {"everything": set(range(int(posterior.sizes["chain"])))}
    if not still:
        return []
    chains_still = sorted(set().union(*still.values()))
    return [
        rules["stuck-chains"].finding(
            "Chains that do not move",
            len(chains_still),
            f"chain {', '.join(map(str, chains_still))} ({', '.join(still)})",
            "The sampler could take no step there; such a chain says nothing of the posterior.",
        )
    ]


def _chains(chains: int, rules: Policy) -> Finding:
    return rules["chains"].finding("Chains", chains, str(chains), "Independent attempts that should all find the same.")


def _rhat(rhat: dict[str, float], rules: Policy) -> Finding:
    name = max(rhat, key=lambda one: np.inf if np.isnan(rhat[one]) else rhat[one])
    return rules["rhat"].finding(
        "R-hat, largest",
        rhat[name],
        f"{rhat[name]:.3f} ({name})",
        "Compares the chains with each other: 1 means that they agree.",
    )


def _ess(kind: str, ess: dict[str, float], chains: int, rules: Policy) -> Finding:
    name = min(ess, key=lambda one: -np.inf if np.isnan(ess[one]) else ess[one])
    about = "the middle" if kind == "bulk" else "the tails"
    return rules["ess"].finding(
        f"Effective sample size, {kind}, smallest",
        ess[name],
        f"{ess[name]:.0f} ({name})",
        f"How many independent draws these are worth for {about} of the distribution.",
        scale=chains,
    )


def _error(kind: str, ratios: dict[str, float], rules: Policy) -> Finding:
    name = max(ratios, key=lambda one: np.inf if np.isnan(ratios[one]) else ratios[one])
    what = {"mean": "averages", "sd": "standard deviations"}[kind]
    return rules[f"mcse-{kind}"].finding(
        f"Monte Carlo error of {what}, largest",
        ratios[name],
        f"{ratios[name]:.1%} of the standard deviation ({name})",
        "How much they would move if the computation were repeated.",
    )


def _from_statistics(stats: Any, total: int, rules: Policy) -> list[Finding]:
    found = []
    if "diverging" in stats:
        diverging = int(stats["diverging"].sum())
        found.append(
            rules["divergences"].finding(
                "Divergences",
                diverging / total,
                f"{diverging} of {total}",
                "Places that the sampler could not follow: the draws may miss a part of the posterior.",
            )
        )
    if "energy" in stats:
        found.append(_bfmi(stats["energy"], rules))
    if "reached_max_treedepth" in stats:
        share = float(stats["reached_max_treedepth"].mean())
        found.append(
            rules["tree-depth"].finding(
                "Draws at the greatest tree depth", share, f"{share:.1%}", "Steps cut short: slow, not biased."
            )
        )
    return found


def _bfmi(energy: Any, rules: Policy) -> Finding:
    values = energy.transpose("chain", "draw").values
    bfmi = np.square(np.diff(values, axis=1)).mean(1) / np.maximum(values.var(axis=1, ddof=1), 1e-300)
    least = float(bfmi.min())
    return rules["bfmi"].finding(
        "E-BFMI, smallest",
        least,
        f"{least:.2f}",
        "Whether the sampler moves freely between likely and unlikely regions.",
    )


def _picture(dt: Any) -> Any:
    """Rank plots of the parameters that mix worst."""
    posterior = dt["posterior"].to_dataset()
    scalars = [name for name in posterior.data_vars if posterior[name].ndim == 2]
    names, draws = quantities(posterior[scalars]) if scalars else ([], np.empty((0, 1, 1)))
    shown = list(np.argsort(diagnostics.ess_bulk(draws), kind="stable")[:PICTURED]) if scalars else []
    fig, axes = figure(columns=max(2, len(shown)), height=2.2)
    for axis, at in zip(axes, shown, strict=False):
        values = draws[at]
        ranks = values.ravel().argsort().argsort().reshape(values.shape)
        for chain in ranks:
            axis.stairs(*np.histogram(chain, bins=20, range=(0, ranks.size)))
        axis.axhline(values.shape[1] / 20, color="#888888", linestyle=":")
        axis.set(title=names[at], xlabel="rank", yticks=[])
    for axis in axes[len(shown) :]:
        axis.axis("off")
    return fig
