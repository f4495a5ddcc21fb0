"""Published results: the ready-made models find in classic data what others found there.

Each case gives the choices that reproduce a published analysis (its columns, formula and priors), fits them as a
notebook does, and holds the posterior against the figures that were published. They stand in ``published``:
``posteriordb.csv`` has the mean, standard deviation and Monte Carlo error of posteriordb's reference draws,
``printed.csv`` what books, vignettes and closed forms say; ``SOURCES.md`` says where all of it comes from.

A figure counts as reproduced when it is

- against reference draws or a closed form: within 0.1 standard deviations, with a spread within 10%;
- against a printed table: within half a unit of the last printed digit and 0.15 published standard deviations, with
  a spread within 15% (and half a unit of its own last digit); where no standard deviation was printed, ours is taken;
- an expected log predictive density: within 0.5; a difference of two: within 0.5 or 5% of its standard error;
- a maximum of the likelihood: where the posterior under flat priors has its mode, to half a unit of the last digit.

Where only a maximum was published and the model has further unknowns (the Nile), integration stands between: its own
maximum must be the published one (to half a unit and 0.01%, for the likelihood is flat there), and the draws must
agree with its posterior under the same priors.

Of two intercepts of the sleep study only the place is compared, not the spread. The restricted likelihood gives a
standard error, not a posterior; and rstanarm's prior takes any correlation of level and slope *at day 0* for equally
plausible, ours a weak one *in the middle of the days*, where the data say it is strong. That widens our intercept at
day 0 to 8.1 against 6.5; with the levels integrated out, another program with our prior finds 8.4.

Some tables are not ours to pass on with the package. Their cases run where ``MODELCOMPOSE_PUBLISHED_TABLES`` names a
folder that holds them, and are skipped elsewhere; nothing is downloaded.

Not reproduced, and why:

- kidney infections (brms overview): censored times with *correlated* intercepts and slopes of each patient, which no
  entry has; ``survival-frailty`` is a Weibull model with intercepts alone.
- inhaler ratings (brms overview): effects of the treatment that differ between thresholds, which no entry has.
- storable votes (Regression and Other Stories): a prior on R² that no entry has, and which matters with 20 rows.
- Sesame Street (same book): both effects of encouragement are; that of watching needs instrumental variables.
- radon: no printed reference for a model of the catalogue is known to us.
- models of posteriordb that are no model of the catalogue: arma11, garch11, three hidden Markov models, Lotka-Volterra
  and a pharmacokinetic differential equation.
"""

from __future__ import annotations

import csv
import functools
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::RuntimeWarning"
)

HERE = Path(__file__).parent / "published"
ELSEWHERE = "MODELCOMPOSE_PUBLISHED_TABLES"
DRAWS = {"draws": 1500, "tune": 1000, "chains": 4, "random_seed": 20261121}


# -- tables ----------------------------------------------------------------------------------------------------------


def stored(name: str) -> pd.DataFrame:
    """Read a table that stands beside this test."""
    return pd.read_csv(HERE / f"{name}.csv")


def elsewhere(name: str) -> pd.DataFrame:
    """Read a table that the user keeps, or skip the test."""
    folder = os.environ.get(ELSEWHERE)
    path = Path(folder or ".") / f"{name}.csv"
    if not folder or not path.exists():
        pytest.skip(f"{ELSEWHERE} names no folder with {name}.csv")
    return pd.read_csv(path)


def kidiq() -> pd.DataFrame:
    table = stored("kidiq")
    return table.assign(inter=table.mom_hs * table.mom_iq)


def kidiq_shifted(hs: float | None, iq: float | None, scale: float = 0.0) -> pd.DataFrame:
    """Columns less a reference (their mean where it is None), over ``scale`` standard deviations if that is not 0."""
    table = elsewhere("kidiq_with_mom_work")
    for name, at in (("mom_hs", hs), ("mom_iq", iq)):
        column = table[name]
        table[name] = (column - (column.mean() if at is None else at)) / (scale * column.std() if scale else 1)
    return table.assign(inter=table.mom_hs * table.mom_iq)


def earnings() -> pd.DataFrame:
    table = elsewhere("earnings")
    height = table.height
    z = (height - height.mean()) / height.std()
    return table.assign(
        log_earn=np.log(table.earn),
        log10_earn=np.log10(table.earn),
        log_height=np.log(height),
        z=z,
        inter=height * table.male,
        z_inter=z * table.male,
    )


def ark() -> pd.DataFrame:
    """The series with its five last values in columns of their own: an autoregression is a regression on these."""
    y = elsewhere("arK").y
    return pd.DataFrame({"y": y, **{f"lag{k}": y.shift(k) for k in range(1, 6)}}).dropna()


def eight_schools() -> pd.DataFrame:
    """Rubin 1981, doi:10.3102/10769986006004377, table 1."""
    return pd.DataFrame({"effect": [28, 8, -3, 7, -1, 1, 18, 12], "error": [15, 10, 16, 11, 9, 11, 10, 18]})


def roaches() -> pd.DataFrame:
    table = stored("roaches")
    log_exposure = np.log(table.exposure2)
    return table.assign(
        roach100=table.roach1 / 100,
        logp1_roach1=np.log1p(table.roach1),
        log_exposure=log_exposure,
        less_exposure=-log_exposure,
    )


def wells() -> pd.DataFrame:
    table = stored("wells")
    return table.assign(dist100=table.dist / 100)


def ucb() -> pd.DataFrame:
    """With a column for each department: the book gives all six a level of their own, beside both genders."""
    table = stored("ucb")
    return table.assign(**{f"dept{one}": (table.dept == one).astype(int) for one in "ABCDEF"})


