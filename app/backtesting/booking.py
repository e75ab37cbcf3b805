"""What a fill does to position, account and tape. Plain functions over cells, compiled into the pass."""

from app.backtesting.cells import (
    exits_of,
    held_of,
    keep,
    keep_record,
    keep_standing,
    limits_of,
    record_of,
    sizing_of,
    standing_of,
    steps_of,
    ticks_of,
)
from app.backtesting.layout import (
    A_LEVEL,
    A_NOTE,
    A_TRADE,
    AN_ORDER,
    BY_BREAK_EVEN,
    BY_END,
    BY_SIGNAL,
    BY_STOP,
    BY_TRAILING,
    CANDLES,
    CARRY,
    CASH,
    CLOSE,
    COST,
    DECISIONS,
    ENTER_ATR,
    ENTER_CASH,
    ENTER_IS_ADDED,
    ENTER_LIMIT,
    ENTER_QUANTITY,
    ENTER_SIDE,
    ENTRIES,
    ENTRY,
    ENTRY_FEE,
    ENTRY_ROW,
    ENTRY_SLIPPAGE,
    FILLED,
    HELD_CELLS,
    KEEPS_NOTES,
    LEVEL_BEGINS,
    LEVEL_IS_NEXT,
    LEVEL_STOP,
    LEVEL_TARGET,
    LEVELS,
    LOCKED,
    MAKER,
    NOTE_CANDLES,
    NOTE_CODE,
    NOTE_HELD,
    NOTE_SIGNAL,
    OPENING,
    ORDER_FEE,
    ORDER_LIMIT,
    ORDER_PRICE,
    ORDER_QUANTITY,
    ORDER_REASON,
    ORDER_SIDE,
    ORDER_SLIPPAGE,
    ORDER_STATUS,
    PARTLY,
    QUANTITY,
    REALIZED,
    RESERVED,
    ROW_CANDLE,
    ROW_CELLS,
    ROW_KIND,
    ROW_SYMBOL,
    SIDE,
    STOP,
    SYMBOL,
    TAKER,
    TARGET,
    TRADE_CANDLES,
    TRADE_ENTRY,
    TRADE_ENTRY_ROW,
    TRADE_EXIT,
    TRADE_FEES,
    TRADE_PNL,
    TRADE_QUANTITY,
    TRADE_REASON,
    TRADE_SIDE,
    TRADE_SLIPPAGE,
    USED,
    Cells,
)
from app.domain.grid import floor_to
from app.indicators.arrays import F64
from app.risk.exits import averaged, opened
from app.risk.limits import trade_closed
from app.risk.sizing import remembered


def next_row(m: Cells, p: int, tape: F64, row: int, kind: int) -> int:
    """Begin a row of the tape; where it is."""
    at = int(m[USED])
    tape[at + ROW_KIND] = kind
    tape[at + ROW_CANDLE] = row
    tape[at + ROW_SYMBOL] = m[p + SYMBOL]
    m[USED] = at + ROW_CELLS
    return at


def note_order(
    m: Cells, p: int, tape: F64, row: int, side: int, limit: int, quantity: float, price: float, fee: float,
    slippage: float, reason: int, status: int,
) -> None:  # fmt: skip
    """Write down what became of an order, or of a part of it."""
    at = next_row(m, p, tape, row, AN_ORDER)
    tape[at + ORDER_SIDE] = side
    tape[at + ORDER_LIMIT] = limit
    tape[at + ORDER_QUANTITY] = quantity
    tape[at + ORDER_PRICE] = price
    tape[at + ORDER_FEE] = fee
    tape[at + ORDER_SLIPPAGE] = slippage
    tape[at + ORDER_REASON] = reason
    tape[at + ORDER_STATUS] = status


def note_trade(
    m: Cells, p: int, tape: F64, row: int, quantity: float, price: float, fee: float, slippage: float, reason: int
) -> float:
    """Write down that a part of a position was closed, with its share of what the entry cost; its profit."""
    share = 1.0 if quantity >= m[p + QUANTITY] else quantity / m[p + QUANTITY]
    entry_fee, entry_slippage, carry = share * m[p + ENTRY_FEE], share * m[p + ENTRY_SLIPPAGE], share * m[p + CARRY]
    profit = m[p + SIDE] * quantity * (price - m[p + ENTRY]) - (entry_fee + fee + carry)
    at = next_row(m, p, tape, row, A_TRADE)
    tape[at + TRADE_SIDE] = m[p + SIDE]
    tape[at + TRADE_ENTRY_ROW] = m[p + ENTRY_ROW]
    tape[at + TRADE_ENTRY] = m[p + ENTRY]
    tape[at + TRADE_EXIT] = price
    tape[at + TRADE_QUANTITY] = quantity
    tape[at + TRADE_FEES] = entry_fee + fee + carry
    tape[at + TRADE_SLIPPAGE] = entry_slippage + slippage
    tape[at + TRADE_PNL] = profit
    tape[at + TRADE_CANDLES] = m[p + CANDLES]
    tape[at + TRADE_REASON] = reason
    m[p + ENTRY_FEE] -= entry_fee
    m[p + ENTRY_SLIPPAGE] -= entry_slippage
    m[p + CARRY] -= carry
    return profit


