"""Multiverse: the answers under other choices are those of the models fitted alone, and a turned sign fails."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import modelcompose as mc
from modelcompose import data
from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.multiverse import DIMENSIONS, _chosen, _far_out, _Option, multiverse

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

ANALYSIS = Analysis(outcome="y", model="linear", on_fail="warn", universes=10)


def settled(path, **choices):
    analysis = Analysis.of({"data": str(path), "outcome": "y", "model": "linear", "on_fail": "warn", **choices})
    dataset = data.load(analysis.data, analysis.kinds)
    return mc.complete(analysis, dataset), dataset


# -- a confounder --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def confounded(tmp_path_factory):
    """The effect of x is -1 at equal z; without z it looks like more than 0.5, since z moves both."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal(200)
    x = z + 0.5 * rng.standard_normal(200)
    y = -1.0 * x + 2.2 * z + 0.5 * rng.standard_normal(200)
    path = tmp_path_factory.mktemp("confounded") / "t.csv"
    pd.DataFrame({"y": y, "x": x, "z": z}).to_csv(path, index=False)
    choices = {"predictors": ["x", "z"], "candidates": ["linear"], "universes": 6, "draws": 300, "tune": 300}
    analysis, dataset = settled(path, **choices)
    file = path.with_name("universes.nc")
    multiverse(analysis, dataset).to_netcdf(file, engine="h5netcdf")
    return analysis, dataset, xr.open_datatree(file, engine="h5netcdf").load()


def test_leaving_out_what_moves_both_turns_the_sign_and_fails(confounded):
    analysis, _, tree = confounded
    verdict = check.multiverse(analysis, tree)
    assert verdict.status == "fail"
    finding = next(one for one in verdict.findings if one.rule == "same-direction")
    assert (finding.value, finding.shown) == (0.5, "3 of 6")
    assert "direction is the same in 3 of 6" in verdict.sentence
    assert verdict.picture


def test_each_universe_answers_as_least_squares_does(confounded):
    _, dataset, tree = confounded
    table = dataset.frame

    def slope(columns):
        design = np.column_stack([np.ones(len(table)), *(table[name] for name in columns)])
        return np.linalg.lstsq(design, table["y"].to_numpy())[0][1]

    for at in range(tree.sizes["universe"]):
        one = tree.to_dataset().isel(universe=at)
        expected = slope(["x"] if str(one["columns"].item()) == "without z" else ["x", "z"])
        assert float(one["draws"].mean()) == pytest.approx(expected, abs=0.1), str(one["priors"].item())


def test_the_analysis_itself_comes_first(confounded):
    _, _, tree = confounded
    first = tree.to_dataset().isel(universe=0)
    assert [str(first[name].item()) for name in DIMENSIONS] == ["Linear regression", "as chosen", "all", "all"]
    assert tree.attrs["quantity"] == "x, per 1"
    assert tree.attrs["combinations"] == 6


# -- which universes -----------------------------------------------------------------------------------------------


def test_too_many_combinations_are_chosen_evenly_and_the_same_each_time():
    options = [
        [_Option(f"{name}{at}", at) for at in range(size)] for name, size in zip("mpcr", (3, 3, 4, 2), strict=True)
    ]
    found = _chosen(options, 12)
    assert found[0].names == ("m0", "p0", "c0", "r0")
    assert len({one.names for one in found}) == 12
    for at, size in enumerate((3, 3, 4, 2)):
        seen = Counter(one.names[at] for one in found)
        assert len(seen) == size
        assert max(seen.values()) - min(seen.values()) <= 2
    assert [one.names for one in _chosen(options, 12)] == [one.names for one in found]
    assert len(_chosen(options, 200)) == 72


def test_outcomes_far_out_may_be_left_out_only_where_they_are_measured():
    y = np.r_[np.linspace(-1, 1, 50), 40.0, -30.0]
    table = pd.DataFrame({"y": y})
    assert list(_far_out(Analysis(outcome="y", kinds={"y": "continuous"}), table)) == [50, 51]
    assert len(_far_out(Analysis(outcome="y", kinds={"y": "count"}), table)) == 0
    assert len(_far_out(Analysis(outcome="y", kinds={"y": "continuous"}, time="t"), table)) == 0


