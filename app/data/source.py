"""The port behind the data handler: where candles are taken from."""

from abc import ABC, abstractmethod

from app.config.models import ExchangeConfig
from app.core.clock import Clock
from app.core.interfaces import BidAsk
from app.data.candles import Candles
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.exchanges.budget import RequestBudget


class CandleSource(ABC):
    """An exchange, or something that behaves like one.

    Attributes:
        clock: The time by which its candles close.
        budget: What may be asked of the exchange; None where nothing limits it.
    """

    clock: Clock
    budget: RequestBudget | None = None

    @abstractmethod
    def synchronize(self) -> None:
        """Make `clock` agree with the exchange's time; called before candles are judged closed."""

    def account_config(self, config: ExchangeConfig) -> ExchangeConfig:
        """The settings with which orders reach this exchange: the given ones, unless the source knows better."""
        return config

    def bid_ask(self, symbol: str) -> BidAsk | None:  # noqa: ARG002  most sources have no book
        """The top of the market's book now; None where there is none. Raises DataError when it could not be had."""
        return None

    def close(self) -> None:  # noqa: B027  most sources have nothing to end
        """End what the source started; nothing may be asked of it afterwards."""

    @abstractmethod
    def instrument(self, symbol: str) -> Instrument:
        """What the market allows; raises ConfigError for a symbol that is not traded there."""

    @abstractmethod
    def fetch(
        self, symbol: str, timeframe: Timeframe, *, since_ms: int | None, until_ms: int, limit: int | None
    ) -> Candles:
        """The newest `limit` candles that open in [since_ms, until_ms), oldest first.

        Raises:
            DataError: they could not be had, or what came is no candle.
            ConfigError: there is no such symbol or timeframe.
        """
