"""From settings and candles to the numbers that the pass is given."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from app.backtesting.booking import value_open
from app.backtesting.cells import keep_standing, watches_equity
from app.backtesting.events import Progress, Runner, answers_of, end_events, sweep_events, sweep_many_events
from app.backtesting.lanes import Lane, frozen, lane_of
from app.backtesting.layout import (
    A_LEVEL,
    A_NOTE,
    A_TRADE,
    AN_ORDER,
    CASH,
    DECISIONS,
    EXITS,
    FIRST_SYMBOL,
    I64,
    KEEPS_NOTES,
    LAST_SIGNAL,
    LEVELS,
    LIMITS,
    MARKET,
    MOST_CELLS,
    NOTHING_MORE,
    ROW_CELLS,
    ROW_KIND,
    SIZING,
    SYMBOL,
    SYMBOL_CELLS,
    SYMBOLS,
    TAKER,
    USED,
    Rules,
    Terms,
    Track,
)
from app.backtesting.portfolio import sweep_many
from app.backtesting.sweep import sweep
from app.config.backtest import FillRule
from app.config.models import BotConfig
from app.core.decision import NO_SIGNAL
from app.core.window import candles_needed, utc_minute
from app.domain.errors import ConfigError
from app.domain.instrument import Instrument
from app.indicators.arrays import F64
from app.indicators.averages import sma
from app.indicators.volatility import true_range
from app.risk.limits import DAY_MS, MINUTE_MS, begun
from app.risk.settings import atr_candles, candles_before_entry, exit_rules, limits_of, market_of, sizing_rules
from app.strategies.base import BaseStrategy
from app.strategies.event import EventStrategy
from app.strategies.guarded import warmup_of

_MOST_EXPECTED: Final = 100_000  # signals for which the tape has room from the start
COARSEST_TICK: Final = 0.01  # of the price, as in a replay
_DAYS_PER_YEAR: Final = 365
_NO_FLOATS: Final = frozen(np.empty(0))
_NO_NUMBERS: Final = frozen(np.empty(0, dtype=np.int64))
_NO_WISHES: Final = frozen(np.empty((0, 2)))
_NO_ROWS: Final = frozen(np.empty((0, 5)))


class Tapes:
    """What the pass wrote down, as `app.backtesting.layout` says.

    Attributes:
        rows: Orders, trades and decisions in the order of events, (rows, ROW_CELLS).
        equity: At each moment's close; empty when it was not asked for.
        cells: Account, rules and blocks at the end.
    """

    def __init__(self, rows: F64, equity: F64, cells: F64) -> None:
        self.rows = rows
        self.equity = equity
        self.cells = cells

    @cached_property
    def orders(self) -> F64:
        """The rows of orders."""
        return self._of(AN_ORDER)

    @cached_property
    def trades(self) -> F64:
        """The rows of trades."""
        return self._of(A_TRADE)

    @cached_property
    def notes(self) -> F64:
        """The rows of decisions; none when they were not asked for."""
        return self._of(A_NOTE)

    @cached_property
    def levels(self) -> F64:
        """The rows of stops and targets; none when they were not asked for."""
        return self._of(A_LEVEL)

    def _of(self, kind: int) -> F64:
        chosen: F64 = self.rows[self.rows[:, ROW_KIND] == kind]
        return chosen


class Setup:
    """The numbers of a run, ready for the pass, which may be run more than once.

    Args:
        config: All settings.
        strategy: What gave the signals.
        lanes: Candles and signals, one for each symbol.
        instruments: What their markets allow.
        fine: Finer candles of each symbol, or None.

    Attributes:
        index: The moments that rows of tapes mean.

    Raises:
        ConfigError: a price grid is too coarse for the prices, or a limit cannot be measured.
    """

    def __init__(
        self,
        config: BotConfig,
        strategy: BaseStrategy,
        lanes: Sequence[Lane],
        instruments: Sequence[Instrument],
        fine: Sequence[pd.DataFrame | None],
    ) -> None:
        self.cash = float(config.paper.cash)
        self.lanes = lanes
        self.buffer = max(candles_needed(config, strategy), candles_before_entry(config.risk))
        self.first = max(warmup_of(strategy), candles_before_entry(config.risk), 1) - 1
        self.rules = rules_of(config, lanes[0].step_ms)
        counted = self.rules.limits.orders_per_minute
        if counted > 0 and lanes[0].step_ms < MINUTE_MS:
            raise ConfigError(
                f"risk.limits.max_orders_per_minute is {counted}, which a backtest counts from close to close: give "
                f"candles of a minute or longer, or leave it out"
            )
        self.markets = [market_of(instrument) for instrument in instruments]
        for lane, instrument in zip(lanes, instruments, strict=True):
            _check_tick(lane, instrument)
        needed = atr_candles(config.risk)
        tracks = [_track(lane, frame, needed) for lane, frame in zip(lanes, fine, strict=True)]
        self.index = lanes[0].index
        if len(lanes) > 1:
            self._join(tracks)
        else:
            self._track = tracks[0]
        self._cells = self._first_cells(0)
        if watches_equity(self._cells):
            closes_ms = self.index.as_unit("ms").asi8 + lanes[0].step_ms
            days = (closes_ms - 1) // DAY_MS  # `app.risk.limits.day_of`
            self._track = self._track._replace(days=frozen(days))
            self._cells = self._first_cells(int(days[0]))

    def run(self, *, equity: bool = False, notes: bool = False, levels: bool = False, skip: bool = True) -> Tapes:
        """Run the pass; it gives the same whenever it is run.

        Args:
            equity: Whether to write down the equity at each close.
            notes: Whether to write down decisions.
            levels: Whether to write down levels; then no decisions.
            skip: Whether candles at which nothing can happen are passed over; the result is the same.
        """
        cells = self._cells.copy()
        cells[KEEPS_NOTES] = LEVELS if levels else DECISIONS if notes else NOTHING_MORE
        curve = np.empty(len(self.index) if equity else 0)
        marks = np.flatnonzero(self._track.signals != 0)
        room = min(marks.size, _MOST_EXPECTED) * 3 * ROW_CELLS  # memory that is not written to costs nothing
        tape = np.empty(MOST_CELLS * len(self.lanes) + room)
        step = self._pass(marks, cells, curve, skip=skip)
        row = step(tape, 0)
        while row < len(self.index):
            tape = np.concatenate([tape, np.empty(tape.size)])
            row = step(tape, row)
        if tape.size - int(cells[USED]) < MOST_CELLS * len(self.lanes):
            tape = np.concatenate([tape[: int(cells[USED])], np.empty(MOST_CELLS * len(self.lanes))])
        for number in range(len(self.lanes)):
            value_open(cells, FIRST_SYMBOL + number * SYMBOL_CELLS, tape, row - 1)
        rows = tape[: int(cells[USED])].reshape(-1, ROW_CELLS)
        return Tapes(rows, curve, cells)

    def run_events(self, strategy: EventStrategy, progress: Progress | None = None) -> Tapes:
        """Run the event engine, and keep what the strategy answered for later passes, which then give the same.

        Raises:
            StrategyError: an answer is none.
        """
        m: list[float] = self._cells.tolist()
        blocks = [FIRST_SYMBOL + number * SYMBOL_CELLS for number in range(len(self.lanes))]
        runners = [Runner(strategy, lane, m, block) for lane, block in zip(self.lanes, blocks, strict=True)]
        tape = np.empty(1_000 * MOST_CELLS)
        if len(self.lanes) == 1:
            tape = sweep_events(
                runners[0], self.lanes[0], self._track, self.first, self.buffer, m, tape, progress
            )  # fmt: skip
        else:
            tape = sweep_many_events(
                runners, self.lanes, self._track, self._starts.tolist(), self._places.tolist(),
                self._after_hole.tolist(), self._clear.tolist(), len(self.index), self.first, self.buffer, m, tape,
                progress,
            )  # fmt: skip
        tape = end_events(m, tape, len(self.lanes), len(self.index) - 1)
        signals, wishes = answers_of(runners)
        for lane, given in zip(self.lanes, signals, strict=True):
            lane.signals = frozen(given)
            lane.signal_frame = lane.frame.assign(signal=given)
        self._track = self._track._replace(signals=frozen(np.concatenate(signals)), wishes=wishes)
        return Tapes(tape[: int(m[USED])].reshape(-1, ROW_CELLS), np.empty(0), np.array(m))

    def _pass(self, marks: I64, cells: F64, curve: F64, *, skip: bool) -> Callable[[F64, int], int]:
        """The pass from a row on, with a tape that it fills."""
        if len(self.lanes) == 1:
            track, first, buffer = self._track, self.first, self.buffer
            return lambda tape, row: sweep(track, marks, first, buffer, cells, tape, curve, int(skip), row)
        heads = self._starts[:-1].copy()
        return lambda tape, row: sweep_many(
            self._track, self._starts, heads, self._places, self._after_hole, self._clear, len(self.index), self.first,
            self.buffer, cells, tape, curve, row,
        )  # fmt: skip

    def _first_cells(self, day: int) -> F64:
        """Account, rules and blocks before the first candle."""
        cells = np.zeros(FIRST_SYMBOL + len(self.lanes) * SYMBOL_CELLS)
        cells[CASH], cells[SYMBOLS] = self.cash, len(self.lanes)
        for place, numbers in zip((TAKER, EXITS, SIZING, LIMITS), self.rules, strict=True):
            _lay(cells, place, numbers)
        keep_standing(cells, begun(self.cash, day))
        for number, market in enumerate(self.markets):
            block = FIRST_SYMBOL + number * SYMBOL_CELLS
            cells[block + LAST_SIGNAL], cells[block + SYMBOL] = NO_SIGNAL, number
            _lay(cells, block + MARKET, market)
        return cells

    def _join(self, tracks: Sequence[Track]) -> None:
        """Lay all symbols' candles one after the other, and find the moments that they share."""
        times = [lane.opens_ms for lane in self.lanes]
        moments = np.unique(np.concatenate(times))
        self.index = pd.DatetimeIndex(moments.view("M8[ms]"), name=self.index.name).tz_localize("UTC")
        self._places = np.searchsorted(moments, np.concatenate(times))
        self._starts = np.concatenate([[0], np.cumsum([len(lane) for lane in self.lanes])])
        self._after_hole = np.zeros(len(self._places), dtype=np.int64)
        self._clear = np.ones(len(self._places), dtype=np.int64)
        for lane, start in zip(self.lanes, self._starts, strict=False):
            for hole in lane.holes:
                self._after_hole[start + hole] = 1
                self._clear[start + hole : start + min(hole + self.buffer - 1, len(lane))] = 0
        joined = [frozen(np.concatenate([track[column] for track in tracks])) for column in range(len(Track._fields))]
        self._track = Track(*joined)._replace(fine_rows=_joined_rows(tracks), holes=_NO_NUMBERS, days=_NO_NUMBERS)


