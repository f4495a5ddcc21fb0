"""Priors in words, and priors from what is known about the outcome."""

from __future__ import annotations

import numpy as np
import pytest

from modelcompose import catalog, data
from modelcompose.analysis import Analysis
from modelcompose.catalog.consequences import elicited, on_outcome_scale, prior_rows
from modelcompose.catalog.predictions import outcome_draws
from modelcompose.errors import InvalidAnalysis

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def prepared(tmp_path, name, **choices):
    entry = catalog.get(name)
    simulation = entry.simulate(np.random.default_rng(3), 160)
    path = tmp_path / "table.csv"
    simulation.table.to_csv(path, index=False)
    dataset = data.load(str(path), simulation.kinds)
    chosen = Analysis.of({"data": str(path), **simulation.choices, "model": name, **choices})
    analysis = catalog.complete(chosen, dataset)
    return analysis, dataset.rows(analysis)[0]


CASES = [
    ("linear", -20.0, 30.0),
    ("linear", 0.0, 1000.0),
    ("robust-linear", 5.0, 9.0),
    ("logistic", 0.02, 0.6),
    ("logistic", 0.2, 0.4),
    ("poisson", 0.0, 40.0),
    ("poisson", 5.0, 200.0),
    ("negative-binomial", 0.0, 60.0),
    ("varying-intercepts", 100.0, 200.0),
    ("varying-slopes", -50.0, 400.0),
]


@pytest.mark.parametrize(("name", "low", "high"), CASES)
def test_nine_of_ten_values_of_the_prior_predictive_lie_in_the_asked_range(tmp_path, name, low, high):
    """Checked by PyMC's own simulation, which shares no code with the search."""
    analysis, table = prepared(tmp_path, name)
    chosen = analysis.changed({"priors": on_outcome_scale(analysis, table, low, high, 0.9)})
    model = catalog.build(chosen, table)
    simulated = catalog.prior_predictive(model, draws=3000, random_seed=11)
    if name == "logistic":
        values = np.asarray(simulated["prior"]["p"]).reshape(3000, -1)
    else:
        values = outcome_draws(simulated["prior_predictive"].to_dataset(), analysis.outcome)
    inside = np.mean((values >= low) & (values <= high))
    print(f"{name}: {inside:.1%} of the prior predictive values between {low:g} and {high:g}")
    assert 0.88 <= inside <= 0.92
    if low > 0:  # balanced, where there is room below
        assert np.mean(values < low) == pytest.approx(np.mean(values > high), abs=0.02)


def test_one_piece_changes_and_the_rest_stays(tmp_path):
    analysis, table = prepared(tmp_path, "linear")
    before = {row["name"]: row for row in prior_rows(analysis, table)}
    found = elicited(analysis, table, "center(x)", {"how": "range", "low": 0, "high": 3, "mass": 0.9})
    assert set(found["changes"]["priors"]) == {"center(x)"}
    assert [row["name"] for row in found["priors"]] == ["center(x)"]
    after = {row["name"]: row for row in prior_rows(analysis.changed(found["changes"]), table)}
    assert after["center(x)"]["yours"]
    assert {name: row for name, row in after.items() if name != "center(x)"} == {
        name: row for name, row in before.items() if name != "center(x)"
    }


