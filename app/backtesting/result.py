"""What came of a backtest. Tables are made when somebody looks at them."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.backtesting import layout as at
from app.backtesting.lanes import Lane
from app.backtesting.notices import notices_of
from app.backtesting.setup import Setup, Tapes
from app.backtesting.untaught import Untaught
from app.backtesting.words import action_of, entry_reason, reason_of
from app.config.models import BotConfig
from app.indicators.arrays import F64
from app.strategies.base import BaseStrategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.analytics.metrics import Metrics
    from app.backtesting.certificate import Certificate
    from app.backtesting.verdict import Causality
    from app.report import ReportData

REASONS: Final = ("signal", "stop", "target", "trailing", "break even", "time", "end", "drawdown")
ENTRY_REASONS: Final = tuple(
    entry_reason(is_long=is_long, is_reversed=is_reversed) for is_reversed in (False, True) for is_long in (False, True)
)
STATUSES: Final = ("filled", "partly filled", "expired", "canceled", "rejected")


class BacktestResult:
    """A finished backtest.

    Args:
        config: The settings it ran with.
        strategy: The strategy it ran.
        lanes: Candles and signals.
        setup: The pass over them, which is run again for what was not asked for at first.
        tapes: What was written down.
        untaught: Makes strategies like this one before it ran.

    Attributes:
        config: The settings it ran with.
        strategy: The strategy it ran.
        lanes: Candles and signals, one for each symbol.
        setup: The numbers of the run; `setup.buffer` and `setup.first` say on which candles the live bot decides.
        tapes: What the pass wrote down.
        untaught: Makes strategies like this one before it ran, for the proof.
        fine_certificates: Of the files of finer candles, by symbol; whoever read them puts them here.
    """

    def __init__(
        self,
        config: BotConfig,
        strategy: BaseStrategy,
        lanes: list[Lane],
        setup: Setup,
        tapes: Tapes,
        untaught: Untaught | None = None,
    ) -> None:
        self.config = config
        self.strategy = strategy
        self.lanes = lanes
        self.setup = setup
        self.tapes = tapes
        self.untaught = untaught
        self.fine_certificates: dict[str, Certificate] = {}

    def __repr__(self) -> str:
        symbols, candles = ", ".join(lane.symbol for lane in self.lanes), sum(len(lane) for lane in self.lanes)
        pnl = self.tapes.trades[:, at.TRADE_PNL]
        strategy = f"{self.config.strategy.name} {symbols} {self.config.strategy.timeframe}"
        return f"<BacktestResult {strategy}: {candles:,} candles, {len(pnl):,} trades, pnl {pnl.sum():+.2f}>"

    @property
    def candles(self) -> pd.DataFrame:
        """The candles that were traded; of the first symbol, where there are several."""
        return self.lanes[0].frame

    @property
    def indicators(self) -> pd.DataFrame:
        """What the strategy returned: candles, indicators and signals; of the first symbol."""
        return self.lanes[0].signal_frame

    @property
    def signals(self) -> pd.Series:
        """The signals, int8; of the first symbol."""
        return self.lanes[0].signal_frame["signal"]

    @cached_property
    def equity(self) -> pd.Series:
        """Quote units at each candle's close, indexed by its open time."""
        return pd.Series(self.setup.run(equity=True).equity, index=self.setup.index, name="equity")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row for each exit's fill, also for a part of a position; what is open at the end is valued there.

        Columns: symbol, side, entry_time, exit_time (open times of the candles), entry_price, exit_price, quantity,
        fees (of this part's entry and exit, and what holding it cost), slippage, pnl (after fees), return, candles,
        entry_reason, exit_reason.
        """
        tape = self.tapes.trades
        quantity, entry = tape[:, at.TRADE_QUANTITY], tape[:, at.TRADE_ENTRY]
        return pd.DataFrame(
            {
                "symbol": self._symbols(tape[:, at.ROW_SYMBOL]),
                "side": _words(("short", "long"), tape[:, at.TRADE_SIDE] > 0),
                "entry_time": self._times(tape[:, at.TRADE_ENTRY_ROW]),
                "exit_time": self._times(tape[:, at.ROW_CANDLE]),
                "entry_price": entry,
                "exit_price": tape[:, at.TRADE_EXIT],
                "quantity": quantity,
                "fees": tape[:, at.TRADE_FEES],
                "slippage": tape[:, at.TRADE_SLIPPAGE],
                "pnl": tape[:, at.TRADE_PNL],
                "return": tape[:, at.TRADE_PNL] / (quantity * entry),
                "candles": tape[:, at.TRADE_CANDLES].astype(np.int64),
                "entry_reason": _words(ENTRY_REASONS, _kinds_of_entry(tape)),
                "exit_reason": _words(REASONS, tape[:, at.TRADE_REASON]),
            }
        )

    @cached_property
    def orders(self) -> pd.DataFrame:
        """One row for each fill, and for each order that came to nothing.

        Columns: time (of the candle in which it filled), symbol, side, order_type, quantity, price, fee, slippage,
        reason, status.
        """
        tape = self.tapes.orders
        return pd.DataFrame(
            {
                "time": self._times(tape[:, at.ROW_CANDLE]),
                "symbol": self._symbols(tape[:, at.ROW_SYMBOL]),
                "side": _words(("sell", "buy"), tape[:, at.ORDER_SIDE] > 0),
                "order_type": _words(("market", "limit"), tape[:, at.ORDER_LIMIT]),
                "quantity": tape[:, at.ORDER_QUANTITY],
                "price": tape[:, at.ORDER_PRICE],
                "fee": tape[:, at.ORDER_FEE],
                "slippage": tape[:, at.ORDER_SLIPPAGE],
                "reason": _words(REASONS, tape[:, at.ORDER_REASON]),
                "status": _words(STATUSES, tape[:, at.ORDER_STATUS]),
            }
        )

    @cached_property
    def notes(self) -> F64:
        """The decisions as the pass writes them down; `app.backtesting.layout` says how."""
        return self.setup.run(notes=True).notes

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Every candle with a signal, and every exit by the clock: what was decided, and why.

        Columns: time, symbol, signal, action, reason.
        """
        tape = self.notes
        firsts, places = _kinds(tape[:, at.NOTE_SIGNAL : at.NOTE_CANDLES + 1])
        kinds = tape[firsts, at.NOTE_SIGNAL : at.NOTE_CANDLES + 1].tolist()
        known = [(int(code), int(signal), held, int(candles)) for signal, code, held, candles in kinds]
        return pd.DataFrame(
            {
                "time": self._times(tape[:, at.ROW_CANDLE]),
                "symbol": self._symbols(tape[:, at.ROW_SYMBOL]),
                "signal": tape[:, at.NOTE_SIGNAL].astype(np.int8),
                "action": _words(tuple(action_of(one[0]) for one in known), places),
                "reason": _words(tuple(reason_of(*one) for one in known), places),
            }
        )

    @cached_property
    def levels(self) -> pd.DataFrame:
        """One row whenever a position's stop or target was set, and for a position without any when it began.

        Columns: time (open time of the first candle for which they were in force; that of the entry), symbol, stop,
        target (quote per base, NaN where there is none; with stages the next one), begins (whether a position did).
        """
        tape = self.setup.run(levels=True).levels
        later = pd.to_timedelta(tape[:, at.LEVEL_IS_NEXT] * self.lanes[0].step_ms, unit="ms")
        stop, target = tape[:, at.LEVEL_STOP], tape[:, at.LEVEL_TARGET]
        return pd.DataFrame(
            {
                "time": self._times(tape[:, at.ROW_CANDLE]) + later,
                "symbol": self._symbols(tape[:, at.ROW_SYMBOL]),
                "stop": np.where(stop > 0.0, stop, np.nan),
                "target": np.where(target > 0.0, target, np.nan),
                "begins": tape[:, at.LEVEL_BEGINS] > 0.0,
            }
        )

    @property
    def notices(self) -> list[str]:
        """Settings that could not act on candles, a sentence each."""
        return notices_of(self.config)

    @cached_property
    def metrics(self) -> "Metrics":
        """All figures of the run, its buy-and-hold beside; computed once."""
        from app.backtesting.reporting import metrics_of  # noqa: PLC0415  a sweep of backtests needs no reports

        return metrics_of(self)

    @cached_property
    def causality(self) -> "Causality":
        """Whether the live bot would have had the same signals; proved once, when it is first asked for."""
        from app.backtesting.proving import causality_of  # noqa: PLC0415  as above

        return causality_of(self)

    @cached_property
    def certificates(self) -> "dict[str, Certificate]":
        """What the candles of each symbol are worth; may be replaced by the certificates of their files."""
        from app.backtesting.certificate import certify_frame  # noqa: PLC0415  as above
        from app.backtesting.proving import timeframe_of  # noqa: PLC0415

        length = self.config.strategy.timeframe
        return {
            lane.symbol: certify_frame(lane.symbol, timeframe_of(lane, length), lane.frame)
            for lane in self.lanes
            if len(lane)
        }

    def report(
        self,
        *,
        causality: "Causality | None" = None,
        certificates: "Sequence[Certificate] | None" = None,
        seed: int = 0,
    ) -> "ReportData":
        """The material of reports: for `app.report.terminal`, `app.report.plain` and `app.report.page`.

        causality, certificates: others than the result's own; seed: of the intervals.
        """
        from app.backtesting.reporting import report_data  # noqa: PLC0415  as above

        return report_data(self, causality=causality, certificates=certificates, seed=seed)

    def to_html(
        self,
        path: str | Path,
        *,
        causality: "Causality | None" = None,
        certificates: "Sequence[Certificate] | None" = None,
    ) -> Path:
        """Write the report as one HTML file that needs no network; returns its path. Arguments as in `report`."""
        from app.report.page import write_html  # noqa: PLC0415  as above

        return write_html(self.report(causality=causality, certificates=certificates), path)

    def _repr_html_(self) -> str:
        from app.report.page import framed  # noqa: PLC0415  as above

        return framed(self.report())

    def _times(self, rows: F64) -> pd.DatetimeIndex:
        return self.setup.index[rows.astype(np.int64)]

    def _symbols(self, numbers: F64) -> "pd.Categorical[str]":
        return _words(tuple(lane.symbol for lane in self.lanes), numbers)


def _kinds_of_entry(trades: F64) -> NDArray[np.int64]:
    """Which of ENTRY_REASONS each trade began with: reversed, if a signal closed the other side in the same candle."""
    is_long = trades[:, at.TRADE_SIDE] > 0
    if is_long.all():
        return np.ones(len(trades), dtype=np.int64)
    by_signal = trades[:, at.TRADE_REASON] == at.BY_SIGNAL
    symbols, sides = trades[:, at.ROW_SYMBOL], trades[:, at.TRADE_SIDE]
    left = np.column_stack([symbols, trades[:, at.ROW_CANDLE], -sides])[by_signal]
    came = np.column_stack([symbols, trades[:, at.TRADE_ENTRY_ROW], sides])
    known = set(map(tuple, left.tolist()))
    is_reversed = np.array([one in known for one in map(tuple, came.tolist())])
    return 2 * is_reversed.astype(np.int64) + is_long


def _words(words: tuple[str, ...], numbers: NDArray[Any]) -> "pd.Categorical[str]":
    """Few words for many rows, without an object for each."""
    distinct = {word: place for place, word in enumerate(dict.fromkeys(words))}
    codes = np.array([distinct[word] for word in words], dtype=np.int64)[numbers.astype(np.int64)]
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(distinct)))


def _kinds(rows: F64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each kind of row first appears, and of which kind each row is."""
    kind = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:  # much faster than `np.unique` of whole rows
        values, places = np.unique(column, return_inverse=True)
        _, kind = np.unique(kind * len(values) + places, return_inverse=True)
    _, firsts = np.unique(kind, return_index=True)
    return firsts, kind
