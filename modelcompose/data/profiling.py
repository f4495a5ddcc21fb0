"""The profile of a table: what each column's kind calls for, what is missing where, and what goes together."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from modelcompose.analysis import Variable
from modelcompose.data.cells import as_numbers
from modelcompose.data.kinds import as_dates, misfit, shown, suspects

if TYPE_CHECKING:
    from modelcompose.data.dataset import Dataset

__all__ = ["Profile", "profile"]

SAMPLE = 100_000
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST_LEVELS = 12
MOST_PATTERNS = 12
BANDS = 40
MOST_PAIRS = 15
MOST_PAIRED = 40
POINTS = 300
FIRST = 5
NUMERIC = frozenset(
    ("continuous", "positive", "amount", "duration", "count", "proportion", "circular", "coordinate", "weight")
) | {"standard_error"}
LEVELS = frozenset(("binary", "category", "ordered", "group"))

Json = dict[str, Any]


class Profile:
    """The profile of a table, shown in a notebook as a page without scripts.

    Parameters
    ----------
    content
        Values that JSON can hold: ``rows``, ``columns``, ``missing``, ``pairs`` and ``sampled``.
    """

    def __init__(self, content: Json) -> None:
        self.content = content

    def __repr__(self) -> str:
        lines = [f"{self.content['rows']:,} rows, {len(self.content['columns'])} columns"]
        lines += [f"  {one['name']} ({one['kind']}): {one['sentence']}" for one in self.content["columns"]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _page(self.content)


def profile(dataset: Dataset) -> Profile:
    """Summarise a table.

    Counts, extremes, averages and impossible values are of all rows. Quantiles, histograms and pairs of very long
    tables are of 100,000 rows, evenly spread; ``sampled`` says so. Pairs of numbers are compared by Spearman's rank
    correlation, numbers and categories by the correlation ratio, categories by Cramér's V corrected for bias (Bergsma
    2013, doi:10.1016/j.jkss.2012.10.002); the strongest 15 are shown.
    """
    frame = dataset.frame
    names = [str(name) for name in frame.columns]
    every = max(1, len(frame) // SAMPLE)
    sample = frame.iloc[::every] if every > 1 else frame
    with ThreadPoolExecutor() as pool:
        columns = list(pool.map(lambda name: _column(dataset, name, pd.Series(sample[name])), names))
    return Profile(
        {
            "rows": len(frame),
            "columns": columns,
            "missing": _missing(frame),
            "pairs": _pairs(sample, {name: guess.kind for name, guess in dataset.kinds.items()}),
            "sampled": len(sample) if every > 1 else None,
        }
    )


# -- columns -----------------------------------------------------------------------------------------------------


def _column(dataset: Dataset, name: str, sample: pd.Series[Any]) -> Json:
    column, kind = dataset.frame[name], dataset.kinds[name].kind
    declared = dataset.declared(name)
    unit = dataset.units.get(name, "")
    missing = int(column.isna().sum())
    content: Json = {
        "name": name,
        "label": declared.label,
        "kind": kind,
        "unit": unit,
        "missing": missing,
        "distinct": int(sample.nunique()),
        **_impossible(column, kind, declared),
        "suspects": [{"value": value, "count": count, "why": why} for value, count, why in suspects(column, kind)],
        **dict.fromkeys(("quantiles", "mean", "sd", "zeros", "histogram", "levels", "from", "to", "longest")),
        "other_levels": 0,
    }
    if kind in NUMERIC and _holds_numbers(column):
        content |= _numbers(column, sample, kind)
    elif kind in LEVELS:
        content |= _levels(column)
    elif kind == "date":
        content |= _dates(column)
    elif isinstance(column.dtype, pd.StringDtype) and len(column.dropna()):
        content["longest"] = int(column.str.len().max())
    return content | {"sentence": _sentence(content, kind, unit, len(column))}


def _holds_numbers(column: pd.Series[Any]) -> bool:
    return len(column.dropna()) > 0 and bool(as_numbers(column.dropna().head(1)).notna().all())


def _impossible(column: pd.Series[Any], kind: str, declared: Variable) -> Json:
    """Name the values that cannot be: outside the declared bounds, or not of the kind."""
    if declared.bounds and _holds_numbers(column):
        low, high = (np.nan if end is None else float(end) for end in declared.bounds)
        numbers = as_numbers(column)
        wrong = ((numbers < low) | (numbers > high)).to_numpy()
        rows = np.flatnonzero(wrong)
        why = f"outside {_span(declared.bounds)}"
        first = [{"row": int(row) + 1, "value": shown(numbers.iloc[row]), "why": why} for row in rows[:FIRST]]
        if len(rows):
            return {"impossible": first, "impossible_count": len(rows)}
    found = misfit(column, kind)
    if found and found[0]:
        value = shown(column.iloc[found[0] - 1])
        return {"impossible": [{"row": found[0], "value": value, "why": found[1]}], "impossible_count": 1}
    return {"impossible": [], "impossible_count": 0}


def _span(bounds: Sequence[float | None]) -> str:
    low, high = ("" if end is None else shown(float(end)) for end in bounds)
    return f"{low} to {high}" if low and high else f"{low} and more" if low else f"{high} and less"


def _numbers(column: pd.Series[Any], sample: pd.Series[Any], kind: str) -> Json:
    whole = as_numbers(column).to_numpy()
    finite = whole[np.isfinite(whole)]
    some = as_numbers(sample).to_numpy()
    some = some[np.isfinite(some)]
    if not len(finite) or not len(some):
        return {}
    quantiles = np.quantile(some, QUANTILES)
    quantiles[0], quantiles[-1] = finite.min(), finite.max()
    return {
        "quantiles": {f"{level:g}": float(value) for level, value in zip(QUANTILES, quantiles, strict=True)},
        "mean": float(finite.mean()),
        "sd": float(finite.std(ddof=1)) if len(finite) > 1 else 0.0,
        "zeros": int((finite == 0).sum()),
        "histogram": _histogram(some, kind),
    }


def _histogram(values: np.ndarray, kind: str) -> Json:
    """Count values in bins: one for each whole number where these are few, else after Freedman and Diaconis (1981)."""
    low, high = float(values.min()), float(values.max())
    if kind == "count" and high - low < BANDS:
        edges = np.arange(low - 0.5, high + 1.5)
    else:
        width = 2 * float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / len(values) ** (1 / 3)
        bins = int(np.clip(np.ceil((high - low) / width), 5, BANDS)) if width > 0 and high > low else 10
        edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts, _ = np.histogram(values, bins=edges)
    return {"edges": [float(edge) for edge in edges], "counts": [int(count) for count in counts]}


def _levels(column: pd.Series[Any]) -> Json:
    counts = column.map(shown, na_action="ignore").value_counts() if column.dtype != "str" else column.value_counts()
    top = [{"level": str(level), "count": int(count)} for level, count in counts.head(MOST_LEVELS).items()]
    return {"levels": top, "other_levels": max(0, len(counts) - MOST_LEVELS), "distinct": len(counts)}


def _dates(column: pd.Series[Any]) -> Json:
    dates = as_dates(column.dropna())
    if dates is None or not len(dates):
        return {}
    moments = dates.to_numpy().astype("datetime64[s]").astype("int64").astype(float)
    return {"from": shown(dates.min()), "to": shown(dates.max()), "histogram": _histogram(moments, "date")}


def _sentence(content: Json, kind: str, unit: str, rows: int) -> str:
    unit = f" {unit}" if unit else ""
    missing = content["missing"]
    gaps = "no value missing" if not missing else f"{missing:,} of {rows:,} values missing"
    if content["quantiles"]:
        at = {level: _figure(value) for level, value in content["quantiles"].items()}
        return f"From {at['0']} to {at['1']}{unit}, half of them between {at['0.25']} and {at['0.75']}; {gaps}."
    if content["levels"]:
        top = content["levels"][0]
        return f"{content['distinct']:,} different; most often “{top['level']}” ({top['count']:,} rows); {gaps}."
    if content["from"]:
        return f"From {content['from']} to {content['to']}; {gaps}."
    if kind == "constant":
        return f"The same everywhere; {gaps}."
    return f"{content['distinct']:,} different; {gaps}."


def _figure(value: float) -> str:
    return shown(float(f"{value:.4g}"))


# -- what is missing ---------------------------------------------------------------------------------------------


def _missing(frame: pd.DataFrame) -> Json:
    gaps = frame.isna()
    names = [str(name) for name in frame.columns[gaps.any().to_numpy()]]
    if not names:
        return {"columns": [], "patterns": [], "map": {"columns": [], "bands": []}, "complete_rows": len(frame)}
    marks = gaps[names].to_numpy()
    codes, inverse = np.unique(np.packbits(marks, axis=1), axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel(), minlength=len(codes))
    patterns = [
        {"missing": [name for name, bit in zip(names, np.unpackbits(codes[at])[: len(names)], strict=True) if bit]}
        | {"rows": int(counts[at])}
        for at in np.argsort(-counts)[:MOST_PATTERNS]
    ]
    bands = np.array_split(marks, min(BANDS, len(marks)))
    return {
        "columns": names,
        "patterns": patterns,
        "map": {"columns": names, "bands": [[float(share) for share in band.mean(axis=0)] for band in bands]},
        "complete_rows": int((~marks.any(axis=1)).sum()),
    }


# -- what goes together ------------------------------------------------------------------------------------------


def _pairs(sample: pd.DataFrame, kinds: Mapping[str, str]) -> list[Json]:
    if len(sample) > 10_000:
        sample = sample.iloc[:: len(sample) // 10_000]
    numbers = [name for name, kind in kinds.items() if kind in NUMERIC and _holds_numbers(sample[name])]
    levels = [name for name, kind in kinds.items() if kind in LEVELS and 2 <= sample[name].nunique() <= 20]
    numbers, levels = numbers[:MOST_PAIRED], levels[:MOST_PAIRED]
    ranks = {name: as_numbers(sample[name]).rank() for name in numbers}
    labels = {name: sample[name].map(shown, na_action="ignore") for name in levels}
    found = [
        *(_correlation(x, y, ranks[x], ranks[y]) for x, y in combinations(numbers, 2)),
        *(_ratio(x, y, labels[x], ranks[y]) for x in levels for y in numbers),
        *(_cramer(x, y, labels[x], labels[y]) for x, y in combinations(levels, 2)),
    ]
    strongest = sorted((one for one in found if one), key=lambda one: -abs(one["value"]))[:MOST_PAIRS]
    return [one | {"shape": _shape(one, sample, labels)} for one in strongest]


def _correlation(x: str, y: str, one: pd.Series[Any], two: pd.Series[Any]) -> Json | None:
    known = (one.notna() & two.notna()).to_numpy()
    if known.sum() < 5:
        return None
    a, b = one.to_numpy()[known], two.to_numpy()[known]
    if not (a.std() > 0 and b.std() > 0):
        return None
    value = float(np.corrcoef(a, b)[0, 1])
    return {"x": x, "y": y, "measure": "rank correlation", "value": value, "rows": int(known.sum())}


def _ratio(x: str, y: str, groups: pd.Series[Any], ranks: pd.Series[Any]) -> Json | None:
    known = (groups.notna() & ranks.notna()).to_numpy()
    if known.sum() < 5:
        return None
    values = ranks[known]
    means = values.groupby(groups[known]).transform("mean")
    spread = float(((values - values.mean()) ** 2).sum())
    if not spread > 0 or groups[known].nunique() < 2:
        return None
    value = float(np.sqrt(((means - values.mean()) ** 2).sum() / spread))
    return {"x": x, "y": y, "measure": "correlation ratio", "value": value, "rows": int(known.sum())}


def _cramer(x: str, y: str, one: pd.Series[Any], two: pd.Series[Any]) -> Json | None:
    table = pd.crosstab(one, two).to_numpy(float)
    n = table.sum()
    rows, columns = table.shape
    if n < 5 or min(rows, columns) < 2:
        return None
    expected = np.outer(table.sum(1), table.sum(0)) / n
    phi = ((table - expected) ** 2 / expected).sum() / n
    fair = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    value = float(np.sqrt(fair / least)) if least > 0 else 0.0
    return {"x": x, "y": y, "measure": "Cramér's V", "value": value, "rows": int(n)}


def _shape(pair: Json, sample: pd.DataFrame, labels: Mapping[str, pd.Series[Any]]) -> Json:
    """Return what to draw of a pair: points, boxes or a table of counts."""
    x, y = pair["x"], pair["y"]
    if pair["measure"] == "rank correlation":
        both = pd.DataFrame({"x": as_numbers(pd.Series(sample[x])), "y": as_numbers(pd.Series(sample[y]))})
        both = both[np.isfinite(both).all(axis=1)]
        both = both.iloc[:: max(1, len(both) // POINTS)].head(POINTS)
        return {"kind": "scatter", "x": both["x"].tolist(), "y": both["y"].tolist()}
    if pair["measure"] == "correlation ratio":
        groups = (
            as_numbers(pd.Series(sample[y]))
            .groupby(labels[x])
            .quantile(np.array([0.05, 0.25, 0.5, 0.75, 0.95]))
            .unstack()
        )
        names = ("low", "q1", "median", "q3", "high")
        return {
            "kind": "box",
            "levels": [
                {"level": str(level)} | dict(zip(names, map(float, row), strict=True))
                for level, row in zip(groups.index, groups.to_numpy(), strict=True)
                if np.isfinite(row.astype(float)).all()
            ],
        }
    table = pd.crosstab(labels[x], labels[y])
    return {
        "kind": "table",
        "rows": [str(level) for level in table.index],
        "columns": [str(level) for level in table.columns],
        "counts": table.to_numpy().astype(int).tolist(),
    }


# -- as a page ---------------------------------------------------------------------------------------------------

STYLE = (
    "table{border-collapse:collapse;font-size:13px}td,th{text-align:left;padding:4px 8px;vertical-align:top;"
    "border-bottom:1px solid var(--jp-border-color2,#ddd)}small{color:var(--jp-ui-font-color2,#666)}"
    "rect{fill:var(--jp-brand-color1,#3a6ea5)}.gap{color:var(--jp-warn-color0,#9a6700)}"
)
MOST_SHOWN = 200


def _page(content: Json) -> str:
    rows = "".join(_row(one) for one in content["columns"][:MOST_SHOWN])
    more = len(content["columns"]) - MOST_SHOWN
    note = f"<p>{more} more columns are not shown.</p>" if more > 0 else ""
    sampled = f" Pictures are of {content['sampled']:,} rows." if content["sampled"] else ""
    missing = content["missing"]
    gaps = "".join(
        f"<li>{html.escape(', '.join(one['missing']) or 'nothing')} missing: {one['rows']:,} rows</li>"
        for one in missing["patterns"]
    )
    pairs = "".join(
        f"<li>{html.escape(one['x'])} and {html.escape(one['y'])}: {one['measure']} {one['value']:.2f}</li>"
        for one in content["pairs"]
    )
    return (
        f'<div class="jp-modelcompose-Profile"><style>{STYLE}</style>'
        f"<p>{content['rows']:,} rows, {len(content['columns'])} columns; {missing['complete_rows']:,} rows have every "
        f"value.{sampled}</p><table><thead><tr><th>Column</th><th>Values</th><th>In words</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{note}"
        + (f"<details><summary>What is missing together</summary><ul>{gaps}</ul></details>" if gaps else "")
        + (f"<details><summary>What goes together most</summary><ul>{pairs}</ul></details>" if pairs else "")
        + "</div>"
    )


def _row(one: Json) -> str:
    label = f" — {html.escape(one['label'])}" if one["label"] else ""
    odd = "".join(
        f'<br><span class="gap">row {bad["row"]}: {html.escape(bad["value"])}, {html.escape(bad["why"])}</span>'
        for bad in one["impossible"]
    ) + "".join(
        f'<br><span class="gap">{html.escape(code["value"])} may mean missing: {html.escape(code["why"])}</span>'
        for code in one["suspects"]
    )
    return (
        f"<tr><th>{html.escape(one['name'])}{label}<br><small>{html.escape(one['kind'])}</small></th>"
        f"<td>{_bars(one)}</td><td>{html.escape(one['sentence'])}{odd}</td></tr>"
    )


def _bars(one: Json) -> str:
    counts = one["histogram"]["counts"] if one["histogram"] else [level["count"] for level in one["levels"] or []]
    if not counts:
        return ""
    width, most = 120 / len(counts), max(counts) or 1
    bars = "".join(
        f'<rect x="{at * width:.1f}" y="{30 - 30 * count / most:.1f}" width="{max(width - 1, 0.5):.1f}" '
        f'height="{30 * count / most:.1f}"/>'
        for at, count in enumerate(counts)
    )
    return (
        f'<svg width="120" height="30" role="img" aria-label="Distribution of {html.escape(one["name"])}">{bars}</svg>'
    )
