"""Equity by UTC day and month."""

from dataclasses import dataclass

import numpy as np

from app.analytics.arrays import DAY_MS, F64, I64
from app.analytics.returns import candle_returns


@dataclass(frozen=True, slots=True)
class MonthFigure:
    """One calendar month (UTC) of the account.

    Attributes:
        month: As `2025-01`.
        growth: Equity at its end over equity at its beginning, minus 1.
    """

    month: str
    growth: float


def months(open_ms: I64, path: F64) -> list[MonthFigure]:
    """Growth of each month that has candles; a candle belongs to the month in which it opened.

    open_ms: (n,) rising; path: (n+1,) the account before the first candle and after each.
    """
    if not open_ms.size:
        return []
    first, last = (open_ms[[0, -1]].astype("datetime64[ms]")).astype("datetime64[M]")
    starts = np.arange(first, last + 1, dtype="datetime64[M]")
    ends = np.searchsorted(open_ms, (starts + 1).astype("datetime64[ms]").astype(np.int64))
    filled = np.flatnonzero(np.diff(ends, prepend=0))
    growth = candle_returns(path[np.concatenate([[0], ends[filled]])])
    return [MonthFigure(str(month), float(value)) for month, value in zip(starts[filled], growth, strict=True)]


def daily_path(open_ms: I64, path: F64) -> F64:
    """The account before the first candle and at the end of each UTC day that has candles. Arguments as in `months`."""
    if not open_ms.size:
        return path[:1]
    days = np.arange(open_ms[0] // DAY_MS + 1, open_ms[-1] // DAY_MS + 2) * DAY_MS
    ends = np.searchsorted(open_ms, days)
    filled = ends[np.flatnonzero(np.diff(ends, prepend=0))]
    at_ends: F64 = path[np.concatenate([[0], filled])]
    return at_ends
