"""A dataset: declared kinds, the account of rows, and tables that a formula reads as meant."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices
from hypothesis import given
from hypothesis import strategies as st

from modelcompose import samples
from modelcompose.data import Dataset, infer, load
from modelcompose.data.kinds import misfit
from modelcompose.errors import InvalidData, NotFound


def dataset(kinds=None, **columns):
    frame = pd.DataFrame(columns)
    guesses = infer(frame)
    for name, kind in (kinds or {}).items():
        guesses[name] = type(guesses[name])(kind, "Declared.", declared=True)
    return Dataset("made.csv", frame, guesses, (), "0" * 64)


def texts(*values):
    return pd.Series(values, dtype="str")


def test_a_table_is_loaded_from_a_root_from_anywhere_and_from_the_samples(tmp_path):
    copy = samples.copy("sleepstudy", tmp_path / "data")
    relative = load("data/sleepstudy.csv", root=tmp_path)
    absolute = load(str(copy))
    sample = load("sample:sleepstudy")
    assert relative.name == "data/sleepstudy.csv"
    assert relative.sha256 == absolute.sha256 == sample.sha256 == hashlib.sha256(copy.read_bytes()).hexdigest()


def test_declared_kinds_win(tmp_path):
    sleep = load("sample:sleepstudy", {"Days": "continuous"})
    assert sleep.kinds["Days"].kind == "continuous"
    assert sleep.kinds["Days"].declared
    assert sleep.kinds["Days"].reason == "You declared it. 10 different whole numbers from 0 to 9: a count."
    assert not sleep.kinds["Reaction"].declared


WRONG = {
    "unknown column": (
        {"reaction": "count"},
        "no column “reaction”. Did you mean “Reaction”?",
        "Reaction, Days, Subject",
    ),
    "unknown kind": ({"Days": "counts"}, "no kind of variable named “counts”. Did you mean “count”", "continuous"),
    "wrong value": ({"Reaction": "count"}, "“249.56” is not a whole number from zero up, so", "“continuous”"),
    "wrong column": ({"Days": "binary"}, "The column has 10 different values", "“count”"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_declaration_is_refused(case):
    kinds, message, remedy = WRONG[case]
    with pytest.raises(InvalidData) as caught:
        load("sample:sleepstudy", kinds)
    assert message in caught.value.message
    assert "sample:sleepstudy" in (caught.value.where or "")
    assert remedy in (caught.value.remedy or "")


def test_the_offending_row_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,3\nmany,4\n")
    with pytest.raises(InvalidData) as caught:
        load("t.csv", {"x": "continuous"}, root=tmp_path)
    assert "“many” is not a number" in caught.value.message
    assert caught.value.where == "t.csv, column “x”, row 3"


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InvalidData, match="No table is chosen"):
        load(" ")
    with pytest.raises(InvalidData, match="are not read"):
        load("ftp://example.org/t.csv")
    with pytest.raises(NotFound, match="no file"):
        load("gone.csv", root=tmp_path)
    with pytest.raises(NotFound, match="no sample"):
        load("sample:gone")


def test_the_account_names_every_column_that_costs_rows():
    penguins = load("sample:penguins")
    account = penguins.missing(["sex", "body_mass_g", "species"])
    assert (account.total, account.used, account.dropped) == (344, 333, 11)
    assert account.sentence == ("333 of 344 rows used; 11 left out because of missing values (sex 11, body_mass_g 2).")
    assert penguins.missing(["species"]).sentence == "All 344 rows used; none has a missing value."


@given(st.lists(st.tuples(*[st.none() | st.integers(0, 3)] * 3), min_size=2, max_size=30))
def test_every_row_is_used_or_accounted_for(rows):
    columns = {name: pd.Series([row[place] for row in rows], dtype="float64") for place, name in enumerate("abc")}
    made = dataset(**columns)
    account = made.missing("abc")
    assert account.used + account.dropped == account.total == len(rows)
    assert account.used == sum(None not in row for row in rows)
    assert (account.dropped == 0) == (not account.by_column)
    if account.used:
        assert len(made.complete_rows("abc")) == account.used
    else:
        with pytest.raises(InvalidData, match="No row has a value in every chosen column"):
            made.complete_rows("abc")


def test_complete_rows_keep_all_columns_and_number_the_rows_anew():
    penguins = load("sample:penguins")
    table = penguins.complete_rows(["sex"])
    assert list(table.columns) == list(penguins.frame.columns)
    assert table.index.tolist() == list(range(333))
    assert penguins.frame["sex"].isna().sum() == 11
    with pytest.raises(InvalidData, match="no column “age”"):
        penguins.complete_rows(["age"])


def test_complete_rows_are_typed_by_kind():
    made = dataset(
        kinds={"year": "group", "code": "count", "when": "date"},
        x=[1, 2, 3, 5],
        n=[0.0, 4.0, np.nan, 1.0],
        share=[0.1, 0.2, 0.3, np.nan],
        yes=[True, False, True, False],
        year=[2010.0, 2009.0, np.nan, 2009.0],
        code=texts("007", "012", "001", "003"),
        when=texts("1.3.2024", "2.3.2024", None, "4.3.2024"),
        note=texts("a", "b", "c", "d"),
    )
    made = Dataset(made.name, made.frame, {**made.kinds, "x": type(made.kinds["x"])("continuous", "")}, (), "")
    table = made.complete_rows(["n", "share"])
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "x": "float64",
        "n": "int64",
        "share": "float64",
        "yes": "int64",
        "year": "category",
        "code": "int64",
        "when": "datetime64[us]",
        "note": "str",
    }
    assert list(table["year"].cat.categories) == ["2009", "2010"]
    assert table["code"].tolist() == [7, 12]
    assert table["when"].dt.month.tolist() == [3, 3]


LEVELS = {
    "most frequent": ("category", texts("b", "c", "c", "a"), ["c", "a", "b"]),
    "control": ("binary", texts("drug", "Control", "drug", "drug"), ["Control", "drug"]),
    "no": ("binary", texts("yes", "no", "yes"), ["no", "yes"]),
    "before": ("binary", texts("after", "after", "before"), ["before", "after"]),
    "most frequent of two": ("binary", texts("f", "m", "m"), ["m", "f"]),
    "alphabetical when even": ("binary", texts("m", "f"), ["f", "m"]),
    "two numbers": ("binary", pd.Series([2, 1, 1, 2]), ["1", "2"]),
    "ladder": ("ordered", texts("high", "low", "medium"), ["low", "medium", "high"]),
    "numbers in order": ("ordered", pd.Series([10, 9, 2]), ["2", "9", "10"]),
    "numbers as text": ("ordered", texts("10", "9"), ["9", "10"]),
    "groups as text": ("group", pd.Series([10, 9, 2]), ["10", "2", "9"]),
    "near numbers": ("category", pd.Series([0.125, 0.125 + 2**-50]), ["0.125", "0.1250000000000009"]),
}


@pytest.mark.parametrize("case", LEVELS)
def test_the_reference_comes_first_in_the_formula_too(case):
    kind, column, order = LEVELS[case]
    table = dataset({"c": kind}, c=column, y=np.arange(len(column)) + 0.5).complete_rows(["c", "y"])
    assert list(table["c"].cat.categories) == order
    assert table["c"].cat.ordered
    design = design_matrices("y ~ c", table).common.as_dataframe()
    assert list(design.columns) == ["Intercept", *(f"c[{level}]" for level in order[1:])]
    assert (design.loc[table["c"] == order[0]].iloc[:, 1:] == 0).all(axis=None)


def test_groups_and_truth_values_stand_in_a_formula():
    table = dataset(
        {"g": "group"}, g=[9, 10, 9, 10], yes=[True, False, True, False], y=[1.5, 2.5, 3.5, 4.0]
    ).complete_rows(["g", "yes", "y"])
    design = design_matrices("y ~ yes + (1 | g)", table)
    assert list(design.common.as_dataframe().columns) == ["Intercept", "yes"]
    assert design.group.terms["1|g"].groups == ["10", "9"]


def test_levels_without_rows_are_left_out():
    table = dataset({"c": "category"}, c=texts("a", "a", "b", "c"), y=[np.nan, np.nan, 1.0, 2.0]).complete_rows("cy")
    assert list(table["c"].cat.categories) == ["b", "c"]


def test_the_description_is_plain_json(tmp_path):
    name = '<script>alert("x")</script>'
    table = pd.DataFrame({name: [1.5, None, 3], "long": ["a" * 500, "b", "c"], "yes": [True, False, True]})
    table.to_csv(tmp_path / "t.csv", index=False)
    described = load("t.csv", {"long": "text"}, root=tmp_path).describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert set(described) == {
        *("data", "rows", "rows_read", "sha256", "notes", "columns", "preview", "recipe", "relations")
    }
    first, long, yes = described["columns"]
    assert first == {
        "name": name,
        "kind": "binary",
        "reason": "Two different values: “1.5” and “3”.",
        "declared": False,
        "missing": 1,
        "distinct": 2,
        "examples": ["1.5", "3"],
        "confidence": "sure",
        "ask": [],
        "dtype": "number",
        "label": "",
        "unit": "",
        "bounds": [],
        "plausible": [],
        "levels": ["1.5", "3"],
        "reference": "",
        "codes": [],
    }
    assert long["declared"]
    assert len(long["examples"][0]) == 200
    assert yes["examples"] == ["true", "false"]
    assert described["preview"][1] == ["", "b", "false"]


NUMBERS = st.none() | st.floats() | st.integers(-9, 999).map(float)
TEXTS = st.none() | st.text(max_size=6) | st.sampled_from(["low", "high", "no", "1.3.2024", "1", "2.5"])


@given(
    st.lists(NUMBERS, min_size=2, max_size=20).map(lambda cells: pd.Series(cells, dtype="float64"))
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=20).map(pd.Series)
    | st.lists(TEXTS, min_size=2, max_size=20).map(lambda cells: pd.Series(cells, dtype="str"))
    | st.lists(st.none() | st.booleans(), min_size=2).map(lambda cells: pd.Series(cells, dtype="boolean"))
    | st.lists(st.datetimes(), min_size=2).map(lambda cells: pd.Series(cells, dtype="datetime64[us]"))
)
def test_any_column_can_be_described_and_used(column):
    made = dataset(c=column)
    json.dumps(made.describe(), allow_nan=False)
    kind = made.kinds["c"].kind
    fits = misfit(column, kind) is None
    assert fits or np.isinf(column.astype("float64")).any()
    if not fits:
        with pytest.raises(InvalidData, match=r"“-?inf” is not a number"):
            made.complete_rows(["c"])
    elif column.notna().any():
        table = made.complete_rows(["c"])
        assert len(table) == column.notna().sum()
        assert table["c"].notna().all()


def test_the_description_of_sleepstudy():
    described = load("sample:sleepstudy").describe()
    assert described["rows"] == 180
    assert described["columns"][0]["examples"] == ["249.56", "258.7047", "250.8006"]
    assert len(described["preview"]) == 8


def test_the_floor_imports_nothing_heavy():
    code = (
        "import sys, modelcompose.data, modelcompose.samples; "
        "heavy = {'pymc', 'pytensor', 'bambi', 'arviz', 'formulae', 'nutpie', 'tornado', 'openpyxl'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
