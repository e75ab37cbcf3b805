"""Each indicator gives what an independent formulation with pandas gives, over several blocks of the kernels."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from app.indicators.averages import ema, rma, sma, wma
from app.indicators.extremes import donchian, rolling_max, rolling_min
from app.indicators.momentum import cutler_rsi, macd, roc, rsi, stochastic
from app.indicators.sums import rolling_sum, weighted_sum
from app.indicators.volatility import atr, bollinger, rolling_std, true_range
from app.indicators.volume import obv, vwap

ROWS = 5_000


def seeded(values: pd.Series, window: int, alpha: float) -> pd.Series:
    """An exponential average that begins with the mean of the first `window` numbers."""
    first = values.first_valid_index() or 0
    begun = values.copy()
    begun.iloc[: first + window] = np.nan
    begun.iloc[first + window - 1] = values.iloc[first : first + window].mean()
    return begun.ewm(alpha=alpha, adjust=False).mean()


def exponential(values: pd.Series, window: int) -> pd.Series:
    return seeded(values, window, 2 / (window + 1))


def strength(close: pd.Series, smooth: Callable[[pd.Series], pd.Series]) -> pd.Series:
    rise, fall = smooth(close.diff().clip(lower=0)), smooth(-close.diff().clip(upper=0))
    return 100 - 100 / (1 + rise / fall)


def ranges(df: pd.DataFrame) -> pd.Series:
    before = df["close"].shift()
    parts = [df["high"] - df["low"], (df["high"] - before).abs(), (df["low"] - before).abs()]
    return pd.concat(parts, axis=1).max(axis=1).where(before.notna())


def convergence(df: pd.DataFrame) -> list[pd.Series]:
    line = exponential(df["close"], 12) - exponential(df["close"], 26)
    return [line, exponential(line, 9), line - exponential(line, 9)]


def place(df: pd.DataFrame) -> list[pd.Series]:
    low, high = df["low"].rolling(14).min(), df["high"].rolling(14).max()
    k = 100 * (df["close"] - low) / (high - low)
    return [k, k.rolling(3).mean()]


def channel(df: pd.DataFrame) -> list[pd.Series]:
    low, high = df["low"].rolling(20).min(), df["high"].rolling(20).max()
    return [low, (low + high) / 2, high]


def bands(df: pd.DataFrame) -> list[pd.Series]:
    rolling = df["close"].rolling(20)
    return [rolling.mean() + side * rolling.std(ddof=0) for side in (-2, 0, 2)]


def deviation(values: pd.Series, window: int) -> pd.Series:
    """Each window by itself: pandas' running variance is not exact enough to compare with."""
    return values.rolling(window).apply(lambda window: np.std(window, ddof=1), raw=True)


def weighted(values: pd.Series, window: int) -> pd.Series:
    return sum((window - back) * values.shift(back) for back in range(window))


def traded(df: pd.DataFrame) -> pd.Series:
    typical = df[["high", "low", "close"]].mean(axis=1)
    return (typical * df["volume"]).rolling(30).sum() / df["volume"].rolling(30).sum()


def balance(df: pd.DataFrame) -> pd.Series:
    return (np.sign(df["close"].diff()).fillna(0) * df["volume"]).cumsum()


CASES = [
    *(
        pytest.param(lambda d, n=n: sma(d["close"], n), lambda d, n=n: d["close"].rolling(n).mean(), id=f"sma {n}")
        for n in (1, 2, 3, 50, 64, 2_500)
    ),
    pytest.param(lambda d: rolling_sum(d["volume"], 37), lambda d: d["volume"].rolling(37).sum(), id="sum"),
    pytest.param(lambda d: weighted_sum(d["close"], 9), lambda d: weighted(d["close"], 9), id="weighted sum"),
    pytest.param(lambda d: wma(d["close"], 30), lambda d: weighted(d["close"], 30) / 465, id="wma"),
    pytest.param(lambda d: ema(d["close"], 20), lambda d: exponential(d["close"], 20), id="ema"),
    pytest.param(lambda d: rma(d["close"], 14), lambda d: seeded(d["close"], 14, 1 / 14), id="rma"),
    *(
        pytest.param(
            lambda d, n=n: rolling_max(d["high"], n), lambda d, n=n: d["high"].rolling(n).max(), id=f"highest {n}"
        )
        for n in (1, 2, 3, 50, 64, 2_500)
    ),
    pytest.param(lambda d: rolling_min(d["low"], 20), lambda d: d["low"].rolling(20).min(), id="lowest"),
    pytest.param(lambda d: donchian(d["high"], d["low"], 20), channel, id="donchian"),
    *(
        pytest.param(
            lambda d, n=n: rolling_std(d["close"], n, ddof=1), lambda d, n=n: deviation(d["close"], n), id=f"std {n}"
        )
        for n in (2, 21, 300)
    ),
    pytest.param(lambda d: bollinger(d["close"]), bands, id="bollinger"),
    pytest.param(lambda d: true_range(d["high"], d["low"], d["close"]), ranges, id="true range"),
    pytest.param(lambda d: atr(d["high"], d["low"], d["close"]), lambda d: seeded(ranges(d), 14, 1 / 14), id="atr"),
    pytest.param(lambda d: rsi(d["close"]), lambda d: strength(d["close"], lambda s: seeded(s, 14, 1 / 14)), id="rsi"),
    pytest.param(
        lambda d: cutler_rsi(d["close"]),
        lambda d: strength(d["close"], lambda s: s.rolling(14).mean()),
        id="cutler's rsi",
    ),
    pytest.param(lambda d: macd(d["close"]), convergence, id="macd"),
    pytest.param(lambda d: roc(d["close"], 10), lambda d: 100 * d["close"].pct_change(10), id="rate of change"),
    pytest.param(lambda d: stochastic(d["high"], d["low"], d["close"]), place, id="stochastic"),
    pytest.param(lambda d: obv(d["close"], d["volume"]), balance, id="on-balance volume"),
    pytest.param(lambda d: vwap(d["high"], d["low"], d["close"], d["volume"], 30), traded, id="vwap"),
]


@pytest.mark.parametrize(("indicator", "independent"), CASES)
def test_an_indicator_agrees_with_pandas(indicator, independent, market: Callable[[int], pd.DataFrame]):
    candles = market(ROWS)
    ours, theirs = indicator(candles), independent(candles)
    ours, theirs = (values if isinstance(values, tuple | list) else [values] for values in (ours, theirs))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-9, atol=1e-9)
