"""Elicitation: the prior says what was said, judged by scipy alone; and whatever cannot be used is refused."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelcompose.catalog import elicit as module
from modelcompose.catalog.elicit import (
    Elicited,
    by_drawing,
    by_experts,
    by_quantiles,
    by_range,
    density,
    elicit,
    quantiles,
)
from modelcompose.catalog.priors import DISTRIBUTIONS, Prior
from modelcompose.errors import InvalidAnalysis

SPREAD = Prior("HalfNormal", {"sigma": 3.0})
SHARE = Prior("Beta", {"alpha": 1.0, "beta": 1.0})
SLOPE = Prior("Normal", {"mu": 0.0, "sigma": 3.0})
ROUNDED = 0.0051  # what rounding the parameters may change in a probability

# PyMC's parameters as scipy takes them, written down once more and independently.
AS_SCIPY = {
    "Beta": lambda alpha, beta: stats.beta(alpha, beta),
    "Cauchy": lambda alpha, beta: stats.cauchy(alpha, beta),
    "Exponential": lambda lam: stats.expon(scale=1 / lam),
    "Gamma": lambda alpha, beta: stats.gamma(alpha, scale=1 / beta),
    "HalfCauchy": lambda beta: stats.halfcauchy(scale=beta),
    "HalfNormal": lambda sigma: stats.halfnorm(scale=sigma),
    "HalfStudentT": lambda nu, sigma: HalfT(nu, sigma),
    "InverseGamma": lambda alpha, beta: stats.invgamma(alpha, scale=beta),
    "Laplace": lambda mu, b: stats.laplace(mu, b),
    "LogNormal": lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
    "Normal": lambda mu, sigma: stats.norm(mu, sigma),
    "StudentT": lambda nu, mu, sigma: stats.t(nu, mu, sigma),
    "Uniform": lambda lower, upper: stats.uniform(lower, upper - lower),
}
EXAMPLES = [
    Prior("Beta", {"alpha": 2.0, "beta": 5.0}),
    Prior("Cauchy", {"alpha": -3.0, "beta": 0.5}),
    Prior("Exponential", {"lam": 0.2}),
    Prior("Gamma", {"alpha": 3.0, "beta": 0.01}),
    Prior("Gamma", {"alpha": 0.6, "beta": 2.0}),
    Prior("HalfCauchy", {"beta": 40.0}),
    Prior("HalfNormal", {"sigma": 0.003}),
    Prior("HalfStudentT", {"nu": 4.0, "sigma": 12.0}),
    Prior("InverseGamma", {"alpha": 5.0, "beta": 7.0}),
    Prior("Laplace", {"mu": 100.0, "b": 3.0}),
    Prior("LogNormal", {"mu": 2.0, "sigma": 0.7}),
    Prior("Normal", {"mu": 1000.0, "sigma": 0.4}),
    Prior("StudentT", {"nu": 3.0, "mu": -20.0, "sigma": 5.0}),
    Prior("Uniform", {"lower": -2.0, "upper": 9.0}),
]
each_example = pytest.mark.parametrize("prior", EXAMPLES, ids=Prior.words)


RANGE = {"how": "range", "low": 2, "high": 8}
QUANTILES = {"how": "quantiles", "quantiles": {"0.1": 2, "0.5": 5, "0.9": 8}, "dist": "Laplace"}
DRAWING = {"how": "drawing", "edges": [0, 1, 2, 3], "chips": [1, 2, 1]}


class HalfT:
    """The absolute value of Student's t, whose square is an F."""

    def __init__(self, nu: float, sigma: float) -> None:
        self.square, self.sigma = stats.f(1, nu), sigma

    def cdf(self, x):
        return self.square.cdf((np.maximum(x, 0) / self.sigma) ** 2)

    def ppf(self, q):
        return self.sigma * np.sqrt(self.square.ppf(q))

    def pdf(self, x):
        return self.square.pdf((x / self.sigma) ** 2) * 2 * x / self.sigma**2


def scipy_of(prior):
    return AS_SCIPY[prior.dist](**prior.params)


def apart(one, other):
    """The largest difference between two priors in the probability below any value."""
    x = np.concatenate([scipy_of(prior).ppf(np.linspace(0.01, 0.99, 99)) for prior in (one, other)])
    return np.max(np.abs(scipy_of(one).cdf(x) - scipy_of(other).cdf(x)))


def has(prior, low, high):
    return scipy_of(prior).cdf(high) - scipy_of(prior).cdf(low)


