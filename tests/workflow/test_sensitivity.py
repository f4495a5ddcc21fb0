"""Sensitivity: power-scaling and rival priors agree with what is known exactly, and conclusions that flip are named."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import modelcompose as mc
from modelcompose import catalog, samplers
from modelcompose.analysis import Analysis
from modelcompose.workflow import sensitivity as step
from modelcompose.workflow.policy import default
from modelcompose.workflow.rivals import flips, rival_widths
from modelcompose.workflow.scaling import power_scaled, top_level

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


COUNT = 8000


class Conjugate:
    """The mean of normal rows with known spread 1 under a normal prior: every power of prior or data is known."""

    def __init__(self, mean, rows, prior_mean, prior_sd):
        self.mean, self.rows, self.prior_mean, self.prior_sd = mean, rows, prior_mean, prior_sd

    def posterior(self, prior_power=1.0, data_power=1.0):
        precision = prior_power / self.prior_sd**2 + data_power * self.rows
        weighted = prior_power * self.prior_mean / self.prior_sd**2 + data_power * self.rows * self.mean
        return stats.norm(weighted / precision, precision**-0.5)

    def draws(self, count, seed=0):
        """DataTree of independent draws with their log prior and log likelihood."""
        # Evenly spaced in probability, then shuffled: the distribution itself, nearly without Monte Carlo error.
        even = self.posterior().ppf((np.arange(count) + 0.5) / count)
        draws = np.random.default_rng(seed).permutation(even).reshape(4, -1)
        likelihood = -0.5 * self.rows * (draws - self.mean) ** 2
        coords = {"chain": range(4), "draw": range(draws.shape[1])}
        both = ("chain", "draw")
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset(
                    {"value": ((*both, "quantity"), draws[..., None])}, {**coords, "quantity": ["mean"]}
                ),
                "log_prior": xr.Dataset(
                    {"mean": (both, stats.norm(self.prior_mean, self.prior_sd).logpdf(draws))}, coords
                ),
                "log_likelihood": xr.Dataset({"y": (both, likelihood)}, coords),
            }
        )

    def exact(self, part):
        """The gradient of the cumulative Jensen-Shannon distance, by numerical integration over the draws' range."""
        base = self.posterior()
        grid = np.linspace(*base.ppf([0.5 / COUNT, 1 - 0.5 / COUNT]), 100_001)
        found = []
        for power in (0.99, 1.01):
            other = self.posterior(**{f"{part}_power": power})
            either = distance(base.cdf(grid), other.cdf(grid), grid), distance(base.sf(grid), other.sf(grid), grid)
            found.append(max(either) / abs(np.log2(power)))
        return float(np.mean(found))


def distance(p, q, grid):
    """Return the symmetrised cumulative Jensen-Shannon distance, normalised (Kallioinen et al. 2024, equation 8)."""

    def one(p, q):
        middle = 0.5 * (p + q)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = np.nan_to_num(p * np.log2(p / middle)) + 0.5 / np.log(2) * (q - p)
        return np.trapezoid(inside, grid)

    total = one(p, q) + one(q, p)
    bound = np.trapezoid(p, grid) + np.trapezoid(q, grid)
    return float(np.sqrt(max(total, 0) / bound))


@pytest.mark.parametrize(
    ("case", "conflict"),
    [
        (Conjugate(0.0, 20, 0.0, 10.0), ""),
        (Conjugate(0.0, 20, 3.0, 0.3), "disagree"),
        (Conjugate(0.0, 1, 0.0, 0.1), ""),
    ],
    ids=["vague prior", "conflict", "little data"],
)
def test_power_scaling_agrees_with_the_closed_form(case, conflict):
    found = power_scaled(case.draws(COUNT))["sensitivity"].sel(quantity="mean")
    for part, component in (("prior", "prior"), ("data", "likelihood")):
        assert float(found.sel(component=component)) == pytest.approx(case.exact(part), rel=0.05, abs=0.002), part
    assert conflict in step._diagnosis(*map(float, found.values), default())


