"""Whether a strategy's signals over a history are those that the bot would have had at the time.

A strategy that sees a whole history at once can use the future without anybody noticing, and the result is worth
nothing live. So every backtest asks again: the signals at the trades' candles, at the first signals and at some hundred
others, with everything taken away that the bot would not have had. What is proven and what is not, and why it is cheap:
docs/decisions/0006-causality-by-false-histories.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from app.backtesting.cuts import FALL, RISE, Cuts, Rows, choose_cuts, false_history, layers
from app.backtesting.differences import Comparison, compare, indicators
from app.backtesting.untaught import Untaught
from app.backtesting.verdict import Causality, ColumnValues, Difference, Verdict
from app.domain.errors import StrategyError
from app.domain.timeframe import Timeframe
from app.strategies.base import BaseStrategy
from app.strategies.guarded import signal_frame

OTHERS: Final = 200  # cuts besides the trades
MOST_ALONE: Final = 300  # cuts that are run one by one at most, once something is wrong
COLUMN_CHECKS: Final = 16  # cuts that are run one by one when only indicators differ
ALWAYS_ALONE: Final = 4  # cuts that are run one by one in any case, besides the first signals
MOST_DATED: Final = 200  # cuts that are asked under other dates
CANDLES_DATED: Final = 100_000  # in all of their windows, where these are long
OTHER_DATES: Final = pd.Timedelta(days=10_227)  # 28 years: the same calendar, to weekday, month, week and summer time
LATE: Final = 20  # windows into the history, the past is not so short any more that its shortness explains a signal
MOST_SHOWN: Final = 4  # columns in a sentence


def prove(
    strategy: BaseStrategy,
    candles: pd.DataFrame,
    history: pd.DataFrame,
    decided: Rows,
    *,
    window: int,
    timeframe: Timeframe,
    seed: int = 1,
    others: int = OTHERS,
    trades_at_most: int | None = None,
    untaught: Untaught | None = None,
) -> Causality:
    """Compare the history's signals with those of the windows that the bot would have had.

    Args:
        strategy: As it gave the history's signals. Fresh ones of its kind are made, so that nothing that it has learned
            from the whole history helps it now.
        candles: The whole history, in order, each candle once, holes left out.
        history: What `signal_frame` made of them.
        decided: Rows at whose close a trade was decided.
        window: How many candles the live bot asks for.
        timeframe: Length of a candle.
        seed: Of the choice of cuts.
        others: How many cuts besides trades and first signals.
        trades_at_most: Of more trades than that, a seeded choice; None takes every trade.
        untaught: What the strategy was before it gave the history's signals; made by its constructor by default.

    Returns:
        The verdict. Signals decide it; indicator columns that differ without changing a signal are named in it.
    """
    cuts = choose_cuts(
        _milliseconds(candles),
        history["signal"].to_numpy(),
        decided,
        window=window,
        timeframe=timeframe,
        seed=seed,
        others=others,
        trades_at_most=trades_at_most,
    )
    with (untaught or Untaught(type(strategy)(strategy.config))).maker() as fresh:
        return _verdict(_Examination(strategy, candles, history, window, fresh), cuts)


def _verdict(examination: "_Examination", cuts: Cuts) -> Causality:
    if not len(cuts.rows):
        return examination.verdict(Verdict.UNPROVEN, cuts)
    suspects, columns = examination.screen(cuts.rows)
    examination.run_alone([*cuts.firsts, *_evenly(cuts.rows, ALWAYS_ALONE), *_evenly(suspects, MOST_ALONE)])
    examination.change_the_future(_evenly(suspects, MOST_ALONE))
    if columns and not examination.differing():
        examination.run_alone(_evenly(cuts.rows, COLUMN_CHECKS))
    if not examination.differing() and examination.hangs_on_dates(cuts.rows, cuts.firsts):
        return examination.verdict(Verdict.MORE_THAN_CANDLES, cuts)
    if not examination.differing():
        return examination.verdict(Verdict.CAUSAL, cuts, columns=columns)
    examination.run_alone(cuts.rows[cuts.rows < examination.differing()[0]][:MOST_ALONE])
    examination.run_alone(_evenly(cuts.rows, MOST_ALONE))
    return examination.judge(cuts)


@dataclass
class _Examination:
    """One strategy, its history, and what its windows said so far."""

    strategy: BaseStrategy
    candles: pd.DataFrame
    history: pd.DataFrame
    window: int
    fresh: Callable[[], BaseStrategy]  # one that has seen nothing yet
    alone: dict[int, Difference | None] = field(default_factory=dict)  # row: how the bot's window differs

    def screen(self, rows: Rows) -> tuple[Rows, tuple[str, ...]]:
        """The rows whose signals hang on more than their windows, as it seems, and the columns that differ anywhere."""
        suspects: list[Rows] = []
        columns: dict[str, None] = {}
        for layer in layers(rows, self.window):
            false, at = false_history(self.candles, layer, self.window)
            try:
                compared = compare(self.history, layer, signal_frame(self.fresh(), false), at)
            except StrategyError:  # it may insist on candles without holes: let the windows speak
                suspects.append(layer)
                continue
            suspects.append(layer[compared.signals])
            columns |= dict.fromkeys(compared.columns)
        return np.sort(np.concatenate(suspects)), tuple(columns)

    def run_alone(self, rows: Iterable[int]) -> None:
        """Ask the strategy with nothing but the bot's window, once for each row."""
        for row in map(int, rows):
            if row not in self.alone:
                self.alone[row] = self._difference(row, self.window)

    def change_the_future(self, rows: Iterable[int]) -> None:
        """Where the window alone gave the same signal: does it still, when other candles follow?"""
        for row in map(int, rows):
            if self.alone[row] is None:
                self.alone[row] = self._difference_of_futures(row)

    def differing(self) -> list[int]:
        """Rows at which the bot's window gave another signal, oldest first."""
        return sorted(row for row, difference in self.alone.items() if difference is not None)

    def hangs_on_dates(self, rows: Rows, firsts: Rows) -> bool:
        """Whether a signal changes when the same candles carry other dates of the same calendar.

        What was looked up by its date, in a file, a list or a cache, is not found there.
        """
        count = min(MOST_DATED, max(CANDLES_DATED // self.window, ALWAYS_ALONE))
        suspects: list[int] = []
        for layer in layers(np.union1d(firsts, _evenly(rows, count)), self.window):
            false, at = false_history(self.candles, layer, self.window)
            try:
                dated = signal_frame(self.fresh(), _with_other_dates(false))["signal"].to_numpy()[at]
                suspects += layer[dated != self.history["signal"].to_numpy()[layer]].tolist()
            except StrategyError:
                suspects += _evenly(layer, ALWAYS_ALONE).tolist()
        for row in _evenly(np.array(sorted(suspects), dtype=np.int64), ALWAYS_ALONE).tolist():
            if (found := self._difference_of_dates(row)) is not None:
                self.alone[row] = found
        return bool(self.differing())

    def judge(self, cuts: Cuts) -> Causality:
        """Say which fault it is that makes the windows' signals differ."""
        rows = self.differing()
        if (other := self._other_answer(rows[0])) is not None:
            self.alone[rows[0]] = other
            return self.verdict(Verdict.MORE_THAN_CANDLES, cuts)
        differences = [difference for difference in self.alone.values() if difference is not None]
        late = [row for row in rows if row >= min(LATE * self.window, len(self.candles) // 2)] or rows
        leaks = self._leaks([late[0], late[len(late) // 2], late[-1]])
        if leaks is not None or any(difference.other_future is not None for difference in differences):
            return self.verdict(Verdict.LOOKS_AHEAD, cuts, columns=leaks or ())
        if isinstance(self._compared(rows[0], rows[0] + 1, np.array(rows[:1])), StrategyError):
            return self.verdict(Verdict.FAILS_LIVE, cuts)
        if all(difference.by_rounding for difference in differences):
            return self.verdict(Verdict.ROUNDING, cuts)
        return self.verdict(Verdict.WARM_UP_TOO_SHORT, cuts, sufficient=self._sufficient(rows))

    def verdict(
        self, verdict: Verdict, cuts: Cuts, *, columns: tuple[str, ...] = (), sufficient: int | None = None
    ) -> Causality:
        """What was found, as a value."""
        differing = self.differing()
        told = [self.alone[row] for row in differing]
        told.sort(key=lambda difference: difference is not None and difference.other_future is not None)
        return Causality(
            verdict=verdict,
            strategy=type(self.strategy).__name__,
            window=self.window,
            cuts=len(cuts.rows),
            trades=cuts.trades,
            trades_in_all=cuts.trades_in_all,
            run_alone=len(self.alone),
            differing=len(differing),
            first=told[0] if told else None,
            columns=columns,
            sufficient_window=sufficient,
        )

    def _leaks(self, rows: list[int]) -> tuple[str, ...] | None:
        """The columns in which the past changes when the future is taken away; None when nothing changes."""
        leaks: dict[str, None] = {}
        found = False
        for row in dict.fromkeys(rows):
            before = np.arange(row + 1)
            compared = self._compared(row, row + 1, before)
            if isinstance(compared, Comparison) and compared.differs:
                found = True
                leaks |= dict.fromkeys(compared.columns)
        return tuple(leaks) if found else None

    def _sufficient(self, rows: list[int]) -> int | None:
        """The shortest of windows, each twice as long as the one before, with which all of these signals are right."""
        length = 2 * self.window
        while length <= rows[-1]:
            whole = np.array([row for row in rows if row >= length])
            if all(self._difference(row, length) is None for row in _evenly(whole, COLUMN_CHECKS)):
                return length
            length *= 2
        return None

    def _difference(self, row: int, length: int) -> Difference | None:
        """How the signal at a row differs when only `length` candles up to it are there; None when it does not."""
        compared = self._compared(row, length, np.array([row]))
        time_ms = self._time_ms(row)
        expected = int(self.history["signal"].iloc[row])
        if isinstance(compared, StrategyError):
            return Difference(time_ms, expected, None, (), failure=str(compared))
        if not compared.signals[0]:
            return None
        window = self._run(row, length)
        return Difference(
            time_ms,
            expected,
            int(window["signal"].iloc[-1]),
            tuple(_values(self.history, row, window, name) for name in self._named(compared)),
            by_rounding=bool(compared.rounded[0]) and not compared.columns,
        )

    def _difference_of_futures(self, row: int) -> Difference | None:
        """How the signal at a row changes with the candles after its window; None when it does not."""
        signal = int(self.history["signal"].iloc[row])
        for factor in (FALL, RISE):
            false, at = false_history(self.candles, np.array([row]), self.window, factor=factor)
            try:
                other = int(signal_frame(self.fresh(), false)["signal"].iloc[int(at[0])])
            except StrategyError:
                continue
            if other != signal:
                return Difference(self._time_ms(row), signal, signal, (), other_future=other)
        return None

    def _difference_of_dates(self, row: int) -> Difference | None:
        """How the signal at a row changes with the dates of its window; None when it does not."""
        signal = int(self.history["signal"].iloc[row])
        condition = "when the same candles are dated 28 years later"
        try:
            frame = signal_frame(self.fresh(), _with_other_dates(self.candles.iloc[row + 1 - self.window : row + 1]))
        except StrategyError as error:
            return Difference(self._time_ms(row), signal, None, (), failure=str(error), condition=condition)
        other = int(frame["signal"].iloc[-1])
        return None if other == signal else Difference(self._time_ms(row), signal, other, (), condition=condition)

    def _other_answer(self, row: int) -> Difference | None:
        """How the signals of a row's window change when they are asked for again; None when they do not."""
        try:
            one, other = (self._run(row, self.window)["signal"].to_numpy() for _ in range(2))
        except StrategyError:
            return None
        if not (places := np.flatnonzero(one != other)).size:
            return None
        place = int(places[-1])
        time_ms = self._time_ms(row + 1 - len(one) + place)
        return Difference(time_ms, int(one[place]), int(other[place]), (), condition="when it is asked again")

    def _time_ms(self, row: int) -> int:
        return int(self.candles.index[row].timestamp() * 1_000)

    def _named(self, compared: Comparison) -> list[str]:
        """The columns that differ, or those that were rounded where nothing else explains the signal."""
        names = list(compared.columns) or (indicators(self.history) if compared.rounded.any() else [])
        return [str(name) for name in names][:MOST_SHOWN]

    def _compared(self, row: int, length: int, rows: Rows) -> Comparison | StrategyError:
        """The history beside a run over the `length` candles that end with `row`, at `rows`."""
        try:
            shorter = self._run(row, length)
        except StrategyError as error:
            return error
        return compare(self.history, rows, shorter, rows - row - 1 + len(shorter))

    def _run(self, row: int, length: int) -> pd.DataFrame:
        return signal_frame(self.fresh(), self.candles.iloc[max(row + 1 - length, 0) : row + 1])


def _with_other_dates(candles: pd.DataFrame) -> pd.DataFrame:
    return candles.set_axis(candles.index + OTHER_DATES)


def _milliseconds(candles: pd.DataFrame) -> Rows:
    """The open times; without a copy where the index has milliseconds, as the loader's has."""
    index = pd.DatetimeIndex(candles.index)
    times: Rows = index.asi8 if index.unit == "ms" else index.as_unit("ms").asi8
    return times


def _values(history: pd.DataFrame, row: int, window: pd.DataFrame, name: str) -> ColumnValues:
    there = _shown(window[name].iloc[-1]) if name in window.columns else "no such column"
    return ColumnValues(name, _shown(history[name].iloc[row]), there)


def _shown(value: object) -> str:
    if not isinstance(value, int | float | np.number):
        return str(value)
    return "no number" if np.isnan(value) else f"{value:.12g}"


def _evenly(rows: Rows, count: int) -> Rows:
    """At most `count` of the rows, the first and the last among them."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
