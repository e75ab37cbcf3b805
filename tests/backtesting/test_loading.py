import hashlib

import numpy as np
import pandas as pd
import pytest

from app.backtesting.certificate import certify, certify_frame, content_hash
from app.backtesting.loading import load_histories
from app.core.window import COLUMNS
from app.data.names import symbol_in
from app.data.synthetic import synthetic_candles
from app.domain.errors import ConfigError, DataError
from app.domain.timeframe import Timeframe

MINUTE = Timeframe.parse("1m")


@pytest.fixture(scope="module")
def market():
    return synthetic_candles(600, seed=3)  # from 2025-01-01 00:00 to 09:59


@pytest.fixture
def written(tmp_path):
    """Write candles into a folder: `written(name, frame)`."""

    def write(name, frame):
        path = tmp_path / name
        table = frame.reset_index(names="open_time")
        if path.suffix == ".parquet":
            table["open_time"] = table["open_time"].astype("int64")
            table.to_parquet(path)
        else:
            table["open_time"] = table["open_time"].dt.strftime("%Y-%m-%dT%H:%M:%S")
            table.to_csv(path, index=False)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m-2022-11-08.csv", "BTC/USDT"),
        ("binance-LTOBTC-1m-2020_03.parquet", "LTO/BTC"),
        ("futures-um-klines-BTCUSDT-1h-2024-10-28.zip", "BTC/USDT"),
        ("binanceum-ETHUSDT-1m-2022.parquet", "ETH/USDT"),
        ("BTC_USDT-5m.csv", "BTC/USDT"),
        ("BTC-FDUSD.parquet", "BTC/FDUSD"),
        ("BTCFDUSD.csv.gz", "BTC/FDUSD"),
        ("1000PEPEUSDT-1m.csv", "1000PEPE/USDT"),
        ("candles.csv", None),
        ("demo-market.csv", None),
    ],
)
def test_a_files_name_tells_its_market(name, symbol):
    assert symbol_in(name) == symbol


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_loaded_with_its_market_and_length(written, market, suffix):
    path = written(f"ETHUSDT-1m.{suffix}", market)
    (history,) = load_histories(path).values()
    assert (history.symbol, history.timeframe.name) == ("ETH/USDT", "1m")
    pd.testing.assert_frame_equal(history.candles, market, check_exact=True, check_column_type=False)
    assert all(history.candles[name].to_numpy().flags.c_contiguous for name in COLUMNS)


def test_a_file_of_ones_own_may_have_any_name(written, market):
    path = written("mine.csv", market)
    assert list(load_histories(path, otherwise="SOL/USDT")) == ["SOL/USDT"]
    assert list(load_histories(path, symbols=["XRP/USDT"])) == ["XRP/USDT"]


def test_files_of_one_market_are_joined_in_order_of_time_and_holes_stay_holes(written, market, tmp_path):
    written("BTCUSDT-1m-b.csv", market.iloc[:200])
    written("BTCUSDT-1m-a.parquet", market.iloc[250:400])
    written("BTCUSDT-1m-c.csv", market.iloc[190:210])
    (history,) = load_histories(tmp_path).values()
    expected = pd.concat([market.iloc[:210], market.iloc[250:400]])
    pd.testing.assert_frame_equal(history.candles, expected, check_exact=True, check_column_type=False)
    assert (history.repeated, history.contradicting) == (10, 0)
    assert [file.path.name for file in history.files] == [
        "BTCUSDT-1m-b.csv",
        "BTCUSDT-1m-c.csv",
        "BTCUSDT-1m-a.parquet",
    ]
    certificate = certify(history)
    assert (certificate.missing, certificate.gaps, certificate.duplicates) == (40, 1, 10)


def test_a_folder_gives_each_market_that_is_wanted(written, market, tmp_path):
    written("BTCUSDT.csv", market)
    written("ETHUSDT.csv", market * 0.1)
    written("SOLUSDT.csv", market * 0.01)
    (tmp_path / "notes.txt").write_text("no candles")
    assert list(load_histories(tmp_path)) == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert list(load_histories(tmp_path, symbols=["SOL/USDT", "BTC/USDT"])) == ["SOL/USDT", "BTC/USDT"]


def test_a_range_begins_with_its_start_and_ends_before_its_end(written, market):
    path = written("BTCUSDT.parquet", market)
    (history,) = load_histories(path, start="2025-01-01T01:00", end="2025-01-01T03:00:00+01:00").values()
    assert (str(history.candles.index[0]), len(history.candles)) == ("2025-01-01 01:00:00+00:00", 60)
    assert history.candles["close"].iloc[0] == market["close"].iloc[60]


def test_longer_candles_are_made_of_shorter_ones(written, market):
    path = written("BTCUSDT.csv", market)
    (history,) = load_histories(path, timeframe="15m").values()
    assert (history.timeframe.name, len(history.candles)) == ("15m", 40)
    assert history.candles["high"].iloc[1] == market["high"].iloc[15:30].max()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"start": "2026-01-01"}, "there are no candles of BTC/USDT from 2026-01-01 00:00 to the end: choose within 2025-01-01 00:00 and 2025-01-01 09:59"),
        ({"end": "2024-01-01"}, "from the beginning to 2024-01-01 00:00"),
        ({"start": "yesterday"}, "--start 'yesterday' is no moment: write \"2021-05-19\""),
        ({"symbols": ["ETH/USDT"]}, "has no candles of ETH/USDT: there are BTC/USDT"),
        ({"timeframe": "1s"}, "the candles of BTC/USDT are 1m long, of which 1s candles cannot be made: set strategy.timeframe to 1m"),
        ({"timeframe": "1d"}, "the candles of BTC/USDT are too few for one of 1d"),
        ({"timeframe": "7m"}, "timeframe '7m' is not known"),
    ],
)  # fmt: skip
def test_what_the_files_do_not_have_is_told_in_one_sentence(written, market, options, sentence):
    path = written("BTCUSDT.csv", market)
    with pytest.raises(ConfigError, match=sentence.replace("(", r"\(")) as told:
        load_histories(path, **options)
    assert "\n" not in str(told.value)


