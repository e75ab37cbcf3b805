"""Seeded candles for the kernels' tests."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def market() -> Callable[[int], pd.DataFrame]:
    """`market(rows)`: candles of a seeded random walk with ranges and volumes, columns as a strategy gets them."""

    def build(rows: int) -> pd.DataFrame:
        random = np.random.default_rng(7)
        close = 100 * np.exp(np.cumsum(random.normal(0, 0.002, rows)))
        opened = np.concatenate([close[:1], close[:-1]])
        reach = random.uniform(0, 0.2, (2, rows))
        return pd.DataFrame(
            {
                "open": opened,
                "high": np.maximum(opened, close) + reach[0],
                "low": np.minimum(opened, close) - reach[1],
                "close": close,
                "volume": random.uniform(0, 10, rows),
            }
        )

    return build
