"""Fake-data recovery: fitted to data made up from known values, does the model find these values again?

After Gelman et al. 2020, arXiv:2011.01808, section 4.1. Values drawn from a prior are often absurd. So many data sets
are simulated, and those most like the real one are fitted. They are chosen by the simulated outcomes alone: given these
the known values are still draws from the posterior, and everything that is due from intervals holds exactly.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.analysis import ROLES
from modelcompose.errors import InvalidInput
from modelcompose.samplers import low_rank
from modelcompose.samplers.many import Draws
from modelcompose.samplers.progress import Progress
from modelcompose.verdict import Finding, Remedy, Verdict, worst
from modelcompose.workflow.constructed import FakeData, construct, elements, opened
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.prior import Simulated
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["check", "recover"]

Array = np.ndarray[Any, np.dtype[Any]]

CANDIDATES = 200
DRAWS, MOST_TUNE, CHAINS = 500, 1000, 4
INSIDE = 0.90
ENOUGH = 10
NARROWED = 0.10
PICTURED = 24


def recover(analysis: Analysis, table: pd.DataFrame, model: Any) -> Any:
    """Make up data from known values, as many sets as were asked for, and fit the model to them.

    Of 200 data sets simulated from the prior on the table's own design, those are taken whose average and spread (of
    levels: the shares) are nearest to the real ones. The model is compiled once; each fit draws 500 from each of 4
    chains by nutpie, whichever sampler is chosen. An interrupt keeps what is done.

    Parameters
    ----------
    table
        The rows that the model was built from.
    model
        A Bambi or PyMC model.

    Returns
    -------
    xarray.DataTree
        By data set and parameter ``truth``, ``mean``, ``sd``, and the ends ``lower`` and ``upper`` of the central 90%
        interval; by data set ``p``, the probability of values as far off if all is right, ``rhat`` and ``diverging``;
        by parameter ``narrowed``, by how much its posterior is narrower than its prior. Empty when none were asked
        for, with ``attrs["reason"]`` when data cannot be made up from the model.
    """
    import xarray as xr

    if not analysis.recoveries:
        return xr.DataTree()
    started = time.monotonic()
    try:
        made = construct(model, max(CANDIDATES, 10 * analysis.recoveries), analysis.random_seed)
    except InvalidInput as error:
        return xr.DataTree(xr.Dataset(attrs={"reason": str(error)}))
    chosen = _nearest(analysis, table, made)[: analysis.recoveries]
    tune = min(analysis.tune, MOST_TUNE)
    parameters = elements(made.truths)
    rows, failed = [], 0
    with Progress(DRAWS + tune, CHAINS * len(chosen)) as progress:
        many = opened(
            model,
            draws=DRAWS,
            tune=tune,
            chains=CHAINS,
            target_accept=analysis.target_accept,
            low_rank=low_rank(analysis.metric, catalog.pymc_model(model)),
        )
        fits = many.fit(made.slots(chosen), analysis.random_seed)
        try:
            for at, fit in zip(chosen, fits, strict=True):
                if fit is None:
                    failed += 1
                else:
                    truth = np.array([made.truths[name][at].reshape(-1)[place] for name, place in parameters.values()])
                    rows.append(_summary(fit, list(parameters.values()), truth))
                progress.counted(CHAINS * (len(rows) + failed))
        except KeyboardInterrupt:
            fits.close()
    found = _dataset(rows, list(parameters), _widths(made, list(parameters.values())))
    attrs = {"asked": len(chosen), "failed": failed, "seconds": time.monotonic() - started, "draws": DRAWS}
    return xr.DataTree(found.assign_attrs(attrs))


def _nearest(analysis: Analysis, table: pd.DataFrame, made: FakeData) -> list[int]:
    """Put the simulated data sets in order, those first that are most like the real one."""
    rows = catalog.get(analysis.model).observed(analysis, table)
    simulated = Simulated.of(analysis, rows, made.prior["prior_predictive"])
    theirs, ours = _features(simulated, simulated.draws), _features(simulated, simulated.observed)
    off = np.zeros(len(theirs))
    for feature, value in zip(theirs.T, ours, strict=True):
        place = feature.argsort().argsort() / len(feature)
        off = np.maximum(off, abs(place - np.mean(feature < value)))
    off[~np.isfinite(theirs).all(1)] = np.inf
    return [int(at) for at in np.argsort(off, kind="stable")]


def _features(simulated: Simulated, values: Array) -> Array:
    """Sum up outcomes, shape (..., rows), in a few numbers, shape (..., features)."""
    if simulated.kind == "levels":
        return simulated.shares(values)
    if simulated.kind in ("binary", "directions"):
        return simulated.typical(values)[..., None]
    with np.errstate(all="ignore"):
        scaled = np.log(values) if simulated.kind == "times" else values
        return np.stack([simulated.typical(values), scaled.std(-1)], -1)


def _summary(fit: Draws, places: list[tuple[str, int]], truth: Array) -> dict[str, Any]:
    """Hold the draws of one fit against the known values."""
    import arviz_stats as azs
    import xarray as xr

    chains, made = next(iter(fit.values.values())).shape[:2]
    draws = np.stack([fit.values[name].reshape(chains, made, -1)[..., place] for name, place in places], -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rhat = azs.rhat(xr.Dataset({"draws": (("chain", "draw", "parameter"), draws)}))["draws"].values
    flat = draws.reshape(-1, draws.shape[-1])
    edge = (1 - INSIDE) / 2
    lower, upper = np.quantile(flat, [edge, 1 - edge], axis=0)
    return {
        "truth": truth,
        "mean": flat.mean(0),
        "sd": flat.std(0),
        "lower": lower,
        "upper": upper,
        "width": np.subtract(*np.quantile(flat, [0.75, 0.25], axis=0)),
        "p": probability_of_truth(flat, truth),
        "rhat": float(np.nanmax(rhat)) if np.isfinite(rhat).any() else np.nan,
        "diverging": fit.diverging / len(flat),
    }


def probability_of_truth(draws: Array, truth: Array) -> float:
    """Return how probable a truth is whose worst parameter lies as far out, over all parameters at once.

    If all is right, the truth is one more draw from the posterior. How far out a point lies is the largest of its
    distances from the medians, each in units of the distance to the 5% or 95% quantile on its side; the distribution
    of that number among the draws is what is due. Skewness, dependence and the number of parameters are thereby
    accounted for, as in simultaneous bands (Montiel Olea and Plagborg-Møller 2019, doi:10.1002/jae.2656).

    Parameters
    ----------
    draws
        Shape (draws, parameters).
    truth
        Shape (parameters,).
    """
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    below, above = np.maximum(middle - low, 1e-300), np.maximum(high - middle, 1e-300)

    def farthest(points: Array) -> Array:
        off = points - middle
        return np.asarray((np.abs(off) / np.where(off < 0, below, above)).max(-1))

    return float((1 + np.sum(farthest(draws) >= farthest(truth))) / (1 + len(draws)))


def _widths(made: FakeData, places: list[tuple[str, int]]) -> Array:
    """Return the interquartile range of each parameter's prior."""
    values = [made.truths[name].reshape(len(made.truths[name]), -1)[:, place] for name, place in places]
    return np.array([np.subtract(*np.quantile(one, [0.75, 0.25])) for one in values])