def penguins() -> pd.DataFrame:
    return data.load("sample:penguins").complete_rows(["body_mass_g", "flipper_length_mm", "sex"])


def nile() -> pd.DataFrame:
    from statsmodels.datasets import nile

    return nile.load_pandas().data.rename(columns=str)


def spector() -> pd.DataFrame:
    from statsmodels.datasets import spector

    return spector.load_pandas().data.astype({"GRADE": int, "PSI": int})


# -- answers by numerical integration ---------------------------------------------------------------------------------


def nile_likelihood(average: float, average_sd: float) -> Callable[[float, float], float]:
    """Return the log likelihood of a drifting level, given its drift and noise as standard deviations.

    The level is integrated out: the flows are normal, with a covariance of average, walk around it, and noise.
    """
    from scipy.linalg import cho_factor, cho_solve

    y = nile().volume.to_numpy(float) - average
    at = np.arange(len(y))
    free = np.minimum.outer(at, at)
    walk = free - free.mean(0) - free.mean(1)[:, None] + free.mean()

    def value(drift: float, noise: float) -> float:
        factor = cho_factor(average_sd**2 + drift**2 * walk + noise**2 * np.eye(len(y)))
        return float(-np.log(np.diag(factor[0])).sum() - y @ cho_solve(factor, y) / 2)

    return value


def nile_maximum() -> dict[str, float]:
    """Return the variances that make the flows likeliest, with nothing known of the first level."""
    from scipy.optimize import minimize

    likelihood = nile_likelihood(919, 1e5)
    best = minimize(
        lambda at: -likelihood(*np.exp(at)),
        np.log([40, 120]),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9},
    )
    drift, noise = np.exp(best.x)
    return {"observation variance": noise**2, "level variance": drift**2}


def nile_posterior() -> dict[str, tuple[float, float]]:
    """Integrate over a grid, under the half-normal priors of the case."""
    likelihood = nile_likelihood(919, 423)
    drifts, noises = np.linspace(0.5, 180, 120), np.linspace(70, 190, 100)
    log = np.array([[likelihood(d, n) - (d / 85) ** 2 / 2 - (n / 170) ** 2 / 2 for n in noises] for d in drifts])
    weight = np.exp(log - log.max())
    weight /= weight.sum()

    def moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
        mean = float(values @ weights)
        return mean, float(np.sqrt((values - mean) ** 2 @ weights))

    return {"drift_sd": moments(drifts, weight.sum(1)), "noise_sd": moments(noises, weight.sum(0))}


def coal_posterior() -> dict[str, tuple[float, float]]:
    """Sum over the last year before the change: given it, both rates are Gamma, for their priors are exponential."""
    from scipy.special import gammaln

    y = stored("coal").disasters.to_numpy()
    years = np.arange(1, len(y))  # before the change
    rest = len(y) - years
    events, others = y.cumsum()[:-1] + 1, y.sum() - y.cumsum()[:-1] + 1
    log = gammaln(events) - events * np.log(years + 0.586) + gammaln(others) - others * np.log(rest + 0.586)
    weight = np.exp(log - log.max()) / np.exp(log - log.max()).sum()

    def mixed(means: np.ndarray, variances: np.ndarray | float) -> tuple[float, float]:
        mean = float(weight @ means)
        return mean, float(np.sqrt(weight @ (variances + (means - mean) ** 2)))

    early, late = events / (years + 0.586), others / (rest + 0.586)
    return {
        "early": mixed(early, early / (years + 0.586)),
        "late": mixed(late, late / (rest + 0.586)),
        "year": mixed(1850.0 + years, 0.0),
    }


LOG_ODDS = np.linspace(-7, 5, 4001)


def baseball_likelihood() -> tuple[np.ndarray, np.ndarray]:
    """The prior over a grid of log-odds, Normal(-1, 1), and how likely each player's hits are there."""
    from scipy.stats import binom, norm

    table = stored("bball1970")
    share = 1 / (1 + np.exp(-LOG_ODDS))
    prior = norm.pdf(LOG_ODDS, -1, 1)
    return prior / prior.sum(), binom.pmf(table.Hits.to_numpy()[:, None], table.AB.to_numpy()[:, None], share)


def baseball_posterior() -> dict[str, tuple[float, float]]:
    """Integrate over the log-odds of each player; without pooling, no player tells of another."""
    prior, likely = baseball_likelihood()
    weight = prior * likely
    weight /= weight.sum(1, keepdims=True)
    means = weight @ LOG_ODDS
    spreads = np.sqrt((weight * (LOG_ODDS - means[:, None]) ** 2).sum(1))
    players = stored("bball1970").Player
    return {name: (float(mean), float(sd)) for name, mean, sd in zip(players, means, spreads, strict=True)}


def baseball_left_out() -> np.ndarray:
    """How much worse the prior predicts each player than the others do, if all are alike; on the log scale."""
    prior, likely = baseball_likelihood()
    others = np.exp(np.log(likely).sum(0) - np.log(likely))
    by_others = prior * others / (prior * others).sum(1, keepdims=True)
    return np.log((prior * likely).sum(1)) - np.log((by_others * likely).sum(1))


def beta(yes: int, tried: int) -> tuple[float, float]:
    """Mean and standard deviation of a share whose prior was flat."""
    from scipy.stats import beta

    posterior = beta(yes + 1, tried - yes + 1)
    return float(posterior.mean()), float(posterior.std())


def two_shares() -> dict[str, tuple[float, float]]:
    (first, spread), (second, other) = beta(40, 400), beta(62, 410)
    return {"A": (first, spread), "B": (second, other), "B - A": (second - first, float(np.hypot(spread, other)))}


def gamma_rate() -> dict[str, tuple[float, float]]:
    """A flat prior on the logarithm of a rate makes it Gamma(events, exposure) (Gelman et al. 2013, BDA3, 2.6)."""
    return {"rate": (47 / 120, float(np.sqrt(47)) / 120)}


