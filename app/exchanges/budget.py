"""What an exchange lets us ask: one budget for all clients of an address in this process, read from its answers.

Binance counts the weight of all requests of an address in a minute, and the orders of an account in ten seconds and in
a day, and tells both in each answer: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (LIMITS).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.core.clock import Clock

RESERVED: Final = 0.2  # of the weight, for orders and cancels alone
WEIGHT_PER_MINUTE: Final = 6_000  # Binance's of 2026, until the exchange has told its own
ORDERS_PER_10_S: Final = 100
ORDERS_PER_DAY: Final = 200_000
DEFAULT_BAN_MS: Final = 60_000  # after 429 or 418 without Retry-After
ORDER_PAUSE_MS: Final = 10_000  # after "too many orders" without Retry-After
TOO_MANY_ORDERS: Final = -1015
_MINUTE_MS: Final = 60_000
_UNITS_MS: Final = {"SECOND": 1_000, "MINUTE": _MINUTE_MS, "HOUR": 3_600_000, "DAY": 86_400_000}
_HEADERS: Final = {
    "x-mbx-used-weight-1m": ("REQUEST_WEIGHT", _MINUTE_MS),
    "x-mbx-order-count-10s": ("ORDERS", 10_000),
    "x-mbx-order-count-1d": ("ORDERS", 86_400_000),
}


class Lane(StrEnum):
    """What a request is for."""

    READ = "read"  # refused before the limit is reached
    ORDER = "order"  # orders, cancels, and looking for an order in doubt: may use the reserve


@dataclass(slots=True)
class _Window:
    """What was used of a limit, when it was last told. Windows begin at multiples of their length, as at Binance."""

    limit: int
    used: int = 0
    told_ms: int = 0

    def used_at(self, now_ms: int, length_ms: int) -> int:
        return self.used if now_ms // length_ms == self.told_ms // length_ms else 0


class RequestBudget:
    """Says whether a request may leave, and remembers what interrupted the traffic.

    Args:
        clock: This machine's.

    Attributes:
        interruptions: How often since the start something ended after which the account must be compared in full: an
            outage, a ban, an answer that could not be trusted, a step of the clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows = {
            ("REQUEST_WEIGHT", _MINUTE_MS): _Window(WEIGHT_PER_MINUTE),
            ("ORDERS", 10_000): _Window(ORDERS_PER_10_S),
            ("ORDERS", 86_400_000): _Window(ORDERS_PER_DAY),
        }
        self._shut_until_ms: dict[Lane, int] = dict.fromkeys(Lane, 0)
        self._is_away = False
        self.interruptions = 0

    def refusal(self, lane: Lane, *, places_order: bool = False) -> str | None:
        """Why a request may not leave now, in words; None when it may."""
        left_ms = self._shut_until_ms[lane] - self._clock.monotonic_ms()
        if left_ms > 0:
            return f"wants to be left alone for another {left_ms / 1_000:.0f} s: wait"
        now_ms = self._clock.now_ms()
        for (kind, length_ms), window in self._windows.items():
            if kind == "ORDERS" and not places_order:
                continue
            share = 1 - RESERVED if kind == "REQUEST_WEIGHT" and lane is Lane.READ else 1
            if (used := window.used_at(now_ms, length_ms)) >= window.limit * share:
                left_ms = length_ms - now_ms % length_ms
                what = "request weight" if kind == "REQUEST_WEIGHT" else "orders"
                return f"has counted {used} of {window.limit} {what}: wait {left_ms / 1_000:.0f} s"
        return None

    def weight_used(self) -> int:
        """Of this minute, as last told."""
        return self._windows["REQUEST_WEIGHT", _MINUTE_MS].used_at(self._clock.now_ms(), _MINUTE_MS)

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer how much is used."""
        for name, value in headers.items():
            key = _HEADERS.get(name.lower())
            if key is not None and str(value).isdigit():
                window = self._windows[key]
                window.used, window.told_ms = int(value), self._clock.now_ms()

    def note_limits(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Learn the limits from exchangeInfo's `rateLimits`."""
        for row in rows:
            length_ms = _UNITS_MS.get(str(row.get("interval")), 0) * int(row.get("intervalNum") or 0)
            window = self._windows.get((str(row.get("rateLimitType")), length_ms))
            if window is not None and int(row.get("limit") or 0) > 0:
                window.limit = int(row["limit"])

    def note_success(self) -> None:
        """A request was answered as it should be; after an outage that is an event."""
        if self._is_away:
            self._is_away = False
            self.interruptions += 1

    def note_doubt(self) -> None:
        """A request was not answered, or by something that cannot be trusted."""
        self._is_away = True

    def note_step(self) -> None:
        """Time has jumped: this machine slept, or its clock was set."""
        self.interruptions += 1

    def note_limit(self, code: int | None, retry_after_s: int | None, until_ms: int | None) -> None:
        """The exchange refused because of a limit: shut until the moment that it named.

        Args:
            code: Its error code; "too many orders" shuts the lane of orders alone.
            retry_after_s: Its Retry-After.
            until_ms: The end of a ban as named in its text, ms UTC.
        """
        only_orders = code == TOO_MANY_ORDERS
        if retry_after_s is not None:
            wait_ms = retry_after_s * 1_000
        elif until_ms is not None:
            wait_ms = until_ms - self._clock.now_ms()
        else:
            wait_ms = ORDER_PAUSE_MS if only_orders else DEFAULT_BAN_MS
        for lane in (Lane.ORDER,) if only_orders else Lane:
            self._shut_until_ms[lane] = self._clock.monotonic_ms() + wait_ms
        self._is_away = self._is_away or not only_orders
