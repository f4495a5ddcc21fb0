"""The words of an answer: true to the draws, and free of what misleads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidInput
from modelcompose.workflow import words

PACKAGE = Path(words.__file__).parents[1]
KINDS = ("difference", "ratio", "effect", "level", "spread")
UNITS = ("ms", "%", "percentage points", "", "days", "€", "mg/dl")
NUMBER = r"-?\d+(?:\.\d+)?(?: × 10\^-?\d+)?"


def effect(mean, sd, kind="difference", n=4000, unit="ms", headline=True):
    draws = mean + sd * np.random.default_rng(1).standard_normal(n)
    return Effect("x", "With x higher by 1, the average of y is", kind, draws, unit, headline)


def parsed(text):
    """Read a number back, with half a unit of its last digit."""
    mantissa, _, power = text.partition(" × 10^")
    scale = 10.0 ** int(power or 0)
    return float(mantissa) * scale, 0.5 * scale * 10.0 ** -len(mantissa.partition(".")[2])


def is_rounded(text, value, place):
    """Tell whether a text holds a value to the digits that it shows, the last of which stands at a power of ten."""
    shown, half = parsed(text)
    assert half <= 0.5000001 * 10.0**place or not shown
    return abs(shown - value) <= 0.5 * 10.0**place * (1 + 1e-9) + 1e-12 * abs(value)


draws_of = st.builds(
    lambda mean, sd, lopsided, seed: (
        mean + sd * (np.exp if lopsided else np.asarray)(np.random.default_rng(seed).standard_normal(400))
    ),
    st.floats(-1e6, 1e6),
    st.floats(1e-9, 1e5),
    st.booleans(),
    st.integers(0, 99),
)
quantities = st.builds(
    lambda kind, draws, unit: Effect("x", "With x higher by 1, the average of y is", kind, draws, unit),
    st.sampled_from(KINDS),
    draws_of,
    st.sampled_from(UNITS),
)


@given(quantities, st.sampled_from([0.8, 0.89, 0.95, 0.975]), st.floats(0, 0.3))
def test_numbers_in_the_text_are_those_of_the_draws(one, ci_prob, error):
    figures = words.Figures(one, ci_prob, error=error * one.draws.std())
    said = words.size(figures)
    low, middle, high = np.quantile(one.draws, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    assert f"{100 * ci_prob:g}% probability" in said
    size, interval = said.removeprefix(one.lead).split("; given", 1)
    (first, *_), ends = re.findall(NUMBER, size), re.findall(NUMBER, interval.split(" between ")[1])
    if one.kind != "difference":
        assert is_rounded(first, middle, figures.place)
        assert is_rounded(ends[0], low, figures.place)
        assert is_rounded(ends[1], high, figures.place)
        return
    sign = {"higher": 1, "lower": -1}
    sized, signs = re.findall("higher|lower", size), re.findall("higher|lower", interval)
    assert is_rounded(first, middle * (sign[sized[0]] if sized else 1), figures.place)
    sides = [sign[word] for word in (signs if len(signs) == 2 else 2 * signs)]
    shown = sorted((side * parsed(end)[0], end, side) for end, side in zip(ends, sides, strict=True))
    for value, (_, text, side) in zip((low, high), shown, strict=True):
        assert is_rounded(text, side * value, figures.place), (said, value)


@given(st.floats(0, 1), st.integers(10, 100_000))
def test_probabilities_are_true_to_the_shown_digits_and_never_certain(share, draws):
    said = words.chance(share, draws)
    shown = float(re.search(r"([\d.]+)%", said)[1])
    assert 0 < shown < 100
    if said.startswith("less than"):
        assert 100 * share <= shown + 1e-9
        assert shown >= min(300 / draws, 50) - 1e-9
    elif said.startswith("more than"):
        assert 100 * share >= shown - 1e-9
    else:
        decimals = len(re.search(r"([\d.]+)%", said)[1].partition(".")[2])
        assert abs(shown - 100 * share) <= 0.5 * 10.0**-decimals + 1e-9
    assert words.percent(share, draws) == said.partition(" (")[0]


@given(quantities, st.floats(0, 1e5))
def test_nothing_forbidden_is_ever_said(one, smallest):
    figures = words.Figures(one, 0.95)
    text = " ".join(
        [words.size(figures), words.direction(figures, smallest, verbal=True), words.conclusion(figures, smallest)]
    )
    assert not words.forbidden(text)
    assert "-0 " not in text
    assert "-0.0 " not in text
    assert "e+" not in text
    assert "nan" not in text


@given(st.floats(-5, 5), st.floats(0.1, 3))
def test_direction_and_interval_agree_with_the_normal_distribution(mean, sd):
    """Quantiles of the normal distribution stand in for draws, so that the truth is known in closed form."""
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000, mean, sd)
    one = words.Figures(Effect("x", "It is", "effect", draws), 0.95)
    below, above = one.sides
    assert above == pytest.approx(norm.cdf(mean / sd), abs=1e-4)
    assert below + above == pytest.approx(1, abs=1e-4)
    assert one.quantiles == pytest.approx(norm.ppf([0.025, 0.5, 0.975], mean, sd), abs=2e-3 * sd)
    assert one.inside(1.0) == pytest.approx(norm.cdf((1 - mean) / sd) - norm.cdf((-1 - mean) / sd), abs=2e-4)


def test_a_difference_is_higher_or_lower():
    assert "is 10.0 ms higher; given" in words.size(effect(10, 1.2), 0.95)
    assert "is 10.0 ms lower; given" in words.size(effect(-10, 1.2), 0.95)
    assert words.size(effect(10, 1.2), 0.95).endswith("that it is between 7.7 and 12.4 ms higher.")
    assert words.size(effect(-10, 1.2), 0.95).endswith("that it is between 7.6 and 12.3 ms lower.")
    assert words.size(effect(0.5, 1.2), 0.95).endswith("that it is between 1.8 ms lower and 2.9 ms higher.")
    assert "is about the same (a difference of 0.0 ms)" in words.size(effect(0.02, 1.2), 0.95)


def test_a_factor_near_one_is_also_said_in_percent():
    draws = 1.23 + 0.02 * np.random.default_rng(1).standard_normal(4000)
    lead = "With x higher by 1, the average of y is multiplied by"
    assert "multiplied by 1.230 (23.0% higher); given" in words.size(Effect("x", lead, "ratio", draws), 0.95)
    assert "(23.0% lower)" in words.size(Effect("x", lead, "ratio", draws - 0.46), 0.95)
    assert "% " not in words.size(Effect("x", lead, "ratio", 5 * draws), 0.95).split(";")[0]


@pytest.mark.parametrize(
    ("share", "draws", "said"),
    [
        (1.0, 4000, "more than 99.9% (more than 99 in 100)"),
        (0.0, 4000, "less than 0.1% (fewer than 1 in 100)"),
        (1.0, 100, "more than 97% (more than 97 in 100)"),
        (1.0, 1e9, "more than 99.9% (more than 99 in 100)"),
        (0.975, 4000, "97.5% (about 98 in 100)"),
        (0.975, 400, "98% (about 98 in 100)"),
        (0.996, 4000, "99.6% (more than 99 in 100)"),
        (0.004, 4000, "0.4% (fewer than 1 in 100)"),
        (0.5, 4000, "50% (about 50 in 100)"),
    ],
)
def test_probabilities_are_never_closer_to_certainty_than_the_draws_tell(share, draws, said):
    assert words.chance(share, draws) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "virtually certain"),
        (0.97, "extremely likely"),
        (0.93, "very likely"),
        (0.75, "likely"),
        (0.5, "about as likely as not"),
        (0.2, "unlikely"),
        (0.07, "very unlikely"),
        (0.03, "extremely unlikely"),
        (0.0, "exceptionally unlikely"),
    ],
)
def test_words_of_likelihood_follow_the_table_and_stand_beside_the_number(share, said):
    assert words.likelihood(share, 10_000) == said
    one = effect(3, 1)
    assert words.direction(one, verbal=True).endswith("(more than 99 in 100): virtually certain.")
    assert words.direction(one).endswith("(more than 99 in 100).")


def test_few_draws_never_make_anything_virtually_certain():
    assert words.likelihood(1.0, 100) == "extremely likely"
    assert words.likelihood(0.0, 100) == "extremely unlikely"


def test_too_small_to_matter_is_said_only_when_declared():
    assert "too small" not in words.direction(effect(0, 1), 0.0)
    assert "too small to matter (less than 10 ms either way)" in words.direction(effect(0, 1), 10.0)
    assert "too small" not in words.direction(effect(1, 0.1, "ratio"), 10.0)
    assert "too small" not in words.direction(effect(0, 1, headline=False), 10.0)


@pytest.mark.parametrize(
    ("mean", "sd", "smallest", "found"),
    [
        (10, 1, 5, "matters"),
        (-10, 1, 5, "matters"),
        (0, 1, 5, "too small"),
        (4, 1, 5, "undecided"),
        (0, 9, 5, "undecided"),
    ],
)
def test_equivalence_is_decided_by_where_the_interval_lies(mean, sd, smallest, found):
    one = effect(mean, sd)
    assert words.equivalence(one.draws, smallest, 0.95) == found
    beginning = {
        "matters": "It is large enough to matter",
        "too small": "Practically equivalent",
        "undecided": "There is not enough information",
    }
    assert words.conclusion(words.Figures(one, 0.95), smallest).startswith(beginning[found])


def test_not_knowing_the_direction_is_said_as_such():
    said = words.conclusion(words.Figures(effect(0.1, 1), 0.95))
    assert said == "There is not enough information to say whether it is higher or lower."
    assert words.conclusion(words.Figures(effect(5, 1), 0.95)) == ""
    assert "plausible" in words.conclusion(words.Figures(effect(1.6, 1), 0.95))
    assert words.conclusion(words.Figures(effect(0, 1, "level"), 0.95)) == ""


@pytest.mark.parametrize(
    ("value", "sd", "shown"),
    [
        (10.4467, 1.69, "10.4"),
        (1234.5, 98, "1234"),
        (1234.5, 980, "1230"),
        (0.01234, 0.0021, "0.0123"),
        (-0.001, 1, "0.0"),
        (1.23e12, 1e11, "1.23 × 10^12"),
        (-1.234e-9, 1e-11, "-1.234 × 10^-9"),
        (1234.5678, 0, "1235"),
        (0.0, 0, "0"),
        (float("nan"), 1, "unknown"),
        (float("inf"), float("nan"), "unknown"),
    ],
)
def test_digits_follow_the_uncertainty(value, sd, shown):
    assert words.number(value, sd) == shown


def test_digits_that_another_run_would_change_are_not_shown():
    assert words.number(10.4467, 1.69, error=0.1) == "10.4"
    assert words.number(10.4467, 1.69, error=0.4) == "10"


def test_another_run_hardly_ever_changes_the_digit_before_the_last():
    """The rule of rounding, held against independent repetitions of one posterior."""
    rng = np.random.default_rng(5)
    n, moved = 100, 0
    for _ in range(300):
        first, second = rng.normal(3.3, 9.9, (2, n))
        error = 9.9 / n**0.5
        shown = [float(words.number(one.mean(), 9.9, error)) for one in (first, second)]
        moved += abs(shown[0] - shown[1]) >= 10
    assert moved / 300 < 0.02


@pytest.mark.parametrize(
    ("shown", "unit", "said"),
    [
        ("1", "days", "1 day"),
        ("2", "day", "2 days"),
        ("1.0", "percentage points", "1.0 percentage points"),
        ("1", "percentage points", "1 percentage point"),
        ("5", "%", "5%"),
        ("5", "", "5"),
        ("5", "mmHg", "5 mmHg"),
    ],
)
def test_units_go_with_their_number(shown, unit, said):
    assert words.amount(shown, unit) == said


@pytest.mark.parametrize(
    "text",
    [
        "B is significantly better.",
        "The 95% confidence interval is 1 to 2.",
        "This proves that it works.",
        "We accept the null.",
        "The null hypothesis is rejected.",
        "p = 0.03",
        "The p-value is small.",
        "The drug causes sleep.",
        "There is no effect.",
        "95% of the time the true value is inside.",
        "Model A is the true model.",
        "The probability that it is above 0 is 100%.",
    ],
)
def test_what_misleads_is_forbidden(text):
    assert words.forbidden(text)
    with pytest.raises(InvalidInput, match="may not say"):
        words.require_allowed({"depth": ["All is well.", {"cell": text}]})


@pytest.mark.parametrize(
    "text",
    [
        "This improves the fit, because of more draws.",
        "They speak of cause and effect only if the data come from an experiment.",
        "The probability is 10% (about 10 in 100).",
        "There is not enough information to say.",
    ],
)
def test_what_is_true_may_be_said(text):
    assert not words.forbidden(text)
    words.require_allowed([text])


def test_names_that_users_gave_are_theirs():
    text = "With p-value higher by 1, the average of significance is 3."
    assert words.forbidden(text)
    assert not words.forbidden(text, ["p-value", "significance"])
    assert words.forbidden("With a higher by 1, it is significant.", ["a"])


def said_in(path):
    """Yield the texts of a module that are no docstrings, with their line."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = (node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list))
    silent = {id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


@pytest.mark.parametrize("folder", ["workflow", "catalog", "publish"])
def test_no_text_that_users_read_holds_what_is_forbidden(folder):
    found = [
        (path.name, line, words.forbidden(text))
        for path in sorted((PACKAGE / folder).glob("*.py"))
        for line, text in said_in(path)
        if text not in words.FORBIDDEN and words.forbidden(text)
    ]
    assert not found
