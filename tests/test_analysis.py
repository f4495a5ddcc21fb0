"""The choices: read from a notebook's parameters cell, validated, written back without disturbing what stands there."""

from __future__ import annotations

import ast
import copy
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modelcompose.analysis import Analysis, Kind, cell_with_tag, literal
from modelcompose.errors import InvalidAnalysis

CELL = '''"""What was chosen."""
# The table
data = "data/größe.csv"  # an umlaut before it: ü
outcome, predictors, groups = "Größe", ['Days'], ("Subject"),
kinds: dict[str, str] = {
    "Größe": "continuous",  # ms
    "Days": 'count',
}
draws = 2_000
prior_scale = 2
'''


def notebook(source: str | list[str] = "", injected: str | None = None) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": "# Sleep"}]
    cells.append({"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source})
    if injected is not None:
        cells.append({"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source": injected})
    return {"cells": cells}


def written(analysis: Analysis, source: str, injected: str | None = None) -> str:
    nb = notebook(source, injected)
    analysis.write(nb)
    return str(nb["cells"][1]["source"])


# -- reading -------------------------------------------------------------------------------------------------------


def test_every_form_of_assignment_is_read() -> None:
    source = CELL.replace('("Subject"),', '["Subject"]')
    analysis = Analysis.read(notebook(source))
    assert analysis == Analysis(
        data="data/größe.csv",
        outcome="Größe",
        predictors=["Days"],
        groups=["Subject"],
        kinds={"Größe": "continuous", "Days": "count"},
        draws=2000,
        prior_scale=2.0,
    )


def test_an_empty_cell_leaves_every_choice_to_modelcompose() -> None:
    assert Analysis.read(notebook()) == Analysis()


def test_a_source_kept_as_lines_is_read() -> None:
    assert Analysis.read(notebook(["draws = 500\n", "tune = 250"])).tune == 250


def test_what_papermill_injected_wins() -> None:
    analysis = Analysis.read(notebook("draws = 500\ntune = 400", "# Parameters\ndraws = 20\nchains = 2\n"))
    assert (analysis.draws, analysis.tune, analysis.chains) == (20, 400, 2)


def test_nothing_in_the_cell_is_executed() -> None:
    with pytest.raises(InvalidAnalysis, match="not a plain value"):
        Analysis.read(notebook("data = open('/etc/hostname').read()"))


def test_choices_are_taken_out_of_a_namespace() -> None:
    assert Analysis.from_names({"draws": 50, "np": object(), "_": 1}) == Analysis(draws=50)


def test_an_analysis_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Analysis().draws = 5  # type: ignore[misc]


BAD_CELLS = [
    ("draws = 500\ndata = pathlib.Path()", "not a plain value", "line 2, column 1", "Write a number, a text"),
    ("draws = 2 * 500", "value of 'draws' is not a plain value", "line 1", "Write a number"),
    ("kinds = {[]: 1}", "value of 'kinds' is not a plain value", "line 1", "Write a number"),
    ("draws = 500\ndata = 'a", "not valid Python: unterminated string", "line 2, column 8", "name = value"),
    ("draws = \x00", "not valid Python", "parameters cell", ""),
    ("data = '\ud800'", "cannot be read", "parameters cell", "name = value"),
    ("draw = 500", "no choice named 'draw'", "line 1", "Did you mean 'draws'?"),
    ("colour = 'red'", "no choice named 'colour'", "line 1", "Choices are: data, kinds,"),
    ("import os", "only assignments of plain values", "line 1, column 1", "a cell of its own"),
    ("draws: int", "only assignments of plain values", "line 1", "a cell of its own"),
    ("draws = tune = 5", "only assignments of plain values", "line 1", "a cell of its own"),
    ("draws, tune = 5, 6, 7", "only assignments of plain values", "line 1", "a cell of its own"),
    ("draws += 5", "only assignments of plain values", "line 1", "a cell of its own"),
    ("if True:\n    draws = 5", "only assignments of plain values", "line 1", "a cell of its own"),
    ("draws = 'many'", "draws = 'many': Input should be a valid integer", "parameters cell", "Draws kept per chain"),
    ("draws = 9", "draws = 9: Input should be greater than or equal to 10", "parameters cell", "Draws kept"),
    ("target_accept = 1", "target_accept = 1: Input should be less than 1", "parameters cell", "smaller, safer"),
    ("prior_scale = 1e999", "prior_scale = inf: Input should be", "parameters cell", "default priors"),
    ("outcome = 5", "outcome = 5: Input should be a valid string", "parameters cell", "column to explain"),
    ("predictors = 'Days'", "predictors = 'Days': Input should be a valid list", "parameters cell", "Columns that"),
    ("on_fail = 'go'", "on_fail = 'go': Input should be 'stop' or 'warn'", "parameters cell", "failed check"),
    ("formula = 5", "formula = 5: Input should be a valid string. ", "parameters cell", "several parts"),
    ("kinds = {'strength': 'big'}", "kinds['strength'] = 'big': Input should be", "parameters cell", "each column"),
    ("plausible = [5, 1]", "[lowest, highest] with lowest below highest", "parameters cell", "plausible average"),
    ("plausible = [5]", "[lowest, highest] with lowest below highest", "parameters cell", "plausible average"),
    ("plausible = [0, 1e999]", "plausible[1] = inf: Input should be a finite number", "parameters cell", "plausible"),
    ("recipe = [{'drop': 1j}]", "recipe[0]['drop'] = 1j: input was not a valid JSON", "parameters cell", "replayed"),
    ("priors = {'Days': {'mu': 0}}", "the prior of 'Days' needs a distribution", "parameters cell", "differs"),
    ("priors = {'Days': 3}", "priors['Days'] = 3: Input should be a valid dictionary", "parameters cell", "differs"),
    ("priors = {'x': {'dist': 'N', 'mu': '0'}}", "'mu' in the prior of 'x' must be a finite number", "cell", "differs"),
    ("priors = {'x': {'dist': 'N', 'mu': 1e999}}", "must be a finite number", "parameters cell", "differs"),
    ("priors = {'x': {'dist': 'N', 'mu': True}}", "must be a finite number", "parameters cell", "differs"),
    ("draws = 1\ntune = 1", "(1 more)", "parameters cell", "Draws kept per chain"),
]


@pytest.mark.parametrize(("source", "message", "place", "remedy"), BAD_CELLS)
def test_a_bad_cell_is_explained(source: str, message: str, place: str, remedy: str) -> None:
    with pytest.raises(InvalidAnalysis) as caught:
        Analysis.read(notebook(source), where="sleep.ipynb")
    error = caught.value
    assert message in str(error)
    assert error.where is not None
    assert error.where.startswith("sleep.ipynb, parameters cell")
    assert place in error.where
    assert remedy in (error.remedy or "")


def test_a_bad_injected_value_is_explained() -> None:
    with pytest.raises(InvalidAnalysis, match="no choice named 'drawz'"):
        Analysis.read(notebook("draws = 500", "drawz = 20"))


@pytest.mark.parametrize("cells", [[], [{"cell_type": "code", "metadata": {"tags": None}, "source": "draws = 5"}]])
def test_a_notebook_without_parameters_is_explained(cells: list[dict[str, Any]]) -> None:
    for use in (lambda nb: Analysis.read(nb, where="a.ipynb"), Analysis().write):
        with pytest.raises(InvalidAnalysis, match="has no parameters cell") as caught:
            use({"cells": cells})
        assert 'Tag the cell that holds the choices with "parameters"' in (caught.value.remedy or "")


def test_a_deeply_nested_value_is_refused_without_a_crash() -> None:
    with pytest.raises(InvalidAnalysis):
        Analysis.read(notebook("recipe = " + "-" * 100_000 + "1"))


def test_the_place_of_a_mapping_is_named() -> None:
    with pytest.raises(InvalidAnalysis, match=r"analysis\.json: there is no choice") as caught:
        Analysis.of({"drows": 5}, where="analysis.json")
    assert caught.value.remedy == "Did you mean 'draws'?"


# -- writing -------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_spelt_anew() -> None:
    source = CELL.replace('("Subject"),', "['Subject']")
    changed = Analysis.read(notebook(source)).changed({"groups": ["Subject", "Lab"], "draws": 500, "chains": 8})
    assert written(changed, source) == (
        source.replace("['Subject']", '["Subject", "Lab"]').replace("2_000", "500") + "chains = 8"
    )


@pytest.mark.parametrize(
    "source",
    [
        "prior_scale = 2",
        "prior_scale = 2.50",
        "plausible = [0, 1_000]",
        "draws = 0x100  # hex",
        "formula = (\n    'y ~ x'\n    ' + z'\n)",
        "kinds = {'b': 'count', 'a': 'id'}",
        "predictors = [\n    'a',  # first\n]",
        "outcome, predictors = 'a', ['b']",
        "noncentered = False; draws = 30",
        "priors = {'x': {'dist': 'Normal', 'sigma': 1.}}",
        "recipe = [{'drop': ['a', None, {'b': 1.5}]}]",
    ],
)
def test_what_did_not_change_keeps_its_spelling(source: str) -> None:
    assert written(Analysis.read(notebook(source)), source) == source


@pytest.mark.parametrize(
    ("source", "spelt"),
    [
        ("chains = '2'", "chains = 2"),
        ("predictors = ('a', 'b')", 'predictors = ["a", "b"]'),
        ("noncentered = 1", "noncentered = True"),
        ("draws = 500.0", "draws = 500"),
    ],
)
def test_a_value_of_the_wrong_type_is_spelt_as_it_was_understood(source: str, spelt: str) -> None:
    assert written(Analysis.read(notebook(source)), source) == spelt


def test_true_and_one_are_different_values() -> None:
    source = "recipe = [{'keep': True}]"
    assert written(Analysis(recipe=[{"keep": 1}]), source) == 'recipe = [{"keep": 1}]'


def test_missing_choices_are_added_at_the_end_unless_default() -> None:
    assert written(Analysis(draws=500, chains=2), "# mine\ndraws = 500\n") == "# mine\ndraws = 500\nchains = 2"
    assert written(Analysis(draws=500), "") == "draws = 500"
    assert written(Analysis(), "draws = 500") == "draws = 1000"


def test_injected_values_move_into_the_parameters_cell() -> None:
    nb = notebook("draws = 500  # few", "# Parameters\ndraws = 20\nchains = 2\n")
    analysis = Analysis.read(nb)
    analysis.write(nb)
    assert nb["cells"][1]["source"] == "draws = 20  # few\nchains = 2"
    assert nb["cells"][2]["source"].startswith("#")
    assert Analysis.read(nb) == analysis


@pytest.mark.parametrize("odd", ["\x0c", "\x1c", "\x85", "\u2028", "🦉é"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_characters_that_only_look_like_line_ends_shift_nothing(odd: str, end: str) -> None:
    source = f"# a {odd} b{end}data = 'x{odd}y'; draws = 500{end}tune = 50"
    changed = Analysis.read(notebook(source)).changed({"draws": 600, "tune": 60})
    assert written(changed, source) == source.replace("500", "600").replace("= 50", "= 60")


def test_a_long_value_is_broken_over_lines() -> None:
    analysis = Analysis(predictors=[f"predictor number {number}" for number in range(8)])
    source = written(analysis, "")
    assert max(map(len, source.splitlines())) < 100
    assert source.splitlines()[1] == '    "predictor number 0",'
    assert Analysis.read(notebook(source)) == analysis


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"bounds": [2, 1]}, "bounds of 'dose': must be empty or"),
        ({"plausible": [1]}, "plausible of 'dose': must be empty or"),
        ({"levels": ["a", "a"]}, "levels must be named once each"),
        ({"levels": ["a", "b"], "reference": "c"}, "the reference 'c' is not one of the levels"),
        ({"colour": "red"}, "colour of 'dose'"),
    ],
)
def test_what_is_declared_of_a_column_is_checked(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidAnalysis, match=message):
        Analysis.of({"variables": {"dose": declared}})


