"""Buy-and-hold: what the same cash would have been worth in the instruments themselves."""

from collections.abc import Mapping

import numpy as np

from app.analytics.arrays import F64, I64, NAN, quotient


def hold_equity(
    open_ms: I64, closes: Mapping[str, tuple[I64, F64]], first_opens: Mapping[str, float], start: float, cost: float
) -> F64:
    """Equity of an equal share of cash in each symbol, bought at its first open and never sold: (n,) quote units.

    open_ms: (n,) the run's candles, rising; closes: open times (rising) and closes for each symbol; first_opens: the
    price of entry; start: cash; cost: fee and slippage of the entry as a fraction. A symbol that begins later stays in
    cash until then, one that ends or pauses keeps its last close. NaN where there is no symbol.
    """
    if not closes:
        return np.full(open_ms.size, NAN)
    share = start / len(closes)
    parts = (
        _share_equity(open_ms, times, close, share, quotient(share * (1.0 - cost), first_opens[symbol]))
        for symbol, (times, close) in closes.items()
    )
    total = next(parts)
    for part in parts:
        total += part
    return total


def _share_equity(open_ms: I64, times: I64, close: F64, share: float, units: float) -> F64:
    if np.array_equal(times, open_ms):
        return units * close
    at = np.searchsorted(times, open_ms, side="right")
    return np.where(at > 0, units * close[np.maximum(at - 1, 0)], share)
