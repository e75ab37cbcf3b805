"""A live executor against the simulated exchange, over HTTP, in a process of its own."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy.orm import Session

from app.config.models import ExchangeConfig
from app.domain.errors import KeelError
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.repositories import OrderRepository, TradeRepository
from exchange_simulator.server.running import Address, exchange_process

BTC = "BTC/USDT"
KEYS = 400
PREFIX = "keel-test"


def call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read().decode()
    return [json.loads(line) for line in text.splitlines()] if "journal" in url else json.loads(text or "{}")


@dataclass
class Venue:
    """The exchange as its operator sees it, and one customer's executor."""

    address: Address
    key: str
    account: str
    session: Session
    made: list[LiveExecutor] = field(default_factory=list)

    def executor(self, **options: Any) -> LiveExecutor:
        """A new executor on the same ledger: what a restart leaves."""
        config = ExchangeConfig(
            name="binance", rest_url=self.address.rest_url, api_key=self.key, api_secret=f"secret-{self.key}"
        )
        return LiveExecutor(TradeRepository(self.session), self.exchange(config), prefix=PREFIX, **options)

    def exchange(self, config: ExchangeConfig) -> CcxtExchange:
        return CcxtExchange(config, order_timeout_ms=1_500)

    def journal_end(self) -> int:
        lines = call("GET", f"{self.address.admin_url}/admin/journal?since=0")
        return lines[-1]["seq"]

    def asked(self, since: int) -> list[dict[str, Any]]:
        """The requests after a line of the exchange's journal."""
        lines = call("GET", f"{self.address.admin_url}/admin/journal?since={since}")
        return [line["data"] for line in lines if line["kind"] == "request"]

    def fault(self, kind: str, **rule: Any) -> None:
        call("POST", f"{self.address.admin_url}/admin/faults", {"kind": kind, **rule})

    def clear(self) -> None:
        call("DELETE", f"{self.address.admin_url}/admin/faults")

    def advance(self, seconds: float) -> None:
        call("POST", f"{self.address.admin_url}/admin/clock/advance", {"seconds": seconds})

    def balance(self, asset: str = "BTC") -> Decimal:
        """What the account really has."""
        account = self.executor()._exchange.balances()
        return account[asset].total if asset in account else Decimal(0)

    def executed(self) -> dict[str, Decimal]:
        """What the exchange executed for this account, by client id."""
        exchange = self.executor()._exchange
        return {
            str(report.client_id): report.filled
            for report in exchange.orders_since(BTC, exchange.now_ms() - 80_000_000)
            if report.filled
        }

    def settle(self, executor: LiveExecutor, rounds: int = 8) -> None:
        """Let time pass until nothing is in doubt any more."""
        for _ in range(rounds):
            with suppress(KeelError):
                executor.synchronize(BTC)
                if not OrderRepository(self.session).unresolved(BTC):
                    return
            self.advance(30)

    def held(self) -> Decimal:
        return TradeRepository(self.session).position(BTC).quantity


@pytest.fixture(scope="session")
def still_market(tmp_path_factory) -> Path:
    """Ten days of minutes at nearly one price, with the digits of the real market: what moves it is a test."""
    file = tmp_path_factory.mktemp("still") / "BTCUSDT.csv"
    times = pd.date_range("2026-01-05", periods=10 * 1_440, freq="1min", tz="UTC", name="time")
    prices = {"open": 60_000.01, "high": 60_000.02, "low": 60_000.0, "close": 60_000.01}
    rows = pd.DataFrame({**prices, "volume": 20.00001}, times)
    rows.to_csv(file, date_format="%Y-%m-%dT%H:%M:%SZ")
    return file


@pytest.fixture(scope="session")
def exchange_address(still_market) -> Iterator[Address]:
    options = ("--speed", "0", "--seed", "7", "--symbols", BTC, "--balance", "USDT=100000")
    keys = [part for number in range(KEYS) for part in ("--key", f"k{number}:secret-k{number}")]
    with exchange_process(*options, "--replay", str(still_market), *keys) as address:
        yield address


@pytest.fixture(scope="session")
def customers() -> Iterator[int]:
    return count()


@pytest.fixture
def venue(exchange_address, customers, session) -> Iterator[Venue]:
    number = next(customers)
    venue = Venue(exchange_address, f"k{number}", f"account-{number + 1}", session)
    venue.advance(600)  # the book is full, reads are no longer behind, and the price is back: from the test before
    yield venue
    venue.clear()


@pytest.fixture
def account_at(session) -> Callable[[Address], Venue]:
    """The first account of an exchange of one's own, whose key is k0."""
    return lambda address: Venue(address, "k0", "account-1", session)