def warned(found):
    return any(note.startswith("Careful") for note in found.notes)


def digits(value):
    return len(f"{abs(value):.15g}".split("e")[0].replace(".", "").strip("0"))


def test_every_distribution_that_a_prior_may_have_can_be_elicited():
    assert set(DISTRIBUTIONS) | {"Beta"} == set(module.ROLES) == set(module.CURVES)
    assert all(set(module.ROLES[name]) <= names for name, names in DISTRIBUTIONS.items())


class TestRange:
    ON_THE_LINE = tuple(product(("", "Normal", "StudentT", "Laplace", "Cauchy", "Uniform"), (0.5, 0.9, 0.99)))
    AWAY = tuple(product(("Gamma", "LogNormal", "InverseGamma"), (0.5, 0.9, 0.99)))
    FROM_ZERO = tuple(product(("HalfNormal", "Exponential", "HalfStudentT", "HalfCauchy", "Gamma"), (0.5, 0.9, 0.95)))

    @pytest.mark.parametrize(("dist", "mass"), ON_THE_LINE)
    def test_between_any_two_values_lies_the_mass_asked_for(self, dist, mass):
        for low, high in ((2, 8), (-3000, 500), (-1e-6, 2e-6), (1e9, 1.001e9)):
            found = by_range(low, high, mass, dist)
            assert has(found.prior, low, high) == pytest.approx(mass, abs=2 * ROUNDED)
            assert not warned(found)

    @pytest.mark.parametrize(("dist", "mass"), AWAY)
    def test_between_two_positive_values_lies_the_mass_asked_for(self, dist, mass):
        for low, high in ((2, 8), (0.01, 3), (1000, 1010), (1e-7, 3e-7)):
            found = by_range(low, high, mass, dist, like=SPREAD)
            assert has(found.prior, low, high) == pytest.approx(mass, abs=2 * ROUNDED)
            assert not warned(found)

    @pytest.mark.parametrize(("dist", "mass"), FROM_ZERO)
    def test_between_zero_and_a_value_lies_the_mass_asked_for(self, dist, mass):
        for high in (8, 4e5, 3e-6):
            found = by_range(0, high, mass, dist)
            assert has(found.prior, 0, high) == pytest.approx(mass, abs=2 * ROUNDED)

    def test_the_widest_normal_is_centred_and_has_a_known_scale(self):
        prior = by_range(2, 8).prior
        assert prior.dist == "Normal"
        assert prior.params == {"mu": 5.0, "sigma": pytest.approx(3 / stats.norm.ppf(0.95), rel=0.005)}

    @pytest.mark.parametrize(("low", "high", "mass"), [(2, 8, 0.9), (100, 101, 0.5), (0.05, 10, 0.8), (99, 100, 0.99)])
    @pytest.mark.parametrize("dist", ["Gamma", "LogNormal"])
    def test_no_other_of_the_family_with_this_mass_has_more_entropy(self, dist, low, high, mass):
        widest = scipy_of(by_range(low, high, mass, dist).prior).entropy()
        for below in np.linspace(0.01, 0.99, 9) * (1 - mass):
            other = by_quantiles({below: low, below + mass: high}, dist).prior
            assert scipy_of(other).entropy() < widest + 0.03

    def test_a_standard_deviation_keeps_its_distribution_when_the_range_begins_at_zero(self):
        found = by_range(0, 8, like=Prior("Exponential", {"lam": 1.0}))
        assert found.prior.dist == "Exponential"
        assert "as before" in found.notes[0]

    def test_a_standard_deviation_away_from_zero_becomes_a_gamma_and_the_note_says_why(self):
        found = by_range(2, 8, like=SPREAD)
        assert found.prior.dist == "Gamma"
        assert "HalfNormal, as before, is highest at zero" in found.notes[0]

    def test_an_effect_keeps_its_distribution_and_its_tails(self):
        before = Prior("StudentT", {"nu": 7.0, "mu": 0.0, "sigma": 1.0})
        assert by_range(-2, 2, like=before).prior.params["nu"] == 7

    @pytest.mark.parametrize("mass", [0.5, 0.9, 0.99])
    def test_a_share_stays_between_zero_and_one(self, mass):
        for low, high in ((0.2, 0.6), (0.001, 0.02), (0.9, 0.99), (0, 0.3), (0.6, 1)):
            found = by_range(low, high, mass, like=SHARE)
            assert found.prior.dist == "Beta"
            assert has(found.prior, low, high) == pytest.approx(mass, abs=2 * ROUNDED)

    def test_a_uniform_standard_deviation_begins_at_zero_at_the_earliest(self):
        found = by_range(0.2, 8, 0.95, like=Prior("Uniform", {"lower": 0.0, "upper": 1.0}))
        assert found.prior.params["lower"] == 0
        assert has(found.prior, 0.2, 8) == pytest.approx(0.95, abs=2 * ROUNDED)

    def test_the_sentence_says_it_in_words(self):
        assert by_range(2, 8).sentence == "90% of values between 2 and 8, the middle at 5"
        assert by_range(-8, -2, 0.5).sentence == "50% of values between −8 and −2, the middle at −5"

    def test_a_range_that_the_distribution_cannot_meet_is_warned_of(self):
        found = by_range(2, 8, dist="HalfNormal")
        assert warned(found)
        assert "58.2%" in found.sentence
        assert "widest" not in found.notes[0]

    def test_parameters_have_three_digits_where_these_are_enough(self):
        for found in (
            by_range(2.2222, 8.7654),
            by_range(2.2222, 8.7654, like=SPREAD),
            by_range(0, 3.14159, like=SPREAD),
        ):
            assert max(map(digits, found.prior.params.values())) <= 3

    def test_parameters_have_more_digits_where_three_would_miss_the_range(self):
        found = by_range(1000.1, 1000.2)
        assert found.prior.params["mu"] == pytest.approx(1000.15, abs=0.002)

    def test_when_preliz_finds_nothing_the_range_is_met_all_the_same(self, monkeypatch):
        monkeypatch.setattr(module, "_preliz_maximum", lambda *_: None)
        for dist in ("Normal", "StudentT", "Cauchy", "Gamma", "LogNormal", "InverseGamma"):
            assert has(by_range(2, 8, 0.8, dist).prior, 2, 8) == pytest.approx(0.8, abs=2 * ROUNDED)


