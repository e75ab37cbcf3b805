"""Moving-average cross: buy when the fast average rises above the slow one, sell when it falls below."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from app.domain.errors import StrategyError
from app.strategies.base import BaseStrategy


class SmaCrossStrategy(BaseStrategy):
    """Signals at the cross only.

    1 where `sma_fast` is above `sma_slow` and was not at the candle before; -1 where it is below and was not; else 0.
    A tie is neither above nor below, so a touch that comes back gives no signal. No signal while an average is NaN.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"fast_window": 10, "slow_window": 50}

    @property
    def warmup(self) -> int:
        """The slow window, and one candle before it to see the cross."""
        return int(self.params["slow_window"]) + 1

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `sma_fast` and `sma_slow`, averages of the close."""
        from app.indicators.averages import sma  # noqa: PLC0415  # numba takes its time

        close = np.ascontiguousarray(df["close"], dtype=np.float64)
        return df.assign(
            sma_fast=sma(close, int(self.params["fast_window"])), sma_slow=sma(close, int(self.params["slow_window"]))
        )

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `signal`."""
        absent = [name for name in ("sma_fast", "sma_slow") if name not in df.columns]
        if absent:
            raise StrategyError(f"generate_signals needs {' and '.join(absent)}: call calculate_indicators first")
        fast, slow = df["sma_fast"].to_numpy(), df["sma_slow"].to_numpy()
        above, below, known = fast > slow, fast < slow, ~(np.isnan(fast) | np.isnan(slow))
        signal = np.zeros(len(df), dtype=np.int64)
        signal[1:] = (above[1:] & ~above[:-1] & known[:-1]).astype(np.int64)
        signal[1:] -= below[1:] & ~below[:-1] & known[:-1]
        return df.assign(signal=signal)
