"""What happens to one symbol in one candle, step by step: fills, levels, decision (docs/decisions/0005).

Plain functions over cells, in the part of Python that Numba compiles: the pass compiles them, the event engine calls
them. Every rule they apply is the bot's own.
"""

from app.backtesting.layout import (
    ATR,
    BEST,
    BY_BREAK_EVEN,
    BY_END,
    BY_SIGNAL,
    BY_STOP,
    BY_TARGET,
    BY_TIME,
    BY_TRAILING,
    CANCELED,
    CANDLES,
    CARRY,
    CASH,
    CLOSE,
    ENTER_ATR,
    ENTER_LIMIT,
    ENTER_QUANTITY,
    ENTER_ROW,
    ENTER_SIDE,
    ENTRY,
    ENTRY_FEE,
    ENTRY_ROW,
    ENTRY_SLIPPAGE,
    EXIT_ASKED,
    EXIT_BY_TIME,
    EXIT_REASON,
    EXPIRED,
    FILLED,
    FILLS,
    LAST_SIGNAL,
    LOCKED,
    NO_CASH,
    NOTE_CODE,
    NOTE_ROW,
    NOTE_SIGNAL,
    NOTE_SYMBOL,
    NOTES,
    OPENING,
    ORDER_FEE,
    ORDER_LIMIT,
    ORDER_PRICE,
    ORDER_QUANTITY,
    ORDER_REASON,
    ORDER_ROW,
    ORDER_SIDE,
    ORDER_SLIPPAGE,
    ORDER_STATUS,
    ORDER_SYMBOL,
    PARTLY,
    QUANTITY,
    REJECTED,
    REVERSED,
    SIDE,
    STAGE,
    STOP,
    STOP_KIND,
    TARGET,
    TARGET_PART,
    TOO_SMALL,
    TRADE_CANDLES,
    TRADE_ENTRY,
    TRADE_ENTRY_ROW,
    TRADE_EXIT,
    TRADE_EXIT_ROW,
    TRADE_FEES,
    TRADE_PNL,
    TRADE_QUANTITY,
    TRADE_REASON,
    TRADE_SIDE,
    TRADE_SLIPPAGE,
    TRADE_SYMBOL,
    TRADES,
    Cells,
    Sizing,
    Terms,
)
from app.core.decision import ENTERED, EXITED, choose
from app.domain.grid import floor_to
from app.indicators.arrays import F64
from app.risk.exits import (
    BREAK_EVEN,
    TRAILING,
    ExitRules,
    Held,
    after_candle,
    averaged,
    is_overdue,
    next_target,
    opened,
    stage_closed,
)
from app.risk.sizing import Market
from app.simulation.candle import NONE, first_exit, market_fill, trades_through
from app.simulation.candle import STOP as STOP_REACHED


def held_of(p: Cells) -> Held:
    """The position as the exits know it."""
    return Held(int(p[SIDE]), p[ENTRY], p[STOP], int(p[STOP_KIND]), p[BEST], p[ATR], int(p[STAGE]), int(p[CANDLES]))


def keep(p: Cells, held: Held, rules: ExitRules, market: Market) -> None:
    """Write a position's levels down, and its next target."""
    p[SIDE] = held.side
    p[ENTRY] = held.entry
    p[STOP] = held.stop
    p[STOP_KIND] = held.stop_kind
    p[BEST] = held.best
    p[ATR] = held.atr
    p[STAGE] = held.stage
    p[CANDLES] = held.candles
    p[TARGET], p[TARGET_PART] = next_target(held, rules, market.ticks)


def takeable(wanted: float, volume: float, terms: Terms, market: Market) -> float:
    """How much of an order a candle's volume can fill, base units."""
    if terms.volume_share <= 0.0:
        return wanted
    return min(wanted, floor_to(volume * terms.volume_share, market.steps))


