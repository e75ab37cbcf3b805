"""What happens to one symbol while a candle runs: waiting orders fill, then its levels meet the prices.

Plain functions over cells, in the part of Python that Numba compiles: the pass compiles them, the event engine calls
them. Every rule they apply is the bot's own (docs/decisions/0005).
"""

from app.backtesting.booking import close_part, end_entry, note_levels, open_part
from app.backtesting.cells import held_of, keep, market_of, steps_of, ticks_of
from app.backtesting.layout import (
    AT_CLOSE,
    BY_BREAK_EVEN,
    BY_STOP,
    BY_TARGET,
    BY_TRAILING,
    CANCELED,
    CASH,
    ENTER_CASH,
    ENTER_LEFT,
    ENTER_LIMIT,
    ENTER_QUANTITY,
    ENTER_SIDE,
    ENTRY,
    EXIT_ASKED,
    EXIT_REASON,
    EXPIRED,
    LOCKED,
    MAKER,
    OPENING,
    QUANTITY,
    REJECTED,
    RESERVED,
    SENT,
    SIDE,
    SLIPPAGE,
    STOP,
    STOP_KIND,
    TAKER,
    TARGET,
    TARGET_PART,
    VOLUME_SHARE,
    Cells,
)
from app.domain.grid import floor_to
from app.indicators.arrays import F64
from app.risk.exits import BREAK_EVEN, TRAILING, stage_closed
from app.risk.sizing import is_too_small, part_to_close
from app.simulation.candle import NONE, first_exit, market_fill, trades_through
from app.simulation.candle import STOP as STOP_REACHED


def takeable(m: Cells, p: int, wanted: float, volume: float) -> float:
    """How much of an order a candle's volume can fill, base units."""
    if m[VOLUME_SHARE] <= 0.0:
        return wanted
    return min(wanted, floor_to(volume * m[VOLUME_SHARE], steps_of(m, p)))


def fill_exit(
    m: Cells, p: int, tape: F64, row: int, reference: float, volume: float,
) -> None:  # fmt: skip
    """Fill what was ordered to be closed, at market, as far as the volume goes."""
    quantity = takeable(m, p, m[p + QUANTITY], volume)
    if quantity > 0.0:
        price = market_fill(-int(m[p + SIDE]), reference, m[SLIPPAGE], ticks_of(m, p))
        reason = int(m[p + EXIT_REASON])
        close_part(m, p, tape, row, quantity, price, reference, m[TAKER], 0, reason)


def fill_entry(
    m: Cells, p: int, tape: F64, row: int, price: float, reference: float, volume: float
) -> None:  # fmt: skip
    """Fill an entry at a price, as far as volume and cash go; what the cash does not cover is never bought."""
    quantity = takeable(m, p, m[p + ENTER_QUANTITY], volume)
    if quantity <= 0.0:
        return
    left = floor_to(m[p + ENTER_QUANTITY] - quantity, steps_of(m, p)) if quantity < m[p + ENTER_QUANTITY] else 0.0
    cost = price * (1.0 + (m[MAKER] if m[p + ENTER_LIMIT] > 0.0 else m[TAKER]))
    free = m[CASH] - m[LOCKED] - m[RESERVED] + m[p + ENTER_CASH]
    if quantity * cost > free:
        quantity, left = floor_to(max(free, 0.0) / cost, steps_of(m, p)), 0.0
        if quantity <= 0.0 or is_too_small(quantity, price, market_of(m, p)):
            end_entry(m, p, tape, row, REJECTED)
            return
    open_part(m, p, tape, row, quantity, price, reference, left)


def begin_exit(
    m: Cells, p: int, tape: F64, row: int, open_: float, volume: float,
) -> None:  # fmt: skip
    """A candle opens: what was ordered to be closed fills, if anything is traded."""
    if m[p + EXIT_ASKED] != 0.0 and m[AT_CLOSE] == 0.0 and volume > 0.0:
        fill_exit(m, p, tape, row, open_, volume)


