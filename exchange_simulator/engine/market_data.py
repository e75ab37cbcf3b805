"""What the market tells: rows and quotes that the market room computes and the server prints. Units of 1e-8."""

from dataclasses import dataclass
from typing import NamedTuple

Levels = list[tuple[int, int]]
"""Price and quantity, best first."""


class Depth(NamedTuple):
    """The best levels of a book."""

    last_update_id: int
    bids: Levels
    asks: Levels


class BookTicker(NamedTuple):
    """Best bid and ask; 0 where a side is empty."""

    symbol: str
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int


class AggTrade(NamedTuple):
    """Trades of one taker order at one price, as one."""

    agg_id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_us: int
    is_buyer_maker: bool


class Kline(NamedTuple):
    """A candle; `close_ms` is the last millisecond that belongs to it."""

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


class Average(NamedTuple):
    """Volume-weighted average price of the last `mins` minutes."""

    mins: int
    price: int
    close_ms: int


@dataclass(frozen=True, slots=True)
class Ticker:
    """Statistics of the last 24 hours; `change_percent` is text with three decimals."""

    symbol: str
    last: int
    change: int
    change_percent: str
    weighted: int
    prev_close: int
    last_qty: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    open: int
    high: int
    low: int
    volume: int
    quote_volume: int
    open_ms: int
    close_ms: int
    first_id: int
    last_id: int
    count: int
