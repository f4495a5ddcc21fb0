"""Which models suit a question and a table, in which order, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from modelcompose.analysis import ROLES
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.own import OwnModel, is_own, own_models
from modelcompose.catalog.questions import LEVELS, NUMERIC, OWN, QUESTIONS, REFUSED, WORDS, Question, missing_role
from modelcompose.catalog.questions import estimand as in_words
from modelcompose.catalog.registry import entries, get
from modelcompose.errors import InvalidAnalysis, InvalidData

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Candidate", "Recommendation", "Table", "complete", "estimand", "lacking", "question", "recommend"]

MOST = 4
TAKEN = frozenset({"Intercept", "alpha", "mu", "nu", "p", "sigma"})  # what models call parts of their own
UNSPELLABLE = frozenset("`/")  # in formulas, and in PyMC's names


class _Guess(Protocol):
    @property
    def kind(self) -> str: ...


class Table(Protocol):
    """What the catalogue needs to know of a dataset."""

    @property
    def frame(self) -> pd.DataFrame: ...

    @property
    def kinds(self) -> Mapping[str, _Guess]: ...

    def complete_rows(self, columns: list[str]) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Candidate:
    """A model that suits, with its reasons and the formula it would have."""

    entry: ModelEntry
    formula: str | list[str]
    reasons: tuple[Reason, ...]

    @property
    def points(self) -> float:
        return sum(reason.points for reason in self.reasons)


@dataclass(frozen=True)
class Recommendation:
    """Models that suit, best first and four at most, and those that do not, each with the rule."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[tuple[ModelEntry, Rejection], ...]


def question(name: str) -> Question:
    """Look a question up by its id.

    Raises
    ------
    InvalidAnalysis
        When there is no such question.
    """
    for one in QUESTIONS:
        if one.id == name:
            return one
    raise InvalidAnalysis(
        f"there is no question {name!r}",
        where="question",
        remedy=f"Questions are: {', '.join(one.id for one in QUESTIONS)}.",
    )


def recommend(analysis: Analysis, dataset: Table) -> Recommendation:
    """Rank the catalogue for a question, declared kinds and roles.

    Parameters
    ----------
    analysis
        Choices with at least an outcome and a question.
    dataset
        The table with the kind of each column.

    Raises
    ------
    InvalidAnalysis
        When a role names a column that does not exist or whose kind the question does not take.
    """
    kinds = kinds_of(dataset)
    check_roles(analysis, kinds)
    table = dataset.complete_rows(analysis.columns)
    facts = _facts(analysis, table, kinds)
    candidates, rejected = [], []
    for entry in (*entries(), *_own(analysis)):
        rejection = entry.reject(facts)
        if rejection:
            rejected.append((entry, rejection))
        else:
            reasons = (*entry.reasons(facts), *cautions(facts, entry.link))
            candidates.append(Candidate(entry, entry.formula(analysis, table), reasons))
    candidates.sort(key=lambda one: -one.points)
    return Recommendation(tuple(candidates[:MOST]), tuple(rejected))


def _own(analysis: Analysis) -> list[ModelEntry]:
    """Return the models of one's own that come into question: the chosen one, or all when asked for."""
    chosen = [OwnModel.read(analysis.model)] if is_own(analysis.model) else []
    others = own_models() if analysis.question == OWN else []
    return [*chosen, *(one for one in others if one.id != analysis.model)]


def cautions(facts: Facts, link: str) -> Iterator[Reason]:
    """Yield what the kinds of the columns warn of, whichever model is chosen; it changes no order."""
    if facts.kind == "duration" and facts.question != "survival":
        yield Reason(
            "unfinished-waits",
            f"{facts.outcome} says how long: if some waits had not ended when they were recorded, ask “How long until "
            "it happens?” instead.",
            0,
        )
    if facts.kind == "amount" and link == "identity" and facts.zeros:
        yield Reason(
            "many-zeros",
            f"{facts.outcome} is often exactly zero and never less: the model speaks of its average, and can predict "
            "values below zero.",
            0,
        )
    for name in facts.predictors:
        if facts.kinds[name] == "coordinate":
            yield Reason(
                "place-as-number",
                f"{name} is a place: a straight line along it is a first look, since neighbours are alike in every "
                "direction.",
                0,
            )


