"""All figures of a finished run in one value: `measure`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from app.analytics.arrays import DAY_MS, F64, I64, NAN, YEAR_MS, equity_path, periods_per_year, quotient
from app.analytics.calendar import MonthFigure, daily_path, months
from app.analytics.columns import index_ms
from app.analytics.drawdown import falls
from app.analytics.holding import hold_equity
from app.analytics.returns import (
    cagr,
    calmar,
    candle_returns,
    expected_shortfall,
    omega,
    path_moments,
    sharpe,
    sortino,
    total_return,
    value_at_risk,
    volatility,
)
from app.analytics.trades import GroupFigures, TradeFigures, Trades, grouped, trade_figures


@dataclass(frozen=True, slots=True)
class EquityFigures:
    """What an equity curve says. Fractions, not percent; formulas in `returns` and `drawdown`.

    Attributes:
        final: Equity at the last close, quote units.
        total_return: Of the whole run.
        cagr: A year; from the time elapsed between the first open and the last close.
        volatility: A year; from candle returns, as are the following three.
        sharpe: A year.
        sortino: A year.
        omega: Of a candle.
        calmar: A year.
        max_drawdown: From -1 to 0.
        drawdown_peak_ms: When the deepest fall began: open time of the candle at whose close the peak stood, ms UTC.
        drawdown_trough_ms: When it was deepest.
        drawdown_recovery_ms: When the peak was reached again; None while it was not.
        drawdown_candles: From its peak to its recovery, or to the end of the run.
        drawdown_ms: The same as time.
        longest_drawdown_candles: Of the longest time below a peak.
        longest_drawdown_ms: The same as time.
        value_at_risk: 95 %, of a UTC day, or of a candle if candles are longer; NaN below 20 of them.
        expected_shortfall: Mean of the returns in that tail.
    """

    final: float
    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    omega: float
    calmar: float
    max_drawdown: float
    drawdown_peak_ms: int | None
    drawdown_trough_ms: int | None
    drawdown_recovery_ms: int | None
    drawdown_candles: int
    drawdown_ms: int
    longest_drawdown_candles: int
    longest_drawdown_ms: int
    value_at_risk: float
    expected_shortfall: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of a run.

    Attributes:
        start_ms: Open time of the first candle, ms UTC.
        end_ms: Close time of the last candle, ms UTC.
        candles: How many the equity has.
        years: Elapsed time, of 365 days.
        start_cash: Quote units.
        equity: Of the run.
        hold: Of buy-and-hold over the same candles; None without candles.
        trades: Of all trades.
        in_market: Part of the candles with a position.
        mean_exposure: Mean of |position notional / equity|.
        max_exposure: Largest of it.
        turnover_per_year: Value that changed hands over mean equity, a year.
        by_symbol: Trades of each symbol.
        by_exit: Trades of each exit reason.
        by_month: Growth of equity in each month (UTC).
        trades_by_month: Trades by the month of their exit.
    """

    start_ms: int
    end_ms: int
    candles: int
    years: float
    start_cash: float
    equity: EquityFigures
    hold: EquityFigures | None
    trades: TradeFigures
    in_market: float
    mean_exposure: float
    max_exposure: float
    turnover_per_year: float
    by_symbol: list[GroupFigures]
    by_exit: list[GroupFigures]
    by_month: list[MonthFigure]
    trades_by_month: list[GroupFigures]

    def plain(self) -> dict[str, object]:
        """Dicts, lists, texts and numbers, fit for JSON: what is undefined is None."""
        result = plain(asdict(self))
        assert isinstance(result, dict)  # noqa: S101 - for the type checker
        return result


@np.errstate(all="ignore")
def measure(
    equity: pd.Series,
    trades: pd.DataFrame,
    *,
    timeframe_ms: int,
    start_cash: float,
    exposure: F64 | pd.Series | None = None,
    candles: Mapping[str, pd.DataFrame] | None = None,
    entry_cost: float = 0.0,
) -> Metrics:
    """All figures of a run.

    Args:
        equity: Quote units at each candle's close, indexed by open time (UTC).
        trades: One row for each closed portion of a position, columns as in `app.report.data`.
        timeframe_ms: Length of a candle.
        start_cash: Before the first candle.
        exposure: Position notional / equity at each candle; None if unknown.
        candles: By symbol, for buy-and-hold.
        entry_cost: Fee and slippage that buy-and-hold pays once, as a fraction.

    Raises:
        ValueError: starting cash that is not positive, a missing column.
        TypeError: an index without times.
    """
    open_ms, values = index_ms(equity.index), equity.to_numpy(dtype=np.float64)
    closed = Trades.of(trades)
    elapsed = int(open_ms[-1] - open_ms[0]) + timeframe_ms if open_ms.size else 0
    figures = trade_figures(closed)
    held = np.asarray(exposure if exposure is not None else [NAN], dtype=np.float64)
    if held.size and held.min() < 0:
        held = np.abs(held)
    path = equity_path(values, start_cash)
    return Metrics(
        start_ms=int(open_ms[0]) if open_ms.size else 0,
        end_ms=int(open_ms[-1]) + timeframe_ms if open_ms.size else 0,
        candles=values.size,
        years=elapsed / YEAR_MS,
        start_cash=float(start_cash),
        equity=equity_figures(open_ms, values, start_cash, timeframe_ms, path=path),
        hold=_hold(open_ms, candles or {}, start_cash, timeframe_ms, entry_cost),
        trades=figures,
        in_market=NAN if np.isnan(held).any() else quotient(int(np.count_nonzero(held)), held.size),
        mean_exposure=quotient(float(held.sum()), held.size),
        max_exposure=float(held.max()) if held.size else NAN,
        turnover_per_year=quotient(quotient(figures.turnover, quotient(float(path[1:].sum()), values.size)), elapsed)
        * YEAR_MS,
        by_symbol=grouped(closed, closed.symbol),
        by_exit=grouped(closed, closed.exit_reason),
        by_month=months(open_ms, path),
        trades_by_month=grouped(closed, closed.exit_ms.astype("datetime64[ms]").astype("datetime64[M]")),
    )


