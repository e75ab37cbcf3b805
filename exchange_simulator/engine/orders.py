"""Orders, fills and order lists in Binance's words (enums.md). Amounts are units of 1e-8, times are microseconds.

Requests are frozen; an `Order` changes inside the engine, readers leave it alone. Fills and trades are named tuples,
because one is built per execution on the hot path.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from exchange_simulator.engine.errors import ApiError


class Side(StrEnum):
    """Buy or sell the base asset."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """Order types (enums.md, "Order types")."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
"""Types that wait for a trigger: Binance's "algo" orders."""
STOP_LOSSES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})
PRICED = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
"""Types with a limit price."""


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """Life of an order (enums.md, "Order status"). It moves from the open states to one of the others, once."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_open(self) -> bool:
        """Whether the order can still trade."""
        return self is OrderStatus.NEW or self is OrderStatus.PARTIALLY_FILLED


class StpMode(StrEnum):
    """Self-trade prevention; the taker's mode counts (faqs/stp_faq.md)."""

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"


class ExecutionType(StrEnum):
    """What happened to an order (user-data-stream.md, field `x`)."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class CancelReplaceMode(StrEnum):
    """Whether the new order is sent when the cancel failed."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class ListStatusType(StrEnum):
    """Field `listStatusType` of an order list."""

    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


class ListOrderStatus(StrEnum):
    """Field `listOrderStatus` of an order list."""

    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECT = "REJECT"


class ContingencyType(StrEnum):
    """What binds the orders of a list."""

    OCO = "OCO"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A new order as a client asks for it. None is "not sent"; trailing_delta is in basis points."""

    symbol: str
    side: Side
    type: OrderType
    quantity: int | None = None
    quote_quantity: int | None = None
    price: int | None = None
    stop_price: int | None = None
    trailing_delta: int | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    iceberg_quantity: int | None = None
    client_id: str | None = None
    stp_mode: StpMode | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True, slots=True)
class OcoRequest:
    """A new OCO: one order above and one below the market (rest-api.md, "New order list - OCO")."""

    symbol: str
    side: Side
    above: OrderRequest
    below: OrderRequest
    client_id: str | None = None


@dataclass(slots=True, eq=False)
class Order:
    """An order in the engine.

    Attributes:
        account: Name of the account.
        price: Limit price, 0 for none. stop_price, trailing_delta, quote_quantity, iceberg_quantity: the same.
        quantity: Asked for. A market order by quote amount has what it bought or sold.
        executed: Base filled so far; `executed_quote` its quote amount.
        locked: What of its account's balance the order still holds.
        prevented: Base taken out by self-trade prevention.
        list_id: Order list, -1 for none.
        time_us: When it was accepted. update_us: when it last changed. working_us: since when it can trade, -1 before.
        cancel_id: Client id of the cancel; empty while not canceled.
        trail_price: Best price a trailing stop has seen since it is active, 0 before.
    """

    order_id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    stp_mode: StpMode
    price: int
    quantity: int
    time_us: int
    update_us: int
    working_us: int
    stop_price: int = 0
    trailing_delta: int = 0
    quote_quantity: int = 0
    iceberg_quantity: int = 0
    strategy_id: int | None = None
    strategy_type: int | None = None
    list_id: int = -1
    status: OrderStatus = OrderStatus.NEW
    executed: int = 0
    executed_quote: int = 0
    locked: int = 0
    prevented: int = 0
    cancel_id: str = ""
    trail_price: int = 0
    trail_since_us: int = -1

    @property
    def remaining(self) -> int:
        """Base that can still trade."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_working(self) -> bool:
        """Whether the order is, or was, on the book; a stop is not until it triggers."""
        return self.working_us >= 0


class Fill(NamedTuple):
    """A trade as one of its sides sees it. `commission` is in `commission_asset`."""

    symbol: str
    trade_id: int
    order_id: int
    list_id: int
    account: str
    side: Side
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    time_us: int
    is_maker: bool


class Trade(NamedTuple):
    """A trade as everyone sees it."""

    symbol: str
    trade_id: int
    price: int
    quantity: int
    quote: int
    time_us: int
    is_buyer_maker: bool
    taker_order_id: int
    maker_order_id: int


@dataclass(slots=True, eq=False)
class OrderList:
    """Orders bound together; for an OCO the orders are [above, below]."""

    list_id: int
    account: str
    symbol: str
    client_id: str
    orders: list[Order]
    time_us: int
    contingency: ContingencyType = ContingencyType.OCO
    status_type: ListStatusType = ListStatusType.EXEC_STARTED
    order_status: ListOrderStatus = ListOrderStatus.EXECUTING
    cancel_id: str = ""

    @property
    def is_open(self) -> bool:
        """Whether an order of the list can still trade."""
        return self.order_status is ListOrderStatus.EXECUTING


class OrderResult(NamedTuple):
    """An accepted order and what it traded at once."""

    order: Order
    fills: list[Fill]


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """A cancelReplace of which both halves succeeded."""

    canceled: Order
    placed: OrderResult


@dataclass(frozen=True, slots=True)
class ReplaceFailure:
    """A cancelReplace of which a half failed (`data` of -2021 and -2022).

    Attributes:
        canceled: The canceled order, or why the cancel was refused.
        placed: The new order, why it was refused, or None when it was not attempted.
    """

    canceled: Order | ApiError
    placed: OrderResult | ApiError | None
