"""Strategies that are called once per candle, for what cannot be said in columns.

The same class trades live: there the bot's window is gone through candle by candle.
"""

from abc import abstractmethod
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from app.domain.errors import StrategyError
from app.strategies.base import BaseStrategy


class Candle:
    """A closed candle, as plain numbers. One object serves all calls: copy what you want to keep.

    Attributes:
        time_ms: Open time, ms UTC.
        open: Quote per base.
        high: Quote per base.
        low: Quote per base.
        close: Quote per base.
        volume: Base units.
        symbol: The market.
    """

    __slots__ = ("close", "high", "low", "open", "symbol", "time_ms", "volume")

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    symbol: str


class Portfolio(Protocol):
    """The account as it stands at the candle's close, before anything is decided there."""

    @property
    def quantity(self) -> float:
        """Base units held of the candle's symbol; negative for a short position."""

    @property
    def entry(self) -> float:
        """Average entry price of what is held, quote per base; 0 when nothing is."""

    @property
    def cash(self) -> float:
        """Free cash, quote units."""

    @property
    def equity(self) -> float:
        """Cash and all positions at their newest closes, quote units."""


class Request(NamedTuple):
    """An order in more words than a signal.

    Attributes:
        signal: 1 to buy, -1 to sell.
        quantity: Base units of an entry; 0 for what sizing says, which is also the most that is ordered.
        limit: An entry's limit price, quote per base; 0 for what the settings say.
    """

    signal: int
    quantity: float = 0.0
    limit: float = 0.0


class EventStrategy(BaseStrategy):
    """A strategy with a callback per candle. Make its indicators in `start`, not in the constructor."""

    @abstractmethod
    def start(self) -> None:
        """Forget everything: the next candle is the first one."""

    @abstractmethod
    def on_candle(self, candle: Candle, portfolio: Portfolio) -> int | Request | None:
        """Look at a closed candle.

        Args:
            candle: The candle.
            portfolio: What is held. A strategy that looks at it can be backtested, but not run in a bot.

        Returns:
            1 to buy, -1 to sell, 0 or None for nothing, or a `Request`.
        """

    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        """The candles as they are."""
        return df

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        """Go through the candles one by one."""
        return df.assign(signal=signals_of(self, df))


def signals_of(strategy: EventStrategy, df: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
    """The signals of a strategy that does not look at its portfolio, int8.

    Raises:
        StrategyError: it looks, or asks for a quantity or a limit.
    """
    assert isinstance(df.index, pd.DatetimeIndex)  # noqa: S101  what `BaseStrategy` is given
    signals, candle, nobody = np.zeros(len(df), dtype=np.int8), Candle(), _Nobody()
    candle.symbol = strategy.config.symbol
    strategy.start()
    times = df.index.as_unit("ms").asi8.tolist()
    columns = (df[name].tolist() for name in ("open", "high", "low", "close", "volume"))
    for row, (time_ms, opened, high, low, close, volume) in enumerate(zip(times, *columns, strict=True)):
        candle.time_ms, candle.open, candle.high, candle.low = time_ms, opened, high, low
        candle.close, candle.volume = close, volume
        answer = strategy.on_candle(candle, nobody)
        if not isinstance(answer, int | np.integer | None):
            raise StrategyError(
                f"strategy {type(strategy).__name__} returned {answer!r} for a candle: "
                "a bot needs 1, -1 or 0, requests are for backtests"
            )
        if answer:
            signals[row] = answer
    return signals


class _Nobody:
    """No portfolio: whoever looks is told so."""

    def __getattr__(self, name: str) -> float:
        raise StrategyError(
            f"the strategy looks at portfolio.{name}, which is not known here: it can be backtested, not run in a bot"
        )
