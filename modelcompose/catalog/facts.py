"""What the data say that bears on the choice of a model: measured once, quoted in every reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Facts", "skewness", "slope_of"]


@dataclass(frozen=True)
class Facts:
    """Summary of the outcome and the roles, over the rows in use.

    ``dispersion`` is the variance over the mean, for a rate when there is an exposure; ``outliers`` counts values
    whose robust z-score exceeds 5 once a least-squares fit of the predictors is taken off; ``sd_ratio`` is the largest
    over the smallest standard deviation between the levels of the first predictor when it has two. ``slope`` is the
    predictor whose effect may differ between groups. ``zeros`` is the share of exact zeros; ``skew`` and ``log_skew``
    are the skewness of a positive outcome and of its logarithm; ``values`` counts the outcome's different values. Each
    is None, or empty, where it makes no sense. ``analysis`` and ``table`` are there for what only one family asks.
    """

    analysis: Analysis = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    question: str
    outcome: str
    kind: str
    n: int
    kinds: Mapping[str, str]
    predictors: tuple[str, ...]
    groups: tuple[str, ...]
    exposure: str
    n_groups: int
    rows_per_group: float
    levels: int
    dispersion: float | None
    outliers: int
    sd_ratio: float | None
    slope: str
    zeros: float
    lowest: float | None
    highest: float | None
    skew: float | None
    log_skew: float | None
    values: int

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame, kinds: Mapping[str, str]) -> Facts:
        """Measure a table of complete rows, typed as declared."""
        y = _numbers(table[analysis.outcome])
        group = table[analysis.groups[0]] if analysis.groups else None
        kind = kinds[analysis.outcome]
        numeric = kind != "binary" and y is not None
        lowest, highest = (float(y.min()), float(y.max())) if y is not None else (None, None)
        positive = numeric and y is not None and bool((y > 0).all())
        return cls(
            analysis=analysis,
            table=table,
            question=analysis.question,
            outcome=analysis.outcome,
            kind=kind,
            n=len(table),
            kinds=dict(kinds),
            predictors=tuple(analysis.predictors),
            groups=tuple(analysis.groups),
            exposure=analysis.exposure,
            n_groups=0 if group is None else group.nunique(),
            rows_per_group=0.0 if group is None else float(group.value_counts().median()),
            levels=table[analysis.predictors[0]].nunique() if analysis.predictors else 0,
            dispersion=_dispersion(y, table, analysis.exposure) if numeric and kind == "count" else None,
            outliers=_outliers(_leftover(y, table, analysis.predictors)) if numeric else 0,
            sd_ratio=_sd_ratio(y, table, analysis) if numeric else None,
            slope=slope_of(analysis, table),
            zeros=float((y == 0).mean()) if numeric and y is not None else 0.0,
            lowest=lowest,
            highest=highest,
            skew=skewness(y) if positive and y is not None else None,
            log_skew=skewness(np.log(y)) if positive and y is not None else None,
            values=table[analysis.outcome].nunique(),
        )

    def given(self, role: str) -> list[str]:
        """Return the columns that were given a role."""
        return self.analysis.given(role)

    @property
    def repeated(self) -> bool:
        """Whether rows belong together in groups of typically two or more."""
        return bool(self.groups) and self.rows_per_group >= 2


def skewness(values: np.ndarray) -> float:
    """Return the third standardised moment; 0 where nothing varies."""
    centred = values - values.mean()
    spread = float(centred.std())
    return float((centred**3).mean() / spread**3) if spread > 0 else 0.0


def _numbers(column: pd.Series) -> np.ndarray | None:
    return column.to_numpy(float) if column.dtype.kind in "iufb" else None


def _dispersion(y: np.ndarray | None, table: pd.DataFrame, exposure: str) -> float | None:
    """Pearson's statistic over its degrees of freedom: 1 when events come at one constant rate."""
    if y is None or len(y) < 2 or not y.sum() > 0:
        return None
    at_risk = table[exposure].to_numpy(float) if exposure else np.ones(len(y))
    mean = at_risk * y.sum() / at_risk.sum()
    return float(np.sum((y - mean) ** 2 / mean) / (len(y) - 1))


def _leftover(y: np.ndarray | None, table: pd.DataFrame, predictors: Sequence[str]) -> np.ndarray | None:
    """Return what a least-squares fit of the predictors leaves over; all of the outcome when rows are too few."""
    import pandas as pd

    if y is None or not predictors:
        return y
    columns = pd.get_dummies(table[list(predictors)], drop_first=True, dtype=float).select_dtypes("number")
    design = np.column_stack([np.ones(len(y)), columns.to_numpy(float)])
    if len(y) < 2 * design.shape[1]:
        return y
    return np.asarray(y - design @ np.linalg.lstsq(design, y)[0])


def _outliers(y: np.ndarray | None) -> int:
    if y is None:
        return 0
    distance = np.abs(y - np.median(y))
    scale = 1.4826 * np.median(distance)
    return int(np.sum(distance > 5 * scale)) if scale > 0 else 0


def _sd_ratio(y: np.ndarray | None, table: pd.DataFrame, analysis: Analysis) -> float | None:
    if y is None or not analysis.predictors or table[analysis.predictors[0]].nunique() != 2:
        return None
    spreads = table.assign(_y=y).groupby(analysis.predictors[0], observed=True)["_y"].std()
    return float(spreads.max() / spreads.min()) if spreads.min() > 0 else None


def slope_of(analysis: Analysis, table: pd.DataFrame) -> str:
    """Return the predictor whose effect may differ between groups: one that changes within them, numbers first."""
    if not analysis.groups:
        return ""
    numbers_first = sorted(analysis.predictors, key=lambda name: table[name].dtype.kind not in "iuf")
    return next((name for name in numbers_first if _varies(table, analysis.groups[0], name)), "")


def _varies(table: pd.DataFrame, group: str, name: str) -> bool:
    """Tell whether a column takes several values inside a typical group."""
    return bool(table.groupby(group, observed=True)[name].nunique().median() >= 2)
