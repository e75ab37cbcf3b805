"""The compiled pass: one symbol's candles from the first to the last, with the bot's own rules at each."""

from typing import Final

import numpy as np

from app.backtesting.ahead import LINE, fetch
from app.backtesting.cells import exits_of, has_levels, levels_stand_still, looks_at_next_open, watches_equity
from app.backtesting.compiling import compiled
from app.backtesting.judging import caught_up, close_candle, decide_candle, equity_of, mark
from app.backtesting.layout import (
    AFTER_A_HOLE,
    AT_CLOSE,
    CANDLES,
    CASH,
    CLOSE,
    ENTER_SIDE,
    EXIT_ASKED,
    FIRST_SYMBOL,
    I64,
    IN_WARMUP,
    LAST_SIGNAL,
    LIMIT,
    MOST_CELLS,
    NEXT_OPEN,
    QUANTITY,
    SENT,
    SIDE,
    STOP,
    TARGET,
    USED,
    WISH_LIMIT,
    WISH_QUANTITY,
    Track,
)
from app.backtesting.steps import begin_exit, run_candle
from app.indicators.arrays import F64

AHEAD: Final = 6  # signals whose candles are on their way from memory
NEAR: Final = 64  # candles after a signal at which the levels of its position may be met


@compiled
def quiet_until(m: F64, p: int, begin: int, end: int, high: F64, low: F64, max_hold: int) -> int:
    """The first row in [begin, end) at which a level or the clock can act while levels stand still, else `end`."""
    if m[p + SIDE] == 0.0:
        return end
    if max_hold > 0:
        end = min(end, max(begin, begin + max_hold - int(m[p + CANDLES]) - 1))
    row, stop, target = begin, m[p + STOP], m[p + TARGET]
    if stop == 0.0 and target == 0.0:
        return end
    if m[p + SIDE] > 0.0:
        if target == 0.0:
            target = np.inf
        while row < end and low[row] > stop and high[row] <= target:
            row += 1
    else:
        if stop == 0.0:
            stop = np.inf
        while row < end and high[row] < stop and low[row] >= target:
            row += 1
    return row


@compiled
def fetch_candles(track: Track, row: int, until: int, ranged: int) -> None:
    """Ask for what will soon be needed of a candle with a signal, of the next one, where its order fills, and after."""
    fetch(track.close, row)
    fetch(track.opens, row + 1)
    fetch(track.volume, row + 1)
    if ranged:
        for near in range(row + 1, min(until, row + NEAR) + 1, LINE):
            fetch(track.high, near)
            fetch(track.low, near)


