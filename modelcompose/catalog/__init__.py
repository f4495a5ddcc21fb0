"""The catalogue: questions, ready-made models with default priors, and which of them suits.

Floor 1. May import numpy, pandas and formulae, and of ModelCompose only the words (``analysis``, ``verdict``,
``errors``). Bambi is imported at call time, where a model is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcompose.catalog.consequences import elicited, prior_rows
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation
from modelcompose.catalog.evidence import Evidence, evidence, fingerprint
from modelcompose.catalog.gaps import Part, open_gaps, parts
from modelcompose.catalog.own import OwnModel, as_file, own_models
from modelcompose.catalog.predictions import log_likelihood, predict, prior_predictive, pymc_model
from modelcompose.catalog.priors import Prior
from modelcompose.catalog.questions import QUESTIONS, Question, roles
from modelcompose.catalog.recommend import (
    Candidate,
    Recommendation,
    complete,
    estimand,
    lacking,
    question,
    recommend,
    unanswerable,
)
from modelcompose.catalog.registry import entries, get

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = [
    "QUESTIONS",
    "Candidate",
    "Evidence",
    "ModelEntry",
    "OwnModel",
    "Part",
    "Prior",
    "Question",
    "Reason",
    "Recommendation",
    "Rejection",
    "Simulation",
    "as_file",
    "build",
    "complete",
    "elicited",
    "entries",
    "estimand",
    "evidence",
    "fingerprint",
    "get",
    "lacking",
    "log_likelihood",
    "open_gaps",
    "own_models",
    "parts",
    "predict",
    "prior_predictive",
    "prior_rows",
    "pymc_model",
    "question",
    "recommend",
    "roles",
    "unanswerable",
]


def build(analysis: Analysis, table: pd.DataFrame, gaps: Any = None) -> Any:
    """Build the chosen ready-made model, with room for what fills the gaps of the table."""
    model = get(analysis.model).build(analysis, table)
    return model if gaps is None else open_gaps(model, gaps)