texts = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**20), 10**20)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
priors = st.dictionaries(texts, st.dictionaries(texts, numbers, max_size=3).map(lambda p: {**p, "dist": "Normal"}))
fields: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("data", "question", "outcome", "exposure", "estimand", "model", "sampler"), texts),
    **dict.fromkeys(("trials", "event", "time", "standard_error", "intervention", "treated"), texts),
    "further": st.lists(texts, max_size=2),
    "kinds": st.dictionaries(texts, st.sampled_from(get_args(Kind)), max_size=4),
    "units": st.dictionaries(texts, texts, max_size=3),
    "variables": st.dictionaries(
        texts,
        st.fixed_dictionaries(
            {},
            optional={
                "label": texts,
                "bounds": st.sampled_from([[], [0, None], [None, 5.5], [-1, 1]]),
                "levels": st.lists(texts, max_size=3, unique=True),
                "missing": st.lists(numbers | texts, max_size=2),
            },
        ),
        max_size=2,
    ),
    "missing": st.sampled_from(["drop", "impute", "multiple"]),
    "imputations": st.integers(2, 100),
    "recipe": st.lists(st.dictionaries(texts, plain, max_size=3), max_size=2),
    "predictors": st.lists(texts, max_size=4),
    "groups": st.lists(texts, max_size=2),
    "formula": texts | st.lists(texts, max_size=3),
    "priors": priors,
    "prior_scale": st.floats(1e-9, 1000),
    "plausible": st.just([]) | st.tuples(st.floats(-1e9, 0), st.floats(1, 1e9)).map(list),
    "smallest_effect": st.floats(0, 1e300),
    "noncentered": st.booleans(),
    "draws": st.integers(10, 1_000_000),
    "tune": st.integers(10, 1_000_000),
    "chains": st.integers(1, 64),
    "target_accept": st.floats(0.51, 0.99),
    "metric": st.sampled_from(["auto", "diagonal", "low-rank"]),
    "random_seed": st.integers(0, 2**32 - 1),
    "ci_prob": st.floats(0.51, 0.99),
    **dict.fromkeys(("new_rows", "plan", "policy"), texts),
    "candidates": st.lists(texts, max_size=3),
    "recoveries": st.integers(0, 100),
    "rival_priors": st.lists(st.floats(1e-9, 1000), max_size=3),
    "universes": st.integers(0, 200),
    "simulations": st.integers(0, 10_000),
    "horizon": st.integers(0, 10_000),
    "decision": st.just({})
    | st.fixed_dictionaries(
        {"better": st.sampled_from(["higher", "lower"])},
        optional={"value": st.floats(1e-9, 1e9), "cost": st.floats(0, 1e9), "currency": texts},
    ),
    "waivers": st.lists(
        st.fixed_dictionaries({"step": st.just("posterior"), "by": st.just("A. Name"), "reason": st.just("known")}),
        max_size=2,
    ),
    "on_fail": st.sampled_from(["stop", "warn"]),
}
analyses = st.fixed_dictionaries({}, optional=fields).map(Analysis.of)


