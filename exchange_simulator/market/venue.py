"""The engine's book as the house's venue: the house's orders are the engine's, on its own account."""

from exchange_simulator.engine.account import HOUSE
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.instrument import SymbolStatus
from exchange_simulator.engine.orders import OrderRequest, OrderType, Side, TimeInForce


class EngineVenue:
    """A `Venue` over an engine.

    Args:
        engine: where the house trades.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = engine.desk
        self._house = engine.desk.house

    def is_trading(self, symbol: str) -> bool:
        """Whether the symbol is listed and not halted."""
        book = self._desk.books.get(symbol)
        return book is not None and book.instrument.status is SymbolStatus.TRADING

    def rest(self, symbol: str, price: int, quantity: int, *, buy: bool) -> int:
        """Put a limit order into the book and return its id."""
        return self._limit(symbol, price, quantity, TimeInForce.GTC, buy=buy, up=not buy)

    def take(self, symbol: str, price: int, quantity: int, *, buy: bool) -> None:
        """Trade at once up to `price`."""
        self._limit(symbol, price, quantity, TimeInForce.IOC, buy=buy, up=buy)

    def withdraw(self, symbol: str, order_id: int) -> None:
        """Cancel an order if it is still open."""
        if order_id in self._house.open.get(symbol, ()):
            self._engine.cancel(self._house, symbol, order_id=order_id)

    def remaining(self, symbol: str, order_id: int) -> int:
        """What is still open of an order, 0 when it is gone."""
        order = self._house.open.get(symbol, {}).get(order_id)
        return 0 if order is None else order.remaining

    def crossing(self, symbol: str, price: int, *, buy: bool) -> int:
        """How much others offer to a taker of that side at `price` or better."""
        return self._desk.book(symbol).reachable(Side.BUY if buy else Side.SELL, price, HOUSE)

    def _limit(self, symbol: str, price: int, quantity: int, time_in_force: TimeInForce, *, buy: bool, up: bool) -> int:
        """Place an order; where the tick or step was made coarser since, on the next price in the direction `up`."""
        instrument = self._desk.book(symbol).instrument
        tick, step = instrument.tick_size, instrument.step_size
        request = OrderRequest(
            symbol=symbol,
            side=Side.BUY if buy else Side.SELL,
            type=OrderType.LIMIT,
            quantity=max(quantity // step * step, step),
            price=max(-(-price // tick) if up else price // tick, 1) * tick,
            time_in_force=time_in_force,
        )
        return self._engine.place(self._house, request).order.order_id
