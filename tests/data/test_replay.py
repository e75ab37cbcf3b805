"""Replaying a file: only what is closed at the replayed moment is visible."""

import itertools
import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.models import ExchangeConfig, MarketConfig, ReplayConfig
from app.core.window import inspect_window
from app.data.candles import Candles
from app.data.handler import CryptoDataHandler
from app.data.replay import ReplaySource
from app.data.synthetic import START_MS
from app.domain.errors import ConfigError, DataError
from app.domain.timeframe import Timeframe

MINUTE = Timeframe.parse("1m")
SYMBOL = "BTC/USDT"
NEVER = threading.Event()


def source_of(path, *, timeframe=MINUTE, speed=0, start=None, end=None, **more):
    config = ReplayConfig(file=str(path), speed=speed, start=start, end=end)
    return ReplaySource(config, MarketConfig(), timeframe, **more)


def handler_of(source):
    settings = ExchangeConfig.model_validate({"name": "replay", "replay": {"file": "given as a source"}})
    return CryptoDataHandler(settings, source=source)


def minute(number):
    return START_MS + number * MINUTE.ms


def test_a_replay_begins_with_the_first_full_window_and_ends_with_the_last_candle(csv_of, market):
    source = source_of(csv_of(market), window=40)
    assert source.clock.now_ms() == minute(40)
    assert len(handler_of(source).get_historical_data(SYMBOL, "1m", limit=100)) == 40
    source.clock.wait_until(minute(10_000), NEVER)
    assert (source.clock.now_ms(), source.clock.ended()) == (minute(300), True)
    assert len(handler_of(source).get_historical_data(SYMBOL, "1m", limit=1000)) == 300


def test_a_candle_becomes_visible_at_its_close_not_a_millisecond_before(csv_of, market):
    source = source_of(csv_of(market), window=10)
    handler = handler_of(source)
    source.clock.wait_until(minute(11) - 1, NEVER)
    assert handler.get_latest_bar(SYMBOL, "1m").name == market.index[9]
    source.clock.wait_until(minute(11), NEVER)
    assert handler.get_latest_bar(SYMBOL, "1m").name == market.index[10]


