"""Models that users bring: a Python file with a ``build`` function.

A model file looks like this, and needs nothing of ModelCompose::

    \"\"\"Growth that levels off.

    Every animal grows towards the same final size.
    \"\"\"

    import pymc as pm

    columns = {"size": "positive", "age": "positive"}  # what it reads, and of which kind
    outcome = "size"


    def build(table):
        with pm.Model() as model:
            ...
            pm.Normal("size", mu, sigma, observed=table["size"], dims="row")
        return model

The first line of the text at the top is the title, the paragraphs below say what is assumed. ``build`` returns a
PyMC or a Bambi model. A dictionary ``answers`` may name the posterior variables that answer the question, each with
the beginning of a sentence. The names of `modelcompose.catalog.predictions` make predictions of new rows possible.

Declarations are read without executing the file; only ``build`` and ``check_built`` execute it.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np

from modelcompose.analysis import Kind, literal, located
from modelcompose.catalog.effects import Effect, comparisons, samples
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.predictions import can_predict, outcome_draws, prior_predictive, pymc_model
from modelcompose.catalog.priors import Scale, TermPrior
from modelcompose.catalog.questions import OWN
from modelcompose.errors import InvalidAnalysis, NotFound

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Fault", "OwnModel", "as_file", "faults", "is_own", "own_models", "pretend"]

FOLDER = "models"
ROWS = 40


def is_own(model: str) -> bool:
    """Tell whether the name of a model is that of a file."""
    return model.endswith(".py")


def own_models() -> list[OwnModel]:
    """Return the models in the folder ``models`` whose declarations can be read."""
    folder = located(FOLDER)
    found = [OwnModel.read(f"{FOLDER}/{path.name}") for path in sorted(folder.glob("*.py"))]
    return [one for one in found if not one.declaration_faults]


@dataclass(frozen=True)
class Fault:
    """Something that keeps a file from being a model: where, what, and what to do."""

    where: str
    message: str
    remedy: str


class OwnModel(ModelEntry):
    """A model file as an entry of the catalogue."""

    family: ClassVar[str] = "written in PyMC"
    link: ClassVar[str] = "identity"
    questions: ClassVar[frozenset[str]] = frozenset({OWN})
    own: ClassVar[bool] = True
    source: ClassVar[str] = "your own model"

    def __init__(self, id: str, path: Path, text: str) -> None:  # noqa: A002
        self.id = id  # type: ignore[misc]
        self.path = path
        self.text = text
        self.title = self._paragraphs[0].rstrip(".") if self._paragraphs else path.stem  # type: ignore[misc]
        self.summary = " ".join(self._paragraphs[1:2]) or "A model of your own."  # type: ignore[misc]
        self.assumptions = tuple(self._paragraphs[1:])  # type: ignore[misc]
        self.equation = rf"\mathrm{{{path.stem.replace('_', ' ')}}}"  # type: ignore[misc]
        self.outcome = frozenset({self.columns.get(self.explained, "continuous")})  # type: ignore[misc]

    @classmethod
    def read(cls, name: str) -> OwnModel:
        """Read a model file by its path, relative to the folder of ``paths_from``.

        Raises
        ------
        NotFound
            When there is no such file.
        """
        path = located(name)
        try:
            return cls(name, path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            raise NotFound(
                f"there is no model file {name!r}", where="model", remedy="Check the path, or choose another model."
            ) from None

    # -- what the file declares ----------------------------------------------------------------------------------

    @cached_property
    def tree(self) -> ast.Module:
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    @cached_property
    def _paragraphs(self) -> list[str]:
        text = ast.get_docstring(self.tree) or ""
        return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]

    def _declared(self, name: str) -> ast.expr | None:
        for one in self.tree.body:
            if isinstance(one, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in one.targets):
                return one.value
        return None

    def _literal(self, name: str, otherwise: Any) -> Any:
        node = self._declared(name)
        try:
            value = otherwise if node is None else ast.literal_eval(node)
        except (ValueError, TypeError):
            return otherwise
        return value if isinstance(value, type(otherwise)) else otherwise

    @cached_property
    def columns(self) -> dict[str, str]:
        """What the model reads: each column with its kind."""
        return {str(name): str(kind) for name, kind in self._literal("columns", {}).items()}

    @property
    def explained(self) -> str:
        """The column that the model explains."""
        return str(self._literal("outcome", ""))

    @property
    def answers(self) -> dict[str, str]:
        """Posterior variables that answer the question, each with the beginning of a sentence."""
        return {str(name): str(words) for name, words in self._literal("answers", {}).items()}

    @cached_property
    def function(self) -> ast.FunctionDef | None:
        found = [one for one in self.tree.body if isinstance(one, ast.FunctionDef) and one.name == "build"]
        return found[-1] if found else None

    @cached_property
    def declaration_faults(self) -> tuple[Fault, ...]:
        """What is wrong with the file as far as can be seen without executing it."""
        return tuple(_declaration_faults(self))

    def roles(self) -> dict[str, Any]:
        """Return the choices that use this model on a table with its columns."""
        others = [name for name in self.columns if name != self.explained]
        groups = [name for name in others if self.columns[name] in ("group", "id")]
        return {
            "model": self.id,
            "question": OWN,
            "outcome": self.explained,
            "predictors": [name for name in others if name not in groups],
            "groups": groups,
            "formula": "",
            "priors": {},
        }

    # -- an entry ------------------------------------------------------------------------------------------------

    def reject(self, facts: Facts) -> Rejection | None:
        missing = [name for name in self.columns if name not in facts.table]
        if missing:
            return Rejection(
                "columns-missing",
                f"{self.title} reads {', '.join(missing)}, which the table lacks: say which of its columns they are.",
            )
        if facts.question != OWN and facts.analysis.model != self.id:
            return Rejection("other-question", f"{self.title} is a model of your own; ask what it says.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("own-model", f"It is your own model, and the table has the columns it reads ({self._listed}).", 3)

    @property
    def _listed(self) -> str:
        return ", ".join(self.columns)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str | list[str]:
        return ""

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        """The file holds its priors; there is none that the choices could change."""
        return []

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("identity", 0.0, 1.0)

    def build(self, analysis: Analysis, table: pd.DataFrame) -> Any:
        """Execute the file and call its ``build``.

        Raises
        ------
        InvalidAnalysis
            When the file is not a model, or does not build with this table; the message names the line.
        """
        if self.declaration_faults:
            first = self.declaration_faults[0]
            raise InvalidAnalysis(first.message, where=first.where, remedy=first.remedy)
        try:
            return self.executed(table)
        except InvalidAnalysis:
            raise
        except Exception as error:
            fault = _of_exception(error, self)
            raise InvalidAnalysis(fault.message, where=fault.where, remedy=fault.remedy) from error

    def executed(self, table: pd.DataFrame) -> Any:
        """Execute the file as a module of its own, and build the model."""
        names: dict[str, Any] = {"__name__": self.path.stem, "__file__": str(self.path)}
        exec(compile(self.text, str(self.path), "exec"), names)  # noqa: S102
        return names["build"](table)

    def code(self, analysis: Analysis, table: pd.DataFrame) -> str:
        """Return the file's own source with the call of ``build`` below it."""
        return f"# {self.id}\n{_without_docstring(self)}\n\nmodel = build(table)"

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Answer with the variables that the file names; else with comparisons; else with every single parameter."""
        if self.answers:
            return [Effect(name, words, "effect", samples(dt, name)) for name, words in self.answers.items()]
        predictors = [name for name in analysis.predictors if table[name].dtype.kind in "iuf"]
        if can_predict(model, predictors):
            asked = analysis.changed({"predictors": predictors})
            return comparisons(asked, table, model, dt, ratio=False)
        return self._parameters(dt)

    def _parameters(self, dt: Any) -> list[Effect]:
        posterior = dt["posterior"]
        single = [name for name in map(str, posterior.data_vars) if posterior[name].ndim == 2]
        return [Effect(name, f"The parameter {name} is", "effect", samples(dt, name)) for name in single]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        """Make up a table with the columns that the model reads; nothing is known of the truth."""
        return Simulation(pretend(self.columns, rng, n), self.columns, self.roles(), {})


def as_file(entry: ModelEntry, analysis: Analysis, table: pd.DataFrame) -> str:
    """Write a model of the catalogue out as a model file, to be changed.

    Parameters
    ----------
    analysis, table
        Choices with everything chosen, and their rows; priors are those of this table.
    """
    code = entry.code(analysis, table)
    used = {one.id for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Name)}
    choices = [f"{name} = {literal(getattr(analysis, name))}" for name in type(analysis).model_fields if name in used]
    columns = {name: analysis.kinds[name] for name in analysis.columns}
    says = "\n\n".join([f"{entry.title}.", *entry.assumptions])
    body = textwrap.indent("\n".join([*choices, code]), "    ")
    return (
        f'"""{says}\n"""\n\nimport bambi as bmb\nimport numpy as np\nimport pymc as pm\n\n'
        f"columns = {literal(columns)}\noutcome = {literal(analysis.outcome)}\n\n\n"
        f"def build(table):\n{body}\n    return model\n"
    )


def _without_docstring(model: OwnModel) -> str:
    body = model.tree.body
    if body and ast.get_docstring(model.tree) is not None:
        lines = model.text.splitlines()[body[0].end_lineno or 0 :]
        return "\n".join(lines).strip("\n")
    return model.text.strip("\n")


# -- what is wrong with a file -----------------------------------------------------------------------------------


def faults(model: OwnModel, table: pd.DataFrame | None = None) -> list[Fault]:
    """List every fault of a model file.

    What can be seen in the source comes first; then the file is executed, with the table given or one that is made up
    from its declarations.

    Parameters
    ----------
    table
        Complete rows that have the model's columns.
    """
    found = list(model.declaration_faults)
    if not _can_be_tried(model):
        return found
    known = {name: kind for name, kind in model.columns.items() if kind in get_args(Kind)}
    rows = pretend(known, np.random.default_rng(1), ROWS) if table is None else table
    return found + list(_built_faults(model, rows, undeclared=any("not declared" in one.message for one in found)))


def _can_be_tried(model: OwnModel) -> bool:
    """Tell whether there is a ``build`` that takes the table alone, and columns to make one up from."""
    if model.function is None or not model.columns:
        return False
    arguments = model.function.args
    return len([*arguments.posonlyargs, *arguments.args]) - len(arguments.defaults) == 1


def _declaration_faults(model: OwnModel) -> Iterator[Fault]:
    name = model.path.name
    try:
        ast.parse(model.text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        yield Fault(
            _line(name, line), f"this is not valid Python: {getattr(error, 'msg', error)}", "Mend that line first."
        )
        return
    if not model._paragraphs:
        yield Fault(
            _line(name, 1), "the file does not say what it is", 'Begin it with a text: """Growth that levels off."""'
        )
    yield from _column_faults(model)
    yield from _function_faults(model)


def _column_faults(model: OwnModel) -> Iterator[Fault]:
    name, kinds = model.path.name, get_args(Kind)
    node = model._declared("columns")
    if node is None or not model.columns:
        yield Fault(
            _line(name, getattr(node, "lineno", None)),
            "the columns that the model reads are not declared",
            'Write columns = {"size": "positive", "age": "positive"}, with plain values.',
        )
        return
    for column, kind in model.columns.items():
        if kind not in kinds:
            close = difflib.get_close_matches(kind, kinds, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            yield Fault(
                _line(name, node.lineno),
                f"{kind!r} is no kind of column ({column})",
                f"{hint}Kinds: {', '.join(kinds)}.",
            )
    declared = model._declared("outcome")
    if model.explained not in model.columns:
        yield Fault(
            _line(name, getattr(declared, "lineno", None)),
            f"the outcome {model.explained!r} is none of the columns" if model.explained else "no outcome is named",
            f"Write outcome = one of: {', '.join(map(repr, model.columns))}.",
        )


def _function_faults(model: OwnModel) -> Iterator[Fault]:
    name, function = model.path.name, model.function
    if function is None:
        yield Fault(name, "there is no function build", "Write def build(table): … return model.")
        return
    arguments = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    required = len(arguments) - len(function.args.defaults)
    if required != 1:
        given = ", ".join(arguments) or "nothing"
        yield Fault(
            _line(name, function.lineno),
            f"build takes {given}; it is given the table alone",
            "Write def build(table):.",
        )
        return
    if not any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(function)):
        yield Fault(_line(name, function.lineno), "build returns nothing", "End it with return model.")
    for one in ast.walk(function):
        column = _column_read(one, arguments[0])
        if column is not None and model.columns and column not in model.columns:
            yield Fault(
                _line(name, getattr(one, "lineno", None)),
                f"build reads the column {column!r}, which is not declared",
                f"Add it to columns, or read one of: {', '.join(model.columns)}.",
            )


def _column_read(node: ast.AST, table: str) -> str | None:
    """Name the column in ``table["column"]``."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == table):
        return None
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None


