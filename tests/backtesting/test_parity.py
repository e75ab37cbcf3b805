"""Compiled pass, event engine and the bot itself on the same candles: the same decisions, the same trades.

The bot runs cycle by cycle with its paper executor, which fills at the close; that rule the three share.
"""

import importlib.util
import shutil
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backtesting import backtest
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.database import Database
from app.data.files import read_candles
from app.domain.instrument import Instrument
from app.execution.mock_executor import MockExecutor
from app.indicators.incremental import Sma
from app.repositories import SignalRepository, TradeRepository
from app.strategies.event import EventStrategy
from app.strategies.sma_cross import SmaCrossStrategy

_SPEC = importlib.util.spec_from_file_location("told", Path(__file__).parent / "conftest.py")
_TOLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TOLD)
Shown, table = _TOLD.Shown, _TOLD.table
assert_same_decisions, judged_by = _TOLD.assert_same_decisions, _TOLD.judged_by

MARKET = Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.001"))
PARAMS = {"fast_window": 2, "slow_window": 4}


class Cross(EventStrategy):
    """`SmaCrossStrategy`, candle by candle."""

    defaults: ClassVar = {"fast_window": 10, "slow_window": 50}

    @property
    def warmup(self):
        return self.params["slow_window"] + 1

    def start(self):
        self.fast, self.slow = Sma(self.params["fast_window"]), Sma(self.params["slow_window"])
        self.was = (np.nan, np.nan)

    def on_candle(self, candle, portfolio):
        (fast, slow), self.was = self.was, (self.fast(candle.close), self.slow(candle.close))
        return (fast <= slow and self.was[0] > self.was[1]) - (fast >= slow and self.was[0] < self.was[1])


def traded_by_the_bot(frame, config, path):
    """What a bot did that looked at each candle when it had closed.

    Returns:
        Side, quantity, price, fee and candle of every fill; candle, signal, action and reason of every decision.
    """
    database, handler = Database(), Shown(frame, MARKET)
    database.open(path)
    with database.session_scope() as session:
        trades, signals = TradeRepository(session), SignalRepository(session)
        paper = config.paper
        executor = MockExecutor(
            trades, signals, cash=paper.cash, fee_rate=paper.fee_rate, slippage_bp=paper.slippage_bp,
            clock=handler.clock, instrument_of=lambda symbol: MARKET,
        )  # fmt: skip
        bot = TradingBot(
            config, handler, SmaCrossStrategy(config.strategy), executor, trades, signals, clock=handler.clock
        )
        for closes_ms in (frame.index.as_unit("ms").asi8 + 60_000).tolist():
            handler.clock._now_ms = closes_ms
            bot.run_once()
        booked = [
            (trade.side.value, float(trade.quantity), float(trade.price), float(trade.fee), trade.timestamp)
            for trade in trades.get_by_symbol("BTC/USDT", limit=10_000)
        ]
        judged = judged_by(session, "BTC/USDT")
    database.close()
    return booked[::-1], judged  # oldest first


def settings_of(risk, **paper):
    return BotConfig.model_validate(
        {
            "exchange": {"name": "binance", "market": {"price_tick": "0.01", "quantity_step": "0.001"}},
            "risk": {"max_position_size_usd": 1000} | risk,
            "strategy": {"name": "sma_cross", "symbol": "BTC/USDT", "timeframe": "1m", "params": PARAMS},
            "paper": {"cash": 10_000, "fee_rate": "0.001", "slippage_bp": 3} | paper,
            "backtest": {"fill": "close"},
        }
    )


def tie(frame, config, path):
    """Compare the three; how many fills there were."""
    compiled = backtest(frame, SmaCrossStrategy(config.strategy), config)
    called = backtest(frame, Cross(config.strategy), config)
    pd.testing.assert_frame_equal(called.orders, compiled.orders, check_exact=True)
    pd.testing.assert_frame_equal(called.trades, compiled.trades, check_exact=True)
    plain = compiled.setup.run(equity=True, skip=False)
    assert plain.orders[:, :11].tobytes() == compiled.tapes.orders[:, :11].tobytes()
    assert plain.equity.tobytes() == compiled.equity.to_numpy().tobytes()
    (booked, judged), orders = traded_by_the_bot(frame, config, path), compiled.orders
    assert_same_decisions(judged, compiled.decisions)
    assert [row[0] for row in booked] == list(orders["side"])
    for place, column in enumerate(("quantity", "price", "fee"), start=1):
        np.testing.assert_allclose([row[place] for row in booked], orders[column], rtol=1e-9)
    assert [row[-1] for row in booked] == list(orders["time"] + pd.Timedelta(minutes=1))
    return len(booked)


