"""The analysis: every choice a user makes, typed once.

The choices live in a notebook's ``parameters`` cell as plain Python literals; that cell is the specification. From
this one definition come the panel's form, the command line's options, the REST schema and papermill's parameters.
An empty value (``""``, ``[]``, ``{}``) leaves the choice to ModelCompose.
"""

from __future__ import annotations

import ast
import difflib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from modelcompose.errors import InvalidAnalysis
from modelcompose.verdict import Waiver

__all__ = ["ROLES", "Analysis", "Decision", "Kind", "Variable", "cell_with_tag", "literal", "located", "paths_from"]

Kind = Literal[
    "continuous",
    "positive",
    "amount",
    "duration",
    "count",
    "proportion",
    "circular",
    "coordinate",
    "weight",
    "standard_error",
    "binary",
    "category",
    "ordered",
    "group",
    "id",
    "date",
    "text",
    "constant",
]

LINE = 100
_root: ContextVar[Path | None] = ContextVar("root", default=None)
ROLES = ("outcome", "predictors", "groups", "exposure", "trials", "event", "time", "standard_error", "further")
"""The parts that columns can play in an analysis."""


@contextmanager
def paths_from(folder: Path) -> Iterator[None]:
    """Take the paths among the choices as relative to a folder, instead of the current one, while the context lasts."""
    token = _root.set(folder)
    try:
        yield
    finally:
        _root.reset(token)


def located(path: str) -> Path:
    """Return where a path among the choices leads, as they are seen from here; see ``paths_from``."""
    return Path(os.path.normpath((_root.get() or Path.cwd()) / path))  # a folder on its way may not exist yet


class Variable(BaseModel):
    """What is declared of one column beside its kind and unit; whatever is empty is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    label: str = Field("", description="What it is called in sentences and pictures.")
    bounds: list[float | None] = Field([], description="Lowest and highest possible value; null where there is none.")
    plausible: list[float] = Field([], description="Lowest and highest value that would not surprise.")
    levels: list[str] = Field([], description="The categories in their order.")
    reference: str = Field("", description="The category that the others are compared with.")
    missing: list[float | str] = Field([], description="Codes that stand for a missing value, such as -9 or unknown.")

    @field_validator("bounds", "plausible")
    @classmethod
    def _is_a_range(cls, ends: list[float | None]) -> list[float | None]:
        if not ends:
            return ends
        if len(ends) != 2 or (None not in ends and ends[0] >= ends[1]):  # type: ignore[operator]
            raise ValueError("must be empty or [lowest, highest] with lowest below highest")
        return ends

    @model_validator(mode="after")
    def _levels_are_distinct(self) -> Self:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("levels must be named once each")
        if self.reference and self.levels and self.reference not in self.levels:
            raise ValueError(f"the reference {self.reference!r} is not one of the levels")
        return self


class Decision(BaseModel):
    """What is at stake when somebody acts on the answer.

    Acting, such as switching to B or raising x by one unit, is worth ``value`` for every unit of the effect in the
    better direction, and costs ``cost``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    better: Literal["higher", "lower"] = Field("higher", description="Which direction of the outcome is good.")
    value: float = Field(1.0, gt=0, description="What one unit of the outcome is worth.")
    cost: float = Field(0.0, ge=0, description="What acting costs, in the same currency.")
    costs: dict[str, float] = Field({}, description="What choosing each level costs, where they differ.")
    currency: str = Field("", description="In what value and costs are counted: €, hours, lives.")


