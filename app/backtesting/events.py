"""The event engine: a strategy's callback at each candle, on the same steps that the compiled pass is made of.

Candles at which nothing can happen but the callback take a short way, as in the pass (`sweep.quiet_until`).
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Final, TypeAlias

import numpy as np

from app.backtesting.booking import value_open
from app.backtesting.cells import exits_of, levels_stand_still, limits_of, looks_at_next_open, watches_equity
from app.backtesting.companions import largest_correlation
from app.backtesting.judging import caught_up, close_candle, decide_candle, equity_of, mark
from app.backtesting.lanes import Lane, frozen
from app.backtesting.layout import (
    AFTER_A_HOLE,
    CANDLES,
    CASH,
    CLOSE,
    CORRELATION,
    ENTER_SIDE,
    ENTRY,
    EXIT_ASKED,
    FIRST_SYMBOL,
    IN_WARMUP,
    LAST_SIGNAL,
    LOCKED,
    MOST_CELLS,
    NEXT_OPEN,
    QUANTITY,
    RESERVED,
    SENT,
    SIDE,
    STOP,
    SYMBOL_CELLS,
    TARGET,
    USED,
    WISH_LIMIT,
    WISH_QUANTITY,
    Track,
)
from app.backtesting.steps import begin_exit, run_candle
from app.domain.errors import StrategyError
from app.indicators.arrays import F64, I8
from app.strategies.blame import in_words, place_of
from app.strategies.event import Candle, EventStrategy, Request

Progress: TypeAlias = Callable[[float, str], None]

CHUNK: Final = 8_192  # candles that are plain numbers at a time


class Book:
    """The account as a strategy sees it; see `app.strategies.event.Portfolio`."""

    __slots__ = ("_block", "_cells")

    def __init__(self, cells: list[float], block: int) -> None:
        self._cells, self._block = cells, block

    @property
    def quantity(self) -> float:
        """Base units held, negative for a short position."""
        return self._cells[self._block + SIDE] * self._cells[self._block + QUANTITY]

    @property
    def entry(self) -> float:
        """Average entry price."""
        return self._cells[self._block + ENTRY]

    @property
    def cash(self) -> float:
        """Free cash, quote units."""
        return self._cells[CASH] - self._cells[LOCKED] - self._cells[RESERVED]

    @property
    def equity(self) -> float:
        """Cash and all positions at their newest closes."""
        return equity_of(self._cells)


class Runner:
    """One symbol's strategy with what it answered so far."""

    def __init__(self, strategy: EventStrategy, lane: Lane, cells: list[float], block: int) -> None:
        self._strategy = copy(strategy)  # each symbol begins with a strategy of its own
        try:
            self._strategy.start()
        except (Exception, SystemExit) as error:
            raise self._fault(error) from error
        self.on_candle = self._strategy.on_candle
        self.candle = Candle()
        self.candle.symbol = lane.symbol
        self.book = Book(cells, block)
        self.signals: I8 = np.zeros(len(lane), dtype=np.int8)
        self.wishes: F64 = np.zeros((0, 2))
        self._cells, self._block, self._lane = cells, block, lane

    def failed(self, error: BaseException, row: int) -> StrategyError:
        """What the strategy raised at a candle, as one sentence."""
        return self._fault(error, f" (at the candle of {self._lane.index[row]})")

    def _fault(self, error: BaseException, where: str = "") -> StrategyError:
        if isinstance(error, StrategyError):
            return error
        kind = type(self._strategy)
        return StrategyError(f"strategy {kind.__name__}: {in_words(error, place_of(kind))}{where}")

    def understood(self, answer: object, row: int) -> int:
        """The signal in an answer that is not 0 or None; a request's wishes are laid into the cells.

        Raises:
            StrategyError: it is no answer.
        """
        request = answer if isinstance(answer, Request) else Request(answer)  # type: ignore[arg-type]
        if request.signal not in (-1, 0, 1) or not (_is_amount(request.quantity) and _is_amount(request.limit)):
            raise StrategyError(
                f"strategy {type(self._strategy).__name__} answered {answer!r} to the candle of "
                f"{self._lane.index[row]}: give 1, -1, 0 or a Request with numbers of 0 or more"
            )
        signal = int(request.signal)
        self.signals[row] = signal
        if request.quantity or request.limit:
            if not len(self.wishes):
                self.wishes = np.zeros((len(self.signals), 2))
            self.wishes[row] = request.quantity, request.limit
        self._cells[self._block + WISH_QUANTITY] = request.quantity
        self._cells[self._block + WISH_LIMIT] = request.limit
        return signal


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float | np.number) and bool(0.0 <= value < np.inf)


