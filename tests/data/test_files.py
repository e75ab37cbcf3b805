"""Reading candle files of every kind, clean and dirty."""

import gzip
import hashlib
import zipfile

import numpy as np
import pandas as pd
import pytest

from app.data.files import read_candles
from app.domain.errors import DataError

HEADER = "open_time,open,high,low,close,volume\n"
ROW = "{time},1.5,2,1,1.75,10\n"
START_MS = 1_735_689_600_000
MINUTE_MS = 60_000


def rows(*minutes, factor=1):
    return "".join(ROW.format(time=(START_MS + minute * MINUTE_MS) * factor) for minute in minutes)


def dump_row(minute, factor=1):
    time = (START_MS + minute * MINUTE_MS) * factor
    return f"{time},1.5,2,1,1.75,10,{time + 59_999},15,3,5,7,0\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEADER + rows(0, 1, 2), id="header, ms"),
        pytest.param(rows(0, 1, 2), id="no header, six columns"),
        pytest.param(rows(0, 1, 2, factor=1000), id="microseconds"),
        pytest.param(rows(0, 1) + rows(2, factor=1000), id="the unit changes within the file"),
        pytest.param("".join(dump_row(i) for i in range(3)), id="Binance dump without header"),
        pytest.param("".join(dump_row(i, 1000) for i in range(3)), id="Binance dump in microseconds"),
        pytest.param("\ufeff" + HEADER + rows(0, 1, 2) + "\n\n", id="byte order mark, blank lines at the end"),
        pytest.param(HEADER.replace("\n", "\r\n") + rows(0, 1, 2).replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(
            "Date,Close,Open,High,Low,Volume\n"
            + "".join(f"2025-01-01T00:0{i}:00Z,1.75,1.5,2,1,10\n" for i in range(3)),
            id="ISO dates, other order and case",
        ),
        pytest.param(
            "date,open,high,low,close,volume\n" + "".join(f"2025-01-01 00:0{i},1.5,2,1,1.75,10\n" for i in range(3)),
            id="dates without a zone are UTC",
        ),
    ],
)
@pytest.mark.parametrize("packing", ["plain", "zip", "gz"])
def test_a_csv_file_is_read_whatever_its_dialect_and_packing(tmp_path, text, packing):
    path = tmp_path / f"candles.{packing}"
    if packing == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("candles.csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode()) if packing == "gz" else text.encode())
    candles, quality = read_candles(path)
    assert candles.times.tolist() == [START_MS + i * MINUTE_MS for i in range(3)]
    assert candles.ohlcv.tolist() == [[1.5, 2.0, 1.0, 1.75, 10.0]] * 3
    assert (quality.candles, quality.missing, quality.impossible) == (3, 0, 0)
    assert quality.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("form", ["times in a column", "times in the index", "times as ms"])
def test_a_parquet_file_is_read(tmp_path, market, form):
    frame = market
    if form != "times in the index":
        frame = frame.reset_index(names="open_time")
    if form == "times as ms":
        frame["open_time"] = pd.DatetimeIndex(frame["open_time"]).as_unit("ms").asi8
    frame.to_parquet(tmp_path / "candles.parquet")
    pd.testing.assert_frame_equal(read_candles(tmp_path / "candles.parquet")[0].frame(), market)


def test_prices_in_a_csv_file_are_read_to_the_last_bit(csv_of, market):
    frame = market * (1 / 3)
    pd.testing.assert_frame_equal(read_candles(csv_of(frame))[0].frame(), frame, check_exact=True)


def test_a_dirty_file_is_put_in_order_and_its_dirt_is_counted(tmp_path):
    other = ROW.format(time=START_MS + 4 * MINUTE_MS).replace("1.75", "1.25")
    bad = f"{START_MS + 5 * MINUTE_MS},1.5,1,2,1.75,10\n"
    empty = f"{START_MS + 6 * MINUTE_MS},1.5,2,1,,10\n"
    idle = f"{START_MS + 9 * MINUTE_MS},1.5,1.5,1.5,1.5,0\n"
    stray = f"{START_MS + 90_500},1.5,2,1,1.75,10\n"
    path = tmp_path / "dirty.csv"
    path.write_text(HEADER + rows(2, 0, 1, 1, 4) + other + bad + empty + stray + rows(7, 8) + idle)
    candles, quality = read_candles(path)
    assert ((candles.times - START_MS) // MINUTE_MS).tolist() == [0, 1, 2, 4, 7, 8, 9]
    assert candles.ohlcv[3, 3] == 1.25
    assert (quality.missing, quality.holes) == (3, 2)
    assert (quality.duplicates, quality.conflicts, quality.out_of_order, quality.impossible) == (1, 1, 2, 3)
    assert quality.zero_volume_share == pytest.approx(1 / 7)
    assert "3 missing, 1 duplicated, 1 contradicting, 2 out of order, 3 impossible" in quality.text()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "line 1 is empty", id="empty"),
        pytest.param(
            (HEADER + rows(0) + "1735689660000,x,2,1,1.75,10\n").encode(), "line 3, column 'open' holds 'x'", id="text"
        ),
        pytest.param((HEADER + rows(0) + "soon,1,2,1,1.75,10\n").encode(), "line 3, the time is 'soon'", id="time"),
        pytest.param((rows(0) + "1,2,3,4,5,6,7,8\n").encode(), "line 2", id="too many cells"),
        pytest.param(b"1,2,3,4,5,6,7,8\n", "8 columns and no header", id="trades"),
        pytest.param(b"open_time,price\n1,2\n", "column open, high, low, close, volume is missing", id="columns"),
        pytest.param(b"a,b\n1,2\n", "open_time, open.*there are a, b", id="no time column"),
        pytest.param(b"PAR1garbage", "no readable Parquet file", id="Parquet"),
        pytest.param(b"PK\x03\x04garbage", "archive is damaged", id="zip"),
        pytest.param(b"\x1f\x8bgarbage", "archive is damaged", id="gz"),
    ],
)
def test_a_file_that_holds_no_candles_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "candles.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence) as refusal:
        read_candles(path)
    assert "candles.bin" in str(refusal.value)


