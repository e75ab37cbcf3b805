"""What every candle source promises through the handler, checked on a replay; arguments that make no sense."""

from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from app.config.models import ExchangeConfig
from app.core.clock import ManualClock
from app.data.handler import CryptoDataHandler
from app.data.synthetic import START_MS
from app.domain.errors import ConfigError, DataError


@pytest.fixture
def handler(csv_of, market) -> CryptoDataHandler:
    replay = {"file": str(csv_of(market)), "speed": 0, "start": "2025-01-01T04:00:00Z"}
    return CryptoDataHandler(ExchangeConfig.model_validate({"name": "replay", "replay": replay}))


def test_a_frame_has_float_columns_and_an_increasing_index_in_utc(handler):
    frame = handler.get_historical_data("BTC/USDT", "1m", limit=30)
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert {str(kind) for kind in frame.dtypes} == {"float64"}
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert str(frame.index.tz) == "UTC"
    assert frame.index.is_monotonic_increasing
    assert len(frame) == 30
    pd.testing.assert_series_equal(handler.get_latest_bar("BTC/USDT", "1m"), frame.iloc[-1])


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(datetime(2025, 1, 1, 1, 0), id="naive means UTC"),  # noqa: DTZ001  the case itself
        pytest.param(datetime(2025, 1, 1, 1, 0, tzinfo=UTC), id="aware"),
        pytest.param(datetime(2025, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=2))), id="another zone"),
        pytest.param("2025-01-01T01:00:00", id="text"),
        pytest.param("2025-01-01T01:00:00Z", id="text with a zone"),
    ],
)
def test_a_range_begins_at_its_start_and_ends_before_its_end(handler, start):
    frame = handler.get_historical_data("BTC/USDT", "1m", start_date=start, end_date="2025-01-01T01:10")
    assert [time.minute for time in frame.index] == list(range(10))
    newest = handler.get_historical_data("BTC/USDT", "1m", start_date=start, end_date="2025-01-01T01:10", limit=3)
    assert [time.minute for time in newest.index] == [7, 8, 9]


def test_an_empty_range_is_an_empty_frame_of_the_same_shape(handler):
    frame = handler.get_historical_data("BTC/USDT", "1m", start_date="2025-01-01T02:00", end_date="2025-01-01T01:00")
    assert frame.empty
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert str(frame.index.tz) == "UTC"


def test_a_clock_of_ones_own_decides_what_is_closed(csv_of, market):
    settings = ExchangeConfig.model_validate({"name": "replay", "replay": {"file": str(csv_of(market)), "speed": 0}})
    handler = CryptoDataHandler(settings, clock=ManualClock(START_MS))
    assert handler.clock.now_ms() == START_MS
    with pytest.raises(DataError, match="no closed candle yet"):
        handler.get_latest_bar("BTC/USDT", "1m")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        pytest.param({"limit": 0}, DataError, "limit is 0", id="no candles"),
        pytest.param({"start_date": "soon"}, DataError, "start_date 'soon' is no date", id="no date"),
        pytest.param({"timeframe": "7m"}, ConfigError, "'7m' is not known", id="no timeframe"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(handler, arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        handler.get_historical_data(**{"symbol": "BTC/USDT", "timeframe": "1m", **arguments})
