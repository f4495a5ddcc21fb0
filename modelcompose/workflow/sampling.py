"""Sampling diagnostics: can the draws be trusted?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow import explanations
from modelcompose.workflow.fit import another, is_partial
from modelcompose.workflow.policy import Policy, default, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

PICTURED = 4
MOST_DRAWS = 8  # times as many
MIXTURE = "mixture"
GEOMETRY = frozenset({"divergences", "bfmi"})
PRECISION = frozenset({"rhat", "ess", "mcse-mean", "mcse-sd", "draws"})
SEVERAL = explanations.RULE


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
        sentence="The chains found more than one explanation of the data: no single result should be read from them."
        if several
        else {
            "pass": "The chains agree and the draws are plentiful: the computation can be trusted.",
            "warn": "The computation is usable but not clean: treat the results as provisional.",
        }.get(status, "The draws do not describe the posterior: no result should be read from them."),
        findings=findings,
        remedies=remedies(analysis, findings, dt),
        picture=_picture(dt) if _enough(dt, policy) else None,
        alt="Rank plots: in each panel the bars of all chains should be level.",
        partial=is_partial(dt),
    )


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

    Parameters
    ----------
    policy
        The thresholds; the defaults when not given.
    """
    rules = policy or default()
    posterior = _parameters(dt)
    chains, draws = int(posterior.sizes["chain"]), int(posterior.sizes["draw"])
    if not _enough(dt, rules):
        return [rules["draws"].finding("Draws for each chain", draws, str(draws), "Too few to judge anything.")]
    each = int(posterior.attrs.get("chains_each", chains))
    wrong = [*_not_numbers(posterior, rules), *_stuck(posterior, rules)]
    statistics = _from_statistics(dt["sample_stats"].to_dataset(), chains * draws, rules)
    if any(finding.rule == "non-finite-draws" for finding in wrong):
        return [_chains(min(each, chains), rules), *wrong, *statistics]
    return [
        _chains(min(each, chains), rules),
        *wrong,
        *_of_chains(posterior, chains, each, rules),
        *statistics,
    ]


def _enough(dt: Any, policy: Policy) -> bool:
    return policy["draws"].status(int(dt["posterior"].sizes["draw"])) != "fail"


def _of_chains(posterior: Any, chains: int, each: int, rules: Policy) -> list[Finding]:
    """Judge what the chains say of each quantity: whether they agree, and how precisely."""
    import arviz_stats as azs

    tables = [posterior.isel(chain=slice(start, start + each)) for start in range(0, chains, each)]
    constant = _constant(posterior)

    def over(which: Callable[[list[float]], float], measure: Callable[[Any], Any]) -> dict[str, float]:
        found = _over(which, [_flat(measure(one)) for one in tables])
        return {name: value for name, value in found.items() if name not in constant} or found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rhat = over(max, azs.rhat) if each > 1 else {}
        bulk = over(sum, lambda one: azs.ess(one, method="bulk"))
        tail = over(sum, lambda one: azs.ess(one, method="tail"))
        errors = {kind: over(_of_average, partial(azs.mcse, method=kind)) for kind in ("mean", "sd")}
        several = _several(posterior, rhat, rules) if len(tables) == 1 else None
    spread = _flat(posterior.std(("chain", "draw")))
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


def _parameters(dt: Any) -> Any:
    """Return what is reported: without predictions for every row, and without raw parts of what is.

    Variables whose name ends in ``_raw`` are what others are made of, such as the weights of a smooth curve's waves;
    only what is made of them means something.
    """
    posterior = dt["posterior"].to_dataset()
    left_out = [name for name in posterior.data_vars if "__obs__" in posterior[name].dims or _is_raw(str(name))]
    return posterior.drop_vars(left_out)


def _is_raw(name: str) -> bool:
    return name.endswith("_raw") or (name.startswith("hsgp(") and name.endswith("_weights"))


def _flat(dataset: Any) -> dict[str, float]:
    """Spread a dataset of scalars and vectors over names like ``1|Subject[308]``."""
    found = {}
    for name in dataset.data_vars:
        values = dataset[name]
        for index in np.ndindex(values.shape):
            labels = [str(values[dim].values[at]) for dim, at in zip(values.dims, index, strict=True)]
            found[f"{name}[{', '.join(labels)}]" if labels else str(name)] = float(values.values[index])
    return found


def _over(which: Callable[[list[float]], float], found: list[dict[str, float]]) -> dict[str, float]:
    """Bring together what each completed table gives for a parameter; what is not a number stays so."""
    return {
        name: np.nan if any(np.isnan(one[name]) for one in found) else which([one[name] for one in found])
        for name in found[0]
    }


def _of_average(errors: list[float]) -> float:
    """Return the error of an average of independent estimates."""
    return math.sqrt(sum(error**2 for error in errors)) / len(errors)


def _constant(posterior: Any) -> set[str]:
    """Name what never changes in any chain, such as the diagonal of a matrix of correlations."""
    dims = ("chain", "draw")
    ranges = _flat(posterior.max(dims) - posterior.min(dims))
    return {name for name, width in ranges.items() if width == 0}


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


# -- remedies ------------------------------------------------------------------------------------------------------


def remedies(analysis: Analysis, findings: list[Finding], dt: Any) -> list[Remedy]:
    """Offer what would help, from what failed; ``conclude`` puts the most promising first.

    After Gelman et al. 2020, arXiv:2011.01808, section 5: longer chains where only precision lacks, another
    parameterisation and smaller steps where the geometry is hard, then more information in the priors. The scores are
    our own experience.
    """
    bad = {finding.rule for finding in findings if finding.status in ("warn", "fail")}
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
        if analysis.sampler == "nutpie":
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
    low_rank = analysis.metric == "low-rank" or (analysis.metric == "auto" and not grouped)
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


def _other_sampler(analysis: Analysis, dt: Any) -> Remedy:
    other = "pymc" if analysis.sampler == "nutpie" else "nutpie"
    return Remedy(
        label=f"Let {other} draw",
        why="It shares no code with the present sampler, so that an accident of one shows.",
        changes={"sampler": other},
        cost=another(dt, 4 if other == "pymc" else 1),
        score=0.2,
    )


def _picture(dt: Any) -> Any:
    """Rank plots of the parameters that mix worst."""
    import arviz_stats as azs

    posterior = dt["posterior"].to_dataset()
    scalars = [name for name in posterior.data_vars if posterior[name].ndim == 2]
    bulk = {name: float(azs.ess(posterior[[name]], method="bulk")[name]) for name in scalars}
    names = sorted(scalars, key=lambda name: bulk[name])[:PICTURED]
    fig, axes = figure(columns=max(2, len(names)), height=2.2)
    for axis, name in zip(axes, names, strict=False):
        values = posterior[name].transpose("chain", "draw").values
        ranks = values.ravel().argsort().argsort().reshape(values.shape)
        for chain in ranks:
            axis.hist(chain, bins=20, range=(0, ranks.size), histtype="step")
        axis.axhline(values.shape[1] / 20, color="#888888", linestyle=":")
        axis.set(title=name, xlabel="rank", yticks=[])
    for axis in axes[len(names) :]:
        axis.axis("off")
    return fig
