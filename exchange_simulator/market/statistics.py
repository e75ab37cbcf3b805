"""Figures over a rolling window of a symbol's candles: 24 h statistics and the five-minute average."""

import numpy as np

from exchange_simulator.engine.market_data import Average, BookTicker, Ticker
from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.market import candles
from exchange_simulator.market.candles import NO_TRADE, Column
from exchange_simulator.market.intervals import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Interval
from exchange_simulator.market.series import CandleSeries
from exchange_simulator.market.tape import Grid, Ints
from exchange_simulator.market.tradelog import TradeLog

AVERAGE_MINUTES = 5


class Statistics:
    """Rolling figures of one symbol.

    The 24 hours begin on a whole minute: 1439 minutes and the present one (rest-api.md, "24hr ticker price change
    statistics"). Closed minutes are added up once a minute, so asking every second is cheap.

    Args:
        symbol: name of the symbol.
        grid: its tick and step.
        series: its candles.
        log: its trades.
    """

    def __init__(self, symbol: str, grid: Grid, series: CandleSeries, log: TradeLog) -> None:
        self._symbol = symbol
        self._grid = grid
        self._series = series
        self._log = log
        self._minute_us = -1
        self._closed = candles.no_rows()
        self._before = 0

    def ticker(self, now_us: int, book: BookTicker) -> Ticker:
        """The last 24 hours, with the best prices of the book. All zero where nothing ever printed."""
        rows = self._window(now_us)
        tick, step, unit = self._grid.tick, self._grid.step, self._grid.quote_unit
        opened = int(rows[0, Column.OPEN]) * tick if len(rows) else self._before * tick
        last = int(rows[-1, Column.CLOSE]) * tick if len(rows) else opened
        volume = int(rows[:, Column.VOLUME].sum()) * step
        quote = int(rows[:, Column.QUOTE].sum()) * unit
        youngest = self._log.last
        ids = rows[rows[:, Column.FIRST_ID] != NO_TRADE, Column.FIRST_ID]
        return Ticker(
            symbol=self._symbol,
            last=last,
            change=last - opened,
            change_percent=f"{(last - opened) * 100 / opened:.3f}" if opened else "0.000",
            weighted=quote * SCALE // volume if volume else 0,
            prev_close=self._before * tick or opened,
            last_qty=0 if youngest is None else youngest.quantity,
            bid=book.bid,
            bid_qty=book.bid_qty,
            ask=book.ask,
            ask_qty=book.ask_qty,
            open=opened,
            high=int(rows[:, Column.HIGH].max(initial=0)) * tick or opened,
            low=int(rows[:, Column.LOW].min()) * tick if len(rows) else opened,
            volume=volume,
            quote_volume=quote,
            open_ms=(now_us - DAY_US) // 1000,
            close_ms=now_us // 1000,
            first_id=int(ids[0]) if len(ids) else NO_TRADE,
            last_id=NO_TRADE if youngest is None else youngest.trade_id,
            count=int(rows[:, Column.COUNT].sum()),
        )

    def average(self, now_us: int) -> Average:
        """Volume-weighted price of five minutes; the last price where they hold no trade (rest-api.md, avgPrice)."""
        until_us = now_us // SECOND_US * SECOND_US + SECOND_US
        rows = self._series.rows(Interval.S1, until_us - AVERAGE_MINUTES * MINUTE_US, until_us)
        volume = int(rows[:, Column.VOLUME].sum()) * self._grid.step
        quote = int(rows[:, Column.QUOTE].sum()) * self._grid.quote_unit
        price = quote * SCALE // volume if volume else self.last_price(now_us)
        return Average(AVERAGE_MINUTES, price, now_us // 1000)

    def last_price(self, now_us: int) -> int:
        """Price of the youngest print, 0 when nothing ever printed within the last day."""
        rows = self._window(now_us)
        return (int(rows[-1, Column.CLOSE]) if len(rows) else self._before) * self._grid.tick

    def _window(self, now_us: int) -> Ints:
        minute_us = now_us // MINUTE_US * MINUTE_US
        if minute_us != self._minute_us:
            begin_us = minute_us + MINUTE_US - DAY_US
            rows = self._series.rows(Interval.M1, begin_us - HOUR_US, minute_us)
            earlier = int(np.searchsorted(rows[:, Column.OPEN_US], begin_us))
            if earlier:
                self._before = int(rows[earlier - 1, Column.CLOSE])
            day = rows[earlier:].copy()
            day[:, Column.OPEN_US] = begin_us
            self._closed = candles.merged(day)
            self._minute_us = minute_us
        return np.concatenate((self._closed, self._series.rows(Interval.M1, minute_us, minute_us + MINUTE_US)))