def test_priors_speak_in_the_units_of_the_data(tmp_path):
    analysis, table = prepared(tmp_path, "varying-slopes", units={"y": "ms", "day": "day"})
    words = {row["name"]: row["range_words"] for row in prior_rows(analysis, table)}
    assert words["day"].startswith("95% of slopes between −")
    assert words["day"].endswith("ms per day")
    assert words["1|person"].startswith("95% of standard deviations between ")
    binary, rows = prepared(tmp_path, "logistic")
    said = {row["name"]: row["range_words"] for row in prior_rows(binary, rows)}
    assert said["Intercept"].endswith("%")
    assert "factors on the odds" in said["x"]


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("linear", {"how": "outcome", "low": 5, "high": 1}, "cannot be"),
        ("linear", {"how": "outcome"}, "lowest and a highest"),
        ("linear", {"how": "outcome", "low": 0, "high": 1, "mass": 1.5}, "cannot be"),
        ("logistic", {"how": "outcome", "low": 0, "high": 10}, "between 0 and 1"),
        ("poisson", {"how": "outcome", "low": -5, "high": 10}, "below 0"),
        ("poisson", {"how": "outcome", "low": 99, "high": 101}, "chance alone"),
        ("meta-analysis", {"how": "outcome", "low": 0, "high": 10}, "one by one"),
    ],
)
def test_a_range_that_cannot_be_is_explained(tmp_path, name, answer, said):
    analysis, table = prepared(tmp_path, name)
    with pytest.raises(InvalidAnalysis, match=said):
        elicited(analysis, table, "", answer)


def test_an_unknown_prior_is_named_with_those_there_are(tmp_path):
    analysis, table = prepared(tmp_path, "linear")
    with pytest.raises(InvalidAnalysis, match=r"no prior 'slope'.*Intercept"):
        elicited(analysis, table, "slope", {"how": "range", "low": 0, "high": 1})


@pytest.mark.parametrize(
    ("name", "plausible", "mu", "sigma"),
    [("linear", [0, 40], 20.0, 7.5), ("varying-intercepts", [100, 300], 200.0, 37.5), ("poisson", [1, 100], 2.3, 1.0)],
)
def test_a_declared_plausible_range_sets_the_default_priors_and_passes_their_check(
    tmp_path, name, plausible, mu, sigma
):
    from modelcompose.workflow import check

    simulation = catalog.get(name).simulate(np.random.default_rng(3), 160)
    outcome = simulation.choices["outcome"]
    analysis, table = prepared(tmp_path, name, variables={outcome: {"plausible": plausible}})
    intercept = catalog.get(name).priors(analysis, table)[0]
    assert intercept.prior.params == {"mu": mu, "sigma": sigma}
    if name != "poisson":
        assert "declared" in intercept.source
        prior = catalog.prior_predictive(catalog.build(analysis, table), random_seed=2)
        found = check.prior(analysis.changed({"on_fail": "warn"}), table, prior)
        outside = next(one for one in found.findings if "plausible range" in one.name)
        assert outside.status == "pass", outside.shown
        assert f"{plausible[0]:g} and {plausible[1]:g}" in outside.sentence


def test_the_posterior_of_a_run_becomes_the_prior_and_contradictions_are_said(tmp_path):
    from modelcompose.catalog.consequences import from_posterior
    from modelcompose.workflow import conflict

    analysis, table = prepared(tmp_path, "linear")
    rng = np.random.default_rng(5)

    def learned(slope):
        draws = {"center(x)": rng.normal(slope, 0.05, 4000), "sigma": rng.normal(2, 0.1, 4000), "other": rng.random(9)}
        return from_posterior(analysis, table, "", draws)

    agreeing, contradicting = learned(1.5), learned(9.0)
    slope = agreeing["changes"]["priors"]["center(x)"]
    assert slope["dist"] == "Normal"
    assert (slope["mu"], slope["sigma"]) == (pytest.approx(1.5, abs=0.01), pytest.approx(0.05, rel=0.05))
    assert agreeing["changes"]["priors"]["sigma"]["dist"] == "Gamma"
    assert "Intercept" in agreeing["notes"][0]
    said = [conflict.in_words(analysis.changed(one["changes"]), table)[0] for one in (agreeing, contradicting)]
    assert said[0].startswith("What you assumed agrees")
    assert "contradict each other" in said[1]
    with pytest.raises(InvalidAnalysis, match="none of the parameters"):
        from_posterior(analysis, table, "", {"other": rng.random(9)})
