"""Leaving out each row in turn: how well the others predict it, and how far the answer moves.

Weighting the draws does it for almost every row at once (PSIS-LOO: Vehtari, Gelman and Gabry 2017, arXiv:1507.04544).
Where the weights cannot be trusted, the draws are moved to where they should be (moment matching: Paananen et al. 2021,
doi:10.1007/s11222-020-09982-2), and where that does not help either, the model is fitted again without the row, or
without several of them at a time; what that costs is worked out first.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog, samplers
from modelcompose.catalog.leaving import COUNTS, open_rows
from modelcompose.catalog.predictions import log_likelihood, pointwise, with_offsets
from modelcompose.errors import ModelComposeError
from modelcompose.workflow.calibration import NO_ROWS, trusted, without_each
from modelcompose.workflow.candidates import observed
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.results import effects_of

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["METHODS", "Plan", "loo", "plan"]

Array = np.ndarray[Any, np.dtype[Any]]

METHODS = ("psis", "moment matching", "exact", "k-fold")
PSIS, MATCHED, EXACT, FOLDED = range(4)
REFIT_DRAWS = 2000
UNKNOWN_SECONDS = 30.0
MOST_MATCHED = 5_000_000  # rows × draws above which moving the draws takes longer than fitting again
FEWEST_FOLDS = 2

# -- what it will cost ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How the rows whose weights cannot be trusted will be left out.

    Parameters
    ----------
    folds
        The rows that are left out together, by position, one list for each fit; none where nothing has to be fitted,
        or nothing can be afforded.
    seconds_each
        What one fit is expected to take.
    budget
        How many seconds all of them may take.
    needed
        How many rows there are.
    stopped
        Whether somebody stopped the fits before all were made.
    """

    folds: tuple[tuple[int, ...], ...]
    seconds_each: float
    budget: float
    needed: int
    stopped: bool = False

    @property
    def seconds(self) -> float:
        """What all fits are expected to take."""
        return len(self.folds) * self.seconds_each

    @property
    def exact(self) -> bool:
        """Whether each row is left out alone."""
        return all(len(fold) == 1 for fold in self.folds)

    @property
    def words(self) -> str:
        """The plan in a sentence, with its cost."""
        if not self.needed:
            return "No fit has to be made again."
        wanted = f"{self.needed} more fit{'s' if self.needed > 1 else ''} of about {self.seconds_each:.0f} s"
        if self.stopped:
            return f"{wanted} would be needed; they were stopped after {len(self.folds)}."
        if not self.folds:
            return f"{wanted} would be needed; that is more than the {self.budget:.0f} s that they may take."
        if sum(map(len, self.folds)) < self.needed:
            return (
                f"{wanted} would be needed; the {self.budget:.0f} s that they may take allow only the one without the "
                "row that pulls hardest."
            )
        if self.exact:
            alone = self.needed == 1
            return f"{wanted}, {'without that row' if alone else f'one without each row, {self.seconds:.0f} s in all'}."
        return (
            f"One fit without each row would need {wanted}; the {self.budget:.0f} s that they may take allow "
            f"{len(self.folds)}, each without several of these rows."
        )


