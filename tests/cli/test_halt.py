"""`keel halt`, `keel status`, `keel resume`: with a running bot, and without one."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.sqlite import sqlite_module

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def config(tmp_path, candles, monkeypatch):
    """A replay that buys soon, keeps what it has, and lasts."""
    closes = [100.0] * 25 + [100.0 + i / 100 for i in range(3_000)]
    candles(closes).reset_index(names="open_time").to_parquet(tmp_path / "candles.parquet")
    document = {
        "exchange": {"name": "replay", "replay": {"file": "candles.parquet", "speed": 600}},
        "risk": {"max_position_size_usd": 1000, "stop_loss_pct": 0.02},
        "strategy": {"name": "sma_cross", "symbol": "BTC/USDT", "params": {"fast_window": 2, "slow_window": 4}},
        "db_path": "keel.db",
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.json"


def keel(capsys, *arguments: str) -> str:
    assert main([*arguments, "--config", "config.json"]) == 0
    return capsys.readouterr().out


def sides(folder: Path) -> list[str]:
    with closing(sqlite_module().connect(folder / "keel.db")) as connection:
        return [side for (side,) in connection.execute("SELECT side FROM trades ORDER BY id")]


def test_a_running_bot_halts_and_closes_within_its_cycle_and_stays_halted(config, capsys):
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config)]
    with subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as bot:
        try:
            log = []
            for line in bot.stderr:
                log.append(line)
                if "Order executed: buy" in line:
                    break
            assert "Order executed: buy" in log[-1], log[-5:]
            assert "state: trading" in keel(capsys, "status")
            report = keel(capsys, "halt", "--close")
            assert "state: halted: everything is halted by hand" in report
            assert "position: none" in report
        finally:
            bot.send_signal(signal.SIGTERM)
            bot.communicate(timeout=30)
    assert sides(config.parent) == ["buy", "sell"]
    assert "kill switch: halt close" in keel(capsys, "status")
    assert "state: trading" in keel(capsys, "resume")
    assert not (config.parent / "keel.db.halt").exists()


def test_a_bot_can_be_halted_before_its_first_start(config, capsys):
    assert "no candle was looked at yet" in keel(capsys, "status")
    assert "state: halted" in keel(capsys, "halt")