def _lay(cells: F64, place: int, numbers: tuple[Any, ...]) -> None:
    """Lay a named tuple's numbers into cells, nested ones too."""
    flat: list[float] = []
    for number in numbers:
        flat.extend(number if isinstance(number, tuple) else (number,))
    cells[place : place + len(flat)] = flat


def rules_of(config: BotConfig, step_ms: int) -> Rules:
    """What the settings say about a run, with costs of holding per candle of this length."""
    fills, paper = config.backtest, config.paper
    days = step_ms / DAY_MS
    funding = fills.funding_pct_per_day / 100 * days
    terms = Terms(
        taker=float(paper.fee_rate),
        maker=float(paper.fee_rate if fills.maker_fee_rate is None else fills.maker_fee_rate),
        slippage=float(paper.slippage_bp) / 10_000,
        at_close=int(fills.fill is FillRule.CLOSE),
        volume_share=float(fills.volume_share or 0.0),
        shorts=int(fills.shorts),
        limit=-1.0 if fills.entry_limit_bp is None else fills.entry_limit_bp / 10_000,
        limit_candles=fills.entry_limit_candles,
        carry_long=funding,
        carry_short=fills.borrow_pct_per_year / 100 * days / _DAYS_PER_YEAR - funding,
    )
    return Rules(terms, exit_rules(config.risk), sizing_rules(config.risk), limits_of(config.risk))


