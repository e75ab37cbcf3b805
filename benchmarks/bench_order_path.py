"""From the signal to the order on the wire: the bot's own time, without the network, against bare ccxt in the same run.

`uv run python benchmarks/bench_order_path.py`. The clock starts when the strategy has returned its signal and stops when
the first byte of the POST is handed to the socket. What the exchange takes to answer in between is subtracted, and so is
shown on its own line what the durable commits take. Bare ccxt is one `create_order` on the same exchange.
"""

import gc
import http.client
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import ccxt
import pandas as pd

from app.config.models import BotConfig, ExchangeConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock, SystemClock
from app.core.database import Database
from app.core.interfaces import BaseStrategy, IDataHandler
from app.core.stop import StopFlag
from app.exchanges.ccxt_client import OPTIONS
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.lease import DatabaseLease
from app.execution.live_executor import LiveExecutor
from app.execution.outage_journal import OutageJournal
from app.execution.steadfast import SteadfastExecutor
from app.execution.watched_exchange import WatchedExchange
from app.repositories import LeaseRepository, SignalRepository, StepRepository, TradeRepository
from exchange_simulator.server.running import Address, exchange_process

BTC = "BTC/USDT"
ORDERS = 300
WARM_UP = 30
WINDOW = 70
START = pd.Timestamp("2026-01-01", tz="UTC")


class Stopwatch:
    """Time from `begin` to the first byte of the next POST, and what of it was waiting for others."""

    def __init__(self) -> None:
        self.began = self.sent = self.waited = self.committing = 0.0
        self.commits = self.questions = 0
        self.on_wire = 0.0

    def begin(self) -> None:
        self.began, self.on_wire = time.perf_counter(), 0.0
        self.waited = self.committing = 0.0
        self.commits = self.questions = 0

    @property
    def own_ms(self) -> float:
        return (self.on_wire - self.began - self.waited) * 1_000

    def watch_sockets(self) -> None:
        send, getresponse = http.client.HTTPConnection.send, http.client.HTTPConnection.getresponse
        watch = self

        def timed_send(connection: http.client.HTTPConnection, data: Any) -> None:
            now = time.perf_counter()
            if not watch.on_wire and bytes(data)[:18] == b"POST /api/v3/order":
                watch.on_wire = now
            send(connection, data)
            watch.sent = now

        def timed_answer(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
            answer = getresponse(connection)
            if not watch.on_wire:
                watch.waited += time.perf_counter() - watch.sent
                watch.questions += 1
            return answer

        http.client.HTTPConnection.send = timed_send  # type: ignore[method-assign]
        http.client.HTTPConnection.getresponse = timed_answer  # type: ignore[method-assign]

    def watch_commits(self, database: Database) -> None:
        dialect = database.engine.dialect
        commit = dialect.do_commit

        def timed(connection: Any) -> None:
            begin = time.perf_counter()
            writes = connection.in_transaction and connection.total_changes != timed.changes  # type: ignore[attr-defined]
            timed.changes = connection.total_changes  # type: ignore[attr-defined]
            commit(connection)
            if not self.on_wire and writes:
                self.committing += time.perf_counter() - begin
                self.commits += 1

        timed.changes = 0  # type: ignore[attr-defined]
        dialect.do_commit = timed  # type: ignore[method-assign]


class Alternating(BaseStrategy):
    """Buys and sells in turn; the clock starts when it has said so."""

    watch: Stopwatch
    turn = 0

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        Alternating.turn += 1
        signals = df.assign(signal=1 if Alternating.turn % 2 else -1)
        self.watch.begin()
        return signals


class Candles(IDataHandler):
    """At the exchange's present price, one more at each cycle."""

    def __init__(self, price: float) -> None:
        index = pd.date_range(START, periods=WINDOW + 2 * (ORDERS + WARM_UP), freq="1min")
        self.frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1.0}, index=index)
        self.shown, self.clock = WINDOW, ManualClock()

    def next_candle(self) -> None:
        self.shown += 1
        self.clock.wait_until(int(START.timestamp() * 1_000) + self.shown * 60_000, StopFlag())

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.frame.iloc[self.shown - limit : self.shown]

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[self.shown - 1]