def _built_faults(model: OwnModel, table: pd.DataFrame, *, undeclared: bool) -> Iterator[Fault]:
    """Execute the file and look at the model; one fault for each thing that is wrong."""
    name, before = model.path.name, table.copy()
    try:
        built = model.executed(table)
    except Exception as error:
        if not (undeclared and isinstance(error, KeyError)):  # has been said already
            yield _of_exception(error, model)
        return
    if not before.equals(table):
        yield Fault(name, "build changes the table it is given", "Work on a copy: table = table.assign(…).")
    if not (hasattr(built, "backend") or hasattr(built, "free_RVs")):
        kind = type(built).__name__
        yield Fault(name, f"build returns a {kind}, not a model", "Return the pm.Model or the bmb.Model.")
        return
    yield from _model_faults(model, pymc_model(built), built, before)


def _model_faults(model: OwnModel, pymc: Any, built: Any, table: pd.DataFrame) -> Iterator[Fault]:
    name = model.path.name
    if not pymc.observed_RVs:
        yield Fault(name, "the model observes nothing", f'Give the outcome: observed=table["{model.explained}"].')
        return
    if not pymc.free_RVs:
        yield Fault(name, "the model has no parameters to learn", "Declare some: pm.Normal(…) without observed.")
        return
    lengths = {one.name: int(np.shape(pymc.rvs_to_values[one].eval())[0]) for one in pymc.observed_RVs}
    if len(table) not in lengths.values():
        first, length = next(iter(lengths.items()))
        yield Fault(
            name,
            f"{first} observes {length} values, and the table has {len(table)} rows",
            "Observe one value for each row.",
        )
    try:
        start = _log_densities(pymc, pymc.initial_point())
        wrong = [one for one, value in start.items() if not np.isfinite(value)]
    except Exception as error:
        yield Fault(
            name, f"the log density cannot be computed: {_first_line(error)}", "Check shapes and distributions."
        )
        return
    if wrong:
        yield Fault(
            name,
            f"the log density of {', '.join(wrong)} is not finite at the starting point",
            "Check that the distribution allows every value of the outcome.",
        )
    yield from _simulated_faults(model, built)
    again = pymc_model(model.executed(table.copy()))
    point = pymc.initial_point()
    if _log_densities(again, point) != _log_densities(pymc, point):
        yield Fault(name, "build gives another model each time", "Take random numbers out of build.")


