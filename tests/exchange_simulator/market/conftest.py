"""A market on a small book of its own: price-time priority and nothing else, to see the house's orders meet others."""

from collections.abc import Callable
from itertools import count

import orjson
import pytest

from exchange_simulator.engine.orders import Trade
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.market import Market
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid, usual_price
from exchange_simulator.market.tape import Grid

START = 1_760_000_000_000_000


class SmallBook:
    """Resting orders are [price, order id, remaining, is_house] lists; a `Venue` for the house."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sides: dict[tuple[str, bool], list[list[int]]] = {}
        self.trades: list[Trade] = []
        self.market: Market | None = None
        self._ids = count(1)
        self._trade_ids = count(1)

    def rest(self, symbol: str, price: int, quantity: int, *, buy: bool, house: bool = True) -> int:
        assert not self.crossing(symbol, price, buy=buy, house=None), "a resting order crosses the book"
        order_id = next(self._ids)
        side = self.sides.setdefault((symbol, buy), [])
        side.append([price, order_id, quantity, house])
        side.sort(key=lambda order: (-order[0] if buy else order[0], order[1]))
        return order_id

    def take(self, symbol: str, price: int, quantity: int, *, buy: bool) -> None:
        taker_id = next(self._ids)
        side = self.sides.setdefault((symbol, not buy), [])
        while quantity and side and (side[0][0] <= price if buy else side[0][0] >= price):
            traded = min(quantity, side[0][2])
            side[0][2] -= traded
            quantity -= traded
            maker = side[0]
            if not maker[2]:
                side.pop(0)
            quote = maker[0] * traded // 10**8
            now = self.clock.now_us()
            trade = Trade(symbol, next(self._trade_ids), maker[0], traded, quote, now, not buy, taker_id, maker[1])
            self.trades.append(trade)
            self.market.on_trade(trade)

    def withdraw(self, symbol: str, order_id: int) -> None:
        for buy in (True, False):
            side = self.sides.get((symbol, buy), [])
            side[:] = [order for order in side if order[1] != order_id]

    def remaining(self, symbol: str, order_id: int) -> int:
        orders = (order for buy in (True, False) for order in self.sides.get((symbol, buy), []))
        return next((order[2] for order in orders if order[1] == order_id), 0)

    def crossing(self, symbol: str, price: int, *, buy: bool, house: bool | None = False) -> int:
        return sum(
            order[2]
            for order in self.sides.get((symbol, not buy), [])
            if (order[0] <= price if buy else order[0] >= price) and (house is None or order[3] == house)
        )

    def best(self, symbol: str, *, buy: bool) -> int:
        return self.sides[symbol, buy][0][0]


class Scene:
    """A market, its clock and its book."""

    def __init__(self, plan: MarketPlan) -> None:
        self.clock = VirtualClock(plan.start_us, 0)
        self.book = SmallBook(self.clock)
        self.market = self.book.market = Market(plan, self.clock)

    def run(self, microseconds: int) -> None:
        self.market.advance(self.book, self.clock.advance_by(microseconds))

    def restart(self) -> None:
        """Save the market and go on with a new one; the book stands for the engine, which saves itself."""
        self.market = self.book.market = Market.restore(orjson.loads(orjson.dumps(self.market.state())), self.clock)


def symbol_plan(base: str, grid: Grid | None = None, **more: object) -> SymbolPlan:
    price = usual_price(base, "USDT")
    return SymbolPlan(symbol=f"{base}USDT", grid=grid or usual_grid(price), price=price, **more)


@pytest.fixture
def scene() -> Callable[..., Scene]:
    """Build a scene: of synthetic symbols by their base asset, or of whole plans of symbols."""

    def build(*symbols: str | SymbolPlan, start_us: int = START, **more: object) -> Scene:
        plans = tuple(symbol_plan(one) if isinstance(one, str) else one for one in symbols or ("BTC",))
        return Scene(MarketPlan(start_us=start_us, seed=11, symbols=plans, **{"history_days": 3, **more}))

    return build
