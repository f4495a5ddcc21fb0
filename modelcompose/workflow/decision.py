"""Decision: what each choice is worth under the stated stakes, for every value that the effect may have.

The choice with the highest expected gain is the best one; what being wrong costs, and what knowing the truth would be
worth, follow from the same draws (Raiffa and Schlaifer 1961, Applied Statistical Decision Theory; Gelman et al. 2013,
Bayesian Data Analysis, chapter 9). Nothing has to be sampled anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.analysis import Decision
from modelcompose.catalog.effects import Effect, contrasts
from modelcompose.errors import InvalidAnalysis
from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow import results, words
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.steps import conclude, figure
from modelcompose.workflow.words import Figures

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

HOW = (
    "No stakes were stated, so nothing is weighed. To weigh, say in the choices what is better and what it is worth: "
    'decision = {"better": "higher", "value": 12.5, "cost": 300, "currency": "€"}.'
)
NOTHING = (
    "The answer describes something that nobody chooses, so there is nothing to decide by it. State a question that "
    "compares what can be chosen."
)
MOST, FEWEST = 24, 10


def check(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Verdict:
    """Weigh the choices by what is at stake.

    What is chosen follows from the question: one of several groups or variants, another level of the first predictor,
    one unit more of it, or, where there is nothing to compare with, going ahead or not.

    Raises
    ------
    InvalidAnalysis
        When a cost is stated for a level that does not exist.
    """
    if not analysis.decision:
        return conclude("decision", analysis, sentence=HOW, status="info")
    held = results.held_back("decision", analysis, dt)
    if held is not None:
        return held
    choice = _choice(analysis, table, results.effects_of(analysis, table, model, dt))
    if choice is None:
        return conclude("decision", analysis, sentence=NOTHING, status="info")
    stakes = Stakes.of(choice, dt, analysis.ci_prob)
    against = results.caveats("decision", analysis, dt)
    said = [*_said(stakes), _caution(analysis, choice)]
    said[0] = " ".join(filter(None, [results.warning(against), said[0]]))
    details = {
        "For the decision maker": said,
        "Choices": [stakes.row(at) for at in stakes.order[:MOST]],
        "choices": {
            name: {"gain": float(stakes.gain[at]), "best": float(stakes.best[at]), "regret": float(stakes.regret[at])}
            for at, name in enumerate(choice.names)
        },
        "perfect information": float(stakes.regret[stakes.order[0]]),
    }
    words.require_allowed(details, results.names_in(analysis, table))
    gap = _gap(stakes, dt, analysis)
    return conclude(
        "decision",
        analysis,
        sentence=said[0],
        findings=[*results.earlier_checks(against), gap],
        remedies=[results.more_draws(analysis)] if gap.status != "pass" else [],
        details=details,
        picture=_picture(stakes),
        alt=f"What is gained by {choice.names[stakes.order[0]]}, for every plausible value of the effect.",
        partial=is_partial(dt),
    )


# -- what can be chosen --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What can be chosen, and what each choice is worth.

    Parameters
    ----------
    names
        The choices; of two, the first is to leave things as they are.
    gains
        What each is worth, cost taken off, shape (choices, chains × draws).
    unit
        In what the gains are counted.
    effect
        Of two choices: the effect that decides between them.
    even
        The value of that effect at which neither is better, if there is one.
    baseline
        For factors: the average that is multiplied, in words.
    stated
        What was stated.
    """

    names: tuple[str, ...]
    gains: np.ndarray
    unit: str
    stated: Decision
    outcome_unit: str
    effect: Effect | None = None
    even: float | None = None
    baseline: str = ""


UNCHOSEN = frozenset(
    {"trend", "change-point", "spread", "ability", "several-outcomes", "subgroups", "map", "quantile", "screen"}
)


