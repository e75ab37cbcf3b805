"""Moving averages."""

import numpy as np
import numpy.typing as npt
from numba import float64, int64, njit, types

F64 = npt.NDArray[np.float64]

# pandas hands out read-only arrays; a writable one fits too
_VALUES = types.Array(float64, 1, "C", readonly=True)
_BLOCK = 2_048  # candles whose sums stay in the processor's first cache


@njit(float64[::1](_VALUES, int64), cache=True)
def sma(values: F64, window: int) -> F64:
    """Simple moving average. out[i] = mean(values[i-window+1 .. i]); NaN for i < window-1. values: (n,).

    Every sum is taken anew, oldest value first, so that it is the same to the last bit wherever the array begins: a live
    window and a whole history agree also on ties. A running sum would not. NaN inside a window gives NaN for it alone.
    """
    n = values.size
    out = np.full(n, np.nan)
    for begin in range(window - 1, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        out[begin:end] = 0.0
        for back in range(window - 1, -1, -1):
            for i in range(begin, end):
                out[i] += values[i - back]
        for i in range(begin, end):
            out[i] /= window
    return out
