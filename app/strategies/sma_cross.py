"""Trend following with two simple moving averages: buy where the fast one crosses above the slow one, sell below."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError
from app.indicators.arrays import column
from app.indicators.averages import sma
from app.indicators.crossings import crossings
from app.strategies.base import BaseStrategy, indicators_of, with_columns


class SmaCrossStrategy(BaseStrategy):
    """A signal at the candle of the cross only.

    Cross above at candle i: fast[i-1] <= slow[i-1] and fast[i] > slow[i]; cross below the mirror image. Averages that
    touch have not crossed, averages that part after touching have.

    Raises:
        ConfigError: a window is below 1, or the fast one is not below the slow one.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"fast_window": 10, "slow_window": 50}

    def __init__(self, strategy_config: StrategyConfig) -> None:
        super().__init__(strategy_config)
        fast, slow = self.params["fast_window"], self.params["slow_window"]
        if not 1 <= fast < slow:
            raise ConfigError(
                f"params.fast_window {fast} and params.slow_window {slow}: choose 1 <= fast_window < slow_window"
            )

    @property
    def warmup(self) -> int:
        """The slow window and the candle before it, with which a cross is seen."""
        return int(self.params["slow_window"]) + 1

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `sma_fast` and `sma_slow`: means of the last closes, NaN until there are enough."""
        close = column(df, "close")
        return with_columns(
            df, sma_fast=sma(close, self.params["fast_window"]), sma_slow=sma(close, self.params["slow_window"])
        )

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `signal` (int8): 1 at a cross above, -1 at a cross below, else 0; 0 while an average is NaN.

        Raises:
            StrategyError: the frame has no averages.
        """
        return with_columns(df, signal=crossings(*indicators_of(df, "sma_fast", "sma_slow")))
