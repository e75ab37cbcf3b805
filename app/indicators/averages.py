"""Moving averages: those of a window, and those that remember everything before."""

import numpy as np
from numba import njit, types
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, blank, checked, floats
from app.indicators.compiled import INPUT, OUTPUT
from app.indicators.sums import rolling_sum, weighted_sum


def sma(close: ArrayLike, window: int) -> F64:
    """Simple moving average. out[i] = mean(close[i-window+1 .. i]); NaN for i < window-1.

    close: (n,) quote units; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins, to the last bit.
    """
    return rolling_sum(close, window, divisor=checked(window))


def wma(close: ArrayLike, window: int) -> F64:
    """Linearly weighted moving average: the newest close counts `window` times, the oldest once. NaN for i < window-1.

    close: (n,) quote units; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins, to the last bit.
    """
    return weighted_sum(close, window, divisor=checked(window) * (window + 1) / 2)


def ema(close: ArrayLike, window: int) -> F64:
    """Exponential moving average. out[i] = out[i-1] + 2 / (window + 1) * (close[i] - out[i-1]); NaN for i < window-1.

    It begins with the mean of the first `window` closes. close: (n,) quote units; window: 1 or more. After a NaN it
    begins anew. It remembers: the value depends on where the history begins, by (1 - 2 / (window + 1)) ** candles.
    """
    return _exponential(close, window, 2.0 / (checked(window) + 1))


def rma(close: ArrayLike, window: int) -> F64:
    """Wilder's smoothing: an exponential average with the factor 1 / window; begins and restarts as `ema` does.

    close: (n,) any unit; window: 1 or more. NaN for i < window-1. It remembers, and longer than `ema`. Wilder, New
    Concepts in Technical Trading Systems, 1978.
    """
    return _exponential(close, window, 1.0 / checked(window))


def _exponential(values: ArrayLike, window: int, factor: float) -> F64:
    series = floats(values)
    out = blank(series.size)
    _smooth(series, window, factor, out)
    return out


@njit(types.void(INPUT, types.int64, types.float64, OUTPUT), cache=True)
def _smooth(values: F64, window: int, factor: float, out: F64) -> None:
    seen, total, level = 0, 0.0, np.nan
    for i in range(values.size):
        value = values[i]
        if np.isnan(value):
            seen, total, level = 0, 0.0, np.nan
        else:
            seen += 1
            if seen <= window:
                total += value
                level = total / window if seen == window else np.nan
            else:
                level += factor * (value - level)
        out[i] = level
