"""Fault 35, the database cannot be written while trading live: locked by a second connection, or on a full disk."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.orm import Session

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.enums import OrderSide
from app.core.sqlite import sqlite_module
from app.core.stop import StopFlag
from app.domain.errors import DatabaseError, DatabaseGone, OrderRejected
from app.domain.protection import Protection
from app.execution.lease import DatabaseLease
from app.execution.live_executor import LiveExecutor
from app.execution.outage_journal import RESERVED_BYTES, OutageJournal
from app.execution.reconcile import ORDER_SEQUENCE, client_id_of
from app.execution.steadfast import PATIENCE_MS, SteadfastExecutor
from app.execution.watched_exchange import WatchedExchange
from app.models.sql import Order
from app.repositories import LeaseRepository, OrderRepository, TradeRepository

BTC = "BTC/USDT"
BUY, SELL = OrderSide.BUY, OrderSide.SELL
AMOUNT = Decimal("0.01")
SMALL_DISK = 3_000_000


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Connections that do not wait long for a lock."""
    monkeypatch.setattr("app.core.sqlite.PRAGMAS", ("busy_timeout=20", "journal_mode=WAL", "synchronous=FULL"))


@pytest.fixture
def session(impatient, database_path) -> Iterator[Session]:
    with opened(database_path) as session:
        yield session


@contextmanager
def opened(path: Path) -> Iterator[Session]:
    """The database as a start opens it."""
    database = Database()
    database.open(path)
    with database.session_scope() as session:
        yield session
    database.close()


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """A function with which a second connection takes the write lock and keeps it to the end."""
    with closing(sqlite_module().connect(path, isolation_level=None)) as connection:
        yield lambda: connection.execute("BEGIN IMMEDIATE")


