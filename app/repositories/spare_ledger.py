"""A ledger in memory for the time in which the real one cannot be written: same tables, same code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import DeclarativeBase, Session

from app.core.database import Base, unit_of_work
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.domain.order import OrderStatus
from app.domain.position import Position
from app.models.sql import Order, Trade
from app.models.sql import Sequence as Numbers
from app.repositories.order_repository import OrderRepository
from app.repositories.trade_repository import TradeRepository


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What must be known of a symbol to go on with it. Plain values: no failure of a database can take them away.

    Attributes:
        symbol: The market.
        position: What its trades add up to.
        last_number: The last number given out for a client order id.
        orders: Columns of the orders that are not final.
        trades: Columns of their trades.
    """

    symbol: str
    position: Position
    last_number: int
    orders: tuple[dict[str, Any], ...]
    trades: tuple[dict[str, Any], ...]


def read_state(session: Session, symbol: str, sequence: str) -> LedgerState:
    """The state of a ledger, as one consistent reading."""
    orders, trades = OrderRepository(session), TradeRepository(session)
    with unit_of_work(session):
        alive = [*orders.unresolved(symbol), *orders.resting(symbol)]
        numbers = session.get(Numbers, sequence, populate_existing=True)
        return LedgerState(
            symbol,
            trades.position(symbol),
            0 if numbers is None else numbers.last,
            tuple(_columns(order) for order in alive),
            tuple(_columns(trade) for order in alive for trade in trades.of_order(order.id)),
        )


@contextmanager
def spare_ledger(states: list[LedgerState], sequence: str) -> Iterator[Session]:
    """A ledger in memory that begins with these states."""
    engine = sqlite_engine(IN_MEMORY)
    Base.metadata.create_all(engine)
    try:
        with Session(engine, expire_on_commit=False) as session:
            with unit_of_work(session):
                session.add(Numbers(name=sequence, last=max((state.last_number for state in states), default=0)))
                for state in states:
                    session.add_all(Order(**columns) for columns in state.orders)
                    session.flush()
                    session.add_all(Trade(**columns) for columns in state.trades)
                    TradeRepository(session).restore(state.symbol, state.position)
            yield session
    finally:
        engine.dispose()


def is_flat(state: LedgerState) -> bool:
    """Whether nothing is held and no order is on its way or resting."""
    alive = [order for order in state.orders if OrderStatus(order["status"]) is not OrderStatus.REJECTED]
    return state.position.quantity <= 0 and not alive


def _columns(row: DeclarativeBase) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}
