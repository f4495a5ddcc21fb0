"""Calibration: is each row where it was expected, when it is predicted from the others?

Every row is left out in turn, not by fitting again but by weighting the draws (Pareto-smoothed importance sampling:
Vehtari, Gelman and Gabry 2017, arXiv:1507.04544). One row in ten should then fall outside its 90% interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.curves import mean_direction
from modelcompose.catalog.predictions import pointwise
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow.alternatives import alternatives, explaining
from modelcompose.workflow.fit import another, is_partial
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.prior import Simulated
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = [
    "LeftOut",
    "Shape",
    "check",
    "miscalibration",
    "p_uniform",
    "shape_of",
    "trusted",
    "without_each",
]

Array = np.ndarray[Any, np.dtype[Any]]

LEVELS = (0.5, 0.8, 0.9)
MOST_VALUES, MOST_DRAWS, LEAST_DRAWS = 20_000_000, 4000, 1000
GROUP = 5
SIMULATIONS = 999
POINTS = 100
BEYOND = 0.1
CLEAR = 2.0
NO_ROWS = (
    "This model's likelihood does not fall into parts for single rows, so that no row can be predicted from the "
    "others. Nothing is judged here."
)
OTHER_ROWS = "The model explains other rows than the table has, so that nothing is judged here."
AHEAD = (
    "Each row was predicted from all others, those after it included. That asks whether the model describes the "
    "series; how well it forecasts is another question (leaving out the future: Bürkner, Gabry and Vehtari 2020, "
    "doi:10.1080/00949655.2020.1783262)."
)


def check(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Verdict:
    """Judge the predictions of each row from the others.

    For a number, a count or a time: the place of each row in its own predictive distribution, from 0 to 1, should be
    anywhere equally often (LOO-PIT; Gelman et al. 2013, BDA3, ch. 7). Two tests together, one of which looks hard at
    the tails (Tesso and Vehtari 2026, arXiv:2603.02928), and the share of rows inside their 50, 80 and 90% intervals
    against its binomial distribution. Where a value has a probability of its own, its place is drawn at random within
    it (Czado, Gneiting and Held 2009, doi:10.1111/j.1541-0420.2009.01191.x); that covers zeros of hurdle models and
    waits that had not ended as well.

    For a yes or no and for levels: predicted chances against what happened, by isotonic regression. The miscalibration
    is the part of the Brier score that recalibration would take away; it is held against that of outcomes simulated
    from the predicted chances (Dimitriadis, Gneiting and Jordan 2021, doi:10.1073/pnas.2016191118).

    Where there are groups, the same within each group of five rows or more, the worst one counting with as many tries
    as there are groups.

    Parameters
    ----------
    dt
        DataTree with the groups ``posterior_predictive`` and ``log_likelihood``.
    """
    rows = catalog.get(analysis.model).observed(analysis, table)
    likelihood = pointwise(dt, analysis.outcome)
    if likelihood is None or likelihood.sizes["__obs__"] != len(rows):
        sentence = NO_ROWS if likelihood is None else OTHER_ROWS
        return conclude("calibration", analysis, sentence=sentence, status="info", partial=is_partial(dt))
    left_out = LeftOut.of(analysis, rows, dt)
    rules = policy_of(analysis)
    judge = _judge_chances if left_out.simulated.kind in ("binary", "levels") else _judge_places
    findings = judge(analysis, rows, left_out, rules)
    status = worst(finding.status for finding in findings)
    return conclude(
        "calibration",
        analysis,
        sentence=_sentence(left_out, status),
        findings=findings,
        remedies=_remedies(analysis, rows, left_out, findings, dt),
        details=_details(analysis, left_out),
        picture=_picture(analysis, left_out),
        alt=_alt(left_out),
        partial=is_partial(dt),
    )


# -- leaving out by weighting --------------------------------------------------------------------------------------


def without_each(likelihood: Array, r_eff: float = 1.0) -> tuple[Array, Array]:
    """Weight draws so that they stand for the posterior without each row: Pareto-smoothed importance sampling.

    Parameters
    ----------
    likelihood
        Log likelihood of each row, shape (rows, draws).
    r_eff
        How many independent draws one draw is worth.

    Returns
    -------
    tuple
        Log weights that sum to one, shape (rows, draws), and Pareto k, shape (rows,). A row that no draw tells from
        another weighs all alike; its k is 0. Where the tail of the weights has no shape to fit, since its values are
        equal, k is infinite.
    """
    from scipy.special import logsumexp

    count, draws = likelihood.shape
    log_weights, pareto_k = np.full((count, draws), -np.log(draws)), np.zeros(count)
    tells = np.ptp(likelihood, axis=1) > 1e-12
    if tells.any():
        found, k = _smoothed(likelihood[tells], r_eff)
        log_weights[tells] = found - logsumexp(found, axis=1, keepdims=True)
        pareto_k[tells] = k
    return log_weights, pareto_k


def _smoothed(likelihood: Array, r_eff: float) -> tuple[Array, Array]:
    """Smooth the weights of all rows at once, or one by one where a row's tail cannot be fitted."""
    from arviz_stats.base import array_stats

    try:
        found, k = array_stats.psislw(likelihood, r_eff=r_eff, axis=-1)
        return np.asarray(found), np.asarray(k)
    except ValueError:
        if len(likelihood) == 1:
            return -likelihood, np.array([np.inf])
    rows = [_smoothed(row[None, :], r_eff) for row in likelihood]
    return np.concatenate([found for found, _ in rows]), np.concatenate([k for _, k in rows])


