"""Preparation: replayed exactly, undone by leaving a step out, and refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcompose.data.cells import tidy
from modelcompose.data.digest import digest
from modelcompose.data.recipe import STEPS, Recipe, schema
from modelcompose.errors import InvalidAnalysis, InvalidData

TABLE, _ = tidy(
    pd.DataFrame(
        {
            "id": [1, 2, 3, 4, 5, 6],
            "group": ["a", "a", "b", "b", "c", None],
            "x": [1.5, 2.5, None, 4.0, 5.0, -9.0],
            "y1": [1, 2, 3, 4, 5, 6],
            "y2": [2, 3, 4, 5, 6, 7],
            "euro": ["1.234,50", "12,00", "0,5", "7", "1.000", "3"],
            "share": ["5%", "10%", "100%", "0.5%", "12%", "1%"],
            "when": ["31/12/2024", "01/02/2024", "03/04/2024", "05/06/2024", "07/08/2024", "09/10/2024"],
            "ok": [True, False, True, True, False, True],
        }
    ),
    "test",
)
OTHER, _ = tidy(pd.DataFrame({"group": ["a", "b", "d"], "size": [10, 20, 30]}), "other")


def read(name: str) -> pd.DataFrame:
    assert name == "other.csv"
    return OTHER


STEP_BY_STEP: list[dict[str, Any]] = [
    {"do": "filter", "where": "x > 0 or id == 3"},
    {"do": "missing", "columns": ["x"]},
    {"do": "missing", "columns": ["x"], "how": "fill", "fill": "median"},
    {"do": "missing", "columns": ["group"], "how": "fill", "fill": "value", "value": "none"},
    {"do": "missing", "columns": ["group"], "how": "fill", "fill": "most frequent"},
    {"do": "distinct", "columns": ["group"]},
    {"do": "sort", "by": ["x"], "descending": True},
    {"do": "missing_codes", "columns": ["x"], "codes": [-9]},
    {"do": "parse", "column": "euro", "to": "number", "decimal": ","},
    {"do": "parse", "column": "share", "to": "share"},
    {"do": "parse", "column": "when", "to": "date", "order": "day first"},
    {"do": "parse", "column": "id", "to": "text"},
    {"do": "recode", "column": "group", "values": {"a": "A", "b": ""}},
    {"do": "recode", "column": "ok", "values": {"true": "1", "false": "0"}},
    {"do": "derive", "column": "z", "expression": "y1 / y2 + if_else(ok, 1, 0)"},
    {"do": "log", "columns": ["y1", "y2"], "base": "2"},
    {"do": "standardise", "columns": ["y1"], "by": "2 sd"},
    {"do": "bin", "column": "y1", "into": "bin", "edges": [0, 3, 10]},
    {"do": "bin", "column": "y1", "into": "bin", "parts": 3, "labels": ["low", "mid", "high"]},
    {"do": "lag", "column": "y1", "into": "before", "order": "id", "by": ["ok"]},
    {"do": "lag", "column": "y1", "into": "change", "order": "id", "change": True},
    {"do": "outliers", "column": "x", "into": "odd", "rule": "median"},
    {"do": "rename", "columns": {"x": "weight", "y1": "x"}},
    {"do": "keep", "columns": ["y1", "id"]},
    {"do": "drop", "columns": ["x"]},
    {"do": "lengthen", "columns": ["y1", "y2"], "names": "time", "values": "y", "prefix": "y"},
    {"do": "aggregate", "by": ["group"], "summaries": {"mean": ["mean", "y1"], "n": ["count", "x"]}},
    {"do": "join", "data": "other.csv", "on": ["group"]},
    {"do": "join", "data": "other.csv", "on": ["group"], "how": "inner"},
    {"do": "join", "data": "other.csv", "on": ["group"], "how": "full"},
]


def test_every_kind_of_step_is_tried_here() -> None:
    assert {step["do"] for step in STEP_BY_STEP} | {"widen"} == set(STEPS)


@pytest.mark.parametrize("step", STEP_BY_STEP, ids=lambda step: step["do"])
def test_a_step_is_accounted_previewed_and_spelt_out(step: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(TABLE)
    recipe = Recipe([step])
    prepared = recipe.replay(TABLE, read)
    assert digest(TABLE) == before
    (applied,) = prepared.steps
    assert applied.step == step
    assert (applied.rows_before, applied.rows_after) == (len(TABLE), len(prepared.frame))
    assert applied.sentence.endswith(".")
    assert set(applied.added) == set(prepared.frame.columns) - set(TABLE.columns)
    preview = recipe.preview(TABLE, read)
    assert preview.applied == applied
    assert preview.changed.shape == preview.after.shape
    assert digest(ran(recipe.script("table.csv"), monkeypatch)) == digest(prepared.frame)


def ran(script: str, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Run an exported script with our tables in the place of its files."""
    import modelcompose

    class Loaded:
        def __init__(self, name: str) -> None:
            self.frame = TABLE if name == "table.csv" else read(name)

    monkeypatch.setattr(modelcompose, "load", Loaded, raising=False)
    names: dict[str, Any] = {"print": lambda _: None}
    exec(compile(script, "script", "exec"), names)  # noqa: S102 - it is ours
    table = names["table"]
    assert isinstance(table, pd.DataFrame)
    return table


