"""How much two markets move together. Plain functions that the backtester compiles."""

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.indicators.arrays import F64

Times: TypeAlias = NDArray[np.int64] | list[int]

FEWEST_RETURNS: Final = 10  # of two symbols together, below which no correlation is believed
UNKNOWN: Final = 1.0  # what cannot be measured counts as complete


def common_from(times: Times, i: int, end: int, others: Times, j: int, last: int) -> tuple[int, int]:
    """The first pair of rows, from i and j on, at the same time; one of them is `end` or `last` when there is none."""
    while i < end and j < last and times[i] != others[j]:
        if times[i] < others[j]:
            i += 1
        else:
            j += 1
    return i, j


def correlation_of_returns(
    times: Times, close: F64, begin: int, end: int, others: Times, theirs: F64, first: int, last: int
) -> float:
    """Pearson's correlation of the log returns of two series of closes, from candles that both have.

    Sums as in Welford, "Note on a method for calculating corrected sums of squares and products" (1962).

    Args:
        times: Open times of the one, ascending, in any unit.
        close: Its closes, quote per base.
        begin: The first of its rows that counts.
        end: The row behind the last one.
        others: Open times of the other, in the same unit.
        theirs: Its closes.
        first: The first of its rows that counts.
        last: The row behind the last one.

    Returns:
        From -1 to 1; UNKNOWN with too few returns, or when one of the two does not vary.
    """
    count, mean, their_mean = 0, 0.0, 0.0
    squares, their_squares, products = 0.0, 0.0, 0.0
    i, j = common_from(times, begin, end, others, first, last)
    while i < end and j < last:
        k, m = common_from(times, i + 1, end, others, j + 1, last)
        if k >= end or m >= last:
            break
        mine, other = math.log(close[k] / close[i]), math.log(theirs[m] / theirs[j])
        count += 1
        apart, their_apart = mine - mean, other - their_mean
        mean += apart / count
        their_mean += their_apart / count
        squares += apart * (mine - mean)
        their_squares += their_apart * (other - their_mean)
        products += apart * (other - their_mean)
        i, j = k, m
    if count < FEWEST_RETURNS or squares <= 0.0 or their_squares <= 0.0:
        return UNKNOWN
    return max(-1.0, min(1.0, products / math.sqrt(squares * their_squares)))
