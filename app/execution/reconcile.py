"""Brings the ledger in line with the exchange: finds lost orders, books missed fills, notices coins that are gone.

The exchange is the truth of what happened, the ledger of what we wanted. Not found is evidence only after the time in
which the order could still arrive or become visible, and only when every source agrees.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Final

from app.core.enums import OrderSide, OrderType
from app.domain.errors import DataError
from app.domain.instrument import base_of
from app.domain.order import OrderEvent, OrderStatus
from app.domain.reports import FillReport, OrderReport
from app.domain.values import MONEY, Quantity
from app.execution.order_exchange import OrderExchange
from app.models.sql import Order
from app.repositories import OrderRepository, TradeRepository

logger = logging.getLogger(__name__)

ARRIVAL_MS: Final = 5_000 + 10_000 + 60_000  # recvWindow, the engine's own timeout, and how far reads may lag
LOOK_BACK_MS: Final = 60_000  # before an order's creation: clocks differ
ADOPT_MS: Final = 23 * 3_600_000  # how far back orders are looked through for ours; exchanges give a day at most
ORDER_SEQUENCE: Final = "live-order"
TERMINAL: Final = frozenset({OrderEvent.COMPLETE, OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.REJECT})


@dataclass(slots=True)
class Reconciler:
    """Looks after the orders of one account whose client ids begin with `prefix`.

    Attributes:
        exchange: The account.
        orders: Our orders.
        trades: Our trades and holdings.
        prefix: What every client id of this bot begins with; orders without it are not ours.
        alerts: What a person should know; the newest last.
    """

    exchange: OrderExchange
    orders: OrderRepository
    trades: TradeRepository
    prefix: str
    alerts: list[str] = field(default_factory=list)

    def run(self, symbol: str) -> str | None:
        """One full comparison.

        Returns:
            Why the symbol is frozen, in words; None when ledger and exchange agree.

        Raises:
            DataError: the exchange did not answer; nothing was concluded from that.
            KeyRevoked: the exchange does not accept the key.
        """
        self._adopt(symbol)
        for order in [*self.orders.unresolved(symbol), *self.orders.resting(symbol)]:
            self.settle(order)
        doubtful = self.orders.unresolved(symbol)
        if doubtful:
            return f"order {doubtful[0].id} is not resolved yet"
        self._shrink_to_balance(symbol)
        return None

    def settle(self, order: Order) -> bool:
        """Bring one order up to date; whether nothing is in doubt about it any more."""
        if OrderStatus(order.status) in {OrderStatus.CREATED, OrderStatus.SUBMITTED}:
            # Nobody waits for its answer any more: we died while it was on its way, or before it left.
            self.orders.apply(order, OrderEvent.DOUBT)
        report = self._find(order)
        if report is not None:
            self.take(order, report)
        elif OrderStatus(order.status).is_unresolved and self._cannot_arrive_any_more(order):
            self.orders.apply(order, OrderEvent.ABSENT, note="every source agrees that it never arrived")
            self._alert(f"order {order.id} never arrived at {self.exchange.name}")
        return not OrderStatus(order.status).is_unresolved

    def take(self, order: Order, report: OrderReport, fills: Iterable[FillReport] = ()) -> None:
        """Book what the exchange says of an order.

        An order is final only when the booked trades add up to what the exchange says was filled: trades may become
        visible later than the order.
        """
        for fill in fills:
            self.trades.book(fill, self.exchange.name, order.id)
        if self.trades.booked_of(order.id) < report.filled or report.event in TERMINAL:
            self._book_missing(order, report)
        booked = self._sum_up(order)
        event = report.event
        if booked < report.filled:
            event = OrderEvent.FILL if booked else OrderEvent.ACCEPT
        self.orders.apply(order, event, exchange_id=report.exchange_id)
        if event in TERMINAL:
            logger.info("Order %s is %s, filled %s of %s", order.id, order.status, f"{booked:f}", f"{order.quantity:f}")

    def _sum_up(self, order: Order) -> Quantity:
        """How much of the order is booked, and at which average price."""
        trades = self.trades.of_order(order.id)
        quantity = reduce(MONEY.add, (trade.quantity for trade in trades), Decimal(0))
        notional = reduce(MONEY.add, (MONEY.multiply(trade.price, trade.quantity) for trade in trades), Decimal(0))
        self.orders.note_fills(order, quantity, MONEY.divide(notional, quantity) if trades else None)
        return Quantity(quantity)

    def _book_missing(self, order: Order, report: OrderReport) -> None:
        for fill in self.exchange.fills_since(order.symbol, report.created_ms - LOOK_BACK_MS):
            if fill.exchange_id == report.exchange_id:
                self.trades.book(fill, self.exchange.name, order.id)

    def _find(self, order: Order) -> OrderReport | None:
        """Ask by id, then look through every list: sources lag differently."""
        created_ms = _ms(order.timestamp)
        if order.exchange_id is not None or self.exchange.finds_by_client_id:
            report = self.exchange.find(order.symbol, order.id, order.exchange_id)
            if report is not None:
                return report
        for reports in (
            self.exchange.open_orders(order.symbol),
            self.exchange.orders_since(order.symbol, created_ms - LOOK_BACK_MS),
        ):
            for report in reports:
                if report.client_id == order.id or (order.exchange_id and report.exchange_id == order.exchange_id):
                    return report
        return self._find_by_trade(order, created_ms)

    def _find_by_trade(self, order: Order, created_ms: int) -> OrderReport | None:
        """Perhaps only its trade is visible: ask for the order of every trade that is not ours yet."""
        seen: set[str] = set()
        for fill in self.exchange.fills_since(order.symbol, created_ms - LOOK_BACK_MS):
            known = self.orders.by_exchange_id(self.exchange.name, order.symbol, fill.exchange_id)
            if known is not None or fill.exchange_id in seen:
                continue
            seen.add(fill.exchange_id)
            report = self.exchange.find(order.symbol, order.id, fill.exchange_id)
            if report is not None and report.client_id == order.id:
                return report
        return None

    def _cannot_arrive_any_more(self, order: Order) -> bool:
        """Whether the time of arrival is over and the balance has not moved the way the order would have moved it."""
        if self.exchange.now_ms() - _ms(order.timestamp) <= ARRIVAL_MS:
            return False
        if order.base_before is None:
            return True
        balance = self.exchange.balances().get(base_of(order.symbol))
        now = balance.total if balance else Decimal(0)
        moved = MONEY.subtract(now, order.base_before)
        if (moved > 0) == (order.side is OrderSide.BUY) and moved != 0:
            self._alert(
                f"order {order.id} is not to be found, but the balance of {base_of(order.symbol)} moved by {moved:f}"
            )
            return False
        return True

    def _adopt(self, symbol: str) -> None:
        """Orders with our prefix that the ledger lacks: a restored backup, or a write that was lost."""
        recent = self.exchange.orders_since(symbol, self.exchange.now_ms() - ADOPT_MS)
        for report in [*self.exchange.open_orders(symbol), *recent]:
            client_id = report.client_id
            if client_id is None or not client_id.startswith(f"{self.prefix}-") or self.orders.get(client_id):
                continue
            self._alert(f"order {client_id} is known at {self.exchange.name} but was not in the ledger: adopted")
            self.orders.adopt(self._adopted(report, client_id), ORDER_SEQUENCE, number_of(client_id))

    def _adopted(self, report: OrderReport, client_id: str) -> Order:
        return Order(
            id=client_id,
            symbol=report.symbol,
            side=OrderSide(report.side),
            order_type=OrderType.LIMIT.value,
            quantity=report.quantity,
            price=None,
            filled=Decimal(0),
            average=None,
            fee=Decimal(0),
            status=OrderStatus.UNKNOWN.value,
            timestamp=datetime.fromtimestamp(report.created_ms / 1_000, UTC),
            exchange=self.exchange.name,
            exchange_id=report.exchange_id,
            note="adopted",
        )

    def _shrink_to_balance(self, symbol: str) -> None:
        """The account holds less than the ledger says: somebody else took it, the position ends with what is there."""
        held = self.trades.position(symbol).quantity
        if held <= 0:
            return
        balance = self.exchange.balances().get(base_of(symbol))
        if balance is None:
            raise DataError(f"{self.exchange.name} told no balance of {base_of(symbol)}: asked again in the next cycle")
        gone = MONEY.subtract(held, balance.total)
        if gone > 0:
            reason = (
                f"the account holds {balance.total:f} {base_of(symbol)}, the ledger {held:f}: the rest left without us"
            )
            moment = datetime.fromtimestamp(self.exchange.now_ms() / 1_000, UTC)
            self.trades.write_off(symbol, Quantity(gone), reason, moment)
            self._alert(reason)

    def _alert(self, text: str) -> None:
        logger.warning("Reconciliation: %s", text)
        self.alerts.append(text)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def client_id_of(prefix: str, number: int) -> str:
    """Our id of an order: at most 36 characters of `[a-zA-Z0-9-_]`, as Binance wants."""
    return f"{prefix}-{number:08d}"


def number_of(client_id: str) -> int:
    """The number in one of our ids; 0 when it holds none."""
    digits = client_id.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