def test_files_of_different_lengths_are_refused(written, market, tmp_path):
    written("BTCUSDT-1m.csv", market)
    written("BTCUSDT-1h.csv", market.iloc[::60])
    with pytest.raises(
        DataError, match=r"BTCUSDT-1h.csv holds a candle of BTC/USDT every 3600 s and .*1m.csv one every 60 s"
    ):
        load_histories(tmp_path)


def test_no_file_no_candles_and_nothing_in_a_folder_are_told(written, market, tmp_path):
    with pytest.raises(
        ConfigError, match=r"candle data '.*nowhere' does not exist: give a Parquet or CSV file, or a folder"
    ):
        load_histories(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"has no candle files \(.parquet, .csv, .zip, .csv.gz\)"):
        load_histories(tmp_path)
    broken = market.copy()
    broken["close"] = np.nan
    with pytest.raises(DataError, match=r"holds no candles \(600 impossible rows\)"):
        load_histories(written("BTCUSDT.csv", broken))
    with pytest.raises(DataError, match="holds one candle of BTC/USDT: a backtest needs at least 2"):
        load_histories(written("BTCUSDT.csv", market.iloc[:1]))


def test_a_certificate_counts_what_was_wrong_with_a_file(written, market):
    dirty = market.drop(market.index[[100, 101, 102, 300]])
    dirty.iloc[5, 3] = np.nan
    dirty.iloc[20, 4] = 0.0
    dirty.iloc[50, 2] = dirty.iloc[50, 2] * 0.2  # a wick that nobody traded
    repeated = dirty.iloc[[30]]
    other = dirty.iloc[[40]].assign(volume=77.0)
    path = written("BTCUSDT.csv", pd.concat([dirty.iloc[:60], repeated, other, dirty.iloc[60:]]))
    (history,) = load_histories(path).values()
    certificate = certify(history)
    assert certificate.candles == len(history.candles) == 595
    assert (certificate.missing, certificate.gaps) == (5, 3)
    assert certificate.first_gap_ms == market.index[5].timestamp() * 1_000
    assert (certificate.longest_gap, certificate.longest_gap_ms) == (3, market.index[100].timestamp() * 1_000)
    assert (certificate.duplicates, certificate.conflicts, certificate.out_of_order, certificate.impossible) == (
        1,
        1,
        1,
        1,
    )
    assert certificate.outliers == 1
    assert certificate.zero_volume_share == pytest.approx(1 / 595)
    assert certificate.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert certificate.source == ("BTCUSDT.csv",)
    for words in (
        "5 missing in 3 gaps, first 2025-01-01 00:05, longest 2025-01-01 01:40 (3 candles)",
        "1 outliers",
        "1 impossible and dropped",
        "0.17% without volume",
    ):
        assert words in certificate.text()
    assert certificate.as_json()["source"] == ["BTCUSDT.csv"]


def test_a_jump_is_an_outlier_unless_a_gap_hides_what_happened(market):
    jump = market.copy()
    jump.iloc[300:, :4] *= 2
    assert certify_frame("BTC/USDT", MINUTE, jump).outliers == 1
    assert certify_frame("BTC/USDT", MINUTE, jump.drop(jump.index[290:310])).outliers == 0
    assert certify_frame("BTC/USDT", MINUTE, market).outliers == 0


def test_candles_in_memory_are_known_by_their_content(market):
    first = certify_frame("BTC/USDT", MINUTE, market)
    assert first == certify_frame("BTC/USDT", MINUTE, market.copy())
    changed = market.copy()
    changed.iloc[77, 3] = np.nextafter(changed.iloc[77, 3], 0)
    assert content_hash(changed) != first.sha256
    assert content_hash(market.iloc[1:]) != first.sha256


@pytest.mark.parametrize(
    ("file", "facts"),
    [
        ("crash-2021-05/binance-BTCUSDT-1m-2021_05.parquet", {"candles": 42_915, "missing": 284, "gaps": 1, "longest_gap": 284}),
        ("delist/binance-CVCUSDT-5m-2022_2023.parquet", {"candles": 77_345, "gaps": 1, "longest_gap": 44_412}),
        ("dirty/bitfinex-BTCUSD-1m-2013_04.parquet", {"candles": 15_533, "gaps": 6_670, "missing": 27_657}),
        ("multi-1d/binance-LINKUSDT-1d-2017_2026.parquet", {"candles": 2_661, "gaps": 0, "outliers": 1}),
    ],
)  # fmt: skip
def test_real_files_have_the_facts_that_are_known_of_them(file, facts, market_data):
    (history,) = load_histories(market_data / file).values()
    certificate = certify(history).as_json()
    assert {key: certificate[key] for key in facts} == facts


def test_a_bad_print_is_found(market_data):
    (history,) = load_histories(market_data / "dirty/bitfinex-BTCUSD-1m-2013_04.parquet").values()
    times = history.candles.index.asi8
    certificate = certify(history)
    assert certificate.outliers >= 1
    assert certificate.first_outlier_ms in times


def test_public_dumps_are_joined_by_market(market_data):
    histories = load_histories(market_data / "binance-dump", symbols=["ETH/USDT"])
    assert len(histories["ETH/USDT"].candles) == 2_880
