"""The life of an order from acceptance to its end, and what the end of one order does to the others of its list."""

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.events import ListUpdate, OrderUpdate
from exchange_simulator.engine.orders import (
    ExecutionType,
    Fill,
    ListOrderStatus,
    ListStatusType,
    Order,
    OrderList,
    OrderRequest,
    OrderStatus,
    StpMode,
)
from exchange_simulator.engine.settlement import release


def accept(desk: Desk, book: Book, account: Account, request: OrderRequest, quantity: int) -> Order:
    """Make an order of a checked request and enter it among its account's orders. It holds and does nothing yet."""
    desk.last_order_id = order_id = desk.last_order_id + 1
    symbol = request.symbol
    now_us = desk.time_us
    client_id = request.client_id or ("" if account.is_house else f"sim-{order_id:016d}")
    mode = StpMode.NONE if account.is_house else request.stp_mode or book.instrument.default_stp_mode
    order = Order(
        order_id,
        account.name,
        symbol,
        client_id,
        request.side,
        request.type,
        request.time_in_force,
        mode,
        request.price or 0,
        quantity,
        now_us,
        now_us,
        -1,
    )
    if request.stop_price is not None or request.trailing_delta is not None:
        order.stop_price, order.trailing_delta = request.stop_price or 0, request.trailing_delta or 0
    if request.quote_quantity is not None:
        order.quote_quantity = request.quote_quantity
    if request.strategy_id is not None or request.strategy_type is not None:
        order.strategy_id, order.strategy_type = request.strategy_id, request.strategy_type
    open_orders = account.open.get(symbol)
    if open_orders is None:
        open_orders = account.open[symbol] = {}
    open_orders[order_id] = order
    if not account.is_house:
        account.orders.setdefault(symbol, {})[order_id] = order
        account.by_client_id[symbol, client_id] = order
    return order


def report(
    desk: Desk,
    order: Order,
    execution: ExecutionType,
    *,
    fill: Fill | None = None,
    reject: str = "NONE",
    prevented: int = 0,
) -> None:
    """Tell the listeners what happened to an order; the house's orders are nobody's business."""
    if desk.listeners and not desk.accounts[order.account].is_house:
        is_first = fill is not None and order.executed == fill.quantity
        desk.emit(OrderUpdate(order.account, order, execution, desk.time_us, fill, is_first, reject, prevented))


def book_fill(desk: Desk, book: Book, account: Account, order: Order, fill: Fill) -> None:
    """Keep a fill, move the order's status, and report both. The rest of the order's list ends with its first fill."""
    if not account.is_house:
        account.fills.setdefault(order.symbol, []).append(fill)
    if order.executed + order.prevented >= order.quantity:
        order.status = OrderStatus.FILLED
        del account.open[order.symbol][order.order_id]
        if order.locked:
            release(desk, book, account, order)
    else:
        order.status = OrderStatus.PARTIALLY_FILLED
    if desk.listeners:
        report(desk, order, ExecutionType.TRADE, fill=fill)
    if order.list_id >= 0:
        end_partners(desk, book, account, order)
        finish_list(desk, account, order)


def take_off(book: Book, order: Order) -> None:
    """Take an open order from where it waits: the book, or the stops."""
    if order.order_id in book.triggers.waiting:
        book.triggers.remove(order)
    elif order.is_working:
        side = book.side_of(order.side)
        level = side.levels.get(order.price)
        if level is not None and order.order_id in level.orders:
            side.reduce(order, order.remaining, gone=True)


def end(
    desk: Desk, book: Book, order: Order, status: OrderStatus, execution: ExecutionType, *, reject: str = "NONE"
) -> None:
    """End an open order that no longer waits anywhere: give back what it holds and report it."""
    account = desk.accounts[order.account]
    if order.locked:
        release(desk, book, account, order)
    order.status = status
    order.update_us = desk.time_us
    del account.open[order.symbol][order.order_id]
    report(desk, order, execution, reject=reject)


def end_partners(desk: Desk, book: Book, account: Account, order: Order) -> None:
    """Expire the other open orders of an order's list (OCO: one cancels the other)."""
    for other in account.lists[order.list_id].orders:
        if other is not order and other.status.is_open:
            take_off(book, other)
            end(desk, book, other, OrderStatus.EXPIRED, ExecutionType.EXPIRED, reject="OCO_TRIGGER")


def finish_list(desk: Desk, account: Account, order: Order) -> OrderList | None:
    """Close an order's list when none of its orders is open any more, and report that."""
    order_list = account.lists.get(order.list_id)
    if order_list is None or not order_list.is_open or any(leg.status.is_open for leg in order_list.orders):
        return order_list
    order_list.status_type, order_list.order_status = ListStatusType.ALL_DONE, ListOrderStatus.ALL_DONE
    if desk.listeners:
        desk.emit(ListUpdate(account.name, order_list, desk.time_us))
    return order_list