# -- priors ----------------------------------------------------------------------------------------------------------


def normal(mu: float, sigma: float) -> dict:
    return {"dist": "Normal", "mu": mu, "sigma": sigma}


FLAT = normal(0, 1e7)


def flat(*terms: str, sigma: dict | None = None) -> dict:
    """Flat priors, written as very wide normals; that of sigma may be given."""
    return {"Intercept": FLAT, **dict.fromkeys(terms, FLAT)} | ({"sigma": sigma} if sigma else {})


def half_normal(sigma: float) -> dict:
    return {"dist": "HalfNormal", "sigma": sigma}


CAUCHY = {"dist": "HalfCauchy", "beta": 2.5}


# -- cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A fitted case."""

    analysis: Analysis
    table: pd.DataFrame
    model: object
    dt: object

    def draws(self, name: str) -> np.ndarray:
        """Return the draws of ``variable`` or ``variable[level]``, shape (chains, draws)."""
        variable, _, level = name.partition("[")
        values = self.dt["posterior"][variable]
        if level:
            (dimension,) = set(values.dims) - {"chain", "draw"}
            levels = [str(one) for one in values[dimension].values]
            values = values.isel({dimension: levels.index(level.rstrip("]"))})
        return np.asarray(values.transpose("chain", "draw"))


Quantity = str | Callable[[Any], np.ndarray]
"""The name of a parameter, or a function of the fit; for a mode, of the parameters at it."""


@dataclass(frozen=True)
class Case:
    """A published analysis: its choices, and what of its posterior was published."""

    id: str
    table: Callable[[], pd.DataFrame]
    choices: Mapping[str, object]
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    posteriordb: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    loo: bool = False
    mode: bool = False
    quick: bool = False
    exact: Callable[[], dict[str, tuple[float, float]]] | None = None
    """Mean and standard deviation of quantities, by numerical integration."""


def raw_intercept(*terms: str) -> Callable[[Fit], np.ndarray]:
    """The intercept where all columns are zero, of a model whose columns are centred."""
    return lambda fit: (
        fit.draws("Intercept") - sum(fit.draws(f"center({name})") * fit.table[name].mean() for name in terms)
    )


def effect(at: int) -> Callable[[Fit], np.ndarray]:
    """An answer as the model gives it, in place of a parameter."""

    def of(fit: Fit) -> np.ndarray:
        answers = catalog.get(fit.analysis.model).effects(fit.analysis, fit.table, fit.model, fit.dt)
        return answers[at].draws.reshape(DRAWS["chains"], -1)

    return of


def linear(name: str, table: Callable, outcome: str, terms: list[str], posteriordb: str, sigma: dict, **more) -> Case:
    """A linear regression of posteriordb, whose coefficients are beta[1], beta[2] and so on."""
    coefficients = ["Intercept", *terms]
    choices = {"question": "effect", "outcome": outcome, "predictors": terms, "model": "linear"}
    choices |= {"formula": f"{outcome} ~ {' + '.join(terms)}", "priors": flat(*terms, sigma=sigma)}
    found = {f"beta[{at}]": one for at, one in enumerate(coefficients, 1)} | {"sigma": "sigma"}
    return Case(name, table, choices, found, posteriordb, **more)


def blr(name: str) -> Case:
    terms = [f"x{k}" for k in range(1, 6)]
    choices = {"question": "effect", "outcome": "y", "predictors": terms, "model": "linear"}
    choices |= {"formula": f"y ~ 0 + {' + '.join(terms)}"}
    choices |= {"priors": dict.fromkeys(terms, normal(0, 10)) | {"sigma": half_normal(10)}}
    found = {f"beta[{k}]": f"x{k}" for k in range(1, 6)} | {"sigma": "sigma"}
    return Case(f"posteriordb-{name}", lambda: elsewhere(name), choices, found, f"{name}-blr")


def earn(name: str, outcome: str, terms: list[str], spread: float) -> Case:
    return linear(f"posteriordb-earnings-{name}", earnings, outcome, terms, f"earnings-{name}", half_normal(spread))


def work(name: str, hs: float | None, iq: float | None, scale: float = 0.0) -> Case:
    table = functools.partial(kidiq_shifted, hs, iq, scale)
    terms = ["mom_hs", "mom_iq", "inter"]
    return linear(
        f"posteriordb-kidiq-{name}",
        table,
        "kid_score",
        terms,
        f"kidiq_with_mom_work-kidscore_{name}",
        half_normal(2e3),
        kinds={"mom_hs": "continuous"},
    )


def kid(name: str, terms: list[str]) -> Case:
    return linear(f"posteriordb-kidiq-{name}", kidiq, "kid_score", terms, f"kidiq-kidscore_{name}", CAUCHY)


def mom_work() -> pd.DataFrame:
    table = elsewhere("kidiq_with_mom_work")
    return table.assign(**{f"work{k}": (table.mom_work == k).astype(int) for k in (2, 3, 4)})


def ros_kidiq(name: str, terms: list[str], quantities: dict[str, Quantity]) -> Case:
    """With the priors that rstanarm takes by default: 2.5 sd(y) / sd(x) for slopes, at the mean of the columns."""
    table = kidiq()
    spread = table.kid_score.std()
    centred = [f"center({one})" for one in terms]
    priors = {"Intercept": normal(table.kid_score.mean(), 2.5 * spread)}
    priors |= {f"center({one})": normal(0, 2.5 * spread / table[one].std()) for one in terms}
    priors |= {"sigma": {"dist": "Exponential", "lam": 1 / spread}}
    choices = {"question": "effect", "outcome": "kid_score", "predictors": terms, "model": "linear"}
    choices |= {"formula": f"kid_score ~ {' + '.join(centred)}", "priors": priors}
    return Case(f"ros-kidiq-{name}", kidiq, choices, quantities, loo=True)