def note(
    a: Cells, orders: F64, symbol: int, row: int, side: int, limit: int, quantity: float, price: float, fee: float,
    slippage: float, reason: int, status: int,
) -> None:  # fmt: skip
    """Write an order down."""
    at = int(a[FILLS])
    orders[at, ORDER_ROW] = row
    orders[at, ORDER_SYMBOL] = symbol
    orders[at, ORDER_SIDE] = side
    orders[at, ORDER_LIMIT] = limit
    orders[at, ORDER_QUANTITY] = quantity
    orders[at, ORDER_PRICE] = price
    orders[at, ORDER_FEE] = fee
    orders[at, ORDER_SLIPPAGE] = slippage
    orders[at, ORDER_REASON] = reason
    orders[at, ORDER_STATUS] = status
    a[FILLS] = at + 1


def note_trade(
    p: Cells, a: Cells, trades: F64, symbol: int, row: int, quantity: float, price: float, fee: float,
    slippage: float, reason: int,
) -> None:  # fmt: skip
    """Write down that a part of a position was closed; it carries its share of what the entry cost."""
    share = 1.0 if quantity >= p[QUANTITY] else quantity / p[QUANTITY]
    entry_fee, entry_slippage, carry = share * p[ENTRY_FEE], share * p[ENTRY_SLIPPAGE], share * p[CARRY]
    at = int(a[TRADES])
    trades[at, TRADE_SYMBOL] = symbol
    trades[at, TRADE_SIDE] = p[SIDE]
    trades[at, TRADE_ENTRY_ROW] = p[ENTRY_ROW]
    trades[at, TRADE_EXIT_ROW] = row
    trades[at, TRADE_ENTRY] = p[ENTRY]
    trades[at, TRADE_EXIT] = price
    trades[at, TRADE_QUANTITY] = quantity
    trades[at, TRADE_FEES] = entry_fee + fee + carry
    trades[at, TRADE_SLIPPAGE] = entry_slippage + slippage
    trades[at, TRADE_PNL] = p[SIDE] * quantity * (price - p[ENTRY]) - (entry_fee + fee + carry)
    trades[at, TRADE_CANDLES] = p[CANDLES]
    trades[at, TRADE_REASON] = reason
    a[TRADES] = at + 1
    p[ENTRY_FEE] -= entry_fee
    p[ENTRY_SLIPPAGE] -= entry_slippage
    p[CARRY] -= carry


def close_part(
    p: Cells, a: Cells, orders: F64, trades: F64, symbol: int, row: int, quantity: float, price: float,
    reference: float, rate: float, limit: int, reason: int, market: Market,
) -> None:  # fmt: skip
    """Book an exit's fill."""
    side = int(p[SIDE])
    whole = quantity >= p[QUANTITY]
    fee = quantity * price * rate
    slippage = abs(price - reference) * quantity
    a[CASH] += side * quantity * price - fee
    if side < 0:
        a[LOCKED] -= 2.0 * quantity * p[ENTRY]
    note(a, orders, symbol, row, -side, limit, quantity, price, fee, slippage, reason, FILLED if whole else PARTLY)
    note_trade(p, a, trades, symbol, row, quantity, price, fee, slippage, reason)
    if whole:
        for cell in range(TARGET_PART + 1):
            p[cell] = 0.0
        p[EXIT_ASKED] = 0.0
    else:
        p[QUANTITY] = floor_to(p[QUANTITY] - quantity, market.steps)


def fill_exit(
    p: Cells, a: Cells, orders: F64, trades: F64, symbol: int, row: int, reference: float, volume: float,
    terms: Terms, market: Market,
) -> None:  # fmt: skip
    """Fill what was ordered to be closed, at market."""
    quantity = takeable(p[QUANTITY], volume, terms, market)
    if quantity > 0.0:
        price = market_fill(-int(p[SIDE]), reference, terms.slippage, market.ticks)
        reason = int(p[EXIT_REASON])
        close_part(p, a, orders, trades, symbol, row, quantity, price, reference, terms.taker, 0, reason, market)