def test_the_whole_recipe_again_and_each_undo() -> None:
    steps = [
        {"do": "missing_codes", "columns": ["x"], "codes": [-9]},
        {"do": "parse", "column": "euro", "to": "number", "decimal": ","},
        {"do": "derive", "column": "z", "expression": "euro * 2"},
        {"do": "filter", "where": "not is_missing(x)"},
        {"do": "lengthen", "columns": ["y1", "y2"], "names": "time", "values": "y"},
        {"do": "aggregate", "by": ["id"], "summaries": {"y": ["mean", "y"]}},
    ]
    once = [digest(Recipe(steps[:count]).replay(TABLE).frame) for count in range(len(steps) + 1)]
    again = [digest(Recipe(steps[:count]).replay(TABLE).frame) for count in range(len(steps) + 1)]
    assert once == again
    assert once[0] == digest(TABLE)
    assert len(set(once)) == len(once)


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEP_BY_STEP), max_size=5))
def test_any_recipe_replays_to_the_same_table_or_says_why_not(steps: list[dict[str, Any]]) -> None:
    try:
        first = Recipe(steps).replay(TABLE, read)
    except InvalidData as error:
        assert str(error).startswith("recipe, step")  # noqa: PT017 - a result is as good
        return
    second = Recipe([applied.step for applied in first.steps]).replay(TABLE.copy(), read)
    assert digest(first.frame) == digest(second.frame)


# -- what goes there and back ---------------------------------------------------------------------------------------

numbers = st.none() | st.floats(-100, 100).map(lambda x: round(x, 2))


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=2, max_size=6))
def test_from_wide_to_long_and_back(rows: list[tuple[float | None, ...]]) -> None:
    wide, _ = tidy(pd.DataFrame(rows, columns=["d1", "d2", "d3"], dtype="float64").assign(id=range(len(rows))), "wide")
    wide = wide[["id", "d1", "d2", "d3"]]
    there = {"do": "lengthen", "columns": ["d1", "d2", "d3"], "names": "day", "values": "y", "prefix": "d"}
    back = {"do": "widen", "names": "day", "values": "y", "prefix": "d"}
    long = Recipe([there]).replay(wide).frame
    assert len(long) == 3 * len(wide)
    round_trip = Recipe([there, back]).replay(wide).frame
    assert digest(round_trip) == digest(wide)
    assert digest(Recipe([there, back, there]).replay(wide).frame) == digest(long)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6).flatmap(lambda more: st.permutations([*"abc", *more])),
    st.permutations("abc"),
)
def test_recoding_there_and_back(cells: list[str | None], new: list[str]) -> None:
    table, _ = tidy(pd.DataFrame({"s": pd.Series(cells, dtype="str"), "n": 1}), "t")
    there = dict(zip("abc", (f"new {one}" for one in new), strict=True))
    back = {value: key for key, value in there.items()}
    steps = [{"do": "recode", "column": "s", "values": values} for values in (there, back)]
    assert digest(Recipe(steps).replay(table).frame) == digest(table)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=10), st.floats(-100, 100))