def _dataset(rows: list[dict[str, Any]], names: list[str], widths: Array) -> Any:
    import xarray as xr

    by_both = {
        name: (("dataset", "parameter"), np.array([row[name] for row in rows]).reshape(-1, len(names)))
        for name in ("truth", "mean", "sd", "lower", "upper")
    }
    by_set = {name: ("dataset", np.array([row[name] for row in rows], float)) for name in ("p", "rhat", "diverging")}
    after = np.mean([row["width"] for row in rows], axis=0) if rows else widths
    narrowed = {"narrowed": ("parameter", 1 - after / np.maximum(widths, 1e-300))}
    return xr.Dataset({**by_both, **by_set, **narrowed}, {"parameter": names})


def check(analysis: Analysis, recovered: Any) -> Verdict:
    """Judge whether known values were found again.

    For each data set, the probability of a truth as far from the draws as the known values are, over all parameters
    at once: from 1 in 100 on passes, below 1 in 1000 fails; several data sets are combined by Fisher's method. So a
    right model fails once in a thousand times, whatever the number of its parameters. From 10 data sets on, the 90%
    intervals of each parameter should miss no more often than the binomial distribution allows. The chains have to
    agree, since otherwise the values were not looked for.

    Parameters
    ----------
    recovered
        What ``mc.recover`` returned.
    """
    if "truth" not in recovered:
        said = str(recovered.attrs.get("reason", "")) or (
            "Not done: ask for one made-up data set (recoveries = 1) to see whether the model finds known values."
        )
        return conclude("recovery", analysis, sentence=said, status="info")
    found, rules = recovered.to_dataset(), policy_of(analysis)
    done, failed, asked = found.sizes["dataset"], int(found.attrs["failed"]), int(found.attrs["asked"])
    findings = list(_findings(found, rules)) if done else []
    if failed:
        findings.append(_impossible(failed, failed + done, rules))
    status = worst(one.status for one in findings) if done or failed else "info"
    return conclude(
        "recovery",
        analysis,
        sentence=_sentence(found, status),
        findings=findings,
        remedies=list(_remedies(analysis, found, findings)),
        details={"Known values and what was found": _rows(found)} if done else {},
        picture=_picture(found) if done else None,
        alt="Intervals of what was found, around the known values.",
        partial=done + failed < asked,
        status=status,
    )