def _choice(analysis: Analysis, table: pd.DataFrame, effects: list[Effect]) -> Choice | None:
    stated = Decision.model_validate(analysis.decision)
    if analysis.question in UNCHOSEN or analysis.kinds.get(analysis.outcome) == "circular":
        return None
    levels = _levels(analysis, effects)
    if levels:
        first = str(table[analysis.predictors[0]].cat.categories[0]) if analysis.question == "ab-test" else None
        return _of_several(stated, levels, first)
    name = next(iter(analysis.predictors), "")
    if name and name in table:
        pairs = list(contrasts(name, table, analysis))
        found = [(step, one) for step, short, *_ in pairs if (one := _matching(effects, short)) is not None]
        if found and hasattr(table[name], "cat"):
            return _of_contrasts(stated, name, found, table, analysis, effects)
        if found:
            _require_known(stated, [])
            step, one = found[0]
            named = (f"leaving {name} as it is", step.removeprefix("With "))
            return _of_two(stated, named, one, table, analysis, effects)
    _require_known(stated, [])
    acted = next((one for one in effects if one.headline and one.kind in words.NONE), None)
    if acted is not None:
        return _of_two(
            stated, ("leaving things as they are", _action(analysis, acted)), acted, table, analysis, effects
        )
    level = next((one for one in effects if one.headline and one.kind == "level"), None)
    if level is None or stated.better == "lower":
        return None
    return _of_two(stated, ("leaving things as they are", "going ahead"), level, table, analysis, effects)


def _levels(analysis: Analysis, effects: list[Effect]) -> dict[str, Effect]:
    """Find the levels of which one can be chosen: variants of an experiment, or groups."""
    prefix = {"ab-test": "share with "}.get(analysis.question, "")
    if analysis.question == "compare-many" and analysis.groups:
        prefix = f"{analysis.groups[0]} "
    if not prefix:
        return {}
    found = {one.name.removeprefix(prefix): one for one in effects if one.name.startswith(prefix)}
    kept = {name: one for name, one in found.items() if one.kind == "level"}
    return kept if len(kept) > 1 else {}


def _matching(effects: list[Effect], short: str) -> Effect | None:
    """Find the effect of a change; of a scale of levels, that on the highest."""
    named = re.compile(rf"(^|[;:] ){re.escape(short)}($|,| \(factor\))")
    having = [one for one in effects if named.search(one.name) and one.kind in words.NONE]
    exact = [one for one in having if one.name in (short, f"{short} (factor)")]
    return next(iter(exact or sorted(having, key=lambda one: not one.headline)), None)


def _action(analysis: Analysis, effect: Effect) -> str:
    named = {
        "intervention": f"what began at {analysis.intervention}",
        "before-after": "what was done to those treated",
        "one-treated": f"what was done to {analysis.treated}",
        "combine": "what the studies tried",
        "dose-response": f"the highest {next(iter(analysis.predictors), 'dose')}",
    }
    if analysis.question in named:
        return named[analysis.question]
    return effect.lead.split(",")[0].removeprefix("With ") if effect.lead.startswith("With ") else "acting"


def _cost(stated: Decision, level: str, *, first: bool = False) -> float:
    return stated.costs.get(level, 0.0 if first else stated.cost)


def _require_known(stated: Decision, levels: list[str]) -> None:
    for name in stated.costs:
        if name not in levels:
            raise InvalidAnalysis(
                f"a cost is stated for {name!r}, which cannot be chosen",
                where="decision",
                remedy=f"Levels are: {', '.join(levels)}."
                if levels
                else "State 'cost': here no levels are chosen from.",
            )


def _of_several(stated: Decision, levels: dict[str, Effect], first: str | None) -> Choice:
    _require_known(stated, list(levels))
    worth = stated.value * (1 if stated.better == "higher" else -1)
    gains = [worth * one.draws - _cost(stated, name, first=name == first) for name, one in levels.items()]
    unit = next(iter(levels.values())).unit
    return Choice(tuple(levels), np.stack(gains), _unit(stated, unit), stated, unit)


