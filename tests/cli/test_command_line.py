import json
import logging
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from app.cli.errors import exit_code_of
from app.cli.logs import configure_logging
from app.cli.main import COMMANDS, main
from app.cli.summary import Summary
from app.config.masking import hide
from app.core.database import Database
from app.domain.errors import DatabaseError
from app.repositories import TradeRepository

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


def test_live_mode_needs_an_exchange(workplace):
    done = run(workplace, "--config", "config.json", "--mode", "live")
    assert done.returncode == 2
    assert "replay" in done.stderr
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


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "0.0005", "86401", "1e306", "inf"])
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


def test_ctrl_c_that_arrives_twice_still_ends_with_the_summary(workplace):
    break_settings(workplace, "exchange.replay", {"file": "candles.parquet", "speed": 1})
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", "config.json"]
    with subprocess.Popen(command, cwd=workplace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for awaited in ("Decision", "Stopped after"):
            while awaited not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
        summary, rest = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert "final equity" in summary


def test_secrets_reach_neither_log_nor_database(workplace):
    keys = {"KEEL_API_KEY": "key-nobody-may-see", "KEEL_API_SECRET": "secret-nobody-may-see"}
    done = run(workplace, "--config", "config.json", "--until-end", "--log-file", "keel.log", **keys)
    assert done.returncode == 0
    for path in workplace.iterdir():
        assert b"nobody-may-see" not in path.read_bytes()
    assert "nobody-may-see" not in done.stdout + done.stderr


@pytest.mark.parametrize("as_json", [True, False], ids=["JSON", "plain"])
@pytest.mark.parametrize("secret", ["s3cr3t-value", 's3cr3t"value', "s3cr3t\\value", "s3cr3t'välue"])
def test_a_secret_in_a_message_or_a_traceback_is_masked(secret, as_json):
    hide(secret)
    stream = StringIO()
    configure_logging(as_json=as_json, stream=stream)
    try:
        float(secret)
    except ValueError:
        logging.getLogger("app").exception("message with %s and %r", secret, secret)
    logging.getLogger().handlers.clear()
    assert "s3cr3t" not in stream.getvalue()
    assert stream.getvalue().count("**********") >= 3
    assert "Traceback" in stream.getvalue()
    if as_json:
        assert {"message", "traceback"} <= set(json.loads(stream.getvalue()))


def test_an_error_sentence_and_an_unforeseen_traceback_show_no_secret(capsys):
    hide("s3cr3t\\sentence")

    def fail(error):
        raise error

    assert exit_code_of("keel", lambda: fail(DatabaseError("no access with s3cr3t\\sentence"))) == 4
    assert exit_code_of("keel", lambda: fail(KeyError("s3cr3t\\sentence"))) == 1
    shown = capsys.readouterr().err
    assert "keel: no access with **********" in shown
    assert "KeyError: '**********'" in shown
    assert "s3cr3t" not in shown


def test_a_log_file_on_a_full_disk_is_complained_about_once(workplace):
    done = run(workplace, "--config", "config.json", "--log-file", "/dev/full")
    assert done.returncode == 0, done.stderr
    odd = [line for line in done.stderr.splitlines() if not LINE.match(line)]
    assert len(odd) == 1, odd
    assert "No space left" in odd[0]


def test_a_reader_that_has_gone_is_no_failure(workplace):
    for arguments in (["live", "--config", "config.json", "--json"], ["--help"]):
        command = [sys.executable, "-m", "app.cli.main", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command, cwd=workplace, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)
        assert done.returncode == 0, done.stderr
        assert "BrokenPipe" not in done.stderr


def test_a_full_disk_under_the_summary_is_one_sentence(workplace):
    command = [sys.executable, str(REPOSITORY / "run_live.py"), "--config", "config.json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=workplace, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if not LINE.match(line)] == [
        "keel live: stdout cannot be written ([Errno 28] No space left on device): send it elsewhere and run the command again"
    ]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_bot_that_is_started_without_stdout_or_stderr_trades(workplace, closed):
    line = f"{sys.executable} {REPOSITORY / 'run_live.py'} --config config.json {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (workplace / "keel.db").exists()


def test_what_a_strategy_prints_is_not_taken_for_the_summary(workplace):
    source = "from app.strategies.sma_cross import SmaCrossStrategy\nclass Chatty(SmaCrossStrategy):\n"
    source += "    def generate_signals(self, df):\n        print('hello from a strategy')\n"
    source += "        return super().generate_signals(df)\n"
    (workplace / "chatty.py").write_text(source)
    break_settings(workplace, "strategy.name", "chatty.py:Chatty")
    done = run(workplace, "--config", "config.json", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["symbol"] == "BTC/USDT"
    assert "hello from a strategy" in done.stderr


def test_ctrl_c_while_a_command_is_loaded_exits_with_130_and_no_traceback(workplace):
    # Raised right there: a real signal may arrive inside a callback of Python's own, which swallows it.
    script = f"""
import sys
from importlib.abc import MetaPathFinder
class Interrupted(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {{name!r}}:
            raise KeyboardInterrupt
sys.path.insert(0, {str(REPOSITORY)!r})
sys.meta_path.insert(0, Interrupted())
from app.cli.main import main
sys.exit(main(["live", "--config", "config.json"]))
"""
    for name in ("app.cli.live", "pandas", "pydantic"):
        command = [sys.executable, "-c", script.replace("{name!r}", repr(name))]
        done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, check=False)
        assert done.returncode == 130, done.stderr
        assert done.stderr == "keel live: interrupted\n"


def test_a_path_that_the_locale_cannot_write_is_one_sentence(workplace):
    break_settings(workplace, "db_path", "gewölbe/keel.db")
    done = run(workplace, "--config", "config.json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 4
    assert done.stderr.startswith("keel live: database 'gew\\xf6lbe/keel.db' cannot be created")
    assert len(done.stderr.splitlines()) == 1


def test_a_summary_in_letters_that_stdout_cannot_write_is_escaped(workplace):
    break_settings(workplace, "strategy.symbol", "币/USDT")
    done = run(workplace, "--config", "config.json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("\\u5e01/USDT: ")


def test_a_replay_ends_by_itself_and_other_candles_are_refused_when_an_end_is_wanted(workplace):
    assert run(workplace, "--config", "config.json").stdout.startswith("BTC/USDT: ")
    break_settings(workplace, "exchange.name", "binance")
    done = run(workplace, "--config", "config.json", "--until-end")
    assert done.returncode == 2
    assert "candles never end" in done.stderr


def test_holdings_of_other_markets_are_named_as_not_counted(workplace):
    assert json.loads(run(workplace, "--config", "config.json", "--json").stdout)["other_positions"] == []
    database = Database()
    database.open(workplace / "keel.db")
    with database.session_scope() as session:
        trades = TradeRepository(session)
        trades.create("ETH/USDT", "buy", 2000, "0.50", None, datetime(2025, 1, 1, tzinfo=UTC))
        trades.create("ADA/USDT", "buy", 1, 1, None, datetime(2025, 1, 1, tzinfo=UTC))
        trades.create("ADA/USDT", "sell", 1, 1, None, datetime(2025, 1, 1, tzinfo=UTC))
    database.close()
    assert json.loads(run(workplace, "--config", "config.json", "--json").stdout)["other_positions"] == ["0.5 ETH/USDT"]
    assert run(workplace, "--config", "config.json").stdout.endswith(" (not counted: 0.5 ETH/USDT)\n")


def test_a_summary_writes_numbers_plainly():
    summary = Summary(
        symbol="BTC/USDT",
        candles=1,
        signals=0,
        trades=0,
        profit=Decimal("0E-18"),
        cash=Decimal("1E+4"),
        position=Decimal("0.00000"),
        last_price=Decimal("100.50"),
        equity=Decimal("10000.000000000000000001"),
        other_positions=[],
    )
    shown = summary.as_json()
    assert [shown[key] for key in ("profit", "cash", "position", "last_price", "equity")] == [
        "0",
        "10000",
        "0",
        "100.5",
        "10000.000000000000000001",
    ]
    assert summary.text().endswith("profit 0, final equity 10000.000000000000000001 (cash 10000 + position 0 at 100.5)")


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
