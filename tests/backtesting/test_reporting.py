"""What a backtest says of itself: metrics, report, page, notebook."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.analytics.columns import numbers
from app.backtesting import backtest
from app.backtesting.certificate import certify_frame
from app.backtesting.reporting import facts_of, verdict_of
from app.backtesting.verdict import Causality, Difference, Verdict
from app.config.models import BotConfig
from app.config.risk import RiskConfig
from app.data.synthetic import synthetic_candles
from app.domain.timeframe import Timeframe
from app.report.plain import plain_report
from app.strategies.sma_cross import SmaCrossStrategy

CAUSAL = Causality(
    verdict=Verdict.CAUSAL, strategy="SmaCrossStrategy", window=70, cuts=1_240, trades=40, trades_in_all=40,
    run_alone=1_240, differing=0, first=None, columns=(), sufficient_window=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    config = BotConfig.model_validate(
        {
            "exchange": {"name": "binance", "market": {"price_tick": "0.01", "quantity_step": "0.00001"}},
            "risk": {"max_position_size_usd": 5_000, "stop_loss_pct": 0.004, "take_profit_pct": 0.01},
            "strategy": {"name": "sma_cross", "symbol": "BTC/USDT", "timeframe": "1m", "params": {"fast_window": 5, "slow_window": 20}},
            "paper": {"cash": 10_000, "fee_rate": "0.001", "slippage_bp": 2},
        }
    )  # fmt: skip
    return backtest(synthetic_candles(3_000, seed=4), SmaCrossStrategy(config.strategy), config)


def test_metrics_are_those_of_the_tables(result):
    metrics = result.metrics
    assert metrics.trades.count == len(result.trades) > 20
    assert metrics.equity.final == result.equity.iloc[-1]
    assert metrics.start_cash + metrics.trades.pnl == pytest.approx(metrics.equity.final)
    assert metrics.trades.fees == pytest.approx(result.trades["fees"].sum())
    assert sum(group.count for group in metrics.by_exit) == len(result.trades)
    assert metrics.hold is not None
    assert metrics == result.report().metrics


def test_exposure_is_what_the_trades_held_at_each_close(result):
    close, index = result.candles["close"].to_numpy(), result.candles.index
    held = np.zeros(len(index))
    for trade in result.trades.itertuples():
        until = index[-1] + pd.Timedelta(minutes=1) if trade.exit_reason == "end" else trade.exit_time
        held[(index >= trade.entry_time) & (index < until)] += trade.quantity
    np.testing.assert_allclose(result.report().exposure, held * close / result.equity.to_numpy(), atol=1e-12)
    assert result.metrics.max_exposure < 1


def test_stops_and_targets_stand_where_the_settings_put_them(result):
    levels, entry = result.report().levels, numbers(result.trades, "entry_price")
    np.testing.assert_array_equal(levels["trade"], np.arange(len(entry)))
    np.testing.assert_allclose(levels["stop"], entry * 0.996, atol=0.01)
    np.testing.assert_allclose(levels["target"], entry * 1.01, atol=0.01)
    assert (levels["time"] == result.trades["entry_time"]).all()


def test_levels_are_told_as_they_stood(result):
    exits = {
        "trailing_stop_pct": 0.003, "trailing_from_pct": 0.002, "break_even_pct": 0.001, "stop_loss_atr": 3,
        "take_profit_stages": [{"profit_pct": 0.003, "close_share": 0.5}],
    }  # fmt: skip
    risk = {"max_position_size_usd": 1_000, "take_profit_pct": 0.01, "exits": exits}
    config = result.config.model_copy(update={"risk": RiskConfig.model_validate(risk)})
    moving = backtest(synthetic_candles(3_000, seed=3), SmaCrossStrategy(config.strategy), config, slippage_bp=0)
    steps, trades = moving.report().levels, moving.trades
    newest = steps.groupby("trade")["stop"].last()
    stopped = trades[trades["exit_reason"].isin(["stop", "trailing", "break even"])]
    assert set(stopped["exit_reason"]) == {"stop", "trailing", "break even"}
    opened = moving.candles["open"].reindex(stopped["exit_time"]).to_numpy()
    np.testing.assert_allclose(stopped["exit_price"], np.minimum(newest[stopped.index], opened))
    targets = trades[trades["exit_reason"] == "target"]
    by_trade = steps.groupby("trade")["target"].agg(set)
    assert len(targets) > 5
    assert all(price in by_trade[trade] for trade, price in targets["exit_price"].items())
    assert (steps.groupby("trade")["stop"].apply(lambda stops: stops.is_monotonic_increasing)).all()


def test_the_report_names_settings_costs_and_timeframe(result):
    data = result.report()
    assert (data.timeframe, data.quote, data.fee_rate, data.slippage_bp) == ("1m", "USDT", 0.001, 2.0)
    assert data.settings["strategy.params.fast_window"] == 5
    assert not any("exchange" in name or "key" in name for name in data.settings)
    json.dumps(plain_report(data), allow_nan=False)


def test_the_report_certifies_its_candles(result):
    facts = result.report().certificate["BTC/USDT"]
    assert (facts["source"], facts["candles"], facts["missing"]) == ("memory", "3,000 of 1m", "none")
    assert re.fullmatch("[0-9a-f]{64}", facts["SHA-256"])
    certificate = certify_frame("BTC/USDT", Timeframe.parse("1m"), result.candles.drop(result.candles.index[100:120]))
    assert facts_of(certificate)["missing"].startswith("20 candles in 1 gap, longest 20 from 2")


def test_the_page_begins_with_the_verdict(result, tmp_path):
    path = result.to_html(tmp_path / "run.html", causality=CAUSAL)
    text = path.read_text(encoding="utf-8")
    assert '<span class="badge good" id="verdict">causal on 1,240 cuts</span>' in text
    assert "entered: buy signal while flat" in text


def test_a_verdict_keeps_its_words_and_its_finding():
    first = Difference(time_ms=0, history=1, window=0, columns=(), by_rounding=False)
    ahead = verdict_of(replace(CAUSAL, verdict=Verdict.LOOKS_AHEAD, first=first, differing=7, columns=("peak",)))
    assert (ahead.headline, ahead.believable) == ("LOOKS AHEAD", False)
    assert "gives 1" in ahead.finding
    assert "future in peak" in ahead.finding
    assert verdict_of(CAUSAL).finding is None
    assert verdict_of(replace(CAUSAL, verdict=Verdict.UNPROVEN, cuts=0)).believable is None


def test_a_result_says_in_a_line_what_it_is(result):
    assert re.fullmatch(
        r"<BacktestResult sma_cross BTC/USDT 1m: 3,000 candles, \d+ trades, pnl [+-]\d+\.\d\d>", repr(result)
    )


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(result):
    shown = result._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert 'sandbox="allow-scripts' in shown


def test_a_run_without_trades_has_a_report(result):
    config = result.config
    idle = backtest(synthetic_candles(15, seed=1), SmaCrossStrategy(config.strategy), config)
    assert idle.metrics.trades.count == 0
    assert "No trades." in idle._repr_html_()


def test_symbols_that_begin_at_different_times_share_one_exposure(result):
    config = result.config
    frames = {"BTC/USDT": synthetic_candles(800, seed=4), "ETH/USDT": synthetic_candles(800, seed=5).iloc[200:]}
    both = backtest(frames, SmaCrossStrategy(config.strategy), config)
    data = both.report()
    held = np.zeros(both.equity.size)
    for trade in both.trades.itertuples():
        index = both.equity.index
        inside = (index >= trade.entry_time) & ((index < trade.exit_time) | (trade.exit_reason == "end"))
        held += inside * trade.quantity * frames[trade.symbol]["close"].reindex(index).ffill().fillna(0).to_numpy()
    np.testing.assert_allclose(data.exposure, held / both.equity.to_numpy(), atol=1e-9)
    assert set(data.certificate) == {"BTC/USDT", "ETH/USDT"}
    assert both.metrics.start_cash + both.metrics.trades.pnl == pytest.approx(both.equity.iloc[-1])