def trusted(draws: int) -> float:
    """Return the largest Pareto k at which weights of so many draws can be trusted (Vehtari et al. 2024)."""
    return float(min(1 - 1 / np.log10(draws), 0.7))


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Predictions of each row from the others.

    Parameters
    ----------
    simulated
        Simulated outcomes, shape (draws, rows), beside the observed ones.
    log_weights
        With these weights the draws of a row are predictions from the other rows; shape (rows, draws).
    pareto_k
        How far the weights of each row can be trusted, shape (rows,).
    densities
        Log predictive density of each row from the others, shape (rows,).
    """

    simulated: Simulated
    log_weights: Array
    pareto_k: Array
    densities: Array

    @classmethod
    def of(cls, analysis: Analysis, rows: pd.DataFrame, dt: Any) -> Self:
        """Weight the draws of a posterior, at most 4000 of them."""
        from scipy.special import logsumexp

        likelihood = pointwise(dt, analysis.outcome)
        total = likelihood.sizes["chain"] * likelihood.sizes["draw"]
        most = int(np.clip(MOST_VALUES // len(rows), LEAST_DRAWS, MOST_DRAWS))
        every = -(-total // most)
        by_row = likelihood.stack(sample=("chain", "draw")).transpose("__obs__", "sample").values[:, ::every]
        log_weights, pareto_k = without_each(by_row)
        simulated = Simulated.of(analysis, rows, dt["posterior_predictive"], every)
        if simulated.kind == "directions":
            simulated = _around_prediction(simulated)
        return cls(simulated, log_weights, pareto_k, logsumexp(log_weights + by_row, axis=1))

    @property
    def unreliable(self) -> int:
        """How many rows' weights cannot be trusted."""
        return int(np.sum(self.pareto_k > trusted(self.log_weights.shape[1])))

    @cached_property
    def places(self) -> Array:
        """The place of each row in its predictive distribution, from 0 to 1, shape (rows,).

        Within a value that has a probability of its own the place is drawn at random. Elsewhere the tails are smoothed
        by a generalised Pareto distribution, and believed up to a tenth of a draw from 0 and 1: a tail that is fitted
        to few draws may end too soon.
        """
        from arviz_stats.base import array_stats

        draws, observed = self.simulated.draws.T, self.simulated.observed
        tied = bool((draws == observed[:, None]).any())
        found = array_stats.loo_pit(
            draws, observed, self.log_weights, chain_axis=None, draw_axis=-1, random_state=1, pareto_pit=not tied
        )
        least = (0.5 if tied else BEYOND) / draws.shape[1]
        return np.asarray(np.clip(found, least, 1 - least))

    @cached_property
    def chances(self) -> Array:
        """Predicted chances, shape (rows, questions): of a yes; of each level; of a level or a lower one, if ordered.

        The chance of a yes follows from the density of what was observed without the noise of simulation.
        """
        draws, observed = self.simulated.draws, self.simulated.observed
        if self.simulated.kind == "binary":
            if draws.max() <= 1:
                seen = np.exp(np.minimum(self.densities, 0))
                return np.where(observed == 1, seen, 1 - seen)[:, None]
            return self._share(draws == 1)[:, None]
        return np.stack([self._share(draws == level) for level in range(len(self.simulated.levels))], 1)

    def _share(self, happened: Array) -> Array:
        return np.asarray(np.clip((np.exp(self.log_weights) * happened.T).sum(1), 0, 1))