def test_a_missing_file_and_a_crowded_archive_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_candles(tmp_path / "absent.csv")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    with pytest.raises(DataError, match="holds 2 files"):
        read_candles(tmp_path / "two.zip")


@pytest.mark.parametrize(
    ("name", "candles", "missing"),
    [
        pytest.param("crash-2021-05/binance-BTCUSDT-1m-2021_05.parquet", 42_915, 284, id="crash"),
        pytest.param("dirty/bitfinex-BTCUSD-1m-2013_04.parquet", 15_533, 27_657, id="bad prints, sparse"),
        pytest.param("dirty/bitfinex-BTCUSD-1m-2016_08.parquet", None, None, id="no trading for eight days"),
        pytest.param("binance-dump/BTCUSDT-1m-2022-11-08.csv", 1_440, 0, id="dump with header"),
        pytest.param("binance-dump/ETHUSDT-1m-2022-05-11.csv", 1_440, 0, id="dump without header"),
        pytest.param("binance-dump/spot-klines-BTCUSDT-1h-2024-10-28.zip", 24, 0, id="zipped without header"),
        pytest.param("binance-dump/futures-um-klines-BTCUSDT-1h-2024-10-28.zip", 24, 0, id="zipped with header"),
    ],
)
def test_real_files_are_read_completely(market_data, name, candles, missing):
    found, quality = read_candles(market_data / name)
    assert np.all(np.diff(found.times) > 0)
    assert (quality.duplicates, quality.conflicts, quality.out_of_order, quality.impossible) == (0, 0, 0, 0)
    if candles is not None:
        assert (quality.candles, quality.missing) == (candles, missing)


def test_a_real_file_of_trades_is_refused(market_data):
    with pytest.raises(DataError, match="8 columns and no header"):
        read_candles(market_data / "binance-dump/spot-PEPEUSDT-aggTrades-2024-10-27.zip")


@pytest.mark.parametrize(
    "time",
    ["inf", "1e30", "20250101", "-5", "9999999999999999999999"],
    ids=["inf", "1e30", "a date as a number", "negative", "huge"],
)
def test_a_time_that_is_none_is_refused_with_its_line(tmp_path, time):
    path = tmp_path / "candles.csv"
    path.write_text(f"open_time,open,high,low,close,volume\n1735689600000,1,1,1,1,1\n{time},1,1,1,1,1\n")
    with pytest.raises(DataError, match="line 3"):
        read_candles(path)


def test_a_file_without_columns_is_refused(tmp_path):
    path = tmp_path / "candles.parquet"
    pd.DataFrame().to_parquet(path)
    with pytest.raises(DataError, match=r"candles\.parquet"):
        read_candles(path)


def test_an_encrypted_archive_is_refused(tmp_path):
    path = tmp_path / "candles.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("candles.csv", "1735689600000,1,1,1,1,1\n")
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1  # "this entry is encrypted"
    path.write_bytes(content)
    with pytest.raises(DataError, match="unpack it first"):
        read_candles(path)


@pytest.mark.parametrize(
    "time", ["soon", "01/02/2025", "13:00"], ids=["a word", "a date that means two things", "an hour"]
)
def test_a_column_of_texts_that_are_no_iso_dates_is_refused(tmp_path, time):
    path = tmp_path / "candles.csv"
    path.write_text(f"open_time,open,high,low,close,volume\n{time},1,1,1,1,1\n")
    with pytest.raises(DataError, match="line 2"):
        read_candles(path)