def note_decision(m: Cells, p: int, tape: F64, row: int, signal: int, code: int) -> None:
    """Write a decision down, where decisions are kept."""
    if m[KEEPS_NOTES] != DECISIONS:
        return
    at = next_row(m, p, tape, row, A_NOTE)
    tape[at + NOTE_SIGNAL] = signal
    tape[at + NOTE_CODE] = code
    tape[at + NOTE_HELD] = m[p + SIDE] * m[p + QUANTITY]
    tape[at + NOTE_CANDLES] = m[p + CANDLES]


def note_levels(m: Cells, p: int, tape: F64, row: int, begins: int, is_next: int) -> None:
    """Write down under which levels a position is now, where levels are kept."""
    if m[KEEPS_NOTES] != LEVELS:
        return
    at = next_row(m, p, tape, row, A_LEVEL)
    tape[at + LEVEL_STOP] = m[p + STOP]
    tape[at + LEVEL_TARGET] = m[p + TARGET]
    tape[at + LEVEL_BEGINS] = begins
    tape[at + LEVEL_IS_NEXT] = is_next


def close_part(
    m: Cells, p: int, tape: F64, row: int, quantity: float, price: float,
    reference: float, rate: float, limit: int, reason: int,
) -> None:  # fmt: skip
    """Book an exit's fill."""
    side = int(m[p + SIDE])
    whole = quantity >= m[p + QUANTITY]
    fee = quantity * price * rate
    slippage = abs(price - reference) * quantity
    m[CASH] += side * quantity * price - fee
    if side < 0:
        m[LOCKED] -= 2.0 * quantity * m[p + ENTRY]
    status = FILLED if whole else PARTLY
    note_order(m, p, tape, row, -side, limit, quantity, price, fee, slippage, reason, status)
    m[p + REALIZED] += note_trade(m, p, tape, row, quantity, price, fee, slippage, reason)
    if not whole:
        m[p + QUANTITY] = floor_to(m[p + QUANTITY] - quantity, steps_of(m, p))
        return
    by_stop = reason in (BY_STOP, BY_TRAILING, BY_BREAK_EVEN)
    keep_standing(m, trade_closed(standing_of(m), m[p + REALIZED], by_stop, limits_of(m)))
    keep_record(m, remembered(record_of(m), m[p + REALIZED] / m[p + COST], sizing_of(m).kelly_trades))
    for cell in range(HELD_CELLS):
        m[p + cell] = 0.0


def open_part(
    m: Cells, p: int, tape: F64, row: int, quantity: float, price: float, reference: float,
    left: float,
) -> None:  # fmt: skip
    """Book an entry's fill; `left` base units of its order go on waiting."""
    side = int(m[p + ENTER_SIDE])
    limit = 1 if m[p + ENTER_LIMIT] > 0.0 else 0
    fee = quantity * price * (m[MAKER] if limit else m[TAKER])
    slippage = abs(price - reference) * quantity
    m[CASH] -= side * quantity * price + fee
    if side < 0:
        m[LOCKED] += 2.0 * quantity * price
    status = PARTLY if left > 0.0 else FILLED
    note_order(m, p, tape, row, side, limit, quantity, price, fee, slippage, BY_SIGNAL, status)
    begins = 1 if m[p + SIDE] == 0.0 else 0
    if begins:
        m[p + ENTRY_ROW] = row
        keep(m, p, opened(side, price, m[p + ENTER_ATR], exits_of(m), ticks_of(m, p)))
    else:
        average = (m[p + QUANTITY] * m[p + ENTRY] + quantity * price) / (m[p + QUANTITY] + quantity)
        keep(m, p, averaged(held_of(m, p), average, exits_of(m), ticks_of(m, p)))
    note_levels(m, p, tape, row, begins, 0)
    m[p + QUANTITY] = floor_to(m[p + QUANTITY] + quantity, steps_of(m, p))  # a sum of floats lies beside the grid
    m[p + OPENING] = floor_to(m[p + OPENING] + quantity, steps_of(m, p))
    m[p + COST] += quantity * price
    m[p + ENTRY_FEE] += fee
    m[p + ENTRY_SLIPPAGE] += slippage
    if m[p + ENTER_IS_ADDED] == 0.0:
        m[p + ENTRIES] += 1.0
        m[p + ENTER_IS_ADDED] = 1.0
    if left <= 0.0:
        forget_entry(m, p)
        return
    kept = m[p + ENTER_CASH] * left / m[p + ENTER_QUANTITY]
    m[RESERVED] += kept - m[p + ENTER_CASH]
    m[p + ENTER_CASH] = kept
    m[p + ENTER_QUANTITY] = left


def forget_entry(m: Cells, p: int) -> None:
    """No entry is waiting any more."""
    m[RESERVED] -= m[p + ENTER_CASH]
    m[p + ENTER_CASH] = 0.0
    m[p + ENTER_SIDE] = 0.0


def end_entry(m: Cells, p: int, tape: F64, row: int, status: int) -> None:
    """Write down that an entry, or what was left of it, came to nothing."""
    limit = 1 if m[p + ENTER_LIMIT] > 0.0 else 0
    side = int(m[p + ENTER_SIDE])
    note_order(m, p, tape, row, side, limit, m[p + ENTER_QUANTITY], m[p + ENTER_LIMIT], 0.0, 0.0, BY_SIGNAL, status)
    forget_entry(m, p)


def value_open(m: Cells, p: int, tape: F64, row: int) -> None:
    """The history ends: what is open is valued at the last close, without an order."""
    if m[p + SIDE] != 0.0:
        note_trade(m, p, tape, row, m[p + QUANTITY], m[p + CLOSE], 0.0, 0.0, BY_END)
