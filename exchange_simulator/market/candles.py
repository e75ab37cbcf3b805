"""Candle arithmetic on rows of integers: from prints to candles, from short candles to long ones, gaps filled flat.

A row is COLUMNS int64 values (prices in ticks, volumes in steps, quote volumes in ticks times steps). A set of rows
is "sparse": sorted by open time, with a row only where something printed. `filled` adds the flat rows that Binance
reports for an interval without trades, and leaves out what lies in a hole of the market.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from exchange_simulator.market.intervals import Interval
from exchange_simulator.market.tape import Flags, Ints, Tape

NO_TRADE = -1


class Column(IntEnum):
    """What stands where in a row."""

    OPEN_US = 0
    OPEN = 1
    HIGH = 2
    LOW = 3
    CLOSE = 4
    VOLUME = 5
    QUOTE = 6
    COUNT = 7
    BUY_VOLUME = 8
    BUY_QUOTE = 9
    FIRST_ID = 10  # id of the first trade, NO_TRADE when there is none or it is from before the start


COLUMNS = len(Column)
SUMMED = (Column.VOLUME, Column.QUOTE, Column.COUNT, Column.BUY_VOLUME, Column.BUY_QUOTE)
_NEVER = np.iinfo(np.int64).max

Positions = NDArray[np.intp]


def no_rows() -> Ints:
    """An empty set of rows, shape (0, COLUMNS)."""
    return np.empty((0, COLUMNS), np.int64)


def from_tape(tape: Tape, base_us: int) -> Ints:
    """Sparse candles of `base_us` microseconds from prints; marks (quantity 0) move prices but count no trade."""
    if not len(tape):
        return no_rows()
    opened = tape.time_us // base_us * base_us
    starts = _starts(opened)
    quote = tape.price * tape.quantity
    rows = np.empty((len(starts), COLUMNS), np.int64)
    rows[:, Column.OPEN_US] = opened[starts]
    rows[:, Column.OPEN] = tape.price[starts]
    rows[:, Column.HIGH] = np.maximum.reduceat(tape.price, starts)
    rows[:, Column.LOW] = np.minimum.reduceat(tape.price, starts)
    rows[:, Column.CLOSE] = tape.price[_ends(starts, len(tape))]
    rows[:, Column.VOLUME] = np.add.reduceat(tape.quantity, starts)
    rows[:, Column.QUOTE] = np.add.reduceat(quote, starts)
    rows[:, Column.COUNT] = np.add.reduceat(tape.quantity > 0, starts, dtype=np.int64)
    rows[:, Column.BUY_VOLUME] = np.add.reduceat(tape.quantity * tape.buyer, starts)
    rows[:, Column.BUY_QUOTE] = np.add.reduceat(quote * tape.buyer, starts)
    rows[:, Column.FIRST_ID] = NO_TRADE
    return rows


def regrouped(rows: Ints, interval: Interval) -> Ints:
    """Sparse candles of `interval` from sparse candles that are no longer than it."""
    if not len(rows):
        return rows
    moved = rows.copy()
    moved[:, Column.OPEN_US] = floors(rows[:, Column.OPEN_US], interval)
    return merged(moved)


def floors(instants_us: Ints, interval: Interval) -> Ints:
    """Open times of the candles that hold the instants; `Interval.floor` for arrays."""
    if interval is Interval.MONTH:
        months = instants_us.astype("datetime64[us]").astype("datetime64[M]")
        return months.astype("datetime64[us]").astype(np.int64)
    shift = interval.floor(interval.length_us)  # weeks do not begin at the epoch
    shift %= interval.length_us
    return (instants_us - shift) // interval.length_us * interval.length_us + shift


def merged(rows: Ints) -> Ints:
    """Neighbours with the same open time become one row."""
    if not len(rows):
        return rows
    starts = _starts(rows[:, Column.OPEN_US])
    if len(starts) == len(rows):
        return rows
    out = rows[starts]
    out[:, Column.HIGH] = np.maximum.reduceat(rows[:, Column.HIGH], starts)
    out[:, Column.LOW] = np.minimum.reduceat(rows[:, Column.LOW], starts)
    out[:, Column.CLOSE] = rows[_ends(starts, len(rows)), Column.CLOSE]
    for column in SUMMED:
        out[:, column] = np.add.reduceat(rows[:, column], starts)
    ids = rows[:, Column.FIRST_ID]
    known = np.minimum.reduceat(np.where(ids == NO_TRADE, _NEVER, ids), starts)
    out[:, Column.FIRST_ID] = np.where(known == _NEVER, NO_TRADE, known)
    return out


def filled(rows: Ints, opens_us: Ints, interval: Interval, holes: Sequence[tuple[int, int]]) -> Ints:
    """The candles at `opens_us`: the rows that exist, and flat ones at the last close where nothing printed.

    Args:
        rows: sparse candles of `interval`; a row before the first wanted one gives the price to start from.
        opens_us: (m,) ascending open times that are wanted.
        interval: length of the rows.
        holes: spans in which the market was down; a flat candle that lies wholly inside one is left out.

    Returns:
        At most m rows. Times before the first row are left out: there was no price yet.
    """
    if not len(rows):
        return no_rows()
    found = np.searchsorted(rows[:, Column.OPEN_US], opens_us, side="right") - 1
    opens_us, found = opens_us[found >= 0], found[found >= 0]
    out = rows[found]
    flat = out[:, Column.OPEN_US] != opens_us
    out[flat] = _flat(opens_us[flat], out[flat, Column.CLOSE])
    shown: Ints = out[~flat | ~_inside(opens_us, interval, holes)]
    return shown


def _flat(opens_us: Ints, closes: Ints) -> Ints:
    rows = np.zeros((len(opens_us), COLUMNS), np.int64)
    rows[:, Column.OPEN_US] = opens_us
    rows[:, Column.OPEN : Column.CLOSE + 1] = closes[:, None]
    rows[:, Column.FIRST_ID] = NO_TRADE
    return rows


def _inside(opens_us: Ints, interval: Interval, holes: Sequence[tuple[int, int]]) -> Flags:
    inside = np.zeros(len(opens_us), np.bool_)
    if not holes:
        return inside
    ends = np.array([interval.next(int(opened)) for opened in opens_us], np.int64)
    for start, end in holes:
        inside |= (opens_us >= start) & (ends <= end)
    return inside


def _starts(opens_us: Ints) -> Positions:
    """Where a new open time begins."""
    return np.flatnonzero(np.r_[True, opens_us[1:] != opens_us[:-1]])


def _ends(starts: Positions, length: int) -> Positions:
    ends: Positions = np.r_[starts[1:], length] - 1
    return ends