class TestQuantiles:
    @each_example
    def test_the_quantiles_of_a_distribution_give_it_back(self, prior):
        levels = [0.05, 0.25, 0.5, 0.75, 0.95]
        values = scipy_of(prior).ppf(levels)
        found = by_quantiles(dict(zip(levels, values, strict=True)), prior.dist)
        assert found.prior.dist == prior.dist
        assert apart(found.prior, prior) < 0.011
        assert not warned(found)

    @each_example
    def test_two_quantiles_are_enough_where_the_tails_are_known(self, prior):
        values = scipy_of(prior).ppf([0.1, 0.9])
        found = by_quantiles({0.1: values[0], 0.9: values[1]}, prior.dist, like=prior)
        assert apart(found.prior, prior) < 0.011

    @each_example
    def test_the_distribution_of_a_prior_is_kept_where_it_fits(self, prior):
        levels = [0.05, 0.25, 0.5, 0.75, 0.95]
        found = by_quantiles(dict(zip(levels, scipy_of(prior).ppf(levels), strict=True)), like=prior)
        assert found.prior.dist == prior.dist
        assert "as before" in found.notes[0]

    @settings(deadline=None, max_examples=60)
    @given(
        place=st.floats(-1e4, 1e4),
        below=st.floats(1e-3, 1e4),
        skewed=st.floats(0.8, 1.25),
        dist=st.sampled_from(["", "Normal", "Laplace", "StudentT"]),
    )
    def test_nearly_symmetric_quantiles_are_met(self, place, below, skewed, dist):
        asked = {0.1: place - below, 0.5: place, 0.9: place + skewed * below}
        found = by_quantiles(asked, dist, like=SLOPE)
        assert scipy_of(found.prior).cdf(list(asked.values())) == pytest.approx(list(asked), abs=0.06)

    @settings(deadline=None, max_examples=60)
    @given(median=st.floats(1e-6, 1e6), spread=st.floats(1.02, 30))
    def test_positive_quantiles_give_a_positive_distribution(self, median, spread):
        asked = {0.1: median / spread, 0.5: median, 0.9: median * spread}
        found = by_quantiles(asked, like=SPREAD)
        assert scipy_of(found.prior).cdf(0) == 0
        assert scipy_of(found.prior).cdf(list(asked.values())) == pytest.approx(list(asked), abs=0.03)

    def test_simple_quantiles_give_a_normal_though_others_fit_as_well(self):
        assert by_quantiles({0.1: 2, 0.5: 5, 0.9: 8}).prior.dist == "Normal"

    def test_skewed_quantiles_of_an_effect_rule_out_negative_values_only_with_a_word(self):
        slightly, clearly = (by_quantiles({0.1: 1, 0.5: 3, 0.9: high}, like=SLOPE) for high in (5.2, 9))
        assert slightly.prior.dist == "Normal"
        assert clearly.prior.dist in module.POSITIVE
        assert "It rules out values below zero." in clearly.notes[0]

    def test_tails_without_a_mean_are_not_taken_for_a_small_gain(self):
        assert by_quantiles({0.1: -7, 0.5: -3, 0.9: -1}, like=SLOPE).prior.dist != "Cauchy"

    def test_the_notes_set_asked_against_achieved(self):
        found = by_quantiles({"0.9": 8, "0.1": 2}, "Normal")
        assert "Asked 10%, 90% below 2, 8; the prior has 9.99%, 90%." in found.notes

    def test_quantiles_that_no_distribution_meets_are_warned_of(self):
        assert warned(by_quantiles({0.1: 1, 0.5: 2, 0.9: 100}, "Normal"))

    def test_zero_as_the_lowest_value_of_a_standard_deviation_is_met_as_far_as_it_goes(self):
        found = by_quantiles({0.1: 0, 0.9: 8}, like=SPREAD)
        assert found.prior.dist == "HalfNormal"
        assert scipy_of(found.prior).cdf(8) == pytest.approx(0.9, abs=ROUNDED)
        assert warned(found)


