"""What the data ask for is suggested with a reason, and can be done as suggested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelcompose.data import Recipe, infer, suggest

N = 40


def suggested(columns: dict) -> dict[str, dict]:
    frame = pd.DataFrame({"row": [f"r{at}" for at in range(N)], **columns})
    kinds = {name: guess.kind for name, guess in infer(frame).items()}
    found = suggest(frame, kinds)
    for one in found:
        assert one.why.endswith(".")
        Recipe([one.step]).replay(frame)
    return {one.label: dict(one.step) for one in found}


@pytest.mark.parametrize(
    ("cells", "step"),
    [
        ([f"{at},5" for at in range(N)], {"to": "number", "decimal": ","}),
        ([f"€ 1.{at:03},50" for at in range(N)], {"to": "number", "decimal": ","}),
        ([f"{at}%" for at in range(N)], {"to": "share"}),
        ([f"{at % 28 + 1}/12/2024" for at in range(N)], {"to": "date", "order": "day first"}),
        ([f"12-{at % 28 + 1}-2024" for at in range(N)], {"to": "date", "order": "month first"}),
    ],
)
def test_text_that_would_be_something_else(cells: list[str], step: dict[str, str]) -> None:
    steps = [one for one in suggested({"x": cells}).values() if one["do"] == "parse"]
    if not steps:
        assert infer(pd.DataFrame({"x": cells}))["x"].kind == "date"
    else:
        assert {"do": "parse", "column": "x", **step} in steps


def test_dates_of_two_readings_are_suggested_in_both() -> None:
    cells = [f"{at % 9 + 1}/{at % 8 + 1}/2024" for at in range(N)]
    labels = list(suggested({"x": cells}))
    assert labels == ["Read x as dates, the day first", "Read x as dates, the month first"]


def test_names_with_numbers_are_no_numbers() -> None:
    assert suggested({"x": [f"p{at}" for at in range(N)]}) == {}


def test_codes_of_several_columns_are_one_step() -> None:
    found = suggested({"a": [-9, *range(1, N)], "b": [*range(N, 1, -1), -9]})
    assert found["Treat -9 as missing in a, b"] == {"do": "missing_codes", "columns": ["a", "b"], "codes": [-9]}


@pytest.mark.parametrize("gap", ["", "_", "-", ".", " ", " - "])
def test_columns_of_several_times_become_rows_with_the_time_as_a_number(gap: str) -> None:
    rng = np.random.default_rng(0)
    columns = {f"score{gap}{at}": rng.normal(size=N) for at in (1, 2, 3)}
    step = suggested(columns)[f"Make one row for each of score{gap}1 … score{gap}3"]
    assert (step["names"], step["values"], step["prefix"]) == ("time", "score", f"score{gap}")
    long = Recipe([step]).replay(pd.DataFrame({"row": range(N), **columns})).frame
    assert long["time"].tolist() == [1, 2, 3] * N


def test_repeated_rows_and_circles() -> None:
    frame = pd.DataFrame({"x": [1.5, 1.5, 2.5], "s": ["a", "a", "b"]})
    assert suggest(frame, {"x": "continuous", "s": "category"})[0].step["do"] == "distinct"
    wind = suggested({"wind_direction": np.arange(N) * 9.0 + 0.5})
    assert wind["Use the cosine of wind_direction"]["expression"].startswith("cos(`wind_direction` / 360")
