"""Where a history is cut to see whether a signal knew more than the bot would have known, and how many at once.

At a cut the bot sees a window: the candle and those before it, as many as it asks for. A false history keeps the
windows of many cuts and nothing else of what is true: the candles between are left out, and the few that follow each
window are replaced by others that go the opposite way. One run of the strategy over it shows for every cut at once
whether its signal hangs on anything outside of its window, at the cost of a run over that many candles. The candles
keep their own times, so calendars, buckets of hours and holes stay what they are.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.backtesting.windows import first_fit, lay_windows
from app.domain.timeframe import Timeframe
from app.indicators.arrays import I8

Rows: TypeAlias = NDArray[np.int64]

FALSE_CANDLES: Final = 4  # after each window; what comes then belongs to another time anyway
FALL: Final = 0.8  # what a false candle's prices are multiplied by where the true ones rose
RISE: Final = 1.25
MOST_AT_ONCE: Final = 3_000  # cuts per false history, so that its memory stays small beside the true one's
SPARE: Final = 1.5  # more candidates than are wanted, for some stand too near to others
PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Cuts:
    """The rows at which a history is cut, in order, each once.

    Attributes:
        rows: All of them.
        firsts: Those at which a buy or a sell signal first appears.
        trades: How many of them a trade was decided at.
        trades_in_all: How many there are; where all are wanted, how many have a full window.
    """

    rows: Rows
    firsts: Rows
    trades: int
    trades_in_all: int


def choose_cuts(
    times_ms: Rows,
    signals: I8,
    decided: Rows,
    *,
    window: int,
    timeframe: Timeframe,
    seed: int,
    others: int,
    trades_at_most: int | None,
) -> Cuts:
    """The first signals, the trades' candles and `others` more.

    Args:
        times_ms: Open times of the history's candles.
        signals: Of the whole history.
        decided: Rows at which trades were decided, in any order.
        window: How many candles the bot sees. Rows that have fewer before them, or a hole among them, are left out,
            for the bot decides nothing there; so are the history's last rows, after
            which there is next to nothing to know.
        timeframe: Length of a candle.
        seed: Of the choice.
        others: How many rows besides, spread over the history.
        trades_at_most: Of more trades than that, a seeded choice; None takes every trade.
    """
    generator = np.random.Generator(np.random.PCG64(seed))

    def decidable(rows: Rows) -> Rows:
        rows = rows[(rows >= window) & (rows < len(times_ms) - FALSE_CANDLES)]
        whole: Rows = rows[times_ms[rows] - times_ms[rows - window + 1] == (window - 1) * timeframe.ms]
        return whole

    block = window + FALSE_CANDLES
    every_trade = _in_order(decided)
    fixed = firsts = decidable(_firsts(signals, window))
    if trades_at_most is None or len(every_trade) <= trades_at_most:
        every_trade = decidable(every_trade)
        fixed = _union(firsts, every_trade)
    else:
        sample = decidable(np.sort(generator.choice(every_trade, round(trades_at_most * SPARE))))
        fixed = _union(firsts, _evenly(_apart(fixed, sample, block), sample, trades_at_most))
    wanted = decidable(_spread(window, len(times_ms), round(others * SPARE), block, generator))
    rows = _union(fixed, _evenly(_apart(fixed, wanted, block), wanted, others))
    return Cuts(rows, firsts, _shared(rows, every_trade), len(every_trade))


def layers(rows: Rows, window: int) -> list[Rows]:
    """Sorted rows in groups, within which no window touches another's window or false candles."""
    groups = np.empty(len(rows), dtype=np.int64)
    first_fit(rows, window + FALSE_CANDLES, groups)
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    layers_of_rows = np.split(rows[order], ends[:-1])
    return [
        layer[first : first + MOST_AT_ONCE] for layer in layers_of_rows for first in range(0, len(layer), MOST_AT_ONCE)
    ]


