"""Breakouts from Donchian's channel: buy above the highest high of the candles before, sell below their lowest low."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError
from app.indicators.arrays import column, delayed
from app.indicators.crossings import crossings
from app.indicators.extremes import rolling_max, rolling_min
from app.strategies.base import BaseStrategy, indicators_of, with_columns


class DonchianBreakoutStrategy(BaseStrategy):
    """A signal at the candle whose close leaves the channel of the candles before it, not while closes stay outside.

    Buy at candle i: close[i] > max(high[i-entry_window .. i-1]), when candle i-1 did not close above its own such
    maximum; sell: close[i] < min(low[i-exit_window .. i-1]), when candle i-1 did not close below its own.

    Raises:
        ConfigError: a window is below 1.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"entry_window": 20, "exit_window": 10}

    def __init__(self, strategy_config: StrategyConfig) -> None:
        super().__init__(strategy_config)
        for key in ("entry_window", "exit_window"):
            if self.params[key] < 1:
                raise ConfigError(f"params.{key} is {self.params[key]}: choose 1 candle or more")

    @property
    def warmup(self) -> int:
        """The longer window, the candle that leaves the channel, and the one before it."""
        return int(max(self.params["entry_window"], self.params["exit_window"])) + 2

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `channel_high` and `channel_low`: extremes of the candles before this one, NaN until there are enough."""
        return with_columns(
            df,
            channel_high=delayed(rolling_max(column(df, "high"), self.params["entry_window"]), 1),
            channel_low=delayed(rolling_min(column(df, "low"), self.params["exit_window"]), 1),
        )

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `signal` (int8): 1 at a breakout upwards, -1 downwards, else 0; 0 while a channel is NaN.

        Raises:
            StrategyError: the frame has no channel.
        """
        close, highest, lowest = indicators_of(df, "close", "channel_high", "channel_low")
        return with_columns(
            df, signal=np.maximum(crossings(close, highest), 0) + np.minimum(crossings(close, lowest), 0)
        )