moves = st.lists(st.sampled_from([-300, -50, -1, 0, 0, 1, 50, 300]), min_size=30, max_size=80)


@st.composite
def markets(draw):
    """Candles in cents around 100, with ties, gaps between close and open, candles without volume, and holes."""
    steps = draw(moves)
    closes = np.maximum(10_000 + np.cumsum(steps), 500)  # a candle's price is never 0
    gaps = draw(st.lists(st.sampled_from([0, 0, 0, 120, -120]), min_size=len(steps), max_size=len(steps)))
    wicks = draw(st.lists(st.integers(0, 150), min_size=len(steps), max_size=len(steps)))
    volumes = draw(st.lists(st.sampled_from([0.0, 1.0, 5.0, 5.0]), min_size=len(steps), max_size=len(steps)))
    opens = np.concatenate([closes[:1], closes[:-1]]) + gaps
    rows = [
        (o / 100, (max(o, c) + w) / 100, (min(o, c) - w) / 100, c / 100, v)
        for o, c, w, v in zip(opens.tolist(), closes.tolist(), wicks, volumes, strict=True)
    ]
    lost = draw(st.sets(st.integers(1, len(steps) - 2), max_size=2))
    kept = [i for i in range(len(rows)) if i not in lost]
    return table([rows[i] for i in kept], minutes=kept)


RISKS = [
    {},
    {"max_position_size_usd": 15_000, "stop_loss_pct": 0.01, "take_profit_pct": 0.02},
    {"exits": {"trailing_stop_pct": 0.01, "trailing_from_pct": 0.005, "break_even_pct": 0.004, "max_hold_candles": 6}},
    {
        "take_profit_pct": 0.05,
        "exits": {"take_profit_stages": [{"profit_pct": 0.01, "close_share": 0.5}, {"profit_pct": 0.02, "close_share": 0.3}]},
    },
    {"exits": {"stop_loss_atr": 1.5, "take_profit_atr": 2.0, "atr_candles": 5}, "max_entries": 2, "max_position_size_usd": 3_000},
    {"stop_loss_pct": 0.01, "sizing": {"method": "risk", "risk_pct": 0.01}, "max_position_size_usd": 50_000},
    {"sizing": {"method": "equity", "equity_share": 0.9}, "max_position_size_usd": 50_000,
     "limits": {"max_daily_loss_pct": 0.01, "max_consecutive_losses": 2, "cooldown_candles": 5}, "stop_loss_pct": 0.01},
    {"sizing": {"method": "kelly", "equity_share": 0.5, "kelly_trades": 2}, "limits": {"max_drawdown_pct": 0.03}},
    {"sizing": {"method": "amount", "amount_usd": 1_700}, "max_entries": 3, "max_position_size_usd": 3_000},
    {"sizing": {"method": "kelly", "equity_share": 0.5, "kelly_trades": 2}, "max_entries": 2, "stop_loss_pct": 0.03},
]  # fmt: skip
risks = st.sampled_from(RISKS)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=markets(), risk=risks, slippage=st.sampled_from([0, 3, 25]))
def test_compiled_pass_event_engine_and_bot_make_the_same_trades(migrated_database, tmp_path, frame, risk, slippage):
    path = shutil.copy(migrated_database, tmp_path / "keel.db")
    tie(frame, settings_of(risk, slippage_bp=slippage, cash=20_000), path)


@pytest.mark.soak
@pytest.mark.timeout(3_000)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(frame=markets(), risk=risks, slippage=st.sampled_from([0, 3, 25]))
def test_the_three_make_the_same_trades_again_and_again(migrated_database, tmp_path, frame, risk, slippage):
    path = shutil.copy(migrated_database, tmp_path / "keel.db")
    tie(frame, settings_of(risk, slippage_bp=slippage, cash=20_000), path)


@pytest.mark.parametrize(
    ("file", "risk"),
    [
        pytest.param("crash-2021-05", RISKS[1], id="the crash with its hole of 284 minutes, stop and target"),
        pytest.param("crash-2021-05", RISKS[2], id="the same, trailing and break-even"),
        pytest.param("dirty", RISKS[3], id="a dirty file, stages"),
    ],
)
def test_the_three_agree_on_real_candles(market_data, migrated_database, tmp_path, file, risk):
    path = max((market_data / file).glob("*BTC*"))
    candles, _ = read_candles(path)
    frame = candles.frame()
    hole = int(np.argmax(np.diff(frame.index.asi8)))
    around = frame.iloc[max(hole - 100, 0) : hole + 120]
    database = shutil.copy(migrated_database, tmp_path / "keel.db")
    assert tie(around, settings_of(risk, cash=1_000_000), database) > 10