def advance(address: Address) -> None:
    """Let the house fill up the book, and the request budget recover."""
    body = json.dumps({"seconds": 61}).encode()
    urllib.request.urlopen(f"{address.admin_url}/admin/clock/advance", data=body, timeout=20).close()


def bot_times(address: Address, watch: Stopwatch, folder: Path) -> list[tuple[float, float, int, int]]:
    """Own time, time in commits (ms), commits and questions of each order."""
    account = ExchangeConfig(name="binance", rest_url=address.rest_url, api_key="bot", api_secret="secret-bot")
    document = {
        "exchange": {"name": "binance"},
        "risk": {"max_position_size_usd": 100},
        "strategy": {"name": "a", "symbol": BTC},
    }
    config = BotConfig.model_validate(document)
    Alternating.watch = watch
    database = Database()
    database.open(folder / "keel.db")
    watch.watch_commits(database)
    times = []
    with database.session_scope() as session:
        trades, signals, steps = TradeRepository(session), SignalRepository(session), StepRepository(session)
        clock = SystemClock()
        exchange = WatchedExchange(CcxtExchange(account), StopFlag())
        lease = DatabaseLease(LeaseRepository(session), BTC, clock, 3_600_000)
        lease.take()
        executor = SteadfastExecutor(
            lambda ledger: LiveExecutor(ledger, exchange, prefix="keel-bench"),
            trades, exchange, OutageJournal(folder / "keel.db.outage"), lease=lease, clock=clock,
        )  # fmt: skip
        handler = Candles(float(exchange.last_price(BTC)))
        bot = TradingBot(config, handler, Alternating(config.strategy), executor, trades, signals, steps=steps)
        for number in range(ORDERS + WARM_UP):
            handler.next_candle()
            if number == WARM_UP:
                gc.collect()
            bot.run_once()
            assert watch.on_wire, "no order was sent"
            if number >= WARM_UP:
                times.append((watch.own_ms, watch.committing * 1_000, watch.commits, watch.questions))
            advance(address)
    database.close()
    return times


def bare_times(address: Address, watch: Stopwatch) -> list[float]:
    """Milliseconds from calling ccxt's create_order to the wire."""
    client = ccxt.binance({"apiKey": "bare", "secret": "secret-bare", "enableRateLimit": False, "options": OPTIONS})
    for access in ("public", "private"):
        client.urls["api"][access] = f"{address.rest_url}/api/v3"
    client.load_markets()
    times = []
    for number in range(ORDERS + WARM_UP):
        watch.begin()
        client.create_order(BTC, "market", "buy" if number % 2 == 0 else "sell", 0.001, None, {"recvWindow": 5_000})
        if number >= WARM_UP:
            times.append(watch.own_ms)
        advance(address)
    return times


def show(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    return f"{name:<42} median {statistics.median(ordered):6.2f} ms   p99 {ordered[int(len(ordered) * 0.99)]:6.2f} ms"


def main() -> None:
    watch = Stopwatch()
    watch.watch_sockets()
    keys = ("--key", "bot:secret-bot", "--key", "bare:secret-bare")
    options = ("--speed", "0", "--symbols", BTC, "--balance", "USDT=100000,BTC=1", *keys)
    with tempfile.TemporaryDirectory() as folder, exchange_process(*options) as address:
        bare = bare_times(address, watch)
        ours = bot_times(address, watch, Path(folder))

    def measured(column: int) -> list[float]:
        return [row[column] for row in ours]

    without = [own - committing for own, committing, *_ in ours]
    print(f"signal to wire without the network, {ORDERS} market orders against the simulated exchange")
    print(show("all of the bot's own time", measured(0)))
    print(show("  of it in durable commits", measured(1)))
    print(show("  of it the rest", without))
    print(show("bare ccxt create_order", bare))
    commits, questions = statistics.median(measured(2)), statistics.median(measured(3))
    print(f"durable commits per order before the wire: {commits:.0f}; questions asked of the exchange: {questions:.0f}")
    medians = statistics.median(measured(0)), statistics.median(without), statistics.median(bare)
    print(f"ratio to bare ccxt: {medians[0] / medians[2]:.1f}, without the commits {medians[1] / medians[2]:.1f}")


if __name__ == "__main__":
    main()
