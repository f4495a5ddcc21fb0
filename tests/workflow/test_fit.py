"""Fit: sampling that was stopped early says so."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from modelcompose.analysis import Analysis
from modelcompose.workflow import check


def drawn(chains, draws, asked_chains=4, asked=1000):
    values = np.random.default_rng(1).standard_normal((chains, draws))
    posterior = xr.Dataset({"a": (("chain", "draw"), values)})
    posterior.attrs.update(requested_chains=asked_chains, requested_draws=asked, sampling_seconds=1.0)
    return xr.DataTree.from_dict({"posterior": posterior})


@pytest.mark.parametrize(
    ("chains", "draws", "status", "partial"),
    [(4, 1000, "pass", False), (4, 700, "warn", True), (2, 1000, "warn", True), (4, 5, "fail", True)],
)
def test_what_was_not_drawn_is_said(chains, draws, status, partial):
    verdict = check.fit(Analysis(on_fail="warn"), drawn(chains, draws))
    assert (verdict.status, verdict.partial) == (status, partial)
    assert f"{chains} × {draws} of 4 × 1000" in verdict.findings[0].shown
