"""The table in the terminal, plain data, and how figures are written."""

import json
import math

import pandas as pd
import pytest
from rich.console import Console

from app.report import ReportData, Verdict
from app.report.plain import plain_report
from app.report.terminal import print_report
from app.report.text import duration, moment, money, number, percent


def printed(data: ReportData, width: int = 110) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_report(data, console)
    console.file.close()
    return console.export_text()


def test_the_table_shows_run_interval_and_buy_and_hold(made_up):
    data = made_up.made_up_report(made_up_candles(made_up))
    text = printed(data)
    assert "causal on 312 cuts" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("Sharpe"))
    assert f"{data.metrics.equity.sharpe:.2f}" in line
    assert f"{data.intervals.sharpe.low:.2f} … {data.intervals.sharpe.high:.2f}" in line
    assert f"{data.metrics.hold.sharpe:.2f}" in line
    assert "By exit reason" in text
    assert "By symbol" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_a_strategy_that_looks_ahead_is_named_with_its_finding(made_up):
    data = made_up.made_up_report(
        verdict=Verdict("LOOKS AHEAD", believable=False, finding="signal at 2024-03-01 12:00 is 1, live it is 0")
    )
    assert "LOOKS AHEAD: signal at 2024-03-01 12:00 is 1, live it is 0" in printed(data)


@pytest.mark.parametrize("values", [[], [10_000.0], [10_000.0] * 100, [5_000.0, 0.0, 0.0], [math.nan] * 40])
def test_a_run_without_anything_to_say_is_still_shown(values):
    equity = pd.Series(
        values, index=pd.date_range("2025-01-01", periods=len(values), freq="1min", tz="UTC"), dtype=float
    )
    data = ReportData(title="[bold]idle", timeframe="1m", start_cash=10_000, equity=equity, trades=pd.DataFrame())
    assert "[bold]idle" in printed(data)
    plain = json.loads(json.dumps(plain_report(data), allow_nan=False))
    assert plain["metrics"]["trades"]["win_rate"] is None
    assert plain["metrics"]["candles"] == len(values)


def test_plain_data_holds_metrics_intervals_and_verdict(made_up):
    data = made_up.made_up_report()
    plain = json.loads(json.dumps(plain_report(data), allow_nan=False))
    assert plain["metrics"]["equity"]["sharpe"] == data.metrics.equity.sharpe
    assert plain["intervals"]["cagr"]["low"] == data.intervals.cagr.low
    assert plain["causality"] == {"headline": "causal on 312 cuts", "believable": True, "finding": None}
    assert plain["from"] == "2024-01-01 00:00"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.12345), "12.35 %"),
        (percent(-0.5, sign=True), "-50.00 %"),
        (percent(math.nan), "—"),
        (percent(12_345.0), ">100,000 %"),
        (number(1234.5), "1,234.50"),
        (number(math.inf), "—"),
        (money(0.00001234), "0.0000123"),
        (money(12.345, sign=True), "+12.35"),
        (money(0, sign=True), "0.00"),
        (duration(90_061_000), "1 d 1 h"),
        (duration(3_600_000 * 24), "1 d"),
        (duration(86_400_000 + 60_000), "1 d"),
        (duration(0), "0"),
        (moment(0), "1970-01-01 00:00"),
        (moment(None), "—"),
    ],
)
def test_figures_are_written_so(written, expected):
    assert written == expected


def made_up_candles(made_up) -> dict[str, pd.DataFrame]:
    return {
        "BTC/USDT": made_up.random_candles(2_000),
        "ETH/USDT": made_up.random_candles(1_500, seed=9, start="2024-01-15", price=2_500),
    }
