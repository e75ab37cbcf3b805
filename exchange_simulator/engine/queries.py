"""Reading an account's orders, fills and lists, with Binance's rules for ids, times and limits (rest-api.md)."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.errors import ids_do_not_match, no_such_list, no_such_order
from exchange_simulator.engine.orders import Fill, Order, OrderList

DAY_MS = 86_400_000
DEFAULT_LIMIT = 500

Row = TypeVar("Row", Order, Fill, OrderList)


def find_order(account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order:
    """Return one order of any status; of several with the same client id, the newest.

    Raises:
        ApiError: -2013 when there is none, -2039 when the two ids name different orders.
    """
    if order_id is None:
        order = account.by_client_id.get((symbol, client_id or ""))
    else:
        order = account.orders.get(symbol, {}).get(order_id) or account.open.get(symbol, {}).get(order_id)
    if order is None:
        raise no_such_order()
    if order_id is not None and client_id is not None and order.client_id != client_id:
        raise ids_do_not_match()
    return order


def open_orders(account: Account, symbol: str | None) -> list[Order]:
    """Return the open orders of one symbol, or of all, oldest first."""
    if symbol is not None:
        return list(account.open.get(symbol, {}).values())
    return sorted((order for held in account.open.values() for order in held.values()), key=lambda o: o.order_id)


def all_orders(
    account: Account,
    symbol: str,
    *,
    order_id: int | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[Order]:
    """Return orders of any status, oldest first: from `order_id` on, or in a window, or the newest."""
    orders = list(account.orders.get(symbol, {}).values())
    if order_id is not None:
        return orders[bisect_left(orders, order_id, key=lambda order: order.order_id) :][:limit]
    return _in_window(orders, start_ms, end_ms, limit)


def my_trades(
    account: Account,
    symbol: str,
    *,
    order_id: int | None = None,
    from_id: int | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[Fill]:
    """Return fills, oldest first: from trade `from_id` on, or in a window, or the newest; of one order if given."""
    fills = account.fills.get(symbol, [])
    if order_id is not None:
        fills = [fill for fill in fills if fill.order_id == order_id]
    if from_id is not None:
        return fills[bisect_left(fills, from_id, key=lambda fill: fill.trade_id) :][:limit]
    if order_id is not None and start_ms is None and end_ms is None:
        return fills[:limit]
    return _in_window(fills, start_ms, end_ms, limit)


def find_list(account: Account, list_id: int | None, client_id: str | None) -> OrderList:
    """Return one order list. -2013 when there is none."""
    if list_id is not None:
        found = account.lists.get(list_id)
    else:
        found = next((one for one in reversed(account.lists.values()) if one.client_id == client_id), None)
    if found is None:
        raise no_such_list()
    return found


def order_lists(
    account: Account,
    *,
    from_id: int | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[OrderList]:
    """Return order lists, oldest first: from `from_id` on, or in a window, or the newest."""
    lists = list(account.lists.values())
    if from_id is not None:
        return list(islice((one for one in lists if one.list_id >= from_id), limit))
    return _in_window(lists, start_ms, end_ms, limit)


def _in_window(rows: Iterable[Row], start_ms: int | None, end_ms: int | None, limit: int) -> list[Row]:
    """Rows of a window of at most a day: the first ones after a start, else the last ones."""
    if start_ms is None and end_ms is None:
        return list(rows)[-limit:]
    start = start_ms if start_ms is not None else (end_ms or 0) - DAY_MS
    last = end_ms if end_ms is not None else start + DAY_MS
    found = [row for row in rows if start <= row.time_us // 1_000 <= last]
    return found[:limit] if start_ms is not None else found[-limit:]