def begin_entry(
    m: Cells, p: int, tape: F64, row: int, after_hole: int, open_: float, high: float, low: float,
    volume: float,
) -> int:  # fmt: skip
    """The entry that waits meets a candle.

    Returns:
        How the position was entered in this candle: 0 not at all, 1 at its open, 2 by a limit order within it.
    """
    if (
        m[p + ENTER_SIDE] == 0.0 or m[p + ENTER_SIDE] * m[p + SIDE] < 0.0
    ):  # the position on the other side is still being closed
        return 0
    was_flat = m[p + SIDE] == 0.0
    side, limit = int(m[p + ENTER_SIDE]), m[p + ENTER_LIMIT]
    if limit > 0.0:
        if m[p + ENTER_LEFT] <= 0.0:
            end_entry(m, p, tape, row, EXPIRED)
            return 0
        m[p + ENTER_LEFT] -= 1.0
        if volume > 0.0 and trades_through(side, high, low, limit):
            fill_entry(m, p, tape, row, limit, limit, volume)
    elif after_hole:  # nobody knows what it would have paid
        end_entry(m, p, tape, row, CANCELED)
    elif m[AT_CLOSE] == 0.0 and volume > 0.0:
        price = market_fill(side, open_, m[SLIPPAGE], ticks_of(m, p))
        fill_entry(m, p, tape, row, price, open_, volume)
    if not was_flat or m[p + SIDE] == 0.0:
        return 0
    return 2 if limit > 0.0 else 1


def stop_reason(kind: int) -> int:
    """Why a stop of this kind closes a position."""
    if kind == TRAILING:
        return BY_TRAILING
    return BY_BREAK_EVEN if kind == BREAK_EVEN else BY_STOP


def drop_rest(m: Cells, p: int, tape: F64, row: int) -> None:
    """What is being closed is not added to."""
    if m[p + ENTER_SIDE] * m[p + SIDE] > 0.0:
        end_entry(m, p, tape, row, CANCELED)


def meet_levels(
    m: Cells, p: int, tape: F64, row: int, open_: float, high: float, low: float,
    volume: float, target_counts: bool,
) -> None:  # fmt: skip
    """The levels that were armed before meet the prices of a candle."""
    while m[p + SIDE] != 0.0 and m[p + EXIT_ASKED] == 0.0:
        side = int(m[p + SIDE])
        target = m[p + TARGET] if target_counts else 0.0
        kind, price = first_exit(side, open_, high, low, volume, m[p + STOP], target)
        if kind == NONE:
            return
        if kind == STOP_REACHED:
            m[SENT] += 1.0
            m[p + EXIT_ASKED] = 1.0
            m[p + EXIT_REASON] = stop_reason(int(m[p + STOP_KIND]))
            drop_rest(m, p, tape, row)
            fill_exit(m, p, tape, row, price, volume)
            return
        part = m[p + TARGET_PART]
        wanted = part_to_close(part, m[p + OPENING], m[p + QUANTITY], price, market_of(m, p))
        quantity = takeable(m, p, wanted, volume)
        if quantity > 0.0:
            drop_rest(m, p, tape, row)
            m[SENT] += 1.0
            close_part(m, p, tape, row, quantity, price, price, m[MAKER], 1, BY_TARGET)
        if m[p + SIDE] == 0.0 or part >= 1.0:
            return
        keep(m, p, stage_closed(held_of(m, p)))
        note_levels(m, p, tape, row, 0, 0)


def run_candle(
    m: Cells, p: int, tape: F64, row: int, after_hole: int, open_: float, high: float,
    low: float, volume: float, fine: F64, begin: int, end: int,
) -> None:  # fmt: skip
    """Everything that happens while a candle runs, after the exits that waited for its open.

    `fine[begin:end]` are the finer candles inside it (open, high, low, close, volume), which tell what came first.
    """
    entered = begin_entry(m, p, tape, row, after_hole, open_, high, low, volume)
    if m[p + STOP] == 0.0 and m[p + TARGET] == 0.0:
        return
    reference = m[p + ENTRY] if entered else open_
    counts = entered != 2  # where in the candle a limit order filled is not known: its high may have been before
    if end > begin and entered != 2:
        kind, _ = first_exit(int(m[p + SIDE]), reference, high, low, volume, m[p + STOP], m[p + TARGET])
        if kind != NONE:
            for i in range(begin, end):
                first = reference if i == begin else fine[i, 0]
                meet_levels(m, p, tape, row, first, fine[i, 1], fine[i, 2], fine[i, 4], True)
                if m[p + SIDE] == 0.0 or m[p + EXIT_ASKED] != 0.0:
                    return
    meet_levels(m, p, tape, row, reference, high, low, volume, counts)
