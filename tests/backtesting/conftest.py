"""Small markets as tables, and a strategy whose signals are written beside the candles."""

import re
from itertools import zip_longest

import pandas as pd
import pytest

from app.config.models import BotConfig, StrategyConfig
from app.core.clock import ManualClock
from app.core.interfaces import IDataHandler
from app.repositories import StepRepository
from app.strategies.base import BaseStrategy

# What a hole, and a market's minimum, add to the bot's words.
UNJUDGED = re.compile(r"( \((caught up: .*|\d+ candles went by unjudged|(quantity|notional) [^()]*)\))+$")
MARKET = {"price_tick": "0.01", "quantity_step": "0.001"}


class Told(BaseStrategy):
    """Gives the signals that it was given."""

    def __init__(self, signals, config=None, warmup=1):
        super().__init__(config or StrategyConfig(name="told", symbol="BTC/USDT", timeframe="1m"))
        self._signals = signals
        self._warmup = warmup

    @property
    def warmup(self):
        return self._warmup

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=pd.Series(self._signals, index=df.index, dtype="int8"))


class Spoken(Told):
    """Told, by the candles' times, on whatever window."""

    def generate_signals(self, df):
        return df.assign(signal=self._signals.reindex(df.index).fillna(0).astype("int8"))


class Shown(IDataHandler):
    """Shows the closed candles of a table."""

    def __init__(self, frame, market, length_ms=60_000):
        self.frame, self.market, self.length_ms, self.clock = frame, market, length_ms, ManualClock()

    def instrument(self, symbol):
        return self.market

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        newest = pd.Timestamp(self.clock.now_ms() - self.length_ms, unit="ms", tz="UTC")
        shown = self.frame.index.searchsorted(newest, side="right")
        return self.frame.iloc[max(shown - limit, 0) : shown]

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[-1]


def table(rows, start="2025-01-01", minutes=None):
    """Candles from rows of open, high, low, close, volume; `minutes` says when each opens."""
    minutes = range(len(rows)) if minutes is None else minutes
    index = pd.DatetimeIndex([pd.Timestamp(start, tz="UTC") + pd.Timedelta(minutes=m) for m in minutes], name="time")
    return pd.DataFrame(
        [map(float, row) for row in rows], columns=["open", "high", "low", "close", "volume"], index=index
    )


def spoken(step):
    """Candle, signal, action and reason of a bot's decision."""
    return step.candle_time, step.signal_value, step.action, UNJUDGED.sub("", step.reason)


def judged_by(session, symbol):
    """What a bot decided on each signal, oldest first."""
    return [
        spoken(step)
        for step in reversed(StepRepository(session).latest(symbol, "1m", 10_000))
        if step.signal_value is not None
    ]


def assert_same_decisions(judged, decisions):
    """Where the bot judged, the pass decided the same for the same reason; elsewhere nothing but an exit by the clock."""
    candles = {moment for moment, *_ in judged}
    decided = list(zip(decisions["time"], decisions["signal"], decisions["action"], decisions["reason"], strict=True))
    told = [one for one in judged if one[1] or one[2] == "exit"]
    apart = [pair for pair in zip_longest(told, [one for one in decided if one[0] in candles]) if pair[0] != pair[1]]
    assert not apart, f"the bot decided {apart[0][0]}, the backtest {apart[0][1]}"
    assert {one[2] for one in decided if one[0] not in candles} <= {"no decision", "exit"}


@pytest.fixture
def settings():
    """Settings with 1,000 a position, no costs, a cent as tick; keyword arguments lay sections over them."""

    def make(**sections):
        document = {
            "exchange": {"name": "binance", "market": MARKET},
            "risk": {"max_position_size_usd": 1000},
            "strategy": {"name": "told", "symbol": "BTC/USDT", "timeframe": "1m", "params": {}},
            "paper": {"cash": 10_000, "fee_rate": 0, "slippage_bp": 0},
        }
        for name, section in sections.items():
            document[name] = document.get(name, {}) | section
        return BotConfig.model_validate(document)

    return make
