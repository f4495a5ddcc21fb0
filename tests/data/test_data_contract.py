"""A contract is learned, edited and held against other tables; every difference is listed."""

from __future__ import annotations

import pandas as pd
import pytest

from modelcompose.data.contract import Contract
from modelcompose.data.kinds import infer
from modelcompose.errors import InvalidData, InvalidInput

OLD = pd.DataFrame(
    {
        "dose": [1.5, 2.5, 3.5, 4.5],
        "arm": ["a", "b", "a", "b"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]).astype("datetime64[us]"),
        "note": pd.Series(["x", None, "y", "z"], dtype="str"),
    }
)
KINDS = {"dose": "continuous", "arm": "binary", "day": "date", "note": "text"}


def contract() -> Contract:
    return Contract.learn(OLD, KINDS, {"dose": {"bounds": [0, None]}})


def breaches(frame: pd.DataFrame, kinds: dict[str, str] = KINDS) -> dict[tuple[str, str], str]:
    return {(one.column, one.rule): one.severity for one in contract().check(frame, kinds)}


def test_the_table_it_was_learned_from_keeps_to_it() -> None:
    assert contract().check(OLD, KINDS) == []
    assert Contract.of(contract().model_dump_json()) == contract()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.drop(columns="arm"), {("arm", "column"): "refuse"}),
        (lambda t: t.assign(extra=1), {("extra", "new-column"): "note"}),
        (lambda t: t.assign(dose=["low", "mid", "high", "x"]), {("dose", "type"): "refuse"}),
        (lambda t: t.assign(arm=["a", "b", "c", "b"]), {("arm", "levels"): "refuse"}),
        (lambda t: t.assign(dose=[1.5, None, 3.5, 4.5]), {("dose", "gaps"): "refuse"}),
        (lambda t: t.assign(dose=[1.5, -1.0, 3.5, 4.5]), {("dose", "bounds"): "refuse"}),
        (lambda t: t.assign(dose=[1.5, 99.0, 3.5, 4.5]), {("dose", "range"): "note"}),
        (lambda t: t.assign(note=["x", "x", "y", "z"]), {}),
    ],
)
def test_each_difference_is_listed(change, expected) -> None:
    assert breaches(change(OLD)) == expected


def test_another_kind_is_pointed_out() -> None:
    assert breaches(OLD, {**KINDS, "dose": "positive"}) == {("dose", "kind"): "note"}


def test_a_table_that_breaks_it_is_refused_with_the_list() -> None:
    worse = OLD.assign(arm=["a", "b", "c", "d"]).drop(columns="day")
    with pytest.raises(InvalidData, match=r"arm has values that are not allowed: “c”, “d”; the column day is missing"):
        contract().require(worse, KINDS, "trial@2")


def test_kinds_as_inferred_can_be_learned() -> None:
    kinds = {name: guess.kind for name, guess in infer(OLD).items()}
    assert Contract.learn(OLD, kinds).check(OLD, kinds) == []


def test_a_rule_that_is_none() -> None:
    with pytest.raises(InvalidInput, match=r"columns\.dose\.holds"):
        Contract.of({"columns": {"dose": {"kind": "count", "holds": "pictures"}}})
