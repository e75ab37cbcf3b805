"""A market in its exchange, stepped by hand, with one customer who trades against the house."""

from collections.abc import Callable

import pytest

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.events import TradePrinted
from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.engine.orders import Order, OrderRequest, OrderType, Side, StpMode, TimeInForce, Trade
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.market import SimulatedMarket
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_grid, usual_price
from exchange_simulator.market.tape import Grid

START = 1_760_000_000_000_000


class Scene:
    """An exchange that is stepped by hand, one customer who can pay for anything, and what was printed."""

    def __init__(self, plan: MarketPlan) -> None:
        bases = {one.symbol: one.symbol.removesuffix("USDT") for one in plan.symbols}
        instruments = [
            spot_instrument(bases[one.symbol], "USDT", tick=one.grid.tick, step=one.grid.step, min_notional=0)
            for one in plan.symbols
        ]
        rich = {asset: Balance(10**18) for asset in (*bases.values(), "USDT")}
        customer = Account("customer", balances=rich, maker_bp=0, taker_bp=0)
        self.trades: list[Trade] = []
        self._enter(Exchange(VirtualClock(plan.start_us, 0), SimulatedMarket(plan), instruments, [customer]))

    def _enter(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.clock = exchange.clock
        self.market = exchange.market
        exchange.subscribe(lambda event: self.trades.append(event.trade) if isinstance(event, TradePrinted) else None)

    def run(self, microseconds: int) -> None:
        self.clock.advance_by(microseconds)
        self.exchange.advance()

    def restart(self) -> None:
        """Save the exchange and go on with a new one."""
        self._enter(Exchange.restore(self.exchange.save(), market=SimulatedMarket.restore))

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
        return self.exchange.place(self.exchange.account("customer"), request).order

    def side(self, symbol: str, *, buy: bool) -> list[tuple[int, int]]:
        """Prices and quantities of all levels, best first."""
        depth = self.exchange.depth(symbol, 5000)
        return depth.bids if buy else depth.asks

    def best(self, symbol: str, *, buy: bool) -> int:
        """The best price of a side."""
        return self.side(symbol, buy=buy)[0][0]


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