@pytest.mark.parametrize(
    ("settings", "begin", "end"),
    [
        pytest.param({"window": 5}, 5, 300, id="a window"),
        pytest.param({"window": 1000}, 300, 300, id="a window longer than the file"),
        pytest.param({"start": "2025-01-01T01:00:00Z", "window": 5}, 60, 300, id="a start"),
        pytest.param({"start": "2025-01-01T02:00:00+01:00"}, 60, 300, id="a start in another zone"),
        pytest.param({"end": "2025-01-01T02:00", "window": 5}, 5, 120, id="an end, naive means UTC"),
        pytest.param({"start_ms": minute(77), "start": "2025-01-01T01:00", "window": 5}, 77, 300, id="a restart"),
    ],
)
def test_the_first_and_the_last_moment(csv_of, market, settings, begin, end):
    clock = source_of(csv_of(market), **settings).clock
    assert clock.now_ms() == minute(begin)
    clock.wait_until(minute(1_000_000), NEVER)
    assert clock.now_ms() == minute(end)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"start": "yesterday"}, r"replay\.start 'yesterday' is no moment", id="no moment"),
        pytest.param({"start": "2024-01-01"}, "outside.*2025-01-01T00:00:00.*2025-01-01T05:00:00", id="before"),
        pytest.param({"end": "2026-01-01"}, r"replay\.end '2026-01-01' is outside", id="after"),
        pytest.param({"timeframe": Timeframe.parse("1s")}, "holds 1m candles, of which 1s", id="finer"),
        pytest.param({"timeframe": Timeframe.parse("1w")}, "too short for one 1w candle", id="longer than the file"),
    ],
)
def test_settings_that_do_not_fit_the_file_are_refused(csv_of, market, settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        source_of(csv_of(market), **settings)


def test_a_file_of_an_unknown_spacing_or_of_one_candle_is_refused(csv_of, market):
    with pytest.raises(ConfigError, match="a candle every 420 s"):
        source_of(csv_of(market.iloc[::7]))
    with pytest.raises(DataError, match="holds 1 candles: a replay needs at least 2"):
        source_of(csv_of(market.iloc[:1], "one.csv"))


def test_a_five_minute_file_gives_no_three_minute_candles(csv_of, market):
    source = source_of(csv_of(market.iloc[::5]), timeframe=Timeframe.parse("5m"))
    with pytest.raises(ConfigError, match="holds 5m candles, of which 3m candles cannot be made"):
        handler_of(source).get_historical_data(SYMBOL, "3m", limit=1)


def test_longer_candles_are_made_of_the_files_and_an_unfinished_one_is_not_shown(csv_of, market):
    source = source_of(csv_of(market.iloc[3:]), window=30)
    frame = handler_of(source).get_historical_data(SYMBOL, "5m", limit=100)
    expected = (
        market.iloc[5:30]
        .resample("5min")
        .agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    )
    assert source.clock.now_ms() == minute(33)
    pd.testing.assert_frame_equal(
        frame, expected, check_freq=False, check_names=False, check_index_type=False, check_column_type=False
    )


def test_a_longer_candle_needs_every_shorter_one(csv_of, market):
    source = source_of(csv_of(market.drop(market.index[7:12])))
    source.clock.wait_until(minute(22), NEVER)
    frame = handler_of(source).get_historical_data(SYMBOL, "5m")
    assert [time.minute for time in frame.index] == [0, 15]
    assert frame["close"].iloc[1] == market["close"].iloc[19]
    assert frame["volume"].iloc[1] == pytest.approx(market["volume"].iloc[15:20].sum())


@pytest.mark.parametrize("moment", [minute(-1), minute(301)], ids=["before the file", "after the file"])
def test_a_database_that_stands_outside_of_the_file_is_refused(csv_of, market, moment):
    with pytest.raises(ConfigError, match="this database stands at .* choose another db_path"):
        source_of(csv_of(market), start_ms=moment)


def test_a_price_tick_that_would_invent_prices_is_refused(csv_of, market):
    cheap = market.assign(**{name: market[name] * 1e-10 for name in ("open", "high", "low", "close")})
    with pytest.raises(ConfigError, match="price_tick 0.01 is too coarse"):
        source_of(csv_of(cheap))


def test_weeks_begin_on_monday():
    days = np.arange(30, dtype=np.int64) * 86_400_000 + START_MS
    weeks = Candles(days, np.ones((30, 5))).aggregate(Timeframe.parse("1w"))
    assert {pd.Timestamp(int(time), unit="ms").day_name() for time in weeks.times} == {"Monday"}


def test_a_scaled_replay_moves_by_itself(csv_of, market):
    source = source_of(csv_of(market), speed=6_000, window=10)
    source.clock.wait_until(minute(15), NEVER)
    assert len(handler_of(source).get_historical_data(SYMBOL, "1m")) >= 15


def test_any_name_is_the_files_market_and_the_settings_say_what_it_allows(csv_of, market):
    instrument = handler_of(source_of(csv_of(market))).instrument("ETH/EUR")
    assert (instrument.symbol, str(instrument.price_tick), str(instrument.quantity_step)) == (
        "ETH/EUR",
        "0.01",
        "0.00001",
    )


def test_what_is_done_to_a_frame_does_not_reach_the_next_one(csv_of, market):
    handler = handler_of(source_of(csv_of(market), window=50))
    first = handler.get_historical_data(SYMBOL, "1m", limit=50)
    first.loc[:, "close"] = -1.0
    assert (handler.get_historical_data(SYMBOL, "1m", limit=50)["close"] > 0).all()


@given(moments=st.lists(st.integers(0, 310 * MINUTE.ms), min_size=1, max_size=12), limit=st.integers(1, 50))
def test_nothing_of_the_future_is_ever_visible(tmp_path_factory, moments, limit):
    times = np.arange(300, dtype=np.int64) * MINUTE.ms + START_MS
    path = tmp_path_factory.getbasetemp() / "future.parquet"
    if not path.exists():
        table = {"open_time": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(300))}
        pd.DataFrame(table).to_parquet(path)
    source = source_of(path)
    for moment in sorted(moments):
        source.clock.wait_until(START_MS + moment, NEVER)
        frame = handler_of(source).get_historical_data(SYMBOL, "1m", limit=limit)
        closed = times[times + MINUTE.ms <= source.clock.now_ms()]
        assert (pd.DatetimeIndex(frame.index).as_unit("ms").asi8 == closed[-limit:]).all()


def test_a_window_of_a_million_candles_answers_at_once(tmp_path):
    times = np.arange(1_000_000, dtype=np.int64) * MINUTE.ms + START_MS
    table = {"open_time": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(1_000_000))}
    pd.DataFrame(table).to_parquet(tmp_path / "million.parquet")
    handler = handler_of(source_of(tmp_path / "million.parquet", window=900_000))
    durations = []
    for _ in range(200):
        begin = time.perf_counter()
        handler.get_historical_data(SYMBOL, "1m", limit=100)
        durations.append(time.perf_counter() - begin)
    assert sorted(durations)[100] < 0.005  # measured: 0.2 ms; the margin is for a busy machine


def test_the_real_crash_plays_to_its_end_and_its_hole_stays_a_hole(market_data):
    path = market_data / "crash-2021-05" / "binance-BTCUSDT-1m-2021_05.parquet"
    source = source_of(path, start="2021-04-25T03:59:00", end="2021-04-25T08:50:00")
    handler, missing = handler_of(source), []
    for _ in itertools.takewhile(lambda _: not source.clock.ended(), itertools.count()):
        frame = handler.get_historical_data(SYMBOL, "1m", limit=40)
        window = inspect_window(frame, MINUTE, source.clock.now_ms())
        missing.append((window.missing, window.late))
        source.clock.wait_until(MINUTE.next_close(source.clock.now_ms()), NEVER)
    assert missing[:2] == [(0, 0), (0, 0)]
    assert max(late for _, late in missing) == 284
    assert missing[-1] == (284, 0)
