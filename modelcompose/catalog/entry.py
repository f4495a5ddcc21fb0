"""The shape of a catalogue entry.

An entry is one ready-made model. To add one, subclass ``ModelEntry`` in the file of its family, say what it needs
and when it fits, and simulate from it; the contract test over the whole catalogue does the rest. Packages of others
register a subclass under the entry point ``modelcompose.models``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getsource
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.analysis import ROLES
from modelcompose.catalog.effects import Effect, comparisons
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, Scale, TermPrior, overridden, term_priors
from modelcompose.catalog.questions import WORDS
from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["MeasuredEntry", "ModelEntry", "Reason", "Rejection", "Simulation", "quoted", "term"]


OPENING = "\nmc.open_gaps(model, gaps)  # what is missing is found together with the rest"


@dataclass(frozen=True)
class Reason:
    """Why a model suits: the rule's id, a sentence with the figures it rests on, and its weight."""

    rule: str
    sentence: str
    points: float


@dataclass(frozen=True)
class Rejection:
    """Why a model is not offered: the rule's id and a sentence."""

    rule: str
    sentence: str


@dataclass(frozen=True)
class Simulation:
    """A simulated table with the roles of its columns and the true values by posterior name."""

    table: pd.DataFrame
    kinds: Mapping[str, str]
    choices: Mapping[str, Any]
    truth: Mapping[str, float]


