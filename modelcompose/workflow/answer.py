"""Answer: the result in words, held back when the computation failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog, samplers
from modelcompose.catalog.effects import Effect
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow import sampling, words
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.steps import banded, conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

PRECISE, IMPRECISE = 0.05, 0.10
MOVES = 0.5
MOST = 24


def check(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Verdict:
    """Say the answer in words, with the precision it deserves.

    No number is shown when the sampling diagnostics fail. The Monte Carlo standard error of each reported quantity
    should be below 5% of its posterior standard deviation; above 10% fails (Vehtari et al. 2021 imply the former
    by asking for an effective sample size of 400).
    """
    computation = sampling.judge(dt)
    if worst(finding.status for finding in computation) == "fail":
        return conclude(
            "answer",
            analysis,
            sentence="No result is shown, because the computation failed its checks.",
            findings=[finding for finding in computation if finding.status == "fail"],
            remedies=sampling.remedies(analysis, computation, dt),
        )
    effects = _effects(analysis, table, model, dt)
    headline = [effect for effect in effects if effect.headline] or effects
    others = _complete_rows_only(analysis, table, model, headline)
    provisional = any(finding.status == "warn" for finding in computation)
    return conclude(
        "answer",
        analysis,
        sentence=_headline(analysis, headline, table, provisional=provisional or is_partial(dt)),
        findings=[_precision(effects, dt), *_sensitivity(headline, others)],
        remedies=[
            Remedy(
                label="Draw twice as many samples",
                why="More draws make the reported digits firmer.",
                changes={"draws": 2 * analysis.draws},
            )
        ],
        details={
            "estimand": analysis.estimand,
            "Results": [_row(effect, analysis) for effect in effects[:MOST]],
            "effects": {effect.name: _numbers(effect, analysis.ci_prob) for effect in effects},
            **_beside(headline, others, analysis),
            "caution": CAUTION,
        },
        picture=_picture(headline[:MOST], analysis),
        alt="; ".join(words.size(effect, analysis.ci_prob) for effect in headline[:3]),
        partial=is_partial(dt),
    )


def _effects(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Turn the posterior into answers; where gaps were filled many times, pool what each completed table says."""
    entry = catalog.get(analysis.model)
    each = [entry.effects(analysis, part.table, model, part.dt) for part in catalog.parts(model, table, dt)]
    return [replace(same[0], draws=np.concatenate([one.draws for one in same])) for same in zip(*each, strict=True)]


def _complete_rows_only(
    analysis: Analysis, table: pd.DataFrame, model: Any, headline: list[Effect]
) -> dict[str, Effect]:
    """Answer the question again from the rows without gaps, where gaps were filled."""
    gaps = getattr(model, "gaps", None)
    if gaps is None:
        return {}
    kept = np.delete(np.arange(len(table)), np.unique(np.concatenate(list(gaps.rows.values()))))
    complete = table.iloc[kept].reset_index(drop=True)
    for name in complete.select_dtypes("category"):
        complete[name] = complete[name].cat.remove_unused_categories()
    try:
        other = catalog.build(analysis, complete)
        dt = samplers.fit(
            other,
            sampler=analysis.sampler,
            draws=min(analysis.draws, 500),
            tune=min(analysis.tune, 500),
            chains=analysis.chains,
            random_seed=analysis.random_seed,
        )
        found = catalog.get(analysis.model).effects(analysis, complete, other, dt)
    except ModelComposeError:
        return {}
    names = {effect.name for effect in headline}
    return {effect.name: effect for effect in found if effect.name in names}


def _sensitivity(headline: list[Effect], others: dict[str, Effect]) -> list[Finding]:
    """Say how far the answer moves when the rows with gaps are left out, in posterior standard deviations."""
    moves = {
        effect.name: float(
            abs(effect.draws.mean() - others[effect.name].draws.mean()) / max(effect.draws.std(), 1e-300)
        )
        for effect in headline
        if effect.name in others
    }
    if not moves:
        return []
    name = max(moves, key=lambda one: moves[one])
    return [
        Finding(
            name="Change when rows with gaps are left out",
            status="pass" if moves[name] <= MOVES else "info",
            value=moves[name],
            shown=f"{moves[name]:.1f} posterior standard deviations ({name})",
            threshold=f"up to {MOVES}",
            sentence="If the answer moves, it rests on how the gaps are treated; say which way you chose and why.",
            source="ModelCompose's own rule; idea: Gelman et al. 2020, arXiv:2011.01808, section 8",
        )
    ]


