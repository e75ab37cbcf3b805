"""What the causality proof adds to a backtest of 500,000 candles: CPU milliseconds, the best of alternating runs.

`uv run python benchmarks/bench_causality.py`. First against the strategy's signals alone; "sampled" are the first signals,
200 candles and 100 trades. Then against what a user runs: `backtest()`, its report with figures and intervals, and the
command `keel backtest` from its start to its end.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from app.backtesting import backtest
from app.backtesting.causality import prove
from app.backtesting.proving import causality_of
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.domain.timeframe import Timeframe
from app.indicators.crossings import crossings
from app.report.plain import plain_report
from app.strategies.base import BaseStrategy
from app.strategies.guarded import signal_frame
from app.strategies.sma_cross import SmaCrossStrategy

ROWS, REPEATS, WINDOW, SAMPLED = 500_000, 15, 70, 100


class InPandas(BaseStrategy):
    """The same rule in plain pandas."""

    def calculate_indicators(self, df):
        return df.assign(fast=df["close"].rolling(10).mean(), slow=df["close"].rolling(50).mean())

    def generate_signals(self, df):
        above, below = df["fast"] > df["slow"], df["fast"] < df["slow"]
        buys, sells = above & ~above.shift(fill_value=False), below & ~below.shift(fill_value=False)
        return df.assign(signal=buys.astype("int8") - sells.astype("int8"))


class WithRsi(BaseStrategy):
    """Exponential averages in pandas, as most people write them, and a warm-up that is long enough."""

    @property
    def warmup(self):
        return 400

    def calculate_indicators(self, df):
        change = df["close"].diff()
        up, down = (change.clip(**side).abs().ewm(alpha=1 / 14).mean() for side in ({"lower": 0}, {"upper": 0}))
        return df.assign(rsi=100 * up / (up + down), trend=df["close"].ewm(span=20).mean())

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["rsi"].to_numpy(), 50.0))


def best(*works: Callable[[], object]) -> list[float]:
    """CPU milliseconds of each, run in turns, so that a busy machine disturbs all alike."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for times, work in zip(spent, works, strict=True):
            before = time.process_time()
            work()
            times.append((time.process_time() - before) * 1_000)
    return [min(times) for times in spent]


def main() -> None:
    settings = StrategyConfig(name="sma_cross", symbol="BTC/USDT")
    candles = synthetic_candles(ROWS, seed=1)
    minute = Timeframe.parse("1m")
    print(f"{'500,000 candles, CPU ms':28}{'signals':>9}{'sampled':>9}{'share':>7}{'every trade':>13}{'cuts':>8}")
    for strategy in (SmaCrossStrategy(settings), InPandas(settings), WithRsi(settings)):
        frame = signal_frame(strategy, candles)
        decided = np.flatnonzero(frame["signal"].to_numpy())
        window = max(WINDOW, strategy.warmup)

        def proof(most, strategy=strategy, frame=frame, decided=decided, window=window):
            return prove(strategy, candles, frame, decided, window=window, timeframe=minute, trades_at_most=most)

        verdict = proof(None)
        assert verdict.believable, verdict.text()
        signals, sampled, every = best(
            lambda strategy=strategy: signal_frame(strategy, candles),
            lambda p=proof: p(SAMPLED),
            lambda p=proof: p(None),
        )
        name = type(strategy).__name__
        print(f"{name:28}{signals:9.2f}{sampled:9.2f}{sampled / signals:7.0%}{every:13.2f}{verdict.cuts:8,}")
    strategy = SmaCrossStrategy(settings)
    result = backtest(candles, strategy)
    frame, decided = result.lanes[0].signal_frame, np.flatnonzero(result.signals.to_numpy())
    run, sampled, every, report = best(
        lambda: backtest(candles, strategy),
        lambda: prove(strategy, candles, frame, decided, window=WINDOW, timeframe=minute, trades_at_most=SAMPLED),
        lambda: causality_of(result),
        lambda: plain_report(result.report()),
    )
    command = command_ms(candles)
    print(f"\n{'CPU ms':34}{'':>10}{'sampled':>10}{'every trade':>13}")
    print(f"{'the proof':34}{'':>10}{sampled:10.1f}{every:13.1f}")
    for name, whole in (("backtest()", run), ("its report", report), ("the command keel backtest", command)):
        print(f"{'  of ' + name:34}{whole:10.1f}{sampled / whole:10.1%}{every / whole:13.1%}")


def command_ms(candles: pd.DataFrame) -> float:
    """CPU milliseconds of `keel backtest` on a file of these candles, the second start's or a later one's best."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/BTCUSDT-1m.parquet"
        times = candles.index.as_unit("ms").asi8
        candles.reset_index(names="open_time").assign(open_time=times).to_parquet(path, index=False)
        command = [sys.executable, "-m", "app.cli.main", "backtest", "--config", "settings/config.json", "--data", path]
        spent = []
        for _ in range(4):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1_000)
    return min(spent[1:])


if __name__ == "__main__":
    main()
