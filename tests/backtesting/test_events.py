"""Strategies with a callback per candle make the trades of their vectorised twins."""

import sys

import numpy as np
import pandas as pd
import pytest

from app.backtesting import backtest
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.domain.errors import StrategyError
from app.indicators.incremental import Sma
from app.strategies.event import EventStrategy, Request
from app.strategies.guarded import signal_frame
from app.strategies.sma_cross import SmaCrossStrategy

CONFIG = StrategyConfig(name="cross", symbol="BTC/USDT", timeframe="1m")
COSTS = {"fee": "0.001", "slippage_bp": 2, "cash": 50_000}


class Cross(EventStrategy):
    warmup = 51

    def start(self):
        self.fast, self.slow, self.was = Sma(10), Sma(50), (np.nan, np.nan)

    def on_candle(self, candle, portfolio):
        (fast, slow), self.was = self.was, (self.fast(candle.close), self.slow(candle.close))
        return (fast <= slow and self.was[0] > self.was[1]) - (fast >= slow and self.was[0] < self.was[1])


class Answers(EventStrategy):
    """Answers what a function of the row and the portfolio says."""

    def __init__(self, answer):
        super().__init__(CONFIG)
        self.answer = answer

    def start(self):
        self.row = -1

    def on_candle(self, candle, portfolio):
        self.row += 1
        return self.answer(self.row, candle, portfolio)


@pytest.fixture(scope="module")
def market():
    return synthetic_candles(8_000, seed=11)


RISKS = [
    {},
    {"stop_loss_pct": 0.002, "take_profit_pct": 0.004},
    {"exits": {"trailing_stop_pct": 0.003, "trailing_from_pct": 0.001, "max_hold_candles": 40}},
    {"exits": {"stop_loss_atr": 2.0}, "limits": {"max_daily_loss_pct": 0.001, "cooldown_candles": 30}},
]


@pytest.mark.parametrize("risk", RISKS, ids=str)
@pytest.mark.parametrize("options", [{}, {"fill": "close"}, {"shorts": True, "volume_share": 0.01}], ids=str)
def test_the_event_engine_makes_the_trades_of_the_compiled_pass_bit_for_bit(settings, market, risk, options):
    market = market.drop(market.index[[3_000, 3_001, 5_555]])
    config = settings(risk=risk | {"max_position_size_usd": 5_000})
    called, compiled = (
        backtest(market, Cross(CONFIG), config, **COSTS, **options),
        backtest(market, SmaCrossStrategy(CONFIG), config, **COSTS, **options),
    )
    assert len(called.trades) > 20
    pd.testing.assert_frame_equal(called.orders, compiled.orders, check_exact=True)
    pd.testing.assert_frame_equal(called.trades, compiled.trades, check_exact=True)
    assert called.equity.iloc[-1] == compiled.equity.iloc[-1]


def test_several_symbols_make_the_same_trades_with_callbacks_and_compiled(settings, market):
    others = {
        "BTC/USDT": market.iloc[100:],
        "ETH/USDT": synthetic_candles(7_000, seed=3),
        "SOL/USDT": market.iloc[:4_000],
    }
    config = settings(risk={"max_position_size_usd": 8_000, "stop_loss_pct": 0.01, "limits": {"max_open_positions": 2}})
    options = COSTS | {"cash": 12_000}
    called, compiled = (
        backtest(others, Cross(CONFIG), config, **options),
        backtest(others, SmaCrossStrategy(CONFIG), config, **options),
    )
    assert set(called.trades["symbol"]) == set(others)
    pd.testing.assert_frame_equal(called.orders, compiled.orders, check_exact=True)
    assert compiled.equity.iloc[-1] == pytest.approx(12_000 + compiled.trades["pnl"].sum(), rel=1e-12)
    assert (compiled.decisions["reason"].str.contains("max_open_positions")).any()
    assert compiled.equity.min() > 0


def test_a_strategy_sees_its_portfolio_and_asks_for_quantity_and_limit(settings, market):
    seen = []

    def answer(row, candle, portfolio):
        seen.append((portfolio.quantity, portfolio.entry))
        if row == 2:
            return Request(1, quantity=0.004, limit=candle.close + 50)
        return -1 if portfolio.quantity and row > 9 else 0

    result = backtest(market.iloc[:20], Answers(answer), settings())
    (trade,) = result.trades.to_dict("records")
    assert trade["quantity"] == 0.004
    assert trade["entry_price"] == round(market["close"].iloc[2] + 50, 2)
    assert seen[3] == (0.004, trade["entry_price"])
    assert trade["exit_time"] == market.index[11]
    assert list(result.orders["order_type"]) == ["limit", "market"]
    assert result.equity.iloc[-1] == pytest.approx(10_000 + trade["pnl"])


def test_the_same_class_gives_signals_to_a_bot(market):
    one_by_one, at_once = signal_frame(Cross(CONFIG), market), signal_frame(SmaCrossStrategy(CONFIG), market)
    assert np.array_equal(one_by_one["signal"], at_once["signal"])


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda row, candle, portfolio: 2, "answered 2 to the candle of 2025-01-01 00:00"),
        (lambda row, candle, portfolio: "buy", "answered 'buy'"),
        (lambda row, candle, portfolio: Request(1, quantity=-1.0), "give 1, -1, 0 or a Request"),
        (lambda row, candle, portfolio: Request(1, quantity=np.nan), "quantity=nan"),
        (lambda row, candle, portfolio: Request(1, limit="low"), "limit='low'"),
        (lambda row, candle, portfolio: 1 // (5 - row), "ZeroDivisionError in "),
        (lambda row, candle, portfolio: sys.exit(3), "SystemExit in "),
    ],
)
def test_an_answer_that_is_none_is_named(market, answer, sentence):
    with pytest.raises(StrategyError) as refusal:
        backtest(market.iloc[:9], Answers(answer))
    assert sentence in str(refusal.value)


def test_a_strategy_that_looks_at_its_portfolio_is_refused_in_a_bot(market):
    with pytest.raises(StrategyError, match="portfolio.quantity"):
        signal_frame(Answers(lambda row, candle, portfolio: int(portfolio.quantity == 0)), market)


@pytest.mark.parametrize("symbols", [("BTC/USDT",), ("BTC/USDT", "ETH/USDT")])
def test_a_strategy_that_raises_is_told_with_its_line_and_candle(market, symbols):
    with pytest.raises(StrategyError) as refusal:
        backtest(dict.fromkeys(symbols, market.iloc[:9]), Answers(lambda row, *_: 1 // (5 - row)))
    sentence = str(refusal.value)
    assert sentence.startswith("strategy Answers: ZeroDivisionError in ")
    assert "test_events.py line " in sentence
    assert sentence.endswith("by zero (at the candle of 2025-01-01 00:05:00+00:00)")


def test_a_start_that_fails_is_told_with_its_line(market):
    class Unready(Cross):
        def start(self):
            raise ValueError("not today")

    with pytest.raises(StrategyError, match=r"strategy Unready: ValueError in .*test_events.py line \d+: not today"):
        backtest(market, Unready(CONFIG))