ROACHES = ["roach100", "treatment", "senior"]


def roach_case(source: str, model: str, intercept: float, autoscale: bool) -> Case:
    """Counts of roaches; rstanarm's priors stand at the mean of the columns."""
    table = roaches()
    widths = {one: 2.5 / (table[one].std() if autoscale else 1) for one in ROACHES}
    priors = {"Intercept": normal(0, intercept)} | {f"center({one})": normal(0, widths[one]) for one in ROACHES}
    found: dict[str, Quantity] = {"(Intercept)": raw_intercept(*ROACHES)}
    found |= {one: f"center({one})" for one in ROACHES}
    if model == "negative-binomial":
        priors["alpha"] = {"dist": "Exponential", "lam": 1.0}
        found["reciprocal_dispersion"] = "alpha"
    choices = {"question": "rate", "outcome": "y", "predictors": ROACHES, "exposure": "exposure2", "model": model}
    right = " + ".join(f"center({one})" for one in ROACHES)
    choices |= {"formula": f"y ~ {right} + offset(np.log(exposure2))", "priors": priors}
    quantities = found if source == "ros" else {}
    return Case(f"{source}-roaches-{model}", roaches, choices, quantities, kinds={"y": "count"}, loo=True)


SESAME = {"watched": (0.775, 0.418455, 0.482902), "postlet": (26.741667, 13.375176, 0.482902)}
"""Mean and standard deviation of the outcome, and the latter of the encouragement: what rstanarm's priors come from."""


def sesame_case(name: str, outcome: str) -> Case:
    """What encouragement to watch did, with rstanarm's default priors; its data say how wide they are."""
    terms = ["encouraged"]
    choices = {"question": "effect", "outcome": outcome, "predictors": terms, "model": "linear"}
    choices |= {"formula": f"{outcome} ~ center(encouraged)"}
    mean, sd, spread = SESAME[outcome]
    priors = {"Intercept": normal(mean, 2.5 * sd), "center(encouraged)": normal(0, 2.5 * sd / spread)}
    choices |= {"priors": priors | {"sigma": {"dist": "Exponential", "lam": 1 / sd}}}
    found = {"(Intercept)": raw_intercept(*terms), "encouraged": "center(encouraged)", "sigma": "sigma"}
    return Case(f"ros-sesame-{name}", lambda: elsewhere("sesame"), choices, found, kinds={outcome: "continuous"})


ZI = ["logp1_roach1", "treatment", "senior"]


def zero_inflated_roaches() -> Case:
    """The model of brms; its zi is the chance of an extra zero, our psi that of a count, so that signs are turned."""
    right = " + ".join(f"center({one})" for one in ZI)
    formula = [f"y ~ {right} + offset(log_exposure)", f"psi ~ {right} + offset(less_exposure)"]
    priors = {f"center({one})": normal(0, 1) for one in ZI} | {f"psi_center({one})": FLAT for one in ZI}
    priors |= {"Intercept": {"dist": "StudentT", "nu": 3, "mu": 1.1, "sigma": 2.5}}
    priors |= {"psi_Intercept": {"dist": "StudentT", "nu": 9, "mu": 0, "sigma": 1.55}}  # near the logistic of brms
    priors |= {"alpha": {"dist": "Gamma", "alpha": 0.01, "beta": 0.01}}
    choices = {"question": "rate", "outcome": "y", "predictors": ZI, "model": "zero-inflated-negative-binomial"}
    found = {"(Intercept)": raw_intercept(*ZI)} | {one: f"center({one})" for one in ZI} | {"shape": "alpha"}
    found["zi_Intercept"] = lambda fit: (
        sum(fit.draws(f"psi_center({one})") * fit.table[one].mean() for one in ZI) - fit.draws("psi_Intercept")
    )
    found |= {f"zi_{one}": functools.partial(lambda name, fit: -fit.draws(f"psi_center({name})"), one) for one in ZI}
    choices |= {"formula": formula, "priors": priors}
    return Case("ros-roaches-zero-inflated", roaches, choices, found, kinds={"y": "count"}, loo=True)


def wells_case(name: str, terms: list[str]) -> Case:
    prior = {"dist": "StudentT", "nu": 7, "mu": 0, "sigma": 2.5}
    centred = [f"center({one})" for one in terms]
    choices = {"question": "effect", "outcome": "switch", "predictors": terms, "model": "logistic"}
    choices |= {"formula": f"switch ~ {' + '.join(centred)}", "priors": dict.fromkeys(["Intercept", *centred], prior)}
    return Case(f"rstanarm-wells-{name}", wells, choices, kinds={"switch": "binary"}, loo=True)


def baseball_case(name: str, right: str, priors: dict, **more) -> Case:
    choices = {"question": "effect", "outcome": "Hits", "trials": "AB", "predictors": ["Player"], "model": "binomial"}
    choices |= {"formula": f"p(Hits, AB) ~ {right}", "priors": priors}
    if "|" in right:
        choices |= {"question": "compare-many", "predictors": [], "groups": ["Player"]}
    kinds = {"Hits": "count", "AB": "count", "Player": "group"}
    return Case(f"rstanarm-baseball-{name}", lambda: stored("bball1970"), choices, kinds=kinds, loo=True, **more)


DEPARTMENTS = [f"dept{one}" for one in "ABCDEF"]


