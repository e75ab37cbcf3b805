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
from typing import Final

import numpy as np

from app.analytics.arrays import F64, NAN, YEAR_MS
from app.analytics.block_length import block_length

MOST_CELLS: Final = 4_096
FEWEST_CANDLES: Final = 30
_BATCH = 64


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


@dataclass(frozen=True, slots=True)
class _Cells:
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
    drawn = [_resample(cells, length, rng, min(_BATCH, resamples - done)) for done in range(0, resamples, _BATCH)]
    total, squares, growth, fall = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    candles = cells.total.size * width
    with np.errstate(all="ignore"):
        mean = total / candles
        variance = np.maximum(squares - candles * mean * mean, 0.0) / (candles - 1)
        # A history in which nothing happened has earned nothing for no risk.
        sharpe = np.where(variance > 0, mean / np.sqrt(variance), np.where(mean == 0, 0.0, NAN))
        sharpe *= math.sqrt(YEAR_MS / timeframe_ms)
        cagr = np.expm1(growth * (YEAR_MS / (candles * timeframe_ms)))
    return Intervals(
        level, resamples, length * width, _inner(sharpe, level), _inner(cagr, level), _inner(np.expm1(fall), level)
    )


def _cut(returns: F64, width: int) -> _Cells:
    """Cells of `width` candles; what is left over at the beginning, less than a cell, is not used."""
    simple = returns[returns.size % width :].reshape(-1, width)
    level = np.cumsum(np.log1p(simple), axis=1)
    fall = (level - np.maximum.accumulate(level, axis=1)).min(axis=1)
    squares = np.einsum("ij,ij->i", simple, simple)
    return _Cells(simple.sum(axis=1), squares, level[:, -1].copy(), level.min(axis=1), level.max(axis=1), fall)


def _resample(cells: _Cells, length: int, rng: np.random.Generator, count: int) -> tuple[F64, F64, F64, F64]:
    """Sum of returns, of squares, of log returns, and deepest fall (log) of `count` histories: (count,) each."""
    size = cells.total.size
    starts = rng.integers(0, size, (count, math.ceil(size / length), 1))
    picked = ((starts + np.arange(length)) % size).reshape(count, -1)[:, :size]
    growth = cells.growth[picked]
    end = np.cumsum(growth, axis=1)
    begin = end - growth
    peak = np.zeros_like(end)
    np.maximum.accumulate(begin[:, :-1] + cells.highest[picked[:, :-1]], axis=1, out=peak[:, 1:])
    np.maximum(peak, 0.0, out=peak)
    across = begin + cells.lowest[picked] - peak
    fall = np.minimum(np.minimum(across, cells.fall[picked]).min(axis=1), 0.0)
    return cells.total[picked].sum(axis=1), cells.squares[picked].sum(axis=1), end[:, -1], fall


def _inner(values: F64, level: float) -> Interval:
    known = values[np.isfinite(values)]
    if 2 * known.size < values.size:
        return Interval(NAN, NAN)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
