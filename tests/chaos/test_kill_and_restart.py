"""Killed at any moment and started again, the bot ends with exactly the trades of an undisturbed run."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import event

from app.cli.compose import running_bot
from app.config.models import BotConfig
from app.core.database import db
from app.core.sqlite import sqlite_module

WINDOW = 40  # candles that a cycle looks at: the slow window of 20 and the margin
REPOSITORY = Path(__file__).parent.parent.parent
TABLES = {
    "trades": "SELECT symbol, side, price, quantity, fee, pnl, order_id, timestamp FROM trades ORDER BY id",
    "orders": "SELECT id, side, quantity, filled, average, fee, status, timestamp FROM orders ORDER BY id",
    "holdings": "SELECT symbol, total_buys, total_sells, cost, realized FROM holdings",
    "paper_accounts": "SELECT asset, starting_cash, cash FROM paper_accounts",
    "sequences": "SELECT name, last FROM sequences",
    "levels": "SELECT * FROM risk_positions",
    "accounts": "SELECT * FROM risk_accounts",
    "equity": "SELECT symbol, close_ms, close, held, equity, realized, unrealized FROM equity ORDER BY id",
    "days": "SELECT * FROM days ORDER BY day, asset",
}
ALL_EXITS = {
    "stop_loss_pct": 0.02,
    "take_profit_pct": 0.3,
    "exits": {
        "trailing_stop_pct": 0.04,
        "trailing_from_pct": 0.01,
        "max_hold_candles": 9,
        "take_profit_stages": [{"profit_pct": 0.01, "close_share": 0.5}, {"profit_pct": 0.02, "close_share": 0.2}],
    },
    "limits": {"max_daily_loss_pct": 0.2, "cooldown_candles": 1, "max_orders_per_minute": 9},
}


def ledger(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is about money."""
    with closing(sqlite_module().connect(path)) as connection:
        return {table: connection.execute(query).fetchall() for table, query in TABLES.items()}


def steps_per_order(path: Path) -> dict[str, int]:
    """How many recorded steps name each order."""
    query = (
        "SELECT orders.id, count(steps.id) FROM orders LEFT JOIN steps ON steps.order_id = orders.id GROUP BY orders.id"
    )
    with closing(sqlite_module().connect(path)) as connection:
        return dict(connection.execute(query).fetchall())


def settings_of(data: Path, database: Path, *, fast: int = 2, slow: int = 4, end: str | None = None) -> dict[str, Any]:
    return {
        "exchange": {"name": "replay", "replay": {"file": str(data), "speed": 0, "end": end}},
        "risk": {"max_position_size_usd": 1000},
        "strategy": {"name": "sma_cross", "symbol": "BTC/USDT", "params": {"fast_window": fast, "slow_window": slow}},
        "db_path": str(database),
    }


