"""The first run: the built-in exchange in a process of its own, reached over loopback."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.config.models import BotConfig
from app.core.sqlite import sqlite_module
from app.data.handler import CryptoDataHandler

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def config_file(tmp_path) -> Path:
    """The shipped settings, ten times as fast."""
    document = json.loads((REPOSITORY / "settings" / "config.json").read_text())
    document["exchange"]["simulated"]["speed"] = 600
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document))
    return path


def bot(config: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config)]
    return subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(process: "subprocess.Popen[str]", word: str) -> list[str]:
    lines = []
    for line in process.stderr:
        lines.append(line)
        if word in line:
            return lines
    raise AssertionError(f"{word!r} did not come: {''.join(lines)[-2_000:]}")


def trades(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite_module().connect(folder / "keel.db")) as connection:
        return connection.execute("SELECT side, price FROM trades ORDER BY id").fetchall()


def exchange_pid_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(child) for child in children if "exchange_simulator" in Path(f"/proc/{child}/cmdline").read_text())


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", maxsplit=1)[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> None:
    subprocess.run(["timeout", "30", "tail", f"--pid={pid}", "-f", "/dev/null"], check=True)


def test_the_shipped_settings_trade_within_their_first_minute(config_file):
    with bot(config_file) as process:
        lines = read_until(process, "Paper order filled")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert len([line for line in lines if "Iteration" in line]) <= 60
    assert "trades" in out
    assert trades(config_file.parent)[0][0] == "buy"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
def test_the_exchange_ends_with_a_killed_bot_and_goes_on_with_the_next_one(config_file):
    with bot(config_file) as process:
        read_until(process, "Paper order filled: buy")
        exchange = exchange_pid_of(process.pid)
        process.kill()
    wait_until_gone(exchange)
    assert not is_running(exchange)
    assert (config_file.parent / "keel-exchange.state").exists()
    before = trades(config_file.parent)
    with bot(config_file) as process:
        read_until(process, "Paper order filled: sell")
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
    after = trades(config_file.parent)
    assert after[: len(before)] == before
    assert [side for side, _ in after][: len(before) + 1] == ["buy", "sell", "buy", "sell"][: len(before) + 1]


def test_the_handler_gives_closed_candles_of_the_exchange_and_its_market(tmp_path):
    state = str(tmp_path / "exchange.state")
    exchange = {
        "name": "simulated",
        "simulated": {"symbols": ["ETH/USDT"], "state_file": state, "start": "2025-03-01T00:00"},
    }
    config = BotConfig.model_validate({"exchange": exchange, "strategy": {"name": "sma_cross", "symbol": "ETH/USDT"}})
    with closing(CryptoDataHandler(config.exchange)) as handler:
        candles = handler.get_historical_data("ETH/USDT", "5m", limit=30)
        assert len(candles) == 30
        assert candles.index[-1].timestamp() * 1000 + 300_000 <= handler.clock.now_ms()
        assert handler.instrument("ETH/USDT").quote == "USDT"
        assert handler.get_latest_bar("ETH/USDT", "1h").name.minute == 0
