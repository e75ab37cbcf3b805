"""What happens to one symbol when a candle closes: levels move, limits look, clock and signal decide, orders go out.

Plain functions over cells, compiled into the pass; see `app.backtesting.steps`.
"""

from app.backtesting.booking import end_entry, note_decision, note_levels
from app.backtesting.cells import (
    exits_of,
    held_of,
    keep,
    keep_standing,
    limits_of,
    market_of,
    record_of,
    sizing_of,
    standing_of,
    steps_of,
    ticks_of,
    watches_equity,
)
from app.backtesting.layout import (
    AT_CLOSE,
    BY_DRAWDOWN,
    BY_SIGNAL,
    BY_TIME,
    CANCELED,
    CARRY,
    CARRY_LONG,
    CARRY_SHORT,
    CASH,
    CLOSE,
    CORRELATION,
    COST,
    ENTER_ATR,
    ENTER_CASH,
    ENTER_IS_ADDED,
    ENTER_LEFT,
    ENTER_LIMIT,
    ENTER_QUANTITY,
    ENTER_SIDE,
    ENTRIES,
    ENTRY,
    EXIT_ASKED,
    EXIT_BY_DRAWDOWN,
    EXIT_BY_TIME,
    EXIT_REASON,
    EXIT_WINS,
    FIRST_SYMBOL,
    LAST_SIGNAL,
    LIMIT,
    LIMIT_CANDLES,
    LOCKED,
    MAKER,
    NEXT_OPEN,
    QUANTITY,
    REFUSED,
    RESERVED,
    REVERSED,
    SENT,
    SHORTS,
    SIDE,
    SLIPPAGE,
    STOP,
    SYMBOL_CELLS,
    SYMBOLS,
    TAKER,
    WISH_LIMIT,
    WISH_QUANTITY,
    Cells,
)
from app.backtesting.steps import drop_rest, fill_entry, fill_exit
from app.core.decision import ADDED, ENTERED, EXITED, NO_SIGNAL, choose, with_entries
from app.domain.grid import floor_to
from app.indicators.arrays import F64, I8
from app.risk.codes import BELOW_MINIMUM, NOT_A_NUMBER, OK
from app.risk.exits import after_candle, is_overdue, opened
from app.risk.limits import Account, entry_refusal, halted, marked, must_close, room
from app.risk.sizing import Funds, entry_quantity, is_too_small
from app.simulation.candle import market_fill


def worth(m: Cells, p: int) -> float:
    """What a position is worth at the newest close, quote units; a short one owes, so it is negative."""
    return m[p + SIDE] * m[p + QUANTITY] * m[p + CLOSE]


def equity_of(m: Cells) -> float:
    """Cash and all positions at their newest closes, quote units."""
    total = m[CASH]
    for i in range(int(m[SYMBOLS])):
        total += worth(m, FIRST_SYMBOL + i * SYMBOL_CELLS)
    return total


def account_of(m: Cells, p: int, gap: float) -> Account:
    """What the limits must know before an entry; what was ordered and not yet filled counts as held."""
    total, positions = 0.0, 0
    for i in range(int(m[SYMBOLS])):
        q = FIRST_SYMBOL + i * SYMBOL_CELLS
        total += abs(worth(m, q)) + m[q + ENTER_CASH]
        if q != p and (m[q + SIDE] != 0.0 or m[q + ENTER_SIDE] != 0.0):
            positions += 1
    exposure = abs(worth(m, p)) + m[p + ENTER_CASH]
    entries = int(m[p + ENTRIES])
    return Account(equity_of(m), exposure, total, positions, entries, int(m[SENT]), 0, gap, 0.0, m[p + CORRELATION])


def gap_of(m: Cells, p: int, side: int, close: float) -> float:
    """How far the price that an entry meets lies from the close that decided it, as a fraction; 0 where unknown."""
    if m[p + NEXT_OPEN] <= 0.0:
        return 0.0
    return abs(market_fill(side, m[p + NEXT_OPEN], m[SLIPPAGE], ticks_of(m, p)) - close) / close


