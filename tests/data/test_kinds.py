"""One column for every kind, and for every rule that keeps two kinds apart."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcompose.analysis import Kind
from modelcompose.data import KINDS, infer
from modelcompose.data.cells import tidy
from modelcompose.data.kinds import as_dates, ladder, misfit, shown, suspects

RNG = np.random.default_rng(1)
NORMAL = RNG.normal(0, 1, 200)


def texts(*values):
    return pd.Series(values, dtype="str")


COLUMNS = {
    "measurement around zero": ("x", NORMAL, "continuous", "200 different numbers"),
    "measurement far from zero": ("height", 170 + NORMAL.round(2), "continuous", "different numbers"),
    "numbers with a spike at zero": ("rain", np.where(NORMAL > 0, NORMAL * 3, 0), "amount", "50% of them exactly zero"),
    "how long until": ("survival", np.exp(NORMAL), "duration", "the name says how long"),
    "a direction": ("wind_direction", np.arange(200) * 1.7, "circular", "the name says direction"),
    "a place": ("lat", 40 + NORMAL, "coordinate", "the name says latitude"),
    "a weight of rows": ("pweight", np.exp(NORMAL), "weight", "the name says weights"),
    "a weight of bodies": ("birth_weight", 70 + NORMAL, "continuous", "different numbers"),
    "a clock": ("hour", np.arange(200) % 24, "circular", "of the clock"),
    "hours of a trial": ("hours", [0.5, 1, 2, 4, 8, 24], "positive", "24"),
    "a survey's weight": ("sampling_weight", np.exp(NORMAL), "weight", "the name says weights"),
    "a standard error": ("std_err se", np.exp(NORMAL), "standard_error", "the name says standard error"),
    "whole numbers below zero": ("change", [-3, 2, 5, 0] * 9, "continuous", "from -3 to 5"),
    "whole numbers far from zero": ("flipper", np.repeat(np.arange(172, 232), 2), "continuous", "far from zero"),
    "rounded measurement": ("mass", np.arange(2700, 6300, 25), "continuous", "multiples of 25"),
    "rounded dose": ("dose", [0, 10, 20, 50] * 5, "continuous", "multiples of 10"),
    "many years": ("year", np.arange(1950, 2020), "continuous", "70 different years"),
    "lopsided": ("wait", np.exp(NORMAL), "positive", "skewness"),
    "over a decade": ("size", np.linspace(0.1, 2, 50), "positive", "20 times the lowest"),
    "income in whole numbers": ("income", (np.exp(NORMAL) * 9999 + 1000).astype(int), "positive", "far from zero"),
    "days": ("Days", list(range(10)) * 18, "count", "10 different whole numbers from 0 to 9: a count"),
    "visits with gaps": ("visits", [0.0, 3.0, np.nan, 1.0, 2.0] * 4, "count", "4 different whole numbers"),
    "each day once": ("day", range(30), "count", "30 different"),
    "share": ("share", [0.1, 0.5, 0.25], "proportion", "between 0 and 1"),
    "zero and one": ("died", [0, 1, 1, 0], "binary", "“0” and “1”"),
    "true and false": ("smoker", [True, False, True], "binary", "“false” and “true”"),
    "two words": ("sex", texts("f", "m", "f", None), "binary", "“f” and “m”"),
    "three words": ("species", texts(*"aab", "c"), "category", "3 different texts"),
    "few codes of a group": ("school", [1, 2, 3] * 9, "category", "too few for groups"),
    "rating words": ("rating", texts("low", "high", "medium"), "ordered", "low < medium < high"),
    "schooling": ("edu", texts("Some College", "Master's Degree", "Middle School"), "ordered", "Middle School < Some"),
    "percent in whole numbers": ("pct_cover", [7, 12, 93, 40, 41, 55], "positive", "the name says measurement"),
    "old years": ("year", range(801, 1900), "continuous", "1099 different years"),
    "agreement": ("q1", texts("agree", "neutral", "disagree"), "ordered", "disagree < neutral < agree"),
    "numbered words": ("stage", texts("10 - done", "2 - begun", "1 - open"), "ordered", "1 - open < 2 - begun"),
    "codes of an occupation": ("occupation", [1, 2, 4, 5, 6] * 30, "category", "the name says codes"),
    "months": ("month", list(range(1, 13)) * 4, "ordered", "the name says month"),
    "brackets of income": ("income", list(range(1, 13)) * 20, "ordered", "brackets"),
    "income in round sums": ("income", [0, 1200, 1350, 999, 0, 5120], "amount", "33% of them exactly zero"),
    "days until": ("days_to_relapse", np.arange(3, 50) * 2, "duration", "the name says how long"),
    "names, some shared": ("last_name", texts(*"abcdefgha"), "id", "the name says that they name rows"),
    "stars": ("stars", [1, 2, 3, 4, 5] * 3, "ordered", "5 whole-number steps"),
    "few years": ("year", [2007, 2008, 2009] * 9, "ordered", "3 different years"),
    "subject codes": ("Subject", np.repeat(np.arange(300, 318), 10), "group", "18 different codes"),
    "balanced codes without a telling name": ("unit", np.repeat([308, 330, 401, 550, 999], 4), "group", "5 different"),
    "repeated id": ("person_id", np.repeat(range(9), 3), "group", "9 different codes"),
    "many repeated texts": ("town", texts(*"abcdef" * 3), "group", "6 different texts"),
    "row names": ("rowid", [3, 5, 9], "id", "identifier"),
    "row numbers": ("z", range(1, 41), "id", "they number the rows"),
    "different texts": ("who", texts("Ann", "Bo", "Cy"), "id", "name the rows"),
    "datetimes": ("when", pd.date_range("2024-01-01", periods=4).to_series(), "date", "from 2024-01-01 to 2024-01-04"),
    "dates with dots": ("when", texts("1.3.2024", "02.03.2024"), "date", "from 2024-03-01"),
    "dates with one meaning": ("when", texts("01/03/2024", "13/03/2024"), "date", "2024-03-13"),
    "times in the afternoon": ("when", texts("01/03/2024 01:05:00 PM", "13/03/2024 11:00:00 AM"), "date", "2024-03-13"),
    "dates with two meanings": ("when", texts("01/03/2024", "02/03/2024", "03/04/2024"), "id", ""),
    "comments": (
        "note",
        texts(*[f"a long remark about many different things {i}" for i in range(5)]),
        "text",
        "average",
    ),
    "too many texts": ("word", texts(*[f"w{i // 2}" for i in range(59)], "w1"), "group", ""),
    "mostly different texts": ("word", texts(*[f"w{max(i, 9)}" for i in range(60)]), "text", "51 different texts"),
    "one value": ("z", [3, 3, 3], "constant", "“3”"),
    "nothing": ("z", [np.nan, np.nan], "constant", "Every value is missing"),
    "numbers with one word": ("x", texts("1.5", "2.5", "oops", "2.5", "1.5"), "category", "“oops” is not: row 3"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_the_kind_of_a_column_is_guessed_with_a_reason(case):
    name, values, kind, reason = COLUMNS[case]
    column = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(values)
    found = infer(pd.DataFrame({name: column}))[name]
    assert (found.kind, found.declared) == (kind, False), found
    assert reason in found.reason
    assert found.reason.endswith(".")


def test_every_kind_is_guessed_by_some_rule_and_explained():
    assert {kind for _, _, kind, _ in COLUMNS.values()} == set(KINDS)
    assert tuple(KINDS) == get_args(Kind)
    assert all(label and explanation.endswith(".") for label, explanation in KINDS.values())


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["High", "LOW", "medium"], ["LOW", "medium", "High"]),
        (["strongly_agree", "agree", "neither"], ["neither", "agree", "strongly_agree"]),
        (["very good", "ok"], ["ok", "very good"]),
        (["Agree", "agree"], None),
        (["red", "low"], None),
        (["1: a", "1: b"], None),
    ],
)
def test_ladders(levels, order):
    assert ladder(levels) == order


MISFITS = {
    "text as number": (texts("1", "2", "oops"), "continuous", 3, "“oops” is not a number"),
    "infinity": (pd.Series([1.0, np.inf]), "continuous", 2, "“inf” is not a number"),
    "dates as number": (pd.date_range("2024-01-01", periods=2).to_series(), "count", 1, "“2024-01-01” is not a number"),
    "zero as positive": (pd.Series([1.0, np.nan, 0.0]), "positive", 3, "“0” is not above zero"),
    "fraction as count": (pd.Series([1, 2.5]), "count", 2, "“2.5” is not a whole number"),
    "negative as count": (pd.Series([1, -2]), "count", 2, "“-2”"),
    "percent as proportion": (pd.Series([0.5, 50]), "proportion", 2, "“50” is not between 0 and 1"),
    "three values as binary": (texts("a", "b", "c"), "binary", None, "has 3 different values (“a”, “b”, “c”)"),
    "one value as binary": (texts("a", "a", None), "binary", None, "has 1 different values"),
    "a direction beyond the circle": (pd.Series([10.0, 361.0]), "circular", 2, "“361” is not between -180 and 360"),
    "a place beyond the globe": (pd.Series([10.0, -181.0]), "coordinate", 2, "“-181” is not between"),
    "a wait below zero": (pd.Series([0.0, -1.0]), "duration", 2, "“-1” is not zero or more"),
    "an amount below zero": (pd.Series([0.0, -0.5]), "amount", 2, "“-0.5” is not zero or more"),
    "a weight below zero": (pd.Series([1, -1]), "weight", 2, "“-1” is not zero or more"),
    "no uncertainty": (pd.Series([0.1, 0.0]), "standard_error", 2, "“0” is not above zero"),
    "words as dates": (texts("1.2.2024", "soon", "2.2.2024"), "date", 2, "“soon” is not a date"),
    "two meanings as dates": (texts("01/03/2024", "02/03/2024"), "date", 1, "one meaning"),
    "two values as constant": (texts("a", "b"), "constant", None, "2 different values"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_named_with_its_row(case):
    column, kind, row, why = MISFITS[case]
    found = misfit(column, kind)
    assert found is not None
    assert found[0] == row
    assert why in found[1]


@pytest.mark.parametrize("case", COLUMNS)
def test_what_was_guessed_also_fits(case):
    _, values, kind, _ = COLUMNS[case]
    assert misfit(pd.Series(values), kind) is None


def test_numbers_kept_as_text_can_be_declared_numbers():
    assert misfit(texts("007", "012"), "count") is None
    assert misfit(texts("1,5"), "continuous") == (1, "“1,5” is not a number")


def test_dates_keep_their_gaps():
    dates = as_dates(texts("1.3.2024", None))
    assert dates is not None
    assert [shown(date) for date in dates] == ["2024-03-01", ""]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, -9, 4, -9, 5, 7], "count", [("-9", 2)]),
        ([1, 2, -1, 4, 3], "count", [("-1", 1)]),
        ([0.5, 0.25, -1, 0.75], "continuous", []),
        ([0.5, 0.25, -1, 0.75], "proportion", [("-1", 1)]),
        ([20, 35, 999, 999, 50, 41], "count", [("999", 2)]),
        ([20, 35, 999, 50, 41], "count", [("999", 1)]),
        ([20, 35, 99, 99, 30, 88, 88], "count", [("88", 2), ("99", 2)]),
        ([20, 35, 99, 30], "count", []),
        ([-3, -9, 2, 5, 8], "continuous", []),
        ([90, 95, 99, 99, 100], "count", []),
        ([1, 2, 3, 999], "id", []),
        ([-9, -9], "count", []),
        (["a", "unknown", "b", "?"], "category", [("unknown", 1), ("?", 1)]),
        ([True, False], "binary", []),
        ([None, None], "constant", []),
    ],
)
def test_codes_for_missing_values_are_suspected(values, kind, expected):
    assert [(value, count) for value, count, _ in suspects(pd.Series(values), kind)] == expected


STARS = pd.Series([1, 2, 3, 4, 5] * 30)
ASKED = {
    "q7": (STARS, "ordered", ("ordered", "count", "category")),
    "stars_given": (STARS, "ordered", ()),
    "leaning": (pd.Series([0, 1, 2, 3, 4, 5, 6] * 30), "count", ("count", "ordered")),
    "goals": (pd.Series([0, 0, 0, 0, 1, 1, 1, 2, 2, 3] * 20), "count", ()),
    "arm_no": (pd.Series([1, 2, 3] * 30), "category", ()),
    "culture": (pd.Series([1, 2, 3, 4, 5, 6] * 30), "count", ("count", "ordered", "category", "group")),
    "monk": (pd.Series(list(range(1, 18)) * 9), "count", ("count", "group")),
    "exports": (pd.Series([0, 3_000, 250_001] * 9), "count", ("count", "amount")),
    "points": (pd.Series([7, 12, 19, 28, 14] * 30), "count", ("count", "continuous")),
    "rounded": (pd.Series(range(10, 400, 10)), "positive", ("positive", "count")),
    "smoothness": (pd.Series([0.1, 0.15, 0.05] * 50), "proportion", ("proportion", "continuous")),
    "share_of_sales": (pd.Series([0.1, 0.15, 0.05] * 50), "proportion", ()),
    "hour": (pd.Series(list(range(24)) * 6), "circular", ("circular", "count")),
    "brand name": (pd.Series(list("abcde") * 30, dtype="str"), "group", ("group", "category")),
    "shop": (pd.Series(list("abcde") * 30, dtype="str"), "group", ()),
    "height": (pd.Series(170 + NORMAL), "continuous", ()),
    "sex": (pd.Series(["f", "m"] * 75, dtype="str"), "binary", ()),
}


@pytest.mark.parametrize("name", ASKED)
def test_only_doubts_that_matter_are_asked(name):
    column, kind, ask = ASKED[name]
    found = infer(pd.DataFrame({name: column}))[name]
    assert (found.kind, found.ask) == (kind, ask), found
    assert bool(ask) == (found.confidence == "unsure")
    assert not ask or ask[0] == kind


WAITS = np.exp(NORMAL)
COMPANIES = {
    "a time and its event": ("time", WAITS, {"status": [0, 1] * 100}, "duration"),
    "a time alone": ("time", WAITS, {"smoker": [0, 1] * 100}, "positive"),
    "an error and its estimate": ("se", WAITS, {"effect": NORMAL}, "standard_error"),
    "an error of its namesake": ("dose_se", WAITS, {"dose": NORMAL}, "standard_error"),
    "an error alone": ("se", WAITS, {"x": NORMAL}, "positive"),
    "a weight in a survey": ("wt", WAITS, {"stratum": [1, 2, 3, 4] * 50}, "weight"),
    "a weight of cars": ("wt", WAITS, {"hp": np.arange(50, 250)}, "positive"),
    "a longitude called long": ("long", NORMAL, {"lat": NORMAL}, "coordinate"),
    "a length called long": ("long", NORMAL, {"wide": NORMAL}, "continuous"),
}


@pytest.mark.parametrize("case", COMPANIES)
def test_some_names_say_enough_only_beside_another_column(case):
    name, values, others, kind = COMPANIES[case]
    found = infer(pd.DataFrame({name: values, **others}))[name]
    assert found.kind == kind, found


LONG = 300_000
RARE = {
    "a third level": (np.arange(LONG) % 2, 7, "binary", "count"),
    "a third text": (pd.Series(["a", "b"] * (LONG // 2), dtype="str"), "c", "binary", "category"),
    "a share above one": (np.linspace(0.1, 0.9, LONG), 1.5, "proportion", "positive"),
    "a fraction among counts": (np.arange(LONG) % 5 + 0.0, 0.5, "count", "amount"),
    "a negative count": (np.arange(LONG) % 5 + 0.0, -1.0, "count", "continuous"),
    "a repeated name": (pd.Series(range(LONG), dtype="str"), "0", "id", "id"),
    "a second value": (np.zeros(LONG), 1.0, "constant", "binary"),
    "a half-way value": (np.repeat([0.5, 1.5], LONG // 2), 1.25, "binary", "continuous"),
}


@pytest.mark.parametrize("case", RARE)
def test_one_value_far_down_a_long_table_is_seen(case):
    values, rare, before, after = RARE[case]
    column = pd.Series(values).sample(frac=1, random_state=1).reset_index(drop=True)
    assert infer(pd.DataFrame({"z": column}))["z"].kind == before
    row = LONG - 12_345
    changed = column.copy()
    changed.iloc[row] = rare
    assert infer(pd.DataFrame({"z": changed}))["z"].kind == after
    if before in ("proportion", "count"):
        assert misfit(changed, before)[0] == row + 1
    elif before != after:
        assert misfit(changed, before)[0] is None


def test_what_is_counted_in_a_sample_says_so():
    column = pd.Series(np.random.default_rng(2).normal(size=LONG))
    assert "in a sample of 100,000 rows" in infer(pd.DataFrame({"z": column}))["z"].reason
    assert "sample" not in infer(pd.DataFrame({"z": column.head(100_000)}))["z"].reason


def test_every_second_person_is_no_identifier_however_long_the_table():
    people = np.repeat(np.arange(LONG // 2), 2) * 7 + 10**15
    column = pd.Series(people).sample(frac=1, random_state=1, ignore_index=True)
    assert infer(pd.DataFrame({"person_id": column}))["person_id"].kind == "group"
    assert infer(pd.DataFrame({"person_id": "p" + column.astype("str")}))["person_id"].kind == "group"


def test_a_wide_table_is_guessed_as_its_columns_are_alone():
    columns = {f"c{i}": np.roll(np.exp(NORMAL), i).repeat(600) * (i % 3) for i in range(12)}
    frame = pd.DataFrame(columns)
    assert infer(frame) == {name: infer(frame[[name]])[name] for name in frame}


NAMES = ("z", "x_lat", "hour", "se", "pweight", "time", "status", "rating", "year", "wind dir", "n", "pct", "person id")
CELLS = st.one_of(
    st.lists(st.integers(-3, 12), min_size=1, max_size=60),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20),
    st.lists(st.floats(allow_infinity=False), min_size=1, max_size=60),
    st.lists(st.floats(0, 1) | st.just(0.0), min_size=1, max_size=60),
    st.lists(st.sampled_from(["low", "high", "medium", "1.2.2024", "03/04/2024", "-9", "n/a", None]), max_size=30),
    st.lists(st.booleans() | st.none(), max_size=9),
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), CELLS, min_size=1, max_size=4), st.randoms())
def test_any_table_is_guessed_fits_and_does_not_depend_on_the_order_of_rows(columns, random):
    length = max(map(len, columns.values()))
    frame = pd.DataFrame({name: (cells * length)[:length] or [None] * length for name, cells in columns.items()})
    frame = tidy(frame, "table")[0]
    found = infer(frame)
    order = list(range(length))
    random.shuffle(order)
    assert {name: one.kind for name, one in infer(frame.iloc[order].reset_index(drop=True)).items()} == {
        name: one.kind for name, one in found.items()
    }
    for name, one in found.items():
        assert misfit(frame[name], one.kind) is None, one
        assert one.reason.endswith(".")
        assert all(count > 0 for _, count, _ in suspects(frame[name], one.kind))
