"""Entries that are written in PyMC: what no formula can say.

The body of an entry's ``model`` function is the notebook's model cell, word for word: only the calls of ``prior`` are
replaced by the distributions they stand for. So there is one place where such a model is written, and what runs here
is what a reader sees.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from modelcompose.catalog.entry import ModelEntry, Rejection
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, Scale, TermPrior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["WrittenEntry"]


class WrittenEntry(ModelEntry):
    """An entry whose model is a function in PyMC.

    ``model`` is a static method of this shape: it is given a callable ``prior``, the ``table``, and by their names
    whichever choices of the analysis it asks for; it imports what it needs, builds a ``pm.Model`` called ``model`` and
    returns it in its last line. ``prior("tau")`` declares the parameter ``tau`` with the prior that is in force;
    ``prior("slope", dims="predictor")`` many of them. The names of `modelcompose.catalog.predictions` hold. ``parts``
    are names that no column may have, beside those that the source gives to parameters.
    """

    family: ClassVar[str] = "written in PyMC"
    link: ClassVar[str] = "identity"
    parts: ClassVar[frozenset[str]] = frozenset()

    @staticmethod
    @abstractmethod
    def model(prior: Any, table: pd.DataFrame, **choices: Any) -> Any:
        """Build the PyMC model."""

    def _unmatched(self, facts: Facts) -> Rejection | None:
        """Refuse columns that are called like a part of the model, beside what every entry refuses."""
        clash = sorted((self.parts | _named(self.model)) & {facts.outcome, *facts.predictors, *facts.given("further")})
        if clash:
            return Rejection("name-taken", f"{self.title} has a part called {clash[0]}; rename the column.")
        return super()._unmatched(facts)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str | list[str]:
        """There is no formula: the model is written out."""
        return ""

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        """The centre and the spread of the outcome."""
        y = table[analysis.outcome].astype(float)
        return Scale("identity", float(y.mean()), float(y.std()) or 1.0)

    @abstractmethod
    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return every prior of the model, by the parameter's name."""

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return self.auxiliary(analysis, table)

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """Return the priors of everything that the source speaks of, also where it is not in use."""
        return self.auxiliary(analysis, table)

    def constants(self, analysis: Analysis, table: pd.DataFrame) -> dict[str, tuple[Any, str]]:
        """Return numbers that the model takes as given, each with what it is; they stand above it in the cell."""
        return {}

    def written(self, analysis: Analysis, table: pd.DataFrame) -> Callable[..., Any]:
        """Return the function that writes the model, where there are several for different tables."""
        return self.model

    def build(self, analysis: Analysis, table: pd.DataFrame) -> Any:
        """Return the PyMC model."""
        import pymc as pm

        priors = {one.name: one.prior for one in self.priors(analysis, table)}

        def prior(name: str, **options: Any) -> Any:
            one = priors[name]
            return getattr(pm, one.dist)(name, **dict(one.params), **options)

        model = self.written(analysis, table)
        given = {name: value for name, (value, _) in self.constants(analysis, table).items()}
        asked = [name for name in inspect.signature(model).parameters if name not in ("prior", "table", *given)]
        return model(prior, table, **given, **{name: getattr(analysis, name) for name in asked})

    def code(self, analysis: Analysis, table: pd.DataFrame) -> str:
        """Return the source of the notebook's model cell, the constants first."""
        lines = [f"{name} = {value!r}  # {what}" for name, (value, what) in self.constants(analysis, table).items()]
        priors = {one.name: one.prior for one in self.all_priors(analysis, table)}
        priors |= {one.name: one.prior for one in self.priors(analysis, table)}
        return "\n".join([*lines, spelt(_body(self.written(analysis, table)), priors)])


@cache
def _body(function: Callable[..., Any]) -> str:
    """Return the source of a function's body without its docstring and without the line that returns the model."""
    source = textwrap.dedent(inspect.getsource(function))
    made = ast.parse(source).body[0]
    assert isinstance(made, ast.FunctionDef)  # noqa: S101
    statements = made.body[1:] if ast.get_docstring(made) else made.body
    lines = source.splitlines()[statements[0].lineno - 1 : statements[-1].lineno - 1]
    return textwrap.dedent("\n".join(lines)).strip("\n")


@cache
def _named(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names that a model gives to its own parts."""
    calls = [one for one in ast.walk(ast.parse(_body(function))) if isinstance(one, ast.Call) and one.args]
    firsts = [call.args[0] for call in calls if _is_prior(call) or ast.unparse(call.func).startswith("pm.")]
    return frozenset(one.value for one in firsts if isinstance(one, ast.Constant) and isinstance(one.value, str))


def spelt(body: str, priors: Mapping[str, Prior]) -> str:
    """Put distributions in the place of the calls of ``prior``."""
    lines = body.splitlines()
    calls = [node for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Call) and _is_prior(node)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        assert call.end_lineno == call.lineno  # noqa: S101
        line = lines[call.lineno - 1]
        lines[call.lineno - 1] = line[: call.col_offset] + _distribution(call, priors) + line[call.end_col_offset :]
    return "\n".join(lines)


def _is_prior(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "prior"


def _distribution(call: ast.Call, priors: Mapping[str, Prior]) -> str:
    name = ast.literal_eval(call.args[0])
    one = priors[name]
    arguments = [f'"{name}"', *(f"{key}={value!r}" for key, value in one.params.items())]
    arguments += [ast.unparse(keyword).replace("'", '"') for keyword in call.keywords]
    return f"pm.{one.dist}({', '.join(arguments)})"
