"""Orders, and the numbers from which their ids are made."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, cast

from sqlalchemy import Table, bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from app.core.database import remembered, unit_of_work
from app.domain.order import OrderEvent, OrderStatus, after
from app.domain.resting import FollowUp, Purpose
from app.models.sql import Identity, Order, Step, Trade
from app.models.sql import Sequence as Numbers

_NEWEST_TRADES: Final = 50
_IS_PROTECTION: Final = func.coalesce(Order.purpose, "") == Purpose.PROTECTION.value
_OF_SYMBOL: Final = select(Order).where(Order.symbol == bindparam("symbol"))
_NEWEST: Final = _OF_SYMBOL.where(~_IS_PROTECTION).order_by(Order.timestamp.desc(), Order.id.desc()).limit(1)
_ALIVE: Final = _OF_SYMBOL.where(
    Order.status.in_([status.value for status in OrderStatus if status.is_unresolved or status.rests])
).order_by(Order.timestamp, Order.id)
_NUMBERS: Final = cast("Table", Numbers.__table__)  # counted in the database, past rows that this session has read
_COUNTED: Final = (
    update(_NUMBERS)
    .where(_NUMBERS.c.name == bindparam("sequence"))
    .values(last=_NUMBERS.c.last + 1)
    .returning(_NUMBERS.c.last)
)


class OrderRepository:
    """All orders."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, order: Order) -> Order:
        """Book an order."""
        with unit_of_work(self.session):
            self.session.add(order)
            self.session.flush()
        return order

    def book_as_sent(self, order: Order) -> Order:
        """Book an order whose POST comes right after this is durable."""
        order.status = after(OrderStatus(order.status), OrderEvent.SUBMIT).value
        with unit_of_work(self.session):
            self.session.add(order)
        return order

    def adopt(self, order: Order, sequence: str, number: int) -> None:
        """Book an order that was ours already, and never give its number out again."""
        with unit_of_work(self.session):
            self.session.add(order)
            known = self.session.get(Numbers, sequence, populate_existing=True)
            if known is None:
                self.session.add(Numbers(name=sequence, last=number))
            else:
                known.last = max(known.last, number)
            self.session.flush()

    def get(self, order_id: str) -> Order | None:
        """The order with this id."""
        with unit_of_work(self.session):
            return self.session.get(Order, order_id)

    def by_symbol(self, symbol: str, limit: int = 100) -> list[Order]:
        """The symbol's orders, newest first."""
        query = select(Order).where(Order.symbol == symbol).order_by(Order.timestamp.desc(), Order.id.desc())
        with unit_of_work(self.session):
            return list(self.session.scalars(query.limit(limit)))

    def apply(
        self, order: Order, event: OrderEvent, *, exchange_id: str | None = None, note: str | None = None
    ) -> None:
        """Move an order on, as the table of its life says; raises IllegalTransitionError."""
        with unit_of_work(self.session):
            order.status = after(OrderStatus(order.status), event).value
            order.exchange_id = exchange_id or order.exchange_id
            order.note = note or order.note
            self.session.flush()

    def note_fills(self, order: Order, filled: Decimal, average: Decimal | None, fee: Decimal) -> None:
        """Record how much of an order was traded, at which average price, and the fee that it took in quote units."""
        with unit_of_work(self.session):
            order.filled, order.average, order.fee = filled, average, fee
            self.session.flush()

    def newest(self, symbol: str) -> Order | None:
        """The symbol's newest order that enters or leaves; protection rests beside it."""
        key = "newest", symbol
        return remembered(self.session, key, lambda: self.session.scalars(_NEWEST, {"symbol": symbol}).first())

    def protection(self, symbol: str) -> list[Order]:
        """What protects the symbol's position at the exchange, or may: orders in doubt and orders that rest."""
        return [order for order in self._alive(symbol) if order.purpose == Purpose.PROTECTION.value]

    def untold_protection(self, symbol: str) -> list[Order]:
        """Protection that is over, was among the newest to trade, and of which no step tells yet; oldest first."""
        over = [status.value for status in OrderStatus if not status.is_unresolved and not status.rests]
        newest = select(Trade.order_id).where(Trade.symbol == symbol).order_by(Trade.timestamp.desc(), Trade.id.desc())
        told = exists().where(Step.order_id == Order.id)
        with unit_of_work(self.session):
            ids = set(self.session.scalars(newest.limit(_NEWEST_TRADES)))
            query = select(Order).where(Order.id.in_(ids), _IS_PROTECTION, Order.status.in_(over), ~told)
            return list(self.session.scalars(query.order_by(Order.timestamp, Order.id)))

    def of_wish(self, first_id: str) -> list[Order]:
        """The orders with which one wish is carried out, in their order."""
        query = select(Order).where(Order.first_id == first_id).order_by(Order.attempt, Order.id)
        with unit_of_work(self.session):
            return list(self.session.scalars(query))

    def add_all(self, orders: Sequence[Order], event: OrderEvent) -> None:
        """Book orders that are sent together, with one sync of the disk."""
        with unit_of_work(self.session):
            self.session.add_all(orders)
            self.session.flush()
            for order in orders:
                self.apply(order, event)

    def plan(self, order: Order, follow_up: FollowUp | None, *, note: str | None = None) -> None:
        """Record what comes after an order; durable before its cancel is sent."""
        with unit_of_work(self.session):
            order.follow_up = None if follow_up is None else follow_up.value
            order.note = note or order.note
            self.session.flush()

    def replace(self, old: Order, new: Order) -> Order:
        """Book the order that follows another; both facts become durable together, so it follows once."""
        with unit_of_work(self.session):
            old.follow_up = FollowUp.STOP.value
            self.session.add(new)
            self.session.flush()
        return new

    def unresolved(self, symbol: str) -> list[Order]:
        """Orders of which nobody knows whether the exchange has them, oldest first."""
        return [order for order in self._alive(symbol) if OrderStatus(order.status).is_unresolved]

    def resting(self, symbol: str) -> list[Order]:
        """Orders that the exchange has and may still trade, oldest first."""
        return [order for order in self._alive(symbol) if OrderStatus(order.status).rests]

    def by_exchange_id(self, exchange: str, symbol: str, exchange_id: str) -> Order | None:
        """The order that the exchange knows by this id."""
        query = select(Order).where(
            Order.exchange == exchange, Order.symbol == symbol, Order.exchange_id == exchange_id
        )
        with unit_of_work(self.session):
            return self.session.scalars(query).first()

    def _alive(self, symbol: str) -> list[Order]:
        """Orders that are not over, oldest first."""
        key = "alive", symbol
        return remembered(self.session, key, lambda: list(self.session.scalars(_ALIVE, {"symbol": symbol})))

    def client_prefix(self, proposal: str) -> str:
        """The prefix of this database's client order ids: the first proposal ever made, for good."""
        with unit_of_work(self.session):
            known = self.session.get(Identity, "client-prefix")
            if known is None:
                known = Identity(name="client-prefix", value=proposal)
                self.session.add(known)
                self.session.flush()
            return known.value

    def known_client_prefix(self) -> str | None:
        """The prefix of this database's client order ids; None before the first live start."""
        with unit_of_work(self.session):
            known = self.session.get(Identity, "client-prefix")
            return None if known is None else known.value

    def next_number(self, name: str) -> int:
        """The next number of a sequence: 1, 2, 3 …; never the same twice, also over restarts."""
        with unit_of_work(self.session):
            number: int | None = self.session.scalar(_COUNTED, {"sequence": name})
            if number is None:
                number = 1
                self.session.add(Numbers(name=name, last=number))
                self.session.flush()
            return number
