"""Sensitivity: does the answer depend on what was assumed, and does a conclusion flip?

Two ways of asking. Power-scaling weighs the draws as if the prior, or the data, counted a little more or less
(Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5); it costs nothing. Refits under rival priors say how far the
answer really moves; the model is compiled once for all widths of its priors.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.rivals import MOST_DRAWS, NONE, flips, headline, rivals
from modelcompose.workflow.scaling import ANSWER, power
from modelcompose.workflow.steps import conclude, figure
from modelcompose.workflow.words import percent

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["check", "sensitivity"]

COLOURS = ("#1d3557", "#3a6ea5", "#6c9bd2", "#b9c7d8", "#d98c4a", "#a8730a")


def sensitivity(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Any:
    """Ask how the answer depends on prior and data.

    Parameters
    ----------
    table
        The rows that the model was built from.
    model, dt
        The model and its posterior; with a group ``log_likelihood`` the influence of the data is found by
        power-scaling, too.

    Returns
    -------
    xarray.DataTree
        ``power``: ``sensitivity`` by quantity (the headline effects, then the parameters) and component (``prior``,
        ``likelihood``); absent where it cannot be worked out, with the reason in ``attrs["no_power"]``.
        ``rivals``: by prior and headline effect ``mean``, ``sd``, ``lower``, ``median``, ``upper``, ``above`` (the
        probability of being above none), ``inside`` (of being too small to matter) and ``largest`` (of being the
        largest level); the first row is the fit as it was made. The attributes say which priors were widened or
        tightened, and which have no width.
    """
    import xarray as xr

    started = time.monotonic()
    base = headline(analysis, table, model, dt)
    scaled, why = power(model, dt, base)
    under = rivals(analysis, table, model, base)
    tree = xr.DataTree.from_dict({"rivals": under} | ({"power": scaled} if scaled is not None else {}))
    tree.attrs = {**under.attrs, "no_power": why, "seconds": time.monotonic() - started}
    return tree


def check(analysis: Analysis, sensitivity: Any) -> Verdict:
    """Judge how the answer depends on prior and data.

    The sensitivity of the headline to the power of the prior: below 0.05 passes (Kallioinen et al. 2024). Where it is
    not, that to the power of the likelihood tells why: 0.05 and above, prior and data disagree; below, the data say
    little. Under rival priors the headline should move by no more than half of its posterior standard deviation; two
    fail. A conclusion flips when a probability crosses its limit and moves by 2 percentage points or more: that of the
    direction 95%, or that of the interval's end; that of being too small to matter 5% or 95%; or when another level
    becomes the largest.

    Parameters
    ----------
    sensitivity
        What ``mc.sensitivity`` returned.
    """
    rules = policy_of(analysis)
    under = sensitivity["rivals"].to_dataset()
    scaled = sensitivity["power"]["sensitivity"] if "power" in sensitivity.children else None
    flipped = flips(analysis, under, rules)
    findings = [
        *(_scaling(scaled, rules) if scaled is not None else [_no_power(sensitivity)]),
        *(_moves(under, rules) if under.sizes["prior"] > 1 else []),
        *(_flipped(flipped, rules) if under.sizes["prior"] > 1 else [_no_rivals(analysis, sensitivity)]),
    ]
    status = worst(one.status for one in findings)
    return conclude(
        "sensitivity",
        analysis,
        sentence=_sentence(under, scaled, flipped, status, rules),
        findings=findings,
        remedies=list(_remedies(analysis, sensitivity, scaled, rules)),
        details={
            "The answer under other priors": _rows(analysis, under),
            **({"Sensitivity to prior and data": _power_rows(scaled, rules)} if scaled is not None else {}),
            **_untried(sensitivity),
        },
        picture=_picture(under) if under.sizes["prior"] > 1 else None,
        alt="The headline with its interval under each prior.",
        partial=bool(sensitivity.attrs.get("stopped", 0)),
    )


def _scaling(scaled: Any, rules: Policy) -> Iterator[Finding]:
    """Judge the answer's sensitivity; that of parameters is for information."""
    answers = [str(name) for name in scaled["quantity"].values if str(name).startswith(ANSWER)]
    prior = {name: float(scaled.sel(quantity=name, component="prior")) for name in answers}
    if answers:
        name = max(prior, key=lambda one: -np.inf if np.isnan(prior[one]) else prior[one])
        data = float(scaled.sel(quantity=name, component="likelihood"))
        yield rules["power-scaling"].finding(
            "Sensitivity of the answer to the prior",
            prior[name],
            f"{prior[name]:.3f} ({name.removeprefix(ANSWER)})" + ("" if np.isnan(data) else f"; to data {data:.3f}"),
            _diagnosis(prior[name], data, rules) or "Whether prior counts a little more or less hardly matters.",
        )
    said = {
        str(name): _diagnosis(float(prior), float(data), rules)
        for name, (prior, data) in zip(scaled["quantity"].values, scaled.values, strict=True)
        if name not in answers
    }
    flagged = [f"{name}: {why}" for name, why in said.items() if why]
    yield Finding(
        name="Parameters that are sensitive to their priors",
        rule="power-scaling",
        status="info",
        value=len(flagged),
        shown=f"{len(flagged)} of {len(said)}",
        threshold=rules["power-scaling"].words(),
        sentence="; ".join(flagged[:3]),
        source=rules["power-scaling"].source,
    )


