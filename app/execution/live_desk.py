"""The way to the wire for orders, for what rests and for protection: sent once, booked, looked for while in doubt."""

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from app.core.clock import Clock
from app.domain.errors import KeyRevoked, OrderPostponed, OrderRejected, OutcomeUnknown, StopReached
from app.domain.instrument import Instrument, base_of
from app.domain.order import OrderEvent, OrderStatus
from app.domain.reports import Balance, GuardTicket, OrderReport, OrderTicket
from app.domain.values import Price, Quantity
from app.execution.balances import Balances
from app.execution.order_exchange import OrderExchange
from app.execution.reconcile import ORDER_SEQUENCE, Reconciler, client_id_of
from app.models.sql import Order
from app.repositories import OrderRepository

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)
LATE_MS: Final = 10_000  # so old may the time of an order be when it leaves: the proof of its absence counts from there


class LiveDesk:
    """Sends each order once, after it was written down, and books what came of it.

    Args:
        exchange: The account.
        orders: Our orders.
        reconciler: Books answers, and looks for what was not answered.
        clock: This machine's.

    Attributes:
        balances: The account's, remembered between two cycles.
        id_prefix: What the ids of new orders begin with.
    """

    def __init__(self, exchange: OrderExchange, orders: OrderRepository, reconciler: Reconciler, clock: Clock) -> None:
        self.balances = Balances(exchange, clock)
        self.id_prefix = reconciler.prefix
        self._exchange = exchange
        self._orders = orders
        self._reconciler = reconciler
        self._clock = clock
        self._told_time_at = (0, 0)

    def now_ms(self) -> int:
        """The exchange's time, which an order bears that is written down now."""
        self._told_time_at = self._clock.now_ms(), self._clock.monotonic_ms()
        return self._exchange.time_ms()

    def market(self, symbol: str) -> Instrument:
        """What the market allows."""
        return self._exchange.instrument(symbol)

    def last_price(self, symbol: str) -> Price:
        """What the market traded at last."""
        return self._exchange.last_price(symbol)

    def base_balance(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Base units of the account: in total, and free; asked now."""
        return total_and_free(self.balances.ask(), symbol)

    def new_id(self) -> str:
        """From the persisted sequence."""
        return client_id_of(self.id_prefix, self._orders.next_number(ORDER_SEQUENCE))

    def cancel(self, order: Order) -> None:
        """One DELETE; its answer comes from the engine, so it is believed before any read."""
        self.balances.move()
        report = self._exchange.cancel(order.symbol, order.id, order.exchange_id)
        if report is not None:
            self._reconciler.take(order, report)
        if OrderStatus(order.status).rests:
            self._reconciler.settle(order)

    def send(self, order: Order) -> None:
        """One POST of an order that is written down."""
        self._orders.apply(order, OrderEvent.SUBMIT)
        self.post(order)

    def send_guard(self, ticket: GuardTicket, orders: list[Order]) -> None:
        """One POST of a protection that is written down."""
        self.balances.move()
        self._refuse_when_late(orders)
        try:
            reports = self._exchange.place_guard(ticket)
        except (OrderRejected, KeyRevoked) as refusal:
            for order in orders:
                self._orders.apply(order, OrderEvent.REJECT, note=str(refusal))
            if _is_about_price(refusal) and self.last_price(ticket.symbol) <= ticket.stop:
                raise StopReached(f"{ticket.symbol} fell to its stop at {ticket.stop:f} meanwhile") from refusal
            raise
        except BaseException as doubt:
            for order in orders:
                self._orders.apply(order, OrderEvent.DOUBT, note=str(doubt))
            if not isinstance(doubt, OutcomeUnknown):
                raise
            for order in orders:
                self._reconciler.settle(order)
            if self._reconciler.frozen(ticket.symbol):
                raise
            logger.warning("Protection %s was in doubt and is found: %s", orders[0].id, orders[0].status)
        else:
            self._take_all(orders, reports)

    def cancel_guard(self, orders: list[Order]) -> None:
        """One DELETE for all of them; its answer comes from the engine, so it is believed before any read."""
        self.balances.move()
        symbol, list_id = orders[0].symbol, orders[0].list_id
        if list_id is None:
            report = self._exchange.cancel(symbol, orders[0].id, orders[0].exchange_id)
            self._take_all(orders, [] if report is None else [report])
        else:
            self._take_all(orders, self._exchange.cancel_list(symbol, list_id))
        for order in orders:
            if OrderStatus(order.status).rests:
                self._reconciler.settle(order)

    def post(self, order: Order) -> None:
        """One POST of an order that bears the time at which it was written down, and is on its way in the ledger."""
        self.balances.move()
        self._refuse_when_late([order])
        price = None if order.price is None else Price(order.price)
        ticket = OrderTicket(
            order.id, order.symbol, order.side.value, order.order_type, Quantity(order.quantity), price
        )
        try:
            report, fills = self._exchange.place(ticket)
        except (OrderRejected, KeyRevoked) as refusal:
            self._orders.apply(order, OrderEvent.REJECT, note=str(refusal))
            raise
        except BaseException as doubt:
            self._orders.apply(order, OrderEvent.DOUBT, note=str(doubt))
            if not isinstance(doubt, OutcomeUnknown) or not self._reconciler.settle(order):
                raise
            logger.warning("Order %s was in doubt and is found: %s", order.id, order.status)
            if OrderStatus(order.status) is OrderStatus.REJECTED:
                raise OrderRejected(f"order {order.id} never arrived: {doubt}") from doubt
        else:
            self._reconciler.take(order, report, fills)

    def _take_all(self, orders: list[Order], reports: Sequence[OrderReport]) -> None:
        """Book what an answer says of orders that belong together; one of which it says nothing is looked for."""
        told = {report.client_id: report for report in reports}
        for order in orders:
            if order.id in told:
                self._reconciler.take(order, told[order.id])
            elif OrderStatus(order.status).is_unresolved:
                self._reconciler.settle(order)

    def _refuse_when_late(self, orders: list[Order]) -> None:
        """The machine slept, or the disk took long: what is sent now may arrive after the proof that it never did."""
        wall_ms, monotonic_ms = self._told_time_at
        late_ms = max(self._clock.now_ms() - wall_ms, self._clock.monotonic_ms() - monotonic_ms)
        if late_ms <= LATE_MS:
            return
        note = f"not sent: {late_ms / 1_000:.0f} s went by after it was written down"
        for order in orders:
            self._orders.apply(order, OrderEvent.REJECT, note=note)
        raise OrderPostponed(f"{orders[0].side} {orders[0].symbol} is {note}")


def total_and_free(balances: Mapping[str, Balance], symbol: str) -> tuple[Decimal, Decimal]:
    """Base units of a symbol, in total and free."""
    balance = balances.get(base_of(symbol))
    return (balance.total, balance.free) if balance else (ZERO, ZERO)


def _is_about_price(refusal: Exception) -> bool:
    """Whether an exchange says that a stop is beyond the price: Binance's two sentences for it."""
    return "trigger immediately" in str(refusal) or "relationship of the prices" in str(refusal)