class TestDrawing:
    @each_example
    def test_a_drawing_of_a_distribution_gives_it_back(self, prior):
        edges = scipy_of(prior).ppf(np.linspace(0.005, 0.995, 13))
        chips = np.diff(scipy_of(prior).cdf(edges))
        found = by_drawing(edges.tolist(), (1000 * chips).tolist(), prior.dist)
        assert apart(found.prior, prior) < 0.025
        assert not warned(found)

    @pytest.mark.parametrize("width", [0.001, 1, 250])
    def test_the_unit_of_a_drawing_changes_nothing_but_the_unit(self, width):
        edges = [width * k for k in range(9)]
        prior = by_drawing(edges, [1, 2, 4, 6, 4, 2, 1, 0], "Normal").prior
        assert prior.params["mu"] / width == pytest.approx(3.5, rel=0.01)
        assert prior.params["sigma"] / width == pytest.approx(1.5, rel=0.05)

    def test_bins_may_differ_in_width(self):
        true = stats.norm(10, 2)
        edges = [0, 4, 7, 8, 9, 10, 10.5, 12, 13, 20]
        prior = by_drawing(edges, (100 * np.diff(true.cdf(edges))).tolist()).prior
        assert prior.dist == "Normal"
        assert (prior.params["mu"], prior.params["sigma"]) == (pytest.approx(10, abs=0.2), pytest.approx(2, abs=0.2))

    def test_it_agrees_with_preliz_where_bins_have_width_one(self):
        edges, chips = list(range(9)), [1, 2, 4, 6, 5, 3, 2, 1]
        with module._preliz() as pz:
            middles = [edge + 0.5 for edge in edges[:-1]]
            shares = [chip / sum(chips) for chip in chips]
            theirs = pz.combine_roulette([(middles, shares, sum(chips), 0, 8, 10, 8)], dist_names=["Normal"])
            mu, sigma = float(theirs.mu), float(theirs.sigma)
        ours = by_drawing(edges, chips, "Normal").prior
        assert apart(ours, Prior("Normal", {"mu": mu, "sigma": sigma})) < 0.05

    def test_a_drawing_of_a_standard_deviation_stays_positive(self):
        found = by_drawing([0, 10, 20, 30, 40, 50, 60], [6, 4, 3, 2, 1, 1], like=SPREAD)
        assert found.prior.dist in module.POSITIVE
        assert not warned(found)

    def test_empty_bins_below_zero_do_not_matter_to_a_standard_deviation(self):
        found = by_drawing([-1, 0, 1, 2, 3, 4], [0, 4, 3, 2, 1], like=SPREAD)
        assert found.prior.dist in module.POSITIVE

    def test_two_humps_are_warned_of(self):
        found = by_drawing([0, 1, 2, 3, 4, 5, 6], [8, 0, 0, 0, 0, 8])
        assert warned(found)
        assert any(note.startswith("Furthest apart at") for note in found.notes)