def after_reversal(account: Account) -> Account:
    """The account as it will be when what is held of the symbol is closed, which comes first."""
    others = account.total_exposure - account.exposure
    return Account(
        account.equity, 0.0, others, account.positions, 0, account.orders, 0, account.gap, 0.0, account.correlation
    )


def order_entry(m: Cells, p: int, side: int, close: float, atr: float) -> int:
    """Order an entry, if limits, cash and market allow one; 0, or REFUSED and the code of the reason."""
    reverses = m[p + SIDE] * side < 0.0
    account = account_of(m, p, gap_of(m, p, side, close))
    if reverses:
        account = after_reversal(account)
    limits, ticks = limits_of(m), ticks_of(m, p)
    refusal = entry_refusal(standing_of(m), limits, account)
    if refusal == NOT_A_NUMBER:
        keep_standing(m, halted(standing_of(m), NOT_A_NUMBER))
    if refusal != OK:
        return REFUSED + refusal
    is_limit = m[LIMIT] >= 0.0 or m[p + WISH_LIMIT] > 0.0
    limit = market_fill(-side, close, m[LIMIT], ticks) if is_limit else 0.0
    if m[p + WISH_LIMIT] > 0.0:
        limit = market_fill(-side, m[p + WISH_LIMIT], 0.0, ticks)
    rate = m[MAKER] if is_limit else m[TAKER]
    fill = limit if is_limit else market_fill(side, close, m[SLIPPAGE], ticks)
    stop = opened(side, fill, atr, exits_of(m), ticks).stop
    if stop > 0.0 and side < 0:
        stop = fill - (stop - fill)  # its distance is what counts
    cash = m[CASH] - m[LOCKED] - m[RESERVED]
    if reverses:
        cash += worth(m, p) + (2.0 * m[p + QUANTITY] * m[p + ENTRY] if m[p + SIDE] < 0.0 else 0.0)
    in_position = 0.0 if reverses or m[p + SIDE] == 0.0 else max(m[p + COST], abs(worth(m, p)))
    funds = Funds(account.equity, cash, rate, in_position, room(limits, account))
    quantity, code = entry_quantity(
        sizing_of(m), market_of(m, p), funds, close, fill, stop, atr, record_of(m)
    )  # fmt: skip
    if code != OK:
        return REFUSED + code
    if m[p + WISH_QUANTITY] > 0.0:
        quantity = min(quantity, floor_to(m[p + WISH_QUANTITY], steps_of(m, p)))
        if quantity <= 0.0 or is_too_small(quantity, close, market_of(m, p)):
            return REFUSED + BELOW_MINIMUM
    m[p + ENTER_SIDE] = side
    m[p + ENTER_QUANTITY] = quantity
    m[p + ENTER_LIMIT] = limit
    m[p + ENTER_ATR] = atr
    m[p + ENTER_LEFT] = m[LIMIT_CANDLES]
    m[p + ENTER_CASH] = quantity * fill * (1.0 + rate)
    m[p + ENTER_IS_ADDED] = 0.0
    m[RESERVED] += m[p + ENTER_CASH]
    m[SENT] += 1.0
    return 0


def judge(m: Cells, p: int, tape: F64, row: int, signal: int, close: float, atr: float) -> int:
    """Decide on a candle's signal and order what follows from it.

    Returns:
        What `choose` and `with_entries` returned, REVERSED, or why an entry was refused.
    """
    side, last = int(m[p + SIDE]), int(m[p + LAST_SIGNAL])
    m[p + LAST_SIGNAL] = signal
    if m[p + ENTER_SIDE] * signal < 0.0:  # the signal turned before the entry was filled
        end_entry(m, p, tape, row, CANCELED)
    if m[SHORTS] != 0.0 and (side < 0 or (side == 0 and signal < 0)):
        chosen = choose(-signal, -last, side < 0)
    else:
        chosen = choose(signal, last, side > 0)
    chosen = with_entries(chosen, int(m[p + ENTRIES]), limits_of(m).max_entries)
    if chosen in (ENTERED, ADDED):
        if m[p + EXIT_ASKED] != 0.0:
            return EXIT_WINS
        if m[p + ENTER_SIDE] != 0.0:
            end_entry(m, p, tape, row, CANCELED)
        return order_entry(m, p, signal, close, atr) or chosen
    if chosen == EXITED and m[p + EXIT_ASKED] == 0.0:
        m[p + EXIT_ASKED] = 1.0
        m[p + EXIT_REASON] = BY_SIGNAL
        m[SENT] += 1.0
        if m[SHORTS] != 0.0:
            return order_entry(m, p, signal, close, atr) or REVERSED
    return chosen


