"""One cancels the other: a list of an order above and one below the market (rest-api.md, "New order list - OCO").

Only one of the two can ever trade, so together they hold what the dearer one needs.
"""

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.admission import check_limits, examine
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.errors import ApiError, Rejection, rejected
from exchange_simulator.engine.events import ListUpdate
from exchange_simulator.engine.life import accept, report
from exchange_simulator.engine.orders import (
    STOP_LOSSES,
    STOPS,
    ExecutionType,
    OcoRequest,
    OrderList,
    OrderRequest,
    OrderType,
    Side,
)
from exchange_simulator.engine.settlement import free_to_pay, hold

_PROFITS = STOPS - STOP_LOSSES | {OrderType.LIMIT_MAKER}


def place_oco(desk: Desk, account: Account, request: OcoRequest) -> tuple[Book, OrderList]:
    """Check and enter both orders. The stops wait already; the caller lets the limit maker rest.

    Raises:
        ApiError: why the list is refused.
    """
    above, below = request.above, request.below
    book = desk.book(request.symbol)
    if not book.instrument.oco_allowed:
        raise rejected(Rejection.OCO)
    _check_relation(book, request)
    admissions = [examine(desk, account, leg) for leg in (above, below)]
    dearer = max(admissions, key=lambda admission: admission.needs)
    stops = sum(leg.type in STOPS for leg in (above, below))
    check_limits(dearer, account, request.side, new=2, new_stops=stops)
    if dearer.needs > free_to_pay(book, account, request.side):
        raise rejected(Rejection.INSUFFICIENT_BALANCE)
    desk.last_list_id += 1
    list_id = desk.last_list_id
    client_id = request.client_id or f"sim-list-{list_id:012d}"
    order_list = OrderList(list_id, account.name, request.symbol, client_id, [], desk.time_us)
    account.lists[list_id] = order_list
    first = 1 if below.type is OrderType.LIMIT_MAKER else 0
    for index, leg in enumerate((above, below)):
        order = accept(desk, book, account, leg, admissions[index].quantity)
        order.list_id = list_id
        order_list.orders.append(order)
        own = admissions[first].needs
        hold(desk, book, account, order, own if index == first else dearer.needs - own)
        if leg.type in STOPS:
            book.triggers.add(order, book.last_price, desk.time_us)
        else:
            order.working_us = desk.time_us
    if desk.listeners:
        desk.emit(ListUpdate(account.name, order_list, desk.time_us))
        for order in order_list.orders:
            report(desk, order, ExecutionType.NEW)
    return book, order_list


def _check_relation(book: Book, request: OcoRequest) -> None:
    """Refuse legs that do not embrace the market, or whose types do not fit their places."""
    above, below = request.above, request.below
    _check_types(request)
    last = book.last_price
    high, low = _reference(above), _reference(below)
    if (high and low and high <= low) or (last and ((high and high <= last) or (low and low >= last))):
        raise rejected(Rejection.OCO_PRICES)


def _check_types(request: OcoRequest) -> None:
    """A purchase has its stop loss above and its profit below, a sale the other way round."""
    is_buy = request.side is Side.BUY
    kinds = (request.above.type, request.below.type)
    stop, profit = kinds if is_buy else kinds[::-1]
    if stop in STOP_LOSSES and profit in _PROFITS:
        return
    if kinds == (OrderType.LIMIT_MAKER, OrderType.LIMIT_MAKER):
        raise ApiError(-1168, "At least one OCO order must be contingent.")
    if stop is OrderType.LIMIT_MAKER and is_buy:
        raise ApiError(-1165, "A limit order in a buy OCO must be below.")
    if stop is OrderType.LIMIT_MAKER:
        raise ApiError(-1166, "A limit order in a sell OCO must be above.")
    raise ApiError(-1158, "Order type not supported in OCO.")


def _reference(leg: OrderRequest) -> int:
    """The price at which a leg begins to matter; 0 for a trailing one without a stop price."""
    return (leg.stop_price if leg.type in STOPS else leg.price) or 0