def test_the_strategies_cover_every_choice() -> None:
    assert fields.keys() == Analysis.model_fields.keys()


@given(analyses)
def test_what_is_written_is_read_back(analysis: Analysis) -> None:
    source = written(analysis, "")
    assert Analysis.read(notebook(source)) == analysis


@given(analyses, analyses)
def test_one_analysis_replaces_another_in_place(before: Analysis, after: Analysis) -> None:
    source = "# kept\n" + written(before, "")
    rewritten = written(after, source)
    assert Analysis.read(notebook(rewritten)) == after
    assert rewritten.startswith("# kept\n")
    assert written(after, rewritten) == rewritten


@given(plain, st.integers(0, 60))
def test_a_literal_is_python_for_its_value(value: Any, indent: int) -> None:
    read = ast.literal_eval(literal(value, indent))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["plain", "it's", 'so "quoted"', "both ' and \"", "back\\slash", "line\nend", ""])
def test_texts_are_spelt_with_double_quotes_where_that_needs_no_escapes(text: str) -> None:
    spelt = literal(text)
    assert ast.literal_eval(spelt) == text
    assert spelt.startswith('"') == ('"' not in text)


# -- changing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("draws", "500", 500),
        ("target_accept", "0.95", 0.95),
        ("noncentered", "False", False),
        ("noncentered", "false", False),
        ("predictors", "Days,Weight", ["Days", "Weight"]),
        ("predictors", " Days , ", ["Days"]),
        ("predictors", "['Days', 'Weight']", ["Days", "Weight"]),
        ("predictors", "'Days', 'body, mass'", ["Days", "body, mass"]),
        ("predictors", "2019", ["2019"]),
        ("predictors", "2019,2020", ["2019", "2020"]),
        ("predictors", "None", ["None"]),
        ("predictors", "{[]: 1}", ["{[]: 1}"]),
        ("predictors", "", []),
        ("plausible", "0,100", [0.0, 100.0]),
        ("outcome", "500", "500"),
        ("outcome", "'quoted'", "'quoted'"),
        ("metric", "diagonal", "diagonal"),
        ("formula", "y ~ x", "y ~ x"),
        ("formula", "['y ~ x', 'sigma ~ x']", ["y ~ x", "sigma ~ x"]),
        ("kinds", "{'Days': 'count'}", {"Days": "count"}),
        ("priors", '{"x": {"dist": "Normal", "mu": 0}}', {"x": {"dist": "Normal", "mu": 0}}),
    ],
)
def test_text_from_a_command_line_is_read_by_type(name: str, text: str, value: Any) -> None:
    changed = getattr(Analysis().changed({name: text}), name)
    assert changed == value
    assert type(changed) is type(value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": "many"}, "draws = 'many': Input should be a valid integer"),
        ({"kinds": "{[]: 1}"}, "kinds = '{[]: 1}': Input should be a valid dictionary"),
        ({"drawz": 5}, "there is no choice named 'drawz'"),
        ({"on_fail": "go"}, "on_fail = 'go'"),
    ],
)
def test_a_change_that_does_not_fit_is_explained(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidAnalysis) as caught:
        Analysis().changed(changes)
    assert message in str(caught.value)