def test_a_filter_its_opposite_and_what_cannot_be_told_make_the_whole(cells: list[float | None], edge: float) -> None:
    table, _ = tidy(pd.DataFrame({"x": pd.Series(cells, dtype="float64"), "n": 1}), "t")
    counts = []
    for where in (f"x > {edge}", f"not x > {edge}", "is_missing(x)"):
        try:
            counts.append(len(Recipe([{"do": "filter", "where": where}]).replay(table).frame))
        except InvalidData as error:
            assert "leaves no row" in error.message  # noqa: PT017 - a result is as good
            counts.append(0)
    assert sum(counts) == len(table)


keys = st.sampled_from(["a", "A", "a ", "é", "e\u0301", "1", "1.0", "01", "NaN?", "0", "x" * 50, None])


@settings(deadline=None)
@given(
    st.lists(keys, min_size=1, max_size=8),
    st.lists(keys, min_size=1, max_size=8, unique=True),
    st.sampled_from(["left", "inner", "full"]),
)
def test_a_join_on_hostile_keys(left: list[str | None], right: list[str | None], how: str) -> None:
    """Rows are never multiplied, a missing key matches nothing, and only equal text is equal."""
    table = pd.DataFrame({"key": pd.Series(left, dtype="str"), "n": range(len(left))})
    other = pd.DataFrame({"key": pd.Series(right, dtype="str"), "size": range(len(right))})
    found = (
        STEPS["join"]
        .model_validate({"do": "join", "data": "o", "on": ["key"], "how": how})
        .apply(table, lambda _: other)
    )
    sizes = {key: size for size, key in enumerate(right) if key is not None}
    expected = [(key, n, sizes.get(key)) for n, key in enumerate(left) if how != "inner" or key in sizes]
    ours = found[found["n"].notna()]
    rows = [
        (None if pd.isna(key) else key, int(n), None if pd.isna(size) else int(size))
        for key, n, size in ours[["key", "n", "size"]].itertuples(index=False)
    ]
    assert rows == expected
    unmatched = [key for key in sizes if key not in left]
    assert len(found) - len(ours) == (len(unmatched) if how == "full" else 0)


