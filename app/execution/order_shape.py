"""Orders in ccxt's unified shape: https://docs.ccxt.com/#/?id=order-structure."""

from datetime import UTC
from typing import Any, Final

from app.domain.order import OrderStatus
from app.domain.values import MONEY
from app.models.sql import Order

CCXT_STATUS: Final = {
    OrderStatus.CREATED: None,
    OrderStatus.SUBMITTED: None,
    OrderStatus.UNKNOWN: None,
    OrderStatus.OPEN: "open",
    OrderStatus.PARTIALLY_FILLED: "open",
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.EXPIRED: "expired",
}


def ccxt_order(order: Order, quote: str) -> dict[str, Any]:
    """The recorded order as ccxt would return it; numbers are floats, as there."""
    remaining = MONEY.subtract(order.quantity, order.filled)
    cost = MONEY.multiply(order.filled, order.average) if order.average is not None else None
    fee = {"cost": float(order.fee), "currency": quote}
    moment = order.timestamp.astimezone(UTC)
    return {
        "id": order.id,
        "clientOrderId": order.id,
        "timestamp": int(moment.timestamp() * 1_000),
        "datetime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "symbol": order.symbol,
        "type": order.order_type,
        "side": order.side.value,
        "price": _number(order.average if order.price is None else order.price),
        "amount": float(order.quantity),
        "filled": float(order.filled),
        "remaining": float(remaining),
        "average": _number(order.average),
        "cost": _number(cost),
        "status": CCXT_STATUS[OrderStatus(order.status)],
        "fee": fee,
        "fees": [fee],
        "trades": [],
        "info": {},
    }


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]  # a Decimal
