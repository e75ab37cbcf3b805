"""Indicators that weigh prices with what was traded."""

import numpy as np
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, change, floats_together, ratio
from app.indicators.sums import rolling_sum


def obv(close: ArrayLike, volume: ArrayLike) -> F64:
    """On-balance volume: the sum of the volumes of rising candles less that of falling ones; 0 at i = 0.

    close: (n,) quote units; volume: (n,) base units. NaN from the first NaN on. It remembers everything: only its
    changes mean something. Granville, New Key to Stock Market Profits, 1963.
    """
    closes, volumes = floats_together(close=close, volume=volume)
    flow = np.sign(change(closes, 1)) * volumes
    flow[:1] = 0.0
    return np.cumsum(flow)


def vwap(high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, window: int) -> F64:
    """Volume-weighted average price of the last `window` candles, each at its typical price (high + low + close) / 3.

    high, low, close: (n,) quote units; volume: (n,) base units; window: 1 or more. NaN for i < window-1, where the
    window holds a NaN, and where nothing was traded in it. The value does not depend on where the history begins, to
    the last bit. Berkowitz, Logue, Noser, The Total Cost of Transactions on the NYSE, 1988.
    """
    highs, lows, closes, volumes = floats_together(high=high, low=low, close=close, volume=volume)
    typical = (highs + lows + closes) / 3.0
    return ratio(rolling_sum(typical * volumes, window), rolling_sum(volumes, window))
