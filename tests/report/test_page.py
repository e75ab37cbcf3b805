"""What goes into the page: packed columns, resolutions, trades, and nothing that asks for a network."""

import base64
import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.report import ReportData, Verdict
from app.report import payload as payload_module
from app.report.markup import minus
from app.report.packing import pack, pack_times
from app.report.page import page, write_html
from app.report.payload import decimals, payload
from app.report.resolutions import EVERYTHING, bucket_length, buckets, history, resolutions

MINUTE = 60_000


def unpack(column) -> np.ndarray:
    """As the page does it."""
    whole = np.frombuffer(base64.b64decode(column["d"]), dtype="<u4")
    return np.where(whole == 0xFFFFFFFF, np.nan, column["a"] + whole * column["s"])


@given(st.lists(st.floats(-1e12, 1e12) | st.just(float("nan")), max_size=30))
def test_packed_numbers_come_back_to_a_billionth_of_their_range(values):
    array = np.array(values, dtype=float)
    back = unpack(pack(array))
    np.testing.assert_array_equal(np.isnan(back), np.isnan(array))
    known = array[~np.isnan(array)]
    reach = np.ptp(known) if known.size else 0.0
    np.testing.assert_allclose(back[~np.isnan(array)], known, rtol=1e-15, atol=reach * 1e-9)


def test_prices_come_back_to_the_cent():
    prices = np.round(np.random.default_rng(1).uniform(15_000, 125_000, 5_000), 2)
    np.testing.assert_array_equal(np.round(unpack(pack(prices)), 2), prices)


@pytest.mark.parametrize(
    "times", [[], [5], [1_700_000_000_000, 1_700_000_060_000], [1_700_000_000_001, 1_700_000_000_500]]
)
def test_packed_times_are_exact(times):
    assert unpack(pack_times(times)).tolist() == times


def test_what_is_infinite_or_the_same_can_be_packed():
    assert np.isnan(unpack(pack([np.inf, -np.inf]))).all()
    assert unpack(pack([3.5, 3.5, np.nan]))[:2].tolist() == [3.5, 3.5]
    assert np.isnan(unpack(pack([-1.7e308, 1.0]))[0])


def test_buckets_are_those_of_pandas(made_up):
    candles = made_up.random_candles(1_003, freq="1min")
    line = candles["close"].rolling(5).mean().rename("mean")
    found = buckets(history(candles, line.to_frame()), 15 * MINUTE)
    expected = candles.resample("15min").agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    assert found.times.tolist() == expected.index.as_unit("ms").asi8.tolist()
    for name in expected:
        np.testing.assert_array_equal(found.columns[name], expected[name])
    np.testing.assert_array_equal(found.lines["mean"], line.resample("15min").last())


