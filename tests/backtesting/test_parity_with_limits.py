"""Limits that look at other symbols, other orders and the next price: the bot's and a backtest's refuse the same entries.

Not compared for several symbols, because each bot keeps them for itself and at its own moment (docs/backtesting.md): losses in a
row, cooldown, Kelly's record, and what hangs on the account's worth.
"""

import importlib.util
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.backtesting import backtest
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.interfaces import IDataHandler
from app.domain.errors import ConfigError
from app.domain.instrument import Instrument
from app.execution.mock_executor import MockExecutor
from app.repositories import SignalRepository, TradeRepository
from app.strategies.event import EventStrategy

_SPEC = importlib.util.spec_from_file_location("told", Path(__file__).parent / "conftest.py")
_TOLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TOLD)
Told, Spoken, table = _TOLD.Told, _TOLD.Spoken, _TOLD.table
assert_same_decisions, judged_by = _TOLD.assert_same_decisions, _TOLD.judged_by

SYMBOLS = ("A/USDT", "B/USDT", "C/USDT")
FLAT = (100, 101, 99, 100, 10)


class Echo(EventStrategy):
    """Says candle by candle what a table of signals says."""

    warmup = 1

    def start(self):
        """Nothing to begin with."""

    def on_candle(self, candle, portfolio):
        return int(self.told[candle.symbol].get(candle.time_ms, 0))


class Several(IDataHandler):
    """Shows the closed candles of several markets."""

    def __init__(self, frames):
        self.frames, self.clock = frames, ManualClock()

    def instrument(self, symbol):
        return Instrument(symbol, Decimal("0.01"), Decimal("0.001"))

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        frame = self.frames[symbol]
        closed = frame.index.as_unit("ms").asi8 + 60_000 <= self.clock.now_ms()
        return frame[closed].tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.frames[symbol].iloc[-1]


def related_markets(seed):
    """Three markets of which the first two move together, the third one after a while; not all have every candle."""
    random = np.random.default_rng(seed)
    common, frames = random.normal(0, 0.004, 160), {}
    for number, symbol in enumerate(SYMBOLS):
        share = np.where(np.arange(160) < 80, (0.95, 0.9, 0.1)[number], (0.2, 0.9, 0.9)[number])
        moves = share * common + (1 - share) * random.normal(0, 0.004, 160)
        closes = np.round(100 * np.exp(np.cumsum(moves)), 2)
        rows = [(c, c + 0.3, c - 0.3, c, 5.0) for c in closes.tolist()]
        kept = [i for i in range(160) if i != 60 + number * 7]
        frames[symbol] = table([rows[i] for i in kept], minutes=kept)
    return frames


def signals_of(frames, seed):
    random = np.random.default_rng(seed)
    return {
        symbol: pd.Series(random.choice([0, 0, 0, 0, 1, -1], len(frame)), index=frame.index)
        for symbol, frame in frames.items()
    }


def settings_of(symbol, risk):
    return BotConfig.model_validate(
        {
            "exchange": {"name": "binance", "market": {"price_tick": "0.01", "quantity_step": "0.001"}},
            "risk": {"max_position_size_usd": 1000} | risk,
            "strategy": {"name": "told", "symbol": symbol, "timeframe": "1m"},
            "paper": {"cash": 100_000, "fee_rate": "0.001", "slippage_bp": 3},
            "backtest": {"fill": "close"},
        }
    )


def bots_of(handler, signals, risk, session):
    """One bot for each market, with one ledger."""
    bots = []
    for symbol in handler.frames:
        config = settings_of(symbol, risk)
        trades, recorded, paper = TradeRepository(session), SignalRepository(session), config.paper
        executor = MockExecutor(
            trades, recorded, cash=paper.cash, fee_rate=paper.fee_rate, slippage_bp=paper.slippage_bp,
            clock=handler.clock, instrument_of=handler.instrument,
        )  # fmt: skip
        strategy = Spoken(signals[symbol], config.strategy)
        bots.append(TradingBot(config, handler, strategy, executor, trades, recorded, clock=handler.clock))
    return bots


