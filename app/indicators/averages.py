"""Moving averages."""

from numba import njit, types

from app.indicators.arrays import F64
from app.indicators.sums import INPUT, OUTPUT, rolling_sum


@njit(OUTPUT(INPUT, types.int64), cache=True)
def sma(close: F64, window: int) -> F64:
    """Simple moving average. out[i] = mean(close[i-window+1 .. i]); NaN for i < window-1.

    close: (n,) quote units; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins, to the last bit.
    """
    out: F64 = rolling_sum(close, window)
    for i in range(window - 1, out.size):
        out[i] /= window
    return out