def _beside(headline: list[Effect], others: dict[str, Effect], analysis: Analysis) -> dict[str, Any]:
    rows = [
        {
            "quantity": effect.name,
            "with the gaps filled": words.size(effect, analysis.ci_prob),
            "complete rows only": words.size(others[effect.name], analysis.ci_prob),
        }
        for effect in headline[:MOST]
        if effect.name in others
    ]
    return {"Does it depend on the gaps?": rows} if rows else {}


CAUTION = (
    "These are associations among otherwise similar rows. They speak of cause and effect only if the data come from "
    "an experiment or a design that allows it."
)


def _headline(analysis: Analysis, effects: list[Effect], table: pd.DataFrame, *, provisional: bool) -> str:
    said = ["Provisional, because the computer checks gave a warning:"] if provisional else []
    if len(effects) > 1 and all(effect.kind == "level" for effect in effects):
        said.append(_largest(analysis, effects))
    else:
        for effect in effects[:3]:
            said += [words.size(effect, analysis.ci_prob), words.direction(effect, analysis.smallest_effect)]
    said.append(f"Based on {len(table)} rows.")
    return " ".join(part for part in said if part)


def _largest(analysis: Analysis, effects: list[Effect]) -> str:
    draws = np.stack([effect.draws for effect in effects])
    top = np.bincount(draws.argmax(0), minlength=len(effects)) / draws.shape[1]
    best = int(top.argmax())
    return (
        f"{words.size(effects[best], analysis.ci_prob)} It is the largest of the {len(effects)} with a probability of "
        f"{words.chance(float(top[best]), draws.shape[1])}."
    )


def _precision(effects: list[Effect], dt: Any) -> Finding:
    import arviz_stats as azs

    chains, draws = int(dt["posterior"].sizes["chain"]), int(dt["posterior"].sizes["draw"])
    ratios = {
        effect.name: float(azs.mcse(effect.draws.reshape(chains, draws), method="mean"))
        / max(effect.draws.std(), 1e-300)
        for effect in effects
    }
    name = max(ratios, key=lambda one: ratios[one])
    return Finding(
        name="Monte Carlo error, largest",
        status=banded(ratios[name], PRECISE, IMPRECISE),
        value=ratios[name],
        shown=f"{ratios[name]:.1%} of the posterior standard deviation",
        threshold="below 5%; a failure above 10%",
        sentence="How much the reported numbers would move if the computation were repeated.",
        source="Vehtari et al. 2021, doi:10.1214/20-BA1221",
    )


def _row(effect: Effect, analysis: Analysis) -> dict[str, str]:
    return {
        "quantity": effect.name,
        "in words": words.size(effect, analysis.ci_prob),
        "direction": words.direction(effect, analysis.smallest_effect),
    }


def _numbers(effect: Effect, ci_prob: float) -> dict[str, float]:
    low, middle, high = np.quantile(effect.draws, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    return {
        "mean": float(effect.draws.mean()),
        "sd": float(effect.draws.std()),
        "lower": float(low),
        "median": float(middle),
        "upper": float(high),
    }


def _picture(effects: list[Effect], analysis: Analysis) -> Any:
    fig, axes = figure(height=1.2 + 0.32 * len(effects))
    edge = (1 - analysis.ci_prob) / 2
    for at, effect in enumerate(reversed(effects)):
        low, quarter, middle, three, high = np.quantile(effect.draws, [edge, 0.25, 0.5, 0.75, 1 - edge])
        axes.plot([low, high], [at, at], color="#3a6ea5", linewidth=1.5)
        axes.plot([quarter, three], [at, at], color="#3a6ea5", linewidth=4)
        axes.plot(middle, at, "o", color="white", markeredgecolor="#3a6ea5")
    axes.set(yticks=range(len(effects)), yticklabels=[effect.name.replace("$", r"\$") for effect in reversed(effects)])
    axes.tick_params(axis="y", labelsize=7)
    none = {"difference": 0.0, "effect": 0.0, "ratio": 1.0}.get(effects[0].kind) if effects else None
    if none is not None:
        axes.axvline(none, color="#888888", linestyle=":")
    axes.set(
        xlabel=f"{analysis.ci_prob:.0%} interval, half of it thick{', ' + effects[0].unit if effects[0].unit else ''}"
    )
    return fig