def _of_contrasts(
    stated: Decision,
    name: str,
    found: list[tuple[str, Effect]],
    table: pd.DataFrame,
    analysis: Analysis,
    effects: list[Effect],
) -> Choice:
    """Choose among the levels of a predictor; the first is what the others are compared with."""
    first, *others = (str(level) for level in table[name].cat.categories)
    _require_known(stated, [first, *others])
    if len(found) == 1:
        cost = _cost(stated, others[0]) - _cost(stated, first, first=True)
        names = (f"{name} {first}", f"{name} {others[0]}")
        return _of_two(stated, names, found[0][1], table, analysis, effects, cost=cost)
    worth = stated.value * (1 if stated.better == "higher" else -1)
    differences = [np.zeros_like(found[0][1].draws), *(_difference(one, table, analysis, effects) for _, one in found)]
    costs = [_cost(stated, level, first=level == first) for level in (first, *others)]
    gains = np.stack([worth * draws - cost for draws, cost in zip(differences, costs, strict=True)])
    unit = _difference_unit(found[0][1], analysis)
    named = tuple(f"{name} {level}" for level in (first, *others))
    return Choice(named, gains, _unit(stated, unit), stated, unit, baseline=_baseline_words(found[0][1], analysis))


def _of_two(
    stated: Decision,
    names: tuple[str, str],
    effect: Effect,
    table: pd.DataFrame,
    analysis: Analysis,
    effects: list[Effect],
    cost: float | None = None,
) -> Choice:
    worth = stated.value * (1 if stated.better == "higher" else -1)
    cost = stated.cost if cost is None else cost
    gain = worth * _difference(effect, table, analysis, effects) - cost
    even = (
        1 + cost / (worth * float(np.mean(_baseline(table, analysis, effects))))
        if effect.kind == "ratio"
        else cost / worth
    )
    unit = _difference_unit(effect, analysis)
    gains = np.stack([np.zeros_like(gain), gain])
    said = _baseline_words(effect, analysis)
    return Choice(names, gains, _unit(stated, unit), stated, unit, effect, even, said)


def _difference(effect: Effect, table: pd.DataFrame, analysis: Analysis, effects: list[Effect]) -> np.ndarray:
    """Return what an effect adds to the outcome; a factor multiplies an average that has to be known."""
    if effect.kind != "ratio":
        return effect.draws
    return np.asarray((effect.draws - 1) * _baseline(table, analysis, effects))


def _baseline(table: pd.DataFrame, analysis: Analysis, effects: list[Effect]) -> np.ndarray:
    """Return what a factor multiplies: the median wait, whose average is not recorded, or the table's average."""
    if analysis.question == "survival":
        wait = next((one for one in effects if one.kind == "level" and one.headline), None)
        if wait is not None:
            return wait.draws
    return np.asarray(float(table[analysis.outcome].astype(float).mean()))


def _baseline_words(effect: Effect, analysis: Analysis) -> str:
    if effect.kind != "ratio":
        return ""
    what = "median wait" if analysis.question == "survival" else f"average of {analysis.outcome} in the table"
    return f"The factor is taken to multiply the {what}."


def _difference_unit(effect: Effect, analysis: Analysis) -> str:
    return analysis.units.get(analysis.outcome, "") if effect.kind == "ratio" else effect.unit


def _unit(stated: Decision, unit: str) -> str:
    if stated.currency:
        return stated.currency
    return ("percentage points" if unit == "%" else unit) if stated.value == 1 else ""