def _facts(analysis: Analysis, table: pd.DataFrame, kinds: Mapping[str, str]) -> Facts:
    """Measure a table, after refusing an exposure during which nothing can happen: a rate would be infinite.

    More successes than attempts are refused for the same reason: no share is above one.
    """
    if analysis.trials:
        _check_trials(analysis, table)
    if analysis.exposure:
        none = int((table[analysis.exposure].astype(float) <= 0).sum())
        if none:
            raise InvalidData(
                f"{analysis.exposure!r} is zero or less in {none} of {len(table)} rows, where nothing can be counted",
                where="exposure",
                remedy="Take these rows out of the table, or choose another exposure.",
            )
    return Facts.of(analysis, table, kinds)


def _check_trials(analysis: Analysis, table: pd.DataFrame) -> None:
    too_many = int((table[analysis.outcome] > table[analysis.trials]).sum())
    if too_many:
        raise InvalidData(
            f"{analysis.outcome!r} is above {analysis.trials!r} in {too_many} of {len(table)} rows",
            where="trials",
            remedy="A count of successes cannot exceed the number of attempts; check which column is which.",
        )


def kinds_of(dataset: Table) -> dict[str, str]:
    """Return the kind of each column."""
    return {name: guess.kind for name, guess in dataset.kinds.items()}


def check_roles(analysis: Analysis, kinds: Mapping[str, str]) -> None:
    """Refuse roles that name no column, or a column of a kind that the question does not take."""
    if not analysis.outcome:
        raise InvalidAnalysis("no outcome is chosen", where="outcome", remedy=f"Columns are: {', '.join(kinds)}.")
    asked = question(analysis.question)
    given = {role: analysis.given(role) for role in ROLES}
    for role, names in given.items():
        for name in names:
            _check_role(role, name, asked, kinds)
    for role in ("exposure", "trials"):
        if given[role] and kinds[analysis.outcome] != "count":
            raise InvalidAnalysis(
                f"{WORDS[role]} goes with a count, and {analysis.outcome!r} is of kind {kinds[analysis.outcome]}",
                where=role,
                remedy=f"Leave {role} empty, or declare the outcome a count.",
            )
    names = [name for some in given.values() for name in some]
    if len(set(names)) < len(names):
        raise InvalidAnalysis("one column has two roles", where=", ".join(ROLES), remedy="Give each column one role.")
    for role, least in asked.least.items():
        if len(given[role]) < least:
            raise InvalidAnalysis(
                f"“{asked.label}” needs at least {least} column in {role}", where=role, remedy="Choose one."
            )


def _check_role(role: str, name: str, asked: Question, kinds: Mapping[str, str]) -> None:
    """Refuse a column that does not exist, or cannot have a role."""
    if name not in kinds:
        raise InvalidAnalysis(
            f"{name!r} is not a column of the table", where=role, remedy=f"Columns are: {', '.join(kinds)}."
        )
    wrong = sorted(UNSPELLABLE & set(name))
    if name in TAKEN or wrong:
        raise InvalidData(
            f"a column in a model cannot be called {name!r}: "
            + (f"“{wrong[0]}” cannot be spelt there" if wrong else "models have a part of their own by that name"),
            where=role,
            remedy="Rename the column in the table.",
        )
    if kinds[name] == "constant":
        raise InvalidData(
            f"{name!r} has the same value in every row, or none at all",
            where=role,
            remedy="Choose a column that varies.",
        )
    accepted = asked.kinds_of(role)
    if kinds[name] not in accepted and (role, kinds[name]) in REFUSED:
        why, remedy = REFUSED[role, kinds[name]]
        raise InvalidAnalysis(f"{name!r} {why}", where=role, remedy=remedy)
    if kinds[name] not in accepted:
        raise InvalidAnalysis(
            f"{name!r} is of kind {kinds[name]}, which “{asked.label}” does not take there",
            where=role,
            remedy=f"Choose a column of kind {', '.join(sorted(accepted))}, or declare its kind."
            if accepted
            else f"Leave {role} empty, or ask another question.",
        )


