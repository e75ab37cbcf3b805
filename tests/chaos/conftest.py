"""The simulated exchange for the kill sweeps, in a process of its own that outlives every kill."""

import json
import urllib.request
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from exchange_simulator.server.running import Address, exchange_process

KEYS = 1_500


class Operator:
    """What the exchange's operator can do."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._customers = count()

    def new_customer(self) -> str:
        """The API key of an account that was never used; its secret is `secret-` and the key."""
        return f"k{next(self._customers)}"

    def advance(self, seconds: float) -> None:
        """Let the exchange's time pass."""
        self._call("POST", "/admin/clock/advance", {"seconds": seconds})

    def oracle(self) -> Any:
        """Whether the exchange's own double-entry ledger agrees with its balances."""
        return self._call("GET", "/admin/oracle", None)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address.admin_url + path, method=method, data=data)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="session")
def operator() -> Iterator[Operator]:
    keys = [part for number in range(KEYS) for part in ("--key", f"k{number}:secret-k{number}")]
    with exchange_process(
        "--speed", "0", "--seed", "7", "--symbols", "BTC/USDT", "--balance", "USDT=100000", *keys
    ) as address:
        yield Operator(address)