def plan(bad: Sequence[int], seconds_each: float, budget: float, kinds: Sequence[Any] | None = None) -> Plan:
    """Decide how many fits to make, and which rows each of them leaves out.

    One for each row if the budget allows it. If not, as many as it allows, of two or more: the rows are dealt out like
    cards, those of one kind to different fits (stratified folds; Roberts et al. 2017, doi:10.1111/ecog.02881). Only
    rows that need it are left out, so that each prediction rests on almost all others.

    Parameters
    ----------
    bad
        The positions of the rows.
    seconds_each, budget
        What one fit takes, and what all of them may take.
    kinds
        The group or class of each row of the table.
    """
    affordable = int(budget // max(seconds_each, 1e-9))
    if len(bad) <= affordable:
        return Plan(tuple((int(one),) for one in bad), seconds_each, budget, len(bad))
    if affordable < FEWEST_FOLDS:
        return Plan((), seconds_each, budget, len(bad))
    order = list(bad) if kinds is None else sorted(bad, key=lambda one: str(kinds[one]))
    folds = tuple(tuple(int(one) for one in order[at::affordable]) for at in range(affordable))
    return Plan(folds, seconds_each, budget, len(bad))


# -- leaving out ---------------------------------------------------------------------------------------------------


def loo(analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any, *, budget: float | None = None) -> Any:
    """Leave out each row, in the cheapest way that can be trusted.

    Parameters
    ----------
    model
        The fitted model.
    dt
        DataTree with ``posterior`` and ``log_likelihood``.
    budget
        How many seconds fits without single rows may take; by default what the rule ``influence-budget`` allows.

    Returns
    -------
    xarray.DataTree
        By row, dimension ``__obs__``: ``elpd_i``, the log predictive density from the other rows; ``pareto_k`` of the
        plain weights; ``p_loo_i``; ``method``, a place in ``METHODS``; ``known``, whether the density can be trusted;
        ``headline``, the middle of the first quantity of the answer without the row, and ``headline_known``. Attributes
        ``elpd``, ``se``, ``error`` (Monte Carlo, of ``elpd``), ``p_loo``, ``p_loo_se``, ``parameters``, ``bad_k`` (rows
        whose density is not known well), ``high_k`` (rows whose plain weights could not be trusted), ``good_k``, the
        plan and what it took, and ``of``, a digest of what is predicted: where it agrees, two models compare. Empty
        when the likelihood does not fall into parts for the rows.
    """
    import xarray as xr
    from scipy.special import logsumexp

    started = time.monotonic()
    likelihood = pointwise(dt, analysis.outcome)
    if likelihood is None:
        return xr.DataTree(xr.Dataset(attrs={"why_not": NO_ROWS}))
    by_row = likelihood.stack(sample=("chain", "draw")).transpose("__obs__", "sample").values
    log_weights, pareto_k = without_each(by_row, _independent(dt["posterior"].to_dataset()))
    found = _Found(
        densities=logsumexp(log_weights + by_row, axis=1),
        error=_monte_carlo_error(log_weights, by_row, likelihood.sizes["chain"]),
        pareto_k=pareto_k,
        good_k=trusted(by_row.shape[1]),
        headline=_Headline.of(analysis, table, model, dt),
    )
    found.headline.weigh(log_weights, found.known)
    budget = policy_of(analysis)["influence-budget"].limit if budget is None else budget
    _match(found, model, dt, likelihood, budget)
    chosen = _refit(found, analysis, table, model, _seconds_each(analysis, dt), budget)
    total = logsumexp(by_row, axis=1) - np.log(by_row.shape[1])
    return _as_tree(found, total, chosen, model, time.monotonic() - started)


def _independent(posterior: Any) -> float:
    """Return how many independent draws one draw is worth, on average over the parameters."""
    import arviz_stats as azs

    if posterior.sizes["chain"] < 2:
        return 1.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        ess = azs.ess(posterior, method="mean")
    values = np.concatenate([np.ravel(ess[name].values) for name in ess.data_vars])
    values = values[np.isfinite(values)]
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    return float(np.clip(values.mean() / total, 0.01, 1.0)) if len(values) else 1.0


def _monte_carlo_error(log_weights: Array, likelihood: Array, chains: int) -> float:
    """Return the Monte Carlo standard error of the sum of all rows' log densities.

    To first order a draw moves the log of a row's weighted average by its share of that average less its weight (the
    delta method for ratios; Owen 2013, Monte Carlo theory, methods and examples, chapter 9). Summed over the rows,
    which all rest on the same draws, that is one number for each draw, whose average has a standard error as any other
    (Vehtari et al. 2021, doi:10.1214/20-BA1221).
    """
    import arviz_stats as azs
    import xarray as xr

    shares = log_weights + likelihood
    shares = np.exp(shares - shares.max(1, keepdims=True))
    moves = (shares / shares.sum(1, keepdims=True)).sum(0) - np.exp(log_weights).sum(0)
    values = xr.Dataset({"x": (("chain", "draw"), (moves * moves.size).reshape(chains, -1))})
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(azs.mcse(values, method="mean")["x"].item()))


