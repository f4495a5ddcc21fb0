"""New rows: read, typed like the rows that a model was fitted to, and predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.analysis import located
from modelcompose.catalog.unseen import unseen
from modelcompose.data import load
from modelcompose.data.cells import as_numbers
from modelcompose.data.dataset import as_labels
from modelcompose.data.kinds import as_dates
from modelcompose.errors import InvalidAnalysis, InvalidData, ModelComposeError
from modelcompose.workflow.fit import is_partial

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = ["Drawn", "drawn", "new_rows", "new_table"]

MOST_ROWS = 10_000
CHOOSING = frozenset({"filter", "distinct", "sort"})
MEASURING = frozenset({"standardise", "outliers"})


def new_table(analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Read the new rows, typed like the table that the model was fitted to.

    Returns
    -------
    tuple
        The rows that have all values needed, and how many were left out.

    Raises
    ------
    InvalidData
        When a column is missing, a category has a level that the model does not know, or the recipe has a step that
        would do something else to new rows.
    """
    import pandas as pd

    needed = [name for name in analysis.columns if name not in {*analysis.given("outcome"), analysis.event}]
    codes = {name: {"missing": one["missing"]} for name, one in dataset.variables.items() if one.get("missing")}
    found = load(
        analysis.new_rows,
        variables={name: one for name, one in codes.items() if name in needed},
        recipe=_recipe(analysis),
        root=located(""),
        least=1,
    ).frame
    lacking = [name for name in needed if name not in found]
    if lacking:
        raise InvalidData(
            f"the new rows lack the column {lacking[0]!r}, which the model needs",
            where=analysis.new_rows,
            remedy=f"Give the columns {', '.join(needed)}.",
        )
    kept = found[needed].notna().all(axis=1)
    if not MOST_ROWS >= kept.sum() > 0:
        raise InvalidData(
            f"{kept.sum()} new rows have all that the model needs; 1 to {MOST_ROWS} can be predicted at once",
            where=analysis.new_rows,
            remedy="Fill their gaps, or predict them in parts.",
        )
    rows = pd.DataFrame({name: _typed(found[name][kept], name, table[name], analysis, dataset) for name in needed})
    return rows.reset_index(drop=True), int((~kept).sum())


def _recipe(analysis: Analysis) -> list[dict[str, Any]]:
    """Return the steps that prepare a row; those that choose rows, perhaps by their outcome, are not for new ones.

    Raises
    ------
    InvalidData
        When a step measures the whole table, such as its average: new rows would be put on another scale.
    """
    kept = [step for step in analysis.recipe if step["do"] not in CHOOSING and not _leaves_out_gaps(step)]
    for step in kept:
        filled = step["do"] == "missing" and step.get("fill", "median") != "value"
        if step["do"] in MEASURING or filled or step.get("parts"):
            raise InvalidData(
                f"the step {step['do']!r} of the recipe measures the table as a whole, so that new rows would be "
                "prepared in another way than the model's",
                where="recipe",
                remedy="Leave the step out; models put predictors on a scale by themselves, and gaps have a choice.",
            )
    return kept


def _leaves_out_gaps(step: Mapping[str, Any]) -> bool:
    return bool(step["do"] == "missing" and step.get("how", "drop") == "drop")


def _typed(values: pd.Series[Any], name: str, column: Any, analysis: Analysis, dataset: Dataset) -> pd.Series[Any]:
    """Type new values of a column as the model has seen it."""
    import pandas as pd

    if hasattr(column, "cat"):
        return pd.Series(_like(as_labels(values), column, name, analysis), index=values.index)
    if column.dtype.kind == "M":
        dates = as_dates(values)
        if dates is None:
            raise InvalidData(f"{name} holds no dates in the new rows", where=analysis.new_rows)
        return dates
    numbers = as_numbers(values)
    if numbers.isna().any():
        wrong = values[numbers.isna()].iloc[0]
        raise InvalidData(f"{name} holds {wrong!r}, which is no number", where=analysis.new_rows)
    return numbers


