"""Where one line crosses another."""

import numpy as np
from numba import njit, types
from numpy.typing import ArrayLike

from app.indicators.arrays import F64, I8, floats
from app.indicators.compiled import INPUT


def crossings(line: ArrayLike, other: ArrayLike) -> I8:
    """1 where `line` goes above `other`, -1 where it goes below, 0 elsewhere.

    Above at i: line[i-1] <= other[i-1] and line[i] > other[i]; below the mirror image. Lines that touch have not
    crossed; lines that part after touching have. 0 at i = 0 and where one of the four values is NaN.
    line: (n,) any unit; other: (n,) of the same unit, or one number.

    Raises:
        ValueError: the lines are not of one length.
    """
    first, second = floats(line), floats(other)
    if np.ndim(other) == 0:
        second = np.full(first.size, second[0])
    if first.size != second.size:
        raise ValueError(f"lines of different lengths ({first.size} and {second.size}): give lines of the same candles")
    result: I8 = _crossings(first, second)
    return result


@njit(types.Array(types.int8, 1, "C")(INPUT, INPUT), cache=True)
def _crossings(line: F64, other: F64) -> I8:
    out = np.zeros(line.size, np.int8)
    for i in range(1, line.size):
        above = (line[i] > other[i]) & (line[i - 1] <= other[i - 1])
        below = (line[i] < other[i]) & (line[i - 1] >= other[i - 1])
        out[i] = np.int8(above) - np.int8(below)
    return out
