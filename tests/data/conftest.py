"""Candle files for the tests of data."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from app.data.synthetic import synthetic_candles


@pytest.fixture
def market() -> pd.DataFrame:
    """Three hundred synthetic minutes from 2025-01-01."""
    return synthetic_candles(300, seed=11)


@pytest.fixture
def csv_of(tmp_path) -> Callable[..., Path]:
    """Write candles as CSV with open times in ms."""

    def write(frame: pd.DataFrame, name: str = "candles.csv") -> Path:
        path = tmp_path / name
        times = pd.DatetimeIndex(frame.index).as_unit("ms").asi8
        frame.reset_index(drop=True).assign(open_time=times)[["open_time", *frame.columns]].to_csv(path, index=False)
        return path

    return write
