"""All figures of a run over a million candles and ten thousand trades: CPU milliseconds, median.

`uv run python benchmarks/bench_analytics.py`. The trades are made frames before the clock runs, as a backtest has them.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from app.analytics.arrays import equity_path
from app.analytics.columns import index_ms
from app.analytics.metrics import equity_figures, measure

CANDLES, TRADES, REPEATS = 1_000_000, 10_000, 15
MINUTE = 60_000


def made_up_trades(index: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    exits = np.sort(rng.integers(10, index.size, TRADES))
    pnl = rng.normal(0.1, 10, TRADES)
    return pd.DataFrame(
        {
            "symbol": rng.choice(["BTC/USDT", "ETH/USDT"], TRADES),
            "exit_time": index[exits],
            "entry_price": 100.0,
            "exit_price": 100.0 + pnl / 10,
            "quantity": 10.0,
            "fees": 2.0,
            "slippage": 1.0,
            "pnl": pnl,
            "return": pnl / 1000,
            "candles": rng.integers(1, 100, TRADES),
            "exit_reason": rng.choice(["signal", "stop", "target"], TRADES),
        }
    )


def cpu_ms(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1_000 * statistics.median(times)


def main() -> None:
    rng = np.random.default_rng(1)
    index = pd.date_range("2022-01-01", periods=CANDLES, freq="1min", tz="UTC").as_unit("ms")
    equity = pd.Series(10_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, CANDLES))), index=index)
    exposure = (rng.random(CANDLES) < 0.5).astype(np.float64)
    trades = made_up_trades(index, rng)
    open_ms, values = index_ms(index), equity.to_numpy()
    candles = {"BTC/USDT": pd.DataFrame({"open": equity, "close": equity}, index=index)}
    path = equity_path(values, 10_000)
    cases = {
        "figures of one curve": lambda: equity_figures(open_ms, values, 10_000, MINUTE, path=path),
        "a run: curve, trades, exposure": lambda: measure(
            equity, trades, timeframe_ms=MINUTE, start_cash=10_000, exposure=exposure
        ),
        "the same with buy-and-hold": lambda: measure(
            equity, trades, timeframe_ms=MINUTE, start_cash=10_000, exposure=exposure, candles=candles
        ),
    }
    for name, work in cases.items():
        print(f"{name:34} {cpu_ms(work):7.1f} ms")


if __name__ == "__main__":
    main()