def false_history(
    candles: pd.DataFrame, rows: Rows, window: int, *, factor: float | None = None
) -> tuple[pd.DataFrame, Rows]:
    """The windows of the cuts, each followed by candles that never were; and where in it the cuts stand.

    Args:
        candles: The true history, floats only; it is not changed.
        rows: A group of `layers`, each before the history's last `FALSE_CANDLES`.
        window: How many candles belong to each.
        factor: What all false candles' prices are multiplied by, instead of what goes the opposite way.
    """
    block = window + FALSE_CANDLES
    starts, names = rows - window + 1, candles.columns
    if names.dtype != object:
        names = names.astype(object)  # pandas finds objects faster than its strings
    close = candles["close"].to_numpy()
    factors = np.where(close[rows + FALSE_CANDLES] >= close[rows], FALL, RISE)
    factors[-1] = _end_of_the_other_side(close, rows) / close[rows[-1]]
    if factor is not None:
        factors[:] = factor
    values = np.empty((len(names), len(rows) * block))
    volumes = np.where(factors < 1, 1 / 3, 3.0)
    for place, name in enumerate(names):
        column = np.ascontiguousarray(candles[name].to_numpy(), dtype=np.float64)
        lay_windows(column, starts, window, factors if name in PRICES else volumes, values[place])
    index = candles.index[(starts[:, None] + np.arange(block)).ravel()]
    frame = pd.DataFrame(values.T, columns=names, index=index, copy=False)
    return frame, np.arange(window - 1, len(frame), block)


def _end_of_the_other_side(close: NDArray[np.float64], rows: Rows) -> float:
    """A last price that is lower than most where the true one is higher, and the reverse."""
    seen = close[rows]
    return float(FALL * seen.min() if close[-1] >= np.median(seen) else RISE * seen.max())


def _in_order(rows: Rows) -> Rows:
    """Each row once; at no cost for rows that are in order already."""
    if (np.diff(rows) > 0).all():
        return rows
    rows = np.sort(rows)
    return rows[_first_of_each(np.diff(rows) > 0, len(rows))]


def _union(left: Rows, right: Rows) -> Rows:
    return _in_order(np.concatenate([left, right]))


def _shared(rows: Rows, among: Rows) -> int:
    """How many of the rows are in the other, sorted ones."""
    return int((np.searchsorted(among, rows, "right") - np.searchsorted(among, rows)).sum())


def _firsts(signals: I8, window: int) -> Rows:
    """The first buy and the first sell signal that have a window before them."""
    found: list[int] = []
    for side in (1, -1):
        start, size = window, 4_096  # where signals are frequent, most of the history need not be read
        while start < len(signals):
            part = np.flatnonzero(signals[start : start + size] == side)
            if len(part):
                found.append(start + int(part[0]))
                break
            start, size = start + size, 4 * size
    return np.array(sorted(found), dtype=np.int64)


def _spread(first: int, stop: int, count: int, block: int, generator: np.random.Generator) -> Rows:
    """One row out of each of `count` equal parts of first..stop, away from the next part where there is room."""
    if stop <= first or count < 1:
        return np.zeros(0, dtype=np.int64)
    edges = np.linspace(first, stop, min(count, stop - first) + 1)
    room = np.diff(edges)
    rows = edges[:-1] + generator.random(len(room)) * np.where(room > 2 * block, room - block, room)
    return _in_order(np.minimum(rows.astype(np.int64), stop - 1))


def _apart(fixed: Rows, sorted_rows: Rows, block: int) -> Rows:
    """Those of `sorted_rows` whose blocks touch neither a fixed one's nor the one's before."""
    rows = sorted_rows
    if len(fixed) and len(rows):
        after = np.searchsorted(fixed, rows)
        to_next = np.where(after < len(fixed), fixed[np.minimum(after, len(fixed) - 1)] - rows, block)
        to_last = np.where(after > 0, rows - fixed[after - 1], block)
        rows = rows[(to_next >= block) & (to_last >= block)]
    return rows[_first_of_each(np.diff(rows) >= block, len(rows))]


def _first_of_each(begins: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Which of `count` rows to keep, when each but the first begins something new or not."""
    return np.append(np.ones(min(count, 1), dtype=bool), begins)


def _evenly(apart: Rows, all_of_them: Rows, count: int) -> Rows:
    """`count` of those that stand apart; where there is no room for so many, of all of them."""
    rows = apart if len(apart) >= count else _in_order(all_of_them)
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)] if count else rows[:0]
