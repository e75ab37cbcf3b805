"""The strategy that the bot trades while it is killed: it buys and sells in turn, a few candles apart."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from app.strategies.base import BaseStrategy

NS_PER_MINUTE = 60_000_000_000


class Scripted(BaseStrategy):
    """Buy, nothing, sell, nothing: by the minute of the hour, so that a restart changes no signal.

    Attributes:
        defaults: `every`, how many minutes lie between two signals; `slow_window`, how short the window may be.
    """

    defaults: ClassVar[dict[str, Any]] = {"every": 2, "slow_window": 3}

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """Nothing is needed but the time."""
        return df

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """1 and -1 in turn, every `every` minutes; 0 between."""
        minute = df.index.as_unit("ns").asi8 // NS_PER_MINUTE  # type: ignore[attr-defined]  # a DatetimeIndex
        turn, rest = np.divmod(minute, int(self.params["every"]))
        signal = np.where(rest == 0, np.where(turn % 2 == 0, 1, -1), 0)
        return df.assign(signal=signal.astype("int8"))
