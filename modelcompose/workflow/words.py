"""Results in words: sizes first, in the outcome's own units, with probabilities as numbers.

After Makowski et al. 2019 (doi:10.3389/fpsyg.2019.02767) on what to report, Budescu et al. 2012
(doi:10.1007/s10584-011-0330-3) on giving numbers beside words, and Gigerenzer and Hoffrage 1995 on natural
frequencies.
"""

from __future__ import annotations

from math import floor, isfinite, log10

import numpy as np

from modelcompose.catalog.effects import Effect

__all__ = ["FORBIDDEN", "chance", "direction", "number", "size"]

FORBIDDEN = ("significan", "confiden", "prove", "accept the null", "causes", "p-value")


def number(value: float, sd: float) -> str:
    """Round a value so that its last digit still means something: two digits of its standard deviation."""
    if not isfinite(sd) or sd <= 0:
        return f"{value:.3g}"
    decimals = max(0, 1 - floor(log10(sd)))
    rounded = round(value, 1 - floor(log10(sd)))
    return f"{rounded + 0.0:.{decimals}f}"


def chance(share: float, draws: int) -> str:
    """Say a probability in percent, never closer to 0 or 1 than the draws can tell.

    When none of n draws contradicts, the probability that one would is below 3/n with 95% certainty.
    """
    edge = max(3 / draws, 0.001)
    if share > 1 - edge:
        return f"more than {100 * (1 - edge):.1f}%"
    if share < edge:
        return f"less than {100 * edge:.1f}%"
    return f"{100 * share:.1f}% (about {round(100 * share)} in 100)"


def size(effect: Effect, ci_prob: float) -> str:
    """Say how large an effect is: its median and interval, in its unit."""
    low, middle, high = np.quantile(effect.draws, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    sd = float(effect.draws.std())
    unit = f" {effect.unit}" if effect.unit and effect.unit != "%" else effect.unit
    if effect.kind == "difference":
        size = f"{number(abs(middle), sd)}{unit} {'higher' if middle >= 0 else 'lower'}"
        subject = "the difference"
    else:
        size, subject = f"{number(middle, sd)}{unit}", {"ratio": "the factor"}.get(effect.kind, "it")
    return (
        f"{effect.lead} {size}; given the data and this model, there is a {ci_prob:.0%} probability that {subject} "
        f"is between {number(low, sd)} and {number(high, sd)}{unit}."
    )


def direction(effect: Effect, smallest: float) -> str:
    """Say how likely an effect is to be positive, and to be too small to matter where that is stated."""
    none = {"difference": 0.0, "ratio": 1.0, "effect": 0.0}.get(effect.kind)
    if none is None:
        return ""
    above = float(np.mean(effect.draws > none))
    word = "above" if above >= 0.5 else "below"
    said = f"The probability that it is {word} {none:g} is {chance(max(above, 1 - above), effect.draws.size)}."
    if smallest and effect.kind in ("difference", "effect"):
        inside = float(np.mean(np.abs(effect.draws) < smallest))
        said += f" The probability that it is too small to matter (below {smallest:g}) is "
        said += f"{chance(inside, effect.draws.size)}."
    return said
