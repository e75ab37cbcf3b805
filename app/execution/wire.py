"""ccxt's rows as reports, checked: an order without id, state or numbers is none, and every number is exact.

The client hands out numbers as the exchange's own texts (`client.number = str`), so nothing passes through a float.
"""

from typing import Any, Final

import ccxt

from app.domain.instrument import quote_of
from app.domain.order import OrderEvent
from app.domain.reports import FillReport, OrderReport
from app.domain.values import Money, Price, Quantity, exact

EVENTS: Final = {
    "open": OrderEvent.ACCEPT,
    "closed": OrderEvent.COMPLETE,
    "canceled": OrderEvent.CANCEL,
    "canceling": OrderEvent.ACCEPT,
    "expired": OrderEvent.EXPIRE,
    "expired_in_match": OrderEvent.EXPIRE,
    "rejected": OrderEvent.REJECT,
}


def order_report(row: dict[str, Any], symbol: str) -> OrderReport:
    """An order.

    Raises:
        ccxt.BadResponse: it is none.
    """
    event = EVENTS.get(str(row.get("status")))
    if not row.get("id") or event is None or row.get("amount") is None or row.get("filled") is None:
        raise ccxt.BadResponse(f"an order that is none: {str(row.get('info'))[:80]}")
    quantity, filled = Quantity(exact(row["amount"])), Quantity(exact(row["filled"]))
    if event is OrderEvent.ACCEPT and filled > 0:
        event = OrderEvent.FILL
    return OrderReport(
        exchange_id=str(row["id"]),
        client_id=row.get("clientOrderId") or None,
        symbol=symbol,
        side=str(row["side"]),
        event=event,
        quantity=quantity,
        filled=filled,
        created_ms=int(row.get("timestamp") or row.get("lastTradeTimestamp") or 0),
    )


def fill_report(row: dict[str, Any], symbol: str, order: OrderReport | None = None) -> FillReport:
    """A trade; an order's own answer names its trades without order, side and time.

    Raises:
        ccxt.BadResponse: it is none.
    """
    fee = row.get("fee") or {}
    if not row.get("id") or not row.get("price") or not row.get("amount"):
        raise ccxt.BadResponse(f"a trade that is none: {str(row.get('info'))[:80]}")
    return FillReport(
        trade_id=str(row["id"]),
        exchange_id=order.exchange_id if order else str(row["order"]),
        symbol=symbol,
        side=order.side if order else str(row["side"]),
        price=Price(exact(row["price"])),
        quantity=Quantity(exact(row["amount"])),
        fee=Money(exact(fee.get("cost") or 0)),
        fee_asset=str(fee.get("currency") or quote_of(symbol)),
        time_ms=int(row.get("timestamp") or (order.created_ms if order else 0)),
    )
