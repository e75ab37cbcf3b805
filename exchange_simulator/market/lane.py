"""One symbol of the market: where its prices come from, how they happen in the book, and what is kept of them."""

from exchange_simulator.engine.orders import Trade
from exchange_simulator.market.cursor import Cursor, Print
from exchange_simulator.market.house import House, Venue
from exchange_simulator.market.intervals import HOUR_US
from exchange_simulator.market.plan import MarketPlan
from exchange_simulator.market.series import CandleSeries
from exchange_simulator.market.statistics import Statistics
from exchange_simulator.market.tape import PriceSource
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
