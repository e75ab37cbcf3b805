"""A market on the engine, stepped by hand, with one customer who trades against the house."""

from collections.abc import Callable

import orjson
import pytest

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.engine import Engine
from exchange_simulator.engine.events import Event, TradePrinted
from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.engine.orders import Order, OrderRequest, OrderType, Side, StpMode, TimeInForce, Trade
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.market import Market
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid, usual_price
from exchange_simulator.market.tape import Grid
from exchange_simulator.market.venue import EngineVenue

START = 1_760_000_000_000_000


class Floor:
    """The engine with one customer who can pay for anything, and what was printed."""

    def __init__(self, clock: VirtualClock, market: Market) -> None:
        self.engine = Engine(clock.now_us)
        self.venue = EngineVenue(self.engine)
        self.desk = self.engine.desk
        self.customer = Account("customer", maker_bp=0, taker_bp=0)
        self.desk.accounts["customer"] = self.customer
        for plan in market.plan.symbols:
            base = plan.symbol.removesuffix("USDT")
            self.desk.books[plan.symbol] = Book(
                spot_instrument(base, "USDT", tick=plan.grid.tick, step=plan.grid.step, min_notional=0)
            )
            self.customer.balance(base).free = self.customer.balance("USDT").free = 10**25
        self.market = market
        self.trades: list[Trade] = []
        self.desk.listeners.append(self._on_event)

    def _on_event(self, event: Event) -> None:
        self.market.on_event(event)
        if isinstance(event, TradePrinted):
            self.trades.append(event.trade)

    def place(self, symbol: str, price: int, quantity: int, *, buy: bool, ioc: bool = False) -> Order:
        """Place a limit order of the customer."""
        request = OrderRequest(
            symbol=symbol,
            side=Side.BUY if buy else Side.SELL,
            type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            time_in_force=TimeInForce.IOC if ioc else TimeInForce.GTC,
            stp_mode=StpMode.NONE,
        )
        return self.engine.place(self.customer, request).order

    def side(self, symbol: str, *, buy: bool) -> list[tuple[int, int]]:
        """Prices and quantities of all levels, best first."""
        book = self.desk.books[symbol]
        return (book.bids if buy else book.asks).top(10**6)

    def best(self, symbol: str, *, buy: bool) -> int:
        """The best price of a side."""
        return self.side(symbol, buy=buy)[0][0]


class Scene:
    """A market, its clock and its book."""

    def __init__(self, plan: MarketPlan) -> None:
        self.clock = VirtualClock(plan.start_us, 0)
        self.market = Market(plan, self.clock)
        self.floor = Floor(self.clock, self.market)

    def run(self, microseconds: int) -> None:
        self.market.advance(self.floor.venue, self.clock.advance_by(microseconds))

    def restart(self) -> None:
        """Save the market and go on with a new one; the engine saves itself."""
        self.market = self.floor.market = Market.restore(orjson.loads(orjson.dumps(self.market.state())), self.clock)


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
