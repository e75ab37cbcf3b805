"""Looks after orders that rest: cancels them when their time is over and orders again what is left.

What is to be done is a pure rule (`app.domain.resting`); this carries it out, against an exchange or on paper. All that
it knows is in the ledger, and every intention is written there before it is carried out.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Final, Protocol

from app.core.enums import OrderSide, OrderType
from app.domain.errors import OrderRejected, OutcomeUnknown
from app.domain.instrument import Instrument
from app.domain.order import OrderStatus
from app.domain.resting import (
    FollowUp,
    Move,
    OrderStyles,
    Plan,
    Purpose,
    RestingOrder,
    Standing,
    limit_price,
    next_move,
    runs_away,
)
from app.domain.values import MONEY, Price, Quantity
from app.models.sql import Order
from app.repositories import OrderRepository, TradeRepository

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)


class OrderDesk(Protocol):
    """Where orders are carried out."""

    def now_ms(self) -> int:
        """The exchange's time, ms UTC."""

    def market(self, symbol: str) -> Instrument:
        """What the market allows now."""

    def last_price(self, symbol: str) -> Price:
        """What it traded at last."""

    def base_balance(self, symbol: str) -> tuple[Decimal, Decimal]:
        """The account's base units: in total, and free."""

    def cancel(self, order: Order) -> None:
        """Ask to cancel, and bring the order up to date."""

    def send(self, order: Order) -> None:
        """Send an order that is written down; OrderRejected or OutcomeUnknown when it did not go well."""

    def new_id(self) -> str:
        """A client order id that was never used."""


