"""The bot's candles: closed ones only, from an exchange or from a replayed file."""

from datetime import UTC, datetime

import pandas as pd

from app.config.models import ExchangeConfig
from app.core.clock import Clock
from app.core.interfaces import BidAsk, IDataHandler
from app.data.replay import ReplaySource
from app.data.source import CandleSource
from app.domain.errors import DataError
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.exchanges.budget import RequestBudget

DEFAULT_LIMIT = 500  # as Binance's and ccxt's


class CryptoDataHandler(IDataHandler):
    """Candles of `exchange_config.name`.

    "replay" plays a file, "simulated" starts the built-in exchange, any other name is a ccxt exchange.

    Args:
        exchange_config: Where candles come from.
        source: Takes the place of the source that the name chooses.
        clock: Takes the place of the source's clock when candles are judged closed.

    Attributes:
        clock: The time by which candles close.

    Raises:
        ConfigError: no such exchange, or the file cannot be replayed.
    """

    def __init__(
        self, exchange_config: ExchangeConfig, *, source: CandleSource | None = None, clock: Clock | None = None
    ) -> None:
        self.exchange_config = exchange_config
        self._source = source or _source_of(exchange_config)
        self.clock: Clock = clock or self._source.clock

    def get_historical_data(
        self,
        symbol: str,
        timeframe: str,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The newest `limit` closed candles within [start_date, end_date), oldest first.

        Dates are datetimes or ISO 8601 texts; without a zone they mean UTC. Without start_date and limit, 500 candles.
        The shape is that of `IDataHandler`.

        Raises:
            DataError: nothing could be had, or an argument makes no sense.
            ConfigError: there is no such symbol or timeframe.
        """
        length = Timeframe.parse(timeframe)
        if limit is not None and limit < 1:
            raise DataError(f"limit is {limit}: ask for 1 candle or more")
        since_ms, end_ms = _milliseconds("start_date", start_date), _milliseconds("end_date", end_date)
        self._source.synchronize()
        # Before fetching: a candle that closes while the answer is under way may not be final in it.
        closed_until_ms = self.clock.now_ms() - length.ms + 1
        until_ms = closed_until_ms if end_ms is None else min(end_ms, closed_until_ms)
        if limit is None and since_ms is None:
            limit = DEFAULT_LIMIT
        found = self._source.fetch(symbol, length, since_ms=since_ms, until_ms=until_ms, limit=limit)
        return found.between(since_ms, until_ms, limit).frame()

    def get_latest_bar(self, symbol: str, timeframe: str) -> pd.Series:
        """The newest closed candle; its `name` is the open time. Raises DataError when there is none yet."""
        newest = self.get_historical_data(symbol, timeframe, limit=1)
        if newest.empty:
            raise DataError(f"{symbol} {timeframe} has no closed candle yet: wait for the first close")
        return newest.iloc[-1]

    def get_bid_ask(self, symbol: str) -> BidAsk | None:
        """The best bid and ask; None in a replay. Raises DataError when the exchange does not tell."""
        return self._source.bid_ask(symbol)

    def instrument(self, symbol: str) -> Instrument:
        """What the market allows."""
        return self._source.instrument(symbol)

    def account_config(self) -> ExchangeConfig:
        """The settings with which orders reach the exchange that the candles come from."""
        return self._source.account_config(self.exchange_config)

    @property
    def budget(self) -> RequestBudget | None:
        """What may be asked of the exchange; orders to it share it. None where nothing limits it."""
        return self._source.budget

    def close(self) -> None:
        """End what the source started."""
        self._source.close()


def _source_of(config: ExchangeConfig) -> CandleSource:
    if config.name == "replay" and config.replay is not None:
        return ReplaySource(config.replay, config.market)
    if config.name == "simulated":
        from app.data.simulated import SimulatedSource  # noqa: PLC0415  ccxt, too

        return SimulatedSource(config)
    from app.data.ccxt_source import CcxtSource  # noqa: PLC0415  ccxt takes more than a second to import

    return CcxtSource(config, rest_url=config.rest_url)


def _milliseconds(argument: str, date: datetime | str | None) -> int | None:
    if date is None:
        return None
    try:
        moment = datetime.fromisoformat(date) if isinstance(date, str) else date
    except ValueError:
        raise DataError(f'{argument} {date!r} is no date: write it as "2021-05-19T13:00:00"') from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000)
