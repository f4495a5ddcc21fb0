"""What chains say of how well they were drawn, for many quantities at once.

R-hat, effective sample sizes and Monte Carlo standard errors after Vehtari, Gelman, Simpson, Carpenter and Bürkner
2021 (doi:10.1214/20-BA1221). ArviZ gives the same figures, one quantity after another; here the chains of all
quantities go through one sort and one Fourier transform. Every function takes draws of shape (quantities, chains,
draws) and returns a number for each quantity, NaN where a draw is no number or there are too few of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ess_bulk", "ess_tail", "mcse_mean", "mcse_quantile", "mcse_sd", "rhat"]

Array = np.ndarray[Any, np.dtype[Any]]

TAILS = (1 - 0.89, 0.89)  # the quantiles that ArviZ 1 looks at
ONE_SD = (0.1586553, 0.8413447)  # where a bell curve is one standard deviation away from its middle
RESOLUTION = 1e-15
FEWEST = 4  # draws of a chain whose halves can be compared


def rhat(values: Array) -> Array:
    """Compare the chains with each other: rank-normalised split R-hat, the larger of that of values and of spreads."""
    if values.shape[2] < FEWEST:
        return np.full(len(values), np.nan)
    halves = _split(values)
    spreads = np.abs(halves - np.median(halves, axis=(1, 2), keepdims=True))
    with np.errstate(all="ignore"):
        found = np.fmax(_rhat(_normal_scores(halves)), _rhat(_normal_scores(spreads)))
    return _where_known(values, found)


def ess_bulk(values: Array) -> Array:
    """Count how many independent draws these are worth for the middle of the distribution."""
    return _where_known(values, _ess(_normal_scores(_split(values))))


def ess_tail(values: Array, prob: tuple[float, float] = TAILS) -> Array:
    """Count how many independent draws these are worth for its tails: the fewer of those for the two quantiles."""
    return np.minimum(*(_ess_quantile(values, one) for one in prob))


def mcse_mean(values: Array) -> Array:
    """Return the Monte Carlo standard error of the average."""
    with np.errstate(all="ignore"):
        return values.std(axis=(1, 2), ddof=1) / np.sqrt(_where_known(values, _ess(_split(values))))


def mcse_sd(values: Array) -> Array:
    """Return the Monte Carlo standard error of the standard deviation, by the delta method."""
    squares = (values - values.mean(axis=(1, 2), keepdims=True)) ** 2
    variance = squares.mean(axis=(1, 2))
    with np.errstate(all="ignore"):
        of_variance = ((squares**2).mean(axis=(1, 2)) - variance**2) / _where_known(values, _ess(_split(squares)))
        return np.asarray(np.sqrt(of_variance / variance / 4))


def mcse_quantile(values: Array, prob: float) -> Array:
    """Return the Monte Carlo standard error of a quantile: half the way between its own one-sigma quantiles."""
    from scipy.special import betaincinv

    independent = _ess_quantile(values, prob)
    ordered = np.sort(values.reshape(len(values), -1), axis=1)
    last = ordered.shape[1] - 1
    with np.errstate(all="ignore"):
        places = [betaincinv(independent * prob + 1, independent * (1 - prob) + 1, one) for one in ONE_SD]
    low = np.floor(np.fmax((last + 1) * places[0] - 1, 0)).astype(int)
    high = np.ceil(np.fmin((last + 1) * places[1] - 1, last)).astype(int)
    rows = np.arange(len(values))
    return np.asarray(np.where(np.isnan(independent), np.nan, (ordered[rows, high] - ordered[rows, low]) / 2))


def _split(values: Array) -> Array:
    """Make two chains of each, so that one which has not settled differs from itself."""
    half = values.shape[2] // 2
    return np.concatenate([values[..., :half], values[..., values.shape[2] - half :]], axis=1)


def _normal_scores(values: Array) -> Array:
    """Put draws on the scale of a bell curve by their rank among all chains (Blom 1958)."""
    from scipy.special import ndtri

    flat = values.reshape(len(values), -1)
    ranks = _ranks(flat)
    return np.asarray(ndtri((ranks - 3 / 8) / (flat.shape[1] + 1 / 4))).reshape(values.shape)


def _ranks(flat: Array) -> Array:
    """Rank each row from 1; equal values share the average of their ranks."""
    order = flat.argsort(axis=1)
    places = np.broadcast_to(np.arange(1.0, flat.shape[1] + 1), flat.shape).copy()
    ordered = np.take_along_axis(flat, order, axis=1)
    new = ordered[:, 1:] != ordered[:, :-1]
    tied = ~new.all(axis=1)
    if tied.any():
        places[tied] = _shared(places[tied], new[tied])
    ranks = np.empty(flat.shape)
    np.put_along_axis(ranks, order, places, axis=1)
    return ranks


def _shared(places: Array, new: Array) -> Array:
    """Average the places of equal neighbours; ``new`` says where a value differs from the one before it."""
    edge = np.ones((len(new), 1), bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, new]), places, 0), axis=1)
    last = np.where(np.hstack([new, edge]), places, np.inf)
    return np.asarray((first + np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]) / 2)


def _rhat(values: Array) -> Array:
    draws = values.shape[2]
    between = draws * values.mean(axis=2).var(axis=1, ddof=1)
    within = values.var(axis=2, ddof=1).mean(axis=1)
    return np.asarray(np.sqrt((between / within + draws - 1) / draws))


def _ess_quantile(values: Array, prob: float) -> Array:
    flat = values.reshape(len(values), -1)
    below = values <= np.quantile(flat, prob, axis=1)[:, None, None]
    return _where_known(values, _ess(_split(below.astype(float))))


def _ess(values: Array) -> Array:
    """Estimate effective sample sizes from the autocorrelations, as far as noise does not hide them (Geyer 1992)."""
    count, chains, draws = values.shape
    if draws < FEWEST // 2:
        return np.full(count, np.nan)
    total = chains * draws
    covariances = _autocovariances(values).mean(axis=1)
    variance = covariances[:, :1].copy()
    if chains > 1:
        variance += values.mean(axis=2).var(axis=1, ddof=1)[:, None]
    within = covariances[:, :1] * draws / (draws - 1)
    with np.errstate(all="ignore"):
        rho = 1 - (within - covariances) / variance
    rho[:, 0] = 1
    kept = max((draws - 2 + draws % 2) // 2, 1)  # pairs of lags that are looked at
    even, odd = rho[:, : 2 * kept : 2], rho[:, 1 : 2 * kept : 2]
    pairs = even + odd
    ends = pairs <= 0
    ends[:, -1] = True
    first = ends.argmax(axis=1)
    falling = np.minimum.accumulate(pairs, axis=1)
    before = np.where(np.arange(kept) < first[:, None], falling, 0).sum(axis=1)
    tau = -1 + 2 * before + np.maximum(even[np.arange(count), first], 0)
    flat = np.ptp(values, axis=(1, 2)) < RESOLUTION
    return np.asarray(np.where(flat, total, total / np.maximum(tau, 1 / np.log10(total))))


def _autocovariances(values: Array) -> Array:
    from scipy.fft import irfft, next_fast_len, rfft

    draws = values.shape[2]
    size = next_fast_len(2 * draws, real=True)
    found = rfft(values - values.mean(axis=2, keepdims=True), n=size, axis=2)
    whole = np.asarray(irfft(found.real**2 + found.imag**2, n=size, axis=2))
    return np.asarray(whole[..., :draws] / draws)


def _where_known(values: Array, found: Array) -> Array:
    return np.asarray(np.where(np.isnan(values).any(axis=(1, 2)), np.nan, found))
