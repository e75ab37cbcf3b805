"""The market of the exchange: it makes prices happen in the book as time passes, and answers what they were."""

from collections.abc import Mapping
from heapq import heapify, heapreplace
from typing import Any, Self

from exchange_simulator.engine.account import HOUSE
from exchange_simulator.engine.events import Event, TradePrinted
from exchange_simulator.engine.market_data import AggTrade, Average, BookTicker, Kline, Ticker
from exchange_simulator.engine.orders import Trade
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.cursor import Cursor, Print
from exchange_simulator.market.house import House, Venue
from exchange_simulator.market.intervals import HOUR_US, Interval
from exchange_simulator.market.klines import as_klines, rows_asked_for
from exchange_simulator.market.plan import MarketPlan
from exchange_simulator.market.series import CandleSeries
from exchange_simulator.market.statistics import Statistics
from exchange_simulator.market.tape import FOREVER_US, Grid, PriceSource
from exchange_simulator.market.tradelog import TradeLog


class Lane:
    """One symbol: its source, how far it has been read, the house in it, and what has printed."""

    def __init__(self, plan: MarketPlan, symbol: str, source: PriceSource) -> None:
        self.symbol = symbol
        self.source = source
        self.series = CandleSeries(source, plan.start_us)
        self.log = TradeLog()
        self.statistics = Statistics(symbol, source.grid, self.series, self.log)
        self.cursor = Cursor(source, plan.start_us)
        self._opening = _opening_print(source, plan.start_us)
        first_ticks = self._opening.ticks if self._opening else _first_ticks(source, plan.start_us)
        self.house = House(
            symbol,
            source.grid,
            first_ticks=first_ticks,
            spread=source.grid.spread(plan.spread_bp, first_ticks),
            typical_quantity=source.typical_quantity,
            settings=plan.house,
        )

    def open(self, venue: Venue) -> None:
        """Quote around the last price of the past, so that there is a book before the first print."""
        if self._opening and venue.is_trading(self.symbol):
            self.house.trade(venue, self._opening.time_us, self._opening.ticks, 0, buyer=self._opening.buyer)

    def happen(self, venue: Venue, due: Print) -> None:
        """Let one print happen in the book; while the symbol is halted it does not."""
        if not venue.is_trading(self.symbol):
            return
        if not due.ticks:
            self.house.withdraw(venue)
            return
        ticks = self.house.trade(venue, due.time_us, due.ticks, due.steps, buyer=due.buyer)
        if not due.steps:
            self.series.add(due.time_us, ticks, 0, 0, buyer=due.buyer)

    def on_trade(self, trade: Trade, *, by_house: bool) -> None:
        """Note a trade; `by_house` says whether the house took."""
        grid, buyer = self.source.grid, not trade.is_buyer_maker
        ticks = trade.price // grid.tick
        self.log.add(trade)
        self.series.add(trade.time_us, ticks, trade.quantity // grid.step, trade.trade_id, buyer=buyer)
        if not by_house:
            self.house.on_foreign_trade(trade.time_us, ticks, buyer=buyer)


class Market:
    """All symbols. The engine's trades come in through `on_event`, its book is moved through a `Venue`.

    Memory per symbol: about 0.1 MB at the start, 0.5 MB after a day, at most about 15 MB (see `CandleSeries`).

    Args:
        plan: what the market is made of.
        clock: the exchange's clock; past events show their own instant on it while they happen.
    """

    def __init__(self, plan: MarketPlan, clock: VirtualClock) -> None:
        self.plan = plan
        self._clock = clock
        self._lanes = {name: Lane(plan, name, source) for name, source in plan.sources().items()}
        self._order = list(self._lanes.values())
        self._is_open = False
        self._due: list[tuple[int, int]] = []
        self._line_up()

    def advance(self, venue: Venue, until_us: int) -> None:
        """Let everything happen that is due up to and including `until_us`, in order of time, then of symbols."""
        if not self._is_open:
            self._is_open = True
            with self._clock.at(self.plan.start_us):
                for lane in self._order:
                    lane.open(venue)
        due = self._due
        while due and due[0][0] <= until_us:
            time_us, number = due[0]
            lane = self._order[number]
            with self._clock.at(time_us):
                lane.happen(venue, lane.cursor.pop())
            next_us = lane.cursor.next_us
            heapreplace(due, (FOREVER_US if next_us is None else next_us, number))

    @property
    def next_event_us(self) -> int:
        """When the next event is due: before it, `advance` has nothing to do."""
        return self._due[0][0] if self._is_open and self._due else 0

    def on_event(self, event: Event) -> None:
        """Listen to the engine: every trade is noted, the house's own included, at once and in order."""
        if isinstance(event, TradePrinted):
            lane = self._lanes.get(event.trade.symbol)
            if lane is not None:
                lane.on_trade(event.trade, by_house=event.taker.account == HOUSE)

    def spike(self, symbol: str, basis_points: float) -> None:
        """Displace the price by so much at once, from the next print on; it comes back like any impact.

        Raises:
            ValueError: the price would not stay positive.
        """
        if not -10_000 < basis_points < float("inf"):
            raise ValueError(f"a spike of {basis_points} basis points leaves no price: give more than -10000")
        ticks = self.last_price(symbol) // self.grid(symbol).tick
        self._lanes[symbol].house.displace(self._clock.now_us(), round(ticks * basis_points / 10_000))

    def grid(self, symbol: str) -> Grid:
        """Tick and step that the symbol's prices are counted on."""
        return self._lanes[symbol].source.grid

    def klines(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Candles as `GET /api/v3/klines` gives them; see `rows_asked_for` for the bounds."""
        lane = self._lanes[symbol]
        rows = rows_asked_for(
            lane.series,
            lane.source,
            interval,
            now_us=self._clock.now_us(),
            limit=limit,
            start_us=None if start_ms is None else start_ms * 1000,
            end_us=None if end_ms is None else end_ms * 1000,
        )
        return as_klines(rows, interval, lane.source.grid)

    def trades(self, symbol: str, *, limit: int = 500, from_id: int | None = None) -> list[Trade]:
        """The youngest trades, or those from an id on, oldest first."""
        return self._lanes[symbol].log.recent(limit, from_id)

    def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[AggTrade]:
        """Aggregate trades, oldest first; the millisecond of end_ms counts in full."""
        return self._lanes[symbol].log.aggregates(
            limit,
            from_id=from_id,
            start_us=None if start_ms is None else start_ms * 1000,
            end_us=None if end_ms is None else end_ms * 1000 + 999,
        )

    def average(self, symbol: str) -> Average:
        """The average price of the last five minutes."""
        return self._lanes[symbol].statistics.average(self._clock.now_us())

    def ticker(self, symbol: str, book: BookTicker) -> Ticker:
        """The statistics of the last 24 hours, completed by the book's best prices."""
        return self._lanes[symbol].statistics.ticker(self._clock.now_us(), book)

    def last_price(self, symbol: str) -> int:
        """The last price in units of 1e-8; 0 when nothing printed in the last day."""
        return self._lanes[symbol].statistics.last_price(self._clock.now_us())

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, as plain values; the orders of the house are the engine's to save."""
        lanes = {
            name: {
                "cursor": lane.cursor.state(),
                "house": lane.house.state(),
                "series": lane.series.state(),
                "log": lane.log.state(),
            }
            for name, lane in self._lanes.items()
        }
        return {"plan": self.plan.as_values(), "is_open": self._is_open, "lanes": lanes}

    @classmethod
    def restore(cls, state: Mapping[str, Any], clock: VirtualClock) -> Self:
        """The market of a saved state; it goes on as the saved one would have, to the last digit.

        Raises:
            ValueError: a replayed file is no longer there or no longer readable.
        """
        market = cls(MarketPlan.from_values(state["plan"]), clock)
        market._is_open = state["is_open"]
        for name, saved in state["lanes"].items():
            lane = market._lanes[name]
            lane.cursor.restore(saved["cursor"])
            lane.house.restore(saved["house"])
            lane.series.restore(saved["series"])
            lane.log.restore(saved["log"])
        market._line_up()
        return market

    def _line_up(self) -> None:
        times = [lane.cursor.next_us for lane in self._order]
        self._due = [(FOREVER_US if time is None else time, number) for number, time in enumerate(times)]
        heapify(self._due)


def _opening_print(source: PriceSource, start_us: int) -> Print | None:
    """The last print of the hour before the start, unless the market is down at the start."""
    if any(start <= start_us < end for start, end in source.holes(start_us, start_us + 1)):
        return None
    tape = source.tape(start_us - HOUR_US, start_us)
    if not len(tape):
        return None
    return Print(start_us, int(tape.price[-1]), int(tape.quantity[-1]), bool(tape.buyer[-1]))


def _first_ticks(source: PriceSource, start_us: int) -> int:
    """Price of the first print from the start on, 1 when there is none: distances are scaled by it."""
    cursor = Cursor(source, start_us)
    return max(cursor.pop().ticks, 1) if cursor.next_us is not None else 1