def _around_prediction(simulated: Simulated) -> Simulated:
    """Turn directions into angles from the predicted direction of their row, from -π to π."""
    predicted = mean_direction(simulated.draws, 0)
    draws, observed = ((one - predicted + np.pi) % (2 * np.pi) - np.pi for one in (simulated.draws, simulated.observed))
    return replace(simulated, draws=draws, observed=observed)


# -- places --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """In which way places are uneven.

    ``lean`` is how far they lie to the right, ``ends`` how much they gather at the ends rather than in the middle; both
    in standard errors of what even places would give.
    """

    lean: float
    ends: float

    @property
    def words(self) -> str:
        """What it means for the predictions."""
        if max(abs(self.lean), abs(self.ends)) < CLEAR:
            return "Rows gather at certain places of their predictions."
        if abs(self.lean) > abs(self.ends):
            side = "low" if self.lean > 0 else "high"
            return f"Predictions are on the whole too {side}, or the outcome is lopsided in another way than the model."
        if self.ends > 0:
            return "Too many rows lie at the ends of their predictions: the model is too sure of itself."
        return "Too many rows lie in the middle of their predictions: the model is less sure than it might be."


def shape_of(places: Array) -> Shape:
    """Say in which way places, shape (rows,), are uneven."""
    root = np.sqrt(len(places))
    lean = (places.mean() - 0.5) * np.sqrt(12) * root
    ends = (((places - 0.5) ** 2).mean() - 1 / 12) * np.sqrt(180) * root
    return Shape(float(lean), float(ends))


def p_uniform(places: Array) -> float:
    """Test whether places, shape (rows,), are anywhere equally often.

    The smaller probability of two tests counts twice (Bonferroni): one looks at the order of the places, the other at
    those near 0 and 1 (POT-C and PIET-C; Tesso and Vehtari 2026, arXiv:2603.02928).
    """
    from arviz_stats.base import array_stats

    found = [float(array_stats.uniformity_test(places, method=method)[0]) for method in ("pot_c", "piet_c")]
    return min(1.0, 2 * min(found))


def _judge_places(analysis: Analysis, rows: pd.DataFrame, left_out: LeftOut, rules: Policy) -> list[Finding]:
    places = left_out.places
    quantile = getattr(catalog.get(analysis.model), "quantile", None)
    if quantile is not None:
        name = f"Rows below the value that {quantile:.0%} are to stay below"
        one = _covered(places <= quantile, quantile, rules, name, 1.0)
        return [one.model_copy(update={"sentence": "Only this value is modelled, not how the rows scatter."})]
    p = p_uniform(places)
    said = shape_of(places).words if rules["places-even"].status(p) != "pass" else ""
    found = [
        rules["places-even"].finding(
            "Rows anywhere in their predictions equally often",
            p,
            f"p = {p:.3f}",
            said or "Each row is predicted from the others; its place among the predictions should be left to chance.",
        ),
        *(
            _covered(abs(places - 0.5) <= level / 2, level, rules, f"Rows inside their {level:.0%} interval", 1 / 3)
            for level in LEVELS
        ),
    ]
    return [*found, *_by_group(analysis, rows, rules, lambda which: p_uniform(places[which]))]


def _covered(inside: Array, nominal: float, rules: Policy, name: str, scale: float) -> Finding:
    """Hold the share of rows, (rows,) true or false, against its binomial distribution."""
    from scipy.stats import binom

    count, total, rule = int(inside.sum()), len(inside), rules["rows-covered-unseen"]
    p = min(float(binom.cdf(count, total, nominal)), float(binom.sf(count - 1, total, nominal)))
    least, most = binom.ppf([rule.limit * scale, 1 - rule.limit * scale], total, nominal) / total
    words = f"from {least:.0%} to {most:.0%}"
    found = rule.finding(name, p, f"{count / total:.0%}", "Predicted from the other rows.", scale=scale, words=words)
    return found.model_copy(update={"value": count / total})


# -- chances -------------------------------------------------------------------------------------------------------


def miscalibration(chances: Array, happened: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Measure how much of the Brier score recalibration would take away.

    Parameters
    ----------
    chances
        Predicted chances, shape (rows,).
    happened
        Whether it happened, 0 or 1, shape (rows,).

    Returns
    -------
    tuple
        The miscalibration, and how often outcomes that are simulated from these chances show one as large.
    """
    order = np.argsort(chances, kind="stable")
    ordered, y = chances[order], np.asarray(happened, float)[order]
    found = _taken_away(ordered, y)
    simulated = (rng.random((SIMULATIONS, len(ordered))) < ordered).astype(float)
    beyond = sum(_taken_away(ordered, one) >= found - 1e-15 for one in simulated)
    return found, (1 + beyond) / (1 + SIMULATIONS)