def test_a_join_that_would_multiply_rows_is_refused() -> None:
    twice = pd.concat([OTHER, OTHER], ignore_index=True)
    with pytest.raises(InvalidData, match="several rows for group a"):
        Recipe([{"do": "join", "data": "o", "on": ["group"]}]).replay(TABLE, lambda _: twice)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"group": [1, 2], "size": [1, 2]}, "different types"),
        ({"team": ["a", "b"], "size": [1, 2]}, "has no column 'group'"),
        ({"group": ["a", "b"], "x": [1, 2]}, "both tables have a column 'x'"),
    ],
)
def test_joins_that_cannot_be(other: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        Recipe([{"do": "join", "data": "o", "on": ["group"]}]).replay(TABLE, lambda _: pd.DataFrame(other))


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"do": "explode"}, "there is no step 'explode'"),
        ({}, "there is no step None"),
        ({"do": "filter"}, "where: Field required"),
        ({"do": "filter", "where": "__import__('os')"}, "there is no function"),
        ({"do": "derive", "column": "a", "expression": "a.b"}, "cannot stand in an expression"),
        ({"do": "drop", "columns": []}, "columns: "),
        ({"do": "drop", "columns": ["x"], "extra": 1}, "extra: Extra inputs"),
        ({"do": "bin", "column": "x", "into": "b", "edges": [3, 2, 1]}, "lowest first"),
        ({"do": "bin", "column": "x", "into": "b"}, "either edges or"),
    ],
)
def test_steps_that_are_none(step: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidAnalysis, match=message) as caught:
        Recipe([{"do": "drop", "columns": ["x"]}, step])
    assert caught.value.where is not None
    assert "step 2" in caught.value.where


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"do": "filter", "where": "nothing > 1"}, "there is no column 'nothing'"),
        ({"do": "filter", "where": "x + 1"}, "neither true nor false"),
        ({"do": "filter", "where": "x > 1000"}, "leaves no row"),
        ({"do": "derive", "column": "z", "expression": "1 / (id - 1)"}, "infinite"),
        ({"do": "log", "columns": ["x"]}, "-9 in row 6 of 'x' has no logarithm"),
        ({"do": "log", "columns": ["group"]}, "does not hold numbers, for instance “a”"),
        ({"do": "rename", "columns": {"x": "id"}}, "already a column 'id'"),
        ({"do": "parse", "column": "when", "to": "date", "order": "month first"}, "“31/12/2024” in row 1"),
        ({"do": "parse", "column": "euro", "to": "number"}, "“1.234,50” in row 1"),
        ({"do": "recode", "column": "group", "values": {"zz": "a"}}, "has no value “zz”"),
        ({"do": "widen", "names": "group", "values": "x"}, "'group' is missing in row 6"),
        ({"do": "lag", "column": "x", "into": "b", "order": "group"}, "'group' is missing in row 6"),
        ({"do": "lag", "column": "x", "into": "b", "order": "ok"}, "the order is not clear: row 3"),
        ({"do": "lengthen", "columns": ["x", "group"], "names": "n", "values": "v"}, "hold different things"),
        ({"do": "bin", "column": "x", "into": "b", "edges": [0, 1, 2]}, "lies in none of the ranges"),
        ({"do": "drop", "columns": list(TABLE.columns)}, "leaves no column"),
        ({"do": "join", "data": "o", "on": ["group"]}, "no other table can be read here"),
    ],
)
def test_steps_that_cannot_be_applied(step: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData, match=message) as caught:
        Recipe([step]).replay(TABLE)
    assert caught.value.where is not None
    assert caught.value.where.startswith(f"recipe, step 1 ({step['do']})")


def test_figures() -> None:
    table = (
        Recipe(
            [
                {"do": "parse", "column": "euro", "to": "number", "decimal": ","},
                {"do": "parse", "column": "share", "to": "share"},
                {"do": "parse", "column": "when", "to": "date", "order": "day first"},
                {"do": "standardise", "columns": ["y1"]},
                {"do": "outliers", "column": "x", "into": "odd"},
            ]
        )
        .replay(TABLE)
        .frame
    )
    assert table["euro"].tolist() == [1234.5, 12.0, 0.5, 7.0, 1000.0, 3.0]
    assert table["share"].tolist() == pytest.approx([0.05, 0.1, 1, 0.005, 0.12, 0.01])
    assert [str(day.date()) for day in table["when"][:2]] == ["2024-12-31", "2024-02-01"]
    assert table["y1"].to_numpy() == pytest.approx((np.arange(6) - 2.5) / np.std(np.arange(6), ddof=1))
    assert table["odd"].tolist()[-1] is True


def test_the_schema_describes_every_step_for_a_form() -> None:
    described = {one["id"]: one for one in schema()}
    assert described.keys() == STEPS.keys()
    for one in described.values():
        assert one["title"]
        assert one["explanation"].endswith(".")
        assert all(field.get("description") for field in one["fields"]["properties"].values())
