"""What a report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, equity_path
from app.analytics.bootstrap import Intervals, intervals
from app.analytics.columns import index_ms
from app.analytics.metrics import Metrics, hold_curve, measure
from app.analytics.returns import candle_returns
from app.domain.timeframe import Timeframe


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the causality check found.

    Attributes:
        headline: The words at the head of a report: "causal on 312 cuts", "LOOKS AHEAD".
        believable: Whether live trading would have had the same signals; None where that is not known.
        finding: Where and how signals differed, in a sentence; None where they did not.
    """

    headline: str
    believable: bool | None = None
    finding: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """A finished run, and everything that is said about it.

    Attributes:
        title: The strategy's name.
        timeframe: Length of a candle, as `1m`.
        start_cash: Before the first candle, quote units.
        fee_rate: As a fraction of the notional, 0.001 for 0.1 %.
        slippage_bp: Basis points of the price.
        quote: Name of the quote currency.
        equity: Quote units at each candle's close, indexed by open time (UTC).
        trades: One row for each closed portion of a position: symbol, side ("long", "short"), entry_time, exit_time
            (UTC), entry_price, exit_price (quote per base), quantity (base), fees, slippage, pnl (quote, net of both),
            return (pnl / entry notional), candles (held), entry_reason, exit_reason ("end" for what is still open).
        orders: time, symbol, side, order_type, quantity, price, fee, slippage, reason, status.
        decisions: time, symbol, signal, action, reason.
        candles: By symbol: open, high, low, close, volume, indexed by open time (UTC).
        indicators: By symbol: one column for each line, indexed as the candles.
        exposure: Position notional / equity at each candle.
        levels: Under which levels each trade stood: trade (its row in `trades`), time (UTC, from when on), stop, target
            (quote per base, NaN where there is none); a row for each change, by trade, then by time.
        verdict: Of the causality check; None where it was not made.
        certificate: For each symbol (or file), facts about the data.
        settings: What the run was made with.
        seed: Of the intervals.
        resamples: How many histories the intervals are made from.
    """

    title: str
    timeframe: str
    start_cash: float
    equity: pd.Series
    trades: pd.DataFrame
    orders: pd.DataFrame = field(default_factory=pd.DataFrame)
    decisions: pd.DataFrame = field(default_factory=pd.DataFrame)
    candles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    indicators: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    exposure: F64 | pd.Series | None = None
    levels: pd.DataFrame | None = None
    fee_rate: float = 0.0
    slippage_bp: float = 0.0
    quote: str = "USDT"
    verdict: Verdict | None = None
    certificate: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    resamples: int = 1_000

    @cached_property
    def timeframe_ms(self) -> int:
        """Length of a candle; raises ConfigError for an unknown timeframe."""
        return Timeframe.parse(self.timeframe).ms

    @cached_property
    def metrics(self) -> Metrics:
        """All figures of the run; computed once."""
        return measure(
            self.equity,
            self.trades,
            timeframe_ms=self.timeframe_ms,
            start_cash=self.start_cash,
            exposure=self.exposure,
            candles=self.candles,
            entry_cost=self._entry_cost,
        )

    @cached_property
    def intervals(self) -> Intervals:
        """Intervals of the run's Sharpe, CAGR and maximum drawdown; computed once."""
        values = self.equity.to_numpy(dtype=np.float64)
        known = np.isfinite(values).all()
        returns = candle_returns(equity_path(values, self.start_cash)) if known else values
        return intervals(returns, timeframe_ms=self.timeframe_ms, seed=self.seed, resamples=self.resamples)

    @cached_property
    def open_ms(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Open times of the equity's candles, ms UTC."""
        return index_ms(self.equity.index)

    @cached_property
    def hold(self) -> F64 | None:
        """Equity of buy-and-hold at the same candles; None without candles."""
        return hold_curve(self.open_ms, self.candles, self.start_cash, self._entry_cost)

    @property
    def _entry_cost(self) -> float:
        return self.fee_rate + self.slippage_bp / 10_000
