"""Simulation-based calibration: does a model find again what it simulated, and is it as sure as it should be?

Parameters are drawn from the prior, data are simulated from them, and the model is fitted to these data. If model and
computation are right, the rank of each true parameter among its posterior draws is uniform (Talts et al. 2018,
arXiv:1804.06788), and intervals hold the truth as often as they say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.catalog.predictions import pymc_model
from modelcompose.errors import InvalidInput
from modelcompose.samplers import low_rank
from modelcompose.samplers.many import Draws
from modelcompose.samplers.progress import Progress
from modelcompose.verdict import Finding, Remedy, Verdict
from modelcompose.workflow.constructed import construct, elements, opened
from modelcompose.workflow.policy import Policy, default, policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

__all__ = ["Calibration", "calibrate", "check", "p_uniform", "ranked"]

Array = np.ndarray[Any, np.dtype[Any]]

RANKS = 100
LEVELS = (0.5, 0.8, 0.9)
COARSE = 50
NULL, AT_ONCE = 20_000, 2_000
DRAWS, TUNE = 500, 500
QUICK, SURE = 100, 500
PICTURED = 6


@dataclass(frozen=True)
class Calibration:
    """The outcome of a calibration.

    Parameters
    ----------
    names
        The parameters, elements of vectors one by one.
    ranks
        Ranks of the truth among ``RANKS - 1`` posterior draws, from 0 to ``RANKS - 1``; shape (simulations, names).
    failed
        How many fits could not be made at all; their ranks are not among the others.
    seconds
        How long it took.
    asked
        How many simulations were asked for; more than there are when it was stopped.
    """

    names: tuple[str, ...]
    ranks: Array
    failed: int
    seconds: float
    asked: int = 0

    @property
    def simulations(self) -> int:
        return len(self.ranks)

    @property
    def coverage(self) -> dict[float, float]:
        """The share of truths inside their central intervals, over all simulations and parameters."""
        position = (self.ranks + 0.5) / RANKS
        return {level: float(np.mean(np.abs(position - 0.5) <= level / 2)) for level in LEVELS}

    @property
    def p_values(self) -> dict[str, float]:
        """For each parameter, how probable ranks as uneven as these would be if all was right."""
        return {name: p_uniform(self.ranks[:, at]) for at, name in enumerate(self.names)}

    @property
    def failed_share(self) -> float:
        """The share of the fits that could not be made."""
        return self.failed / max(1, self.failed + self.simulations)

    @property
    def passed(self) -> bool:
        """Whether no rule of the defaults fails: the ranks are even, and nearly all fits could be made."""
        return bool(self.simulations) and all(one.status != "fail" for one in _judged(self, default()))

    def tree(self) -> Any:
        """Return it as a DataTree: ``ranks`` over simulation and parameter."""
        import xarray as xr

        ranks = xr.Dataset({"ranks": (("simulation", "parameter"), self.ranks)}, {"parameter": list(self.names)})
        attrs = {"failed": self.failed, "seconds": self.seconds, "asked": self.asked}
        return xr.DataTree(ranks.assign_attrs(attrs))

    @classmethod
    def of(cls, tree: Any) -> Calibration:
        """Read it back from a DataTree."""
        ranks = tree["ranks"].transpose("simulation", "parameter")
        names = tuple(map(str, ranks["parameter"].values))
        attrs = tree.attrs
        seconds = float(attrs["seconds"])
        return cls(names, ranks.values.astype(int), int(attrs["failed"]), seconds, int(attrs["asked"]))


def p_uniform(ranks: Array) -> float:
    """Test ranks for uniformity by the largest deviation of their cumulative distribution, pointwise in probability.

    The statistic and its simultaneous band are those of Säilynoja, Bürkner and Vehtari 2022
    (doi:10.1007/s11222-022-10090-6); its distribution under uniformity is simulated.

    Parameters
    ----------
    ranks
        Integers from 0 to ``RANKS - 1``, shape (simulations,).
    """
    null = _null(len(ranks))
    return float((np.searchsorted(null, _smallest_tail(ranks[None, :])[0], side="right") + 1) / (len(null) + 1))


@lru_cache(maxsize=8)
def _null(simulations: int) -> Array:
    """Simulate the statistic under uniformity, in order."""
    rng = np.random.default_rng(20261121)
    parts = [_smallest_tail(rng.integers(0, RANKS, (AT_ONCE, simulations))) for _ in range(NULL // AT_ONCE)]
    return np.sort(np.concatenate(parts))


def _smallest_tail(ranks: Array) -> Array:
    """Return the smallest two-sided binomial probability along the cumulative distribution, for each row."""
    sets, n = ranks.shape
    step = RANKS // COARSE
    bins = ranks // step + COARSE * np.arange(sets)[:, None]
    counts = np.bincount(bins.ravel(), minlength=COARSE * sets).reshape(sets, COARSE).cumsum(1)[:, :-1]
    return np.asarray(_tails(n)[counts, np.arange(COARSE - 1)].min(1))


@lru_cache(maxsize=8)
def _tails(n: int) -> Array:
    """Tabulate the smaller binomial tail of every count at every point, shape (n + 1, points)."""
    from scipy.stats import binom

    counts, shares = np.arange(n + 1)[:, None], np.linspace(0, 1, COARSE + 1)[1:-1]
    return np.asarray(np.minimum(binom.cdf(counts, n, shares), binom.sf(counts - 1, n, shares)))


def ranked(
    model: Any,
    *,
    simulations: int = QUICK,
    draws: int = DRAWS,
    tune: int = TUNE,
    random_seed: int = 1,
    target_accept: float = 0.9,
    metric: str = "auto",
    report: Callable[[int], object] = lambda done: None,
) -> Calibration:
    """Calibrate a model as it was built: its own priors, and the predictors of its table.

    The model is compiled once; each simulation only changes the data, and as many run at a time as there are cores.

    Parameters
    ----------
    model
        A Bambi or PyMC model whose outcome can be simulated.
    simulations
        How many data sets; 100 for a quick look, 500 and more to be sure.
    draws, tune
        For the one chain of a fit; thinned to ``RANKS - 1`` draws.
    target_accept, metric
        As for ``mc.fit``.
    report
        Called with the number of simulations done; may raise ``KeyboardInterrupt`` to stop, which keeps what is done.

    Raises
    ------
    InvalidInput
        When data cannot be made up from the model.
    """
    started = time.monotonic()
    made = construct(model, simulations, random_seed)
    chosen = elements(made.truths)
    many = opened(
        model, draws=draws, tune=tune, target_accept=target_accept, low_rank=low_rank(metric, pymc_model(model))
    )
    ranks, failed = [], 0
    fits = many.fit(made.slots(range(simulations)), random_seed)
    try:
        for at, fit in enumerate(fits):
            if fit is None:
                failed += 1
            else:
                ranks.append([_rank(fit, name, place, made.truths[name][at]) for name, place in chosen.values()])
            report(at + 1)
    except KeyboardInterrupt:
        fits.close()
    return Calibration(
        tuple(chosen),
        np.array(ranks, int).reshape(-1, len(chosen)),
        failed,
        time.monotonic() - started,
        simulations,
    )


def _rank(fit: Draws, name: str, place: int, truth: Array) -> int:
    values = fit.values[name]
    drawn = values.reshape(values.shape[0] * values.shape[1], -1)[:, place]
    thinned = drawn[np.linspace(0, len(drawn) - 1, RANKS - 1).astype(int)]
    return int(np.sum(thinned < truth.reshape(-1)[place]))


def calibrate(analysis: Analysis, model: Any) -> Any:
    """Calibrate the model on as many simulated data sets as were asked for.

    An interrupt keeps what is done.

    Returns
    -------
    xarray.DataTree
        ``ranks``, shape (simulations, parameters), and in its attributes ``failed``, ``seconds`` and ``asked``; empty
        when none were asked for, with ``attrs["reason"]`` when data cannot be made up from the model.
    """
    import xarray as xr

    if not analysis.simulations:
        return xr.DataTree()
    total = DRAWS + TUNE
    with Progress(total, analysis.simulations) as progress:
        try:
            return ranked(
                model,
                simulations=analysis.simulations,
                random_seed=analysis.random_seed,
                target_accept=analysis.target_accept,
                metric=analysis.metric,
                report=progress.counted,
            ).tree()
        except InvalidInput as error:
            return xr.DataTree(xr.Dataset(attrs={"reason": str(error)}))


def check(analysis: Analysis, calibrated: Any) -> Verdict:
    """Judge the ranks of known values among posterior draws.

    Ranks of each parameter should be uniform: the probability of ranks as uneven as found, by the simultaneous band of
    Säilynoja et al. 2022, passes from 0.05/k on and fails below 0.01/k, where k counts the parameters, so that a right
    model fails in less than 1 of 100 calibrations. Up to 2 in 100 fits may be impossible.

    Parameters
    ----------
    calibrated
        What ``mc.calibrate`` returned.
    """
    if "ranks" not in calibrated:
        return conclude("sbc", analysis, sentence=_not_done(analysis, calibrated), status="info")
    found = Calibration.of(calibrated)
    if not found.simulations:
        return conclude(
            "sbc",
            analysis,
            sentence="No simulated data set could be fitted, so nothing is known of the computation.",
            findings=[_failures(found, policy_of(analysis))],
            remedies=list(_remedies(analysis, found)),
            status="fail",
            partial=found.failed < found.asked,
        )
    findings = [*_judged(found, policy_of(analysis)), _covered(found)]
    return conclude(
        "sbc",
        analysis,
        sentence=_sentence(found, findings),
        findings=findings,
        remedies=list(_remedies(analysis, found)),
        details={"coverage": {f"{level:.0%}": share for level, share in found.coverage.items()}},
        picture=_picture(found),
        alt="How far the ranks of known values are from even, with the band that they should stay in.",
        partial=found.simulations + found.failed < found.asked,
    )


def _not_done(analysis: Analysis, calibrated: Any) -> str:
    reason = calibrated.attrs.get("reason", "")
    return str(reason) or (
        "Not done: it fits the model to many made-up data sets, which takes time. Ask for 100 simulations "
        "(simulations = 100) before others rely on this model."
    )


def _judged(found: Calibration, rules: Policy) -> Iterator[Finding]:
    if found.simulations:
        yield _evenness(found, rules)
        yield rules["calibration-size"].finding(
            "Simulated data sets",
            found.simulations,
            f"{found.simulations} in {found.seconds:.0f} s",
            f"{QUICK} give a quick look; {SURE} make sure.",
        )
    yield _failures(found, rules)


def _evenness(found: Calibration, rules: Policy) -> Finding:
    p_values = found.p_values
    name = min(p_values, key=lambda one: p_values[one])
    rule, scale = rules["even-ranks"], 1 / len(p_values)
    even = rule.status(p_values[name], scale) == "pass"
    return rule.finding(
        "Ranks of the known values, least even",
        p_values[name],
        f"{name}: probability {p_values[name]:.4f} of ranks as uneven as these",
        "The known values lie everywhere among the draws equally often, as they should."
        if even
        else f"Of {name}, {_shape(found.ranks[:, found.names.index(name)])}.",
        scale=scale,
    )


def _shape(ranks: Array) -> str:
    """Say what uneven ranks mean (Talts et al. 2018, section 4.2)."""
    position = (ranks + 0.5) / RANKS
    shift = (position.mean() - 0.5) * np.sqrt(12 * len(position))
    if abs(shift) > 3:
        return f"estimates are too {'low' if shift > 0 else 'high'}"
    narrow = position.var() > 1 / 12
    return f"intervals are too {'narrow: the model is too sure' if narrow else 'wide: the model is less sure than due'}"


def _failures(found: Calibration, rules: Policy) -> Finding:
    return rules["impossible-fits"].finding(
        "Fits that could not be made",
        found.failed_share,
        f"{found.failed} of {found.failed + found.simulations}",
        "The sampler could not start or broke off.",
    )


def _covered(found: Calibration) -> Finding:
    said = ", ".join(f"{share:.0%} in {level:.0%} intervals" for level, share in found.coverage.items())
    return Finding(
        name="Known values inside their intervals",
        status="info",
        value=found.coverage[0.9],
        shown=said,
        threshold="as many as the intervals say",
        sentence="Over all parameters and data sets.",
        source="Talts et al. 2018, arXiv:1804.06788",
    )


def _sentence(found: Calibration, findings: list[Finding]) -> str:
    fitted = f"Fitted to {found.simulations} data sets made up from known values, the model finds these values"
    status = {one.rule: one.status for one in findings}
    often = {"pass": "as often as it says", "warn": "nearly as often as it says"}.get(status["even-ranks"])
    if often and status["impossible-fits"] != "pass":
        return f"{fitted} {often}, but {found.failed} more could not be fitted at all."
    if often and (status["even-ranks"] == "warn" or status["calibration-size"] != "pass"):
        return f"{fitted} {often}; more simulations would tell."
    if often:
        return f"{fitted} {often}: model and computation fit together."
    return (
        "The model does not find the values that its own data were made from: either the computation is off, or what "
        "the model simulates is not what it fits."
    )


def _remedies(analysis: Analysis, found: Calibration) -> Iterator[Remedy]:
    """Offer what mends a computation; an error in a model that somebody wrote is no change of parameters."""
    again = f"{max(1, found.asked)} fits again, about {max(1, round(found.seconds))} s"
    if any("|" in name for name in found.names):
        other = "centred" if analysis.noncentered else "non-centred"
        yield Remedy(
            label=f"Use the {other} form of group effects",
            why="The sampler may not reach a part of the posterior in the form that is used.",
            changes={"noncentered": not analysis.noncentered},
            cost=again,
            score=0.5,
        )
    if analysis.target_accept < 0.99:
        yield Remedy(
            label="Take smaller steps (target_accept 0.99)",
            why="The sampler then follows sharp bends.",
            changes={"target_accept": 0.99},
            cost=f"{again} or more",
            score=0.4,
        )
    if found.asked < SURE:
        more = round(found.seconds * SURE / max(1, found.asked))
        yield Remedy(
            label=f"Make sure with {SURE} simulations",
            why="A few uneven ranks may be chance; if they stay, look for an error in the model's own code.",
            changes={"simulations": SURE},
            cost=f"{SURE} fits, about {more} s",
            score=0.3,
        )


def _picture(found: Calibration) -> Any:
    """Draw the cumulative distribution of the ranks less what is due, for the least even parameters, with its band."""
    p_values = found.p_values
    shown = sorted(p_values, key=lambda one: p_values[one])[:PICTURED]
    points = np.linspace(0, 1, COARSE + 1)
    low, high = _band(found.simulations, 0.05 / len(p_values))
    fig, axes = figure()
    axes.fill_between(points[1:-1], low, high, color="#b9c7d8", label="where right ranks stay")
    for name in shown:
        ranks = found.ranks[:, found.names.index(name)]
        share = (ranks[:, None] < points * RANKS).mean(0)
        axes.plot(points, share - points, linewidth=1, label=name.replace("$", r"\$"))
    axes.axhline(0, color="#888888", linestyle=":")
    axes.set(xlabel="place of the known value among the draws", ylabel="share below, less what is due")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def _band(simulations: int, level: float) -> tuple[Array, Array]:
    """Return the simultaneous band of the cumulative distribution around what is due, shape (points,) each."""
    null = _null(simulations)
    gamma = null[int(level * len(null))]
    inside = _tails(simulations) >= gamma
    due = np.linspace(0, 1, COARSE + 1)[1:-1]
    low = inside.argmax(0) / simulations
    high = (simulations - inside[::-1].argmax(0)) / simulations
    return low - due, high - due
