"""A small exchange without a market of its own: what trades there, the tests place."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from exchange_simulator.engine.account import Account, ApiKey, Balance, KeyKind
from exchange_simulator.engine.instrument import spot_instrument
from exchange_simulator.engine.numbers import SCALE, parse
from exchange_simulator.engine.orders import OcoRequest, OrderRequest, OrderType, Side, TimeInForce
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock

START_US = 1_768_478_400_000_000
AMOUNTS = ("quantity", "quote_quantity", "price", "stop_price", "iceberg_quantity")


class QuietMarket:
    """A market in which nothing happens by itself."""

    def attach(self, exchange: Exchange) -> None:
        pass

    def advance(self, exchange: Exchange, until_us: int) -> None:
        pass

    def state(self) -> None:
        return None


@dataclass
class Floor:
    """An exchange with BTCUSDT and BNBUSDT, two customers, and orders written as text."""

    exchange: Exchange
    events: list[Any] = field(default_factory=list)

    @classmethod
    def open(cls, **rules: Any) -> "Floor":
        btc = spot_instrument("BTC", "USDT")
        customers = [
            Account(
                name,
                [ApiKey(f"key-{name}", KeyKind.HMAC, "secret")],
                {asset: Balance(amount * SCALE) for asset, amount in {"USDT": 1_000_000, "BTC": 10}.items()},
                uid=uid,
            )
            for uid, name in enumerate(("ann", "bob"), 1)
        ]
        instruments = [btc, spot_instrument("BNB", "USDT", step=SCALE // 1_000)]
        floor = cls(Exchange(VirtualClock(START_US, 0), QuietMarket(), instruments, customers))
        if rules:
            floor.exchange.set_filters("BTCUSDT", **rules)
        floor.exchange.subscribe(floor.events.append)
        return floor

    @property
    def ann(self) -> Account:
        return self.exchange.account("ann")

    @property
    def bob(self) -> Account:
        return self.exchange.account("bob")

    def request(self, side: str, kind: str = "LIMIT", *, symbol: str = "BTCUSDT", **values: Any) -> OrderRequest:
        """An order with its amounts as text."""
        amounts = {name: parse(value) if name in AMOUNTS else value for name, value in values.items()}
        if "time_in_force" in amounts:
            amounts["time_in_force"] = TimeInForce(amounts["time_in_force"])
        return OrderRequest(symbol=symbol, side=Side(side), type=OrderType(kind), **amounts)

    def place(self, account: Account, side: str, kind: str = "LIMIT", **values: Any) -> Any:
        """Place an order and return it; `fills` of the last one are kept aside."""
        result = self.exchange.place(account, self.request(side, kind, **values))
        self.fills = result.fills
        return result.order

    def trade_at(self, price: str, quantity: str = "0.001") -> None:
        """Let the house trade with itself, so that this becomes the last price."""
        for side in ("SELL", "BUY"):
            self.place(self.exchange.house, side, quantity=quantity, price=price)

    def quote(self, *levels: tuple[str, str, str]) -> None:
        """Let the house rest orders: side, price, quantity."""
        for side, price, quantity in levels:
            self.place(self.exchange.house, side, quantity=quantity, price=price)

    def oco(self, side: str, above: dict[str, Any], below: dict[str, Any], **values: Any) -> OcoRequest:
        """An order list of two legs, each with a `kind` and its amounts as text."""
        legs = [
            self.request(side, leg["kind"], **{k: v for k, v in leg.items() if k != "kind"}) for leg in (above, below)
        ]
        return OcoRequest("BTCUSDT", Side(side), *legs, **values)

    def held(self, account: Account, asset: str) -> tuple[int, int]:
        """Free and locked."""
        balance = account.balance(asset)
        return balance.free, balance.locked


@pytest.fixture
def floor() -> Iterator[Floor]:
    """A fresh exchange; at the end its ledger must agree."""
    opened = Floor.open()
    yield opened
    assert opened.exchange.oracle.check() == []


@pytest.fixture
def open_floor() -> Any:
    """Makes an exchange with other rules for BTCUSDT."""
    return Floor.open
