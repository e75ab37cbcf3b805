"""From the signal to the order on the wire: the bot's own time, without the network, against bare ccxt in the same run.

`uv run python benchmarks/bench_order_path.py`. The clock starts when the strategy has returned its signal and stops when
the first byte of the POST is handed to the socket. What the exchange takes to answer in between is subtracted, and so is
shown on its own line what the durable commits take; CPU time is that of the bot's thread, which other work on the machine
does not change. Bare ccxt is one `create_order` on the same exchange.
"""

import gc
import http.client
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import ccxt
import pandas as pd
from sqlalchemy import event
from sqlalchemy.orm import Session

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
BATCH = 50
WARM_UP = 4
WINDOW = 70
START = pd.Timestamp("2026-01-01", tz="UTC")


class Stopwatch:
    """Time from `begin` to the first byte of the next POST, and what of it was waiting for others."""

    def __init__(self) -> None:
        self.began = self.sent = self.waited = self.committing = 0.0
        self.began_cpu = self.cpu = 0.0
        self.commits = self.questions = self.queries = 0
        self.on_wire = 0.0

    def begin(self) -> None:
        self.on_wire = self.waited = self.committing = 0.0
        self.commits = self.questions = self.queries = 0
        self.began, self.began_cpu = time.perf_counter(), time.thread_time()

    @property
    def own_ms(self) -> float:
        return (self.on_wire - self.began - self.waited) * 1_000

    def row(self) -> tuple[float, float, float, int, int, int]:
        """As in `Row`, after its side."""
        return self.own_ms, self.cpu_ms, self.committing * 1_000, self.commits, self.questions, self.queries

    @property
    def cpu_ms(self) -> float:
        return (self.cpu - self.began_cpu) * 1_000

    def watch_sockets(self) -> None:
        send, getresponse = http.client.HTTPConnection.send, http.client.HTTPConnection.getresponse
        watch = self

        def timed_send(connection: http.client.HTTPConnection, data: Any) -> None:
            now = time.perf_counter()
            if not watch.on_wire and bytes(data)[:18] == b"POST /api/v3/order":
                watch.on_wire, watch.cpu = now, time.thread_time()
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

    def watch_database(self, database: Database) -> None:
        dialect = database.engine.dialect
        event.listen(database.engine, "before_cursor_execute", self.count_query)
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

    def count_query(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.queries += statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")) and not self.on_wire


class Row(NamedTuple):
    """One order of the bot: milliseconds, and how often."""

    side: str
    own: float
    cpu: float
    committing: float
    commits: int
    questions: int
    queries: int


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

    def __init__(self) -> None:
        self.shown, self.clock = WINDOW, ManualClock()

    def price_at(self, price: float) -> None:
        index = pd.date_range(START, periods=WINDOW + 2 * ORDERS, freq="1min")
        self.frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1.0}, index=index)

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


def bot_times(address: Address, watch: Stopwatch, folder: Path) -> list[Row]:
    """What each order took; between two of them the bot gets ready, as it does while it waits for the next candle."""
    Alternating.watch = watch
    database = Database()
    database.open(folder / "keel.db")
    watch.watch_database(database)
    rows: list[Row] = []
    handler = Candles()
    while len(rows) < ORDERS:  # a new bot after some orders, because the exchange's request limit and its clock move on
        with database.session_scope() as session:
            bot = bot_on(session, address, folder, handler)
            for number in range(WARM_UP + BATCH):
                handler.next_candle()
                if number == WARM_UP:
                    gc.collect()
                bot.run_once()
                assert watch.on_wire, "no order was sent"
                if number >= WARM_UP:
                    rows.append(Row("buy" if Alternating.turn % 2 else "sell", *watch.row()))
                bot.get_ready()
        advance(address)
    database.close()
    return rows


def bot_on(session: Session, address: Address, folder: Path, handler: Candles) -> TradingBot:
    """The live bot as `keel live` composes it, with candles that cost nothing."""
    account = ExchangeConfig(name="binance", rest_url=address.rest_url, api_key="bot", api_secret="secret-bot")
    risk, strategy = {"max_position_size_usd": 100}, {"name": "a", "symbol": BTC}
    document = {"exchange": {"name": "binance"}, "risk": risk, "strategy": strategy}
    config = BotConfig.model_validate(document)
    trades, signals, steps = TradeRepository(session), SignalRepository(session), StepRepository(session)
    clock = SystemClock()
    exchange = WatchedExchange(CcxtExchange(account), StopFlag())
    lease = DatabaseLease(LeaseRepository(session), BTC, clock, 3_600_000)
    lease.take()
    executor = SteadfastExecutor(
        lambda ledger: LiveExecutor(ledger, exchange, prefix="keel-bench"),
        trades, exchange, OutageJournal(folder / "keel.db.outage"), lease=lease, clock=clock,
    )  # fmt: skip
    handler.price_at(float(exchange.last_price(BTC)))
    return TradingBot(config, handler, Alternating(config.strategy), executor, trades, signals, steps=steps)


def bare_times(address: Address, watch: Stopwatch) -> list[tuple[float, float]]:
    """Milliseconds from calling ccxt's create_order to the wire, and of CPU."""
    client = ccxt.binance({"apiKey": "bare", "secret": "secret-bare", "enableRateLimit": False, "options": OPTIONS})
    for access in ("public", "private"):
        client.urls["api"][access] = f"{address.rest_url}/api/v3"
    client.load_markets()
    times = []
    for number in range(WARM_UP + BATCH):
        watch.begin()
        client.create_order(BTC, "market", "buy" if number % 2 == 0 else "sell", 0.001, None, {"recvWindow": 5_000})
        if number >= WARM_UP:
            times.append((watch.own_ms, watch.cpu_ms))
    return times


def show(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    return f"{name:<36} median {statistics.median(ordered):6.2f} ms   p99 {ordered[int(len(ordered) * 0.99)]:6.2f} ms"


def told(side: str, rows: list[Row]) -> list[str]:
    """The lines about one side's orders."""
    typical = [f"{statistics.median(row[column] for row in rows):.0f}" for column in (4, 5, 6)]
    return [
        show(f"{side}: CPU of the bot", [row.cpu for row in rows]),
        show(f"{side}: wall time of the bot", [row.own for row in rows]),
        show("  of it in durable commits", [row.committing for row in rows]),
        "  durable commits {}, questions to the exchange {}, queries {}".format(*typical),
    ]


def main() -> None:
    watch = Stopwatch()
    watch.watch_sockets()
    keys = ("--key", "bot:secret-bot", "--key", "bare:secret-bare")
    options = ("--symbols", BTC, "--balance", "USDT=100000,BTC=1", *keys)
    with tempfile.TemporaryDirectory() as folder, exchange_process(*options) as address:
        bare = bare_times(address, watch)
        ours = bot_times(address, watch, Path(folder))
    print(f"signal to wire without the network, {ORDERS} market orders against the simulated exchange")
    for side in ("buy", "sell"):
        print("\n".join(told(side, [row for row in ours if row.side == side])))
    print(show("bare ccxt create_order: CPU", [cpu for _, cpu in bare]))
    print(show("bare ccxt create_order: wall time", [own for own, _ in bare]))


if __name__ == "__main__":
    main()
