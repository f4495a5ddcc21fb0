"""Decisions: expected gains, regrets and the worth of knowing, held against closed forms."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from test_answer import CHAINS, DRAWS, asked, posterior

from modelcompose.analysis import Decision
from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidAnalysis
from modelcompose.workflow import check, results, steps, words
from modelcompose.workflow.decision import Choice, Stakes

SIZE = CHAINS * DRAWS
TABLE = pd.DataFrame({"x": np.arange(10.0), "y": np.arange(10.0), "arm": pd.Categorical(["a", "b"] * 5)})


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.setattr(steps, "_JUDGED", {})


def normal(mean, sd, seed=1):
    """Draws that stand at the quantiles of a normal distribution, shuffled, so that closed forms hold."""
    draws = norm.ppf((np.arange(SIZE) + 0.5) / SIZE, mean, sd)
    return np.random.default_rng(seed).permutation(draws)


def two(mean, sd, **stated):
    effect = Effect("arm: b against a", "With arm b instead of a, y is", "difference", normal(mean, sd))
    chosen = Decision(**stated)
    gain = chosen.value * effect.draws * (1 if chosen.better == "higher" else -1) - chosen.cost
    gains = np.stack([np.zeros(SIZE), gain])
    return Stakes.of(Choice(("arm a", "arm b"), gains, "€", chosen, "", effect, 0.0), posterior(), 0.95)


def decided(monkeypatch, *effects, table=TABLE, stated=None, **choices):
    monkeypatch.setattr(results, "effects_of", lambda *_: list(effects))
    stated = {"currency": "€", **(stated or {})}
    return check.decision(asked(decision=stated, **choices), table, None, posterior())


def difference(mean=2.0, sd=1.0, name="arm: b against a", **more):
    return Effect(name, "With arm b instead of a, the average of y is", "difference", normal(mean, sd), **more)


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(0.2, 3), st.floats(0.1, 10), st.floats(0, 5), st.sampled_from(["higher", "lower"]))
def test_gain_regret_and_worth_of_knowing_are_those_of_the_normal_distribution(mean, sd, value, cost, better):
    """The unit normal loss integral (Raiffa and Schlaifer 1961): sd · (φ(z) − |z|·Φ(−|z|)), z = mean/sd of the gain."""
    stakes = two(mean, sd, value=value, cost=cost, better=better)
    gain, spread = (value * mean if better == "higher" else -value * mean) - cost, value * sd
    z = abs(gain) / spread
    assert stakes.gain[1] == pytest.approx(gain, abs=1e-6 * spread)
    assert stakes.best[1] == pytest.approx(norm.cdf(gain / spread), abs=2 / SIZE)
    perfect = spread * (norm.pdf(z) - z * norm.cdf(-z))
    assert stakes.regret[stakes.order[0]] == pytest.approx(perfect, abs=2e-3 * spread)
    assert stakes.regret[stakes.order[1]] == pytest.approx(perfect + abs(gain), abs=2e-3 * spread)
    if z > 1e-6:
        assert stakes.order[0] == (1 if gain > 0 else 0)


def test_regret_of_the_best_is_what_perfect_information_is_worth():
    """E[max] − max E, for three independent choices; for standard normal ones E[max] is 3 / (2 √π)."""
    gains = np.random.default_rng(7).standard_normal((3, SIZE))
    stakes = Stakes.of(Choice(("a", "b", "c"), gains, "", Decision(), ""), posterior(), 0.95)
    assert stakes.regret.min() == pytest.approx(gains.max(0).mean() - gains.mean(1).max())
    assert gains.max(0).mean() == pytest.approx(3 / (2 * np.sqrt(np.pi)), abs=0.08)
    assert stakes.best.sum() == pytest.approx(1)
    assert stakes.best == pytest.approx(np.full(3, 1 / 3), abs=0.05)


def test_two_groups_the_other_one_is_chosen_when_it_pays(monkeypatch):
    verdict = decided(monkeypatch, difference(2, 1), predictors=["arm"], stated={"value": 10, "cost": 5})
    assert verdict.sentence.startswith("By what was stated, the best choice is “arm b”")
    numbers = verdict.details["choices"]["arm b"]
    assert numbers["gain"] == pytest.approx(15, abs=0.05)
    assert numbers["best"] == pytest.approx(norm.cdf(1.5), abs=2 / SIZE)
    even = next(line for line in verdict.details["For the decision maker"] if "break-even" in line)
    assert "is above 0.5, the break-even point" in even
    dearer = decided(monkeypatch, difference(2, 1), predictors=["arm"], stated={"value": 10, "cost": 25})
    assert "the best choice is “arm a”" in dearer.sentence
    lower = decided(monkeypatch, difference(2, 1), predictors=["arm"], stated={"value": 10, "better": "lower"})
    assert "the best choice is “arm a”" in lower.sentence
    assert any("is below 0, the break-even point" in line for line in lower.details["For the decision maker"])


def test_what_being_wrong_costs_is_said_in_numbers_of_the_draws(monkeypatch):
    verdict = decided(monkeypatch, difference(1, 1), predictors=["arm"])
    gain = normal(1, 1)
    line = next(line for line in verdict.details["For the decision maker"] if "in truth better" in line)
    wrong, expected = map(float, re.findall(r"(?:cost|loss) is ([\d.]+) €", line))
    assert wrong == pytest.approx(-gain[gain < 0].mean(), abs=0.06)
    assert expected == pytest.approx(np.maximum(-gain, 0).mean(), abs=0.006)
    right = float(re.search(r"truly the best is ([\d.]+)%", verdict.sentence)[1])
    assert right == pytest.approx(100 * norm.cdf(1), abs=0.6)


def test_a_cost_can_be_stated_for_each_level_and_must_be_of_one(monkeypatch):
    effects = [difference(2, 1), Effect("arm: c against a", "With c, y is", "difference", normal(3, 1, 5))]
    table = TABLE.assign(arm=pd.Categorical(list("abcabcabca")))
    stated = {"value": 1, "cost": 1, "costs": {"c": 2.5}}
    verdict = decided(monkeypatch, *effects, table=table, predictors=["arm"], stated=stated)
    gains = {name: one["gain"] for name, one in verdict.details["choices"].items()}
    assert gains == pytest.approx({"arm a": 0, "arm b": 1, "arm c": 0.5}, abs=1e-2)
    assert "“arm b”" in verdict.sentence
    with pytest.raises(InvalidAnalysis, match="'z'"):
        decided(monkeypatch, *effects, table=table, predictors=["arm"], stated={"costs": {"z": 1}})


def test_of_many_groups_one_is_chosen(monkeypatch):
    levels = [Effect(f"site {name}", "", "level", normal(mean, 1, at)) for at, (name, mean) in
              enumerate((("north", 5), ("south", 7), ("west", 4)))]  # fmt: skip
    choices = {"question": "compare-many", "groups": ["site"], "predictors": []}
    verdict = decided(monkeypatch, *levels, **choices)
    assert "the best choice is “south”" in verdict.sentence
    assert [row["choice"] for row in verdict.details["Choices"]] == ["south", "north", "west"]
    dear = decided(monkeypatch, *levels, **choices, stated={"costs": {"south": 4}})
    assert "the best choice is “north”" in dear.sentence


def test_variants_of_an_experiment_cost_nothing_to_keep(monkeypatch):
    shares = [Effect(f"share with {name}", "", "level", normal(mean, 0.5, at), "%") for at, (name, mean) in
              enumerate((("a", 10), ("b", 12)))]  # fmt: skip
    choices = {"question": "ab-test", "predictors": ["arm"]}
    verdict = decided(monkeypatch, *shares, **choices, stated={"value": 1, "cost": 3})
    assert "the best choice is “a”" in verdict.sentence
    assert "1 percentage point of the outcome is worth 1 €" in verdict.details["For the decision maker"][-2]


def test_of_a_number_one_unit_more_is_weighed_against_none(monkeypatch):
    effect = Effect("x, per 1", "With x higher by 1, the average of y is", "difference", normal(2, 1))
    verdict = decided(monkeypatch, effect, stated={"value": 1, "cost": 1})
    assert "the best choice is “x higher by 1”" in verdict.sentence
    assert set(verdict.details["choices"]) == {"leaving x as it is", "x higher by 1"}


def test_a_factor_multiplies_the_average_of_the_table(monkeypatch):
    effect = Effect("x, per 1 (factor)", "With x higher by 1, y is multiplied by", "ratio", normal(1.2, 0.05))
    verdict = decided(monkeypatch, effect, stated={"value": 10, "cost": 4.5})
    assert verdict.details["choices"]["x higher by 1"]["gain"] == pytest.approx(10 * 0.2 * 4.5 - 4.5, abs=1e-2)
    assert any("is above 1.1, the break-even point" in line for line in verdict.details["For the decision maker"])


def test_a_share_is_weighed_against_the_target_that_pays(monkeypatch):
    effect = Effect("share of y", "The share is", "level", normal(30, 5), "%")
    verdict = decided(monkeypatch, effect, question="share", predictors=[], stated={"value": 2, "cost": 50})
    assert "the best choice is “going ahead”" in verdict.sentence
    even = next(line for line in verdict.details["For the decision maker"] if "break-even" in line)
    assert "when it is above 25%" in even
    assert float(re.search(r"that is ([\d.]+)%", even)[1]) == pytest.approx(100 * norm.cdf(1), abs=0.6)


def test_equal_choices_are_not_told_apart_by_chance(monkeypatch):
    verdict = decided(monkeypatch, difference(0.001, 1), predictors=["arm"])
    gap = next(one for one in verdict.findings if one.rule == "decision-gap")
    assert (gap.status, verdict.status) == ("warn", "warn")
    assert verdict.remedies[0].changes == {"draws": 2000}


def test_nothing_stated_says_how_to_state_it(monkeypatch):
    verdict = check.decision(asked(), TABLE, None, posterior())
    assert verdict.status == "info"
    assert "decision = {" in verdict.sentence


def test_what_nobody_chooses_is_not_decided(monkeypatch):
    effect = Effect("change per year", "Per year, y changes by", "effect", normal(1, 1))
    verdict = decided(monkeypatch, effect, question="trend", predictors=[])
    assert verdict.status == "info"
    assert "nothing to decide" in verdict.sentence


def test_of_a_direction_nothing_is_better_for_being_higher(monkeypatch):
    effect = Effect("x, per 1", "With x higher by 1, y turns by", "effect", normal(1, 1), "degrees")
    assert decided(monkeypatch, effect, kinds={"y": "circular"}).status == "info"


def test_what_is_weighed_is_named(monkeypatch):
    lines = decided(monkeypatch, difference(), predictors=["arm"]).details["For the decision maker"]
    assert "What is weighed is the effect “arm: b against a”." in lines


def test_a_failed_computation_decides_nothing(monkeypatch):
    apart = posterior(np.arange(4.0)[:, None] + np.zeros((4, DRAWS)))
    monkeypatch.setattr(results, "effects_of", lambda *_: [difference()])
    verdict = check.decision(asked(decision={"value": 1.0}, predictors=["arm"]), TABLE, None, apart)
    assert verdict.status == "fail"
    assert "choices" not in verdict.details


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(0.01, 100), st.floats(0, 100))
def test_nothing_forbidden_is_said_of_any_decision(mean, value, cost):
    from modelcompose.workflow import decision

    stakes = two(mean, 1.0, value=value, cost=cost)
    for line in [*decision._said(stakes), *words._texts([stakes.row(0), stakes.row(1)])]:
        assert not words.forbidden(line)
        assert "nan" not in line


def test_the_picture_is_drawn_for_two_choices_and_for_many(monkeypatch):
    assert decided(monkeypatch, difference(2, 1), predictors=["arm"]).picture
    levels = [Effect(f"site {name}", "", "level", normal(5, 1, at)) for at, name in enumerate("abc")]
    assert decided(monkeypatch, *levels, question="compare-many", groups=["site"], predictors=[]).picture


def test_the_effect_of_the_asked_column_is_weighed_and_no_other_that_ends_alike(monkeypatch):
    other = Effect("max, per 1", "With max higher by 1, y is", "difference", normal(-9, 1))
    effect = Effect("x, per 1", "With x higher by 1, y is", "difference", normal(2, 1))
    verdict = decided(monkeypatch, other, effect)
    assert verdict.details["choices"]["x higher by 1"]["gain"] == pytest.approx(2, abs=1e-2)
    levels = [Effect(f"y = {level}; {one.name}", one.lead, "difference", one.draws) for level in (5, 1) for one in
              (other, effect)]  # fmt: skip
    verdict = decided(monkeypatch, *levels)
    assert verdict.details["choices"]["x higher by 1"]["gain"] == pytest.approx(2, abs=1e-2)


def test_costs_by_level_are_refused_where_no_level_is_chosen(monkeypatch):
    slope = Effect("x, per 1", "With x higher by 1, the average of y is", "difference", normal(2, 1))
    assert decided(monkeypatch, slope, predictors=["x"]).step == "decision"
    with pytest.raises(InvalidAnalysis, match="'x1', which cannot be chosen") as refused:
        decided(monkeypatch, slope, predictors=["x"], stated={"costs": {"x1": 4}})
    assert "State 'cost'" in str(refused.value)
