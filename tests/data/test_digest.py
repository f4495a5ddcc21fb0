"""One digest for one content: nothing that matters goes unnoticed, nothing else does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcompose.data.digest import digest

cells = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.none() | st.floats(allow_nan=False),
    "str": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "boolean": st.none() | st.booleans(),
    "bool": st.booleans(),
    "datetime64[us]": st.none() | st.datetimes(min_value=pd.Timestamp(1900, 1, 1), max_value=pd.Timestamp(2100, 1, 1)),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 4))
    names = draw(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), min_size=1, max_size=3, unique=True)
    )
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(sorted(cells)))
        columns[name] = pd.Series(draw(st.lists(cells[kind], min_size=rows, max_size=rows)), dtype=kind)
    return pd.DataFrame(columns)


@given(frames())
def test_the_same_content_in_another_memory_has_the_same_digest(frame: pd.DataFrame) -> None:
    rebuilt = pd.DataFrame({name: pd.Series(list(frame[name]), dtype=frame[name].dtype) for name in frame})
    rebuilt.index = pd.Index(range(5, 5 + len(frame)))
    assert digest(rebuilt) == digest(frame)
    pieces = pd.concat([frame.iloc[:1], frame.iloc[1:]])
    assert digest(pieces) == digest(frame)


@given(frames(), frames())
def test_another_content_has_another_digest(one: pd.DataFrame, two: pd.DataFrame) -> None:
    same = (
        list(one.columns) == list(two.columns)
        and list(map(str, one.dtypes)) == list(map(str, two.dtypes))
        and one.reset_index(drop=True).equals(two.reset_index(drop=True))
    )
    assert (digest(one) == digest(two)) == same


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": ["", "x"]}, {"a": [None, "x"]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1, 2]}, {"b": [1, 2]}),
        ({"a": [1], "b": [2]}, {"b": [2], "a": [1]}),
        ({"a": [0.0, 1.5]}, {"a": [np.nan, 1.5]}),
    ],
)
def test_what_nearly_looks_the_same(one: dict, two: dict) -> None:
    assert digest(pd.DataFrame(one)) != digest(pd.DataFrame(two))


def test_zero_has_no_sign_and_missing_is_missing() -> None:
    odd = np.array([0x7FF8000000000001], dtype="uint64").view("float64")
    assert digest(pd.DataFrame({"a": [-0.0, odd[0]]})) == digest(pd.DataFrame({"a": [0.0, np.nan]}))


def test_text_held_in_slices_and_chunks() -> None:
    whole = pa.chunked_array([["x", "a", None], ["b"]], type=pa.large_string())
    held = pd.Series(whole.to_pandas().iloc[1:].to_list(), dtype="str")
    sliced = pd.Series(["x", "a", None, "b"], dtype="str").iloc[1:]
    assert digest(pd.DataFrame({"a": held})) == digest(pd.DataFrame({"a": sliced}))


def test_a_type_that_no_table_holds() -> None:
    with pytest.raises(TypeError, match="'a' has the type category"):
        digest(pd.DataFrame({"a": pd.Categorical(["x"])}))