def _taken_away(ordered: Array, y: Array) -> float:
    return float(((ordered - y) ** 2 - (_isotonic(y) - y) ** 2).mean())


def _isotonic(y: Array) -> Array:
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(y).x)


def _judge_chances(analysis: Analysis, rows: pd.DataFrame, left_out: LeftOut, rules: Policy) -> list[Finding]:
    simulated, rng = left_out.simulated, np.random.default_rng(1)
    questions = list(_questions(analysis, left_out))
    results = [miscalibration(chances, happened, rng) for _, chances, happened in questions]
    which = int(np.argmin([p for _, p in results]))
    size, p = results[which]
    of = f" of {questions[which][0]}" if simulated.kind == "levels" else ""
    p = min(1.0, p * len(results))
    found = rules["chances-right"].finding(
        f"Predicted chances{of} against what happened",
        p,
        f"p = {p:.3f}",
        f"Typical gap between a predicted chance and what happened: {np.sqrt(max(size, 0)):.1%}, of which some is "
        "chance.",
    )
    _, chances, happened = questions[0 if simulated.kind == "binary" else -1]
    return [found, *_by_group(analysis, rows, rules, lambda one: _p_share(chances[one], happened[one]))]


def _questions(analysis: Analysis, left_out: LeftOut) -> Iterator[tuple[str, Array, Array]]:
    """Yield what is predicted, its chances and whether it happened; for ordered levels “so much or less”."""
    simulated, chances = left_out.simulated, left_out.chances
    if simulated.kind == "binary":
        yield analysis.outcome, chances[:, 0], simulated.observed
    elif analysis.kinds.get(analysis.outcome) == "ordered":
        for at, name in enumerate(simulated.levels[:-1]):
            yield f"{name} or below", np.clip(chances[:, : at + 1].sum(1), 0, 1), simulated.observed <= at
    else:
        for at, name in enumerate(simulated.levels):
            yield name, chances[:, at], simulated.observed == at