def ucb_case(name: str, right: str, priors: dict, quantities: dict[str, Quantity]) -> Case:
    choices = {"question": "effect", "outcome": "admit", "trials": "applications", "model": "binomial"}
    choices |= {"predictors": ["gender", *(DEPARTMENTS if "dept" in right else [])], "priors": priors}
    choices |= {"formula": f"p(admit, applications) ~ {right}"}
    kinds = {"admit": "count", "applications": "count", "gender": "binary"}
    return Case(f"mcelreath-ucb-{name}", ucb, choices, quantities, kinds=kinds)


def sleep_case(source: str, model: str, formula: str, priors: dict, quantities: dict[str, Quantity]) -> Case:
    choices = {"question": "change-over-time", "outcome": "Reaction", "predictors": ["Days"], "groups": ["Subject"]}
    choices |= {"model": model, "priors": priors} | ({"formula": formula} if formula else {})
    table = lambda: data.load("sample:sleepstudy").complete_rows(["Reaction", "Days", "Subject"])  # noqa: E731
    return Case(f"{source}-sleepstudy", table, choices, quantities, kinds={"Subject": "group"})


def ovarian_case() -> Case:
    """Weibull waiting times: our intercept is the logarithm of the median of a typical row, in standard deviations."""
    table = stored("ovarian")
    centre, spread = table[["ecog", "rx"]].mean().to_numpy(), table[["ecog", "rx"]].std().to_numpy()
    choices = {"question": "survival", "outcome": "futime", "event": "fustat", "predictors": ["ecog", "rx"]}
    choices |= {"model": "survival-weibull"}
    choices |= {
        "priors": {"Intercept": normal(6, 1e7), "slope": FLAT, "shape": {"dist": "Uniform", "lower": 0, "upper": 4}}
    }
    found: dict[str, Quantity] = {
        "(Intercept)": lambda at: at["Intercept"] - np.log(np.log(2)) / at["shape"] - at["slope"] / spread @ centre,
        "ecog": lambda at: at["slope"][0] / spread[0],
        "rx": lambda at: at["slope"][1] / spread[1],
        "scale": lambda at: 1 / at["shape"],
    }
    kinds = {"futime": "duration", "fustat": "binary", "ecog": "continuous", "rx": "continuous"}
    return Case("ovarian", lambda: stored("ovarian"), choices, found, kinds=kinds, mode=True)


