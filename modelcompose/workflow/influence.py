"""Influence: do single rows decide the answer?

The verdict on what ``modelcompose.workflow.leaving_out`` works out: how hard each row pulls the fit, and how far the
answer moves without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.data import calculate
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import Finding, Remedy, Status, Verdict, worst
from modelcompose.workflow.alternatives import alternatives
from modelcompose.workflow.calibration import AHEAD, NO_ROWS
from modelcompose.workflow.leaving_out import EXACT, FOLDED, MATCHED, METHODS
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["check"]

Array = np.ndarray[Any, np.dtype[Any]]

SHOWN = 5
ROUGH = 1.05


def check(analysis: Analysis, table: pd.DataFrame, loo: Any) -> Verdict:
    """Judge how much single rows decide.

    Pareto k says how far a row pulls the posterior: up to min(1 − 1/log10 draws, 0.7) weights can be trusted, above 1
    even the average is not known (Vehtari et al. 2024, JMLR 25(72)). Where every row could be left out nevertheless,
    and those that pull hardest move the answer by less than the rule ``answer-moves`` allows, that counts one degree
    milder: rows with parameters of their own, such as the studies of a meta-analysis, pull hard in a right model too.
    The rows of which the effect could not be found out should be none. Effective parameters clearly above the number
    of parameters are a sign of a wrong model (Vehtari, LOO glossary).

    Parameters
    ----------
    loo
        What ``mc.loo`` returns.
    """
    if "elpd_i" not in loo:
        return conclude("influence", analysis, sentence=str(loo.attrs.get("why_not", NO_ROWS)), status="info")
    rows = catalog.get(analysis.model).observed(analysis, table)
    rules = policy_of(analysis)
    named = _Named.of(analysis, rows, loo)
    findings = list(_findings(loo, named, rules))
    status = worst(finding.status for finding in findings)
    return conclude(
        "influence",
        analysis,
        sentence=_sentence(loo, named, status),
        findings=findings,
        remedies=_remedies(analysis, rows, loo, named),
        details=_details(analysis, loo, named),
        picture=_picture(loo, named),
        alt="Pareto k of each row with its limit; and by how much the answer moves when a row is left out.",
        partial=bool(loo.attrs.get("stopped", 0)),
    )


@dataclass(frozen=True, eq=False)
class _Named:
    """The rows as they are named to a reader, and the most influential of them."""

    values: tuple[dict[str, str], ...]
    order: Array
    moves: int | None
    predicted: Array

    @classmethod
    def of(cls, analysis: Analysis, rows: pd.DataFrame, loo: Any) -> _Named:
        k, moved = loo["pareto_k"].values, abs(loo["headline"].values)
        moves = int(np.nanargmax(moved)) if np.isfinite(moved).any() else None
        order = np.lexsort((-np.nan_to_num(moved), -k))
        columns = [name for name in analysis.columns if name in rows]
        shown = {int(at) for at in order[:SHOWN]} | ({moves} if moves is not None else set())
        fits = len(rows) == len(k)
        values = tuple(
            {name: _shown(rows[name].iloc[at]) for name in columns} if fits and at in shown else {}
            for at in range(len(k))
        )
        return cls(values, order, moves, moved)

    def name(self, at: int) -> str:
        """Name a row by its number, from 1, and its values."""
        said = ", ".join(f"{name} {value}" for name, value in list(self.values[at].items())[:3])
        return f"row {at + 1} ({said})" if said else f"row {at + 1}"


def _shown(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float | np.floating) else str(value)


def _findings(loo: Any, named: _Named, rules: Policy) -> Iterator[Finding]:
    yield _largest_k(loo, named, rules)
    if named.moves is not None:
        moved = float(loo["headline"].values[named.moves])
        yield rules["answer-moves"].finding(
            "How far one row moves the answer",
            abs(moved),
            f"{_sure(loo, named.moves)}{abs(moved):.2f} standard deviations ({named.name(named.moves)})",
            f"The quantity is {loo.attrs['quantity']}; standard deviations are those of its posterior.",
        )
    total = loo["elpd_i"].size
    unknown = int(loo.attrs["bad_k"])
    yield rules["unknown-without"].finding(
        "Rows whose absence could not be followed",
        unknown / total,
        f"{unknown} of {total}",
        str(loo.attrs["plan"]) if loo.attrs["needed"] else "Weighting the draws was enough for every row.",
    )
    yield _effective(loo, rules)
    if loo.attrs["refits"] and loo.attrs["refit_rhat"] >= ROUGH:
        yield rules["rhat"].finding(
            "R-hat of the fits without single rows, largest",
            float(loo.attrs["refit_rhat"]),
            f"{loo.attrs['refit_rhat']:.3f}",
            "Their chains disagree, so that what they say of these rows is rough.",
        )


def _largest_k(loo: Any, named: _Named, rules: Policy) -> Finding:
    worst_row = int(named.order[0])
    k, high = float(loo["pareto_k"].values[worst_row]), int(loo.attrs["high_k"])
    rule = rules["pareto-k"]
    rule = rule.model_copy(update={"limit": min(rule.limit, float(loo.attrs["good_k"]))})
    found = rule.finding(
        "Largest Pareto k",
        k,
        f"{k:.2f} ({named.name(worst_row)})" if high else f"{k:.2f}",
        f"{high} of {loo['pareto_k'].size} rows pull the fit so hard that weighting the draws cannot undo it."
        if high
        else "No row pulls the fit so hard that weighting the draws could not undo it.",
    )
    if found.status != "pass" and _harmless(loo, rules):
        said = f"{found.sentence} Those that pull hardest were left out by fitting again, and the answer hardly moves."
        milder: Status = "warn" if found.status == "fail" else "pass"
        return found.model_copy(update={"status": milder, "sentence": said})
    return found


def _harmless(loo: Any, rules: Policy) -> bool:
    """Tell whether every row could be left out, and those that pull hardest move the answer but little.

    Those are the row with the largest k and all above the k of a failure; they were left out exactly.
    """
    k, moved = loo["pareto_k"].values, abs(loo["headline"].values)
    hardest = (k > (rules["pareto-k"].fail or np.inf)) | (k == k.max())
    exact = loo["headline_known"].values == 1
    little = bool((exact[hardest] & (moved[hardest] <= rules["answer-moves"].limit)).all())
    return little and int(loo.attrs["bad_k"]) == 0


def _effective(loo: Any, rules: Policy) -> Finding:
    p, error, count = float(loo.attrs["p_loo"]), float(loo.attrs["p_loo_se"]), int(loo.attrs["parameters"])
    rule = rules["effective-parameters"]
    status: Status = rule.status(max(p - 2 * error, 0.0) / max(count, 1))
    found = rule.finding(
        "Effective number of parameters",
        p,
        f"{p:.1f} (±{error:.1f}) for {count} parameters",
        "More than there are: the model does not suit some rows." if status != "pass" else "What the fit costs.",
        words=f"not clearly above {count}",
    )
    return found.model_copy(update={"status": status})


def _sentence(loo: Any, named: _Named, status: Status) -> str:
    high = int(loo.attrs["high_k"])
    worst_row = int(named.order[0])
    moved = "" if named.moves is None else _moves(loo, named)
    if not high:
        return f"No single row decides the fit.{moved}" if status == "pass" else f"No row pulls the fit hard.{moved}"
    pulls = f"{high} rows pull" if high > 1 else "One row pulls"
    return f"{pulls} the fit hard, above all {named.name(worst_row)}.{moved}"


def _moves(loo: Any, named: _Named) -> str:
    if named.moves is None:
        return ""
    moved = f"{_sure(loo, named.moves)}{abs(float(loo['headline'].values[named.moves])):.2g}"
    return f" Without {named.name(named.moves)}, the answer moves by {moved} of its standard deviations."


def _sure(loo: Any, at: int) -> str:
    """Say of a row whether it is only roughly known by how much the answer moves without it."""
    return "" if loo["headline_known"].values[at] else "about "


def _details(analysis: Analysis, loo: Any, named: _Named) -> dict[str, Any]:
    listed = []
    for at in map(int, named.order[:SHOWN]):
        method = METHODS[int(loo["method"].values[at])]
        moved = float(loo["headline"].values[at])
        listed.append(
            {
                "row": str(at + 1),
                **named.values[at],
                "Pareto k": f"{loo['pareto_k'].values[at]:.2f}",
                "left out by": method if loo["known"].values[at] else "weights that cannot be trusted",
                "answer moves (sd)": f"{_sure(loo, at)}{moved:+.2f}" if np.isfinite(moved) else "not known",
            }
        )
    found: dict[str, Any] = {
        "predictive density": f"{loo.attrs['elpd']:.1f}, standard error {loo.attrs['se']:.1f}",
        "elpd": _density(loo),
        "Most influential rows": listed,
    }
    if loo.attrs["needed"]:
        took = f" It took {loo.attrs['refit_seconds']:.0f} s." if loo.attrs["refits"] else ""
        found["what it cost"] = f"{loo.attrs['plan']}{took}"
    if analysis.groups and loo.attrs["high_k"]:
        found["groups"] = _alone(analysis)
    if analysis.time:
        found["order of time"] = AHEAD
    return {name: value for name, value in found.items() if value}


MOST_KEPT = 10_000


def _density(loo: Any) -> dict[str, Any]:
    """Keep the log predictive density, row by row where they are not too many: models are held against each other."""
    rows = loo["elpd_i"].values
    kept = {"rows": rows.round(4).tolist()} if rows.size <= MOST_KEPT else {}
    told = {name: float(loo.attrs[name]) for name in ("elpd", "se", "error")}
    return {**told, "of": str(loo.attrs["of"]), **kept}


def _alone(analysis: Analysis) -> str:
    """Say what leaving out a row means where rows come in groups."""
    return (
        f"Where a group of {analysis.groups[0]} has only this one row, leaving the row out leaves the group out: then "
        "the model predicts a group it has not seen."
    )


def _remedies(analysis: Analysis, rows: pd.DataFrame, loo: Any, named: _Named) -> Iterator[Remedy]:
    """Offer a model that such rows pull less, then to leave out the one row, if it is an error."""
    at = int(named.order[0]) if loo.attrs["high_k"] or named.moves is None else named.moves
    why = f"It is pulled less by rows such as {named.name(at)}."
    numbers = rows[analysis.outcome].dtype.kind in "iuf" if analysis.outcome in rows else False
    count = analysis.kinds.get(analysis.outcome) == "count" or bool(analysis.trials)
    symptoms = ["spread"] if count else ["long tails"] if numbers else []
    cost = "One more fit."
    yield from alternatives(analysis, rows, symptoms, why=why, cost=cost)
    condition = _without(analysis, rows, at)
    if condition:
        yield Remedy(
            label=f"Leave out {named.name(at)}, if it is an error",
            why="Only if you know that the value is wrong or the row does not belong here; being unusual is no reason.",
            changes={"recipe": [*analysis.recipe, {"do": "filter", "where": condition}]},
            cost=cost,
            score=0.3,
        )
    if loo.attrs["bad_k"] and analysis.draws < 20_000:
        yield Remedy(
            label="Draw four times as many samples",
            why="More draws reach further into the tails, so that more rows can be left out by weighting.",
            changes={"draws": 4 * analysis.draws},
            cost="One more fit, about three times as long.",
            score=0.35,
        )


def _without(analysis: Analysis, rows: pd.DataFrame, at: int) -> str:
    """Write a condition that is false for one row only; ``""`` where its values do not tell it from others."""
    parts = []
    for name in [one for one in analysis.columns if one in rows]:
        value = rows[name].iloc[at]
        if rows[name].dtype.kind == "M" or not isinstance(value, int | float | str | np.integer | np.floating):
            continue
        spelt = repr(value.item() if isinstance(value, np.generic) else value)
        parts.append(f"{name if name.isidentifier() else f'`{name}`'} != {spelt}")
        condition = " or ".join(parts)
        try:
            kept = calculate(rows, condition).fillna(True).to_numpy(bool)
        except ModelComposeError:
            parts.pop()
            continue
        if (~kept).sum() == 1 and not kept[at]:
            return condition
    return ""


def _picture(loo: Any, named: _Named) -> Any:
    fig, (left, right) = figure(columns=2)
    k, method = loo["pareto_k"].values, loo["method"].values
    at = np.arange(1, len(k) + 1)
    left.axhline(loo.attrs["good_k"], color="#888888", linestyle=":")
    left.plot(at, k, ".", color="#3a6ea5", markersize=3, label="weights")
    for which, colour in ((MATCHED, "#a8730a"), (EXACT, "#b3261e"), (FOLDED, "#7a3e9d")):
        if (method == which).any():
            left.plot(at[method == which], k[method == which], "o", color=colour, markersize=4, label=METHODS[which])
    left.set(xlabel="row", ylabel="Pareto k")
    left.legend(fontsize=7)
    moved = loo["headline"].values
    right.axhline(0, color="#888888", linewidth=0.7)
    right.plot(at, moved, ".", color="#3a6ea5", markersize=3)
    if named.moves is not None:
        right.plot(at[named.moves], moved[named.moves], "o", color="#b3261e", markersize=4)
    right.set(xlabel="row", ylabel="answer without it (sd)")
    return fig