def _diagnosis(prior: float, data: float, rules: Policy) -> str:
    rule = rules["power-scaling"]
    if rule.status(prior) == "pass":
        return ""
    if np.isnan(data):
        return "The prior speaks; whether the data disagree is not known."
    if rule.status(data) == "pass":
        return "The data say little, the prior speaks."
    return "Prior and data disagree: each pulls its own way."


def _no_power(sensitivity: Any) -> Finding:
    return Finding(
        name="Sensitivity of the answer to the prior",
        status="info",
        shown="not worked out",
        sentence=f"Power-scaling was left out: {sensitivity.attrs['no_power']}. The refits speak instead.",
    )


def _no_rivals(analysis: Analysis, sensitivity: Any) -> Finding:
    why = str(sensitivity.attrs["failed"]) or (
        "none of the priors has a width to change" if analysis.rival_priors else "no rival priors were asked for"
    )
    return Finding(
        name="The answer under rival priors", status="info", shown="not tried", sentence=f"Not tried: {why}."
    )


def _moved(under: Any) -> Any:
    """Return how far each effect's mean moves, in posterior standard deviations as chosen; (priors, effects)."""
    return abs(under["mean"] - under["mean"][0]) / under["sd"][0].clip(1e-300)


def _moves(under: Any, rules: Policy) -> Iterator[Finding]:
    moved = _moved(under)
    at = np.unravel_index(int(np.nan_to_num(moved.values, nan=np.inf).argmax()), moved.shape)
    value = float(moved.values[at])
    yield rules["move-under-rival-priors"].finding(
        "Largest move of the answer under a rival prior",
        value,
        f"{value:.2f} posterior standard deviations ({under['effect'].values[at[1]]}, {under['prior'].values[at[0]]})",
        "Small beside the uncertainty that is reported anyway."
        if rules["move-under-rival-priors"].status(value) == "pass"
        else "The prior decides a good part of the answer: report the range.",
    )


def _flipped(flipped: list[str], rules: Policy) -> Iterator[Finding]:
    yield rules["flipped-conclusions"].finding(
        "Conclusions that flip under a rival prior",
        len(flipped),
        str(len(flipped)) if flipped else "none",
        "; ".join(flipped[:4]) or "Whoever had assumed otherwise would have concluded the same.",
    )


def _sentence(under: Any, scaled: Any, flipped: list[str], status: str, rules: Policy) -> str:
    if scaled is None and under.sizes["prior"] == 1:
        return "How the answer depends on the priors could not be worked out."
    if flipped:
        return f"A conclusion depends on the prior: {flipped[0]}. Report the answer under each of them."
    if status in ("pass", "info"):
        tried = " and ".join(map(str, under["prior"].values[1:]))
        where = f", with priors {tried}" if tried else ""
        return f"The answer hardly depends on what was assumed: it stays the same{where}."
    why = (
        next((one.sentence for one in _scaling(scaled, rules) if one.status == "warn"), "")
        if scaled is not None
        else ""
    )
    return f"The answer depends on what was assumed. {why}".strip()


