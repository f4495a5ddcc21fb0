"""Answer: the result in words, at three depths with the same numbers, held back when the computation failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog, samplers
from modelcompose.catalog.effects import Effect
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow import results, words
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.results import Caveat
from modelcompose.workflow.steps import conclude, figure
from modelcompose.workflow.words import Figures

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

MOST, SPOKEN = 24, 3
DEPTHS = ("For the decision maker", "For the analyst", "For the statistician")


def check(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Verdict:
    """Say the answer in words, with the precision it deserves.

    The details tell it three times from the same figures: for the decision maker, the analyst and the statistician.
    No number is shown when the sampling diagnostics fail, unless a named person lets that pass. The Monte Carlo
    standard error of each reported quantity should be below 5% of its posterior standard deviation; above 10% fails
    (Vehtari et al. 2021 imply the former by asking for an effective sample size of 400).

    Raises
    ------
    InvalidInput
        When the model's own words for its quantities may not be said, such as “causes”.
    """
    held = results.held_back("answer", analysis, dt)
    if held is not None:
        return held
    figures = results.figures_of(results.effects_of(analysis, table, model, dt), dt, analysis.ci_prob)
    headline = [one for one in figures if one.effect.headline] or figures
    others = _complete_rows_only(analysis, table, model, headline)
    against = results.caveats("answer", analysis, dt)
    depths = _depths(analysis, table, dt, figures, headline, against)
    words.require_allowed([depths[name] for name in DEPTHS], results.names_in(analysis, table))
    precision = _precision(figures, dt, analysis)
    return conclude(
        "answer",
        analysis,
        sentence=depths["For the decision maker"][0],
        findings=[
            *results.earlier_checks(against),
            precision,
            *_without_gaps(headline, others, analysis),
        ],
        remedies=[results.more_draws(analysis)] if precision.status != "pass" else [],
        details={
            "estimand": analysis.estimand,
            **depths,
            "Results": [_row(one, analysis) for one in figures[:MOST]],
            "effects": {one.effect.name: _numbers(one) for one in figures},
            "units": {one.effect.name: one.effect.unit for one in figures},
            **_beside(headline, others),
            "caution": _caution(analysis, headline),
        },
        picture=_picture(headline[:MOST], analysis),
        alt="; ".join(map(words.size, headline[:SPOKEN])),
        partial=is_partial(dt),
    )


# -- three depths --------------------------------------------------------------------------------------------------


def _depths(
    analysis: Analysis,
    table: pd.DataFrame,
    dt: Any,
    figures: list[Figures],
    headline: list[Figures],
    against: list[Caveat],
) -> dict[str, Any]:
    warned = results.warning(against)
    return {
        "For the decision maker": [
            " ".join(filter(None, [warned, _headline(analysis, headline), f"Based on {_rows(len(table))}."])),
            *_new_row(analysis, table, dt),
            *_unsaid(analysis, headline),
            _caution(analysis, headline),
        ],
        "For the analyst": [
            *([warned] if warned else []),
            *(_in_full(one, analysis) for one in figures[:MOST]),
            *_left_out(analysis),
        ],
        "For the statistician": _for_the_statistician(figures[:MOST], dt, analysis),
        "What it rests on": _rests_on(analysis, table, dt),
    }


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _headline(analysis: Analysis, headline: list[Figures]) -> str:
    """Say what was asked: size, direction in numbers and words, and what may be concluded."""
    if (
        analysis.question == "compare-many"
        and len(headline) > 1
        and all(one.effect.kind == "level" for one in headline)
    ):
        return _largest(headline)
    said = [
        f"{words.size(one)} {words.direction(one, analysis.smallest_effect, verbal=True)} "
        f"{words.conclusion(one, analysis.smallest_effect)}"
        for one in headline[:SPOKEN]
    ]
    more = len(headline) - SPOKEN
    if more > 0:
        said.append(f"The table of results holds {more} more {'quantity' if more == 1 else 'quantities'}.")
    return " ".join(" ".join(said).split())


def _largest(headline: list[Figures]) -> str:
    draws = np.stack([one.effect.draws for one in headline])
    top = np.bincount(draws.argmax(0), minlength=len(headline)) / draws.shape[1]
    best = int(top.argmax())
    chance = words.chance(float(top[best]), headline[best].draws)
    return f"{words.size(headline[best])} The probability that it is the largest of the {len(headline)} is {chance}."


def _in_full(one: Figures, analysis: Analysis) -> str:
    smallest = analysis.smallest_effect
    said = (words.size(one), words.direction(one, smallest), words.conclusion(one, smallest))
    return " ".join(filter(None, said))


def _unsaid(analysis: Analysis, headline: list[Figures]) -> Iterator[str]:
    """Say why nothing is said of importance, where a smallest effect that matters was not stated or does not apply."""
    compared = [one for one in headline if one.none is not None]
    if not compared:
        return
    if not analysis.smallest_effect:
        yield (
            "A probable direction is not yet an important effect. Nothing is said of importance, since no smallest "
            "effect that matters was stated."
        )
    elif not any(one.has_range for one in compared):
        yield (
            "The smallest effect that matters was stated in the unit of the outcome. It cannot be held against a "
            "factor, so nothing is said of importance."
        )


def _left_out(analysis: Analysis) -> Iterator[str]:
    data = results.current(analysis).get("data")
    dropped = data.details.get("dropped") if data else None
    if dropped:
        yield f"{_rows(dropped)} {'was' if dropped == 1 else 'were'} left out, because a value in use is missing."


def _for_the_statistician(figures: list[Figures], dt: Any, analysis: Analysis) -> list[dict[str, str]]:
    errors = results.mcse([one.effect.draws for one in figures], dt)
    return [
        {
            "quantity": one.effect.name,
            "unit": one.effect.unit,
            "median": one.median,
            f"{100 * analysis.ci_prob:.4g}% interval": one.interval,
            "mean": one.spelt(float(one.effect.draws.mean())),
            "standard deviation": words.number(one.sd, one.sd),
            "direction": _direction(one),
            "too small to matter": _inside(one, analysis),
            "Monte Carlo error of the mean": words.number(float(error), float(error)),
            "effective draws": f"{one.draws:.0f} of {one.effect.draws.size}",
        }
        for one, error in zip(figures, errors, strict=True)
    ]


def _direction(one: Figures) -> str:
    if one.none is None:
        return ""
    below, above = one.sides
    return f"{words.percent(max(below, above), one.draws)} {'above' if above >= below else 'below'} {one.none:g}"


def _inside(one: Figures, analysis: Analysis) -> str:
    if not analysis.smallest_effect or not one.has_range:
        return ""
    rule, inside = policy_of(analysis)["too-small-to-matter"], one.inside(analysis.smallest_effect)
    said = {"pass": "practically equivalent", "warn": "undecided", "fail": "matters"}[rule.status(inside)]
    return f"{words.percent(inside, one.draws)} within ±{analysis.smallest_effect:g} ({said}, by the whole posterior)"


def _rests_on(analysis: Analysis, table: pd.DataFrame, dt: Any) -> list[dict[str, str]]:
    """List what a statistician asks for: model, priors, computation, rules in force, waivers, and what was tried."""
    posterior = dt["posterior"]
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    rows = [
        ("rows", " ".join([_rows(len(table)), *_left_out(analysis)])),
        ("model", catalog.get(analysis.model).title),
        ("formula", "; ".join(analysis.formula_parts)),
        ("priors", _priors(analysis)),
        ("computation", f"{analysis.sampler}, {chains} chains of {draws} draws, seed {analysis.random_seed}"),
        ("rules in force", policy_of(analysis).reference),
        *(("waived", f"{one['step']}: by {one['by']}. Reason: {one['reason']}") for one in analysis.waivers),
        *_tried(analysis),
    ]
    return [{"what": what, "is": said} for what, said in rows if said]


def _priors(analysis: Analysis) -> str:
    widened = "" if analysis.prior_scale == 1 else f", {analysis.prior_scale:g} times as wide"
    if not analysis.priors:
        return f"the catalogue's defaults{widened}"
    own = ", ".join(analysis.priors)
    return f"the user's own for {own}; for the rest the catalogue's defaults{widened}"


TRIED = ("comparison", "sensitivity", "multiverse")


def _tried(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Say what else was tried in this session, so that nothing is chosen in silence."""
    found = results.current(analysis)
    for name in TRIED:
        if name in found:
            yield f"{name}", found[name].sentence