def _p_share(chances: Array, happened: Array) -> float:
    """Test how often something happened among rows with these chances, by the normal approximation."""
    from scipy.stats import norm

    spread = float(np.sqrt((chances * (1 - chances)).sum()))
    return float(2 * norm.sf(abs(happened.sum() - chances.sum()) / spread)) if spread > 0 else 1.0


# -- groups --------------------------------------------------------------------------------------------------------


def _by_group(analysis: Analysis, rows: pd.DataFrame, rules: Policy, p_of: Any) -> Iterator[Finding]:
    """Yield the worst group's result, counted with as many tries as there are groups."""
    if not analysis.groups:
        return
    name = analysis.groups[0]
    codes = rows[name].astype("category").cat
    members = {str(level): np.flatnonzero(codes.codes == at) for at, level in enumerate(codes.categories)}
    tested = {level: p_of(which) for level, which in members.items() if len(which) >= GROUP}
    if len(tested) < 2:
        return
    group = min(tested, key=lambda one: tested[one])
    p = min(1.0, tested[group] * len(tested))
    yield rules["groups-calibrated"].finding(
        f"Predictions within the groups of {name}",
        p,
        f"p = {p:.3f} ({group}, the worst of {len(tested)})",
        "Whether rows of each group fall where they were expected.",
    )


# -- what to say and do --------------------------------------------------------------------------------------------


def _sentence(left_out: LeftOut, status: str) -> str:
    if status in ("pass", "info"):
        return "Predicted from the other rows, each row falls where it was expected, as often as it should."
    if left_out.simulated.kind in ("binary", "levels"):
        return "What was predicted to happen with a certain chance does not happen that often."
    shape = shape_of(left_out.places)
    return f"Predicted from the other rows, the rows do not fall where they were expected. {shape.words}"


def _details(analysis: Analysis, left_out: LeftOut) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if left_out.unreliable:
        found["approximate"] = (
            f"For {left_out.unreliable} of {len(left_out.pareto_k)} rows the prediction from the others is only "
            "roughly known; the next step names them."
        )
    if analysis.time:
        found["order of time"] = AHEAD
    return found


def _remedies(
    analysis: Analysis, rows: pd.DataFrame, left_out: LeftOut, findings: list[Finding], dt: Any
) -> Iterator[Remedy]:
    """Offer models made for the way in which places are uneven, and columns that explain what is left over."""
    misfits = [finding for finding in findings if finding.status in ("warn", "fail")]
    if not misfits:
        return
    simulated = left_out.simulated
    symptoms = [] if simulated.kind in ("binary", "levels") else _symptoms(analysis, rows, left_out)
    symptoms += ["groups"] * any(one.rule == "groups-calibrated" for one in misfits)
    why = "" if simulated.kind in ("binary", "levels") else shape_of(left_out.places).words
    yield from alternatives(analysis, rows, symptoms, why=why, cost=another(dt))
    yield from explaining(analysis, rows, simulated, dt)


def _symptoms(analysis: Analysis, rows: pd.DataFrame, left_out: LeftOut) -> list[str]:
    """Name what the model lacks, the most telling first, in the words of ``alternatives.MENDS``."""
    shape, simulated = shape_of(left_out.places), left_out.simulated
    narrow = shape.ends > max(CLEAR, abs(shape.lean))
    if analysis.kinds.get(analysis.outcome) == "count" or simulated.kind == "shares":
        zeros = simulated.kind == "number" and bool((simulated.observed == 0).any())
        return ["spread"] * narrow + ["zeros"] * (zeros and (narrow or abs(shape.lean) > CLEAR))
    if simulated.kind != "number":
        return []
    left = simulated.observed - simulated.draws.mean(0)
    lopsided = float((left**3).mean()) > 0 and bool((simulated.observed > 0).all())
    found = ["skew"] * (lopsided and _skewed(left)) + ["long tails"] * _long(left)
    return found or ["long tails"] * narrow


