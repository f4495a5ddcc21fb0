"""One prior from what somebody knows: a range, quantiles, a drawing, or the answers of several experts.

Whatever the answer, the result is checked in the end by its own cumulative probabilities, after rounding, and the
notes say how far the prior is from what was said. Ranges go through PreliZ, which maximises the entropy. Quantiles,
drawings and pools are fitted by least squares on cumulative probabilities: PreliZ 0.28 fits the bins of a drawing as
if a bin's share were its density, which is right for bins of width one only.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelcompose.catalog.priors import Prior
from modelcompose.errors import InvalidAnalysis

__all__ = ["Elicited", "by_drawing", "by_experts", "by_quantiles", "by_range", "density", "elicit", "quantiles"]

Points = NDArray[np.float64]

CAREFUL_ABOVE = 0.05  # a difference in probability that is worth a warning
AS_GOOD = 0.01  # a difference in probability below which the simpler distribution is taken
SAYS_MORE = 0.04  # how much better one must be that adds what nobody said: no negative values, or tails without end
ROUNDING = 0.005  # the difference in probability that rounding may make
TAILS = 4.0  # degrees of freedom where the answer cannot tell: heavier tails than the normal's, finite variance
PER_BIN = 4  # points per bin at which a drawing is fitted, so that two bins do not leave the scale open
UNNAMED = 0.25  # the weight of those inside a bin: nobody said that its chips are spread evenly

# What each parameter does when the values are moved and stretched. Parameters stand in the order of the field,
# distributions in the order in which they are preferred when several meet an answer.
ROLES: Mapping[str, Mapping[str, str]] = {
    "Normal": {"mu": "place", "sigma": "scale"},
    "HalfNormal": {"sigma": "scale"},
    "Exponential": {"lam": "rate"},
    "Gamma": {"alpha": "shape", "beta": "rate"},
    "LogNormal": {"mu": "log", "sigma": "shape"},
    "InverseGamma": {"alpha": "shape", "beta": "scale"},
    "Laplace": {"mu": "place", "b": "scale"},
    "StudentT": {"nu": "shape", "mu": "place", "sigma": "scale"},
    "HalfStudentT": {"nu": "shape", "sigma": "scale"},
    "Cauchy": {"alpha": "place", "beta": "scale"},
    "HalfCauchy": {"beta": "scale"},
    "Uniform": {"lower": "place", "upper": "place"},
    "Beta": {"alpha": "shape", "beta": "shape"},
}
ON_THE_WHOLE_LINE = ("Normal", "Laplace", "StudentT", "Cauchy")
FROM_ZERO_DOWN = ("HalfNormal", "Exponential", "HalfStudentT", "HalfCauchy")  # the density is highest at zero
AWAY_FROM_ZERO = ("Gamma", "LogNormal", "InverseGamma")
WITHOUT_MEAN = ("Cauchy", "HalfCauchy")
POSITIVE = tuple(name for name in ROLES if name in FROM_ZERO_DOWN + AWAY_FROM_ZERO)


@dataclass(frozen=True)
class Elicited:
    """A prior, what it now says in a sentence, and notes on how well it meets the answer."""

    prior: Prior
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Curve:
    """A distribution as scipy knows it; ``folded`` keeps the half above the place, doubled."""

    name: str
    shape: tuple[float, ...]
    place: float
    scale: float
    folded: bool = False

    @property
    def _arguments(self) -> tuple[float, ...]:
        return (*self.shape, self.place, self.scale)

    def pdf(self, x: ArrayLike) -> Points:
        height = np.asarray(_scipy(self.name).pdf(x, *self._arguments), float)
        return np.where(np.asarray(x) >= self.place, 2 * height, 0.0) if self.folded else height

    def cdf(self, x: ArrayLike) -> Points:
        share = np.asarray(_scipy(self.name).cdf(x, *self._arguments), float)
        return np.clip(2 * share - 1, 0.0, 1.0) if self.folded else share

    def entropy(self) -> float:
        with np.errstate(all="ignore"):
            found = float(_scipy(self.name).entropy(*self._arguments))
        return found - math.log(2) if self.folded else found

    def ppf(self, level: ArrayLike) -> Points:
        level = np.asarray(level, float)
        return np.asarray(_scipy(self.name).ppf((1 + level) / 2 if self.folded else level, *self._arguments), float)


def _scipy(name: str) -> Any:
    from scipy import stats

    return getattr(stats, name)


CURVES: Mapping[str, Callable[[Mapping[str, float]], _Curve]] = {
    "Beta": lambda p: _Curve("beta", (p["alpha"], p["beta"]), 0.0, 1.0),
    "Cauchy": lambda p: _Curve("cauchy", (), p["alpha"], p["beta"]),
    "Exponential": lambda p: _Curve("expon", (), 0.0, 1 / p["lam"]),
    "Gamma": lambda p: _Curve("gamma", (p["alpha"],), 0.0, 1 / p["beta"]),
    "HalfCauchy": lambda p: _Curve("cauchy", (), 0.0, p["beta"], folded=True),
    "HalfNormal": lambda p: _Curve("norm", (), 0.0, p["sigma"], folded=True),
    "HalfStudentT": lambda p: _Curve("t", (p["nu"],), 0.0, p["sigma"], folded=True),
    "InverseGamma": lambda p: _Curve("invgamma", (p["alpha"],), 0.0, p["beta"]),
    "Laplace": lambda p: _Curve("laplace", (), p["mu"], p["b"]),
    "LogNormal": lambda p: _Curve("lognorm", (p["sigma"],), 0.0, math.exp(p["mu"])),
    "Normal": lambda p: _Curve("norm", (), p["mu"], p["sigma"]),
    "StudentT": lambda p: _Curve("t", (p["nu"],), p["mu"], p["sigma"]),
    "Uniform": lambda p: _Curve("uniform", (), p["lower"], p["upper"] - p["lower"]),
}


@dataclass(frozen=True)
class _Shares:
    """What was said: the probability below each point. ``told`` marks the points that were named."""

    x: Points
    below: Points
    told: slice = slice(None)

    def off(self, prior: Prior) -> float:
        """The largest difference in probability at any point that was named."""
        return float(np.max(np.abs(_curve(prior).cdf(self.x) - self.below)[self.told]))

    @property
    def weight(self) -> Points:
        weight = np.full(len(self.x), UNNAMED)
        weight[self.told] = 1.0
        return weight

    @property
    def inner(self) -> tuple[Points, Points]:
        """The points that have probability on both sides."""
        both = (self.below > 0) & (self.below < 1)
        return self.x[both], self.below[both]

    @property
    def nothing_below_zero(self) -> bool:
        return not np.any(self.below[self.x <= 0])


# The verbs


def by_range(low: float, high: float, mass: float = 0.9, dist: str = "", *, like: Prior | None = None) -> Elicited:
    """Find the distribution of maximum entropy that has ``mass`` between two values.

    Parameters
    ----------
    low, high
        The range, on the scale of the parameter.
    mass
        The probability between them.
    dist
        Name of the distribution; ``""`` keeps that of ``like`` where it can meet the answer, else takes a normal one,
        or for a positive parameter a gamma one (a half-normal one where the range begins at zero).
    like
        The prior as it stands. Where it is positive, as that of a standard deviation, the new one is positive too.

    Returns
    -------
    Elicited

    Raises
    ------
    InvalidAnalysis
        When the range is reversed, the mass is not between 0 and 1, or the distribution is unknown or does not suit.

    Notes
    -----
    Maximum entropy adds the least to what was said (Jaynes 1957, doi:10.1103/PhysRev.106.620), as PreliZ does it
    (Icazatti et al. 2023, doi:10.21105/joss.05499).
    """
    low, high = _increasing((low, high), "the range")
    mass = _probability(mass, "the mass")
    _require_place(low, high, dist, like)
    found, why = _widest(low, high, mass, dist, like)
    asked = _Shares(np.array([low, high]), np.zeros(2))
    prior = _rounded(found, asked.x)
    share = _between(prior, low, high)
    below = float(_curve(prior).cdf(low))
    check = (
        f"Asked {_percent(mass)} between {_said(low)} and {_said(high)}; the prior has {_percent(share)}, "
        f"with {_percent(below)} below and {_percent(1 - below - share)} above."
    )
    says = _sentence(prior, low, high, mass if abs(share - mass) <= ROUNDING else share)
    return Elicited(prior, says, (why, check, *_careful(abs(share - mass))))


def by_quantiles(levels: Mapping[Any, float], dist: str = "", *, like: Prior | None = None) -> Elicited:
    """Find the distribution that has given values at given levels.

    Parameters
    ----------
    levels
        Value by level, such as ``{0.1: 2, 0.5: 5, 0.9: 9}``; at least two. A level may be written as text, as in JSON.
    dist, like
        As in `by_range`; ``""`` takes the distribution that fits best.

    Returns
    -------
    Elicited

    Raises
    ------
    InvalidAnalysis
        When there are fewer than two, the values do not rise with the levels, or the distribution does not suit.

    Notes
    -----
    Fitted by least squares on the cumulative probabilities (O'Hagan et al. 2006, Uncertain Judgements, ch. 6).
    """
    asked = _from_levels(levels)
    _require_place(float(asked.x[0]), float(asked.x[-1]), dist, like)
    prior, why = _best(asked, dist, like)
    has = _curve(prior).cdf(asked.x)
    check = f"Asked {_list(asked.below, _percent)} below {_list(asked.x, _said)}; the prior has {_list(has, _percent)}."
    return Elicited(prior, _central(prior), (why, check, *_careful(asked.off(prior))))


def by_drawing(
    edges: Sequence[float], chips: Sequence[float], dist: str = "", *, like: Prior | None = None
) -> Elicited:
    """Find the distribution that follows chips laid on bins: the roulette method.

    Parameters
    ----------
    edges
        The limits of the bins, increasing; one more than there are bins.
    chips
        Chips per bin; at least three in at least two bins.
    dist, like
        As in `by_quantiles`.

    Returns
    -------
    Elicited

    Raises
    ------
    InvalidAnalysis
        When edges do not increase, chips are negative or too few, or the distribution does not suit.

    Notes
    -----
    Morris, Oakley and Crowe 2014, doi:10.1016/j.envsoft.2013.10.010. Fitted by least squares on the share of chips
    below each edge, and with less weight inside the bins, over which the chips are taken as spread evenly.
    """
    asked = _from_drawing(edges, chips)
    _require_place(*_ends(asked), dist, like)
    prior, why = _best(asked, dist, like)
    x, below = asked.x[asked.told], asked.below[asked.told]
    has = _curve(prior).cdf(x)
    worst = int(np.argmax(np.abs(has - below)))
    check = (
        f"Furthest apart at {_said(x[worst])}: {_percent(below[worst])} of the chips lie below, "
        f"the prior has {_percent(has[worst])}."
    )
    return Elicited(prior, _central(prior), (why, check, *_careful(abs(float(has[worst] - below[worst])))))


def by_experts(
    answers: Sequence[Elicited | Prior],
    weights: Sequence[float] | None = None,
    dist: str = "",
    *,
    like: Prior | None = None,
) -> Elicited:
    """Pool the priors of several experts, and find the single distribution nearest to the pool.

    Parameters
    ----------
    answers
        At least two.
    weights
        One per expert, none negative; equal when left out.
    dist, like
        As in `by_quantiles`; without ``like`` the pool stays positive when all experts' priors are.

    Returns
    -------
    Elicited
        The notes name experts whose central 80% do not overlap, and say how far the distribution is from the pool.

    Raises
    ------
    InvalidAnalysis
        When there are fewer than two, the weights do not fit, or the distribution does not suit.

    Notes
    -----
    The linear opinion pool, by default with equal weights: O'Hagan et al. 2006, Uncertain Judgements, ch. 9.
    """
    priors = [one.prior if isinstance(one, Elicited) else one for one in answers]
    if len(priors) < 2:
        raise _refused(f"there are {len(priors)} experts' answers", "Give the answers of at least two experts.")
    share = _weights(weights, len(priors))
    kept = "as before" if like is not None else "as the first expert's"
    if like is None and (all(map(_is_positive, priors)) or all(one.dist == "Beta" for one in priors)):
        like = priors[0]
    pool = _pool([_curve(one) for one in priors], share)
    reach = np.array([_curve(one).ppf([1e-9, 1 - 1e-9]) for one in priors])
    _require_place(float(reach.min()), float(reach.max()), dist, like)
    prior, why = _best(pool, dist, like, kept)
    return Elicited(prior, _central(prior), (why, *_apart(priors), *_against_pool(prior, pool)))


def elicit(answer: Mapping[str, Any], like: Prior | None = None) -> Elicited:
    """Read an answer as the doors send it, and elicit a prior from it.

    Parameters
    ----------
    answer
        ``{"how": "range", "low": 2, "high": 8, "mass": 0.9}``, ``{"how": "quantiles", "quantiles": {"0.1": 2, …}}``,
        ``{"how": "drawing", "edges": […], "chips": […]}`` or ``{"how": "experts", "answers": [answer, …]}``;
        each may name a ``dist``, and the last ``weights``.
    like
        The prior as it stands.

    Returns
    -------
    Elicited

    Raises
    ------
    InvalidAnalysis
        When the answer cannot be read or used.
    """
    how = answer.get("how") if isinstance(answer, Mapping) else None
    if not isinstance(how, str) or how not in KEYS:
        raise _refused(f"the answer's 'how' is {how!r}", f"Give one of: {', '.join(KEYS)}.")
    needed, optional = KEYS[how]
    given = {key: value for key, value in answer.items() if key != "how"}
    for key in needed:
        if key not in given:
            raise _refused(f"the answer by {how} has no {key!r}", f"Give: {', '.join(needed)}.")
    for key in given:
        if key not in needed + optional:
            raise _refused(f"an answer by {how} has no part {key!r}", f"Its parts are: {', '.join(needed + optional)}.")
    return VERBS[how](given, like)


KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "range": (("low", "high"), ("mass", "dist")),
    "quantiles": (("quantiles",), ("dist",)),
    "drawing": (("edges", "chips"), ("dist",)),
    "experts": (("answers",), ("weights", "dist")),
}


def _elicit_experts(given: Mapping[str, Any], like: Prior | None) -> Elicited:
    answers = _sequence(given["answers"], "the experts' answers")
    if any(isinstance(one, Mapping) and one.get("how") == "experts" for one in answers):
        raise _refused("an expert's answer is a pool of experts itself", "List all experts side by side.")
    found = [elicit(one, like) for one in answers]
    return by_experts(found, given.get("weights"), given.get("dist", ""), like=like)


VERBS: Mapping[str, Callable[[Mapping[str, Any], Prior | None], Elicited]] = {
    "range": lambda given, like: by_range(**given, like=like),
    "quantiles": lambda given, like: by_quantiles(given["quantiles"], given.get("dist", ""), like=like),
    "drawing": lambda given, like: by_drawing(**given, like=like),
    "experts": _elicit_experts,
}


def density(prior: Prior, points: int = 80) -> dict[str, list[float]]:
    """Draw a prior over its central 99%.

    Half of the points lie evenly over the range, half evenly over the probability, so that a narrow peak between
    heavy tails is drawn too.

    Returns
    -------
    ``{"x": […], "y": […]}``, each of length ``points``, x increasing.

    Raises
    ------
    InvalidAnalysis
        When the prior has no density that could be drawn: a parameter is missing, out of range or a prior itself.
    """
    if isinstance(points, bool) or not isinstance(points, int) or points < 4:
        raise _refused(f"a density cannot be drawn at {points!r} points", "Give a whole number from 4.")
    curve = _curve(prior)
    low, high = quantiles(prior, [0.005, 0.995])
    evenly = np.linspace(low, high, points - points // 2)
    middle = curve.ppf(0.005 + 0.99 * (np.arange(points // 2) + 0.5) / (points // 2))
    x = np.sort(np.concatenate([evenly, middle]))
    y = curve.pdf(x)
    highest = np.max(y, initial=0.0, where=np.isfinite(y))
    return {"x": x.tolist(), "y": np.where(np.isfinite(y), y, highest).tolist()}


def quantiles(prior: Prior, levels: Sequence[float]) -> list[float]:
    """Give the values below which a prior has the given probabilities.

    Raises
    ------
    InvalidAnalysis
        When a level is not between 0 and 1, or the prior has no such value that could be written as a number.
    """
    asked = [_probability(level, "a level") for level in levels]
    with np.errstate(all="ignore"):
        found = _curve(prior).ppf(np.array(asked, float))
    if not np.isfinite(found).all():
        raise _refused(f"{prior.words()} reaches values beyond any number", "Choose a narrower prior.")
    return [float(one) for one in found]


# Reading the answers


def _refused(message: str, remedy: str) -> InvalidAnalysis:
    return InvalidAnalysis(message, where="priors", remedy=remedy)


def _finite(value: Any, what: str) -> float:
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise _refused(f"{what} has {value!r}, which is not a number to work with", "Give a finite number.")


def _probability(value: Any, what: str) -> float:
    number = _finite(value, what)
    if not 0 < number < 1:
        raise _refused(f"{what} is {number:g}", "Give a share between 0 and 1, such as 0.9.")
    return number


def _sequence(values: Any, what: str) -> Sequence[Any]:
    if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str | bytes):
        return list(values)
    raise _refused(f"{what} are {values!r}", "Give a list.")


def _increasing(values: Any, what: str) -> list[float]:
    """Read numbers of which each is larger than the one before, and not immeasurably so."""
    numbers = [_finite(value, what) for value in _sequence(values, what)]
    for before, after in pairwise(numbers):
        if not after > before:
            raise _refused(
                f"{what} has {after:g} after {before:g}", "Give numbers of which each is larger than the one before."
            )
        if not 1e-9 * max(abs(before), abs(after)) < after - before < math.inf:
            raise _refused(
                f"{what} has {before!r} and {after!r}, which cannot be told apart or compared",
                "Give numbers of similar size, further apart.",
            )
    largest = max(map(abs, numbers), default=1.0)
    if not 1e-150 < largest < 1e150:
        raise _refused(f"{what} has numbers of a size nobody can compute with", "Use another unit.")
    return numbers


def _from_levels(levels: Any) -> _Shares:
    if not isinstance(levels, Mapping) or len(levels) < 2:
        raise _refused(f"the quantiles are {levels!r}", "Give at least two, such as {0.1: 2, 0.9: 8}.")
    read = sorted((_level(level), value) for level, value in _distinct(levels))
    x = _increasing([value for _, value in read], "the values at rising levels")
    return _Shares(np.array(x), np.array([level for level, _ in read]))


def _distinct(levels: Mapping[Any, Any]) -> list[tuple[Any, float]]:
    found = {_level(level): (level, _finite(value, f"the quantile {level}")) for level, value in levels.items()}
    if len(found) < len(levels):
        raise _refused("a quantile is given twice", "Give each level once.")
    return list(found.values())


def _level(level: Any) -> float:
    if isinstance(level, str):
        try:
            level = float(level)
        except ValueError:
            raise _refused(f"the level {level!r} is not a number", "Write levels as shares, such as 0.1.") from None
    return _probability(level, "a level")


def _from_drawing(edges: Any, chips: Any) -> _Shares:
    limits = np.array(_increasing(edges, "the edges of the bins"))
    laid = np.array([_finite(chip, "the chips") for chip in _sequence(chips, "the chips")])
    if len(limits) != len(laid) + 1:
        raise _refused(f"there are {len(laid)} bins and {len(limits)} edges", "Give one edge more than bins.")
    if (laid < 0).any():
        raise _refused(f"a bin has {laid.min():g} chips", "Lay no chips, or some; take none away.")
    if not 3 <= laid.sum() < math.inf or np.count_nonzero(laid) < 2:
        raise _refused(
            f"{laid.sum():g} chips lie in {np.count_nonzero(laid)} bins",
            "Lay at least three chips, in two bins or more.",
        )
    cumulated = np.concatenate([[0.0], np.cumsum(laid) / laid.sum()])
    cumulated[cumulated > 1 - 1e-12] = 1.0
    position = np.arange(PER_BIN * len(laid) + 1) / PER_BIN
    every = np.arange(len(limits))
    x, below = np.interp(position, every, limits), np.interp(position, every, cumulated)
    return _Shares(x, below, told=slice(None, None, PER_BIN))


def _ends(asked: _Shares) -> tuple[float, float]:
    """The lower edge of the first bin with chips, and the upper one of the last."""
    return float(asked.x[np.flatnonzero(asked.below == 0)[-1]]), float(asked.x[np.argmax(asked.below == 1)])


def _weights(weights: Any, experts: int) -> Points:
    if weights is None:
        return np.full(experts, 1 / experts)
    given = np.array([_finite(weight, "the weights") for weight in _sequence(weights, "the weights")])
    if len(given) != experts:
        raise _refused(f"there are {len(given)} weights for {experts} experts", "Give one weight per expert.")
    if (given < 0).any() or not 0 < given.sum() < math.inf:
        raise _refused(f"the weights are {given.tolist()}", "Give weights from zero, not all of them zero.")
    return np.asarray(given / given.sum(), float)


def _require_place(lowest: float, highest: float, dist: Any, like: Prior | None) -> None:
    """Refuse distributions that are unknown, and values where there can be none."""
    if not isinstance(dist, str) or (dist and dist not in ROLES):
        raise _refused(f"{dist!r} is not a known distribution", f"Known are: {', '.join(ROLES)}.")
    if like is not None and not dist and like.dist not in ROLES:
        raise _refused(
            f"the prior is {like.words()}, and no other of its kind can be found from an answer",
            f"Name the distribution: one of {', '.join(ROLES)}.",
        )
    if dist == "Beta" or (like is not None and like.dist == "Beta"):
        _require_share(lowest, highest, dist)
    _require_sign(lowest, dist, like)


def _require_share(lowest: float, highest: float, dist: str) -> None:
    if lowest < 0 or highest > 1:
        raise _refused(
            f"the answer reaches from {lowest:g} to {highest:g}, but a Beta has values between 0 and 1 only",
            "Give shares between 0 and 1, such as 0.3 for 30%.",
        )
    if dist not in ("", "Beta"):
        raise _refused(f"{dist} allows values that are no shares", "Choose Beta, whose values lie between 0 and 1.")


def _require_sign(lowest: float, dist: str, like: Prior | None) -> None:
    if like is not None and _is_positive(like):
        if lowest < 0:
            raise _refused(
                f"the answer reaches down to {lowest:g}, but the parameter is never negative (it has {like.words()})",
                "Begin at zero or above.",
            )
        if dist in ON_THE_WHOLE_LINE:
            raise _refused(
                f"{dist} allows negative values, but the parameter is never negative (it has {like.words()})",
                f"Choose one of: {', '.join(POSITIVE)}.",
            )
    if dist in POSITIVE and lowest < 0:
        raise _refused(
            f"{dist} has no values below zero, but the answer reaches down to {lowest:g}",
            f"Choose one of: {', '.join(ON_THE_WHOLE_LINE)}.",
        )


def _is_positive(prior: Prior) -> bool:
    return prior.dist in POSITIVE or (prior.dist == "Uniform" and _curve(prior).place >= 0)


def _curve(prior: Prior) -> _Curve:
    """Translate a prior for scipy, or refuse it."""
    if prior.dist not in CURVES:
        raise _refused(f"{prior.dist!r} is not a known distribution", f"Known are: {', '.join(ROLES)}.")
    params = {"mu": 0.0, **_plain(prior)} if prior.dist in ON_THE_WHOLE_LINE else _plain(prior)
    try:
        curve = CURVES[prior.dist](_by_shape(prior.dist, params))
    except KeyError as missing:
        raise _refused(f"{prior.words()} has no {missing.args[0]!r}", _its_parameters(prior)) from None
    except (ZeroDivisionError, OverflowError):
        raise _refused(f"{prior.words()} is no distribution", _its_parameters(prior)) from None
    if not all(0 < one < math.inf for one in (*curve.shape, curve.scale)):
        raise _refused(f"{prior.words()} is no distribution", "Give scales and shapes above zero.")
    return curve


def _by_shape(dist: str, params: Mapping[str, float]) -> Mapping[str, float]:
    """Turn mean and standard deviation, by which PyMC takes two distributions too, into their other parameters."""
    if dist not in ("Gamma", "Beta") or not {"mu", "sigma"} <= params.keys():
        return params
    mu, precision = params["mu"], 1 / params["sigma"] ** 2
    if dist == "Gamma":
        return {"alpha": mu * mu * precision, "beta": mu * precision}
    size = mu * (1 - mu) * precision - 1
    return {"alpha": mu * size, "beta": (1 - mu) * size}


def _plain(prior: Prior) -> dict[str, float]:
    for name, value in prior.params.items():
        if isinstance(value, Prior):
            raise _refused(
                f"{name!r} of {prior.words()} has a prior of its own, so the prior is no single curve",
                f"Ask for the prior of {name!r} instead.",
            )
    return {name: _finite(value, f"{name!r} of {prior.dist}") for name, value in prior.params.items()}


def _its_parameters(prior: Prior) -> str:
    return f"The parameters of {prior.dist} are: {', '.join(ROLES[prior.dist])}."


# Ranges: maximum entropy


def _widest(low: float, high: float, mass: float, dist: str, like: Prior | None) -> tuple[Prior, str]:
    """The distribution of maximum entropy with the mass in the range, and why this family."""
    positive = like is not None and _is_positive(like)
    found = []
    for name in [dist] if dist else _for_range(low, like):
        one = _maximum_entropy(name, low, high, mass, _tails(name, like), positive)
        if one is not None:
            found.append(one)
        if one is not None and abs(_between(one, low, high) - mass) <= AS_GOOD:
            break
    if not found:
        raise _refused(
            f"no {dist or 'distribution'} could be found that has {_percent(mass)} between {low:g} and {high:g}",
            "Choose another distribution, or say between which values most of the mass lies.",
        )
    best = min(found, key=lambda one: round(abs(_between(one, low, high) - mass) / AS_GOOD))
    met = abs(_between(best, low, high) - mass) <= AS_GOOD
    how = "the widest (of maximum entropy) that meets the range" if met else "as near to the range as it can come"
    return best, _why_range(best, how, low, dist, like)


def _for_range(low: float, like: Prior | None) -> list[str]:
    """The families to try, in order: that of the prior as it stands first, if it can be centred on the range."""
    if like is None or not _is_positive(like):
        return [like.dist] if like is not None and like.dist in (*ON_THE_WHOLE_LINE, "Uniform", "Beta") else ["Normal"]
    suited = [*FROM_ZERO_DOWN, *AWAY_FROM_ZERO, "Uniform"] if low == 0 else [*AWAY_FROM_ZERO, "Uniform"]
    keep = [like.dist] if like.dist in suited else []
    return [*keep, *[one for one in suited if one not in (*keep, "Uniform")]]


def _why_range(prior: Prior, how: str, low: float, dist: str, like: Prior | None) -> str:
    if dist:
        return f"{prior.dist}, as you chose: {how}."
    if like is not None and like.dist == prior.dist:
        return f"{prior.dist}, as before: {how}."
    if like is None or not _is_positive(like):
        return f"{prior.dist}: {how}."
    if like.dist in FROM_ZERO_DOWN and low > 0:
        return (
            f"{prior.dist}: {how}. It stays positive; {like.dist}, as before, is highest at zero, "
            f"but you expect few values below {_said(low)}."
        )
    return f"{prior.dist}: {how}. It stays positive, as before."


def _maximum_entropy(dist: str, low: float, high: float, mass: float, tails: float, positive: bool) -> Prior | None:
    """Solve for a standard range, where PreliZ computes best, and move the solution to the range asked for."""
    if dist == "Uniform":
        return _even(low, high, mass, positive)
    if dist == "Beta":
        standard, stretch, move = (low, high), 1.0, 0.0
    elif dist in ON_THE_WHOLE_LINE:
        standard, stretch, move = (-1.0, 1.0), (high - low) / 2, low + (high - low) / 2
    else:
        standard, stretch, move = (low / high * 10, 10.0), high / 10, 0.0
    params = _preliz_maximum(dist, *standard, mass, tails if "nu" in ROLES[dist] else 0.0)
    found = [_moved(Prior(dist, dict(params)), stretch, move)] if params is not None else []
    if low > 0 or dist in ON_THE_WHOLE_LINE:
        found += _by_tails(dist, low, high, mass, tails)
    usable = [one for one in found if _usable(one) and _can_be_shown(one)]
    meeting = [one for one in usable if abs(_between(one, low, high) - mass) <= ROUNDING]
    return max(meeting, key=lambda one: _curve(one).entropy()) if meeting else next(iter(usable), None)


def _by_tails(dist: str, low: float, high: float, mass: float, tails: float) -> list[Prior]:
    """What PreliZ is compared with: its optimiser stops early in ranges that are narrow for where they lie.

    The mass outside is shared between the two sides so that the entropy is highest; evenly, where the distribution is
    symmetric or has no parameter left for it.
    """
    from scipy.optimize import minimize_scalar

    def fitted(below: float) -> Prior | None:
        return _fitted(dist, _Shares(np.array([low, high]), np.array([below, below + mass])), tails)

    def narrowness(below: float) -> float:
        one = fitted(below)
        return -_curve(one).entropy() if one is not None else math.inf

    shares = [(1 - mass) / 2]
    if dist in (*AWAY_FROM_ZERO, "Beta"):
        with np.errstate(all="ignore"):
            shares.append(float(minimize_scalar(narrowness, bounds=(0, 1 - mass), method="bounded").x))
    return [one for one in map(fitted, shares) if one is not None]


def _even(low: float, high: float, mass: float, positive: bool) -> Prior:
    """All places have the same entropy; take the middle one, or for a positive parameter that from zero."""
    width = (high - low) / mass
    lower = low - (width - (high - low)) / 2
    lower = 0.0 if positive and lower < 0 else lower
    return Prior("Uniform", {"lower": lower, "upper": lower + width})


@lru_cache(maxsize=256)
def _preliz_maximum(
    dist: str, low: float, high: float, mass: float, tails: float
) -> tuple[tuple[str, float], ...] | None:
    """Ask PreliZ; its parameters have PyMC's names. None where it finds no finite solution."""
    with _preliz() as pz:
        distribution = getattr(pz, dist)(nu=tails) if tails else getattr(pz, dist)()
        try:
            found = pz.maxent(distribution, low, high, mass, plot=False)
        except Exception:  # whatever goes wrong in there, the answer is compared with another one and checked
            return None
        params = tuple((name, float(found.params_dict[name])) for name in ROLES[dist])
    return params if all(math.isfinite(value) for _, value in params) else None


@contextmanager
def _preliz() -> Iterator[Any]:
    """Lend PreliZ, and leave no trace of it: importing it changes how matplotlib saves figures, and adds a style."""
    import matplotlib as mpl
    from matplotlib import style

    paths: list[str] = getattr(style, "USER_LIBRARY_PATHS", [])
    known = dict(style.library)
    with warnings.catch_warnings(), np.errstate(all="ignore"), mpl.rc_context():
        warnings.simplefilter("ignore")
        try:
            import preliz

            yield preliz
        finally:
            paths[:] = [path for path in paths if "preliz" not in str(path)]
            # Styles that others brought along while PreliZ was imported stay.
            brought = {name: one for name, one in style.library.items() if not name.startswith("preliz")}
            style.library.clear()
            style.library.update({**brought, **known})
            style.available[:] = sorted(name for name in style.library if not name.startswith("_"))


# Quantiles, drawings and pools: least squares on cumulative probabilities


def _best(asked: _Shares, dist: str, like: Prior | None, kept: str = "as before") -> tuple[Prior, str]:
    """The distribution that meets the shares best, rounded, and why this one."""
    fits = _fits([dist] if dist else _candidates(asked, like), asked, like)
    if not fits:
        raise _refused(
            f"no {dist or 'distribution'} follows the answer", "Choose another distribution, or look the answer over."
        )
    cost = {name: asked.off(one) + SAYS_MORE * _says_more(name, like) for name, one in fits.items()}
    chosen = next(name for name in fits if cost[name] <= min(cost.values()) + AS_GOOD)
    why = _why_best(chosen, {name: asked.off(one) for name, one in fits.items()}, dist, like, kept)
    return _rounded(fits[chosen], asked.x), why


def _says_more(dist: str, like: Prior | None) -> bool:
    """Whether a family adds to the answer what neither it nor the prior as it stands says."""
    if like is None or dist == like.dist:
        return like is None and dist in WITHOUT_MEAN
    return dist in WITHOUT_MEAN or (dist in POSITIVE and not _is_positive(like))


def _fits(names: list[str], asked: _Shares, like: Prior | None) -> dict[str, Prior]:
    found = {name: _fitted(name, asked, _tails(name, like)) for name in names}
    keep = {name: one for name, one in found.items() if one is not None}
    if like is not None and _is_positive(like):
        return {name: _from_zero(one) for name, one in keep.items()}
    return keep


def _from_zero(prior: Prior) -> Prior:
    if prior.dist != "Uniform":
        return prior
    return Prior("Uniform", {**prior.params, "lower": max(0.0, _plain(prior)["lower"])})


def _candidates(asked: _Shares, like: Prior | None) -> list[str]:
    """The families to choose from, the first ones preferred.

    A uniform prior is offered only where there was one: its hard limits rule values out for good (Gelman et al. 2020,
    arXiv 2011.01808).
    """
    if like is not None and like.dist == "Beta":
        return ["Beta"]
    if like is not None and _is_positive(like):
        names = [*POSITIVE]
    else:
        names = [one for one in ROLES if one in (*ON_THE_WHOLE_LINE, *(POSITIVE if asked.nothing_below_zero else ()))]
    if like is None:
        return names
    return [like.dist, *[one for one in names if one != like.dist]] if like.dist in (*names, "Uniform") else names


def _why_best(chosen: str, off: Mapping[str, float], dist: str, like: Prior | None, kept: str) -> str:
    if dist:
        return f"{chosen}, as you chose."
    ends = " It rules out values below zero." if chosen in POSITIVE and not (like and _is_positive(like)) else ""
    best = off[chosen] <= min(off.values()) + 1e-6
    by = f"(off by {_points(off[chosen])})"
    if like is not None and chosen == like.dist:
        return f"{chosen}, {kept}: {'it fits best' if best else 'no other fits clearly better'} {by}.{ends}"
    if best:
        return f"{chosen}: fits best of {len(off)} distributions {by}.{ends}"
    return f"{chosen}: close to the best of {len(off)} distributions, and simpler or more cautious {by}.{ends}"


def _tails(dist: str, like: Prior | None) -> float:
    """Degrees of freedom to keep where the answer says nothing on them."""
    keep = like is not None and like.dist == dist and "nu" in ROLES[dist]
    return _plain(like).get("nu", TAILS) if like is not None and keep else TAILS


def _fitted(dist: str, asked: _Shares, tails: float) -> Prior | None:
    """Fit one family; None where it cannot follow the answer at all."""
    from scipy.optimize import least_squares

    with np.errstate(all="ignore"):
        start = _start(dist, asked, tails)
        if start is None or not _usable(start):
            return None
        weight = asked.weight
        free = [name for name in ROLES[dist] if name != "nu" or _tells_tails(dist, asked)]

        def difference(step: Points) -> Points:
            prior = _stepped(start, dict(zip(free, step.tolist(), strict=True)))
            share = _curve(prior).cdf(asked.x) if _usable(prior) else np.ones(len(asked.x))
            return np.nan_to_num(weight * (share - asked.below), nan=1.0)

        step = least_squares(difference, np.zeros(len(free)), bounds=_bounds(free, start), xtol=1e-12, ftol=1e-12).x
        found = _stepped(start, dict(zip(free, step.tolist(), strict=True)))
        return found if _usable(found) else None


def _tells_tails(dist: str, asked: _Shares) -> bool:
    """Whether there are more points than place and scale need."""
    return len(asked.inner[0]) > len(ROLES[dist])


def _bounds(free: Sequence[str], start: Prior) -> tuple[list[float], list[float]]:
    """Steps within which a fit may go: tails between Cauchy's and almost normal ones, the rest wide."""
    nu = _plain(start).get("nu", TAILS)
    low = [math.log(1 / nu) if name == "nu" else -30.0 for name in free]
    high = [math.log(100 / nu) if name == "nu" else 30.0 for name in free]
    return [min(one, -1e-6) for one in low], [max(one, 1e-6) for one in high]


def _start(dist: str, asked: _Shares, tails: float) -> Prior | None:
    """A distribution near the outermost points that have probability on both sides."""
    x, below = asked.inner
    if dist in POSITIVE:
        below, x = below[x > 0], x[x > 0]
    if dist in FROM_ZERO_DOWN and len(x):
        return _start_at_zero(dist, x, below, tails)
    if len(x) < 2 or not below[-1] > below[0]:
        return None
    if dist in AWAY_FROM_ZERO:
        mu, sigma = _place_and_scale(_Curve("norm", (), 0.0, 1.0), np.log(x), below)
        alpha = 1 / sigma**2
        middle = np.exp(mu)
        return {
            "LogNormal": Prior("LogNormal", {"mu": mu, "sigma": sigma}),
            "Gamma": Prior("Gamma", {"alpha": alpha, "beta": alpha / middle}),
            "InverseGamma": Prior("InverseGamma", {"alpha": alpha, "beta": alpha * middle}),
        }[dist]
    if dist == "Beta":
        return _start_of_share(x, below)
    place, scale = _place_and_scale(_curve(_standard(dist, tails)), x, below)
    return _moved(_standard(dist, tails), scale, place)


def _start_at_zero(dist: str, x: Points, below: Points, tails: float) -> Prior:
    middle = int(np.argmin(np.abs(below - 0.5)))
    standard = _standard(dist, tails)
    return _moved(standard, float(x[middle] / _curve(standard).ppf(below[middle])), 0.0)


def _start_of_share(x: Points, below: Points) -> Prior:
    """The beta distribution with the mean and standard deviation that a normal one would have."""
    mean, sd = _place_and_scale(_Curve("norm", (), 0.0, 1.0), x, below)
    mean = min(max(mean, 0.02), 0.98)
    size = max(mean * (1 - mean) / sd**2 - 1, 0.5)
    return Prior("Beta", {"alpha": mean * size, "beta": (1 - mean) * size})


def _standard(dist: str, tails: float) -> Prior:
    """The family's member at zero with scale one."""
    if dist == "Uniform":
        return Prior(dist, {"lower": 0.0, "upper": 1.0})
    unit = {"place": 0.0, "scale": 1.0, "rate": 1.0, "shape": tails}
    return Prior(dist, {name: unit[role] for name, role in ROLES[dist].items()})


def _place_and_scale(standard: _Curve, x: Points, below: Points) -> tuple[float, float]:
    low, high = standard.ppf([below[0], below[-1]])
    scale = float((x[-1] - x[0]) / (high - low))
    return float(x[0] - scale * low), scale


def _moved(prior: Prior, stretch: float, move: float) -> Prior:
    """The distribution of ``stretch * value + move``; only families on the whole line can be moved."""
    change: dict[str, Callable[[float], float]] = {
        "place": lambda value: stretch * value + move,
        "scale": lambda value: stretch * value,
        "rate": lambda value: value / stretch,
        "shape": lambda value: value,
        "log": lambda value: value + math.log(stretch),
    }
    params = _plain(prior)
    return Prior(prior.dist, {name: change[role](params[name]) for name, role in ROLES[prior.dist].items()})


def _stepped(prior: Prior, step: Mapping[str, float]) -> Prior:
    """Change parameters by steps without units: places by scales, all others by factors."""
    params = _plain(prior)
    unit = _unit(prior)
    return Prior(
        prior.dist,
        {
            name: params[name] + unit * step.get(name, 0.0)
            if role in ("place", "log")
            else params[name] * math.exp(step.get(name, 0.0))
            for name, role in ROLES[prior.dist].items()
        },
    )


def _unit(prior: Prior) -> float:
    """What a place is measured by."""
    params = _plain(prior)
    if prior.dist == "Uniform":
        return params["upper"] - params["lower"]
    return params[list(ROLES[prior.dist])[-1]]


def _usable(prior: Prior) -> bool:
    try:
        _curve(prior)
    except InvalidAnalysis:
        return False
    return True


def _can_be_shown(prior: Prior) -> bool:
    """Whether entropy did not grow without limit, as it does where half of the values or more may lie anywhere."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(_curve(prior).ppf([0.005, 0.995])).all())


def _rounded(prior: Prior, x: Points) -> Prior:
    """Round to three significant digits, or as few more as keep the probabilities below the points named."""
    exact = _curve(prior).cdf(x)
    for digits in range(3, 13):
        short = Prior(prior.dist, {name: _short(prior, name, digits) for name in ROLES[prior.dist]})
        if _usable(short) and float(np.max(np.abs(_curve(short).cdf(x) - exact))) <= ROUNDING:
            return short
    return prior


def _short(prior: Prior, name: str, digits: int) -> float:
    value = _plain(prior)[name]
    if ROLES[prior.dist][name] in ("place", "log"):
        value = round(value, digits - 1 - math.floor(math.log10(_unit(prior))))
    return float(f"{value:.{digits}g}") + 0.0


# Experts


def _pool(curves: Sequence[_Curve], weights: Points) -> _Shares:
    """The quantiles of the weighted average of the experts' probabilities, at every hundredth."""
    from scipy.optimize import brentq

    levels = np.arange(1, 100) / 100
    each = np.array([curve.ppf(levels) for curve, weight in zip(curves, weights, strict=True) if weight > 0])
    if not np.isfinite(each).all():
        raise _refused("an expert's prior reaches values beyond any number", "Ask this expert again.")

    def below(x: float) -> float:
        return float(sum(weight * curve.cdf(x) for curve, weight in zip(curves, weights, strict=True)))

    def solve(level: float, low: float, high: float) -> float:
        if not below(low) < level < below(high):
            return low if below(low) >= level else high
        return float(brentq(lambda x: below(x) - level, low, high, xtol=1e-12 * max(abs(low), abs(high))))

    limits = zip(levels.tolist(), each.min(axis=0).tolist(), each.max(axis=0).tolist(), strict=True)
    return _Shares(np.array([solve(*one) for one in limits]), levels)


def _apart(priors: Sequence[Prior]) -> list[str]:
    """Name the experts whose central 80% do not overlap."""
    ranges = [quantiles(one, [0.1, 0.9]) for one in priors]
    far = [
        f"Experts {one + 1} and {other + 1} disagree: 80% of values {_between_words(*ranges[one])} "
        f"against {_between_words(*ranges[other])}. Ask them what they know that the other does not."
        for one, other in combinations(range(len(ranges)), 2)
        if ranges[one][0] > ranges[other][1] or ranges[other][0] > ranges[one][1]
    ]
    if not far:
        return ["The experts agree: every two of their central 80% ranges overlap."]
    return far[:3] if len(far) <= 3 else [*far[:2], f"{len(far) - 2} more pairs of experts disagree likewise."]


def _against_pool(prior: Prior, pool: _Shares) -> list[str]:
    has = _curve(prior).cdf(pool.x)
    worst = int(np.argmax(np.abs(has - pool.below)))
    off = abs(float(has[worst] - pool.below[worst]))
    low, high = (_said(float(pool.x[level]), float(pool.x[94] - pool.x[4])) for level in (4, 94))
    told = (
        f"The pool has 90% of values between {low} and {high}. One distribution in its place is off by "
        f"{_points(off)}: {_percent(float(has[worst]))} instead of {_percent(float(pool.below[worst]))} "
        f"below {_said(float(pool.x[worst]), float(pool.x[94] - pool.x[4]))}."
    )
    if off <= CAREFUL_ABOVE:
        return [told]
    return [
        told,
        "Careful: one distribution does not show what the experts say together. "
        "Fit the model under each expert's prior too, and see whether the answer changes.",
    ]


# Words


def _between(prior: Prior, low: float, high: float) -> float:
    below = _curve(prior).cdf([low, high])
    return float(below[1] - below[0])


def _central(prior: Prior) -> str:
    low, high = quantiles(prior, [0.05, 0.95])
    return _sentence(prior, low, high, 0.9, spread=high - low)


def _sentence(prior: Prior, low: float, high: float, share: float, spread: float | None = None) -> str:
    (middle,) = quantiles(prior, [0.5])
    return (
        f"{_percent(share)} of values between {_said(low, spread)} and {_said(high, spread)}, "
        f"the middle at {_said(middle, high - low)}"
    )


def _careful(off: float) -> list[str]:
    if off <= CAREFUL_ABOVE:
        return []
    return [
        f"Careful: the prior is off by {100 * off:.2g} percentage points, so it does not say what you said. "
        "Choose another distribution, or look the answer over."
    ]


def _between_words(low: float, high: float) -> str:
    return f"between {_said(low, high - low)} and {_said(high, high - low)}"


def _said(value: float, spread: float | None = None) -> str:
    """A number as it was said, or rounded to three digits of what it is seen against."""
    if spread is not None and 0 < spread < math.inf:
        value = round(float(value), 2 - math.floor(math.log10(spread)))
    return f"{float(value) + 0.0:.10g}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{max(100 * float(share), 0.0):.3g}%" if not 0 < share < 1e-4 else "less than 0.01%"


def _points(off: float) -> str:
    return f"at most {100 * off:.2g} percentage points" if off >= 0.001 else "less than 0.1 percentage points"


def _list(values: Sequence[float] | Points, word: Callable[[float], str]) -> str:
    return ", ".join(word(float(value)) for value in values)