def _findings(found: Any, rules: Policy) -> Iterator[Finding]:
    yield _distance(found, rules)
    yield _coverage(found, rules)
    rhat = float(found["rhat"].max(skipna=False))
    yield rules["recovery-rhat"].finding(
        "Agreement of the chains (R-hat), worst", rhat, f"{rhat:.3f}", "Whether the search itself can be trusted."
    )
    diverging = float(found["diverging"].mean())
    yield rules["recovery-divergences"].finding(
        "Divergences", diverging, f"{diverging:.1%} of the draws", "Places that the sampler could not follow."
    )
    yield _learned(found)


def _distance(found: Any, rules: Policy) -> Finding:
    from scipy.stats import chi2

    p = found["p"].values
    together = float(p[0]) if len(p) == 1 else float(chi2.sf(-2 * np.log(p).sum(), 2 * len(p)))
    z = ((found["mean"] - found["truth"]) / found["sd"]).values
    at = np.unravel_index(np.nanargmax(np.abs(z)), z.shape)
    name = str(found["parameter"].values[at[1]])
    rule = rules["known-values-found"]
    return rule.finding(
        "Distance from the known values",
        together,
        f"furthest {abs(z[at]):.1f} posterior standard deviations ({name}); probability of values as far off: "
        f"{together:.2g}",
        f"Of {z.size} values some lie two or three standard deviations off by chance; this counts them all together."
        if rule.status(together) == "pass"
        else f"{name} and perhaps others are not where the data were made from.",
    )


def _coverage(found: Any, rules: Policy) -> Finding:
    from scipy.stats import binom

    inside = ((found["lower"] <= found["truth"]) & (found["truth"] <= found["upper"])).transpose("dataset", "parameter")
    sets, count = inside.shape
    name, shown = "Known values inside their 90% intervals", f"{int(inside.sum())} of {inside.size}"
    missed = sets - inside.sum("dataset").values
    rarest = float(binom.sf(missed - 1, sets, 1 - INSIDE).min())
    if sets < ENOUGH:
        return Finding(
            name=name,
            status="info",
            value=float(inside.mean()),
            shown=shown,
            threshold=f"judged from {ENOUGH} data sets on",
            sentence="About 9 of 10 are meant to lie inside.",
        )
    one = str(found["parameter"].values[int(missed.argmax())])
    return rules["known-values-covered"].finding(
        name,
        rarest,
        f"{shown}; worst {one}, {sets - int(missed.max())} of {sets} (probability {rarest:.2g})",
        "About 9 of 10 are meant to lie inside.",
        scale=1 / count,
    )


def _learned(found: Any) -> Finding:
    """Say of which parameters data like these teach nearly nothing; that is no fault, but worth knowing."""
    narrowed = found["narrowed"]
    little = [str(name) for name in found["parameter"].values[narrowed.values < NARROWED]]
    return Finding(
        name="Parameters of which such data teach little",
        status="info",
        value=len(little),
        shown=", ".join(little) or "none",
        threshold=f"the middle half gets less than {NARROWED:.0%} narrower",
        sentence="What is found of them will be what was assumed." if little else "Data like yours speak of all.",
        source="idea: Schad, Betancourt and Vasishth 2021, doi:10.1037/met0000275; the number: ModelCompose's own",
    )


def _impossible(failed: int, fits: int, rules: Policy) -> Finding:
    return rules["impossible-fits"].finding(
        "Fits that could not be made", failed / fits, f"{failed} of {fits}", "The sampler could not start or broke off."
    )


def _sentence(found: Any, status: str) -> str:
    sets = found.sizes["dataset"]
    if not sets:
        return "No made-up data set was fitted, so it is not known whether the model finds known values."
    which = "a data set" if sets == 1 else f"{sets} data sets"
    if status in ("pass", "info"):
        return f"Fitted to {which} made up from known values, the model finds these values again."
    if status == "warn":
        return f"Fitted to {which} made up from known values, the model finds these values, but not cleanly."
    return f"Fitted to {which} made up from known values, the model does not find these values again."


