"""Binance's candle intervals: their length, and where the candles of each begin."""

from datetime import UTC, datetime
from enum import StrEnum

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_WEEK_US = 7 * DAY_US
_MONDAY_US = 4 * DAY_US  # 1970-01-05, the first Monday after the epoch


class Interval(StrEnum):
    """The intervals of `klines`, in the exchange's spelling (rest-api.md, "Kline/Candlestick chart intervals")."""

    S1 = "1s"
    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"
    MONTH = "1M"

    @property
    def length_us(self) -> int:
        """Length in microseconds; a month counts as 31 days, which is its longest."""
        return _LENGTH_US[self]

    @property
    def base_us(self) -> int:
        """Length of the stored candles that this interval is put together from: a second, minute, hour or day."""
        return next(base for base in reversed(BASES_US) if base <= self.length_us)

    def floor(self, instant_us: int) -> int:
        """Open time of the candle that holds `instant_us`. Weeks begin on Monday, months on the first, all UTC."""
        if self is Interval.MONTH:
            return _month_start(*_year_month(instant_us))
        if self is Interval.W1:
            return (instant_us - _MONDAY_US) // _WEEK_US * _WEEK_US + _MONDAY_US
        return instant_us // self.length_us * self.length_us

    def next(self, open_us: int) -> int:
        """Open time of the candle after the one that opens at `open_us`."""
        if self is Interval.MONTH:
            year, month = _year_month(open_us)
            return _month_start(year + month // 12, month % 12 + 1)
        return open_us + self.length_us

    def back(self, open_us: int, count: int) -> int:
        """Open time of the candle `count` candles before the one that opens at `open_us`, not before the epoch."""
        if self is Interval.MONTH:
            year, month = _year_month(open_us)
            months = max(year * 12 + month - 1 - count, 1970 * 12)
            return _month_start(months // 12, months % 12 + 1)
        return max(open_us - count * self.length_us, 0)


BASES_US = (SECOND_US, MINUTE_US, HOUR_US, DAY_US)
_UNIT_US = {"s": SECOND_US, "m": MINUTE_US, "h": HOUR_US, "d": DAY_US, "w": _WEEK_US, "M": 31 * DAY_US}
_LENGTH_US = {interval: int(interval[:-1]) * _UNIT_US[interval[-1]] for interval in Interval}


def _year_month(instant_us: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(instant_us // SECOND_US, UTC)
    return moment.year, moment.month


def _month_start(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * SECOND_US
