"""What an exchange can tell of orders, read from ccxt. Where it tells less, the promise is weaker, and says so."""

import inspect
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Abilities:
    """The questions that an exchange answers.

    Attributes:
        finds_by_own_id: An order can be asked for by our own client id.
        finds: An order can be asked for by the exchange's id.
        lists_open: Resting orders.
        lists_orders: Orders in whatever state.
        lists_fills: Our own trades.
    """

    finds_by_own_id: bool = True
    finds: bool = True
    lists_open: bool = True
    lists_orders: bool = True
    lists_fills: bool = True

    @property
    def proves_absence(self) -> bool:
        """Whether an order that no source knows can be declared to have never arrived."""
        return self.lists_open and (self.lists_orders or self.lists_fills)

    def weaker_promise(self, exchange: str) -> str | None:
        """What cannot be promised on this exchange, in words; None for the full promise."""
        if not self.proves_absence:
            return f"{exchange} lists too little: an order whose answer is lost freezes its symbol until you looked"
        if not self.finds_by_own_id:
            return (
                f"{exchange} cannot be asked for our own order ids: an order whose answer is lost is recognised by "
                "side, quantity and time, so do not place the same order by hand; one order is in flight per symbol"
            )
        return None


def abilities_of(client: Any) -> Abilities:  # noqa: ANN401  ccxt has no types
    """What ccxt says of a client's exchange.

    ccxt names no ability for the lookup by client id, so its source is read: a `fetch_order` that never mentions one
    cannot look for it.
    """
    has = client.has
    return Abilities(
        finds_by_own_id=bool(has.get("fetchOrder")) and _mentions_client_id(type(client).fetch_order),
        finds=bool(has.get("fetchOrder")),
        lists_open=bool(has.get("fetchOpenOrders")),
        lists_orders=bool(has.get("fetchOrders")),
        lists_fills=bool(has.get("fetchMyTrades")),
    )


def _mentions_client_id(method: Any) -> bool:  # noqa: ANN401
    try:
        source = inspect.getsource(method)
    except (OSError, TypeError):  # installed without sources: the weaker promise
        return False
    return "clientOrderId" in source or "origClientOrderId" in source
