"""Prices from files: candles or trades that were, printed again at their own times. Both are a `PriceSource`.

A candle is traded as open, then the extreme against its direction, then the other, then close: open, low, high,
close when it rose or stood still, open, high, low, close when it fell. Between these the price goes in straight
lines, and the volume is dealt out evenly so that it adds up to the step. A candle with fewer steps of volume than
points prints fewer trades; the other points only move quotes and candle. So `klines` gives the file back.

Where the file has no candle, the market was down: nothing prints, no candle exists, and the house takes its quotes
out of the book; orders of others stay. The same holds before the first row and after the last.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from exchange_simulator.engine.numbers import SCALE
from exchange_simulator.market.files import CandleTable, TradeTable, read_market_file
from exchange_simulator.market.intervals import DAY_US, SECOND_US, Interval
from exchange_simulator.market.tape import FOREVER_US, Flags, Grid, Ints, Tape
from exchange_simulator.market.walk import Floats

_SECONDS_PER_LEG = 15  # of a candle's way from one of its four prices to the next there is a point every 5 seconds
_MOST_STEPS_PER_LEG = 240
_EXACT = 2.0**50  # counts above it are not exact in a float


def replay_of(paths: Sequence[Path], grid: Grid | None = None, *, nearest: bool = False) -> "Replay":
    """The replay of one symbol's files, in order of time.

    Args:
        paths: candle files of one interval, or trade files.
        grid: tick and step to print on; by default the coarsest powers of ten that the files fit on.
        nearest: round what does not lie on the grid to it, instead of refusing.

    Raises:
        ValueError: a file is unreadable, kinds or intervals differ, files overlap, or a value is off the grid.
    """
    tables = sorted((read_market_file(path) for path in paths), key=_first)
    if candle_tables := [table for table in tables if isinstance(table, CandleTable)]:
        if len(candle_tables) != len(tables):
            raise ValueError(f"{tables[0].name} and its companions mix candles and trades: replay one kind per symbol")
        return CandleReplay.of(candle_tables, grid, nearest=nearest)
    return TradeReplay.of([table for table in tables if isinstance(table, TradeTable)], grid, nearest=nearest)


class CandleReplay:
    """Candles of one interval, printed as trades. A `PriceSource`.

    Args:
        interval: length of the candles.
        grid: what prices and volume count in.
        open_us: (n,) ascending open times.
        prices: (n, 4) open, high, low, close in ticks.
        volume: (n,) steps.
    """

    def __init__(self, interval: Interval, grid: Grid, open_us: Ints, prices: Ints, volume: Ints) -> None:
        self.interval = interval
        self.grid = grid
        self._open_us, self._prices, self._volume = open_us, prices, volume
        self._leg = int(np.clip(interval.length_us // SECOND_US // _SECONDS_PER_LEG, 1, _MOST_STEPS_PER_LEG))
        self.points = 3 * self._leg + 1
        self._shortest_us = 28 * DAY_US if interval is Interval.MONTH else interval.length_us
        self.first_us = int(open_us[0])
        self.end_us = interval.next(int(open_us[-1]))
        self.typical_quantity = max(1, int(np.median(volume)) // self.points)

    @classmethod
    def of(cls, tables: Sequence[CandleTable], grid: Grid | None, *, nearest: bool) -> Self:
        """The replay of tables that follow each other in time."""
        name = tables[0].name
        open_us = np.concatenate([table.open_us for table in tables])
        prices = np.concatenate([table.prices for table in tables])
        volume = np.concatenate([table.volume for table in tables])
        _refuse_disorder(name, open_us, strictly=True)
        grid = grid or fitting_grid(prices.ravel(), volume)
        ticks = counts(f"{name}: price", prices.ravel(), grid.tick, nearest=nearest).reshape(-1, 4)
        steps = counts(f"{name}: volume", volume, grid.step, nearest=nearest)
        return cls(_interval_of(name, open_us), grid, open_us, np.maximum(ticks, 1), steps)

    def tape(self, from_us: int, to_us: int) -> Tape:
        """All prints with from_us <= time < to_us."""
        first = max(int(np.searchsorted(self._open_us, from_us, side="right")) - 1, 0)
        last = int(np.searchsorted(self._open_us, to_us))
        if first >= last:
            return Tape.empty()
        path = self._path(first, last)
        time_us = self._open_us[first:last, None] + np.arange(self.points) * self._shortest_us // self.points
        each, rest = np.divmod(self._volume[first:last, None], self.points)
        dealt = each + np.diff(rest * np.arange(self.points + 1) // self.points)
        return Tape(time_us.ravel(), path.ravel(), dealt.ravel(), _takers(path).ravel()).between(from_us, to_us)

    def holes(self, from_us: int, to_us: int) -> list[tuple[int, int]]:
        """Spans between candles that touch [from_us, to_us)."""
        first = max(int(np.searchsorted(self._open_us, from_us, side="right")) - 1, 0)
        last = int(np.searchsorted(self._open_us, to_us))
        spans = [(-FOREVER_US, self.first_us), (self.end_us, FOREVER_US)]
        for opened, following in zip(self._open_us[first:last], self._open_us[first + 1 : last + 1], strict=False):
            closed = self.interval.next(int(opened))
            if closed < following:
                spans.append((closed, int(following)))
        return sorted((start, end) for start, end in spans if start < to_us and end > from_us)

    def _path(self, first: int, last: int) -> Ints:
        """(candles, points) prices in ticks."""
        opened, high, low, close = self._prices[first:last].T
        rose = close >= opened
        corners = np.stack((opened, np.where(rose, low, high), np.where(rose, high, low), close), axis=1)
        part = np.arange(self._leg) / self._leg
        legs = corners[:, :-1, None] + np.rint(np.diff(corners)[:, :, None] * part).astype(np.int64)
        return np.concatenate((legs.reshape(len(corners), -1), close[:, None]), axis=1)


class TradeReplay:
    """Trades of the past, printed again. A `PriceSource`.

    Args:
        grid: what prices and quantities count in.
        trades: the prints.
    """

    def __init__(self, grid: Grid, trades: Tape) -> None:
        self.grid = grid
        self._trades = trades
        self.first_us = int(trades.time_us[0])
        self.end_us = int(trades.time_us[-1]) + 1
        self.typical_quantity = max(1, int(np.median(trades.quantity)))

    @classmethod
    def of(cls, tables: Sequence[TradeTable], grid: Grid | None, *, nearest: bool) -> Self:
        """The replay of tables that follow each other in time."""
        name = tables[0].name
        time_us = np.concatenate([table.time_us for table in tables])
        price = np.concatenate([table.price for table in tables])
        quantity = np.concatenate([table.quantity for table in tables])
        _refuse_disorder(name, time_us, strictly=False)
        grid = grid or fitting_grid(price, quantity)
        ticks = counts(f"{name}: price", price, grid.tick, nearest=nearest)
        steps = counts(f"{name}: quantity", quantity, grid.step, nearest=nearest)
        buyer = np.concatenate([table.buyer for table in tables])
        return cls(grid, Tape(time_us, np.maximum(ticks, 1), steps, buyer))

    def tape(self, from_us: int, to_us: int) -> Tape:
        """All prints with from_us <= time < to_us."""
        return self._trades.between(from_us, to_us)

    def holes(self, from_us: int, to_us: int) -> list[tuple[int, int]]:
        """What lies before the first trade and after the last; a quiet time between two trades is none."""
        spans = ((-FOREVER_US, self.first_us), (self.end_us, FOREVER_US))
        return [(start, end) for start, end in spans if start < to_us and end > from_us]


Replay = CandleReplay | TradeReplay


def fitting_grid(prices: Floats, quantities: Floats) -> Grid:
    """The coarsest tick and step, powers of ten not above 1, that all values lie on; as fine as a grid can be."""
    tick, step = _unit_of(prices), _unit_of(quantities)
    while tick * step % SCALE:
        step *= 10
    return Grid(tick, step)


def counts(what: str, values: Floats, unit: int, *, nearest: bool) -> Ints:
    """How many units of `unit` * 1e-8 each value is, (n,).

    Raises:
        ValueError: a value is no whole number of units (unless `nearest`), or too large to count exactly.
    """
    scaled = values * (SCALE / unit)
    if scaled.max() >= _EXACT:
        raise ValueError(f"{what} {values.max():.8g} is too large to count in units of {unit / SCALE:g}: choose larger")
    whole = np.rint(scaled)
    off = _off_grid(scaled, whole)
    if off.any() and not nearest:
        raise ValueError(
            f"{what} {float(values[np.argmax(off)])!r} in row {int(np.argmax(off)) + 1} is no multiple of "
            f"{unit / SCALE:g}: choose a finer tick or step, or let it be rounded to the nearest"
        )
    return whole.astype(np.int64)


def _off_grid(scaled: Floats, whole: Floats) -> Flags:
    off: Flags = np.abs(scaled - whole) > 1e-9 + scaled * 2.0**-51
    return off


def _unit_of(values: Floats) -> int:
    for decimals in range(8):
        scaled = values * 10.0**decimals
        if not _off_grid(scaled, np.rint(scaled)).any():
            return int(10 ** (8 - decimals))
    return 1


def _interval_of(name: str, open_us: Ints) -> Interval:
    if len(open_us) < 2:
        raise ValueError(f"{name}: one candle does not tell its length, give at least two")
    step = int(np.diff(open_us).min())
    fixed = {interval.length_us: interval for interval in Interval if interval is not Interval.MONTH}
    interval = fixed.get(step, Interval.MONTH)
    if any(interval.floor(int(opened)) != opened for opened in open_us):
        raise ValueError(f"{name}: candles {step / SECOND_US:g} s apart do not lie on one of Binance's intervals")
    return interval


def _refuse_disorder(name: str, times_us: Ints, *, strictly: bool) -> None:
    steps = np.diff(times_us)
    if (steps < strictly).any():
        raise ValueError(f"{name}: its files overlap in time, give each span once")


def _takers(path: Ints) -> Flags:
    """The taker buys when the price rose and sells when it fell; where it stood still they take turns."""
    change = np.diff(path, prepend=path[:, :1])
    buyer: Flags = np.where(change == 0, np.arange(path.shape[1]) % 2 == 0, change > 0)
    return buyer


def _first(table: CandleTable | TradeTable) -> int:
    return int((table.open_us if isinstance(table, CandleTable) else table.time_us)[0])
