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
from hashlib import sha256
from typing import Final

from app.core.enums import OrderSide, OrderType
from app.domain.errors import DataError
from app.domain.instrument import base_of, quote_of
from app.domain.order import OrderEvent, OrderStatus
from app.domain.reports import FillReport, OrderReport
from app.domain.resting import Purpose
from app.domain.values import MONEY, Quantity
from app.execution.order_exchange import OrderExchange
from app.execution.search import LOOK_BACK_MS, OrderSearch
from app.models.sql import Order
from app.repositories import AlertRepository, OrderRepository, Severity, TradeRepository

logger = logging.getLogger(__name__)

READ_LAG_MS: Final = 60_000  # how far what the exchange tells may be behind what it did
ARRIVAL_MS: Final = 5_000 + 10_000 + READ_LAG_MS  # recvWindow, and the engine's own timeout
ADOPT_MS: Final = 23 * 3_600_000  # how far back orders are looked through for ours; exchanges give a day at most
OVERLAP_MS: Final = 600_000  # trades are looked through from this long before the last time on
ORDER_SEQUENCE: Final = "live-order"
TERMINAL: Final = frozenset({OrderEvent.COMPLETE, OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.REJECT})


@dataclass(slots=True)
class Reconciler:
    """Looks after the orders of one account whose client ids begin with `prefix`.

    Attributes:
        exchange: The account.
        orders: Our orders.
        trades: Our trades and holdings.
        alerts_book: Where alerts are recorded.
        prefix: What every client id of this bot begins with; orders without it are not ours.
    """

    exchange: OrderExchange
    orders: OrderRepository
    trades: TradeRepository
    alerts_book: AlertRepository
    prefix: str
    _compared_ms: dict[str, int] = field(default_factory=dict)
    _last_agreed: dict[str, bool] = field(default_factory=dict)

    @property
    def alerts(self) -> list[str]:
        """What a person should know; the newest last."""
        return [alert.text for alert in reversed(self.alerts_book.latest())]

    def run(self, symbol: str) -> str | None:
        """One full comparison: orders, trades, balance.

        Returns:
            Why the symbol is frozen, in words; None when ledger and exchange agree.

        Raises:
            DataError: the exchange did not answer; nothing was concluded from that.
            KeyRevoked: the exchange does not accept the key.
        """
        now_ms = self.exchange.now_ms()
        self._adopt(symbol, now_ms)
        if frozen := self.glance(symbol):
            return frozen
        self._book_strays(symbol, now_ms)
        self._last_agreed[symbol] = self._agrees_with_balance(symbol, now_ms)
        self._compared_ms[symbol] = now_ms
        return None

    def glance(self, symbol: str) -> str | None:
        """Only what is in the open: orders in doubt and orders that rest. Asks nothing while there are none.

        Returns and raises as `run`.
        """
        for order in [*self.orders.unresolved(symbol), *self.orders.resting(symbol)]:
            self.settle(order)
        return self.frozen(symbol)

    def frozen(self, symbol: str) -> str | None:
        """Why no order may be sent for the symbol, from the ledger alone; None when one may."""
        doubtful = self.orders.unresolved(symbol)
        return f"order {doubtful[0].id} is {doubtful[0].status}, it must be found first" if doubtful else None

    def agrees(self, symbol: str) -> bool:
        """Whether the last full comparison ended in agreement; it does not while a balance may still lag."""
        return self._last_agreed.get(symbol, False)

    def settle(self, order: Order) -> bool:
        """Bring one order up to date; whether nothing is in doubt about it any more."""
        if OrderStatus(order.status) in {OrderStatus.CREATED, OrderStatus.SUBMITTED}:
            # Nobody waits for its answer any more: we died while it was on its way, or before it left.
            self.orders.apply(order, OrderEvent.DOUBT)
        report = OrderSearch(self.exchange, self.orders).find(order, _ms(order.timestamp))
        if report is not None:
            self.take(order, report)
        elif OrderStatus(order.status).is_unresolved and self._cannot_arrive_any_more(order):
            self.orders.apply(order, OrderEvent.ABSENT, note="every source agrees that it never arrived")
            self._alert(Severity.INFO, order.symbol, f"order {order.id} never arrived at {self.exchange.name}")
        return not OrderStatus(order.status).is_unresolved

    def take(self, order: Order, report: OrderReport, fills: Iterable[FillReport] = ()) -> None:
        """Book what the exchange says of an order.

        An order is final only when the booked trades add up to what the exchange says was filled: trades may become
        visible later than the order, and until then one that was in doubt stays so. One that ends with nothing filled
        is believed only after asking for its trades.
        """
        for fill in fills:
            self.trades.book(fill, self.exchange.name, order.id)
        if self.trades.booked_of(order.id) < report.filled or (report.event in TERMINAL and not report.filled):
            self._book_missing(order, report)
        booked = self._sum_up(order)
        event = report.event
        if booked < report.filled:
            event = OrderEvent.FILL if booked else OrderEvent.ACCEPT
            if OrderStatus(order.status).is_unresolved:
                event = OrderEvent.DOUBT  # the position lacks what was filled: nothing may be decided on it
        self.orders.apply(order, event, exchange_id=report.exchange_id)
        if event in TERMINAL:
            logger.info("Order %s is %s, filled %s of %s", order.id, order.status, f"{booked:f}", f"{order.quantity:f}")

    def _sum_up(self, order: Order) -> Quantity:
        """How much of the order is booked, at which average price, and which fee it took in quote units."""
        trades = self.trades.of_order(order.id)
        quantity = reduce(MONEY.add, (trade.quantity for trade in trades), Decimal(0))
        notional = reduce(MONEY.add, (MONEY.multiply(trade.price, trade.quantity) for trade in trades), Decimal(0))
        quote = quote_of(order.symbol)
        fee = reduce(MONEY.add, (trade.fee for trade in trades if trade.fee_asset == quote), Decimal(0))
        self.orders.note_fills(order, quantity, MONEY.divide(notional, quantity) if trades else None, fee)
        return Quantity(quantity)

    def _book_missing(self, order: Order, report: OrderReport) -> None:
        if not self.exchange.abilities.lists_fills:
            return
        since_ms = min(report.created_ms, _ms(order.timestamp))  # the answer to a cancel names the time of the cancel
        for fill in self.exchange.fills_since(order.symbol, since_ms - LOOK_BACK_MS):
            if fill.exchange_id == report.exchange_id:
                self.trades.book(fill, self.exchange.name, order.id)

    def _book_strays(self, symbol: str, now_ms: int) -> None:
        """Trades of our orders that became visible only after the order was over."""
        if not self.exchange.abilities.lists_fills:
            return
        since_ms = self._compared_ms.get(symbol, now_ms - ADOPT_MS + OVERLAP_MS) - OVERLAP_MS
        for fill in self.exchange.fills_since(symbol, since_ms):
            order = self.orders.by_exchange_id(self.exchange.name, symbol, fill.exchange_id)
            if order is not None and self.trades.book(fill, self.exchange.name, order.id):
                booked = self._sum_up(order)
                self.orders.apply(order, OrderEvent.COMPLETE if booked >= order.quantity else OrderEvent.FILL)
                self._alert(Severity.INFO, symbol, f"trade {fill.trade_id} of order {order.id} was found later: booked")

    def _cannot_arrive_any_more(self, order: Order) -> bool:
        """Whether the time of arrival is over and the balance has not moved the way the order would have moved it."""
        if self.exchange.now_ms() - _ms(order.timestamp) <= ARRIVAL_MS:
            return False
        if not self.exchange.abilities.proves_absence:
            text = f"order {order.id} is not to be found, and {self.exchange.name} lists too little to be sure"
            self._alert(Severity.CRITICAL, order.symbol, f"{text}: look there yourself")
            return False
        if order.base_before is None:
            return True
        balance = self.exchange.balances().get(base_of(order.symbol))
        now = balance.total if balance else Decimal(0)
        # the bot may have sold while protection was in doubt
        later = self.trades.moved_since(order.symbol, order.id, order.timestamp)
        moved = MONEY.subtract(MONEY.subtract(now, order.base_before), later)
        if (moved > 0) == (order.side is OrderSide.BUY) and moved != 0:
            self._alert(
                Severity.CRITICAL,
                order.symbol,
                f"order {order.id} is not to be found, but the balance of {base_of(order.symbol)} moved by {moved:f}",
            )
            return False
        return True

    def _adopt(self, symbol: str, now_ms: int) -> None:
        """Orders with our prefix that the ledger lacks (a restored backup), or holds for dead (a false proof)."""
        abilities = self.exchange.abilities
        reports = [
            *(self.exchange.open_orders(symbol) if abilities.lists_open else ()),
            *(self.exchange.orders_since(symbol, now_ms - ADOPT_MS) if abilities.lists_orders else ()),
        ]
        for report in reports:
            client_id = report.client_id
            if client_id is None or not client_id.startswith(f"{self.prefix}-"):
                continue
            if (known := self.orders.get(client_id)) is not None:
                self._revive(known, report)
                continue
            text = f"order {client_id} is known at {self.exchange.name} but was not in the ledger: adopted"
            self._alert(Severity.WARNING, symbol, text)
            self.orders.adopt(self._adopted(report, client_id), ORDER_SEQUENCE, number_of(client_id))

    def _revive(self, order: Order, report: OrderReport) -> None:
        """The exchange is the truth of what happened, also of an order that was refused or never arrived."""
        lives = report.filled > 0 or report.event in {OrderEvent.ACCEPT, OrderEvent.FILL}
        if OrderStatus(order.status) is OrderStatus.REJECTED and lives:
            text = f"order {order.id} was held for dead, but {self.exchange.name} has it: booked"
            self._alert(Severity.CRITICAL, order.symbol, text)
            self.take(order, report)

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
            first_id=client_id,
            attempt=1,
            purpose=Purpose.PROTECTION.value if report.is_guard and report.side == OrderSide.SELL.value else None,
        )

    def _agrees_with_balance(self, symbol: str, now_ms: int) -> bool:
        """Whether the account holds the position; when it holds less, somebody took it, and the position shrinks.

        A balance may lag behind our own trades, so nothing is concluded until the newest is old enough.
        """
        held = self.trades.position(symbol).quantity
        if held <= 0:
            return True
        balance = self.exchange.balances().get(base_of(symbol))
        if balance is None:
            raise DataError(f"{self.exchange.name} told no balance of {base_of(symbol)}: asked again in the next cycle")
        gone = MONEY.subtract(held, balance.total)
        if gone <= 0:
            return True
        newest = next(iter(self.trades.get_by_symbol(symbol, limit=1)), None)
        if newest is not None and now_ms - _ms(newest.timestamp) <= READ_LAG_MS:
            return False
        reason = f"the account holds {balance.total:f} {base_of(symbol)}, the ledger {held:f}: the rest left without us"
        self.trades.write_off(symbol, Quantity(gone), reason, datetime.fromtimestamp(now_ms / 1_000, UTC))
        self._alert(Severity.CRITICAL, symbol, reason)
        return True

    def _alert(self, severity: Severity, symbol: str, text: str) -> None:
        moment = datetime.fromtimestamp(self.exchange.now_ms() / 1_000, UTC)
        if self.alerts_book.add(severity, text, symbol, moment):
            logger.warning("Reconciliation: %s", text)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def client_id_of(prefix: str, number: int) -> str:
    """Our id of an order: at most 36 characters of `[a-zA-Z0-9-_]`, as Binance wants."""
    return f"{prefix}-{number:08d}"


def outage_prefix(prefix: str, symbol: str) -> str:
    """What our ids begin with while numbers come from memory, which other bots of the database do not share."""
    return f"{prefix}-o{sha256(symbol.encode()).hexdigest()[:5]}"


def number_of(client_id: str) -> int:
    """The number in one of our ids; 0 when it holds none."""
    digits = client_id.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
