"""From a posterior to the quantities people ask for, on the outcome's scale.

Comparisons are made by g-computation: predict every row as it is and with one column changed, and average the
difference over the rows (Gelman, Hill and Vehtari 2020, Regression and Other Stories, section 14.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelcompose.catalog.predictions import expected

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = [
    "SCALES",
    "Effect",
    "comparisons",
    "contrasts",
    "expected",
    "group_levels",
    "outcome_unit",
    "samples",
    "spreads",
]


@dataclass(frozen=True)
class Effect:
    """One quantity with its posterior draws.

    Parameters
    ----------
    name
        What it is, in a few words: for tables and pictures.
    lead
        How a sentence on its size begins; the size follows.
    kind
        ``difference`` (0 means none), ``ratio`` (1 means none), ``effect`` (0 means none, said as it is), ``level`` or
        ``spread`` (never negative).
    draws
        Posterior draws, shape (chains × draws,).
    unit
        Unit of the draws, ``""`` for ratios.
    headline
        Whether it answers the question; others are said in addition.
    """

    name: str
    lead: str
    kind: Literal["difference", "ratio", "effect", "level", "spread"]
    draws: np.ndarray
    unit: str = ""
    headline: bool = True


def comparisons(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any, *, ratio: bool) -> list[Effect]:
    """Compare the expected outcome one unit of a number apart, and each level of a category with its first.

    Parameters
    ----------
    ratio
        Whether to compare by ratio, as suits a log link, instead of by difference.
    """
    rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=0)
    unit = outcome_unit(analysis, table)
    target = target_words(analysis, table)
    found = []
    for name in analysis.predictors:
        for step, short, low, high in contrasts(name, rows, analysis):
            before, after = expected(model, dt, low), expected(model, dt, high)
            if ratio:
                draws = after.mean(1) / before.mean(1)
                found.append(Effect(f"{short} (factor)", f"{step}, {target} is multiplied by", "ratio", draws))
            else:
                draws = (after - before).mean(1)
                found.append(Effect(short, f"{step}, {target} is", "difference", draws, unit))
    return found


def samples(dt: Any, name: str) -> np.ndarray:
    """Return the draws of a variable, shape (chains × draws,) or with the variable's own dimensions behind."""
    values = dt["posterior"][name]
    return np.asarray(values.stack(sample=("chain", "draw")).transpose("sample", ...).values)


def group_levels(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Return the expected outcome of every group, with the other columns as in its first row."""
    group = analysis.groups[0]
    rows = table.drop_duplicates(group).sort_values(group)
    draws = expected(model, dt, rows, groups=True)
    unit = outcome_unit(analysis, table)
    target = target_words(analysis, table)
    return [
        Effect(f"{group} {level}", f"For {group} {level}, {target} is", "level", draws[:, at], unit)
        for at, level in enumerate(rows[group].astype(str))
    ]


SCALES = {"log": "on the logarithmic scale", "logit": "in log-odds"}
"""The scale on which groups differ, by the model's link."""


def spreads(dt: Any, *, link: str = "", unit: str = "") -> list[Effect]:
    """Return the standard deviations between groups, as far as the model has them.

    Parameters
    ----------
    link
        The model's link, which says on what scale they are.
    unit
        Unit of the outcome, for models without a link.
    """
    posterior = dt["posterior"]
    return [
        _spread(name.removesuffix("_sigma"), posterior[name].values.ravel(), SCALES.get(link, unit))
        for name in map(str, posterior.data_vars)
        if name.endswith("_sigma") and "|" in name
    ]


def _spread(term: str, draws: np.ndarray, unit: str) -> Effect:
    effect, _, group = term.partition("|")
    subject = "their level" if effect == "1" else f"the effect of {effect}"
    short = f"spread of {'levels' if effect == '1' else effect} between {group}"
    lead = f"From one {group} to another, {subject} varies with a standard deviation of"
    return Effect(short, lead, "spread", draws, unit, headline=False)


def target_words(analysis: Analysis, table: pd.DataFrame) -> str:
    """Name what is predicted: an average, an expected number, a share, or the chance of the last of two levels."""
    column = table[analysis.outcome]
    if analysis.trials:
        return f"the share of {analysis.outcome} in {analysis.trials}"
    if hasattr(column, "cat"):
        return f"the chance of {analysis.outcome} = {column.cat.categories[-1]}"
    if analysis.kinds.get(analysis.outcome) == "binary":
        return f"the chance of {analysis.outcome}"
    if analysis.kinds.get(analysis.outcome) == "count":
        return f"the expected number of {analysis.outcome}"
    return f"the average of {analysis.outcome}"


ROWS = 500


def outcome_unit(analysis: Analysis, table: pd.DataFrame) -> str:
    """Return the unit of the outcome's mean: declared, or percentage points for a binary outcome."""
    column = table[analysis.outcome]
    if hasattr(column, "cat") or set(column.unique()) <= {0, 1}:
        return "percentage points"
    return analysis.units.get(analysis.outcome, "")


def contrasts(name: str, rows: pd.DataFrame, analysis: Analysis) -> list[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Pair the rows before and after a change of one column.

    Returns
    -------
    For each change: it in words, long and short, the rows before it and the rows after it.
    """
    column = rows[name]
    if hasattr(column, "cat"):
        first, *levels = column.cat.categories
        return [
            (
                f"With {name} {level} instead of {first}",
                f"{name}: {level} against {first}",
                _set(rows, name, first),
                _set(rows, name, level),
            )
            for level in levels
        ]
    if set(column.unique()) <= {0, 1}:
        return [(f"With {name} 1 instead of 0", f"{name}: 1 against 0", _set(rows, name, 0), _set(rows, name, 1))]
    unit = analysis.units.get(name, "")
    said = "" if unit.lower().rstrip("s") == name.lower().rstrip("s") else unit  # not “Days higher by 1 days”
    step = f"With {name} higher by 1 {said}".rstrip()
    return [(step, f"{name}, per 1 {said}".rstrip(), rows, rows.assign(**{name: column + 1}))]


def _set(rows: pd.DataFrame, name: str, value: Any) -> pd.DataFrame:
    import pandas as pd

    column = rows[name]
    if hasattr(column, "cat"):
        return rows.assign(**{name: pd.Series([value] * len(rows), index=rows.index, dtype=column.dtype)})
    return rows.assign(**{name: value})
