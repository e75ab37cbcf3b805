"""The loops behind false histories (`app.backtesting.cuts`), compiled."""

from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from app.backtesting.ahead import LINE, fetch
from app.indicators.arrays import F64
from app.indicators.compiled import INPUT, OUTPUT

AHEAD: Final = 2  # windows on their way from memory
ROWS: Final = types.Array(types.int64, 1, "C", readonly=True)
OUT: Final = types.Array(types.int64, 1, "C")


@njit(types.void(ROWS, types.int64, OUT), cache=True)
def first_fit(rows: NDArray[np.int64], block: int, groups: NDArray[np.int64]) -> None:
    """Put each row into the first group whose last row is `block` or more before it.

    rows: ascending, each once; groups: as many, to be filled.
    """
    lasts = np.zeros(block + 1, np.int64)  # fewer than `block` rows stand within a block, and so do the groups
    count = 0
    for i in range(rows.size):
        group = 0
        while group < count and rows[i] - lasts[group] < block:
            group += 1
        count = max(count, group + 1)
        lasts[group] = rows[i]
        groups[i] = group


@njit(types.void(INPUT, ROWS, types.int64, INPUT, OUTPUT), cache=True)
def lay_windows(column: F64, starts: NDArray[np.int64], window: int, factors: F64, out: F64) -> None:
    """Lay the windows of a column end to end, each with the values after it multiplied by its factor.

    out: as much room for each window; what goes beyond `window` are the values after it.
    """
    block = out.size // starts.size
    for i in range(starts.size):
        at, start = i * block, starts[i]
        if i + AHEAD < starts.size:
            for j in range(0, block, LINE):
                fetch(column, starts[i + AHEAD] + j)
        for j in range(window):
            out[at + j] = column[start + j]
        for j in range(window, block):
            out[at + j] = column[start + j] * factors[i]