@compiled
def sweep(
    track: Track, marks: I64, first: int, buffer: int, m: F64, tape: F64, equity: F64, skip: int, start: int
) -> int:
    """Trade one symbol from a row on, as far as the tape has room.

    Args:
        track: Its candles and signals.
        marks: The rows with a signal, ascending.
        first: The first row at which the live bot has candles enough.
        buffer: How many candles the live bot looks at.
        m: Account, rules and the symbol's block, as they are before that row; left as they are after the last one.
        tape: Where orders, trades and decisions are written down; `m[USED]` cells of it are used.
        equity: (n,) to be filled with the account's worth at each close, or empty.
        skip: 1 to pass over candles at which nothing can happen; 0 to go through each, with the same result.
        start: The row.

    Returns:
        The row with which to go on; n at the end.
    """
    opens, high, low, close, volume, signals = (
        track.opens, track.high, track.low, track.close, track.volume, track.signals
    )  # fmt: skip
    p, n, holes, max_hold = FIRST_SYMBOL, close.size, track.holes, exits_of(m).max_hold
    still, watched, at_close = levels_stand_still(m), watches_equity(m), m[AT_CLOSE] != 0.0
    ranged = not still or has_levels(m) or m[LIMIT] >= 0.0 or track.wishes.size > 0
    banded = looks_at_next_open(m)
    row, hole, clear_from, begin, end = start, 0, -1, 0, 0
    mark_at = np.searchsorted(marks, row)
    while hole < holes.size and holes[hole] < row:
        clear_from = holes[hole] + buffer - 1
        hole += 1
    while row < n:
        after_hole = 0
        if hole < holes.size and holes[hole] == row:
            after_hole, clear_from = 1, row + buffer - 1
            hole += 1
        elif (
            skip and row != clear_from and not watched and m[p + EXIT_ASKED] == 0.0 and m[p + ENTER_SIDE] == 0.0
            and (still or m[p + SIDE] == 0.0)
        ):  # fmt: skip
            border = min(n, holes[hole]) if hole < holes.size else n
            if row < clear_from:
                border = min(border, clear_from)
            while mark_at < marks.size and marks[mark_at] < row:
                mark_at += 1
                if mark_at + AHEAD < marks.size - 1:
                    fetch_candles(track, marks[mark_at + AHEAD], marks[mark_at + AHEAD + 1], ranged)
            end_of_quiet = min(border, marks[mark_at]) if mark_at < marks.size else border
            until = quiet_until(m, p, row, end_of_quiet, high, low, max_hold)
            if until > row:
                if equity.size:
                    for j in range(row, until):
                        equity[j] = m[CASH] + m[p + SIDE] * m[p + QUANTITY] * close[j]
                if m[p + SIDE] != 0.0:
                    m[p + CANDLES] += until - row
                if until - 1 >= max(first, clear_from):
                    m[p + LAST_SIGNAL] = 0.0
                row = until
                if row == n:
                    m[p + CLOSE] = close[n - 1]
                if row == border:
                    continue
        if int(m[USED]) + MOST_CELLS > tape.size:
            return row
        m[SENT] = 0.0
        judged = IN_WARMUP if row < first else (AFTER_A_HOLE if row < clear_from else 0)
        if track.fine_rows.size:
            begin, end = track.fine_rows[row], track.fine_rows[row + 1]
        c, v, o, h, l = close[row], 0.0, 0.0, 0.0, 0.0  # noqa: E741  the rest only where it is looked at: memory is slow
        if ranged:
            h, l = high[row], low[row]  # noqa: E741
        if at_close:
            v = volume[row]
        if m[p + EXIT_ASKED] != 0.0 or m[p + ENTER_SIDE] != 0.0 or m[p + STOP] != 0.0 or m[p + TARGET] != 0.0:
            o, v = opens[row], volume[row]
            if m[p + EXIT_ASKED] != 0.0:
                begin_exit(m, p, tape, row, o, v)
            if m[p + ENTER_SIDE] != 0.0 or m[p + STOP] != 0.0 or m[p + TARGET] != 0.0:
                run_candle(m, p, tape, row, after_hole, o, h, l, v, track.fine, begin, end)
        if m[p + SIDE] != 0.0 and not still:
            close_candle(m, p, tape, row, h, l, c)
        else:
            m[p + CLOSE] = c
            m[p + CANDLES] += abs(m[p + SIDE])
        if watched:
            mark(m, track.days[row])
        signal = int(signals[row])
        if signal == 0 and row == clear_from and hole > 0 and judged == 0:
            signal = caught_up(m, p, signals, row, buffer)
        if track.wishes.size:
            m[p + WISH_QUANTITY], m[p + WISH_LIMIT] = track.wishes[row, 0], track.wishes[row, 1]
        if banded and signal != 0:
            is_next = row + 1 < n and not (hole < holes.size and holes[hole] == row + 1)
            m[p + NEXT_OPEN] = opens[row + 1] if is_next else 0.0
        waits = m[p + EXIT_ASKED] != 0.0 or m[p + ENTER_SIDE] != 0.0
        if signal != 0 or waits or (m[p + SIDE] != 0.0 and (watched or max_hold > 0)):
            decide_candle(m, p, tape, row, signal, judged, c, v, track.atr[row] if track.atr.size else 0.0)
        elif judged == 0:
            m[p + LAST_SIGNAL] = 0.0
        if equity.size:
            equity[row] = equity_of(m)
        row += 1
    return row
