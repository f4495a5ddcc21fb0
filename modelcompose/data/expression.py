"""Expressions over the columns of a table, such as ``weight / height ** 2`` or ``age >= 18 and site in ["A", "B"]``.

They are read as Python expressions and worked out by walking the tree: names are columns, the operators and functions
are those listed here, and there is nothing else. No text is ever executed. What is missing stays missing: a comparison
with a missing value is neither true nor false.

A column whose name is no plain word stands in backticks: ```body weight` > 70``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from modelcompose.data.cells import EXACT, as_numbers
from modelcompose.data.kinds import shown
from modelcompose.errors import InvalidData, InvalidInput

__all__ = ["FUNCTIONS", "Expression", "calculate"]

LONGEST = 5_000
MOST_PARTS = 1_000
DEEPEST = 60
PLACE = "expression"

Column = pd.Series
Value = Any  # a Column, a number, a text, True or False, a moment, or None for missing


@dataclass(frozen=True)
class Function:
    """A function that expressions may call: how many arguments it takes, what it does, and how."""

    least: int
    most: int
    explanation: str
    call: Callable[..., Value]


def calculate(table: pd.DataFrame, expression: str) -> pd.Series[Any]:
    """Work out an expression for every row of a table; see `Expression`."""
    return Expression(expression).of(table)


class Expression:
    """An expression, checked when it is made and worked out as often as needed.

    Parameters
    ----------
    text
        The expression.

    Raises
    ------
    InvalidInput
        When it is not one, naming the place.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if not text.strip():
            raise InvalidInput("the expression is empty", where=PLACE, remedy="Write one, such as age >= 18.")
        if len(text) > LONGEST:
            raise InvalidInput(f"the expression is longer than {LONGEST:,} characters", where=PLACE)
        plain, self._names = _without_backticks(text)
        try:
            self._tree = ast.parse(plain.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = getattr(error, "msg", None) or str(error)
            raise InvalidInput(
                f"this is no expression: {reason}",
                where=f"{PLACE} {text!r}",
                remedy="Write it like weight / height ** 2, with names that are not plain words in `backticks`.",
            ) from None
        if isinstance(self._tree, ast.List | ast.Tuple):
            raise self._not_allowed(self._tree)
        self._check(self._tree, 0, [0])

    @property
    def columns(self) -> list[str]:
        """The columns that it uses, each once."""
        called = {id(one.func) for one in ast.walk(self._tree) if isinstance(one, ast.Call)}
        named = [one for one in ast.walk(self._tree) if isinstance(one, ast.Name) and id(one) not in called]
        found = [self._column(one.id) for one in sorted(named, key=lambda one: (one.lineno, one.col_offset))]
        return list(dict.fromkeys(name for name in found if name != "missing"))

    def of(self, table: pd.DataFrame) -> pd.Series[Any]:
        """Work the expression out for every row.

        Parameters
        ----------
        table
            A typed table.

        Returns
        -------
        pandas.Series
            float64, boolean, str or datetime64[us], with a value for each row.

        Raises
        ------
        InvalidData
            When a column does not exist, types do not go together, or a result is infinite, naming the row.
        """
        try:
            with np.errstate(all="ignore"):
                column = _column(self._value(self._tree, table), len(table))
        except (TypeError, ValueError, OverflowError, IndexError) as error:
            raise self._unsuited(f"it cannot be worked out ({error})") from None
        column.index = table.index
        if column.dtype == "float64":
            endless = np.isinf(column.to_numpy())
            if endless.any():
                row = int(endless.argmax()) + 1
                raise InvalidData(
                    "the result is infinite, as when something is divided by zero",
                    where=f"{PLACE} {self.text!r}, row {row}",
                    remedy="Say what shall happen there: if_else(x == 0, missing, y / x).",
                )
        return column

    # -- what may stand in it ----------------------------------------------------------------------------------

    def _check(self, node: ast.AST, depth: int, count: list[int]) -> None:
        count[0] += 1
        if depth > DEEPEST or count[0] > MOST_PARTS:
            raise InvalidInput("the expression has too many parts", where=PLACE, remedy="Do it in several steps.")
        if isinstance(node, ast.Call):
            self._check_call(node)
            for one in node.args:
                self._check(one, depth + 1, count)
            return
        allowed = isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.Name | ast.Constant)
        allowed = allowed or isinstance(node, ast.List | ast.Tuple | ast.operator | ast.unaryop | ast.boolop)
        allowed = allowed or isinstance(node, ast.cmpop | ast.expr_context)
        unknown = (isinstance(node, ast.BinOp) and type(node.op) not in ARITHMETIC) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)
        )
        if isinstance(node, ast.Compare):
            unknown = any(type(one) not in COMPARISONS and not isinstance(one, ast.In | ast.NotIn) for one in node.ops)
        if isinstance(node, ast.Constant):
            unknown = not (node.value is None or isinstance(node.value, str | bool | int | float))
            unknown = unknown or (isinstance(node.value, int) and abs(node.value) > EXACT)
        if not allowed or unknown:
            raise self._not_allowed(node)
        for child in ast.iter_child_nodes(node):
            self._check(child, depth + 1, count)

    def _check_call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise InvalidInput(
                f"there is no function {name or ast.unparse(node.func)!r}",
                where=f"{PLACE} {self.text!r}",
                remedy=f"Functions are: {', '.join(sorted(FUNCTIONS))}.",
            )
        function = FUNCTIONS[name]
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            raise self._not_allowed(node)
        if not function.least <= len(node.args) <= function.most:
            raise InvalidInput(
                f"{name} takes {_arity(function)}, and has {len(node.args)}",
                where=f"{PLACE} {self.text!r}",
                remedy=function.explanation,
            )

    def _not_allowed(self, node: ast.AST) -> InvalidInput:
        what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        return InvalidInput(
            f"{what!r} cannot stand in an expression",
            where=f"{PLACE} {self.text!r}",
            remedy="Use columns, numbers, texts in quotation marks, + - * / // % **, comparisons, and, or, not, in, "
            "and functions.",
        )

    def _column(self, name: str) -> str:
        return self._names.get(name, name)

    # -- what it comes to --------------------------------------------------------------------------------------

    def _value(self, node: ast.expr, table: pd.DataFrame) -> Value:
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.Name):
            return self._named(self._column(node.id), table)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)  # noqa: S101 - checked when it was made
            return self._call(node.func.id, [self._value(one, table) for one in node.args], len(table))
        if isinstance(node, ast.UnaryOp):
            operand = self._value(node.operand, table)
            if isinstance(node.op, ast.Not):
                return ~self._truth(operand, len(table))
            number = self._number(operand)
            return _series(-number if isinstance(node.op, ast.USub) else number)
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(self._value(one, table), len(table)) for one in node.values]
            return reduce(operator.and_ if isinstance(node.op, ast.And) else operator.or_, parts)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node, self._value(node.left, table), self._value(node.right, table))
        if isinstance(node, ast.Compare):
            return self._comparison(node, table)
        raise self._not_allowed(node)

    def _named(self, name: str, table: pd.DataFrame) -> Value:
        if name == "missing" and name not in table.columns:
            return None
        if name not in table.columns:
            listed = ", ".join(str(one) for one in table.columns[:20]) + (" …" if table.shape[1] > 20 else "")
            raise InvalidData(
                f"there is no column {name!r}",
                where=f"{PLACE} {self.text!r}",
                remedy=f"Columns are: {listed}. Text stands in quotation marks.",
            )
        column = table[name]
        if pd.api.types.is_bool_dtype(column):
            return column.astype("boolean")
        if pd.api.types.is_integer_dtype(column):
            if len(column) and max(abs(int(column.min())), abs(int(column.max()))) > EXACT:
                raise InvalidData(
                    f"{name} has whole numbers too long to compute with", where=PLACE, remedy="Parse it as text first."
                )
            return column.astype("float64")
        return column

    def _call(self, name: str, arguments: Sequence[Value], rows: int) -> Value:
        try:
            first = arguments[0] if name == "date" else _column(arguments[0], rows)
            return FUNCTIONS[name].call(_wide(first, rows), *[_wide(one, rows) for one in arguments[1:]])
        except _Unsuited as error:
            raise self._unsuited(f"{name}: {error}") from None

    def _arithmetic(self, node: ast.BinOp, left: Value, right: Value) -> Value:
        if isinstance(node.op, ast.Add) and _is_text(left) and _is_text(right):
            return left + right
        if isinstance(node.op, ast.Sub) and _is_date(left) and _is_date(right):
            return (left - right) / pd.Timedelta(days=1)
        return _series(ARITHMETIC[type(node.op)](self._number(left), self._number(right)))

    def _number(self, value: Value) -> Value:
        try:
            return _number(value)
        except _Unsuited as error:
            raise self._unsuited(str(error)) from None

    def _truth(self, value: Value, rows: int) -> Value:
        column = _column(value, rows)
        if column.dtype == "boolean":
            return column
        if column.isna().all():
            return column.astype("float64").astype("boolean")
        raise self._unsuited(f"{_example(value)} is neither true nor false")

    def _comparison(self, node: ast.Compare, table: pd.DataFrame) -> Value:
        left, found = self._value(node.left, table), []
        for comparison, other in zip(node.ops, node.comparators, strict=True):
            if isinstance(comparison, ast.In | ast.NotIn):
                found.append(self._membership(comparison, left, other, table))
            else:
                right = self._value(other, table)
                found.append(self._compared(COMPARISONS[type(comparison)], left, right, len(table)))
                left = right
        return reduce(operator.and_, found)

    def _membership(self, how: ast.cmpop, left: Value, right: ast.expr, table: pd.DataFrame) -> Value:
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            raise self._unsuited('after “in” stands a list, such as ["A", "B"]')
        each = [self._compared(operator.eq, left, self._value(one, table), len(table)) for one in right.elts]
        inside = reduce(operator.or_, each)
        return ~inside if isinstance(how, ast.NotIn) else inside

    def _compared(self, how: Callable[[Any, Any], Any], left: Value, right: Value, rows: int) -> Value:
        one, two = _column(left, rows), _column(right, rows)
        gaps = (one.isna().to_numpy(bool)) | (two.isna().to_numpy(bool))
        if gaps.all():
            return pd.Series(pd.array([pd.NA] * rows, dtype="boolean"))
        if _sort(one) != _sort(two):
            raise self._unsuited(f"{_example(left)} and {_example(right)} cannot be compared")
        if _sort(one) == "truth" and how not in (operator.eq, operator.ne):
            raise self._unsuited("true and false have no order")
        values = np.asarray(how(one.reset_index(drop=True), two.reset_index(drop=True)).fillna(False), dtype=bool)
        return pd.Series(pd.arrays.BooleanArray(values, gaps))

    def _unsuited(self, message: str) -> InvalidData:
        return InvalidData(
            message, where=f"{PLACE} {self.text!r}", remedy="Correct the expression, or parse the column."
        )


ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _Unsuited(Exception):
    """An operand of the wrong kind."""


