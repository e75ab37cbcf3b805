import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.clock import ScaledClock, SystemClock
from app.core.lease import exclusive_lease
from app.core.shutdown import stop_on_signals
from app.core.stop import StopFlag
from app.domain.errors import DatabaseError

REPOSITORY = Path(__file__).parent.parent.parent
HOLDER = """
import sys
from app.core.lease import exclusive_lease
with exclusive_lease(sys.argv[1], "BTC/USDT"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_signal_sets_the_flag_and_the_former_handlers_return():
    stop, before = StopFlag(), signal.getsignal(signal.SIGTERM)
    with stop_on_signals(stop.set):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_of_the_main_thread_no_handler_is_touched():
    seen = []

    def look() -> None:
        with stop_on_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("clock", [SystemClock(), ScaledClock(0, 60)], ids=["system", "scaled"])
def test_a_flag_set_by_another_thread_ends_a_wait(clock):
    stop = StopFlag()
    threading.Timer(0.02, stop.set).start()
    begin = clock.now_ms()
    clock.wait_until(begin + 3_600_000, stop)
    assert stop.is_set()
    assert clock.now_ms() < begin + 600_000


@pytest.mark.fault(17)
def test_a_second_bot_on_the_same_database_and_symbol_is_refused_until_the_first_is_gone(tmp_path):
    database = str(tmp_path / "keel.db")
    command = [sys.executable, "-c", HOLDER, database]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(DatabaseError, match=f"process {holder.pid}.*BTC/USDT"),
            exclusive_lease(database, "BTC/USDT"),
        ):
            pass
        with exclusive_lease(database, "ETH/USDT"):
            holder.kill()
    with exclusive_lease(database, "BTC/USDT"):
        pass


def test_a_lock_file_that_cannot_be_written_is_named(tmp_path):
    with (
        pytest.raises(DatabaseError, match="lock file"),
        exclusive_lease(str(tmp_path / "none" / "keel.db"), "BTC/USDT"),
    ):
        pass
