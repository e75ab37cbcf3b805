"""Candles as arrays: what files and exchanges become before they are handed out as frames."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.core.window import candle_frame
from app.domain.timeframe import Timeframe


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles in order of time, each once.

    Attributes:
        times: Open times in ms UTC, strictly increasing, shape (n,).
        ohlcv: Open, high, low, close (quote per base) and volume (base), shape (n, 5); files give contiguous columns.
    """

    times: NDArray[np.int64]
    ohlcv: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)

    def between(self, since_ms: int | None, until_ms: int | None, limit: int | None) -> Self:
        """The newest `limit` candles that open in [since_ms, until_ms); O(log n), shares memory."""
        first = 0 if since_ms is None else int(np.searchsorted(self.times, since_ms, side="left"))
        last = len(self.times) if until_ms is None else int(np.searchsorted(self.times, until_ms, side="left"))
        if limit is not None:
            first = max(first, last - limit)
        return type(self)(self.times[first:last], self.ohlcv[first:last])

    def spacing_ms(self) -> int | None:
        """The most frequent distance between two candles; None for fewer than two."""
        if len(self.times) < 2:
            return None
        distances = np.diff(self.times)
        if (distances == distances[0]).all():
            return int(distances[0])
        steps, counts = np.unique(distances, return_counts=True)
        return int(steps[np.argmax(counts)])

    def aggregate(self, timeframe: Timeframe) -> Self:
        """Longer candles: first open, highest high, lowest low, last close, sum of volumes.

        A candle is made only when every shorter one in it is there: holes stay holes, and so does an unfinished end.
        """
        spacing_ms = self.spacing_ms()
        if spacing_ms is None:
            return type(self)(self.times[:0], self.ohlcv[:0])
        shift = timeframe.open_of(0) % timeframe.ms
        buckets = self.times - (self.times - shift) % timeframe.ms
        firsts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
        lasts = np.append(firsts[1:], len(buckets)) - 1
        values = np.column_stack(
            [
                self.ohlcv[firsts, 0],
                np.maximum.reduceat(self.ohlcv[:, 1], firsts),
                np.minimum.reduceat(self.ohlcv[:, 2], firsts),
                self.ohlcv[lasts, 3],
                np.add.reduceat(self.ohlcv[:, 4], firsts),
            ]
        )
        whole = lasts - firsts + 1 == timeframe.ms // spacing_ms
        return type(self)(buckets[firsts][whole], values[whole])

    def frame(self) -> pd.DataFrame:
        """As `IDataHandler.get_historical_data` returns them; changing the frame does not change the candles."""
        return candle_frame(self.times, self.ohlcv)
