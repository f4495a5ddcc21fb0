"""Sampling diagnostics: the field's own numbers, and a failure for every way draws can be bad."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from modelcompose.analysis import Analysis
from modelcompose.errors import GateFailed
from modelcompose.workflow import check, explanations, sampling
from modelcompose.workflow.policy import default

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


@pytest.mark.parametrize(("k", "status"), [(0.2, "pass"), (0.6, "warn"), (0.8, "fail"), (np.inf, "fail")])
def test_an_approximation_is_judged_by_its_weights_and_mended_by_nuts(k, status):
    dt = tree(draws(chains=1))
    dt["posterior"].attrs |= {"approximation": "Laplace", "pareto_k": k, "importance_ess": 900.0}
    verdict = check.sampling(Analysis(on_fail="warn", sampler="laplace"), dt)
    assert verdict.status == status
    assert {finding.rule for finding in verdict.findings} == {"approximation-k", "ess"}
    assert "approximation (Laplace)" in verdict.sentence
    assert [remedy.changes for remedy in verdict.remedies] == [{"sampler": "nutpie"}] * (status != "pass")


def test_independent_draws_need_no_several_chains():
    dt = tree(draws(chains=1))
    dt["posterior"].attrs["independent"] = 1
    assert set(statuses(dt).values()) == {"pass"}


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
    assert check.sampling(Analysis(on_fail="warn"), slow).remedies[0].changes == {"metric": "diagonal"}
    few = check.sampling(Analysis(on_fail="warn", draws=100, tune=100), tree(draws(n=30))).remedies[0]
    assert few.changes == {"draws": 400, "tune": 1000}
    one = check.sampling(Analysis(on_fail="warn", chains=1), tree(draws(chains=1))).remedies[0]
    assert one.changes == {"chains": 4}


@pytest.mark.parametrize(
    "dt",
    [
        tree(draws(), diverging=50),
        tree(draws(), depth=900),
        tree(draws(chains=1)),
        tree(draws(n=5)),
        tree(draws(), energy=np.cumsum(np.random.default_rng(1).standard_normal((4, 1000)), 1)),
        tree({"a": np.where(np.arange(1000) == 3, np.nan, draws()["a"])}),
        tree({"a": np.repeat(np.arange(4.0), 1000).reshape(4, 1000)}),
    ],
)
@pytest.mark.parametrize("model", ["linear", "models/own.py"])
def test_every_failure_has_a_way_out_that_says_what_it_costs(dt, model):
    analysis = Analysis(on_fail="warn", model=model, chains=int(dt["posterior"].sizes["chain"]))
    verdict = check.sampling(analysis, dt)
    assert verdict.status == "fail"
    assert verdict.remedies
    for remedy in verdict.remedies:
        assert remedy.changes
        assert remedy.cost
        assert analysis.changed(remedy.changes) != analysis
    scores = [remedy.score for remedy in verdict.remedies]
    assert scores == sorted(scores, reverse=True)


def test_monte_carlo_errors_are_those_of_arviz():
    import arviz_stats as azs

    found = {finding.name: finding for finding in sampling.judge(tree(draws(names=("a",))))}
    values = draws(names=("a",))["a"]
    assert found["Monte Carlo error of averages, largest"].value == pytest.approx(
        float(azs.mcse(values, method="mean")) / values.std()
    )
    assert found["Monte Carlo error of standard deviations, largest"].value == pytest.approx(
        float(azs.mcse(values, method="sd")) / values.std()
    )


def test_draws_that_are_no_numbers_fail_and_are_counted():
    values = draws()
    values["b"][1, 5:8] = np.inf
    found = {finding.rule: finding for finding in sampling.judge(tree(values))}
    assert found["non-finite-draws"].status == "fail"
    assert found["non-finite-draws"].shown == "3 of b"


def test_what_never_changes_is_a_constant_but_a_chain_that_stands_still_is_not():
    values = draws() | {"reference": np.zeros((4, 1000))}
    assert set(statuses(tree(values)).values()) == {"pass"}
    values["a"][2] = 3.0
    found = {finding.rule: finding for finding in sampling.judge(tree(values))}
    assert found["stuck-chains"].status == "fail"
    assert "chain 2 (a)" in found["stuck-chains"].shown
    assert statuses(tree({"a": np.ones((4, 1000))}))["Chains that do not move"] == "fail"


def test_chains_that_settled_in_different_places_are_more_than_one_explanation():
    values = draws()
    values["a"] = values["a"] + np.array([0, 8, 0, 8])[:, None]
    found = {finding.rule: finding for finding in sampling.judge(tree(values))}["chains-apart"]
    assert found.status == "fail"
    assert "chains 0, 2: about" in found.shown
    assert "chains 1, 3: about 8" in found.shown
    assert found.value == pytest.approx(8, abs=0.3)


def test_a_chain_that_goes_over_does_not_hide_two_explanations():
    draws = np.random.default_rng(8).normal(size=(4, 400))
    draws[2] += 20
    draws[3, 200:] += 20
    found = explanations.explanations(xr.Dataset({"a": (("chain", "draw"), draws)}), ["a"], default())
    assert found.chains == ((0, 1), (2,))
    draws[:2, 100:] += 20
    assert explanations.explanations(xr.Dataset({"a": (("chain", "draw"), draws)}), ["a"], default()) is None


def test_slow_chains_are_not_taken_for_several_explanations():
    slow = tree({"a": np.cumsum(draws()["a"], axis=1)})
    assert "chains-apart" not in {finding.rule for finding in sampling.judge(slow)}


def test_parts_that_changed_places_are_told_from_other_explanations():
    centres = np.array([[0.0, 6.0], [6.0, 0.0], [0.0, 6.0], [6.0, 0.0]])
    rng = np.random.default_rng(2)

    def judged(centres):
        dt = tree(draws())
        posterior = dt["posterior"].to_dataset()
        noise = rng.standard_normal((4, 1000, 2))
        dt["posterior"] = posterior.assign(mu=(("chain", "draw", "kind"), centres[:, None, :] + noise))
        return next(one for one in sampling.judge(dt) if one.rule == "chains-apart")

    assert "changed places" in judged(centres).sentence
    centres[1] = [6.0, 12.0]
    assert "changed places" not in judged(centres).sentence


def test_a_projects_own_policy_decides():
    strict = default().model_copy(
        update={"rules": {**default().rules, "rhat": default()["rhat"].model_copy(update={"limit": 1.0, "fail": 1.0})}}
    )
    assert {one.rule: one.status for one in sampling.judge(tree(draws()), strict)}["rhat"] == "fail"
    assert {one.rule: one.status for one in sampling.judge(tree(draws()))}["rhat"] == "pass"


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
