import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from app.cli.main import main
from app.data.synthetic import synthetic_candles

REPOSITORY = Path(__file__).parent.parent.parent
CHEAT = """
import numpy as np
from app.strategies.base import BaseStrategy

class Cheat(BaseStrategy):
    defaults = {"ahead": 1}
    def calculate_indicators(self, df):
        return df.assign(later=df["close"].shift(-self.params["ahead"]))
    def generate_signals(self, df):
        print("a strategy may print")
        return df.assign(signal=np.sign(df["later"] - df["close"]).fillna(0).astype("int8"))
"""


@pytest.fixture
def workplace(tmp_path, settings_document, monkeypatch):
    """A folder with settings, candles and a strategy, where the command runs."""
    monkeypatch.chdir(tmp_path)
    settings_document["paper"] = {"cash": 10_000}
    settings_document["risk"] = {"max_position_size_usd": 1_000}
    (tmp_path / "config.json").write_text(json.dumps(settings_document))
    candles = synthetic_candles(3_000, seed=9).reset_index(names="open_time")
    candles["open_time"] = candles["open_time"].astype("int64")
    candles.to_parquet(tmp_path / "BTCUSDT-1m.parquet")
    (tmp_path / "cheat.py").write_text(CHEAT)
    return tmp_path


@pytest.fixture
def keel(workplace, capsys):
    """Run `keel backtest` or another command in the folder: exit code, stdout, stderr."""

    def run(*arguments, command="backtest"):
        given = ["--config", "config.json"] if command == "backtest" else []
        code = main([command, *given, *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def as_json(keel, *arguments):
    code, out, err = keel("--data", "BTCUSDT-1m.parquet", "--json", *arguments)
    assert code == 0, err
    return json.loads(out)


def test_a_backtest_prints_verdict_figures_and_what_its_candles_are_worth(keel):
    code, out, err = keel("--data", "BTCUSDT-1m.parquet")
    assert (code, err) == (0, "")
    head = out.splitlines()[:2]
    assert head[0].startswith("sma_cross  BTC/USDT  1m  2025-01-01 00:00 to ")
    assert head[1].startswith("causal on ")
    for words in (
        "Total return",
        "Sharpe",
        "Fees (USDT)",
        "BTC/USDT 1m: 3,000 candles",
        "from BTCUSDT-1m.parquet, SHA-256 ",
    ):
        assert words in out


def test_as_a_script_and_as_json_it_says_the_same(keel, workplace):
    facts = as_json(keel)
    command = [sys.executable, str(REPOSITORY / "run_backtest.py"), "--config", "config.json", "--data", ".", "--json"]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, timeout=100, check=True)
    again = json.loads(done.stdout)
    assert again["metrics"] == facts["metrics"]
    assert again["causality"] == facts["causality"]
    assert facts["causality"]["believable"] is True
    assert facts["data"]["certificates"]["BTC/USDT"]["candles"] == 3_000


def test_settings_are_replaced_by_param_set_fee_and_slippage(keel):
    usual = as_json(keel)
    other = as_json(
        keel, "--param", "slow_window=30", "--set", "risk.max_position_size_usd=500", "--fee", "0", "--slippage-bp", "0"
    )
    settings = other["settings"]
    assert settings["strategy"]["params"] == {"fast_window": 2, "slow_window": 30}
    assert float(settings["risk"]["max_position_size_usd"]) == 500
    assert (float(settings["paper"]["fee_rate"]), float(settings["paper"]["slippage_bp"])) == (0, 0)
    assert other["metrics"]["trades"]["fees"] == 0 < usual["metrics"]["trades"]["fees"]


def test_another_strategy_does_not_get_the_parameters_of_the_settings_own(keel):
    assert as_json(keel, "--strategy", "rsi_reversion")["settings"]["strategy"]["params"] == {}
    params = as_json(keel, "--strategy", "rsi_reversion", "--param", "window=7")["settings"]["strategy"]["params"]
    assert params == {"window": 7}
    for own in ("sma_cross", "SmaCrossStrategy"):
        params = as_json(keel, "--strategy", own)["settings"]["strategy"]["params"]
        assert params == {"fast_window": 2, "slow_window": 4}


def test_a_range_and_another_length_are_traded(keel):
    facts = as_json(keel, "--start", "2025-01-01T10:00", "--end", "2025-01-02", "--set", "strategy.timeframe=5m")
    certificate = facts["data"]["certificates"]["BTC/USDT"]
    assert (certificate["timeframe"], certificate["candles"]) == ("5m", 14 * 12)


@pytest.fixture
def quarters(workplace):
    """The candles in a quarter of their length: the settings' timeframe is four of them."""
    (workplace / "coarse.json").write_text((workplace / "config.json").read_text().replace('"1m"', '"15m"'))
    return ("--config", "coarse.json", "--set", "risk.stop_loss_pct=0.003", "--set", "risk.take_profit_pct=0.003")


def test_finer_candles_decide_inside_a_bar_and_are_repeated(keel, quarters, workplace):
    blind, told = as_json(keel, *quarters), as_json(keel, *quarters, "--fine", "BTCUSDT-1m.parquet", "--save")
    assert told["data"]["fine_certificates"]["BTC/USDT"]["timeframe"] == "1m"
    assert told["metrics"]["trades"]["win_rate"] > blind["metrics"]["trades"]["win_rate"]
    code, out, _ = keel("--repeat", told["folder"])
    assert (code, "the same numbers" in out, "inside its bars: BTC/USDT 1m: 3,000 candles" in out) == (0, True, True)
    _, compared, _ = keel(told["folder"], told["folder"], command="compare")
    assert "made of: no difference" in compared


def test_finer_candles_that_are_none_are_refused(keel, quarters, workplace):
    other = pd.read_parquet("BTCUSDT-1m.parquet").assign(open_time=lambda frame: frame["open_time"] + 10**11)
    other.to_parquet(workplace / "BTCUSDT-later.parquet")
    other.to_parquet(workplace / "ETHUSDT-1m.parquet")
    for file, words in {
        "none.csv": "'none.csv' does not exist",
        "ETHUSDT-1m.parquet": "ETHUSDT-1m.parquet has no candles of BTC/USDT",
        "BTCUSDT-later.parquet": "no fine candle of BTC/USDT lies within its candles: they are from 2028-",
    }.items():
        code, _, err = keel("--data", "BTCUSDT-1m.parquet", *quarters, "--fine", file)
        assert (code, words in err, len(err.splitlines())) == (2, True, 1), err
    code, _, err = keel("--data", "BTCUSDT-1m.parquet", "--fine", "BTCUSDT-1m.parquet")
    assert (code, "fine candles of BTC/USDT come every 60 s, the candles every 60 s" in err) == (2, True)


def test_strict_exits_with_3_when_the_strategy_looks_ahead(keel):
    code, out, err = keel("--data", "BTCUSDT-1m.parquet", "--strategy", "cheat.py:Cheat", "--set", "strategy.params={}")
    assert code == 0
    assert out.splitlines()[1].startswith("LOOKS AHEAD")
    assert "a strategy may print" in err
    code, out, err = keel(
        "--data", "BTCUSDT-1m.parquet", "--strategy", "cheat.py:Cheat", "--set", "strategy.params={}", "--strict"
    )
    assert code == 3
    assert "keel backtest: --strict: LOOKS AHEAD: at 2025-01-01" in err
    assert "later" in err
    assert keel("--data", "BTCUSDT-1m.parquet", "--strict")[0] == 0


def test_a_saved_result_is_repeated_with_the_same_numbers(keel, workplace):
    facts = as_json(keel, "--save")
    folder = Path(facts["folder"])
    assert folder.parent.name == "results"
    document = json.loads((folder / "result.json").read_text())
    assert document["metrics"] == facts["metrics"]
    assert {"version", "seed", "code", "data", "causality"} <= set(document)
    trades = pd.read_parquet(folder / "trades.parquet")
    assert len(trades) > 10
    assert len(pd.read_parquet(folder / "equity.parquet")) == 3_000
    code, out, _ = keel("--repeat", str(folder))
    assert code == 0
    assert f"the same numbers as {folder}" in out
    second = as_json(keel, "--save")
    assert second["folder"] != facts["folder"]


def test_a_repeated_result_that_has_other_numbers_says_what_changed(keel, workplace):
    settings = ["--strategy", "cheat.py:Cheat", "--set", "strategy.params={}"]
    folder = as_json(keel, "--save", *settings)["folder"]
    candles = pd.read_parquet("BTCUSDT-1m.parquet")
    candles.iloc[1_500, 4] = candles["high"].iloc[1_500]
    candles.to_parquet("BTCUSDT-1m.parquet")
    (workplace / "cheat.py").write_text(CHEAT + "\n# edited\n")
    code, out, _ = keel("--repeat", folder)
    assert code == 3
    assert f"OTHER NUMBERS than {folder}" in out
    assert "code.sha256" in out
    assert "data.BTC/USDT.sha256" in out
    assert "only in this run" in out


def test_two_results_are_compared(keel):
    one = as_json(keel, "--save")["folder"]
    other = as_json(keel, "--save", "--param", "slow_window=9")["folder"]
    code, out, _ = keel(one, other, command="compare")
    assert code == 0
    assert "settings.strategy.params.slow_window  4  9" in out
    assert f"only in {other}" in out
    code, out, _ = keel(one, one, "--json", command="compare")
    same = json.loads(out)
    assert (same["same_numbers"], same["made_of"], same["metrics"]) == (True, {}, {})


def test_a_report_is_written(keel, workplace):
    code, out, _ = keel("--data", "BTCUSDT-1m.parquet", "--html", "report.html")
    assert code == 0
    assert "report: report.html" in out
    assert "causal on " in (workplace / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "keel backtest: there are no candles to trade: give --data FILE or --data DIR"),
        (["--data", "BTCUSDT-1m.parquet", "--html", "no/report.html"], 2, "--html 'no/report.html' lies in a folder that does not exist"),
        (["--data", "BTCUSDT-1m.parquet", "--html", "."], 2, "--html '.' is a folder: name the file to be written"),
        (["--data", "BTCUSDT-1m.parquet", "--save", "--results", "config.json"], 2, "--results 'config.json' cannot be written"),
        (["--data", "BTCUSDT-1m.parquet", "--symbol", "btcusdt"], 2, "--symbol 'btcusdt' is no market: write base/quote"),
        (["--data", "nowhere"], 2, "candle data 'nowhere' does not exist"),
        (["--data", "BTCUSDT-1m.parquet", "--start", "2030-01-01"], 2, "there are no candles of BTC/USDT from 2030-01-01"),
        (["--data", "BTCUSDT-1m.parquet", "--symbol", "ETH/USDT"], 2, "has no candles of ETH/USDT: there are BTC/USDT"),
        (["--data", "BTCUSDT-1m.parquet", "--strategy", "sma_crosss"], 2, "strategy 'sma_crosss' is not known"),
        (["--data", "BTCUSDT-1m.parquet", "--param", "fast=3"], 2, "params.fast is no parameter of SmaCrossStrategy"),
        (["--data", "BTCUSDT-1m.parquet", "--param", "fast_window"], 2, "--param 'fast_window' is no assignment: write --param key=value"),
        (["--data", "BTCUSDT-1m.parquet", "--set", "risk.stop=1"], 2, "unknown setting 'risk.stop'"),
        (["--data", "BTCUSDT-1m.parquet", "--set", "db_path.x=1"], 2, "setting db_path is no section: it holds 'keel.db'"),
        (["--data", "BTCUSDT-1m.parquet", "--fee", "much"], 2, "keel backtest: paper.fee_rate is 'much'"),
        (["--data", "BTCUSDT-1m.parquet", "--fee", "NaN"], 2, "paper.fee_rate is 'NaN'"),
        (["--repeat", "results/none"], 2, "'results/none' is no saved result (results/none/result.json is missing)"),
        (["--repeat", "config.json"], 2, "'config.json' is no saved result"),
        (["--repeat", "results/none", "--param", "slow_window=9"], 2, "--repeat runs a result as it was saved, without --param"),
        (["--repeat", "results/none", "--slippage-bp", "9"], 2, "without --slippage-bp: leave one of them out"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(keel, arguments, code, sentence):
    got, out, err = keel(*arguments)
    assert (got, out) == (code, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_seed_below_0_is_refused(keel, capsys):
    with pytest.raises(SystemExit) as ended:
        keel("--data", "BTCUSDT-1m.parquet", "--seed", "-1")
    assert ended.value.code == 2
    assert "'-1' is no seed: give a whole number, 0 or more" in capsys.readouterr().err


def test_a_saved_result_that_lacks_a_part_is_told_by_it(keel):
    folder = Path(as_json(keel, "--save")["folder"])
    (folder / "trades.parquet").unlink()
    code, _, err = keel("--repeat", str(folder))
    assert (code, f"({folder}/trades.parquet is missing)" in err) == (2, True)
    (folder / "result.json").write_text("{}")
    code, _, err = keel("--repeat", str(folder))
    assert (code, "was not written by keel backtest --save" in err) == (2, True)


def test_what_cannot_be_written_leaves_the_figures_and_nothing_half_done(keel, workplace, monkeypatch):
    """The disk fills up while the last file is written."""
    report = workplace / "report.html"
    report.write_text("an older report")
    usual = Path.write_text

    def full(path, text, *arguments, **options):
        usual(path, text[: len(text) // 2], *arguments, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    code, out, err = keel("--data", "BTCUSDT-1m.parquet", "--save")
    assert (code, "Total return" in out, "saved:" in out) == (2, True, False)
    assert "results cannot be written to results/" in err
    assert list((workplace / "results").iterdir()) == []
    code, out, err = keel("--data", "BTCUSDT-1m.parquet", "--html", "report.html")
    assert (code, "Total return" in out, "report: " in out) == (2, True, False)
    assert "the report cannot be written to report.html" in err
    assert report.read_text() == "an older report"
    assert not [path for path in workplace.iterdir() if "unfinished" in path.name]


def test_several_markets_share_the_cash_and_each_has_its_certificate(keel, workplace):
    candles = pd.read_parquet("BTCUSDT-1m.parquet")
    other = synthetic_candles(3_000, seed=10, price=50.0).reset_index(names="open_time")
    other["open_time"] = candles["open_time"]
    other.to_parquet("SOLUSDT-1m.parquet")
    code, out, err = keel("--data", ".", "--symbol", "all", "--json", "--save")
    assert code == 0, err
    facts = json.loads(out)
    assert list(facts["data"]["certificates"]) == ["BTC/USDT", "SOL/USDT"]
    assert set(pd.read_parquet(Path(facts["folder"]) / "trades.parquet")["symbol"]) == {"BTC/USDT", "SOL/USDT"}
    assert facts["causality"]["believable"] is True
    alone = as_json(keel)
    assert facts["causality"]["trades"] > alone["causality"]["trades"]
    assert keel("--repeat", facts["folder"])[0] == 0


def test_why_there_was_no_trade_is_said(keel):
    code, out, _ = keel("--data", "BTCUSDT-1m.parquet", "--set", "exchange.market.min_notional=1000000000")
    assert code == 0
    assert "\nno trades:\n" in out
    assert "times held: buy signal, but the cash does not pay for the smallest order" in out
    code, out, _ = keel("--data", "BTCUSDT-1m.parquet", "--end", "2025-01-01T00:03")
    assert "no trades: the strategy gave no signal" in out
    assert "no trades" not in keel("--data", "BTCUSDT-1m.parquet")[1]


def test_a_limit_that_cannot_act_on_candles_is_named(keel):
    spread = ("--set", "risk.limits.max_spread_pct=0.01")
    code, out, _ = keel("--data", "BTCUSDT-1m.parquet", *spread)
    assert code == 0
    assert "note: risk.limits.max_spread_pct does not act in a backtest: candles have no bid and ask" in out
    facts = as_json(keel, *spread, "--set", "risk.limits.price_band_pct=0.01", "--set", "backtest.fill=close")
    assert [sentence.split()[0] for sentence in facts["notices"]] == [
        "risk.limits.max_spread_pct",
        "risk.limits.price_band_pct",
    ]


def test_limit_orders_that_a_backtest_sends_at_market_are_named(keel):
    resting = ("--set", "orders.entry.type=limit", "--set", "orders.exit.type=limit")
    notices = as_json(keel, *resting)["notices"]
    assert [sentence.split()[0] for sentence in notices] == ["orders.entry.type", "orders.exit.type"]
    notices = as_json(keel, *resting, "--set", "backtest.entry_limit_bp=5")["notices"]
    assert [sentence.split()[0] for sentence in notices] == ["orders.exit.type"]
