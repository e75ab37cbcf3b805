"""A live bot trades only after ledger and exchange were compared: what happens when that cannot be done at the start."""

import json
import logging
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.cli.compose import running_bot
from app.config.models import BotConfig
from app.core.database import Database
from app.domain.errors import DataError, KeyRevoked
from app.domain.order import OrderStatus
from app.models.sql import Order
from app.repositories import OrderRepository
from exchange_simulator.server.running import Address, exchange_process

BTC = "BTC/USDT"
KEYS = {"api_key": "key-of-the-test", "api_secret": "secret-of-the-test"}


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with exchange_process("--symbols", BTC, "--key", ":".join(KEYS.values())) as address:
        yield address


@pytest.fixture
def config(address, tmp_path, monkeypatch) -> Iterator[BotConfig]:
    monkeypatch.chdir(tmp_path)
    exchange = {"name": "binance", "rest_url": address.rest_url, **KEYS}
    yield BotConfig.model_validate({"exchange": exchange, "strategy": {"name": "sma_cross", "symbol": BTC}})
    admin(address, "DELETE", "faults")


def admin(address: Address, method: str, path: str, body: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address.admin_url}/admin/{path}", method=method, data=data)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return [json.loads(line) for line in answer.read().decode().splitlines()] if "journal" in path else []


def orders_sent(address: Address) -> int:
    journal = admin(address, "GET", "journal?since=0")
    return sum(line["kind"] == "request" and line["data"]["method"] == "POST" for line in journal)


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        pytest.param("reset", "/api/v3/time", DataError, id="no time"),
        pytest.param("html", "/api/v3/openOrders", DataError, id="a page instead of open orders"),
        pytest.param("empty_object", "/api/v3/allOrders", DataError, id="an object instead of orders"),
        pytest.param("half_json", "/api/v3/myTrades", DataError, id="half of the trades"),
        pytest.param("maintenance", "/api/v3/openOrders", DataError, id="maintenance"),
        pytest.param("key_revoked", "/api/v3/openOrders", KeyRevoked, id="the key is refused"),
    ],
)
def test_a_bot_whose_ledger_cannot_be_compared_at_the_start_does_not_start(address, config, kind, path, error):
    before = orders_sent(address)
    admin(address, "POST", "faults", {"kind": kind, "method": "GET", "path": path, "count": 100})
    with pytest.raises(error), running_bot(config, live=True):
        raise AssertionError("it started")
    assert orders_sent(address) == before
    admin(address, "DELETE", "faults")
    with running_bot(config, live=True) as (bot, _):
        assert bot.executor.why_not_now(BTC) is None


def test_a_bot_that_begins_frozen_says_so_in_one_sentence(address, config, caplog):
    database = Database()
    database.open(config.db_path)
    with database.session_scope() as session:
        now = datetime.fromtimestamp(admin_time(address), UTC)
        OrderRepository(session).add(
            Order(
                id="keel-0-00000001",
                symbol=BTC,
                side="buy",
                order_type="market",
                quantity=Decimal(1),
                filled=Decimal(0),
                fee=Decimal(0),
                status=OrderStatus.UNKNOWN.value,
                timestamp=now,
                purpose="entry",
            )
        )
    database.close()
    with caplog.at_level(logging.WARNING), running_bot(config, live=True) as (bot, _):
        assert "keel-0-00000001" in str(bot.executor.why_not_now(BTC))
    told = [record.getMessage() for record in caplog.records if "No order is sent yet" in record.getMessage()]
    assert len(told) == 1
    assert "BTC/USDT is frozen: order keel-0-00000001 is unknown" in told[0]


def admin_time(address: Address) -> float:
    with urllib.request.urlopen(f"{address.rest_url}/api/v3/time", timeout=20) as answer:
        return json.load(answer)["serverTime"] / 1_000
