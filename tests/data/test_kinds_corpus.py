"""Kinds are guessed right for data that others collected.

``kinds.csv`` was labelled by hand, from names, descriptions and values, before the rules were tuned. ``also`` names
kinds that are as defensible: whether a positive measurement is called a number or a positive number changes no model.
Run with ``-s`` to see which kinds are taken for which, how often only one label is counted, and what users are asked.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from pathlib import Path

import pandas as pd
import pytest

from modelcompose import data

LABELS = pd.read_csv(Path(__file__).with_name("kinds.csv"), keep_default_na=False)
CLASSES = ("iris", "wine", "breast_cancer")


def tables() -> dict[tuple[str, str], pd.DataFrame]:
    """Load every table that ships in the three packages."""
    datasets = pytest.importorskip("statsmodels.datasets", reason="uv sync installs statsmodels")
    sklearn = pytest.importorskip("sklearn.datasets", reason="uv sync installs scikit-learn")
    vega = pytest.importorskip("vega_datasets", reason="uv sync installs vega_datasets")
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for module in pkgutil.iter_modules(datasets.__path__):
        if module.ispkg and module.name != "tests":
            table = importlib.import_module(f"statsmodels.datasets.{module.name}").load_pandas().data
            table = table if isinstance(table, pd.DataFrame) else table.to_frame()
            found["statsmodels", module.name] = table.reset_index() if table.index.name else table
    for name in (*CLASSES, "diabetes", "digits", "linnerud"):
        bunch = getattr(sklearn, f"load_{name}")(as_frame=True)
        if name in CLASSES:
            bunch.frame["target"] = bunch.target_names[bunch.target]
        found["sklearn", name] = bunch.frame
    for name in vega.local_data.list_datasets():
        found["vega_datasets", name] = getattr(vega.local_data, name.replace("-", "_"))()
    return found


def guessed(folder: Path) -> pd.DataFrame:
    """Guess the kind of every column, read from a file as a user would bring it."""
    rows = []
    for (package, name), table in tables().items():
        path = folder / f"{package}-{name}.csv"
        table.to_csv(path, index=False)
        frame, _ = data.read(path)
        rows += [(package, name, column, guess.kind, guess.ask) for column, guess in data.infer(frame).items()]
    return pd.DataFrame(rows, columns=["package", "dataset", "column", "guess", "ask"])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LABELS.merge(
            guessed(tmp_path_factory.mktemp("corpus")), how="outer", on=["package", "dataset", "column"]
        )
    allowed = found["kind"] + "|" + found["also"]
    found["right"] = [guess in one.split("|") for guess, one in zip(found["guess"], allowed, strict=True)]
    return found


def test_every_column_is_labelled_and_every_label_has_its_column(answers: pd.DataFrame) -> None:
    assert answers["guess"].notna().all()
    assert answers["kind"].notna().all()
    assert set(answers["kind"]) <= set(data.KINDS)
    assert {kind for also in answers["also"] for kind in also.split("|") if kind} <= set(data.KINDS)


def measured(kind: pd.Series) -> pd.Series:
    """Call every measurement the same, positive or not: the catalogue offers the same models for both."""
    return kind.replace("positive", "continuous")


def test_nine_columns_in_ten_are_right(answers: pd.DataFrame) -> None:
    others = answers[answers["dataset"] != "digits"]
    confused = answers.assign(n=1).pivot_table(index="kind", columns="guess", values="n", aggfunc="sum", fill_value=0)
    print(f"\n{confused.to_string()}\n")
    print(answers[~answers["right"]][["dataset", "column", "kind", "also", "guess", "ask"]].to_string())
    for what, some in (("all columns", answers), ("without the pixels of digits", others)):
        strict = (some["guess"] == some["kind"]).mean()
        same = (measured(some["guess"]) == measured(some["kind"])).mean()
        print(
            f"{what}: {some['right'].mean():.1%} of {len(some)} right; with the first label alone {strict:.1%}, or "
            f"{same:.1%} if positive numbers count as numbers; asked about {some['ask'].map(bool).mean():.1%}"
        )
    assert answers["right"].mean() >= 0.95
    assert others["right"].mean() >= 0.95
    assert (measured(others["guess"]) == measured(others["kind"])).mean() >= 0.8


def test_where_a_guess_is_wrong_in_a_way_that_matters_it_mostly_asks(answers: pd.DataFrame) -> None:
    wrong = answers[~answers["right"]]
    assert [kind in ask for kind, ask in zip(wrong["kind"], wrong["ask"], strict=True)].count(True) >= len(wrong) / 2