class ModelEntry(ABC):
    """One ready-made model of the catalogue.

    ``needs`` says how many columns it needs in which role, and ``takes`` which other roles it can use; a column in any
    other role would be left out of account, so that the model is not offered then. ``richer`` names the models to try
    when simulated data do not look like the real ones, most promising first. ``assumptions``, ``limits`` and
    ``tutorial`` are sentences for the model's card. ``fixed`` are parameters of the family that are not estimated;
    ``declared`` names functions, of the shape that Bambi asks of a prior's ``dist``, for priors that are more than a
    distribution; their source stands in the notebook's cell. ``target_accept`` is what a composed notebook begins with
    unless somebody has chosen it: higher for models that were measured to need smaller steps.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    family: ClassVar[str]
    link: ClassVar[str]
    equation: ClassVar[str]
    questions: ClassVar[frozenset[str]]
    outcome: ClassVar[frozenset[str]]
    source: ClassVar[str] = ""
    richer: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Mapping[str, int]] = {}
    takes: ClassVar[frozenset[str]] = frozenset({"predictors"})
    assumptions: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[tuple[str, ...]] = ()
    tutorial: ClassVar[str] = ""
    own: ClassVar[bool] = False
    fixed: ClassVar[Mapping[str, float]] = {}
    declared: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    target_accept: ClassVar[float] = 0.9

    # -- when it fits ------------------------------------------------------------------------------------------

    def reject(self, facts: Facts) -> Rejection | None:
        """Return why this model cannot serve, or None when it can."""
        if facts.question not in self.questions:
            return Rejection("other-question", f"{self.title} answers another kind of question.")
        if facts.kind not in self.outcome:
            *others, last = sorted(self.outcome)
            wanted = f"{', '.join(others)} or {last}" if others else last
            return Rejection("outcome-kind", f"{facts.outcome} is of kind {facts.kind}; {self.title} needs {wanted}.")
        return self._unmatched(facts) or self.unfit(facts)

    def _unmatched(self, facts: Facts) -> Rejection | None:
        """Hold the columns that were given against the roles that this model has."""
        for role, least in self.needs.items():
            if len(facts.given(role)) < least:
                many = f" ({least} of them)" if least > 1 else ""
                return Rejection(f"needs-{role.replace('_', '-')}", f"{self.title} needs {WORDS[role]}{many}.")
        for role in ROLES[1:]:
            names = facts.given(role)
            if names and role not in (*self.takes, *self.needs):
                ignored = ", ".join(names)
                rule = "repeated-rows" if role == "groups" else f"ignores-{role.replace('_', '-')}"
                return Rejection(rule, f"{self.title} would leave {ignored} out of account, {WORDS[role]}.")
        return None

    def unfit(self, facts: Facts) -> Rejection | None:
        """Return a reason of this entry's own against it, or None."""
        return None

    @abstractmethod
    def reasons(self, facts: Facts) -> Iterator[Reason]:
        """Yield what speaks for it, with the figures; negative points speak against it without excluding it."""

    # -- what it is --------------------------------------------------------------------------------------------

    @abstractmethod
    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str | list[str]:
        """Compose the formula from the roles."""

    @abstractmethod
    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return the priors of the family's further parameters that have no formula of their own."""

    @abstractmethod
    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        """Return the scale of the priors of the outcome's mean."""

    def part_scale(self, part: str, analysis: Analysis, table: pd.DataFrame) -> Scale:
        """Return the scale of another part that has a formula, such as ``sigma`` on the log scale."""
        return Scale("log", float(np.log(_spread(table, analysis))), 1.0)

    def priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return every prior of the model: the defaults, with the user's own in their place.

        Raises
        ------
        InvalidAnalysis
            When the formula does not suit the table, or a prior is given for a term that does not exist.
        """
        return overridden(self.default_priors(analysis, table), analysis)

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return the catalogue's own priors for a formula and a table; a declared plausible range sets their scale."""
        mean, *others = analysis.formula_parts
        widen = analysis.prior_scale
        scale = self.scale(analysis, table)
        plausible = analysis.variables.get(analysis.outcome, {}).get("plausible")
        if isinstance(plausible, list) and len(plausible) == 2:
            scale = scale.within(float(str(plausible[0])), float(str(plausible[1])))
        found = term_priors(mean, table, scale, widen=widen)
        for part in others:
            component, _, right = part.partition("~")
            component = component.strip()
            formula = f"{response(analysis, table)} ~ {right}"
            other = self.part_scale(component, analysis, table)
            found += term_priors(formula, table, other, widen=widen, component=component)
        parts = {one.component for one in found}
        return found + [one for one in self.auxiliary(analysis, table) if one.term not in parts]

    def build(self, analysis: Analysis, table: pd.DataFrame) -> Any:
        """Return the Bambi model, built.

        Parameters
        ----------
        analysis
            Choices with formula and model filled in.
        table
            Complete rows, typed as declared.
        """
        import bambi as bmb

        model = bmb.Model(
            bmb.Formula(*analysis.formula_parts),
            table,
            family=self.family,
            link=self.link,
            priors=self._nested(self.priors(analysis, table)),
            noncentered=analysis.noncentered,
            center_predictors=False,
            extra_namespace={"np": np},
        )
        model.build()
        return model

    def code(self, analysis: Analysis, table: pd.DataFrame) -> str:
        """Return the source of the notebook's model cell: the same model as ``build`` gives, spelt out."""
        formula = "formula" if isinstance(analysis.formula, str) else "bmb.Formula(*formula)"
        priors = "\n".join(self._prior_lines(self.priors(analysis, table)))
        functions = "".join(f"{getsource(function)}\n\n" for function in self.declared.values())
        return (
            f"{functions}model = bmb.Model(\n"
            f"    {formula},\n"
            "    table,\n"
            f'    family="{self.family}",\n'
            f'    link="{self.link}",\n'
            "    priors={\n"
            f"{priors}\n"
            "    },\n"
            "    noncentered=noncentered,\n"
            "    center_predictors=False,  # the formula says which columns are centred\n"
            ")\n"
            "model.build()" + (OPENING if analysis.missing != "drop" else "")
        )

    def _nested(self, priors: list[TermPrior]) -> dict[str, Any]:
        found: dict[str, Any] = dict(self.fixed)
        for one in priors:
            place = found.setdefault(one.component, {}) if one.component else found
            place[one.term] = one.complete.bambi()
            if one.name in self.declared:
                place[one.term].dist = self.declared[one.name]
        return found

    def _prior_lines(self, priors: list[TermPrior]) -> Iterator[str]:
        for one in (prior for prior in priors if not prior.component):
            yield f"        {_key(one.term)}: {self._spelt(one)},"
        for component in dict.fromkeys(one.component for one in priors if one.component):
            inner = ", ".join(f"{_key(one.term)}: {self._spelt(one)}" for one in priors if one.component == component)
            yield f"        {_key(component)}: {{{inner}}},"
        yield from (f"        {_key(name)}: {value!r}," for name, value in self.fixed.items())

    def _spelt(self, one: TermPrior) -> str:
        function = self.declared.get(one.name)
        return f"{one.complete.code()[:-1]}, dist={function.__name__})" if function else one.complete.code()

    def observed(self, analysis: Analysis, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows whose outcome the model explains, in its order; all of them unless a model says otherwise."""
        return table

    # -- what it says ------------------------------------------------------------------------------------------

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Turn the posterior into the quantities that the question asks for, on the outcome's scale."""
        return comparisons(analysis, table, model, dt, ratio=self.link == "log")

    def ahead(self, analysis: Analysis, table: pd.DataFrame, dt: Any, steps: int) -> np.ndarray | None:
        """Simulate how a series goes on after its last time.

        Returns
        -------
        numpy.ndarray or None
            New values, shape (chains × draws, steps), the first one typical step after the last time; None where the
            model knows of no time ahead.
        """
        return None

    @abstractmethod
    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        """Simulate about ``n`` rows from the model at known values."""


def _key(name: str) -> str:
    from modelcompose.analysis import literal

    return literal(name)


NAME = re.compile(r"[^\W\d_]\w*")
CONSTANTS = frozenset({"True", "False", "None"})


def _is_name(text: str) -> bool:
    """Tell whether the formula language reads a text as a name; it knows fewer of them than Python."""
    return NAME.fullmatch(text) is not None and text not in CONSTANTS


def quoted(name: str) -> str:
    """Spell a column in a formula; what the formula language does not read as a name stands in backticks."""
    return name if _is_name(name) else f"`{name}`"


def response(analysis: Analysis, table: pd.DataFrame) -> str:
    """Spell the left side of a formula; a binary outcome of text names the level that counts as success.

    Raises
    ------
    InvalidAnalysis
        When the formula language cannot spell that level.
    """
    name = analysis.outcome
    column = table[name]
    if not hasattr(column, "cat"):
        return quoted(name)
    level = str(column.cat.categories[-1])
    if _is_name(name) and _is_name(level):
        return f"{name}[{level}]"
    if set("'\"") & set(level):
        raise InvalidAnalysis(
            f"the value {level!r} of {name!r} has a quotation mark, which a formula cannot spell",
            where="outcome",
            remedy="Write the value without it, or write the column as 0 and 1.",
        )
    return f'{name}["{level}"]' if _is_name(name) else f'binary({quoted(name)}, "{level}")'


def term(name: str, table: pd.DataFrame) -> str:
    """Spell a predictor in a formula.

    A number is centred at its mean, so that the intercept speaks of a typical row and a weakly informative prior on
    it means what it says; unless zero itself is typical: within the range, and within two standard deviations of the
    mean.
    """
    column = table[name]
    if column.dtype.kind not in "iuf":
        return quoted(name)
    within = column.min() <= 0 <= column.max()
    typical = within and abs(column.mean()) <= 2 * column.std()
    return quoted(name) if typical else f"center({quoted(name)})"


def _spread(table: pd.DataFrame, analysis: Analysis) -> float:
    return float(table[analysis.outcome].astype(float).std())


class MeasuredEntry(ModelEntry):
    """An entry whose outcome is a measured number, modelled on its own scale with one residual spread."""

    link = "identity"
    outcome = frozenset({"continuous", "positive", "amount", "duration"})

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        y = table[analysis.outcome].astype(float)
        return Scale("identity", float(y.mean()), float(y.std()))

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Half-Student-t prior of the residual standard deviation, as wide as the outcome's own."""
        prior = Prior("HalfStudentT", {"nu": 4, "sigma": float(f"{_spread(table, analysis):.3g}")})
        return [TermPrior("sigma", prior, "as in rstanarm and Bambi, on the scale of the outcome")]


def right_side(terms: list[str]) -> str:
    """Join the terms of a formula; none leaves the intercept alone."""
    return " + ".join(terms) or "1"