@np.errstate(all="ignore")
def equity_figures(
    open_ms: I64, equity: F64, start_cash: float, timeframe_ms: int, *, path: F64 | None = None
) -> EquityFigures:
    """The figures of one curve; all NaN where a value of it is not finite.

    open_ms: (n,) rising, ms UTC; equity: (n,) quote units; path: `equity_path` of it, if at hand.
    """
    path = equity_path(equity, start_cash) if path is None else path
    if equity.size == 0 or not math.isfinite(float(path.sum())):
        return _unknown(float(equity[-1]) if equity.size else float(start_cash))
    found = falls(path)
    fall, (long_peak, long_end) = found.deepest, found.longest
    periods = periods_per_year(timeframe_ms)
    final = float(equity[-1])
    growth = total_return(start_cash, final if path[-1] > 0 else min(final, 0.0))  # what is lost does not come back
    growth_rate = cagr(growth, (int(open_ms[-1]) - int(open_ms[0]) + timeframe_ms) / YEAR_MS)
    sums = path_moments(path)
    tail = candle_returns(daily_path(open_ms, path) if timeframe_ms < DAY_MS else path)

    def at(position: int) -> int:
        return int(open_ms[position - 1]) if position else int(open_ms[0]) - timeframe_ms

    return EquityFigures(
        final=final,
        total_return=growth,
        cagr=growth_rate,
        volatility=volatility(sums, periods),
        sharpe=sharpe(sums, periods),
        sortino=sortino(sums, periods),
        omega=omega(sums),
        calmar=calmar(growth_rate, fall.depth),
        max_drawdown=fall.depth,
        drawdown_peak_ms=at(fall.peak) if fall.depth else None,
        drawdown_trough_ms=at(fall.trough) if fall.depth else None,
        drawdown_recovery_ms=at(fall.recovery) if fall.depth and fall.recovery is not None else None,
        drawdown_candles=fall.candles,
        drawdown_ms=at(fall.end) - at(fall.peak),
        longest_drawdown_candles=long_end - long_peak,
        longest_drawdown_ms=at(long_end) - at(long_peak),
        value_at_risk=value_at_risk(tail),
        expected_shortfall=expected_shortfall(tail),
    )


def plain(value: object) -> object:
    """Nested dicts and lists of numbers with None in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _hold(
    open_ms: I64, candles: Mapping[str, pd.DataFrame], start_cash: float, timeframe_ms: int, entry_cost: float
) -> EquityFigures | None:
    values = hold_curve(open_ms, candles, start_cash, entry_cost)
    return None if values is None else equity_figures(open_ms, values, start_cash, timeframe_ms)


def hold_curve(open_ms: I64, candles: Mapping[str, pd.DataFrame], start_cash: float, entry_cost: float) -> F64 | None:
    """Equity of buy-and-hold at the run's candles: (n,) quote units; None where there are none. See `hold_equity`."""
    inside = {symbol: _within(frame, open_ms) for symbol, frame in candles.items()} if open_ms.size else {}
    inside = {symbol: frame for symbol, frame in inside.items() if len(frame)}
    if not inside:
        return None
    closes = {
        symbol: (index_ms(frame.index), frame["close"].to_numpy(dtype=np.float64)) for symbol, frame in inside.items()
    }
    opens = {symbol: float(frame["open"].iloc[0]) for symbol, frame in inside.items()}
    return hold_equity(open_ms, closes, opens, start_cash, entry_cost)


def _within(frame: pd.DataFrame, open_ms: I64) -> pd.DataFrame:
    first, last = np.searchsorted(index_ms(frame.index), [open_ms[0], open_ms[-1] + 1])
    return frame.iloc[int(first) : int(last)]


def _unknown(final: float) -> EquityFigures:
    undefined = dict.fromkeys((field.name for field in fields(EquityFigures)), NAN)
    nothing = dict.fromkeys(("drawdown_peak_ms", "drawdown_trough_ms", "drawdown_recovery_ms"), None)
    zero = dict.fromkeys(("drawdown_candles", "drawdown_ms", "longest_drawdown_candles", "longest_drawdown_ms"), 0)
    return EquityFigures(**(undefined | nothing | zero | {"final": final}))  # type: ignore[arg-type]