def plain_rows(lane: Lane, progress: Progress | None) -> Iterator[tuple[int, float, float, float, float, float]]:
    """Open time in ms, open, high, low, close, volume of each candle, as Python numbers."""
    times = lane.opens_ms
    for begin in range(0, len(lane), CHUNK):
        if progress:
            progress(begin / len(lane), f"candles of {lane.symbol}")
        part = slice(begin, begin + CHUNK)
        yield from zip(times[part].tolist(), *(column[part].tolist() for column in lane.columns), strict=True)


def sweep_events(
    runner: Runner, lane: Lane, track: Track, first: int, buffer: int, m: list[float], tape: F64,
    progress: Progress | None,
) -> F64:  # fmt: skip
    """Trade one symbol with callbacks; what `app.backtesting.sweep.sweep` does with signals.

    Returns:
        The tape, or a longer one; `m[USED]` cells of it are used.
    """
    p, on_candle, candle, book = FIRST_SYMBOL, runner.on_candle, runner.candle, runner.book
    holes = set(lane.holes.tolist())
    atr = track.atr.tolist()
    fine_rows = track.fine_rows.tolist()
    watched, banded, opens = watches_equity(m), looks_at_next_open(m), lane.columns[0]
    still = levels_stand_still(m) and not exits_of(m).max_hold
    side, asked, enter = p + SIDE, p + EXIT_ASKED, p + ENTER_SIDE
    stop_at, target_at, last, age, newest = p + STOP, p + TARGET, p + LAST_SIGNAL, p + CANDLES, p + CLOSE
    clear_from, caught, begin, end = first, -1, 0, 0
    for row, (time_ms, opened, high, low, close, volume) in enumerate(plain_rows(lane, progress)):
        after_hole = 0
        if row in holes:
            after_hole, caught = 1, row + buffer - 1
            clear_from = max(first, caught)
        held = m[side]
        waits = m[asked] != 0.0 or m[enter] != 0.0
        if held and not waits:
            stop, target = m[stop_at], m[target_at]
            if held > 0.0:
                waits = low <= stop or (target != 0.0 and high > target)
            else:
                waits = (stop != 0.0 and high >= stop) or low < target
        if waits:
            if tape.size - m[USED] < MOST_CELLS:
                tape = np.concatenate([tape, np.empty(tape.size)])
            if fine_rows:
                begin, end = fine_rows[row], fine_rows[row + 1]
            m[SENT] = 0.0
            begin_exit(m, p, tape, row, opened, volume)
            run_candle(m, p, tape, row, after_hole, opened, high, low, volume, track.fine, begin, end)
        if not m[side]:
            m[newest] = close
        elif still:
            m[newest] = close
            m[age] += 1.0
        else:
            close_candle(m, p, tape, row, high, low, close)
        if watched:
            mark(m, track.days[row])
        candle.time_ms, candle.open, candle.high, candle.low = time_ms, opened, high, low
        candle.close, candle.volume = close, volume
        try:  # costs nothing while nothing is raised
            signal = on_candle(candle, book)
        except (Exception, SystemExit) as error:
            raise runner.failed(error, row) from error
        if signal:
            signal = runner.understood(signal, row)
        elif row == caught and row >= first:
            signal = caught_up(m, p, runner.signals, row, buffer)
        elif m[asked] == 0.0 and m[enter] == 0.0 and ((still and not watched) or not m[side]):
            if row >= clear_from:
                m[last] = 0.0
            continue
        if tape.size - m[USED] < MOST_CELLS:
            tape = np.concatenate([tape, np.empty(tape.size)])
        if not waits:
            m[SENT] = 0.0
        if banded:
            m[p + NEXT_OPEN] = float(opens[row + 1]) if row + 1 < len(opens) and row + 1 not in holes else 0.0
        judged = IN_WARMUP if row < first else (AFTER_A_HOLE if row < clear_from else 0)
        decide_candle(m, p, tape, row, signal or 0, judged, close, volume, atr[row] if atr else 0.0)
        m[p + WISH_QUANTITY] = m[p + WISH_LIMIT] = 0.0
    return tape


