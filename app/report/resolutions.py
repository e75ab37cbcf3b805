"""Candles in several resolutions, so that a page about a million of them stays small and quick.

The overview has at most `OVERVIEW` buckets, a middle level at most `MIDDLE`, both of whole candles, and single candles
are kept for trades and around them. A history of at most `EVERYTHING` candles goes into the page whole.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, I64
from app.analytics.columns import index_ms
from app.report.packing import pack, pack_times

EVERYTHING: Final = 30_000
MIDDLE: Final = 18_000
OVERVIEW: Final = 2_000
DETAIL: Final = 50_000
AROUND: Final = 60
WHOLE: Final = 3_000
LINES: Final = 8
_COLUMNS = ("open", "high", "low", "close")
_NICE_MINUTES = (1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880, 4_320, 10_080, 20_160, 40_320)


@dataclass(frozen=True, slots=True)
class History:
    """Candles of a symbol as arrays (n,), and its indicators as (n,) each."""

    times: I64
    columns: dict[str, F64]
    lines: dict[str, F64]

    def part(self, picked: np.ndarray) -> "History":
        """Some of the candles."""
        return History(
            self.times[picked],
            {name: values[picked] for name, values in self.columns.items()},
            {name: values[picked] for name, values in self.lines.items()},
        )


def history(candles: pd.DataFrame, indicators: pd.DataFrame | None) -> History:
    """Candles with at most `LINES` numeric indicators; rows where a price is not finite are left out."""
    columns = {name: candles[name].to_numpy(dtype=np.float64) for name in _COLUMNS}
    whole = np.logical_and.reduce([np.isfinite(values) for values in columns.values()])
    found = History(index_ms(candles.index), columns, _lines(candles, indicators))
    return found if whole.all() else found.part(whole)


def _lines(candles: pd.DataFrame, indicators: pd.DataFrame | None) -> dict[str, F64]:
    if indicators is None:
        return {}
    lines: dict[str, F64] = {}
    for name in indicators.columns:
        column = indicators[name]
        if name in candles.columns or name == "signal" or not pd.api.types.is_numeric_dtype(column.dtype):
            continue
        if pd.api.types.is_bool_dtype(column.dtype) or len(lines) == LINES:
            continue
        aligned = column if column.index is candles.index or column.index.equals(candles.index) else None
        lines[str(name)] = (column.reindex(candles.index) if aligned is None else aligned).to_numpy(dtype=np.float64)
    return lines


def bucket_length(span_ms: int, timeframe_ms: int, most: int) -> int:
    """The shortest round length, a multiple of the candles' own, that needs at most `most` buckets for the span."""
    needed = span_ms / most
    if needed <= timeframe_ms:
        return timeframe_ms
    for minutes in _NICE_MINUTES:
        if minutes * 60_000 >= needed and minutes * 60_000 % timeframe_ms == 0:
            return minutes * 60_000
    return timeframe_ms * max(1, -int(-needed // timeframe_ms))


def buckets(whole: History, length_ms: int) -> History:
    """Candles of `length_ms`: first open, highest high, lowest low, last close; indicators as at their last candle."""
    if not whole.times.size:
        return whole
    place = whole.times // length_ms
    first = np.flatnonzero(np.diff(place, prepend=place[0] - 1))
    last = np.append(first[1:], place.size) - 1
    columns = {
        "open": whole.columns["open"][first],
        "high": np.maximum.reduceat(whole.columns["high"], first),
        "low": np.minimum.reduceat(whole.columns["low"], first),
        "close": whole.columns["close"][last],
    }
    return History(place[first] * length_ms, columns, {name: values[last] for name, values in whole.lines.items()})


def around(times: I64, entries_ms: I64, exits_ms: I64, length_ms: int) -> I64:
    """Positions of the candles of trades, in whole buckets: at most about `DETAIL`, the first trades first.

    A trade is shown from `AROUND` candles before its entry to as many after its exit; of one that lasts longer than
    `WHOLE` candles, only the surroundings of both.
    """
    if not (times.size and entries_ms.size):
        return np.empty(0, dtype=np.int64)
    step = max(1, int(np.median(np.diff(times[:1_000]))))
    entry, leave = np.searchsorted(times, entries_ms), np.searchsorted(times, exits_ms)
    long = leave - entry > WHOLE
    starts = np.stack([entry, np.where(long, leave, entry)], axis=1) - AROUND
    ends = np.stack([np.where(long, entry, leave), leave], axis=1) + AROUND
    cost = np.where(long, 2, 1) * (2 * AROUND + length_ms // step) + np.where(long, 0, leave - entry)
    kept = int(np.searchsorted(np.cumsum(cost), DETAIL, side="right"))
    edges = np.zeros(times.size + 1, dtype=np.int64)
    np.add.at(edges, np.clip(starts[:kept].ravel(), 0, times.size), 1)
    np.add.at(edges, np.clip(ends[:kept].ravel(), 0, times.size), -1)
    near = np.cumsum(edges[:-1]) > 0
    place = times // length_ms
    return np.flatnonzero(np.isin(place, place[near]))


def level(part: History, bucket_ms: int) -> dict[str, object]:
    """One resolution as the page reads it."""
    packed: dict[str, object] = {name: pack(values) for name, values in part.columns.items()}
    lines = [pack(values) for values in part.lines.values()]
    return packed | {"bucket_ms": bucket_ms, "times": pack_times(part.times), "lines": lines}


def resolutions(whole: History, timeframe_ms: int, entries_ms: I64, exits_ms: I64) -> dict[str, object]:
    """All levels of a symbol, the finest first, and the single candles of trades.

    entries_ms, exits_ms: of trades, ms UTC, the most important first.
    """
    span = int(whole.times[-1] - whole.times[0]) + timeframe_ms if whole.times.size else 0
    if whole.times.size <= EVERYTHING:
        return {"levels": [level(whole, timeframe_ms)], "detail": None}
    middle, overview = (bucket_length(span, timeframe_ms, most) for most in (MIDDLE, OVERVIEW))
    near = whole.part(around(whole.times, entries_ms, exits_ms, middle))
    covered = np.unique(near.times // middle) * middle
    return {
        "levels": [level(buckets(whole, length), length) for length in (middle, overview)],
        "detail": level(near, timeframe_ms) | {"covered": pack_times(covered)} if near.times.size else None,
    }
