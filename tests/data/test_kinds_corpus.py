"""Kinds are guessed right for data that others collected.

``kinds.csv`` was labelled by hand, from names, descriptions and values, before the rules were tuned. ``also`` names
kinds that are as defensible: whether a positive measurement is called a number or a positive number changes no model.
Run with ``-s`` to see which kinds are taken for which.
"""

from __future__ import annotations

import importlib
import io
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
        rows += [(package, name, column, guess.kind) for column, guess in data.infer(frame).items()]
    return pd.DataFrame(rows, columns=["package", "dataset", "column", "guess"])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LABELS.merge(
            guessed(tmp_path_factory.mktemp("corpus")), how="left", on=["package", "dataset", "column"]
        )
    allowed = found["kind"] + "|" + found["also"]
    found["right"] = [guess in one.split("|") for guess, one in zip(found["guess"], allowed, strict=True)]
    return found


def test_every_column_is_labelled(answers: pd.DataFrame) -> None:
    assert answers["guess"].notna().all()


def test_nine_columns_in_ten_are_right(answers: pd.DataFrame) -> None:
    others = answers[answers["dataset"] != "digits"]
    strict = (answers["guess"] == answers["kind"]).mean()
    print()
    print(
        answers.assign(n=1)
        .pivot_table(index="kind", columns="guess", values="n", aggfunc="sum", fill_value=0)
        .to_string()
    )
    print(answers[~answers["right"]][["dataset", "column", "kind", "also", "guess"]].to_string())
    print(
        io.StringIO(
            f"right: {answers['right'].mean():.1%} of {len(answers)} columns; {others['right'].mean():.1%} of "
            f"{len(others)} without the pixels of digits; {strict:.1%} with the first label alone"
        ).getvalue()
    )
    assert answers["right"].mean() >= 0.9
    assert others["right"].mean() >= 0.9
