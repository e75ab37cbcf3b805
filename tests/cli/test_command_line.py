import json
import logging
import os
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from app.cli.logs import configure_logging
from app.cli.main import COMMANDS, main

REPOSITORY = Path(__file__).parent.parent.parent
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| [\w.]+ \| (INFO|WARNING|ERROR) \| ")


@pytest.fixture
def workplace(tmp_path, settings_document, candles) -> Path:
    """A folder with a settings file and candles that cross their averages."""
    closes = [100.0 + 10 * ((i // 4) % 2) + (i * 7 % 5) / 10 for i in range(60)]
    candles(closes).reset_index(names="open_time").to_parquet(tmp_path / "candles.parquet")
    settings_document["exchange"] = {"name": "replay", "replay": {"file": "candles.parquet", "speed": 0}}
    settings_document["db_path"] = "keel.db"
    (tmp_path / "config.json").write_text(json.dumps(settings_document))
    return tmp_path


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "run_live.py"), *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_replay_runs_to_its_end_and_prints_a_summary(workplace):
    done = run(workplace, "--config", "config.json", "--until-end", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["trades"] > 4
    assert summary["signals"] >= summary["trades"]
    assert {"candles", "profit", "equity", "cash", "position"} <= set(summary)
    assert "Latest signal: 1 (1=BUY, -1=SELL, 0=NEUTRAL)" in done.stderr
    assert [line for line in done.stderr.splitlines() if not LINE.match(line)] == []


def test_the_summary_is_readable_without_json_and_the_log_goes_to_a_file_too(workplace):
    done = run(workplace, "--config", "config.json", "--until-end", "--log-file", "logs/keel.log", "--log-json")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"BTC/USDT: \d+ candles, \d+ signals, \d+ trades, profit -?[\d.]+, final equity [\d.]+", done.stdout
    )
    entries = [json.loads(line) for line in (workplace / "logs" / "keel.log").read_text().splitlines()]
    assert {"time", "logger", "level", "message"} <= set(entries[0])
    assert [json.loads(line) for line in done.stderr.splitlines()] == entries


def test_a_second_run_goes_on_where_the_first_one_ended(workplace):
    first = json.loads(run(workplace, "--config", "config.json", "--until-end", "--json").stdout)
    assert json.loads(run(workplace, "--config", "config.json", "--until-end", "--json").stdout) == first


def break_settings(folder: Path, key: str, value: object) -> None:
    path = folder / "config.json"
    document = json.loads(path.read_text())
    part, _, name = key.rpartition(".")
    (document[part] if part else document)[name] = value
    path.write_text(json.dumps(document))


def test_live_mode_sends_nothing_and_says_that_it_is_not_built(workplace):
    done = run(workplace, "--config", "config.json", "--mode", "live")
    assert done.returncode == 2
    assert "--mode mock" in done.stderr
    assert not (workplace / "keel.db").exists()


MISTAKES = [
    pytest.param([], {}, 2, "settings/config.json", id="no settings file"),
    pytest.param(["--config", "config.json"], {"strategy.timeframe": "7m"}, 2, "'7m'", id="timeframe"),
    pytest.param(["--config", "config.json"], {"strategy.name": "magic"}, 2, "magic", id="unknown strategy"),
    pytest.param(["--config", "config.json"], {"strategy.name": "my.py:Mine"}, 2, "my.py", id="missing strategy file"),
    pytest.param(["--config", "config.json"], {"exchange.name": "bynance"}, 2, "bynance", id="unknown exchange"),
    pytest.param(
        ["--config", "config.json"], {"db_path": "config.json"}, 4, "config.json", id="database is another file"
    ),
    pytest.param(["--config", "config.json"], {"sleep": 5}, 2, "'sleep'", id="unknown key"),
]


@pytest.mark.parametrize(("arguments", "changes", "code", "word"), MISTAKES)
def test_a_mistake_is_one_sentence_and_a_stable_exit_code(workplace, arguments, changes, code, word):
    for key, value in changes.items():
        break_settings(workplace, key, value)
    done = run(workplace, *arguments)
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan"])
def test_a_sleep_that_is_no_time_is_refused(text, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["live", "--sleep", text])
    assert caught.value.code == 2
    assert repr(text) in capsys.readouterr().err


def test_a_missing_candle_file_is_named(workplace):
    (workplace / "candles.parquet").unlink()
    done = run(workplace, "--config", "config.json")
    assert done.returncode in (2, 5)
    assert "candles.parquet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_cycle_and_exits_with_zero(workplace, number):
    break_settings(workplace, "exchange.replay", {"file": "candles.parquet", "speed": 1})
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", "config.json"]
    with subprocess.Popen(command, cwd=workplace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while "Decision" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in rest


def test_secrets_reach_neither_log_nor_database(workplace):
    keys = {"KEEL_API_KEY": "key-nobody-may-see", "KEEL_API_SECRET": "secret-nobody-may-see"}
    done = run(workplace, "--config", "config.json", "--until-end", "--log-file", "keel.log", **keys)
    assert done.returncode == 0
    for path in workplace.iterdir():
        assert b"nobody-may-see" not in path.read_bytes()
    assert "nobody-may-see" not in done.stdout + done.stderr


def test_a_secret_in_a_message_or_a_traceback_is_masked():
    stream = StringIO()
    configure_logging(secrets=["s3cr3t-value", ""], stream=stream)
    try:
        float("s3cr3t-value")
    except ValueError:
        logging.getLogger("app").exception("message with s3cr3t-value")
    logging.getLogger().handlers.clear()
    assert "s3cr3t" not in stream.getvalue()
    assert stream.getvalue().count("**********") >= 2


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in text] == []


def test_an_unknown_command_is_named_with_those_that_exist(capsys):
    assert main(["fly"]) == 2
    assert "'fly'" in capsys.readouterr().err


HEAVY = ("pandas", "numpy", "sqlalchemy", "pydantic", "ccxt", "numba", "asyncio", "alembic", "aiohttp")


@pytest.mark.parametrize("arguments", [["--help"], ["live", "--help"], ["live", "--sleep", "x"], ["fly"]], ids=str)
def test_help_and_argument_errors_import_nothing_heavy(arguments):
    script = f"""
import sys
from app.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
