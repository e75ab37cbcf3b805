"""Mean reversion with the relative strength index: buy where it leaves oversold, sell where it leaves overbought."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError
from app.indicators.arrays import column
from app.indicators.crossings import crossings
from app.indicators.momentum import cutler_rsi
from app.strategies.base import BaseStrategy, indicators_of, with_columns


class RsiReversionStrategy(BaseStrategy):
    """A signal at the candle where the index comes back through a level, not while it stays beyond.

    Buy at candle i: rsi[i-1] <= oversold and rsi[i] > oversold; sell: rsi[i-1] >= overbought and rsi[i] < overbought.
    The index is Cutler's, whose value does not depend on where the history begins; Wilder's does.

    Raises:
        ConfigError: the window is below 1, or the levels are not 0 < oversold < overbought < 100.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"window": 14, "oversold": 30.0, "overbought": 70.0}

    def __init__(self, strategy_config: StrategyConfig) -> None:
        super().__init__(strategy_config)
        window, oversold, overbought = (self.params[key] for key in ("window", "oversold", "overbought"))
        if window < 1:
            raise ConfigError(f"params.window is {window}: choose 1 candle or more")
        if not 0 < oversold < overbought < 100:
            raise ConfigError(
                f"params.oversold {oversold} and params.overbought {overbought}: choose 0 < oversold < overbought < 100"
            )

    @property
    def warmup(self) -> int:
        """The index looks back over one change more than closes, and a crossing over one index more."""
        return int(self.params["window"]) + 2

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `rsi`: 0 to 100, NaN until there are enough closes."""
        return with_columns(df, rsi=cutler_rsi(column(df, "close"), self.params["window"]))

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add `signal` (int8): 1 at a recovery, -1 at a fall from the top, else 0; 0 while the index is NaN.

        Raises:
            StrategyError: the frame has no index.
        """
        (rsi,) = indicators_of(df, "rsi")
        buys = np.maximum(crossings(rsi, self.params["oversold"]), 0)
        sells = np.minimum(crossings(rsi, self.params["overbought"]), 0)
        return with_columns(df, signal=buys + sells)