def end_entry(p: Cells, a: Cells, orders: F64, symbol: int, row: int, status: int) -> None:
    """Write down that an entry, or what was left of it, came to nothing."""
    limit = 1 if p[ENTER_LIMIT] > 0.0 else 0
    side = int(p[ENTER_SIDE])
    note(a, orders, symbol, row, side, limit, p[ENTER_QUANTITY], p[ENTER_LIMIT], 0.0, 0.0, BY_SIGNAL, status)
    p[ENTER_SIDE] = 0.0


def fill_entry(
    p: Cells, a: Cells, orders: F64, symbol: int, row: int, price: float, reference: float, volume: float,
    terms: Terms, market: Market, rules: ExitRules,
) -> None:  # fmt: skip
    """Fill an entry at a price, as far as volume and cash go; what the cash does not cover is never bought."""
    side = int(p[ENTER_SIDE])
    limit = 1 if p[ENTER_LIMIT] > 0.0 else 0
    rate = terms.maker if limit else terms.taker
    quantity = takeable(p[ENTER_QUANTITY], volume, terms, market)
    if quantity <= 0.0:
        return
    left = floor_to(p[ENTER_QUANTITY] - quantity, market.steps) if quantity < p[ENTER_QUANTITY] else 0.0
    free = a[CASH] - a[LOCKED]
    if quantity * price * (1.0 + rate) > free:
        quantity = 0.0 if terms.at_close else floor_to(max(free, 0.0) / (price * (1.0 + rate)), market.steps)
        left = 0.0
        if quantity <= 0.0 or quantity < market.min_quantity or quantity * price < market.min_notional:
            end_entry(p, a, orders, symbol, row, REJECTED)
            return
    fee = quantity * price * rate
    slippage = abs(price - reference) * quantity
    a[CASH] -= side * quantity * price + fee
    if side < 0:
        a[LOCKED] += 2.0 * quantity * price
    status = PARTLY if left > 0.0 else FILLED
    note(a, orders, symbol, row, side, limit, quantity, price, fee, slippage, BY_SIGNAL, status)
    if p[SIDE] == 0.0:
        p[QUANTITY] = quantity
        p[OPENING] = quantity
        p[ENTRY_ROW] = row
        p[ENTRY_FEE] = fee
        p[ENTRY_SLIPPAGE] = slippage
        p[CARRY] = 0.0
        keep(p, opened(side, price, p[ENTER_ATR], rules, market.ticks), rules, market)
    else:
        total = p[QUANTITY] + quantity
        average = (p[QUANTITY] * p[ENTRY] + quantity * price) / total
        p[QUANTITY] = total
        p[OPENING] += quantity
        p[ENTRY_FEE] += fee
        p[ENTRY_SLIPPAGE] += slippage
        keep(p, averaged(held_of(p), average, rules, market.ticks), rules, market)
    p[ENTER_QUANTITY] = left
    if left <= 0.0:
        p[ENTER_SIDE] = 0.0


def begin_exit(
    p: Cells, a: Cells, orders: F64, trades: F64, symbol: int, row: int, open_: float, volume: float, terms: Terms,
    market: Market,
) -> None:  # fmt: skip
    """A candle opens: what was ordered to be closed fills, if anything is traded."""
    if p[EXIT_ASKED] != 0.0 and not terms.at_close and volume > 0.0:
        fill_exit(p, a, orders, trades, symbol, row, open_, volume, terms, market)


