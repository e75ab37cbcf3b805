"""How the most-used bot fails when the network does (freqtrade 2026.9, live): each of its failures, met by this bot.

The bot is the real process, the exchange a real one over HTTP. The script buys at minutes 0, 4, 8 and sells at minutes
2, 6, 10; the exchange's first instant is 10:00:20.
"""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from decimal import Decimal

import pytest

from app.chaos.case import Kill
from app.chaos.faults import CANDLES, PLACE, READ, SYMBOL, rule
from app.chaos.invariants import violations

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure
MINUTE = 60_000
ANSWER_TO_ORDER = Kill(1, since="POST /api/v3/order: unread")

LOCKER = """
import pathlib, sqlite3, sys, time
database, trace = sys.argv[1], pathlib.Path(sys.argv[2])
while not trace.exists() or "POST /api/v3/order: unsent" not in trace.read_text():
    time.sleep(0.01)
connection = sqlite3.connect(database, isolation_level=None, timeout=60)
connection.execute("BEGIN IMMEDIATE")
time.sleep(7)
connection.execute("COMMIT")
"""  # locks the database while the answer to an order is under way, longer than the bot waits for it


def sides(run) -> list[str]:
    """Of the orders that were executed, one after the other."""
    first = {execution.client_id: execution.side for execution in reversed(run.look().ours())}
    return [first[client_id] for client_id in dict.fromkeys(e.client_id for e in run.look().ours())]


def sent(run) -> Counter:
    return run.look().sent


def errors(run) -> str:
    return (run.folder / "log").read_text()


def test_an_entry_that_was_accepted_while_its_answer_was_lost_is_bought_once(stage):
    run = stage()
    run.venue.put_up(rule("reset", PLACE, 1, count=1, phase="after"))
    run.live(5 * MINUTE)
    assert sides(run)[:2] == ["buy", "sell"]
    assert violations(run.look()) == []


def test_a_kill_after_the_exchange_accepted_is_no_second_purchase(stage):
    run = stage()
    status, trace = run.live(5 * MINUTE, ANSWER_TO_ORDER)
    assert (status, trace.end) == (-9, "POST /api/v3/order: unread")
    run.live(90_000)
    assert sides(run)[0] == "buy"
    assert sides(run).count("buy") == 1
    assert violations(run.look()) == []


def test_an_order_filled_while_down_that_the_exchange_does_not_know_for_35_seconds_is_kept(stage):
    run = stage()
    run.live(5 * MINUTE, ANSWER_TO_ORDER)
    lost = (
        rule("not_found_window", READ, 1, count=1, age=35, seconds=35),
        rule("read_lag", READ, 1, count=1, lag=35, seconds=35),
    )
    for late in lost:
        run.venue.put_up(late)
    run.live(100_000)
    assert sides(run) == ["buy"]
    assert violations(run.look()) == []
    run.live(3 * MINUTE)
    assert sides(run)[:2] == ["buy", "sell"]
    assert violations(run.look()) == []


def test_a_kill_after_an_exit_was_accepted_and_before_it_was_recorded_leaves_no_ghost(stage):
    run = stage()
    run.live(4 * MINUTE, Kill(2, since="insert trades"))
    run.live(4 * MINUTE, ANSWER_TO_ORDER)
    assert sides(run) == ["buy", "sell"]
    run.live(4 * MINUTE)
    assert "insufficient" not in errors(run).lower()
    assert sides(run)[:3] == ["buy", "sell", "buy"]
    assert violations(run.look()) == []


def test_an_exit_whose_answer_is_lost_sells_once_and_never_the_owners_coins(stage):
    run = stage(foreign=True)
    run.venue.put_up(rule("reset", PLACE, 1, count=5, nth=2, phase="after"))
    run.live(4 * MINUTE)
    assert sides(run) == ["buy", "sell"]
    assert run.look().foreign() == Decimal("0.5")
    assert run.look().balance() >= Decimal("0.5")
    assert violations(run.look()) == []


@pytest.mark.parametrize("garbage", ["empty_object", "empty_list", "null_fields"])
def test_a_market_without_book_or_ticker_does_not_end_the_bot(stage, garbage):
    run = stage()
    for path in ("/api/v3/depth", "/api/v3/ticker/*"):
        run.venue.put_up(rule(garbage, {"method": "GET", "path": path}, 1))
    status, _ = run.live(5 * MINUTE)
    assert status == 0
    assert sides(run)[:2] == ["buy", "sell"]
    assert violations(run.look()) == []


def test_a_database_locked_at_commit_costs_neither_the_process_nor_the_order(stage):
    run = stage()
    run.venue.put_up(rule("delay", PLACE, 1, count=1, phase="after", seconds=1))
    command = [sys.executable, "-c", LOCKER, str(run.folder / "keel.db"), str(run.folder / "trace-1")]
    with subprocess.Popen(command) as other:
        status, _ = run.live(5 * MINUTE)
        assert other.wait() == 0
    assert status == 0
    assert "is locked by another process" in errors(run)
    assert sides(run)[:2] == ["buy", "sell"]
    assert violations(run.look()) == []


def test_a_banned_bot_asks_nothing_until_the_ban_is_over(stage):
    run = stage()
    run.venue.put_up(rule("ban", CANDLES, 1, count=1, nth=2, seconds=60))
    run.live(9 * MINUTE)
    refused = [
        line for line in run.venue.journal() if line["kind"] == "request" and line["data"]["status"] in {418, 429}
    ]
    assert len(refused) == 1  # the one with which the ban began
    assert "sell" in sides(run)
    assert violations(run.look()) == []


def test_while_candles_are_unavailable_nothing_is_bought_on_an_old_one(stage):
    run = stage()
    run.venue.put_up(rule("error", CANDLES, 1, count=None, status=503, code=-1000))
    run.venue.put_up({"kind": "trading", "symbol": SYMBOL})
    run.live(4 * MINUTE)
    assert sides(run) == []
    run.venue.clear()
    run.live(8 * MINUTE)
    with closing(sqlite3.connect(run.folder / "keel.db")) as connection:
        late = connection.execute(
            "SELECT (julianday(orders.timestamp) - julianday(steps.candle_time)) * 86400 FROM orders JOIN steps"
            " ON steps.order_id = orders.id"
        ).fetchall()
    assert late
    assert max(seconds for (seconds,) in late) < 121
    assert violations(run.look()) == []