@pytest.fixture
def zigzag(tmp_path, candles) -> Path:
    """Candles that cross their averages every few minutes."""
    closes = [100.0 + 10 * ((i // 4) % 2) + (i * 7 % 5) / 10 for i in range(60)]
    path = tmp_path / "zigzag.parquet"
    candles(closes).reset_index(names="open_time").to_parquet(path)
    return path


def run_to_the_end(settings: dict[str, Any]) -> None:
    with running_bot(BotConfig.model_validate(settings)) as (bot, _):
        bot.start(sleep_seconds=60)


def killed_child(settings: dict[str, Any], arm: Callable[[Callable[[], None]], None]) -> bool:
    """Run the bot in a forked process that kills itself as `arm` says; whether it was killed before the end."""
    pid = os.fork()
    if pid == 0:
        arm(lambda: os.kill(os.getpid(), signal.SIGKILL))
        try:
            run_to_the_end(settings)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def at_commit(number: int, *, before: bool) -> Callable[[Callable[[], None]], None]:
    """Kill right before the n-th commit that changes the database, or right before the one after it."""

    def arm(kill: Callable[[], None]) -> None:
        opened, done, has_written = db.open, 0, False

        def open_and_listen(path: str) -> None:
            opened(path)

            def executing(_connection, _cursor, statement: str, *_rest: object) -> None:
                nonlocal has_written
                has_written = has_written or statement.startswith(("INSERT", "UPDATE", "DELETE"))

            def committing(_: object) -> None:
                nonlocal done, has_written
                done, has_written = done + has_written, False
                if done == number and before:
                    kill()
                if done == number + 1 and not before:
                    kill()

            event.listen(db.engine, "before_cursor_execute", executing)
            event.listen(db.engine, "commit", committing)

        db.open = open_and_listen

    return arm


@pytest.mark.parametrize("risk", [{}, ALL_EXITS], ids=["by signals", "by all exits"])
@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "before the next commit"])
def test_a_kill_at_every_commit_changes_no_trade(tmp_path, zigzag, before, risk):
    undisturbed = tmp_path / "undisturbed.db"
    settings = settings_of(zigzag, undisturbed)
    settings["risk"] |= risk
    run_to_the_end(settings)
    expected = ledger(undisturbed)
    assert len(expected["trades"]) >= 6
    disturbed = tmp_path / "disturbed.db"
    number, kills = 1, 0
    while killed_child(settings | {"db_path": str(disturbed)}, at_commit(number, before=before)):
        kills += 1
        number = number % 13 + 1
        assert kills < 500
    assert kills > 10
    assert ledger(disturbed) == expected
    assert steps_per_order(disturbed) == {order[0]: 1 for order in expected["orders"]}


def kill_at_random_moments(settings: dict[str, Any], folder: Path, kills: int, seed: int, lines: int) -> dict[str, Any]:
    """Run the real command, kill it at `kills` random log lines, let it finish; its summary."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config), "--until-end", "--json"]
    chance = random.Random(seed)
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for _ in range(chance.randrange(1, lines)):
                if not process.stderr.readline():
                    break
            process.kill()
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout)


def undisturbed_ledger(settings: dict[str, Any]) -> dict[str, Any]:
    run_to_the_end(settings)
    return ledger(Path(settings["db_path"]))


def test_the_command_killed_at_random_moments_ends_with_the_same_ledger(tmp_path, zigzag):
    expected = undisturbed_ledger(settings_of(zigzag, tmp_path / "undisturbed.db"))
    disturbed = settings_of(zigzag, tmp_path / "disturbed.db")
    summary = kill_at_random_moments(disturbed, tmp_path, kills=4, seed=1, lines=60)
    assert ledger(tmp_path / "disturbed.db") == expected
    assert summary["trades"] == len(expected["trades"])


@pytest.mark.soak
def test_the_crash_of_may_2021_killed_fifty_times_ends_with_the_same_ledger(tmp_path, market_data):
    crash = market_data / "crash-2021-05" / "binance-BTCUSDT-1m-2021_05.parquet"
    expected = undisturbed_ledger(settings_of(crash, tmp_path / "undisturbed.db", fast=5, slow=20))
    disturbed = settings_of(crash, tmp_path / "disturbed.db", fast=5, slow=20)
    summary = kill_at_random_moments(disturbed, tmp_path, kills=50, seed=2021, lines=8_000)
    assert ledger(tmp_path / "disturbed.db") == expected
    assert summary["trades"] == len(expected["trades"]) > 1_000


@pytest.fixture(
    scope="module",
    params=["around the hole", pytest.param("whole month", marks=[pytest.mark.soak])],
    ids=lambda name: name.replace(" ", "-"),
)
def crash_replay(request, tmp_path_factory, market_data) -> tuple[Path, dict[str, Any], Path]:
    """The crash of May 2021, replayed by the command; the database, the summary and the file."""
    folder = tmp_path_factory.mktemp("crash")
    crash = market_data / "crash-2021-05" / "binance-BTCUSDT-1m-2021_05.parquet"
    settings = settings_of(crash, folder / "keel.db", fast=5, slow=20)
    if request.param == "around the hole":
        settings["exchange"]["replay"] |= hole_neighbourhood(crash)
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config), "--until-end", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return folder / "keel.db", json.loads(finished.stdout), crash


def hole_neighbourhood(file: Path) -> dict[str, str]:
    """Twelve hours before the file's largest hole until twelve hours after it."""
    times = pd.read_parquet(file).iloc[:, 0]
    stamps = pd.to_datetime(times, unit="ms", utc=True) if times.dtype.kind in "iu" else pd.to_datetime(times, utc=True)
    largest = stamps.diff().idxmax()
    half_a_day = pd.Timedelta("12h")
    return {
        "start": (stamps[largest - 1] - half_a_day).isoformat(),
        "end": (stamps[largest] + half_a_day).isoformat(),
    }


def test_no_decision_is_made_on_a_window_with_a_hole(crash_replay):
    database, _, crash = crash_replay
    opens = pd.DatetimeIndex(pd.to_datetime(pd.read_parquet(crash)["open_time"], unit="ms", utc=True)).sort_values()
    with closing(sqlite_module().connect(database)) as connection:
        judged = connection.execute("SELECT candle_time FROM steps WHERE signal_value IS NOT NULL").fetchall()
        undecided = connection.execute(
            "SELECT count(*), count(order_id) FROM steps WHERE signal_value IS NULL"
        ).fetchone()
    last = opens.get_indexer(pd.to_datetime([row[0] for row in judged], utc=True))
    assert (last >= WINDOW - 1).all()
    spans = opens[last] - opens[last - WINDOW + 1]
    assert len(judged) > 500
    assert (spans == pd.Timedelta(minutes=WINDOW - 1)).all()
    assert undecided[0] > 20
    assert undecided[1] == 0


def test_cash_and_position_equal_the_reported_equity_to_the_last_digit(crash_replay):
    database, summary, _ = crash_replay
    with closing(sqlite_module().connect(database)) as connection:
        trades = connection.execute("SELECT side, price, quantity, fee FROM trades").fetchall()
    cash, held = Decimal(10_000), Decimal(0)
    for side, *numbers in trades:
        price, quantity, fee = map(Decimal, numbers)
        sign = 1 if side == "buy" else -1
        cash -= sign * price * quantity + fee
        held += sign * quantity
    assert summary["trades"] == len(trades) > 20
    assert (Decimal(summary["cash"]), Decimal(summary["position"])) == (cash, held)
    assert Decimal(summary["equity"]) == cash + held * Decimal(summary["last_price"])
