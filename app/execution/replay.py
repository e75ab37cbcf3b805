"""Books into a ledger what the journal of an outage holds; a second time changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.core.enums import OrderSide
from app.domain.order import OrderEvent, OrderStatus
from app.domain.reports import OrderTicket
from app.domain.resting import Purpose
from app.execution.outage_journal import answer_of, ticket_of
from app.execution.reconcile import ORDER_SEQUENCE, Reconciler, number_of
from app.models.sql import Order


def replay(facts: list[dict[str, Any]], reconciler: Reconciler) -> int:
    """Book the facts; how many orders they tell of.

    Raises:
        DatabaseError: the ledger cannot be written.
        DataError: the exchange did not tell the trades of an order.
    """
    orders, told = reconciler.orders, set()
    for fact in facts:
        client_id = str(fact.get("client_id") or ticket_of(fact).client_id)
        told.add(client_id)
        order = orders.get(client_id)
        if fact["kind"] == "sent":
            if order is None:
                orders.adopt(
                    _order(ticket_of(fact), int(fact["at_ms"]), reconciler.exchange.name),
                    ORDER_SEQUENCE,
                    number_of(client_id),
                )
        elif order is None:
            continue
        elif fact["kind"] == "answered":
            reconciler.take(order, *answer_of(fact))
        elif OrderStatus(order.status).is_unresolved:
            orders.apply(order, OrderEvent.REJECT, note=str(fact["reason"]))
    return len(told)


def _order(ticket: OrderTicket, at_ms: int, exchange: str) -> Order:
    """In doubt until its answer is booked or the reconciliation has found it."""
    return Order(
        id=ticket.client_id,
        symbol=ticket.symbol,
        side=OrderSide(ticket.side),
        order_type=ticket.order_type,
        quantity=ticket.quantity,
        price=ticket.price,
        filled=Decimal(0),
        average=None,
        fee=Decimal(0),
        status=OrderStatus.UNKNOWN.value,
        timestamp=datetime.fromtimestamp(at_ms / 1_000, UTC),
        exchange=exchange,
        note="written down in the journal of an outage",
        purpose=(Purpose.ENTRY if ticket.side == OrderSide.BUY else Purpose.EXIT).value,
        first_id=ticket.client_id,
        attempt=1,
    )
