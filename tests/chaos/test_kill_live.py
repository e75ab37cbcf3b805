"""A live bot killed at every commit and at every request ends with a ledger that equals the exchange, no order twice."""

import os
import random
import shutil
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from sqlalchemy import event

from app.config.models import BotConfig, ExchangeConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.interfaces import BaseStrategy, IDataHandler
from app.core.sqlite import sqlite_module
from app.domain.errors import KeelError
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.repositories import SignalRepository, StepRepository, TradeRepository

BTC = "BTC/USDT"
SIGNALS = [0, 1, 0, -1, 1, -1]
TRADES = 4
MINUTE_MS = 60_000
START = pd.Timestamp("2026-01-01", tz="UTC")


class Scripted(BaseStrategy):
    """The signal is the volume minus one."""

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df["volume"] - 1).astype("int8"))


class Script(IDataHandler):
    """Candles at the exchange's present price, whose volume carries the signal; the newest `shown` exist."""

    def __init__(self, price: float) -> None:
        index = pd.date_range(START, periods=len(SIGNALS), freq="1min")
        ohlc = dict.fromkeys(("open", "high", "low", "close"), price)
        self.frame = pd.DataFrame({**ohlc, "volume": [float(signal + 1) for signal in SIGNALS]}, index=index)
        self.clock = ManualClock()
        self.shown = 0

    def show(self, shown: int) -> None:
        self.shown = shown
        self.clock.wait_until(int(START.timestamp() * 1000) + shown * MINUTE_MS, threading.Event())

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.frame.iloc[: self.shown]

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[self.shown - 1]


def exchange_of(address: Any, key: str) -> CcxtExchange:
    config = ExchangeConfig(name="binance", rest_url=address.rest_url, api_key=key, api_secret=f"secret-{key}")
    return CcxtExchange(config, order_timeout_ms=5_000)


def trade(path: Path, operator: Any, key: str, arm: Callable[[Database], None]) -> None:
    """Judge every candle that is not judged yet; a candle in doubt is judged again while the exchange's time passes."""
    database = Database()
    database.open(path)
    arm(database)
    document = {
        "exchange": {"name": "binance"},
        "risk": {"max_position_size_usd": 600},
        "strategy": {"name": "script", "symbol": BTC},
    }
    config = BotConfig.model_validate(document)
    with database.session_scope() as session:
        trades, signals, steps = TradeRepository(session), SignalRepository(session), StepRepository(session)
        exchange = exchange_of(operator.address, key)
        executor = LiveExecutor(trades, exchange, prefix="keel-kill")
        handler = Script(float(exchange._client.fetch_ticker(BTC)["last"]))
        settled = steps.last_settled(BTC, "1m")
        judged = 0 if settled is None else int((settled.candle_time - START) / pd.Timedelta("1min")) + 1
        handler.show(max(judged, 1))
        bot = TradingBot(config, handler, Scripted(config.strategy), executor, trades, signals, steps=steps)
        for shown in range(max(judged, 1), len(SIGNALS) + 1):
            handler.show(shown)
            for _ in range(10):
                with suppress(KeelError):
                    bot.run_once()
                    break
                operator.advance(30)
    database.close()


def kill_at(number: int) -> tuple[Callable[[Database], None], list[int]]:
    """Kill this process at the n-th moment: a commit, a request about to leave, or an answer that has just come."""
    moments = [0]

    def tick(*_: object) -> None:
        moments[0] += 1
        if moments[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(database: Database) -> None:
        event.listen(database.engine, "commit", tick)
        send = requests.Session.send

        def watched(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            tick()
            answer = send(self, request, **options)
            tick()
            return answer

        requests.Session.send = watched

    return arm, moments


def killed_child(path: Path, operator: Any, key: str, number: int) -> bool:
    """Trade in a forked process that is killed at its n-th moment; whether it was killed before its end."""
    pid = os.fork()
    if pid == 0:
        try:
            trade(path, operator, key, kill_at(number)[0])
        except BaseException:  # noqa: BLE001  a forked child must not return into pytest
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def assert_ledger_equals_exchange(path: Path, operator: Any, key: str) -> None:
    exchange = exchange_of(operator.address, key)
    executed = {
        report.client_id: report.filled
        for report in exchange.orders_since(BTC, exchange.now_ms() - 80_000_000)
        if report.filled
    }
    with closing(sqlite_module().connect(path)) as connection:
        booked: dict[str, Decimal] = {}
        for order_id, quantity in connection.execute("SELECT order_id, quantity FROM trades"):
            booked[order_id] = booked.get(order_id, Decimal(0)) + Decimal(quantity)
        held = Decimal(connection.execute("SELECT total_buys FROM holdings").fetchone()[0]) - Decimal(
            connection.execute("SELECT total_sells FROM holdings").fetchone()[0]
        )
        in_doubt = connection.execute(
            "SELECT count(*) FROM orders WHERE status IN ('created', 'submitted', 'unknown')"
        ).fetchone()[0]
    balance = exchange.balances().get("BTC")
    assert booked == executed
    assert len(executed) == TRADES
    assert held == (balance.total if balance else 0)
    assert in_doubt == 0


@pytest.fixture
def sweep(tmp_path, migrated_database, operator) -> Callable[[list[int]], int]:
    """Kill a bot of its own at each of the moments, let it finish, compare; how many were really killed."""

    def run(moments: list[int]) -> int:
        kills = 0
        for number in moments:
            path, key = tmp_path / f"{number}-{kills}.db", operator.new_customer()
            shutil.copy(migrated_database, path)
            kills += killed_child(path, operator, key, number)
            assert not killed_child(path, operator, key, 0)
            assert_ledger_equals_exchange(path, operator, key)
        return kills

    return run


def test_a_kill_at_moments_all_over_the_run_loses_and_doubles_nothing(sweep):
    assert sweep(list(range(10, 150, 23))) > 5


@pytest.mark.soak
def test_a_kill_at_every_single_moment_loses_and_doubles_nothing(sweep, operator):
    assert sweep(list(range(1, 260))) > 140


@pytest.mark.soak
def test_a_thousand_kills_in_a_row_lose_and_double_nothing(tmp_path, migrated_database, operator):
    chance, kills = random.Random(1_000), 0
    while kills < 1_000:
        path, key = tmp_path / f"{kills}.db", operator.new_customer()
        shutil.copy(migrated_database, path)
        while killed_child(path, operator, key, chance.randrange(1, 90)):
            kills += 1
        assert_ledger_equals_exchange(path, operator, key)
