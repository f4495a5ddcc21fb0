"""Make the stored posteriors anew: real models, real samplers, good and pathological on purpose.

    python tests/workflow/posteriors/make.py [name …]

Each is 4 chains of 250 draws, unless that is what is wrong with it, kept as single-precision netCDF with the sampler's
own statistics. ``tests/workflow/test_diagnose.py`` reads them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymc as pm
import xarray as xr

from modelcompose import samplers

HERE = Path(__file__).parent
SEED = 20261121
EFFECTS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])  # eight schools: Rubin 1981, doi:10.3102/10769986006004377
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
KEPT = ("diverging", "energy", "reached_max_treedepth")

MAKERS: dict[str, Callable[[], xr.DataTree]] = {}


def named(build: Callable[[], xr.DataTree]) -> Callable[[], xr.DataTree]:
    """Enter a function under its own name."""
    MAKERS[build.__name__.replace("_", "-")] = build
    return build


def fit(model, **settings):
    """Draw by ModelCompose's default sampler."""
    wanted = {"draws": 250, "tune": 500, "chains": 4, "target_accept": 0.8, "random_seed": SEED, **settings}
    return samplers.fit(model, **wanted)


def rows(n=80):
    """A line with noise."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=n)
    return x, 2 + 1.5 * x + rng.normal(size=n)


def regression():
    x, y = rows()
    with pm.Model() as model:
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 5)
        pm.Normal("y", a + b * x, s, observed=y)
    return model


def schools(*, centred):
    with pm.Model(coords={"school": np.arange(8)}) as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        if centred:
            theta = pm.Normal("theta", mu, tau, dims="school")
        else:
            theta = pm.Deterministic("theta", mu + tau * pm.Normal("theta_raw", dims="school"), dims="school")
        pm.Normal("y", theta, ERRORS, observed=EFFECTS)
    return model


@named
def good_regression():
    return fit(regression())


@named
def good_counts():
    rng = np.random.default_rng(2)
    x = rng.normal(size=100)
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 2), pm.Normal("b", 0, 1)
        pm.Poisson("y", pm.math.exp(a + b * x), observed=rng.poisson(np.exp(1 + 0.4 * x)))
    return fit(model)


@named
def borderline_schools():
    """Eight schools, non-centred, with small steps: good but for an R-hat a little above 1.01."""
    dt = fit(schools(centred=False), target_accept=0.99, draws=500, tune=1000)
    dt["posterior"] = dt["posterior"].to_dataset()[["mu", "tau"]]
    return dt


@named
def good_with_a_constant():
    """A matrix of correlations, whose diagonal never changes."""
    rng = np.random.default_rng(3)
    y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 120)
    with pm.Model() as model:
        chol, correlation, spread = pm.LKJCholeskyCov("packed", n=2, eta=2, sd_dist=pm.HalfNormal.dist(2))
        pm.Deterministic("correlation", correlation)
        pm.Deterministic("spread", spread)
        pm.MvNormal("y", np.zeros(2), chol=chol, observed=y)
    dt = fit(model)
    dt["posterior"] = dt["posterior"].to_dataset()[["correlation", "spread"]]
    return dt


@named
def centred_schools():
    dt = fit(schools(centred=True))
    dt["posterior"] = dt["posterior"].to_dataset().isel(school=slice(4))
    return dt


@named
def funnel():
    """Neal 2003, doi:10.1214/aos/1056562461, in five dimensions."""
    with pm.Model() as model:
        v = pm.Normal("v", 0, 3)
        pm.Normal("x", 0, pm.math.exp(v / 2), shape=4)
    return fit(model)


@named
def two_modes():
    with pm.Model() as model:
        pm.NormalMixture("x", w=[0.5, 0.5], mu=[-6.0, 6.0], sigma=1.0)
        pm.Normal("z")
    return fit(model)


@named
def labels_switched():
    """Two kinds of rows whose averages have no order."""
    rng = np.random.default_rng(4)
    y = np.concatenate([rng.normal(-3, 1, 60), rng.normal(3, 1, 60)])
    with pm.Model(coords={"kind": ["one", "other"]}) as model:
        average = pm.Normal("average", 0, 5, dims="kind")
        pm.NormalMixture("y", w=[0.5, 0.5], mu=average, sigma=1.0, observed=y)
    return fit(model, random_seed=SEED + 2)


@named
def too_few_draws():
    return fit(regression(), draws=30)


@named
def one_chain():
    return fit(regression(), chains=1, draws=500)


@named
def two_chains():
    return fit(regression(), chains=2)


def metropolis(scaling, chains=4, tune=0):
    """Random-walk Metropolis without adaptation."""
    with regression() as model:
        steps = [pm.Metropolis([variable], scaling=scaling, tune=False) for variable in model.value_vars]
        return pm.sample(
            250,
            tune=tune,
            chains=chains,
            cores=1,
            step=steps,
            random_seed=SEED,
            progressbar=False,
            compute_convergence_checks=False,
        )


@named
def slow_walk():
    """Steps far too small: every draw is next to the one before."""
    return metropolis(0.02, tune=500)


@named
def stuck_chain():
    """One chain whose steps are so wide that none is ever accepted, beside three good ones."""
    good, still = fit(regression(), chains=3), metropolis(1e6, chains=1)
    posterior = xr.concat([good["posterior"].to_dataset(), still["posterior"].to_dataset()], "chain", join="override")
    stats = good["sample_stats"].to_dataset()[list(KEPT)]
    silent = xr.zeros_like(stats.isel(chain=[0])).assign(energy=stats["energy"].isel(chain=[0]))
    return xr.DataTree.from_dict(
        {
            "posterior": posterior.assign_coords(chain=range(4)),
            "sample_stats": xr.concat([stats, silent], "chain", join="override").assign_coords(chain=range(4)),
        }
    )


@named
def long_tails():
    with pm.Model() as model:
        pm.Cauchy("x", 0, 1)
        pm.StudentT("z", nu=2)
    return fit(model)


@named
def trees_cut_short():
    """A narrow ridge that needs longer paths than it is allowed."""
    with pm.Model():
        a = pm.Normal("a", 0, 10)
        pm.Normal("b", a, 0.02)
        return pm.sample(
            250,
            tune=500,
            chains=4,
            cores=1,
            random_seed=SEED,
            progressbar=False,
            compute_convergence_checks=False,
            nuts_sampler="pymc",
            nuts={"max_treedepth": 4},
        )


@named
def separated():
    """A yes or no that one number separates, under a prior that hardly limits its effect."""
    x = np.linspace(-2, 2, 30)
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 100), pm.Normal("b", 0, 100)
        pm.Bernoulli("y", logit_p=a + b * x, observed=(x > 0.1).astype(int))
    return fit(model, metric="diagonal")


@named
def twins():
    """Two predictors that say nearly the same."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=60)
    twin = x + 0.01 * rng.normal(size=60)
    with pm.Model() as model:
        a, b, c = pm.Normal("a"), pm.Normal("b", 0, 5), pm.Normal("c", 0, 5)
        pm.Normal("y", a + b * x + c * twin, 1, observed=x + rng.normal(size=60))
    return fit(model, metric="diagonal")


def store(name):
    """Keep what the diagnostics need, in single precision and compressed."""
    dt = MAKERS[name]()
    posterior = dt["posterior"].to_dataset()
    posterior = posterior.drop_vars([one for one in posterior.data_vars if one.endswith(("_raw", "_unconstrained"))])
    stats = dt["sample_stats"].to_dataset()
    slim = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({one: posterior[one].astype("float32") for one in posterior.data_vars}),
            "sample_stats": xr.Dataset({one: _small(stats[one]) for one in KEPT if one in stats}),
        }
    )
    packed = {
        group: {one: {"zlib": True, "complevel": 9} for one in slim[group].data_vars}
        for group in ("/posterior", "/sample_stats")
    }
    path = HERE / f"{name}.nc"
    slim.to_netcdf(path, engine="h5netcdf", encoding=packed)
    return path


def _small(values):
    return values.astype("float32") if values.dtype.kind == "f" else values


def main(names):
    """Make the posteriors named, or all."""
    warnings.simplefilter("ignore")
    for name in names or MAKERS:
        path = store(name)
        print(f"{name:24} {path.stat().st_size / 1000:6.1f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
