"""One cycle of the bot without network: median and p99, and how they change with the number of stored signals.

`uv run python benchmarks/bench_run_once.py`. The ratio compares a database with a million signals, steps and trades with
one of a hundred, in the same run.
"""

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd

from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.interfaces import IDataHandler
from app.core.sqlite import sqlite_module
from app.data.synthetic import synthetic_candles
from app.execution.mock_executor import MockExecutor
from app.repositories import SignalRepository, TradeRepository
from app.strategies.loader import load_strategy

CYCLES = 400
STORED = (100, 10_000, 1_000_000)
CONFIG = {
    "exchange": {"name": "binance"},
    "risk": {"max_position_size_usd": 100},
    "strategy": {"name": "sma_cross", "symbol": "BTC/USDT", "params": {"fast_window": 5, "slow_window": 20}},
}


class Memory(IDataHandler):
    """Candles from memory, one more at each cycle."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.shown = frame, 100
        self.clock = ManualClock()

    def get_historical_data(self, symbol, timeframe, start_date=None, end_date=None, limit=None):
        return self.frame.iloc[self.shown - limit : self.shown]

    def get_latest_bar(self, symbol, timeframe):
        return self.frame.iloc[self.shown - 1]

    def next_candle(self) -> None:
        self.shown += 1
        self.clock = ManualClock(int(self.frame.index[self.shown - 1].timestamp() * 1000) + 60_000)


def fill(path: Path, rows: int) -> None:
    """History as the bot would have left it."""
    connection = sqlite_module().connect(path)
    when = "2024-01-01 00:00:00.000000"
    with connection:
        connection.executemany(
            "INSERT INTO signals (symbol, signal_value, signal_metadata, timestamp) VALUES ('BTC/USDT', ?, '{\"sma_fast\": 1.5}', ?)",
            ((i % 3 - 1, when) for i in range(rows)),
        )
        connection.executemany(
            "INSERT INTO steps (recorded_at, symbol, timeframe, strategy, candle_time, close, signal_value, indicators, action, reason, is_settled)"
            " VALUES (?, 'BTC/USDT', '1m', 'sma_cross', ?, 1.0, 0, '{}', 'hold', 'held: signal is neutral', 1)",
            ((when, when) for _ in range(rows)),
        )
        connection.executemany(
            "INSERT INTO trades (symbol, side, price, quantity, fee, timestamp) VALUES ('BTC/USDT', 'buy', '1', '1', '0', ?)",
            ((when,) for _ in range(rows)),
        )
    connection.close()


def measure(rows: int, candles: pd.DataFrame, folder: Path) -> tuple[float, float, float]:
    """Median and p99 of a cycle and its median CPU time in ms, on a database with `rows` signals, steps and trades."""
    path = folder / f"{rows}.db"
    database = Database()
    database.open(path)
    fill(path, rows)
    config = BotConfig.model_validate(CONFIG)
    handler = Memory(candles)
    with database.session_scope() as session:
        trades, signals = TradeRepository(session), SignalRepository(session)
        executor = MockExecutor(trades, signals)
        bot = TradingBot(config, handler, load_strategy(config.strategy), executor, trades, signals)
        durations, costs = [], []
        for _ in range(CYCLES + 50):
            handler.next_candle()
            bot._clock = handler.clock
            begin, begin_cpu = time.perf_counter(), time.process_time()
            bot.run_once()
            durations.append((time.perf_counter() - begin) * 1_000)
            costs.append((time.process_time() - begin_cpu) * 1_000)
    database.close()
    measured = sorted(durations[50:])
    return statistics.median(measured), measured[int(len(measured) * 0.99)], statistics.median(costs[50:])


def main() -> None:
    candles = synthetic_candles(CYCLES + 200, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        results = {rows: measure(rows, candles, Path(folder)) for rows in STORED}
    print(
        f"run_once without network, {CYCLES} cycles, SQLite {sqlite_module().sqlite_version} (sqlite3 {sqlite3.sqlite_version})"
    )
    for rows, (median, p99, cpu) in results.items():
        print(f"{rows:>9,} stored signals: median {median:6.2f} ms   p99 {p99:6.2f} ms   CPU {cpu:6.2f} ms")
    (first, _, first_cpu), (last, _, last_cpu) = results[STORED[0]], results[STORED[-1]]
    print(
        f"{STORED[-1]:,} to {STORED[0]:,}: ratio of medians {last / first:.2f}, of CPU time {last_cpu / first_cpu:.2f}"
    )


if __name__ == "__main__":
    main()
