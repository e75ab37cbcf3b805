"""What the engine tells its listeners, in order and at once. A listener reads; it must not call the engine back.

Events are named tuples: they are built per execution, and only when somebody listens. `account` is an account's name.
The `order` of an update is the engine's own, in the state of that moment: whoever keeps it copies it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exchange_simulator.engine.account import Balance
from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.orders import ExecutionType, Fill, Order, OrderList, Trade


class OrderUpdate(NamedTuple):
    """An order of an account changed (executionReport). The house's orders are not reported.

    Attributes:
        execution: What happened (`x`).
        fill: The trade, when execution is TRADE.
        is_first_fill: Whether the order had traded nothing before.
        reject: Why it was refused or expired; "NONE" otherwise (`r`).
        prevented: Base that self-trade prevention took out just now.
    """

    account: str
    order: Order
    execution: ExecutionType
    time_us: int
    fill: Fill | None = None
    is_first_fill: bool = False
    reject: str = "NONE"
    prevented: int = 0

    @property
    def client_id(self) -> str:
        """Client id of the report: the cancel's own when the report is of a cancel (`c`)."""
        return self.order.cancel_id if self.execution is ExecutionType.CANCELED else self.order.client_id

    @property
    def original_client_id(self) -> str:
        """Client id of the order that a cancel names, else empty (`C`)."""
        return self.order.client_id if self.execution is ExecutionType.CANCELED else ""


class TradePrinted(NamedTuple):
    """A trade took place; `taker` and `maker` are its two sides, the house's included."""

    trade: Trade
    taker: Fill
    maker: Fill


class BookChanged(NamedTuple):
    """Price levels changed: new quantity by price, 0 when the level is gone (depthUpdate)."""

    symbol: str
    first_update_id: int
    last_update_id: int
    bids: Mapping[int, int]
    asks: Mapping[int, int]
    time_us: int


class BalanceChanged(NamedTuple):
    """Balances changed (outboundAccountPosition): the account's own, by asset, in the state of that moment."""

    account: str
    balances: Mapping[str, Balance]
    time_us: int


class BalanceDelta(NamedTuple):
    """An amount came from outside, or left when negative (balanceUpdate).

    With `is_lock` it stays in the account and was locked from outside, or freed when negative (externalLockUpdate).
    """

    account: str
    asset: str
    delta: int
    time_us: int
    is_lock: bool = False


class ListUpdate(NamedTuple):
    """An order list began or ended (listStatus)."""

    account: str
    order_list: OrderList
    time_us: int
    reason: str = "NONE"


class InstrumentChanged(NamedTuple):
    """A symbol's rules or status changed; None when it is no longer listed."""

    symbol: str
    instrument: Instrument | None
    time_us: int


Event = OrderUpdate | TradePrinted | BookChanged | BalanceChanged | BalanceDelta | ListUpdate | InstrumentChanged
