"""Real orders: written down before they are sent, sent once, and looked for until their fate is known."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.core.clock import SystemClock
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor, PositionView
from app.domain.errors import InsufficientFunds, KeyRevoked, OrderRejected, OutcomeUnknown
from app.domain.instrument import Instrument, quote_of
from app.domain.order import OrderEvent, OrderStatus
from app.domain.position import Position
from app.domain.reports import OrderTicket
from app.domain.values import MONEY, Money, Price, Quantity, exact
from app.execution.order_exchange import OrderExchange
from app.execution.order_shape import ccxt_order
from app.execution.position_view import view_of
from app.execution.reconcile import ORDER_SEQUENCE, Reconciler, client_id_of
from app.execution.schedule import DEFAULT_EVERY_S, Schedule
from app.models.sql import Order
from app.repositories import AlertRepository, OrderRepository, TradeRepository

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)


class LiveExecutor(IExecutor):
    """Trades with the account at an exchange.

    Args:
        trade_repo: Where fills are booked.
        exchange: The account.
        prefix: What every client id of this bot begins with, at most 20 characters of `[a-z0-9-]`; kept over restarts.
        compare_every_s: The longest time between two full comparisons with the exchange.

    Attributes:
        reconciler: Compares ledger and exchange.
    """

    def __init__(
        self,
        trade_repo: TradeRepository,
        exchange: OrderExchange,
        *,
        prefix: str,
        compare_every_s: float = DEFAULT_EVERY_S,
    ) -> None:
        self.trade_repo = trade_repo
        self._orders = OrderRepository(trade_repo.session)
        self._exchange = exchange
        self._prefix = prefix
        self.reconciler = Reconciler(exchange, self._orders, trade_repo, AlertRepository(trade_repo.session), prefix)
        self._schedule = Schedule(SystemClock(), int(compare_every_s * 1_000))
        self._dust: dict[str, Quantity] = {}

    def synchronize(self, symbol: str) -> None:
        """Compare with the exchange: in full when it is due, else only what is in the open.

        Raises:
            DataError: the exchange did not answer.
            KeyRevoked: it does not accept the key.
        """
        interruptions = self._exchange.interruptions
        is_due = self._schedule.is_due(symbol, interruptions) or self.reconciler.frozen(symbol) is not None
        reason = self.reconciler.run(symbol) if is_due else self.reconciler.glance(symbol)
        if reason is not None:
            logger.warning("%s is frozen: %s", symbol, reason)
        elif is_due and self.reconciler.agrees(symbol):
            self._schedule.compared(symbol, interruptions)

    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """Write the order down, send it once, book what came of it; see IExecutor."""
        side, order_type = OrderSide(side), OrderType(order_type)
        self._refuse_while_in_doubt(symbol)
        instrument = self._exchange.instrument(symbol)
        base_before, amount = self._affordable(instrument, side, exact(quantity))
        limit = instrument.price(price) if order_type is OrderType.LIMIT and price is not None else None
        reference = limit or (Price(exact(price)) if price is not None else None)
        if reference is not None and (refusal := instrument.refusal(amount, reference)):
            raise OrderRejected(f"{side} {symbol} refused before sending: {refusal}")
        order = self._write_down(symbol, side, order_type, amount, limit, base_before)
        self._send(order)
        return ccxt_order(order, instrument.quote)

    def get_position(self, symbol: str) -> PositionView:
        """What our own trades add up to, net of fees; a remainder that is too small to sell counts as nothing."""
        position = self.trade_repo.position(symbol)
        return view_of(position, Quantity(ZERO) if self._is_dust(symbol, position) else None)

    def get_cash(self, symbol: str) -> Money:
        """The account's quote asset, free and locked."""
        balance = self._exchange.balances().get(quote_of(symbol))
        return Money(balance.total if balance else ZERO)

    def _is_dust(self, symbol: str, position: Position) -> bool:
        """Whether the market would refuse to sell all of it at its average cost. It stays in the ledger."""
        if position.quantity <= 0:
            return True
        instrument = self._exchange.instrument(symbol)
        price = Price(MONEY.divide(position.cost, position.quantity))
        refusal = instrument.refusal(instrument.quantity(position.quantity), price)
        if refusal is not None and self._dust.get(symbol) != position.quantity:
            self._dust[symbol] = position.quantity
            logger.info("Dust: %s of %s stays, too small to sell: %s", f"{position.quantity:f}", symbol, refusal)
        return refusal is not None

    def _refuse_while_in_doubt(self, symbol: str) -> None:
        doubtful = self._orders.unresolved(symbol)
        if doubtful:
            raise OutcomeUnknown(
                f"{symbol} is frozen: order {doubtful[0].id} is {doubtful[0].status}, it must be found first"
            )

    def _affordable(self, instrument: Instrument, side: OrderSide, asked: Decimal) -> tuple[Decimal, Quantity]:
        """The base balance before the order, and the quantity: a sale never takes more than is ours and free."""
        balance = self._exchange.balances().get(instrument.base)
        total, free = (balance.total, balance.free) if balance else (ZERO, ZERO)
        if side is OrderSide.BUY:
            return total, instrument.quantity(asked)
        held = self.trade_repo.position(instrument.symbol).quantity
        sellable = instrument.quantity(min(asked, held, free))
        if sellable <= 0:
            raise InsufficientFunds(
                f"sell {instrument.symbol} refused before sending: {asked:f} asked, {held:f} held, {free:f} free"
            )
        return total, sellable

    def _write_down(
        self,
        symbol: str,
        side: OrderSide,
        order_type: OrderType,
        amount: Quantity,
        limit: Price | None,
        base_before: Decimal,
    ) -> Order:
        """Durable before anything is sent; if this fails, nothing is sent."""
        order = self._orders.add(
            Order(
                id=client_id_of(self._prefix, self._orders.next_number(ORDER_SEQUENCE)),
                symbol=symbol,
                side=side,
                order_type=order_type.value,
                quantity=amount,
                price=limit,
                filled=ZERO,
                average=None,
                fee=ZERO,
                status=OrderStatus.CREATED.value,
                timestamp=datetime.fromtimestamp(self._exchange.now_ms() / 1_000, UTC),
                exchange=self._exchange.name,
                base_before=base_before,
            )
        )
        self._orders.apply(order, OrderEvent.SUBMIT)
        return order

    def _send(self, order: Order) -> None:
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
            if not isinstance(doubt, OutcomeUnknown) or not self.reconciler.settle(order):
                raise
            logger.warning("Order %s was in doubt and is found: %s", order.id, order.status)
            if OrderStatus(order.status) is OrderStatus.REJECTED:
                raise OrderRejected(f"order {order.id} never arrived: {doubt}") from doubt
        else:
            self.reconciler.take(order, report, fills)
