"""Checks of levels, shares, directions, waiting times, series and quantiles, with data sets made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.discrepancies import bounds_of, kaplan_meier

DRAWS, ROWS = 400, 200


def tree(group, values, name="y"):
    """Simulated data sets, shape (draws, rows), as a DataTree has them."""
    chains = values.reshape(4, -1, values.shape[-1])
    found = xr.Dataset({name: (("chain", "draw", "row"), chains)})
    sizes = {"requested_draws": chains.shape[1], "requested_chains": chains.shape[0]}
    return xr.DataTree.from_dict({group: found, "posterior": found.mean("row").assign_attrs(sizes)})


def judged(table, kind, simulated, **choices):
    wanted = {"outcome": "y", "kinds": {"y": kind}, "model": "linear", "question": "effect", "on_fail": "warn"}
    analysis = Analysis.of({**wanted, **choices})
    return check.posterior(analysis, table, tree("posterior_predictive", simulated))


def of_finding(verdict, part):
    return next(one for one in verdict.findings if part in one.name)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def levels(codes):
    return pd.DataFrame({"y": pd.Categorical.from_codes(codes, ["bad", "fair", "good"], ordered=True)})


def test_levels_are_compared_by_their_shares_and_never_averaged(rng):
    chances = [0.2, 0.5, 0.3]
    table = levels(rng.choice(3, ROWS, p=chances))
    verdict = judged(table, "ordered", rng.choice(3, (DRAWS, ROWS), p=chances))
    assert verdict.status == "pass"
    assert {f"Share of {name}" for name in ("bad", "fair", "good")} <= {one.name for one in verdict.findings}
    assert not [one for one in verdict.findings if "average" in one.name.lower()]
    wrong = judged(table, "ordered", rng.choice(3, (DRAWS, ROWS), p=[0.2, 0.2, 0.6]))
    assert of_finding(wrong, "Share of good").status == "fail"
    assert verdict.picture


def test_prior_check_of_levels_warns_when_nearly_all_rows_say_the_same(rng):
    table = levels(rng.choice(3, ROWS))
    analysis = Analysis.of({"outcome": "y", "kinds": {"y": "ordered"}, "model": "ordinal", "on_fail": "warn"})
    same = np.repeat(rng.choice(3, (DRAWS, 1)), ROWS, axis=1)
    assert check.prior(analysis, table, tree("prior_predictive", same)).status == "fail"
    spread = np.stack([rng.choice(3, ROWS, p=rng.dirichlet([2, 2, 2])) for _ in range(DRAWS)])
    assert check.prior(analysis, table, tree("prior_predictive", spread)).status == "pass"


def test_shares_that_vary_beyond_chance_are_noticed(rng):
    tried = rng.integers(20, 60, ROWS)
    alike = rng.binomial(tried, 0.3, (DRAWS, ROWS))
    table = pd.DataFrame({"y": rng.binomial(tried, rng.beta(3, 7, ROWS)), "n": tried})
    assert of_finding(judged(table, "count", alike, trials="n"), "beyond chance").status == "fail"
    table["y"] = rng.binomial(tried, 0.3)
    assert of_finding(judged(table, "count", alike, trials="n"), "beyond chance").status == "pass"


def test_directions_around_north_are_not_taken_apart(rng):
    angles = rng.vonmises(0, 3, (DRAWS, ROWS))
    degrees = np.rad2deg(rng.vonmises(0, 3, ROWS)) % 360
    degrees[0] = 359.0
    assert judged(pd.DataFrame({"y": degrees}), "circular", angles).status in ("pass", "info")
    opposite = (degrees + 180 * rng.integers(0, 2, ROWS)) % 360
    verdict = judged(pd.DataFrame({"y": opposite}), "circular", angles)
    assert of_finding(verdict, "Agreement of the directions").status == "fail"


def test_neighbours_in_time_that_are_alike_are_noticed_and_unlike_ones_are_not(rng):
    noise = rng.standard_normal((DRAWS, ROWS))
    steps = rng.standard_normal(ROWS)
    drifting = np.zeros(ROWS)
    for at in range(1, ROWS):
        drifting[at] = 0.8 * drifting[at - 1] + 0.6 * steps[at]
    order = rng.permutation(ROWS)  # rows need not stand in their order
    for y, status in ((drifting, "fail"), (steps, "pass"), (np.diff(steps, prepend=0) / 1.4, "pass")):
        table = pd.DataFrame({"y": y, "day": np.arange(ROWS)}).iloc[order].reset_index(drop=True)
        verdict = judged(table, "continuous", noise, time="day")
        assert of_finding(verdict, "neighbours").status == status


def test_waits_that_had_not_ended_count_for_as_long_as_they_were_seen():
    rng = np.random.default_rng(8)  # of many right models, some 5% are warned of by chance
    times, bounds = rng.exponential(10, ROWS), rng.uniform(2, 25, ROWS)
    table = pd.DataFrame({"y": np.minimum(times, bounds), "done": (times <= bounds).astype(int)})
    ended = table["done"].to_numpy() == 1
    new = rng.exponential(10, (DRAWS, ROWS))
    clipped = np.where(ended, new, np.minimum(new, bounds))
    choices = {"question": "survival", "event": "done", "model": "survival-weibull"}
    assert judged(table, "duration", clipped, **choices).status == "pass"
    longer = np.where(ended, 2 * new, np.minimum(2 * new, bounds))
    assert judged(table, "duration", longer, **choices).status == "fail"


def test_the_estimated_share_that_lasts_is_that_of_a_worked_example():
    """Times 2, 3+, 5, 7+, 8: beyond 5 lasts 4/5 · 2/3 (Kaplan and Meier 1958)."""
    recorded, ended = np.array([2.0, 3, 5, 7, 8]), np.array([True, False, True, False, True])
    bounds = bounds_of(ended, recorded)
    assert (bounds[~ended] == recorded[~ended]).all()
    assert (bounds[ended] > recorded[ended]).all()
    assert kaplan_meier(5.0, bounds)(recorded) == pytest.approx(4 / 5 * 2 / 3)


def test_a_quantile_is_judged_by_the_share_below_it_alone(rng):
    table = pd.DataFrame({"y": rng.standard_normal(ROWS)})
    high = 1.2816 + rng.standard_normal((DRAWS, ROWS)) - 1.2816
    assert [one.status for one in judged(table, "continuous", high, model="quantile").findings] == ["pass"]
    assert judged(table, "continuous", high + 2, model="quantile").status == "warn"
