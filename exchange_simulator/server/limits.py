"""Request limits: weight and raw requests per address, orders per account (rest-api.md, "LIMITS").

Windows are aligned to the exchange's clock, as Binance aligns them: a minute's budget is fresh when the minute turns.
Breaking a limit answers 429; sending on while it is broken answers 418, an address ban that doubles with every repeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exchange_simulator.engine.errors import ApiError

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 1_440 * MINUTE_US
FIRST_BAN_S = 120
LONGEST_BAN_S = 3 * 86_400
STREAMS_ADVICE = "Please use WebSocket Streams for live updates to avoid"


class RateLimited(ApiError):
    """A refusal that says how long to wait."""

    def __init__(self, code: int, message: str, http_status: int, retry_after_s: int | None) -> None:
        super().__init__(code, message, http_status)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Limits:
    """What the exchange allows; the defaults are Binance's of 2026."""

    weight_per_minute: int = 6_000
    raw_requests_per_5_minutes: int = 300_000
    orders_per_10_seconds: int = 100
    orders_per_day: int = 200_000
    requests_over_the_limit_before_ban: int = 10

    def as_json(self) -> list[dict[str, object]]:
        """Return the `rateLimits` of exchangeInfo."""
        return [
            _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            *self.order_limits(),
            _rate_limit("RAW_REQUESTS", "MINUTE", 5, self.raw_requests_per_5_minutes),
        ]

    def order_limits(self) -> list[dict[str, object]]:
        """Return the two order limits alone."""
        return [
            _rate_limit("ORDERS", "SECOND", 10, self.orders_per_10_seconds),
            _rate_limit("ORDERS", "DAY", 1, self.orders_per_day),
        ]


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


@dataclass(slots=True)
class _Window:
    """A counter that starts anew with every window of `length_us`."""

    length_us: int
    number: int = -1
    used: int = 0

    def at(self, now_us: int) -> "_Window":
        number = now_us // self.length_us
        if number != self.number:
            self.number, self.used = number, 0
        return self

    def seconds_left(self, now_us: int) -> int:
        return -((now_us % self.length_us - self.length_us) // SECOND_US)


@dataclass(slots=True)
class _Address:
    weight: _Window = field(default_factory=lambda: _Window(MINUTE_US))
    raw: _Window = field(default_factory=lambda: _Window(5 * MINUTE_US))
    refused: int = 0
    bans: int = 0
    banned_until_us: int = 0


@dataclass(slots=True)
class _OrderCount:
    ten_seconds: _Window = field(default_factory=lambda: _Window(10 * SECOND_US))
    day: _Window = field(default_factory=lambda: _Window(DAY_US))


class RateLimiter:
    """Counts requests and orders against `limits`; `enforced=False` counts without refusing."""

    def __init__(self, limits: Limits, *, enforced: bool = True) -> None:
        self.limits = limits
        self.enforced = enforced
        self._addresses: dict[str, _Address] = {}
        self._orders: dict[str, _OrderCount] = {}

    def charge(self, address: str, weight: int, now_us: int) -> int:
        """Book `weight` on an address and return the weight it used in this minute.

        Raises:
            RateLimited: 418 (-1003) while the address is banned, 429 (-1003) when a budget is used up.
        """
        state = self._addresses.get(address)
        if state is None:
            state = self._addresses[address] = _Address()
        if state.banned_until_us > now_us:
            raise _banned(state.banned_until_us, now_us)
        minute, raw = state.weight.at(now_us), state.raw.at(now_us)
        minute.used += weight
        raw.used += 1
        if self.enforced:
            if minute.used > self.limits.weight_per_minute:
                raise self._over(state, minute, now_us, f"{self.limits.weight_per_minute} request weight per 1 MINUTE")
            if raw.used > self.limits.raw_requests_per_5_minutes:
                raise self._over(state, raw, now_us, f"{self.limits.raw_requests_per_5_minutes} requests per 5 MINUTE")
            state.refused = 0
        return minute.used

    def add_weight(self, address: str, weight: int, now_us: int) -> int:
        """Book what a request turned out to weigh beyond its charge; the next request feels it."""
        minute = self._addresses.setdefault(address, _Address()).weight.at(now_us)
        minute.used += weight
        return minute.used

    def ban(self, address: str, seconds: int, now_us: int) -> None:
        """Ban an address, as a fault may ask for."""
        state = self._addresses.setdefault(address, _Address())
        state.banned_until_us = now_us + seconds * SECOND_US

    def count_orders(self, account: str, number: int, now_us: int) -> None:
        """Book new orders on an account.

        Raises:
            RateLimited: 429 (-1015), and nothing is booked, when the account has no orders left in a window.
        """
        state = self._orders.setdefault(account, _OrderCount())
        short, day = state.ten_seconds.at(now_us), state.day.at(now_us)
        if self.enforced:
            if short.used + number > self.limits.orders_per_10_seconds:
                raise _too_many_orders(f"{self.limits.orders_per_10_seconds} orders per 10 SECOND")
            if day.used + number > self.limits.orders_per_day:
                raise _too_many_orders(f"{self.limits.orders_per_day} orders per 1 DAY")
        short.used += number
        day.used += number

    def give_back_orders(self, account: str, number: int, now_us: int) -> None:
        """Uncount orders: one that gets its first fill (faqs/order_count_decrement.md), or that was refused."""
        state = self._orders.get(account)
        if state is not None:
            for window in (state.ten_seconds.at(now_us), state.day.at(now_us)):
                window.used = max(0, window.used - number)

    def weight_used(self, address: str, now_us: int) -> int:
        """Return the weight an address used in this minute."""
        state = self._addresses.get(address)
        return state.weight.at(now_us).used if state else 0

    def orders_used(self, account: str, now_us: int) -> tuple[int, int]:
        """Return an account's orders in these 10 seconds and on this day."""
        state = self._orders.setdefault(account, _OrderCount())
        return state.ten_seconds.at(now_us).used, state.day.at(now_us).used

    def order_headers(self, account: str, now_us: int) -> Mapping[str, str]:
        """Return the headers that every accepted order carries."""
        short, day = self.orders_used(account, now_us)
        return {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1D": str(day)}

    def _over(self, state: _Address, window: _Window, now_us: int, limit: str) -> RateLimited:
        state.refused += 1
        if state.refused > self.limits.requests_over_the_limit_before_ban:
            seconds = min(FIRST_BAN_S * 2**state.bans, LONGEST_BAN_S)
            state.bans += 1
            state.refused = 0
            state.banned_until_us = now_us + seconds * SECOND_US
            return _banned(state.banned_until_us, now_us)
        text = f"Too much request weight used; current limit is {limit}. {STREAMS_ADVICE} polling the API."
        return RateLimited(-1003, text, 429, window.seconds_left(now_us))


def _banned(until_us: int, now_us: int) -> RateLimited:
    text = f"Way too much request weight used; IP banned until {until_us // 1_000}. {STREAMS_ADVICE} bans."
    return RateLimited(-1003, text, 418, -((now_us - until_us) // SECOND_US))


def _too_many_orders(limit: str) -> RateLimited:
    return RateLimited(-1015, f"Too many new orders; current limit is {limit}.", 429, None)
