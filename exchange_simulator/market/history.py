"""Candles of a symbol's past, before the exchange started, put together from the tape of its price source."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from exchange_simulator.market import candles
from exchange_simulator.market.candles import Column
from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Interval
from exchange_simulator.market.tape import Ints, PriceSource

_DAYS_OF_MINUTES = 3  # kept, 130 kB each


class History:
    """Sparse candles straight from the source. Seconds are made anew each time, longer ones are kept by the day.

    A day costs milliseconds when it is first asked for, so years of them cost seconds: `prepare` takes them one by one.
    Memory: nothing until asked; then up to 0.4 MB, and 2.5 kB for each day of which hours or days were asked for.

    Args:
        source: the prices.
    """

    def __init__(self, source: PriceSource) -> None:
        self._source = source
        self._hours: dict[int, Ints] = {}
        self._days: dict[int, Ints] = {}
        self._minutes = lru_cache(maxsize=_DAYS_OF_MINUTES)(self._minutes_of)

    def rows(self, base_us: int, from_us: int, to_us: int) -> Ints:
        """Sparse candles that open in [from_us, to_us); both are multiples of `base_us`."""
        from_us = max(from_us, self._source.first_us // base_us * base_us)
        if from_us >= to_us:
            return candles.no_rows()
        if base_us == SECOND_US:
            return candles.from_tape(self._source.tape(from_us, to_us), SECOND_US)
        rows = np.concatenate([self._of_day(day, base_us) for day in range(from_us // DAY_US, -(-to_us // DAY_US))])
        first, last = np.searchsorted(rows[:, Column.OPEN_US], (from_us, to_us))
        wanted: Ints = rows[first:last]
        return wanted

    def prepare(self, base_us: int, from_us: int, to_us: int) -> Iterator[None]:
        """Make ready what `rows` answers of hours and days, pausing after each day that was not yet known."""
        if base_us < HOUR_US:
            return
        from_us = max(from_us, self._source.first_us)
        for day in range(from_us // DAY_US, -(-to_us // DAY_US)):
            if day not in self._hours:
                self._hour_rows(day)
                yield

    def _of_day(self, day: int, base_us: int) -> Ints:
        if base_us == DAY_US:
            return self._day_row(day)
        return self._hour_rows(day) if base_us == HOUR_US else self._minutes(day)

    def _minutes_of(self, day: int) -> Ints:
        return self._straight(day, MINUTE_US)

    def _hour_rows(self, day: int) -> Ints:
        if day not in self._hours:
            self._hours[day] = self._straight(day, HOUR_US)
        return self._hours[day]

    def _day_row(self, day: int) -> Ints:
        if day not in self._days:
            self._days[day] = candles.regrouped(self._hour_rows(day), Interval.D1)
        return self._days[day]

    def _straight(self, day: int, base_us: int) -> Ints:
        return candles.from_tape(self._source.tape(day * DAY_US, (day + 1) * DAY_US), base_us)
