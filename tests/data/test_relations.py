"""Columns that belong together are found by name and proved on every row; others are left alone."""

import numpy as np
import pandas as pd
import pytest

from modelcompose.data import infer
from modelcompose.data import relations as room

RNG = np.random.default_rng(3)
N = 60
TRIALS = RNG.integers(20, 50, N)
WAIT = RNG.exponential(20, N).round(1) + 0.1
LEVEL = RNG.normal(10, 2, N)

FOUND = {
    "successes among trials": ({"hits": TRIALS // 3, "at_bats": TRIALS}, "successes-trials", ("hits", "at_bats")),
    "time and status": ({"time": WAIT, "status": [0, 1] * 30}, "duration-event", ("time", "status")),
    "survival and a word": (
        {"survival": WAIT, "vital_status": ["alive", "dead"] * 30},
        "duration-event",
        ("survival", "vital_status"),
    ),
    "time and a word for its end": (
        {"days_to_event": WAIT, "out_event": ["Adoption", "Censored", "Transfer"] * 20},
        "duration-event",
        ("days_to_event", "out_event"),
    ),
    "effect and se": ({"effect": LEVEL, "se": WAIT}, "estimate-error", ("effect", "se")),
    "one error for each": ({"dose": LEVEL, "dose_se": WAIT, "yi": LEVEL}, "estimate-error", ("dose", "dose_se")),
    "lower and upper": ({"ci_lower": LEVEL - 1, "ci_upper": LEVEL + WAIT}, "interval", ("ci_lower", "ci_upper")),
    "a place": ({"home_lat": LEVEL, "home_lon": LEVEL - 20.5}, "place", ("home_lat", "home_lon")),
    "a place with a long name": ({"lat": LEVEL, "long": LEVEL - 20.5}, "place", ("lat", "long")),
    "columns for times": ({f"y{i}": LEVEL + i / 9 for i in (1, 2, 3)}, "wide", ("y1", "y2", "y3")),
    "columns for years": ({str(i): LEVEL for i in (2010, 2015, 2020)}, "wide", ("2010", "2015", "2020")),
    "rows of one person over days": (
        {"Subject": np.repeat(range(301, 311), 6), "Days": list(range(6)) * 10, "y": LEVEL},
        "repeated-rows",
        ("Subject", "Days"),
    ),
    "rows of one school": ({"school": np.repeat(list("abcdef"), 10), "y": LEVEL}, "repeated-rows", ("school",)),
}

LEFT_ALONE = {
    "more hits than trials in one row": {"hits": [*TRIALS[1:] // 3, 99], "at_bats": TRIALS},
    "one count above another without names": {"a": TRIALS // 3, "b": TRIALS},
    "a time without an event": {"time": WAIT, "smoker": [0, 1] * 30},
    "a time and a marriage": {"survival": WAIT, "marital_status": ["single", "married", "widowed"] * 20},
    "an error without an estimate": {"se": WAIT, "when": range(N)},
    "ends that cross in one row": {"lower": LEVEL, "upper": [*(LEVEL + 1)[1:], -99.5]},
    "different measurements, numbered": {f"x{i}": LEVEL for i in (1, 2, 3, 4)},
    "a gap in the running numbers": {f"day{i}": LEVEL for i in (1, 2, 9)},
    "numbered columns on other scales": {"day1": LEVEL, "day2": LEVEL + 900, "day3": LEVEL},
    "weather by date": {"sky": ["sun", "rain", "fog", "snow", "hail"] * 12, "date": pd.date_range("2024", periods=N)},
}


def found(columns):
    frame = pd.DataFrame(columns)
    return room.relations(frame, infer(frame))


@pytest.mark.parametrize("case", FOUND)
def test_columns_that_belong_together_are_found(case):
    columns, relation, named = FOUND[case]
    one, *others = found(columns)
    assert (one.relation, one.columns, others) == (relation, named, [])
    assert all(f"“{name}”" in one.sentence for name in (named[0], named[-1]))
    assert one.sentence.endswith(".")


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_other_columns_are_left_alone(case):
    assert found(LEFT_ALONE[case]) == ()


def test_declared_kinds_serve_as_well_as_guesses():
    frame = pd.DataFrame({"wait": WAIT, "ended": [0, 1] * 30, "died": [0, 1] * 30})
    kinds = {"wait": "duration", "ended": "binary", "died": "binary", "gone": "count"}
    assert [one.columns for one in room.relations(frame, kinds)] == [("wait", "died")]
