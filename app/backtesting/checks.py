"""Whether candles are candles: one fast look at all of them; what is wrong is named by a slower second one."""

from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from app.indicators.arrays import F64
from app.indicators.compiled import INPUT

TIMES: Final = types.Array(types.int64, 1, "C", readonly=True)
INFINITY: Final = np.inf


@njit(types.int64(INPUT, INPUT, INPUT, INPUT, INPUT), cache=True)
def impossible(opens: F64, high: F64, low: F64, close: F64, volume: F64) -> int:
    """How many rows cannot be candles, by the rule of `app.core.window.possible`."""
    bad = 0
    for i in range(close.size):
        good = (low[i] > 0.0) & (low[i] <= opens[i]) & (low[i] <= close[i]) & (volume[i] >= 0.0)
        good &= (high[i] >= opens[i]) & (high[i] >= close[i]) & (high[i] < INFINITY) & (volume[i] < INFINITY)
        bad += not good
    return bad


@njit(types.int64(TIMES, types.int64), cache=True)
def irregular(times: NDArray[np.int64], step: int) -> int:
    """How many open times do not follow the one before by exactly a step."""
    count = 0
    for i in range(times.size - 1):
        count += times[i + 1] - times[i] != step
    return count
