"""What a strategy is: two vectorised methods over a frame of closed candles, and parameters that are declared."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import pandas as pd
from numpy.typing import NDArray

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, StrategyError
from app.indicators.arrays import F64, column

_KINDS: Final = {bool: "truth value", int: "whole number", float: "finite number", str: "text"}


class BaseStrategy(ABC):
    """A rule that turns closed candles into signals. It knows no exchange, no clock and no position.

    A subclass declares its parameters and their defaults in `defaults`; a parameter that nobody declared is then
    refused, and a value must be of its default's type. Declarations of parent classes count too. A class without any
    declaration takes whatever parameters it is given.

    Args:
        strategy_config: Name, market, timeframe and parameters.

    Raises:
        ConfigError: a parameter is unknown, of the wrong type, or not finite.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, strategy_config: StrategyConfig) -> None:
        self.config = strategy_config
        declared = self.declared()
        if declared:
            for key, value in strategy_config.params.items():
                _check(type(self).__name__, key, value, declared)
        self._params: Mapping[str, Any] = MappingProxyType(declared | strategy_config.params)

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """All declared parameters with their defaults, those of parent classes first."""
        merged: dict[str, Any] = {}
        for kind in reversed(cls.__mro__):
            merged |= vars(kind).get("defaults", {})
        return merged

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters in force: what the settings say, else the defaults. Read-only."""
        return self._params

    @property
    def warmup(self) -> int:
        """How many candles a window must hold for the signal of its last candle to be the same in any longer window.

        `slow_window` when there is such a parameter, else 1. Override it when the strategy looks further back.
        """
        return int(self.params.get("slow_window", 1))

    @abstractmethod
    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """The candles with indicator columns added.

        Args:
            df: Columns open, high, low, close (quote per base) and volume (base), one row per closed candle, oldest
                first, indexed by open time in UTC. It is not changed.

        Returns:
            A frame with the same rows. Row i depends on rows 0..i only.
        """

    @abstractmethod
    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """The frame of `calculate_indicators` with a column `signal` added.

        Args:
            df: What `calculate_indicators` returned. It is not changed.

        Returns:
            A frame with the same rows; `signal` is 1 where to buy, -1 where to sell, 0 elsewhere.
        """


def indicators_of(df: pd.DataFrame, *names: str) -> tuple[F64, ...]:
    """Indicator columns as arrays, in the order asked for.

    Raises:
        StrategyError: the frame lacks one, for it did not come from `calculate_indicators`.
    """
    if missing := [name for name in names if name not in df.columns]:
        raise StrategyError(f"the frame has no column {missing[0]!r}: call calculate_indicators first")
    return tuple(column(df, name) for name in names)


def with_columns(df: pd.DataFrame, **columns: NDArray[Any]) -> pd.DataFrame:
    """What `df.assign(...)` gives, without a copy of each column: do not write into them afterwards."""
    if any(name in df.columns for name in columns):
        return df.assign(**columns)
    frame = df.copy(deep=False)
    for name, values in columns.items():
        frame.insert(len(frame.columns), name, pd.Series(values, index=df.index, copy=False))
    return frame


def _check(strategy: str, key: str, value: object, declared: Mapping[str, Any]) -> None:
    """Refuse a parameter that is not declared or whose value does not fit its default."""
    if key not in declared:
        raise ConfigError(f"params.{key} is no parameter of {strategy}: known are {', '.join(sorted(declared))}")
    default = declared[key]
    if default is None or _fits(value, default):
        return
    kind = _KINDS.get(type(default), type(default).__name__)
    raise ConfigError(f"params.{key} of {strategy} is {value!r}: give a {kind}, such as {default!r}")


def _fits(value: object, default: object) -> bool:
    if isinstance(default, float):  # a whole number will do where a fraction is asked for
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is type(default)
