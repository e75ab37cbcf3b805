"""The bot with limit orders that rest: what it decides beside them, and what it remembers of them after a restart."""

from contextlib import suppress
from decimal import Decimal
from typing import ClassVar

import pandas as pd
import pytest

from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.interfaces import BaseStrategy, IDataHandler
from app.domain.errors import OrderPostponed, OrderRejected
from app.execution.paper_limits import PaperLimitExecutor
from app.repositories import OrderRepository, SignalRepository, StepRepository, TradeRepository

BTC = "BTC/USDT"
MINUTE_MS = 60_000


class Table(IDataHandler):
    """Candles that a test writes, one by one; a `b` or an `s` behind the close is its signal."""

    def __init__(self, frame):
        self.frame = frame
        self.clock = ManualClock()
        self.count = 0

    def next(self):
        self.count += 1
        self.clock._now_ms = int(self.frame.index[self.count - 1].timestamp() * 1_000) + MINUTE_MS

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.frame.iloc[: self.count].tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[self.count - 1]


class ByVolume(BaseStrategy):
    """Volume 2 buys, volume 3 sells."""

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df["volume"] == 2).astype(int) - (df["volume"] == 3).astype(int))


@pytest.fixture
def play(session, bot_config, candles):
    """Run the bot over closes and signals, a new bot for each candle; returns the recorded reasons."""

    def run(closes, signals, executor_type=PaperLimitExecutor, before=lambda _: None, **entry):
        frame = candles([float(close) for close in closes])
        frame["volume"] = [{"b": 2.0, "s": 3.0, ".": 1.0}[letter] for letter in signals]
        frame["high"], frame["low"] = frame["high"] + 0.4, frame["low"] - 0.4
        config = bot_config.model_copy(deep=True)
        config.strategy.params = {}
        config.orders.entry = config.orders.entry.model_copy(update={"type": "limit", "limit_offset_bp": 100, **entry})
        handler = Table(frame)
        trades, signal_repo = TradeRepository(session), SignalRepository(session)
        for _ in closes:
            executor = executor_type(
                trades, signal_repo, styles=config.orders.styles(), slippage_bp=Decimal(0), clock=handler.clock
            )
            handler.next()
            before(handler.count)
            with suppress(OrderRejected):
                TradingBot(config, handler, ByVolume(config.strategy), executor, trades, signal_repo).run_once()
        return [step.reason for step in reversed(StepRepository(session).latest(BTC, "1m", 100))]

    return run


def orders(session):
    found = sorted(OrderRepository(session).by_symbol(BTC), key=lambda order: order.id)
    return [(order.order_type, order.side.value, order.status) for order in found]


def test_an_entry_rests_is_filled_and_leaves_by_a_market_order(play, session):
    reasons = play([100, 100, 98, 98], "b..s", time_to_live_s=600)
    assert reasons[0] == "entered: buy signal while flat"
    assert reasons[1].startswith("held: buy order paper-000001 is resting, 0 % filled")
    assert reasons[3].startswith("exited: sell signal while long")
    assert orders(session) == [("limit", "buy", "filled"), ("market", "sell", "filled")]
    assert OrderRepository(session).get("paper-000001").average == 99


def test_a_sell_signal_cancels_an_entry_that_still_rests(play, session):
    reasons = play([100, 100, 100], "b.s", time_to_live_s=600)
    assert reasons[2].startswith("cancelled: sell signal, and buy order paper-000001 is resting")
    assert orders(session) == [("limit", "buy", "canceled")]


def test_an_entry_is_given_up_when_its_time_is_over(play, session):
    reasons = play([100, 100, 100], "b..", time_to_live_s=60, max_repricings=0, fallback="cancel")
    assert reasons[2] == "held: signal is neutral"
    assert orders(session) == [("limit", "buy", "canceled")]


def test_an_order_names_the_candle_and_the_decision_behind_it(play, session):
    play([100], "b")
    order = OrderRepository(session).get("paper-000001")
    assert (order.candle_time, order.reason) == (pd.Timestamp("2025-01-01", tz="UTC"), "entered: buy signal while flat")
    assert (order.purpose, order.first_id, order.attempt) == ("entry", order.id, 1)


class Refusing(PaperLimitExecutor):
    """Refuses as many orders as it is told."""

    refusals: ClassVar[list[Exception]] = []

    def execute_order(self, *args, **options):
        if self.refusals:
            raise self.refusals.pop()
        return super().execute_order(*args, **options)


@pytest.mark.parametrize(
    ("signals", "refusal", "sides"),
    [
        pytest.param("b.s..", OrderRejected, ["buy", "sell"], id="an exit that was refused is tried again"),
        pytest.param("b.s..", OrderPostponed, ["buy", "sell"], id="an exit that was postponed, too"),
    ],
)
def test_an_exit_that_did_not_happen_is_decided_again(play, session, signals, refusal, sides):
    def refuse_the_second(count):
        Refusing.refusals = [refusal("the exchange says no")] if count == 3 else []

    play([100, 98, 98, 98, 98], signals, executor_type=Refusing, before=refuse_the_second, time_to_live_s=600)
    assert [side for _, side, _ in orders(session)] == sides


def test_an_entry_that_was_postponed_is_decided_again_while_its_signal_lasts(play, session):
    def refuse_the_first(count):
        Refusing.refusals = [OrderPostponed("the market is closed")] if count == 1 else []

    play([100, 100, 98], "bb.", executor_type=Refusing, before=refuse_the_first, time_to_live_s=600)
    assert orders(session) == [("limit", "buy", "filled")]


def test_an_entry_that_was_refused_for_good_is_not_decided_again(play, session):
    def refuse_the_first(count):
        Refusing.refusals = [OrderRejected("no")] if count == 1 else []

    play([100, 100, 98], "bb.", executor_type=Refusing, before=refuse_the_first, time_to_live_s=600)
    assert orders(session) == []