@dataclass(slots=True)
class Tending:
    """Looks after the newest order of each market.

    Attributes:
        desk: Where orders are carried out.
        orders: Our orders.
        trades: Our trades.
        styles: How entries and exits are ordered.
    """

    desk: OrderDesk
    orders: OrderRepository
    trades: TradeRepository
    styles: OrderStyles

    def tend(self, symbol: str) -> None:
        """Do what is to be done now; asks nothing of anybody while no order rests or waits to be replaced."""
        for _ in (Move.CANCEL, Move.REPLACE):  # both in one go, if the cancel is confirmed at once
            order = self.orders.newest(symbol)
            if order is None or self._plan(order).move is Move.NOTHING:
                return
            plan = self._plan(order, self.desk.now_ms())
            if plan.follow_up is None:
                return
            if plan.move is Move.REPLACE:
                self._replace(order, plan.follow_up)
                return
            self.cancel(order, plan.follow_up)

    def cancel(self, order: Order, follow_up: FollowUp) -> bool:
        """Write down what comes next, then cancel; whether the order is over."""
        logger.info("Cancelling order %s, then: %s", order.id, follow_up)
        self.orders.plan(order, follow_up)
        self.desk.cancel(order)
        return not OrderStatus(order.status).rests

    def resting(self, symbol: str) -> RestingOrder | None:
        """The symbol's order that rests or is about to be replaced, from the ledger alone."""
        order = self.orders.newest(symbol)
        if order is None or order.purpose is None or OrderStatus(order.status).is_unresolved:
            return None
        if self._plan(order).move is Move.NOTHING:
            return None
        wish = self._wish(order)
        return RestingOrder(order.id, Purpose(order.purpose), _filled(wish), wish[0].quantity)

    def _plan(self, order: Order, now_ms: int = 0) -> Plan:
        """Without the time it is NOTHING only if it is at any time."""
        standing = Standing(
            purpose=None if order.purpose is None else Purpose(order.purpose),
            status=OrderStatus(order.status),
            is_limit=order.order_type == OrderType.LIMIT.value,
            age_ms=max(0, now_ms - int(order.timestamp.timestamp() * 1_000)),
            attempt=order.attempt or 1,
            follow_up=None if order.follow_up is None else FollowUp(order.follow_up),
        )
        return next_move(standing, self.styles.of(standing.purpose or Purpose.EXIT))

    def _wish(self, order: Order) -> list[Order]:
        """The orders with which the same wish was carried out so far, the first one first."""
        return self.orders.of_wish(order.first_id) if order.first_id else [order]

    def _replace(self, order: Order, follow_up: FollowUp) -> None:
        """Order again what is left, at a new limit or at the market's price; or end the wish and say why."""
        market = self.desk.market(order.symbol)
        if not market.is_trading:
            logger.info("Order %s waits to be replaced: %s is %s", order.id, order.symbol, market.status)
            return
        last = self.desk.last_price(order.symbol)
        total, free = self.desk.base_balance(order.symbol)
        price, reason = self._new_price(order, follow_up, last, market)
        quantity = self._left(order, price, free, market)
        is_market = follow_up is FollowUp.MARKET
        if reason is None:
            reason = market.refusal(quantity, price) or (market.market_refusal(quantity) if is_market else None)
        if reason is not None:
            note = f"what is left of it is not ordered again: {reason}"
            self.orders.plan(order, FollowUp.STOP, note=note)
            logger.warning("Order %s: %s", order.id, note)
            return
        new = Order(
            id=self.desk.new_id(),
            symbol=order.symbol,
            side=order.side,
            order_type=(OrderType.MARKET if is_market else OrderType.LIMIT).value,
            quantity=quantity,
            price=None if is_market else price,
            filled=ZERO,
            average=None,
            fee=ZERO,
            status=OrderStatus.CREATED.value,
            timestamp=datetime.fromtimestamp(self.desk.now_ms() / 1_000, UTC),
            exchange=order.exchange,
            base_before=total,
            purpose=order.purpose,
            candle_time=order.candle_time,
            reason=order.reason,
            first_id=order.first_id or order.id,
            attempt=(order.attempt or 1) + 1,
        )
        self.orders.replace(order, new)
        try:
            self.desk.send(new)
        except (OrderRejected, OutcomeUnknown) as error:
            logger.warning("Order %s, in place of %s: %s", new.id, order.id, error)

    def _new_price(
        self, order: Order, follow_up: FollowUp, last: Price, market: Instrument
    ) -> tuple[Price, str | None]:
        """The limit, or the market's price; and why the market must not be followed there."""
        purpose = Purpose(order.purpose or Purpose.EXIT)
        style = self.styles.of(purpose)
        price = last if follow_up is FollowUp.MARKET else limit_price(purpose, last, style.offset_bp, market)
        first = self._wish(order)[0].price
        if purpose is Purpose.ENTRY and first is not None and runs_away(Price(first), price, style.chase_bp):
            return price, f"the market is at {last:f}, too far above the first limit {first:f}"
        if follow_up is FollowUp.REPRICE:
            return price, market.price_refusal(order.side.value, price, last)
        return price, None

    def _left(self, order: Order, price: Price, free: Decimal, market: Instrument) -> Quantity:
        """Base units still to be ordered.

        An entry never costs more than first approved, an exit never takes more than is ours and free.
        """
        wish = self._wish(order)
        left = MONEY.subtract(wish[0].quantity, _filled(wish))
        if order.side is OrderSide.SELL:
            return market.quantity(max(ZERO, min(left, free, self.trades.position(order.symbol).quantity)))
        if (first := wish[0].price) is not None:
            approved = MONEY.multiply(wish[0].quantity, first)
            left = min(left, MONEY.divide(max(ZERO, MONEY.subtract(approved, _spent(wish))), price))
        return market.quantity(max(ZERO, left))


def _filled(wish: list[Order]) -> Decimal:
    return reduce(MONEY.add, (order.filled for order in wish), ZERO)


def _spent(wish: list[Order]) -> Decimal:
    return reduce(MONEY.add, (MONEY.multiply(order.filled, order.average or ZERO) for order in wish), ZERO)
