"""How much of a result may be luck: intervals from a circular block bootstrap.

Politis and Romano, A Circular Block-Resampling Procedure for Stationary Data, 1992. Each resampled history is put
together from blocks of the real one, drawn with replacement, the end joined to the beginning. Intervals are percentiles
(Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). They answer: what else could this return
process have shown in as much time? They know nothing of what the strategy's parameters were fitted to.

A long history is cut into at most `MOST_CELLS` cells of equally many candles, and blocks begin and end at cells. All
figures are still those of candles: sums are kept for each cell, and for drawdowns its lowest and highest point and the
deepest fall within it, so that a million candles cost as much as four thousand.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from app.analytics.arrays import F64, NAN, YEAR_MS
from app.analytics.block_length import block_length

MOST_CELLS: Final = 4_096
FEWEST_CANDLES: Final = 30
INPUT: Final = types.Array(types.float64, 1, "C")
STARTS: Final = types.Array(types.int64, 2, "C")
OUT: Final = types.Array(types.float64, 2, "C")


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; both NaN where there is no answer."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of a run's figures.

    Attributes:
        level: Part of the resampled histories inside, 0.95.
        resamples: How many histories were made.
        block_candles: Length of a block.
        sharpe: A year, from candle returns.
        cagr: A year.
        max_drawdown: From -1 to 0. The spread of what histories of this length show, not of a parameter.
    """

    level: float
    resamples: int
    block_candles: int
    sharpe: Interval
    cagr: Interval
    max_drawdown: Interval


class _Cells(NamedTuple):
    """Sums of runs of equally many candles: (m,) each. Levels are sums of log returns from the cell's beginning."""

    total: F64
    squares: F64
    growth: F64
    lowest: F64
    highest: F64
    fall: F64


def intervals(
    returns: F64,
    *,
    timeframe_ms: int,
    seed: int,
    resamples: int = 1_000,
    level: float = 0.95,
    block: int | None = None,
) -> Intervals:
    """Intervals for Sharpe, CAGR and maximum drawdown of candle returns (n,). The same seed gives the same intervals.

    timeframe_ms: length of a candle; block: in candles, chosen by `block_length` if None. NaN for fewer than
    `FEWEST_CANDLES` returns, for a return of -1 (the account was lost) and for one that is not finite.
    """
    nothing = Interval(NAN, NAN)
    if returns.size < FEWEST_CANDLES or not (np.isfinite(returns).all() and returns.min() > -1):
        return Intervals(level, 0, 0, nothing, nothing, nothing)
    width = math.ceil(returns.size / MOST_CELLS)
    cells = _cut(returns, width)
    length = block_length(np.expm1(cells.growth)) if block is None else max(1, round(block / width))
    rng = np.random.default_rng(seed)
    size = cells.total.size
    starts = rng.integers(0, size, (resamples, math.ceil(size / length)))
    drawn = np.empty((resamples, 4))
    _resample(*cells, starts, length, drawn)
    total, squares, growth, fall = drawn.T
    candles = size * width
    with np.errstate(all="ignore"):
        mean = total / candles
        variance = np.maximum(squares - candles * mean * mean, 0.0) / (candles - 1)
        # A history in which nothing happened has earned nothing for no risk.
        sharpe = np.where(variance > 0, mean / np.sqrt(variance), np.where(mean == 0, 0.0, NAN))
        sharpe *= math.sqrt(YEAR_MS / timeframe_ms)
        cagr = np.expm1(growth * (YEAR_MS / (candles * timeframe_ms)))
    of_sharpe = nothing if returns.min() == returns.max() else _inner(sharpe, level)  # as the run's own is undefined
    return Intervals(level, resamples, length * width, of_sharpe, _inner(cagr, level), _inner(np.expm1(fall), level))


def _cut(returns: F64, width: int) -> _Cells:
    """Cells of `width` candles; what is left over at the beginning, less than a cell, is not used."""
    simple = returns[returns.size % width :].reshape(-1, width)
    level = np.cumsum(np.log1p(simple), axis=1)
    fall = (level - np.maximum.accumulate(level, axis=1)).min(axis=1)
    squares = np.einsum("ij,ij->i", simple, simple)
    return _Cells(simple.sum(axis=1), squares, level[:, -1].copy(), level.min(axis=1), level.max(axis=1), fall)


@njit(types.void(*[INPUT] * 6, STARTS, types.int64, OUT), cache=True)
def _resample(
    total: F64, squares: F64, growth: F64, lowest: F64, highest: F64, fall: F64,
    starts: NDArray[np.int64], length: int, out: F64,
) -> None:  # fmt: skip
    """Sum of returns, of squares, of log returns, and deepest fall (log) of histories.

    starts: where the blocks of `length` cells begin, (histories, blocks); out: (histories, 4).
    """
    size = total.size
    for history in range(starts.shape[0]):
        earned, squared, level, peak, deepest = 0.0, 0.0, 0.0, 0.0, 0.0
        block, left, cell = 0, 0, 0
        for _ in range(size):
            if left == 0:
                cell, block, left = starts[history, block], block + 1, length
            elif cell == size:
                cell = 0
            deepest = min(deepest, fall[cell], level + lowest[cell] - peak)
            peak = max(peak, level + highest[cell])
            earned += total[cell]
            squared += squares[cell]
            level += growth[cell]
            cell, left = cell + 1, left - 1
        out[history, 0], out[history, 1], out[history, 2], out[history, 3] = earned, squared, level, deepest


def _inner(values: F64, level: float) -> Interval:
    known = values[np.isfinite(values)]
    if 2 * known.size < values.size:
        return Interval(NAN, NAN)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
