"""Candle frames and settings that the strategy tests share."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from app.config.models import StrategyConfig


@pytest.fixture(scope="session")
def candles_of() -> Callable[[Sequence[float]], pd.DataFrame]:
    """Candles with the given closes, one a minute; each opens where the one before closed."""

    def build(closes: Sequence[float]) -> pd.DataFrame:
        close = np.asarray(closes, dtype=np.float64)
        opened = np.concatenate([close[:1], close[:-1]])
        index = pd.date_range("2025-01-01", periods=len(close), freq="min", tz="UTC", name="time")
        columns = {
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.ones(len(close)),
        }
        return pd.DataFrame(columns, index=index)

    return build


@pytest.fixture(scope="session")
def random_walk(candles_of: Callable[[Sequence[float]], pd.DataFrame]) -> Callable[[int, int], pd.DataFrame]:
    """`random_walk(rows, seed)`: candles of a seeded random walk on a grid of 0.01, so that ties occur."""

    def build(rows: int, seed: int) -> pd.DataFrame:
        steps = np.random.default_rng(seed).integers(-5, 6, rows)
        return candles_of(100 + np.cumsum(steps) / 100)

    return build


@pytest.fixture(scope="session")
def config_of() -> Callable[..., StrategyConfig]:
    """`config_of(name, **params)`: settings of a strategy on BTC/USDT minutes."""

    def build(name: str = "sma_cross", **params: object) -> StrategyConfig:
        return StrategyConfig(name=name, symbol="BTC/USDT", timeframe="1m", params=params)

    return build
