"""What priors say in words, what they mean for the outcome, and priors from what is known about the outcome.

"Nine of ten values lie between a and b" settles the scale of all priors of a formula at once: the default priors are
moved and stretched together until data simulated from them say so too. The idea of eliciting observable quantities,
not parameters, is that of Kadane et al. 1980 (doi:10.1080/01621459.1980.10477562).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog.elicit import POSITIVE, density, elicit, quantiles
from modelcompose.catalog.priors import YOURS, Prior, TermPrior, design, rounded
from modelcompose.catalog.registry import get
from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.catalog.entry import ModelEntry

__all__ = ["elicited", "from_posterior", "on_outcome_scale", "prior_rows"]

Array = np.ndarray[Any, np.dtype[np.float64]]


# -- in words ----------------------------------------------------------------------------------------------------


def prior_rows(analysis: Analysis, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Describe every prior of an analysis, as JSON values: in words, as a range and as a curve."""
    entry = get(analysis.model)
    return [_row(one, entry, analysis) for one in entry.priors(analysis, table)]


def _row(one: TermPrior, entry: ModelEntry, analysis: Analysis) -> dict[str, Any]:
    low, high = quantiles(one.prior, [0.025, 0.975])
    label, words = _meaning(one, entry.link, analysis, low, high)
    return {
        "name": one.name,
        "label": label,
        "dist": one.prior.dist,
        "params": {name: value for name, value in one.prior.params.items() if not isinstance(value, Prior)},
        "words": one.prior.words(),
        "range_words": words,
        "low": low,
        "high": high,
        "source": one.source,
        "yours": one.source == YOURS,
        "density": density(one.prior),
    }


def _meaning(one: TermPrior, link: str, analysis: Analysis, low: float, high: float) -> tuple[str, str]:
    """Name a prior's parameter, and say between which values 95% of it lies, on the outcome's scale where possible."""
    unit = analysis.units.get(analysis.outcome, "")
    if one.component:
        return f"{one.term} (of {one.component})", _between("values", low, high, "on the logarithmic scale")
    if one.group:
        effect, _, group = one.term.partition("|")
        what = "levels" if effect == "1" else f"effects of {effect}"
        scale = {"log": "on the logarithmic scale", "logit": "in log-odds"}.get(link, unit)
        return f"spread of {what} between {group}", _between("standard deviations", low, high, scale)
    if one.term == "Intercept":
        return _level(link, analysis, low, high, unit)
    if one.term in SPREADS:
        return "scatter around the average", _between("standard deviations", low, high, unit)
    if one.term in SHAPES:
        return SHAPES[one.term], _between("values", low, high, "")
    return _slope(one.term, link, analysis, low, high, unit)


SPREADS = frozenset({"sigma"})
SHAPES: Mapping[str, str] = {
    "nu": "how heavy the tails are (below 10: heavy; above 30: hardly)",
    "alpha": "shape of the distribution (small: uneven)",
    "kappa": "concentration (large: values close together)",
    "psi": "share of rows of the ordinary kind",
    "threshold": "where one level ends and the next begins",
}


def _level(link: str, analysis: Analysis, low: float, high: float, unit: str) -> tuple[str, str]:
    name = f"{analysis.outcome} of a typical row"
    if link == "logit":
        return name, _between("chances", 100 * _logistic(low), 100 * _logistic(high), "%")
    if link == "log":
        return name, _between("averages", np.exp(low), np.exp(high), unit)
    return name, _between("averages", low, high, unit)


def _slope(term: str, link: str, analysis: Analysis, low: float, high: float, unit: str) -> tuple[str, str]:
    column = term.removeprefix("center(").removesuffix(")").strip("`")
    per = analysis.units.get(column, "") or f"1 of {column}"
    label = f"effect of {column}"
    if link in ("log", "logit"):
        of = "odds" if link == "logit" else "average"
        return label, _between(f"factors on the {of}", np.exp(low), np.exp(high), f"per {per}")
    return label, _between("slopes", low, high, f"{unit} per {per}".strip())


