"""Where the pass keeps what it knows: cells of floats, which compiled code and plain Python can fill alike."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.indicators.arrays import F64, I8
from app.risk.exits import ExitRules
from app.risk.limits import Limits
from app.risk.sizing import SizingRules

I64: TypeAlias = NDArray[np.int64]
Cells: TypeAlias = F64 | list[float]

# One vector holds everything but candles and tape: the account, the rules, then one block for each symbol.

# The account that all symbols share.
CASH: Final = 0
LOCKED: Final = 1  # proceeds of short sales and as much again, quote units
RESERVED: Final = 2  # kept for entries that were ordered, quote units
USED: Final = 3  # cells used of the tape
KEEPS_NOTES: Final = 4  # what is written down besides orders and trades: NOTHING_MORE, DECISIONS or LEVELS
SENT: Final = 5  # orders sent since the close before: within the last minute, as candles are no shorter
SYMBOLS: Final = 6  # how many blocks follow
STANDING: Final = 7  # eight cells: `app.risk.limits.Standing`, in its order
RECORD: Final = 15  # five cells: `app.risk.sizing.TrackRecord`, in its order
# The rules.
TAKER: Final = 20  # ten cells: Terms, in its order
MAKER: Final = 21
SLIPPAGE: Final = 22
AT_CLOSE: Final = 23
VOLUME_SHARE: Final = 24
SHORTS: Final = 25
LIMIT: Final = 26
LIMIT_CANDLES: Final = 27
CARRY_LONG: Final = 28
CARRY_SHORT: Final = 29
EXITS: Final = 30  # fifteen cells: `app.risk.exits.ExitRules`, in its order
SIZING: Final = 45  # six cells: `app.risk.sizing.SizingRules`, in its order
LIMITS: Final = 51  # twelve or thirteen cells: `app.risk.limits.Limits`, in its order
FIRST_SYMBOL: Final = 64

# A symbol's block. The first eight are `app.risk.exits.Held`, in its order.
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
ENTRIES: Final = 10  # orders of which it consists
COST: Final = 11  # what was paid for what was opened, quote units without fees: the bot's `paid`
REALIZED: Final = 12  # profit of the parts that were closed
TARGET: Final = 13  # where profit is taken next; 0 for nowhere
TARGET_PART: Final = 14
ENTRY_ROW: Final = 15
ENTRY_FEE: Final = 16  # of what is still held, quote units
ENTRY_SLIPPAGE: Final = 17  # likewise
CARRY: Final = 18  # funding and borrow cost so far, likewise
EXIT_ASKED: Final = 19  # 1: all that is held is to be closed at market
EXIT_REASON: Final = 20
HELD_CELLS: Final = 21  # all of these are 0 while nothing is held
# An entry that was ordered and has not been filled, or not all of it.
ENTER_SIDE: Final = 21  # 0: none is waiting
ENTER_QUANTITY: Final = 22
ENTER_LIMIT: Final = 23  # its limit; 0 for a market order
ENTER_ATR: Final = 24
ENTER_LEFT: Final = 25  # candles for which its limit still rests
ENTER_CASH: Final = 26  # what is kept for it, quote units
ENTER_IS_ADDED: Final = 27  # whether any of it was filled
LAST_SIGNAL: Final = 28
CLOSE: Final = 29  # the newest close
SYMBOL: Final = 30  # its number
MARKET: Final = 31  # six cells: `app.risk.sizing.Market`, in its order
WISH_QUANTITY: Final = 37  # what an event strategy asked for at this close: base units of an entry, 0 for any
WISH_LIMIT: Final = 38  # its limit price, 0 for what the settings say
NEXT_OPEN: Final = 39  # what an order of this close meets, where a limit must know it; 0 for unknown
CORRELATION: Final = 40  # the largest with another symbol that is held, likewise
SYMBOL_CELLS: Final = 41

# A row of the tape: what kind, which candle, which symbol, and up to ten numbers.
ROW_KIND: Final = 0
ROW_CANDLE: Final = 1
ROW_SYMBOL: Final = 2
ROW_CELLS: Final = 13
AN_ORDER: Final = 0
A_TRADE: Final = 1
A_NOTE: Final = 2
A_LEVEL: Final = 3

# What `KEEPS_NOTES` may say.
NOTHING_MORE: Final = 0.0
DECISIONS: Final = 1.0
LEVELS: Final = 2.0

ORDER_SIDE: Final = 3
ORDER_LIMIT: Final = 4  # 1 for a limit order
ORDER_QUANTITY: Final = 5
ORDER_PRICE: Final = 6
ORDER_FEE: Final = 7
ORDER_SLIPPAGE: Final = 8
ORDER_REASON: Final = 9
ORDER_STATUS: Final = 10

TRADE_SIDE: Final = 3
TRADE_ENTRY_ROW: Final = 4
TRADE_ENTRY: Final = 5
TRADE_EXIT: Final = 6
TRADE_QUANTITY: Final = 7
TRADE_FEES: Final = 8
TRADE_SLIPPAGE: Final = 9
TRADE_PNL: Final = 10
TRADE_CANDLES: Final = 11
TRADE_REASON: Final = 12

NOTE_SIGNAL: Final = 3
NOTE_CODE: Final = 4
NOTE_HELD: Final = 5  # base units, negative for a short position
NOTE_CANDLES: Final = 6  # for which they had been held

LEVEL_STOP: Final = 3  # 0 for none, as the target
LEVEL_TARGET: Final = 4
LEVEL_BEGINS: Final = 5  # 1 where a position begins
LEVEL_IS_NEXT: Final = 6  # 1 where it is in force from the next candle on

# One candle of one symbol adds fewer: exit, entry and their trades, three stages, the rest, decisions or levels.
MOST_CELLS: Final = 32 * ROW_CELLS

# Why an order was sent; all but the entry's are also why a trade ended.
BY_SIGNAL: Final = 0
BY_STOP: Final = 1
BY_TARGET: Final = 2
BY_TRAILING: Final = 3
BY_BREAK_EVEN: Final = 4
BY_TIME: Final = 5
BY_END: Final = 6
BY_DRAWDOWN: Final = 7

# What became of an order.
FILLED: Final = 0
PARTLY: Final = 1
EXPIRED: Final = 2
CANCELED: Final = 3
REJECTED: Final = 4

# Decisions beyond what `choose` returns; a refused entry is REFUSED and the code of `app.risk.codes`.
REVERSED: Final = 20
EXIT_BY_TIME: Final = 21
EXIT_BY_DRAWDOWN: Final = 22
IN_WARMUP: Final = 23
AFTER_A_HOLE: Final = 24
EXIT_WINS: Final = 25
REFUSED: Final = 100


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


class Track(NamedTuple):
    """One symbol's candles and signals, each (n,) where nothing else is said.

    Attributes:
        opens: Quote per base.
        high: Quote per base.
        low: Quote per base.
        close: Quote per base.
        volume: Base units.
        signals: int8: 1, 0 or -1.
        atr: Average true range, quote per base; empty when no rule needs it.
        days: Days since 1970 of each close, UTC; empty when no limit needs it.
        holes: Rows before which candles are missing, ascending.
        fine: Finer candles (m, 5): open, high, low, close, volume; may be empty.
        fine_rows: `fine[fine_rows[i]:fine_rows[i + 1]]` lie inside candle i; (n + 1,), or empty.
        wishes: What an event strategy asked for at each close (n, 2): quantity and limit; or empty.
    """

    opens: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    signals: I8
    atr: F64
    days: I64
    holes: I64
    fine: F64
    fine_rows: I64
    wishes: F64


class Rules(NamedTuple):
    """Everything that the settings say about a run; its numbers fill the cells from TAKER on."""

    terms: Terms
    exits: ExitRules
    sizing: SizingRules
    limits: Limits