def _remedies(analysis: Analysis, found: Any, findings: list[Finding]) -> Iterator[Remedy]:
    """Mend the search where it failed; else help the data with information, or ask them for less."""
    bad = {one.rule for one in findings if one.status in ("warn", "fail")}
    search = bool(bad & {"recovery-rhat", "recovery-divergences", "impossible-fits"})
    sets = max(1, found.sizes["dataset"])
    each = float(found.attrs["seconds"]) / sets
    again = f"{sets} fit{'s' if sets > 1 else ''} again, about {max(1, round(each * sets))} s"
    if search and analysis.groups and not hasattr(catalog.get(analysis.model), "model"):
        yield Remedy(
            label=f"Use the {'centred' if analysis.noncentered else 'non-centred'} form of group effects",
            why="The other form is easier to follow when groups have few rows, or many.",
            changes={"noncentered": not analysis.noncentered},
            cost=again,
            score=0.5 if analysis.noncentered else 0.8,
        )
    if search and analysis.target_accept < 0.99:
        higher = 0.95 if analysis.target_accept < 0.95 else 0.99
        yield Remedy(
            label=f"Take smaller steps (target_accept {higher})",
            why="The sampler then follows sharp bends.",
            changes={"target_accept": higher},
            cost=f"{again}, up to twice as long",
            score=0.6,
        )
    if not catalog.get(analysis.model).own:
        yield Remedy(
            label="Halve the width of the priors",
            why="Where data alone cannot tell parameters apart, what is known beforehand can.",
            changes={"prior_scale": analysis.prior_scale / 2},
            cost=again,
            score=0.4,
        )
    for simpler in _simpler(analysis):
        yield Remedy(
            label=f"Use {simpler.title}",
            why=f"A simpler model asks less of the data. {simpler.summary}",
            changes={"model": simpler.id, "formula": "", "priors": {}},
            cost="a new model: its steps run again",
            score=0.35,
        )
    if analysis.recoveries < ENOUGH:
        yield Remedy(
            label=f"Make up {ENOUGH} data sets",
            why="They tell a fault from an accident: each parameter is then judged by its intervals, too.",
            changes={"recoveries": ENOUGH},
            cost=f"{ENOUGH} fits, less than {max(1, round(ENOUGH * each))} s",
            score=0.3,
        )


def _simpler(analysis: Analysis) -> list[catalog.ModelEntry]:
    """Return the models that this one is the richer neighbour of, as far as they can use the same columns."""
    roles = [role for role in ROLES[1:] if analysis.given(role)]
    return [
        entry
        for entry in catalog.entries()
        if analysis.model in entry.richer
        and analysis.question in entry.questions
        and all(role in (*entry.takes, *entry.needs) for role in roles)
    ]


def _rows(found: Any) -> list[dict[str, str]]:
    """List what was found in the first data set."""
    first = found.isel(dataset=0)
    return [
        {
            "parameter": str(name),
            "known": f"{float(one['truth']):.4g}",
            "found": f"{float(one['mean']):.4g}",
            "90% interval": f"{float(one['lower']):.4g} to {float(one['upper']):.4g}",
            "off, in standard deviations": f"{float((one['mean'] - one['truth']) / one['sd']):.1f}",
        }
        for name in found["parameter"].values[:PICTURED]
        for one in [first.sel(parameter=name)]
    ]


def _picture(found: Any) -> Any:
    """Draw each interval around its known value, in standard deviations, so that all fit on one axis."""
    names = [str(name) for name in found["parameter"].values[:PICTURED]]
    fig, axes = figure(height=1.2 + 0.22 * len(names))
    for number in range(found.sizes["dataset"]):
        one = found.isel(dataset=number, parameter=slice(PICTURED))
        low, middle, high = (((one[end] - one["truth"]) / one["sd"]).values for end in ("lower", "mean", "upper"))
        places = np.arange(len(names)) + (0.6 * (number + 0.5) / found.sizes["dataset"] - 0.3)
        outside = (low > 0) | (high < 0)
        axes.hlines(places, low, high, color=np.where(outside, "#b3261e", "#3a6ea5"), linewidth=1.2)
        axes.plot(middle, places, ".", color="#3a6ea5", markersize=4)
    axes.axvline(0, color="#888888", linestyle=":")
    axes.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticklabels([name.replace("$", r"\$") for name in names], fontsize=7)
    axes.set_xlabel("90% interval less the known value, in posterior standard deviations; red: not inside", fontsize=8)
    return fig
