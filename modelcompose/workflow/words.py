"""Results in words: sizes first, in the outcome's own units, with probabilities as numbers.

After Makowski et al. 2019 (doi:10.3389/fpsyg.2019.02767) on what to report, Kruschke 2018
(doi:10.1177/2515245918771304) on effects too small to matter, Budescu et al. 2012 (doi:10.1007/s10584-011-0330-3) on
giving numbers beside words, and Gigerenzer and Hoffrage 1995 (doi:10.1037/0033-295X.102.4.684) on natural frequencies.
Every sentence speaks from ``Figures``, which are rounded once, so that no two of them disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, inf, isfinite, log10
from typing import Literal

import numpy as np

from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidInput

__all__ = [
    "FORBIDDEN",
    "Figures",
    "amount",
    "chance",
    "conclusion",
    "direction",
    "equivalence",
    "forbidden",
    "likelihood",
    "number",
    "percent",
    "require_allowed",
    "size",
]

NONE: Mapping[str, float] = {"difference": 0.0, "ratio": 1.0, "effect": 0.0}
"""The value that means no effect, by the kind of quantity."""

# -- numbers -------------------------------------------------------------------------------------------------------

LONGEST, FINEST = 1e9, -6
FIRM = 2.5


def number(value: float, sd: float, error: float = 0.0) -> str:
    """Round a value so that its last digit still means something.

    Two digits of its standard deviation are shown, and fewer where repeating the computation would move more than the
    last of them (ModelCompose's own rule).

    Parameters
    ----------
    sd
        Posterior standard deviation.
    error
        Monte Carlo standard error of the value.
    """
    return _spelt(value, _place(value, sd, error))


def _place(value: float, sd: float, error: float) -> int:
    """Return the power of ten of the last digit to show."""
    if not isfinite(value):
        return 0
    if not isfinite(sd) or sd <= 0:
        mantissa, _, power = f"{value:.3e}".partition("e")
        return int(power) - len(mantissa.rstrip("0").partition(".")[2])
    return max(floor(log10(sd)) - 1, ceil(log10(error / FIRM)) if 0 < error < inf else -400)


def _spelt(value: float, place: int) -> str:
    if not isfinite(value):
        return "unknown"
    rounded = round(value, -place) + 0.0
    if abs(rounded) < LONGEST and place >= FINEST:
        return f"{rounded:.{max(0, -place)}f}"
    if not rounded:
        return "0"
    mantissa, _, power = f"{rounded:.{max(0, floor(log10(abs(rounded))) - place)}e}".partition("e")
    return f"{mantissa} × 10^{int(power)}"


PLURALS = ("percentage point", "point", "second", "minute", "hour", "day", "week", "month", "year")


def amount(shown: str, unit: str) -> str:
    """Put a unit behind a number: one day, two days, 5%."""
    if unit in ("", "%"):
        return f"{shown}{unit}"
    for one in PLURALS:
        if unit in (one, f"{one}s"):
            return f"{shown} {one}" if shown == "1" else f"{shown} {one}s"
    return f"{shown} {unit}"


# -- probabilities -------------------------------------------------------------------------------------------------

LIKELIHOODS = (
    (99, "virtually certain"),
    (95, "extremely likely"),
    (90, "very likely"),
    (66, "likely"),
    (33, "about as likely as not"),
    (10, "unlikely"),
    (5, "very unlikely"),
    (1, "extremely unlikely"),
)
"""Percentages above which a probability is called so; only ever said beside the number."""


def chance(share: float, draws: float) -> str:
    """Say a probability in percent and as a natural frequency, with the digits that the draws can tell.

    It is never said to be closer to 0 or 1 than the draws can tell: when none of n contradicts, the probability that
    one would is below 3/n with 95% certainty (Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031).

    Parameters
    ----------
    draws
        How many independent draws the probability rests on.
    """
    low, shown, high = _percent(share, draws)
    if low:
        return f"less than {shown}% (fewer than {ceil(float(shown))} in 100)"
    if high:
        return f"more than {shown}% (more than {floor(float(shown))} in 100)"
    return f"{shown}% ({_of_100(float(shown))})"


def percent(share: float, draws: float) -> str:
    """Say a probability as ``chance`` does, in percent alone."""
    low, shown, high = _percent(share, draws)
    return f"{'less than ' if low else 'more than ' if high else ''}{shown}%"


def _percent(share: float, draws: float) -> tuple[bool, str, bool]:
    """Return a probability in percent, and whether it is less or more than that."""
    edge = min(max(3 / max(draws, 1), 0.001), 0.5)
    if share < edge:
        return True, _tenths(ceil(1000 * edge - 1e-9)), False
    if share > 1 - edge:
        return False, _tenths(floor(1000 * (1 - edge) + 1e-9)), True
    error = 100 * np.sqrt(share * (1 - share) / max(draws, 1))
    shown = f"{100 * share:.{1 if error <= 0.1 * FIRM else 0}f}"
    return False, shown if shown not in ("0", "100") else f"{100 * share:.1f}", False


def _tenths(count: int) -> str:
    return f"{count / 10:.1f}".removesuffix(".0")


def _of_100(shown: float) -> str:
    if shown > 99:
        return "more than 99 in 100"
    return "fewer than 1 in 100" if shown < 1 else f"about {floor(shown + 0.5)} in 100"


def likelihood(share: float, draws: float) -> str:
    """Name a probability as the Intergovernmental Panel on Climate Change does.

    The words go with the number as it is shown, and are said only beside it (Budescu et al. 2012).
    """
    shown = float(_percent(share, draws)[1])
    return next((words for limit, words in LIKELIHOODS if shown > limit), "exceptionally unlikely")


# -- one quantity --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """The figures of one quantity, rounded once.

    Parameters
    ----------
    effect
        The quantity with its draws.
    ci_prob
        Probability inside its interval, which leaves as much out on either side.
    error
        Monte Carlo standard error of the figures shown, in the quantity's unit.
    independent
        How many independent draws they rest on; all of them unless known.
    """

    effect: Effect
    ci_prob: float
    error: float = 0.0
    independent: float = 0.0

    @cached_property
    def quantiles(self) -> tuple[float, float, float]:
        """Lower end, median and upper end."""
        edge = (1 - self.ci_prob) / 2
        low, middle, high = np.quantile(self.effect.draws, [edge, 0.5, 1 - edge])
        return float(low), float(middle), float(high)

    @cached_property
    def sd(self) -> float:
        return float(self.effect.draws.std())

    @property
    def draws(self) -> float:
        return self.independent or self.effect.draws.size

    @cached_property
    def place(self) -> int:
        """The power of ten of the last digit shown, the same for all its figures.

        Where a few draws lie so far out that the standard deviation is more than twice what the middle 68% of the draws
        say, the latter counts.
        """
        low, high = np.quantile(self.effect.draws, [0.16, 0.84])
        middle = float(high - low) / 2
        return _place(self.quantiles[1], middle if 0 < middle < self.sd / 2 else self.sd, self.error)

    def spelt(self, value: float) -> str:
        """Spell a value of this quantity, without its unit."""
        return _spelt(value, self.place)

    def amount(self, value: float) -> str:
        """Spell a value with its unit."""
        return amount(self.spelt(value), self.effect.unit)

    @property
    def median(self) -> str:
        return self.spelt(self.quantiles[1])

    @property
    def interval(self) -> str:
        """Its interval: “7.1 to 13.8”."""
        return f"{self.spelt(self.quantiles[0])} to {self.spelt(self.quantiles[2])}"

    @cached_property
    def none(self) -> float | None:
        """The value that means no effect, for quantities that have one."""
        return NONE.get(self.effect.kind)

    @cached_property
    def sides(self) -> tuple[float, float]:
        """The probabilities that it lies below and above no effect."""
        draws, none = self.effect.draws, 0.0 if self.none is None else self.none
        return float(np.mean(draws < none)), float(np.mean(draws > none))

    def inside(self, smallest: float) -> float:
        """Return the probability that it is too small to matter."""
        return float(np.mean(np.abs(self.effect.draws) < smallest))

    @property
    def has_range(self) -> bool:
        """Whether a smallest effect, which is stated in the outcome's unit, applies to it."""
        return self.effect.headline and self.effect.kind in ("difference", "effect")


def size(effect: Effect | Figures, ci_prob: float = 0.95) -> str:
    """Say how large a quantity is: its median and interval, in its unit."""
    one = effect if isinstance(effect, Figures) else Figures(effect, ci_prob)
    low, middle, high = one.quantiles
    if one.effect.kind == "difference":
        shown, between = _difference(one, middle), _between_sides(one, low, high)
    else:
        shown = f"{one.amount(middle)}{_as_percent(one)}"
        between = f"between {one.amount(low) if one.effect.unit == '%' else one.spelt(low)} and {one.amount(high)}"
    subject = "the factor" if one.effect.lead.endswith(MULTIPLIED) else "it"
    return (
        f"{one.effect.lead} {shown}; given the data and this model, there is a {_share(one.ci_prob)} probability that "
        f"{subject} is {between}."
    )


MULTIPLIED = "multiplied by"


def _share(ci_prob: float) -> str:
    return f"{100 * ci_prob:.4g}%"


def _difference(one: Figures, value: float) -> str:
    if _is_zero(one.spelt(value)):
        return f"about the same (a difference of {one.amount(value)})"
    return f"{one.amount(abs(value))} {'higher' if value > 0 else 'lower'}"


def _between_sides(one: Figures, low: float, high: float) -> str:
    """Say an interval of differences by how much higher or lower its ends are."""
    below, above = _below(one, low), not _is_zero(one.spelt(high)) and high > 0
    if below and above:
        return f"between {one.amount(-low)} lower and {one.amount(high)} higher"
    near, far = sorted((abs(low), abs(high)))
    return f"between {one.spelt(near)} and {one.amount(far)} {'lower' if below else 'higher'}"


def _below(one: Figures, value: float) -> bool:
    return value < 0 and not _is_zero(one.spelt(value))


def _is_zero(shown: str) -> bool:
    return not set(shown) & set("123456789") and shown != "unknown"


def _as_percent(one: Figures) -> str:
    """Say a factor near one as a change in percent too."""
    change = 100 * (one.quantiles[1] - 1)
    if not one.effect.lead.endswith(MULTIPLIED) or one.place > -2 or not -50 <= change <= 100:
        return ""
    shown = _spelt(abs(change), one.place + 2)
    return "" if _is_zero(shown) else f" ({shown}% {'higher' if change > 0 else 'lower'})"


def direction(effect: Effect | Figures, smallest: float = 0.0, *, verbal: bool = False) -> str:
    """Say how probable the direction of an effect is, and how probable that it is too small to matter.

    Parameters
    ----------
    smallest
        The smallest effect that matters, in the outcome's unit; 0 when it was not stated.
    verbal
        Whether to put the probability into words beside its number.
    """
    one = effect if isinstance(effect, Figures) else Figures(effect, 0.95)
    if one.none is None:
        return ""
    below, above = one.sides
    share = max(below, above)
    words = f": {likelihood(share, one.draws)}" if verbal else ""
    said = f"The probability that it is {_side(one, above >= below)} is {chance(share, one.draws)}{words}."
    if smallest and one.has_range:
        limit = amount(f"{smallest:g}", one.effect.unit)
        said += f" The probability that it is too small to matter (less than {limit} either way) is "
        said += f"{chance(one.inside(smallest), one.draws)}."
    return said


def _side(one: Figures, above: bool) -> str:
    if one.effect.kind == "difference":
        return f"{'higher' if above else 'lower'} at all"
    return f"{'above' if above else 'below'} {one.none:g}"


Equivalence = Literal["matters", "too small", "undecided"]


def equivalence(draws: np.ndarray, smallest: float, ci_prob: float) -> Equivalence:
    """Hold an interval against the range of effects that are too small to matter.

    It matters when the whole interval lies outside, it is too small when the whole interval lies inside, and the data
    do not say when they overlap (Kruschke 2018, doi:10.1177/2515245918771304, who takes the densest interval; here it
    is the one that is reported, with as much left out on either side).

    Parameters
    ----------
    draws
        Posterior draws, shape (chains × draws,), of a quantity for which 0 means no effect.
    smallest
        The smallest effect that matters, stated beforehand and never taken from the data.
    """
    low, high = np.quantile(draws, [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    if low >= smallest or high <= -smallest:
        return "matters"
    return "too small" if -smallest < low and high < smallest else "undecided"


def conclusion(one: Figures, smallest: float = 0.0) -> str:
    """Say what may be concluded: that it matters, that it is practically nothing, or that the data do not say."""
    if one.none is None:
        return ""
    interval = f"the whole {_share(one.ci_prob)} interval lies"
    if smallest and one.has_range:
        return {
            "matters": f"It is large enough to matter: {interval} outside the range that was stated as too small.",
            "too small": f"Practically equivalent: {interval} inside the range that was stated as too small to matter.",
            "undecided": "There is not enough information to say whether it is large enough to matter.",
        }[equivalence(one.effect.draws, smallest, one.ci_prob)]
    if not one.quantiles[0] <= one.none <= one.quantiles[2]:
        return ""
    if max(one.sides) >= VERY_LIKELY:
        return "That there is next to no difference remains plausible."
    sides = "higher or lower" if one.effect.kind == "difference" else f"above or below {one.none:g}"
    return f"There is not enough information to say whether it is {sides}."


VERY_LIKELY = 0.90
"""From here on the table of words calls a direction very likely."""

# -- what may not be said ------------------------------------------------------------------------------------------

FORBIDDEN: Mapping[str, str] = {
    r"significan(t|tly|ce)": "the size, with its interval",
    r"confiden(t|tly|ce)": "“a 95% probability that it is between …”",
    r"prov(e|es|ed|en|ing)\b(?! to be wrong)": "the probability",
    r"(accept|reject)\w*( the)? null": "“practically equivalent”, or that the data do not say",
    r"null hypothes[ie]s": "the range that is too small to matter",
    r"p[ -]?values?": "the probability of the direction",
    r"p\s*[<=>]\s*0?\.\d": "the probability of the direction",
    r"(causes|caused|causing|is the cause)\b": "“is associated with”",
    r"(no|any) (effect|difference) (was|is|can be) (found|detected|seen)": "that the data do not say",
    r"(there is|has|have|had|shows?) no (effect|difference)\b": "that the data do not say",
    r"[\d.]+% of the (time|data|values lie|samples)": "“a 95% probability that it is between …”",
    r"is the true model": "that it predicts best",
    r"(probability|chance) (\w+ ){0,12}?(of|is) (0|100)(\.0+)?%": "“more than 99.9%”",
}
"""What an answer may not say, as patterns, and what it says instead."""

_FORBIDDEN = {re.compile(rf"(?<![\w-]){pattern}", re.IGNORECASE): instead for pattern, instead in FORBIDDEN.items()}


def forbidden(text: str, names: Iterable[str] = ()) -> dict[str, str]:
    """Find what may not be said in a text shown to a user.

    Parameters
    ----------
    names
        Names that users gave, such as columns, levels and units; they may be called what they are called.

    Returns
    -------
    dict
        What was found, and what to say instead.
    """
    theirs = sorted({name for name in names if name}, key=len, reverse=True)
    if theirs:
        text = re.sub(rf"(?<!\w)({'|'.join(map(re.escape, theirs))})(?!\w)", "·", text)
    found = ((pattern.search(text), instead) for pattern, instead in _FORBIDDEN.items())
    return {match[0]: instead for match, instead in found if match}


def require_allowed(said: object, names: Iterable[str] = ()) -> None:
    """Refuse words that mislead, in a text or in the texts of lists and mappings.

    Raises
    ------
    InvalidInput
        When something may not be said; it names the text and what to say instead.
    """
    names = tuple(names)
    for text in _texts(said):
        for words, instead in forbidden(text, names).items():
            raise InvalidInput(
                f"an answer may not say “{words}”: {text[:200]}", where="answer", remedy=f"Say {instead} instead."
            )


def _texts(said: object) -> Iterable[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list | tuple):
        for value in said:
            yield from _texts(value)
