"""Data: are there enough complete rows, and what is left out?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.verdict import Finding, Remedy, Verdict
from modelcompose.workflow import separation
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Account, Dataset

MOST_IMPUTATIONS = 100
SOURCE = "ModelCompose's own rule"
UNSAID = "What it says of the outcome is not in the answer."
WHITE = "White, Royston and Wood 2011, doi:10.1002/sim.4067"


def check(analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> Verdict:
    """Judge the rows and columns in use.

    Rows left out for missing values in the columns used: none passes, up to 20% of the rows warns, more fails. Rows
    for each coefficient: 10 and more pass, 5 to 10 warn, fewer fail. Both are our own conventions, not statistical
    theorems. Gaps filled many times: as many times as percent of the rows have one (White, Royston and Wood 2011,
    doi:10.1002/sim.4067). Values outside the bounds declared for a column fail.
    A numeric predictor of which the others explain more than 90% of the variance (a variance inflation factor above
    10; Kutner et al. 2005) warns. A yes or no that the predictors separate wholly fails (Albert and Anderson 1984)
    until somebody chooses a prior that limits the effect.
    """
    account = dataset.account(analysis)
    repeated = _repeated(analysis, table)
    policy = policy_of(analysis)
    findings = [
        _missing(account, policy),
        _rows(analysis, table, policy),
        *([_apart(repeated, policy)] if repeated else []),
        *_filled(analysis, dataset, account),
        *_impossible(analysis, dataset),
        *separation.finding(analysis, table, policy),
    ]
    return conclude(
        "data",
        analysis,
        sentence=" ".join([account.sentence, *_gaps_in_words(analysis, dataset, account)]),
        findings=findings,
        remedies=[
            *_remedies(analysis, dataset, account, findings, repeated),
            *separation.remedies(analysis, table, findings),
        ],
        details={
            "sha256": dataset.sha256,
            "rows": account.used,
            "dropped": account.dropped,
            "Columns in use": [
                {
                    "column": name,
                    "kind": dataset.kinds[name].kind,
                    "why": dataset.kinds[name].reason,
                    "missing": account.by_column.get(name, 0),
                }
                for name in analysis.columns
            ],
            "Notes on reading the file": [{"note": note} for note in dataset.notes],
            "Preparation": [
                {
                    "step": number,
                    "what it did": one.sentence,
                    "rows before": one.rows_before,
                    "rows after": one.rows_after,
                }
                for number, one in enumerate(dataset.applied, start=1)
            ],
        },
        picture=_picture(analysis, table, dataset),
        alt=f"Distribution of {analysis.outcome} over {account.used} rows, and missing values by column.",
    )


def _missing(account: Account, policy: Policy) -> Finding:
    share = account.dropped / account.total
    return policy["missing-rows"].finding(
        "Rows left out",
        share,
        f"{account.dropped} of {account.total} ({share:.0%})",
        "Rows with a missing value in a column in use. What they would have said is not in the answer.",
    )


def _incomplete(analysis: Analysis, dataset: Dataset, account: Account) -> int:
    """Count the rows in use whose gaps are filled."""
    return account.used - dataset.missing(analysis.columns).used


def _gaps_in_words(analysis: Analysis, dataset: Dataset, account: Account) -> list[str]:
    rows = _incomplete(analysis, dataset, account)
    if not rows:
        return []
    how = {
        "impute": "are estimated together with the model",
        "multiple": f"are filled {analysis.imputations} times, as the other columns suggest",
    }
    return [f"{rows} of them have gaps, which {how[analysis.missing]}."]


def _filled(analysis: Analysis, dataset: Dataset, account: Account) -> list[Finding]:
    rows = _incomplete(analysis, dataset, account)
    if not rows or analysis.missing != "multiple":
        return []
    needed = math.ceil(100 * rows / account.used)
    return [
        Finding(
            name="Times the gaps are filled",
            status="pass" if analysis.imputations >= min(needed, MOST_IMPUTATIONS) else "warn",
            value=analysis.imputations,
            shown=str(analysis.imputations),
            threshold=f"{min(needed, MOST_IMPUTATIONS)}, as percent of the rows have gaps",
            sentence="With fewer, the answer depends on the luck of the filling.",
            source=WHITE,
        )
    ]


def _impossible(analysis: Analysis, dataset: Dataset) -> list[Finding]:
    wrong = dataset.impossible(analysis.columns)
    if not wrong:
        return []
    return [
        Finding(
            name="Impossible values",
            status="fail",
            value=sum(count for count, _ in wrong.values()),
            shown=", ".join(f"{count} in {name}" for name, (count, _) in wrong.items()),
            threshold="none outside the declared bounds",
            sentence="; ".join(sentence for _, sentence in wrong.values()) + ".",
            source=SOURCE,
        )
    ]


def _rows(analysis: Analysis, table: pd.DataFrame, policy: Policy) -> Finding:
    coefficients = 1 + sum(
        len(table[name].cat.categories) - 1 if hasattr(table[name], "cat") else 1 for name in analysis.predictors
    )
    what, count = _independent(analysis, table)
    ratio = count / coefficients
    return policy["rows-per-coefficient"].finding(
        f"{what.capitalize()} for each coefficient",
        ratio,
        f"{ratio:.0f} ({count} {what}, {coefficients} coefficients)",
        f"With few {what} the assumptions weigh more than the data.",
    )


def _independent(analysis: Analysis, table: pd.DataFrame) -> tuple[str, int]:
    """Say what tells of the coefficients, and how much of it there is.

    To a binomial model a row of 108 attempts says the same as 108 rows of one; a model in which shares scatter from row
    to row counts rows.
    """
    if analysis.trials and analysis.model and catalog.get(analysis.model).family == "binomial":
        return "attempts", int(table[analysis.trials].sum())
    return "rows", len(table)


def _repeated(analysis: Analysis, table: pd.DataFrame) -> dict[str, float]:
    """Return how much of each numeric predictor's variance the other ones explain."""
    names = [name for name in analysis.predictors if table[name].dtype.kind in "iuf" and table[name].std() > 0]
    scaled = {name: ((table[name] - table[name].mean()) / table[name].std()).to_numpy(float) for name in names}
    if len(names) < 2:
        return {}
    return {name: _explained(scaled[name], [scaled[one] for one in names if one != name]) for name in names}