def _skewed(left: Array) -> bool:
    """Tell whether leftovers are clearly lopsided: skewness beyond two of its standard errors."""
    z = (left - left.mean()) / max(float(left.std()), 1e-300)
    return bool((z**3).mean() > CLEAR * np.sqrt(6 / len(z)))


def _long(left: Array) -> bool:
    """Tell whether leftovers have clearly long tails: excess kurtosis beyond two of its standard errors."""
    z = (left - left.mean()) / max(float(left.std()), 1e-300)
    return bool((z**4).mean() - 3 > CLEAR * np.sqrt(24 / len(z)))


# -- pictures ------------------------------------------------------------------------------------------------------


def _picture(analysis: Analysis, left_out: LeftOut) -> Any:
    if left_out.simulated.kind in ("binary", "levels"):
        return _reliability(analysis, left_out)
    fig, (left, right) = figure(columns=2)
    places = np.sort(left_out.places)
    at = np.linspace(0, 1, POINTS + 1)
    low, high = _band(len(places), at)
    left.fill_between(at, low - at, high - at, color="#b9c7d8", label="95% of even places")
    left.plot(at, np.searchsorted(places, at, side="right") / len(places) - at, color="#b3261e", label="observed")
    left.axhline(0, color="#888888", linewidth=0.7)
    left.set(xlabel="place among its predictions", ylabel="share below − even share")
    left.legend(fontsize=7)
    right.hist(places, bins=np.linspace(0, 1, 11), color="#b3261e", alpha=0.7)
    right.axhline(len(places) / 10, color="#888888", linestyle=":")
    right.set(xlabel="place among its predictions", ylabel="rows")
    return fig


def _band(count: int, at: Array) -> tuple[Array, Array]:
    """Return a simultaneous 95% band of the share of even places below each point.

    After Säilynoja, Bürkner and Vehtari 2022, doi:10.1007/s11222-022-10090-6, with the level found by simulation.
    """
    from scipy.stats import binom

    inner = at[1:-1]
    counts = np.random.default_rng(1).multinomial(count, np.diff(at), 500).cumsum(1)[:, :-1]
    tails = np.minimum(binom.cdf(counts, count, inner), binom.sf(counts - 1, count, inner)).min(1)
    level = float(np.quantile(tails, 0.05))
    low, high = binom.ppf([[level], [1 - level]], count, inner) / count
    return np.concatenate([[0], low, [1]]), np.concatenate([[0], high, [1]])


def _reliability(analysis: Analysis, left_out: LeftOut) -> Any:
    """Draw what happened over the predicted chance, by isotonic regression, with the band of right predictions."""
    fig, (left, right) = figure(columns=2)
    name, chances, happened = list(_questions(analysis, left_out))[-1]
    order = np.argsort(chances, kind="stable")
    ordered = chances[order]
    simulated = np.random.default_rng(1).random((200, len(ordered))) < ordered
    low, high = np.quantile([_isotonic(one.astype(float)) for one in simulated], [0.025, 0.975], axis=0)
    left.fill_between(ordered, low, high, color="#b9c7d8", label="95% if the chances are right")
    left.plot(ordered, _isotonic(np.asarray(happened, float)[order]), color="#b3261e", label="observed")
    left.plot([0, 1], [0, 1], color="#888888", linewidth=0.7)
    said = name.replace("$", r"\$")
    left.set(xlabel=f"predicted chance of {said}", ylabel="share observed")
    left.legend(fontsize=7)
    right.hist([chances[happened == 0], chances[happened == 1]], bins=20, stacked=True, color=["#b9c7d8", "#b3261e"])
    right.set(xlabel=f"predicted chance of {said}", ylabel="rows (red: it happened)")
    return fig


def _alt(left_out: LeftOut) -> str:
    if left_out.simulated.kind in ("binary", "levels"):
        return "Share observed over the predicted chance; a diagonal within the band means that chances are right."
    return "Difference of the rows' places from even places, with a 95% band; and a histogram that should be level."
