"""ccxt's rows as reports, checked: an order without id, state or numbers is none, and every number is exact.

The client hands out numbers as the exchange's own texts (`client.number = str`), so nothing passes through a float.
"""

from typing import Any, Final

import ccxt

from app.domain.instrument import quote_of
from app.domain.order import OrderEvent
from app.domain.reports import FillReport, GuardTicket, OrderReport
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


def order_report(row: dict[str, Any], symbol: str, *, client_id: str | None = None) -> OrderReport:
    """An order: the one with our id, where the exchange must tell it.

    Raises:
        ccxt.BadResponse: it is none, or another one.
    """
    event = EVENTS.get(str(row.get("status")))
    if not row.get("id") or event is None or row.get("amount") is None or row.get("filled") is None:
        raise ccxt.BadResponse(f"an order that is none: {str(row.get('info'))[:80]}")
    if client_id is not None and row.get("clientOrderId") != client_id:
        raise ccxt.BadResponse(f"an answer about order {row.get('clientOrderId')}, asked was {client_id}")
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
        is_guard=_is_guard(row),
    )


def _is_guard(row: dict[str, Any]) -> bool:
    """Whether Binance's own row tells of a stop, or of a list; other exchanges are not asked for such orders."""
    info = row.get("info") or {}
    in_list = str(info.get("orderListId", -1)) != "-1"
    return in_list or str(info.get("type", "")).startswith("STOP_LOSS")


def guard_request(ticket: GuardTicket, market_id: str) -> dict[str, str]:
    """Binance's parameters of a stop, or of a list with a target above and a stop below.

    https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
    """
    kind = "STOP_LOSS" if ticket.stop_limit is None else "STOP_LOSS_LIMIT"
    stop = {"Type": kind, "ClientOrderId": ticket.stop_id, "StopPrice": f"{ticket.stop:f}"}
    if ticket.stop_limit is not None:
        stop |= {"Price": f"{ticket.stop_limit:f}", "TimeInForce": "GTC"}
    common = {"symbol": market_id, "side": "SELL", "quantity": f"{ticket.quantity:f}", "newOrderRespType": "RESULT"}
    if ticket.list_id is None:
        alone = {f"{name[0].lower()}{name[1:]}": value for name, value in stop.items() if name != "ClientOrderId"}
        return common | alone | {"newClientOrderId": ticket.stop_id}
    above = {"Type": "LIMIT_MAKER", "ClientOrderId": str(ticket.target_id), "Price": f"{ticket.target:f}"}
    return (
        common
        | {"listClientOrderId": ticket.list_id}
        | {f"above{name}": value for name, value in above.items()}
        | {f"below{name}": value for name, value in stop.items()}
    )


def list_reports(client: Any, answer: dict[str, Any], symbol: str) -> list[OrderReport]:  # noqa: ANN401  ccxt has no types
    """The orders in Binance's answer about a list, or about one order, each with the client id that it was sent with.

    Raises:
        ccxt.BadResponse: there are none.
    """
    rows = answer.get("orderReports", [answer])
    market = client.market(symbol)
    reports = [
        order_report(
            client.parse_order(row | {"clientOrderId": row.get("origClientOrderId", row["clientOrderId"])}, market),
            symbol,
        )
        for row in rows
    ]
    if not reports:
        raise ccxt.BadResponse(f"a list without orders: {str(answer)[:80]}")
    return reports


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
