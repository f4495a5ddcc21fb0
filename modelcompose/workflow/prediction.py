"""Prediction: slopes and contrasts on the outcome's scale, new rows, the time ahead, and how good it all is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.effects import Effect, outcome_unit, target_words
from modelcompose.catalog.predictions import can_predict, expected, outcome_draws, pointwise
from modelcompose.catalog.series import Clock
from modelcompose.errors import InvalidAnalysis
from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow import words
from modelcompose.workflow.calibration import trusted, without_each
from modelcompose.workflow.classification import GRID, Classes, middle
from modelcompose.workflow.new_rows import new_rows
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = ["check", "class_names", "predictions"]

ROWS = 200
ALMOST_ALL = 0.99
MOST_LEVELS, MOST_PAIRS, MOST_SHOWN = 8, 15, 30
FAN = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
PLACES = (("low", 0.1), ("middle", 0.5), ("high", 0.9))


# -- the work ------------------------------------------------------------------------------------------------------


def predictions(analysis: Analysis, dataset: Dataset, model: Any, dt: Any) -> Any:
    """Predict what an analysis asks for.

    Parameters
    ----------
    dataset
        The table that the model was fitted to.
    model, dt
        The fitted model and its posterior, with the group ``posterior_predictive``; with ``log_likelihood`` the
        quality of predictions is that for rows left out.

    Returns
    -------
    xarray.DataTree
        ``contrasts`` with draws of slopes and contrasts; ``quality`` with observed and predicted outcomes; ``classes``
        where the outcome is a class; ``new_rows`` and ``forecast`` where they were asked for.

    Raises
    ------
    NotFound, InvalidData
        When the table of new rows cannot be read, or lacks a column or a level.
    InvalidAnalysis
        When the model cannot predict what is asked.
    """
    from xarray import DataTree

    table, _ = dataset.rows(analysis)
    entry = catalog.get(analysis.model)
    rows = entry.observed(analysis, table)
    groups = {
        "contrasts": _contrasts(analysis, rows, model, dt),
        "quality": _quality(analysis, rows, model, dt),
        "new_rows": new_rows(analysis, dataset, rows, model, dt, class_names(analysis, rows))
        if analysis.new_rows
        else None,
        "forecast": _forecast(analysis, rows, dt) if analysis.horizon else None,
    }
    return DataTree.from_dict({name: group for name, group in groups.items() if group is not None})


def _contrasts(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Any:
    """Gather draws of average slopes and contrasts; None where the model cannot predict other rows than it saw."""
    import xarray as xr

    if not analysis.predictors or not can_predict(model, analysis.predictors) or getattr(model, "gaps", None):
        return None
    rows = table if len(table) <= ROWS else table.sample(ROWS, random_state=analysis.random_seed)
    found = [one for name in analysis.predictors for one in _of_predictor(name, analysis, rows, table, model, dt)]
    if not found:
        return None
    names, kinds, units, draws = zip(*found, strict=True)
    return xr.Dataset(
        {"draws": (("quantity", "sample"), np.stack(draws).astype("float32"))},
        coords={"quantity": list(names), "kind": ("quantity", list(kinds)), "unit": ("quantity", list(units))},
    )


Quantity = tuple[str, str, str, np.ndarray]


def _of_predictor(
    name: str, analysis: Analysis, rows: pd.DataFrame, table: pd.DataFrame, model: Any, dt: Any
) -> Iterator[Quantity]:
    column, unit = table[name], "percentage points" if analysis.trials else outcome_unit(analysis, table)
    percent = 100.0 if unit == "percentage points" else 1.0
    if hasattr(column, "cat"):
        levels = list(column.cat.categories)[:MOST_LEVELS]
        means = {level: _mean(model, dt, _set(rows, name, level)) for level in levels}
        for first, second in list(combinations(levels, 2))[:MOST_PAIRS]:
            yield f"{name}: {second} against {first}", "contrast", unit, percent * (means[second] - means[first])
        return
    values = column.to_numpy(float)
    if set(np.unique(values)) <= {0.0, 1.0}:
        draws = _mean(model, dt, rows.assign(**{name: 1})) - _mean(model, dt, rows.assign(**{name: 0}))
        yield f"{name}: 1 against 0", "contrast", unit, percent * draws
        return
    step, per = 0.01 * (float(values.std()) or 1.0), words.amount("1", analysis.units.get(name, ""))
    said = f"{unit} per {per.removeprefix('1 ') if per != '1' else f'1 of {name}'}".strip()
    each = percent * _slope(model, dt, rows, name, rows[name].to_numpy(float), step)
    yield f"slope of {name}, averaged over the rows", "slope", said, each
    for word, share in PLACES:
        at = float(np.quantile(values, share))
        draws = percent * _slope(model, dt, rows, name, np.full(len(rows), at), step)
        if not np.allclose(draws, each, rtol=1e-3, atol=1e-9 * max(1.0, float(np.abs(each).max()))):
            yield f"slope of {name} where it is {word} ({at:.4g})", "slope", said, draws


def _mean(model: Any, dt: Any, rows: pd.DataFrame) -> np.ndarray:
    """Average the expected outcome over rows, shape (draws,); of several levels the chance of the last."""
    found = expected(model, dt, rows, groups=True)
    return np.asarray((found if found.ndim == 2 else found[..., -1]).mean(1))


def _slope(model: Any, dt: Any, rows: pd.DataFrame, name: str, at: np.ndarray, step: float) -> np.ndarray:
    high, low = (_mean(model, dt, rows.assign(**{name: at + move})) for move in (step / 2, -step / 2))
    return np.asarray((high - low) / step)


def _set(rows: pd.DataFrame, name: str, level: Any) -> pd.DataFrame:
    import pandas as pd

    column = pd.Series([level] * len(rows), index=rows.index, dtype=rows[name].dtype)
    return rows.assign(**{name: column})


def _quality(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> Any:
    """Hold predictions of each row against what was observed, the row itself left out where that is possible.

    The predictions of a row without it are the simulated outcomes weighted by Pareto-smoothed importance (Vehtari,
    Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4). The share of variation explained is Bayesian R²: in each
    draw, the variance of the rows' expected outcomes over that and the variance of what is simulated around them
    (Gelman et al. 2019, doi:10.1080/00031305.2018.1549100). Nothing is told where an average is no prediction of what
    is observed: of waiting times that may not have ended, of directions, and of quantiles other than the median.
    """
    import xarray as xr

    quantile = getattr(catalog.get(analysis.model), "quantile", None)
    if analysis.event or analysis.kinds.get(analysis.outcome) == "circular" or quantile not in (None, 0.5):
        return None
    simulated = outcome_draws(dt["posterior_predictive"].to_dataset(), analysis.outcome).astype(float)
    column = table[analysis.outcome]
    observed = (column.cat.codes if hasattr(column, "cat") else column).to_numpy(float)
    if simulated.shape[1] != len(observed):
        return None
    weights, left_out = _weights(analysis, dt, simulated.shape)
    names = class_names(analysis, table)
    found: dict[str, Any] = {
        "observed": ("row", observed),
        "predicted": ("row", (weights * simulated).sum(0)),
        "left_out": ((), left_out),
    }
    if names:
        chances = np.stack([(weights * (simulated == level)).sum(0) for level in range(len(names))], 1)
        found["chances"] = (("row", "class"), chances / np.maximum(chances.sum(1, keepdims=True), 1e-12))
        return xr.Dataset(found, coords={"class": list(names)})
    mean = _expected(analysis, table, model, dt)
    if mean is not None and mean.shape == simulated.shape:
        fitted = mean.var(1)
        found["r2"] = ("sample", (fitted / (fitted + (simulated - mean).var(1))).astype("float32"))
    return xr.Dataset(found)


def _expected(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> np.ndarray | None:
    """Return the expected outcome of each row in each draw, shape (draws, rows); None where the model cannot tell."""
    if (
        analysis.trials
        or analysis.exposure
        or getattr(model, "gaps", None)
        or not can_predict(model, analysis.predictors)
    ):
        return None
    return expected(model, dt, table, groups=True)


def _weights(analysis: Analysis, dt: Any, shape: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """Return weights of the draws for each row, shape (draws, rows), that sum to 1 over the draws.

    They are equal where leaving a row out cannot be told from the draws: without a likelihood, or when the weights of
    so many rows cannot be trusted that the rule ``unknown-without`` fails. The second value says whether they are not.
    """
    equal = np.full(shape, 1 / shape[0])
    likelihood = pointwise(dt, analysis.outcome)
    if likelihood is None or likelihood.sizes["__obs__"] != shape[1]:
        return equal, False
    values = likelihood.stack(sample=("chain", "draw")).transpose("__obs__", "sample").values
    log_weights, pareto_k = without_each(values)
    unknown = float(np.mean(pareto_k > trusted(values.shape[1])))
    if policy_of(analysis)["unknown-without"].status(unknown) == "fail":
        return equal, False
    return np.asarray(np.exp(log_weights).T), True


def class_names(analysis: Analysis, table: pd.DataFrame) -> tuple[str, ...]:
    """Name the classes of an outcome that is a yes or no or has levels; empty for any other outcome."""
    column = table[analysis.outcome]
    if analysis.trials or analysis.event:
        return ()
    if hasattr(column, "cat"):
        return tuple(map(str, column.cat.categories))
    return ("no", "yes") if set(column.unique()) <= {0, 1} else ()


def _forecast(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Any:
    """Carry a series on, in steps of its own."""
    import xarray as xr

    draws = catalog.get(analysis.model).ahead(analysis, table, dt, analysis.horizon)
    if draws is None:
        raise InvalidAnalysis(
            f"the model {analysis.model!r} makes no forecasts",
            where="horizon",
            remedy="Ask what the trend is (question = “trend”), or set horizon to 0.",
        )
    clock = Clock.of(analysis, table)
    positions = clock.at[-1] + np.arange(1, analysis.horizon + 1)
    return xr.Dataset(
        {
            "quantiles": (("when", "prob"), np.quantile(draws, FAN, axis=0).T),
            "position": ("when", positions),
            "past": ("point", clock.at),
            "observed": ("point", table[analysis.outcome].to_numpy(float)[clock.order]),
        },
        coords={"when": [clock.shown(one) for one in positions], "prob": list(FAN)},
        attrs={"step": clock.word, "steps_seen": len(clock.at)},
    )


# -- the verdict ---------------------------------------------------------------------------------------------------


def check(analysis: Analysis, table: pd.DataFrame, predicted: Any) -> Verdict:
    """Say what was predicted, and how far such predictions can be trusted.

    Predictions should be nearer to what was observed than the average alone. New rows beyond what the model has seen,
    and forecasts over more than half of what was observed, are warned about: there the model's form decides alone
    (King and Zeng 2006, doi:10.1093/pan/mpj004).

    Parameters
    ----------
    predicted
        What ``predictions`` returned.
    """
    policy = policy_of(analysis)
    groups: Mapping[str, Any] = {name: predicted[name].to_dataset() for name in predicted.children}
    classes = _classes(analysis, groups.get("quality"))
    findings = [*_how_good(analysis, groups, classes, policy), *_how_far(groups, policy)]
    return conclude(
        "prediction",
        analysis,
        sentence=_sentence(analysis, table, groups, classes),
        findings=findings,
        details={
            "Slopes and contrasts": _told(groups.get("contrasts"), analysis),
            "New rows": _rows_told(groups.get("new_rows"), analysis, table),
            "Forecast": _ahead_told(groups.get("forecast"), analysis),
            "How well classes are told apart": _figures_told(classes, analysis),
            "Rows by actual and predicted class": _confusion_told(classes),
        },
        picture=_picture(analysis, groups, classes),
        alt=_alt(analysis, groups, classes),
        status=None if findings else "info",
    )


def _classes(analysis: Analysis, quality: Any) -> Classes | None:
    if quality is None or "chances" not in quality:
        return None
    return Classes(
        quality["observed"].values.astype(int),
        quality["chances"].values,
        tuple(map(str, quality["class"].values)),
        random_seed=analysis.random_seed,
    )


def _how_good(
    analysis: Analysis, groups: Mapping[str, Any], classes: Classes | None, policy: Policy
) -> Iterator[Finding]:
    quality = groups.get("quality")
    if quality is None:
        return
    how = "each row predicted from the others" if bool(quality["left_out"]) else "rows the model was fitted to"
    if classes is not None:
        value, _ = classes.figures()["log score"]
        alone = np.bincount(classes.actual, minlength=len(classes.names)) / len(classes.actual)
        base = float(np.sum(alone[alone > 0] * np.log(alone[alone > 0])))
        yield policy["skill"].finding(
            "Gain over saying the shares alone",
            1 - value / base if base else 0.0,
            f"log score {value:.3f} against {base:.3f}",
            f"How much more probable the model makes what happened ({how}).",
        )
        return
    observed, predicted = quality["observed"].values, quality["predicted"].values
    error, alone_error = np.abs(observed - predicted).mean(), np.abs(observed - observed.mean()).mean()
    unit = f" {analysis.units[analysis.outcome]}" if analysis.units.get(analysis.outcome) else ""
    yield policy["skill"].finding(
        "Gain over predicting the average",
        float(1 - error / alone_error) if alone_error else 0.0,
        f"typical error {error:.3g}{unit} against {alone_error:.3g}{unit}",
        f"How far predictions are off on average ({how}).",
    )


def _how_far(groups: Mapping[str, Any], policy: Policy) -> Iterator[Finding]:
    rows = groups.get("new_rows")
    if rows is not None and rows.sizes["row"]:
        beyond = rows["outside"].values
        count = int(sum("beyond" in one for one in beyond))
        yield policy["extrapolation"].finding(
            "New rows beyond what the model has seen",
            count / len(beyond),
            f"{count} of {len(beyond)}",
            "There the model's form decides alone, not the data.",
        )
    ahead = groups.get("forecast")
    if ahead is not None:
        steps, seen = ahead.sizes["when"], int(ahead.attrs["steps_seen"])
        yield policy["forecast-reach"].finding(
            "Steps ahead for each one observed",
            steps / seen,
            f"{steps} after {seen}",
            "The further ahead, the more rests on everything going on as before.",
        )


def _sentence(analysis: Analysis, table: pd.DataFrame, groups: Mapping[str, Any], classes: Classes | None) -> str:
    said = []
    if "forecast" in groups:
        said.append(_ahead_sentence(analysis, groups["forecast"]))
    if "new_rows" in groups:
        rows = groups["new_rows"]
        left = f", {rows.attrs['dropped']} left out for missing values" if rows.attrs["dropped"] else ""
        count = rows.sizes["row"]
        said.append(f"{count} new row{'s' if count > 1 else ''} predicted{left}.")
    if classes is not None:
        value, resampled = classes.figures()["accuracy"]
        base, _ = classes.figures()["accuracy of always saying the most frequent"]
        low, _, high = middle(resampled, analysis.ci_prob)
        said.append(
            f"The model names the right class for {value:.0%} of the rows ({low:.0%} to {high:.0%}); "
            f"always saying the most frequent one would be right for {base:.0%}."
        )
    elif groups.get("quality") is not None and "r2" in groups["quality"]:
        low, half, high = middle(groups["quality"]["r2"].values, analysis.ci_prob)
        digits = 1 if high > ALMOST_ALL else 0
        said.append(
            f"The model accounts for {half:.{digits}%} of the variation of {analysis.outcome} between rows "
            f"({low:.{digits}%} to {high:.{digits}%})."
        )
    if groups.get("contrasts") is not None:
        said.append(f"Slopes and contrasts speak of {target_words(analysis, table)}.")
    return " ".join(said) or "This model predicts no other rows than those that it was fitted to."


def _ahead_sentence(analysis: Analysis, ahead: Any) -> str:
    low, half, high = (float(ahead["quantiles"].sel(prob=prob)[-1]) for prob in (0.1, 0.5, 0.9))
    sd = max((high - low) / 2.56, 1e-300)
    shown = [words.number(one, sd) for one in (half, low, high)]
    unit = analysis.units.get(analysis.outcome, "")
    return (
        f"At {ahead['when'].values[-1]}, {analysis.outcome} is expected at {words.amount(shown[0], unit)}; with a "
        f"probability of 80% a new value lies between {shown[1]} and {words.amount(shown[2], unit)}."
    )


def _told(contrasts: Any, analysis: Analysis) -> list[dict[str, str]]:
    if contrasts is None:
        return []
    rows = []
    for at, name in enumerate(contrasts["quantity"].values):
        draws, unit = contrasts["draws"].values[at].astype(float), str(contrasts["unit"].values[at])
        one = words.Figures(Effect(str(name), "", "difference", draws, unit), analysis.ci_prob)
        above = max(one.sides)
        side = "above" if one.sides[1] >= one.sides[0] else "below"
        rows.append(
            {
                "quantity": str(name),
                "median": one.amount(one.quantiles[1]),
                f"{analysis.ci_prob:.0%} interval": one.interval,
                "direction": f"{side} 0: {words.percent(above, one.draws)}",
            }
        )
    return rows


def _rows_told(rows: Any, analysis: Analysis, table: pd.DataFrame) -> list[dict[str, str]]:
    if rows is None:
        return []
    shown = []
    chance = bool(rows.attrs["is_class"])
    head = f"chance of {rows.attrs['last']}" if chance else "average"
    columns = [name for name in map(str, rows.data_vars) if name.startswith("column ")]
    for at in range(min(rows.sizes["row"], MOST_SHOWN)):
        average, single = rows["average"].values[at], rows["single"].values[at]
        told = {name.removeprefix("column "): str(rows[name].values[at]) for name in columns}
        told[head] = _range(100 * average, "%") if chance else _range(average)
        if not chance:
            told["a single new one"] = _range(single)
        told["note"] = str(rows["outside"].values[at])
        shown.append(told)
    return shown


def _range(ends: np.ndarray, unit: str = "") -> str:
    low, half, high = map(float, ends)
    sd = (high - low) / 4
    return f"{words.number(half, sd)}{unit} ({words.number(low, sd)} to {words.number(high, sd)}{unit})"


def _ahead_told(ahead: Any, analysis: Analysis) -> list[dict[str, str]]:
    if ahead is None:
        return []
    shown = []
    for at, when in enumerate(ahead["when"].values[:MOST_SHOWN]):
        q = dict(zip(FAN, map(float, ahead["quantiles"].values[at]), strict=True))
        sd = (q[0.975] - q[0.025]) / 4
        shown.append(
            {
                "when": str(when),
                "expected": words.number(q[0.5], sd),
                "80% interval": f"{words.number(q[0.1], sd)} to {words.number(q[0.9], sd)}",
                "95% interval": f"{words.number(q[0.025], sd)} to {words.number(q[0.975], sd)}",
            }
        )
    return shown


def _figures_told(classes: Classes | None, analysis: Analysis) -> list[dict[str, str]]:
    if classes is None:
        return []
    rows = []
    for name, (value, resampled) in classes.figures().items():
        low, _, high = middle(resampled, analysis.ci_prob)
        form = ".3f" if "score" in name or "area" in name else ".0%"
        known = value == value
        rows.append(
            {
                "figure": name,
                "value": format(value, form) if known else "not known: never predicted, or none there",
                f"{analysis.ci_prob:.0%} interval": f"{low:{form}} to {high:{form}}" if known else "",
            }
        )
    return rows


def _confusion_told(classes: Classes | None) -> list[dict[str, str]]:
    if classes is None:
        return []
    counts = classes.confusion()
    return [
        {"actual": name, **{f"predicted {other}": str(counts[at, to]) for to, other in enumerate(classes.names)}}
        for at, name in enumerate(classes.names)
    ]


# -- the picture ---------------------------------------------------------------------------------------------------

BLUE, GREY = "#3a6ea5", "#888888"


def _picture(analysis: Analysis, groups: Mapping[str, Any], classes: Classes | None) -> Any:
    if "forecast" in groups:
        return _fan(analysis, groups["forecast"])
    if classes is not None:
        return _curves(classes)
    quality = groups.get("quality")
    return None if quality is None else _against(analysis, quality)


def _fan(analysis: Analysis, ahead: Any) -> Any:
    fig, axes = figure()
    axes.plot(ahead["past"], ahead["observed"], color=GREY, linewidth=1)
    for low, high, alpha in ((0.025, 0.975, 0.2), (0.1, 0.9, 0.3), (0.25, 0.75, 0.4)):
        ends = [ahead["quantiles"].sel(prob=prob) for prob in (low, high)]
        axes.fill_between(ahead["position"], *ends, color=BLUE, alpha=alpha, linewidth=0)
    axes.plot(ahead["position"], ahead["quantiles"].sel(prob=0.5), color=BLUE)
    axes.set(xlabel=f"{analysis.time}, in steps ({ahead.attrs['step']})", ylabel=analysis.outcome)
    return fig


def _curves(classes: Classes) -> Any:
    fig, (left, right) = figure(columns=2, height=3.2)
    at = len(classes.names) - 1
    low, half, high = np.quantile(classes.roc(at), [0.05, 0.5, 0.95], axis=0)
    left.fill_between(GRID, low, high, color=BLUE, alpha=0.3, linewidth=0)
    left.plot(GRID, half, color=BLUE)
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    left.set(xlabel="share of false alarms", ylabel="share found", title=f"ROC curve: {classes.names[at]}")
    for one in classes.calibration(at):
        right.plot([one["predicted"]] * 2, [one["lower"], one["upper"]], color=BLUE, linewidth=1.5)
        right.plot(one["predicted"], one["observed"], "o", color=BLUE, markersize=4)
    right.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    right.set(xlabel="predicted chance", ylabel="observed share", title="calibration")
    return fig


def _against(analysis: Analysis, quality: Any) -> Any:
    fig, axes = figure()
    observed, predicted = quality["observed"].values, quality["predicted"].values
    axes.plot(predicted, observed, ".", color=BLUE, alpha=0.5)
    ends = [min(observed.min(), predicted.min()), max(observed.max(), predicted.max())]
    axes.plot(ends, ends, color=GREY, linestyle=":")
    axes.set(xlabel=f"predicted {analysis.outcome}", ylabel=f"observed {analysis.outcome}")
    return fig


def _alt(analysis: Analysis, groups: Mapping[str, Any], classes: Classes | None) -> str:
    if "forecast" in groups:
        return f"{analysis.outcome} as observed, and a fan of where it may go."
    if classes is not None:
        return f"ROC curve of {classes.names[-1]}, and predicted chances against observed shares."
    return f"Observed against predicted {analysis.outcome}; on the dotted line they are equal."
