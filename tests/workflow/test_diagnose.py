"""Verdicts on stored posteriors, good and pathological, equal those of arviz-stats wherever it speaks.

``python tests/workflow/test_diagnose.py`` prints the table.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import pytest
import xarray as xr

from modelcompose.workflow import sampling
from modelcompose.workflow.policy import default

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")

FILES = sorted(Path(__file__).with_name("posteriors").glob("*.nc"))
SHARED = ("divergences", "tree-depth", "bfmi", "rhat", "ess, bulk", "ess, bulk and tail")
BAD = {
    "borderline-schools": {"rhat"},
    "centred-schools": {"rhat", "ess", "bfmi"},
    "funnel": {"divergences", "rhat", "ess"},
    "labels-switched": {"rhat", "ess", "chains-apart"},
    "long-tails": {"ess"},
    "one-chain": {"chains"},
    "separated": {"ess"},
    "slow-walk": {"rhat", "ess"},
    "stuck-chain": {"rhat", "stuck-chains"},
    "too-few-draws": {"ess"},
    "trees-cut-short": {"tree-depth"},
    "twins": {"ess"},
    "two-chains": {"chains"},
    "two-modes": {"rhat", "ess", "chains-apart"},
}
"""What is wrong with each of the bad ones, by construction."""


def stored(path):
    with xr.open_datatree(path, engine="h5netcdf") as dt:
        return dt.load()


def theirs(dt):
    """Ask arviz-stats, and return for each rule that it has whether it is content."""
    import arviz_stats as azs

    chains, total = dt["posterior"].sizes["chain"], dt["posterior"].sizes["chain"] * dt["posterior"].sizes["draw"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, said = azs.diagnose(dt, return_diagnostics=True)
        _, both = azs.diagnose(dt, return_diagnostics=True, ess_min_ratio=100 * chains / total)
    return {
        "divergences": said["divergent"]["n_divergent"] == 0 if "divergent" in said else None,
        "tree-depth": said["treedepth"]["n_max"] == 0 if "treedepth" in said else None,
        "bfmi": not said["bfmi"]["failed_chains"] if "bfmi" in said else None,
        "rhat": not said["rhat"]["bad_params"] if chains > 1 else None,
        "ess, bulk": f"fewer than {100 * chains} effective samples" not in printed.getvalue(),
        "ess, bulk and tail": not both["ess"]["bad_params"],
    }


def ours(dt):
    """Judge the same, and return for each shared rule whether it passes."""
    found = {}
    for one in sampling.judge(dt):
        name = f"ess, {'bulk' if 'bulk' in one.name else 'tail'}" if one.rule == "ess" else one.rule
        found[name] = one.status == "pass"
    found["ess, bulk and tail"] = found["ess, bulk"] and found["ess, tail"]
    return {name: found.get(name) for name in SHARED}


def test_there_are_posteriors_enough_of_both_kinds():
    names = {path.stem for path in FILES}
    assert len(names) >= 12
    assert set(BAD) <= names
    assert len(names - set(BAD)) >= 3
    assert all(path.stat().st_size < 60_000 for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shared_rule_says_the_same_as_arviz(path):
    dt = stored(path)
    assert ours(dt) == theirs(dt)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_wrong_is_found_and_what_is_right_is_let_pass(path):
    rules = {one.rule for one in sampling.judge(stored(path)) if one.status != "pass"}
    assert BAD.get(path.stem, set()) <= rules
    if path.stem not in BAD:
        assert rules <= {"mcse-sd"}


def test_limits_are_the_ones_of_arviz():
    import inspect

    import arviz_stats as azs

    asked = inspect.signature(azs.diagnose).parameters
    rules = default()
    assert asked["rhat_max"].default == rules["rhat"].limit
    assert asked["bfmi_threshold"].default == rules["bfmi"].limit


def main():
    """Print what both say of every stored posterior."""
    words = {True: "pass", False: "not", None: "-"}
    print(f"{'posterior':22}" + "".join(f"{name:>24}" for name in SHARED) + "   what ours says")
    agreed = 0
    for path in FILES:
        dt = stored(path)
        mine, other = ours(dt), theirs(dt)
        agreed += mine == other
        cells = "".join(f"{words[mine[name]] + ' / ' + words[other[name]]:>24}" for name in SHARED)
        wrong = sorted({f"{one.rule} ({one.status})" for one in sampling.judge(dt) if one.status != "pass"})
        print(f"{path.stem:22}{cells}   {', '.join(wrong) or 'all pass'}")
    print(f"ours / arviz-stats; {agreed} of {len(FILES)} agree in every shared rule")


if __name__ == "__main__":
    main()
