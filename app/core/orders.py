"""The one door from the bot to its executor: only what the gate approved goes through it."""

from typing import Any

from app.core.interfaces import IExecutor
from app.risk.gate import Approved


def place(executor: IExecutor, order: Approved) -> dict[str, Any]:
    """Execute an approved order.

    Raises:
        TypeError: it was not approved.
        OrderError: see `IExecutor.execute_order`.
    """
    if type(order) is not Approved:
        raise TypeError(f"{order!r} was not approved by the risk gate: ask app.risk.gate.Gate")
    return executor.execute_order(
        symbol=order.symbol, side=order.side, quantity=order.quantity, order_type=order.order_type, price=order.price
    )


def is_ours(thing: object, kind: type) -> bool:
    """Whether something really is of a kind: a test's stand-in passes `isinstance`, too, and knows nothing."""
    return issubclass(type(thing), kind)
