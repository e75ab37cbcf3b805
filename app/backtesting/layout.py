"""Where the pass keeps what it knows: cells of floats, which compiled code and plain Python can fill alike."""

from typing import Final, NamedTuple, TypeAlias

from app.indicators.arrays import F64  # noqa: TC001  Cells is resolved where functions are compiled

Cells: TypeAlias = "F64 | list[float]"

# A symbol's position. The first eight are `app.risk.exits.Held`, in its order.
SIDE: Final = 0  # 1 long, -1 short, 0 flat
ENTRY: Final = 1  # average entry price, quote per base
STOP: Final = 2
STOP_KIND: Final = 3
BEST: Final = 4
ATR: Final = 5
STAGE: Final = 6
CANDLES: Final = 7
QUANTITY: Final = 8  # base units held, not negative
OPENING: Final = 9  # base units that were opened, of which the stages close parts
TARGET: Final = 10  # where profit is taken next; 0 for nowhere
TARGET_PART: Final = 11
ENTRY_ROW: Final = 12
ENTRY_FEE: Final = 13  # of what is still held, quote units
ENTRY_SLIPPAGE: Final = 14  # likewise
CARRY: Final = 15  # funding and borrow cost so far, likewise
# What was ordered and has not been filled.
EXIT_ASKED: Final = 16  # 1: all that is held is to be closed at market
EXIT_REASON: Final = 17
ENTER_SIDE: Final = 18  # 0: no entry is waiting
ENTER_QUANTITY: Final = 19
ENTER_LIMIT: Final = 20  # its limit; 0 for a market order
ENTER_ATR: Final = 21
ENTER_ROW: Final = 22  # the candle after which it was ordered
LAST_SIGNAL: Final = 23
CLOSE: Final = 24  # the newest close
POSITION_CELLS: Final = 25

# The account that all symbols share.
CASH: Final = 0
LOCKED: Final = 1  # proceeds of short sales and as much again, quote units
FILLS: Final = 2  # rows used of the tape of orders
TRADES: Final = 3  # rows used of the tape of trades
NOTES: Final = 4  # rows used of the tape of decisions
ACCOUNT_CELLS: Final = 5

# A row of the tape of orders.
ORDER_ROW: Final = 0
ORDER_SYMBOL: Final = 1
ORDER_SIDE: Final = 2
ORDER_LIMIT: Final = 3  # 1 for a limit order
ORDER_QUANTITY: Final = 4
ORDER_PRICE: Final = 5
ORDER_FEE: Final = 6
ORDER_SLIPPAGE: Final = 7
ORDER_REASON: Final = 8
ORDER_STATUS: Final = 9
ORDER_CELLS: Final = 10

# A row of the tape of trades.
TRADE_SYMBOL: Final = 0
TRADE_SIDE: Final = 1
TRADE_ENTRY_ROW: Final = 2
TRADE_EXIT_ROW: Final = 3
TRADE_ENTRY: Final = 4
TRADE_EXIT: Final = 5
TRADE_QUANTITY: Final = 6
TRADE_FEES: Final = 7
TRADE_SLIPPAGE: Final = 8
TRADE_PNL: Final = 9
TRADE_CANDLES: Final = 10
TRADE_REASON: Final = 11
TRADE_CELLS: Final = 12

# A row of the tape of decisions.
NOTE_ROW: Final = 0
NOTE_SYMBOL: Final = 1
NOTE_SIGNAL: Final = 2
NOTE_CODE: Final = 3
NOTE_CELLS: Final = 4

# One candle of one symbol adds at most so many rows to each tape: an exit, an entry, three stages, the rest.
MOST_ROWS: Final = 8

# Why an order was sent; the first seven are also why a trade ended.
BY_SIGNAL: Final = 0
BY_STOP: Final = 1
BY_TARGET: Final = 2
BY_TRAILING: Final = 3
BY_BREAK_EVEN: Final = 4
BY_TIME: Final = 5
BY_END: Final = 6

# What became of an order.
FILLED: Final = 0
PARTLY: Final = 1
EXPIRED: Final = 2
CANCELED: Final = 3
REJECTED: Final = 4

# Decisions beyond what `choose` returns.
EXIT_BY_TIME: Final = 20
IN_WARMUP: Final = 21
AFTER_A_HOLE: Final = 22
TOO_SMALL: Final = 23
NO_CASH: Final = 24
REVERSED: Final = 25


class Terms(NamedTuple):
    """How orders fill.

    Attributes:
        taker: Fee of a market order as a fraction of its notional.
        maker: Fee of a limit order, likewise.
        slippage: How much worse than the reference a market order fills, as a fraction of the price.
        at_close: 1: at the decision's own close; 0: at the next candle's open.
        volume_share: Which part of a candle's volume an order can take at most; 0 for any.
        shorts: 1: a sell signal opens a short position.
        limit: How far beyond the close an entry's limit lies, as a fraction of the price; negative for market orders.
        limit_candles: How many candles a limit order rests.
        carry_long: What a long position costs per candle, as a fraction of its value.
        carry_short: What a short position costs, likewise.
    """

    taker: float
    maker: float
    slippage: float
    at_close: int
    volume_share: float
    shorts: int
    limit: float
    limit_candles: int
    carry_long: float
    carry_short: float


class Sizing(NamedTuple):
    """How large an entry is.

    Attributes:
        quote: What one position may cost, in quote units.
    """

    quote: float
