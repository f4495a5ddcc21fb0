"""From a posterior to the quantities people ask for, on the outcome's scale.

Comparisons are made by g-computation: predict every row as it is and with one column changed, and average the
difference over the rows (Gelman, Hill and Vehtari 2020, Regression and Other Stories, section 14.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Effect", "comparisons", "expected", "group_levels", "outcome_unit", "spreads"]


@dataclass(frozen=True)
class Effect:
    """One quantity with its posterior draws.

    Parameters
    ----------
    name
        What it is, as the subject of a sentence.
    kind
        ``difference`` (0 means none), ``ratio`` (1 means none), ``level`` or ``spread`` (never negative).
    draws
        Posterior draws, shape (chains × draws,).
    unit
        Unit of the draws, ``""`` for ratios.
    headline
        Whether it answers the question; others are said in addition.
    """

    name: str
    kind: Literal["difference", "ratio", "level", "spread"]
    draws: np.ndarray
    unit: str = ""
    headline: bool = True


def expected(model: Any, dt: Any, rows: pd.DataFrame, *, groups: bool = False) -> np.ndarray:
    """Predict the expected outcome of rows.

    Parameters
    ----------
    model, dt
        A Bambi model and its posterior.
    rows
        New rows with the columns that the model uses.
    groups
        Whether the effects of the rows' groups enter; otherwise those of a typical group.

    Returns
    -------
    numpy.ndarray
        Shape (chains × draws, rows).
    """
    from xarray import DataTree

    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    predicted = model.predict(light, kind="response_params", data=rows, inplace=False, include_group_specific=groups)
    values = predicted["posterior"][model.family.likelihood.parent]
    return np.asarray(values.stack(sample=("chain", "draw")).transpose("sample", ...).values)


def comparisons(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any, *, ratio: bool) -> list[Effect]:
    """Compare the expected outcome one unit of a number apart, and each level of a category with its first.

    Parameters
    ----------
    ratio
        Whether to compare by ratio, as suits a log link, instead of by difference.
    """
    rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=0)
    unit = outcome_unit(analysis, table)
    found = []
    for name in analysis.predictors:
        for subject, low, high in _contrasts(name, rows, analysis):
            before, after = expected(model, dt, low), expected(model, dt, high)
            draws = after.mean(1) / before.mean(1) if ratio else (after - before).mean(1)
            found.append(Effect(subject, "ratio" if ratio else "difference", draws, "" if ratio else unit))
    return found


def group_levels(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Return the expected outcome of every group, at the other columns' typical values."""
    group = analysis.groups[0]
    rows = table.drop_duplicates(group).sort_values(group)
    draws = expected(model, dt, rows, groups=True)
    unit = outcome_unit(analysis, table)
    return [
        Effect(f"the average of {analysis.outcome} in {group} {level}", "level", draws[:, at], unit)
        for at, level in enumerate(rows[group].astype(str))
    ]


def spreads(dt: Any) -> list[Effect]:
    """Return the standard deviations between groups, as far as the model has them."""
    posterior = dt["posterior"]
    return [
        Effect(
            f"the spread between groups of {name.removesuffix('_sigma').replace('|', ' by ')} (standard deviation)",
            "spread",
            posterior[name].values.ravel(),
            headline=False,
        )
        for name in map(str, posterior.data_vars)
        if name.endswith("_sigma") and "|" in name
    ]


ROWS = 500


def outcome_unit(analysis: Analysis, table: pd.DataFrame) -> str:
    """Return the unit of the outcome's mean: declared, or percentage points for a binary outcome."""
    column = table[analysis.outcome]
    if hasattr(column, "cat") or set(column.unique()) <= {0, 1}:
        return "percentage points"
    return analysis.units.get(analysis.outcome, "")


def _contrasts(name: str, rows: pd.DataFrame, analysis: Analysis) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Pair the rows before and after a change of one column, with the change in words."""
    column = rows[name]
    outcome = analysis.outcome
    if hasattr(column, "cat"):
        first, *levels = column.cat.categories
        return [
            (f"{outcome} of {name} {level} compared with {first}", _set(rows, name, first), _set(rows, name, level))
            for level in levels
        ]
    if set(column.unique()) <= {0, 1}:
        return [(f"{outcome} with {name} = 1 compared with 0", _set(rows, name, 0), _set(rows, name, 1))]
    unit = analysis.units.get(name, "")
    step = f"one {unit} more of {name}" if unit else f"one more of {name}"
    return [(f"{outcome} for {step}", rows, rows.assign(**{name: column + 1}))]


def _set(rows: pd.DataFrame, name: str, value: Any) -> pd.DataFrame:
    import pandas as pd

    column = rows[name]
    if hasattr(column, "cat"):
        return rows.assign(**{name: pd.Series([value] * len(rows), index=rows.index, dtype=column.dtype)})
    return rows.assign(**{name: value})
