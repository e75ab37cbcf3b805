"""`keel reconcile` and `keel doctor` against a real exchange over HTTP and a real ledger."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.config.models import ExchangeConfig
from app.core.database import Database
from app.core.enums import OrderSide
from app.core.sqlite import sqlite_module
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.repositories import OrderRepository, TradeRepository
from exchange_simulator.server.running import Address, exchange_process

BTC = "BTC/USDT"
KEYS = 20


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    keys = [part for number in range(KEYS) for part in ("--key", f"key-number-{number}:secret-number-{number}")]
    with exchange_process("--speed", "0", "--symbols", BTC, "--balance", "USDT=1000", *keys) as address:
        yield address


@pytest.fixture(scope="module")
def customers() -> Iterator[int]:
    return iter(range(KEYS))


@pytest.fixture
def folder(tmp_path, monkeypatch, address, customers, migrated_database) -> Path:
    """A folder with settings and a ledger that holds one purchase; the working folder."""
    number = next(customers)
    keys = {"api_key": f"key-number-{number}", "api_secret": f"secret-number-{number}"}
    document = {
        "exchange": {"name": "binance", "rest_url": address.rest_url, **keys},
        "risk": {"max_position_size_usd": 100},
        "strategy": {"name": "sma_cross", "symbol": BTC, "params": {"fast_window": 2, "slow_window": 4}},
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    shutil.copy(migrated_database, tmp_path / "keel.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KEEL_API_KEY", raising=False)
    database = Database()
    database.open("keel.db")
    with database.session_scope() as session:
        prefix = OrderRepository(session).client_prefix("keel-test")
        exchange = CcxtExchange(ExchangeConfig.model_validate(document["exchange"]))
        LiveExecutor(TradeRepository(session), exchange, prefix=prefix).execute_order(BTC, OrderSide.BUY, 0.001)
    database.close()
    return tmp_path


@pytest.fixture
def keel(folder, capsys) -> Callable[..., tuple[int, Any]]:
    """Run a command with --json in this folder: its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--config", "config.json", "--json"])
        return code, json.loads(capsys.readouterr().out or "null")

    return run


def forget_in_the_ledger(path: Path, *statements: str) -> None:
    with closing(sqlite_module().connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_ledger_and_exchange_that_agree_are_shown_side_by_side(keel, folder):
    before = (folder / "keel.db").read_bytes()
    code, shown = keel("reconcile")
    assert (code, shown["agrees"], shown["differences"]) == (0, True, [])
    assert [(row["ledger"], row["exchange"]) for row in shown["orders"]] == [("filled 0.001", "filled 0.001")]
    assert shown["fills"][0]["ledger"] == shown["fills"][0]["exchange"]
    assert shown["balances"]["BTC"]["free"].startswith("0.00099")
    assert (folder / "keel.db").read_bytes() == before
    assert main(["reconcile", "--config", "config.json"]) == 0


def test_what_the_ledger_lost_is_a_difference_and_fix_brings_it_back(keel, folder):
    forget_in_the_ledger(folder / "keel.db", "DELETE FROM trades", "DELETE FROM holdings", "DELETE FROM orders")
    code, shown = keel("reconcile")
    assert code == 3
    assert {row["ledger"] for row in shown["orders"]} == {None}
    code, shown = keel("reconcile", "--fix")
    assert (code, shown["differences"]) == (0, [])


def test_an_order_that_the_exchange_does_not_know_is_a_difference(keel, folder):
    forget_in_the_ledger(folder / "keel.db", "UPDATE orders SET id = id || '9', first_id = id, exchange_id = '999999'")
    code, shown = keel("reconcile")
    assert code == 3
    assert sorted((row["ledger"] is None, row["exchange"] is None) for row in shown["orders"]) == [
        (False, True),
        (True, False),
    ]


def test_nothing_is_created_for_looking(keel, folder, capsys):
    (folder / "keel.db").unlink()
    assert main(["reconcile", "--config", "config.json"]) == 2
    assert "start the bot once" in capsys.readouterr().err
    assert not (folder / "keel.db").exists()


def status_of(findings: list[dict[str, str]]) -> dict[str, str]:
    return {finding["check"]: finding["status"] for finding in findings}


def test_a_healthy_bot_has_one_line_per_check_and_nothing_to_do(keel, folder):
    code, findings = keel("doctor")
    assert code == 0, findings
    assert set(status_of(findings)) >= {
        "software", "settings", "strategy", "folder", "disk", "database", "exchange", "clock", "market", "key", "account"
    }  # fmt: skip
    assert all(finding["remedy"] for finding in findings if finding["status"] != "ok")
    assert status_of(findings)["database"] == status_of(findings)["key"] == status_of(findings)["market"] == "ok"


def change(folder: Path, part: str, **values: object) -> None:
    document = json.loads((folder / "config.json").read_text())
    document[part] |= values
    (folder / "config.json").write_text(json.dumps(document))


ILLS = [
    pytest.param(lambda folder: change(folder, "strategy", name="magic"), "strategy", id="unknown strategy"),
    pytest.param(lambda folder: change(folder, "strategy", timeframe="7m"), "settings", id="unknown timeframe"),
    pytest.param(lambda folder: change(folder, "risk", max_position_size_usd=1), "market", id="below the minimum"),
    pytest.param(lambda folder: change(folder, "exchange", api_key="not-a-key-here"), "exchange", id="unknown key"),
    pytest.param(
        lambda folder: change(folder, "exchange", rest_url="http://127.0.0.1:9"), "exchange", id="out of reach"
    ),
    pytest.param(lambda folder: (folder / "keel.db").write_bytes(b"x" * 9_000), "database", id="broken database"),
    pytest.param(
        lambda folder: forget_in_the_ledger(folder / "keel.db", "UPDATE alembic_version SET version_num = '9999'"),
        "database",
        id="database of the future",
    ),
]


@pytest.mark.parametrize(("make_ill", "check"), ILLS)
def test_what_is_wrong_fails_with_a_remedy(keel, folder, make_ill, check):
    make_ill(folder)
    code, findings = keel("doctor")
    assert code == 3
    assert [finding["check"] for finding in findings if finding["status"] == "fail"] == [check]
    assert all(finding["remedy"] for finding in findings if finding["status"] == "fail")


def test_no_secret_is_printed(folder, capsys):
    change(folder, "exchange", api_key="key-nobody-may-see")
    main(["doctor", "--config", "config.json"])
    printed = capsys.readouterr()
    assert "nobody-may-see" not in printed.out + printed.err
