"""What the market answers: candles, aggregate trades, averages, 24 h statistics. Numbers are in units of 1e-8."""

from dataclasses import dataclass
from typing import Protocol


class PublicTrade(Protocol):
    """A trade as the engine prints it to everybody."""

    @property
    def symbol(self) -> str: ...  # noqa: D102 - the names are the contract
    @property
    def trade_id(self) -> int: ...  # noqa: D102
    @property
    def price(self) -> int: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def time_us(self) -> int: ...  # noqa: D102
    @property
    def is_buyer_maker(self) -> bool: ...  # noqa: D102
    @property
    def buyer_order_id(self) -> int: ...  # noqa: D102
    @property
    def seller_order_id(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Kline:
    """One candle (rest-api.md, "Kline/Candlestick data"); times in milliseconds, close_ms is the last one inside.

    `first_id` and `last_id` are the ids of its trades, -1 when it has none or they are from before the start.
    """

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    close_ms: int
    quote_volume: int
    trades: int
    taker_base: int
    taker_quote: int
    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class AggTrade:
    """The trades of one taker order at one price and time (rest-api.md, "Compressed/Aggregate trades list")."""

    agg_id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_us: int
    is_buyer_maker: bool


@dataclass(frozen=True, slots=True)
class Average:
    """Volume-weighted price of the last `mins` minutes (rest-api.md, "Current average price")."""

    mins: int
    price: int
    close_ms: int


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """Rolling 24 hours (rest-api.md, "24hr ticker price change statistics"), without the book's best prices.

    The window begins on a whole minute. `first_id` and `last_id` are -1 while nothing traded since the start.
    """

    symbol: str
    open: int
    high: int
    low: int
    last: int
    last_qty: int
    prev_close: int
    volume: int
    quote_volume: int
    open_ms: int
    close_ms: int
    first_id: int
    last_id: int
    count: int