def test_the_three_diagnoses():
    rules = default()
    assert step._diagnosis(0.01, 0.3, rules) == ""
    assert "disagree" in step._diagnosis(0.2, 0.2, rules)
    assert "data say little" in step._diagnosis(0.2, 0.01, rules)
    assert "not known" in step._diagnosis(0.2, np.nan, rules)


def hierarchy(rows=24):
    import pymc as pm

    y = np.random.default_rng(3).normal(1.0, 1.0, rows)
    with pm.Model() as model:
        centre = pm.Normal("centre", 0, 0.5)
        spread = pm.HalfNormal("spread", 2)
        share = pm.Beta("share", 2, 2)
        groups = pm.Normal("groups", centre, spread, shape=4)
        z = pm.Normal("z", 0, 1, shape=4)
        pm.Deterministic("moved", spread * z)
        pm.Normal("y", groups[np.arange(rows) % 4] + share + spread * z[np.arange(rows) % 4], 1.0, observed=y)
    return model


def test_only_priors_that_stand_on_their_own_are_scaled():
    assert sorted(top_level(hierarchy())) == ["centre", "share", "spread"]


def test_widths_are_multiplied_and_the_model_given_is_not_changed():
    import pymc as pm

    model = hierarchy()
    before = model.compile_logp()(model.initial_point(1))
    wide = rival_widths(model)
    assert sorted(wide.scaled) == ["centre", "spread"]
    assert wide.left == ["share"]  # a beta distribution has no width to itself
    pm.set_data({"prior width": 3.0}, model=wide.model)
    centre, spread = pm.draw([wide.model["centre"], wide.model["spread"]], 4000, random_seed=1)
    assert centre.std() == pytest.approx(1.5, rel=0.05)
    assert spread.std() == pytest.approx(6 * np.sqrt(1 - 2 / np.pi), rel=0.06)
    assert "prior width" not in model.named_vars
    assert model.compile_logp()(model.initial_point(1)) == before
    pm.set_data({"prior width": 1.0}, model=wide.model)
    assert wide.model.compile_logp()(wide.model.initial_point(1)) == pytest.approx(float(before))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A regression with twenty rows and a prior of one's own that contradicts them."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=20)
    path = tmp_path_factory.mktemp("data") / "line.csv"
    lines = [f"{a:.4f},{b:.4f}" for a, b in zip(x, 1 + 2 * x + rng.normal(size=20), strict=True)]
    path.write_text("\n".join(["x,y", *lines]))
    chosen = {
        "data": str(path),
        "kinds": {"x": "continuous", "y": "continuous"},
        "question": "effect",
        "outcome": "y",
        "predictors": ["x"],
        "model": "linear",
        "draws": 500,
        "tune": 500,
        "on_fail": "warn",
        "random_seed": 4,
    }
    return mc.load(str(path), chosen["kinds"]), chosen


def judged(dataset, choices, tmp_path):
    analysis = mc.complete(Analysis.of(choices), dataset)
    table, _ = dataset.rows(analysis)
    model = mc.build(analysis, table)
    dt = samplers.fit(model, draws=500, tune=500, chains=4, random_seed=1)
    dt = catalog.log_likelihood(model, dt)
    found = mc.sensitivity(analysis, table, model, dt)
    file = tmp_path / "sensitivity.nc"
    found.to_netcdf(file, engine="h5netcdf")
    with xr.open_datatree(file, engine="h5netcdf") as stored:
        return found, mc.check.sensitivity(analysis, stored.load())


def test_data_that_speak_for_themselves_pass(fitted, tmp_path):
    dataset, choices = fitted
    found, verdict = judged(dataset, choices, tmp_path)
    assert verdict.status == "pass", verdict.text()
    assert list(found["rivals"]["prior"].values) == ["as chosen", "half as wide", "twice as wide"]
    assert not verdict.remedies
    assert verdict.picture