# -- the next observation ------------------------------------------------------------------------------------------

NOT_SINGLE = frozenset({"trend", "combine", "quantile", "ability", "change-point"})
LEVELS = 6


def _new_row(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Iterator[str]:
    """Say where a single new observation would fall, which is another thing than where the average lies.

    Nothing is said where a prediction is no outcome: of waiting times that are cut off, angles, several outcomes at
    once, and questions whose quantities already say it.
    """
    entry = catalog.get(analysis.model)
    rows = entry.observed(analysis, table)
    circular = analysis.kinds.get(analysis.outcome) == "circular"
    if "posterior_predictive" not in dt.children or analysis.question in NOT_SINGLE:
        return
    if analysis.event or analysis.further or circular or analysis.outcome not in rows:
        return
    drawn = outcome_draws(dt["posterior_predictive"].to_dataset(), analysis.outcome)
    if drawn.shape[1] != len(rows) or not np.isfinite(drawn).all():
        return
    column = rows[analysis.outcome]
    if hasattr(column, "cat"):
        yield _of_100_rows(analysis.outcome, [str(level) for level in column.cat.categories], drawn)
    elif set(column.unique()) <= {0, 1}:
        yield _of_100_rows(analysis.outcome, ["0", "1"], drawn)
    else:
        yield _in_the_middle(analysis, rows, drawn, dt)


def _of_100_rows(outcome: str, levels: list[str], drawn: np.ndarray) -> str:
    shares = [100 * float(np.mean(drawn == at)) for at in range(len(levels))]
    common = sorted(sorted(range(len(levels)), key=lambda at: -shares[at])[:LEVELS])
    listed = ", ".join(f"about {shares[at]:.0f} with {outcome} = {levels[at]}" for at in common)
    return f"Of 100 new rows like those in the table, the model expects {listed}. It cannot tell which ones."


def _in_the_middle(analysis: Analysis, rows: pd.DataFrame, drawn: np.ndarray, dt: Any) -> str:
    """Compare average and single value for the row whose prediction is in the middle of all."""
    at = int(np.argsort(np.median(drawn, axis=0))[drawn.shape[1] // 2])
    where, average = _described(analysis, rows, at), _average(dt, drawn, at)
    found = [drawn[:, at]] if average is None else [drawn[:, at], average]
    unit = analysis.units.get(analysis.outcome, "")
    shown = results.figures_of([Effect("", "", "level", one, unit) for one in found], dt, analysis.ci_prob)
    said = (
        f"a single new value of {analysis.outcome} would fall between {_range(shown[0])} with a probability of "
        f"{100 * analysis.ci_prob:.4g}%"
    )
    if average is None:
        return f"{where}, {said}."
    return (
        f"Where the average lies is not where the next value will fall: {where[0].lower()}{where[1:]}, the average is "
        f"between {_range(shown[1])}, while {said}."
    )


def _range(one: Figures) -> str:
    low, _, high = one.quantiles
    if (one.effect.draws == np.round(one.effect.draws)).all():
        return f"{low:.0f} and {words.amount(f'{high:.0f}', one.effect.unit)}"
    return f"{one.spelt(low)} and {one.amount(high)}"


def _described(analysis: Analysis, rows: pd.DataFrame, at: int) -> str:
    named = [*analysis.predictors, *analysis.groups, *filter(None, [analysis.exposure, analysis.trials])]
    known = [name for name in dict.fromkeys(named) if name in rows][:LEVELS]
    spelt = [f"{name} = {_value(rows[name].iloc[at], analysis.units.get(name, ''))}" for name in known]
    return f"With {', '.join(spelt)}" if spelt else "For a row like those in the table"


def _value(value: Any, unit: str) -> str:
    return words.amount(f"{value:.6g}", unit) if isinstance(value, int | float | np.number) else str(value)


def _average(dt: Any, drawn: np.ndarray, at: int) -> np.ndarray | None:
    """Take the expected outcome of a row out of the posterior, where it is there on the outcome's own scale."""
    if "mu" not in dt["posterior"]:
        return None
    mean = dt["posterior"]["mu"]
    if set(mean.dims) not in ({"chain", "draw", "__obs__"}, {"chain", "draw", "row"}) or mean.shape[2] <= at:
        return None
    draws = mean.transpose("chain", "draw", ...).values[:, :, at].ravel()
    same_scale = abs(draws.mean() - drawn[:, at].mean()) <= OFF * drawn[:, at].std()
    return draws if same_scale else None


OFF = 0.25

# -- how it may be read --------------------------------------------------------------------------------------------

DESIGNS = frozenset({"intervention", "before-after", "one-treated"})


def _caution(analysis: Analysis, headline: list[Figures]) -> str:
    """Say how far the numbers carry: no design of rows and columns alone allows words of cause and effect."""
    if not any(one.none is not None for one in headline):
        return (
            "These numbers speak of rows like those in the table: of others only as far as the table represents them."
        )
    if analysis.question == "ab-test":
        return "This difference is due to the variants only if chance alone decided which row got which."
    if analysis.question in DESIGNS:
        return "This difference is due to what was done only as far as the assumptions of the design hold."
    if not analysis.predictors:
        return "These numbers describe what was recorded; they do not say why it is so."
    return (
        "These are associations among otherwise similar rows. They speak of cause and effect only if the data come "
        "from an experiment or a design that allows it."
    )


# -- precision and gaps --------------------------------------------------------------------------------------------


def _precision(figures: list[Figures], dt: Any, analysis: Analysis) -> Finding:
    errors = results.mcse([one.effect.draws for one in figures], dt)
    ratios = [float(error) / max(one.sd, 1e-300) for one, error in zip(figures, errors, strict=True)]
    at = int(np.argmax(ratios))
    return policy_of(analysis)["monte-carlo-error"].finding(
        "Monte Carlo error, largest",
        ratios[at],
        f"{ratios[at]:.1%} of the posterior standard deviation ({figures[at].effect.name})",
        "How much the reported numbers would move if the computation were repeated.",
    )


def _complete_rows_only(
    analysis: Analysis, table: pd.DataFrame, model: Any, headline: list[Figures]
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
            record=False,
        )
        found = catalog.get(analysis.model).effects(analysis, complete, other, dt)
    except ModelComposeError:
        return {}
    names = {one.effect.name for one in headline}
    return {effect.name: effect for effect in found if effect.name in names}


def _without_gaps(headline: list[Figures], others: dict[str, Effect], analysis: Analysis) -> list[Finding]:
    """Say how far the answer moves when the rows with gaps are left out, in posterior standard deviations."""
    moves = {
        one.effect.name: float(
            abs(one.effect.draws.mean() - others[one.effect.name].draws.mean()) / max(one.sd, 1e-300)
        )
        for one in headline
        if one.effect.name in others
    }
    if not moves:
        return []
    name = max(moves, key=lambda one: moves[one])
    return [
        policy_of(analysis)["move-without-gaps"].finding(
            "Change when rows with gaps are left out",
            moves[name],
            f"{moves[name]:.1f} posterior standard deviations ({name})",
            "If the answer moves, it rests on how the gaps are treated; say which way you chose and why.",
        )
    ]


def _beside(headline: list[Figures], others: dict[str, Effect]) -> dict[str, Any]:
    rows = [
        {
            "quantity": one.effect.name,
            "with the gaps filled": words.size(one),
            "complete rows only": words.size(others[one.effect.name], one.ci_prob),
        }
        for one in headline[:MOST]
        if one.effect.name in others
    ]
    return {"Does it depend on the gaps?": rows} if rows else {}


# -- tables and picture --------------------------------------------------------------------------------------------


def _row(one: Figures, analysis: Analysis) -> dict[str, str]:
    return {
        "quantity": one.effect.name,
        "in words": words.size(one),
        "direction": words.direction(one, analysis.smallest_effect),
        "median": one.amount(one.quantiles[1]),
        "interval": one.interval,
    }


def _numbers(one: Figures) -> dict[str, float]:
    low, middle, high = one.quantiles
    mean = float(one.effect.draws.mean())
    precision = {"error": one.error, "independent": one.draws}
    return {"mean": mean, "sd": one.sd, "lower": low, "median": middle, "upper": high, **precision}


def _picture(figures: list[Figures], analysis: Analysis) -> Any:
    fig, axes = figure(height=1.2 + 0.32 * len(figures))
    effects = [one.effect for one in reversed(figures)]
    for at, one in enumerate(reversed(figures)):
        low, middle, high = one.quantiles
        axes.plot([low, high], [at, at], color="#3a6ea5", linewidth=1.5)
        axes.plot(np.quantile(one.effect.draws, [0.25, 0.75]), [at, at], color="#3a6ea5", linewidth=4)
        axes.plot(middle, at, "o", color="white", markeredgecolor="#3a6ea5")
    axes.set(yticks=range(len(effects)), yticklabels=[effect.name.replace("$", r"\$") for effect in effects])
    axes.tick_params(axis="y", labelsize=7)
    none = figures[0].none
    if none is not None:
        axes.axvline(none, color="#888888", linestyle=":")
    if analysis.smallest_effect and figures[0].has_range:
        axes.axvspan(-analysis.smallest_effect, analysis.smallest_effect, color="#888888", alpha=0.15, linewidth=0)
    unit = figures[0].effect.unit
    axes.set(xlabel=f"{100 * analysis.ci_prob:.4g}% interval, half of it thick{f', {unit}' if unit else ''}")
    return fig
