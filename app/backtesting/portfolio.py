"""The compiled pass over several symbols that share one account."""

from app.backtesting.cells import limits_of, looks_at_next_open
from app.backtesting.companions import largest_correlation
from app.backtesting.compiling import compiled
from app.backtesting.judging import caught_up, close_candle, decide_candle, equity_of, mark
from app.backtesting.layout import (
    AFTER_A_HOLE,
    CORRELATION,
    FIRST_SYMBOL,
    I64,
    IN_WARMUP,
    MOST_CELLS,
    NEXT_OPEN,
    SENT,
    SYMBOL_CELLS,
    USED,
    WISH_LIMIT,
    WISH_QUANTITY,
    Track,
)
from app.backtesting.steps import begin_exit, run_candle
from app.indicators.arrays import F64


@compiled
def sweep_many(
    track: Track, starts: I64, heads: I64, places: I64, after_hole: I64, clear: I64, moments: int, first: int,
    buffer: int, m: F64, tape: F64, equity: F64, start: int,
) -> int:  # fmt: skip
    """Trade several symbols from a moment on, candle by candle in order of time, as far as the tape has room.

    At each moment all symbols' exits fill first, then entries and levels in the symbols' order; after that all candles
    have closed, the limits look once, and the symbols decide in their order.

    Args:
        track: The candles and signals of all symbols, one after the other; days are those of the moments.
        starts: Where each symbol begins in `track`; (symbols + 1,).
        heads: Each symbol's next row; moved on.
        places: Each row's moment, which it may share with other symbols.
        after_hole: 1 for rows before which candles are missing.
        clear: 1 for rows at which the live bot's window is without a hole.
        moments: How many different open times there are.
        first: A symbol's first row at which the live bot has candles enough.
        buffer: How many candles the live bot looks at.
        m: Account, rules and the symbols' blocks, as they are before that moment; left as they are after the last one.
        tape: Where orders, trades and decisions are written down; its rows are moments.
        equity: (moments,) to be filled, or empty.
        start: The moment.

    Returns:
        The moment with which to go on; `moments` at the end.
    """
    opens, high, low, close, volume = track.opens, track.high, track.low, track.close, track.volume
    symbols = starts.size - 1
    begin, end = 0, 0
    banded, correlated = looks_at_next_open(m), limits_of(m).max_correlation > 0.0
    for moment in range(start, moments):
        if int(m[USED]) + symbols * MOST_CELLS > tape.size:
            return moment
        m[SENT] = 0.0
        for s in range(symbols):
            i, p = heads[s], FIRST_SYMBOL + s * SYMBOL_CELLS
            if i < starts[s + 1] and places[i] == moment:
                begin_exit(m, p, tape, moment, opens[i], volume[i])
        for s in range(symbols):
            i, p = heads[s], FIRST_SYMBOL + s * SYMBOL_CELLS
            if i < starts[s + 1] and places[i] == moment:
                if track.fine_rows.size:
                    begin, end = track.fine_rows[i], track.fine_rows[i + 1]
                run_candle(
                    m, p, tape, moment, after_hole[i], opens[i], high[i], low[i], volume[i], track.fine, begin, end
                )
                close_candle(m, p, tape, moment, high[i], low[i], close[i])
        mark(m, track.days[moment] if track.days.size else 0)
        for s in range(symbols):
            i, p = heads[s], FIRST_SYMBOL + s * SYMBOL_CELLS
            if i < starts[s + 1] and places[i] == moment:
                judged = IN_WARMUP if i - starts[s] < first else (0 if clear[i] else AFTER_A_HOLE)
                atr = track.atr[i] if track.atr.size else 0.0
                if track.wishes.size:
                    m[p + WISH_QUANTITY], m[p + WISH_LIMIT] = track.wishes[i, 0], track.wishes[i, 1]
                signal = int(track.signals[i])
                if signal == 0 and judged == 0 and i > starts[s] and not clear[i - 1]:
                    signal = caught_up(m, p, track.signals, i, buffer)
                if signal != 0 and banded:
                    is_next = i + 1 < starts[s + 1] and after_hole[i + 1] == 0
                    m[p + NEXT_OPEN] = opens[i + 1] if is_next else 0.0
                if signal != 0 and correlated:
                    m[p + CORRELATION] = largest_correlation(m, starts, heads, places, close, s, buffer)
                decide_candle(m, p, tape, moment, signal, judged, close[i], volume[i], atr)
                heads[s] = i + 1
        if equity.size:
            equity[moment] = equity_of(m)
    return moments
