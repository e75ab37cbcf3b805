"""How far prices move."""

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, Bands, blank, checked, floats, floats_together
from app.indicators.averages import rma, sma
from app.indicators.compiled import BLOCK, INPUT, OUTPUT


def rolling_std(values: ArrayLike, window: int, *, ddof: int = 0) -> F64:
    """Standard deviation of the last `window` values. NaN for i < window-1, and everywhere when window <= ddof.

    values: (n,) any unit; window: 1 or more; ddof: 0 divides by window, 1 by window - 1. NaN where the window holds a
    NaN, and only there. Exactly 0 where all values are equal. The value does not depend on where the history begins,
    to the last bit. Halves merged in pairs: Chan, Golub, LeVeque, Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances, 1979.
    """
    series = floats(values)
    if checked(window) <= ddof:
        return np.full(series.size, np.nan)
    if window == 1:
        return series - series
    out = blank(series.size)
    _window_std(series, window, ddof, out)
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


@register_jitable
def _merge(mean: F64, other: F64, squares: F64, others: F64, size: int, out: F64, out_squares: F64) -> None:
    """Two windows of `size` values side by side, as one; nothing may share memory with what is given."""
    for i in range(out.size):
        distance = other[i] - mean[i]
        out[i] = (mean[i] + other[i]) * 0.5
        out_squares[i] = squares[i] + others[i] + distance * distance * (0.5 * size)


@register_jitable
def _merge_to(other: F64, others: F64, size: int, before: int, mean: F64, squares: F64) -> None:
    """A window of `size` values after one of `before`, merged into it."""
    share, weight = size / (before + size), before * size / (before + size)
    for i in range(mean.size):
        distance = other[i] - mean[i]
        mean[i] += distance * share
        squares[i] += others[i] + distance * distance * weight


@register_jitable
def _root(squares: F64, freedom: int, out: F64) -> None:
    for i in range(out.size):
        out[i] = np.sqrt(squares[i] / freedom)


@njit(types.void(INPUT, types.int64, types.int64, OUTPUT), cache=True)
def _window_std(values: F64, window: int, ddof: int, out: F64) -> None:
    """The scheme of `sums`: windows of 2, 4, 8 ... values by doubling, then those that make up the window."""
    n = values.size
    out[: window - 1] = np.nan
    block = max(BLOCK // 4, 2 * window)
    means, squares = np.empty((2, block + window)), np.empty((2, block + window))
    zeros, mean, total = np.zeros(block + window), np.empty(block), np.empty(block)
    for start in range(0, n - window + 1, block):
        count = min(block, n - window + 1 - start)
        length = count + window - 1
        tree, spread = values[start : start + length], zeros[:length]
        before, size, now = 0, 1, 0
        while True:  # tree[j], spread[j]: mean and squared distances of values[start+j .. start+j+size-1]
            if window & size:
                part, parts = tree[before : before + count], spread[before : before + count]
                if before == 0:
                    mean[:count], total[:count] = part, parts
                else:
                    _merge_to(part, parts, size, before, mean[:count], total[:count])
                before += size
            if 2 * size > window:
                break
            length -= size
            larger, wider = means[now, :length], squares[now, :length]
            _merge(
                tree[:length],
                tree[size : size + length],
                spread[:length],
                spread[size : size + length],
                size,
                larger,
                wider,
            )
            tree, spread, size, now = larger, wider, 2 * size, 1 - now
        _root(total[:count], window - ddof, out[start + window - 1 : start + window - 1 + count])
