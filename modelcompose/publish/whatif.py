"""What would the model expect, if? The numbers behind the sliders of an app.

Predictions are of the expected outcome, for a typical group unless one is chosen; beside it stands where a single new
row may fall, since an average is known better than the next observation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog import effects
from modelcompose.errors import InvalidInput
from modelcompose.workflow import words

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Scenarios"]

DRAWS = 1000
ROWS_FOR_RANGE = 100
DRAWS_FOR_RANGE = 200
MOST_LEVELS = 200
STEPS = 100
POINTS = 80
SPOKEN = 4
SEED = 1


class Scenarios:
    """Predictions of one fitted model for rows that a reader makes up.

    Parameters
    ----------
    analysis, table, model
        The choices, the rows in use, and the Bambi model built from them.
    dt
        DataTree with the ``posterior`` of that model.

    Attributes
    ----------
    controls
        What can be chosen, as JSON values: ``name``, ``label`` and ``kind``; numbers also have ``min``, ``max``,
        ``step`` and ``unit``, categories ``levels``.
    start
        A typical row: the middle of each number, the most frequent level of each category, a typical group.
    """

    def __init__(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> None:
        self._analysis, self._table, self._model = analysis, table, model
        self._dt = _thinned(dt, DRAWS)
        self._binary = effects.outcome_unit(analysis, table) == "percentage points"
        self._typical = f"typical {' and '.join(analysis.groups)}"
        inputs = dict.fromkeys(name for name in (*analysis.predictors, analysis.exposure) if name)
        self.controls = [self._control(name) for name in inputs if name not in analysis.groups]
        self.controls += self._group_control()
        self.start = {control["name"]: self._middle(control) for control in self.controls}
        self._range = self._whole_range(dt)

    # -- what can be chosen --------------------------------------------------------------------------------------

    def _control(self, name: str) -> dict[str, Any]:
        column = self._table[name]
        unit = self._analysis.units.get(name, "")
        if hasattr(column, "cat") or column.nunique() <= 2:
            levels = [str(level) for level in _levels(column)]
            return {"name": name, "label": name, "kind": "category", "levels": levels, "unit": unit}
        low, high, step = _scale(column)
        return {"name": name, "label": name, "kind": "number", "min": low, "max": high, "step": step, "unit": unit}

    def _group_control(self) -> Iterator[dict[str, Any]]:
        """Offer the groups themselves where there is one column of them and they fit into a list."""
        if len(self._analysis.groups) != 1:
            return
        name = self._analysis.groups[0]
        levels = [str(level) for level in _levels(self._table[name])]
        if len(levels) <= MOST_LEVELS and self._typical not in levels:
            yield {"name": name, "label": name, "kind": "category", "levels": [self._typical, *levels], "unit": ""}

    def _middle(self, control: Mapping[str, Any]) -> float | str:
        column = self._table[control["name"]]
        if control["kind"] == "number":
            return _rounded(float(column.median()), control)
        if control["levels"][0] == self._typical:
            return self._typical
        return str(column.mode().iloc[0])

    # -- what is expected ----------------------------------------------------------------------------------------

    def predict(self, values: object) -> dict[str, Any]:
        """Predict the outcome of a row.

        Parameters
        ----------
        values
            A value for each control, by name; one that is missing is taken from ``start``.

        Returns
        -------
        dict
            JSON values: ``outcome``, ``unit``, ``lower``, ``median``, ``upper`` and ``ci_prob`` of the expected
            outcome, in percent when the outcome is yes or no; ``sentence``; ``density``, with ``x`` and ``y`` of the
            same length, or None; and ``range``, lowest and highest of an axis that stays put.

        Raises
        ------
        InvalidInput
            When there is no such control, or its value is none that can be chosen.
        """
        chosen = self._valid(values)
        group = next((name for name in self._analysis.groups if chosen.get(name, self._typical) != self._typical), "")
        draws, new_rows = self._draws(self._row(chosen), group=bool(group))
        ci_prob = self._analysis.ci_prob
        low, middle, high = _interval(draws, ci_prob)
        self._range = (min(self._range[0], low), max(self._range[1], high))
        return {
            "outcome": self._outcome(),
            "unit": self._unit(),
            "lower": low,
            "median": middle,
            "upper": high,
            "ci_prob": ci_prob,
            "sentence": self._sentence(chosen, group, draws, new_rows),
            "density": _density(draws),
            "range": list(self._range),
        }

    def _valid(self, values: object) -> dict[str, float | str]:
        if not isinstance(values, Mapping):
            raise InvalidInput("the values must be given by the name of their column", where="what-if")
        controls = {control["name"]: control for control in self.controls}
        for name in values:
            if name not in controls:
                raise InvalidInput(
                    f"there is nothing to choose named {str(name)[:80]!r}",
                    where="what-if",
                    remedy=f"Choose: {', '.join(controls) or 'nothing'}.",
                )
        return {name: _allowed(control, values.get(name, self.start[name])) for name, control in controls.items()}

    def _row(self, chosen: Mapping[str, float | str]) -> pd.DataFrame:
        """Return one row, of the table's types, that holds what was chosen."""
        import pandas as pd

        row = self._table.iloc[[0]].copy()
        for name, value in chosen.items():
            column = self._table[name]
            if value == self._typical and name in self._analysis.groups:
                continue
            level = value if not isinstance(value, str) else {str(one): one for one in _levels(column)}[value]
            kept = hasattr(column, "cat") or (column.dtype.kind == "b")
            row[name] = pd.Series([level], index=row.index, dtype=column.dtype if kept else None)
        return row

    def _draws(self, row: pd.DataFrame, *, group: bool) -> tuple[np.ndarray, np.ndarray]:
        """Draw the expected outcome of a row, and single new rows like it; shapes (draws,)."""
        from pytensor.configdefaults import config

        # Every row makes a graph with constants of its own; compiling each one takes longer than drawing from it.
        with config.change_flags(mode="FAST_COMPILE"):
            predicted = self._model.predict(
                self._dt,
                kind="response_params" if self._binary else "response",
                data=row,
                inplace=False,
                include_group_specific=group,
                random_seed=SEED,
            )
        expected = _flat(predicted["posterior"][self._model.family.likelihood.parent])
        if self._binary:
            return 100 * expected, expected
        new_rows = predicted["posterior_predictive"]
        return expected, _flat(new_rows[next(iter(new_rows.data_vars))])

    # -- in words ------------------------------------------------------------------------------------------------

    def _sentence(self, chosen: Mapping[str, float | str], group: str, draws: np.ndarray, new_rows: np.ndarray) -> str:
        low, middle, high = _interval(draws, self._analysis.ci_prob)
        sd, unit = float(draws.std()), self._with_unit()
        share = f"{self._analysis.ci_prob:.0%}"
        known = (
            f"given the data and this model, there is a {share} probability that it is between "
            f"{words.number(low, sd)} and {words.number(high, sd)}{unit}."
        )
        about = f"{self._subject()} {self._described(chosen, group)} is about {words.number(middle, sd)}{unit}; {known}"
        if self._binary:
            return f"{about} Of 100 such rows, about {round(middle)} would be a yes."
        first, _, last = _interval(new_rows, self._analysis.ci_prob)
        spread = float(new_rows.std())
        return (
            f"{about} That is the average: a single new row may lie between {words.number(first, spread)} and "
            f"{words.number(last, spread)}{unit} ({share} probability)."
        )

    def _subject(self) -> str:
        return f"The chance of {self._outcome()}" if self._binary else f"The average of {self._outcome()}"

    def _described(self, chosen: Mapping[str, float | str], group: str) -> str:
        settings = {name: value for name, value in chosen.items() if name not in self._analysis.groups}
        said = ", ".join(f"{name} = {self._spelt(name, value)}" for name, value in settings.items())
        rows = f"for rows with {said}" if 0 < len(settings) <= SPOKEN else "for such rows" if settings else ""
        where = f"in {group} {chosen[group]}" if group else f"in a {self._typical}" if self._analysis.groups else ""
        return " ".join(part for part in (rows, where) if part) or "over all rows"

    def _spelt(self, name: str, value: float | str) -> str:
        unit = self._analysis.units.get(name, "")
        return f"{value:.6g}{f' {unit}' if unit else ''}" if not isinstance(value, str) else value

    def _outcome(self) -> str:
        column = self._table[self._analysis.outcome]
        if not self._binary:
            return self._analysis.outcome
        yes = column.cat.categories[-1] if hasattr(column, "cat") else 1
        return f"{self._analysis.outcome} = {yes}"

    def _unit(self) -> str:
        return "%" if self._binary else self._analysis.units.get(self._analysis.outcome, "")

    def _with_unit(self) -> str:
        unit = self._unit()
        return unit if unit in ("", "%") else f" {unit}"

    # -- the axis ------------------------------------------------------------------------------------------------

    def _whole_range(self, dt: Any) -> tuple[float, float]:
        """Return an axis that holds the expected outcome of the table's rows and of each control's ends."""
        import pandas as pd

        every = max(1, len(self._table) // ROWS_FOR_RANGE)
        ends = [
            self._row({**self.start, control["name"]: end})
            for control in self.controls
            if control["kind"] == "number"
            for end in (control["min"], control["max"])
        ]
        rows = pd.concat(
            [self._table.iloc[::every], *(end.astype(self._table.dtypes, errors="ignore") for end in ends)]
        )
        drawn = effects.expected(self._model, _thinned(dt, DRAWS_FOR_RANGE), rows)
        low, high = float(np.quantile(drawn, 0.01, axis=0).min()), float(np.quantile(drawn, 0.99, axis=0).max())
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        if self._binary:
            return max(0.0, 100 * (low - margin)), min(100.0, 100 * (high + margin))
        return (max(0.0, low - margin) if low >= 0 else low - margin), high + margin


def _thinned(dt: Any, draws: int) -> Any:
    """Keep about so many draws of the posterior, evenly spaced."""
    from xarray import DataTree

    posterior = dt["posterior"].to_dataset()
    every = max(1, math.ceil(posterior.sizes["chain"] * posterior.sizes["draw"] / draws))
    return DataTree.from_dict({"posterior": posterior.isel(draw=slice(None, None, every)).load()})


def _flat(values: Any) -> np.ndarray:
    return np.asarray(values.values, dtype=float).ravel()


def _levels(column: pd.Series[Any]) -> list[Any]:
    return list(column.cat.categories) if hasattr(column, "cat") else sorted(column.unique())


def _scale(column: pd.Series[Any]) -> tuple[float, float, float]:
    """Return the ends of a slider, within what was observed, and a round step."""
    low, high = float(column.min()), float(column.max())
    if column.dtype.kind in "iu":
        return low, high, float(max(1, 10 ** math.floor(math.log10(max(1.0, (high - low) / STEPS)))))
    step = float(10 ** math.floor(math.log10((high - low) / STEPS)))
    decimals = max(0, -round(math.log10(step)))
    inner = (
        round(math.ceil(low / step - 1e-9) * step, decimals),
        round(math.floor(high / step + 1e-9) * step, decimals),
    )
    return inner[0], inner[1], step


def _rounded(value: float, control: Mapping[str, Any]) -> float:
    steps = round((value - control["min"]) / control["step"])
    decimals = max(0, -math.floor(math.log10(control["step"])))
    return float(min(round(control["min"] + steps * control["step"], decimals), control["max"]))


def _allowed(control: Mapping[str, Any], value: object) -> float | str:
    name = control["name"]
    if control["kind"] == "category":
        if value not in control["levels"]:
            some = ", ".join(control["levels"][:8])
            raise InvalidInput(
                f"{str(value)[:80]!r} is no level of {name}", where=name, remedy=f"Choose one of: {some}."
            )
        return str(value)
    low, high = control["min"], control["max"]
    slack = 1e-9 * max(abs(low), abs(high))
    if isinstance(value, int | float) and not isinstance(value, bool) and low - slack <= value <= high + slack:
        return float(value)
    raise InvalidInput(
        f"{str(value)[:80]!r} is no value of {name} that was observed",
        where=name,
        remedy=f"Choose a number from {low:g} to {high:g}.",
    )


def _interval(draws: np.ndarray, ci_prob: float) -> tuple[float, float, float]:
    low, middle, high = np.quantile(draws, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    return float(low), float(middle), float(high)


def _density(draws: np.ndarray) -> dict[str, list[float]] | None:
    """Smooth the draws into a curve; none where they hardly differ."""
    from scipy.stats import gaussian_kde

    low, high = np.quantile(draws, [0.001, 0.999])
    if not draws.std() > 1e-9 * max(1.0, abs(float(draws.mean()))):
        return None
    x = np.linspace(low, high, POINTS)
    return {"x": x.tolist(), "y": gaussian_kde(draws)(x).tolist()}
