"""Expressions: what they come to, what they refuse, and that nothing else ever happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcompose.data.expression import FUNCTIONS, Expression, calculate
from modelcompose.errors import InvalidData, InvalidInput, ModelComposeError

TABLE = pd.DataFrame(
    {
        "a": [1, 2, 3],
        "b": [0.5, np.nan, 2.0],
        "s": pd.Series(["x", None, "zz"], dtype="str"),
        "d": pd.to_datetime(["2024-01-31", None, "2024-02-02"]).astype("datetime64[us]"),
        "ok": [True, False, True],
        "odd `name'".replace("`", ""): [3, 4, 5],
    }
)
NA = pd.NA


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * 2", [2, NA, 7]),
        ("a ** 2 / b", [2, NA, 4.5]),
        ("-a % 2", [1, 0, 1]),
        ("7 // a", [7, 3, 2]),
        ("b > 1", [False, NA, True]),
        ("a > 1 and b > 1", [False, NA, True]),
        ("s == 'x' or a > 1", [True, True, True]),
        ("not (b > 1)", [True, NA, False]),
        ("a < 2 < b", [False, False, False]),
        ("s in ['x', 'y']", [True, NA, False]),
        ("a not in (1, 2)", [False, False, True]),
        ("if_else(b > 1, 'hi', missing)", [NA, NA, "hi"]),
        ("if_else(ok, a, missing)", [1, NA, 3]),
        ("coalesce(b, 0)", [0.5, 0, 2]),
        ("d > date('2024-02-01')", [False, NA, True]),
        ("d - date('2024-01-01')", [30, NA, 32]),
        ("year(d) * 100 + month(d)", [202401, NA, 202402]),
        ("weekday(d)", [3, NA, 5]),
        ("mean(b) + sd(a) + max_of(a)", [5.25] * 3),
        ("max(a, b)", [1, 2, 3]),
        ("min(a, b)", [0.5, 2, 2]),
        ("lag(a, 1)", [NA, 1, 2]),
        ("cumulative(a)", [1, 3, 6]),
        ("rank(-a)", [3, 2, 1]),
        ("s + '!'", ["x!", NA, "zz!"]),
        ("upper(replace(s, 'z', 'y'))", ["X", NA, "YY"]),
        ("length(s)", [1, NA, 2]),
        ("contains(s, 'z')", [False, NA, True]),
        ("is_missing(s)", [False, True, False]),
        ("round(a / 3, 2)", [0.33, 0.67, 1]),
        ("number(text(a)) + 1", [2, 3, 4]),
        ("`odd name'` - a", [2, 2, 2]),
        ("'`a`' == 'b'", [False] * 3),
        ("log(exp(a))", [1, 2, 3]),
        ("ok == True", [True, False, True]),
        ("upper('q') + s", ["Qx", NA, "Qzz"]),
        ("length('abc') + a", [4, 5, 6]),
        ("coalesce('p', s)", ["p", "p", "p"]),
        ("contains('abc', 'b')", [True] * 3),
        ("is_missing('abc')", [False] * 3),
        ("number('12')", [12] * 3),
        ("lag('p', 1)", [NA, "p", "p"]),
    ],
)
def test_what_it_comes_to(text: str, expected: list[object]) -> None:
    found = calculate(TABLE, text)
    for one, two in zip(found.tolist(), expected, strict=True):
        assert (pd.isna(one) and pd.isna(two)) or one == pytest.approx(two) or one is two


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "a.b", "a[0]", "lambda: 1", "(lambda x: x)(1)", "f'{a}'", "a if a else b", "[1, 2]", "{1: 2}"),
        *("a is None", "~a", "a @ b", "a << 2", "a | b", "__import__('os')", "open('x')", "eval('1')", "a = 1", "a; b"),
        *("abs()", "abs(a, b)", "abs(x=a)", "abs(*a)", "a and\n", "`a", "[x for x in a]", "(a := 1)", "await a", "1j"),
        *(
            "b'x'",
            "...",
            "10 ** 5 + " + "9" * 30,
            "a" * 6000,
            "+".join(["a"] * 2000),
            "(" * 300 + "a" + ")" * 300 + "x",
        ),
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(InvalidInput):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a / 0", "infinite"),
        ("9 ** 9 ** 9", "infinite"),
        ("zz", "there is no column 'zz'"),
        ("s > 1", "“x” and “1” cannot be compared"),
        ("s * 2", "“x” is not a number"),
        ("a and b", "neither true nor false"),
        ("log(a - 1)", "row 1 holds 0"),
        ("sqrt(-a)", "row 1 holds -1"),
        ("year(a)", "“1” is not a date"),
        ("date('tomorrow')", "“tomorrow” is not a date"),
        ("d + 1", "is not a number"),
        ("ok < True", "no order"),
        ("if_else(a, 1, 2)", "neither true nor false"),
        ("if_else(ok, 1, 'x')", "different kinds"),
        ("contains(s, s)", "a text in quotation marks"),
        ("'\\ud800'", "surrogates not allowed"),
    ],
)
def test_what_cannot_be_worked_out(text: str, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        calculate(TABLE, text)


def test_the_columns_it_uses() -> None:
    assert Expression("log(a) + `odd name'` + if_else(is_missing(b), missing, 'a')").columns == ["a", "odd name'", "b"]


def test_every_function_is_explained() -> None:
    assert all(function.explanation.endswith((".", ")", ").")) for function in FUNCTIONS.values())


words = st.sampled_from(
    [
        *FUNCTIONS,
        *TABLE.columns[:5],
        "1",
        "0.5",
        "'x'",
        "missing",
        "True",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "**",
        "<",
        "==",
        "and",
        "or",
        "not",
        "in",
        "[",
        "]",
        "`",
        ".",
    ]
)


@settings(deadline=None)
@given(st.lists(words, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_gives_a_column_or_says_why_not(text: str) -> None:
    try:
        assert len(calculate(TABLE, text)) == 3
    except ModelComposeError as error:
        assert str(error)  # noqa: PT017 - a result is as good


values = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@settings(deadline=None)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=5))
def test_arithmetic_agrees_with_numpy(rows: list[tuple[float, float]]) -> None:
    table = pd.DataFrame(rows, columns=["p", "q"])
    p, q = table["p"].to_numpy(), table["q"].to_numpy()
    assert calculate(table, "p * q - p + 2 * q").to_numpy() == pytest.approx(p * q - p + 2 * q)
    assert calculate(table, "abs(p) ** 0.5 + exp(q / 1000)").to_numpy() == pytest.approx(
        abs(p) ** 0.5 + np.exp(q / 1000)
    )
    assert calculate(table, "(p >= q) == (not p < q)").tolist() == [True] * len(table)