class TestExperts:
    def test_experts_who_say_the_same_are_one_expert(self):
        found = by_experts([Prior("Gamma", {"alpha": 3.0, "beta": 0.5})] * 3)
        assert apart(found.prior, Prior("Gamma", {"alpha": 3.0, "beta": 0.5})) < 0.011
        assert any("The experts agree" in note for note in found.notes)
        assert not warned(found)

    def test_the_pool_is_the_weighted_average_of_probabilities(self):
        experts = [Prior("Normal", {"mu": 0.0, "sigma": 1.0}), Prior("StudentT", {"nu": 4.0, "mu": 1.0, "sigma": 2.0})]
        pool = module._pool([module._curve(one) for one in experts], np.array([0.25, 0.75]))
        share = 0.25 * scipy_of(experts[0]).cdf(pool.x) + 0.75 * scipy_of(experts[1]).cdf(pool.x)
        assert share == pytest.approx(pool.below, abs=1e-6)

    def test_a_weight_of_zero_leaves_an_expert_out(self):
        far = Prior("Normal", {"mu": 50.0, "sigma": 1.0})
        assert apart(by_experts([SLOPE, far], [2, 0]).prior, SLOPE) < 0.011

    def test_equal_weights_are_the_default(self):
        other = Prior("Normal", {"mu": 2.0, "sigma": 1.0})
        assert by_experts([SLOPE, other]).prior == by_experts([SLOPE, other], [3, 3]).prior

    def test_experts_far_apart_are_named_and_so_is_the_price_of_one_distribution(self):
        far = Prior("Normal", {"mu": 30.0, "sigma": 3.0})
        found = by_experts([SLOPE, Prior("Normal", {"mu": 1.0, "sigma": 3.0}), far])
        assert any("Experts 1 and 3 disagree: 80% of values between −3.84 and 3.84" in note for note in found.notes)
        assert not any("Experts 1 and 2" in note for note in found.notes)
        assert any("The pool has 90% of values between" in note for note in found.notes)
        assert warned(found)

    def test_many_pairs_far_apart_are_counted(self):
        found = by_experts([Prior("Normal", {"mu": 10.0 * k, "sigma": 1.0}) for k in range(4)])
        assert any("4 more pairs of experts disagree likewise." in note for note in found.notes)

    def test_the_note_on_the_pool_tells_the_largest_difference(self):
        experts = [SLOPE, Prior("Normal", {"mu": 30.0, "sigma": 3.0})]
        found = by_experts(experts)
        x = np.linspace(-20, 50, 2001)
        pool = np.mean([scipy_of(one).cdf(x) for one in experts], axis=0)
        worst = 100 * np.max(np.abs(scipy_of(found.prior).cdf(x) - pool))
        told = next(note for note in found.notes if note.startswith("The pool"))
        assert float(told.split("at most ")[1].split(" percentage")[0]) == pytest.approx(worst, abs=1.5)

    def test_shares_give_a_share(self):
        found = by_experts([Prior("Beta", {"alpha": 2.0, "beta": 5.0}), Prior("Beta", {"alpha": 4.0, "beta": 5.0})])
        assert found.prior.dist == "Beta"

    def test_positive_priors_give_a_positive_one(self):
        found = by_experts([by_range(1, 3, like=SPREAD), SPREAD])
        assert found.prior.dist in module.POSITIVE


class TestAnswers:
    def test_each_kind_of_answer_goes_to_its_verb(self):
        assert elicit({**RANGE, "mass": 0.5}) == by_range(2, 8, 0.5)
        assert elicit(QUANTILES, SLOPE) == by_quantiles({0.1: 2, 0.5: 5, 0.9: 8}, "Laplace", like=SLOPE)
        assert elicit(DRAWING, SPREAD) == by_drawing([0, 1, 2, 3], [1, 2, 1], like=SPREAD)
        experts = {"how": "experts", "answers": [RANGE, QUANTILES], "weights": [1, 2]}
        each = [elicit(RANGE), elicit(QUANTILES)]
        assert elicit(experts) == by_experts(each, [1, 2])

    def test_what_is_elicited_cannot_be_changed(self):
        found = elicit(DRAWING)
        assert isinstance(found, Elicited)
        with pytest.raises(AttributeError):
            found.sentence = ""

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (None, "'how' is None"),
            ([1], "'how' is None"),
            ({}, "'how' is None"),
            ({"how": "guess"}, "'guess'"),
            ({"how": ["range"]}, "'how' is"),
            ({"how": "outcome", "low": 1, "high": 2}, "'outcome'"),
            ({"how": "range", "low": 1}, "no 'high'"),
            ({"how": "range", "low": 1, "high": 2, "width": 3}, "no part 'width'"),
            ({"how": "quantiles"}, "no 'quantiles'"),
            ({"how": "quantiles", "quantiles": [1, 2]}, "[1, 2]"),
            ({"how": "drawing", "edges": 3, "chips": [1]}, "are 3"),
            ({"how": "drawing", "edges": [0, 1, 2], "chips": "12"}, "'12'"),
            ({"how": "experts", "answers": RANGE}, "are {"),
            ({"how": "experts", "answers": [RANGE]}, "1 experts' answers"),
            ({"how": "experts", "answers": [RANGE, {"how": "experts", "answers": []}]}, "a pool of experts itself"),
            ({"how": "experts", "answers": [RANGE, {"how": "range", "low": 8, "high": 2}]}, "2 after 8"),
            ({"how": "experts", "answers": [RANGE, RANGE], "weights": "ab"}, "'ab'"),
        ],
    )
    def test_an_answer_that_cannot_be_read_is_refused(self, answer, says):
        refused(says, lambda: elicit(answer))


