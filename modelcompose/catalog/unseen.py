"""Predictions for rows that the model has not seen: their expected outcome, and what would be observed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog.predictions import MEAN, ROW, ROWS, as_held, outcome_draws
from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Unseen", "unseen"]


@dataclass(frozen=True)
class Unseen:
    """Draws for new rows.

    Parameters
    ----------
    expected
        The expected outcome, shape (chains × draws, rows); of several levels the chance of each, with the levels
        behind.
    outcome
        Single observations, shape (chains × draws, rows).
    """

    expected: np.ndarray
    outcome: np.ndarray


def unseen(model: Any, dt: Any, rows: pd.DataFrame, *, outcome: str, random_seed: int) -> Unseen:
    """Predict new rows.

    The effects of groups that the model knows enter; a group that it does not know gets, in each draw, the effect of a
    known group chosen at random, so that it varies as the groups do.

    Parameters
    ----------
    model, dt
        A fitted model and its posterior.
    rows
        The rows, with the columns that the model uses, typed like the table that it was fitted to.
    outcome
        The outcome's name.

    Raises
    ------
    InvalidAnalysis
        When the model cannot predict new rows.
    """
    if hasattr(model, "backend"):
        return _of_formula(model, dt, rows, outcome, random_seed)
    return _of_written(model, dt, rows, outcome, random_seed)


def _of_formula(model: Any, dt: Any, rows: pd.DataFrame, outcome: str, random_seed: int) -> Unseen:
    from xarray import DataTree

    light = DataTree.from_dict({"posterior": dt["posterior"].to_dataset()})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, message=".*sample_new_groups.*")
        warnings.filterwarnings("ignore", message="Constructing a Categorical with a dtype")  # formulae, for new groups
        found = model.predict(
            light, kind="response", data=rows, inplace=False, sample_new_groups=True, random_seed=random_seed
        )
    mean = found["posterior"][model.family.likelihood.parent]
    if not set(ROWS) & set(mean.dims):
        mean = mean.expand_dims({ROWS[0]: len(rows)}, axis=2)
    stacked = np.asarray(mean.stack(sample=("chain", "draw")).transpose("sample", ...).values)
    return Unseen(stacked, outcome_draws(found["posterior_predictive"].to_dataset(), outcome))


def _of_written(model: Any, dt: Any, rows: pd.DataFrame, outcome: str, random_seed: int) -> Unseen:
    import pymc as pm
    from xarray import DataTree

    data = {variable.name: variable for variable in model.data_vars if variable.name in rows}
    if MEAN not in model.named_vars or not data or outcome not in model.named_vars:
        raise InvalidAnalysis(
            "this model cannot predict new rows",
            where="new_rows",
            remedy=f"Name its mean {MEAN!r} and its outcome {outcome!r}, and hold each predictor in a pm.Data.",
        )
    before = {name: variable.get_value() for name, variable in data.items()}
    size = int(model.dim_lengths[ROW].eval()) if ROW in model.dim_lengths else 0
    posterior = dt["posterior"].to_dataset()
    try:
        values = {name: as_held(rows[name]).to_numpy(before[name].dtype) for name in data}
        pm.set_data(values, model=model, coords={ROW: np.arange(len(rows))} if size else None)
        drawn = pm.sample_posterior_predictive(
            DataTree.from_dict({"posterior": posterior.drop_dims(ROW) if ROW in posterior.dims else posterior}),
            model=model,
            var_names=[MEAN, outcome],
            progressbar=False,
            random_seed=random_seed,
            return_inferencedata=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    finally:
        pm.set_data(before, model=model, coords={ROW: np.arange(size)} if size else None)
    mean, new = (np.asarray(drawn[name]) for name in (MEAN, outcome))
    return Unseen(mean.reshape(-1, *mean.shape[2:]), new.reshape(-1, *new.shape[2:]))
