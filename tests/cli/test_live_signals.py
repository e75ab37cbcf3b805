"""SIGTERM and Ctrl+C while an order is on its way: the real command, and an exchange that does not answer yet."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config.models import ExchangeConfig
from app.core.sqlite import sqlite_module
from app.execution.ccxt_exchange import CcxtExchange
from exchange_simulator.server.running import exchange_process

REPOSITORY = Path(__file__).parent.parent.parent
BTC = "BTC/USDT"
KEYS = {"api_key": "key-of-the-test", "api_secret": "secret-of-the-test"}
ALWAYS_BUY = """
from app.core.interfaces import BaseStrategy

class AlwaysBuy(BaseStrategy):
    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=1)
"""


@dataclass
class Stage:
    """A folder with settings, and an exchange at real time."""

    folder: Path
    admin_url: str
    account: CcxtExchange

    def delay_orders(self, **fault: Any) -> None:
        rule = {"method": "POST", "path": "/api/v3/order", "phase": "after", **fault}
        request = urllib.request.Request(
            f"{self.admin_url}/admin/faults", method="POST", data=json.dumps(rule).encode()
        )
        urllib.request.urlopen(request, timeout=20).close()

    def bot(self) -> "subprocess.Popen[str]":
        command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", "config.json", "--mode", "live"]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def executed(self) -> dict[str, Any]:
        since_ms = self.account.now_ms() - 3_600_000
        return {str(one.client_id): one.filled for one in self.account.orders_since(BTC, since_ms) if one.filled}

    def wait_for_the_order(self, bot: "subprocess.Popen[str]") -> None:
        """Until the exchange has executed it and keeps the answer to itself."""
        while not self.struck():
            assert bot.poll() is None

    def struck(self) -> int:
        with urllib.request.urlopen(f"{self.admin_url}/admin/faults", timeout=20) as answer:
            return sum(rule["fired"] for rule in json.load(answer))

    def orders(self) -> list[tuple[str, str]]:
        with closing(sqlite_module().connect(self.folder / "keel.db")) as connection:
            return connection.execute("SELECT id, status FROM orders").fetchall()


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    with exchange_process("--symbols", BTC, "--key", ":".join(KEYS.values())) as address:
        document = {
            "exchange": {"name": "binance", "rest_url": address.rest_url, **KEYS},
            "strategy": {"name": "always_buy.py:AlwaysBuy", "symbol": BTC, "timeframe": "1s"},
        }
        (tmp_path / "config.json").write_text(json.dumps(document))
        (tmp_path / "always_buy.py").write_text(ALWAYS_BUY)
        yield Stage(tmp_path, address.admin_url, CcxtExchange(ExchangeConfig.model_validate(document["exchange"])))


def test_sigterm_waits_for_the_answer_that_is_under_way_books_it_and_ends_with_zero(stage):
    stage.delay_orders(kind="delay", seconds=2)
    with stage.bot() as bot:
        stage.wait_for_the_order(bot)
        bot.send_signal(signal.SIGTERM)
        printed, log = bot.communicate(timeout=60)
    assert bot.returncode == 0, log
    assert "Traceback" not in log
    assert "1 trades" in printed
    assert stage.orders() == [(next(iter(stage.executed())), "filled")]


def test_a_second_ctrl_c_a_second_later_ends_at_once_and_the_next_start_resolves_what_is_left(stage):
    stage.delay_orders(kind="no_answer", seconds=600)
    with stage.bot() as bot:
        stage.wait_for_the_order(bot)
        while bot.poll() is None:
            bot.send_signal(signal.SIGINT)
            try:
                bot.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
    assert bot.returncode == 0
    assert [status for _, status in stage.orders()] == ["unknown"]
    with stage.bot() as bot:
        assert any("Latest signal" in line for line in bot.stderr)
        bot.send_signal(signal.SIGTERM)
        bot.communicate(timeout=60)
    assert bot.returncode == 0
    assert [order for order, _ in stage.orders()][:1] == list(stage.executed())[:1]
    assert stage.orders()[0][1] == "filled"
