"""A backtest's result as the material of a report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from app.analytics.arrays import F64, I64
from app.analytics.columns import index_ms, moments, numbers, texts
from app.analytics.metrics import Metrics, measure
from app.backtesting.certificate import Certificate
from app.backtesting.lanes import Lane
from app.backtesting.levels import steps_of
from app.backtesting.proving import timeframe_of
from app.domain.timeframe import Timeframe
from app.report import ReportData, Verdict
from app.report.text import moment, percent

if TYPE_CHECKING:
    from app.backtesting.result import BacktestResult
    from app.backtesting.verdict import Causality


def report_data(
    result: "BacktestResult",
    *,
    causality: "Causality | None" = None,
    certificates: Sequence[Certificate] | None = None,
    seed: int = 0,
) -> ReportData:
    """Everything that a report says about a backtest.

    Args:
        result: The backtest.
        causality: What the causality proof came to; the result's own if None.
        certificates: Of the candles' files; the result's own if None.
        seed: Of the intervals.
    """
    config, paper, timeframe = result.config, result.config.paper, _timeframe(result)
    if certificates is None:
        certificates = list(result.certificates.values())
    return ReportData(
        title=config.strategy.name,
        timeframe=timeframe,
        start_cash=float(paper.cash),
        fee_rate=float(paper.fee_rate),
        slippage_bp=float(paper.slippage_bp),
        quote=config.strategy.symbol.partition("/")[2].partition(":")[0] or "quote",
        equity=result.equity,
        trades=result.trades,
        orders=result.orders,
        decisions=result.decisions,
        candles={lane.symbol: lane.frame for lane in result.lanes},
        indicators={lane.symbol: lane.signal_frame for lane in result.lanes},
        exposure=_exposure(result),
        levels=steps_of(result),
        verdict=verdict_of(causality or result.causality),
        certificate={one.symbol: facts_of(one) for one in certificates},
        settings=_settings(result),
        seed=seed,
    )


def facts_of(certificate: Certificate) -> dict[str, object]:
    """A certificate as names and values for people."""
    gaps = (
        f"{certificate.missing:,} candles in {certificate.gaps:,} gap{'' if certificate.gaps == 1 else 's'}"
        if certificate.gaps
        else "none"
    )
    if certificate.longest_gap_ms is not None:
        gaps += f", longest {certificate.longest_gap:,} from {moment(certificate.longest_gap_ms)}"
    outliers = f"{certificate.outliers:,}"
    if certificate.first_outlier_ms is not None:
        outliers += f", first {moment(certificate.first_outlier_ms)}"
    return {
        "source": ", ".join(certificate.source),
        "range": f"{moment(certificate.first_ms)} to {moment(certificate.last_ms)} UTC",
        "candles": f"{certificate.candles:,} of {certificate.timeframe}",
        "missing": gaps,
        "repeated rows": f"{certificate.duplicates:,}, contradicting {certificate.conflicts:,}",
        "rows out of order": f"{certificate.out_of_order:,}",
        "impossible rows, dropped": f"{certificate.impossible:,}",
        "outliers": outliers,
        "without volume": percent(certificate.zero_volume_share),
        "SHA-256": certificate.sha256,
    }


def metrics_of(result: "BacktestResult") -> Metrics:
    """All figures, without the tables of orders and decisions."""
    paper = result.config.paper
    return measure(
        result.equity,
        result.trades,
        timeframe_ms=Timeframe.parse(_timeframe(result)).ms,
        start_cash=float(paper.cash),
        exposure=_exposure(result),
        candles={lane.symbol: lane.frame for lane in result.lanes},
        entry_cost=float(paper.fee_rate) + float(paper.slippage_bp) / 10_000,
    )


def verdict_of(causality: "Causality") -> Verdict:
    """The proof's head line, and what it found as a sentence."""
    headline, colon, rest = causality.text().partition("\n")[0].partition(": ")
    found = f"{rest}.\n{causality.text().partition(chr(10))[2]}" if colon else None
    unknown = headline in {"CAUSALITY UNPROVEN", "HANGS ON MORE THAN CANDLES"}
    return Verdict(headline, None if unknown else causality.believable, found)


def _timeframe(result: "BacktestResult") -> str:
    return timeframe_of(result.lanes[0], result.config.strategy.timeframe).name


def _exposure(result: "BacktestResult") -> F64:
    """Value of all positions at each close over equity at it; short positions count as negative."""
    open_ms = index_ms(result.equity.index)
    value = np.zeros(open_ms.size)
    for lane in result.lanes:
        value += _held(result.trades, lane.symbol, open_ms) * _last_closes(lane, open_ms)
    equity = result.equity.to_numpy(dtype=np.float64)
    exposure: F64 = np.divide(value, equity, out=np.zeros(value.size), where=equity > 0)
    return exposure


def _last_closes(lane: Lane, open_ms: I64) -> F64:
    """The close of the newest candle that opened at each time or before; 0 before the first."""
    own_ms, close = index_ms(lane.index), lane.frame["close"].to_numpy(dtype=np.float64)
    if np.array_equal(own_ms, open_ms):
        return close
    at = np.searchsorted(own_ms, open_ms, side="right")
    return np.concatenate([[0.0], close])[at]


def _held(trades: pd.DataFrame, symbol: str, open_ms: I64) -> F64:
    """Base units held at each close: entered within its candle or before, and not yet left."""
    own = trades[texts(trades, "symbol") == symbol]
    signed = numbers(own, "quantity") * np.where(texts(own, "side") == "short", -1.0, 1.0)
    change = np.zeros(open_ms.size + 1)
    np.add.at(change, np.searchsorted(open_ms, moments(own, "entry_time")), signed)
    leave = np.searchsorted(open_ms, moments(own, "exit_time")) + (texts(own, "exit_reason") == "end")
    np.subtract.at(change, leave, signed)
    held = np.cumsum(change[:-1])
    # Sums of fills that cancel out leave a rounding.
    held[np.abs(held) <= 1e-12 * np.abs(signed).sum()] = 0.0
    return held


def _settings(result: "BacktestResult") -> dict[str, object]:
    """The settings that shape a backtest, by their dotted names; those of exchange and notifications do not."""
    sections = result.config.model_dump(
        mode="json", include={"strategy", "risk", "paper", "backtest"}, exclude_none=True
    )
    return {name: value for name, value in _flat(sections) if value != []}


def _flat(section: Mapping[str, object], before: str = "") -> "list[tuple[str, object]]":
    rows: list[tuple[str, object]] = []
    for name, value in section.items():
        rows += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return rows
