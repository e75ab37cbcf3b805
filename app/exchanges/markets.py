"""The filters of the markets that are traded: read again every hour, after a refusal, and while a market is paused."""

from collections.abc import Callable
from typing import Any, Final

import ccxt

from app.core.clock import Clock
from app.domain.errors import ConfigError, DataError
from app.domain.instrument import Instrument
from app.exchanges.instruments import instrument_of

AGE_MS: Final = 3_600_000
PAUSED_AGE_MS: Final = 1_000
GONE: Final = "not listed"


class Markets:
    """What the markets of one exchange allow.

    Args:
        client: From `ccxt_client`.
        ask: Passes a question, and making sense of the answer, through the gate; raises DataError.
        clock: This machine's.
    """

    def __init__(self, client: Any, ask: Callable[[Callable[[], Any]], Any], clock: Clock) -> None:  # noqa: ANN401
        self._client = client
        self._ask = ask
        self._clock = clock
        self._known: dict[str, Instrument] = {}
        self._read_at_ms: dict[str, int] = {}

    def instrument(self, symbol: str, *, soon: bool = False) -> Instrument:
        """The symbol's filters; of a market that vanished, the last ones, and that it cannot be traded.

        Args:
            symbol: The market.
            soon: Read them also when they would have to be read in the next half hour.

        Raises:
            ConfigError: the exchange never had such a market.
            DataError: the exchange did not answer, and nothing is known yet.
        """
        known = self._known.get(symbol)
        if known is not None and not self._is_old(symbol, known, soon=soon):
            return known
        try:
            found: Instrument = self._ask(lambda: self._read(symbol))
        except ConfigError:
            if known is None:
                raise
            found = known.with_status(GONE)
        except DataError:
            if known is None:
                raise
            return known  # the exchange refuses an order that no longer fits; better than no exit
        self._known[symbol] = found
        self._read_at_ms[symbol] = self._clock.monotonic_ms()
        return found

    def forget(self, symbol: str | None = None) -> None:
        """Read again before the next use."""
        for name in [symbol] if symbol is not None else list(self._known):
            self._read_at_ms.pop(name, None)

    def _is_old(self, symbol: str, known: Instrument, *, soon: bool) -> bool:
        read_at_ms = self._read_at_ms.get(symbol)
        most_ms = AGE_MS // (2 if soon else 1) if known.is_trading else PAUSED_AGE_MS
        return read_at_ms is None or self._clock.monotonic_ms() - read_at_ms >= most_ms

    def _read(self, symbol: str) -> Instrument:
        """All markets at first; later one alone where the exchange lets us, which is a thousandth of the work."""
        is_first = not self._client.markets or symbol not in self._client.markets
        if is_first or not self._client.id.startswith("binance"):
            markets = self._client.load_markets(reload=bool(self._client.markets))
            return instrument_of(markets, symbol, self._client.id)
        market = self._one_of_binance(symbol)
        found = instrument_of({} if market is None else {symbol: market}, symbol, self._client.id)
        self._client.markets[symbol] = market  # only what could be read takes the place of what is known
        return found

    def _one_of_binance(self, symbol: str) -> Any:  # noqa: ANN401
        market_id = self._client.markets[symbol]["id"]
        try:
            row = self._client.publicGetExchangeInfo({"symbol": market_id})["symbols"][0]
        except ccxt.BadSymbol:
            return None
        return self._client.parse_market(row)