@pytest.mark.slow
def test_a_prior_against_the_data_fails_and_the_default_priors_mend_it(fitted, tmp_path):
    dataset, choices = fitted
    analysis = mc.complete(Analysis.of(choices), dataset)
    terms = catalog.get("linear").priors(analysis, dataset.rows(analysis)[0])
    slope = next(one.name for one in terms if "x" in one.name)
    against = {**choices, "priors": {slope: {"dist": "Normal", "mu": -2.0, "sigma": 0.2}}}
    found, verdict = judged(dataset, against, tmp_path)
    assert verdict.status == "fail", verdict.text()
    assert "disagree" in next(one for one in verdict.findings if one.rule == "power-scaling").sentence
    assert list(found["rivals"]["prior"].values)[-1] == "the catalogue's defaults"
    assert "A conclusion depends on the prior" in verdict.sentence
    first = verdict.remedies[0]
    assert first.changes == {"priors": {}}
    assert first.cost
    assert judged(dataset, {**against, **first.changes}, tmp_path)[1].status == "pass"


def test_a_rival_width_is_the_same_as_a_fit_with_that_prior():
    """Against the closed form: known spread, one normal mean, priors half and twice as wide."""
    import pymc as pm

    y = np.array([1.2, 0.4, 2.0])
    with pm.Model() as model:
        mean = pm.Normal("mean", 0, 1)
        pm.Normal("y", mean, 1.0, observed=y)
    wide = rival_widths(model).model
    wide.fillings = [{"prior width": np.asarray(width)} for width in (0.5, 2.0)]
    drawn = samplers.fit(wide, draws=2000, tune=500, chains=2, random_seed=1, record=False)["posterior"]["mean"].values
    for at, sd in enumerate((0.5, 2.0)):
        exact = Conjugate(y.mean(), 3, 0.0, sd).posterior()
        assert drawn[2 * at : 2 * at + 2].mean() == pytest.approx(exact.mean(), abs=0.05)
        assert drawn[2 * at : 2 * at + 2].std() == pytest.approx(exact.std(), rel=0.07)


def under(above, inside=(np.nan, np.nan), largest=((np.nan,), (np.nan,))):
    both = ("prior", "effect")
    names = [f"effect {at}" for at in range(len(largest[0]))]
    data = {
        "above": (both, np.repeat(np.array(above)[:, None], len(names), 1)),
        "inside": (both, np.repeat(np.array(inside)[:, None], len(names), 1)),
        "largest": (both, np.array(largest)),
    }
    return xr.Dataset(data, {"prior": ["as chosen", "half as wide"], "effect": names})


@pytest.mark.parametrize(
    ("rivals", "said"),
    [
        (under((0.99, 0.90)), "no longer clear"),
        (under((0.90, 0.99)), "becomes clear"),
        (under((0.99, 0.01)), "turns round"),
        (under((0.99, 0.96)), "now holds the value of no effect"),
        (under((0.50, 0.50), (0.97, 0.80)), "too small to matter"),
        (under((np.nan, np.nan), largest=((0.7, 0.3), (0.4, 0.6))), "effect 1 is the largest instead of effect 0"),
        (under((0.955, 0.945)), ""),  # across the line, but by no more than chance
        (under((0.999, 0.985)), ""),
    ],
    ids=["lost", "found", "turned", "interval", "practical", "largest", "chance", "none"],
)
def test_conclusions_that_flip_are_named(rivals, said):
    found = flips(Analysis(), rivals, default())
    assert bool(found) == bool(said)
    assert not said or said in found[0]


def test_nothing_asked_for_is_said():
    attrs = {"scaled": "", "left": "", "failed": "", "no_power": "nothing was drawn", "seconds": 1.0}
    one = under((0.9, 0.9)).isel(prior=[0])
    numbers = dict.fromkeys(("mean", "sd", "lower", "median", "upper"), one["above"])
    tree = xr.DataTree.from_dict({"rivals": one.assign({**numbers, "kind": ("effect", ["difference"])})})
    tree.attrs = attrs
    verdict = mc.check.sensitivity(Analysis(model="linear", rival_priors=[]), tree)
    assert verdict.status == "info"
    assert "no rival priors were asked for" in verdict.text() or "no rival priors" in verdict.findings[1].sentence
