"""The exchange under the suite's control: a simulator in a process of its own, steered by its admin port."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

ACCOUNT: Final = "account-1"
KEY: Final = "chaos-key"
SECRET: Final = "chaos-secret"  # noqa: S105  # of a simulated account
GOODBYE_S: Final = 10.0


@dataclass(slots=True)
class Venue:
    """A running exchange.

    Attributes:
        rest_url: For the bot.
        admin_url: For the suite.
        pid: Its process.
    """

    rest_url: str
    admin_url: str
    pid: int

    def advance(self, seconds: float) -> int:
        """Let time pass; the exchange's time then, ms UTC."""
        return int(self._ask("POST", "/admin/clock/advance", {"seconds": seconds})["serverTime"])

    def put_up(self, rule: Mapping[str, Any]) -> bool:
        """Put up a fault; False when it cannot be carried out now, such as filling an order that is not there."""
        try:
            self._ask("POST", "/admin/faults", rule)
        except urllib.error.HTTPError:
            return False
        return True

    def clear(self) -> None:
        """Take down all faults."""
        self._ask("DELETE", "/admin/faults", None)

    def oracle(self) -> dict[str, Any]:
        """Whether the exchange's own double-entry ledger agrees with its balances."""
        told: dict[str, Any] = self._ask("GET", "/admin/oracle", None)
        return told

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """What happened after line `since`."""
        lines = self._call("GET", f"/admin/journal?since={since}", None).splitlines()
        return [json.loads(line) for line in lines]

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:  # noqa: ANN401  # JSON
        return json.loads(self._call(method, path, body) or b"{}")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.admin_url + path, method=method, data=data)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            text: bytes = answer.read()
        return text


@contextmanager
def open_venue(seed: int, balance: str, *options: str) -> Iterator[Venue]:
    """Start an exchange whose time stands still unless it is moved.

    Args:
        seed: Of its prices and of its faults.
        balance: What the account begins with, `USDT=10000,BTC=0.5`.
        options: More options of `keel exchange`.

    Raises:
        RuntimeError: it did not start.
    """
    command = [
        sys.executable, "-m", "exchange_simulator", "--port", "0", "--admin-port", "0", "--json-ready",
        "--parent-pid", str(os.getpid()), "--speed", "0", "--timing-checks", "on",
        "--seed", str(seed), "--symbols", "BTC/USDT",
        "--start", "2026-01-05T10:00:20Z", "--key", f"{KEY}:{SECRET}", "--balance", balance, *options,
    ]  # fmt: skip
    with tempfile.TemporaryFile(mode="w+") as complaints:  # a file: nobody would empty a pipe
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True)  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                complaints.seek(0)
                raise RuntimeError(f"the exchange did not start: {complaints.read().strip()}")
            ready = json.loads(line)
            yield Venue(ready["rest_url"], ready["admin_url"], ready["pid"])
        finally:
            process.kill()
            process.communicate(timeout=GOODBYE_S)
