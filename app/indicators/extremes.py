"""Highest and lowest values of a moving window."""

import numpy as np
from numba import njit, types
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, Bands, blank, checked, floats, floats_together
from app.indicators.compiled import BLOCK, INPUT, OUTPUT


def rolling_max(values: ArrayLike, window: int) -> F64:
    """Highest of the last `window` values. out[i] = max(values[i-window+1 .. i]); NaN for i < window-1.

    values: (n,) any unit; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins.
    """
    series = floats(values)
    out = blank(series.size)
    _window_max(series, checked(window), out)
    return out


def rolling_min(values: ArrayLike, window: int) -> F64:
    """Lowest of the last `window` values; otherwise as `rolling_max`."""
    return -rolling_max(-floats(values), window)


def donchian(high: ArrayLike, low: ArrayLike, window: int) -> Bands:
    """Donchian's channel: lowest low, highest high and their middle over the last `window` candles, this one included.

    high, low: (n,) quote units; window: 1 or more. NaN for i < window-1 and where the window holds a NaN. The value
    does not depend on where the history begins.
    """
    highs, lows = floats_together(high=high, low=low)
    upper, lower = rolling_max(highs, window), rolling_min(lows, window)
    return Bands(lower=lower, middle=(lower + upper) / 2, upper=upper)


@njit(types.void(INPUT, INPUT, OUTPUT), cache=True)
def _greater(left: F64, right: F64, out: F64) -> None:
    """The greater of two values, NaN when one of them is."""
    for i in range(out.size):
        one, other = left[i], right[i]
        out[i] = one if (one > other) | (one != one) else other  # noqa: PLR0124  only NaN differs from itself


@njit(types.void(INPUT, types.int64, OUTPUT), cache=True)
def _window_max(values: F64, window: int, out: F64) -> None:
    """The scheme of `sums`, one step shorter: two overlapping powers of two make up any window."""
    n = values.size
    out[: window - 1] = np.nan
    tops = np.empty((2, BLOCK + window))
    for start in range(0, n - window + 1, BLOCK):
        count = min(BLOCK, n - window + 1 - start)
        length = count + window - 1
        tops[0, :length] = values[start : start + length]
        size, now = 1, 0
        while 2 * size <= window:  # tops[now, j] = max(values[start+j .. start+j+size-1])
            length -= size
            _greater(tops[now, :length], tops[now, size : size + length], tops[1 - now, :length])
            now = 1 - now
            size *= 2
        rest = window - size
        end = start + window - 1
        _greater(tops[now, :count], tops[now, rest : rest + count], out[end : end + count])
