"""What would the model expect, if? The numbers behind the sliders of an app.

Predictions are of the expected outcome, for a typical group unless one is chosen; beside it stands where a single new
row may fall, since an average is known better than the next observation. Of levels the chance of one is followed, of
waiting times the median, of directions the middle one. Where a model cannot predict rows that somebody makes up, there
are no sliders, and what it found is said instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog import effects
from modelcompose.catalog.curves import TURNS, mean_direction, turn_of
from modelcompose.catalog.predictions import can_predict
from modelcompose.errors import InvalidInput
from modelcompose.workflow import words

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.catalog.effects import Effect

__all__ = ["Scenarios"]

DRAWS = 1000
ROWS_FOR_RANGE = 100
DRAWS_FOR_RANGE = 200
MOST_LEVELS = 200
STEPS = 100
POINTS = 80
SPOKEN = 4
SEED = 1
CELLS = 1200
AT_ONCE = 300
VALUES = 21
FEWEST = 5
SHARED = ("outcome", "unit", "ci_prob", "range")


class Scenarios:
    """Predictions of one fitted model for rows that a reader makes up.

    Parameters
    ----------
    analysis, table, model
        The choices, the rows in use, and the model built from them, Bambi's or PyMC's.
    dt
        DataTree with the ``posterior`` of that model.

    Attributes
    ----------
    controls
        What can be chosen, as JSON values: ``name``, ``label`` and ``kind``; numbers also have ``min``, ``max``,
        ``step`` and ``unit``, categories ``levels``. None where the model cannot predict new rows.
    start
        A typical row: the middle of each number, the most frequent level of each category, a typical group.
    """

    def __init__(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> None:
        self._analysis, self._table, self._model = analysis, table, model
        self._dt = _thinned(dt, DRAWS)
        self._target = _Target.of(analysis, table)
        self._typical = f"typical {' and '.join(analysis.groups)}"
        inputs = list(dict.fromkeys(name for name in (*analysis.predictors, analysis.exposure) if name))
        self._found = None if _predicts(model, dt, table.iloc[[0]], inputs) else self._overview(dt)
        self.controls = [] if self._found else [self._control(name) for name in inputs if name not in analysis.groups]
        self.controls += [] if self._found else self._group_control()
        self.start = {control["name"]: self._middle(control) for control in self.controls}
        self._range = self._whole_range(dt) if not self._found else _ends(self._found[0].draws)

    def _overview(self, dt: Any) -> list[Effect]:
        """Return what the model found, for when it cannot predict new rows; what answers the question first."""
        found = catalog.get(self._analysis.model).effects(self._analysis, self._table, self._model, dt)
        return sorted(found, key=lambda effect: not effect.headline)

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
        """Offer the groups themselves where there is one column of them and they fit into a list.

        Models written in PyMC predict for a typical group only.
        """
        if len(self._analysis.groups) != 1 or not hasattr(self._model, "backend"):
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
            outcome, in percent when it is a chance or a share; ``sentence``; ``density``, with ``x`` and ``y`` of the
            same length, or None; and ``range``, lowest and highest of an axis that stays put.

        Raises
        ------
        InvalidInput
            When there is no such control, or its value is none that can be chosen.
        """
        chosen = self._valid(values)
        if self._found:
            return self._told(self._found)
        group = self._group(chosen)
        draws, new_rows = self._draws(self._row(chosen), group=bool(group))
        return self._expected(chosen, group, draws[:, 0], None if new_rows is None else new_rows[:, 0])

    def _group(self, chosen: Mapping[str, float | str]) -> str:
        """Return the column of groups of which one is chosen, or nothing for a typical one."""
        return next((name for name in self._analysis.groups if chosen.get(name, self._typical) != self._typical), "")

    def _expected(
        self, chosen: Mapping[str, float | str], group: str, draws: np.ndarray, new_rows: np.ndarray | None
    ) -> dict[str, Any]:
        ci_prob = self._analysis.ci_prob
        low, middle, high = _interval(draws, ci_prob)
        self._range = (min(self._range[0], low), max(self._range[1], high))
        return {
            "outcome": self._target.words,
            "unit": self._target.unit,
            "lower": low,
            "median": middle,
            "upper": high,
            "ci_prob": ci_prob,
            "sentence": self._sentence(chosen, group, draws, new_rows),
            "density": _density(draws),
            "range": list(self._range),
        }

    def _told(self, found: list[Effect]) -> dict[str, Any]:
        """Say what was found, in the shape of a prediction: the first quantity with its density."""
        ci_prob, first = self._analysis.ci_prob, found[0]
        low, middle, high = _interval(first.draws, ci_prob)
        said = [words.size(effect, ci_prob) for effect in found if effect.headline][:SPOKEN]
        return {
            "outcome": first.name,
            "unit": first.unit,
            "lower": low,
            "median": middle,
            "upper": high,
            "ci_prob": ci_prob,
            "sentence": " ".join(said or [words.size(first, ci_prob)]),
            "density": _density(first.draws),
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

    def _draws(self, rows: pd.DataFrame, *, group: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Draw what is expected of rows, and single new rows like them where that says more; shapes (draws, rows)."""
        from pytensor.configdefaults import config

        # Every row makes a graph with constants of its own; compiling each one takes longer than drawing from it.
        with config.change_flags(mode="FAST_COMPILE"):
            if not self._target.single_rows or not hasattr(self._model, "backend"):
                return self._target.of_rows(effects.expected(self._model, self._dt, rows, groups=group)), None
            predicted = self._model.predict(
                self._dt,
                kind="response",
                data=rows,
                inplace=False,
                include_group_specific=group,
                random_seed=SEED,
            )
        expected = predicted["posterior"][self._model.family.likelihood.parent]
        new_rows = predicted["posterior_predictive"]
        return _by_row(expected), _by_row(new_rows[next(iter(new_rows.data_vars))])

    # -- for a page without a kernel -----------------------------------------------------------------------------

    def frozen(self, most: int = CELLS) -> dict[str, Any]:
        """Predict every combination of some values of each control, for a page that cannot ask.

        Parameters
        ----------
        most
            How many combinations at most. Numbers are given fewer values, then whole controls are held at their start,
            those with most values first, until there are no more.

        Returns
        -------
        dict
            JSON values: ``controls`` with the values that they can take, ``start``, ``held`` (the controls that are
            left out, and their values), ``shared``, what all predictions have in common, and ``cells``, the rest of
            each prediction; the last control changes fastest. A density is told by where it ``begins`` and ``ends`` and
            its heights ``y``, in thousandths of the highest.
        """
        controls, held = _coarsened(self.controls, self.start, most)
        start = {control["name"]: _nearest(control, self.start[control["name"]]) for control in controls}
        if self._found:
            found = [self._told(self._found)]
        else:
            rows = [
                {**held, **dict(zip((control["name"] for control in controls), values, strict=True))}
                for values in product(*map(_values, controls))
            ]
            found = self._all(rows)
        for one in found:
            one["range"] = list(self._range)
        shared = {name: found[0][name] for name in SHARED}
        cells = [_packed({name: one[name] for name in one if name not in SHARED}) for one in found]
        return {"controls": controls, "start": start, "held": held, "shared": shared, "cells": cells}

    def _all(self, chosen: list[dict[str, float | str]]) -> list[dict[str, Any]]:
        """Predict many rows at once: those of typical groups, and those of a group that is named."""
        import pandas as pd

        found: dict[int, dict[str, Any]] = {}
        by_group = {at: self._group(one) for at, one in enumerate(chosen)}
        for named in sorted({bool(group) for group in by_group.values()}):
            places = [at for at, group in by_group.items() if bool(group) == named]
            for first in range(0, len(places), AT_ONCE):
                some = places[first : first + AT_ONCE]
                rows = pd.concat([self._row(chosen[at]) for at in some], ignore_index=True)
                draws, new_rows = self._draws(rows.astype(self._table.dtypes, errors="ignore"), group=named)
                for column, at in enumerate(some):
                    single = None if new_rows is None else new_rows[:, column]
                    found[at] = self._expected(chosen[at], by_group[at], draws[:, column], single)
        return [found[at] for at in range(len(chosen))]

    # -- in words ------------------------------------------------------------------------------------------------

    def _sentence(
        self, chosen: Mapping[str, float | str], group: str, draws: np.ndarray, new_rows: np.ndarray | None
    ) -> str:
        low, middle, high = _interval(draws, self._analysis.ci_prob)
        sd, unit = float(draws.std()), self._with_unit()
        share = f"{self._analysis.ci_prob:.0%}"
        known = (
            f"given the data and this model, there is a {share} probability that it is between "
            f"{words.number(low, sd)} and {words.number(high, sd)}{unit}."
        )
        subject = f"{self._target.subject} {self._described(chosen, group)}"
        about = f"{subject} is about {words.number(middle, sd)}{unit}; {known}"
        if self._target.level is not None:
            return f"{about} Of 100 such rows, about {round(middle)} would be {self._target.answer}."
        if new_rows is None:
            return about
        first, _, last = _interval(new_rows, self._analysis.ci_prob)
        spread = float(new_rows.std())
        return (
            f"{about} That is the average: a single new row may lie between {words.number(first, spread)} and "
            f"{words.number(last, spread)}{unit} ({share} probability)."
        )

    def _described(self, chosen: Mapping[str, float | str], group: str) -> str:
        settings = {name: value for name, value in chosen.items() if name not in self._analysis.groups}
        said = ", ".join(f"{name} = {self._spelt(name, value)}" for name, value in settings.items())
        rows = f"for rows with {said}" if 0 < len(settings) <= SPOKEN else "for such rows" if settings else ""
        where = f"in {group} {chosen[group]}" if group else f"in a {self._typical}" if self._analysis.groups else ""
        return " ".join(part for part in (rows, where) if part) or "over all rows"

    def _spelt(self, name: str, value: float | str) -> str:
        unit = self._analysis.units.get(name, "")
        return f"{value:.6g}{f' {unit}' if unit else ''}" if not isinstance(value, str) else value

    def _with_unit(self) -> str:
        unit = self._target.unit
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
        drawn = self._target.of_rows(effects.expected(self._model, _thinned(dt, DRAWS_FOR_RANGE), rows))
        low, high = float(np.quantile(drawn, 0.01, axis=0).min()), float(np.quantile(drawn, 0.99, axis=0).max())
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        if self._target.unit == "%":
            return max(0.0, low - margin), min(100.0, high + margin)
        return (max(0.0, low - margin) if low >= 0 else low - margin), high + margin


@dataclass(frozen=True)
class _Target:
    """What is followed of the outcome.

    ``words`` name it, ``subject`` begins a sentence on it; ``level`` is the number of the level whose chance it is,
    and ``answer`` what such rows are called; ``turn`` is the length of a full turn of a direction; ``single_rows``
    says whether new rows are worth simulating.
    """

    words: str
    subject: str
    unit: str
    level: int | None = None
    answer: str = ""
    turn: float = 0.0
    single_rows: bool = False

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame) -> _Target:
        name, column = analysis.outcome, table[analysis.outcome]
        unit = analysis.units.get(name, "")
        if hasattr(column, "cat"):
            return cls._of_levels(analysis, column)
        if analysis.trials:
            return cls(f"{name} in {analysis.trials}", f"The share of {name} in {analysis.trials}", "%")
        if effects.outcome_unit(analysis, table) == "percentage points":
            return cls(f"{name} = 1", f"The chance of {name} = 1", "%", level=-1, answer="a yes")
        if analysis.kinds.get(name) == "circular":
            turn = turn_of(column.to_numpy(float))
            return cls(name, f"The middle direction of {name}", unit or TURNS[turn], turn=turn)
        if analysis.question == "survival":
            return cls(name, f"The median of {name}", unit)
        quantile = getattr(catalog.get(analysis.model), "quantile", None)
        if quantile is not None:
            return cls(name, f"The value that {quantile:.0%} of {name} stay below", unit)
        return cls(name, f"The average of {name}", unit, single_rows=True)

    @classmethod
    def _of_levels(cls, analysis: Analysis, column: pd.Series[Any]) -> _Target:
        """Follow the last level, or the most frequent one where levels have no order."""
        levels = [str(level) for level in column.cat.categories]
        unordered = analysis.kinds.get(analysis.outcome) == "category" and len(levels) > 2
        level = int(column.cat.codes.mode().iloc[0]) if unordered else len(levels) - 1
        words = f"{analysis.outcome} = {levels[level]}"
        return cls(words, f"The chance of {words}", "%", level, levels[level] if len(levels) > 2 else "a yes")

    def of_rows(self, expected: np.ndarray) -> np.ndarray:
        """Turn what is expected of rows, shape (draws, rows) or with levels behind, into what is followed."""
        if expected.ndim == 3:
            expected = expected[..., self.level or 0]
        if self.turn:
            angles = expected * 2 * np.pi / self.turn
            middle = mean_direction(angles, 0)
            near = (angles - middle + np.pi) % (2 * np.pi) - np.pi + middle % (2 * np.pi)
            return np.asarray(near * self.turn / (2 * np.pi))
        return 100 * expected if self.unit == "%" else expected


def _predicts(model: Any, dt: Any, row: pd.DataFrame, inputs: list[str]) -> bool:
    """Tell whether rows that somebody makes up can be predicted; Bambi's models always do.

    A model of PyMC may hold its predictors in containers and still depend on the number of rows.
    """
    if hasattr(model, "backend"):
        return True
    if not can_predict(model, inputs):
        return False
    try:
        return bool(effects.expected(model, _thinned(dt, 2), row).shape[1] == 1)
    except ValueError:
        return False


def _coarsened(
    controls: list[dict[str, Any]], start: Mapping[str, float | str], most: int
) -> tuple[list[dict[str, Any]], dict[str, float | str]]:
    """Give controls fewer values, and hold some of them, until there are at most so many combinations."""
    sizes = {control["name"]: _size(control, VALUES) for control in controls}
    while math.prod(sizes.values()) > most:
        wide = [one["name"] for one in controls if one["kind"] == "number" and sizes.get(one["name"], 0) > FEWEST]
        if wide:
            name = max(wide, key=sizes.__getitem__)
            sizes[name] -= 1
        else:
            del sizes[max(sizes, key=sizes.__getitem__)]
    held = {control["name"]: start[control["name"]] for control in controls if control["name"] not in sizes}
    return [_with(control, sizes[control["name"]]) for control in controls if control["name"] in sizes], held


def _size(control: Mapping[str, Any], most: int) -> int:
    if control["kind"] == "category":
        return len(control["levels"])
    return int(min(most, round((control["max"] - control["min"]) / control["step"]) + 1))


def _with(control: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return a control with about so many values, evenly spaced from its lowest one."""
    if control["kind"] == "category":
        return dict(control)
    steps = round((control["max"] - control["min"]) / control["step"])
    every = max(1, math.ceil(steps / max(1, size - 1)))
    return {**control, "step": float(f"{every * control['step']:.10g}"), "max": _stop(control, steps // every * every)}


def _stop(control: Mapping[str, Any], steps: int) -> float:
    return float(f"{control['min'] + steps * control['step']:.10g}")


def _values(control: Mapping[str, Any]) -> list[float | str]:
    if control["kind"] == "category":
        return list(control["levels"])
    count = round((control["max"] - control["min"]) / control["step"])
    return [_stop(control, step) for step in range(count + 1)]


def _nearest(control: Mapping[str, Any], value: float | str) -> float | str:
    if isinstance(value, str):
        return value
    return min((one for one in _values(control) if not isinstance(one, str)), key=lambda one: abs(one - value))


def _packed(cell: dict[str, Any]) -> dict[str, Any]:
    """Round what a picture cannot show."""
    density = cell["density"]
    if density:
        highest = max(density["y"])
        density = {
            "begins": _short(density["x"][0]),
            "ends": _short(density["x"][-1]),
            "y": [round(1000 * height / highest) for height in density["y"][::2]],
        }
    ends = {name: _short(cell[name]) for name in ("lower", "median", "upper")}
    return {**cell, **ends, "density": density}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _ends(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.005, 0.995])
    return float(low), float(high)


def _thinned(dt: Any, draws: int) -> Any:
    """Keep about so many draws of the posterior, evenly spaced."""
    from xarray import DataTree

    posterior = dt["posterior"].to_dataset()
    every = max(1, math.ceil(posterior.sizes["chain"] * posterior.sizes["draw"] / draws))
    return DataTree.from_dict({"posterior": posterior.isel(draw=slice(None, None, every)).load()})


def _by_row(values: Any) -> np.ndarray:
    """Return draws of rows, of shape (chain, draw, row), as (draws, rows)."""
    found = np.asarray(values.values, dtype=float)
    return found.reshape(-1, found.shape[-1])


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
