"""Moving averages."""

from numpy.typing import ArrayLike

from app.indicators.arrays import F64, checked
from app.indicators.sums import rolling_sum


def sma(close: ArrayLike, window: int) -> F64:
    """Simple moving average. out[i] = mean(close[i-window+1 .. i]); NaN for i < window-1.

    close: (n,) quote units; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins, to the last bit.
    """
    return rolling_sum(close, window, divisor=checked(window))
