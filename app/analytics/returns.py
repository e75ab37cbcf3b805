"""Figures of a series of returns. Every ratio uses a risk-free rate and a target of zero."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.analytics.arrays import F64, NAN, quotient

# Below this part of the mean, a deviation is rounding: returns that differ in the last bit are equal.
_ROUNDING = 1e-10
# Small enough for the cache, and for a dot product that is not worth a second thread.
_BLOCK = 8_192


def candle_returns(path: F64) -> F64:
    """Simple returns: out[i] = path[i+1] / path[i] - 1, and 0 where path[i] is zero. path: (n+1,) not negative."""
    before, after = path[:-1], path[1:]
    if path.size and path.min() > 0:
        out: F64 = after / before
    else:
        out = np.where(np.isnan(before), NAN, 1.0)
        np.divide(after, before, out=out, where=before > 0)
    out -= 1.0
    return out


def total_return(start: float, final: float) -> float:
    """What the run added, as a fraction of what it began with: final / start - 1.

    Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed. 2008, 2.2 (simple return).
    """
    return quotient(final, start) - 1.0


def cagr(growth: float, years: float) -> float:
    """Compound annual growth rate: (1 + growth) ** (1 / years) - 1; -1 where everything is lost.

    growth: total return as a fraction; years: elapsed time, of 365 days. NaN where the power exceeds all numbers, as
    a good minute would. Bacon 2008, 2.6 (annualised return).
    """
    if not years > 0 or math.isnan(growth):
        return NAN
    if growth <= -1:
        return -1.0
    exponent = math.log1p(growth) / years
    return math.expm1(exponent) if exponent < 700 else NAN


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over returns that the ratios share.

    Attributes:
        count: Of returns.
        mean: NaN where there are none.
        squares: Sum of (r - mean)^2.
        below: Sum of min(r, 0)^2.
        lost: Sum of min(r, 0).
    """

    count: int
    mean: float
    squares: float
    below: float
    lost: float


def moments(returns: F64) -> Moments:
    """The sums over returns (n,)."""
    return _summed(returns[first : first + _BLOCK] for first in range(0, returns.size, _BLOCK))


def path_moments(path: F64) -> Moments:
    """The sums over the returns of a path (n+1,), without an array of them; see `candle_returns`."""
    return _summed(candle_returns(path[first : first + _BLOCK + 1]) for first in range(0, path.size - 1, _BLOCK))


def _summed(blocks: Iterable[F64]) -> Moments:
    """Sums over blocks that stay in the nearest cache.

    Squares are taken about the first block's mean, which is near enough to that of all to lose nothing: Chan, Golub,
    LeVeque, Algorithms for Computing the Sample Variance, 1983.
    """
    count, center, total, squares, below, lost = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for block in blocks:
        if not count:
            center = float(block.mean())
        distance, negative = block - center, np.minimum(block, 0.0)
        count += block.size
        total += float(distance.sum())
        squares += float(distance @ distance)
        below += float(negative @ negative)
        lost += float(negative.sum())
    if not count:
        return Moments(0, NAN, 0.0, 0.0, 0.0)
    return Moments(count, center + total / count, max(0.0, squares - total * total / count), below, lost)


def deviation(of: Moments) -> float:
    """Sample standard deviation (n - 1) of returns; NaN for fewer than two, exactly 0 where all are equal."""
    if of.count < 2:
        return NAN
    result = math.sqrt(quotient(of.squares, of.count - 1))
    return 0.0 if result <= _ROUNDING * abs(of.mean) else result


def volatility(of: Moments, periods: float) -> float:
    """Annualised standard deviation: s * sqrt(periods), as if returns were independent.

    periods: returns per year. Bacon 2008, 4.1 (annualised risk).
    """
    return deviation(of) * math.sqrt(periods)


def sharpe(of: Moments, periods: float) -> float:
    """Mean over sample standard deviation, times sqrt(periods); NaN where returns do not vary.

    Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1), 1994, with a benchmark of zero.
    """
    return quotient(of.mean, deviation(of)) * math.sqrt(periods)


def sortino(of: Moments, periods: float) -> float:
    """Mean over downside deviation sqrt(mean(min(r, 0)^2)), times sqrt(periods); NaN where nothing was lost.

    All returns count in the mean under the root, not the losses only: Sortino and van der Meer, Downside Risk, Journal
    of Portfolio Management 17 (4), 1991; Rollinger and Hoffman, Sortino: A Sharper Ratio, 2013.
    """
    return quotient(of.mean, math.sqrt(of.below / of.count)) * math.sqrt(periods) if of.count else NAN


def omega(of: Moments) -> float:
    """Sum of gains over sum of losses at a threshold of zero; NaN where nothing was lost.

    Keating and Shadwick, A Universal Performance Measure, Journal of Performance Measurement 6 (3), 2002.
    """
    return quotient(of.mean * of.count - of.lost, -of.lost) if of.count else NAN


def calmar(growth_rate: float, max_drawdown: float) -> float:
    """Annual growth over the deepest drawdown: cagr / |max_drawdown|, over the whole run; NaN without a drawdown.

    Young, Calmar Ratio: A Smoother Tool, Futures 20 (1), 1991 (who takes the last 36 months).
    """
    return quotient(growth_rate, abs(max_drawdown))


def value_at_risk(returns: F64, tail: float = 0.05) -> float:
    """The return that only the worst `tail` of returns fall below (a loss is negative): their empirical quantile.

    Linear between neighbours. NaN for fewer than 1 / tail returns, which hold no such tail. Historical simulation:
    Jorion, Value at Risk, 3rd ed. 2007, chapter 10.
    """
    if returns.size * tail < 1 or np.isnan(returns).any():
        return NAN
    return float(np.quantile(returns, tail))


def expected_shortfall(returns: F64, tail: float = 0.05) -> float:
    """Mean of the worst `tail` of returns, those up to the position of `value_at_risk` (also CVaR). NaN where that is.

    Rockafellar and Uryasev, Conditional Value-at-Risk for General Loss Distributions, Journal of Banking and Finance
    26 (7), 2002.
    """
    if math.isnan(value_at_risk(returns, tail)):
        return NAN
    last = int((returns.size - 1) * tail)
    return float(np.partition(returns, last)[: last + 1].mean())