def _between(what: str, low: float, high: float, unit: str) -> str:
    tail = unit if unit.startswith("%") else f" {unit}" if unit else ""
    return f"95% of {what} between {_number(low)} and {_number(high)}{tail}"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


# -- from answers to priors --------------------------------------------------------------------------------------


def elicited(analysis: Analysis, table: pd.DataFrame, name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what somebody knows into priors.

    Parameters
    ----------
    name
        The prior that the answer is about; ``""`` when it is about the outcome.
    answer
        What is known; ``how`` is range, quantiles, drawing, experts or outcome, with the fields of the functions of
        `modelcompose.catalog.elicit` and of ``on_outcome_scale``.

    Returns
    -------
    dict
        ``changes`` of the choices, the ``priors`` that changed as ``prior_rows`` has them, a ``sentence``, ``notes``.

    Raises
    ------
    InvalidAnalysis
        When the answer is none, or the model has no such prior.
    """
    if answer.get("how") == "outcome":
        priors = on_outcome_scale(analysis, table, *_asked_range(answer))
        low, high, mass = _asked_range(answer)
        sentence = f"{mass:.0%} of the values that these priors lead to lie between {low:g} and {high:g}."
        return _changed(analysis, table, {**analysis.priors, **priors}, sentence, ())
    old = {one.name: one for one in get(analysis.model).priors(analysis, table)}
    if name not in old:
        raise InvalidAnalysis(f"there is no prior {name!r}", where="priors", remedy=f"Priors are: {', '.join(old)}.")
    found = elicit(answer, old[name].prior)
    return _changed(analysis, table, {**analysis.priors, name: as_choice(found.prior)}, found.sentence, found.notes)


def from_posterior(
    analysis: Analysis, table: pd.DataFrame, name: str, posterior: Mapping[str, Array]
) -> dict[str, Any]:
    """Take what was learned from other data as the prior.

    Each parameter's posterior becomes a normal distribution with its mean and standard deviation, or a gamma
    distribution where the parameter cannot be negative. Correlations between parameters are lost, so that the prior
    says somewhat less than the posterior did.

    Parameters
    ----------
    name
        The prior to replace; ``""`` for all that the posterior knows.
    posterior
        Draws of single parameters by their names.

    Raises
    ------
    InvalidAnalysis
        When the posterior has none of the model's parameters.
    """
    entry = get(analysis.model)
    wanted = [one for one in entry.priors(analysis, table) if name in ("", one.name)]
    known = {one.name: posterior[drawn] for one in wanted if (drawn := _drawn_name(one)) in posterior}
    if not known:
        raise InvalidAnalysis(
            "that run has none of the parameters of this model",
            where="priors",
            remedy=f"Choose a run of a model with {', '.join(one.name for one in wanted) or 'the same terms'}.",
        )
    like = {one.name: one.prior for one in wanted}
    priors = {one: as_choice(_summarised(draws, like[one])) for one, draws in known.items()}
    unknown = [one for one in like if one not in known]
    notes = (f"Not in that run, so unchanged: {', '.join(unknown)}.",) if unknown else ()
    sentence = f"What that run learned about {', '.join(known)} is now assumed before seeing these data."
    return _changed(analysis, table, {**analysis.priors, **priors}, sentence, notes)


def _drawn_name(one: TermPrior) -> str:
    return f"{one.name}_sigma" if one.group else one.name


def _summarised(draws: Array, like: Prior) -> Prior:
    mean, spread = float(draws.mean()), float(draws.std())
    if like.dist in POSITIVE:
        return Prior("Gamma", {"alpha": rounded((mean / spread) ** 2), "beta": rounded(mean / spread**2)})
    return Prior("Normal", {"mu": rounded(mean), "sigma": rounded(spread)})


def as_choice(prior: Prior) -> dict[str, Any]:
    """Write a prior as a choice of the analysis."""
    return {"dist": prior.dist, **{name: float(str(value)) for name, value in prior.params.items()}}


def _changed(
    analysis: Analysis, table: pd.DataFrame, priors: Mapping[str, Any], sentence: str, notes: tuple[str, ...]
) -> dict[str, Any]:
    after = analysis.changed({"priors": dict(priors)})
    moved = {name for name in priors if analysis.priors.get(name) != priors[name]}
    return {
        "changes": {"priors": dict(priors)},
        "priors": [row for row in prior_rows(after, table) if row["name"] in moved],
        "sentence": sentence,
        "notes": list(notes),
    }


def _asked_range(answer: Mapping[str, Any]) -> tuple[float, float, float]:
    try:
        low, high, mass = float(answer["low"]), float(answer["high"]), float(answer.get("mass", 0.9))
    except (KeyError, TypeError, ValueError):
        raise InvalidAnalysis(
            "the answer needs a lowest and a highest value",
            where="priors",
            remedy='Say {"how": "outcome", "low": 0, "high": 10, "mass": 0.9}.',
        ) from None
    if not (np.isfinite([low, high]).all() and low < high and 0.5 <= mass <= 0.99):
        raise InvalidAnalysis(
            f"{mass:.0%} of values between {low:g} and {high:g} cannot be",
            where="priors",
            remedy="The lowest value stands first, and the share is between 50% and 99%.",
        )
    return low, high, mass


# -- on the outcome's scale --------------------------------------------------------------------------------------

DRAWS, MOST_ROWS = 1500, 100
WIDEST, NARROWEST = 200.0, 1e-3


def on_outcome_scale(
    analysis: Analysis, table: pd.DataFrame, low: float, high: float, mass: float = 0.9
) -> dict[str, dict[str, Any]]:
    """Choose all priors of a model so that a share of the values it then expects lies in a range.

    As much lies below the range as above it. Values are outcomes of single rows; for a yes or no they are the chances
    of single rows.

    Parameters
    ----------
    low, high, mass
        The range and the share inside.

    Returns
    -------
    dict
        Priors as choices, by name.

    Raises
    ------
    InvalidAnalysis
        When the model has no formula, its family is none of those that are simulated here, the range holds values
        that the outcome cannot have, or chance alone leads out of it.
    """
    simulation = _Simulation.of(analysis, table)
    simulation.require_possible(low, high)

    if simulation.is_one_sided(low, high):
        return simulation.as_choices(_beyond(simulation, low, high, mass), 1.0)

    def excess(logarithm: float) -> float:
        stretch = float(np.exp(logarithm))
        return 1 - mass - sum(simulation.outside(_centre(simulation, stretch, low, high), stretch, low, high))

    found = _root(excess, float(np.log(NARROWEST)), float(np.log(WIDEST)))
    if found is None:
        raise _too_narrow(low, high, mass)
    stretch = float(np.exp(found))
    centre = _centre(simulation, stretch, low, high)
    return simulation.as_choices(centre, stretch)


def _beyond(simulation: _Simulation, low: float, high: float, mass: float) -> float:
    """Find the centre for a range that begins or ends where the outcome itself does; the width stays the default."""

    def excess(centre: float) -> float:
        return 1 - mass - sum(simulation.outside(centre, 1.0, low, high))

    found = _root(excess, -20.0, 20.0)
    if found is None:
        raise _too_narrow(low, high, mass)
    return found


def _too_narrow(low: float, high: float, mass: float) -> InvalidAnalysis:
    return InvalidAnalysis(
        f"chance alone leads out of {low:g} to {high:g} more often than in {1 - mass:.0%} of the rows",
        where="priors",
        remedy="Widen the range: it is about single rows, not about their average.",
    )


def _root(excess: Callable[[float], float], left: float, right: float) -> float | None:
    """Find where a function changes its sign; None where it does not."""
    from scipy.optimize import brentq

    if excess(left) * excess(right) > 0:
        return None
    return float(brentq(excess, left, right, rtol=1e-4))


def _centre(simulation: _Simulation, stretch: float, low: float, high: float) -> float:
    """Find the centre at which as much lies below the range as above it; its middle where there is no such."""
    left, right = simulation.link(max(low, simulation.least)), simulation.link(min(high, simulation.most))

    def balance(centre: float) -> float:
        below, above = simulation.outside(centre, stretch, low, high)
        return above - below

    found = _root(balance, left, right)
    return (left + right) / 2 if found is None else found


@dataclass(frozen=True, eq=False)
class _Simulation:
    """What the priors of a formula expect, for any centre and stretch, by the same random numbers.

    ``effects`` is what the terms add for a centre of 0 and a stretch of 1, shape (draws, rows).
    """

    family: str
    link_name: str
    effects: Array
    offset: Array
    noise: Mapping[str, Array]
    priors: tuple[TermPrior, ...]

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame) -> _Simulation:
        entry = get(analysis.model)
        if not analysis.formula_parts or entry.family not in FAMILIES or len(analysis.formula_parts) > 1:
            raise InvalidAnalysis(
                f"{entry.title} has no priors that can be set from the outcome's values",
                where="priors",
                remedy="Set its priors one by one, by a range or by quantiles.",
            )
        rows = table.sample(min(len(table), MOST_ROWS), random_state=0).reset_index(drop=True)
        priors = tuple(entry.default_priors(analysis.changed({"priors": {}}), table))
        rng = np.random.default_rng(20261121)
        effects, offset = _effects(analysis.formula_parts[0], rows, table, priors, rng)
        noise = {
            "sd": np.abs(rng.standard_t(4, (DRAWS, 1))),
            "shape": np.abs(rng.standard_cauchy((DRAWS, 1))),
            "nu": rng.gamma(2.0, 10.0, (DRAWS, 1)).clip(1.0),
        }
        return cls(entry.family, entry.link, effects, offset, noise, priors)

    @property
    def stretched(self) -> tuple[TermPrior, ...]:
        """The priors that move: of the effects, and of the scatter where it is in the outcome's unit."""
        scatter = SPREADS if self.link_name == "identity" else frozenset()
        return tuple(one for one in self.priors if one.term in scatter or one.term not in {*SPREADS, *SHAPES})

    @property
    def least(self) -> float:
        return {"log": 0.05, "logit": 1e-4}.get(self.link_name, -np.inf)

    @property
    def most(self) -> float:
        return {"logit": 1 - 1e-4}.get(self.link_name, np.inf)

    def require_possible(self, low: float, high: float) -> None:
        lowest, highest = {"log": (0.0, np.inf), "logit": (0.0, 1.0)}.get(self.link_name, (-np.inf, np.inf))
        if low < lowest or high > highest:
            asked = "chances of single rows lie between 0 and 1" if self.link_name == "logit" else "none is below 0"
            raise InvalidAnalysis(
                f"values between {low:g} and {high:g} cannot all be: {asked}",
                where="priors",
                remedy="Choose a range of possible values.",
            )

    def is_one_sided(self, low: float, high: float) -> bool:
        """Tell whether a range reaches to an end of what the outcome can be, such as 0 for a count."""
        return self.link_name in ("log", "logit") and (low <= 0 or (self.link_name == "logit" and high >= 1))

    def as_choices(self, centre: float, stretch: float) -> dict[str, dict[str, Any]]:
        return {one.name: as_choice(self.moved(one, centre, stretch)) for one in self.stretched}

    def link(self, value: float) -> float:
        if self.link_name == "log":
            return float(np.log(value))
        return float(np.log(value / (1 - value))) if self.link_name == "logit" else value

    def outside(self, centre: float, stretch: float, low: float, high: float) -> tuple[float, float]:
        """Return which share of rows lies below a range and which above it; of chances for a yes or no."""
        mean = centre + self.offset + stretch * self.effects
        below, above = FAMILIES[self.family](self, mean, stretch, low, high)
        return float(np.mean(below)), float(np.mean(above))

    def scatter(self, stretch: float) -> Array:
        """Draw the standard deviation around the average, shape (draws, 1)."""
        prior = next(one.prior for one in self.priors if one.term == "sigma")
        return stretch * _width(prior) * self.noise["sd"]

    def moved(self, one: TermPrior, centre: float, stretch: float) -> Prior:
        params = {name: value for name, value in one.prior.params.items() if not isinstance(value, Prior)}
        for name in ("sigma", "beta"):
            if name in params:
                params[name] = rounded(stretch * params[name])
        if _at_centre(one, self.priors):
            params["mu"] = rounded(centre)
        return Prior(one.prior.dist, params)


def _at_centre(one: TermPrior, priors: tuple[TermPrior, ...]) -> bool:
    """Tell whether a prior is of a level: the intercept, or of every level of a category where there is none."""
    if one.term == "Intercept":
        return True
    without = all(other.term != "Intercept" for other in priors)
    return without and not one.group and one.term not in {*SPREADS, *SHAPES} and one.prior.params.get("mu") != 0


def _effects(
    formula: str, rows: pd.DataFrame, table: pd.DataFrame, priors: tuple[TermPrior, ...], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw what the terms of a formula add to rows, shape (draws, rows), and return what an offset adds, (rows,)."""
    whole = design(formula, table)
    scales = {one.term: one for one in priors}
    effects, offset = np.zeros((DRAWS, len(rows))), np.zeros(len(rows))
    if whole.common is not None:
        common = whole.common.evaluate_new_data(rows)
        for name, term in whole.common.terms.items():
            columns = np.asarray(common)[:, common.slices[name]].astype(float)
            if term.kind == "offset":
                offset = offset + columns.sum(1)
                continue
            effects += rng.standard_normal((DRAWS, columns.shape[1])) * _width(scales[name].prior) @ columns.T
    if whole.group is not None:
        group = whole.group.evaluate_new_data(rows)
        for name in whole.group.terms:
            columns = np.asarray(group)[:, group.slices[name]].astype(float)
            spread = np.abs(rng.standard_normal((DRAWS, 1))) * _width(scales[name].prior)
            effects += (spread * rng.standard_normal((DRAWS, columns.shape[1]))) @ columns.T
    return effects, offset


def _width(prior: Prior) -> float:
    value = prior.params["sigma"]
    return float(str(value))


Tails = tuple[Array, Array]


def _normal(self: _Simulation, mean: Array, stretch: float, low: float, high: float) -> Tails:
    from scipy.special import ndtr

    scatter = self.scatter(stretch)
    return np.asarray(ndtr((low - mean) / scatter)), np.asarray(ndtr((mean - high) / scatter))


def _student(self: _Simulation, mean: Array, stretch: float, low: float, high: float) -> Tails:
    from scipy.special import stdtr

    scatter, nu = self.scatter(stretch), self.noise["nu"]
    return np.asarray(stdtr(nu, (low - mean) / scatter)), np.asarray(stdtr(nu, (mean - high) / scatter))


def _chance(self: _Simulation, mean: Array, stretch: float, low: float, high: float) -> Tails:
    below, above = mean < self.link(max(low, self.least)), mean > self.link(min(high, self.most))
    return np.asarray(below, float), np.asarray(above, float)


def _poisson(self: _Simulation, mean: Array, stretch: float, low: float, high: float) -> Tails:
    from scipy.special import pdtr, pdtrc

    rate = np.exp(mean.clip(-30, 30))
    return pdtr(np.ceil(low) - 1, rate) if low > 0 else np.zeros(1), pdtrc(np.floor(high), rate)


def _negative_binomial(self: _Simulation, mean: Array, stretch: float, low: float, high: float) -> Tails:
    from scipy.special import betainc

    shape, rate = self.noise["shape"], np.exp(mean.clip(-30, 30))
    share = rate / (shape + rate)
    below = 1 - betainc(np.ceil(low), shape, share) if low > 0 else np.zeros(1)
    return np.asarray(below), np.asarray(betainc(np.floor(high) + 1, shape, share))


FAMILIES: Mapping[str, Callable[[_Simulation, Array, float, float, float], Tails]] = {
    "gaussian": _normal,
    "t": _student,
    "bernoulli": _chance,
    "binomial": _chance,
    "poisson": _poisson,
    "negativebinomial": _negative_binomial,
}
"""The probabilities of lying below and above a range, given the linear predictor, for each family."""
