"""What a client can ask for: REST endpoints and WebSocket API methods are the same operations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.exchange import Exchange
from exchange_simulator.server.limits import RateLimiter
from exchange_simulator.server.params import Params
from exchange_simulator.server.readlag import AccountReads

Weight = int | Callable[[Params], int]
Answer = object
"""Anything that serialises to JSON."""


class Security(StrEnum):
    """What a request must carry (rest-api.md, "Endpoint security type")."""

    NONE = "none"
    USER_DATA = "user_data"
    TRADE = "trade"


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request on its way to the exchange."""

    exchange: Exchange
    params: Params
    limits: RateLimiter
    reads: AccountReads
    shown_us: int
    client: Account | None = None

    @property
    def account(self) -> Account:
        """The account that signed; only operations with a security level may ask."""
        if self.client is None:
            raise ApiError(-2014, "API-key format invalid.", 401)
        return self.client

    @property
    def shown_ms(self) -> int:
        """The time that the server shows, in milliseconds: a fault may have skewed it."""
        return self.shown_us // 1_000

    @property
    def now_us(self) -> int:
        """The exchange's time."""
        return self.exchange.clock.now_us()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        run: Carries it out and returns what becomes the JSON.
        accepts: The parameters it knows; any other is refused with -1104.
        weight: Request weight, fixed or by parameters.
        security: What the request must carry.
        orders: How many orders it adds to the account's order count.
        prepare: Makes ready what `run` needs, a piece of some milliseconds at a time; other requests come in between.
        weight_when_refused: Weight of a refused request, where it differs: an accepted order costs nothing.
    """

    run: Callable[[Call], Answer]
    accepts: frozenset[str] = field(default_factory=frozenset)
    weight: Weight = 1
    security: Security = Security.NONE
    orders: int = 0
    weight_when_refused: int | None = None
    prepare: Callable[[Exchange, Params], Iterator[None]] | None = None

    def weight_of(self, params: Params) -> int:
        """Return the weight of a request with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


SIGNED = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
"""Parameters that every signed operation takes; `apiKey` is a parameter only in the WebSocket API."""


def names(*accepted: str) -> frozenset[str]:
    """Return the set of accepted parameter names."""
    return frozenset(accepted)
