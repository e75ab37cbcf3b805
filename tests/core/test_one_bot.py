"""One bot per account and symbol: on one machine by lock files, across machines by a row in the database."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.clock import ManualClock
from app.core.holder import Holder
from app.core.lease import account_lock
from app.core.stop import StopFlag
from app.domain.errors import DatabaseError, DatabaseGone, OrderError
from app.execution.lease import DatabaseLease
from app.repositories import LeaseRepository

REPOSITORY = Path(__file__).parent.parent.parent
BTC = "BTC/USDT"
MINUTE_MS = 60_000
LOCK_HOLDER = """
import sys
from app.core.lease import account_lock
with account_lock("binance||key", "BTC/USDT", db_path="one.db"):
    print("held", flush=True)
    sys.stdin.read()
"""
LEASE_HOLDER = """
import sys
from app.core.clock import ManualClock
from app.core.database import Database
from app.execution.lease import DatabaseLease
from app.repositories import LeaseRepository
database = Database()
database.open(sys.argv[1])
with database.session_scope() as session:
    DatabaseLease(LeaseRepository(session), "BTC/USDT", ManualClock(1_700_000_000_000), 3_600_000).take()
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(script: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_two_databases_with_one_key_do_not_trade_the_same_symbol_on_one_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with holding(LOCK_HOLDER) as first:
        refused = pytest.raises(OrderError, match=rf"process {first.pid}, database .*one\.db.*key of its own")
        with refused, account_lock("binance||key", BTC, db_path="two.db"):
            pass
        with account_lock("binance||key", "ETH/USDT", db_path="two.db"):
            pass
        with account_lock("binance||another", BTC, db_path="two.db"):
            pass
        first.kill()
    with account_lock("binance||key", BTC, db_path="two.db"):
        pass
    folder = next(tmp_path.glob("keel-*"))
    assert [path.name for path in folder.iterdir()] == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000_000)


@pytest.fixture
def lease(session, clock) -> DatabaseLease:
    return DatabaseLease(LeaseRepository(session), BTC, clock, 10 * MINUTE_MS)


@pytest.fixture
def elsewhere(lease) -> DatabaseLease:
    """A bot on another machine that reaches the same database."""
    return replace(lease, holder=Holder("another-machine", 1, "then"))


def test_a_bot_on_another_machine_is_refused_with_holder_and_remedy_until_the_lease_is_over(lease, elsewhere, clock):
    elsewhere.take()
    with pytest.raises(DatabaseError, match=r"process 1 on another-machine.*another db_path.*2023-11-14 22:23:20 UTC"):
        lease.take()
    clock.wait_until(clock.now_ms() + 10 * MINUTE_MS, StopFlag())
    lease.take()


def test_a_bot_whose_lease_was_taken_while_it_was_away_stops_at_once(lease, elsewhere, clock):
    lease.take()
    clock.wait_until(clock.now_ms() + 11 * MINUTE_MS, StopFlag())
    elsewhere.take()
    with pytest.raises(DatabaseGone, match="another-machine, not by us"):
        lease.renew()


def test_a_renewed_lease_goes_on_and_one_given_back_is_free_at_once(lease, elsewhere, clock):
    lease.take()
    for _ in range(5):
        clock.wait_until(clock.now_ms() + 4 * MINUTE_MS, StopFlag())
        lease.renew()
    with pytest.raises(DatabaseError, match="another bot"):
        elsewhere.take()
    lease.give_back()
    elsewhere.take()


def test_the_lease_of_a_killed_process_of_this_machine_is_taken_over_at_once(database_path, session, lease):
    with holding(LEASE_HOLDER, str(database_path)) as first:
        with pytest.raises(DatabaseError, match=f"process {first.pid} on"):
            lease.take()
        first.send_signal(signal.SIGKILL)
    lease.take()
    assert LeaseRepository(session).of(BTC)[0].pid == os.getpid()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell when a process began")
def test_a_process_number_given_out_anew_does_not_hold_the_lease_of_the_dead(lease, session):
    holder = replace(Holder.of_this_process(), birth="before the restart of the container")
    replace(lease, holder=holder).take()
    lease.take()
    assert LeaseRepository(session).of(BTC)[0] == Holder.of_this_process()
