"""One door for all requests to an exchange: while it asks to be left alone, nothing passes."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import ccxt

from app.core.clock import Clock
from app.exchanges.verdict import Failure, Verdict, code_in, verdict_of

Answer = TypeVar("Answer")

DEFAULT_BAN_MS: Final = 60_000  # after 429 or 418 without Retry-After
_BANNED_UNTIL: Final = re.compile(r"until (\d{13})")


class GateShutError(Exception):
    """Nothing was sent: the exchange asked to be left alone, and that time is not over."""


class RequestGate:
    """Passes requests to a guarded ccxt client; shut after 429 or 418 until the moment that the exchange named.

    Args:
        client: From `ccxt_client`.
        clock: This machine's.
    """

    def __init__(self, client: Any, clock: Clock) -> None:  # noqa: ANN401  ccxt has no types
        self._client = client
        self._clock = clock
        self._shut_until_ms = 0

    def ask(self, request: Callable[[], Answer]) -> Answer:
        """Pass one request.

        Raises:
            GateShutError: nothing was sent.
            Exception: whatever the request raised.
        """
        left_ms = self._shut_until_ms - self._clock.now_ms()
        if left_ms > 0:
            raise GateShutError(f"{self._client.id} wants to be left alone for another {left_ms / 1_000:.0f} s: wait")
        self._client.last_status = None
        try:
            return request()
        except ccxt.BaseError as error:
            if self.verdict(error) is Verdict.REFUSED_LIMIT:
                self._shut_until_ms = self._named_moment(str(error))
            raise

    def verdict(self, error: Exception) -> Verdict:
        """What the failure of the last request means."""
        if isinstance(error, GateShutError):
            return Verdict.REFUSED_LIMIT
        if not isinstance(error, ccxt.BaseError):
            return Verdict.UNKNOWN
        text = str(error)
        return verdict_of(Failure(self._client.last_status, code_in(text), type(error).__name__, text))

    def _named_moment(self, text: str) -> int:
        """From Retry-After, or from `banned until 1659146400000`; ms UTC."""
        headers = {str(key).lower(): value for key, value in (self._client.last_response_headers or {}).items()}
        seconds = str(headers.get("retry-after", ""))
        if seconds.isdigit():
            return self._clock.now_ms() + int(seconds) * 1_000
        named = _BANNED_UNTIL.search(text)
        return int(named.group(1)) if named else self._clock.now_ms() + DEFAULT_BAN_MS
