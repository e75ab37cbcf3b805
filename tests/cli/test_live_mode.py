"""`--mode live` on the built-in exchange: real orders over HTTP, killed and started again."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from app.cli.compose import running_bot
from app.cli.real_money import check_account
from app.config.models import BotConfig, ExchangeConfig
from app.core.sqlite import sqlite_module
from app.domain.errors import ConfigError

REPOSITORY = Path(__file__).parent.parent.parent
KEYS = {"api_key": "key-nobody-may-see", "api_secret": "secret-nobody-may-see"}


@pytest.fixture
def config_file(tmp_path) -> Path:
    """The shipped settings, twice as fast."""
    document = json.loads((REPOSITORY / "settings" / "config.json").read_text())
    document["exchange"]["simulated"]["speed"] = 120
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document))
    return path


def run_until(config: Path, word: str, number: signal.Signals) -> None:
    """Start the command, wait for a word in its log, end it with a signal."""
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config), "--mode", "live"]
    with subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as bot:
        log = []
        for line in bot.stderr:
            log.append(line)
            if word in line:
                break
        else:
            raise AssertionError(f"{word!r} did not come: {''.join(log)[-2_000:]}")
        bot.send_signal(number)
        bot.communicate(timeout=30)
        assert bot.returncode in {0, -signal.SIGKILL}


def test_a_live_bot_that_was_killed_goes_on_with_its_position_and_sells_it(config_file):
    run_until(config_file, "Order executed: buy", signal.SIGKILL)
    run_until(config_file, "Order executed: sell", signal.SIGTERM)
    with closing(sqlite_module().connect(config_file.parent / "keel.db")) as connection:
        orders = connection.execute("SELECT side, status, quantity, filled FROM orders ORDER BY id").fetchall()
        held = connection.execute("SELECT total_buys, total_sells FROM holdings").fetchone()
    assert [order[:2] for order in orders] == [("buy", "filled"), ("sell", "filled")]
    assert all(quantity == filled for *_, quantity, filled in orders)
    assert 0 <= Decimal(held[0]) - Decimal(held[1]) < Decimal("0.00001")


def test_a_live_bot_starts_only_after_it_agreed_with_the_exchange(config_file, monkeypatch):
    monkeypatch.chdir(config_file.parent)
    config = BotConfig.load_from_file(config_file)
    with running_bot(config, live=True) as (bot, summarize):
        assert bot.executor.get_position(bot.symbol)["is_flat"]
        assert summarize().cash == Decimal(100_000)
        assert bot.executor._exchange._inner._gate.budget is bot.data_handler.budget  # one for candles and orders
        with pytest.raises(Exception, match="another bot"), running_bot(config, live=True):
            pass


BUILT_IN = pytest.param({"name": "simulated"}, id="built-in")
NO_MONEY = [
    BUILT_IN,
    pytest.param({"name": "binance", "sandbox_mode": True, **KEYS}, id="test network"),
    pytest.param({"name": "binance", "rest_url": "http://127.0.0.1:9080", **KEYS}, id="this machine"),
    pytest.param({"name": "binance", "rest_url": "http://[::1]:9080", **KEYS}, id="this machine, IPv6"),
    pytest.param({"name": "binance", "rest_url": "http://localhost:9080", **KEYS}, id="localhost"),
]
MONEY = [
    pytest.param({"name": "binance", "sandbox_mode": False, **KEYS}, id="the real exchange"),
    pytest.param({"name": "binance", "rest_url": "https://api.binance.com", **KEYS}, id="by its address"),
    pytest.param({"name": "binance", "rest_url": "http://192.168.1.9:9080", **KEYS}, id="elsewhere"),
    pytest.param({"name": "binance", "rest_url": "http://localhost.evil.com", **KEYS}, id="looks local"),
]


@pytest.mark.parametrize("exchange", NO_MONEY)
def test_live_mode_needs_no_word_where_no_money_is_lost(exchange):
    assert check_account(ExchangeConfig.model_validate(exchange)) is False


@pytest.mark.parametrize("exchange", MONEY)
def test_real_money_is_traded_only_by_those_who_say_that_they_understand(exchange):
    with pytest.raises(ConfigError, match=r"--i-understand-real-money.*exchange\.real_money"):
        check_account(ExchangeConfig.model_validate(exchange))
    assert check_account(ExchangeConfig.model_validate(exchange), understood=True)
    assert check_account(ExchangeConfig.model_validate({**exchange, "real_money": True}))


@pytest.mark.parametrize(
    ("exchange", "word"),
    [
        pytest.param({"name": "binance", "sandbox_mode": True}, "KEEL_API_KEY", id="no account"),
        pytest.param({"name": "replay", "replay": {"file": "x.csv"}}, "replay", id="no exchange"),
    ],
)
def test_live_mode_needs_an_account(exchange, word):
    with pytest.raises(ConfigError, match=word):
        check_account(ExchangeConfig.model_validate(exchange), understood=True)


def test_without_the_acknowledgement_the_command_ends_with_one_sentence_before_anything_is_made(config_file):
    document = json.loads(config_file.read_text())
    document["exchange"] = {"name": "binance", "sandbox_mode": False, **KEYS}
    config_file.write_text(json.dumps(document))
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", str(config_file), "--mode", "live"]
    done = subprocess.run(command, cwd=config_file.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--i-understand-real-money" in done.stderr
    assert not (config_file.parent / "keel.db").exists()
