"""The figures of all quantities at once are those that ArviZ gives one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr

from modelcompose.workflow import diagnostics

CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "rhat": (diagnostics.rhat, azs.rhat),
    "ess_bulk": (diagnostics.ess_bulk, partial(azs.ess, method="bulk")),
    "ess_tail": (diagnostics.ess_tail, partial(azs.ess, method="tail")),
    "ess_tail_99": (
        partial(diagnostics.ess_tail, prob=(0.005, 0.995)),
        partial(azs.ess, method="tail", prob=(0.005, 0.995)),
    ),
    "mcse_mean": (diagnostics.mcse_mean, partial(azs.mcse, method="mean")),
    "mcse_sd": (diagnostics.mcse_sd, partial(azs.mcse, method="sd")),
    "mcse_quantile": (
        partial(diagnostics.mcse_quantile, prob=0.025),
        partial(azs.mcse, method="quantile", prob=0.025),
    ),
}


def draws(chains: int, draws: int) -> np.ndarray:
    """Chains of many sorts: independent, slow, alternating, drifting, of whole numbers, of two values, constant."""
    rng = np.random.default_rng(draws)
    noise = rng.normal(size=(8, chains, draws))
    slow = np.zeros((chains, draws))
    for at in range(1, draws):
        slow[:, at] = 0.95 * slow[:, at - 1] + noise[1, :, at]
    there_and_back = noise[2] * 0.3 + (-1.0) ** np.arange(draws)
    return np.stack(
        [
            noise[0],
            slow,
            there_and_back,
            noise[3] + np.arange(draws) / draws,
            noise[4] + np.arange(chains)[:, None],
            np.round(2 * noise[5]),
            (noise[6] > 0.9).astype(float),
            np.full((chains, draws), 2.0),
            rng.standard_cauchy((chains, draws)),
        ]
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(4, 500), (1, 101), (3, 20)])
def test_figures_are_those_of_arviz(name: str, shape: tuple[int, int]) -> None:
    values = draws(*shape)
    ours, theirs = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(xr.Dataset({"x": (("quantity", "chain", "draw"), values)}))["x"].values
    if name == "rhat" and shape[0] == 1:
        return  # one chain is not compared with others, and the workflow does not ask for it
    np.testing.assert_allclose(ours(values), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 3), (2, 2), (2, 1), (2, 4), (2, 5)])
def test_few_draws_tell_as_much_as_with_arviz(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(size=(3, *shape))
    for ours, theirs in CASES.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs(xr.Dataset({"x": (("quantity", "chain", "draw"), values)}))["x"].values
        np.testing.assert_allclose(ours(values), expected, rtol=1e-8)


def test_what_is_no_number_gives_none_and_leaves_the_others_alone() -> None:
    values = draws(4, 200)
    clean = diagnostics.ess_bulk(values)
    values[1, 2, 3] = np.nan
    for ours, _ in CASES.values():
        found = ours(values)
        assert np.isnan(found[1])
    np.testing.assert_array_equal(np.delete(diagnostics.ess_bulk(values), 1), np.delete(clean, 1))