class Analysis(BaseModel):
    """The choices of one analysis; frozen, changed by copy."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    data: str = Field(
        "", description="The table: a file relative to the notebook, an address, NAME@VERSION, or sample:NAME."
    )
    kinds: dict[str, Kind] = Field({}, description="The kind of each column, where it is declared.")
    units: dict[str, str] = Field({}, description="Units of columns, such as ms or kg; used in sentences.")
    variables: dict[str, dict[str, JsonValue]] = Field(
        {},
        description='What else is declared of a column: {"dose": {"bounds": [0, null], "missing": [-9]}}.',
    )
    recipe: list[dict[str, JsonValue]] = Field([], description="Preparation steps, replayed in order.")
    missing: Literal["drop", "impute", "multiple"] = Field(
        "drop",
        description="Rows with gaps: left out, gaps in numbers estimated inside the model, or filled in many times.",
    )
    imputations: int = Field(20, ge=2, le=100, description="How many times gaps are filled when missing is multiple.")
    question: str = Field("", description="What you want to know.")
    outcome: str = Field("", description="The column to explain.")
    predictors: list[str] = Field([], description="Columns that may explain the outcome.")
    groups: list[str] = Field([], description="Columns that say which rows belong together.")
    exposure: str = Field("", description="For counts: the column with the time, area or number at risk.")
    trials: str = Field(
        "", description="For shares: the column with the number of attempts that the outcome counts in."
    )
    event: str = Field("", description="For waiting times: the column that says whether the wait had ended.")
    time: str = Field("", description="The column that puts the rows in order: a date or a number.")
    standard_error: str = Field("", description="The column with the standard error of what was estimated or measured.")
    further: list[str] = Field([], description="Further outcomes, modelled together with the first.")
    intervention: str = Field("", description="The first time at which an intervention was in force.")
    treated: str = Field("", description="The group that received it.")
    estimand: str = Field("", description="The quantity you ask for, in words.")
    model: str = Field("", description="The ready-made model, or a file of your own such as models/growth.py.")
    formula: str | list[str] = Field("", description="The model formula; a list when it has several parts.")
    priors: dict[str, dict[str, Any]] = Field(
        {},
        description='What differs from the default priors: {"Days": {"dist": "Normal", "mu": 0, "sigma": 10}}.',
    )
    prior_scale: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Widens (above 1) or tightens (below 1) all default priors of effects.",
    )
    plausible: list[float] = Field(
        [], description="Lowest and highest plausible average of the outcome; empty to take it from the data."
    )
    smallest_effect: float = Field(
        0.0, ge=0, description="Effects smaller than this are too small to matter; 0 when not stated."
    )
    noncentered: bool = Field(True, description="How group effects are parameterised; True suits groups with few rows.")
    sampler: str = Field(
        "nutpie",
        description="The program that draws from the posterior: nutpie; pymc; numpyro or blackjax for large models; "
        "exact where there is a closed form; pathfinder, advi or laplace for a quick approximation, which is checked.",
    )
    draws: int = Field(1000, ge=10, le=1_000_000, description="Draws kept per chain.")
    tune: int = Field(1000, ge=10, le=1_000_000, description="Warm-up draws per chain, not kept.")
    chains: int = Field(4, ge=1, le=64, description="Independent chains; 4 or more let them be compared.")
    target_accept: float = Field(0.9, gt=0.5, lt=1, description="Higher takes smaller, safer steps and more time.")
    metric: Literal["auto", "diagonal", "low-rank"] = Field(
        "auto", description="How the sampler adapts its scale to the posterior."
    )
    random_seed: int = Field(20261121, ge=0, lt=2**32, description="Same seed, same draws.")
    ci_prob: float = Field(0.95, gt=0.5, lt=1, description="Probability inside the reported intervals.")
    candidates: list[str] = Field(
        [], description="Rival models to compare with; empty to take the catalogue's neighbours of the model."
    )
    recoveries: int = Field(
        1, ge=0, le=100, description="Data sets to simulate and fit, to see whether known values are found again."
    )
    rival_priors: list[float] = Field(
        [0.5, 2.0], description="Widths of the priors to try again with, relative to those in use."
    )
    universes: int = Field(
        0, ge=0, le=200, description="Most combinations of defensible choices to answer the question under; 0 for none."
    )
    simulations: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Data sets for simulation-based calibration; 0 leaves it out, 100 is a quick look.",
    )
    new_rows: str = Field("", description="A table of new rows to predict, given like data.")
    horizon: int = Field(0, ge=0, le=10_000, description="How many steps of time to forecast.")
    decision: dict[str, JsonValue] = Field(
        {},
        description='What is at stake: {"better": "higher", "value": 12.5, "cost": 300, "currency": "€"}.',
    )
    plan: str = Field("", description="The file of the locked plan that this analysis is held against.")
    policy: str = Field("", description="A file with thresholds of your own; empty for the defaults.")
    waivers: list[dict[str, str]] = Field(
        [], description='Failed gates that somebody lets pass: {"step": "posterior", "by": "A. Name", "reason": "…"}.'
    )
    on_fail: Literal["stop", "warn"] = Field("stop", description="Whether a failed check stops the notebook.")

    @field_validator("priors")
    @classmethod
    def _priors_are_distributions(cls, priors: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for term, prior in priors.items():
            if not isinstance(prior.get("dist"), str):
                raise ValueError(f'the prior of {term!r} needs a distribution: {{"dist": "Normal", ...}}')
            numbers = {name: value for name, value in prior.items() if name != "dist"}
            wrong = [name for name, value in numbers.items() if not _is_number(value)]
            if wrong:
                raise ValueError(f"{wrong[0]!r} in the prior of {term!r} must be a finite number")
        return priors

    @field_validator("variables")
    @classmethod
    def _variables_are_declarations(cls, variables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for column, declared in variables.items():
            try:
                Variable.model_validate(declared)
            except ValidationError as error:
                first = error.errors()[0]
                what = ".".join(map(str, first["loc"])) or "the declaration"
                raise ValueError(f"{what} of {column!r}: {first['msg'].removeprefix('Value error, ')}") from None
        return variables

    @field_validator("waivers")
    @classmethod
    def _waivers_are_signed(cls, waivers: list[dict[str, str]]) -> list[dict[str, str]]:
        for waiver in waivers:
            try:
                Waiver.model_validate(waiver)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"{'.'.join(map(str, first['loc']))} of a waiver: {first['msg']}") from None
        return waivers

    @field_validator("decision")
    @classmethod
    def _decision_is_complete(cls, decision: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if decision:
            try:
                Decision.model_validate(decision)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"{'.'.join(map(str, first['loc']))} of the decision: {first['msg']}") from None
        return decision

    @field_validator("rival_priors")
    @classmethod
    def _rivals_are_widths(cls, widths: list[float]) -> list[float]:
        if any(not 0 < width <= 1000 for width in widths):
            raise ValueError("each must be above 0 and up to 1000")
        return widths

    @field_validator("plausible")
    @classmethod
    def _plausible_is_a_range(cls, plausible: list[float]) -> list[float]:
        if plausible and (len(plausible) != 2 or plausible[0] >= plausible[1]):
            raise ValueError("must be empty or [lowest, highest] with lowest below highest")
        return plausible

    @classmethod
    def of(cls, choices: Mapping[str, Any], *, where: str | None = None) -> Self:
        """Validate choices given as a mapping.

        Parameters
        ----------
        choices
            Values by parameter name.
        where
            What to name as the place of an error, such as a file.

        Raises
        ------
        InvalidAnalysis
            When a name is unknown or a value has the wrong type or range.
        """
        for name in choices:
            _require_known(name, where)
        try:
            return cls.model_validate(dict(choices))
        except ValidationError as error:
            raise _explained(error, where) from None

    @classmethod
    def from_names(cls, namespace: Mapping[str, Any]) -> Self:
        """Take the choices out of a namespace; a notebook's cell passes ``globals()``."""
        return cls.of({name: namespace[name] for name in cls.model_fields if name in namespace})

    @classmethod
    def read(cls, nb: Mapping[str, Any], *, where: str | None = None) -> Self:
        """Read the choices from a notebook without executing anything.

        Values that papermill injected win over those of the ``parameters`` cell.

        Raises
        ------
        InvalidAnalysis
            When there is no ``parameters`` cell, or it holds anything but assignments of literals.
        """
        return cls.of(_choices_in(nb, where), where=_place(where))

    def write(self, nb: Mapping[str, Any]) -> None:
        """Write the choices into a notebook's ``parameters`` cell, keeping comments and order.

        Values that did not change keep their spelling; names that were missing are added at the end unless they
        hold the default. Values that papermill injected move into the ``parameters`` cell.
        """
        cell = cell_with_tag(nb, "parameters")
        if cell is None:
            raise _no_parameters(None)
        cell["source"] = self._rewritten(_source(cell))
        injected = cell_with_tag(nb, "injected-parameters")
        if injected is not None:
            injected["source"] = "# These values now stand in the parameters cell above."

    def _rewritten(self, source: str) -> str:
        stands = _assignments(source, None)
        for one in reversed(stands):
            value = getattr(self, one.name)
            if not _same(one.value, value):
                source = source[: one.start] + literal(value, len(one.name) + 3) + source[one.end :]
        missing = self.model_dump(exclude={one.name for one in stands}, exclude_defaults=True)
        added = [f"{name} = {literal(value, len(name) + 3)}" for name, value in missing.items()]
        return "\n".join([*filter(None, [source.rstrip("\n")]), *added]) if added else source

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with some choices changed and validated.

        Text for a choice that is not text is read as a Python literal, as it comes from a command line:
        ``{"draws": "500", "predictors": "Days,Weight"}``.
        """
        for name in changes:
            _require_known(name, None)
        values = {name: _from_text(name, value) for name, value in changes.items()}
        return type(self).of({**self.model_dump(exclude_unset=True), **values})  # what nobody chose stays open

    @property
    def columns(self) -> list[str]:
        """The columns that the analysis uses, each once, the outcome first."""
        named = [name for role in ROLES for name in self.given(role)]
        return list(dict.fromkeys(named))

    def given(self, role: str) -> list[str]:
        """Return the columns that were given a role."""
        value = getattr(self, role)
        return [name for name in ([value] if isinstance(value, str) else value) if name]

    @property
    def formula_parts(self) -> tuple[str, ...]:
        """The formula as its parts: the one of the response first."""
        parts = [self.formula] if isinstance(self.formula, str) else self.formula
        return tuple(part for part in parts if part)


@dataclass(frozen=True)
class _Assignment:
    name: str
    value: Any
    start: int
    end: int


def cell_with_tag(nb: Mapping[str, Any], tag: str) -> dict[str, Any] | None:
    """Return the first cell of a notebook that bears a tag."""
    for cell in nb.get("cells", []):
        if tag in (cell.get("metadata", {}).get("tags") or []):
            return cell  # type: ignore[no-any-return]
    return None


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _choices_in(nb: Mapping[str, Any], where: str | None) -> dict[str, Any]:
    cell = cell_with_tag(nb, "parameters")
    if cell is None:
        raise _no_parameters(where)
    choices = {one.name: one.value for one in _assignments(_source(cell), where)}
    injected = cell_with_tag(nb, "injected-parameters")
    if injected is not None:
        choices |= {one.name: one.value for one in _assignments(_source(injected), where)}
    return choices


def _assignments(source: str, where: str | None) -> list[_Assignment]:
    """Parse a cell of assignments of literals, remembering where each value stands."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise InvalidAnalysis(
            f"the parameters cell is not valid Python: {error.msg}",
            where=_place(where, error.lineno, error.offset),
            remedy="Mend the line; it must read name = value.",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidAnalysis(
            f"the parameters cell cannot be read: {error}",
            where=_place(where),
            remedy="Write name = value, one for each choice.",
        ) from None
    lines = list(io.StringIO(source, newline=""))  # Python's lines: str.splitlines knows more line ends than Python
    return [one for statement in body if not _is_docstring(statement) for one in _of_statement(statement, lines, where)]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _of_statement(statement: ast.stmt, lines: list[str], where: str | None) -> list[_Assignment]:
    place = _place(where, statement.lineno, statement.col_offset + 1)
    for target, value in _pairs(statement, place):
        _require_known(target, place)
        try:
            ast.literal_eval(value)
        except (ValueError, TypeError, RecursionError):
            raise InvalidAnalysis(
                f"the value of {target!r} is not a plain value",
                where=place,
                remedy="Write a number, a text, True or False, a list or a dictionary of those.",
            ) from None
    return [
        _Assignment(
            target,
            ast.literal_eval(value),
            _offset(lines, value.lineno, value.col_offset),
            _offset(lines, value.end_lineno or 0, value.end_col_offset or 0),
        )
        for target, value in _pairs(statement, place)
    ]