def _explained(column: np.ndarray, others: list[np.ndarray]) -> float:
    x = np.column_stack(others)
    left = column - x @ np.linalg.lstsq(x, column)[0]
    return float(1 - (left @ left) / (column @ column))


def _apart(repeated: dict[str, float], policy: Policy) -> Finding:
    name = max(repeated, key=lambda one: repeated[one])
    return policy["explained-by-others"].finding(
        "What the other predictors say of one, largest",
        repeated[name],
        f"{repeated[name]:.0%} of {name}",
        "The effects of predictors that move together cannot be told apart.",
    )


def _remedies(
    analysis: Analysis, dataset: Dataset, account: Account, findings: list[Finding], repeated: dict[str, float]
) -> list[Remedy]:
    found = [_without(name, dataset, analysis) for name in dataset.impossible(analysis.columns)]
    found += [_more(finding, analysis) for finding in findings if finding.name == "Times the gaps are filled"]
    again = max(repeated, key=lambda one: repeated[one], default="")
    apart = policy_of(analysis)["explained-by-others"]
    if again and apart.status(repeated[again]) != "pass":
        found.append(
            Remedy(
                label=f"Leave out {again}",
                why=f"The other predictors say {repeated[again]:.0%} of it already.",
                changes={"predictors": [name for name in analysis.predictors if name != again]},
                cost=UNSAID,
                score=0.7,
            )
        )
    gaps = [name for name in account.by_column if name in analysis.predictors and len(analysis.predictors) > 1]
    if findings[0].status != "pass" and gaps:
        found.append(
            Remedy(
                label=f"Leave out {gaps[0]}",
                why=f"It misses {account.by_column[gaps[0]]} values, more than any other predictor.",
                changes={"predictors": [name for name in analysis.predictors if name != gaps[0]]},
                cost=UNSAID,
                score=0.75,
            )
        )
    if findings[0].status != "pass" and set(account.by_column) & set(analysis.predictors):
        found += _fillings(analysis, dataset, account)
    if findings[1].status != "pass" and len(analysis.predictors) > 1:
        kept = analysis.predictors[: max(1, len(analysis.predictors) // 2)]
        found.append(
            Remedy(
                label=f"Keep only {', '.join(kept)}",
                why="Fewer coefficients leave more rows for each.",
                changes={"predictors": kept},
                cost="What the others say of the outcome is not in the answer.",
                score=0.6,
            )
        )
    return found


def _without(name: str, dataset: Dataset, analysis: Analysis) -> Remedy:
    """Offer to leave impossible values out."""
    low, high = dataset.declared(name).bounds
    spelt = f"`{name}`"
    kept = [f"{spelt} >= {low}"] * (low is not None) + [f"{spelt} <= {high}"] * (high is not None)
    where = " and ".join([*kept, ""]).removesuffix(" and ") + f" or is_missing({spelt})"
    return Remedy(
        label=f"Leave out the rows with an impossible {name}",
        why=f"{name} was declared to have bounds.",
        changes={"recipe": [*analysis.recipe, {"do": "filter", "where": where}]},
        cost="Fewer rows; right if these values are errors.",
        score=0.9,
    )


def _more(finding: Finding, analysis: Analysis) -> Remedy:
    times = int(finding.threshold.partition(",")[0])
    return Remedy(
        label=f"Fill the gaps {times} times",
        why="As many times as percent of the rows have gaps.",
        changes={"imputations": max(times, analysis.imputations)},
        cost="One fit for each time that the gaps are filled.",
        score=0.95,
    )


def _fillings(analysis: Analysis, dataset: Dataset, account: Account) -> Iterator[Remedy]:
    """Offer to use the rows with gaps in predictors: inside the model for numbers, many times for any column."""
    others = {"impute": "Estimate the gaps together with the model", "multiple": "Fill the gaps many times"}
    for how, label in others.items():
        more = dataset.account(analysis.changed({"missing": how})).used - account.used
        if how != analysis.missing and more > 0:
            yield Remedy(
                label=label,
                why=f"{more} more rows then have their say; right if gaps depend only on columns in the analysis.",
                changes={"missing": how},
                cost="A longer fit." if how == "impute" else f"{analysis.imputations} fits instead of one.",
                score=0.7 if how == "impute" else 0.65,
            )


def _picture(analysis: Analysis, table: pd.DataFrame, dataset: Dataset) -> Any:
    fig, (left, right) = figure(columns=2)
    outcome = table[analysis.outcome]
    if outcome.nunique() <= 12:
        counts = outcome.value_counts(sort=False).sort_index()
        left.bar([str(level) for level in counts.index], counts.to_numpy(), color="#3a6ea5")
    else:
        left.hist(outcome.astype(float), bins=30, color="#3a6ea5")
    left.set(xlabel=analysis.outcome, ylabel="rows")
    missing = dataset.frame[analysis.columns].isna().sum()
    right.barh(list(missing.index), missing.to_numpy(), color="#9a6700")
    right.set(xlabel="missing values", xlim=(0, max(1, int(missing.max()))))
    return fig