def begin_entry(
    p: Cells, a: Cells, orders: F64, symbol: int, row: int, after_hole: int, open_: float, high: float, low: float,
    volume: float, terms: Terms, market: Market, rules: ExitRules,
) -> int:  # fmt: skip
    """The entry that waits meets a candle.

    Returns:
        How the position was entered in this candle: 0 not at all, 1 at its open, 2 by a limit order within it.
    """
    if p[ENTER_SIDE] == 0.0 or p[ENTER_SIDE] * p[SIDE] < 0.0:  # the position on the other side is still being closed
        return 0
    side, limit = int(p[ENTER_SIDE]), p[ENTER_LIMIT]
    before = a[FILLS]
    if limit > 0.0:
        if row > p[ENTER_ROW] + terms.limit_candles:
            end_entry(p, a, orders, symbol, row, EXPIRED)
        elif volume > 0.0 and trades_through(side, high, low, limit):
            fill_entry(p, a, orders, symbol, row, limit, limit, volume, terms, market, rules)
            return 2 if a[FILLS] > before and p[ENTRY_ROW] == row and p[SIDE] != 0.0 else 0
        return 0
    if after_hole:  # nobody knows what it would have paid
        end_entry(p, a, orders, symbol, row, CANCELED)
    elif not terms.at_close and volume > 0.0:
        price = market_fill(side, open_, terms.slippage, market.ticks)
        fill_entry(p, a, orders, symbol, row, price, open_, volume, terms, market, rules)
        return 1 if p[SIDE] != 0.0 and p[ENTRY_ROW] == row else 0
    return 0


def stop_reason(kind: int) -> int:
    """Why a stop of this kind closes a position."""
    if kind == TRAILING:
        return BY_TRAILING
    return BY_BREAK_EVEN if kind == BREAK_EVEN else BY_STOP


def meet_levels(
    p: Cells, a: Cells, orders: F64, trades: F64, symbol: int, row: int, open_: float, high: float, low: float,
    volume: float, target_counts: bool, terms: Terms, market: Market, rules: ExitRules,
) -> None:  # fmt: skip
    """The levels that were armed before meet the prices of a candle."""
    while p[SIDE] != 0.0 and p[EXIT_ASKED] == 0.0:
        side = int(p[SIDE])
        target = p[TARGET] if target_counts else 0.0
        kind, price = first_exit(side, open_, high, low, volume, p[STOP], target)
        if kind == NONE:
            return
        if kind == STOP_REACHED:
            p[EXIT_ASKED] = 1.0
            p[EXIT_REASON] = stop_reason(int(p[STOP_KIND]))
            fill_exit(p, a, orders, trades, symbol, row, price, volume, terms, market)
            return
        part = p[TARGET_PART]
        wanted = p[QUANTITY] if part >= 1.0 else min(p[QUANTITY], floor_to(p[OPENING] * part, market.steps))
        quantity = takeable(wanted, volume, terms, market)
        if quantity > 0.0:
            close_part(
                p, a, orders, trades, symbol, row, quantity, price, price, terms.maker, 1, BY_TARGET, market
            )  # fmt: skip
        if p[SIDE] == 0.0 or part >= 1.0:
            return
        keep(p, stage_closed(held_of(p)), rules, market)


def jot(a: Cells, notes: F64, symbol: int, row: int, signal: int, code: int) -> None:
    """Write a decision down, where decisions are kept."""
    at = int(a[NOTES])
    if at < notes.shape[0]:
        notes[at, NOTE_ROW] = row
        notes[at, NOTE_SYMBOL] = symbol
        notes[at, NOTE_SIGNAL] = signal
        notes[at, NOTE_CODE] = code
        a[NOTES] = at + 1


def order_entry(
    p: Cells, a: Cells, row: int, side: int, close: float, atr: float, terms: Terms, market: Market, sizing: Sizing
) -> int:
    """Order an entry, if the market and the cash allow one; 0, or why not."""
    quantity = floor_to(sizing.quote / close, market.steps)
    if quantity <= 0.0 or quantity < market.min_quantity or quantity * close < market.min_notional:
        return TOO_SMALL
    if a[CASH] - a[LOCKED] <= 0.0:
        return NO_CASH
    p[ENTER_SIDE] = side
    p[ENTER_QUANTITY] = quantity
    p[ENTER_LIMIT] = 0.0
    if terms.limit >= 0.0:
        p[ENTER_LIMIT] = market_fill(-side, close, terms.limit, market.ticks)
    p[ENTER_ATR] = atr
    p[ENTER_ROW] = row
    return 0


