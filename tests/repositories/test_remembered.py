"""What a session remembers between two writes, and the order that is written together with its decision."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, event, text

from app.core.database import forget, remembered, unit_of_work
from app.domain.order import OrderEvent, OrderStatus
from app.models.sql import Holding, Order
from app.repositories import OrderRepository, TradeRepository

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
BTC = "BTC/USDT"


def order(number: int, **values) -> Order:
    defaults = {
        "id": f"keel-{number:08d}", "symbol": BTC, "side": "buy", "order_type": "market", "quantity": Decimal(1),
        "filled": Decimal(0), "fee": Decimal(0), "status": OrderStatus.CREATED.value,
        "timestamp": NOON + timedelta(minutes=number), "purpose": "entry",
    }  # fmt: skip
    return Order(**{**defaults, **values})


@pytest.fixture
def queries(database):
    """Every SELECT that reaches the database."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def everything(session) -> tuple[object, ...]:
    orders = OrderRepository(session)
    alive = orders.unresolved(BTC), orders.resting(BTC), orders.protection(BTC)
    return *alive, orders.newest(BTC), TradeRepository(session).position(BTC)


def test_a_state_that_did_not_change_is_read_once(session, queries):
    everything(session)
    count = len(queries)
    assert everything(session) == everything(session)
    assert len(queries) == count == 3


def test_every_write_is_seen_at_once(session):
    orders, trades = OrderRepository(session), TradeRepository(session)
    everything(session)
    first = orders.add(order(1))
    assert (orders.newest(BTC), orders.unresolved(BTC)) == (first, [first])
    orders.apply(first, OrderEvent.SUBMIT)
    orders.apply(first, OrderEvent.ACCEPT)
    assert (orders.unresolved(BTC), orders.resting(BTC)) == ([], [first])
    guard = orders.book_as_sent(order(2, purpose="protection", side="sell"))
    assert (orders.newest(BTC), orders.protection(BTC), orders.unresolved(BTC)) == (first, [guard], [guard])
    trades.create(BTC, "buy", 100, 2, None, NOON)
    assert trades.position(BTC).quantity == 2


def test_what_another_session_committed_is_seen_at_once(session, database):
    position = TradeRepository(session).position
    assert position(BTC).quantity == 0
    with database.session_scope() as other:
        TradeRepository(other).create(BTC, "buy", 100, 2, None, NOON)
        assert position(BTC).quantity == 2
        TradeRepository(session).create(BTC, "sell", 100, 1, None, NOON)
        assert TradeRepository(other).position(BTC).quantity == 1


def test_what_is_written_past_the_objects_is_seen_at_once(session):
    trades = TradeRepository(session)
    trades.create(BTC, "buy", 100, 2, None, NOON)
    assert trades.position(BTC).quantity == 2
    session.execute(delete(Holding))
    session.commit()
    assert trades.position(BTC).quantity == 0


def test_what_a_user_left_unwritten_in_the_session_stops_no_reading(session):
    trades = TradeRepository(session)
    trade, holding = trades.create(BTC, "buy", 100, 2, None, NOON), session.get(Holding, BTC)
    trade.pnl = Decimal(5)
    assert trades.position(BTC).quantity == holding.total_buys == 2
    assert not session.dirty


def test_what_was_taken_back_is_not_remembered(session):
    orders = OrderRepository(session)
    everything(session)
    with suppress(RuntimeError), unit_of_work(session):
        orders.add(order(1))
        assert orders.newest(BTC) is not None
        raise RuntimeError
    assert orders.newest(BTC) is None
    assert orders.unresolved(BTC) == []


def test_what_is_told_to_be_forgotten_is_read_again(session):
    answers = iter("ab")
    assert [remembered(session, "x", lambda: next(answers)) for _ in range(2)] == ["a", "a"]
    forget(session)
    assert remembered(session, "x", lambda: next(answers)) == "b"


def test_two_sessions_never_get_the_same_number(database):
    with database.session_scope() as one, database.session_scope() as other:
        taken = [OrderRepository(session).next_number("order") for session in (one, other, one, other, one)]
    assert taken == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("query", ["_NEWEST", "by_symbol"])
def test_the_newest_orders_of_a_symbol_are_found_without_sorting_all_of_them(session, queries, query):
    repository = OrderRepository(session)
    repository.newest(BTC) if query == "_NEWEST" else repository.by_symbol(BTC, 3)
    plan = session.execute(text(f"EXPLAIN QUERY PLAN {queries[-1].replace('?', '1')}")).all()
    assert [row[-1] for row in plan] == ["SEARCH orders USING INDEX ix_orders_newest (symbol=?)"]
