"""What an exchange says happened: orders, fills, balances. It is the truth; the ledger is brought in line with it."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain.order import OrderEvent
from app.domain.values import MONEY, Money, Price, Quantity


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as it is sent, once.

    Attributes:
        client_id: Our own id, never used twice.
        symbol: `BTC/USDT`.
        side: `buy` or `sell`.
        order_type: `market` or `limit`.
        quantity: Base units, on the market's grid.
        price: Quote per base, on the grid; None for a market order.
    """

    client_id: str
    symbol: str
    side: str
    order_type: str
    quantity: Quantity
    price: Price | None


@dataclass(frozen=True, slots=True)
class GuardTicket:
    """The protection of a position as it is sent, once: a stop, or a stop and a target in a list of orders.

    Attributes:
        symbol: `BTC/USDT`.
        quantity: Base units, on the market's grid; each of the two orders sells all of them.
        stop_id: Our id of the stop.
        stop: Its stop price, quote per base, on the grid.
        stop_limit: The limit at which it sells; None at market.
        list_id: Our id of the list; None for a stop alone.
        target_id: Our id of the target; None for a stop alone.
        target: The target's limit; None for a stop alone.
    """

    symbol: str
    quantity: Quantity
    stop_id: str
    stop: Price
    stop_limit: Price | None = None
    list_id: str | None = None
    target_id: str | None = None
    target: Price | None = None


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange knows it.

    Attributes:
        exchange_id: The exchange's id.
        client_id: Ours, where the exchange returns it.
        symbol: `BTC/USDT`.
        side: `buy` or `sell`.
        event: What its state means for our ledger: accepted, filled in part, complete, canceled, expired, rejected.
        quantity: Base units ordered.
        filled: Base units traded so far.
        created_ms: When the exchange took it, ms UTC.
        is_guard: Whether it is a stop, or one of a list: protection, where it is ours.
    """

    exchange_id: str
    client_id: str | None
    symbol: str
    side: str
    event: OrderEvent
    quantity: Quantity
    filled: Quantity
    created_ms: int
    is_guard: bool = False


@dataclass(frozen=True, slots=True)
class FillReport:
    """One trade of an order; unique by exchange, symbol and trade id.

    Attributes:
        trade_id: The exchange's id of the trade.
        exchange_id: The exchange's id of the order.
        symbol: `BTC/USDT`.
        side: `buy` or `sell`.
        price: Quote per base.
        quantity: Base units.
        fee: What was taken, in units of `fee_asset`.
        fee_asset: Base, quote, or a third one such as BNB.
        time_ms: ms UTC.
    """

    trade_id: str
    exchange_id: str
    symbol: str
    side: str
    price: Price
    quantity: Quantity
    fee: Money
    fee_asset: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Balance:
    """An asset of the account, in its own units."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return MONEY.add(self.free, self.locked)