def _remedies(analysis: Analysis, sensitivity: Any, scaled: Any, rules: Policy) -> Iterator[Remedy]:
    conflict = scaled is not None and any("disagree" in one.sentence for one in _scaling(scaled, rules))
    refit = "the fit and what follows again"
    if analysis.priors:
        yield Remedy(
            label="Use the default priors",
            why=f"Your own priors of {', '.join(analysis.priors)} pull against the data."
            if conflict
            else f"Your own priors of {', '.join(analysis.priors)} decide a part of the answer.",
            changes={"priors": {}},
            cost=refit,
            score=0.8 if conflict else 0.6,
        )
    if not catalog.get(analysis.model).own:
        yield Remedy(
            label="Double the width of the priors",
            why="The data then count for more; right only if what was assumed was a guess.",
            changes={"prior_scale": 2 * analysis.prior_scale},
            cost=refit,
            score=0.6 if conflict else 0.4,
        )
    yield Remedy(
        label="Show the answer under every defensible choice",
        why="If the data cannot settle it, the range is the honest answer.",
        changes={"universes": 12},
        cost=f"12 fits, about {max(1, round(6 * float(sensitivity.attrs['seconds'])))} s",
        score=0.3,
    )


def _rows(analysis: Analysis, under: Any) -> list[dict[str, str]]:
    draws = analysis.chains * min(analysis.draws, MOST_DRAWS)
    return [
        {
            "priors": str(prior),
            "quantity": str(name),
            "median": f"{float(one['median']):.4g}",
            f"{analysis.ci_prob:.0%} interval": f"{float(one['lower']):.4g} to {float(one['upper']):.4g}",
            "above no effect": "" if np.isnan(one["above"]) else percent(float(one["above"]), draws),
            "too small to matter": "" if np.isnan(one["inside"]) else percent(float(one["inside"]), draws),
        }
        for name in under["effect"].values
        for prior in under["prior"].values
        for one in [under.sel(effect=name, prior=prior)]
    ]


def _power_rows(scaled: Any, rules: Policy) -> list[dict[str, str]]:
    """List the sensitivity of each quantity; in words where there is anything to say of one."""
    rows = [
        {
            "quantity": str(name),
            "to the prior": f"{prior:.3f}",
            "to the data": "" if np.isnan(data) else f"{data:.3f}",
            "in words": _diagnosis(float(prior), float(data), rules),
        }
        for name, (prior, data) in zip(scaled["quantity"].values, scaled.values, strict=True)
    ]
    if any(row["in words"] for row in rows):
        return rows
    return [{name: said for name, said in row.items() if name != "in words"} for row in rows]


def _untried(sensitivity: Any) -> dict[str, str]:
    """Name the priors whose widths were not changed, and why a refit could not be made."""
    left, failed = str(sensitivity.attrs.get("left", "")), str(sensitivity.attrs.get("failed", ""))
    return {
        **({"left as they are": f"The widths of these priors were not changed: {left}."} if left else {}),
        **({"not tried": f"Priors of other widths could not be tried: {failed}."} if failed else {}),
    }


def _picture(under: Any) -> Any:
    """Draw the headline under each prior; several effects in standard deviations, so that all fit on one axis."""
    names, priors = list(map(str, under["effect"].values)), list(map(str, under["prior"].values))
    alone = len(names) == 1
    fig, axes = figure(height=1.0 + 0.3 * len(names) * len(priors))
    for at, name in enumerate(names):
        one = under.sel(effect=name)
        centre, unit = (0.0, 1.0) if alone else (float(one["mean"][0]), max(float(one["sd"][0]), 1e-300))
        for number, prior in enumerate(priors):
            place = at + 0.8 * (number + 0.5) / len(priors) - 0.4
            low, middle, high = ((float(one[end][number]) - centre) / unit for end in ("lower", "median", "upper"))
            colour = COLOURS[number % len(COLOURS)]
            axes.plot([low, high], [place, place], color=colour, linewidth=2, label=prior if at == 0 else None)
            axes.plot(middle, place, "o", color="white", markeredgecolor=colour)
    if alone and str(under["kind"].values[0]) in NONE:
        axes.axvline(NONE[str(under["kind"].values[0])], color="#888888", linestyle=":")
    axes.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticklabels([name.replace("$", r"\$") for name in names], fontsize=7)
    axes.set_xlabel(
        names[0].replace("$", r"\$") if alone else "change from the answer as chosen, in standard deviations"
    )
    axes.legend(title="priors", fontsize=7, title_fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