CASES = (
    Case(
        "posteriordb-eight-schools",
        eight_schools,
        {"question": "combine", "outcome": "effect", "standard_error": "error", "model": "meta-analysis"}
        | {"priors": {"average": normal(0, 5), "between_studies": {"dist": "HalfCauchy", "beta": 5}}},
        {"mu": "average", "tau": "between_studies"} | {f"theta[{at}]": f"study[{at - 1}]" for at in range(1, 9)},
        "eight_schools-eight_schools_noncentered",
        kinds={"effect": "continuous", "error": "standard_error"},
        quick=True,
    ),
    kid("momhs", ["mom_hs"]),
    kid("momiq", ["mom_iq"]),
    kid("momhsiq", ["mom_hs", "mom_iq"]),
    kid("interaction", ["mom_hs", "mom_iq", "inter"]),
    work("interaction_c", None, None),
    work("interaction_c2", 0.5, 100),
    work("interaction_z", None, None, 2),
    linear(
        "posteriordb-kidiq-mom_work",
        mom_work,
        "kid_score",
        ["work2", "work3", "work4"],
        "kidiq_with_mom_work-kidscore_mom_work",
        half_normal(2e3),
    ),
    earn("earn_height", "earn", ["height"], 2e6),
    earn("log10earn_height", "log10_earn", ["height"], 50),
    earn("logearn_height", "log_earn", ["height"], 100),
    earn("logearn_height_male", "log_earn", ["height", "male"], 100),
    earn("logearn_interaction", "log_earn", ["height", "male", "inter"], 100),
    earn("logearn_interaction_z", "log_earn", ["z", "male", "z_inter"], 100),
    earn("logearn_logheight_male", "log_earn", ["log_height", "male"], 100),
    Case(
        "posteriordb-kilpisjarvi",
        lambda: elsewhere("kilpisjarvi"),
        {"question": "effect", "outcome": "temperature", "predictors": ["year"], "model": "linear"}
        | {"formula": "temperature ~ year"}
        | {
            "priors": {"Intercept": normal(9.31290322580645, 100), "year": normal(0, 1 / 30)}
            | {"sigma": half_normal(100)}
        },
        {"alpha": "Intercept", "beta": "year", "sigma": "sigma"},
        "kilpisjarvi_mod-kilpisjarvi",
    ),
    blr("sblrc"),
    blr("sblri"),
    Case(
        "posteriordb-arK",
        ark,
        {"question": "effect", "outcome": "y", "predictors": [f"lag{k}" for k in range(1, 6)], "model": "linear"}
        | {"formula": "y ~ lag1 + lag2 + lag3 + lag4 + lag5"}
        | {
            "priors": dict.fromkeys(["Intercept", *(f"lag{k}" for k in range(1, 6))], normal(0, 10)) | {"sigma": CAUCHY}
        },
        {"alpha": "Intercept", "sigma": "sigma"} | {f"beta[{k}]": f"lag{k}" for k in range(1, 6)},
        "arK-arK",
    ),
    Case(
        "penguins",
        penguins,
        {"question": "effect", "outcome": "body_mass_g", "predictors": ["flipper_length_mm", "sex"], "model": "linear"}
        | {"formula": "body_mass_g ~ flipper_length_mm + sex"}
        | {"priors": flat("flipper_length_mm", "sex", sigma=half_normal(1e5))}
        | {"variables": {"sex": {"reference": "female"}}},
        {"Intercept": "Intercept", "flipper_length_mm": "flipper_length_mm", "sex male": "sex[male]"},
    ),
    Case(
        "penguins-by-default",
        penguins,
        {"question": "effect", "outcome": "body_mass_g", "predictors": ["flipper_length_mm", "sex"], "model": "linear"}
        | {"variables": {"sex": {"reference": "female"}}},
        {"flipper_length_mm": effect(0), "sex male": effect(1)},
        quick=True,
    ),
    Case(
        "share",
        lambda: pd.DataFrame({"yes": [20, 17], "asked": [25, 25]}),
        {"question": "share", "outcome": "yes", "trials": "asked", "model": "proportion"},
        {"share": "share_of_yes"},
        kinds={"yes": "count", "asked": "count"},
    ),
    Case(
        "two-shares",
        lambda: pd.DataFrame({"variant": ["A", "B"], "yes": [40, 62], "asked": [400, 410]}),
        {"question": "ab-test", "outcome": "yes", "trials": "asked", "predictors": ["variant"], "model": "ab-test"},
        {
            "A": "share_of_yes[A]",
            "B": "share_of_yes[B]",
            "B - A": lambda fit: fit.draws("share_of_yes[B]") - fit.draws("share_of_yes[A]"),
        },
        kinds={"yes": "count", "asked": "count", "variant": "binary"},
        exact=two_shares,
    ),
    Case(
        "one-rate",
        lambda: pd.DataFrame({"events": [9, 21, 17], "hours": [30.0, 50.0, 40.0]}),
        {"question": "rate", "outcome": "events", "exposure": "hours", "model": "poisson"}
        | {"formula": "events ~ 1 + offset(np.log(hours))", "priors": {"Intercept": FLAT}},
        {"rate": lambda fit: np.exp(fit.draws("Intercept"))},
        kinds={"events": "count"},
        exact=gamma_rate,
    ),
    ros_kidiq("hs", ["mom_hs"], {}),
    ros_kidiq("hs-iq", ["mom_hs", "mom_iq"], {}),
    ros_kidiq(
        "interaction",
        ["mom_hs", "mom_iq", "inter"],
        {"(Intercept)": raw_intercept("mom_hs", "mom_iq", "inter"), "mom_hs": "center(mom_hs)", "sigma": "sigma"},
    ),
    roach_case("ros", "negative-binomial", 2.5, autoscale=True),
    roach_case("ros", "poisson", 2.5, autoscale=True),
    roach_case("rstanarm", "negative-binomial", 5.0, autoscale=False),
    roach_case("rstanarm", "poisson", 5.0, autoscale=False),
    zero_inflated_roaches(),
    sesame_case("watched", "watched"),
    sesame_case("letters", "postlet"),
    wells_case("distance", ["dist100"]),
    wells_case("distance-arsenic", ["dist100", "arsenic"]),
    baseball_case("complete", "1", {"Intercept": normal(-1, 1)}),
    baseball_case(
        "none",
        "0 + Player",
        {"Player": normal(-1, 1)},
        quantities={name: f"Player[{name}]" for name in stored("bball1970").Player},
        exact=baseball_posterior,
    ),
    baseball_case(
        "partial", "1 + (1 | Player)", {"Intercept": normal(-1, 1), "1|Player": {"dist": "Exponential", "lam": 1.0}}
    ),
    Case(
        "mcelreath-howell",
        lambda: elsewhere("howell"),
        {"question": "effect", "outcome": "height", "predictors": ["weight"], "model": "linear"}
        | {"formula": "height ~ center(weight)"}
        | {
            "priors": {
                "Intercept": normal(178, 20),
                "center(weight)": {"dist": "LogNormal", "mu": 0, "sigma": 1},
                "sigma": {"dist": "Uniform", "lower": 0, "upper": 50},
            }
        },
        {"a": "Intercept", "b": "center(weight)", "sigma": "sigma"},
    ),
    ucb_case("gender", "0 + gender", {"gender": normal(0, 1.5)}, {"male": "gender[male]", "female": "gender[female]"}),
    ucb_case(
        "department",
        f"0 + gender + {' + '.join(DEPARTMENTS)}",
        {"gender": normal(0, 1.5), **dict.fromkeys(DEPARTMENTS, normal(0, 1.5))},
        {"male - female": lambda fit: fit.draws("gender[male]") - fit.draws("gender[female]")},
    ),
    sleep_case(
        "rstanarm",
        "correlated-slopes",
        "",
        {one: {"dist": "Exponential", "lam": 1 / 26} for one in ("level_sd", "slope_sd")},  # as decov, at its sigma
        {
            "(Intercept)": lambda fit: fit.draws("Intercept") - fit.draws("slope[Days]") * fit.table.Days.mean(),
            "Days": "slope[Days]",
            "sigma": "sigma",
        },
    ),
    sleep_case(
        "lme4",
        "varying-slopes",
        "Reaction ~ Days + (Days | Subject)",
        {"Intercept": FLAT, "Days": FLAT},
        {"(Intercept)": "Intercept", "Days": "Days"},
    ),
    Case(
        "spector",
        spector,
        {"question": "effect", "outcome": "GRADE", "predictors": ["GPA", "TUCE", "PSI"], "model": "logistic"}
        | {"formula": "GRADE ~ GPA + TUCE + PSI", "priors": flat("GPA", "TUCE", "PSI")},
        {"(Intercept)": "Intercept", "GPA": "GPA", "TUCE": "TUCE", "PSI": "PSI"},
        kinds={"GRADE": "binary", "PSI": "binary"},
        mode=True,
    ),
    ovarian_case(),
    Case(
        "nile",
        nile,
        {"question": "trend", "outcome": "volume", "time": "year", "model": "local-level"}
        | {"priors": {"average_level": normal(919, 423), "drift_sd": half_normal(85), "noise_sd": half_normal(170)}},
        {"noise_sd": "noise_sd", "drift_sd": "drift_sd"},
        kinds={"year": "count", "volume": "positive"},
        exact=lambda: nile_posterior(),
    ),
    Case(
        "coal",
        lambda: stored("coal"),
        {"question": "change-point", "outcome": "disasters", "time": "year", "model": "change-point-count"}
        | {"priors": {one: {"dist": "Exponential", "lam": 0.586} for one in ("before", "after")}},
        {"early": "before", "late": "after", "year": lambda fit: effect(0)(fit) - 1},
        kinds={"disasters": "count", "year": "count"},
        exact=coal_posterior,
    ),
)
BY_ID = {case.id: case for case in CASES}