def _without_backticks(text: str) -> tuple[str, dict[str, str]]:
    """Put a plain word in the place of every name in backticks, outside quotation marks."""
    names: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found[0]
        alias = f"_{len(names)}_"
        names[alias] = found["name"]
        return alias

    return re.sub(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?P<name>[^`]+)`""", word, text), names


def _arity(function: Function) -> str:
    if function.least == function.most:
        return f"{function.least} argument{'' if function.least == 1 else 's'}"
    return f"{function.least} to {function.most} arguments"


def _constant(value: Any) -> Value:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return np.float64(value)


def _column(value: Value, rows: int) -> pd.Series[Any]:
    if isinstance(value, pd.Series):
        return value.reset_index(drop=True)
    if value is None:
        return pd.Series(np.full(rows, np.nan))
    if isinstance(value, bool | np.bool_):
        return pd.Series(pd.array([bool(value)] * rows, dtype="boolean"))
    if isinstance(value, str):
        return pd.Series([value] * rows, dtype="str")
    if isinstance(value, pd.Timestamp):
        return pd.Series([value] * rows).astype("datetime64[us]")
    return pd.Series(np.full(rows, float(value)))


def _series(value: Any) -> Value:
    return pd.Series(value) if isinstance(value, np.ndarray) else value


def _wide(value: Value, rows: int) -> Value:
    return value if isinstance(value, str) else _column(value, rows)


def _sort(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "truth"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    return "text" if isinstance(column.dtype, pd.StringDtype) else "number"


def _is_text(value: Value) -> bool:
    return isinstance(value, str) or (isinstance(value, pd.Series) and _sort(value) == "text")


def _is_date(value: Value) -> bool:
    return isinstance(value, pd.Timestamp) or (isinstance(value, pd.Series) and _sort(value) == "date")


def _example(value: Value) -> str:
    if isinstance(value, pd.Series):
        present = value.dropna()
        return f"“{shown(present.iloc[0])}”" if len(present) else "missing"
    return f"“{shown(value)}”" if value is not None else "missing"


def _number(value: Value) -> Value:
    if isinstance(value, pd.Series):
        if _sort(value) == "truth":
            return value.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
        if _sort(value) == "number" or value.isna().all():
            return (
                value.to_numpy(dtype="float64", na_value=np.nan)
                if _sort(value) != "date"
                else np.full(len(value), np.nan)
            )
        raise _Unsuited(f"{_example(value)} is not a number")
    if isinstance(value, np.ndarray):
        return value
    if value is None:
        return np.float64("nan")
    if isinstance(value, bool | int | float | np.floating | np.bool_):
        return np.float64(value)
    raise _Unsuited(f"{_example(value)} is not a number")


def _text(value: Value) -> pd.Series[Any]:
    if isinstance(value, pd.Series):
        if _sort(value) == "text":
            return value
        return value.map(shown, na_action="ignore").astype("str")
    return pd.Series([shown(value)], dtype="str")


def _moment(value: Value) -> pd.Series[Any]:
    if isinstance(value, pd.Series) and _sort(value) == "date":
        return value
    raise _Unsuited(f"{_example(value)} is not a date")


def _plain(value: Value) -> str:
    if isinstance(value, str):
        return value
    raise _Unsuited("this argument is a text in quotation marks")


def _numeric(call: Callable[..., Any]) -> Callable[..., Value]:
    def wrapped(*values: Value) -> Value:
        return pd.Series(call(*[_number(one) for one in values]))

    return wrapped


def _over(call: Callable[[pd.Series[Any]], float]) -> Callable[[Value], Value]:
    """A summary of a column, the same for every row."""

    def wrapped(value: Value) -> Value:
        numbers = pd.Series(_number(value))
        return pd.Series(np.full(len(numbers), float(call(numbers))))

    return wrapped


def _if_else(condition: Value, yes: Value, no: Value) -> Value:
    if not (isinstance(condition, pd.Series) and _sort(condition) == "truth"):
        raise _Unsuited(f"{_example(condition)} is neither true nor false")
    rows = len(condition)
    one, two = _column(yes, rows), _column(no, rows)
    if one.isna().all():
        one = (
            one.reindex(range(rows)).astype(two.dtype)
            if _sort(two) != "truth"
            else pd.Series([pd.NA] * rows, dtype="boolean")
        )
    elif two.isna().all():
        two = pd.Series([pd.NA] * rows, dtype="boolean") if _sort(one) == "truth" else _missing_like(one)
    if _sort(one) != _sort(two):
        raise _Unsuited(f"{_example(yes)} and {_example(no)} are of different kinds")
    if one.isna().all() and _sort(two) != "truth":
        one = _missing_like(two)
    true = condition.fillna(False).to_numpy(bool)
    return one.where(true, two).mask(condition.isna().to_numpy(bool))


def _missing_like(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.where(np.zeros(len(column), dtype=bool))


def _coalesce(first: Value, *others: Value) -> Value:
    found = first if isinstance(first, pd.Series) else _column(first, len(others[0]))
    for other in others:
        column = _column(other, len(found))
        if found.isna().all():
            found = column
        elif not column.isna().all():
            if _sort(found) != _sort(column):
                raise _Unsuited(f"{_example(first)} and {_example(other)} are of different kinds")
            found = found.where(found.notna(), column)
    return found


def _contains(how: str) -> Callable[[Value, Value], Value]:
    def wrapped(value: Value, part: Value) -> Value:
        column, piece = _text(value), _plain(part)
        options = {"regex": False} if how == "contains" else {}
        found = getattr(column.str, how)(piece, **options)
        return pd.Series(found.array, dtype="boolean").mask(column.isna().to_numpy(bool))

    return wrapped


def _part(name: str) -> Callable[[Value], Value]:
    return lambda value: getattr(_moment(value).dt, name).astype("float64")


def _date(text: Value) -> Value:
    column = pd.Series([text], dtype="str") if isinstance(text, str) else _text(text)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce")
    wrong = dates.isna() & column.notna()
    if wrong.any():
        raise _Unsuited(f"“{column[wrong].iloc[0]}” is not a date like 2024-01-31")
    dates = dates.astype("datetime64[us]")
    return dates.iloc[0] if isinstance(text, str) else dates


def _lag(value: Value, steps: Value) -> Value:
    count = int(_number(steps)[0])
    return value.shift(count)


def _ranked(value: Value) -> Value:
    return pd.Series(_number(value)).rank()


def _log(value: Any) -> Any:
    if (value <= 0).any():
        row = int((value <= 0).argmax()) + 1
        raise _Unsuited(f"row {row} holds {shown(value[row - 1])}, and only numbers above zero have a logarithm")
    return value


def _root(value: Any) -> Any:
    if (value < 0).any():
        row = int((value < 0).argmax()) + 1
        raise _Unsuited(f"row {row} holds {shown(value[row - 1])}, and only numbers from zero up have a root")
    return np.sqrt(value)


def _rounded(value: Any, digits: Any = None) -> Any:
    return np.round(value, 0 if digits is None else int(digits[0]))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, 1, "The size of a number without its sign.", _numeric(np.abs)),
    "ceil": Function(1, 1, "The next whole number up.", _numeric(np.ceil)),
    "clip": Function(3, 3, "A number, kept between a lowest and a highest: clip(x, 0, 100).", _numeric(np.clip)),
    "coalesce": Function(2, 20, "The first that is not missing: coalesce(home, mobile).", _coalesce),
    "contains": Function(2, 2, 'Whether a text holds another: contains(name, "Ltd").', _contains("contains")),
    "cos": Function(1, 1, "The cosine of an angle in radians.", _numeric(np.cos)),
    "cumulative": Function(1, 1, "The sum of all rows so far.", _numeric(lambda x: pd.Series(x).cumsum().to_numpy())),
    "date": Function(1, 1, 'A date: date("2024-01-31").', _date),
    "day": Function(1, 1, "The day of the month of a date.", _part("day")),
    "ends_with": Function(2, 2, "Whether a text ends with another.", _contains("endswith")),
    "exp": Function(1, 1, "e to the power of a number.", _numeric(np.exp)),
    "floor": Function(1, 1, "The next whole number down.", _numeric(np.floor)),
    "hour": Function(1, 1, "The hour of a time, 0 to 23.", _part("hour")),
    "if_else": Function(3, 3, 'One of two, by a condition: if_else(age < 18, "child", "adult").', _if_else),
    "is_missing": Function(1, 1, "Whether a value is missing.", lambda x: pd.Series(x.isna().array, dtype="boolean")),
    "lag": Function(2, 2, "The value so many rows above: lag(sales, 1).", _lag),
    "length": Function(1, 1, "How many characters a text has.", lambda x: _text(x).str.len().astype("float64")),
    "log": Function(1, 1, "The natural logarithm.", _numeric(lambda x: np.log(_log(x)))),
    "log10": Function(1, 1, "The logarithm to base 10.", _numeric(lambda x: np.log10(_log(x)))),
    "log2": Function(1, 1, "The logarithm to base 2.", _numeric(lambda x: np.log2(_log(x)))),
    "lower": Function(1, 1, "A text in small letters.", lambda x: _text(x).str.lower()),
    "max": Function(2, 20, "The largest of several in each row: max(a, b).", _numeric(lambda *x: reduce(np.fmax, x))),
    "max_of": Function(1, 1, "The largest value of a column.", _over(lambda x: x.max())),
    "mean": Function(1, 1, "The average of a column.", _over(lambda x: x.mean())),
    "median": Function(1, 1, "The middle value of a column.", _over(lambda x: x.median())),
    "min": Function(2, 20, "The smallest of several in each row: min(a, b).", _numeric(lambda *x: reduce(np.fmin, x))),
    "min_of": Function(1, 1, "The smallest value of a column.", _over(lambda x: x.min())),
    "month": Function(1, 1, "The month of a date, 1 to 12.", _part("month")),
    "number": Function(1, 1, "A text read as a number; what is none becomes missing.", lambda x: as_numbers(_text(x))),
    "rank": Function(1, 1, "The place of a value in order, 1 for the smallest; equal ones share it.", _ranked),
    "replace": Function(
        3,
        3,
        'A text with every occurrence of a part replaced: replace(code, "-", "").',
        lambda x, old, new: _text(x).str.replace(_plain(old), _plain(new), regex=False),
    ),
    "round": Function(1, 2, "A number rounded, to so many digits: round(x, 2).", _numeric(_rounded)),
    "sd": Function(1, 1, "The standard deviation of a column.", _over(lambda x: x.std())),
    "sin": Function(1, 1, "The sine of an angle in radians.", _numeric(np.sin)),
    "sqrt": Function(1, 1, "The square root.", _numeric(_root)),
    "starts_with": Function(2, 2, "Whether a text begins with another.", _contains("startswith")),
    "strip": Function(1, 1, "A text without spaces around it.", lambda x: _text(x).str.strip()),
    "sum": Function(1, 1, "The sum of a column.", _over(lambda x: x.sum())),
    "text": Function(1, 1, "A value written as text.", _text),
    "upper": Function(1, 1, "A text in capital letters.", lambda x: _text(x).str.upper()),
    "weekday": Function(1, 1, "The day of the week, 1 for Monday to 7.", lambda x: _part("day_of_week")(x) + 1.0),
    "year": Function(1, 1, "The year of a date.", _part("year")),
}
"""Every function that expressions may call."""