def _track(lane: Lane, fine: pd.DataFrame | None, needed: int) -> Track:
    opens, high, low, close, volume = lane.columns
    atr = frozen(sma(true_range(high, low, close), needed)) if needed else _NO_FLOATS
    rows, inside = (_NO_ROWS, _NO_NUMBERS) if fine is None else _fine(lane, fine)
    return Track(
        opens, high, low, close, volume, lane.signals, atr, _NO_NUMBERS, frozen(lane.holes), rows, inside, _NO_WISHES
    )


def _fine(lane: Lane, candles: pd.DataFrame) -> tuple[F64, I64]:
    """Finer candles as rows, and where those of each candle begin."""
    finer = lane_of(lane.symbol, candles, None)
    times, opens = finer.opens_ms, lane.opens_ms
    if finer.step_ms >= lane.step_ms:
        raise ConfigError(
            f"fine candles of {lane.symbol} come every {finer.step_ms / 1_000:g} s, the candles every "
            f"{lane.step_ms / 1_000:g} s: give shorter ones, or none"
        )
    places = np.searchsorted(opens, times, side="right") - 1
    inside = (places >= 0) & (times < opens[places] + lane.step_ms)
    if not inside.any():
        spans = [f"from {utc_minute(int(one[0]))} to {utc_minute(int(one[-1]))}" for one in (times, opens)]
        raise ConfigError(
            f"no fine candle of {lane.symbol} lies within its candles: they are {spans[0]}, the candles {spans[1]}"
        )
    rows = np.column_stack([column[inside] for column in finer.columns])
    return frozen(rows), frozen(np.searchsorted(places[inside], np.arange(len(lane) + 1)))


def _joined_rows(tracks: Sequence[Track]) -> I64:
    """`fine_rows` of all symbols in one; a symbol without finer candles has none in each candle."""
    if not any(track.fine_rows.size for track in tracks):
        return _NO_NUMBERS
    begins, offset = [np.zeros(1, dtype=np.int64)], 0
    for track in tracks:
        ends = track.fine_rows[1:] if track.fine_rows.size else np.zeros(track.close.size, dtype=np.int64)
        begins.append(ends + offset)
        offset += len(track.fine)
    return frozen(np.concatenate(begins))


def _check_tick(lane: Lane, instrument: Instrument) -> None:
    """A grid that is coarse against the prices would invent prices."""
    price = float(lane.columns[3][-1])
    if float(instrument.price_tick) > price * COARSEST_TICK:
        raise ConfigError(
            f"exchange.market.price_tick {instrument.price_tick:f} is too coarse for {lane.symbol} at {price:g}: "
            f"give a tick of at most {price * COARSEST_TICK:g}"
        )