def sweep_many_events(
    runners: Sequence[Runner],
    lanes: Sequence[Lane],
    track: Track,
    starts: list[int],
    places: list[int],
    after_hole: Sequence[int],
    clear: Sequence[int],
    moments: int,
    first: int,
    buffer: int,
    m: list[float],
    tape: F64,
    progress: Progress | None,
) -> F64:
    """Trade several symbols with callbacks; what `app.backtesting.portfolio.sweep_many` does with signals."""
    heads, rows = list(starts[:-1]), [plain_rows(lane, progress if lane is lanes[0] else None) for lane in lanes]
    atr, fine_rows = track.atr.tolist(), track.fine_rows.tolist()
    blocks = [FIRST_SYMBOL + number * SYMBOL_CELLS for number in range(len(lanes))]
    banded, correlated = looks_at_next_open(m), limits_of(m).max_correlation > 0.0
    for moment in range(moments):
        if tape.size - m[USED] < 2 * MOST_CELLS * len(lanes):
            tape = np.concatenate([tape, np.empty(tape.size)])
        now = [
            (number, heads[number], next(rows[number]))
            for number in range(len(lanes))
            if heads[number] < starts[number + 1] and places[heads[number]] == moment
        ]
        m[SENT] = 0.0
        for number, _, (_, opened, _, _, _, volume) in now:
            begin_exit(m, blocks[number], tape, moment, opened, volume)
        for number, i, (_, opened, high, low, close, volume) in now:
            begin, end = (fine_rows[i], fine_rows[i + 1]) if fine_rows else (0, 0)
            p = blocks[number]
            run_candle(m, p, tape, moment, after_hole[i], opened, high, low, volume, track.fine, begin, end)
            close_candle(m, p, tape, moment, high, low, close)
        mark(m, track.days[moment] if track.days.size else 0)
        for number, i, values in now:
            runner, p, row = runners[number], blocks[number], i - starts[number]
            candle = runner.candle
            candle.time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume = values
            try:
                answer = runner.on_candle(candle, runner.book)
            except (Exception, SystemExit) as error:
                raise runner.failed(error, row) from error
            signal = runner.understood(answer, row) if answer else 0
            judged = IN_WARMUP if row < first else (0 if clear[i] else AFTER_A_HOLE)
            if signal == 0 and judged == 0 and row > 0 and not clear[i - 1]:
                signal = caught_up(m, p, runner.signals, row, buffer)
            if signal and banded:
                is_next = i + 1 < starts[number + 1] and not after_hole[i + 1]
                m[p + NEXT_OPEN] = float(track.opens[i + 1]) if is_next else 0.0
            if signal and correlated:
                m[p + CORRELATION] = largest_correlation(m, starts, heads, places, track.close, number, buffer)
            decide_candle(m, p, tape, moment, signal, judged, values[4], values[5], atr[i] if atr else 0.0)
            m[p + WISH_QUANTITY] = m[p + WISH_LIMIT] = 0.0
            heads[number] = i + 1
    return tape


def end_events(m: list[float], tape: F64, symbols: int, row: int) -> F64:
    """Value what is open at the end; the tape, or a longer one."""
    if tape.size - m[USED] < MOST_CELLS * symbols:
        tape = np.concatenate([tape, np.empty(MOST_CELLS * symbols)])
    for number in range(symbols):
        value_open(m, FIRST_SYMBOL + number * SYMBOL_CELLS, tape, row)
    return tape


def answers_of(runners: Sequence[Runner]) -> tuple[list[I8], F64]:
    """The signals of each symbol, and the wishes of all, one symbol after the other; empty when there were none."""
    signals = [runner.signals for runner in runners]
    if not any(len(runner.wishes) for runner in runners):
        return signals, frozen(np.empty((0, 2)))
    parts = [runner.wishes if len(runner.wishes) else np.zeros((len(runner.signals), 2)) for runner in runners]
    return signals, frozen(np.concatenate(parts))
