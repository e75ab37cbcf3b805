"""How long the blocks of a bootstrap must be to keep what neighbouring returns have to do with each other."""

import math

import numpy as np

from app.analytics.arrays import F64


def block_length(returns: F64) -> int:
    """Blocks for returns whose volatility clusters: the longer of the rule's answer for them and for their squares.

    Sharpe ratio and drawdown depend on variances as much as on means, and returns that look independent have squares
    that do not (Ledoit and Wolf, Robust Performance Hypothesis Testing with the Sharpe Ratio, Journal of Empirical
    Finance 15 (5), 2008, who resample blocks for that reason). returns: (n,), n >= 9.
    """
    centred = returns - returns.mean()
    return max(automatic_length(centred), automatic_length(centred * centred))


def automatic_length(values: F64) -> int:
    """The length that estimates the variance of a mean best with circular blocks, from 1 to min(3 sqrt(n), n / 3).

    Politis and White, Automatic Block-Length Selection for the Dependent Bootstrap, Econometric Reviews 23 (1), 2004,
    with the correction of Patton, Politis and White, Econometric Reviews 28 (4), 2009. values: (n,), n >= 9.
    """
    n = values.size
    most = max(1, math.ceil(min(3 * math.sqrt(n), n / 3)))
    quiet_lags = max(5, math.ceil(math.log10(n)))
    lags = min(math.ceil(math.sqrt(n)) + quiet_lags, n - 1)
    covariance = _autocovariance(values, lags)
    if covariance[0] <= 0:
        return 1
    width = min(2 * max(1, _last_correlated_lag(covariance, n, quiet_lags)), lags)
    lag = np.arange(1, width + 1)
    # Trapezoid that is flat to half its width: Politis and Romano 1995.
    window = np.minimum(1.0, 2.0 * (1.0 - lag / width))
    slope = 2.0 * float(np.sum(window * lag * covariance[1 : width + 1]))
    level = float(covariance[0] + 2.0 * np.sum(window * covariance[1 : width + 1]))
    if level <= 0:
        return most
    length = float((2.0 * slope * slope / (4.0 / 3.0 * level * level)) ** (1 / 3) * n ** (1 / 3))
    return min(max(1, math.ceil(length)), most)


def _autocovariance(values: F64, lags: int) -> F64:
    centred = values - values.mean()
    size = 1 << (2 * centred.size - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    product: F64 = np.fft.irfft(spectrum * spectrum.conj(), size)[: lags + 1] / centred.size
    return product


def _last_correlated_lag(covariance: F64, n: int, quiet_lags: int) -> int:
    """The lag after which `quiet_lags` in a row are within two standard errors of nothing."""
    loud = np.abs(covariance[1:] / covariance[0]) >= 2.0 * math.sqrt(math.log10(n) / n)
    quiet = np.convolve(~loud, np.ones(quiet_lags), mode="valid") >= quiet_lags
    if quiet.any():
        return int(np.argmax(quiet))
    return int(np.flatnonzero(loud)[-1]) + 1 if loud.any() else 0
