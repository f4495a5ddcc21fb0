"""The answer: the same figures at every depth, true to the draws, and honest about what stands against them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_words import NUMBER, is_rounded

from modelcompose.analysis import Analysis
from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidInput
from modelcompose.verdict import Verdict
from modelcompose.workflow import answer, check, results, steps, words

CHAINS, DRAWS = 4, 250
DEPTHS = ("For the decision maker", "For the analyst", "For the statistician")
LEAD = "With x higher by 1, the average of y is"


@pytest.fixture(autouse=True)
def session(monkeypatch):
    """Every test is a session of its own, in which nothing was judged."""
    monkeypatch.setattr(steps, "_JUDGED", {})


def posterior(values=None, *, rows=None, chains=CHAINS):
    """A posterior of one parameter whose chains agree, and predictions of rows if given."""
    rng = np.random.default_rng(3)
    values = rng.standard_normal((chains, DRAWS)) if values is None else values
    sizes = {"requested_chains": chains, "requested_draws": DRAWS}
    statistics = {
        "diverging": (("chain", "draw"), np.zeros((chains, DRAWS), bool)),
        "energy": (("chain", "draw"), rng.standard_normal((chains, DRAWS))),
    }
    groups = {
        "posterior": xr.Dataset({"b": (("chain", "draw"), values)}).assign_attrs(sizes),
        "sample_stats": xr.Dataset(statistics),
    }
    if rows is not None:
        groups["posterior_predictive"] = xr.Dataset({"y": (("chain", "draw", "row"), rows)})
    return xr.DataTree.from_dict(groups)


def asked(**choices):
    kinds = {"x": "continuous", "y": "continuous"}
    plain = {"outcome": "y", "predictors": ["x"], "question": "effect", "model": "linear", "on_fail": "warn"}
    return Analysis.of({**plain, "kinds": kinds, **choices})


TABLE = pd.DataFrame({"x": np.arange(20.0), "y": np.arange(20.0)})


def answered(monkeypatch, *effects, dt=None, table=TABLE, **choices):
    monkeypatch.setattr(results, "effects_of", lambda *_: list(effects))
    return check.answer(asked(**choices), table, None, dt or posterior())


def quantity(mean=10.0, sd=2.0, kind="difference", unit="ms", name="x, per 1", headline=True, lead=LEAD):
    draws = mean + sd * np.random.default_rng(9).standard_normal(CHAINS * DRAWS)
    return Effect(name, lead, kind, draws, unit, headline)


def judge(step, status, analysis, **more):
    """Leave the verdict of a step in the session, as its cell would."""
    digest = steps.choices_digest(step, analysis)
    steps.recall(Verdict(step=step, title="", status=status, sentence="Said so.", choices=digest, **more))


def texts(verdict):
    """All that a reader of a verdict sees, line by line."""
    return [verdict.sentence, *words._texts(verdict.details), *(one.sentence for one in verdict.findings)]


effects = st.builds(
    quantity,
    st.floats(-1e5, 1e5),
    st.floats(1e-5, 1e4),
    st.sampled_from(("difference", "ratio", "effect", "level", "spread")),
    st.sampled_from(("ms", "%", "percentage points", "", "days", "€")),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(effects, st.sampled_from([0.8, 0.89, 0.95]), st.sampled_from([0.0, 0.5, 1000.0]))
def test_every_depth_tells_the_same_numbers_and_they_are_the_posteriors(monkeypatch, one, ci_prob, smallest):
    verdict = answered(monkeypatch, one, ci_prob=ci_prob, smallest_effect=smallest)
    maker, analyst, statistician = (verdict.details[name] for name in DEPTHS)
    figures = results.figures_of([one], posterior(), ci_prob)[0]
    row = statistician[0]
    low, middle, high = np.quantile(one.draws, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    assert is_rounded(row["median"], middle, figures.place)
    assert is_rounded(row["mean"], one.draws.mean(), figures.place)
    for text, value in zip(row[f"{100 * ci_prob:.4g}% interval"].split(" to "), (low, high), strict=True):
        assert is_rounded(text, value, figures.place)
    assert verdict.sentence == maker[0]
    sized = words.size(figures)
    assert sized in maker[0]
    assert any(sized in line for line in analyst)
    assert verdict.details["Results"][0]["in words"] == sized
    spoken = re.findall(NUMBER, sized.removeprefix(one.lead).replace(f"{100 * ci_prob:.4g}% prob", ""))
    tabled = re.findall(NUMBER, f"{row['median']} {row[f'{100 * ci_prob:.4g}% interval']}")
    assert {number.lstrip("-") for number in tabled} <= {number.lstrip("-") for number in spoken}
    if figures.none is not None:
        above = float(np.mean(one.draws > figures.none))
        shown = words.percent(max(above, 1 - above), figures.draws)
        assert row["direction"].startswith(shown)
        assert all(any(f"{shown} (" in line for line in depth) for depth in (maker, analyst))
    if smallest and one.kind in ("difference", "effect"):
        inside = words.percent(float(np.mean(np.abs(one.draws) < smallest)), figures.draws)
        assert row["too small to matter"].startswith(inside)
        assert all(any(f"{inside} (" in line for line in depth) for depth in (maker, analyst))
    for line in texts(verdict):
        assert not words.forbidden(line, ["x", "y"])


def test_importance_is_only_spoken_of_where_a_smallest_effect_was_stated(monkeypatch):
    plain = answered(monkeypatch, quantity())
    assert any("Nothing is said of importance" in line for line in plain.details[DEPTHS[0]])
    stated = answered(monkeypatch, quantity(), smallest_effect=2)
    assert "It is large enough to matter" in stated.sentence
    assert "matters" in stated.details[DEPTHS[2]][0]["too small to matter"]
    factor = answered(monkeypatch, quantity(2, 0.1, "ratio", ""), smallest_effect=2)
    assert any("cannot be held against a factor" in line for line in factor.details[DEPTHS[0]])


def test_the_best_of_several_groups_is_named_with_its_probability(monkeypatch):
    rng = np.random.default_rng(1)
    low, high = (mean + rng.standard_normal(CHAINS * DRAWS) for mean in (10.0, 11.0))
    groups = [Effect(f"g {name}", f"For g {name}, it is", "level", one) for name, one in (("a", low), ("b", high))]
    verdict = answered(monkeypatch, *groups, question="compare-many", groups=["g"], predictors=[])
    share = float(np.mean(high > low))
    said = re.search(r"largest of the 2 is ([\d.]+)%", verdict.sentence)
    assert float(said[1]) == pytest.approx(100 * share, abs=0.5)
    assert verdict.sentence.startswith("For g b, it is")


def test_a_failed_computation_shows_no_number_at_any_depth(monkeypatch):
    verdict = answered(monkeypatch, quantity(), dt=posterior(np.arange(4.0)[:, None] + np.zeros((4, DRAWS))))
    assert verdict.status == "fail"
    assert not set(verdict.details) & {*DEPTHS, "Results", "effects"}


def test_a_named_person_may_let_a_failed_computation_pass_and_is_named(monkeypatch, tmp_path):
    apart = posterior(np.arange(4.0)[:, None] + 0.1 * np.random.default_rng(1).standard_normal((4, DRAWS)))
    waivers = [{"step": "sampling", "by": "A. Name", "reason": "a pilot"}]
    verdict = answered(monkeypatch, quantity(), dt=apart, waivers=waivers)
    assert verdict.sentence.startswith(
        "Provisional: the check “Did the computation work?” failed, and A. Name let it pass"
    )
    assert "x, per 1" in verdict.details["effects"]
    assert verdict.gate == "warn"
    assert {"what": "waived", "is": "sampling: by A. Name. Reason: a pilot"} in verdict.details["What it rests on"]
    policy = tmp_path / "strict.toml"
    policy.write_text('name = "Strict"\nforbid_waivers = ["sampling"]\n')
    held = answered(monkeypatch, quantity(), dt=apart, waivers=waivers, policy=str(policy))
    assert "effects" not in held.details


def test_earlier_warnings_and_failures_make_the_answer_provisional(monkeypatch):
    analysis = asked()
    assert answered(monkeypatch, quantity()).status == "pass"
    judge("prior", "warn", analysis)
    warned = answered(monkeypatch, quantity())
    assert warned.status == "warn"
    assert warned.sentence.startswith("Provisional: the check “Are the assumptions plausible?” gave a warning.")
    judge("posterior", "fail", analysis)
    failed = answered(monkeypatch, quantity())
    assert failed.sentence.startswith("Do not rely on this: the check “Does the model look like your data?” failed.")


def test_verdicts_of_other_choices_do_not_count(monkeypatch):
    judge("prior", "fail", asked(prior_scale=3.0))
    assert answered(monkeypatch, quantity()).status == "pass"


def test_too_few_draws_for_the_digits_are_warned_about_with_a_remedy(monkeypatch):
    walk = np.random.default_rng(2).standard_normal((CHAINS, DRAWS)).cumsum(1).ravel()
    one = Effect("x, per 1", LEAD, "difference", walk, "ms")
    verdict = answered(monkeypatch, one)
    assert verdict.status == "fail"
    assert verdict.remedies[0].changes == {"draws": 2000}
    assert "Monte Carlo error" in verdict.findings[-1].name


def test_where_the_next_value_falls_is_told_from_where_the_average_lies(monkeypatch):
    rng = np.random.default_rng(4)
    rows = rng.normal(TABLE["y"], 3.0, (CHAINS, DRAWS, 20))
    dt = posterior(rows=rows)
    mean = rng.normal(TABLE["y"], 0.3, (CHAINS, DRAWS, 20))
    dt["posterior"] = dt["posterior"].to_dataset().assign(mu=(("chain", "draw", "row"), mean))
    line = next(line for line in answered(monkeypatch, quantity(), dt=dt).details[DEPTHS[0]] if "next value" in line)
    at = int(re.search(r"x = (\d+)", line)[1])
    assert at in (9, 10)
    numbers = list(map(float, re.findall(NUMBER, line.split("the average is")[1])))[:4]
    expected = [at - 1.96 * 0.3, at + 1.96 * 0.3, at - 1.96 * 3, at + 1.96 * 3]
    assert numbers == pytest.approx(expected, abs=0.6)


def test_of_a_yes_or_no_natural_frequencies_are_said(monkeypatch):
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"x": np.arange(20.0), "y": pd.Categorical(["no", "yes"] * 10)})
    dt = posterior(rows=rng.binomial(1, 0.3, (CHAINS, DRAWS, 20)))
    lines = answered(monkeypatch, quantity(), dt=dt, table=table, kinds={"y": "binary"}).details[DEPTHS[0]]
    assert any("about 70 with y = no, about 30 with y = yes" in line for line in lines)


@pytest.mark.parametrize(
    ("question", "kind", "said"),
    [
        ("effect", "difference", "These are associations among otherwise similar rows."),
        ("ab-test", "difference", "only if chance alone decided which row got which"),
        ("intervention", "difference", "as far as the assumptions of the design hold"),
        ("typical", "level", "rows like those in the table"),
    ],
)
def test_how_it_may_be_read_depends_on_what_was_asked(monkeypatch, question, kind, said):
    verdict = answered(monkeypatch, quantity(kind=kind), question=question)
    assert said in verdict.details["caution"]
    assert verdict.details["caution"] in verdict.details[DEPTHS[0]]


def test_a_model_of_ones_own_may_not_say_what_misleads(monkeypatch):
    with pytest.raises(InvalidInput, match="causes"):
        answered(monkeypatch, quantity(lead="The drug causes a change of"))
    named = answered(monkeypatch, quantity(lead="With causes higher by 1, y is"), predictors=["causes"])
    assert named.status == "pass"


def test_what_was_tried_and_what_it_rests_on_is_told_to_the_statistician(monkeypatch):
    judge("comparison", "pass", asked())
    verdict = answered(monkeypatch, quantity(), priors={"x": {"dist": "Normal", "mu": 0, "sigma": 1}})
    rests = {row["what"]: row["is"] for row in verdict.details["What it rests on"]}
    assert rests["priors"].startswith("the user's own for x")
    assert rests["rules in force"].startswith("ModelCompose's defaults, version")
    assert rests["computation"] == "nutpie, 4 chains of 250 draws, seed 20261121"
    assert "comparison" not in rests  # judged under other priors
    judge("comparison", "pass", asked())
    assert {"what": "comparison", "is": "Said so."} in answered(monkeypatch, quantity()).details["What it rests on"]


def test_effective_draws_and_errors_are_those_of_arviz():
    import arviz_stats as azs

    one = quantity()
    dt = posterior()
    figures = results.figures_of([one], dt, 0.95)[0]
    chains = one.draws.reshape(CHAINS, DRAWS)
    tail = float(azs.ess(chains, method="tail", prob=(0.025, 0.975)))
    ess = min(float(azs.ess(chains, method="bulk")), tail, chains.size)
    assert figures.draws == pytest.approx(ess)
    errors = [float(azs.mcse(chains, method="quantile", prob=prob)) for prob in (0.025, 0.5, 0.975)]
    assert figures.error == pytest.approx(max(errors))
    assert results.mcse([one.draws], dt)[0] == pytest.approx(float(azs.mcse(chains, method="mean")))


def test_what_publishing_relies_on_is_there(monkeypatch):
    details = answered(monkeypatch, quantity(), estimand="By how much?").details
    assert details["estimand"] == "By how much?"
    assert set(details["effects"]["x, per 1"]) >= {"mean", "sd", "lower", "median", "upper"}
    assert set(details["Results"][0]) >= {"quantity", "in words", "direction", "median", "interval"}
    assert len(details["Results"]) <= answer.MOST