# -- what it is worth ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stakes:
    """What is gained and lost by each choice.

    Parameters
    ----------
    gain
        Expected gain of each choice, shape (choices,).
    best
        The probability that each is the best; of choices that are equally good, the one named first counts.
    regret
        What each gives away on average against the one that is truly best. That of the best choice is the expected
        value of perfect information.
    order
        The choices by expected gain, the best first.
    figures
        Of the gain of each choice, rounded.
    """

    choice: Choice
    gain: np.ndarray
    best: np.ndarray
    regret: np.ndarray
    order: tuple[int, ...]
    figures: tuple[Figures, ...]
    lead: Figures

    @classmethod
    def of(cls, choice: Choice, dt: Any, ci_prob: float) -> Stakes:
        gains = choice.gains
        order = np.argsort(-gains.mean(1), kind="stable")
        between = gains[order[0]] - gains[order[1]]
        named = [Effect(name, "", "level", one, choice.unit) for name, one in zip(choice.names, gains, strict=True)]
        *figures, lead = results.figures_of([*named, Effect("lead", "", "effect", between, choice.unit)], dt, ci_prob)
        best = np.bincount(gains.argmax(0), minlength=len(gains)) / gains.shape[1]
        regret = (gains.max(0) - gains).mean(1)
        return cls(choice, gains.mean(1), best, regret, tuple(map(int, order)), tuple(figures), lead)

    @property
    def lost(self) -> np.ndarray:
        """What the best choice gives away against the one that is truly best, shape (chains × draws,)."""
        return np.asarray(self.choice.gains.max(0) - self.choice.gains[self.order[0]])

    def amount(self, value: float, spread: float, share: float = 1.0) -> str:
        """Spell an average of draws with the digits that their Monte Carlo error allows.

        Parameters
        ----------
        spread
            Standard deviation of the draws.
        share
            The share of all draws that the average is over.
        """
        error = spread / max(share * self.lead.draws, 1) ** 0.5
        shown = words.number(value, error, error)
        if value > 0 and float(shown.partition(" ")[0]) == 0:
            return f"less than {words.amount(words.number(error, error), self.choice.unit)}"
        return words.amount(shown, self.choice.unit)

    @property
    def ahead(self) -> str:
        """By how much the best choice is worth more than the second best."""
        return self.amount(float(self.gain[self.order[0]] - self.gain[self.order[1]]), self.lead.sd)

    @property
    def loss(self) -> str:
        """The expected loss of the best choice."""
        return self.amount(float(self.lost.mean()), float(self.lost.std()))

    @property
    def wrong(self) -> str:
        """What the best choice loses on average where another one is better; ``""`` when too few draws tell."""
        lost = self.lost[self.lost > 0]
        if lost.size < FEWEST:
            return ""
        return self.amount(float(lost.mean()), float(lost.std()), lost.size / self.lost.size)

    def row(self, at: int) -> dict[str, str]:
        """Describe a choice."""
        one, regrets = self.figures[at], self.choice.gains.max(0) - self.choice.gains[at]
        return {
            "choice": self.choice.names[at],
            "expected gain": self.amount(float(self.gain[at]), one.sd),
            f"{100 * one.ci_prob:.4g}% interval": one.interval,
            "probability of being the best": words.percent(float(self.best[at]), self.lead.draws),
            "expected regret": self.amount(float(self.regret[at]), float(regrets.std())),
        }


def _said(stakes: Stakes) -> Iterator[str]:
    choice, first, second = stakes.choice, stakes.order[0], stakes.order[1]
    best, other = f"“{choice.names[first]}”", f"“{choice.names[second]}”"
    right = words.chance(float(stakes.best[first]), stakes.lead.draws)
    yield (
        f"By what was stated, the best choice is {best}: on average over all that is plausible, it is worth "
        f"{stakes.ahead} more per row than {other}. The probability that it is truly the best is {right}."
    )
    if not stakes.wrong:
        yield "Hardly anything plausible makes another choice better: too little to tell what being wrong would cost."
    else:
        yield (
            f"If you choose {best} and another choice is in truth better, the expected cost is {stakes.wrong} per row. "
            f"Over all that is plausible, right or wrong, the expected loss is {stakes.loss} per row."
        )
        yield (
            f"To know the truth before choosing would be worth {stakes.loss} per row, the expected value of perfect "
            "information: more data are worth less than that."
        )
    if choice.effect is not None:
        yield _break_even(stakes)
    if choice.effect is not None and choice.effect.kind != "level":
        yield f"What is weighed is the effect “{choice.effect.name}”."
    if choice.baseline:
        yield choice.baseline
    yield _stated(choice)


def _break_even(stakes: Stakes) -> str:
    choice, effect, even = stakes.choice, stakes.choice.effect, stakes.choice.even
    if effect is None or even is None:
        return ""
    above = choice.stated.better == "higher"
    better = float(np.mean(choice.gains[1] > choice.gains[0]))
    even += 0.0  # zero has no sign
    limit = words.amount(f"{even:.4g}" if abs(even) < 1e4 else f"{even:.0f}", effect.unit)
    what = {"ratio": "the factor", "level": "it"}.get(effect.kind, "the effect")
    return (
        f"To choose “{choice.names[1]}” pays when {what} is {'above' if above else 'below'} {limit}, the break-even "
        f"point. The probability of that is {words.chance(better, stakes.lead.draws)}."
    )


