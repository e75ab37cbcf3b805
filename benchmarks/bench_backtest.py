"""Backtests beside vectorbt (Rust engine) and raptorbt: CPU time, growth, memory, starts, callbacks.

`taskset -c 1 uv run --group bench python benchmarks/bench_backtest.py`. The strategy is the cross of averages of 10 and
50 closes, fee 0.1 %, fills at the next open. CPU milliseconds of the process, the best of the runs, everything in one
process and in turns, so that a busy machine is as busy for all; imports and first calls are measured by themselves.
"""

import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import ClassVar

import numpy as np

from app.backtesting import backtest
from app.config.models import BotConfig, StrategyConfig
from app.core.window import candle_frame
from app.indicators.incremental import Sma
from app.strategies.base import BaseStrategy
from app.strategies.event import EventStrategy
from app.strategies.sma_cross import SmaCrossStrategy

SIZES = (100_000, 1_000_000, 3_000_000)
CONFIG = StrategyConfig(name="sma_cross", symbol="BTC/USDT", timeframe="1m")
STOPS = {"stop_loss_pct": 0.02, "take_profit_pct": 0.04}


def random_walk(count):
    """Minutes of a seeded random walk, made in no time."""
    random = np.random.default_rng(1)
    close = np.round(60_000 * np.exp(np.cumsum(random.standard_normal(count) * 0.0006)), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    reach = np.abs(random.standard_normal((2, count))) * 0.0003 * close
    high, low = np.round(np.maximum(opened, close) + reach[0], 2), np.round(np.minimum(opened, close) - reach[1], 2)
    times = 1_600_000_020_000 + np.arange(count) * 60_000
    return candle_frame(times, np.column_stack([opened, high, low, close, random.uniform(1, 20, count)]))


def settings(**risk) -> BotConfig:
    return BotConfig.model_validate(
        {
            "exchange": {"name": "binance"},
            "strategy": CONFIG,
            "risk": {"max_position_size_usd": 1_000} | risk,
            "paper": {"cash": 1_000_000, "fee_rate": "0.001", "slippage_bp": 0},
        }
    )


class PandasCross(BaseStrategy):
    """As a user of pandas writes it."""

    warmup = 51

    def calculate_indicators(self, df):
        return df.assign(fast=df["close"].rolling(10).mean(), slow=df["close"].rolling(50).mean())

    def generate_signals(self, df):
        above, below = df["fast"] > df["slow"], df["fast"] < df["slow"]
        known = df["slow"].shift().notna()
        up = above & (df["fast"].shift() <= df["slow"].shift())
        down = below & (df["fast"].shift() >= df["slow"].shift())
        return df.assign(signal=(up & known).astype("int8") - (down & known).astype("int8"))


class EventCross(EventStrategy):
    warmup = 51
    defaults: ClassVar = {}

    def start(self):
        self.fast, self.slow, self.was = Sma(10), Sma(50), (math.nan, math.nan)

    def on_candle(self, candle, portfolio):
        before, before_slow = self.was
        fast, slow = self.was = self.fast(candle.close), self.slow(candle.close)
        if fast > slow:
            return 1 if before <= before_slow else 0
        if fast < slow:
            return -1 if before >= before_slow else 0
        return 0


def of_vectorbt(df, **stops):
    import vectorbt as vbt

    fast, slow = df["close"].rolling(10).mean().to_numpy(), df["close"].rolling(50).mean().to_numpy()
    entries, exits = crosses(fast, slow)
    opened = df["open"].to_numpy()
    price = np.append(opened[1:], opened[-1:])
    if stops:
        stops = {
            "sl_stop": 0.02,
            "tp_stop": 0.04,
            "open": opened,
            "high": df["high"].to_numpy(),
            "low": df["low"].to_numpy(),
        }
    portfolio = vbt.Portfolio.from_signals(
        df["close"].to_numpy(),
        entries,
        exits,
        price=price,
        fees=0.001,
        init_cash=1e6,
        size=1_000,
        size_type="value",
        freq="1min",
        engine="rust",
        **stops,
    )
    return int(portfolio.orders.records_arr["side"].sum())


def crosses(fast, slow):
    """Above and below, as boolean arrays; what a vectorbt or raptorbt user writes in NumPy."""
    above, below = fast > slow, fast < slow
    entries, exits = np.zeros(fast.size, bool), np.zeros(fast.size, bool)
    entries[1:], exits[1:] = above[1:] & (fast[:-1] <= slow[:-1]), below[1:] & (fast[:-1] >= slow[:-1])
    return entries, exits


def of_raptorbt(df, **stops):
    import raptorbt

    opened, high, low, close, volume = (df[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    fast, slow = np.asarray(raptorbt.sma(close, 10)), np.asarray(raptorbt.sma(close, 50))
    entries, exits = crosses(fast, slow)
    config = raptorbt.BacktestConfig(initial_capital=1e6, fees=0.001)
    if stops:
        config.set_fixed_stop(0.02)
        config.set_fixed_target(0.04)
    times = df.index.as_unit("ns").asi8
    result = raptorbt.run_single_backtest(times, opened, high, low, close, volume, entries, exits, config=config)
    return int(result.metrics.total_trades)


def of_keel(df, strategy, config, *, equity=False):
    result = backtest(df, strategy, config)
    if equity:
        result.equity.iloc[-1]
    return len(result.tapes.trades)


def rolling_means(df):
    """What an engine would wait for that leaves these two lines to pandas."""
    df["close"].rolling(10).mean(), df["close"].rolling(50).mean()
    return ""


def systems():
    plain, stops, own, pandas = settings(), settings(**STOPS), SmaCrossStrategy(CONFIG), PandasCross(CONFIG)
    return {
        "keel, own indicators": lambda df: of_keel(df, own, plain),
        "  and the equity curve": lambda df: of_keel(df, own, plain, equity=True),
        "  with stop and target": lambda df: of_keel(df, own, stops),
        "keel, plain pandas": lambda df: of_keel(df, pandas, plain),
        "  two rolling means of pandas alone": rolling_means,
        "vectorbt, Rust": of_vectorbt,
        "  with stop and target ": lambda df: of_vectorbt(df, stops=True),
        "raptorbt": of_raptorbt,
        "  with stop and target  ": lambda df: of_raptorbt(df, stops=True),
    }


def milliseconds(runs, repeats):
    """The best CPU milliseconds of each run, all in turns."""
    spent = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            before = time.process_time()
            run()
            spent[name].append((time.process_time() - before) * 1e3)
    return {name: min(times) for name, times in spent.items()}


def end_to_end():
    table, trades = {}, {}
    for size in SIZES:
        df = random_walk(size)
        runs = {name: (lambda run=run, df=df: run(df)) for name, run in systems().items()}
        for name, run in runs.items():
            trades[name] = run()  # the first call is not measured
        result = backtest(df, SmaCrossStrategy(CONFIG), settings())
        stopped = backtest(df, SmaCrossStrategy(CONFIG), settings(**STOPS))
        runs["compiled pass alone"] = result.setup.run
        runs["  with stop and target   "] = stopped.setup.run
        runs["  every candle, none skipped"] = lambda result=result: result.setup.run(equity=True, skip=False)
        table[size] = milliseconds(runs, 15 if size < 3_000_000 else 7)
    print(f"{'CPU ms':30}" + "".join(f"{size:>12,}" for size in SIZES) + "   exponent   M candles/s  trades")
    for name in table[SIZES[0]]:
        times = [table[size][name] for size in SIZES]
        exponent = math.log(times[-1] / times[0]) / math.log(SIZES[-1] / SIZES[0])
        speed = SIZES[1] / table[SIZES[1]][name] / 1e3
        print(f"{name:30}" + "".join(f"{ms:12.2f}" for ms in times)
              + f"{exponent:11.2f}{speed:14.0f}  {trades.get(name, '')}")  # fmt: skip
    million = table[1_000_000]
    own, pandas, means = (million[name] for name in ("keel, own indicators", "keel, plain pandas",
                                                     "  two rolling means of pandas alone"))  # fmt: skip
    fastest = min(million["vectorbt, Rust"], million["raptorbt"])
    print(f"\n1 M candles, fastest peer / keel: own indicators {fastest / own:.1f}x (aim 8), plain pandas "
          f"{fastest / pandas:.1f}x (aim 2); pandas' own two rolling means alone {fastest / means:.1f}x")  # fmt: skip
    print(f"compiled pass alone {million['compiled pass alone']:.1f} ms (aim 10); stop and target cost "
          f"{million['  with stop and target'] / own:.2f}x of none (aim below 2)")  # fmt: skip


def callbacks():
    df = random_walk(300_000)
    runs = {"callbacks": lambda: of_keel(df, EventCross(CONFIG), settings()),
            "callbacks, stop and target": lambda: of_keel(df, EventCross(CONFIG), settings(**STOPS))}  # fmt: skip
    for name, ms in milliseconds(runs, 5).items():
        print(f"event engine, {name}: {len(df) / ms * 1e3:,.0f} candles per CPU second (aim 400,000)")


def memory(folder):
    df = random_walk(1_000_000)
    of_keel(df, SmaCrossStrategy(CONFIG), settings(), equity=True)
    tracemalloc.start()
    of_keel(df, SmaCrossStrategy(CONFIG), settings(), equity=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"peak memory of a run with its equity: {peak / len(df):.0f} bytes per candle, beside the candles (48)")
    path = candle_file(folder, df)
    out = subprocess.run([sys.executable, "-c", LOADING.format(path=path)], capture_output=True, text=True, check=True,
                         env=os.environ | {"PYTHONPATH": "."}).stdout  # fmt: skip
    print(f"peak memory of a process: reading 1 M candles {out.split()[0]} bytes per candle, with the backtest of them "
          f"and its equity {out.split()[1]} (aim below 150), the candles included")  # fmt: skip


def candle_file(folder, df):
    """A Parquet file of the candles, as the bot downloads them."""
    path = Path(folder) / f"BTCUSDT-1m-{len(df)}.parquet"
    df.reset_index(names="open_time").assign(open_time=df.index.as_unit("ms").asi8).to_parquet(path, index=False)
    return str(path)


LOADING = """
from pathlib import Path
from app.backtesting import backtest
from app.backtesting.loading import load_histories
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.strategies.sma_cross import SmaCrossStrategy
strategy = SmaCrossStrategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT", timeframe="1m"))
backtest(synthetic_candles(1_000, seed=1), strategy).equity
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
open("/proc/self/clear_refs", "w").write("5")
before = peak()
history, = load_histories(Path({path!r})).values()
print(round((peak() - before) / len(history.candles)))
backtest(history.candles, strategy).equity
print(round((peak() - before) / len(history.candles)))
"""

START = """
import time; began = time.process_time()
from app.backtesting import backtest
from app.config.models import StrategyConfig
from app.strategies.sma_cross import SmaCrossStrategy
imported = time.process_time()
from app.data.synthetic import synthetic_candles
candles = synthetic_candles(1_000, seed=1)
before = time.process_time()
backtest(candles, SmaCrossStrategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT", timeframe="1m")))
print(f"{imported - began:.2f} {time.process_time() - before:.2f}")
"""


def starts(folder):
    path = candle_file(folder, random_walk(500_000))
    environment = {"NUMBA_CACHE_DIR": f"{folder}/cache", "PYTHONPATH": ".", "PATH": os.environ["PATH"]}

    def run(*command):
        """CPU seconds of a process and its output."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out

    for name in ("first", "second"):
        _, out = run(sys.executable, "-c", START)
        imported, called = out.split()
        print(f"{name} start: imports {imported} s CPU, first backtest {called} s")
    command = [sys.executable, "-m", "app.cli.main", "backtest", "--config", "settings/config.json", "--data", path]
    for name in ("first", "second", "third"):
        print(f"{name} start of `keel backtest`, 500 k candles from a file to the printed report: "
              f"{run(*command)[0]:.2f} s CPU (aim below 2)")  # fmt: skip


def main() -> None:
    end_to_end()
    callbacks()
    with tempfile.TemporaryDirectory() as folder:
        memory(folder)
        starts(folder)


if __name__ == "__main__":
    main()
