"""The candles of one symbol: the past from its source, the present from what prints, asked for as one series."""

import zlib
from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterator
from typing import TypedDict

import numpy as np

from exchange_simulator.market import candles
from exchange_simulator.market.candles import COLUMNS, NO_TRADE, Column
from exchange_simulator.market.history import History
from exchange_simulator.market.intervals import BASES_US, DAY_US, SECOND_US, Interval
from exchange_simulator.market.tape import Ints, PriceSource

Row = list[int]

_KEPT_ROWS = (3_600, 100_000, 20_000, 20_000)  # of seconds, minutes, hours, days: 88 bytes each


class SeriesState(TypedDict):
    """The present part of a series per base interval: closed rows (packed text) and the open row."""

    closed: list[str]
    open: list[Row | None]


class CandleSeries:
    """Builds seconds from prints, minutes from seconds, hours from minutes and days from hours.

    Memory of the present: 88 bytes per second, minute, hour and day with a print, within `_KEPT_ROWS`; at most about
    13 MB after twelve weeks, 0.5 MB after the first day. What is older is no longer answered.

    Args:
        source: prices of the past, and the holes of the market.
        start_us: where the past ends and prints are added.
    """

    def __init__(self, source: PriceSource, start_us: int) -> None:
        self._source = source
        self._past = History(source)
        self._begins_us = [start_us // base * base for base in BASES_US]
        self._closed = [array("q") for _ in BASES_US]
        self._open: list[Row | None] = [None] * len(BASES_US)
        for level, end_us in enumerate((start_us, *self._begins_us[:-1])):
            rows = candles.from_tape(source.tape(self._begins_us[level], end_us), BASES_US[level])
            self._open[level] = rows[0].tolist() if len(rows) else None  # the part of the past inside open candles

    def add(self, time_us: int, ticks: int, steps: int, trade_id: int, *, buyer: bool) -> None:
        """Add a trade, or a mark when `steps` is 0. Times must not run backwards."""
        second = time_us - time_us % SECOND_US
        row = self._open[0]
        if row is None or row[0] != second:
            if row is not None:
                self._close(0, row)
            row = self._open[0] = [second, ticks, ticks, ticks, ticks, 0, 0, 0, 0, 0, NO_TRADE]
        row[Column.HIGH] = max(row[Column.HIGH], ticks)
        row[Column.LOW] = min(row[Column.LOW], ticks)
        row[Column.CLOSE] = ticks
        if steps:
            row[Column.VOLUME] += steps
            row[Column.QUOTE] += ticks * steps
            row[Column.COUNT] += 1
            if row[Column.FIRST_ID] == NO_TRADE:
                row[Column.FIRST_ID] = trade_id
            if buyer:
                row[Column.BUY_VOLUME] += steps
                row[Column.BUY_QUOTE] += ticks * steps

    def rows(self, interval: Interval, from_us: int, to_us: int) -> Ints:
        """Sparse candles of `interval` that open in [from_us, to_us); both are open times of the interval."""
        level = BASES_US.index(interval.base_us)
        begins_us = self._begins_us[level]
        parts = [self._past.rows(BASES_US[level], from_us, min(to_us, begins_us)), self._lived(level, from_us, to_us)]
        tail = [row for row in reversed(self._open[: level + 1]) if row is not None and from_us <= row[0] < to_us]
        if tail:
            parts.append(np.array(tail, np.int64))
        return candles.regrouped(np.concatenate(parts), interval)

    def prepare(self, interval: Interval, from_us: int, to_us: int) -> Iterator[None]:
        """Make the past in [from_us, to_us) ready, a piece of some milliseconds at a time."""
        level = BASES_US.index(interval.base_us)
        return self._past.prepare(BASES_US[level], from_us - DAY_US, min(to_us, self._begins_us[level]))

    def filled(self, interval: Interval, opens_us: Ints) -> Ints:
        """The candles at these open times, flat where nothing printed; without those in holes or forgotten."""
        if not len(opens_us):
            return candles.no_rows()
        from_us, to_us = int(opens_us[0]), interval.next(int(opens_us[-1]))
        look_back_us = min(3_600 * interval.base_us, BASES_US[-1])
        rows = self.rows(interval, interval.floor(max(from_us - look_back_us, 0)), to_us)
        return candles.filled(rows, self._remembered(interval, opens_us), interval, self._source.holes(from_us, to_us))

    @property
    def last_row(self) -> Row | None:
        """The youngest second with a print, of the past too if it lies in the second of the start; None without."""
        return self._open[0]

    def state(self) -> SeriesState:
        """What `restore` needs, as plain values."""
        return {"closed": [_packed(rows) for rows in self._closed], "open": [row and list(row) for row in self._open]}

    def restore(self, state: SeriesState) -> None:
        """Take over a saved state; source and start must be those of the saved series."""
        self._closed = [_unpacked(text) for text in state["closed"]]
        self._open = [row and list(row) for row in state["open"]]

    def _close(self, level: int, row: Row) -> None:
        closed = self._closed[level]
        closed.extend(row)
        if len(closed) > _KEPT_ROWS[level] * COLUMNS * 5 // 4:
            del closed[: len(closed) - _KEPT_ROWS[level] * COLUMNS]
        if level + 1 == len(BASES_US):
            return
        opened = row[0] // BASES_US[level + 1] * BASES_US[level + 1]
        longer = self._open[level + 1]
        if longer is not None and longer[0] == opened:
            _merge(longer, row)
            return
        if longer is not None:
            self._close(level + 1, longer)
        self._open[level + 1] = [opened, *row[1:]]

    def _lived(self, level: int, from_us: int, to_us: int) -> Ints:
        closed = self._closed[level]
        places = range(len(closed) // COLUMNS)
        first = bisect_left(places, from_us, key=lambda place: closed[place * COLUMNS])
        last = bisect_left(places, to_us, lo=first, key=lambda place: closed[place * COLUMNS])
        return np.frombuffer(closed[first * COLUMNS : last * COLUMNS], np.int64).reshape(-1, COLUMNS)

    def _remembered(self, interval: Interval, opens_us: Ints) -> Ints:
        """Leave out the candles that reach into the span between the past and the oldest row that is kept."""
        level = BASES_US.index(interval.base_us)
        closed = self._closed[level]
        if len(closed) < _KEPT_ROWS[level] * COLUMNS:
            return opens_us
        is_past = opens_us + interval.length_us <= self._begins_us[level]
        return opens_us[is_past | (opens_us >= closed[0])]


def _merge(into: Row, row: Row) -> None:
    into[Column.HIGH] = max(into[Column.HIGH], row[Column.HIGH])
    into[Column.LOW] = min(into[Column.LOW], row[Column.LOW])
    into[Column.CLOSE] = row[Column.CLOSE]
    for column in candles.SUMMED:
        into[column] += row[column]
    if into[Column.FIRST_ID] == NO_TRADE:
        into[Column.FIRST_ID] = row[Column.FIRST_ID]


def _packed(rows: "array[int]") -> str:
    return b64encode(zlib.compress(rows.tobytes(), 1)).decode()


def _unpacked(text: str) -> "array[int]":
    rows = array("q")
    rows.frombytes(zlib.decompress(b64decode(text)))
    return rows
