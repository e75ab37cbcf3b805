"""How far prices move."""

import numpy as np
from numba import njit, types
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, Bands, blank, checked, floats, floats_together
from app.indicators.averages import rma, sma
from app.indicators.compiled import BLOCK, INPUT, OUTPUT


def rolling_std(values: ArrayLike, window: int, *, ddof: int = 0) -> F64:
    """Standard deviation of the last `window` values. NaN for i < window-1, and everywhere when window <= ddof.

    values: (n,) any unit; window: 1 or more; ddof: 0 divides by window, 1 by window - 1. NaN where the window holds a
    NaN, and only there. Exactly 0 where all values are equal. The value does not depend on where the history begins,
    to the last bit. Data shifted by the newest value: Chan, Golub, LeVeque, Algorithms for Computing the Sample
    Variance, 1983.
    """
    series = floats(values)
    out = blank(series.size)
    _window_std(series, checked(window), ddof, out)
    if window == 1 and ddof == 0:
        out[np.isnan(series)] = np.nan  # the kernel leaves the newest value out, whose distance to itself is 0
    return out


def bollinger(close: ArrayLike, window: int = 20, width: float = 2.0) -> Bands:
    """Bollinger bands: the simple moving average, and `width` standard deviations (ddof 0) below and above it.

    close: (n,) quote units; window: 1 or more. NaN for i < window-1 and where the window holds a NaN. The value does
    not depend on where the history begins. Bollinger on Bollinger Bands, 2001.
    """
    middle = sma(close, window)
    distance = width * rolling_std(close, window)
    return Bands(lower=middle - distance, middle=middle, upper=middle + distance)


def true_range(high: ArrayLike, low: ArrayLike, close: ArrayLike) -> F64:
    """Range of a candle together with the close before: max(high[i], close[i-1]) - min(low[i], close[i-1]).

    high, low, close: (n,) quote units. NaN at i = 0, which has no close before, and where one of the three is NaN.
    Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    highs, lows, closes = floats_together(high=high, low=low, close=close)
    out = blank(closes.size)
    out[:1] = np.nan
    out[1:] = np.maximum(highs[1:], closes[:-1]) - np.minimum(lows[1:], closes[:-1])
    return out


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14) -> F64:
    """Average true range: Wilder's smoothing of `true_range`. NaN for i < window; after a NaN it begins anew.

    high, low, close: (n,) quote units; window: 1 or more. It remembers: the value depends on where the history begins.
    Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    return rma(true_range(high, low, close), window)


@njit(types.void(INPUT, INPUT, OUTPUT, OUTPUT), cache=True)
def _add_moments(values: F64, newest: F64, total: F64, squares: F64) -> None:
    for i in range(total.size):
        distance = values[i] - newest[i]
        total[i] += distance
        squares[i] += distance * distance


@njit(types.void(INPUT, types.int64, types.int64, OUTPUT), cache=True)
def _window_std(values: F64, window: int, ddof: int, out: F64) -> None:
    n = values.size
    out[: window - 1] = np.nan
    sums = np.empty(BLOCK)
    for start in range(window - 1, n, BLOCK):
        squares = out[start : start + BLOCK]
        total = sums[: squares.size]
        total[:] = 0.0
        squares[:] = 0.0
        for first in range(start - window + 1, start):
            _add_moments(values[first : first + squares.size], values[start : start + squares.size], total, squares)
        for j in range(squares.size):
            if window <= ddof:
                squares[j] = np.nan
            else:
                # Not negative: the newest value's own distance is 0, so at least squares / window remains.
                squares[j] = np.sqrt((squares[j] - total[j] * total[j] / window) / (window - ddof))
