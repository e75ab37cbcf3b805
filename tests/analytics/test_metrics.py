"""All figures of a run together."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from app.analytics.metrics import hold_curve, measure

MINUTE = 60_000
NO_TRADES = pd.DataFrame()


def curve(values, start="2025-01-31 23:58", freq="1min") -> pd.Series:
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq=freq, tz="UTC"), dtype=float)


def test_months_compound_to_the_whole_and_belong_to_the_candles_that_opened_in_them():
    metrics = measure(curve([101, 102, 51, 204]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100)
    assert [(month.month, round(month.growth, 9)) for month in metrics.by_month] == [
        ("2025-01", 0.02),
        ("2025-02", 1.0),
    ]
    assert metrics.equity.total_return == pytest.approx(1.04)


def test_a_month_without_candles_is_left_out():
    equity = pd.Series([101.0, 103.02], index=pd.DatetimeIndex(["2025-01-05", "2025-03-05"], tz="UTC"))
    metrics = measure(equity, NO_TRADES, timeframe_ms=MINUTE, start_cash=100)
    assert [month.month for month in metrics.by_month] == ["2025-01", "2025-03"]
    assert metrics.by_month[1].growth == pytest.approx(0.02)


def test_the_deepest_drawdown_is_dated():
    metrics = measure(curve([100, 120, 90, 121, 100]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100)
    times = curve([0] * 5).index.as_unit("ms").asi8
    figures = metrics.equity
    assert (figures.drawdown_peak_ms, figures.drawdown_trough_ms, figures.drawdown_recovery_ms) == tuple(times[1:4])
    assert (figures.drawdown_candles, figures.drawdown_ms) == (2, 2 * MINUTE)


def test_exposure_and_turnover(trade_table):
    trades = trade_table(("A", "2025-01-31 23:59", 1.0, "signal"))
    metrics = measure(
        curve([100, 100, 100, 100]), trades, timeframe_ms=MINUTE, start_cash=100, exposure=np.array([0, 0.5, -1.0, 0])
    )
    assert (metrics.in_market, metrics.mean_exposure, metrics.max_exposure) == (0.5, 0.375, 1.0)
    # 201.3 changed hands over an equity of 100 in four minutes.
    assert metrics.turnover_per_year == pytest.approx(2.013 / 4 * 525_600)


def test_the_value_at_risk_is_of_days_when_candles_are_shorter():
    days = [0.01, -0.03] * 20
    ends = 100 * np.cumprod(1 + np.array(days))
    by_hour = pd.Series(np.repeat(ends, 24), index=pd.date_range("2025-01-01", periods=40 * 24, freq="1h", tz="UTC"))
    metrics = measure(by_hour, NO_TRADES, timeframe_ms=3_600_000, start_cash=100)
    assert metrics.equity.value_at_risk == pytest.approx(-0.03)


@pytest.mark.parametrize(
    "equity",
    [
        pytest.param([], id="no candles"),
        pytest.param([100], id="one candle"),
        pytest.param([100] * 50, id="constant"),
        pytest.param([50, 0, 0, 0], id="to zero"),
        pytest.param([50, -10, 20], id="below zero"),
        pytest.param([100, math.nan, 100], id="nan"),
        pytest.param([100, math.inf, 100], id="infinite"),
        pytest.param([1e-300, 1e300], id="extreme"),
        pytest.param([1e308, 1e308, 1e308], id="sums overflow"),
    ],
)
def test_degenerate_equity_gives_figures_that_json_can_hold(equity):
    metrics = measure(curve(equity), NO_TRADES, timeframe_ms=MINUTE, start_cash=100, exposure=np.zeros(len(equity)))
    json.dumps(metrics.plain(), allow_nan=False)


def test_what_is_known_of_degenerate_equity_is_said():
    constant = measure(curve([100] * 50), NO_TRADES, timeframe_ms=MINUTE, start_cash=100).equity
    assert (constant.total_return, constant.cagr, constant.volatility, constant.max_drawdown) == (0, 0, 0, 0)
    assert math.isnan(constant.sharpe)
    assert constant.drawdown_peak_ms is None
    ruined = measure(curve([50, 0, 0]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100).equity
    assert (ruined.total_return, ruined.cagr, ruined.max_drawdown) == (-1, -1, -1)
    owing = measure(curve([50, -20, 200]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100).equity
    assert (owing.final, owing.total_return, owing.cagr, owing.max_drawdown, owing.calmar) == (200, -1, -1, -1, -1)
    unknown = measure(curve([100, math.nan, 100]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100).equity
    assert unknown.final == 100
    assert math.isnan(unknown.total_return)
    assert math.isnan(unknown.max_drawdown)


def test_an_index_without_times_is_refused():
    with pytest.raises(TypeError, match="give a DatetimeIndex"):
        measure(pd.Series([1.0]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100)


def frame(opens, closes, start) -> pd.DataFrame:
    index = pd.date_range(start, periods=len(closes), freq="1min", tz="UTC")
    return pd.DataFrame({"open": opens, "close": closes}, index=index, dtype=float)


def test_buy_and_hold_buys_equal_shares_when_each_symbol_begins_and_pays_the_entry():
    equity = curve([0] * 4, start="2025-01-01 00:00")
    candles = {
        "A": frame([10, 11, 12, 13, 99], [11, 12, 13, 20, 99], "2025-01-01 00:00"),
        "B": frame([5, 5], [5, 10], "2025-01-01 00:02"),
    }
    held = hold_curve(
        equity.index.asi8 // 1000 if equity.index.unit == "us" else equity.index.as_unit("ms").asi8, candles, 100, 0.01
    )
    units_a, units_b = 50 * 0.99 / 10, 50 * 0.99 / 5
    assert held.tolist() == pytest.approx(
        [units_a * 11 + 50, units_a * 12 + 50, units_a * 13 + units_b * 5, units_a * 20 + units_b * 10]
    )


def test_buy_and_hold_needs_candles():
    metrics = measure(
        curve([100, 101]), NO_TRADES, timeframe_ms=MINUTE, start_cash=100, candles={"A": frame([], [], "2025-01-01")}
    )
    assert metrics.hold is None