# -- fits ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What a case gave: draws of each quantity, or its value where the posterior has its mode, and its predictive
    density (expected log density, effective parameters, and what every row adds to the first)."""

    draws: Mapping[str, np.ndarray]
    loo: tuple[float, float, np.ndarray] | None


@functools.cache
def found(name: str) -> Found:
    """Fit a case once, however many of its figures are asked."""
    case = BY_ID[name]
    analysis, table, model = prepared(case)
    if case.mode:
        return Found(at_mode(case, catalog.pymc_model(model)), None)
    fit = Fit(analysis, table, model, samplers.fit(model, **DRAWS))
    draws = {
        quantity: fit.draws(ours) if isinstance(ours, str) else ours(fit) for quantity, ours in case.quantities.items()
    }
    return Found(draws, predictive_density(fit) if case.loo else None)


def prepared(case: Case) -> tuple[Analysis, pd.DataFrame, object]:
    """Build the model of a case from a file, as a notebook does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        case.table().to_csv(path, index=False)
        asked = Analysis.of({"data": str(path), "kinds": dict(case.kinds), **case.choices})
        dataset = data.load(str(path), asked.kinds, variables=asked.variables)
    analysis = catalog.complete(asked, dataset)
    table = dataset.complete_rows(analysis.columns)
    return analysis, table, catalog.build(analysis, table)


def at_mode(case: Case, model: object) -> dict[str, np.ndarray]:
    """Return the quantities where the posterior density of the parameters themselves is highest."""
    import pymc as pm

    highest = pm.find_MAP(model=model, progressbar=False)
    return {
        quantity: np.asarray(highest[ours] if isinstance(ours, str) else ours(highest))
        for quantity, ours in case.quantities.items()
    }


def predictive_density(fit: Fit) -> tuple[float, float, np.ndarray]:
    """Leave one out by Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017, arXiv:1507.04544)."""
    import arviz_stats
    import pymc as pm

    model = catalog.pymc_model(fit.model)
    dt = pm.compute_log_likelihood(with_offsets(fit.dt, model), model=model, progressbar=False)
    loo = arviz_stats.loo(dt, pointwise=True)
    return float(loo.elpd), float(loo.p), np.asarray(loo.elpd_i).ravel()


def with_offsets(dt: object, model: object) -> object:
    """Put back the standardised effects of groups, which are not kept: effects over their standard deviation."""
    posterior = dt["posterior"].to_dataset()
    names = [one.name.removesuffix("_offset") for one in model.free_RVs if one.name.endswith("_offset")]
    dt = dt.copy()
    dt["posterior"] = posterior.assign(
        {f"{name}_offset": posterior[name] / posterior[f"{name}_sigma"] for name in names}
    )
    return dt


# -- comparison ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One figure of the table that is printed at the end."""

    case: str
    quantity: str
    ours: float
    published: float
    difference: float
    error: float
    ours_sd: float = np.nan
    published_sd: float = np.nan
    inside: bool = True

    def __str__(self) -> str:
        ours, published = shown(self.ours, self.ours_sd), shown(self.published, self.published_sd)
        errors = f"{self.difference / self.error:+.1f}" if self.error > 0 else "–"
        return (
            f"{self.case:<62} {self.quantity:<24} {ours:>24} {published:>24} {errors:>8} "
            f"{'yes' if self.inside else 'NO'}"
        )