class _Headline:
    """The first quantity of the answer, and where its middle goes when a row is left out."""

    def __init__(self, name: str, draws: Array, rows: int = 0, *, logs: bool = False) -> None:
        self.name, self.logs = name, logs
        self._draws = np.log(draws) if logs else draws
        self.moved = np.full(rows, np.nan)
        self.known = np.zeros(rows, bool)

    @classmethod
    def of(cls, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> _Headline:
        try:
            effects = effects_of(analysis, table, model, dt)
        except ModelComposeError:
            effects = []
        first = next((one for one in effects if one.headline), None)
        if first is None:
            return cls("", np.zeros(0))
        return cls(first.name, first.draws, logs=first.kind == "ratio" and bool((first.draws > 0).all()))

    def again(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> float:
        """Return by how much another posterior moves it, in standard deviations."""
        effects = [one for one in effects_of(analysis, table, model, dt) if one.name == self.name]
        if not effects:
            return np.nan
        draws = np.log(effects[0].draws) if self.logs else effects[0].draws
        return (float(draws.mean()) - self.middle) / self.spread

    @property
    def middle(self) -> float:
        return float(self._draws.mean())

    @property
    def spread(self) -> float:
        return float(self._draws.std()) or float("nan")

    def weigh(self, log_weights: Array, known: Array) -> None:
        """Work out by how much each row's absence moves it, in standard deviations, from the weights of the draws."""
        self.moved, self.known = np.full(len(known), np.nan), np.zeros(len(known), bool)
        if len(self._draws) == log_weights.shape[1] and self.spread > 0:
            self.moved = (np.exp(log_weights) @ self._draws - self.middle) / self.spread
            self.known = known.copy()


class _Found:
    """What is known of each row so far."""

    def __init__(self, densities: Array, error: float, pareto_k: Array, good_k: float, headline: _Headline) -> None:
        self.densities, self.error, self.pareto_k = densities, error, pareto_k
        self.good_k, self.headline = good_k, headline
        self.method = np.zeros(len(densities), "int8")
        self.known = pareto_k <= good_k
        self.seconds, self.rhat = 0.0, 1.0

    def to_refit(self) -> list[int]:
        """Name the rows to fit again without: those not known yet, and the most influential one, the worst first."""
        unknown = ~self.known
        first = int(np.argmax(self.pareto_k))
        unknown[first] |= self.pareto_k[first] > self.good_k
        rows = np.flatnonzero(unknown)
        return [int(one) for one in rows[np.argsort(-self.pareto_k[rows])]]


# -- moment matching -----------------------------------------------------------------------------------------------


def _match(found: _Found, model: Any, dt: Any, likelihood: Any, budget: float) -> None:
    """Move the draws of rows whose weights cannot be trusted; stop where fitting again would be quicker.

    Models with gaps that were filled many times have no single density that draws could be moved by.
    """
    bad = np.flatnonzero(~found.known)
    if not len(bad) or likelihood.size > MOST_MATCHED or getattr(model, "fillings", None):
        return
    started = time.monotonic()
    each = 0.0
    matcher = _Matcher.of(model, dt, likelihood)
    for done, row in enumerate(bad[np.argsort(-found.pareto_k[bad])]):
        if matcher is None or time.monotonic() - started + each > budget:
            return
        density, k = matcher.without(int(row))
        if k <= found.good_k and np.isfinite(density):
            found.densities[row], found.method[row], found.known[row] = density, MATCHED, True
        each = (time.monotonic() - started) / (done + 1)


class _Matcher:
    """Moment matching by ArviZ, row by row, with its functions compiled once."""

    def __init__(self, light: Any, original: Any, name: str, functions: tuple[Any, Any, Any]) -> None:
        self._light, self._original, self._name = light, original, name
        self._density, self._of_row, self._draws = functions

    @classmethod
    def of(cls, model: Any, dt: Any, likelihood: Any) -> _Matcher | None:
        """Compile; None for models that ArviZ cannot match."""
        import arviz_stats as azs
        import xarray as xr
        from arviz_stats.loo.loo_moment_match_helper import mm_from_pymc

        pymc = catalog.pymc_model(model)
        posterior = with_offsets(pymc, dt["posterior"].to_dataset())
        groups = {"posterior": posterior, "log_likelihood": likelihood.to_dataset()}
        light = xr.DataTree.from_dict(groups)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                functions = mm_from_pymc(light, model=pymc, var_name=likelihood.name)
                original = azs.loo(light, var_name=likelihood.name, pointwise=True)
        except (NotImplementedError, ValueError, KeyError):
            return None
        return cls(light, original, str(likelihood.name), functions)

    def without(self, row: int) -> tuple[float, float]:
        """Return the log predictive density of a row from the others, and its Pareto k."""
        from copy import copy

        from arviz_stats import loo_moment_match

        one = copy(self._original)
        one.pareto_k = self._original.pareto_k.copy()
        others = np.arange(one.pareto_k.size) != row
        one.pareto_k.values[others] = 0.0
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            matched = loo_moment_match(
                self._light,
                one,
                log_prob_upars_fn=self._density,
                log_lik_i_upars_fn=self._of_row,
                upars=self._draws,
                var_name=self._name,
                pointwise=True,
            )
        return float(matched.elpd_i.values[row]), float(matched.pareto_k.values[row])


# -- fitting again -------------------------------------------------------------------------------------------------


def _settings(analysis: Analysis) -> dict[str, Any]:
    """Return what the sampler is told: 2000 draws are plenty for the average of a density."""
    draws = min(analysis.draws, -(-REFIT_DRAWS // analysis.chains))
    names = ("sampler", "tune", "chains", "target_accept", "metric", "random_seed")
    return {"draws": draws, **{name: getattr(analysis, name) for name in names}}


def _seconds_each(analysis: Analysis, dt: Any) -> float:
    """Work out what one fit takes, from how long the one at hand took."""
    seconds = float(dt["posterior"].attrs.get("sampling_seconds", UNKNOWN_SECONDS))
    fewer: int = _settings(analysis)["draws"]
    return seconds * (fewer + analysis.tune) / (analysis.draws + analysis.tune)


def _kinds(analysis: Analysis, table: pd.DataFrame, count: int) -> list[str] | None:
    """Return what folds should mix: the group of each row, or else its class."""
    rows = catalog.get(analysis.model).observed(analysis, table)
    by = analysis.groups[0] if analysis.groups else analysis.outcome
    column = rows[by] if by in rows and len(rows) == count else None
    return None if column is None or not hasattr(column, "cat") else list(map(str, column))


def _refit(found: _Found, analysis: Analysis, table: pd.DataFrame, model: Any, expected: float, budget: float) -> Plan:
    """Fit without the rows that need it, compiled once; the first fit tells what the others take.

    An interrupt keeps the fits that are done.

    Parameters
    ----------
    expected
        What one fit takes at most: the one at hand was compiled as well.

    Returns
    -------
    Plan
        What was made in the end.
    """
    bad = found.to_refit()
    if not bad or expected > budget:
        return plan(bad, expected, budget)
    started = time.monotonic()
    again = _Again(analysis, table, model, found)
    compiled = time.monotonic()
    done: list[tuple[int, ...]] = []
    each, stopped = expected, False
    try:
        done += again.leave_out([(bad[0],)], EXACT)
        each = time.monotonic() - compiled
        kinds = _kinds(analysis, table, len(found.densities))
        others = plan(bad[1:], each, max(budget - (time.monotonic() - started), 0.0), kinds)
        for fold in again.leave_out(others.folds, EXACT if others.exact else FOLDED):
            done.append(fold)
    except KeyboardInterrupt:
        stopped = True
    found.seconds = time.monotonic() - started
    return Plan(tuple(done), each, budget, len(bad), stopped)


class _Again:
    """Fits without single rows, of a model that is compiled once."""

    def __init__(self, analysis: Analysis, table: pd.DataFrame, model: Any, found: _Found) -> None:
        self._analysis, self._table, self._model, self._found = analysis, table, model, found
        opened = open_rows(model, analysis.outcome)
        if hasattr(model, "family"):
            opened.family = model.family
        self._fits = samplers.refits(opened, **_settings(analysis))

    def leave_out(self, folds: Sequence[tuple[int, ...]], method: int) -> Iterator[tuple[int, ...]]:
        """Fit without the rows of each fold, note what is found, and yield the fold."""
        fillings = getattr(self._model, "fillings", None) or [{}]
        fits = self._fits.all([{**one, COUNTS: self._counts(fold)} for fold in folds for one in fillings])
        for fold in folds:
            self._note(list(fold), _together([next(fits) for _ in fillings]), method)
            yield fold

    def _counts(self, fold: tuple[int, ...]) -> Array:
        counts = np.ones(len(self._found.densities))
        counts[list(fold)] = 0
        return counts

    def _note(self, rows: list[int], without: Any, method: int) -> None:
        found = self._found
        likelihood = pointwise(log_likelihood(self._model, without), self._analysis.outcome)
        by_row = likelihood.stack(sample=("chain", "draw")).transpose("__obs__", "sample").values
        found.densities[rows] = _average(by_row[rows])
        found.method[rows], found.known[rows] = method, True
        found.rhat = max(found.rhat, _rhat(without))
        if len(rows) == 1 and found.headline.name:
            moved = found.headline.again(self._analysis, self._table, self._model, without)
            found.headline.moved[rows], found.headline.known[rows] = moved, np.isfinite(moved)


def _together(fits: Sequence[Any]) -> Any:
    """Return the posterior; where gaps were filled many times, of all completed tables together."""
    import xarray as xr

    found = [one["posterior"].to_dataset() for one in fits]
    whole = xr.concat(found, "chain") if len(found) > 1 else found[0]
    whole = whole.assign_coords(chain=range(whole.sizes["chain"]))
    return xr.DataTree.from_dict({"posterior": whole.assign_attrs(chains_each=found[0].sizes["chain"])})


def _average(by_row: Array) -> Array:
    from scipy.special import logsumexp

    return np.asarray(logsumexp(by_row, axis=1) - np.log(by_row.shape[1]))


def _rhat(dt: Any) -> float:
    """Return the largest R-hat of single parameters; of one chain nothing can be said."""
    import arviz_stats as azs

    posterior = dt["posterior"].to_dataset()
    each = int(posterior.attrs.get("chains_each", posterior.sizes["chain"]))
    scalars = [name for name in posterior.data_vars if posterior[name].ndim == 2]
    if each < 2 or not scalars:
        return 1.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        rhat = azs.rhat(posterior[scalars].isel(chain=slice(each)))
    return float(np.nanmax([float(rhat[name]) for name in scalars]))


def _as_tree(found: _Found, total: Array, chosen: Plan, model: Any, seconds: float) -> Any:
    import xarray as xr

    count = len(found.densities)
    left = total - found.densities
    dim = "__obs__"
    rows = {
        "elpd_i": (dim, found.densities),
        "pareto_k": (dim, found.pareto_k),
        "p_loo_i": (dim, left),
        "method": (dim, found.method),
        "known": (dim, found.known.astype("int8")),
        "headline": (dim, found.headline.moved if len(found.headline.moved) == count else np.full(count, np.nan)),
        "headline_known": (
            dim,
            (found.headline.known if len(found.headline.known) == count else np.zeros(count, bool)).astype("int8"),
        ),
    }
    attrs = {
        "elpd": float(found.densities.sum()),
        "se": _standard_error(found.densities),
        "error": found.error,
        "p_loo": float(left.sum()),
        "p_loo_se": _standard_error(left),
        "parameters": _parameters(model),
        "bad_k": int((~found.known).sum()),
        "high_k": int((found.pareto_k > found.good_k).sum()),
        "good_k": found.good_k,
        "quantity": found.headline.name,
        "plan": chosen.words,
        "refits": len(chosen.folds),
        "needed": chosen.needed,
        "stopped": int(chosen.stopped),
        "seconds_each": chosen.seconds_each,
        "refit_seconds": found.seconds,
        "refit_rhat": found.rhat,
        "seconds": seconds,
        "of": explained.digest if (explained := observed(model)) else "",
    }
    return xr.DataTree(xr.Dataset(rows, attrs=attrs))


def _standard_error(values: Array) -> float:
    return float(np.sqrt(len(values)) * values.std(ddof=1)) if len(values) > 1 else 0.0


def _parameters(model: Any) -> int:
    """Count the numbers that the model estimates."""
    pymc = catalog.pymc_model(model)
    shapes = pymc.eval_rv_shapes()
    return int(sum(np.prod(shapes[one.name], dtype=int) for one in pymc.free_RVs))
