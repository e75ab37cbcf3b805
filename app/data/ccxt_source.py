"""Candles from an exchange through ccxt: checked, paged, retried, and timed by the exchange's clock."""

import threading
from collections.abc import Callable
from typing import Any, Final

import ccxt
import numpy as np

from app.config.models import ExchangeConfig
from app.core.clock import SystemClock
from app.core.interfaces import BidAsk
from app.core.window import possible
from app.data.candles import Candles
from app.data.source import CandleSource
from app.domain.errors import ConfigError, DataError
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.exchanges.budget import RequestBudget
from app.exchanges.ccxt_client import ccxt_client
from app.exchanges.gate import GateShutError, RequestGate
from app.exchanges.markets import Markets
from app.exchanges.time_difference import StepWatch
from app.exchanges.verdict import Verdict

BOOK_DEPTH: Final = 5  # the shallowest that exchanges give
PAGE: Final = 1_000  # Binance's most
ATTEMPTS: Final = 3
TIME_SAMPLES: Final = 5
RESYNC_MS: Final = 600_000


class CcxtSource(CandleSource):
    """An exchange that ccxt knows; nothing is asked of it before the first candle is wanted.

    Args:
        config: Exchange id and whether to use its test network.
        rest_url: Another server that speaks the exchange's API.
        clock: The clock whose offset is set to the exchange's time.
        timeout_ms: For each request.
        first_pause_ms: Before the second attempt; doubles from attempt to attempt.

    Attributes:
        budget: What may be asked of the exchange, shared with the orders that go to the same address.

    Raises:
        ConfigError: no such exchange.
    """

    clock: SystemClock

    def __init__(
        self,
        config: ExchangeConfig,
        *,
        rest_url: str | None = None,
        clock: SystemClock | None = None,
        timeout_ms: int = 10_000,
        first_pause_ms: int = 500,
    ) -> None:
        self.clock = clock or SystemClock()
        self._name = config.name
        self._first_pause_ms = first_pause_ms
        self._client = ccxt_client(config.name, sandbox=config.sandbox_mode, rest_url=rest_url, timeout_ms=timeout_ms)
        self._machine = SystemClock()
        self._synchronized_ms: int | None = None
        self.budget = RequestBudget(self._machine)
        self._gate = RequestGate(self._client, self.budget)
        self._markets = Markets(self._client, lambda ask: self._call("the list of markets", ask), self._machine)
        self._steps = StepWatch(self._machine)

    def synchronize(self) -> None:
        """Set the clock's offset from the sample with the shortest round trip; at most every ten minutes.

        The offset assumes that the answer took no time, so the clock is never ahead of the exchange's: what it calls
        closed is closed.
        """
        now_ms = self._machine.monotonic_ms()
        if self._steps.stepped():
            self._synchronized_ms = None
        fresh = self._synchronized_ms is not None and 0 <= now_ms - self._synchronized_ms < RESYNC_MS
        if fresh or not self._client.has.get("fetchTime"):
            return
        self.clock.offset_ms = min(self._time_sample() for _ in range(TIME_SAMPLES))[1]
        self._synchronized_ms = now_ms

    def instrument(self, symbol: str) -> Instrument:
        """The market's grid and bounds, at most an hour old."""
        return self._markets.instrument(symbol)

    def bid_ask(self, symbol: str) -> BidAsk | None:
        """The best bid and ask of the exchange's book."""
        found = self._call(f"the book of {symbol}", lambda: self._client.fetch_order_book(symbol, BOOK_DEPTH))
        try:
            return BidAsk(float(found["bids"][0][0]), float(found["asks"][0][0]))
        except (LookupError, TypeError, ValueError):
            raise DataError(f"{self._name} answered a book of {symbol} without bids or asks: no entry now") from None

    def fetch(
        self, symbol: str, timeframe: Timeframe, *, since_ms: int | None, until_ms: int, limit: int | None
    ) -> Candles:
        """The newest `limit` candles that open in [since_ms, until_ms), page by page from the newest backwards."""
        self.instrument(symbol)
        if timeframe.name not in self._client.timeframes:
            known = ", ".join(self._client.timeframes)
            raise ConfigError(f"{self._name} has no {timeframe} candles: set strategy.timeframe to one of {known}")
        pages: list[Candles] = []
        count, end_ms = 0, until_ms
        while (limit is None or count < limit) and (since_ms is None or end_ms > since_ms):
            # One more than wanted: an exchange that ignores `until` ends with the open candle.
            wanted = PAGE if limit is None else min(limit - count + 1, PAGE)
            page = self._page(symbol, timeframe, wanted, end_ms).between(None, end_ms, None)
            if not len(page):
                break
            pages.insert(0, page)
            count, end_ms = count + len(page), int(page.times[0])
            if len(page) < wanted - 1:
                break
        if not pages:
            return Candles(np.zeros(0, np.int64), np.zeros((0, 5)))
        times, rows = (np.concatenate(parts) for parts in zip(*((p.times, p.ohlcv) for p in pages), strict=True))
        return Candles(times, rows).between(since_ms, until_ms, limit)

    def _page(self, symbol: str, timeframe: Timeframe, limit: int, end_ms: int) -> Candles:
        rows = self._call(
            f"{symbol} {timeframe} candles",
            lambda: self._client.fetch_ohlcv(symbol, timeframe.name, None, limit, {"until": end_ms - 1}),
        )
        try:
            table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
        except (TypeError, ValueError):
            raise DataError(f"{self._name} answered {symbol} candles that are not rows of 6 numbers: retry") from None
        times = table[:, 0].astype(np.int64) if np.isfinite(table).all() else np.zeros(2, np.int64)
        if (np.diff(times) <= 0).any() or not possible(table[:, 1:]).all():
            raise DataError(f"{self._name} answered {symbol} candles that cannot be (order, NaN or prices): retry")
        return Candles(times, table[:, 1:])

    def exchange_time_ms(self) -> int:
        """What the exchange's clock said when it answered, ms UTC."""
        return int(self._call("its time", lambda: int(self._client.fetch_time())))

    def _time_sample(self) -> tuple[int, int]:
        """Round trip and offset of one question for the time, in ms."""
        asked_ms = self._machine.now_ms()
        exchange_ms = self.exchange_time_ms()
        answered_ms = self._machine.now_ms()
        return answered_ms - asked_ms, exchange_ms - answered_ms

    def _call(self, what: str, question: Callable[[], Any]) -> Any:  # noqa: ANN401  ccxt's answers
        """Ask, again with growing pauses while the network fails; never while the exchange refuses to be asked."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._gate.ask(question)
            except GateShutError as error:
                raise DataError(str(error)) from None
            except ccxt.BaseError as error:
                verdict = self._gate.verdict(error)
                if verdict is Verdict.REFUSED_LIMIT:
                    raise DataError(f"{self._name} limits our requests, {what} must wait: {error}") from error
                if not isinstance(error, ccxt.OperationFailed):
                    raise DataError(f"{self._name} refused {what}: {error}") from error
                if attempt == ATTEMPTS:
                    raise DataError(f"{self._name} did not give {what} in {ATTEMPTS} attempts: {error}") from error
                if verdict is Verdict.REFUSED_CLOCK:
                    self._synchronized_ms = None
                pause_until_ms = self._machine.now_ms() + self._first_pause_ms * 2 ** (attempt - 1)
                self._machine.wait_until(pause_until_ms, threading.Event())
        raise AssertionError("the last attempt returns or raises")