def test_no_universes_are_no_failure(tmp_path):
    pd.DataFrame({"y": np.sin(np.arange(20.0)), "x": np.cos(np.arange(20.0)) ** 2}).to_csv(
        tmp_path / "t.csv", index=False
    )
    analysis, dataset = settled(tmp_path / "t.csv", predictors=["x"], universes=0)
    verdict = check.multiverse(analysis, multiverse(analysis, dataset))
    assert verdict.status == "info"
    assert "universes" in verdict.sentence


# -- the verdict, from made-up draws -------------------------------------------------------------------------------


def made_up(means, *, sd=1.0, kind="difference", failed=0):
    rng = np.random.default_rng(1)
    count = len(means) + failed
    draws = np.full((count, 800), np.nan)
    for at, mean in enumerate(means):
        draws[at] = rng.normal(mean, sd, 800)
    reasons = [""] * len(means) + ["Its draws cannot be trusted (R-hat)."] * failed
    told = {name: ("universe", [f"{name} {at}" for at in range(count)]) for name in DIMENSIONS}
    return xr.DataTree(
        xr.Dataset(
            {
                "draws": (("universe", "sample"), draws),
                "reason": ("universe", reasons),
                "rows_used": ("universe", [50] * count),
                **told,
            },
            attrs={"combinations": count, "quantity": "x, per 1", "lead": "It is", "kind": kind, "unit": "kg"},
        )
    )


def direction(tree):
    verdict = check.multiverse(ANALYSIS, tree)
    return next(one.status for one in verdict.findings if one.rule == "same-direction")


@pytest.mark.parametrize(
    ("means", "status"),
    [
        ([5.0] * 10, "pass"),
        ([5.0] * 9 + [-5.0], "warn"),
        ([5.0] * 8 + [-5.0] * 2, "fail"),
        ([0.2] * 5 + [-0.2] * 5, "pass"),
        ([0.2] * 5 + [-5.0] * 5, "warn"),
    ],
)
def test_the_direction_is_judged_by_how_many_universes_share_it(means, status):
    assert direction(made_up(means)) == status


def test_where_no_universe_tells_a_direction_that_is_the_sentence():
    verdict = check.multiverse(ANALYSIS, made_up([0.2] * 5 + [-0.2] * 5))
    assert verdict.sentence.startswith("None of 10 defensible ways")
    assert verdict.status == "pass"


def test_a_level_has_no_direction_and_should_stay_inside_the_interval():
    assert direction(made_up([100.0] * 10, kind="level")) == "pass"
    assert direction(made_up([100.0] * 8 + [120.0] * 2, kind="level")) == "warn"


def test_universes_without_an_answer_are_counted_and_say_why():
    verdict = check.multiverse(ANALYSIS, made_up([5.0] * 8, failed=2))
    found = {one.rule: one for one in verdict.findings}
    assert found["universes-answered"].status == "warn"
    assert found["same-direction"].shown == "8 of 8"
    assert verdict.details["No answer"][0]["why"].startswith("Its draws cannot be trusted")


def test_universes_are_listed_in_order_of_their_answers():
    verdict = check.multiverse(ANALYSIS, made_up([5.0, 3.0, 4.0]))
    medians = [float(one["answer"].split()[0]) for one in verdict.details["Universes"]]
    assert all(low <= high for low, high in pairwise(medians))
    assert [one["this analysis"] for one in verdict.details["Universes"]] == ["", "", "yes"]


def test_no_sentence_says_more_than_it_may():
    from modelcompose.workflow.words import require_allowed

    for means in ([5.0] * 10, [5.0] * 8 + [-5.0] * 2, [0.2, -0.2]):
        verdict = check.multiverse(ANALYSIS, made_up(means))
        require_allowed([verdict.sentence, verdict.alt, *(one.sentence for one in verdict.findings), verdict.details])