def judge(
    p: Cells, a: Cells, orders: F64, symbol: int, row: int, signal: int, close: float, atr: float, terms: Terms,
    market: Market, sizing: Sizing,
) -> int:  # fmt: skip
    """Decide on a candle's signal and order what follows from it.

    Returns:
        What `choose` returned, REVERSED, or why an entry was refused.
    """
    side, last = int(p[SIDE]), int(p[LAST_SIGNAL])
    p[LAST_SIGNAL] = signal
    if p[ENTER_SIDE] * signal < 0.0:  # the signal turned before the entry was filled
        end_entry(p, a, orders, symbol, row, CANCELED)
    if terms.shorts and (side < 0 or (side == 0 and signal < 0)):
        chosen = choose(-signal, -last, side < 0)
    else:
        chosen = choose(signal, last, side > 0)
    if chosen == ENTERED:
        if p[ENTER_SIDE] != 0.0:
            end_entry(p, a, orders, symbol, row, CANCELED)
        return order_entry(p, a, row, signal, close, atr, terms, market, sizing) or chosen
    if chosen == EXITED and p[EXIT_ASKED] == 0.0:
        p[EXIT_ASKED] = 1.0
        p[EXIT_REASON] = BY_SIGNAL
        if terms.shorts:
            return order_entry(p, a, row, signal, close, atr, terms, market, sizing) or REVERSED
    return chosen


def finish(
    p: Cells, a: Cells, orders: F64, trades: F64, notes: F64, symbol: int, row: int, signal: int, judged: int,
    high: float, low: float, close: float, volume: float, atr: float, terms: Terms, market: Market, rules: ExitRules,
    sizing: Sizing,
) -> None:  # fmt: skip
    """A candle closes: levels move, the clock and the signal decide, and with fills at the close the orders fill.

    judged: 0 when the live bot would decide, else IN_WARMUP or AFTER_A_HOLE.
    """
    p[CLOSE] = close
    if p[SIDE] != 0.0:
        held = after_candle(held_of(p), high, low, rules, market.ticks)
        keep(p, held, rules, market)
        carry = p[QUANTITY] * close * (terms.carry_long if held.side > 0 else terms.carry_short)
        a[CASH] -= carry
        p[CARRY] += carry
        if p[EXIT_ASKED] == 0.0 and is_overdue(held, rules):
            p[EXIT_ASKED] = 1.0
            p[EXIT_REASON] = BY_TIME
            jot(a, notes, symbol, row, signal, EXIT_BY_TIME)
    if judged == 0:
        chosen = judge(p, a, orders, symbol, row, signal, close, atr, terms, market, sizing)
        if signal != 0:
            jot(a, notes, symbol, row, signal, chosen)
    elif signal != 0:
        jot(a, notes, symbol, row, signal, judged)
    if p[EXIT_ASKED] != 0.0 and p[ENTER_SIDE] * p[SIDE] > 0.0:  # what is being closed is not added to
        end_entry(p, a, orders, symbol, row, CANCELED)
    if terms.at_close:
        if p[EXIT_ASKED] != 0.0:
            fill_exit(p, a, orders, trades, symbol, row, close, volume, terms, market)
        if p[ENTER_SIDE] != 0.0 and p[ENTER_LIMIT] == 0.0 and p[ENTER_SIDE] * p[SIDE] >= 0.0:
            price = market_fill(int(p[ENTER_SIDE]), close, terms.slippage, market.ticks)
            fill_entry(p, a, orders, symbol, row, price, close, volume, terms, market, rules)


def value_of(p: Cells) -> float:
    """What a position is worth at the newest close, quote units; what a short position owes is negative."""
    return p[SIDE] * p[QUANTITY] * p[CLOSE]


def value_open(p: Cells, a: Cells, trades: F64, symbol: int, row: int) -> None:
    """The history ends: what is open is valued at the last close, without an order."""
    if p[SIDE] != 0.0:
        note_trade(p, a, trades, symbol, row, p[QUANTITY], p[CLOSE], 0.0, 0.0, BY_END)