def _stated(choice: Choice) -> str:
    """Repeat what was stated; all of it counts for one row."""
    stated = choice.stated
    one = words.amount("1", "percentage point" if choice.outcome_unit == "%" else choice.outcome_unit or "unit")
    value, cost = (words.amount(f"{number:g}", stated.currency) for number in (stated.value, stated.cost))
    costs = ", ".join(f"{name} {words.amount(f'{number:g}', stated.currency)}" for name, number in stated.costs.items())
    return (
        f"Stated: {stated.better} is better, {one} of the outcome is worth {value}, acting costs {cost}"
        f"{f'; by choice: {costs}' if costs else ''}. All amounts are for one row of the table, such as one person "
        "or one visit."
    )


def _caution(analysis: Analysis, choice: Choice) -> str:
    if choice.effect is not None and choice.effect.kind == "level":
        return "It takes future rows to be like those in the table."
    return (
        "It takes the difference to be what acting would bring about. Only an experiment, or a design that allows it, "
        "can show that."
    )


def _gap(stakes: Stakes, dt: Any, analysis: Analysis) -> Finding:
    first, second = stakes.order[:2]
    ahead = float(stakes.gain[first] - stakes.gain[second])
    error = float(results.mcse([stakes.lead.effect.draws], dt)[0])
    ratio = ahead / error if error else np.inf if ahead else 0.0
    return policy_of(analysis)["decision-gap"].finding(
        "Lead of the best choice, in Monte Carlo errors",
        ratio,
        f"{min(ratio, 999):.1f}",
        "Below this, another run of the same computation may name another choice.",
    )


def _picture(stakes: Stakes) -> Any:
    choice = stakes.choice
    return _over_the_effect(stakes) if choice.effect is not None else _side_by_side(stakes)


def _over_the_effect(stakes: Stakes) -> Any:
    """Draw what acting is worth over the effect, above the effect's distribution, with the loss shaded."""
    choice, effect = stakes.choice, stakes.choice.effect
    fig, axes = figure()
    if effect is None:
        return fig
    axes.hist(effect.draws, bins=60, density=True, color="#3a6ea5", alpha=0.35)
    axes.set(yticks=[], xlabel=f"{effect.name}{f', {effect.unit}' if effect.unit else ''}".replace("$", r"\$"))
    over = axes.twinx()
    at = np.argsort(effect.draws)
    x, y = effect.draws[at], choice.gains[1][at]
    line = np.polynomial.Polynomial.fit(x, y, 1) if np.ptp(x) else None
    ends = np.array([x[0], x[-1]])
    over.plot(ends, line(ends) if line else y[[0, -1]], color="#333333", linewidth=1.5)
    over.axhline(0, color="#888888", linewidth=0.8)
    if choice.even is not None:
        over.axvline(choice.even, color="#d93a2b", linestyle=":")
    over.set(ylabel=f"gain{f', {choice.unit}' if choice.unit else ''}".replace("$", r"\$"))
    over.spines[["top"]].set_visible(False)
    return fig


def _side_by_side(stakes: Stakes) -> Any:
    choice, shown = stakes.choice, stakes.order[:MOST][::-1]
    fig, axes = figure(height=1.2 + 0.32 * len(shown))
    for at, one in enumerate(shown):
        low, _, high = stakes.figures[one].quantiles
        axes.plot([low, high], [at, at], color="#3a6ea5", linewidth=1.5)
        axes.plot(stakes.gain[one], at, "o", color="#3a6ea5")
    names = [choice.names[one].replace("$", r"\$") for one in shown]
    axes.set(yticks=range(len(shown)), yticklabels=names)
    axes.set(xlabel=f"gain per row{f', {choice.unit}' if choice.unit else ''}".replace("$", r"\$"))
    return fig
