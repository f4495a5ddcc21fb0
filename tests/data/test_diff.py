"""Differences are found, all of them, and none where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcompose.data.diff import compare
from modelcompose.errors import InvalidInput

rows = st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None]))
tables = st.lists(rows, min_size=1, max_size=8).map(
    lambda found: pd.DataFrame(found, columns=["n", "s"]).astype({"n": "int64", "s": "str"})
)


@given(tables)
def test_a_table_is_like_itself_in_any_order(table: pd.DataFrame) -> None:
    assert not compare(table, table)
    assert not compare(table, table.iloc[::-1].reset_index(drop=True))


@given(tables, tables)
def test_counts_are_mirrored(one: pd.DataFrame, two: pd.DataFrame) -> None:
    forth, back = compare(one, two), compare(two, one)
    assert (forth.rows_added, forth.rows_removed) == (back.rows_removed, back.rows_added)
    assert (forth.rows_changed, forth.cells_changed) == (back.rows_changed, back.cells_changed)
    assert len(one) + forth.rows_added - forth.rows_removed == len(two)


def numbered(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"id": np.arange(n), "x": rng.normal(size=n), "s": pd.Series([f"t{i}" for i in range(n)], dtype="str")}
    )


@given(st.sets(st.integers(0, 59), max_size=5), st.sets(st.integers(0, 59), max_size=5), st.integers(0, 3))
def test_known_edits_are_found(edited: set[int], dropped: set[int], added: int) -> None:
    old = numbered()
    new = old.copy()
    new.loc[sorted(edited), "x"] = 100.0
    extra = pd.DataFrame({"id": range(100, 100 + added), "x": 0.0, "s": pd.Series(["new"] * added, dtype="str")})
    new = pd.concat([extra.astype(old.dtypes), new.drop(index=sorted(dropped))], ignore_index=True)
    found = compare(old, new, key=["id"])
    assert (found.rows_added, found.rows_removed) == (added, len(dropped))
    assert found.cells_changed == len(edited - dropped) == found.rows_changed
    for cell in found.cells:
        assert (cell.column, cell.new) == ("x", "100")
        assert int(new["id"].iloc[cell.row - 1]) in edited


def test_an_inserted_row_does_not_shift_the_others() -> None:
    old = numbered()
    new = pd.concat(
        [old.iloc[:10], pd.DataFrame({"id": [99], "x": [0.0], "s": ["z"]}), old.iloc[10:]], ignore_index=True
    )
    found = compare(old, new)
    assert (found.rows_added, found.rows_removed, found.cells_changed) == (1, 0, 0)
    assert found.sentence == "1 row added"


def test_columns() -> None:
    old = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]})
    new = pd.DataFrame({"a": ["1", "2"], "c": [1.5, 2.5], "d": [0, 0]})
    found = compare(old, new)
    assert (found.columns_added, found.columns_removed) == (("d",), ("b",))
    assert [(one.name, one.old, one.new) for one in found.columns_retyped] == [("a", "int64", "str")]
    assert found.cells_changed == 0
    assert found.as_json()["sentence"].startswith(
        "1 column added (d); 1 column removed (b); 1 column of another type (a)"
    )


@pytest.mark.parametrize("key", [["zz"], ["s"]])
def test_a_key_that_is_none(key: list[str]) -> None:
    table = pd.DataFrame({"s": ["a", "a"], "n": [1, 2]})
    with pytest.raises(InvalidInput):
        compare(table, table, key=key)
