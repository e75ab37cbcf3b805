"""Which candles a question for klines means (rest-api.md, "Kline/Candlestick data"), and their form as values.

startTime and endTime bound the open time, both inclusive. With startTime the answer runs forward from it, without it
backward from endTime or from now. The candle of the present is included and still open. Candles that do not exist
(before the listing, in holes) do not count towards the limit.
"""

from collections.abc import Iterator

import numpy as np

from exchange_simulator.engine.market_data import Kline
from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.intervals import Interval
from exchange_simulator.market.series import CandleSeries
from exchange_simulator.market.tape import Grid, Ints, PriceSource


def rows_asked_for(
    series: CandleSeries,
    source: PriceSource,
    interval: Interval,
    *,
    now_us: int,
    limit: int,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Ints:
    """At most `limit` rows in order of time."""
    first = interval.floor(source.first_us)
    last = interval.floor(now_us if end_us is None else max(min(now_us, end_us), 0))
    if start_us is None:
        return _backward(series, source, interval, first, last, limit)
    opened = interval.floor(max(start_us, 0))
    first = max(first, opened if opened >= start_us else interval.next(opened))
    return _forward(series, source, interval, first, last, limit)


def prepared(
    series: CandleSeries,
    interval: Interval,
    *,
    now_us: int,
    limit: int,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Iterator[None]:
    """Make ready what `rows_asked_for` reads, a piece at a time; only what holes push further out is left to it."""
    last = interval.floor(now_us if end_us is None else max(min(now_us, end_us), 0))
    if start_us is None:
        first = interval.back(last, limit - 1)
    else:
        first = interval.floor(max(start_us, 0))
        last = min(last, first + limit * interval.length_us)
    return series.prepare(interval, first, last + interval.length_us)


def as_klines(rows: Ints, interval: Interval, grid: Grid) -> list[Kline]:
    """Rows in ticks and steps as values in units of 1e-8."""
    tick, step, unit = grid.tick, grid.step, grid.quote_unit
    ends_us = rows[:, Column.OPEN_US] + interval.length_us
    if interval is Interval.MONTH:
        ends_us = candles.floors(ends_us, interval)  # 31 days after the first lie in the next month
    return [
        Kline(
            opened // 1000,
            first * tick,
            high * tick,
            low * tick,
            last * tick,
            volume * step,
            end // 1000 - 1,
            quote * unit,
            count,
            buy_volume * step,
            buy_quote * unit,
        )
        for end, (opened, first, high, low, last, volume, quote, count, buy_volume, buy_quote, _) in zip(
            ends_us.tolist(), rows.tolist(), strict=True
        )
    ]


def _forward(series: CandleSeries, source: PriceSource, interval: Interval, first: int, last: int, limit: int) -> Ints:
    parts: list[Ints] = []
    missing = limit
    while missing and first <= last:
        opens = _opens(interval, first, min(last, interval.next(first + (missing - 1) * interval.length_us)))[:missing]
        part = series.filled(interval, opens)
        parts.append(part)
        missing -= len(part)
        first = interval.next(int(opens[-1]))
        if not len(part):
            first = max([first, *(interval.floor(end) for _, end in source.holes(first, first + 1))])
    return np.concatenate(parts) if parts else candles.no_rows()


def _backward(series: CandleSeries, source: PriceSource, interval: Interval, first: int, last: int, limit: int) -> Ints:
    parts: list[Ints] = []
    missing = limit
    while missing and first <= last:
        opens = _opens(interval, max(first, interval.back(last, missing - 1)), last)
        part = series.filled(interval, opens)
        parts.insert(0, part)
        missing -= len(part)
        last = interval.back(int(opens[0]), 1)
        if not len(part):
            last = min([last, *(interval.floor(start) for start, _ in source.holes(last, last + 1))])
    return np.concatenate(parts) if parts else candles.no_rows()


def _opens(interval: Interval, first: int, last: int) -> Ints:
    """Open times from `first` to `last`, both included."""
    if interval is not Interval.MONTH:
        return np.arange(first, last + 1, interval.length_us)
    opens = []
    while first <= last:
        opens.append(first)
        first = interval.next(first)
    return np.array(opens, np.int64)
