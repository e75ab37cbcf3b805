"""Sums over a moving window whose every value depends on the window alone, to the last bit.

A running sum carries the rounding of everything before it, so the same candle gets another value in a longer history,
and one NaN poisons the rest. Here the sum of each window is the same tree of additions wherever the window stands: sums
of 2, 4, 8 ... neighbours by doubling, then the powers of two that make up the window's length. That takes log2(window)
passes over a block that stays in the processor's nearest cache (docs/decisions/0003-window-independent-sums.md).
"""

from typing import Final

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, blank, checked, floats
from app.indicators.compiled import BLOCK, INPUT, OUTPUT, multiply_add

_SUMS: Final = 512  # outputs per block: trees, partial sums, input and output together fit a first-level cache
ROOM: Final = types.Array(types.float64, 2, "C")
_PER_WINDOW: Final = 2  # and at least that many windows, for each block begins with one that was summed before


def rolling_sum(values: ArrayLike, window: int, *, divisor: int = 1) -> F64:
    """Sum of the last `window` values, divided. out[i] = sum(values[i-window+1 .. i]) / divisor; NaN for i < window-1.

    values: (n,) any unit; window and divisor: 1 or more. NaN where the window holds a NaN or an infinite value, and
    only there. The value does not depend on where the history begins, to the last bit. Error of pairwise summation:
    Higham, The Accuracy of Floating Point Summation, 1993.
    """
    series = floats(values)
    out = blank(series.size)
    block = max(_SUMS, _PER_WINDOW * checked(window))
    trees = np.empty((3, (block + window + 7) // 8 * 8))  # each on a cache line
    _window_sums(series, window, divisor, out, trees, np.empty(block))
    return out


def weighted_sum(values: ArrayLike, window: int, *, divisor: float = 1.0) -> F64:
    """Sum of the last `window` values with weights 1 (oldest) to window (newest), divided. NaN for i < window-1.

    values: (n,) any unit; window: 1 or more. NaN where the window holds a NaN, and only there. The value does not
    depend on where the history begins, to the last bit: weights are added up from the oldest to the newest.
    """
    series = floats(values)
    out = blank(series.size)
    _weighted_sums(series, checked(window), divisor, out)
    return out


@register_jitable
def _add(left: F64, right: F64, out: F64) -> None:
    """A function of its own, for then the compiler vectorises the loop; `out` shares no memory with the others."""
    for i in range(out.size):
        out[i] = left[i] + right[i]


@register_jitable
def _add_to(values: F64, out: F64) -> None:
    """`_add` in place is not vectorised: the compiler takes `left` and `out` for overlapping."""
    for i in range(out.size):
        out[i] += values[i]


@register_jitable
def _quotient(total: float, divisor: float, inverse: float) -> float:
    """`total / divisor` to the last bit, at a third of a division's cost. `divisor`: whole; `inverse`: 1 / divisor.

    The product is off by 1.5 units of the last place at most, so that the remainder is exact, and mended by it, by
    Markstein, Computation of Elementary Functions on the IBM RISC System/6000, 1990. An infinite total gives NaN.
    """
    guess = total * inverse
    quotient: float = multiply_add(multiply_add(-guess, divisor, total), inverse, guess)
    return quotient


@register_jitable
def _divide(values: F64, divisor: float, out: F64) -> None:
    for i in range(out.size):
        out[i] = _quotient(values[i], divisor, 1.0 / divisor)


@register_jitable
def _divide_two(left: F64, right: F64, divisor: float, out: F64) -> None:
    for i in range(out.size):
        out[i] = _quotient(left[i] + right[i], divisor, 1.0 / divisor)


@register_jitable
def _divide_three(first: F64, left: F64, right: F64, divisor: float, out: F64) -> None:
    for i in range(out.size):
        out[i] = _quotient(first[i] + (left[i] + right[i]), divisor, 1.0 / divisor)


@njit(types.void(INPUT, types.int64, types.float64, OUTPUT, ROOM, OUTPUT), cache=True, _nrt=False)
def _window_sums(values: F64, window: int, divisor: float, out: F64, trees: F64, total: F64) -> None:
    """`trees`: room for two sums in turns, and for the first part; `total`: for the parts so far."""
    n, block = values.size, total.size
    out[: window - 1] = np.nan
    if window == 1:
        _divide(values, divisor, out)
        return
    for start in range(0, n - window + 1, block):
        count = min(block, n - window + 1 - start)
        length = count + window - 1
        result = out[start + window - 1 : start + window - 1 + count]
        tree = values[start : start + length]
        sums = tree[:count]  # of the parts so far
        parts, offset, size, now = 0, 0, 1, 0
        while True:  # tree[j] = sum(values[start+j .. start+j+size-1])
            if window & size:
                part = tree[offset : offset + count]
                if parts == 0:
                    sums = part
                elif parts == 1:
                    _add(sums, part, total[:count])
                    sums = total[:count]
                else:
                    _add_to(part, total[:count])
                parts, offset = parts + 1, offset + size
            if 4 * size > window:  # the last part is of twice this size
                break
            length -= size
            first = parts == 0 and window & (2 * size) != 0
            larger = trees[2 if first else now, :length]
            _add(tree[:length], tree[size : size + length], larger)
            tree, size, now = larger, 2 * size, now if first else 1 - now
        left, right = tree[offset : offset + count], tree[offset + size : offset + size + count]
        if parts:
            _divide_three(sums, left, right, divisor, result)
        else:
            _divide_two(left, right, divisor, result)


@register_jitable
def _add_times(values: F64, weight: float, out: F64) -> None:
    for i in range(out.size):
        out[i] += weight * values[i]


@njit(types.void(INPUT, types.int64, types.float64, OUTPUT), cache=True)
def _weighted_sums(values: F64, window: int, divisor: float, out: F64) -> None:
    n = values.size
    out[: window - 1] = np.nan
    for start in range(window - 1, n, BLOCK):
        total = out[start : start + BLOCK]
        total[:] = 0.0
        first = start - window + 1
        for k in range(window):
            _add_times(values[first + k : first + k + total.size], k + 1.0, total)
        for j in range(total.size):
            total[j] /= divisor