def _like(values: pd.Series[Any], column: Any, name: str, analysis: Analysis) -> Any:
    """Type labels like a column; groups may be new, levels of a predictor may not."""
    import pandas as pd

    known = list(column.cat.categories)
    new = sorted(set(values) - set(known))
    if new and name not in analysis.groups:
        raise InvalidData(
            f"{name} has the level {new[0]!r}, of which the model knows nothing",
            where=analysis.new_rows,
            remedy=f"It knows {', '.join(map(str, known))}; leave the row out, or fit the model to rows that have it.",
        )
    return pd.Categorical(values, categories=[*known, *new], ordered=bool(column.cat.ordered))


@dataclass(frozen=True)
class Drawn:
    """Predictions of new rows, draw by draw.

    Parameters
    ----------
    rows
        The new rows, typed like the model's.
    dropped
        How many rows were left out because of gaps.
    average
        What is expected of each row, or the chance of the outcome's last class; shape (chains × draws, rows).
    single
        Single new observations of each row, of the same shape.
    """

    rows: pd.DataFrame
    dropped: int
    average: np.ndarray
    single: np.ndarray


def drawn(analysis: Analysis, dataset: Dataset, table: pd.DataFrame, model: Any, dt: Any) -> Drawn:
    """Predict new rows, draw by draw.

    Parameters
    ----------
    table
        The rows that the model was fitted to.

    Raises
    ------
    NotFound, InvalidData
        When the new rows cannot be read, or lack a column or a level.
    InvalidAnalysis
        When the model cannot predict new rows.
    """
    rows, dropped = new_table(analysis, dataset, table)
    try:
        found = unseen(model, dt, rows, outcome=analysis.outcome, random_seed=analysis.random_seed)
    except ModelComposeError:
        raise
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise InvalidAnalysis(
            f"this model cannot predict new rows: {error}", where="new_rows", remedy="Empty the choice new_rows."
        ) from None
    chance = found.expected if found.expected.ndim == 2 else found.expected[..., -1]
    return Drawn(rows, dropped, chance, found.outcome.astype(float))


def new_rows(
    analysis: Analysis, dataset: Dataset, table: pd.DataFrame, model: Any, dt: Any, classes: tuple[str, ...]
) -> Any:
    """Predict new rows: the interval of their average, and that of a single new observation.

    Parameters
    ----------
    table
        The rows that the model was fitted to.
    classes
        The names of the outcome's classes, of which the chance of the last is told; empty where it has none.

    Raises
    ------
    NotFound, InvalidData, InvalidAnalysis
        As for ``drawn``.
    """
    import xarray as xr

    found = drawn(analysis, dataset, table, model, dt)
    rows, edge = found.rows, (1 - analysis.ci_prob) / 2
    columns = {name: ("row", np.array(rows[name].astype(str), dtype=str)) for name in rows}
    return xr.Dataset(
        {
            "average": (("row", "end"), np.quantile(found.average, [edge, 0.5, 1 - edge], axis=0).T),
            "single": (("row", "end"), np.quantile(found.single, [edge, 0.5, 1 - edge], axis=0).T),
            "outside": ("row", np.array(_outside(analysis, rows, table), dtype=str)),
            **{f"column {name}": value for name, value in columns.items()},
        },
        coords={"row": np.arange(1, len(rows) + 1), "end": ["lower", "median", "upper"]},
        attrs={
            "dropped": found.dropped,
            "is_class": int(bool(classes)),
            "last": classes[-1] if classes else "",
            "partial": int(is_partial(dt)),
        },
    )


def _outside(analysis: Analysis, rows: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Say for each row what about it the model has never seen."""
    found: list[list[str]] = [[] for _ in range(len(rows))]
    for name in [*analysis.predictors, *analysis.given("time")]:
        if hasattr(table[name], "cat"):
            continue
        low, high = table[name].min(), table[name].max()
        for row in np.flatnonzero(((rows[name] < low) | (rows[name] > high)).to_numpy()):
            found[row].append(f"{name} beyond {_said(low)} to {_said(high)}")
    for name in analysis.groups:
        known = set(table[name].astype(str))
        for at, value in enumerate(rows[name].astype(str)):
            if value not in known:
                found[at].append(f"new {name}")
    return ["; ".join(one) for one in found]


def _said(value: Any) -> str:
    """Spell a number; a date or a word as it is."""
    return f"{value:.6g}" if isinstance(value, int | float | np.number) else str(value).removesuffix(" 00:00:00")
