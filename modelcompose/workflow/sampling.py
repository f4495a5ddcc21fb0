"""Sampling diagnostics: can the draws be trusted?"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow.fit import LEAST, is_partial
from modelcompose.workflow.steps import banded, conclude, figure

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

VEHTARI = "Vehtari et al. 2021, doi:10.1214/20-BA1221"
BETANCOURT = "Betancourt 2017, arXiv:1701.02434"
PICTURED = 4


def check(analysis: Analysis, dt: Any) -> Verdict:
    """Judge the draws by the rules of ``judge``.

    Parameters
    ----------
    dt
        DataTree with ``posterior`` and ``sample_stats``.
    """
    findings = judge(dt)
    status = worst(finding.status for finding in findings)
    return conclude(
        "sampling",
        analysis,
        sentence={
            "pass": "The chains agree and the draws are plentiful: the computation can be trusted.",
            "warn": "The computation is usable but not clean: treat the results as provisional.",
        }.get(status, "The draws do not describe the posterior: no result should be read from them."),
        findings=findings,
        remedies=remedies(analysis, findings, dt),
        picture=_picture(dt) if dt["posterior"].sizes["draw"] >= LEAST else None,
        alt="Rank plots: in each panel the bars of all chains should be level.",
        partial=is_partial(dt),
    )


def judge(dt: Any) -> list[Finding]:
    """Hold the draws of all reported parameters against the field's rules.

    Chains: 4 or more pass, 2 or 3 warn, 1 fails. Rank-normalised split R-hat: below 1.01 passes, above 1.05 fails
    (Vehtari et al. 2021; the upper value is ours). Bulk and tail effective sample size: 100 for each chain passes,
    below 50 fails (Vehtari et al. 2021). Divergences after warm-up: none passes, above 0.1% of the draws fails (zero
    is the stated aim, Betancourt 2017; 0.1% is ours). E-BFMI: 0.3 passes, below 0.2 fails (Betancourt 2016,
    arXiv:1604.00695). Draws at the greatest tree depth: none passes, above 5% fails (Stan's guide to warnings; slow,
    not biased).

    Where gaps were filled many times, the chains of one completed table are compared with each other only: those of
    different tables should differ. The worst R-hat of all tables counts, and the sum of the effective sample sizes.
    """
    import arviz_stats as azs

    posterior = _parameters(dt)
    chains, draws = int(posterior.sizes["chain"]), int(posterior.sizes["draw"])
    if draws < LEAST:
        return [_too_few(draws)]
    each = int(posterior.attrs.get("chains_each", chains))
    tables = [posterior.isel(chain=slice(start, start + each)) for start in range(0, chains, each)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rhat = _over(max, [_flat(azs.rhat(one)) for one in tables]) if each > 1 else {}
        bulk = _over(sum, [_flat(azs.ess(one, method="bulk")) for one in tables])
        tail = _over(sum, [_flat(azs.ess(one, method="tail")) for one in tables])
    return [
        _chains(min(each, chains)),
        *([_rhat(rhat)] if rhat else []),
        _ess("bulk", bulk, chains),
        _ess("tail", tail, chains),
        *_from_statistics(dt["sample_stats"].to_dataset(), chains * draws),
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
    """Spread a dataset of scalars and vectors over names like ``1|Subject[308]``; keep the finite ones first."""
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


def _too_few(draws: int) -> Finding:
    return Finding(
        name="Draws for each chain",
        status="fail",
        value=draws,
        shown=str(draws),
        threshold=f"at least {LEAST}",
        sentence="Too few to judge anything.",
    )


def _chains(chains: int) -> Finding:
    return Finding(
        name="Chains",
        status=banded(chains, 4, 2, low_is_bad=True),
        value=chains,
        shown=str(chains),
        threshold="4 or more",
        sentence="Independent attempts that should all find the same.",
        source=VEHTARI,
    )


def _rhat(rhat: dict[str, float]) -> Finding:
    name = max(rhat, key=lambda one: np.inf if np.isnan(rhat[one]) else rhat[one])
    return Finding(
        name="R-hat, largest",
        status=banded(rhat[name], 1.01, 1.05),
        value=rhat[name],
        shown=f"{rhat[name]:.3f} ({name})",
        threshold="below 1.01; a failure above 1.05",
        sentence="Compares the chains with each other: 1 means that they agree.",
        source=VEHTARI,
    )


def _ess(kind: str, ess: dict[str, float], chains: int) -> Finding:
    name = min(ess, key=lambda one: -np.inf if np.isnan(ess[one]) else ess[one])
    about = "the middle" if kind == "bulk" else "the tails"
    return Finding(
        name=f"Effective sample size, {kind}, smallest",
        status=banded(ess[name], 100 * chains, 50 * chains, low_is_bad=True),
        value=ess[name],
        shown=f"{ess[name]:.0f} ({name})",
        threshold=f"{100 * chains} or more; a failure below {50 * chains}",
        sentence=f"How many independent draws these are worth for {about} of the distribution.",
        source=VEHTARI,
    )


def _from_statistics(stats: Any, total: int) -> list[Finding]:
    found = []
    if "diverging" in stats:
        diverging = int(stats["diverging"].sum())
        found.append(
            Finding(
                name="Divergences",
                status="pass" if diverging == 0 else "warn" if diverging <= total / 1000 else "fail",
                value=diverging,
                shown=f"{diverging} of {total}",
                threshold="none; a failure above 0.1%",
                sentence="Places that the sampler could not follow: the draws may miss a part of the posterior.",
                source=BETANCOURT,
            )
        )
    if "energy" in stats:
        found.append(_bfmi(stats["energy"]))
    if "reached_max_treedepth" in stats:
        share = float(stats["reached_max_treedepth"].mean())
        found.append(
            Finding(
                name="Draws at the greatest tree depth",
                status="pass" if share == 0 else "warn" if share <= 0.05 else "fail",
                value=share,
                shown=f"{share:.1%}",
                threshold="none; a failure above 5%",
                sentence="Steps cut short: slow, not biased.",
                source="Stan, guide to warnings",
            )
        )
    return found


def _bfmi(energy: Any) -> Finding:
    values = energy.transpose("chain", "draw").values
    bfmi = np.square(np.diff(values, axis=1)).mean(1) / values.var(axis=1)
    least = float(bfmi.min())
    return Finding(
        name="E-BFMI, smallest",
        status=banded(least, 0.3, 0.2, low_is_bad=True),
        value=least,
        shown=f"{least:.2f}",
        threshold="0.3 or more; a failure below 0.2",
        sentence="Whether the sampler moves freely between likely and unlikely regions.",
        source="Betancourt 2016, arXiv:1604.00695",
    )


def remedies(analysis: Analysis, findings: list[Finding], dt: Any) -> list[Remedy]:
    """Order what would help, most promising first, from what failed.

    After Gelman et al. 2020, arXiv:2011.01808, section 5: longer chains where only precision lacks, another
    parameterisation and smaller steps where the geometry is hard, then more information in the priors.
    """
    bad = {finding.name for finding in findings if finding.status in ("warn", "fail")}
    grouped = any("|" in str(name) for name in dt["posterior"].data_vars)
    geometry = bool(bad & {"Divergences", "E-BFMI, smallest"})
    found: list[Remedy] = []
    if "Chains" in bad:
        found.append(Remedy(label="Run 4 chains", why="Then they can be compared.", changes={"chains": 4}))
    if bad - {"Chains"} and grouped and not analysis.noncentered:
        found.append(
            Remedy(
                label="Use the non-centred form of group effects",
                why="Groups with few rows make a funnel that the centred form cannot follow.",
                changes={"noncentered": True},
            )
        )
    if geometry and analysis.target_accept < 0.99:
        higher = 0.95 if analysis.target_accept < 0.95 else 0.99
        found.append(
            Remedy(
                label=f"Take smaller steps (target_accept {higher})",
                why="The sampler then follows sharp bends; it takes longer.",
                changes={"target_accept": higher},
            )
        )
    if bad - {"Chains", "Divergences"}:
        found.append(
            Remedy(
                label="Draw twice as many samples",
                why="More draws raise the effective sample size.",
                changes={"draws": 2 * analysis.draws, "tune": int(1.5 * analysis.tune)},
            )
        )
        found.append(_other_metric(analysis, grouped))
    if geometry:
        if grouped and analysis.noncentered:
            found.append(
                Remedy(
                    label="Use the centred form of group effects",
                    why="Groups with many rows are easier to follow in it.",
                    changes={"noncentered": False},
                )
            )
        found.append(
            Remedy(
                label="Halve the width of the priors",
                why="More information about the effects makes the geometry gentler.",
                changes={"prior_scale": analysis.prior_scale / 2},
            )
        )
    return found


def _other_metric(analysis: Analysis, grouped: bool) -> Remedy:
    low_rank = analysis.metric == "low-rank" or (analysis.metric == "auto" and not grouped)
    other = "diagonal" if low_rank else "low-rank"
    return Remedy(
        label=f"Adapt the sampler's scale the other way ({other})",
        why="Which way draws more efficiently depends on how the parameters are correlated.",
        changes={"metric": other},
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
