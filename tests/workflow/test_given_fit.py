"""A fit made elsewhere is judged whatever its dimensions are called."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from modelcompose.workflow.given import checks


@pytest.mark.parametrize("dim", ["y_dim_0", "y_dim_2"])
def test_predictions_may_call_the_rows_otherwise_than_the_data(dim: str) -> None:
    rng = np.random.default_rng(1)
    dt = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"level": (("chain", "draw"), rng.normal(size=(4, 250)))}),
            "posterior_predictive": xr.Dataset({"y": (("chain", "draw", dim), rng.normal(size=(4, 250, 20)))}),
            "observed_data": xr.Dataset({"y": ("y_dim_0", rng.normal(size=20))}),
        }
    )
    assert [one.step for one in checks(dt)] == ["sampling", "posterior"]


def test_predictions_of_other_rows_are_not_compared_with_the_data() -> None:
    rng = np.random.default_rng(1)
    dt = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"level": (("chain", "draw"), rng.normal(size=(4, 250)))}),
            "posterior_predictive": xr.Dataset({"y": (("chain", "draw", "new"), rng.normal(size=(4, 250, 7)))}),
            "observed_data": xr.Dataset({"y": ("row", rng.normal(size=20))}),
        }
    )
    assert [one.step for one in checks(dt)] == ["sampling"]
