"""Orders, and the numbers from which their ids are made."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.models.sql import Order, Sequence


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

    def get(self, order_id: str) -> Order | None:
        """The order with this id."""
        with unit_of_work(self.session):
            return self.session.get(Order, order_id)

    def by_symbol(self, symbol: str, limit: int = 100) -> list[Order]:
        """The symbol's orders, newest first."""
        query = select(Order).where(Order.symbol == symbol).order_by(Order.timestamp.desc(), Order.id.desc())
        with unit_of_work(self.session):
            return list(self.session.scalars(query.limit(limit)))

    def next_number(self, name: str) -> int:
        """The next number of a sequence: 1, 2, 3 …; never the same twice, also over restarts."""
        with unit_of_work(self.session):
            sequence = self.session.get(Sequence, name)
            if sequence is None:
                sequence = Sequence(name=name, last=0)
                self.session.add(sequence)
            sequence.last += 1
            self.session.flush()
            return sequence.last
