"""A believable market out of a seed: for demonstrations, benchmarks and tests."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.core.window import candle_frame

START_MS: Final = 1_735_689_600_000  # 2025-01-01 00:00 UTC
MINUTE_MS: Final = 60_000
# GARCH(1,1) of minute returns (Bollerslev 1986): variance' = OMEGA + ALPHA * return² + BETA * variance
ALPHA: Final = 0.08
BETA: Final = 0.90
JUMP_CHANCE: Final = 0.001
REGIME_CHANCE: Final = 0.004  # a regime lasts about four hours
REGIME_VOLATILITY: Final = (0.6, 1.0, 1.8)
REGIME_DRIFT: Final = (0.0, 0.15, -0.15)  # in units of the volatility


def synthetic_candles(
    count: int,
    *,
    seed: int,
    start_ms: int = START_MS,
    spacing_ms: int = MINUTE_MS,
    price: float = 94_000.0,
    volatility: float = 0.0006,
    decimals: int = 2,
) -> pd.DataFrame:
    """Candles whose volatility clusters, whose trend changes and which jump now and then.

    Args:
        count: How many candles.
        seed: The same seed gives the same candles on every machine.
        start_ms: Open time of the first, ms UTC.
        spacing_ms: Length of a candle in ms.
        price: Open of the first, quote per base.
        volatility: Long-run standard deviation of a candle's return.
        decimals: Places to which prices are rounded.

    Returns:
        The shape of `IDataHandler.get_historical_data`.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    returns, deviation = _returns(count, volatility, generator)
    close = np.round(price * np.exp(np.cumsum(returns)), decimals)
    opened = np.concatenate([[round(price, decimals)], close[:-1]])[:count]
    wicks = np.abs(generator.standard_normal((2, count))) * deviation * close * 0.6
    high = np.round(np.maximum(opened, close) + wicks[0], decimals)
    tick = 10.0**-decimals
    low = np.round(np.maximum(np.minimum(opened, close) - wicks[1], tick), decimals)
    activity = deviation / volatility + np.abs(returns) / volatility
    volume = np.round(4.0 * activity * generator.lognormal(0.0, 0.6, count), 5)
    times = np.arange(count, dtype=np.int64) * spacing_ms + start_ms
    return candle_frame(times, np.column_stack([opened, high, low, close, volume]))


def _returns(
    count: int, volatility: float, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log returns and their conditional standard deviations, each of shape (count,)."""
    shocks = generator.standard_t(5, count) * np.sqrt(3 / 5)  # fat tails, variance 1
    jumps = np.where(generator.random(count) < JUMP_CHANCE, generator.normal(0.0, 12.0, count), 0.0)
    changes = generator.random(count) < REGIME_CHANCE
    regimes = generator.integers(0, 3, (2, count))
    omega = volatility**2 * (1 - ALPHA - BETA)
    variance, calm, trend = volatility**2, 1, 0
    returns, deviations = np.empty(count), np.empty(count)
    for i in range(count):
        if changes[i]:
            calm, trend = int(regimes[0, i]), int(regimes[1, i])
        base = np.sqrt(variance)
        deviations[i] = base * REGIME_VOLATILITY[calm]
        returns[i] = deviations[i] * (shocks[i] + jumps[i] + REGIME_DRIFT[trend])
        variance = omega + ALPHA * (base * shocks[i]) ** 2 + BETA * variance
    return returns, deviations
