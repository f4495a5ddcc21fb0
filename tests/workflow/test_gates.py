"""Planted failures: each gate catches its own, and the first remedy it offers turns it to a pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.workflow import check
from modelcompose.workflow.compose import settle

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


class Case:
    """An analysis with its table, whose steps can be run and whose remedies can be taken."""

    def __init__(self, choices):
        self.analysis = Analysis.of({"on_fail": "warn", **choices})
        self.take({})

    def take(self, changes):
        self.analysis = settle(self.analysis, changes, lambda one: data.load(one.data, one.kinds))
        self.table = data.load(self.analysis.data, self.analysis.kinds).complete_rows(self.analysis.columns)
        self.model = catalog.build(self.analysis, self.table)

    def prior(self):
        import pymc as pm

        prior = pm.sample_prior_predictive(
            draws=500, model=self.model.backend.model, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
        return check.prior(self.analysis, self.table, prior)

    def fit(self):
        chosen = self.analysis
        return samplers.fit(
            self.model,
            draws=chosen.draws,
            tune=chosen.tune,
            target_accept=chosen.target_accept,
            random_seed=chosen.random_seed,
        )

    def sampling(self):
        return check.sampling(self.analysis, self.fit())

    def posterior(self):
        dt = self.model.predict(self.fit(), kind="response", inplace=False, random_seed=1)
        return check.posterior(self.analysis, self.table, dt)


def mended(case, step):
    """Fail a step, take its first remedy, and return the verdicts before and after."""
    before = getattr(case, step)()
    case.take(before.remedies[0].changes)
    return before, getattr(case, step)()


def test_a_prior_far_too_wide():
    wide = {"Days": {"dist": "Normal", "mu": 0, "sigma": 5000}}
    case = Case({"data": "sample:sleepstudy", "outcome": "Reaction", "model": "varying-slopes", "priors": wide})
    before, after = mended(case, "prior")
    assert (before.status, after.status) == ("fail", "pass")
    assert before.remedies[0].changes == {"priors": {}}


def test_a_funnel(tmp_path):
    rng = np.random.default_rng(11)
    clinic = np.repeat(np.arange(40), 2)
    pd.DataFrame(
        {
            "y": 50 + 0.5 * rng.standard_normal(40)[clinic] + 5 * rng.standard_normal(80),
            "dose": rng.uniform(0, 4, 80),
            "clinic": np.char.add("c", clinic.astype(str)),
        }
    ).to_csv(tmp_path / "funnel.csv", index=False)
    case = Case(
        {
            "data": str(tmp_path / "funnel.csv"),
            "kinds": {"clinic": "group"},
            "question": "effect",
            "outcome": "y",
            "predictors": ["dose"],
            "groups": ["clinic"],
            "model": "varying-intercepts",
            "noncentered": False,
        }
    )
    before, after = mended(case, "sampling")
    assert before.status == "fail"
    assert before.remedies[0].changes == {"noncentered": True}
    assert after.status == "pass", after.text()


def test_a_wrong_family(tmp_path):
    rng = np.random.default_rng(4)
    x = rng.normal(size=300)
    rate = np.exp(1.2 + 0.5 * x) * rng.gamma(0.7, 1 / 0.7, 300)
    pd.DataFrame({"events": rng.poisson(rate), "x": x}).to_csv(tmp_path / "counts.csv", index=False)
    case = Case(
        {
            "data": str(tmp_path / "counts.csv"),
            "question": "effect",
            "outcome": "events",
            "predictors": ["x"],
            "model": "poisson",
        }
    )
    before, after = mended(case, "posterior")
    assert before.status == "fail"
    assert before.remedies[0].changes["model"] == "negative-binomial"
    assert after.status == "pass", after.text()


def test_too_much_missing(tmp_path):
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"y": rng.normal(size=80), "x": rng.normal(size=80), "z": rng.normal(size=80)})
    table.loc[:30, "z"] = np.nan
    table.to_csv(tmp_path / "gaps.csv", index=False)
    case = Case({"data": str(tmp_path / "gaps.csv"), "question": "effect", "outcome": "y", "predictors": ["x", "z"]})

    def judged():
        dataset = data.load(case.analysis.data, case.analysis.kinds)
        return check.data(case.analysis, dataset, case.table)

    before = judged()
    assert (before.status, before.remedies[0].changes) == ("fail", {"predictors": ["x"]})
    case.take(before.remedies[0].changes)
    assert judged().status == "pass"


def test_a_failed_computation_shows_no_numbers(tmp_path):
    """A red light at sampling holds the answer back."""
    case = Case({"data": "sample:sleepstudy", "outcome": "Reaction"})
    dt = samplers.fit(case.model, draws=20, tune=20, chains=1, random_seed=1)
    verdict = check.answer(case.analysis, case.table, case.model, dt)
    assert verdict.status == "fail"
    assert "No result is shown" in verdict.sentence
    assert "Results" not in verdict.details
    assert verdict.remedies


def test_predictors_that_say_the_same_are_warned_about_and_one_is_offered_to_leave(tmp_path):
    rng = np.random.default_rng(4)
    x, other = rng.normal(size=80), rng.normal(size=80)
    pd.DataFrame({"y": x + rng.normal(size=80), "x": x, "twice": 2 * x + 1, "other": other}).to_csv(
        tmp_path / "t.csv", index=False
    )
    table = data.load(str(tmp_path / "t.csv"))

    def judged(predictors):
        asked = Analysis(data="t", outcome="y", question="effect", predictors=predictors)
        return check.data(asked, table, table.complete_rows(asked.columns))

    found = judged(["x", "twice", "other"])
    assert found.status == "warn"
    assert "other" in found.remedies[0].changes["predictors"]
    assert judged(found.remedies[0].changes["predictors"]).status == "pass"
    assert judged(["x"]).status == "pass"


def test_how_often_something_happens_is_answered_without_predictors(tmp_path):
    rng = np.random.default_rng(5)
    hours = rng.uniform(1, 9, 200)
    pd.DataFrame({"n": rng.poisson(3 * hours), "hours": hours}).to_csv(tmp_path / "t.csv", index=False)
    case = Case(
        {"data": str(tmp_path / "t.csv"), "question": "rate", "outcome": "n", "exposure": "hours", "model": "poisson"}
        | {"kinds": {"n": "count"}}
    )
    found = check.answer(case.analysis, case.table, case.model, case.fit())
    assert found.sentence.startswith("Per 1 of hours, the expected number of n is ")
    assert "largest" not in found.sentence
    assert found.details["effects"]["average per 1 of hours"]["median"] == pytest.approx(3, abs=0.2)
