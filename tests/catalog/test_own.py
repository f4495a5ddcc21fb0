"""Models of one's own: every fault is listed, and a file without faults is an entry like any other."""

from __future__ import annotations

import numpy as np
import pytest

from modelcompose import catalog, data
from modelcompose.analysis import Analysis, paths_from
from modelcompose.catalog.own import OwnModel, faults, own_models
from modelcompose.errors import InvalidAnalysis, NotFound

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

GROWTH = '''"""Growth that levels off.

Every animal grows towards the same final size.
"""

import pymc as pm

columns = {"size": "positive", "age": "positive"}
outcome = "size"
answers = {"final": "The final size is"}


def build(table):
    with pm.Model() as model:
        age = pm.Data("age", table["age"].to_numpy(), dims="row")
        final = pm.LogNormal("final", 2, 0.5)
        rate = pm.HalfNormal("rate", 1)
        sigma = pm.HalfNormal("sigma", 1)
        mu = pm.Deterministic("mu", final * (1 - pm.math.exp(-rate * age)), dims="row")
        pm.Normal("size", mu, sigma, observed=table["size"].to_numpy(), shape=mu.shape, dims="row")
    return model
'''

FIVE_FAULTS = """import numpy as np
import pymc as pm

columns = {"size": "positiv", "age": "positive"}
outcome = "height"


def build(table):
    table["log_age"] = np.log(table["age"])
    with pm.Model() as model:
        slope = pm.Normal("slope", 0, 1)
        shift = pm.Normal("shift", 0, 1) * table["weight"].mean()
        pm.Normal("size", slope + shift, 1, observed=table["size"])
    return model
"""


def written(tmp_path, text, name="growth"):
    folder = tmp_path / "models"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text, "utf-8")
    with paths_from(tmp_path):
        return OwnModel.read(f"models/{name}.py")


def test_a_faultless_file_has_no_faults(tmp_path):
    assert faults(written(tmp_path, GROWTH)) == []


def test_five_planted_faults_give_exactly_five_messages(tmp_path):
    found = faults(written(tmp_path, FIVE_FAULTS))
    for one in found:
        print(f"{one.where}: {one.message} → {one.remedy}")
    assert [(one.where, one.message) for one in found] == [
        ("growth.py, line 1", "the file does not say what it is"),
        ("growth.py, line 4", "'positiv' is no kind of column (size)"),
        ("growth.py, line 5", "the outcome 'height' is none of the columns"),
        ("growth.py, line 9", "build reads the column 'log_age', which is not declared"),
        ("growth.py, line 12", "build reads the column 'weight', which is not declared"),
    ]
    assert all(one.remedy for one in found)


PLANTED = [
    ("import pymc as pm\n", "import pymc as pm\nimport nowhere_to_be_found\n", "line 7", "ModuleNotFoundError"),
    ("        rate = ", "        rate == 1\n        rate = ", "line 17", "rate"),
    ("def build(table):", "def build(table:", "line 13", "not valid Python"),
    ("def build(table):", "def build(table, more):", "line 13", "build takes table, more"),
    ("def build(table):", "def make(table):", "growth.py", "no function build"),
    ("    return model\n", "    return 5\n", "growth.py", "returns a int"),
    ("    return model\n", "    print(model)\n", "line 13", "returns nothing"),
    ("observed=table", "initval=table", "growth.py", "observes nothing"),
    (
        'observed=table["size"].to_numpy(), shape=mu.shape, dims="row"',
        'observed=table["size"].to_numpy()[:5], shape=5',
        "growth.py",
        "observes 5 values",
    ),
    ('LogNormal("final", 2, 0.5)', 'LogNormal("final", 2, 5000)', "growth.py", "not all finite"),
    ('pm.HalfNormal("sigma", 1)', 'pm.Uniform("sigma", 5, 5)', "growth.py", "not finite"),
    ("    with pm.Model()", "    table['age'] = 1.0\n    with pm.Model()", "growth.py", "changes the table"),
    ("columns = {", "columns = dict(a=1) or {", "line 8", "not declared"),
]


@pytest.mark.parametrize(("old", "new", "where", "said"), PLANTED)
def test_a_planted_fault_is_found_where_it_is(tmp_path, old, new, where, said):
    found = faults(written(tmp_path, GROWTH.replace(old, new)))
    assert [said in one.message and where in one.where for one in found].count(True) == 1, found


def test_a_model_that_differs_each_time_is_refused(tmp_path):
    text = GROWTH.replace("import pymc as pm", "import numpy as np\nimport pymc as pm").replace(
        '"final", 2, 0.5', '"final", np.random.default_rng().normal(), 0.5'
    )
    assert [one.message for one in faults(written(tmp_path, text))] == ["build gives another model each time"]


def table(tmp_path, n=60):
    rng = np.random.default_rng(8)
    age = rng.uniform(0.2, 6, n)
    size = 8 * (1 - np.exp(-0.7 * age)) + 0.4 * rng.standard_normal(n)
    path = tmp_path / "animals.csv"
    import pandas as pd

    pd.DataFrame({"age": age, "size": np.abs(size) + 0.01}).to_csv(path, index=False)
    return data.load(str(path), {"age": "positive", "size": "positive"})


def test_it_is_recommended_when_asked_for_and_only_where_its_columns_are(tmp_path):
    written(tmp_path, GROWTH)
    written(tmp_path, GROWTH.replace("age", "years"), "other")
    with paths_from(tmp_path):
        assert {one.id for one in own_models()} == {"models/growth.py", "models/other.py"}
        asked = Analysis(question="own", outcome="size", predictors=["age"])
        found = catalog.recommend(asked, table(tmp_path))
    assert [one.entry.id for one in found.candidates] == ["models/growth.py"]
    rules = {entry.id: rejection for entry, rejection in found.rejected}
    assert rules["models/other.py"].rule == "columns-missing"
    assert "years" in rules["models/other.py"].sentence


def test_it_brings_its_own_roles_and_recovers_what_was_simulated(tmp_path):
    from modelcompose import samplers

    written(tmp_path, GROWTH)
    with paths_from(tmp_path):
        dataset = table(tmp_path)
        analysis = catalog.complete(Analysis(data=dataset.name, model="models/growth.py"), dataset)
        assert (analysis.question, analysis.outcome, analysis.predictors) == ("own", "size", ["age"])
        rows, _ = dataset.rows(analysis)
        model = catalog.build(analysis, rows)
        dt = samplers.fit(model, draws=300, tune=500, chains=2, random_seed=1)
        effects = catalog.get(analysis.model).effects(analysis, rows, model, dt)
    assert [effect.name for effect in effects] == ["final"]
    assert abs(effects[0].draws.mean() - 8) < 4 * effects[0].draws.std()


def test_a_file_that_is_gone_is_named(tmp_path):
    with paths_from(tmp_path), pytest.raises(NotFound, match=r"models/gone\.py"):
        OwnModel.read("models/gone.py")


def test_an_error_while_building_names_the_line(tmp_path):
    model = written(tmp_path, GROWTH.replace('pm.HalfNormal("rate", 1)', 'pm.Normale("rate", 1)'))
    dataset = table(tmp_path)
    analysis = Analysis.of({"data": dataset.name, **model.roles()})
    with pytest.raises(InvalidAnalysis, match=r"growth\.py, line 17"):
        model.build(analysis, dataset.complete_rows(["size", "age"]))
