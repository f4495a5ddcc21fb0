"""Independent draws from the posterior itself, where it can be written down.

Three kinds of model are recognised, from the model itself and not from its name:

- *normal*: all parameters have normal priors, the outcome is normal around a linear function of them, and the standard
  deviation is known. Then the log density is a quadratic function, and the posterior a normal distribution.
- *normal, with one scale*: as before, with one unknown number beside, such as the standard deviation, whatever its
  prior. Given that number the rest is normal, and what is left of the density when the rest is integrated out has one
  dimension: it is tabulated finely, and drawn from through its quantiles. Normal means with unknown variance and
  linear regressions are of this kind.
- *shares and rates*: each parameter has a beta prior and speaks of successes out of attempts, or a gamma prior and
  speaks of counts. Then each posterior is a beta or gamma distribution (Gelman et al. 2013, Bayesian Data Analysis 3e,
  sections 2.4 to 2.6, 3.2 and 14.2).

Whether the log density really has the form is looked up at random points, and again at every draw; a model that has
not is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.errors import InvalidInput
from modelcompose.samplers.facts import Facts
from modelcompose.samplers.flat import Flat
from modelcompose.samplers.laplace import done

if TYPE_CHECKING:
    from modelcompose.samplers import Settings
    from modelcompose.samplers.progress import Progress

FACTS = Facts(
    title="Exact (closed form)",
    summary="Draws without any error of computation, at once; only for averages, linear regressions, shares and rates "
    "of the simplest form.",
    independent=True,
    metric="It has none: nothing has to be adapted.",
)
Array = np.ndarray[Any, np.dtype[Any]]
NORMAL = {"NormalRV"}
NORMAL_OUTCOMES = {"NormalRV", "LogNormalRV"}
CONJUGATE = {"BetaRV": "logodds", "GammaRV": "log", "ExponentialRV": "log"}
OUTCOMES = {"logodds": {"BinomialRV", "BernoulliRV"}, "log": {"PoissonRV", "ExponentialRV"}}
POINTS, TOLERANCE = 6, 1e-6
APART = 0.01  # by which the logarithm of the density may leave its form from draw to draw
GRID = 1001  # values of one scale in its table
WIDEST, REACH = 30.0, 30.0  # where its logarithm is looked for, and how far below the top the table ends
ZOOMS = 12
prepare = Flat


def sample(model: Any, var_names: list[str], settings: Settings, progress: Progress) -> Any:
    """Draw from the posterior in closed form; see ``modelcompose.samplers.Sampler``.

    Raises
    ------
    InvalidInput
        When the posterior of the model is not of a form that can be written down.
    """
    import xarray as xr

    flat = Flat.of(model, var_names)
    flat.start(1, settings.random_seed)
    rng = np.random.default_rng(settings.random_seed)
    count = settings.chains * settings.draws
    points = _conjugate(flat, rng, count) if _is_conjugate(flat.model) else _normal(flat, rng, count)
    progress.report(done(settings))
    shape = (settings.chains, settings.draws)
    log_density = flat.logp(points).reshape(shape)
    return xr.DataTree.from_dict(
        {
            "posterior": flat.expand(points.reshape(*shape, flat.size)),
            "sample_stats": xr.Dataset({"lp": (("chain", "draw"), log_density)}),
        }
    )


def _kind(variable: Any) -> str:
    return type(variable.owner.op).__name__


def refused(why: str) -> InvalidInput:
    """Explain that there is no closed form."""
    return InvalidInput(
        f"this posterior cannot be written down: {why}",
        where="sampler",
        remedy='Sample with NUTS, which needs no closed form: sampler = "nutpie".',
    )


# -- shares and rates ----------------------------------------------------------------------------------------------


def _is_conjugate(model: Any) -> bool:
    kinds = {CONJUGATE.get(_kind(one)) for one in model.free_RVs}
    if len(kinds) != 1 or None in kinds or model.potentials:
        return False
    return {_kind(one) for one in model.observed_RVs} <= OUTCOMES[str(kinds.pop())]


def _conjugate(flat: Flat, rng: np.random.Generator, count: int) -> Array:
    """Draw beta or gamma distributions whose parameters are read off the gradient.

    On the scale of log odds x, a beta density has the gradient a - (a + b) share(x); on that of logarithms, a gamma
    density has the gradient a - b exp(x). Both are linear in what the parameter itself is.
    """
    share = _kind(flat.model.free_RVs[0]) == "BetaRV"
    x = flat.origin + rng.uniform(-1.5, 1.5, (POINTS, flat.size))
    theta = 1 / (1 + np.exp(-x)) if share else np.exp(x)
    gradient = flat.gradient(x)
    slope = -((theta - theta.mean(0)) * (gradient - gradient.mean(0))).sum(0) / np.square(theta - theta.mean(0)).sum(0)
    first = gradient.mean(0) + slope * theta.mean(0)
    off = np.abs(gradient - (first - slope * theta)).max(0)
    second = slope - first if share else slope
    if (off > TOLERANCE * (1 + np.abs(first) + np.abs(slope))).any() or (first <= 0).any() or (second <= 0).any():
        raise refused("its outcome depends on the parameters in more ways than a share or a rate")
    size = (count, flat.size)
    if share:
        points = np.log(rng.gamma(first, size=size)) - np.log(rng.gamma(second, size=size))
        densities = -first * np.logaddexp(0, -points) - second * np.logaddexp(0, points)
    else:
        points = np.log(rng.gamma(first, size=size)) - np.log(second)
        densities = first * points - second * np.exp(points)
    _require_form(flat, points, densities.sum(1))
    return np.asarray(points)


def _require_form(flat: Flat, points: Array, log_density: Array) -> None:
    """Look at every draw whether its density, known up to a constant, is the model's indeed.

    Far from where the form was recognised a model may go on in another way, such as behind a threshold.
    """
    found = flat.logp(points)
    if not np.ptp(found - log_density) <= APART + TOLERANCE * np.abs(found).max():
        raise refused("where its draws lie the density has another form than elsewhere")


# -- normal, with one unknown scale or none ------------------------------------------------------------------------


def _normal(flat: Flat, rng: np.random.Generator, count: int) -> Array:
    """Draw the scale if there is one, then the rest from its normal distribution given the scale."""
    scale = _scale(flat)
    if not len(scale):
        points, log_density = _Given(flat, scale, np.zeros((1, 0))).draw(rng, np.zeros(count, int))
        _require_form(flat, points, log_density)
        return points
    low, high = flat.origin[scale[0]] - WIDEST, flat.origin[scale[0]] + WIDEST
    for _ in range(ZOOMS):
        given = _Given(flat, scale, np.linspace(low, high, GRID)[:, None])
        near = np.flatnonzero(given.log_density > given.log_density.max() - REACH)
        begin, end = max(0, near[0] - 1), min(GRID - 1, near[-1] + 1)
        if end - begin > GRID // 2:
            break
        low, high = given.scales[begin, 0], given.scales[end, 0]
    weights = np.exp(given.log_density - given.log_density.max())
    if not np.isfinite(weights).all() or max(weights[0], weights[-1]) > np.exp(-REACH / 2):
        raise refused(f"the density of {flat.names[scale[0]]} does not fade away")
    cells = rng.choice(GRID, count, p=weights / weights.sum())
    points, log_density = given.draw(rng, cells)
    _require_form(flat, points, log_density)
    points[:, scale[0]] += (rng.uniform(size=count) - 0.5) * (high - low) / (GRID - 1)
    return points


class _Given:
    """The normal distributions of the rest, given each of some values of the scale.

    Parameters
    ----------
    scale
        The place of the scale in the vector, shape (0,) or (1,).
    scales
        Its values, shape (values, scales).

    Attributes
    ----------
    log_density
        Of each value, with the rest integrated out; shape (values,), up to a constant.
    determinant
        Half the logarithm of that of the precision of the rest; shape (values,).
    """

    def __init__(self, flat: Flat, scale: Array, scales: Array) -> None:
        self.scale, self.scales = scale, scales
        self.rest = np.setdiff1d(np.arange(flat.size), scale)
        count, size = len(scales), len(self.rest)
        base = np.zeros((count, flat.size))
        base[:, scale] = scales
        units = np.eye(flat.size)[self.rest]
        # The log density is quadratic in the rest, so that its gradient is linear: from the origin and one step along
        # each parameter the whole of it is known.
        origin = flat.gradient(base)[:, self.rest]
        steps = (base[:, None] + units).reshape(count * size, flat.size)
        moved = flat.gradient(steps).reshape(count, size, flat.size)[..., self.rest]
        self.precision = origin[:, None] - moved
        self._require_quadratic(flat, base, origin)
        try:
            self.root = np.linalg.cholesky((self.precision + self.precision.transpose(0, 2, 1)) / 2)
        except np.linalg.LinAlgError:
            raise refused("the data leave some of its parameters undecided") from None
        half = np.linalg.solve(self.root, origin[..., None])
        self.mean = np.linalg.solve(self.root.transpose(0, 2, 1), half)[..., 0]
        self.determinant = np.log(np.diagonal(self.root, axis1=1, axis2=2)).sum(1)
        height = flat.logp(base) + np.square(half).sum((1, 2)) / 2
        self.log_density = np.nan_to_num(height - self.determinant, nan=-np.inf)

    def draw(self, rng: np.random.Generator, cells: Array) -> tuple[Array, Array]:
        """Draw for each of the given values, by their numbers.

        Returns
        -------
        tuple
            The draws, shape (draws, size of the vector), and their log density up to a constant, shape (draws,).
        """
        noise = rng.normal(size=(len(cells), len(self.rest), 1))
        points = np.empty((len(cells), len(self.rest) + len(self.scale)))
        spread = np.linalg.solve(self.root.transpose(0, 2, 1)[cells], noise)[..., 0]
        points[:, self.rest] = self.mean[cells] + spread
        points[:, self.scale] = self.scales[cells]
        return points, (self.log_density + self.determinant)[cells] - np.square(noise).sum((1, 2)) / 2

    def _require_quadratic(self, flat: Flat, base: Array, origin: Array) -> None:
        """Look at random points whether the gradient is linear indeed."""
        rng = np.random.default_rng(1)
        for at in np.linspace(0.3, 0.7, POINTS) * (len(base) - 1):
            row = int(at)
            step = rng.normal(0, 3, len(self.rest))
            point = base[row].copy()
            point[self.rest] += step
            found = flat.gradient(point[None])[0, self.rest]
            due = origin[row] - step @ self.precision[row]
            size = np.abs(origin[row]).max() + np.abs(self.precision[row]).max() * np.abs(step).max()
            if not np.abs(found - due).max() <= TOLERANCE * (1 + size):
                raise refused("the outcome is not a linear function of its parameters")


def _scale(flat: Flat) -> Array:
    """Return the place of the one parameter that is not normal, shape (0,) or (1,).

    Raises
    ------
    InvalidInput
        When there are more, or the outcome is not normal.
    """
    model = flat.model
    if model.potentials:
        raise refused(f"{model.potentials[0].name} adds to its density")
    if not all(_kind(one) in NORMAL_OUTCOMES for one in model.observed_RVs):
        raise refused("its outcome is neither normal nor a count of successes or events with the prior for that")
    other = [one for one in model.free_RVs if _kind(one) not in NORMAL]
    if len(other) > 1 or any(np.size(model.initial_point()[model.rvs_to_values[one].name]) != 1 for one in other):
        raise refused(f"{', '.join(one.name for one in other)} are more than one unknown number that is not normal")
    places = [at for at, name in enumerate(flat.names) if other and name == other[0].name]
    return np.array(places, int)
