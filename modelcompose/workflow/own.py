"""A model of one's own while it is being written: its faults, and data simulated from its assumptions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.catalog.own import faults, pretend
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.errors import InvalidInput
from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow.steps import conclude, figure

SHOWN = 40
SOURCE = "the contract of model files"


def check(source: str, table: Any = None) -> Verdict:
    """List every fault of a model's source; without faults, show data simulated from its assumptions alone.

    Parameters
    ----------
    source
        The text of a model file, such as a notebook's cell.
    table
        Rows to try it with; by default rows are made up of the kinds that it declares.
    """
    if not isinstance(source, str) or not source.strip():
        raise InvalidInput("there is no model to check", where="source", remedy="Run the cell with the model first.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        path.write_text(source, "utf-8")
        model = catalog.OwnModel("model.py", path, source)
        found = faults(model, table)
        rows = pretend(model.columns, np.random.default_rng(1)) if table is None and not found else table
        draws = _simulated(model, rows) if not found else None
    return conclude(
        "model",
        Analysis(on_fail="warn"),
        sentence=f"{model.title}: no faults; these are data that it expects before seeing any."
        if draws is not None
        else f"{len(found)} fault{'s' if len(found) > 1 else ''} to mend.",
        findings=[
            Finding(
                name=one.where,
                status="fail",
                shown=one.message,
                threshold="none",
                sentence=one.remedy,
                source=SOURCE,
            )
            for one in found
        ]
        or [Finding(name="Faults", status="pass", value=0, shown="none", threshold="none", sentence="", source=SOURCE)],
        picture=_picture(draws, model.explained) if draws is not None else None,
        alt=f"Distributions of {model.explained} in data sets simulated from the assumptions.",
    )


def _simulated(model: catalog.OwnModel, table: Any) -> np.ndarray:
    simulated = catalog.prior_predictive(model.executed(table), draws=200, random_seed=1)
    return outcome_draws(simulated["prior_predictive"].to_dataset(), model.explained).astype(float)


def _picture(draws: np.ndarray, outcome: str) -> Any:
    fig, axes = figure()
    levels = np.linspace(0.01, 0.99, 50)
    for one in draws[:SHOWN]:
        axes.plot(np.quantile(one, levels), levels, color="#3a6ea5", alpha=0.4, linewidth=0.8)
    axes.set(xlabel=outcome, ylabel="share of rows below")
    return fig
