"""The command: what it prints, how it ends, what it refuses, and that it survives its own restart."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ccxt
import pytest

from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.server.build import build_exchange
from exchange_simulator.server.command import main
from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import Address, exchange_process

SPOT_ONLY = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchMargins": False,
    "fetchCurrencies": False,
}
COMMAND = [sys.executable, "-m", "exchange_simulator"]


@pytest.fixture
def started() -> Iterator[Any]:
    """Start commands that end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.load(response)


def post(url: str, body: object) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(body).encode()), timeout=10) as response:
        return json.load(response)


def test_it_greets_with_a_snippet_that_works_and_ends_with_ctrl_c(started: Any):
    process = started("--port", "0", "--symbols", "BTC/USDT")
    lines = []
    while not (lines and lines[-1].startswith("Ctrl+C")):
        line = process.stdout.readline()
        assert line, process.communicate()
        lines.append(line)
    text = "".join(lines)
    snippet = text[text.index("import ccxt") : text.index("Ctrl+C")]
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "USDT" in done.stdout
    while process.poll() is None:  # a terminal and a supervisor send the same Ctrl+C each
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.005)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--symbols", "BTCUSDT"], "BASE/QUOTE", id="symbol without slash"),
        pytest.param(["--symbols", ""], "symbol", id="no symbol"),
        pytest.param(["--replay", "nothing.csv"], "nothing.csv", id="no such file"),
        pytest.param(["--key", "onlykey"], "KEY:SECRET", id="key"),
        pytest.param(["--balance", "USDT"], "ASSET=AMOUNT", id="balance"),
        pytest.param(["--balance", "USDT=much"], "ASSET=AMOUNT", id="amount"),
        pytest.param(["--speed", "-1"], "--speed", id="speed"),
        pytest.param(["--depth", "0"], "--depth", id="depth"),
        pytest.param(["--start", "yesterday"], "yesterday", id="start"),
        pytest.param(["--symbols", "BTC/USDT,BTC/USDT"], "twice", id="symbol twice"),
        pytest.param(["--symbols", "BTC/BTC"], "two assets", id="an asset for itself"),
        pytest.param(["--symbols", "AVERYLONGNAMEAVERYLONG/USDT"], "20 letters", id="longer than clients may send"),
        pytest.param(["--port", "99999"], "65535", id="port"),
        pytest.param(["--admin-port", "99999"], "65535", id="admin port"),
        pytest.param(["--speed", "1e300"], "--speed", id="faster than time can be counted"),
        pytest.param(["--depth", "1000000"], "--depth", id="deeper than can be quoted"),
        pytest.param(["--spread-bp", "1e9"], "--spread-bp", id="wider than the price"),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
):
    assert main(["--port", "0", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_busy_port_is_one_sentence_and_exit_2(started: Any):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = started("--port", str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "cannot be used" in errors
    assert errors.count("\n") == 1


def test_help_is_fast_and_names_every_option(started: Any):
    process = started("--help")
    text, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert all(option in text for option in ("--port", "--symbols", "--speed", "--replay", "--state", "--admin-port"))


def test_it_ends_when_its_parent_is_gone(started: Any):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = started("--port", "0", "--json-ready", "--parent-pid", str(parent.pid))
    assert json.loads(process.stdout.readline())["rest_url"].startswith("http://127.0.0.1:")
    parent.communicate(b"\n")
    assert process.wait(timeout=10) == 0


def journal(address: Address) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address.admin_url}/admin/journal", timeout=5) as response:
        return [json.loads(line) for line in response]


def candles(address: Address) -> Any:
    return get(f"{address.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=10")


def test_a_simulated_exchange_survives_its_own_restart(tmp_path: Path):
    arguments = ("--speed", "0", "--seed", "3", "--state", str(tmp_path / "exchange.state"))
    with exchange_process(*arguments) as address:
        order = {"kind": "manual_order", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"}
        post(f"{address.admin_url}/admin/faults", order)
        post(f"{address.admin_url}/admin/clock/advance", {"seconds": 90})
        before, clock = candles(address), get(f"{address.rest_url}/api/v3/time")
        last = journal(address)[-1]
    with exchange_process(*arguments) as address:
        assert candles(address) == before
        assert get(f"{address.rest_url}/api/v3/time") == clock
        assert get(f"{address.admin_url}/admin/oracle")["ok"] is True
        assert journal(address)[0]["seq"] > last["seq"]


def test_a_saved_exchange_takes_new_keys_and_refuses_unknown_symbols(tmp_path: Path, capsys: Any):
    state = str(tmp_path / "exchange.state")
    with exchange_process("--symbols", "BTC/USDT", "--state", state):
        pass
    with exchange_process("--symbols", "BTC/USDT", "--state", state, "--key", "new:secret") as address:
        client = ccxt.binance({"apiKey": "new", "secret": "secret", "options": SPOT_ONLY})
        client.urls["api"]["public"] = client.urls["api"]["private"] = address.rest_url + "/api/v3"
        assert client.fetch_balance()["USDT"]["free"] == 100_000
        client.session.close()
    assert main(["--port", "0", "--symbols", "ETH/USDT", "--state", state]) == 2
    assert "no ETH/USDT" in capsys.readouterr().err


def test_a_candle_file_is_replayed_as_it_is(tmp_path: Path):
    minutes = [1_700_000_040_000 + 60_000 * number for number in range(30)]
    rows = [f"{opened},{100 + n},{103 + n},{99 + n},{101 + n},5.5" for n, opened in enumerate(minutes)]
    file = tmp_path / "BTCUSDT-1m.csv"
    file.write_text("open_time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    with exchange_process("--speed", "0", "--symbols", "BTC/USDT", "--replay", str(file)) as address:
        post(f"{address.admin_url}/admin/clock/advance", {"seconds": 600})
        shown = candles(address)[:9]
    assert [row[0] for row in shown] == minutes[1:10]
    assert [[float(cell) for cell in row[1:6]] for row in shown] == [
        [100 + n, 103 + n, 99 + n, 101 + n, 5.5] for n in range(1, 10)
    ]


def test_a_broken_state_file_is_refused_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    state = tmp_path / "exchange.state"
    state.write_bytes(b"garbage")
    assert main(["--port", "0", "--state", str(state)]) == 2
    assert "exchange.state" in capsys.readouterr().err
    assert state.read_bytes() == b"garbage"


def test_the_admin_port_is_off_unless_asked_for(started: Any):
    process = started("--port", "0", "--json-ready")
    ready = json.loads(process.stdout.readline())
    assert ready["admin_url"] == ""
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(ready["rest_url"] + "/admin/journal")
    assert refused.value.code == 404
    refused.value.close()
    assert ready["pid"] == process.pid != os.getpid()


def test_a_state_file_that_cannot_be_written_is_refused_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").write_text("no folder")
    assert main(["--port", "0", "--state", str(tmp_path / "file" / "exchange.state")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_replay_can_begin_now(quiet: ExchangeOptions):
    before = VirtualClock.from_now().now_us()
    assert build_exchange(quiet).clock.now_us() >= before
    assert build_exchange(replace(quiet, start="")).clock.now_us() < before