def complete(analysis: Analysis, dataset: Table) -> Analysis:
    """Fill in what was left empty: kinds, question, roles, model, formula, estimand, and how small its steps are.

    What was chosen stays as it is. A chosen formula decides over the roles.

    Raises
    ------
    InvalidAnalysis
        When a choice does not suit the table, or the model does not suit the question.
    """
    kinds = kinds_of(dataset)
    chosen = analysis.changed({"kinds": kinds})
    if is_own(chosen.model) and not chosen.outcome:
        chosen = chosen.changed({name: value for name, value in OwnModel.read(chosen.model).roles().items() if value})
    if chosen.outcome in kinds and not (chosen.predictors or chosen.groups or chosen.question):
        chosen = chosen.changed(_roles_for(chosen.columns, kinds))
    if not chosen.question:
        chosen = chosen.changed({"question": _question_for(chosen, kinds)})
    check_roles(chosen, kinds)
    if not chosen.model:
        chosen = chosen.changed({"model": _best(recommend(chosen, dataset), chosen)})
    entry = get(chosen.model)
    if not chosen.formula:
        table = dataset.complete_rows(chosen.columns)
        _require_fit(entry, chosen, table, kinds)
        chosen = chosen.changed({"formula": entry.formula(chosen, table)})
    if "target_accept" not in chosen.model_fields_set:
        chosen = chosen.changed({"target_accept": entry.target_accept})
    return chosen if chosen.estimand else chosen.changed({"estimand": estimand(chosen)})


def _require_fit(entry: ModelEntry, analysis: Analysis, table: pd.DataFrame, kinds: Mapping[str, str]) -> None:
    rejection = entry.reject(_facts(analysis, table, kinds))
    if rejection:
        raise InvalidAnalysis(
            f"the model {entry.id!r} does not suit: {rejection.sentence}",
            where="model",
            remedy="Leave the model empty to have one recommended.",
        )


def _best(found: Recommendation, analysis: Analysis) -> str:
    if found.candidates:
        return found.candidates[0].entry.id
    raise InvalidAnalysis(
        f"no ready-made model suits “{question(analysis.question).label}” with these columns",
        where="question",
        remedy=lacking(analysis, found),
    )


def _roles_for(taken: Sequence[str], kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """Let every column that has no role yet explain the outcome, or say which rows belong together."""
    others = {name: kind for name, kind in kinds.items() if name not in taken}
    return {
        "predictors": [name for name, kind in others.items() if kind in (NUMERIC | LEVELS) - {"group"}],
        "groups": [name for name, kind in others.items() if kind == "group"],
    }


def _question_for(analysis: Analysis, kinds: Mapping[str, str]) -> str:
    """Choose the question that the roles suggest."""
    if analysis.groups:
        return "change-over-time" if analysis.predictors else "compare-many"
    if analysis.trials and not analysis.predictors:
        return "share"
    if kinds.get(analysis.outcome) == "count" and not analysis.trials:
        return "rate"
    binary = [kinds.get(name) for name in analysis.predictors] == ["binary"]
    return "compare-two" if binary else "effect"


def estimand(analysis: Analysis) -> str:
    """Say in words which quantity answers the question; written before anything is fitted."""
    return in_words(question(analysis.question), analysis)


def lacking(analysis: Analysis, found: Recommendation) -> str:
    """Say which data would help, when no model fits a question and its columns."""
    asked = question(analysis.question)
    wanted = dict.fromkeys(one.sentence for _, one in found.rejected if one.rule != "other-question")
    return " ".join([f"“{asked.label}” needs {asked.lacking}.", *list(wanted)[:4]])


def unanswerable(kinds: Mapping[str, str]) -> dict[str, str]:
    """Say for each question why the kinds do not allow it; ``""`` where they do."""
    return {one.id: missing_role(one, kinds) for one in QUESTIONS}
