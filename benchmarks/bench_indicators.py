"""Each kernel against pandas in the same run: CPU milliseconds for a million candles, median, and the ratio.

`uv run python benchmarks/bench_indicators.py`. Compilation happens at import, once per machine, and is not counted.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from app.data.synthetic import synthetic_candles
from app.indicators.averages import ema, sma, wma
from app.indicators.crossings import crossings
from app.indicators.extremes import donchian, rolling_max
from app.indicators.momentum import cutler_rsi, rsi
from app.indicators.volatility import bollinger, rolling_std, true_range
from app.indicators.volume import vwap

ROWS, REPEATS = 1_000_000, 9


def running_mean(close, window):
    """The textbook's: one cumulative sum. Not window-independent; here for its speed and its error."""
    total = np.cumsum(np.concatenate([[0.0], close]))
    return np.concatenate([np.full(window - 1, np.nan), (total[window:] - total[:-window]) / window])


def direct_mean(close, window):
    """Every window summed by itself."""
    return np.concatenate([np.full(window - 1, np.nan), sliding_window_view(close, window).sum(axis=1) / window])


def cases(df: pd.DataFrame) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Name: (kernel, the same with pandas or NumPy)."""
    opened, high, low, close, volume = (df[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    prices, fast = df["close"], df["close"].rolling(10).mean()
    rolling, typical = prices.rolling(20), (df["high"] + df["low"] + df["close"]) / 3

    def sma_pair():
        return sma(close, 10), sma(close, 50)

    def crossed():
        above, before = prices > fast, prices.shift() > fast.shift()
        return (above & ~before).astype("int8") - (~above & before).astype("int8")

    return {
        "sma 10 and 50": (sma_pair, lambda: (prices.rolling(10).mean(), prices.rolling(50).mean())),
        "  against a running sum": (sma_pair, lambda: (running_mean(close, 10), running_mean(close, 50))),
        "  against direct sums": (sma_pair, lambda: (direct_mean(close, 10), direct_mean(close, 50))),
        "wma 20": (
            lambda: wma(close, 20),
            lambda: sliding_window_view(close, 20) @ np.arange(1.0, 21.0) / 210,
        ),
        "ema 20": (lambda: ema(close, 20), lambda: prices.ewm(span=20, adjust=False).mean()),
        "rolling_std 20": (lambda: rolling_std(close, 20), lambda: rolling.std(ddof=0)),
        "rolling_std 1440": (lambda: rolling_std(close, 1_440), lambda: prices.rolling(1_440).std(ddof=0)),
        "bollinger 20": (lambda: bollinger(close), lambda: (rolling.mean(), rolling.std(ddof=0))),
        "true_range": (
            lambda: true_range(high, low, close),
            lambda: np.maximum(df["high"], prices.shift()) - np.minimum(df["low"], prices.shift()),
        ),
        "rolling_max 20": (lambda: rolling_max(high, 20), lambda: df["high"].rolling(20).max()),
        "donchian 20": (
            lambda: donchian(high, low, 20),
            lambda: (df["high"].rolling(20).max(), df["low"].rolling(20).min()),
        ),
        "rsi 14": (
            lambda: rsi(close),
            lambda: [prices.diff().clip(**side).ewm(alpha=1 / 14).mean() for side in ({"lower": 0}, {"upper": 0})],
        ),
        "cutler_rsi 14": (
            lambda: cutler_rsi(close),
            lambda: [prices.diff().clip(**side).rolling(14).mean() for side in ({"lower": 0}, {"upper": 0})],
        ),
        "vwap 30": (
            lambda: vwap(high, low, close, volume, 30),
            lambda: (typical * df["volume"]).rolling(30).sum() / df["volume"].rolling(30).sum(),
        ),
        "crossings": (lambda: crossings(opened, close), crossed),
    }


def milliseconds(work: Callable[[], object]) -> float:
    work()
    spent = []
    for _ in range(REPEATS):
        before = time.process_time()
        work()
        spent.append((time.process_time() - before) * 1000)
    return statistics.median(spent)


def changed_values(df: pd.DataFrame, mean: Callable[[np.ndarray, int], np.ndarray]) -> str:
    """How many of 10,000 last values have other bits when the window holds 70 candles instead of the whole history."""
    close = df["close"].to_numpy()[:100_000]
    whole = mean(close, 50)
    ends = np.linspace(100, close.size, 10_000, dtype=int)
    changed = sum(mean(close[end - 70 : end].copy(), 50)[-1] != whole[end - 1] for end in ends)
    return f"{changed / len(ends):7.2%}"


def main() -> None:
    df = synthetic_candles(ROWS, seed=1)
    print(f"{'1M candles, CPU ms':28}{'kernel':>9}{'other':>9}{'ratio':>8}")
    for name, (kernel, other) in cases(df).items():
        ours, theirs = milliseconds(kernel), milliseconds(other)
        print(f"{name:28}{ours:9.2f}{theirs:9.2f}{theirs / ours:7.1f}x")
    print("\nvalues of a 70-candle window whose bits differ from the whole history's (window 50)")
    for name, mean in {
        "sma": sma,
        "running sum": running_mean,
        "pandas": lambda close, window: pd.Series(close).rolling(window).mean().to_numpy(),
        "direct sums": direct_mean,
    }.items():
        print(f"{name:28}{changed_values(df, mean)}")


if __name__ == "__main__":
    main()
