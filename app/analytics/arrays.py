"""The types and small rules that all figures share."""

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

F64: TypeAlias = NDArray[np.float64]
I64: TypeAlias = NDArray[np.int64]
NAN: Final = float("nan")
DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS


def periods_per_year(timeframe_ms: int) -> float:
    """How many candles of `timeframe_ms` milliseconds a year of 365 days holds: 525,600 for minutes, 365 for days.

    A market that never closes has no 252 trading days; its year is the calendar's.
    """
    return YEAR_MS / timeframe_ms


def quotient(part: float, whole: float) -> float:
    """Part / whole; NaN where that is no finite number."""
    if whole == 0 or not math.isfinite(whole) or not math.isfinite(part):
        return NAN
    result = float(part) / float(whole)
    return result if math.isfinite(result) else NAN


def equity_path(equity: F64, start: float) -> F64:
    """The account before the first candle and after each: (n+1,) quote units, never below zero.

    equity: (n,) finite or NaN; start: cash before the first candle. From the first value at or below zero on, all are
    zero: who has nothing cannot come back.

    Raises:
        ValueError: start is no positive number.
    """
    if not (math.isfinite(start) and start > 0):
        raise ValueError(f"starting cash is {start!r}: give a positive amount of quote currency")
    path = np.concatenate([[start], equity])
    if not path.min() > 0 and (broke := np.flatnonzero(path <= 0)).size:
        path[broke[0] :] = np.where(np.isnan(path[broke[0] :]), NAN, 0.0)
    return path
