"""The questions that people bring, in plain words, and the kinds of columns each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from modelcompose.analysis import ROLES, Analysis, Kind

__all__ = ["NUMERIC", "QUESTIONS", "Question", "estimand", "roles"]

Kinds = frozenset[str]

NUMERIC: Kinds = frozenset({"continuous", "positive", "amount", "duration", "count", "proportion"})
LEVELS: Kinds = frozenset({"binary", "category", "ordered", "group"})
MEASURED: Kinds = frozenset({"continuous", "positive", "amount", "duration", "count"})
OUTCOMES: Kinds = MEASURED | {"proportion", "binary", "category", "ordered", "circular"}
PREDICTORS: Kinds = NUMERIC | LEVELS | {"coordinate", "standard_error"}
EXPOSURES: Kinds = frozenset({"positive", "amount", "duration", "continuous", "count"})
CLUSTERS: Kinds = frozenset({"group", "category", "id", "ordered"})
TRIALS: Kinds = frozenset({"count"})
EVENTS: Kinds = frozenset({"binary"})
TIMES: Kinds = frozenset({"date", "count", "continuous", "positive", "amount", "duration", "id"})
OWN = "own"
ERRORS: Kinds = frozenset({"standard_error", "positive", "continuous", "amount"})


@dataclass(frozen=True)
class Question:
    """One question: which kinds each role may have, and what exactly is then asked.

    Parameters
    ----------
    topic
        What one wants to do, for a list of questions.
    roles
        The kinds of columns that a role accepts; a role that is not named has no part in the question.
    least
        How many columns each role must at least be given.
    settings
        Further choices that the question asks for, which name no column.
    asks
        The quantity that answers it; ``{target}`` is what is predicted, the others are names of columns.
    lacking
        What data would make the question answerable, for when no model fits.
    """

    id: str
    topic: str
    label: str
    explanation: str
    roles: Mapping[str, Kinds]
    asks: str
    lacking: str
    least: Mapping[str, int] = field(default_factory=dict)
    settings: tuple[str, ...] = ()

    def kinds_of(self, role: str) -> Kinds:
        """Return the kinds that a role accepts."""
        return self.roles.get(role, frozenset())


QUESTIONS: tuple[Question, ...] = (
    Question(
        "typical",
        "Describe",
        "What is the typical value?",
        "Estimates the average of one number, and where a new value may fall.",
        {"outcome": MEASURED},
        "What is {target}?",
        "a column of numbers, one for each thing measured",
    ),
    Question(
        "share",
        "Describe",
        "What share says yes?",
        "Estimates how often something is the case, from yes-or-no rows or from counts out of a number of attempts.",
        {"outcome": frozenset({"binary", "count"}), "trials": TRIALS},
        "What is {target}?",
        "a column of yes and no, or a count with a column of how many were tried",
    ),
    Question(
        "subgroups",
        "Describe",
        "Are there hidden kinds of rows?",
        "Looks for two kinds of rows with averages of their own, which no column tells apart.",
        {"outcome": MEASURED},
        "Which averages of {outcome} do two hidden kinds of rows have, and what share belongs to each?",
        "a column of numbers that were measured on every row",
    ),
    Question(
        "compare-two",
        "Compare",
        "Do two groups differ?",
        "Compares one outcome between two groups, and says how likely either is the larger.",
        {"outcome": OUTCOMES, "predictors": frozenset({"binary"}), "exposure": EXPOSURES, "trials": TRIALS},
        "By how much does {target} differ between the two values of {predictors}?",
        "a column with exactly two groups, and an outcome measured in both",
        {"predictors": 1},
    ),
    Question(
        "compare-many",
        "Compare",
        "How do several groups compare?",
        "Estimates every group's average, with small groups borrowing strength from the others.",
        {
            "outcome": MEASURED | {"binary", "ordered", "proportion"},
            "groups": CLUSTERS | {"binary"},
            "exposure": EXPOSURES,
            "trials": TRIALS,
        },
        "What is {target} in each {groups}, and how much do they differ?",
        "a column of groups with at least two rows in most of them",
        {"groups": 1},
    ),
    Question(
        "ab-test",
        "Compare",
        "Which variant does better?",
        "For experiments with a yes or no, or counts out of attempts: which variant has the higher share, and what a "
        "wrong choice would cost.",
        {
            "outcome": frozenset({"binary", "count"}),
            "predictors": frozenset({"binary", "category", "group"}),
            "trials": TRIALS,
        },
        "By how much does {target} differ between the variants of {predictors}?",
        "a column with the variant, and a yes or no for each row or a count out of attempts",
        {"predictors": 1},
    ),
    Question(
        "spread",
        "Compare",
        "Does the spread differ?",
        "Says whether values vary more in one group than in another, or more for high than for low values of a column.",
        {"outcome": MEASURED, "predictors": PREDICTORS},
        "By which factor does the standard deviation of {outcome} change with {predictors}?",
        "a measured outcome and a column with which its spread may change",
        {"predictors": 1},
    ),
    Question(
        "effect",
        "Relate",
        "How is something related to an outcome?",
        "Says how the outcome changes with one or more other columns, each with the others held the same.",
        {
            "outcome": OUTCOMES,
            "predictors": PREDICTORS,
            "groups": CLUSTERS,
            "exposure": EXPOSURES,
            "trials": TRIALS,
        },
        "By how much does {target} change with {predictors}, each with the others held the same?",
        "an outcome, and at least one other column measured on the same rows",
        {"predictors": 1},
    ),
    Question(
        "rate",
        "Relate",
        "How often does it happen, and what changes that?",
        "Models a count of events, per unit of time, area or people at risk where you give that.",
        {
            "outcome": frozenset({"count"}),
            "predictors": PREDICTORS,
            "groups": CLUSTERS,
            "exposure": EXPOSURES,
        },
        "How often does {outcome} occur{per}{factor}?",
        "a column that counts events",
    ),
    Question(
        "curve",
        "Relate",
        "Is the relationship curved?",
        "Draws a smooth curve through the outcome instead of a straight line.",
        {"outcome": MEASURED, "predictors": NUMERIC | LEVELS},
        "How does {target} change along {predictors}, if not in a straight line?",
        "an outcome and a numeric column with at least 10 different values",
        {"predictors": 1},
    ),
    Question(
        "dose-response",
        "Relate",
        "How does the effect grow with the dose?",
        "Estimates the greatest effect, and the dose that brings half of it.",
        {"outcome": MEASURED | {"binary"}, "predictors": NUMERIC},
        "How large is the greatest effect of {predictors} on {outcome}, and which dose brings half of it?",
        "an outcome at several doses, the lowest of them at or near zero",
        {"predictors": 1},
    ),
    Question(
        "screen",
        "Relate",
        "Which of many columns matter?",
        "Weighs many columns at once, and shrinks those that say little towards nothing.",
        {"outcome": MEASURED, "predictors": PREDICTORS},
        "Which of {predictors} change {target}, and by how much?",
        "an outcome and several columns that may matter",
        {"predictors": 2},
    ),
    Question(
        "quantile",
        "Relate",
        "What about the high or the low values?",
        "Says how a high value, such as the one that 9 of 10 stay below, changes with other columns.",
        {"outcome": MEASURED, "predictors": PREDICTORS},
        "By how much does the value that 9 of 10 of {outcome} stay below change with {predictors}?",
        "a measured outcome with at least some 50 rows",
        {"predictors": 1},
    ),
    Question(
        "noisy-predictor",
        "Relate",
        "What if a predictor is measured with error?",
        "Corrects a slope that is too flat because its predictor was measured inexactly, with a known standard error.",
        {"outcome": MEASURED, "predictors": NUMERIC, "standard_error": ERRORS},
        "By how much does {target} change with the true {predictors}?",
        "a column with the standard error of the predictor",
        {"predictors": 1, "standard_error": 1},
    ),
    Question(
        "several-outcomes",
        "Relate",
        "How do several outcomes go together?",
        "Models several outcomes at once, and how their leftovers are correlated.",
        {"outcome": MEASURED, "further": MEASURED, "predictors": PREDICTORS},
        "How do {outcome} and {further} go together{given}?",
        "two or more numbers measured on the same rows",
        {"further": 1},
    ),
    Question(
        "change-over-time",
        "Over time",
        "How does it change over time, when each one is measured repeatedly?",
        "Estimates the average change per unit of time and how much the change differs between those measured.",
        {
            "outcome": OUTCOMES,
            "predictors": PREDICTORS,
            "groups": CLUSTERS,
            "exposure": EXPOSURES,
            "trials": TRIALS,
        },
        "By how much does {target} change with {predictors}, for a typical {groups}?",
        "a column that says who was measured, and several rows for each of them",
        {"predictors": 1, "groups": 1},
    ),
    Question(
        "survival",
        "Over time",
        "How long until it happens?",
        "Estimates waiting times, also when some waits had not ended when they were recorded.",
        {
            "outcome": frozenset({"duration", "positive", "amount", "count", "continuous"}),
            "event": EVENTS,
            "predictors": PREDICTORS,
            "groups": CLUSTERS,
        },
        "How long does {outcome} last{factor}?",
        "a waiting time for each row, and a column that says whether the wait had ended",
    ),
    Question(
        "trend",
        "Over time",
        "What is the trend, and what comes next?",
        "Separates trend and season of one series, and says where the next values may fall.",
        {"outcome": MEASURED, "time": TIMES},
        "How does {target} develop over {time}, and where will the next values fall?",
        "one row for each point in time, and a column with the time",
        {"time": 1},
    ),
    Question(
        "change-point",
        "Over time",
        "When did it change?",
        "Finds the moment at which a series changed its level, and how sure that is.",
        {"outcome": MEASURED, "time": TIMES},
        "When did {target} change, and from which level to which?",
        "one row for each point in time, before and after",
        {"time": 1},
    ),
    Question(
        "intervention",
        "Did it work?",
        "Did something that began at one time make a difference?",
        "Compares one series after a known moment with what its earlier course would have led to.",
        {"outcome": MEASURED, "time": TIMES},
        "By how much did the level and the slope of {outcome} change at {intervention}?",
        "a series with several points before and after a known moment",
        {"time": 1},
        ("intervention",),
    ),
    Question(
        "before-after",
        "Did it work?",
        "Did it change more than in the comparison group?",
        "Compares the change from before to after in those treated with the change in those not treated.",
        {"outcome": MEASURED, "predictors": frozenset({"binary"}), "groups": CLUSTERS},
        "By how much more did {target} change in those treated than in the others ({predictors})?",
        "a column for treated or not, and one for before or after",
        {"predictors": 2},
    ),
    Question(
        "one-treated",
        "Did it work?",
        "One got it, many did not: what did it do?",
        "Builds a stand-in for the one treated out of the others, and compares the two after the moment it began.",
        {"outcome": MEASURED, "groups": CLUSTERS, "time": TIMES},
        "By how much does {outcome} of {treated} differ from its stand-in from {intervention} on?",
        "every unit measured at the same times, one of them treated from a known moment on",
        {"groups": 1, "time": 1},
        ("intervention", "treated"),
    ),
    Question(
        "combine",
        "Special data",
        "What do several studies say together?",
        "Combines estimates with their standard errors, and says how much the studies differ.",
        {"outcome": frozenset({"continuous", "positive", "amount", "count"}), "standard_error": ERRORS},
        "What is the average of {outcome} over the studies, and how much do they differ?",
        "an estimate for each study, and a column with its standard error",
        {"standard_error": 1},
    ),
    Question(
        "ability",
        "Special data",
        "How able is each person, and how hard each item?",
        "For tests and questionnaires with right and wrong answers, one row for each person and item.",
        {"outcome": frozenset({"binary"}), "groups": CLUSTERS | {"count"}},
        "How able is each {first}, and how hard is each {second}?",
        "a row for each person and item, with a right-or-wrong outcome",
        {"groups": 2},
    ),
    Question(
        "map",
        "Special data",
        "How does it vary over the map?",
        "Draws a smooth surface over two coordinates.",
        {"outcome": MEASURED, "predictors": frozenset({"coordinate", "continuous", "positive", "amount"})},
        "How does {target} vary over {predictors}?",
        "two columns of coordinates",
        {"predictors": 2},
    ),
    Question(
        OWN,
        "Your own",
        "What does a model of my own say?",
        "For models that you or your colleagues wrote: any columns, any model.",
        {role: frozenset(get_args(Kind)) - {"constant", "text"} for role in ROLES},
        "What does the model say about {target}?",
        "the columns that your model asks for",
    ),
)

REFUSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("outcome", "circular"): (
        "goes round and has no lowest value, so its average as a number means nothing",
        "Ask how it is related to other columns; the model for directions then takes it.",
    ),
    ("outcome", "coordinate"): (
        "says where something was measured, not what was measured",
        "Choose what was measured there; the place can be a predictor.",
    ),
    ("outcome", "standard_error"): (
        "says how uncertain an estimate in another column is",
        "Choose the estimate, and give this column the role of its standard error.",
    ),
    ("outcome", "weight"): (
        "says for how many others a row stands, and is no part of a model",
        "Choose another outcome, or declare its kind if it is a measurement.",
    ),
    ("predictors", "circular"): (
        "goes round: its highest and lowest values are next to each other, but far apart as numbers",
        "Prepare two columns, its sine and its cosine, and choose these.",
    ),
    ("predictors", "weight"): (
        "says for how many others a row stands, and is no part of a model",
        "Leave it out, or declare its kind if it is a measurement.",
    ),
}
"""Why a kind cannot have a role in a question, continuing the name of the column, and what to do instead."""

WORDS: Mapping[str, str] = {
    "outcome": "a column to explain",
    "predictors": "a column that may explain it",
    "groups": "a column that says which rows belong together",
    "exposure": "a column that says out of how much each count is",
    "trials": "a column with the number of attempts",
    "event": "a column that says whether the wait had ended",
    "time": "a column with the time",
    "standard_error": "a column with the standard error",
    "further": "a further outcome",
}
"""What each role is, in words."""


def roles(question: Question, kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """Return for each role the columns whose kind the question accepts there."""
    return {role: [name for name, kind in kinds.items() if kind in question.kinds_of(role)] for role in ROLES}


def missing_role(question: Question, kinds: Mapping[str, str]) -> str:
    """Say why a table cannot serve a question, or return ``""`` when it can."""
    fitting = roles(question, kinds)
    for role, least in {"outcome": 1, **question.least}.items():
        if len(fitting[role]) < least:
            accepted = ", ".join(sorted(question.kinds_of(role)))
            many = f"{least} of these: " if least > 1 else ""
            return f"It needs {many}{WORDS[role]} of kind {accepted}; {_found(fitting[role])}."
    others = {name for role in question.least for name in fitting[role]}
    if question.least and not any(others - {outcome} for outcome in fitting["outcome"]):
        return "It needs a second column besides the outcome."
    return ""


def _found(names: list[str]) -> str:
    return f"only {names[0]} is" if names else "no column is"


def estimand(question: Question, analysis: Analysis) -> str:
    """Say in words which quantity answers the question; written before anything is fitted."""
    y = _with_unit(analysis.outcome, analysis)
    predictors = ", ".join(analysis.predictors)
    changed = f", and by which factor does that change with {predictors}" if predictors else ""
    return question.asks.format(
        target=target(analysis),
        outcome=y,
        predictors=predictors or "nothing else",
        groups=" and ".join(analysis.groups) or "group",
        first=next(iter(analysis.groups), "person"),
        second=next(iter(analysis.groups[1:]), "item"),
        per=f" per {analysis.exposure}" if analysis.exposure else "",
        factor=changed,
        given=f" at the same {predictors}" if predictors else "",
        time=analysis.time or "time",
        further=", ".join(analysis.further) or "the others",
        intervention=analysis.intervention or "the moment it began",
        treated=analysis.treated or "the one treated",
    )


def target(analysis: Analysis) -> str:
    """Name what is predicted, for a sentence before the fit."""
    y = _with_unit(analysis.outcome, analysis)
    kind = analysis.kinds.get(analysis.outcome, "")
    if analysis.trials:
        return f"the share of {analysis.outcome} in {analysis.trials}"
    return {
        "binary": f"the chance of {y}",
        "ordered": f"the chance of each level of {y}",
        "category": f"the chance of each level of {y}",
        "circular": f"the direction of {y}",
    }.get(kind, f"the average of {y}")


def _with_unit(name: str, analysis: Analysis) -> str:
    unit = analysis.units.get(name)
    return f"{name} (in {unit})" if unit else name