def _pairs(statement: ast.stmt, place: str) -> list[tuple[str, ast.expr]]:
    """Split an assignment into names and value nodes: ``a = 1``, ``a: int = 1`` or ``a, b = 1, 2``."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value)]
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Name):
            return [(target.id, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            names = [one.id for one in target.elts if isinstance(one, ast.Name)]
            if len(names) == len(value.elts):
                return list(zip(names, value.elts, strict=True))
    raise InvalidAnalysis(
        "the parameters cell may hold only assignments of plain values",
        where=place,
        remedy="Write name = value, one for each choice, and move other code into a cell of its own.",
    )


def _offset(lines: list[str], lineno: int, column: int) -> int:
    """Turn ast's line and UTF-8 byte column into an index into the source text."""
    return sum(map(len, lines[: lineno - 1])) + len(lines[lineno - 1].encode()[:column].decode())


def _require_known(name: str, where: str | None) -> None:
    if name in Analysis.model_fields:
        return
    close = difflib.get_close_matches(name, Analysis.model_fields, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Choices are: {', '.join(Analysis.model_fields)}."
    raise InvalidAnalysis(f"there is no choice named {name!r}", where=where, remedy=hint)


def _from_text(name: str, value: Any) -> Any:
    annotation = Analysis.model_fields[name].annotation
    if not isinstance(value, str) or annotation is str or annotation in _LITERALS:
        return value
    try:
        parsed = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        parsed = value
    if annotation == list[str] and not _is_texts(parsed):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(parsed) if isinstance(parsed, tuple) else parsed


def _is_texts(parsed: Any) -> bool:
    """Tell a list, or a tuple of texts, from names between commas: columns may be called 2019 or None."""
    return isinstance(parsed, list) or (isinstance(parsed, tuple) and all(isinstance(one, str) for one in parsed))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _same(stands: Any, value: Any) -> bool:
    """Tell whether what is written need not be spelt anew; a whole number may stand for a real one."""
    if type(stands) is int and type(value) is float:
        return stands == value
    if type(stands) is not type(value):
        return False
    if isinstance(value, list):
        return len(stands) == len(value) and all(map(_same, stands, value))
    if isinstance(value, dict):
        return stands.keys() == value.keys() and all(_same(stands[key], value[key]) for key in value)
    return bool(stands == value)


_LITERALS = tuple(
    field.annotation for field in Analysis.model_fields.values() if set(map(type, get_args(field.annotation))) == {str}
)


def _explained(error: ValidationError, where: str | None) -> InvalidAnalysis:
    errors = [one for one in error.errors() if one["loc"][1:] != ("list[str]",)]  # the formula's second spelling
    first = errors[0]
    name = str(first["loc"][0]) if first["loc"] else "analysis"
    inner = "".join(f"[{part!r}]" for part in first["loc"][1:] if name != "formula")
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return InvalidAnalysis(
        f"{name}{inner} = {first['input']!r}: {message}{more}",
        where=where,
        remedy=f"{name}: {Analysis.model_fields[name].description}" if name in Analysis.model_fields else None,
    )


def _no_parameters(where: str | None) -> InvalidAnalysis:
    return InvalidAnalysis(
        "the notebook has no parameters cell",
        where=where,
        remedy='Tag the cell that holds the choices with "parameters", or make a new analysis with modelcompose new.',
    )


def _place(where: str | None, line: int | None = None, column: int | None = None) -> str:
    at = f", line {line}, column {column}" if line else ""
    return f"{f'{where}, ' if where else ''}parameters cell{at}"


def literal(value: Any, indent: int = 0) -> str:
    """Spell a value as a Python literal with double quotes, broken over lines when it is long.

    Parameters
    ----------
    value
        Text, numbers, booleans, None, and lists and dictionaries of them.
    indent
        How many columns stand before it on its line.
    """
    flat = _flat(value)
    if len(flat) + indent <= LINE or not isinstance(value, list | dict) or not value:
        return flat
    if isinstance(value, dict):
        rows = [f"    {_flat(key)}: {_flat(item)}," for key, item in value.items()]
        return "\n".join(["{", *rows, "}"])
    return "\n".join(["[", *(f"    {_flat(item)}," for item in value), "]"])


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flat, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    return repr(value)


def _quoted(text: str) -> str:
    spelt = repr(text)
    if spelt.startswith('"') or '"' in text:
        return spelt
    return f'"{spelt[1:-1]}"'
