"""The engine: orders in, fills and events out. Every call is one operation at one instant."""

from collections.abc import Callable

from exchange_simulator.engine.account import Account
from exchange_simulator.engine.admission import Admission, admit
from exchange_simulator.engine.book import Book
from exchange_simulator.engine.desk import Desk
from exchange_simulator.engine.errors import ApiError, Rejection, rejected, replace_failed, unknown_order
from exchange_simulator.engine.life import accept, end, end_partners, finish_list, report, take_off
from exchange_simulator.engine.matching import work
from exchange_simulator.engine.numbers import times
from exchange_simulator.engine.oco import place_oco
from exchange_simulator.engine.orders import (
    PRICED,
    STOPS,
    CancelReplaceMode,
    ExecutionType,
    Fill,
    OcoRequest,
    Order,
    OrderList,
    OrderRequest,
    OrderResult,
    OrderStatus,
    ReplaceFailure,
    ReplaceResult,
    Side,
)
from exchange_simulator.engine.queries import find_order
from exchange_simulator.engine.settlement import hold, release


class Engine:
    """Places and cancels orders.

    Args:
        now_us: The clock, in microseconds since the epoch.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.desk = Desk(now_us)

    def place(self, account: Account, request: OrderRequest) -> OrderResult:
        """Take a new order and let it trade.

        Raises:
            ApiError: why it was refused; nothing has changed then.
        """
        desk = self.desk
        desk.begin()
        admission = admit(desk, account, request)
        result = self._enter(account, request, admission)
        desk.end(admission.book)
        return result

    def test(self, account: Account, request: OrderRequest) -> None:
        """Check a new order as `place` does, and change nothing."""
        self.desk.begin()
        admit(self.desk, account, request)

    def cancel(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> Order:
        """Cancel an open order; an order of a list takes the others with it.

        Raises:
            ApiError: -2011 when no such order is open, -1121 for an unknown symbol.
        """
        self.desk.begin()
        book = self.desk.book(symbol)
        order = self._open_order(account, symbol, order_id, client_id)
        if order.list_id >= 0:
            self._cancel_legs(book, account, account.lists[order.list_id], new_client_id)
        else:
            self._cancel_one(book, order, new_client_id)
        self.desk.end(book)
        return order

    def cancel_all(self, account: Account, symbol: str) -> list[Order | OrderList]:
        """Cancel every open order of a symbol. -2011 when there is none."""
        self.desk.begin()
        book = self.desk.book(symbol)
        canceled: list[Order | OrderList] = []
        for order in list(account.open.get(symbol, {}).values()):
            if not order.status.is_open:
                continue
            if order.list_id >= 0:
                canceled.append(self._cancel_legs(book, account, account.lists[order.list_id], None))
            else:
                canceled.append(self._cancel_one(book, order, None))
        if not canceled:
            raise unknown_order()
        self.desk.end(book)
        return canceled

    def cancel_replace(
        self,
        account: Account,
        request: OrderRequest,
        *,
        mode: CancelReplaceMode,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> ReplaceResult:
        """Cancel an order and place another one.

        Raises:
            ApiError: -2010 when the symbol does not allow it, -2021 when one half succeeded, -2022 when none did;
                `data` of the latter two is a `ReplaceFailure`.
        """
        if not self.desk.book(request.symbol).instrument.cancel_replace_allowed:
            raise rejected(Rejection.CANCEL_REPLACE)
        canceled: Order | ApiError
        try:
            canceled = self.cancel(
                account, request.symbol, order_id=order_id, client_id=client_id, new_client_id=new_client_id
            )
        except ApiError as refused:
            canceled = refused
            if mode is CancelReplaceMode.STOP_ON_FAILURE:
                data = ReplaceFailure(refused, None)
                raise replace_failed(canceled=False, placed=False, data=data) from refused
        try:
            placed = self.place(account, request)
        except ApiError as refused:
            is_canceled = isinstance(canceled, Order)
            raise replace_failed(
                canceled=is_canceled, placed=False, data=ReplaceFailure(canceled, refused)
            ) from refused
        if isinstance(canceled, ApiError):
            raise replace_failed(canceled=False, placed=True, data=ReplaceFailure(canceled, placed)) from canceled
        return ReplaceResult(canceled, placed)

    def place_oco(self, account: Account, request: OcoRequest) -> OrderList:
        """Take two orders of which one cancels the other.

        Raises:
            ApiError: why the list was refused; nothing has changed then.
        """
        self.desk.begin()
        book, order_list = place_oco(self.desk, account, request)
        for leg in order_list.orders:
            if leg.status.is_open and leg.type not in STOPS:
                work(self.desk, book, account, leg)
        self.fire(book)
        self.desk.end(book)
        return order_list

    def cancel_list(
        self,
        account: Account,
        symbol: str,
        *,
        list_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> OrderList:
        """Cancel every open order of a list. -2011 when there is no such list, or it is done."""
        self.desk.begin()
        book = self.desk.book(symbol)
        for order_list in account.lists.values():
            if (
                order_list.is_open
                and order_list.symbol == symbol
                and (order_list.list_id == list_id or (list_id is None and order_list.client_id == client_id))
            ):
                self._cancel_legs(book, account, order_list, new_client_id)
                self.desk.end(book)
                return order_list
        raise unknown_order()

    def expire_order(self, account: Account, symbol: str, order_id: int) -> Order:
        """End an open order as the exchange itself does. -2011 when it is not open."""
        self.desk.begin()
        book = self.desk.book(symbol)
        order = self._open_order(account, symbol, order_id, None)
        self.expire(book, account, order)
        self.desk.end(book)
        return order

    def expire(self, book: Book, account: Account, order: Order) -> None:
        """Expire one open order inside a running operation."""
        take_off(book, order)
        end(self.desk, book, order, OrderStatus.EXPIRED, ExecutionType.EXPIRED, reject="EXCHANGE_CANCELED")
        if order.list_id >= 0:
            end_partners(self.desk, book, account, order)
            finish_list(self.desk, account, order)

    def fire(self, book: Book) -> None:
        """Let every stop order trade whose price was reached, and those that this sets off in turn."""
        triggers = book.triggers
        while triggers.waiting and book.last_price:
            order = triggers.fired(book.last_price, self.desk.time_us)
            if order is None:
                return
            self._activate(book, order)

    def _enter(self, account: Account, request: OrderRequest, admission: Admission) -> OrderResult:
        desk, book = self.desk, admission.book
        order = accept(desk, book, account, request, admission.quantity)
        if admission.holds:
            hold(desk, book, account, order, admission.holds)
        fills: list[Fill] = []
        if request.type in STOPS:
            book.triggers.add(order, book.last_price, desk.time_us)
            report(desk, order, ExecutionType.NEW)
            return OrderResult(order, fills)
        order.working_us = desk.time_us
        if desk.listeners:
            report(desk, order, ExecutionType.NEW)
        before = book.last_price
        fills = work(desk, book, account, order)
        if request.quote_quantity is not None:
            order.quantity = order.executed + order.prevented
        if book.triggers.waiting and (fills or before != book.last_price):
            self.fire(book)
        return OrderResult(order, fills)

    def _activate(self, book: Book, order: Order) -> None:
        """A stop order becomes the limit or market order that it stands for."""
        desk, account = self.desk, self.desk.accounts[order.account]
        if order.list_id >= 0:
            end_partners(desk, book, account, order)
        release(desk, book, account, order)
        if order.side is Side.SELL:
            hold(desk, book, account, order, order.quantity)
        elif order.type in PRICED:
            hold(desk, book, account, order, times(order.price, order.quantity))
        order.working_us = order.update_us = desk.time_us
        report(desk, order, ExecutionType.NEW)
        work(desk, book, account, order)

    def _open_order(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order:
        order = account.open.get(symbol, {}).get(order_id) if order_id is not None and client_id is None else None
        if order is None:
            try:
                order = find_order(account, symbol, order_id, client_id)
            except ApiError as missing:
                raise unknown_order() from missing
        if not order.status.is_open:
            raise unknown_order()
        return order

    def _cancel_one(self, book: Book, order: Order, new_client_id: str | None) -> Order:
        take_off(book, order)
        order.cancel_id = new_client_id or f"cancel-{order.order_id:016d}"
        end(self.desk, book, order, OrderStatus.CANCELED, ExecutionType.CANCELED)
        return order

    def _cancel_legs(self, book: Book, account: Account, order_list: OrderList, new_client_id: str | None) -> OrderList:
        for leg in order_list.orders:
            if leg.status.is_open:
                self._cancel_one(book, leg, new_client_id)
        order_list.cancel_id = new_client_id or f"cancel-list-{order_list.list_id:012d}"
        finish_list(self.desk, account, order_list.orders[0])
        return order_list
