"""The kill switch: a file that stops everything, over restarts, until a person lifts it."""

import os
from decimal import Decimal

import pandas as pd
import pytest

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.interfaces import IDataHandler
from app.core.kill_switch import KillSwitch, StopOrNews, Wish
from app.core.stop import StopFlag
from app.execution.mock_executor import MockExecutor
from app.repositories import RiskRepository, SignalRepository, StepRepository, TradeRepository
from app.strategies.base import BaseStrategy

BTC = "BTC/USDT"


class Scripted(BaseStrategy):
    """101 buys, 99 sells."""

    warmup = 1

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df["close"] == 101).astype(int) - (df["close"] == 99).astype(int))


class Handler(IDataHandler):
    def __init__(self, frame):
        self.frame, self.clock = frame, ManualClock()

    def show(self, count):
        self.shown = self.frame.iloc[:count]
        self.clock._now_ms = int(self.shown.index[-1].timestamp() * 1_000) + 60_000

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.shown.tail(limit)

    def get_latest_bar(self, symbol, timeframe):
        return self.shown.iloc[-1]


class Watched(MockExecutor):
    """Counts how often it is told to cancel everything."""

    cancelled = 0

    def cancel_orders(self, symbol):
        self.cancelled += 1
        return 0


@pytest.fixture
def start(session, candles, tmp_path):
    """A bot, as after a start: on the same database and file each time."""
    handler = Handler(candles([100.0, 101.0, 100.0, 99.0, 100.0, 101.0, 100.0]))

    def make():
        config = BotConfig.model_validate(
            {
                "exchange": {"name": "binance"},
                "strategy": {"name": "scripted", "symbol": BTC, "timeframe": "1m"},
                "db_path": str(tmp_path / "keel.db"),
            }
        )
        trades, signals = TradeRepository(session), SignalRepository(session)
        executor = Watched(trades, signals, clock=handler.clock)
        return TradingBot(config, handler, Scripted(config.strategy), executor, trades, signals)

    make.handler = handler
    make.switch = KillSwitch(str(tmp_path / "keel.db"))
    return make


def run(start, bot, *counts):
    for count in counts:
        start.handler.show(count)
        bot.run_once()


def sides(bot):
    return [trade.side.value for trade in reversed(bot.trade_repo.get_by_symbol(BTC))]


def reasons(session):
    return [step.reason for step in reversed(StepRepository(session).latest(BTC, "1m", 100))]


def test_a_halt_cancels_orders_and_makes_none_until_it_is_lifted(start, session):
    bot = start()
    run(start, bot, 1, 2)
    start.switch.ask(Wish.HALT)
    run(start, bot, 3, 4)
    assert (sides(bot), bot.executor.cancelled) == (["buy"], 1)
    assert reasons(session)[-1].startswith("no decision: halted: everything is halted by hand")
    again = start()
    start.switch.clear()  # taking the file away lifts nothing
    run(start, again, 5)
    assert reasons(session)[-1].startswith("no decision: halted")
    start.switch.ask(Wish.RESUME)
    run(start, again, 5)
    assert sides(again) == ["buy", "sell"]
    assert "caught up: signal of 2025-01-01 00:03" in reasons(session)[-1]
    assert not start.switch.path.exists()


def test_a_halt_that_closes_sells_what_is_held_and_then_makes_no_order(start, session):
    bot = start()
    run(start, bot, 1, 2)
    start.switch.ask(Wish.HALT_AND_CLOSE)
    run(start, bot, 3, 4, 5, 6)
    assert sides(bot) == ["buy", "sell"]
    assert "exited: closed by hand (kill switch)" in reasons(session)
    assert bot.trade_repo.position(BTC).is_flat


def test_a_halt_can_be_followed_by_one_that_closes(start):
    bot = start()
    run(start, bot, 1, 2)
    for wish in (Wish.HALT, Wish.HALT_AND_CLOSE, Wish.HALT_AND_CLOSE):
        start.switch.ask(wish)
        run(start, bot, 3)
    assert sides(bot) == ["buy", "sell"]
    assert bot._desk.book.is_halted


def test_any_file_of_that_name_halts(start, session):
    bot = start()
    start.switch.path.touch()
    run(start, bot, 1, 2)
    assert sides(bot) == []


def test_a_failing_sale_is_tried_again_and_nothing_else_is_done(start, monkeypatch):
    bot = start()
    run(start, bot, 1, 2)
    start.switch.ask(Wish.HALT_AND_CLOSE)
    execute = bot.executor.execute_order
    bot.executor.execute_order = lambda **_: (_ for _ in ()).throw(ConnectionError("no answer"))
    with pytest.raises(ConnectionError):
        run(start, bot, 3)
    bot.executor.execute_order = execute
    run(start, start(), 3)
    assert sides(bot) == ["buy", "sell"]


def test_a_wait_ends_when_the_switch_says_something_new(tmp_path):
    switch, stop = KillSwitch(str(tmp_path / "keel.db")), StopFlag()
    wait = StopOrNews(stop, switch)
    assert not wait.is_set()
    switch.ask(Wish.HALT)
    assert wait.wait(60)
    assert switch.wish() is Wish.HALT
    assert not wait.is_set()
    os.utime(switch.path, ns=(1, 1))
    assert wait.is_set()


@pytest.mark.parametrize(
    ("db_path", "name"),
    [("keel.db", "keel.db.halt"), ("sqlite:///a/keel.db", "a/keel.db.halt"), ("postgresql://host/keel", "keel.halt")],
)
def test_the_file_lies_beside_the_database(db_path, name):
    assert str(KillSwitch(db_path).path) == name


def test_a_database_in_memory_has_no_switch():
    switch = KillSwitch(":memory:")
    switch.ask(Wish.HALT)
    assert switch.wish() is None


# --- what the account came to


def test_equity_is_kept_once_per_candle_and_days_with_each_trade(start, session):
    bot = start()
    for count in (1, 2, 2, 3, 4, 4):
        run(start, bot, count)
    risk = RiskRepository(session)
    kept = risk.snapshots(BTC, 100)
    assert [row.close for row in reversed(kept)] == [100.0, 101.0, 100.0, 99.0]
    held = next(row for row in kept if row.close == 100.0)
    paid = bot.trade_repo.get_by_symbol(BTC)[-1]
    cost = paid.price * paid.quantity + paid.fee
    assert held.equity == 10_000 + held.held * 100 - cost == 10_000 + held.unrealized
    day = risk.day(pd.Timestamp("2025-01-01", tz="UTC"), "USDT")
    trades = bot.trade_repo.get_by_symbol(BTC)
    assert (day.trades, day.fees) == (2, sum(trade.fee for trade in trades))
    assert day.realized == bot.trade_repo.position(BTC).realized == trades[0].pnl
    assert day.funding == Decimal(0)