@pytest.fixture
def after_the_answer(monkeypatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen when the exchange's answer to the next order has come, before it is looked at."""

    def arm(happens: Callable[[], object]) -> None:
        send, armed = requests.Session.send, [happens]

        def watched(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            answer = send(self, request, **options)
            if request.method == "POST" and armed:
                armed.pop()()
            return answer

        monkeypatch.setattr(requests.Session, "send", watched)

    return arm


def start(venue: Any, session: Session, journal: Path, clock: ManualClock | None = None) -> SteadfastExecutor:
    """An executor on this ledger: what a start makes."""
    clock = clock or ManualClock(1_700_000_000_000)
    exchange = WatchedExchange(venue.executor()._exchange, StopFlag())
    lease = DatabaseLease(LeaseRepository(session), BTC, clock, 3_600_000)
    lease.take()
    executor = SteadfastExecutor(
        lambda ledger: LiveExecutor(ledger, exchange, prefix="keel-test"),
        TradeRepository(session),
        exchange,
        OutageJournal(journal),
        lease=lease,
        clock=clock,
    )
    executor.synchronize(BTC)
    return executor


def booked(session: Session) -> dict[str, Decimal]:
    """What the ledger says was executed, by client id."""
    trades = TradeRepository(session)
    orders = OrderRepository(session).by_symbol(BTC)
    return {order.id: quantity for order in orders if (quantity := trades.booked_of(order.id))}


def held(executor: SteadfastExecutor) -> Decimal:
    return executor.get_position(BTC)["net_quantity"]


def test_an_entry_whose_answer_cannot_be_booked_is_sold_from_memory_and_booked_afterwards(
    venue, session, database_path, tmp_path, after_the_answer
):
    journal = tmp_path / "keel.db.outage"
    executor = start(venue, session, journal)
    with locked(database_path) as lock:
        after_the_answer(lock)
        order = executor.execute_order(BTC, BUY, AMOUNT)
        assert (order["status"], order["filled"]) == ("closed", 0.01)
        bought = held(executor)
        assert 0 < bought <= AMOUNT
        with pytest.raises(DatabaseError, match="nothing is bought"):
            executor.execute_order(BTC, BUY, AMOUNT)
        executor.synchronize(BTC)
        assert executor.execute_order(BTC, SELL, bought)["status"] == "closed"
        assert executor.get_position(BTC)["is_flat"]
        assert len(venue.executed()) == 2
    executor.synchronize(BTC)
    assert booked(session) == venue.executed()
    assert OutageJournal(journal).is_empty
    assert executor.get_position(BTC)["is_flat"]
    executor.execute_order(BTC, BUY, AMOUNT)
    assert booked(session) == venue.executed()
    assert len(venue.executed()) == 3
    executor.finish()
    assert not journal.exists()


def test_a_bot_that_dies_in_an_outage_books_its_journal_at_the_next_start_and_once(
    venue, session, database_path, tmp_path, after_the_answer
):
    journal = tmp_path / "keel.db.outage"
    executor = start(venue, session, journal)
    with locked(database_path) as lock:
        after_the_answer(lock)
        executor.execute_order(BTC, BUY, AMOUNT)
        executor.execute_order(BTC, SELL, held(executor))
        with pytest.raises(DatabaseError, match="the next start books them"):
            executor.finish()
    left = journal.read_bytes()
    journal.write_bytes(left.rstrip(b"\0") + b'{"kind":"sent","at')
    with opened(database_path) as restarted:
        start(venue, restarted, journal)
        assert booked(restarted) == venue.executed()
        assert len(venue.executed()) == 2
    journal.write_bytes(left)
    with opened(database_path) as restarted:
        start(venue, restarted, journal)
        assert booked(restarted) == venue.executed()
        assert TradeRepository(restarted).position(BTC).quantity == venue.balance()


def test_nothing_is_sent_when_an_entry_cannot_be_written_down(venue, session, database_path, tmp_path):
    executor = start(venue, session, tmp_path / "keel.db.outage")
    with locked(database_path) as lock:
        lock()
        with pytest.raises(DatabaseError, match="nothing is bought"):
            executor.execute_order(BTC, BUY, AMOUNT)
    assert venue.executed() == {}
    executor.synchronize(BTC)
    executor.execute_order(BTC, BUY, AMOUNT)
    assert booked(session) == venue.executed()


def test_an_exit_that_is_in_doubt_while_the_database_is_locked_is_not_sent_twice(
    venue, session, database_path, tmp_path
):
    executor = start(venue, session, tmp_path / "keel.db.outage")
    executor.execute_order(BTC, BUY, AMOUNT)
    bought = held(executor)
    with locked(database_path) as lock:
        lock()
        executor.synchronize(BTC)
        assert held(executor) == bought
        venue.fault("reset", method="POST", path="/api/v3/order", phase="after")
        order = executor.execute_order(BTC, SELL, bought)
        assert order["status"] == "closed"
        assert executor.get_position(BTC)["is_flat"]
    executor.synchronize(BTC)
    assert booked(session) == venue.executed()
    assert len(venue.executed()) == 2


def test_another_bot_of_the_database_that_takes_the_next_number_meanwhile_keeps_its_order(
    venue, session, database_path, tmp_path
):
    executor = start(venue, session, tmp_path / "keel.db.outage")
    executor.execute_order(BTC, BUY, AMOUNT)
    with locked(database_path) as lock:
        lock()
        executor.synchronize(BTC)
        executor.execute_order(BTC, SELL, held(executor))
    with opened(database_path) as others:
        orders = OrderRepository(others)
        rests = Order(
            id=client_id_of("keel-test", orders.next_number(ORDER_SEQUENCE)), symbol="ETH/USDT", side=BUY, filled=0,
            order_type="limit", quantity=AMOUNT, price=1, fee=0, status="open", exchange_id="1", exchange="binance",
            timestamp=datetime(2026, 1, 1, tzinfo=UTC), purpose="entry",
        )  # fmt: skip
        orders.add(rests)
        executor.synchronize(BTC)
        assert booked(session) == venue.executed()
        assert len(venue.executed()) == 2
        others.refresh(rests)
        assert (rests.status, rests.filled, rests.exchange_id) == ("open", 0, "1")
    assert executor.get_position(BTC)["is_flat"]


def test_a_flat_bot_whose_database_does_not_come_back_ends_so_that_somebody_looks(
    venue, session, database_path, tmp_path
):
    clock = ManualClock(1_700_000_000_000)
    executor = start(venue, session, tmp_path / "keel.db.outage", clock)
    with locked(database_path) as lock:
        lock()
        executor.synchronize(BTC)
        clock.wait_until(clock.now_ms() + PATIENCE_MS + 1, StopFlag())
        with pytest.raises(DatabaseGone, match="nothing is held"):
            executor.synchronize(BTC)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 3 MB; needs the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    with suppress(OSError):
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            yield folder
            subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("no right to mount a small disk")


def fill_up(folder: Path) -> None:
    """Take every byte that is left."""
    descriptor = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT)
    for block in (65_536, 512, 1):
        with suppress(OSError):
            while os.write(descriptor, b"x" * block):
                pass
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        os.write(descriptor, b"x" * 65_536)
    os.close(descriptor)


def test_on_a_full_disk_exits_go_on_and_are_booked_when_there_is_room_again(
    venue, impatient, migrated_database, small_disk, after_the_answer
):
    path, journal = small_disk / "keel.db", small_disk / "keel.db.outage"
    path.write_bytes(migrated_database.read_bytes())
    with opened(path) as session:
        executor = start(venue, session, journal)
        after_the_answer(lambda: fill_up(small_disk))
        executor.execute_order(BTC, BUY, AMOUNT)
        with pytest.raises(DatabaseError, match="nothing is bought"):
            for _ in range(500):  # until the pages that the database had in store are used up
                executor.execute_order(BTC, BUY, AMOUNT)
        executor.synchronize(BTC)
        before = venue.executed()
        executor.execute_order(BTC, SELL, held(executor))
        assert len(venue.executed()) == len(before) + 1
        assert executor.get_position(BTC)["is_flat"]
        assert not OutageJournal(journal).is_empty
        assert booked(session) != venue.executed()
        (small_disk / "ballast").unlink()
        executor.synchronize(BTC)
        assert booked(session) == venue.executed()
        assert TradeRepository(session).position(BTC).quantity == venue.balance()


def test_the_journal_takes_its_room_before_it_is_needed(small_disk):
    journal = OutageJournal(small_disk / "keel.db.outage")
    assert journal.path.stat().st_size == RESERVED_BYTES
    fill_up(small_disk)
    for number in range(100):
        journal.refused(f"keel-{number}", "no room")
    assert len(OutageJournal(journal.path).facts()) == 100
    with pytest.raises(DatabaseError, match="free some disk space"):
        OutageJournal(small_disk / "another.outage")


def levels(executor: SteadfastExecutor, *, stop: str = "0.9") -> Protection:
    """Stop and target around the last price, of all that is held."""
    price, quantity = executor._exchange.last_price(BTC), held(executor)
    return Protection(quantity, price * Decimal(stop), price * Decimal("1.1"), quantity)


def rests(venue: Any) -> int:
    return len(venue.executor()._exchange.open_orders(BTC))


def falls(venue: Any) -> None:
    venue.fault("spike", symbol="BTCUSDT", percent=-15)
    venue.advance(5)


@pytest.fixture
def protected(venue, session, tmp_path) -> SteadfastExecutor:
    """A position with stop and target at the exchange."""
    executor = start(venue, session, tmp_path / "keel.db.outage")
    executor.execute_order(BTC, BUY, AMOUNT)
    executor.protect(BTC, levels(executor))
    assert rests(venue) == 2
    return executor


def assert_all_is_booked(venue: Any, session: Session, executor: SteadfastExecutor) -> None:
    executor.synchronize(BTC)
    executor.protect(BTC, None)
    assert booked(session) == venue.executed()
    assert TradeRepository(session).position(BTC).quantity == venue.balance()
    assert OrderRepository(session).unresolved(BTC) == OrderRepository(session).resting(BTC) == []
    assert rests(venue) == 0


def test_what_rests_stays_in_an_outage_is_not_moved_and_follows_the_levels_again_afterwards(
    venue, session, database_path, protected
):
    before = venue.journal_end()
    with locked(database_path) as lock:
        lock()
        for stop in ("0.9", "0.95", "0.96"):  # it trails
            protected.synchronize(BTC)
            protected.protect(BTC, levels(protected, stop=stop))
        assert [one["path"] for one in venue.asked(before) if one["method"] != "GET"] == []
        assert rests(venue) == 2
    protected.synchronize(BTC)
    protected.protect(BTC, levels(protected, stop="0.96"))
    assert rests(venue) == 2
    stops = [order for order in OrderRepository(session).protection(BTC) if order.stop_price is not None]
    assert [round(order.stop_price / protected._exchange.last_price(BTC), 2) for order in stops] == [Decimal("0.96")]


def test_a_stop_that_fills_in_an_outage_is_known_at_once_and_booked_and_told_afterwards(
    venue, session, database_path, protected
):
    with locked(database_path) as lock:
        lock()
        protected.synchronize(BTC)
        falls(venue)
        protected.synchronize(BTC)
        assert protected.get_position(BTC)["is_flat"]
        assert protected.taken_exits(BTC) == ()
    assert_all_is_booked(venue, session, protected)
    assert [exit_.is_stop for exit_ in protected.taken_exits(BTC)] == [True]


def test_an_exit_in_an_outage_takes_the_stop_away_first_and_sells_once(venue, session, database_path, protected):
    with locked(database_path) as lock:
        lock()
        protected.synchronize(BTC)
        assert protected.execute_order(BTC, SELL, held(protected))["status"] == "closed"
        assert (rests(venue), protected.get_position(BTC)["is_flat"]) == (0, True)
        protected.protect(BTC, None)
    assert_all_is_booked(venue, session, protected)
    assert len(venue.executed()) == 2


def test_an_exit_in_an_outage_that_comes_after_the_stop_sells_nothing_more(venue, session, database_path, protected):
    with locked(database_path) as lock:
        lock()
        protected.synchronize(BTC)
        falls(venue)
        with pytest.raises(OrderRejected, match="its protection sold it"):
            protected.execute_order(BTC, SELL, held(protected))
    assert_all_is_booked(venue, session, protected)
    assert len(venue.executed()) == 2


def test_protection_whose_answer_cannot_be_booked_rests_once_and_an_exit_takes_it_away(
    venue, session, database_path, tmp_path, after_the_answer
):
    executor = start(venue, session, tmp_path / "keel.db.outage")
    executor.execute_order(BTC, BUY, AMOUNT)
    wanted = levels(executor)
    with locked(database_path) as lock:
        after_the_answer(lock)
        executor.protect(BTC, wanted)
        executor.synchronize(BTC)
        executor.protect(BTC, wanted)
        assert rests(venue) == 2
        executor.execute_order(BTC, SELL, held(executor))
        assert executor.get_position(BTC)["is_flat"]
    assert_all_is_booked(venue, session, executor)


def test_on_a_full_disk_the_stop_stays_and_an_exit_takes_it_away(
    venue, impatient, migrated_database, small_disk, after_the_answer
):
    path = small_disk / "keel.db"
    path.write_bytes(migrated_database.read_bytes())
    with opened(path) as session:
        executor = start(venue, session, small_disk / "keel.db.outage")
        executor.execute_order(BTC, BUY, AMOUNT)
        executor.protect(BTC, levels(executor))
        fill_up(small_disk)
        for number in range(500):  # until the pages that the database had in store are used up
            executor.protect(BTC, levels(executor, stop=f"0.{9000 + number}"))
            if executor._outage is not None:
                break
        executor.synchronize(BTC)
        assert rests(venue) in (0, 2)  # the disk was full before or after the cancel, never between the two of a list
        executor.execute_order(BTC, SELL, held(executor))
        assert (rests(venue), executor.get_position(BTC)["is_flat"]) == (0, True)
        (small_disk / "ballast").unlink()
        assert_all_is_booked(venue, session, executor)