def caught_up(m: Cells, p: int, signals: I8, row: int, buffer: int) -> int:
    """What counts at the first close that is judged after a hole, when that close itself says nothing.

    As in the bot: a sell signal that went by unjudged within the window still counts, an entry is too old. Where sell
    signals are entries, too, only a signal against the position counts.
    """
    if m[p + LAST_SIGNAL] == NO_SIGNAL:
        return 0
    for back in range(row - 1, max(row - buffer, -1), -1):
        if signals[back] != 0:
            counts = signals[back] < 0 if m[SHORTS] == 0.0 else signals[back] * m[p + SIDE] < 0.0
            return int(signals[back]) if counts else 0
    return 0


def close_candle(m: Cells, p: int, tape: F64, row: int, high: float, low: float, close: float) -> None:
    """A candle has closed: its close is known, levels move, holding costs."""
    m[p + CLOSE] = close
    if m[p + SIDE] != 0.0:
        held = after_candle(held_of(m, p), high, low, exits_of(m), ticks_of(m, p))
        moves = held.stop != m[p + STOP]
        keep(m, p, held)
        if moves:
            note_levels(m, p, tape, row, 0, 1)
        carry = m[p + QUANTITY] * close * (m[CARRY_LONG] if held.side > 0 else m[CARRY_SHORT])
        m[CASH] -= carry
        m[p + CARRY] += carry


def mark(m: Cells, day: int) -> None:
    """Let the limits look at the equity; once for each close, before anything is decided."""
    if watches_equity(m):
        is_flat = True
        for i in range(int(m[SYMBOLS])):
            is_flat = is_flat and m[FIRST_SYMBOL + i * SYMBOL_CELLS + SIDE] == 0.0
        keep_standing(m, marked(standing_of(m), equity_of(m), day, limits_of(m), is_flat))


def decide_candle(
    m: Cells, p: int, tape: F64, row: int, signal: int, judged: int, close: float, volume: float, atr: float
) -> None:
    """Limits, clock and signal decide; with fills at the close the orders fill at once.

    judged: 0 when the live bot would decide, else IN_WARMUP or AFTER_A_HOLE.
    """
    is_due = 0.0
    if m[p + SIDE] != 0.0 and m[p + EXIT_ASKED] == 0.0:
        if must_close(standing_of(m), limits_of(m)):
            m[p + EXIT_ASKED] = 1.0
            m[p + EXIT_REASON] = BY_DRAWDOWN
            note_decision(m, p, tape, row, signal, EXIT_BY_DRAWDOWN)
        elif is_overdue(held_of(m, p), exits_of(m)):
            m[p + EXIT_ASKED] = 1.0
            m[p + EXIT_REASON] = BY_TIME
            note_decision(m, p, tape, row, signal, EXIT_BY_TIME)
        is_due = m[p + EXIT_ASKED]
        m[SENT] += is_due
    if judged == 0:
        chosen = judge(m, p, tape, row, signal, close, atr)
        if signal != 0 and is_due == 0.0:  # an exit by the clock is the decision, whatever the signal
            note_decision(m, p, tape, row, signal, chosen)
    elif signal != 0 and is_due == 0.0:
        note_decision(m, p, tape, row, signal, judged)
    if m[p + EXIT_ASKED] != 0.0:
        drop_rest(m, p, tape, row)
    if m[AT_CLOSE] != 0.0:
        if m[p + EXIT_ASKED] != 0.0:
            fill_exit(m, p, tape, row, close, volume)
        if m[p + ENTER_SIDE] != 0.0 and m[p + ENTER_LIMIT] == 0.0 and m[p + ENTER_SIDE] * m[p + SIDE] >= 0.0:
            price = market_fill(int(m[p + ENTER_SIDE]), close, m[SLIPPAGE], ticks_of(m, p))
            fill_entry(m, p, tape, row, price, close, volume)
