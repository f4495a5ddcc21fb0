"""The words of an answer: true to the draws, and free of what misleads."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcompose.catalog.effects import Effect
from modelcompose.workflow import words

KINDS = ("difference", "ratio", "level", "spread")


def effect(mean, sd, kind="difference", n=4000, unit="ms"):
    draws = mean + sd * np.random.default_rng(1).standard_normal(n)
    return Effect("x", "With x higher by 1, the average of y is", kind, draws, unit)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e5), st.sampled_from(KINDS), st.sampled_from([0.8, 0.89, 0.95]))
def test_numbers_in_the_text_are_those_of_the_draws(mean, sd, kind, ci_prob):
    one = effect(mean, sd, kind, n=400)
    said = words.size(one, ci_prob)
    low, high = np.quantile(one.draws, [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    found = re.search(r"between (-?[\d.]+) and (-?[\d.]+)", said)
    spread = one.draws.std()
    assert abs(float(found[1]) - low) <= 0.051 * spread * 10
    assert abs(float(found[2]) - high) <= 0.051 * spread * 10
    assert f"{ci_prob:.0%} probability" in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mean", [-3, 0, 0.01, 5])
def test_no_forbidden_word_is_used(kind, mean):
    one = effect(mean, 1, kind)
    text = (words.size(one, 0.95) + words.direction(one, 0.5)).lower()
    assert not [word for word in words.FORBIDDEN if word in text]


def test_a_difference_is_higher_or_lower():
    assert "is 10.0 ms higher; given" in words.size(effect(10, 1), 0.95)
    assert "is 10.0 ms lower; given" in words.size(effect(-10, 1), 0.95)


def test_probabilities_are_never_closer_to_certainty_than_the_draws_tell():
    assert words.chance(1.0, 4000) == "more than 99.9%"
    assert words.chance(0.0, 4000) == "less than 0.1%"
    assert words.chance(1.0, 100) == "more than 97.0%"
    assert words.chance(0.975, 4000) == "97.5% (about 98 in 100)"


def test_too_small_to_matter_is_said_only_when_declared():
    assert "too small" not in words.direction(effect(0, 1), 0.0)
    assert "too small to matter (below 10)" in words.direction(effect(0, 1), 10.0)


@pytest.mark.parametrize(
    ("value", "sd", "shown"),
    [
        (10.4467, 1.69, "10.4"),
        (1234.5, 98, "1234"),
        (1234.5, 980, "1230"),
        (0.01234, 0.0021, "0.0123"),
        (-0.001, 1, "0.0"),
    ],
)
def test_digits_follow_the_uncertainty(value, sd, shown):
    assert words.number(value, sd) == shown
