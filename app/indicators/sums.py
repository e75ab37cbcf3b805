"""Sums over a moving window whose every value depends on the window alone, to the last bit.

A running sum carries the rounding of everything before it, so the same candle gets another value in a longer history,
and one NaN poisons the rest. Here the sum of each window is the same tree of additions wherever the window stands: sums
of 2, 4, 8 ... neighbours by doubling, then the powers of two that make up the window's length. That takes log2(window)
passes over a block that stays in the processor's nearest cache.
"""

import numpy as np
from numba import njit, types

from app.indicators.arrays import F64

INPUT = types.Array(types.float64, 1, "C", readonly=True)
OUTPUT = types.Array(types.float64, 1, "C")
_BLOCK = 2048  # outputs per block: 16 KiB, half of a first-level cache


@njit(OUTPUT(INPUT, types.int64), cache=True)
def rolling_sum(values: F64, window: int) -> F64:
    """Sum of the last `window` values. out[i] = sum(values[i-window+1 .. i]); NaN for i < window-1.

    values: (n,) any unit; window: 1 or more. NaN where the window holds a NaN, and only there. Error of pairwise
    summation: Higham, The Accuracy of Floating Point Summation, 1993.
    """
    n = values.size
    out = np.full(n, np.nan)
    tree = np.empty(_BLOCK + window)
    for start in range(0, n - window + 1, _BLOCK):
        count = min(_BLOCK, n - window + 1 - start)
        length = count + window - 1
        total = out[start + window - 1 : start + window - 1 + count]
        total[:] = 0.0
        tree[:length] = values[start : start + length]
        offset, size = 0, 1
        while True:  # tree[j] = sum(values[start+j .. start+j+size-1])
            if window & size:
                for j in range(count):
                    total[j] += tree[j + offset]
                offset += size
            if 2 * size > window:
                break
            length -= size
            for j in range(length):
                tree[j] += tree[j + size]
            size *= 2
    return out