def test_a_hole_in_the_history_stays_a_hole(made_up):
    candles = made_up.random_candles(200, freq="1min")
    found = buckets(history(candles.drop(candles.index[30:120]), None), 10 * MINUTE)
    assert set(np.diff(found.times) // MINUTE) == {10, 100}


@pytest.mark.parametrize(
    ("span_minutes", "timeframe_minutes", "most", "expected_minutes"),
    [
        (1_000, 1, 1_000, 1),
        (1_001, 1, 1_000, 2),
        (1_000_000, 1, 2_000, 720),
        (500_000, 7, 100, 10_080),
        (50_000, 7, 10_000, 7),
        (500_000, 11, 100, 5_005),
        (100, 60, 2_000, 60),
    ],
)
def test_buckets_have_a_round_length_of_whole_candles(span_minutes, timeframe_minutes, most, expected_minutes):
    found = bucket_length(span_minutes * MINUTE, timeframe_minutes * MINUTE, most)
    assert found == expected_minutes * MINUTE
    assert span_minutes * MINUTE / found <= most


def test_a_long_history_keeps_single_candles_around_trades(made_up):
    candles = made_up.random_candles(EVERYTHING * 4, freq="1min")
    short, long = candles.index[[50_000, 60_000]].as_unit("ms").asi8
    entries, exits = np.array([short, long]), np.array([short + 500 * MINUTE, long + 20_000 * MINUTE])
    found = resolutions(history(candles, None), MINUTE, entries, exits)
    detail = unpack(found["detail"]["times"])
    near = [
        (short - 60 * MINUTE, exits[0] + 60 * MINUTE),
        *((at - 60 * MINUTE, at + 60 * MINUTE) for at in (long, exits[1])),
    ]
    for begin, end in near:
        assert set(np.arange(begin, end, MINUTE)) <= set(detail)
    assert detail.size < 1_000
    middle = found["levels"][0]
    assert set(detail // middle["bucket_ms"] * middle["bucket_ms"]) == set(unpack(found["detail"]["covered"]))


def test_candles_with_nan_and_columns_that_are_no_lines_are_left_out(made_up):
    candles = made_up.random_candles(50)
    candles.iloc[7, candles.columns.get_loc("close")] = np.nan
    indicators = pd.DataFrame({"close": 1.0, "signal": 1, "name": "x", "flag": True, "mean": 5}, index=candles.index)
    found = history(candles, indicators)
    assert list(found.lines) == ["mean"]
    assert found.times.size == 49


def test_prices_are_written_with_the_digits_that_they_have():
    assert decimals(np.array([1.0, 20.0])) == 0
    assert decimals(np.array([1.25, 20.5])) == 2
    assert decimals(np.array([0.00001234])) == 8
    assert decimals(np.array([1 / 3])) == 8


def test_the_curve_holds_the_extremes_of_all_candles(made_up, monkeypatch):
    data = made_up.made_up_report()
    monkeypatch.setattr(payload_module, "CURVE_POINTS", 300)
    curve = json.loads(payload(data))["curve"]
    values = {name: unpack(column) for name, column in curve.items()}
    assert len(values["value"]) <= 301
    assert values["drawdown"].min() == pytest.approx(data.metrics.equity.max_drawdown)
    assert values["low"].min() == pytest.approx(data.equity.min())
    assert values["high"].max() == pytest.approx(max(data.equity.max(), data.start_cash))
    assert values["value"][[0, -1]] == pytest.approx([data.start_cash, data.equity.iloc[-1]])
    assert values["hold"][-1] == pytest.approx(data.hold[-1])
    assert values["fees"][-1] == pytest.approx(data.trades["fees"].sum())


def test_of_very_many_trades_the_largest_are_listed_and_the_page_says_so(made_up, monkeypatch):
    monkeypatch.setattr(payload_module, "LISTED_TRADES", 10)
    data = made_up.made_up_report()
    content = json.loads(payload(data))
    kept = unpack(content["trades"]["pnl"])
    assert content["complete"] is False
    assert sorted(np.abs(kept)) == pytest.approx(sorted(data.trades["pnl"].abs().nlargest(10)))
    assert f"The 10 trades with the largest results of {len(data.trades)}" in page(data)


def test_the_page_names_no_address_but_its_own_parts(made_up):
    text = page(made_up.made_up_report())
    assert not re.search(r"""(?:src|href)=["'](?!#|data:,)""", text)
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_nothing_that_is_named_can_leave_its_place(made_up):
    name = "</script><!--<script>alert(1)</script> & \u2028 'x' \"y\" {{7*7}} $title"
    data = made_up.made_up_report(
        {name: made_up.random_candles(300)}, title=name, verdict=Verdict(name, believable=False, finding=name)
    )
    text = page(data)
    assert len(re.findall(r"<script", text)) == len(re.findall(r"</script>", text)) == 2
    assert "alert(1)</script>" not in text
    content = json.loads(re.search(r'id="payload">(.*?)</script>', text, re.DOTALL)[1])
    assert content["symbols"][0]["name"] == name


def test_decisions_and_orders_are_counted_by_reason(made_up):
    data = made_up.made_up_report()
    refused = pd.DataFrame(
        {"time": data.equity.index[:4], "action": "refuse", "reason": ["daily <limit>"] * 3 + ["cash"]}
    )
    text = page(ReportData(**{**fields_of(data), "decisions": refused}))
    assert '<td>refuse</td><td>daily &lt;limit&gt;</td><td class="number ">3</td>' in text


def test_signs_become_minus_signs_and_dates_stay():
    assert minus("-1.5 % … -0.2 at 2025-01-31, sma-20") == "\u22121.5 % … \u22120.2 at 2025-01-31, sma-20"


def test_writing_returns_the_path_and_all_parts_are_shipped(made_up, tmp_path):
    path = write_html(made_up.made_up_report({"A": made_up.random_candles(200)}), str(tmp_path / "out.html"))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {part.name for part in (files("app.report") / "assets").iterdir()} >= {"page.html", "style.css", "main.js"}


def fields_of(data: ReportData) -> dict[str, object]:
    return {name: getattr(data, name) for name in data.__dataclass_fields__}
