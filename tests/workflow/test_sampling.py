"""Sampling diagnostics: the field's own numbers, and a failure for every way draws can be bad."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from modelcompose.analysis import Analysis
from modelcompose.errors import GateFailed
from modelcompose.workflow import check, sampling

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def draws(chains=4, n=1000, seed=0, names=("a", "b")):
    return {name: np.random.default_rng((seed, at)).standard_normal((chains, n)) for at, name in enumerate(names)}


def tree(values, diverging=0, depth=0, energy=None):
    chains, n = next(iter(values.values())).shape
    flags = np.zeros(chains * n, bool)
    flags[:diverging] = True
    deep = np.zeros(chains * n, bool)
    deep[:depth] = True
    rng = np.random.default_rng(9)
    stats = {
        "diverging": (("chain", "draw"), flags.reshape(chains, n)),
        "reached_max_treedepth": (("chain", "draw"), deep.reshape(chains, n)),
        "energy": (("chain", "draw"), rng.standard_normal((chains, n)) if energy is None else energy),
    }
    posterior = xr.Dataset(
        {name: (("chain", "draw"), value) for name, value in values.items()},
        coords={"chain": np.arange(chains), "draw": np.arange(n)},
    )
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": xr.Dataset(stats)})


def statuses(dt):
    return {finding.name: finding.status for finding in sampling.judge(dt)}


def test_good_draws_pass_everything_and_agree_with_arviz():
    import arviz_stats as azs

    values = draws()
    dt = tree(values)
    found = {finding.name: finding for finding in sampling.judge(dt)}
    assert set(statuses(dt).values()) == {"pass"}
    posterior = dt["posterior"].to_dataset()
    assert found["R-hat, largest"].value == pytest.approx(max(float(azs.rhat(posterior)[n]) for n in values))
    assert found["Effective sample size, bulk, smallest"].value == pytest.approx(
        min(float(azs.ess(posterior, method="bulk")[n]) for n in values)
    )


@pytest.mark.parametrize(
    ("dt", "name", "status"),
    [
        (tree(draws(chains=1)), "Chains", "fail"),
        (tree(draws(chains=3)), "Chains", "warn"),
        (tree({"a": draws()["a"] + np.arange(4)[:, None]}), "R-hat, largest", "fail"),
        (tree({"a": np.cumsum(draws()["a"], axis=1)}), "Effective sample size, bulk, smallest", "fail"),
        (tree(draws(n=70)), "Effective sample size, bulk, smallest", "warn"),
        (tree(draws(n=40)), "Effective sample size, tail, smallest", "fail"),
        (tree(draws(), diverging=4), "Divergences", "warn"),
        (tree(draws(), diverging=5), "Divergences", "fail"),
        (tree(draws(), depth=200), "Draws at the greatest tree depth", "warn"),
        (tree(draws(), depth=201), "Draws at the greatest tree depth", "fail"),
        (
            tree(draws(), energy=np.cumsum(np.random.default_rng(1).standard_normal((4, 1000)), 1)),
            "E-BFMI, smallest",
            "fail",
        ),
        (tree(draws(n=5)), "Draws for each chain", "fail"),
    ],
)
def test_each_way_to_be_bad_is_found(dt, name, status):
    assert statuses(dt)[name] == status


def test_a_chain_that_is_stuck_fails():
    values = draws()
    values["a"][2] = 3.0
    assert statuses(tree(values))["R-hat, largest"] == "fail"


def test_remedies_follow_what_failed():
    grouped = draws(names=("1|g", "1|g_sigma"))
    centred = Analysis(noncentered=False, target_accept=0.8)
    first = check.sampling(centred.changed({"on_fail": "warn"}), tree(grouped, diverging=50)).remedies[0]
    assert first.changes == {"noncentered": True}
    first = check.sampling(Analysis(on_fail="warn"), tree(draws(), diverging=50)).remedies[0]
    assert first.changes == {"target_accept": 0.95}
    slow = tree({"a": np.cumsum(draws()["a"], axis=1)})
    assert check.sampling(Analysis(on_fail="warn"), slow).remedies[0].changes == {"draws": 2000, "tune": 1500}
    one = check.sampling(Analysis(on_fail="warn", chains=1), tree(draws(chains=1))).remedies[0]
    assert one.changes == {"chains": 4}


def test_a_failed_gate_stops_when_it_is_told_to(capsys):
    with pytest.raises(GateFailed, match="on_fail"):
        check.sampling(Analysis(), tree(draws(), diverging=500))


def test_a_passing_verdict_offers_no_remedy():
    assert check.sampling(Analysis(), tree(draws())).remedies == ()


def test_predictions_for_rows_that_were_added_to_the_draws_are_not_judged():
    dt = tree(draws())
    stuck = np.repeat(np.arange(4.0), 1000).reshape(4, 1000, 1)
    dt["posterior"] = dt["posterior"].to_dataset().assign(mu=(("chain", "draw", "__obs__"), stuck))
    assert set(statuses(dt).values()) == {"pass"}
