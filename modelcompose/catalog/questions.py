"""The questions that people bring, in plain words, and the kinds of columns each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NUMERIC", "QUESTIONS", "Question", "roles"]

NUMERIC = frozenset({"continuous", "positive", "amount", "duration", "count", "proportion"})
LEVELS = frozenset({"binary", "category", "ordered", "group"})
MEASURED = frozenset({"continuous", "positive", "amount", "duration", "count"})
PREDICTORS = NUMERIC | LEVELS | {"coordinate", "standard_error"}
EXPOSURES = frozenset({"positive", "amount", "duration", "continuous", "count"})


@dataclass(frozen=True)
class Question:
    """One question: which kinds its outcome, predictors, groups and exposure may have.

    An empty set of kinds means that the question has no such role; ``least`` says how many columns each role must
    at least be given.
    """

    id: str
    label: str
    explanation: str
    outcome: frozenset[str]
    predictors: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    exposure: frozenset[str] = frozenset()
    least_predictors: int = 0
    least_groups: int = 0

    def kinds_of(self, role: str) -> frozenset[str]:
        """Return the kinds that a role accepts."""
        return frozenset(getattr(self, role))


QUESTIONS: tuple[Question, ...] = (
    Question(
        "compare-two",
        "Do two groups differ?",
        "Compares the average of one number between two groups, and how likely either is the larger.",
        outcome=MEASURED | {"binary"},
        predictors=frozenset({"binary"}),
        exposure=EXPOSURES,
        least_predictors=1,
    ),
    Question(
        "compare-many",
        "How do several groups compare?",
        "Estimates every group's average, with small groups borrowing strength from the others.",
        outcome=MEASURED | {"binary"},
        groups=frozenset({"group", "category", "ordered", "binary"}),
        least_groups=1,
    ),
    Question(
        "effect",
        "How is something related to an outcome?",
        "Says how the outcome changes with one or more other columns, each with the others held the same.",
        outcome=MEASURED | {"binary"},
        predictors=PREDICTORS,
        groups=frozenset({"group", "category", "id"}),
        exposure=EXPOSURES,
        least_predictors=1,
    ),
    Question(
        "change-over-time",
        "How does it change over time, when each one is measured repeatedly?",
        "Estimates the average change per unit of time and how much the change differs between those measured.",
        outcome=MEASURED | {"binary"},
        predictors=PREDICTORS,
        groups=frozenset({"group", "category", "id"}),
        exposure=EXPOSURES,
        least_predictors=1,
        least_groups=1,
    ),
    Question(
        "rate",
        "How often does it happen, and what changes that?",
        "Models a count of events, per unit of time, area or people at risk where you give that.",
        outcome=frozenset({"count"}),
        predictors=PREDICTORS,
        groups=frozenset({"group", "category"}),
        exposure=EXPOSURES,
    ),
)

REFUSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("outcome", "circular"): (
        "goes round and has no lowest value, so its average as a number means nothing",
        "Choose another outcome; models for directions are not in the catalogue.",
    ),
    ("outcome", "coordinate"): (
        "says where something was measured, not what was measured",
        "Choose what was measured there; the place can be a predictor.",
    ),
    ("outcome", "standard_error"): (
        "says how uncertain an estimate in another column is",
        "Choose the estimate; models that combine estimates by their errors are not in the catalogue.",
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
"""Why a kind cannot have a role in any question, continuing the name of the column, and what to do instead."""

ROLES = ("outcome", "predictors", "groups", "exposure")
WORDS = {
    "outcome": "a column to explain",
    "predictors": "a column that may explain it",
    "groups": "a column that says which rows belong together",
}


def roles(question: Question, kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """Return for each role the columns whose kind the question accepts there."""
    return {role: [name for name, kind in kinds.items() if kind in question.kinds_of(role)] for role in ROLES}


def missing_role(question: Question, kinds: Mapping[str, str]) -> str:
    """Say why a table cannot serve a question, or return ``""`` when it can."""
    fitting = roles(question, kinds)
    needed = {"outcome": 1, "predictors": question.least_predictors, "groups": question.least_groups}
    for role, least in needed.items():
        if len(fitting[role]) < least:
            accepted = ", ".join(sorted(question.kinds_of(role)))
            return f"It needs {WORDS[role]} of kind {accepted}; no column is."
    others = set(fitting["predictors"]) | set(fitting["groups"])
    if question.least_predictors + question.least_groups and not any(
        others - {outcome} for outcome in fitting["outcome"]
    ):
        return "It needs a second column besides the outcome."
    return ""