def test_a_change_leaves_the_original_alone() -> None:
    before = Analysis(predictors=["Days"])
    assert before.changed({"predictors": ["Weight"]}).predictors == ["Weight"]
    assert before.predictors == ["Days"]


# -- what is derived -----------------------------------------------------------------------------------------------


def test_the_schema_describes_every_choice() -> None:
    properties = Analysis.model_json_schema()["properties"]
    assert properties.keys() == Analysis.model_fields.keys()
    for name, schema in properties.items():
        assert schema.get("description", "").endswith("."), name
        assert "default" in schema, name
    json.dumps(properties, allow_nan=False)


def test_columns_come_once_each_the_outcome_first() -> None:
    analysis = Analysis(outcome="y", predictors=["x", "g"], groups=["g"], exposure="")
    assert analysis.columns == ["y", "x", "g"]
    assert Analysis().columns == []


@pytest.mark.parametrize(
    ("formula", "parts"), [("", ()), ("y ~ x", ("y ~ x",)), (["y ~ x", "", "sigma ~ x"], ("y ~ x", "sigma ~ x"))]
)
def test_a_formula_has_parts(formula: str | list[str], parts: tuple[str, ...]) -> None:
    assert Analysis(formula=formula).formula_parts == parts


def test_the_first_cell_with_a_tag_is_found() -> None:
    nb = notebook("draws = 500")
    nb["cells"].append(copy.deepcopy(nb["cells"][1]))
    assert cell_with_tag(nb, "parameters") is nb["cells"][1]
    assert cell_with_tag(nb, "elsewhere") is None
    assert cell_with_tag({}, "parameters") is None