def _log_densities(pymc: Any, point: Mapping[str, Any]) -> dict[str, float]:
    """Return the log density of each variable at a point, to ten decimals: PyMC would round it to two."""
    return {str(name): float(value) for name, value in pymc.point_logps(point, round_vals=10).items()}


def _simulated_faults(model: OwnModel, built: Any) -> Iterator[Fault]:
    try:
        simulated = prior_predictive(built, draws=50, random_seed=1)
        draws = outcome_draws(simulated["prior_predictive"].to_dataset(), model.explained)
    except Exception as error:
        yield Fault(
            model.path.name,
            f"no data can be simulated from it: {_first_line(error)}",
            "Use distributions, no potentials.",
        )
        return
    if not np.isfinite(draws.astype(float)).all():
        yield Fault(
            model.path.name,
            "data simulated from the assumptions are not all finite",
            "Narrow the priors, above all of what stands in an exponential function.",
        )


def _of_exception(error: Exception, model: OwnModel) -> Fault:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(model.path)]
    return Fault(
        _line(model.path.name, lines[-1] if lines else None),
        f"{type(error).__name__}: {_first_line(error)}",
        "Mend that line; it was tried with a table of the declared columns.",
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _line(name: str, line: int | None) -> str:
    return f"{name}, line {line}" if line else name


# -- tables that are made up -------------------------------------------------------------------------------------


def pretend(columns: Mapping[str, str], rng: np.random.Generator, n: int = ROWS) -> pd.DataFrame:
    """Make up a table of columns of given kinds, to try a model without data."""
    import pandas as pd

    return pd.DataFrame({name: _column(kind, rng, n) for name, kind in columns.items()})


def _column(kind: str, rng: np.random.Generator, n: int) -> Any:
    import pandas as pd

    levels = {"category": 3, "ordered": 4, "group": 8}
    if kind in levels:
        codes = np.arange(n) % levels[kind]
        names = [chr(97 + code) for code in range(levels[kind])]
        return pd.Categorical([names[code] for code in rng.permutation(codes)], names, ordered=True)
    if kind == "date":
        return pd.date_range("2020-01-01", periods=n, freq="MS")
    if kind in ("id", "text"):
        return [f"r{number}" for number in range(n)]
    drawn: dict[str, Callable[[], Any]] = {
        "count": lambda: rng.poisson(4, n),
        "binary": lambda: rng.integers(0, 2, n),
        "proportion": lambda: rng.beta(2, 3, n),
        "positive": lambda: rng.lognormal(1, 0.5, n),
        "duration": lambda: rng.lognormal(1, 0.5, n),
        "weight": lambda: rng.lognormal(0, 0.3, n),
        "standard_error": lambda: rng.uniform(0.5, 2, n),
        "amount": lambda: rng.lognormal(1, 0.5, n) * (rng.random(n) < 0.7),
        "circular": lambda: rng.uniform(0, 360, n),
        "constant": lambda: np.ones(n),
    }
    return drawn.get(kind, lambda: rng.normal(0, 1, n))()


# -- as a program of its own -------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    """Check a file, with a pickled table if one is named, and print its faults as JSON on the last line."""
    import contextlib
    import io
    import json
    import warnings

    import pandas as pd

    path = Path(arguments[0])
    table = pd.read_pickle(arguments[1]) if len(arguments) > 1 else None  # noqa: S301 - written by our own parent
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = faults(OwnModel(path.name, path, path.read_text(encoding="utf-8")), table)
    print(json.dumps([{"where": one.where, "message": one.message, "remedy": one.remedy} for one in found]))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
