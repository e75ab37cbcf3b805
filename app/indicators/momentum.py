"""How fast prices move, and in which direction."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, change, checked, floats, floats_together, ratio
from app.indicators.averages import ema, rma, sma
from app.indicators.extremes import rolling_max, rolling_min


class Macd(NamedTuple):
    """Each (n,) in the price's unit."""

    line: F64
    signal: F64
    histogram: F64


class Stochastic(NamedTuple):
    """Each (n,), 0 to 100."""

    k: F64
    d: F64


def rsi(close: ArrayLike, window: int = 14) -> F64:
    """Relative strength index with Wilder's smoothing, 0 to 100: 100 * rise / (rise + fall); 50 while nothing moves.

    close: (n,) quote units; window: 1 or more. NaN for i < window; after a NaN it begins anew. It remembers: the value
    depends on where the history begins. Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    moves = change(floats(close), 1)
    return _share(rma(np.maximum(moves, 0.0), window), rma(np.maximum(-moves, 0.0), window))


def cutler_rsi(close: ArrayLike, window: int = 14) -> F64:
    """Cutler's relative strength index, 0 to 100: as `rsi`, with simple averages of rises and falls.

    close: (n,) quote units; window: 1 or more. NaN for i < window and where the last window+1 closes hold a NaN. The
    value does not depend on where the history begins, to the last bit.
    """
    moves = change(floats(close), 1)
    return _share(sma(np.maximum(moves, 0.0), window), sma(np.maximum(-moves, 0.0), window))


def macd(close: ArrayLike, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence and divergence: ema(fast) - ema(slow), its own ema, and the difference of the two.

    close: (n,) quote units; windows: 1 or more. The line is NaN for i < max(fast, slow)-1, the signal for signal-1
    candles more. After a NaN they begin anew. They remember: the value depends on where the history begins. Appel,
    Technical Analysis: Power Tools for Active Investors, 2005.
    """
    line = ema(close, fast) - ema(close, slow)
    smooth = ema(line, signal)
    return Macd(line=line, signal=smooth, histogram=line - smooth)


def roc(close: ArrayLike, window: int) -> F64:
    """Rate of change in percent: 100 * (close[i] - close[i-window]) / close[i-window]; NaN for i < window.

    close: (n,) quote units; window: 1 or more. NaN also where the earlier close is 0. The value does not depend on
    where the history begins.
    """
    closes = floats(close)
    out = change(closes, checked(window))
    out[window:] = 100.0 * ratio(out[window:], closes[:-window])
    return out


def stochastic(high: ArrayLike, low: ArrayLike, close: ArrayLike, window: int = 14, smooth: int = 3) -> Stochastic:
    """Where the close stands between the window's lowest low (0) and highest high (100), and the average of that.

    high, low, close: (n,) quote units; window, smooth: 1 or more. 50 where high and low are equal. k is NaN for
    i < window-1, d for smooth-1 candles more, and both where they reach back to a NaN. The value does not depend on
    where the history begins, to the last bit. Lane, Lane's Stochastics, 1984.
    """
    highs, lows, closes = floats_together(high=high, low=low, close=close)
    lowest, highest = rolling_min(lows, window), rolling_max(highs, window)
    k = _share(closes - lowest, highest - closes)
    return Stochastic(k=k, d=sma(k, smooth))


def _share(part: F64, rest: F64) -> F64:
    """100 * part / (part + rest); 50 where both are 0."""
    return 100.0 * ratio(part, part + rest, otherwise=0.5)