def refused(says, call):
    with pytest.raises(InvalidAnalysis) as caught:
        call()
    assert says in caught.value.message
    assert caught.value.where == "priors"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("says", "call"),
    [
        ("2 after 8", lambda: by_range(8, 2)),
        ("2 after 2", lambda: by_range(2, 2)),
        ("cannot be told apart", lambda: by_range(1e12, 1e12 + 1e-3)),
        ("'2'", lambda: by_range("2", 8)),
        ("None", lambda: by_range(None, 8)),
        ("True", lambda: by_range(True, 8)),
        ("nan", lambda: by_range(math.nan, 8)),
        ("inf", lambda: by_range(2, math.inf)),
        ("not a number to work with", lambda: by_range(2, 10**400)),
        ("of a size", lambda: by_range(-1e300, 1e300)),
        ("of a size", lambda: by_range(0, 1e-300)),
        ("no LogNormal could be found", lambda: by_range(0, 9, 0.3, "LogNormal")),
        ("the mass is 1", lambda: by_range(2, 8, 1)),
        ("the mass is 0", lambda: by_range(2, 8, 0)),
        ("the mass is 90", lambda: by_range(2, 8, 90)),
        ("the mass has '0.9'", lambda: by_range(2, 8, "0.9")),
        ("'Weibull' is not a known", lambda: by_range(2, 8, dist="Weibull")),
        ("a Beta has values between 0 and 1 only", lambda: by_range(2, 8, dist="Beta")),
        ("a Beta has values between 0 and 1 only", lambda: by_quantiles({0.1: -0.2, 0.9: 0.6}, like=SHARE)),
        ("a Beta has values between 0 and 1 only", lambda: by_drawing([0, 0.5, 1, 1.5], [1, 2, 1], like=SHARE)),
        ("a Beta has values between 0 and 1 only", lambda: by_experts([SLOPE, SLOPE], like=SHARE)),
        ("Normal allows values that are no shares", lambda: by_range(0.2, 0.8, dist="Normal", like=SHARE)),
        ("no Beta could be found", lambda: by_range(0, 1, dist="Beta")),
        ("'_preliz' is not a known", lambda: by_range(2, 8, dist="_preliz")),
        ("7 is not a known", lambda: by_range(2, 8, dist=7)),
        ("['Normal'] is not a known", lambda: by_range(2, 8, dist=["Normal"])),
        ("never negative", lambda: by_range(-2, 8, like=SPREAD)),
        ("Normal allows negative values", lambda: by_range(2, 8, dist="Normal", like=SPREAD)),
        ("Gamma has no values below zero", lambda: by_range(-2, 8, dist="Gamma")),
        ("no other of its kind", lambda: by_range(0.2, 0.8, like=Prior("Triangular", {}))),
        ("the quantiles are {}", lambda: by_quantiles({})),
        ("the quantiles are", lambda: by_quantiles({0.5: 1})),
        ("1 after 2", lambda: by_quantiles({0.1: 2, 0.9: 1})),
        ("1 after 1", lambda: by_quantiles({0.1: 1, 0.9: 1})),
        ("'low' is not a number", lambda: by_quantiles({"low": 1, "high": 2})),
        ("a level is 10", lambda: by_quantiles({10: 1, 90: 2})),
        ("a level is 0", lambda: by_quantiles({0: 1, 0.9: 2})),
        ("twice", lambda: by_quantiles({"0.1": 1, "0.10": 2, "0.9": 3})),
        ("'x'", lambda: by_quantiles({0.1: "x", 0.9: 2})),
        ("nan", lambda: by_quantiles({0.1: 1, 0.9: math.nan})),
        ("a level has nan", lambda: by_quantiles({0.1: 1, "nan": 2})),
        ("never negative", lambda: by_quantiles({0.1: -1, 0.9: 2}, like=SPREAD)),
        ("LogNormal has no values below zero", lambda: by_quantiles({0.1: -1, 0.9: 2}, "LogNormal")),
        ("2 bins and 2 edges", lambda: by_drawing([0, 1], [1, 2])),
        ("1 after 3", lambda: by_drawing([0, 3, 1], [1, 2])),
        ("-1 chips", lambda: by_drawing([0, 1, 2], [-1, 5])),
        ("'1'", lambda: by_drawing([0, 1, 2], ["1", 5])),
        ("inf", lambda: by_drawing([0, 1, 2], [math.inf, 5])),
        ("2 chips lie in 2 bins", lambda: by_drawing([0, 1, 2], [1, 1])),
        ("9 chips lie in 1 bins", lambda: by_drawing([0, 1, 2], [9, 0])),
        ("0 bins", lambda: by_drawing([], [])),
        ("never negative", lambda: by_drawing([-2, -1, 1, 2], [1, 2, 1], like=SPREAD)),
        ("0 experts' answers", lambda: by_experts([])),
        ("3 weights for 2", lambda: by_experts([SLOPE, SLOPE], [1, 1, 1])),
        ("weights are [1.0, -1.0]", lambda: by_experts([SLOPE, SLOPE], [1, -1])),
        ("weights are [0.0, 0.0]", lambda: by_experts([SLOPE, SLOPE], [0, 0])),
        ("nan", lambda: by_experts([SLOPE, SLOPE], [1, math.nan])),
        ("never negative", lambda: by_experts([SLOPE, SLOPE], like=SPREAD)),
        ("not a known", lambda: by_experts([SLOPE, SLOPE], dist="Nothing")),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(says, call):
    refused(says, call)


@settings(deadline=None, max_examples=150)
@given(
    numbers=st.lists(st.one_of(st.floats(-1e3, 1e3), st.floats()), min_size=2, max_size=5, unique=True),
    dist=st.sampled_from(["", *DISTRIBUTIONS]),
    like=st.sampled_from([None, SLOPE, SPREAD, SHARE, Prior("Uniform", {"lower": -1.0, "upper": 1.0})]),
    sort=st.booleans(),
)
def test_whatever_is_said_ends_in_a_prior_or_in_a_refusal(numbers, dist, like, sort):
    values = sorted(numbers) if sort else numbers
    for call in (
        lambda: by_quantiles(dict(zip((0.05, 0.2, 0.5, 0.7, 0.9), values, strict=False)), dist, like=like),
        lambda: by_drawing(values, [3, *[1] * (len(values) - 2)], dist, like=like),
    ):
        try:
            found = call()
        except InvalidAnalysis:
            continue
        assert np.isfinite(scipy_of(found.prior).ppf([0.1, 0.5, 0.9])).all()
        if like is SPREAD:
            assert scipy_of(found.prior).cdf(-1e-300) == 0


class TestCurves:
    LEVELS = (0.001, 0.025, 0.3, 0.5, 0.8, 0.975)

    @each_example
    def test_quantiles_are_those_of_scipy(self, prior):
        assert quantiles(prior, self.LEVELS) == pytest.approx(scipy_of(prior).ppf(self.LEVELS).tolist())

    @each_example
    def test_the_density_is_that_of_scipy_over_the_central_99_percent(self, prior):
        drawn = density(prior)
        assert len(drawn["x"]) == len(drawn["y"]) == 80
        assert drawn["x"] == sorted(drawn["x"])
        assert (drawn["x"][0], drawn["x"][-1]) == pytest.approx(tuple(scipy_of(prior).ppf([0.005, 0.995])))
        assert drawn["y"] == pytest.approx(scipy_of(prior).pdf(np.array(drawn["x"])).tolist())

    @each_example
    def test_the_area_below_the_drawn_density_is_99_percent(self, prior):
        drawn = density(prior, points=400)
        assert np.trapezoid(drawn["y"], drawn["x"]) == pytest.approx(0.99, abs=0.02)

    def test_a_beta_may_be_written_by_mean_and_standard_deviation(self):
        by_moments = Prior("Beta", {"mu": 0.25, "sigma": stats.beta(2, 6).std()})
        assert quantiles(by_moments, [0.2, 0.9]) == pytest.approx(stats.beta(2, 6).ppf([0.2, 0.9]).tolist())

    @pytest.mark.parametrize(
        "prior", [Prior("Gamma", {"alpha": 0.004, "beta": 1.0}), Prior("Beta", {"alpha": 0.001, "beta": 2.0})]
    )
    def test_a_density_without_limit_is_drawn_as_high_as_numbers_go(self, prior):
        assert np.isfinite(density(prior)["y"]).all()

    def test_a_gamma_may_be_written_by_mean_and_standard_deviation(self):
        by_moments = Prior("Gamma", {"mu": 6.0, "sigma": 2.0})
        assert quantiles(by_moments, [0.2, 0.9]) == pytest.approx(stats.gamma(9, scale=6 / 9).ppf([0.2, 0.9]).tolist())

    @pytest.mark.parametrize(
        ("says", "prior"),
        [
            ("'Weibull' is not a known", Prior("Weibull", {"alpha": 1.0, "beta": 1.0})),
            ("has no 'sigma'", Prior("Normal", {"mu": 1.0})),
            ("has no 'beta'", Prior("Gamma", {"alpha": 1.0})),
            ("is no distribution", Prior("Normal", {"mu": 1.0, "sigma": 0.0})),
            ("is no distribution", Prior("HalfNormal", {"sigma": -1.0})),
            ("is no distribution", Prior("Exponential", {"lam": 0.0})),
            ("is no distribution", Prior("Uniform", {"lower": 3.0, "upper": 2.0})),
            ("is no distribution", Prior("LogNormal", {"mu": 5000.0, "sigma": 1.0})),
            ("is no distribution", Prior("Gamma", {"mu": 5.0, "sigma": 0.0})),
            ("beyond any number", Prior("LogNormal", {"mu": 5.0, "sigma": 900.0})),
            ("has nan", Prior("Normal", {"mu": math.nan, "sigma": 1.0})),
            ("prior of its own", Prior("Normal", {"mu": 0.0, "sigma": SPREAD})),
        ],
    )
    def test_a_prior_without_a_curve_is_refused(self, says, prior):
        refused(says, lambda: density(prior))

    @pytest.mark.parametrize("levels", [[0], [1], [-0.5], ["0.5"], [math.nan]])
    def test_levels_lie_between_zero_and_one(self, levels):
        refused("a level", lambda: quantiles(SLOPE, levels))

    @pytest.mark.parametrize("points", [0, 3, 2.5, True, "80"])
    def test_a_density_needs_points(self, points):
        refused("points", lambda: density(SLOPE, points))


def alone(source):
    """Run in a process of its own, where every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_drawing_a_prior_loads_nothing_but_scipy():
    heavy = alone("""
        import sys
        from modelcompose.catalog import elicit
        from modelcompose.catalog.priors import Prior
        elicit.density(Prior("HalfStudentT", {"nu": 4, "sigma": 2}))
        elicit.by_quantiles({0.1: 1, 0.9: 3})
        elicit.by_drawing([0, 1, 2, 3], [1, 2, 1])
        print(*sorted({"preliz", "pymc", "arviz", "bambi", "matplotlib"} & sys.modules.keys()))
    """)
    assert heavy == ""


def test_preliz_leaves_matplotlib_and_arviz_as_they_were():
    trace = alone("""
        import matplotlib as mpl
        mpl.use("agg")
        from matplotlib import style
        mpl.rcParams["savefig.bbox"] = "standard"
        mpl.rcParams["lines.linewidth"] = 7
        style.library["mine"] = mpl.RcParams()
        rc, styles, available = dict(mpl.rcParams), set(style.library), list(style.available)
        from modelcompose.catalog.elicit import by_range
        print(by_range(2, 8).prior.dist)
        import sys
        assert "preliz" in sys.modules
        from matplotlib import pyplot as plt
        changed = [name for name, value in rc.items() if mpl.rcParams[name] != value]
        assert not changed, changed
        assert set(style.library) - styles <= {one for one in style.library if one.startswith("arviz")}, style.available
        assert "mine" in style.library
        assert not any("preliz" in one for one in style.available)
        assert plt.get_fignums() == []
        assert mpl.get_backend() == "agg"
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import arviz_plots
        assert any(one.startswith("arviz") for one in style.available)
        assert not any("preliz" in one for one in style.available)
    """)
    assert trace.splitlines()[-1] == "Normal"


def test_every_note_of_a_range_is_a_sentence_and_every_sentence_a_range():
    found = by_range(2, 8)
    assert all(note.endswith(".") for note in found.notes)
    assert isinstance(found.notes, tuple)
