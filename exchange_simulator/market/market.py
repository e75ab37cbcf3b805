"""The market of the exchange: it makes prices happen in the book as time passes, and answers what they were."""

from collections.abc import Iterator, Mapping
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, Any, Self

from exchange_simulator.engine.account import HOUSE
from exchange_simulator.engine.events import Event, TradePrinted
from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.market_data import AggTrade, Average, Kline, Ticker
from exchange_simulator.engine.orders import Trade
from exchange_simulator.market.intervals import Interval
from exchange_simulator.market.klines import as_klines, prepared, rows_asked_for
from exchange_simulator.market.lane import Lane
from exchange_simulator.market.plan import MarketPlan
from exchange_simulator.market.tape import FOREVER_US, Grid
from exchange_simulator.market.venue import EngineVenue

if TYPE_CHECKING:
    from exchange_simulator.exchange import Exchange


class SimulatedMarket:
    """All symbols of an exchange: the facade's `Market`.

    Memory per symbol: 0.2 MB at the start, 0.8 MB after an hour, at most about 15 MB (see `CandleSeries`).

    Args:
        plan: what the market is made of.
    """

    def __init__(self, plan: MarketPlan) -> None:
        self.plan = plan
        self._lanes = {name: Lane(plan, name, source) for name, source in plan.sources().items()}
        self._order = list(self._lanes.values())
        self._is_open = False
        self._due: list[tuple[int, int]] = []
        self._line_up()

    def attach(self, exchange: "Exchange") -> None:
        """Belong to an exchange: listen to its trades, use its clock and trade in its books.

        Raises:
            ValueError: a listed symbol has no prices here, or lies on another grid.
        """
        for symbol, instrument in exchange.instruments().items():
            grid = Grid(instrument.tick_size, instrument.step_size)
            if symbol not in self._lanes:
                raise ValueError(f"{symbol} is listed but the market's plan has no prices for it: add a SymbolPlan")
            if grid != self.grid(symbol) and not self._is_open:
                raise ValueError(f"{symbol} is traded on {grid} but its prices lie on {self.grid(symbol)}: use one")
        self._exchange = exchange
        self._clock = exchange.clock
        self._venue = EngineVenue(exchange.engine)
        exchange.subscribe(self.on_event)

    def advance(self, exchange: "Exchange", until_us: int) -> None:  # noqa: ARG002 - the attached one, as the port asks
        """Let everything happen that is due up to and including `until_us`, in order of time, then of symbols.

        Past events show their own instant on the clock while they happen.
        """
        venue = self._venue
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

    def on_event(self, event: Event) -> None:
        """Listen to the engine: every trade is noted, the house's own included, at once and in order."""
        if isinstance(event, TradePrinted):
            lane = self._lanes.get(event.trade.symbol)
            if lane is not None:
                lane.on_trade(event.trade, by_house=event.taker.account == HOUSE)

    def spike(self, exchange: "Exchange", symbol: str, percent: float) -> None:
        """Displace the price by so much at once, from the next print on; it comes back like any impact.

        Raises:
            ValueError: the price would not stay positive.
        """
        if not -100 < percent < float("inf"):
            raise ValueError(f"a spike of {percent} percent leaves no price: give more than -100")
        lane, now_us = self._lanes[symbol], exchange.clock.now_us()
        ticks = lane.statistics.last_price(now_us) // lane.source.grid.tick
        lane.house.displace(now_us, round(ticks * percent / 100))

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

    def prepare_klines(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> Iterator[None]:
        """Make the candles of the past that `klines` would answer ready, a piece of some milliseconds at a time."""
        return prepared(
            self._lanes[symbol].series,
            interval,
            now_us=self._clock.now_us(),
            limit=limit,
            start_us=None if start_ms is None else start_ms * 1000,
            end_us=None if end_ms is None else end_ms * 1000,
        )

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

    def avg_price(self, symbol: str) -> Average:
        """The average price of the last five minutes."""
        return self._lanes[symbol].statistics.average(self._clock.now_us())

    def ticker(self, symbol: str) -> Ticker:
        """The statistics of the last 24 hours, with the book's best prices."""
        return self._lanes[symbol].statistics.ticker(self._clock.now_us(), self._exchange.book_ticker(symbol))

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
    def restore(cls, state: Any, listed: Mapping[str, Instrument]) -> Self:  # noqa: ARG003, ANN401 - what state() gave
        """The market of a saved state; attached, it goes on as the saved one would have, to the last digit.

        Raises:
            ValueError: a replayed file is no longer there or no longer readable.
        """
        market = cls(MarketPlan.from_values(state["plan"]))
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
