"""The compiled pass: one symbol's candles from the first to the last, with the bot's own rules at each."""

import numpy as np

from app.backtesting.compiling import compiled
from app.backtesting.layout import (
    AFTER_A_HOLE,
    CANDLES,
    CASH,
    CLOSE,
    ENTER_SIDE,
    ENTRY,
    EXIT_ASKED,
    FILLS,
    IN_WARMUP,
    LAST_SIGNAL,
    MOST_ROWS,
    QUANTITY,
    SIDE,
    STOP,
    TARGET,
    TRADES,
    Sizing,
    Terms,
)
from app.backtesting.steps import begin_entry, begin_exit, finish, meet_levels, value_of, value_open
from app.indicators.arrays import F64, I8
from app.risk.exits import ExitRules
from app.risk.sizing import Market


@compiled
def grown(tape: F64) -> F64:
    """A tape with the same rows and as many more."""
    longer = np.empty((2 * tape.shape[0], tape.shape[1]))
    longer[: tape.shape[0]] = tape
    return longer


@compiled
def quiet_until(p: F64, begin: int, end: int, high: F64, low: F64, signals: I8, max_hold: int) -> int:
    """The first row in [begin, end) at which something can happen while levels stand still, else `end`."""
    row = begin
    if p[SIDE] == 0.0:
        while row < end and signals[row] == 0:
            row += 1
        return row
    if max_hold > 0:
        end = min(end, max(begin, begin + max_hold - int(p[CANDLES]) - 1))
    stop, target = p[STOP], p[TARGET]
    if p[SIDE] > 0.0:
        if target == 0.0:
            target = np.inf
        while row < end and signals[row] == 0 and low[row] > stop and high[row] <= target:
            row += 1
    else:
        if stop == 0.0:
            stop = np.inf
        while row < end and signals[row] == 0 and high[row] < stop and low[row] >= target:
            row += 1
    return row


@compiled
def sweep(
    opens: F64, high: F64, low: F64, close: F64, volume: F64, signals: I8, atr: F64, holes: F64, first: int,
    buffer: int, p: F64, a: F64, equity: F64, notes: F64, terms: Terms, market: Market, rules: ExitRules,
    sizing: Sizing, skip: int,
) -> tuple[F64, F64]:  # fmt: skip
    """Trade one symbol.

    Args:
        opens: Open prices, (n,) quote per base.
        high: Highs, likewise.
        low: Lows, likewise.
        close: Closes, likewise.
        volume: (n,) base units.
        signals: 1, 0 or -1 at each close.
        atr: Average true range at each close; empty when no rule needs it.
        holes: Rows before which candles are missing, ascending.
        first: The first row at which the live bot has candles enough.
        buffer: How many candles the live bot looks at.
        p: Cells of the position, to be filled.
        a: Cells of the account, with its cash.
        equity: (n,) to be filled with the account's worth at each close, or empty.
        notes: Tape of decisions to be filled, or empty.
        terms: How orders fill.
        market: What the market allows.
        rules: Exits.
        sizing: How large an entry is.
        skip: 1 to pass over candles at which nothing can happen; 0 to go through each, with the same result.

    Returns:
        The tapes of orders and trades.
    """
    n = close.size
    orders, trades = np.empty((64, 10)), np.empty((64, 12))
    stands_still = (
        rules.trail == 0.0 and rules.trail_atr == 0.0 and rules.break_even == 0.0
        and terms.carry_long == 0.0 and terms.carry_short == 0.0
    )  # fmt: skip
    row, hole, clear_from = 0, 0, 0
    while row < n:
        after_hole = 0
        if hole < holes.size and holes[hole] == row:
            after_hole, clear_from = 1, row + buffer - 1
            hole += 1
        elif skip and p[EXIT_ASKED] == 0.0 and p[ENTER_SIDE] == 0.0 and (stands_still or p[SIDE] == 0.0):
            end = min(n, int(holes[hole])) if hole < holes.size else n
            until = quiet_until(p, row, end, high, low, signals, rules.max_hold)
            if until > row:
                if equity.size:
                    for j in range(row, until):
                        equity[j] = a[CASH] + p[SIDE] * p[QUANTITY] * close[j]
                if p[SIDE] != 0.0:
                    p[CANDLES] += until - row
                if until - 1 >= max(first, clear_from):
                    p[LAST_SIGNAL] = 0.0
                p[CLOSE] = close[until - 1]
                row = until
                if row == end:
                    continue
        if int(a[FILLS]) + MOST_ROWS > orders.shape[0]:
            orders = grown(orders)
        if int(a[TRADES]) + MOST_ROWS > trades.shape[0]:
            trades = grown(trades)
        judged = IN_WARMUP if row < first else (AFTER_A_HOLE if row < clear_from else 0)
        begin_exit(p, a, orders, trades, 0, row, opens[row], volume[row], terms, market)
        entered = begin_entry(
            p, a, orders, 0, row, after_hole, opens[row], high[row], low[row], volume[row], terms, market, rules
        )
        if p[STOP] != 0.0 or p[TARGET] != 0.0:
            at = p[ENTRY] if entered else opens[row]
            meet_levels(
                p, a, orders, trades, 0, row, at, high[row], low[row], volume[row], entered != 2, terms, market, rules
            )
        finish(
            p, a, orders, trades, notes, 0, row, signals[row], judged, high[row], low[row], close[row], volume[row],
            atr[row] if atr.size else 0.0, terms, market, rules, sizing,
        )  # fmt: skip
        if equity.size:
            equity[row] = a[CASH] + value_of(p)
        row += 1
    value_open(p, a, trades, 0, n - 1)
    return orders[: int(a[FILLS])], trades[: int(a[TRADES])]
