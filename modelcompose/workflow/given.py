"""A fit made elsewhere: what can be judged of it when only its draws are known.

The rules are those of the workflow: of the draws always; of data simulated from the fitted model where there is
``posterior_predictive`` beside ``observed_data``; of the pull of single rows where there is ``log_likelihood``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput
from modelcompose.verdict import Finding, Status, Verdict, worst
from modelcompose.workflow import posterior, sampling
from modelcompose.workflow.calibration import trusted, without_each
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.prior import Simulated
from modelcompose.workflow.steps import conclude, figure

__all__ = ["checks"]

MOST_DRAWS = 1000
MOST_KEPT = 10_000
SHOWN = 30


def checks(dt: Any, analysis: Analysis | None = None) -> Iterator[Verdict]:
    """Judge a fit by its draws, one verdict for each step that they allow to judge.

    Parameters
    ----------
    dt
        DataTree with ``posterior``, dimensions ``chain`` and ``draw``; the more of ``sample_stats``,
        ``posterior_predictive`` with ``observed_data``, and ``log_likelihood``, the more is judged.
    analysis
        Choices to judge by, such as a policy; the defaults when not given. Nothing is stopped by a failure.

    Raises
    ------
    InvalidInput
        When there is no posterior with chains and draws.
    """
    whole = _complete(dt)
    choices = (analysis or Analysis()).changed({"on_fail": "warn"})
    yield _of_draws(sampling.check(choices, whole), whole)
    if {"posterior_predictive", "observed_data"} <= set(whole.children):
        verdict = _predictive(choices, whole)
        if verdict is not None:
            yield verdict
    if "log_likelihood" in whole.children:
        verdict = _influence(choices, whole)
        if verdict is not None:
            yield verdict


def _complete(dt: Any) -> Any:
    """Return a tree that every check can read; what a sampler did not note is left empty."""
    import xarray as xr

    if not isinstance(dt, xr.DataTree) or "posterior" not in dt.children:
        raise InvalidInput(
            f"this is no fit: {type(dt).__name__} without the group posterior",
            where="dt",
            remedy="Give a DataTree as ArviZ 1.x, PyMC and nutpie return it; arviz.from_dict makes one of arrays.",
        )
    found = dt["posterior"].to_dataset()
    lacking = [dim for dim in ("chain", "draw") if dim not in found.dims]
    if lacking or not found.data_vars:
        what = f"the dimension {lacking[0]!r}" if lacking else "any quantity"
        raise InvalidInput(
            f"the posterior lacks {what}", where="posterior", remedy="Name its dimensions chain and draw."
        )
    if "sample_stats" in dt.children:
        return dt
    groups = {name: group.to_dataset() for name, group in dt.children.items()}
    return xr.DataTree.from_dict({**groups, "sample_stats": xr.Dataset()})


def _of_draws(verdict: Verdict, dt: Any) -> Verdict:
    """Leave out remedies, which change choices that nobody has made here, and say what was not recorded."""
    if "diverging" in dt["sample_stats"].to_dataset():
        return verdict.model_copy(update={"remedies": ()})
    unknown = Finding(
        name="Divergences",
        status="warn",
        shown="not recorded",
        sentence="Whether the sampler missed a part of the posterior cannot be told without them.",
    )
    findings = (*verdict.findings, unknown)
    return verdict.model_copy(
        update={"remedies": (), "findings": findings, "status": worst([verdict.status, unknown.status])}
    )


def _predictive(analysis: Analysis, dt: Any) -> Verdict | None:
    """Compare simulated and observed data of each outcome that is numbers; None where there is none."""
    simulated = {str(name): one for name in dt["observed_data"].data_vars if (one := _simulated(dt, str(name)))}
    if not simulated:
        return None
    findings = [
        finding if len(simulated) == 1 else finding.model_copy(update={"name": f"{name}: {finding.name}"})
        for name, one in simulated.items()
        for finding in posterior.judge(*_choices(analysis, name, one), one)
    ]
    status = worst(finding.status for finding in findings)
    misfits = "; ".join(finding.name.lower() for finding in findings if finding.status in ("warn", "fail"))
    name, first = next(iter(simulated.items()))
    return conclude(
        "posterior",
        analysis,
        sentence=f"Data simulated from the fitted model differ from yours: {misfits}."
        if misfits
        else "Data simulated from the fitted model look like yours in the respects checked.",
        findings=findings,
        picture=_picture(name, first),
        alt=f"Distribution of {name}: observed against {SHOWN} simulated data sets.",
        partial=is_partial(dt),
        status=status,
    )


def _simulated(dt: Any, name: str) -> Simulated | None:
    group = dt["posterior_predictive"].to_dataset()
    observed = dt["observed_data"][name]
    if name not in group or observed.dtype.kind not in "iufb" or observed.ndim == 0:
        return None
    predicted = group[name].stack(sample=("chain", "draw")).transpose("sample", ...)
    if set(observed.dims) < set(predicted.dims):
        predicted = predicted.transpose("sample", *observed.dims)
    draws = predicted.values  # PyMC may call the same dimension otherwise in the two groups
    if draws.shape[1:] != observed.shape:
        return None
    values = observed.values.ravel().astype(float)
    every = max(1, len(draws) // MOST_DRAWS)
    flat = draws.reshape(len(draws), -1)[::every].astype(float)
    known = np.isfinite(values) & np.isfinite(flat).all(0)
    if known.sum() < 2:
        return None
    yes_or_no = set(np.unique(values[known])) <= {0.0, 1.0} and set(np.unique(flat[:, known])) <= {0.0, 1.0}
    return Simulated(flat[:, known], values[known], "binary" if yes_or_no else "number")


def _choices(analysis: Analysis, name: str, one: Simulated) -> tuple[Analysis, Any]:
    """Say of an outcome what its values say: whether they are counts."""
    import pandas as pd

    counted = bool((one.observed >= 0).all() and (one.observed == one.observed.round()).all())
    counted &= bool((one.draws == one.draws.round()).all())
    kind = "binary" if one.kind == "binary" else "count" if counted else "continuous"
    choices = analysis.model_copy(update={"outcome": name, "kinds": {name: kind}, "predictors": [], "groups": []})
    return choices, pd.DataFrame({name: one.observed})


def _picture(name: str, one: Simulated) -> Any:
    fig, axes = figure()
    edges = np.histogram_bin_edges(one.observed, bins="auto" if one.kind == "number" else 2)
    edges = edges if len(edges) < 100 else np.linspace(edges[0], edges[-1], 60)
    for row in one.draws[:: max(1, len(one.draws) // SHOWN)]:
        axes.stairs(np.histogram(row, edges)[0], edges, color="#b9c7d8", linewidth=0.8)
    axes.stairs(np.histogram(one.observed, edges)[0], edges, color="#1f3a5f", linewidth=1.6, label="observed")
    axes.set_xlabel(name)
    axes.set_ylabel("rows")
    axes.legend(frameon=False)
    return fig


def _influence(analysis: Analysis, dt: Any) -> Verdict | None:
    """Leave out each row by weighting the draws; None where the likelihood has no parts or more than one outcome."""
    from scipy.special import logsumexp

    group = dt["log_likelihood"].to_dataset()
    if len(group.data_vars) != 1:
        return None
    (name,) = group.data_vars
    stacked = group[name].stack(sample=("chain", "draw"))
    by_row = stacked.transpose(..., "sample").values.reshape(-1, stacked.sizes["sample"])
    if len(by_row) < 2 or not np.isfinite(by_row).all():
        return None
    log_weights, pareto_k = without_each(by_row)
    densities = logsumexp(log_weights + by_row, axis=1)
    rules, good = policy_of(analysis), trusted(by_row.shape[1])
    largest = int(np.argmax(pareto_k))
    high = int((pareto_k > good).sum())
    elpd, se = float(densities.sum()), float(np.sqrt(len(densities)) * densities.std(ddof=1))
    findings = [
        _largest_k(float(pareto_k[largest]), largest, high, good, rules),
        rules["unknown-without"].finding(
            "Rows whose absence could not be followed",
            high / len(pareto_k),
            f"{high} of {len(pareto_k)}",
            "Their densities are rough: fit again without them to know." if high else "Weighting was enough.",
        ),
    ]
    kept = {"rows": densities.round(4).tolist()} if len(densities) <= MOST_KEPT else {}
    return conclude(
        "influence",
        analysis,
        sentence=f"{high} rows pull the fit hard, above all row {largest + 1}."
        if high
        else "No single row decides the fit.",
        findings=findings,
        details={
            "predictive density": f"{elpd:.1f}, standard error {se:.1f}",
            "elpd": {"elpd": elpd, "se": se, "of": _explained(dt, str(name)), **kept},
        },
        partial=is_partial(dt),
    )


def _largest_k(k: float, row: int, high: int, good: float, rules: Policy) -> Finding:
    rule = rules["pareto-k"]
    rule = rule.model_copy(update={"limit": min(rule.limit, good)})
    shown = f"{k:.2f} (row {row + 1})" if high else f"{k:.2f}"
    status: Status = "fail" if not np.isfinite(k) else rule.status(k)
    found = rule.finding("Largest Pareto k", k, shown, "How hard the fit holds on to its most influential row.")
    return found.model_copy(update={"status": status})


def _explained(dt: Any, name: str) -> str:
    """Return a digest of what is explained: where it agrees, the densities of two fits compare."""
    if "observed_data" not in dt.children or name not in dt["observed_data"]:
        return ""
    values = np.ascontiguousarray(dt["observed_data"][name].values, dtype=float)
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]