def shown(value: float, sd: float) -> str:
    return f"{value:.5g}" + ("" if np.isnan(sd) else f" ({sd:.3g})")


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit."""
    _, _, decimals = text.partition(".")
    return 0.5 * 10.0 ** -len(decimals)


def mcse(draws: np.ndarray, method: str) -> float:
    from arviz_stats.base import array_stats

    return float(array_stats.mcse(draws, method=method))


def against_reference(case: str, row: Mapping[str, str], draws: np.ndarray) -> Line:
    """Hold draws against the summary of reference draws or a closed form."""
    mean, sd, theirs = float(row["mean"]), float(row["sd"]), float(row.get("mcse") or 0)
    difference, ours_sd = draws.mean() - mean, float(draws.std(ddof=1))
    inside = abs(difference) <= 0.1 * sd and 0.9 <= ours_sd / sd <= 1.1
    error = float(np.hypot(mcse(draws, "mean"), theirs))
    return Line(case, row["parameter"], draws.mean(), mean, difference, error, ours_sd, sd, inside)


def against_print(case: str, row: Mapping[str, str], draws: np.ndarray) -> Line:
    """Hold draws against a figure of a printed table."""
    statistic, value = row["statistic"], float(row["value"])
    if statistic in ("mode", "maximum"):
        ours = float(draws)
        searched = 1e-4 * abs(value) if statistic == "maximum" else 0.0  # how far their search went, it flattens out
        inside = abs(ours - value) <= half_unit(row["value"]) + searched
        return Line(case, row["quantity"], ours, value, ours - value, 0.0, inside=inside)
    method = "median" if statistic == "median" else "mean"
    ours, ours_sd = float(getattr(np, method)(draws)), float(draws.std(ddof=1))
    sd = float(row["sd"]) if row["sd"] else np.nan
    near = abs(ours - value) <= half_unit(row["value"]) + 0.15 * (ours_sd if np.isnan(sd) else sd)
    alike = np.isnan(sd) or statistic == "location" or abs(ours_sd - sd) <= 0.15 * sd + half_unit(row["sd"])
    return Line(
        case, row["quantity"], ours, value, ours - value, mcse(draws, method), ours_sd, sd, bool(near and alike)
    )


def against_density(case: str, row: Mapping[str, str]) -> Line:
    """Hold an expected log predictive density, or the difference of two, against a printed one."""
    names = case.split(" - ")
    densities = [found(name).loo for name in names]
    value, sd = float(row["value"]), float(row["sd"]) if row["sd"] else np.nan
    if row["statistic"] == "p_loo":
        ours, ours_sd = densities[0][1], np.nan
    else:
        rows = densities[0][2] - (densities[1][2] if len(names) == 2 else 0)
        ours, ours_sd = float(rows.sum()), float(np.sqrt(len(rows) * rows.var(ddof=1)))
    allowed = max(0.5, 0.05 * sd) if row["statistic"] == "elpd_diff" else 0.5
    inside = abs(ours - value) <= allowed and (np.isnan(sd) or abs(ours_sd - sd) <= 0.15 * sd + half_unit(row["sd"]))
    return Line(case, row["quantity"], ours, value, ours - value, 0.0, ours_sd, sd, bool(inside))


def references(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def lines_of(name: str) -> list[Line]:
    """Compare everything that was published on a case."""
    case = BY_ID.get(name)
    lines = []
    if case and case.posteriordb:
        rows = [row for row in references("posteriordb") if row["posterior"] == case.posteriordb]
        lines += [against_reference(name, row, found(name).draws[row["parameter"]]) for row in rows]
    for quantity, (mean, sd) in (case.exact() if case and case.exact else {}).items():
        closed = {"parameter": quantity, "mean": str(mean), "sd": str(sd)}
        lines.append(against_reference(name, closed, found(name).draws[quantity]))
    for row in (row for row in references("printed") if row["case"] == name):
        if row["statistic"] in ("elpd", "elpd_diff", "p_loo"):
            lines.append(against_density(name, row))
        elif row["statistic"] == "exact":
            closed = {"parameter": row["quantity"], "mean": row["value"], "sd": row["sd"]}
            lines.append(against_reference(name, closed, found(name).draws[row["quantity"]]))
        else:
            lines.append(against_print(name, row, found(name).draws[row["quantity"]]))
    return lines


# -- tests -----------------------------------------------------------------------------------------------------------


def everything() -> list[object]:
    """All cases, and the pairs of cases whose difference was published, with their marks."""
    asked = [case.id for case in CASES if case.posteriordb]
    asked += [case.id for case in CASES if case.exact]
    asked += [row["case"] for row in references("printed") if row["statistic"] != "maximum"]
    return [pytest.param(name, marks=marks(name)) for name in dict.fromkeys(asked)]


NO_POOLING = "rstanarm-baseball-none - rstanarm-baseball-complete"
REFUTED = {
    NO_POOLING: (
        "Printed as -6.0 (2.6), but all 18 Pareto k exceed 0.7: every player's level rests on the one row that is left"
        " out. Exact leave-one-out is -10.66 (2.32); rstanarm 2.21.3 run again gave -7.1, ours -6.9 to -7.3."
    )
}
"""Published figures that are not right, with what was found instead."""


def marks(name: str) -> list[pytest.MarkDecorator]:
    cases = [BY_ID[one] for one in name.split(" - ")]
    slow = [] if all(case.quick for case in cases) else [pytest.mark.slow]
    if name in REFUTED:
        slow.append(pytest.mark.xfail(strict=True, raises=AssertionError, reason=REFUTED[name]))
    return slow


@pytest.fixture(scope="module")
def printed(request: pytest.FixtureRequest):
    """Collect the figures, and print them as one table when all cases have run."""
    lines: list[Line] = []
    yield lines
    head = f"{'case':<62} {'quantity':<24} {'ours (sd)':>24} {'published (sd)':>24} {'in MCSE':>8} inside"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("", head, *lines, sep="\n")


@pytest.mark.parametrize("name", everything())
def test_what_was_published_is_found_again(name, printed):
    lines = lines_of(name)
    printed += lines
    assert lines
    assert not [str(line) for line in lines if not line.inside]


def test_the_likeliest_variances_of_the_nile_are_the_published_ones(printed):
    """So that the integral that the draws are held against is the model that was published."""
    ours = nile_maximum()
    for row in (row for row in references("printed") if row["case"] == "nile-maximum"):
        line = against_print("nile-maximum", row, np.asarray(ours[row["quantity"]]))
        printed.append(line)
        assert line.inside, str(line)


def test_no_pooling_costs_more_than_was_printed():
    """Leaving a player out exactly: without pooling, what is left to predict him is the prior."""
    ours = baseball_left_out()
    assert ours.sum() == pytest.approx(-10.66, abs=0.01)
    (row,) = (row for row in references("printed") if row["case"] == NO_POOLING)
    assert abs(ours.sum() - float(row["value"])) > 0.5


def test_every_case_has_figures_and_every_figure_a_case():
    asked = {row["case"] for row in references("printed") if row["statistic"] != "maximum"}
    assert {one for name in asked for one in name.split(" - ")} <= set(BY_ID)
    for case in (case for case in CASES if not case.exact):
        figures = {row["quantity"] for row in references("printed") if row["case"] == case.id}
        figures |= {row["parameter"] for row in references("posteriordb") if row["posterior"] == case.posteriordb}
        assert figures - {"elpd_loo", "p_loo"} == set(case.quantities), case.id
