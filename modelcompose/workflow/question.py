"""Question: does the chosen model suit the question and the columns?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcompose import catalog
from modelcompose.verdict import Finding, Remedy, Status, Verdict
from modelcompose.workflow import plan
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

MOST_GROUPS = 30


def check(analysis: Analysis, dataset: Dataset) -> Verdict:
    """Hold the chosen model against the catalogue's recommendation.

    The recommended model passes, another that suits is noted, one that a rule excludes is warned about with that
    rule. Where a plan was locked, deviations from it are listed and warned about.
    """
    found = catalog.recommend(analysis, dataset)
    chosen = catalog.get(analysis.model)
    locked = plan.read(analysis.plan) if analysis.plan else None
    deviations = plan.deviations(analysis, locked) if locked else []
    suits = _finding(analysis, found, chosen)
    return conclude(
        "question",
        analysis,
        sentence=analysis.estimand,
        findings=[suits, *([_planned(locked, deviations)] if locked else [])],
        remedies=[
            Remedy(
                label=f"Use {one.entry.title}",
                why=" ".join(reason.sentence for reason in one.reasons),
                changes={"model": one.entry.id, "formula": ""},
            )
            for one in found.candidates
            if one.entry.id != chosen.id and suits.status == "warn"
        ],
        details={
            "Deviations from the locked plan": [one.model_dump() for one in deviations],
            "Models that suit, best first": [
                {"model": one.entry.title, "because": " ".join(reason.sentence for reason in one.reasons)}
                for one in found.candidates
            ],
            "Not offered": _not_offered(found),
        },
        picture=_picture(analysis, dataset.complete_rows(analysis.columns)),
        alt=f"{analysis.outcome} against {', '.join(analysis.predictors or analysis.groups) or 'its rows'}.",
    )


def _not_offered(found: catalog.Recommendation) -> list[dict[str, str]]:
    """List the models that a rule excludes; those for other questions together, since they are many."""
    others = sum(rejection.rule == "other-question" for _, rejection in found.rejected)
    listed = [
        {"model": entry.title, "because": rejection.sentence}
        for entry, rejection in found.rejected
        if rejection.rule != "other-question"
    ]
    return [*listed, {"model": f"{others} others", "because": "They answer other kinds of questions."}]


def _not_first(offered: int) -> tuple[Status, str, str]:
    return "info", "suits", f"There are {offered} models that suit better."


def _refused(sentence: str) -> tuple[Status, str, str]:
    return "warn", "not offered", sentence


def _finding(analysis: Analysis, found: catalog.Recommendation, chosen: catalog.ModelEntry) -> Finding:
    ranked = [one.entry.id for one in found.candidates]
    status: Status
    if chosen.id in ranked:
        place = ranked.index(chosen.id)
        status = "pass" if place == 0 else "info"
        because = " ".join(reason.sentence for reason in found.candidates[place].reasons)
        shown = "recommended" if place == 0 else f"number {place + 1} of those that suit"
    else:
        rejection = next((rejection for entry, rejection in found.rejected if entry.id == chosen.id), None)
        status, shown, because = _not_first(len(ranked)) if rejection is None else _refused(rejection.sentence)
    return Finding(
        name=f"Model: {chosen.title}",
        status=status,
        shown=shown,
        threshold="suits question, kinds and structure of the data",
        sentence=f"{chosen.summary} {because}",
        source=chosen.source,
    )


def _planned(locked: plan.Plan, deviations: list[plan.Deviation]) -> Finding:
    who = f" by {locked.by}" if locked.by else ""
    return Finding(
        name="Locked plan",
        status="warn" if deviations else "pass",
        value=len(deviations),
        shown=f"{len(deviations)} {'deviation' if len(deviations) == 1 else 'deviations'}",
        threshold="none",
        sentence=f"Locked on {locked.when}{who}, hash {locked.digest[:12]}. "
        "A deviation is no fault, but readers must know.",
        source="Nosek et al. 2018, doi:10.1073/pnas.1708274114, on preregistration",
    )


def _picture(analysis: Analysis, table: pd.DataFrame) -> Any:
    fig, axes = figure()
    y = table[analysis.outcome]
    y = y.cat.codes if hasattr(y, "cat") else y.astype(float)
    by = (analysis.predictors or analysis.groups or [""])[0]
    if not by:
        axes.plot(y.to_numpy(), ".", color="#3a6ea5", alpha=0.6)
        axes.set(xlabel="row", ylabel=analysis.outcome)
        return fig
    if hasattr(table[by], "cat"):
        levels = list(table[by].cat.categories)[:MOST_GROUPS]
        axes.boxplot([y[table[by] == level] for level in levels], tick_labels=[str(level) for level in levels])
        axes.tick_params(axis="x", rotation=90 if len(levels) > 6 else 0)
    elif analysis.groups:
        for level in table[analysis.groups[0]].unique()[:MOST_GROUPS]:
            rows = table[table[analysis.groups[0]] == level].sort_values(by)
            axes.plot(rows[by], y[rows.index], "-", color="#3a6ea5", alpha=0.4)
    else:
        axes.plot(table[by], y, ".", color="#3a6ea5", alpha=0.6)
    axes.set(xlabel=by, ylabel=analysis.outcome)
    return fig