def traded_by_bots(frames, signals, risk, session, *, restarted=()):
    """They look one after the other at every close; before some of the closes all are started anew."""
    handler = Several(frames)
    closes = sorted({moment for frame in frames.values() for moment in frame.index.as_unit("ms").asi8 + 60_000})
    bots = bots_of(handler, signals, risk, session)
    for place, moment in enumerate(closes):
        handler.clock._now_ms = int(moment)
        bots = bots_of(handler, signals, risk, session) if place in restarted else bots
        for symbol, bot in zip(frames, bots, strict=True):
            if moment - 60_000 in frames[symbol].index.as_unit("ms").asi8:
                bot.run_once()


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        pytest.param({"limits": {"max_correlation": 0.6}}, "max_correlation", id="correlation"),
        pytest.param(
            {"stop_loss_pct": 0.01, "limits": {"max_orders_per_minute": 1}}, "max_orders_per_minute", id="orders"
        ),
        pytest.param(
            {"limits": {"max_correlation": 0.9, "max_open_positions": 1, "max_orders_per_minute": 2}},
            "max_open_positions", id="all of them",
        ),
    ],
)  # fmt: skip
def test_bots_that_share_an_account_refuse_what_a_backtest_refuses(session, risk, words):
    frames = related_markets(3)
    signals = signals_of(frames, 4)
    traded_by_bots(frames, signals, risk, session)
    config = settings_of("A/USDT", risk)

    class Given(Told):
        """The signals of whichever market it is shown."""

        def generate_signals(self, df):
            ours = next(symbol for symbol, frame in frames.items() if frame["close"].equals(df["close"]))
            return df.assign(signal=signals[ours].to_numpy(dtype="int8"))

    result = backtest(frames, Given(None, config.strategy), config)
    echo = Echo(config.strategy)
    echo.told = {
        symbol: dict(zip(one.index.as_unit("ms").asi8.tolist(), one, strict=True)) for symbol, one in signals.items()
    }
    called = backtest(frames, echo, config)
    pd.testing.assert_frame_equal(called.orders, result.orders, check_exact=True)
    for symbol in frames:
        own = result.decisions[result.decisions["symbol"] == symbol]
        assert_same_decisions(judged_by(session, symbol), own)
    reasons = result.decisions["reason"].astype(str)
    assert reasons.str.contains(words).any()
    assert reasons.str.startswith("entered").sum() > 10


@pytest.mark.parametrize("restarted", [(), (5,)], ids=["without a break", "after a restart"])
def test_a_drawdown_halts_nobody_while_another_bot_holds_what_its_stop_must_sell(session, restarted):
    """The bot without a position sees the fall, too; were all halted by it, the other one's stop would sleep."""
    falling = [*[FLAT] * 4, (97, 98, 96, 97, 10), (96, 97, 95, 96, 10), (90, 91, 89, 90, 10), FLAT]
    frames = {"A/USDT": table(falling), "B/USDT": table([FLAT] * 8)}
    signals = {
        symbol: pd.Series([0, 0, 0, int(symbol[0] == "A"), 0, 0, 0, 0], index=frames[symbol].index) for symbol in frames
    }
    risk = {
        "max_position_size_usd": 50_000, "exits": {"stop_loss_atr": 3, "atr_candles": 1},
        "limits": {"max_drawdown_pct": 0.01, "close_on_drawdown": False},
    }  # fmt: skip
    traded_by_bots(frames, signals, risk, session, restarted=restarted)
    sides = [trade.side.value for trade in TradeRepository(session).get_by_symbol("A/USDT")]
    assert sides == ["sell", "buy"]


def test_an_entry_is_refused_when_the_next_open_leaves_the_band_around_the_close(settings):
    rows = [FLAT, FLAT, (101, 102, 100, 101, 10), FLAT, FLAT, (101.01, 102, 100, 101, 10), FLAT, FLAT]
    risk = {"limits": {"price_band_pct": 0.01}}
    result = backtest(table(rows), Told([0, 1, 0, -1, 1, 0, 0, 0]), settings(risk=risk))
    assert list(result.decisions["action"]) == ["enter", "exit", "hold"]
    assert "risk.limits.price_band_pct" in result.decisions["reason"].iloc[-1]
    assert list(result.orders["price"]) == [101.0, 100.0]
    assert len(backtest(table(rows), Told([0, 1, 0, -1, 1, 0, 0, 0]), settings(risk=risk), fill="close").trades) == 2


def test_an_exit_counts_as_an_order_of_its_minute(settings):
    rows = [FLAT, FLAT, FLAT, (99, 100, 97, 98, 10), FLAT, FLAT]
    risk = {"stop_loss_pct": 0.02, "limits": {"max_orders_per_minute": 1}}
    result = backtest(table(rows), Told([0, 1, 0, 1, 0, 1]), settings(risk=risk))
    assert "max_orders_per_minute" in result.decisions["reason"].iloc[1]
    assert list(result.decisions["action"]) == ["enter", "hold", "enter"]


def test_orders_per_minute_on_candles_of_a_second_are_refused_rather_than_guessed(settings):
    frame = table([FLAT] * 5, minutes=[i / 60 for i in range(5)])
    config = settings(risk={"limits": {"max_orders_per_minute": 2}}, strategy={"timeframe": "1s"})
    with pytest.raises(ConfigError, match="max_orders_per_minute is 2"):
        backtest(frame, Told([0, 1, 0, 0, 0]), config)
